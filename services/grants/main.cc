#include "common/rpc/service_main.h"
#include "services/grants/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "grants", nisi::grants::Open);
}
