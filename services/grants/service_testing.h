// What the tests of this service share: the real service behind the whole call layer, over a store
// in a folder of its own, a clock that is moved by hand, and other services as a table of answers.
// And the way of a grant, step by step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/roles.h"
#include "common/base/status.h"
#include "common/base/values_testing.h"
#include "common/cases/budget_testing.h"
#include "common/norms/norms_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/served_testing.h"
#include "common/rpc/service_testing.h"
#include "services/grants/rpcs.h"
#include "services/grants/service.h"

namespace nisi::grants {

using base::Bin;
using base::Day;
using base::Tenge;
using rpc::CallerOf;

inline cases::Obligation MakeObligation(const std::string& indicator = "output sold abroad") {
  cases::Obligation obligation;
  obligation.set_area(cases::Obligation::EXPORT);
  obligation.set_indicator(indicator);
  obligation.set_unit("million tenge");
  obligation.set_target("100");
  *obligation.mutable_due_date() = Day("2030-12-31").ToProto();
  return obligation;
}
inline type::v1::Document MakeDocument(const std::string& name = "paper.pdf") {
  type::v1::Document document;
  document.set_name(name);
  document.set_media_type("application/pdf");
  document.set_size_bytes(100);
  document.set_sha256(std::string(32, 'h'));
  return document;
}

inline constexpr char kGrants[] = "programmes/grants";
inline const std::string& TextHash() {
  static const std::string kHash(32, 't');
  return kHash;
}

inline const std::string& AmendedHash() {
  static const std::string kHash(32, 'a');
  return kHash;
}

// A small manufacturer's application for a transformer plant: everything holds.
inline Application MakeApplication(int n, int64_t tenge = 400'000) {
  Application application;
  application.set_programme(kGrants);
  application.set_applicant(Bin(n));
  application.mutable_title()->set_ru("Линия трансформаторов");
  application.set_project("projects/1");
  application.add_goods_codes("8504");
  v1::CostItem* item = application.add_cost_items();
  item->set_title("Станок");
  *item->mutable_cost() = Tenge(tenge * 5 / 2);
  item->set_seller(Bin(40'000));
  *application.mutable_requested_sum() = Tenge(tenge);
  *application.mutable_own_contribution() = Tenge(tenge * 3 / 2);
  *application.mutable_tax_debt() = Tenge(0);
  for (int kind = v1::ApplicationDocument::BUSINESS_PLAN;
       kind <= v1::ApplicationDocument::OWN_CONTRIBUTION; ++kind) {
    v1::ApplicationDocument* document = application.add_documents();
    document->set_kind(static_cast<v1::ApplicationDocument::Kind>(kind));
    *document->mutable_document() = MakeDocument();
  }
  *application.add_obligations() = MakeObligation();
  application.set_obligations_accepted(true);
  *application.mutable_commissioning_date() = Day("2027-12-31").ToProto();
  application.set_business_plan("План, который видят не все");
  return application;
}

// The MCI of 2026 for the years to come as well.
inline const std::pair<std::string, std::string> kMciToCome{"mci,4325,TENGE,2026-01-01,2026-12-31,",
                                                            "mci,4325,TENGE,2026-01-01,,"};
// The norms of the files with it.
inline norms::Norms NormsToCome() {
  return norms::Edited({kMciToCome});
}

// The other services as a table of answers; what it does not name holds.
class TableOfAnswers final : public Sources {
 public:
  absl::StatusOr<Outside> Ask(const rpc::Call&, const Application& application,
                              base::Date day) override {
    if (!down.empty()) {
      return base::Unavailable("DEPENDENCY_NOT_ANSWERED", down, absl::Seconds(1));
    }
    asked.push_back(day);
    Outside outside;
    for (const std::string& code : application.goods_codes()) {
      outside.goods.emplace_back(code, listed.contains(code) ? "LISTED" : "NOT_LISTED");
    }
    outside.edition = {"editions/3", "17"};
    outside.producer = !not_producers.contains(application.applicant());
    outside.size = size;
    outside.active_since = active_since;
    outside.supplier = {absl::StrCat("suppliers/", application.applicant()), "s1"};
    outside.project_on_map = on_map;
    outside.project_owner = owner.empty() ? application.applicant() : owner;
    outside.project = {application.project(), "p1"};
    return outside;
  }

  std::string down;  // why nobody answers; empty: all do
  std::set<std::string> listed{"8504"};
  std::set<std::string> not_producers;
  std::string size = "SMALL";
  base::Date active_since = *base::Date::Of(2015, 1, 1);
  bool on_map = true;
  std::string owner;
  std::vector<base::Date> asked;
};

class GrantsTest : public rpc::HostedTest {
 protected:
  GrantsTest() : HostedTest("grants", Day("2026-06-15"), NormsToCome()) {}
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    return OpenWith(options, {.sources = asked_, .gate = gate_, .own_gate = own_gate_});
  }
  void Reopen() override {
    server_.reset();
    HostedTest::Reopen();
    if (service_ == nullptr) return;
    server_ = std::make_unique<rpc::LocalServer>(service_->registry(), &clock_);
    ASSERT_TRUE(server_->started().ok()) << server_->started();
  }
  void TearDown() override {
    server_.reset();
    HostedTest::TearDown();
  }

  std::string PathOf(const std::string& name) {
    for (const char* service : {"GrantsService", "GrantAgreementsService"}) {
      std::string path = absl::StrCat("/nisi.grants.v1.", service, "/", name);
      if (service_->registry().Find(path) != nullptr) return path;
    }
    ADD_FAILURE() << "no method " << name;
    return "";
  }
  // A mutation without a request id gets a fresh one.
  template <class Response, class Request>
  absl::StatusOr<Response> Do(const std::string& name, const rpc::Caller& caller, Request request) {
    if constexpr (requires { request.set_request_id(""); }) {
      if (request.request_id().empty()) request.set_request_id(NextUuid());
    }
    return server_->Do<Response>(caller, PathOf(name), request);
  }
  template <class Response, class Request>
  Response Must(const std::string& name, const rpc::Caller& caller, const Request& request) {
    auto response = Do<Response>(name, caller, request);
    EXPECT_TRUE(response.ok()) << name << ": " << response.status();
    return response.ok() ? *std::move(response) : Response();
  }
  Application Now(const std::string& name) {
    return Stored(kApplications, store::Key::Of(name)).application();
  }
  Agreement AgreementNow(const std::string& name) {
    return Stored(kAgreements, store::Key::Of(Sibling("agreements", name))).agreement();
  }
  Demand DemandNow(const std::string& name) {
    return Stored(kDemands, store::Key::Of(Sibling("demands", name))).demand();
  }
  Commission MeetingNow(const std::string& application) {
    const std::string name = Now(application).commission();
    return Stored(kCommissions, store::Key::Of(*rpc::NumberIn(name, "commissions/*", 0)))
        .commission();
  }

  // ---- Who acts

  static rpc::Caller Owner(int n) {
    return CallerOf(absl::StrCat("owner-", n), {rpc::v1::ENTITY}, Bin(n));
  }
  static rpc::Caller ExpertOf(const std::string& subject) {
    return CallerOf(subject, {rpc::v1::EXPERT});
  }

  // ---- Steps, each by the caller that is given

  void OpenProgramme(int64_t tenge) {
    v1::CreateProgrammeRequest create;
    create.set_programme_id("grants");
    v1::Programme& programme = *create.mutable_programme();
    programme.mutable_title()->set_ru("Промышленные гранты");
    programme.set_measure_number("M-1");
    programme.set_operator_contract_number("D-1");
    *programme.mutable_operator_contract_until() = Day("2040-12-31").ToProto();
    Must<v1::Programme>("CreateProgramme", authority_, create);
    if (tenge > 0) Allocate(tenge);
  }
  void SetMeasure(const std::string& number) {
    v1::UpdateProgrammeRequest update;
    update.mutable_programme()->set_name(kGrants);
    update.mutable_programme()->set_measure_number(number);
    update.mutable_update_mask()->add_paths("measure_number");
    Must<v1::Programme>("UpdateProgramme", authority_, update);
  }
  budget::v1::AllocateBudgetRequest Allocation(int64_t tenge) {
    budget::v1::AllocateBudgetRequest request;
    request.set_account(absl::StrCat(kGrants, "/accounts/", today().year()));
    *request.mutable_amount() = Tenge(tenge);
    request.set_order_number(absl::StrCat(++orders_));
    *request.mutable_order_date() = today().ToProto();
    return request;
  }
  void Allocate(int64_t tenge) {
    Must<budget::v1::Account>("AllocateBudget", authority_, Allocation(tenge));
  }
  // "available reserved committed paid" of a year, in tenge.
  std::string Stands(int year = 0) {
    budget::v1::GetAccountRequest get;
    get.set_name(absl::StrCat(kGrants, "/accounts/", year == 0 ? today().year() : year));
    const auto account = Must<budget::v1::Account>("GetAccount", auditor_, get);
    return cases::StandsText(account);
  }
  void ExpectSound() { cases::ExpectAccountsSound(store()); }

  absl::StatusOr<Application> Create(const Application& application, const rpc::Caller& caller) {
    v1::CreateApplicationRequest request;
    *request.mutable_application() = application;
    return Do<Application>("CreateApplication", caller, request);
  }
  // Of requests that name an application, its etag where they have one, and nothing else.
  template <class Request>
  Request Naming(const std::string& name) {
    Request request;
    request.set_name(name);
    if constexpr (requires { request.set_etag(""); }) request.set_etag(Now(name).etag());
    if constexpr (requires { request.set_reason(""); }) request.set_reason("Причина");
    return request;
  }
  template <class Request>
  Request NamingAgreement(const std::string& application) {
    Request request;
    request.set_name(Sibling("agreements", application));
    if constexpr (requires { request.set_etag(""); }) {
      request.set_etag(AgreementNow(application).etag());
    }
    if constexpr (requires { request.set_reason(""); }) request.set_reason("Причина");
    return request;
  }
  absl::StatusOr<Application> Check(const std::string& name, bool complete,
                                    const rpc::Caller& caller) {
    auto request = Naming<v1::CheckCompletenessRequest>(name);
    request.set_documents_complete(complete);
    return Do<Application>("CheckCompleteness", caller, request);
  }
  absl::StatusOr<Application> Return(const std::string& name, const rpc::Caller& caller) {
    auto request = Naming<v1::ReturnForFixRequest>(name);
    request.set_remarks("Исправить смету");
    return Do<Application>("ReturnForFix", caller, request);
  }
  absl::StatusOr<Application> Gate(const std::string& name, const rpc::Caller& caller) {
    return Do<Application>("RunGate", caller, Naming<v1::RunGateRequest>(name));
  }
  static std::vector<std::string> Panel() { return {"expert-1", "expert-2", "expert-3"}; }
  absl::StatusOr<Application> Assign(const std::string& name, const rpc::Caller& caller,
                                     const std::vector<std::string>& subjects = Panel()) {
    auto request = Naming<v1::AssignExpertsRequest>(name);
    for (const std::string& subject : subjects) {
      request.add_experts()->set_expert_subject(subject);
    }
    return Do<Application>("AssignExperts", caller, request);
  }
  absl::StatusOr<Examination> ScoreIt(const std::string& name, const rpc::Caller& caller,
                                      int32_t each = 8) {
    v1::ScoreRequest request;
    request.set_name(name);
    for (const v1::Criterion criterion : kCriteria) {
      auto* score = request.add_scores();
      score->set_criterion(criterion);
      score->set_score(each);
    }
    request.set_conclusion("Поддержать");
    return Do<Examination>("Score", caller, request);
  }
  absl::StatusOr<Application> CloseScores(const std::string& name, const rpc::Caller& caller) {
    auto request = Naming<v1::CloseExaminationRequest>(name);
    for (int i = 0; i < Now(name).cost_items_size(); ++i) request.add_items();
    return Do<Application>("CloseExamination", caller, request);
  }
  absl::StatusOr<Commission> Open(const std::string& name, const rpc::Caller& caller,
                                  int members = 7) {
    auto request = Naming<v1::OpenMeetingRequest>(name);
    request.set_reason("Прежнее не собралось");
    for (int i = 1; i <= members; ++i) {
      auto* member = request.add_members();
      member->set_subject(absl::StrCat("member-", i));
      member->set_title(absl::StrCat("Член ", i));
      member->set_chair(i == 1);
    }
    return Do<Commission>("OpenMeeting", caller, request);
  }
  absl::StatusOr<Commission> VoteOf(const std::string& meeting, const rpc::Caller& caller,
                                    bool in_favour = true) {
    v1::VoteRequest request;
    request.set_name(meeting);
    request.set_in_favour(in_favour);
    if (!in_favour) request.add_grounds(v1::ENTITY_NOT_COMPLIANT);
    return Do<Commission>("Vote", caller, request);
  }
  absl::StatusOr<Commission> RecuseIt(const std::string& meeting, const rpc::Caller& caller) {
    v1::RecuseRequest request;
    request.set_name(meeting);
    request.set_comment("Родственник");
    return Do<Commission>("Recuse", caller, request);
  }
  absl::StatusOr<Commission> CloseIt(const std::string& application, const rpc::Caller& caller) {
    const Commission meeting = MeetingNow(application);
    v1::CloseMeetingRequest request;
    request.set_name(meeting.name());
    request.set_etag(meeting.etag());
    request.set_protocol_number("7");
    *request.mutable_protocol_date() = today().ToProto();
    return Do<Commission>("CloseMeeting", caller, request);
  }
  absl::StatusOr<Agreement> WriteIt(const std::string& name, const rpc::Caller& caller) {
    auto request = Naming<v1::CreateAgreementRequest>(name);
    for (const char* condition : {"Взнос внесён", "Станок поставлен", "Линия пущена"}) {
      request.add_conditions(condition);
    }
    request.set_text_sha256(TextHash());
    return Do<Agreement>("CreateAgreement", caller, request);
  }
  absl::StatusOr<Agreement> Sign(const std::string& name, const rpc::Caller& caller) {
    auto request = NamingAgreement<v1::SignAgreementRequest>(name);
    request.set_text_sha256(TextHash());
    return Do<Agreement>("SignAgreement", caller, request);
  }
  absl::StatusOr<Agreement> Proof(const std::string& name, int tranche, const rpc::Caller& caller) {
    auto request = NamingAgreement<v1::FileTrancheProofRequest>(name);
    request.set_tranche(tranche);
    *request.add_documents() = MakeDocument();
    return Do<Agreement>("FileTrancheProof", caller, request);
  }
  absl::StatusOr<Agreement> Prove(const std::string& name, int tranche, const rpc::Caller& caller) {
    auto request = NamingAgreement<v1::ProveTrancheRequest>(name);
    request.set_tranche(tranche);
    request.set_proven(true);
    return Do<Agreement>("ProveTranche", caller, request);
  }
  v1::PayTrancheRequest Paying(const std::string& name, int tranche) {
    auto request = NamingAgreement<v1::PayTrancheRequest>(name);
    request.set_tranche(tranche);
    request.set_order_number("44");
    return request;
  }
  absl::StatusOr<v1::Payment> Pay(const std::string& name, int tranche, const rpc::Caller& caller) {
    return Do<v1::Payment>("PayTranche", caller, Paying(name, tranche));
  }
  v1::SubmitMonitoringReportRequest ReportOn(const std::string& name, const HalfYear& half) {
    v1::SubmitMonitoringReportRequest request;
    request.set_parent(Sibling("agreements", name));
    request.mutable_report()->set_year(half.year);
    request.mutable_report()->set_half(half.half);
    request.mutable_report()->set_progress("Строим");
    return request;
  }
  absl::StatusOr<Agreement> Assess(const std::string& name, const std::string& fact,
                                   const rpc::Caller& caller) {
    auto request = NamingAgreement<v1::AssessObligationsRequest>(name);
    request.add_facts(fact);
    *request.add_documents() = MakeDocument("акт проверки.pdf");
    return Do<Agreement>("AssessObligations", caller, request);
  }
  // To another day of commissioning, or with another condition of a tranche.
  absl::StatusOr<Agreement> Propose(const std::string& name,
                                    std::optional<base::Date> commissioning, int tranche,
                                    const rpc::Caller& caller) {
    auto request = NamingAgreement<v1::ProposeAmendmentRequest>(name);
    if (commissioning.has_value()) {
      *request.mutable_commissioning_date() = commissioning->ToProto();
    }
    if (tranche > 0) {
      auto* condition = request.add_conditions();
      condition->set_tranche(tranche);
      condition->set_condition("Станок на таможне");
    }
    request.set_text_sha256(AmendedHash());
    return Do<Agreement>("ProposeAmendment", caller, request);
  }
  absl::StatusOr<Agreement> SignAmended(const std::string& name, const rpc::Caller& caller) {
    auto request = NamingAgreement<v1::SignAmendmentRequest>(name);
    request.set_text_sha256(AmendedHash());
    return Do<Agreement>("SignAmendment", caller, request);
  }
  // From now on the norm files say so.
  void ChangeNorms(std::vector<std::pair<std::string, std::string>> changes) {
    changes.insert(changes.begin(), kMciToCome);
    norms_ = norms::Edited(changes);
    Reopen();
  }
  absl::StatusOr<Demand> DemandIt(const std::string& name, const rpc::Caller& caller) {
    return Do<Demand>("DemandReturn", caller, NamingAgreement<v1::DemandReturnRequest>(name));
  }
  absl::StatusOr<Agreement> Excuse(const std::string& name, const rpc::Caller& caller,
                                   bool beyond = true) {
    auto request = NamingAgreement<v1::ExcuseFailureRequest>(name);
    request.set_beyond_control(beyond);
    *request.add_documents() = MakeDocument();
    return Do<Agreement>("ExcuseFailure", caller, request);
  }
  absl::StatusOr<Demand> Repay(const std::string& name, const google::type::Money& amount,
                               const rpc::Caller& caller, base::Date paid_on = base::Date()) {
    const Demand demand = DemandNow(name);
    v1::RecordRepaymentRequest request;
    request.set_name(demand.name());
    request.set_etag(demand.etag());
    *request.mutable_amount() = amount;
    *request.mutable_pay_date() = (paid_on == base::Date() ? today() : paid_on).ToProto();
    request.set_payment_number(absl::StrCat(++orders_));
    return Do<Demand>("RecordRepayment", caller, request);
  }
  absl::StatusOr<Demand> UndoRepayment(const std::string& name, const std::string& payment,
                                       const rpc::Caller& caller,
                                       std::optional<base::Date> paid_on = std::nullopt) {
    const Demand demand = DemandNow(name);
    v1::ReverseRepaymentRequest request;
    request.set_name(demand.name());
    request.set_etag(demand.etag());
    request.set_payment_number(payment);
    if (paid_on.has_value()) *request.mutable_pay_date() = paid_on->ToProto();
    request.set_reason("Чужой платёж");
    return Do<Demand>("ReverseRepayment", caller, request);
  }
  absl::StatusOr<Application> Raise(const std::string& name, int64_t tenge,
                                    const rpc::Caller& caller) {
    auto request = Naming<v1::RaiseContributionRequest>(name);
    *request.mutable_own_contribution() = Tenge(tenge);
    *request.add_documents() = MakeDocument("выписка.pdf");
    return Do<Application>("RaiseContribution", caller, request);
  }

  // ---- Ways

  // What is filed on the way.
  virtual Application Filed(int n, int64_t tenge) { return MakeApplication(n, tenge); }
  // To the day after the obligations of an agreement.
  void GoPastObligations(const std::string& name) {
    const base::Date over =
        base::Date::FromProto(AgreementNow(name).obligations_until())->AddDays(1);
    if (today() < over) GoTo(over);
  }
  // A fresh application of the n-th applicant, brought to a state by those who may.
  std::string At(Application::State state, int n, int64_t tenge = 400'000) {
    const auto ok = [](const auto& step) { EXPECT_TRUE(step.ok()) << step.status(); };
    const std::string name = Create(Filed(n, tenge), Owner(n))->name();
    if (state == Application::DRAFT) return name;
    ok(Do<Application>("SubmitApplication", Owner(n), Naming<v1::SubmitApplicationRequest>(name)));
    if (state == Application::SUBMITTED) return name;
    ok(Check(name, true, checker_));
    if (state == Application::GATE_1) return name;
    ok(Gate(name, authority_));
    if (state == Application::EXAMINATION) return name;
    ok(Assign(name, checker_));
    for (const std::string& subject : Panel()) ok(ScoreIt(name, ExpertOf(subject)));
    ok(CloseScores(name, checker_));
    if (state == Application::COMMISSION) return name;
    Voted(name);
    ok(CloseIt(name, authority_));
    if (state == Application::APPROVED) return name;
    ok(WriteIt(name, writer_));
    if (state == Application::AGREEMENT_PENDING) return name;
    ok(Sign(name, Owner(n)));
    ok(Sign(name, authority_));
    if (state == Application::AGREEMENT_SIGNED) return name;
    PaidUp(name, n, 1);
    if (state == Application::IN_EXECUTION) return name;
    PaidUp(name, n, 2);
    PaidUp(name, n, 3);
    if (state == Application::MONITORING) return name;
    GoPastObligations(name);
    ok(Assess(name, state == Application::CLOSED ? "100" : "50", checker_));
    return name;
  }
  // A meeting with seven votes for the grant, not closed.
  void Voted(const std::string& name, bool in_favour = true) {
    const auto meeting = Open(name, authority_);
    EXPECT_TRUE(meeting.ok()) << meeting.status();
    for (int i = 1; i <= 7; ++i) {
      const auto vote = VoteOf(meeting->name(), ExpertOf(absl::StrCat("member-", i)), in_favour);
      EXPECT_TRUE(vote.ok()) << vote.status();
    }
  }
  void Proven(const std::string& name, int n, int tranche) {
    EXPECT_TRUE(Proof(name, tranche, Owner(n)).ok());
    const auto proven = Prove(name, tranche, checker_);
    EXPECT_TRUE(proven.ok()) << proven.status();
  }
  void PaidUp(const std::string& name, int n, int tranche) {
    Proven(name, n, tranche);
    const auto paid = Pay(name, tranche, payer_);
    EXPECT_TRUE(paid.ok()) << paid.status();
  }

  TableOfAnswers sources_;
  Sources* asked_ = &sources_;
  cases::Gate* gate_ = nullptr;  // null: the register's own
  bool own_gate_ = false;
  std::unique_ptr<rpc::LocalServer> server_;
  std::atomic<int> orders_{0};
  const rpc::Caller authority_ = CallerOf("ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller checker_ = CallerOf("checker@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller writer_ = CallerOf("writer@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller payer_ = CallerOf("kassa@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
};

}  // namespace nisi::grants
