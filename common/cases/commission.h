// A commission's vote, as several services count it: whether it was formed, could decide, and what
// it decided. Knows neither calls nor the store: rules use it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/status.h"
#include "common/cases/findings.h"
#include "common/norms/norms.h"
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

// The norms by which a commission votes, all COUNT, by their common beginning, as
// "grants.commission":
//   .members_min              the fewest members
//   .quorum.parts, .quorum.of so many parts of so many must be present, rounded up: 2 of 3
//   .chair_casts              1: the chair's vote breaks a tie; 0: a tie is not carried
struct VoteNorms {
  explicit VoteNorms(const std::string& prefix);

  // At the start of a service, over all days for which there are values: FAILED_PRECONDITION
  // (COMMISSION_NORMS_INVALID) for what no commission could vote by; NORM_NOT_IN_FORCE for a day on
  // which one of them is missing.
  absl::Status Check(const norms::Norms& norms) const;
  // Puts those of a day among the facts of a decision.
  absl::Status SetFacts(const norms::Norms& norms, base::Date day, Facts* facts) const;
  absl::StatusOr<bool> HasQuorum(const VoteCount& count, const norms::Norms& norms,
                                 base::Date day) const;
  absl::StatusOr<bool> ChairCasts(const norms::Norms& norms, base::Date day) const;

  std::string members_min, quorum_parts, quorum_of, chair_casts;
};

// `record` and `version` as with Facts::Set.
void SetVotes(const VoteCount& count, const std::string& record, const std::string& version,
              Facts* facts);

// By the votes and norms among the facts: adds COMMISSION_FORMED (members odd in number, not fewer
// than the norm, one chair), QUORUM, NO_CONFLICTED_VOTE and CARRIED (more for than against, or
// equal with the chair for, where its vote breaks a tie). `basis`: the rules of the commission;
// `apart`: why nobody votes with a conflict of interest.
absl::Status FindVote(const Facts& facts, const VoteNorms& by, const base::LegalBasis& basis,
                      const base::LegalBasis& apart, decision::v1::Decision* decision);

}  // namespace nisi::cases
