// What becomes of a cluster when its members change, and of the count of organizations.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/clusters/env.h"
#include "services/clusters/errors.h"
#include "services/clusters/places.h"

namespace nisi::clusters {
namespace {

using cases::Deadline;

std::optional<base::Date> DayOf(bool has, const google::type::Date& date) {
  const auto day = base::Date::FromProto(date);
  return has && day.ok() ? std::optional(*day) : std::nullopt;
}

Cure CureOf(const Cluster& cluster) {
  return {DayOf(cluster.has_below_minimum_from(), cluster.below_minimum_from()),
          DayOf(cluster.has_cure_until(), cluster.cure_until()),
          DayOf(cluster.has_suspension_proposed_on(), cluster.suspension_proposed_on())};
}

void SetCure(const Cure& cure, Cluster* cluster) {
  cluster->clear_below_minimum_from();
  cluster->clear_cure_until();
  cluster->clear_suspension_proposed_on();
  if (cure.below_from) *cluster->mutable_below_minimum_from() = cure.below_from->ToProto();
  if (cure.until) *cluster->mutable_cure_until() = cure.until->ToProto();
  if (cure.proposed) *cluster->mutable_suspension_proposed_on() = cure.proposed->ToProto();
}

// Whether a loss of members has a cure period: from selection on, not while suspended.
bool IsKept(Cluster::State state) {
  return state == Cluster::SELECTED || state == Cluster::REGISTERED;
}

// One deadline while a cure period runs: the cluster organization has to make the cluster whole.
absl::Status FollowCure(const Env& env, store::Tx& tx, const Cluster& cluster, const Cure& before,
                        const Cure& after, base::Date recorded) {
  if (before.until == after.until) return absl::OkStatus();
  if (!after.until.has_value()) {
    return CloseDeadlines(tx, cluster.name(), kCureDeadline, Deadline::DONE, recorded);
  }
  constexpr char kNorm[] = "clusters.composition.cure_days";
  ASSIGN_OR_RETURN(const norms::Norm norm, env.norms->Get(kNorm, recorded));
  Deadline deadline;
  deadline.set_record(cluster.name());
  deadline.set_kind(kCureDeadline);
  deadline.add_roles(rpc::v1::ENTITY);
  deadline.set_bin(cluster.cluster_organization());
  *deadline.mutable_since() = after.below_from->ToProto();
  *deadline.mutable_due_date() = after.until->ToProto();
  deadline.set_norm(kNorm);
  deadline.set_rests_on_assumption(norm.certainty == norms::Certainty::kAssumption);
  *deadline.mutable_legal_basis() = errors::RulesOfRegister();
  return cases::OpenDeadline(tx, std::move(deadline), recorded).status();
}

// Members keep the ties of their cluster, as every row is judged by itself.
absl::Status TieMembers(store::Tx& tx, const Cluster& cluster, std::vector<MemberRow> members) {
  for (MemberRow& row : members) {
    v1::Member& member = *row.mutable_member();
    if (member.cluster_organization() == cluster.cluster_organization() &&
        std::equal(member.regions().begin(), member.regions().end(), cluster.regions().begin(),
                   cluster.regions().end())) {
      continue;
    }
    member.set_cluster_organization(cluster.cluster_organization());
    *member.mutable_regions() = cluster.regions();
    RETURN_IF_ERROR(tx.Put(kMembers, &row));
  }
  return absl::OkStatus();
}

// In how many public clusters an organization is on a day.
absl::StatusOr<v1::Organization> CountOn(const store::Reader& reader, const std::string& bin,
                                         const std::set<int32_t>& clusters, base::Date day) {
  v1::Organization count;
  count.set_name(bin);
  for (const int32_t number : clusters) {
    ASSIGN_OR_RETURN(const auto cluster,
                     reader.Find(kClusters, store::Key::Of(number), {.as_of = day}));
    if (!cluster.has_value() || !IsPublic(cluster->row.cluster()) ||
        cluster->row.cluster().state() == Cluster::REMOVED) {
      continue;
    }
    ASSIGN_OR_RETURN(const auto member,
                     reader.Find(kMembers, store::Key::Of(number, bin), {.as_of = day}));
    if (!member.has_value()) continue;
    count.set_membership_count(count.membership_count() + 1);
    const auto& roles = member->row.member().participant().roles();
    if (std::find(roles.begin(), roles.end(), v1::MANUFACTURER) != roles.end()) {
      count.set_manufacturer_count(count.manufacturer_count() + 1);
    }
  }
  return count;
}

// Adds the days after `from` on which a record has a version.
absl::Status AddDays(const store::Reader& reader, const store::TableDef& table,
                     const store::Key& key, base::Date from, std::set<base::Date>* days) {
  ASSIGN_OR_RETURN(const auto versions, reader.Versions(table, key.bytes(), from));
  for (const store::RawRow& version : versions) {
    if (version.version.effective_from > from) days->insert(version.version.effective_from);
  }
  return absl::OkStatus();
}

bool IsWhole(const Cluster& cluster) {
  return cluster.composition().outcome() == "WHOLE";
}

// The composition that these members are on a day.
absl::Status SetComposition(const Env& env, const store::Tx& tx, const std::vector<MemberRow>& rows,
                            base::Date day, Cluster* cluster) {
  std::vector<Participant> members;
  for (const MemberRow& row : rows) members.push_back(row.member().participant());
  ASSIGN_OR_RETURN(*cluster->mutable_composition(),
                   JudgeComposition(members, cluster->cluster_organization(), cluster->region(),
                                    {cluster->name(), tx.etag()}, *env.norms, day));
  SetDecideTime(tx, cluster->mutable_composition());
  cluster->set_member_count(static_cast<int32_t>(rows.size()));
  return absl::OkStatus();
}

// Adds the days after `from` on which a membership of the cluster begins, changes or ends.
absl::Status AddChanges(const store::Reader& reader, const ClusterRow& row, base::Date from,
                        std::set<base::Date>* days) {
  for (const std::string& bin : row.bins()) {
    RETURN_IF_ERROR(AddDays(reader, kMembers, store::Key::Of(row.number(), bin), from, days));
  }
  return absl::OkStatus();
}

// The first day from which the composition, below the minimum on `on`, has been so without a break.
absl::StatusOr<base::Date> BelowSince(const Env& env, const store::Tx& tx, const ClusterRow& row,
                                      base::Date on) {
  std::set<base::Date> entered, days;
  RETURN_IF_ERROR(
      AddDays(tx, kClusters, store::Key::Of(row.number()), base::Date::Min(), &entered));
  RETURN_IF_ERROR(AddChanges(tx, row, base::Date::Min(), &days));
  if (!entered.empty()) {  // before its first day there is no cluster to be whole
    days.erase(days.begin(), days.lower_bound(*entered.begin()));
    days.insert(*entered.begin());
  }
  base::Date since = on;
  for (auto day = days.rbegin(); day != days.rend(); ++day) {
    if (*day > on) continue;
    ASSIGN_OR_RETURN(const std::vector<MemberRow> rows, MembersOn(tx, row.number(), *day));
    Cluster then = row.cluster();
    RETURN_IF_ERROR(SetComposition(env, tx, rows, *day, &then));
    if (IsWhole(then)) break;
    since = *day;
  }
  return since;
}

// By day, the versions of a membership that begin after `day` and are no ends.
absl::StatusOr<std::map<base::Date, MemberRow>> LaterVersions(const store::Reader& reader,
                                                              const store::Key& key,
                                                              base::Date day) {
  ASSIGN_OR_RETURN(const auto versions, reader.Versions(kMembers, key.bytes(), day));
  std::map<base::Date, MemberRow> later;
  std::set<base::Date> seen;  // they come newest first
  for (const store::RawRow& version : versions) {
    const base::Date from = version.version.effective_from;
    if (from <= day || !seen.insert(from).second || version.version.ended) continue;
    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<MemberRow>(version.view()));
    later.emplace(from, std::move(stored.row));
  }
  return later;
}

// A membership, as known until now, around the day from which a version of it is put.
struct Membership {
  google::type::Date from;                 // when it began, or begins by that version
  std::optional<base::Date> until;         // when it ends
  std::map<base::Date, MemberRow> others;  // its versions of other days, which stay
  std::optional<MemberRow> replaced;       // that of the day itself
  std::vector<base::Date> days;            // on which the version is put: what is there goes
};

absl::StatusOr<MemberRow> Parsed(const store::RawRow& version) {
  ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<MemberRow>(version.view()));
  return std::move(stored.row);
}

absl::StatusOr<Membership> MembershipAround(const store::Reader& reader, const store::Key& key,
                                            base::Date day, Later planned) {
  ASSIGN_OR_RETURN(const auto versions, reader.Versions(kMembers, key.bytes()));
  std::map<base::Date, const store::RawRow*> in_force;  // of each day; they come newest first
  for (const store::RawRow& version : versions) {
    in_force.emplace(version.version.effective_from, &version);
  }
  Membership known;
  for (auto it = in_force.lower_bound(day); it != in_force.begin();) {
    --it;
    if (it->second->version.ended) break;
    ASSIGN_OR_RETURN(known.others[it->first], Parsed(*it->second));
  }
  known.from =
      known.others.empty() ? day.ToProto() : known.others.begin()->second.member().member_from();
  const auto at = in_force.find(day);
  if (at != in_force.end() && !at->second->version.ended) {
    ASSIGN_OR_RETURN(known.replaced, Parsed(*at->second));
  }
  known.days = {day};
  // It is a member on the day already, unless the last version until then is an end.
  const auto after = in_force.upper_bound(day);
  bool lasts = after != in_force.begin() && !std::prev(after)->second->version.ended;
  for (auto it = after; it != in_force.end(); ++it) {
    if (planned == Later::kDropped) {
      known.days.push_back(it->first);
    } else if (!it->second->version.ended) {
      lasts = true;
      ASSIGN_OR_RETURN(known.others[it->first], Parsed(*it->second));
    } else if (lasts) {
      known.until = it->first;
      break;
    } else {
      known.days.push_back(
          it->first);  // left by what has ended before the day: it ends nothing now
    }
  }
  return known;
}

bool EndsOn(const v1::Member& member, const std::optional<base::Date>& until) {
  return DayOf(member.has_member_until(), member.member_until()) == until;
}

// As the last of its versions says that knows of the end.
std::string ReasonOfEnd(const Membership& membership) {
  std::string why;
  const auto look = [&](const MemberRow& row) {
    if (EndsOn(row.member(), membership.until)) why = row.member().reason();
  };
  if (!membership.until.has_value()) return why;
  if (membership.replaced.has_value()) look(*membership.replaced);
  for (const auto& [from, other] : membership.others) look(other);
  return why;
}

// Whether it ended on another day, or not at all, before.
bool SetUntil(const std::optional<base::Date>& until, v1::Member* member) {
  if (EndsOn(*member, until)) return false;
  member->clear_member_until();
  if (until.has_value()) *member->mutable_member_until() = until->ToProto();
  return true;
}

// The cure period is over: looks again, and proposes suspension; a person decides.
absl::Status CureOver(const Env& env, store::Tx& tx, const Deadline& deadline, base::Date day) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(deadline.record(), "clusters/*", 0));
  ASSIGN_OR_RETURN(ClusterRow row, Need(tx, kClusters, store::Key::Of(number)));
  ASSIGN_OR_RETURN(
      auto step,
      cases::BeginByItself(ClusterMachine(), ClusterVerb::kProposeSuspension, std::move(row), day));
  RETURN_IF_ERROR(Rejudge(env, tx, day, &step.row));
  Cluster& cluster = *step.row.mutable_cluster();
  if (cluster.has_below_minimum_from()) {
    *cluster.mutable_suspension_proposed_on() = day.ToProto();
  }
  return cases::Finish(tx, *env.norms, kClusters, &step);
}

// A yearly report is overdue: the next year's is owed all the same.
absl::Status ReportOverdue(const Env& env, store::Tx& tx, const Deadline& deadline,
                           base::Date day) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(deadline.record(), "clusters/*", 0));
  ASSIGN_OR_RETURN(const ClusterRow row, Need(tx, kClusters, store::Key::Of(number)));
  return OpenReportDeadline(env, tx, row.cluster(), deadline.due_date().year(), day);
}

}  // namespace

absl::StatusOr<std::vector<MemberRow>> MembersOn(const store::Reader& reader, int32_t cluster,
                                                 base::Date day) {
  return AllOf(reader, kMembers, store::Key::Of(cluster), {.as_of = day});
}

absl::Status Rejudge(const Env& env, store::Tx& tx, base::Date on, ClusterRow* row) {
  Cluster& cluster = *row->mutable_cluster();
  ASSIGN_OR_RETURN(const std::vector<MemberRow> rows, MembersOn(tx, row->number(), on));
  for (const MemberRow& member : rows) Keep(member.member().participant().bin(), row);
  RETURN_IF_ERROR(SetComposition(env, tx, rows, on, &cluster));
  RETURN_IF_ERROR(TieMembers(tx, cluster, rows));
  const bool whole = IsWhole(cluster);
  if (!whole && !IsKept(cluster.state())) return absl::OkStatus();
  base::Date since = on;
  if (!whole) {
    ASSIGN_OR_RETURN(since, BelowSince(env, tx, *row, on));
  }
  const Cure before = CureOf(cluster);
  ASSIGN_OR_RETURN(const Cure after, CureAfter(before, whole, since, on, *env.norms));
  SetCure(after, &cluster);
  return FollowCure(env, tx, cluster, before, after, on);
}

absl::Status CorrectPast(const Env& env, store::Tx& tx, base::Date from, const ClusterRow& row) {
  const store::Key key = store::Key::Of(row.number());
  std::set<base::Date> days{from};
  RETURN_IF_ERROR(AddChanges(tx, row, from, &days));
  RETURN_IF_ERROR(AddDays(tx, kClusters, key, from, &days));
  for (const base::Date day : days) {
    if (day >= tx.today()) break;
    ASSIGN_OR_RETURN(auto past, tx.Find(kClusters, key, {.as_of = day}));
    if (!past.has_value()) continue;  // it was not entered yet
    Cluster& cluster = *past->row.mutable_cluster();
    ASSIGN_OR_RETURN(const std::vector<MemberRow> rows, MembersOn(tx, row.number(), day));
    RETURN_IF_ERROR(SetComposition(env, tx, rows, day, &cluster));
    Cure cure = CureOf(cluster);
    if (IsWhole(cluster)) {
      cure = Cure{};
    } else if (IsKept(cluster.state())) {
      // From when it was below is known by now; a cure period runs from when that became known.
      ASSIGN_OR_RETURN(cure.below_from, BelowSince(env, tx, row, day));
    }
    SetCure(cure, &cluster);
    RETURN_IF_ERROR(tx.Put(kClusters, &past->row, day));
  }
  return absl::OkStatus();
}

absl::Status AmendPast(store::Tx& tx, base::Date from, int32_t cluster,
                       const std::function<void(ClusterRow*)>& amend) {
  const store::Key key = store::Key::Of(cluster);
  std::set<base::Date> days{from};
  RETURN_IF_ERROR(AddDays(tx, kClusters, key, from, &days));
  for (const base::Date day : days) {
    if (day >= tx.today()) break;
    ASSIGN_OR_RETURN(auto past, tx.Find(kClusters, key, {.as_of = day}));
    if (!past.has_value()) continue;  // it was not entered yet
    amend(&past->row);
    RETURN_IF_ERROR(tx.Put(kClusters, &past->row, day));
  }
  return absl::OkStatus();
}

absl::StatusOr<Decision> CompositionOn(const Env& env, const store::Tx& tx, const ClusterRow& row,
                                       base::Date day) {
  ASSIGN_OR_RETURN(const auto past,
                   tx.Find(kClusters, store::Key::Of(row.number()), {.as_of = day}));
  Cluster then = past.has_value() ? past->row.cluster() : row.cluster();
  ASSIGN_OR_RETURN(const std::vector<MemberRow> rows, MembersOn(tx, row.number(), day));
  RETURN_IF_ERROR(SetComposition(env, tx, rows, day, &then));
  return then.composition();
}

absl::Status PutMember(store::Tx& tx, base::Date day, Later planned, MemberRow* row) {
  v1::Member& member = *row->mutable_member();
  const store::Key key = store::Key::Of(row->cluster(), member.participant().bin());
  ASSIGN_OR_RETURN(Membership membership, MembershipAround(tx, key, day, planned));
  const std::string why = ReasonOfEnd(membership);
  *member.mutable_member_from() = membership.from;
  SetUntil(membership.until, &member);
  if (membership.until.has_value() && member.reason().empty()) member.set_reason(why);
  for (auto& [from, other] : membership.others) {
    const std::string before = other.SerializeAsString();
    *other.mutable_member()->mutable_member_from() = membership.from;
    if (SetUntil(membership.until, other.mutable_member())) other.mutable_member()->set_reason(why);
    if (other.SerializeAsString() != before) RETURN_IF_ERROR(tx.Put(kMembers, &other, from));
  }
  for (const base::Date from : membership.days) RETURN_IF_ERROR(tx.Put(kMembers, row, from));
  return absl::OkStatus();
}

absl::StatusOr<MemberRow> EndMember(store::Tx& tx, const store::Key& key, base::Date day,
                                    const std::string& reason) {
  ASSIGN_OR_RETURN(auto last, tx.Find(kMembers, key, {.as_of = day}));
  if (!last.has_value()) return base::StoreCorrupt(kMembers.name);
  MemberRow ended = std::move(last->row);
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(ended.member().member_from()));
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kMembers, key.bytes(), first));
  std::map<base::Date, const store::RawRow*> lasting;  // of each day the one that is in force
  for (const store::RawRow& version : versions) {      // they come newest first
    const base::Date from = version.version.effective_from;
    if (from >= first && from <= day) lasting.emplace(from, &version);
  }
  for (const auto& [from, version] : lasting) {
    if (version->version.ended) continue;
    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<MemberRow>(version->view()));
    v1::Member& member = *stored.row.mutable_member();
    ASSIGN_OR_RETURN(const base::Date began, base::Date::FromProto(member.member_from()));
    if (began != first) continue;
    *member.mutable_member_until() = day.ToProto();
    member.set_reason(reason);
    RETURN_IF_ERROR(tx.Put(kMembers, &stored.row, from));
    ended = std::move(stored.row);
  }
  RETURN_IF_ERROR(tx.End(kMembers, key, day));
  return ended;
}

absl::Status EndMemberships(store::Tx& tx, const std::string& reason, base::Date day,
                            ClusterRow* row) {
  ASSIGN_OR_RETURN(const std::vector<MemberRow> members, MembersOn(tx, row->number(), day));
  for (const MemberRow& member : members) {
    const store::Key key = store::Key::Of(row->number(), member.member().participant().bin());
    Keep(member.member().participant().bin(), row);
    RETURN_IF_ERROR(EndMember(tx, key, day, reason).status());
  }
  for (const std::string& bin : row->bins()) {
    const store::Key key = store::Key::Of(row->number(), bin);
    ASSIGN_OR_RETURN(const auto later, LaterVersions(tx, key, day));
    for (const auto& [from, version] : later) RETURN_IF_ERROR(tx.End(kMembers, key, from));
  }
  return absl::OkStatus();
}

namespace {

// What the cluster has of the initiative.
void FillFrom(const Initiative& initiative, Cluster* cluster) {
  *cluster->mutable_title() = initiative.title();
  cluster->set_cluster_organization(initiative.cluster_organization());
  cluster->set_region(initiative.region());
  *cluster->mutable_other_regions() = initiative.other_regions();
  *cluster->mutable_regions() = initiative.regions();
  *cluster->mutable_places() = initiative.places();
  KeepPlaces({cluster->regions().begin(), cluster->regions().end()}, {}, cluster->mutable_places());
  *cluster->mutable_specialization() = initiative.specialization();
}

// The members are the participants of the initiative from today on, as they were filed, whatever
// was planned before.
absl::Status PutParticipants(store::Tx& tx, const Initiative& initiative, const ClusterRow& row) {
  Places places;
  for (const PlaceFact& place : initiative.places()) places.emplace(place.kato(), place);
  std::map<std::string, const Participant*> wanted;
  for (const Participant& participant : initiative.participants()) {
    wanted.emplace(participant.bin(), &participant);
  }
  ASSIGN_OR_RETURN(const std::vector<MemberRow> before, MembersOn(tx, row.number(), tx.today()));
  for (const MemberRow& member : before) {
    const std::string& bin = member.member().participant().bin();
    if (!wanted.contains(bin)) {
      RETURN_IF_ERROR(tx.End(kMembers, store::Key::Of(row.number(), bin)));
    }
  }
  // What was planned before does not come about while it is judged: neither that somebody comes or
  // is something else, nor that somebody leaves.
  for (const std::string& bin : row.bins()) {
    if (wanted.contains(bin)) continue;
    const store::Key key = store::Key::Of(row.number(), bin);
    ASSIGN_OR_RETURN(const auto later, LaterVersions(tx, key, tx.today()));
    for (const auto& [day, member] : later) RETURN_IF_ERROR(tx.End(kMembers, key, day));
  }
  for (const auto& [bin, participant] : wanted) {
    MemberRow member;
    member.set_cluster(row.number());
    member.mutable_member()->set_name(MemberName(row.number(), bin));
    *member.mutable_member()->mutable_participant() = *participant;
    KeepPlace(places, member.mutable_member());
    member.mutable_member()->set_cluster_organization(row.cluster().cluster_organization());
    *member.mutable_member()->mutable_regions() = row.cluster().regions();
    RETURN_IF_ERROR(PutMember(tx, tx.today(), Later::kDropped, &member));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> OpenCandidate(const Env& env, store::Tx& tx, const rpc::Call& call,
                                          const Initiative& initiative) {
  ClusterRow row;
  ASSIGN_OR_RETURN(auto known,
                   tx.FindUnique(kClustersByInitiative, store::Key::Of(initiative.name())));
  if (known.has_value()) {
    row = std::move(known->row);
  } else {
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("clusters"));
    row.set_number(static_cast<int32_t>(number));
    row.mutable_cluster()->set_name(ClusterName(row.number()));
    row.mutable_cluster()->set_state(Cluster::CANDIDATE);
    row.mutable_cluster()->set_initiative(initiative.name());
  }
  FillFrom(initiative, row.mutable_cluster());
  ASSIGN_OR_RETURN(const DiagnosticRow diagnosis,
                   Need(tx, kDiagnostics, store::Key::Of(initiative.diagnostic())));
  row.mutable_cluster()->set_level(diagnosis.diagnostic().level());
  // Who admitted its application does not register it.
  cases::v1::Act* act = row.mutable_life()->add_acts();
  act->set_duty(cases::v1::Act::EXAMINES);
  act->set_subject(call.caller->subject);
  RETURN_IF_ERROR(PutParticipants(tx, initiative, row));
  RETURN_IF_ERROR(Rejudge(env, tx, tx.today(), &row));
  RETURN_IF_ERROR(tx.Put(kClusters, &row));
  return row.cluster().name();
}

absl::Status Recount(store::Tx& tx, const std::string& bin, int32_t cluster, base::Date from) {
  const store::Key key = store::Key::Of(bin);
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kOrganizations, key.bytes()));
  std::set<int32_t> clusters{cluster};
  std::set<base::Date> days{from};
  for (const store::RawRow& version : versions) {
    if (version.version.effective_from > from) days.insert(version.version.effective_from);
    if (version.version.ended) continue;
    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<OrganizationRow>(version.view()));
    clusters.insert(stored.row.clusters().begin(), stored.row.clusters().end());
  }
  for (const int32_t number : clusters) {
    RETURN_IF_ERROR(AddDays(tx, kMembers, store::Key::Of(number, bin), from, &days));
    RETURN_IF_ERROR(AddDays(tx, kClusters, store::Key::Of(number), from, &days));
  }
  for (const base::Date day : days) {
    OrganizationRow row;
    ASSIGN_OR_RETURN(*row.mutable_organization(), CountOn(tx, bin, clusters, day));
    *row.mutable_clusters() = {clusters.begin(), clusters.end()};
    ASSIGN_OR_RETURN(const auto known, tx.Find(kOrganizations, key, {.as_of = day}));
    if (known.has_value()) {
      row.mutable_organization()->set_etag(known->row.organization().etag());
      if (row.SerializeAsString() == known->row.SerializeAsString()) continue;
    }
    RETURN_IF_ERROR(tx.Put(kOrganizations, &row, day));
  }
  return absl::OkStatus();
}

absl::Status RecountMembers(store::Tx& tx, const ClusterRow& row, base::Date from) {
  for (const std::string& bin : row.bins()) {
    RETURN_IF_ERROR(Recount(tx, bin, row.number(), from));
  }
  return absl::OkStatus();
}

void Keep(const std::string& bin, ClusterRow* row) {
  std::set<std::string> bins(row->bins().begin(), row->bins().end());
  if (bins.insert(bin).second) *row->mutable_bins() = {bins.begin(), bins.end()};
}

cases::OverdueFns OverdueActs(const std::shared_ptr<const Env>& env) {
  return {{kCureDeadline, [env](store::Tx& tx, const Deadline& deadline,
                                base::Date day) { return CureOver(*env, tx, deadline, day); }},
          {kReportDeadline, [env](store::Tx& tx, const Deadline& deadline, base::Date day) {
             return ReportOverdue(*env, tx, deadline, day);
           }}};
}

absl::Status JudgeCompositionTimer(const Env& env, store::Tx& tx, absl::string_view payload,
                                   absl::Time due) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(payload, '/');
  int32_t number = 0;
  if (!absl::SimpleAtoi(parts.first, &number)) return base::StoreCorrupt("timer of a cluster");
  ASSIGN_OR_RETURN(ClusterRow row, Need(tx, kClusters, store::Key::Of(number)));
  if (row.cluster().state() == Cluster::REMOVED) return absl::OkStatus();
  const base::Date day = base::Date::LegalDay(due);
  // What holds from this day on was recorded before it, or on it: the service that was down on the
  // day gives nobody a longer cure period.
  RETURN_IF_ERROR(Rejudge(env, tx, day, &row));
  if (!parts.second.empty()) {  // imported: the days since its order are judged as they were
    ASSIGN_OR_RETURN(const base::Date ordered, base::Date::Parse(parts.second));
    RETURN_IF_ERROR(CorrectPast(env, tx, ordered, row));
  }
  RETURN_IF_ERROR(SetDueDate(tx, row.mutable_cluster()));
  tx.Cite(errors::RulesOfRegister());
  return tx.Put(kClusters, &row, day);
}

absl::Status CloseDeadlines(store::Tx& tx, const std::string& record, absl::string_view kind,
                            Deadline::State state, std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, cases::OpenDeadlines(tx, record));
  for (const Deadline& deadline : open) {
    if (!kind.empty() && deadline.kind() != kind) continue;
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), state, day));
  }
  return absl::OkStatus();
}

absl::Status HandOverDeadlines(store::Tx& tx, const Cluster& cluster) {
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, cases::OpenDeadlines(tx, cluster.name()));
  for (Deadline deadline : open) {
    if (deadline.kind() != kCureDeadline && deadline.kind() != kReportDeadline) continue;
    deadline.set_bin(cluster.cluster_organization());
    RETURN_IF_ERROR(cases::HandOver(tx, deadline.name(), deadline));
  }
  return absl::OkStatus();
}

absl::Status SetDueDate(const store::Reader& reader, Cluster* cluster) {
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, cases::OpenDeadlines(reader, cluster->name()));
  cluster->clear_due_date();
  if (!open.empty()) *cluster->mutable_due_date() = open.front().due_date();
  return absl::OkStatus();
}

absl::Status OpenReportDeadline(const Env& env, store::Tx& tx, const Cluster& cluster, int year,
                                std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const base::Date due, ReportDue(year, *env.norms));
  ASSIGN_OR_RETURN(const norms::Norm norm, ReportNorm(year, *env.norms));
  Deadline deadline;
  deadline.set_record(cluster.name());
  deadline.set_kind(kReportDeadline);
  deadline.add_roles(rpc::v1::ENTITY);
  deadline.set_bin(cluster.cluster_organization());
  *deadline.mutable_since() = day.value_or(tx.today()).ToProto();
  *deadline.mutable_due_date() = due.ToProto();
  deadline.set_norm(kReportDue);
  deadline.set_rests_on_assumption(norm.certainty == norms::Certainty::kAssumption);
  *deadline.mutable_legal_basis() = errors::RulesOfRegister();
  return cases::OpenDeadline(tx, std::move(deadline), day).status();
}

}  // namespace nisi::clusters
