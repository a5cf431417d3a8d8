#include "tests/faults/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nisi::faults {
namespace {

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.Valid() || !buffer.DumpToSingleSlice(&slice).ok()) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

}  // namespace

struct Client::InFlight {
  size_t tag = 0;
  grpc::ClientContext context;
  grpc::ByteBuffer response;
  grpc::Status status;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
};

struct Client::Channel {
  std::unique_ptr<grpc::GenericStub> stub;
  grpc::CompletionQueue queue;
};

Client::Client(const std::string& address, std::string token)
    : authorization_(absl::StrCat("Bearer ", token)), channel_(std::make_unique<Channel>()) {
  grpc::ChannelArguments arguments;
  // A connection of its own, to the process that is there now.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  channel_->stub = std::make_unique<grpc::GenericStub>(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

Client::~Client() {
  channel_->stub.reset();
  channel_->queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (channel_->queue.Next(&tag, &ok)) delete static_cast<InFlight*>(tag);
}

void Client::Start(size_t tag, const std::string& path, const std::string& request) {
  auto* call = new InFlight();
  call->tag = tag;
  call->context.AddMetadata("authorization", authorization_);
  call->context.set_deadline(std::chrono::system_clock::now() +
                             absl::ToChronoMilliseconds(kPatience));
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  call->reader = channel_->stub->PrepareUnaryCall(&call->context, path, bytes, &channel_->queue);
  call->reader->StartCall();
  call->reader->Finish(&call->response, &call->status, call);
  ++under_way_;
}

std::optional<Answer> Client::Next(absl::Duration limit) {
  if (under_way_ == 0) return std::nullopt;
  void* tag = nullptr;
  bool ok = false;
  const auto until = std::chrono::system_clock::now() + absl::ToChronoMicroseconds(limit);
  if (channel_->queue.AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) {
    return std::nullopt;
  }
  --under_way_;
  const std::unique_ptr<InFlight> call(static_cast<InFlight*>(tag));
  Answer answer;
  answer.tag = call->tag;
  if (!call->status.ok()) {
    answer.status = absl::Status(static_cast<absl::StatusCode>(call->status.error_code()),
                                 call->status.error_message());
    return answer;
  }
  answer.bytes = BytesOf(call->response);
  const auto& trailers = call->context.GetServerTrailingMetadata();
  if (const auto found = trailers.find("nisi-position"); found != trailers.end()) {
    const absl::string_view text(found->second.data(), found->second.size());
    if (!absl::SimpleAtoi(text, &answer.position)) answer.position = -1;
  }
  return answer;
}

Answer Client::Call(const std::string& path, const std::string& request) {
  Start(0, path, request);
  auto answer = Next(2 * kPatience);
  if (answer.has_value()) return *std::move(answer);
  return Answer{0, absl::DeadlineExceededError(absl::StrCat("no answer to ", path)), "", 0};
}

absl::Status Client::Call(const std::string& path, const google::protobuf::Message& request,
                          google::protobuf::Message* response) {
  const Answer answer = Call(path, request.SerializeAsString());
  if (!answer.status.ok()) return answer.status;
  return response->ParseFromString(answer.bytes)
             ? absl::OkStatus()
             : absl::InternalError(absl::StrCat("not a response of ", path));
}

}  // namespace nisi::faults
