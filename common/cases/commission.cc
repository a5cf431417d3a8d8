#include "common/cases/commission.h"

#include <set>

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

absl::Status NormsInvalid(const std::string& key, base::Date day, const char* needed) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "COMMISSION_NORMS_INVALID",
                       "No commission could vote by this norm.")
      .With("norm", key)
      .With("date", day.ToString())
      .Precondition("NORM", key, needed);
}

}  // namespace

VoteNorms::VoteNorms(const std::string& prefix)
    : members_min(prefix + ".members_min"),
      quorum_parts(prefix + ".quorum.parts"),
      quorum_of(prefix + ".quorum.of"),
      chair_casts(prefix + ".chair_casts") {}

absl::Status VoteNorms::Check(const norms::Norms& norms) const {
  std::set<base::Date> days;  // on which one of them changes
  for (const std::string* key : {&members_min, &quorum_parts, &quorum_of, &chair_casts}) {
    for (const norms::Norm& norm : norms.Series(*key)) days.insert(norm.from);
  }
  for (const base::Date day : days) {
    ASSIGN_OR_RETURN(const int64_t least, norms.Int(members_min, day));
    if (least < 1) return NormsInvalid(members_min, day, "one member or more");
    ASSIGN_OR_RETURN(const int64_t parts, norms.Int(quorum_parts, day));
    if (parts < 1) return NormsInvalid(quorum_parts, day, "one part or more");
    ASSIGN_OR_RETURN(const int64_t of, norms.Int(quorum_of, day));
    if (of < parts) return NormsInvalid(quorum_of, day, "not fewer parts than must be present");
    ASSIGN_OR_RETURN(const int64_t casts, norms.Int(chair_casts, day));
    if (casts != 0 && casts != 1) return NormsInvalid(chair_casts, day, "0 or 1");
  }
  return absl::OkStatus();
}

absl::Status VoteNorms::SetFacts(const norms::Norms& norms, base::Date day, Facts* facts) const {
  for (const std::string* key : {&members_min, &quorum_parts, &quorum_of, &chair_casts}) {
    RETURN_IF_ERROR(facts->SetNorm(norms, *key, day));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> VoteNorms::HasQuorum(const VoteCount& count, const norms::Norms& norms,
                                          base::Date day) const {
  ASSIGN_OR_RETURN(const int64_t parts, norms.Int(quorum_parts, day));
  ASSIGN_OR_RETURN(const int64_t of, norms.Int(quorum_of, day));
  return of * count.present >= parts * count.members;
}

absl::StatusOr<bool> VoteNorms::ChairCasts(const norms::Norms& norms, base::Date day) const {
  ASSIGN_OR_RETURN(const int64_t casts, norms.Int(chair_casts, day));
  return casts == 1;
}

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

absl::Status FindVote(const Facts& facts, const VoteNorms& by, const base::LegalBasis& basis,
                      const base::LegalBasis& apart, decision::v1::Decision* decision) {
  ASSIGN_OR_RETURN(const int64_t members, facts.Number(kMembersFact));
  ASSIGN_OR_RETURN(const int64_t least, facts.Number(by.members_min));
  ASSIGN_OR_RETURN(const int64_t chairs, facts.Number(kChairsFact));
  AddFinding(decision, "COMMISSION_FORMED", members >= least && members % 2 == 1 && chairs == 1,
             basis, facts, {kMembersFact, by.members_min.c_str(), kChairsFact});
  ASSIGN_OR_RETURN(const int64_t present, facts.Number(kPresentFact));
  ASSIGN_OR_RETURN(const int64_t parts, facts.Number(by.quorum_parts));
  ASSIGN_OR_RETURN(const int64_t of, facts.Number(by.quorum_of));
  AddFinding(decision, "QUORUM", of * present >= parts * members, basis, facts,
             {kPresentFact, kMembersFact, by.quorum_parts.c_str(), by.quorum_of.c_str()});
  ASSIGN_OR_RETURN(const int64_t conflicted, facts.Number(kConflictedFact));
  AddFinding(decision, "NO_CONFLICTED_VOTE", conflicted == 0, apart, facts, {kConflictedFact});
  ASSIGN_OR_RETURN(const int64_t votes_for, facts.Number(kForFact));
  ASSIGN_OR_RETURN(const int64_t against, facts.Number(kAgainstFact));
  ASSIGN_OR_RETURN(const int64_t chair_for, facts.Number(kChairForFact));
  ASSIGN_OR_RETURN(const int64_t casts, facts.Number(by.chair_casts));
  AddFinding(decision, "CARRIED",
             votes_for > against || (votes_for == against && chair_for == 1 && casts == 1), basis,
             facts, {kForFact, kAgainstFact, kChairForFact, by.chair_casts.c_str()});
  return absl::OkStatus();
}

}  // namespace nisi::cases
