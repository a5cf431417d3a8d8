// Money that comes back: found late, typed in wrongly, and undone. What is owed is what the days of
// payment say, in whatever order they were learnt.
#include "common/cases/repayments_testing.h"
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::Date;
using base::Money;
using base::ReasonOf;

class RepaymentsTest : public GrantsTest {
 protected:
  void SetUp() override {
    GrantsTest::SetUp();
    OpenProgramme(5'000'000);
  }
  // Also one that is filed years later.
  Application Filed(int n, int64_t tenge) override {
    Application application = MakeApplication(n, tenge);
    *application.mutable_commissioning_date() = today().AddDays(365).ToProto();
    *application.mutable_obligations(0)->mutable_due_date() = today().AddDays(700).ToProto();
    return application;
  }
  // Half is to be returned; all of one day, so that they are alike.
  std::vector<std::string> Demanded(int count) {
    std::vector<std::string> names;
    for (int n = 1; n <= count; ++n) names.push_back(At(Application::MONITORING, n));
    GoPastObligations(names.front());
    Allocate(1'000);
    for (const std::string& name : names) {
      EXPECT_TRUE(Assess(name, "50", checker_).ok());
      EXPECT_TRUE(DemandIt(name, authority_).ok());
    }
    return names;
  }
  absl::StatusOr<Demand> RepayAs(const std::string& name, const std::string& number, Money amount,
                                 Date paid_on, const rpc::Caller& by, bool another = false) {
    v1::RecordRepaymentRequest request;
    const Demand demand = DemandNow(name);
    request.set_name(demand.name());
    request.set_etag(demand.etag());
    *request.mutable_amount() = amount.ToProto();
    *request.mutable_pay_date() = paid_on.ToProto();
    request.set_payment_number(number);
    request.set_another_payment(another);
    return Do<Demand>("RecordRepayment", by, request);
  }
  absl::StatusOr<Demand> RepayAs(const std::string& name, const std::string& number, int64_t tenge,
                                 Date paid_on) {
    return RepayAs(name, number, *Money::FromTenge(tenge), paid_on, payer_);
  }
  static Date DueOf(const Demand& demand) {
    return *Date::FromProto(demand.computation().due_date());
  }
  // "number amount from..to of unpaid = interest" of each repayment, and the sum of interest.
  static std::string Lines(const Demand& demand) {
    std::string lines;
    for (const auto& repayment : demand.repayments()) {
      lines += cases::RepaymentText(repayment.payment_number(), repayment);
    }
    return absl::StrCat(lines, Money::FromProto(demand.late_interest())->ToString());
  }
  Money StillOwed(const std::string& name) {
    const Demand demand = DemandNow(name);
    Money owed = *Money::FromProto(demand.total())->Add(*Money::FromProto(demand.late_interest()));
    for (const auto& repayment : demand.repayments()) {
      if (!repayment.reversed_by().empty()) continue;
      owed = *owed.Sub(*Money::FromProto(repayment.amount()));
    }
    return owed;
  }
};

// The same money in each order of entering: the same lines, the same interest, the same books.
TEST_F(RepaymentsTest, MoneyOfAnEarlierDayMayBeFoundLate) {
  const std::vector<std::string> names = Demanded(cases::kOrders);
  const Demand demand = DemandNow(names.front());
  const Date due = DueOf(demand);
  GoTo(due.AddDays(60));
  std::set<std::string> lines;
  cases::InEveryOrder([&](size_t of, const cases::Paid& paid) {
    const auto taken = RepayAs(names[of], paid.number, paid.tenge, due.AddDays(paid.days));
    ASSERT_TRUE(taken.ok()) << taken.status();
  });
  for (const std::string& name : names) lines.insert(Lines(DemandNow(name)));
  ASSERT_EQ(lines.size(), 1U) << absl::StrJoin(lines, "\n");
  EXPECT_EQ(*lines.begin(), cases::PaidText(*Money::FromProto(demand.total()),
                                            *cases::RateOfDemand(demand.decision()), due));
  ExpectSound();
}

TEST_F(RepaymentsTest, NoMoneyIsOfADayBeforeTheDemandOrToCome) {
  const std::string name = Demanded(1).front();
  const Date made = *Date::FromProto(DemandNow(name).demand_date());
  GoTo(made.AddDays(10));
  EXPECT_EQ(ReasonOf(RepayAs(name, "a", 1, made.AddDays(-1)).status()), "PAYMENT_DATE_INVALID");
  EXPECT_EQ(ReasonOf(RepayAs(name, "a", 1, today().AddDays(1)).status()), "PAYMENT_DATE_INVALID");
  EXPECT_TRUE(RepayAs(name, "a", 1, today()).ok());
  EXPECT_TRUE(RepayAs(name, "b", 1, made).ok()) << "an earlier day";
  EXPECT_EQ(ReasonOf(RepayAs(name, "b", 1, made).status()), "REPAYMENT_RECORDED");
}

// Interest that was charged for want of what had come: found, it is charged no more, and what came
// beyond is no money of the demand.
TEST_F(RepaymentsTest, WhatIsFoundLateTakesInterestBackAndTheListing) {
  const std::string name = Demanded(1).front();
  const Demand demand = DemandNow(name);
  const Date due = DueOf(demand);
  const Money total = *Money::FromProto(demand.total());
  GoTo(due.AddDays(30));
  ASSERT_FALSE(DemandNow(name).listing().empty());
  ASSERT_TRUE(RepayAs(name, "b", 1'000, due.AddDays(20)).ok());
  EXPECT_FALSE(Money::FromProto(DemandNow(name).late_interest())->is_zero());
  const Money rest = *total.Sub(*Money::FromTenge(1'000));
  // All but that had come in time: what is late is 1,000 tenge for 20 days.
  ASSERT_TRUE(RepayAs(name, "a", rest, due.AddDays(-1), payer_).ok());
  const Money late =
      *cases::LateInterest(*Money::FromTenge(1'000), *cases::RateOfDemand(demand.decision()),
                           due.AddDays(1), due.AddDays(20));
  EXPECT_EQ(StillOwed(name), late);
  EXPECT_EQ(ReasonOf(RepayAs(name, "c", *late.Add(*Money::FromTiyn(1)), today(), payer_).status()),
            "SUM_OVER_DEMAND");
  ASSERT_TRUE(RepayAs(name, "c", late, today(), payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  EXPECT_TRUE(DemandNow(name).listing().empty());
  ExpectSound();
}

// Who has paid what the register asked for is no debtor because money of an earlier day was found,
// and less interest has run than was charged: what is too much by that goes back.
TEST_F(RepaymentsTest, WhatIsTooMuchByInterestThatFellAwayGoesBack) {
  const std::string name = Demanded(1).front();
  const Demand demand = DemandNow(name);
  const Date due = DueOf(demand);
  const base::Percent rate = *cases::RateOfDemand(demand.decision());
  const Money total = *Money::FromProto(demand.total());
  GoTo(due.AddDays(60));
  const Money later = *total.Sub(*Money::FromTenge(50'000));
  ASSERT_TRUE(RepayAs(name, "b", later, due.AddDays(40), payer_).ok());
  const Money asked = StillOwed(name);
  const absl::Status over =
      RepayAs(name, "a", *asked.Add(*Money::FromTiyn(1)), due.AddDays(10), payer_).status();
  EXPECT_EQ(ReasonOf(over), "SUM_OVER_DEMAND");
  EXPECT_EQ(base::InfoOf(over).metadata().at("due"), asked.ToString());
  ASSERT_TRUE(RepayAs(name, "a", asked, due.AddDays(10), payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  EXPECT_TRUE(DemandNow(name).listing().empty());
  EXPECT_TRUE(StillOwed(name).is_zero());
  const Demand repaid = DemandNow(name);
  const Money first = *cases::LateInterest(total, rate, due.AddDays(1), due.AddDays(10));
  const Money second =
      *cases::LateInterest(*total.Sub(asked), rate, due.AddDays(11), due.AddDays(40));
  EXPECT_EQ(*Money::FromProto(repaid.late_interest()), *first.Add(second));
  const auto& found = repaid.repayments(0);
  EXPECT_EQ(found.payment_number(), "a");
  const Money counts = *total.Add(*first.Add(second))->Sub(later);
  EXPECT_EQ(*Money::FromProto(found.amount()), counts);
  EXPECT_EQ(*Money::FromProto(found.surplus()), *asked.Sub(counts));
  EXPECT_FALSE(Money::FromProto(found.surplus())->is_zero());
  ExpectSound();
}

// Numbers begin anew each year and in each bank: with its day a number tells a payment.
TEST_F(RepaymentsTest, TwoPaymentsMayHaveOneNumber) {
  const std::string name = Demanded(1).front();
  const Date made = today();
  GoTo(made.AddDays(20));
  const Money sum = *Money::FromTenge(1'000);
  ASSERT_TRUE(RepayAs(name, "17", sum, made, payer_).ok());
  EXPECT_EQ(ReasonOf(RepayAs(name, "17", sum, made, payer_).status()), "REPAYMENT_RECORDED");
  EXPECT_EQ(ReasonOf(RepayAs(name, "17", sum, made, payer_, true).status()), "REPAYMENT_RECORDED")
      << "the same payment is no other one";
  EXPECT_EQ(ReasonOf(RepayAs(name, "17", *Money::FromTenge(2'000), made, payer_).status()),
            "REPAYMENT_RECORDED");
  const Date later = made.AddDays(10);
  EXPECT_EQ(ReasonOf(RepayAs(name, "17", sum, later, payer_).status()), "REPAYMENT_ALIKE")
      << "its day was typed wrongly, or it is another one";
  ASSERT_TRUE(RepayAs(name, "17", sum, later, payer_, true).ok());
  ASSERT_TRUE(RepayAs(name, "17", *Money::FromTenge(3'000), made.AddDays(5), payer_).ok());
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "17", writer_).status()), "INVALID_FIELD") << "which?";
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "17", writer_, made.AddDays(1)).status()),
            "REPAYMENT_UNKNOWN");
  ASSERT_TRUE(UndoRepayment(name, "17", writer_, later).ok());
  ASSERT_TRUE(UndoRepayment(name, "17", writer_, made).ok());
  ASSERT_TRUE(UndoRepayment(name, "17", writer_).ok()) << "the only one left";
  EXPECT_EQ(StillOwed(name), *Money::FromProto(DemandNow(name).total()));
  ASSERT_TRUE(RepayAs(name, "17", sum, later, payer_).ok()) << "what was undone is not alike";
  ExpectSound();
}

TEST_F(RepaymentsTest, AMistakeIsUndoneOnceByAnotherAndTypedInAgain) {
  const std::string name = Demanded(1).front();
  const Date due = DueOf(DemandNow(name));
  GoTo(due.AddDays(20));
  const std::string before = Stands();
  ASSERT_TRUE(RepayAs(name, "a", 50'000, due.AddDays(-5)).ok());
  ASSERT_TRUE(RepayAs(name, "b", 1'000, due.AddDays(10)).ok());
  const std::string with_a = Lines(DemandNow(name));
  EXPECT_EQ(DemandNow(name).repayments(0).recorded_by(), payer_.subject);
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "a", payer_).status()), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "x", writer_).status()), "REPAYMENT_UNKNOWN");
  ASSERT_TRUE(UndoRepayment(name, "a", writer_).ok());
  const Demand undone = DemandNow(name);
  const auto& repayment = undone.repayments(0);
  EXPECT_EQ(repayment.reversed_by(), writer_.subject);
  EXPECT_EQ(repayment.reversal_reason(), "Чужой платёж");
  EXPECT_NE(repayment.reversal_posting(), repayment.posting());
  const Money total = *Money::FromProto(undone.total());
  EXPECT_EQ(*Money::FromProto(undone.repayments(1).late().unpaid()), total)
      << "nothing was paid before the tenth day";
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "a", writer_).status()), "REPAYMENT_UNKNOWN") << "once";
  ASSERT_TRUE(RepayAs(name, "a", 5'000, due.AddDays(-5)).ok()) << "a zero less";
  EXPECT_EQ(DemandNow(name).repayments_size(), 3);
  ASSERT_TRUE(UndoRepayment(name, "a", writer_).ok());
  ASSERT_TRUE(RepayAs(name, "a", 50'000, due.AddDays(-5)).ok());
  EXPECT_TRUE(Lines(DemandNow(name)).ends_with(with_a.substr(with_a.find(";b") + 1)))
      << "as if it had never been";
  ASSERT_TRUE(UndoRepayment(name, "a", writer_).ok());
  ASSERT_TRUE(UndoRepayment(name, "b", writer_).ok());
  EXPECT_EQ(Stands(), before);
  ExpectSound();
}

// What had closed the demand: it is owed again, by the day it was due, and so is on the list.
TEST_F(RepaymentsTest, TheLastRepaymentIsUndoneAsWell) {
  const std::string name = Demanded(1).front();
  const Date due = DueOf(DemandNow(name));
  GoTo(due.AddDays(10));
  ASSERT_TRUE(RepayAs(name, "a", StillOwed(name), due, payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  EXPECT_TRUE(DemandNow(name).listing().empty());
  ASSERT_TRUE(UndoRepayment(name, "a", writer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERY);
  EXPECT_FALSE(Now(name).has_due_date()) << "the demand is made";
  EXPECT_EQ(DemandNow(name).state(), Demand::ISSUED);
  EXPECT_EQ(*Date::FromProto(DemandNow(name).due_date()), due) << "no new term";
  GoTo(today());
  EXPECT_FALSE(DemandNow(name).listing().empty());
  v1::GetUnreliableRecipientRequest entry;
  entry.set_name(DemandNow(name).listing());
  EXPECT_EQ(
      *Date::FromProto(
          Must<v1::UnreliableRecipient>("GetUnreliableRecipient", auditor_, entry).listed_from()),
      due.AddDays(1))
      << "it was owed on all these days";
  ASSERT_TRUE(RepayAs(name, "a", StillOwed(name), due, payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  EXPECT_TRUE(DemandNow(name).listing().empty());
  ExpectSound();
}

// Its day was typed in wrongly: with the right one it came in time, and the recipient never stood
// on the list, also on the days before the mistake was found.
TEST_F(RepaymentsTest, AMistakenDayLeavesNobodyOnTheList) {
  const std::string name = Demanded(1).front();
  const Date due = DueOf(DemandNow(name));
  const auto listed_on = [&](Date day) {
    v1::ListUnreliableRecipientsRequest list;
    *list.mutable_as_of() = day.ToProto();
    return Must<v1::ListUnreliableRecipientsResponse>("ListUnreliableRecipients", auditor_, list)
        .recipients_size();
  };
  GoTo(due.AddDays(10));
  ASSERT_TRUE(RepayAs(name, "a", StillOwed(name), due.AddDays(3), payer_).ok());
  ASSERT_TRUE(RepayAs(name, "b", StillOwed(name), due.AddDays(4), payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  EXPECT_EQ(listed_on(due.AddDays(1)), 1);
  GoTo(due.AddDays(12));
  ASSERT_TRUE(UndoRepayment(name, "b", writer_).ok());
  GoTo(today());  // it is on the list again
  ASSERT_TRUE(UndoRepayment(name, "a", writer_).ok());
  GoTo(due.AddDays(14));
  ASSERT_TRUE(RepayAs(name, "a", StillOwed(name), due.AddDays(-3), payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  for (int day = 0; day <= 14; ++day) EXPECT_EQ(listed_on(due.AddDays(day)), 0) << day;
  ExpectSound();
}

// A norm that is put right meanwhile does not reach the day that the demand was made for: nobody is
// listed before it, or owes interest for days that were its own.
TEST_F(RepaymentsTest, ADemandThatIsOwedAgainKeepsItsDay) {
  const std::vector<std::string> names = Demanded(2);
  const Date due = DueOf(DemandNow(names[0]));
  for (const std::string& name : names) {
    ASSERT_TRUE(RepayAs(name, "a", StillOwed(name), today(), payer_).ok());
    ASSERT_EQ(DemandNow(name).state(), Demand::REPAID);
  }
  GoTo(today().AddDays(10));
  for (size_t i = 0; i < names.size(); ++i) {
    ChangeNorms({{"obligations.return_days,30,",
                  absl::StrCat("obligations.return_days,", i == 0 ? 5 : 60, ",")}});
    const auto undone = UndoRepayment(names[i], "a", writer_);
    ASSERT_TRUE(undone.ok()) << undone.status();
    EXPECT_EQ(*Date::FromProto(DemandNow(names[i]).due_date()), due) << i;
  }
  GoTo(due);
  for (const std::string& name : names) EXPECT_TRUE(DemandNow(name).listing().empty());
  GoTo(due.AddDays(1));
  for (const std::string& name : names) EXPECT_FALSE(DemandNow(name).listing().empty());
  ExpectSound();
}

// Money that was not repaid after all is owed, whatever the recipient has been granted meanwhile;
// only money that is decided on is not taken from whom it was promised to.
TEST_F(RepaymentsTest, AMistakeIsUndoneUnderAnotherGrantButNotFromMoneyThatIsGone) {
  const std::vector<std::string> names = Demanded(2);
  for (const std::string& name : names) {
    ASSERT_TRUE(RepayAs(name, "a", StillOwed(name), today(), payer_).ok());
  }
  for (int year = 2026; year < today().year(); ++year) {
    budget::v1::CloseYearRequest close;
    close.set_account(absl::StrCat(kGrants, "/accounts/", year));
    Must<budget::v1::CloseYearResponse>("CloseYear", authority_, close);
  }
  const std::string third = At(Application::COMMISSION, 1);
  Voted(third);
  // All that is there is decided on for another grant of the first recipient.
  budget::v1::GetAccountRequest get;
  get.set_name(absl::StrCat(kGrants, "/accounts/", today().year()));
  const int64_t all = Must<budget::v1::Account>("GetAccount", auditor_, get).available().units();
  const std::string next = At(Application::APPROVED, 1, all);
  for (const std::string& name : names) {
    EXPECT_EQ(ReasonOf(UndoRepayment(name, "a", writer_).status()), "BUDGET_EXCEEDED");
    EXPECT_EQ(Now(name).state(), Application::RECOVERED) << "nothing has changed";
    EXPECT_TRUE(DemandNow(name).repayments(0).reversed_by().empty());
  }
  Allocate(5'000'000);
  ASSERT_TRUE(UndoRepayment(names[0], "a", writer_).ok());
  EXPECT_EQ(Now(names[0]).state(), Application::RECOVERY);
  EXPECT_EQ(Now(next).state(), Application::APPROVED);
  EXPECT_TRUE(UndoRepayment(names[1], "a", writer_).ok());
  // No other one is granted while either runs.
  EXPECT_EQ(ReasonOf(CloseIt(third, authority_).status()), "GRANT_RUNNING");
  ASSERT_TRUE(
      Do<Application>("DeclineAgreement", Owner(1), Naming<v1::DeclineAgreementRequest>(next))
          .ok());
  EXPECT_EQ(ReasonOf(CloseIt(third, authority_).status()), "GRANT_RUNNING");
  GoTo(DueOf(DemandNow(names[0])).AddDays(1));
  EXPECT_FALSE(DemandNow(names[0]).listing().empty());
  ASSERT_TRUE(RepayAs(names[0], "b", StillOwed(names[0]), today().AddDays(-1), payer_).ok());
  EXPECT_TRUE(CloseIt(third, authority_).ok());
  ExpectSound();
}

// What is unpaid fell away; what was not paid, though typed in, fell away with it.
TEST_F(RepaymentsTest, AMistakeIsUndoneInACancelledDemandAsWell) {
  const std::string name = Demanded(1).front();
  const std::string before = Stands();
  ASSERT_TRUE(RepayAs(name, "a", 50'000, today()).ok());
  ASSERT_TRUE(Excuse(name, authority_).ok());
  ASSERT_EQ(DemandNow(name).state(), Demand::CANCELLED);
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "a", payer_).status()), "SEPARATION_OF_DUTIES");
  const auto undone = UndoRepayment(name, "a", writer_);
  ASSERT_TRUE(undone.ok()) << undone.status();
  EXPECT_EQ(DemandNow(name).repayments(0).reversed_by(), writer_.subject);
  EXPECT_EQ(DemandNow(name).state(), Demand::CANCELLED);
  EXPECT_EQ(Now(name).state(), Application::CLOSED);
  EXPECT_EQ(Stands(), before);
  EXPECT_EQ(ReasonOf(UndoRepayment(name, "a", writer_).status()), "REPAYMENT_UNKNOWN") << "once";
  GoTo(DueOf(DemandNow(name)).AddDays(1));
  EXPECT_TRUE(DemandNow(name).listing().empty()) << "nothing is owed";
  ExpectSound();
}

TEST_F(RepaymentsTest, AnOrderThatWasTypedInWronglyIsUndone) {
  auto order = Allocation(700);
  order.set_order_number("17-x");
  Must<budget::v1::Account>("AllocateBudget", authority_, order);
  budget::v1::ListPostingsRequest list;
  list.set_parent(kGrants);
  list.set_filter("record = \"17-x\"");
  const auto posted = Must<budget::v1::ListPostingsResponse>("ListPostings", auditor_, list);
  ASSERT_EQ(posted.postings_size(), 1);
  budget::v1::ReversePostingRequest undo;
  undo.set_name(posted.postings(0).name());
  undo.set_reason("Лишний ноль");
  const auto by = [&](const rpc::Caller& caller) {
    undo.clear_request_id();
    return ReasonOf(Do<cases::Posting>("ReversePosting", caller, undo).status());
  };
  EXPECT_EQ(by(authority_), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(by(payer_), "ACCESS_DENIED");
  EXPECT_EQ(by(CallerOf("minister", {rpc::v1::AUTHORITY_INDUSTRY})), "");
  EXPECT_EQ(Stands(), "5000000 0 0 0");
  EXPECT_EQ(by(CallerOf("minister", {rpc::v1::AUTHORITY_INDUSTRY})), "POSTING_REVERSED");
  *order.mutable_amount() = Tenge(70);
  order.clear_request_id();
  Must<budget::v1::Account>("AllocateBudget", authority_, order);
  EXPECT_EQ(Stands(), "5000070 0 0 0");
  ExpectSound();
}

}  // namespace
}  // namespace nisi::grants
