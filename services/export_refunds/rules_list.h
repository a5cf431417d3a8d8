// The list of Art. 10(3) as pure functions: what it may hold, how it is approved, which edition
// stands on a day.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/export_refunds/v1/lists.pb.h"

namespace nisi::export_refunds {

using decision::v1::Decision;
using v1::Edition;
using v1::Entry;
using v1::ProcessingLevel;

// A good by its code and level, or a service by its kind of activity. INVALID_FIELD under `path`.
absl::Status CheckEntry(const Entry& entry, const std::string& path);
// A name in Kazakh or Russian: INVALID_FIELD.
absl::Status CheckNamed(const std::string& kk, const std::string& ru, const std::string& field);

// The beginning of some code, of a good or a service, or empty: INVALID_FIELD.
absl::Status CheckCodePrefix(const std::string& prefix, const std::string& field);

// The code among `codes` that covers `code` or is covered by it; nullopt when there is none. An
// entry covers every code that begins with its own, and nothing may be covered twice.
std::optional<std::string> FindOverlap(const std::set<std::string>& codes, const std::string& code);
// The codes that may cover this one, the longest first: of "62.01.1" itself and "62.01".
std::vector<std::string> Covering(const std::string& code);

enum class ListVerb { kEdit, kSubmit, kReturn, kApprove, kTakeEffect, kSupersede, kWithdraw };
// Its refusals are EDITION_STATE and, of edits, EDITION_FROZEN.
const base::Machine<Edition::State, ListVerb>& ListMachine();

// Approved by order at some time: what the public may see, and what can answer for a day.
bool IsPublished(Edition::State state);
// Shows an edition as it stands on `day`: what by then comes into force and is replaced by itself,
// has been. `first_days`: of all published editions that are known.
void ShowOn(base::Date day, const std::set<base::Date>& first_days, Edition* edition);

// What comes with the request to approve an edition.
struct ListOrder {
  std::string approver;
  base::Date date;
  base::Date effective_from;
  std::string etag;  // under which the edition is recorded with it
};
// INVALID_FIELD when it puts the edition in force before its own date; EDITION_EMPTY,
// ORDER_DATE_INVALID, EFFECTIVE_DAY_PAST. The decision lists the findings.
absl::StatusOr<Decision> ApproveList(const Edition& edition, const ListOrder& order,
                                     base::Date today, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayList(const Decision& stored);

}  // namespace nisi::export_refunds
