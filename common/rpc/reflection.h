// gRPC's server reflection, from the descriptors that are linked in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http2/call.h"

namespace nisi::rpc {

inline constexpr char kReflectionService[] = "grpc.reflection.v1alpha.ServerReflection";
inline constexpr char kReflectionPath[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// The answer to one message of a reflection call, both in wire form: about any file, symbol or
// extension that is linked in; `services` are listed. INVALID_ARGUMENT for what is no request.
absl::StatusOr<std::string> AnswerReflection(absl::string_view request,
                                             const std::vector<std::string>& services);

// A reflection call. `services` outlive it.
std::shared_ptr<http2::Taker> TakeReflection(const std::vector<std::string>& services,
                                             std::shared_ptr<http2::Replier> replier);

}  // namespace nisi::rpc
