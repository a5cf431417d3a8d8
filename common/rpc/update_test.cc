#include "common/rpc/update.h"

#include "common/base/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using testing::v1::FormSample;
using testing::v1::Widget;

template <class M>
M Read(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

google::protobuf::FieldMask Mask(const std::vector<std::string>& paths) {
  google::protobuf::FieldMask mask;
  for (const std::string& path : paths) mask.add_paths(path);
  return mask;
}

template <class M>
struct Case {
  std::string name;
  std::string from;
  std::vector<std::string> mask;
  std::string to;
  std::string result;
};

template <class M>
void ExpectUpdates(const std::vector<Case<M>>& cases) {
  for (const Case<M>& c : cases) {
    SCOPED_TRACE(c.name);
    M to = Read<M>(c.to);
    EXPECT_EQ(ApplyUpdate(Read<M>(c.from), Mask(c.mask), &to), absl::OkStatus());
    EXPECT_EQ(to.DebugString(), Read<M>(c.result).DebugString());
  }
}

TEST(ApplyUpdate, CopiesWhatTheMaskNames) {
  ExpectUpdates<Widget>({
      {"one of two",
       "color: 'blue' weight: 9",
       {"weight"},
       "color: 'red'",
       "color: 'red' weight: 9"},
      {"clears", "color: 'blue'", {"note"}, "color: 'red' note: 'n'", "color: 'red'"},
      {"repeated fields as a whole", "tags: 'b'", {"tags"}, "tags: 'a' tags: 'c'", "tags: 'b'"},
      {"clears repeated fields", "", {"tags"}, "tags: 'a'", ""},
      {"dates as a whole",
       "made_on { year: 2026 }",
       {"made_on"},
       "made_on { month: 1 }",
       "made_on { year: 2026 }"},
      {"clears dates", "", {"made_on"}, "made_on { month: 1 }", ""},
      {"a path twice", "weight: 9", {"weight", "weight"}, "weight: 1", "weight: 9"},
      {"an immutable field as it is",
       "code: '8504' weight: 9",
       {"code", "weight"},
       "code: '8504'",
       "code: '8504' weight: 9"},
  });
}

TEST(ApplyUpdate, FollowsPathsThroughSubMessages) {
  ExpectUpdates<FormSample>({
      {"one inside",
       "row { note: 'b' amount: 2 }",
       {"row.note"},
       "row { note: 'a' amount: 1 }",
       "row { note: 'b' amount: 1 }"},
      {"makes the message around", "row { note: 'b' }", {"row.note"}, "", "row { note: 'b' }"},
      {"clears inside", "", {"row.note"}, "row { note: 'a' amount: 1 }", "row { amount: 1 }"},
      {"nothing in nothing", "", {"row.note"}, "", ""},
      {"replaces as a whole",
       "row { needed: 'x' }",
       {"row"},
       "row { note: 'a' needed: 'y' }",
       "row { needed: 'x' }"},
      {"but for what the system set",
       "row { needed: 'x' }",
       {"row"},
       "row { note: 'a' needed: 'y' verdict: 'v' }",
       "row { needed: 'x' verdict: 'v' }"},
      {"clears as a whole", "", {"row"}, "row { note: 'a' needed: 'y' }", ""},
      {"a whole and a part of it",
       "row { needed: 'x' amount: 3 }",
       {"row.amount", "row"},
       "row { note: 'a' needed: 'y' }",
       "row { needed: 'x' amount: 3 }"},
      {"a new message",
       "row { needed: 'x' fixed: 'f' }",
       {"row"},
       "",
       "row { needed: 'x' fixed: 'f' }"},
      {"a list of messages",
       "rows { needed: 'x' }",
       {"rows"},
       "rows { note: 'a' } rows {}",
       "rows { needed: 'x' }"},
      {"a map",
       "labels { key: 'k' value: 'v' }",
       {"labels"},
       "labels { key: 'a' value: 'b' }",
       "labels { key: 'k' value: 'v' }"},
  });
}

TEST(ApplyUpdate, ASumIsOneValue) {
  ExpectUpdates<FormSample>({
      {"taken as a whole",
       "cost { currency_code: 'KZT' nanos: 10000000 }",
       {"cost"},
       "cost { currency_code: 'KZT' units: 5 }",
       "cost { currency_code: 'KZT' nanos: 10000000 }"},
      {"cleared", "", {"cost"}, "cost { currency_code: 'KZT' units: 5 }", ""},
  });
}

TEST(ApplyUpdate, KeepsOneMemberOfAOneof) {
  ExpectUpdates<FormSample>({
      {"changes the member",
       "choice_number: 3",
       {"choice_number"},
       "choice_text: 'a'",
       "choice_number: 3"},
      {"a member that is not the one", "choice_number: 3", {"choice_text"}, "choice_text: 'a'", ""},
      {"both",
       "choice_number: 3",
       {"choice_text", "choice_number"},
       "choice_text: 'a'",
       "choice_number: 3"},
      {"both, the other way",
       "choice_text: 'b'",
       {"choice_text", "choice_number"},
       "choice_number: 4",
       "choice_text: 'b'"},
      {"no member named",
       "choice_number: 3 bonus: 6",
       {"bonus"},
       "choice_text: 'a'",
       "choice_text: 'a' bonus: 6"},
  });
}

TEST(ApplyUpdate, AnEmptyMaskNamesWhatIsSet) {
  ExpectUpdates<Widget>({
      {"set fields only", "color: 'blue'", {}, "color: 'red' weight: 9", "color: 'blue' weight: 9"},
      {"not the etag",
       "color: 'blue' etag: 'mine'",
       {},
       "etag: 'theirs'",
       "color: 'blue' etag: 'theirs'"},
      {"the name as it is",
       "name: 'widgets/1' color: 'blue'",
       {},
       "name: 'widgets/1'",
       "name: 'widgets/1' color: 'blue'"},
      {"nothing", "", {}, "color: 'red'", "color: 'red'"},
  });
}

struct BadUpdate {
  std::string name;
  std::string from;
  std::vector<std::string> mask;
  std::string path;
};

template <class M>
void ExpectRefusals(const std::string& stored, const std::vector<BadUpdate>& cases) {
  for (const BadUpdate& c : cases) {
    SCOPED_TRACE(c.name);
    M to = Read<M>(stored);
    const absl::Status status = ApplyUpdate(Read<M>(c.from), Mask(c.mask), &to);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(base::ReasonOf(status), "INVALID_FIELD");
    const google::rpc::BadRequest bad = base::BadRequestOf(status);
    ASSERT_EQ(bad.field_violations_size(), 1) << bad.DebugString();
    EXPECT_EQ(bad.field_violations(0).field(), c.path);
    EXPECT_THAT(status.ToString(), ::testing::Not(::testing::HasSubstr("qzx")));
    EXPECT_EQ(to.DebugString(), Read<M>(stored).DebugString());
  }
}

TEST(ApplyUpdate, LeavesOneOfTheFieldsThatAFormNames) {
  ExpectUpdates<FormSample>({
      {"one of two", "", {"title.kk"}, "title { kk: 'a' ru: 'b' }", "title { ru: 'b' }"},
      {"in exchange",
       "title { ru: 'b' }",
       {"title.kk", "title.ru"},
       "title { kk: 'a' }",
       "title { ru: 'b' }"},
      {"all of it", "", {"title"}, "title { kk: 'a' }", ""},
      {"a new one", "title { ru: 'b' }", {}, "", "title { ru: 'b' }"},
  });
  ExpectRefusals<FormSample>(
      "title { kk: 'a' en: 'c' } text: 'good'",
      {
          {"the last one", "active: true", {"active", "title.kk"}, "update_mask.paths[1]"},
          {"in a whole", "title { en: 'c' }", {"title"}, "update_mask.paths[0]"},
          {"in a list", "other_titles { en: 'c' }", {"other_titles"}, "update_mask.paths[0]"},
          {"without a mask", "title { en: 'd' }", {}, "title"},
      });
}

TEST(ApplyUpdate, RefusesWhatMayNotBeNamed) {
  ExpectRefusals<Widget>(
      "name: 'widgets/1' code: '8504' color: 'red' etag: 'e'",
      {
          {"all", "weight: 9", {"*"}, "update_mask.paths[0]"},
          {"no such field", "weight: 9", {"weight", "qzx"}, "update_mask.paths[1]"},
          {"nothing", "weight: 9", {"weight", ""}, "update_mask.paths[1]"},
          {"in JSON's spelling", "made_on {}", {"madeOn"}, "update_mask.paths[0]"},
          {"output only", "name: 'widgets/1'", {"weight", "name"}, "update_mask.paths[1]"},
          {"output only message", "update_time {}", {"update_time"}, "update_mask.paths[0]"},
          {"an etag", "etag: 'e'", {"etag"}, "update_mask.paths[0]"},
          {"immutable", "code: 'qzx'", {"weight", "code"}, "update_mask.paths[1]"},
          {"immutable, cleared", "", {"code"}, "update_mask.paths[0]"},
          {"required, cleared", "", {"color"}, "update_mask.paths[0]"},
          {"inside of a date", "made_on { year: 2026 }", {"made_on.year"}, "update_mask.paths[0]"},
          {"inside of a string", "color: 'blue'", {"color.x"}, "update_mask.paths[0]"},
          {"a dot at the end", "color: 'blue'", {"color."}, "update_mask.paths[0]"},
          {"without a mask: output only", "name: 'qzx'", {}, "name"},
          {"without a mask: immutable", "code: 'qzx'", {}, "code"},
      });
  ExpectRefusals<FormSample>(
      "row { fixed: 'f' verdict: 'v' needed: 'x' } rows { needed: 'x' } text: 'good'",
      {
          {"through a list", "rows { note: 'a' }", {"rows.note"}, "update_mask.paths[0]"},
          {"into a map", "", {"labels.k"}, "update_mask.paths[0]"},
          {"output only inside", "row { verdict: 'v' }", {"row.verdict"}, "update_mask.paths[0]"},
          {"output only in a whole",
           "row { verdict: 'qzx' needed: 'x' fixed: 'f' }",
           {"row"},
           "update_mask.paths[0]"},
          {"immutable inside", "row { fixed: 'qzx' }", {"row.fixed"}, "update_mask.paths[0]"},
          {"immutable in a whole",
           "row { fixed: 'qzx' needed: 'x' }",
           {"row"},
           "update_mask.paths[0]"},
          {"required inside", "row { note: 'a' }", {"row.needed"}, "update_mask.paths[0]"},
          {"required in a whole", "row { fixed: 'f' }", {"row"}, "update_mask.paths[0]"},
          {"required in a new whole",
           "choice_row { note: 'a' }",
           {"choice_row"},
           "update_mask.paths[0]"},
          {"clearing a whole with what is immutable", "", {"row"}, "update_mask.paths[0]"},
      });
}

TEST(ApplyUpdate, ReportsEachBadPathAndNotTooManyPaths) {
  Widget to;
  const absl::Status status = ApplyUpdate(Widget(), Mask({"x", "note", "y"}), &to);
  const google::rpc::BadRequest bad = base::BadRequestOf(status);
  ASSERT_EQ(bad.field_violations_size(), 2);
  EXPECT_EQ(bad.field_violations(1).field(), "update_mask.paths[2]");
  EXPECT_TRUE(ApplyUpdate(Widget(), Mask(std::vector<std::string>(100, "note")), &to).ok());
  EXPECT_EQ(base::ReasonOf(ApplyUpdate(Widget(), Mask(std::vector<std::string>(101, "note")), &to)),
            "INVALID_FIELD");
}

}  // namespace
}  // namespace nisi::rpc
