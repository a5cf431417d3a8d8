#include "common/http2/head_reader.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/base/steady.h"

namespace nisi::http2 {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113, 6.5.2
constexpr size_t kFarTooMuch = 4;

}  // namespace

void HeadReader::Begin() {
  bytes_ = 0;
  head_ = RequestHead();
}

bool HeadReader::Add(absl::string_view name, absl::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > max_bytes_) {
    head_.call.fault = Fault::kMetadataTooLarge;
  } else if (name == ":path") {
    head_.call.path = std::string(value);
  } else if (name == ":method") {
    head_.method = std::string(value);
  } else if (name == "content-type") {
    head_.content_type = std::string(value);
  } else if (name == "grpc-encoding") {
    head_.encoding = std::string(value);
  } else if (name == "grpc-timeout") {
    if (const auto timeout = ParseTimeout(value); timeout.has_value()) {
      head_.call.deadline = base::SteadyNow() + *timeout;
    }
  } else if (!name.empty() && name.front() != ':' && name != "te" &&
             name != "grpc-accept-encoding") {
    head_.call.fields.AddFromWire(name, value);
  }
  return bytes_ <= kFarTooMuch * max_bytes_;
}

RequestHead HeadReader::Take() {
  return std::move(head_);
}

bool IsGrpc(absl::string_view content_type) {
  return absl::ConsumePrefix(&content_type, "application/grpc") &&
         (content_type.empty() || content_type.front() == '+' || content_type.front() == ';');
}

}  // namespace nisi::http2
