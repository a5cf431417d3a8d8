#include "common/rpc/update.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/mask.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/message_differencer.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;

constexpr int kMaxPaths = 100;

bool Has(const Message& message, const FieldDescriptor* field) {
  return IsGiven(message, *field);
}

bool SameField(const Message& a, const Message& b, const FieldDescriptor* field) {
  google::protobuf::util::MessageDifferencer differencer;
  return differencer.CompareWithFields(a, b, {field}, {field});
}

bool IsFormed(const Message& message);

// Whether what a field holds and all in it are as their forms say.
bool HoldsFormed(const Message& message, const FieldDescriptor* field) {
  if (field->message_type() == nullptr || field->is_map()) return true;
  const auto& reflection = *message.GetReflection();
  if (!field->is_repeated()) {
    return !Has(message, field) || IsFormed(reflection.GetMessage(message, field));
  }
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    if (!IsFormed(reflection.GetRepeatedMessage(message, field, i))) return false;
  }
  return true;
}

bool IsFormed(const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  if (!HoldsAnyOf(message, AnyOf(type))) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    if (!HoldsFormed(message, type.field(i))) return false;
  }
  return true;
}

// A singular sub-message with fields of its own to name, not a date or a time.
bool IsPart(const FieldDescriptor& field) {
  return !field.is_repeated() && field.message_type() != nullptr &&
         WellKnownOf(*field.message_type()) == WellKnown::kNone;
}

using Steps = std::vector<const FieldDescriptor*>;

constexpr absl::string_view kSystem = "is set by the system and cannot be updated";
constexpr absl::string_view kCleared = "is required and cannot be cleared";
constexpr absl::string_view kLacking = "would leave a required field in it empty";

// The fields along a path of a mask; none for what may not be named, and `wrong` says why.
Steps StepsOf(const Descriptor& type, const std::string& path, absl::string_view* wrong) {
  Steps steps;
  const auto refuse = [&](absl::string_view why) {
    *wrong = why;
    return Steps();
  };
  if (path == "*") return refuse("must name fields: * is not supported");
  const Descriptor* owner = &type;
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    if (!steps.empty() && !IsPart(*steps.back())) {
      return refuse("must name the field as a whole: nothing in it can be named");
    }
    const FieldDescriptor* field = owner->FindFieldByName(std::string(name));
    if (field == nullptr) return refuse("must be a field of the resource");
    if (RuleOf(*field).output_only()) return refuse(kSystem);
    steps.push_back(field);
    owner = field->message_type();
  }
  if (RuleOf(*steps.back()).format() == v1::ETAG) {
    return refuse("is compared with the stored one and cannot be updated");
  }
  return steps;
}

// Whether a field must be given, beside whatever else its message holds.
bool IsRequired(const FieldDescriptor& field) {
  return RuleOf(field).required() && field.real_containing_oneof() == nullptr;
}

// Whether what is given for a part lacks what each such part must hold. What is immutable in it may
// be as it was.
bool Lacks(const Message& part) {
  const Descriptor& type = *part.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (RuleOf(*field).output_only() || RuleOf(*field).immutable()) continue;
    const bool has = Has(part, field);
    if (IsRequired(*field) && !has) return true;
    if (has && IsPart(*field) && Lacks(part.GetReflection()->GetMessage(part, field))) return true;
  }
  return false;
}

// What is wrong with what `from` holds at the end of a path, whatever is stored there.
absl::string_view WrongAt(const Steps& steps, const Message& from) {
  const Message* part = &from;
  for (const FieldDescriptor* step : steps) {
    const bool has = Has(*part, step);
    if (RuleOf(*step).immutable()) return "";
    if (step == steps.back()) {
      if (!has) return IsRequired(*step) ? kCleared : "";
      const bool lacks = IsPart(*step) && Lacks(part->GetReflection()->GetMessage(*part, step));
      return lacks ? kLacking : "";
    }
    if (!has) return "";
    part = &part->GetReflection()->GetMessage(*part, step);
  }
  return "";
}

std::string TooManyPaths() {
  return absl::StrCat("must hold at most ", kMaxPaths, " paths");
}

class Update {
 public:
  // `source` is a copy of `from`, from which values are swapped into `to`.
  Update(const Message& from, Message* source, Message* to)
      : from_(from), source_(source), to_(to) {}

  void All() {
    const Descriptor& type = *from_.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      if (!Has(from_, field) || RuleOf(*field).format() == v1::ETAG) continue;
      place_ = field->name();
      Replace(field, from_, source_, to_, /*clearing=*/false);
      CheckForm(field);
    }
  }

  void Masked(const FieldMask& mask) {
    for (int i = 0; i < mask.paths_size(); ++i) {
      SetPlace(i);
      Resolve(mask.paths(i));
    }
    if (refusal_) return;
    FieldMask canonical;  // no path twice, none below another
    google::protobuf::util::FieldMaskUtil::ToCanonicalForm(mask, &canonical);
    for (const std::string& path : canonical.paths()) {
      const auto found = std::find(mask.paths().begin(), mask.paths().end(), path);
      SetPlace(static_cast<int>(found - mask.paths().begin()));
      Follow(Resolve(path), 0, from_, source_, to_);
    }
    // After all of them: one path may give what another takes away.
    for (const std::string& path : canonical.paths()) {
      const auto found = std::find(mask.paths().begin(), mask.paths().end(), path);
      SetPlace(static_cast<int>(found - mask.paths().begin()));
      CheckForm(Resolve(path).front());
    }
  }

  void Refuse(absl::string_view description) {
    if (!refusal_) {
      refusal_.emplace(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                       "The update is not well formed.");
    }
    refusal_->Field(place_, description);
  }

  absl::Status Result() const {
    return refusal_ ? static_cast<absl::Status>(*refusal_) : absl::OkStatus();
  }

 private:
  void SetPlace(int index) { place_ = absl::StrCat("update_mask.paths[", index, "]"); }

  // The fields along a path; refuses what may not be named.
  Steps Resolve(const std::string& path) {
    absl::string_view wrong;
    Steps steps = StepsOf(*from_.GetDescriptor(), path, &wrong);
    if (steps.empty()) Refuse(wrong);
    return steps;
  }

  void Follow(const Steps& steps, size_t step, const Message& from, Message* source, Message* to) {
    const FieldDescriptor* field = steps[step];
    if (step + 1 == steps.size()) return Replace(field, from, source, to, /*clearing=*/false);
    if (!Has(from, field) && !Has(*to, field)) return;
    if (RuleOf(*field).immutable() && !SameLeaf(steps, step, from, *to)) {
      return Refuse("cannot change after creation");
    }
    Follow(steps, step + 1, from.GetReflection()->GetMessage(from, field),
           source->GetReflection()->MutableMessage(source, field),
           to->GetReflection()->MutableMessage(to, field));
  }

  // Whether what was put into a field of the resource leaves it, and the resource, in good form.
  void CheckForm(const FieldDescriptor* field) {
    const auto any_of = AnyOf(*to_->GetDescriptor());
    const bool whole_formed =
        std::find(any_of.begin(), any_of.end(), field) == any_of.end() || HoldsAnyOf(*to_, any_of);
    if (!whole_formed || !HoldsFormed(*to_, field)) {
      Refuse("would leave all empty of which one is required");
    }
  }

  static bool SameLeaf(const Steps& steps, size_t step, const Message& a, const Message& b) {
    if (step + 1 == steps.size()) return SameField(a, b, steps[step]);
    return SameLeaf(steps, step + 1, a.GetReflection()->GetMessage(a, steps[step]),
                    b.GetReflection()->GetMessage(b, steps[step]));
  }

  // `clearing`: the message around is going away as a whole, so what it requires does not matter.
  void Replace(const FieldDescriptor* field, const Message& from, Message* source, Message* to,
               bool clearing) {
    const v1::Field& rule = RuleOf(*field);
    if (rule.output_only() || rule.immutable()) {
      // Below a replaced sub-message, what the system set stays, and the form check saw that none
      // was given.
      if (rule.output_only() && !Has(from, field)) return;
      if (!SameField(from, *to, field)) {
        Refuse(rule.immutable() ? "cannot change after creation" : kSystem);
      }
      return;
    }
    if (!clearing && IsRequired(*field) && !Has(from, field)) return Refuse(kCleared);
    if (IsPart(*field) && Has(*to, field)) {
      ReplacePart(field, from, source, to);
    } else if (Has(from, field)) {
      if (IsPart(*field)) {
        CheckNew(from.GetReflection()->GetMessage(from, field));
      }
      // Also takes the place of another member of its oneof.
      to->GetReflection()->SwapFields(source, to, {field});
    } else {
      to->GetReflection()->ClearField(to, field);
    }
  }

  void ReplacePart(const FieldDescriptor* field, const Message& from, Message* source,
                   Message* to) {
    const bool clearing = !Has(from, field);
    const Message& part_from = from.GetReflection()->GetMessage(from, field);
    Message* part_source = source->GetReflection()->MutableMessage(source, field);
    Message* part_to = to->GetReflection()->MutableMessage(to, field);
    const Descriptor& type = *field->message_type();
    for (int i = 0; i < type.field_count(); ++i) {
      Replace(type.field(i), part_from, part_source, part_to, clearing);
    }
    if (clearing && part_to->ByteSizeLong() == 0) to->GetReflection()->ClearField(to, field);
  }

  // What a sub-message that comes new must hold, and must not.
  void CheckNew(const Message& part) {
    const Descriptor& type = *part.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      const v1::Field& rule = RuleOf(*field);
      const bool has = Has(part, field);
      if (IsRequired(*field) && !has) {
        Refuse(kLacking);
      } else if (rule.output_only() && has) {
        Refuse(kSystem);
      } else if (has && IsPart(*field)) {
        CheckNew(part.GetReflection()->GetMessage(part, field));
      }
    }
  }

  const Message& from_;
  Message* const source_;
  Message* const to_;
  std::string place_;  // of what is being applied
  std::optional<base::Refusal> refusal_;
};

// The confidential fields of a type, as an update names them.
void MarksOf(const Descriptor& type, const std::string& prefix, int depth,
             std::vector<std::pair<std::string, const FieldDescriptor*>>* marks) {
  constexpr int kDeepestUpdate = 8;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string path = absl::StrCat(prefix, field.name());
    if (RuleOf(field).data_class() == v1::CONFIDENTIAL) {
      marks->emplace_back(path, &field);
    } else if (IsPart(field) && depth < kDeepestUpdate) {
      MarksOf(*field.message_type(), path + ".", depth + 1, marks);
    }
  }
}

// Whether a path of a mask names the field, something in it, or something that it is in.
bool Touches(const std::string& path, const std::string& field) {
  return path == field || absl::StartsWith(path, field + ".") ||
         absl::StartsWith(field, path + ".");
}

// Whether an update without a mask sets the field at a dotted path, or what it is in: a part is
// replaced as a whole.
bool Gives(const Message& from, const std::string& dotted) {
  const std::string first = dotted.substr(0, dotted.find('.'));
  return Has(from, from.GetDescriptor()->FindFieldByName(first));
}

// Whether the caller sees the field of the stored record, as an owner of it or by duty.
bool Sees(const Call& call, const Message& stored, const FieldDescriptor& field) {
  const auto ties = Ties::Of(*stored.GetDescriptor());
  if (!ties.ok()) return false;
  const Caller& caller = *call.caller;
  const std::vector<std::string> owners = OwnersOf(stored);
  if (!caller.bin.empty() && (caller.Has(v1::ENTITY) || caller.Has(v1::CUSTOMER)) &&
      std::find(owners.begin(), owners.end(), caller.bin) != owners.end()) {
    return true;
  }
  uint32_t readers = 0;
  for (const int role : RuleOf(field).readers()) readers |= base::RoleBit(static_cast<Role>(role));
  return (ties->RolesOver(caller, stored) & call.method->roles & readers) != 0;
}

absl::Status CheckSeen(const Message& from, const FieldMask& mask, const Message& stored,
                       const Call* call) {
  std::vector<std::pair<std::string, const FieldDescriptor*>> marks;
  MarksOf(*stored.GetDescriptor(), "", 0, &marks);
  base::Refusal refusal(absl::StatusCode::kPermissionDenied, "FIELD_CONFIDENTIAL",
                        "A field that the caller may not see cannot be updated by it.");
  for (const auto& [path, field] : marks) {
    if (mask.paths().empty()) {
      if (Gives(from, path) && (call == nullptr || !Sees(*call, stored, *field))) {
        refusal.Field(path, "is confidential");
      }
      continue;
    }
    for (int i = 0; i < mask.paths_size(); ++i) {
      if (Touches(mask.paths(i), path) && (call == nullptr || !Sees(*call, stored, *field))) {
        refusal.Field(absl::StrCat("update_mask.paths[", i, "]"), "is confidential");
      }
    }
  }
  if (!refusal.has_fields()) return absl::OkStatus();
  return refusal.Cite(ConfidentialityBasis());
}

std::unique_ptr<Message> Copy(const Message& message) {
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  return copy;
}

}  // namespace

std::vector<MaskFault> FaultsOfMask(const Message& from, const FieldMask& mask) {
  if (mask.paths_size() > kMaxPaths) return {{-1, TooManyPaths()}};
  std::vector<MaskFault> faults;
  for (int i = 0; i < mask.paths_size(); ++i) {
    absl::string_view wrong;
    const Steps steps = StepsOf(*from.GetDescriptor(), mask.paths(i), &wrong);
    if (!steps.empty()) wrong = WrongAt(steps, from);
    if (!wrong.empty()) faults.push_back({i, std::string(wrong)});
  }
  return faults;
}

absl::Status ApplyUpdate(const Message& from, const FieldMask& mask, Message* to,
                         const Call* call) {
  if (from.GetDescriptor() != to->GetDescriptor()) {
    return absl::InternalError("ApplyUpdate: two types of resource");
  }
  RETURN_IF_ERROR(CheckSeen(from, mask, *to, call));
  if (mask.paths_size() > kMaxPaths) {
    return base::InvalidField("update_mask.paths", TooManyPaths());
  }
  const std::unique_ptr<Message> source = Copy(from);
  const std::unique_ptr<Message> result = Copy(*to);
  Update update(from, source.get(), result.get());
  if (mask.paths().empty()) {
    update.All();
  } else {
    update.Masked(mask);
  }
  RETURN_IF_ERROR(update.Result());
  to->GetReflection()->Swap(to, result.get());
  return absl::OkStatus();
}

}  // namespace nisi::rpc
