#include "tests/fuzz/message_types.h"

#include <algorithm>

#include "grpc/health/v1/health.pb.h"
#include "nisi/clusters/v1/service.pb.h"
#include "nisi/clusters/v1/supports.pb.h"
#include "nisi/contracts/v1/contracts_service.pb.h"
#include "nisi/contracts/v1/planning_service.pb.h"
#include "nisi/export_refunds/v1/service.pb.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/grants/v1/service.pb.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/rpc/v1/options.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;

void AddServices(const FileDescriptor& file, std::vector<RequestType>* types) {
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) {
      const auto* method = file.service(s)->method(m);
      const RequestType type{method->input_type(),
                             method->options().GetExtension(rpc::v1::policy).mutation()};
      const bool known = std::any_of(types->begin(), types->end(), [&](const RequestType& other) {
        return other.descriptor == type.descriptor;
      });
      if (!known) types->push_back(type);
    }
  }
}

}  // namespace

const std::vector<RequestType>& RequestTypes() {
  static const auto* const kTypes = [] {
    auto* types = new std::vector<RequestType>;
    // Forms first and the services by age, so that a new method moves the fewest stored inputs.
    types->push_back({testing::v1::FormSample::descriptor(), false});
    types->push_back({testing::v1::UpdateWidgetRequest::descriptor(), true});
    types->push_back({priority_goods::v1::Entry::descriptor(), false});
    types->push_back({grpc::health::v1::HealthCheckRequest::descriptor(), false});
    AddServices(*testing::v1::FormSample::descriptor()->file(), types);
    AddServices(*journal::v1::Entry::descriptor()->file(), types);
    AddServices(*priority_goods::v1::CreateEntryRequest::descriptor()->file(), types);
    AddServices(*industry_map::v1::GetProjectRequest::descriptor()->file(), types);
    AddServices(*industry_map::v1::GetPlaceRequest::descriptor()->file(), types);
    AddServices(*suppliers::v1::CreateOfferRequest::descriptor()->file(), types);
    AddServices(*clusters::v1::GetClusterRequest::descriptor()->file(), types);
    AddServices(*clusters::v1::GetSupportRequest::descriptor()->file(), types);
    AddServices(*grants::v1::GetApplicationRequest::descriptor()->file(), types);
    AddServices(*grants::v1::GetAgreementRequest::descriptor()->file(), types);
    AddServices(*export_refunds::v1::GetClaimRequest::descriptor()->file(), types);
    AddServices(*contracts::v1::GetCycleRequest::descriptor()->file(), types);
    AddServices(*contracts::v1::GetContractRequest::descriptor()->file(), types);
    return types;
  }();
  return *kTypes;
}

std::unique_ptr<google::protobuf::Message> NewMessage(const Descriptor& type) {
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<google::protobuf::Message>(factory->GetPrototype(&type)->New());
}

}  // namespace nisi::fuzz
