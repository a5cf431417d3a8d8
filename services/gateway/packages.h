// The packages that this program knows: the one place to name a new one.
#pragma once

#include <vector>

#include "google/protobuf/descriptor.h"

namespace nisi::gateway {

// Every service of every linked package, the standard ones included.
std::vector<const google::protobuf::ServiceDescriptor*> LinkedServices();

}  // namespace nisi::gateway
