// Reading: one record, lists, deadlines, and decisions computed again.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

using ReplayResponse = v1::ReplayDecisionResponse;

// To who plans the good as it stands; to all others without whose needs it is and their worth.
std::function<absl::StatusOr<rpc::Shown>(google::protobuf::Message*)> ShowItems(const Call& call) {
  return [&call](google::protobuf::Message* resource) -> absl::StatusOr<rpc::Shown> {
    uint32_t roles = 0;
    if (!rpc::MaySee(call, rpc::TiesOf<ListItem>(), *resource, IsShownItem, &roles)) {
      return rpc::Shown::kNo;
    }
    return HideNeeds(roles, static_cast<ListItem*>(resource)) ? rpc::Shown::kChanged
                                                              : rpc::Shown::kAsStored;
  };
}

template <class Resource, class Row, class Request>
absl::StatusOr<Encoded<Resource>> GetChild(Env& env, const Call& call,
                                           const store::Table<Row>& table,
                                           const std::string& pattern, const Request& request) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.name(), pattern));
  return rpc::GetRecord<Resource>(*env.store, call, table, key, request);
}

// A record of a contract, to whom it names in the role that the caller has.
template <class Resource, class Row, class Request>
absl::StatusOr<Encoded<Resource>> GetUnder(Env& env, const Call& call,
                                           const store::Table<Row>& table, const store::Key& key,
                                           const Request& request) {
  if ((call.caller->roles & call.method->roles & rpc::kCountryRoles) != 0) {
    return rpc::GetRecord<Resource>(*env.store, call, table, key, request);
  }
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(view, call, table, key, request.name(), nullptr, at));
  const auto& resource = static_cast<const Resource&>(rpc::ResourceIn(found.row));
  ASSIGN_OR_RETURN(const bool read, IsReadUnder(view, call, resource));
  if (!read) return rpc::Missing(call, table.name, request.name());
  return Encoded<Resource>{resource.SerializeAsString()};
}
template <class Resource, class Row, class Request>
absl::StatusOr<Encoded<Resource>> GetOfContract(Env& env, const Call& call,
                                                const store::Table<Row>& table,
                                                const std::string& pattern,
                                                const Request& request) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.name(), pattern));
  return GetUnder<Resource>(env, call, table, key, request);
}

// A page of a table under a prefix, of what the caller may see.
template <class Resource, class Response, class Row, class Request>
absl::StatusOr<Encoded<Response>> ListUnder(Env& env, const Call& call,
                                            const store::Table<Row>& table, store::Key prefix,
                                            const Request& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(table, request, call));
  plan.prefix = std::move(prefix);
  if constexpr (std::is_same_v<Resource, ListItem>) {
    plan.show = ShowItems(call);
  } else {
    plan.show = rpc::ShowTo<Resource>(call);
  }
  return rpc::ListAs<Response>(*env.store, plan);
}

template <class Resource, class Response, class Row, class Request>
absl::StatusOr<Encoded<Response>> ListOfCycle(Env& env, const Call& call,
                                              const store::Table<Row>& table,
                                              const Request& request) {
  ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(request.parent(), "cycles/*", 0));
  return ListUnder<Resource, Response>(env, call, table, store::Key::Of(year), request);
}

template <class Resource, class Response, class Row, class Request>
absl::StatusOr<Encoded<Response>> ListOfContract(Env& env, const Call& call,
                                                 const store::Table<Row>& table,
                                                 const Request& request) {
  RETURN_IF_ERROR(
      CheckContract(env.store->Read(call.reach), call, request.parent(), request.parent()));
  return ListUnder<Resource, Response>(env, call, table, store::Key::Of(request.parent()), request);
}

absl::Status AddReplay(const char* field, const Decision& stored,
                       absl::StatusOr<Decision> (*replay)(const Decision&),
                       ReplayResponse* response) {
  ASSIGN_OR_RETURN(*response->add_replays(),
                   cases::ReplayAnswer<ReplayResponse::Replay>(stored, replay));
  auto& last = *response->mutable_replays(response->replays_size() - 1);
  last.set_field(field);
  response->set_same(response->same() && last.same());
  return absl::OkStatus();
}

template <class Row>
absl::StatusOr<Row> RowNamed(const store::Reader& reader, const store::Table<Row>& table,
                             const absl::StatusOr<store::Key>& key, const std::string& name,
                             const store::At& at) {
  if (!key.ok()) return base::NotFound(table.name, name);
  ASSIGN_OR_RETURN(auto found, reader.Find(table, *key, at));
  if (!found.has_value()) return base::NotFound(table.name, name);
  return std::move(found->row);
}

}  // namespace

bool HideNeeds(uint32_t roles, ListItem* item) {
  constexpr uint32_t kBodies =
      base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) | base::RoleBit(rpc::v1::AUTHORITY_SUBSOIL) |
      base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY) | base::RoleBit(rpc::v1::AUDITOR);
  if ((roles & kBodies) != 0 ||
      (item->customers().empty() && item->agreed_customers().empty() && !item->has_value())) {
    return false;
  }
  item->clear_customers();
  item->clear_sole_customer();
  item->clear_agreed_customers();
  item->clear_value();
  return true;
}

absl::StatusOr<Encoded<v1::Customer>> GetCustomer(Env& env, Call& call,
                                                  const v1::GetCustomerRequest& request) {
  const std::string& name = request.name();
  return rpc::GetRecord<Customer>(*env.store, call, kCustomers,
                                  store::Key::Of(name.substr(name.find('/') + 1)), request);
}
absl::StatusOr<Encoded<v1::ListCustomersResponse>> ListCustomers(
    Env& env, Call& call, const v1::ListCustomersRequest& request) {
  return ListUnder<Customer, v1::ListCustomersResponse>(env, call, kCustomers, {}, request);
}

absl::StatusOr<Encoded<v1::Cycle>> GetCycle(Env& env, Call& call,
                                            const v1::GetCycleRequest& request) {
  ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(request.name(), "cycles/*", 0));
  return rpc::GetRecord<Cycle>(*env.store, call, kCycles, store::Key::Of(year), request);
}
absl::StatusOr<Encoded<v1::ListCyclesResponse>> ListCycles(Env& env, Call& call,
                                                           const v1::ListCyclesRequest& request) {
  return ListUnder<Cycle, v1::ListCyclesResponse>(env, call, kCycles, {}, request);
}

absl::StatusOr<Encoded<v1::Need>> GetNeed(Env& env, Call& call, const v1::GetNeedRequest& request) {
  return GetChild<Need>(env, call, kNeeds, "cycles/*/needs/*", request);
}
absl::StatusOr<Encoded<v1::ListNeedsResponse>> ListNeeds(Env& env, Call& call,
                                                         const v1::ListNeedsRequest& request) {
  return ListOfCycle<Need, v1::ListNeedsResponse>(env, call, kNeeds, request);
}

absl::StatusOr<v1::ListItem> GetListItem(Env& env, Call& call,
                                         const v1::GetListItemRequest& request) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.name(), "cycles/*/items/*"));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(view, call, kItems, key, request.name(), IsShownItem, at));
  HideNeeds(found.roles, found.row.mutable_item());
  return found.row.item();
}
absl::StatusOr<Encoded<v1::ListListItemsResponse>> ListListItems(
    Env& env, Call& call, const v1::ListListItemsRequest& request) {
  return ListOfCycle<ListItem, v1::ListListItemsResponse>(env, call, kItems, request);
}

absl::StatusOr<Encoded<v1::Proposal>> GetProposal(Env& env, Call& call,
                                                  const v1::GetProposalRequest& request) {
  return GetChild<Proposal>(env, call, kProposals, "cycles/*/proposals/*", request);
}
absl::StatusOr<Encoded<v1::ListProposalsResponse>> ListProposals(
    Env& env, Call& call, const v1::ListProposalsRequest& request) {
  return ListOfCycle<Proposal, v1::ListProposalsResponse>(env, call, kProposals, request);
}

absl::StatusOr<Encoded<v1::Publication>> GetPublication(Env& env, Call& call,
                                                        const v1::GetPublicationRequest& request) {
  return GetChild<Publication>(env, call, kPublications, "cycles/*/publications/*", request);
}
absl::StatusOr<Encoded<v1::ListPublicationsResponse>> ListPublications(
    Env& env, Call& call, const v1::ListPublicationsRequest& request) {
  return ListOfCycle<Publication, v1::ListPublicationsResponse>(env, call, kPublications, request);
}

absl::StatusOr<Encoded<v1::Contract>> GetContract(Env& env, Call& call,
                                                  const v1::GetContractRequest& request) {
  RETURN_IF_ERROR(CheckContract(env.store->Read(call.reach), call, request.name(), request.name()));
  return GetUnder<Contract>(env, call, kContracts, store::Key::Of(request.name()), request);
}
absl::StatusOr<Encoded<v1::ListContractsResponse>> ListContracts(
    Env& env, Call& call, const v1::ListContractsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kContracts, request, call));
  plan.indexes = {{"customer", &kContractsByBin, rpc::TextKey},
                  {"supplier", &kContractsByBin, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kContractsByBin}, {rpc::v1::CUSTOMER, &kContractsByBin}};
  plan.show = rpc::ShowTo<Contract>(call);
  if (plan.show) {
    plan.show = [&call](google::protobuf::Message* resource) -> absl::StatusOr<rpc::Shown> {
      const bool shown = RolesUnder(call, *static_cast<const Contract*>(resource)) != 0;
      return shown ? rpc::Shown::kAsStored : rpc::Shown::kNo;
    };
  }
  const bool past = plan.at.as_of.has_value() || plan.at.known_at_us.has_value();
  if (plan.show && past) {
    // Who was tied to it then and is no more does not see it.
    const auto now = std::make_shared<const store::View>(env.store->Read());
    plan.show = [&call, now, then = std::move(plan.show)](
                    google::protobuf::Message* resource) -> absl::StatusOr<rpc::Shown> {
      ASSIGN_OR_RETURN(const rpc::Shown shown, then(resource));
      if (shown == rpc::Shown::kNo) return shown;
      const std::string& name = static_cast<const Contract*>(resource)->name();
      const absl::Status seen = CheckContract(*now, call, name, name);
      if (absl::IsPermissionDenied(seen)) return rpc::Shown::kNo;
      RETURN_IF_ERROR(seen);
      return shown;
    };
  }
  return rpc::ListAs<v1::ListContractsResponse>(*env.store, plan);
}

absl::StatusOr<Encoded<v1::Amendment>> GetAmendment(Env& env, Call& call,
                                                    const v1::GetAmendmentRequest& request) {
  const store::View view = env.store->Read(call.reach);
  const absl::Status tied = CheckContract(view, call, ParentOf(request.name()), request.name());
  if (!tied.ok()) {
    // Whoever has a permit for the amendment reads it, also without one for the contract.
    if (!absl::IsPermissionDenied(tied)) return tied;
    ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.name(), "contracts/*/amendments/*"));
    ASSIGN_OR_RETURN(const auto found, rpc::FindFor(view, call, kAmendments, key, request.name()));
    ASSIGN_OR_RETURN(const bool permitted, rpc::HasPermit(view, call, found.row.amendment()));
    if (!permitted) return tied;
  }
  return GetOfContract<Amendment>(env, call, kAmendments, "contracts/*/amendments/*", request);
}
absl::StatusOr<Encoded<v1::ListAmendmentsResponse>> ListAmendments(
    Env& env, Call& call, const v1::ListAmendmentsRequest& request) {
  return ListOfContract<Amendment, v1::ListAmendmentsResponse>(env, call, kAmendments, request);
}

absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env& env, Call& call,
                                            const v1::GetEntryRequest& request) {
  return GetOfContract<Entry>(env, call, kEntries, "contracts/*/entries/*", request);
}
absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(
    Env& env, Call& call, const v1::ListEntriesRequest& request) {
  return ListOfContract<Entry, v1::ListEntriesResponse>(env, call, kEntries, request);
}

absl::StatusOr<Encoded<v1::Pledge>> GetPledge(Env& env, Call& call,
                                              const v1::GetPledgeRequest& request) {
  return GetOfContract<Pledge>(env, call, kPledges, "contracts/*/pledges/*", request);
}
absl::StatusOr<Encoded<v1::ListPledgesResponse>> ListPledges(
    Env& env, Call& call, const v1::ListPledgesRequest& request) {
  return ListOfContract<Pledge, v1::ListPledgesResponse>(env, call, kPledges, request);
}

absl::StatusOr<Encoded<v1::Assessment>> GetAssessment(Env& env, Call& call,
                                                      const v1::GetAssessmentRequest& request) {
  return GetOfContract<v1::Assessment>(env, call, kAssessments, "contracts/*/assessments/*",
                                       request);
}
absl::StatusOr<Encoded<v1::ListAssessmentsResponse>> ListAssessments(
    Env& env, Call& call, const v1::ListAssessmentsRequest& request) {
  return ListOfContract<v1::Assessment, v1::ListAssessmentsResponse>(env, call, kAssessments,
                                                                     request);
}

absl::StatusOr<Encoded<v1::Penalty>> GetPenalty(Env& env, Call& call,
                                                const v1::GetPenaltyRequest& request) {
  return GetOfContract<Penalty>(env, call, kPenalties, "contracts/*/penalties/*", request);
}
absl::StatusOr<Encoded<v1::ListPenaltiesResponse>> ListPenalties(
    Env& env, Call& call, const v1::ListPenaltiesRequest& request) {
  return ListOfContract<Penalty, v1::ListPenaltiesResponse>(env, call, kPenalties, request);
}

absl::StatusOr<Encoded<v1::MonitoringReport>> GetMonitoringReport(
    Env& env, Call& call, const v1::GetMonitoringReportRequest& request) {
  return GetOfContract<v1::MonitoringReport>(env, call, kReports, "contracts/*/reports/*", request);
}
absl::StatusOr<Encoded<v1::ListMonitoringReportsResponse>> ListMonitoringReports(
    Env& env, Call& call, const v1::ListMonitoringReportsRequest& request) {
  return ListOfContract<v1::MonitoringReport, v1::ListMonitoringReportsResponse>(env, call,
                                                                                 kReports, request);
}

absl::StatusOr<v1::ListDeadlinesResponse> ListDeadlines(Env& env, Call& call,
                                                        const v1::ListDeadlinesRequest& request) {
  const std::string& parent = request.parent();
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  if (base::MatchResourceName("contracts/*", parent).ok()) {
    // The method ties nobody to a record: here the tie alone counts.
    ASSIGN_OR_RETURN(const auto found, view.Find(kContracts, store::Key::Of(parent)));
    const auto seen = [&call](const Contract& contract) {
      return SeesExecution(*call.caller, contract, RolesUnder(call, contract));
    };
    if (!found.has_value() || !seen(found->row.contract()))
      return rpc::Missing(call, kContracts.name, parent);
  } else if (base::MatchResourceName("cycles/*", parent).ok()) {
    ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(parent, "cycles/*", 0));
    ASSIGN_OR_RETURN(const auto found, view.FindRaw(kCycles, store::Key::Of(year)));
    if (!found.has_value()) return base::NotFound(kCycles.name, parent);
  } else {
    return base::InvalidField("parent", "is no cycle and no contract");
  }
  store::Key prefix;
  prefix.AddTextPrefix(parent);
  v1::ListDeadlinesResponse response;
  RETURN_IF_ERROR(
      view.Scan(cases::kDeadlinesByRecord, {prefix, ""}, at,
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<cases::DeadlineRow>(row));
                  *response.add_deadlines() = std::move(*stored.row.mutable_deadline());
                  return true;
                }));
  cases::SortByDueDay(response.mutable_deadlines());
  return response;
}

absl::StatusOr<Encoded<v1::ListLateResponse>> ListLate(Env& env, Call& call,
                                                       const v1::ListLateRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(cases::kDeadlines, request, call));
  // Those that see every contract.
  constexpr uint32_t kAll =
      base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) | base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY) |
      base::RoleBit(rpc::v1::INSTITUTE_LOCAL_CONTENT) | base::RoleBit(rpc::v1::AUDITOR);
  const bool contracts = (call.caller->roles & kAll) != 0;
  plan.show = [contracts](google::protobuf::Message* resource) -> absl::StatusOr<rpc::Shown> {
    const auto& deadline = *static_cast<const cases::Deadline*>(resource);
    const bool shown =
        deadline.overdue() && (contracts || !absl::StartsWith(deadline.record(), "contracts/"));
    return shown ? rpc::Shown::kAsStored : rpc::Shown::kNo;
  };
  return rpc::ListAs<v1::ListLateResponse>(*env.store, plan);
}

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call& /*call*/, const v1::ReplayDecisionRequest& request) {
  const std::string& name = request.name();
  // As it stands, or stood: a year is assessed again, and a customer found to be another.
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  const auto is = [&name](const char* pattern) {
    return base::MatchResourceName(pattern, name).ok();
  };
  ReplayResponse response;
  response.set_name(name);
  response.set_same(true);
  const auto add = [&](const char* field, bool has, const Decision& stored,
                       absl::StatusOr<Decision> (*replay)(const Decision&)) -> absl::Status {
    if (!has) return cases::DecisionMissing(errors::Monitoring());
    return AddReplay(field, stored, replay, &response);
  };
  const auto tell = [&response](const std::string& customer, const std::string& supplier) {
    response.set_customer(customer);
    response.set_supplier(supplier);
  };
  if (is("customers/*")) {
    ASSIGN_OR_RETURN(
        const CustomerRow row,
        RowNamed(view, kCustomers, store::Key::Of(name.substr(name.find('/') + 1)), name, at));
    const Customer& of = row.customer();
    response.set_customer(of.bin());
    RETURN_IF_ERROR(add("eligibility", of.has_eligibility(), of.eligibility(), ReplayCustomer));
  } else if (is("cycles/*")) {
    const auto year = rpc::NumberIn(name, "cycles/*", 0);
    if (!year.ok()) return base::NotFound(kCycles.name, name);
    ASSIGN_OR_RETURN(const CycleRow row, RowNamed(view, kCycles, store::Key::Of(*year), name, at));
    const Cycle& of = row.cycle();
    RETURN_IF_ERROR(add("approval", of.has_approval(), of.approval(), ReplayApproval));
  } else if (is("cycles/*/items/*")) {
    ASSIGN_OR_RETURN(const ItemRow row,
                     RowNamed(view, kItems, KeyIn(name, "cycles/*/items/*"), name, at));
    const ListItem& of = row.item();
    RETURN_IF_ERROR(add("production", of.has_production(), of.production(), ReplayProduction));
  } else if (is("contracts/*")) {
    ASSIGN_OR_RETURN(const ContractRow row,
                     RowNamed(view, kContracts, store::Key::Of(name), name, at));
    const Contract& of = row.contract();
    tell(of.customer(), of.supplier());
    RETURN_IF_ERROR(add("conformity", of.has_conformity(), of.conformity(), ReplayConformity));
  } else if (is("contracts/*/amendments/*")) {
    ASSIGN_OR_RETURN(
        const AmendmentRow row,
        RowNamed(view, kAmendments, KeyIn(name, "contracts/*/amendments/*"), name, at));
    const Amendment& of = row.amendment();
    tell(of.customer(), of.supplier());
    RETURN_IF_ERROR(add("decision", of.has_decision(), of.decision(), ReplayAmendment));
    if (of.has_conformity()) {
      RETURN_IF_ERROR(add("conformity", true, of.conformity(), ReplayProcurement));
    }
  } else if (is("contracts/*/assessments/*")) {
    ASSIGN_OR_RETURN(
        const AssessmentRow row,
        RowNamed(view, kAssessments, KeyIn(name, "contracts/*/assessments/*"), name, at));
    const v1::YearBalance& of = row.assessment().balance();
    tell(row.assessment().customer(), row.assessment().supplier());
    RETURN_IF_ERROR(add("balance.decision", of.has_decision(), of.decision(), ReplayYear));
  } else if (is("contracts/*/penalties/*")) {
    ASSIGN_OR_RETURN(const PenaltyRow row,
                     RowNamed(view, kPenalties, KeyIn(name, "contracts/*/penalties/*"), name, at));
    const Penalty& of = row.penalty();
    const auto [customer, supplier] = PartiesOf(of);
    tell(customer, supplier);
    RETURN_IF_ERROR(add("decision", of.has_decision(), of.decision(), ReplayOffset));
  } else {
    return base::InvalidField("name", "is of no record with decisions");
  }
  return response;
}

}  // namespace nisi::contracts
