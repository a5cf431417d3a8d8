#include "services/priority_goods/errors.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/priority_goods/rules.h"

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
base::LegalBasis LevelOfAGood() {
  return base::Law("Art. 26(2)",
                   "The level of processing of a good is determined by one approved methodology.");
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

absl::Status LevelNotAssessed(const std::vector<AssessedLevel>& others) {
  constexpr size_t kNamed = 10;  // details are bounded
  const AssessedLevel& first = others.front();
  Refusal refusal(StatusCode::kFailedPrecondition, "LEVEL_NOT_ASSESSED",
                  absl::StrCat("The entry ", first.goods_code, " says ",
                               v1::ProcessingLevel_Name(first.entry), ", while ", first.assessment,
                               " determines ", v1::ProcessingLevel_Name(first.assessed), "."));
  refusal.With("goodsCode", first.goods_code)
      .With("entryLevel", v1::ProcessingLevel_Name(first.entry))
      .With("assessedLevel", v1::ProcessingLevel_Name(first.assessed))
      .With("assessment", first.assessment)
      .With("count", absl::StrCat(others.size()))
      .Cite(LevelOfAGood());
  for (size_t i = 0; i < std::min(others.size(), kNamed); ++i) {
    const AssessedLevel& other = others[i];
    refusal.Precondition(
        "PROCESSING_LEVEL", other.goods_code,
        absl::StrCat(other.assessment, " determines ", v1::ProcessingLevel_Name(other.assessed),
                     other.assessed == v1::LOW ? ", which cannot stand in the list" : " for it"));
  }
  return refusal;
}

absl::Status EntryExists(const std::string& name) {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                 "The edition has this entry already.")
      .Resource("entries", name)
      .Cite(LevelOfAGood());
}

absl::Status EffectiveBeforeOrder() {
  return base::InvalidField("effective_from", "must not be before order_date");
}

absl::Status ScoreOverNorm(const std::string& field, int64_t maximum) {
  return Refusal(StatusCode::kInvalidArgument, "SCORE_OVER_NORM", "A score exceeds its maximum.")
      .With("maximum", absl::StrCat(maximum))
      .Field(absl::StrCat("assessment.", field),
             absl::StrCat("is over the norm of ", maximum, " points"))
      .Cite(Criteria());
}

}  // namespace nisi::priority_goods::errors
