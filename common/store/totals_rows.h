// The rows of totals, as layout.h has them. Private to the store.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/date.h"
#include "common/store/engine.h"
#include "common/store/totals.h"

namespace nisi::store {

inline constexpr char kTotalsGroup = 'c';
inline constexpr char kTotalsDay = 'd';
inline constexpr char kTotalsLog = 'l';

// The row of a group. It says itself which days it speaks of, so a day's turn writes nothing.
struct GroupRow {
  base::Date through;                   // the sums are those in force on this day
  base::Date next = base::Date::Max();  // and on those after it, up to this one at least
  int64_t recorded_us = 0;              // nothing was recorded after it
  Sums sums;
};

std::string GroupKey(const TotalsDef& totals, absl::string_view group);
std::string DayKey(const TotalsDef& totals, absl::string_view group, base::Date day);
std::string LogKey(const TotalsDef& totals, absl::string_view group, int64_t recorded_us,
                   base::Date day);
// The rows of groups that begin with `prefix`.
std::string GroupsPrefix(const TotalsDef& totals, const Key& prefix);
// DATA_LOSS when the key is not that of such a row.
absl::StatusOr<std::string> DecodeGroupKey(absl::string_view key);
// Of a row of a day or of the log.
absl::StatusOr<base::Date> DayOfKey(absl::string_view key);

std::string EncodeGroup(const GroupRow& row);
absl::StatusOr<GroupRow> DecodeGroup(const TotalsDef& totals, absl::string_view value);
std::string EncodeSums(const Sums& sums);
absl::StatusOr<Sums> DecodeSums(const TotalsDef& totals, absl::string_view value);

bool IsZero(const Sums& sums);
// Adds `sign` (1 or -1) times what is added; past 128 bits it wraps.
void AddTo(Sums* sums, absl::Span<const Int> added, int sign = 1);

// Adds the days from `first` to `last` of a group. `cursor` walks the rows of days of these totals.
absl::Status SumDays(const TotalsDef& totals, absl::string_view group, base::Date first,
                     base::Date last, int sign, Cursor* cursor, Sums* sums);

}  // namespace nisi::store
