#include "common/rpc/call_errors.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status.h"

namespace nisi::rpc {

using base::Refusal;

absl::Status MethodUnknown() {
  return Refusal(absl::StatusCode::kUnimplemented, "METHOD_UNKNOWN",
                 "No such method is served here.");
}

absl::Status MessageCount() {
  return Refusal(absl::StatusCode::kInvalidArgument, "MESSAGE_COUNT",
                 "The method takes exactly one message.");
}

absl::Status MessageTooLarge(size_t max_bytes) {
  return Refusal(absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE",
                 absl::StrCat("The message is larger than ", max_bytes, " bytes."))
      .With("maxBytes", absl::StrCat(max_bytes));
}

absl::Status MetadataTooLarge(size_t max_bytes) {
  return Refusal(absl::StatusCode::kResourceExhausted, "METADATA_TOO_LARGE",
                 "The request carries more metadata than this system takes.")
      .With("maxBytes", absl::StrCat(max_bytes));
}

absl::Status ShuttingDown() {
  return base::Unavailable("SHUTTING_DOWN",
                           "The server is shutting down: call again, a stream from the last "
                           "position.",
                           absl::Seconds(1));
}

absl::Status RefusalOf(http2::Fault fault, size_t max_bytes, size_t max_head_bytes) {
  switch (fault) {
    case http2::Fault::kNone:
      return absl::OkStatus();
    case http2::Fault::kCompressed:
      return Refusal(absl::StatusCode::kUnimplemented, "COMPRESSION_UNSUPPORTED",
                     "Compressed requests are not taken.");
    case http2::Fault::kMessageTooLarge:
      return MessageTooLarge(max_bytes);
    case http2::Fault::kMessageCutShort:
      return MessageCount();
    case http2::Fault::kMetadataTooLarge:
      return MetadataTooLarge(max_head_bytes);
    case http2::Fault::kNoRoom:
      return base::Overloaded("bytes", absl::Seconds(1));
  }
  return absl::InternalError("unknown fault");
}

}  // namespace nisi::rpc
