#include "common/rpc/parse.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/stubs/common.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

constexpr uint64_t kMaxFieldNumber = (uint64_t{1} << 29) - 1;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

WireType WireTypeOf(FieldDescriptor::Type type) {
  switch (type) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return kFixed32;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      return kBytes;
    default:
      return kVarint;
  }
}

// How many numbers a packed field holds.
int64_t PackedCount(WireType type, absl::string_view bytes) {
  switch (type) {
    case kFixed64:
      return static_cast<int64_t>(bytes.size() / 8);
    case kFixed32:
      return static_cast<int64_t>(bytes.size() / 4);
    default:  // a varint ends with the byte that has no high bit
      return std::count_if(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) == 0; });
  }
}

// What of a message was already seen: members of oneofs and singular sub-messages, by their place
// in the descriptor. CheckDescriptor keeps request messages within these bounds.
class Seen {
 public:
  // False when `field` comes beside a rival.
  bool Note(const FieldDescriptor& field) {
    if (field.is_repeated()) return true;
    if (const OneofDescriptor* oneof = field.real_containing_oneof()) {
      const auto place = static_cast<size_t>(oneof->index());
      if (place < member_.size()) {
        if (member_[place] != 0 && member_[place] != field.number()) return false;
        member_[place] = field.number();
      }
    }
    if (field.type() != FieldDescriptor::TYPE_MESSAGE) return true;
    const auto place = static_cast<size_t>(field.index());
    if (place >= messages_.size() * 64) return true;
    uint64_t& word = messages_[place / 64];
    const uint64_t bit = uint64_t{1} << (place % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    return true;
  }

 private:
  std::array<int, 16> member_{};
  std::array<uint64_t, 4> messages_{};
};

// Walks the wire form of one message beside its descriptor.
class Scanner {
 public:
  explicit Scanner(absl::string_view bytes) : next_(bytes.data()), end_(next_ + bytes.size()) {}

  // False when the bytes are refused; conflict() then may say where.
  bool Scan(const Descriptor& descriptor, int depth) { return ScanTo(end_, descriptor, depth); }
  const std::string& conflict() const { return conflict_; }
  bool too_many() const { return fields_ > kMaxWireFields; }

 private:
  bool ReadVarint(const char* limit, uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70 && next_ < limit; shift += 7) {
      const auto byte = static_cast<uint8_t>(*next_++);
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 63 || byte <= 1;
    }
    return false;
  }

  // False when the message holds too many fields.
  bool Count(int64_t fields) {
    fields_ += fields;
    return fields_ <= kMaxWireFields;
  }

  bool Skip(const char* limit, uint64_t count) {
    if (count > static_cast<uint64_t>(limit - next_)) return false;
    next_ += count;
    return true;
  }

  bool SkipValue(const char* limit, uint32_t wire_type) {
    uint64_t value = 0;
    switch (wire_type) {
      case kVarint:
        return ReadVarint(limit, &value);
      case kFixed64:
        return Skip(limit, 8);
      case kFixed32:
        return Skip(limit, 4);
      case kBytes:
        return ReadVarint(limit, &value) && Skip(limit, value);
      default:
        return false;  // groups, and what is no wire type
    }
  }

  bool ScanTo(const char* limit, const Descriptor& descriptor, int depth) {
    if (depth > kMaxNesting) return false;
    Seen seen;
    int unknown = 0;
    while (next_ < limit) {
      uint64_t tag = 0;
      if (!Count(1) || !ReadVarint(limit, &tag)) return false;
      const uint64_t number = tag >> 3;
      const auto wire_type = static_cast<uint32_t>(tag & 7);
      if (number == 0 || number > kMaxFieldNumber) return false;
      const FieldDescriptor* field = descriptor.FindFieldByNumber(static_cast<int>(number));
      if (field == nullptr) {
        if (++unknown > kMaxUnknownFields || !SkipValue(limit, wire_type)) return false;
      } else if (!seen.Note(*field)) {
        const OneofDescriptor* oneof = field->real_containing_oneof();
        conflict_ = oneof != nullptr ? oneof->name() : field->name();
        return false;
      } else if (!ScanField(limit, *field, wire_type, depth)) {
        if (!conflict_.empty()) conflict_ = absl::StrCat(field->name(), ".", conflict_);
        return false;
      }
    }
    return true;
  }

  bool ScanField(const char* limit, const FieldDescriptor& field, uint32_t wire_type, int depth) {
    const WireType expected = WireTypeOf(field.type());
    const bool packed = wire_type == kBytes && field.is_packable();
    if (wire_type != expected && !packed) return false;
    if (wire_type != kBytes) return SkipValue(limit, wire_type);
    uint64_t size = 0;
    if (!ReadVarint(limit, &size) || size > static_cast<uint64_t>(limit - next_)) return false;
    const char* const value = next_;
    switch (field.type()) {
      case FieldDescriptor::TYPE_MESSAGE:
        return ScanTo(value + size, *field.message_type(), depth + 1);
      case FieldDescriptor::TYPE_STRING:
        next_ += size;
        return google::protobuf::internal::IsStructurallyValidUTF8(value, static_cast<int>(size));
      default:
        next_ += size;
        // What is packed, the parser itself reads strictly.
        return !packed || Count(PackedCount(expected, {value, static_cast<size_t>(size)}));
    }
  }

  const char* next_;
  const char* const end_;
  int64_t fields_ = 0;  // so far, of all levels
  std::string conflict_;
};

// Finds the list that is longer than it may be in a message of too many fields. What comes past the
// bound nobody looked at, so it is read here as far as it can be, and not for longer than that
// took.
class OverfullList {
 public:
  struct Found {
    std::string path;
    int max_items;
  };
  std::optional<Found> In(absl::string_view bytes, const Descriptor& descriptor, int depth) {
    if (depth > kMaxNesting) return std::nullopt;
    absl::flat_hash_map<const FieldDescriptor*, int64_t> counts;
    WireField at;
    for (absl::string_view rest = bytes; Take(&rest, &at);) {
      const FieldDescriptor* field = descriptor.FindFieldByNumber(static_cast<int>(at.number));
      if (field == nullptr || !field->is_repeated()) continue;
      const bool packed = at.type == kBytes && field->is_packable();
      int64_t& count = counts[field];
      count += packed ? PackedCount(WireTypeOf(field->type()), at.value) : 1;
      if (count > MaxItems(*field)) return Found{field->name(), MaxItems(*field)};
    }
    counts.clear();
    for (absl::string_view rest = bytes; Take(&rest, &at);) {
      const FieldDescriptor* field = descriptor.FindFieldByNumber(static_cast<int>(at.number));
      if (field == nullptr || field->message_type() == nullptr || at.type != kBytes) continue;
      const int64_t item = counts[field]++;
      auto found = In(at.value, *field->message_type(), depth + 1);
      if (!found.has_value()) continue;
      const std::string index = field->is_repeated() ? absl::StrCat("[", item, "]") : "";
      found->path = absl::StrCat(field->name(), index, ".", found->path);
      return found;
    }
    return std::nullopt;
  }

 private:
  bool Take(absl::string_view* rest, WireField* at) {
    return ++taken_ <= 2 * int64_t{kMaxWireFields} && TakeField(rest, at);
  }

  int64_t taken_ = 0;
};

absl::Status TooManyFields() {
  return base::Refusal(
             absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
             absl::StrCat("The request holds more than ", kMaxWireFields, " fields and items."))
      .With("maxFields", absl::StrCat(kMaxWireFields));
}

absl::Status TooManyFieldsIn(absl::string_view bytes, const Descriptor& descriptor) {
  const auto list = OverfullList().In(bytes, descriptor, 0);
  return list.has_value() ? base::InvalidField(list->path, TooManyProblem(list->max_items))
                          : TooManyFields();
}

base::Refusal Malformed() {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                       "The request is not a well-formed message of its type.");
}

}  // namespace

absl::Status MalformedMessage() {
  return Malformed();
}

absl::Status ParseMessage(absl::string_view bytes, google::protobuf::Message* message) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return Malformed();
  Scanner scanner(bytes);
  if (!scanner.Scan(*message->GetDescriptor(), 0)) {
    if (scanner.too_many()) return TooManyFieldsIn(bytes, *message->GetDescriptor());
    if (scanner.conflict().empty()) return Malformed();
    return Malformed().Field(scanner.conflict(), "is given twice");
  }
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Malformed();
  return absl::OkStatus();
}

}  // namespace nisi::rpc
