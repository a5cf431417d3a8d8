#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/clusters/errors.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

using SelectionStep = cases::Step<SelectionRow>;

absl::StatusOr<SelectionStep> BeginSelection(const store::Tx& tx, const Call& call,
                                             SelectionVerb verb, const std::string& name,
                                             const std::string& etag) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, "selections/*", 0));
  return BeginStep(tx, call, SelectionMachine(), verb, kSelections, store::Key::Of(number), name,
                   etag);
}

absl::StatusOr<std::vector<ApplicationRow>> ApplicationsIn(const store::Reader& reader,
                                                           int32_t selection,
                                                           Application::State state) {
  ASSIGN_OR_RETURN(std::vector<ApplicationRow> rows,
                   AllOf(reader, kApplications, store::Key::Of(selection)));
  std::erase_if(rows,
                [state](const ApplicationRow& row) { return row.application().state() != state; });
  return rows;
}

// Numbers of the experts who are tied to an applicant, as it is today.
absl::StatusOr<std::set<int32_t>> TiedTo(const store::Reader& reader,
                                         const std::vector<ExpertRow>& experts,
                                         const ApplicationRow& application) {
  ASSIGN_OR_RETURN(const std::set<std::string> bins, ApplicantToday(reader, application));
  std::set<int32_t> tied;
  for (const ExpertRow& row : experts) {
    const Expert& expert = row.expert();
    if (IsTied(expert.employers(), expert.declared_ties(), bins)) tied.insert(row.number());
  }
  return tied;
}

// The scores of an application, opened: their points become public with the transaction that ranks.
// Those of experts who are tied to it by now do not count.
absl::StatusOr<Scored> OpenScores(store::Tx& tx, const ApplicationRow& application,
                                  const std::set<int32_t>& tied) {
  Scored scored;
  scored.number = application.number();
  const auto& filed = application.application().file_time();
  scored.filed_us = filed.seconds() * 1'000'000 + filed.nanos() / 1000;
  ASSIGN_OR_RETURN(
      std::vector<ScoreRow> rows,
      AllOf(tx, kScores, store::Key::Of(application.selection(), application.number())));
  for (ScoreRow& row : rows) {
    v1::Score& score = *row.mutable_score();
    *score.mutable_points() = row.sealed();
    row.clear_sealed();
    int32_t total = 0;
    for (const CriterionPoints& points : score.points()) total += points.points();
    score.set_total_points(total);
    score.set_opened(true);
    if (tied.contains(row.expert())) score.set_counts(false);
    if (score.counts()) {
      ASSIGN_OR_RETURN(scored.scores[row.expert()], PointsOf(score.points(), "points"));
    }
    RETURN_IF_ERROR(tx.Put(kScores, &row));
  }
  return scored;
}

// Who must score each application: experts who are not dismissed and not tied to it. One who never
// declared must declare or be dismissed: silence does not shrink the panel.
std::set<int32_t> WhoMustScore(const std::vector<ExpertRow>& experts,
                               const std::set<int32_t>& tied) {
  std::set<int32_t> due;
  for (const ExpertRow& expert : experts) {
    const Expert::State state = expert.expert().state();
    if (state == Expert::DISMISSED) continue;
    if (state == Expert::DECLARED && tied.contains(expert.number())) continue;
    due.insert(expert.number());
  }
  return due;
}

}  // namespace

absl::StatusOr<v1::Selection> CreateSelection(Env& /*env*/, const Call& call, store::Tx& tx,
                                              const v1::CreateSelectionRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("selections"));
  SelectionRow row;
  row.set_number(static_cast<int32_t>(number));
  Selection& selection = *row.mutable_selection();
  selection = request.selection();
  selection.set_name(SelectionName(row.number()));
  selection.set_state(Selection::DRAFT);
  selection.set_drafted_by(call.caller->subject);
  RETURN_IF_ERROR(CheckDates(selection, tx.today(), "selection."));
  cases::v1::Act* act = row.mutable_life()->add_acts();
  act->set_duty(cases::v1::Act::PREPARES);
  act->set_subject(call.caller->subject);
  tx.Cite(errors::Operator());
  RETURN_IF_ERROR(tx.Put(kSelections, &row));
  return selection;
}

absl::StatusOr<v1::Selection> UpdateSelection(Env& env, const Call& call, store::Tx& tx,
                                              const v1::UpdateSelectionRequest& request) {
  ASSIGN_OR_RETURN(SelectionStep step,
                   BeginSelection(tx, call, SelectionVerb::kEdit, request.selection().name(),
                                  request.selection().etag()));
  Selection& selection = *step.row.mutable_selection();
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.selection(), request.update_mask(), &selection, &call));
  RETURN_IF_ERROR(CheckDates(selection, tx.today(), "selection."));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return selection;
}

absl::StatusOr<v1::Selection> AnnounceSelection(Env& env, const Call& call, store::Tx& tx,
                                                const v1::AnnounceSelectionRequest& request) {
  ASSIGN_OR_RETURN(SelectionStep step, BeginSelection(tx, call, SelectionVerb::kAnnounce,
                                                      request.name(), request.etag()));
  Selection& selection = *step.row.mutable_selection();
  RETURN_IF_ERROR(CheckDates(selection, tx.today(), ""));
  RETURN_IF_ERROR(FixTerms(*env.norms, tx.today(), &selection));
  selection.set_announced_by(step.subject);
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(selection.applications_until()));
  tx.Schedule(until.EndOfDay(), kCloseApplicationsTimer, absl::StrCat(step.row.number()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return selection;
}

absl::StatusOr<v1::Selection> CancelSelection(Env& env, const Call& call, store::Tx& tx,
                                              const v1::CancelSelectionRequest& request) {
  ASSIGN_OR_RETURN(SelectionStep step, BeginSelection(tx, call, SelectionVerb::kCancel,
                                                      request.name(), request.etag()));
  ASSIGN_OR_RETURN(std::vector<ApplicationRow> applications,
                   AllOf(tx, kApplications, store::Key::Of(step.row.number())));
  for (ApplicationRow& row : applications) {
    const Application::State state = row.application().state();
    if (state == Application::REFUSED || state == Application::WITHDRAWN) continue;
    ASSIGN_OR_RETURN(auto ended, cases::BeginByItself(ApplicationMachine(),
                                                      ApplicationVerb::kCancel, std::move(row)));
    ended.row.mutable_application()->set_reason(request.reason());
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kApplications, &ended));
    RETURN_IF_ERROR(Release(env, tx, ended.row.application().initiative()));
  }
  step.row.mutable_selection()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return step.row.selection();
}

absl::StatusOr<Encoded<v1::Selection>> GetSelection(Env& env, Call& call,
                                                    const v1::GetSelectionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), "selections/*", 0));
  return GetShown<Selection>(env, call, kSelections, store::Key::Of(number), request,
                             SelectionVisible);
}

absl::StatusOr<Encoded<v1::ListSelectionsResponse>> ListSelections(
    Env& env, Call& call, const v1::ListSelectionsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kSelections, request, call));
  plan.indexes = {{"state", &kSelectionsByState, rpc::EnumKey<Selection::State>}};
  plan.show = ShowConcealed<Selection>(call, SelectionVisible);
  return rpc::ListAs<v1::ListSelectionsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Selection> CloseScoring(Env& env, const Call& call, store::Tx& tx,
                                           const v1::CloseScoringRequest& request) {
  ASSIGN_OR_RETURN(SelectionStep step, BeginSelection(tx, call, SelectionVerb::kCloseScoring,
                                                      request.name(), request.etag()));
  RETURN_IF_ERROR(CheckNoExpert(tx, step.row.number(), step.subject));
  Selection& selection = *step.row.mutable_selection();
  ASSIGN_OR_RETURN(std::vector<ApplicationRow> applications,
                   ApplicationsIn(tx, step.row.number(), Application::ADMITTED));
  ASSIGN_OR_RETURN(const std::vector<ExpertRow> experts,
                   AllOf(tx, kExperts, store::Key::Of(step.row.number())));
  std::vector<Scored> scored;
  std::map<int32_t, std::set<int32_t>> due;
  for (const ApplicationRow& application : applications) {
    ASSIGN_OR_RETURN(const std::set<int32_t> tied, TiedTo(tx, experts, application));
    ASSIGN_OR_RETURN(Scored opened, OpenScores(tx, application, tied));
    scored.push_back(std::move(opened));
    due[application.number()] = WhoMustScore(experts, tied);
  }
  RETURN_IF_ERROR(CheckScores(due, scored, selection.min_experts()));
  ASSIGN_OR_RETURN(*selection.mutable_ranking(),
                   Rank(scored, selection, {selection.name(), tx.etag()}, *env.norms));
  SetDecideTime(tx, selection.mutable_ranking());
  ASSIGN_OR_RETURN(const Ranked ranked, RankedBy(selection.ranking()));
  for (size_t i = 0; i < applications.size(); ++i) {
    ASSIGN_OR_RETURN(auto opened, cases::BeginByItself(ApplicationMachine(), ApplicationVerb::kOpen,
                                                       std::move(applications[i])));
    Application& application = *opened.row.mutable_application();
    ASSIGN_OR_RETURN(*application.mutable_scoring(),
                     Total(scored[i], {application.name(), tx.etag()}, *env.norms));
    SetDecideTime(tx, application.mutable_scoring());
    application.set_total(application.scoring().outcome());
    application.set_score_count(static_cast<int32_t>(scored[i].scores.size()));
    const auto at = std::find(ranked.order.begin(), ranked.order.end(), scored[i].number);
    application.set_rank(static_cast<int32_t>(at - ranked.order.begin()) + 1);
    application.set_passed(ranked.passed.contains(scored[i].number));
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kApplications, &opened));
  }
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return selection;
}

absl::StatusOr<v1::Selection> DecideSelection(Env& env, const Call& call, store::Tx& tx,
                                              const v1::DecideSelectionRequest& request) {
  ASSIGN_OR_RETURN(SelectionStep step, BeginSelection(tx, call, SelectionVerb::kDecide,
                                                      request.name(), request.etag()));
  RETURN_IF_ERROR(CheckNoExpert(tx, step.row.number(), step.subject));
  Selection& selection = *step.row.mutable_selection();
  ASSIGN_OR_RETURN(const base::Date held, base::Date::FromProto(request.protocol_date()));
  const base::Date closed =
      base::Date::LegalDay(absl::FromUnixSeconds(selection.ranking().decide_time().seconds()));
  if (held < closed || held > tx.today()) return errors::ProtocolDateInvalid();

  Meeting meeting;
  meeting.members = &request.members();
  meeting.max_selected = selection.max_selected();
  meeting.selection = {selection.name(), tx.etag()};
  ASSIGN_OR_RETURN(meeting.ranked, RankedBy(selection.ranking()));
  for (const auto& act : step.row.life().acts()) meeting.officials.insert(act.subject());
  ASSIGN_OR_RETURN(const std::vector<ExpertRow> experts,
                   AllOf(tx, kExperts, store::Key::Of(step.row.number())));
  for (const ExpertRow& expert : experts) meeting.officials.insert(expert.expert().subject());
  std::set<std::string> named;
  for (int i = 0; i < request.members_size(); ++i) {
    if (!named.insert(request.members(i).subject()).second) {
      return base::InvalidField(absl::StrCat("members[", i, "].subject"), "names a member again");
    }
  }
  ASSIGN_OR_RETURN(std::vector<ApplicationRow> applications,
                   ApplicationsIn(tx, step.row.number(), Application::SCORED));
  for (const ApplicationRow& row : applications) {
    ASSIGN_OR_RETURN(const std::set<std::string> bins, ApplicantToday(tx, row));
    meeting.applicants.insert(bins.begin(), bins.end());
  }
  std::map<int32_t, std::string> reasons;
  for (int i = 0; i < request.passed_over_size(); ++i) {
    const auto& over = request.passed_over(i);
    const std::string field = absl::StrCat("passed_over[", i, "].application");
    constexpr char kPattern[] = "selections/*/applications/*";
    ASSIGN_OR_RETURN(const int32_t in, rpc::NumberIn(over.application(), kPattern, 0));
    ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(over.application(), kPattern, 1));
    if (in != step.row.number() || !meeting.ranked.passed.contains(number) ||
        !reasons.emplace(number, over.reason()).second) {
      return errors::PassedOverUnknown(field);
    }
    meeting.passed_over.insert(number);
  }
  ASSIGN_OR_RETURN(*selection.mutable_decision(),
                   DecideAsCommission(meeting, *env.norms, tx.today()));
  SetDecideTime(tx, selection.mutable_decision());
  ASSIGN_OR_RETURN(const std::vector<int64_t> selected, Split(selection.decision().outcome()));
  // Kept in the private part: nobody may read the outcome off an application before publication.
  for (ApplicationRow& row : applications) {
    row.set_chosen(std::find(selected.begin(), selected.end(), row.number()) != selected.end());
    row.set_passed_over(reasons.contains(row.number()) ? reasons.at(row.number()) : "");
    RETURN_IF_ERROR(tx.Put(kApplications, &row));
  }
  selection.set_selected_count(static_cast<int32_t>(selected.size()));
  selection.set_protocol_number(request.protocol_number());
  *selection.mutable_protocol_date() = request.protocol_date();
  selection.set_decided_by(step.subject);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return selection;
}

absl::StatusOr<v1::Selection> PublishResults(Env& env, const Call& call, store::Tx& tx,
                                             const v1::PublishResultsRequest& request) {
  ASSIGN_OR_RETURN(SelectionStep step, BeginSelection(tx, call, SelectionVerb::kPublish,
                                                      request.name(), request.etag()));
  ASSIGN_OR_RETURN(std::vector<ApplicationRow> applications,
                   ApplicationsIn(tx, step.row.number(), Application::SCORED));
  int32_t count = 0;
  for (ApplicationRow& row : applications) {
    ASSIGN_OR_RETURN(
        auto published,
        cases::BeginByItself(ApplicationMachine(), ApplicationVerb::kPublish, std::move(row)));
    Application& application = *published.row.mutable_application();
    application.set_reason(published.row.passed_over());
    // Members may have left since it was scored: what is below the minimum by now is no cluster.
    ClusterRow candidate;
    bool chosen = published.row.chosen();
    if (chosen) {
      ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(application.cluster(), "clusters/*", 0));
      ASSIGN_OR_RETURN(candidate, Need(tx, kClusters, store::Key::Of(number)));
      RETURN_IF_ERROR(Rejudge(env, tx, tx.today(), &candidate));
      *application.mutable_composition() = candidate.cluster().composition();
      chosen = CheckWhole(candidate.cluster().composition()).ok();
      if (!chosen) RETURN_IF_ERROR(tx.Put(kClusters, &candidate));
    }
    RETURN_IF_ERROR(published.Lead(chosen ? Application::SELECTED : Application::NOT_SELECTED));
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kApplications, &published));
    if (!chosen) {
      RETURN_IF_ERROR(Release(env, tx, application.initiative()));
      continue;
    }
    ++count;
    RETURN_IF_ERROR(Adopt(env, tx, application.initiative()));
    ASSIGN_OR_RETURN(auto selected, cases::BeginByItself(ClusterMachine(), ClusterVerb::kSelect,
                                                         std::move(candidate)));
    selected.row.mutable_cluster()->set_application(application.name());
    *selected.row.mutable_selected_on() = tx.today().ToProto();
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &selected));
    RETURN_IF_ERROR(RecountMembers(tx, selected.row, tx.today()));
  }
  step.row.mutable_selection()->set_selected_count(count);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return step.row.selection();
}

absl::Status CloseApplications(const Env& env, store::Tx& tx, absl::string_view payload,
                               absl::Time due) {
  int32_t number = 0;
  if (!absl::SimpleAtoi(payload, &number)) return base::StoreCorrupt("timer of a selection");
  ASSIGN_OR_RETURN(SelectionRow row, Need(tx, kSelections, store::Key::Of(number)));
  if (row.selection().state() != Selection::ANNOUNCED) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<ApplicationRow> filed,
                   ApplicationsIn(tx, number, Application::FILED));
  // Over since midnight, also where the process was down then.
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(SelectionMachine(), SelectionVerb::kCloseApplications,
                                        std::move(row), base::Date::LegalDay(due)));
  RETURN_IF_ERROR(step.Lead(filed.empty() ? Selection::FAILED : Selection::ADMISSION));
  return cases::Finish(tx, *env.norms, kSelections, &step);
}

}  // namespace nisi::clusters
