#include "common/cases/commission.h"

#include "absl/strings/str_cat.h"

namespace nisi::cases {
namespace {

constexpr char kMembersFact[] = "members";
constexpr char kPresentFact[] = "present";
constexpr char kForFact[] = "votes_for";
constexpr char kAgainstFact[] = "votes_against";
constexpr char kChairsFact[] = "chairs";
constexpr char kChairForFact[] = "chair_for";
constexpr char kConflictedFact[] = "conflicted_votes";

}  // namespace

void SetVotes(const VoteCount& count, const std::string& record, const std::string& version,
              Facts* facts) {
  const auto set = [&](const char* name, int64_t value) {
    facts->Set(name, absl::StrCat(value), record, version);
  };
  set(kMembersFact, count.members);
  set(kPresentFact, count.present);
  set(kForFact, count.votes_for);
  set(kAgainstFact, count.against);
  set(kChairsFact, count.chairs);
  set(kChairForFact, count.chair_for ? 1 : 0);
  set(kConflictedFact, count.conflicted);
}

absl::Status FindVote(const Facts& facts, const char* members_min, const base::LegalBasis& basis,
                      const base::LegalBasis& apart, decision::v1::Decision* decision) {
  ASSIGN_OR_RETURN(const int64_t members, facts.Number(kMembersFact));
  ASSIGN_OR_RETURN(const int64_t least, facts.Number(members_min));
  ASSIGN_OR_RETURN(const int64_t chairs, facts.Number(kChairsFact));
  AddFinding(decision, "COMMISSION_FORMED", members >= least && members % 2 == 1 && chairs == 1,
             basis, facts, {kMembersFact, members_min, kChairsFact});
  ASSIGN_OR_RETURN(const int64_t present, facts.Number(kPresentFact));
  AddFinding(decision, "QUORUM", 3 * present >= 2 * members, basis, facts,
             {kPresentFact, kMembersFact});
  ASSIGN_OR_RETURN(const int64_t conflicted, facts.Number(kConflictedFact));
  AddFinding(decision, "NO_CONFLICTED_VOTE", conflicted == 0, apart, facts, {kConflictedFact});
  ASSIGN_OR_RETURN(const int64_t votes_for, facts.Number(kForFact));
  ASSIGN_OR_RETURN(const int64_t against, facts.Number(kAgainstFact));
  ASSIGN_OR_RETURN(const int64_t chair_for, facts.Number(kChairForFact));
  AddFinding(decision, "CARRIED", votes_for > against || (votes_for == against && chair_for == 1),
             basis, facts, {kForFact, kAgainstFact, kChairForFact});
  return absl::OkStatus();
}

}  // namespace nisi::cases
