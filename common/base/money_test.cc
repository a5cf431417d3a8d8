#include "common/base/money.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/base/status.h"

namespace nisi::base {
namespace {

TEST(MoneyTest, ParsesAndPrints) {
  const struct {
    const char* text;
    int64_t tiyn;
    const char* printed;
  } kCases[] = {
      {"0", 0, "0.00"},
      {"1250.5", 125050, "1250.50"},
      {"-0.01", -1, "-0.01"},
      {"1000000000000000", Money::kMaxTiyn, "1000000000000000.00"},
  };
  for (const auto& c : kCases) {
    const auto got = Money::Parse(c.text);
    ASSERT_TRUE(got.ok()) << c.text << got.status();
    EXPECT_EQ(got->tiyn(), c.tiyn);
    EXPECT_EQ(got->ToString(), c.printed);
  }
  for (const char* bad :
       {"", "1.005", "abc", "1000000000000000.01", "-1000000000000000.01", "1 000"}) {
    EXPECT_FALSE(Money::Parse(bad).ok()) << bad;
  }
}

TEST(MoneyTest, UnitsAndNanos) {
  constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();
  const struct {
    const char* currency;
    int64_t units;
    int32_t nanos;
    const char* reason;  // "" when accepted
    int64_t tiyn;
  } kCases[] = {
      {"KZT", 5, 250'000'000, "", 525},
      {"KZT", -5, -10'000'000, "", -501},
      {"KZT", 0, -10'000'000, "", -1},
      {"KZT", 0, 0, "", 0},
      {"USD", 5, 0, "is no sum in tenge (KZT)", 0},
      {"", 5, 0, "is no sum in tenge (KZT)", 0},
      {"KZT", 5, 1, "has more than 2 decimals", 0},
      {"KZT", 5, 5'000'000, "has more than 2 decimals", 0},
      {"KZT", 5, -10'000'000, "has units and nanos of different signs", 0},
      {"KZT", -5, 10'000'000, "has units and nanos of different signs", 0},
      {"KZT", 0, 1'000'000'000, "has nanos outside -999999999 to 999999999", 0},
      {"KZT", 0, std::numeric_limits<int32_t>::min(), "has nanos outside -999999999 to 999999999",
       0},
      {"KZT", Money::kMaxTenge, 10'000'000, "is over 10^15 tenge", 0},
      {"KZT", kMax64, 0, "is over 10^15 tenge", 0},
      {"KZT", kMin64, 0, "is over 10^15 tenge", 0},
  };
  for (const auto& c : kCases) {
    const auto got = Money::FromUnitsNanos(c.currency, c.units, c.nanos);
    ASSERT_EQ(std::string(got.status().message()), c.reason) << c.units << " " << c.nanos;
    if (!got.ok()) continue;
    EXPECT_EQ(got->tiyn(), c.tiyn);
    EXPECT_EQ(got->units(), c.units);
    EXPECT_EQ(got->nanos(), c.nanos);
  }
}

TEST(MoneyTest, ArithmeticStaysInBounds) {
  const Money max = *Money::FromTenge(Money::kMaxTenge);
  const Money min = *Money::FromTenge(-Money::kMaxTenge);
  const Money tiyn = *Money::FromTiyn(1);
  // Whoever sends sums that do not add up is told so by a reason of its own.
  for (const auto& sum : {max.Add(tiyn), min.Sub(tiyn), max.Sub(min)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(sum.status()));
    EXPECT_EQ(ReasonOf(sum.status()), "SUMS_TOO_LARGE");
  }
  EXPECT_EQ(*max.Add(min), Money());
  EXPECT_EQ(max.Sub(tiyn)->Add(tiyn).value(), max);
  EXPECT_LT(min, max);
  EXPECT_TRUE(min.is_negative());
  EXPECT_FALSE(Money::FromTiyn(std::numeric_limits<int64_t>::min()).ok());
  EXPECT_FALSE(Money::FromTenge(std::numeric_limits<int64_t>::max()).ok());
}

TEST(MoneyTest, OnTheWireAndBack) {
  for (const int64_t tiyn : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{125'050},
                             int64_t{-125'050}, Money::kMaxTiyn, -Money::kMaxTiyn}) {
    const google::type::Money proto = Money::FromTiyn(tiyn)->ToProto();
    EXPECT_EQ(proto.currency_code(), "KZT");
    EXPECT_EQ(Money::FromProto(proto)->tiyn(), tiyn);
  }
  EXPECT_FALSE(Money::FromProto(google::type::Money()).ok());
}

TEST(QuantityTest, ThreeExactDigitsAndNeverNegative) {
  EXPECT_EQ(Quantity::Parse("1250.5")->thousandths(), 1'250'500);
  EXPECT_EQ(Quantity::Parse("1250.5")->ToString(), "1250.500");
  EXPECT_EQ(Quantity::Parse("0")->thousandths(), 0);
  EXPECT_EQ(Quantity::Parse("999999999999.999")->thousandths(), Quantity::kMaxThousandths);
  EXPECT_EQ(*Quantity::Parse("5"), *Quantity::Parse("5.0"));
  EXPECT_LT(*Quantity::Parse("9.9"), *Quantity::Parse("10"));
  for (const char* bad :
       {"-0.001", "1000000000000", "1.0005", "", "NaN", "5,5", "1e3", "+5", " 5", "05"}) {
    EXPECT_FALSE(Quantity::Parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(Quantity::FromThousandths(-1).ok());
  EXPECT_FALSE(Quantity::FromThousandths(Quantity::kMaxThousandths + 1).ok());
}

TEST(PercentTest, TwoExactDigitsFrom0To100) {
  EXPECT_EQ(Percent::Parse("12.5")->hundredths(), 1250);
  EXPECT_EQ(Percent::Parse("100")->ToString(), "100.00");
  EXPECT_EQ(Percent::Parse("0")->ToString(), "0.00");
  for (const char* bad : {"-0.01", "100.01", "1.005", "", "NaN", "5%"}) {
    EXPECT_FALSE(Percent::Parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(Percent::FromHundredths(-1).ok());
  EXPECT_FALSE(Percent::FromHundredths(10'001).ok());
  EXPECT_LT(*Percent::Parse("9.99"), *Percent::Parse("10"));
}

}  // namespace
}  // namespace nisi::base
