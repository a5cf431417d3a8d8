#include "common/rpc/order_by.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nisi::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

absl::StatusOr<std::vector<OrderKey>> Parse(absl::string_view text) {
  return ParseOrderBy(text, {"name", "made_on", "row.amount"});
}

TEST(ParseOrderBy, ReadsFieldsAndDirections) {
  EXPECT_THAT(*Parse(""), IsEmpty());
  EXPECT_THAT(*Parse("  "), IsEmpty());
  EXPECT_THAT(*Parse("name"), ElementsAre(OrderKey{"name", false}));
  EXPECT_THAT(*Parse(" made_on  desc ,name"),
              ElementsAre(OrderKey{"made_on", true}, OrderKey{"name", false}));
  EXPECT_THAT(*Parse("row.amount desc"), ElementsAre(OrderKey{"row.amount", true}));
}

TEST(ParseOrderBy, RefusesTheRestWithThePosition) {
  const std::pair<std::string, int> kCases[] = {
      {"qzx", 1},
      {"name, qzx", 7},
      {"name asc", 6},
      {"name DESC", 6},
      {"name desc qzx", 11},
      {"name,", 6},
      {",name", 1},
      {"name,,made_on", 6},
      {"name made_on", 6},
      {"name, name desc", 7},
      {"name;made_on", 5},
      {"-name", 1},
      {"ы", 1},
      {"name\tdesc", 5},
      {std::string(501, ' '), 502},
  };
  for (const auto& [text, position] : kCases) {
    SCOPED_TRACE(text);
    const absl::Status status = Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(base::ReasonOf(status), "ORDER_INVALID");
    const google::rpc::BadRequest bad = base::BadRequestOf(status);
    ASSERT_EQ(bad.field_violations_size(), 1);
    EXPECT_EQ(bad.field_violations(0).field(), "order_by");
    EXPECT_THAT(bad.field_violations(0).description(),
                HasSubstr(absl::StrCat("position ", position, ":")));
    EXPECT_THAT(status.ToString(), Not(HasSubstr("qzx")));
  }
}

TEST(CanonicalOrder, HasOneSpelling) {
  EXPECT_EQ(CanonicalOrder({}), "");
  EXPECT_EQ(CanonicalOrder(*Parse(" made_on   desc,name ")), "made_on desc, name");
}

}  // namespace
}  // namespace nisi::rpc
