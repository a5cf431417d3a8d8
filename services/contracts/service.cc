#include "services/contracts/service.h"

#include <utility>

#include "common/base/roles.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

using v1::ContractsService;
using v1::PlanningService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options, std::unique_ptr<Sources> sources) {
    sources_ = std::move(sources);
    env_.norms = options.norms;
    env_.sources = sources_.get();
    RETURN_IF_ERROR(CheckNorms(*options.norms, base::Date::LegalDay(options.clock->Now())));
    deadlines_ = std::make_shared<cases::Deadlines>(OverdueActs(*options.norms),
                                                    cases::Deadlines::Callers::kGoBetween);
    RETURN_IF_ERROR(OpenStore(
        options, ContractsSchema(),
        {{cases::kDeadlineTimer, cases::TimerOf(deadlines_)}, {kSayDailyTimer, SayConfirmedAgain}},
        {base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY),
         [norms = options.norms](store::Tx& tx, const store::OutboxMessage& message,
                                 const absl::StatusOr<std::string>& said) {
           return NoteDelivery(*norms, tx, message, said);
         }}));
    env_.store = &store();
    options.metrics->AddFigures(cases::FiguresOf(deadlines_, shared_store()));
    options.metrics->AddFigures([weak = shared_store()] {
      const auto open = weak.lock();
      return open == nullptr ? std::vector<store::Figure>() : PublicationFigures(*open);
    });
    RETURN_IF_ERROR(BindPlanning());
    return BindContracts();
  }

 private:
  absl::Status BindPlanning() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*PlanningService::descriptor()));
    NISI_COMMAND(r, PlanningService, RegisterCustomer, env_, store(), RegisterCustomer);
    NISI_COMMAND(r, PlanningService, UpdateCustomer, env_, store(), UpdateCustomer);
    NISI_UNARY(r, PlanningService, GetCustomer, env_, GetCustomer);
    NISI_UNARY(r, PlanningService, ListCustomers, env_, ListCustomers);
    NISI_COMMAND(r, PlanningService, OpenCycle, env_, store(), OpenCycle);
    NISI_UNARY(r, PlanningService, GetCycle, env_, GetCycle);
    NISI_UNARY(r, PlanningService, ListCycles, env_, ListCycles);
    NISI_COMMAND(r, PlanningService, SubmitNeeds, env_, store(), SubmitNeeds);
    NISI_CLIENT_STREAM(r, PlanningService, ImportNeeds, env_, ImportNeeds);
    NISI_COMMAND(r, PlanningService, UpdateNeed, env_, store(), UpdateNeed);
    NISI_COMMAND(r, PlanningService, DeleteNeed, env_, store(), DeleteNeed);
    NISI_UNARY(r, PlanningService, GetNeed, env_, GetNeed);
    NISI_UNARY(r, PlanningService, ListNeeds, env_, ListNeeds);
    NISI_COMMAND(r, PlanningService, CloseNeeds, env_, store(), CloseNeeds);
    NISI_COMMAND(r, PlanningService, ReopenNeeds, env_, store(), ReopenNeeds);
    NISI_UNARY(r, PlanningService, FormList, env_, FormList);
    NISI_COMMAND(r, PlanningService, SendList, env_, store(), SendList);
    NISI_COMMAND(r, PlanningService, ReturnToListing, env_, store(), ReturnToListing);
    NISI_COMMAND(r, PlanningService, UpdateListItem, env_, store(), UpdateListItem);
    NISI_COMMAND(r, PlanningService, RemoveListItem, env_, store(), RemoveListItem);
    NISI_UNARY(r, PlanningService, GetListItem, env_, GetListItem);
    NISI_UNARY(r, PlanningService, ListListItems, env_, ListListItems);
    NISI_COMMAND(r, PlanningService, Propose, env_, store(), Propose);
    NISI_COMMAND(r, PlanningService, Agree, env_, store(), Agree);
    NISI_COMMAND(r, PlanningService, Decline, env_, store(), Decline);
    NISI_UNARY(r, PlanningService, GetProposal, env_, GetProposal);
    NISI_UNARY(r, PlanningService, ListProposals, env_, ListProposals);
    NISI_COMMAND(r, PlanningService, SubmitForApproval, env_, store(), SubmitForApproval);
    NISI_COMMAND(r, PlanningService, ReturnForAgreement, env_, store(), ReturnForAgreement);
    NISI_COMMAND(r, PlanningService, ApproveCycle, env_, store(), ApproveCycle);
    NISI_COMMAND(r, PlanningService, ReviseList, env_, store(), ReviseList);
    NISI_COMMAND(r, PlanningService, WithdrawList, env_, store(), WithdrawList);
    NISI_COMMAND(r, PlanningService, RetryPublication, env_, store(), RetryPublication);
    NISI_UNARY(r, PlanningService, GetPublication, env_, GetPublication);
    NISI_UNARY(r, PlanningService, ListPublications, env_, ListPublications);
    NISI_UNARY(r, PlanningService, ListDeadlines, env_, ListDeadlines);
    NISI_UNARY(r, PlanningService, ListLate, env_, ListLate);
    NISI_UNARY(r, PlanningService, ReplayDecision, env_, ReplayDecision);
    NISI_SERVER_STREAM(r, PlanningService, WatchPlanning, env_, WatchPlanning);
    return absl::OkStatus();
  }

  absl::Status BindContracts() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*ContractsService::descriptor()));
    NISI_COMMAND(r, ContractsService, PlanContract, env_, store(), PlanContract);
    NISI_COMMAND(r, ContractsService, UpdateContract, env_, store(), UpdateContract);
    NISI_COMMAND(r, ContractsService, SignContract, env_, store(), SignContract);
    NISI_COMMAND(r, ContractsService, BeginProduction, env_, store(), BeginProduction);
    NISI_COMMAND(r, ContractsService, TerminateContract, env_, store(), TerminateContract);
    NISI_COMMAND(r, ContractsService, FulfilContract, env_, store(), FulfilContract);
    NISI_UNARY(r, ContractsService, GetContract, env_, GetContract);
    NISI_UNARY(r, ContractsService, ListContracts, env_, ListContracts);
    NISI_COMMAND(r, ContractsService, AmendContract, env_, store(), AmendContract);
    NISI_COMMAND(r, ContractsService, CoSignAmendment, env_, store(), CoSignAmendment);
    NISI_COMMAND(r, ContractsService, WithdrawAmendment, env_, store(), WithdrawAmendment);
    NISI_UNARY(r, ContractsService, GetAmendment, env_, GetAmendment);
    NISI_UNARY(r, ContractsService, ListAmendments, env_, ListAmendments);
    NISI_COMMAND(r, ContractsService, RecordDelivery, env_, store(), RecordDelivery);
    NISI_COMMAND(r, ContractsService, AcceptGoods, env_, store(), AcceptGoods);
    NISI_COMMAND(r, ContractsService, RecordPayment, env_, store(), RecordPayment);
    NISI_COMMAND(r, ContractsService, RefuseToBuy, env_, store(), RefuseToBuy);
    NISI_COMMAND(r, ContractsService, SettleFault, env_, store(), SettleFault);
    NISI_COMMAND(r, ContractsService, CorrectEntry, env_, store(), CorrectEntry);
    NISI_UNARY(r, ContractsService, GetEntry, env_, GetEntry);
    NISI_UNARY(r, ContractsService, ListEntries, env_, ListEntries);
    NISI_COMMAND(r, ContractsService, ProveOffset, env_, store(), ProveOffset);
    NISI_COMMAND(r, ContractsService, AcceptOffset, env_, store(), AcceptOffset);
    NISI_COMMAND(r, ContractsService, AssessOffset, env_, store(), AssessOffset);
    NISI_COMMAND(r, ContractsService, PledgeContract, env_, store(), PledgeContract);
    NISI_COMMAND(r, ContractsService, ReleasePledge, env_, store(), ReleasePledge);
    NISI_COMMAND(r, ContractsService, Consent, env_, store(), Consent);
    NISI_UNARY(r, ContractsService, GetPledge, env_, GetPledge);
    NISI_UNARY(r, ContractsService, ListPledges, env_, ListPledges);
    NISI_COMMAND(r, ContractsService, AssessYear, env_, store(), AssessYear);
    NISI_UNARY(r, ContractsService, GetAssessment, env_, GetAssessment);
    NISI_UNARY(r, ContractsService, ListAssessments, env_, ListAssessments);
    NISI_COMMAND(r, ContractsService, SettlePenalty, env_, store(), SettlePenalty);
    NISI_UNARY(r, ContractsService, GetPenalty, env_, GetPenalty);
    NISI_UNARY(r, ContractsService, ListPenalties, env_, ListPenalties);
    NISI_COMMAND(r, ContractsService, SubmitMonitoringReport, env_, store(),
                 SubmitMonitoringReport);
    NISI_UNARY(r, ContractsService, GetMonitoringReport, env_, GetMonitoringReport);
    NISI_UNARY(r, ContractsService, ListMonitoringReports, env_, ListMonitoringReports);
    NISI_UNARY(r, ContractsService, GetBalance, env_, GetBalance);
    NISI_SERVER_STREAM(r, ContractsService, ExportContracts, env_, ExportContracts);
    NISI_SERVER_STREAM(r, ContractsService, WatchContracts, env_, WatchContracts);
    return absl::OkStatus();
  }

  std::unique_ptr<Sources> sources_;
  std::shared_ptr<cases::Deadlines> deadlines_;
  Env env_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenWith(const rpc::HostOptions& options,
                                                             std::unique_ptr<Sources> sources) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options, std::move(sources)));
  return service;
}

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  return OpenWith(options, AskSuppliers(options.peers));
}

absl::Status CheckNorms(const norms::Norms& norms, base::Date today) {
  // A statutory day that no norm gives would be found missing when a cycle is opened.
  for (const StatutoryDay& day : StatutoryDays()) {
    RETURN_IF_ERROR(StatutoryDayOf(day, today.year(), norms).status());
  }
  return absl::OkStatus();
}

std::vector<const base::MachineDef*> Machines() {
  return {&CycleMachine(),     &ProposalMachine(), &ContractMachine(),
          &AmendmentMachine(), &PledgeMachine(),   &PenaltyMachine()};
}

}  // namespace nisi::contracts
