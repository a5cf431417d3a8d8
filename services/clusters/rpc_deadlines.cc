// What is to be done by which day: of one record, and what is late in all.
#include "common/base/codes.h"
#include "common/base/roles.h"
#include "common/cases/overdue.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

// Whether the caller may know what is owed about a record: by its ties, as the method ties nobody
// to it. A selection has none, so that it is for officials.
absl::Status CheckSeen(const store::Reader& reader, const Call& call, const std::string& name,
                       const store::At& at) {
  const auto numbered = [&](const auto& table, const char* pattern) -> absl::Status {
    ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, pattern, 0));
    return rpc::FindFor(reader, call, table, store::Key::Of(number), name, nullptr, at).status();
  };
  if (base::MatchResourceName("clusters/*", name).ok()) return numbered(kClusters, "clusters/*");
  if (base::MatchResourceName("selections/*", name).ok()) {
    return numbered(kSelections, "selections/*");
  }
  if (base::MatchResourceName("supports/*", name).ok()) {
    return rpc::FindFor(reader, call, kSupports, store::Key::Of(name), name, nullptr, at).status();
  }
  return base::InvalidField("parent", "is no selection, cluster or support");
}

}  // namespace

absl::StatusOr<v1::ListDeadlinesResponse> ListDeadlines(Env& env, Call& call,
                                                        const v1::ListDeadlinesRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  RETURN_IF_ERROR(CheckSeen(view, call, request.parent(), at));
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open,
                   cases::OpenDeadlines(view, request.parent(), at));
  v1::ListDeadlinesResponse response;
  *response.mutable_deadlines() = {open.begin(), open.end()};
  return response;
}

absl::StatusOr<Encoded<v1::ListOverdueResponse>> ListOverdue(
    Env& env, Call& call, const v1::ListOverdueRequest& request) {
  return cases::ListOverdue<v1::ListOverdueResponse>(*env.store, call, kOverdueDeadlines, request);
}

}  // namespace nisi::clusters
