#include "services/export_refunds/service.h"

#include "common/base/roles.h"
#include "common/cases/editions.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

using v1::ExportRefundsService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options, std::unique_ptr<Sources> sources,
                    std::unique_ptr<cases::Gate> gate) {
    sources_ = std::move(sources);
    env_.norms = options.norms;
    env_.sources = sources_.get();
    deadlines_ = std::make_shared<cases::Deadlines>(OverdueActs(shared_));
    if (options.peers != nullptr) {
      for (const auto* method : ToldBy()) options.peers->Declare(*method);
    }
    RETURN_IF_ERROR(OpenStore(
        options, ExportRefundsSchema(),
        {{cases::kDeadlineTimer, cases::TimerOf(deadlines_)},
         {kTakeEffectTimer, cases::TakeEffect<PromotedList>},
         {kTellAgainTimer, TellAgain},
         {kTellDailyTimer, TellDaily},
         {kBeginMonitoringTimer,
          [env = shared_](store::Tx& tx, absl::string_view payload, absl::Time due) {
            return BeginMonitoring(*env, tx, payload, due);
          }},
         {kServeQueueTimer, [env = shared_](store::Tx& tx, absl::string_view,
                                            absl::Time) { return ServeQueue(*env, tx); }}},
        {base::RoleBit(rpc::v1::INSTITUTE_EXPORT), NoteTold}));
    options.metrics->AddFigures(cases::FiguresOf(deadlines_, shared_store()));
    options.metrics->AddFigures(cases::BudgetFigures(shared_store()));
    options.metrics->AddFigures([weak = shared_store()] {
      const auto open = weak.lock();
      return open == nullptr ? std::vector<store::Figure>() : DebtFigures(*open);
    });
    env_.store = &store();
    ASSIGN_OR_RETURN(catalog_, Catalog::Open(store()));
    env_.catalog = catalog_.get();
    gate_ = std::move(gate);
    if (gate_ == nullptr) {
      gate_ = std::make_unique<cases::RecordedGate>(store(), *options.norms,
                                                    "export_refunds.days.payment");
    }
    env_.gate = gate_.get();
    return Bind();
  }

 private:
  absl::Status Bind() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*ExportRefundsService::descriptor()));
    r.Shows<v1::Edition>(EditionIsShown);
    r.Shows<v1::Entry>(EntryIsShown);
    NISI_COMMAND(r, ExportRefundsService, CreateEdition, env_, store(), CreateEdition);
    NISI_COMMAND(r, ExportRefundsService, UpdateEdition, env_, store(), UpdateEdition);
    NISI_UNARY(r, ExportRefundsService, GetEdition, env_, GetEdition);
    NISI_UNARY(r, ExportRefundsService, ListEditions, env_, ListEditions);
    NISI_COMMAND(r, ExportRefundsService, SubmitEdition, env_, store(), SubmitEdition);
    NISI_COMMAND(r, ExportRefundsService, ReturnEdition, env_, store(), ReturnEdition);
    NISI_COMMAND(r, ExportRefundsService, ApproveEdition, env_, store(), ApproveEdition);
    NISI_COMMAND(r, ExportRefundsService, WithdrawEdition, env_, store(), WithdrawEdition);
    NISI_UNARY(r, ExportRefundsService, DiffEditions, env_, DiffEditions);
    NISI_SERVER_STREAM(r, ExportRefundsService, ExportEdition, env_, ExportEdition);
    NISI_UNARY(r, ExportRefundsService, ReplayEdition, env_, ReplayEdition);
    NISI_COMMAND(r, ExportRefundsService, CreateEntry, env_, store(), CreateEntry);
    NISI_COMMAND(r, ExportRefundsService, BatchCreateEntries, env_, store(), BatchCreateEntries);
    NISI_COMMAND(r, ExportRefundsService, UpdateEntry, env_, store(), UpdateEntry);
    NISI_COMMAND(r, ExportRefundsService, DeleteEntry, env_, store(), DeleteEntry);
    NISI_UNARY(r, ExportRefundsService, GetEntry, env_, GetEntry);
    NISI_UNARY(r, ExportRefundsService, ListEntries, env_, ListEntries);
    NISI_CLIENT_STREAM(r, ExportRefundsService, ImportEntries, env_, ImportEntries);
    NISI_UNARY(r, ExportRefundsService, SearchEntries, env_, SearchEntries);
    NISI_SERVER_STREAM(r, ExportRefundsService, WatchEntries, env_, WatchEntries);
    NISI_UNARY(r, ExportRefundsService, CheckCodes, env_, CheckCodes);
    NISI_COMMAND(r, ExportRefundsService, CreateClaim, env_, store(), CreateClaim);
    NISI_COMMAND(r, ExportRefundsService, UpdateClaim, env_, store(), UpdateClaim);
    NISI_COMMAND(r, ExportRefundsService, DeleteClaim, env_, store(), DeleteClaim);
    NISI_UNARY(r, ExportRefundsService, GetClaim, env_, GetClaim);
    NISI_UNARY(r, ExportRefundsService, ListClaims, env_, ListClaims);
    NISI_COMMAND(r, ExportRefundsService, AddExpenses, env_, store(), AddExpenses);
    NISI_COMMAND(r, ExportRefundsService, UpdateExpense, env_, store(), UpdateExpense);
    NISI_COMMAND(r, ExportRefundsService, DeleteExpense, env_, store(), DeleteExpense);
    NISI_UNARY(r, ExportRefundsService, GetExpense, env_, GetExpense);
    NISI_UNARY(r, ExportRefundsService, ListExpenses, env_, ListExpenses);
    NISI_UNARY(r, ExportRefundsService, CalculateClaim, env_, CalculateClaim);
    NISI_UNARY(r, ExportRefundsService, SignClaim, env_, SignClaim);
    NISI_UNARY(r, ExportRefundsService, StartReview, env_, StartReview);
    NISI_UNARY(r, ExportRefundsService, DecidePart, env_, DecidePart);
    NISI_COMMAND(r, ExportRefundsService, SendRemarks, env_, store(), SendRemarks);
    NISI_UNARY(r, ExportRefundsService, AnswerRemarks, env_, AnswerRemarks);
    NISI_COMMAND(r, ExportRefundsService, AcceptClaim, env_, store(), AcceptClaim);
    NISI_COMMAND(r, ExportRefundsService, RejectClaim, env_, store(), RejectClaim);
    NISI_COMMAND(r, ExportRefundsService, RecordNotice, env_, store(), RecordNotice);
    NISI_UNARY(r, ExportRefundsService, GetNotice, env_, GetNotice);
    NISI_UNARY(r, ExportRefundsService, ListNotices, env_, ListNotices);
    NISI_UNARY(r, ExportRefundsService, RunGate, env_, RunGate);
    NISI_COMMAND(r, ExportRefundsService, SignAgreement, env_, store(), SignAgreement);
    NISI_UNARY(r, ExportRefundsService, PayClaim, env_, PayClaim);
    NISI_COMMAND(r, ExportRefundsService, SubmitExportReport, env_, store(), SubmitExportReport);
    NISI_UNARY(r, ExportRefundsService, GetExportReport, env_, GetExportReport);
    NISI_UNARY(r, ExportRefundsService, ListExportReports, env_, ListExportReports);
    NISI_COMMAND(r, ExportRefundsService, AssessObligations, env_, store(), AssessObligations);
    NISI_COMMAND(r, ExportRefundsService, DemandReturn, env_, store(), DemandReturn);
    NISI_COMMAND(r, ExportRefundsService, ExcuseFailure, env_, store(), ExcuseFailure);
    NISI_COMMAND(r, ExportRefundsService, RecordRepayment, env_, store(), RecordRepayment);
    NISI_COMMAND(r, ExportRefundsService, ReverseRepayment, env_, store(), ReverseRepayment);
    NISI_COMMAND(r, ExportRefundsService, AllocateBudget, env_, store(), AllocateBudget);
    NISI_COMMAND(r, ExportRefundsService, CloseYear, env_, store(), CloseYear);
    NISI_UNARY(r, ExportRefundsService, ListAlikeInvoices, env_, ListAlikeInvoices);
    NISI_COMMAND(r, ExportRefundsService, ReversePosting, env_, store(), ReversePosting);
    NISI_UNARY(r, ExportRefundsService, GetAccount, env_, GetAccount);
    NISI_UNARY(r, ExportRefundsService, ListPostings, env_, ListPostings);
    NISI_UNARY(r, ExportRefundsService, GetQueue, env_, GetQueue);
    NISI_UNARY(r, ExportRefundsService, ReplayDecision, env_, ReplayDecision);
    NISI_UNARY(r, ExportRefundsService, ReplayExpense, env_, ReplayExpense);
    NISI_UNARY(r, ExportRefundsService, ListDeadlines, env_, ListDeadlines);
    NISI_SERVER_STREAM(r, ExportRefundsService, WatchClaims, env_, WatchClaims);
    return absl::OkStatus();
  }

  std::unique_ptr<Sources> sources_;
  std::shared_ptr<cases::Deadlines> deadlines_;
  std::unique_ptr<cases::Gate> gate_;
  std::unique_ptr<Catalog> catalog_;
  // Timers have it, and the store that runs timers is gone after this.
  const std::shared_ptr<Env> shared_ = std::make_shared<Env>();
  Env& env_ = *shared_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenWith(const rpc::HostOptions& options,
                                                             std::unique_ptr<Sources> sources,
                                                             std::unique_ptr<cases::Gate> gate) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options, std::move(sources), std::move(gate)));
  return service;
}

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  return OpenWith(options, AskPeers(options.peers));
}

std::vector<const base::MachineDef*> Machines() {
  return {&ListMachine(), &ClaimMachine()};
}

}  // namespace nisi::export_refunds
