// The rules of a list that is kept in editions: what may happen to one, which stands on a day, what
// its approval is decided by, which codes an entry covers. Knows neither calls nor the store: rules
// use it. editions.h has the commands.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/status.h"
#include "common/cases/findings.h"
#include "nisi/decision/v1/decision.pb.h"

namespace nisi::cases {

// What can happen to an edition. Who may, and by which article, is the table of the service.
enum class EditionVerb { kEdit, kSubmit, kReturn, kApprove, kTakeEffect, kSupersede, kWithdraw };

// Who prepared the edition: they do not decide on it. Views into the edition.
template <class Edition>
std::vector<base::Acted> PreparersOf(const Edition& edition) {
  return {{base::Duty::kPrepares, edition.drafted_by()},
          {base::Duty::kPrepares, edition.submitted_by()}};
}

// Approved by order at some time: what the public may see, and what can answer for a day.
template <class Edition>
bool IsPublished(typename Edition::State state) {
  return state == Edition::APPROVED || state == Edition::IN_FORCE || state == Edition::SUPERSEDED;
}

// Shows an edition as it stands on `day`: what by then comes into force and is replaced by itself,
// has been. `first_days`: of all published editions that are known. One that is not published, or
// begins later, stays as it is.
template <class Edition>
void ShowOn(base::Date day, const std::set<base::Date>& first_days, Edition* edition) {
  const auto first = base::Date::FromProto(edition->effective_from());
  if (!IsPublished<Edition>(edition->state()) || !first.ok() || *first > day) return;
  if (edition->state() == Edition::APPROVED) edition->set_state(Edition::IN_FORCE);
  const auto next = first_days.upper_bound(*first);
  if (next == first_days.end() || *next > day) return;
  edition->set_state(Edition::SUPERSEDED);
  *edition->mutable_effective_until() = next->ToProto();
}

// A name in Kazakh or Russian: INVALID_FIELD.
absl::Status CheckNamed(const std::string& kk, const std::string& ru, const std::string& field);

// ---- Approval

// What comes with the request to approve an edition.
struct EditionOrder {
  std::string approver;
  base::Date date;
  base::Date effective_from;
  std::string etag;  // under which the edition is recorded with it
};

// The facts of an approval, but for who approves: that one has a name of the service's own.
inline constexpr char kDraftedBy[] = "drafted_by";
inline constexpr char kSubmittedBy[] = "submitted_by";
inline constexpr char kEntryCount[] = "entry_count";
inline constexpr char kOrderDate[] = "order_date";
inline constexpr char kEffectiveFrom[] = "effective_from";
inline constexpr char kApprovalDay[] = "today";

template <class Edition>
Facts ApprovalFacts(const Edition& edition, const EditionOrder& order, base::Date today,
                    const char* approved_by) {
  Facts facts;
  const auto examined = [&](const char* name, const std::string& value) {
    facts.Set(name, value, edition.name(), edition.etag());
  };
  const auto ordered = [&](const char* name, const std::string& value) {
    facts.Set(name, value, edition.name(), order.etag);
  };
  examined(kDraftedBy, edition.drafted_by());
  examined(kSubmittedBy, edition.submitted_by());
  examined(kEntryCount, absl::StrCat(edition.entry_count()));
  ordered(approved_by, order.approver);
  ordered(kOrderDate, order.date.ToString());
  ordered(kEffectiveFrom, order.effective_from.ToString());
  facts.Set(kApprovalDay, today.ToString(), "clock");
  return facts;
}

// By those facts: adds SEPARATION_OF_DUTIES, EDITION_NOT_EMPTY and DATES_IN_ORDER (the order not of
// the future, the first day neither before it nor past). `approval`: who approves the list and how;
// `list`: what it holds.
absl::Status FindApproval(const Facts& facts, const char* approved_by,
                          const base::LegalBasis& approval, const base::LegalBasis& list,
                          decision::v1::Decision* decision);

// ---- Codes. They grow by two characters: those of goods by digits, of kinds of activity (NN.NN,
// NN.NN.N) by a dot and a digit.

// The codes that may cover this one, the longest first: of "62.01.1" itself and "62.01".
std::vector<std::string> Covering(const std::string& code);
// The code among `codes` that covers `code` or is covered by it; nullopt when there is none. An
// entry covers every code that begins with its own, and nothing may be covered twice.
std::optional<std::string> FindOverlap(const std::set<std::string>& codes, const std::string& code);

}  // namespace nisi::cases
