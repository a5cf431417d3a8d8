// Grants over the real service: the whole way over years, money under a race, what is asked twice,
// others that do not answer, two times.
#include <thread>

#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::ReasonOf;

class JourneyTest : public GrantsTest {
 protected:
  // A step by each role that may not take it, each over the same record: refused alike, and nothing
  // is written.
  template <class Step>
  void OnlyBy(std::initializer_list<rpc::Role> allowed, int n, const char* what, const Step& step) {
    uint32_t may = 0;
    for (const rpc::Role role : allowed) may |= base::RoleBit(role);
    const int64_t before = position();
    for (const rpc::Role role : rpc::AllRoles()) {
      const bool scoped = role == rpc::v1::ENTITY || role == rpc::v1::EXPERT;
      if ((may & base::RoleBit(role)) != 0 && !scoped) continue;
      // Of a scoped role that may: a stranger of it.
      const bool stranger = (may & base::RoleBit(role)) != 0;
      const absl::Status refused =
          step(CallerOf("walker", {role}, stranger ? Bin(33'333) : Bin(n))).status();
      EXPECT_EQ(refused.code(), role == rpc::v1::PUBLIC
                                    ? refused.code()  // signed in or not, as the call layer has it
                                    : absl::StatusCode::kPermissionDenied)
          << what << " by " << rpc::RoleName(role) << ": " << refused;
      EXPECT_FALSE(refused.ok()) << what;
    }
    EXPECT_EQ(position(), before) << what;
  }
  template <class Step>
  auto Take(std::initializer_list<rpc::Role> allowed, int n, const char* what,
            const rpc::Caller& by, const Step& step) {
    OnlyBy(allowed, n, what, step);
    auto taken = step(by);
    EXPECT_TRUE(taken.ok()) << what << ": " << taken.status();
    using Answer = std::decay_t<decltype(*taken)>;
    return taken.ok() ? *std::move(taken) : Answer();
  }
  Application::State StateOf(const std::string& name) { return Now(name).state(); }
};

using rpc::v1::AUTHORITY_INDUSTRY;
using rpc::v1::ENTITY;
using rpc::v1::EXPERT;
using rpc::v1::INSTITUTE_INDUSTRY;

TEST_F(JourneyTest, FromDraftToRecovery) {
  constexpr int kN = 1;
  OpenProgramme(0);
  Take({AUTHORITY_INDUSTRY}, kN, "allocate", authority_, [&](const rpc::Caller& by) {
    return Do<budget::v1::Account>("AllocateBudget", by, Allocation(1'000'000));
  });
  const auto created = Take({ENTITY}, kN, "create", Owner(kN),
                            [&](const rpc::Caller& by) { return Create(MakeApplication(kN), by); });
  const std::string name = created.name();
  Take({ENTITY}, kN, "submit", Owner(kN), [&](const rpc::Caller& by) {
    return Do<Application>("SubmitApplication", by, Naming<v1::SubmitApplicationRequest>(name));
  });
  EXPECT_EQ(*base::Date::FromProto(Now(name).due_date()), Day("2026-06-22"));
  Take({INSTITUTE_INDUSTRY}, kN, "check", checker_,
       [&](const rpc::Caller& by) { return Check(name, false, by); });
  EXPECT_EQ(StateOf(name), Application::COMPLETENESS_CHECK);
  Take({INSTITUTE_INDUSTRY}, kN, "return", checker_,
       [&](const rpc::Caller& by) { return Return(name, by); });
  GoTo(Day("2026-06-18"));
  Take({ENTITY}, kN, "update", Owner(kN), [&](const rpc::Caller& by) {
    v1::UpdateApplicationRequest update;
    update.mutable_application()->set_name(name);
    update.mutable_application()->mutable_title()->set_ru("Линия сухих трансформаторов");
    update.mutable_update_mask()->add_paths("title");
    return Do<Application>("UpdateApplication", by, update);
  });
  Take({ENTITY}, kN, "resubmit", Owner(kN), [&](const rpc::Caller& by) {
    return Do<Application>("ResubmitApplication", by, Naming<v1::ResubmitApplicationRequest>(name));
  });
  EXPECT_TRUE(Check(name, true, checker_).ok());
  Take({AUTHORITY_INDUSTRY}, kN, "gate", authority_,
       [&](const rpc::Caller& by) { return Gate(name, by); });
  EXPECT_EQ(StateOf(name), Application::EXAMINATION);
  EXPECT_EQ(sources_.asked.back(), Day("2026-06-15")) << "the day of submission";
  Take({INSTITUTE_INDUSTRY}, kN, "assign", checker_,
       [&](const rpc::Caller& by) { return Assign(name, by); });
  for (const std::string& subject : Panel()) {
    Take({EXPERT}, kN, "score", ExpertOf(subject),
         [&](const rpc::Caller& by) { return ScoreIt(name, by); });
  }
  Take({INSTITUTE_INDUSTRY}, kN, "close examination", checker_,
       [&](const rpc::Caller& by) { return CloseScores(name, by); });
  Take({AUTHORITY_INDUSTRY}, kN, "open meeting", authority_,
       [&](const rpc::Caller& by) { return Open(name, by); });
  const std::string meeting = Now(name).commission();
  for (int i = 1; i <= 6; ++i) {
    Take({EXPERT}, kN, "vote", ExpertOf(absl::StrCat("member-", i)),
         [&](const rpc::Caller& by) { return VoteOf(meeting, by); });
  }
  Take({EXPERT}, kN, "recuse", ExpertOf("member-7"),
       [&](const rpc::Caller& by) { return RecuseIt(meeting, by); });
  EXPECT_EQ(ReasonOf(VoteOf(meeting, ExpertOf("member-7")).status()), "MEMBER_RECUSED");
  Take({AUTHORITY_INDUSTRY}, kN, "decide", authority_,
       [&](const rpc::Caller& by) { return CloseIt(name, by); });
  EXPECT_EQ(StateOf(name), Application::APPROVED);
  EXPECT_EQ(Stands(), "600000 400000 0 0");
  Take({INSTITUTE_INDUSTRY}, kN, "write", writer_,
       [&](const rpc::Caller& by) { return WriteIt(name, by); });
  Take({ENTITY, AUTHORITY_INDUSTRY}, kN, "sign", Owner(kN),
       [&](const rpc::Caller& by) { return Sign(name, by); });
  EXPECT_EQ(ReasonOf(Sign(name, Owner(kN)).status()), "SIGNED_ALREADY");
  EXPECT_EQ(Stands(), "600000 400000 0 0") << "one signature commits nothing";
  ASSERT_TRUE(Sign(name, authority_).ok());
  EXPECT_EQ(Stands(), "600000 0 400000 0");

  // Three tranches over two years.
  for (int tranche = 1; tranche <= 3; ++tranche) {
    if (tranche == 3) {
      GoTo(Day("2027-02-01"));
      EXPECT_EQ(
          Do<v1::MonitoringReport>("SubmitMonitoringReport", Owner(kN), ReportOn(name, {2026, 2}))
              .status(),
          absl::OkStatus());
    }
    Take({ENTITY}, kN, "proof", Owner(kN),
         [&](const rpc::Caller& by) { return Proof(name, tranche, by); });
    Take({INSTITUTE_INDUSTRY}, kN, "prove", checker_,
         [&](const rpc::Caller& by) { return Prove(name, tranche, by); });
    EXPECT_EQ(ReasonOf(Pay(name, tranche, checker_).status()), "SEPARATION_OF_DUTIES");
    if (tranche == 3) {
      budget::v1::CloseYearRequest close;
      close.set_account(absl::StrCat(kGrants, "/accounts/2026"));
      Take({AUTHORITY_INDUSTRY}, kN, "close year", authority_, [&](const rpc::Caller& by) {
        return Do<budget::v1::CloseYearResponse>("CloseYear", by, close);
      });
    }
    Take({INSTITUTE_INDUSTRY}, kN, "pay", payer_,
         [&](const rpc::Caller& by) { return Pay(name, tranche, by); });
  }
  EXPECT_EQ(StateOf(name), Application::MONITORING);
  EXPECT_EQ(Stands(2026), "0 0 0 280000");
  EXPECT_EQ(Stands(2027), "600000 0 0 120000");

  // Half-years: one is reported on, one is late, the rest is owed until the end.
  GoTo(Day("2027-07-10"));
  EXPECT_EQ(ReasonOf(Do<v1::MonitoringReport>("SubmitMonitoringReport", Owner(kN),
                                              ReportOn(name, {2027, 2}))
                         .status()),
            "REPORT_PERIOD_OPEN");
  EXPECT_EQ(ReasonOf(Do<v1::MonitoringReport>("SubmitMonitoringReport", Owner(kN),
                                              ReportOn(name, {2199, 2}))
                         .status()),
            "REPORT_PERIOD_OPEN");
  const auto report = Take({ENTITY}, kN, "report", Owner(kN), [&](const rpc::Caller& by) {
    return Do<v1::MonitoringReport>("SubmitMonitoringReport", by, ReportOn(name, {2027, 1}));
  });
  EXPECT_FALSE(report.late());
  v1::GetMonitoringReportRequest get_report;
  get_report.set_name(report.name());
  EXPECT_EQ(Must<v1::MonitoringReport>("GetMonitoringReport", checker_, get_report).half(), 1);
  GoTo(Day("2028-03-01"));
  const auto late =
      Do<v1::MonitoringReport>("SubmitMonitoringReport", Owner(kN), ReportOn(name, {2027, 2}));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_TRUE(late->late());
  EXPECT_EQ(ReasonOf(Assess(name, "50", checker_).status()), "OBLIGATIONS_RUNNING");
  GoTo(Day("2031-01-10"));
  Take({INSTITUTE_INDUSTRY}, kN, "assess", checker_,
       [&](const rpc::Caller& by) { return Assess(name, "50", by); });
  EXPECT_EQ(StateOf(name), Application::RECOVERY);
  EXPECT_EQ(AgreementNow(name).achievement().level(), "1/2");

  // Half of what was paid returns, with interest; past due the recipient is on the list.
  Take({AUTHORITY_INDUSTRY}, kN, "demand", authority_,
       [&](const rpc::Caller& by) { return DemandIt(name, by); });
  EXPECT_EQ(ReasonOf(DemandIt(name, authority_).status()), "DEMAND_EXISTS");
  const Demand demand = DemandNow(name);
  EXPECT_EQ(demand.computation().principal().units(), 200'000);
  EXPECT_EQ(demand.computation().lines_size(), 3);
  EXPECT_GT(demand.total().units(), 200'000);
  EXPECT_EQ(*base::Date::FromProto(demand.due_date()), Day("2031-02-09"));
  GoTo(Day("2031-02-09"));
  EXPECT_TRUE(DemandNow(name).listing().empty()) << "nothing acts early";
  GoTo(Day("2031-02-11"));
  EXPECT_FALSE(DemandNow(name).listing().empty());
  const std::string other = At(Application::DRAFT, kN);
  v1::CheckEligibilityRequest dry;
  *dry.mutable_application() = MakeApplication(kN);
  const auto eligible = Do<v1::Eligibility>("CheckEligibility", Owner(kN), dry);
  ASSERT_TRUE(eligible.ok()) << eligible.status();
  EXPECT_EQ(eligible->decision().outcome(), "NOT_ELIGIBLE");
  EXPECT_EQ(FirstUnsatisfied(eligible->decision()), "NO_RUNNING_GRANT");

  Take({INSTITUTE_INDUSTRY}, kN, "repay", payer_,
       [&](const rpc::Caller& by) { return Repay(name, Tenge(100'000), by); });
  const Demand now = DemandNow(name);
  EXPECT_GT(now.late_interest().units() + now.late_interest().nanos(), 0);
  const base::Money rest = *base::Money::FromProto(now.total())
                                ->Add(*base::Money::FromProto(now.late_interest()))
                                ->Sub(*base::Money::FromTenge(100'000));
  EXPECT_EQ(ReasonOf(Repay(name, rest.Add(*base::Money::FromTiyn(1))->ToProto(), payer_).status()),
            "SUM_OVER_DEMAND");
  ASSERT_TRUE(Repay(name, rest.ToProto(), payer_).ok());
  EXPECT_EQ(StateOf(name), Application::RECOVERED);
  EXPECT_EQ(DemandNow(name).state(), Demand::REPAID);
  EXPECT_EQ(
      store()
          .Read()
          .FindUniqueRaw(kUnreliableByRecipient,
                         store::Key::Of(Bin(kN), int64_t{v1::UnreliableRecipient::DEMAND_PAST_DUE}))
          ->has_value(),
      false);
  ExpectSound();

  // Every decision is the same years later.
  for (const std::string& record : {name, Sibling("agreements", name), Sibling("demands", name),
                                    PaymentName(Sibling("agreements", name), 2)}) {
    v1::ReplayDecisionRequest replay;
    replay.set_name(record);
    const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
    EXPECT_TRUE(replayed.same()) << record;
    for (const auto& one : replayed.replays()) {
      EXPECT_EQ(one.stored().norms_edition(), norms_.edition()) << record << " " << one.field();
    }
    EXPECT_GE(replayed.replays_size(), record == name ? 4 : 1) << record;
  }
}

TEST_F(JourneyTest, TheWindowForFixingAnnulsByItself) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::SUBMITTED, 1), kept = At(Application::SUBMITTED, 2);
  for (const std::string& one : {name, kept}) {
    ASSERT_TRUE(Check(one, false, checker_).ok());
    ASSERT_TRUE(Return(one, checker_).ok());
  }
  EXPECT_EQ(ReasonOf(Gate(name, authority_).status()), "APPLICATION_STATE");
  const base::Date last = *base::Date::FromProto(Now(name).due_date());
  GoTo(last);
  EXPECT_EQ(StateOf(name), Application::RETURNED_FOR_FIX) << "nothing acts early";
  const auto resubmitted = Do<Application>("ResubmitApplication", Owner(2),
                                           Naming<v1::ResubmitApplicationRequest>(kept));
  ASSERT_TRUE(resubmitted.ok()) << resubmitted.status();
  clock_.Set(last.AddDays(30).StartOfDay());  // down on the day
  Reopen();
  GoTo(last.AddDays(31));
  EXPECT_EQ(StateOf(name), Application::ANNULLED);
  EXPECT_EQ(StateOf(kept), Application::COMPLETENESS_CHECK) << "late officials harm nobody";
  v1::GetApplicationRequest get;
  get.set_name(name);
  *get.mutable_as_of() = last.ToProto();
  EXPECT_EQ(Must<Application>("GetApplication", auditor_, get).state(),
            Application::RETURNED_FOR_FIX);
  *get.mutable_as_of() = last.AddDays(1).ToProto();
  EXPECT_EQ(Must<Application>("GetApplication", auditor_, get).state(), Application::ANNULLED);
  v1::ListDeadlinesRequest list;
  list.set_parent(kept);
  const auto deadlines = Must<v1::ListDeadlinesResponse>("ListDeadlines", checker_, list);
  ASSERT_EQ(deadlines.deadlines_size(), 1);
  EXPECT_TRUE(deadlines.deadlines(0).overdue());
}

TEST_F(JourneyTest, WhatDoesNotAnswerIsNotDone) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::GATE_1, 1);
  sources_.down = "suppliers does not answer";
  const int64_t before = position();
  const absl::Status away = Gate(name, authority_).status();
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable) << away;
  EXPECT_EQ(StateOf(name), Application::GATE_1);
  v1::CheckEligibilityRequest dry;
  *dry.mutable_application() = MakeApplication(1);
  EXPECT_EQ(Do<v1::Eligibility>("CheckEligibility", Owner(1), dry).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(position(), before);
  sources_.down.clear();
  EXPECT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::EXAMINATION);
}

TEST_F(JourneyTest, TheProgrammeThatIsNotReadyRefusesNobody) {
  OpenProgramme(0);
  const std::string name = At(Application::GATE_1, 1);
  ASSERT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::GATE_1) << "no money: it waits";
  Allocate(1'000'000);
  SetMeasure("");
  ASSERT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::GATE_1);
  const auto last = cases::LastNotice(store().Read(), name, gate::v1::BEFORE_CONSIDERATION, Bin(1));
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_THAT((*last)->reasons(), ::testing::ElementsAre("MEASURE_NOT_REGISTERED"));
  SetMeasure("M-1");
  ASSERT_TRUE(Gate(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::EXAMINATION);
}

TEST_F(JourneyTest, ListedRecipientsAreRefusedAndNotPaid) {
  OpenProgramme(2'000'000);
  const std::string waiting = At(Application::GATE_1, 1);
  const std::string signed_one = At(Application::AGREEMENT_SIGNED, 2);
  clock_.Set(clock_.Now() + absl::Hours(1));
  v1::EnterUnreliableRecipientsRequest enter;
  for (const int n : {1, 2}) {
    auto* entry = enter.add_recipients();
    entry->set_recipient(Bin(n));
    entry->set_list(v1::UnreliableRecipient::BANKRUPT);
    entry->set_basis("Решение суда 5");
    *entry->mutable_listed_from() = today().ToProto();
  }
  const auto entered =
      Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_, enter);
  enter.clear_request_id();
  const auto again =
      Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_, enter);
  EXPECT_EQ(again.recipients(0).name(), entered.recipients(0).name());
  ASSERT_TRUE(Gate(waiting, authority_).ok());
  EXPECT_EQ(StateOf(waiting), Application::REFUSED);
  EXPECT_THAT(Now(waiting).grounds(), ::testing::ElementsAre(v1::ENTITY_NOT_COMPLIANT));
  Proven(signed_one, 2, 1);
  EXPECT_EQ(ReasonOf(Pay(signed_one, 1, payer_).status()), "GATE_FAILED");
  EXPECT_EQ(Stands(), "1600000 0 400000 0");
  // That it was checked and did not pass is on record, and its recipient can read why.
  v1::ListNoticesRequest notices;
  notices.set_parent(signed_one);
  const auto said = Must<v1::ListNoticesResponse>("ListNotices", Owner(2), notices);
  ASSERT_EQ(said.notices_size(), 2);
  EXPECT_EQ(said.notices(0).verdict(), cases::Notice::PASSED);
  EXPECT_EQ(said.notices(1).checkpoint(), gate::v1::BEFORE_PAYMENT);
  EXPECT_THAT(said.notices(1).reasons(), ::testing::ElementsAre("BANKRUPT"));
  // On a day before, and as it was known before.
  *notices.mutable_as_of() = Day("2026-06-14").ToProto();
  EXPECT_EQ(ReasonOf(Do<v1::ListNoticesResponse>("ListNotices", auditor_, notices).status()),
            "NOT_FOUND")
      << "there was no application";
  notices.clear_as_of();
  notices.mutable_known_at()->set_seconds(absl::ToUnixSeconds(clock_.Now()) - 60);
  EXPECT_EQ(Must<v1::ListNoticesResponse>("ListNotices", auditor_, notices).notices_size(), 1);
  v1::EndUnreliableRecipientRequest end;
  end.set_name(entered.recipients(1).name());
  end.set_reason("Отменено");
  Must<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, end);
  EXPECT_TRUE(Pay(signed_one, 1, payer_).ok());
  // A refused applicant applies again, naming the refused application.
  Application next = MakeApplication(1);
  next.set_earlier_application(waiting);
  EXPECT_TRUE(Create(next, Owner(1)).ok());
  next.set_earlier_application(signed_one);
  EXPECT_EQ(ReasonOf(Create(next, Owner(1)).status()), "ACCESS_DENIED") << "of another";
  next.set_earlier_application(At(Application::DRAFT, 1));
  EXPECT_EQ(ReasonOf(Create(next, Owner(1)).status()), "EARLIER_APPLICATION_INVALID");
}

TEST_F(JourneyTest, OneRunningGrantAnApplicant) {
  OpenProgramme(2'000'000);
  const std::string one = At(Application::COMMISSION, 1), two = At(Application::COMMISSION, 1);
  Voted(one);
  Voted(two);
  ASSERT_TRUE(CloseIt(one, authority_).ok());
  EXPECT_EQ(ReasonOf(CloseIt(two, authority_).status()), "GRANT_RUNNING");
  v1::DeclineAgreementRequest decline = Naming<v1::DeclineAgreementRequest>(one);
  EXPECT_EQ(ReasonOf(Do<Application>("DeclineAgreement", authority_, decline).status()),
            "ACCESS_DENIED")
      << "the state has not written the agreement";
  ASSERT_TRUE(Do<Application>("DeclineAgreement", Owner(1), decline).ok());
  EXPECT_EQ(Stands(), "2000000 0 0 0");
  EXPECT_TRUE(CloseIt(two, authority_).ok());
  ExpectSound();
}

TEST_F(JourneyTest, VotesAgainstNameTheirGrounds) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::COMMISSION, 1);
  const auto meeting = Open(name, authority_);
  ASSERT_TRUE(meeting.ok());
  v1::VoteRequest bare;
  bare.set_name(meeting->name());
  EXPECT_EQ(ReasonOf(Do<Commission>("Vote", ExpertOf("member-1"), bare).status()),
            "GROUNDS_INVALID");
  EXPECT_EQ(ReasonOf(CloseIt(name, authority_).status()), "NO_QUORUM");
  Voted(name, /*in_favour=*/false);  // another meeting
  EXPECT_EQ(ReasonOf(VoteOf(meeting->name(), ExpertOf("member-1")).status()), "COMMISSION_STATE");
  ASSERT_TRUE(CloseIt(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::REFUSED);
  EXPECT_THAT(Now(name).grounds(), ::testing::ElementsAre(v1::ENTITY_NOT_COMPLIANT));
  EXPECT_EQ(Stands(), "1000000 0 0 0");
}

TEST_F(JourneyTest, WhoExaminedDoesNotDecide) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::COMMISSION, 1);
  Voted(name);
  const auto as_authority = CallerOf(checker_.subject, {AUTHORITY_INDUSTRY});
  EXPECT_EQ(ReasonOf(CloseIt(name, as_authority).status()), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(ReasonOf(Open(name, authority_).status()), "MEETING_DECIDES")
      << "votes are counted, not thrown away";
  const std::string other = At(Application::COMMISSION, 2);
  auto request = Naming<v1::OpenMeetingRequest>(other);
  for (int i = 1; i <= 7; ++i) {
    auto* member = request.add_members();
    member->set_subject(absl::StrCat("member-", i));
    member->set_title("Член");
    member->set_chair(i == 1);
    if (i == 3) member->add_ties(Bin(2));
  }
  // Who scored, filed or checked it could not vote, and is not named.
  for (const std::string& barred : {std::string("expert-1"), checker_.subject, Owner(2).subject}) {
    request.mutable_members(1)->set_subject(barred);
    const absl::Status refused = Do<Commission>("OpenMeeting", authority_, request).status();
    EXPECT_EQ(ReasonOf(refused), "MEMBER_HAS_ACTED") << barred;
    EXPECT_EQ(SubjectOf(refused), "members[1].subject");
  }
  request.mutable_members(1)->set_subject("expert-9");  // who examined others
  const auto meeting = Must<Commission>("OpenMeeting", authority_, request);
  EXPECT_EQ(ReasonOf(VoteOf(meeting.name(), ExpertOf("member-3")).status()), "MEMBER_TIED");
  EXPECT_EQ(ReasonOf(VoteOf(meeting.name(), CallerOf("member-4", {EXPERT}, Bin(2))).status()),
            "MEMBER_TIED");
}

// 64 meetings close at once over money for one grant.
TEST_F(JourneyTest, OneOfSixtyFourGetsTheLastTenge) {
  constexpr int kClients = 64;
  OpenProgramme(1'000'000'000);
  std::vector<v1::CloseMeetingRequest> requests;
  for (int i = 1; i <= kClients; ++i) {
    const std::string name = At(Application::COMMISSION, i, 1000);
    Voted(name);
    v1::CloseMeetingRequest request;
    request.set_name(Now(name).commission());
    request.set_etag(MeetingNow(name).etag());
    request.set_protocol_number("7");
    *request.mutable_protocol_date() = today().ToProto();
    request.set_request_id(NextUuid());
    requests.push_back(std::move(request));
  }
  // All but what one needs goes to an earlier grant.
  const std::string rich = At(Application::COMMISSION, 500, 216'250'000);
  Voted(rich);
  ASSERT_TRUE(CloseIt(rich, authority_).ok());
  int64_t left = 1'000'000'000 - 216'250'000;
  for (int n = 501; left > 1000; ++n) {
    const int64_t sum = std::min<int64_t>(left - 1000, 216'250'000);
    const std::string one = At(Application::COMMISSION, n, sum);
    Voted(one);
    ASSERT_TRUE(CloseIt(one, authority_).ok());
    left -= sum;
  }
  std::atomic<int> won{0}, lost{0};
  std::vector<std::thread> clients;
  for (const auto& request : requests) {
    clients.emplace_back([&, request] {
      const auto closed = Do<Commission>("CloseMeeting", authority_, request);
      if (closed.ok()) {
        ++won;
      } else if (ReasonOf(closed.status()) == "BUDGET_EXCEEDED" &&
                 closed.status().GetPayload("type.googleapis.com/google.rpc.QuotaFailure")) {
        ++lost;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kClients - 1);
  EXPECT_EQ(Stands(), "0 1000000000 0 0");
  ExpectSound();
}

TEST_F(JourneyTest, ATrancheIsPaidOnceHoweverOftenItIsSent) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  Proven(name, 1, 1);
  v1::PayTrancheRequest pay = Paying(name, 1);
  pay.set_request_id(NextUuid());
  std::vector<std::thread> clients;
  std::vector<std::string> answers(5);
  for (std::string& answer : answers) {
    clients.emplace_back([&] {
      const auto paid = Do<v1::Payment>("PayTranche", payer_, pay);
      answer = paid.ok() ? paid->SerializeAsString() : paid.status().ToString();
    });
  }
  for (std::thread& client : clients) client.join();
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers.front());
  Reopen();  // also after a restart
  const auto again = Do<v1::Payment>("PayTranche", payer_, pay);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), answers.front());
  EXPECT_EQ(Stands(), "600000 0 280000 120000");
  v1::PayTrancheRequest other = Paying(name, 1);
  EXPECT_EQ(ReasonOf(Do<v1::Payment>("PayTranche", payer_, other).status()), "TRANCHE_STATE");
  pay.set_request_id(NextUuid());
  EXPECT_EQ(ReasonOf(Do<v1::Payment>("PayTranche", payer_, pay).status()), "VERSION_MISMATCH");
  EXPECT_EQ(ReasonOf(Pay(name, 3, payer_).status()), "TRANCHE_STATE");
  ExpectSound();
}

TEST_F(JourneyTest, WhatIsNotPaidGoesBack) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::IN_EXECUTION, 1);
  ASSERT_TRUE(
      Do<Agreement>("EndTranches", authority_, NamingAgreement<v1::EndTranchesRequest>(name)).ok());
  EXPECT_EQ(StateOf(name), Application::MONITORING);
  EXPECT_EQ(Stands(), "880000 0 0 120000");
  GoTo(Day("2031-01-10"));
  ASSERT_TRUE(Assess(name, "100", checker_).ok());
  EXPECT_EQ(StateOf(name), Application::CLOSED);
  // Nothing is owed any more.
  v1::ListDeadlinesRequest list;
  list.set_parent(name);
  EXPECT_EQ(Must<v1::ListDeadlinesResponse>("ListDeadlines", checker_, list).deadlines_size(), 0);
  ExpectSound();
}

TEST_F(JourneyTest, AFailureBeyondControlIsExcused) {
  OpenProgramme(1'000'000);
  const std::string name = At(Application::MONITORING, 1);
  GoTo(Day("2031-01-10"));
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  EXPECT_EQ(ReasonOf(Excuse(name, authority_, false).status()), "EXCUSE_NOT_SUPPORTED");
  GoTo(Day("2031-03-01"));
  EXPECT_FALSE(DemandNow(name).listing().empty());
  ASSERT_TRUE(Excuse(name, authority_).ok());
  EXPECT_EQ(StateOf(name), Application::CLOSED);
  EXPECT_EQ(DemandNow(name).state(), Demand::CANCELLED);
  EXPECT_TRUE(DemandNow(name).listing().empty());
}

// A case is judged by the norms of the day on which it was filed, however late the officials are;
// what is filed later follows the new ones. A decision says by which edition of them.
TEST_F(JourneyTest, NormsChangeWhileCasesAreOpen) {
  OpenProgramme(3'000'000);
  const std::string before = At(Application::COMMISSION, 1), late = At(Application::EXAMINATION, 2),
                    approved = At(Application::APPROVED, 3);
  const base::Date last = today().AddDays(10);
  std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
  const auto from_then_on = [&](absl::string_view key, absl::string_view was,
                                absl::string_view becomes) {
    const auto row = [&](absl::string_view value, const std::string& from, const std::string& to) {
      return absl::StrCat(key, ",", value, ",", from, ",", to, ",");
    };
    int found = 0;
    for (norms::NormFile& file : files) {
      found += absl::StrReplaceAll(
          {{row(was, "2022-01-01", ""),
            absl::StrCat(row(was, "2022-01-01", last.ToString()), "Rules,ASSUMPTION\n",
                         row(becomes, last.AddDays(1).ToString(), ""))}},
          &file.text);
    }
    EXPECT_EQ(found, 1) << key;
  };
  from_then_on("grants.share.small", "50.00,PERCENT", "30.00,PERCENT");
  from_then_on("grants.pass_share", "60.00,PERCENT", "95.00,PERCENT");
  from_then_on("grants.tranche.1", "30.00,PERCENT", "10.00,PERCENT");
  from_then_on("grants.tranche.3", "30.00,PERCENT", "50.00,PERCENT");
  from_then_on("grants.obligations_years", "3,COUNT", "5,COUNT");
  norms_ = *norms::Norms::LoadText(files);
  Reopen();
  GoTo(last.AddDays(1));
  const std::string after = At(Application::EXAMINATION, 4);
  for (const std::string& name : {late, after}) {
    ASSERT_TRUE(Assign(name, checker_).ok());
    for (const std::string& subject : Panel()) ASSERT_TRUE(ScoreIt(name, ExpertOf(subject)).ok());
    ASSERT_TRUE(CloseScores(name, checker_).ok());
  }
  const auto granted = [&](const std::string& name) {
    const bool passed = FirstUnsatisfied(Now(name).examination()).empty();
    return absl::StrCat(base::Money::FromProto(Now(name).ceiling())->units(),
                        passed ? " passed" : " not passed");
  };
  EXPECT_EQ(granted(before), "400000 passed");
  EXPECT_EQ(granted(late), "400000 passed");
  EXPECT_EQ(granted(after), "300000 not passed");
  EXPECT_NE(Now(late).examination().norms_edition(), Now(before).examination().norms_edition());
  EXPECT_EQ(Now(late).examination().norms_edition(), Now(after).examination().norms_edition());
  for (const std::string& name : {before, late, after}) {
    v1::ReplayDecisionRequest replay;
    replay.set_name(name);
    EXPECT_TRUE(Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay).same());
  }
  // So is the agreement: its tranches, and how long obligations run.
  ASSERT_TRUE(WriteIt(approved, writer_).ok());
  const Agreement agreement = AgreementNow(approved);
  EXPECT_EQ(agreement.tranches(0).amount().units(), 120'000);
  EXPECT_EQ(agreement.obligations_until().year() - agreement.commissioning_date().year(), 3);
}

// The index of a year that nobody knows yet holds up no application of the year before.
TEST_F(JourneyTest, AnExaminationThatIsClosedNextYearGoesByTheIndexOfItsOwn) {
  norms_ = *norms::Norms::Default();
  Reopen();
  OpenProgramme(1'000'000);
  const std::string name = At(Application::EXAMINATION, 1);
  ASSERT_TRUE(Assign(name, checker_).ok());
  for (const std::string& subject : Panel()) ASSERT_TRUE(ScoreIt(name, ExpertOf(subject)).ok());
  GoTo(Day("2027-01-11"));
  EXPECT_EQ(ReasonOf(norms_.Get("mci", today()).status()), "NORM_NOT_IN_FORCE");
  const auto closed = CloseScores(name, checker_);
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(base::Money::FromProto(Now(name).ceiling())->units(), 400'000);
}

TEST_F(JourneyTest, NoOtherCompetitivenessAgreementAfterAFailure) {
  const auto offer = [&] {
    v1::OfferCompetitivenessAgreementRequest request;
    CompetitivenessAgreement& agreement = *request.mutable_agreement();
    agreement.set_entity(Bin(1));
    agreement.add_measures("Грант и земельный участок");
    *agreement.add_obligations() = MakeObligation();
    *agreement.mutable_until() = today().AddDays(500).ToProto();
    return Do<CompetitivenessAgreement>("OfferCompetitivenessAgreement", authority_, request);
  };
  const auto first = offer(), second = offer();
  ASSERT_TRUE(first.ok() && second.ok()) << first.status();
  v1::ConcludeCompetitivenessAgreementRequest conclude;
  conclude.set_name(first->name());
  conclude.set_etag(first->etag());
  const auto concluded =
      Do<CompetitivenessAgreement>("ConcludeCompetitivenessAgreement", Owner(1), conclude);
  ASSERT_TRUE(concluded.ok()) << concluded.status();
  v1::AssessCompetitivenessAgreementRequest assess;
  assess.set_name(first->name());
  assess.set_etag(concluded->etag());
  assess.add_facts("50");
  *assess.add_documents() = MakeDocument();
  const auto assessor = CallerOf("assessor", {AUTHORITY_INDUSTRY});
  EXPECT_EQ(
      ReasonOf(Do<CompetitivenessAgreement>("AssessCompetitivenessAgreement", assessor, assess)
                   .status()),
      "OBLIGATIONS_RUNNING");
  GoTo(Day("2028-01-10"));
  EXPECT_EQ(ReasonOf(offer().status()), "EARLIER_NOT_ASSESSED") << "not known is not passed";
  v1::TerminateCompetitivenessAgreementRequest terminate;
  terminate.set_name(first->name());
  terminate.set_reason("По соглашению");
  EXPECT_EQ(ReasonOf(Do<CompetitivenessAgreement>("TerminateCompetitivenessAgreement", authority_,
                                                  terminate)
                         .status()),
            "AGREEMENT_OVER");
  assess.clear_request_id();
  EXPECT_EQ(
      ReasonOf(Do<CompetitivenessAgreement>("AssessCompetitivenessAgreement", authority_, assess)
                   .status()),
      "SEPARATION_OF_DUTIES")
      << "who offered does not judge";
  const auto failed =
      Do<CompetitivenessAgreement>("AssessCompetitivenessAgreement", assessor, assess);
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(failed->state(), CompetitivenessAgreement::FAILED);
  EXPECT_EQ(ReasonOf(offer().status()), "COMPETITIVENESS_FORBIDDEN");
  conclude.set_name(second->name());
  conclude.set_etag(second->etag());
  EXPECT_EQ(
      ReasonOf(Do<CompetitivenessAgreement>("ConcludeCompetitivenessAgreement", Owner(1), conclude)
                   .status()),
      "COMPETITIVENESS_FORBIDDEN");
  v1::ExcuseCompetitivenessFailureRequest excuse;
  excuse.set_name(first->name());
  excuse.set_etag(failed->etag());
  excuse.set_beyond_control(true);
  excuse.set_reason("Паводок");
  *excuse.add_documents() = MakeDocument();
  EXPECT_EQ(
      ReasonOf(Do<CompetitivenessAgreement>("ExcuseCompetitivenessFailure", authority_, excuse)
                   .status()),
      "SEPARATION_OF_DUTIES");
  const auto minister = CallerOf("minister", {AUTHORITY_INDUSTRY});
  ASSERT_TRUE(Do<CompetitivenessAgreement>("ExcuseCompetitivenessFailure", minister, excuse).ok());
  EXPECT_TRUE(offer().ok());
  v1::ReplayDecisionRequest replay;
  replay.set_name(first->name());
  const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  EXPECT_TRUE(replayed.same());
  EXPECT_EQ(replayed.replays_size(), 3);
}

TEST_F(JourneyTest, AWatchShowsEachItsOwn) {
  OpenProgramme(1'000'000);
  const std::string mine = At(Application::EXAMINATION, 1);
  At(Application::SUBMITTED, 2);
  ASSERT_TRUE(Assign(mine, checker_).ok());
  const auto watched = [&](const rpc::Caller& by) {
    v1::WatchApplicationsRequest request;
    request.set_start_position(1);
    Env env;
    env.store = &store();
    env.norms = &norms_;
    rpc::Call call;
    call.method = &service_->registry().Find(PathOf("WatchApplications"))->policy;
    call.caller = std::make_shared<rpc::Caller>(by);
    call.now = clock_.Now();
    const auto source = WatchApplications(env, call, request);
    std::map<std::string, int> seen;
    for (std::string message;;) {
      const auto state = (*source)->Pull(&message);
      if (!state.ok() || *state != rpc::MessageSource::State::kMessage) return seen;
      v1::WatchApplicationsResponse response;
      response.ParseFromString(message);
      for (const auto& change : response.changes()) {
        const Application& application = change.application();
        ++seen[application.name()];
        EXPECT_EQ(application.business_plan(), "") << "confidential";
        if (by.Has(ENTITY)) {
          EXPECT_EQ(application.expert_subjects_size(), 0);
        }
        if (by.Has(EXPERT)) {
          EXPECT_EQ(application.expert_subjects_size(), 1);
        }
      }
    }
  };
  EXPECT_EQ(watched(auditor_).size(), 2U);
  const auto own = watched(Owner(1));
  EXPECT_EQ(own.size(), 1U);
  EXPECT_EQ(own.at(mine), 5);
  EXPECT_EQ(watched(ExpertOf("expert-1")).at(mine), 1);
  EXPECT_TRUE(watched(Owner(3)).empty());
}

}  // namespace
}  // namespace nisi::grants
