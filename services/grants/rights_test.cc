// What must not be done to an applicant, nor by one: late officials, votes thrown away, money asked
// for or given twice, terms and norms that change meanwhile.
#include "absl/strings/match.h"
#include "common/cases/findings.h"
#include "services/grants/gate_register.h"
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;

class RightsTest : public GrantsTest {
 protected:
  void SetUp() override {
    GrantsTest::SetUp();
    OpenProgramme(3'000'000);
  }
  // Whether the service starts with such norms.
  absl::Status StartedBy(const norms::Norms& norms) {
    rpc::Metrics metrics("grants");
    rpc::HostOptions options;
    options.data_dir = dir_ / "other";
    options.clock = &clock_;
    options.norms = &norms;
    options.metrics = &metrics;
    return OpenWith(options, {.sources = &sources_}).status();
  }
  Application::State StateOf(const std::string& name) { return Now(name).state(); }
  absl::Status Decline(const std::string& name, const rpc::Caller& by) {
    return Do<Application>("DeclineAgreement", by, Naming<v1::DeclineAgreementRequest>(name))
        .status();
  }
  absl::Status Submit(const std::string& name, int n) {
    return Do<Application>("SubmitApplication", Owner(n),
                           Naming<v1::SubmitApplicationRequest>(name))
        .status();
  }
  v1::ReplayDecisionResponse ReplayOf(const std::string& name) {
    v1::ReplayDecisionRequest replay;
    replay.set_name(name);
    return Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  }
  v1::UnreliableRecipient List(int n) {
    v1::EnterUnreliableRecipientsRequest enter;
    auto* entry = enter.add_recipients();
    entry->set_recipient(Bin(n));
    entry->set_list(v1::UnreliableRecipient::BANKRUPT);
    entry->set_basis("Решение суда 5");
    *entry->mutable_listed_from() = today().ToProto();
    return Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_,
                                                       enter)
        .recipients(0);
  }
  void Unlist(const std::string& name) {
    v1::EndUnreliableRecipientRequest end;
    end.set_name(name);
    end.set_reason("Отменено");
    EXPECT_EQ(Must<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, end).reason(),
              "Отменено");
  }
  void CloseYearOf(int year) {
    budget::v1::CloseYearRequest close;
    close.set_account(absl::StrCat(kGrants, "/accounts/", year));
    Must<budget::v1::CloseYearResponse>("CloseYear", authority_, close);
  }
};

// ---- Late officials

TEST_F(RightsTest, LateOfficialsTakeNoGrantAway) {
  const std::string name = At(Application::APPROVED, 1);
  GoTo(today().AddDays(60));
  EXPECT_EQ(ReasonOf(Decline(name, authority_)), "ACCESS_DENIED") << "nobody has written it";
  ASSERT_TRUE(WriteIt(name, writer_).ok());
  EXPECT_EQ(ReasonOf(Decline(name, authority_)), "TERM_RUNNING") << "its term begins now";
  ASSERT_TRUE(Sign(name, Owner(1)).ok());
  GoTo(today().AddDays(60));
  EXPECT_EQ(ReasonOf(Decline(name, authority_)), "SIGNED_ALREADY") << "it waits for the state";
  EXPECT_TRUE(Sign(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::AGREEMENT_SIGNED);

  const std::string other = At(Application::AGREEMENT_PENDING, 2);
  ASSERT_TRUE(Sign(other, authority_).ok());
  GoTo(today().AddDays(60));
  EXPECT_TRUE(Decline(other, authority_).ok()) << "the recipient has not signed";
  EXPECT_EQ(StateOf(other), Application::ANNULLED);
  ExpectSound();
}

// ---- What is filed

TEST_F(RightsTest, ObligationsLieAheadAndAreDueWhileTheyRun) {
  struct Case {
    const char* commissioning;
    const char* due;
    bool ok;
  };
  for (const Case& c :
       {Case{"2026-06-14", "2027-01-01", false}, Case{"2026-06-15", "2027-01-01", true},
        Case{"2027-12-31", "2026-06-15", false}, Case{"2027-12-31", "2026-06-16", true},
        Case{"2027-12-31", "2030-12-31", true}, Case{"2027-12-31", "2031-01-01", false}}) {
    Application application = MakeApplication(1);
    *application.mutable_commissioning_date() = Day(c.commissioning).ToProto();
    *application.mutable_obligations(0)->mutable_due_date() = Day(c.due).ToProto();
    const std::string name = Create(application, Owner(1))->name();
    EXPECT_EQ(ReasonOf(Submit(name, 1)), c.ok ? "" : "DATES_INVALID") << c.commissioning << c.due;
  }
}

TEST_F(RightsTest, WhatWasFiledIsNotExchangedUnderItsDate) {
  const std::string name = At(Application::SUBMITTED, 1);
  ASSERT_TRUE(Check(name, false, checker_).ok());
  ASSERT_TRUE(Return(name, checker_).ok());
  v1::UpdateApplicationRequest update;
  update.mutable_application()->set_name(name);
  update.mutable_application()->add_goods_codes("8505");
  update.mutable_update_mask()->add_paths("goods_codes");
  EXPECT_EQ(ReasonOf(Do<Application>("UpdateApplication", Owner(1), update).status()),
            "FILED_AS_IT_IS");
  update.mutable_update_mask()->set_paths(0, "project");
  update.mutable_application()->set_project("projects/2");
  EXPECT_EQ(ReasonOf(Do<Application>("UpdateApplication", Owner(1), update).status()),
            "FILED_AS_IT_IS");
  update.mutable_update_mask()->set_paths(0, "title");
  update.mutable_application()->mutable_title()->set_ru("Линия");
  EXPECT_TRUE(Do<Application>("UpdateApplication", Owner(1), update).ok());
}

// ---- Gate

// The register's own, after which something happens before the command.
class GateAndThen final : public cases::Gate {
 public:
  GateAndThen(const std::function<const store::Store&()>& store,
              const std::function<void()>& meanwhile)
      : store_(store), meanwhile_(meanwhile) {}
  absl::StatusOr<cases::Notice> Check(const rpc::Call& call,
                                      const cases::GateQuestion& question) override {
    auto notice = RegisterGate(store_()).Check(call, question);
    if (meanwhile_ != nullptr) meanwhile_();
    return notice;
  }

 private:
  const std::function<const store::Store&()> store_;
  const std::function<void()>& meanwhile_;
};

TEST_F(RightsTest, TheGateLooksAgainInTheCommand) {
  std::function<void()> meanwhile;
  GateAndThen gate([this]() -> const store::Store& { return store(); }, meanwhile);
  gate_ = &gate;
  own_gate_ = true;
  Reopen();
  const std::string name = At(Application::GATE_1, 1);
  std::string entry;
  meanwhile = [&] { entry = List(1).name(); };
  EXPECT_EQ(ReasonOf(Gate(name, authority_).status()), "GATE_NOT_CHECKED") << "listed meanwhile";
  EXPECT_EQ(StateOf(name), Application::GATE_1);
  meanwhile = [&] { Unlist(entry); };
  EXPECT_EQ(ReasonOf(Gate(name, authority_).status()), "GATE_NOT_CHECKED") << "taken off meanwhile";
  EXPECT_EQ(StateOf(name), Application::GATE_1) << "nobody is refused for what is no more";
  meanwhile = [&] { SetMeasure(""); };
  EXPECT_EQ(ReasonOf(Gate(name, authority_).status()), "GATE_NOT_CHECKED");
  meanwhile = nullptr;
  v1::CheckEligibilityRequest dry;
  *dry.mutable_application() = MakeApplication(1);
  const auto eligible = Must<v1::Eligibility>("CheckEligibility", Owner(1), dry);
  EXPECT_THAT(eligible.waits_for(), ElementsAre("MEASURE_NOT_REGISTERED"));
  EXPECT_EQ(eligible.decision().outcome(), "ELIGIBLE");
  // Sums that are each within bounds, and together are not.
  v1::Application& vast = *dry.mutable_application();
  *vast.mutable_requested_sum() = Tenge(base::Money::kMaxTenge);
  *vast.mutable_own_contribution() = Tenge(base::Money::kMaxTenge);
  Must<v1::Eligibility>("CheckEligibility", Owner(1), dry);
  for (int more = 0; more < 2; ++more) {
    v1::CostItem& item = *vast.add_cost_items();
    item = vast.cost_items(0);
    *item.mutable_cost() = Tenge(base::Money::kMaxTenge);
  }
  EXPECT_EQ(ReasonOf(Do<v1::Eligibility>("CheckEligibility", Owner(1), dry).status()),
            "INVALID_FIELD");
  SetMeasure("M-1");
  ASSERT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::EXAMINATION);
}

// Money must be there for what could be granted at most, not for what is asked for beyond that.
TEST_F(RightsTest, TheGateAsksForTheMostThatCouldBeGranted) {
  Application greedy = MakeApplication(1);
  *greedy.mutable_requested_sum() = Tenge(900'000);  // of 1,000,000 tenge: a half may be granted
  const std::string name = Create(greedy, Owner(1))->name();
  ASSERT_TRUE(
      Do<Application>("SubmitApplication", Owner(1), Naming<v1::SubmitApplicationRequest>(name))
          .ok());
  ASSERT_TRUE(Check(name, true, checker_).ok());
  v1::CheckEligibilityRequest dry;
  *dry.mutable_application() = greedy;
  const auto waits = [&] {
    return Must<v1::Eligibility>("CheckEligibility", Owner(1), dry).waits_for();
  };
  EXPECT_THAT(waits(), ::testing::IsEmpty());
  // What is free comes down to one tenge less than that.
  At(Application::APPROVED, 3, 2'500'001);
  ASSERT_EQ(Stands(), "499999 2500001 0 0");
  EXPECT_THAT(waits(), ElementsAre("NOT_ENOUGH_MONEY"));
  ASSERT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::GATE_1) << "it waits";
  Allocate(1);
  EXPECT_THAT(waits(), ::testing::IsEmpty());
  // What nothing could be granted for waits for no money: it is refused.
  ASSERT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::EXAMINATION);
  sources_.size = "LARGE";
  Application large = MakeApplication(4, 1'000'000);
  const std::string refused = Create(large, Owner(4))->name();
  ASSERT_TRUE(
      Do<Application>("SubmitApplication", Owner(4), Naming<v1::SubmitApplicationRequest>(refused))
          .ok());
  ASSERT_TRUE(Check(refused, true, checker_).ok());
  ASSERT_TRUE(Gate(refused, authority_).ok());
  EXPECT_EQ(StateOf(refused), Application::REFUSED);
}

// What is asked for is enough for its tranches, or it is not filed.
TEST_F(RightsTest, TooSmallAGrantIsNotFiled) {
  Application small = MakeApplication(1);
  *small.mutable_requested_sum() = base::Money::FromTiyn(3)->ToProto();
  const std::string name = Create(small, Owner(1))->name();
  const auto submit = [&] {
    return Do<Application>("SubmitApplication", Owner(1),
                           Naming<v1::SubmitApplicationRequest>(name))
        .status();
  };
  const absl::Status refused = submit();
  EXPECT_EQ(ReasonOf(refused), "GRANT_TOO_SMALL");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("least"), "0.04");
  v1::CheckEligibilityRequest dry;
  *dry.mutable_application() = small;
  EXPECT_EQ(ReasonOf(Do<v1::Eligibility>("CheckEligibility", Owner(1), dry).status()),
            "GRANT_TOO_SMALL");
  v1::UpdateApplicationRequest more;
  more.mutable_application()->set_name(name);
  *more.mutable_application()->mutable_requested_sum() = base::Money::FromTiyn(4)->ToProto();
  more.mutable_update_mask()->add_paths("requested_sum");
  Must<Application>("UpdateApplication", Owner(1), more);
  EXPECT_EQ(submit(), absl::OkStatus());
}

// From a baseline above it a target of 0 can be judged; without one it cannot.
TEST_F(RightsTest, WhatIsToEndMayBeAnObligation) {
  Application application = MakeApplication(1);
  cases::Obligation& imports = *application.mutable_obligations(0);
  imports.set_area(cases::Obligation::DOMESTIC_MARKET);
  imports.set_indicator("imported windings");
  imports.set_target("0");
  EXPECT_EQ(ReasonOf(Create(application, Owner(1)).status()), "INVALID_FIELD");
  imports.set_baseline("0");
  EXPECT_EQ(ReasonOf(Create(application, Owner(1)).status()), "INVALID_FIELD");
  imports.set_baseline("300");
  EXPECT_TRUE(Create(application, Owner(1)).ok());
  imports.set_area(cases::Obligation::EXPORT);  // which is to grow
  EXPECT_EQ(ReasonOf(Create(application, Owner(1)).status()), "INVALID_FIELD");
}

// ---- Experts and votes

TEST_F(RightsTest, AnExpertWhoTurnsOutToBeTiedIsTakenOffWithItsScores) {
  const std::string name = At(Application::EXAMINATION, 1);
  ASSERT_TRUE(Assign(name, checker_).ok());
  ASSERT_TRUE(ScoreIt(name, ExpertOf("expert-1"), 10).ok());
  auto request = Naming<v1::AssignExpertsRequest>(name);
  for (const char* subject : {"expert-2", "expert-3", "expert-4"}) {
    request.add_experts()->set_expert_subject(subject);
  }
  EXPECT_EQ(ReasonOf(Do<Application>("AssignExperts", checker_, request).status()),
            "EXPERT_HAS_SCORED");
  Examination* tied = request.add_tied_experts();
  tied->set_expert_subject("expert-1");
  EXPECT_EQ(ReasonOf(Do<Application>("AssignExperts", checker_, request).status()),
            "EXPERT_NOT_TIED");
  tied->add_employers(Bin(1));
  ASSERT_TRUE(Do<Application>("AssignExperts", checker_, request).ok());
  for (const char* subject : {"expert-2", "expert-3", "expert-4"}) {
    ASSERT_TRUE(ScoreIt(name, ExpertOf(subject), 6).ok());
  }
  EXPECT_EQ(ReasonOf(ScoreIt(name, ExpertOf("expert-1")).status()), "ACCESS_DENIED");
  ASSERT_TRUE(CloseScores(name, checker_).ok());
  const cases::Facts facts = cases::Facts::Of(Now(name).examination());
  EXPECT_EQ(*facts.Text("totals_of_experts"), "30,30,30");
}

TEST_F(RightsTest, VotesAreNotThrownAwayNorConflictsForgotten) {
  const std::string name = At(Application::COMMISSION, 1);
  const std::string first = Open(name, authority_)->name();
  ASSERT_TRUE(RecuseIt(first, ExpertOf("member-7")).ok());
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(VoteOf(first, ExpertOf(absl::StrCat("member-", i)), i % 2 == 0).ok());
  }
  // The chair has voted: it can be closed.
  EXPECT_EQ(ReasonOf(Open(name, authority_).status()), "MEETING_DECIDES");

  const std::string other = At(Application::COMMISSION, 2);
  const std::string torn = Open(other, authority_)->name();
  ASSERT_TRUE(RecuseIt(torn, ExpertOf("member-1")).ok());  // the chair
  for (int i = 2; i <= 5; ++i) {
    ASSERT_TRUE(VoteOf(torn, ExpertOf(absl::StrCat("member-", i)), i % 2 == 0).ok());
  }
  EXPECT_EQ(ReasonOf(CloseIt(other, authority_).status()), "VOTE_UNDECIDED");
  EXPECT_EQ(StateOf(other), Application::COMMISSION);
  auto again = Naming<v1::OpenMeetingRequest>(other);
  again.clear_reason();
  for (int i = 1; i <= 9; ++i) {
    auto* member = again.add_members();
    member->set_subject(absl::StrCat("member-", i));
    member->set_title("Член");
    member->set_chair(i == 2);
  }
  EXPECT_EQ(ReasonOf(Do<Commission>("OpenMeeting", authority_, again).status()), "INVALID_FIELD")
      << "with a reason";
  again.set_reason("Председатель взял самоотвод");
  const auto second = Must<Commission>("OpenMeeting", authority_, again);
  EXPECT_EQ(Stored(kCommissions, store::Key::Of(*rpc::NumberIn(torn, "commissions/*", 0)))
                .commission()
                .reason(),
            "Председатель взял самоотвод");
  EXPECT_EQ(ReasonOf(VoteOf(second.name(), ExpertOf("member-1")).status()), "MEMBER_RECUSED");
  EXPECT_TRUE(VoteOf(second.name(), ExpertOf("member-2")).ok());
}

TEST_F(RightsTest, WhoIsInNoMeetingAnyMoreReadsTheApplicationNoMore) {
  const std::string name = At(Application::COMMISSION, 1);
  ASSERT_TRUE(Open(name, authority_).ok());
  auto request = Naming<v1::OpenMeetingRequest>(name);
  request.set_reason("Ошибка в составе");
  for (int i = 11; i <= 17; ++i) {
    auto* member = request.add_members();
    member->set_subject(absl::StrCat("member-", i));
    member->set_title("Член");
    member->set_chair(i == 11);
  }
  Must<Commission>("OpenMeeting", authority_, request);
  v1::GetApplicationRequest get;
  get.set_name(name);
  EXPECT_EQ(ReasonOf(Do<Application>("GetApplication", ExpertOf("member-1"), get).status()),
            "ACCESS_DENIED");
  EXPECT_TRUE(Do<Application>("GetApplication", ExpertOf("member-11"), get).ok());
  EXPECT_TRUE(Do<Application>("GetApplication", ExpertOf("expert-1"), get).ok());
}

TEST_F(RightsTest, ARefusalIsDecidedAlsoWhileAnotherGrantRuns) {
  const std::string one = At(Application::COMMISSION, 1), two = At(Application::COMMISSION, 1);
  Voted(one);
  ASSERT_TRUE(CloseIt(one, authority_).ok());
  Voted(two, /*in_favour=*/false);
  ASSERT_TRUE(CloseIt(two, authority_).ok());
  EXPECT_EQ(StateOf(two), Application::REFUSED);
  EXPECT_THAT(Now(two).grounds(), ElementsAre(v1::ENTITY_NOT_COMPLIANT));
}

// ---- Co-financing

// 50 MCI are 216,250 tenge: of 1,000,000 they and 600,000 of its own leave 183,750 to nobody.
TEST_F(RightsTest, CoFinancingIsJudgedByWhatIsGranted) {
  ChangeNorms({{"grants.ceiling_mci,50000", "grants.ceiling_mci,50"}});
  const std::string name = At(Application::COMMISSION, 1);
  EXPECT_EQ(Now(name).ceiling().units(), 216'250);
  EXPECT_EQ(FirstUnsatisfied(Now(name).eligibility()), "") << "by what was asked for it was";
  Voted(name);
  const std::string meeting = MeetingNow(name).name();
  // Carried, with nothing else against it: it waits for the applicant, and its votes stand.
  const auto missing = [&] {
    const absl::Status waits = CloseIt(name, authority_).status();
    EXPECT_EQ(ReasonOf(waits), "CONTRIBUTION_SHORT");
    EXPECT_EQ(StateOf(name), Application::COMMISSION);
    return base::InfoOf(waits).metadata().at("missing");
  };
  EXPECT_EQ(missing(), "183750.00");
  EXPECT_EQ(ReasonOf(Open(name, authority_).status()), "MEETING_DECIDES");
  EXPECT_EQ(ReasonOf(Raise(name, 600'000, Owner(1)).status()), "CONTRIBUTION_NOT_RAISED");
  EXPECT_EQ(ReasonOf(Raise(name, 783'750, Owner(2)).status()), "ACCESS_DENIED");
  ASSERT_TRUE(Raise(name, 783'749, Owner(1)).ok());
  EXPECT_EQ(missing(), "1.00");
  ASSERT_TRUE(Raise(name, 783'750, Owner(1)).ok());
  EXPECT_EQ(Now(name).documents(Now(name).documents_size() - 1).document().name(), "выписка.pdf");
  const auto closed = CloseIt(name, authority_);
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(closed->name(), meeting);
  EXPECT_EQ(StateOf(name), Application::APPROVED);
  EXPECT_EQ(Now(name).approved_sum().units(), 216'250);
  EXPECT_EQ(*cases::Facts::Of(Now(name).decision()).Text("granted_sum"), "216250.00");
  EXPECT_TRUE(ReplayOf(name).same());
  EXPECT_EQ(ReasonOf(Raise(name, 900'000, Owner(1)).status()), "APPLICATION_STATE");
  ExpectSound();
}

// Who does not put in more is refused by those who vote, and the decision says what was missing.
TEST_F(RightsTest, WhoDoesNotPutInMoreIsVotedAgainst) {
  ChangeNorms({{"grants.ceiling_mci,50000", "grants.ceiling_mci,50"}});
  const std::string name = At(Application::COMMISSION, 1);
  Voted(name);
  EXPECT_EQ(ReasonOf(CloseIt(name, authority_).status()), "CONTRIBUTION_SHORT");
  for (int i = 1; i <= 7; ++i) {
    ASSERT_TRUE(VoteOf(MeetingNow(name).name(), ExpertOf(absl::StrCat("member-", i)),
                       /*in_favour=*/false)
                    .ok());
  }
  ASSERT_TRUE(CloseIt(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::REFUSED);
  EXPECT_THAT(Now(name).grounds(), ElementsAre(v1::ENTITY_NOT_COMPLIANT));
  const Decision decision = Now(name).decision();
  std::set<std::string> against;
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) against.insert(finding.rule());
  }
  EXPECT_TRUE(against.contains("CO_FINANCED"));
  EXPECT_TRUE(ReplayOf(name).same());
}

// What is not accepted of the costs need not be covered.
TEST_F(RightsTest, CostsThatAreNotAcceptedAreNotToBeCovered) {
  const std::string name = At(Application::EXAMINATION, 1);
  ASSERT_TRUE(Assign(name, checker_).ok());
  for (const std::string& subject : Panel()) ASSERT_TRUE(ScoreIt(name, ExpertOf(subject)).ok());
  auto close = Naming<v1::CloseExaminationRequest>(name);
  *close.add_items()->mutable_accepted() = Tenge(700'000);
  close.mutable_items(0)->set_remark("Дороже рынка");
  Must<Application>("CloseExamination", checker_, close);
  EXPECT_EQ(Now(name).ceiling().units(), 350'000) << "half of it";
  Voted(name);
  ASSERT_TRUE(CloseIt(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::APPROVED) << "350,000 and 600,000 cover 700,000";
}

// ---- Evidence

TEST_F(RightsTest, AnAssessmentNamesWhatItRestsOn) {
  const std::string name = At(Application::MONITORING, 1), other = At(Application::MONITORING, 2);
  const auto report = [&](const std::string& of, int n, const HalfYear& half, const char* value) {
    auto request = ReportOn(of, half);
    auto* reached = request.mutable_report()->add_reached();
    reached->set_indicator("output sold abroad");
    reached->set_value(value);
    return Must<v1::MonitoringReport>("SubmitMonitoringReport", Owner(n), request).name();
  };
  GoPastObligations(name);
  const std::string early = report(name, 1, {2029, 2}, "40"),
                    last = report(name, 1, {2030, 2}, "50"),
                    silent = Must<v1::MonitoringReport>("SubmitMonitoringReport", Owner(1),
                                                        ReportOn(name, {2030, 1}))
                                 .name(),
                    of_other = report(other, 2, {2030, 2}, "50");
  const auto assessed = [&](const char* fact, const std::vector<std::string>& reports,
                            bool documents) {
    auto request = NamingAgreement<v1::AssessObligationsRequest>(name);
    request.add_facts(fact);
    for (const std::string& one : reports) request.add_reports(one);
    if (documents) *request.add_documents() = MakeDocument("акт проверки.pdf");
    return ReasonOf(Do<Agreement>("AssessObligations", checker_, request).status());
  };
  EXPECT_EQ(assessed("50", {}, false), "EVIDENCE_MISSING");
  EXPECT_EQ(assessed("50", {of_other}, true), "REPORT_UNKNOWN");
  EXPECT_EQ(assessed("50", {absl::StrCat(Sibling("agreements", name), "/reports/2028h1")}, true),
            "REPORT_UNKNOWN");
  EXPECT_EQ(assessed("50", {silent}, false), "FIGURE_NOT_REPORTED");
  EXPECT_EQ(assessed("60", {last}, false), "FIGURE_DIFFERS");
  EXPECT_EQ(assessed("40", {last, early}, false), "FIGURE_DIFFERS") << "the last one counts";
  EXPECT_EQ(StateOf(name), Application::MONITORING);
  EXPECT_EQ(assessed("50.0", {last, early}, false), "");
  EXPECT_EQ(StateOf(name), Application::RECOVERY);
  const Agreement agreement = AgreementNow(name);
  EXPECT_THAT(agreement.assessment_reports(), ElementsAre(early, last));
  const cases::Facts facts = cases::Facts::Of(agreement.assessment());
  EXPECT_EQ(facts.Get("obligation.1.fact").source(), last);
  EXPECT_FALSE(facts.Get("obligation.1.fact").version().empty());
  EXPECT_EQ(*facts.Text("evidence.reports"), absl::StrCat(early, ",", last));
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  EXPECT_EQ(*cases::Facts::Of(DemandNow(name).decision()).Text("evidence.reports"),
            absl::StrCat(early, ",", last));
  EXPECT_TRUE(ReplayOf(agreement.name()).same());
  EXPECT_TRUE(ReplayOf(DemandNow(name).name()).same());
  // What the institute found itself rests on its papers.
  ASSERT_TRUE(Assess(other, "60", checker_).ok());
  EXPECT_EQ(AgreementNow(other).assessment_documents(0).name(), "акт проверки.pdf");
  EXPECT_EQ(*cases::Facts::Of(AgreementNow(other).assessment()).Text("evidence.documents"),
            absl::StrJoin(std::vector<std::string>(32, "68"), ""));
}

// ---- Return of money

TEST_F(RightsTest, WhatIsLessThanHalfATengeIsNoDemand) {
  Application application = MakeApplication(1);
  application.mutable_obligations(0)->set_target("1000000");
  const std::string name = Create(application, Owner(1))->name();
  ASSERT_EQ(Submit(name, 1), absl::OkStatus());
  ASSERT_TRUE(Check(name, true, checker_).ok());
  ASSERT_TRUE(Gate(name, authority_).ok());
  ASSERT_TRUE(Assign(name, checker_).ok());
  for (const std::string& subject : Panel()) ASSERT_TRUE(ScoreIt(name, ExpertOf(subject)).ok());
  ASSERT_TRUE(CloseScores(name, checker_).ok());
  Voted(name);
  ASSERT_TRUE(CloseIt(name, authority_).ok());
  ASSERT_TRUE(WriteIt(name, writer_).ok());
  ASSERT_TRUE(Sign(name, Owner(1)).ok());
  ASSERT_TRUE(Sign(name, authority_).ok());
  for (int tranche = 1; tranche <= 3; ++tranche) PaidUp(name, 1, tranche);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "999999.999", checker_).ok());
  EXPECT_EQ(AgreementNow(name).assessment().outcome(), "NOTHING_TO_RETURN");
  EXPECT_EQ(StateOf(name), Application::CLOSED);
  EXPECT_FALSE(DemandIt(name, authority_).ok());
}

TEST_F(RightsTest, ADemandGoesByTheToleranceOfItsAssessment) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "95", checker_).ok());
  EXPECT_EQ(StateOf(name), Application::RECOVERY);
  ChangeNorms({{"obligations.tolerance,100,", "obligations.tolerance,90,"}});
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  const Demand demand = DemandNow(name);
  EXPECT_EQ(demand.decision().outcome(), "RETURN");
  EXPECT_EQ(demand.computation().principal().units(), 20'000);
  EXPECT_TRUE(ReplayOf(demand.name()).same());
}

TEST_F(RightsTest, LateInterestIsALineByTheStoredRate) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  const Demand demand = DemandNow(name);
  const base::Percent rate = *cases::RateOfDemand(demand.decision());
  const base::Date due = *base::Date::FromProto(demand.due_date());
  GoTo(due.AddDays(10));
  // The bank's history is corrected afterwards: what is owed stays.
  ChangeNorms({{absl::StrCat("base_rate,", rate.ToString()), "base_rate,99.00"}});
  ASSERT_TRUE(Repay(name, Tenge(1'000), payer_).ok());
  const Demand after = DemandNow(name);
  ASSERT_EQ(after.repayments_size(), 1);
  const obligations::v1::LateInterest& late = after.repayments(0).late();
  EXPECT_EQ(*base::Date::FromProto(late.from()), due.AddDays(1));
  EXPECT_EQ(*base::Date::FromProto(late.to()), due.AddDays(10));
  EXPECT_EQ(late.days(), 10);
  EXPECT_EQ(late.rate(), rate.ToString());
  const base::Money total = *base::Money::FromProto(demand.total());
  EXPECT_EQ(*base::Money::FromProto(late.unpaid()), total);
  EXPECT_EQ(*base::Money::FromProto(late.amount()),
            *cases::LateInterest(total, rate, due.AddDays(1), due.AddDays(10)));
  EXPECT_EQ(base::Money::FromProto(DemandNow(name).late_interest())->tiyn(),
            base::Money::FromProto(late.amount())->tiyn());
  ExpectSound();
}

TEST_F(RightsTest, WhoPaidInTimeNeverStoodOnTheList) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  const base::Date due = *base::Date::FromProto(DemandNow(name).due_date());
  GoTo(due.AddDays(5));  // the institute is late with recording
  const std::string listing = DemandNow(name).listing();
  ASSERT_FALSE(listing.empty());
  ASSERT_TRUE(Repay(name, DemandNow(name).total(), payer_, due.AddDays(-2)).ok());
  EXPECT_EQ(StateOf(name), Application::RECOVERED);
  v1::GetUnreliableRecipientRequest get;
  get.set_name(listing);
  for (const base::Date day : {due.AddDays(1), due.AddDays(3), today()}) {
    *get.mutable_as_of() = day.ToProto();
    EXPECT_EQ(Do<v1::UnreliableRecipient>("GetUnreliableRecipient", auditor_, get).status().code(),
              absl::StatusCode::kNotFound)
        << day.ToString();
  }
}

TEST_F(RightsTest, AnExcuseTakesAwayWhatIsUnpaidAndKeepsItsPapers) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  ASSERT_TRUE(Repay(name, Tenge(1'000), payer_).ok());
  ASSERT_TRUE(Excuse(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::CLOSED);
  EXPECT_EQ(DemandNow(name).state(), Demand::CANCELLED);
  EXPECT_EQ(DemandNow(name).repayments_size(), 1);
  ASSERT_EQ(AgreementNow(name).excuse_documents_size(), 1);
  EXPECT_EQ(*cases::Facts::Of(AgreementNow(name).excuse()).Text("documents"),
            absl::StrJoin(std::vector<std::string>(32, "68"), ""));
  ExpectSound();
}

// ---- Money twice

TEST_F(RightsTest, AnOrderAndAPaymentCountOnce) {
  auto order = Allocation(500);
  order.set_order_number("17");
  Must<budget::v1::Account>("AllocateBudget", authority_, order);
  EXPECT_EQ(ReasonOf(Do<budget::v1::Account>("AllocateBudget", authority_, order).status()),
            "ORDER_POSTED");
  EXPECT_EQ(Stands(), "3000500 0 0 0");
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  ASSERT_TRUE(Repay(name, Tenge(1'000), payer_).ok());
  orders_ = orders_ - 1;
  EXPECT_EQ(ReasonOf(Repay(name, Tenge(1'000), payer_).status()), "REPAYMENT_RECORDED");
  EXPECT_EQ(DemandNow(name).repayments_size(), 1);
  ExpectSound();
}

TEST_F(RightsTest, YearsThatNobodyClosedAreNamed) {
  const std::string name = At(Application::COMMISSION, 1);
  Voted(name);
  GoTo(Day("2029-01-10"));
  const absl::Status refused = CloseIt(name, authority_).status();
  EXPECT_EQ(ReasonOf(refused), "YEAR_NOT_CLOSED") << refused;
  EXPECT_EQ(base::InfoOf(refused).metadata().at("account"), "programmes/grants/accounts/2026");
  for (const int year : {2026, 2027, 2028}) CloseYearOf(year);
  EXPECT_TRUE(CloseIt(name, authority_).ok());
  ExpectSound();
}

// The second signature, the release of what is given up and the payment do not wait for whoever
// closes the year: the term of the agreement would run out meanwhile.
TEST_F(RightsTest, AYearThatNobodyClosedCostsNobodyItsGrant) {
  GoTo(Day("2026-12-28"));
  const std::string signs = At(Application::APPROVED, 1), declines = At(Application::APPROVED, 2),
                    late = At(Application::APPROVED, 3), other = At(Application::COMMISSION, 4);
  Voted(other);
  for (const std::string& name : {signs, declines, late}) {
    ASSERT_TRUE(WriteIt(name, writer_).ok());
  }
  ASSERT_TRUE(Sign(signs, authority_).ok());
  GoTo(Day("2027-01-11"));
  // Money of the new year is another's.
  Must<budget::v1::Account>("AllocateBudget", authority_, Allocation(400'000));
  ASSERT_TRUE(CloseIt(other, authority_).ok());
  const auto second = Sign(signs, Owner(1));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(StateOf(signs), Application::AGREEMENT_SIGNED);
  ASSERT_TRUE(Decline(declines, Owner(2)).ok());
  EXPECT_EQ(StateOf(declines), Application::WITHDRAWN);
  EXPECT_EQ(Stands(2026), "2200000 400000 400000 0");
  EXPECT_EQ(Stands(2027), "0 400000 0 0");
  Proven(signs, 1, 1);
  ASSERT_TRUE(Pay(signs, 1, payer_).ok());
  EXPECT_EQ(Stands(2026), "2200000 400000 280000 0");
  EXPECT_EQ(Stands(2027), "0 400000 0 120000");
  CloseYearOf(2026);
  EXPECT_EQ(Stands(2026), "0 0 0 0");
  EXPECT_EQ(Stands(2027), "2200000 800000 280000 120000");
  // Carried over it is committed where it is now.
  ASSERT_TRUE(Sign(late, authority_).ok());
  ASSERT_TRUE(Sign(late, Owner(3)).ok());
  EXPECT_EQ(Stands(2027), "2200000 400000 680000 120000");
  ExpectSound();
}

// What is paid or given up of one year's grants is not taken from another's of the next.
TEST_F(RightsTest, NobodysCommitmentIsTakenForAnothers) {
  GoTo(Day("2026-12-28"));
  const std::string ends = At(Application::AGREEMENT_SIGNED, 1),
                    paid = At(Application::AGREEMENT_SIGNED, 2),
                    other = At(Application::COMMISSION, 3);
  Voted(other);
  Proven(paid, 2, 1);
  GoTo(Day("2027-01-11"));
  Must<budget::v1::Account>("AllocateBudget", authority_, Allocation(400'000));
  ASSERT_TRUE(CloseIt(other, authority_).ok());
  ASSERT_TRUE(WriteIt(other, writer_).ok());
  ASSERT_TRUE(Sign(other, authority_).ok());
  ASSERT_TRUE(Sign(other, Owner(3)).ok());
  EXPECT_EQ(Stands(2027), "0 0 400000 0");
  ASSERT_TRUE(
      Do<Agreement>("EndTranches", authority_, NamingAgreement<v1::EndTranchesRequest>(ends)).ok());
  ASSERT_TRUE(Pay(paid, 1, payer_).ok());
  EXPECT_EQ(Stands(2026), "2600000 0 280000 0");
  EXPECT_EQ(Stands(2027), "0 0 400000 120000");
  for (int tranche = 1; tranche <= 3; ++tranche) {
    Proven(other, 3, tranche);
    const auto payment = Pay(other, tranche, payer_);
    ASSERT_TRUE(payment.ok()) << payment.status();
  }
  EXPECT_EQ(Stands(2027), "0 0 0 520000");
  ExpectSound();
}

// A row of an imported list says since when its recipient stands there. Where that is earlier than
// was known it stands there since then; what was known before stays to be read, and taking it off
// from a day on takes it off all days from then on.
TEST_F(RightsTest, AnImportedListThatSaysAnEarlierDayIsBelieved) {
  const base::Date from = today();
  const auto enter = [&](int n, base::Date day, const std::string& basis) {
    v1::EnterUnreliableRecipientsRequest request;
    auto* entry = request.add_recipients();
    entry->set_recipient(Bin(n));
    entry->set_list(v1::UnreliableRecipient::UNRELIABLE);
    entry->set_basis(basis);
    *entry->mutable_listed_from() = day.ToProto();
    return Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_,
                                                       request)
        .recipients(0);
  };
  const auto end = [&](const std::string& name, base::Date day) {
    v1::EndUnreliableRecipientRequest request;
    request.set_name(name);
    request.set_reason("Отменено");
    *request.mutable_end_date() = day.ToProto();
    return Do<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, request).status();
  };
  // By which basis it stands on a day of each stretch of ten, and since when.
  const auto days = [&](int n, std::optional<absl::Time> known_at = std::nullopt) {
    std::string all;
    for (const int day : {0, 5, 15, 25, 35, 45}) {
      v1::ListUnreliableRecipientsRequest list;
      list.set_filter(absl::StrCat("recipient = \"", Bin(n), "\""));
      *list.mutable_as_of() = from.AddDays(day).ToProto();
      if (known_at.has_value()) {
        list.mutable_known_at()->set_seconds(absl::ToUnixSeconds(*known_at));
      }
      const auto listed =
          Must<v1::ListUnreliableRecipientsResponse>("ListUnreliableRecipients", auditor_, list);
      EXPECT_LE(listed.recipients_size(), 1);
      if (listed.recipients().empty()) {
        all += " -";
        continue;
      }
      const auto& entry = listed.recipients(0);
      absl::StrAppend(&all, " ", entry.basis(), *base::Date::FromProto(entry.listed_from()) - from);
    }
    return all;
  };
  GoTo(from.AddDays(40));
  const std::string name = enter(1, from.AddDays(30), "a").name();
  EXPECT_EQ(enter(1, from.AddDays(35), "b").basis(), "a") << "as it stands";
  const absl::Time before = clock_.Now();
  EXPECT_EQ(days(1), " - - - - a30 a30");
  GoTo(from.AddDays(50));
  const auto earlier = enter(1, from.AddDays(20), "c");
  EXPECT_EQ(earlier.name(), name);
  EXPECT_EQ(earlier.basis(), "a");
  EXPECT_EQ(*base::Date::FromProto(earlier.listed_from()), from.AddDays(20));
  EXPECT_EQ(days(1), " - - - c20 a20 a20");
  EXPECT_EQ(enter(1, from.AddDays(3), "d").name(), name);
  EXPECT_EQ(days(1), " - d3 d3 c3 a3 a3");
  EXPECT_EQ(days(1, before), " - - - - a30 a30");
  EXPECT_EQ(ReasonOf(end(name, from.AddDays(2))), "ENTRY_END_INVALID");
  ASSERT_TRUE(end(name, from.AddDays(10)).ok());
  EXPECT_EQ(days(1), " - d3 - - - -");
  // Entered again it stands on no day by two entries, and on none that it was taken off but by the
  // row that says so.
  const std::string again = enter(1, from.AddDays(30), "e").name();
  EXPECT_NE(again, name);
  EXPECT_EQ(days(1), " - d3 - - e30 e30");
  EXPECT_EQ(enter(1, from, "f").name(), again);
  EXPECT_EQ(days(1), " f0 d3 f10 f10 e10 e10");
  ASSERT_TRUE(end(again, from.AddDays(10)).ok());
  EXPECT_EQ(days(1), " f0 d3 - - - -");
  ASSERT_TRUE(end(again, from).ok());
  ASSERT_TRUE(end(name, from.AddDays(3)).ok());
  EXPECT_EQ(days(1), " - - - - - -");
  EXPECT_NE(enter(1, from.AddDays(15), "g").name(), again);
  EXPECT_EQ(days(1), " - - g15 g15 g15 g15");
}

TEST_F(RightsTest, SharesThatAreNoWholeStopTheService) {
  const norms::Norms uneven = norms::Edited({{"grants.tranche.1,30", "grants.tranche.1,50"}});
  EXPECT_EQ(ReasonOf(TranchesOf(*base::Money::FromTenge(1), uneven, Day("2026-06-15")).status()),
            "TRANCHE_SHARES_INVALID");
  EXPECT_EQ(ReasonOf(StartedBy(uneven)), "TRANCHE_SHARES_INVALID");
  // A tranche of nothing could never be paid, and its grant never end.
  const norms::Norms none = norms::Edited({{"grants.tranche.1,30", "grants.tranche.1,70"},
                                           {"grants.tranche.2,40", "grants.tranche.2,0"}});
  EXPECT_EQ(ReasonOf(StartedBy(none)), "TRANCHE_SHARES_INVALID");
}

// What is a whole today and none from next year on would let nobody write an agreement then.
TEST_F(RightsTest, SharesOfNextYearThatAreNoWholeStopTheServiceNow) {
  const auto changed = [](const std::string& key, const std::string& was,
                          const std::string& becomes) {
    const std::string row = key + "," + was + ",PERCENT,2022-01-01,";
    return std::pair(row + ",", absl::StrCat(row, "2026-12-31,As before,ASSUMPTION\n", key, ",",
                                             becomes, ",PERCENT,2027-01-01,,"));
  };
  const auto first = changed("grants.tranche.1", "30.00", "20.00");
  ASSERT_LT(today(), Day("2027-01-01"));
  const absl::Status refused = StartedBy(norms::Edited({first}));
  EXPECT_EQ(ReasonOf(refused), "TRANCHE_SHARES_INVALID") << refused;
  EXPECT_EQ(base::InfoOf(refused).metadata().at("date"), "2027-01-01");
  EXPECT_EQ(StartedBy(norms::Edited({first, changed("grants.tranche.3", "30.00", "40.00")})),
            absl::OkStatus());
}

TEST_F(RightsTest, AQuorumThatNobodyCouldReachStopsTheService) {
  const auto started = [&](const std::string& from, const std::string& to) {
    return ReasonOf(StartedBy(norms::Edited({{from, to}})));
  };
  EXPECT_EQ(started("grants.commission.quorum.parts,2", "grants.commission.quorum.parts,4"),
            "COMMISSION_NORMS_INVALID");
  EXPECT_EQ(started("grants.commission.chair_casts,1", "grants.commission.chair_casts,2"),
            "COMMISSION_NORMS_INVALID");
  EXPECT_EQ(started("grants.commission.quorum.parts,2", "grants.commission.quorum.parts,3"), "");
}

// ---- Time

// Each once, on its day and as of it, also where the process was down then; nothing early.
TEST_F(RightsTest, TimersActOnceOnTheirDayAlsoAfterDowntime) {
  const std::string name = At(Application::MONITORING, 1);
  const std::string agreement = Sibling("agreements", name);
  const auto reports = [&] {
    int owed = 0, late = 0;
    const auto open = cases::OpenDeadlines(store().Read(), agreement);
    for (const auto& deadline : *open) {
      if (deadline.kind() != kReportDeadline) continue;
      ++owed;
      late += deadline.overdue() ? 1 : 0;
    }
    return absl::StrCat(owed, " owed, ", late, " late");
  };
  EXPECT_EQ(reports(), "1 owed, 0 late");
  GoTo(Day("2026-07-30"));
  EXPECT_EQ(reports(), "1 owed, 0 late") << "its last day";
  GoTo(Day("2026-07-31"));
  EXPECT_EQ(reports(), "2 owed, 1 late");
  // Two more half-years pass while nobody runs.
  clock_.Set(Day("2027-08-15").StartOfDay());
  Reopen();
  GoTo(Day("2027-08-15"));
  EXPECT_EQ(reports(), "4 owed, 3 late");
  GoTo(Day("2027-08-16"));
  Reopen();
  EXPECT_EQ(reports(), "4 owed, 3 late") << "once";

  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  const base::Date due = *base::Date::FromProto(DemandNow(name).due_date());
  GoTo(due);
  EXPECT_TRUE(DemandNow(name).listing().empty()) << "nothing acts early";
  clock_.Set(due.AddDays(30).StartOfDay());
  Reopen();
  GoTo(due.AddDays(30));
  const std::string listing = DemandNow(name).listing();
  ASSERT_FALSE(listing.empty());
  v1::GetUnreliableRecipientRequest get;
  get.set_name(listing);
  *get.mutable_as_of() = due.ToProto();
  EXPECT_FALSE(Do<v1::UnreliableRecipient>("GetUnreliableRecipient", auditor_, get).ok());
  *get.mutable_as_of() = due.AddDays(1).ToProto();
  EXPECT_TRUE(Do<v1::UnreliableRecipient>("GetUnreliableRecipient", auditor_, get).ok())
      << "as of the day after";
  Reopen();
  GoTo(due.AddDays(31));
  EXPECT_EQ(DemandNow(name).listing(), listing);
  v1::ListUnreliableRecipientsRequest list;
  EXPECT_EQ(Must<v1::ListUnreliableRecipientsResponse>("ListUnreliableRecipients", auditor_, list)
                .recipients_size(),
            1);
}

// A slip in typing, or an act that a court annuls: nobody was bankrupt by it on any day.
TEST_F(RightsTest, AnEntryThatShouldNotHaveBeenIsTakenBackFromItsFirstDay) {
  const base::Date first = today();
  const std::string entry = List(1).name();
  const auto stands = [&](base::Date day, std::optional<base::Date> known = std::nullopt) {
    v1::GetUnreliableRecipientRequest get;
    get.set_name(entry);
    *get.mutable_as_of() = day.ToProto();
    v1::ListUnreliableRecipientsRequest list;
    *list.mutable_as_of() = day.ToProto();
    if (known.has_value()) {
      get.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known->StartOfDay()));
      *list.mutable_known_at() = get.known_at();
    }
    const bool there = Do<v1::UnreliableRecipient>("GetUnreliableRecipient", auditor_, get).ok();
    EXPECT_EQ(Must<v1::ListUnreliableRecipientsResponse>("ListUnreliableRecipients", auditor_, list)
                  .recipients_size(),
              there ? 1 : 0);
    return there;
  };
  const auto end = [&](base::Date day, const std::string& reason = "Опечатка в БИН") {
    v1::EndUnreliableRecipientRequest request;
    request.set_name(entry);
    request.set_reason(reason);
    *request.mutable_end_date() = day.ToProto();
    return Do<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, request);
  };
  GoTo(first.AddDays(10));
  EXPECT_EQ(ReasonOf(end(first.AddDays(-1)).status()), "ENTRY_END_INVALID");
  EXPECT_EQ(ReasonOf(end(first.AddDays(11)).status()), "ENTRY_END_INVALID");
  EXPECT_EQ(ReasonOf(end(first, "").status()), "INVALID_FIELD");
  EXPECT_TRUE(stands(today()));
  ASSERT_TRUE(end(first.AddDays(5)).ok());
  EXPECT_TRUE(stands(first.AddDays(4)));
  EXPECT_FALSE(stands(first.AddDays(5)));
  EXPECT_FALSE(stands(today()));

  // It has ended, and should not have been at all.
  GoTo(first.AddDays(20));
  EXPECT_FALSE(end(first.AddDays(5)).ok()) << "it stood no more on that day";
  const auto told = end(first, "Решение суда отменено");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->reason(), "Решение суда отменено");
  for (const int day : {0, 4, 5, 10, 20}) EXPECT_FALSE(stands(first.AddDays(day))) << day;
  EXPECT_TRUE(stands(first.AddDays(9), first.AddDays(9))) << "as was known then";
  EXPECT_TRUE(stands(first, first.AddDays(19))) << "as was known then";
  EXPECT_NE(List(1).name(), entry) << "and is entered anew where it is true after all";
}

// A term that has begun keeps its last day; one that begins later goes by the norms of its day.
TEST_F(RightsTest, OpenWindowsKeepTheNormsAndHolidaysOfTheirDay) {
  const auto returned = [&](int n) {
    const std::string name = At(Application::SUBMITTED, n);
    EXPECT_TRUE(Check(name, false, checker_).ok());
    EXPECT_TRUE(Return(name, checker_).ok());
    return name;
  };
  const auto due = [&](const std::string& name) {
    return base::Date::FromProto(Now(name).due_date())->ToString();
  };
  const std::string before = returned(1);
  EXPECT_EQ(due(before), "2026-06-24") << "seven working days";
  // A day off is declared, and the window is made shorter.
  ChangeNorms({{"grants.fix_days,7", "grants.fix_days,3"},
               {"holidays.day_off,1,DAYS,2026-05-27,2026-05-27,",
                "holidays.day_off,1,DAYS,2026-05-27,2026-05-27,As before,ASSUMPTION\n"
                "holidays.day_off,1,DAYS,2026-06-17,2026-06-17,"}});
  const std::string after = returned(2);
  EXPECT_EQ(due(before), "2026-06-24");
  EXPECT_EQ(due(after), "2026-06-19") << "three working days, and the day off between them";
  GoTo(Day("2026-06-20"));
  EXPECT_EQ(StateOf(after), Application::ANNULLED);
  EXPECT_EQ(StateOf(before), Application::RETURNED_FOR_FIX);
  GoTo(Day("2026-06-25"));
  EXPECT_EQ(StateOf(before), Application::ANNULLED);
}

// A rate for next year is data: checked when it is loaded, in force on its day, told in decisions.
TEST_F(RightsTest, NextYearsNormsAreDataAndSaySoInDecisions) {
  const std::string row = "grants.share.small,50.00,PERCENT,2022-01-01,,";
  const auto with = [&](const std::string& rows) {
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    for (norms::NormFile& file : files) {
      file.text = absl::StrReplaceAll(file.text, {{row, rows}});
    }
    return norms::Norms::LoadText(files).status();
  };
  EXPECT_EQ(with(row), absl::OkStatus());
  EXPECT_FALSE(with("grants.share.small,50.00,TENGE,2022-01-01,,").ok()) << "a bad unit";
  EXPECT_FALSE(with("grants.share.tiny,50.00,PERCENT,2022-01-01,,").ok()) << "an unknown key";
  EXPECT_FALSE(with("grants.share.small,50.00,PERCENT,2022-01-01,2026-12-31,\"x\",ASSUMPTION\n"
                    "grants.share.small,45.00,PERCENT,2027-01-02,,")
                   .ok())
      << "a hole";
  // The row goes on with its source.
  ChangeNorms({{row,
                "grants.share.small,50.00,PERCENT,2022-01-01,2026-12-31,As before,ASSUMPTION\n"
                "grants.share.small,30.00,PERCENT,2027-01-01,,"}});
  const std::string now = At(Application::COMMISSION, 1);
  GoTo(Day("2027-01-05"));
  Allocate(1'000'000);
  const std::string next = At(Application::COMMISSION, 2);
  const auto share = [&](const std::string& name) {
    return cases::Facts::Of(Now(name).examination()).Get("share_bp");
  };
  EXPECT_EQ(share(now).value(), "5000");
  EXPECT_EQ(share(next).value(), "3000");
  EXPECT_EQ(share(now).source(), "ASSUMPTION: grants.share.small: As before");
  EXPECT_THAT(share(next).source(),
              ::testing::StartsWith("ASSUMPTION: grants.share.small: Rules of granting"));
  EXPECT_TRUE(Now(next).examination().rests_on_assumption());
  EXPECT_EQ(Now(now).ceiling().units(), 400'000);
  EXPECT_EQ(Now(next).ceiling().units(), 300'000);
}

// ---- Replay

// A decision that a later one has replaced is decided again as well, by its day or by when it was
// known.
TEST_F(RightsTest, WhatStoodOnADayIsReplayedOfThatDay) {
  const base::Date first = today();
  const std::string name = At(Application::SUBMITTED, 1);
  ASSERT_TRUE(Check(name, false, checker_).ok());
  GoTo(first.AddDays(3));
  ASSERT_TRUE(Check(name, true, checker_).ok());
  const auto outcome = [&](std::optional<base::Date> day, std::optional<base::Date> known) {
    v1::ReplayDecisionRequest request;
    request.set_name(name);
    if (day.has_value()) *request.mutable_as_of() = day->ToProto();
    if (known.has_value()) {
      request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known->StartOfDay()));
    }
    const auto told = Do<v1::ReplayDecisionResponse>("ReplayDecision", checker_, request);
    if (!told.ok()) return ReasonOf(told.status());
    EXPECT_TRUE(told->same());
    return told->replays(0).replayed().outcome();
  };
  EXPECT_EQ(outcome(std::nullopt, std::nullopt), "COMPLETE");
  EXPECT_EQ(outcome(first.AddDays(2), std::nullopt), "INCOMPLETE");
  EXPECT_EQ(outcome(first.AddDays(3), first.AddDays(2)), "INCOMPLETE");
  EXPECT_EQ(outcome(first.AddDays(-1), std::nullopt), "NOT_FOUND");
}

// Lists, norms and records go on; what was decided is decided again by what it was decided on.
TEST_F(RightsTest, DecisionsStandOnWhatTheyWereMadeOf) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  ASSERT_TRUE(Excuse(name, authority_).ok());
  sources_.listed.clear();
  sources_.not_producers.insert(Bin(1));
  sources_.on_map = false;
  List(1);
  SetMeasure("");
  ChangeNorms({{"grants.share.small,50.00", "grants.share.small,10.00"},
               {"grants.pass_share,60", "grants.pass_share,99"},
               {"grants.commission.members_min,7", "grants.commission.members_min,21"},
               {"obligations.tolerance,100,", "obligations.tolerance,10,"},
               {"grants.activity_years_min,3", "grants.activity_years_min,50"}});
  int replays = 0;
  for (const std::string& record :
       {name, Sibling("agreements", name), Sibling("demands", name),
        PaymentName(Sibling("agreements", name), 1), PaymentName(Sibling("agreements", name), 3)}) {
    const auto replayed = ReplayOf(record);
    EXPECT_TRUE(replayed.same()) << record;
    replays += replayed.replays_size();
  }
  EXPECT_EQ(replays, 4 + 2 + 1 + 2);
}

// Each fact of each decision taken away in turn: the replay says so, or is not the same. It never
// passes, and never ends the process.
TEST_F(RightsTest, AFactThatIsNotStoredIsSaid) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  ASSERT_TRUE(Excuse(name, authority_).ok());
  const Application application = Now(name);
  const Agreement agreement = AgreementNow(name);
  const Demand demand = DemandNow(name);
  const v1::Payment payment =
      Stored(kPayments, store::Key::Of(agreement.name(), int32_t{1})).payment();
  using Replay = absl::StatusOr<Decision> (*)(const Decision&);
  const std::vector<std::pair<const Decision*, Replay>> all = {
      {&application.completeness(), ReplayCompleteness},
      {&application.eligibility(), ReplayEligibility},
      {&application.examination(), ReplayExamination},
      {&application.decision(), ReplayCommission},
      {&payment.decision(), ReplayPayment},
      {&agreement.assessment(), ReplayObligations},
      {&agreement.excuse(), ReplayExcuse},
      {&demand.decision(), ReplayObligations}};
  int missing = 0;
  for (const auto& [stored, replay] : all) {
    std::set<std::string> names;
    for (const auto& finding : stored->findings()) {
      for (const auto& fact : finding.facts()) {
        names.insert(fact.name());
        if (fact.name() == "running_grants") {
          EXPECT_TRUE(absl::StartsWith(fact.version(), "position ")) << fact.version();
        }
      }
    }
    ASSERT_FALSE(names.empty());
    for (const std::string& gone : names) {
      if (absl::EndsWith(gone, "_assumed")) continue;  // older decisions do not have it
      Decision bare = *stored;
      for (auto& finding : *bare.mutable_findings()) {
        for (int i = finding.facts_size() - 1; i >= 0; --i) {
          if (finding.facts(i).name() == gone) finding.mutable_facts()->DeleteSubrange(i, 1);
        }
      }
      EXPECT_EQ(ReasonOf(replay(bare).status()), "FACT_MISSING") << gone;
      ++missing;
    }
  }
  EXPECT_GT(missing, 50);
}

TEST_F(RightsTest, ASumThatIsNotTheComputedOneIsSaid) {
  const std::string name = At(Application::MONITORING, 1);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  Decision changed = DemandNow(name).decision();
  for (auto& finding : *changed.mutable_findings()) {
    for (auto& fact : *finding.mutable_facts()) {
      if (fact.name() == "return.total") fact.set_value("1.00");
    }
  }
  EXPECT_NE(ReplayObligations(changed)->SerializeAsString(), changed.SerializeAsString());
}

}  // namespace
}  // namespace nisi::grants
