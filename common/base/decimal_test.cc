#include "common/base/decimal.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace nisi::base {
namespace {

TEST(DecimalTest, ParsesExactly) {
  const struct {
    const char* text;
    int scale;
    int64_t want;
  } kCases[] = {
      {"0", 2, 0},      {"12.5", 2, 1250},    {"12.50", 2, 1250},
      {"-0.01", 2, -1}, {"7", 0, 7},          {"0.000001", 6, 1},
      {"-12", 0, -12},  {"100.00", 2, 10000}, {"92233720368547758.07", 2, 9223372036854775807},
  };
  for (const auto& c : kCases) {
    const auto got = ParseDecimal(c.text, c.scale);
    ASSERT_TRUE(got.ok()) << c.text << ": " << got.status();
    EXPECT_EQ(*got, c.want) << c.text;
  }
}

TEST(DecimalTest, RefusesWithAReason) {
  const struct {
    const char* text;
    int scale;
    const char* reason;
  } kCases[] = {
      {"", 2, "is not a decimal number"},
      {"-", 2, "is not a decimal number"},
      {".5", 2, "is not a decimal number"},
      {"5.", 2, "is not a decimal number"},
      {"+5", 2, "is not a decimal number"},
      {" 5", 2, "is not a decimal number"},
      {"05", 2, "is not a decimal number"},
      {"1e3", 2, "is not a decimal number"},
      {"1,5", 2, "is not a decimal number"},
      {"1.2.3", 2, "is not a decimal number"},
      {"--1", 2, "is not a decimal number"},
      {"1.005", 2, "has more than 2 decimals"},
      {"1.0", 0, "has more than 0 decimals"},
      {"92233720368547758.08", 2, "is too large"},
      {"99999999999999999999999", 0, "is too large"},
  };
  for (const auto& c : kCases) {
    const auto got = ParseDecimal(c.text, c.scale);
    ASSERT_FALSE(got.ok()) << c.text;
    EXPECT_EQ(std::string(got.status().message()), c.reason) << c.text;
  }
}

TEST(DecimalTest, Formats) {
  EXPECT_EQ(FormatDecimal(1250, 2), "12.50");
  EXPECT_EQ(FormatDecimal(5, 2), "0.05");
  EXPECT_EQ(FormatDecimal(-5, 2), "-0.05");
  EXPECT_EQ(FormatDecimal(0, 2), "0.00");
  EXPECT_EQ(FormatDecimal(42, 0), "42");
  EXPECT_EQ(FormatDecimal(std::numeric_limits<int64_t>::min(), 2), "-92233720368547758.08");
}

}  // namespace
}  // namespace nisi::base
