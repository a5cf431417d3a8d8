// Keys of the store: what is read from bytes has one spelling, and bytes sort as their tuples do.
#include "common/store/key.h"

#include <tuple>
#include <utility>

#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::key_target {
namespace {

using store::Key;
using store::KeyReader;

// Reads text and numbers by turns that `kinds` says; what was read, written again, is what it was
// read from.
void Reread(uint8_t kinds, absl::string_view bytes) {
  KeyReader reader(bytes);
  Key again;
  for (int part = 0; !reader.done() && part < 64; ++part) {
    if ((kinds >> (part % 8) & 1) != 0) {
      const auto number = reader.Number();
      if (!number.has_value()) return;
      again.Add(*number);
    } else {
      const auto text = reader.Text();
      if (!text.has_value()) return;
      again.Add(*text);
    }
    Expect(bytes.substr(0, again.bytes().size()) == again.bytes(), "a key has one spelling");
  }
  Expect(!reader.done() || again.bytes() == bytes, "a key that is read whole is whole");
}

using Tuple = std::pair<std::string, int64_t>;

Tuple TakeTuple(Input& in) {
  std::string text(in.Part());
  return {std::move(text), static_cast<int64_t>(in.Number(8))};
}

void Order(const Tuple& a, const Tuple& b) {
  const Key key_a = Key::Of(a.first, a.second);
  const Key key_b = Key::Of(b.first, b.second);
  Expect((a < b) == (key_a.bytes() < key_b.bytes()), "keys sort as their tuples");
  Expect((a == b) == (key_a == key_b), "two tuples never share bytes");
  KeyReader reader(key_a.bytes());
  Expect(reader.Text() == a.first && reader.Number() == a.second && reader.done(),
         "a key reads as what was put in");
  Key prefix;
  prefix.AddTextPrefix(a.first);
  const Key longer = Key::Of(a.first + b.first);
  Expect(longer.bytes().substr(0, prefix.bytes().size()) == prefix.bytes(),
         "a text's beginning is a prefix of its key");
  const std::string end = store::PrefixEnd(b.first);
  const bool unbounded = b.first.find_first_not_of('\xff') == std::string::npos;
  Expect(unbounded ? end.empty() : b.first + a.first < end && b.first < end,
         "a prefix ends after all that begin with it");
}

}  // namespace

NISI_FUZZ_TARGET(key) {
  Input in(data, size);
  const uint8_t kinds = in.Byte();
  if (kinds == 0xff) {
    const auto first = TakeTuple(in);
    Order(first, TakeTuple(in));
  } else {
    Reread(kinds, in.Rest());
  }
  return 0;
}

}  // namespace nisi::fuzz::key_target
