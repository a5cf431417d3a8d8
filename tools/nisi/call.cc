#include "tools/nisi/call.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "google/protobuf/field_mask.pb.h"
#include "tools/nisi/csv_import.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/help.h"
#include "tools/nisi/names.h"
#include "tools/nisi/output.h"
#include "tools/nisi/watch.h"

namespace nisi::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// The fields that carry a list from page to page: opaque tokens, or positions of the journal.
struct Paging {
  const FieldDescriptor* next = nullptr;   // in the response
  const FieldDescriptor* start = nullptr;  // in the request
};

Paging PagingOf(const MethodDescriptor& method) {
  if (method.client_streaming() || method.server_streaming()) return {};
  Paging paging{method.output_type()->FindFieldByName("next_page_token"),
                method.input_type()->FindFieldByName("page_token")};
  if (paging.next == nullptr || paging.start == nullptr) {
    paging = {method.output_type()->FindFieldByName("next_position"),
              method.input_type()->FindFieldByName("start_position")};
  }
  return paging.next != nullptr && paging.start != nullptr ? paging : Paging{};
}

// Moves the request to the page after the response. False when there is none, or the server repeats
// itself.
bool Turn(const Paging& paging, const Message& response, Message* request) {
  const auto& from = *response.GetReflection();
  const auto& to = *request->GetReflection();
  if (paging.next->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    const int64_t next = from.GetInt64(response, paging.next);
    if (next <= to.GetInt64(*request, paging.start)) return false;
    to.SetInt64(request, paging.start, next);
  } else {
    const std::string next = from.GetString(response, paging.next);
    if (next.empty() || next == to.GetString(*request, paging.start)) return false;
    to.SetString(request, paging.start, next);
  }
  return true;
}

// JSON carries where to go on; a table ends with it, and CSV has no place for it: half a register
// must not pass for the whole.
void TellOfMore(const Paging& paging, const Message& response, Format format, const Io& io) {
  if (format == Format::kJson || paging.next == nullptr ||
      !response.GetReflection()->HasField(response, paging.next)) {
    return;
  }
  *io.err << "This is one page, and there are more: --all has them all.\n";
}

// What only would be made looks as what is.
void TellOfNoChange(const Message& request, Format format, const Io& io) {
  const auto* field = request.GetDescriptor()->FindFieldByName("validate_only");
  if (format == Format::kJson || field == nullptr ||
      field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL ||
      !request.GetReflection()->GetBool(request, field)) {
    return;
  }
  *io.err << "This was only checked: nothing was changed.\n";
}

struct Call {
  const MethodDescriptor& method;
  const Args& args;
  const Client& client;
  CallOptions options;
  Format format;
  int width;
  const Io& io;
};

int RunUnary(const Call& call, Message* request) {
  const MessagePtr response = NewMessage(*call.method.output_type());
  grpc::Status status = call.client.Unary(call.method, call.options, *request, response.get());
  if (call.args.Has("all")) {
    const Paging paging = PagingOf(call.method);
    const MessagePtr page = NewMessage(*call.method.output_type());
    page->CopyFrom(*response);
    while (status.ok() && Turn(paging, *page, request)) {
      page->Clear();
      status = call.client.Unary(call.method, call.options, *request, page.get());
      response->MergeFrom(*page);
    }
    if (status.ok() && page->GetReflection()->HasField(*page, paging.next)) {
      status = grpc::Status(grpc::StatusCode::INTERNAL, "The server gives the same page again.");
    }
    response->GetReflection()->ClearField(response.get(), paging.next);
  }
  if (!status.ok()) {
    return ReportRefusal(status, call.format, call.io,
                         {&call.method, request, call.client.signed_in()});
  }
  PrintMessage(*response, call.format, call.width, call.io.out);
  TellOfNoChange(*request, call.format, call.io);
  TellOfMore(PagingOf(call.method), *response, call.format, call.io);
  return kDone;
}

// A client stream that is no import: one request a line of JSON.
int RunLines(const Call& call) {
  auto text = ReadRequestText(call.args.Get("json", "-"), call.io);
  if (!text.ok()) return ReportUsage(text.status(), "", call.format, call.io);
  std::vector<MessagePtr> requests;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(*text, '\n'))) {
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    requests.push_back(NewMessage(*call.method.input_type()));
    if (const auto status = SetFromJson(line, requests.back().get()); !status.ok()) {
      return ReportUsage(absl::InvalidArgumentError(absl::StrCat("--json ", status.message())), "",
                         call.format, call.io);
    }
  }
  size_t sent = 0;
  StreamPrinter printer(call.format, false, call.width, call.io.out);
  const grpc::Status status = call.client.Call(
      call.method, call.options,
      [&](Message* message) {
        if (sent == requests.size()) return false;
        message->CopyFrom(*requests[sent++]);
        return true;
      },
      [&](const Message& message) {
        printer.Print(message);
        return true;
      });
  printer.Finish(status.ok());
  return status.ok() ? kDone
                     : ReportRefusal(status, call.format, call.io,
                                     {&call.method, nullptr, call.client.signed_in()});
}

void TellRequestId(const std::string& id, Format format, const Io& io) {
  if (format == Format::kJson) {
    *io.err << "{\"requestId\":\"" << id << "\"}\n";
  } else {
    *io.err << "request-id: " << id << "\n";
  }
}

absl::Status SetFlags(const Args& args, Message* message) {
  std::set<const FieldFlag*> seen;
  for (const auto& [flag, value] : args.fields) {
    // A list given by flags replaces the one in --json.
    if (seen.insert(flag).second && flag->field().is_repeated()) {
      Message* owner = message;
      for (size_t i = 0; i + 1 < flag->path.size(); ++i) {
        owner = owner->GetReflection()->MutableMessage(owner, flag->path[i]);
      }
      owner->GetReflection()->ClearField(owner, &flag->field());
    }
    RETURN_IF_ERROR(SetFlag(*flag, value, message));
  }
  return absl::OkStatus();
}

// An update changes what its flags name, also where a flag takes a value away: an empty text or a
// zero is not told from an absent one without the mask.
void FillUpdateMask(const Args& args, Message* request) {
  const auto* mask_field = request->GetDescriptor()->FindFieldByName("update_mask");
  if (mask_field == nullptr || args.Has("json") ||
      request->GetReflection()->HasField(*request, mask_field)) {
    return;
  }
  google::protobuf::FieldMask mask;
  for (const auto& [flag, value] : args.fields) {
    if (flag->field().message_type() != nullptr && flag->path.size() < 2) return;  // given whole
    if (flag->path.size() < 2) continue;
    std::vector<std::string> names;
    for (size_t i = 1; i < flag->path.size(); ++i) names.push_back(flag->path[i]->name());
    const std::string path = absl::StrJoin(names, ".");
    if (path != "name" && path != "etag") mask.add_paths(path);
  }
  if (mask.paths_size() == 0) return;
  request->GetReflection()->MutableMessage(request, mask_field)->CopyFrom(mask);
}

// Which process a standard service is meant of.
absl::StatusOr<std::string> ProcessOf(const Service& service, const Args& args) {
  if (!service.standard) return std::string();
  const std::string name = args.Get("service");
  if (name.empty()) {
    return absl::InvalidArgumentError(
        "--service is needed: every process has this service, as --service " + Owners().front() +
        ".");
  }
  // A gateway may know some that this program does not: only what is nearly one is a slip.
  const std::vector<std::string> owners = Owners();
  const bool known = std::find(owners.begin(), owners.end(), name) != owners.end();
  if (const std::string meant = DidYouMean(name, owners); !known && !meant.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("There is no service ", name, ".", meant));
  }
  return name;
}

// The file of --output. It is replaced when there is something to write, or all went well: what it
// had stays where the call is refused, as by a job at night.
class Output : public std::filebuf {
 public:
  explicit Output(std::string path) : path_(std::move(path)) {}

  // Before the call, which may change something.
  bool CanBeWritten() {
    std::error_code no_matter;
    const bool was_there = std::filesystem::exists(path_, no_matter);
    // Whoever reads a pipe takes the first end of it for the end.
    if (was_there && !std::filesystem::is_regular_file(path_, no_matter)) return Begin();
    const bool can = open(path_, std::ios::out | std::ios::app | std::ios::binary) != nullptr;
    close();
    if (can && !was_there) std::filesystem::remove(path_, no_matter);
    return can;
  }
  bool Begin() {
    return is_open() || open(path_, std::ios::out | std::ios::trunc | std::ios::binary) != nullptr;
  }

 protected:
  int_type overflow(int_type c) override {
    return Begin() ? std::filebuf::overflow(c) : traits_type::eof();
  }
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    return Begin() ? std::filebuf::xsputn(bytes, size) : 0;
  }

 private:
  const std::string path_;
};

int Dispatch(const Call& call) {
  if (const auto shape = ImportShapeOf(call.method)) {
    return RunImport(call.method, *shape, call.client, call.options, call.args, call.format,
                     call.width, call.io);
  }
  if (call.method.client_streaming()) return RunLines(call);
  auto request = BuildRequest(call.method, call.args, call.format, call.io);
  if (!request.ok()) {
    return ReportUsage(request.status(), HelpCommand(call.method), call.format, call.io);
  }
  if (call.method.server_streaming()) {
    return RunStream(call.method, call.client, call.options, request->get(), call.args, call.format,
                     call.width, call.io);
  }
  return RunUnary(call, request->get());
}

}  // namespace

const Descriptor& FlagType(const MethodDescriptor& method) {
  const auto shape = ImportShapeOf(method);
  return shape ? *shape->header->message_type() : *method.input_type();
}

std::vector<FieldFlag> FlagsOf(const MethodDescriptor& method) {
  std::vector<FieldFlag> flags = FlagsOf(FlagType(method));
  if (const auto shape = ImportShapeOf(method)) {
    std::erase_if(flags, [&](const FieldFlag& flag) { return &flag.field() == shape->row_count; });
  }
  return flags;
}

bool HasPages(const MethodDescriptor& method) {
  return PagingOf(method).next != nullptr;
}

unsigned ScopesOf(const Service& service, const MethodDescriptor& method) {
  unsigned scopes = kCommon | kConnect | kCall;
  if (service.standard) scopes |= kStandard;
  if (HasPages(method)) scopes |= kList;
  if (method.server_streaming()) scopes |= kStream;
  if (IsWatch(method)) scopes |= kWatch;
  if (ImportShapeOf(method)) scopes |= kImport;
  return scopes;
}

absl::StatusOr<std::string> ReadRequestText(const std::string& value, const Io& io) {
  if (value == "-") return ReadFile("-", io.in);
  if (!value.empty() && value[0] == '@') return ReadFile(value.substr(1), io.in);
  return value;
}

absl::StatusOr<MessagePtr> BuildRequest(const MethodDescriptor& method, const Args& args,
                                        Format format, const Io& io) {
  MessagePtr request = NewMessage(FlagType(method));
  if (args.Has("json")) {
    ASSIGN_OR_RETURN(const std::string text, ReadRequestText(args.Get("json"), io));
    if (const auto status = SetFromJson(text, request.get()); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--json ", status.message(), "."));
    }
  }
  RETURN_IF_ERROR(SetFlags(args, request.get()));
  FillUpdateMask(args, request.get());
  const auto* id = request->GetDescriptor()->FindFieldByName("request_id");
  if (PolicyOf(method).mutation() && id != nullptr &&
      request->GetReflection()->GetString(*request, id).empty()) {
    const std::string uuid = base::RandomUuid();
    request->GetReflection()->SetString(request.get(), id, uuid);
    TellRequestId(uuid, format, io);
  }
  return request;
}

int RunMethod(const Service& service, const MethodDescriptor& method,
              const std::vector<std::string>& argv, const Io& given) {
  const std::vector<FieldFlag> flags = FlagsOf(method);
  const auto args = ParseArgs(argv, flags, ScopesOf(service, method));
  if (!args.ok()) return ReportUsage(args.status(), HelpCommand(method), Format::kTable, given);
  if (args->Has("help")) {
    *given.out << HelpOf(service, method);
    return kDone;
  }
  const auto format = ParseFormat(args->Get("format"));
  if (!format.ok()) return ReportUsage(format.status(), HelpCommand(method), Format::kTable, given);
  auto usage = [&](const absl::Status& status) {
    return ReportUsage(status, HelpCommand(method), *format, given);
  };
  if (!args->words.empty()) {
    return usage(absl::InvalidArgumentError(
        absl::StrCat("What is ", args->words[0], "? Everything after the method is a flag.")));
  }
  const auto process = ProcessOf(service, *args);
  if (!process.ok()) return usage(process.status());
  const auto timeout = TimeoutOf(method, *args);
  if (!timeout.ok()) return usage(timeout.status());
  const auto client = Client::Connect(*args, given);
  if (!client.ok()) return usage(client.status());

  Io io = given;
  Output file(args->Get("output"));
  std::ostream to_file(&file);
  if (args->Has("output")) {
    if (!file.CanBeWritten())
      return usage(absl::NotFoundError(
          absl::StrCat("cannot write ", args->Get("output"), ": ", std::strerror(errno))));
    io.out = &to_file;
    io.width = 0;
  }
  const int code = Dispatch({method,
                             *args,
                             *client,
                             {*timeout, *process},
                             *format,
                             args->Has("wide") ? 0 : io.width,
                             io});
  if (args->Has("output") && code == kDone && !file.Begin()) io.out->setstate(std::ios::badbit);
  io.out->flush();
  if (!*io.out) return usage(absl::DataLossError("the output could not be written in full"));
  return code;
}

}  // namespace nisi::cli
