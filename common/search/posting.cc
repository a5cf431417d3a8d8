#include "common/search/posting.h"

#include <bit>
#include <cstring>

#include "common/base/status.h"

namespace nisi::search {
namespace {

constexpr size_t kBitmapBytes = kBlockDocuments / 8;
constexpr size_t kMostOffsets = kBitmapBytes / 2 - 1;  // so that no list is as long as a bitmap
constexpr uint16_t kBitmap = 0xffff;
constexpr size_t kHeaderBytes = 2;

absl::Status Corrupt() {
  return base::StoreCorrupt("posting set");
}

uint16_t Read16(const char* at) {
  return static_cast<uint16_t>(static_cast<uint16_t>(static_cast<unsigned char>(at[0]) << 8) |
                               static_cast<unsigned char>(at[1]));
}
void Append16(std::string* out, uint32_t value) {
  out->push_back(static_cast<char>(value >> 8 & 0xff));
  out->push_back(static_cast<char>(value & 0xff));
}

size_t CountOf(const Bits& bits) {
  size_t count = 0;
  for (const uint64_t word : bits.words()) {
    if (word != 0) count += static_cast<size_t>(std::popcount(word));  // most are zero
  }
  return count;
}

void AppendPart(const Bits& bits, size_t count, std::string* out) {
  if (count > kMostOffsets) {
    for (const uint64_t word : bits.words()) {
      char bytes[8];
      std::memcpy(bytes, &word, sizeof(bytes));  // little-endian, as every machine of ours
      out->append(bytes, sizeof(bytes));
    }
    return;
  }
  for (uint32_t at = 0; at < Bits::kWords; ++at) {
    for (uint64_t word = bits.words()[at]; word != 0; word &= word - 1)
      Append16(out, at * 64 + static_cast<uint32_t>(std::countr_zero(word)));
  }
}

absl::Status AddPart(absl::string_view bytes, Bits* bits) {
  if (bytes.size() == kBitmapBytes) {
    size_t count = 0;
    for (size_t at = 0; at < Bits::kWords; ++at) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at * sizeof(word), sizeof(word));
      count += static_cast<size_t>(std::popcount(word));
      bits->words()[at] |= word;
    }
    return count > kMostOffsets ? absl::OkStatus() : Corrupt();
  }
  if (bytes.size() > kBitmapBytes || bytes.size() % 2 != 0) return Corrupt();
  int32_t last = -1;
  for (size_t at = 0; at < bytes.size(); at += 2) {
    const uint16_t offset = Read16(bytes.data() + at);
    if (offset <= last || offset >= kBlockDocuments) return Corrupt();
    last = offset;
    bits->Set(offset);
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodePostings(const PostingSet& set) {
  Bits others;
  for (size_t at = 0; at < Bits::kWords; ++at)
    others.words()[at] = set.all.words()[at] & ~set.in_names.words()[at];
  const size_t names = CountOf(set.in_names), rest = CountOf(others);
  std::string out;
  const auto bytes_of = [](size_t count) {
    return count > kMostOffsets ? kBitmapBytes : 2 * count;
  };
  out.reserve(kHeaderBytes + bytes_of(names) + bytes_of(rest));
  Append16(&out, names > kMostOffsets ? kBitmap : static_cast<uint16_t>(names));
  AppendPart(set.in_names, names, &out);
  AppendPart(others, rest, &out);
  return out;
}

std::string EncodePostings(absl::Span<const uint32_t> postings) {
  if (postings.size() > kMostOffsets) {
    PostingSet set;
    for (const uint32_t posting : postings) set.Add(posting >> 1, (posting & 1) != 0);
    return EncodePostings(set);
  }
  std::string out;
  out.reserve(kHeaderBytes + 2 * postings.size());
  uint32_t names = 0;
  for (const uint32_t posting : postings) names += posting & 1;
  Append16(&out, names);
  for (const uint32_t name : {1U, 0U}) {
    for (const uint32_t posting : postings) {
      if ((posting & 1) == name) Append16(&out, posting >> 1);
    }
  }
  return out;
}

absl::Status DecodePostings(absl::string_view bytes, PostingSet* set) {
  if (bytes.size() <= kHeaderBytes) return Corrupt();
  const uint16_t names = Read16(bytes.data());
  if (names != kBitmap && names > kMostOffsets) return Corrupt();
  bytes.remove_prefix(kHeaderBytes);
  const size_t name_bytes = names == kBitmap ? kBitmapBytes : size_t{2} * names;
  if (bytes.size() < name_bytes) return Corrupt();
  Bits in_names, others;
  RETURN_IF_ERROR(AddPart(bytes.substr(0, name_bytes), &in_names));
  RETURN_IF_ERROR(AddPart(bytes.substr(name_bytes), &others));
  for (size_t at = 0; at < Bits::kWords; ++at) {
    const uint64_t name = in_names.words()[at], other = others.words()[at];
    if ((name & other) != 0) return Corrupt();
    set->in_names.words()[at] |= name;
    set->all.words()[at] |= name | other;
  }
  return absl::OkStatus();
}

}  // namespace nisi::search
