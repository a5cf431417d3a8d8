// Page sizes and page tokens (AIP-158).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

// 50 when 0 (or less, which the form check refuses) was asked for, never over 200.
int PageSize(int32_t requested);

// Where the next page begins, and of which state of the store.
struct PageState {
  int64_t position = 0;     // of the journal, that the list reads at
  int64_t recorded_us = 0;  // microseconds since 1970, the list's known_at
  std::string last_key;     // the last key of the page before, as the store has it
  friend bool operator==(const PageState&, const PageState&) = default;
};

// What a page token is bound to: the caller and everything in the request but its page_token and
// page_size, so that the size may change from page to page and nothing else. Compares requests of
// one build only.
std::string QueryHash(const google::protobuf::Message& request, absl::string_view caller);

// How long a token is good for. Each page brings a new one.
inline constexpr absl::Duration kPageTokenLife = absl::Hours(24);

// Makes and reads tokens signed and encrypted with one key. Thread-safe. Processes that share a key
// read each other's. Its holder cannot: the last key may be of a record that he may not see.
class PageTokens {
 public:
  // `key`: at least 16 secret bytes.
  PageTokens(std::string key, absl::Time now) : key_(std::move(key)), now_(now) {}

  // URL-safe text.
  std::string Encode(const PageState& state, absl::string_view query_hash) const;

  // INVALID_ARGUMENT, reason PAGE_TOKEN_INVALID, BadRequest field "page_token", for anything but a
  // token that this key signed for this query within the life of a token.
  absl::StatusOr<PageState> Decode(absl::string_view token, absl::string_view query_hash) const;

 private:
  std::string Signature(absl::string_view state, absl::string_view query_hash) const;

  std::string key_;
  absl::Time now_;
};

}  // namespace nisi::rpc
