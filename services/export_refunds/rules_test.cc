// The rules as tables: what counts, what it comes to, which limit binds.
#include "services/export_refunds/rules_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/machine_testing.h"
#include "common/base/status.h"
#include "common/cases/machine_testing.h"
#include "common/norms/norms_testing.h"
#include "services/export_refunds/rules_expense.h"
#include "services/export_refunds/rules_invoice.h"
#include "services/export_refunds/rules_list.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using base::ReasonOf;

base::Date On(absl::string_view text) {
  return *base::Date::Parse(text);
}

const norms::Norms& TestNorms() {
  static const auto* const kNorms = new norms::Norms(*norms::Norms::Default());
  return *kNorms;
}

Expense CostOf(v1::CostKind kind, const std::string& net) {
  Expense expense;
  expense.set_name("claims/a/expenses/1");
  expense.set_claimant("990140000012");
  expense.set_kind(kind);
  expense.set_claimant_kind(v1::PRODUCER);
  RuleOfKind(kind)->goods ? expense.set_goods_code("850423") : expense.set_oked("62.01");
  *expense.mutable_payment_date() = On("2024-03-01").ToProto();
  *expense.mutable_net() = Money::Parse(net)->ToProto();
  return expense;
}

ExpenseFacts FactsOf() {
  ExpenseFacts facts;
  facts.sign_date = On("2024-06-10");
  facts.entry = Told{"HIGH", "lists/1/entries/8504", "e1"};
  facts.producer = {"PRODUCER,SERVICES", "suppliers/990140000012", "s1"};
  facts.size = {"MEDIUM", "suppliers/990140000012", "s1"};
  facts.size_day = On("2024-03-01");
  facts.etag = "x1";
  return facts;
}

ExpenseNorms NormsOn(base::Date day) {
  return *ExpenseNorms::On(TestNorms(), day);
}

std::string Amount(const Expense& expense, const ExpenseFacts& facts) {
  const auto decision = ExamineExpense(expense, facts, NormsOn(facts.sign_date));
  if (!decision.ok()) return ReasonOf(decision.status());
  const auto replayed = ReplayExamination(*decision);
  EXPECT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->SerializeAsString(), decision->SerializeAsString());
  // The line says the same without the reasons.
  const auto line = LineOf(expense, facts, NormsOn(facts.sign_date));
  EXPECT_EQ(Money::FromProto(line->amount())->ToString(), decision->outcome());
  return decision->outcome();
}

TEST(ExpenseRulesTest, EachOfTheFifteenKinds) {
  // By processing level (HIGH 80 %) or by size of the enterprise (MEDIUM 50 %).
  const std::vector<std::tuple<v1::CostKind, bool, std::string>> table{
      {v1::DELIVERY, true, "800.00"},
      {v1::CONFORMITY, true, "800.00"},
      {v1::ENTERPRISE_CERTIFICATION, true, "500.00"},
      {v1::ADVERTISING_ABROAD, true, "500.00"},
      {v1::EXHIBITION, true, "500.00"},
      {v1::CATALOGUE, true, "500.00"},
      {v1::PREMISES_RENT, true, "500.00"},
      {v1::TRADEMARK_REGISTRATION, true, "500.00"},
      {v1::FRANCHISING, true, "500.00"},
      {v1::ICT_ADVERTISING_ABROAD, false, "500.00"},
      {v1::ICT_EXHIBITION, false, "500.00"},
      {v1::ICT_CATALOGUE_TRANSLATION, false, "500.00"},
      {v1::ICT_PREMISES_RENT, false, "500.00"},
      {v1::ICT_CERTIFICATION, false, "500.00"},
      {v1::ICT_SERVICE_DEMONSTRATION, false, "500.00"},
  };
  EXPECT_EQ(table.size(), static_cast<size_t>(v1::CostKind_MAX));
  for (const auto& [kind, goods, amount] : table) {
    SCOPED_TRACE(v1::CostKind_Name(kind));
    EXPECT_EQ(RuleOfKind(kind)->goods, goods);
    EXPECT_EQ(Amount(CostOf(kind, "1000"), FactsOf()), amount);
  }
  EXPECT_EQ(RuleOfKind(v1::COST_KIND_UNSPECIFIED), nullptr);
}

TEST(ExpenseRulesTest, EachRateAndTheFactor) {
  const auto line = [](v1::CostKind kind, const std::string& by, bool logistics) {
    Expense expense = CostOf(kind, "1000");
    expense.set_logistics(logistics);
    ExpenseFacts facts = FactsOf();
    facts.entry->value = by;
    facts.size.value = by;
    return Amount(expense, facts);
  };
  EXPECT_EQ(line(v1::DELIVERY, "LOW", false), "300.00");
  EXPECT_EQ(line(v1::DELIVERY, "MEDIUM", false), "500.00");
  EXPECT_EQ(line(v1::DELIVERY, "HIGH", false), "800.00");
  EXPECT_EQ(line(v1::EXHIBITION, "SMALL", false), "600.00");
  EXPECT_EQ(line(v1::EXHIBITION, "MICRO", false), "600.00") << "the smallest are small ones";
  EXPECT_EQ(line(v1::EXHIBITION, "MEDIUM", false), "500.00");
  EXPECT_EQ(line(v1::EXHIBITION, "LARGE", false), "300.00");
  EXPECT_EQ(line(v1::DELIVERY, "HIGH", true), "840.00");
  EXPECT_EQ(line(v1::EXHIBITION, "SMALL", true), "630.00");
}

TEST(ExpenseRulesTest, LinesAreRoundedHalfUpToTheTiyn) {
  const auto amount = [](int64_t tiyn, int32_t rate, int64_t factor) {
    return LineAmount(*Money::FromTiyn(tiyn), rate, factor)->tiyn();
  };
  EXPECT_EQ(amount(1, 5000, 1000), 1);  // 0.5
  EXPECT_EQ(amount(1, 4999, 1000), 0);  // 0.4999
  EXPECT_EQ(amount(3, 5000, 1000), 2);  // 1.5
  EXPECT_EQ(amount(7, 3000, 1050), 2);  // 2.205
  EXPECT_EQ(amount(5, 3000, 1000), 2);  // 1.5
  EXPECT_EQ(amount(0, 8000, 1050), 0);
  EXPECT_EQ(amount(Money::kMaxTiyn, 8000, 1050), Money::kMaxTiyn / 100 * 84);
  EXPECT_FALSE(LineAmount(*Money::FromTiyn(Money::kMaxTiyn), 10'000, 1050).ok());
}

TEST(ExpenseRulesTest, NetByTheRateOfTheDay) {
  const auto net = [](const std::string& amount, const std::string& rate,
                      int32_t units = 0) -> std::string {
    Expense expense;
    expense.set_exchange_units(units);
    expense.set_amount(amount);
    expense.set_exchange_rate(rate);
    const auto sum = NetOf(expense, "expense");
    return sum.ok() ? sum->ToString() : ReasonOf(sum.status());
  };
  EXPECT_EQ(net("1000.50", ""), "1000.50");
  EXPECT_EQ(net("100", "452.37"), "45237.00");
  EXPECT_EQ(net("0.01", "452.5"), "4.53");  // 4.525
  EXPECT_EQ(net("10000000", "34.52", 100), "3452000.00") << "as the Bank quotes the won";
  EXPECT_EQ(net("1", "452.375", 1), "452.38");
  EXPECT_EQ(net("3", "4.25", 1000), "0.01");            // 0.01275
  EXPECT_EQ(net("1", "4.995", 1000), "INVALID_FIELD");  // 0.004995
  EXPECT_EQ(net("0.005", ""), "0.01");
  EXPECT_EQ(net("0.004", ""), "INVALID_FIELD");
  EXPECT_EQ(net("999999999999", "999999"), "INVALID_FIELD");
}

TEST(ExpenseRulesTest, EachFindingBothWays) {
  const auto unsatisfied = [](const std::function<void(Expense*, ExpenseFacts*)>& change) {
    Expense expense = CostOf(v1::EXHIBITION, "1000");
    ExpenseFacts facts = FactsOf();
    change(&expense, &facts);
    const auto decision = ExamineExpense(expense, facts, NormsOn(facts.sign_date));
    EXPECT_TRUE(decision.ok()) << decision.status();
    const std::string rules = absl::StrJoin(UnsatisfiedOf(*decision), ",");
    EXPECT_EQ(decision->outcome() == "0.00", !rules.empty());
    const auto replayed = ReplayExamination(*decision);
    EXPECT_EQ(replayed->SerializeAsString(), decision->SerializeAsString());
    const auto line = LineOf(expense, facts, NormsOn(facts.sign_date));
    EXPECT_EQ(absl::StrJoin(line->unsatisfied(), ","), rules);
    return rules;
  };
  const auto paid = [](const std::string& day) {
    return [day](Expense* expense, ExpenseFacts* facts) {
      *expense->mutable_payment_date() = On(day).ToProto();
      facts->size_day = On(day);
    };
  };
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts*) {}), "");
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts* f) { f->entry.reset(); }), "ON_LIST");
  EXPECT_EQ(unsatisfied([](Expense* e, ExpenseFacts* f) {
              e->set_kind(v1::DELIVERY);
              f->entry.reset();
            }),
            "ON_LIST,RATE_KNOWN");
  EXPECT_EQ(unsatisfied(paid("2023-06-10")), "");
  EXPECT_EQ(unsatisfied(paid("2023-06-09")), "PAID_WITHIN_MONTHS");
  EXPECT_EQ(unsatisfied(paid("2024-06-10")), "");
  EXPECT_EQ(unsatisfied(paid("2024-06-11")), "PAID_WITHIN_MONTHS");
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts* f) { f->producer.value = "0"; }),
            "PRODUCER_IS_DOMESTIC");
  // Goods are of a producer, services of who supplies services.
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts* f) { f->producer.value = "WORKS,SERVICES"; }),
            "PRODUCER_IS_DOMESTIC");
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts* f) { f->producer.value = "PRODUCER"; }), "");
  for (const auto& [as, rules] :
       {std::pair("PRODUCER,WORKS", "PRODUCER_IS_DOMESTIC"), std::pair("SERVICES", "")}) {
    EXPECT_EQ(unsatisfied([as = as](Expense* e, ExpenseFacts* f) {
                e->set_kind(v1::ICT_EXHIBITION);
                f->producer.value = as;
              }),
              rules);
  }
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts* f) { f->invoice_taken = true; }),
            "INVOICE_NOT_PAID_BEFORE");
  EXPECT_EQ(unsatisfied([](Expense* e, ExpenseFacts*) { e->set_reimbursed_before(true); }),
            "NOT_REIMBURSED_BEFORE");
  for (const char* why : {kNotActive, kNotTold}) {
    EXPECT_EQ(unsatisfied([why](Expense*, ExpenseFacts* f) { f->size.value = why; }),
              "SIZE_KNOWN,RATE_KNOWN");
    // Of a claim that was signed before the size was a fact of the period.
    EXPECT_EQ(unsatisfied([why](Expense*, ExpenseFacts* f) {
                f->size.value = why;
                f->size_day.reset();
              }),
              "RATE_KNOWN");
    // Delivery does not ask for the size.
    EXPECT_EQ(unsatisfied([why](Expense* e, ExpenseFacts* f) {
                e->set_kind(v1::DELIVERY);
                f->size.value = why;
              }),
              "");
  }
  // The size of another day than that of payment is none.
  EXPECT_EQ(unsatisfied([](Expense*, ExpenseFacts* f) { f->size_day = On("2024-06-10"); }),
            "SIZE_KNOWN");
}

// As it was decided before the size was a fact of the period: no finding on it, the same sum, and
// the same again when it is replayed.
TEST(ExpenseRulesTest, ADecisionThatDoesNotKnowTheDayOfTheSizeReplaysAsItWas) {
  ExpenseFacts before = FactsOf();
  before.size_day.reset();
  const Expense cost = CostOf(v1::EXHIBITION, "1000");
  EXPECT_EQ(Amount(cost, before), "500.00");
  const auto decision = ExamineExpense(cost, before, NormsOn(before.sign_date));
  const auto now = ExamineExpense(cost, FactsOf(), NormsOn(before.sign_date));
  EXPECT_EQ(decision->findings_size() + 1, now->findings_size());
  EXPECT_EQ(ReplayExamination(*decision)->SerializeAsString(), decision->SerializeAsString());
  // One half of what is stored of it is not the other.
  for (const char* gone : {"enterprise_size", "enterprise_size_date"}) {
    Decision torn = *now;
    for (auto& finding : *torn.mutable_findings()) {
      for (int i = finding.facts_size() - 1; i >= 0; --i) {
        if (finding.facts(i).name() == gone) finding.mutable_facts()->DeleteSubrange(i, 1);
      }
    }
    EXPECT_EQ(ReasonOf(ReplayExamination(torn).status()), "FACT_MISSING") << gone;
  }
}

TEST(ExpenseRulesTest, ADecisionSaysWhereItsNormsAreFrom) {
  const Expense cost = CostOf(v1::EXHIBITION, "1000");
  const auto decision = ExamineExpense(cost, FactsOf(), NormsOn(FactsOf().sign_date));
  const auto line = LineOf(cost, FactsOf(), NormsOn(FactsOf().sign_date));
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->rate_norm(), "export_refunds.rate.size.medium");
  EXPECT_EQ(line->rate_certainty(), "BY_LAW");
  EXPECT_EQ(line->rate_bp(), 5000);
  EXPECT_EQ(line->logistics_factor_milli(), 1000);
  EXPECT_EQ(base::Date::FromProto(line->rate_by_date())->ToString(), "2024-03-01");
  EXPECT_EQ(line->rate_by_source(), "suppliers/990140000012");
  EXPECT_EQ(line->rate_by_version(), "s1");
  // From 2025 on the rates are taken to be still in force, and the decision says so.
  ExpenseFacts later = FactsOf();
  later.sign_date = On("2025-02-01");
  const auto assumed = ExamineExpense(cost, later, NormsOn(later.sign_date));
  EXPECT_EQ(LineOf(cost, later, NormsOn(later.sign_date))->rate_certainty(), "ASSUMPTION");
  EXPECT_TRUE(assumed->rests_on_assumption());
  // And what others told of an assumption is one here, where the norms are none.
  const norms::Norms sure = norms::Edited({{",ASSUMPTION", ",BY_LAW"}});
  const auto rests = [&](const ExpenseFacts& facts) {
    return ExamineExpense(cost, facts, *ExpenseNorms::On(sure, facts.sign_date))
        ->rests_on_assumption();
  };
  EXPECT_FALSE(rests(FactsOf()));
  for (Told ExpenseFacts::*told : {&ExpenseFacts::producer, &ExpenseFacts::size}) {
    ExpenseFacts facts = FactsOf();
    (facts.*told).assumption = true;
    EXPECT_TRUE(rests(facts));
  }
  // Before the first year that is known there is no rate at all.
  EXPECT_EQ(ReasonOf(ExpenseNorms::On(TestNorms(), On("2022-12-31")).status()),
            "NORM_NOT_IN_FORCE");
  // What is not stored is not guessed.
  Decision torn = *decision;
  torn.mutable_findings()->DeleteSubrange(0, 1);
  EXPECT_EQ(ReasonOf(ReplayExamination(torn).status()), "FACT_MISSING");
}

TEST(ExpenseRulesTest, WhatFailedByItsInvoiceCountsWhenThatIsFree) {
  ExpenseFacts facts = FactsOf();
  facts.register_version = "position 8";
  const auto free = ExamineExpense(CostOf(v1::EXHIBITION, "1000"), facts, NormsOn(facts.sign_date));
  facts.invoice_taken = true;
  facts.register_version = "position 7";
  const auto taken =
      ExamineExpense(CostOf(v1::EXHIBITION, "1000"), facts, NormsOn(facts.sign_date));
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->outcome(), "0.00");
  const auto freed = ExamineFreed(*taken, "position 8");
  ASSERT_TRUE(freed.ok()) << freed.status();
  EXPECT_EQ(freed->SerializeAsString(), free->SerializeAsString());
  // Nothing else is forgiven with it.
  facts.entry.reset();
  const auto other =
      ExamineExpense(CostOf(v1::EXHIBITION, "1000"), facts, NormsOn(facts.sign_date));
  EXPECT_EQ(absl::StrJoin(UnsatisfiedOf(*ExamineFreed(*other, "position 8")), ","), "ON_LIST");
}

Expense Invoice(const std::string& issuer, const std::string& country = "",
                const std::string& number = "") {
  Expense expense;
  expense.set_invoice_issuer(issuer);
  expense.set_issuer_country(country);
  expense.set_issuer_number(number);
  expense.set_invoice_number("INV-1");
  *expense.mutable_invoice_date() = base::Date::Parse("2024-05-01")->ToProto();
  expense.set_currency("EUR");
  static int sum = 0;
  expense.set_amount(absl::StrCat(++sum));  // of no two the same
  return expense;
}

TEST(InvoiceRulesTest, AnIssuerIsKnownByItsNumberAndElseByItsName) {
  const auto compare = [](const Expense& one, const Expense& other) {
    EXPECT_EQ(CompareInvoices(one, other), CompareInvoices(other, one));
    return CompareInvoices(one, other);
  };
  const Expense messe = Invoice("Messe GmbH");
  EXPECT_EQ(compare(messe, Invoice("MESSE, gmbh")), Sameness::kSame);
  EXPECT_EQ(compare(messe, Invoice("Хофманн АГ")), Sameness::kOther);
  // By its number in its country, whatever name it goes by.
  const Expense taxed = Invoice("Messe GmbH", "DE", "DE 123456789");
  EXPECT_EQ(compare(taxed, Invoice("Мессе ГмбХ", "DE", "123-456-789")), Sameness::kSame);
  EXPECT_EQ(compare(taxed, Invoice("Hofmann AG", "AT", "123456789")), Sameness::kOther);
  EXPECT_EQ(compare(taxed, messe), Sameness::kSame) << "one of the two has no number";
  EXPECT_EQ(compare(taxed, Invoice("Messe GmbH", "DE", "123456780")), Sameness::kAlike)
      << "perhaps typed wrongly";
  // A BIN is a number, also where it stands in the name.
  const Expense own = Invoice("ТОО Ромашка, БИН 060140001230");
  EXPECT_EQ(compare(own, Invoice("Romashka LLP", "KZ", "060140001230")), Sameness::kSame);
  // Legal forms, what stands beside a name, and the order of words do not tell issuers apart for
  // sure.
  const Expense plain = Invoice("Ромашка");
  for (const char* name : {"ТОО «Ромашка»", "Ромашка LLP", "Ромашка Алматы, ТОО",
                           "Товарищество с ограниченной ответственностью Ромашка"}) {
    EXPECT_EQ(compare(plain, Invoice(name)), Sameness::kAlike) << name;
  }
  EXPECT_EQ(compare(plain, Invoice("ТОО Василёк")), Sameness::kOther);
  EXPECT_EQ(compare(Invoice("ТОО"), Invoice("LLP")), Sameness::kOther);
  // Names that are one to the eye, or as they are typed on a keyboard without umlauts.
  const Expense umlaut = Invoice("Müller & Söhne GmbH");
  for (const char* name : {"Mueller und Soehne, Mueller Soehne GmbH", "Muller Sohne",
                           "MUELLER SÖHNE GMBH", "Mu\u0308ller So\u0308hne"}) {
    EXPECT_EQ(compare(umlaut, Invoice(name)), Sameness::kAlike) << name;
  }
  EXPECT_EQ(compare(Invoice("Çelik San. A.Ş."), Invoice("Celik San. A.S.")), Sameness::kAlike);
  EXPECT_EQ(compare(umlaut, Invoice("Miller Sons Ltd")), Sameness::kOther);
  EXPECT_EQ(compare(Invoice("Завод Йод"), Invoice("Завод Иод")), Sameness::kOther)
      << "marks of Cyrillic letters make others";
  // One sum by one number on one day, whoever is said to have given it.
  Expense sum = Invoice("Daisy");
  sum.set_amount(absl::StrCat(plain.amount(), ".000"));
  EXPECT_EQ(compare(plain, sum), Sameness::kAlike);
  sum.set_currency("USD");
  EXPECT_EQ(compare(plain, sum), Sameness::kOther);
  Expense later = plain;
  *later.mutable_invoice_date() = base::Date::Parse("2024-05-02")->ToProto();
  EXPECT_EQ(compare(plain, later), Sameness::kOther);
}

TEST(InvoiceRulesTest, CountryAndNumberOfAnIssuerGoTogether) {
  const auto wrong = [](const std::string& country, const std::string& number) {
    const auto status = CheckIssuer(Invoice("Messe", country, number), "e");
    return status.ok() ? "" : base::BadRequestOf(status).field_violations(0).field();
  };
  EXPECT_EQ(wrong("", ""), "");
  EXPECT_EQ(wrong("DE", "HRB 1234"), "");
  EXPECT_EQ(wrong("KZ", "060140001230"), "");
  EXPECT_EQ(wrong("KZ", "060140001231"), "e.issuer_number");
  EXPECT_EQ(wrong("DE", ""), "e.issuer_number");
  EXPECT_EQ(wrong("DE", "-"), "e.issuer_number");
  EXPECT_EQ(wrong("", "1"), "e.issuer_country");
  EXPECT_EQ(wrong("XX", "1"), "e.issuer_country");
}

TEST(ExpenseRulesTest, OneSpellingOfWhatPeopleType) {
  for (const char* typed : {"INV-0015", "inv 0015", "INV/15", "Inv0015", "ＩＮＶ-15"}) {
    EXPECT_EQ(OneSpellingOfNumber(typed), "inv15") << typed;
  }
  EXPECT_EQ(OneSpellingOfNumber("А-15"), OneSpellingOfNumber("A 15"));  // Cyrillic, Latin
  EXPECT_EQ(OneSpellingOfNumber("№ 15"), "15");
  EXPECT_EQ(OneSpellingOfNumber("№ A/02"), "a2");
  EXPECT_EQ(OneSpellingOfNumber("No. 015"), "15");
  EXPECT_EQ(OneSpellingOfNumber("N15"), "15");
  EXPECT_EQ(OneSpellingOfNumber("NO-A"), "noa");
  EXPECT_EQ(OneSpelling("Messe GmbH, HRB 1234"), OneSpelling("MESSE gmbh HRB-1234"));
  EXPECT_NE(OneSpellingOfNumber("INV-150"), OneSpellingOfNumber("INV-15"));
  EXPECT_NE(OneSpellingOfNumber("2024/105"), OneSpellingOfNumber("2024/15"));
  EXPECT_EQ(OneSpellingOfNumber("0"), "0");
  EXPECT_EQ(OneSpelling("-- / --"), "");
}

// Numbers that are one to the eye are for somebody to compare, and never certainly one.
TEST(InvoiceRulesTest, ANumberThatLooksTheSame) {
  const auto compare = [](const char* one, const char* other) {
    Expense first = Invoice("Messe GmbH", "DE", "123456789");
    Expense second = first;
    first.set_invoice_number(one);
    second.set_invoice_number(other);
    EXPECT_EQ(CompareInvoices(first, second), CompareInvoices(second, first));
    return CompareInvoices(first, second);
  };
  EXPECT_EQ(compare("INV-105", "inv 0105"), Sameness::kSame);
  // Digits of other scripts; those of full width are certainly the same ones.
  EXPECT_EQ(compare("INV-105", "INV-\u0661\u0660\u0665"), Sameness::kAlike);
  EXPECT_EQ(compare("No. 15", "No. \u0660\u0661\u0665"), Sameness::kAlike) << "with a leading zero";
  EXPECT_EQ(compare("\u06f1\u06f5", "\u0967\u096b"), Sameness::kAlike) << "Persian, Devanagari";
  EXPECT_EQ(compare("INV-105", "INV-\uff11\uff10\uff15"), Sameness::kSame);
  EXPECT_EQ(compare("INV-105", "INV-\u0661\u0660\u0666"), Sameness::kOther);
  // The letter O for a zero, Latin or Cyrillic, where it follows a digit.
  EXPECT_EQ(compare("150", "15O"), Sameness::kAlike);
  EXPECT_EQ(compare("1005", "1\u041e\u043e5"), Sameness::kAlike);
  EXPECT_EQ(compare("2024/10-A", "2024/1O-A"), Sameness::kAlike);
  // Elsewhere it is a letter: real numbers that differ by it stay two.
  EXPECT_EQ(compare("CO-12", "C-12"), Sameness::kOther);
  EXPECT_EQ(compare("O-12", "12"), Sameness::kOther);
  EXPECT_EQ(compare("AO5", "A05"), Sameness::kOther);
  // Nor are 1 and l, 5 and S, 8 and B one: series of invoices are told apart by such letters.
  for (const auto& [one, other] :
       {std::pair("1-10", "I-10"), std::pair("1-10", "l-10"), std::pair("S-10", "5-10"),
        std::pair("B-10", "8-10"), std::pair("10-A", "10-B"), std::pair("10-\u00e4", "10-ae")}) {
    EXPECT_EQ(compare(one, other), Sameness::kOther) << one << " " << other;
  }
  EXPECT_EQ(LookOfNumber("№ 1O5"), "105");
  EXPECT_EQ(LookOfNumber("\u0660\u0661"), "1");
  EXPECT_EQ(LookOfNumber(LookOfNumber("1OO5")), "1005");
  // On another day they are others.
  Expense one = Invoice("Messe GmbH"), other = one;
  other.set_invoice_number(absl::StrCat(one.invoice_number(), "-"));
  ASSERT_EQ(CompareInvoices(one, other), Sameness::kSame);
  *other.mutable_invoice_date() = base::Date::Parse("2024-05-02")->ToProto();
  EXPECT_EQ(CompareInvoices(one, other), Sameness::kOther);
}

TEST(ExpenseRulesTest, MonthsBeforeEndOnTheSameDay) {
  EXPECT_EQ(FirstDayOf(On("2024-06-10"), 12), On("2023-06-10"));
  EXPECT_EQ(FirstDayOf(On("2024-02-29"), 12), On("2023-02-28"));
  EXPECT_EQ(FirstDayOf(On("2025-02-28"), 12), On("2024-02-28"));
  EXPECT_EQ(FirstDayOf(On("2024-03-31"), 1), On("2024-02-29"));
  EXPECT_EQ(FirstDayOf(On("2024-01-15"), 12), On("2023-01-15"));
}

TEST(ExpenseRulesTest, WhatAKindAsksFor) {
  const auto wrong = [](const std::function<void(Expense*)>& change) {
    Expense expense = CostOf(v1::EXHIBITION, "1");
    expense.clear_net();
    expense.set_country("DE");
    expense.set_invoice_issuer("Messe GmbH");
    expense.set_invoice_number("1");
    for (auto* day : {expense.mutable_contract_date(), expense.mutable_invoice_date()}) {
      *day = On("2024-01-10").ToProto();
    }
    expense.set_currency("KZT");
    expense.set_amount("10");
    change(&expense);
    const absl::Status status = CheckExpense(expense, On("2024-06-10"), "e");
    return status.ok() ? std::string() : base::BadRequestOf(status).field_violations(0).field();
  };
  EXPECT_EQ(wrong([](Expense*) {}), "");
  EXPECT_EQ(wrong([](Expense* e) { e->clear_goods_code(); }), "e.goods_code");
  EXPECT_EQ(wrong([](Expense* e) { e->set_oked("62.01"); }), "e.oked");
  EXPECT_EQ(wrong([](Expense* e) { e->set_kind(v1::ICT_EXHIBITION); }), "e.goods_code");
  EXPECT_EQ(wrong([](Expense* e) {
              e->set_kind(v1::ICT_EXHIBITION);
              e->clear_goods_code();
            }),
            "e.oked");
  EXPECT_EQ(wrong([](Expense* e) { e->set_claimant_kind(v1::DISTRIBUTOR); }), "e.producer");
  EXPECT_EQ(wrong([](Expense* e) { e->set_producer("990140000023"); }), "e.producer");
  for (const char* country : {"de", "KZ", "ZZ", "D ", "E "}) {
    EXPECT_EQ(wrong([country](Expense* e) { e->set_country(country); }), "e.country") << country;
  }
  for (const char* country : {"AD", "RU", "ZW"}) {
    EXPECT_EQ(wrong([country](Expense* e) { e->set_country(country); }), "") << country;
  }
  EXPECT_EQ(wrong([](Expense* e) { e->set_invoice_issuer("--"); }), "e.invoice_issuer");
  EXPECT_EQ(wrong([](Expense* e) { e->set_invoice_number("/"); }), "e.invoice_number");
  EXPECT_EQ(wrong([](Expense* e) { e->set_exchange_units(100); }), "e.exchange_units");
  const auto foreign = [](int32_t units) {
    return [units](Expense* e) {
      e->set_currency("KRW");
      e->set_exchange_rate("34.52");
      e->set_exchange_units(units);
    };
  };
  for (const int32_t units : {0, 1, 10, 100, 1000}) EXPECT_EQ(wrong(foreign(units)), "");
  for (const int32_t units : {-1, 2, 50, 10000}) {
    EXPECT_EQ(wrong(foreign(units)), "e.exchange_units") << units;
  }
  EXPECT_EQ(wrong([](Expense* e) { e->set_currency("eur"); }), "e.currency");
  EXPECT_EQ(wrong([](Expense* e) { e->set_currency("EUR"); }), "e.exchange_rate");
  EXPECT_EQ(wrong([](Expense* e) { e->set_exchange_rate("1"); }), "e.exchange_rate");
  EXPECT_EQ(wrong([](Expense* e) { *e->mutable_payment_date() = On("2024-06-11").ToProto(); }),
            "e.payment_date");
}

TEST(ClaimRulesTest, TheLeastOfThreeLimitsInWholeTenge) {
  const auto sum = [](const std::string& lines, const std::string& taxes,
                      const char* day = "2024-06-10") {
    Limits limits;
    limits.lines = *Money::Parse(lines);
    limits.expense_count = 1;
    limits.taxes_paid = *Money::Parse(taxes);
    limits.sign_date = On(day);
    const auto decision = Calculate(limits, TestNorms());
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(ReplayCalculation(*decision)->SerializeAsString(), decision->SerializeAsString());
    return absl::StrCat(decision->outcome(), " ", absl::StrJoin(UnsatisfiedOf(*decision), ","));
  };
  // 75,000 MCI of 2024 are 276,900,000 tenge.
  EXPECT_EQ(sum("1000.99", "5000"), "1000.00 ");
  EXPECT_EQ(sum("1000.99", "1000.99"), "1000.00 ");
  EXPECT_EQ(sum("1001", "1000.99"), "1000.00 WITHIN_TAXES_PAID");
  EXPECT_EQ(sum("276900000", "300000000"), "276900000.00 ");
  EXPECT_EQ(sum("276900000.01", "300000000"), "276900000.00 WITHIN_CAP");
  EXPECT_EQ(sum("999999999", "999"), "999.00 WITHIN_TAXES_PAID,WITHIN_CAP");
  EXPECT_EQ(sum("0.99", "5"), "0.00 ");
  EXPECT_EQ(sum("10", "0"), "0.00 WITHIN_TAXES_PAID");
  // Of the claim's year: 75,000 MCI of 2025 are 294,900,000.
  EXPECT_EQ(sum("294900000", "300000000", "2025-02-03"), "294900000.00 ");
  EXPECT_EQ(sum("294900001", "300000000", "2025-02-03"), "294900000.00 WITHIN_CAP");
}

TEST(ClaimRulesTest, WhatADecisionRestsOn) {
  const auto judge = [](const std::vector<v1::PartReview::Verdict>& parts, int64_t sum,
                        const std::string& gate, bool owes, bool late) {
    Claim claim;
    OpenParts(parts.size() == 3, &claim);
    for (size_t i = 0; i < parts.size(); ++i) {
      claim.mutable_parts(static_cast<int>(i))->set_verdict(parts[i]);
    }
    *claim.mutable_calculated() = Money::FromTenge(sum)->ToProto();
    if (!gate.empty()) claim.mutable_gate()->set_outcome(gate);
    const auto owing = owes ? std::optional(Origin{"claims/b", "e"}) : std::nullopt;
    const auto decision =
        Judge({&claim, owing, late, false, {"claims/a", "e"}, "position 9"}, TestNorms());
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(ReplayJudgement(*decision)->SerializeAsString(), decision->SerializeAsString());
    return absl::StrCat(decision->outcome(), " ", ReasonOf(CheckAcceptable(claim, *decision)), " ",
                        ReasonOf(CheckRejectable(claim, *decision)));
  };
  using P = v1::PartReview;
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED}, 5, "", false, false), "ACCEPTED  GROUND_MISSING");
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED, P::ACCEPTED}, 5, "PASSED", false, false),
            "ACCEPTED  GROUND_MISSING");
  EXPECT_EQ(judge({P::ACCEPTED, P::PENDING}, 5, "", false, false),
            "REJECTED PARTS_PENDING GROUND_MISSING");
  EXPECT_EQ(judge({P::ACCEPTED, P::REMARKS}, 5, "", false, false),
            "REJECTED PART_HAS_REMARKS GROUND_MISSING");
  EXPECT_EQ(judge({P::REMARKS, P::REJECTED}, 5, "", false, false), "REJECTED PART_REJECTED ");
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED, P::REJECTED}, 5, "", false, false),
            "REJECTED PART_REJECTED ");
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED}, 0, "", false, false), "REJECTED NOTHING_TO_PAY ");
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED}, 5, "", true, false), "REJECTED DEMAND_PAST_DUE ");
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED}, 5, "FAILED", false, false), "REJECTED  ");
  EXPECT_EQ(judge({P::ACCEPTED, P::ACCEPTED}, 5, "PASSED", false, true), "REJECTED  ");
}

// Before consideration, at the second check and at the payment alike.
TEST(ClaimRulesTest, NoNoticeOverrulesTheLists) {
  const auto outcomes = [](gate::v1::Notice::Verdict verdict,
                           const std::vector<cases::Listed::Entry>& entries) {
    Checked checked;
    checked.notice.set_name("notices/1");
    checked.notice.set_verdict(verdict);
    checked.listed = {"grants/unreliable", 5, entries};
    Claim claim;
    *claim.mutable_amount() = Money::FromTenge(5)->ToProto();
    const std::optional<Origin> nothing;
    Paying paying{&claim, &checked, 0, nothing, On("2024-06-10"), {"claims/a", "e"}, "position 9"};
    const auto admission = Admit(checked, nothing, "position 9", TestNorms()),
               gate = PassGate(checked, TestNorms()), paid = Pay(paying, TestNorms());
    EXPECT_EQ(ReplayAdmission(*admission)->SerializeAsString(), admission->SerializeAsString());
    EXPECT_EQ(ReplayGate(*gate)->SerializeAsString(), gate->SerializeAsString());
    EXPECT_EQ(ReplayPayment(*paid)->SerializeAsString(), paid->SerializeAsString());
    EXPECT_EQ(gate->findings(1).rule(), "NOT_ON_A_LIST");
    EXPECT_EQ(gate->findings(1).facts_size(), 1 + static_cast<int>(entries.size()));
    for (size_t i = 0; i < entries.size(); ++i) {
      const auto& fact = gate->findings(1).facts(static_cast<int>(i) + 1);
      EXPECT_EQ(absl::StrCat(fact.value(), fact.source(), fact.version()),
                absl::StrCat(entries[i].list, entries[i].name, entries[i].etag));
    }
    return absl::StrCat(admission->outcome(), " ", gate->outcome(), " ", paid->outcome());
  };
  using gate::v1::Notice;
  const cases::Listed::Entry bankrupt{"BANKRUPT", "grants/unreliable/5", "e"};
  EXPECT_EQ(outcomes(Notice::PASSED, {}), "ADMITTED PASSED PAID");
  EXPECT_EQ(outcomes(Notice::PASSED, {bankrupt}), "REJECTED FAILED REFUSED");
  EXPECT_EQ(outcomes(Notice::PASSED, {bankrupt, {"DEBT_REPORTED", "grants/unreliable/6", "f"}}),
            "REJECTED FAILED REFUSED");
  EXPECT_EQ(outcomes(Notice::FAILED, {}), "REJECTED FAILED REFUSED");
}

// What was decided before the lists were asked rests on the notice alone, then and now.
TEST(ClaimRulesTest, DecisionsFromBeforeTheListsReplay) {
  Checked checked;
  checked.notice.set_name("notices/1");
  checked.notice.set_verdict(gate::v1::Notice::PASSED);
  checked.listed = {"grants/unreliable", 5, {}};
  auto gate = PassGate(checked, TestNorms());
  ASSERT_TRUE(gate.ok());
  EXPECT_EQ(gate->norms_edition(), TestNorms().edition());
  gate->mutable_findings()->RemoveLast();
  gate->clear_norms_edition();  // nor did they say that
  const auto replayed = ReplayGate(*gate);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->SerializeAsString(), gate->SerializeAsString());
}

TEST(ClaimRulesTest, ExportOfFourYearsInOrder) {
  Claim claim;
  EXPECT_EQ(ReasonOf(CheckSignable(claim, 0, On("2024-06-10"))), "CLAIM_INCOMPLETE");
  EXPECT_EQ(ReasonOf(CheckSignable(claim, 1, On("2024-06-10"))), "CLAIM_INCOMPLETE");
  *claim.mutable_taxes_paid() = Money().ToProto();
  EXPECT_EQ(ReasonOf(CheckSignable(claim, 1, On("2024-06-10"))), "EXPORT_VOLUMES_INVALID");
  for (const int year : {2023, 2024, 2025, 2026}) {
    claim.add_export_volumes()->set_year(year);
    claim.mutable_export_volumes()->rbegin()->set_volume(year == 2023 ? "0" : "10");
  }
  EXPECT_TRUE(CheckSignable(claim, 1, On("2024-06-10")).ok());
  EXPECT_EQ(ReasonOf(CheckSignable(claim, 1, On("2025-06-10"))), "EXPORT_VOLUMES_INVALID");
  // A plan below the last actual year would be reached by exporting nothing.
  claim.mutable_export_volumes(0)->set_volume("10");
  EXPECT_TRUE(CheckSignable(claim, 1, On("2024-06-10")).ok());
  claim.mutable_export_volumes(0)->set_volume("10.001");
  EXPECT_EQ(ReasonOf(CheckSignable(claim, 1, On("2024-06-10"))), "EXPORT_VOLUMES_INVALID");
  claim.mutable_export_volumes(0)->set_volume("0");
  claim.mutable_export_volumes(2)->set_volume("0");
  EXPECT_EQ(ReasonOf(CheckSignable(claim, 1, On("2024-06-10"))), "EXPORT_VOLUMES_INVALID");
}

TEST(MachinesTest, AreSoundAndStandInTheReadme) {
  for (const base::MachineDef* machine :
       std::initializer_list<const base::MachineDef*>{&ListMachine(), &ClaimMachine()}) {
    cases::ExpectSound(*machine);
    base::ExpectReadmeShows(*machine, "services/export_refunds/README.md");
  }
}

}  // namespace
}  // namespace nisi::export_refunds
