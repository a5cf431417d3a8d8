#include "services/suppliers/errors.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nisi::suppliers::errors {

using absl::StatusCode;
using base::Law;
using base::Refusal;

base::LegalBasis DomesticValue() {
  return Law(
      "Art. 1(2)",
      "Domestic value is the percentage of goods made and of works and services performed in "
      "the domestic market in their total volume.");
}
base::LegalBasis FormsOfEvidence() {
  return Law("Art. 9(6)", "The authorized body approves the rules for examining in-country value.");
}
base::LegalBasis DatabaseRules() {
  return Law("Art. 9(13)",
             "The authorized body approves the rules for forming and maintaining the database of "
             "goods, works, services and their suppliers.");
}
base::LegalBasis MonitoredList() {
  return Law("Art. 9(35)",
             "The authorized body approves the list of organizations whose purchases are subject "
             "to monitoring of domestic value.");
}
base::LegalBasis Collecting() {
  return Law("Art. 11(3)",
             "Local executive bodies collect and analyse information on in-country value in the "
             "purchases of the organizations on the list.");
}
base::LegalBasis Maintaining() {
  return Law("Art. 13(3)(1)",
             "The institute for in-country value forms and maintains the database of goods, works, "
             "services and their suppliers.");
}
base::LegalBasis Examination() {
  return Law("Art. 13(3)(2)",
             "The institute for in-country value monitors and examines in-country value.");
}
base::LegalBasis Subcontracting() {
  return Law("Art. 13(3)(4)",
             "The institute for in-country value is the centre of subcontracting.");
}
base::LegalBasis NewProduction() {
  return base::Law("Art. 46(1)(1)",
                   "Off-take contracts are for goods whose production the supplier organizes and "
                   "that were not available before.");
}
base::LegalBasis ListOfGoods() {
  return Law("Art. 47(4)",
             "The authorized body approves the list of goods before 1 August of each year and "
             "places it in the database to inform potential suppliers.");
}
base::LegalBasis Database() {
  return Law(
      "Art. 51(1)",
      "The authorized body, with the institute for in-country value, forms and maintains the "
      "database of goods, works, services and their suppliers.");
}
base::LegalBasis Kazakhstani() {
  return Law("Art. 51(2)",
             "The database provides a list of makers and suppliers of goods, works and services "
             "that are Kazakhstani.");
}
base::LegalBasis TermOfRegistration() {
  return Law("Art. 51(3)",
             "The database is formed by the rules for its formation and maintenance.");
}
base::LegalBasis FreeRegistration() {
  return Law(
      "Art. 51(4)(1)",
      "Individual entrepreneurs and legal entities register in the database free of charge.");
}
base::LegalBasis DomesticProducers() {
  return Law("Art. 51(4)(2)",
             "Information about domestic producers and domestic suppliers of works and services is "
             "published.");
}
base::LegalBasis SizeClasses() {
  base::LegalBasis basis = Law("Art. 24",
                               "Entities are micro, small, medium or large by their average number "
                               "of staff and their income.");
  basis.set_act("Entrepreneurial Code of the Republic of Kazakhstan");
  return basis;
}

absl::Status SizeNormMissing(absl::string_view root, int year) {
  return Refusal(StatusCode::kInvalidArgument, "SIZE_NORM_MISSING",
                 "The bounds of sizes for that financial year are not known.")
      .Field(absl::StrCat(root, "finance.year"),
             absl::StrCat("needs the norms of 1 January ", year + 1, ", which are not there"))
      .Cite(SizeClasses());
}

absl::Status ProfileIncomplete(const std::vector<const char*>& fields) {
  Refusal refusal(StatusCode::kFailedPrecondition, "PROFILE_INCOMPLETE",
                  absl::StrCat("The profile does not hold what a registration needs: ",
                               absl::StrJoin(fields, ", "), "."));
  for (const char* field : fields) refusal.Precondition("PROFILE", field, "is needed");
  return refusal.Cite(FreeRegistration());
}

absl::Status SupplierState(absl::string_view state, const char* needed) {
  return Refusal(StatusCode::kFailedPrecondition, "SUPPLIER_STATE",
                 "The registration of the supplier does not allow that.")
      .With("state", state)
      .Precondition("SUPPLIER_STATE", "state", needed)
      .Cite(Database());
}

absl::Status AnswerTwice(int index) {
  return base::InvalidField(absl::StrCat("answers[", index, "].check"),
                            "is answered twice in one request");
}

absl::Status ReviewOverrulesRegister(absl::string_view check) {
  return Refusal(StatusCode::kFailedPrecondition, "REVIEW_OVERRULES_REGISTER",
                 "What a state register denies cannot be accepted by hand.")
      .With("check", check)
      .Precondition("REGISTER_ANSWER", check, "the register must be put right first")
      .Cite(Maintaining());
}

absl::Status SuspensionEndPast() {
  return Refusal(StatusCode::kFailedPrecondition, "SUSPENSION_END_PAST",
                 "A suspension ends tomorrow or later.")
      .Precondition("SUSPENSION_END", "until", "tomorrow or later is needed")
      .Cite(Database());
}

absl::Status EvidenceExists() {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                 "Another supplier has evidence of this type, issuer and number.")
      .Cite(Examination());
}

absl::Status EvidenceTooMany(int64_t most) {
  return Refusal(StatusCode::kFailedPrecondition, "EVIDENCE_TOO_MANY",
                 "The supplier already has the maximum number of papers of evidence.")
      .With("most", absl::StrCat(most))
      .Precondition("EVIDENCE", "evidence.bin",
                    absl::StrCat("at most ", most, " papers a supplier"))
      .Cite(DatabaseRules());
}

absl::Status EvidenceDates(absl::string_view root) {
  return Refusal(StatusCode::kInvalidArgument, "EVIDENCE_DATES",
                 "The evidence ends before it begins.")
      .Field(absl::StrCat(root, "valid_until"), "must not be before valid_from")
      .Cite(FormsOfEvidence());
}

absl::Status EvidenceTermTooLong(absl::string_view root, base::Date longest) {
  return Refusal(StatusCode::kFailedPrecondition, "EVIDENCE_TERM_TOO_LONG",
                 "Evidence of this type does not count for so long.")
      .With("longest", longest.ToString())
      .Precondition("EVIDENCE_TERM", absl::StrCat(root, "valid_until"),
                    absl::StrCat("must not be after ", longest.ToString()))
      .Cite(FormsOfEvidence());
}

absl::Status EvidenceValue(absl::string_view root, int cover, bool conformity) {
  return Refusal(StatusCode::kInvalidArgument, "EVIDENCE_VALUE",
                 conformity ? "A document of conformity says nothing of in-country value."
                            : "Evidence of in-country value says how much it is.")
      .Field(absl::StrCat(root, "covers[", cover, "].in_country_value_bp"),
             conformity ? "must be 0" : "must be above 0")
      .Cite(Examination());
}

absl::Status CoverTwice(absl::string_view root, int cover) {
  return Refusal(StatusCode::kInvalidArgument, "COVER_TWICE",
                 "One good, work or service is covered twice.")
      .Field(absl::StrCat(root, "covers[", cover, "].ens_tru"), "is there already")
      .Cite(Examination());
}

absl::Status RevokeDate(const char* description) {
  return Refusal(StatusCode::kFailedPrecondition, "REVOKE_DATE",
                 "Evidence cannot be revoked from that day on.")
      .Precondition("REVOKE_DATE", "revoke_date", description)
      .Cite(Examination());
}

absl::Status EvidenceForeign(const std::string& evidence) {
  return Refusal(StatusCode::kFailedPrecondition, "EVIDENCE_FOREIGN",
                 "The supplier has no such evidence.")
      .With("evidence", evidence)
      .Precondition("EVIDENCE", evidence, "evidence of the same supplier is needed")
      .Cite(Kazakhstani());
}

absl::Status EvidenceDoesNotCover(const std::string& evidence) {
  return Refusal(StatusCode::kFailedPrecondition, "EVIDENCE_DOES_NOT_COVER",
                 "The evidence does not cover what is offered.")
      .With("evidence", evidence)
      .Precondition("EVIDENCE", evidence, "it must cover the ENS TRU code of the offer")
      .Cite(Kazakhstani());
}

absl::Status PriceRange(absl::string_view path) {
  return Refusal(StatusCode::kInvalidArgument, "PRICE_RANGE",
                 "The lowest price is above the highest.")
      .Field(absl::StrCat(path, "price_from"), "must not be above price_to")
      .Cite(Database());
}

absl::Status GoodsCodeOfNoGood(absl::string_view path) {
  return base::InvalidField(absl::StrCat(path, "goods_code"), "is for goods only");
}

absl::Status OffersTooMany(int64_t most) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFERS_TOO_MANY",
                 "The supplier already has the maximum number of offers.")
      .With("most", absl::StrCat(most))
      .Precondition("OFFERS", "bin", absl::StrCat("at most ", most, " offers a supplier"))
      .Cite(DatabaseRules());
}

absl::Status QuantityZero(absl::string_view field) {
  return Refusal(StatusCode::kInvalidArgument, "QUANTITY_ZERO", "The quantity is zero.")
      .Field(field, "must be above 0")
      .Cite(ListOfGoods());
}

absl::Status DemandState(absl::string_view state) {
  return Refusal(StatusCode::kFailedPrecondition, "DEMAND_STATE",
                 "The demand no longer takes responses.")
      .With("state", state)
      .Precondition("DEMAND_STATE", "state", "a demand that is OPEN is needed")
      .Cite(Subcontracting());
}

absl::Status DemandOfTheList() {
  return Refusal(StatusCode::kFailedPrecondition, "DEMAND_OF_THE_LIST",
                 "A line of the approved List of goods changes with its edition only.")
      .Precondition("DEMAND_SOURCE", "source", "a request for a subcontractor is needed")
      .Cite(ListOfGoods());
}

absl::Status RespondUntilPast(const char* field) {
  return Refusal(StatusCode::kFailedPrecondition, "RESPOND_UNTIL_PAST",
                 "The last day to respond has passed.")
      .Precondition("RESPOND_UNTIL", field, "today or later is needed")
      .Cite(Subcontracting());
}

absl::Status PublicationDiffers() {
  return Refusal(StatusCode::kFailedPrecondition, "PUBLICATION_DIFFERS",
                 "This edition was published with other content.")
      .Precondition("PUBLICATION", "demands", "a changed List is another edition")
      .Cite(ListOfGoods());
}

absl::Status ItemMissing(int demand) {
  return base::InvalidField(absl::StrCat("demands[", demand, "].item_id"), "is required");
}

absl::Status ItemTwice(int demand) {
  return Refusal(StatusCode::kInvalidArgument, "ITEM_TWICE",
                 "Two lines of the edition have the same id.")
      .Field(absl::StrCat("demands[", demand, "].item_id"), "is there already")
      .Cite(ListOfGoods());
}

absl::Status AnswerToItself() {
  return Refusal(StatusCode::kFailedPrecondition, "ANSWER_TO_ITSELF",
                 "A customer may not respond to its own demand.")
      .Precondition("CUSTOMER", "response.bin", "another BIN than that of whoever asks is needed")
      .Cite(Subcontracting());
}

absl::Status OfferForeign(const std::string& offer) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFER_FOREIGN",
                 "The supplier has no such offer.")
      .With("offer", offer)
      .Precondition("OFFER", offer, "an offer of the same supplier is needed")
      .Cite(Subcontracting());
}

absl::Status OfferDoesNotMatch(const std::string& offer, const char* what) {
  return Refusal(StatusCode::kFailedPrecondition, "OFFER_DOES_NOT_MATCH",
                 "The offer is not what the demand asks for.")
      .With("offer", offer)
      .Precondition("OFFER", offer, what)
      .Cite(Subcontracting());
}

absl::Status DemandsTooMany(int64_t most) {
  return Refusal(StatusCode::kFailedPrecondition, "DEMANDS_TOO_MANY",
                 "The customer already has the maximum number of open requests.")
      .With("most", absl::StrCat(most))
      .Precondition("DEMANDS", "demand.customer_bin",
                    absl::StrCat("at most ", most, " open at once"))
      .Cite(Subcontracting());
}

absl::Status SubscriptionsTooMany(int most) {
  return Refusal(StatusCode::kFailedPrecondition, "SUBSCRIPTIONS_TOO_MANY",
                 "The organization already has the maximum number of subscriptions.")
      .Precondition("SUBSCRIPTIONS", "subscription.bin", absl::StrCat("at most ", most))
      .Cite(ListOfGoods());
}

absl::Status MonitoredExists(const std::string& name) {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                 "The organization is already on the list.")
      .Resource("monitored", name);
}

absl::Status BeforeOrder(const char* field) {
  return Refusal(StatusCode::kFailedPrecondition, "ORDER_DATE_INVALID",
                 "The order is dated in the future, or after the day from which it is to hold.")
      .Precondition("ORDER_DATE", field, "today or earlier, not after effective_from")
      .Cite(MonitoredList());
}

absl::Status NotMonitored(base::Date day) {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_MONITORED",
                 "The organization was not on the list in the period, or on its first day for a "
                 "report.")
      .With("day", day.ToString())
      .Precondition("MONITORED", "parent", "an organization of the list is needed")
      .Cite(MonitoredList());
}

absl::Status NotListedOn(base::Date day) {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_MONITORED",
                 "The organization is not on the list on the day from which it is to be taken off.")
      .With("day", day.ToString())
      .Precondition("MONITORED", "effective_from", "a day on the list is needed")
      .Cite(MonitoredList());
}

absl::Status PeriodInvalid() {
  return Refusal(
             StatusCode::kInvalidArgument, "PERIOD_INVALID",
             "The period of a report lies in one calendar year and does not end before it begins.")
      .Field("report.period_to", "must not be before period_from, and in the same year")
      .Cite(Collecting());
}

absl::Status PeriodReversed() {
  return Refusal(StatusCode::kInvalidArgument, "PERIOD_INVALID",
                 "The period ends before it begins.")
      .Field("period_to", "must not be before period_from")
      .Cite(DomesticValue());
}

absl::Status PeriodsOverlap(const std::string& report) {
  return Refusal(StatusCode::kFailedPrecondition, "PERIODS_OVERLAP",
                 "Another report of the stage covers some days of the period and not all.")
      .With("report", report)
      .Precondition("PERIOD", report, "periods are the same or have no day in common")
      .Cite(Collecting());
}

absl::Status LineTwice(int line) {
  return Refusal(StatusCode::kInvalidArgument, "LINE_TWICE", "Two lines have the same number.")
      .Field(absl::StrCat("report.lines[", line, "].number"), "is there already")
      .Cite(Collecting());
}

absl::Status LineDate(int line, const char* what) {
  return Refusal(StatusCode::kInvalidArgument, "LINE_DATE",
                 "The contract of a line is not dated in the period.")
      .Field(absl::StrCat("report.lines[", line, "].contract_date"), what)
      .Cite(Collecting());
}

absl::Status LineAmount(int line) {
  return Refusal(StatusCode::kInvalidArgument, "LINE_AMOUNT", "The amount of a line is zero.")
      .Field(absl::StrCat("report.lines[", line, "].amount"), "must be above 0")
      .Cite(Collecting());
}

absl::Status ResidentShareMissing(int line) {
  return Refusal(StatusCode::kInvalidArgument, "RESIDENT_SHARE_MISSING",
                 "Give the share of residents in the works and services that were bought.")
      .Field(absl::StrCat("report.lines[", line, "].resident_share_bp"), "is required")
      .Cite(DomesticValue());
}

absl::Status SumTooLarge() {
  return Refusal(StatusCode::kInvalidArgument, "SUM_TOO_LARGE",
                 "The purchases of the period exceed 10^15 tenge in all.")
      .Cite(DomesticValue());
}

absl::Status NoReports() {
  return Refusal(StatusCode::kFailedPrecondition, "NO_REPORTS",
                 "No report of the stage lies in the period.")
      .Precondition("REPORTS", "period_from", "at least one report is needed")
      .Cite(MonitoredList());
}

}  // namespace nisi::suppliers::errors
