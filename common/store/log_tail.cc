#include "common/store/log_tail.h"

#include <array>
#include <cstdint>

namespace nisi::store {
namespace {

// A record: masked CRC-32C of type and payload, 4 bytes; length of the payload, 2 bytes; type, 1
// byte; all little-endian. Types 1 to 4 are whole records and pieces of one; 5 to 8 are of recycled
// logs, which we have none of; 9 sets the compression.
constexpr size_t kHeaderSize = 7;
constexpr uint32_t kWhole = 1, kFirst = 2, kMiddle = 3;

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}();

// Both of the inverted CRC, as it is carried from byte to byte.
uint32_t Extend(uint32_t crc, char byte) {
  return (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
}
uint32_t Masked(uint32_t crc) {
  const uint32_t plain = ~crc;
  return ((plain >> 15) | (plain << 17)) + 0xa282ead8u;
}

uint32_t Byte(absl::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

struct Header {
  uint32_t checksum;
  size_t length;
  uint32_t type;
};

Header ReadHeader(absl::string_view at) {
  return {Byte(at, 0) | Byte(at, 1) << 8 | Byte(at, 2) << 16 | Byte(at, 3) << 24,
          Byte(at, 4) | Byte(at, 5) << 8, Byte(at, 6)};
}

// True when the bytes at `at` fit the checksum with just this many of payload.
bool Fits(absl::string_view at, const Header& header) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i <= header.length; ++i) crc = Extend(crc, at[kHeaderSize - 1 + i]);
  return Masked(crc) == header.checksum;
}

// True when they fit with any number of bytes that are there.
bool FitsWithAnyLength(absl::string_view at) {
  const uint32_t checksum = ReadHeader(at).checksum;
  uint32_t crc = 0xffffffffu;
  for (const char byte : at.substr(kHeaderSize - 1)) {
    crc = Extend(crc, byte);
    if (Masked(crc) == checksum) return true;
  }
  return false;
}

bool IsZero(const Header& header) {
  return header.length == 0 && header.type == 0;
}

// Where RocksDB would stop in peace: at zeros, at a record that claims more than there is, or at
// the end.
absl::string_view FromStop(absl::string_view block) {
  while (block.size() >= kHeaderSize) {
    const Header header = ReadHeader(block);
    if (IsZero(header) || kHeaderSize + header.length > block.size()) break;
    block.remove_prefix(kHeaderSize + header.length);
  }
  return block;
}

// Whether there is a whole record behind the first byte.
bool HoldsARecordBehind(absl::string_view at) {
  for (at.remove_prefix(1); at.size() >= kHeaderSize; at.remove_prefix(1)) {
    const Header header = ReadHeader(at);
    const bool plausible = (header.type >= 1 && header.type <= 4) || header.type == 9;
    if (plausible && kHeaderSize + header.length <= at.size() && Fits(at, header)) return true;
  }
  return false;
}

}  // namespace

bool LogTailIsDamaged(absl::string_view block) {
  const absl::string_view at = FromStop(block);
  if (at.size() < kHeaderSize || IsZero(ReadHeader(at))) return false;  // at most never written
  // Damage, if this record is all there, or a later one.
  return FitsWithAnyLength(at) || HoldsARecordBehind(at);
}

bool LogTailHasHole(absl::string_view block) {
  const absl::string_view at = FromStop(block);
  return at.size() >= kHeaderSize && IsZero(ReadHeader(at)) && HoldsARecordBehind(at);
}

bool LogEndsUnwritten(absl::string_view block, size_t written) {
  size_t at = 0;
  uint32_t type = kWhole;
  while (at + kHeaderSize <= written) {
    const absl::string_view rest = block.substr(at);
    const Header header = ReadHeader(rest);
    const size_t end = at + kHeaderSize + header.length;
    if (end > block.size()) return false;  // Torn, as RocksDB knows it.
    if (!Fits(rest, header)) return end > written;
    type = header.type;
    at = end;
  }
  // Half a header; or a piece of a record whose other pieces are not there.
  return at < written || type == kFirst || type == kMiddle;
}

}  // namespace nisi::store
