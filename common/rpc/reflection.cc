#include "common/rpc/reflection.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>
#include <utility>

#include "absl/container/node_hash_map.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/limits.h"
#include "common/rpc/parse.h"
#include "common/rpc/policy.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace nisi::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

// What a file imports comes before it.
void AddFile(const FileDescriptor& file, std::set<const FileDescriptor*>* seen,
             std::vector<const FileDescriptor*>* out) {
  if (!seen->insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), seen, out);
  out->push_back(&file);
}

void Answer(const FileDescriptor* file, ServerReflectionResponse* response) {
  if (file == nullptr) {
    auto* const error = response->mutable_error_response();
    error->set_error_code(static_cast<int>(absl::StatusCode::kNotFound));
    error->set_error_message("Nothing of that name is served.");
    return;
  }
  // The file that was asked for is the first of the answer, as gRPC's own servers have it.
  std::set<const FileDescriptor*> seen;
  std::vector<const FileDescriptor*> files;
  AddFile(*file, &seen, &files);
  auto* const out = response->mutable_file_descriptor_response();
  for (auto each = files.rbegin(); each != files.rend(); ++each) {
    out->add_file_descriptor_proto(BytesOf(**each));
  }
}

void AnswerExtensions(const DescriptorPool& pool, const std::string& type,
                      ServerReflectionResponse* response) {
  const auto* const message = pool.FindMessageTypeByName(type);
  if (message == nullptr) return Answer(nullptr, response);
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  pool.FindAllExtensions(message, &extensions);
  auto* const out = response->mutable_all_extension_numbers_response();
  out->set_base_type_name(type);
  for (const auto* extension : extensions) out->add_extension_number(extension->number());
}

const FileDescriptor* FileOfExtension(const DescriptorPool& pool, const std::string& type,
                                      int number) {
  const auto* const message = pool.FindMessageTypeByName(type);
  const auto* const field =
      message == nullptr ? nullptr : pool.FindExtensionByNumber(message, number);
  return field == nullptr ? nullptr : field->file();
}

// A reflection call: each message is answered by one.
class ReflectionCall final : public http2::Taker {
 public:
  ReflectionCall(const std::vector<std::string>& services, const http2::CallHead& head,
                 std::shared_ptr<http2::Replier> replier)
      : services_(services),
        replier_(std::move(replier)),
        deadline_(std::min(head.deadline, base::SteadyNow() + kMaxDeadline)),
        trace_id_(TraceIdOf(head.fields)) {}

  void OnMessage(std::string message) override {
    if (ended_) return;
    auto answer = AnswerReflection(message, services_);
    if (!answer.ok()) return End(answer.status());
    replier_->Send(*std::move(answer));
  }
  void OnSent() override { replier_->Ready(); }
  void OnEnd() override { End(absl::OkStatus()); }
  void OnFault(http2::Fault fault) override { End(RefusalOf(fault, kMaxRequestBytes)); }
  void OnTick(absl::Time now) override {
    if (now >= deadline_) End(absl::DeadlineExceededError(""));
  }
  void OnCancel() override {}
  http2::Answer OnEnded(const http2::Answer& answer) override {
    return WithTrace(answer, trace_id_);
  }

 private:
  void End(const absl::Status& status) {
    if (std::exchange(ended_, true)) return;
    replier_->Finish(ToAnswer(status, trace_id_));
  }

  const std::vector<std::string>& services_;
  const std::shared_ptr<http2::Replier> replier_;
  const absl::Time deadline_;
  const std::string trace_id_;
  bool ended_ = false;
};

}  // namespace

bool IsReflection(absl::string_view path) {
  return std::find(std::begin(kReflectionPaths), std::end(kReflectionPaths), path) !=
         std::end(kReflectionPaths);
}

const std::string& BytesOf(const FileDescriptor& file) {
  static auto* const mutex = new std::mutex();
  // No more than are linked in.
  static auto* const made = new absl::node_hash_map<const FileDescriptor*, std::string>();
  const std::lock_guard<std::mutex> lock(*mutex);
  const auto [found, added] = made->try_emplace(&file);
  if (added) {
    google::protobuf::FileDescriptorProto proto;
    file.CopyTo(&proto);
    proto.SerializeToString(&found->second);
  }
  return found->second;
}

absl::StatusOr<std::string> AnswerReflection(absl::string_view request_bytes,
                                             const std::vector<std::string>& services) {
  // Keeps the linker from leaving out the file of the other name, which nothing else names.
  google::protobuf::LinkMessageReflection<grpc::reflection::v1alpha::ServerReflectionRequest>();
  ServerReflectionRequest request;
  RETURN_IF_ERROR(ParseMessage(request_bytes, &request));
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      Answer(pool.FindFileByName(request.file_by_filename()), &response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      Answer(pool.FindFileContainingSymbol(request.file_containing_symbol()), &response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& extension = request.file_containing_extension();
      Answer(FileOfExtension(pool, extension.containing_type(), extension.extension_number()),
             &response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensions(pool, request.all_extension_numbers_of_type(), &response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      return base::Refusal(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                           "The message asks for nothing.");
  }
  return response.SerializeAsString();
}

std::shared_ptr<http2::Taker> TakeReflection(const std::vector<std::string>& services,
                                             const http2::CallHead& head,
                                             std::shared_ptr<http2::Replier> replier) {
  return std::make_shared<ReflectionCall>(services, head, std::move(replier));
}

}  // namespace nisi::rpc
