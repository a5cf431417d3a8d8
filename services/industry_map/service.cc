#include "services/industry_map/service.h"

#include "common/cases/deadlines.h"
#include "services/industry_map/history.h"
#include "services/industry_map/rpcs.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {
namespace {

using v1::IndustryMapService;
using v1::PlacesService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options) {
    // Timers may fire as soon as the store is open.
    env_.norms = options.norms;
    // All projects owe their reports by one midnight; no command asks whether it was marked.
    deadlines_ = std::make_shared<cases::Deadlines>(
        cases::OverdueFns{{kQuarterlyReport,
                           [norms = options.norms](store::Tx& tx, const cases::Deadline& deadline,
                                                   base::Date day) {
                             return Escalate(*norms, tx, deadline, day);
                           }}},
        cases::Deadlines::Callers::kGoBetween);
    RETURN_IF_ERROR(OpenStore(options, IndustryMapSchema(),
                              {{cases::kDeadlineTimer, cases::TimerOf(deadlines_)},
                               {kOpenReportsTimer, Timer(OpenReports)},
                               {kLightTimer, Timer(TurnLight)},
                               {kChangeTimer, Timer(TakeChange)},
                               {kPlacesTimer, Timer(FollowPlaces)}}));
    options.metrics->AddFigures(cases::FiguresOf(deadlines_, shared_store()));
    env_.store = &store();
    return Bind();
  }

 private:
  // The store goes after what is declared here, and its timers run until then.
  using TimerOf = absl::Status (*)(const Env&, store::Tx&, absl::string_view, absl::Time);
  store::TimerFn Timer(TimerOf fire) {
    return [env = Env{nullptr, env_.norms}, fire](store::Tx& tx, absl::string_view payload,
                                                  absl::Time due) {
      return fire(env, tx, payload, due);
    };
  }

  absl::Status Bind() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*IndustryMapService::descriptor()));
    NISI_COMMAND(r, IndustryMapService, CreateProject, env_, store(), CreateProject);
    NISI_COMMAND(r, IndustryMapService, UpdateProject, env_, store(), UpdateProject);
    NISI_UNARY(r, IndustryMapService, GetProject, env_, GetProject);
    NISI_UNARY(r, IndustryMapService, ListProjects, env_, ListProjects);
    NISI_COMMAND(r, IndustryMapService, WithdrawProject, env_, store(), WithdrawProject);
    NISI_COMMAND(r, IndustryMapService, ProposeProject, env_, store(), ProposeProject);
    NISI_COMMAND(r, IndustryMapService, ProposeChange, env_, store(), ProposeChange);
    NISI_COMMAND(r, IndustryMapService, ProposeExclusion, env_, store(), ProposeExclusion);
    NISI_COMMAND(r, IndustryMapService, StartReview, env_, store(), StartReview);
    NISI_COMMAND(r, IndustryMapService, ConcludeReview, env_, store(), ConcludeReview);
    NISI_COMMAND(r, IndustryMapService, IncludeProject, env_, store(), IncludeProject);
    NISI_COMMAND(r, IndustryMapService, AdoptChange, env_, store(), AdoptChange);
    NISI_COMMAND(r, IndustryMapService, ExcludeProject, env_, store(), ExcludeProject);
    NISI_COMMAND(r, IndustryMapService, WithdrawReview, env_, store(), WithdrawReview);
    NISI_COMMAND(r, IndustryMapService, InformApplicant, env_, store(), InformApplicant);
    NISI_UNARY(r, IndustryMapService, GetReview, env_, GetReview);
    NISI_UNARY(r, IndustryMapService, ListReviews, env_, ListReviews);
    NISI_UNARY(r, IndustryMapService, ListReviewDeadlines, env_, ListReviewDeadlines);
    NISI_COMMAND(r, IndustryMapService, SuspendProject, env_, store(), SuspendProject);
    NISI_COMMAND(r, IndustryMapService, ResumeProject, env_, store(), ResumeProject);
    NISI_COMMAND(r, IndustryMapService, CommissionProject, env_, store(), CommissionProject);
    NISI_COMMAND(r, IndustryMapService, RecordMilestone, env_, store(), RecordMilestone);
    NISI_COMMAND(r, IndustryMapService, CorrectMilestone, env_, store(), CorrectMilestone);
    NISI_COMMAND(r, IndustryMapService, CompleteSupport, env_, store(), CompleteSupport);
    NISI_COMMAND(r, IndustryMapService, SubmitReport, env_, store(), SubmitReport);
    NISI_COMMAND(r, IndustryMapService, CorrectReport, env_, store(), CorrectReport);
    NISI_UNARY(r, IndustryMapService, GetReport, env_, GetReport);
    NISI_UNARY(r, IndustryMapService, ListReports, env_, ListReports);
    NISI_UNARY(r, IndustryMapService, ListOverdueReports, env_, ListOverdueReports);
    NISI_UNARY(r, IndustryMapService, Summarize, env_, Summarize);
    NISI_UNARY(r, IndustryMapService, ListInBox, env_, ListInBox);
    NISI_UNARY(r, IndustryMapService, ApproveMapEdition, env_, ApproveMapEdition);
    NISI_UNARY(r, IndustryMapService, GetMapEdition, env_, GetMapEdition);
    NISI_UNARY(r, IndustryMapService, ListMapEditions, env_, ListMapEditions);
    NISI_SERVER_STREAM(r, IndustryMapService, WatchProjects, env_, WatchProjects);
    NISI_CLIENT_STREAM(r, IndustryMapService, ImportProjects, env_, ImportProjects);
    NISI_CLIENT_STREAM(r, IndustryMapService, ImportReports, env_, ImportReports);
    NISI_UNARY(r, IndustryMapService, ReplayDecision, env_, ReplayDecision);
    RETURN_IF_ERROR(r.Add(*PlacesService::descriptor()));
    NISI_UNARY(r, PlacesService, GetPlace, env_, GetPlace);
    NISI_UNARY(r, PlacesService, ListPlaces, env_, ListPlaces);
    NISI_UNARY(r, PlacesService, ResolvePlace, env_, ResolvePlace);
    NISI_CLIENT_STREAM(r, PlacesService, ImportPlaces, env_, ImportPlaces);
    return absl::OkStatus();
  }

  std::shared_ptr<cases::Deadlines> deadlines_;  // until the last look at its figures
  Env env_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options));
  return service;
}

std::vector<const base::MachineDef*> Machines() {
  return {&ProjectMachine(), &ReviewMachine()};
}

}  // namespace nisi::industry_map
