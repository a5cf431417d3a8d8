#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_callback.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/drain.h"
#include "common/rpc/listen_options.h"
#include "common/rpc/pipeline.h"
#include "common/rpc/store_call.h"
#include "common/rpc/streams.h"

namespace nisi::rpc {
namespace {

using grpc::ByteBuffer;

// A little over the largest message we take, so that the refusal is ours and says how much is
// allowed.
constexpr int kReceiveBytes = static_cast<int>(kMaxRequestBytes) + (1 << 20);
// Requests up to this size are parsed and checked on gRPC's own thread.
constexpr size_t kInlineBytes = 64 << 10;
constexpr size_t kStreamThreads = 4;
constexpr size_t kStreamQueue = 100'000;

// The methods of one proto service, bound by their paths: no generated gRPC code.
class RawService final : public grpc::Service {
 public:
  RawService(const google::protobuf::ServiceDescriptor& descriptor, const Registry& registry,
             Metrics* metrics, Site site, LiveStreams* live)
      : site_(site), live_(live) {
    bound_.reserve(static_cast<size_t>(descriptor.method_count()));
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const auto* declared = descriptor.method(i);
      const std::string& path =
          paths_.emplace_back(absl::StrCat("/", descriptor.full_name(), "/", declared->name()));
      const char* type = declared->server_streaming()   ? "server_stream"
                         : declared->client_streaming() ? "client_stream"
                                                        : "unary";
      bound_.push_back(
          Bound{registry.Find(path), metrics->ForMethod(std::string(descriptor.full_name()),
                                                        std::string(declared->name()), type)});
    }
    for (int i = 0; i < descriptor.method_count(); ++i) AddRaw(i, *descriptor.method(i));
  }

 private:
  void AddRaw(int i, const google::protobuf::MethodDescriptor& declared) {
    using grpc::internal::RpcMethod;
    const Bound& bound = bound_[static_cast<size_t>(i)];
    const auto kind = declared.server_streaming()   ? RpcMethod::SERVER_STREAMING
                      : declared.client_streaming() ? RpcMethod::CLIENT_STREAMING
                                                    : RpcMethod::NORMAL_RPC;
    AddMethod(new grpc::internal::RpcServiceMethod(paths_[static_cast<size_t>(i)].c_str(), kind,
                                                   nullptr));
    grpc::internal::MethodHandler* handler = nullptr;
    if (kind == RpcMethod::NORMAL_RPC) {
      handler = new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(
          [this, &bound](grpc::CallbackServerContext* context, const ByteBuffer* request,
                         ByteBuffer* response) {
            return Unary(bound, context, request, response);
          });
    } else if (kind == RpcMethod::SERVER_STREAMING) {
      handler = new grpc::internal::CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>(
          [this, &bound](grpc::CallbackServerContext* context, const ByteBuffer* request) {
            return NewServerStream(site_, bound, live_, context, request);
          });
    } else {
      handler = new grpc::internal::CallbackClientStreamingHandler<ByteBuffer, ByteBuffer>(
          [this, &bound](grpc::CallbackServerContext* context, ByteBuffer* response) {
            return NewClientStream(site_, bound, context, response);
          });
    }
    MarkMethodRawCallback(i, handler);
  }

  // On gRPC's own thread, of which there are few: what cannot wait is answered here, what is a
  // transaction goes to the store's writer, and all else to the executor.
  grpc::ServerUnaryReactor* Unary(const Bound& bound, grpc::CallbackServerContext* context,
                                  const ByteBuffer* request, ByteBuffer* response) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    auto in = std::make_shared<Incoming>(site_, bound, context);
    if (const absl::Status opened = in->Open(); !opened.ok()) {
      reactor->Finish(in->Close(opened));
      return reactor;
    }
    const bool small = request->Length() <= kInlineBytes;
    if (small && bound.method->command != nullptr) {
      Command(in, reactor, *request, response);
      return reactor;
    }
    if (small && bound.method->policy.non_blocking) {
      in->call().reach = store::Reach::kMemory;
      const absl::Status status = Answer(*in, *request, response);
      if (!store::IsNotInMemory(status)) {
        reactor->Finish(in->Close(status));
        return reactor;
      }
      in->call().reach = store::Reach::kDisk;
    }
    const bool queued = site_.executor->Submit([this, in, reactor, request, response] {
      if (in->method().command != nullptr) {
        Command(in, reactor, *request, response);
      } else {
        reactor->Finish(in->Close(Answer(*in, *request, response)));
      }
    });
    if (!queued) reactor->Finish(in->Close(base::Overloaded("executor", absl::Milliseconds(200))));
    return reactor;
  }

  // Hands the call to the writer; no thread waits for the commit.
  void Command(const std::shared_ptr<Incoming>& in, grpc::ServerUnaryReactor* reactor,
               const ByteBuffer& request, ByteBuffer* response) const {
    absl::StatusOr<std::unique_ptr<Message>> read = in->Read(request);
    if (!read.ok()) {
      reactor->Finish(in->Close(read.status()));
      return;
    }
    const std::shared_ptr<const Message> message = *std::move(read);
    in->method().store->WriteAsync(
        CommandOf(in->call(), *message),
        [in, message](store::Tx& tx) -> absl::StatusOr<std::string> {
          RETURN_IF_ERROR(in->StillWanted());
          return in->method().command(in->call(), tx, *message);
        },
        [in, reactor, response](absl::StatusOr<store::Outcome> outcome) {
          if (outcome.ok()) {
            in->call().position = outcome->position;
            *response = ToByteBuffer(std::move(outcome->reply));
          }
          reactor->Finish(in->Close(outcome.status()));
        });
  }

  static absl::Status Answer(Incoming& in, const ByteBuffer& request, ByteBuffer* response) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> message, in.Read(request));
    std::string reply;
    RETURN_IF_ERROR(in.Run(*message, &reply));
    *response = ToByteBuffer(std::move(reply));
    return absl::OkStatus();
  }

  const Site site_;
  LiveStreams* live_;
  std::deque<std::string> paths_;
  std::vector<Bound> bound_;
};

absl::Status CannotServe(absl::string_view why) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "CANNOT_SERVE", why);
}

}  // namespace

bool IsLoopback(const std::string& address) {
  return absl::StartsWith(address, "127.") || absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:") || absl::StartsWith(address, "unix:");
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  RETURN_IF_ERROR(options.registry->Check());
  if (options.credentials == nullptr && !options.address.empty() && !IsLoopback(options.address)) {
    return CannotServe("Without TLS a server listens on loopback only: give --tls-dir.");
  }
  std::unique_ptr<Server> server(new Server());
  server->executor_ = std::make_shared<Executor>(options.executor);
  server->stream_executor_ =
      std::make_unique<Executor>(Executor::Limits{kStreamThreads, kStreamQueue, "streams"});
  server->streams_ = std::make_unique<LiveStreams>();
  const Site site{options.clock, options.authenticator, server->executor_.get(),
                  server->stream_executor_.get()};

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kReceiveBytes);
  builder.SetMaxSendMessageSize(-1);
  SetListenOptions(builder);
  if (!options.address.empty()) {
    builder.AddListeningPort(
        options.address,
        options.credentials != nullptr ? options.credentials : grpc::InsecureServerCredentials(),
        &server->port_);
  }
  for (const auto* descriptor : options.registry->services()) {
    server->services_.push_back(std::make_unique<RawService>(
        *descriptor, *options.registry, options.metrics, site, server->streams_.get()));
    builder.RegisterService(server->services_.back().get());
  }
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || (!options.address.empty() && server->port_ == 0)) {
    return CannotServe(absl::StrCat("Cannot listen on ", options.address, ": is the port taken?"));
  }
  options.metrics->AddFigures([executor = std::weak_ptr<Executor>(server->executor_)] {
    const auto live = executor.lock();
    return std::vector<store::Figure>{
        {"nisi_executor_queue_depth", "Calls that wait for a thread.",
         live == nullptr ? 0.0 : static_cast<double>(live->queue_depth())}};
  });
  server->SetServing(true);
  return server;
}

Server::~Server() {
  Drain(absl::Seconds(5));
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return server_->InProcessChannel(arguments);
}

void Server::SetServing(bool serving) {
  if (auto* health = server_->GetHealthCheckService(); health != nullptr)
    health->SetServingStatus(serving);
}

void Server::Drain(absl::Duration limit) {
  if (server_ == nullptr) return;
  SetServing(false);
  streams_->Drain();
  EndServer(*server_, absl::Now() + limit);
  server_->Wait();
  server_.reset();
}

}  // namespace nisi::rpc
