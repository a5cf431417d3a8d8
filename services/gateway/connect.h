// The forms of the Connect protocol (connectrpc.com/docs/protocol): content types, errors, GET.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/call.h"

namespace nisi::gateway {

// The status of HTTP that goes with a code.
int HttpStatusOf(absl::StatusCode code);
// "invalid_argument"
absl::string_view ConnectCodeOf(absl::StatusCode code);

// An error as JSON: code, message, details, each detail with its JSON beside its bytes.
std::string ConnectError(const http2::Answer& answer);
// What a stream ends with: {"error": ..., "metadata": {...}}.
std::string ConnectEnd(const http2::Answer& answer);

// Connect-Timeout-Ms: at most ten digits. nullopt for what is no such thing.
std::optional<absl::Duration> ParseConnectTimeout(absl::string_view text);

// What the query of a GET says.
struct ConnectQuery {
  std::optional<std::string> message;  // its bytes; nullopt: there is none
  std::string encoding;                // "json", "proto"
  std::string compression;             // "" for none
};
// INVALID_ARGUMENT, QUERY_INVALID: not the query of such a call.
absl::Status ParseConnectQuery(absl::string_view text, ConnectQuery* query);

}  // namespace nisi::gateway
