#include "common/rpc/service_main.h"
#include "services/export_refunds/service.h"

int main(int argc, char** argv) {
  return nisi::rpc::ServiceMain(argc, argv, "export-refunds", nisi::export_refunds::Open);
}
