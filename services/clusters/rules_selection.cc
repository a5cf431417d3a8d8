// How territorial clusters are selected: terms, independence, points, ranking, commission.
#include <algorithm>
#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/decimal.h"
#include "common/cases/commission.h"
#include "common/cases/findings.h"
#include "services/clusters/errors.h"
#include "services/clusters/rules.h"

namespace nisi::clusters {
namespace {

using cases::AddFinding;
using cases::Facts;
using Request = v1::DecideSelectionRequest;

constexpr char kPassPoints[] = "pass_points";
constexpr char kPassPointsNorm[] = "clusters.selection.pass_points";
constexpr char kApplicationsFact[] = "applications";
constexpr char kExpertsFact[] = "experts";
constexpr char kMean[] = "mean";

constexpr char kRanking[] = "ranking";
constexpr char kPassed[] = "passed";
constexpr char kPassedOver[] = "passed_over";
constexpr char kMaxSelected[] = "max_selected";

std::string ExpertFact(int64_t expert) {
  return absl::StrCat("expert ", expert);
}
std::string ApplicationFact(int64_t application) {
  return absl::StrCat("application ", application);
}

int64_t Sum(const Points& points) {
  return std::accumulate(points.begin(), points.end(), int64_t{0});
}

// What ranking looks at: sums over the experts, never means, so that nothing is rounded.
struct Tally {
  int64_t number = 0;
  int64_t experts = 0;
  Points sums{};
  int64_t filed_us = 0;
};

Tally TallyOf(const Scored& application) {
  Tally tally{application.number,
              static_cast<int64_t>(application.scores.size()),
              {},
              application.filed_us};
  for (const auto& [expert, points] : application.scores) {
    for (size_t i = 0; i < points.size(); ++i) tally.sums[i] += points[i];
  }
  return tally;
}

// a/n against b/m by cross products: 50 experts and 100 points stay far below 64 bits.
int CompareMeans(int64_t a, int64_t n, int64_t b, int64_t m) {
  return a * m < b * n ? -1 : a * m > b * n ? 1 : 0;
}

bool IsBetter(const Tally& a, const Tally& b) {
  if (const int by = CompareMeans(Sum(a.sums), a.experts, Sum(b.sums), b.experts); by != 0) {
    return by > 0;
  }
  for (size_t i = 0; i < a.sums.size(); ++i) {
    if (const int by = CompareMeans(a.sums[i], a.experts, b.sums[i], b.experts); by != 0) {
      return by > 0;
    }
  }
  return a.filed_us < b.filed_us;
}

// "3;24,18,15,12,20;1788000000000000": experts, sums of the criteria, time of filing.
std::string ToText(const Tally& tally) {
  return absl::StrCat(tally.experts, ";", absl::StrJoin(tally.sums, ","), ";", tally.filed_us);
}

absl::StatusOr<Tally> TallyFrom(int64_t number, const std::string& text) {
  Tally tally;
  tally.number = number;
  const std::vector<std::string> parts = absl::StrSplit(text, ';');
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &tally.experts) ||
      !absl::SimpleAtoi(parts[2], &tally.filed_us)) {
    return base::StoreCorrupt("fact of a ranking");
  }
  ASSIGN_OR_RETURN(const std::vector<int64_t> sums, Split(parts[1]));
  if (sums.size() != tally.sums.size()) return base::StoreCorrupt("fact of a ranking");
  std::copy(sums.begin(), sums.end(), tally.sums.begin());
  return tally;
}

// Half up, to two decimals.
std::string MeanText(int64_t sum, int64_t count) {
  return base::FormatDecimal((sum * 200 + count) / (2 * count), 2);
}

absl::StatusOr<Decision> DecideTotal(Facts facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string listed, facts.Text(kExpertsFact));
  ASSIGN_OR_RETURN(const std::vector<int64_t> experts, Split(listed));
  if (experts.empty()) return base::StoreCorrupt("experts of a total");
  int64_t sum = 0;
  for (const int64_t expert : experts) {
    const std::string name = ExpertFact(expert);
    ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
    ASSIGN_OR_RETURN(const std::vector<int64_t> points, Split(text));
    sum += std::accumulate(points.begin(), points.end(), int64_t{0});
    AddFinding(&decision, absl::StrCat("SCORED_BY:", expert), true, errors::Selected(), facts,
               {name.c_str()});
  }
  const std::string mean = MeanText(sum, static_cast<int64_t>(experts.size()));
  facts.Set(kMean, mean, "mean of the sums");
  AddFinding(&decision, "TOTAL_FOUND", true, errors::RulesOfSelection(), facts,
             {kExpertsFact, kMean});
  decision.set_outcome(mean);
  return decision;
}

absl::StatusOr<Decision> DecideRanking(const Facts& facts) {
  ASSIGN_OR_RETURN(const std::string listed, facts.Text(kApplicationsFact));
  ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, Split(listed));
  ASSIGN_OR_RETURN(const int64_t pass_points, facts.Number(kPassPoints));
  std::vector<Tally> tallies;
  for (const int64_t number : numbers) {
    ASSIGN_OR_RETURN(const std::string text, facts.Text(ApplicationFact(number)));
    ASSIGN_OR_RETURN(Tally tally, TallyFrom(number, text));
    tallies.push_back(tally);
  }
  std::sort(tallies.begin(), tallies.end(), IsBetter);
  Decision decision;
  AddFinding(&decision, "ALL_COMPARED", true, errors::RulesOfSelection(), facts,
             {kApplicationsFact});
  std::vector<int64_t> order;
  for (const Tally& tally : tallies) {
    order.push_back(tally.number);
    AddFinding(&decision, absl::StrCat("PASSED:", tally.number),
               Sum(tally.sums) >= pass_points * tally.experts, errors::RulesOfSelection(), facts,
               {ApplicationFact(tally.number).c_str(), kPassPoints});
  }
  decision.set_outcome(Joined(order));
  return decision;
}

absl::StatusOr<Decision> DecideCommission(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(
      cases::FindVote(facts, VotesBy(), errors::RulesOfSelection(), errors::Selected(), &decision));
  const auto numbers = [&](const char* name) -> absl::StatusOr<std::vector<int64_t>> {
    ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
    return Split(text);
  };
  ASSIGN_OR_RETURN(const std::vector<int64_t> ranking, numbers(kRanking));
  ASSIGN_OR_RETURN(const std::vector<int64_t> passed, numbers(kPassed));
  ASSIGN_OR_RETURN(const std::vector<int64_t> passed_over, numbers(kPassedOver));
  ASSIGN_OR_RETURN(const int64_t max_selected, facts.Number(kMaxSelected));
  const auto in = [](const std::vector<int64_t>& list, int64_t number) {
    return std::find(list.begin(), list.end(), number) != list.end();
  };
  std::vector<int64_t> selected;
  for (const int64_t number : ranking) {
    if (max_selected > 0 && static_cast<int64_t>(selected.size()) == max_selected) break;
    if (in(passed, number) && !in(passed_over, number)) selected.push_back(number);
  }
  AddFinding(&decision, "SELECTED_IN_ORDER_OF_RANK", true, errors::Selected(), facts,
             {kRanking, kPassed, kPassedOver, kMaxSelected});
  decision.set_outcome(Joined(selected));
  return decision;
}

}  // namespace

const cases::VoteNorms& VotesBy() {
  static const auto* const kBy = new cases::VoteNorms("clusters.commission");
  return *kBy;
}

absl::Status FixTerms(const norms::Norms& norms, base::Date day, Selection* selection) {
  selection->clear_weights();
  for (const Criterion criterion : kCriteria) {
    ASSIGN_OR_RETURN(const int64_t maximum, norms.Int(MaximumNorm(criterion), day));
    auto* weight = selection->add_weights();
    weight->set_criterion(criterion);
    weight->set_max_points(static_cast<int32_t>(maximum));
  }
  ASSIGN_OR_RETURN(const int64_t pass, norms.Int(kPassPointsNorm, day));
  ASSIGN_OR_RETURN(const int64_t experts, norms.Int("clusters.selection.min_experts", day));
  selection->set_pass_points(static_cast<int32_t>(pass));
  selection->set_min_experts(static_cast<int32_t>(experts));
  return absl::OkStatus();
}

absl::Status CheckDates(const Selection& selection, base::Date today, const std::string& root) {
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(selection.applications_from()));
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(selection.applications_until()));
  if (until < from) {
    return errors::DatesInvalid(root + "applications_until", "not before applications_from");
  }
  if (from < today) {
    return errors::DatesInvalid(root + "applications_from",
                                "the day of announcement or later is needed");
  }
  return absl::OkStatus();
}

absl::Status CheckOpen(const Selection& selection, base::Date today) {
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(selection.applications_from()));
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(selection.applications_until()));
  return from <= today && today <= until ? absl::OkStatus()
                                         : errors::ApplicationsNotOpen(from, until);
}

bool IsTied(const google::protobuf::RepeatedPtrField<std::string>& own,
            const google::protobuf::RepeatedPtrField<std::string>& ties,
            const std::set<std::string>& applicant) {
  const auto among = [&](const std::string& bin) { return applicant.contains(bin); };
  return std::any_of(own.begin(), own.end(), among) || std::any_of(ties.begin(), ties.end(), among);
}

absl::Status CheckIndependent(const Expert& expert, const std::set<std::string>& applicant) {
  if (expert.state() == Expert::APPOINTED) return errors::TiesNotDeclared();
  return IsTied(expert.employers(), expert.declared_ties(), applicant) ? errors::ExpertTied()
                                                                       : absl::OkStatus();
}

absl::Status CheckWeights(const Points& points, const Selection& selection,
                          const std::string& field) {
  for (const auto& weight : selection.weights()) {
    const auto at = std::find(kCriteria.begin(), kCriteria.end(), weight.criterion());
    if (at == kCriteria.end()) return base::StoreCorrupt("weights of a selection");
    if (points[static_cast<size_t>(at - kCriteria.begin())] > weight.max_points()) {
      return errors::PointsOverWeight(field, weight.max_points());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckScores(const std::map<int32_t, std::set<int32_t>>& due,
                         const std::vector<Scored>& applications, int32_t min_experts) {
  std::vector<std::string> missing;
  for (const Scored& application : applications) {
    std::vector<int64_t> experts;
    if (const auto who = due.find(application.number); who != due.end()) {
      for (const int32_t expert : who->second) {
        if (!application.scores.contains(expert)) experts.push_back(expert);
      }
    }
    const auto have = static_cast<int32_t>(application.scores.size());
    if (!experts.empty()) {
      missing.push_back(
          absl::StrCat("application ", application.number, ": experts ", Joined(experts)));
    } else if (have < min_experts) {
      missing.push_back(absl::StrCat("application ", application.number, ": ", have, " of ",
                                     min_experts, " experts"));
    }
    if (missing.size() == 10) break;  // of a refusal a person reads no more
  }
  return missing.empty() ? absl::OkStatus() : errors::ScoresMissing(absl::StrJoin(missing, "; "));
}

absl::StatusOr<Decision> Total(const Scored& application, const Source& source,
                               const norms::Norms& norms) {
  Facts facts;
  std::vector<int64_t> experts;
  for (const auto& [expert, points] : application.scores) {
    experts.push_back(expert);
    facts.Set(ExpertFact(expert), absl::StrJoin(points, ","),
              absl::StrCat(source.name, "/scores/", expert), source.etag);
  }
  facts.Set(kExpertsFact, Joined(experts), source.name, source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideTotal(std::move(facts)));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayTotal(const Decision& stored) {
  return cases::Replay(stored, DecideTotal);
}

absl::StatusOr<Decision> Rank(const std::vector<Scored>& applications, const Selection& selection,
                              const Source& source, const norms::Norms& norms) {
  // The norm of the announcement is that of the first day for applications, which is not before it:
  // a norm does not change its certainty from one day to the next.
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(selection.applications_from()));
  ASSIGN_OR_RETURN(const norms::Norm pass_points, norms.Get(kPassPointsNorm, from));
  Facts facts;
  std::vector<int64_t> numbers;
  for (const Scored& application : applications) {
    numbers.push_back(application.number);
    facts.Set(ApplicationFact(application.number), ToText(TallyOf(application)),
              absl::StrCat(source.name, "/applications/", application.number), source.etag);
  }
  facts.Set(kApplicationsFact, Joined(numbers), source.name, source.etag);
  facts.Set(kPassPoints, absl::StrCat(selection.pass_points()), source.name, source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideRanking(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(pass_points.certainty == norms::Certainty::kAssumption);
  return decision;
}

absl::StatusOr<Decision> ReplayRanking(const Decision& stored) {
  return cases::Replay(stored, DecideRanking);
}

absl::StatusOr<Ranked> RankedBy(const Decision& ranking) {
  Ranked ranked;
  ASSIGN_OR_RETURN(const std::vector<int64_t> order, Split(ranking.outcome()));
  ranked.order.assign(order.begin(), order.end());
  for (const int32_t number : ranked.order) {
    const std::string rule = absl::StrCat("PASSED:", number);
    for (const auto& finding : ranking.findings()) {
      if (finding.rule() == rule && finding.satisfied()) ranked.passed.insert(number);
    }
  }
  return ranked;
}

absl::StatusOr<Decision> DecideAsCommission(const Meeting& meeting, const norms::Norms& norms,
                                            base::Date day) {
  cases::VoteCount count;
  std::set<std::string> subjects;
  for (const Request::Member& member : *meeting.members) {
    subjects.insert(member.subject());
    const bool votes = member.vote() == Request::FOR || member.vote() == Request::AGAINST;
    if (member.vote() != Request::ABSENT) ++count.present;
    if (member.vote() == Request::FOR) ++count.votes_for;
    if (member.vote() == Request::AGAINST) ++count.against;
    if (member.chair()) ++count.chairs;
    if (member.chair() && member.vote() == Request::FOR) count.chair_for = true;
    if (votes && (IsTied(member.ties(), {}, meeting.applicants) ||
                  meeting.officials.contains(member.subject()))) {
      ++count.conflicted;
    }
  }
  count.members = static_cast<int64_t>(subjects.size());
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, meeting.selection.name, meeting.selection.etag);
  };
  cases::SetVotes(count, meeting.selection.name, meeting.selection.etag, &facts);
  set(kRanking, Joined({meeting.ranked.order.begin(), meeting.ranked.order.end()}));
  set(kPassed, Joined({meeting.ranked.passed.begin(), meeting.ranked.passed.end()}));
  set(kPassedOver, Joined({meeting.passed_over.begin(), meeting.passed_over.end()}));
  set(kMaxSelected, absl::StrCat(meeting.max_selected));
  RETURN_IF_ERROR(VotesBy().SetFacts(norms, day, &facts));
  ASSIGN_OR_RETURN(Decision decision, DecideCommission(facts));
  const std::string failed = FirstUnsatisfied(decision);
  if (failed == "COMMISSION_FORMED") {
    return errors::NoQuorum(
        "an odd number of members, each once, not less than the norm, with one chair");
  }
  if (failed == "QUORUM")
    return errors::NoQuorum("fewer members than the norm's quorum were present");
  if (failed == "NO_CONFLICTED_VOTE") return errors::VoteConflicted();
  if (failed == "CARRIED") return errors::NotCarried();
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayCommission(const Decision& stored) {
  return cases::Replay(stored, DecideCommission);
}

std::string Joined(const std::vector<int64_t>& numbers) {
  return absl::StrJoin(numbers, ",");
}

absl::StatusOr<std::vector<int64_t>> Split(const std::string& text) {
  std::vector<int64_t> numbers;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) return base::StoreCorrupt("list of numbers");
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace nisi::clusters
