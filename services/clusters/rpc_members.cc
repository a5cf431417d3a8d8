#include <map>
#include <set>

#include "absl/strings/str_cat.h"
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

absl::StatusOr<cases::Step<ClusterRow>> BeginChange(const store::Tx& tx, const Call& call,
                                                    int32_t number) {
  return BeginStep(tx, call, ClusterMachine(), ClusterVerb::kChangeMembers, kClusters,
                   store::Key::Of(number), ClusterName(number), "");
}

// The day from which a change holds. One in the past is a correction, which says why; none lies
// before the cluster was entered.
absl::StatusOr<base::Date> DayOf(const store::Tx& tx, int32_t cluster, bool given,
                                 const google::type::Date& date, const std::string& reason,
                                 const std::string& field) {
  if (!given) return tx.today();
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(date));
  if (day >= tx.today()) return day;
  if (reason.empty()) return errors::CorrectionReasonMissing();
  // One that was imported is entered as of the day of its order, before it was recorded.
  ASSIGN_OR_RETURN(const auto then, tx.Find(kClusters, store::Key::Of(cluster), {.as_of = day}));
  if (!then.has_value())
    return errors::MemberDateInvalid(field, "the day on which the cluster was entered or later");
  return day;
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
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), "clusters/*", 0));
  ASSIGN_OR_RETURN(auto step, BeginChange(tx, call, number));
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
  ASSIGN_OR_RETURN(const base::Date day,
                   DayOf(tx, number, request.has_member_from(), request.member_from(),
                         request.reason(), "member_from"));
  ASSIGN_OR_RETURN(const auto known,
                   tx.Find(kMembers, store::Key::Of(number, participant.bin()), {.as_of = day}));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(),
                                 known.has_value() ? known->row.member().etag() : std::string()));
  MemberRow row;
  if (known.has_value()) row = known->row;  // it changes what it is, and stays a member since then
  row.set_cluster(number);
  v1::Member& member = *row.mutable_member();
  member.set_name(MemberName(number, participant.bin()));
  *member.mutable_participant() = participant;
  KeepPlace(places, &member);
  member.set_cluster_organization(cluster.cluster_organization());
  *member.mutable_regions() = cluster.regions();
  if (!known.has_value()) *member.mutable_member_from() = day.ToProto();
  member.set_reason(request.reason());
  RETURN_IF_ERROR(tx.Put(kMembers, &row, day));
  Keep(participant.bin(), &step.row);
  RETURN_IF_ERROR(Follow(env, tx, participant.bin(), day, &step));
  return row.member();
}

}  // namespace

absl::StatusOr<v1::Member> AddMember(Env& env, Call& call, const v1::AddMemberRequest& request) {
  Places places;
  return rpc::GatherThenWrite<v1::Member>(
      *env.store, call, request,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), "clusters/*", 0));
        const Participant& participant = request.participant();
        const store::View view = env.store->Read();
        // What the map says of the place would tell a stranger whether it is a member, and where.
        RETURN_IF_ERROR(
            rpc::FindFor(view, call, kClusters, store::Key::Of(number), request.parent()).status());
        // As it is on the day from which the change holds.
        base::Date day = call.today();
        if (request.has_member_from()) {
          ASSIGN_OR_RETURN(day, base::Date::FromProto(request.member_from()));
        }
        ASSIGN_OR_RETURN(
            const auto known,
            view.Find(kMembers, store::Key::Of(number, participant.bin()), {.as_of = day}));
        std::set<std::string> had;
        if (known.has_value()) had.insert(known->row.member().participant().region());
        ASSIGN_OR_RETURN(places,
                         AskPlaces(env, call, {{"participant.region", participant.region()}}, had));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) { return Add(env, call, tx, request, places); });
}

absl::StatusOr<v1::Member> EndMembership(Env& env, const Call& call, store::Tx& tx,
                                         const v1::EndMembershipRequest& request) {
  ASSIGN_OR_RETURN(const MemberKey key, MemberKeyOf(request.name()));
  ASSIGN_OR_RETURN(auto step, BeginChange(tx, call, key.cluster));
  ASSIGN_OR_RETURN(const base::Date day,
                   DayOf(tx, key.cluster, request.has_member_until(), request.member_until(),
                         request.reason(), "member_until"));
  const store::Key at = store::Key::Of(key.cluster, key.bin);
  ASSIGN_OR_RETURN(const auto found, tx.Find(kMembers, at, {.as_of = day}));
  if (!found.has_value()) {
    return errors::MemberDateInvalid("member_until", "a day on which it is a member is needed");
  }
  const v1::Member& member = found->row.member();
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), member.etag()));
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(member.member_from()));
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
