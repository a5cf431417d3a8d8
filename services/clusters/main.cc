#include "common/rpc/service_main.h"
#include "services/clusters/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "clusters", nisi::clusters::Open);
}
