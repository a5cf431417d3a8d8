#include "common/base/letters.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace nisi::base {
namespace {

TEST(LettersTest, DigitsOfEveryScript) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"INV-105", "INV-105"},
      {"\u0661\u0660\u0665", "105"},                     // Arabic
      {"\u06f1\u06f0\u06f5", "105"},                     // Persian
      {"\u0967\u0966\u096b", "105"},                     // Devanagari
      {"\u09e7\u09e6\u09eb/a", "105/a"},                 // Bengali
      {"\uff11\uff10\uff15", "105"},                     // of full width
      {"\U0001d7cf\U0001d7ce", "10"},                    // mathematical
      {"\u2160 \u4e94 \u00b2", "\u2160 \u4e94 \u00b2"},  // numbers, and no decimal digits
      {"счёт 1", "счёт 1"},
      {std::string("1\xff\u0662"), std::string("1\xff") + "2"}};
  for (const auto& [text, plain] : cases) EXPECT_EQ(PlainDigits(text), plain);
}

TEST(LettersTest, LatinLettersWithoutMarks) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"messe gmbh", "messe gmbh"},
      {"müller", "muller"},
      {"mu\u0308ller", "muller"},  // the mark by itself
      {"łódź", "lodz"},
      {"ærø", "aro"},
      {"çelik iş", "celik is"},
      {"ışık", "isik"},
      {"йод ё ў", "йод ё ў"},  // of another script
      {"қоғам müll", "қоғам mull"}};
  for (const auto& [text, plain] : cases) EXPECT_EQ(PlainLatin(text), plain);
}

}  // namespace
}  // namespace nisi::base
