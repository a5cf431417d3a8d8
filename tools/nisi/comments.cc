#include "tools/nisi/comments.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "tools/nisi/proto_source.h"

namespace nisi::cli {
namespace {

struct Source {
  google::protobuf::FileDescriptorSet files;
  // The descriptors with their comments; those in the generated code have none.
  google::protobuf::DescriptorPool pool;
};

const Source& Parsed() {
  static const auto& source = *[] {
    auto* made = new Source();
    made->files.ParseFromArray(kProtoSource, static_cast<int>(kProtoSourceSize));
    // In order of dependence.
    for (const auto& file : made->files.file()) made->pool.BuildFile(file);
    return made;
  }();
  return source;
}

std::string OnOneLine(std::string text) {
  absl::RemoveExtraAsciiWhitespace(&text);
  return text;
}

template <class D>
std::string Leading(const D* descriptor) {
  google::protobuf::SourceLocation location;
  if (descriptor == nullptr || !descriptor->GetSourceLocation(&location)) return "";
  return OnOneLine(location.leading_comments);
}

}  // namespace

std::string CommentOf(absl::string_view full_name) {
  const std::string name(full_name);
  const auto& pool = Parsed().pool;
  if (const auto* field = pool.FindFieldByName(name)) return Leading(field);
  if (const auto* method = pool.FindMethodByName(name)) return Leading(method);
  if (const auto* service = pool.FindServiceByName(name)) return Leading(service);
  if (const auto* message = pool.FindMessageTypeByName(name)) return Leading(message);
  return Leading(pool.FindEnumValueByName(name));
}

std::string CommentOfPackage(absl::string_view package) {
  const std::vector<int> path = {google::protobuf::FileDescriptorProto::kPackageFieldNumber};
  std::string of_service;
  for (const auto& file : Parsed().files.file()) {
    google::protobuf::SourceLocation location;
    const auto* descriptor = Parsed().pool.FindFileByName(file.name());
    if (file.package() != package || descriptor == nullptr) continue;
    if (!descriptor->GetSourceLocation(path, &location)) continue;
    const std::string text = OnOneLine(location.leading_comments);
    if (text.empty()) continue;
    if (absl::EndsWith(file.name(), "/resources.proto")) return text;
    if (file.service_size() > 0 && of_service.empty()) of_service = text;
  }
  return of_service;
}

}  // namespace nisi::cli
