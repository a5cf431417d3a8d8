#include "services/grants/errors.h"

#include "absl/strings/str_cat.h"

namespace nisi::grants::errors {

using absl::StatusCode;
using base::Refusal;

base::LegalBasis Grants() {
  return base::Law(
      "Art. 42(1)",
      "An industrial grant is provided by the authorized body with the involvement of the national "
      "development institute for industry, subject to counter-obligations.");
}
base::LegalBasis CoFinancing() {
  return base::Law("Art. 42(2)",
                   "Industrial grants co-finance projects of operating manufacturers for products "
                   "on the list of priority goods.");
}
base::LegalBasis Examining() {
  return base::Law(
      "Art. 42(3)",
      "Applications for industrial grants are examined by the rules of granting them.");
}
base::LegalBasis Monitoring() {
  return base::Law(
      "Art. 42(4)",
      "The national development institute for industry monitors the grants that were given.");
}
base::LegalBasis Account() {
  return base::Law("Art. 42(5)",
                   "The institute manages the funds of industrial grants on a current account; its "
                   "balance is spent in the next year.");
}
base::LegalBasis Criteria() {
  return base::Law("Art. 25(4)",
                   "Incentives are considered by innovativeness, competitiveness, scale, export "
                   "orientation and labour productivity.");
}
base::LegalBasis Conditions() {
  return base::Law("Art. 25(5)",
                   "State incentives are given for goods on the list of priority goods, against "
                   "counter-obligations, to those who comply with the rules with their documents.");
}
base::LegalBasis Refusing() {
  return base::Law("Art. 25(6)",
                   "The basis for a refusal is non-compliance with the conditions of paragraph 5.");
}
base::LegalBasis PriorityGoods() {
  return base::Law(
      "Art. 26(3)",
      "State incentives are for the production of goods on the list of priority goods alone.");
}
base::LegalBasis Agreeing() {
  return base::Law("Art. 27(1)",
                   "An agreement holds the obligations of the state to provide incentives and of "
                   "the recipient to fulfil counter-obligations.");
}
base::LegalBasis Areas() {
  return base::Law("Art. 27(3)",
                   "Counter-obligations are in labour productivity, export-oriented goods and "
                   "needs of the domestic market.");
}
base::LegalBasis Recovering() {
  return base::Law("Art. 27(4)",
                   "Where counter-obligations are not fulfilled, the money is returned by the "
                   "level of fulfilment and the base rate.");
}
base::LegalBasis Competitiveness() {
  return base::Law("Art. 28(1)",
                   "An agreement on increasing competitiveness holds a set of incentives and the "
                   "counter-obligations for them.");
}
base::LegalBasis Terminating() {
  return base::Law(
      "Art. 28(2)",
      "Concluding and terminating agreements on increasing competitiveness follows its rules.");
}
base::LegalBasis Following() {
  return base::Law(
      "Art. 28(3)",
      "The authorized body monitors the execution of agreements on increasing competitiveness.");
}
base::LegalBasis Excusing() {
  return base::Law("Art. 28(4)",
                   "No agreement is concluded with an entity that failed counter-obligations under "
                   "an earlier one, unless through circumstances beyond its control.");
}
base::LegalBasis Operator() {
  return base::Law("Art. 13(2)(2)",
                   "The national development institute for industry provides industrial grants to "
                   "recipients of state incentives.");
}
base::LegalBasis Gate() {
  base::LegalBasis basis;
  basis.set_act("Order of the Minister of Finance of 2026 No. 437");
  basis.set_article("No. 437");
  basis.set_summary(
      "A recipient is checked before its application is considered and before each payment.");
  return basis;
}
base::LegalBasis Manufacturer() {
  base::LegalBasis basis;
  basis.set_act("Order of 2022 No. 403 as amended in 2025");
  basis.set_article("No. 403");
  basis.set_summary(
      "Grants go to operating small and medium manufacturers, active for some years, without tax "
      "debt, not affiliated with those who sell to them.");
  return basis;
}

absl::Status ProgrammeUnknown(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "PROGRAMME_UNKNOWN", "There is no such programme.")
      .Field(field, "names no programme")
      .Cite(Grants());
}

absl::Status EarlierApplicationInvalid() {
  return Refusal(StatusCode::kFailedPrecondition, "EARLIER_APPLICATION_INVALID",
                 "After a refusal, apply again with a new application that names your refused one.")
      .Precondition("APPLICATION", "application.earlier_application",
                    "a refused one of the same applicant is needed")
      .Cite(Refusing());
}

absl::Status NotIncomplete() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_INCOMPLETE",
                 "The check has found nothing to fix.")
      .Precondition("COMPLETENESS", "completeness",
                    "a check that found the application incomplete is needed")
      .Cite(Operator());
}

absl::Status ExpertsTooFew(int64_t minimum) {
  return Refusal(StatusCode::kFailedPrecondition, "EXPERTS_TOO_FEW",
                 "Fewer experts are named than an examination needs, or one is named twice.")
      .With("minimum", absl::StrCat(minimum))
      .Precondition("EXPERTS", "experts", "as many as the norm are needed, each once")
      .Cite(Examining());
}

absl::Status ExpertTied() {
  return Refusal(StatusCode::kFailedPrecondition, "EXPERT_TIED",
                 "The expert has ties to the applicant.")
      .Precondition("EXPERT", "expert", "somebody without ties to the applicant is needed")
      .Cite(Examining());
}

absl::Status ExpertHasScored() {
  return Refusal(StatusCode::kFailedPrecondition, "EXPERT_HAS_SCORED",
                 "An expert who has scored cannot be taken off the examination.")
      .Precondition("EXPERT", "experts", "must name every expert who has scored")
      .Cite(Examining());
}

absl::Status ScoresIncomplete() {
  return Refusal(StatusCode::kInvalidArgument, "SCORES_INCOMPLETE",
                 "Score every criterion, once each.")
      .Field("scores", "must name each criterion once")
      .Cite(Criteria());
}

absl::Status ScoresMissing(int64_t missing) {
  return Refusal(StatusCode::kFailedPrecondition, "SCORES_MISSING", "Not every expert has scored.")
      .With("missing", absl::StrCat(missing))
      .Precondition("SCORES", "examinations", "a score of each expert is needed")
      .Cite(Criteria());
}

absl::Status CommissionNotFormed(int64_t minimum) {
  return Refusal(StatusCode::kFailedPrecondition, "COMMISSION_NOT_FORMED",
                 "A commission needs an odd number of different members, at least as many as the "
                 "norm, and one chair.")
      .With("minimum", absl::StrCat(minimum))
      .Precondition("COMMISSION", "members", "odd, each once, at least the norm, one chair")
      .Cite(Examining());
}

absl::Status MemberHasActed(const std::string& field) {
  return Refusal(StatusCode::kFailedPrecondition, "MEMBER_HAS_ACTED",
                 "A member has prepared or examined the application, and could not vote on it.")
      .Precondition("COMMISSION", field, "somebody who has done neither is needed")
      .Cite(Examining());
}

absl::Status MemberRecused() {
  return Refusal(StatusCode::kFailedPrecondition, "MEMBER_RECUSED",
                 "The member has declared a conflict of interest and may not vote.")
      .Precondition("MEMBER", "commission", "a member that is not recused is needed")
      .Cite(Examining());
}

absl::Status MemberTied() {
  return Refusal(StatusCode::kFailedPrecondition, "MEMBER_TIED",
                 "The member has ties to the applicant and must recuse itself.")
      .Precondition("MEMBER", "commission", "a member without ties to the applicant is needed")
      .Cite(Examining());
}

absl::Status GroundsInvalid() {
  return Refusal(
             StatusCode::kInvalidArgument, "GROUNDS_INVALID",
             "A vote against must name the condition that is not met; a vote in favour names none.")
      .Field("grounds", "is needed for a vote against, and for no other")
      .Cite(Refusing());
}

absl::Status NoQuorum() {
  return Refusal(StatusCode::kFailedPrecondition, "NO_QUORUM",
                 "Fewer members are present than the quorum asks for.")
      .Precondition("QUORUM", "members", "as many as the norms ask for, voting or recused")
      .Cite(Examining());
}

absl::Status VoteUndecided() {
  return Refusal(StatusCode::kFailedPrecondition, "VOTE_UNDECIDED",
                 "The votes are equal and the chair does not break the tie, so nothing is decided.")
      .Precondition("VOTES", "members", "a majority, or a vote of the chair, is needed")
      .Cite(Examining());
}

absl::Status MeetingDecides() {
  return Refusal(StatusCode::kFailedPrecondition, "MEETING_DECIDES",
                 "The open meeting has a quorum and a vote that decides: close it instead of "
                 "replacing it.")
      .Precondition("COMMISSION", "commission", "one that cannot decide is needed")
      .Cite(Examining());
}

absl::Status ExpertNotTied() {
  return Refusal(StatusCode::kFailedPrecondition, "EXPERT_NOT_TIED",
                 "Only an expert with ties to the applicant can be taken off together with its "
                 "scores, and nobody who is also named to examine.")
      .Precondition("EXPERT", "tied_experts", "an assigned expert and a tie are needed")
      .Cite(Examining());
}

absl::Status DatesInvalid(const std::string& field, const std::string& why) {
  return Refusal(StatusCode::kFailedPrecondition, "DATES_INVALID",
                 "Commissioning and counter-obligations must lie after the application, and each "
                 "obligation must be due within its term.")
      .Precondition("DATES", field, why)
      .Cite(Areas());
}

absl::Status FiledAsItIs(const std::string& field) {
  return Refusal(StatusCode::kFailedPrecondition, "FILED_AS_IT_IS",
                 "What is judged as of the day of submission cannot be changed after it: file "
                 "another application.")
      .Precondition("APPLICATION", field, "as it was filed is needed")
      .Cite(Conditions());
}

absl::Status SharesInvalid(base::Date day) {
  return Refusal(
             StatusCode::kFailedPrecondition, "TRANCHE_SHARES_INVALID",
             "The shares of the tranches in the norms do not add up to the whole, or one is none.")
      .With("date", day.ToString())
      .Precondition("NORMS", "grants.tranche", "more than 0 each, 100 percent together are needed")
      .Cite(Agreeing());
}

absl::Status GrantTooSmall(const std::string& field, base::Money least) {
  return Refusal(StatusCode::kFailedPrecondition, "GRANT_TOO_SMALL",
                 "The sum is too small for its tranches: one of them would be nothing.")
      .With("least", least.ToString())
      .Precondition("SUM", field, absl::StrCat(least.ToString(), " tenge or more are needed"))
      .Cite(Agreeing());
}

absl::Status EarlierNotAssessed() {
  return Refusal(StatusCode::kFailedPrecondition, "EARLIER_NOT_ASSESSED",
                 "An earlier agreement of the entity is over but not assessed, so it is not known "
                 "whether it failed.")
      .Precondition("AGREEMENT", "entity", "the assessment of the earlier one is needed")
      .Cite(Excusing());
}

absl::Status AgreementOver() {
  return Refusal(StatusCode::kFailedPrecondition, "AGREEMENT_OVER",
                 "The agreement has ended: it can be assessed and no longer terminated.")
      .Precondition("AGREEMENT", "until", "a day that is not over is needed")
      .Cite(Following());
}

absl::Status GrantRunning() {
  return Refusal(StatusCode::kFailedPrecondition, "GRANT_RUNNING",
                 "The applicant has a grant that is still running.")
      .Precondition("APPLICANT", "applicant", "none that is approved and not closed")
      .Cite(Manufacturer());
}

absl::Status ContributionShort(base::Money missing) {
  return Refusal(StatusCode::kFailedPrecondition, "CONTRIBUTION_SHORT",
                 "The own contribution and the possible grant do not cover the accepted costs.")
      .With("missing", missing.ToString())
      .Precondition("SUM", "own_contribution", "RaiseContribution by what is missing is needed")
      .Cite(CoFinancing());
}

absl::Status ProtocolDateInvalid() {
  return Refusal(StatusCode::kFailedPrecondition, "PROTOCOL_DATE_INVALID",
                 "The protocol is dated in the future, or before the meeting was opened.")
      .Precondition("DATES", "protocol_date", "between the opening of the meeting and today")
      .Cite(Examining());
}

absl::Status TermRunning(base::Date until) {
  return Refusal(StatusCode::kFailedPrecondition, "TERM_RUNNING",
                 "The term for signing is not over.")
      .With("until", until.ToString())
      .Precondition("TERM", "application", "the day after is needed")
      .Cite(Agreeing());
}

absl::Status TrancheState(const std::string& state, const std::string& needed) {
  return Refusal(StatusCode::kFailedPrecondition, "TRANCHE_STATE",
                 "The tranche is not in the state that the step needs.")
      .With("state", state)
      .Precondition("TRANCHE_STATE", "tranche", needed)
      .Cite(Agreeing());
}

absl::Status RemarkMissing() {
  return Refusal(StatusCode::kInvalidArgument, "REMARK_MISSING", "Say why it is not proven.")
      .Field("remark", "is needed where the condition is not proven")
      .Cite(Monitoring());
}

absl::Status GateFailed(const std::string& reasons) {
  return Refusal(StatusCode::kFailedPrecondition, "GATE_FAILED",
                 "The recipient did not pass the gate: nothing is paid.")
      .With("reasons", reasons)
      .Precondition("GATE", "recipient", "a passed check is needed")
      .Cite(Gate());
}

absl::Status ReportPeriodOpen() {
  return Refusal(StatusCode::kFailedPrecondition, "REPORT_PERIOD_OPEN",
                 "A report on a half-year can be filed only when the half-year is over.")
      .Precondition("DATES", "report", "a half-year that is over, and not before the first payment")
      .Cite(Monitoring());
}

absl::Status IndicatorUnknown(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "INDICATOR_UNKNOWN",
                 "The agreement has no obligation with this indicator.")
      .Field(field, "is no indicator of the agreement")
      .Cite(Monitoring());
}

absl::Status ObligationsRunning(base::Date until) {
  return Refusal(StatusCode::kFailedPrecondition, "OBLIGATIONS_RUNNING",
                 "Obligations can be judged only after their last day.")
      .With("until", until.ToString())
      .Precondition("DATES", "obligations_until", "the day after is needed")
      .Cite(Areas());
}

absl::Status FactsIncomplete() {
  return Refusal(StatusCode::kInvalidArgument, "FACTS_INCOMPLETE",
                 "Give the level reached for each obligation.")
      .Field("facts", "must be one for each obligation, in their order")
      .Cite(Areas());
}

absl::Status DemandExists() {
  return Refusal(StatusCode::kFailedPrecondition, "DEMAND_EXISTS",
                 "The return of the money has already been demanded.")
      .Precondition("DEMAND", "demand", "an agreement without a demand is needed")
      .Cite(Recovering());
}

absl::Status PaymentDateInvalid() {
  return Refusal(StatusCode::kFailedPrecondition, "PAYMENT_DATE_INVALID",
                 "A repayment cannot be dated before the demand or in the future.")
      .Precondition("DATES", "pay_date", "from the demand to today")
      .Cite(Recovering());
}

absl::Status SumOverDemand(base::Money most) {
  return Refusal(StatusCode::kFailedPrecondition, "SUM_OVER_DEMAND",
                 "The sum exceeds what is demanded with late interest.")
      .Precondition("SUM", "amount", absl::StrCat("at most ", most.ToString(), " tenge"))
      .With("due", most.ToString())
      .Cite(Recovering());
}

absl::Status CompetitivenessForbidden() {
  return Refusal(StatusCode::kFailedPrecondition, "COMPETITIVENESS_FORBIDDEN",
                 "The entity failed counter-obligations under an earlier agreement.")
      .Precondition("AGREEMENTS", "entity", "no failed agreement that is not excused")
      .Cite(Excusing());
}

absl::Status ListedInFuture(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "LISTED_IN_FUTURE",
                 "An entry cannot begin in the future.")
      .Field(field, "must be BANKRUPT or UNRELIABLE, from today or earlier")
      .Cite(Gate());
}

absl::Status ListedByDemand() {
  return Refusal(StatusCode::kFailedPrecondition, "LISTED_BY_DEMAND",
                 "This entry is for a demand and ends by itself when the demand is paid.")
      .Precondition("LIST", "recipient", "an entry of an imported list is needed")
      .Cite(Gate());
}

absl::Status EntryEndInvalid() {
  return Refusal(StatusCode::kInvalidArgument, "ENTRY_END_INVALID",
                 "The last day of an entry must lie between its first day and today.")
      .Field("end_date", "must be from the first day of the entry to today")
      .Cite(Gate());
}

absl::Status ContributionNotRaised() {
  return Refusal(StatusCode::kFailedPrecondition, "CONTRIBUTION_NOT_RAISED",
                 "The contribution offered before the examination cannot be reduced.")
      .Precondition("SUM", "own_contribution", "more than before is needed")
      .Cite(CoFinancing());
}

absl::Status EvidenceMissing() {
  return Refusal(StatusCode::kInvalidArgument, "EVIDENCE_MISSING",
                 "A level of fulfilment needs reports or documents.")
      .Field("reports", "must name a report, or documents be given")
      .Cite(Monitoring());
}

absl::Status ReportUnknown(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "REPORT_UNKNOWN",
                 "The agreement has no such report.")
      .Field(field, "is no report of the agreement")
      .Cite(Monitoring());
}

absl::Status FigureNotReported(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "FIGURE_NOT_REPORTED",
                 "A figure that none of the named reports has needs documents.")
      .Field(field, "must be of an indicator that a named report has, or documents be given")
      .Cite(Monitoring());
}

absl::Status FigureDiffers(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "FIGURE_DIFFERS",
                 "A figure other than the last reported one needs documents.")
      .Field(field, "must be what the last of the named reports says, or documents be given")
      .Cite(Monitoring());
}

absl::Status AmendmentEmpty() {
  return Refusal(StatusCode::kInvalidArgument, "AMENDMENT_EMPTY",
                 "The amendment changes nothing in the agreement.")
      .Field("commissioning_date", "must be another day, or conditions be given")
      .Cite(Agreeing());
}

absl::Status AmendmentMissing() {
  return Refusal(StatusCode::kFailedPrecondition, "AMENDMENT_MISSING",
                 "No amendment is waiting for signatures.")
      .Precondition("AMENDMENT", "amendments", "one that is proposed")
      .Cite(Agreeing());
}

absl::Status AmendmentDatesInvalid(const std::string& why) {
  return Refusal(StatusCode::kFailedPrecondition, "AMENDMENT_DATES_INVALID",
                 "Commissioning must lie ahead, and obligations must be due after it and within "
                 "their term.")
      .Precondition("DATES", "commissioning_date", why)
      .Cite(Agreeing());
}

absl::Status ObligationsOver() {
  return Refusal(StatusCode::kFailedPrecondition, "AGREEMENT_OVER",
                 "The last day of the obligations is over, so they can no longer be amended.")
      .Precondition("AGREEMENT", "obligations_until", "today or later is needed")
      .Cite(Agreeing());
}

absl::Status DebtDatesInvalid() {
  return Refusal(StatusCode::kInvalidArgument, "DEBT_DATES_INVALID",
                 "A debt can be reported only when it is past due.")
      .Field("debt.past_due_from", "must be a day, today or earlier")
      .Cite(Recovering());
}

absl::Status DebtDiffers() {
  return Refusal(StatusCode::kFailedPrecondition, "DEBT_DIFFERS",
                 "This demand was reported for another recipient.")
      .Precondition("DEBT", "debt.recipient", "the recipient that was told first is needed")
      .Cite(Recovering());
}

absl::Status DebtOfRegister(const std::string& told_by) {
  return Refusal(StatusCode::kFailedPrecondition, "DEBT_OF_REGISTER",
                 "The register that keeps the demand has reported it, so only that register can "
                 "change it.")
      .With("toldBy", told_by)
      .Precondition("DEBT", "debt.sequence", "a message of that register is needed")
      .Cite(Recovering());
}

}  // namespace nisi::grants::errors
