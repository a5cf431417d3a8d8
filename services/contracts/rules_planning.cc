// Who is a customer, what was made before, and the List that needs come to.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/cases/findings.h"
#include "services/contracts/errors.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr char kEligibleShare[] = "contracts.eligible_share";
constexpr size_t kMaxCustomers = 500;  // that a good names

std::string YesNo(bool value) {
  return value ? "1" : "0";
}

absl::StatusOr<Decision> DecideCustomer(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string category, facts.Text("category"));
  ASSIGN_OR_RETURN(const int64_t common, facts.Number("common_minerals_only"));
  ASSIGN_OR_RETURN(const int64_t national, facts.Number("national_share_bp"));
  ASSIGN_OR_RETURN(const int64_t trust, facts.Number("trust_with_redemption"));
  ASSIGN_OR_RETURN(const int64_t fund, facts.Number("welfare_fund"));
  ASSIGN_OR_RETURN(const int64_t of_fund, facts.Number("welfare_fund_share_bp"));
  ASSIGN_OR_RETURN(const std::string share_text, facts.Text(kEligibleShare));
  const auto share = base::Percent::Parse(share_text);
  if (!share.ok()) return base::StoreCorrupt("fact of a share");
  const bool owned = national >= share->hundredths();
  const bool known = category != "CATEGORY_UNSPECIFIED" &&
                     (category != "SUBSOIL_USER" || common == 0) &&
                     (category != "OWNED_ORGANIZATION" || owned);
  AddFinding(&decision, "OF_A_CATEGORY", known, errors::Customers(), facts,
             {"category", "common_minerals_only", "national_share_bp", kEligibleShare});
  // Of whose shares nothing is told, half may be national.
  const bool private_share = national > 0 && !owned;
  AddFinding(&decision, "NOT_IN_TRUST_WITH_REDEMPTION", trust == 0 || private_share,
             errors::Customers(), facts,
             {"trust_with_redemption", "national_share_bp", kEligibleShare});
  AddFinding(&decision, "NOT_OF_THE_WELFARE_FUND", fund == 0 && of_fund < share->hundredths(),
             errors::Customers(), facts, {"welfare_fund", "welfare_fund_share_bp", kEligibleShare});
  decision.set_outcome(cases::AllSatisfied(decision) ? "ELIGIBLE" : "NOT_ELIGIBLE");
  return decision;
}

absl::StatusOr<Decision> DecideProduction(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t made, facts.Number("made"));
  AddFinding(&decision, "NOT_MADE_BEFORE", made == 0, errors::Production(), facts,
             {"ens_tru", "day", "made", "made_since"});
  decision.set_outcome(made == 0 ? "NOT_MADE" : "MADE");
  return decision;
}

absl::StatusOr<Decision> DecideApproval(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t goods, facts.Number("goods"));
  ASSIGN_OR_RETURN(const int64_t agreed, facts.Number("goods_agreed"));
  RETURN_IF_ERROR(facts.Number("goods_left_out").status());
  AddFinding(&decision, "GOODS_AGREED", goods == agreed, errors::Agreeing(), facts,
             {"goods", "goods_agreed", "goods_left_out"});
  ASSIGN_OR_RETURN(const base::Date ordered, facts.Date("order_date"));
  ASSIGN_OR_RETURN(const base::Date day, facts.Date("day"));
  AddFinding(&decision, "ORDERED", ordered <= day, errors::Approving(), facts,
             {"order_date", "day"});
  ASSIGN_OR_RETURN(const base::Date due, facts.Date("due_date"));
  AddFinding(&decision, "IN_TIME", day <= due, errors::Approving(), facts, {"day", "due_date"});
  decision.set_outcome(goods == agreed && ordered <= day ? "APPROVED" : "NOT_APPROVED");
  return decision;
}

// Of a specification in the database of suppliers.
constexpr size_t kMaxSpecification = 4'000;

size_t CharsOf(absl::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;
  }));
}

}  // namespace

const decision::v1::Finding* FirstUnsatisfied(const Decision& decision) {
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) return &finding;
  }
  return nullptr;
}

absl::StatusOr<Decision> JudgeCustomer(const Customer& customer, const norms::Norms& norms,
                                       base::Date day, const Source& source) {
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, source.name, source.etag);
  };
  set("category", Customer::Category_Name(customer.category()));
  set("common_minerals_only", YesNo(customer.common_minerals_only()));
  set("national_share_bp", absl::StrCat(customer.national_share_bp()));
  set("trust_with_redemption", YesNo(customer.trust_with_redemption()));
  set("welfare_fund", YesNo(customer.welfare_fund()));
  set("welfare_fund_share_bp", absl::StrCat(customer.welfare_fund_share_bp()));
  RETURN_IF_ERROR(facts.SetNorm(norms, kEligibleShare, day));
  ASSIGN_OR_RETURN(Decision decision, DecideCustomer(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayCustomer(const Decision& stored) {
  return cases::Replay(stored, DecideCustomer);
}

absl::StatusOr<Decision> JudgeProduction(const std::string& ens_tru, const Made& made,
                                         base::Date day, const norms::Norms& norms) {
  Facts facts;
  facts.Set("ens_tru", ens_tru, "the List");
  facts.Set("day", day.ToString(), "clock");
  facts.Set("made", YesNo(made.made), made.source.name, made.source.etag);
  facts.Set("made_since", made.since, made.source.name, made.source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideProduction(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayProduction(const Decision& stored) {
  return cases::Replay(stored, DecideProduction);
}

absl::StatusOr<Decision> JudgeApproval(const Approving& approving, const norms::Norms& norms) {
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, approving.source.name, approving.source.etag);
  };
  set("goods", absl::StrCat(approving.goods));
  set("goods_agreed", absl::StrCat(approving.agreed));
  set("goods_left_out", absl::StrCat(approving.left_out));
  set("order_date", approving.ordered.ToString());
  facts.Set("day", approving.day.ToString(), "clock");
  set("due_date", approving.due.ToString());
  ASSIGN_OR_RETURN(Decision decision, DecideApproval(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayApproval(const Decision& stored) {
  return cases::Replay(stored, DecideApproval);
}

absl::Status CheckNeed(const Need& need, int32_t cycle, absl::string_view root) {
  const auto quantity = base::Quantity::Parse(need.quantity());
  if (!quantity.ok() || quantity->thousandths() == 0) {
    return errors::QuantityZero(absl::StrCat(root, "quantity"));
  }
  const auto price = Money::FromProto(need.price());
  if (!price.ok() || price->is_zero()) return errors::PriceZero(absl::StrCat(root, "price"));
  if (need.first_year() < cycle) return errors::YearsPast(absl::StrCat(root, "first_year"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Line>> FormLines(absl::Span<const Need> needs) {
  struct Sum {
    const Need* first = nullptr;
    absl::int128 quantity = 0, value = 0;  // thousandths, tiyn by thousandths
    int32_t from = 0, until = 0, count = 0;
    bool one_place = true;
    std::vector<std::string> customers;
  };
  std::map<std::pair<std::string, std::string>, Sum> sums;
  for (const Need& need : needs) {
    Sum& sum = sums[{need.ens_tru(), need.unit()}];
    if (sum.first == nullptr) {
      sum.first = &need;
      sum.from = need.first_year();
    }
    const auto quantity = base::Quantity::Parse(need.quantity());
    const auto price = Money::FromProto(need.price());
    if (!quantity.ok() || !price.ok()) return base::StoreCorrupt("quantity of a need");
    sum.quantity += quantity->thousandths();
    sum.value += absl::int128(quantity->thousandths()) * price->tiyn();
    sum.from = std::min(sum.from, need.first_year());
    sum.until = std::max(sum.until, need.first_year() + need.years());
    sum.one_place = sum.one_place && need.kato() == sum.first->kato();
    sum.customers.push_back(need.customer());
    ++sum.count;
  }
  std::vector<Line> lines;
  lines.reserve(sums.size());
  for (auto& [key, sum] : sums) {
    const absl::int128 tiyn = (sum.value + 500) / 1000;
    if (sum.quantity > base::Quantity::kMaxThousandths || tiyn > Money::kMaxTiyn) {
      return errors::NeedsTooLarge(key.first);
    }
    Line line{key.first, key.second, {}};
    ListItem& item = line.item;
    item.set_ens_tru(key.first);
    item.set_unit(key.second);
    item.set_goods_code(sum.first->goods_code());
    *item.mutable_title() = sum.first->title();
    item.set_quantity(QuantityText(static_cast<int64_t>(sum.quantity)));
    *item.mutable_value() = Money::FromTiyn(static_cast<int64_t>(tiyn))->ToProto();
    item.set_first_year(sum.from);
    // Needs of 2199 may run past what a year can be; the term of a contract cannot.
    item.set_years(std::min(sum.until - sum.from, 50));
    if (sum.one_place) item.set_kato(sum.first->kato());
    item.set_specification(sum.first->specification());
    std::sort(sum.customers.begin(), sum.customers.end());
    sum.customers.erase(std::unique(sum.customers.begin(), sum.customers.end()),
                        sum.customers.end());
    for (size_t i = 0; i < std::min(sum.customers.size(), kMaxCustomers); ++i) {
      item.add_customers(sum.customers[i]);
    }
    item.set_need_count(sum.count);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string DigestOf(const Line& line) {
  return base::Sha256Bytes(line.item.SerializeAsString());
}

absl::Status TakeAgreed(absl::Span<const Proposal> agreed, absl::string_view path, ListItem* item) {
  item->clear_agreed_quantity();
  item->clear_agreed_first_year();
  item->clear_agreed_years();
  item->clear_agreed_specification();
  item->clear_agreed_customers();
  if (agreed.empty()) return absl::OkStatus();
  const auto listed = base::Quantity::Parse(item->quantity());
  if (!listed.ok()) return base::StoreCorrupt("quantity of a good");
  absl::int128 volume = 0;
  int32_t from = agreed.front().first_year(), until = 0;
  std::vector<absl::string_view> specifications;
  size_t length = 0;
  for (const Proposal& one : agreed) {
    const auto quantity = base::Quantity::Parse(one.volume());
    if (!quantity.ok()) return base::StoreCorrupt("volume of a proposal");
    volume += quantity->thousandths();
    from = std::min(from, one.first_year());
    until = std::max(until, one.first_year() + one.years());
    if (static_cast<size_t>(item->agreed_customers_size()) < kMaxCustomers) {
      item->add_agreed_customers(one.customer());
    }
    // Each once, as many as the database of suppliers takes; the proposals have them all.
    const std::string& text = one.specification();
    const size_t more = CharsOf(text) + 1;
    const bool told =
        std::find(specifications.begin(), specifications.end(), text) != specifications.end();
    if (told || length + more > kMaxSpecification + 1) continue;
    length += more;
    specifications.push_back(text);
  }
  if (volume > listed->thousandths()) return errors::VolumeOverList(path);
  item->set_agreed_quantity(QuantityText(static_cast<int64_t>(volume)));
  item->set_agreed_first_year(from);
  item->set_agreed_years(std::min(until - from, 50));
  item->set_agreed_specification(absl::StrJoin(specifications, "\n"));
  return absl::OkStatus();
}

const std::array<StatutoryDay, 4>& StatutoryDays() {
  static constexpr std::array<StatutoryDay, 4> kDays{
      {{"needs", "contracts.day.needs", CycleVerb::kCloseNeeds, CycleVerb::kReopenNeeds,
        rpc::v1::INSTITUTE_INDUSTRY, errors::Needs},
       {"list", "contracts.day.list", CycleVerb::kSend, CycleVerb::kTakeBack,
        rpc::v1::AUTHORITY_INDUSTRY, errors::Listing},
       {"proposals", "contracts.day.proposals", CycleVerb::kSubmit, CycleVerb::kReturn,
        rpc::v1::AUTHORITY_SUBSOIL, errors::Agreeing},
       {"approval", "contracts.day.approval", CycleVerb::kApprove, std::nullopt,
        rpc::v1::AUTHORITY_INDUSTRY, errors::Approving}}};
  return kDays;
}

absl::StatusOr<base::Date> StatutoryDayOf(const StatutoryDay& day, int32_t year,
                                          const norms::Norms& norms) {
  ASSIGN_OR_RETURN(const base::Date first, base::Date::Of(year, 1, 1));
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(day.norm, first));
  return base::Date::Parse(absl::StrCat(year, "-", norm.text));
}

}  // namespace nisi::contracts
