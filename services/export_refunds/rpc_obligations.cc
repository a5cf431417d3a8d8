// What a paid claim still owes: yearly reports, fulfilment, and the money for what was missed.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/cases/budget.h"
#include "common/cases/refusals.h"
#include "common/cases/repayments.h"
#include "common/norms/term.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_obligations.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using cases::Posting;

constexpr char kReturnDays[] = "obligations.return_days";

struct ReportKey {
  std::string claim;
  int32_t year;

  store::Key key() const { return store::Key::Of(claim, year); }
};

absl::StatusOr<ReportKey> ReportKeyOf(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(name, "claims/*/reports/*", 1));
  return ReportKey{name.substr(0, name.find("/reports/")), year};
}

// The kind of the deadline for the report on a year.
std::string ReportKind(int32_t year) {
  return absl::StrCat(kReportDeadline, "_", year);
}

absl::StatusOr<std::map<int32_t, Reported>> ReportsOf(const store::Reader& reader,
                                                      const std::string& claim) {
  std::map<int32_t, Reported> reports;
  RETURN_IF_ERROR(reader.Scan(
      kReports, {store::Key::Of(claim), ""}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ExportReportRow>(view));
        const v1::ExportReport& report = stored.row.report();
        reports[report.year()] = {report.volume(), report.name(), report.etag()};
        return true;
      }));
  return reports;
}

// All years are over, and each is reported on or the day for its report is over too.
absl::Status CheckDue(const store::Tx& tx, const Claim& claim,
                      const std::map<int32_t, Reported>& reports) {
  base::Date from = base::Date::Min();
  for (const cases::Obligation& obligation : claim.obligations()) {
    ASSIGN_OR_RETURN(const base::Date end, base::Date::FromProto(obligation.due_date()));
    from = std::max(from, end.AddDays(1));
  }
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, claim.name()));
  for (const cases::Deadline& deadline : open) {
    for (const cases::Obligation& obligation : claim.obligations()) {
      if (deadline.kind() != ReportKind(YearOf(obligation))) continue;
      if (reports.contains(YearOf(obligation))) continue;
      ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(deadline.due_date()));
      from = std::max(from, due.AddDays(1));
    }
  }
  return tx.today() < from ? errors::ObligationsNotDue(from) : absl::OkStatus();
}

// Money that came back: of this year's payment back out of what was paid, as far as that goes; what
// is beyond it, as interest, and of an earlier year, as recovered: it is no money that the budget
// gave. `before`: what came back before.
absl::Status PostRepayment(store::Tx& tx, const Claim& claim, Money before, Money amount,
                           const std::string& subject, v1::Demand::Repayment* repayment) {
  ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(claim.payment().pay_date()));
  ASSIGN_OR_RETURN(const Money paid, Money::FromProto(claim.payment().amount()));
  Money back;
  if (paid_on.year() == tx.today().year() && before < paid) {
    ASSIGN_OR_RETURN(const Money left, paid.Sub(before));
    back = std::min(amount, left);
  }
  if (!back.is_zero()) {
    ASSIGN_OR_RETURN(*repayment->mutable_posting(),
                     PostFor(tx, Posting::RETURN, back, claim.name(), subject));
  }
  ASSIGN_OR_RETURN(const Money surplus, amount.Sub(back));
  if (surplus.is_zero()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*repayment->mutable_surplus_posting(),
                   PostFor(tx, Posting::RECOVER, surplus, claim.name(), subject));
  return absl::OkStatus();
}

absl::StatusOr<bool> AllCameInTime(const v1::Demand& demand) {
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(demand.due_date()));
  for (const v1::Demand::Repayment& repayment : demand.repayments()) {
    if (!cases::Counts(repayment)) continue;
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(repayment.pay_date()));
    if (day > due) return false;
  }
  return true;
}

// Recovery was ended by money that has not come: it is owed again by the day it was due, and where
// that is over its debtor goes back on the list, since then.
absl::Status OweAgain(store::Tx& tx, ClaimRow* row) {
  Claim& claim = *row->mutable_claim();
  RETURN_IF_ERROR(cases::ReopenDeadline(tx, claim.name(), kRepaymentDeadline));
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(claim.demand().due_date()));
  if (tx.today() <= due) return absl::OkStatus();
  claim.mutable_demand()->set_past_due(true);
  TellPastDue(tx, due.AddDays(1), row);
  return absl::OkStatus();
}

absl::Status CloseReportDeadlines(store::Tx& tx, const Claim& claim) {
  for (const cases::Obligation& obligation : claim.obligations()) {
    RETURN_IF_ERROR(CloseDeadlines(tx, claim.name(), ReportKind(YearOf(obligation)),
                                   cases::Deadline::CANCELLED));
  }
  return absl::OkStatus();
}

// What the institute has to do within a norm's days after `since`. `day`: as with Tx::Put.
absl::Status OpenForInstitute(const Env& env, store::Tx& tx, const Claim& claim,
                              const std::string& kind, base::Date since,
                              const base::LegalBasis& basis,
                              std::optional<base::Date> day = std::nullopt) {
  const std::string norm = absl::StrCat("export_refunds.days.", kind);
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(*env.norms, norm, since));
  cases::Deadline deadline;
  deadline.set_record(claim.name());
  deadline.set_kind(kind);
  deadline.add_roles(rpc::v1::INSTITUTE_EXPORT);
  *deadline.mutable_since() = since.ToProto();
  *deadline.mutable_due_date() = term.last_day.ToProto();
  deadline.set_norm(norm);
  deadline.set_rests_on_assumption(term.assumption);
  *deadline.mutable_legal_basis() = basis;
  return cases::OpenDeadline(tx, std::move(deadline), day).status();
}

}  // namespace

absl::Status OpenReportDeadlines(const Env& env, store::Tx& tx, const Claim& claim,
                                 base::Date day) {
  base::Date last = day;
  for (const cases::Obligation& obligation : claim.obligations()) {
    const int32_t year = YearOf(obligation);
    ASSIGN_OR_RETURN(const base::Date due, ReportDueOn(*env.norms, year, day));
    ASSIGN_OR_RETURN(const norms::Norm norm, env.norms->Get("export_refunds.report_due", day));
    cases::Deadline deadline;
    deadline.set_record(claim.name());
    deadline.set_kind(ReportKind(year));
    deadline.add_roles(rpc::v1::ENTITY);
    deadline.set_bin(claim.claimant());
    *deadline.mutable_since() = day.ToProto();
    *deadline.mutable_due_date() = due.ToProto();
    deadline.set_norm(norm.key);
    deadline.set_rests_on_assumption(norm.certainty == norms::Certainty::kAssumption);
    *deadline.mutable_legal_basis() = errors::Monitoring();
    RETURN_IF_ERROR(cases::OpenDeadline(tx, std::move(deadline), day).status());
    last = std::max(last, due);
  }
  return OpenForInstitute(env, tx, claim, kAssessmentDeadline, last, errors::Monitoring(), day);
}

absl::StatusOr<v1::ExportReport> SubmitExportReport(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::SubmitExportReportRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step, BeginClaim(tx, call, ClaimVerb::kReport, request.parent(), ""));
  const Claim& claim = step.row.claim();
  const int32_t year = request.report().year();
  const auto& obligations = claim.obligations();
  if (std::none_of(obligations.begin(), obligations.end(),
                   [year](const auto& one) { return YearOf(one) == year; })) {
    return errors::ReportYearInvalid("a year of the obligations is needed");
  }
  if (year >= tx.today().year()) return errors::ReportYearInvalid("the year must be over");
  ExportReportRow row;
  row.set_claim(claim.name());
  v1::ExportReport& report = *row.mutable_report();
  report = request.report();
  report.set_name(ReportName(claim.name(), year));
  report.set_claimant(claim.claimant());
  report.set_submitted_by(step.subject);
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, claim.name()));
  for (const cases::Deadline& deadline : open) {
    if (deadline.kind() == ReportKind(year)) report.set_late(deadline.overdue());
  }
  ASSIGN_OR_RETURN(const auto before, tx.Find(kReports, store::Key::Of(claim.name(), year)));
  // A correction is not late for being one.
  if (before.has_value()) report.set_late(before->row.report().late());
  RETURN_IF_ERROR(tx.Put(kReports, &row));
  RETURN_IF_ERROR(CloseDeadlines(tx, claim.name(), ReportKind(year), cases::Deadline::DONE));
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return report;
}

absl::StatusOr<Encoded<v1::ExportReport>> GetExportReport(
    Env& env, Call& call, const v1::GetExportReportRequest& request) {
  ASSIGN_OR_RETURN(const ReportKey key, ReportKeyOf(request.name()));
  return rpc::GetRecord<v1::ExportReport>(*env.store, call, kReports, key.key(), request);
}

absl::StatusOr<Encoded<v1::ListExportReportsResponse>> ListExportReports(
    Env& env, Call& call, const v1::ListExportReportsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kReports, request, call));
  plan.prefix = store::Key::Of(request.parent());
  RETURN_IF_ERROR(rpc::CheckParent(*env.store, call, kClaims, request.parent(), plan.at));
  plan.show = rpc::ShowTo<v1::ExportReport>(call);
  return rpc::ListAs<v1::ListExportReportsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Claim> AssessObligations(Env& env, const Call& call, store::Tx& tx,
                                            const v1::AssessObligationsRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kAssess, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  ASSIGN_OR_RETURN(const auto reports, ReportsOf(tx, claim.name()));
  RETURN_IF_ERROR(CheckDue(tx, claim, reports));
  ASSIGN_OR_RETURN(const Accepted accepted,
                   AcceptedOf(request.accepted(), request.documents(), request.grounds(), reports,
                              {claim.name(), tx.etag()}));
  ASSIGN_OR_RETURN(cases::Judged judged,
                   JudgeExport(claim, reports, accepted, *env.norms, tx.today()));
  SetDecideTime(tx, &judged.decision);
  // A level a hair below the whole may leave nothing to return: a sum is rounded to whole tenge.
  const bool fulfilled = judged.decision.outcome() != "RETURN";
  *claim.mutable_assessment() = std::move(judged.decision);
  *claim.mutable_achievement() = std::move(judged.achievement);
  *claim.mutable_assessment_documents() = request.documents();
  RETURN_IF_ERROR(step.Lead(fulfilled ? Claim::CLOSED : Claim::RECOVERY));
  RETURN_IF_ERROR(CloseReportDeadlines(tx, claim));
  RETURN_IF_ERROR(CloseDeadlines(tx, claim.name(), kAssessmentDeadline, cases::Deadline::DONE));
  if (!fulfilled) {
    RETURN_IF_ERROR(
        OpenForInstitute(env, tx, claim, kDemandDeadline, tx.today(), errors::Return()));
  }
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return claim;
}

absl::StatusOr<v1::Claim> DemandReturn(Env& env, const Call& call, store::Tx& tx,
                                       const v1::DemandReturnRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kDemand, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  if (claim.has_demand()) return errors::DemandMade();
  ASSIGN_OR_RETURN(const auto reports, ReportsOf(tx, claim.name()));
  // What was accepted of them the assessment says.
  ASSIGN_OR_RETURN(cases::Judged judged,
                   JudgeExport(claim, reports, Accepted(), *env.norms, tx.today()));
  SetDecideTime(tx, &judged.decision);
  ASSIGN_OR_RETURN(const base::Percent rate, env.norms->Percent("base_rate", tx.today()));
  *claim.mutable_demand_decision() = std::move(judged.decision);
  v1::Demand& demand = *claim.mutable_demand();
  *demand.mutable_amount() = judged.demand.total();
  *demand.mutable_demand_date() = judged.demand.demand_date();
  *demand.mutable_due_date() = judged.demand.due_date();
  *demand.mutable_computation() = std::move(judged.demand);
  *demand.mutable_repaid() = Money().ToProto();
  *demand.mutable_late_interest() = Money().ToProto();
  demand.set_late_rate_bp(rate.hundredths());
  demand.set_demanded_by(step.subject);
  cases::Deadline deadline;
  deadline.set_record(claim.name());
  deadline.set_kind(kRepaymentDeadline);
  deadline.add_roles(rpc::v1::ENTITY);
  deadline.set_bin(claim.claimant());
  *deadline.mutable_since() = demand.demand_date();
  *deadline.mutable_due_date() = demand.due_date();
  deadline.set_norm(kReturnDays);
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(*env.norms, kReturnDays, tx.today()));
  deadline.set_rests_on_assumption(term.assumption);
  *deadline.mutable_legal_basis() = errors::Return();
  RETURN_IF_ERROR(cases::OpenDeadline(tx, std::move(deadline)).status());
  RETURN_IF_ERROR(CloseDeadlines(tx, claim.name(), kDemandDeadline, cases::Deadline::DONE));
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return claim;
}

absl::StatusOr<v1::Claim> ExcuseFailure(Env& env, const Call& call, store::Tx& tx,
                                        const v1::ExcuseFailureRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kExcuse, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  ASSIGN_OR_RETURN(Decision excuse,
                   Excuse(request.beyond_control(), request.documents(), request.reason(),
                          {claim.name(), tx.etag()}, *env.norms));
  if (excuse.outcome() != "EXCUSED") return cases::ExcuseNotSupported(errors::BeyondControl());
  SetDecideTime(tx, &excuse);
  *claim.mutable_excuse() = std::move(excuse);
  *claim.mutable_excuse_documents() = request.documents();
  TellSettled(tx, "Excused (Art. 28(4)).", /*in_time=*/false, &step.row);
  for (const char* kind : {kRepaymentDeadline, kDemandDeadline}) {
    RETURN_IF_ERROR(CloseDeadlines(tx, claim.name(), kind, cases::Deadline::CANCELLED));
  }
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return claim;
}

absl::StatusOr<v1::Claim> RecordRepayment(Env& env, const Call& call, store::Tx& tx,
                                          const v1::RecordRepaymentRequest& request) {
  ASSIGN_OR_RETURN(const Money amount, Money::FromProto(request.amount()));
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.pay_date()));
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kRepay, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  if (!claim.has_demand()) return errors::DemandMissing();
  v1::Demand& demand = *claim.mutable_demand();
  ASSIGN_OR_RETURN(const Money before, Money::FromProto(demand.repaid()));
  ASSIGN_OR_RETURN(
      const v1::Demand::Repayment taken,
      Repay({amount, day, request.order_number(), request.another_payment()}, tx.today(), &demand));
  ASSIGN_OR_RETURN(const Money counts, Money::FromProto(taken.amount()));
  v1::Demand::Repayment* repayment = RepaymentBy(request.order_number(), day, &demand);
  repayment->set_recorded_by(step.subject);
  RETURN_IF_ERROR(PostRepayment(tx, claim, before, counts, step.subject, repayment));
  ASSIGN_OR_RETURN(const bool all, IsRepaid(demand));
  RETURN_IF_ERROR(step.Lead(all ? Claim::RECOVERED : Claim::RECOVERY));
  if (all) {
    RETURN_IF_ERROR(CloseDeadlines(tx, claim.name(), kRepaymentDeadline, cases::Deadline::DONE));
    ASSIGN_OR_RETURN(const bool in_time, AllCameInTime(demand));
    TellSettled(tx, "Repaid.", in_time, &step.row);
  }
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  return claim;
}

absl::StatusOr<v1::Claim> ReverseRepayment(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ReverseRepaymentRequest& request) {
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.pay_date()));
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kReverse, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  v1::Demand::Repayment* repayment =
      RepaymentBy(request.order_number(), day, claim.mutable_demand());
  if (repayment == nullptr) return cases::RepaymentUnknown("order_number", errors::Return());
  for (const std::string& posting : {repayment->posting(), repayment->surplus_posting()}) {
    if (posting.empty()) continue;
    RETURN_IF_ERROR(FreeToUndo(env, tx, posting));
    ASSIGN_OR_RETURN(const Posting undone, cases::Reverse(tx, posting, request.reason(),
                                                          step.subject, errors::Account()));
    repayment->add_reversal_postings(undone.name());
  }
  repayment->set_reversed_by(step.subject);
  repayment->set_reversal_reason(request.reason());
  RETURN_IF_ERROR(ChargeAnew(claim.mutable_demand()));
  if (claim.state() == Claim::RECOVERED) RETURN_IF_ERROR(OweAgain(tx, &step.row));
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  return claim;
}

}  // namespace nisi::export_refunds
