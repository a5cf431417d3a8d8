// gRPC's server reflection, from the descriptors that are linked in. Served by two names that are
// the same on the wire: newer clients ask for v1, older ones know v1alpha alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http2/call.h"
#include "google/protobuf/descriptor.h"

namespace nisi::rpc {

inline constexpr const char* kReflectionServices[] = {"grpc.reflection.v1.ServerReflection",
                                                      "grpc.reflection.v1alpha.ServerReflection"};
inline constexpr const char* kReflectionPaths[] = {
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};

bool IsReflection(absl::string_view path);

// The answer to one message of a reflection call, both in wire form: about any file, symbol or
// extension that is linked in; `services` are listed. INVALID_ARGUMENT for what is no request.
absl::StatusOr<std::string> AnswerReflection(absl::string_view request,
                                             const std::vector<std::string>& services);

// A file in wire form, made once: it is asked for with each that imports it. Thread-safe.
const std::string& BytesOf(const google::protobuf::FileDescriptor& file);

// A reflection call, until its own deadline or for kMaxDeadline: also of a client that does not
// take the answers, and so keeps it from going on. `services` outlive it.
std::shared_ptr<http2::Taker> TakeReflection(const std::vector<std::string>& services,
                                             const http2::CallHead& head,
                                             std::shared_ptr<http2::Replier> replier);

}  // namespace nisi::rpc
