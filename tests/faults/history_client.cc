#include "tests/faults/history_client.h"

#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nisi/priority_goods/v1/service.pb.h"

namespace nisi::faults {
namespace {

namespace goods = priority_goods::v1;
using Kind = HistoryCall::Kind;
using Result = HistoryCall::Result;

constexpr uint64_t kAgainOf = 20;  // one of so many acknowledged changes is asked again

std::string Path(const char* method) {
  return absl::StrCat("/nisi.priority_goods.v1.PriorityGoodsService/", method);
}

// Of each entry its own, so that the index by sector has one record a key.
std::string SectorOf(int64_t n) {
  return absl::StrCat("sector", n);
}

int64_t NowNs() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string CodeOf(int64_t n) {
  return absl::StrFormat("84%08d", n);
}

void Lives::Begin() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++life_;
  there_ = true;
  changed_.notify_all();
}

void Lives::End() {
  const std::lock_guard<std::mutex> lock(mutex_);
  there_ = false;
}

void Lives::GiveUp() {
  const std::lock_guard<std::mutex> lock(mutex_);
  given_up_ = true;
  changed_.notify_all();
}

int64_t Lives::Now() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return there_ || given_up_; });
  return given_up_ ? 0 : life_;
}

std::string Etags::Get(int64_t record) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return etags_[static_cast<size_t>(record)];
}

void Etags::Set(int64_t record, const std::string& etag) {
  const std::lock_guard<std::mutex> lock(mutex_);
  etags_[static_cast<size_t>(record)] = etag;
}

void HistoryClient::Run() {
  while (error_.ok() && round_.calls_left-- > 0) {
    const auto record = static_cast<int64_t>(Draw(static_cast<uint64_t>(round_.records)));
    if (!(Draw(2) == 0 ? Read(record) : Change(record))) break;
  }
  ++round_.clients_done;
}

void HistoryClient::ReadAll() {
  for (int64_t record = 0; error_.ok() && record < round_.records; ++record) {
    if (!Read(record)) break;
  }
}

std::string HistoryClient::NameOf(int64_t record) const {
  return absl::StrCat(round_.edition, "/entries/", CodeOf(record));
}

std::string HistoryClient::NextId() {
  return absl::StrFormat("%08x-0000-4000-8000-%012x", number_ + 1, ++ids_);
}

// By name, or by index.
bool HistoryClient::Read(int64_t record) {
  const HistoryCall call;
  if (Draw(4) == 0) {
    goods::ListEntriesRequest request;
    request.set_parent(round_.edition);
    request.set_filter(absl::StrCat("sector = \"", SectorOf(record), "\""));
    return Make(record, call, {Path("ListEntries"), request.SerializeAsString(), /*list=*/true});
  }
  goods::GetEntryRequest request;
  request.set_name(NameOf(record));
  return Make(record, call, {Path("GetEntry"), request.SerializeAsString()});
}

bool HistoryClient::Change(int64_t record) {
  HistoryCall call;
  const uint64_t draw = Draw(8);
  call.kind = draw < 5 ? Kind::kUpdate : draw < 7 ? Kind::kCreate : Kind::kDelete;
  if (call.kind != Kind::kDelete) call.value = absl::StrCat("c", number_, "-", calls_.size());
  if (call.kind != Kind::kCreate && Draw(8) != 0) call.if_etag = round_.etags.Get(record);
  const Request request = RequestOf(call, record);
  return Make(record, std::move(call), request);
}

HistoryClient::Request HistoryClient::RequestOf(const HistoryCall& call, int64_t record) {
  if (call.kind == Kind::kDelete) {
    goods::DeleteEntryRequest request;
    request.set_request_id(NextId());
    request.set_name(NameOf(record));
    request.set_etag(call.if_etag);
    return {Path("DeleteEntry"), request.SerializeAsString()};
  }
  if (call.kind == Kind::kUpdate) {
    goods::UpdateEntryRequest request;
    request.set_request_id(NextId());
    request.mutable_entry()->set_name(NameOf(record));
    request.mutable_entry()->set_etag(call.if_etag);
    request.mutable_entry()->set_name_en(call.value);
    request.mutable_update_mask()->add_paths("name_en");
    return {Path("UpdateEntry"), request.SerializeAsString()};
  }
  goods::CreateEntryRequest request;
  request.set_request_id(NextId());
  request.set_parent(round_.edition);
  goods::Entry& entry = *request.mutable_entry();
  entry.set_goods_code(CodeOf(record));
  entry.set_name_ru("Трансформаторы");
  entry.set_name_en(call.value);
  entry.set_sector(SectorOf(record));
  entry.set_processing_level(goods::HIGH);
  return {Path("CreateEntry"), request.SerializeAsString()};
}

bool HistoryClient::Make(int64_t record, HistoryCall call, const Request& request) {
  call.client = number_;
  call.record = CodeOf(record);
  const bool settles = number_ % 2 == 0 && call.kind != Kind::kGet;
  bool lost = false;
  Answer answer;
  do {
    if (!Connect()) return false;
    if (call.invoke_ns == 0) call.invoke_ns = NowNs();
    answer = client_->Call(request.path, request.bytes);
    call.return_ns = NowNs();
    call.result = ResultOf(answer, request.path);
    lost = lost || call.result == Result::kUnknown;
  } while (call.result == Result::kUnknown && settles && error_.ok());
  if (lost && call.result != Result::kUnknown) ++settled_;
  Learn(answer, request.list, record, &call);
  calls_.push_back(call);
  const bool changed = call.result == Result::kOk && call.kind != Kind::kGet;
  return changed && Draw(kAgainOf) == 0 ? AskAgain(request, answer) : error_.ok();
}

bool HistoryClient::Connect() {
  const int64_t life = round_.lives.Now();
  if (life != 0 && life != life_) client_ = round_.connect();
  life_ = life;
  return life != 0;
}

Result HistoryClient::ResultOf(const Answer& answer, const std::string& path) {
  switch (answer.status.code()) {
    case absl::StatusCode::kOk:
      return Result::kOk;
    case absl::StatusCode::kNotFound:
      return Result::kNotFound;
    case absl::StatusCode::kAlreadyExists:
      return Result::kAlreadyExists;
    case absl::StatusCode::kAborted:
      return Result::kStale;
    case absl::StatusCode::kUnavailable:
      return Result::kUnknown;
    default:
      error_ = absl::InternalError(absl::StrCat(path, ": ", answer.status.ToString()));
      return Result::kUnknown;
  }
}

void HistoryClient::Learn(const Answer& answer, bool list, int64_t record, HistoryCall* call) {
  if (call->result == Result::kUnknown) call->return_ns = HistoryCall::kNever;
  if (call->result != Result::kOk || call->kind == Kind::kDelete) return;
  goods::Entry entry;
  if (list) {
    goods::ListEntriesResponse page;
    page.ParseFromString(answer.bytes);
    if (page.entries().empty()) {
      call->result = Result::kNotFound;
      return;
    }
    entry = page.entries(0);
  } else {
    entry.ParseFromString(answer.bytes);
  }
  call->value = entry.name_en();
  call->etag = entry.etag();
  round_.etags.Set(record, entry.etag());
}

// Perhaps of another life of the service.
bool HistoryClient::AskAgain(const Request& request, const Answer& first) {
  if (!Connect()) return false;
  const Answer again = client_->Call(request.path, request.bytes);
  if (ResultOf(again, request.path) == Result::kUnknown) return error_.ok();
  ++asked_again_;
  if (!again.status.ok() || again.bytes != first.bytes || again.position != first.position) {
    changed_.push_back(
        absl::StrCat(request.path, " has another answer than at first: ", again.status.ToString()));
  }
  return true;
}

}  // namespace nisi::faults
