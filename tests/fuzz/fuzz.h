// What the fuzz targets are made of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace nisi::fuzz {

// Ends the run with a core: what the target is about does not hold.
inline void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

// Takes an input apart, front to back. What has run out reads as zero and as empty.
class Input {
 public:
  // One zero byte at the end is dropped: every stored input has it, so that what reads the tree as
  // text knows it for none.
  Input(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data),
              size > 0 && data[size - 1] == 0 ? size - 1 : size) {}

  bool empty() const { return rest_.empty(); }

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // `bytes` of it, big-endian.
  uint64_t Number(int bytes) {
    uint64_t number = 0;
    for (int i = 0; i < bytes; ++i) number = number << 8 | Byte();
    return number;
  }
  absl::string_view Bytes(size_t count) {
    const absl::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  // As many bytes as the next one or two say.
  absl::string_view Part() { return Bytes(Byte()); }
  absl::string_view LongPart() { return Bytes(Number(2)); }
  absl::string_view Rest() { return std::exchange(rest_, absl::string_view()); }

 private:
  absl::string_view rest_;
};

// `bytes` after the edits that the rest of the input says: bits turned, bytes put in, taken out,
// cut off at the end.
inline std::string Edited(std::string bytes, Input& in) {
  for (int edit = 0; edit < 16 && !in.empty(); ++edit) {
    const uint8_t kind = in.Byte() % 4;
    const size_t place = static_cast<size_t>(in.Number(2)) % (bytes.size() + 1);
    const auto value = static_cast<char>(in.Byte());
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(place);
    if (kind == 1) {
      bytes.insert(at, value);
    } else if (place == bytes.size()) {
      continue;
    } else if (kind == 0) {
      *at = static_cast<char>(*at ^ value);
    } else if (kind == 2) {
      bytes.erase(at);
    } else {
      bytes.resize(place);
    }
  }
  return bytes;
}

// A text of the input as one that every form allows: letters a to p, two for each byte.
inline std::string Letters(absl::string_view bytes) {
  std::string letters;
  for (const char c : bytes) {
    letters += static_cast<char>('a' + (static_cast<uint8_t>(c) >> 4));
    letters += static_cast<char>('a' + (static_cast<uint8_t>(c) & 15));
  }
  return letters;
}

using Target = int (*)(const uint8_t* data, size_t size);

// The targets of this program, by their names.
inline std::map<std::string, Target>& Targets() {
  static auto* const kTargets = new std::map<std::string, Target>;
  return *kTargets;
}

}  // namespace nisi::fuzz

// Each target is one file with one of these, in a namespace of its own: what is done with `data` of
// `size`. The engine gets a program of each, what replays has them all.
#ifdef NISI_FUZZ
#define NISI_FUZZ_TARGET(name) \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
#else
#define NISI_FUZZ_TARGET(name)                               \
  static int TestOneInput(const uint8_t* data, size_t size); \
  [[maybe_unused]] static const bool kIsKnown =              \
      fuzz::Targets().emplace(#name, TestOneInput).second;   \
  static int TestOneInput(const uint8_t* data, size_t size)
#endif
