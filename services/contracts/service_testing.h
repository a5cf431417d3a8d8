// What the tests of this service share: the service (common/rpc/service_testing.h) with the
// database of suppliers played by a table, and the way of a year and of a contract, step by step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/values_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/service_testing.h"
#include "nisi/contracts/v1/contracts_service.pb.h"
#include "nisi/contracts/v1/planning_service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/contracts/service.h"

namespace nisi::contracts {

using base::Bin;
using base::Day;
using base::Tenge;
using rpc::CallerOf;

// The n-th ENS TRU code of a row of them.
inline std::string Code(int n) {
  return absl::StrFormat("%06d.%03d.%06d", 271141, 300, n);
}

inline nisi::type::v1::Document Paper() {
  nisi::type::v1::Document document;
  document.set_name("act.pdf");
  document.set_media_type("application/pdf");
  document.set_size_bytes(100);
  document.set_sha256(std::string(32, 's'));
  return document;
}

// The database of suppliers: nothing was made but what the table says.
class FakeSources final : public Sources {
 public:
  absl::StatusOr<std::map<std::string, Made>> Production(const rpc::Call& /*call*/,
                                                         const std::set<std::string>& codes,
                                                         base::Date /*day*/) override {
    ++questions;
    if (away) {
      return rpc::NotAnswered("suppliers", "CheckProduction", "UNREACHABLE", absl::Minutes(1));
    }
    std::map<std::string, Made> answers;
    for (const std::string& code : codes) {
      const bool known = made.contains(code);
      answers[code] = {known, known ? "2020-01-01" : "", {"suppliers/evidence/1", "v1"}};
    }
    return answers;
  }

  std::set<std::string> made;
  bool away = false;
  int questions = 0;
};

class ContractsTest : public rpc::ServiceTest {
 protected:
  ContractsTest()
      : ServiceTest("contracts", Day("2026-03-02"),
                    {"nisi.contracts.v1.PlanningService", "nisi.contracts.v1.ContractsService"}) {}
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    options.peers = Others();
    return OpenWith(options, MakeSources());
  }
  // To whom the outbox goes by itself; null: a test drives it.
  virtual rpc::Peers* Others() { return nullptr; }
  virtual std::unique_ptr<Sources> MakeSources() {
    auto played = std::make_unique<FakeSources>();
    sources_ = played.get();
    return played;
  }

  // As the relay notes what a target said of a message.
  absl::Status Note(const store::OutboxMessage& message, const absl::StatusOr<std::string>& said) {
    store::CommandInfo info;
    if (said.ok()) info.request_id = message.id;
    info.method = "outbox" + message.method;
    info.body_hash = base::Sha256Bytes(message.payload);
    return store()
        .Write(info,
               [&](store::Tx& tx) -> absl::StatusOr<std::string> {
                 RETURN_IF_ERROR(NoteDelivery(norms_, tx, message, said));
                 return "";
               })
        .status();
  }
  // The reason of a refusal; empty when there is none.
  template <class Response, class Request>
  std::string Why(const std::string& name, const rpc::Caller& caller, const Request& request) {
    return base::ReasonOf(Do<Response>(name, caller, request).status());
  }

  v1::Cycle CycleNow(int32_t year = 2026) { return Stored(kCycles, store::Key::Of(year)).cycle(); }
  v1::ListItem ItemNow(int32_t number, int32_t year = 2026) {
    return Stored(kItems, store::Key::Of(year, number)).item();
  }
  v1::Publication PublicationNow(int32_t revision, int32_t year = 2026) {
    return Stored(kPublications, store::Key::Of(year, revision)).publication();
  }
  v1::Contract ContractNow(const std::string& name) {
    return Stored(kContracts, store::Key::Of(name)).contract();
  }
  template <class Request>
  static Request Named(const std::string& name) {
    Request request;
    request.set_name(name);
    if constexpr (requires { request.set_reason(""); }) request.set_reason("Потому что");
    return request;
  }

  // ---- A planning year

  static v1::Customer MakeCustomer(int n) {
    v1::Customer customer;
    customer.set_bin(Bin(n));
    customer.mutable_title()->set_ru(absl::StrCat("Заказчик ", n));
    customer.set_category(v1::Customer::NATIONAL_COMPANY);
    customer.set_source("Реестр");
    return customer;
  }
  void Register(int n) {
    v1::RegisterCustomerRequest request;
    *request.mutable_customer() = MakeCustomer(n);
    Must<v1::Customer>("RegisterCustomer", authority_, request);
  }
  v1::Need MakeNeed(int n, int code, const std::string& quantity = "100", int64_t price = 1000) {
    v1::Need need;
    need.set_customer(Bin(n));
    need.set_ens_tru(Code(code));
    need.set_goods_code("850423");
    need.mutable_title()->set_ru(absl::StrCat("Трансформатор ", code));
    need.set_unit("pcs");
    need.set_quantity(quantity);
    *need.mutable_price() = Tenge(price);
    need.set_first_year(2027);
    need.set_years(3);
    need.set_kato("751110000");
    need.set_specification("Сухой");
    return need;
  }
  absl::StatusOr<v1::SubmitNeedsResponse> Submit(const std::vector<v1::Need>& needs,
                                                 int32_t year = 2026) {
    v1::SubmitNeedsRequest request;
    request.set_parent(CycleName(year));
    for (const v1::Need& need : needs) *request.add_needs() = need;
    return Do<v1::SubmitNeedsResponse>("SubmitNeeds", institute_, request);
  }
  void Open(int32_t year = 2026) {
    v1::OpenCycleRequest request;
    request.set_year(year);
    Must<v1::Cycle>("OpenCycle", authority_, request);
  }
  template <class Request>
  absl::StatusOr<v1::Cycle> Step(const std::string& method, const rpc::Caller& caller,
                                 int32_t year = 2026) {
    return Do<v1::Cycle>(method, caller, Named<Request>(CycleName(year)));
  }
  absl::StatusOr<v1::Cycle> Form() { return Step<v1::FormListRequest>("FormList", former_); }
  absl::StatusOr<v1::Cycle> Approve(const rpc::Caller& caller) {
    auto request = Named<v1::ApproveCycleRequest>(CycleName(2026));
    request.set_order_number("217-НҚ");
    *request.mutable_order_date() = today().ToProto();
    return Do<v1::Cycle>("ApproveCycle", caller, request);
  }
  absl::StatusOr<v1::Proposal> ProposeTo(int n, int32_t item, const std::string& volume = "100",
                                         const std::string& specification = "Сухой, 1000 кВА",
                                         int32_t first_year = 2027, int32_t years = 3) {
    v1::ProposeRequest request;
    request.set_parent(CycleName(2026));
    v1::Proposal& proposal = *request.mutable_proposal();
    proposal.set_item(ItemName(2026, item));
    proposal.set_customer(Bin(n));
    proposal.set_volume(volume);
    proposal.set_first_year(first_year);
    proposal.set_years(years);
    proposal.set_specification(specification);
    return Do<v1::Proposal>("Propose", subsoil_, request);
  }
  absl::StatusOr<v1::Proposal> AgreeTo(const std::string& proposal, int n) {
    return Do<v1::Proposal>("Agree", CustomerOf(n), Named<v1::AgreeRequest>(proposal));
  }
  // Needs of the first customer, closed, formed into a List that is sent to be agreed on.
  void ToAgreement(const std::vector<v1::Need>& needs) {
    Open();
    EXPECT_TRUE(Submit(needs).ok());
    EXPECT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
    const auto formed = Form();
    EXPECT_TRUE(formed.ok()) << formed.status();
    EXPECT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  }
  // Goods 1 to `items` agreed on by the first customer, approved.
  void ToApproved(const std::vector<v1::Need>& needs, int32_t items) {
    ToAgreement(needs);
    for (int32_t item = 1; item <= items; ++item) {
      const auto proposed = ProposeTo(1, item);
      ASSERT_TRUE(proposed.ok()) << proposed.status();
      const auto agreed = AgreeTo(proposed->name(), 1);
      ASSERT_TRUE(agreed.ok()) << agreed.status();
    }
    EXPECT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
    const auto approved = Approve(approver_);
    ASSERT_TRUE(approved.ok()) << approved.status();
  }

  // ---- A contract

  // Of the first customer with the second BIN as supplier, on a good of the approved List.
  v1::Contract MakeContract(int32_t item = 1, int32_t first_year = 2026, int years = 3) {
    v1::Contract contract;
    contract.set_item(ItemName(2026, item));
    contract.set_customer(Bin(1));
    contract.set_supplier(Bin(2));
    contract.mutable_good()->mutable_title()->set_ru("Трансформатор ТС-1000");
    contract.mutable_good()->set_characteristics("1000 кВА, 10/0,4 кВ");
    contract.mutable_good()->set_properties("Класс нагревостойкости F");
    for (int i = 0; i < years; ++i) {
      v1::YearTerms& year = *contract.add_years();
      year.set_year(first_year + i);
      year.set_volume("100");
      *year.mutable_price() = Tenge(1'000);
    }
    contract.set_minimum_in_country_value_bp(3'000);
    contract.set_programme_duty(true);
    contract.set_text_sha256(std::string(32, 't'));
    return contract;
  }
  absl::StatusOr<v1::Contract> Plan(const v1::Contract& contract) {
    v1::PlanContractRequest request;
    *request.mutable_contract() = contract;
    return Do<v1::Contract>("PlanContract", CustomerOf(1), request);
  }
  absl::StatusOr<v1::Contract> Sign(const std::string& name, const rpc::Caller& caller) {
    auto request = Named<v1::SignContractRequest>(name);
    request.set_text_sha256(std::string(32, 't'));
    request.set_etag(ContractNow(name).etag());
    return Do<v1::Contract>("SignContract", caller, request);
  }
  std::string SignedContract(const v1::Contract& contract) {
    const auto planned = Plan(contract);
    EXPECT_TRUE(planned.ok()) << planned.status();
    if (!planned.ok()) return "";
    EXPECT_TRUE(Sign(planned->name(), CustomerOf(1)).ok());
    const auto signed_by_both = Sign(planned->name(), supplier_);
    EXPECT_TRUE(signed_by_both.ok()) << signed_by_both.status();
    return planned->name();
  }
  // An off-take contract of three years from this one on, 100 a year at 1,000 tenge.
  std::string OffTake() {
    Register(1);
    ToApproved({MakeNeed(1, 1)}, 1);
    return SignedContract(MakeContract());
  }
  v1::Entry MakeEntry(const std::string& quantity, int32_t year = 2026) {
    v1::Entry entry;
    entry.set_year(year);
    *entry.mutable_event_date() = today().ToProto();
    entry.set_quantity(quantity);
    return entry;
  }
  template <class Request>
  absl::StatusOr<v1::Entry> Enter(const std::string& method, const std::string& contract,
                                  const rpc::Caller& caller, const v1::Entry& entry) {
    Request request;
    request.set_parent(contract);
    *request.mutable_entry() = entry;
    return Do<v1::Entry>(method, caller, request);
  }
  absl::StatusOr<v1::Entry> Deliver(const std::string& contract, const v1::Entry& entry) {
    return Enter<v1::RecordDeliveryRequest>("RecordDelivery", contract, supplier_, entry);
  }
  absl::StatusOr<v1::Entry> AcceptIt(const std::string& contract, const v1::Entry& entry) {
    return Enter<v1::AcceptGoodsRequest>("AcceptGoods", contract, CustomerOf(1), entry);
  }
  absl::StatusOr<v1::Entry> PayIt(const std::string& contract, int64_t tenge, int32_t year = 2026) {
    v1::Entry entry = MakeEntry("", year);
    *entry.mutable_amount() = Tenge(tenge);
    return Enter<v1::RecordPaymentRequest>("RecordPayment", contract, CustomerOf(1), entry);
  }
  absl::StatusOr<v1::Entry> RefuseIt(const std::string& contract, const std::string& quantity,
                                     v1::Fault fault, bool delivered, int32_t year = 2026) {
    v1::Entry entry = MakeEntry(quantity, year);
    entry.set_fault(fault);
    entry.set_delivered(delivered);
    entry.set_reason("Не нужно");
    if (fault == v1::SUPPLIERS_FAULT) *entry.add_documents() = Paper();
    return Enter<v1::RefuseToBuyRequest>("RefuseToBuy", contract, CustomerOf(1), entry);
  }
  absl::StatusOr<v1::Entry> Correct(const std::string& name, const rpc::Caller& caller,
                                    const v1::Entry& entry) {
    auto request = Named<v1::CorrectEntryRequest>(name);
    *request.mutable_entry() = entry;
    return Do<v1::Entry>("CorrectEntry", caller, request);
  }
  absl::StatusOr<v1::Contract> Terminate(const std::string& name, const rpc::Caller& caller) {
    return Do<v1::Contract>("TerminateContract", caller, Named<v1::TerminateContractRequest>(name));
  }
  absl::StatusOr<v1::Amendment> Amend(const std::string& contract, const rpc::Caller& caller,
                                      int32_t year, const std::string& volume, int64_t price,
                                      bool unilateral = false) {
    v1::AmendContractRequest request;
    request.set_parent(contract);
    v1::YearTerms& terms = *request.mutable_amendment()->add_years();
    terms.set_year(year);
    terms.set_volume(volume);
    *terms.mutable_price() = Tenge(price);
    request.mutable_amendment()->set_reason("Спрос изменился");
    request.mutable_amendment()->set_text_sha256(std::string(32, 'a'));
    request.set_unilateral(unilateral);
    return Do<v1::Amendment>("AmendContract", caller, request);
  }
  absl::StatusOr<v1::Amendment> CoSign(const std::string& amendment, const rpc::Caller& caller) {
    auto request = Named<v1::CoSignAmendmentRequest>(amendment);
    request.set_text_sha256(std::string(32, 'a'));
    return Do<v1::Amendment>("CoSignAmendment", caller, request);
  }
  absl::StatusOr<v1::Pledge> PledgeTo(const std::string& contract, int n) {
    v1::PledgeContractRequest request;
    request.set_parent(contract);
    request.mutable_pledge()->set_pledgee(Bin(n));
    request.mutable_pledge()->set_agreement_number("З-1");
    *request.mutable_pledge()->mutable_agreement_date() = today().ToProto();
    return Do<v1::Pledge>("PledgeContract", supplier_, request);
  }
  absl::StatusOr<v1::Pledge> ConsentTo(const std::string& pledge, const std::string& amendment,
                                       const rpc::Caller& caller) {
    auto request = Named<v1::ConsentRequest>(pledge);
    request.set_amendment(amendment);
    return Do<v1::Pledge>("Consent", caller, request);
  }
  v1::Balance BalanceOf(const std::string& contract,
                        std::optional<base::Date> as_of = std::nullopt) {
    auto request = Named<v1::GetBalanceRequest>(contract);
    if (as_of.has_value()) *request.mutable_as_of() = as_of->ToProto();
    return Must<v1::Balance>("GetBalance", auditor_, request);
  }
  // As it is then read: the answer to who assesses has no figures.
  absl::StatusOr<v1::Assessment> Assess(const std::string& contract, int32_t year) {
    v1::AssessYearRequest request;
    request.set_parent(contract);
    request.set_year(year);
    RETURN_IF_ERROR(Do<v1::Assessment>("AssessYear", authority_, request).status());
    return Do<v1::Assessment>(
        "GetAssessment", authority_,
        Named<v1::GetAssessmentRequest>(ChildName(contract, "assessments", year)));
  }
  void ExpectReplays(const std::string& name) {
    const auto replays = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_,
                                                          Named<v1::ReplayDecisionRequest>(name));
    EXPECT_GT(replays.replays_size(), 0) << name;
    EXPECT_TRUE(replays.same()) << replays.ShortDebugString();
  }

  static rpc::Caller CustomerOf(int n) {
    return CallerOf(absl::StrCat("customer-", n), {rpc::v1::CUSTOMER}, Bin(n));
  }
  const rpc::Caller authority_ = CallerOf("ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller former_ = CallerOf("former", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller approver_ = CallerOf("approver", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller subsoil_ = CallerOf("subsoil", {rpc::v1::AUTHORITY_SUBSOIL});
  const rpc::Caller institute_ = CallerOf("institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller supplier_ = CallerOf("supplier", {rpc::v1::ENTITY}, Bin(2));
  const rpc::Caller bank_ = CallerOf("bank", {rpc::v1::ENTITY}, Bin(3));
  const rpc::Caller stranger_ = CallerOf("stranger", {rpc::v1::ENTITY, rpc::v1::CUSTOMER}, Bin(9));
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller public_;

  FakeSources* sources_ = nullptr;  // of the open service
};

}  // namespace nisi::contracts
