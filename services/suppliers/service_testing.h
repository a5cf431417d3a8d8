// What the tests of this service share: the real service over a store in a folder of its own, a
// clock that is moved by hand, and calls made as the call layer makes them: role, form, scope, then
// the function.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/codes.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/host.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/suppliers/service.h"

namespace nisi::suppliers {

inline base::Date Day(absl::string_view text) {
  return *base::Date::Parse(text);
}

// The n-th BIN that has the form of one.
inline std::string Bin(int n) {
  for (int check = 0; check < 10; ++check) {
    const std::string bin = absl::StrFormat("210440%05d%d", n * 2, check);
    if (base::BinIin::ParseBin(bin).ok()) return bin;
  }
  return Bin(n + 50'000 / 2);
}

inline rpc::Caller CallerOf(const std::string& subject, std::initializer_list<rpc::Role> roles,
                            const std::string& bin = "") {
  rpc::Caller caller;
  caller.subject = subject;
  caller.bin = bin;
  for (const rpc::Role role : roles) caller.Grant(role);
  return caller;
}
// A person of the supplier.
inline rpc::Caller Owner(const std::string& bin, const std::string& subject = "") {
  return CallerOf(subject.empty() ? "owner-" + bin : subject, {rpc::v1::ENTITY}, bin);
}

inline constexpr char kCode[] = "281413.900.000001";
inline constexpr char kOtherCode[] = "271121.100.000002";

inline v1::Supplier MakeSupplier(const std::string& bin) {
  v1::Supplier supplier;
  supplier.set_bin(bin);
  supplier.set_name_ru(absl::StrCat("ТОО Завод ", bin));
  supplier.set_kato("751110000");
  supplier.set_oked("28.14");
  supplier.add_activities(v1::Supplier::PRODUCER);
  supplier.mutable_contacts()->set_phone("+77172000000");
  return supplier;
}

inline v1::Offer MakeOffer(const std::string& bin, const std::string& code = kCode) {
  v1::Offer offer;
  offer.set_bin(bin);
  offer.set_kind(v1::GOOD);
  offer.set_ens_tru(code);
  offer.set_name_ru("Клапан обратный");
  offer.set_unit("pcs");
  offer.set_annual_capacity("100");
  return offer;
}

inline v1::Evidence MakeEvidence(const std::string& bin, const std::string& number, int32_t value,
                                 const std::string& from = "2026-06-01",
                                 v1::Evidence::Type type = v1::Evidence::REGISTER_ENTRY,
                                 const std::string& code = kCode) {
  v1::Evidence evidence;
  evidence.set_bin(bin);
  evidence.set_type(type);
  evidence.set_number(number);
  evidence.set_issuer_bin(Bin(9'000));
  evidence.set_issuer("Палата");
  *evidence.mutable_valid_from() = Day(from).ToProto();
  auto* cover = evidence.add_covers();
  cover->set_ens_tru(code);
  cover->set_in_country_value_bp(value);
  evidence.mutable_document()->set_name("paper.pdf");
  evidence.mutable_document()->set_media_type("application/pdf");
  evidence.mutable_document()->set_size_bytes(1);
  evidence.mutable_document()->set_sha256(std::string(32, 'x'));
  return evidence;
}

class SuppliersTest : public ::testing::Test {
 protected:
  SuppliersTest()
      : clock_(Day("2026-06-15").StartOfDay() + absl::Hours(12)), norms_(*norms::Norms::Default()) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "nisi_suppliers_XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) dir_ = pattern;
  }
  ~SuppliersTest() override {
    service_.reset();
    std::error_code ignored;
    if (!dir_.empty()) std::filesystem::remove_all(dir_, ignored);
  }
  void SetUp() override { Reopen(); }
  // The services that this one asks; none: they do not answer.
  virtual rpc::Peers* peers() { return nullptr; }

  void Reopen() {
    service_.reset();
    metrics_ = std::make_unique<rpc::Metrics>("suppliers");
    rpc::HostOptions options;
    options.data_dir = dir_;
    options.clock = &clock_;
    options.norms = &norms_;
    options.metrics = metrics_.get();
    options.peers = peers();
    options.sync = false;  // what a power cut loses is the engine's own test
    auto service = Open(options);
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }

  store::Store& store() { return service_->store(); }
  int64_t position() { return store().position(); }

  const rpc::Method& MethodOf(const std::string& name) {
    const rpc::Method* method =
        service_->registry().Find(absl::StrCat("/nisi.suppliers.v1.SuppliersService/", name));
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
    RETURN_IF_ERROR(rpc::CheckScope(method.policy, *call->caller, *request));
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
    return method.unary(call, request);
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Do(const std::string& name, const rpc::Caller& caller,
                              const Request& request) {
    ASSIGN_OR_RETURN(const std::string bytes, CallRaw(name, caller, request));
    Response response;
    if (!response.ParseFromString(bytes)) return absl::InternalError("the answer does not parse");
    return response;
  }
  // Of one that must succeed.
  template <class Response, class Request>
  Response Done(const std::string& name, const rpc::Caller& caller, const Request& request) {
    auto response = Do<Response>(name, caller, request);
    EXPECT_TRUE(response.ok()) << name << ": " << response.status();
    return response.ok() ? *std::move(response) : Response();
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
  // All messages of an upload, then its answer.
  template <class Request>
  absl::StatusOr<std::string> Upload(const std::string& name, const rpc::Caller& caller,
                                     const std::vector<Request>& messages) {
    const rpc::Method& method = MethodOf(name);
    rpc::Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(rpc::CheckRoles(method.policy, caller));
    ASSIGN_OR_RETURN(auto sink, method.client_stream(call));
    for (Request message : messages) {
      RETURN_IF_ERROR(Prepare(method, &message, &call));
      RETURN_IF_ERROR(sink->Push(message));
    }
    return sink->Finish(call);
  }

  // Short forms for what most tests begin with.
  absl::StatusOr<v1::Supplier> Register(const std::string& bin) {
    v1::RegisterSupplierRequest request;
    *request.mutable_supplier() = MakeSupplier(bin);
    return Do<v1::Supplier>("RegisterSupplier", Owner(bin), request);
  }
  absl::StatusOr<v1::Supplier> Submit(const std::string& bin) {
    v1::SubmitSupplierRequest request;
    request.set_name("suppliers/" + bin);
    return Do<v1::Supplier>("SubmitSupplier", Owner(bin), request);
  }
  absl::StatusOr<v1::Supplier> Get(const std::string& bin, const rpc::Caller& caller,
                                   const std::string& as_of = "") {
    v1::GetSupplierRequest request;
    request.set_name("suppliers/" + bin);
    if (!as_of.empty()) *request.mutable_as_of() = Day(as_of).ToProto();
    return Do<v1::Supplier>("GetSupplier", caller, request);
  }
  v1::Supplier::State StateOf(const std::string& bin) {
    const auto found = Get(bin, auditor_);
    return found.ok() ? found->state() : v1::Supplier::STATE_UNSPECIFIED;
  }
  // The registers of the state are asked a second after the submission.
  void LetAsk() { Advance(absl::Seconds(2)); }
  v1::VerifySupplierRequest Answers(const std::string& bin, bool satisfied = true) {
    v1::VerifySupplierRequest request;
    request.set_name("suppliers/" + bin);
    const auto current = Get(bin, auditor_);
    if (current.ok()) request.set_etag(current->etag());
    for (int check = 1; check <= v1::VerifySupplierRequest::Answer::Check_MAX; ++check) {
      auto* answer = request.add_answers();
      answer->set_check(static_cast<v1::VerifySupplierRequest::Answer::Check>(check));
      answer->set_satisfied(satisfied || check != v1::VerifySupplierRequest::Answer::PLACE);
      answer->set_register_("legal_entities");
      answer->set_reference(absl::StrCat("LE-", check));
      answer->mutable_answer_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
    }
    return request;
  }
  absl::StatusOr<v1::Supplier> Verify(const std::string& bin, bool satisfied = true) {
    return Do<v1::Supplier>("VerifySupplier", verifier_, Answers(bin, satisfied));
  }
  // A supplier in the public register.
  std::string Active(int n) {
    const std::string bin = Bin(n);
    EXPECT_TRUE(Register(bin).ok());
    EXPECT_TRUE(Submit(bin).ok());
    LetAsk();
    const auto verified = Verify(bin);
    EXPECT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(StateOf(bin), v1::Supplier::ACTIVE);
    return bin;
  }
  // Evidence that the institute recorded: its name.
  std::string Confirmed(const v1::Evidence& evidence) {
    v1::AddEvidenceRequest request;
    *request.mutable_evidence() = evidence;
    return Done<v1::Evidence>("AddEvidence", institute_, request).name();
  }
  v1::Offer Offered(const v1::Offer& offer) {
    v1::CreateOfferRequest request;
    *request.mutable_offer() = offer;
    return Done<v1::Offer>("CreateOffer", Owner(offer.bin()), request);
  }
  v1::CheckDomesticResponse::Result DomesticOn(const std::string& bin, const std::string& day,
                                               const std::string& code = "",
                                               absl::Time known_at = absl::InfiniteFuture()) {
    v1::CheckDomesticRequest request;
    request.add_bins(bin);
    request.set_ens_tru(code);
    *request.mutable_on_date() = Day(day).ToProto();
    if (known_at != absl::InfiniteFuture())
      request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known_at));
    const auto response = Done<v1::CheckDomesticResponse>("CheckDomestic", public_, request);
    return response.results_size() == 1 ? response.results(0) : v1::CheckDomesticResponse::Result();
  }

  void Advance(absl::Duration by) {
    clock_.Advance(by);
    const auto fired = store().RunDueTimers();
    EXPECT_TRUE(fired.ok()) << fired.status();
  }
  // Moves the clock to the day's beginning; what is due by then has happened when this returns.
  void GoTo(base::Date day) {
    clock_.Set(day.StartOfDay());
    const auto fired = store().RunDueTimers();
    EXPECT_TRUE(fired.ok()) << fired.status();
  }
  base::Date Today() { return base::Date::LegalDay(clock_.Now()); }

  const rpc::Caller institute_ = CallerOf("aigul@institute", {rpc::v1::INSTITUTE_LOCAL_CONTENT});
  const rpc::Caller verifier_ = CallerOf("registers@institute", {rpc::v1::INSTITUTE_LOCAL_CONTENT});
  const rpc::Caller authority_ = CallerOf("saule@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller public_;

  base::FakeClock clock_;
  norms::Norms norms_;
  std::string dir_;
  std::unique_ptr<rpc::Metrics> metrics_;
  std::unique_ptr<rpc::HostedService> service_;

 private:
  int ids_ = 0;
};

}  // namespace nisi::suppliers
