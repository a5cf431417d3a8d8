#include "services/export_refunds/rules_claim.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rules_expense.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;
using v1::PartReview;

// Of the calculation.
constexpr char kLines[] = "sum_of_lines";
constexpr char kExpenseCount[] = "expense_count";
constexpr char kTaxes[] = "taxes_paid";
constexpr char kMci[] = "mci";
constexpr char kCapMci[] = "export_refunds.cap_mci";
constexpr char kSigned[] = "sign_date";

// Of decisions.
constexpr char kFirstCheck[] = "gate_before_consideration";
constexpr char kSecondCheck[] = "gate_before_payment";
constexpr char kPastDue[] = "demand_past_due";
constexpr char kCalculated[] = "calculated";
constexpr char kAgreementLate[] = "agreement_late";
constexpr char kAmount[] = "amount";
constexpr char kReadyBefore[] = "ready_before";
constexpr char kPayDay[] = "day";
constexpr char kNotChecked[] = "NOT_CHECKED";
constexpr char kNotOfClaim[] = "NOT_OF_CLAIM";

constexpr std::pair<v1::Part, const char*> kParts[] = {
    {v1::FINANCE, "part_finance"}, {v1::LEGAL, "part_legal"}, {v1::DIGITAL, "part_digital"}};

absl::StatusOr<Decision> Under(const norms::Norms& norms, absl::StatusOr<Decision> decision) {
  if (decision.ok()) decision->set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> DecideSum(const Facts& facts) {
  Decision decision;
  for (const char* told : {kExpenseCount, kSigned}) RETURN_IF_ERROR(facts.Text(told).status());
  ASSIGN_OR_RETURN(const Money lines, facts.Money(kLines));
  ASSIGN_OR_RETURN(const Money taxes, facts.Money(kTaxes));
  ASSIGN_OR_RETURN(const Money mci, facts.Money(kMci));
  ASSIGN_OR_RETURN(const int64_t times, facts.Number(kCapMci));
  // An index of at most 10^12 tenge by 10^9 of them does not fit; no real one comes near.
  const auto cap = times == 0 || mci.tiyn() <= Money::kMaxTiyn / times
                       ? Money::FromTiyn(mci.tiyn() * times)
                       : Money::FromTiyn(Money::kMaxTiyn);
  if (!cap.ok()) return base::StoreCorrupt("fact of a cap");
  AddFinding(&decision, "WITHIN_TAXES_PAID", lines <= taxes, errors::Rules(), facts,
             {kLines, kExpenseCount, kTaxes});
  AddFinding(&decision, "WITHIN_CAP", lines <= *cap, errors::Rules(), facts,
             {kLines, kMci, kCapMci, kSigned});
  const Money least = std::min({lines, taxes, *cap});
  ASSIGN_OR_RETURN(const Money whole, Money::FromTenge(least.units()));
  decision.set_outcome(whole.ToString());
  return decision;
}

absl::Status FindNothingOwed(const Facts& facts, Decision* decision) {
  ASSIGN_OR_RETURN(const std::string owed, facts.Text(kPastDue));
  AddFinding(decision, "NO_DEMAND_PAST_DUE", owed == "0", errors::Return(), facts, {kPastDue});
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideAdmission(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(cases::FindPassed(facts, kFirstCheck, errors::RecipientGate(), &decision));
  RETURN_IF_ERROR(FindNothingOwed(facts, &decision));
  decision.set_outcome(cases::AllSatisfied(decision) ? "ADMITTED" : "REJECTED");
  return decision;
}

absl::StatusOr<Decision> DecideJudgement(const Facts& facts) {
  Decision decision;
  bool accepted = true;
  for (const auto& [part, name] : kParts) {
    ASSIGN_OR_RETURN(const std::string verdict, facts.Text(name));
    accepted = accepted && (verdict == "ACCEPTED" || verdict == kNotOfClaim);
  }
  AddFinding(&decision, "PARTS_ACCEPTED", accepted, errors::Operator(), facts,
             {"part_finance", "part_legal", "part_digital"});
  ASSIGN_OR_RETURN(const Money calculated, facts.Money(kCalculated));
  AddFinding(&decision, "SUM_ABOVE_ZERO", !calculated.is_zero(), errors::Rules(), facts,
             {kCalculated});
  RETURN_IF_ERROR(FindNothingOwed(facts, &decision));
  ASSIGN_OR_RETURN(const std::string second, facts.Text(kSecondCheck));
  AddFinding(&decision, "GATE_NOT_FAILED", second != "FAILED", errors::RecipientGate(), facts,
             {kSecondCheck});
  ASSIGN_OR_RETURN(const std::string late, facts.Text(kAgreementLate));
  AddFinding(&decision, "AGREEMENT_IN_TIME", late == "0", errors::Agreement(), facts,
             {kAgreementLate});
  decision.set_outcome(cases::AllSatisfied(decision) ? "ACCEPTED" : "REJECTED");
  return decision;
}

absl::StatusOr<Decision> DecideGate(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(cases::FindPassed(facts, kSecondCheck, errors::RecipientGate(), &decision));
  decision.set_outcome(cases::AllSatisfied(decision) ? "PASSED" : "FAILED");
  return decision;
}

absl::StatusOr<Decision> DecidePayment(const Facts& facts) {
  Decision decision;
  for (const char* told : {kAmount, kPayDay}) RETURN_IF_ERROR(facts.Text(told).status());
  RETURN_IF_ERROR(cases::FindPassed(facts, kSecondCheck, errors::RecipientGate(), &decision));
  ASSIGN_OR_RETURN(const int64_t earlier, facts.Number(kReadyBefore));
  AddFinding(&decision, "FIRST_IN_QUEUE", earlier == 0, errors::Account(), facts,
             {kReadyBefore, kAmount, kPayDay});
  RETURN_IF_ERROR(FindNothingOwed(facts, &decision));
  decision.set_outcome(cases::AllSatisfied(decision) ? "PAID" : "REFUSED");
  return decision;
}

void SetOwing(const std::optional<Origin>& owing, const std::string& register_version,
              Facts* facts) {
  if (owing.has_value()) {
    facts->Set(kPastDue, "1", owing->name, owing->etag);
  } else {
    facts->Set(kPastDue, "0", "demands of the register", register_version);
  }
}

bool HasVerdict(const Claim& claim, PartReview::Verdict verdict) {
  return std::any_of(claim.parts().begin(), claim.parts().end(),
                     [verdict](const PartReview& part) { return part.verdict() == verdict; });
}

bool IsSatisfied(const Decision& decision, absl::string_view rule) {
  return std::all_of(
      decision.findings().begin(), decision.findings().end(),
      [rule](const auto& finding) { return finding.rule() != rule || finding.satisfied(); });
}

}  // namespace

absl::Status CheckSignable(const Claim& claim, int32_t expense_count, base::Date sign_date) {
  if (expense_count == 0) return errors::ClaimIncomplete("expenses");
  if (!claim.has_taxes_paid()) return errors::ClaimIncomplete("taxes_paid");
  const int32_t first = sign_date.year() - 1;
  if (claim.export_volumes_size() != 4) return errors::ExportVolumesInvalid(first);
  int64_t last = 0;  // actual export
  for (int i = 0; i < 4; ++i) {
    const v1::ExportVolume& told = claim.export_volumes(i);
    if (told.year() != first + i) return errors::ExportVolumesInvalid(first);
    const auto volume = base::Quantity::Parse(told.volume());
    if (!volume.ok()) return errors::ExportVolumesInvalid(first);
    if (i == 0) last = volume->thousandths();
    // What is planned is a target: above nothing, and not below what it is to increase.
    if (i > 0 && (volume->thousandths() == 0 || volume->thousandths() < last)) {
      return errors::ExportVolumesInvalid(first);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRates(const std::vector<const v1::Expense*>& expenses) {
  struct Quoted {
    int64_t thousandths, units;
  };
  std::map<std::pair<std::string, std::string>, Quoted> quoted;  // by currency and day
  for (const v1::Expense* expense : expenses) {
    if (expense->exchange_rate().empty()) continue;
    const auto rate = base::Quantity::Parse(expense->exchange_rate());
    if (!rate.ok()) return errors::RatesDiffer(expense->name());
    const Quoted own{rate->thousandths(), std::max(expense->exchange_units(), 1)};
    const auto [other, first] = quoted.emplace(
        std::pair(expense->currency(), expense->payment_date().SerializeAsString()), own);
    // By the same units, or so that both come to the same.
    if (!first && absl::int128(other->second.thousandths) * own.units !=
                      absl::int128(own.thousandths) * other->second.units) {
      return errors::RatesDiffer(expense->name());
    }
  }
  return absl::OkStatus();
}

void OpenParts(bool has_delivery, Claim* claim) {
  claim->clear_parts();
  for (const auto& [part, name] : kParts) {
    if (part == v1::DIGITAL && !has_delivery) continue;
    PartReview* review = claim->add_parts();
    review->set_part(part);
    review->set_verdict(PartReview::PENDING);
  }
}

absl::StatusOr<Decision> Calculate(const Limits& limits, const norms::Norms& norms) {
  Facts facts;
  facts.Set(kLines, limits.lines.ToString(), "lines of the expenses", limits.etag);
  facts.Set(kExpenseCount, absl::StrCat(limits.expense_count), limits.claim, limits.etag);
  facts.Set(kTaxes, limits.taxes_paid.ToString(), limits.claim, limits.etag);
  facts.Set(kSigned, limits.sign_date.ToString(), "day of signing");
  RETURN_IF_ERROR(facts.SetNorm(norms, kMci, limits.sign_date));
  RETURN_IF_ERROR(facts.SetNorm(norms, kCapMci, limits.sign_date));
  ASSIGN_OR_RETURN(Decision decision, DecideSum(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayCalculation(const Decision& stored) {
  return cases::Replay(stored, DecideSum);
}

absl::StatusOr<Decision> Admit(const Checked& checked, const std::optional<Origin>& owing,
                               const std::string& register_version, const norms::Norms& norms) {
  Facts facts;
  cases::SetChecked(kFirstCheck, checked, &facts);
  SetOwing(owing, register_version, &facts);
  return Under(norms, DecideAdmission(facts));
}

absl::StatusOr<Decision> ReplayAdmission(const Decision& stored) {
  return cases::Replay(stored, DecideAdmission);
}

absl::StatusOr<Decision> Judge(const Verdicts& verdicts, const norms::Norms& norms) {
  const Claim& claim = *verdicts.claim;
  Facts facts;
  for (const auto& [part, name] : kParts) {
    const auto reviewed =
        std::find_if(claim.parts().begin(), claim.parts().end(),
                     [part = part](const auto& one) { return one.part() == part; });
    facts.Set(name,
              reviewed == claim.parts().end() ? kNotOfClaim
                                              : PartReview::Verdict_Name(reviewed->verdict()),
              verdicts.origin.name, verdicts.origin.etag);
  }
  ASSIGN_OR_RETURN(const Money calculated, Money::FromProto(claim.calculated()));
  facts.Set(kCalculated, calculated.ToString(), verdicts.origin.name, verdicts.origin.etag);
  SetOwing(verdicts.owing, verdicts.register_version, &facts);
  // What it was failed for is no ground any more where a later notice says that it passes: whether
  // it does the check finds when it is run again.
  const bool again = claim.gate().outcome() == "FAILED" && verdicts.passed_since;
  facts.Set(kSecondCheck, claim.has_gate() && !again ? claim.gate().outcome() : kNotChecked,
            verdicts.origin.name, verdicts.origin.etag);
  facts.Set(kAgreementLate, verdicts.agreement_late ? "1" : "0", verdicts.origin.name,
            verdicts.origin.etag);
  return Under(norms, DecideJudgement(facts));
}

absl::StatusOr<Decision> ReplayJudgement(const Decision& stored) {
  return cases::Replay(stored, DecideJudgement);
}

absl::Status CheckAcceptable(const Claim& claim, const Decision& judgement) {
  if (HasVerdict(claim, PartReview::REJECTED)) return errors::PartRejected();
  if (HasVerdict(claim, PartReview::REMARKS)) return errors::PartHasRemarks();
  if (HasVerdict(claim, PartReview::PENDING)) return errors::PartsPending();
  if (!IsSatisfied(judgement, "SUM_ABOVE_ZERO")) return errors::NothingToPay();
  if (!IsSatisfied(judgement, "NO_DEMAND_PAST_DUE")) return errors::DemandPastDue();
  return absl::OkStatus();
}

absl::Status CheckRejectable(const Claim& claim, const Decision& judgement) {
  const bool grounded =
      HasVerdict(claim, PartReview::REJECTED) || !IsSatisfied(judgement, "SUM_ABOVE_ZERO") ||
      !IsSatisfied(judgement, "NO_DEMAND_PAST_DUE") || !IsSatisfied(judgement, "GATE_NOT_FAILED") ||
      !IsSatisfied(judgement, "AGREEMENT_IN_TIME");
  return grounded ? absl::OkStatus() : errors::GroundMissing();
}

absl::StatusOr<Decision> PassGate(const Checked& checked, const norms::Norms& norms) {
  Facts facts;
  cases::SetChecked(kSecondCheck, checked, &facts);
  return Under(norms, DecideGate(facts));
}

absl::StatusOr<Decision> ReplayGate(const Decision& stored) {
  return cases::Replay(stored, DecideGate);
}

absl::StatusOr<Decision> Pay(const Paying& paying, const norms::Norms& norms) {
  Facts facts;
  cases::SetChecked(kSecondCheck, *paying.checked, &facts);
  facts.Set(kReadyBefore, absl::StrCat(paying.ready_before), "queue of the register",
            paying.register_version);
  SetOwing(paying.owing, paying.register_version, &facts);
  ASSIGN_OR_RETURN(const Money amount, Money::FromProto(paying.claim->amount()));
  facts.Set(kAmount, amount.ToString(), paying.origin.name, paying.origin.etag);
  facts.Set(kPayDay, paying.day.ToString(), "clock");
  return Under(norms, DecidePayment(facts));
}

absl::StatusOr<Decision> ReplayPayment(const Decision& stored) {
  return cases::Replay(stored, DecidePayment);
}

}  // namespace nisi::export_refunds
