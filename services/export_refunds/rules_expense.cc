#include "services/export_refunds/rules_expense.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/cases/findings.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rules_invoice.h"

namespace nisi::export_refunds {
namespace {

using absl::int128;
using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr std::array<KindRule, 15> kKinds{{
    {v1::DELIVERY, true, true},
    {v1::CONFORMITY, true, true},
    {v1::ENTERPRISE_CERTIFICATION, true, false},
    {v1::ADVERTISING_ABROAD, true, false},
    {v1::EXHIBITION, true, false},
    {v1::CATALOGUE, true, false},
    {v1::PREMISES_RENT, true, false},
    {v1::TRADEMARK_REGISTRATION, true, false},
    {v1::FRANCHISING, true, false},
    {v1::ICT_ADVERTISING_ABROAD, false, false},
    {v1::ICT_EXHIBITION, false, false},
    {v1::ICT_CATALOGUE_TRANSLATION, false, false},
    {v1::ICT_PREMISES_RENT, false, false},
    {v1::ICT_CERTIFICATION, false, false},
    {v1::ICT_SERVICE_DEMONSTRATION, false, false},
}};

// ISO 3166-1, but for Kazakhstan: promotion is to foreign markets.
constexpr absl::string_view kMarkets =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL "
    "BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV "
    "CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD "
    "GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM "
    "IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY LA LB LC LI LK LR "
    "LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX "
    "MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS "
    "PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST "
    "SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ "
    "VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";

constexpr char kKind[] = "kind";
constexpr char kCode[] = "code";
constexpr char kEntryOfList[] = "entry_of_the_list";
constexpr char kSignDate[] = "sign_date";
constexpr char kPaymentDate[] = "payment_date";
constexpr char kMonths[] = "export_refunds.cost_months";
constexpr char kProducer[] = "producer_is_domestic_as";  // on the day of payment
constexpr char kInvoiceTaken[] = "invoice_taken";
constexpr char kReimbursedBefore[] = "reimbursed_before";
constexpr char kSize[] = "enterprise_size";           // of the claimant; else why none is known
constexpr char kSizeDate[] = "enterprise_size_date";  // the day it is of
constexpr char kRateBy[] = "rate_by";
constexpr char kRate[] = "rate";
constexpr char kFactor[] = "logistics_factor";
constexpr char kNet[] = "net";

constexpr char kInvoices[] = "invoices of the register";
constexpr char kListOfDay[] = "list in force on the day of signing";
constexpr char kUnknown[] = "UNKNOWN";
constexpr char kNone[] = "NONE";

constexpr char kRatePrefix[] = "export_refunds.rate.";

// "BY_LAW: export_refunds.rate.size.small: Rules of ...": how sure, the key, the source.
std::string NormSource(const norms::Norm& norm) {
  return absl::StrCat(std::string(norms::Name(norm.certainty)), ": ", norm.key, ": ", norm.source);
}

absl::StatusOr<int64_t> Thousandths(const std::string& text) {
  const auto factor = base::Quantity::Parse(text);
  if (!factor.ok()) return base::StoreCorrupt("fact of a factor");
  return factor->thousandths();
}

// All that a cost is judged by.
struct Terms {
  bool on_list = false;
  base::Date signed_on, paid_on;
  int64_t months = 0;
  bool domestic = false;
  bool invoice_taken = false;
  bool reimbursed_before = false;
  bool by_size_of_day = false;  // then the size must be known, of the day of payment
  bool size_known = false;
  bool rate_known = false;
  int32_t rate_bp = 0;
  int64_t factor_milli = 0;
  Money net;
};

// The rules in their order, whether each is satisfied by some terms, by which law, the facts that
// it looks at, and of which terms it is asked.
struct Rule {
  const char* name;
  bool (*satisfied)(const Terms& terms);
  base::LegalBasis (*basis)();
  std::initializer_list<const char*> facts;
  bool (*asked)(const Terms& terms) = [](const Terms&) { return true; };
};
constexpr std::initializer_list<const char*> kListFacts{kCode, kEntryOfList, kSignDate};
constexpr std::initializer_list<const char*> kTermFacts{kPaymentDate, kSignDate, kMonths};
constexpr std::initializer_list<const char*> kProducerFacts{kKind, kProducer, kPaymentDate};
constexpr std::initializer_list<const char*> kInvoiceFacts{kInvoiceTaken};
constexpr std::initializer_list<const char*> kBeforeFacts{kReimbursedBefore};
constexpr std::initializer_list<const char*> kSizeFacts{kSize, kSizeDate, kPaymentDate};
constexpr std::initializer_list<const char*> kRateFacts{kKind, kRateBy, kRate, kFactor, kNet};
constexpr std::array<Rule, 7> kExpenseRules{{
    {"ON_LIST", [](const Terms& t) { return t.on_list; }, errors::List, kListFacts},
    {"PAID_WITHIN_MONTHS",
     [](const Terms& t) {
       return FirstDayOf(t.signed_on, t.months) <= t.paid_on && t.paid_on <= t.signed_on;
     },
     errors::Rules, kTermFacts},
    {"PRODUCER_IS_DOMESTIC", [](const Terms& t) { return t.domestic; }, errors::Reimbursement,
     kProducerFacts},
    {"INVOICE_NOT_PAID_BEFORE", [](const Terms& t) { return !t.invoice_taken; }, errors::Rules,
     kInvoiceFacts},
    {"NOT_REIMBURSED_BEFORE", [](const Terms& t) { return !t.reimbursed_before; }, errors::Rules,
     kBeforeFacts},
    // The size as a fact of the period. Decisions on claims that were signed before it was one do
    // not have it, and go by the size of the day of signing.
    {"SIZE_KNOWN", [](const Terms& t) { return t.size_known; }, errors::Rules, kSizeFacts,
     [](const Terms& t) { return t.by_size_of_day; }},
    {"RATE_KNOWN", [](const Terms& t) { return t.rate_known; }, errors::Rules, kRateFacts},
}};

// Goods are of a producer, services of somebody who supplies them.
bool IsDomestic(const KindRule& rule, const std::string& as) {
  const std::vector<absl::string_view> activities = absl::StrSplit(as, ',');
  return std::find(activities.begin(), activities.end(), rule.goods ? "PRODUCER" : "SERVICES") !=
         activities.end();
}

// What it comes to when every rule is satisfied.
absl::StatusOr<Money> AmountBy(const Terms& terms) {
  return LineAmount(terms.net, terms.rate_bp, terms.factor_milli);
}

absl::StatusOr<Terms> TermsIn(const Facts& facts) {
  RETURN_IF_ERROR(facts.Text(kCode).status());
  ASSIGN_OR_RETURN(const std::string kind_name, facts.Text(kKind));
  v1::CostKind kind = v1::COST_KIND_UNSPECIFIED;
  if (!v1::CostKind_Parse(kind_name, &kind) || RuleOfKind(kind) == nullptr) {
    return base::StoreCorrupt("fact of a kind");
  }
  Terms terms;
  ASSIGN_OR_RETURN(const std::string entry, facts.Text(kEntryOfList));
  terms.on_list = entry != kNone;
  ASSIGN_OR_RETURN(terms.signed_on, facts.Date(kSignDate));
  ASSIGN_OR_RETURN(terms.paid_on, facts.Date(kPaymentDate));
  ASSIGN_OR_RETURN(terms.months, facts.Number(kMonths));
  ASSIGN_OR_RETURN(const std::string domestic, facts.Text(kProducer));
  terms.domestic = IsDomestic(*RuleOfKind(kind), domestic);
  ASSIGN_OR_RETURN(const std::string taken, facts.Text(kInvoiceTaken));
  terms.invoice_taken = taken != "0";
  ASSIGN_OR_RETURN(const std::string before, facts.Text(kReimbursedBefore));
  terms.reimbursed_before = before != "0";
  ASSIGN_OR_RETURN(const std::string rate_by, facts.Text(kRateBy));
  terms.rate_known = rate_by != kUnknown;
  terms.by_size_of_day = facts.Has(kSize) || facts.Has(kSizeDate);
  if (terms.by_size_of_day) {
    ASSIGN_OR_RETURN(const std::string size, facts.Text(kSize));
    ASSIGN_OR_RETURN(const base::Date day, facts.Date(kSizeDate));
    terms.size_known = size == rate_by && day == terms.paid_on;
  }
  ASSIGN_OR_RETURN(const std::string rate_text, facts.Text(kRate));
  const auto rate = base::Percent::Parse(rate_text);
  if (!rate.ok()) return base::StoreCorrupt("fact of a rate");
  terms.rate_bp = rate->hundredths();
  ASSIGN_OR_RETURN(const std::string factor_text, facts.Text(kFactor));
  ASSIGN_OR_RETURN(terms.factor_milli, Thousandths(factor_text));
  ASSIGN_OR_RETURN(terms.net, facts.Money(kNet));
  return terms;
}

absl::StatusOr<Decision> DecideExpense(const Facts& facts) {
  ASSIGN_OR_RETURN(const Terms terms, TermsIn(facts));
  Decision decision;
  for (const Rule& rule : kExpenseRules) {
    if (!rule.asked(terms)) continue;
    AddFinding(&decision, rule.name, rule.satisfied(terms), rule.basis(), facts, rule.facts);
  }
  Money amount;
  if (cases::AllSatisfied(decision)) {
    ASSIGN_OR_RETURN(amount, AmountBy(terms));
  }
  decision.set_outcome(amount.ToString());
  return decision;
}

// By what the rate of a cost is found: a word, and where it is from; none where that is not known.
std::optional<Told> RateBy(const KindRule& rule, const ExpenseFacts& told) {
  return rule.by_level ? told.entry : std::optional(told.size);
}

// The day that it is of.
base::Date DayOfRateBy(const KindRule& rule, const ExpenseFacts& told) {
  return rule.by_level ? told.sign_date : told.size_day.value_or(told.sign_date);
}

const norms::Norm* RateOf(const KindRule& rule, const std::optional<Told>& by,
                          const ExpenseNorms& norms) {
  return by.has_value() ? norms.rate(rule.by_level, by->value) : nullptr;
}

int32_t HundredthsOf(const norms::Norm& percent) {
  return static_cast<int32_t>(percent.millionths / (norms::Norm::kOne / 100));
}

// What an examiner has found counts whatever the claimant says of it.
bool IsReimbursedBefore(const Expense& expense) {
  return expense.reimbursed_before() || !expense.found_reimbursed().empty();
}

void SetReimbursed(const Expense& expense, const std::string& etag, Facts* facts) {
  if (expense.found_reimbursed().empty()) {
    facts->Set(kReimbursedBefore, expense.reimbursed_before() ? "1" : "0", expense.name(), etag);
  } else {
    facts->Set(kReimbursedBefore, "1", expense.found_reimbursed());
  }
}

absl::Status CheckDays(const Expense& expense, base::Date today, const std::string& path) {
  for (const auto& [field, date] : {std::pair("contract_date", expense.contract_date()),
                                    std::pair("invoice_date", expense.invoice_date()),
                                    std::pair("payment_date", expense.payment_date())}) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(date));
    if (day > today) {
      return base::InvalidField(absl::StrCat(path, ".", field), "lies in the future");
    }
  }
  return absl::OkStatus();
}

bool IsWord(const std::string& text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isupper);
}

}  // namespace

const KindRule* RuleOfKind(v1::CostKind kind) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                   [kind](const KindRule& rule) { return rule.kind == kind; });
  return found == kKinds.end() ? nullptr : found;
}

bool IsBySize(const Expense& expense) {
  const KindRule* rule = RuleOfKind(expense.kind());
  return rule != nullptr && !rule->by_level;
}

absl::Status CheckExpense(const Expense& expense, base::Date today, const std::string& path) {
  const auto wrong = [&path](const char* field, const char* what) {
    return base::InvalidField(absl::StrCat(path, ".", field), what);
  };
  const KindRule* rule = RuleOfKind(expense.kind());
  if (rule == nullptr) return wrong("kind", "is none of the kinds of cost");
  if (rule->goods == expense.goods_code().empty()) {
    return wrong("goods_code",
                 rule->goods ? "is required of a cost of goods" : "belongs to costs of goods only");
  }
  if (rule->goods != expense.oked().empty()) {
    return wrong("oked", rule->goods ? "belongs to costs of services only"
                                     : "is required of a cost of services");
  }
  const bool own = expense.claimant_kind() == v1::PRODUCER;
  if (!own && expense.producer().empty()) {
    return wrong("producer", "is required where the claimant is not the producer");
  }
  if (own && !expense.producer().empty() && expense.producer() != expense.claimant()) {
    return wrong("producer", "is the claimant where the claimant is the producer");
  }
  if (!IsMarket(expense.country())) {
    return wrong("country", "must be a foreign market by ISO 3166, as DE");
  }
  RETURN_IF_ERROR(CheckIssuer(expense, path));
  if (OneSpelling(expense.invoice_issuer()).empty()) {
    return wrong("invoice_issuer", "has no letter or digit");
  }
  if (OneSpellingOfNumber(expense.invoice_number()).empty()) {
    return wrong("invoice_number", "has no letter or digit");
  }
  if (!IsWord(expense.currency())) return wrong("currency", "must be three letters, as EUR");
  const bool tenge = expense.currency() == "KZT";
  if (tenge == !expense.exchange_rate().empty()) {
    return wrong("exchange_rate", tenge ? "belongs to costs in other currencies only"
                                        : "is required of a cost in another currency");
  }
  const int32_t units = expense.exchange_units();
  if (units > 1 && tenge) {
    return wrong("exchange_units", "belongs to costs in other currencies only");
  }
  if (units != 0 && units != 1 && units != 10 && units != 100 && units != 1000) {
    return wrong("exchange_units", "must be 1, 10, 100 or 1000");
  }
  RETURN_IF_ERROR(CheckDays(expense, today, path));
  return NetOf(expense, path).status();
}

absl::StatusOr<Money> NetOf(const Expense& expense, const std::string& path) {
  const std::string field = absl::StrCat(path, ".amount");
  const auto amount = base::Quantity::Parse(expense.amount());
  const auto rate = expense.exchange_rate().empty()
                        ? base::Quantity::FromThousandths(1000)
                        : base::Quantity::Parse(expense.exchange_rate());
  if (!amount.ok() || !rate.ok()) return base::InvalidField(field, "is no number");
  // Thousandths by thousandths are millionths of a tenge for so many units: 10,000 are a tiyn.
  const int128 millionths = int128(amount->thousandths()) * rate->thousandths();
  const int128 tiyn_of_units = int128(10'000) * std::max(expense.exchange_units(), 1);
  const int128 tiyn = (2 * millionths + tiyn_of_units) / (2 * tiyn_of_units);
  if (tiyn == 0) return base::InvalidField(field, "comes to nothing");
  if (tiyn > int128(Money::kMaxTiyn)) {
    return base::InvalidField(field, "comes to more than 10^15 tenge");
  }
  return Money::FromTiyn(static_cast<int64_t>(tiyn));
}

bool IsMarket(const std::string& country) {
  return absl::StrContains(kMarkets, absl::StrCat(country, " "));
}

const std::string& ProducerOf(const Expense& expense) {
  return expense.producer().empty() ? expense.claimant() : expense.producer();
}

const std::string& CodeOf(const Expense& expense) {
  return expense.goods_code().empty() ? expense.oked() : expense.goods_code();
}

absl::StatusOr<ExpenseNorms> ExpenseNorms::On(const norms::Norms& norms, base::Date sign_date) {
  ExpenseNorms all;
  ASSIGN_OR_RETURN(all.months_, norms.Get(kMonths, sign_date));
  ASSIGN_OR_RETURN(all.factor_, norms.Get("export_refunds.logistics_factor.yes", sign_date));
  ASSIGN_OR_RETURN(all.no_factor_, norms.Get("export_refunds.logistics_factor.no", sign_date));
  for (const char* by :
       {"size.small", "size.medium", "size.large", "level.low", "level.medium", "level.high"}) {
    ASSIGN_OR_RETURN(all.rates_[by], norms.Get(absl::StrCat(kRatePrefix, by), sign_date));
  }
  all.edition_ = norms.edition();
  return all;
}

const norms::Norm* ExpenseNorms::rate(bool by_level, const std::string& by) const {
  const std::string word = !by_level && by == "MICRO" ? "small" : absl::AsciiStrToLower(by);
  const auto found = rates_.find(absl::StrCat(by_level ? "level." : "size.", word));
  return found == rates_.end() ? nullptr : &found->second;
}

absl::StatusOr<v1::Line> LineOf(const Expense& expense, const ExpenseFacts& told,
                                const ExpenseNorms& norms) {
  const KindRule* kind = RuleOfKind(expense.kind());
  if (kind == nullptr) return base::StoreCorrupt("kind of an expense");
  const std::optional<Told> by = RateBy(*kind, told);
  const norms::Norm* rate = RateOf(*kind, by, norms);
  Terms terms;
  terms.on_list = told.entry.has_value();
  terms.signed_on = told.sign_date;
  ASSIGN_OR_RETURN(terms.paid_on, base::Date::FromProto(expense.payment_date()));
  terms.months = norms.months().millionths / norms::Norm::kOne;
  terms.domestic = IsDomestic(*kind, told.producer.value);
  terms.invoice_taken = told.invoice_taken;
  terms.reimbursed_before = IsReimbursedBefore(expense);
  terms.rate_known = rate != nullptr;
  terms.by_size_of_day = !kind->by_level && told.size_day.has_value();
  terms.size_known = rate != nullptr && told.size_day == terms.paid_on;
  terms.factor_milli = norms.factor(expense.logistics()).millionths / (norms::Norm::kOne / 1'000);
  ASSIGN_OR_RETURN(terms.net, Money::FromProto(expense.net()));
  v1::Line line;
  *line.mutable_net() = expense.net();
  line.set_rate_by(kUnknown);
  *line.mutable_rate_by_date() = DayOfRateBy(*kind, told).ToProto();
  if (by.has_value()) {
    line.set_rate_by_source(by->source);
    line.set_rate_by_version(by->version);
  }
  if (rate != nullptr) {
    terms.rate_bp = HundredthsOf(*rate);
    line.set_rate_bp(terms.rate_bp);
    line.set_rate_by(by->value);
    line.set_rate_norm(rate->key);
    line.set_rate_source(rate->source);
    line.set_rate_certainty(std::string(norms::Name(rate->certainty)));
  }
  line.set_logistics_factor_milli(static_cast<int32_t>(terms.factor_milli));
  for (const Rule& rule : kExpenseRules) {
    if (rule.asked(terms) && !rule.satisfied(terms)) line.add_unsatisfied(rule.name);
  }
  Money amount;
  if (line.unsatisfied().empty()) {
    ASSIGN_OR_RETURN(amount, AmountBy(terms));
  }
  *line.mutable_amount() = amount.ToProto();
  return line;
}

absl::StatusOr<Decision> ExamineExpense(const Expense& expense, const ExpenseFacts& told,
                                        const ExpenseNorms& norms) {
  const KindRule* kind = RuleOfKind(expense.kind());
  if (kind == nullptr) return base::StoreCorrupt("kind of an expense");
  ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(expense.payment_date()));
  Facts facts;
  const auto own = [&](const char* name, const std::string& value) {
    facts.Set(name, value, expense.name(), told.etag);
  };
  own(kKind, v1::CostKind_Name(expense.kind()));
  own(kCode, CodeOf(expense));
  own(kPaymentDate, paid_on.ToString());
  SetReimbursed(expense, told.etag, &facts);
  ASSIGN_OR_RETURN(const Money net, Money::FromProto(expense.net()));
  own(kNet, net.ToString());
  facts.Set(kSignDate, told.sign_date.ToString(), "day of signing");
  facts.Set(kInvoiceTaken, told.invoice_taken ? "1" : "0", kInvoices, told.register_version);
  facts.Set(kProducer, told.producer.value, told.producer.source, told.producer.version);
  if (told.entry.has_value()) {
    facts.Set(kEntryOfList, told.entry->source, told.entry->source, told.entry->version);
  } else {
    facts.Set(kEntryOfList, kNone, kListOfDay, told.register_version);
  }
  const std::optional<Told> by = RateBy(*kind, told);
  const norms::Norm* rate = RateOf(*kind, by, norms);
  if (rate != nullptr) {
    facts.Set(kRateBy, by->value, by->source, by->version);
    facts.Set(kRate, rate->text, NormSource(*rate));
  } else if (kind->by_level) {
    facts.Set(kRateBy, kUnknown, kListOfDay, told.register_version);
    facts.Set(kRate, "0", "none");
  } else {
    facts.Set(kRateBy, kUnknown, told.size.source, told.size.version);
    facts.Set(kRate, "0", "none");
  }
  if (!kind->by_level && told.size_day.has_value()) {
    facts.Set(kSize, told.size.value, told.size.source, told.size.version);
    facts.Set(kSizeDate, told.size_day->ToString(), told.size.source, told.size.version);
  }
  const norms::Norm& factor = norms.factor(expense.logistics());
  facts.Set(kFactor, factor.text, NormSource(factor));
  facts.Set(kMonths, absl::StrCat(norms.months().millionths / norms::Norm::kOne),
            NormSource(norms.months()));
  ASSIGN_OR_RETURN(Decision decision, DecideExpense(facts));
  decision.set_norms_edition(norms.edition());
  const auto assumed = [](const norms::Norm* norm) {
    return norm != nullptr && norm->certainty == norms::Certainty::kAssumption;
  };
  decision.set_rests_on_assumption(assumed(rate) || assumed(&factor) || assumed(&norms.months()) ||
                                   told.producer.assumption || (by.has_value() && by->assumption));
  return decision;
}

absl::StatusOr<Decision> ReplayExamination(const Decision& stored) {
  return cases::Replay(stored, DecideExpense);
}

absl::StatusOr<Decision> ExamineFreed(const Decision& stored, const std::string& register_version) {
  Facts facts = Facts::Of(stored);
  facts.Set(kInvoiceTaken, "0", kInvoices, register_version);
  ASSIGN_OR_RETURN(Decision decision, DecideExpense(facts));
  decision.set_norms_edition(stored.norms_edition());
  decision.set_rests_on_assumption(stored.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ExamineReimbursed(const Expense& expense, const ExpenseFacts& told) {
  const Decision& stored = expense.examination();
  Facts facts = Facts::Of(stored);
  SetReimbursed(expense, told.etag, &facts);
  facts.Set(kInvoiceTaken, told.invoice_taken ? "1" : "0", kInvoices, told.register_version);
  ASSIGN_OR_RETURN(Decision decision, DecideExpense(facts));
  decision.set_norms_edition(stored.norms_edition());
  decision.set_rests_on_assumption(stored.rests_on_assumption());
  return decision;
}

std::vector<std::string> UnsatisfiedOf(const Decision& decision) {
  std::vector<std::string> rules;
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) rules.push_back(finding.rule());
  }
  return rules;
}

base::Date FirstDayOf(base::Date day, int64_t months) {
  const int64_t month = int64_t{day.year()} * 12 + day.month() - 1 - months;
  const auto same = base::Date::Of(month / 12, month % 12 + 1, day.day());
  if (same.ok()) return *same;
  // 29 February of a year that has none, 31 of a month of 30: the last day of that month.
  const auto next = base::Date::Of((month + 1) / 12, (month + 1) % 12 + 1, 1);
  return next.ok() ? next->AddDays(-1) : base::Date::Min();
}

absl::StatusOr<Money> LineAmount(Money net, int32_t rate_bp, int64_t factor_milli) {
  const int128 product = int128(net.tiyn()) * rate_bp * factor_milli;
  constexpr int64_t kWhole = int64_t{10'000} * 1'000;
  const int128 tiyn = (2 * product + kWhole) / (2 * kWhole);
  if (tiyn > int128(Money::kMaxTiyn)) {
    return absl::InvalidArgumentError("is over 10^15 tenge in all");
  }
  return Money::FromTiyn(static_cast<int64_t>(tiyn));
}

}  // namespace nisi::export_refunds
