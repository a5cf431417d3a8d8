#include "common/rpc/store_call.h"

#include "absl/strings/numbers.h"
#include "common/base/codes.h"

namespace nisi::rpc {

store::CommandInfo CommandOf(const Call& call, bool validate_only) {
  store::CommandInfo info;
  info.actor = call.caller->subject;
  info.on_behalf_of = call.caller->bin;
  info.method = call.method->path;
  info.request_id = call.request_id;
  info.body_hash = call.body_hash;
  info.validate_only = validate_only;
  return info;
}

absl::Status CheckEtag(const std::string& given, const std::string& current) {
  return given.empty() || given == current ? absl::OkStatus() : base::EtagMismatch(current);
}

absl::StatusOr<int32_t> NumberIn(const std::string& name, const std::string& pattern, size_t star) {
  const auto parts = base::MatchResourceName(pattern, name);
  int32_t number = 0;
  if (!parts.ok() || star >= parts->size() || (*parts)[star].front() == '0' ||
      !absl::SimpleAtoi((*parts)[star], &number) ||
      number < 1) {  // one name a record: no leading zeros
    return base::NotFound(pattern, name);
  }
  return number;
}

}  // namespace nisi::rpc
