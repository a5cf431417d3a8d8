#include "common/http2/fields.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace nisi::http2 {
namespace {

TEST(FieldsTest, TheFirstOfANameIsFoundAndAllAreCounted) {
  Fields fields;
  fields.Add("a", "1");
  fields.Add("b", "2");
  fields.Add("a", "3");
  ASSERT_NE(fields.Find("a"), nullptr);
  EXPECT_EQ(*fields.Find("a"), "1");
  EXPECT_EQ(fields.Find("A"), nullptr);
  EXPECT_EQ(fields.Count("a"), 2U);
  EXPECT_EQ(fields.Count("c"), 0U);
  EXPECT_EQ(fields.size(), 3U);
}

TEST(FieldsTest, BinaryValuesAreReadWithAndWithoutPadding) {
  const std::string bytes("\x00\xFF\x10\x80", 4);
  EXPECT_EQ(EncodeBinary(bytes), "AP8QgA");
  EXPECT_EQ(DecodeBinary("AP8QgA"), bytes);
  EXPECT_EQ(DecodeBinary("AP8QgA=="), bytes);
  EXPECT_EQ(DecodeBinary(""), "");
  EXPECT_EQ(DecodeBinary("A"), std::nullopt);
  EXPECT_EQ(DecodeBinary("AP8*gA"), std::nullopt);
  for (size_t size = 0; size < 20; ++size) {
    const std::string text(size, 'x');
    EXPECT_EQ(DecodeBinary(EncodeBinary(text)), text);
  }
}

TEST(FieldsTest, TimeoutsHaveAUnitAndAtMostEightDigits) {
  EXPECT_EQ(ParseTimeout("250m"), absl::Milliseconds(250));
  EXPECT_EQ(ParseTimeout("0S"), absl::ZeroDuration());
  EXPECT_EQ(ParseTimeout("5u"), absl::Microseconds(5));
  EXPECT_EQ(ParseTimeout("7n"), absl::Nanoseconds(7));
  EXPECT_EQ(ParseTimeout("2M"), absl::Minutes(2));
  EXPECT_EQ(ParseTimeout("99999999H"), absl::Hours(99'999'999));
  for (const char* junk :
       {"", "m", "250", "1x", "-1S", "+1S", " 1S", "1 S", "999999999S", "1.5S"}) {
    EXPECT_EQ(ParseTimeout(junk), std::nullopt) << junk;
  }
}

TEST(FieldsTest, MessagesKeepWhatIsPrintableAndEscapeTheRest) {
  EXPECT_EQ(EscapeMessage("plain text, 1/2"), "plain text, 1/2");
  EXPECT_EQ(EscapeMessage("100%"), "100%25");
  EXPECT_EQ(EscapeMessage("a\r\n"), "a%0D%0A");
  EXPECT_EQ(EscapeMessage("\xD2\x9B"), "%D2%9B");
  for (const char* text : {"", "100% sure", "%41", "a\nb", "\xD2\x9B", "%", "%4", "50%zz"}) {
    EXPECT_EQ(UnescapeMessage(EscapeMessage(text)), text);
  }
  EXPECT_EQ(UnescapeMessage("%4g%zz%"), "%4g%zz%");  // what is no escape is left
}

}  // namespace
}  // namespace nisi::http2
