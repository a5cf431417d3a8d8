// What the fixtures of the services have in common: the real service over a store in a folder of
// its own, on a clock that a test moves, and calls as the call layer makes them, without a server.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/norms/norms.h"
#include "common/rpc/host.h"
#include "common/rpc/masked_testing.h"
#include "common/store/temp_dir.h"
#include "google/rpc/error_details.pb.h"

namespace nisi::rpc {

// A service that is open while a test runs.
class HostedTest : public ::testing::Test {
 protected:
  // `name`: of the service, as "export-refunds". It is noon of `today`.
  HostedTest(std::string name, base::Date today, norms::Norms norms = *norms::Norms::Default())
      : clock_(today.StartOfDay() + absl::Hours(12)),
        norms_(std::move(norms)),
        name_(std::move(name)) {}

  // Opens the service by these options, or by some that a test has changed.
  virtual absl::StatusOr<std::unique_ptr<HostedService>> OpenService(HostOptions options) = 0;

  void SetUp() override { Reopen(); }
  // The service goes before the members of a test, which it may use.
  void TearDown() override { service_.reset(); }

  // The service anew over the same folder.
  virtual void Reopen() {
    service_.reset();
    metrics_ = std::make_unique<Metrics>(name_);
    HostOptions options;
    options.data_dir = dir_.path();
    options.clock = &clock_;
    options.norms = &norms_;
    options.metrics = metrics_.get();
    options.sync = false;  // what a power cut loses is the engine's own test
    auto service = OpenService(std::move(options));
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }

  store::Store& store() { return service_->store(); }
  int64_t position() { return store().position(); }
  base::Date today() { return base::Date::LegalDay(clock_.Now()); }

  // What of the request a refusal is about: a field, or the subject of a precondition.
  static std::string SubjectOf(const absl::Status& status) {
    const google::rpc::BadRequest bad = base::BadRequestOf(status);
    if (bad.field_violations_size() > 0) return bad.field_violations(0).field();
    google::rpc::PreconditionFailure failure;
    const auto payload = status.GetPayload(base::TypeUrl(failure));
    if (payload.has_value()) failure.ParseFromString(std::string(*payload));
    return failure.violations_size() > 0 ? failure.violations(0).subject() : "";
  }

  static std::string Uuid(int n) { return absl::StrFormat("00000000-0000-4000-8000-%012d", n); }
  std::string NextUuid() { return Uuid(++ids_); }

  // What is due at the new time has happened when these return.
  void SetTime(absl::Time time) {
    clock_.Set(time);
    const auto fired = store().RunDueTimers();
    EXPECT_TRUE(fired.ok()) << fired.status();
  }
  void Advance(absl::Duration by) { SetTime(clock_.Now() + by); }
  // To the day's beginning.
  void GoTo(base::Date day) { SetTime(day.StartOfDay()); }

  // A row as it stands, past the call layer: a look by a call may be recorded.
  template <class Row>
  Row Stored(const store::Table<Row>& table, const store::Key& key) {
    auto found = store().Read().Find(table, key);
    EXPECT_TRUE(found.ok() && found->has_value()) << table.name;
    return found.ok() && found->has_value() ? std::move((*found)->row) : Row();
  }
  void ExpectSound() {
    const auto findings = store().Scrub();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, ::testing::IsEmpty());
  }

  const store::TempDir dir_;
  base::FakeClock clock_;
  norms::Norms norms_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<HostedService> service_;

 private:
  const std::string name_;
  std::atomic<int> ids_{0};
};

// Its functions, called on the thread of the test: roles, form, scope, the function, and what of
// the answer the caller may see.
class ServiceTest : public HostedTest {
 protected:
  // `services`: the full names of the proto services in which methods are looked for.
  ServiceTest(std::string name, base::Date today, std::vector<std::string> services)
      : HostedTest(std::move(name), today), services_(std::move(services)) {}

  // "GetEdition", or "/nisi.rpc.v1.JournalService/ListEntries" of one that every service has.
  const Method& MethodOf(const std::string& name) {
    if (name.front() == '/') return MethodAt(name);
    for (const std::string& of : services_) {
      const std::string path = absl::StrCat("/", of, "/", name);
      if (service_->registry().Find(path) != nullptr) return MethodAt(path);
    }
    return MethodAt(name);
  }
  Call MakeCall(const Method& method, const Caller& caller) {
    Call call;
    call.method = &method.policy;
    call.caller = std::make_shared<Caller>(caller);
    call.now = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    return call;
  }
  // The steps of the call layer up to the function.
  static absl::Status Prepare(const Method& method, google::protobuf::Message* request,
                              Call* call) {
    RETURN_IF_ERROR(CheckRoles(method.policy, *call->caller));
    RETURN_IF_ERROR(method.form->Check(request, method.policy.mutation));
    RETURN_IF_ERROR(CheckScope(method.policy, *call->caller, *request));
    if (method.policy.mutation) {
      call->body_hash =
          base::Sha256Bytes(absl::StrCat(call->body_hash, request->SerializeAsString()));
      if (method.policy.request_id != nullptr) {
        call->request_id = request->GetReflection()->GetString(*request, method.policy.request_id);
      }
    }
    return absl::OkStatus();
  }

  // What the caller gets of an answer.
  virtual absl::StatusOr<std::string> Sent(const Method& method, const Call& call,
                                           const google::protobuf::Message& request,
                                           absl::StatusOr<std::string> answer) {
    return AsSent(method, call, request, std::move(answer));
  }
  // The answer's bytes. A mutation without a request id gets a fresh one.
  template <class Request>
  absl::StatusOr<std::string> CallRaw(const std::string& name, const Caller& caller,
                                      Request request) {
    if constexpr (requires { request.set_request_id(""); }) {
      if (request.request_id().empty()) request.set_request_id(NextUuid());
    }
    const Method& method = MethodOf(name);
    Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(Prepare(method, &request, &call));
    return Sent(method, call, request, method.unary(call, request));
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Do(const std::string& name, const Caller& caller,
                              const Request& request) {
    ASSIGN_OR_RETURN(const std::string bytes, CallRaw(name, caller, request));
    Response response;
    if (!response.ParseFromString(bytes)) return absl::InternalError("the answer does not parse");
    return response;
  }
  // What must succeed.
  template <class Response, class Request>
  Response Must(const std::string& name, const Caller& caller, const Request& request) {
    auto response = Do<Response>(name, caller, request);
    EXPECT_TRUE(response.ok()) << name << ": " << response.status();
    return response.ok() ? *std::move(response) : Response();
  }
  template <class Request>
  absl::StatusOr<std::unique_ptr<MessageSource>> Stream(const std::string& name,
                                                        const Caller& caller, Request request) {
    const Method& method = MethodOf(name);
    Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(Prepare(method, &request, &call));
    return method.server_stream(call, request);
  }
  // All that a stream tells by now.
  template <class Response, class Request>
  std::vector<Response> Streamed(const std::string& name, const Caller& caller,
                                 const Request& request) {
    std::vector<Response> told;
    const auto source = Stream(name, caller, request);
    EXPECT_TRUE(source.ok()) << source.status();
    std::string bytes;
    while (source.ok()) {
      const auto state = (*source)->Pull(&bytes);
      EXPECT_TRUE(state.ok()) << state.status();
      if (!state.ok() || *state != MessageSource::State::kMessage) break;
      EXPECT_TRUE(told.emplace_back().ParseFromString(bytes));
    }
    return told;
  }
  // All messages of an upload, then its answer.
  template <class Request>
  absl::StatusOr<std::string> Upload(const std::string& name, const Caller& caller,
                                     const std::vector<Request>& messages) {
    const Method& method = MethodOf(name);
    Call call = MakeCall(method, caller);
    ASSIGN_OR_RETURN(auto sink, method.client_stream(call));
    for (Request message : messages) {
      RETURN_IF_ERROR(Prepare(method, &message, &call));
      RETURN_IF_ERROR(sink->Push(message));
    }
    return sink->Finish(call);
  }

 private:
  const Method& MethodAt(const std::string& path) {
    const Method* method = service_->registry().Find(path);
    if (method == nullptr) {
      ADD_FAILURE() << "no method " << path;
      std::abort();  // nothing can be done without it
    }
    return *method;
  }

  const std::vector<std::string> services_;
};

}  // namespace nisi::rpc
