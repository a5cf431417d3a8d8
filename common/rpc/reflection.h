// gRPC's server reflection, from the descriptors that are linked in.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::rpc {

inline constexpr char kReflectionService[] = "grpc.reflection.v1alpha.ServerReflection";
inline constexpr char kReflectionPath[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// The answer to one message of a reflection call, both in wire form: about any file, symbol or
// extension that is linked in; `services` are listed. INVALID_ARGUMENT for what is no request.
absl::StatusOr<std::string> AnswerReflection(absl::string_view request,
                                             const std::vector<std::string>& services);

}  // namespace nisi::rpc
