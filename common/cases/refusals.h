// Refusals that several services say of their cases, each with the service's own article. A reason
// has one status, one text and one precondition, whichever service says it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/status.h"

namespace nisi::cases {

absl::Status RecordExists(const std::string& collection, const std::string& name);
absl::Status DecisionMissing(const base::LegalBasis& basis);
absl::Status OrderDateInvalid(const base::LegalBasis& basis);  // dated in the future
// Something else stands where the code stood.
absl::Status PlaceEnded(const std::string& field, const std::string& kato,
                        const std::string& successor, const base::LegalBasis& basis);

// Lists that are kept in editions.
absl::Status EditionEmpty(const base::LegalBasis& basis);
absl::Status EffectiveDayPast(const base::LegalBasis& basis);
// `edition`: which has the day. An edition with a day is public, so to name it tells nobody more
// than they may know.
absl::Status EffectiveDayTaken(base::Date day, const std::string& edition,
                               const base::LegalBasis& basis);
absl::Status EntryOverlap(const std::string& other, const base::LegalBasis& basis);

// What an examiner accepts of cost items.
absl::Status CostsIncomplete(const std::string& field, const base::LegalBasis& basis);
absl::Status AcceptedOverCost(const std::string& field, const base::LegalBasis& basis);

// What both parties sign.
absl::Status SignedAlready(const base::LegalBasis& basis);
absl::Status TextDiffers(const base::LegalBasis& basis);

// Money that comes back.
absl::Status ExcuseNotSupported(const base::LegalBasis& basis);
absl::Status RepaymentRecorded(const base::LegalBasis& basis);
absl::Status RepaymentAlike(const base::LegalBasis& basis);
// `field` names the payment in the request.
absl::Status RepaymentUnknown(const std::string& field, const base::LegalBasis& basis);

}  // namespace nisi::cases
