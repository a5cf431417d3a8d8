// Money that comes back: found late, typed in wrongly, and undone. What is owed is what the days of
// payment say, in whatever order they were learnt; what waits for money gives back what never came.
#include <algorithm>
#include <map>
#include <set>

#include "common/cases/obligations.h"
#include "common/cases/repayments_testing.h"
#include "services/export_refunds/rules_obligations.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using base::Date;
using base::Money;
using base::ReasonOf;
using State = v1::Claim;

class RepaymentsTest : public RefundsTest {
 protected:
  // Paid in 2024, nothing exported; all of one day, so that they are alike. `waiting`: so many more
  // wait for 180,000 tenge each.
  std::vector<std::string> Demanded(int count, int waiting = 0) {
    ListInForce();
    Allocate(600'000 * count);
    std::vector<std::string> claims;
    for (int n = 1; n <= count; ++n) claims.push_back(Accepted(n, {MakeExpense()}));
    for (int n = count + 1; n <= count + waiting; ++n) {
      waiting_.push_back(Accepted(n, {MakeExpense(v1::EXHIBITION, "300000")}));
    }
    for (int n = 1; n <= count; ++n) {
      Agree(claims[static_cast<size_t>(n - 1)], n);
      EXPECT_TRUE(PayIt(claims[static_cast<size_t>(n - 1)]).ok());
    }
    GoTo(Day("2027-03-02"));
    for (const std::string& claim : claims) {
      EXPECT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
      EXPECT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
    }
    return claims;
  }
  std::vector<std::string> waiting_;
  static Date DueOf(const v1::Claim& claim) { return *Date::FromProto(claim.demand().due_date()); }
  absl::StatusOr<v1::Claim> Repay(const std::string& claim, const std::string& order, Money amount,
                                  Date day, bool another = false) {
    auto request = Of<v1::RecordRepaymentRequest>(claim);
    request.set_another_payment(another);
    *request.mutable_amount() = amount.ToProto();
    *request.mutable_pay_date() = day.ToProto();
    request.set_order_number(order);
    return Do<v1::Claim>("RecordRepayment", institute_, request);
  }
  absl::StatusOr<v1::Claim> Repay(const std::string& claim, const std::string& order, int64_t tenge,
                                  Date day) {
    return Repay(claim, order, *Money::FromTenge(tenge), day);
  }
  absl::StatusOr<v1::Claim> Undo(const std::string& claim, const std::string& order, Date day,
                                 const rpc::Caller& caller) {
    auto request = Of<v1::ReverseRepaymentRequest>(claim);
    *request.mutable_pay_date() = day.ToProto();
    request.set_order_number(order);
    return Do<v1::Claim>("ReverseRepayment", caller, request);
  }
  Money StillOwed(const std::string& claim) {
    const v1::Demand demand = Now(claim).demand();
    const Money all =
        *Money::FromProto(demand.amount())->Add(*Money::FromProto(demand.late_interest()));
    return *all.Sub(*Money::FromProto(demand.repaid()));
  }
  // "order amount from..to of unpaid = interest" of each repayment that counts, and the sums.
  std::string Lines(const std::string& claim) {
    const v1::Demand demand = Now(claim).demand();
    std::string lines;
    for (const auto& repayment : demand.repayments()) {
      if (!repayment.reversed_by().empty()) continue;
      lines += cases::RepaymentText(repayment.order_number(), repayment);
    }
    return absl::StrCat(lines, Money::FromProto(demand.late_interest())->ToString(), " ",
                        Money::FromProto(demand.repaid())->ToString());
  }
  // Of all years.
  std::string Books() {
    budget::v1::ListPostingsRequest list;
    list.set_parent("programmes/export-refunds");
    list.set_page_size(1000);
    std::map<budget::v1::Bucket, int64_t> tiyn;
    const auto all = Must<budget::v1::ListPostingsResponse>("ListPostings", auditor_, list);
    for (const auto& posting : all.postings()) {
      for (const auto& leg : posting.legs()) {
        tiyn[leg.bucket()] += Money::FromProto(leg.amount())->tiyn();
      }
    }
    return absl::StrCat(tiyn[budget::v1::SOURCE], " ", tiyn[budget::v1::AVAILABLE], " ",
                        tiyn[budget::v1::RESERVED], " ", tiyn[budget::v1::COMMITTED], " ",
                        tiyn[budget::v1::PAID]);
  }
};

// The same money in each order of entering: the same lines, the same interest.
TEST_F(RepaymentsTest, MoneyOfAnEarlierDayMayBeFoundLate) {
  const std::vector<std::string> claims = Demanded(cases::kOrders);
  const Date due = DueOf(Now(claims.front()));
  const Money total = *Money::FromProto(Now(claims.front()).demand().amount());
  const base::Percent rate = *norms_.Percent("base_rate", today());
  GoTo(due.AddDays(60));
  std::set<std::string> lines;
  cases::InEveryOrder([&](size_t of, const cases::Paid& paid) {
    const auto taken = Repay(claims[of], paid.number, paid.tenge, due.AddDays(paid.days));
    ASSERT_TRUE(taken.ok()) << taken.status();
  });
  for (const std::string& claim : claims) lines.insert(Lines(claim));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(*lines.begin(), absl::StrCat(cases::PaidText(total, rate, due), " 180000.00"));
  ExpectSound();
}

// The money of the budget is what it gave: what a claimant pays back of an earlier year, and
// interest, is told apart from it.
TEST_F(RepaymentsTest, WhatIsRecoveredWasNotAllocated) {
  const std::string claim = Demanded(1).front();
  const auto sums = [&] {
    budget::v1::ListPostingsRequest list;
    list.set_parent("programmes/export-refunds");
    int64_t allocated = 0, recovered = 0;
    const auto all = Must<budget::v1::ListPostingsResponse>("ListPostings", auditor_, list);
    for (const auto& posting : all.postings()) {
      for (const auto& leg : posting.legs()) {
        if (leg.bucket() != budget::v1::AVAILABLE) continue;
        if (posting.kind() == budget::v1::Posting::ALLOCATE) allocated += leg.amount().units();
        if (posting.kind() == budget::v1::Posting::RECOVER) recovered += leg.amount().units();
      }
    }
    return absl::StrCat(allocated, " ", recovered);
  };
  EXPECT_EQ(sums(), "600000 0");
  ASSERT_TRUE(Repay(claim, "a", 50'000, today()).ok());
  EXPECT_EQ(sums(), "600000 50000");
  ASSERT_TRUE(Undo(claim, "a", today(), payer_).ok());
  EXPECT_EQ(Stands(), "0 0 0 0");
  ExpectSound();
}

TEST_F(RepaymentsTest, WhatIsTooMuchByInterestThatFellAwayGoesBack) {
  const std::string claim = Demanded(1).front();
  const Date due = DueOf(Now(claim));
  const Money total = *Money::FromProto(Now(claim).demand().amount());
  GoTo(due.AddDays(60));
  ASSERT_TRUE(Repay(claim, "b", *total.Sub(*Money::FromTenge(50'000)), due.AddDays(40)).ok());
  const Money asked = StillOwed(claim);
  EXPECT_EQ(ReasonOf(Repay(claim, "a", *asked.Add(*Money::FromTiyn(1)), due.AddDays(10)).status()),
            "REPAYMENT_OVER_DUE");
  ASSERT_TRUE(Repay(claim, "a", asked, due.AddDays(10)).ok());
  EXPECT_EQ(Now(claim).state(), State::RECOVERED);
  EXPECT_TRUE(StillOwed(claim).is_zero());
  const v1::Claim repaid = Now(claim);
  const auto& found = repaid.demand().repayments(0);
  EXPECT_EQ(found.order_number(), "a");
  EXPECT_FALSE(Money::FromProto(found.surplus())->is_zero());
  EXPECT_EQ(*Money::FromProto(found.amount())->Add(*Money::FromProto(found.surplus())), asked);
  ExpectSound();
}

TEST_F(RepaymentsTest, TwoPaymentsMayHaveOneNumber) {
  const std::string claim = Demanded(1).front();
  const Date made = today();
  GoTo(made.AddDays(10));
  const Money sum = *Money::FromTenge(1'000);
  ASSERT_TRUE(Repay(claim, "17", sum, made).ok());
  EXPECT_EQ(ReasonOf(Repay(claim, "17", sum, made, true).status()), "REPAYMENT_RECORDED");
  EXPECT_EQ(ReasonOf(Repay(claim, "17", sum, today()).status()), "REPAYMENT_ALIKE");
  ASSERT_TRUE(Repay(claim, "17", sum, today(), true).ok());
  ASSERT_TRUE(Repay(claim, "17", *Money::FromTenge(2'000), made.AddDays(1)).ok());
  ASSERT_TRUE(Undo(claim, "17", today(), payer_).ok());
  EXPECT_EQ(Money::FromProto(Now(claim).demand().repaid())->ToString(), "3000.00");
  ExpectSound();
}

TEST_F(RepaymentsTest, AMistakeIsUndoneOnceByAnotherAndTypedInAgain) {
  const std::string claim = Demanded(1).front();
  const Date made = today();
  const Date due = DueOf(Now(claim));
  const std::string books = Books();
  GoTo(due.AddDays(20));
  ASSERT_TRUE(Repay(claim, "a", 50'000, made).ok());
  ASSERT_TRUE(Repay(claim, "b", 1'000, due.AddDays(10)).ok());
  const std::string right = Lines(claim);
  EXPECT_EQ(ReasonOf(Undo(claim, "a", made, institute_).status()), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(ReasonOf(Undo(claim, "x", made, payer_).status()), "REPAYMENT_UNKNOWN");
  EXPECT_EQ(ReasonOf(Undo(claim, "a", due, payer_).status()), "REPAYMENT_UNKNOWN");
  ASSERT_TRUE(Undo(claim, "a", made, payer_).ok());
  const auto undone = Now(claim).demand().repayments(0);
  EXPECT_EQ(undone.reversed_by(), payer_.subject);
  EXPECT_EQ(undone.reversal_reason(), "Потому что");
  EXPECT_EQ(undone.reversal_postings_size(), 1);
  EXPECT_EQ(Money::FromProto(Now(claim).demand().repaid())->ToString(), "1000.00");
  EXPECT_EQ(ReasonOf(Undo(claim, "a", made, payer_).status()), "REPAYMENT_UNKNOWN") << "once";
  ASSERT_TRUE(Repay(claim, "a", 50'000, made).ok());
  EXPECT_EQ(Lines(claim), right) << "as if it had never been";
  ASSERT_TRUE(Undo(claim, "a", made, payer_).ok());
  ASSERT_TRUE(Undo(claim, "b", due.AddDays(10), payer_).ok());
  EXPECT_EQ(Books(), books);
  ExpectSound();
}

// What had ended the recovery: it is owed again by the day it was due.
TEST_F(RepaymentsTest, TheLastRepaymentIsUndoneAsWell) {
  const std::string claim = Demanded(1).front();
  const Date made = today();
  const Date due = DueOf(Now(claim));
  GoTo(made.AddDays(10));
  ASSERT_TRUE(Repay(claim, "a", StillOwed(claim), made).ok());
  EXPECT_EQ(Now(claim).state(), State::RECOVERED);
  ASSERT_TRUE(Undo(claim, "a", made, payer_).ok());
  EXPECT_EQ(Now(claim).state(), State::RECOVERY);
  EXPECT_EQ(DueOf(Now(claim)), due) << "no new term";
  EXPECT_FALSE(Now(claim).demand().past_due());
  GoTo(due);
  EXPECT_FALSE(Now(claim).demand().past_due());
  GoTo(due.AddDays(1));
  EXPECT_TRUE(Now(claim).demand().past_due()) << "its term runs on";
  ASSERT_TRUE(Repay(claim, "a", StillOwed(claim), made).ok());
  EXPECT_EQ(Now(claim).state(), State::RECOVERED);
  ExpectSound();
}

// An excuse is for circumstances beyond control, with what shows them; both stand in its decision.
TEST_F(RepaymentsTest, AnExcuseRestsOnDocuments) {
  const std::string claim = Demanded(1).front();
  auto excuse = Of<v1::ExcuseFailureRequest>(claim);
  const auto by = [&](const rpc::Caller& caller) {
    excuse.clear_request_id();
    return ReasonOf(Do<v1::Claim>("ExcuseFailure", caller, excuse).status());
  };
  excuse.clear_documents();
  EXPECT_EQ(by(trade_), "INVALID_FIELD");
  *excuse.add_documents() = Paper("flood.pdf");
  excuse.set_beyond_control(false);
  EXPECT_EQ(by(trade_), "EXCUSE_NOT_SUPPORTED");
  EXPECT_EQ(Now(claim).state(), State::RECOVERY);
  excuse.set_beyond_control(true);
  EXPECT_EQ(by(institute_), "ACCESS_DENIED");
  EXPECT_EQ(by(trade_), "");
  const v1::Claim excused = Now(claim);
  EXPECT_EQ(excused.state(), State::CLOSED);
  ASSERT_EQ(excused.excuse_documents_size(), 1);
  EXPECT_EQ(excused.excuse_documents(0).name(), "flood.pdf");
  EXPECT_EQ(excused.excuse().outcome(), "EXCUSED");
  EXPECT_EQ(excused.excuse().findings_size(), 2);
  EXPECT_EQ(excused.excuse().norms_edition(), norms_.edition());
  const auto replayed = ReplayExcuse(excused.excuse());
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->SerializeAsString(), excused.excuse().SerializeAsString());
}

// Nothing is owed of what was excused; what was not paid, though typed in, is undone with it.
TEST_F(RepaymentsTest, AMistakeIsUndoneAfterAnExcuseAsWell) {
  const std::string claim = Demanded(1).front();
  const std::string books = Books();
  const Date made = today();
  ASSERT_TRUE(Repay(claim, "a", 50'000, made).ok());
  ASSERT_TRUE(Step<v1::ExcuseFailureRequest>("ExcuseFailure", claim, trade_).ok());
  ASSERT_TRUE(Undo(claim, "a", made, payer_).ok());
  EXPECT_EQ(Now(claim).state(), State::CLOSED);
  EXPECT_EQ(Books(), books);
  GoTo(DueOf(Now(claim)).AddDays(1));
  EXPECT_FALSE(Now(claim).demand().past_due());
  ExpectSound();
}

// Money that never came is held for nobody: who got it last gives it back, unless it is agreed on.
TEST_F(RepaymentsTest, WhatNeverCameIsTakenFromThoseThatWait) {
  const std::string claim = Demanded(1, 2).front();
  const Date made = today();
  const std::string first = waiting_[0];
  const std::string second = waiting_[1];
  CloseYear(2024);
  CloseYear(2025);
  CloseYear(2026);
  EXPECT_FALSE(Now(first).funded());
  ASSERT_TRUE(Repay(claim, "a", 360'000, made).ok());
  EXPECT_TRUE(Now(first).funded());
  EXPECT_TRUE(Now(second).funded());
  EXPECT_EQ(Stands(), "0 360000 0 0");
  Agree(first, 2);
  ASSERT_TRUE(Repay(claim, "b", 20'000, made).ok());
  const auto refused = Undo(claim, "a", made, payer_).status();
  EXPECT_EQ(ReasonOf(refused), "BUDGET_EXCEEDED") << refused;
  EXPECT_TRUE(Now(second).funded()) << "nothing has changed";
  Allocate(160'000);
  ASSERT_TRUE(Undo(claim, "a", made, payer_).ok());
  EXPECT_EQ(Stands(), "0 0 180000 0");
  EXPECT_FALSE(Now(second).funded());
  EXPECT_EQ(Now(second).state(), State::ACCEPTED);
  Allocate(180'000);
  EXPECT_TRUE(Now(second).funded());
  ExpectSound();
}

TEST_F(RepaymentsTest, AnOrderThatWasTypedInWronglyIsUndone) {
  ListInForce();
  const std::string claim = Accepted(1, {MakeExpense()});
  Allocate(6'000'000);
  EXPECT_TRUE(Now(claim).funded());
  budget::v1::ReversePostingRequest undo;
  undo.set_name("programmes/export-refunds/postings/1");
  undo.set_reason("Лишний ноль");
  const auto by = [&](const rpc::Caller& caller) {
    return ReasonOf(Do<budget::v1::Posting>("ReversePosting", caller, undo).status());
  };
  EXPECT_EQ(by(trade_), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(by(institute_), "ACCESS_DENIED");
  EXPECT_EQ(by(approver_), "");
  EXPECT_EQ(Stands(), "0 0 0 0");
  EXPECT_FALSE(Now(claim).funded());
  EXPECT_EQ(by(approver_), "POSTING_REVERSED");
  undo.set_name("programmes/export-refunds/postings/2");
  EXPECT_EQ(by(approver_), "POSTING_NOT_TYPED") << "what was held for the claim";
  undo.set_name("programmes/export-refunds/postings/99");
  EXPECT_EQ(by(approver_), "NOT_FOUND");
  Allocate(600'000);
  EXPECT_EQ(Stands(), "0 600000 0 0");
  ExpectSound();
}

}  // namespace
}  // namespace nisi::export_refunds
