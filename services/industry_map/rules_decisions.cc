// Decisions that are stored with their facts: each is a function of the facts alone, so that it is
// the same when it is computed again years later.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/cases/findings.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {
namespace {

using cases::AddFinding;
using cases::Facts;

constexpr char kNone[] = "none";  // a fact that says that there is none

// Of an adoption.
constexpr char kKind[] = "kind";
constexpr char kPath[] = "path";
constexpr char kRegionalVerdict[] = "regional_verdict";
constexpr char kSectorVerdict[] = "sector_verdict";
constexpr char kPreparedBy[] = "prepared_by";
constexpr char kDecidedBy[] = "decided_by";
constexpr char kActDate[] = "act_date";
constexpr char kProposeDate[] = "propose_date";
constexpr char kConcluded[] = "concluded_date";
constexpr char kToday[] = "today";
constexpr char kProposedFor[] = "parameters_etag.proposed";
constexpr char kParametersNow[] = "parameters_etag.now";
constexpr char kEffectiveFrom[] = "effective_from";
constexpr char kIncludeDate[] = "include_date";
constexpr char kGround[] = "exclusion_ground";
constexpr char kGroundMet[] = "ground_met";
// Of sustained capacity.
constexpr char kState[] = "state";
constexpr char kLoadMin[] = "industry_map.exclusion.load_min";
constexpr char kExclusionQuarters[] = "industry_map.exclusion.quarters";
// Of the light.
constexpr char kPlanned[] = "planned_commissioning";
constexpr char kConstruction[] = "planned_construction";
constexpr char kForecast[] = "forecast_commissioning";
constexpr char kReadiness[] = "readiness_bp";
constexpr char kReported[] = "last_reported_day";
constexpr char kRedMonths[] = "industry_map.light.red_slip_months";
constexpr char kYellowMonths[] = "industry_map.light.yellow_slip_months";
constexpr char kRedPoints[] = "industry_map.light.red_lag_points";
constexpr char kYellowPoints[] = "industry_map.light.yellow_lag_points";
// Of an edition.
constexpr char kOrderDate[] = "order_date";
constexpr char kExamined[] = "examined_date";
constexpr char kPosition[] = "position";
constexpr char kStorePosition[] = "store_position";
constexpr char kLastPosition[] = "last_position";
constexpr char kProjectCount[] = "project_count";

std::string TextOf(std::optional<base::Date> day) {
  return day.has_value() ? day->ToString() : kNone;
}

absl::StatusOr<std::optional<base::Date>> DayIn(const Facts& facts, const char* name) {
  ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
  if (text == kNone) return std::optional<base::Date>();
  ASSIGN_OR_RETURN(const base::Date day, facts.Date(name));
  return std::optional<base::Date>(day);
}

Decision Finished(Decision decision, const Facts& facts, const norms::Norms& norms) {
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

bool Satisfied(const Decision& decision, absl::string_view rule) {
  for (const decision::v1::Finding& finding : decision.findings()) {
    if (finding.rule() == rule) return finding.satisfied();
  }
  return true;  // it was not asked
}

// The verdict of a body in the round that is being decided.
std::string VerdictAt(const Review& review, Review::State step) {
  std::string verdict = kNone;
  for (const Conclusion& conclusion : review.administrative_data().conclusions()) {
    if (conclusion.step() == step && conclusion.round() == review.round())
      verdict = Conclusion::Verdict_Name(conclusion.verdict());
  }
  return verdict;
}

absl::StatusOr<Decision> AdoptionOf(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string kind, facts.Text(kKind));
  ASSIGN_OR_RETURN(const std::string path, facts.Text(kPath));
  ASSIGN_OR_RETURN(const std::string regional, facts.Text(kRegionalVerdict));
  ASSIGN_OR_RETURN(const std::string sector, facts.Text(kSectorVerdict));
  const std::string recommend = Conclusion::Verdict_Name(Conclusion::RECOMMEND);
  const bool republican = path == Review::Path_Name(Review::REPUBLICAN);
  AddFinding(&decision, "EVERY_BODY_RECOMMENDED",
             regional == recommend && (!republican || sector == recommend), errors::RulesOfTheMap(),
             facts, {kKind, kPath, kRegionalVerdict, kSectorVerdict});
  ASSIGN_OR_RETURN(const std::string prepared, facts.Text(kPreparedBy));
  ASSIGN_OR_RETURN(const std::string decider, facts.Text(kDecidedBy));
  const std::vector<std::string> subjects = absl::StrSplit(prepared, '\n');
  AddFinding(&decision, "SEPARATION_OF_DUTIES",
             std::find(subjects.begin(), subjects.end(), decider) == subjects.end(),
             errors::ApprovalOfTheMap(), facts, {kPreparedBy, kDecidedBy});
  ASSIGN_OR_RETURN(const base::Date act_date, facts.Date(kActDate));
  ASSIGN_OR_RETURN(const base::Date propose_date, facts.Date(kProposeDate));
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kToday));
  ASSIGN_OR_RETURN(const auto concluded, DayIn(facts, kConcluded));
  AddFinding(
      &decision, "ACT_DATED",
      std::max(propose_date, concluded.value_or(propose_date)) <= act_date && act_date <= today,
      errors::ApprovalOfTheMap(), facts, {kActDate, kProposeDate, kConcluded, kToday});
  if (kind == Review::Kind_Name(Review::CHANGE)) {
    ASSIGN_OR_RETURN(const std::string proposed_for, facts.Text(kProposedFor));
    ASSIGN_OR_RETURN(const std::string now, facts.Text(kParametersNow));
    AddFinding(&decision, "PROJECT_AS_PROPOSED", proposed_for == now, errors::RulesOfTheMap(),
               facts, {kProposedFor, kParametersNow});
    ASSIGN_OR_RETURN(const auto effective, DayIn(facts, kEffectiveFrom));
    ASSIGN_OR_RETURN(const auto included, DayIn(facts, kIncludeDate));
    AddFinding(&decision, "EFFECTIVE_AFTER_INCLUSION",
               !effective.has_value() || !included.has_value() || *effective >= *included,
               errors::RulesOfTheMap(), facts, {kEffectiveFrom, kIncludeDate});
  }
  if (kind == Review::Kind_Name(Review::EXCLUSION)) {
    ASSIGN_OR_RETURN(const std::string ground, facts.Text(kGround));
    ASSIGN_OR_RETURN(const std::string met, facts.Text(kGroundMet));
    AddFinding(&decision, "GROUND_MET", met == "true", errors::Methodology(), facts,
               {kGround, kGroundMet});
  }
  decision.set_outcome(cases::AllSatisfied(decision) ? "ADOPTED" : "REFUSED");
  return decision;
}

// Names of the facts of quarter n, the newest 1.
std::string LoadFact(int64_t n) {
  return absl::StrCat("load_bp.", n);
}

absl::StatusOr<Decision> SustainedOf(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string state, facts.Text(kState));
  ASSIGN_OR_RETURN(const int64_t quarters, facts.Number(kExclusionQuarters));
  ASSIGN_OR_RETURN(const int64_t minimum, facts.Number(kLoadMin));
  const bool commissioned = state == Project::State_Name(Project::COMMISSIONED) ||
                            state == Project::State_Name(Project::AT_CAPACITY);
  AddFinding(&decision, "COMMISSIONED", commissioned, errors::Methodology(), facts, {kState});
  for (int64_t n = 1; n <= quarters; ++n) {
    const std::string name = LoadFact(n);
    const std::string quarter = absl::StrCat("quarter.", n);
    ASSIGN_OR_RETURN(const std::string load, facts.Text(name));
    bool loaded = false;
    if (load != kNone) {
      ASSIGN_OR_RETURN(const int64_t load_bp, facts.Number(name));
      loaded = load_bp >= minimum * 100;
    }
    AddFinding(&decision, absl::StrCat("LOAD_AT_LEAST:", n), loaded, errors::Methodology(), facts,
               {quarter.c_str(), name.c_str(), kLoadMin, kExclusionQuarters});
  }
  decision.set_outcome(cases::AllSatisfied(decision) ? "MET" : "NOT_MET");
  return decision;
}

// Planned readiness on a day, in hundredths of a percent: straight from the planned beginning of
// construction to planned commissioning.
int64_t PlannedReadiness(base::Date day, base::Date from, base::Date to) {
  if (day >= to) return 10'000;
  if (day <= from) return 0;
  return int64_t{10'000} * (day - from) / (to - from);
}

absl::StatusOr<Decision> LightOf(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string state, facts.Text(kState));
  ASSIGN_OR_RETURN(const auto planned, DayIn(facts, kPlanned));
  if (state != Project::State_Name(Project::INCLUDED) || !planned.has_value()) {
    AddFinding(&decision, "LIGHT_SHOWN", false, errors::Methodology(), facts, {kState, kPlanned});
    decision.set_outcome(Progress::TrafficLight_Name(Progress::TRAFFIC_LIGHT_UNSPECIFIED));
    return decision;
  }
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kToday));
  ASSIGN_OR_RETURN(const auto forecast, DayIn(facts, kForecast));
  const base::Date expected = std::max(today, forecast.value_or(today));
  bool red = false, yellow = false;
  const auto find = [&](const char* rule, bool within, bool* light,
                        std::initializer_list<const char*> names) {
    AddFinding(&decision, rule, within, errors::Methodology(), facts, names);
    *light = *light || !within;
  };
  ASSIGN_OR_RETURN(const int64_t red_months, facts.Number(kRedMonths));
  ASSIGN_OR_RETURN(const int64_t yellow_months, facts.Number(kYellowMonths));
  find("SLIP_WITHIN_RED", expected <= AddMonths(*planned, red_months), &red,
       {kState, kPlanned, kForecast, kToday, kRedMonths});
  find("SLIP_WITHIN_YELLOW", expected <= AddMonths(*planned, yellow_months), &yellow,
       {kPlanned, kForecast, kToday, kYellowMonths});
  ASSIGN_OR_RETURN(const auto construction, DayIn(facts, kConstruction));
  ASSIGN_OR_RETURN(const auto reported, DayIn(facts, kReported));
  const bool lag_known = construction.has_value() && reported.has_value();
  AddFinding(&decision, "LAG_KNOWN", lag_known, errors::Methodology(), facts,
             {kConstruction, kReported});
  // What was reported can be compared with no plan: nobody may take that for green.
  if (reported.has_value() && !construction.has_value()) yellow = true;
  if (lag_known) {
    ASSIGN_OR_RETURN(const int64_t readiness, facts.Number(kReadiness));
    ASSIGN_OR_RETURN(const int64_t red_points, facts.Number(kRedPoints));
    ASSIGN_OR_RETURN(const int64_t yellow_points, facts.Number(kYellowPoints));
    const int64_t lag = PlannedReadiness(*reported, *construction, *planned) - readiness;
    find("LAG_WITHIN_RED", lag <= red_points * 100, &red,
         {kConstruction, kPlanned, kReported, kReadiness, kRedPoints});
    find("LAG_WITHIN_YELLOW", lag <= yellow_points * 100, &yellow,
         {kConstruction, kPlanned, kReported, kReadiness, kYellowPoints});
  }
  decision.set_outcome(Progress::TrafficLight_Name(red      ? Progress::RED
                                                   : yellow ? Progress::YELLOW
                                                            : Progress::GREEN));
  return decision;
}

absl::StatusOr<Decision> EditionOf(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const base::Date order_date, facts.Date(kOrderDate));
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kToday));
  ASSIGN_OR_RETURN(const int64_t position, facts.Number(kPosition));
  ASSIGN_OR_RETURN(const int64_t reached, facts.Number(kStorePosition));
  ASSIGN_OR_RETURN(const int64_t last, facts.Number(kLastPosition));
  ASSIGN_OR_RETURN(const int64_t count, facts.Number(kProjectCount));
  const base::LegalBasis basis = errors::ApprovalOfTheMap();
  AddFinding(&decision, "POSITION_REACHED", position <= reached, basis, facts,
             {kPosition, kStorePosition});
  AddFinding(&decision, "AFTER_LAST_EDITION", position > last, basis, facts,
             {kPosition, kLastPosition});
  AddFinding(&decision, "MAP_NOT_EMPTY", count > 0, basis, facts, {kProjectCount});
  ASSIGN_OR_RETURN(const auto examined, DayIn(facts, kExamined));
  AddFinding(&decision, "ORDER_DATED",
             examined.value_or(order_date) <= order_date && order_date <= today, basis, facts,
             {kOrderDate, kExamined, kToday});
  decision.set_outcome(cases::AllSatisfied(decision) ? "APPROVED" : "REFUSED");
  return decision;
}

absl::Status AdoptionRefusal(const Decision& decision, const Adoption& adoption) {
  if (!Satisfied(decision, "EVERY_BODY_RECOMMENDED")) {
    return errors::NotRecommended(
        VerdictAt(*adoption.review, Review::REGIONAL_REVIEW) == kNone ? "akimat" : "sector body");
  }
  if (!Satisfied(decision, "SEPARATION_OF_DUTIES")) {
    std::vector<base::Acted> acts;
    for (const std::string& subject : adoption.prepared)
      acts.push_back({base::Duty::kPrepares, subject});
    return ReviewMachine()
        .Ask(Review::AUTHORITY_REVIEW, ReviewVerb::kAdopt, {~0U, adoption.decider, acts})
        .status();
  }
  if (!Satisfied(decision, "ACT_DATED")) return errors::ActDateInvalid("act_date");
  if (!Satisfied(decision, "PROJECT_AS_PROPOSED")) return errors::ProjectStale();
  if (!Satisfied(decision, "EFFECTIVE_AFTER_INCLUSION")) return errors::EffectiveBeforeInclusion();
  return errors::GroundNotMet();
}

}  // namespace

absl::StatusOr<Decision> DecideAdoption(const Adoption& adoption, const norms::Norms& norms) {
  const Review& review = *adoption.review;
  Facts facts;
  const auto examined = [&](const char* name, absl::string_view value) {
    facts.Set(name, value, review.name(), review.etag());
  };
  const auto decided = [&](const char* name, absl::string_view value) {
    facts.Set(name, value, review.name(), adoption.etag);
  };
  const auto of_project = [&](const char* name, absl::string_view value) {
    facts.Set(name, value, adoption.project->name(), adoption.project->etag());
  };
  examined(kKind, Review::Kind_Name(review.kind()));
  examined(kPath, Review::Path_Name(review.path()));
  examined(kRegionalVerdict, VerdictAt(review, Review::REGIONAL_REVIEW));
  examined(kSectorVerdict, VerdictAt(review, Review::SECTOR_REVIEW));
  examined(kPreparedBy, absl::StrJoin(adoption.prepared, "\n"));
  examined(kProposeDate, adoption.propose_date.ToString());
  examined(kConcluded, TextOf(adoption.concluded));
  decided(kDecidedBy, adoption.decider);
  decided(kActDate, adoption.act_date.ToString());
  facts.Set(kToday, adoption.today.ToString(), "clock");
  if (review.kind() == Review::CHANGE) {
    const auto day = base::Date::FromProto(review.effective_from());
    const auto included = base::Date::FromProto(adoption.project->include_date());
    examined(kProposedFor, review.parameters_etag());
    examined(kEffectiveFrom, day.ok() ? day->ToString() : kNone);
    of_project(kParametersNow, adoption.project->parameters_etag());
    of_project(kIncludeDate, included.ok() ? included->ToString() : kNone);
  }
  if (review.kind() == Review::EXCLUSION) {
    examined(kGround, v1::ExclusionGround_Name(review.exclusion_ground()));
    of_project(kGroundMet, adoption.met ? "true" : "false");
  }
  ASSIGN_OR_RETURN(Decision decision, AdoptionOf(facts));
  if (!cases::AllSatisfied(decision)) return AdoptionRefusal(decision, adoption);
  return Finished(std::move(decision), facts, norms);
}

absl::StatusOr<Decision> SustainedCapacity(const Project& project, const std::vector<Load>& loads,
                                           const norms::Norms& norms, base::Date day) {
  Facts facts;
  RETURN_IF_ERROR(facts.SetNorm(norms, kLoadMin, day));
  RETURN_IF_ERROR(facts.SetNorm(norms, kExclusionQuarters, day));
  facts.Set(kState, Project::State_Name(project.state()), project.name(), project.etag());
  for (size_t i = 0; i < loads.size(); ++i) {
    const auto n = static_cast<int64_t>(i) + 1;
    const Load& load = loads[i];
    facts.Set(absl::StrCat("quarter.", n), load.quarter.ToString(), "calendar");
    facts.Set(LoadFact(n), load.load_bp.has_value() ? absl::StrCat(*load.load_bp) : kNone,
              load.report, load.etag);
  }
  ASSIGN_OR_RETURN(Decision decision, SustainedOf(facts));
  return Finished(std::move(decision), facts, norms);
}

absl::StatusOr<Decision> TrafficLight(const LightFacts& given, const norms::Norms& norms) {
  const Project& project = *given.project;
  Facts facts;
  for (const char* norm : {kRedMonths, kYellowMonths, kRedPoints, kYellowPoints})
    RETURN_IF_ERROR(facts.SetNorm(norms, norm, given.today));
  const auto of_project = [&](const char* name, absl::string_view value) {
    facts.Set(name, value, project.name(), given.etag);
  };
  const auto quarter = base::Quarter::Parse(project.last_report_quarter());
  const auto forecast = base::Date::FromProto(project.forecast_commissioning_date());
  of_project(kState, Project::State_Name(given.state));
  of_project(kPlanned, TextOf(PlannedDay(project.parameters(), Milestone::COMMISSIONING)));
  of_project(kConstruction, TextOf(PlannedDay(project.parameters(), Milestone::CONSTRUCTION)));
  of_project(kForecast, forecast.ok() ? forecast->ToString() : kNone);
  of_project(kReported, quarter.ok() ? quarter->last_day().ToString() : kNone);
  of_project(kReadiness, absl::StrCat(project.administrative_data().progress().readiness_bp()));
  facts.Set(kToday, given.today.ToString(), "clock");
  ASSIGN_OR_RETURN(Decision decision, LightOf(facts));
  return Finished(std::move(decision), facts, norms);
}

absl::StatusOr<std::optional<base::Date>> LightTurns(const LightFacts& facts,
                                                     const norms::Norms& norms) {
  const auto planned = PlannedDay(facts.project->parameters(), Milestone::COMMISSIONING);
  std::optional<base::Date> next;
  if (facts.state != Project::INCLUDED || !planned.has_value()) return next;
  for (const char* norm : {kYellowMonths, kRedMonths}) {
    ASSIGN_OR_RETURN(const int64_t months, norms.Int(norm, facts.today));
    const base::Date day = AddMonths(*planned, months).AddDays(1);
    if (day > facts.today && (!next.has_value() || day < *next)) next = day;
  }
  return next;
}

base::Date AddMonths(base::Date day, int64_t months) {
  const int64_t index = int64_t{day.year()} * 12 + day.month() - 1 + months;
  for (int last = day.day(); last > 27; --last) {
    const auto same = base::Date::Of(index / 12, index % 12 + 1, last);
    if (same.ok()) return *same;
  }
  return base::Date::Of(index / 12, index % 12 + 1, day.day()).value_or(base::Date::Max());
}

absl::StatusOr<Decision> ApproveEdition(const EditionOrder& order, const norms::Norms& norms) {
  Facts facts;
  const auto ordered = [&](const char* name, absl::string_view value) {
    facts.Set(name, value, order.name, order.etag);
  };
  ordered(kOrderDate, order.order_date.ToString());
  ordered(kPosition, absl::StrCat(order.position));
  facts.Set(kExamined, TextOf(order.examined), "journal");
  facts.Set(kToday, order.today.ToString(), "clock");
  facts.Set(kStorePosition, absl::StrCat(order.store_position), "journal");
  facts.Set(kLastPosition, absl::StrCat(order.last_position), "editions");
  facts.Set(kProjectCount, absl::StrCat(order.project_count), "map_totals");
  ASSIGN_OR_RETURN(Decision decision, EditionOf(facts));
  if (!Satisfied(decision, "POSITION_REACHED"))
    return errors::PositionInvalid("is not reached yet");
  if (!Satisfied(decision, "AFTER_LAST_EDITION"))
    return errors::PositionInvalid("is not after that of the edition before");
  if (!Satisfied(decision, "MAP_NOT_EMPTY")) return errors::MapEmpty();
  if (!Satisfied(decision, "ORDER_DATED")) return errors::ActDateInvalid("edition.order_date");
  return Finished(std::move(decision), facts, norms);
}

absl::StatusOr<Decision> ReplayAdoption(const Decision& stored) {
  return cases::Replay(stored, AdoptionOf);
}
absl::StatusOr<Decision> ReplaySustained(const Decision& stored) {
  return cases::Replay(stored, SustainedOf);
}
absl::StatusOr<Decision> ReplayLight(const Decision& stored) {
  return cases::Replay(stored, LightOf);
}
absl::StatusOr<Decision> ReplayEdition(const Decision& stored) {
  return cases::Replay(stored, EditionOf);
}

}  // namespace nisi::industry_map
