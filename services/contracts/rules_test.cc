#include "services/contracts/rules.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "common/cases/machine_testing.h"
#include "common/norms/norms_testing.h"
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using base::ReasonOf;

const norms::Norms& TestNorms() {
  static const auto* const kNorms = new norms::Norms(*norms::Norms::Default());
  return *kNorms;
}

std::vector<std::string> Unsatisfied(const Decision& decision) {
  std::vector<std::string> rules;
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) rules.push_back(finding.rule());
  }
  return rules;
}

TEST(MachinesTest, TablesAreSound) {
  for (const base::MachineDef* machine : Machines()) cases::ExpectSound(*machine);
}

// No state of a cycle is one that nobody can leave.
TEST(MachinesTest, NoCycleIsStuck) {
  for (int state = Cycle::NEEDS; state <= Cycle::WITHDRAWN; ++state) {
    const auto edges = CycleMachine().From(state);
    EXPECT_TRUE(std::any_of(edges.begin(), edges.end(), [state](const base::EdgeDef* edge) {
      return edge->to != state && edge->roles != base::kByItself;
    })) << Cycle::State_Name(state);
  }
}

TEST(CustomerTest, EachConditionBothWays) {
  using C = Customer;
  struct Case {
    C::Category category;
    bool common_only;
    int32_t national;
    bool fund;
    int32_t of_fund;
    bool trust;
    std::vector<std::string> unsatisfied;
  };
  const Case kCases[] = {
      {C::SUBSOIL_USER, false, 0, false, 0, false, {}},
      {C::SUBSOIL_USER, true, 0, false, 0, false, {"OF_A_CATEGORY"}},
      {C::NATIONAL_MANAGING_HOLDING, false, 0, false, 0, false, {}},
      {C::NATIONAL_HOLDING, false, 0, false, 0, false, {}},
      {C::NATIONAL_COMPANY, false, 0, false, 4'999, false, {}},
      {C::NATIONAL_COMPANY, false, 0, false, 5'000, false, {"NOT_OF_THE_WELFARE_FUND"}},
      {C::NATIONAL_MANAGING_HOLDING, false, 0, true, 0, false, {"NOT_OF_THE_WELFARE_FUND"}},
      {C::OWNED_ORGANIZATION, false, 5'000, false, 0, false, {}},
      {C::OWNED_ORGANIZATION, false, 4'999, false, 0, false, {"OF_A_CATEGORY"}},
      {C::OWNED_ORGANIZATION, false, 5'000, false, 0, true, {"NOT_IN_TRUST_WITH_REDEMPTION"}},
      // Handed over in trust, and nobody says whose half it is.
      {C::SOCIAL_ENTREPRENEURIAL_CORPORATION,
       false,
       0,
       false,
       0,
       true,
       {"NOT_IN_TRUST_WITH_REDEMPTION"}},
      {C::SOCIAL_ENTREPRENEURIAL_CORPORATION, false, 4'999, false, 0, true, {}},
      {C::SOCIAL_ENTREPRENEURIAL_CORPORATION,
       false,
       6'000,
       false,
       0,
       true,
       {"NOT_IN_TRUST_WITH_REDEMPTION"}},
      {C::CATEGORY_UNSPECIFIED, false, 0, false, 0, false, {"OF_A_CATEGORY"}},
  };
  for (const Case& one : kCases) {
    Customer customer;
    customer.set_category(one.category);
    customer.set_common_minerals_only(one.common_only);
    customer.set_national_share_bp(one.national);
    customer.set_welfare_fund(one.fund);
    customer.set_welfare_fund_share_bp(one.of_fund);
    customer.set_trust_with_redemption(one.trust);
    const auto decision =
        JudgeCustomer(customer, TestNorms(), Day("2026-03-01"), {"customers/1", "v1"});
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(Unsatisfied(*decision), one.unsatisfied) << C::Category_Name(one.category);
    EXPECT_EQ(decision->outcome(), one.unsatisfied.empty() ? "ELIGIBLE" : "NOT_ELIGIBLE");
    const auto replayed = ReplayCustomer(*decision);
    ASSERT_TRUE(replayed.ok());
    EXPECT_EQ(replayed->SerializeAsString(), decision->SerializeAsString());
    for (const auto& finding : decision->findings()) {
      EXPECT_EQ(finding.legal_basis().article(), "Art. 46(2)");
    }
  }
}

TEST(ApprovalTest, EachConditionBothWays) {
  using Rules = std::vector<std::string>;
  const base::Date due = Day("2026-07-31");
  const auto judge = [&](int32_t agreed, const char* ordered, const char* day) {
    const auto decision = JudgeApproval(
        {3, agreed, 1, Day(ordered), Day(day), due, {"cycles/2026", "v"}}, TestNorms());
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(ReplayApproval(*decision)->SerializeAsString(), decision->SerializeAsString());
    return *decision;
  };
  EXPECT_EQ(Unsatisfied(judge(3, "2026-07-31", "2026-07-31")), Rules{});
  EXPECT_EQ(Unsatisfied(judge(2, "2026-07-31", "2026-07-31")), Rules{"GOODS_AGREED"});
  EXPECT_EQ(Unsatisfied(judge(3, "2026-08-01", "2026-07-31")), Rules{"ORDERED"});
  // Late is shown, and blocks nothing.
  const Decision late = judge(3, "2026-07-31", "2026-08-01");
  EXPECT_EQ(Unsatisfied(late), Rules{"IN_TIME"});
  EXPECT_EQ(late.outcome(), "APPROVED");
}

TEST(CalendarTest, StatutoryDaysAreThoseOfTheLaw) {
  std::vector<std::string> days;
  for (const StatutoryDay& day : StatutoryDays()) {
    days.push_back(StatutoryDayOf(day, 2027, TestNorms())->ToString());
  }
  EXPECT_EQ(days,
            (std::vector<std::string>{"2027-05-20", "2027-05-30", "2027-07-01", "2027-07-31"}));
}

Need NeedOf(const std::string& code, const std::string& unit, const std::string& quantity,
            int64_t price, int n, int32_t first_year, int32_t years) {
  Need need;
  need.set_customer(Bin(n));
  need.set_ens_tru(code);
  need.set_unit(unit);
  need.set_quantity(quantity);
  *need.mutable_price() = Tenge(price);
  need.set_first_year(first_year);
  need.set_years(years);
  need.set_kato("751110000");
  return need;
}

TEST(ListTest, NeedsOfOneCodeAndUnitAreOneGood) {
  const auto lines = FormLines(
      {NeedOf("a", "pcs", "10.5", 100, 2, 2028, 2), NeedOf("a", "pcs", "1", 50, 1, 2027, 2),
       NeedOf("a", "t", "1", 1, 1, 2027, 1), NeedOf("b", "pcs", "1", 1, 1, 2027, 1)});
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 3U);
  const ListItem& first = lines->front().item;
  EXPECT_EQ(first.quantity(), "11.500");
  EXPECT_EQ(first.value().units(), 1'100);
  EXPECT_EQ(first.first_year(), 2027);
  EXPECT_EQ(first.years(), 3);
  EXPECT_EQ(first.need_count(), 2);
  ASSERT_EQ(first.customers_size(), 2);
  EXPECT_EQ(first.customers(0), Bin(1));
  const auto too_large =
      FormLines({NeedOf("a", "pcs", "999999999999", 900'000'000'000'000, 1, 2027, 1)});
  EXPECT_EQ(ReasonOf(too_large.status()), "NEEDS_TOO_LARGE");
}

YearList YearsOf(const std::vector<std::tuple<int32_t, std::string, int64_t>>& terms) {
  YearList years;
  for (const auto& [year, volume, price] : terms) {
    v1::YearTerms& one = *years.Add();
    one.set_year(year);
    one.set_volume(volume);
    *one.mutable_price() = Tenge(price);
  }
  return years;
}

TEST(TermsTest, YearsFollowEachOtherOnceWithOnePrice) {
  EXPECT_TRUE(TermsOf(YearsOf({{2026, "1", 1}, {2027, "1", 1}}), "y").ok());
  EXPECT_EQ(ReasonOf(TermsOf(YearsOf({{2026, "1", 1}, {2028, "1", 1}}), "y").status()),
            "YEARS_INVALID");
  EXPECT_EQ(ReasonOf(TermsOf(YearsOf({{2026, "1", 1}, {2026, "1", 2}}), "y").status()),
            "YEARS_INVALID");
  EXPECT_EQ(ReasonOf(TermsOf(YearsOf({{2026, "0", 1}}), "y").status()), "QUANTITY_ZERO");
  EXPECT_EQ(ReasonOf(TermsOf(YearsOf({{2026, "1", 0}}), "y").status()), "PRICE_ZERO");
  const absl::Status much = TermsOf(YearsOf({{2026, "999999999999", 1'000'000}}), "y").status();
  EXPECT_EQ(ReasonOf(much), "SUM_TOO_LARGE");
  EXPECT_EQ(base::BadRequestOf(much).field_violations(0).field(), "y[0]");
  EXPECT_EQ(
      ReasonOf(TermsOf(YearsOf({{2026, "1000000000", 900'000}, {2027, "1000000000", 900'000}}), "y")
                   .status()),
      "SUM_TOO_LARGE");
}

TEST(TermsTest, WhatLowersAndWhatRaises) {
  const YearList before = YearsOf({{2026, "100", 10}, {2027, "100", 10}});
  EXPECT_FALSE(Lowers(before, before));
  EXPECT_FALSE(Raises(before, before));
  EXPECT_TRUE(Lowers(before, YearsOf({{2026, "99.999", 10}, {2027, "100", 10}})));
  EXPECT_TRUE(Lowers(before, YearsOf({{2026, "100", 10}, {2027, "100", 9}})));
  EXPECT_TRUE(Lowers(before, YearsOf({{2026, "100", 10}})));
  const YearList more = Amended(before, YearsOf({{2027, "101", 10}, {2028, "1", 1}}));
  EXPECT_EQ(more.size(), 3);
  EXPECT_FALSE(Lowers(before, more));
  EXPECT_TRUE(Raises(before, more));
  // More of one and less of another is both.
  const YearList mixed = Amended(before, YearsOf({{2026, "200", 5}}));
  EXPECT_TRUE(Lowers(before, mixed));
  EXPECT_TRUE(Raises(before, mixed));
}

class ConformityTest : public ::testing::Test {
 protected:
  ConformityTest() {
    contract_.set_name("contracts/1");
    contract_.set_item("cycles/2026/items/1");
    contract_.set_customer(Bin(1));
    contract_.set_type(v1::OFF_TAKE);
    *contract_.mutable_years() = YearsOf({{2026, "100", 1'000}, {2027, "100", 1'000}});
    contract_.mutable_good()->set_properties("F");
    contract_.set_minimum_in_country_value_bp(3'000);
    contract_.set_programme_duty(true);
    item_.set_state(ListItem::APPROVED);
    item_.set_contract_type(v1::OFF_TAKE);
    item_.mutable_production()->set_outcome("NOT_MADE");
    item_.set_minimum_in_country_value_bp(3'000);
    customer_.set_eligible(true);
  }
  Decision Judge(base::Date day = Day("2026-12-31")) {
    const auto decision = JudgeConformity(
        {&contract_, listed_ ? &item_ : nullptr, registered_ ? &customer_ : nullptr, day},
        TestNorms());
    EXPECT_TRUE(decision.ok()) << decision.status();
    if (!decision.ok()) return {};
    const auto replayed = ReplayConformity(*decision);
    EXPECT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_EQ(replayed->SerializeAsString(), decision->SerializeAsString());
    return *decision;
  }
  void ToProcurement(int64_t price) {
    contract_.set_type(v1::CONTRACT_PROCUREMENT);
    item_.set_contract_type(v1::CONTRACT_PROCUREMENT);
    *contract_.mutable_years() = YearsOf({{2026, "1000", price}, {2027, "1000", price}});
  }
  void SetOffsets(int64_t tenge) {
    contract_.clear_offsets();
    *contract_.add_offsets()->mutable_value() = Tenge(tenge);
  }

  Contract contract_;
  ListItem item_;
  Customer customer_;
  bool listed_ = true, registered_ = true;
};

TEST_F(ConformityTest, OffTakeBothWays) {
  using Rules = std::vector<std::string>;
  EXPECT_EQ(Judge().outcome(), "CONFORMS");
  EXPECT_FALSE(Judge().rests_on_assumption());
  // Signed in January of the next year: year 1 would lie before the contract.
  EXPECT_EQ(Unsatisfied(Judge(Day("2027-01-01"))), Rules{"YEARS_AHEAD"});
  item_.set_state(ListItem::AGREED);
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"ITEM_APPROVED"});
  item_.set_state(ListItem::APPROVED);
  customer_.set_eligible(false);
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"CUSTOMER_ELIGIBLE"});
  registered_ = false;
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"CUSTOMER_ELIGIBLE"});
  registered_ = true;
  customer_.set_eligible(true);
  item_.mutable_production()->set_outcome("MADE");
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"NOT_MADE_BEFORE"});
  item_.mutable_production()->set_outcome("NOT_MADE");
  contract_.mutable_good()->clear_properties();
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"GOOD_IDENTIFIED"});
  contract_.mutable_good()->set_configuration("С шкафом");
  EXPECT_EQ(Judge().outcome(), "CONFORMS");
  contract_.set_minimum_in_country_value_bp(2'999);
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"IN_COUNTRY_VALUE"});
  contract_.set_minimum_in_country_value_bp(3'000);
  contract_.set_programme_duty(false);
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"IN_COUNTRY_VALUE"});
  contract_.set_programme_duty(true);
  item_.set_contract_type(v1::CONTRACT_PROCUREMENT);
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"TYPE_AS_LISTED"});
  listed_ = false;
  EXPECT_EQ(Judge().outcome(), "DOES_NOT_CONFORM");
}

// 500,000 indices of 4,325 tenge are 2,162,500,000 a year, and more is needed.
TEST_F(ConformityTest, ProcurementBothWays) {
  using Rules = std::vector<std::string>;
  ToProcurement(2'162'501);
  SetOffsets(216'250'100);
  const Decision decision = Judge();
  EXPECT_EQ(decision.outcome(), "CONFORMS");
  EXPECT_TRUE(decision.rests_on_assumption()) << "no index of 2027 is set";
  bool told = false;
  for (const auto& finding : decision.findings()) {
    for (const auto& fact : finding.facts()) {
      told = told || (fact.name() == "mci.2027" && absl::StrContains(fact.source(), "of 2026"));
    }
  }
  EXPECT_TRUE(told);
  SetOffsets(216'250'099);
  EXPECT_EQ(Unsatisfied(Judge()), Rules{"OFFSETS_SUFFICE"});
  ToProcurement(2'162'500);
  SetOffsets(300'000'000);
  EXPECT_EQ(Unsatisfied(Judge()),
            (Rules{"PURCHASES_OVER_THRESHOLD_2026", "PURCHASES_OVER_THRESHOLD_2027"}));
}

// An amendment makes nothing of a year that is over, whatever index was set for it since.
TEST_F(ConformityTest, AnAmendedContractIsJudgedByItsYearsToCome) {
  using Rules = std::vector<std::string>;
  ToProcurement(2'162'501);
  SetOffsets(300'000'000);
  const auto judged = [this](const char* day) {
    const auto decision = JudgeProcurement(contract_, TestNorms(), Day(day));
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_TRUE(ReplayProcurement(*decision).ok());
    return Unsatisfied(*decision);
  };
  EXPECT_EQ(judged("2026-12-31"), Rules{});
  *contract_.mutable_years(0)->mutable_price() = Tenge(1'000);
  EXPECT_EQ(judged("2026-12-31"), Rules{"PURCHASES_OVER_THRESHOLD_2026"});
  EXPECT_EQ(judged("2027-01-01"), Rules{});
  // A condition that is not owed any more is none.
  contract_.mutable_offsets(0)->set_state(Offset::LAPSED);
  EXPECT_EQ(judged("2027-01-01"), Rules{"OFFSETS_SUFFICE"});
}

TEST(OffsetsTest, AreOfContractProcurementAndInItsTerm) {
  Contract contract;
  contract.set_type(v1::CONTRACT_PROCUREMENT);
  *contract.mutable_years() = YearsOf({{2026, "1", 1}});
  Offset& offset = *contract.add_offsets();
  *offset.mutable_value() = Tenge(1);
  *offset.mutable_due_date() = Day("2026-12-31").ToProto();
  const base::Date today = Day("2026-06-01");
  EXPECT_TRUE(CheckOffsets(contract, today).ok());
  *offset.mutable_due_date() = Day("2027-01-01").ToProto();
  EXPECT_EQ(ReasonOf(CheckOffsets(contract, today)), "OFFSETS_INVALID");
  *offset.mutable_due_date() = Day("2026-05-31").ToProto();
  EXPECT_EQ(ReasonOf(CheckOffsets(contract, today)), "OFFSETS_INVALID");
  *offset.mutable_due_date() = today.ToProto();
  *offset.mutable_value() = Tenge(0);
  EXPECT_EQ(ReasonOf(CheckOffsets(contract, today)), "OFFSETS_INVALID");
  *offset.mutable_value() = Tenge(1);
  contract.set_type(v1::OFF_TAKE);
  EXPECT_EQ(ReasonOf(CheckOffsets(contract, today)), "OFFSETS_INVALID");
}

// ---- What a year comes to: volume 100.000 at 1,000 tenge.

struct YearCase {
  const char* what;
  int32_t number;
  Tally tally;  // thousandths, tiyn
  bool over;
  const char* obligation;
  const char* performed;
  const char* shortfall;
  int64_t unpaid, penalty;  // tenge
  const char* outcome;
};

TEST(YearTest, TableOfBalances) {
  const YearCase kCases[] = {
      {"all taken and paid",
       1,
       {100'000, 100'000, 10'000'000},
       true,
       "100.000",
       "100.000",
       "0.000",
       0,
       0,
       "OBLIGATION_MET"},
      {"year 1: a tenth is not taken",
       1,
       {100'000, 90'000, 9'000'000},
       true,
       "100.000",
       "100.000",
       "10.000",
       0,
       1'000,
       "SHORTFALL"},
      {"later years: half is enough",
       2,
       {100'000, 50'000, 5'000'000},
       true,
       "50.000",
       "100.000",
       "0.000",
       0,
       0,
       "OBLIGATION_MET"},
      {"later years: less than half is not",
       2,
       {100'000, 49'999, 4'999'900},
       true,
       "50.000",
       "100.000",
       "0.001",
       0,
       0,
       "SHORTFALL"},
      {"the supplier performs a part",
       1,
       {60'000, 60'000, 6'000'000},
       true,
       "100.000",
       "60.000",
       "0.000",
       0,
       0,
       "OBLIGATION_MET"},
      {"nobody's fault is no fault of the supplier",
       1,
       {100'000, 60'000, 6'000'000, 0, 0, 40'000},
       true,
       "100.000",
       "100.000",
       "40.000",
       0,
       4'000,
       "SHORTFALL"},
      {"what was not delivered was refused",
       1,
       {60'000, 60'000, 6'000'000, 0, 0, 0, 40'000},
       true,
       "100.000",
       "100.000",
       "40.000",
       0,
       4'000,
       "SHORTFALL"},
      {"delivered with the supplier's fault",
       1,
       {100'000, 60'000, 6'000'000, 40'000},
       true,
       "100.000",
       "60.000",
       "0.000",
       0,
       0,
       "OBLIGATION_MET"},
      {"not delivered by the supplier's fault",
       1,
       {60'000, 60'000, 6'000'000, 0, 40'000},
       true,
       "100.000",
       "60.000",
       "0.000",
       0,
       0,
       "OBLIGATION_MET"},
      {"taken and not paid",
       1,
       {100'000, 100'000, 9'000'000},
       true,
       "100.000",
       "100.000",
       "0.000",
       10'000,
       0,
       "NOT_PAID"},
      {"taken and not paid, while the year runs",
       1,
       {100'000, 100'000, 9'000'000},
       false,
       "100.000",
       "100.000",
       "0.000",
       10'000,
       0,
       "OBLIGATION_MET"},
      {"paid in advance",
       1,
       {0, 0, 5'000'000},
       false,
       "100.000",
       "0.000",
       "0.000",
       0,
       0,
       "OBLIGATION_MET"},
      {"no penalty before the year is over",
       1,
       {100'000, 0, 0},
       false,
       "100.000",
       "100.000",
       "100.000",
       0,
       0,
       "SHORTFALL"},
      {"nothing taken",
       1,
       {100'000, 0, 0},
       true,
       "100.000",
       "100.000",
       "100.000",
       0,
       10'000,
       "SHORTFALL"},
      {"nothing at all", 1, {}, true, "100.000", "0.000", "0.000", 0, 0, "OBLIGATION_MET"},
  };
  Contract contract;
  contract.set_name("contracts/1");
  contract.set_type(v1::OFF_TAKE);
  const auto terms = TermsOf(YearsOf({{2026, "100", 1'000}}), "y");
  ASSERT_TRUE(terms.ok());
  for (const YearCase& one : kCases) {
    SCOPED_TRACE(one.what);
    const auto balance =
        JudgeYear({&contract, terms->front(), one.number, one.tally, one.over}, TestNorms());
    ASSERT_TRUE(balance.ok()) << balance.status();
    EXPECT_EQ(balance->obligation(), one.obligation);
    EXPECT_EQ(balance->performed(), one.performed);
    EXPECT_EQ(balance->shortfall(), one.shortfall);
    EXPECT_EQ(balance->unpaid().units(), one.unpaid);
    EXPECT_EQ(balance->penalty().units(), one.penalty);
    EXPECT_EQ(balance->decision().outcome(), one.outcome);
    EXPECT_TRUE(balance->decision().rests_on_assumption()) << "the penalty is one";
    const auto replayed = ReplayYear(balance->decision());
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_EQ(replayed->SerializeAsString(), balance->decision().SerializeAsString());
  }
}

// A year is judged by what happened in it: neither does a delivery after it oblige the customer,
// nor does it make good by then what it has not taken.
TEST(YearTest, WhatHappensAfterTheYearIsLate) {
  Contract contract;
  contract.set_type(v1::OFF_TAKE);
  const auto terms = TermsOf(YearsOf({{2026, "100", 1'000}}), "y");
  const auto judged = [&](const Tally& tally, const Tally& late) {
    const auto balance = JudgeYear({&contract, terms->front(), 1, tally, true, late}, TestNorms());
    EXPECT_TRUE(balance.ok()) << balance.status();
    EXPECT_EQ(ReplayYear(balance->decision())->SerializeAsString(),
              balance->decision().SerializeAsString());
    return absl::StrCat(balance->delivered(), " ", balance->accepted(), " ", balance->performed(),
                        " ", balance->shortfall(), " ", balance->unpaid().units(), " ",
                        balance->penalty().units(), " ", balance->decision().outcome());
  };
  EXPECT_EQ(judged({100'000, 0, 0}, {100'000, 0, 0}),
            "100.000 0.000 0.000 0.000 0 0 OBLIGATION_MET");
  EXPECT_EQ(judged({100'000, 100'000, 9'000'000}, {0, 40'000, 0}),
            "100.000 100.000 100.000 40.000 10000 4000 SHORTFALL");
  // It may be paid for later.
  EXPECT_EQ(judged({100'000, 100'000, 10'000'000}, {0, 0, 10'000'000}),
            "100.000 100.000 100.000 0.000 0 0 OBLIGATION_MET");
}

TEST(YearTest, ContractProcurementHasNoShareToBuy) {
  Contract contract;
  contract.set_type(v1::CONTRACT_PROCUREMENT);
  const auto terms = TermsOf(YearsOf({{2026, "100", 1'000}}), "y");
  const auto balance =
      JudgeYear({&contract, terms->front(), 1, {100'000, 0, 0}, true}, TestNorms());
  ASSERT_TRUE(balance.ok());
  EXPECT_EQ(balance->decision().outcome(), "BELOW_THRESHOLD");
  EXPECT_EQ(balance->penalty().units(), 0);
  EXPECT_TRUE(balance->decision().rests_on_assumption()) << "the index is one";
}

// Whether a year of it was one of 49(1) shows by what was bought in it and by that year's index.
TEST(YearTest, ContractProcurementIsOverTheThresholdInEachYear) {
  Contract contract;
  contract.set_type(v1::CONTRACT_PROCUREMENT);
  const int64_t mci = TestNorms().Tenge("mci", Day("2026-01-01"))->tiyn() / 100;
  // A unit costs the threshold.
  const auto terms = TermsOf(YearsOf({{2026, "2", mci * 500'000}}), "y");
  ASSERT_TRUE(terms.ok()) << terms.status();
  const auto judged = [&](int64_t accepted, int64_t paid, bool over, int64_t late = 0) {
    Tally tally{2'000, accepted, paid};
    const auto balance =
        JudgeYear({&contract, terms->front(), 1, tally, over, {0, late, 0}}, TestNorms());
    EXPECT_TRUE(balance.ok()) << balance.status();
    EXPECT_EQ(ReplayYear(balance->decision())->SerializeAsString(),
              balance->decision().SerializeAsString());
    return balance->decision().outcome();
  };
  const int64_t all = terms->front().value.tiyn();
  EXPECT_EQ(judged(1'001, all, true), "NO_OBLIGATION");
  EXPECT_EQ(judged(1'000, all, true), "BELOW_THRESHOLD");
  EXPECT_EQ(judged(1'001, all, true, 1), "BELOW_THRESHOLD") << "bought after the year";
  EXPECT_EQ(judged(1'000, all, false), "NO_OBLIGATION") << "the year is not over";
  EXPECT_EQ(judged(2'000, all - 1, true), "NOT_PAID");
  EXPECT_EQ(judged(2'000, all - 1, false), "NO_OBLIGATION");
}

TEST(YearTest, WhatIsRecordedStaysWithinTheYear) {
  const auto terms = TermsOf(YearsOf({{2026, "100", 1'000}}), "y");
  const auto why = [&](const Tally& tally) { return ReasonOf(CheckTally(tally, terms->front())); };
  EXPECT_EQ(why({100'000, 100'000, 10'000'000}), "");
  EXPECT_EQ(why({100'001, 0, 0}), "OVER_CONTRACT");
  EXPECT_EQ(why({50'000, 50'001, 0}), "OVER_DELIVERED");
  EXPECT_EQ(why({50'000, 40'000, 0, 0, 0, 10'001}), "OVER_DELIVERED");
  EXPECT_EQ(why({50'000, 40'000, 0, 10'000, 0, 0, 50'000}), "");
  EXPECT_EQ(why({50'000, 50'000, 0, 0, 0, 0, 50'001}), "OVER_CONTRACT");
  EXPECT_EQ(why({0, 0, 10'000'001}), "OVER_PRICE");
  const auto room = [&](const Tally& tally, int64_t claimed) {
    return ReasonOf(CheckRoom(tally, claimed, terms->front()));
  };
  EXPECT_EQ(room({50'000, 0, 0, 0, 20'000, 0, 30'000}, 0), "");
  EXPECT_EQ(room({50'001, 0, 0, 0, 20'000, 0, 30'000}, 0), "OVER_CONTRACT");
  EXPECT_EQ(room({80'000, 0, 0, 0, 20'000, 0, 30'000}, 30'000), "");
  EXPECT_EQ(room({80'001, 0, 0, 0, 20'000, 0, 30'000}, 30'000), "OVER_CONTRACT");
}

// What is refused before it is delivered and delivered all the same is performed once.
TEST(YearTest, WhatIsDeliveredIsNotOfferedAsWell) {
  Contract contract;
  contract.set_type(v1::OFF_TAKE);
  const auto terms = TermsOf(YearsOf({{2026, "100", 1'000}}), "y");
  const auto performed = [&](const Tally& tally) {
    return JudgeYear({&contract, terms->front(), 1, tally, true}, TestNorms())->performed();
  };
  EXPECT_EQ(performed({60'000, 0, 0, 0, 0, 0, 40'000}), "100.000");
  EXPECT_EQ(performed({100'000, 0, 0, 40'000, 0, 0, 40'000}), "60.000");
  EXPECT_EQ(performed({80'000, 0, 0, 0, 0, 0, 40'000}), "100.000");
  EXPECT_EQ(performed({80'000, 0, 0, 0, 40'000, 0, 0}), "80.000");
}

// The cap is above what a tenth of anything comes to; another share of what is not bought meets it.
TEST(YearTest, ThePenaltyIsCapped) {
  const norms::Norms norms =
      norms::Edited({{"contracts.penalty_share,10.00,", "contracts.penalty_share,20.00,"}});
  Contract contract;
  contract.set_type(v1::OFF_TAKE);
  const auto terms = TermsOf(YearsOf({{2026, "100", 1'000}}), "y");
  const auto penalty = [&](int64_t accepted) {
    const Tally tally{100'000, accepted, 0};
    const auto balance = JudgeYear({&contract, terms->front(), 1, tally, true}, norms);
    EXPECT_EQ(ReplayYear(balance->decision())->SerializeAsString(),
              balance->decision().SerializeAsString());
    return balance->penalty().units();
  };
  EXPECT_EQ(penalty(26'000), 14'800);
  EXPECT_EQ(penalty(25'000), 15'000);
  EXPECT_EQ(penalty(24'000), 15'000) << "15 % of the year's value";
  EXPECT_EQ(penalty(0), 15'000);
}

TEST(OffsetPenaltyTest, AFifthOfWhatIsMissing) {
  Offset offset;
  *offset.mutable_value() = Tenge(1'000'000);
  *offset.mutable_accepted() = Tenge(400'000);
  *offset.mutable_due_date() = Day("2026-06-30").ToProto();
  const auto decision = JudgeOffset(offset, {"contracts/1", "v"}, TestNorms(), Day("2026-10-01"));
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->outcome(), "120000.00");
  EXPECT_TRUE(decision->rests_on_assumption());
  EXPECT_EQ(ReplayOffset(*decision)->SerializeAsString(), decision->SerializeAsString());
  *offset.mutable_accepted() = Tenge(1'000'001);
  EXPECT_EQ(JudgeOffset(offset, {"contracts/1", "v"}, TestNorms(), Day("2026-10-01"))->outcome(),
            "0.00");
}

}  // namespace
}  // namespace nisi::contracts
