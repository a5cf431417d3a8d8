// On which days a recipient stands on a list.
#include <algorithm>
#include <set>
#include <utility>

#include "services/grants/rules.h"

namespace nisi::grants {
namespace {

// The days of one stretch, until the next one begins, by what else was past due on them.
std::vector<Stretch> ByOthers(const Stretch& stretch, std::optional<base::Date> next,
                              const std::vector<OtherDebt>& others) {
  std::set<base::Date> days{stretch.from};
  for (const OtherDebt& other : others) {
    for (const auto& day : {std::optional(other.from), other.until}) {
      const bool within = day.has_value() && *day > stretch.from && (!next || *day < *next);
      if (within) days.insert(*day);
    }
  }
  std::vector<Stretch> parts;
  for (const base::Date day : days) {
    Stretch& part = parts.emplace_back(Stretch{day, std::nullopt, false});
    const OtherDebt* other = OldestOn(others, day);
    if (other == nullptr) continue;
    part.entry = stretch.entry;
    part.entry->set_basis(other->basis);
  }
  return parts;
}

// How an entry stands on a day; null where it was not there yet.
const Stretch* On(base::Date day, const std::vector<Stretch>& stretches) {
  const Stretch* last = nullptr;
  for (const Stretch& stretch : stretches) {
    if (stretch.from <= day) last = &stretch;
  }
  return last;
}

bool Stands(base::Date day, const std::vector<Stretch>& stretches) {
  const Stretch* const stretch = On(day, stretches);
  return stretch != nullptr && stretch->entry.has_value();
}

// Lets each stretch say since when the entry stands without a break.
absl::Status SetListedFrom(std::vector<Stretch>* stretches) {
  std::optional<base::Date> since;
  for (Stretch& stretch : *stretches) {
    if (!stretch.entry.has_value()) {
      since.reset();
      continue;
    }
    if (!since.has_value()) since = stretch.from;
    ASSIGN_OR_RETURN(const base::Date said, base::Date::FromProto(stretch.entry->listed_from()));
    if (said == *since) continue;
    *stretch.entry->mutable_listed_from() = since->ToProto();
    stretch.recorded = false;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Stretch>> StandingSince(
    base::Date from, const v1::UnreliableRecipient& told, const std::vector<Stretch>& own,
    const std::vector<std::vector<Stretch>>& others) {
  std::set<base::Date> days{from};
  for (const Stretch& stretch : own) days.insert(stretch.from);
  for (const std::vector<Stretch>& other : others) {
    for (const Stretch& stretch : other) days.insert(std::max(from, stretch.from));
  }
  std::vector<Stretch> all;
  for (const base::Date day : days) {
    const Stretch* const mine = On(day, own);
    const bool begins = mine != nullptr && mine->from == day;
    if (Stands(day, own) || day < from) {
      if (begins) all.push_back(*mine);
      continue;
    }
    const bool free =
        std::none_of(others.begin(), others.end(),
                     [day](const std::vector<Stretch>& other) { return Stands(day, other); });
    if (begins && !free) {
      all.push_back(*mine);
      continue;
    }
    const bool stood = !all.empty() && all.back().entry.has_value();
    if (begins || free != stood) {
      all.push_back({day, free ? std::optional(told) : std::nullopt, false});
    }
  }
  RETURN_IF_ERROR(SetListedFrom(&all));
  return all;
}

const OtherDebt* OldestOn(const std::vector<OtherDebt>& debts, base::Date day) {
  const OtherDebt* oldest = nullptr;
  for (const OtherDebt& debt : debts) {
    const bool owed = debt.from <= day && (!debt.until.has_value() || day < *debt.until);
    if (owed && (oldest == nullptr || debt.from < oldest->from)) oldest = &debt;
  }
  return oldest;
}

absl::StatusOr<std::vector<Stretch>> WithoutDebt(const std::vector<Stretch>& stretches,
                                                 const std::string& basis,
                                                 const std::vector<OtherDebt>& others) {
  std::vector<Stretch> all;
  for (size_t i = 0; i < stretches.size(); ++i) {
    const Stretch& stretch = stretches[i];
    if (!stretch.entry.has_value() || stretch.entry->basis() != basis) {
      all.push_back(stretch);
      continue;
    }
    const bool last = i + 1 == stretches.size();
    for (Stretch& part :
         ByOthers(stretch, last ? std::nullopt : std::optional(stretches[i + 1].from), others)) {
      all.push_back(std::move(part));
    }
  }
  RETURN_IF_ERROR(SetListedFrom(&all));
  return all;
}

}  // namespace nisi::grants
