// Page tokens: what was signed comes back, and nothing else is taken.
#include "common/rpc/page.h"

#include "common/base/status.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::page_token_target {
namespace {

using rpc::PageState;
using rpc::PageTokens;
using testing::v1::ListWidgetsRequest;

const PageTokens& Tokens() {
  static const auto* const kTokens = new PageTokens(std::string(32, 'k'), absl::UnixEpoch());
  return *kTokens;
}

void CheckRaw(absl::string_view token) {
  const std::string query(32, 'q');
  const auto state = Tokens().Decode(token, query);
  if (state.ok()) {
    Expect(Tokens().Encode(*state, query) == token, "a token has one spelling");
  } else {
    Expect(base::ReasonOf(state.status()) == "PAGE_TOKEN_INVALID", "a token has one reason");
  }
}

void CheckEdited(Input& in) {
  PageState state;
  state.position = static_cast<int64_t>(in.Number(8));
  state.recorded_us = static_cast<int64_t>(in.Number(8));
  state.last_key = std::string(in.Part());
  const std::string query(in.Part());
  const std::string token = Tokens().Encode(state, query);
  const auto decoded = Tokens().Decode(token, query);
  Expect(decoded.ok() && *decoded == state, "a token gives back what was signed");
  Expect(!Tokens().Decode(token, query + "x").ok(), "a token is bound to its query");
  const std::string edited = Edited(token, in);
  Expect(edited == token || !Tokens().Decode(edited, query).ok(), "an edited token is refused");
}

ListWidgetsRequest TakeRequest(Input& in) {
  ListWidgetsRequest request;
  const absl::string_view bytes = in.Part();
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) request.Clear();
  return request;
}

// Two requests have one hash only when they ask for the same.
void CheckQueries(Input& in) {
  ListWidgetsRequest first = TakeRequest(in);
  ListWidgetsRequest second = TakeRequest(in);
  const std::string caller(in.Part());
  const bool same_hash = rpc::QueryHash(first, caller) == rpc::QueryHash(second, caller);
  for (ListWidgetsRequest* request : {&first, &second}) {
    request->clear_page_token();
    request->clear_page_size();
  }
  Expect(same_hash == (first.SerializeAsString() == second.SerializeAsString()),
         "a query's hash is of what is asked for");
  Expect(rpc::QueryHash(first, caller) != rpc::QueryHash(first, caller + "x"),
         "a query's hash is of its caller");
}

}  // namespace

NISI_FUZZ_TARGET(page_token) {
  Input in(data, size);
  switch (in.Byte() % 3) {
    case 0:
      CheckRaw(in.Rest());
      break;
    case 1:
      CheckEdited(in);
      break;
    default:
      CheckQueries(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::page_token_target
