// What the tests of this service share: the service (common/rpc/service_testing.h) with others
// played by a table of answers, and the way of a claim, step by step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/values_testing.h"
#include "common/cases/budget_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/service_testing.h"
#include "nisi/export_refunds/v1/service.pb.h"
#include "services/export_refunds/service.h"
#include "services/export_refunds/sources.h"
#include "services/export_refunds/tables.h"

namespace nisi::export_refunds {

using base::Bin;
using base::Day;
using base::Tenge;
using rpc::CallerOf;

// Other services: everybody is a domestic producer, a supplier of services and small, but for what
// the tables say.
class FakeSources final : public Sources {
 public:
  absl::StatusOr<std::map<Asked, Standing>> Suppliers(const rpc::Call& /*call*/,
                                                      const std::set<Asked>& asked) override {
    ++questions;
    if (away)
      return rpc::NotAnswered("suppliers", "CheckDomestic", "UNREACHABLE", absl::Minutes(1));
    std::map<Asked, Standing> told;
    for (const Asked& one : asked) {
      const auto as = activities.find(one.first);
      const std::string usual = as == activities.end() ? "PRODUCER,SERVICES" : as->second;
      const std::string record = absl::StrCat("suppliers/", one.first);
      told[one] = {{foreign.contains(one) ? "0" : usual, record, "v1"},
                   {SizeOf(one), record, "v1"}};
    }
    return told;
  }

  absl::StatusOr<cases::Listed> Lists(const rpc::Call& /*call*/, const Asked& asked) override {
    const auto known = lists.find(asked.first);
    return cases::Listed{"grants/unreliable", 5, known == lists.end() ? Entries() : known->second};
  }

  std::set<Asked> foreign;
  using Entries = std::vector<cases::Listed::Entry>;
  std::map<std::string, Entries> lists;  // of who stands there
  std::map<std::string, std::string> activities;
  // Of an enterprise from a day on; the last that has begun counts. None: SMALL.
  std::map<std::string, std::map<base::Date, std::string>> sizes;
  void SetSize(const std::string& bin, const std::string& size) {
    sizes[bin] = {{base::Date::Min(), size}};
  }
  bool away = false;
  std::atomic<int> questions{0};

 private:
  std::string SizeOf(const Asked& asked) const {
    const auto known = sizes.find(asked.first);
    if (known == sizes.end()) return "SMALL";
    const auto next = known->second.upper_bound(asked.second);
    return next == known->second.begin() ? kNotActive : std::prev(next)->second;
  }
};

inline nisi::type::v1::Document Paper(const std::string& name = "signature.cms") {
  nisi::type::v1::Document document;
  document.set_name(name);
  document.set_media_type("application/pkcs7-signature");
  document.set_size_bytes(100);
  document.set_sha256(std::string(32, 's'));
  return document;
}

class RefundsTest : public rpc::ServiceTest {
 protected:
  RefundsTest()
      : ServiceTest("export-refunds", Day("2024-06-10"),
                    {"nisi.export_refunds.v1.ExportRefundsService"}) {}
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    options.peers = OtherServices();
    options.scrub_interval = scrub_interval_;
    return OpenWith(options, MakeSources(), MakeGate());
  }
  virtual std::unique_ptr<Sources> MakeSources() {
    auto played = std::make_unique<FakeSources>();
    sources_ = played.get();
    return played;
  }
  // Null: that of recorded notices.
  virtual std::unique_ptr<cases::Gate> MakeGate() { return nullptr; }
  // Whom it tells of what it emits; null: nobody.
  virtual rpc::Peers* OtherServices() { return nullptr; }

  v1::Claim Now(const std::string& name) { return Stored(kClaims, store::Key::Of(name)).claim(); }
  v1::Expense ExpenseNow(const std::string& claim, int32_t number) {
    return Stored(kExpenses, store::Key::Of(claim, number)).expense();
  }

  // ---- The list

  static v1::Entry Good(const std::string& code, v1::ProcessingLevel level) {
    v1::Entry entry;
    entry.set_goods_code(code);
    entry.set_name_ru(absl::StrCat("Товар ", code));
    entry.set_processing_level(level);
    return entry;
  }
  static v1::Entry ServiceEntry(const std::string& oked) {
    v1::Entry entry;
    entry.set_oked(oked);
    entry.set_name_ru(absl::StrCat("Услуга ", oked));
    return entry;
  }
  std::string DraftList(const std::vector<v1::Entry>& entries) {
    v1::CreateEditionRequest create;
    create.mutable_edition()->set_title_ru("Перечень");
    const std::string name = Must<v1::Edition>("CreateEdition", trade_, create).name();
    v1::BatchCreateEntriesRequest batch;
    batch.set_parent(name);
    for (const v1::Entry& entry : entries) *batch.add_entries() = entry;
    Must<v1::BatchCreateEntriesResponse>("BatchCreateEntries", trade_, batch);
    return name;
  }
  absl::StatusOr<v1::Edition> SubmitIt(const std::string& name, const rpc::Caller& caller) {
    v1::SubmitEditionRequest request;
    request.set_name(name);
    return Do<v1::Edition>("SubmitEdition", caller, request);
  }
  absl::StatusOr<v1::Edition> ApproveIt(const std::string& name, base::Date from,
                                        const rpc::Caller& caller) {
    v1::ApproveEditionRequest request;
    request.set_name(name);
    v1::GetEditionRequest get;
    get.set_name(name);
    request.set_etag(Must<v1::Edition>("GetEdition", auditor_, get).etag());
    request.set_order_number("17-НҚ");
    *request.mutable_order_date() = today().ToProto();
    *request.mutable_effective_from() = from.ToProto();
    return Do<v1::Edition>("ApproveEdition", caller, request);
  }
  // The usual goods and services, in force from today on.
  std::string ListInForce() {
    const std::string name = DraftList({Good("8504", v1::HIGH), Good("8419", v1::MEDIUM),
                                        Good("2106", v1::LOW), ServiceEntry("62.01")});
    EXPECT_TRUE(SubmitIt(name, trade_).ok());
    const auto approved = ApproveIt(name, today(), approver_);
    EXPECT_TRUE(approved.ok()) << approved.status();
    return name;
  }

  // ---- A claim on its way

  static rpc::Caller Entity(int n, const std::string& subject = "") {
    return CallerOf(subject.empty() ? absl::StrCat("company-", n) : subject, {rpc::v1::ENTITY},
                    Bin(n));
  }
  v1::Claim MakeClaim(int n) {
    v1::Claim claim;
    claim.set_claimant(Bin(n));
    *claim.mutable_taxes_paid() = Tenge(1'000'000'000);
    for (int i = 0; i < 4; ++i) {
      auto* volume = claim.add_export_volumes();
      volume->set_year(today().year() - 1 + i);
      volume->set_volume(absl::StrCat(100 + i * 100));
    }
    return claim;
  }
  std::string Drafted(int n) {
    v1::CreateClaimRequest create;
    *create.mutable_claim() = MakeClaim(n);
    return Must<v1::Claim>("CreateClaim", Entity(n), create).name();
  }
  // A cost of a million tenge for an exhibition of a good of the list, by an invoice of its own.
  v1::Expense MakeExpense(v1::CostKind kind = v1::EXHIBITION,
                          const std::string& amount = "1000000") {
    v1::Expense expense;
    expense.set_kind(kind);
    expense.set_claimant_kind(v1::PRODUCER);
    if (kind >= v1::ICT_ADVERTISING_ABROAD) {
      expense.set_oked("62.01");
    } else {
      expense.set_goods_code("850423");
    }
    expense.set_country("DE");
    expense.set_contract_number("K-1");
    *expense.mutable_contract_date() = today().AddDays(-60).ToProto();
    expense.set_invoice_issuer("Messe GmbH, HRB 1234");
    expense.set_invoice_number(absl::StrCat("INV-", ++invoices_));
    *expense.mutable_invoice_date() = today().AddDays(-40).ToProto();
    expense.set_payment_number("P-1");
    *expense.mutable_payment_date() = today().AddDays(-30).ToProto();
    expense.set_currency("KZT");
    expense.set_amount(amount);
    return expense;
  }
  absl::StatusOr<v1::AddExpensesResponse> Add(const std::string& claim, int n,
                                              const std::vector<v1::Expense>& expenses) {
    v1::AddExpensesRequest request;
    request.set_parent(claim);
    for (const v1::Expense& expense : expenses) *request.add_expenses() = expense;
    return Do<v1::AddExpensesResponse>("AddExpenses", Entity(n), request);
  }
  absl::StatusOr<v1::Claim> Sign(const std::string& claim, const rpc::Caller& caller) {
    v1::SignClaimRequest request;
    request.set_name(claim);
    request.set_etag(Now(claim).etag());
    *request.mutable_signature() = Paper();
    return Do<v1::Claim>("SignClaim", caller, request);
  }
  std::string Signed(int n, const std::vector<v1::Expense>& expenses) {
    const std::string name = Drafted(n);
    const auto added = Add(name, n, expenses);
    EXPECT_TRUE(added.ok()) << added.status();
    const auto done = Sign(name, Entity(n));
    EXPECT_TRUE(done.ok()) << done.status();
    return name;
  }
  void Notice(const std::string& claim, gate::v1::Checkpoint checkpoint,
              gate::v1::Notice::Verdict verdict = gate::v1::Notice::PASSED,
              std::optional<base::Date> checked = std::nullopt) {
    gate::v1::RecordNoticeRequest request;
    request.mutable_notice()->set_number("G-1");
    request.mutable_notice()->set_checkpoint(checkpoint);
    request.mutable_notice()->set_recipient(Now(claim).claimant());
    request.mutable_notice()->set_record(claim);
    *request.mutable_notice()->mutable_check_date() = checked.value_or(today()).ToProto();
    request.mutable_notice()->set_verdict(verdict);
    Must<gate::v1::Notice>("RecordNotice", clerk_, request);
  }
  // A step of which only the claim must be named, and its version where that is asked for.
  template <class Request>
  Request Of(const std::string& claim) {
    Request request;
    request.set_name(claim);
    request.set_etag(Now(claim).etag());
    if constexpr (requires { request.set_reason(""); }) request.set_reason("Потому что");
    if constexpr (requires { request.set_beyond_control(true); }) {
      request.set_beyond_control(true);
      *request.add_documents() = Paper();
    }
    return request;
  }
  template <class Request>
  absl::StatusOr<v1::Claim> Step(const std::string& method, const std::string& claim,
                                 const rpc::Caller& caller) {
    return Do<v1::Claim>(method, caller, Of<Request>(claim));
  }
  absl::StatusOr<v1::Claim> Start(const std::string& claim) {
    return Step<v1::StartReviewRequest>("StartReview", claim, examiner_);
  }
  absl::StatusOr<v1::Claim> DecideOn(const std::string& claim, v1::Part part,
                                     v1::PartReview::Verdict verdict, const rpc::Caller& caller,
                                     const std::string& field = "") {
    auto request = Of<v1::DecidePartRequest>(claim);
    request.set_part(part);
    request.set_verdict(verdict);
    if (verdict != v1::PartReview::REJECTED) request.clear_reason();
    if (verdict == v1::PartReview::REMARKS) {
      const char* usual = part == v1::FINANCE ? "taxes_paid" : "expenses/1";
      request.add_remarks()->set_field(field.empty() ? usual : field);
      request.mutable_remarks(0)->set_text("Не читается");
    }
    return Do<v1::Claim>("DecidePart", caller, request);
  }
  std::string InReview(int n, const std::vector<v1::Expense>& expenses) {
    const std::string name = Signed(n, expenses);
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    const auto started = Start(name);
    EXPECT_TRUE(started.ok()) << started.status();
    return name;
  }
  // In FIXING with one remark of the legal part, on its first expense.
  void SendToFix(const std::string& claim) {
    const v1::Claim reviewed = Now(claim);
    for (const auto& part : reviewed.parts()) {
      const bool legal = part.part() == v1::LEGAL;
      EXPECT_TRUE(DecideOn(claim, part.part(),
                           legal ? v1::PartReview::REMARKS : v1::PartReview::ACCEPTED, examiner_)
                      .ok());
    }
    const auto sent = Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_);
    EXPECT_TRUE(sent.ok()) << sent.status();
  }
  std::string Fixing(int n, const std::vector<v1::Expense>& expenses) {
    const std::string claim = InReview(n, expenses);
    SendToFix(claim);
    return claim;
  }
  // The first expense comes to that much.
  void Mend(const std::string& claim, int n, const std::string& amount) {
    v1::UpdateExpenseRequest mend;
    mend.mutable_expense()->set_name(ExpenseName(claim, 1));
    mend.mutable_expense()->set_amount(amount);
    mend.mutable_update_mask()->add_paths("amount");
    EXPECT_TRUE(Do<v1::Expense>("UpdateExpense", Entity(n), mend).ok());
  }
  v1::AnswerRemarksRequest Answers(const std::string& claim, const std::vector<int32_t>& remarks) {
    auto request = Of<v1::AnswerRemarksRequest>(claim);
    for (const int32_t remark : remarks) {
      auto* answer = request.add_answers();
      answer->set_remark(remark);
      answer->set_text("Исправлено");
    }
    *request.mutable_signature() = Paper();
    return request;
  }
  // Each decision computed again is the same; `count`: how many there are.
  void ExpectReplays(const std::string& claim, int count, int32_t expense = 0) {
    v1::Replays replays;
    if (expense > 0) {
      v1::ReplayExpenseRequest request;
      request.set_name(ExpenseName(claim, expense));
      replays = Must<v1::Replays>("ReplayExpense", auditor_, request);
    } else {
      v1::ReplayDecisionRequest request;
      request.set_name(claim);
      replays = Must<v1::Replays>("ReplayDecision", auditor_, request);
    }
    EXPECT_EQ(replays.replays_size(), count);
    for (const auto& replay : replays.replays()) EXPECT_TRUE(replay.same()) << replay.field();
  }
  void AcceptParts(const std::string& claim) {
    const v1::Claim reviewed = Now(claim);
    for (const auto& part : reviewed.parts()) {
      const auto done = DecideOn(claim, part.part(), v1::PartReview::ACCEPTED, examiner_);
      EXPECT_TRUE(done.ok()) << done.status();
    }
  }
  std::string Accepted(int n, const std::vector<v1::Expense>& expenses) {
    const std::string name = InReview(n, expenses);
    AcceptParts(name);
    const auto done = Step<v1::AcceptClaimRequest>("AcceptClaim", name, decider_);
    EXPECT_TRUE(done.ok()) << done.status();
    return name;
  }
  absl::StatusOr<v1::Claim> Gate2(const std::string& claim) {
    Notice(claim, gate::v1::BEFORE_PAYMENT);
    return Step<v1::RunGateRequest>("RunGate", claim, institute_);
  }
  absl::StatusOr<v1::Claim> SignAgreementBy(const std::string& claim, const rpc::Caller& caller,
                                            const std::string& number = "Д-1") {
    auto request = Of<v1::SignAgreementRequest>(claim);
    request.set_agreement_number(number);
    const v1::Claim now = Now(claim);
    *request.mutable_agreement_date() =
        now.has_agreement_date() ? now.agreement_date() : today().ToProto();
    *request.mutable_signature() = Paper();
    return Do<v1::Claim>("SignAgreement", caller, request);
  }
  // From ACCEPTED, with its money held.
  void Agree(const std::string& claim, int n) {
    const auto passed = Gate2(claim);
    EXPECT_TRUE(passed.ok()) << passed.status();
    const auto first = SignAgreementBy(claim, Entity(n));
    EXPECT_TRUE(first.ok()) << first.status();
    const auto second = SignAgreementBy(claim, institute_);
    EXPECT_TRUE(second.ok()) << second.status();
  }
  v1::PayClaimRequest Payment(const std::string& claim) {
    auto request = Of<v1::PayClaimRequest>(claim);
    request.set_order_number("44");
    return request;
  }
  absl::StatusOr<v1::Claim> PayIt(const std::string& claim) {
    return Do<v1::Claim>("PayClaim", payer_, Payment(claim));
  }
  std::string Monitored(int n, const std::vector<v1::Expense>& expenses) {
    const std::string name = Accepted(n, expenses);
    Agree(name, n);
    const auto paid = PayIt(name);
    EXPECT_TRUE(paid.ok()) << paid.status();
    GoTo(today().AddDays(1));
    EXPECT_EQ(Now(name).state(), v1::Claim::MONITORING);
    return name;
  }
  absl::StatusOr<v1::ExportReport> Report(const std::string& claim, const rpc::Caller& caller,
                                          int year, const std::string& volume) {
    v1::SubmitExportReportRequest request;
    request.set_parent(claim);
    request.mutable_report()->set_year(year);
    request.mutable_report()->set_volume(volume);
    return Do<v1::ExportReport>("SubmitExportReport", caller, request);
  }

  // ---- Money

  void Allocate(int64_t tenge) { Allocate(tenge, today().year()); }
  void Allocate(int64_t tenge, int year) {
    budget::v1::AllocateBudgetRequest request;
    request.set_account(absl::StrCat("programmes/export-refunds/accounts/", year));
    *request.mutable_amount() = Tenge(tenge);
    request.set_order_number(absl::StrCat(++orders_, "-б"));
    *request.mutable_order_date() = today().ToProto();
    Must<budget::v1::Account>("AllocateBudget", trade_, request);
  }
  void CloseYear(int year) {
    budget::v1::CloseYearRequest close;
    close.set_account(absl::StrCat("programmes/export-refunds/accounts/", year));
    Must<budget::v1::CloseYearResponse>("CloseYear", institute_, close);
  }
  v1::GetQueueResponse Queue(const rpc::Caller& caller) {
    return Must<v1::GetQueueResponse>("GetQueue", caller, v1::GetQueueRequest());
  }
  // "1:1:ACCEPTED:funded" and so on: place, number, state.
  std::string QueueText(const rpc::Caller& caller) {
    std::string text;
    const v1::GetQueueResponse queue = Queue(caller);
    for (const auto& place : queue.places()) {
      absl::StrAppend(&text, place.place(), ":", place.number(), ":",
                      v1::Claim::State_Name(place.state()), place.funded() ? ":funded " : " ");
    }
    return text;
  }
  // Available, reserved, committed, paid of a year; 0: of this one.
  std::string Stands(int year = 0) {
    budget::v1::GetAccountRequest get;
    get.set_name(
        absl::StrCat("programmes/export-refunds/accounts/", year == 0 ? today().year() : year));
    const auto account = Must<budget::v1::Account>("GetAccount", auditor_, get);
    return cases::StandsText(account);
  }
  void ExpectSound() {
    cases::ExpectAccountsSound(store());
    ServiceTest::ExpectSound();
  }

  const rpc::Caller trade_ = CallerOf("saule@trade", {rpc::v1::AUTHORITY_TRADE});
  const rpc::Caller approver_ = CallerOf("marat@trade", {rpc::v1::AUTHORITY_TRADE});
  const rpc::Caller institute_ = CallerOf("aigul@qaztrade", {rpc::v1::INSTITUTE_EXPORT});
  const rpc::Caller clerk_ = CallerOf("gulnar@qaztrade", {rpc::v1::INSTITUTE_EXPORT});
  const rpc::Caller examiner_ = CallerOf("daniyar@qaztrade", {rpc::v1::INSTITUTE_EXPORT});
  const rpc::Caller decider_ = CallerOf("asel@qaztrade", {rpc::v1::INSTITUTE_EXPORT});
  const rpc::Caller payer_ = CallerOf("kassa@qaztrade", {rpc::v1::INSTITUTE_EXPORT});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller public_;

  absl::Duration scrub_interval_;   // 0: by hand
  FakeSources* sources_ = nullptr;  // of the open service

 private:
  int orders_ = 0;
  int invoices_ = 0;
};

}  // namespace nisi::export_refunds
