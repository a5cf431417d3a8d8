#include "services/clusters/errors.h"

#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"

namespace nisi::clusters::errors {

using absl::StatusCode;
using base::Refusal;

base::LegalBasis WhatAClusterIs() {
  return base::Law("Art. 1(1)",
                   "A territorial cluster is a geographically concentrated group of organizations "
                   "of one industry specialization that work together.");
}
base::LegalBasis Initiatives() {
  return base::Law("Art. 23(3)(3)",
                   "The state provides for diagnostics and promotion of cluster initiatives.");
}
base::LegalBasis Diagnostics() {
  return base::Law(
      "Art. 23(4)",
      "The national development institute for industry diagnoses cluster initiatives.");
}
base::LegalBasis RulesOfSelection() {
  return base::Law("Art. 9(16)",
                   "The authorized body approves the rules of competitive selection of territorial "
                   "clusters.");
}
base::LegalBasis RulesOfRegister() {
  return base::Law("Art. 9(17)",
                   "The authorized body approves the rules of forming and keeping the register of "
                   "territorial clusters.");
}
base::LegalBasis KeepingTheRegister() {
  return base::Law("Art. 9(18)", "The authorized body keeps the register of territorial clusters.");
}
base::LegalBasis Operator() {
  return base::Law("Art. 13(2)(4)",
                   "The national development institute for industry provides services of state "
                   "incentives for territorial clusters and supports their development.");
}
base::LegalBasis Selected() {
  return base::Law("Art. 40(1)",
                   "Support goes to territorial clusters that are selected by competition and (or) "
                   "stand in the register.");
}
base::LegalBasis Organization() {
  return base::Law("Art. 40(2)",
                   "Support is given for the functioning of the cluster organization and for "
                   "projects of the cluster.");
}

base::LegalBasis Account() {
  return base::Law("Art. 40(3)",
                   "The national development institute for industry manages the funds of state "
                   "incentives for territorial clusters on a current account.");
}

base::LegalBasis Conditions() {
  return base::Law("Art. 25(5)",
                   "State incentives are given to those who comply, with their documents, with the "
                   "requirements of the acts that regulate them.");
}
base::LegalBasis PriorityGoods() {
  return base::Law("Art. 25(5), 26(1)",
                   "State incentives go to the production of goods on the list of priority goods, "
                   "which are those of medium and high levels of processing.");
}
base::LegalBasis Refusing() {
  return base::Law("Art. 25(6)",
                   "The basis for a refusal is non-compliance with the conditions of paragraph 5.");
}
base::LegalBasis PaymentTerm() {
  base::LegalBasis basis = Gate();
  basis.set_summary("The payment order goes out within 3 working days after the second check.");
  return basis;
}

base::LegalBasis Gate() {
  base::LegalBasis basis;
  basis.set_act("Order of the Minister of Finance of 2026 No. 437");
  basis.set_article("No. 437");
  basis.set_summary(
      "A recipient is checked before its application is considered and before each payment.");
  return basis;
}

absl::Status ParticipantTwice(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "PARTICIPANT_TWICE",
                 "An organization is named twice; give it all its roles at once.")
      .Field(field, "names an organization again");
}

absl::Status RegionNotNeighbouring(const std::string& field) {
  return Refusal(StatusCode::kFailedPrecondition, "REGION_NOT_NEIGHBOURING",
                 "A region is neither the main region of the cluster nor does it border on it.")
      .Precondition("REGION", field, "the main region or one that borders on it is needed")
      .Cite(WhatAClusterIs());
}

absl::Status CriteriaIncomplete(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "CRITERIA_INCOMPLETE",
                 "Give points for every criterion, once each.")
      .Field(field, "must name each criterion once")
      .Cite(RulesOfSelection());
}

absl::Status PointsOverNorm(const std::string& field, int64_t maximum) {
  return Refusal(StatusCode::kInvalidArgument, "POINTS_OVER_NORM",
                 "The points of a criterion exceed its maximum.")
      .With("maximum", absl::StrCat(maximum))
      .Field(field, absl::StrCat("is over the norm of ", maximum, " points"))
      .Cite(Diagnostics());
}

absl::Status PointsOverWeight(const std::string& field, int64_t maximum) {
  return Refusal(StatusCode::kInvalidArgument, "POINTS_OVER_WEIGHT",
                 "The points of a criterion exceed what it is worth in this selection.")
      .With("maximum", absl::StrCat(maximum))
      .Field(field, absl::StrCat("is over the announced ", maximum, " points"))
      .Cite(RulesOfSelection());
}

absl::Status DatesInvalid(const std::string& field, const std::string& what) {
  return Refusal(StatusCode::kFailedPrecondition, "DATES_INVALID",
                 "The days on which applications are taken are not in order.")
      .Precondition("DATES", field, what)
      .Cite(RulesOfSelection());
}

absl::Status ApplicationsNotOpen(base::Date from, base::Date until) {
  return Refusal(StatusCode::kFailedPrecondition, "APPLICATIONS_NOT_OPEN",
                 "Applications are not taken today.")
      .With("applicationsFrom", from.ToString())
      .With("applicationsUntil", until.ToString())
      .Precondition("DATES", "applications_from", "a day on which applications are taken is needed")
      .Cite(RulesOfSelection());
}

absl::Status TiesNotDeclared() {
  return Refusal(StatusCode::kFailedPrecondition, "TIES_NOT_DECLARED",
                 "Declare your ties first, even if there are none.")
      .Precondition("TIES", "ties", "DeclareTies is needed")
      .Cite(Selected());
}

absl::Status ExpertTied() {
  return Refusal(StatusCode::kFailedPrecondition, "EXPERT_TIED",
                 "An expert who is tied to an applicant does not score it.")
      .Precondition("EXPERT", "name", "another expert is needed")
      .Cite(Selected());
}

absl::Status ActedInSelection() {
  return Refusal(
             StatusCode::kPermissionDenied, "SEPARATION_OF_DUTIES",
             "Whoever acted in the selection as an official or an expert may not take this step.")
      .Cite(Selected());
}

absl::Status TooManyExperts(int64_t maximum) {
  return Refusal(StatusCode::kFailedPrecondition, "EXPERTS_FULL",
                 "The selection already has the maximum number of experts.")
      .With("maximum", absl::StrCat(maximum))
      .Precondition("EXPERTS", "experts", absl::StrCat("at most ", maximum))
      .Cite(RulesOfSelection());
}

absl::Status ScoresMissing(const std::string& missing) {
  return Refusal(StatusCode::kFailedPrecondition, "SCORES_MISSING",
                 "Not every application has the scores that it needs.")
      .With("missing", missing)
      .Precondition("SCORES", "scores", missing)
      .Cite(RulesOfSelection());
}

absl::Status NoQuorum(const std::string& why) {
  return Refusal(StatusCode::kFailedPrecondition, "NO_QUORUM", "The commission could not decide.")
      .With("why", why)
      .Precondition("QUORUM", "members", why)
      .Cite(RulesOfSelection());
}

absl::Status NotCarried() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_CARRIED",
                 "The list did not get more votes for it than against it.")
      .Precondition("VOTES", "members", "a majority, or the chair's vote where votes are equal")
      .Cite(RulesOfSelection());
}

absl::Status VoteConflicted() {
  return Refusal(
             StatusCode::kFailedPrecondition, "VOTE_CONFLICTED",
             "A member who is tied to a ranked applicant, or acted in the selection, has voted.")
      .Precondition("TIES", "members", "such a member is RECUSED")
      .Cite(Selected());
}

absl::Status ProtocolDateInvalid() {
  return Refusal(StatusCode::kFailedPrecondition, "PROTOCOL_DATE_INVALID",
                 "The protocol is dated in the future, or before scoring closed.")
      .Precondition("DATES", "protocol_date", "the day of closing to today")
      .Cite(RulesOfSelection());
}

absl::Status PassedOverUnknown(const std::string& field) {
  return Refusal(StatusCode::kFailedPrecondition, "PASSED_OVER_UNKNOWN",
                 "Only an application of this selection that passed can be passed over, once.")
      .Precondition("RANKING", field, "an application that passed is needed")
      .Cite(RulesOfSelection());
}

absl::Status OrderDateInvalid(base::Date since) {
  if (since == base::Date::Min()) return cases::OrderDateInvalid(KeepingTheRegister());
  return Refusal(StatusCode::kFailedPrecondition, "ORDER_DATE_INVALID",
                 "The order is dated in the future, or before what it rests on.")
      .With("earliest", since.ToString())
      .Precondition("ORDER_DATE", "order_date",
                    absl::StrCat(since.ToString(), " to today is needed"))
      .Cite(KeepingTheRegister());
}

absl::Status CompositionBelowMinimum(const std::string& finding) {
  return Refusal(StatusCode::kFailedPrecondition, "COMPOSITION_BELOW_MINIMUM",
                 "The composition of the cluster is below the minimum.")
      .With("finding", finding)
      .Precondition("COMPOSITION", "members", finding)
      .Cite(WhatAClusterIs());
}

absl::Status GroundNotMet(const std::string& what) {
  return Refusal(StatusCode::kFailedPrecondition, "GROUND_NOT_MET",
                 "The facts in the register do not support the ground that is named.")
      .Precondition("GROUND", "ground", what)
      .Cite(RulesOfRegister());
}

absl::Status MemberDateInvalid(const std::string& field, const std::string& what) {
  return Refusal(StatusCode::kFailedPrecondition, "MEMBER_DATE_INVALID",
                 "The day of the membership is not possible.")
      .Precondition("DATES", field, what)
      .Cite(RulesOfRegister());
}

absl::Status CorrectionReasonMissing(const std::string& field) {
  return Refusal(StatusCode::kFailedPrecondition, "CORRECTION_REASON_MISSING",
                 "Give a reason for an entry for a past day, or for one that replaces a report.")
      .Precondition("REASON", field, "say why it is entered only now")
      .Cite(RulesOfRegister());
}

absl::Status ReportYearOpen(int year) {
  return Refusal(StatusCode::kFailedPrecondition, "REPORT_YEAR_OPEN",
                 "A report on a year can be filed only when the year is over.")
      .With("year", absl::StrCat(year))
      .Precondition("DATES", "report.year", "a year that is over is needed")
      .Cite(RulesOfRegister());
}

absl::Status ClusterNotEligible() {
  return Refusal(StatusCode::kFailedPrecondition, "CLUSTER_NOT_ELIGIBLE",
                 "The cluster is neither selected nor in the register today.")
      .Precondition("CLUSTER_STATE", "cluster", "SELECTED or REGISTERED is needed")
      .Cite(Selected());
}

absl::Status RecipientNotInCluster(bool project) {
  return Refusal(StatusCode::kFailedPrecondition, "RECIPIENT_NOT_IN_CLUSTER",
                 project ? "Support of a project goes to a member of the cluster or to the cluster "
                           "organization."
                         : "Support of upkeep goes to the cluster organization.")
      .Precondition(
          "RECIPIENT", "support.recipient",
          project ? "a member of the cluster is needed" : "the cluster organization is needed")
      .Cite(Organization());
}

absl::Status UpkeepTermOver() {
  return Refusal(StatusCode::kFailedPrecondition, "UPKEEP_TERM_OVER",
                 "Upkeep is supported for three years from the first grant.")
      .Precondition("YEAR", "support.year", "a year of the three is needed")
      .Cite(Organization());
}

absl::Status SupportYearNotPossible(int first, int last) {
  return Refusal(StatusCode::kFailedPrecondition, "SUPPORT_YEAR_NOT_POSSIBLE",
                 "Costs are supported from the year in which the cluster was selected, and of no "
                 "year that has not begun.")
      .With("firstYear", absl::StrCat(first))
      .With("lastYear", absl::StrCat(last))
      .Precondition("YEAR", "support.year", absl::StrCat(first, " to ", last, " is needed"))
      .Cite(Selected());
}

absl::Status SupportYearChanged(int32_t now) {
  return Refusal(
             StatusCode::kFailedPrecondition, "SUPPORT_YEAR_CHANGED",
             "Another grant was decided since the examination: this is another year of support, "
             "with another share.")
      .With("supportYear", absl::StrCat(now))
      .Precondition("YEAR", "support_year", "an examination by the share of the year is needed")
      .Cite(Organization());
}

absl::Status FindingUnsatisfied(const std::string& rule) {
  return Refusal(StatusCode::kFailedPrecondition, "FINDING_UNSATISFIED",
                 "The examination found a condition that does not hold.")
      .With("rule", rule)
      .Precondition("EXAMINATION", "examination", rule)
      .Cite(Conditions());
}

absl::Status GroundMissing() {
  return Refusal(StatusCode::kFailedPrecondition, "GROUND_MISSING",
                 "Every condition holds: there is no ground for a refusal.")
      .Precondition("GROUND", "examination", "a condition that does not hold is needed")
      .Cite(Refusing());
}

absl::Status SumOverCeiling() {
  return Refusal(StatusCode::kFailedPrecondition, "SUM_OVER_CEILING",
                 "All grants of the year together exceed the share of the accepted costs.")
      .Precondition("SUM", "approved_sum", "at most the ceiling")
      .Cite(Organization());
}

absl::Status SumOverApproved() {
  return Refusal(StatusCode::kFailedPrecondition, "SUM_OVER_APPROVED",
                 "More would be paid than was granted.")
      .Precondition("SUM", "amount", "at most what is granted and not paid yet")
      .Cite(Account());
}

absl::Status PaymentDateInvalid() {
  return Refusal(StatusCode::kFailedPrecondition, "PAYMENT_DATE_INVALID",
                 "A return cannot be dated before the first payment or in the future.")
      .Precondition("DATES", "pay_date", "the day of the first payment to today is needed")
      .Cite(Account());
}

absl::Status SumOverPaid(base::Money most) {
  return Refusal(StatusCode::kFailedPrecondition, "SUM_OVER_PAID",
                 "The sum exceeds what was paid and has not been returned yet.")
      .With("most", most.ToString())
      .Precondition("SUM", "amount", "at most what was paid and has not come back yet")
      .Cite(Account());
}

absl::Status ReturnRecorded() {
  return Refusal(StatusCode::kAlreadyExists, "RETURN_RECORDED",
                 "A payment of that number and day is already recorded.")
      .Precondition("RETURN", "payment_number", "another payment is needed")
      .Cite(Account());
}

absl::Status ReturnAlike() {
  return Refusal(StatusCode::kFailedPrecondition, "RETURN_ALIKE",
                 "A payment of that number and sum is already recorded for another day.")
      .Precondition("RETURN", "another_payment", "is set where this is another payment")
      .Cite(Account());
}

absl::Status ReturnUnknown() {
  return Refusal(StatusCode::kFailedPrecondition, "RETURN_UNKNOWN",
                 "No return that counts was made by a payment of that number and day.")
      .Precondition("RETURN", "payment_number", "one that is recorded and not undone is needed")
      .Cite(Account());
}

absl::Status GateFailed() {
  return Refusal(StatusCode::kFailedPrecondition, "GATE_FAILED",
                 "The recipient did not pass the gate, or stands on a list: nothing is paid.")
      .Precondition("GATE", "recipient", "a passed check is needed")
      .Cite(Gate());
}

absl::Status NoticeUsed() {
  return Refusal(StatusCode::kFailedPrecondition, "NOTICE_USED",
                 "Each payment needs a gate check of its own, and this one was used for an earlier "
                 "payment.")
      .Precondition("GATE", "notice", "another check is needed")
      .Cite(Gate());
}

absl::Status InSelection() {
  return Refusal(StatusCode::kFailedPrecondition, "CLUSTER_IN_SELECTION",
                 "The application of this candidate is still being judged.")
      .Precondition("APPLICATION", "application", "it is taken back, or the selection ends, first")
      .Cite(Selected());
}

absl::Status ClusterRefused() {
  return Refusal(StatusCode::kFailedPrecondition, "CLUSTER_REFUSED",
                 "Another row of this cluster is refused, and a cluster is imported as a whole or "
                 "not at all.")
      .Precondition("CLUSTER", "register_number", "every member of the cluster can be in it")
      .Cite(WhatAClusterIs());
}

}  // namespace nisi::clusters::errors
