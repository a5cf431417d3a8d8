#include "common/base/money.h"

#include "common/base/decimal.h"
#include "common/base/status.h"
#include "common/base/sums.h"

namespace nisi::base {
namespace {

constexpr int32_t kNanosPerTiyn = 10'000'000;
constexpr int32_t kNanosPerTenge = 1'000'000'000;

absl::Status OverLimit() {
  return absl::InvalidArgumentError("is over 10^15 tenge");
}

}  // namespace

absl::Status SumsTooLarge() {
  return Refusal(absl::StatusCode::kInvalidArgument, "SUMS_TOO_LARGE",
                 "The sums come to more than 10^15 tenge together.");
}

absl::StatusOr<Money> Money::FromTiyn(int64_t tiyn) {
  if (tiyn > kMaxTiyn || tiyn < -kMaxTiyn) return OverLimit();
  return Money(tiyn);
}

absl::StatusOr<Money> Money::FromTenge(int64_t tenge) {
  if (tenge > kMaxTenge || tenge < -kMaxTenge) return OverLimit();
  return Money(tenge * 100);
}

absl::StatusOr<Money> Money::Parse(absl::string_view tenge) {
  ASSIGN_OR_RETURN(const int64_t tiyn, ParseDecimal(tenge, 2));
  return FromTiyn(tiyn);
}

absl::StatusOr<Money> Money::FromUnitsNanos(absl::string_view currency, int64_t units,
                                            int32_t nanos) {
  if (currency != "KZT") return absl::InvalidArgumentError("is no sum in tenge (KZT)");
  if (nanos <= -kNanosPerTenge || nanos >= kNanosPerTenge) {
    return absl::InvalidArgumentError("has nanos outside -999999999 to 999999999");
  }
  if ((units > 0 && nanos < 0) || (units < 0 && nanos > 0)) {
    return absl::InvalidArgumentError("has units and nanos of different signs");
  }
  if (nanos % kNanosPerTiyn != 0) return absl::InvalidArgumentError("has more than 2 decimals");
  if (units > kMaxTenge || units < -kMaxTenge) return OverLimit();
  return FromTiyn(units * 100 + nanos / kNanosPerTiyn);
}

absl::StatusOr<Money> Money::FromProto(const google::type::Money& money) {
  return FromUnitsNanos(money.currency_code(), money.units(), money.nanos());
}

absl::StatusOr<Money> Money::Add(Money other) const {
  int64_t sum = 0;
  if (__builtin_add_overflow(tiyn_, other.tiyn_, &sum)) return SumsTooLarge();
  if (sum > kMaxTiyn || sum < -kMaxTiyn) return SumsTooLarge();
  return Money(sum);
}

absl::StatusOr<Money> Money::Sub(Money other) const {
  return Add(Money(-other.tiyn_));
}

google::type::Money Money::ToProto() const {
  google::type::Money proto;
  proto.set_currency_code("KZT");
  proto.set_units(units());
  proto.set_nanos(nanos());
  return proto;
}

std::string Money::ToString() const {
  return FormatDecimal(tiyn_, 2);
}

absl::StatusOr<Percent> Percent::FromHundredths(int64_t hundredths) {
  if (hundredths < 0 || hundredths > 10'000) {
    return absl::InvalidArgumentError("is not between 0 and 100 percent");
  }
  return Percent(static_cast<int32_t>(hundredths));
}

absl::StatusOr<Percent> Percent::Parse(absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t hundredths, ParseDecimal(text, 2));
  return FromHundredths(hundredths);
}

std::string Percent::ToString() const {
  return FormatDecimal(hundredths_, 2);
}

absl::StatusOr<Quantity> Quantity::FromThousandths(int64_t thousandths) {
  if (thousandths < 0) return absl::InvalidArgumentError("is negative");
  if (thousandths > kMaxThousandths) {
    return absl::InvalidArgumentError("has more than 12 digits before the point");
  }
  return Quantity(thousandths);
}

absl::StatusOr<Quantity> Quantity::Parse(absl::string_view text) {
  if (!text.empty() && text.front() == '-')
    return absl::InvalidArgumentError("is negative");  // "-0", too
  ASSIGN_OR_RETURN(const int64_t thousandths, ParseDecimal(text, 3));
  return FromThousandths(thousandths);
}

std::string Quantity::ToString() const {
  return FormatDecimal(thousandths_, 3);
}

}  // namespace nisi::base
