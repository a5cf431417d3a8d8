// Demands past due reach the list of unreliable recipients, once, whatever is away or lost
// meanwhile.
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "common/cases/obligations.h"
#include "common/rpc/peer_testing.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "services/export_refunds/env.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using grants::v1::Debt;
using grants::v1::ReportDebtRequest;
using grants::v1::WithdrawDebtRequest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Demand;

// The register of grants: each request id has one answer, and the last message by sequence counts.
class PlayedRegister {
 public:
  PlayedRegister() {
    peer_.On<ReportDebtRequest, Debt>("/nisi.grants.v1.GrantAgreementsService/ReportDebt",
                                      [this](const ReportDebtRequest& request) {
                                        return Take(request.request_id(), request.debt(), true,
                                                    "report");
                                      });
    peer_.On<WithdrawDebtRequest, Debt>(
        "/nisi.grants.v1.GrantAgreementsService/WithdrawDebt",
        [this](const WithdrawDebtRequest& request) {
          return Take(request.request_id(), request.debt(), false,
                      absl::StrCat("withdraw ", request.reason(),
                                   request.paid_in_time() ? " in time" : ""));
        });
  }

  rpc::PlayedPeer& peer() { return peer_; }
  // What is told of a claim is refused, or taken again.
  void Refuse(const std::string& claim, bool refuse) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (refuse) {
      refused_.insert(claim);
    } else {
      refused_.erase(claim);
    }
  }
  // So many answers are not what is told here, after all was done.
  void AnswerWrongly(std::vector<std::function<void(Debt*)>> changes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    wrong_ = {changes.begin(), changes.end()};
  }
  // So many answers are lost on their way, after all was done.
  void LoseAnswers(int count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    lost_ = count;
  }
  Debt DebtOf(const std::string& claim) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return debts_[claim];
  }
  // What was done, in order; once for each request id.
  std::vector<std::string> done() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return done_;
  }
  // What it was told is gone, as after a restore to before it; or it has heard more of a debt.
  void Forget() {
    const std::lock_guard<std::mutex> lock(mutex_);
    debts_.clear();
    answers_.clear();
  }
  void Know(const std::string& claim, bool owed, int64_t sequence) {
    const std::lock_guard<std::mutex> lock(mutex_);
    debts_[claim].set_owed(owed);
    debts_[claim].set_sequence(sequence);
  }
  int tries() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return tries_;
  }

 private:
  absl::StatusOr<Debt> Take(const std::string& id, const Debt& told, bool owed,
                            const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++tries_;
    if (refused_.contains(told.record())) return base::AccessDenied();
    if (!answers_.contains(id)) {
      Debt& debt = debts_[told.record()];
      if (told.sequence() != debt.sequence()) done_.push_back(what);  // else it was told again
      if (told.sequence() > debt.sequence()) {
        debt = told;
        debt.set_owed(owed);
        debt.set_listing(owed ? "unreliable/7" : "");
      }
      answers_[id] = debt;
    }
    if (lost_-- > 0) return absl::UnavailableError("the answer is lost");
    if (wrong_.empty()) return answers_[id];
    Debt debt = answers_[id];
    wrong_.front()(&debt);
    wrong_.pop_front();
    return debt;
  }

  rpc::PlayedPeer peer_;
  std::mutex mutex_;
  int lost_ = 0, tries_ = 0;
  std::set<std::string> refused_;
  std::deque<std::function<void(Debt*)>> wrong_;
  std::map<std::string, Debt> debts_, answers_;
  std::vector<std::string> done_;
};

class DebtsTest : public RefundsTest {
 protected:
  void SetUp() override {
    peers_->SetHere("grants", register_.peer().take());
    RefundsTest::SetUp();
  }
  rpc::Peers* OtherServices() override { return peers_.get(); }

  // Claims of so many claimants whose return is demanded.
  std::vector<std::string> Demanded(int count) {
    ListInForce();
    Allocate(600'000 * count);
    std::vector<std::string> claims;
    for (int n = 1; n <= count; ++n) claims.push_back(Monitored(n, {MakeExpense()}));
    GoTo(Day("2027-03-02"));
    for (const std::string& claim : claims) {
      EXPECT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
      EXPECT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
    }
    return claims;
  }
  std::string Demanded() { return Demanded(1).front(); }
  std::string PastDue() {
    const std::string claim = Demanded();
    GoTo(DueOf(claim).AddDays(1));
    return claim;
  }
  base::Date DueOf(const std::string& claim) {
    return *base::Date::FromProto(Now(claim).demand().due_date());
  }
  // All that is owed when it came on that day.
  void RepayAll(const std::string& claim, base::Date day) {
    const Demand demand = Now(claim).demand();
    const base::Money owed = *base::Money::FromProto(demand.amount());
    const base::Money late = *cases::LateInterest(
        owed, *base::Percent::FromHundredths(demand.late_rate_bp()), DueOf(claim).AddDays(1), day);
    auto request = Of<v1::RecordRepaymentRequest>(claim);
    *request.mutable_amount() = owed.Add(late)->ToProto();
    *request.mutable_pay_date() = day.ToProto();
    request.set_order_number("9");
    const auto done = Do<v1::Claim>("RecordRepayment", institute_, request);
    ASSERT_TRUE(done.ok()) << done.status();
    EXPECT_EQ(done->state(), v1::Claim::RECOVERED);
  }
  // Lets time go by, in which what failed is tried again, until the list says so of the claim.
  void WaitFor(const std::string& claim, Demand::Listing listing) {
    while (Now(claim).demand().listing() != listing) {
      clock_.Advance(absl::Seconds(1));
      std::this_thread::yield();
    }
  }
  // The list of the caller's claim, as GetClaim shows it.
  Demand::Listing Shown(const std::string& claim, const rpc::Caller& caller) {
    v1::GetClaimRequest get;
    get.set_name(claim);
    return Must<v1::Claim>("GetClaim", caller, get).demand().listing();
  }

  PlayedRegister register_;
  rpc::Metrics peer_metrics_{"export-refunds"};
  std::unique_ptr<rpc::Peers> peers_ = rpc::MakePeers("export-refunds", &peer_metrics_);
};

TEST_F(DebtsTest, ADemandPastDueIsListedAndStruckWhenItIsRepaid) {
  const std::string claim = Demanded();
  const base::Date due = DueOf(claim);
  GoTo(due);
  EXPECT_EQ(Now(claim).demand().listing(), Demand::LISTING_UNSPECIFIED);
  GoTo(due.AddDays(1));
  WaitFor(claim, Demand::LISTED);
  EXPECT_EQ(Now(claim).demand().listed_as(), "unreliable/7");
  const Debt debt = register_.DebtOf(claim);
  EXPECT_TRUE(debt.owed());
  EXPECT_EQ(debt.source(), "export-refunds");
  EXPECT_EQ(debt.recipient(), Bin(1));
  EXPECT_EQ(*base::Date::FromProto(debt.past_due_from()), due.AddDays(1));
  // By time, which a restore to an earlier point does not take back.
  EXPECT_GE(debt.sequence(), absl::ToUnixMicros(due.AddDays(1).StartOfDay()));
  EXPECT_EQ(Shown(claim, Entity(1)), Demand::LISTED) << "its claimant sees it";
  RepayAll(claim, today());
  WaitFor(claim, Demand::STRUCK);
  EXPECT_EQ(Now(claim).demand().listed_as(), "");
  EXPECT_FALSE(register_.DebtOf(claim).owed());
  EXPECT_GT(register_.DebtOf(claim).sequence(), debt.sequence());
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Repaid."));
  EXPECT_EQ(Now(claim).state(), v1::Claim::RECOVERED);
  ExpectSound();
}

// Either register may be restored to before what was told: what this one knows of its demand is
// told every day, and nothing changes by that where nothing was lost.
TEST_F(DebtsTest, WhatARestoreTookBackIsToldAgain) {
  const std::string claim = PastDue();
  WaitFor(claim, Demand::LISTED);
  const int64_t first = register_.DebtOf(claim).sequence();
  const std::string etag = Now(claim).etag();
  const auto until = [&](const auto& holds) {
    while (!holds()) {
      clock_.Advance(absl::Seconds(1));
      std::this_thread::yield();
    }
  };
  int tries = register_.tries();
  GoTo(today().AddDays(1));
  until([&] { return register_.tries() > tries; });
  EXPECT_EQ(register_.DebtOf(claim).sequence(), first);
  EXPECT_EQ(Now(claim).etag(), etag);
  EXPECT_THAT(register_.done(), ElementsAre("report"));
  // That one has forgotten it.
  register_.Forget();
  GoTo(today().AddDays(1));
  until([&] { return register_.DebtOf(claim).owed(); });
  EXPECT_EQ(register_.DebtOf(claim).sequence(), first);
  EXPECT_EQ(*base::Date::FromProto(register_.DebtOf(claim).past_due_from()),
            DueOf(claim).AddDays(1));
  // This one has: it had told that nothing is owed, and what it knows now is that it is.
  register_.Know(claim, false, first + 1);
  GoTo(today().AddDays(1));
  until([&] { return register_.DebtOf(claim).owed(); });
  EXPECT_GT(register_.DebtOf(claim).sequence(), first + 1);
  WaitFor(claim, Demand::LISTED);
  RepayAll(claim, today());
  WaitFor(claim, Demand::STRUCK);
  const int64_t last = register_.DebtOf(claim).sequence();
  register_.Know(claim, true, last - 1);
  GoTo(today().AddDays(1));
  until([&] { return !register_.DebtOf(claim).owed(); });
  register_.Know(claim, true, last + 1);
  GoTo(today().AddDays(1));
  until([&] { return !register_.DebtOf(claim).owed(); });
  WaitFor(claim, Demand::STRUCK);
  // What is settled is told for as long as a restore may go back, and what is owed on and on.
  for (const int days : {20, 1}) {
    tries = register_.tries();
    GoTo(today().AddDays(days));
    until([&] { return register_.tries() > tries; });
  }
  GoTo(today().AddDays(12));
  clock_.Advance(absl::Hours(1));
  tries = register_.tries();
  GoTo(today().AddDays(5));
  EXPECT_EQ(register_.tries(), tries);
  ExpectSound();
}

TEST_F(DebtsTest, AWeekWithoutTheRegisterDelaysItAndLosesNothing) {
  register_.peer().SetAway(true);
  const std::string claim = PastDue();
  EXPECT_EQ(Now(claim).demand().listing(), Demand::TO_BE_LISTED);
  for (int day = 0; day < 7; ++day) {
    GoTo(today().AddDays(1));
    if (day % 3 == 0) Reopen();
    EXPECT_EQ(Shown(claim, institute_), Demand::TO_BE_LISTED) << "told by whom it is kept";
  }
  EXPECT_THAT(register_.done(), IsEmpty());
  // Here it counts from its day on, whoever is away.
  EXPECT_TRUE(Now(claim).demand().past_due());
  register_.peer().SetAway(false);
  WaitFor(claim, Demand::LISTED);
  EXPECT_THAT(register_.done(), ElementsAre("report"));
  EXPECT_EQ(*base::Date::FromProto(register_.DebtOf(claim).past_due_from()),
            DueOf(claim).AddDays(1))
      << "the day on which it was past due, not that of the message";
}

TEST_F(DebtsTest, AnAnswerThatIsLostIsAskedForAgainAndDoesNothingTwice) {
  register_.LoseAnswers(3);
  const std::string claim = PastDue();
  WaitFor(claim, Demand::LISTED);
  EXPECT_GE(register_.tries(), 4);
  EXPECT_THAT(register_.done(), ElementsAre("report"));
  const int64_t at = position();
  const int tries = register_.tries();
  Reopen();
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(register_.tries(), tries) << "what is confirmed is not sent again on that day";
  EXPECT_EQ(position(), at);
}

// An empty answer, above all, is no word that nothing is owed.
TEST_F(DebtsTest, AnAnswerAboutSomethingElseIsNoneAndItIsToldAgain) {
  const std::vector<std::function<void(Debt*)>> wrong = {
      [](Debt* said) { said->Clear(); },
      [](Debt* said) { said->set_record("claims/other"); },
      [](Debt* said) { said->set_source("clusters"); },
      [](Debt* said) { said->set_recipient(Bin(2)); },
      [](Debt* said) { said->set_sequence(said->sequence() - 1); },
      [](Debt* said) { said->set_owed(!said->owed()); }};
  const auto tries = static_cast<int>(wrong.size());
  register_.AnswerWrongly(wrong);
  const std::string claim = PastDue();
  while (register_.tries() < tries) {
    EXPECT_EQ(Now(claim).demand().listing(), Demand::TO_BE_LISTED);
    clock_.Advance(absl::Seconds(1));
    std::this_thread::yield();
  }
  WaitFor(claim, Demand::LISTED);
  EXPECT_EQ(Now(claim).demand().listed_as(), "unreliable/7");
  register_.AnswerWrongly(wrong);
  RepayAll(claim, today());
  while (register_.tries() < 2 * tries + 1) {
    EXPECT_EQ(Now(claim).demand().listing(), Demand::TO_BE_STRUCK);
    clock_.Advance(absl::Seconds(1));
    std::this_thread::yield();
  }
  WaitFor(claim, Demand::STRUCK);
  EXPECT_EQ(register_.tries(), 2 * (tries + 1));
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Repaid."));
}

TEST_F(DebtsTest, WhatIsSettledBeforeTheRegisterHearsOfItIsToldInOrder) {
  register_.peer().SetAway(true);
  const std::string claim = PastDue();
  RepayAll(claim, today());
  EXPECT_EQ(Now(claim).demand().listing(), Demand::TO_BE_STRUCK);
  Reopen();
  register_.peer().SetAway(false);
  WaitFor(claim, Demand::STRUCK);
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Repaid."));
  EXPECT_FALSE(register_.DebtOf(claim).owed());
}

TEST_F(DebtsTest, MoneyThatCameInTimeAndWasRecordedLateWasNeverOwed) {
  const std::string claim = PastDue();
  WaitFor(claim, Demand::LISTED);
  RepayAll(claim, DueOf(claim));
  WaitFor(claim, Demand::STRUCK);
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Repaid. in time"));
}

TEST_F(DebtsTest, AFailureThatIsExcusedIsStruck) {
  const std::string claim = PastDue();
  WaitFor(claim, Demand::LISTED);
  ASSERT_TRUE(Step<v1::ExcuseFailureRequest>("ExcuseFailure", claim, trade_).ok());
  WaitFor(claim, Demand::STRUCK);
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Excused (Art. 28(4))."));
  ExpectSound();
}

// One that the register does not take is seen, keeps no other from it, and is told again.
TEST_F(DebtsTest, WhatIsRefusedIsShownHoldsUpNobodyAndComesAgain) {
  const std::vector<std::string> claims = Demanded(3);
  register_.Refuse(claims[0], true);
  register_.Refuse(claims[1], true);
  GoTo(DueOf(claims[0]).AddDays(1));
  WaitFor(claims[2], Demand::LISTED);
  const auto refused = [&] {
    const std::vector<store::Figure> figures = DebtFigures(store());
    return figures.empty() ? -1 : static_cast<int>(figures.front().value);
  };
  for (int i = 0; i < 2; ++i) {
    const Demand demand = Now(claims[static_cast<size_t>(i)]).demand();
    EXPECT_EQ(demand.listing(), Demand::TO_BE_LISTED);
    EXPECT_EQ(demand.listing_refusal(), "ACCESS_DENIED");
  }
  EXPECT_EQ(refused(), 2);
  // What is settled meanwhile is all that there is to tell.
  RepayAll(claims[1], today());
  register_.Refuse(claims[1], false);
  WaitFor(claims[1], Demand::STRUCK);
  EXPECT_EQ(Now(claims[1]).demand().listing_refusal(), "");
  EXPECT_EQ(refused(), 1);
  // Told again it is refused again, and says no more than before; then it is taken.
  const int tries = register_.tries();
  const int64_t at = position();
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(store().RunDueTimers().ok());
  while (register_.tries() == tries) std::this_thread::yield();
  EXPECT_EQ(Now(claims[0]).demand().listing(), Demand::TO_BE_LISTED);
  register_.Refuse(claims[0], false);
  Reopen();
  WaitFor(claims[0], Demand::LISTED);
  EXPECT_EQ(Now(claims[0]).demand().listing_refusal(), "");
  EXPECT_GT(position(), at);
  EXPECT_EQ(refused(), 0);
  EXPECT_EQ(*base::Date::FromProto(register_.DebtOf(claims[0]).past_due_from()),
            DueOf(claims[0]).AddDays(1));
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Repaid.", "report"));
  ExpectSound();
}

// The money that had ended the recovery never came: it is owed since its day, and told so.
TEST_F(DebtsTest, AMistakeThatIsUndoneIsListedSinceItsDay) {
  const std::string claim = Demanded();
  RepayAll(claim, today());
  const base::Date day = today();
  GoTo(DueOf(claim).AddDays(5));
  EXPECT_EQ(register_.tries(), 0);
  auto undo = Of<v1::ReverseRepaymentRequest>(claim);
  *undo.mutable_pay_date() = day.ToProto();
  undo.set_order_number("9");
  EXPECT_EQ(Must<v1::Claim>("ReverseRepayment", payer_, undo).state(), v1::Claim::RECOVERY);
  WaitFor(claim, Demand::LISTED);
  EXPECT_TRUE(Now(claim).demand().past_due());
  EXPECT_EQ(*base::Date::FromProto(register_.DebtOf(claim).past_due_from()),
            DueOf(claim).AddDays(1));
  RepayAll(claim, today());
  WaitFor(claim, Demand::STRUCK);
  EXPECT_THAT(register_.done(), ElementsAre("report", "withdraw Repaid."));
  ExpectSound();
}

TEST_F(DebtsTest, WhatIsRepaidInTimeIsNobodysBusiness) {
  const std::string claim = Demanded();
  RepayAll(claim, today());
  GoTo(DueOf(claim).AddDays(5));
  EXPECT_EQ(Now(claim).demand().listing(), Demand::LISTING_UNSPECIFIED);
  EXPECT_EQ(register_.tries(), 0);
}

}  // namespace
}  // namespace nisi::export_refunds
