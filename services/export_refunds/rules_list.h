// The list of Art. 10(3) as pure functions: what it may hold, how it is approved, which edition
// stands on a day.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/cases/edition_rules.h"
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
// The beginning of some code, of a good or a service, or empty: INVALID_FIELD.
absl::Status CheckCodePrefix(const std::string& prefix, const std::string& field);

using ListVerb = cases::EditionVerb;
// Its refusals are EDITION_STATE and, of edits, EDITION_FROZEN.
const base::Machine<Edition::State, ListVerb>& ListMachine();

// Approved by order at some time: what the public may see, and what can answer for a day.
inline bool IsPublished(Edition::State state) {
  return cases::IsPublished<Edition>(state);
}

// INVALID_FIELD when it puts the edition in force before its own date; EDITION_EMPTY,
// ORDER_DATE_INVALID, EFFECTIVE_DAY_PAST. The decision lists the findings.
absl::StatusOr<Decision> ApproveList(const Edition& edition, const cases::EditionOrder& order,
                                     base::Date today, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayList(const Decision& stored);

}  // namespace nisi::export_refunds
