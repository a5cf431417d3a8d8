// The commission's decision on a grant: carried and every condition complied with, or refused on
// named grounds (Art. 25(6)).
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/commission.h"
#include "common/cases/findings.h"
#include "services/grants/errors.h"
#include "services/grants/rules.h"

namespace nisi::grants {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;
using Member = Commission::Member;

constexpr char kExaminationFailed[] = "first_unsatisfied_of_examination";
constexpr char kRunningNow[] = "running_grants";
constexpr char kCostToCover[] = "accepted_cost";
constexpr char kGranted[] = "granted_sum";
constexpr char kOwnMoney[] = "own_contribution";
constexpr char kCoFinanced[] = "CO_FINANCED";
constexpr char kNoRunningGrant[] = "NO_RUNNING_GRANT";
constexpr v1::Ground kGrounds[] = {v1::GOODS_NOT_PRIORITY, v1::OBLIGATIONS_NOT_ACCEPTED,
                                   v1::ENTITY_NOT_COMPLIANT, v1::DOCUMENTS_NOT_COMPLIANT};

// The fact and the finding of a ground: how many votes against name it.
std::string VotesNaming(v1::Ground ground) {
  return absl::StrCat("votes_naming.", v1::Ground_Name(ground));
}

struct Counted {
  cases::VoteCount count;
  std::map<v1::Ground, int64_t> naming;
  bool decides = false;  // a majority, or the chair can break the tie
};

Counted CountVotes(const Commission& commission, const Application& application, bool chair_casts) {
  Counted counted;
  cases::VoteCount& count = counted.count;
  bool chair_votes = false;
  for (const Member& member : commission.members()) {
    ++count.members;
    const bool votes = member.vote() == Member::FOR || member.vote() == Member::AGAINST;
    count.conflicted += votes && IsTied(member.ties(), application) ? 1 : 0;
    count.chairs += member.chair() ? 1 : 0;
    chair_votes = chair_votes || (votes && member.chair());
    if (member.vote() != Member::VOTE_UNSPECIFIED) ++count.present;
    if (member.vote() == Member::FOR) {
      ++count.votes_for;
      count.chair_for = count.chair_for || member.chair();
    }
    if (member.vote() != Member::AGAINST) continue;
    ++count.against;
    for (const int ground : member.grounds()) ++counted.naming[static_cast<v1::Ground>(ground)];
  }
  counted.decides = count.votes_for != count.against || (chair_votes && chair_casts);
  return counted;
}

// With what is granted the own money must cover the costs that were accepted (Art. 42(2)).
bool Covers(Money granted, Money own, Money cost) {
  const auto together = granted.Add(own);
  return !together.ok() || *together >= cost;  // too large for a sum: more than any cost
}

// What is granted may be less than what was asked for, and so was judged with it.
absl::Status FindCoFinancing(const Facts& facts, Decision* decision) {
  ASSIGN_OR_RETURN(const Money cost, facts.Money(kCostToCover));
  ASSIGN_OR_RETURN(const Money granted, facts.Money(kGranted));
  ASSIGN_OR_RETURN(const Money own, facts.Money(kOwnMoney));
  AddFinding(decision, kCoFinanced, Covers(granted, own, cost), errors::CoFinancing(), facts,
             {kCostToCover, kGranted, kOwnMoney});
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideGrant(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(
      cases::FindVote(facts, VotesBy(), errors::Examining(), errors::Examining(), &decision));
  const bool carried = FirstUnsatisfied(decision).empty();
  ASSIGN_OR_RETURN(const std::string unsatisfied, facts.Text(kExaminationFailed));
  AddFinding(&decision, "EXAMINATION_SATISFIED", unsatisfied.empty(), errors::Examining(), facts,
             {kExaminationFailed});
  RETURN_IF_ERROR(FindCoFinancing(facts, &decision));
  ASSIGN_OR_RETURN(const int64_t running, facts.Number(kRunningNow));
  AddFinding(&decision, kNoRunningGrant, running == 0, errors::Manufacturer(), facts,
             {kRunningNow});
  for (const v1::Ground ground : kGrounds) {
    const std::string fact = VotesNaming(ground);
    ASSIGN_OR_RETURN(const int64_t votes, facts.Number(fact));
    // What a minority says is told among the facts, and is no ground.
    AddFinding(&decision, v1::Ground_Name(ground), carried || votes == 0, errors::Refusing(), facts,
               {fact.c_str()});
  }
  decision.set_outcome(cases::AllSatisfied(decision) ? "APPROVED" : "REFUSED");
  return decision;
}

absl::Status SetMoney(const Application& application, Facts* facts) {
  const auto set = [&](const char* name, const google::type::Money& sum) -> absl::Status {
    ASSIGN_OR_RETURN(const Money money, Money::FromProto(sum));
    facts->Set(name, money.ToString(), application.name(), application.etag());
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(set(kCostToCover, application.accepted_cost()));
  RETURN_IF_ERROR(set(kGranted, application.ceiling()));
  return set(kOwnMoney, application.own_contribution());
}

// What is against a grant that was carried and may change yet: the applicant may put in more, and
// another grant that came first may end. Where nothing else is, it waits and is not refused.
absl::Status CheckWhatPasses(const Facts& facts, const Decision& decision) {
  std::set<std::string> against;
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) against.insert(finding.rule());
  }
  const bool short_of = against.erase(kCoFinanced) > 0;
  const bool running = against.erase(kNoRunningGrant) > 0;
  if (!against.empty()) return absl::OkStatus();
  if (short_of) {
    ASSIGN_OR_RETURN(Money missing, facts.Money(kCostToCover));
    for (const char* part : {kGranted, kOwnMoney}) {
      ASSIGN_OR_RETURN(const Money covered, facts.Money(part));
      ASSIGN_OR_RETURN(missing, missing.Sub(covered));
    }
    return errors::ContributionShort(missing);
  }
  return running ? errors::GrantRunning() : absl::OkStatus();
}

}  // namespace

const cases::VoteNorms& VotesBy() {
  static const auto* const kBy = new cases::VoteNorms("grants.commission");
  return *kBy;
}

absl::Status CheckFormed(const google::protobuf::RepeatedPtrField<Member>& members,
                         const std::set<std::string>& acted, const norms::Norms& norms,
                         base::Date day) {
  for (int i = 0; i < members.size(); ++i) {
    if (acted.contains(members[i].subject())) {
      return errors::MemberHasActed(absl::StrCat("members[", i, "].subject"));
    }
  }
  ASSIGN_OR_RETURN(const int64_t least, norms.Int(VotesBy().members_min, day));
  std::set<std::string> subjects;
  int chairs = 0;
  for (const Member& member : members) {
    subjects.insert(member.subject());
    chairs += member.chair() ? 1 : 0;
  }
  const bool formed = static_cast<int>(subjects.size()) == members.size() &&
                      members.size() >= least && members.size() % 2 == 1 && chairs == 1;
  return formed ? absl::OkStatus() : errors::CommissionNotFormed(least);
}

absl::StatusOr<bool> CanDecide(const Commission& commission, const Application& application,
                               const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(const bool casts, VotesBy().ChairCasts(norms, day));
  const Counted counted = CountVotes(commission, application, casts);
  ASSIGN_OR_RETURN(const bool quorum, VotesBy().HasQuorum(counted.count, norms, day));
  return quorum && counted.count.conflicted == 0 && counted.decides;
}

absl::StatusOr<Decision> DecideAsCommission(const Meeting& meeting, const norms::Norms& norms,
                                            base::Date day) {
  ASSIGN_OR_RETURN(const bool casts, VotesBy().ChairCasts(norms, day));
  const Counted counted = CountVotes(*meeting.commission, *meeting.application, casts);
  const cases::VoteCount& count = counted.count;
  Facts facts;
  cases::SetVotes(count, meeting.source.name, meeting.source.etag, &facts);
  for (const v1::Ground ground : kGrounds) {
    const auto named = counted.naming.find(ground);
    facts.Set(VotesNaming(ground), absl::StrCat(named == counted.naming.end() ? 0 : named->second),
              meeting.source.name, meeting.source.etag);
  }
  facts.Set(kExaminationFailed, FirstUnsatisfied(meeting.application->examination()),
            meeting.application->name(), meeting.application->etag());
  facts.Set(kRunningNow, absl::StrCat(meeting.running_grants), "register of grants",
            meeting.register_version);
  RETURN_IF_ERROR(SetMoney(*meeting.application, &facts));
  RETURN_IF_ERROR(VotesBy().SetFacts(norms, day, &facts));
  ASSIGN_OR_RETURN(Decision decision, DecideGrant(facts));
  const std::string failed = FirstUnsatisfied(decision);
  if (failed == "COMMISSION_FORMED") {
    ASSIGN_OR_RETURN(const int64_t least, norms.Int(VotesBy().members_min, day));
    return errors::CommissionNotFormed(least);
  }
  if (failed == "QUORUM") return errors::NoQuorum();
  if (failed == "NO_CONFLICTED_VOTE") return errors::MemberTied();
  // A refusal has a ground (Art. 25(6)), and nobody has named one.
  if (!counted.decides) return errors::VoteUndecided();
  RETURN_IF_ERROR(CheckWhatPasses(facts, decision));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<bool> IsCovered(const Application& application) {
  ASSIGN_OR_RETURN(const Money cost, Money::FromProto(application.accepted_cost()));
  ASSIGN_OR_RETURN(const Money granted, Money::FromProto(application.ceiling()));
  ASSIGN_OR_RETURN(const Money own, Money::FromProto(application.own_contribution()));
  return Covers(granted, own, cost);
}

absl::StatusOr<Decision> ReplayCommission(const Decision& stored) {
  return cases::Replay(stored, DecideGrant);
}

}  // namespace nisi::grants
