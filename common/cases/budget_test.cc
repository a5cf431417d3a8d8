#include "common/cases/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/store/store_testing.h"

namespace nisi::cases {
namespace {

using base::Money;
using base::ReasonOf;
using store::Day;
using store::EngineName;
using store::Key;
using store::Tx;
using ::testing::IsEmpty;

const base::LegalBasis kBasis = base::Law("Art. 42(5)", "Money for grants.");

class BudgetTest : public store::StoreTest {
 protected:
  void SetUp() override {
    schema_ = WithBudget(store::WidgetSchema());
    Open();
    clock_.Set(Day("2026-06-15").StartOfDay());
  }

  absl::Status Move(Posting::Kind kind, int64_t tiyn, int year = 2026,
                    const std::string& programme = "grants") {
    return store_
        ->Write({.actor = "test"},
                [&](Tx& tx) -> absl::StatusOr<std::string> {
                  RETURN_IF_ERROR(Post(tx,
                                       {kind, Money::FromTiyn(tiyn).value(), programme, year,
                                        "grants/7", "somebody"},
                                       kBasis)
                                      .status());
                  return std::string();
                })
        .status();
  }
  absl::StatusOr<budget::v1::CloseYearResponse> Close(int year, bool carry = true) {
    budget::v1::CloseYearResponse response;
    const auto outcome =
        store_->Write({.actor = "test"}, [&](Tx& tx) -> absl::StatusOr<std::string> {
          ASSIGN_OR_RETURN(response, CloseYear(tx, "grants", year, carry, "somebody", kBasis));
          return std::string();
        });
    if (!outcome.ok()) return outcome.status();
    return response;
  }
  // available, reserved, committed, paid; of an account that is not there nothing.
  std::string Stands(int year, const std::string& programme = "grants") {
    const auto found = store_->Read().Find(kAccounts, Key::Of(programme, int32_t{year}));
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found->has_value()) return "";
    const Account& a = (*found)->row.account();
    const auto text = [](const google::type::Money& money) {
      return Money::FromProto(money).value().ToString();
    };
    return absl::StrCat(text(a.allocated()), " = ", text(a.available()), " + ", text(a.reserved()),
                        " + ", text(a.committed()), " + ", text(a.paid()),
                        a.closed() ? " closed" : "");
  }
  // Why a posting could not be undone by somebody; empty: it was.
  std::string WhyNotUndone(int number, const std::string& subject) {
    return ReasonOf(store_
                        ->Write({.actor = "test"},
                                [&](Tx& tx) -> absl::StatusOr<std::string> {
                                  RETURN_IF_ERROR(
                                      Reverse(tx,
                                              absl::StrCat("programmes/grants/postings/", number),
                                              "Не та сумма", subject, kBasis)
                                          .status());
                                  return std::string();
                                })
                        .status());
  }
  void ExpectSound() {
    const auto findings = AuditBudget(store_->Read());
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, IsEmpty());
  }
};

TEST_P(BudgetTest, AnAccountHoldsNoMoreThanASumCanBe) {
  constexpr int64_t kMost = 100'000'000'000'000'000;  // 10^15 tenge
  EXPECT_TRUE(Move(Posting::ALLOCATE, kMost).ok());
  const absl::Status over = Move(Posting::ALLOCATE, 1);
  EXPECT_EQ(ReasonOf(over), "INVALID_FIELD");
  EXPECT_EQ(base::BadRequestOf(over).field_violations(0).field(), "amount");
  EXPECT_TRUE(Move(Posting::RESERVE, kMost).ok());
  ExpectSound();
}

TEST_P(BudgetTest, MoneyGoesFromDecisionToPayment) {
  const struct {
    Posting::Kind kind;
    int64_t tiyn;
    const char* reason;
    const char* stands;
  } kSteps[] = {
      {Posting::RESERVE, 1, "BUDGET_EXCEEDED", ""},
      {Posting::ALLOCATE, 10000, "", "100.00 = 100.00 + 0.00 + 0.00 + 0.00"},
      {Posting::RESERVE, 10001, "BUDGET_EXCEEDED", "100.00 = 100.00 + 0.00 + 0.00 + 0.00"},
      {Posting::RESERVE, 6000, "", "100.00 = 40.00 + 60.00 + 0.00 + 0.00"},
      {Posting::COMMIT, 6001, "BUDGET_EXCEEDED", "100.00 = 40.00 + 60.00 + 0.00 + 0.00"},
      {Posting::COMMIT, 5000, "", "100.00 = 40.00 + 10.00 + 50.00 + 0.00"},
      {Posting::RELEASE, 1000, "", "100.00 = 50.00 + 0.00 + 50.00 + 0.00"},
      {Posting::RELEASE, 1, "BUDGET_EXCEEDED", "100.00 = 50.00 + 0.00 + 50.00 + 0.00"},
      {Posting::PAY, 5001, "BUDGET_EXCEEDED", "100.00 = 50.00 + 0.00 + 50.00 + 0.00"},
      {Posting::PAY, 3000, "", "100.00 = 50.00 + 0.00 + 20.00 + 30.00"},
      {Posting::UNCOMMIT, 2000, "", "100.00 = 70.00 + 0.00 + 0.00 + 30.00"},
      {Posting::RETURN, 500, "", "100.00 = 75.00 + 0.00 + 0.00 + 25.00"},
      {Posting::RETURN, 2501, "BUDGET_EXCEEDED", "100.00 = 75.00 + 0.00 + 0.00 + 25.00"},
      {Posting::GIVE_BACK, 7500, "", "25.00 = 0.00 + 0.00 + 0.00 + 25.00"},
      {Posting::GIVE_BACK, 1, "BUDGET_EXCEEDED", "25.00 = 0.00 + 0.00 + 0.00 + 25.00"},
      {Posting::ALLOCATE, 0, "INVALID_FIELD", "25.00 = 0.00 + 0.00 + 0.00 + 25.00"},
      {Posting::ALLOCATE, -1, "INVALID_FIELD", "25.00 = 0.00 + 0.00 + 0.00 + 25.00"},
  };
  for (const auto& step : kSteps) {
    const int64_t before = store_->position();
    const absl::Status moved = Move(step.kind, step.tiyn);
    EXPECT_EQ(ReasonOf(moved), step.reason) << Posting::Kind_Name(step.kind) << step.tiyn;
    EXPECT_EQ(Stands(2026), step.stands) << Posting::Kind_Name(step.kind) << step.tiyn;
    EXPECT_EQ(store_->position() == before, !moved.ok()) << "a refusal changes nothing";
    ExpectSound();
  }
}

TEST_P(BudgetTest, WhatIsTooMuchSaysHowMuchThereIs) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  const absl::Status refused = Move(Posting::RESERVE, 12000);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  google::rpc::QuotaFailure quota;
  ASSERT_TRUE(quota.ParseFromString(
      std::string(refused.GetPayload(base::TypeUrl(quota)).value_or(absl::Cord()))));
  ASSERT_EQ(quota.violations_size(), 1);
  EXPECT_EQ(quota.violations(0).subject(), "programmes/grants/accounts/2026");
  EXPECT_EQ(quota.violations(0).description(),
            "AVAILABLE holds 100.00 tenge and 120.00 are needed");
  EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 42(5)");
}

// Money that no later year has yet: the way out is told, however long ago.
TEST_P(BudgetTest, EveryEarlierYearIsLookedAt) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000, 2024).ok());
  ASSERT_TRUE(Move(Posting::RESERVE, 7000, 2024).ok());
  const absl::Status refused = Move(Posting::COMMIT, 7000, 2026);
  EXPECT_EQ(ReasonOf(refused), "YEAR_NOT_CLOSED");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("account"), "programmes/grants/accounts/2024");
  EXPECT_TRUE(refused.GetPayload(base::TypeUrl(google::rpc::QuotaFailure())).has_value());
  EXPECT_EQ(ReasonOf(Move(Posting::PAY, 1, 2026)), "BUDGET_EXCEEDED") << "nothing is committed";
  ASSERT_TRUE(Close(2024).ok());
  ASSERT_TRUE(Close(2025).ok());
  EXPECT_TRUE(Move(Posting::COMMIT, 7000, 2026).ok());
  ExpectSound();
}

// A year that nobody closed keeps what was reserved in it: it is committed and released there, paid
// out of it and uncommitted there, and closing carries on what is left. None is lost, none is there
// twice, and nobody's is taken for another's.
TEST_P(BudgetTest, WhatIsHeldIsFoundInTheYearThatHoldsIt) {
  const auto move = [&](Posting::Kind kind, int64_t tiyn, const std::string& record) {
    return ReasonOf(
        store_
            ->Write({.actor = "test"},
                    [&](Tx& tx) -> absl::StatusOr<std::string> {
                      const int year = tx.today().year();
                      Movement movement{
                          kind, Money::FromTiyn(tiyn).value(), "grants", year, record, "somebody"};
                      const bool free = kind == Posting::ALLOCATE || kind == Posting::RESERVE;
                      ASSIGN_OR_RETURN(const Posting posted,
                                       !free ? PostHeld(tx, movement, record, kBasis)
                                             : Post(tx, movement, kBasis));
                      return posted.name();
                    })
            .status());
  };
  ASSERT_EQ(move(Posting::ALLOCATE, 10000, "1"), "");
  for (const char* record : {"a", "b", "c", "d"})
    ASSERT_EQ(move(Posting::RESERVE, 1000, record), "");
  EXPECT_EQ(move(Posting::COMMIT, 1000, "a"), "");
  clock_.Set(Day("2027-02-01").StartOfDay());
  ASSERT_EQ(move(Posting::ALLOCATE, 3000, "2"), "");
  ASSERT_EQ(move(Posting::RESERVE, 3000, "e"), "");
  EXPECT_EQ(move(Posting::COMMIT, 1000, "b"), "");
  EXPECT_EQ(move(Posting::RELEASE, 1000, "c"), "");
  EXPECT_EQ(Stands(2026), "100.00 = 70.00 + 10.00 + 20.00 + 0.00");
  EXPECT_EQ(Stands(2027), "30.00 = 0.00 + 30.00 + 0.00 + 0.00");
  // What is promised in this year is not what is paid, or given up, of the one before.
  EXPECT_EQ(move(Posting::COMMIT, 2000, "e"), "");
  EXPECT_EQ(move(Posting::PAY, 400, "b"), "");
  EXPECT_EQ(move(Posting::UNCOMMIT, 600, "b"), "");
  EXPECT_EQ(Stands(2026), "100.00 = 76.00 + 10.00 + 10.00 + 0.00");
  EXPECT_EQ(Stands(2027), "30.00 = 0.00 + 10.00 + 20.00 + 4.00")
      << "paid is in the year of the day";
  EXPECT_EQ(move(Posting::PAY, 1500, "e"), "");
  EXPECT_EQ(move(Posting::UNCOMMIT, 500, "e"), "");
  EXPECT_EQ(move(Posting::PAY, 1001, "a"), "YEAR_NOT_CLOSED") << "more than was committed";
  EXPECT_EQ(move(Posting::RELEASE, 1000, "f"), "") << "that nobody reserved: of this year";
  EXPECT_EQ(Stands(2027), "30.00 = 15.00 + 0.00 + 0.00 + 19.00");
  ASSERT_TRUE(Close(2026).ok());
  EXPECT_EQ(Stands(2026), "100.00 = 0.00 + 0.00 + 0.00 + 0.00 closed");
  EXPECT_EQ(Stands(2027), "30.00 = 91.00 + 10.00 + 10.00 + 19.00");
  // Carried over it is found there, also when that year is not closed either; reserved anew it is
  // where it was reserved last.
  ASSERT_EQ(move(Posting::RESERVE, 1000, "c"), "");
  clock_.Set(Day("2028-02-01").StartOfDay());
  EXPECT_EQ(move(Posting::COMMIT, 1000, "d"), "");
  EXPECT_EQ(move(Posting::COMMIT, 1000, "c"), "");
  EXPECT_EQ(Stands(2027), "30.00 = 81.00 + 0.00 + 30.00 + 19.00");
  EXPECT_EQ(Stands(2028), "");
  EXPECT_EQ(move(Posting::PAY, 1000, "a"), "") << "carried into the year before, and paid in this";
  EXPECT_EQ(Stands(2027), "30.00 = 81.00 + 0.00 + 20.00 + 19.00");
  EXPECT_EQ(Stands(2028), "0.00 = 0.00 + 0.00 + 0.00 + 10.00");
  ExpectSound();
  ASSERT_TRUE(Close(2027).ok());
  EXPECT_EQ(move(Posting::PAY, 2000, "d"), "");
  EXPECT_EQ(Stands(2028), "0.00 = 81.00 + 0.00 + 0.00 + 30.00");
  // What another one took from there, as it was done before, is taken where this one is.
  ASSERT_EQ(move(Posting::RESERVE, 7000, "g"), "");
  clock_.Set(Day("2029-02-01").StartOfDay());
  ASSERT_TRUE(Move(Posting::RELEASE, 7000, 2028).ok());
  ASSERT_EQ(move(Posting::ALLOCATE, 7000, "3"), "");
  ASSERT_EQ(move(Posting::RESERVE, 7000, "h"), "");
  EXPECT_EQ(move(Posting::COMMIT, 7000, "g"), "");
  EXPECT_EQ(Stands(2029), "70.00 = 0.00 + 0.00 + 70.00 + 0.00");
  ExpectSound();
}

TEST_P(BudgetTest, AnOrderGivesItsMoneyOnce) {
  absl::Status refused;
  const auto order = [&](const char* account, const char* number, const char* day,
                         const char* subject = "somebody") {
    budget::v1::AllocateBudgetRequest request;
    request.set_account(account);
    *request.mutable_amount() = Money::FromTenge(100)->ToProto();
    request.set_order_number(number);
    *request.mutable_order_date() = Day(day).ToProto();
    rpc::Call call;
    auto caller = std::make_shared<rpc::Caller>();
    caller->subject = subject;
    call.caller = caller;
    refused = store_
                  ->Write({.actor = "test"},
                          [&](Tx& tx) -> absl::StatusOr<std::string> {
                            RETURN_IF_ERROR(AllocateBudget(call, tx, request, kBasis).status());
                            return std::string();
                          })
                  .status();
    return ReasonOf(refused);
  };
  constexpr char kThis[] = "programmes/grants/accounts/2026";
  EXPECT_EQ(order(kThis, "17", "2026-06-16"), "ORDER_DATE_INVALID");
  EXPECT_EQ(order(kThis, "17", "2026-06-01"), "");
  EXPECT_EQ(order(kThis, "17", "2026-06-01"), "ORDER_POSTED");
  EXPECT_EQ(base::LegalBasisOf(refused).article(), kBasis.article());
  EXPECT_EQ(order(kThis, "17", "2026-06-01", "another"), "ORDER_POSTED");
  // Others: of another day, with another number, to another year or programme.
  EXPECT_EQ(order(kThis, "17", "2026-06-02"), "");
  EXPECT_EQ(order(kThis, "18", "2026-06-01"), "");
  EXPECT_EQ(order("programmes/grants/accounts/2027", "17", "2026-06-01"), "");
  EXPECT_EQ(order("programmes/clusters/accounts/2026", "17", "2026-06-01"), "");
  EXPECT_EQ(order(kThis, "17", "2026-06-02"), "ORDER_POSTED");
  EXPECT_EQ(Stands(2026), "300.00 = 300.00 + 0.00 + 0.00 + 0.00");
  const auto first = store_->Read().Find(kPostings, Key::Of("grants", int64_t{1}));
  ASSERT_TRUE(first.ok() && first->has_value());
  EXPECT_EQ(base::Date::FromProto((*first)->row.posting().order_date())->ToString(), "2026-06-01");
  // What a service puts in without an order, as a repayment, is no order.
  ASSERT_TRUE(Move(Posting::ALLOCATE, 100).ok());
  ASSERT_TRUE(Move(Posting::ALLOCATE, 100).ok());
  ExpectSound();
}

TEST_P(BudgetTest, AnAccountOfNoYearIsNotThere) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 5000).ok());
  for (const char* year : {"1999", "02026", "202", "abcd", "-202"}) {
    budget::v1::GetAccountRequest request;
    request.set_name(absl::StrCat("programmes/grants/accounts/", year));
    EXPECT_EQ(ReasonOf(GetAccount(*store_, rpc::Call(), request).status()), "NOT_FOUND") << year;
  }
}

TEST_P(BudgetTest, WhatWasTypedInWronglyIsUndoneOnceByAnother) {
  const auto caller = [](const std::string& subject) {
    rpc::Call call;
    auto who = std::make_shared<rpc::Caller>();
    who->subject = subject;
    call.caller = who;
    return call;
  };
  const auto order = [&](int64_t tenge) {
    budget::v1::AllocateBudgetRequest request;
    request.set_account("programmes/grants/accounts/2026");
    *request.mutable_amount() = Money::FromTenge(tenge)->ToProto();
    request.set_order_number("17");
    *request.mutable_order_date() = Day("2026-06-01").ToProto();
    const rpc::Call call = caller("typist");
    return ReasonOf(store_
                        ->Write({.actor = "test"},
                                [&](Tx& tx) -> absl::StatusOr<std::string> {
                                  RETURN_IF_ERROR(
                                      AllocateBudget(call, tx, request, kBasis).status());
                                  return std::string();
                                })
                        .status());
  };
  Posting undoing;
  const auto reverse = [&](const auto& number, const std::string& subject) {
    budget::v1::ReversePostingRequest request;
    request.set_name(absl::StrCat("programmes/grants/postings/", number));
    request.set_reason("Лишний ноль");
    const rpc::Call call = caller(subject);
    return ReasonOf(store_
                        ->Write({.actor = "test"},
                                [&](Tx& tx) -> absl::StatusOr<std::string> {
                                  ASSIGN_OR_RETURN(undoing,
                                                   ReversePosting(call, tx, request, kBasis));
                                  return std::string();
                                })
                        .status());
  };
  ASSERT_EQ(order(1000), "");                               // posting 1
  ASSERT_TRUE(Move(Posting::ALLOCATE, 5000).ok());          // 2, without an order
  ASSERT_TRUE(Move(Posting::RECOVER, 700).ok());            // 3
  ASSERT_TRUE(Move(Posting::RESERVE, 60000).ok());          // 4
  for (const char* number : {"9", "0", "01", "-1", "x"}) {  // one name a posting: no leading zeros
    EXPECT_EQ(reverse(number, "another"), "NOT_FOUND");
  }
  for (const int number : {2, 3, 4}) EXPECT_EQ(reverse(number, "another"), "POSTING_NOT_TYPED");
  EXPECT_EQ(reverse(1, "typist"), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(reverse(1, "another"), "BUDGET_EXCEEDED") << "it is decided on";
  ASSERT_TRUE(Move(Posting::RELEASE, 60000).ok());
  EXPECT_EQ(order(100), "ORDER_POSTED");
  EXPECT_EQ(reverse(1, "another"), "");
  EXPECT_EQ(undoing.kind(), Posting::REVERSE);
  EXPECT_EQ(undoing.reverses(), "programmes/grants/postings/1");
  EXPECT_EQ(undoing.reason(), "Лишний ноль");
  EXPECT_EQ(undoing.record(), "17");
  EXPECT_EQ(Stands(2026), "57.00 = 57.00 + 0.00 + 0.00 + 0.00");
  EXPECT_EQ(reverse(1, "another"), "POSTING_REVERSED");
  EXPECT_EQ(reverse(6, "third"), "POSTING_NOT_TYPED") << "what undoes is not undone";
  EXPECT_EQ(order(100), "") << "as it should have been";
  EXPECT_EQ(order(100), "ORDER_POSTED");
  EXPECT_EQ(Stands(2026), "157.00 = 157.00 + 0.00 + 0.00 + 0.00");
  ExpectSound();
}

// Money of a closed year lies in the next one: it is taken out there, and nothing goes below zero.
TEST_P(BudgetTest, AMistakeOfAClosedYearIsUndoneWhereItsMoneyLies) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  ASSERT_TRUE(Move(Posting::RECOVER, 2500).ok());
  clock_.Set(Day("2027-02-01").StartOfDay());
  ASSERT_TRUE(Close(2026).ok());
  clock_.Set(Day("2028-02-01").StartOfDay());
  EXPECT_EQ(WhyNotUndone(2, "somebody"), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(WhyNotUndone(2, "another"), "") << "2027 is open and holds it";
  EXPECT_EQ(Stands(2027), "-25.00 = 100.00 + 0.00 + 0.00 + 0.00");
  ASSERT_TRUE(Close(2027).ok());
  ASSERT_TRUE(Move(Posting::RESERVE, 1, 2028).ok());
  EXPECT_EQ(WhyNotUndone(1, "another"), "BUDGET_EXCEEDED");
  ASSERT_TRUE(Move(Posting::RELEASE, 1, 2028).ok());
  EXPECT_EQ(WhyNotUndone(1, "another"), "");
  EXPECT_EQ(Stands(2028), "-100.00 = 0.00 + 0.00 + 0.00 + 0.00");
  EXPECT_EQ(WhyNotUndone(1, "third"), "POSTING_REVERSED");
  ExpectSound();
}

// What a recipient did not return after all is paid out as it was.
TEST_P(BudgetTest, AReturnThatNeverCameIsUndone) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  for (const auto kind : {Posting::RESERVE, Posting::COMMIT, Posting::PAY}) {
    ASSERT_TRUE(Move(kind, 10000).ok());
  }
  ASSERT_TRUE(Move(Posting::RETURN, 4000).ok());  // 5
  ASSERT_TRUE(Move(Posting::RETURN, 1000).ok());  // 6
  EXPECT_EQ(WhyNotUndone(5, "another"), "");
  EXPECT_EQ(Stands(2026), "100.00 = 10.00 + 0.00 + 0.00 + 90.00");
  EXPECT_EQ(WhyNotUndone(5, "third"), "POSTING_REVERSED");
  clock_.Set(Day("2027-02-01").StartOfDay());
  ASSERT_TRUE(Close(2026).ok());
  EXPECT_EQ(WhyNotUndone(6, "another"), "");
  EXPECT_EQ(Stands(2027), "0.00 = 0.00 + 0.00 + 0.00 + 10.00") << "its money was carried there";
  ExpectSound();
}

// What was free went back to the budget with its year: nothing of it is in any later one.
TEST_P(BudgetTest, AMistakeThatWentBackToTheBudgetIsNotTakenFromAnotherYear) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  ASSERT_TRUE(Move(Posting::RESERVE, 4000).ok());
  clock_.Set(Day("2027-02-01").StartOfDay());
  ASSERT_TRUE(Move(Posting::ALLOCATE, 50000, 2027).ok());
  ASSERT_TRUE(Close(2026, /*carry=*/false).ok());
  const std::string stands = Stands(2027);
  EXPECT_EQ(WhyNotUndone(1, "another"), "YEAR_CLOSED");
  EXPECT_EQ(Stands(2027), stands);
  clock_.Set(Day("2028-02-01").StartOfDay());
  ASSERT_TRUE(Close(2027).ok());
  EXPECT_EQ(WhyNotUndone(1, "another"), "YEAR_CLOSED") << "wherever the rest was carried";
  EXPECT_EQ(WhyNotUndone(3, "another"), "") << "the money of 2027 was carried over";
  ExpectSound();
}

// With nothing left to go back all of it went on, decided on: it is undone when that comes to
// nothing.
TEST_P(BudgetTest, AMistakeThatWasDecidedOnWentOnWhateverTheYearGaveBack) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  ASSERT_TRUE(Move(Posting::RESERVE, 10000).ok());
  clock_.Set(Day("2027-02-01").StartOfDay());
  ASSERT_TRUE(Close(2026, /*carry=*/false).ok());
  EXPECT_EQ(WhyNotUndone(1, "another"), "BUDGET_EXCEEDED");
  ASSERT_TRUE(Move(Posting::RELEASE, 10000, 2027).ok());
  EXPECT_EQ(WhyNotUndone(1, "another"), "");
  ExpectSound();
}

// A mistake that would break the books commits nothing, and what is broken is found.
TEST_P(BudgetTest, AccountsThatDoNotAddUpAreNotCommitted) {
  const auto put = [&](int64_t source, int64_t available) {
    return store_
        ->Write({.actor = "test"},
                [&](Tx& tx) -> absl::StatusOr<std::string> {
                  AccountRow row;
                  row.set_programme("grants");
                  row.set_year(2026);
                  row.mutable_account()->set_name("programmes/grants/accounts/2026");
                  for (const int64_t tiyn : {source, available, -available, int64_t{0}, int64_t{0}})
                    row.add_balances(tiyn);
                  RETURN_IF_ERROR(tx.Put(kAccounts, &row));
                  return std::string();
                })
        .status();
  };
  const int64_t before = store_->position();
  EXPECT_EQ(put(-100, 0).code(), absl::StatusCode::kDataLoss) << "does not add up";
  EXPECT_EQ(put(0, 100).code(), absl::StatusCode::kDataLoss) << "below zero";
  // Those of one programme do not make up for those of another, nor buckets for one that is absent.
  const auto two = [&](int64_t here, int64_t there, int buckets) {
    return store_
        ->Write({.actor = "test"},
                [&](Tx& tx) -> absl::StatusOr<std::string> {
                  for (const auto& [programme, tiyn] :
                       {std::pair("clusters", there), std::pair("grants", here)}) {
                    AccountRow row;
                    row.set_programme(programme);
                    row.set_year(2026);
                    row.mutable_account()->set_name(
                        absl::StrCat("programmes/", programme, "/accounts/2026"));
                    row.add_balances(tiyn);
                    for (int i = 1; i < buckets; ++i) row.add_balances(0);
                    RETURN_IF_ERROR(tx.Put(kAccounts, &row));
                  }
                  return std::string();
                })
        .status();
  };
  EXPECT_EQ(two(-100, 100, 5).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(two(0, 0, 4).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(two(0, 0, 6).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_->position(), before);
  Healthy();
  // As a store that was written before accounts were held against each other.
  store_.reset();
  disk_ = store::NewMemDisk();
  const store::Schema audited = schema_;
  schema_.derived.clear();
  ASSERT_TRUE(TryOpen("old").ok());
  ASSERT_TRUE(put(-100, 0).ok());
  store_.reset();
  schema_ = audited;
  ASSERT_TRUE(TryOpen("old").ok());
  ASSERT_TRUE(store_->BuildIndexes().ok());
  const auto findings = store_->Scrub();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, ::testing::ElementsAre(
                             "programmes/grants/accounts/2026: is not what its postings say",
                             "grants: does not add up to zero"));
  EXPECT_EQ(Move(Posting::ALLOCATE, 100).code(), absl::StatusCode::kDataLoss);
}

TEST_P(BudgetTest, TheBalanceIsCarriedOverOnceExactly) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  ASSERT_TRUE(Move(Posting::RESERVE, 7000).ok());
  ASSERT_TRUE(Move(Posting::COMMIT, 5000).ok());
  ASSERT_TRUE(Move(Posting::PAY, 1001).ok());
  EXPECT_EQ(ReasonOf(Close(2026).status()), "YEAR_NOT_OVER");
  EXPECT_EQ(base::LegalBasisOf(Close(2026).status()).article(), kBasis.article());
  clock_.Set(Day("2026-12-31").StartOfDay());
  EXPECT_EQ(ReasonOf(Close(2026).status()), "YEAR_NOT_OVER");
  clock_.Set(Day("2027-01-01").StartOfDay());
  EXPECT_EQ(ReasonOf(Move(Posting::PAY, 100, 2027)), "YEAR_NOT_CLOSED");
  const auto closed = Close(2026);
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(Stands(2026), "100.00 = 0.00 + 0.00 + 0.00 + 10.01 closed");
  EXPECT_EQ(Stands(2027), "0.00 = 30.00 + 20.00 + 39.99 + 0.00");
  for (int i = 0; i < 3; ++i) {
    const auto again = Close(2026);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->posting().SerializeAsString(), closed->posting().SerializeAsString());
  }
  EXPECT_EQ(Stands(2027), "0.00 = 30.00 + 20.00 + 39.99 + 0.00");
  EXPECT_EQ(ReasonOf(Move(Posting::ALLOCATE, 1)), "YEAR_CLOSED");
  EXPECT_TRUE(Move(Posting::PAY, 3999, 2027).ok());
  EXPECT_EQ(ReasonOf(Move(Posting::PAY, 1, 2027)), "BUDGET_EXCEEDED");
  EXPECT_EQ(ReasonOf(Close(2025).status()), ReasonOf(base::NotFound("accounts", "x")));
  // A later year is not closed over an open one.
  clock_.Set(Day("2029-01-01").StartOfDay());
  ASSERT_TRUE(Move(Posting::ALLOCATE, 500, 2028).ok());
  const absl::Status over = Close(2028).status();
  EXPECT_EQ(ReasonOf(over), "YEAR_NOT_CLOSED");
  EXPECT_EQ(over.message(), "An earlier financial year is to be closed first.");
  EXPECT_EQ(base::LegalBasisOf(over).article(), kBasis.article());
  ASSERT_TRUE(Close(2027, /*carry=*/false).ok());
  EXPECT_EQ(Stands(2027), "-30.00 = 0.00 + 0.00 + 0.00 + 39.99 closed");
  EXPECT_EQ(Stands(2028), "5.00 = 5.00 + 20.00 + 0.00 + 0.00");
  ASSERT_TRUE(Close(2028).ok());
  ExpectSound();
}

// Nothing is carried out of a year behind a closed one: no money goes in.
TEST_P(BudgetTest, NoMoneyGoesBehindAClosedYear) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  ASSERT_TRUE(Move(Posting::ALLOCATE, 100, 2025, "clusters").ok());
  clock_.Set(Day("2027-01-15").StartOfDay());
  ASSERT_TRUE(Close(2026).ok());
  const absl::Status behind = Move(Posting::ALLOCATE, 500, 2025);
  EXPECT_EQ(ReasonOf(behind), "YEAR_CLOSED");
  EXPECT_EQ(base::LegalBasisOf(behind).article(), kBasis.article());
  EXPECT_EQ(Stands(2025), "");
  EXPECT_EQ(ReasonOf(Move(Posting::ALLOCATE, 500, 2024)), "YEAR_CLOSED");
  EXPECT_EQ(ReasonOf(Move(Posting::ALLOCATE, 500, 2026)), "YEAR_CLOSED");
  EXPECT_TRUE(Move(Posting::ALLOCATE, 500, 2027).ok());
  EXPECT_TRUE(Move(Posting::ALLOCATE, 500, 2025, "clusters").ok()) << "another programme";
  // One that got in before this was refused: it is not moved on into the closed year.
  ASSERT_TRUE(store_
                  ->Write({.actor = "test"},
                          [&](Tx& tx) -> absl::StatusOr<std::string> {
                            AccountRow row;
                            row.set_programme("grants");
                            row.set_year(2025);
                            row.mutable_account()->set_name("programmes/grants/accounts/2025");
                            for (int i = 0; i < 5; ++i) row.add_balances(0);
                            RETURN_IF_ERROR(tx.Put(kAccounts, &row));
                            return std::string();
                          })
                  .ok());
  EXPECT_EQ(ReasonOf(Close(2025).status()), "YEAR_CLOSED");
  EXPECT_EQ(Stands(2026), "100.00 = 0.00 + 0.00 + 0.00 + 0.00 closed");
  ExpectSound();
}

// Any movements in any order: what is moved is what a plain sum of the accepted ones says.
TEST_P(BudgetTest, NothingIsEverLostOrMade) {
  std::mt19937 random(11);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::map<std::string, int64_t> given, paid;
  int accepted = 0;
  for (int i = 0; i < 400; ++i) {
    const auto kind = static_cast<Posting::Kind>(1 + pick(8));
    const std::string programme = pick(2) == 0 ? "grants" : "clusters";
    const int64_t tiyn = 1 + pick(kind == Posting::ALLOCATE ? 5000 : 2000);
    const int year = 2026 + pick(2);
    const absl::Status moved = Move(kind, tiyn, year, programme);
    if (!moved.ok()) {
      EXPECT_TRUE(ReasonOf(moved) == "BUDGET_EXCEEDED" || ReasonOf(moved) == "YEAR_NOT_CLOSED" ||
                  ReasonOf(moved) == "YEAR_CLOSED")
          << moved;
      continue;
    }
    ++accepted;
    if (kind == Posting::ALLOCATE) given[programme] += tiyn;
    if (kind == Posting::GIVE_BACK) given[programme] -= tiyn;
    if (kind == Posting::PAY) paid[programme] += tiyn;
    if (kind == Posting::RETURN) paid[programme] -= tiyn;
    if (i == 300) {
      clock_.Set(Day("2027-02-01").StartOfDay());
      ASSERT_TRUE(Close(2026).ok());
    }
    if (i % 20 == 0) ExpectSound();
  }
  EXPECT_GT(accepted, 100);
  ExpectSound();
  for (const std::string& programme : {std::string("grants"), std::string("clusters")}) {
    int64_t allocated = 0, out = 0;
    for (const int year : {2026, 2027}) {
      const auto found = store_->Read().Find(kAccounts, Key::Of(programme, int32_t{year}));
      if (!found.ok() || !found->has_value()) continue;
      allocated -= (*found)->row.balances(0);
      out += (*found)->row.balances(4);
    }
    EXPECT_EQ(allocated, given[programme]);
    EXPECT_EQ(out, paid[programme]);
  }
}

// Many who want the last of it at once: as much is decided as there is, and no more.
TEST_P(BudgetTest, ManyAtOnceNeverOverdraw) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  std::vector<std::thread> threads;
  std::atomic<int> granted{0}, refused{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const absl::Status moved = Move(Posting::RESERVE, 99);
        if (moved.ok()) {
          ++granted;
        } else {
          EXPECT_EQ(ReasonOf(moved), "BUDGET_EXCEEDED");
          ++refused;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted, 101);
  EXPECT_EQ(refused, 99);
  EXPECT_EQ(Stands(2026), "100.00 = 0.01 + 99.99 + 0.00 + 0.00");
  ExpectSound();
}

// Many who close the same year at once: one posting.
TEST_P(BudgetTest, ManyCloseAYearOnce) {
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  clock_.Set(Day("2027-01-15").StartOfDay());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { EXPECT_TRUE(Close(2026).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Stands(2027), "0.00 = 100.00 + 0.00 + 0.00 + 0.00");
  ExpectSound();
}

TEST_P(BudgetTest, TheMetricsAddUpWhatIsOpenAndShowTheLeast) {
  const auto shared = std::shared_ptr<store::Store>(store_.get(), [](store::Store*) {});
  const auto figures = BudgetFigures(shared);
  const auto told = [&figures] {
    std::string text;
    for (const store::Figure& figure : figures()) {
      const std::string name = figure.name == "nisi_budget_years_not_closed" ? "late" : "least";
      absl::StrAppend(&text, figure.labels.empty() ? name : figure.labels.front().second, " ",
                      figure.value, " ");
    }
    return text;
  };
  EXPECT_EQ(told(), "available 0 reserved 0 committed 0 paid 0 late 0 ");
  ASSERT_TRUE(Move(Posting::ALLOCATE, 10000).ok());
  ASSERT_TRUE(Move(Posting::ALLOCATE, 20000, 2026, "loans").ok());
  ASSERT_TRUE(Move(Posting::RESERVE, 19000, 2026, "loans").ok());
  ASSERT_TRUE(Move(Posting::COMMIT, 12000, 2026, "loans").ok());
  ASSERT_TRUE(Move(Posting::PAY, 2000, 2026, "loans").ok());
  EXPECT_EQ(told(), "available 110 reserved 70 committed 100 paid 20 late 0 least 0.05 ");
  clock_.Set(Day("2027-01-15").StartOfDay());
  // Of a year that is over nobody decides any more.
  EXPECT_EQ(told(), "available 110 reserved 70 committed 100 paid 20 late 2 ");
  ASSERT_TRUE(Close(2026).ok());
  EXPECT_EQ(told(), "available 110 reserved 70 committed 100 paid 20 late 1 least 1 ");
  EXPECT_TRUE(BudgetFigures(std::weak_ptr<store::Store>())().empty());
}

NISI_BOTH_ENGINES(BudgetTest);

}  // namespace
}  // namespace nisi::cases
