#include "common/rpc/principals.h"

#include <gtest/gtest.h>

namespace nisi::rpc {
namespace {

TEST(PrincipalsTest, FindsByIdentity) {
  const auto principals = Principals::Parse(R"({
    "spiffe://nisi/client/agency-1": {"subject": "agency-1", "bin": "123456789012", "roles": ["customer"],
                                      "regions": []},
    "spiffe://nisi/client/akimat": {"subject": "akimat", "roles": ["akimat"], "regions": ["71"],
                                    "purpose": "supervision"}})");
  ASSERT_TRUE(principals.ok()) << principals.status();
  EXPECT_EQ(principals->size(), 2U);
  const auto agency = principals->Find("spiffe://nisi/client/agency-1");
  ASSERT_NE(agency, nullptr);
  EXPECT_EQ(agency->subject, "agency-1");
  EXPECT_EQ(agency->bin, "123456789012");
  EXPECT_TRUE(agency->Has(v1::CUSTOMER));
  EXPECT_FALSE(agency->Has(v1::AKIMAT));
  EXPECT_EQ(principals->Find("spiffe://nisi/client/agency"), nullptr);
  EXPECT_EQ(principals->Find(""), nullptr);
}

TEST(PrincipalsTest, RefusesWhatItDoesNotExpect) {
  for (const char* text : {"", "[]", R"({"agency": {"subject": "a"}})", R"({"spiffe://a": {}})",
                           R"({"spiffe://a": {"subject": ""}})", R"({"spiffe://a": "a"})",
                           R"({"spiffe://a": {"subject": "service:grants"}})",
                           R"({"spiffe://a": {"subject": "system/timer"}})",
                           R"({"spiffe://a": {"subject": "a", "role": []}})",
                           R"({"spiffe://a": {"subject": "a", "roles": ["king"]}})",
                           R"({"spiffe://a": {"subject": "a", "bin": 1}})",
                           R"({"spiffe://a": {"subject": "a"}, "spiffe://a": {"subject": "b"}})",
                           R"({"spiffe://a": {"subject": "a", "subject": "b"}})"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Principals::Parse(text).status())) << text;
  }
}

}  // namespace
}  // namespace nisi::rpc
