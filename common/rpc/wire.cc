#include "common/rpc/wire.h"

namespace nisi::rpc {
namespace {

constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kLengthDelimited = 2;
constexpr uint32_t kFixed32 = 5;

uint64_t Tag(int field_number, uint32_t wire_type) {
  return static_cast<uint64_t>(field_number) << 3 | wire_type;
}

// Past the varint at `at`; null where there is none. Most are of one byte.
const char* ReadVarint(const char* at, const char* end, uint64_t* value) {
  if (at != end && static_cast<unsigned char>(*at) < 0x80) {
    *value = static_cast<unsigned char>(*at);
    return at + 1;
  }
  *value = 0;
  for (int shift = 0; at != end && shift < 70; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return at;
  }
  return nullptr;
}

absl::string_view Between(const char* begin, const char* end) {
  return absl::string_view(begin, static_cast<size_t>(end - begin));
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

bool TakeField(absl::string_view* bytes, WireField* field) {
  const char* const begin = bytes->data();
  const char* const end = begin + bytes->size();
  uint64_t tag = 0;
  const char* const value = ReadVarint(begin, end, &tag);
  if (value == nullptr || tag >> 3 == 0 || tag > UINT32_MAX) return false;
  field->number = static_cast<uint32_t>(tag >> 3);
  field->type = static_cast<uint32_t>(tag & 7);
  const char* content = value;
  uint64_t length = 0;
  switch (field->type) {
    case kVarint:
      content = ReadVarint(value, end, &length);
      length = 0;
      break;
    case kFixed64:
      length = 8;
      break;
    case kLengthDelimited:
      content = ReadVarint(value, end, &length);
      break;
    case kFixed32:
      length = 4;
      break;
    default:
      return false;
  }
  if (content == nullptr || length > static_cast<uint64_t>(end - content)) return false;
  const char* const past = content + length;
  field->tag = Between(begin, value);
  field->value = Between(content, past);
  field->whole = Between(begin, past);
  *bytes = Between(past, end);
  return true;
}

std::optional<absl::string_view> FindMessage(absl::string_view message,
                                             std::initializer_list<uint32_t> path) {
  for (const uint32_t number : path) {
    absl::string_view found;
    for (WireField field; !message.empty() && field.number <= number;) {
      if (!TakeField(&message, &field)) return std::nullopt;
      if (field.number == number && field.type == kLengthDelimited) found = field.value;
    }
    message = found;
  }
  return message;
}

void InsertVarint(size_t at, uint64_t value, std::string* bytes) {
  char varint[10];
  size_t length = 0;
  for (; value >= 0x80; value >>= 7) varint[length++] = static_cast<char>(value | 0x80);
  varint[length++] = static_cast<char>(value);
  bytes->insert(at, varint, length);
}

}  // namespace nisi::rpc
