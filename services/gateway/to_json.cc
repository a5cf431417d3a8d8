#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/stubs/common.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/time_util.h"
#include "google/protobuf/wire_format_lite.h"
#include "services/gateway/transcode.h"

namespace nisi::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::util::FieldMaskUtil;
using google::protobuf::util::TimeUtil;

constexpr int32_t kNanos = 1'000'000'000;  // a second
constexpr int kMaxDepth = 100;             // as protobuf reads
constexpr int kSmall = 256;                // numbers that are looked up by place

struct Shape;

// A field as it is read and written.
struct Part {
  const FieldDescriptor* field = nullptr;
  std::string key;                 // as "goodsCode":
  uint32_t wire_type = 0;          // of one value
  std::vector<std::string> names;  // of an enum's values, by their numbers, in quotes
  const Shape* inner = nullptr;    // of a message
};

// What there is to know of a type, looked up once: descriptors give it at several times the price.
struct Shape {
  const Descriptor* type = nullptr;
  std::vector<Part> parts;
  std::vector<int16_t> by_number;  // places in parts, -1 where there is none

  // Null: no field of this type.
  const Part* Find(int number) const {
    if (static_cast<size_t>(number) < by_number.size()) {
      const int16_t place = by_number[static_cast<size_t>(number)];
      return place < 0 ? nullptr : &parts[static_cast<size_t>(place)];
    }
    for (const Part& part : parts) {
      if (part.field->number() == number) return &part;
    }
    return nullptr;
  }
};

const Shape& ShapeOf(const Descriptor& type);

Part PartOf(const FieldDescriptor& field) {
  Part part;
  part.field = &field;
  part.key = absl::StrCat("\"", field.json_name(), "\":");
  part.wire_type =
      WireFormatLite::WireTypeForFieldType(static_cast<WireFormatLite::FieldType>(field.type()));
  if (const auto* type = field.enum_type(); type != nullptr) {
    for (int i = 0; i < type->value_count(); ++i) {
      const int number = type->value(i)->number();
      if (number < 0 || number >= kSmall) continue;
      const auto place = static_cast<size_t>(number);
      if (part.names.size() <= place) part.names.resize(place + 1);
      if (part.names[place].empty()) {
        part.names[place] = absl::StrCat("\"", type->value(i)->name(), "\"");
      }
    }
  }
  return part;
}

const Shape& ShapeOf(const Descriptor& type) {
  thread_local absl::node_hash_map<const Descriptor*, Shape> shapes;
  Shape& shape = shapes[&type];
  if (shape.type != nullptr) return shape;
  shape.type = &type;  // first: a type may hold itself
  for (int i = 0; i < type.field_count(); ++i) {
    shape.parts.push_back(PartOf(*type.field(i)));
    const int number = type.field(i)->number();
    if (number >= kSmall) continue;
    shape.by_number.resize(std::max(shape.by_number.size(), static_cast<size_t>(number) + 1), -1);
    shape.by_number[static_cast<size_t>(number)] = static_cast<int16_t>(i);
  }
  for (Part& part : shape.parts) {
    if (part.field->message_type() != nullptr) part.inner = &ShapeOf(*part.field->message_type());
  }
  return shape;
}

// Which bytes a text cannot hold as they are.
constexpr auto kEscaped = [] {
  std::array<bool, 256> escaped{};
  for (size_t byte = 0; byte < ' '; ++byte) escaped[byte] = true;
  escaped['"'] = escaped['\\'] = escaped[0x7f] = true;
  return escaped;
}();

// Writes as it reads. Each function returns whether to go on: it stops at what protobuf for C++
// does not write, fields that come twice or in another order than that of their numbers, and at
// what has no form in JSON.
class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out) {}

  bool Value(const Shape& shape, absl::string_view bytes) {
    switch (shape.type->well_known_type()) {
      case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
        return Time<google::protobuf::Timestamp>(bytes);
      case Descriptor::WELLKNOWNTYPE_DURATION:
        return Time<google::protobuf::Duration>(bytes);
      case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
        google::protobuf::FieldMask mask;
        std::string paths;
        return Parse(bytes, &mask) && FieldMaskUtil::ToJsonString(mask, &paths) && Text(paths);
      }
      case Descriptor::WELLKNOWNTYPE_ANY: {
        google::protobuf::Any any;
        if (++depth_ > kMaxDepth || !Parse(bytes, &any) || !Any(any)) return false;
        --depth_;
        return true;
      }
      default:
        out_ += '{';
        return Fields(shape, bytes) && Close('}');
    }
  }

 private:
  static bool Parse(absl::string_view bytes, Message* message) {
    return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }

  // Each value of an object or array leaves a comma behind it.
  bool Close(char bracket) {
    if (out_.back() == ',') out_.pop_back();
    out_ += bracket;
    return true;
  }

  // One value as it was read: the bytes of a text or message, or a number.
  struct Raw {
    uint64_t number = 0;
    absl::string_view bytes;
  };

  static bool ReadBytes(CodedInputStream& in, absl::string_view* bytes) {
    uint32_t size = 0;
    const void* data = nullptr;
    int left = 0;
    if (!in.ReadVarint32(&size)) return false;
    if (size == 0) return true;
    if (!in.GetDirectBufferPointer(&data, &left) || size > static_cast<uint32_t>(left)) {
      return false;
    }
    *bytes = {static_cast<const char*>(data), size};
    return in.Skip(static_cast<int>(size));
  }
  static bool Read(CodedInputStream& in, uint32_t wire_type, Raw* raw) {
    uint32_t half = 0;
    switch (wire_type) {
      case WireFormatLite::WIRETYPE_VARINT:
        return in.ReadVarint64(&raw->number);
      case WireFormatLite::WIRETYPE_FIXED64:
        return in.ReadLittleEndian64(&raw->number);
      case WireFormatLite::WIRETYPE_FIXED32:
        if (!in.ReadLittleEndian32(&half)) return false;
        raw->number = half;
        return true;
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        return ReadBytes(in, &raw->bytes);
      default:
        return false;
    }
  }
  static CodedInputStream Stream(absl::string_view bytes) {
    return CodedInputStream(reinterpret_cast<const uint8_t*>(bytes.data()),
                            static_cast<int>(bytes.size()));
  }

  bool Fields(const Shape& shape, absl::string_view bytes) {
    if (++depth_ > kMaxDepth) return false;
    CodedInputStream in = Stream(bytes);
    const Part* last = nullptr;
    const Part* list = nullptr;  // whose items are being written
    uint64_t oneofs = 0;
    while (const uint32_t tag = in.ReadTag()) {
      const int number = WireFormatLite::GetTagFieldNumber(tag);
      if (number == 0) return false;
      const Part* const part = shape.Find(number);
      const uint32_t wire_type = WireFormatLite::GetTagWireType(tag);
      const bool packed = part != nullptr && part->field->is_packable() &&
                          wire_type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (part == nullptr || (wire_type != part->wire_type && !packed)) {
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
      }
      const FieldDescriptor& field = *part->field;
      if (last != nullptr && last != part && number < last->field->number()) return false;
      if (last == part && list == nullptr) return false;
      if (const auto* oneof = field.real_containing_oneof(); oneof != nullptr) {
        const uint64_t bit = uint64_t{1} << (static_cast<unsigned>(oneof->index()) % 64);
        if ((oneofs & bit) != 0) return false;
        oneofs |= bit;
      }
      if (list != nullptr && list != part) {
        Close(list->field->is_map() ? '}' : ']');
        out_ += ',';
        list = nullptr;
      }
      last = part;
      Raw raw;
      if (!Read(in, wire_type, &raw)) return false;
      if (!field.is_repeated()) {
        if (IsUnset(field, raw)) continue;
        out_ += part->key;
        if (!Item(*part, raw)) return false;
      } else {
        if (std::exchange(list, part) == nullptr) {
          out_ += part->key;
          out_ += field.is_map() ? '{' : '[';
        }
        if (field.is_map() ? !Entry(*part, raw.bytes)
            : packed       ? !Packed(*part, raw.bytes)
                           : !Item(*part, raw)) {
          return false;
        }
        if (packed) continue;
      }
      out_ += ',';
    }
    if (list != nullptr) {
      Close(list->field->is_map() ? '}' : ']');
      out_ += ',';
    }
    --depth_;
    return in.ConsumedEntireMessage();
  }

  // Written in full, and yet not there: protobuf for C++ leaves it out.
  static bool IsUnset(const FieldDescriptor& field, const Raw& raw) {
    return !field.has_presence() && raw.number == 0 && raw.bytes.empty();
  }

  bool Packed(const Part& part, absl::string_view bytes) {
    CodedInputStream in = Stream(bytes);
    while (in.CurrentPosition() < static_cast<int>(bytes.size())) {
      Raw raw;
      if (!Read(in, part.wire_type, &raw) || !Item(part, raw)) return false;
      out_ += ',';
    }
    return true;
  }

  // One of a map; a key or value that is not there is the empty one.
  bool Entry(const Part& map, absl::string_view bytes) {
    CodedInputStream in = Stream(bytes);
    std::array<Raw, 2> pair;
    while (const uint32_t tag = in.ReadTag()) {
      const int number = WireFormatLite::GetTagFieldNumber(tag);
      const Part* const part = map.inner->Find(number);
      if (part == nullptr || WireFormatLite::GetTagWireType(tag) != part->wire_type) return false;
      if (!Read(in, part->wire_type, &pair[static_cast<size_t>(number - 1)])) return false;
    }
    const Part& key = *map.inner->Find(1);
    const bool quoted =
        key.field->cpp_type() == FieldDescriptor::CPPTYPE_STRING || Is64(*key.field);
    if (!quoted) out_ += '"';
    if (!Item(key, pair[0])) return false;
    if (!quoted) out_ += '"';
    out_ += ':';
    return Item(*map.inner->Find(2), pair[1]);
  }
  static bool Is64(const FieldDescriptor& field) {
    return field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
           field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
  }

  bool Item(const Part& part, const Raw& raw) {
    const auto half = static_cast<uint32_t>(raw.number);
    switch (part.field->type()) {
      case FieldDescriptor::TYPE_INT32:
      case FieldDescriptor::TYPE_SFIXED32:
        return Digits(static_cast<int32_t>(half));
      case FieldDescriptor::TYPE_SINT32:
        return Digits(WireFormatLite::ZigZagDecode32(half));
      case FieldDescriptor::TYPE_UINT32:
      case FieldDescriptor::TYPE_FIXED32:
        return Digits(half);
      case FieldDescriptor::TYPE_INT64:
      case FieldDescriptor::TYPE_SFIXED64:
        return Quoted(static_cast<int64_t>(raw.number));
      case FieldDescriptor::TYPE_SINT64:
        return Quoted(WireFormatLite::ZigZagDecode64(raw.number));
      case FieldDescriptor::TYPE_UINT64:
      case FieldDescriptor::TYPE_FIXED64:
        return Quoted(raw.number);
      case FieldDescriptor::TYPE_DOUBLE:
        return Real(WireFormatLite::DecodeDouble(raw.number));
      case FieldDescriptor::TYPE_FLOAT:
        return Real(WireFormatLite::DecodeFloat(half));
      case FieldDescriptor::TYPE_BOOL:
        out_ += raw.number != 0 ? "true" : "false";
        return true;
      case FieldDescriptor::TYPE_ENUM:
        return Enum(part, static_cast<int>(half));
      case FieldDescriptor::TYPE_BYTES:
        absl::StrAppend(&out_, "\"", absl::Base64Escape(raw.bytes), "\"");
        return true;
      case FieldDescriptor::TYPE_STRING:
        return Text(raw.bytes);
      case FieldDescriptor::TYPE_MESSAGE:
        return Value(*part.inner, raw.bytes);
      case FieldDescriptor::TYPE_GROUP:
        break;
    }
    return false;
  }

  template <class Whole>
  bool Digits(Whole value) {
    char room[24];
    out_.append(room, std::to_chars(room, room + sizeof room, value).ptr);
    return true;
  }
  template <class Whole>
  bool Quoted(Whole value) {
    out_ += '"';
    Digits(value);
    out_ += '"';
    return true;
  }
  template <class Number>
  bool Real(Number value) {
    if (std::isnan(value)) {
      out_ += "\"NaN\"";
    } else if (std::isinf(value)) {
      out_ += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    } else {
      char room[32];
      out_.append(room, std::to_chars(room, room + sizeof room, value).ptr);
    }
    return true;
  }

  bool Enum(const Part& part, int number) {
    if (number >= 0 && static_cast<size_t>(number) < part.names.size() &&
        !part.names[static_cast<size_t>(number)].empty()) {
      out_ += part.names[static_cast<size_t>(number)];
    } else if (const auto* value = part.field->enum_type()->FindValueByNumber(number);
               value != nullptr) {
      absl::StrAppend(&out_, "\"", value->name(), "\"");
    } else {
      return Digits(number);
    }
    return true;
  }

  bool Text(absl::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    size_t plain = 0;  // where what needs no escape began
    uint8_t all = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      all |= byte;
      if (!kEscaped[byte]) continue;
      out_.append(text.data() + plain, i - plain);
      plain = i + 1;
      if (byte == '"' || byte == '\\') {
        out_ += '\\';
        out_ += text[i];
      } else if (byte == '\n') {
        out_ += "\\n";
      } else {
        out_ += "\\u00";
        out_ += kHex[byte >> 4];
        out_ += kHex[byte & 15];
      }
    }
    out_.append(text.data() + plain, text.size() - plain);
    out_ += '"';
    return all < 0x80 || google::protobuf::internal::IsStructurallyValidUTF8(
                             text.data(), static_cast<int>(text.size()));
  }

  // What is out of range would end the process.
  template <class Of>
  bool Time(absl::string_view bytes) {
    Of time;
    return Parse(bytes, &time) && IsInRange(time) && Text(TimeUtil::ToString(time));
  }

  // Of a type that is not linked in, its bytes.
  bool Any(const google::protobuf::Any& any) {
    out_ += '{';
    if (any.type_url().empty()) return Close('}');
    out_ += "\"@type\":";
    if (!Text(any.type_url())) return false;
    out_ += ',';
    const size_t slash = any.type_url().rfind('/');
    const Descriptor* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
            any.type_url().substr(slash == std::string::npos ? 0 : slash + 1));
    const std::unique_ptr<Message> inner(
        type == nullptr
            ? nullptr
            : google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    if (inner == nullptr || !inner->ParseFromString(any.value())) {
      absl::StrAppend(&out_, "\"value\":\"", absl::Base64Escape(any.value()), "\"");
      return Close('}');
    }
    const std::string bytes = inner->SerializeAsString();
    if (type->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
      return Fields(ShapeOf(*type), bytes) && Close('}');
    }
    out_ += "\"value\":";
    return Value(ShapeOf(*type), bytes) && Close('}');
  }

  std::string& out_;
  int depth_ = 0;
};

bool Write(const Shape& shape, absl::string_view bytes, std::string* out) {
  out->clear();
  out->reserve(3 * bytes.size() + 2);
  return Writer(out).Value(shape, bytes);
}

}  // namespace

bool IsInRange(const google::protobuf::Timestamp& time) {
  return time.seconds() >= TimeUtil::kTimestampMinSeconds &&
         time.seconds() <= TimeUtil::kTimestampMaxSeconds && time.nanos() >= 0 &&
         time.nanos() < kNanos;
}

bool IsInRange(const google::protobuf::Duration& duration) {
  const bool one_sign = duration.seconds() == 0 || duration.nanos() == 0 ||
                        (duration.seconds() < 0) == (duration.nanos() < 0);
  return duration.seconds() >= TimeUtil::kDurationMinSeconds &&
         duration.seconds() <= TimeUtil::kDurationMaxSeconds && duration.nanos() > -kNanos &&
         duration.nanos() < kNanos && one_sign;
}

absl::StatusOr<std::string> ToJson(const Descriptor& type, absl::string_view bytes) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::InternalError("what the service says is too large");
  }
  const Shape& shape = ShapeOf(type);
  std::string out;
  if (Write(shape, bytes, &out)) return out;
  // Not as protobuf for C++ writes it, or not at all.
  google::protobuf::Arena arena;
  Message* const message =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New(&arena);
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InternalError("what the service says is no message of its type");
  }
  if (Write(shape, message->SerializeAsString(), &out)) return out;
  return absl::InternalError("what the service says has no form in JSON");
}

}  // namespace nisi::gateway
