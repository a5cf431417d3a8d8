#include "services/contracts/errors.h"

#include "absl/strings/str_cat.h"

namespace nisi::contracts::errors {

using absl::StatusCode;
using base::Refusal;

base::LegalBasis Production() {
  return base::Law("Art. 46(1)(1)",
                   "Off-take contracts are for goods whose production the supplier organizes and "
                   "that were not available before.");
}
base::LegalBasis Customers() {
  return base::Law("Art. 46(2)",
                   "Customers are subsoil users, national holdings and companies and what they own "
                   "by half, and social-entrepreneurial corporations; not the National Welfare "
                   "Fund and what it owns by half.");
}
base::LegalBasis Needs() {
  return base::Law("Art. 47(1)",
                   "Needs of customers are analysed and sent by 20 May of each year.");
}
base::LegalBasis Listing() {
  return base::Law("Art. 47(2)",
                   "The List of goods is formed by 30 May of each year in the context of the types "
                   "of contracts.");
}
base::LegalBasis Agreeing() {
  return base::Law("Art. 47(3)",
                   "Agreed proposals on the List of goods are sent by 1 July of each year.");
}
base::LegalBasis Approving() {
  return base::Law("Art. 47(4)",
                   "The List of goods is approved before 1 August of each year and placed in the "
                   "database of suppliers.");
}
base::LegalBasis Concluding() {
  return base::Law("Art. 47(5)",
                   "Customers conclude contracts on the basis of the approved List of goods.");
}
base::LegalBasis Organizing() {
  return base::Law("Art. 48(1)",
                   "The supplier organizes the production; an off-take contract may be used as "
                   "collateral in financial institutions.");
}
base::LegalBasis Buying() {
  return base::Law(
      "Art. 48(2)",
      "Volume and price are not reduced by one party alone; the customer accepts and pays for 100 "
      "per cent of the first year's volume and at least 50 per cent of each later year's.");
}
base::LegalBasis NotBuying() {
  return base::Law(
      "Art. 48(4)",
      "Refusal to buy the agreed volume through no fault of the supplier provides for a penalty.");
}
base::LegalBasis Content() {
  return base::Law("Art. 48(5)",
                   "Off-take contracts identify the goods, the volumes of the whole term, the "
                   "minimum in-country value and the programme to raise it.");
}
base::LegalBasis Procurement() {
  return base::Law("Art. 49(1)",
                   "Contract procurement is where purchases a year exceed 500,000 monthly "
                   "calculation indices of that financial year.");
}
base::LegalBasis Offsets() {
  return base::Law(
      "Art. 49(2)",
      "Additional conditions are worth at least five per cent of the contract amount.");
}
base::LegalBasis OffsetPenalty() {
  return base::Law("Art. 49(3)", "Failure to fulfil the additional conditions entails a penalty.");
}
base::LegalBasis Monitoring() {
  return base::Law("Art. 9(40)",
                   "The authorized body sets how contracts are planned, concluded and monitored.");
}

absl::Status CustomerNotEligible(absl::string_view path, absl::string_view rule) {
  return Refusal(StatusCode::kFailedPrecondition, "CUSTOMER_NOT_ELIGIBLE",
                 "The organization is not a customer of such contracts on that day.")
      .With("rule", rule)
      .Precondition("CUSTOMER", path, "a registered customer by Art. 46(2) is needed")
      .Cite(Customers());
}

absl::Status YearPast(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "YEAR_PAST",
                 "Planning is for this year or a later one.")
      .Field(path, "is over")
      .Cite(Needs());
}

absl::Status YearsPast(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "YEARS_PAST",
                 "Delivery cannot begin before the planning year.")
      .Field(path, "is before the planning year")
      .Cite(Needs());
}

absl::Status QuantityZero(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "QUANTITY_ZERO", "The quantity must be above zero.")
      .Field(path, "must be above 0")
      .Cite(Agreeing());
}

absl::Status PriceZero(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "PRICE_ZERO", "The price must be above zero.")
      .Field(path, "must be above 0")
      .Cite(Content());
}

absl::Status NeedsTooLarge(absl::string_view ens_tru) {
  return Refusal(StatusCode::kFailedPrecondition, "NEEDS_TOO_LARGE",
                 "The total of the needs of one good is too large.")
      .With("ensTru", ens_tru)
      .Precondition("NEEDS", "needs", "smaller quantities or prices are needed")
      .Cite(Listing());
}

absl::Status ListNotFormed() {
  return Refusal(StatusCode::kFailedPrecondition, "LIST_NOT_FORMED",
                 "The needs have changed since the List was formed.")
      .Precondition("LIST", "cycle", "FormList comes first")
      .Cite(Listing());
}

absl::Status MadeBefore() {
  return Refusal(StatusCode::kFailedPrecondition, "MADE_BEFORE",
                 "An off-take contract is only for goods that were not made in the country before.")
      .Precondition("PRODUCTION", "item.contract_type", "CONTRACT_PROCUREMENT is possible")
      .Cite(Production());
}

absl::Status ItemUnknown() {
  return Refusal(StatusCode::kInvalidArgument, "ITEM_UNKNOWN",
                 "The List of this year has no such good.")
      .Field("proposal.item", "is not on the List of the cycle")
      .Cite(Agreeing());
}

absl::Status ProposalExists() {
  return Refusal(StatusCode::kFailedPrecondition, "PROPOSAL_EXISTS",
                 "The good has already been proposed to this customer.")
      .Precondition("PROPOSAL", "proposal", "the one there is must be answered first")
      .Cite(Agreeing());
}

absl::Status VolumeOverList(absl::string_view path) {
  return Refusal(StatusCode::kFailedPrecondition, "VOLUME_OVER_LIST",
                 "The agreed quantity would exceed the quantity in the List.")
      .Precondition("VOLUME", path, "within the quantity of the good, with what others agreed to")
      .Cite(Agreeing());
}

absl::Status PublicationNotRefused() {
  return Refusal(StatusCode::kFailedPrecondition, "PUBLICATION_NOT_REFUSED",
                 "Nothing of the publication was refused.")
      .Precondition("PUBLICATION", "name", "a refused part is needed")
      .Cite(Approving());
}

absl::Status ItemNotApproved() {
  return Refusal(StatusCode::kFailedPrecondition, "ITEM_NOT_APPROVED",
                 "A contract can be concluded only on a good of the approved List.")
      .Precondition("ITEM", "contract.item", "an approved good is needed")
      .Cite(Concluding());
}

absl::Status SameParties() {
  return Refusal(StatusCode::kInvalidArgument, "SAME_PARTIES",
                 "Customer and supplier must be different organizations.")
      .Field("contract.supplier", "is the customer")
      .Cite(Concluding());
}

absl::Status YearsInvalid(absl::string_view path, absl::string_view why) {
  return Refusal(StatusCode::kFailedPrecondition, "YEARS_INVALID",
                 "The years of a contract must follow each other, once each and with one price, "
                 "and none may be over.")
      .Precondition("YEARS", path, why)
      .Cite(Buying());
}

absl::Status SumTooLarge(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "SUM_TOO_LARGE",
                 "The product of volume and price is too large.")
      .Field(path, "is too large")
      .Cite(Content());
}

absl::Status OffsetsInvalid(absl::string_view path, absl::string_view why) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFSETS_INVALID",
                 "Only contract procurement has additional conditions, each with a value and a due "
                 "date within the contract.")
      .Precondition("OFFSETS", path, why)
      .Cite(Offsets());
}

absl::Status NotConform(absl::string_view rule, const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_CONFORM",
                 "The contract does not meet the requirements of the law on this day.")
      .With("rule", rule)
      .Precondition("CONFORMITY", "name", rule)
      .Cite(basis);
}

absl::Status PledgeeConsentMissing(absl::string_view pledge) {
  return Refusal(
             StatusCode::kFailedPrecondition, "PLEDGEE_CONSENT_MISSING",
             "A pledged contract cannot be reduced or ended without the consent of its pledgee.")
      .With("pledge", pledge)
      .Precondition("PLEDGE", pledge, "the consent of its pledgee is needed")
      .Cite(Organizing());
}

absl::Status TermRunning(int32_t last_year) {
  return Refusal(StatusCode::kFailedPrecondition, "TERM_RUNNING",
                 "The term of the contract is not over.")
      .With("lastYear", absl::StrCat(last_year))
      .Precondition("TERM", "name", "a year after its last is needed")
      .Cite(Monitoring());
}

absl::Status YearNotAssessed(int32_t year) {
  return Refusal(
             StatusCode::kFailedPrecondition, "YEAR_NOT_ASSESSED",
             "A year of the contract has not been assessed since the last change to its records.")
      .With("year", absl::StrCat(year))
      .Precondition("ASSESSMENT", "name", "AssessYear comes first")
      .Cite(Monitoring());
}

absl::Status NothingDelivered() {
  return Refusal(
             StatusCode::kFailedPrecondition, "NOTHING_DELIVERED",
             "Nothing was delivered under the contract, so only both parties together can end it.")
      .Precondition("CONTRACT", "name", "a delivery is needed")
      .Cite(Buying());
}

absl::Status TerminationNotSigned() {
  return Refusal(StatusCode::kFailedPrecondition, "TERMINATION_NOT_SIGNED",
                 "There is no signed termination to consent to or take back.")
      .Precondition("CONTRACT", "name", "a signature of its termination is needed")
      .Cite(Buying());
}

absl::Status PenaltyDue(absl::string_view penalty) {
  return Refusal(StatusCode::kFailedPrecondition, "PENALTY_DUE", "A penalty is owed.")
      .With("penalty", penalty)
      .Precondition("PENALTY", penalty, "it must be paid or given up")
      .Cite(NotBuying());
}

absl::Status OffsetOpen(int32_t number) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFSET_OPEN",
                 "An additional condition has been neither fulfilled nor penalized.")
      .With("offset", absl::StrCat(number))
      .Precondition("OFFSET", "name", "it must be fulfilled, or assessed")
      .Cite(Offsets());
}

absl::Status AmendmentOpen(absl::string_view amendment) {
  return Refusal(StatusCode::kFailedPrecondition, "AMENDMENT_OPEN",
                 "An amendment is still waiting for the other signature.")
      .With("amendment", amendment)
      .Precondition("AMENDMENT", amendment, "it must be signed or withdrawn first")
      .Cite(Buying());
}

absl::Status VolumeBelowEntries(int32_t year) {
  return Refusal(
             StatusCode::kFailedPrecondition, "VOLUME_BELOW_ENTRIES",
             "The amendment leaves less than was already delivered, refused or paid in that year.")
      .With("year", absl::StrCat(year))
      .Precondition("VOLUME", "amendment.years", "at least what happened already")
      .Cite(Buying());
}

absl::Status UnilateralReduction() {
  return Refusal(StatusCode::kFailedPrecondition, "UNILATERAL_REDUCTION",
                 "One party alone cannot reduce volume or price.")
      .Precondition("SIGNATURES", "unilateral", "both parties sign a reduction")
      .Cite(Buying());
}

absl::Status UnilateralChange() {
  return Refusal(StatusCode::kFailedPrecondition, "UNILATERAL_CHANGE",
                 "One party alone cannot bind the other.")
      .Precondition("SIGNATURES", "unilateral", "only the customer may bind itself to more")
      .Cite(Buying());
}

absl::Status YearUnknown(absl::string_view path) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_UNKNOWN", "The contract has no such year.")
      .Precondition("YEARS", path, "a year of the contract is needed")
      .Cite(Buying());
}

absl::Status EventDateInvalid(absl::string_view why) {
  return Refusal(StatusCode::kFailedPrecondition, "EVENT_DATE_INVALID",
                 "The date is not possible for this entry.")
      .Precondition("DATES", "entry.event_date", why)
      .Cite(Buying());
}

absl::Status AmountZero(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "AMOUNT_ZERO", "The sum must be above zero.")
      .Field(path, "must be above 0")
      .Cite(Buying());
}

absl::Status OverContract() {
  return Refusal(StatusCode::kFailedPrecondition, "OVER_CONTRACT",
                 "The quantity exceeds that of the contract for the year.")
      .Precondition("VOLUME", "entry.quantity", "within the volume of the year")
      .Cite(Buying());
}

absl::Status OverDelivered() {
  return Refusal(StatusCode::kFailedPrecondition, "OVER_DELIVERED",
                 "More would be accepted and refused than was delivered.")
      .Precondition("VOLUME", "entry.quantity", "within what was delivered for the year")
      .Cite(Buying());
}

absl::Status BeforeDelivery(int32_t year, base::Date day) {
  return Refusal(StatusCode::kFailedPrecondition, "BEFORE_DELIVERY",
                 "By that day, more would be accepted and refused than was delivered.")
      .With("year", absl::StrCat(year))
      .With("day", day.ToString())
      .Precondition("DATES", "entry.event_date", "not before the goods were delivered")
      .Cite(Buying());
}

absl::Status OverPrice() {
  return Refusal(StatusCode::kFailedPrecondition, "OVER_PRICE",
                 "The sum exceeds the price of the year's volume.")
      .Precondition("SUM", "entry.amount", "within the value of the year")
      .Cite(Buying());
}

absl::Status FaultMissing() {
  return Refusal(StatusCode::kInvalidArgument, "FAULT_MISSING",
                 "A refusal must say whose fault it is.")
      .Field("entry.fault", "is needed")
      .Cite(NotBuying());
}

absl::Status ReasonMissing() {
  return Refusal(StatusCode::kInvalidArgument, "REASON_MISSING", "A refusal must say why.")
      .Field("entry.reason", "is needed")
      .Cite(NotBuying());
}

absl::Status DocumentsMissing() {
  return Refusal(StatusCode::kInvalidArgument, "DOCUMENTS_MISSING",
                 "Documents must prove that it is the supplier's fault.")
      .Field("entry.documents", "are needed")
      .Cite(NotBuying());
}

absl::Status NotARefusal() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_A_REFUSAL", "Only a refusal has a fault.")
      .Precondition("ENTRY", "name", "a refusal is needed")
      .Cite(NotBuying());
}

absl::Status EntryCorrected(int32_t by) {
  return Refusal(StatusCode::kFailedPrecondition, "ENTRY_CORRECTED",
                 "Another entry has replaced this one.")
      .With("by", absl::StrCat(by))
      .Precondition("ENTRY", "name", "the entry that counts is needed")
      .Cite(Buying());
}

absl::Status DocumentRecorded(const std::string& entry) {
  return Refusal(StatusCode::kAlreadyExists, "DOCUMENT_RECORDED",
                 "An entry by this document for that day and year is already recorded.")
      .With("entry", entry)
      .Field("entry.document_number", "must be of another document, or the entry is corrected")
      .Cite(Buying());
}

absl::Status NotOwnEntry() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_OWN_ENTRY",
                 "Only the party that records such entries may correct one.")
      .Precondition("ENTRY", "name", "an entry of the own party, of the same kind, is needed")
      .Cite(Buying());
}

absl::Status RefusalStands(int32_t year) {
  return Refusal(StatusCode::kFailedPrecondition, "REFUSAL_STANDS",
                 "The customer cannot take back a refusal before delivery once its year is over or "
                 "its fault is settled, as the goods were not made.")
      .With("year", absl::StrCat(year))
      .Precondition("ENTRY", "entry", "at least what was refused, of the same year, not delivered")
      .Cite(NotBuying());
}

absl::Status PaymentDue(int32_t year, const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "PAYMENT_DUE",
                 "Some accepted goods have not been paid for.")
      .With("year", absl::StrCat(year))
      .Precondition("PAYMENT", "name", "what was accepted must be paid for")
      .Cite(basis);
}

absl::Status NotOwnFault() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_OWN_FAULT",
                 "The supplier may only say that it was its own fault; all else is for the "
                 "authority to find.")
      .Precondition("FAULT", "fault", "SUPPLIERS_FAULT is possible")
      .Cite(NotBuying());
}

absl::Status FaultOpen(absl::string_view entry) {
  return Refusal(StatusCode::kFailedPrecondition, "FAULT_OPEN",
                 "It is not settled whether a refusal is the supplier's fault.")
      .With("entry", entry)
      .Precondition("FAULT", entry, "SettleFault comes first")
      .Cite(NotBuying());
}

absl::Status YearNotOver(int32_t year) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_NOT_OVER",
                 "A year can be assessed only when it is over.")
      .With("year", absl::StrCat(year))
      .Precondition("YEAR", "year", "the next year is needed")
      .Cite(Monitoring());
}

absl::Status CorrectionReasonMissing() {
  return Refusal(StatusCode::kFailedPrecondition, "CORRECTION_REASON_MISSING",
                 "A report that replaces another must say why.")
      .Precondition("REASON", "report.correction_reason", "say why it is replaced")
      .Cite(Monitoring());
}

absl::Status YearAhead(int32_t year) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_AHEAD",
                 "A year that has not begun cannot be reported on.")
      .With("year", absl::StrCat(year))
      .Precondition("DATES", "report.year", "a year that has begun")
      .Cite(Monitoring());
}

absl::Status YearAssessed(int32_t year) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_ASSESSED",
                 "The year has already been assessed.")
      .With("year", absl::StrCat(year))
      .Precondition("ASSESSMENT", "year", "a year that is not")
      .Cite(Monitoring());
}

absl::Status OffsetUnknown(absl::string_view path) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFSET_UNKNOWN",
                 "The contract has no such condition.")
      .Precondition("OFFSET", path, "a condition of the contract is needed")
      .Cite(Offsets());
}

absl::Status OffsetState(absl::string_view path, absl::string_view state,
                         absl::string_view needed) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFSET_STATE",
                 "The condition is not in the state that the step needs.")
      .With("state", state)
      .Precondition("OFFSET_STATE", path, needed)
      .Cite(Offsets());
}

absl::Status AcceptedOverProven() {
  return Refusal(StatusCode::kInvalidArgument, "ACCEPTED_OVER_PROVEN",
                 "More would be accepted than was proven.")
      .Field("accepted", "is over what was proven")
      .Cite(Offsets());
}

absl::Status RemarkMissing() {
  return Refusal(StatusCode::kInvalidArgument, "REMARK_MISSING", "Say why less is accepted.")
      .Field("remark", "is needed where less is accepted")
      .Cite(Offsets());
}

absl::Status CureRunning(base::Date until) {
  return Refusal(StatusCode::kFailedPrecondition, "CURE_RUNNING",
                 "The condition may still be fulfilled.")
      .With("until", until.ToString())
      .Precondition("TERM", "offset", "the day after is needed")
      .Cite(OffsetPenalty());
}

absl::Status NotOffTake() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_OFF_TAKE",
                 "Only off-take contracts can be pledged.")
      .Precondition("CONTRACT", "parent", "an off-take contract is needed")
      .Cite(Organizing());
}

absl::Status PledgeDateInvalid() {
  return Refusal(StatusCode::kFailedPrecondition, "PLEDGE_DATE_INVALID",
                 "A pledge cannot be dated before the contract or in the future.")
      .Precondition("DATES", "pledge.agreement_date", "between the signing and today")
      .Cite(Organizing());
}

absl::Status PledgeeIsParty() {
  return Refusal(StatusCode::kInvalidArgument, "PLEDGEE_IS_PARTY",
                 "A contract cannot be pledged to one of its parties.")
      .Field("pledge.pledgee", "is a party of the contract")
      .Cite(Organizing());
}

absl::Status PledgeExists() {
  return Refusal(StatusCode::kFailedPrecondition, "PLEDGE_EXISTS",
                 "The contract is already pledged to this institution.")
      .Precondition("PLEDGE", "pledge.pledgee", "no active pledge of the same")
      .Cite(Organizing());
}

absl::Status PledgesTooMany() {
  return Refusal(StatusCode::kFailedPrecondition, "PLEDGES_TOO_MANY",
                 "The contract already has the maximum number of pledges.")
      .Precondition("PLEDGE", "parent", "at most 20 active ones")
      .Cite(Organizing());
}

absl::Status NotCreditor() {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_CREDITOR",
                 "Only the party to whom a penalty is owed may settle it.")
      .Precondition("PENALTY", "name", "the creditor is needed")
      .Cite(NotBuying());
}

}  // namespace nisi::contracts::errors
