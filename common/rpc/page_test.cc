#include "common/rpc/page.h"

#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "common/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using testing::v1::FormSample;
using testing::v1::ListWidgetsRequest;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";
const absl::Time kNow = absl::FromUnixSeconds(1'781'500'000);

void ExpectRefused(const absl::StatusOr<PageState>& state) {
  EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::ReasonOf(state.status()), "PAGE_TOKEN_INVALID");
  const google::rpc::BadRequest bad = base::BadRequestOf(state.status());
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "page_token");
}

TEST(PageSize, HasADefaultAndABound) {
  EXPECT_EQ(PageSize(0), 50);
  EXPECT_EQ(PageSize(1), 1);
  EXPECT_EQ(PageSize(200), 200);
  EXPECT_EQ(PageSize(201), 200);
  EXPECT_EQ(PageSize(std::numeric_limits<int32_t>::max()), 200);
  EXPECT_EQ(PageSize(-1), 50);
}

TEST(PageTokens, GiveBackWhatWasPutIn) {
  const PageTokens tokens(kKey, kNow);
  for (const PageState& state :
       {PageState{}, PageState{1, 2, "k"},
        PageState{std::numeric_limits<int64_t>::max(), -1, std::string("\0\xff\n", 3)},
        PageState{std::numeric_limits<int64_t>::min(), 0, std::string(2'000, 'x')}}) {
    const auto back = tokens.Decode(tokens.Encode(state, "query"), "query");
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, state);
  }
}

TEST(PageTokens, AreUrlSafe) {
  const PageTokens tokens(kKey, kNow);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(tokens.Encode({i, i, "key"}, "query")
                  .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_"),
              std::string::npos);
  }
}

TEST(PageTokens, AnyAlteredCharacterIsRefused) {
  const PageTokens tokens(kKey, kNow);
  const std::string token = tokens.Encode({7, 8, "some key"}, "query");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    SCOPED_TRACE(i);
    ExpectRefused(tokens.Decode(altered, "query"));
    ExpectRefused(tokens.Decode(token.substr(0, i), "query"));
  }
  for (const std::string& longer : {token + "A", token + "=", token + "\n", " " + token}) {
    ExpectRefused(tokens.Decode(longer, "query"));
  }
}

TEST(PageTokens, ForeignAndHugeTokensAreRefused) {
  const PageTokens tokens(kKey, kNow);
  const PageTokens others("another key, of another process!", kNow);
  const PageState state{7, 8, "key"};
  ExpectRefused(tokens.Decode(others.Encode(state, "query"), "query"));
  ExpectRefused(tokens.Decode(tokens.Encode(state, "query"), "other query"));
  ExpectRefused(tokens.Decode(tokens.Encode(state, ""), "query"));
  ExpectRefused(tokens.Decode("", "query"));
  ExpectRefused(tokens.Decode("not base64 !!", "query"));
  ExpectRefused(tokens.Decode(absl::WebSafeBase64Escape(std::string(60, '\1')), "query"));
  // Well signed, but over 4 KiB.
  ExpectRefused(tokens.Decode(tokens.Encode({1, 1, std::string(4'096, 'x')}, "query"), "query"));
  ExpectRefused(tokens.Decode(std::string(65'536, 'A'), "query"));
}

// The last key may be that of a record which the holder may not see.
TEST(PageTokens, TellNothingOfWhatTheyHold) {
  const PageTokens tokens(kKey, kNow);
  const PageState state{7, 8, "applications/of-another-one"};
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(tokens.Encode(state, "query"), &bytes));
  EXPECT_FALSE(absl::StrContains(bytes, "applications"));
  EXPECT_EQ(tokens.Encode(state, "query"), tokens.Encode(state, "query"));
  // Nor by what two of them have alike: no byte of one stands at its place in the other but by
  // chance.
  PageState next = state;
  next.last_key.back() = 'f';
  std::string other;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(tokens.Encode(next, "query"), &other));
  ASSERT_EQ(bytes.size(), other.size());
  size_t alike = 0;
  for (size_t i = 0; i < bytes.size(); ++i) alike += bytes[i] == other[i] ? 1u : 0u;
  EXPECT_LT(alike, bytes.size() / 4);
}

TEST(PageTokens, HoldADay) {
  const std::string token = PageTokens(kKey, kNow).Encode({7, 8, "key"}, "query");
  const auto after = [&](absl::Duration life) {
    return PageTokens(kKey, kNow + life).Decode(token, "query");
  };
  EXPECT_TRUE(after(absl::Hours(24)).ok());
  EXPECT_TRUE(after(-absl::Hours(48)).ok());  // a clock that was set back
  ExpectRefused(after(absl::Hours(24) + absl::Seconds(1)));
  ExpectRefused(after(absl::Hours(24 * 365)));
}

TEST(QueryHash, KnowsTheCallerAndTheQueryButNotThePage) {
  ListWidgetsRequest request;
  request.set_filter("color = red");
  const std::string hash = QueryHash(request, "caller");
  EXPECT_EQ(hash.size(), 32u);
  ListWidgetsRequest next = request;
  next.set_page_token("token");
  next.set_page_size(7);
  EXPECT_EQ(QueryHash(next, "caller"), hash);
  EXPECT_EQ(next.page_token(), "token");
  next.set_filter("color = blue");
  EXPECT_NE(QueryHash(next, "caller"), hash);
  next.set_filter(request.filter());
  next.set_order_by("name");
  EXPECT_NE(QueryHash(next, "caller"), hash);
  EXPECT_NE(QueryHash(request, "other"), hash);
  EXPECT_NE(QueryHash(request, ""), hash);
}

TEST(QueryHash, TellsTypesApartAndDoesNotMindTheOrderOfMaps) {
  EXPECT_NE(QueryHash(ListWidgetsRequest(), "c"), QueryHash(FormSample(), "c"));
  FormSample forward;
  FormSample backward;
  for (int i = 0; i < 40; ++i) (*forward.mutable_labels())[std::to_string(i)] = "v";
  for (int i = 39; i >= 0; --i) (*backward.mutable_labels())[std::to_string(i)] = "v";
  EXPECT_EQ(QueryHash(forward, "c"), QueryHash(backward, "c"));
}

}  // namespace
}  // namespace nisi::rpc
