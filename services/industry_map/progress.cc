#include "services/industry_map/progress.h"

#include <utility>

#include "common/base/money.h"
#include "common/cases/rows.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"

namespace nisi::industry_map {
namespace {

// How many of the last quarters, without a gap, were loaded as the methodology asks.
absl::StatusOr<int32_t> LoadedQuarters(const norms::Norms& norms, base::Date day,
                                       const std::vector<ReportRow>& rows, const Project& project) {
  ASSIGN_OR_RETURN(const base::Percent minimum,
                   norms.Percent("industry_map.exclusion.load_min", day));
  int32_t loaded = 0;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    const bool next = row->quarter_index() == rows.back().quarter_index() - loaded;
    if (!next || LoadOf(project, row->report()) < minimum.hundredths()) break;
    ++loaded;
  }
  return loaded;
}

}  // namespace

absl::StatusOr<std::vector<ReportRow>> ReportsOf(const store::Tx& tx, int32_t project,
                                                 const store::At& at) {
  return cases::AllOf(tx, kReports, store::Key::Of(project), at);
}

absl::Status ShowReports(const norms::Norms& norms, base::Date day,
                         const std::vector<ReportRow>& rows, Project* project) {
  const Report& last = rows.back().report();
  const v1::ReportFigures& figures = last.administrative_data();
  project->set_last_report_quarter(last.quarter());
  project->set_jobs_fact(last.jobs_fact());
  project->clear_forecast_commissioning_date();
  if (last.has_forecast_commissioning_date() &&
      !ReachedDay(*project, Milestone::COMMISSIONING).has_value()) {
    *project->mutable_forecast_commissioning_date() = last.forecast_commissioning_date();
  }
  Progress& progress = *project->mutable_administrative_data()->mutable_progress();
  ASSIGN_OR_RETURN(const base::Money used, base::Money::FromTiyn(InvestmentUsed(figures)));
  *progress.mutable_investment_used() = used.ToProto();
  progress.set_readiness_bp(figures.readiness_bp());
  progress.set_capacity_load_bp(LoadOf(*project, last));
  ASSIGN_OR_RETURN(const int32_t loaded, LoadedQuarters(norms, day, rows, *project));
  progress.set_loaded_quarters(loaded);
  return absl::OkStatus();
}

absl::Status ShowReportsOf(const Env& env, const store::Tx& tx, int32_t number, base::Date day,
                           Project* project) {
  store::At at;
  if (day != tx.today()) at.as_of = day;
  ASSIGN_OR_RETURN(const std::vector<ReportRow> then, ReportsOf(tx, number, at));
  return then.empty() ? absl::OkStatus() : ShowReports(*env.norms, day, then, project);
}

absl::Status ProposeSuccess(const Env& env, store::Tx& tx, ProjectRow* row) {
  const Project& project = row->project();
  if (!ProjectMachine().AskByItself(project.state(), Verb::kComplete).ok()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Decision ground, FindSustained(env, tx, *row));
  if (ground.outcome() != "MET") return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const auto open,
      tx.FindUnique(kOpenReviews, store::Key::Of(row->number(), int64_t{Review::EXCLUSION})));
  if (open.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(ProposeSustained(env, tx, ground, row));
  return PutProject(env, tx, row);
}

}  // namespace nisi::industry_map
