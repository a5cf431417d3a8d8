#include "tools/nisi/flags.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxFlagDepth = 4;

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

void Collect(const Descriptor& type, const FieldFlag& above, std::vector<FieldFlag>* flags) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    FieldFlag flag = above;
    flag.name = absl::StrCat(above.name, above.name.empty() ? "" : ".", Kebab(field->name()));
    flag.path.push_back(field);
    flags->push_back(flag);
    const bool nested = field->message_type() != nullptr && !field->is_repeated() &&
                        !IsValueMessage(*field->message_type());
    if (nested && flag.path.size() < kMaxFlagDepth) Collect(*field->message_type(), flag, flags);
  }
}

std::vector<std::string> SplitAtCommas(absl::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      parts.back() += text[++i];
    } else if (text[i] == ',') {
      parts.emplace_back();
    } else {
      parts.back() += text[i];
    }
  }
  return parts;
}

absl::StatusOr<std::string> Bytes(absl::string_view text) {
  if (absl::StartsWith(text, "@")) return ReadFile(std::string(text.substr(1)), nullptr);
  const bool hex =
      text.size() % 2 == 0 && std::all_of(text.begin(), text.end(),
                                          [](unsigned char c) { return absl::ascii_isxdigit(c); });
  if (!hex) return Bad("takes bytes in hex, or @file");
  return absl::HexStringToBytes(text);
}

absl::Status SetDate(absl::string_view text, Message* date) {
  const auto parsed = base::Date::Parse(text);
  if (!parsed.ok()) return Bad("takes a date of the calendar from 1990 to 2199, as 2026-01-31");
  date->CopyFrom(parsed->ToProto());
  return absl::OkStatus();
}

absl::Status SetMoney(absl::string_view text, Message* money) {
  const auto parsed = base::Money::Parse(text);
  if (!parsed.ok()) return Bad("takes a sum in tenge, as 1250.50");
  money->CopyFrom(parsed->ToProto());
  return absl::OkStatus();
}

absl::Status SetMessage(absl::string_view text, Message* message) {
  const std::string& type = message->GetDescriptor()->full_name();
  if (type == "google.type.Date") return SetDate(text, message);
  if (type == "google.type.Money") return SetMoney(text, message);
  if (IsValueMessage(*message->GetDescriptor())) {
    // The JSON forms of the rest are strings: RFC 3339, "3.5s", comma-separated camel-case paths.
    if (type == "google.protobuf.FieldMask") {
      google::protobuf::FieldMask mask;
      for (const std::string& path : SplitAtCommas(text)) {
        mask.add_paths(absl::StrReplaceAll(path, {{"-", "_"}}));
      }
      message->CopyFrom(mask);
      return absl::OkStatus();
    }
    const std::string quoted = absl::StrCat("\"", absl::CEscape(text), "\"");
    message->Clear();
    if (google::protobuf::util::JsonStringToMessage(quoted, message).ok()) return absl::OkStatus();
    return Bad(type == "google.protobuf.Timestamp" ? "takes a moment, as 2026-01-31T09:30:00Z"
                                                   : "takes a time span in seconds, as 1.5s");
  }
  return SetFromJson(text, message);
}

template <class T>
absl::StatusOr<T> Number(absl::string_view text, bool (*parse)(absl::string_view, T*),
                         absl::string_view what) {
  T value{};
  if (!parse(text, &value)) return Bad(absl::StrCat("takes ", what));
  return value;
}

absl::StatusOr<const google::protobuf::EnumValueDescriptor*> EnumValue(const FieldDescriptor& field,
                                                                       absl::string_view text) {
  std::string name = absl::AsciiStrToUpper(absl::StrReplaceAll(text, {{"-", "_"}, {".", "_"}}));
  if (const auto* value = field.enum_type()->FindValueByName(name)) return value;
  return Bad(absl::StrCat("takes one of ", absl::StrJoin(ChoicesOf(field), ", ")));
}

// Sets a singular field, adds to a repeated one.
#define NISI_STORE(kind, value)                     \
  do {                                              \
    if (field.is_repeated()) {                      \
      reflection.Add##kind(message, &field, value); \
    } else {                                        \
      reflection.Set##kind(message, &field, value); \
    }                                               \
    return absl::OkStatus();                        \
  } while (false)

absl::Status StoreText(const FieldDescriptor& field, absl::string_view text, Message* message) {
  const Reflection& reflection = *message->GetReflection();
  std::string value(text);
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    ASSIGN_OR_RETURN(value, Bytes(text));
  } else if (!IsUtf8(text)) {
    return Bad("takes text in UTF-8");
  }
  NISI_STORE(String, value);
}

absl::Status Store(const FieldDescriptor& field, absl::string_view text, Message* message) {
  const Reflection& reflection = *message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return StoreText(field, text, message);
    case FieldDescriptor::CPPTYPE_INT32: {
      ASSIGN_OR_RETURN(const int32_t value,
                       Number<int32_t>(text, absl::SimpleAtoi, "a whole number up to 2147483647"));
      NISI_STORE(Int32, value);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      ASSIGN_OR_RETURN(const int64_t value,
                       Number<int64_t>(text, absl::SimpleAtoi, "a whole number"));
      NISI_STORE(Int64, value);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      ASSIGN_OR_RETURN(
          const uint32_t value,
          Number<uint32_t>(text, absl::SimpleAtoi, "a whole number from 0 to 4294967295"));
      NISI_STORE(UInt32, value);
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      ASSIGN_OR_RETURN(const uint64_t value,
                       Number<uint64_t>(text, absl::SimpleAtoi, "a whole number from 0"));
      NISI_STORE(UInt64, value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      ASSIGN_OR_RETURN(const double value, Number<double>(text, absl::SimpleAtod, "a number"));
      NISI_STORE(Double, value);
    }
    case FieldDescriptor::CPPTYPE_FLOAT: {
      ASSIGN_OR_RETURN(const float value, Number<float>(text, absl::SimpleAtof, "a number"));
      NISI_STORE(Float, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      ASSIGN_OR_RETURN(const bool value, Number<bool>(text, absl::SimpleAtob, "true or false"));
      NISI_STORE(Bool, value);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      ASSIGN_OR_RETURN(const auto* value, EnumValue(field, text));
      NISI_STORE(Enum, value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(text, field.is_repeated() ? reflection.AddMessage(message, &field)
                                                  : reflection.MutableMessage(message, &field));
  }
  return absl::InternalError("a field of unknown kind");
}
#undef NISI_STORE

absl::Status StoreMapEntry(const FieldDescriptor& field, absl::string_view text, Message* message) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (parts.size() != 2) return Bad("takes KEY=VALUE");
  Message* entry = message->GetReflection()->AddMessage(message, &field);
  RETURN_IF_ERROR(Store(*field.message_type()->map_key(), parts[0], entry));
  return Store(*field.message_type()->map_value(), parts[1], entry);
}

}  // namespace

const nisi::rpc::v1::Field& FieldFlag::rules() const {
  return field().options().GetExtension(nisi::rpc::v1::field);
}

bool FieldFlag::output_only() const {
  return std::any_of(path.begin(), path.end(), [](const FieldDescriptor* part) {
    return part->options().GetExtension(nisi::rpc::v1::field).output_only();
  });
}

bool IsValueMessage(const Descriptor& type) {
  const std::string& name = type.full_name();
  return name == "google.type.Date" || name == "google.type.Money" ||
         name == "google.protobuf.Timestamp" || name == "google.protobuf.Duration" ||
         name == "google.protobuf.FieldMask";
}

std::vector<FieldFlag> FlagsOf(const Descriptor& type) {
  std::vector<FieldFlag> flags;
  Collect(type, {}, &flags);
  return flags;
}

absl::Status SetField(const FieldDescriptor& field, absl::string_view value, Message* message) {
  return field.is_map() ? StoreMapEntry(field, value, message) : Store(field, value, message);
}

absl::Status SetFlag(const FieldFlag& flag, absl::string_view value, Message* message) {
  for (size_t i = 0; i + 1 < flag.path.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, flag.path[i]);
  }
  const FieldDescriptor& field = flag.field();
  const auto* oneof = field.real_containing_oneof();
  if (oneof != nullptr) {
    const auto* taken = message->GetReflection()->GetOneofFieldDescriptor(*message, oneof);
    if (taken != nullptr && taken != &field) {
      return Bad(
          absl::StrCat("--", flag.name, " and ", Kebab(taken->name()), " exclude each other."));
    }
  }
  std::vector<std::string> values = {std::string(value)};
  if (field.is_repeated() && field.message_type() == nullptr) values = SplitAtCommas(value);
  for (const std::string& one : values) {
    if (const absl::Status status = SetField(field, one, message); !status.ok()) {
      return Bad(absl::StrCat("--", flag.name, " ", status.message(), "."));
    }
  }
  return absl::OkStatus();
}

absl::Status SetFromJson(absl::string_view json, Message* message) {
  // Parsed apart and merged, as the parser clears what it fills.
  std::unique_ptr<Message> parsed(message->New());
  const auto status =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, parsed.get());
  if (!status.ok()) {
    // What is wrong, the part of the text and a mark below it, a line each: on one line the mark
    // stands under nothing.
    const absl::string_view told(status.message().data(), status.message().size());
    std::vector<std::string> lines = absl::StrSplit(told, '\n', absl::SkipWhitespace());
    if (!lines.empty() && absl::StripAsciiWhitespace(lines.back()) == "^") lines.pop_back();
    if (!lines.empty())
      lines[0] = std::string(absl::StripPrefix(absl::StripSuffix(lines[0], "."), ": "));
    return Bad(absl::StrCat("takes a JSON object of ", message->GetDescriptor()->name(), ": ",
                            OneLine(absl::StrJoin(lines, ", at "))));
  }
  message->MergeFrom(*parsed);
  return absl::OkStatus();
}

absl::StatusOr<std::ifstream> OpenToRead(const std::string& path) {
  auto fails = [&](absl::string_view why) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", why));
  };
  std::error_code no_matter;
  if (std::filesystem::is_directory(path, no_matter)) return fails("it is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fails(strerror(errno));
  return file;
}

absl::StatusOr<std::string> ReadFile(const std::string& path, std::istream* in) {
  std::ostringstream text;
  if (path == "-" && in != nullptr) {
    text << in->rdbuf();
    return text.str();
  }
  ASSIGN_OR_RETURN(std::ifstream file, OpenToRead(path));
  text << file.rdbuf();  // an empty file fails the copy; it is no error
  if (file.bad()) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

std::vector<std::string> ChoicesOf(const FieldDescriptor& field) {
  std::vector<std::string> choices;
  if (field.enum_type() == nullptr) return choices;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const auto* value = field.enum_type()->value(i);
    if (value->number() != 0) choices.push_back(value->name());
  }
  return choices;
}

std::string FormOf(const FieldDescriptor& field) {
  using nisi::rpc::v1::Format;
  if (field.is_map()) return "KEY=VALUE";
  if (field.enum_type() != nullptr) return absl::StrJoin(ChoicesOf(field), "|");
  if (field.message_type() != nullptr) {
    const std::string& type = field.message_type()->full_name();
    if (type == "google.type.Date") return "YYYY-MM-DD";
    if (type == "google.type.Money") return "TENGE";
    if (type == "google.protobuf.Timestamp") return "RFC 3339 time";
    if (type == "google.protobuf.Duration") return "SECONDSs";
    if (type == "google.protobuf.FieldMask") return "FIELD,FIELD";
    return absl::StrCat("JSON of ", field.message_type()->name());
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "number";
    case FieldDescriptor::CPPTYPE_STRING:
      break;
    default:
      return "integer";
  }
  if (field.type() == FieldDescriptor::TYPE_BYTES) return "hex|@file";
  const auto& rules = field.options().GetExtension(nisi::rpc::v1::field);
  if (rules.format() == Format::RESOURCE_NAME && !absl::StartsWith(rules.resource(), "*"))
    return rules.resource();
  if (rules.format() == Format::TEXT || rules.format() == Format::MULTILINE ||
      rules.format() == Format::RAW) {
    return "text";
  }
  return Kebab(absl::AsciiStrToLower(nisi::rpc::v1::Format_Name(rules.format())));
}

}  // namespace nisi::cli
