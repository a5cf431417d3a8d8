// Texts are looked at 16 bytes at a time.
#ifdef __SSE2__
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/reader.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/parse.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/time_util.h"
#include "services/gateway/base64_reader.h"
#include "services/gateway/errors.h"
#include "services/gateway/transcode.h"

namespace nisi::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::FieldMaskUtil;
using google::protobuf::util::TimeUtil;

constexpr size_t kUsualDepth = 8;
constexpr size_t kMaxShownKey = 100;  // of what is no field
// The longest that can be needed of a number, a double without an exponent, and of a time.
constexpr size_t kMaxNumber = 1100;
constexpr size_t kMaxTime = 64;
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kAtOnce = 16;

unsigned char Byte(char c) {
  return static_cast<unsigned char>(c);
}

bool HasOwnForm(const Descriptor& type) {
  return type.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
}

// Where a time or a span lies out of range TimeUtil ends the process in place of saying so.
bool MayBeTime(absl::string_view text) {
  absl::Time time;
  return text.size() <= kMaxTime && absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) &&
         time >= absl::FromUnixSeconds(TimeUtil::kTimestampMinSeconds) &&
         time < absl::FromUnixSeconds(TimeUtil::kTimestampMaxSeconds + 1);
}

bool MayBeDuration(absl::string_view text) {
  double seconds = 0;
  return text.size() <= kMaxTime && absl::ConsumeSuffix(&text, "s") &&
         absl::SimpleAtod(text, &seconds) &&
         std::abs(seconds) <= static_cast<double>(TimeUtil::kDurationMaxSeconds);
}

using Names = absl::flat_hash_map<std::string, const FieldDescriptor*>;

// The fields of a type by their names, those of JSON and those of the proto. Descriptors find names
// too, at three times the price.
const Names& NamesOf(const Descriptor& type) {
  thread_local absl::node_hash_map<const Descriptor*, Names> types;
  Names& names = types[&type];
  if (names.empty()) {
    for (int i = 0; i < type.field_count(); ++i) {
      names.emplace(type.field(i)->json_name(), type.field(i));
      names.emplace(type.field(i)->name(), type.field(i));
    }
  }
  return names;
}

// What no JSON holds, and what RapidJSON does not look for everywhere: it takes a NUL for the end.
int IsControl(char c) {
  return static_cast<int>(Byte(c) < ' ') & static_cast<int>(c != '\n') &
         static_cast<int>(c != '\r') & static_cast<int>(c != '\t');
}
bool HasControls(absl::string_view text) {
  int found = 0;
  for (const char c : text) found |= IsControl(c);
  return found != 0;
}

// How a value that is written as a text of its own form is not written.
absl::string_view NotOfItsForm(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return "is no time as 2026-01-31T09:30:00Z";
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return "is no time span as 1.5s";
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return "is no text of fields in camel case with commas between, as titleRu,note";
    default:
      return "is no text of its form";
  }
}

bool IsUtf8(absl::string_view text) {
  return google::protobuf::internal::IsStructurallyValidUTF8(text.data(),
                                                             static_cast<int>(text.size()));
}

// Fills messages with what RapidJSON finds, as it finds it. Each function returns whether to go on.
// The texts that it is given stay where they are until the end.
class Reader final {
 public:
  explicit Reader(Message* root) : root_(root) { frames_.reserve(kUsualDepth); }

  // Of what was refused; nothing where it is no JSON at all.
  std::optional<absl::Status> refusal() const {
    if (refusal_.has_value() || what_.empty()) return refusal_;
    return MalformedJson(path_, what_);
  }

  bool Null() {
    if (frames_.empty()) return Fail("is no object");
    Frame& frame = frames_.back();
    // As if it were not there; but not in a list or a map.
    if (frame.in_list) ++frame.count;
    return frame.in_list || frame.map != nullptr ? Fail("has no value") : true;
  }
  bool Bool(bool value) {
    const FieldDescriptor* const field = Next();
    if (field == nullptr) return false;
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL) return Mismatch(*field);
    Set(&Reflection::SetBool, &Reflection::AddBool, value);
    return true;
  }
  bool RawNumber(const char* bytes, rapidjson::SizeType size, bool) {
    const FieldDescriptor* const field = Next();
    return field != nullptr && SetNumber(*field, {bytes, size});
  }
  bool String(const char* bytes, rapidjson::SizeType size, bool) {
    if (!IsUtf8({bytes, size})) return false;
    const FieldDescriptor* const field = Next();
    return field != nullptr && SetText(*field, {bytes, size});
  }

  bool StartObject() {
    if (frames_.empty()) {
      frames_.emplace_back(root_);
      return true;
    }
    if (frames_.size() > rpc::kMaxNesting) return Fail("is nested too deep");
    Frame& frame = frames_.back();
    if (frame.map == nullptr && !frame.in_list && frame.field->is_map()) {
      const FieldDescriptor* const map = frame.field;
      frames_.emplace_back(frame.message).map = map;
      return true;
    }
    const FieldDescriptor* const field = Next();
    if (field == nullptr) return false;
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
        HasOwnForm(*field->message_type())) {
      return Mismatch(*field);
    }
    frames_.emplace_back(NewMessage(*field));
    return true;
  }
  bool Key(const char* bytes, rapidjson::SizeType size, bool) {
    const absl::string_view name(bytes, size);
    if (!IsUtf8(name)) return false;
    Frame& frame = frames_.back();
    return frame.map == nullptr ? FieldKey(frame, name) : MapKey(frame, name);
  }
  bool EndObject(rapidjson::SizeType) {
    frames_.pop_back();
    return true;
  }
  bool StartArray() {
    if (frames_.empty()) return Fail("is no object");
    Frame& frame = frames_.back();
    if (frame.map != nullptr || frame.in_list || !frame.field->is_repeated() ||
        frame.field->is_map()) {
      const FieldDescriptor* const field = Next();
      return field != nullptr && Mismatch(*field);
    }
    frame.in_list = true;
    frame.count = 0;
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    frames_.back().in_list = false;
    return true;
  }

  // What RapidJSON also asks of a handler, and never calls where numbers come as they are written.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  // Which of some indexes were met.
  class Marks {
   public:
    // Whether it was before.
    bool Add(int index) {
      const auto place = static_cast<size_t>(index);
      if (place >= kFew) {
        if (more_.size() <= place) more_.resize(place + 1);
        const bool before = more_[place];
        more_[place] = true;
        return before;
      }
      const uint64_t bit = uint64_t{1} << place;
      const bool before = (few_ & bit) != 0;
      few_ |= bit;
      return before;
    }

   private:
    static constexpr size_t kFew = 64;
    uint64_t few_ = 0;
    std::vector<bool> more_;
  };

  // An object that is being read: a message, or a map of one.
  struct Frame {
    explicit Frame(Message* of) : message(of) {}

    Message* message;
    const Names* names = nullptr;            // of its fields
    const FieldDescriptor* field = nullptr;  // whose value comes
    bool in_list = false;
    int count = 0;  // of its items so far
    Marks seen;     // by the index of a field
    Marks oneofs;
    const FieldDescriptor* map = nullptr;
    Message* entry = nullptr;
    absl::string_view map_key;
    absl::flat_hash_set<absl::string_view> map_keys;
  };

  bool Fail(absl::string_view what) { return FailAt(Path(), what); }
  bool FailAt(std::string path, absl::string_view what) {
    path_ = std::move(path);
    what_ = std::string(what);
    return false;
  }

  // Of the value that is being read, with the names of the proto: as the services name fields.
  std::string Path() const { return PathTo(frames_.size()); }
  std::string PathTo(size_t frames) const {
    std::string path;
    for (size_t i = 0; i < frames; ++i) {
      const Frame& frame = frames_[i];
      if (frame.map != nullptr) {
        absl::StrAppend(&path, "[\"", Shown(frame.map_key), "\"]");
      } else if (frame.field != nullptr) {
        absl::StrAppend(&path, path.empty() ? "" : ".", frame.field->name());
        if (frame.in_list) absl::StrAppend(&path, "[", std::max(frame.count - 1, 0), "]");
      }
    }
    return path;
  }
  // What a client wrote, where it can be shown.
  static absl::string_view Shown(absl::string_view key) {
    const bool plain =
        key.size() <= kMaxShownKey &&
        std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
    return plain ? key : "?";
  }

  bool FieldKey(Frame& frame, absl::string_view name) {
    frame.field = nullptr;
    if (frame.names == nullptr) frame.names = &NamesOf(*frame.message->GetDescriptor());
    const auto found = frame.names->find(name);
    if (found == frame.names->end()) {
      const std::string path = Path();
      return FailAt(absl::StrCat(path, path.empty() ? "" : ".", Shown(name)), "is no field");
    }
    frame.field = found->second;
    if (frame.seen.Add(frame.field->index())) return Fail("is given twice");
    return true;
  }
  bool MapKey(Frame& frame, absl::string_view name) {
    frame.map_key = name;
    if (!frame.map_keys.insert(name).second) return Fail("is given twice");
    if (!Count()) return false;
    frame.entry = frame.message->GetReflection()->AddMessage(frame.message, frame.map);
    const FieldDescriptor& key = *frame.map->message_type()->map_key();
    if (key.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      if (name != "true" && name != "false") return Fail("is no key");
      frame.entry->GetReflection()->SetBool(frame.entry, &key, name == "true");
      return true;
    }
    target_ = frame.entry;
    repeated_ = false;
    field_ = &key;
    return SetText(key, name);
  }

  // So many that a service would refuse it, as it would: see rpc::kMaxWireFields.
  bool Count() { return ++values_ <= rpc::kMaxWireFields || FailOfTooMany(); }
  bool FailOfTooMany() {
    for (size_t i = 0; i < frames_.size(); ++i) {
      const Frame& frame = frames_[i];
      if (!frame.in_list) continue;
      // With the one that comes now.
      const int items = frame.count + (i + 1 == frames_.size() ? 1 : 0);
      if (items <= rpc::MaxItems(*frame.field)) continue;
      std::string list = PathTo(i + 1);
      list.resize(list.rfind('['));
      refusal_ = base::InvalidField(list, rpc::TooManyProblem(rpc::MaxItems(*frame.field)));
      return false;
    }
    return Fail(
        absl::StrCat("is past the ", rpc::kMaxWireFields, " fields and items of a request"));
  }

  // The field that the value which comes now is of, and where it goes. Null: it may not come.
  const FieldDescriptor* Next() {
    if (frames_.empty()) {
      Fail("is no object");
      return nullptr;
    }
    if (!Count()) return nullptr;
    Frame& frame = frames_.back();
    if (frame.map != nullptr) {
      target_ = frame.entry;
      field_ = frame.map->message_type()->map_value();
      repeated_ = false;
      return field_;
    }
    field_ = frame.field;
    target_ = frame.message;
    repeated_ = frame.in_list;
    if (frame.in_list) {
      ++frame.count;
    } else if (field_->is_repeated()) {
      Fail(field_->is_map() ? "is no object" : "is no list");
      return nullptr;
    }
    const auto* oneof = field_->real_containing_oneof();
    if (oneof != nullptr && frame.oneofs.Add(oneof->index())) {
      frame.field = nullptr;
      const std::string path = Path();
      FailAt(absl::StrCat(path, path.empty() ? "" : ".", oneof->name()), "is given twice");
      return nullptr;
    }
    return field_;
  }

  template <class One, class Many, class Value>
  void Set(One one, Many many, Value value) {
    const Reflection* const reflection = target_->GetReflection();
    if (repeated_) {
      (reflection->*many)(target_, field_, value);
    } else {
      (reflection->*one)(target_, field_, value);
    }
  }
  Message* NewMessage(const FieldDescriptor& field) {
    const Reflection* const reflection = target_->GetReflection();
    return repeated_ ? reflection->AddMessage(target_, &field)
                     : reflection->MutableMessage(target_, &field);
  }

  bool Mismatch(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fail(HasOwnForm(*field.message_type()) ? NotOfItsForm(*field.message_type())
                                                      : "is no object");
      case FieldDescriptor::CPPTYPE_BOOL:
        return Fail("is neither true nor false");
      case FieldDescriptor::CPPTYPE_STRING:
        return Fail(field.type() == FieldDescriptor::TYPE_BYTES ? "is no base64" : "is no text");
      case FieldDescriptor::CPPTYPE_ENUM:
        return Fail("is none of its values");
      default:
        return Fail("is no number that it can hold");
    }
  }

  // As JSON writes it: a whole number where it has neither point nor exponent, and fits.
  bool SetNumber(const FieldDescriptor& field, absl::string_view text) {
    if (text.size() > kMaxNumber) return Mismatch(field);
    const bool negative = text.front() == '-';
    int64_t value = 0;
    uint64_t positive = 0;
    if (negative ? absl::SimpleAtoi(text, &value) : absl::SimpleAtoi(text, &positive)) {
      return SetInteger(field, value < 0, value, positive);
    }
    double real = 0;
    if (!absl::SimpleAtod(text, &real) || !std::isfinite(real)) return Mismatch(field);
    return SetReal(field, real);
  }

  // `value` where it is negative, `positive` elsewhere.
  bool SetInteger(const FieldDescriptor& field, bool negative, int64_t value, uint64_t positive) {
    const bool fits_int64 =
        negative || positive <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    const int64_t number = negative ? value : static_cast<int64_t>(positive);
    const bool fits_int32 = fits_int64 && number >= std::numeric_limits<int32_t>::min() &&
                            number <= std::numeric_limits<int32_t>::max();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (!fits_int32) return Mismatch(field);
        Set(&Reflection::SetInt32, &Reflection::AddInt32, static_cast<int32_t>(number));
        return true;
      case FieldDescriptor::CPPTYPE_INT64:
        if (!fits_int64) return Mismatch(field);
        Set(&Reflection::SetInt64, &Reflection::AddInt64, number);
        return true;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (negative || positive > std::numeric_limits<uint32_t>::max()) return Mismatch(field);
        Set(&Reflection::SetUInt32, &Reflection::AddUInt32, static_cast<uint32_t>(positive));
        return true;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (negative) return Mismatch(field);
        Set(&Reflection::SetUInt64, &Reflection::AddUInt64, positive);
        return true;
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return SetReal(field,
                       negative ? static_cast<double>(value) : static_cast<double>(positive));
      case FieldDescriptor::CPPTYPE_ENUM:
        if (!fits_int32) return Mismatch(field);
        Set(&Reflection::SetEnumValue, &Reflection::AddEnumValue, static_cast<int>(number));
        return true;
      default:
        return Mismatch(field);
    }
  }

  bool SetReal(const FieldDescriptor& field, double value) {
    constexpr double kExact = 9007199254740992;  // 2^53: up to here each whole number is itself
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      Set(&Reflection::SetDouble, &Reflection::AddDouble, value);
      return true;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
      if (std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max()) {
        return Mismatch(field);
      }
      Set(&Reflection::SetFloat, &Reflection::AddFloat, static_cast<float>(value));
      return true;
    }
    if (!(std::abs(value) <= kExact) || std::trunc(value) != value) return Mismatch(field);
    const auto number = static_cast<int64_t>(value);
    return SetInteger(field, number < 0, number, static_cast<uint64_t>(number));
  }

  bool SetText(const FieldDescriptor& field, absl::string_view text) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string value(text);
        if (field.type() == FieldDescriptor::TYPE_BYTES) {
          // Of both alphabets.
          std::replace(value.begin(), value.end(), '-', '+');
          std::replace(value.begin(), value.end(), '_', '/');
          std::optional<std::string> bytes = DecodeBase64(value);
          if (!bytes.has_value()) return Mismatch(field);
          value = *std::move(bytes);
        }
        Set(&Reflection::SetString, &Reflection::AddString, std::move(value));
        return true;
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* value = field.enum_type()->FindValueByName(std::string(text));
        if (value == nullptr) return Mismatch(field);
        Set(&Reflection::SetEnumValue, &Reflection::AddEnumValue, value->number());
        return true;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return SetOwnForm(field, text) || Mismatch(field);
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT: {
        const std::optional<double> value = RealOf(text);
        return value.has_value() ? SetReal(field, *value) : Mismatch(field);
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        return Mismatch(field);
      default:
        return SetDigits(field, text);
    }
  }
  static std::optional<double> RealOf(absl::string_view text) {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    double value = 0;
    if (!IsNumber(text) || !absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
      return std::nullopt;
    }
    return value;
  }
  static bool IsNumber(absl::string_view text) {
    return !text.empty() && text.size() <= kMaxNumber &&
           (text.front() == '-' || absl::ascii_isdigit(Byte(text.front()))) &&
           absl::ascii_isdigit(Byte(text.back())) &&
           text.find_first_not_of("0123456789+-.eE") == absl::string_view::npos;
  }

  // A whole number that is written as a text, as those of 64 bits are.
  bool SetDigits(const FieldDescriptor& field, absl::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    const absl::string_view digits = negative ? text.substr(1) : text;
    int64_t value = 0;
    uint64_t positive = 0;
    const bool whole =
        !digits.empty() && digits.size() <= kMaxNumber &&
        digits.find_first_not_of("0123456789") == absl::string_view::npos &&
        (negative ? absl::SimpleAtoi(text, &value) : absl::SimpleAtoi(text, &positive));
    return whole ? SetInteger(field, negative, value, positive) : Mismatch(field);
  }

  bool SetOwnForm(const FieldDescriptor& field, absl::string_view text) {
    const auto kind = field.message_type()->well_known_type();
    if (kind == Descriptor::WELLKNOWNTYPE_TIMESTAMP) {
      auto* const time = static_cast<google::protobuf::Timestamp*>(NewMessage(field));
      return MayBeTime(text) && TimeUtil::FromString(std::string(text), time) && IsInRange(*time);
    }
    if (kind == Descriptor::WELLKNOWNTYPE_DURATION) {
      auto* const duration = static_cast<google::protobuf::Duration*>(NewMessage(field));
      return MayBeDuration(text) && TimeUtil::FromString(std::string(text), duration) &&
             IsInRange(*duration);
    }
    if (kind == Descriptor::WELLKNOWNTYPE_FIELDMASK) {
      // Each path is a value, as of bytes.
      values_ += std::count(text.begin(), text.end(), ',');
      if (!Count()) return false;
      return FieldMaskUtil::FromJsonString(
          std::string(text), static_cast<google::protobuf::FieldMask*>(NewMessage(field)));
    }
    return false;
  }

  Message* const root_;
  std::vector<Frame> frames_;
  int64_t values_ = 0;
  // Of the value that comes now.
  Message* target_ = nullptr;
  const FieldDescriptor* field_ = nullptr;
  bool repeated_ = false;
  std::string path_;
  std::string what_;
  std::optional<absl::Status> refusal_;  // of another reason
};

}  // namespace

absl::StatusOr<std::string> FromJson(const Descriptor& type, std::string text) {
  google::protobuf::Arena arena;
  Message* const message =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New(&arena);
  Reader reader(message);
  if (HasControls(text)) {
    const auto control = std::find_if(text.begin(), text.end(), IsControl);
    return NotJson(static_cast<size_t>(control - text.begin()));
  }
  const size_t start = absl::StartsWith(text, kByteOrderMark) ? kByteOrderMark.size() : 0;
  // The texts are taken where they are, and their escapes replaced there. What is read at once may
  // lie behind the end.
  text.append(kAtOnce, '\0');
  rapidjson::InsituStringStream stream(text.data() + start);
  rapidjson::Reader rapid;
  rapid.Parse<rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag>(stream, reader);
  if (rapid.HasParseError()) {
    return reader.refusal().value_or(NotJson(start + rapid.GetErrorOffset()));
  }
  return message->SerializeAsString();
}

}  // namespace nisi::gateway
