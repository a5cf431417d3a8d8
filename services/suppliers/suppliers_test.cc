// Registrations, evidence and offers over the real service, with the clock moved by hand.
#include "absl/strings/str_replace.h"
#include "common/base/machine_testing.h"
#include "common/cases/machine_testing.h"
#include "nisi/rpc/v1/import.pb.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using ::testing::ElementsAre;
using S = v1::Supplier;

class RegistrationTest : public SuppliersTest {
 protected:
  absl::StatusOr<v1::Supplier> Review(const std::string& bin, bool accept,
                                      const rpc::Caller& caller) {
    v1::ReviewSupplierRequest request;
    request.set_name("suppliers/" + bin);
    request.set_etag(Get(bin, auditor_)->etag());
    request.set_verdict(accept ? v1::ReviewSupplierRequest::ACCEPT
                               : v1::ReviewSupplierRequest::SEND_BACK);
    request.set_reason("Адрес подтверждён выпиской.");
    return Do<v1::Supplier>("ReviewSupplier", caller, request);
  }
  absl::StatusOr<v1::Supplier> Suspend(const std::string& bin, const std::string& until = "") {
    v1::SuspendSupplierRequest request;
    request.set_name("suppliers/" + bin);
    request.set_reason("Проверка.");
    if (!until.empty()) *request.mutable_until() = Day(until).ToProto();
    return Do<v1::Supplier>("SuspendSupplier", authority_, request);
  }
  absl::StatusOr<v1::Supplier> Remove(const std::string& bin, const rpc::Caller& caller) {
    v1::RemoveSupplierRequest request;
    request.set_name("suppliers/" + bin);
    request.set_reason("Ликвидация.");
    return Do<v1::Supplier>("RemoveSupplier", caller, request);
  }
  absl::StatusOr<v1::Supplier> Update(const v1::Supplier& supplier, const rpc::Caller& caller) {
    v1::UpdateSupplierRequest request;
    *request.mutable_supplier() = supplier;
    return Do<v1::Supplier>("UpdateSupplier", caller, request);
  }
  std::vector<std::string> ListedAs(const rpc::Caller& caller, const std::string& filter = "",
                                    const std::string& kato = "", const std::string& as_of = "") {
    v1::ListSuppliersRequest request;
    request.set_filter(filter);
    request.set_kato_prefix(kato);
    if (!as_of.empty()) *request.mutable_as_of() = Day(as_of).ToProto();
    std::vector<std::string> bins;
    const auto page = Must<v1::ListSuppliersResponse>("ListSuppliers", caller, request);
    for (const auto& supplier : page.suppliers()) bins.push_back(supplier.bin());
    return bins;
  }
};

TEST_F(RegistrationTest, ASupplierRegistersIsVerifiedAndIsInTheRegister) {
  const std::string bin = Bin(1);
  const auto draft = Register(bin);
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->name(), "suppliers/" + bin);
  EXPECT_EQ(draft->state(), S::DRAFT);
  EXPECT_EQ(base::ReasonOf(Get(bin, public_).status()), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(Get(bin, Owner(Bin(2))).status()), "ACCESS_DENIED");
  EXPECT_TRUE(Get(bin, Owner(bin)).ok());

  const auto submitted = Submit(bin);
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->state(), S::SUBMITTED);
  LetAsk();
  EXPECT_EQ(StateOf(bin), S::AUTO_VERIFICATION);
  EXPECT_EQ(Get(bin, auditor_)->due_date().day(), 16);  // one working day

  const auto active = Verify(bin);
  ASSERT_TRUE(active.ok()) << active.status();
  EXPECT_EQ(active->state(), S::ACTIVE);
  EXPECT_FALSE(active->has_due_date());
  EXPECT_EQ(active->decision().outcome(), "ACTIVE");
  EXPECT_TRUE(active->decision().rests_on_assumption());
  EXPECT_EQ(base::Date::FromProto(active->valid_until())->ToString(), "2029-06-14");
  EXPECT_TRUE(Get(bin, public_).ok());
  EXPECT_THAT(ListedAs(public_), ElementsAre(bin));

  v1::ReplayDecisionRequest replay;
  replay.set_name("suppliers/" + bin);
  EXPECT_TRUE(Must<v1::ReplayDecisionResponse>("ReplayDecision", Owner(bin), replay).same());
  EXPECT_EQ(base::ReasonOf(
                Do<v1::ReplayDecisionResponse>("ReplayDecision", Owner(Bin(2)), replay).status()),
            "ACCESS_DENIED");
}

TEST_F(RegistrationTest, WhatTheRegistersSayDecides) {
  using Answer = v1::VerifySupplierRequest::Answer;
  struct {
    const char* what;
    std::function<void(v1::VerifySupplierRequest*)> change;
    const char* unmet;  // the finding
  } const cases[] = {
      {"all satisfied", [](auto*) {}, ""},
      {"one denied", [](auto* r) { r->mutable_answers(2)->set_satisfied(false); }, "PLACE"},
      {"one did not answer", [](auto* r) { r->mutable_answers()->RemoveLast(); }, "RELIABLE"},
      {"none answered", [](auto* r) { r->clear_answers(); }, "REGISTERED"},
      {"an answer of before it was handed in",
       [](auto* r) { r->mutable_answers(0)->mutable_answer_time()->set_seconds(1'700'000'000); },
       "ANSWERS_FRESH"},
      {"an answer of tomorrow",
       [](auto* r) {
         auto* time = r->mutable_answers(0)->mutable_answer_time();
         time->set_seconds(time->seconds() + 86'400);
       },
       "ANSWERS_FRESH"},
  };
  int n = 10;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const std::string bin = Bin(n++);
    ASSERT_TRUE(Register(bin).ok());
    ASSERT_TRUE(Submit(bin).ok());
    LetAsk();
    auto request = Answers(bin);
    c.change(&request);
    const auto verified = Do<v1::Supplier>("VerifySupplier", verifier_, request);
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(verified->state(), *c.unmet == '\0' ? S::ACTIVE : S::MANUAL_REVIEW);
    std::string unmet;
    for (const auto& finding : verified->decision().findings()) {
      if (!finding.satisfied() && unmet.empty()) unmet = finding.rule();
      EXPECT_FALSE(finding.legal_basis().article().empty());
    }
    EXPECT_EQ(unmet, c.unmet);
    const auto& registered = verified->decision().findings(0);
    ASSERT_EQ(registered.facts_size(), 2);
    EXPECT_EQ(registered.facts(1).value(), request.answers_size() == 0 ? "not answered" : "LE-1");
    EXPECT_EQ(registered.facts(1).source(),
              request.answers_size() == 0 ? "request" : "legal_entities");
  }
  const std::string bin = Bin(n);
  ASSERT_TRUE(Register(bin).ok());
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  auto twice = Answers(bin);
  twice.mutable_answers(1)->set_check(Answer::REGISTERED);
  EXPECT_EQ(base::ReasonOf(Do<v1::Supplier>("VerifySupplier", verifier_, twice).status()),
            "INVALID_FIELD");
  auto nameless = Answers(bin);
  nameless.mutable_answers(1)->clear_reference();
  EXPECT_EQ(base::ReasonOf(Do<v1::Supplier>("VerifySupplier", verifier_, nameless).status()),
            "INVALID_FIELD");
}

TEST_F(RegistrationTest, AReviewSettlesWhatIsNotDenied) {
  const std::string bin = Bin(1);
  ASSERT_TRUE(Register(bin).ok());
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  ASSERT_EQ(Verify(bin, /*satisfied=*/false)->state(), S::MANUAL_REVIEW);
  EXPECT_EQ(base::ReasonOf(Review(bin, true, verifier_).status()), "SEPARATION_OF_DUTIES");
  const auto accepted = Review(bin, true, institute_);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->state(), S::ACTIVE);
  v1::ReplayDecisionRequest replay;
  replay.set_name("suppliers/" + bin);
  EXPECT_TRUE(Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay).same());

  const std::string denied = Bin(2);
  ASSERT_TRUE(Register(denied).ok());
  ASSERT_TRUE(Submit(denied).ok());
  LetAsk();
  auto answers = Answers(denied);
  answers.mutable_answers(4)->set_satisfied(false);  // ACTING
  ASSERT_TRUE(Do<v1::Supplier>("VerifySupplier", verifier_, answers).ok());
  EXPECT_EQ(base::ReasonOf(Review(denied, true, institute_).status()), "REVIEW_OVERRULES_REGISTER");
  const auto back = Review(denied, false, institute_);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->state(), S::DRAFT);
  EXPECT_FALSE(back->reason().empty());
  // Another case: who examined the last time may examine again.
  ASSERT_TRUE(Submit(denied).ok());
  LetAsk();
  EXPECT_EQ(Verify(denied)->state(), S::ACTIVE);
}

TEST_F(RegistrationTest, AVerificationThatIsLateBecomesAReviewAtMidnight) {
  const std::string bin = Bin(1);
  ASSERT_TRUE(Register(bin).ok());
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  clock_.Set(Day("2026-06-16").EndOfDay() - absl::Seconds(1));
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(StateOf(bin), S::AUTO_VERIFICATION);
  GoTo(Day("2026-06-17"));
  EXPECT_EQ(StateOf(bin), S::MANUAL_REVIEW);
  EXPECT_TRUE(Get(bin, auditor_)->has_due_date());
  // No register denied anything: by hand it may be settled.
  EXPECT_EQ(Review(bin, true, institute_)->state(), S::ACTIVE);
}

TEST_F(RegistrationTest, ATermEndsByItselfAlsoAfterAStop) {
  const std::string bin = Active(1);
  EXPECT_TRUE(Get(bin, public_, "2029-06-14").ok());
  EXPECT_FALSE(Get(bin, public_, "2029-06-15").ok());  // as it will be, before any timer
  EXPECT_THAT(ListedAs(public_, "", "", "2029-06-14"), ElementsAre(bin));
  EXPECT_THAT(ListedAs(public_, "", "", "2029-06-15"), ElementsAre());
  service_.reset();
  clock_.Set(Day("2029-07-20").StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(StateOf(bin), S::EXPIRED);
  EXPECT_TRUE(Get(bin, public_, "2029-06-14").ok());
  EXPECT_EQ(Get(bin, auditor_, "2029-06-15")->state(), S::EXPIRED);  // from its day on
  EXPECT_TRUE(Submit(bin).ok());
}

TEST_F(RegistrationTest, ASuspensionEndsOnItsDayAndAMeasureIsNotShed) {
  const std::string bin = Active(1);
  EXPECT_EQ(base::ReasonOf(Suspend(bin, "2026-06-15").status()), "SUSPENSION_END_PAST");
  ASSERT_TRUE(Suspend(bin, "2026-07-01").ok());
  EXPECT_FALSE(Get(bin, public_).ok());
  EXPECT_TRUE(Get(bin, public_, "2026-07-01").ok());
  GoTo(Day("2026-07-01"));
  EXPECT_EQ(StateOf(bin), S::ACTIVE);
  EXPECT_FALSE(Get(bin, auditor_)->has_suspended_until());

  ASSERT_TRUE(Suspend(bin).ok());
  ASSERT_TRUE(Remove(bin, Owner(bin)).ok());
  ASSERT_TRUE(Register(bin).ok());
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  const auto verified = Verify(bin);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->state(), S::MANUAL_REVIEW);
  EXPECT_EQ(Review(bin, true, institute_)->state(), S::ACTIVE);
  // It has lifted the measure.
  ASSERT_TRUE(Remove(bin, Owner(bin)).ok());
  ASSERT_TRUE(Register(bin).ok());
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  EXPECT_EQ(Verify(bin)->state(), S::ACTIVE);
}

// Who wrote what another handed in does not settle it.
TEST_F(RegistrationTest, WhoeverWroteItDoesNotVerifyWhatAnotherHandedIn) {
  const std::string bin = Bin(1);
  const rpc::Caller both =
      CallerOf("both", {rpc::v1::ENTITY, rpc::v1::INSTITUTE_LOCAL_CONTENT}, bin);
  v1::RegisterSupplierRequest request;
  *request.mutable_supplier() = MakeSupplier(bin);
  ASSERT_TRUE(Do<S>("RegisterSupplier", both, request).ok());
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  EXPECT_EQ(base::ReasonOf(Do<S>("VerifySupplier", both, Answers(bin)).status()),
            "SEPARATION_OF_DUTIES");
  EXPECT_EQ(Verify(bin, false)->state(), S::MANUAL_REVIEW);
  EXPECT_EQ(base::ReasonOf(Review(bin, true, both).status()), "SEPARATION_OF_DUTIES");
  // Who examined is forgotten when it is handed in again, who wrote it is not.
  ASSERT_EQ(Review(bin, false, institute_)->state(), S::DRAFT);
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  EXPECT_EQ(base::ReasonOf(Do<S>("VerifySupplier", both, Answers(bin)).status()),
            "SEPARATION_OF_DUTIES");
  EXPECT_EQ(Verify(bin)->state(), S::ACTIVE);
}

// The registration runs out while it is suspended until a day: on that day the suspension is over,
// too, and does not become one without an end.
TEST_F(RegistrationTest, ASuspensionEndsOnItsDayAlsoWhereTheRegistrationExpiredBefore) {
  const std::string early = Active(1), late = Active(2);
  GoTo(Day("2029-06-10"));
  ASSERT_TRUE(Suspend(early, "2029-07-01").ok());
  ASSERT_TRUE(Suspend(late, "2029-07-01").ok());
  GoTo(Day("2029-06-20"));
  EXPECT_EQ(StateOf(early), S::EXPIRED);
  ASSERT_TRUE(Submit(early).ok());
  LetAsk();
  EXPECT_EQ(Verify(early)->state(), S::MANUAL_REVIEW);  // it is not shed before
  GoTo(Day("2029-07-01"));
  ASSERT_TRUE(Submit(late).ok());
  LetAsk();
  EXPECT_EQ(Verify(late)->state(), S::ACTIVE);
}

TEST_F(RegistrationTest, MeasuresExplainThemselvesAndEarlierDecisionsStay) {
  const std::string bin = Active(1);
  Advance(absl::Hours(1));
  const absl::Time verified = clock_.Now();
  const auto replayed = [&](const std::string& outcome, const std::string& as_of = "",
                            absl::Time known_at = absl::InfiniteFuture()) {
    v1::ReplayDecisionRequest request;
    request.set_name("suppliers/" + bin);
    if (!as_of.empty()) *request.mutable_as_of() = Day(as_of).ToProto();
    if (known_at != absl::InfiniteFuture())
      request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known_at));
    const auto answer = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, request);
    EXPECT_TRUE(answer.same());
    EXPECT_EQ(answer.stored().outcome(), outcome);
    EXPECT_TRUE(answer.stored().has_decide_time());
    for (const auto& finding : answer.stored().findings()) {
      EXPECT_TRUE(finding.satisfied()) << finding.rule();
      EXPECT_FALSE(finding.legal_basis().article().empty());
    }
    return answer.stored().findings_size();
  };
  GoTo(Day("2026-06-20"));
  ASSERT_TRUE(Suspend(bin, "2026-07-01").ok());
  EXPECT_EQ(replayed("SUSPENDED"), 2);
  EXPECT_EQ(replayed("ACTIVE", "2026-06-19"), 9);
  EXPECT_EQ(replayed("ACTIVE", "", verified), 9);
  GoTo(Day("2026-06-25"));
  v1::ReinstateSupplierRequest back;
  back.set_name("suppliers/" + bin);
  back.set_reason("Проверено.");
  ASSERT_TRUE(Do<v1::Supplier>("ReinstateSupplier", institute_, back).ok());
  EXPECT_EQ(replayed("ACTIVE"), 2);
  EXPECT_EQ(replayed("SUSPENDED", "2026-06-24"), 2);
  GoTo(Day("2026-06-26"));
  ASSERT_TRUE(Remove(bin, authority_).ok());
  EXPECT_EQ(replayed("REMOVED"), 2);
}

// What fell due while the process was down acts in the order of its days, each from its own.
TEST_F(RegistrationTest, WhatFellDueDuringAStopActsInOrder) {
  const std::string bin = Active(1), forever = Active(2);
  ASSERT_TRUE(Suspend(bin, "2026-07-01").ok());
  ASSERT_TRUE(Suspend(forever).ok());
  service_.reset();
  clock_.Set(Day("2029-07-20").StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Get(bin, auditor_, "2026-06-30")->state(), S::SUSPENDED);
  EXPECT_EQ(Get(bin, auditor_, "2026-07-01")->state(), S::ACTIVE);
  EXPECT_EQ(Get(bin, auditor_, "2029-06-14")->state(), S::ACTIVE);
  EXPECT_EQ(Get(bin, auditor_, "2029-06-15")->state(), S::EXPIRED);
  // A suspension does not stop the term.
  EXPECT_EQ(Get(forever, auditor_, "2029-06-14")->state(), S::SUSPENDED);
  EXPECT_EQ(StateOf(forever), S::EXPIRED);
}

// Its timer is late, and meanwhile somebody edits the record, still as it was stored: the step
// holds after that edit.
TEST_F(RegistrationTest, AnEditBeforeATimerThatIsLateDoesNotUndoIt) {
  const std::string suspended = Active(1), expires = Active(2);
  ASSERT_TRUE(Suspend(suspended, "2026-07-01").ok());
  v1::Supplier change;
  change.set_website("https://zavod.example");
  clock_.Set(Day("2026-07-20").StartOfDay());
  change.set_name("suppliers/" + suspended);
  ASSERT_TRUE(Update(change, Owner(suspended)).ok());
  GoTo(Day("2026-07-21"));
  // By the index of states, which holds them as they are stored.
  EXPECT_THAT(ListedAs(auditor_, "state = \"SUSPENDED\""), ElementsAre());
  EXPECT_THAT(ListedAs(auditor_, "state = \"ACTIVE\""), ::testing::SizeIs(2));
  clock_.Set(Day("2029-07-01").StartOfDay());
  change.set_name("suppliers/" + expires);
  ASSERT_TRUE(Update(change, Owner(expires)).ok());
  GoTo(Day("2029-07-02"));
  EXPECT_THAT(ListedAs(auditor_, "state = \"ACTIVE\""), ElementsAre());
  EXPECT_THAT(ListedAs(auditor_, "state = \"EXPIRED\""), ::testing::SizeIs(2));
}

TEST_F(RegistrationTest, WhatWasKnownThenIsAnsweredAgain) {
  const std::string bin = Active(1);
  Advance(absl::Hours(1));
  const absl::Time knew = clock_.Now();
  Advance(absl::Hours(1));
  v1::Supplier change;
  change.set_name("suppliers/" + bin);
  change.set_name_ru("ТОО Другое имя");
  ASSERT_TRUE(Update(change, Owner(bin)).ok());
  EXPECT_FALSE(Get(bin, public_).ok());
  v1::GetSupplierRequest request;
  request.set_name("suppliers/" + bin);
  request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(knew));
  const auto then = Do<v1::Supplier>("GetSupplier", public_, request);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->state(), S::ACTIVE);
  EXPECT_EQ(then->name_ru(), "ТОО Завод " + bin);
  v1::ListSuppliersRequest list;
  *list.mutable_known_at() = request.known_at();
  EXPECT_EQ(Must<v1::ListSuppliersResponse>("ListSuppliers", public_, list).suppliers_size(), 1);
}

// Of a day long after: what was known then said that it is ACTIVE to its last day, so it was known
// then that it is not on a later one.
TEST_F(RegistrationTest, WhatWasKnownThenIsShownAsOfToday) {
  const std::string bin = Active(1);
  Advance(absl::Hours(1));
  v1::GetSupplierRequest request;
  request.set_name("suppliers/" + bin);
  request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  v1::ListSuppliersRequest list;
  *list.mutable_known_at() = request.known_at();
  const auto listed = [&](const rpc::Caller& caller, const char* filter) {
    list.set_filter(filter);
    return Must<v1::ListSuppliersResponse>("ListSuppliers", caller, list).suppliers_size();
  };
  EXPECT_EQ(listed(public_, "state = \"ACTIVE\""), 1);
  GoTo(Day("2029-06-20"));
  ASSERT_EQ(StateOf(bin), S::EXPIRED);
  EXPECT_FALSE(Do<v1::Supplier>("GetSupplier", public_, request).ok());
  const auto then = Do<v1::Supplier>("GetSupplier", auditor_, request);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->state(), S::EXPIRED);
  EXPECT_EQ(listed(public_, ""), 0);
  EXPECT_EQ(listed(auditor_, "state = \"ACTIVE\""), 0);
  EXPECT_EQ(listed(auditor_, "state = \"EXPIRED\""), 1);
  *list.mutable_as_of() = Day("2026-06-20").ToProto();
  EXPECT_EQ(listed(public_, "state = \"ACTIVE\""), 1);
}

TEST_F(RegistrationTest, ADecisionWithoutAFactIsNotGuessed) {
  const std::string bin = Active(1);
  auto decision = Get(bin, auditor_)->decision();
  for (auto& finding : *decision.mutable_findings()) {
    for (auto& fact : *finding.mutable_facts()) {
      if (fact.name() == "measure") fact.set_name("other");
    }
  }
  EXPECT_EQ(base::ReasonOf(ReplaySupplier(decision).status()), "FACT_MISSING");
  v1::ReplayDecisionRequest replay;
  ASSERT_TRUE(Register(Bin(2)).ok());
  replay.set_name("suppliers/" + Bin(2));
  EXPECT_EQ(
      base::ReasonOf(Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay).status()),
      "DECISION_MISSING");
}

TEST_F(RegistrationTest, AnEditOfWhatWasVerifiedLeavesTheRegister) {
  const std::string bin = Active(1);
  v1::Supplier change;
  change.set_name("suppliers/" + bin);
  change.set_website("https://zavod.example");
  change.mutable_finance()->set_staff(90);
  change.mutable_finance()->mutable_annual_income()->set_currency_code("KZT");
  change.mutable_finance()->mutable_annual_income()->set_units(100'000'000);
  change.mutable_finance()->set_year(2024);
  auto updated = Update(change, Owner(bin));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->state(), S::ACTIVE);
  EXPECT_EQ(updated->size(), v1::SMALL);
  EXPECT_THAT(ListedAs(public_, "size = SMALL"), ElementsAre(bin));
  change.mutable_finance()->set_year(1995);
  EXPECT_EQ(base::ReasonOf(Update(change, Owner(bin)).status()), "SIZE_NORM_MISSING");
  EXPECT_EQ(SubjectOf(Update(change, Owner(bin)).status()), "supplier.finance.year");
  change.mutable_finance()->clear_year();  // nobody is told of norms of the year 1
  EXPECT_EQ(base::ReasonOf(Update(change, Owner(bin)).status()), "INVALID_FIELD");
  change.clear_finance();
  change.set_kato("710000000");
  updated = Update(change, Owner(bin));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->state(), S::DRAFT);
  EXPECT_FALSE(updated->has_valid_until());
  EXPECT_THAT(ListedAs(public_), ElementsAre());
  EXPECT_THAT(ListedAs(institute_, "", "71"), ElementsAre(bin));
  EXPECT_THAT(ListedAs(institute_, "", "75"), ElementsAre());
  rpc::Caller akimat = CallerOf("akimat", {rpc::v1::AKIMAT});
  akimat.regions = {"71"};
  EXPECT_THAT(ListedAs(akimat), ElementsAre(bin));
  akimat.regions = {"75"};
  EXPECT_THAT(ListedAs(akimat), ElementsAre());
}

TEST_F(RegistrationTest, AProfileWithoutWhatIsNeededIsNotHandedIn) {
  const std::string bin = Bin(1);
  v1::RegisterSupplierRequest request;
  *request.mutable_supplier() = MakeSupplier(bin);
  request.mutable_supplier()->clear_contacts();
  ASSERT_TRUE(Do<v1::Supplier>("RegisterSupplier", Owner(bin), request).ok());
  EXPECT_EQ(base::ReasonOf(Submit(bin).status()), "PROFILE_INCOMPLETE");
  EXPECT_EQ(base::ReasonOf(Do<v1::Supplier>("RegisterSupplier", Owner(Bin(2)), request).status()),
            "ACCESS_DENIED");  // for another
}

class SupplierWalkTest : public RegistrationTest {
 protected:
  absl::Status Act(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const std::string bin = name.substr(10);
    rpc::Caller caller = CallerOf(absl::StrCat("walker-", ++walkers_), {as}, bin);
    caller.regions = {"75"};
    switch (static_cast<SupplierVerb>(edge.verb)) {
      case SupplierVerb::kRegister: {
        v1::RegisterSupplierRequest request;
        *request.mutable_supplier() = MakeSupplier(bin);
        return Do<v1::Supplier>("RegisterSupplier", caller, request).status();
      }
      case SupplierVerb::kEdit:
      case SupplierVerb::kEditContacts: {
        v1::Supplier change;
        change.set_name(name);
        if (static_cast<SupplierVerb>(edge.verb) == SupplierVerb::kEdit) {
          change.set_name_en(absl::StrCat("Works ", walkers_));
        } else {
          change.set_website(absl::StrCat("https://works.example/", walkers_));
        }
        return Update(change, caller).status();
      }
      case SupplierVerb::kSubmit: {
        v1::SubmitSupplierRequest request;
        request.set_name(name);
        return Do<v1::Supplier>("SubmitSupplier", caller, request).status();
      }
      case SupplierVerb::kVerify:
        return Do<v1::Supplier>("VerifySupplier", caller, Answers(bin, edge.to == Supplier::ACTIVE))
            .status();
      case SupplierVerb::kAccept:
      case SupplierVerb::kSendBack:
        return Review(bin, static_cast<SupplierVerb>(edge.verb) == SupplierVerb::kAccept, caller)
            .status();
      case SupplierVerb::kSuspend: {
        v1::SuspendSupplierRequest request;
        request.set_name(name);
        request.set_reason("Проверка.");
        *request.mutable_until() = today().AddDays(1).ToProto();
        return Do<v1::Supplier>("SuspendSupplier", caller, request).status();
      }
      case SupplierVerb::kReinstate: {
        v1::ReinstateSupplierRequest request;
        request.set_name(name);
        request.set_reason("Проверено.");
        return Do<v1::Supplier>("ReinstateSupplier", caller, request).status();
      }
      case SupplierVerb::kRemove:
        return Remove(bin, caller).status();
      case SupplierVerb::kImport:
        return Import(bin, caller);
      default:
        return absl::InternalError("nobody calls this");
    }
  }
  // What the report of a file of one row says of it; one that is refused is only tried, since the
  // journal keeps that a report was given.
  absl::Status Import(const std::string& bin, const rpc::Caller& caller) {
    std::vector<v1::ImportSuppliersRequest> messages(2);
    messages[0].mutable_header()->set_request_id(NextUuid());
    messages[0].mutable_header()->set_row_count(1);
    auto* row = messages[1].mutable_rows()->add_rows();
    row->set_bin(bin);
    row->set_name_ru("Завод");
    row->set_kato("751110000");
    row->set_oked("28.14");
    row->set_activities("PRODUCER");
    row->set_phone("+77172000000");
    messages[0].mutable_header()->set_dry_run(true);
    ASSIGN_OR_RETURN(const std::string bytes, Upload("ImportSuppliers", caller, messages));
    rpc::v1::ImportReport report;
    report.ParseFromString(bytes);
    if (report.entered_count() == 1) {
      messages[0].mutable_header()->set_dry_run(false);
      return Upload("ImportSuppliers", caller, messages).status();
    }
    return base::Refusal(absl::StatusCode::kFailedPrecondition, report.rows(0).reason(), "refused")
        .Cite(report.legal_basis(0));
  }
  absl::Status Happen(const base::EdgeDef& edge, const std::string& name) {
    switch (static_cast<SupplierVerb>(edge.verb)) {
      case SupplierVerb::kAskRegisters:
        LetAsk();
        return absl::OkStatus();
      case SupplierVerb::kVerifyLate:
        GoTo(today().AddDays(8));
        return absl::OkStatus();
      case SupplierVerb::kEndSuspension:
        GoTo(today().AddDays(1));
        return absl::OkStatus();
      default: {
        ASSIGN_OR_RETURN(const base::Date last,
                         base::Date::FromProto(Get(name.substr(10), auditor_)->valid_until()));
        GoTo(last.AddDays(1));
        return absl::OkStatus();
      }
    }
  }
  int walkers_ = 0;
};

TEST(SupplierMachineTest, IsSound) {
  cases::ExpectSound(SupplierMachine());
  cases::ExpectSound(EvidenceMachine());
  for (const base::MachineDef* machine : Machines())
    base::ExpectReadmeShows(*machine, "services/suppliers/README.md");
}

TEST_F(SupplierWalkTest, EveryVerbByEveryRoleInEveryState) {
  int n = 100;
  cases::MachineFixture fixture;
  fixture.make = [&] {
    const std::string bin = Bin(n++);
    EXPECT_TRUE(Register(bin).ok());
    return "suppliers/" + bin;
  };
  fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    return Act(edge, name, as);
  };
  fixture.happen = [this](const base::EdgeDef& edge, const std::string& name) {
    return Happen(edge, name);
  };
  fixture.state = [this](const std::string& name) { return StateOf(name.substr(10)); };
  fixture.position = [this] { return position(); };
  const cases::Walked walked = cases::WalkMachine(SupplierMachine(), fixture);
  EXPECT_EQ(walked.taken, 43);
}

class EvidenceTest : public SuppliersTest {
 protected:
  absl::StatusOr<v1::Evidence> Add(const v1::Evidence& evidence, const rpc::Caller& caller) {
    v1::AddEvidenceRequest request;
    *request.mutable_evidence() = evidence;
    return Do<v1::Evidence>("AddEvidence", caller, request);
  }
  absl::StatusOr<v1::Evidence> Confirm(const std::string& name, const rpc::Caller& caller) {
    v1::ConfirmEvidenceRequest request;
    request.set_name(name);
    const auto current = GetPaper(name, auditor_);
    if (current.ok()) request.set_etag(current->etag());
    return Do<v1::Evidence>("ConfirmEvidence", caller, request);
  }
  absl::StatusOr<v1::Evidence> Revoke(const std::string& name, const rpc::Caller& caller,
                                      const std::string& day = "") {
    v1::RevokeEvidenceRequest request;
    request.set_name(name);
    request.set_reason("Отозван издателем.");
    if (!day.empty()) *request.mutable_revoke_date() = Day(day).ToProto();
    return Do<v1::Evidence>("RevokeEvidence", caller, request);
  }
  absl::StatusOr<v1::Evidence> GetPaper(const std::string& name, const rpc::Caller& caller) {
    v1::GetEvidenceRequest request;
    request.set_name(name);
    return Do<v1::Evidence>("GetEvidence", caller, request);
  }
  absl::StatusOr<v1::Offer> GetOffer(const std::string& name, const rpc::Caller& caller,
                                     const std::string& as_of = "") {
    v1::GetOfferRequest request;
    request.set_name(name);
    if (!as_of.empty()) *request.mutable_as_of() = Day(as_of).ToProto();
    return Do<v1::Offer>("GetOffer", caller, request);
  }
};

TEST_F(EvidenceTest, CountsToMidnightOfItsLastDayWithoutAnyTimer) {
  const std::string bin = Active(1);
  v1::Evidence st_kz = MakeEvidence(bin, "KZ-1", 4'550, "2026-06-01", v1::Evidence::ST_KZ);
  const std::string name = Confirmed(st_kz);
  EXPECT_EQ(base::Date::FromProto(GetPaper(name, public_)->valid_until())->ToString(),
            "2027-05-31");
  EXPECT_EQ(DomesticOn(bin, "2026-05-31").reason(), "NOT_ACTIVE");  // it registered later
  EXPECT_TRUE(DomesticOn(bin, "2026-06-15").domestic());
  EXPECT_EQ(DomesticOn(bin, "2026-06-15").in_country_value_bp(), 4'550);
  EXPECT_TRUE(DomesticOn(bin, "2027-05-31").domestic());
  EXPECT_EQ(DomesticOn(bin, "2027-06-01").reason(), "NO_VALID_EVIDENCE");
  EXPECT_EQ(DomesticOn(bin, "2026-06-15", kOtherCode).reason(), "NO_VALID_EVIDENCE");

  // By the clock: midnight legal time is 19:00 UTC of the day before.
  clock_.Set(Day("2027-05-31").EndOfDay() - absl::Milliseconds(1));
  ASSERT_TRUE(store().RunDueTimers().ok());  // the warning
  v1::CheckDomesticRequest now;
  now.add_bins(bin);
  EXPECT_TRUE(Must<v1::CheckDomesticResponse>("CheckDomestic", public_, now).results(0).domestic());
  // Several days, with one question.
  v1::CheckDomesticRequest days;
  days.add_bins(bin);
  *days.mutable_on_date() = Day("2027-06-01").ToProto();
  for (const char* day : {"2027-06-01", "2026-06-15", "2027-06-01"}) {
    days.add_questions()->set_bin(bin);
    *days.mutable_questions()->rbegin()->mutable_on_date() = Day(day).ToProto();
  }
  const auto said = Must<v1::CheckDomesticResponse>("CheckDomestic", public_, days);
  std::string answers;
  for (const auto& result : said.results()) {
    EXPECT_EQ(result.bin(), bin);
    absl::StrAppend(&answers, base::Date::FromProto(result.on_date())->ToString(),
                    result.domestic() ? " yes, " : " no, ");
  }
  EXPECT_EQ(answers, "2027-06-01 no, 2027-06-01 no, 2026-06-15 yes, 2027-06-01 no, ");
  EXPECT_EQ(base::ReasonOf(
                Do<v1::CheckDomesticResponse>("CheckDomestic", public_, v1::CheckDomesticRequest())
                    .status()),
            "INVALID_FIELD");
  const int64_t before = position();
  GoTo(Day("2027-06-01"));
  const auto after = Must<v1::CheckDomesticResponse>("CheckDomestic", public_, now);
  EXPECT_FALSE(after.results(0).domestic());
  EXPECT_EQ(after.results(0).decision().findings(1).legal_basis().article(), "Art. 51(2)");
  EXPECT_EQ(position(), before);              // nothing was written at midnight
  EXPECT_TRUE(GetPaper(name, public_).ok());  // it stays readable
}

// The size on each of the days asked about, with the version that it is from: of whoever is in the
// public register then, domestic or not.
TEST_F(EvidenceTest, TheSizeOfEachDay) {
  const auto told = [&](const std::string& bin, const std::vector<const char*>& days) {
    v1::CheckDomesticRequest request;
    for (const char* day : days) {
      request.add_questions()->set_bin(bin);
      *request.mutable_questions()->rbegin()->mutable_on_date() = Day(day).ToProto();
    }
    std::string sizes;
    const auto said = Must<v1::CheckDomesticResponse>("CheckDomestic", public_, request);
    for (const auto& result : said.results()) {
      absl::StrAppend(&sizes, v1::Size_Name(result.size()),
                      result.size_rests_on_assumption() ? " assumed" : "",
                      result.supplier_etag().empty() ? " of none" : "",
                      result.domestic() ? " domestic" : "", ", ");
    }
    return sizes;
  };
  const std::string bin = Active(1);
  const auto edit = [&](int32_t staff) {
    v1::UpdateSupplierRequest request;
    v1::Supplier& change = *request.mutable_supplier();
    change.set_name("suppliers/" + bin);
    change.mutable_finance()->set_staff(staff);
    change.mutable_finance()->mutable_annual_income()->set_currency_code("KZT");
    change.mutable_finance()->mutable_annual_income()->set_units(100'000'000);
    change.mutable_finance()->set_year(2024);
    request.mutable_update_mask()->add_paths("finance");
    Must<v1::Supplier>("UpdateSupplier", Owner(bin), request);
  };
  edit(90);
  GoTo(Day("2026-07-10"));
  edit(300);
  EXPECT_EQ(told(bin, {"2026-06-14", "2026-06-15", "2026-07-09", "2026-07-10"}),
            "SIZE_UNSPECIFIED of none, SMALL assumed, SMALL assumed, LARGE assumed, ");
  v1::CheckDomesticRequest now;
  now.add_bins(bin);
  const auto said = Must<v1::CheckDomesticResponse>("CheckDomestic", public_, now);
  EXPECT_EQ(said.results(0).supplier_etag(), Get(bin, public_)->etag());
}

// What was made, by which record and since when (Art. 46(1)(1)): also when nobody makes it any
// more.
TEST_F(EvidenceTest, WhatWasMadeBefore) {
  const auto made = [this](const std::string& code, const char* day) {
    v1::CheckProductionRequest request;
    request.add_ens_tru(code);
    *request.mutable_on_date() = Day(day).ToProto();
    return Must<v1::CheckProductionResponse>("CheckProduction", public_, request).results(0);
  };
  const std::string bin = Active(1);
  EXPECT_FALSE(made(kCode, "2026-06-15").made());
  // A claim that nobody has confirmed says nothing.
  const auto claimed = Add(MakeEvidence(bin, "1", 5'000), Owner(bin));
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  EXPECT_FALSE(made(kCode, "2026-06-15").made());
  ASSERT_TRUE(Confirm(claimed->name(), institute_).ok());
  const base::Date first = *base::Date::FromProto(claimed->valid_from());
  EXPECT_FALSE(made(kCode, first.AddDays(-1).ToString().c_str()).made());
  const auto since = made(kCode, first.ToString().c_str());
  EXPECT_TRUE(since.made());
  EXPECT_EQ(since.source(), claimed->name());
  EXPECT_EQ(*base::Date::FromProto(since.since()), first);
  EXPECT_FALSE(since.version().empty());
  EXPECT_TRUE(made(kCode, "2040-01-01").made()) << "it ran out, and it was made before";
  EXPECT_FALSE(made(kOtherCode, "2040-01-01").made());
}

// Evidence that is no entry in the register tells it, too, whatever became of the offer that rested
// on it: nobody makes its goods new ones by ending an offer.
TEST_F(EvidenceTest, WhatWasMadeByACertificate) {
  const std::string bin = Active(1);
  v1::Evidence paper = MakeEvidence(bin, "1", 5'000);
  paper.set_type(v1::Evidence::ST_KZ);
  const auto added = Add(paper, Owner(bin));
  ASSERT_TRUE(added.ok()) << added.status();
  v1::CheckProductionRequest request;
  request.add_ens_tru(kCode);
  const auto asked = [&] {
    return Must<v1::CheckProductionResponse>("CheckProduction", public_, request);
  };
  v1::Offer offer = MakeOffer(bin);
  offer.add_evidence(added->name());
  const std::string offered = Offered(offer).name();
  EXPECT_FALSE(asked().results(0).made()) << "nobody has confirmed it";
  ASSERT_TRUE(Confirm(added->name(), institute_).ok());
  EXPECT_TRUE(asked().results(0).made());
  v1::DeleteOfferRequest end;
  end.set_name(offered);
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), end).ok());
  const auto after = asked();
  EXPECT_TRUE(after.results(0).made());
  EXPECT_EQ(after.results(0).source(), added->name());
  EXPECT_EQ(after.legal_basis().article(), "Art. 46(1)(1)");
}

TEST_F(EvidenceTest, ASupplierDoesNotMakeItselfDomestic) {
  const std::string bin = Active(1);
  const auto added = Add(MakeEvidence(bin, "1", 5'000), Owner(bin));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->state(), v1::Evidence::ADDED);
  EXPECT_EQ(DomesticOn(bin, "2026-06-15").reason(), "NO_VALID_EVIDENCE");
  EXPECT_EQ(base::ReasonOf(GetPaper(added->name(), public_).status()), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(GetPaper(added->name(), Owner(Bin(2))).status()), "ACCESS_DENIED");
  EXPECT_TRUE(GetPaper(added->name(), Owner(bin)).ok());
  v1::Offer offer = MakeOffer(bin);
  offer.add_evidence(added->name());
  const std::string offered = Offered(offer).name();
  EXPECT_EQ(GetOffer(offered, public_)->in_country_value_size(), 0);
  ASSERT_TRUE(Confirm(added->name(), institute_).ok());
  EXPECT_TRUE(DomesticOn(bin, "2026-06-15").domestic());
  ASSERT_EQ(GetOffer(offered, public_)->in_country_value_size(), 1);
  EXPECT_EQ(GetOffer(offered, public_)->in_country_value(0).in_country_value_bp(), 5'000);
  v1::ReplayEvidenceDecisionRequest replay;
  replay.set_name(added->name());
  EXPECT_TRUE(Must<v1::ReplayEvidenceDecisionResponse>("ReplayEvidenceDecision", Owner(bin), replay)
                  .same());
}

// A paper that was void from a past day on: what is asked of that day now shows it, what was known
// before does not change.
TEST_F(EvidenceTest, RevokedFromAPastDayChangesThatDayAndNotWhatWasKnown) {
  const std::string bin = Active(1);
  const std::string name = Confirmed(MakeEvidence(bin, "1", 5'000));
  v1::Offer offer = MakeOffer(bin);
  offer.add_evidence(name);
  const std::string offered = Offered(offer).name();
  GoTo(Day("2026-09-01"));
  const absl::Time knew = clock_.Now();
  Advance(absl::Hours(10));
  EXPECT_EQ(base::ReasonOf(Revoke(name, Owner(bin), "2026-08-01").status()), "REVOKE_DATE");
  EXPECT_EQ(base::ReasonOf(Revoke(name, institute_, "2026-05-31").status()), "REVOKE_DATE");
  EXPECT_EQ(base::ReasonOf(Revoke(name, institute_, "2026-09-02").status()), "REVOKE_DATE");
  v1::ReplayEvidenceDecisionRequest replay;
  replay.set_name(name);
  replay.set_revocation(true);
  const auto replayed = [&] {
    return Do<v1::ReplayEvidenceDecisionResponse>("ReplayEvidenceDecision", auditor_, replay);
  };
  EXPECT_EQ(base::ReasonOf(replayed().status()), "DECISION_MISSING");
  ASSERT_TRUE(Revoke(name, institute_, "2026-07-10").ok());
  const auto revocation = replayed();
  ASSERT_TRUE(revocation.ok()) << revocation.status();
  EXPECT_TRUE(revocation->same());
  EXPECT_EQ(revocation->stored().outcome(), "2026-07-10");
  EXPECT_EQ(revocation->name(), name);
  EXPECT_EQ(revocation->bin(), bin);
  EXPECT_EQ(revocation->stored().findings_size(), 5);
  *replay.mutable_as_of() = Day("2026-07-09").ToProto();
  EXPECT_EQ(base::ReasonOf(replayed().status()), "DECISION_MISSING");
  EXPECT_TRUE(DomesticOn(bin, "2026-07-09").domestic());
  EXPECT_EQ(DomesticOn(bin, "2026-07-10").reason(), "NO_VALID_EVIDENCE");
  EXPECT_TRUE(DomesticOn(bin, "2026-07-10", "", knew).domestic());
  EXPECT_TRUE(DomesticOn(bin, "2026-12-31", "", knew).domestic());
  ASSERT_EQ(GetOffer(offered, public_)->in_country_value_size(), 1);
  EXPECT_EQ(
      base::Date::FromProto(GetOffer(offered, public_)->in_country_value(0).until())->ToString(),
      "2026-07-10");
  EXPECT_EQ(base::ReasonOf(GetPaper(name, public_).status()), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(Revoke(name, institute_).status()), "EVIDENCE_STATE");
}

TEST_F(EvidenceTest, WhatAPaperMaySay) {
  const std::string bin = Active(1);
  struct {
    const char* what;
    std::function<void(v1::Evidence*)> change;
    const char* reason;
    const char* subject = "";
  } const cases[] = {
      {"longest term", [](auto* e) { *e->mutable_valid_until() = Day("2029-05-31").ToProto(); },
       ""},
      {"a day more", [](auto* e) { *e->mutable_valid_until() = Day("2029-06-01").ToProto(); },
       "EVIDENCE_TERM_TOO_LONG", "evidence.valid_until"},
      {"ends before it begins",
       [](auto* e) { *e->mutable_valid_until() = Day("2026-05-31").ToProto(); }, "EVIDENCE_DATES",
       "evidence.valid_until"},
      {"no value", [](auto* e) { e->mutable_covers(0)->set_in_country_value_bp(0); },
       "EVIDENCE_VALUE"},
      {"value of conformity", [](auto* e) { e->set_type(v1::Evidence::CONFORMITY); },
       "EVIDENCE_VALUE"},
      {"a code twice", [](auto* e) { *e->add_covers() = e->covers(0); }, "COVER_TWICE",
       "evidence.covers[1].ens_tru"},
      {"over all of it", [](auto* e) { e->mutable_covers(0)->set_in_country_value_bp(10'001); },
       "INVALID_FIELD"},
      {"of nobody here", [](auto* e) { e->set_bin(Bin(77)); }, "NOT_FOUND"},
  };
  int number = 0;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    v1::Evidence evidence = MakeEvidence(bin, absl::StrCat("N-", ++number), 5'000);
    c.change(&evidence);
    const auto added = Add(evidence, institute_);
    EXPECT_EQ(base::ReasonOf(added.status()), c.reason) << added.status();
    if (*c.subject != '\0') {
      EXPECT_EQ(SubjectOf(added.status()), c.subject);
    }
  }
  // A paper is one paper.
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(bin, "N-1", 100), institute_).status()),
            "EVIDENCE_STATE");
  const std::string other = Active(2);
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(other, "N-1", 100), institute_).status()),
            "ALREADY_EXISTS");
}

TEST_F(EvidenceTest, AClaimKeepsNoPaperFromItsOwner) {
  const std::string owner = Active(1), other = Active(2);
  const auto claimed = Add(MakeEvidence(other, "P-1", 9'000), Owner(other));
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  ASSERT_TRUE(Add(MakeEvidence(owner, "P-1", 4'000), Owner(owner)).ok());
  ASSERT_TRUE(Confirm("evidence/2", institute_).ok());
  EXPECT_EQ(base::ReasonOf(Confirm(claimed->name(), institute_).status()), "ALREADY_EXISTS");
  EXPECT_FALSE(DomesticOn(other, "2026-06-15").domestic());
  EXPECT_TRUE(Revoke(claimed->name(), institute_).ok());
}

TEST_F(EvidenceTest, APaperIsEnteredAgainUntilItWasConfirmed) {
  const std::string bin = Active(1);
  const auto claimed = Add(MakeEvidence(bin, "P-1", 9'000), Owner(bin));
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  v1::Offer told = MakeOffer(bin);
  told.add_evidence(claimed->name());
  const std::string offer = Offered(told).name();
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(bin, "P-1", 9'000), Owner(bin)).status()),
            "EVIDENCE_STATE");
  // A claim that nobody confirmed and that was taken back bars nothing.
  ASSERT_TRUE(Revoke(claimed->name(), Owner(bin)).ok());
  const auto again = Add(MakeEvidence(bin, "P-1", 9'000), Owner(bin));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->name(), "evidence/2");
  told.set_evidence(0, again->name());
  const std::string second = Offered(told).name();
  // What the institute enters confirms the claim, and says itself what the paper says.
  const auto entered = Add(MakeEvidence(bin, "P-1", 4'000), institute_);
  ASSERT_TRUE(entered.ok()) << entered.status();
  EXPECT_EQ(entered->name(), again->name());
  EXPECT_EQ(entered->state(), v1::Evidence::CONFIRMED);
  EXPECT_EQ(GetPaper(entered->name(), auditor_)->added_by(), "owner-" + bin);
  EXPECT_EQ(DomesticOn(bin, "2026-06-15").in_country_value_bp(), 4'000);
  ASSERT_EQ(GetOffer(second, public_)->in_country_value_size(), 1);
  EXPECT_EQ(GetOffer(second, public_)->in_country_value(0).in_country_value_bp(), 4'000);
  EXPECT_EQ(GetOffer(offer, public_)->in_country_value_size(), 0);
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(bin, "P-1", 1), institute_).status()),
            "EVIDENCE_STATE");
  // What counted once does not come again.
  ASSERT_TRUE(Revoke(entered->name(), institute_).ok());
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(bin, "P-1", 1), institute_).status()),
            "EVIDENCE_STATE");
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(bin, "P-1", 1), Owner(bin)).status()),
            "EVIDENCE_STATE");
  // Whoever claimed a paper for a supplier does not confirm it, by entering it neither.
  ASSERT_TRUE(Add(MakeEvidence(bin, "P-2", 1), Owner(bin, "aigul@institute")).ok());
  EXPECT_EQ(base::ReasonOf(Add(MakeEvidence(bin, "P-2", 1), institute_).status()),
            "SEPARATION_OF_DUTIES");
}

TEST_F(EvidenceTest, OwnersAreWarnedOnceBeforeTheLastDay) {
  const std::string bin = Active(1);
  Confirmed(MakeEvidence(bin, "1", 5'000, "2026-06-01", v1::Evidence::ST_KZ));
  v1::ListNoticesRequest list;
  list.set_parent("suppliers/" + bin);
  GoTo(Day("2027-04-30"));
  EXPECT_EQ(Must<v1::ListNoticesResponse>("ListNotices", Owner(bin), list).notices_size(), 0);
  GoTo(Day("2027-05-01"));
  const auto notices = Must<v1::ListNoticesResponse>("ListNotices", Owner(bin), list);
  ASSERT_EQ(notices.notices_size(), 1);
  EXPECT_EQ(notices.notices(0).type(), v1::Notice::EVIDENCE_EXPIRES);
  EXPECT_EQ(notices.notices(0).subject(), "evidence/1");
  GoTo(Day("2029-05-15"));
  const auto more = Must<v1::ListNoticesResponse>("ListNotices", institute_, list);
  ASSERT_EQ(more.notices_size(), 2);
  EXPECT_EQ(more.notices(1).type(), v1::Notice::REGISTRATION_EXPIRES);
  v1::ListNoticesRequest of_then = list;
  of_then.mutable_known_at()->set_seconds(absl::ToUnixSeconds(Day("2027-05-02").StartOfDay()));
  EXPECT_EQ(Must<v1::ListNoticesResponse>("ListNotices", institute_, of_then).notices_size(), 1);
  of_then.clear_known_at();
  *of_then.mutable_as_of() = Day("2027-04-30").ToProto();
  EXPECT_EQ(Must<v1::ListNoticesResponse>("ListNotices", institute_, of_then).notices_size(), 0);
  EXPECT_EQ(
      base::ReasonOf(Do<v1::ListNoticesResponse>("ListNotices", Owner(Bin(2)), list).status()),
      "ACCESS_DENIED");
}

// Verified twice on one day it has two timers of one last day, and one notice.
TEST_F(EvidenceTest, ARegistrationThatWasVerifiedTwiceIsWarnedOfOnce) {
  const std::string bin = Active(1);
  v1::UpdateSupplierRequest update;
  update.mutable_supplier()->set_name("suppliers/" + bin);
  update.mutable_supplier()->set_name_ru("ТОО Завод и Ко");
  update.mutable_update_mask()->add_paths("name_ru");
  Must<v1::Supplier>("UpdateSupplier", Owner(bin), update);
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  ASSERT_EQ(Verify(bin)->state(), v1::Supplier::ACTIVE);
  GoTo(Day("2029-06-01"));
  v1::ListNoticesRequest list;
  list.set_parent("suppliers/" + bin);
  EXPECT_EQ(Must<v1::ListNoticesResponse>("ListNotices", Owner(bin), list).notices_size(), 1);
}

class EvidenceWalkTest : public EvidenceTest {
 protected:
  absl::Status Act(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    rpc::Caller caller = CallerOf(absl::StrCat("walker-", ++walkers_), {as}, bin_);
    switch (static_cast<EvidenceVerb>(edge.verb)) {
      case EvidenceVerb::kAdd: {
        v1::Evidence paper = MakeEvidence(bin_, GetPaper(name, auditor_)->number(), 5'000);
        return Add(paper, caller).status();
      }
      case EvidenceVerb::kConfirm:
        return Confirm(name, caller).status();
      case EvidenceVerb::kRevoke:
        return Revoke(name, caller).status();
    }
    return absl::InternalError("no verb");
  }
  std::string bin_;
  int walkers_ = 0;
};

TEST_F(EvidenceWalkTest, EveryVerbByEveryRoleInEveryState) {
  bin_ = Active(1);
  int number = 0;
  cases::MachineFixture fixture;
  fixture.make = [&] {
    return Add(MakeEvidence(bin_, absl::StrCat("W-", ++number), 5'000), Owner(bin_))->name();
  };
  fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    return Act(edge, name, as);
  };
  fixture.state = [this](const std::string& name) { return GetPaper(name, auditor_)->state(); };
  fixture.position = [this] { return position(); };
  // Entering a paper that is there makes another record of it, or confirms it: has its own test.
  fixture.skips = [](int verb) { return verb == static_cast<int>(EvidenceVerb::kAdd); };
  const cases::Walked walked = cases::WalkMachine(EvidenceMachine(), fixture);
  EXPECT_EQ(walked.taken, 7);
}

class OfferTest : public EvidenceTest {};

TEST_F(OfferTest, IsPublicWhileItsSupplierIs) {
  const std::string bin = Bin(1);
  ASSERT_TRUE(Register(bin).ok());
  const v1::Offer offer = Offered(MakeOffer(bin));
  EXPECT_EQ(base::ReasonOf(GetOffer(offer.name(), public_).status()), "ACCESS_DENIED");
  EXPECT_TRUE(GetOffer(offer.name(), Owner(bin)).ok());
  v1::ListOffersRequest list;
  list.set_filter("ens_tru = \"281413.900.000001\"");
  EXPECT_EQ(Must<v1::ListOffersResponse>("ListOffers", public_, list).offers_size(), 0);
  EXPECT_EQ(Must<v1::ListOffersResponse>("ListOffers", institute_, list).offers_size(), 1);
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  ASSERT_TRUE(Verify(bin).ok());
  EXPECT_TRUE(GetOffer(offer.name(), public_).ok());
  EXPECT_EQ(Must<v1::ListOffersResponse>("ListOffers", public_, list).offers_size(), 1);
  GoTo(Day("2026-06-20"));
  v1::DeleteOfferRequest remove;
  remove.set_name(offer.name());
  EXPECT_EQ(
      base::ReasonOf(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(Bin(2)), remove).status()),
      "ACCESS_DENIED");
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
  EXPECT_FALSE(GetOffer(offer.name(), institute_).ok());
  EXPECT_TRUE(GetOffer(offer.name(), public_, "2026-06-19").ok());
}

// Evidence that was revoked from a past day on, or confirmed late: offers, as searches find them
// and as they are read, say of each past day what CheckDomestic says of it, also those that have
// ended or rest on other evidence since.
TEST_F(OfferTest, SaysOfEachPastDayWhatItsEvidenceSays) {
  const std::string bin = Active(1);
  const std::string paper = Confirmed(MakeEvidence(bin, "1", 5'000));
  const auto late = Add(MakeEvidence(bin, "2", 3'000), Owner(bin));
  ASSERT_TRUE(late.ok()) << late.status();
  v1::Offer told = MakeOffer(bin);
  told.add_evidence(paper);
  const std::string changed = Offered(told).name();
  const std::string ended = Offered(told).name();
  told.set_evidence(0, late->name());
  const std::string other = Offered(told).name();
  const auto update = [&](const std::string& name, const std::function<void(v1::Offer*)>& change,
                          const char* field) {
    v1::UpdateOfferRequest request;
    request.mutable_offer()->set_name(name);
    change(request.mutable_offer());
    request.mutable_update_mask()->add_paths(field);
    const auto done = Do<v1::Offer>("UpdateOffer", Owner(bin), request);
    EXPECT_TRUE(done.ok()) << done.status();
  };
  GoTo(Day("2026-07-20"));
  update(
      changed, [](v1::Offer* offer) { offer->set_annual_capacity("200"); }, "annual_capacity");
  GoTo(Day("2026-08-01"));
  update(
      changed, [](v1::Offer*) {}, "evidence");
  v1::DeleteOfferRequest remove;
  remove.set_name(ended);
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
  v1::DeleteOfferRequest remove_other;
  remove_other.set_name(other);
  GoTo(Day("2026-08-10"));
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove_other).ok());
  GoTo(Day("2026-09-01"));

  // The value of each offer on a day as it is searched for; -1: not found. What GetOffer says of
  // the day is the same.
  const auto values = [&](const std::string& day) {
    v1::SearchOffersRequest request;
    *request.mutable_as_of() = Day(day).ToProto();
    const std::string* const names[] = {&changed, &ended, &other};
    std::vector<int> found{-1, -1, -1};
    const auto searched = Must<v1::SearchOffersResponse>("SearchOffers", public_, request);
    for (const auto& result : searched.results()) {
      for (size_t i = 0; i < 3; ++i) {
        const std::string& name = *names[i];
        if (result.offer().name() != name) continue;
        found[i] = result.in_country_value_bp();
        int read = 0;
        const auto offer = GetOffer(name, public_, day);
        EXPECT_TRUE(offer.ok()) << offer.status();
        if (!offer.ok()) continue;
        for (const auto& period : offer->in_country_value()) {
          if (*base::Date::FromProto(period.from()) <= Day(day) &&
              Day(day) < *base::Date::FromProto(period.until()))
            read = period.in_country_value_bp();
        }
        EXPECT_EQ(read, found[i]) << name << " " << day;
      }
    }
    return found;
  };
  EXPECT_THAT(values("2026-07-09"), ElementsAre(5'000, 5'000, 0));
  EXPECT_THAT(values("2026-07-25"), ElementsAre(5'000, 5'000, 0));
  ASSERT_TRUE(Revoke(paper, institute_, "2026-07-10").ok());
  ASSERT_TRUE(Confirm(late->name(), institute_).ok());
  EXPECT_EQ(DomesticOn(bin, "2026-07-09").in_country_value_bp(), 3'000);
  EXPECT_THAT(values("2026-06-14"), ElementsAre(-1, -1, -1));
  EXPECT_THAT(values("2026-06-15"), ElementsAre(5'000, 5'000, 3'000));
  EXPECT_THAT(values("2026-07-09"), ElementsAre(5'000, 5'000, 3'000));
  EXPECT_THAT(values("2026-07-10"), ElementsAre(0, 0, 3'000));
  EXPECT_THAT(values("2026-07-25"), ElementsAre(0, 0, 3'000));
  EXPECT_THAT(values("2026-08-01"), ElementsAre(0, -1, 3'000));
  EXPECT_THAT(values("2026-08-09"), ElementsAre(0, -1, 3'000));
  EXPECT_THAT(values("2026-08-10"), ElementsAre(0, -1, -1));
  EXPECT_THAT(values("2026-09-01"), ElementsAre(0, -1, -1));
  // The version keeps what else it says.
  EXPECT_EQ(GetOffer(changed, public_, "2026-07-15")->annual_capacity(), "100");
  EXPECT_EQ(GetOffer(changed, public_, "2026-07-25")->annual_capacity(), "200");
  EXPECT_EQ(GetOffer(changed, public_, "2026-07-25")->evidence_size(), 1);
  EXPECT_EQ(GetOffer(changed, public_)->evidence_size(), 0);
  v1::ListOffersRequest list;
  EXPECT_EQ(Must<v1::ListOffersResponse>("ListOffers", public_, list).offers_size(), 1);
}

TEST_F(OfferTest, RestsOnEvidenceOfItsOwnSupplierForItsOwnCode) {
  const std::string bin = Active(1), other = Active(2);
  const std::string mine = Confirmed(MakeEvidence(bin, "1", 5'000));
  const std::string other_code =
      Confirmed(MakeEvidence(bin, "2", 5'000, "2026-06-01", v1::Evidence::ST_KZ, kOtherCode));
  const std::string foreign = Confirmed(MakeEvidence(other, "3", 5'000));
  struct {
    const char* what;
    std::function<void(v1::Offer*)> change;
    const char* reason;
  } const cases[] = {
      {"its own", [&](auto* o) { o->add_evidence(mine); }, ""},
      {"another supplier's", [&](auto* o) { o->add_evidence(foreign); }, "EVIDENCE_FOREIGN"},
      {"none there is", [&](auto* o) { o->add_evidence("evidence/99"); }, "EVIDENCE_FOREIGN"},
      {"for another code", [&](auto* o) { o->add_evidence(other_code); },
       "EVIDENCE_DOES_NOT_COVER"},
      {"from over to",
       [&](auto* o) {
         o->mutable_price_from()->set_currency_code("KZT");
         o->mutable_price_from()->set_units(2);
         o->mutable_price_to()->set_currency_code("KZT");
         o->mutable_price_to()->set_units(1);
       },
       "PRICE_RANGE"},
      {"goods code of a work",
       [&](auto* o) {
         o->set_kind(v1::WORK);
         o->set_goods_code("8481");
       },
       "INVALID_FIELD"},
      {"no name", [&](auto* o) { o->clear_name_ru(); }, "INVALID_FIELD"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    v1::CreateOfferRequest request;
    *request.mutable_offer() = MakeOffer(bin);
    c.change(request.mutable_offer());
    EXPECT_EQ(base::ReasonOf(Do<v1::Offer>("CreateOffer", Owner(bin), request).status()), c.reason);
  }
  v1::BatchCreateOffersRequest batch;
  batch.set_bin(bin);
  *batch.add_offers() = MakeOffer(bin);
  *batch.add_offers() = MakeOffer(bin);
  batch.mutable_offers(1)->add_evidence(foreign);
  const int64_t before = position();
  const absl::Status refused =
      Do<v1::BatchCreateOffersResponse>("BatchCreateOffers", Owner(bin), batch).status();
  EXPECT_EQ(base::ReasonOf(refused), "EVIDENCE_FOREIGN");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("item"), "offers[1]");
  EXPECT_EQ(position(), before);

  v1::UpdateOfferRequest update;
  update.mutable_offer()->set_name("offers/1");
  update.mutable_offer()->set_annual_capacity("250.5");
  const auto updated = Must<v1::Offer>("UpdateOffer", Owner(bin), update);
  EXPECT_EQ(updated.annual_capacity(), "250.5");
  EXPECT_EQ(updated.in_country_value_size(), 1);
  ASSERT_TRUE([&] {
    v1::RemoveSupplierRequest remove;
    remove.set_name("suppliers/" + bin);
    remove.set_reason("Уходим.");
    return Do<v1::Supplier>("RemoveSupplier", Owner(bin), remove).ok();
  }());
  EXPECT_EQ(base::ReasonOf(Do<v1::Offer>("UpdateOffer", Owner(bin), update).status()),
            "SUPPLIER_STATE");
}

// Day by day, over all papers.
TEST(ValuePeriodsTest, AgreeWithADayByDayOracle) {
  uint32_t seed = 7;
  const auto random = [&seed](uint32_t below) {
    seed = seed * 1'664'525 + 1'013'904'223;
    return (seed >> 8) % below;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<v1::EvidenceRow> rows(random(6));
    std::vector<const v1::EvidenceRow*> pointers;
    for (v1::EvidenceRow& row : rows) {
      const base::Date first = Day("2026-01-01").AddDays(random(30));
      *row.mutable_evidence() =
          MakeEvidence(Bin(1), "x", static_cast<int32_t>(random(3)) * 1'000, first.ToString(),
                       v1::Evidence::REGISTER_ENTRY, random(4) == 0 ? kOtherCode : kCode);
      *row.mutable_evidence()->mutable_valid_until() = first.AddDays(random(20)).ToProto();
      row.mutable_evidence()->set_name(absl::StrCat("evidence/", pointers.size() + 1));
      row.set_confirmed(random(5) != 0);
      if (random(3) == 0)
        *row.mutable_evidence()->mutable_revoke_date() = first.AddDays(random(25)).ToProto();
      pointers.push_back(&row);
    }
    const auto periods = ValuePeriods(kCode, pointers);
    for (int d = -1; d < 60; ++d) {
      const base::Date day = Day("2026-01-01").AddDays(d);
      int32_t expected = 0;
      for (const v1::EvidenceRow& row : rows) {
        const v1::Evidence& e = row.evidence();
        const bool counts = row.confirmed() && e.covers(0).ens_tru() == kCode &&
                            *base::Date::FromProto(e.valid_from()) <= day &&
                            day <= *base::Date::FromProto(e.valid_until()) &&
                            (!e.has_revoke_date() || day < *base::Date::FromProto(e.revoke_date()));
        const int32_t value = counts ? e.covers(0).in_country_value_bp() : 0;
        if (value > 0 && (expected == 0 || value < expected)) expected = value;
      }
      int32_t found = 0, hits = 0;
      for (const auto& period : periods) {
        if (*base::Date::FromProto(period.from()) <= day &&
            day < *base::Date::FromProto(period.until())) {
          found = period.in_country_value_bp();
          ++hits;
        }
      }
      EXPECT_LE(hits, 1);
      EXPECT_EQ(found, expected) << round << " " << day.ToString();
    }
  }
}

TEST(TermTest, MonthsEndTheDayBeforeTheSameDay) {
  struct {
    const char* first;
    int64_t months;
    const char* last;
  } const cases[] = {
      {"2026-06-15", 12, "2027-06-14"}, {"2026-01-31", 1, "2026-02-28"},
      {"2028-01-31", 1, "2028-02-29"},  {"2026-03-01", 1, "2026-03-31"},
      {"2024-02-29", 12, "2025-02-28"}, {"2026-12-31", 2, "2027-02-28"},
      {"2026-01-01", 36, "2028-12-31"}, {"2199-06-01", 12, "2199-12-31"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(EndOfMonths(Day(c.first), c.months).ToString(), c.last) << c.first;
}

TEST(SizeTest, BothBoundsMustHold) {
  const norms::Norms norms = *norms::Norms::Default();
  const auto size = [&](int32_t staff, int64_t income) {
    v1::Supplier supplier;
    supplier.mutable_finance()->set_staff(staff);
    supplier.mutable_finance()->mutable_annual_income()->set_currency_code("KZT");
    supplier.mutable_finance()->mutable_annual_income()->set_units(income);
    supplier.mutable_finance()->set_year(2023);
    return *SizeOf(supplier, norms, "");
  };
  const int64_t mci = 3'692;  // of 1 January 2024
  EXPECT_EQ(size(15, 30'000 * mci), v1::MICRO);
  EXPECT_EQ(size(16, 30'000 * mci), v1::SMALL);
  EXPECT_EQ(size(15, 30'000 * mci + 1), v1::SMALL);
  EXPECT_EQ(size(100, 300'000 * mci), v1::SMALL);
  EXPECT_EQ(size(101, 0), v1::MEDIUM);
  EXPECT_EQ(size(0, 300'000 * mci + 1), v1::MEDIUM);
  EXPECT_EQ(size(250, 3'000'000 * mci), v1::MEDIUM);
  EXPECT_EQ(size(251, 0), v1::LARGE);
  EXPECT_EQ(size(0, 3'000'000 * mci + 1), v1::LARGE);
  v1::Supplier untold;
  untold.mutable_finance()->set_year(2023);
  EXPECT_EQ(*SizeOf(untold, norms, ""), v1::SIZE_UNSPECIFIED);
}

// The norms of the files, those of the suppliers read in a by-law.
norms::Norms ReadNorms() {
  std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
  for (norms::NormFile& file : files) {
    if (file.name != "suppliers.csv" && file.name != "mci.csv") continue;
    file.text = absl::StrReplaceAll(file.text, {{",ASSUMPTION", ",BY_LAW"}});
  }
  return *norms::Norms::LoadText(files);
}

TEST(SizeTest, IsNoSurerThanItsBounds) {
  v1::Supplier supplier;
  supplier.mutable_finance()->set_staff(15);
  supplier.mutable_finance()->mutable_annual_income()->set_currency_code("KZT");
  supplier.mutable_finance()->set_year(2023);
  const norms::Norms assumed = *norms::Norms::Default();
  ASSERT_EQ(SetSize(assumed, "", &supplier), absl::OkStatus());
  EXPECT_EQ(supplier.size(), v1::MICRO);
  EXPECT_TRUE(supplier.size_rests_on_assumption());
  ASSERT_EQ(SetSize(ReadNorms(), "", &supplier), absl::OkStatus());
  EXPECT_EQ(supplier.size(), v1::MICRO);
  EXPECT_TRUE(supplier.has_size_rests_on_assumption());
  EXPECT_FALSE(supplier.size_rests_on_assumption());
  supplier.clear_finance();
  ASSERT_EQ(SetSize(assumed, "", &supplier), absl::OkStatus());
  EXPECT_FALSE(supplier.has_size_rests_on_assumption()) << "of no size";
}

// What counts, and what counts no more, rests on the terms of registrations and papers.
TEST(DomesticTest, IsNoSurerThanTheTermsItRestsOn) {
  const norms::Norms assumed = *norms::Norms::Default();
  const norms::Norms read = ReadNorms();
  v1::Supplier supplier;
  supplier.set_state(v1::Supplier::ACTIVE);
  v1::EvidenceRow paper;
  paper.set_confirmed(true);
  v1::Evidence& evidence = *paper.mutable_evidence();
  evidence.set_type(v1::Evidence::ST_KZ);
  evidence.set_state(v1::Evidence::CONFIRMED);
  *evidence.mutable_valid_from() = Day("2026-01-01").ToProto();
  *evidence.mutable_valid_until() = Day("2026-12-31").ToProto();
  evidence.add_covers()->set_ens_tru(kCode);
  evidence.mutable_covers(0)->set_in_country_value_bp(4'550);
  const auto rests = [&](const v1::Supplier* of, const char* day, const norms::Norms& norms,
                         const std::string& code = "") {
    const auto result = Domestic(Bin(1), of, absl::MakeConstSpan(&paper, 1), code, Day(day), norms);
    EXPECT_EQ(result.decision().norms_edition(), norms.edition());
    return result.decision().rests_on_assumption();
  };
  EXPECT_TRUE(rests(&supplier, "2026-06-15", assumed)) << "the term of the registration";
  EXPECT_FALSE(rests(&supplier, "2026-06-15", read));
  evidence.mutable_decision()->set_rests_on_assumption(true);
  EXPECT_TRUE(rests(&supplier, "2026-06-15", read));
  EXPECT_TRUE(rests(&supplier, "2027-06-15", read)) << "it has run out by that term";
  EXPECT_FALSE(rests(&supplier, "2025-12-31", read)) << "it has not begun";
  EXPECT_FALSE(rests(&supplier, "2026-06-15", read, kOtherCode)) << "it was not looked at";
  evidence.clear_decision();
  supplier.mutable_decision()->set_rests_on_assumption(true);
  EXPECT_TRUE(rests(&supplier, "2026-06-15", read));
  // To the public what is not ACTIVE is as what is not there.
  supplier.set_state(v1::Supplier::DRAFT);
  for (const v1::Supplier* of :
       {static_cast<const v1::Supplier*>(&supplier), static_cast<const v1::Supplier*>(nullptr)}) {
    EXPECT_FALSE(rests(of, "2026-06-15", read));
    EXPECT_TRUE(rests(of, "2026-06-15", assumed));
  }
}

}  // namespace
}  // namespace nisi::suppliers
