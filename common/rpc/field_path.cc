#include "common/rpc/field_path.h"

#include "absl/strings/str_split.h"

namespace nisi::rpc {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

FieldPath FollowPath(const Descriptor& type, absl::string_view dotted, bool may_repeat) {
  FieldPath path;
  const Descriptor* owner = &type;
  for (const absl::string_view name : absl::StrSplit(dotted, '.')) {
    if (owner == nullptr || (!path.empty() && path.back()->is_repeated())) return {};
    const FieldDescriptor* field = owner->FindFieldByName(std::string(name));
    if (field == nullptr) return {};
    path.push_back(field);
    owner = field->message_type();
  }
  const FieldDescriptor& last = *path.back();
  const bool leads =
      last.type() == FieldDescriptor::TYPE_STRING && (may_repeat || !last.is_repeated());
  return leads ? path : FieldPath();
}

std::vector<std::string> TextsAt(const Message& message, const FieldPath& path) {
  const Message* at = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) at = &at->GetReflection()->GetMessage(*at, path[i]);
  const auto& reflection = *at->GetReflection();
  const FieldDescriptor* last = path.back();
  if (!last->is_repeated()) return {reflection.GetString(*at, last)};
  std::vector<std::string> texts;
  for (int i = 0; i < reflection.FieldSize(*at, last); ++i) {
    texts.push_back(reflection.GetRepeatedString(*at, last, i));
  }
  return texts;
}

}  // namespace nisi::rpc
