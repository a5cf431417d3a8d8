// A method as its .proto declares it: who may call it, within which scope, for how long. Read once
// at start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/caller.h"
#include "common/rpc/field_path.h"
#include "common/rpc/form.h"
#include "google/protobuf/descriptor.h"
#include "nisi/rpc/v1/options.pb.h"

namespace nisi::rpc {

inline constexpr size_t kMaxRequestBytes = 4 << 20;
inline constexpr absl::Duration kDefaultDeadline = absl::Seconds(5);

struct MethodPolicy {
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  std::string path;    // "/package.Service/Method"
  uint32_t roles = 0;  // bit n: Role number n may call
  bool is_public = false;
  bool mutation = false;
  bool non_blocking = false;
  absl::Duration deadline;
  size_t max_request_bytes = 0;
  bool unscoped = false;   // scoped roles need no record of their own
  bool discloses = false;  // shows confidential fields by right
  const google::protobuf::FieldDescriptor* reveal = nullptr;  // where it must be asked to
  FieldPath bin_path;                                         // empty: no such scope
  FieldPath region_path;
  const google::protobuf::FieldDescriptor* request_id = nullptr;
  const google::protobuf::FieldDescriptor* validate_only =
      nullptr;           // of a mutation, where it has one
  bool updates = false;  // the request has an update_mask

  // FAILED_PRECONDITION naming the method: no policy, an unknown field, a mutation without
  // request_id, and so on.
  static absl::StatusOr<MethodPolicy> Of(const google::protobuf::MethodDescriptor& method);
};

// Whether the caller may call the method at all. UNAUTHENTICATED when nobody signed in and somebody
// must; PERMISSION_DENIED (ACCESS_DENIED) otherwise.
absl::Status CheckRoles(const MethodPolicy& policy, const Caller& caller);

// Whether the request lies in the caller's scope: its BIN, its regions. ACCESS_DENIED.
absl::Status CheckScope(const MethodPolicy& policy, const Caller& caller,
                        const google::protobuf::Message& request);

// Every method of a service, or why its declarations do not hold.
absl::StatusOr<std::vector<MethodPolicy>> PoliciesOf(
    const google::protobuf::ServiceDescriptor& service);

// ServiceOptions.owner; "" for a standard service.
std::string OwnerOf(const google::protobuf::ServiceDescriptor& service);

}  // namespace nisi::rpc
