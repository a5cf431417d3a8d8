#include "common/norms/norms.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/norms/norm_keys.h"

namespace nisi::norms {
namespace {

absl::Status Misused(absl::string_view key, absl::string_view reason) {
  return absl::InternalError(absl::StrCat("The norm ", key, " ", reason));
}

// What a source names, in its own words: "Art. 26(2) of Law No. 86-VII: ...", or an act and where
// in it, as "Entrepreneurial Code, Art. 24; ...".
base::LegalBasis BasisOf(absl::string_view source) {
  constexpr absl::string_view kArticle = "Art. ";
  if (absl::StrContains(source, "Law No. 86-VII") && absl::StrContains(source, kArticle)) {
    const size_t at = source.find(kArticle);
    const size_t end = source.find_first_not_of("0123456789()-", at + kArticle.size());
    return base::Law(source.substr(at, std::min(end, source.size()) - at), source);
  }
  const size_t act_end = std::min(source.find_first_of(",;:"), source.size());
  const absl::string_view rest = source.substr(std::min(act_end + 1, source.size()));
  base::LegalBasis basis = base::Law(
      absl::StripAsciiWhitespace(rest.substr(0, std::min(rest.find(';'), rest.size()))), source);
  basis.set_act(std::string(source.substr(0, act_end)));
  return basis;
}

}  // namespace

absl::string_view Name(Unit unit) {
  switch (unit) {
    case Unit::kPoints:
      return "POINTS";
    case Unit::kCount:
      return "COUNT";
    case Unit::kDays:
      return "DAYS";
    case Unit::kWorkingDays:
      return "WORKING_DAYS";
    case Unit::kPercent:
      return "PERCENT";
    case Unit::kTenge:
      return "TENGE";
    case Unit::kRate:
      return "RATE";
    case Unit::kMonthDay:
      return "MONTH_DAY";
  }
  return "";
}

absl::string_view Name(Certainty certainty) {
  switch (certainty) {
    case Certainty::kStatute:
      return "STATUTE";
    case Certainty::kByLaw:
      return "BY_LAW";
    case Certainty::kAssumption:
      return "ASSUMPTION";
  }
  return "";
}

bool Norms::AssumesWorkingDays(base::Date first, base::Date last) const {
  const std::vector<Norm>& published = Series(kPublishedYear);
  for (int year = first.year(); year <= last.year(); ++year) {
    const auto touches = [year](const Norm& norm) {
      return norm.from.year() <= year && (!norm.to || norm.to->year() >= year);
    };
    const bool listed_whole = std::any_of(published.begin(), published.end(), touches);
    for (const auto& [key, series] : series_) {
      const bool rule =
          absl::StartsWith(key, kHolidaysMoving) || absl::StartsWith(key, kHolidaysStill);
      const bool day = key == kDayOff || key == kWorkingWeekend || key == kPublishedYear;
      // The rules do not apply to a year whose days off are listed whole.
      if (!day && (!rule || listed_whole)) continue;
      if (std::any_of(series.begin(), series.end(), [&touches](const Norm& norm) {
            return norm.certainty == Certainty::kAssumption && touches(norm);
          })) {
        return true;
      }
    }
  }
  return false;
}

absl::StatusOr<Norms> Norms::Default() {
  return LoadText(DefaultFiles());
}

const std::vector<Norm>& Norms::Series(absl::string_view key) const {
  static const std::vector<Norm> none;
  const auto found = series_.find(key);
  return found == series_.end() ? none : found->second;
}

absl::StatusOr<Norm> Norms::Get(absl::string_view key, base::Date date) const {
  const std::vector<Norm>& series = Series(key);
  if (series.empty() && FindKey(key) == nullptr) return Misused(key, "is not declared");
  // The last row that begins on or before the day.
  auto after = std::upper_bound(series.begin(), series.end(), date,
                                [](base::Date day, const Norm& norm) { return day < norm.from; });
  if (after != series.begin()) {
    const Norm& norm = *std::prev(after);
    if (!norm.to || date <= *norm.to) return norm;
  }
  base::Refusal refusal(absl::StatusCode::kFailedPrecondition, "NORM_NOT_IN_FORCE",
                        "No value of a norm is known for the date.");
  refusal.With("norm", key)
      .With("date", date.ToString())
      .Precondition("NORM", key, "has a value in force on the date");
  // By the source of the value nearest before the day, else of the first one.
  if (!series.empty()) {
    refusal.Cite(BasisOf((after == series.begin() ? *after : *std::prev(after)).source));
  }
  return refusal;
}

absl::StatusOr<int64_t> Norms::Int(absl::string_view key, base::Date date) const {
  ASSIGN_OR_RETURN(const Norm norm, Get(key, date));
  switch (norm.unit) {
    case Unit::kPoints:
    case Unit::kCount:
    case Unit::kDays:
    case Unit::kWorkingDays:
      return norm.millionths / Norm::kOne;
    default:
      return Misused(key, "is no count");
  }
}

absl::StatusOr<base::Percent> Norms::Percent(absl::string_view key, base::Date date) const {
  ASSIGN_OR_RETURN(const Norm norm, Get(key, date));
  if (norm.unit != Unit::kPercent) return Misused(key, "is no percentage");
  return base::Percent::FromHundredths(norm.millionths / (Norm::kOne / 100));
}

absl::StatusOr<base::Money> Norms::Tenge(absl::string_view key, base::Date date) const {
  ASSIGN_OR_RETURN(const Norm norm, Get(key, date));
  if (norm.unit != Unit::kTenge) return Misused(key, "is no sum of money");
  return base::Money::FromTiyn(norm.millionths / (Norm::kOne / 100));
}

}  // namespace nisi::norms
