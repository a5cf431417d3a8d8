#include "common/cases/refusals.h"

#include "absl/strings/str_cat.h"

namespace nisi::cases {

using absl::StatusCode;
using base::LegalBasis;
using base::Refusal;

absl::Status RecordExists(const std::string& collection, const std::string& name) {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_EXISTS", "This record exists already.")
      .Resource(collection, name);
}

absl::Status DecisionMissing(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "DECISION_MISSING",
                 "No decision of this record stands, so there is none to replay.")
      .Precondition("DECISION", "name", "a record with a decision is needed")
      .Cite(basis);
}

absl::Status OrderDateInvalid(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "ORDER_DATE_INVALID",
                 "The order is dated in the future.")
      .Precondition("ORDER_DATE", "order_date", "today or earlier is needed")
      .Cite(basis);
}

absl::Status PlaceEnded(const std::string& field, const std::string& kato,
                        const std::string& successor, const LegalBasis& basis) {
  return Refusal(StatusCode::kInvalidArgument, "PLACE_ENDED",
                 "The code of the place is no longer in force: give the code of its successor.")
      .With("kato", kato)
      .With("successor", successor)
      .Field(field, absl::StrCat("has ended; ", successor, " took over from it"))
      .Cite(basis);
}

absl::Status EditionEmpty(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "EDITION_EMPTY", "The edition has no entries.")
      .Precondition("EDITION_EMPTY", "entries", "at least one entry is needed")
      .Cite(basis);
}

absl::Status EffectiveDayPast(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "EFFECTIVE_DAY_PAST",
                 "An edition comes into force on the day of approval or later.")
      .Precondition("EFFECTIVE_DAY", "effective_from", "today or later is needed")
      .Cite(basis);
}

absl::Status EffectiveDayTaken(base::Date day, const std::string& edition,
                               const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "EFFECTIVE_DAY_TAKEN",
                 "Another edition comes into force on that day.")
      .With("effectiveFrom", day.ToString())
      .With("edition", edition)
      .Precondition("EFFECTIVE_DAY", "effective_from", "choose another day")
      .Cite(basis);
}

absl::Status EntryOverlap(const std::string& other, const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "ENTRY_OVERLAP",
                 "Another entry of this edition covers the same.")
      .With("entry", other)
      .Precondition("ENTRY_OVERLAP", other, "nothing may be covered by two entries")
      .Cite(basis);
}

absl::Status CostsIncomplete(const std::string& field, const LegalBasis& basis) {
  return Refusal(StatusCode::kInvalidArgument, "COSTS_INCOMPLETE",
                 "Answer every cost item, with a remark where less than all of it is accepted.")
      .Field(field, "is needed for each cost item")
      .Cite(basis);
}

absl::Status AcceptedOverCost(const std::string& field, const LegalBasis& basis) {
  return Refusal(StatusCode::kInvalidArgument, "ACCEPTED_OVER_COST",
                 "More is accepted than the item costs.")
      .Field(field, "is over the cost of the item")
      .Cite(basis);
}

absl::Status SignedAlready(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "SIGNED_ALREADY", "The party has already signed.")
      .Precondition("SIGNATURES", "signatures", "the other party signs")
      .Cite(basis);
}

absl::Status TextDiffers(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "TEXT_DIFFERS",
                 "The signature is for another text.")
      .Precondition("TEXT", "text_sha256", "the hash of the text is needed")
      .Cite(basis);
}

absl::Status ExcuseNotSupported(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "EXCUSE_NOT_SUPPORTED",
                 "A failure can be excused only for circumstances beyond the recipient's control.")
      .Precondition("EXCUSE", "beyond_control", "circumstances beyond control, with documents")
      .Cite(basis);
}

absl::Status RepaymentRecorded(const LegalBasis& basis) {
  return Refusal(StatusCode::kAlreadyExists, "REPAYMENT_RECORDED",
                 "A payment of this number and day is already recorded.")
      .Cite(basis);
}

absl::Status RepaymentAlike(const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "REPAYMENT_ALIKE",
                 "A payment of this number and sum is already recorded for another day.")
      .Precondition("REPAYMENT", "another_payment",
                    "that it is another payment must be said where it is")
      .Cite(basis);
}

absl::Status RepaymentUnknown(const std::string& field, const LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "REPAYMENT_UNKNOWN",
                 "There is no such repayment that counts.")
      .Precondition("REPAYMENT", field, "one that is recorded and not undone is needed")
      .Cite(basis);
}

}  // namespace nisi::cases
