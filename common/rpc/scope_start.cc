// Whether every method says for whom its scoped roles may call it. Runs once, at start.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/scope.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

absl::Status BadScope(const MethodDescriptor& method, absl::string_view what) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "POLICY_INVALID",
                       absl::StrCat(method.full_name(), ": ", what));
}

std::string Names(uint32_t roles) {
  std::vector<std::string> names;
  for (const Role role : AllRoles()) {
    if ((roles & base::RoleBit(role)) != 0) names.push_back(v1::Role_Name(role));
  }
  return absl::StrJoin(names, ", ");
}

// The pattern of a name's field; empty where it is none.
std::string PatternOf(const FieldDescriptor* field) {
  if (field == nullptr || field->type() != FieldDescriptor::TYPE_STRING || field->is_repeated() ||
      RuleOf(*field).format() != v1::RESOURCE_NAME) {
    return "";
  }
  return RuleOf(*field).resource();
}

// The scoped roles that the resources of a service's files tie to their records.
class Resources {
 public:
  absl::Status Add(const FileDescriptor& file) {
    if (!seen_.insert(&file).second) return absl::OkStatus();
    for (int i = 0; i < file.message_type_count(); ++i) RETURN_IF_ERROR(Add(*file.message_type(i)));
    for (int i = 0; i < file.dependency_count(); ++i) RETURN_IF_ERROR(Add(*file.dependency(i)));
    return absl::OkStatus();
  }

  // Of the one that a name of this pattern names. Where several types have such names, what all of
  // them tie.
  uint32_t Named(const std::string& pattern) const {
    const auto found = by_pattern_.find(pattern);
    return pattern.empty() || found == by_pattern_.end() ? 0 : found->second;
  }

 private:
  absl::Status Add(const Descriptor& message) {
    for (int i = 0; i < message.nested_type_count(); ++i) {
      RETURN_IF_ERROR(Add(*message.nested_type(i)));
    }
    if (!message.options().HasExtension(v1::resource)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Ties ties, Ties::Of(message));
    const FieldDescriptor* name = message.FindFieldByName("name");
    if (name == nullptr || !IsOwnName(*name)) return absl::OkStatus();
    const auto [known, fresh] = by_pattern_.try_emplace(PatternOf(name), ties.roles());
    if (!fresh) known->second &= ties.roles();
    return absl::OkStatus();
  }

  std::set<const FileDescriptor*> seen_;
  std::map<std::string, uint32_t> by_pattern_;
};

// The scoped roles that the record which a request names ties.
uint32_t TiedByName(const MethodDescriptor& method, const Resources& resources) {
  const Descriptor& request = *method.input_type();
  const auto named = [&](const Descriptor& message) {
    const FieldDescriptor* name = message.FindFieldByName("name");
    // A resource's own name is not yet one when it is made.
    const bool is_own = name != nullptr && IsOwnName(*name);
    return (is_own ? 0 : resources.Named(PatternOf(name))) |
           resources.Named(PatternOf(message.FindFieldByName("parent")));
  };
  uint32_t roles = named(request);
  for (int i = 0; i < request.field_count(); ++i) {
    const Descriptor* part = request.field(i)->message_type();
    if (part == nullptr || request.field(i)->is_repeated()) continue;
    const FieldDescriptor* name = part->FindFieldByName("name");
    if (IsUpdate(request) && name != nullptr && IsOwnName(*name)) {
      roles |= resources.Named(PatternOf(name));
    }
    if (method.client_streaming()) roles |= named(*part);  // its header
  }
  return roles;
}

// Those by which a closed resource is shown in a list.
uint32_t TiedByList(const MethodDescriptor& method) {
  const FieldDescriptor* items = method.output_type()->FindFieldByNumber(1);
  if (items == nullptr || !items->is_repeated() || items->message_type() == nullptr) return 0;
  const auto ties = Ties::Of(*items->message_type());
  return ties.ok() && ties->closed() ? ties->roles() : 0;
}

}  // namespace

absl::Status CheckScopesDeclared(const google::protobuf::ServiceDescriptor& service) {
  Resources resources;
  RETURN_IF_ERROR(resources.Add(*service.file()));
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const v1::Policy& policy = method.options().GetExtension(v1::policy);
    uint32_t untied = 0;
    for (const int role : policy.roles()) untied |= base::RoleBit(static_cast<Role>(role));
    untied = (untied & base::RoleBit(v1::PUBLIC)) != 0 ? 0 : untied & kScopedRoles;
    if (!policy.bin_field().empty())
      untied &= ~(base::RoleBit(v1::ENTITY) | base::RoleBit(v1::CUSTOMER));
    if (!policy.region_field().empty()) untied &= ~base::RoleBit(v1::AKIMAT);
    untied &= ~(TiedByName(method, resources) | TiedByList(method));
    if (untied != 0 && policy.unscoped().empty()) {
      return BadScope(method, absl::StrCat("admits ", Names(untied),
                                           " and neither ties a record to them nor says why not"));
    }
    // An excuse that excuses nothing would let in the next role unseen.
    if (untied == 0 && !policy.unscoped().empty()) {
      return BadScope(method, "says why it is unscoped, and is not");
    }
  }
  return absl::OkStatus();
}

}  // namespace nisi::rpc
