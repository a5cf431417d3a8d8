#include "tools/nisi/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/descriptor.pb.h"
#include "google/rpc/error_details.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tools/nisi/args.h"
#include "tools/nisi/names.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;
namespace goods = nisi::priority_goods::v1;

const FieldFlag& Find(const std::vector<FieldFlag>& flags, const std::string& name) {
  for (const FieldFlag& flag : flags) {
    if (flag.name == name) return flag;
  }
  ADD_FAILURE() << "no flag " << name;
  return flags.front();
}

template <class M>
absl::Status Set(M* message, const std::string& name, const std::string& value) {
  const auto flags = FlagsOf(*M::descriptor());
  return SetFlag(Find(flags, name), value, message);
}

struct Case {
  const char* flag;
  const char* good;
  const char* text;  // the request in protobuf's short form
  const char* bad;   // nullptr: everything is good
};

TEST(FlagsTest, EveryKindOfFieldOfAWidget) {
  const Case cases[] = {
      {"widget.color", "red", R"(widget { color: "red" })", "\xff"},
      {"widget.weight", "-12", "widget { weight: -12 }", "heavy"},
      {"widget.weight", "9223372036854775807", "widget { weight: 9223372036854775807 }",
       "9223372036854775808"},
      {"widget.tags", R"(a,b\,c)", R"(widget { tags: "a" tags: "b,c" })", nullptr},
      {"widget.size", "large", "widget { size: LARGE }", "huge"},
      {"widget.made-on", "2026-02-28", "widget { made_on { year: 2026 month: 2 day: 28 } }",
       "2026-02-30"},
      {"widget.made-on", "2024-02-29", "widget { made_on { year: 2024 month: 2 day: 29 } }",
       "29.02.2024"},
      {"widget.update-time", "1970-01-01T00:00:05Z", "widget { update_time { seconds: 5 } }",
       "yesterday"},
      {"widget", R"({"color":"blue"})", R"(widget { color: "blue" })", "{"},
      {"validate-only", "true", "validate_only: true", "perhaps"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.flag);
    nisi::testing::v1::CreateWidgetRequest request;
    EXPECT_EQ(Set(&request, c.flag, c.good), absl::OkStatus());
    EXPECT_EQ(request.ShortDebugString(), c.text);
    if (c.bad == nullptr) continue;
    const absl::Status refused = Set(&request, c.flag, c.bad);
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refused.message()), HasSubstr(std::string("--") + c.flag));
  }
}

TEST(FlagsTest, WhatIsOutOfRangeIsToldTheRange) {
  nisi::testing::v1::ListWidgetsRequest list;
  EXPECT_THAT(std::string(Set(&list, "page-size", "99999999999").message()),
              HasSubstr("up to 2147483647"));
  nisi::testing::v1::FormSample sample;
  EXPECT_THAT(std::string(Set(&sample, "level", "4294967296").message()),
              HasSubstr("from 0 to 4294967295"));
  nisi::testing::v1::CreateWidgetRequest create;
  EXPECT_THAT(std::string(Set(&create, "widget.made-on", "9999-12-31").message()),
              HasSubstr("from 1990 to 2199"));
}

TEST(FlagsTest, MasksBytesAndListsOfMessages) {
  goods::UpdateAssessmentRequest update;
  ASSERT_EQ(Set(&update, "update-mask", "note,export-potential"), absl::OkStatus());
  EXPECT_EQ(update.update_mask().paths(1), "export_potential");

  goods::CreateAssessmentRequest create;
  ASSERT_EQ(Set(&create, "assessment.evidence", R"({"name":"a.pdf","sizeBytes":"7"})"),
            absl::OkStatus());
  ASSERT_EQ(Set(&create, "assessment.evidence", R"({"name":"b.pdf"})"), absl::OkStatus());
  EXPECT_EQ(create.assessment().evidence_size(), 2);
  EXPECT_EQ(create.assessment().evidence(0).size_bytes(), 7);
  EXPECT_FALSE(Set(&create, "assessment.evidence", R"({"colour":1})").ok());

  nisi::journal::v1::SigningKey key;
  ASSERT_EQ(Set(&key, "key-id", "00ff"), absl::OkStatus());
  EXPECT_EQ(key.key_id(), std::string("\0\xff", 2));
  EXPECT_FALSE(Set(&key, "key-id", "0f1").ok());
  EXPECT_FALSE(Set(&key, "key-id", "zz").ok());
  EXPECT_FALSE(Set(&key, "key-id", "@/there/is/no/such/file").ok());
}

TEST(FlagsTest, SumsAreInTenge) {
  nisi::testing::v1::FormSample sample;
  ASSERT_EQ(Set(&sample, "cost", "1250.5"), absl::OkStatus());
  ASSERT_EQ(Set(&sample, "balance", "-0.05"), absl::OkStatus());
  EXPECT_EQ(sample.ShortDebugString(),
            R"(cost { currency_code: "KZT" units: 1250 nanos: 500000000 } )"
            R"(balance { currency_code: "KZT" nanos: -50000000 })");
  for (const char* bad : {"1250.505", "1 250", "5 KZT", "{}", "", "1e3"}) {
    EXPECT_THAT(std::string(Set(&sample, "cost", bad).message()), HasSubstr("as 1250.50")) << bad;
  }
  EXPECT_EQ(FormOf(*sample.GetDescriptor()->FindFieldByName("cost")), "TENGE");
}

// The kinds no request has yet, on messages of protobuf itself.
TEST(FlagsTest, OtherNumbersAndMaps) {
  google::protobuf::UninterpretedOption option;
  EXPECT_EQ(Set(&option, "double-value", "2.5"), absl::OkStatus());
  EXPECT_EQ(option.double_value(), 2.5);
  EXPECT_EQ(Set(&option, "positive-int-value", "18446744073709551615"), absl::OkStatus());
  EXPECT_EQ(Set(&option, "negative-int-value", "-1"), absl::OkStatus());
  EXPECT_FALSE(Set(&option, "positive-int-value", "-1").ok());
  EXPECT_FALSE(Set(&option, "double-value", "two").ok());

  ::google::rpc::ErrorInfo info;
  EXPECT_EQ(Set(&info, "metadata", "limit=5=6"), absl::OkStatus());
  EXPECT_EQ(info.metadata().at("limit"), "5=6");
  EXPECT_FALSE(Set(&info, "metadata", "limit").ok());
}

TEST(FlagsTest, MembersOfAOneofExcludeEachOther) {
  nisi::journal::v1::WatchEntriesResponse response;
  ASSERT_EQ(Set(&response, "bookmark", "5"), absl::OkStatus());
  EXPECT_THAT(std::string(Set(&response, "entry", "{}").message()),
              HasSubstr("exclude each other"));
}

class ArgsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Args> Parse(const std::vector<std::string>& argv) {
    return ParseArgs(argv, flags_, kCommon | kConnect);
  }
  const std::vector<FieldFlag> flags_ = FlagsOf(*goods::CheckGoodsRequest::descriptor());
};

TEST_F(ArgsTest, SplitsTheProgramsFlagsFromTheRequests) {
  const auto args =
      Parse({"--codes", "8504", "--format=json", "--wide", "--codes", "850423", "-o", "f", "word"});
  ASSERT_EQ(args.status(), absl::OkStatus());
  EXPECT_EQ(args->fields.size(), 2u);
  EXPECT_EQ(args->Get("format"), "json");
  EXPECT_EQ(args->Get("output"), "f");
  EXPECT_TRUE(args->Has("wide"));
  EXPECT_EQ(args->words, std::vector<std::string>{"word"});
}

TEST_F(ArgsTest, NamesTheNearestFlag) {
  EXPECT_THAT(std::string(Parse({"--code", "1"}).status().message()),
              HasSubstr("Did you mean --codes?"));
  EXPECT_THAT(std::string(Parse({"--on_date", "1"}).status().message()),
              HasSubstr("Did you mean --on-date?"));
  EXPECT_THAT(std::string(Parse({"--fromat", "json"}).status().message()),
              HasSubstr("Did you mean --format?"));
  // All of a word tells more than a few letters alike.
  const std::vector<std::string> flags = {"entry.kpved", "entry.name", "entry.processing-level"};
  EXPECT_EQ(Nearest("entry.level", flags), "entry.processing-level");
  EXPECT_EQ(Nearest("level", flags), "entry.processing-level");
  EXPECT_EQ(Nearest("edition.level", flags), "");
  EXPECT_EQ(Nearest("entry.nam", flags), "entry.name");
  const std::string far(Parse({"--zzzzzzzzzzzz"}).status().message());
  EXPECT_EQ(far, "There is no flag --zzzzzzzzzzzz here.");
}

// Its value is not what is wrong.
TEST_F(ArgsTest, AFlagThatThereIsNotIsToldBeforeTheWords) {
  Program nisi;
  EXPECT_THAT(nisi({"--fromat", "json", "priority-goods", "list-editions"}).err,
              HasSubstr("There is no flag --fromat here. Did you mean --format?"));
  EXPECT_THAT(nisi({"--wide", "priority-good"}).err,
              HasSubstr("no service or command priority-good."));
  const Ran slip = nisi({"journal", "get-tree-head", "--service", "priorty-goods"});
  EXPECT_EQ(slip.code, kUsage);
  EXPECT_THAT(slip.err,
              HasSubstr("There is no service priorty-goods. Did you mean priority-goods?"));
}

TEST_F(ArgsTest, MissingAndNeedlessValues) {
  EXPECT_THAT(std::string(Parse({"--codes"}).status().message()),
              HasSubstr("--codes needs a value"));
  EXPECT_THAT(std::string(Parse({"--on-date", "--wide"}).status().message()),
              HasSubstr("YYYY-MM-DD"));
  EXPECT_THAT(std::string(Parse({"--wide=yes"}).status().message()), HasSubstr("takes no value"));
}

TEST_F(ArgsTest, AFieldWinsOverAFlagOfTheProgram) {
  const auto widget = FlagsOf(*nisi::testing::v1::Widget::descriptor());
  const auto args = ParseArgs({"--bin", "1", "--cli.bin", "2"}, widget, kConnect);
  ASSERT_EQ(args.status(), absl::OkStatus());
  EXPECT_EQ(args->fields.at(0).second, "1");
  EXPECT_EQ(args->Get("bin"), "2");
}

TEST_F(ArgsTest, WordsAreFoundBehindFlagsWithValues) {
  std::vector<std::string> argv = {"--format",    "json",    "--wide", "priority-goods",
                                   "check-goods", "--codes", "1"};
  EXPECT_EQ(TakeWords(&argv, 1), std::vector<std::string>{"priority-goods"});
  EXPECT_EQ(TakeWords(&argv, 1), std::vector<std::string>{"check-goods"});
  EXPECT_EQ(argv, (std::vector<std::string>{"--format", "json", "--wide", "--codes", "1"}));
}

}  // namespace
}  // namespace nisi::cli
