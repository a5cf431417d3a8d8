// What a terminator says of a connection that it brings: cut anywhere it is read in one way, no
// byte behind it is asked for, and whose connection it is has a form or is nobody's.
#include "common/http2/proxy_head.h"

#include <algorithm>
#include <string>

#include "common/http2/address.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::proxy_head_target {
namespace {

using http2::ProxyHead;

struct Read {
  ProxyHead::State state = ProxyHead::State::kMore;
  size_t taken = 0;
  std::string client;
};

// No more than `at_once` bytes at a time.
Read ReadHead(absl::string_view bytes, size_t at_once) {
  constexpr size_t kMost = 512;
  ProxyHead head;
  Read read;
  while (read.state == ProxyHead::State::kMore && read.taken < bytes.size()) {
    const size_t wanted = head.wanted();
    Expect(wanted > 0 && read.taken + wanted <= kMost, "a head is short and has an end");
    const absl::string_view part = bytes.substr(read.taken, std::min(wanted, at_once));
    read.state = head.Take(part);
    read.taken += part.size();
  }
  if (read.state != ProxyHead::State::kWhole) return read;
  read.client = http2::TextOf(head.client());
  Expect(head.wanted() == 0, "nothing follows its end");
  Expect(read.client.empty() == (head.client().ss_family == AF_UNSPEC), "an address has a form");
  return read;
}

}  // namespace

NISI_FUZZ_TARGET(proxy_head) {
  Input in(data, size);
  const size_t at_once = 1 + in.Byte() % 32;
  const absl::string_view bytes = in.Rest();
  const Read whole = ReadHead(bytes, bytes.size());
  const Read pieces = ReadHead(bytes, at_once);
  Expect(
      whole.state == pieces.state && whole.taken == pieces.taken && whole.client == pieces.client,
      "cut anywhere, it is one");
  if (!whole.client.empty()) {
    const std::string source = nisi::http2::SourceOf(whole.client);
    Expect(nisi::http2::SourceOf(source) == source, "a network is its own source");
    Expect(nisi::http2::ParseMachine(whole.client).has_value(), "what is told is an address");
  }
  return 0;
}

}  // namespace nisi::fuzz::proxy_head_target
