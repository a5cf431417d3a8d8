#include "services/clusters/service.h"

#include "common/cases/lists.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "services/clusters/goods.h"
#include "services/clusters/rpcs.h"
#include "services/clusters/rpcs_supports.h"

namespace nisi::clusters {
namespace {

using v1::ClustersService;
using v1::ClusterSupportService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options) {
    env_.norms = options.norms;
    RETURN_IF_ERROR(CheckNorms(*env_.norms, base::Date::LegalDay(options.clock->Now())));
    deadlines_ = std::make_shared<cases::Deadlines>(OverdueActs(shared_));
    RETURN_IF_ERROR(
        OpenStore(options, ClustersSchema(),
                  {{cases::kDeadlineTimer, cases::TimerOf(deadlines_)},
                   {kCloseApplicationsTimer,
                    [env = shared_](store::Tx& tx, absl::string_view payload, absl::Time due) {
                      return CloseApplications(*env, tx, payload, due);
                    }},
                   {kJudgeCompositionTimer,
                    [env = shared_](store::Tx& tx, absl::string_view payload, absl::Time due) {
                      return JudgeCompositionTimer(*env, tx, payload, due);
                    }}}));
    options.metrics->AddFigures(cases::FiguresOf(deadlines_, shared_store()));
    options.metrics->AddFigures(cases::BudgetFigures(shared_store()));
    env_.store = &store();
    gate_ = std::make_unique<cases::RecordedGate>(store(), *options.norms, kPaymentTerm);
    env_.gate = gate_.get();
    env_.ask_lists = cases::ListsBy(
        NISI_PEER(options.peers, grants::v1::GrantAgreementsService, CheckRecipient), "grants");
    env_.check_goods = AskGoods(options.peers);
    env_.ask_places = cases::PlacesBy<PlaceFact>(
        NISI_PEER(options.peers, industry_map::v1::PlacesService, ResolvePlace), "industry-map");
    RETURN_IF_ERROR(Bind());
    return BindSupports();
  }

 private:
  absl::Status BindSupports() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*ClusterSupportService::descriptor()));
    NISI_COMMAND(r, ClusterSupportService, RequestSupport, env_, store(), RequestSupport);
    NISI_COMMAND(r, ClusterSupportService, WithdrawSupport, env_, store(), WithdrawSupport);
    NISI_COMMAND(r, ClusterSupportService, RecordNotice, env_, store(), RecordNotice);
    NISI_UNARY(r, ClusterSupportService, GetNotice, env_, GetNotice);
    NISI_UNARY(r, ClusterSupportService, ListNotices, env_, ListNotices);
    NISI_UNARY(r, ClusterSupportService, ExamineSupport, env_, ExamineSupport);
    NISI_COMMAND(r, ClusterSupportService, DecideSupport, env_, store(), DecideSupport);
    NISI_UNARY(r, ClusterSupportService, PaySupport, env_, PaySupport);
    NISI_COMMAND(r, ClusterSupportService, RecordReturn, env_, store(), RecordReturn);
    NISI_COMMAND(r, ClusterSupportService, ReverseReturn, env_, store(), ReverseReturn);
    NISI_COMMAND(r, ClusterSupportService, CompleteSupport, env_, store(), CompleteSupport);
    NISI_UNARY(r, ClusterSupportService, GetSupport, env_, GetSupport);
    NISI_UNARY(r, ClusterSupportService, ListSupports, env_, ListSupports);
    NISI_UNARY(r, ClusterSupportService, ListPayments, env_, ListPayments);
    return absl::OkStatus();
  }

  absl::Status Bind() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*ClustersService::descriptor()));
    NISI_UNARY(r, ClustersService, CreateInitiative, env_, CreateInitiative);
    NISI_UNARY(r, ClustersService, UpdateInitiative, env_, UpdateInitiative);
    NISI_COMMAND(r, ClustersService, WithdrawInitiative, env_, store(), WithdrawInitiative);
    NISI_UNARY(r, ClustersService, GetInitiative, env_, GetInitiative);
    NISI_UNARY(r, ClustersService, ListInitiatives, env_, ListInitiatives);
    NISI_COMMAND(r, ClustersService, DiagnoseInitiative, env_, store(), DiagnoseInitiative);
    NISI_UNARY(r, ClustersService, GetDiagnostic, env_, GetDiagnostic);
    NISI_UNARY(r, ClustersService, ListDiagnostics, env_, ListDiagnostics);
    NISI_COMMAND(r, ClustersService, CreateSelection, env_, store(), CreateSelection);
    NISI_COMMAND(r, ClustersService, UpdateSelection, env_, store(), UpdateSelection);
    NISI_COMMAND(r, ClustersService, AnnounceSelection, env_, store(), AnnounceSelection);
    NISI_COMMAND(r, ClustersService, CancelSelection, env_, store(), CancelSelection);
    NISI_UNARY(r, ClustersService, GetSelection, env_, GetSelection);
    NISI_UNARY(r, ClustersService, ListSelections, env_, ListSelections);
    NISI_COMMAND(r, ClustersService, ApplyToSelection, env_, store(), ApplyToSelection);
    NISI_COMMAND(r, ClustersService, WithdrawApplication, env_, store(), WithdrawApplication);
    NISI_UNARY(r, ClustersService, GetApplication, env_, GetApplication);
    NISI_UNARY(r, ClustersService, ListApplications, env_, ListApplications);
    NISI_COMMAND(r, ClustersService, AdmitApplication, env_, store(), AdmitApplication);
    NISI_COMMAND(r, ClustersService, CreateExpert, env_, store(), CreateExpert);
    NISI_COMMAND(r, ClustersService, DeclareTies, env_, store(), DeclareTies);
    NISI_COMMAND(r, ClustersService, DismissExpert, env_, store(), DismissExpert);
    NISI_UNARY(r, ClustersService, ListExperts, env_, ListExperts);
    NISI_COMMAND(r, ClustersService, ScoreApplication, env_, store(), ScoreApplication);
    NISI_UNARY(r, ClustersService, ListScores, env_, ListScores);
    NISI_COMMAND(r, ClustersService, CloseScoring, env_, store(), CloseScoring);
    NISI_COMMAND(r, ClustersService, DecideSelection, env_, store(), DecideSelection);
    NISI_COMMAND(r, ClustersService, PublishResults, env_, store(), PublishResults);
    NISI_UNARY(r, ClustersService, UpdateCluster, env_, UpdateCluster);
    NISI_COMMAND(r, ClustersService, RegisterCluster, env_, store(), RegisterCluster);
    NISI_COMMAND(r, ClustersService, SuspendCluster, env_, store(), SuspendCluster);
    NISI_COMMAND(r, ClustersService, ResumeCluster, env_, store(), ResumeCluster);
    NISI_COMMAND(r, ClustersService, RemoveCluster, env_, store(), RemoveCluster);
    NISI_UNARY(r, ClustersService, GetCluster, env_, GetCluster);
    NISI_UNARY(r, ClustersService, ListClusters, env_, ListClusters);
    NISI_UNARY(r, ClustersService, FindClusters, env_, FindClusters);
    NISI_UNARY(r, ClustersService, SummarizeClusters, env_, SummarizeClusters);
    NISI_CLIENT_STREAM(r, ClustersService, ImportClusters, env_, ImportClusters);
    NISI_SERVER_STREAM(r, ClustersService, WatchClusters, env_, WatchClusters);
    NISI_UNARY(r, ClustersService, AddMember, env_, AddMember);
    NISI_COMMAND(r, ClustersService, EndMembership, env_, store(), EndMembership);
    NISI_UNARY(r, ClustersService, GetMember, env_, GetMember);
    NISI_UNARY(r, ClustersService, ListMembers, env_, ListMembers);
    NISI_COMMAND(r, ClustersService, SubmitClusterReport, env_, store(), SubmitClusterReport);
    NISI_UNARY(r, ClustersService, GetClusterReport, env_, GetClusterReport);
    NISI_UNARY(r, ClustersService, ListClusterReports, env_, ListClusterReports);
    NISI_COMMAND(r, ClustersService, AllocateBudget, env_, store(), AllocateBudget);
    NISI_COMMAND(r, ClustersService, CloseYear, env_, store(), CloseYear);
    NISI_COMMAND(r, ClustersService, ReversePosting, env_, store(), ReversePosting);
    NISI_UNARY(r, ClustersService, GetAccount, env_, GetAccount);
    NISI_UNARY(r, ClustersService, ListPostings, env_, ListPostings);
    NISI_UNARY(r, ClustersService, ListDeadlines, env_, ListDeadlines);
    NISI_UNARY(r, ClustersService, ListOverdue, env_, ListOverdue);
    NISI_UNARY(r, ClustersService, ReplayDecision, env_, ReplayDecision);
    return absl::OkStatus();
  }

  std::shared_ptr<cases::Deadlines> deadlines_;
  std::unique_ptr<cases::RecordedGate> gate_;
  // Timers have it, and the store that runs timers is gone after this.
  const std::shared_ptr<Env> shared_ = std::make_shared<Env>();
  Env& env_ = *shared_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options));
  return service;
}

absl::Status CheckNorms(const norms::Norms& norms, base::Date /*today*/) {
  // A vote that nobody could carry is found now, not at the meeting.
  return VotesBy().Check(norms);
}

std::vector<const base::MachineDef*> Machines() {
  return {&InitiativeMachine(), &SelectionMachine(), &ApplicationMachine(),
          &ExpertMachine(),     &ClusterMachine(),   &SupportMachine()};
}

}  // namespace nisi::clusters
