// What the cells of an imported row become. One that does not read as what it is becomes a value
// that the form of its field refuses.
#pragma once

#include <cstdlib>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "common/base/date.h"
#include "common/base/decimal.h"
#include "common/base/money.h"
#include "google/type/date.pb.h"
#include "google/type/money.pb.h"

namespace nisi::industry_map {

inline constexpr int kNoEnum = 9999;

template <class Enum>
Enum EnumIn(const std::string& cell, bool (*parse)(const std::string&, Enum*)) {
  auto value = static_cast<Enum>(0);
  if (!cell.empty() && !parse(absl::AsciiStrToUpper(cell), &value))
    value = static_cast<Enum>(kNoEnum);
  return value;
}

inline int32_t NumberIn(const std::string& cell) {
  int32_t number = 0;
  return cell.empty() ? 0 : absl::SimpleAtoi(cell, &number) ? number : -1;
}

inline int32_t ShareIn(const std::string& cell) {
  const auto share = base::Percent::Parse(cell);
  return cell.empty() ? 0 : share.ok() ? share->hundredths() : -1;
}

// A share that may be over the whole, as the load of a capacity: the form of its field bounds it.
inline int32_t LoadIn(const std::string& cell) {
  const auto load = base::ParseDecimal(cell, 2);
  if (cell.empty()) return 0;
  return load.ok() && *load <= std::numeric_limits<int32_t>::max() ? static_cast<int32_t>(*load)
                                                                   : -1;
}

// Millionths of a degree. None where it does not read: the form of a point refuses that.
inline int32_t DegreesIn(const std::string& cell) {
  constexpr int64_t kMost = 180'000'000;
  const auto degrees = base::ParseDecimal(cell, 6);
  return degrees.ok() && std::abs(*degrees) <= kMost ? static_cast<int32_t>(*degrees) : -1;
}

inline google::type::Date DateIn(const std::string& cell) {
  const auto day = base::Date::Parse(cell);
  return day.ok() ? day->ToProto() : google::type::Date();
}

inline google::type::Money MoneyIn(const std::string& cell) {
  const auto sum = base::Money::Parse(cell);
  return sum.ok() ? sum->ToProto() : google::type::Money();
}

}  // namespace nisi::industry_map
