#include "common/rpc/mask.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/store/journal.h"
#include "nisi/rpc/v1/owners.pb.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kAny[] = "google.protobuf.Any";
constexpr char kJournalEntry[] = "nisi.journal.v1.Entry";

absl::Status BadMark(const std::string& what, absl::string_view problem) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "CONFIDENTIAL_INVALID",
                       absl::StrCat(what, ": ", problem));
}

bool IsMarked(const FieldDescriptor& field) {
  return RuleOf(field).data_class() == v1::CONFIDENTIAL;
}

const FieldDescriptor* WithheldOf(const Descriptor& type) {
  const FieldDescriptor* field = type.FindFieldByName("withheld");
  const bool is = field != nullptr && !field->is_repeated() &&
                  field->message_type() == v1::Withheld::descriptor();
  return is ? field : nullptr;
}

bool IsClosed(const Descriptor& type) {
  return type.options().GetExtension(v1::resource).closed();
}

// Whether a message has, anywhere in it, what a mask looks at. Ends at what it has seen.
bool Leads(const Descriptor& type, std::set<const Descriptor*>* seen) {
  if (!seen->insert(&type).second) return false;
  if (IsClosed(type)) return true;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsMarked(field)) return true;
    if (field.message_type() != nullptr && Leads(*field.message_type(), seen)) return true;
  }
  return false;
}
bool Leads(const Descriptor& type) {
  std::set<const Descriptor*> seen;
  return Leads(type, &seen);
}

// What no declaration of a field may say, wherever it stands.
absl::Status CheckField(const FieldDescriptor& field) {
  uint32_t readers = 0;
  for (const int role : RuleOf(field).readers()) readers |= base::RoleBit(static_cast<Role>(role));
  if (readers != 0 && !IsMarked(field))
    return BadMark(field.full_name(), "readers of an open field");
  if ((readers & ~(kCountryRoles | kScopedRoles)) != 0) {
    return BadMark(field.full_name(), "a reader is a role over records: not PUBLIC, not OPERATOR");
  }
  if (field.message_type() != nullptr && field.message_type()->full_name() == kAny &&
      !IsMarked(field)) {
    return BadMark(field.full_name(), "what an Any holds cannot be withheld: mark it as a whole");
  }
  return absl::OkStatus();
}

absl::Status CheckFields(const Descriptor& type, std::set<const Descriptor*>* seen) {
  // What records in an entry of the journal withhold was taken out when it was written.
  if (type.full_name() == kJournalEntry) return absl::OkStatus();
  if (!seen->insert(&type).second) return absl::OkStatus();
  for (int i = 0; i < type.field_count(); ++i) {
    RETURN_IF_ERROR(CheckField(*type.field(i)));
    if (type.field(i)->message_type() != nullptr) {
      RETURN_IF_ERROR(CheckFields(*type.field(i)->message_type(), seen));
    }
  }
  return absl::OkStatus();
}

// To the BINs of a type's owners; an empty path leads to none.
std::vector<FieldPath> OwnerPaths(const Descriptor& type) {
  const auto& parties = type.options().GetExtension(v1::resource).bin_fields();
  const auto declared = static_cast<int>(type.options().GetExtension(v1::owners));
  std::vector<FieldPath> paths;
  for (int i = 0; i < std::max(1, declared); ++i) {
    paths.push_back(i < parties.size() ? FollowPath(type, parties.Get(i)) : FieldPath());
  }
  return paths;
}

std::string Dotted(const FieldPath& path) {
  std::string dotted;
  for (const FieldDescriptor* field : path) {
    absl::StrAppend(&dotted, dotted.empty() ? "" : ".", field->name());
  }
  return dotted;
}

// What lies in one message and in the singular messages that belong to it.
struct Content {
  std::vector<Mark> marks;
  std::vector<FieldPath> parts;  // to messages that are looked at by themselves
};

class Walker {
 public:
  explicit Walker(Content* content) : content_(content) {}

  absl::Status Walk(const Descriptor& type) {
    if (!within_.insert(&type).second) {
      return BadMark(type.full_name(), "holds itself and what is confidential: mark it as a whole");
    }
    for (int i = 0; i < type.field_count(); ++i) {
      path_.push_back(type.field(i));
      RETURN_IF_ERROR(Field(*type.field(i)));
      path_.pop_back();
    }
    within_.erase(&type);
    return absl::OkStatus();
  }

 private:
  absl::Status Field(const FieldDescriptor& field) {
    if (IsMarked(field)) {
      Mark mark{path_, Dotted(path_), 0};
      for (const int role : RuleOf(field).readers()) {
        mark.readers |= base::RoleBit(static_cast<Role>(role));
      }
      content_->marks.push_back(std::move(mark));
      return absl::OkStatus();
    }
    if (field.message_type() == nullptr || !Leads(*field.message_type())) return absl::OkStatus();
    if (field.is_map()) {
      return BadMark(field.full_name(), "holds what is confidential in a map: mark it as a whole");
    }
    const Descriptor& type = *field.message_type();
    if (field.is_repeated() || WithheldOf(type) != nullptr || IsClosed(type)) {
      content_->parts.push_back(path_);
      return absl::OkStatus();
    }
    return Walk(type);
  }

  Content* content_;
  FieldPath path_;
  std::set<const Descriptor*> within_;
};

absl::Status CheckRecord(const Descriptor& type) {
  if (WithheldOf(type) == nullptr) {
    return BadMark(
        type.full_name(),
        "has confidential fields and no `nisi.rpc.v1.Withheld withheld`; a repeated message "
        "is marked as a whole");
  }
  if (!RuleOf(*WithheldOf(type)).output_only()) {
    return BadMark(type.full_name(), "`withheld` is output_only");
  }
  for (const FieldPath& path : OwnerPaths(type)) {
    if (!path.empty()) continue;
    return BadMark(type.full_name(),
                   "has confidential fields and no owner: the first of bin_fields, as many as "
                   "`owners` says, lead to one BIN each");
  }
  return absl::OkStatus();
}

// The message in which the field at the end of a path lies; null where it is not there.
Message* HolderOf(Message* message, const FieldPath& path) {
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (!message->GetReflection()->HasField(*message, path[i])) return nullptr;
    message = message->GetReflection()->MutableMessage(message, path[i]);
  }
  return message;
}
const Message* HolderOf(const Message* message, const FieldPath& path) {
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    message = &message->GetReflection()->GetMessage(*message, path[i]);
  }
  return message;
}

}  // namespace

std::string MarkedType::NameOf(const Message& resource) const {
  return name == nullptr ? "" : resource.GetReflection()->GetString(resource, name);
}

std::vector<std::string> OwnersOf(const Message& resource) {
  std::vector<std::string> owners;
  for (const FieldPath& path : OwnerPaths(*resource.GetDescriptor())) {
    if (path.empty()) continue;
    std::string bin = TextsAt(resource, path).front();
    if (!bin.empty() && std::find(owners.begin(), owners.end(), bin) == owners.end()) {
      owners.push_back(std::move(bin));
    }
  }
  return owners;
}

const v1::LegalBasis& ConfidentialityBasis() {
  static const auto* const kBasis = new v1::LegalBasis(base::Law(
      "Art. 6(3)",
      "Administrative data are not disclosed to third parties without the consent of the entity, "
      "except by a court decision in force or in cases set by law."));
  return *kBasis;
}

absl::StatusOr<std::unique_ptr<MarkedType>> MarkedTypeOf(const Descriptor& resource) {
  std::set<const Descriptor*> seen;
  RETURN_IF_ERROR(CheckFields(resource, &seen));
  if (!Leads(resource)) return nullptr;
  Content content;
  RETURN_IF_ERROR(Walker(&content).Walk(resource));
  if (content.marks.empty()) return nullptr;
  RETURN_IF_ERROR(CheckRecord(resource));
  auto type = std::make_unique<MarkedType>();
  type->descriptor = &resource;
  ASSIGN_OR_RETURN(type->ties, Ties::Of(resource));
  const FieldDescriptor* name = resource.FindFieldByName("name");
  if (name != nullptr && name->type() == FieldDescriptor::TYPE_STRING && !name->is_repeated()) {
    type->name = name;
  }
  type->withheld = WithheldOf(resource);
  type->marks = std::move(content.marks);
  return type;
}

void Withhold(const MarkedType& type, const ShownMarks& shown, v1::Withheld::Reason reason,
              Message* resource) {
  if (base::Planted("mask-off")) return;
  resource->GetReflection()->ClearField(resource, type.withheld);
  v1::Withheld withheld;
  for (size_t i = 0; i < type.marks.size(); ++i) {
    if (shown[i]) continue;
    const Mark& mark = type.marks[i];
    if (Message* holder = HolderOf(resource, mark.path)) {
      holder->GetReflection()->ClearField(holder, mark.path.back());
    }
    withheld.add_fields(mark.dotted);
  }
  if (withheld.fields().empty()) return;
  withheld.set_reason(reason);
  *withheld.mutable_legal_basis() = ConfidentialityBasis();
  Message* told = resource->GetReflection()->MutableMessage(resource, type.withheld);
  static_cast<v1::Withheld&>(*told) = std::move(withheld);
}

v1::Withheld AllWithheld(const MarkedType& type, v1::Withheld::Reason reason) {
  v1::Withheld withheld;
  for (const Mark& mark : type.marks) withheld.add_fields(mark.dotted);
  withheld.set_reason(reason);
  *withheld.mutable_legal_basis() = ConfidentialityBasis();
  return withheld;
}

class Mask::Compiler {
 public:
  explicit Compiler(Mask* mask) : mask_(mask) {}

  absl::StatusOr<const Node*> Compile(const Descriptor& type) {
    const auto [at, fresh] = mask_->nodes_.try_emplace(&type);
    if (!fresh) return at->second.get();
    at->second = std::make_unique<Node>();
    Node* node = at->second.get();
    Content content;
    RETURN_IF_ERROR(Walker(&content).Walk(type));
    if (!content.marks.empty()) {
      ASSIGN_OR_RETURN(std::unique_ptr<MarkedType> marked, MarkedTypeOf(type));
      node->type = marked.get();
      mask_->types_.push_back(std::move(marked));
    }
    if (IsClosed(type)) {
      ASSIGN_OR_RETURN(Ties ties, Ties::Of(type));
      node->closed = std::make_unique<Ties>(std::move(ties));
      mask_->closed_ = true;
    }
    for (FieldPath& path : content.parts) {
      const FieldDescriptor& last = *path.back();
      ASSIGN_OR_RETURN(const Node* part, Compile(*last.message_type()));
      mask_->repeats_ =
          mask_->repeats_ || (last.is_repeated() && store::HasConfidential(*last.message_type()));
      node->parts.push_back(Part{std::move(path), part});
    }
    return node;
  }

 private:
  Mask* mask_;
};

absl::StatusOr<Mask> Mask::Of(const Descriptor& answer) {
  Mask mask;
  std::set<const Descriptor*> seen;
  RETURN_IF_ERROR(CheckFields(answer, &seen));
  if (!Leads(answer)) return mask;
  ASSIGN_OR_RETURN(mask.root_, Compiler(&mask).Compile(answer));
  if (mask.marked()) mask.wire_ = std::make_unique<WireMask>(answer, mask.types_);
  return mask;
}

void Mask::Collect(const Node& node, Message* message, std::vector<Place>* places) {
  if (node.type != nullptr) places->push_back({message, node.type});
  for (const Part& part : node.parts) {
    Message* holder = HolderOf(message, part.path);
    if (holder == nullptr) continue;
    const FieldDescriptor* last = part.path.back();
    const auto& reflection = *holder->GetReflection();
    if (!last->is_repeated()) {
      if (reflection.HasField(*holder, last)) {
        Collect(*part.node, reflection.MutableMessage(holder, last), places);
      }
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(*holder, last); ++i) {
      Collect(*part.node, reflection.MutableRepeatedMessage(holder, last, i), places);
    }
  }
}

std::vector<Mask::Place> Mask::Find(Message* answer) const {
  std::vector<Place> places;
  if (root_ != nullptr) Collect(*root_, answer, &places);
  return places;
}

bool Mask::HoldsUntied(const Node& node, const Call& call, const Message& message) {
  if (node.closed != nullptr && RolesFor(call, *node.closed, message) == 0) return true;
  return std::any_of(node.parts.begin(), node.parts.end(), [&](const Part& part) {
    const Message& holder = *HolderOf(&message, part.path);
    const FieldDescriptor* last = part.path.back();
    const auto& reflection = *holder.GetReflection();
    if (!last->is_repeated()) {
      return reflection.HasField(holder, last) &&
             HoldsUntied(*part.node, call, reflection.GetMessage(holder, last));
    }
    for (int i = 0; i < reflection.FieldSize(holder, last); ++i) {
      if (HoldsUntied(*part.node, call, reflection.GetRepeatedMessage(holder, last, i)))
        return true;
    }
    return false;
  });
}

bool Mask::AsksClosed(const Call& call) const {
  const uint32_t admitted = call.method->is_public ? ~0U : call.method->roles;
  return closed_ && (call.caller->roles & admitted & kCountryRoles) == 0;
}

absl::Status Mask::CheckClosed(const Call& call, const Message& answer) const {
  if (root_ == nullptr || !AsksClosed(call) || !HoldsUntied(*root_, call, answer)) {
    return absl::OkStatus();
  }
  return base::AccessDenied();
}

}  // namespace nisi::rpc
