#include <algorithm>
#include <set>

#include "common/cases/deadlines.h"
#include "common/norms/term.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"
#include "services/industry_map/progress.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

// The project as it was on the last day of a quarter.
absl::StatusOr<std::optional<Project>> ProjectThen(const store::Reader& reader, int32_t number,
                                                   base::Quarter quarter) {
  store::At at;
  at.as_of = quarter.last_day();
  ASSIGN_OR_RETURN(auto found, reader.Find(kProjects, ProjectKey(number), at));
  if (!found.has_value()) return std::optional<Project>();
  return std::optional<Project>(std::move(*found->row.mutable_project()));
}

// Puts the report in its place among them; whether it lies between its neighbours: CUMULATIVE_FELL.
absl::Status Enter(const ReportRow& row, std::vector<ReportRow>* rows) {
  const auto place = std::lower_bound(
      rows->begin(), rows->end(), row,
      [](const ReportRow& a, const ReportRow& b) { return a.quarter_index() < b.quarter_index(); });
  const bool known = place != rows->end() && place->quarter_index() == row.quarter_index();
  const auto next = known ? place + 1 : place;
  RETURN_IF_ERROR(CheckCumulative(row.report(),
                                  place == rows->begin() ? nullptr : &(place - 1)->report(),
                                  next == rows->end() ? nullptr : &next->report()));
  if (known) {
    *place = row;
  } else {
    rows->insert(place, row);
  }
  return absl::OkStatus();
}

// Puts a report on each day on which a version of it holds; of a new one, today.
absl::Status PutReport(store::Tx& tx, const std::set<base::Date>& days, ReportRow* row) {
  if (days.empty()) return tx.Put(kReports, row);
  for (const base::Date day : days) RETURN_IF_ERROR(tx.Put(kReports, row, day));
  return absl::OkStatus();
}

// What a report that is filed or corrected does: its project shows it, and it is put. A correction
// holds from the day on which the report was first filed.
absl::Status Record(const Env& env, store::Tx& tx, cases::Step<ProjectRow>* step, ReportRow* row) {
  ASSIGN_OR_RETURN(std::vector<ReportRow> rows, ReportsOf(tx, row->project()));
  RETURN_IF_ERROR(Enter(*row, &rows));
  std::set<base::Date> days;
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kReports, kReports.key(*row).bytes()));
  for (const store::RawRow& version : versions) days.insert(version.version.effective_from);
  // Past days of its project are read from what stands.
  if (!days.empty()) RETURN_IF_ERROR(PutReport(tx, days, row));
  const auto show = [&](base::Date day, Project* project) -> absl::Status {
    if (day == tx.today()) return ShowReports(*env.norms, day, rows, project);
    return ShowReportsOf(env, tx, row->project(), day, project);
  };
  const base::Date first = days.empty() ? tx.today() : *days.begin();
  RETURN_IF_ERROR(SettleSince(env, tx, step, first, show));
  row->mutable_report()->mutable_administrative_data()->set_traffic_light(
      step->row.project().administrative_data().progress().traffic_light());
  RETURN_IF_ERROR(PutReport(tx, days, row));
  // Also an older one, late or corrected, may close the row up to the newest.
  return ProposeSuccess(env, tx, &step->row);
}

}  // namespace

absl::StatusOr<v1::Report> SubmitReport(Env& env, const Call& call, store::Tx& tx,
                                        const v1::SubmitReportRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, ProjectNumber(request.parent()));
  return FileReport(env, call, tx, number, request.report());
}

absl::StatusOr<v1::Report> FileReport(const Env& env, const Call& call, store::Tx& tx,
                                      int32_t number, const Report& given) {
  ASSIGN_OR_RETURN(const base::Quarter quarter, base::Quarter::Parse(given.quarter()));
  // Who answered for it on the last day of the quarter reports, also where another does so now.
  ASSIGN_OR_RETURN(auto now, tx.Find(kProjects, ProjectKey(number)));
  ASSIGN_OR_RETURN(const auto then, ProjectThen(tx, number, quarter));
  // By ties to the project alone, also in an import, whose rows may name any project.
  const auto roles_over = [&call](const Project& project) {
    return rpc::TiesOf<Project>().RolesOver(*call.caller, project) & call.method->roles;
  };
  const uint32_t roles_now = now.has_value() ? roles_over(now->row.project()) : 0;
  const uint32_t roles_then = then.has_value() ? roles_over(*then) : 0;
  if (!now.has_value() || (roles_now | roles_then) == 0)
    return rpc::Missing(call, "projects", ProjectName(number));
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ProjectMachine(), Verb::kReport,
                                           std::move(now->row), {.roles = roles_now | roles_then}));
  RETURN_IF_ERROR(CheckReportable(
      quarter, tx.today(),
      then.has_value() ? std::optional<Project::State>(then->state()) : std::nullopt));
  RETURN_IF_ERROR(
      CheckResponsible(then->parameters().responsible_body(), roles_then, call.caller->bin));
  const std::string name = ReportName(number, quarter);
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kReports, ReportKey(number, quarter)));
  if (known.has_value()) return errors::ReportExists(name);
  RETURN_IF_ERROR(CheckFigures(given, WasCommissioned(step.row.project(), quarter)));

  ReportRow row;
  row.set_project(number);
  row.set_quarter_index(IndexOf(quarter));
  Report& report = *row.mutable_report();
  report = given;
  report.set_name(name);
  *report.mutable_responsible_body() = then->parameters().responsible_body();
  report.set_owner_bin(then->parameters().owner_bin());
  report.set_kato(then->parameters().kato());
  report.set_region(then->region());
  report.set_submitted_by(step.subject);
  ASSIGN_OR_RETURN(const norms::Term term,
                   norms::TermOf(*env.norms, "industry_map.report.due_days", quarter.last_day()));
  *report.mutable_due_date() = term.last_day.ToProto();
  report.set_late(tx.today() > term.last_day);
  RETURN_IF_ERROR(Record(env, tx, &step, &row));
  ASSIGN_OR_RETURN(const auto owed, cases::OpenDeadlines(tx, name));
  for (const cases::Deadline& deadline : owed)
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), cases::Deadline::DONE));
  return row.report();
}

absl::StatusOr<v1::Report> CorrectReport(Env& env, const Call& call, store::Tx& tx,
                                         const v1::CorrectReportRequest& request) {
  const std::string& name = request.report().name();
  ASSIGN_OR_RETURN(const ReportNumbers numbers, NumbersOfReport(name));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kReports,
                                            ReportKey(numbers.project, numbers.quarter), name));
  ReportRow row = std::move(found.row);
  Report& report = *row.mutable_report();
  // Without its version nobody can tell what is being corrected.
  if (request.report().etag() != report.etag()) return base::EtagMismatch(report.etag());
  ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, numbers.project));
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ProjectMachine(), Verb::kReport,
                                           std::move(project), {.roles = found.roles}));
  RETURN_IF_ERROR(CheckResponsible(report.responsible_body(), found.roles, call.caller->bin));
  const Report before = report;
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.report(), request.update_mask(), &report, &call));
  if (google::protobuf::util::MessageDifferencer::Equals(before, report))
    return errors::CorrectionEmpty("report");
  RETURN_IF_ERROR(CheckFigures(report, WasCommissioned(step.row.project(), numbers.quarter)));
  report.set_correction_count(report.correction_count() + 1);
  report.set_correction_reason(request.reason());
  report.set_corrected_by(step.subject);
  RETURN_IF_ERROR(Record(env, tx, &step, &row));
  return row.report();
}

absl::StatusOr<Encoded<v1::Report>> GetReport(Env& env, Call& call,
                                              const v1::GetReportRequest& request) {
  ASSIGN_OR_RETURN(const ReportNumbers numbers, NumbersOfReport(request.name()));
  return rpc::GetRecord<Report>(*env.store, call, kReports,
                                ReportKey(numbers.project, numbers.quarter), request);
}

absl::StatusOr<Encoded<v1::ListReportsResponse>> ListReports(
    Env& env, Call& call, const v1::ListReportsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kReports, request, call));
  ASSIGN_OR_RETURN(const int32_t project, ParentNumber(request.parent()));
  plan.show = rpc::ShowTo<Report>(call);
  if (project != 0) {
    plan.prefix = store::Key::Of(project);
  } else {
    plan.indexes = {
        {"quarter", &kReportsByQuarter, [](const std::string& text) -> std::optional<store::Key> {
           const auto quarter = base::Quarter::Parse(text);
           if (!quarter.ok()) return std::nullopt;
           return store::Key::Of(IndexOf(*quarter));
         }}};
  }
  return rpc::ListAs<v1::ListReportsResponse>(*env.store, plan);
}

absl::StatusOr<Encoded<v1::ListOverdueReportsResponse>> ListOverdueReports(
    Env& env, Call& call, const v1::ListOverdueReportsRequest& request) {
  const rpc::Caller& caller = *call.caller;
  const bool country = (caller.roles & call.method->roles & rpc::kCountryRoles) != 0;
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(cases::kDeadlines, request, call));
  plan.over = &kOverdueReports;
  plan.under = {store::Key::Of(request.escalated_only() ? kReportEscalation : kQuarterlyReport)};
  const store::Reader* reader = nullptr;
  store::At at;
  plan.prepare = [&](const store::Reader& page, const store::At& page_at) {
    reader = &page;
    at = page_at;
    return absl::OkStatus();
  };
  // By whom and where it was owed is said by the project as it was on the last day of the quarter.
  plan.show = [&](google::protobuf::Message* resource) -> absl::StatusOr<rpc::Shown> {
    const auto& deadline = static_cast<const cases::Deadline&>(*resource);
    const auto numbers = NumbersOfReport(deadline.record());
    if (!numbers.ok()) return base::StoreCorrupt("deadline of a report");
    if (!request.quarter().empty() && numbers->quarter.ToString() != request.quarter())
      return rpc::Shown::kNo;
    store::At then;
    then.as_of = numbers->quarter.last_day();
    then.known_at_us = at.known_at_us;
    ASSIGN_OR_RETURN(const auto found, reader->Find(kProjects, ProjectKey(numbers->project), then));
    if (!found.has_value()) return rpc::Shown::kNo;
    const Project& project = found->row.project();
    const std::string& kato = project.parameters().kato();
    const std::string& bin = project.parameters().responsible_body().bin();
    const bool own = country || (caller.Has(rpc::v1::AKIMAT) && rpc::InRegions(caller, kato)) ||
                     (caller.Has(rpc::v1::HOLDING) && !caller.bin.empty() && bin == caller.bin);
    const bool shown = own && kato.starts_with(request.region()) &&
                       (request.body_bin().empty() || bin == request.body_bin());
    return shown ? rpc::Shown::kAsStored : rpc::Shown::kNo;
  };
  return rpc::ListAs<v1::ListOverdueReportsResponse>(*env.store, plan);
}

}  // namespace nisi::industry_map
