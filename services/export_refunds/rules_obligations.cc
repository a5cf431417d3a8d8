#include "services/export_refunds/rules_obligations.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/cases/findings.h"
#include "common/cases/repayments.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using cases::Facts;

constexpr char kExcuseReason[] = "reason_accepted";
constexpr char kBeyondControl[] = "beyond_control";
constexpr char kExcuseDocuments[] = "documents";
constexpr char kReportDue[] = "export_refunds.report_due";
constexpr char kTolerance[] = "obligations.tolerance";

absl::StatusOr<Decision> DecideExcuse(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string reason, facts.Text(kExcuseReason));
  // Of those that were stored before documents were asked for the reason is all.
  if (!facts.Has(kBeyondControl)) {
    cases::AddFinding(&decision, "BEYOND_CONTROL", !reason.empty(), errors::BeyondControl(), facts,
                      {kExcuseReason});
    decision.set_outcome("EXCUSED");
    return decision;
  }
  ASSIGN_OR_RETURN(const int64_t beyond, facts.Number(kBeyondControl));
  cases::AddFinding(&decision, "BEYOND_CONTROL", beyond == 1, errors::BeyondControl(), facts,
                    {kBeyondControl, kExcuseReason});
  ASSIGN_OR_RETURN(const std::string documents, facts.Text(kExcuseDocuments));
  cases::AddFinding(&decision, "DOCUMENTED", !documents.empty(), errors::BeyondControl(), facts,
                    {kExcuseDocuments});
  decision.set_outcome(cases::AllSatisfied(decision) ? "EXCUSED" : "NOT_EXCUSED");
  return decision;
}

absl::StatusOr<Decision> DecideAssessment(const Facts& facts) {
  ASSIGN_OR_RETURN(cases::Judged judged, cases::JudgeReturn(facts));
  return std::move(judged.decision);
}

absl::StatusOr<cases::Demanded> DemandedBy(const v1::Demand& demand) {
  cases::Demanded demanded;
  ASSIGN_OR_RETURN(demanded.total, Money::FromProto(demand.amount()));
  ASSIGN_OR_RETURN(demanded.rate, base::Percent::FromHundredths(demand.late_rate_bp()));
  ASSIGN_OR_RETURN(demanded.due, base::Date::FromProto(demand.due_date()));
  return demanded;
}

const std::string& OrderOf(const v1::Demand::Repayment& repayment) {
  return repayment.order_number();
}

void SetBalance(const cases::Balance& balance, v1::Demand* demand) {
  *demand->mutable_late_interest() = balance.late.ToProto();
  *demand->mutable_repaid() = balance.repaid.ToProto();
}

}  // namespace

absl::Status SetObligations(Claim* claim) {
  claim->clear_obligations();
  for (int i = 1; i < claim->export_volumes_size(); ++i) {
    const v1::ExportVolume& planned = claim->export_volumes(i);
    cases::Obligation* obligation = claim->add_obligations();
    obligation->set_area(cases::Obligation::EXPORT);
    obligation->set_indicator(absl::StrCat("export of ", planned.year()));
    obligation->set_unit("thousand US dollars");
    obligation->set_baseline(claim->export_volumes(0).volume());
    obligation->set_target(planned.volume());
    ASSIGN_OR_RETURN(const base::Date end, base::Date::Of(planned.year(), 12, 31));
    *obligation->mutable_due_date() = end.ToProto();
  }
  return cases::CheckObligations(claim->obligations(), "export_volumes");
}

int32_t YearOf(const cases::Obligation& obligation) {
  return obligation.due_date().year();
}

absl::StatusOr<base::Date> ReportDueOn(const norms::Norms& norms, int32_t year, base::Date since) {
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(kReportDue, since));
  const int64_t month_day = norm.millionths / norms::Norm::kOne;
  const int32_t next = std::max(year + 1, since.year());
  ASSIGN_OR_RETURN(const base::Date due, base::Date::Of(next, month_day / 100, month_day % 100));
  if (due > since) return due;
  return base::Date::Of(next + 1, month_day / 100, month_day % 100);
}

absl::StatusOr<cases::Judged> JudgeExport(const Claim& claim,
                                          const std::map<int32_t, Reported>& reports,
                                          const norms::Norms& norms, base::Date day) {
  Facts facts;
  cases::SetObligations(claim.obligations(), claim.name(), claim.etag(), &facts);
  for (int i = 0; i < claim.obligations_size(); ++i) {
    const auto report = reports.find(YearOf(claim.obligations(i)));
    if (report == reports.end()) continue;
    cases::SetOutcome(i + 1, report->second.volume, report->second.record, report->second.etag,
                      &facts);
  }
  ASSIGN_OR_RETURN(const Money paid, Money::FromProto(claim.payment().amount()));
  ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(claim.payment().pay_date()));
  cases::SetPayment(1, paid, paid_on, claim.name(), claim.etag(), &facts);
  RETURN_IF_ERROR(cases::SetReturnNorms(norms, day, &facts));
  if (claim.has_assessment()) {
    const Facts assessed = Facts::Of(claim.assessment());
    ASSIGN_OR_RETURN(const std::string tolerance, assessed.Text(kTolerance));
    const auto& stored = assessed.Get(kTolerance);
    facts.Set(kTolerance, tolerance, stored.source(), stored.version());
  }
  ASSIGN_OR_RETURN(cases::Judged judged, cases::JudgeReturn(facts));
  judged.decision.set_norms_edition(norms.edition());
  return judged;
}

absl::StatusOr<Decision> ReplayAssessment(const Decision& stored) {
  return cases::Replay(stored, DecideAssessment);
}

absl::StatusOr<Decision> Excuse(bool beyond_control, const Documents& documents,
                                const std::string& reason, const Origin& origin) {
  Facts facts;
  facts.Set(kExcuseReason, reason, origin.name, origin.etag);
  facts.Set(kBeyondControl, beyond_control ? "1" : "0", origin.name, origin.etag);
  std::vector<std::string> hashes;
  for (const auto& document : documents) hashes.push_back(base::HexEncode(document.sha256()));
  facts.Set(kExcuseDocuments, absl::StrJoin(hashes, ","), origin.name, origin.etag);
  return DecideExcuse(facts);
}

absl::StatusOr<Decision> ReplayExcuse(const Decision& stored) {
  return cases::Replay(stored, DecideExcuse);
}

v1::Demand::Repayment* RepaymentBy(const std::string& order, base::Date day, v1::Demand* demand) {
  return cases::RepaymentBy(order, day, OrderOf, demand->mutable_repayments());
}

absl::StatusOr<v1::Demand::Repayment> Repay(const Came& came, base::Date today,
                                            v1::Demand* demand) {
  if (came.amount.is_zero()) return base::InvalidField("amount", "must be more than 0");
  ASSIGN_OR_RETURN(const cases::Known known,
                   cases::KnownPayment(came.order, came.day, came.amount, OrderOf,
                                       demand->mutable_repayments()));
  if (known == cases::Known::kSame) return errors::RepaymentRecorded();
  if (known == cases::Known::kAlike && !came.another) return errors::RepaymentAlike();
  ASSIGN_OR_RETURN(const base::Date made, base::Date::FromProto(demand->demand_date()));
  if (came.day < made || came.day > today) return errors::RepaymentDateInvalid();
  v1::Demand::Repayment repayment;
  *repayment.mutable_amount() = came.amount.ToProto();
  *repayment.mutable_pay_date() = came.day.ToProto();
  repayment.set_order_number(came.order);
  ASSIGN_OR_RETURN(const cases::Demanded demanded, DemandedBy(*demand));
  Money most;
  ASSIGN_OR_RETURN(const auto balance,
                   cases::TakeRepayment(demanded, demand->mutable_repayments(), &repayment, &most));
  if (!balance.has_value()) return errors::RepaymentOverDue(most.ToString());
  SetBalance(*balance, demand);
  return repayment;
}

absl::Status ChargeAnew(v1::Demand* demand) {
  ASSIGN_OR_RETURN(const cases::Demanded demanded, DemandedBy(*demand));
  ASSIGN_OR_RETURN(const cases::Balance balance,
                   cases::ChargeLate(demanded, demand->mutable_repayments()));
  SetBalance(balance, demand);
  return absl::OkStatus();
}

absl::StatusOr<bool> IsRepaid(const v1::Demand& demand) {
  ASSIGN_OR_RETURN(const Money demanded, Money::FromProto(demand.amount()));
  ASSIGN_OR_RETURN(const Money late, Money::FromProto(demand.late_interest()));
  ASSIGN_OR_RETURN(const Money repaid, Money::FromProto(demand.repaid()));
  ASSIGN_OR_RETURN(const Money all, demanded.Add(late));
  return repaid >= all;
}

}  // namespace nisi::export_refunds
