#include "common/rpc/service_main.h"
#include "services/suppliers/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "suppliers", nisi::suppliers::Open);
}
