#include "common/rpc/filter.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::v1::FormSample;

FormSample Sample() {
  FormSample sample;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(text: "Красный Насос"
           word: "pumps"
           goods_code: "8413"
           parent: "editions/7/entries/e1"
           multiline: "a \"b\" \\ *\nc"
           count: -5
           level: 3
           ratio: 0.25
           size: LARGE
           sizes: SMALL
           sizes: LARGE
           on_date { year: 2026 month: 1 day: 31 }
           at { seconds: 1767225600 nanos: 500000000 }  # 2026-01-01T00:00:00.5Z
           codes: "8504"
           codes: "850423"
           rows {
             note: "first"
             amount: 1
             children { note: "deep" }
           }
           rows { note: "second" amount: 2 }
           row { amount: 7 }
           active: true
           numbers: 4
           hidden: "secret"
           quarter: "2026Q3"
           quantity: "12.5"
           cost { currency_code: "KZT" units: 1250 nanos: 500000000 }
           balance { currency_code: "KZT" units: -7 }
           payments { currency_code: "KZT" units: 5 }
           payments { currency_code: "KZT" units: 6 })pb",
      &sample));
  return sample;
}

absl::StatusOr<Filter> Parse(absl::string_view text, const FilterPolicy& policy = {}) {
  return Filter::Parse(text, FormSample::descriptor(), policy);
}

struct MatchCase {
  const char* filter;
  bool matches;
};

class FilterMatches : public ::testing::TestWithParam<MatchCase> {};

TEST_P(FilterMatches, AsTheTextSaysAndAsItsCanonicalFormSays) {
  const auto filter = Parse(GetParam().filter);
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_EQ(filter->Matches(Sample()), GetParam().matches);
  const auto again = Parse(filter->Canonical());
  ASSERT_TRUE(again.ok()) << filter->Canonical() << again.status();
  EXPECT_EQ(again->Canonical(), filter->Canonical());
  EXPECT_EQ(again->Matches(Sample()), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(Cases, FilterMatches,
                         ::testing::ValuesIn<MatchCase>({
                             {"", true},
                             {"   ", true},
                             {"word = \"pumps\"", true},
                             {"word = 'pumps'", true},
                             {"word=pumps", true},
                             {"word = Pumps", false},
                             {"word != pumps", false},
                             {"word != other", true},
                             {"word > pump", true},
                             {"word < pump", false},
                             {"word >= pumps", true},
                             {"word <= pumps", true},
                             {"parent = editions/7/entries/e1", true},
                             {"text:\"красный\"", true},
                             {"text:насос", true},
                             {"text:насосы", false},
                             {"text = \"Красный Насос\"", true},
                             {"multiline = \"a \\\"b\\\" \\\\ \\*\\nc\"", true},
                             {"multiline:\"b\\\" \\\\\"", true},
                             {"etag = ''", true},
                             {"etag != ''", false},
                             // numbers
                             {"count = -5", true},
                             {"count > -6", true},
                             {"count >= -5", true},
                             {"count < -5", false},
                             {"count:-5", true},
                             {"level <= 3", true},
                             {"level > 3", false},
                             {"ratio = 0.25", true},
                             {"ratio < 2.5e-1", false},
                             {"ratio > -1", true},
                             // bools and enums
                             {"active = true", true},
                             {"active != true", false},
                             {"active = false", false},
                             {"size = LARGE", true},
                             {"size = \"SMALL\"", false},
                             {"size != SMALL", true},
                             // dates and times
                             {"on_date = 2026-01-31", true},
                             {"on_date = \"2026-01-31\"", true},
                             {"on_date > 2026-01-30", true},
                             {"on_date < 2025-12-31", false},
                             {"on_date != 2026-01-31", false},
                             {"at > 2026-01-01T00:00:00Z", true},
                             {"at <= \"2026-01-01T00:00:00.5Z\"", true},
                             {"at < \"2026-01-01T05:00:00.5+05:00\"", false},
                             {"at = \"2026-01-01T05:00:00.5+05:00\"", true},
                             // sums, quantities and quarters
                             {"cost = 1250.5", true},
                             {"cost = 1250.50", true},
                             {"cost = \"1250.5\"", true},
                             {"cost:1250.5", true},
                             {"cost = 1250", false},
                             {"cost != 1250", true},
                             {"cost > 1250.49", true},
                             {"cost > 999", true},
                             {"cost >= 1250.5", true},
                             {"cost < 1250.5", false},
                             {"cost <= 4500000000", true},
                             {"balance = -7", true},
                             {"balance < 0", true},
                             {"balance > -7.01", true},
                             {"payments:6", true},
                             {"payments:6.01", false},
                             {"cost:*", true},
                             {"quantity = 12.500", true},
                             {"quantity = \"12.5\"", true},
                             {"quantity:12.5", true},
                             {"quantity > 9", true},
                             {"quantity < 100", true},
                             {"quantity <= 12.499", false},
                             {"quantity:*", true},
                             {"quarter = 2026Q3", true},
                             {"quarter > 2026Q2", true},
                             {"quarter < 2025Q4", false},
                             // repeated
                             {"codes:8504", true},
                             {"codes:850", false},
                             {"codes:\"850423\"", true},
                             {"sizes:SMALL", true},
                             {"sizes:SIZE_UNSPECIFIED", false},
                             {"numbers:4", true},
                             {"numbers:5", false},
                             {"rows.note:first", true},
                             {"rows.note:sec", true},
                             {"rows.note:third", false},
                             {"rows.amount:2", true},
                             {"rows.amount:3", false},
                             {"rows.children.note:deep", true},
                             // sub-messages, and what is not set
                             {"row.amount = 7", true},
                             {"row:*", true},
                             {"choice_row:*", false},
                             {"choice_row.amount = 0", false},
                             {"choice_row.amount != 5", false},
                             {"NOT choice_row.amount = 5", true},
                             {"bonus = 0", false},
                             {"bonus:*", false},
                             {"count:*", true},
                             {"rows:*", true},
                             {"uuid:*", false},
                             {"rows.children:*", true},
                             // joining
                             {"count = -5 AND level = 3", true},
                             {"count = -5 AND level = 4", false},
                             {"count = -5 level = 3", true},
                             {"count = -5 level = 4", false},
                             {"count = 1 OR level = 3", true},
                             {"count = 1 OR level = 4 OR active = true", true},
                             // OR binds tighter than AND.
                             {"active = true OR count = 1 AND level = 4", false},
                             {"(active = true) OR (count = 1 AND level = 4)", true},
                             {"level = 4 AND count = 1 OR active = true", false},
                             {"level = 3 count = 1 OR active = true", true},
                             {"NOT level = 4", true},
                             {"-level = 3", false},
                             {"NOT (level = 3 AND count = 1)", true},
                             {"-(level = 3 OR count = 1)", false},
                             {"NOT (NOT level = 3)", true},
                             {"NOT level = 4 OR count = 1", true},
                             {"((level = 3))", true},
                             {"(((((level = 3)))))", true},
                         }));

struct BadCase {
  const char* filter;
  int position;
};

class FilterRefuses : public ::testing::TestWithParam<BadCase> {};

TEST_P(FilterRefuses, WithThePositionAndNotTheText) {
  const absl::Status status = Parse(GetParam().filter).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::ReasonOf(status), "FILTER_INVALID");
  const google::rpc::BadRequest bad = base::BadRequestOf(status);
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "filter");
  EXPECT_THAT(bad.field_violations(0).description(),
              HasSubstr(absl::StrCat("position ", GetParam().position, ":")))
      << GetParam().filter;
  EXPECT_THAT(status.ToString(), Not(HasSubstr("qzx")));
}

// Whoever mistypes a field is told those that may be asked for, and no confidential one.
TEST(FilterTest, AFieldThatIsNoneIsAnsweredWithThoseThatAre) {
  const auto said = [](const char* filter, const FilterPolicy& policy) {
    const auto parsed = Filter::Parse(filter, testing::v1::Widget::descriptor(), policy);
    return base::BadRequestOf(parsed.status()).field_violations(0).description();
  };
  EXPECT_THAT(said("colour = red", {}),
              ::testing::StartsWith("position 1: no such field; there are name, code, color, "));
  EXPECT_THAT(said("colour = red", {}), Not(HasSubstr("secret")));
  EXPECT_EQ(said("maker.bin = 1", {}), "position 1: no such field; there are bins, body");
  EXPECT_EQ(said("weight = 1", {.fields = {"color", "code"}}),
            "position 1: no such field; there are color, code");
}

INSTANTIATE_TEST_SUITE_P(Cases, FilterRefuses,
                         ::testing::ValuesIn<BadCase>({
                             {"qzx = 1", 1},
                             {"count = 1 AND qzx = 1", 15},
                             {"text = \"ы\" AND qzx = 1", 16},  // characters, not bytes
                             {"row.qzx = 1", 1},
                             {"count.qzx = 1", 1},
                             {"on_date.year = 2026", 1},
                             {"labels.qzx = 1", 1},
                             {"digest = qzx", 1},
                             {"row..amount = 1", 1},
                             {".row = 1", 1},
                             {"row. = 1", 1},
                             // bare words and functions
                             {"qzx", 1},
                             {"\"qzx\"", 1},
                             {"text", 1},
                             {"text qzx", 1},
                             {"regex(text, \"qzx\")", 1},
                             {"text = regex(qzx)", 8},
                             {"text =~ \"qzx\"", 7},
                             {"text = *qzx", 8},
                             {"text = \"qzx*\"", 8},
                             {"text != '*'", 9},
                             {"text = *", 8},
                             // grammar
                             {"count =", 8},
                             {"count = ", 9},
                             {"count = AND", 9},
                             {"= 1", 1},
                             {"AND count = 1", 1},
                             {"count = 1 AND", 14},
                             {"count = 1 OR", 13},
                             {"count = 1 AND OR level = 1", 15},
                             {"count = 1 AND AND level = 1", 15},
                             {"count == 1", 8},
                             {"count <> 1", 8},
                             {"count = 1, level = 1", 10},
                             {"NOT", 4},
                             {"NOT NOT count = 1", 5},
                             {"- count = 1", 2},
                             {"--count = 1", 2},
                             {"(count = 1", 11},
                             {"count = 1)", 10},
                             {"()", 2},
                             {"(count=1)AND(level=1)", 10},
                             {"text = \"a\"level = 1", 11},
                             {"text = \"qzx", 8},
                             {"text = \"\\q\"", 9},
                             {"text = \"a\nb\"", 10},
                             {"text = \"a\u202e\"", 8},
                             {"((((((count = 1))))))", 6},
                             // types
                             {"count = qzx", 9},
                             {"count = 1.5", 9},
                             {"count = \"1\"", 9},
                             {"count = +1", 9},
                             {"count = 9223372036854775808", 9},
                             {"level = -1", 9},
                             {"level = 4294967296", 9},
                             {"ratio = nan", 9},
                             {"ratio = inf", 9},
                             {"ratio = 0x1p3", 9},
                             {"ratio = 1e999", 9},
                             {"active = 1", 10},
                             {"active = TRUE", 10},
                             {"active > false", 8},
                             {"size = QZX", 8},
                             {"size = 1", 8},
                             {"size < LARGE", 6},
                             {"on_date = 2026-02-30", 11},
                             {"on_date = 2026-1-1", 11},
                             {"on_date = 2026-01-01T00:00:00Z", 11},
                             {"at = 2026-01-01", 6},
                             {"at = \"infinite-future-and-longer\"", 6},
                             {"at = \"2026-01-01T25:00:00Z\"", 6},
                             {"at = \"1889-01-01T00:00:00Z\"", 6},
                             {"cost = 1250.505", 8},
                             {"cost = qzx", 8},
                             {"cost = 1000000000000001", 8},
                             {"cost = 1e3", 8},
                             {"cost = KZT", 8},
                             {"cost.units = 5", 1},
                             {"payments = 5", 10},
                             {"quantity = qzx", 12},
                             {"quantity > -1", 12},
                             {"quantity:5*", 10},
                             {"quantity = 1.0005", 12},
                             {"row = 1", 7},
                             {"row:1", 5},
                             {"codes = 8504", 7},
                             {"codes != 8504", 7},
                             {"rows.note = first", 11},
                         }));

TEST(Filter, RefusesWhatIsTooLongOrHasTooManyTerms) {
  std::string terms = "count = 1";
  for (int i = 1; i < 100; ++i) absl::StrAppend(&terms, " OR count = 1");
  EXPECT_TRUE(Parse(terms).ok());
  absl::StrAppend(&terms, " OR count = 1");
  EXPECT_EQ(base::ReasonOf(Parse(terms).status()), "FILTER_INVALID");
  const auto quoted = [](size_t letters) {
    std::string text = "text:\"";
    for (size_t i = 0; i < letters; ++i) text += "ы";
    return text + "\"";
  };
  EXPECT_TRUE(Parse(quoted(1'993)).ok());  // 2,000 characters with text:""
  EXPECT_EQ(base::ReasonOf(Parse(quoted(1'994)).status()), "FILTER_INVALID");
  EXPECT_EQ(base::ReasonOf(Parse(std::string(100'000, '(')).status()), "FILTER_INVALID");
}

TEST(Filter, NobodyAsksForAConfidentialField) {
  for (const char* text : {"hidden = qzx", "count = 1 OR hidden:qzx", "NOT hidden:*",
                           "hidden_row.note = qzx", "hidden_row:*"}) {
    const absl::Status status = Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << text;
    EXPECT_EQ(base::ReasonOf(status), "FILTER_CONFIDENTIAL") << text;
    EXPECT_THAT(status.ToString(), Not(HasSubstr("qzx")));
  }
}

TEST(Filter, AListMayAllowSomeFieldsOnly) {
  FilterPolicy policy;
  policy.fields = {"count", "row"};
  EXPECT_TRUE(Parse("count = 1", policy).ok());
  EXPECT_TRUE(Parse("row.amount = 1", policy).ok());
  EXPECT_EQ(base::ReasonOf(Parse("rows.amount:1", policy).status()), "FILTER_INVALID");
  EXPECT_EQ(base::ReasonOf(Parse("level = 1", policy).status()), "FILTER_INVALID");
}

TEST(Filter, HasOneSpellingForEachMeaning) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", ""},
      {"  word='pumps'  ", "word = \"pumps\""},
      {"count=007", "count = 7"},
      {"ratio=2.50", "ratio = 2.5"},
      {"count:7", "count = 7"},
      {"text:x level=1", "text:\"x\" AND level = 1"},
      {"(count=1 AND (level=2 AND size=LARGE))", "count = 1 AND level = 2 AND size = LARGE"},
      {"(count=1 OR (level=2 OR size=LARGE))", "count = 1 OR level = 2 OR size = LARGE"},
      {"active=true (count=1 OR level=2)", "active = true AND count = 1 OR level = 2"},
      {"(active=true count=1) OR level=2", "(active = true AND count = 1) OR level = 2"},
      {"-(count=1)", "NOT count = 1"},
      {"-(count=1 level=1)", "NOT (count = 1 AND level = 1)"},
      {"at>'2026-01-01T05:00:00+05:00'", "at > 2026-01-01T00:00:00Z"},
      {"on_date>='2026-01-01'", "on_date >= 2026-01-01"},
      {"multiline='a\\*\\n\\t\"'", "multiline = \"a\\*\\n\\t\\\"\""},
      {"row:*", "row:*"},
      {"cost>='0.5'", "cost >= 0.50"},
      {"balance=-0.05", "balance = -0.05"},
      {"quantity=5", "quantity = \"5.000\""},
      {"text = 'И\u0306'", "text = \"Й\""},
  };
  for (const auto& [text, canonical] : kCases) {
    const auto filter = Parse(text);
    ASSERT_TRUE(filter.ok()) << text << filter.status();
    EXPECT_EQ(filter->Canonical(), canonical);
    const auto again = Parse(canonical);
    ASSERT_TRUE(again.ok()) << canonical << again.status();
    EXPECT_EQ(again->Canonical(), canonical);
  }
}

TEST(Filter, TellsTheEqualitiesThatAnIndexCanServe) {
  const auto on = [](const char* text, absl::string_view field) {
    return Parse(text)->EqualityOn(field);
  };
  EXPECT_EQ(on("word = pumps AND count > 1", "word"), "pumps");
  EXPECT_EQ(on("word = pumps AND count = 07", "count"), "7");
  EXPECT_EQ(on("(word = pumps AND (size = LARGE))", "size"), "LARGE");
  EXPECT_EQ(on("on_date = '2026-01-31' active = true", "on_date"), "2026-01-31");
  EXPECT_EQ(on("on_date = '2026-01-31' active = true", "active"), "true");
  EXPECT_EQ(on("row.amount = 7", "row.amount"), "7");
  EXPECT_EQ(on("codes:8504", "codes"), "8504");
  EXPECT_EQ(on("cost = 5", "cost"), "5.00");
  EXPECT_EQ(on("quantity:5", "quantity"), "5.000");
  EXPECT_EQ(on("word = a AND word = b", "word"), "a");
  EXPECT_EQ(on("", "word"), std::nullopt);
  EXPECT_EQ(on("word:pumps", "word"), std::nullopt);
  EXPECT_EQ(on("word != pumps", "word"), std::nullopt);
  EXPECT_EQ(on("NOT word = pumps", "word"), std::nullopt);
  EXPECT_EQ(on("word = a OR word = b", "word"), std::nullopt);
  EXPECT_EQ(on("count = 1 AND (word = a OR level = 1)", "word"), std::nullopt);
  EXPECT_EQ(on("rows.note:first", "rows.note"), std::nullopt);
}

TEST(Filter, TellsWhetherAnIndexSaysEverything) {
  const auto covered = [](const char* text) {
    return Parse(text)->IsFullyCoveredBy({"word", "size", "codes"});
  };
  EXPECT_TRUE(covered(""));
  EXPECT_TRUE(covered("word = a"));
  EXPECT_TRUE(covered("word = a AND size = LARGE"));
  EXPECT_TRUE(covered("codes:8504 word = a"));
  EXPECT_FALSE(covered("word = a AND count = 1"));
  EXPECT_FALSE(covered("word = a AND word = b"));
  EXPECT_FALSE(covered("codes:8504 codes:8505"));
  EXPECT_FALSE(covered("word != a"));
  EXPECT_FALSE(covered("word:a"));
  EXPECT_FALSE(covered("word = a OR size = LARGE"));
  EXPECT_FALSE(covered("word = a AND NOT size = LARGE"));
}

TEST(Filter, AnyCutOfATextIsReadOrRefusedButNeverBreaks) {
  const std::string text =
      "-(text:\"кра\\\"сный\" OR count >= -5) AND rows.note:x at > 2026-01-01T00:00:00Z NOT row:*";
  for (size_t start = 0; start < text.size(); ++start) {
    for (size_t size = 0; size <= text.size() - start; ++size) {
      const auto filter = Parse(absl::string_view(text).substr(start, size));
      if (filter.ok()) {
        filter->Matches(Sample());
      } else {
        EXPECT_EQ(base::ReasonOf(filter.status()), "FILTER_INVALID");
      }
    }
  }
}

}  // namespace
}  // namespace nisi::rpc
