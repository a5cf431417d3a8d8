// Legal time: civil dates, quarters and periods of Kazakhstan (Asia/Almaty of the tz database).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/type/date.pb.h"

namespace nisi::base {

// INTERNAL when the tz database is missing, or older than the change to UTC+5 of 1 March 2024.
// Every main calls this at its start.
absl::Status CheckLegalZone();
// Says why and ends the process when CheckLegalZone() fails: a legal day by another zone would be
// wrong.
absl::TimeZone LegalZone();

// A civil date from 1990-01-01 to 2199-12-31. Arithmetic stops at the ends of that range.
// Constructors fail with INVALID_ARGUMENT and a short reason that never holds the value.
class Date {
 public:
  constexpr Date() = default;  // Min().
  static constexpr Date Min() { return Date(kMinDays); }
  static constexpr Date Max() { return Date(kMaxDays); }

  static absl::StatusOr<Date> Of(int64_t year, int64_t month, int64_t day);
  // "2026-01-31"
  static absl::StatusOr<Date> Parse(absl::string_view text);
  static absl::StatusOr<Date> FromProto(const google::type::Date& date);
  // Days since 1970-01-01.
  static absl::StatusOr<Date> FromDays(int64_t days);
  // The legal civil day of an instant; the nearest end for an instant outside the range.
  static Date LegalDay(absl::Time t);

  int year() const;
  int month() const;
  int day() const;
  // Days since 1970-01-01.
  int32_t days() const { return days_; }
  // 0 is Monday, 6 Sunday.
  int weekday() const { return (days_ + 3) % 7; }
  bool is_weekend() const { return weekday() >= 5; }

  // 00:00 legal time.
  absl::Time StartOfDay() const;
  // The first moment after the day: 00:00 of the next.
  absl::Time EndOfDay() const;
  Date AddDays(int64_t n) const;

  google::type::Date ToProto() const;
  std::string ToString() const;

  friend auto operator<=>(const Date&, const Date&) = default;
  friend int32_t operator-(Date a, Date b) { return a.days_ - b.days_; }
  template <class H>
  friend H AbslHashValue(H h, const Date& d) {
    return H::combine(std::move(h), d.days_);
  }

 private:
  static constexpr int32_t kMinDays = 7305;   // 1990-01-01
  static constexpr int32_t kMaxDays = 84005;  // 2199-12-31
  explicit constexpr Date(int32_t days) : days_(days) {}
  int32_t days_ = kMinDays;
};

// A calendar quarter, "2026Q3".
class Quarter {
 public:
  static absl::StatusOr<Quarter> Of(int64_t year, int64_t quarter);
  static absl::StatusOr<Quarter> Parse(absl::string_view text);
  static Quarter Containing(Date date);

  int year() const { return index_ / 4; }
  int quarter() const { return index_ % 4 + 1; }
  Date first_day() const;
  Date last_day() const;
  // Error past the last year.
  absl::StatusOr<Quarter> Next() const;
  std::string ToString() const;

  friend auto operator<=>(const Quarter&, const Quarter&) = default;

 private:
  explicit Quarter(int32_t index) : index_(index) {}
  int32_t index_;  // year * 4 + quarter - 1
};

// First and last day, both included.
class Period {
 public:
  // Error when it ends before it starts.
  static absl::StatusOr<Period> Of(Date first, Date last);

  Date first() const { return first_; }
  Date last() const { return last_; }
  bool Contains(Date date) const { return first_ <= date && date <= last_; }

  friend bool operator==(const Period&, const Period&) = default;

 private:
  Period(Date first, Date last) : first_(first), last_(last) {}
  Date first_;
  Date last_;
};

}  // namespace nisi::base
