// The files of the reference as the build embeds them (reference/embed.py). For reference.cc only.
#pragma once

#include <cstddef>

namespace nisi::gateway {

struct ReferenceFile {
  const char* path;  // "/reference/page.css"
  const char* content_type;
  const char* etag;  // the beginning of the hash of its bytes
  const unsigned char* gzip;
  size_t gzip_size;
  size_t size;  // of what it holds
};

extern const ReferenceFile kReferenceFiles[];
extern const size_t kReferenceFileCount;

}  // namespace nisi::gateway
