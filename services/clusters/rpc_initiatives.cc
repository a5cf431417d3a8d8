#include <set>

#include "absl/strings/str_cat.h"
#include "common/rpc/gather.h"
#include "services/clusters/errors.h"
#include "services/clusters/places.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

absl::Status Exists(const char* collection, const std::string& name) {
  return base::Refusal(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                       "This request has already made a record, which may have changed since.")
      .Resource(collection, name);
}

std::set<std::string> KatosOf(const Initiative& initiative) {
  std::set<std::string> katos(initiative.regions().begin(), initiative.regions().end());
  for (const Participant& participant : initiative.participants()) {
    katos.insert(participant.region());
  }
  return katos;
}

// What the initiative says of places holds together; its akimats are those of all its regions.
absl::Status SettlePlaces(const Places& asked, Initiative* initiative) {
  RETURN_IF_ERROR(CheckPlaces(initiative->region(), initiative->other_regions(),
                              initiative->participants(), "initiative"));
  initiative->clear_regions();
  initiative->add_regions(initiative->region());
  for (const std::string& region : initiative->other_regions()) {
    if (region != initiative->region()) initiative->add_regions(region);
  }
  KeepPlaces(KatosOf(*initiative), asked, initiative->mutable_places());
  return absl::OkStatus();
}

// The places that a request enters: of an update those that it names.
std::vector<EnteredPlace> EnteredBy(const Initiative& initiative,
                                    const google::protobuf::FieldMask& mask = {}) {
  std::vector<EnteredPlace> entered;
  if (Enters(mask, "region") && !initiative.region().empty()) {
    entered.push_back({"initiative.region", initiative.region()});
  }
  for (int i = 0; Enters(mask, "other_regions") && i < initiative.other_regions_size(); ++i) {
    entered.push_back(
        {absl::StrCat("initiative.other_regions[", i, "]"), initiative.other_regions(i)});
  }
  for (int i = 0; Enters(mask, "participants") && i < initiative.participants_size(); ++i) {
    entered.push_back({absl::StrCat("initiative.participants[", i, "].region"),
                       initiative.participants(i).region()});
  }
  return entered;
}

}  // namespace

absl::StatusOr<v1::Initiative> CreateInitiative(Env& env, Call& call,
                                                const v1::CreateInitiativeRequest& request) {
  Places places;
  return rpc::GatherThenWrite<Initiative>(
      *env.store, call, request,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(places, AskPlaces(env, call, EnteredBy(request.initiative())));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Initiative> {
        InitiativeRow row;
        Initiative& initiative = *row.mutable_initiative();
        initiative = request.initiative();
        initiative.set_name(absl::StrCat("initiatives/", rpc::IdFor(call)));
        ASSIGN_OR_RETURN(const auto known,
                         tx.FindRaw(kInitiatives, store::Key::Of(initiative.name())));
        if (known.has_value()) return Exists(kInitiatives.name, initiative.name());
        RETURN_IF_ERROR(SettlePlaces(places, &initiative));
        initiative.set_state(Initiative::PROPOSED);
        initiative.set_proposed_by(call.caller->subject);
        tx.Cite(errors::Initiatives());
        RETURN_IF_ERROR(tx.Put(kInitiatives, &row));
        return row.initiative();
      });
}

absl::StatusOr<v1::Initiative> UpdateInitiative(Env& env, Call& call,
                                                const v1::UpdateInitiativeRequest& request) {
  Places places;
  return rpc::GatherThenWrite<Initiative>(
      *env.store, call, request,
      [&]() -> absl::Status {
        // What the map says of the places would tell a stranger that it is there, and where.
        const std::string& name = request.initiative().name();
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(const auto stands,
                         rpc::FindFor(view, call, kInitiatives, store::Key::Of(name), name));
        ASSIGN_OR_RETURN(
            places, AskPlaces(env, call, EnteredBy(request.initiative(), request.update_mask()),
                              KatosOf(stands.row.initiative())));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Initiative> {
        const std::string& name = request.initiative().name();
        ASSIGN_OR_RETURN(
            auto step,
            BeginStep(tx, call, InitiativeMachine(), InitiativeVerb::kUpdate, kInitiatives,
                      store::Key::Of(name), name, request.initiative().etag()));
        Initiative& initiative = *step.row.mutable_initiative();
        RETURN_IF_ERROR(
            rpc::ApplyUpdate(request.initiative(), request.update_mask(), &initiative, &call));
        RETURN_IF_ERROR(SettlePlaces(places, &initiative));
        RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kInitiatives, &step));
        Conceal(call, step.roles, &initiative);
        return initiative;
      });
}

absl::StatusOr<v1::Initiative> WithdrawInitiative(Env& env, const Call& call, store::Tx& tx,
                                                  const v1::WithdrawInitiativeRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginStep(tx, call, InitiativeMachine(), InitiativeVerb::kWithdraw, kInitiatives,
                             store::Key::Of(request.name()), request.name(), request.etag()));
  step.row.mutable_initiative()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kInitiatives, &step));
  Conceal(call, step.roles, step.row.mutable_initiative());
  return step.row.initiative();
}

absl::StatusOr<Encoded<v1::Initiative>> GetInitiative(Env& env, Call& call,
                                                      const v1::GetInitiativeRequest& request) {
  return GetShown<Initiative>(env, call, kInitiatives, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListInitiativesResponse>> ListInitiatives(
    Env& env, Call& call, const v1::ListInitiativesRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kInitiatives, request, call));
  plan.indexes = {{"state", &kInitiativesByState, rpc::EnumKey<Initiative::State>}};
  plan.scopes = {{rpc::v1::ENTITY, &kInitiativesByOrganization},
                 {rpc::v1::AKIMAT, &kInitiativesByRegion}};
  plan.show = ShowClosed<Initiative>(env, call, kInitiatives, plan.at);
  return rpc::ListAs<v1::ListInitiativesResponse>(*env.store, plan);
}

absl::StatusOr<v1::Diagnostic> DiagnoseInitiative(Env& env, const Call& call, store::Tx& tx,
                                                  const v1::DiagnoseInitiativeRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginStep(tx, call, InitiativeMachine(), InitiativeVerb::kDiagnose, kInitiatives,
                             store::Key::Of(request.name()), request.name(), request.etag()));
  Initiative& initiative = *step.row.mutable_initiative();
  DiagnosticRow row;
  Diagnostic& diagnostic = *row.mutable_diagnostic();
  diagnostic = request.diagnostic();
  diagnostic.set_name(absl::StrCat("diagnostics/", rpc::IdFor(call)));
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kDiagnostics, store::Key::Of(diagnostic.name())));
  if (known.has_value()) return Exists(kDiagnostics.name, diagnostic.name());
  diagnostic.set_initiative(initiative.name());
  diagnostic.set_initiative_etag(initiative.etag());
  diagnostic.set_cluster_organization(initiative.cluster_organization());
  *diagnostic.mutable_regions() = initiative.regions();
  diagnostic.set_etag(tx.etag());  // the version that the decision says its points are of
  ASSIGN_OR_RETURN(*diagnostic.mutable_decision(), Diagnose(diagnostic, *env.norms, tx.today()));
  SetDecideTime(tx, diagnostic.mutable_decision());
  int32_t total = 0;
  for (const CriterionPoints& points : diagnostic.points()) total += points.points();
  diagnostic.set_total_points(total);
  v1::DevelopmentLevel level = v1::DEVELOPMENT_LEVEL_UNSPECIFIED;
  v1::DevelopmentLevel_Parse(diagnostic.decision().outcome(), &level);
  diagnostic.set_level(level);
  diagnostic.set_diagnosed_by(call.caller->subject);
  RETURN_IF_ERROR(tx.Put(kDiagnostics, &row));
  initiative.set_diagnostic(diagnostic.name());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kInitiatives, &step));
  return row.diagnostic();
}

absl::StatusOr<Encoded<v1::Diagnostic>> GetDiagnostic(Env& env, Call& call,
                                                      const v1::GetDiagnosticRequest& request) {
  return GetShown<Diagnostic>(env, call, kDiagnostics, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListDiagnosticsResponse>> ListDiagnostics(
    Env& env, Call& call, const v1::ListDiagnosticsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kDiagnostics, request, call));
  plan.indexes = {{"initiative", &kDiagnosticsByInitiative,
                   [](const std::string& name) { return std::optional(store::Key::Of(name)); }}};
  plan.show = ShowClosed<Diagnostic>(env, call, kDiagnostics, plan.at);
  return rpc::ListAs<v1::ListDiagnosticsResponse>(*env.store, plan);
}

}  // namespace nisi::clusters
