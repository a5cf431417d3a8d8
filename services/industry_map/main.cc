#include "common/rpc/service_main.h"
#include "services/industry_map/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "industry-map", nisi::industry_map::Open);
}
