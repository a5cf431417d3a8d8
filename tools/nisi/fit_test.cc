#include "tools/nisi/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nisi::cli {
namespace {

using ::testing::ElementsAre;

TEST(FitTest, WhatFitsStaysAsItIs) {
  EXPECT_THAT(FitColumns({{"name", 10, 10}, {"note", 68, 68}}, 80, true), ElementsAre(10, 68));
}

TEST(FitTest, LongTextsAreCutFirst) {
  EXPECT_THAT(FitColumns({{"name", 10, 10}, {"note", 90, 90}, {"etag", 8, 8}}, 80, true),
              ElementsAre(10, 58, 8));
  // The first text keeps more than the second.
  EXPECT_THAT(FitColumns({{"name", 10, 10}, {"name_kk", 50, 50}, {"name_ru", 50, 50}}, 80, true),
              ElementsAre(10, 50, 16));
}

TEST(FitTest, ThenTheLeastTellingColumnsGo) {
  const std::vector<FitColumn> columns = {{"name", 25, 25},    {"name_kk", 50, 50},
                                          {"name_ru", 50, 50}, {"sector", 9, 9},
                                          {"state", 10, 10},   {"etag", 8, 8}};
  EXPECT_THAT(FitColumns(columns, 94, true), ElementsAre(25, 16, 16, 9, 10, 8));
  EXPECT_THAT(FitColumns(columns, 93, true), ElementsAre(25, 25, 16, 9, 10, 0));
  EXPECT_THAT(FitColumns(columns, 80, true), ElementsAre(25, 30, 0, 9, 10, 0));
  EXPECT_THAT(FitColumns(columns, 60, true), ElementsAre(25, 21, 0, 0, 10, 0));
}

TEST(FitTest, WhatIsNestedTellsLess) {
  EXPECT_THAT(FitColumns({{"kind", 7, 7}, {"before.name", 25, 25}, {"name", 25, 25}}, 40, true),
              ElementsAre(7, 0, 25));
}

TEST(FitTest, AHeadingDoesNotKeepAColumnWide) {
  EXPECT_THAT(
      FitColumns({{"name", 25, 25}, {"export_potential", 2, 16}, {"state", 10, 10}}, 50, true),
      ElementsAre(25, 11, 10));
}

TEST(FitTest, WhereOnlyTellingColumnsAreLeftTheyAreCut) {
  EXPECT_THAT(FitColumns({{"name", 60, 60}, {"state", 10, 10}, {"order_date", 10, 10}}, 50, true),
              ElementsAre(26, 10, 10));
  EXPECT_THAT(FitColumns({{"name", 60, 60}, {"note", 60, 60}}, 20, true), ElementsAre(9, 9));
}

TEST(FitTest, OnceTheHeadingIsPrintedNothingMoreGoes) {
  EXPECT_THAT(
      FitColumns(
          {{"name", 25, 25}, {"note", 90, 90}, {"sector", 9, 9, /*shown=*/false}, {"etag", 20, 20}},
          60, false),
      ElementsAre(25, 16, 0, 15));
}

}  // namespace
}  // namespace nisi::cli
