#include "services/priority_goods/errors.h"

#include "absl/strings/str_cat.h"

namespace nisi::priority_goods::errors {

using absl::StatusCode;
using base::Refusal;

base::LegalBasis ListOfPriorityGoods() {
  return base::Law("Art. 26(1)",
                   "The list of priority goods holds goods of medium and high processing only.");
}
base::LegalBasis Criteria() {
  return base::Law("Art. 26(2)",
                   "Goods are assessed by technological complexity, export potential and potential "
                   "in the domestic "
                   "market.");
}
base::LegalBasis Approval() {
  return base::Law("Art. 9(28)",
                   "The authorized body for state stimulation of industry approves the list.");
}
base::LegalBasis Drafting() {
  return base::Law("Art. 13(2)(2)",
                   "The national development institute for industry prepares the list.");
}

absl::Status LevelTooLow() {
  return Refusal(StatusCode::kFailedPrecondition, "LEVEL_TOO_LOW",
                 "A good of low processing cannot stand in the list of priority goods.")
      .Precondition("PROCESSING_LEVEL", "processing_level", "MEDIUM or HIGH is needed")
      .Cite(ListOfPriorityGoods());
}

absl::Status EntryOverlap(const std::string& other) {
  return Refusal(StatusCode::kFailedPrecondition, "ENTRY_OVERLAP",
                 "Another entry of this edition covers the same goods.")
      .With("entry", other)
      .Precondition("ENTRY_OVERLAP", other, "no good may be covered by two entries")
      .Cite(ListOfPriorityGoods());
}

absl::Status EntryExists(const std::string& name) {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                 "The edition has this entry already.")
      .Resource("entries", name);
}

absl::Status EditionState(v1::Edition::State state, const std::string& verb) {
  const std::string name = v1::Edition::State_Name(state);
  return Refusal(StatusCode::kFailedPrecondition, "EDITION_STATE",
                 absl::StrCat("An edition in state ", name, " does not allow: ", verb, "."))
      .With("state", name)
      .With("verb", verb)
      .Precondition("EDITION_STATE", "state", absl::StrCat(name, " does not allow ", verb))
      .Cite(ListOfPriorityGoods());
}

absl::Status EditionFrozen(v1::Edition::State state) {
  const std::string name = v1::Edition::State_Name(state);
  return Refusal(StatusCode::kFailedPrecondition, "EDITION_FROZEN",
                 "Only a draft or returned edition can be edited.")
      .With("state", name)
      .Precondition("EDITION_STATE", "state", "DRAFT or RETURNED is needed")
      .Cite(Drafting());
}

absl::Status EditionEmpty() {
  return Refusal(StatusCode::kFailedPrecondition, "EDITION_EMPTY", "The edition has no entries.")
      .Precondition("EDITION_EMPTY", "entries", "at least one entry is needed")
      .Cite(ListOfPriorityGoods());
}

absl::Status SeparationOfDuties() {
  return Refusal(StatusCode::kPermissionDenied, "SEPARATION_OF_DUTIES",
                 "Whoever prepared or submitted an edition does not decide on it.")
      .Cite(Approval());
}

absl::Status EffectiveDayTaken(base::Date day) {
  return Refusal(StatusCode::kFailedPrecondition, "EFFECTIVE_DAY_TAKEN",
                 "Another edition comes into force on that day.")
      .With("effectiveFrom", day.ToString())
      .Precondition("EFFECTIVE_DAY", "effective_from", "choose another day")
      .Cite(Approval());
}

absl::Status EffectiveDayPast() {
  return Refusal(StatusCode::kFailedPrecondition, "EFFECTIVE_DAY_PAST",
                 "An edition comes into force on the day of approval or later.")
      .Precondition("EFFECTIVE_DAY", "effective_from", "today or later is needed")
      .Cite(Approval());
}

absl::Status OrderDateInvalid(const std::string& why) {
  return Refusal(StatusCode::kFailedPrecondition, "ORDER_DATE_INVALID", why)
      .Precondition("ORDER_DATE", "order_date", why)
      .Cite(Approval());
}

absl::Status ScoreOverNorm(const std::string& field, int64_t maximum) {
  return Refusal(StatusCode::kInvalidArgument, "SCORE_OVER_NORM", "A score exceeds its maximum.")
      .With("maximum", absl::StrCat(maximum))
      .Field(absl::StrCat("assessment.", field),
             absl::StrCat("is over the norm of ", maximum, " points"))
      .Cite(Criteria());
}

absl::Status NameMissing(const std::string& field) {
  return base::InvalidField(field, "a name in Kazakh or Russian is needed");
}

absl::Status ImportTooLarge(size_t limit) {
  return Refusal(StatusCode::kInvalidArgument, "IMPORT_TOO_LARGE", "Too many rows for one import.")
      .With("maxRows", absl::StrCat(limit))
      .Field("rows", absl::StrCat("at most ", limit, " rows in all"));
}

absl::Status ImportOrder(const std::string& what) {
  return Refusal(StatusCode::kInvalidArgument, "IMPORT_ORDER",
                 "The stream begins with one header, then rows.")
      .Field("content", what);
}

}  // namespace nisi::priority_goods::errors
