#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "tools/nisi/args.h"
#include "tools/nisi/io.h"

// Calls of any method, known by its descriptor alone.
namespace nisi::cli {

using MessagePtr = std::unique_ptr<google::protobuf::Message>;
MessagePtr NewMessage(const google::protobuf::Descriptor& type);

// Fills in the next request; false when there is none.
using NextRequest = std::function<bool(google::protobuf::Message*)>;
// Takes a response; false when no more are wanted, which ends the call with OK.
using OnResponse = std::function<bool(const google::protobuf::Message&)>;

struct CallOptions {
  // 0: none.
  double timeout_seconds = 0;
  // Which process a standard service is meant of; sent as nisi-service.
  std::string service;
};

class Client {
 public:
  // From the flags of kConnect and the environment. INVALID_ARGUMENT for flags that do not go
  // together, NOT_FOUND for a file that cannot be read.
  static absl::StatusOr<Client> Connect(const Args& args, const Io& io);

  // Reads who calls once more, as from a token file that is renewed. False: it is as it was.
  bool Renew(const Args& args, const Io& io);

  // Sends all requests, then reads all responses, of whatever kind the method is.
  grpc::Status Call(const google::protobuf::MethodDescriptor& method, const CallOptions& options,
                    const NextRequest& next, const OnResponse& on_response) const;

  // One request, one response.
  grpc::Status Unary(const google::protobuf::MethodDescriptor& method, const CallOptions& options,
                     const google::protobuf::Message& request,
                     google::protobuf::Message* response) const;

  // Whether it says who calls.
  bool signed_in() const { return !authorization_.empty(); }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::string authorization_;
};

// `--timeout`, else what the method allows itself but at least 30 s; none for a watch.
absl::StatusOr<double> TimeoutOf(const google::protobuf::MethodDescriptor& method,
                                 const Args& args);
bool IsWatch(const google::protobuf::MethodDescriptor& method);

}  // namespace nisi::cli
