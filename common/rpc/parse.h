// From bytes of the wire to a message, strictly.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

// Deepest nesting of sub-messages, and most unknown fields in one message: a newer client may send
// some, a flood is an attack.
constexpr int kMaxNesting = 64;
constexpr int kMaxUnknownFields = 100;

// Parses `bytes` into `message`. INVALID_ARGUMENT, reason MALFORMED_MESSAGE, for what is no
// message, and for what protobuf itself would quietly accept: a known field in a wrong wire type,
// groups, strings that are no UTF-8, nesting over kMaxNesting, over kMaxUnknownFields unknown
// fields, a singular sub-message or two members of one oneof given at once (the last would silently
// win; this one names the oneof in a BadRequest). Needs no memory beyond what the message takes.
absl::Status ParseMessage(absl::string_view bytes, google::protobuf::Message* message);

// The refusal above, without a field.
absl::Status MalformedMessage();

}  // namespace nisi::rpc
