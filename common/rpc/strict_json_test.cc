#include "common/rpc/strict_json.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace nisi::rpc {
namespace {

TEST(StrictJsonTest, AcceptsAnObject) {
  const auto value = ParseStrictJson(R"({"a":{"b":[1,2]},"c":{"b":3}})", 3);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ((*value)["c"]["b"], 3);
}

TEST(StrictJsonTest, RefusesWhatCouldBeReadInTwoWays) {
  for (const char* text : {"",
                           " ",
                           "[]",
                           "1",
                           "\"a\"",
                           "null",
                           "{",
                           R"({"a":1}x)",
                           R"({"a":1}{"b":2})",
                           R"({"a":1,"a":2})",
                           R"({"x":{"a":1,"a":1}})",
                           R"({"a":1,"\u0061":2})",
                           "{'a':1}",
                           R"({"a":1,})",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xed\xa0\x80\"}",
                           R"({"a":NaN})",
                           "\xEF\xBB\xBF{}",
                           "{/*c*/}",
                           "{\"a\":\"\n\"}"}) {
    EXPECT_FALSE(ParseStrictJson(text, 8).ok()) << text;
  }
}

TEST(StrictJsonTest, DepthIsExact) {
  EXPECT_TRUE(ParseStrictJson(R"({"a":[{"b":1}]})", 3).ok());
  EXPECT_FALSE(ParseStrictJson(R"({"a":[{"b":1}]})", 2).ok());
  EXPECT_TRUE(ParseStrictJson(R"({"a":[],"b":[],"c":[]})", 2).ok());
  EXPECT_FALSE(ParseStrictJson(absl::StrCat(R"({"a":)", std::string(100'000, '[')), 8).ok());
}

TEST(Base64UrlTest, OnlyTheCanonicalSpelling) {
  EXPECT_EQ(Base64UrlDecode("AQID"), "\1\2\3");
  EXPECT_EQ(Base64UrlDecode("-_8"), "\xfb\xff");
  EXPECT_EQ(Base64UrlDecode(Base64UrlEncode("any carnal pleas")), "any carnal pleas");
  for (const char* text :
       {"AQ==", "AQI=", "AQ ID", "AQID\n", "+/8", "A", "AR", "-_9", "AQ.D", "AQI\xff"}) {
    EXPECT_EQ(Base64UrlDecode(text), std::nullopt) << text;
  }
}

TEST(ReadRightsTest, ReadsAllFour) {
  Caller caller;
  const auto object = nlohmann::json::parse(
      R"({"roles":["akimat","entity"],"regions":["71","1910"],"bin":"123456789012","purpose":"audit"})");
  ASSERT_TRUE(ReadRights(object, caller).ok());
  EXPECT_TRUE(caller.Has(v1::AKIMAT) && caller.Has(v1::ENTITY));
  EXPECT_EQ(caller.regions.size(), 2U);
  EXPECT_EQ(caller.bin, "123456789012");
  EXPECT_EQ(caller.purpose, "audit");
}

TEST(ReadRightsTest, RefusesWrongForms) {
  for (const char* text :
       {R"({"roles":"akimat"})", R"({"roles":[1]})", R"({"roles":["king"]})", R"({"roles":null})",
        R"({"regions":["7"]})", R"({"regions":["ab"]})", R"({"regions":["7100000000"]})",
        R"({"regions":{}})", R"({"bin":""})", R"({"bin":"12345678901"})", R"({"bin":123456789012})",
        R"({"bin":"12345678901a"})", R"({"purpose":""})", R"({"purpose":"a\nb"})",
        R"({"purpose":7})"}) {
    Caller caller;
    EXPECT_FALSE(ReadRights(nlohmann::json::parse(text), caller).ok()) << text;
  }
}

}  // namespace
}  // namespace nisi::rpc
