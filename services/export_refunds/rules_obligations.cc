#include "services/export_refunds/rules_obligations.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/hash.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
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
constexpr char kEvidenceDocuments[] = "evidence.documents";
constexpr char kEvidenceGrounds[] = "evidence.grounds";
constexpr char kReportedPrefix[] = "reported.";  // and the number of the obligation

// What was reported of an obligation that is accepted in part, and what is accepted.
std::string ReportedName(int number) {
  return absl::StrCat(kReportedPrefix, number);
}
std::string AcceptedName(absl::string_view number) {
  return absl::StrCat("obligation.", number, ".fact");
}

std::string HashesOf(const Documents& documents) {
  std::vector<std::string> hashes;
  for (const auto& document : documents) hashes.push_back(base::HexEncode(document.sha256()));
  return absl::StrJoin(hashes, ",");
}

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

absl::StatusOr<base::Quantity> VolumeIn(const Facts& facts, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
  auto volume = base::Quantity::Parse(text);
  if (!volume.ok()) return base::StoreCorrupt("fact of a volume");
  return volume;
}

// Less than was reported is accepted by something, so that whoever owes for it can follow.
absl::StatusOr<cases::Judged> JudgeAccepted(const Facts& facts) {
  ASSIGN_OR_RETURN(cases::Judged judged, cases::JudgeReturn(facts));
  const std::vector<std::string> reported = facts.NamesUnder(kReportedPrefix);
  // Every figure is as reported; as all were before less could be accepted.
  if (reported.empty()) return judged;
  bool within = true;
  std::vector<std::string> names;
  for (const std::string& name : reported) {
    names.push_back(name);
    names.push_back(AcceptedName(absl::StripPrefix(name, kReportedPrefix)));
    ASSIGN_OR_RETURN(const base::Quantity most, VolumeIn(facts, name));
    ASSIGN_OR_RETURN(const base::Quantity accepted, VolumeIn(facts, names.back()));
    within = within && accepted <= most;
  }
  cases::AddFinding(&judged.decision, "WITHIN_REPORTED", within, errors::Monitoring(), facts,
                    names);
  ASSIGN_OR_RETURN(const std::string documents, facts.Text(kEvidenceDocuments));
  ASSIGN_OR_RETURN(const std::string grounds, facts.Text(kEvidenceGrounds));
  cases::AddFinding(&judged.decision, "EVIDENCE_NAMED", !documents.empty() || !grounds.empty(),
                    errors::Monitoring(), facts, {kEvidenceDocuments, kEvidenceGrounds});
  return judged;
}

absl::StatusOr<Decision> DecideAssessment(const Facts& facts) {
  ASSIGN_OR_RETURN(cases::Judged judged, JudgeAccepted(facts));
  return std::move(judged.decision);
}

// What its assessment has accepted of an assessed claim, and by which tolerance.
absl::Status TakeAssessed(const Decision& assessment, Facts* facts) {
  const Facts assessed = Facts::Of(assessment);
  RETURN_IF_ERROR(facts->Take(assessed, kTolerance));
  const std::vector<std::string> reported = assessed.NamesUnder(kReportedPrefix);
  for (const std::string& name : reported) {
    RETURN_IF_ERROR(facts->Take(assessed, name));
    RETURN_IF_ERROR(facts->Take(assessed, AcceptedName(absl::StripPrefix(name, kReportedPrefix))));
  }
  if (reported.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(facts->Take(assessed, kEvidenceDocuments));
  return facts->Take(assessed, kEvidenceGrounds);
}

void SetAccepted(const Accepted& accepted, const Claim& claim,
                 const std::map<int32_t, Reported>& reports, Facts* facts) {
  if (accepted.less.empty()) return;
  const Origin& origin = accepted.origin;
  for (int i = 0; i < claim.obligations_size(); ++i) {
    const auto less = accepted.less.find(YearOf(claim.obligations(i)));
    const auto report = reports.find(YearOf(claim.obligations(i)));
    if (less == accepted.less.end() || report == reports.end()) continue;
    facts->Set(ReportedName(i + 1), report->second.volume, report->second.record,
               report->second.etag);
    cases::SetOutcome(i + 1, less->second, origin.name, origin.etag, facts);
  }
  facts->Set(kEvidenceDocuments, HashesOf(accepted.documents), origin.name, origin.etag);
  facts->Set(kEvidenceGrounds, accepted.grounds, origin.name, origin.etag);
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

absl::StatusOr<Accepted> AcceptedOf(const Volumes& told, const Documents& documents,
                                    const std::string& grounds,
                                    const std::map<int32_t, Reported>& reports,
                                    const Origin& origin) {
  Accepted accepted{{}, documents, grounds, origin};
  std::set<int32_t> years;
  for (int i = 0; i < told.size(); ++i) {
    const std::string field = absl::StrCat("accepted[", i, "]");
    if (!years.insert(told[i].year()).second) {
      return base::InvalidField(absl::StrCat(field, ".year"), "is named before");
    }
    const auto report = reports.find(told[i].year());
    if (report == reports.end()) return errors::FigureNotReported(absl::StrCat(field, ".year"));
    const auto volume = base::Quantity::Parse(told[i].volume());
    const auto most = base::Quantity::Parse(report->second.volume);
    if (!most.ok()) return base::StoreCorrupt("volume of a report");
    if (!volume.ok() || *volume > *most) {
      return errors::FigureOverReported(absl::StrCat(field, ".volume"), report->second.volume);
    }
    if (*volume < *most) accepted.less[told[i].year()] = told[i].volume();
  }
  const bool grounded = !documents.empty() || !grounds.empty();
  if (!accepted.less.empty() && !grounded) return errors::EvidenceMissing();
  if (accepted.less.empty() && grounded) {
    return base::InvalidField(documents.empty() ? "grounds" : "documents",
                              "belong to a figure below the reported one");
  }
  return accepted;
}

absl::StatusOr<cases::Judged> JudgeExport(const Claim& claim,
                                          const std::map<int32_t, Reported>& reports,
                                          const Accepted& accepted, const norms::Norms& norms,
                                          base::Date day) {
  Facts facts;
  cases::SetObligations(claim.obligations(), claim.name(), claim.etag(), &facts);
  for (int i = 0; i < claim.obligations_size(); ++i) {
    const auto report = reports.find(YearOf(claim.obligations(i)));
    if (report == reports.end()) continue;
    cases::SetOutcome(i + 1, report->second.volume, report->second.record, report->second.etag,
                      &facts);
  }
  SetAccepted(accepted, claim, reports, &facts);
  ASSIGN_OR_RETURN(const Money paid, Money::FromProto(claim.payment().amount()));
  ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(claim.payment().pay_date()));
  cases::SetPayment(1, paid, paid_on, claim.name(), claim.etag(), &facts);
  if (claim.has_assessment()) RETURN_IF_ERROR(TakeAssessed(claim.assessment(), &facts));
  RETURN_IF_ERROR(cases::SetReturnNorms(norms, day, &facts));
  ASSIGN_OR_RETURN(cases::Judged judged, JudgeAccepted(facts));
  judged.decision.set_norms_edition(norms.edition());
  return judged;
}

absl::StatusOr<Decision> ReplayAssessment(const Decision& stored) {
  return cases::Replay(stored, DecideAssessment);
}

absl::StatusOr<Decision> Excuse(bool beyond_control, const Documents& documents,
                                const std::string& reason, const Origin& origin,
                                const norms::Norms& norms) {
  Facts facts;
  facts.Set(kExcuseReason, reason, origin.name, origin.etag);
  facts.Set(kBeyondControl, beyond_control ? "1" : "0", origin.name, origin.etag);
  facts.Set(kExcuseDocuments, HashesOf(documents), origin.name, origin.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideExcuse(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
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
  if (known == cases::Known::kSame) return cases::RepaymentRecorded(errors::Return());
  if (known == cases::Known::kAlike && !came.another)
    return cases::RepaymentAlike(errors::Return());
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
