#include "tools/benchmarks/echo_server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/key_files.h"
#include "common/rpc/service_main.h"

namespace nisi::bench {
namespace {

using grpc::ByteBuffer;

constexpr size_t kMaxPemBytes = 1 << 20;

class EchoService final : public grpc::Service {
 public:
  EchoService() {
    // The second one is for those that reach it through the gateway, which knows no echo.
    int number = 0;
    for (const char* path : {kEchoPath, kCheckGoodsPath}) Add(number++, path);
  }

 private:
  void Add(int number, const char* path) {
    AddMethod(
        new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
    MarkMethodRawCallback(number, new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(
                                      [](grpc::CallbackServerContext* context,
                                         const ByteBuffer* request, ByteBuffer* response) {
                                        *response = *request;
                                        auto* reactor = context->DefaultReactor();
                                        reactor->Finish(grpc::Status::OK);
                                        return reactor;
                                      }));
  }
};

}  // namespace

absl::Status RunEchoServer(const EchoSettings& settings, std::ostream& out) {
  rpc::StopSignal stop;
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!settings.tls_dir.empty()) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.emplace_back();
    ASSIGN_OR_RETURN(
        tls.pem_key_cert_pairs[0].private_key,
        rpc::ReadFile(absl::StrCat(settings.tls_dir, "/", settings.as, ".key"), kMaxPemBytes));
    ASSIGN_OR_RETURN(
        tls.pem_key_cert_pairs[0].cert_chain,
        rpc::ReadFile(absl::StrCat(settings.tls_dir, "/", settings.as, ".pem"), kMaxPemBytes));
    credentials = grpc::SslServerCredentials(tls);
  }
  builder.AddListeningPort(settings.address, credentials, &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return absl::UnavailableError("cannot listen");
  out << "{\"port\": " << port << "}" << std::endl;
  stop.Wait();
  server->Shutdown();
  return absl::OkStatus();
}

}  // namespace nisi::bench
