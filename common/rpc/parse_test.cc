#include "common/rpc/parse.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using testing::v1::CreateWidgetRequest;
using testing::v1::FormRow;
using testing::v1::FormSample;

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
std::string Tag(uint64_t number, uint64_t wire_type) {
  return Varint(number << 3 | wire_type);
}
std::string Bytes(uint64_t number, const std::string& value) {
  return Tag(number, 2) + Varint(value.size()) + value;
}
std::string Number(uint64_t number, uint64_t value) {
  return Tag(number, 0) + Varint(value);
}

absl::Status Parse(const std::string& bytes) {
  FormSample sample;
  return ParseMessage(bytes, &sample);
}

TEST(ParseMessage, ReadsWhatProtobufWrites) {
  FormSample sample;
  sample.set_text("текст");
  sample.set_ratio(0.5);
  sample.set_bonus(-3);
  sample.add_sizes(testing::v1::LARGE);
  sample.add_numbers(-1);
  sample.add_rows()->add_children()->set_note("n");
  sample.add_rows();
  (*sample.mutable_labels())["k"] = "v";
  sample.set_digest("\xff\x00");
  sample.mutable_choice_row()->set_amount(4);
  sample.mutable_on_date()->set_year(2026);
  FormSample read;
  ASSERT_EQ(ParseMessage(sample.SerializeAsString(), &read), absl::OkStatus());
  EXPECT_EQ(read.SerializeAsString(), sample.SerializeAsString());
  EXPECT_EQ(ParseMessage("", &read), absl::OkStatus());
  EXPECT_EQ(read.ByteSizeLong(), 0u);
}

TEST(ParseMessage, TakesPackedAndUnpackedNumbersAndSomeUnknownFields) {
  EXPECT_TRUE(Parse(Number(35, 1) + Number(35, 2)).ok());
  EXPECT_TRUE(Parse(Bytes(35, Varint(1) + Varint(2))).ok());
  std::string unknown;
  for (uint64_t i = 0; i < 100; ++i) unknown += Number(500 + i, 1);
  EXPECT_TRUE(Parse(unknown).ok());
}

TEST(ParseMessage, RefusesWhatIsNoMessage) {
  std::string flood;
  for (uint64_t i = 0; i < 101; ++i) flood += Number(500 + i, 1);
  std::string deep = Bytes(5, "x");
  for (int i = 0; i < 64; ++i) deep = Bytes(6, deep);
  const std::pair<const char*, std::string> kCases[] = {
      {"truncated tag", "\xff"},
      {"truncated varint", Tag(14, 0) + "\xff\xff"},
      {"varint of eleven bytes", Tag(14, 0) + std::string(10, '\xff') + "\x01"},
      {"varint over 64 bits", Tag(14, 0) + std::string(9, '\xff') + "\x02"},
      {"length beyond the end", Tag(1, 2) + Varint(5) + "abc"},
      {"length of 2^63", Tag(1, 2) + Varint(uint64_t{1} << 63)},
      {"string as a varint", Number(1, 7)},
      {"number as bytes", Bytes(14, "abc")},
      {"number as fixed64", Tag(14, 1) + std::string(8, 'a')},
      {"double as a varint", Number(16, 7)},
      {"message as a varint", Number(23, 7)},
      {"message that is none", Bytes(23, "\xff\xff")},
      {"group of a known field", Tag(23, 3) + Tag(23, 4)},
      {"group of an unknown field", Tag(500, 3) + Tag(500, 4)},
      {"end of no group", Tag(500, 4)},
      {"wire type 6", Tag(500, 6)},
      {"wire type 7", Tag(500, 7)},
      {"field number 0", Number(0, 1)},
      {"field number over 2^29", Number(uint64_t{1} << 29, 1)},
      {"packed numbers cut short", Bytes(35, "\xff")},
      {"invalid UTF-8", Bytes(1, "a\xc3")},
      {"overlong UTF-8", Bytes(1, "\xc0\x80")},
      {"a surrogate in UTF-8", Bytes(1, "\xed\xa0\x80")},
      {"invalid UTF-8 in a map's key", Bytes(24, Bytes(1, "\xff") + Bytes(2, "v"))},
      {"invalid UTF-8 deep inside", Bytes(22, Bytes(6, Bytes(1, "\xff")))},
      {"unknown fields without end", flood},
      {"unknown fields without end, inside", Bytes(23, flood)},
      {"nesting over 64", Bytes(23, deep)},
      {"a singular message twice", Bytes(23, "") + Bytes(23, "")},
  };
  for (const auto& [name, bytes] : kCases) {
    SCOPED_TRACE(name);
    const absl::Status status = Parse(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(base::ReasonOf(status), "MALFORMED_MESSAGE");
  }
}

std::string Times(int count, const std::string& field) {
  std::string all;
  for (int i = 0; i < count; ++i) all += field;
  return all;
}

TEST(ParseMessage, TakesAHundredThousandFieldsInAllAndNoMore) {
  constexpr int kMost = kMaxWireFields;
  const std::string row = Bytes(22, "");
  const std::string child = Bytes(6, "");
  const std::string packed = Bytes(35, std::string(kMost - 1, '\x01'));
  EXPECT_TRUE(Parse(Times(kMost, row)).ok());
  EXPECT_TRUE(Parse(Times(kMost, Number(35, 1))).ok());
  EXPECT_TRUE(Parse(Bytes(23, Times(kMost - 1, child))).ok());
  EXPECT_TRUE(Parse(packed).ok());
  // The list that is too long, and how long it may be; none: each is as long as it may be.
  const struct {
    const char* name;
    std::string bytes;
    std::string path;
    std::string what;
  } kCases[] = {
      {"items", Times(kMost + 1, row), "rows", "must hold at most 3 items"},
      {"two million items", Times(2'000'000, row), "rows", "must hold at most 3 items"},
      {"numbers", Times(kMost + 1, Number(35, 1)), "numbers", "must hold at most 500 items"},
      {"strings", Times(kMost + 1, Bytes(21, "")), "codes", "must hold at most 40 items"},
      {"inside", Bytes(23, Times(kMost, child)), "row.children", "must hold at most 500 items"},
      {"inside of an item", row + Bytes(22, Times(kMost, child)), "rows[1].children",
       "must hold at most 500 items"},
      {"over several levels", Times(3, row) + Bytes(23, Times(kMost, child)), "row.children",
       "must hold at most 500 items"},
      {"packed", packed + Number(14, 1), "numbers", "must hold at most 500 items"},
      {"packed, of two bytes each", Bytes(35, Times(kMost, Varint(300))), "numbers",
       "must hold at most 500 items"},
      {"packed, one after the other", Times(2, Bytes(35, std::string(kMost / 2, '\x01'))),
       "numbers", "must hold at most 500 items"},
      {"no list is too long", Bytes(23, Times(500, Bytes(6, Times(300, child)))), "", ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const absl::Status status = Parse(c.bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    const google::rpc::BadRequest bad = base::BadRequestOf(status);
    if (c.path.empty()) {
      EXPECT_EQ(base::ReasonOf(status), "MALFORMED_MESSAGE");
      EXPECT_EQ(base::InfoOf(status).metadata().at("maxFields"), "100000");
      EXPECT_EQ(bad.field_violations_size(), 0);
      continue;
    }
    EXPECT_EQ(base::ReasonOf(status), "INVALID_FIELD");
    ASSERT_EQ(bad.field_violations_size(), 1);
    EXPECT_EQ(bad.field_violations(0).field(), c.path);
    EXPECT_EQ(bad.field_violations(0).description(), c.what);
  }
}

TEST(ParseMessage, TakesNestingOfSixtyFour) {
  std::string deep = Bytes(5, "x");
  for (int i = 0; i < 63; ++i) deep = Bytes(6, deep);
  EXPECT_TRUE(Parse(Bytes(23, deep)).ok());
}

TEST(ParseMessage, RefusesTwoMembersOfOneOneofAndNamesIt) {
  const absl::Status status = Parse(Bytes(26, "qzx") + Number(27, 5));
  EXPECT_EQ(base::ReasonOf(status), "MALFORMED_MESSAGE");
  ASSERT_EQ(base::BadRequestOf(status).field_violations_size(), 1);
  EXPECT_EQ(base::BadRequestOf(status).field_violations(0).field(), "choice");
  EXPECT_THAT(status.ToString(), ::testing::Not(::testing::HasSubstr("qzx")));
  EXPECT_FALSE(Parse(Bytes(28, "") + Bytes(26, "x")).ok());
  // The same member again is protobuf's last-one-wins.
  EXPECT_TRUE(Parse(Bytes(26, "a") + Bytes(26, "b")).ok());
  // `optional` is a oneof of its own, with nothing to conflict with.
  EXPECT_TRUE(Parse(Number(29, 6) + Number(27, 5)).ok());
}

TEST(ParseMessage, AnyCutOfAMessageIsReadOrRefusedButNeverBreaks) {
  FormSample sample;
  sample.set_text("some text");
  sample.mutable_row()->set_note("note");
  sample.add_rows()->add_children()->set_needed("x");
  sample.mutable_at()->set_seconds(1);
  const std::string bytes = sample.SerializeAsString();
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const absl::Status status = Parse(bytes.substr(0, size));
    EXPECT_EQ(base::ReasonOf(status), status.ok() ? "" : "MALFORMED_MESSAGE") << size;
  }
}

}  // namespace
}  // namespace nisi::rpc
