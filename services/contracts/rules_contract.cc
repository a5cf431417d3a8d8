// What a contract must be to be concluded and changed.
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cases/findings.h"
#include "services/contracts/errors.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr char kThreshold[] = "contracts.procurement_mci";
constexpr char kOffsetShare[] = "contracts.offset_share";
constexpr int kMaxOffsets = 100;  // of a contract

absl::Status FindOffTake(const Facts& facts, Decision* decision) {
  ASSIGN_OR_RETURN(const std::string production, facts.Text("production"));
  AddFinding(decision, "NOT_MADE_BEFORE", production == "NOT_MADE", errors::Production(), facts,
             {"production"});
  ASSIGN_OR_RETURN(const int64_t identified, facts.Number("good_identified"));
  AddFinding(decision, "GOOD_IDENTIFIED", identified == 1, errors::Content(), facts,
             {"good_identified"});
  ASSIGN_OR_RETURN(const int64_t minimum, facts.Number("minimum_in_country_value_bp"));
  ASSIGN_OR_RETURN(const int64_t asked, facts.Number("asked_in_country_value_bp"));
  ASSIGN_OR_RETURN(const int64_t duty, facts.Number("programme_duty"));
  AddFinding(decision, "IN_COUNTRY_VALUE", minimum > 0 && minimum >= asked && duty == 1,
             errors::Content(), facts,
             {"minimum_in_country_value_bp", "asked_in_country_value_bp", "programme_duty"});
  return absl::OkStatus();
}

absl::Status FindProcurement(const Facts& facts, Decision* decision) {
  for (const std::string& name : facts.NamesUnder("value.")) {
    int32_t year = 0;
    if (!absl::SimpleAtoi(name.substr(6), &year)) return base::StoreCorrupt("fact of a year");
    RETURN_IF_ERROR(FindOverThreshold(facts, absl::StrCat("PURCHASES_OVER_THRESHOLD_", year), name,
                                      year, decision));
  }
  ASSIGN_OR_RETURN(const Money sum, facts.Money("sum"));
  ASSIGN_OR_RETURN(const Money offsets, facts.Money("sum_of_offsets"));
  ASSIGN_OR_RETURN(const std::string text, facts.Text(kOffsetShare));
  const auto share = base::Percent::Parse(text);
  if (!share.ok()) return base::StoreCorrupt("fact of a share");
  AddFinding(
      decision, "OFFSETS_SUFFICE",
      absl::int128(offsets.tiyn()) * 10'000 >= absl::int128(sum.tiyn()) * share->hundredths(),
      errors::Offsets(), facts, {"sum_of_offsets", "sum", kOffsetShare});
  return absl::OkStatus();
}

// Worth something, and due in the term.
absl::Status CheckOffset(const Offset& offset, const std::string& at, base::Date last,
                         base::Date day) {
  ASSIGN_OR_RETURN(const Money value, Money::FromProto(offset.value()));
  if (value.is_zero()) return errors::OffsetsInvalid(at + ".value", "must be above 0");
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(offset.due_date()));
  if (due < day || due > last) {
    return errors::OffsetsInvalid(at + ".due_date", "must be in the term of the contract");
  }
  return absl::OkStatus();
}

// What contract procurement is judged by, its years from one on; whether an index is an assumption.
absl::StatusOr<bool> SetProcurement(const Contract& contract, const norms::Norms& norms,
                                    base::Date day, int32_t from_year, Facts* facts) {
  const auto set = [&](const std::string& name, const std::string& value) {
    facts->Set(name, value, contract.name(), contract.etag());
  };
  bool assumed = false;
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(contract.years(), "contract.years"));
  for (const Terms& one : terms) {
    if (one.year < from_year) continue;
    set(absl::StrCat("value.", one.year), one.value.ToString());
    ASSIGN_OR_RETURN(const bool assumption, SetIndex(norms, one.year, facts));
    assumed = assumed || assumption;
  }
  RETURN_IF_ERROR(facts->SetNorm(norms, kThreshold, day));
  RETURN_IF_ERROR(facts->SetNorm(norms, kOffsetShare, day));
  ASSIGN_OR_RETURN(const Money sum, SumOf(terms));
  set("sum", sum.ToString());
  Money offsets;
  for (const Offset& offset : contract.offsets()) {
    if (offset.state() == Offset::LAPSED) continue;  // not owed
    ASSIGN_OR_RETURN(const Money value, Money::FromProto(offset.value()));
    ASSIGN_OR_RETURN(offsets, offsets.Add(value));
  }
  set("sum_of_offsets", offsets.ToString());
  return assumed;
}

absl::StatusOr<Decision> DecideProcurement(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(FindProcurement(facts, &decision));
  decision.set_outcome(cases::AllSatisfied(decision) ? "CONFORMS" : "DOES_NOT_CONFORM");
  return decision;
}

// What an amendment makes of the condition with that number in the contract: `offset`, as it is.
absl::Status AmendOffset(const v1::OffsetChange& change, const std::string& at, base::Date last,
                         base::Date day, Offset* offset) {
  ASSIGN_OR_RETURN(const Money accepted, Money::FromProto(offset->accepted()));
  if (!change.has_condition()) {
    if (!accepted.is_zero()) {
      return errors::OffsetsInvalid(at, "something was accepted of it: it stays, worth that much");
    }
    offset->set_state(Offset::LAPSED);
    return absl::OkStatus();
  }
  const Offset& told = change.condition();
  RETURN_IF_ERROR(CheckOffset(told, at + ".condition", last, day));
  ASSIGN_OR_RETURN(const Money value, Money::FromProto(told.value()));
  if (value < accepted) {
    return errors::OffsetsInvalid(at + ".condition.value", "is less than was accepted of it");
  }
  offset->set_kind(told.kind());
  offset->set_description(told.description());
  *offset->mutable_value() = told.value();
  *offset->mutable_due_date() = told.due_date();
  if (value == accepted) offset->set_state(Offset::FULFILLED);
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideConformity(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string item, facts.Text("item_state"));
  AddFinding(&decision, "ITEM_APPROVED", item == "APPROVED", errors::Concluding(), facts,
             {"item_state"});
  ASSIGN_OR_RETURN(const int64_t eligible, facts.Number("customer_eligible"));
  AddFinding(&decision, "CUSTOMER_ELIGIBLE", eligible == 1, errors::Customers(), facts,
             {"customer_eligible"});
  ASSIGN_OR_RETURN(const int64_t first, facts.Number("first_year"));
  ASSIGN_OR_RETURN(const base::Date day, facts.Date("sign_date"));
  AddFinding(&decision, "YEARS_AHEAD", first >= day.year(), errors::Buying(), facts,
             {"first_year", "sign_date"});
  ASSIGN_OR_RETURN(const std::string type, facts.Text("type"));
  AddFinding(&decision, "TYPE_AS_LISTED", type == "OFF_TAKE" || type == "CONTRACT_PROCUREMENT",
             errors::Concluding(), facts, {"type"});
  if (type == "OFF_TAKE") RETURN_IF_ERROR(FindOffTake(facts, &decision));
  if (type == "CONTRACT_PROCUREMENT") RETURN_IF_ERROR(FindProcurement(facts, &decision));
  decision.set_outcome(cases::AllSatisfied(decision) ? "CONFORMS" : "DOES_NOT_CONFORM");
  return decision;
}

absl::StatusOr<Decision> DecideAmendment(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t lowers, facts.Number("lowers"));
  ASSIGN_OR_RETURN(const std::string signed_by, facts.Text("signed_by"));
  ASSIGN_OR_RETURN(const int64_t unilateral, facts.Number("unilateral_raise"));
  AddFinding(&decision, "SIGNED_AS_NEEDED",
             signed_by == "CUSTOMER_PARTY,SUPPLIER_PARTY" ||
                 (lowers == 0 && unilateral == 1 && signed_by == "CUSTOMER_PARTY"),
             errors::Buying(), facts, {"signed_by", "lowers", "unilateral_raise"});
  ASSIGN_OR_RETURN(const std::string missing, facts.Text("consents_missing"));
  AddFinding(&decision, "PLEDGEES_CONSENT", lowers == 0 || missing.empty(), errors::Organizing(),
             facts, {"consents_missing", "pledges", "lowers"});
  decision.set_outcome(cases::AllSatisfied(decision) ? "IN_FORCE" : "NOT_IN_FORCE");
  return decision;
}

// By year.
std::map<int32_t, const v1::YearTerms*> ByYear(const YearList& years) {
  std::map<int32_t, const v1::YearTerms*> by_year;
  for (const v1::YearTerms& year : years) by_year[year.year()] = &year;
  return by_year;
}

int64_t VolumeOf(const v1::YearTerms& year) {
  const auto volume = base::Quantity::Parse(year.volume());
  return volume.ok() ? volume->thousandths() : 0;
}
int64_t PriceOf(const v1::YearTerms& year) {
  const auto price = Money::FromProto(year.price());
  return price.ok() ? price->tiyn() : 0;
}

}  // namespace

absl::StatusOr<bool> SetIndex(const norms::Norms& norms, int32_t year, cases::Facts* facts) {
  ASSIGN_OR_RETURN(const base::Date first, base::Date::Of(year, 1, 1));
  const std::string name = absl::StrCat("mci.", year);
  const auto norm = norms.Get("mci", first);
  if (norm.ok()) {
    facts->Set(name, norm->text,
               absl::StrCat(std::string(norms::Name(norm->certainty)), ": ", norm->source));
    return norm->certainty == norms::Certainty::kAssumption;
  }
  const auto& series = norms.Series("mci");
  if (series.empty() || series.back().from > first) return norm.status();
  facts->Set(name, series.back().text,
             absl::StrCat("ASSUMPTION: the index of that year is not set; that of ",
                          series.back().from.year(), " stands for it"));
  return true;
}

absl::Status FindOverThreshold(const Facts& facts, const std::string& rule,
                               const std::string& value, int32_t year, Decision* decision) {
  const std::string index = absl::StrCat("mci.", year);
  ASSIGN_OR_RETURN(const int64_t times, facts.Number(kThreshold));
  ASSIGN_OR_RETURN(const Money purchases, facts.Money(value));
  ASSIGN_OR_RETURN(const Money mci, facts.Money(index));
  AddFinding(decision, rule, absl::int128(purchases.tiyn()) > absl::int128(mci.tiyn()) * times,
             errors::Procurement(), facts, std::vector<std::string>{value, index, kThreshold});
  return absl::OkStatus();
}

std::string QuantityText(int64_t thousandths) {
  const auto quantity = base::Quantity::FromThousandths(thousandths);
  return quantity.ok() ? quantity->ToString() : "";
}

absl::StatusOr<Money> ValueOf(int64_t thousandths, Money price) {
  const absl::int128 tiyn = (absl::int128(thousandths) * price.tiyn() + 500) / 1000;
  if (tiyn > Money::kMaxTiyn) return errors::SumTooLarge("years");
  return Money::FromTiyn(static_cast<int64_t>(tiyn));
}

absl::StatusOr<Terms> TermsOfYear(const v1::YearTerms& year, absl::string_view path) {
  Terms terms;
  terms.year = year.year();
  const auto volume = base::Quantity::Parse(year.volume());
  if (!volume.ok() || volume->thousandths() == 0) {
    return errors::QuantityZero(absl::StrCat(path, ".volume"));
  }
  terms.volume = volume->thousandths();
  ASSIGN_OR_RETURN(terms.price, Money::FromProto(year.price()));
  if (terms.price.is_zero() || terms.price.is_negative()) {
    return errors::PriceZero(absl::StrCat(path, ".price"));
  }
  const auto value = ValueOf(terms.volume, terms.price);
  if (!value.ok()) return errors::SumTooLarge(path);
  terms.value = *value;
  return terms;
}

absl::StatusOr<std::vector<Terms>> TermsOf(const YearList& years, absl::string_view path) {
  std::vector<Terms> terms;
  terms.reserve(static_cast<size_t>(years.size()));
  for (int i = 0; i < years.size(); ++i) {
    const std::string at = absl::StrCat(path, "[", i, "]");
    if (i > 0 && years[i].year() != terms.back().year + 1) {
      return errors::YearsInvalid(at, "each year follows the one before, once");
    }
    ASSIGN_OR_RETURN(const Terms one, TermsOfYear(years[i], at));
    terms.push_back(one);
  }
  if (!SumOf(terms).ok()) return errors::SumTooLarge(path);
  return terms;
}

absl::StatusOr<Money> SumOf(absl::Span<const Terms> terms) {
  Money sum;
  for (const Terms& one : terms) {
    const auto more = sum.Add(one.value);
    if (!more.ok()) return errors::SumTooLarge("years");
    sum = *more;
  }
  return sum;
}

YearList Amended(const YearList& years, const YearList& change) {
  std::map<int32_t, const v1::YearTerms*> merged = ByYear(years);
  for (const auto& [year, terms] : ByYear(change)) merged[year] = terms;
  YearList amended;
  for (const auto& [year, terms] : merged) *amended.Add() = *terms;
  return amended;
}

bool Lowers(const YearList& before, const YearList& after) {
  const auto later = ByYear(after);
  return std::any_of(before.begin(), before.end(), [&later](const v1::YearTerms& year) {
    const auto found = later.find(year.year());
    return found == later.end() || VolumeOf(*found->second) < VolumeOf(year) ||
           PriceOf(*found->second) < PriceOf(year);
  });
}

bool LowersBy(const Contract& contract, const Amendment& amendment, const YearList& after) {
  const bool formula =
      !amendment.price_formula().empty() && amendment.price_formula() != contract.price_formula();
  return formula || Lowers(contract.years(), after);
}

bool Raises(const YearList& before, const YearList& after) {
  return Lowers(after, before);
}

absl::Status CheckOffsets(const Contract& contract, base::Date day) {
  if (contract.type() == v1::OFF_TAKE && contract.offsets_size() > 0) {
    return errors::OffsetsInvalid("contract.offsets", "an off-take contract has none");
  }
  ASSIGN_OR_RETURN(const base::Date last,
                   base::Date::Of(contract.years().rbegin()->year(), 12, 31));
  for (int i = 0; i < contract.offsets_size(); ++i) {
    RETURN_IF_ERROR(
        CheckOffset(contract.offsets(i), absl::StrCat("contract.offsets[", i, "]"), last, day));
  }
  return absl::OkStatus();
}

absl::StatusOr<OffsetList> AmendedOffsets(const Contract& contract, const Amendment& amendment,
                                          int32_t last_year, base::Date day) {
  OffsetList offsets = contract.offsets();
  if (amendment.offsets().empty()) return offsets;
  if (contract.type() != v1::CONTRACT_PROCUREMENT) {
    return errors::OffsetsInvalid("amendment.offsets", "an off-take contract has none");
  }
  ASSIGN_OR_RETURN(const base::Date last, base::Date::Of(last_year, 12, 31));
  std::set<int32_t> changed;
  for (int i = 0; i < amendment.offsets_size(); ++i) {
    const v1::OffsetChange& change = amendment.offsets(i);
    const std::string at = absl::StrCat("amendment.offsets[", i, "]");
    Offset* offset = nullptr;
    if (change.number() == 0) {
      if (!change.has_condition()) return errors::OffsetsInvalid(at, "adds nothing");
      if (offsets.size() >= kMaxOffsets) {
        return errors::OffsetsInvalid(at, absl::StrCat("at most ", kMaxOffsets, " in all"));
      }
      offset = offsets.Add();
      offset->set_number(offsets.size());
      offset->set_state(Offset::OPEN);
      *offset->mutable_accepted() = Money().ToProto();
    } else {
      if (change.number() > contract.offsets_size()) return errors::OffsetUnknown(at + ".number");
      if (!changed.insert(change.number()).second) return errors::OffsetsInvalid(at, "each once");
      offset = offsets.Mutable(change.number() - 1);
      if (offset->state() != Offset::OPEN) {
        return errors::OffsetState(at + ".number", Offset::State_Name(offset->state()),
                                   "OPEN is needed");
      }
      ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(offset->due_date()));
      if (due < day) return errors::OffsetsInvalid(at, "its day is over");
    }
    RETURN_IF_ERROR(AmendOffset(change, at, last, day, offset));
  }
  return offsets;
}

absl::StatusOr<Decision> JudgeConformity(const Concluding& concluding, const norms::Norms& norms) {
  const Contract& contract = *concluding.contract;
  const auto yes_no = [](bool value) { return value ? "1" : "0"; };
  const ListItem* item = concluding.item;
  const Customer* customer = concluding.customer;
  Facts facts;
  facts.Set("item_state", item == nullptr ? "NOT_LISTED" : ListItem::State_Name(item->state()),
            contract.item(), item == nullptr ? "" : item->etag());
  facts.Set("customer_eligible", yes_no(customer != nullptr && customer->eligible()),
            absl::StrCat("customers/", contract.customer()),
            customer == nullptr ? "" : customer->etag());
  const auto set = [&](const std::string& name, absl::string_view value) {
    facts.Set(name, value, contract.name(), contract.etag());
  };
  set("first_year", absl::StrCat(contract.years(0).year()));
  facts.Set("sign_date", concluding.day.ToString(), "clock");
  set("type", item != nullptr && item->contract_type() == contract.type()
                  ? v1::ContractType_Name(contract.type())
                  : "CHANGED");
  bool assumed = false;
  if (contract.type() == v1::OFF_TAKE) {
    facts.Set("production", item == nullptr ? "" : item->production().outcome(), contract.item(),
              item == nullptr ? "" : item->etag());
    set("good_identified",
        yes_no(!contract.good().properties().empty() || !contract.good().configuration().empty()));
    set("minimum_in_country_value_bp", absl::StrCat(contract.minimum_in_country_value_bp()));
    facts.Set("asked_in_country_value_bp",
              absl::StrCat(item == nullptr ? 0 : item->minimum_in_country_value_bp()),
              contract.item(), item == nullptr ? "" : item->etag());
    set("programme_duty", yes_no(contract.programme_duty()));
  } else {
    ASSIGN_OR_RETURN(assumed, SetProcurement(contract, norms, concluding.day, 0, &facts));
  }
  ASSIGN_OR_RETURN(Decision decision, DecideConformity(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption() || assumed);
  return decision;
}

absl::StatusOr<Decision> ReplayConformity(const Decision& stored) {
  return cases::Replay(stored, DecideConformity);
}

absl::StatusOr<Decision> JudgeProcurement(const Contract& contract, const norms::Norms& norms,
                                          base::Date day) {
  Facts facts;
  // Years that are over are as they are, whatever index was set for them since.
  ASSIGN_OR_RETURN(const bool assumed, SetProcurement(contract, norms, day, day.year(), &facts));
  ASSIGN_OR_RETURN(Decision decision, DecideProcurement(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption() || assumed);
  return decision;
}

absl::StatusOr<Decision> ReplayProcurement(const Decision& stored) {
  return cases::Replay(stored, DecideProcurement);
}

absl::StatusOr<Decision> JudgeAmendment(const Amending& amending, const norms::Norms& norms) {
  const Amendment& amendment = *amending.amendment;
  std::vector<std::string> parties, missing;
  for (const v1::Signature& signature : amendment.signatures()) {
    parties.push_back(v1::Party_Name(signature.party()));
  }
  std::sort(parties.begin(), parties.end());
  const auto& consents = amendment.consents();
  for (const std::string& pledge : amending.pledges) {
    if (std::find(consents.begin(), consents.end(), pledge) == consents.end()) {
      missing.push_back(pledge);
    }
  }
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, amending.source.name, amending.source.etag);
  };
  set("lowers", amendment.lowers() ? "1" : "0");
  set("signed_by", absl::StrJoin(parties, ","));
  set("unilateral_raise", parties.size() == 1 ? "1" : "0");
  set("pledges", absl::StrJoin(amending.pledges, ","));
  set("consents_missing", absl::StrJoin(missing, ","));
  ASSIGN_OR_RETURN(Decision decision, DecideAmendment(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayAmendment(const Decision& stored) {
  return cases::Replay(stored, DecideAmendment);
}

}  // namespace nisi::contracts
