// Agreements: tranches and terms (Art. 27(1), 42), payment (42(5)), fulfilment and its excuse
// (27(4), 28(4)), and who may conclude one on competitiveness (28).
#include <algorithm>
#include <set>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/cases/findings.h"
#include "services/grants/errors.h"
#include "services/grants/rules.h"

namespace nisi::grants {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr char kSignatures[] = "signatures";
constexpr char kTrancheState[] = "tranche_state";
constexpr char kUnpaidBefore[] = "unpaid_before";
constexpr char kGateSecond[] = "gate_verdict";
constexpr char kBeyondControl[] = "beyond_control";
constexpr char kExcuseDocuments[] = "documents";
constexpr char kExcuseReason[] = "reason";
constexpr char kTolerance[] = "obligations.tolerance";
constexpr char kFailedAgreements[] = "failed_agreements";
constexpr char kEvidenceReports[] = "evidence.reports";
constexpr char kEvidenceDocuments[] = "evidence.documents";

absl::StatusOr<Decision> DecidePayment(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t signatures, facts.Number(kSignatures));
  AddFinding(&decision, "SIGNED_BY_BOTH", signatures == 2, errors::Agreeing(), facts,
             {kSignatures});
  ASSIGN_OR_RETURN(const std::string state, facts.Text(kTrancheState));
  AddFinding(&decision, "CONDITION_PROVEN", state == "PROVEN", errors::Agreeing(), facts,
             {kTrancheState});
  ASSIGN_OR_RETURN(const int64_t before, facts.Number(kUnpaidBefore));
  AddFinding(&decision, "IN_ORDER", before == 0, errors::Agreeing(), facts, {kUnpaidBefore});
  ASSIGN_OR_RETURN(const std::string verdict, facts.Text(kGateSecond));
  AddFinding(&decision, "GATE_PASSED", verdict == "PASSED", errors::Gate(), facts, {kGateSecond});
  decision.set_outcome(cases::AllSatisfied(decision) ? "PAID" : "REFUSED");
  return decision;
}

absl::StatusOr<Decision> DecideExcuse(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t beyond, facts.Number(kBeyondControl));
  ASSIGN_OR_RETURN(const std::string reason, facts.Text(kExcuseReason));
  AddFinding(&decision, "BEYOND_CONTROL", beyond == 1, errors::Excusing(), facts,
             {kBeyondControl, kExcuseReason});
  ASSIGN_OR_RETURN(const std::string documents, facts.Text(kExcuseDocuments));
  AddFinding(&decision, "DOCUMENTED", !documents.empty(), errors::Excusing(), facts,
             {kExcuseDocuments});
  decision.set_outcome(cases::AllSatisfied(decision) ? "EXCUSED" : "NOT_EXCUSED");
  return decision;
}

absl::StatusOr<Decision> DecideAdmission(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t failed, facts.Number(kFailedAgreements));
  AddFinding(&decision, "NO_FAILED_AGREEMENT", failed == 0, errors::Excusing(), facts,
             {kFailedAgreements});
  decision.set_outcome(cases::AllSatisfied(decision) ? "ADMITTED" : "FORBIDDEN");
  return decision;
}

// A level of fulfilment that rests on nothing could not be followed (Art. 27(4)).
absl::StatusOr<cases::Judged> JudgeWithEvidence(const Facts& facts) {
  ASSIGN_OR_RETURN(cases::Judged judged, cases::JudgeReturn(facts));
  ASSIGN_OR_RETURN(const std::string reports, facts.Text(kEvidenceReports));
  ASSIGN_OR_RETURN(const std::string documents, facts.Text(kEvidenceDocuments));
  AddFinding(&judged.decision, "EVIDENCE_NAMED", !reports.empty() || !documents.empty(),
             errors::Recovering(), facts, {kEvidenceReports, kEvidenceDocuments});
  return judged;
}

absl::StatusOr<Decision> DecideObligations(const Facts& facts) {
  ASSIGN_OR_RETURN(cases::Judged judged, JudgeWithEvidence(facts));
  return std::move(judged.decision);
}

// What a stored assessment says was reached of an obligation.
std::string FactOf(int number) {
  return absl::StrCat("obligation.", number, ".fact");
}

// "50" and "50.0" are one number.
absl::string_view Plain(absl::string_view number) {
  while (number.size() > 1 && number.front() == '0' && number[1] != '.') number.remove_prefix(1);
  if (number.find('.') == absl::string_view::npos) return number;
  while (number.back() == '0') number.remove_suffix(1);
  if (number.back() == '.') number.remove_suffix(1);
  return number;
}

// The last of the reports that has an indicator, and what it says; null where none has.
struct Figure {
  const v1::MonitoringReport* report = nullptr;
  std::string value;
};
Figure LastReported(const Evidence& evidence, const std::string& indicator) {
  Figure last;
  for (const v1::MonitoringReport& report : evidence.reports) {
    for (const auto& reached : report.reached()) {
      if (reached.indicator() == indicator) last = {&report, reached.value()};
    }
  }
  return last;
}

std::string HashesOf(const Documents& documents) {
  std::vector<std::string> hashes;
  for (const auto& document : documents) hashes.push_back(base::HexEncode(document.sha256()));
  return absl::StrJoin(hashes, ",");
}

// What obligations and payments say, whatever was reached.
absl::Status SetAgreed(const cases::Obligations& obligations,
                       const std::vector<v1::Payment>& payments, const norms::Norms& norms,
                       base::Date day, const Source& source, Facts* known) {
  cases::SetObligations(obligations, source.name, source.etag, known);
  int number = 0;
  for (const v1::Payment& payment : payments) {
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(payment.amount()));
    ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(payment.pay_date()));
    cases::SetPayment(++number, amount, paid_on, payment.name(), payment.etag(), known);
  }
  return cases::SetReturnNorms(norms, day, known);
}

absl::StatusOr<cases::Judged> JudgedBy(const norms::Norms& norms, const Facts& known) {
  ASSIGN_OR_RETURN(cases::Judged judged, JudgeWithEvidence(known));
  judged.decision.set_norms_edition(norms.edition());
  judged.decision.set_rests_on_assumption(known.rests_on_assumption());
  return judged;
}

bool IsAssumed(const norms::Norms& norms, const char* key, base::Date day) {
  const auto norm = norms.Get(key, day);
  return norm.ok() && norm->certainty == norms::Certainty::kAssumption;
}

constexpr char kObligationsYears[] = "grants.obligations_years";
constexpr const char* kTrancheShares[] = {"grants.tranche.1", "grants.tranche.2",
                                          "grants.tranche.3"};
constexpr int64_t kWholeShare = 10'000;  // hundredths of percent

// Of each tranche. TRANCHE_SHARES_INVALID.
absl::StatusOr<std::vector<base::Percent>> SharesOn(const norms::Norms& norms, base::Date day) {
  std::vector<base::Percent> shares;
  int64_t whole = 0;
  for (const char* key : kTrancheShares) {
    ASSIGN_OR_RETURN(const base::Percent share, norms.Percent(key, day));
    if (share.hundredths() <= 0) return errors::SharesInvalid(day);  // nobody pays nothing
    whole += share.hundredths();
    shares.push_back(share);
  }
  if (whole != kWholeShare) return errors::SharesInvalid(day);
  return shares;
}

}  // namespace

absl::StatusOr<Money> LeastGrantBy(const std::vector<base::Percent>& shares) {
  int64_t least = 1;  // tiyn
  for (const base::Percent share : shares) {
    if (share.hundredths() <= 0) return base::StoreCorrupt("a share of tranches");
    least = std::max(least, (kWholeShare + share.hundredths() - 1) / share.hundredths());
  }
  return Money::FromTiyn(least);
}

absl::StatusOr<Money> LeastGrant(const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(std::vector<base::Percent> shares, SharesOn(norms, day));
  shares.pop_back();
  return LeastGrantBy(shares);
}

absl::StatusOr<std::vector<Money>> TranchesOf(Money sum, const norms::Norms& norms,
                                              base::Date day) {
  ASSIGN_OR_RETURN(std::vector<base::Percent> shares, SharesOn(norms, day));
  ASSIGN_OR_RETURN(const Money least, LeastGrant(norms, day));
  if (sum < least) return errors::GrantTooSmall("approved_sum", least);
  shares.pop_back();
  std::vector<Money> tranches;
  Money rest = sum;
  for (const base::Percent share : shares) {
    const absl::int128 part = absl::int128(sum.tiyn()) * share.hundredths() / kWholeShare;
    ASSIGN_OR_RETURN(const Money tranche, Money::FromTiyn(static_cast<int64_t>(part)));
    ASSIGN_OR_RETURN(rest, rest.Sub(tranche));
    tranches.push_back(tranche);
  }
  tranches.push_back(rest);
  return tranches;
}

absl::Status CheckTrancheShares(const norms::Norms& norms) {
  std::set<base::Date> days;  // on which one of them changes
  for (const char* key : kTrancheShares) {
    for (const norms::Norm& norm : norms.Series(key)) days.insert(norm.from);
  }
  for (const base::Date day : days) RETURN_IF_ERROR(SharesOn(norms, day).status());
  return absl::OkStatus();
}

base::Date AddYears(base::Date day, int64_t years) {
  const auto same = base::Date::Of(day.year() + years, day.month(), day.day());
  if (same.ok()) return *same;
  return base::Date::Of(day.year() + years, day.month(), 28).value_or(base::Date::Max());
}

absl::StatusOr<base::Date> ObligationsUntil(base::Date commissioning, const norms::Norms& norms,
                                            base::Date day) {
  ASSIGN_OR_RETURN(const int64_t years, norms.Int(kObligationsYears, day));
  return AddYears(commissioning, years);
}

bool TranchesAreAssumed(const norms::Norms& norms, base::Date day) {
  return std::any_of(std::begin(kTrancheShares), std::end(kTrancheShares),
                     [&](const char* key) { return IsAssumed(norms, key, day); });
}

bool YearsAreAssumed(const norms::Norms& norms, base::Date day) {
  return IsAssumed(norms, kObligationsYears, day);
}

absl::StatusOr<Decision> JudgePayment(const Paying& paying, const norms::Norms& norms) {
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, paying.source.name, paying.source.etag);
  };
  set(kSignatures, absl::StrCat(paying.agreement->signatures_size()));
  int unpaid = 0;
  std::string state = "NONE";
  for (const v1::Tranche& tranche : paying.agreement->tranches()) {
    if (tranche.number() < paying.tranche && tranche.state() != v1::Tranche::PAID) ++unpaid;
    if (tranche.number() == paying.tranche) state = v1::Tranche::State_Name(tranche.state());
  }
  set(kTrancheState, state);
  set(kUnpaidBefore, absl::StrCat(unpaid));
  facts.Set(kGateSecond, gate::v1::Notice::Verdict_Name(paying.notice->verdict()),
            paying.notice->name(), paying.notice->etag());
  ASSIGN_OR_RETURN(Decision decision, DecidePayment(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayPayment(const Decision& stored) {
  return cases::Replay(stored, DecidePayment);
}

absl::Status CheckEvidence(const cases::Obligations& obligations,
                           const std::vector<std::string>& facts, const Evidence& evidence) {
  if (evidence.reports.empty() && evidence.documents.empty()) return errors::EvidenceMissing();
  if (!evidence.documents.empty()) return absl::OkStatus();
  for (size_t i = 0; i < facts.size(); ++i) {
    const Figure last = LastReported(evidence, obligations[static_cast<int>(i)].indicator());
    const std::string field = absl::StrCat("facts[", i, "]");
    if (last.report == nullptr) return errors::FigureNotReported(field);
    if (Plain(last.value) != Plain(facts[i])) return errors::FigureDiffers(field);
  }
  return absl::OkStatus();
}

absl::StatusOr<cases::Judged> JudgeObligations(const cases::Obligations& obligations,
                                               const std::vector<std::string>& facts,
                                               const Evidence& evidence,
                                               const std::vector<v1::Payment>& payments,
                                               const norms::Norms& norms, base::Date day,
                                               const Source& source) {
  if (static_cast<int>(facts.size()) != obligations.size()) return errors::FactsIncomplete();
  RETURN_IF_ERROR(CheckEvidence(obligations, facts, evidence));
  Facts known;
  RETURN_IF_ERROR(SetAgreed(obligations, payments, norms, day, source, &known));
  for (size_t i = 0; i < facts.size(); ++i) {
    const Figure last = LastReported(evidence, obligations[static_cast<int>(i)].indicator());
    const bool reported = last.report != nullptr && Plain(last.value) == Plain(facts[i]);
    cases::SetOutcome(static_cast<int>(i) + 1, facts[i],
                      reported ? last.report->name() : source.name,
                      reported ? last.report->etag() : source.etag, &known);
  }
  std::vector<std::string> reports;
  for (const v1::MonitoringReport& report : evidence.reports) reports.push_back(report.name());
  known.Set(kEvidenceReports, absl::StrJoin(reports, ","), source.name, source.etag);
  known.Set(kEvidenceDocuments, HashesOf(evidence.documents), source.name, source.etag);
  return JudgedBy(norms, known);
}

absl::StatusOr<cases::Judged> JudgeDemand(const cases::Obligations& obligations,
                                          const Decision& assessed,
                                          const std::vector<v1::Payment>& payments,
                                          const norms::Norms& norms, base::Date day,
                                          const Source& source) {
  Facts known;
  const Facts before = Facts::Of(assessed);
  for (const char* name : {kTolerance, kEvidenceReports, kEvidenceDocuments}) {
    RETURN_IF_ERROR(known.Take(before, name));
  }
  RETURN_IF_ERROR(SetAgreed(obligations, payments, norms, day, source, &known));
  for (int number = 1; number <= obligations.size(); ++number) {
    ASSIGN_OR_RETURN(const std::string fact, before.Text(FactOf(number)));
    cases::SetOutcome(number, fact, source.name, source.etag, &known);
  }
  return JudgedBy(norms, known);
}

absl::StatusOr<Decision> ReplayObligations(const Decision& stored) {
  return cases::Replay(stored, DecideObligations);
}

absl::StatusOr<Decision> JudgeExcuse(bool beyond_control, const Documents& documents,
                                     const std::string& reason, const norms::Norms& norms,
                                     const Source& source) {
  Facts facts;
  facts.Set(kBeyondControl, beyond_control ? "1" : "0", source.name, source.etag);
  facts.Set(kExcuseReason, reason, source.name, source.etag);
  facts.Set(kExcuseDocuments, HashesOf(documents), source.name, source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideExcuse(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayExcuse(const Decision& stored) {
  return cases::Replay(stored, DecideExcuse);
}

absl::StatusOr<Decision> JudgeAdmission(int64_t failed, const norms::Norms& norms,
                                        const Source& source) {
  Facts facts;
  facts.Set(kFailedAgreements, absl::StrCat(failed), source.name, source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideAdmission(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayAdmission(const Decision& stored) {
  return cases::Replay(stored, DecideAdmission);
}

}  // namespace nisi::grants
