// The duty to report every quarter (Art. 6(2)), kept by timers: a quarter that is over opens it, a
// day that passes tells the authority.
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/cases/deadlines.h"
#include "common/norms/term.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

// At most so many projects are looked at in one command, or it would hold the writer.
constexpr size_t kPortion = 500;

rpc::v1::Role RoleOf(const v1::ResponsibleBody& body) {
  switch (body.kind()) {
    case v1::ResponsibleBody::AUTHORITY:
      return rpc::v1::AUTHORITY_INDUSTRY;
    case v1::ResponsibleBody::AKIMAT:
      return rpc::v1::AKIMAT;
    default:
      return rpc::v1::HOLDING;
  }
}

// Who owes the report of a project that is like this.
void SetWho(const ProjectParameters& parameters, cases::Deadline* deadline) {
  const v1::ResponsibleBody& body = parameters.responsible_body();
  deadline->clear_roles();
  deadline->add_roles(RoleOf(body));
  deadline->set_region(body.kind() == v1::ResponsibleBody::AKIMAT ? parameters.kato() : "");
  deadline->set_body(body.kind() == v1::ResponsibleBody::HOLDING ? body.bin() : "");
}

// The quarters that a day lies in or before, and that have ended by `today`.
absl::StatusOr<std::vector<base::Quarter>> EndedSince(base::Date from, base::Date today) {
  std::vector<base::Quarter> quarters;
  for (base::Quarter quarter = base::Quarter::Containing(from); quarter.last_day() < today;) {
    quarters.push_back(quarter);
    ASSIGN_OR_RETURN(quarter, quarter.Next());
  }
  return quarters;
}

absl::StatusOr<std::optional<ProjectRow>> ProjectOn(const store::Tx& tx, int32_t project,
                                                    base::Date day) {
  store::At at;
  at.as_of = day;
  ASSIGN_OR_RETURN(auto found, tx.Find(kProjects, ProjectKey(project), at));
  if (!found.has_value()) return std::optional<ProjectRow>();
  return std::optional<ProjectRow>(std::move(found->row));
}

absl::Status Owe(const norms::Norms& norms, store::Tx& tx, base::Quarter quarter,
                 const ProjectRow& row, base::Date day) {
  ASSIGN_OR_RETURN(const norms::Term term,
                   norms::TermOf(norms, "industry_map.report.due_days", quarter.last_day()));
  cases::Deadline deadline;
  deadline.set_record(ReportName(row.number(), quarter));
  deadline.set_kind(kQuarterlyReport);
  SetWho(row.project().parameters(), &deadline);
  *deadline.mutable_since() = term.since.ToProto();
  *deadline.mutable_due_date() = term.last_day.ToProto();
  deadline.set_norm(term.norm);
  deadline.set_rests_on_assumption(term.assumption);
  *deadline.mutable_legal_basis() = errors::QuarterlyReports();
  return cases::OpenDeadline(tx, std::move(deadline), day).status();
}

absl::Status ScheduleAfter(store::Tx& tx, base::Quarter quarter) {
  tx.Schedule(quarter.last_day().EndOfDay(), kOpenReportsTimer,
              absl::StrCat(quarter.ToString(), "/0"));
  return absl::OkStatus();
}

}  // namespace

absl::Status FollowQuarters(store::Tx& tx) {
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kQuarters, store::Key::Of(int64_t{0})));
  if (known.has_value()) return absl::OkStatus();
  const base::Quarter current = base::Quarter::Containing(tx.today());
  QuarterRow row;
  row.mutable_opened()->set_quarter(
      base::Quarter::Containing(current.first_day().AddDays(-1)).ToString());
  RETURN_IF_ERROR(tx.Put(kQuarters, &row));
  return ScheduleAfter(tx, current);
}

absl::Status OpenReports(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  const std::vector<std::string> parts = absl::StrSplit(payload, '/');
  int32_t after = 0;
  const auto quarter = base::Quarter::Parse(parts.front());
  if (!quarter.ok() || parts.size() != 2 || !absl::SimpleAtoi(parts[1], &after))
    return base::StoreCorrupt("timer of a quarter");
  store::At at;
  at.as_of = quarter->last_day();
  store::Range range;
  if (after > 0) range.after = std::string(ProjectKey(after).bytes());
  std::vector<ProjectRow> owing;
  size_t looked_at = 0;
  bool more = false;
  RETURN_IF_ERROR(
      tx.Scan(kProjects, range, at,
              [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                more = looked_at == kPortion;
                if (more) return false;
                ++looked_at;
                ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ProjectRow>(row));
                after = stored.row.number();
                if (OwesReports(stored.row.project().state()))
                  owing.push_back(std::move(stored.row));
                return true;
              }));
  tx.Cite(errors::QuarterlyReports());
  const base::Date day = base::Date::LegalDay(due);
  for (const ProjectRow& row : owing) RETURN_IF_ERROR(Owe(*env.norms, tx, *quarter, row, day));
  if (more) {
    tx.Schedule(due, kOpenReportsTimer, absl::StrCat(quarter->ToString(), "/", after));
    return absl::OkStatus();
  }
  QuarterRow opened;
  opened.mutable_opened()->set_quarter(quarter->ToString());
  RETURN_IF_ERROR(tx.Put(kQuarters, &opened, day));
  ASSIGN_OR_RETURN(const base::Quarter next, quarter->Next());
  return ScheduleAfter(tx, next);
}

absl::Status OweSince(const Env& env, store::Tx& tx, int32_t project, base::Date from) {
  ASSIGN_OR_RETURN(const auto known, tx.Find(kQuarters, store::Key::Of(int64_t{0})));
  if (!known.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Quarter opened, base::Quarter::Parse(known->row.opened().quarter()));
  ASSIGN_OR_RETURN(const auto quarters, EndedSince(from, tx.today()));
  for (const base::Quarter quarter : quarters) {
    if (quarter > opened) break;  // its timer is still to come, and finds the project
    ASSIGN_OR_RETURN(const auto then, ProjectOn(tx, project, quarter.last_day()));
    if (!then.has_value() || !OwesReports(then->project().state())) continue;
    // Filed before it turned out to have been suspended for a time.
    ASSIGN_OR_RETURN(const auto filed, tx.FindRaw(kReports, ReportKey(project, quarter)));
    if (filed.has_value()) continue;
    RETURN_IF_ERROR(Owe(*env.norms, tx, quarter, *then, tx.today()));
  }
  return absl::OkStatus();
}

absl::Status CancelSince(store::Tx& tx, int32_t project, base::Date from) {
  ASSIGN_OR_RETURN(const auto quarters, EndedSince(from, tx.today()));
  for (const base::Quarter quarter : quarters) {
    ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, ReportName(project, quarter)));
    for (const cases::Deadline& deadline : open)
      RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), cases::Deadline::CANCELLED));
  }
  return absl::OkStatus();
}

absl::Status HandOverReports(store::Tx& tx, int32_t project, base::Date from) {
  ASSIGN_OR_RETURN(const auto quarters, EndedSince(from, tx.today()));
  for (const base::Quarter quarter : quarters) {
    ASSIGN_OR_RETURN(const auto then, ProjectOn(tx, project, quarter.last_day()));
    if (!then.has_value()) continue;
    ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, ReportName(project, quarter)));
    for (const cases::Deadline& deadline : open) {
      if (deadline.kind() != kQuarterlyReport) continue;  // the authority's stays its own
      cases::Deadline to = deadline;
      SetWho(then->project().parameters(), &to);
      if (to.SerializeAsString() == deadline.SerializeAsString()) continue;
      RETURN_IF_ERROR(cases::HandOver(tx, deadline.name(), to));
    }
  }
  return absl::OkStatus();
}

absl::Status Escalate(const norms::Norms& norms, store::Tx& tx, const cases::Deadline& deadline,
                      base::Date day) {
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(deadline.due_date()));
  ASSIGN_OR_RETURN(const norms::Term term,
                   norms::TermOf(norms, "industry_map.report.escalation_days", due));
  cases::Deadline escalation;
  escalation.set_record(deadline.record());
  escalation.set_kind(kReportEscalation);
  escalation.add_roles(rpc::v1::AUTHORITY_INDUSTRY);
  *escalation.mutable_since() = term.since.ToProto();
  *escalation.mutable_due_date() = term.last_day.ToProto();
  escalation.set_norm(term.norm);
  escalation.set_rests_on_assumption(term.assumption);
  *escalation.mutable_legal_basis() = errors::QuarterlyReports();
  return cases::OpenDeadline(tx, std::move(escalation), day).status();
}

}  // namespace nisi::industry_map
