// What the functions of this service work with, who may see what, and what their commands share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/cases/gate.h"
#include "common/cases/places.h"
#include "common/cases/rows.h"
#include "common/cases/step.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/rpc/resource.h"
#include "common/store/store.h"
#include "services/clusters/rules.h"
#include "services/clusters/rules_support.h"
#include "services/clusters/tables.h"

namespace nisi::clusters {

using cases::AllOf;
using cases::Need;
using cases::SetDecideTime;
using industry_map::v1::PlaceFact;

struct Env {
  store::Store* store = nullptr;
  const norms::Norms* norms = nullptr;
  cases::Gate* gate = nullptr;
  cases::AskLists ask_lists;  // the register of grants
  // Asks the registry of priority goods about the goods of a project on a day. Outside any
  // transaction; DEPENDENCY_NOT_ANSWERED.
  std::function<absl::StatusOr<GoodsOnList>(const rpc::Call&, const Support&, base::Date)>
      check_goods;
  // The industry map.
  cases::AskPlaces<PlaceFact> ask_places;
};

// ---- Who sees what (env.cc)

// The institute, the authority and auditors see what is not published.
bool IsInsider(uint32_t roles);

// For rpc::FindFor and lists.
bool SelectionVisible(const google::protobuf::Message& resource, uint32_t roles);
bool ApplicationVisible(const google::protobuf::Message& resource, uint32_t roles);
bool ClusterVisible(const google::protobuf::Message& resource, uint32_t roles);

// What is of a cluster is seen as the cluster is: NOT_FOUND where it is not.
absl::Status CheckClusterReadable(const Env& env, const rpc::Call& call, int32_t number,
                                  const store::At& at);

// Takes out of a record what is not its reader's to know beside confidential fields, which the call
// layer sees to: who its experts are; what is decided and not published. Whether anything was taken
// out.
bool Conceal(const rpc::Call& call, uint32_t roles, google::protobuf::Message* resource);

// An expert reads what it examines while it does, and no longer, not even as it was on another day:
// takes its role over a version of the past where it has none over the record today.
template <class Row>
absl::Status KeepExpertTie(const store::Reader& reader, const rpc::Call& call,
                           const store::Table<Row>& table, const store::Key& key,
                           const store::At& at, uint32_t* roles) {
  constexpr uint32_t kExpert = base::RoleBit(rpc::v1::EXPERT);
  if ((*roles & kExpert) == 0 || (!at.as_of.has_value() && !at.known_at_us.has_value())) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto now, reader.Find(table, key));
  if (!now.has_value() ||
      (rpc::TiesOfRow<Row>().RolesOver(*call.caller, rpc::ResourceIn(now->row)) & kExpert) == 0) {
    *roles &= ~kExpert;
  }
  return absl::OkStatus();
}

template <class Resource, class Row, class Request>
absl::StatusOr<rpc::Encoded<Resource>> GetShown(const Env& env, const rpc::Call& call,
                                                const store::Table<Row>& table,
                                                const store::Key& key, const Request& request,
                                                rpc::Visible visible = nullptr) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(view, call, table, key, request.name(), visible, at));
  const uint32_t roles = found.roles;  // none where a permit lets the caller read
  RETURN_IF_ERROR(KeepExpertTie(view, call, table, key, at, &found.roles));
  if (found.roles == 0 && roles != 0 && rpc::TiesOfRow<Row>().closed()) {
    return rpc::Missing(call, table.name, request.name());
  }
  auto* resource = found.row.GetReflection()->MutableMessage(
      &found.row, Row::descriptor()->FindFieldByNumber(1));
  Conceal(call, found.roles, resource);
  return rpc::Encoded<Resource>{resource->SerializeAsString()};
}

// `call` outlives the list.
template <class Resource>
std::function<rpc::Shown(google::protobuf::Message*)> ShowConcealed(const rpc::Call& call,
                                                                    rpc::Visible visible) {
  return [&call, visible](google::protobuf::Message* resource) {
    uint32_t roles = 0;
    if (!rpc::MaySee(call, rpc::TiesOf<Resource>(), *resource, visible, &roles)) {
      return rpc::Shown::kNo;
    }
    return Conceal(call, roles, resource) ? rpc::Shown::kChanged : rpc::Shown::kAsStored;
  };
}

// The same for what is closed and kept under its name, on a day or as known then. `env` too
// outlives the list.
template <class Resource, class Row>
std::function<rpc::Shown(google::protobuf::Message*)> ShowClosed(const Env& env,
                                                                 const rpc::Call& call,
                                                                 const store::Table<Row>& table,
                                                                 const store::At& at) {
  return [&env, &call, &table, at](google::protobuf::Message* resource) {
    uint32_t roles = 0;
    if (!rpc::MaySee(call, rpc::TiesOf<Resource>(), *resource, nullptr, &roles)) {
      return rpc::Shown::kNo;
    }
    const store::Key key = store::Key::Of(static_cast<Resource*>(resource)->name());
    if (!KeepExpertTie(env.store->Read(), call, table, key, at, &roles).ok() || roles == 0) {
      return rpc::Shown::kNo;
    }
    return Conceal(call, roles, resource) ? rpc::Shown::kChanged : rpc::Shown::kAsStored;
  };
}

// ---- Steps

// A step of a record that `name` names, by whoever has a role over it. `acts`: what was done with
// it beside its own steps.
template <class State, class Verb, class Row>
absl::StatusOr<cases::Step<Row>> BeginStep(const store::Tx& tx, const rpc::Call& call,
                                           const base::Machine<State, Verb>& machine, Verb verb,
                                           const store::Table<Row>& table, const store::Key& key,
                                           const std::string& name, const std::string& etag,
                                           std::vector<base::Acted> acts = {}) {
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, table, key, name));
  return cases::Begin(call, machine, verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag, .acts = std::move(acts)});
}

// An initiative whose application ended without a cluster is free again (APPLIED to DIAGNOSED), or
// became one (ADOPTED).
absl::Status Release(const Env& env, store::Tx& tx, const std::string& initiative,
                     std::optional<base::Date> day = std::nullopt);
absl::Status Adopt(const Env& env, store::Tx& tx, const std::string& initiative);

// Subjects of the experts of a selection who are not dismissed.
absl::StatusOr<std::set<std::string>> ExpertSubjects(const store::Reader& reader,
                                                     int32_t selection);

// BINs of an applicant: of all that it filed with, and of those its candidate has today, whom no
// filing names when its organization was changed meanwhile.
absl::StatusOr<std::set<std::string>> ApplicantToday(const store::Reader& reader,
                                                     const ApplicationRow& application);
// Subjects of the experts who may read what an applicant keeps confidential: they have declared
// their ties, and have none to it.
absl::StatusOr<std::set<std::string>> ReaderSubjects(const store::Reader& reader,
                                                     const ApplicationRow& application);
// Applications that wait for scores are tied to the experts of now, and their initiatives and
// diagnoses to those of them who may read these.
absl::Status TieToExperts(store::Tx& tx, int32_t selection);
// TieToExperts for the selection that a candidate stands in, if any.
absl::Status TieCandidate(store::Tx& tx, const Cluster& candidate);

// Whoever is an expert of a selection, be it dismissed, neither examines its applications nor
// closes its scoring nor decides on it: SEPARATION_OF_DUTIES.
absl::Status CheckNoExpert(const store::Reader& reader, int32_t selection,
                           const std::string& subject);

// ---- Clusters and members (members.cc)

// Opens the candidate of an admitted application, or brings the one it has up to its initiative.
// Returns its name.
absl::StatusOr<std::string> OpenCandidate(const Env& env, store::Tx& tx, const rpc::Call& call,
                                          const Initiative& initiative);
// Its members on a day.
absl::StatusOr<std::vector<MemberRow>> MembersOn(const store::Reader& reader, int32_t cluster,
                                                 base::Date day);
// Judges the composition as of `on` and sets it, with the count of members and the cure period, on
// the cluster, which the caller then puts. A composition below the minimum is so from the first day
// on which it was and stayed so. In a timer `on`, on which it became known at the latest, is not
// the day it runs on.
absl::Status Rejudge(const Env& env, store::Tx& tx, base::Date on, ClusterRow* row);
// Members were corrected from a past day on: what the register says of each day from then to
// yesterday follows. The cluster of today is the caller's.
absl::Status CorrectPast(const Env& env, store::Tx& tx, base::Date from, const ClusterRow& row);
// Amends every version of a cluster that holds on a day from `from` up to yesterday, each of which
// keeps what else it says. The cluster of today is the caller's.
absl::Status AmendPast(store::Tx& tx, base::Date from, int32_t cluster,
                       const std::function<void(ClusterRow*)>& amend);
// The composition of a cluster as it and its members were on a day.
absl::StatusOr<Decision> CompositionOn(const Env& env, const store::Tx& tx, const ClusterRow& row,
                                       base::Date day);
// What was told of a membership for days after the one from which it is put.
enum class Later { kStays, kDropped };
// Puts what an organization is from `day` on. Days on which it is a member without a break are one
// membership, however it was told: each of its versions says the same first day and the same end.
absl::Status PutMember(store::Tx& tx, base::Date day, Later planned, MemberRow* row);
// The membership that holds on `day` ends on it, and while it lasts says so: each of its versions
// since its first day. Returns the last of them.
absl::StatusOr<MemberRow> EndMember(store::Tx& tx, const store::Key& key, base::Date day,
                                    const std::string& reason);
// All memberships end on a day, today or before, also those that began since and those to come.
absl::Status EndMemberships(store::Tx& tx, const std::string& reason, base::Date day,
                            ClusterRow* row);
// Counts in how many public clusters an organization is, on `from` and every later day on which
// that changes by what is known. `cluster`: one that it may not be known to belong to yet.
absl::Status Recount(store::Tx& tx, const std::string& bin, int32_t cluster, base::Date from);
// The same for all who have to do with a cluster that becomes public or is removed from a day on.
absl::Status RecountMembers(store::Tx& tx, const ClusterRow& row, base::Date from);
// Keeps a BIN as one of a cluster.
void Keep(const std::string& bin, ClusterRow* row);
// The acts of the deadlines that this service opens by hand, and the timer of a membership that
// begins or ends. Timers run until the store ends, after the service.
cases::OverdueFns OverdueActs(const std::shared_ptr<const Env>& env);
absl::Status JudgeCompositionTimer(const Env& env, store::Tx& tx, absl::string_view payload,
                                   absl::Time due);
// Closes the open deadlines of a record of one kind; all where it is empty. `day`: from which that
// holds, as with Tx::Put.
absl::Status CloseDeadlines(store::Tx& tx, const std::string& record, absl::string_view kind,
                            cases::Deadline::State state,
                            std::optional<base::Date> day = std::nullopt);
// What a cluster organization has still to do is for another one to do.
absl::Status HandOverDeadlines(store::Tx& tx, const Cluster& cluster);
// The last day of what is open, for a cluster that is put without a step.
absl::Status SetDueDate(const store::Reader& reader, Cluster* cluster);
absl::Status OpenReportDeadline(const Env& env, store::Tx& tx, const Cluster& cluster, int year,
                                std::optional<base::Date> day = std::nullopt);

}  // namespace nisi::clusters
