// A commission's vote, as several services count it: whether it was formed, could decide, and what
// it decided. Knows neither calls nor the store: rules use it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "common/cases/findings.h"
#include "nisi/decision/v1/decision.pb.h"

namespace nisi::cases {

struct VoteCount {
  int64_t members = 0;  // each once, present or not
  int64_t present = 0;  // also those who recused themselves
  int64_t votes_for = 0;
  int64_t against = 0;
  int64_t chairs = 0;
  bool chair_for = false;
  int64_t conflicted = 0;  // votes of those with a conflict of interest
};

// `record` and `version` as with Facts::Set.
void SetVotes(const VoteCount& count, const std::string& record, const std::string& version,
              Facts* facts);

// Adds COMMISSION_FORMED (members odd in number, not fewer than the norm `members_min`, which is
// among the facts, one chair), QUORUM (two thirds present, rounded up), NO_CONFLICTED_VOTE and
// CARRIED (more for than against, or equal with the chair for). `basis`: the rules of the
// commission; `apart`: why nobody votes with a conflict of interest.
absl::Status FindVote(const Facts& facts, const char* members_min, const base::LegalBasis& basis,
                      const base::LegalBasis& apart, decision::v1::Decision* decision);

}  // namespace nisi::cases
