#include "tools/nisi/watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "nisi/journal/v1/journal.pb.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/output.h"
#include "tools/nisi/packages.h"
#include "tools/nisi/rows.h"

namespace nisi::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr absl::Duration kFirstPause = absl::Milliseconds(500);
constexpr absl::Duration kLongestPause = absl::Seconds(15);
constexpr char kDelivered[] = "delivered_changes";

const FieldDescriptor* Int64Field(const google::protobuf::Descriptor& type, const char* name) {
  const auto* field = type.FindFieldByName(name);
  const bool fits = field != nullptr && !field->is_repeated() &&
                    field->cpp_type() == FieldDescriptor::CPPTYPE_INT64;
  return fits ? field : nullptr;
}

// What a server that restarts, drains or is cut off may answer.
bool MayPass(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:  // the server ended it: drained
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return true;
    default:
      return false;
  }
}

// Of the journal entry after the position: it comes in several messages.
int64_t DeliveredOf(const Message& message) {
  const auto* delivered = Int64Field(*message.GetDescriptor(), kDelivered);
  return delivered == nullptr ? 0 : message.GetReflection()->GetInt64(message, delivered);
}

// "From now on" would mean another now after each break, so it is fixed before the first call.
grpc::Status FixStart(const MethodDescriptor& method, const Client& client,
                      const CallOptions& options, Message* request, const FieldDescriptor* start) {
  CallOptions head_options = options;
  if (head_options.service.empty()) {
    head_options.service = method.service()->options().GetExtension(nisi::rpc::v1::service).owner();
  }
  constexpr double kHeadTimeout = 30;
  head_options.timeout_seconds = kHeadTimeout;
  nisi::journal::v1::TreeHead head;
  const auto* get_head = FindMethod(*FindService("journal"), "get-tree-head");
  const grpc::Status status =
      client.Unary(*get_head, head_options, nisi::journal::v1::GetTreeHeadRequest(), &head);
  if (status.ok()) request->GetReflection()->SetInt64(request, start, head.tree_size() + 1);
  return status;
}

// JSON says it with each message.
void TellWhereToResume(const MethodDescriptor& method, const std::string& resume, Format format,
                       const Io& io) {
  if (!IsWatch(method) || resume.empty() || format == Format::kJson) return;
  *io.err << "The watch goes on with " << resume << "\n";
}

}  // namespace

std::optional<int64_t> PositionOf(const Message& message) {
  const auto& type = *message.GetDescriptor();
  const auto& reflection = *message.GetReflection();
  if (const auto* position = Int64Field(type, "position"))
    return reflection.GetInt64(message, position);
  if (const auto* bookmark = Int64Field(type, "bookmark");
      bookmark != nullptr && reflection.HasField(message, bookmark)) {
    return reflection.GetInt64(message, bookmark);
  }
  const MessagePtr opened = Opened(message);
  return opened != nullptr ? PositionOf(*opened) : std::nullopt;
}

bool IsBookmark(const Message& message) {
  const auto& reflection = *message.GetReflection();
  if (const auto* bookmark = Int64Field(*message.GetDescriptor(), "bookmark")) {
    return reflection.HasField(message, bookmark);
  }
  const auto* main = MainField(*message.GetDescriptor());
  return main != nullptr && reflection.FieldSize(message, main) == 0 &&
         PositionOf(message).has_value();
}

int RunStream(const MethodDescriptor& method, Client client, const CallOptions& options,
              Message* request, const Args& args, Format format, int width, const Io& io) {
  int64_t wanted = 0;
  if (args.Has("max") && (!absl::SimpleAtoi(args.Get("max"), &wanted) || wanted < 1)) {
    return ReportUsage(absl::InvalidArgumentError("--max takes a whole number from 1."), "", format,
                       io);
  }
  const auto* start = Int64Field(*request->GetDescriptor(), "start_position");
  const auto* delivered = Int64Field(*request->GetDescriptor(), kDelivered);
  const bool follow = args.Has("follow") && start != nullptr;
  std::string resume;  // by which flags another watch goes on
  StreamPrinter printer(format, IsWatch(method), width, io.out);
  int64_t printed = 0;
  absl::Duration pause = kFirstPause;
  auto on_message = [&](const Message& message) {
    pause = kFirstPause;
    if (const auto position = PositionOf(message); follow && position) {
      // What was delivered before the break is not shown again.
      const auto& reflection = *request->GetReflection();
      const std::pair reached{*position + 1, DeliveredOf(message)};
      if (reached <= std::pair{reflection.GetInt64(*request, start), DeliveredOf(*request)})
        return true;
      reflection.SetInt64(request, start, reached.first);
      if (delivered != nullptr) reflection.SetInt64(request, delivered, reached.second);
    }
    if (const auto position = PositionOf(message); position && start != nullptr) {
      resume = absl::StrCat("--start-position ", *position + 1);
      if (DeliveredOf(message) > 0) {
        absl::StrAppend(&resume, " --delivered-changes ", DeliveredOf(message));
      }
    }
    if (IsWatch(method) && IsBookmark(message) && !args.Has("bookmarks")) return true;
    printer.Print(message);
    return ++printed != wanted;
  };
  while (true) {
    grpc::Status status;
    if (follow && request->GetReflection()->GetInt64(*request, start) == 0) {
      status = FixStart(method, client, options, request, start);
    }
    if (status.ok()) {
      bool sent = false;
      auto next = [&](Message* message) {
        if (sent) return false;
        message->CopyFrom(*request);
        return sent = true;
      };
      status = client.Call(method, options, next, on_message);
    }
    const bool enough = wanted > 0 && printed >= wanted;
    // A stream ends with the token that it began with: on with the next one, if there is one.
    const bool renewed = follow && ReasonOf(status) == "TOKEN_EXPIRED" && client.Renew(args, io);
    if (enough || !follow || (!renewed && !MayPass(status.error_code()))) {
      printer.Finish(enough || status.ok());
      const int code =
          enough || status.ok()
              ? kDone
              : ReportRefusal(status, format, io, {&method, nullptr, client.signed_in()});
      TellWhereToResume(method, resume, format, io);
      return code;
    }
    if (format == Format::kTable) {
      *io.err << "The stream broke; on again in " << absl::FormatDuration(pause)
              << " from position " << request->GetReflection()->GetInt64(*request, start) << ".\n";
    }
    io.sleep(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace nisi::cli
