#include "tools/nisi/packages.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

// The single list of packages. Naming a message also makes the linker keep its file's descriptors.
std::vector<const FileDescriptor*> Files() {
  return {
      nisi::priority_goods::v1::CheckGoodsRequest::descriptor()->file(),
      nisi::disclosure::v1::Permit::descriptor()->file(),
      nisi::industry_map::v1::GetProjectRequest::descriptor()->file(),
      nisi::industry_map::v1::GetPlaceRequest::descriptor()->file(),
      nisi::suppliers::v1::CheckDomesticRequest::descriptor()->file(),
      nisi::clusters::v1::GetClusterRequest::descriptor()->file(),
      nisi::clusters::v1::GetSupportRequest::descriptor()->file(),
      nisi::grants::v1::GetApplicationRequest::descriptor()->file(),
      nisi::grants::v1::GetAgreementRequest::descriptor()->file(),
      nisi::export_refunds::v1::GetClaimRequest::descriptor()->file(),
      nisi::contracts::v1::GetCycleRequest::descriptor()->file(),
      nisi::contracts::v1::GetContractRequest::descriptor()->file(),
      nisi::journal::v1::Entry::descriptor()->file(),
      nisi::store::v1::Backup::descriptor()->file(),
  };
}

std::vector<Service> Collect() {
  std::vector<Service> services;
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* part = file->service(i);
      Service service;
      service.name = part->options().GetExtension(nisi::rpc::v1::service).owner();
      service.standard = service.name.empty();
      if (service.standard) {
        service.name = Kebab(absl::StripSuffix(part->name(), "Service"));
      }
      auto same = [&](const Service& other) { return other.name == service.name; };
      auto found = std::find_if(services.begin(), services.end(), same);
      if (found == services.end()) found = services.insert(found, service);
      found->parts.push_back(part);
    }
  }
  return services;
}

}  // namespace

const std::vector<Service>& Services() {
  static const auto& services = *new std::vector<Service>(Collect());
  return services;
}

const Service* FindService(absl::string_view name) {
  for (const Service& service : Services()) {
    if (service.name == name) return &service;
  }
  return nullptr;
}

std::vector<const MethodDescriptor*> MethodsOf(const Service& service) {
  std::vector<const MethodDescriptor*> methods;
  for (const auto* part : service.parts) {
    for (int i = 0; i < part->method_count(); ++i) methods.push_back(part->method(i));
  }
  return methods;
}

const MethodDescriptor* FindMethod(const Service& service, absl::string_view name) {
  for (const MethodDescriptor* method : MethodsOf(service)) {
    if (Kebab(method->name()) == name) return method;
  }
  return nullptr;
}

std::vector<std::string> Owners() {
  std::vector<std::string> owners;
  for (const Service& service : Services()) {
    if (!service.standard) owners.push_back(service.name);
  }
  return owners;
}

const nisi::rpc::v1::Policy& PolicyOf(const MethodDescriptor& method) {
  return method.options().GetExtension(nisi::rpc::v1::policy);
}

std::string PathOf(const MethodDescriptor& method) {
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

}  // namespace nisi::cli
