#include "common/rpc/principals.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/strict_json.h"
#include "common/rpc/subjects.h"

namespace nisi::rpc {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 4;
constexpr std::array kMembers = {"subject", "bin", "roles", "regions", "purpose"};

absl::StatusOr<Caller> ReadCaller(const json& entry) {
  if (!entry.is_object()) {
    return absl::InvalidArgumentError("not an object");
  }
  for (const auto& [name, value] : entry.items()) {
    if (std::find(kMembers.begin(), kMembers.end(), name) == kMembers.end()) {
      return absl::InvalidArgumentError(absl::StrCat("unknown member ", name));
    }
  }
  Caller caller;
  const std::optional<std::string> subject = StringAt(entry, "subject");
  if (!subject) {
    return absl::InvalidArgumentError("no subject");
  }
  if (IsReservedSubject(*subject)) {
    return absl::InvalidArgumentError("subject: kept for the system itself");
  }
  caller.subject = *subject;
  RETURN_IF_ERROR(ReadRights(entry, caller));
  return caller;
}

}  // namespace

absl::StatusOr<Principals> Principals::Parse(absl::string_view text) {
  ASSIGN_OR_RETURN(const json document, ParseStrictJson(text, kMaxDepth));
  Principals principals;
  for (const auto& [id, entry] : document.items()) {
    if (!absl::StartsWith(id, "spiffe://")) {
      return absl::InvalidArgumentError(absl::StrCat(id, ": not a SPIFFE id"));
    }
    absl::StatusOr<Caller> caller = ReadCaller(entry);
    if (!caller.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(id, ": ", caller.status().message()));
    }
    principals.callers_.emplace(id, std::make_shared<const Caller>(*std::move(caller)));
  }
  return principals;
}

std::shared_ptr<const Caller> Principals::Find(absl::string_view spiffe_id) const {
  const auto found = callers_.find(spiffe_id);
  return found == callers_.end() ? nullptr : found->second;
}

}  // namespace nisi::rpc
