#include "common/rpc/wire.h"

namespace nisi::rpc {
namespace {

constexpr uint32_t kVarint = 0;
constexpr uint32_t kLengthDelimited = 2;

uint64_t Tag(int field_number, uint32_t wire_type) {
  return static_cast<uint64_t>(field_number) << 3 | wire_type;
}

}  // namespace

void ReplyBuilder::Append(uint64_t varint) {
  while (varint >= 0x80) {
    bytes_.push_back(static_cast<char>(varint | 0x80));
    varint >>= 7;
  }
  bytes_.push_back(static_cast<char>(varint));
}

void ReplyBuilder::AddBytesField(int field_number, absl::string_view bytes) {
  Append(Tag(field_number, kLengthDelimited));
  Append(bytes.size());
  bytes_.append(bytes.data(), bytes.size());
}

void ReplyBuilder::AddString(int field_number, absl::string_view text) {
  if (!text.empty()) AddBytesField(field_number, text);
}

void ReplyBuilder::AddVarint(int field_number, uint64_t value) {
  if (value == 0) return;
  Append(Tag(field_number, kVarint));
  Append(value);
}

}  // namespace nisi::rpc
