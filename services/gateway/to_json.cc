#include <charconv>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/time_util.h"
#include "services/gateway/transcode.h"

namespace nisi::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::FieldMaskUtil;
using google::protobuf::util::TimeUtil;

constexpr int32_t kNanos = 1'000'000'000;  // a second

class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out) {}

  // Whether all of it has a form in JSON.
  bool good() const { return good_; }

  void Value(const Message& message, const Descriptor& type) {
    switch (type.well_known_type()) {
      // What is out of range would end the process.
      case Descriptor::WELLKNOWNTYPE_TIMESTAMP: {
        const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
        good_ = good_ && IsInRange(time);
        return good_ ? Text(TimeUtil::ToString(time)) : void();
      }
      case Descriptor::WELLKNOWNTYPE_DURATION: {
        const auto& duration = static_cast<const google::protobuf::Duration&>(message);
        good_ = good_ && IsInRange(duration);
        return good_ ? Text(TimeUtil::ToString(duration)) : void();
      }
      case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
        std::string paths;
        good_ = FieldMaskUtil::ToJsonString(
                    static_cast<const google::protobuf::FieldMask&>(message), &paths) &&
                good_;
        return Text(paths);
      }
      case Descriptor::WELLKNOWNTYPE_ANY:
        return Any(static_cast<const google::protobuf::Any&>(message));
      default:
        out_ += '{';
        Fields(message);
        Close('}');
    }
  }

 private:
  // Each value of an object or array leaves a comma behind it.
  void Close(char bracket) {
    if (out_.back() == ',') out_.pop_back();
    out_ += bracket;
  }

  void Fields(const Message& message) {
    const Reflection& reflection = *message.GetReflection();
    if (levels_.size() <= depth_) levels_.emplace_back();
    // Of a deque: what is deeper moves nothing. Its room serves all messages of this depth.
    std::vector<const FieldDescriptor*>& fields = levels_[depth_];
    reflection.ListFields(message, &fields);
    ++depth_;
    for (const FieldDescriptor* field : fields) {
      absl::StrAppend(&out_, "\"", field->json_name(), "\":");
      if (field->is_map()) {
        Map(message, *field);
      } else if (field->is_repeated()) {
        out_ += '[';
        const int size = reflection.FieldSize(message, field);
        for (int i = 0; i < size; ++i) {
          Item(message, reflection, *field, i);
          out_ += ',';
        }
        Close(']');
      } else {
        Item(message, reflection, *field, -1);
      }
      out_ += ',';
    }
    --depth_;
  }

  void Map(const Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    const Descriptor& entry = *field.message_type();
    out_ += '{';
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& pair = reflection.GetRepeatedMessage(message, &field, i);
      const bool quoted =
          entry.map_key()->cpp_type() == FieldDescriptor::CPPTYPE_STRING || Is64(*entry.map_key());
      if (!quoted) out_ += '"';
      Item(pair, *pair.GetReflection(), *entry.map_key(), -1);
      if (!quoted) out_ += '"';
      out_ += ':';
      Item(pair, *pair.GetReflection(), *entry.map_value(), -1);
      out_ += ',';
    }
    Close('}');
  }

  // A singular field, or item `i` of a repeated one.
  void Item(const Message& message, const Reflection& reflection, const FieldDescriptor& field,
            int i) {
    const auto get = [&](auto one, auto of_many) {
      return i < 0 ? (reflection.*one)(message, &field) : (reflection.*of_many)(message, &field, i);
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        absl::StrAppend(&out_, get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        absl::StrAppend(&out_, get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        absl::StrAppend(&out_, "\"", get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64),
                        "\"");
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        absl::StrAppend(&out_, "\"", get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64),
                        "\"");
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        Number(get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        Number(get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ += get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number = get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue);
        if (const auto* value = field.enum_type()->FindValueByNumber(number)) {
          absl::StrAppend(&out_, "\"", value->name(), "\"");
        } else {
          absl::StrAppend(&out_, number);
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string room;
        const std::string& text =
            i < 0 ? reflection.GetStringReference(message, &field, &room)
                  : reflection.GetRepeatedStringReference(message, &field, i, &room);
        if (field.type() == FieldDescriptor::TYPE_BYTES) {
          absl::StrAppend(&out_, "\"", absl::Base64Escape(text), "\"");
        } else {
          Text(text);
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Value(i < 0 ? reflection.GetMessage(message, &field)
                    : reflection.GetRepeatedMessage(message, &field, i),
              *field.message_type());
        break;
    }
  }

  static bool Is64(const FieldDescriptor& field) {
    return field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
           field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
  }

  template <class Real>
  void Number(Real value) {
    if (std::isnan(value)) {
      out_ += "\"NaN\"";
    } else if (std::isinf(value)) {
      out_ += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    } else {
      char room[32];
      const auto end = std::to_chars(room, room + sizeof room, value);
      out_.append(room, end.ptr);
    }
  }

  void Text(absl::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    size_t plain = 0;  // where what needs no escape began
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte >= ' ' && byte != '"' && byte != '\\' && byte != 0x7f) continue;
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
  }

  // Of a type that is not linked in, its bytes.
  void Any(const google::protobuf::Any& any) {
    out_ += '{';
    if (!any.type_url().empty()) {
      out_ += "\"@type\":";
      Text(any.type_url());
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
      } else if (type->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
        Fields(*inner);
      } else {
        out_ += "\"value\":";
        Value(*inner, *type);
      }
    }
    Close('}');
  }

  std::string& out_;
  bool good_ = true;
  std::deque<std::vector<const FieldDescriptor*>> levels_;
  size_t depth_ = 0;
};

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
  google::protobuf::Arena arena;
  Message* const message =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New(&arena);
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InternalError("what the service says is no message of its type");
  }
  std::string json;
  json.reserve(3 * bytes.size() + 2);
  Writer writer(&json);
  writer.Value(*message, type);
  if (!writer.good()) return absl::InternalError("what the service says has no form in JSON");
  return json;
}

}  // namespace nisi::gateway
