// What the tests of this service share: the service (common/rpc/service_testing.h), and short forms
// of what suppliers enter.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/values_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/service_testing.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/suppliers/service.h"

namespace nisi::suppliers {

using base::Bin;
using base::Day;
using rpc::CallerOf;

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

class SuppliersTest : public rpc::ServiceTest {
 protected:
  SuppliersTest()
      : ServiceTest("suppliers", Day("2026-06-15"), {"nisi.suppliers.v1.SuppliersService"}) {}
  // The services that this one asks; none: they do not answer.
  virtual rpc::Peers* peers() { return nullptr; }
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    options.peers = peers();
    return Open(options);
  }
  // All of it: these tests look at what is confidential, too, and a look by right is recorded.
  absl::StatusOr<std::string> Sent(const rpc::Method& /*method*/, const rpc::Call& /*call*/,
                                   const google::protobuf::Message& /*request*/,
                                   absl::StatusOr<std::string> answer) override {
    return answer;
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
    return Must<v1::Evidence>("AddEvidence", institute_, request).name();
  }
  v1::Offer Offered(const v1::Offer& offer) {
    v1::CreateOfferRequest request;
    *request.mutable_offer() = offer;
    return Must<v1::Offer>("CreateOffer", Owner(offer.bin()), request);
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
    const auto response = Must<v1::CheckDomesticResponse>("CheckDomestic", public_, request);
    return response.results_size() == 1 ? response.results(0) : v1::CheckDomesticResponse::Result();
  }

  const rpc::Caller institute_ = CallerOf("aigul@institute", {rpc::v1::INSTITUTE_LOCAL_CONTENT});
  const rpc::Caller verifier_ = CallerOf("registers@institute", {rpc::v1::INSTITUTE_LOCAL_CONTENT});
  const rpc::Caller authority_ = CallerOf("saule@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller public_;
};

}  // namespace nisi::suppliers
