#include "common/rpc/store_call.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/codes.h"
#include "common/base/planted.h"

namespace nisi::rpc {
namespace {

// NOT_FOUND for the record that a name leads to at the n-th star of its pattern: the name up to
// there, in the collection that stands before the star.
absl::Status NothingAt(absl::string_view name, absl::string_view pattern, size_t star) {
  const std::vector<absl::string_view> kinds = absl::StrSplit(pattern, '/');
  std::vector<absl::string_view> path = absl::StrSplit(name, '/');
  absl::string_view collection;
  size_t stars = 0;
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] != "*") {
      collection = kinds[i];
    } else if (stars++ == star) {
      path.resize(std::min(path.size(), i + 1));
      break;
    }
  }
  return base::NotFound(collection, absl::StrJoin(path, "/"));
}

}  // namespace

store::CommandInfo CommandOf(const Call& call) {
  store::CommandInfo info;
  info.actor = call.caller->subject;
  info.on_behalf_of = call.caller->bin;
  info.method = call.method->path;
  info.request_id = call.request_id;
  info.body_hash = call.body_hash;
  return info;
}

store::CommandInfo CommandOf(const Call& call, const google::protobuf::Message& request) {
  store::CommandInfo info = CommandOf(call);
  if (const auto* field = call.method->validate_only; field != nullptr)
    info.validate_only = request.GetReflection()->GetBool(request, field);
  info.keeps_same = call.method->updates;
  return info;
}

absl::Status CheckEtag(const std::string& given, const std::string& current) {
  if (base::Planted("etag-unchecked")) return absl::OkStatus();
  return given.empty() || given == current ? absl::OkStatus() : base::EtagMismatch(current);
}

absl::StatusOr<int32_t> NumberIn(const std::string& name, const std::string& pattern, size_t star) {
  const auto parts = base::MatchResourceName(pattern, name);
  int32_t number = 0;
  if (!parts.ok() || star >= parts->size() || (*parts)[star].front() == '0' ||
      !absl::SimpleAtoi((*parts)[star], &number) ||
      number < 1) {  // one name a record: no leading zeros
    return NothingAt(name, pattern, star);
  }
  return number;
}

}  // namespace nisi::rpc
