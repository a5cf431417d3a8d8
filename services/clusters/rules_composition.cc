// What a territorial cluster must be, how it is diagnosed, admitted and kept.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/base/neighbours.h"
#include "common/cases/findings.h"
#include "common/norms/term.h"
#include "services/clusters/errors.h"
#include "services/clusters/rules.h"

namespace nisi::clusters {
namespace {

using cases::AddFinding;
using cases::Facts;

constexpr char kParticipants[] = "participants";
constexpr char kManufacturers[] = "manufacturers";
constexpr char kScience[] = "research_and_education";
constexpr char kOrganization[] = "cluster_organization";
constexpr char kFarAway[] = "participants_far_away";
constexpr char kRegion[] = "main_region";
constexpr char kParticipantsMin[] = "clusters.composition.participants_min";
constexpr char kProducersMin[] = "clusters.composition.producers_min";
constexpr char kScienceMin[] = "clusters.composition.science_min";
constexpr char kCureDays[] = "clusters.composition.cure_days";

constexpr char kDevelopingFrom[] = "clusters.level.developing_from";
constexpr char kMatureFrom[] = "clusters.level.mature_from";
constexpr char kPoints[] = "points";

constexpr char kDiagnosed[] = "diagnostic";
constexpr char kInScope[] = "main_region_and_branch_in_scope";
constexpr char kFiled[] = "filed";
constexpr char kFrom[] = "applications_from";
constexpr char kUntil[] = "applications_until";
constexpr char kDocuments[] = "documents_complete";
// Whether there is one: how many steps it has is confidential, and the admission becomes public.
constexpr char kPlan[] = "has_work_plan";

constexpr char kStep[] = "step";
constexpr char kGround[] = "ground";
constexpr char kProposedOn[] = "suspension_proposed_on";
constexpr char kReportOverdue[] = "report_overdue";
// Rules of a ground.
constexpr char kCureOver[] = "CURE_PERIOD_OVER";
constexpr char kOverdue[] = "REPORT_OVERDUE";
constexpr char kNamed[] = "GROUND_NAMED";

bool HasRole(const Participant& member, std::initializer_list<v1::MemberRole> roles) {
  return std::any_of(member.roles().begin(), member.roles().end(), [&](int role) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
  });
}

absl::Status AddComposition(const std::vector<Participant>& members,
                            const std::string& organization, const std::string& main_region,
                            const Source& source, const norms::Norms& norms, base::Date day,
                            Facts* facts) {
  std::set<std::string> all, manufacturers, science;
  int64_t far_away = 0;
  for (const Participant& member : members) {
    all.insert(member.bin());
    if (HasRole(member, {v1::MANUFACTURER})) manufacturers.insert(member.bin());
    if (HasRole(member, {v1::RESEARCH, v1::HIGHER_EDUCATION, v1::VOCATIONAL_EDUCATION})) {
      science.insert(member.bin());
    }
    if (!IsNear(main_region, member.region())) ++far_away;
  }
  const auto set = [&](const char* name, const std::string& value) {
    facts->Set(name, value, source.name, source.etag);
  };
  set(kParticipants, absl::StrCat(all.size()));
  set(kManufacturers, absl::StrCat(manufacturers.size()));
  set(kScience, absl::StrCat(science.size()));
  set(kOrganization, organization);
  set(kFarAway, absl::StrCat(far_away));
  set(kRegion, main_region);
  for (const char* norm : {kParticipantsMin, kProducersMin, kScienceMin}) {
    RETURN_IF_ERROR(facts->SetNorm(norms, norm, day));
  }
  return absl::OkStatus();
}

absl::Status FindComposition(const Facts& facts, Decision* decision) {
  const auto enough = [&](const char* rule, const char* have, const char* need) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t count, facts.Number(have));
    ASSIGN_OR_RETURN(const int64_t minimum, facts.Number(need));
    AddFinding(decision, rule, count >= minimum, errors::WhatAClusterIs(), facts, {have, need});
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(enough("ENOUGH_PARTICIPANTS", kParticipants, kParticipantsMin));
  RETURN_IF_ERROR(enough("ENOUGH_MANUFACTURERS", kManufacturers, kProducersMin));
  RETURN_IF_ERROR(enough("HAS_RESEARCH_OR_EDUCATION", kScience, kScienceMin));
  ASSIGN_OR_RETURN(const std::string organization, facts.Text(kOrganization));
  AddFinding(decision, "HAS_CLUSTER_ORGANIZATION", !organization.empty(), errors::Organization(),
             facts, {kOrganization});
  ASSIGN_OR_RETURN(const int64_t far_away, facts.Number(kFarAway));
  AddFinding(decision, "GEOGRAPHICALLY_CONCENTRATED", far_away == 0, errors::WhatAClusterIs(),
             facts, {kFarAway, kRegion});
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideComposition(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(FindComposition(facts, &decision));
  decision.set_outcome(cases::AllSatisfied(decision) ? "WHOLE" : "BELOW_MINIMUM");
  return decision;
}

absl::StatusOr<Decision> DecideDiagnosis(Facts facts) {
  Decision decision;
  int64_t sum = 0;
  for (const Criterion criterion : kCriteria) {
    const std::string name = absl::AsciiStrToLower(v1::Criterion_Name(criterion));
    const std::string norm = MaximumNorm(criterion);
    ASSIGN_OR_RETURN(const int64_t points, facts.Number(name));
    ASSIGN_OR_RETURN(const int64_t maximum, facts.Number(norm));
    AddFinding(&decision, absl::StrCat("POINTS_WITHIN_NORM:", name), points <= maximum,
               errors::Diagnostics(), facts, {name.c_str(), norm.c_str()});
    sum += points;
  }
  ASSIGN_OR_RETURN(const int64_t developing_from, facts.Number(kDevelopingFrom));
  ASSIGN_OR_RETURN(const int64_t mature_from, facts.Number(kMatureFrom));
  const v1::DevelopmentLevel level = sum >= mature_from       ? v1::MATURE
                                     : sum >= developing_from ? v1::DEVELOPING
                                                              : v1::EMERGING;
  facts.Set(kPoints, absl::StrCat(sum), "sum of the points");
  AddFinding(&decision, "LEVEL_FOUND", true, errors::Diagnostics(), facts,
             {kPoints, kDevelopingFrom, kMatureFrom});
  decision.set_outcome(v1::DevelopmentLevel_Name(level));
  return decision;
}

absl::StatusOr<Decision> DecideAdmission(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string diagnostic, facts.Text(kDiagnosed));
  AddFinding(&decision, "INITIATIVE_DIAGNOSED", !diagnostic.empty(), errors::Diagnostics(), facts,
             {kDiagnosed});
  RETURN_IF_ERROR(FindComposition(facts, &decision));
  ASSIGN_OR_RETURN(const int64_t in_scope, facts.Number(kInScope));
  AddFinding(&decision, "IN_SCOPE_OF_SELECTION", in_scope == 1, errors::RulesOfSelection(), facts,
             {kInScope});
  ASSIGN_OR_RETURN(const base::Date filed, facts.Date(kFiled));
  ASSIGN_OR_RETURN(const base::Date from, facts.Date(kFrom));
  ASSIGN_OR_RETURN(const base::Date until, facts.Date(kUntil));
  AddFinding(&decision, "FILED_IN_TIME", from <= filed && filed <= until,
             errors::RulesOfSelection(), facts, {kFiled, kFrom, kUntil});
  ASSIGN_OR_RETURN(const int64_t complete, facts.Number(kDocuments));
  AddFinding(&decision, "DOCUMENTS_COMPLETE", complete == 1, errors::RulesOfSelection(), facts,
             {kDocuments});
  ASSIGN_OR_RETURN(const int64_t plan, facts.Number(kPlan));
  AddFinding(&decision, "HAS_WORK_PLAN", plan == 1, errors::Organization(), facts, {kPlan});
  decision.set_outcome(cases::AllSatisfied(decision) ? "ADMITTED" : "REFUSED");
  return decision;
}

absl::StatusOr<Decision> DecideGround(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string step, facts.Text(kStep));
  ASSIGN_OR_RETURN(const std::string ground, facts.Text(kGround));
  ASSIGN_OR_RETURN(const std::string proposed, facts.Text(kProposedOn));
  ASSIGN_OR_RETURN(const int64_t overdue, facts.Number(kReportOverdue));
  const auto add = [&](const char* rule, bool satisfied) {
    AddFinding(&decision, rule, satisfied, errors::RulesOfRegister(), facts,
               {kStep, kGround, kProposedOn, kReportOverdue});
  };
  if (ground == Cluster::Ground_Name(Cluster::COMPOSITION_NOT_CURED)) {
    add(kCureOver, !proposed.empty());
  } else if (ground == Cluster::Ground_Name(Cluster::REPORT_MISSING)) {
    add(kOverdue, overdue == 1);
  } else {
    add(kNamed, ground != Cluster::Ground_Name(Cluster::GROUND_UNSPECIFIED));
  }
  decision.set_outcome(cases::AllSatisfied(decision) ? step : "REFUSED");
  return decision;
}

Decision Signed(Decision decision, const norms::Norms& norms, const Facts& facts) {
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

// 24.10 covers 24.10.1.
bool Covers(const std::string& announced, const std::string& oked) {
  return oked == announced || absl::StartsWith(oked, absl::StrCat(announced, "."));
}

bool InScope(const Initiative& initiative, const Selection& selection) {
  const auto region = base::Kato::Parse(initiative.region());
  const bool here =
      selection.regions().empty() ||
      std::any_of(selection.regions().begin(), selection.regions().end(),
                  [&](const std::string& kato) {
                    const auto place = base::Kato::Parse(kato);
                    return place.ok() && region.ok() && place->prefix() == region->prefix();
                  });
  const auto& own = initiative.specialization().okeds();
  const bool branch =
      selection.okeds().empty() ||
      std::any_of(own.begin(), own.end(), [&](const std::string& oked) {
        return std::any_of(selection.okeds().begin(), selection.okeds().end(),
                           [&](const std::string& announced) { return Covers(announced, oked); });
      });
  return here && branch;
}

}  // namespace

absl::StatusOr<Decision> JudgeComposition(const std::vector<Participant>& members,
                                          const std::string& organization,
                                          const std::string& main_region, const Source& source,
                                          const norms::Norms& norms, base::Date day) {
  Facts facts;
  RETURN_IF_ERROR(AddComposition(members, organization, main_region, source, norms, day, &facts));
  ASSIGN_OR_RETURN(Decision decision, DecideComposition(facts));
  return Signed(std::move(decision), norms, facts);
}

absl::StatusOr<Decision> ReplayComposition(const Decision& stored) {
  return cases::Replay(stored, DecideComposition);
}

std::string FirstUnsatisfied(const Decision& decision) {
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) return finding.rule();
  }
  return "";
}

absl::Status CheckWhole(const Decision& composition) {
  const std::string finding = FirstUnsatisfied(composition);
  return finding.empty() ? absl::OkStatus() : errors::CompositionBelowMinimum(finding);
}

bool IsNear(const std::string& main_region, const std::string& region) {
  const auto main = base::Kato::Parse(main_region);
  const auto place = base::Kato::Parse(region);
  if (!main.ok() || !place.ok()) return false;
  return main->prefix() == place->prefix() || base::AreNeighbours(main->prefix(), place->prefix());
}

absl::Status CheckPlaces(const std::string& main_region,
                         const google::protobuf::RepeatedPtrField<std::string>& others,
                         const google::protobuf::RepeatedPtrField<Participant>& participants,
                         const std::string& path) {
  for (int i = 0; i < others.size(); ++i) {
    if (!IsNear(main_region, others[i])) {
      return errors::RegionNotNeighbouring(absl::StrCat(path, ".other_regions[", i, "]"));
    }
  }
  std::set<std::string> bins;
  for (int i = 0; i < participants.size(); ++i) {
    const std::string at = absl::StrCat(path, ".participants[", i, "]");
    if (!bins.insert(participants[i].bin()).second) return errors::ParticipantTwice(at + ".bin");
    if (!IsNear(main_region, participants[i].region())) {
      return errors::RegionNotNeighbouring(at + ".region");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Cure> CureAfter(const Cure& before, bool whole, base::Date day, base::Date recorded,
                               const norms::Norms& norms) {
  if (whole) return Cure{};
  if (before.below_from.has_value()) {
    Cure after = before;
    after.below_from = day;
    if (day <= *before.below_from || !before.until.has_value()) return after;
    ASSIGN_OR_RETURN(const norms::Term younger, norms::TermOf(norms, kCureDays, day));
    if (younger.last_day > *before.until) {
      after.until = younger.last_day;
      after.proposed.reset();
    }
    return after;
  }
  ASSIGN_OR_RETURN(const norms::Term term,
                   norms::TermOf(norms, kCureDays, std::max(day, recorded)));
  return Cure{day, term.last_day, std::nullopt};
}

std::string MaximumNorm(Criterion criterion) {
  return absl::StrCat("clusters.points.", absl::AsciiStrToLower(v1::Criterion_Name(criterion)),
                      "_max");
}

absl::StatusOr<Points> PointsOf(const PointsList& list, const std::string& field) {
  Points points{};
  std::set<int> given;
  for (const CriterionPoints& one : list) {
    const auto at = std::find(kCriteria.begin(), kCriteria.end(), one.criterion());
    if (at == kCriteria.end() || !given.insert(one.criterion()).second) {
      return errors::CriteriaIncomplete(field);
    }
    points[static_cast<size_t>(at - kCriteria.begin())] = one.points();
  }
  if (given.size() != kCriteria.size()) return errors::CriteriaIncomplete(field);
  return points;
}

absl::StatusOr<Decision> Diagnose(const Diagnostic& diagnostic, const norms::Norms& norms,
                                  base::Date day) {
  ASSIGN_OR_RETURN(const Points points, PointsOf(diagnostic.points(), "diagnostic.points"));
  Facts facts;
  for (size_t i = 0; i < kCriteria.size(); ++i) {
    const std::string norm = MaximumNorm(kCriteria[i]);
    RETURN_IF_ERROR(facts.SetNorm(norms, norm, day));
    ASSIGN_OR_RETURN(const int64_t maximum, facts.Number(norm));
    if (points[i] > maximum) return errors::PointsOverNorm("diagnostic.points", maximum);
    facts.Set(absl::AsciiStrToLower(v1::Criterion_Name(kCriteria[i])), absl::StrCat(points[i]),
              diagnostic.name(), diagnostic.etag());
  }
  RETURN_IF_ERROR(facts.SetNorm(norms, kDevelopingFrom, day));
  RETURN_IF_ERROR(facts.SetNorm(norms, kMatureFrom, day));
  ASSIGN_OR_RETURN(Decision decision, DecideDiagnosis(facts));
  return Signed(std::move(decision), norms, facts);
}

absl::StatusOr<Decision> ReplayDiagnosis(const Decision& stored) {
  return cases::Replay(stored, DecideDiagnosis);
}

absl::StatusOr<Decision> Admit(const Filing& filing, const norms::Norms& norms) {
  const Initiative& initiative = *filing.initiative;
  const Selection& selection = *filing.selection;
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(selection.applications_from()));
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(selection.applications_until()));
  Facts facts;
  const std::vector<Participant> members(initiative.participants().begin(),
                                         initiative.participants().end());
  const Source source{initiative.name(), initiative.etag()};
  RETURN_IF_ERROR(AddComposition(members, initiative.cluster_organization(), initiative.region(),
                                 source, norms, filing.filed, &facts));
  // Only a version that is diagnosed can be filed, and it is frozen from then on.
  facts.Set(kDiagnosed, initiative.diagnostic(), source.name, source.etag);
  facts.Set(kInScope, InScope(initiative, selection) ? "1" : "0", selection.name(),
            selection.etag());
  facts.Set(kFiled, filing.filed.ToString(), filing.application.name, filing.application.etag);
  facts.Set(kFrom, from.ToString(), selection.name(), selection.etag());
  facts.Set(kUntil, until.ToString(), selection.name(), selection.etag());
  facts.Set(kDocuments, filing.documents_complete ? "1" : "0", filing.application.name,
            filing.application.etag);
  facts.Set(kPlan, initiative.work_plan().empty() ? "0" : "1", source.name, source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideAdmission(facts));
  return Signed(std::move(decision), norms, facts);
}

absl::StatusOr<Decision> ReplayAdmission(const Decision& stored) {
  return cases::Replay(stored, DecideAdmission);
}

absl::StatusOr<Decision> JudgeGround(const Grounding& grounding, const norms::Norms& norms) {
  const Cluster& cluster = *grounding.cluster;
  Facts facts;
  bool assumed = grounding.ground == Cluster::REPORT_MISSING && grounding.report_assumed;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, grounding.source.name, grounding.source.etag);
  };
  std::string proposed;
  if (cluster.has_suspension_proposed_on()) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(cluster.suspension_proposed_on()));
    proposed = day.ToString();
    if (grounding.ground == Cluster::COMPOSITION_NOT_CURED) {
      ASSIGN_OR_RETURN(const norms::Norm days, norms.Get(kCureDays, day));
      assumed = days.certainty == norms::Certainty::kAssumption;
    }
  }
  set(kStep, Cluster::State_Name(grounding.to));
  set(kGround, Cluster::Ground_Name(grounding.ground));
  set(kProposedOn, proposed);
  if (grounding.report_overdue) {
    facts.Set(kReportOverdue, "1", grounding.report.name, grounding.report.etag);
  } else {
    facts.Set(kReportOverdue, "0", "open deadlines");
  }
  ASSIGN_OR_RETURN(Decision decision, DecideGround(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(assumed);
  return decision;
}

absl::Status CheckGround(const Decision& ground) {
  const std::string failed = FirstUnsatisfied(ground);
  if (failed == kCureOver) {
    return errors::GroundNotMet("a cure period that ended without a cure is needed");
  }
  if (failed == kOverdue) return errors::GroundNotMet("a yearly report that is overdue is needed");
  return failed.empty() ? absl::OkStatus() : errors::GroundNotMet("a ground is needed");
}

base::Date GroundSince(const Grounding& grounding) {
  if (grounding.ground == Cluster::COMPOSITION_NOT_CURED) {
    return base::Date::FromProto(grounding.cluster->suspension_proposed_on())
        .value_or(base::Date::Min());
  }
  return grounding.ground == Cluster::REPORT_MISSING ? grounding.report_due.AddDays(1)
                                                     : base::Date::Min();
}

absl::Status CheckOrderDate(base::Date order, base::Date since, base::Date today) {
  return since <= order && order <= today ? absl::OkStatus() : errors::OrderDateInvalid(since);
}

absl::StatusOr<base::Date> InStateSince(const ClusterRow& row) {
  const Cluster& cluster = row.cluster();
  if (!row.has_selected_on()) {
    return base::Date::LegalDay(absl::FromUnixSeconds(cluster.create_time().seconds()));
  }
  ASSIGN_OR_RETURN(const base::Date selected, base::Date::FromProto(row.selected_on()));
  if (!cluster.has_order_date()) return selected;
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(cluster.order_date()));
  return std::max(selected, ordered);
}

void Enter(ClusterRow* row) {
  Cluster& cluster = *row->mutable_cluster();
  if (cluster.state() == Cluster::SUSPENDED) {
    row->set_suspended_from(Cluster::REGISTERED);
  } else {
    cluster.set_state(Cluster::REGISTERED);
  }
}

void Suspend(ClusterRow* row) {
  Cluster& cluster = *row->mutable_cluster();
  if (cluster.state() == Cluster::SUSPENDED) return;
  row->set_suspended_from(cluster.state());
  cluster.set_state(Cluster::SUSPENDED);
}

void Resume(ClusterRow* row) {
  Cluster& cluster = *row->mutable_cluster();
  if (cluster.state() != Cluster::SUSPENDED) return;
  cluster.set_state(row->suspended_from() == Cluster::SELECTED ? Cluster::SELECTED
                                                               : Cluster::REGISTERED);
  row->clear_suspended_from();
  // It is whole on the day of the order: a loss since then is another one.
  cluster.clear_below_minimum_from();
  cluster.clear_cure_until();
  cluster.clear_suspension_proposed_on();
}

void Remove(ClusterRow* row) {
  row->mutable_cluster()->set_state(Cluster::REMOVED);
  row->mutable_cluster()->set_member_count(0);
}

absl::StatusOr<Decision> ReplayRegister(const Decision& stored) {
  return Facts::Of(stored).Text(kGround).ok() ? cases::Replay(stored, DecideGround)
                                              : ReplayComposition(stored);
}

absl::StatusOr<norms::Norm> ReportNorm(int year, const norms::Norms& norms) {
  ASSIGN_OR_RETURN(const base::Date first, base::Date::Of(year + 1, 1, 1));
  return norms.Get(kReportDue, first);
}

absl::StatusOr<base::Date> ReportDue(int year, const norms::Norms& norms) {
  ASSIGN_OR_RETURN(const norms::Norm due, ReportNorm(year, norms));
  return base::Date::Parse(absl::StrCat(year + 1, "-", due.text));
}

}  // namespace nisi::clusters
