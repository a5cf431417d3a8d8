#include "common/rpc/policy.h"

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/rpc/scope.h"

namespace nisi::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

absl::Status Bad(const google::protobuf::MethodDescriptor& method, absl::string_view what) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "POLICY_INVALID",
                       absl::StrCat(method.full_name(), ": ", what));
}

}  // namespace

absl::StatusOr<MethodPolicy> MethodPolicy::Of(const google::protobuf::MethodDescriptor& method) {
  if (!method.options().HasExtension(v1::policy)) return Bad(method, "has no policy");
  const v1::Policy& declared = method.options().GetExtension(v1::policy);
  MethodPolicy policy;
  policy.descriptor = &method;
  policy.path = absl::StrCat("/", method.service()->full_name(), "/", method.name());
  for (const int role : declared.roles()) {
    if (role == v1::ROLE_UNSPECIFIED) return Bad(method, "names no role");
    policy.roles |= base::RoleBit(static_cast<Role>(role));
    policy.is_public = policy.is_public || role == v1::PUBLIC;
  }
  if (policy.roles == 0) return Bad(method, "names no role");
  policy.mutation = declared.mutation();
  policy.unscoped = !declared.unscoped().empty();
  policy.non_blocking = declared.non_blocking();
  policy.discloses = declared.discloses();
  policy.reveal = method.input_type()->FindFieldByName("reveal");
  if (policy.reveal != nullptr && (policy.reveal->cpp_type() != FieldDescriptor::CPPTYPE_BOOL ||
                                   policy.reveal->is_repeated() || !policy.discloses)) {
    return Bad(method, "has a reveal that is no bool, or discloses nothing");
  }
  if (policy.discloses &&
      (policy.mutation || method.client_streaming() || method.server_streaming())) {
    return Bad(method, "discloses: only the answers to readings do, not streams or changes");
  }
  policy.deadline =
      declared.deadline_ms() == 0 ? kDefaultDeadline : absl::Milliseconds(declared.deadline_ms());
  policy.max_request_bytes =
      declared.max_request_bytes() == 0 ? kMaxRequestBytes : declared.max_request_bytes();
  if (policy.mutation && policy.is_public) return Bad(method, "lets anybody change records");
  policy.request_id = method.input_type()->FindFieldByName("request_id");
  if (policy.mutation && !method.client_streaming() &&
      (policy.request_id == nullptr ||
       policy.request_id->cpp_type() != FieldDescriptor::CPPTYPE_STRING ||
       policy.request_id->options().GetExtension(v1::field).format() != v1::UUID)) {
    return Bad(method, "changes records and has no request_id of format UUID");
  }
  const auto* validate_only = method.input_type()->FindFieldByName("validate_only");
  if (policy.mutation && validate_only != nullptr) {
    if (validate_only->cpp_type() != FieldDescriptor::CPPTYPE_BOOL || validate_only->is_repeated())
      return Bad(method, "has a validate_only that is no bool");
    policy.validate_only = validate_only;
  }
  policy.updates = method.input_type()->FindFieldByName("update_mask") != nullptr;
  if (!declared.bin_field().empty()) {
    policy.bin_path = FollowPath(*method.input_type(), declared.bin_field());
    if (policy.bin_path.empty()) return Bad(method, "bin_field leads nowhere");
  }
  if (!declared.region_field().empty()) {
    policy.region_path = FollowPath(*method.input_type(), declared.region_field());
    if (policy.region_path.empty()) return Bad(method, "region_field leads nowhere");
  }
  RETURN_IF_ERROR(CheckDescriptor(method.input_type()));
  return policy;
}

absl::Status CheckRoles(const MethodPolicy& policy, const Caller& caller) {
  if (policy.is_public || (policy.roles & caller.roles) != 0) return absl::OkStatus();
  if (!caller.anonymous()) return base::AccessDenied();
  return base::Refusal(absl::StatusCode::kUnauthenticated, "IDENTITY_REQUIRED",
                       "Sign in to call this method.");
}

// A caller with several roles is judged by each role on its own: one that admits the request is
// enough.
absl::Status CheckScope(const MethodPolicy& policy, const Caller& caller, const Message& request) {
  if (policy.bin_path.empty() && policy.region_path.empty()) return absl::OkStatus();
  if (base::Planted("scope-unchecked")) return absl::OkStatus();
  for (const Role role : AllRoles()) {
    if ((policy.roles & base::RoleBit(role)) == 0 || !caller.Has(role)) continue;
    const bool by_bin = role == v1::ENTITY || role == v1::CUSTOMER;
    if (by_bin && !policy.bin_path.empty() &&
        (caller.bin.empty() || TextsAt(request, policy.bin_path).front() != caller.bin)) {
      continue;
    }
    if (role == v1::AKIMAT && !policy.region_path.empty() &&
        !InRegions(caller, TextsAt(request, policy.region_path).front())) {
      continue;
    }
    return absl::OkStatus();
  }
  return base::AccessDenied();
}

absl::StatusOr<std::vector<MethodPolicy>> PoliciesOf(
    const google::protobuf::ServiceDescriptor& service) {
  if (!service.options().HasExtension(v1::service)) {
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "POLICY_INVALID",
                         absl::StrCat(service.full_name(), " does not say who owns it"));
  }
  std::vector<MethodPolicy> policies;
  for (int i = 0; i < service.method_count(); ++i) {
    ASSIGN_OR_RETURN(MethodPolicy policy, MethodPolicy::Of(*service.method(i)));
    policies.push_back(std::move(policy));
  }
  RETURN_IF_ERROR(CheckScopesDeclared(service));
  return policies;
}

std::string OwnerOf(const google::protobuf::ServiceDescriptor& service) {
  return service.options().GetExtension(v1::service).owner();
}

}  // namespace nisi::rpc
