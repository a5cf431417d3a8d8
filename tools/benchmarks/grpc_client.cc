#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <vector>

#include "tools/benchmarks/client.h"

namespace nisi::bench {
namespace {

std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& authority) {
  if (authority.empty()) return grpc::InsecureChannelCredentials();
  std::ifstream file(authority);
  grpc::SslCredentialsOptions options;
  options.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
  return grpc::SslCredentials(options);
}

// One completion queue on the thread of the caller.
class GrpcClient final : public Client {
 public:
  GrpcClient(const LoadSettings& settings, const std::string& path) : path_(path) {
    if (!settings.token.empty()) authorization_ = "Bearer " + settings.token;
    const auto credentials = Credentials(settings.authority);
    for (int64_t i = 0; i < settings.connections; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt("nisi.bench.connection", static_cast<int>(i));
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
      arguments.SetMaxReceiveMessageSize(-1);
      // As little of the machine as a client of this library can take.
      arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
      arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
      stubs_.push_back(std::make_unique<grpc::GenericStub>(
          grpc::CreateCustomChannel(settings.address, credentials, arguments)));
    }
  }

  void Start(absl::string_view request, size_t tag) override {
    auto* call = new InFlight();
    call->tag = tag;
    if (!authorization_.empty()) call->context.AddMetadata("authorization", authorization_);
    call->context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::seconds(kCallSeconds));
    const grpc::Slice slice(request.data(), request.size());
    const grpc::ByteBuffer bytes(&slice, 1);
    call->reader =
        stubs_[tag % stubs_.size()]->PrepareUnaryCall(&call->context, path_, bytes, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
  }

  absl::StatusOr<size_t> Next() override {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok)) return absl::InternalError("the queue has ended");
    const std::unique_ptr<InFlight> call(static_cast<InFlight*>(tag));
    if (call->status.ok()) return call->tag;
    return absl::Status(static_cast<absl::StatusCode>(call->status.error_code()),
                        call->status.error_message());
  }

 private:
  struct InFlight {
    size_t tag = 0;
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  };

  const std::string path_;
  std::string authorization_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> NewGrpcClient(const LoadSettings& settings,
                                                      const std::string& path) {
  return std::make_unique<GrpcClient>(settings, path);
}

}  // namespace nisi::bench
