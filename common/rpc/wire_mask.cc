#include "common/rpc/wire_mask.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/mask.h"
#include "common/rpc/wire.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr uint32_t kWithLength = 2;

uint32_t WireTypeOf(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return 1;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return 5;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
      return kWithLength;
    case FieldDescriptor::TYPE_GROUP:
      return 3;  // TakeField knows none
    default:
      return 0;
  }
}

}  // namespace

const WireMask::Field* WireMask::Shape::Find(uint32_t number, uint32_t type) const {
  if (number >= fields.size()) return nullptr;
  const Field& field = fields[number];
  const bool fits = type == field.type || (field.may_be_packed && type == kWithLength);
  return field.known && fits ? &field : nullptr;
}

class WireMask::Compiler {
 public:
  Compiler(WireMask* mask, const std::vector<std::unique_ptr<MarkedType>>& types)
      : mask_(mask), types_(types) {}

  const Shape* Compile(const Descriptor& type) {
    const auto [at, fresh] = mask_->shapes_.try_emplace(&type);
    if (!fresh) return at->second.get();
    at->second = std::make_unique<Shape>();
    Shape* shape = at->second.get();
    const auto marked = std::find_if(types_.begin(), types_.end(), [&](const auto& candidate) {
      return candidate->descriptor == &type;
    });
    if (marked != types_.end()) SayWithheld(**marked, shape);
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& declared = *type.field(i);
      const auto number = static_cast<size_t>(declared.number());
      if (number >= shape->fields.size()) shape->fields.resize(number + 1);
      Field field;
      field.known = true;
      field.type = WireTypeOf(declared);
      field.repeated = declared.is_repeated();
      field.may_be_packed = declared.is_packable();
      const bool told = marked != types_.end() && (*marked)->withheld == &declared;
      field.dropped = told || RuleOf(declared).data_class() == v1::CONFIDENTIAL;
      // Also of what is dropped: whoever is shown it may not be shown what is not known in it.
      if (declared.message_type() != nullptr) field.within = Compile(*declared.message_type());
      shape->fields[number] = field;
    }
    return shape;
  }

  // A type may hold itself, so what leads on is known when all types are.
  void FindLeads() {
    for (bool found = true; found;) {
      found = false;
      for (const auto& [type, shape] : mask_->shapes_) {
        if (shape->leads) continue;
        shape->leads = std::any_of(shape->fields.begin(), shape->fields.end(), [](const auto& f) {
          return f.dropped || (f.within != nullptr && f.within->leads);
        });
        found = found || shape->leads;
      }
    }
  }

 private:
  static void SayWithheld(const MarkedType& type, Shape* shape) {
    for (int reason = 0; reason <= v1::Withheld::Reason_MAX; ++reason) {
      ReplyBuilder field;
      const auto withheld = AllWithheld(type, static_cast<v1::Withheld::Reason>(reason));
      field.AddBytesField(type.withheld->number(), withheld.SerializeAsString());
      shape->withheld.push_back(std::move(field).Take());
    }
  }

  WireMask* mask_;
  const std::vector<std::unique_ptr<MarkedType>>& types_;
};

WireMask::WireMask(const Descriptor& answer,
                   const std::vector<std::unique_ptr<MarkedType>>& types) {
  Compiler compiler(this, types);
  root_ = compiler.Compile(answer);
  compiler.FindLeads();
}

bool WireMask::IsKnown(const Shape& shape, absl::string_view message) {
  for (WireField field; !message.empty();) {
    if (!TakeField(&message, &field)) return false;
    const Field* known = shape.Find(field.number, field.type);
    if (known == nullptr) return false;
    if (known->within != nullptr && !IsKnown(*known->within, field.value)) return false;
  }
  return true;
}

bool WireMask::Copy(const Shape& shape, v1::Withheld::Reason reason, absl::string_view message,
                    std::string* out) {
  absl::InlinedVector<const Field*, 8> met;  // singular, of those that lead on
  for (WireField field; !message.empty();) {
    if (!TakeField(&message, &field)) return false;
    const Field* known = shape.Find(field.number, field.type);
    if (known == nullptr || known->dropped) continue;
    const Shape* within = known->within;
    if (within != nullptr && within->leads && !known->repeated) {
      // Two parts of one record: a parser puts them together.
      if (std::find(met.begin(), met.end(), known) != met.end()) return false;
      met.push_back(known);
    }
    if (within == nullptr || (!within->leads && IsKnown(*within, field.value))) {
      out->append(field.whole.data(), field.whole.size());
      continue;
    }
    out->append(field.tag.data(), field.tag.size());
    const size_t begins = out->size();
    if (!Copy(*within, reason, field.value, out)) return false;
    InsertVarint(begins, out->size() - begins, out);
  }
  if (!shape.withheld.empty()) out->append(shape.withheld[static_cast<size_t>(reason)]);
  return true;
}

std::optional<std::string> WireMask::WithholdAll(absl::string_view answer,
                                                 v1::Withheld::Reason reason) const {
  std::string out;
  out.reserve(answer.size());
  if (!Copy(*root_, reason, answer, &out)) return std::nullopt;
  return out;
}

}  // namespace nisi::rpc
