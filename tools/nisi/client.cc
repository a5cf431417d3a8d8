#include "tools/nisi/client.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/tls.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "tools/nisi/packages.h"
#include "tools/nisi/token.h"

namespace nisi::cli {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// What a server may answer in one message: an import's report on 20,000 rows has several MiB.
constexpr int kMaxResponseBytes = 64 << 20;
constexpr char kDefaultAddress[] = "127.0.0.1:7400";

grpc::ByteBuffer Pack(const Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

bool Unpack(const grpc::ByteBuffer& buffer, Message* message) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return false;
  return message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

std::string HostOf(absl::string_view address) {
  address = absl::StripPrefix(address, "dns:///");
  const size_t colon = address.rfind(':');
  absl::string_view host = colon == absl::string_view::npos ? address : address.substr(0, colon);
  return std::string(absl::StripSuffix(absl::StripPrefix(host, "["), "]"));
}

bool IsLocal(const std::string& address) {
  const std::string host = HostOf(address);
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.") ||
         absl::StartsWith(address, "unix:");
}

// "host:port", or one of the forms with a scheme that gRPC knows; an address of a browser is none.
// gRPC itself takes port 443 where none is given, and of a number that is none what its lowest 16
// bits say.
absl::Status CheckAddress(absl::string_view address) {
  if (absl::StartsWith(address, "unix:") || absl::StartsWith(address, "dns:"))
    return absl::OkStatus();
  const size_t colon = address.rfind(':');
  int port = 0;
  const bool fits = colon != absl::string_view::npos && colon > 0 &&
                    !absl::StrContains(address, "//") &&
                    absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 && port <= 65535;
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--address, or NISI_ADDRESS, is HOST:PORT, as ",
                                                 kDefaultAddress, ", and not ", address, "."));
}

// One call, one operation after another on a queue of its own.
class GenericCall {
 public:
  GenericCall(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext* context,
              const std::string& path)
      : stub_(channel), stream_(stub_.PrepareCall(context, path, &queue_)) {}
  ~GenericCall() {
    queue_.Shutdown();
    Wait();
  }

  bool Start() {
    stream_->StartCall(this);
    return Wait();
  }
  bool Write(const Message& message) {
    stream_->Write(Pack(message), this);
    return Wait();
  }
  void WritesDone() {
    stream_->WritesDone(this);
    Wait();
  }
  bool Read(grpc::ByteBuffer* buffer) {
    stream_->Read(buffer, this);
    return Wait();
  }
  grpc::Status Finish() {
    grpc::Status status;
    stream_->Finish(&status, this);
    Wait();
    return status;
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const Args& args,
                                                                      const std::string& address) {
  if (!args.Has("tls-ca")) {
    if (args.Has("tls-cert") || args.Has("tls-key")) {
      return absl::InvalidArgumentError("--tls-cert and --tls-key need --tls-ca.");
    }
    return grpc::InsecureChannelCredentials();
  }
  if (args.Has("tls-cert") != args.Has("tls-key")) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together.");
  }
  rpc::TlsFiles files;
  files.authority = args.Get("tls-ca");
  files.certificate = args.Get("tls-cert");
  files.key = args.Get("tls-key");
  RETURN_IF_ERROR(rpc::CheckTlsFiles(files));
  return rpc::ClientTls(files, args.Get("tls-name", HostOf(address)));
}

absl::StatusOr<std::string> TokenOf(const Args& args, const Io& io) {
  const bool several =
      (args.Has("token") ? 1 : 0) + (args.Has("token-file") ? 1 : 0) + (args.Has("as") ? 1 : 0) > 1;
  if (several)
    return absl::InvalidArgumentError("--token, --token-file and --as exclude each other.");
  if (args.Has("as")) return DevToken(args, args.Get("as"), io);
  if (args.Has("token-file")) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(args.Get("token-file"), io.in));
    return std::string(absl::StripAsciiWhitespace(text));
  }
  return args.Get("token", io.env("NISI_TOKEN"));
}

// The header; empty: of nobody.
absl::StatusOr<std::string> AuthorizationOf(const Args& args, const Io& io) {
  ASSIGN_OR_RETURN(const std::string token, TokenOf(args, io));
  // gRPC would end the process on a header with such characters.
  const bool printable = std::all_of(token.begin(), token.end(),
                                     [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (!printable) return absl::InvalidArgumentError("The token has characters that no token has.");
  return token.empty() ? "" : absl::StrCat("Bearer ", token);
}

}  // namespace

MessagePtr NewMessage(const google::protobuf::Descriptor& type) {
  return MessagePtr(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

absl::StatusOr<Client> Client::Connect(const Args& args, const Io& io) {
  std::string address = args.Get("address", io.env("NISI_ADDRESS"));
  if (address.empty()) address = kDefaultAddress;
  RETURN_IF_ERROR(CheckAddress(address));
  ASSIGN_OR_RETURN(const std::string authorization, AuthorizationOf(args, io));
  if (!authorization.empty() && !args.Has("tls-ca") && !IsLocal(address) &&
      !args.Has("plaintext")) {
    return absl::InvalidArgumentError(
        "A token is not sent to another machine without TLS: give --tls-ca, or --plaintext to do "
        "it all the same.");
  }
  ASSIGN_OR_RETURN(const auto credentials, Credentials(args, address));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, IsLocal(address) ? 0 : 1);
  arguments.SetUserAgentPrefix("nisi-cli");
  // A watch that goes on is back as soon as the gateway is, not some seconds later.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  Client client;
  client.channel_ = grpc::CreateCustomChannel(address, credentials, arguments);
  client.authorization_ = authorization;
  return client;
}

bool Client::Renew(const Args& args, const Io& io) {
  const auto fresh = AuthorizationOf(args, io);
  if (!fresh.ok() || fresh->empty() || *fresh == authorization_) return false;
  authorization_ = *fresh;
  return true;
}

grpc::Status Client::Call(const MethodDescriptor& method, const CallOptions& options,
                          const NextRequest& next, const OnResponse& on_response) const {
  grpc::ClientContext context;
  if (options.timeout_seconds > 0) {
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::milliseconds(static_cast<int64_t>(options.timeout_seconds * 1000)));
  }
  if (!authorization_.empty()) context.AddMetadata("authorization", authorization_);
  if (!options.service.empty()) context.AddMetadata("nisi-service", options.service);

  GenericCall call(channel_, &context, PathOf(method));
  bool open = call.Start();
  const MessagePtr request = NewMessage(*method.input_type());
  while (open && next(request.get())) {
    open = call.Write(*request);
    request->Clear();
  }
  if (open) call.WritesDone();

  const MessagePtr response = NewMessage(*method.output_type());
  grpc::ByteBuffer buffer;
  while (call.Read(&buffer)) {
    if (!Unpack(buffer, response.get())) {
      context.TryCancel();
      call.Finish();
      return grpc::Status(grpc::StatusCode::INTERNAL, "The server's answer cannot be parsed.");
    }
    if (!on_response(*response)) {
      context.TryCancel();
      call.Finish();
      return grpc::Status::OK;
    }
  }
  return call.Finish();
}

grpc::Status Client::Unary(const MethodDescriptor& method, const CallOptions& options,
                           const Message& request, Message* response) const {
  bool sent = false;
  bool answered = false;
  const grpc::Status status = Call(
      method, options,
      [&](Message* message) {
        if (sent) return false;
        message->CopyFrom(request);
        return sent = true;
      },
      [&](const Message& message) {
        response->CopyFrom(message);
        return answered = true;
      });
  if (status.ok() && !answered)
    return grpc::Status(grpc::StatusCode::INTERNAL, "The server sent no answer.");
  return status;
}

bool IsWatch(const MethodDescriptor& method) {
  return method.server_streaming() && absl::StartsWith(method.name(), "Watch");
}

absl::StatusOr<double> TimeoutOf(const MethodDescriptor& method, const Args& args) {
  constexpr double kDefault = 30;
  if (args.Has("timeout")) {
    double seconds = 0;
    if (!absl::SimpleAtod(args.Get("timeout"), &seconds) || !(seconds > 0 && seconds < 1e8)) {
      return absl::InvalidArgumentError("--timeout takes a number of seconds above 0.");
    }
    return seconds;
  }
  if (IsWatch(method)) return 0.0;
  return std::max(kDefault, PolicyOf(method).deadline_ms() / 1000.0);
}

}  // namespace nisi::cli
