#include "services/suppliers/rules_evidence.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/base/roles.h"
#include "common/cases/findings.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/roles.h"
#include "services/suppliers/rules_supplier.h"

namespace nisi::suppliers {
namespace {

using cases::Facts;
using decision::v1::Decision;

constexpr char kType[] = "type";
constexpr char kFirstDay[] = "valid_from";
constexpr char kGiven[] = "valid_until";
constexpr char kNone[] = "none";
constexpr char kMonths[] = "months";
constexpr char kLongest[] = "longest";
constexpr char kConfirmed[] = "confirmed";
constexpr char kBy[] = "by";
constexpr char kRevokeReason[] = "reason";
constexpr char kAsked[] = "asked_date";
constexpr char kRevokeDay[] = "today";
constexpr char kOwner[] = "owner";
constexpr char kYes[] = "yes";

const char* TermNorm(Evidence::Type type) {
  switch (type) {
    case Evidence::REGISTER_ENTRY:
      return "suppliers.evidence.register_entry_months";
    case Evidence::ST_KZ:
      return "suppliers.evidence.st_kz_months";
    case Evidence::INDUSTRIAL_CERTIFICATE:
      return "suppliers.evidence.industrial_certificate_months";
    default:
      return "suppliers.evidence.conformity_months";
  }
}

absl::Status CheckCovers(const Evidence& evidence, absl::string_view root) {
  const bool conformity = !SaysValue(evidence.type());
  std::set<std::string> codes;
  for (int i = 0; i < evidence.covers_size(); ++i) {
    const Evidence::Cover& cover = evidence.covers(i);
    if (!codes.insert(cover.ens_tru()).second) return errors::CoverTwice(root, i);
    if ((cover.in_country_value_bp() == 0) != conformity)
      return errors::EvidenceValue(root, i, conformity);
  }
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideLastDay(Facts facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const base::Date first, facts.Date(kFirstDay));
  ASSIGN_OR_RETURN(const int64_t months, facts.Number(kMonths));
  ASSIGN_OR_RETURN(const std::string given, facts.Text(kGiven));
  const base::Date longest = EndOfMonths(first, months);
  facts.Set(kLongest, longest.ToString(), "end of the term");
  base::Date last = longest;
  if (given != kNone) {
    ASSIGN_OR_RETURN(last, facts.Date(kGiven));
  }
  cases::AddFinding(&decision, "DATES_IN_ORDER", first <= last, errors::FormsOfEvidence(), facts,
                    {kFirstDay, kGiven});
  cases::AddFinding(&decision, "TERM_WITHIN_NORM", last <= longest, errors::FormsOfEvidence(),
                    facts, {kType, kFirstDay, kGiven, kMonths, kLongest});
  decision.set_outcome(last.ToString());
  return decision;
}

absl::StatusOr<Decision> DecideRevokeDate(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string confirmed, facts.Text(kConfirmed));
  ASSIGN_OR_RETURN(const std::string by, facts.Text(kBy));
  ASSIGN_OR_RETURN(const std::string reason, facts.Text(kRevokeReason));
  ASSIGN_OR_RETURN(const base::Date first, facts.Date(kFirstDay));
  ASSIGN_OR_RETURN(const base::Date asked, facts.Date(kAsked));
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kRevokeDay));
  cases::AddFinding(&decision, "REASON_GIVEN", !reason.empty(), errors::Examination(), facts,
                    {kRevokeReason});
  cases::AddFinding(&decision, "NOT_TO_COME", asked <= today, errors::Examination(), facts,
                    {kAsked, kRevokeDay});
  cases::AddFinding(&decision, "OWNER_FROM_TODAY", by != kOwner || asked >= today,
                    errors::Examination(), facts, {kBy, kAsked, kRevokeDay});
  cases::AddFinding(&decision, "FROM_ITS_FIRST_DAY", asked >= first || asked >= today,
                    errors::Examination(), facts, {kFirstDay, kAsked, kRevokeDay});
  cases::AddFinding(&decision, "COUNTED_BEFORE", confirmed == kYes, errors::Examination(), facts,
                    {kConfirmed});
  decision.set_outcome((confirmed == kYes ? asked : first).ToString());
  return decision;
}

struct Domesticity {
  bool counting = false;  // some evidence of value counts on the day
  int32_t lowest = 0;     // above 0 where there is any
  const v1::EvidenceRow* paper = nullptr;
  bool assumption = false;  // the last day of one that had begun rests on one
};

Domesticity Weigh(absl::Span<const v1::EvidenceRow> evidence, const std::string& ens_tru,
                  base::Date day) {
  Domesticity found;
  for (const v1::EvidenceRow& row : evidence) {
    const auto days = CountsOn(row);
    if (!days.has_value() || days->first > day) continue;
    for (const Evidence::Cover& cover : row.evidence().covers()) {
      if (!ens_tru.empty() && cover.ens_tru() != ens_tru) continue;
      // That it no longer counts rests on its last day as well.
      if (row.evidence().decision().rests_on_assumption()) found.assumption = true;
      if (!days->Has(day)) continue;
      found.counting = true;
      const int32_t value = SaysValue(row.evidence().type()) ? cover.in_country_value_bp() : 0;
      if (value > 0 && (found.lowest == 0 || value < found.lowest)) {
        found.lowest = value;
        found.paper = &row;
      }
    }
  }
  return found;
}

// Whether it is known by a text of law how long a registration lasts.
bool TermIsAssumed(const norms::Norms& norms, base::Date day) {
  const auto months = norms.Get(kRegistrationMonths, day);
  return !months.ok() || months->certainty == norms::Certainty::kAssumption;
}

}  // namespace

const base::Machine<Evidence::State, EvidenceVerb>& EvidenceMachine() {
  using base::Duty;
  using V = EvidenceVerb;
  static const auto* const kMachine = new base::Machine<Evidence::State, EvidenceVerb>(
      "EVIDENCE", Evidence::State_descriptor(),
      {{"add", errors::Examination},
       {"confirm", errors::Examination},
       {"revoke", errors::Examination}},
      {{{Evidence::STATE_UNSPECIFIED},
        V::kAdd,
        Evidence::ADDED,
        kEntity,
        errors::Examination,
        {.duty = Duty::kPrepares}},
       {{Evidence::STATE_UNSPECIFIED},
        V::kAdd,
        Evidence::CONFIRMED,
        kInstitute,
        errors::Examination,
        {.duty = Duty::kExamines}},
       // Evidence that a supplier adds itself must not make it domestic.
       {{Evidence::ADDED},
        V::kConfirm,
        Evidence::CONFIRMED,
        kInstitute,
        errors::Examination,
        {.duty = Duty::kDecides}},
       {{Evidence::ADDED, Evidence::CONFIRMED},
        V::kRevoke,
        Evidence::REVOKED,
        kEntity | kInstitute | kAuthority,
        errors::Examination}});
  return *kMachine;
}

absl::StatusOr<Decision> DecideTerm(const Evidence& evidence, const norms::Norms& norms,
                                    absl::string_view root) {
  RETURN_IF_ERROR(CheckCovers(evidence, root));
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(evidence.valid_from()));
  Facts facts;
  const auto told = [&](const char* name, const std::string& value) {
    facts.Set(name, value, evidence.name(), evidence.etag());
  };
  told(kType, Evidence::Type_Name(evidence.type()));
  told(kFirstDay, first.ToString());
  told(kGiven, kNone);
  const char* norm = TermNorm(evidence.type());
  RETURN_IF_ERROR(facts.SetNorm(norms, norm, first));
  ASSIGN_OR_RETURN(const int64_t months, facts.Number(norm));
  facts.Set(kMonths, absl::StrCat(months), facts.Get(norm).source());
  if (evidence.has_valid_until()) {
    ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(evidence.valid_until()));
    if (last < first) return errors::EvidenceDates(root);
    const base::Date longest = EndOfMonths(first, months);
    if (last > longest) return errors::EvidenceTermTooLong(root, longest);
    told(kGiven, last.ToString());
  }
  ASSIGN_OR_RETURN(Decision decision, DecideLastDay(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayTerm(const Decision& stored) {
  return cases::Replay(stored, DecideLastDay);
}

absl::StatusOr<Decision> DecideRevocation(const v1::EvidenceRow& row, base::Date asked, bool owner,
                                          const std::string& reason, const std::string& recorded,
                                          base::Date today, const norms::Norms& norms) {
  const Evidence& evidence = row.evidence();
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(evidence.valid_from()));
  if (asked > today) return errors::RevokeDate("today at the latest");
  if (asked < today) {
    if (owner) return errors::RevokeDate("a supplier revokes from today on");
    if (asked < first) return errors::RevokeDate("the first day of the evidence at the earliest");
  }
  Facts facts;
  facts.Set(kConfirmed, row.confirmed() ? kYes : "no", evidence.name(), evidence.etag());
  facts.Set(kFirstDay, first.ToString(), evidence.name(), evidence.etag());
  facts.Set(kBy, owner ? kOwner : "body", evidence.name(), recorded);
  facts.Set(kRevokeReason, reason, evidence.name(), recorded);
  facts.Set(kAsked, asked.ToString(), evidence.name(), recorded);
  facts.Set(kRevokeDay, today.ToString(), "clock");
  ASSIGN_OR_RETURN(Decision decision, DecideRevokeDate(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayRevocation(const Decision& stored) {
  return cases::Replay(stored, DecideRevokeDate);
}

std::optional<Days> CountsOn(const v1::EvidenceRow& row) {
  if (!row.confirmed()) return std::nullopt;
  const auto first = base::Date::FromProto(row.evidence().valid_from());
  const auto last = base::Date::FromProto(row.evidence().valid_until());
  if (!first.ok() || !last.ok()) return std::nullopt;
  Days days{*first, last->AddDays(1)};
  if (row.evidence().has_revoke_date()) {
    const auto revoked = base::Date::FromProto(row.evidence().revoke_date());
    if (revoked.ok()) days.until = std::min(days.until, *revoked);
  }
  if (days.until <= days.first) return std::nullopt;
  return days;
}

bool SaysValue(Evidence::Type type) {
  return type != Evidence::CONFORMITY;
}

int32_t ValueFor(const Evidence& evidence, const std::string& ens_tru) {
  if (!SaysValue(evidence.type())) return 0;
  for (const Evidence::Cover& cover : evidence.covers()) {
    if (cover.ens_tru() == ens_tru) return cover.in_country_value_bp();
  }
  return 0;
}

std::vector<v1::ValuePeriod> ValuePeriods(const std::string& ens_tru,
                                          absl::Span<const v1::EvidenceRow* const> evidence) {
  struct Paper {
    Days days;
    int32_t value;
    const std::string* name;
  };
  std::vector<Paper> papers;
  std::set<base::Date> bounds;
  for (const v1::EvidenceRow* row : evidence) {
    const auto days = CountsOn(*row);
    const int32_t value = ValueFor(row->evidence(), ens_tru);
    if (!days.has_value() || value == 0) continue;
    papers.push_back({*days, value, &row->evidence().name()});
    bounds.insert(days->first);
    bounds.insert(days->until);
  }
  std::vector<v1::ValuePeriod> periods;
  for (auto from = bounds.begin(); from != bounds.end(); ++from) {
    const auto until = std::next(from);
    if (until == bounds.end()) break;
    const Paper* lowest = nullptr;
    for (const Paper& paper : papers) {
      if (paper.days.Has(*from) && (lowest == nullptr || paper.value < lowest->value))
        lowest = &paper;
    }
    if (lowest == nullptr) continue;
    const google::type::Date first = from->ToProto();
    if (!periods.empty() && periods.back().evidence() == *lowest->name &&
        periods.back().until().SerializeAsString() == first.SerializeAsString()) {
      *periods.back().mutable_until() = until->ToProto();
      continue;
    }
    v1::ValuePeriod& period = periods.emplace_back();
    *period.mutable_from() = first;
    *period.mutable_until() = until->ToProto();
    period.set_in_country_value_bp(lowest->value);
    period.set_evidence(*lowest->name);
  }
  return periods;
}

absl::Status CheckEvidence(const Offer& offer, const std::string& name,
                           const v1::EvidenceRow* row) {
  if (row == nullptr || row->evidence().bin() != offer.bin()) return errors::EvidenceForeign(name);
  for (const Evidence::Cover& cover : row->evidence().covers()) {
    if (cover.ens_tru() == offer.ens_tru()) return absl::OkStatus();
  }
  return errors::EvidenceDoesNotCover(name);
}

absl::Status CheckOffer(const Offer& offer, absl::string_view path) {
  if (offer.kind() != v1::GOOD && !offer.goods_code().empty())
    return errors::GoodsCodeOfNoGood(path);
  if (!offer.has_price_from() || !offer.has_price_to()) return absl::OkStatus();
  const auto from = base::Money::FromProto(offer.price_from());
  const auto to = base::Money::FromProto(offer.price_to());
  return from.ok() && to.ok() && *from <= *to ? absl::OkStatus() : errors::PriceRange(path);
}

v1::CheckDomesticResponse::Result Domestic(const std::string& bin, const v1::Supplier* supplier,
                                           absl::Span<const v1::EvidenceRow> evidence,
                                           const std::string& ens_tru, base::Date day,
                                           const norms::Norms& norms) {
  v1::CheckDomesticResponse::Result result;
  result.set_bin(bin);
  const bool active = supplier != nullptr && supplier->state() == v1::Supplier::ACTIVE;
  const Domesticity found = Weigh(evidence, ens_tru, day);
  Facts facts;
  facts.Set("day", day.ToString(), "request");
  facts.Set("ens_tru", ens_tru, "request");
  // To the public what is not ACTIVE is as what is not there.
  facts.Set("active", active ? "yes" : "no", active ? supplier->name() : "register",
            active ? supplier->etag() : "");
  const bool named = active && found.paper != nullptr;
  facts.Set("evidence", active && found.counting ? "counts" : "none",
            named ? found.paper->evidence().name() : "register",
            named ? found.paper->evidence().etag() : "");
  const int32_t value = active ? found.lowest : 0;
  facts.Set("in_country_value_bp", absl::StrCat(value),
            named ? found.paper->evidence().name() : "register",
            named ? found.paper->evidence().etag() : "");
  decision::v1::Decision& decision = *result.mutable_decision();
  cases::AddFinding(&decision, "SUPPLIER_ACTIVE", active, errors::DomesticProducers(), facts,
                    {"day", "active"});
  cases::AddFinding(&decision, "EVIDENCE_VALID", active && found.counting, errors::Kazakhstani(),
                    facts, {"day", "ens_tru", "evidence"});
  cases::AddFinding(&decision, "VALUE_ABOVE_ZERO", value > 0, errors::Kazakhstani(), facts,
                    {"in_country_value_bp"});
  const bool domestic = cases::AllSatisfied(decision);
  result.set_domestic(domestic);
  if (!active) {
    result.set_reason("NOT_ACTIVE");
  } else if (!found.counting) {
    result.set_reason("NO_VALID_EVIDENCE");
  } else if (value == 0) {
    result.set_reason("VALUE_ZERO");
  }
  decision.set_outcome(domestic ? "DOMESTIC" : "NOT_DOMESTIC");
  decision.set_norms_edition(norms.edition());
  // Of what is not ACTIVE no more is told than of what is not there: either may have run out.
  decision.set_rests_on_assumption(
      TermIsAssumed(norms, day) ||
      (active && (supplier->decision().rests_on_assumption() || found.assumption)));
  if (active) {
    *result.mutable_activities() = supplier->activities();
    result.set_size(supplier->size());
    // Of a size that was recorded before it was said what it rests on nobody says that it is sure.
    result.set_size_rests_on_assumption(
        supplier->size() != v1::SIZE_UNSPECIFIED &&
        (!supplier->has_size_rests_on_assumption() || supplier->size_rests_on_assumption()));
    result.set_supplier_etag(supplier->etag());
  }
  result.set_in_country_value_bp(value);
  return result;
}

}  // namespace nisi::suppliers
