#include "common/rpc/service_main.h"
#include "services/priority_goods/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "priority-goods", nisi::priority_goods::Open);
}
