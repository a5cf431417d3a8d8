#include "services/gateway/packages.h"

#include "nisi/clusters/v1/service.pb.h"
#include "nisi/clusters/v1/supports.pb.h"
#include "nisi/contracts/v1/contracts_service.pb.h"
#include "nisi/contracts/v1/planning_service.pb.h"
#include "nisi/disclosure/v1/disclosure.pb.h"
#include "nisi/export_refunds/v1/service.pb.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/grants/v1/service.pb.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/store/v1/store.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::gateway {

std::vector<const google::protobuf::ServiceDescriptor*> LinkedServices() {
  const google::protobuf::FileDescriptor* const files[] = {
      disclosure::v1::GetPermitRequest::descriptor()->file(),
      journal::v1::GetEntryRequest::descriptor()->file(),
      store::v1::CreateBackupRequest::descriptor()->file(),
      priority_goods::v1::CheckGoodsRequest::descriptor()->file(),
      industry_map::v1::GetProjectRequest::descriptor()->file(),
      industry_map::v1::GetPlaceRequest::descriptor()->file(),
      suppliers::v1::CheckDomesticRequest::descriptor()->file(),
      clusters::v1::GetClusterRequest::descriptor()->file(),
      clusters::v1::GetSupportRequest::descriptor()->file(),
      grants::v1::GetApplicationRequest::descriptor()->file(),
      grants::v1::GetAgreementRequest::descriptor()->file(),
      export_refunds::v1::GetClaimRequest::descriptor()->file(),
      contracts::v1::GetCycleRequest::descriptor()->file(),
      contracts::v1::GetContractRequest::descriptor()->file(),
  };
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const auto* file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      services.push_back(file->service(i));
    }
  }
  return services;
}

}  // namespace nisi::gateway
