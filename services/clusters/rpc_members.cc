#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/ahead.h"
#include "common/rpc/gather.h"
#include "services/clusters/errors.h"
#include "services/clusters/places.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

struct MemberKey {
  int32_t cluster;
  std::string bin;
};

absl::StatusOr<MemberKey> MemberKeyOf(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t cluster, rpc::NumberIn(name, "clusters/*/members/*", 0));
  return MemberKey{cluster, name.substr(name.rfind('/') + 1)};
}

// What a change of members is of: the cluster, and what the organization is in it on the day from
// which the change holds.
struct MemberChange {
  rpc::Found<ClusterRow> cluster;
  base::Date day;
  std::optional<MemberRow> known;

  std::string etag() const { return known.has_value() ? known->member().etag() : std::string(); }
};

absl::StatusOr<base::Date> DayOf(bool given, const google::type::Date& date, base::Date today) {
  if (!given) return today;
  return base::Date::FromProto(date);
}

absl::StatusOr<MemberChange> MemberChangeOf(const store::Reader& reader, const Call& call,
                                            const MemberKey& key, base::Date day) {
  ASSIGN_OR_RETURN(auto cluster, rpc::FindFor(reader, call, kClusters, store::Key::Of(key.cluster),
                                              ClusterName(key.cluster)));
  ASSIGN_OR_RETURN(auto found,
                   reader.Find(kMembers, store::Key::Of(key.cluster, key.bin), {.as_of = day}));
  MemberChange change{std::move(cluster), day, std::nullopt};
  if (found.has_value()) change.known = std::move(found->row);
  return change;
}

absl::StatusOr<MemberChange> MemberChangeOf(const store::Reader& reader, const Call& call,
                                            const v1::AddMemberRequest& request, base::Date today) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), "clusters/*", 0));
  ASSIGN_OR_RETURN(const base::Date day,
                   DayOf(request.has_member_from(), request.member_from(), today));
  ASSIGN_OR_RETURN(MemberChange change,
                   MemberChangeOf(reader, call, {number, request.participant().bin()}, day));
  RETURN_IF_ERROR(cases::CheckSeenBeside(change.cluster.roles, request.etag(), change.etag()));
  return change;
}

absl::StatusOr<cases::Step<ClusterRow>> BeginChange(const Call& call, MemberChange* change) {
  return cases::Begin(call, ClusterMachine(), ClusterVerb::kChangeMembers,
                      std::move(change->cluster.row), {.roles = change->cluster.roles});
}

// A change that holds from the past on is a correction, which says why; none does before the
// cluster was entered.
absl::Status CheckDay(const store::Tx& tx, int32_t cluster, base::Date day,
                      const std::string& reason, const std::string& field) {
  if (day >= tx.today()) return absl::OkStatus();
  if (reason.empty()) return errors::CorrectionReasonMissing("reason");
  // One that was imported is entered as of the day of its order, before it was recorded.
  ASSIGN_OR_RETURN(const auto then, tx.Find(kClusters, store::Key::Of(cluster), {.as_of = day}));
  return then.has_value() ? absl::OkStatus()
                          : errors::MemberDateInvalid(
                                field, "the day on which the cluster was entered or later");
}

// Later versions of the same membership, known already, end with it: else it would begin again by
// them. One that began after `day` is another membership.
absl::Status EndLater(store::Tx& tx, const store::Key& key, base::Date day) {
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kMembers, key.bytes(), day));
  // By day the one that is in force; they come newest first.
  std::map<base::Date, const store::RawRow*> later;
  for (const store::RawRow& version : versions) {
    if (version.version.effective_from > day) {
      later.emplace(version.version.effective_from, &version);
    }
  }
  for (const auto& [from, version] : later) {
    if (version->version.ended) break;
    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<MemberRow>(version->view()));
    ASSIGN_OR_RETURN(const base::Date first,
                     base::Date::FromProto(stored.row.member().member_from()));
    if (first > day) break;
    RETURN_IF_ERROR(tx.End(kMembers, key, from));
  }
  return absl::OkStatus();
}

// What follows from a membership that begins, changes or ends on `day`.
absl::Status Follow(const Env& env, store::Tx& tx, const std::string& bin, base::Date day,
                    cases::Step<ClusterRow>* step) {
  const int32_t number = step->row.number();
  if (day <= tx.today()) {
    if (day < tx.today()) RETURN_IF_ERROR(CorrectPast(env, tx, day, step->row));
    RETURN_IF_ERROR(Rejudge(env, tx, tx.today(), &step->row));
  } else {
    tx.Schedule(day.StartOfDay(), kJudgeCompositionTimer, absl::StrCat(number));
  }
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, step));
  return Recount(tx, bin, number, day);
}

}  // namespace

namespace {

absl::StatusOr<v1::Member> Add(Env& env, const Call& call, store::Tx& tx,
                               const v1::AddMemberRequest& request, const Places& places) {
  ASSIGN_OR_RETURN(MemberChange change, MemberChangeOf(tx, call, request, tx.today()));
  ASSIGN_OR_RETURN(auto step, BeginChange(call, &change));
  const int32_t number = step.row.number();
  const Cluster& cluster = step.row.cluster();
  // What is scored is what is selected: members may leave meanwhile, and none come.
  if (cluster.state() == Cluster::CANDIDATE) {
    ASSIGN_OR_RETURN(const auto open, tx.FindUniqueRaw(kOpenApplicationsByInitiative,
                                                       store::Key::Of(cluster.initiative())));
    if (open.has_value()) return errors::InSelection();
  }
  const Participant& participant = request.participant();
  if (!IsNear(cluster.region(), participant.region())) {
    return errors::RegionNotNeighbouring("participant.region");
  }
  RETURN_IF_ERROR(CheckDay(tx, number, change.day, request.reason(), "member_from"));
  MemberRow row;
  if (change.known.has_value()) row = *std::move(change.known);  // it changes what it is
  row.set_cluster(number);
  v1::Member& member = *row.mutable_member();
  member.set_name(MemberName(number, participant.bin()));
  *member.mutable_participant() = participant;
  KeepPlace(places, &member);
  member.set_cluster_organization(cluster.cluster_organization());
  *member.mutable_regions() = cluster.regions();
  member.set_reason(request.reason());
  RETURN_IF_ERROR(PutMember(tx, change.day, Later::kStays, &row));
  Keep(participant.bin(), &step.row);
  RETURN_IF_ERROR(Follow(env, tx, participant.bin(), change.day, &step));
  return row.member();
}

}  // namespace

absl::StatusOr<v1::Member> AddMember(Env& env, Call& call, const v1::AddMemberRequest& request) {
  Places places;
  return rpc::GatherThenWrite<v1::Member>(
      *env.store, call, request,
      [&]() -> absl::Status {
        std::set<std::string> had;
        {
          const store::View view = env.store->Read();
          ASSIGN_OR_RETURN(const MemberChange change,
                           MemberChangeOf(view, call, request, call.today()));
          // What the map says of the place would tell a stranger whether it is a member, and where.
          RETURN_IF_ERROR(cases::MayBegin(call, ClusterMachine(), ClusterVerb::kChangeMembers,
                                          change.cluster.row, {.roles = change.cluster.roles}));
          if (change.known.has_value()) had.insert(change.known->member().participant().region());
        }
        ASSIGN_OR_RETURN(
            places,
            AskPlaces(env, call, {{"participant.region", request.participant().region()}}, had));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) { return Add(env, call, tx, request, places); });
}

absl::StatusOr<v1::Member> EndMembership(Env& env, const Call& call, store::Tx& tx,
                                         const v1::EndMembershipRequest& request) {
  ASSIGN_OR_RETURN(const MemberKey key, MemberKeyOf(request.name()));
  ASSIGN_OR_RETURN(const base::Date day,
                   DayOf(request.has_member_until(), request.member_until(), tx.today()));
  ASSIGN_OR_RETURN(MemberChange change, MemberChangeOf(tx, call, key, day));
  // Where it is no member on that day there is no version to have seen: the day is what is wrong.
  if (change.known.has_value()) {
    RETURN_IF_ERROR(cases::CheckSeenBeside(change.cluster.roles, request.etag(), change.etag()));
  }
  ASSIGN_OR_RETURN(auto step, BeginChange(call, &change));
  RETURN_IF_ERROR(CheckDay(tx, key.cluster, day, request.reason(), "member_until"));
  if (!change.known.has_value()) {
    return errors::MemberDateInvalid("member_until", "a day on which it is a member is needed");
  }
  const store::Key at = store::Key::Of(key.cluster, key.bin);
  ASSIGN_OR_RETURN(const base::Date first,
                   base::Date::FromProto(change.known->member().member_from()));
  if (day < first) {
    return errors::MemberDateInvalid("member_until", "not before the membership began");
  }
  ASSIGN_OR_RETURN(const MemberRow ended, EndMember(tx, at, day, request.reason()));
  RETURN_IF_ERROR(EndLater(tx, at, day));
  RETURN_IF_ERROR(Follow(env, tx, key.bin, day, &step));
  return ended.member();
}

absl::StatusOr<Encoded<v1::Member>> GetMember(Env& env, Call& call,
                                              const v1::GetMemberRequest& request) {
  ASSIGN_OR_RETURN(const MemberKey key, MemberKeyOf(request.name()));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckClusterReadable(env, call, key.cluster, at));
  return rpc::GetRecord<v1::Member>(*env.store, call, kMembers,
                                    store::Key::Of(key.cluster, key.bin), request);
}

absl::StatusOr<Encoded<v1::ListMembersResponse>> ListMembers(
    Env& env, Call& call, const v1::ListMembersRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), "clusters/*", 0));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kMembers, request, call));
  plan.prefix = store::Key::Of(number);
  RETURN_IF_ERROR(CheckClusterReadable(env, call, number, plan.at));
  return rpc::ListAs<v1::ListMembersResponse>(*env.store, plan);
}

}  // namespace nisi::clusters
