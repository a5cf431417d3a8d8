#include "common/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace nisi::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Times(const std::string& text, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

const TextRule kLine{.max_chars = 10};
const TextRule kLines{.multiline = true, .max_chars = 10};

TEST(TextTest, AcceptsAndNormalises) {
  const struct {
    std::string text;
    TextRule rule;
    std::string want;
  } kCases[] = {
      {"", kLine, ""},
      {"abc ~!", kLine, "abc ~!"},
      {"0123456789", kLine, "0123456789"},
      {"a\n\tb", kLines, "a\n\tb"},
      {"трансформа", kLine, "трансформа"},
      {"Қазақ ҒӘҢ", kLine, "Қазақ ҒӘҢ"},
      {"и\u0306", kLine, "й"},  // composed
      {"e\u0301", kLine, "\u00e9"},
      {Times("и\u0306", 10), kLine, Times("й", 10)},  // counted after composing
      {"\U0001f600", kLine, "\U0001f600"},
      {"a" + Times("\u0323", 8), kLine, "\u1ea1" + Times("\u0323", 7)},
      {"a\u200db", kLine, "a\u200db"},  // joiners are part of some scripts
      {std::string("\xef\xbf\xbd"), kLine, "\ufffd"},
  };
  for (const auto& c : kCases) {
    const auto got = CheckText(c.text, c.rule);
    ASSERT_TRUE(got.ok()) << c.text << ": " << got.status();
    EXPECT_EQ(*got, c.want);
    std::string in_place = c.text;
    ASSERT_TRUE(NormaliseText(in_place, c.rule).ok());
    EXPECT_EQ(in_place, c.want);
  }
}

TEST(TextTest, RefusesWithAReason) {
  const char* const utf8 = "is not valid UTF-8";
  const char* const control = "has control characters";
  const char* const bidi = "has bidirectional overrides or isolates";
  const char* const invisible = "has no visible character";
  const char* const longer = "has more than 10 characters";
  const struct {
    std::string text;
    TextRule rule;
    const char* reason;
  } kCases[] = {
      {"\xff", kLine, utf8},
      {"\xc3", kLine, utf8},
      {"a\x80z", kLine, utf8},
      {"\xc0\x80", kLine, utf8},          // overlong
      {"\xed\xa0\x80", kLine, utf8},      // a surrogate
      {"\xf4\x90\x80\x80", kLine, utf8},  // past U+10FFFF
      {std::string("a\0b", 3), kLine, control},
      {std::string("\0", 1), kLines, control},
      {"a\nb", kLine, control},
      {"a\tb", kLine, control},
      {"a\r\nb", kLines, control},
      {"a\x7f", kLine, control},
      {"a\x1b[0m", kLines, control},
      {"a\u0085", kLines, control},
      {"a\u009f", kLine, control},
      {"a\u2028b", kLines, "has Unicode line separators"},
      {"a\u2029b", kLine, "has Unicode line separators"},
      {"a\u202e", kLine, bidi},
      {"a\u202a", kLine, bidi},
      {"a\u2066", kLines, bidi},
      {"a\u2069", kLines, bidi},
      {"\u200b", kLine, invisible},
      {"\u200b\u200d\u2060\ufeff", kLine, invisible},
      {"\u3164", kLine, invisible},
      {"   ", kLine, invisible},
      {"\n\n", kLines, invisible},
      {"\u00a0 \u00ad", kLine, invisible},
      {"a" + Times("\u0301", 9), TextRule{}, "has more than 8 combining marks in a row"},
      {Times("\u20dd", 9), TextRule{}, "has more than 8 combining marks in a row"},
      {"ж" + Times("\u0483", 9), TextRule{}, "has more than 8 combining marks in a row"},
      {"ж\xd2", kLine, "is not valid UTF-8"},
      {"ж\xd0q", kLine, "is not valid UTF-8"},
      {std::string("a\xef\xbf\xbf"), kLine, "has Unicode noncharacters"},
      {std::string("a\xef\xb7\x90"), kLine, "has Unicode noncharacters"},
      {"01234567890", kLine, longer},
      {Times("ж", 11), kLine, longer},
      {Times("ж", 100'000), kLine, longer},
      {std::string(10'001, 'x'), TextRule{.max_chars = 10'000}, "has more than 10000 characters"},
      {"", TextRule{.min_chars = 1}, "is empty"},
      {"аб", TextRule{.min_chars = 3}, "has fewer than 3 characters"},
      {"ab", TextRule{.min_chars = 3}, "has fewer than 3 characters"},
  };
  for (const auto& c : kCases) {
    const auto got = CheckText(c.text, c.rule);
    EXPECT_EQ(std::string(got.status().message()), c.reason)
        << testing::PrintToString(c.text.substr(0, 40));
    std::string in_place = c.text;
    EXPECT_EQ(NormaliseText(in_place, c.rule), got.status());
  }
}

TEST(TextTest, FoldsForSearch) {
  const struct {
    const char* text;
    const char* want;
  } kCases[] = {
      {"", ""},
      {"Transformer TR-10", "transformer tr-10"},
      {"ТРАНСФОРМАТОР", "трансформатор"},
      {"Жёлтый ЁЖ", "желтый еж"},
      {"\u0415\u0308ж", "еж"},  // decomposed
      {"ӘҒҚҢӨҰҮҺІ", "әғқңөұүһі"},
      {"Straße", "strasse"},
      {"ﬁne", "fine"},
      {"a\u200bb", "ab"},
  };
  for (const auto& c : kCases) EXPECT_EQ(FoldForSearch(c.text), c.want);
}

TEST(TextTest, Words) {
  EXPECT_THAT(Words("  Power TRANSFORMERS, 10-kVA "),
              ElementsAre("power", "transformers", "10", "kva"));
  EXPECT_THAT(Words("Трансформаторы «Ёлка» (масляные)"),
              ElementsAre("трансформаторы", "елка", "масляные"));
  EXPECT_THAT(Words("Мұнай өңдеу"), ElementsAre("мұнай", "өңдеу"));
  EXPECT_THAT(Words("— , !"), IsEmpty());
  EXPECT_THAT(Words(""), IsEmpty());
  EXPECT_THAT(Words("a\xff"
                    "b"),
              ElementsAre("a", "b"));  // broken UTF-8 separates
}

}  // namespace
}  // namespace nisi::base
