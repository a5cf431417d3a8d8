// Whether the rules that a .proto declares can be kept at all. Runs once, at start.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/rpc/form_internal.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// The bounds within which ParseMessage sees what is given twice.
constexpr int kMaxFields = 256;
constexpr int kMaxOneofs = 16;

bool IsNumber(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return true;
    default:
      return false;
  }
}

bool IsUnsigned(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
}

bool IsFloating(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT;
}

bool IsMoney(const FieldDescriptor& field) {
  return field.message_type() != nullptr && WellKnownOf(*field.message_type()) == WellKnown::kMoney;
}

bool IsGoodPattern(absl::string_view pattern) {
  bool empty_segment = true;
  for (const char c : pattern) {
    if (c == '/') {
      if (empty_segment) return false;
      empty_segment = true;
    } else {
      empty_segment = false;
    }
  }
  return !empty_segment;
}

class Judge {
 public:
  void Message(const Descriptor& descriptor) {
    if (!seen_.insert(&descriptor).second) return;
    if (descriptor.field_count() > kMaxFields || descriptor.oneof_decl_count() > kMaxOneofs) {
      problems_.push_back(absl::StrCat(descriptor.full_name(), " has too many fields or oneofs"));
    }
    const v1::MessageForm& form = descriptor.options().GetExtension(v1::form);
    if (descriptor.options().HasExtension(v1::form) &&
        (form.any_of_size() < 2 ||
         AnyOf(descriptor).size() < static_cast<size_t>(form.any_of_size()))) {
      problems_.push_back(
          absl::StrCat(descriptor.full_name(), ": any_of must name two fields of it or more"));
    }
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      Field(field);
      if (field.message_type() != nullptr) Message(*field.message_type());
      if (IsUpdate(descriptor)) Addressed(field);
    }
  }

  absl::Status Result() const {
    if (problems_.empty()) return absl::OkStatus();
    return base::Refusal(
        absl::StatusCode::kFailedPrecondition, "FIELD_RULES",
        absl::StrCat("Field rules that cannot be kept: ", absl::StrJoin(problems_, "; "), "."));
  }

 private:
  void Want(bool holds, const FieldDescriptor& field, absl::string_view problem) {
    if (!holds) problems_.push_back(absl::StrCat(field.full_name(), ": ", problem));
  }

  void Field(const FieldDescriptor& field) {
    const v1::Field& rule = RuleOf(field);
    const bool text = field.type() == FieldDescriptor::TYPE_STRING;
    const bool sized = text || field.type() == FieldDescriptor::TYPE_BYTES;
    Want(field.type() != FieldDescriptor::TYPE_GROUP, field, "groups are not supported");
    Want(text || rule.format() == v1::TEXT, field, "format is for strings");
    Want(v1::Format_IsValid(rule.format()), field, "unknown format");
    Want(sized || (rule.max_chars() == 0 && rule.min_chars() == 0), field,
         "max_chars and min_chars are for strings and bytes");
    Want(rule.format() != v1::RAW || (rule.max_chars() == 0 && rule.min_chars() == 0), field,
         "max_chars and min_chars are not for format RAW");
    Want(rule.max_chars() == 0 || rule.min_chars() <= rule.max_chars(), field,
         "min_chars is over max_chars");
    Want(!absl::EndsWith(field.name(), "_bp") || field.type() == FieldDescriptor::TYPE_INT32, field,
         "hundredths of a percent (_bp) are an int32");
    Want(!field.is_map() || field.message_type()->map_value()->message_type() == nullptr ||
             WellKnownOf(*field.message_type()->map_value()->message_type()) == WellKnown::kNone,
         field, "a date, time, sum or mask in a map is not judged: use a repeated message");
    Required(field, rule);
    Bounds(field, rule);
    Items(field, rule);
    Resource(field, rule);
  }

  void Required(const FieldDescriptor& field, const v1::Field& rule) {
    if (!rule.required()) return;
    Want(!rule.output_only(), field, "a field set by the system cannot be required");
    Want(field.is_repeated() || field.has_presence() ||
             field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL,
         field, "a required bool could never be false");
  }

  void Bounds(const FieldDescriptor& field, const v1::Field& rule) {
    if (!rule.has_min() && !rule.has_max()) return;
    Want(IsNumber(field) || IsMoney(field), field, "min and max are for numbers and sums");
    Want(!IsMoney(field) ||
             (base::Money::FromTenge(rule.min()).ok() && base::Money::FromTenge(rule.max()).ok() &&
              (!rule.has_max() || rule.min() <= rule.max())),
         field, "bounds of a sum are whole tenge, at most 10^15, and min is 0 unless given");
    Want(!rule.has_min() || !rule.has_max() || rule.min() <= rule.max(), field, "min is over max");
    Want(!IsUnsigned(field) || !rule.has_min() || rule.min() >= 0, field,
         "min of an unsigned number is negative");
    Want(!IsUnsigned(field) || !rule.has_max() || rule.max() >= 0, field,
         "max of an unsigned number is negative");
  }

  void Items(const FieldDescriptor& field, const v1::Field& rule) {
    Want(field.is_repeated() ||
             (rule.min_items() == 0 && rule.max_items() == 0 && !rule.unique_items()),
         field, "min_items, max_items and unique_items are for repeated fields");
    Want(rule.max_items() == 0 || rule.min_items() <= rule.max_items(), field,
         "min_items is over max_items");
    Want(!rule.unique_items() || (!field.is_map() && !IsFloating(field)), field,
         "unique_items is not for maps and floats");
  }

  void Resource(const FieldDescriptor& field, const v1::Field& rule) {
    if (rule.format() == v1::RESOURCE_NAME) {
      Want(IsGoodPattern(rule.resource()), field, "format RESOURCE_NAME needs a resource pattern");
    } else {
      Want(rule.resource().empty(), field, "resource is for format RESOURCE_NAME");
    }
  }

  // An update's resource is named by its own name, so junk in it must not pass.
  void Addressed(const FieldDescriptor& part) {
    if (part.message_type() == nullptr || part.is_repeated()) return;
    const FieldDescriptor* name = part.message_type()->FindFieldByName("name");
    if (name == nullptr || !IsOwnName(*name)) return;
    Want(RuleOf(*name).format() == v1::RESOURCE_NAME, *name,
         "the name of a resource that can be updated needs format RESOURCE_NAME");
  }

  std::set<const Descriptor*> seen_;
  std::vector<std::string> problems_;
};

}  // namespace

absl::Status CheckDescriptor(const Descriptor* message) {
  Judge judge;
  judge.Message(*message);
  return judge.Result();
}

}  // namespace nisi::rpc
