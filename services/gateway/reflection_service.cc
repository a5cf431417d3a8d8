#include "services/gateway/reflection_service.h"

#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/strings/string_view.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/reflection.h"

namespace nisi::gateway {
namespace {

using grpc::ByteBuffer;

// Each message is answered by one.
class Conversation final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  explicit Conversation(const std::vector<std::string>& services) : services_(services) {
    StartRead(&asked_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    grpc::Slice slice;
    if (!asked_.DumpToSingleSlice(&slice).ok()) return Finish(grpc::Status::CANCELLED);
    const auto answer = rpc::AnswerReflection(
        {reinterpret_cast<const char*>(slice.begin()), slice.size()}, services_);
    if (!answer.ok()) return Finish(rpc::ToGrpc(answer.status()));
    const grpc::Slice bytes(*answer);
    answer_ = ByteBuffer(&bytes, 1);
    StartWrite(&answer_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    StartRead(&asked_);
  }
  void OnDone() override { delete this; }

 private:
  const std::vector<std::string>& services_;
  ByteBuffer asked_;
  ByteBuffer answer_;
};

}  // namespace

ReflectionService::ReflectionService(std::vector<std::string> services)
    : services_(std::move(services)) {
  AddMethod(new grpc::internal::RpcServiceMethod(
      rpc::kReflectionPath, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
  MarkMethodRawCallback(
      0, new grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>(
             [this](grpc::CallbackServerContext*) { return new Conversation(services_); }));
}

}  // namespace nisi::gateway
