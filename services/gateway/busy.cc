#include "services/gateway/busy.h"

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/rpc/answer.h"
#include "common/rpc/wire.h"

namespace nisi::gateway {
namespace {

// Half of it at least, one and a half at most.
constexpr absl::Duration kRetry = absl::Milliseconds(200);
// No two neighbours alike.
constexpr size_t kStride = 27;
constexpr char kRequestInfo[] = "type.googleapis.com/google.rpc.RequestInfo";

// Of google.rpc.Status, of Any and of RequestInfo.
enum Field { kDetails = 3, kTypeUrl = 1, kValue = 2, kRequestId = 1 };

}  // namespace

Busy::Busy() {
  for (size_t i = 0; i < answers_.size(); ++i) {
    const double part = 0.5 + static_cast<double>(i) / static_cast<double>(answers_.size());
    answers_[i] = rpc::ToAnswer(base::Overloaded("calls", kRetry * part));
  }
}

http2::Answer Busy::Answer(absl::string_view trace_id) {
  http2::Answer answer = answers_[next_.fetch_add(kStride) % answers_.size()];
  rpc::ReplyBuilder info, any, details;
  info.AddBytesField(kRequestId, trace_id);
  any.AddBytesField(kTypeUrl, kRequestInfo);
  any.AddBytesField(kValue, info.bytes());
  details.AddBytesField(kDetails, any.bytes());
  answer.details += details.bytes();  // one more of a repeated field
  return answer;
}

}  // namespace nisi::gateway
