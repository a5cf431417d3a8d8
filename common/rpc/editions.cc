#include "common/rpc/editions.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "google/protobuf/util/message_differencer.h"

namespace nisi::rpc {

std::vector<std::string> DifferentFields(const google::protobuf::Message& before,
                                         const google::protobuf::Message& after,
                                         absl::Span<const char* const> fields) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& look = *before.GetReflection();
  const auto same = [&](const FieldDescriptor* field) {
    if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      google::protobuf::util::MessageDifferencer differ;
      return differ.CompareWithFields(before, after, {field}, {field});
    }
    std::string one, other;
    return look.GetStringReference(before, field, &one) ==
           look.GetStringReference(after, field, &other);
  };
  std::vector<std::string> different;
  for (const char* name : fields) {
    if (!same(before.GetDescriptor()->FindFieldByName(name))) different.emplace_back(name);
  }
  return different;
}

bool HoldsWords(const std::vector<std::string>& words, absl::string_view text) {
  const std::vector<std::string> held = base::Words(text);
  return std::all_of(words.begin(), words.end(), [&](const std::string& wanted) {
    return std::any_of(held.begin(), held.end(),
                       [&](const std::string& word) { return absl::StartsWith(word, wanted); });
  });
}

}  // namespace nisi::rpc
