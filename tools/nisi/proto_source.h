#pragma once

#include <cstddef>

namespace nisi::cli {

// A serialized FileDescriptorSet of all our .proto files with their comments, made by the build.
extern const unsigned char kProtoSource[];
extern const size_t kProtoSourceSize;

}  // namespace nisi::cli
