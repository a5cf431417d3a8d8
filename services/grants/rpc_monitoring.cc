// Half-yearly reports, and the judgment of counter-obligations at their end.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using cases::Deadline;
using v1::MonitoringReport;

// Owed by the recipient: the report on a half-year, after its end.
absl::Status OpenReport(const Env& env, store::Tx& tx, const Agreement& agreement,
                        const HalfYear& half, std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(agreement.obligations_until()));
  if (half.first_day() > until) return absl::OkStatus();
  return OpenTerm(env, tx,
                  {agreement.name(), kReportDeadline, "grants.report_days", half.last_day(),
                   rpc::v1::ENTITY, agreement.recipient(), errors::Monitoring()},
                  day);
}

absl::StatusOr<HalfYear> HalfOf(const Deadline& deadline) {
  ASSIGN_OR_RETURN(const base::Date since, base::Date::FromProto(deadline.since()));
  return HalfYear::Containing(since);
}

// The report of this half-year is here. What is owed next opens, unless it did when this one
// became overdue. Whether it came late.
absl::StatusOr<bool> MeetReport(const Env& env, store::Tx& tx, const Agreement& agreement,
                                const HalfYear& half) {
  ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, agreement.name()));
  for (const Deadline& deadline : open) {
    if (deadline.kind() != kReportDeadline) continue;
    ASSIGN_OR_RETURN(const HalfYear owed, HalfOf(deadline));
    if (owed != half) continue;
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), Deadline::DONE));
    if (!deadline.overdue()) {
      RETURN_IF_ERROR(OpenReport(env, tx, agreement, half.Next(), std::nullopt));
    }
    ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(deadline.due_date()));
    return tx.today() > due;
  }
  return false;
}

absl::Status CheckReport(const Agreement& agreement, const MonitoringReport& report,
                         base::Date first_paid, base::Date today) {
  const HalfYear half{report.year(), report.half()};
  if (half.last_day() >= today || half.last_day() < first_paid) return errors::ReportPeriodOpen();
  for (int i = 0; i < report.reached_size(); ++i) {
    const auto& obligations = agreement.obligations();
    const bool known =
        std::any_of(obligations.begin(), obligations.end(), [&](const cases::Obligation& one) {
          return one.indicator() == report.reached(i).indicator();
        });
    if (!known) return errors::IndicatorUnknown(absl::StrCat("report.reached[", i, "].indicator"));
  }
  return absl::OkStatus();
}

// "agreements/a/reports/2027h1"; nothing for another name.
struct ReportKey {
  std::string agreement;
  HalfYear half;

  store::Key key() const { return store::Key::Of(agreement, half.year, half.half); }
};
std::optional<ReportKey> ReportKeyOf(const std::string& name) {
  const size_t at = name.find("/reports/");
  const std::string half = name.substr(at + 9);  // "2027h1"
  ReportKey key{name.substr(0, at), {}};
  const bool reads = half.size() == 6 && half[4] == 'h' &&
                     absl::SimpleAtoi(half.substr(0, 4), &key.half.year) &&
                     absl::SimpleAtoi(half.substr(5), &key.half.half);
  if (!reads) return std::nullopt;
  return key;
}

// The reports that an assessment names and what it gives besides.
absl::StatusOr<Evidence> EvidenceOf(const store::Reader& reader, const Agreement& agreement,
                                    const v1::AssessObligationsRequest& request) {
  Evidence evidence;
  for (int i = 0; i < request.reports_size(); ++i) {
    const auto key = ReportKeyOf(request.reports(i));
    if (!key.has_value() || key->agreement != agreement.name()) {
      return errors::ReportUnknown(absl::StrCat("reports[", i, "]"));
    }
    ASSIGN_OR_RETURN(auto found, reader.Find(kReports, key->key()));
    if (!found.has_value()) return errors::ReportUnknown(absl::StrCat("reports[", i, "]"));
    evidence.reports.push_back(std::move(*found->row.mutable_report()));
  }
  std::sort(evidence.reports.begin(), evidence.reports.end(),
            [](const MonitoringReport& one, const MonitoringReport& other) {
              return std::pair(one.year(), one.half()) < std::pair(other.year(), other.half());
            });
  evidence.documents = request.documents();
  return evidence;
}

}  // namespace

absl::Status OpenMonitoring(const Env& env, store::Tx& tx, const Agreement& agreement) {
  RETURN_IF_ERROR(OpenReport(env, tx, agreement, HalfYear::Containing(tx.today()), std::nullopt));
  return OpenAssessmentTerm(env, tx, agreement);
}

absl::Status CloseMonitoring(store::Tx& tx, const std::string& agreement) {
  ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, agreement));
  for (const Deadline& deadline : open) {
    const bool done = deadline.kind() == kAssessmentDeadline;
    RETURN_IF_ERROR(
        cases::CloseDeadline(tx, deadline.name(), done ? Deadline::DONE : Deadline::CANCELLED));
  }
  return absl::OkStatus();
}

absl::Status ReportOverdue(const Env& env, store::Tx& tx, const Deadline& deadline,
                           base::Date day) {
  ASSIGN_OR_RETURN(const AgreementRow row,
                   Need(tx, kAgreements, store::Key::Of(deadline.record())));
  ASSIGN_OR_RETURN(const HalfYear half, HalfOf(deadline));
  return OpenReport(env, tx, row.agreement(), half.Next(), day);
}

absl::StatusOr<v1::MonitoringReport> SubmitMonitoringReport(
    Env& env, const Call& call, store::Tx& tx, const v1::SubmitMonitoringReportRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step,
                   BeginAgreement(tx, call, ApplicationVerb::kReport, request.parent(), ""));
  const Agreement& agreement = step.agreement();
  ASSIGN_OR_RETURN(const std::vector<v1::Payment> payments, PaymentsOf(tx, agreement.name()));
  if (payments.empty()) return base::StoreCorrupt("payments");
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(payments.front().pay_date()));
  RETURN_IF_ERROR(CheckReport(agreement, request.report(), first, tx.today()));
  const HalfYear half{request.report().year(), request.report().half()};
  const store::Key key = store::Key::Of(agreement.name(), half.year, half.half);
  ASSIGN_OR_RETURN(const auto known, tx.Find(kReports, key));
  MonitoringReportRow row;
  row.set_agreement(agreement.name());
  MonitoringReport& report = *row.mutable_report();
  report = request.report();
  report.set_name(ReportName(agreement.name(), half));
  report.set_recipient(agreement.recipient());
  report.set_submitted_by(step.of.subject);
  if (known.has_value()) {
    report.set_late(known->row.report().late());
  } else {
    ASSIGN_OR_RETURN(const bool late, MeetReport(env, tx, agreement, half));
    report.set_late(late);
  }
  RETURN_IF_ERROR(tx.Put(kReports, &row));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step.of));
  return report;
}

absl::StatusOr<Encoded<v1::MonitoringReport>> GetMonitoringReport(
    Env& env, Call& call, const v1::GetMonitoringReportRequest& request) {
  const auto key = ReportKeyOf(request.name());
  if (!key.has_value()) return rpc::Missing(call, kReports.name, request.name());
  return GetShown<MonitoringReport>(env, call, kReports, key->key(), request);
}

absl::StatusOr<Encoded<v1::ListMonitoringReportsResponse>> ListMonitoringReports(
    Env& env, Call& call, const v1::ListMonitoringReportsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kReports, request, call));
  plan.prefix = store::Key::Of(request.parent());
  RETURN_IF_ERROR(rpc::CheckParent(*env.store, call, kAgreements, request.parent(), plan.at));
  plan.show = rpc::ShowTo<MonitoringReport>(call);
  return rpc::ListAs<v1::ListMonitoringReportsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Agreement> AssessObligations(Env& env, const Call& call, store::Tx& tx,
                                                const v1::AssessObligationsRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kAssess,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(agreement.obligations_until()));
  if (tx.today() <= until) return errors::ObligationsRunning(until);
  ASSIGN_OR_RETURN(const std::vector<v1::Payment> payments, PaymentsOf(tx, agreement.name()));
  ASSIGN_OR_RETURN(const Evidence evidence, EvidenceOf(tx, agreement, request));
  ASSIGN_OR_RETURN(
      cases::Judged judged,
      JudgeObligations(agreement.obligations(), {request.facts().begin(), request.facts().end()},
                       evidence, payments, *env.norms, tx.today(), {agreement.name(), tx.etag()}));
  SetDecideTime(tx, &judged.decision);
  *agreement.mutable_assessment() = std::move(judged.decision);
  *agreement.mutable_achievement() = std::move(judged.achievement);
  for (const MonitoringReport& report : evidence.reports) {
    agreement.add_assessment_reports(report.name());
  }
  *agreement.mutable_assessment_documents() = evidence.documents;
  // Missed by so little that what is to be returned rounds to nothing: it is over as well.
  const bool over = agreement.assessment().outcome() != "RETURN";
  RETURN_IF_ERROR(CloseMonitoring(tx, agreement.name()));
  RETURN_IF_ERROR(step.of.Lead(over ? Application::CLOSED : Application::RECOVERY));
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

}  // namespace nisi::grants
