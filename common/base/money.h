// Sums in tenge, exact to the tiyn, percents, exact to two digits, and quantities, exact to three.
// Made only by checked constructors.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/type/money.pb.h"

namespace nisi::base {

// A sum in tenge; may be negative, is never over 10^15 tenge either way. The errors of all
// constructors and of arithmetic are INVALID_ARGUMENT with a short reason that never holds the
// value.
class Money {
 public:
  static constexpr int64_t kMaxTenge = 1'000'000'000'000'000;
  static constexpr int64_t kMaxTiyn = kMaxTenge * 100;

  constexpr Money() = default;  // Zero.

  static absl::StatusOr<Money> FromTiyn(int64_t tiyn);
  static absl::StatusOr<Money> FromTenge(int64_t tenge);
  // "1250.5": a decimal number with at most two decimals.
  static absl::StatusOr<Money> Parse(absl::string_view tenge);
  // The parts of a google.type.Money. The currency must be KZT, the signs must agree, at most two
  // decimals.
  static absl::StatusOr<Money> FromUnitsNanos(absl::string_view currency, int64_t units,
                                              int32_t nanos);
  static absl::StatusOr<Money> FromProto(const google::type::Money& money);

  int64_t tiyn() const { return tiyn_; }
  // The parts of a google.type.Money.
  int64_t units() const { return tiyn_ / 100; }
  int32_t nanos() const { return static_cast<int32_t>(tiyn_ % 100) * 10'000'000; }
  bool is_negative() const { return tiyn_ < 0; }
  bool is_zero() const { return tiyn_ == 0; }

  // Error when the result is over the limit.
  absl::StatusOr<Money> Add(Money other) const;
  absl::StatusOr<Money> Sub(Money other) const;

  google::type::Money ToProto() const;
  // "1250.50"
  std::string ToString() const;

  friend auto operator<=>(const Money&, const Money&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Money& m) {
    return H::combine(std::move(h), m.tiyn_);
  }

 private:
  explicit constexpr Money(int64_t tiyn) : tiyn_(tiyn) {}
  int64_t tiyn_ = 0;
};

// 0.00 to 100.00 percent.
class Percent {
 public:
  constexpr Percent() = default;  // Zero.

  static absl::StatusOr<Percent> FromHundredths(int64_t hundredths);
  // "12.5"; at most two decimals.
  static absl::StatusOr<Percent> Parse(absl::string_view text);

  // 12.5 % is 1250.
  int32_t hundredths() const { return hundredths_; }
  // "12.50"
  std::string ToString() const;

  friend auto operator<=>(const Percent&, const Percent&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Percent& p) {
    return H::combine(std::move(h), p.hundredths_);
  }

 private:
  explicit constexpr Percent(int32_t hundredths) : hundredths_(hundredths) {}
  int32_t hundredths_ = 0;
};

// How much of something, in whatever unit it is counted: 0 to 999,999,999,999.999.
class Quantity {
 public:
  static constexpr int64_t kMaxThousandths = 999'999'999'999'999;

  constexpr Quantity() = default;  // Zero.

  static absl::StatusOr<Quantity> FromThousandths(int64_t thousandths);
  // "1250.5"; at most three decimals.
  static absl::StatusOr<Quantity> Parse(absl::string_view text);

  int64_t thousandths() const { return thousandths_; }
  // "1250.500"
  std::string ToString() const;

  friend auto operator<=>(const Quantity&, const Quantity&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Quantity& q) {
    return H::combine(std::move(h), q.thousandths_);
  }

 private:
  explicit constexpr Quantity(int64_t thousandths) : thousandths_(thousandths) {}
  int64_t thousandths_ = 0;
};

}  // namespace nisi::base
