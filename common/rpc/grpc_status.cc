#include "common/rpc/grpc_status.h"

#include "common/rpc/answer.h"

namespace nisi::rpc {

grpc::Status ToGrpc(const absl::Status& status, absl::string_view trace_id) {
  if (status.ok()) return grpc::Status::OK;
  const http2::Answer answer = ToAnswer(status, trace_id);
  return {static_cast<grpc::StatusCode>(answer.code), answer.text, answer.details};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return FromAnswer({static_cast<absl::StatusCode>(status.error_code()),
                     status.error_message(),
                     status.error_details(),
                     {}});
}

}  // namespace nisi::rpc
