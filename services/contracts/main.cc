#include "common/rpc/service_main.h"
#include "services/contracts/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "contracts", nisi::contracts::Open);
}
