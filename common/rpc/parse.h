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
// Most fields of a message and all it holds, each packed number one of them. Two bytes of the wire
// can be a sub-message of hundreds in memory, so this is counted before anything is made. Ten times
// the longest list that a contract here allows: 10,000 codes to check.
constexpr int kMaxWireFields = 100'000;

// Parses `bytes` into `message`. INVALID_ARGUMENT, reason MALFORMED_MESSAGE, for what is no
// message, and for what protobuf itself would quietly accept: a known field in a wrong wire type,
// groups, strings that are no UTF-8, nesting over kMaxNesting, over kMaxUnknownFields unknown
// fields, over kMaxWireFields fields in all, a singular sub-message or two members of one oneof
// given at once (the last would silently win; this one names the oneof in a BadRequest). Of too
// many fields where a list is longer than its contract lets it be, as nearly always, reason
// INVALID_FIELD with the list. Needs no memory beyond what the message takes.
absl::Status ParseMessage(absl::string_view bytes, google::protobuf::Message* message);

// The refusal above, without a field.
absl::Status MalformedMessage();

}  // namespace nisi::rpc
