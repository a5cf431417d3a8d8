// What happens by itself, on its day, once, also when nobody was running then; and norms and
// holidays that change while claims are open.
#include "absl/strings/str_replace.h"
#include "common/cases/deadlines.h"
#include "common/cases/obligations.h"
#include "common/norms/norms_testing.h"
#include "common/norms/term.h"
#include "services/export_refunds/rules_claim.h"
#include "services/export_refunds/rules_obligations.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using base::ReasonOf;
using State = v1::Claim;

constexpr char kFixing[] = "export_refunds.days.fixing";

// ---- By itself. `down`: the service is away when it should happen, and for a week.

class ByItselfTest : public RefundsTest, public ::testing::WithParamInterface<bool> {
 protected:
  // The day comes: until its last second `before` holds, then `after`, for good, and nothing is
  // recorded twice.
  void Pass(base::Date day, const std::function<std::string()>& look, const std::string& before,
            const std::string& after) {
    clock_.Set(day.StartOfDay() - absl::Seconds(1));
    ASSERT_TRUE(store().RunDueTimers().ok());
    EXPECT_EQ(look(), before) << "early";
    if (GetParam()) {
      service_.reset();
      clock_.Set(day.StartOfDay() + absl::Hours(24 * 7 + 5));
      Reopen();
    } else {
      clock_.Set(day.StartOfDay());
    }
    ASSERT_TRUE(store().RunDueTimers().ok());
    EXPECT_EQ(look(), after);
    const int64_t at = position();
    ASSERT_TRUE(store().RunDueTimers().ok());
    Reopen();
    ASSERT_TRUE(store().RunDueTimers().ok());
    EXPECT_EQ(position(), at) << "once";
    EXPECT_EQ(look(), after);
  }
  // As it stood on a day.
  std::string StateOn(const std::string& claim, base::Date day) {
    v1::GetClaimRequest get;
    get.set_name(claim);
    *get.mutable_as_of() = day.ToProto();
    return v1::Claim::State_Name(Must<v1::Claim>("GetClaim", auditor_, get).state());
  }
  std::string StateNow(const std::string& claim) {
    return v1::Claim::State_Name(Now(claim).state());
  }
  std::vector<cases::Deadline> Deadlines(const std::string& claim) {
    v1::ListDeadlinesRequest list;
    list.set_filter(absl::StrCat("record = \"", claim, "\" AND state = \"OPEN\""));
    const auto found = Must<v1::ListDeadlinesResponse>("ListDeadlines", auditor_, list);
    return {found.deadlines().begin(), found.deadlines().end()};
  }
  // "export_refunds.days.start" or "export_refunds.days.start:late" and so on.
  std::string Marks(const std::string& claim) {
    std::string marks;
    for (const cases::Deadline& deadline : Deadlines(claim)) {
      absl::StrAppend(&marks, deadline.kind(), deadline.overdue() ? ":late " : " ");
    }
    return marks;
  }
};

TEST_P(ByItselfTest, AListTakesEffect) {
  const std::string first = ListInForce();
  const std::string next = DraftList({Good("8504", v1::LOW)});
  ASSERT_TRUE(SubmitIt(next, trade_).ok());
  ASSERT_TRUE(ApproveIt(next, Day("2024-06-20"), approver_).ok());
  const auto look = [&] {
    std::string states;
    for (const std::string& name : {first, next}) {
      v1::GetEditionRequest get;
      get.set_name(name);
      absl::StrAppend(
          &states, v1::Edition::State_Name(Must<v1::Edition>("GetEdition", auditor_, get).state()),
          " ");
    }
    return states;
  };
  Pass(Day("2024-06-20"), look, "IN_FORCE APPROVED ", "SUPERSEDED IN_FORCE ");
}

TEST_P(ByItselfTest, AClaimIsAnnulled) {
  ListInForce();
  const std::string claim = Fixing(1, {MakeExpense()});
  const base::Date last = *base::Date::FromProto(Now(claim).due_date());
  EXPECT_EQ(last, norms::TermOf(norms_, kFixing, today())->last_day);
  Pass(
      last.AddDays(1), [&] { return StateNow(claim); }, "FIXING", "ANNULLED");
  EXPECT_EQ(StateOn(claim, last), "FIXING");
  EXPECT_EQ(StateOn(claim, last.AddDays(1)), "ANNULLED") << "as of that day, whenever it ran";
  EXPECT_EQ(ExpenseNow(claim, 1).line().unsatisfied_size(), 0);
  EXPECT_FALSE(Stored(kExpenses, store::Key::Of(claim, 1)).holds_invoice());
  ExpectSound();
}

TEST_P(ByItselfTest, MonitoringBegins) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  Agree(claim, 1);
  ASSERT_TRUE(PayIt(claim).ok());
  const base::Date day = today().AddDays(1);
  Pass(
      day, [&] { return absl::StrCat(StateNow(claim), " ", Marks(claim)); }, "PAID ",
      "MONITORING export_report_2024 export_report_2025 export_report_2026 assessment ");
  EXPECT_EQ(StateOn(claim, day.AddDays(-1)), "PAID");
  EXPECT_EQ(StateOn(claim, day), "MONITORING");
  const std::vector<cases::Deadline> deadlines = Deadlines(claim);
  for (const cases::Deadline& deadline : deadlines) {
    if (deadline.kind() == "assessment") {
      EXPECT_EQ(*base::Date::FromProto(deadline.since()), Day("2027-03-01"));
      continue;
    }
    EXPECT_EQ(*base::Date::FromProto(deadline.since()), day);
    EXPECT_EQ(deadline.due_date().month(), 3);
    EXPECT_EQ(deadline.due_date().day(), 1);
  }
}

TEST_P(ByItselfTest, ReportsAndDemandsFallDue) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Monitored(1, {MakeExpense()});
  Pass(
      Day("2025-03-02"), [&] { return Marks(claim); },
      "export_report_2024 export_report_2025 export_report_2026 assessment ",
      "export_report_2024:late export_report_2025 export_report_2026 assessment ");
  ASSERT_TRUE(Report(claim, Entity(1), 2024, "200")->late());
  GoTo(Day("2027-03-02"));
  ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  EXPECT_EQ(Marks(claim), "demand ") << "of the institute";
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
  EXPECT_EQ(Marks(claim), "repayment ");
  const v1::Demand demand = Now(claim).demand();
  const base::Date due = *base::Date::FromProto(demand.due_date());
  EXPECT_EQ(due, Day("2027-04-01"));
  Pass(
      due.AddDays(1), [&] { return Now(claim).demand().past_due() ? "past due" : "in time"; },
      "in time", "past due");
  // Late interest is that of the days, whenever the mark was made.
  GoTo(Day("2027-04-21"));
  auto back = Of<v1::RecordRepaymentRequest>(claim);
  *back.mutable_amount() = Tenge(1);
  *back.mutable_pay_date() = today().ToProto();
  back.set_order_number("9");
  Must<v1::Claim>("RecordRepayment", institute_, back);
  const v1::Claim repaid = Now(claim);
  EXPECT_EQ(
      Money::FromProto(repaid.demand().late_interest())->ToString(),
      cases::LateInterest(*Money::FromProto(demand.amount()),
                          *norms_.Percent("base_rate", Day("2027-03-02")), due.AddDays(1), today())
          ->ToString());
}

// Terms that only mark: what is late stays as it is.
TEST_P(ByItselfTest, TermsOfTheInstituteAreMarked) {
  ListInForce();
  Allocate(5'000'000);
  struct Term {
    std::string claim, kind;
  };
  std::vector<Term> terms;
  terms.push_back({Signed(1, {MakeExpense()}), "export_refunds.days.start"});
  terms.push_back({InReview(2, {MakeExpense()}), "export_refunds.days.review"});
  terms.push_back({Accepted(3, {MakeExpense()}), "export_refunds.days.agreement"});
  ASSERT_TRUE(Gate2(terms[2].claim).ok());
  terms.push_back({Accepted(4, {MakeExpense()}), "export_refunds.days.payment"});
  Agree(terms[3].claim, 4);
  std::sort(terms.begin(), terms.end(), [&](const Term& a, const Term& b) {
    return *base::Date::FromProto(Now(a.claim).due_date()) <
           *base::Date::FromProto(Now(b.claim).due_date());
  });
  for (const Term& term : terms) {
    SCOPED_TRACE(term.kind);
    const std::string whole = Now(term.claim).SerializeAsString();
    const base::Date last = *base::Date::FromProto(Now(term.claim).due_date());
    if (last < today()) {  // it passed in the week of another
      EXPECT_EQ(Marks(term.claim), term.kind + ":late ");
      continue;
    }
    Pass(
        last.AddDays(1), [&] { return Marks(term.claim); }, term.kind + " ", term.kind + ":late ");
    EXPECT_EQ(Now(term.claim).SerializeAsString(), whole) << "an etag that somebody holds is good";
  }
}

class PaymentTest : public RefundsTest {};

// The order goes out within three working days after the passed second check (No. 437), however
// much later the agreement was signed.
TEST_F(PaymentTest, TheTermRunsFromTheDayOfTheCheck) {
  ListInForce();
  Allocate(5'000'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  const std::string late = Accepted(2, {MakeExpense()});
  const auto term = [&](const std::string& of) {
    const auto open = cases::OpenDeadlines(store().Read(), of);
    EXPECT_TRUE(open.ok()) << open.status();
    for (const cases::Deadline& deadline : *open) {
      if (deadline.kind() != kPaymentTerm) continue;
      EXPECT_EQ(deadline.due_date().SerializeAsString(), Now(of).due_date().SerializeAsString());
      return absl::StrCat(base::Date::FromProto(deadline.since())->ToString(), " ",
                          base::Date::FromProto(deadline.due_date())->ToString(),
                          deadline.overdue() ? " late" : "");
    }
    return std::string("none");
  };
  const auto sign = [&](const std::string& of, int n) {
    ASSERT_TRUE(SignAgreementBy(of, Entity(n)).ok());
    ASSERT_TRUE(SignAgreementBy(of, institute_).ok());
  };
  ASSERT_EQ(today(), Day("2024-06-10")) << "a Monday";
  ASSERT_TRUE(Gate2(claim).ok());
  ASSERT_TRUE(Gate2(late).ok());
  GoTo(Day("2024-06-12"));
  sign(claim, 1);
  EXPECT_EQ(term(claim), "2024-06-10 2024-06-13");
  // Checked again by the step, and by a notice alone, as a payment goes by it.
  Notice(claim, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(term(claim), "2024-06-12 2024-06-17");
  GoTo(Day("2024-06-14"));
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::PASSED, Day("2024-06-11"));
  EXPECT_EQ(term(claim), "2024-06-12 2024-06-17") << "an older check is not the last one";
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED, Day("2024-06-13"));
  EXPECT_EQ(term(claim), "2024-06-12 2024-06-17") << "who fails is not to be paid";
  ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", claim, institute_).ok());
  EXPECT_EQ(term(claim), "2024-06-12 2024-06-17");
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::PASSED, Day("2024-06-13"));
  EXPECT_EQ(term(claim), "2024-06-13 2024-06-18");
  ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", claim, institute_).ok());
  EXPECT_EQ(term(claim), "2024-06-13 2024-06-18") << "the day of the step is not that of the check";
  // Signed when its check is good no more: late, until it is checked again.
  sign(late, 2);
  GoTo(Day("2024-06-15"));
  EXPECT_EQ(term(late), "2024-06-10 2024-06-13 late");
  EXPECT_EQ(ReasonOf(PayIt(late).status()), "GATE_NOT_CHECKED");
  GoTo(Day("2024-06-17"));
  Notice(late, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(term(late), "2024-06-17 2024-06-20");
  ASSERT_TRUE(PayIt(claim).ok());
  ASSERT_TRUE(PayIt(late).ok());
  EXPECT_EQ(term(late), "none");
}

INSTANTIATE_TEST_SUITE_P(UpOrDown, ByItselfTest, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Down" : "Up"; });

// ---- Norms that change while claims are open

class NormsTest : public RefundsTest {
 protected:
  // The service starts with other data; no build.
  void Change(const std::vector<std::pair<std::string, std::string>>& edits,
              const std::string& more = "") {
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    for (const auto& [from, to] : edits) {
      int found = 0;
      for (norms::NormFile& file : files) {
        found += absl::StrReplaceAll({{from, to}}, &file.text);
      }
      ASSERT_EQ(found, 1) << from;
    }
    if (!more.empty()) {
      files.push_back({"more.csv", "key,value,unit,in_force_from,in_force_to,source,certainty\n" +
                                       more + "\n"});
    }
    auto changed = norms::Norms::LoadText(files);
    ASSERT_TRUE(changed.ok()) << changed.status();
    service_.reset();
    norms_ = *std::move(changed);
    Reopen();
  }
  // Another value of a series from a day of 2024 on.
  static std::pair<std::string, std::string> From(base::Date day, const std::string& key,
                                                  const std::string& old_value,
                                                  const std::string& value) {
    const std::string first = key + "," + old_value;
    return {first + ",2023-01-01,2024-12-31,",
            absl::StrCat(first, ",2023-01-01,", day.AddDays(-1).ToString(), ",Old rules,BY_LAW\n",
                         key, ",", value, ",", day.ToString(), ",2024-12-31,")};
  }
  static std::string FactOf(const decision::v1::Decision& decision, const std::string& name) {
    for (const auto& finding : decision.findings()) {
      for (const auto& fact : finding.facts()) {
        if (fact.name() == name) return fact.value();
      }
    }
    return "none";
  }
};

TEST_F(NormsTest, AClaimKeepsTheNormsOfItsSigning) {
  ListInForce();
  Allocate(5'000'000);
  const std::string old_edition = norms_.edition();
  const std::string signed_before = Fixing(1, {MakeExpense()});
  const std::string due = Now(signed_before).due_date().ShortDebugString();
  const std::string drafted_before = Drafted(2);
  ASSERT_TRUE(Add(drafted_before, 2, {MakeExpense()}).ok());
  GoTo(Day("2024-06-12"));
  Change({From(today(), "export_refunds.rate.size.small", "60.00,PERCENT", "40.00,PERCENT"),
          From(today(), "export_refunds.days.fixing", "7,WORKING_DAYS", "3,WORKING_DAYS"),
          From(today(), "export_refunds.cap_mci", "75000,COUNT", "100,COUNT")});
  ASSERT_NE(norms_.edition(), old_edition);
  // What was signed before is what it was: rate, cap and term.
  EXPECT_EQ(Now(signed_before).due_date().ShortDebugString(), due);
  EXPECT_EQ(Now(signed_before).calculation().norms_edition(), old_edition);
  Mend(signed_before, 1, "2000000");
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(signed_before, {1})).ok());
  EXPECT_EQ(Now(signed_before).calculated().units(), 1'200'000) << "as of the day of signing";
  const v1::Expense mended = ExpenseNow(signed_before, 1);
  EXPECT_EQ(FactOf(mended.examination(), "rate"), "60.00");
  EXPECT_EQ(mended.examination().norms_edition(), norms_.edition()) << "read in the new edition";
  // What is signed now is not: 40 %, and 100 indexes at most, 369,200 tenge.
  const auto done = Sign(drafted_before, Entity(2));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(ExpenseNow(drafted_before, 1).line().amount().units(), 400'000);
  EXPECT_EQ(done->calculated().units(), 369'200);
  EXPECT_EQ(FactOf(done->calculation(), "export_refunds.cap_mci"), "100");
  Notice(drafted_before, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(Start(drafted_before).ok());
  SendToFix(drafted_before);
  EXPECT_EQ(*base::Date::FromProto(Now(drafted_before).due_date()), Day("2024-06-17"))
      << "Thursday, Friday, Monday";
  // Both are computed again as they were, whatever norms there are.
  for (const std::string& claim : {signed_before, drafted_before}) {
    ExpectReplays(claim, 2);
    ExpectReplays(claim, 1, 1);
  }
  ExpectSound();
}

TEST_F(NormsTest, ANormThatIsPutRightDoesNotReachDecisions) {
  ListInForce();
  const std::string claim = Signed(1, {MakeExpense()});
  const std::string before = Now(claim).SerializeAsString();
  const std::string expense = ExpenseNow(claim, 1).SerializeAsString();
  Change({{"export_refunds.rate.size.small,60.00,PERCENT,2023-01-01,2024-12-31,",
           "export_refunds.rate.size.small,61.00,PERCENT,2023-01-01,2024-12-31,"}});
  EXPECT_EQ(Now(claim).SerializeAsString(), before);
  EXPECT_EQ(ExpenseNow(claim, 1).SerializeAsString(), expense);
  ExpectReplays(claim, 1);
  ExpectReplays(claim, 1, 1);
  EXPECT_EQ(Now(Signed(2, {MakeExpense()})).calculated().units(), 610'000);
}

TEST_F(NormsTest, AHolidayMovesTermsThatBeginLater) {
  ListInForce();
  const std::string claim = Fixing(1, {MakeExpense()});
  const base::Date due = *base::Date::FromProto(Now(claim).due_date());
  Change({}, absl::StrCat("holidays.day_off,1,DAYS,", due.ToString(), ",", due.ToString(),
                          ",Decision of the Government,BY_LAW"));
  EXPECT_EQ(*base::Date::FromProto(Now(claim).due_date()), due);
  const std::string later = Fixing(2, {MakeExpense()});
  EXPECT_GT(*base::Date::FromProto(Now(later).due_date()), due);
  GoTo(due.AddDays(1));
  EXPECT_EQ(Now(claim).state(), State::ANNULLED);
  EXPECT_EQ(Now(later).state(), State::FIXING);
}

TEST_F(NormsTest, ANormThatEndsHoldsUpNobody) {
  ListInForce();
  Allocate(600'000);
  const std::string fixing = Fixing(2, {MakeExpense()});
  const base::Date due = *base::Date::FromProto(Now(fixing).due_date());
  const std::string claim = Accepted(1, {MakeExpense()});
  Agree(claim, 1);
  ASSERT_TRUE(PayIt(claim).ok());
  const base::Date paid_on = today();
  Change({{"export_refunds.report_due,03-01,MONTH_DAY,2023-01-01,,",
           "export_refunds.report_due,03-01,MONTH_DAY,2023-01-01,2024-06-10,"}});
  GoTo(due.AddDays(1));
  EXPECT_EQ(Now(claim).state(), State::PAID);
  EXPECT_EQ(Now(fixing).state(), State::ANNULLED) << "what is behind it goes on";
  Change({});
  GoTo(due.AddDays(2));
  EXPECT_EQ(Now(claim).state(), State::MONITORING);
  v1::GetClaimRequest get;
  get.set_name(claim);
  *get.mutable_as_of() = paid_on.AddDays(1).ToProto();
  EXPECT_EQ(Must<v1::Claim>("GetClaim", auditor_, get).state(), State::MONITORING)
      << "from its day";
  ExpectSound();
}

TEST_F(NormsTest, ADemandKeepsItsRate) {
  ListInForce();
  Allocate(1'200'000);
  const std::string demanded = Monitored(1, {MakeExpense()});
  const std::string later = Monitored(2, {MakeExpense()});
  GoTo(Day("2027-03-02"));
  for (const std::string& claim : {demanded, later}) {
    ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  }
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", demanded, decider_).ok());
  const v1::Demand demand = Now(demanded).demand();
  const base::Percent rate = *norms_.Percent("base_rate", today());
  GoTo(Day("2027-04-11"));
  Change({{"base_rate,16.25,PERCENT,2026-09-07,,",
           "base_rate,16.25,PERCENT,2026-09-07,2027-03-31,National Bank,BY_LAW\n"
           "base_rate,10.00,PERCENT,2027-04-01,,"}});
  auto back = Of<v1::RecordRepaymentRequest>(demanded);
  *back.mutable_amount() = Tenge(1);
  *back.mutable_pay_date() = today().ToProto();
  back.set_order_number("9");
  Must<v1::Claim>("RecordRepayment", institute_, back);
  const v1::Claim repaid = Now(demanded);
  EXPECT_EQ(
      Money::FromProto(repaid.demand().late_interest())->ToString(),
      cases::LateInterest(*Money::FromProto(demand.amount()), rate, Day("2027-04-02"), today())
          ->ToString())
      << "at the rate of the day of demand";
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", later, decider_).ok());
  const v1::Demand newer = Now(later).demand();
  const auto& interest = newer.computation().lines(0).interest();
  EXPECT_EQ(interest.rbegin()->rate(), "10.00") << "each day at its own";
  EXPECT_EQ(interest.rbegin()->days(), 11);
  EXPECT_EQ(Now(later).demand().late_rate_bp(), 1000);
  for (const std::string& claim : {demanded, later}) ExpectReplays(claim, 7);
}

// The days to pay are a norm: one that is no assumption any more is none on a deadline either.
TEST_F(NormsTest, TheTermToRepayIsAsSureAsItsNorm) {
  ListInForce();
  Allocate(1'200'000);
  const std::string before = Monitored(1, {MakeExpense()});
  const std::string after = Monitored(2, {MakeExpense()});
  GoTo(Day("2027-03-02"));
  for (const std::string& claim : {before, after}) {
    ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  }
  const auto term = [&](const std::string& claim) {
    const auto open = cases::OpenDeadlines(store().Read(), claim);
    EXPECT_TRUE(open.ok() && open->size() == 1);
    const cases::Deadline& deadline = open->front();
    return absl::StrCat(deadline.kind(), " ",
                        base::Date::FromProto(deadline.due_date())->ToString(),
                        deadline.rests_on_assumption() ? " assumed" : "");
  };
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", before, decider_).ok());
  EXPECT_EQ(term(before), "repayment 2027-04-01 assumed");
  Change({{"obligations.return_days,30,DAYS,2022-01-01,,",
           "obligations.return_days,45,DAYS,2022-01-01,2030-12-31,Order,BY_LAW\n"
           "obligations.return_days,30,DAYS,2031-01-01,,"}});
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", after, decider_).ok());
  EXPECT_EQ(term(after), "repayment 2027-04-16");
  EXPECT_EQ(term(before), "repayment 2027-04-01 assumed");
}

TEST(DemandTest, IsAsSureAsTheToleranceThatItGoesBy) {
  for (const auto& [first, second] :
       {std::pair("ASSUMPTION", "BY_LAW"), std::pair("BY_LAW", "ASSUMPTION")}) {
    const norms::Norms norms = norms::Edited(
        {{",ASSUMPTION", ",BY_LAW"},
         {"obligations.tolerance,100,PERCENT,2022-01-01,,",
          absl::StrCat("obligations.tolerance,100,PERCENT,2022-01-01,2027-03-31,Order,", first,
                       "\nobligations.tolerance,50,PERCENT,2027-04-01,2027-12-31,Order,", second,
                       "\nobligations.tolerance,50,PERCENT,2028-01-01,,")}});
    v1::Claim claim;
    claim.set_name("claims/a");
    std::map<int32_t, Reported> reports;
    for (int year = 2023; year <= 2026; ++year) {
      auto* volume = claim.add_export_volumes();
      volume->set_year(year);
      volume->set_volume(year == 2023 ? "100" : "200");
      reports[year] = {"190", absl::StrCat("claims/a/reports/", year), "r1"};
    }
    *claim.mutable_payment()->mutable_amount() = Tenge(1'000);
    *claim.mutable_payment()->mutable_pay_date() = Day("2024-06-10").ToProto();
    ASSERT_TRUE(SetObligations(&claim).ok());
    const auto assessed = JudgeExport(claim, reports, Accepted(), norms, Day("2027-03-10"));
    ASSERT_TRUE(assessed.ok()) << assessed.status();
    EXPECT_EQ(assessed->achievement.level(), "9/10");
    *claim.mutable_assessment() = assessed->decision;
    const auto demanded = JudgeExport(claim, reports, Accepted(), norms, Day("2027-04-10"));
    ASSERT_TRUE(demanded.ok()) << demanded.status();
    EXPECT_EQ(demanded->decision.outcome(), "RETURN");
    EXPECT_EQ(demanded->decision.rests_on_assumption(), first == std::string("ASSUMPTION"));
    EXPECT_EQ(ReplayAssessment(demanded->decision)->SerializeAsString(),
              demanded->decision.SerializeAsString());
  }
}

// What was found not fulfilled is demanded, whatever level is enough by then.
TEST_F(NormsTest, ADemandGoesByTheToleranceOfItsAssessment) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Monitored(1, {MakeExpense()});
  for (const int year : {2024, 2025, 2026}) {
    GoTo(*base::Date::Of(year + 1, 1, 20));
    // A half of what was to be added in each.
    const int64_t reached = 100 + (year - 2023) * 50;
    ASSERT_TRUE(Report(claim, Entity(1), year, absl::StrCat(reached)).ok());
  }
  ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  ASSERT_EQ(Now(claim).achievement().level(), "1/2");
  const base::Date day = today().AddDays(5);
  Change({{"obligations.tolerance,100,PERCENT,2022-01-01,,",
           absl::StrCat("obligations.tolerance,100,PERCENT,2022-01-01,", day.AddDays(-1).ToString(),
                        ",Old order,BY_LAW\n", "obligations.tolerance,50,PERCENT,", day.ToString(),
                        ",,")}});
  GoTo(day);
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
  const v1::Claim demanded = Now(claim);
  EXPECT_EQ(Money::FromProto(demanded.demand().computation().principal())->ToString(), "300000.00");
  EXPECT_EQ(FactOf(demanded.demand_decision(), "obligations.tolerance"), "100");
  EXPECT_EQ(demanded.demand_decision().outcome(), "RETURN");
  ExpectReplays(claim, 7);
}

}  // namespace
}  // namespace nisi::export_refunds
