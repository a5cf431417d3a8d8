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

// Takes a varint off `bytes`.
std::optional<uint64_t> TakeVarint(absl::string_view* bytes) {
  uint64_t value = 0;
  for (size_t at = 0; at < bytes->size() && at < 10; ++at) {
    const auto byte = static_cast<unsigned char>((*bytes)[at]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * at);
    if ((byte & 0x80) == 0) {
      bytes->remove_prefix(at + 1);
      return value;
    }
  }
  return std::nullopt;
}

// How many bytes the value takes; nullopt where it is none.
std::optional<uint64_t> ValueBytes(uint32_t type, absl::string_view* bytes) {
  switch (type) {
    case kFixed64:
      return 8;
    case kFixed32:
      return 4;
    case kLengthDelimited:
      return TakeVarint(bytes);
    default:
      return std::nullopt;
  }
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

std::optional<WireField> TakeField(absl::string_view* bytes) {
  const absl::string_view all = *bytes;
  absl::string_view rest = all;
  const std::optional<uint64_t> tag = TakeVarint(&rest);
  if (!tag.has_value() || *tag >> 3 == 0 || *tag > UINT32_MAX) return std::nullopt;
  WireField field;
  field.number = static_cast<uint32_t>(*tag >> 3);
  field.type = static_cast<uint32_t>(*tag & 7);
  field.tag = all.substr(0, all.size() - rest.size());
  if (field.type == kVarint) {
    if (!TakeVarint(&rest).has_value()) return std::nullopt;
  } else {
    const std::optional<uint64_t> length = ValueBytes(field.type, &rest);
    if (!length.has_value() || *length > rest.size()) return std::nullopt;
    field.value = rest.substr(0, *length);
    rest.remove_prefix(*length);
  }
  field.whole = all.substr(0, all.size() - rest.size());
  *bytes = rest;
  return field;
}

std::optional<absl::string_view> FindMessage(absl::string_view message,
                                             std::initializer_list<uint32_t> path) {
  for (const uint32_t number : path) {
    absl::string_view found;
    while (!message.empty()) {
      const std::optional<WireField> field = TakeField(&message);
      if (!field.has_value()) return std::nullopt;
      if (field->number == number && field->type == kLengthDelimited) found = field->value;
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
