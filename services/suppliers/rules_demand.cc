#include "services/suppliers/rules_demand.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/base/share.h"
#include "common/cases/findings.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/roles.h"

namespace nisi::suppliers {
namespace {

constexpr uint32_t kCustomer = base::RoleBit(rpc::v1::CUSTOMER);

constexpr int kMaxNamed = 1'000;     // suppliers, and offers left out, that an answer names
constexpr int kMaxOffersOfOne = 20;  // offers that it names of one supplier

// Why an offer of the code does not count; null: it does.
const char* LeftOut(const MatchNeed& need, const MatchOffer& offer) {
  if (offer.value == 0) return "NOT_DOMESTIC";
  if (offer.unit != need.unit) return "UNIT_DIFFERS";
  const auto capacity = base::Quantity::Parse(offer.capacity);
  if (!capacity.ok() || capacity->thousandths() == 0) return "CAPACITY_UNKNOWN";
  if (offer.value < need.minimum_value) return "VALUE_BELOW_MINIMUM";
  return nullptr;
}

template <class Items>
bool BeginsWithAny(const std::string& text, const Items& beginnings) {
  return beginnings.empty() ||
         std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& begin) { return absl::StartsWith(text, begin); });
}

std::string QuantityText(int64_t thousandths) {
  return base::Quantity::FromThousandths(thousandths)->ToString();
}

}  // namespace

const base::Machine<Demand::State, DemandVerb>& SubcontractingMachine() {
  using V = DemandVerb;
  static const auto* const kMachine = new base::Machine<Demand::State, DemandVerb>(
      "DEMAND", Demand::State_descriptor(),
      {{"edit", errors::Subcontracting},
       {"close", errors::Subcontracting},
       {"withdraw", errors::Subcontracting},
       {"end", errors::Subcontracting}},
      {{{Demand::OPEN}, V::kEdit, base::kSame, kEntity | kCustomer, errors::Subcontracting},
       {{Demand::OPEN},
        V::kClose,
        Demand::CLOSED,
        kEntity | kCustomer | kInstitute,
        errors::Subcontracting},
       {{Demand::OPEN},
        V::kWithdraw,
        Demand::WITHDRAWN,
        kEntity | kCustomer | kInstitute,
        errors::Subcontracting},
       {{Demand::OPEN}, V::kEnd, Demand::CLOSED, base::kByItself, errors::Subcontracting}});
  return *kMachine;
}

const base::Machine<Demand::State, ListedVerb>& ListedDemandMachine() {
  using V = ListedVerb;
  static const auto* const kMachine = new base::Machine<Demand::State, ListedVerb>(
      "DEMAND", Demand::State_descriptor(),
      {{"end", errors::ListOfGoods}, {"withdraw with its edition", errors::ListOfGoods}},
      {{{Demand::OPEN}, V::kEnd, Demand::CLOSED, base::kByItself, errors::ListOfGoods},
       {{Demand::OPEN, Demand::CLOSED},
        V::kWithdraw,
        Demand::WITHDRAWN,
        base::kByItself,
        errors::ListOfGoods}});
  return *kMachine;
}

const base::Machine<Publication::State, PublicationVerb>& PublicationMachine() {
  using P = Publication;
  using V = PublicationVerb;
  static const auto* const kMachine = new base::Machine<Publication::State, PublicationVerb>(
      "PUBLICATION", Publication::State_descriptor(),
      {{"publish", errors::ListOfGoods, "PUBLICATION_WITHDRAWN"},
       {"withdraw", errors::ListOfGoods}},
      {{{P::STATE_UNSPECIFIED, P::PUBLISHED},
        V::kPublish,
        P::PUBLISHED,
        kAuthority,
        errors::ListOfGoods},
       {{P::PUBLISHED, P::WITHDRAWN},
        V::kWithdraw,
        P::WITHDRAWN,
        kAuthority,
        errors::ListOfGoods}});
  return *kMachine;
}

const base::Machine<Response::State, ResponseVerb>& ResponseMachine() {
  using V = ResponseVerb;
  static const auto* const kMachine = new base::Machine<Response::State, ResponseVerb>(
      "RESPONSE", Response::State_descriptor(),
      {{"respond", errors::Subcontracting}, {"withdraw", errors::Subcontracting}},
      {{{Response::STATE_UNSPECIFIED, Response::GIVEN, Response::WITHDRAWN},
        V::kRespond,
        Response::GIVEN,
        kEntity,
        errors::Subcontracting},
       {{Response::GIVEN}, V::kWithdraw, Response::WITHDRAWN, kEntity, errors::Subcontracting}});
  return *kMachine;
}

void ShowOn(base::Date day, Demand* demand) {
  if (demand->state() != Demand::OPEN || !demand->has_respond_until()) return;
  const auto last = base::Date::FromProto(demand->respond_until());
  if (last.ok() && *last < day) demand->set_state(Demand::CLOSED);
}

absl::StatusOr<bool> IsLate(const norms::Norms& norms, int32_t cycle, base::Date day) {
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get("suppliers.list_of_goods.before", day));
  ASSIGN_OR_RETURN(const base::Date before, base::Date::Parse(absl::StrCat(cycle, "-", norm.text)));
  return day >= before;
}

absl::Status CheckQuantity(const std::string& quantity, absl::string_view field) {
  const auto parsed = base::Quantity::Parse(quantity);
  return parsed.ok() && parsed->thousandths() > 0 ? absl::OkStatus() : errors::QuantityZero(field);
}

bool Wants(const v1::Subscription& subscription, const Demand& demand) {
  const auto& kinds = subscription.kinds();
  return BeginsWithAny(demand.ens_tru(), subscription.ens_tru_prefixes()) &&
         BeginsWithAny(demand.goods_code(), subscription.goods_code_prefixes()) &&
         BeginsWithAny(demand.kato(), subscription.kato_prefixes()) &&
         (kinds.empty() || std::find(kinds.begin(), kinds.end(), demand.kind()) != kinds.end());
}

bool Matching::IsBefore(const Candidate& a, const Candidate& b) {
  return std::tie(b.value, b.capacity, a.bin) < std::tie(a.value, a.capacity, b.bin);
}

void Matching::Add(const MatchOffer& offer) {
  ++offers_;
  if (const char* reason = LeftOut(need_, offer); reason != nullptr) {
    if (response_.excluded_size() == kMaxNamed) {
      response_.set_truncated(true);
      return;
    }
    auto* excluded = response_.add_excluded();
    excluded->set_offer(offer.name);
    excluded->set_reason(reason);
    return;
  }
  if (last_.bin != offer.bin) Rank();
  last_.bin = offer.bin;
  last_.capacity = std::max(last_.capacity, base::Quantity::Parse(offer.capacity)->thousandths());
  last_.value = last_.value == 0 ? offer.value : std::min(last_.value, offer.value);
  if (last_.offers.size() < kMaxOffersOfOne) last_.offers.push_back(offer.name);
}

void Matching::Rank() {
  Candidate candidate = std::exchange(last_, Candidate());
  if (candidate.bin.empty()) return;
  ++suppliers_;
  best_.push_back(std::move(candidate));
  std::push_heap(best_.begin(), best_.end(), IsBefore);
  if (best_.size() <= kMaxNamed) return;
  std::pop_heap(best_.begin(), best_.end(), IsBefore);
  unnamed_ += std::min(best_.back().capacity, need_.quantity.thousandths() - unnamed_);
  best_.pop_back();
}

v1::MatchDemandResponse Matching::Finish() {
  Rank();
  std::sort_heap(best_.begin(), best_.end(), IsBefore);
  const int64_t quantity = need_.quantity.thousandths();
  int64_t rest = quantity;
  std::vector<int64_t> parts;
  for (const Candidate& candidate : best_) {
    parts.push_back(std::min(candidate.capacity, rest));
    rest -= parts.back();
  }
  // What falls to those that are not named is one part.
  parts.push_back(std::min(unnamed_, rest));
  rest -= parts.back();
  const std::vector<int32_t> shares = base::LargestRemainder(parts, quantity);
  for (size_t i = 0; i < best_.size(); ++i) {
    auto* share = response_.add_shares();
    share->set_supplier(absl::StrCat("suppliers/", best_[i].bin));
    for (std::string& offer : best_[i].offers) share->add_offers(std::move(offer));
    share->set_capacity(QuantityText(best_[i].capacity));
    share->set_quantity(QuantityText(parts[i]));
    share->set_share_bp(shares[i]);
    share->set_in_country_value_bp(best_[i].value);
  }
  if (suppliers_ > kMaxNamed) response_.set_truncated(true);
  const int64_t covered = quantity - rest;
  response_.set_covered_quantity(QuantityText(covered));
  response_.set_uncovered_quantity(QuantityText(rest));
  const int32_t covered_share = base::LargestRemainder({covered}, quantity).front();
  response_.set_covered_bp(covered_share);

  cases::Facts facts;
  const auto needed = [&](const char* name, const std::string& value) {
    facts.Set(name, value, need_.source, need_.version);
  };
  needed("ens_tru", need_.ens_tru);
  needed("unit", need_.unit);
  needed("quantity", need_.quantity.ToString());
  needed("minimum_in_country_value_bp", absl::StrCat(need_.minimum_value));
  facts.Set("day", day_.ToString(), "request");
  facts.Set("offers", absl::StrCat(offers_), "register");
  facts.Set("suppliers", absl::StrCat(suppliers_), "register");
  facts.Set("covered_quantity", response_.covered_quantity(), "sum of the capacities");
  decision::v1::Decision& decision = *response_.mutable_decision();
  cases::AddFinding(
      &decision, "DOMESTIC_OFFERS", suppliers_ > 0, errors::ListOfGoods(), facts,
      {"ens_tru", "unit", "minimum_in_country_value_bp", "day", "offers", "suppliers"});
  cases::AddFinding(&decision, "QUANTITY_COVERED", rest == 0, errors::ListOfGoods(), facts,
                    {"quantity", "covered_quantity"});
  decision.set_outcome(rest == 0 ? "COVERED" : covered > 0 ? "PARTLY_COVERED" : "NOT_COVERED");
  return std::move(response_);
}

}  // namespace nisi::suppliers
