// Terms of the law: until when something is to be done that a norm gives days for.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/date.h"
#include "common/norms/norms.h"

namespace nisi::norms {

struct Term {
  base::Date since;     // the day of the event; the term begins on the day after
  base::Date last_day;  // still in time
  std::string norm;
  // The norm is one, or in working days which of its days are worked.
  bool assumption = false;

  // The first moment that is too late: 00:00 legal time of the day after the last.
  absl::Time end() const { return last_day.EndOfDay(); }
};

// The term of a norm in WORKING_DAYS or DAYS from an event on `day`, by its value on that day: a
// norm that changes later changes later terms. NORM_NOT_IN_FORCE; INTERNAL for a norm in other
// units.
absl::StatusOr<Term> TermOf(const Norms& norms, absl::string_view key, base::Date day);

}  // namespace nisi::norms
