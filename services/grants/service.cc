#include "services/grants/service.h"

#include <utility>

#include "services/grants/gate_register.h"
#include "services/grants/rpcs.h"
#include "services/grants/sources.h"

namespace nisi::grants {
namespace {

using v1::GrantAgreementsService;
using v1::GrantsService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options, const Neighbours& neighbours) {
    env_.norms = options.norms;
    RETURN_IF_ERROR(CheckNorms(*env_.norms, base::Date::LegalDay(options.clock->Now())));
    deadlines_ = std::make_shared<cases::Deadlines>(OverdueActs(shared_));
    RETURN_IF_ERROR(
        OpenStore(options, GrantsSchema(), {{cases::kDeadlineTimer, cases::TimerOf(deadlines_)}}));
    options.metrics->AddFigures(cases::FiguresOf(deadlines_, shared_store()));
    options.metrics->AddFigures(cases::BudgetFigures(shared_store()));
    env_.store = &store();
    gate_ = std::make_unique<RegisterGate>(store());
    env_.gate = neighbours.gate != nullptr ? neighbours.gate : gate_.get();
    env_.own_gate = neighbours.gate == nullptr || neighbours.own_gate;
    sources_ = std::make_unique<PeerSources>(options.peers);
    env_.sources = neighbours.sources != nullptr ? neighbours.sources : sources_.get();
    RETURN_IF_ERROR(BindGrants());
    return BindAgreements();
  }

 private:
  absl::Status BindGrants() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*GrantsService::descriptor()));
    NISI_COMMAND(r, GrantsService, CreateProgramme, env_, store(), CreateProgramme);
    NISI_COMMAND(r, GrantsService, UpdateProgramme, env_, store(), UpdateProgramme);
    NISI_UNARY(r, GrantsService, GetProgramme, env_, GetProgramme);
    NISI_UNARY(r, GrantsService, ListProgrammes, env_, ListProgrammes);
    NISI_COMMAND(r, GrantsService, AllocateBudget, env_, store(), AllocateBudget);
    NISI_COMMAND(r, GrantsService, CloseYear, env_, store(), CloseYear);
    NISI_COMMAND(r, GrantsService, ReversePosting, env_, store(), ReversePosting);
    NISI_UNARY(r, GrantsService, GetAccount, env_, GetAccount);
    NISI_UNARY(r, GrantsService, ListPostings, env_, ListPostings);
    NISI_COMMAND(r, GrantsService, CreateApplication, env_, store(), CreateApplication);
    NISI_COMMAND(r, GrantsService, UpdateApplication, env_, store(), UpdateApplication);
    NISI_UNARY(r, GrantsService, GetApplication, env_, GetApplication);
    NISI_UNARY(r, GrantsService, ListApplications, env_, ListApplications);
    NISI_COMMAND(r, GrantsService, SubmitApplication, env_, store(), SubmitApplication);
    NISI_COMMAND(r, GrantsService, WithdrawApplication, env_, store(), WithdrawApplication);
    NISI_COMMAND(r, GrantsService, CheckCompleteness, env_, store(), CheckCompleteness);
    NISI_COMMAND(r, GrantsService, ReturnForFix, env_, store(), ReturnForFix);
    NISI_COMMAND(r, GrantsService, ResubmitApplication, env_, store(), ResubmitApplication);
    NISI_UNARY(r, GrantsService, CheckEligibility, env_, CheckEligibility);
    NISI_UNARY(r, GrantsService, RunGate, env_, RunGate);
    NISI_COMMAND(r, GrantsService, AssignExperts, env_, store(), AssignExperts);
    NISI_COMMAND(r, GrantsService, Score, env_, store(), Score);
    NISI_COMMAND(r, GrantsService, CloseExamination, env_, store(), CloseExamination);
    NISI_UNARY(r, GrantsService, GetExamination, env_, GetExamination);
    NISI_UNARY(r, GrantsService, ListExaminations, env_, ListExaminations);
    NISI_COMMAND(r, GrantsService, RaiseContribution, env_, store(), RaiseContribution);
    NISI_COMMAND(r, GrantsService, OpenMeeting, env_, store(), OpenMeeting);
    NISI_COMMAND(r, GrantsService, Vote, env_, store(), Vote);
    NISI_COMMAND(r, GrantsService, Recuse, env_, store(), Recuse);
    NISI_COMMAND(r, GrantsService, CloseMeeting, env_, store(), CloseMeeting);
    NISI_UNARY(r, GrantsService, GetCommission, env_, GetCommission);
    NISI_UNARY(r, GrantsService, ListCommissions, env_, ListCommissions);
    NISI_UNARY(r, GrantsService, ReplayDecision, env_, ReplayDecision);
    NISI_UNARY(r, GrantsService, ListNotices, env_, ListNotices);
    NISI_UNARY(r, GrantsService, ListOverdue, env_, ListOverdue);
    NISI_UNARY(r, GrantsService, ListDeadlines, env_, ListDeadlines);
    NISI_SERVER_STREAM(r, GrantsService, WatchApplications, env_, WatchApplications);
    return absl::OkStatus();
  }

  absl::Status BindAgreements() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*GrantAgreementsService::descriptor()));
    NISI_LET_IN(r, "export-refunds", GrantAgreementsService, ReportDebt);
    NISI_LET_IN(r, "export-refunds", GrantAgreementsService, WithdrawDebt);
    NISI_COMMAND(r, GrantAgreementsService, CreateAgreement, env_, store(), CreateAgreement);
    NISI_COMMAND(r, GrantAgreementsService, SignAgreement, env_, store(), SignAgreement);
    NISI_COMMAND(r, GrantAgreementsService, DeclineAgreement, env_, store(), DeclineAgreement);
    NISI_UNARY(r, GrantAgreementsService, GetAgreement, env_, GetAgreement);
    NISI_UNARY(r, GrantAgreementsService, ListAgreements, env_, ListAgreements);
    NISI_COMMAND(r, GrantAgreementsService, ProposeAmendment, env_, store(), ProposeAmendment);
    NISI_COMMAND(r, GrantAgreementsService, SignAmendment, env_, store(), SignAmendment);
    NISI_COMMAND(r, GrantAgreementsService, FileTrancheProof, env_, store(), FileTrancheProof);
    NISI_COMMAND(r, GrantAgreementsService, ProveTranche, env_, store(), ProveTranche);
    NISI_UNARY(r, GrantAgreementsService, PayTranche, env_, PayTranche);
    NISI_COMMAND(r, GrantAgreementsService, EndTranches, env_, store(), EndTranches);
    NISI_UNARY(r, GrantAgreementsService, GetPayment, env_, GetPayment);
    NISI_UNARY(r, GrantAgreementsService, ListPayments, env_, ListPayments);
    NISI_COMMAND(r, GrantAgreementsService, SubmitMonitoringReport, env_, store(),
                 SubmitMonitoringReport);
    NISI_UNARY(r, GrantAgreementsService, GetMonitoringReport, env_, GetMonitoringReport);
    NISI_UNARY(r, GrantAgreementsService, ListMonitoringReports, env_, ListMonitoringReports);
    NISI_COMMAND(r, GrantAgreementsService, AssessObligations, env_, store(), AssessObligations);
    NISI_COMMAND(r, GrantAgreementsService, DemandReturn, env_, store(), DemandReturn);
    NISI_COMMAND(r, GrantAgreementsService, ExcuseFailure, env_, store(), ExcuseFailure);
    NISI_COMMAND(r, GrantAgreementsService, RecordRepayment, env_, store(), RecordRepayment);
    NISI_COMMAND(r, GrantAgreementsService, ReverseRepayment, env_, store(), ReverseRepayment);
    NISI_UNARY(r, GrantAgreementsService, GetDemand, env_, GetDemand);
    NISI_UNARY(r, GrantAgreementsService, ListDemands, env_, ListDemands);
    NISI_COMMAND(r, GrantAgreementsService, OfferCompetitivenessAgreement, env_, store(),
                 OfferCompetitivenessAgreement);
    NISI_COMMAND(r, GrantAgreementsService, ConcludeCompetitivenessAgreement, env_, store(),
                 ConcludeCompetitivenessAgreement);
    NISI_COMMAND(r, GrantAgreementsService, AssessCompetitivenessAgreement, env_, store(),
                 AssessCompetitivenessAgreement);
    NISI_COMMAND(r, GrantAgreementsService, ExcuseCompetitivenessFailure, env_, store(),
                 ExcuseCompetitivenessFailure);
    NISI_COMMAND(r, GrantAgreementsService, TerminateCompetitivenessAgreement, env_, store(),
                 TerminateCompetitivenessAgreement);
    NISI_UNARY(r, GrantAgreementsService, GetCompetitivenessAgreement, env_,
               GetCompetitivenessAgreement);
    NISI_UNARY(r, GrantAgreementsService, ListCompetitivenessAgreements, env_,
               ListCompetitivenessAgreements);
    NISI_COMMAND(r, GrantAgreementsService, EnterUnreliableRecipients, env_, store(),
                 EnterUnreliableRecipients);
    NISI_COMMAND(r, GrantAgreementsService, EndUnreliableRecipient, env_, store(),
                 EndUnreliableRecipient);
    NISI_UNARY(r, GrantAgreementsService, GetUnreliableRecipient, env_, GetUnreliableRecipient);
    NISI_UNARY(r, GrantAgreementsService, ListUnreliableRecipients, env_, ListUnreliableRecipients);
    NISI_COMMAND(r, GrantAgreementsService, ReportDebt, env_, store(), ReportDebt);
    NISI_COMMAND(r, GrantAgreementsService, WithdrawDebt, env_, store(), WithdrawDebt);
    NISI_UNARY(r, GrantAgreementsService, GetDebt, env_, GetDebt);
    NISI_UNARY(r, GrantAgreementsService, ListDebts, env_, ListDebts);
    NISI_UNARY(r, GrantAgreementsService, CheckRecipient, env_, CheckRecipient);
    return absl::OkStatus();
  }

  std::shared_ptr<cases::Deadlines> deadlines_;
  std::unique_ptr<RegisterGate> gate_;
  std::unique_ptr<PeerSources> sources_;
  const std::shared_ptr<Env> shared_ = std::make_shared<Env>();
  Env& env_ = *shared_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenWith(const rpc::HostOptions& options,
                                                             const Neighbours& neighbours) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options, neighbours));
  return service;
}

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  return OpenWith(options, {});
}

absl::Status CheckNorms(const norms::Norms& norms, base::Date /*today*/) {
  // A vote that nobody could carry is found now, not at the meeting.
  RETURN_IF_ERROR(VotesBy().Check(norms));
  // Shares that are no whole would pay another sum than the agreed one: it does not start, also
  // with such as are in force from next year on.
  return CheckTrancheShares(norms);
}

std::vector<const base::MachineDef*> Machines() {
  return {&ApplicationMachine(), &CommissionMachine(), &DemandMachine(), &CompetitivenessMachine()};
}

}  // namespace nisi::grants
