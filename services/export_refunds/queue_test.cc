// Money by the order of claim numbers, and invoices that are paid once: over the real service, by
// hand and by chance.
#include <algorithm>
#include <random>
#include <thread>

#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using base::ReasonOf;
using State = v1::Claim;

class QueueTest : public RefundsTest {
 protected:
  absl::StatusOr<v1::Claim> Accept(const std::string& claim) {
    return Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_);
  }
  absl::StatusOr<v1::Claim> Reject(const std::string& claim) {
    return Step<v1::RejectClaimRequest>("RejectClaim", claim, decider_);
  }
  // The second check, with what the gate says now.
  absl::StatusOr<v1::Claim> Check(const std::string& claim, gate::v1::Notice::Verdict verdict) {
    Notice(claim, gate::v1::BEFORE_PAYMENT, verdict);
    return Step<v1::RunGateRequest>("RunGate", claim, institute_);
  }
  // A cost for which an enterprise of that size gets this sum.
  v1::Expense Worth(int64_t tenge) {
    return MakeExpense(v1::EXHIBITION, absl::StrCat(tenge * 10 / 6));
  }
  // In the review with its parts accepted.
  std::string Examined(int n, int64_t tenge) {
    const std::string claim = InReview(n, {Worth(tenge)});
    AcceptParts(claim);
    return claim;
  }
};

TEST_F(QueueTest, MoneyOfAnotherProgrammeIsNotHere) {
  budget::v1::AllocateBudgetRequest request;
  request.set_account("programmes/grants/accounts/2026");
  *request.mutable_amount() = Tenge(1);
  request.set_order_number("1-б");
  *request.mutable_order_date() = today().ToProto();
  const absl::Status refused = Do<budget::v1::Account>("AllocateBudget", trade_, request).status();
  EXPECT_EQ(ReasonOf(refused), "PROGRAMME_UNKNOWN");
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(QueueTest, MoneyRunsOutAndComesBackInOrder) {
  ListInForce();
  Allocate(1'000'000);
  const std::string one = Accepted(1, {MakeExpense()});  // 600,000
  const std::string two = Accepted(2, {MakeExpense()});  // does not fit
  v1::Expense small = MakeExpense();
  small.set_amount("100000");
  const std::string three = Accepted(3, {small});  // 60,000 would fit, and waits behind
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED:funded 2:2:ACCEPTED 3:3:ACCEPTED ");
  EXPECT_EQ(Queue(institute_).available().units(), 400'000);
  EXPECT_EQ(Queue(institute_).waiting().units(), 660'000);
  EXPECT_EQ(QueueText(Entity(3)), "3:3:ACCEPTED ") << "its own, with its place";
  EXPECT_FALSE(Queue(Entity(3)).has_available());
  Notice(two, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(Step<v1::RunGateRequest>("RunGate", two, institute_).status()), "QUEUE_WAITS");
  EXPECT_EQ(Stands(), "400000 600000 0 0");
  // The first is paid; the rest of the year brings nothing. The balance is carried over, and pays
  // those that wait first.
  Agree(one, 1);
  ASSERT_TRUE(PayIt(one).ok());
  GoTo(Day("2025-01-09"));
  EXPECT_EQ(QueueText(institute_), "1:2:ACCEPTED 2:3:ACCEPTED ");
  CloseYear(2024);
  EXPECT_EQ(Stands(), "400000 0 0 0") << "still not enough for the next in order";
  Allocate(260'000);
  EXPECT_EQ(Stands(), "0 660000 0 0");
  EXPECT_EQ(QueueText(institute_), "1:2:ACCEPTED:funded 2:3:ACCEPTED:funded ");
  // Both are ready: the later one is not paid past the earlier one.
  Agree(two, 2);
  Agree(three, 3);
  EXPECT_EQ(ReasonOf(PayIt(three).status()), "QUEUE_ORDER");
  ASSERT_TRUE(PayIt(two).ok());
  ASSERT_TRUE(PayIt(three).ok());
  EXPECT_EQ(Stands(), "0 0 0 660000");
  ExpectSound();
  // Closing again says the same again.
  CloseYear(2024);
  ExpectSound();
}

// The term to sign runs while nobody closes the year: the second signature does not wait for it,
// nor does what the second check finds, nor the payment.
TEST_F(QueueTest, AYearThatNobodyClosedCostsNobodyItsClaim) {
  ListInForce();
  GoTo(Day("2024-12-25"));
  Allocate(1'800'000);
  const std::string signs = Accepted(1, {MakeExpense()}), fails = Accepted(2, {MakeExpense()}),
                    late = Accepted(3, {MakeExpense()});
  for (const std::string& claim : {signs, fails, late}) ASSERT_TRUE(Gate2(claim).ok());
  ASSERT_TRUE(SignAgreementBy(signs, institute_).ok());
  GoTo(Day("2025-01-08"));
  Allocate(100'000);
  const auto second = SignAgreementBy(signs, Entity(1));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->state(), State::AGREEMENT_SIGNED);
  const auto failed = Check(fails, gate::v1::Notice::FAILED);
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_FALSE(failed->funded());
  EXPECT_EQ(Stands(2024), "600000 600000 600000 0");
  EXPECT_EQ(Stands(2025), "100000 0 0 0");
  Notice(signs, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(signs).ok());
  EXPECT_EQ(Stands(2024), "600000 600000 0 0");
  EXPECT_EQ(Stands(2025), "100000 0 0 600000");
  // What one gave back reaches the one that passes again when the year is closed.
  ASSERT_EQ(Check(fails, gate::v1::Notice::PASSED)->state(), State::ACCEPTED);
  EXPECT_FALSE(Now(fails).funded());
  CloseYear(2024);
  EXPECT_TRUE(Now(fails).funded());
  EXPECT_EQ(Stands(2024), "0 0 0 0");
  EXPECT_EQ(Stands(2025), "100000 1200000 0 600000");
  ASSERT_TRUE(SignAgreementBy(late, institute_).ok());
  ASSERT_TRUE(SignAgreementBy(late, Entity(3)).ok());
  EXPECT_EQ(Stands(2025), "100000 600000 600000 600000");
  ExpectSound();
}

// What is given up of one year's claims is not taken from another's of the next.
TEST_F(QueueTest, NobodysCommitmentIsTakenForAnothers) {
  ListInForce();
  GoTo(Day("2024-12-25"));
  Allocate(600'000);
  const std::string fails = Accepted(1, {MakeExpense()});
  Agree(fails, 1);
  GoTo(Day("2025-01-08"));
  Allocate(600'000);
  const std::string paid = Accepted(2, {MakeExpense()});
  Agree(paid, 2);
  EXPECT_EQ(Stands(), "0 0 600000 0");
  ASSERT_TRUE(Check(fails, gate::v1::Notice::FAILED).ok());
  ASSERT_TRUE(Reject(fails).ok());
  EXPECT_EQ(Stands(), "0 0 600000 0");
  const auto payment = PayIt(paid);
  ASSERT_TRUE(payment.ok()) << payment.status();
  EXPECT_EQ(Stands(), "0 0 0 600000");
  CloseYear(2024);
  EXPECT_EQ(Stands(), "600000 0 0 600000");
  ExpectSound();
}

TEST_F(QueueTest, WhoFailsTheSecondCheckHoldsUpNobody) {
  ListInForce();
  Allocate(600'000);
  const std::string one = Accepted(1, {MakeExpense()}), two = Accepted(2, {MakeExpense()});
  EXPECT_FALSE(Now(two).funded());
  auto failed = Check(one, gate::v1::Notice::FAILED);
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(failed->state(), State::ACCEPTED);
  EXPECT_EQ(Now(one).gate().outcome(), "FAILED");
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED 2:2:ACCEPTED:funded ") << "the money goes on";
  // Passes later: it has a place again, and waits for the money that the next one has; that one is
  // not past the check itself, so the earlier one gets it back.
  const auto passed = Check(one, gate::v1::Notice::PASSED);
  ASSERT_TRUE(passed.ok()) << passed.status();
  EXPECT_EQ(passed->state(), State::ACCEPTED);
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED:funded 2:2:ACCEPTED ");
  // The same in the midst of the agreement.
  ASSERT_EQ(Step<v1::RunGateRequest>("RunGate", one, institute_)->state(), State::GATE_2);
  ASSERT_TRUE(SignAgreementBy(one, Entity(1)).ok());
  failed = Check(one, gate::v1::Notice::FAILED);
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED 2:2:ACCEPTED:funded ");
  EXPECT_EQ(ReasonOf(SignAgreementBy(one, institute_).status()), "CLAIM_STATE")
      << "no agreement with whom the gate has stopped";
  Agree(two, 2);
  ASSERT_TRUE(Check(one, gate::v1::Notice::PASSED).ok());
  EXPECT_EQ(ReasonOf(SignAgreementBy(one, institute_).status()), "CLAIM_STATE");
  ASSERT_TRUE(PayIt(two).ok());
  Allocate(600'000);
  ASSERT_TRUE(Check(one, gate::v1::Notice::PASSED).ok());
  ASSERT_TRUE(SignAgreementBy(one, institute_).ok()) << "the claimant's signature stands";
  // One that fails after the agreement: refused, then rejected, and the money is free.
  Notice(one, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  EXPECT_EQ(ReasonOf(PayIt(one).status()), "GATE_FAILED");
  // It is behind nobody already by what was said of it, before the check is run again.
  Allocate(600'000);
  const std::string three = Accepted(3, {MakeExpense()});
  Agree(three, 3);
  ASSERT_TRUE(PayIt(three).ok());
  ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", one, institute_).ok());
  EXPECT_EQ(Now(one).state(), State::AGREEMENT_SIGNED);
  ASSERT_TRUE(Reject(one).ok());
  EXPECT_EQ(Stands(), "600000 0 0 1200000");
  ExpectSound();
}

// Whatever an official has recorded: whoever stands on a list that the register of grants keeps
// gets nothing, holds up nobody once that is found, and is paid when it stands there no more.
TEST_F(QueueTest, WhoStandsOnAListDoesNotPassByANotice) {
  ListInForce();
  Allocate(1'800'000);
  const std::string waiting = Signed(1, {MakeExpense()});
  Notice(waiting, gate::v1::BEFORE_CONSIDERATION);
  const std::string two = Accepted(2, {MakeExpense()}), three = Accepted(3, {MakeExpense()}),
                    four = Accepted(4, {MakeExpense()});
  Agree(three, 3);
  Agree(four, 4);
  for (int n = 1; n <= 3; ++n) {
    sources_->lists[Bin(n)] = {{"BANKRUPT", absl::StrCat("grants/unreliable/", n), "e1"}};
  }
  const auto unsatisfied = [](const Decision& decision) {
    const std::vector<std::string> rules = UnsatisfiedOf(decision);
    return rules.size() == 1 ? rules.front() : absl::StrCat(rules.size());
  };
  // Before consideration:
  const auto rejected = Start(waiting);
  ASSERT_TRUE(rejected.ok()) << rejected.status();
  EXPECT_EQ(rejected->state(), State::REJECTED);
  EXPECT_EQ(unsatisfied(Now(waiting).admission()), "NOT_ON_A_LIST");
  // At the second check:
  const auto failed = Gate2(two);
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(failed->state(), State::ACCEPTED);
  EXPECT_FALSE(failed->funded()) << "its money goes to the next";
  EXPECT_EQ(unsatisfied(Now(two).gate()), "NOT_ON_A_LIST");
  EXPECT_EQ(Now(two).gate().findings(1).facts(1).source(), "grants/unreliable/2");
  // Before the payment:
  EXPECT_EQ(ReasonOf(PayIt(three).status()), "GATE_FAILED");
  EXPECT_EQ(Now(three).state(), State::AGREEMENT_SIGNED);
  EXPECT_EQ(ReasonOf(PayIt(four).status()), "QUEUE_ORDER") << "by its notice it is ready";
  ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", three, institute_).ok());
  EXPECT_EQ(Now(three).gate().outcome(), "FAILED");
  ASSERT_TRUE(PayIt(four).ok());
  EXPECT_EQ(Stands(), "600000 0 600000 600000");
  // It stands there no more: what was found then is found again, and it goes on.
  sources_->lists.clear();
  ExpectReplays(two, 4);
  ExpectReplays(waiting, 2);
  ASSERT_TRUE(PayIt(three).ok());
  ASSERT_EQ(Step<v1::RunGateRequest>("RunGate", two, institute_)->state(), State::ACCEPTED);
  ASSERT_EQ(Step<v1::RunGateRequest>("RunGate", two, institute_)->state(), State::GATE_2);
  EXPECT_EQ(Stands(), "0 600000 0 1200000");
  ExpectSound();
}

// What it was failed for is mended, and a notice says so: it is not rejected, and loses neither its
// agreement nor its money, for what nobody has looked at again.
TEST_F(QueueTest, WhoPassesByALaterNoticeIsNotRejectedForTheCheckBefore) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  Agree(claim, 1);
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", claim, institute_).ok());
  ASSERT_EQ(Now(claim).gate().outcome(), "FAILED");
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::PASSED);
  EXPECT_EQ(ReasonOf(Reject(claim).status()), "GROUND_MISSING");
  EXPECT_EQ(Stands(), "0 0 600000 0");
  // What is said of it last counts, either way.
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  ASSERT_TRUE(Reject(claim).ok());
  EXPECT_EQ(Stands(), "600000 0 0 0");
  ExpectReplays(claim, 4);
  ExpectSound();
}

TEST_F(QueueTest, WhoWasOnlyNotCheckedIsStillFirst) {
  ListInForce();
  Allocate(1'200'000);
  const std::string one = Accepted(1, {MakeExpense()}), two = Accepted(2, {MakeExpense()});
  Agree(one, 1);
  Agree(two, 2);
  // Nobody may pass the first by not asking about it.
  GoTo(Day("2024-06-20"));
  Notice(two, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(one).status()), "GATE_NOT_CHECKED");
  EXPECT_EQ(ReasonOf(PayIt(two).status()), "QUEUE_ORDER");
}

TEST_F(QueueTest, AcceptedLaterButNumberedEarlierComesFirst) {
  ListInForce();
  Allocate(1'000'000);
  std::vector<std::string> claims;
  for (int n = 1; n <= 4; ++n) claims.push_back(Examined(n, 300'000));
  // The last three are accepted first; then the first, for which 100,000 are left.
  for (const size_t at : {3U, 1U, 2U}) ASSERT_TRUE(Accept(claims[at]).ok());
  EXPECT_EQ(Stands(), "100000 900000 0 0");
  const auto first = Accept(claims[0]);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->funded());
  EXPECT_EQ(QueueText(institute_),
            "1:1:ACCEPTED:funded 2:2:ACCEPTED:funded 3:3:ACCEPTED:funded 4:4:ACCEPTED ");
  EXPECT_EQ(Stands(), "100000 900000 0 0");
  ExpectSound();
}

// Whoever waits is served by the day, not by the next that somebody brings: RunGate of the first is
// refused until then, so nothing else may ever come.
TEST_F(QueueTest, MoneyOfAYearToComeIsThereFromItsFirstDay) {
  ListInForce();
  const std::string one = Accepted(1, {MakeExpense()}), two = Accepted(2, {MakeExpense()});
  Allocate(1'000'000, 2025);
  GoTo(Day("2024-12-31"));
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED 2:2:ACCEPTED ");
  GoTo(Day("2025-01-01"));
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED:funded 2:2:ACCEPTED ");
  ASSERT_TRUE(Gate2(one).ok());
  EXPECT_EQ(Stands(), "400000 600000 0 0");
  ExpectSound();
}

// The agreement binds the state to pay, the second check does not.
TEST_F(QueueTest, MoneyFollowsTheNumbersUntilTheAgreementIsSigned) {
  ListInForce();
  Allocate(1'200'000);
  const std::string one = Examined(1, 600'000), two = Examined(2, 600'000),
                    three = Examined(3, 600'000);
  ASSERT_TRUE(Accept(two).ok());
  ASSERT_TRUE(Accept(three).ok());
  ASSERT_TRUE(Gate2(two).ok());
  ASSERT_TRUE(SignAgreementBy(two, Entity(2)).ok());
  ASSERT_TRUE(SignAgreementBy(two, institute_).ok());
  ASSERT_TRUE(Gate2(three).ok());
  ASSERT_TRUE(SignAgreementBy(three, Entity(3)).ok());
  const auto due = *base::Date::FromProto(Now(three).due_date());
  ASSERT_TRUE(Accept(one).ok());
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED:funded 2:2:AGREEMENT_SIGNED:funded 3:3:ACCEPTED ");
  EXPECT_EQ(Stands(), "0 600000 600000 0");
  EXPECT_EQ(ReasonOf(SignAgreementBy(three, institute_).status()), "CLAIM_STATE");
  EXPECT_EQ(ReasonOf(Step<v1::RunGateRequest>("RunGate", three, institute_).status()),
            "QUEUE_WAITS");
  // Its term to sign is over with it: no ground to reject it for.
  EXPECT_FALSE(Now(three).has_due_date());
  GoTo(due.AddDays(1));
  EXPECT_EQ(ReasonOf(Reject(three).status()), "GROUND_MISSING");
  Allocate(600'000);
  EXPECT_TRUE(Now(three).funded());
  ASSERT_TRUE(Gate2(three).ok());
  EXPECT_GT(*base::Date::FromProto(Now(three).due_date()), today());
  ASSERT_TRUE(SignAgreementBy(three, institute_).ok());
  EXPECT_EQ(Now(three).state(), State::AGREEMENT_SIGNED);
  ExpectSound();
}

TEST_F(QueueTest, WhatIsHeldInAYearThatIsOverIsTakenWhenItIsClosed) {
  ListInForce();
  Allocate(600'000);
  const std::string one = Examined(1, 600'000), two = Examined(2, 600'000);
  ASSERT_TRUE(Accept(two).ok());
  GoTo(Day("2025-01-09"));
  const auto accepted = Accept(one);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED 2:2:ACCEPTED:funded ");
  CloseYear(2024);
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED:funded 2:2:ACCEPTED ");
  ExpectSound();
}

TEST_F(QueueTest, SixtyFourRaceForTheLastMoney) {
  ListInForce();
  constexpr size_t kClients = 64;
  constexpr size_t kPaid = 20;
  std::vector<std::string> claims;
  for (size_t i = 0; i < kClients; ++i) {
    claims.push_back(Examined(static_cast<int>(i) + 1, 600'000));
  }
  Allocate(int64_t{kPaid} * 600'000 + 599'999);
  std::vector<v1::AcceptClaimRequest> requests;
  for (const std::string& claim : claims) {
    requests.push_back(Of<v1::AcceptClaimRequest>(claim));
    requests.back().set_request_id(NextUuid());
  }
  std::vector<std::thread> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      const auto done = Do<v1::Claim>("AcceptClaim", decider_, requests[i]);
      EXPECT_TRUE(done.ok()) << done.status();
    });
  }
  for (auto& client : clients) client.join();
  for (size_t i = 0; i < kClients; ++i) {
    EXPECT_EQ(Now(claims[i]).funded(), i < kPaid)
        << "the lowest numbers, whoever was accepted first";
  }
  EXPECT_EQ(Stands(), absl::StrCat(599'999, " ", kPaid * 600'000, " 0 0"));
  // More than one command serves comes at once, in order.
  Allocate(int64_t{kClients} * 600'000);
  for (const std::string& claim : claims) EXPECT_TRUE(Now(claim).funded());
  ExpectSound();
}

TEST_F(QueueTest, AnOrderGivesItsMoneyOnce) {
  budget::v1::AllocateBudgetRequest request;
  request.set_account("programmes/export-refunds/accounts/2024");
  *request.mutable_amount() = Tenge(100);
  request.set_order_number("7");
  *request.mutable_order_date() = today().ToProto();
  ASSERT_TRUE(Do<budget::v1::Account>("AllocateBudget", trade_, request).ok());
  EXPECT_EQ(ReasonOf(Do<budget::v1::Account>("AllocateBudget", approver_, request).status()),
            "ORDER_POSTED");
  EXPECT_EQ(Stands(), "100 0 0 0");
  request.set_account("programmes/export-refunds/accounts/2025");
  EXPECT_TRUE(Do<budget::v1::Account>("AllocateBudget", trade_, request).ok());
}

TEST_F(QueueTest, WhoRecordsTheCheckDoesNotGoByIt) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Signed(1, {MakeExpense()});
  const auto barred = [&]<class Request>(const char* step, const rpc::Caller& caller, Request) {
    EXPECT_EQ(ReasonOf(Step<Request>(step, claim, caller).status()), "SEPARATION_OF_DUTIES")
        << step;
  };
  Notice(claim, gate::v1::BEFORE_CONSIDERATION);
  barred("StartReview", clerk_, v1::StartReviewRequest());
  EXPECT_EQ(Now(claim).state(), State::SIGNED);
  ASSERT_TRUE(Start(claim).ok());
  AcceptParts(claim);
  barred("AcceptClaim", examiner_, v1::AcceptClaimRequest());
  ASSERT_TRUE(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).ok());
  Notice(claim, gate::v1::BEFORE_PAYMENT);
  barred("RunGate", clerk_, v1::RunGateRequest());
  barred("RunGate", examiner_, v1::RunGateRequest());
  EXPECT_FALSE(Now(claim).has_gate());
  ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", claim, decider_).ok());
  // Whoever examined does not agree on it for the institute; that a claimant's own signs is no
  // duty.
  EXPECT_EQ(ReasonOf(SignAgreementBy(claim, examiner_).status()), "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(SignAgreementBy(claim, Entity(1)).ok());
  EXPECT_EQ(ReasonOf(SignAgreementBy(claim, examiner_).status()), "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(SignAgreementBy(claim, decider_).ok());
  EXPECT_EQ(ReasonOf(Step<v1::RunGateRequest>("RunGate", claim, clerk_).status()),
            "SEPARATION_OF_DUTIES");
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("PayClaim", clerk_, Payment(claim)).status()),
            "SEPARATION_OF_DUTIES");
  // A notice is of the claimant of a claim that is there.
  gate::v1::RecordNoticeRequest notice;
  notice.mutable_notice()->set_number("G");
  notice.mutable_notice()->set_checkpoint(gate::v1::BEFORE_PAYMENT);
  notice.mutable_notice()->set_recipient(Bin(2));
  notice.mutable_notice()->set_record(claim);
  *notice.mutable_notice()->mutable_check_date() = today().ToProto();
  notice.mutable_notice()->set_verdict(gate::v1::Notice::PASSED);
  EXPECT_EQ(ReasonOf(Do<gate::v1::Notice>("RecordNotice", institute_, notice).status()),
            "INVALID_FIELD");
  notice.mutable_notice()->set_record("claims/00000000000000000000");
  EXPECT_EQ(Do<gate::v1::Notice>("RecordNotice", institute_, notice).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(PayIt(claim).ok());
}

TEST_F(QueueTest, AnAgreementIsNotOlderThanTheAcceptance) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  ASSERT_TRUE(Gate2(claim).ok());
  auto request = Of<v1::SignAgreementRequest>(claim);
  request.set_agreement_number("1");
  *request.mutable_signature() = Paper();
  for (const int days : {-1, 1}) {
    *request.mutable_agreement_date() = today().AddDays(days).ToProto();
    EXPECT_EQ(ReasonOf(Do<v1::Claim>("SignAgreement", Entity(1), request).status()),
              "AGREEMENT_DATE_INVALID");
  }
}

TEST_F(QueueTest, WhatComesBackInTheYearOfPaymentIsNoMoreThanWasPaid) {
  ListInForce();
  const std::string claim = Accepted(1, {MakeExpense()});
  GoTo(Day("2027-01-15"));
  Allocate(600'000);
  Agree(claim, 1);
  ASSERT_TRUE(PayIt(claim).ok());
  GoTo(Day("2027-03-02"));
  ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
  const int64_t demanded = Now(claim).demand().amount().units();
  ASSERT_GT(demanded, 600'000) << "nothing was reported: all of it, with interest";
  EXPECT_EQ(Stands(), "0 0 0 600000");
  const auto repay = [&](int64_t tenge) {
    auto back = Of<v1::RecordRepaymentRequest>(claim);
    *back.mutable_amount() = Tenge(tenge);
    *back.mutable_pay_date() = today().ToProto();
    back.set_order_number(absl::StrCat("9-", tenge));
    Must<v1::Claim>("RecordRepayment", institute_, back);
    return Now(claim);
  };
  auto repaid = repay(500'000);
  EXPECT_EQ(Stands(), "500000 0 0 100000");
  repaid = repay(demanded - 500'000);
  EXPECT_EQ(repaid.state(), State::RECOVERED);
  EXPECT_EQ(Stands(), absl::StrCat(demanded, " 0 0 0"));
  EXPECT_NE(repaid.demand().repayments(1).posting(), "");
  EXPECT_NE(repaid.demand().repayments(1).surplus_posting(), "");
  ExpectSound();
}

TEST_F(QueueTest, WhatComesToNothingIsNotDemanded) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Monitored(1, {Worth(600)});
  const std::string reached[] = {"200", "300", "399.9"};
  for (int year = 2024; year <= 2026; ++year) {
    GoTo(*base::Date::Of(year + 1, 2, 1));
    ASSERT_TRUE(Report(claim, Entity(1), year, reached[year - 2024]).ok());
  }
  const auto assessed = Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(Now(claim).assessment().outcome(), "NOTHING_TO_RETURN") << "not quite the whole";
  EXPECT_EQ(assessed->state(), State::CLOSED) << "and less than half a tenge";
}

// Whatever comes in whatever order: money is where claims say it is, and the first that waits is
// one that its account does not cover.
TEST_F(QueueTest, ByChance) {
  ListInForce();
  for (const unsigned seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int most) {
      return static_cast<int>(random() % static_cast<unsigned>(most));
    };
    std::vector<std::string> claims;
    for (int n = 1; n <= 12; ++n) claims.push_back(Examined(n, 1'000 * (1 + pick(9))));
    std::vector<std::string> paid;
    for (int step = 0; step < 60; ++step) {
      const std::string& claim = claims[static_cast<size_t>(pick(12))];
      const v1::Claim now = Now(claim);
      const int n =
          static_cast<int>(std::find(claims.begin(), claims.end(), claim) - claims.begin() + 1);
      switch (now.state()) {
        case State::REVIEW:
          ASSERT_TRUE(Accept(claim).ok());
          break;
        case State::ACCEPTED:
          if (now.funded() || now.gate().outcome() == "FAILED") {
            ASSERT_TRUE(
                Check(claim, pick(3) == 0 ? gate::v1::Notice::FAILED : gate::v1::Notice::PASSED)
                    .ok());
          } else if (pick(2) == 0) {
            Allocate(1'000 * (1 + pick(6)));
          }
          break;
        case State::GATE_2: {
          EXPECT_TRUE(now.funded());
          const auto done =
              SignAgreementBy(claim, now.signed_for_claimant().empty() ? Entity(n) : institute_);
          EXPECT_TRUE(done.ok()) << done.status();
          break;
        }
        case State::AGREEMENT_SIGNED: {
          const v1::GetQueueResponse before = Queue(institute_);
          bool first = true;
          for (const auto& place : before.places()) {
            if (place.number() < now.number() && place.state() == State::AGREEMENT_SIGNED)
              first = false;
          }
          const auto done = PayIt(claim);
          EXPECT_EQ(done.ok(), first) << done.status();
          EXPECT_EQ(ReasonOf(done.status()), first ? "" : "QUEUE_ORDER");
          break;
        }
        default:
          break;
      }
      int64_t reserved = 0, committed = 0, waits = -1;
      const v1::GetQueueResponse queue = Queue(institute_);
      for (const auto& place : queue.places()) {
        const bool failed = Now(place.claim()).gate().outcome() == "FAILED";
        if (!place.funded() && !failed && waits < 0) waits = place.amount().units();
        if (!place.funded()) continue;
        (place.state() == State::AGREEMENT_SIGNED ? committed : reserved) += place.amount().units();
      }
      const int64_t available = queue.available().units();
      EXPECT_TRUE(waits < 0 || waits > available) << waits << " waits for " << available;
      budget::v1::GetAccountRequest get;
      get.set_name("programmes/export-refunds/accounts/2024");
      const auto account = Do<budget::v1::Account>("GetAccount", auditor_, get);
      if (account.ok()) {
        EXPECT_EQ(account->reserved().units(), reserved);
        EXPECT_EQ(account->committed().units(), committed);
      }
    }
    // What is left of this round is out of the way of the next.
    for (const std::string& claim : claims) {
      if (Now(claim).state() == State::REVIEW) continue;
      const v1::Claim::State state = Now(claim).state();
      if (state != State::ACCEPTED && state != State::GATE_2 && state != State::AGREEMENT_SIGNED)
        continue;
      Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
      Allocate(100'000);
      ASSERT_TRUE(Step<v1::RunGateRequest>("RunGate", claim, institute_).ok());
      ASSERT_TRUE(Reject(claim).ok());
    }
    ExpectSound();
  }
}

// ---- Invoices

TEST_F(QueueTest, AnInvoiceIsPaidOnceAcrossYears) {
  ListInForce();
  Allocate(5'000'000);
  v1::Expense expense = MakeExpense();
  *expense.mutable_payment_date() = today().ToProto();
  const std::string paid = Monitored(1, {expense});
  const auto counts = [&](int n) { return Now(Signed(n, {expense})).calculated().units() > 0; };
  EXPECT_FALSE(counts(2));
  GoTo(Day("2025-06-09"));
  EXPECT_FALSE(counts(1)) << "nor by the same company, a year later";
  // Whatever becomes of the claim that was paid.
  GoTo(Day("2027-03-02"));
  ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", paid, institute_).ok());
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", paid, decider_).ok());
  const auto invoice = InvoiceKey(expense);
  EXPECT_TRUE(store().Read().FindUnique(kExpensesByInvoice, invoice)->has_value());
  ASSERT_TRUE(Step<v1::ExcuseFailureRequest>("ExcuseFailure", paid, trade_).ok());
  EXPECT_TRUE(store().Read().FindUnique(kExpensesByInvoice, invoice)->has_value());
}

TEST_F(QueueTest, ALineThatDoesNotCountBarsNobody) {
  ListInForce();
  Allocate(5'000'000);
  // A stranger lists somebody's invoice with a good that is not on the list, beside a cost that
  // counts, and is paid.
  const v1::Expense real = MakeExpense();
  v1::Expense foreign = real;
  foreign.set_goods_code("9999");
  const std::string stranger = Signed(1, {foreign, MakeExpense(), foreign, real});
  EXPECT_EQ(Now(stranger).calculated().units(), 1'200'000) << "the last one counts and has it";
  const std::string other = Signed(3, {MakeExpense()});
  v1::Expense next = MakeExpense();
  v1::Expense listed = next;
  listed.set_goods_code("9999");
  const std::string idle = Accepted(2, {listed, MakeExpense()});
  Agree(idle, 2);
  ASSERT_TRUE(PayIt(idle).ok());
  EXPECT_EQ(Now(Signed(4, {next})).calculated().units(), 600'000);
}

TEST_F(QueueTest, WhatIsFreeOnTheDayOfDecisionCounts) {
  ListInForce();
  Allocate(5'000'000);
  const v1::Expense expense = MakeExpense();
  const std::string winner = InReview(1, {expense});
  const std::string loser = InReview(2, {expense, MakeExpense()});
  AcceptParts(loser);
  EXPECT_EQ(Now(loser).calculated().units(), 600'000);
  ASSERT_TRUE(DecideOn(winner, v1::LEGAL, v1::PartReview::REJECTED, examiner_).ok());
  ASSERT_TRUE(Reject(winner).ok());
  const auto accepted = Accept(loser);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->amount().units(), 1'200'000);
  EXPECT_EQ(ExpenseNow(loser, 1).line().unsatisfied_size(), 0);
  v1::ReplayExpenseRequest replay;
  replay.set_name(ExpenseName(loser, 1));
  EXPECT_TRUE(Must<v1::Replays>("ReplayExpense", auditor_, replay).replays(0).same());
  EXPECT_EQ(Now(Signed(3, {expense})).calculated().units(), 0) << "and it has its invoice";
  ExpectSound();
}

// Of two that sign at the same moment one wins, and neither learns of the other: not by its answer,
// its claim, a calculation, the queue, deadlines or a watch.
TEST_F(QueueTest, TwoSignOneInvoiceAtOnce) {
  ListInForce();
  for (int round = 0; round < 10; ++round) {
    const v1::Expense expense = MakeExpense();
    std::string claims[2], answers[2];
    v1::SignClaimRequest requests[2];
    for (int i = 0; i < 2; ++i) {
      claims[i] = Drafted(i + 1);
      ASSERT_TRUE(Add(claims[i], i + 1, {expense}).ok());
      requests[i] = Of<v1::SignClaimRequest>(claims[i]);
      *requests[i].mutable_signature() = Paper();
      requests[i].set_request_id(NextUuid());
    }
    std::vector<std::thread> clients;
    for (int i = 0; i < 2; ++i) {
      clients.emplace_back([&, i] {
        const auto done = Do<v1::Claim>("SignClaim", Entity(i + 1), requests[i]);
        EXPECT_TRUE(done.ok()) << done.status();
        if (done.ok()) answers[i] = done->SerializeAsString();
      });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(Now(claims[0]).calculated().units() + Now(claims[1]).calculated().units(), 600'000);
    for (int i = 0; i < 2; ++i) {
      std::string seen = answers[i];
      const rpc::Caller caller = Entity(i + 1);
      v1::CalculateClaimRequest dry;
      dry.set_name(claims[i]);
      seen += Must<v1::Calculation>("CalculateClaim", caller, dry).SerializeAsString();
      v1::ListExpensesRequest expenses;
      expenses.set_parent(claims[i]);
      seen += Must<v1::ListExpensesResponse>("ListExpenses", caller, expenses).SerializeAsString();
      v1::ReplayExpenseRequest replay;
      replay.set_name(ExpenseName(claims[i], 1));
      seen += Must<v1::Replays>("ReplayExpense", caller, replay).SerializeAsString();
      seen += Must<v1::ListClaimsResponse>("ListClaims", caller, v1::ListClaimsRequest())
                  .SerializeAsString();
      seen += Queue(caller).SerializeAsString();
      EXPECT_THAT(seen, ::testing::HasSubstr(claims[i]));
      EXPECT_THAT(seen, ::testing::Not(::testing::HasSubstr(claims[1 - i])));
      EXPECT_THAT(seen, ::testing::Not(::testing::HasSubstr(Bin(2 - i))));
    }
  }
  ExpectSound();
}

}  // namespace
}  // namespace nisi::export_refunds
