#include "common/rpc/grpc_status.h"

#include "absl/strings/cord.h"
#include "common/rpc/answer.h"
#include "google/rpc/status.pb.h"

namespace nisi::rpc {

grpc::Status ToGrpc(const absl::Status& status, absl::string_view trace_id) {
  if (status.ok()) return grpc::Status::OK;
  const http2::Answer answer = ToAnswer(status, trace_id);
  return {static_cast<grpc::StatusCode>(answer.code), answer.text, answer.details};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status wire;
  if (wire.ParseFromString(status.error_details())) {
    for (const auto& detail : wire.details())
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

}  // namespace nisi::rpc
