// Reflection at the door: the services that it leads to.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <string>
#include <vector>

namespace nisi::gateway {

class ReflectionService final : public grpc::Service {
 public:
  explicit ReflectionService(std::vector<std::string> services);

 private:
  const std::vector<std::string> services_;
};

}  // namespace nisi::gateway
