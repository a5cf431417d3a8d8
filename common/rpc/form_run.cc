// Running the plan of a form check over a request.
#include <cmath>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/form_internal.h"
#include "common/rpc/update.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/unknown_field_set.h"

namespace nisi::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxViolations = 20;
// gRPC drops an error whose details are too long, so long paths make the list shorter.
constexpr size_t kMaxViolationBytes = 3'000;
constexpr int kPairwiseItems = 16;
constexpr size_t kMaxMapKeyBytes = 64;

// A path as a list on the stack, written out only when something is wrong.
struct Step {
  const Step* up;
  absl::string_view name;
  int index;  // -1: not an item
};

void AppendPath(const Step& step, std::string* path) {
  if (step.up != nullptr) {
    AppendPath(*step.up, path);
    path->push_back('.');
  }
  absl::StrAppend(path, step.name);
  if (step.index >= 0) absl::StrAppend(path, "[", step.index, "]");
}

class Violations {
 public:
  void Add(const Step& step, absl::string_view description) {
    if (full()) return;
    std::string path;
    AppendPath(step, &path);
    const size_t bytes = path.size() + description.size();
    if (count_ > 0 && bytes_ + bytes > kMaxViolationBytes) {
      bytes_ = kMaxViolationBytes;
      return;
    }
    if (!refusal_) {
      refusal_.emplace(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                       "The request is not well formed.");
    }
    refusal_->Field(path, description);
    bytes_ += bytes;
    ++count_;
  }
  void SetMalformed() { malformed_ = true; }
  // Whether nothing more is worth looking at.
  bool full() const {
    return malformed_ || count_ >= kMaxViolations || bytes_ >= kMaxViolationBytes;
  }
  absl::Status Result() const {
    if (malformed_) return MalformedMessage();
    return refusal_ ? static_cast<absl::Status>(*refusal_) : absl::OkStatus();
  }

 private:
  std::optional<base::Refusal> refusal_;
  int count_ = 0;
  size_t bytes_ = 0;
  bool malformed_ = false;
};

// One field of one message, or one item of it: index -1 is the field itself.
struct Place {
  const Reflection& reflection;
  Message& message;
  const FieldDescriptor* field;
  int index;

  const std::string& Text(std::string* scratch) const {
    return index < 0 ? reflection.GetStringReference(message, field, scratch)
                     : reflection.GetRepeatedStringReference(message, field, index, scratch);
  }
  void SetText(std::string text) const {
    if (index < 0) {
      reflection.SetString(&message, field, std::move(text));
    } else {
      reflection.SetRepeatedString(&message, field, index, std::move(text));
    }
  }
  Message& Part() const {
    return index < 0 ? *reflection.MutableMessage(&message, field)
                     : *reflection.MutableRepeatedMessage(&message, field, index);
  }
  int Enum() const {
    return index < 0 ? reflection.GetEnumValue(message, field)
                     : reflection.GetRepeatedEnumValue(message, field, index);
  }
  double Float() const {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
      return static_cast<double>(index < 0 ? reflection.GetFloat(message, field)
                                           : reflection.GetRepeatedFloat(message, field, index));
    }
    return index < 0 ? reflection.GetDouble(message, field)
                     : reflection.GetRepeatedDouble(message, field, index);
  }
  uint64_t Unsigned() const {
    return index < 0 ? reflection.GetUInt64(message, field)
                     : reflection.GetRepeatedUInt64(message, field, index);
  }
  // Any other integer or bool.
  int64_t Integer() const {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return index < 0 ? reflection.GetInt32(message, field)
                         : reflection.GetRepeatedInt32(message, field, index);
      case FieldDescriptor::CPPTYPE_UINT32:
        return index < 0 ? reflection.GetUInt32(message, field)
                         : reflection.GetRepeatedUInt32(message, field, index);
      case FieldDescriptor::CPPTYPE_BOOL:
        return static_cast<int64_t>(index < 0 ? reflection.GetBool(message, field)
                                              : reflection.GetRepeatedBool(message, field, index));
      case FieldDescriptor::CPPTYPE_ENUM:
        return Enum();
      case FieldDescriptor::CPPTYPE_UINT64:
        return static_cast<int64_t>(Unsigned());
      default:
        return index < 0 ? reflection.GetInt64(message, field)
                         : reflection.GetRepeatedInt64(message, field, index);
    }
  }
};

}  // namespace

class FormChecker::Run {
 public:
  explicit Run(bool is_mutation) : is_mutation_(is_mutation) {}

  void Visit(const Node& node, Message& message, const Step* up, int depth) {
    const Reflection& reflection = *message.GetReflection();
    if (depth > kMaxNesting ||
        reflection.GetUnknownFields(message).field_count() > kMaxUnknownFields) {
      violations_.SetMalformed();
      return;
    }
    for (const Rule& rule : node.rules) {
      if (violations_.full()) return;
      const Step step{up, rule.field->name(), -1};
      if (!rule.repeated) {
        Singular(rule, {reflection, message, rule.field, -1}, step, depth);
      } else if (ItemsInBounds(rule, reflection, message, step)) {
        Items(rule, reflection, message, step, depth);
      }
    }
    if (!HoldsAnyOf(message, node.any_of)) {
      violations_.Add({up, node.any_of.front()->name(), -1}, NoneOfProblem(node.any_of));
    }
    for (const auto* oneof : node.required_oneofs) {
      if (reflection.HasOneof(message, oneof)) continue;
      violations_.Add({up, oneof->name(), -1}, "is required: set one of its members");
    }
  }

  absl::Status Result() const { return violations_.Result(); }

 private:
  void Singular(const Rule& rule, const Place& place, const Step& step, int depth) {
    if (!place.reflection.HasField(place.message, rule.field)) {
      // A missing member of a oneof is judged with its oneof.
      if (rule.required && rule.field->real_containing_oneof() == nullptr) {
        violations_.Add(step, "is required");
      }
    } else if (rule.output_only && is_mutation_) {
      violations_.Add(step, "is set by the system and must not be given");
    } else {
      Value(rule, place, step, depth);
    }
  }

  bool ItemsInBounds(const Rule& rule, const Reflection& reflection, const Message& message,
                     const Step& step) {
    const int size = reflection.FieldSize(message, rule.field);
    if (size == 0 && rule.required) {
      violations_.Add(step, "is required");
    } else if (size < rule.min_items) {
      violations_.Add(step, absl::StrCat("must hold at least ", rule.min_items,
                                         rule.min_items == 1 ? " item" : " items"));
    } else if (size > rule.max_items) {
      violations_.Add(step, TooManyProblem(rule.max_items));
    } else if (size > 0 && rule.output_only && is_mutation_) {
      violations_.Add(step, "is set by the system and must not be given");
    } else {
      return size > 0;
    }
    return false;
  }

  void Items(const Rule& rule, const Reflection& reflection, Message& message, const Step& step,
             int depth) {
    const int size = reflection.FieldSize(message, rule.field);
    for (int i = 0; i < size && !violations_.full(); ++i) {
      const Place place{reflection, message, rule.field, i};
      const Step item{step.up, step.name, i};
      if (rule.map) {
        Entry(rule, place.Part(), item, depth);
      } else {
        Value(rule, place, item, depth);
      }
    }
    if (!rule.unique) return;
    switch (rule.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        // Views of what lies in the message: items have room of their own, so they stay where they
        // are.
        Unique(size, step, [&](int i) {
          return absl::string_view(
              reflection.GetRepeatedStringReference(message, rule.field, i, nullptr));
        });
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Unique(size, step, [&](int i) {
          return reflection.GetRepeatedMessage(message, rule.field, i).SerializeAsString();
        });
        break;
      default:
        Unique(size, step, [&](int i) {
          return Place{reflection, message, rule.field, i}.Integer();
        });
    }
  }

  template <class Key>
  void Unique(int size, const Step& step, Key key) {
    constexpr absl::string_view kProblem = "repeats an earlier item";
    if (size <= kPairwiseItems) {
      for (int i = 1; i < size; ++i) {
        bool repeats = false;
        for (int j = 0; j < i && !repeats; ++j) repeats = key(i) == key(j);
        if (repeats) violations_.Add({step.up, step.name, i}, kProblem);
      }
      return;
    }
    absl::flat_hash_set<decltype(key(0))> seen;
    seen.reserve(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) {
      if (!seen.insert(key(i)).second) violations_.Add({step.up, step.name, i}, kProblem);
    }
  }

  void Value(const Rule& rule, const Place& place, const Step& step, int depth) {
    switch (rule.kind) {
      case Rule::Kind::kString:
        return String(rule, place, step);
      case Rule::Kind::kBytes:
        return Bytes(rule, place, step);
      case Rule::Kind::kNumber:
        return Number(rule, place, step);
      case Rule::Kind::kEnum:
        return Enum(rule, place, step);
      case Rule::Kind::kMessage:
        return Visit(*rule.node, place.Part(), &step, depth + 1);
      case Rule::Kind::kDate:
        if (DateNumber(place.Part()) == 0) {
          violations_.Add(step, "must be a real date between 1990 and 2199");
        }
        return;
      case Rule::Kind::kTimestamp:
        if (!IsSane(InstantOf(place.Part()))) {
          violations_.Add(step, "must be a time between 1990 and 2199");
        }
        return;
      case Rule::Kind::kMoney:
        return Money(rule, place, step);
      case Rule::Kind::kMask:
        return Mask(rule, place, step);
      case Rule::Kind::kPlain:
        return;
    }
  }

  static std::string BoundsOf(const Rule& rule) {
    if (rule.has_min && rule.has_max) {
      return absl::StrCat("must be from ", rule.min, " to ", rule.max);
    }
    return rule.has_min ? absl::StrCat("must be at least ", rule.min)
                        : absl::StrCat("must be at most ", rule.max);
  }

  void Money(const Rule& rule, const Place& place, const Step& step) {
    const absl::StatusOr<base::Money> sum = MoneyOf(place.Part());
    if (!sum.ok()) return violations_.Add(step, sum.status().message());
    if (sum->tiyn() < rule.min * 100) {
      violations_.Add(step, rule.min == 0 && !rule.has_max
                                ? "must not be negative"
                                : absl::StrCat(BoundsOf(rule), " tenge"));
    } else if (sum->tiyn() > rule.max * 100) {
      violations_.Add(step, rule.has_max ? absl::StrCat(BoundsOf(rule), " tenge")
                                         : absl::StrCat("must be at most ", rule.max, " tenge"));
    }
  }

  // What of it depends on what is stored is ApplyUpdate's to judge.
  void Mask(const Rule& rule, const Place& place, const Step& step) {
    if (!place.reflection.HasField(place.message, rule.masked)) return;  // which is told
    google::protobuf::FieldMask mask;
    const Message& given = place.Part();
    const FieldDescriptor* paths = given.GetDescriptor()->FindFieldByName("paths");
    for (int i = 0; i < given.GetReflection()->FieldSize(given, paths); ++i) {
      mask.add_paths(given.GetReflection()->GetRepeatedString(given, paths, i));
    }
    for (const MaskFault& fault :
         FaultsOfMask(place.reflection.GetMessage(place.message, rule.masked), mask)) {
      violations_.Add({&step, "paths", fault.path}, fault.what);
    }
  }

  void Length(const Rule& rule, size_t size, absl::string_view unit, const Step& step) {
    if (size < rule.min_chars) {
      violations_.Add(step, absl::StrCat("must have at least ", rule.min_chars, " ", unit));
    } else if (size > rule.max_chars) {
      violations_.Add(step, absl::StrCat("must have at most ", rule.max_chars, " ", unit));
    }
  }

  void Bytes(const Rule& rule, const Place& place, const Step& step) {
    std::string scratch;
    Length(rule, place.Text(&scratch).size(), "bytes", step);
  }

  void String(const Rule& rule, const Place& place, const Step& step) {
    std::string scratch;
    const std::string& value = place.Text(&scratch);
    if (value.empty()) {
      if (place.index >= 0 || rule.required) violations_.Add(step, "must not be empty");
      return;
    }
    // So long that no normalisation brings it within bounds.
    if (value.size() / 16 > rule.max_chars) return Length(rule, value.size(), "characters", step);
    if (rule.format != v1::TEXT && rule.format != v1::MULTILINE) {
      if (const auto status = CheckFormat(rule.format, value, rule.resource); !status.ok()) {
        return violations_.Add(step, status.message());
      }
      return Length(rule, CodePoints(value), "characters", step);
    }
    if (IsPlainAscii(value)) return Length(rule, value.size(), "characters", step);
    std::string text = value;
    if (const auto status = CheckLine(rule.format == v1::MULTILINE, &text); !status.ok()) {
      return violations_.Add(step, status.message());
    }
    Length(rule, CodePoints(text), "characters", step);
    if (text != value) place.SetText(std::move(text));
  }

  void Number(const Rule& rule, const Place& place, const Step& step) {
    bool low = false;
    bool high = false;
    switch (rule.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT: {
        const double value = place.Float();
        if (!std::isfinite(value)) return violations_.Add(step, "must be a finite number");
        low = rule.has_min && value < static_cast<double>(rule.min);
        high = rule.has_max && value > static_cast<double>(rule.max);
        break;
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        const uint64_t value = place.Unsigned();
        low = rule.has_min && rule.min > 0 && value < static_cast<uint64_t>(rule.min);
        high = rule.has_max && (rule.max < 0 || value > static_cast<uint64_t>(rule.max));
        break;
      }
      default: {
        const int64_t value = place.Integer();
        low = rule.has_min && value < rule.min;
        high = rule.has_max && value > rule.max;
      }
    }
    if (low || high) violations_.Add(step, BoundsOf(rule));
  }

  // Their names, where they are few: what is said of all fields together has to fit a refusal.
  static std::string KnownOf(const google::protobuf::EnumDescriptor& type) {
    constexpr size_t kLongest = 100;
    std::vector<std::string> names;
    for (int i = 0; i < type.value_count(); ++i) {
      const auto& value = *type.value(i);
      if (value.number() != 0 && !value.options().deprecated()) names.push_back(value.name());
    }
    const std::string all = absl::StrJoin(names, ", ");
    return all.empty() || all.size() > kLongest ? "the known values" : all;
  }

  void Enum(const Rule& rule, const Place& place, const Step& step) {
    const int number = place.Enum();
    const auto* value = rule.field->enum_type()->FindValueByNumber(number);
    if (value == nullptr || value->options().deprecated()) {
      violations_.Add(step, absl::StrCat("must be one of ", KnownOf(*rule.field->enum_type())));
    } else if (number == 0 && rule.required) {
      violations_.Add(step, "must not be the unspecified value");
    }
  }

  // One entry of a map. Its key is never told: it is the caller's value, so its path has a number.
  void Entry(const Rule& rule, Message& entry, const Step& step, int depth) {
    const Reflection& reflection = *entry.GetReflection();
    const FieldDescriptor* key = rule.field->message_type()->map_key();
    const FieldDescriptor* value = rule.field->message_type()->map_value();
    if (key->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string text = reflection.GetString(entry, key);
      const std::string given = text;
      if (text.empty() || text.size() > kMaxMapKeyBytes) {
        violations_.Add(step, absl::StrCat("must have a key of 1 to ", kMaxMapKeyBytes, " bytes"));
      } else if (!CheckLine(/*multiline=*/false, &text).ok() || text != given) {
        violations_.Add(step, "must have a key of one line of normalised text");
      }
    }
    Rule inner = rule;
    inner.field = value;
    if (value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Visit(*rule.node, *reflection.MutableMessage(&entry, value), &step, depth + 1);
    } else if (value->type() == FieldDescriptor::TYPE_STRING) {
      String(inner, {reflection, entry, value, -1}, step);
    } else if (value->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      Enum(inner, {reflection, entry, value, -1}, step);
    }
  }

  const bool is_mutation_;
  Violations violations_;
};

absl::Status FormChecker::Check(Message* request, bool is_mutation) const {
  Run run(is_mutation);
  run.Visit(*nodes_.front(), *request, nullptr, 0);
  return run.Result();
}

}  // namespace nisi::rpc
