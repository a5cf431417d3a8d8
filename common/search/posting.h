// A posting set: which documents of one block have a term, and which of them have it in their
// names. As stored: the number of names (two bytes, 0xffff for a bitmap), they, then the others; a
// part is 12-bit offsets in order, two bytes each, or a bitmap where that is shorter. One spelling.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nisi::search {

inline constexpr uint32_t kBlockBits = 12;
inline constexpr uint32_t kBlockDocuments = 1U << kBlockBits;

// One bit a document of a block.
class Bits {
 public:
  static constexpr size_t kWords = kBlockDocuments / 64;

  void Set(uint32_t offset) { words_[offset / 64] |= uint64_t{1} << (offset % 64); }
  void Clear(uint32_t offset) { words_[offset / 64] &= ~(uint64_t{1} << (offset % 64)); }
  bool Has(uint32_t offset) const { return (words_[offset / 64] >> (offset % 64) & 1) != 0; }
  bool operator==(const Bits&) const = default;

  std::array<uint64_t, kWords>& words() { return words_; }
  const std::array<uint64_t, kWords>& words() const { return words_; }

 private:
  std::array<uint64_t, kWords> words_{};
};

struct PostingSet {
  Bits all;       // has the term somewhere
  Bits in_names;  // of these

  void Add(uint32_t offset, bool name) {
    all.Set(offset);
    if (name) in_names.Set(offset);
  }
  bool operator==(const PostingSet&) const = default;
};

std::string EncodePostings(const PostingSet& set);
// The same of a list: offset and, in the lowest bit, whether in the names; rising.
std::string EncodePostings(absl::Span<const uint32_t> postings);
// Adds what the bytes say to `set`. DATA_LOSS when they are no posting set.
absl::Status DecodePostings(absl::string_view bytes, PostingSet* set);

}  // namespace nisi::search
