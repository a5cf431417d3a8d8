#include "common/cases/obligations.h"

#include <gmpxx.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/decimal.h"
#include "common/base/sums.h"
#include "common/norms/term.h"

namespace nisi::cases {
namespace {

using base::Date;
using base::Money;
using Fraction = mpq_class;

constexpr int kScale = 3;  // of baselines, targets and what was reached
constexpr int32_t kWhole = 10'000;
constexpr int kYearDays = 365;  // also of a leap year
constexpr char kCount[] = "obligations";
constexpr char kPayments[] = "payments";
constexpr char kDemanded[] = "demand_date";
constexpr char kDue[] = "return_due_date";
constexpr char kTolerance[] = "obligations.tolerance";
constexpr char kReturnDays[] = "obligations.return_days";
constexpr char kBaseRate[] = "base_rate";
constexpr char kRates[] = "base_rates";

std::string FactName(const char* what, int number, const char* part) {
  return absl::StrCat(what, ".", number, ".", part);
}
std::string OfObligation(int number, const char* part) {
  return FactName("obligation", number, part);
}
std::string OfPayment(int number, const char* part) {
  return FactName("payment", number, part);
}
std::string OfRate(int number, const char* part) {
  return FactName(kBaseRate, number, part);
}

Fraction Of(int64_t number) {
  return Fraction(mpz_class(static_cast<long>(number)));
}

absl::StatusOr<Fraction> Decimal(const Facts& facts, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
  const auto value = base::ParseDecimal(text, kScale);
  if (!value.ok()) return base::StoreCorrupt(absl::StrCat("fact ", name));
  return Of(*value);  // all of one scale: only quotients are taken
}

// Of a number that is not negative.
mpz_class HalfUp(const Fraction& value) {
  const mpz_class twice = 2 * value.get_num() + value.get_den();
  const mpz_class by = 2 * value.get_den();
  return twice / by;
}

absl::StatusOr<Money> TiynOf(const mpz_class& tiyn) {
  if (abs(tiyn) > Money::kMaxTiyn) return base::SumsTooLarge();
  return Money::FromTiyn(tiyn.get_si());
}

absl::StatusOr<google::type::Money> Shown(const Fraction& tiyn) {
  ASSIGN_OR_RETURN(const Money money, TiynOf(HalfUp(tiyn)));
  return money.ToProto();
}

Fraction Within01(const Fraction& value) {
  if (value < 0) return 0;
  return value > 1 ? Fraction(1) : value;
}

// a: how far one obligation is fulfilled.
absl::StatusOr<Fraction> Level(const Facts& facts, int number) {
  ASSIGN_OR_RETURN(const std::string reached, facts.Text(OfObligation(number, "fact")));
  if (reached.empty()) return Fraction(0);
  ASSIGN_OR_RETURN(const Fraction fact, Decimal(facts, OfObligation(number, "fact")));
  ASSIGN_OR_RETURN(const Fraction target, Decimal(facts, OfObligation(number, "target")));
  ASSIGN_OR_RETURN(const std::string start, facts.Text(OfObligation(number, "baseline")));
  if (!start.empty()) {
    ASSIGN_OR_RETURN(const Fraction baseline, Decimal(facts, OfObligation(number, "baseline")));
    if (baseline != target) return Within01((fact - baseline) / (target - baseline));
  }
  if (target == 0) return base::StoreCorrupt(absl::StrCat("the target of obligation ", number));
  return Within01(fact / target);
}

// FACT_MISSING also for those that the rule has shown without asking for their values.
absl::Status Find(const std::string& rule, bool satisfied, const base::LegalBasis& basis,
                  const Facts& facts, const std::vector<std::string>& names,
                  decision::v1::Decision* decision) {
  for (const std::string& name : names) RETURN_IF_ERROR(facts.Text(name).status());
  AddFinding(decision, rule, satisfied, basis, facts, names);
  return absl::OkStatus();
}

// Art. 27(3): labour productivity and export are to increase; needs of the domestic market are to
// be met, which may also be that less comes from abroad.
bool IsToGrow(Obligation::Area area) {
  return area == Obligation::LABOUR_PRODUCTIVITY || area == Obligation::EXPORT;
}

// A, and a finding an obligation.
absl::StatusOr<Fraction> Achieve(const Facts& facts, Judged* judged) {
  ASSIGN_OR_RETURN(const int64_t count, facts.Number(kCount));
  Fraction all = 0;
  for (int number = 1; number <= count; ++number) {
    ASSIGN_OR_RETURN(const Fraction level, Level(facts, number));
    ASSIGN_OR_RETURN(const int64_t weight, facts.Number(OfObligation(number, "weight_bp")));
    // None has one: all count alike.
    const Fraction share =
        weight == 0 ? Fraction(Of(1) / Of(count)) : Fraction(Of(weight) / Of(kWhole));
    all += level * share;
    Achievement::Part* part = judged->achievement.add_parts();
    ASSIGN_OR_RETURN(*part->mutable_fact(), facts.Text(OfObligation(number, "fact")));
    part->set_level(level.get_str());
    RETURN_IF_ERROR(Find(absl::StrCat("OBLIGATION_", number, "_FULFILLED"), level == 1,
                         CounterObligations(), facts,
                         {kCount, OfObligation(number, "area"), OfObligation(number, "baseline"),
                          OfObligation(number, "target"), OfObligation(number, "weight_bp"),
                          OfObligation(number, "fact")},
                         &judged->decision));
  }
  judged->achievement.set_level(all.get_str());
  const Fraction percent = all * kWhole;
  const mpz_class hundredths = percent.get_num() / percent.get_den();
  judged->achievement.set_percent(base::FormatDecimal(hundredths.get_si(), 2));
  return all;
}

struct Rate {
  Date from;
  std::string text;
  int64_t hundredths = 0;
};

absl::StatusOr<std::vector<Rate>> RatesIn(const Facts& facts) {
  ASSIGN_OR_RETURN(const int64_t count, facts.Number(kRates));
  std::vector<Rate> rates;
  for (int number = 1; number <= count; ++number) {
    Rate rate;
    ASSIGN_OR_RETURN(rate.from, facts.Date(OfRate(number, "from")));
    ASSIGN_OR_RETURN(rate.text, facts.Text(OfRate(number, "percent")));
    const auto percent = base::Percent::Parse(rate.text);
    if (!percent.ok()) return base::StoreCorrupt("fact base_rate");
    rate.hundredths = percent->hundredths();
    rates.push_back(std::move(rate));
  }
  return rates;
}

// Interest from the day after the payment to the day of demand, each day at its rate.
absl::StatusOr<Fraction> AddInterest(const std::vector<Rate>& rates, const Fraction& principal,
                                     Date paid_on, Date demanded, Return::Line* line) {
  Fraction interest = 0;
  for (size_t i = 0; i < rates.size(); ++i) {
    const Date from = std::max(rates[i].from, paid_on.AddDays(1));
    const Date to =
        i + 1 < rates.size() ? std::min(rates[i + 1].from.AddDays(-1), demanded) : demanded;
    if (from > to) continue;
    const int days = to - from + 1;
    // A rate in hundredths of a percent is so many ten-thousandths.
    const Fraction amount = principal * Of(rates[i].hundredths) * days / (kWhole * kYearDays);
    Return::Interest* shown = line->add_interest();
    *shown->mutable_from() = from.ToProto();
    *shown->mutable_to() = to.ToProto();
    shown->set_days(days);
    shown->set_rate(rates[i].text);
    ASSIGN_OR_RETURN(*shown->mutable_amount(), Shown(amount));
    interest += amount;
  }
  return interest;
}

absl::Status Demand(const Facts& facts, const Fraction& missed, Judged* judged) {
  ASSIGN_OR_RETURN(const int64_t payments, facts.Number(kPayments));
  ASSIGN_OR_RETURN(const Date demanded, facts.Date(kDemanded));
  ASSIGN_OR_RETURN(const std::vector<Rate> rates, RatesIn(facts));
  Return& demand = judged->demand;
  Fraction principals = 0;
  Fraction interests = 0;
  std::vector<std::string> names = {kPayments, kDemanded, kRates};
  for (int number = 1; number <= payments; ++number) {
    ASSIGN_OR_RETURN(const Money paid, facts.Money(OfPayment(number, "amount")));
    ASSIGN_OR_RETURN(const Date paid_on, facts.Date(OfPayment(number, "date")));
    Return::Line* line = demand.add_lines();
    line->set_payment(facts.Get(OfPayment(number, "amount")).source());
    *line->mutable_paid() = paid.ToProto();
    *line->mutable_paid_on() = paid_on.ToProto();
    const Fraction principal = Of(paid.tiyn()) * missed;
    ASSIGN_OR_RETURN(*line->mutable_principal(), Shown(principal));
    ASSIGN_OR_RETURN(const Fraction interest,
                     AddInterest(rates, principal, paid_on, demanded, line));
    principals += principal;
    interests += interest;
    names.push_back(OfPayment(number, "amount"));
    names.push_back(OfPayment(number, "date"));
  }
  for (size_t number = 1; number <= rates.size(); ++number) {
    names.push_back(OfRate(static_cast<int>(number), "from"));
    names.push_back(OfRate(static_cast<int>(number), "percent"));
  }
  ASSIGN_OR_RETURN(const Money all_principal, TiynOf(HalfUp(principals)));
  ASSIGN_OR_RETURN(const Money all_interest, TiynOf(HalfUp(interests)));
  *demand.mutable_principal() = all_principal.ToProto();
  *demand.mutable_interest() = all_interest.ToProto();
  const Fraction tenge = (principals + interests) / 100;
  ASSIGN_OR_RETURN(const Money total, TiynOf(HalfUp(tenge) * 100));
  *demand.mutable_total() = total.ToProto();
  *demand.mutable_demand_date() = demanded.ToProto();
  ASSIGN_OR_RETURN(const Date due, facts.Date(kDue));
  *demand.mutable_due_date() = due.ToProto();
  names.insert(names.end(), {kReturnDays, kDue});
  RETURN_IF_ERROR(Find("NOTHING_TO_RETURN", total.is_zero(), ReturnOfMoneyOwed(), facts, names,
                       &judged->decision));
  TellComputed(&judged->decision, "return.principal", all_principal.ToString());
  TellComputed(&judged->decision, "return.interest", all_interest.ToString());
  TellComputed(&judged->decision, "return.total", total.ToString());
  return absl::OkStatus();
}

}  // namespace

base::LegalBasis CounterObligations() {
  return base::Law("Art. 27(3)",
                   "Counter-obligations are determined in labour productivity, export-oriented "
                   "goods and needs of the domestic market, together or separately.");
}

base::LegalBasis ReturnOfMoneyOwed() {
  return base::Law("Art. 27(4)",
                   "Where counter-obligations are not fulfilled, the money received is returned by "
                   "the level of fulfilment and the base rate of the National Bank.");
}

absl::Status CheckObligations(const Obligations& obligations, const std::string& field) {
  if (obligations.empty()) {
    return base::Refusal(absl::StatusCode::kInvalidArgument, "OBLIGATION_MISSING",
                         "At least one counter-obligation is needed.")
        .Field(field, "holds none")
        .Cite(CounterObligations());
  }
  int32_t weights = 0;
  int weighted = 0;
  for (int i = 0; i < obligations.size(); ++i) {
    const Obligation& obligation = obligations[i];
    const std::string path = absl::StrCat(field, "[", i, "].target");
    const auto target = base::Quantity::Parse(obligation.target());
    const auto baseline = base::Quantity::Parse(obligation.baseline());
    const bool from_above = baseline.ok() && baseline->thousandths() > 0;
    if (!target.ok() || (target->thousandths() == 0 && !from_above)) {
      return base::InvalidField(path, "must be above 0, or 0 from a baseline above it");
    }
    if (IsToGrow(obligation.area()) && baseline.ok() && *target < *baseline) {
      return base::InvalidField(path, "must not be below the baseline: it is to increase");
    }
    weights += obligation.weight_bp();
    weighted += obligation.weight_bp() > 0 ? 1 : 0;
  }
  if (weighted == 0 || (weighted == obligations.size() && weights == kWhole))
    return absl::OkStatus();
  return base::InvalidField(absl::StrCat(field, ".weight_bp"),
                            "all have a weight and together 10000, or none has one");
}

void SetObligations(const Obligations& obligations, const std::string& record,
                    const std::string& version, Facts* facts) {
  facts->Set(kCount, absl::StrCat(obligations.size()), record, version);
  for (int i = 0; i < obligations.size(); ++i) {
    const Obligation& obligation = obligations[i];
    const auto set = [&](const char* part, const std::string& value) {
      facts->Set(OfObligation(i + 1, part), value, record, version);
    };
    set("area", Obligation::Area_Name(obligation.area()));
    set("baseline", obligation.baseline());
    set("target", obligation.target());
    set("weight_bp", absl::StrCat(obligation.weight_bp()));
    facts->Set(OfObligation(i + 1, "fact"), "", "not reported");
  }
}

void SetOutcome(int number, const std::string& fact, const std::string& record,
                const std::string& version, Facts* facts) {
  facts->Set(OfObligation(number, "fact"), fact, record, version);
}

void SetPayment(int number, Money paid, Date day, const std::string& record,
                const std::string& version, Facts* facts) {
  facts->Set(kPayments, absl::StrCat(number), "count");
  facts->Set(OfPayment(number, "amount"), paid.ToString(), record, version);
  facts->Set(OfPayment(number, "date"), day.ToString(), record, version);
}

absl::Status SetReturnNorms(const norms::Norms& norms, Date demanded, Facts* facts) {
  if (!facts->Has(kTolerance)) RETURN_IF_ERROR(facts->SetNorm(norms, kTolerance, demanded));
  RETURN_IF_ERROR(facts->SetNorm(norms, kReturnDays, demanded));
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(norms, kReturnDays, demanded));
  facts->Set(kDemanded, demanded.ToString(), "clock");
  facts->Set(kDue, term.last_day.ToString(), "computed");
  const auto payments = facts->Number(kPayments);
  if (!payments.ok()) facts->Set(kPayments, "0", "count");
  Date first = demanded;
  for (int number = 1; number <= payments.value_or(0); ++number) {
    ASSIGN_OR_RETURN(const Date paid_on, facts->Date(OfPayment(number, "date")));
    first = std::min(first, paid_on);
  }
  int count = 0;
  // Asks the series day by day only where it changes.
  for (Date day = first; day <= demanded;) {
    ASSIGN_OR_RETURN(const norms::Norm rate, norms.Get(kBaseRate, day));
    // Marks the judgment as one that rests on assumptions where any rate is one.
    RETURN_IF_ERROR(facts->SetNorm(norms, kBaseRate, day));
    ++count;
    const std::string source = absl::StrCat(norms::Name(rate.certainty), ": ", rate.source);
    facts->Set(OfRate(count, "from"), rate.from.ToString(), source);
    facts->Set(OfRate(count, "percent"), rate.text, source);
    if (!rate.to.has_value()) break;
    day = rate.to->AddDays(1);
  }
  facts->Set(kRates, absl::StrCat(count), "count");
  return absl::OkStatus();
}

absl::StatusOr<Judged> JudgeReturn(const Facts& facts) {
  Judged judged;
  ASSIGN_OR_RETURN(const Fraction all, Achieve(facts, &judged));
  ASSIGN_OR_RETURN(const std::string tolerance, facts.Text(kTolerance));
  const auto percent = base::Percent::Parse(tolerance);
  if (!percent.ok()) return base::StoreCorrupt("fact obligations.tolerance");
  const bool enough = all * kWhole >= Of(percent->hundredths());
  RETURN_IF_ERROR(Find("TOLERANCE_REACHED", enough, ReturnOfMoneyOwed(), facts, {kTolerance},
                       &judged.decision));
  TellComputed(&judged.decision, "achievement.level", judged.achievement.level());
  RETURN_IF_ERROR(Demand(facts, enough ? Fraction(0) : Fraction(1 - all), &judged));
  const bool nothing = judged.demand.total().units() == 0;  // whole tenge
  judged.decision.set_outcome(enough ? "FULFILLED" : nothing ? "NOTHING_TO_RETURN" : "RETURN");
  judged.decision.set_rests_on_assumption(facts.rests_on_assumption());
  return judged;
}

absl::StatusOr<base::Percent> RateOfDemand(const decision::v1::Decision& stored) {
  ASSIGN_OR_RETURN(const std::vector<Rate> rates, RatesIn(Facts::Of(stored)));
  if (rates.empty()) return base::StoreCorrupt("fact base_rates");
  return base::Percent::FromHundredths(rates.back().hundredths);
}

absl::StatusOr<Money> LateInterest(Money unpaid, base::Percent rate, Date late_from, Date late_to) {
  if (late_from > late_to) return Money();
  const Fraction days = Of(late_to - late_from + 1);
  return TiynOf(HalfUp(Of(unpaid.tiyn()) * Of(rate.hundredths()) * days / (kWhole * kYearDays)));
}

}  // namespace nisi::cases
