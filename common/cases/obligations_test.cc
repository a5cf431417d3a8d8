#include "common/cases/obligations.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"

namespace nisi::cases {
namespace {

using base::Date;
using base::Money;

Date OnDay(const std::string& text) {
  return *Date::Parse(text);
}

// Rates that change inside the periods below, one of them in a leap year.
const norms::Norms& Rates() {
  static const norms::Norms* const kNorms = [] {
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    for (norms::NormFile& file : files) {
      if (file.name == "base_rate.csv") {
        file.text =
            "key,value,unit,in_force_from,in_force_to,source,certainty\n"
            "base_rate,16.00,PERCENT,2023-01-01,2024-01-21,test,BY_LAW\n"
            "base_rate,14.50,PERCENT,2024-01-22,2024-07-14,test,BY_LAW\n"
            "base_rate,14.25,PERCENT,2024-07-15,,test,BY_LAW\n";
      } else if (file.name == "obligations.csv") {
        file.text =
            "key,value,unit,in_force_from,in_force_to,source,certainty\n"
            "obligations.tolerance,100,PERCENT,2022-01-01,2024-12-31,test,BY_LAW\n"
            "obligations.tolerance,90,PERCENT,2025-01-01,,test,BY_LAW\n"
            "obligations.return_days,30,DAYS,2022-01-01,,test,BY_LAW\n";
      }
    }
    auto norms = norms::Norms::LoadText(files);
    EXPECT_TRUE(norms.ok()) << norms.status();
    return new norms::Norms(*std::move(norms));
  }();
  return *kNorms;
}

struct Promise {
  std::string baseline;
  std::string target;
  int32_t weight_bp = 0;
  std::string fact;
};
struct PaidOut {
  std::string amount;
  std::string day;
};

Facts FactsOf(const std::vector<Promise>& promises, const std::vector<PaidOut>& payments,
              const std::string& demanded) {
  Obligations obligations;
  for (const Promise& promise : promises) {
    Obligation* obligation = obligations.Add();
    obligation->set_area(Obligation::EXPORT);
    obligation->set_baseline(promise.baseline);
    obligation->set_target(promise.target);
    obligation->set_weight_bp(promise.weight_bp);
  }
  Facts facts;
  SetObligations(obligations, "agreements/1", "a1", &facts);
  for (size_t i = 0; i < promises.size(); ++i) {
    SetOutcome(static_cast<int>(i + 1), promises[i].fact, "reports/1", "b1", &facts);
  }
  for (size_t i = 0; i < payments.size(); ++i) {
    SetPayment(static_cast<int>(i + 1), *Money::Parse(payments[i].amount), OnDay(payments[i].day),
               absl::StrCat("payments/", i + 1), "c1", &facts);
  }
  EXPECT_EQ(SetReturnNorms(Rates(), OnDay(demanded), &facts), absl::OkStatus());
  return facts;
}

Judged Judge(const std::vector<Promise>& promises, const std::vector<PaidOut>& payments,
             const std::string& demanded) {
  auto judged = JudgeReturn(FactsOf(promises, payments, demanded));
  EXPECT_TRUE(judged.ok()) << judged.status();
  return judged.ok() ? *std::move(judged) : Judged();
}

std::string Text(const google::type::Money& money) {
  return Money::FromProto(money)->ToString();
}

// ---- A

struct LevelCase {
  std::string name;
  std::vector<Promise> promises;
  std::string level;
  std::string percent;
  std::string outcome = "RETURN";
};

TEST(Achievement, IsExact) {
  const std::vector<LevelCase> cases = {
      {"reached", {{"", "100", 0, "100"}}, "1", "100.00", "FULFILLED"},
      {"more than reached counts once", {{"", "100", 0, "250.5"}}, "1", "100.00", "FULFILLED"},
      {"nothing", {{"", "100", 0, "0"}}, "0", "0.00"},
      {"not reported", {{"", "100", 0, ""}}, "0", "0.00"},
      {"a part of the target", {{"", "300", 0, "100"}}, "1/3", "33.33"},
      {"of the way from the baseline", {{"100", "300", 0, "150"}}, "1/4", "25.00"},
      {"behind the baseline", {{"100", "300", 0, "50"}}, "0", "0.00"},
      {"a baseline of zero", {{"0", "300", 0, "150"}}, "1/2", "50.00"},
      {"a baseline that is the target", {{"300", "300", 0, "150"}}, "1/2", "50.00"},
      {"something to be lessened", {{"300", "100", 0, "150"}}, "3/4", "75.00"},
      {"something to be ended", {{"300", "0", 0, "150"}}, "1/2", "50.00"},
      {"something that has ended", {{"300", "0", 0, "0"}}, "1", "100.00", "FULFILLED"},
      {"something to be ended that grew", {{"300", "0", 0, "301"}}, "0", "0.00"},
      {"to the thousandth", {{"", "0.003", 0, "0.002"}}, "2/3", "66.66"},
      {"alike", {{"", "100", 0, "100"}, {"", "100", 0, "0"}, {"", "100", 0, "50"}}, "1/2", "50.00"},
      {"by weight", {{"", "100", 7'500, "100"}, {"", "100", 2'500, "0"}}, "3/4", "75.00"},
      {"next to all",
       {{"", "1000000", 0, "999999.999"}},
       "999999999/1000000000",
       "99.99",
       "NOTHING_TO_RETURN"},
  };
  for (const LevelCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Judged judged = Judge(c.promises, {{"1000", "2024-03-01"}}, "2024-06-01");
    EXPECT_EQ(judged.achievement.level(), c.level);
    EXPECT_EQ(judged.achievement.percent(), c.percent);
    EXPECT_EQ(judged.decision.outcome(), c.outcome);
    EXPECT_EQ(judged.decision.findings_size(), static_cast<int>(c.promises.size()) + 2);
  }
}

// ---- The return, by hand

TEST(Return, ADayAtOneRate) {
  // 1,000,000 x 14.50 % / 365 = 397.26..: 1,000,397.
  const Judged judged = Judge({{"", "1", 0, "0"}}, {{"1000000", "2024-03-01"}}, "2024-03-02");
  ASSERT_EQ(judged.demand.lines_size(), 1);
  ASSERT_EQ(judged.demand.lines(0).interest_size(), 1);
  EXPECT_EQ(judged.demand.lines(0).interest(0).days(), 1);
  EXPECT_EQ(Text(judged.demand.interest()), "397.26");
  EXPECT_EQ(Text(judged.demand.principal()), "1000000.00");
  EXPECT_EQ(Text(judged.demand.total()), "1000397.00");
  EXPECT_EQ(Date::FromProto(judged.demand.due_date())->ToString(), "2024-04-01");
}

TEST(Return, OnTheDayOfPaymentBearsNoInterest) {
  const Judged judged = Judge({{"", "1", 0, "0"}}, {{"1000000", "2024-03-01"}}, "2024-03-01");
  EXPECT_EQ(judged.demand.lines(0).interest_size(), 0);
  EXPECT_EQ(Text(judged.demand.total()), "1000000.00");
}

TEST(Return, EachDayAtTheRateInForceOnIt) {
  // Paid on 10 January: 11 days to the 21st at 16, then 22 January to 14 July, in a leap year 175
  // days, at 14.5, then 15 to 31 July, 17 days, at 14.25.
  const Judged judged = Judge({{"", "4", 0, "1"}}, {{"10000000", "2024-01-10"}}, "2024-07-31");
  const Return::Line& line = judged.demand.lines(0);
  EXPECT_EQ(line.payment(), "payments/1");
  EXPECT_EQ(Text(line.principal()), "7500000.00");
  ASSERT_EQ(line.interest_size(), 3);
  EXPECT_EQ(line.interest(0).days(), 11);
  EXPECT_EQ(line.interest(1).days(), 175);
  EXPECT_EQ(line.interest(2).days(), 17);
  EXPECT_EQ(line.interest(0).rate(), "16.00");
  EXPECT_EQ(Text(line.interest(0).amount()), "36164.38");   // 7.5m x .16 x 11 / 365
  EXPECT_EQ(Text(line.interest(1).amount()), "521404.11");  // 7.5m x .145 x 175 / 365
  EXPECT_EQ(Text(line.interest(2).amount()), "49777.40");   // 7.5m x .1425 x 17 / 365
  EXPECT_EQ(Text(judged.demand.interest()), "607345.89");
  EXPECT_EQ(Text(judged.demand.total()), "8107346.00");
}

TEST(Return, OfSeveralPaymentsIsRoundedOnce) {
  // A third of 100 tenge three times: 66.66.. each, 200 together and not 201.
  const std::vector<PaidOut> thrice(3, {"100", "2024-03-01"});
  const Judged judged = Judge({{"", "3", 0, "1"}}, thrice, "2024-03-01");
  EXPECT_EQ(Text(judged.demand.lines(0).principal()), "66.67");
  EXPECT_EQ(Text(judged.demand.total()), "200.00");
}

TEST(Return, HalfATengeIsRoundedUp) {
  EXPECT_EQ(Text(Judge({{"", "2", 0, "1"}}, {{"1", "2024-03-01"}}, "2024-03-01").demand.total()),
            "1.00");
  EXPECT_EQ(Text(Judge({{"", "2", 0, "1"}}, {{"0.98", "2024-03-01"}}, "2024-03-01").demand.total()),
            "0.00");
}

// What nobody could pay is not demanded, and is not fulfilled for that.
TEST(Return, OfLessThanHalfATengeOwesNothing) {
  const auto outcome = [](const std::string& fact, const std::vector<PaidOut>& paid) {
    return Judge({{"", "10000", 0, fact}}, paid, "2024-03-01").decision.outcome();
  };
  EXPECT_EQ(outcome("9995", {{"999.99", "2024-03-01"}}), "NOTHING_TO_RETURN");  // 0.499995
  EXPECT_EQ(outcome("9995", {{"1000", "2024-03-01"}}), "RETURN");               // 0.50
  EXPECT_EQ(outcome("9995", {{"999.99", "2024-02-29"}}), "RETURN");             // and interest
  EXPECT_EQ(outcome("10000", {{"999.99", "2024-03-01"}}), "FULFILLED");
  EXPECT_EQ(outcome("0", {}), "NOTHING_TO_RETURN");  // an agreement without money
}

TEST(Return, NothingFromTheToleranceOn) {
  const std::vector<PaidOut> paid = {{"1000000", "2024-03-01"}};
  EXPECT_EQ(Text(Judge({{"", "100", 0, "90"}}, paid, "2025-01-01").demand.total()), "0.00");
  EXPECT_NE(Text(Judge({{"", "100", 0, "89.999"}}, paid, "2025-01-01").demand.total()), "0.00");
  EXPECT_NE(Text(Judge({{"", "100", 0, "90"}}, paid, "2024-12-31").demand.total()), "0.00");
}

// ---- What must hold of any

TEST(Return, IsMonotoneAndAdditive) {
  const std::vector<PaidOut> all = {
      {"123456789.01", "2023-02-28"}, {"98765432.10", "2024-02-29"}, {"55555.55", "2024-07-14"}};
  int64_t before = 0;
  for (int reached = 0; reached <= 97; ++reached) {
    const std::vector<Promise> promises = {{"", "97", 0, absl::StrCat(reached)},
                                           {"", "89", 0, absl::StrCat(reached * 89 / 97)}};
    const int64_t whole = Judge(promises, all, "2024-11-30").demand.total().units();
    int64_t apart = 0;
    for (const PaidOut& one : all)
      apart += Judge(promises, {one}, "2024-11-30").demand.total().units();
    EXPECT_LE(std::abs(whole - apart), 2);  // three roundings against one
    if (reached > 0) {
      EXPECT_LE(whole, before);
    }
    before = whole;
  }
  EXPECT_EQ(before, 0);
}

// The rates above, said again.
int64_t HundredthsOn(Date day) {
  return day < OnDay("2024-01-22") ? 1600 : day < OnDay("2024-07-15") ? 1450 : 1425;
}

// Counted day by day as the page says it, in integers: payments in any order, over leap days and
// changes of the rate, at any level.
TEST(Return, OfAnyPaymentsIsWhatCountingEachDayGives) {
  constexpr int64_t kParts = 97;
  constexpr int64_t kYear = 10'000 * 365;  // hundredths of a percent a day
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&random](uint64_t most) { return static_cast<int64_t>(random() % most); };
    const Date demanded = OnDay("2024-01-01").AddDays(static_cast<int>(pick(500)));
    std::vector<PaidOut> payments;
    for (int64_t n = 1 + pick(5); n > 0; --n) {
      const int span = demanded - OnDay("2023-01-01");
      const Date day = demanded.AddDays(-static_cast<int>(pick(static_cast<uint64_t>(span) + 1)));
      payments.push_back({Money::FromTiyn(1 + pick(10'000'000'000))->ToString(), day.ToString()});
    }
    int64_t before = 0;
    for (const int64_t reached : {int64_t{0}, pick(kParts), kParts - 1, kParts}) {
      absl::int128 owed = 0;  // tiyn x kParts x kYear
      for (const PaidOut& payment : payments) {
        int64_t rates = kYear;
        for (Date day = OnDay(payment.day).AddDays(1); day <= demanded; day = day.AddDays(1)) {
          rates += HundredthsOn(day);
        }
        owed += absl::int128(Money::Parse(payment.amount)->tiyn()) * (kParts - reached) * rates;
      }
      const absl::int128 tenge = absl::int128(100) * kParts * kYear;
      const int64_t expected = static_cast<int64_t>((2 * owed + tenge) / (2 * tenge));
      const int64_t total = Judge({{"", absl::StrCat(kParts), 0, absl::StrCat(reached)}}, payments,
                                  demanded.ToString())
                                .demand.total()
                                .units();
      const bool enough =  // the tolerance of 2025
          demanded >= OnDay("2025-01-01") && reached * 100 >= kParts * 90;
      EXPECT_EQ(total, enough ? 0 : expected) << seed << ": " << reached;
      if (reached > 0 && before > 0) {
        EXPECT_LE(total, before) << seed;
      }
      before = std::max(total, int64_t{1});
    }
    EXPECT_EQ(before, 1) << "nothing at the whole";
  }
}

TEST(Return, OfNothingReachedIsPrincipalAndInterest) {
  const Judged judged =
      Judge({{"", "5", 0, "0"}}, {{"300", "2023-06-01"}, {"700", "2024-06-01"}}, "2024-09-01");
  EXPECT_EQ(Text(judged.demand.principal()), "1000.00");
  const Money sum = *Money::FromProto(judged.demand.principal())
                         ->Add(*Money::FromProto(judged.demand.interest()));
  EXPECT_LE(std::abs(judged.demand.total().units() * 100 - sum.tiyn()), 50);
}

TEST(Return, TheLargestSumsAreExactOrRefused) {
  const Judged judged =
      Judge({{"", "2", 0, "1"}}, {{"1000000000000000", "2024-03-01"}}, "2024-03-01");
  EXPECT_EQ(Text(judged.demand.total()), "500000000000000.00");
  EXPECT_FALSE(
      JudgeReturn(FactsOf({{"", "2", 0, "0"}}, {{"1000000000000000", "2023-03-01"}}, "2024-03-01"))
          .ok());
}

// ---- Replay

TEST(Return, IsTheSameFromTheStoredFactsAlone) {
  const Judged judged = Judge({{"10", "30", 6'000, "15"}, {"", "7", 4'000, "2"}},
                              {{"300", "2023-06-01"}, {"700", "2024-06-01"}}, "2024-09-01");
  const auto again = JudgeReturn(Facts::Of(judged.decision));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->decision.SerializeAsString(), judged.decision.SerializeAsString());
  EXPECT_EQ(again->demand.SerializeAsString(), judged.demand.SerializeAsString());
  EXPECT_EQ(again->achievement.SerializeAsString(), judged.achievement.SerializeAsString());
}

absl::StatusOr<decision::v1::Decision> Replayed(const decision::v1::Decision& stored) {
  return Replay(stored, [](const Facts& facts) -> absl::StatusOr<decision::v1::Decision> {
    ASSIGN_OR_RETURN(Judged judged, JudgeReturn(facts));
    return std::move(judged.decision);
  });
}

decision::v1::Decision WithoutFact(decision::v1::Decision decision, const std::string& name) {
  for (auto& finding : *decision.mutable_findings()) {
    auto* facts = finding.mutable_facts();
    for (int i = facts->size() - 1; i >= 0; --i) {
      if (facts->Get(i).name() == name) facts->DeleteSubrange(i, 1);
    }
  }
  return decision;
}

TEST(Return, SaysWhichFactAStoredDecisionLacks) {
  const std::vector<PaidOut> paid = {{"300", "2023-06-01"}, {"700", "2024-06-01"}};
  const std::vector<std::vector<Promise>> cases = {
      {{"10", "30", 6'000, "15"}, {"", "7", 4'000, "2"}},  // to be returned in part
      {{"10", "30", 0, ""}},                               // not reported
      {{"10", "30", 0, "30"}},                             // fulfilled
  };
  for (const std::vector<Promise>& promises : cases) {
    const decision::v1::Decision stored = Judge(promises, paid, "2024-09-01").decision;
    ASSERT_EQ(Replayed(stored)->SerializeAsString(), stored.SerializeAsString());
    int taken_away = 0;
    for (const auto& finding : stored.findings()) {
      for (const auto& fact : finding.facts()) {
        const absl::Status missing = Replayed(WithoutFact(stored, fact.name())).status();
        ASSERT_EQ(base::ReasonOf(missing), "FACT_MISSING") << fact.name();
        EXPECT_EQ(base::InfoOf(missing).metadata().at("fact"), fact.name());
        ++taken_away;
      }
    }
    EXPECT_GT(taken_away, 20);
  }
}

TEST(Return, IsHeldAgainstTheMoneyThatWasStored) {
  const decision::v1::Decision stored =
      Judge({{"", "4", 0, "3"}}, {{"1000000", "2024-03-01"}}, "2024-03-02").decision;
  std::map<std::string, std::string> computed;
  for (const auto& finding : stored.findings()) {
    for (const auto& fact : finding.facts()) {
      if (fact.source() == "computed") computed[fact.name()] = fact.value();
    }
  }
  EXPECT_EQ(computed["achievement.level"], "3/4");
  EXPECT_EQ(computed["return.principal"], "250000.00");
  EXPECT_EQ(computed["return.interest"], "99.32");
  EXPECT_EQ(computed["return.total"], "250099.00");
  for (const auto& [name, value] : computed) {
    if (name == "return_due_date") continue;  // one that the rule was told
    decision::v1::Decision forged = stored;
    for (auto& finding : *forged.mutable_findings()) {
      for (auto& fact : *finding.mutable_facts()) {
        if (fact.name() == name) fact.set_value(value + "1");
      }
    }
    EXPECT_NE(Replayed(forged)->SerializeAsString(), forged.SerializeAsString()) << name;
  }
  EXPECT_EQ(RateOfDemand(stored)->ToString(), "14.50");
  EXPECT_EQ(base::ReasonOf(RateOfDemand(WithoutFact(stored, "base_rates")).status()),
            "FACT_MISSING");
}

TEST(Return, NeedsARateForEachDay) {
  Facts facts;
  SetPayment(1, *Money::Parse("1"), OnDay("2022-12-31"), "payments/1", "c1", &facts);
  EXPECT_FALSE(SetReturnNorms(Rates(), OnDay("2024-01-01"), &facts).ok());
}

// Of a rate inside the period as well, whatever that of the day of demand is.
TEST(Return, RestsOnAnAssumptionWhereAnyOfItsRatesIsOne) {
  std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
  for (norms::NormFile& file : files) {
    if (file.name != "base_rate.csv" && file.name != "obligations.csv") continue;
    file.text = file.name == "base_rate.csv"
                    ? "key,value,unit,in_force_from,in_force_to,source,certainty\n"
                      "base_rate,16.00,PERCENT,2023-01-01,2024-01-21,test,ASSUMPTION\n"
                      "base_rate,14.50,PERCENT,2024-01-22,,test,BY_LAW\n"
                    : "key,value,unit,in_force_from,in_force_to,source,certainty\n"
                      "obligations.tolerance,100,PERCENT,2022-01-01,,test,BY_LAW\n"
                      "obligations.return_days,30,DAYS,2022-01-01,,test,BY_LAW\n";
  }
  const auto norms = norms::Norms::LoadText(files);
  ASSERT_TRUE(norms.ok()) << norms.status();
  for (const char* paid : {"2023-06-01", "2024-02-01"}) {
    Facts facts;
    SetPayment(1, *Money::Parse("1"), OnDay(paid), "payments/1", "c1", &facts);
    ASSERT_EQ(SetReturnNorms(*norms, OnDay("2024-03-01"), &facts), absl::OkStatus());
    EXPECT_EQ(facts.rests_on_assumption(), OnDay(paid) < OnDay("2024-01-22")) << paid;
    EXPECT_EQ(*facts.Text("base_rate"), "14.50") << "that of the day of demand";
  }
}

// A demand goes by the tolerance of its assessment, and is as sure as that one.
TEST(Return, IsAsSureAsTheToleranceThatItGoesBy) {
  for (const auto& [first, second] :
       {std::pair("ASSUMPTION", "BY_LAW"), std::pair("BY_LAW", "ASSUMPTION")}) {
    SCOPED_TRACE(first);
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    const std::string header = "key,value,unit,in_force_from,in_force_to,source,certainty\n";
    for (norms::NormFile& file : files) {
      if (file.name == "base_rate.csv") {
        file.text = header + "base_rate,16.00,PERCENT,2023-01-01,,test,BY_LAW\n";
      } else if (file.name == "obligations.csv") {
        file.text =
            absl::StrCat(header, "obligations.tolerance,100,PERCENT,2022-01-01,2024-06-30,first,",
                         first, "\n", "obligations.tolerance,90,PERCENT,2024-07-01,,second,",
                         second, "\n", "obligations.return_days,30,DAYS,2022-01-01,,test,BY_LAW\n");
      }
    }
    const auto norms = norms::Norms::LoadText(files);
    ASSERT_TRUE(norms.ok()) << norms.status();
    const auto judged = [&](const char* day, const decision::v1::Decision* assessed) {
      Facts facts;
      if (assessed != nullptr) {
        EXPECT_EQ(facts.Take(Facts::Of(*assessed), "obligations.tolerance"), absl::OkStatus());
      }
      Obligations obligations;
      obligations.Add()->set_target("100");
      SetObligations(obligations, "agreements/1", "a1", &facts);
      SetOutcome(1, "95", "reports/1", "b1", &facts);
      SetPayment(1, *Money::Parse("1000"), OnDay("2024-03-01"), "payments/1", "c1", &facts);
      EXPECT_EQ(SetReturnNorms(*norms, OnDay(day), &facts), absl::OkStatus());
      return JudgeReturn(facts)->decision;
    };
    const decision::v1::Decision assessed = judged("2024-06-03", nullptr);
    EXPECT_EQ(assessed.outcome(), "RETURN");
    EXPECT_EQ(assessed.rests_on_assumption(), first == std::string("ASSUMPTION"));
    const decision::v1::Decision demanded = judged("2024-07-03", &assessed);
    EXPECT_EQ(demanded.outcome(), "RETURN");
    EXPECT_EQ(demanded.rests_on_assumption(), first == std::string("ASSUMPTION"));
    EXPECT_EQ(judged("2024-07-03", nullptr).outcome(), "FULFILLED");
  }
  Facts none;
  EXPECT_EQ(base::ReasonOf(none.Take(Facts(), "obligations.tolerance")), "FACT_MISSING");
}

// ---- Late

TEST(LateInterest, CountsBothEndsAndRoundsToTheTiyn) {
  const base::Percent rate = *base::Percent::Parse("14.25");
  const auto late = [&](const char* from, const char* to) {
    return LateInterest(*Money::Parse("8107346"), rate, OnDay(from), OnDay(to))->ToString();
  };
  EXPECT_EQ(late("2024-09-01", "2024-09-01"), "3165.20");   // 3165.1967..
  EXPECT_EQ(late("2024-09-01", "2024-09-30"), "94955.90");  // 94955.9017..
  EXPECT_EQ(late("2024-09-02", "2024-09-01"), "0.00");
}

// ---- What an agreement may hold

TEST(Obligations, AreCheckedBeforeTheyAreAgreed) {
  const auto check = [](const std::vector<Promise>& promises,
                        Obligation::Area area = Obligation::EXPORT) {
    Obligations obligations;
    for (const Promise& promise : promises) {
      Obligation* obligation = obligations.Add();
      obligation->set_area(area);
      obligation->set_baseline(promise.baseline);
      obligation->set_target(promise.target);
      obligation->set_weight_bp(promise.weight_bp);
    }
    return CheckObligations(obligations, "application.obligations");
  };
  EXPECT_EQ(check({{"", "1", 0, ""}, {"", "2", 0, ""}}), absl::OkStatus());
  EXPECT_EQ(check({{"", "1", 9'999, ""}, {"", "2", 1, ""}}), absl::OkStatus());
  EXPECT_EQ(base::LegalBasisOf(check({})).article(), "Art. 27(3)");
  EXPECT_FALSE(check({{"", "0.000", 0, ""}}).ok());
  EXPECT_FALSE(check({{"", "1", 10'000, ""}, {"", "2", 0, ""}}).ok());
  EXPECT_FALSE(check({{"", "1", 5'000, ""}, {"", "2", 4'999, ""}}).ok());
  // Doing nothing would fulfil it.
  const absl::Status below = check({{"", "1", 0, ""}, {"1000", "999.999", 0, ""}});
  EXPECT_EQ(base::ReasonOf(below), "INVALID_FIELD");
  EXPECT_EQ(below, check({{"", "1", 0, ""}, {"2", "1", 0, ""}}, Obligation::LABOUR_PRODUCTIVITY));
  EXPECT_EQ(check({{"1000", "1000", 0, ""}}), absl::OkStatus());
  EXPECT_EQ(check({{"1000", "999", 0, ""}}, Obligation::DOMESTIC_MARKET), absl::OkStatus());
}

}  // namespace
}  // namespace nisi::cases
