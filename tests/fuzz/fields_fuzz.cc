// The forms of gRPC that we read ourselves: binary values, deadlines, error texts; traces.
#include "common/http2/fields.h"

#include <string>

#include "common/http2/address.h"
#include "services/gateway/admission.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::fields_target {

NISI_FUZZ_TARGET(fields) {
  Input in(data, size);
  const uint8_t kind = in.Byte() % 5;
  const std::string text(in.Rest());
  if (kind == 0) {
    const auto bytes = http2::DecodeBinary(text);
    Expect(!bytes.has_value() || http2::DecodeBinary(http2::EncodeBinary(*bytes)) == bytes,
           "binary values come back");
    Expect(http2::DecodeBinary(http2::EncodeBinary(text)) == text, "all bytes have a form");
  } else if (kind == 1) {
    const auto timeout = http2::ParseTimeout(text);
    Expect(!timeout.has_value() || *timeout >= absl::ZeroDuration(), "no deadline lies behind");
  } else if (kind == 2) {
    const std::string escaped = http2::EscapeMessage(text);
    for (const char c : escaped) Expect(c >= ' ' && c <= '~', "what goes out is printable");
    Expect(http2::UnescapeMessage(escaped) == text, "texts come back");
    Expect(http2::UnescapeMessage(text).size() <= text.size(), "nothing grows");
  } else if (kind == 3) {
    if (gateway::IsTraceparent(text)) {
      Expect(gateway::Trace{text, ""}.id().size() == 32, "a trace has an id");
    }
    if (gateway::IsTracestate(text)) {
      for (const char c : text) Expect(c >= ' ' && c <= '~', "what goes on is printable");
    }
  } else if (const auto address = http2::ParseAddress(text); address.has_value()) {
    Expect(!address->port.empty(), "an address has a port");
  }
  return 0;
}

}  // namespace nisi::fuzz::fields_target
