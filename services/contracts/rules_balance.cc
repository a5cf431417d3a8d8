// What the events of a contract come to.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "services/contracts/errors.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr char kFirstYearShare[] = "contracts.first_year_share";
constexpr char kLaterYearsShare[] = "contracts.later_years_share";
constexpr char kPenaltyShare[] = "contracts.penalty_share";
constexpr char kPenaltyCap[] = "contracts.penalty_cap";
constexpr char kOffsetPenalty[] = "contracts.offset_penalty_share";

// A share of a whole in hundredths of a percent, rounded half up.
int64_t PartOf(int64_t whole, int64_t hundredths) {
  return static_cast<int64_t>((absl::int128(whole) * hundredths + 5'000) / 10'000);
}

absl::StatusOr<int64_t> ShareIn(const Facts& facts, const char* name) {
  ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
  const auto share = base::Percent::Parse(text);
  if (!share.ok()) return base::StoreCorrupt("fact of a share");
  return share->hundredths();
}

// A quantity of a fact, in thousandths.
absl::StatusOr<int64_t> VolumeIn(const Facts& facts, const char* name) {
  ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
  const auto quantity = base::Quantity::Parse(text);
  if (!quantity.ok()) return base::StoreCorrupt("fact of a volume");
  return quantity->thousandths();
}

// What follows from the facts of a year.
struct YearResult {
  int64_t obligation = 0, performed = 0, shortfall = 0;
  Money accepted_value, unpaid, penalty;
};

// The facts of a year as what they are; volumes in thousandths.
struct YearRead {
  std::string type;
  int64_t contracted = 0, delivered = 0, accepted = 0, accepted_later = 0;
  // By whose fault: of what was delivered, the supplier's; of what was not, another's.
  int64_t refused_delivered = 0, refused_undelivered = 0;
  Money price, paid;
  bool over = false;
  int64_t number = 0;

  bool is_off_take() const { return type == "OFF_TAKE"; }
};

absl::StatusOr<YearRead> ReadYear(const Facts& facts) {
  YearRead year;
  ASSIGN_OR_RETURN(year.type, facts.Text("type"));
  ASSIGN_OR_RETURN(year.contracted, VolumeIn(facts, "contracted"));
  ASSIGN_OR_RETURN(year.delivered, VolumeIn(facts, "delivered"));
  ASSIGN_OR_RETURN(year.accepted, VolumeIn(facts, "accepted"));
  ASSIGN_OR_RETURN(year.accepted_later, VolumeIn(facts, "accepted_after_the_year"));
  ASSIGN_OR_RETURN(year.refused_delivered, VolumeIn(facts, "refused_delivered_suppliers_fault"));
  ASSIGN_OR_RETURN(year.refused_undelivered, VolumeIn(facts, "refused_undelivered_others_fault"));
  ASSIGN_OR_RETURN(year.price, facts.Money("price"));
  ASSIGN_OR_RETURN(year.paid, facts.Money("paid"));
  ASSIGN_OR_RETURN(const int64_t over, facts.Number("year_over"));
  year.over = over == 1;
  ASSIGN_OR_RETURN(year.number, facts.Number("year_number"));
  return year;
}

// Whether the share of an off-take contract was accepted, as far as the supplier performed.
absl::Status FindAccepted(const Facts& facts, const YearRead& year, YearResult* result,
                          Decision* decision) {
  const char* key = year.number == 1 ? kFirstYearShare : kLaterYearsShare;
  ASSIGN_OR_RETURN(const int64_t share, ShareIn(facts, key));
  // At least the share: a part of a thousandth is a whole one.
  result->obligation =
      static_cast<int64_t>((absl::int128(year.contracted) * share + 9'999) / 10'000);
  // The supplier performs by what it delivers without fault, and by what is not taken of what it
  // has not delivered.
  const int64_t rest = std::max<int64_t>(0, year.contracted - year.delivered);
  result->performed = std::max<int64_t>(0, year.delivered - year.refused_delivered) +
                      std::min(year.refused_undelivered, rest);
  const int64_t due = std::min(result->obligation, result->performed);
  result->shortfall = std::max<int64_t>(0, due - year.accepted);
  AddFinding(decision, "ACCEPTED_AS_OBLIGED", result->shortfall == 0, errors::Buying(), facts,
             {"type", "contracted", "year_number", key, "delivered", "accepted",
              "refused_delivered_suppliers_fault", "refused_undelivered_others_fault"});
  cases::TellComputed(decision, "obligation", QuantityText(result->obligation));
  cases::TellComputed(decision, "performed", QuantityText(result->performed));
  cases::TellComputed(decision, "shortfall", QuantityText(result->shortfall));
  return absl::OkStatus();
}

// Where there is no share to buy: whether the purchases of the last year that is told were below
// the threshold from which such a contract is concluded.
absl::StatusOr<bool> FindBelowThreshold(const Facts& facts, Decision* decision) {
  AddFinding(decision, "NO_SHARE_TO_BUY", true, errors::Procurement(), facts,
             {"type", "year_over"});
  bool below = false;
  for (const std::string& index : facts.NamesUnder("mci.")) {
    int32_t year = 0;
    if (!absl::SimpleAtoi(index.substr(4), &year)) return base::StoreCorrupt("fact of a year");
    RETURN_IF_ERROR(
        FindOverThreshold(facts, "PURCHASES_OVER_THRESHOLD", "purchases", year, decision));
    below = !decision->findings().rbegin()->satisfied();
  }
  return below;
}

// For what was not accepted as obliged, once the year is over.
absl::Status FindPenalty(const Facts& facts, const YearRead& year, YearResult* result,
                         Decision* decision) {
  ASSIGN_OR_RETURN(const int64_t penalty_share, ShareIn(facts, kPenaltyShare));
  ASSIGN_OR_RETURN(const int64_t penalty_cap, ShareIn(facts, kPenaltyCap));
  ASSIGN_OR_RETURN(const Money missing, ValueOf(result->shortfall, year.price));
  ASSIGN_OR_RETURN(const Money whole, ValueOf(year.contracted, year.price));
  const int64_t tiyn =
      std::min(PartOf(missing.tiyn(), penalty_share), PartOf(whole.tiyn(), penalty_cap));
  if (year.over) {
    ASSIGN_OR_RETURN(result->penalty, Money::FromTiyn(tiyn));
  }
  AddFinding(decision, "NO_PENALTY", result->penalty.is_zero(), errors::NotBuying(), facts,
             {"price", "year_over", kPenaltyShare, kPenaltyCap});
  cases::TellComputed(decision, "penalty", result->penalty.ToString());
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideYearWith(const Facts& facts, YearResult* result) {
  Decision decision;
  ASSIGN_OR_RETURN(const YearRead year, ReadYear(facts));
  ASSIGN_OR_RETURN(result->accepted_value,
                   ValueOf(year.accepted + year.accepted_later, year.price));
  result->unpaid = year.paid >= result->accepted_value
                       ? Money()
                       : *Money::FromTiyn(result->accepted_value.tiyn() - year.paid.tiyn());
  if (year.is_off_take()) RETURN_IF_ERROR(FindAccepted(facts, year, result, &decision));
  AddFinding(&decision, "PAID_FOR", result->unpaid.is_zero(), errors::Buying(), facts,
             {"type", "contracted", "delivered", "accepted", "accepted_after_the_year", "price",
              "paid", "year_number", "year_over", "refused_delivered_suppliers_fault",
              "refused_undelivered_others_fault"});
  cases::TellComputed(&decision, "unpaid", result->unpaid.ToString());
  // To be ensured are acceptance and payment; while the year runs neither is late.
  const bool unpaid = year.over && !result->unpaid.is_zero();
  if (!year.is_off_take()) {
    ASSIGN_OR_RETURN(const bool below, FindBelowThreshold(facts, &decision));
    decision.set_outcome(unpaid ? "NOT_PAID" : below ? "BELOW_THRESHOLD" : "NO_OBLIGATION");
    return decision;
  }
  RETURN_IF_ERROR(FindPenalty(facts, year, result, &decision));
  decision.set_outcome(result->shortfall != 0 ? "SHORTFALL"
                       : unpaid               ? "NOT_PAID"
                                              : "OBLIGATION_MET");
  return decision;
}

absl::StatusOr<Decision> DecideYear(const Facts& facts) {
  YearResult result;
  return DecideYearWith(facts, &result);
}

absl::StatusOr<Decision> DecideOffset(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const Money value, facts.Money("value"));
  ASSIGN_OR_RETURN(const Money accepted, facts.Money("accepted"));
  ASSIGN_OR_RETURN(const int64_t share, ShareIn(facts, kOffsetPenalty));
  const int64_t missing = std::max<int64_t>(0, value.tiyn() - accepted.tiyn());
  AddFinding(&decision, "CONDITION_FULFILLED", missing == 0, errors::OffsetPenalty(), facts,
             {"value", "accepted", "due_date", "day", kOffsetPenalty});
  ASSIGN_OR_RETURN(const Money penalty, Money::FromTiyn(PartOf(missing, share)));
  cases::TellComputed(&decision, "missing", Money::FromTiyn(missing)->ToString());
  decision.set_outcome(penalty.ToString());
  return decision;
}

}  // namespace

Shares SharesOf(const Entry& entry) {
  Shares shares{};
  const auto quantity = base::Quantity::Parse(entry.quantity());
  const int64_t volume = quantity.ok() ? quantity->thousandths() : 0;
  const auto amount = Money::FromProto(entry.amount());
  switch (entry.kind()) {
    case Entry::DELIVERY:
      shares[0] = volume;
      break;
    case Entry::ACCEPTANCE:
      shares[1] = volume;
      break;
    case Entry::PAYMENT:
      shares[2] = amount.ok() ? amount->tiyn() : 0;
      break;
    case Entry::REFUSAL: {
      const bool suppliers = entry.fault() == v1::SUPPLIERS_FAULT && entry.fault_settled();
      const size_t at = suppliers ? (entry.delivered() ? 3 : 4) : (entry.delivered() ? 5 : 6);
      shares[at] = volume;
      break;
    }
    default:
      break;
  }
  return shares;
}

void AddShares(const Shares& shares, Tally* tally) {
  tally->delivered += shares[0];
  tally->accepted += shares[1];
  tally->paid += shares[2];
  tally->suppliers_delivered += shares[3];
  tally->suppliers_undelivered += shares[4];
  tally->others_delivered += shares[5];
  tally->others_undelivered += shares[6];
}

int64_t WaitingBy(const Entry& entry) {
  Tally tally;
  AddShares(SharesOf(entry), &tally);
  return tally.waiting();
}

absl::Status CheckTally(const Tally& tally, const Terms& terms) {
  if (tally.delivered > terms.volume || tally.accepted + tally.refused() > terms.volume) {
    return errors::OverContract();
  }
  if (tally.waiting() < 0) return errors::OverDelivered();
  if (tally.paid > terms.value.tiyn()) return errors::OverPrice();
  return absl::OkStatus();
}

absl::Status CheckRoom(const Tally& tally, int64_t claimed, const Terms& terms) {
  const int64_t refused = tally.suppliers_undelivered + tally.others_undelivered - claimed;
  return tally.delivered + refused > terms.volume ? errors::OverContract() : absl::OkStatus();
}

absl::StatusOr<v1::YearBalance> JudgeYear(const YearFacts& given, const norms::Norms& norms) {
  const Contract& contract = *given.contract;
  const Tally& tally = given.tally;
  const Tally& late = given.late;
  ASSIGN_OR_RETURN(const base::Date last, base::Date::Of(given.terms.year, 12, 31));
  ASSIGN_OR_RETURN(const Money paid, Money::FromTiyn(tally.paid));
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, contract.name(), contract.etag());
  };
  set("type", v1::ContractType_Name(contract.type()));
  set("contracted", QuantityText(given.terms.volume));
  set("price", given.terms.price.ToString());
  set("year_number", absl::StrCat(given.number));
  set("delivered", QuantityText(tally.delivered - late.delivered));
  set("accepted", QuantityText(tally.accepted - late.accepted));
  set("accepted_after_the_year", QuantityText(late.accepted));
  set("refused_delivered_suppliers_fault",
      QuantityText(tally.suppliers_delivered - late.suppliers_delivered));
  set("refused_undelivered_others_fault",
      QuantityText(tally.others_undelivered - late.others_undelivered));
  set("paid", paid.ToString());
  facts.Set("year_over", given.over ? "1" : "0", "clock");
  if (contract.type() == v1::OFF_TAKE) {
    for (const char* key :
         {given.number == 1 ? kFirstYearShare : kLaterYearsShare, kPenaltyShare, kPenaltyCap}) {
      RETURN_IF_ERROR(facts.SetNorm(norms, key, last));
    }
  }
  bool assumed = false;
  if (contract.type() == v1::CONTRACT_PROCUREMENT && given.over) {
    // What was bought in the year, by the index that its budget has set.
    ASSIGN_OR_RETURN(const Money purchases,
                     ValueOf(tally.accepted - late.accepted, given.terms.price));
    set("purchases", purchases.ToString());
    RETURN_IF_ERROR(facts.SetNorm(norms, "contracts.procurement_mci", last));
    ASSIGN_OR_RETURN(assumed, SetIndex(norms, given.terms.year, &facts));
  }
  YearResult result;
  v1::YearBalance balance;
  ASSIGN_OR_RETURN(*balance.mutable_decision(), DecideYearWith(facts, &result));
  balance.mutable_decision()->set_norms_edition(norms.edition());
  balance.mutable_decision()->set_rests_on_assumption(facts.rests_on_assumption() || assumed);
  balance.set_year(given.terms.year);
  balance.set_contracted(QuantityText(given.terms.volume));
  balance.set_delivered(QuantityText(tally.delivered));
  balance.set_accepted(QuantityText(tally.accepted));
  *balance.mutable_accepted_value() = result.accepted_value.ToProto();
  *balance.mutable_paid() = paid.ToProto();
  balance.set_refused_suppliers_fault(
      QuantityText(tally.suppliers_delivered + tally.suppliers_undelivered));
  balance.set_refused_delivered(QuantityText(tally.others_delivered));
  balance.set_refused_undelivered(QuantityText(tally.others_undelivered));
  balance.set_obligation(QuantityText(result.obligation));
  balance.set_performed(QuantityText(result.performed));
  balance.set_shortfall(QuantityText(result.shortfall));
  *balance.mutable_unpaid() = result.unpaid.ToProto();
  *balance.mutable_penalty() = result.penalty.ToProto();
  return balance;
}

bool OwesTheSame(const v1::YearBalance& assessed, const v1::YearBalance& now) {
  return assessed.shortfall() == now.shortfall() &&
         assessed.penalty().SerializeAsString() == now.penalty().SerializeAsString();
}

absl::StatusOr<Decision> ReplayYear(const Decision& stored) {
  return cases::Replay(stored, DecideYear);
}

absl::StatusOr<Decision> JudgeOffset(const Offset& offset, const Source& source,
                                     const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(const Money value, Money::FromProto(offset.value()));
  ASSIGN_OR_RETURN(const Money accepted, Money::FromProto(offset.accepted()));
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(offset.due_date()));
  Facts facts;
  facts.Set("value", value.ToString(), source.name, source.etag);
  facts.Set("accepted", accepted.ToString(), source.name, source.etag);
  facts.Set("due_date", due.ToString(), source.name, source.etag);
  facts.Set("day", day.ToString(), "clock");
  RETURN_IF_ERROR(facts.SetNorm(norms, kOffsetPenalty, due));
  ASSIGN_OR_RETURN(Decision decision, DecideOffset(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayOffset(const Decision& stored) {
  return cases::Replay(stored, DecideOffset);
}

}  // namespace nisi::contracts
