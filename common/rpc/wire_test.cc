#include "common/rpc/wire.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
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

TEST(ReplyBuilder, WritesVarintsAsProtobufDoes) {
  for (const int64_t weight :
       {int64_t{1}, int64_t{127}, int64_t{128}, int64_t{-1}, std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    Widget widget;
    widget.set_weight(weight);
    ReplyBuilder builder;
    builder.AddVarint(4, static_cast<uint64_t>(weight));
    EXPECT_EQ(builder.bytes(), widget.SerializeAsString()) << weight;
  }
}

TEST(ReplyBuilder, LeavesOutDefaultsAndKeepsRawFieldsAsTheyAre) {
  ReplyBuilder builder;
  builder.AddString(2, "");
  builder.AddVarint(4, 0);
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
  builder.AddVarint(31, 1);
  testing::v1::FormSample sample;
  sample.set_active(true);
  EXPECT_EQ(builder.bytes(), sample.SerializeAsString());
}

}  // namespace
}  // namespace nisi::rpc
