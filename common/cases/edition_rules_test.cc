#include "common/cases/edition_rules.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nisi::cases {
namespace {

using ::testing::ElementsAre;

TEST(CoveringTest, TheLongestFirst) {
  EXPECT_THAT(Covering("8504232900"), ElementsAre("8504232900", "85042329", "850423", "8504"));
  EXPECT_THAT(Covering("62.01.1"), ElementsAre("62.01.1", "62.01"));
  EXPECT_THAT(Covering("8504"), ElementsAre("8504"));
}

TEST(FindOverlapTest, AboveBelowSameAndNone) {
  const std::set<std::string> codes{"0101", "850423", "8708299000", "87089910", "62.01"};
  struct {
    const char* code;
    const char* other;  // null: free
  } const cases[] = {
      {"0101", "0101"},           {"010121", "0101"},      {"0101210000", "0101"},
      {"850423", "850423"},       {"8504", "850423"},      {"85042300", "850423"},
      {"8504230000", "850423"},   {"8708", "8708299000"},  {"870829", "8708299000"},
      {"87082990", "8708299000"}, {"870899", "87089910"},  {"850424", nullptr},
      {"0102", nullptr},          {"8708299001", nullptr}, {"87089911", nullptr},
      {"850422", nullptr},        {"62.01.1", "62.01"},    {"62.02", nullptr},
  };
  for (const auto& c : cases) {
    const auto other = FindOverlap(codes, c.code);
    EXPECT_EQ(other.value_or("free"), c.other == nullptr ? "free" : c.other) << c.code;
  }
  EXPECT_FALSE(FindOverlap({}, "0101").has_value());
}

TEST(CheckNamedTest, OneOfTwoLanguagesIsEnough) {
  EXPECT_TRUE(CheckNamed("атауы", "", "edition.title_ru").ok());
  EXPECT_TRUE(CheckNamed("", "название", "edition.title_ru").ok());
  const absl::Status refused = CheckNamed("", "", "edition.title_ru");
  EXPECT_EQ(base::ReasonOf(refused), "INVALID_FIELD");
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "edition.title_ru");
}

}  // namespace
}  // namespace nisi::cases
