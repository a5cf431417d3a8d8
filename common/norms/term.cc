#include "common/norms/term.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::norms {

absl::StatusOr<Term> TermOf(const Norms& norms, absl::string_view key, base::Date day) {
  ASSIGN_OR_RETURN(const Norm norm, norms.Get(key, day));
  if (norm.unit != Unit::kWorkingDays && norm.unit != Unit::kDays) {
    return absl::InternalError(absl::StrCat("The norm ", key, " is no term"));
  }
  ASSIGN_OR_RETURN(const int64_t days, norms.Int(key, day));
  Term term;
  term.since = day;
  term.last_day = norm.unit == Unit::kWorkingDays ? norms.calendar().AddWorkingDays(day, days)
                                                  : day.AddDays(days);
  term.norm = norm.key;
  term.assumption =
      norm.certainty == Certainty::kAssumption ||
      (norm.unit == Unit::kWorkingDays && norms.AssumesWorkingDays(day, term.last_day));
  return term;
}

}  // namespace nisi::norms
