// What the tests of this service share: the real service over a store in a folder of its own, a
// clock that is moved by hand, and calls made as the call layer makes them: role, form, then the
// function.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/host.h"
#include "common/rpc/masked_testing.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "services/priority_goods/service.h"

namespace nisi::priority_goods {

inline base::Date Day(absl::string_view text) {
  return *base::Date::Parse(text);
}

inline rpc::Caller CallerOf(const std::string& subject, std::initializer_list<rpc::Role> roles) {
  rpc::Caller caller;
  caller.subject = subject;
  for (const rpc::Role role : roles) caller.Grant(role);
  return caller;
}

// Everything a failed status carries, for looking for what must not be in it.
inline std::string BytesOf(const absl::Status& status) {
  std::string bytes(status.message());
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    absl::StrAppend(&bytes, "\n", std::string(url), "\n", std::string(payload));
  });
  return bytes;
}

inline v1::Entry MakeEntry(const std::string& code, const std::string& sector = "machinery",
                           v1::ProcessingLevel level = v1::HIGH) {
  v1::Entry entry;
  entry.set_goods_code(code);
  entry.set_name_ru(absl::StrCat("товар ", code));
  entry.set_sector(sector);
  entry.set_processing_level(level);
  return entry;
}

class PriorityGoodsTest : public ::testing::Test {
 protected:
  PriorityGoodsTest()
      : clock_(Day("2026-06-15").StartOfDay() + absl::Hours(12)), norms_(*norms::Norms::Default()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "nisi_goods_XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) dir_ = pattern;
  }
  ~PriorityGoodsTest() override {
    service_.reset();
    std::error_code ignored;
    if (!dir_.empty()) std::filesystem::remove_all(dir_, ignored);
  }
  void SetUp() override { Reopen(); }

  void Reopen() {
    service_.reset();
    metrics_ = std::make_unique<rpc::Metrics>("priority-goods");
    rpc::HostOptions options;
    options.data_dir = dir_;
    options.clock = &clock_;
    options.norms = &norms_;
    options.metrics = metrics_.get();
    options.sync = false;  // what a power cut loses is the engine's own test
    auto service = Open(options);
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }

  store::Store& store() { return service_->store(); }
  int64_t position() { return store().position(); }

  const rpc::Method& MethodOf(const std::string& name) {
    const rpc::Method* method = service_->registry().Find(
        absl::StrCat("/nisi.priority_goods.v1.PriorityGoodsService/", name));
    if (method == nullptr) ADD_FAILURE() << "no method " << name;
    return *method;
  }

  static std::string Uuid(int n) { return absl::StrFormat("00000000-0000-4000-8000-%012d", n); }
  std::string NextUuid() { return Uuid(++ids_); }

  rpc::Call MakeCall(const rpc::Method& method, const rpc::Caller& caller) {
    rpc::Call call;
    call.method = &method.policy;
    call.caller = std::make_shared<rpc::Caller>(caller);
    call.now = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    return call;
  }

  // The steps of the call layer up to the function.
  static absl::Status Prepare(const rpc::Method& method, google::protobuf::Message* request,
                              rpc::Call* call) {
    RETURN_IF_ERROR(rpc::CheckRoles(method.policy, *call->caller));
    RETURN_IF_ERROR(method.form->Check(request, method.policy.mutation));
    if (method.policy.mutation) {
      call->body_hash =
          base::Sha256Bytes(absl::StrCat(call->body_hash, request->SerializeAsString()));
      if (method.policy.request_id != nullptr) {
        call->request_id = request->GetReflection()->GetString(*request, method.policy.request_id);
      }
    }
    return absl::OkStatus();
  }

  // The answer's bytes. A mutation without a request id gets a fresh one.
  template <class Request>
  absl::StatusOr<std::string> CallRaw(const std::string& name, const rpc::Caller& caller,
                                      Request request) {
    if constexpr (requires { request.set_request_id(""); }) {
      if (request.request_id().empty()) request.set_request_id(NextUuid());
    }
    const rpc::Method& method = MethodOf(name);
    rpc::Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(Prepare(method, &request, &call));
    return rpc::AsSent(method, call, request, method.unary(call, request));
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Do(const std::string& name, const rpc::Caller& caller,
                              const Request& request) {
    ASSIGN_OR_RETURN(const std::string bytes, CallRaw(name, caller, request));
    Response response;
    if (!response.ParseFromString(bytes)) return absl::InternalError("the answer does not parse");
    return response;
  }
  template <class Request>
  absl::StatusOr<std::unique_ptr<rpc::MessageSource>> Stream(const std::string& name,
                                                             const rpc::Caller& caller,
                                                             Request request) {
    const rpc::Method& method = MethodOf(name);
    rpc::Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(Prepare(method, &request, &call));
    return method.server_stream(call, request);
  }

  // Short forms for what most tests begin with.
  std::string CreateDraft(const std::vector<v1::Entry>& entries = {}) {
    v1::CreateEditionRequest create;
    create.mutable_edition()->set_title_ru("Перечень приоритетных товаров");
    const auto edition = Do<v1::Edition>("CreateEdition", institute_, create);
    EXPECT_TRUE(edition.ok()) << edition.status();
    if (!edition.ok()) return "";
    if (!entries.empty()) {
      const auto added = AddEntries(edition->name(), entries);
      EXPECT_TRUE(added.ok()) << added;
    }
    return edition->name();
  }
  absl::Status AddEntries(const std::string& edition, const std::vector<v1::Entry>& entries) {
    v1::BatchCreateEntriesRequest batch;
    batch.set_parent(edition);
    for (const v1::Entry& entry : entries) *batch.add_entries() = entry;
    return Do<v1::BatchCreateEntriesResponse>("BatchCreateEntries", institute_, batch).status();
  }
  absl::StatusOr<v1::Edition> Submit(const std::string& edition) {
    v1::SubmitEditionRequest submit;
    submit.set_name(edition);
    return Do<v1::Edition>("SubmitEdition", submitter_, submit);
  }
  absl::StatusOr<v1::Edition> Get(const std::string& edition, const rpc::Caller& caller) {
    v1::GetEditionRequest get;
    get.set_name(edition);
    return Do<v1::Edition>("GetEdition", caller, get);
  }
  absl::StatusOr<v1::Edition> Approve(const std::string& edition, base::Date from,
                                      const rpc::Caller& caller) {
    v1::ApproveEditionRequest approve;
    approve.set_name(edition);
    ASSIGN_OR_RETURN(const v1::Edition current, Get(edition, auditor_));
    approve.set_etag(current.etag());
    approve.set_order_number("217-НҚ");
    *approve.mutable_order_date() = base::Date::LegalDay(clock_.Now()).ToProto();
    *approve.mutable_effective_from() = from.ToProto();
    return Do<v1::Edition>("ApproveEdition", caller, approve);
  }
  // A draft with these entries, submitted and approved from that day.
  std::string Publish(base::Date from, const std::vector<v1::Entry>& entries) {
    const std::string edition = CreateDraft(entries);
    const auto submitted = Submit(edition);
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    const auto approved = Approve(edition, from, authority_);
    EXPECT_TRUE(approved.ok()) << approved.status();
    return edition;
  }
  v1::Edition::State StateOf(const std::string& edition) {
    const auto found = Get(edition, auditor_);
    return found.ok() ? found->state() : v1::Edition::STATE_UNSPECIFIED;
  }
  // Moves the clock to the day's beginning; what is due by then has happened when this returns.
  void GoTo(base::Date day) {
    clock_.Set(day.StartOfDay());
    const auto fired = store().RunDueTimers();
    EXPECT_TRUE(fired.ok()) << fired.status();
  }

  const rpc::Caller institute_ = CallerOf("aigul@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller submitter_ = CallerOf("daniyar@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller authority_ = CallerOf("saule@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller entity_ = CallerOf("factory", {rpc::v1::ENTITY});
  const rpc::Caller public_;

  base::FakeClock clock_;
  norms::Norms norms_;
  std::string dir_;
  std::unique_ptr<rpc::Metrics> metrics_;
  std::unique_ptr<rpc::HostedService> service_;

 private:
  int ids_ = 0;
};

}  // namespace nisi::priority_goods
