// Compiling the plan of a form check. Running it is in form_run.cc, judging the rules themselves in
// form_start.cc.
#include "common/rpc/form.h"

#include <map>
#include <utility>

#include "common/rpc/form_internal.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr size_t kDefaultTextChars = 300;
constexpr size_t kDefaultMultilineChars = 10'000;

// How a message stands in the request.
enum class Mode {
  kWhole,
  kResource,  // the resource of an update: a patch, named by its own name
  kPatch,     // inside of that
};

Mode ModeOfPart(Mode whole, const FieldDescriptor& field) {
  if (field.is_repeated()) return Mode::kWhole;
  if (IsUpdate(*field.containing_type())) return Mode::kResource;
  return whole == Mode::kWhole ? Mode::kWhole : Mode::kPatch;
}

// The resource whose fields an update's mask names: the message beside it that has its own name.
const FieldDescriptor* MaskedBy(const FieldDescriptor& mask) {
  const Descriptor& request = *mask.containing_type();
  for (int i = 0; IsUpdate(request) && i < request.field_count(); ++i) {
    const FieldDescriptor* field = request.field(i);
    if (field->message_type() == nullptr || field->is_repeated()) continue;
    const FieldDescriptor* name = field->message_type()->FindFieldByName("name");
    if (name != nullptr && IsOwnName(*name)) return field;
  }
  return nullptr;
}

size_t MaxChars(const FieldDescriptor& field, const v1::Field& options) {
  if (options.max_chars() != 0) return options.max_chars();
  if (field.type() == FieldDescriptor::TYPE_BYTES) return std::numeric_limits<size_t>::max();
  switch (options.format()) {
    case v1::MULTILINE:
      return kDefaultMultilineChars;
    case v1::FILTER:
    case v1::ORDER_BY:
    case v1::PAGE_TOKEN:
      return std::numeric_limits<size_t>::max();  // bounded by their parsers, with reasons of their
                                                  // own
    case v1::RAW:
      return std::numeric_limits<size_t>::max();  // the function judges it
    default:
      return kDefaultTextChars;
  }
}

}  // namespace

class FormChecker::Compiler {
 public:
  explicit Compiler(std::vector<std::unique_ptr<Node>>* nodes) : nodes_(*nodes) {}

  const Node* Compile(const Descriptor& descriptor, Mode mode) {
    const auto [known, fresh] = known_.try_emplace({&descriptor, mode}, nullptr);
    if (!fresh) return known->second;
    Node* node = nodes_.emplace_back(std::make_unique<Node>()).get();
    known->second = node;  // before its parts: a message may hold its own kind
    for (int i = 0; i < descriptor.field_count(); ++i) {
      Rule rule = RuleFor(*descriptor.field(i), mode);
      if (Matters(rule)) node->rules.push_back(std::move(rule));
    }
    if (mode == Mode::kWhole) {
      AddRequiredOneofs(descriptor, node);
      node->any_of = AnyOf(descriptor);
    }
    return node;
  }

 private:
  static bool Matters(const Rule& rule) {
    return rule.kind != Rule::Kind::kPlain || rule.repeated || rule.required || rule.output_only;
  }

  static void AddRequiredOneofs(const Descriptor& descriptor, Node* node) {
    for (int i = 0; i < descriptor.real_oneof_decl_count(); ++i) {
      const auto* oneof = descriptor.oneof_decl(i);
      for (int m = 0; m < oneof->field_count(); ++m) {
        if (!RuleOf(*oneof->field(m)).required()) continue;
        node->required_oneofs.push_back(oneof);
        break;
      }
    }
  }

  Rule RuleFor(const FieldDescriptor& field, Mode mode) {
    const v1::Field& options = RuleOf(field);
    Rule rule;
    rule.field = &field;
    rule.repeated = field.is_repeated();
    rule.map = field.is_map();
    const bool addressed = mode == Mode::kResource && IsOwnName(field);
    rule.required = addressed || (options.required() && mode == Mode::kWhole);
    rule.output_only = options.output_only() && !addressed;
    rule.unique = options.unique_items();
    rule.format = options.format();
    rule.min_chars = options.min_chars();
    rule.max_chars = MaxChars(field, options);
    rule.has_min = options.has_min();
    rule.has_max = options.has_max();
    rule.min = options.min();
    rule.max = options.max();
    // In a patch an empty list is one that stays as it is.
    rule.min_items = mode == Mode::kWhole ? static_cast<int>(options.min_items()) : 0;
    rule.max_items = MaxItems(field);
    rule.resource = options.resource();
    SetKind(field, mode, &rule);
    return rule;
  }

  void SetKind(const FieldDescriptor& field, Mode mode, Rule* rule) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        rule->kind =
            field.type() == FieldDescriptor::TYPE_BYTES ? Rule::Kind::kBytes : Rule::Kind::kString;
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        rule->kind = Rule::Kind::kEnum;
        return;
      case FieldDescriptor::CPPTYPE_BOOL:
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        rule->kind = Rule::Kind::kNumber;  // must be finite even without bounds
        return;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        SetMessageKind(field, mode, rule);
        return;
      default:
        if (rule->has_min || rule->has_max) rule->kind = Rule::Kind::kNumber;
    }
  }

  void SetMessageKind(const FieldDescriptor& field, Mode mode, Rule* rule) {
    switch (WellKnownOf(*field.message_type())) {
      case WellKnown::kDate:
        rule->kind = Rule::Kind::kDate;
        return;
      case WellKnown::kTimestamp:
        rule->kind = Rule::Kind::kTimestamp;
        return;
      case WellKnown::kMoney:
        rule->kind = Rule::Kind::kMoney;
        // Where a sum is due, less than nothing is none.
        rule->has_min = true;
        if (!rule->has_max) rule->max = base::Money::kMaxTenge;
        return;
      case WellKnown::kFieldMask:
        rule->masked = MaskedBy(field);
        if (rule->masked != nullptr) rule->kind = Rule::Kind::kMask;
        return;
      case WellKnown::kNone:
        break;
    }
    rule->kind = Rule::Kind::kMessage;
    const Descriptor* part = field.message_type();
    if (rule->map) part = part->map_value()->message_type();
    if (part != nullptr) rule->node = Compile(*part, ModeOfPart(mode, field));
  }

  std::vector<std::unique_ptr<Node>>& nodes_;
  std::map<std::pair<const Descriptor*, Mode>, const Node*> known_;
};

FormChecker::FormChecker(const Descriptor* request) {
  Compiler(&nodes_).Compile(*request, Mode::kWhole);
}
FormChecker::~FormChecker() = default;
FormChecker::FormChecker(FormChecker&&) noexcept = default;
FormChecker& FormChecker::operator=(FormChecker&&) noexcept = default;

}  // namespace nisi::rpc
