#include "common/rpc/wire.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/disclosure.pb.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using testing::v1::ListWidgetsResponse;
using testing::v1::Widget;

TEST(ReplyBuilder, SplicesStoredRecordsIntoAnAnswerThatParses) {
  Widget first;
  first.set_name("widgets/1");
  first.set_note(std::string(300, 'x'));  // a length of two varint bytes
  Widget empty;
  ReplyBuilder builder(64);
  builder.AddBytesField(1, first.SerializeAsString());
  builder.AddBytesField(1, empty.SerializeAsString());
  builder.AddString(2, "next");
  ListWidgetsResponse expected;
  *expected.add_widgets() = first;
  expected.add_widgets();
  expected.set_next_page_token("next");
  EXPECT_EQ(builder.size(), builder.bytes().size());
  EXPECT_EQ(std::move(builder).Take(), expected.SerializeAsString());
}

TEST(ReplyBuilder, LeavesOutDefaultsAndKeepsRawFieldsAsTheyAre) {
  ReplyBuilder builder;
  builder.AddString(2, "");
  EXPECT_EQ(builder.bytes(), "");
  Widget widget;
  widget.set_color("red");
  builder.AddRaw(widget.SerializeAsString());
  widget.set_note("n");
  builder.AddString(12, "n");
  EXPECT_EQ(builder.bytes(), widget.SerializeAsString());
}

TEST(ReplyBuilder, WritesFieldNumbersOverFifteen) {
  ReplyBuilder builder;
  builder.AddString(37, "2026Q3");
  testing::v1::FormSample sample;
  sample.set_quarter("2026Q3");
  EXPECT_EQ(builder.bytes(), sample.SerializeAsString());
}

TEST(Wire, FieldsAreTakenOneByOne) {
  Widget widget;
  widget.set_name("widgets/1");
  widget.set_weight(-1);
  widget.set_note("n");
  const std::string bytes = widget.SerializeAsString();
  absl::string_view rest = bytes;
  std::string joined;
  WireField field;
  std::vector<uint32_t> numbers;
  while (!rest.empty()) {
    ASSERT_TRUE(TakeField(&rest, &field));
    numbers.push_back(field.number);
    absl::StrAppend(&joined, field.whole);
  }
  EXPECT_EQ(joined, bytes);
  EXPECT_THAT(numbers, ::testing::ElementsAre(1U, 4U, 12U));
  // Cut anywhere within a field, it is none; groups, number 0 and an endless varint neither.
  for (const std::string& broken :
       {std::string("\x0a"), std::string("\x0a\x05wid"), std::string("\x09\x01\x02"),
        std::string("\x0d\x01"), std::string("\x08\x80"), std::string("\x0b\x0c"),
        std::string("\x02\x00", 2), std::string(11, '\xff'),
        std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")}) {
    rest = broken;
    EXPECT_FALSE(TakeField(&rest, &field)) << absl::CHexEscape(broken);
    EXPECT_EQ(rest, broken);
  }
}

TEST(Wire, AMessageIsFoundAtTheEndOfAPath) {
  testing::v1::WorksRow row;
  row.mutable_works()->set_title("t");
  EXPECT_EQ(FindMessage(row.SerializeAsString(), {1, testing::v1::Works::kContactFieldNumber}), "");
  row.mutable_works()->mutable_contact()->set_person("P");
  EXPECT_EQ(FindMessage(row.SerializeAsString(), {1, testing::v1::Works::kContactFieldNumber}),
            row.works().contact().SerializeAsString());
  EXPECT_EQ(FindMessage(row.SerializeAsString(), {2, 3}), "");
  EXPECT_EQ(FindMessage("\x0a\x05w", {1}), std::nullopt);
}

TEST(Wire, AVarintIsPutInBetween) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{1} << 63}) {
    std::string bytes = "\x08!";
    InsertVarint(1, value, &bytes);
    absl::string_view rest = bytes;
    WireField field;
    ASSERT_TRUE(TakeField(&rest, &field)) << value;
    EXPECT_EQ(rest, "!");
  }
}

}  // namespace
}  // namespace nisi::rpc
