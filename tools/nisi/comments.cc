#include "tools/nisi/comments.h"

#include "absl/strings/ascii.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "tools/nisi/proto_source.h"

namespace nisi::cli {
namespace {

// The descriptors with their comments; those in the generated code have none.
const google::protobuf::DescriptorPool& Pool() {
  static const auto& pool = *[] {
    auto* made = new google::protobuf::DescriptorPool();
    google::protobuf::FileDescriptorSet files;
    files.ParseFromArray(kProtoSource, static_cast<int>(kProtoSourceSize));
    // In order of dependence.
    for (const auto& file : files.file()) made->BuildFile(file);
    return made;
  }();
  return pool;
}

template <class D>
std::string Leading(const D* descriptor) {
  google::protobuf::SourceLocation location;
  if (descriptor == nullptr || !descriptor->GetSourceLocation(&location)) return "";
  std::string text = location.leading_comments;
  absl::RemoveExtraAsciiWhitespace(&text);
  return text;
}

}  // namespace

std::string CommentOf(absl::string_view full_name) {
  const std::string name(full_name);
  const auto& pool = Pool();
  if (const auto* field = pool.FindFieldByName(name)) return Leading(field);
  if (const auto* method = pool.FindMethodByName(name)) return Leading(method);
  if (const auto* service = pool.FindServiceByName(name)) return Leading(service);
  if (const auto* message = pool.FindMessageTypeByName(name)) return Leading(message);
  return Leading(pool.FindEnumValueByName(name));
}

}  // namespace nisi::cli
