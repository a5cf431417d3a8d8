// Which service a method belongs to, from the descriptors alone: no code a method.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/policy.h"
#include "google/protobuf/descriptor.h"

namespace nisi::gateway {

// The request metadata by which a caller of a standard service names the process it means.
inline constexpr char kServiceKey[] = "nisi-service";

// What travels each way.
struct CallKind {
  bool client_streaming = false;
  bool server_streaming = false;

  bool streaming() const { return client_streaming || server_streaming; }
};

struct Route {
  rpc::MethodPolicy policy;
  std::string owner;  // empty: a standard service, every process has it; kOwn: the gateway itself
  CallKind kind;
  size_t index = 0;  // 0, 1, 2 ... in the order of all()
};

// Fixed after Make; usable from many threads.
class Routes {
 public:
  // Beside what the gateway answers itself; services whose owner is not in `owners` are left out:
  // nobody is there to answer.
  // FAILED_PRECONDITION for a service whose declarations do not hold, and for one given twice.
  static absl::StatusOr<Routes> Make(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services,
      const std::vector<std::string>& owners);

  // UNIMPLEMENTED, METHOD_UNKNOWN. `path` is "/package.Service/Method".
  absl::StatusOr<const Route*> Find(absl::string_view path) const;

  // The owner of the process that answers. `named` is the value of kServiceKey, "" where none came.
  // INVALID_ARGUMENT for a standard service: SERVICE_NOT_NAMED, PROCESS_UNKNOWN. For other services
  // the name does not matter. The view lives as long as the routes.
  absl::StatusOr<absl::string_view> OwnerFor(const Route& route, absl::string_view named) const;

  // Without the gateway's own.
  const std::vector<const google::protobuf::ServiceDescriptor*>& services() const {
    return services_;
  }
  std::vector<const Route*> all() const;
  // The largest request that some method allows.
  size_t max_request_bytes() const { return max_request_bytes_; }

 private:
  // False: there is one of that path.
  bool Add(rpc::MethodPolicy policy, const std::string& owner);

  std::vector<const google::protobuf::ServiceDescriptor*> services_;  // those that are served
  absl::flat_hash_map<std::string, Route> routes_;
  absl::flat_hash_set<std::string> owners_;
  size_t max_request_bytes_ = 0;
};

}  // namespace nisi::gateway
