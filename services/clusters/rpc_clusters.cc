#include <algorithm>
#include <functional>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "common/rpc/gather.h"
#include "services/clusters/errors.h"
#include "services/clusters/places.h"
#include "services/clusters/rpcs.h"
#include "services/clusters/rules_support.h"

namespace nisi::clusters {
namespace {

using cases::Deadline;
using ClusterStep = cases::Step<ClusterRow>;

constexpr char kPaymentPattern[] = "supports/*/payments/*";

absl::StatusOr<int32_t> NumberOf(const std::string& name) {
  return rpc::NumberIn(name, "clusters/*", 0);
}

absl::StatusOr<ClusterStep> BeginCluster(const store::Tx& tx, const Call& call, ClusterVerb verb,
                                         const std::string& name, const std::string& etag) {
  ASSIGN_OR_RETURN(const int32_t number, NumberOf(name));
  return BeginStep(tx, call, ClusterMachine(), verb, kClusters, store::Key::Of(number), name, etag);
}

// The order by which a step is taken, and its date, from which the step holds. `grounded`: the
// first day on which its ground was there.
template <class Request>
absl::StatusOr<base::Date> TakeOrder(const store::Tx& tx, const Request& request,
                                     base::Date grounded, ClusterStep* step) {
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.order_date()));
  ASSIGN_OR_RETURN(const base::Date since, InStateSince(step->row));
  RETURN_IF_ERROR(CheckOrderDate(day, std::max(since, grounded), tx.today()));
  Cluster& cluster = *step->row.mutable_cluster();
  cluster.set_order_number(request.order_number());
  *cluster.mutable_order_date() = request.order_date();
  cluster.set_decided_by(step->subject);
  return day;
}

// What an order on a cluster makes of a version of it: of today's, and of each since its date.
using Ordered = std::function<void(ClusterRow*)>;

// The step holds from the date of its order: what was known of the days since then goes the same
// way, each keeping what else it says.
absl::Status HoldSince(store::Tx& tx, base::Date day, const Ordered& ordered, ClusterStep* step) {
  const Cluster& now = step->row.cluster();
  RETURN_IF_ERROR(AmendPast(tx, day, step->row.number(), [&](ClusterRow* then) {
    Cluster& cluster = *then->mutable_cluster();
    cluster.set_order_number(now.order_number());
    *cluster.mutable_order_date() = now.order_date();
    cluster.set_decided_by(now.decided_by());
    *cluster.mutable_decision() = now.decision();
    cluster.set_ground(now.ground());
    cluster.set_reason(now.reason());
    ordered(then);
  }));
  ordered(&step->row);
  return absl::OkStatus();
}

// The deadline of the yearly report that has been overdue the longest.
absl::StatusOr<std::optional<Deadline>> OverdueReport(const store::Reader& reader,
                                                      const std::string& cluster) {
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, cases::OpenDeadlines(reader, cluster));
  const auto overdue = std::find_if(open.begin(), open.end(), [](const Deadline& deadline) {
    return deadline.kind() == kReportDeadline && deadline.overdue();
  });
  return overdue == open.end() ? std::nullopt : std::optional<Deadline>(*overdue);
}

// Its composition on the day of the order bears it.
absl::Status CheckWholeOn(const Env& env, const store::Tx& tx, base::Date day, ClusterStep* step) {
  Decision& decision = *step->row.mutable_cluster()->mutable_decision();
  ASSIGN_OR_RETURN(decision, CompositionOn(env, tx, step->row, day));
  return CheckWhole(decision);
}

// The ground of a suspension or removal bears it by what the register knows. Since when it does.
template <class Request>
absl::StatusOr<base::Date> TakeGround(const Env& env, const store::Tx& tx, const Request& request,
                                      Cluster::State to, ClusterStep* step) {
  Cluster& cluster = *step->row.mutable_cluster();
  ASSIGN_OR_RETURN(const auto overdue, OverdueReport(tx, cluster.name()));
  Grounding grounding{.to = to,
                      .ground = request.ground(),
                      .cluster = &cluster,
                      .report_overdue = overdue.has_value(),
                      .source = {cluster.name(), tx.etag()}};
  if (overdue.has_value()) {
    grounding.report = {overdue->name(), overdue->etag()};
    grounding.report_assumed = overdue->rests_on_assumption();
    ASSIGN_OR_RETURN(grounding.report_due, base::Date::FromProto(overdue->due_date()));
  }
  ASSIGN_OR_RETURN(*cluster.mutable_decision(), JudgeGround(grounding, *env.norms));
  RETURN_IF_ERROR(CheckGround(cluster.decision()));
  SetDecideTime(tx, cluster.mutable_decision());
  cluster.set_ground(request.ground());
  cluster.set_reason(request.reason());
  return GroundSince(grounding);
}

void SetRegions(Cluster* cluster) {
  cluster->clear_regions();
  cluster->add_regions(cluster->region());
  for (const std::string& region : cluster->other_regions()) {
    if (region != cluster->region()) cluster->add_regions(region);
  }
}

// Numbers of the clusters under a prefix of an index.
absl::Status AddClusters(const store::Reader& reader, const store::IndexDef& index,
                         const store::Key& prefix, const store::At& at,
                         std::set<int32_t>* numbers) {
  return reader.Scan(index, {prefix, ""}, at,
                     [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                       ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ClusterRow>(view));
                       numbers->insert(stored.row.number());
                       return true;
                     });
}

// Clusters one of whose codes covers `code` or lies below it: three looks above, one range below.
absl::Status AddByGoods(const store::Reader& reader, const std::string& code, const store::At& at,
                        std::set<int32_t>* numbers) {
  for (size_t length = 4; length < code.size(); length += 2) {
    RETURN_IF_ERROR(
        AddClusters(reader, kClustersByGoods, store::Key::Of(code.substr(0, length)), at, numbers));
  }
  store::Key prefix;
  prefix.AddTextPrefix(code);
  return AddClusters(reader, kClustersByGoods, prefix, at, numbers);
}

absl::Status AddByMember(const store::Reader& reader, const std::string& bin, const store::At& at,
                         std::set<int32_t>* numbers) {
  return reader.Scan(kMembersByBin, {store::Key::Of(bin), ""}, at,
                     [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                       ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<MemberRow>(view));
                       numbers->insert(stored.row.cluster());
                       return true;
                     });
}

// What every given criterion says.
absl::StatusOr<std::set<int32_t>> Matching(const store::Reader& reader,
                                           const v1::FindClustersRequest& request,
                                           const store::At& at) {
  std::vector<std::set<int32_t>> sets;
  if (!request.member().empty()) {
    RETURN_IF_ERROR(AddByMember(reader, request.member(), at, &sets.emplace_back()));
  }
  if (!request.region().empty()) {
    store::Key prefix;
    prefix.AddTextPrefix(request.region().substr(0, 2));
    RETURN_IF_ERROR(AddClusters(reader, kClustersByRegion, prefix, at, &sets.emplace_back()));
  }
  if (!request.goods_code().empty()) {
    RETURN_IF_ERROR(AddByGoods(reader, request.goods_code(), at, &sets.emplace_back()));
  }
  std::set<int32_t> all = sets.front();  // the form asks for one
  std::erase_if(all, [&](int32_t number) {
    return std::any_of(sets.begin(), sets.end(),
                       [number](const std::set<int32_t>& set) { return !set.contains(number); });
  });
  return all;
}

void AddReplay(const char* field, bool has, const Decision& stored,
               absl::StatusOr<Decision> (*replay)(const Decision&), absl::Status* failed,
               v1::ReplayDecisionResponse* response) {
  if (!has || !failed->ok()) return;
  auto answer = cases::ReplayAnswer<v1::ReplayDecisionResponse::Replay>(stored, replay);
  if (!answer.ok()) {
    *failed = answer.status();
    return;
  }
  answer->set_field(field);
  *response->add_replays() = *std::move(answer);
}

}  // namespace

absl::StatusOr<v1::Cluster> UpdateCluster(Env& env, Call& call,
                                          const v1::UpdateClusterRequest& request) {
  Places places;
  return rpc::GatherThenWrite<Cluster>(
      *env.store, call, request,
      [&]() -> absl::Status {
        if (!Enters(request.update_mask(), "other_regions")) return absl::OkStatus();
        std::vector<EnteredPlace> entered;
        for (int i = 0; i < request.cluster().other_regions_size(); ++i) {
          entered.push_back(
              {absl::StrCat("cluster.other_regions[", i, "]"), request.cluster().other_regions(i)});
        }
        // What the map says of the places would tell a stranger that it is there, and where.
        const std::string& name = request.cluster().name();
        ASSIGN_OR_RETURN(const int32_t number, NumberOf(name));
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(const auto stands,
                         rpc::FindFor(view, call, kClusters, store::Key::Of(number), name));
        const auto& regions = stands.row.cluster().regions();
        ASSIGN_OR_RETURN(places, AskPlaces(env, call, entered, {regions.begin(), regions.end()}));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Cluster> {
        ASSIGN_OR_RETURN(ClusterStep step,
                         BeginCluster(tx, call, ClusterVerb::kUpdate, request.cluster().name(),
                                      request.cluster().etag()));
        Cluster& cluster = *step.row.mutable_cluster();
        const std::string organization = cluster.cluster_organization();
        RETURN_IF_ERROR(
            rpc::ApplyUpdate(request.cluster(), request.update_mask(), &cluster, &call));
        RETURN_IF_ERROR(CheckPlaces(cluster.region(), cluster.other_regions(), {}, "cluster"));
        SetRegions(&cluster);
        KeepPlaces({cluster.regions().begin(), cluster.regions().end()}, places,
                   cluster.mutable_places());
        const bool other = cluster.cluster_organization() != organization;
        if (other) RETURN_IF_ERROR(HandOverDeadlines(tx, cluster));
        RETURN_IF_ERROR(Rejudge(env, tx, tx.today(), &step.row));
        RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &step));
        // Experts may be tied to the new one.
        if (other && cluster.state() == Cluster::CANDIDATE)
          RETURN_IF_ERROR(TieCandidate(tx, cluster));
        return cluster;
      });
}

absl::StatusOr<v1::Cluster> RegisterCluster(Env& env, const Call& call, store::Tx& tx,
                                            const v1::RegisterClusterRequest& request) {
  ASSIGN_OR_RETURN(ClusterStep step,
                   BeginCluster(tx, call, ClusterVerb::kRegister, request.name(), request.etag()));
  ASSIGN_OR_RETURN(const base::Date day, TakeOrder(tx, request, base::Date::Min(), &step));
  RETURN_IF_ERROR(CheckWholeOn(env, tx, day, &step));
  RETURN_IF_ERROR(HoldSince(tx, day, Enter, &step));
  RETURN_IF_ERROR(Rejudge(env, tx, tx.today(), &step.row));
  RETURN_IF_ERROR(OpenReportDeadline(env, tx, step.row.cluster(), day.year()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &step));
  return step.row.cluster();
}

absl::StatusOr<v1::Cluster> SuspendCluster(Env& env, const Call& call, store::Tx& tx,
                                           const v1::SuspendClusterRequest& request) {
  ASSIGN_OR_RETURN(ClusterStep step,
                   BeginCluster(tx, call, ClusterVerb::kSuspend, request.name(), request.etag()));
  ASSIGN_OR_RETURN(const base::Date grounded,
                   TakeGround(env, tx, request, Cluster::SUSPENDED, &step));
  ASSIGN_OR_RETURN(const base::Date day, TakeOrder(tx, request, grounded, &step));
  // Suspended already: nothing more is proposed.
  RETURN_IF_ERROR(CloseDeadlines(tx, request.name(), kCureDeadline, Deadline::CANCELLED));
  RETURN_IF_ERROR(HoldSince(tx, day, Suspend, &step));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &step));
  return step.row.cluster();
}

absl::StatusOr<v1::Cluster> ResumeCluster(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ResumeClusterRequest& request) {
  ASSIGN_OR_RETURN(ClusterStep step,
                   BeginCluster(tx, call, ClusterVerb::kResume, request.name(), request.etag()));
  Cluster& cluster = *step.row.mutable_cluster();
  ASSIGN_OR_RETURN(const base::Date day, TakeOrder(tx, request, base::Date::Min(), &step));
  RETURN_IF_ERROR(CheckWholeOn(env, tx, day, &step));
  cluster.clear_ground();
  cluster.set_reason(request.reason());
  // Back to where it was: one that was never registered is not registered by that.
  RETURN_IF_ERROR(step.Lead(step.row.suspended_from() == Cluster::SELECTED ? Cluster::SELECTED
                                                                           : Cluster::REGISTERED));
  RETURN_IF_ERROR(HoldSince(tx, day, Resume, &step));
  RETURN_IF_ERROR(CorrectPast(env, tx, day, step.row));
  RETURN_IF_ERROR(Rejudge(env, tx, tx.today(), &step.row));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &step));
  return cluster;
}

absl::StatusOr<v1::Cluster> RemoveCluster(Env& env, const Call& call, store::Tx& tx,
                                          const v1::RemoveClusterRequest& request) {
  ASSIGN_OR_RETURN(ClusterStep step,
                   BeginCluster(tx, call, ClusterVerb::kRemove, request.name(), request.etag()));
  Cluster& cluster = *step.row.mutable_cluster();
  if (cluster.state() == Cluster::CANDIDATE) {
    ASSIGN_OR_RETURN(const auto open, tx.FindUniqueRaw(kOpenApplicationsByInitiative,
                                                       store::Key::Of(cluster.initiative())));
    if (open.has_value()) return errors::InSelection();
  }
  ASSIGN_OR_RETURN(const base::Date grounded,
                   TakeGround(env, tx, request, Cluster::REMOVED, &step));
  ASSIGN_OR_RETURN(const base::Date day, TakeOrder(tx, request, grounded, &step));
  for (const char* kind : {kCureDeadline, kReportDeadline}) {
    RETURN_IF_ERROR(CloseDeadlines(tx, request.name(), kind, Deadline::CANCELLED));
  }
  RETURN_IF_ERROR(EndMemberships(tx, request.reason(), day, &step.row));
  RETURN_IF_ERROR(HoldSince(tx, day, Remove, &step));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &step));
  RETURN_IF_ERROR(RecountMembers(tx, step.row, day));
  return cluster;
}

absl::StatusOr<Encoded<v1::Cluster>> GetCluster(Env& env, Call& call,
                                                const v1::GetClusterRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, NumberOf(request.name()));
  return rpc::GetRecord<Cluster>(*env.store, call, kClusters, store::Key::Of(number), request,
                                 ClusterVisible);
}

absl::StatusOr<Encoded<v1::ListClustersResponse>> ListClusters(
    Env& env, Call& call, const v1::ListClustersRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kClusters, request, call));
  plan.indexes = {{"state", &kClustersByState, rpc::EnumKey<Cluster::State>}};
  plan.show = rpc::ShowTo<Cluster>(call, ClusterVisible);
  return rpc::ListAs<v1::ListClustersResponse>(*env.store, plan);
}

absl::StatusOr<v1::FindClustersResponse> FindClusters(Env& env, Call& call,
                                                      const v1::FindClustersRequest& request) {
  ASSIGN_OR_RETURN(store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  const rpc::PageTokens tokens(env.store->token_key(), env.store->clock().Now());
  const std::string query_hash = rpc::QueryHash(request, rpc::Standing(*call.caller));
  rpc::PageState state;
  base::Date day = at.as_of.value_or(view.today());
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(state, tokens.Decode(request.page_token(), query_hash));
    // The state of the first page, on the day of the first page, whatever day it is by now.
    at.known_at_us = state.recorded_us;
    if (state.last_key.size() != 4) return base::StoreCorrupt("page token");
    ASSIGN_OR_RETURN(
        day, base::Date::FromDays(static_cast<int32_t>(store::ReadBigEndian32(state.last_key))));
    at.as_of = day;
  }
  ASSIGN_OR_RETURN(const std::set<int32_t> numbers, Matching(view, request, at));
  const int size = rpc::PageSize(request.page_size());
  v1::FindClustersResponse response;
  // Of the page before, the last; numbers are small, so the position holds it.
  for (auto it = numbers.upper_bound(static_cast<int32_t>(state.position)); it != numbers.end();
       ++it) {
    ASSIGN_OR_RETURN(auto found, view.Find(kClusters, store::Key::Of(*it), at));
    uint32_t roles = 0;
    if (!found.has_value() || found->row.cluster().state() == Cluster::REMOVED ||
        !rpc::MaySee(call, rpc::TiesOf<Cluster>(), found->row.cluster(), ClusterVisible, &roles)) {
      continue;
    }
    if (response.clusters_size() == size) {
      if (request.page_token().empty()) {
        ASSIGN_OR_RETURN(state.recorded_us, view.RecordedUs());
        // Of a moment to come it shows what is known by now.
        state.recorded_us = std::min(state.recorded_us, at.known_at_us.value_or(state.recorded_us));
        store::AppendBigEndian32(&state.last_key, static_cast<uint32_t>(day.days()));
      }
      response.set_next_page_token(tokens.Encode(state, query_hash));
      break;
    }
    state.position = *it;
    *response.add_clusters() = std::move(*found->row.mutable_cluster());
  }
  return response;
}

absl::StatusOr<v1::SummarizeClustersResponse> SummarizeClusters(
    Env& env, Call& /*call*/, const v1::SummarizeClustersRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  v1::SummarizeClustersResponse response;
  RETURN_IF_ERROR(view.ScanTotals(
      kClusterTotals, {}, at,
      [&](absl::string_view group, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        store::KeyReader key(group);
        const auto region = key.Text();
        const auto state = key.Number();
        const auto level = key.Number();
        if (!region || !state || !level) return base::StoreCorrupt("totals of clusters");
        auto* line = response.add_lines();
        line->set_region(*region);
        line->set_state(static_cast<Cluster::State>(*state));
        line->set_level(static_cast<v1::DevelopmentLevel>(*level));
        line->set_cluster_count(static_cast<int32_t>(sums[0]));
        response.set_cluster_count(response.cluster_count() + line->cluster_count());
        return true;
      }));
  RETURN_IF_ERROR(view.ScanTotals(
      kOrganizationTotals, {}, at,
      [&](absl::string_view, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        response.set_organization_count(static_cast<int32_t>(sums[0]));
        response.set_manufacturer_count(static_cast<int32_t>(sums[1]));
        response.set_membership_count(static_cast<int32_t>(sums[2]));
        return true;
      }));
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  response.set_position(position);
  return response;
}

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call&, const v1::ReplayDecisionRequest& request) {
  const store::View view = env.store->Read();
  const std::string& name = request.name();
  v1::ReplayDecisionResponse response;
  response.set_name(name);
  absl::Status failed;
  const auto add = [&](const char* field, bool has, const Decision& stored,
                       absl::StatusOr<Decision> (*replay)(const Decision&)) {
    AddReplay(field, has, stored, replay, &failed, &response);
  };
  if (absl::StartsWith(name, "diagnostics/")) {
    ASSIGN_OR_RETURN(const auto found, view.Find(kDiagnostics, store::Key::Of(name)));
    if (!found.has_value()) return base::NotFound(kDiagnostics.name, name);
    const Diagnostic& of = found->row.diagnostic();
    response.set_bin(of.cluster_organization());
    add("decision", of.has_decision(), of.decision(), ReplayDiagnosis);
  } else if (absl::StrContains(name, "/applications/")) {
    constexpr char kPattern[] = "selections/*/applications/*";
    if (!base::MatchResourceName(kPattern, name).ok()) {
      return base::InvalidField("name", "is of no record with decisions");
    }
    ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(name, kPattern, 0));
    ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, kPattern, 1));
    ASSIGN_OR_RETURN(const auto found, view.Find(kApplications, store::Key::Of(selection, number)));
    if (!found.has_value()) return base::NotFound(kApplications.name, name);
    const Application& of = found->row.application();
    response.set_bin(of.cluster_organization());
    add("admission", of.has_admission(), of.admission(), ReplayAdmission);
    add("scoring", of.has_scoring(), of.scoring(), ReplayTotal);
    add("composition", of.has_composition(), of.composition(), ReplayComposition);
  } else if (base::MatchResourceName("selections/*", name).ok()) {
    ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, "selections/*", 0));
    ASSIGN_OR_RETURN(const auto found, view.Find(kSelections, store::Key::Of(number)));
    if (!found.has_value()) return base::NotFound(kSelections.name, name);
    const Selection& of = found->row.selection();
    add("ranking", of.has_ranking(), of.ranking(), ReplayRanking);
    add("decision", of.has_decision(), of.decision(), ReplayCommission);
  } else if (base::MatchResourceName("clusters/*", name).ok()) {
    ASSIGN_OR_RETURN(const int32_t number, NumberOf(name));
    ASSIGN_OR_RETURN(const auto found, view.Find(kClusters, store::Key::Of(number)));
    if (!found.has_value()) return base::NotFound(kClusters.name, name);
    const Cluster& of = found->row.cluster();
    response.set_bin(of.cluster_organization());
    add("composition", of.has_composition(), of.composition(), ReplayComposition);
    add("decision", of.has_decision(), of.decision(), ReplayRegister);
  } else if (base::MatchResourceName(kPaymentPattern, name).ok()) {
    ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, kPaymentPattern, 1));
    const std::string support = name.substr(0, name.find("/payments/"));
    ASSIGN_OR_RETURN(const auto found, view.Find(kPayments, store::Key::Of(support, number)));
    if (!found.has_value()) return base::NotFound(kPayments.name, name);
    const v1::Payment& of = found->row.payment();
    add("decision", of.has_decision(), of.decision(), ReplayPayment);
  } else if (base::MatchResourceName("supports/*", name).ok()) {
    ASSIGN_OR_RETURN(const auto found, view.Find(kSupports, store::Key::Of(name)));
    if (!found.has_value()) return base::NotFound(kSupports.name, name);
    const Support& of = found->row.support();
    response.set_bin(of.recipient());
    add("examination", of.has_examination(), of.examination(), ReplayExamination);
    add("decision", of.has_decision(), of.decision(), ReplayGrant);
  } else {
    return base::InvalidField("name", "is of no record with decisions");
  }
  RETURN_IF_ERROR(failed);
  if (response.replays().empty()) return cases::DecisionMissing(errors::KeepingTheRegister());
  return response;
}

}  // namespace nisi::clusters
