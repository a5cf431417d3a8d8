// Every finding both ways.
#include "services/industry_map/rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/base/roles.h"
#include "common/base/values_testing.h"

namespace nisi::industry_map {
namespace {

using base::Day;
using base::Tenge;

constexpr int64_t kBillion = 1'000'000'000;

const norms::Norms& Norms() {
  static const auto* const kNorms = new norms::Norms(*norms::Norms::Default());
  return *kNorms;
}
const base::Date kToday = Day("2026-06-15");

void Plan(Milestone::Kind kind, absl::string_view day, ProjectParameters* p) {
  Milestone& milestone = *p->add_milestones();
  milestone.set_kind(kind);
  *milestone.mutable_planned_date() = Day(day).ToProto();
}

struct Proposed {
  ProjectParameters parameters;
  ProjectTerms terms;
};

void SetCost(int64_t tenge, ProjectTerms* terms) {
  *terms->mutable_cost() = Tenge(tenge);
  terms->clear_financing();
  *terms->add_financing()->mutable_amount() = Tenge(tenge);
}

Proposed Whole() {
  Proposed whole;
  ProjectParameters& p = whole.parameters;
  p.set_kind(ProjectParameters::NEW);
  p.set_stage(ProjectParameters::PLANNED);
  p.set_kato("391010000");
  p.set_oked("24.10");
  p.add_goods_codes("7202");
  p.mutable_responsible_body()->set_kind(v1::ResponsibleBody::AKIMAT);
  p.mutable_responsible_body()->set_bin("050640000056");
  p.set_sector_body_bin("180240000091");
  Plan(Milestone::CONSTRUCTION, "2026-01-01", &p);
  Plan(Milestone::COMMISSIONING, "2027-12-31", &p);
  SetCost(kBillion / 2, &whole.terms);
  whole.terms.add_capacities();
  whole.terms.add_criteria()->set_criterion(v1::CriterionClaim::SCALE);
  return whole;
}

struct ProposalCase {
  const char* reason;  // "": it may be proposed
  std::function<void(Proposed*)> change;
};

TEST(ProposalTest, EveryGapIsFound) {
  const ProposalCase cases[] = {
      {"", [](Proposed*) {}},
      {"", [](Proposed* p) { p->parameters.clear_sector_body_bin(); }},  // on the regional path
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_kind(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_stage(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_oked(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_goods_codes(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_responsible_body(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_milestones(); }},
      // Without the beginning of construction readiness has no plan.
      {"PROJECT_INCOMPLETE",
       [](Proposed* p) { p->parameters.mutable_milestones()->DeleteSubrange(0, 1); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->terms.clear_cost(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->terms.clear_financing(); }},
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->terms.clear_capacities(); }},
      {"COST_MISMATCH",
       [](Proposed* p) { p->terms.mutable_financing(0)->mutable_amount()->set_nanos(10'000'000); }},
      {"CRITERIA_MISSING", [](Proposed* p) { p->terms.clear_criteria(); }},
      {"CRITERIA_MISSING",
       [](Proposed* p) { p->terms.add_criteria()->set_criterion(v1::CriterionClaim::SCALE); }},
      {"DOSSIER_INCOMPLETE", [](Proposed* p) { SetCost(900'000'000, &p->terms); }},
      {"", [](Proposed* p) { SetCost(899'999'999, &p->terms); }},
      {"",
       [](Proposed* p) {
         SetCost(900'000'000, &p->terms);
         for (int n = 9; n > 0; --n) p->terms.add_dossier()->set_chapter(n);
       }},
      {"DOSSIER_INCOMPLETE",
       [](Proposed* p) {
         SetCost(900'000'000, &p->terms);
         for (int n = 8; n > 0; --n) p->terms.add_dossier()->set_chapter(n);
       }},
  };
  int row = 0;
  for (const ProposalCase& one : cases) {
    Proposed proposed = Whole();
    one.change(&proposed);
    const absl::Status judged =
        CheckProposal(proposed.parameters, proposed.terms, Review::REGIONAL, Norms(), kToday);
    EXPECT_EQ(base::ReasonOf(judged), one.reason) << row << " " << judged;
    ++row;
  }
  Proposed republican = Whole();
  republican.parameters.clear_sector_body_bin();
  EXPECT_EQ(base::ReasonOf(CheckProposal(republican.parameters, republican.terms,
                                         Review::REPUBLICAN, Norms(), kToday)),
            "PROJECT_INCOMPLETE");
}

// A change is judged by what it changes: what an imported project never had is no gap of it.
TEST(ChangeTest, IsJudgedByWhatItChanges) {
  const struct {
    const char* reason;
    std::function<void(Proposed*)> had;     // what the record lacks
    std::function<void(Proposed*)> change;  // what is proposed
    Review::Path path;
  } cases[] = {
      {"", [](Proposed* p) { p->terms.clear_financing(); },
       [](Proposed* p) { p->parameters.set_zone("СЭЗ"); }, Review::REGIONAL},
      {"",
       [](Proposed* p) {
         *p = Proposed();
         *p->terms.mutable_cost() = Tenge(kBillion);
       },
       [](Proposed* p) { p->parameters.set_zone("СЭЗ"); }, Review::REGIONAL},
      // Of one that has no financing the cost stands alone, and one above the bound its dossier.
      {"",
       [](Proposed* p) {
         *p = Proposed();
         *p->terms.mutable_cost() = Tenge(kBillion);
       },
       [](Proposed* p) { *p->terms.mutable_cost() = Tenge(2 * kBillion); }, Review::REGIONAL},
      {"DOSSIER_INCOMPLETE", [](Proposed* p) { p->terms.clear_criteria(); },
       [](Proposed* p) { SetCost(900'000'000, &p->terms); }, Review::REGIONAL},
      {"COST_MISMATCH", [](Proposed*) {}, [](Proposed* p) { *p->terms.mutable_cost() = Tenge(7); },
       Review::REGIONAL},
      {"COST_MISMATCH", [](Proposed*) {},
       [](Proposed* p) { p->terms.mutable_financing(0)->mutable_amount()->set_units(7); },
       Review::REGIONAL},
      {"PROJECT_INCOMPLETE", [](Proposed*) {},
       [](Proposed* p) { p->parameters.clear_goods_codes(); }, Review::REGIONAL},
      {"PROJECT_INCOMPLETE", [](Proposed*) {},
       [](Proposed* p) { p->parameters.mutable_milestones()->DeleteSubrange(0, 1); },
       Review::REGIONAL},
      {"CRITERIA_MISSING", [](Proposed*) {}, [](Proposed* p) { p->terms.clear_criteria(); },
       Review::REGIONAL},
      {"DOSSIER_INCOMPLETE", [](Proposed* p) { *p->terms.mutable_cost() = Tenge(kBillion); },
       [](Proposed* p) { p->terms.add_dossier()->set_chapter(1); }, Review::REGIONAL},
      // The review needs whoever examines it.
      {"PROJECT_INCOMPLETE", [](Proposed* p) { p->parameters.clear_sector_body_bin(); },
       [](Proposed* p) { p->parameters.set_zone("СЭЗ"); }, Review::REPUBLICAN},
  };
  int row = 0;
  for (const auto& one : cases) {
    Proposed before = Whole();
    one.had(&before);
    Proposed after = before;
    one.change(&after);
    Review review;
    review.set_path(one.path);
    for (const std::string& field :
         ChangedFields(before.parameters, before.terms, after.parameters, after.terms))
      review.add_changed_fields(field);
    const absl::Status judged =
        CheckChange(before.terms, after.parameters, after.terms, review, Norms(), kToday);
    EXPECT_EQ(base::ReasonOf(judged), one.reason) << row << " " << judged;
    ++row;
  }
}

TEST(FormTest, MilestonesStandInOrderAndTheCostIsBounded) {
  Proposed good = Whole();
  EXPECT_TRUE(CheckForm(good.parameters, good.terms, Norms(), kToday, "").ok());
  Proposed twice = Whole();
  Plan(Milestone::COMMISSIONING, "2028-01-01", &twice.parameters);
  EXPECT_EQ(base::ReasonOf(CheckForm(twice.parameters, twice.terms, Norms(), kToday, "")),
            "MILESTONES_OUT_OF_ORDER");
  Proposed early = Whole();
  Plan(Milestone::DESIGN_CAPACITY, "2027-12-30", &early.parameters);
  EXPECT_EQ(base::ReasonOf(CheckForm(early.parameters, early.terms, Norms(), kToday, "")),
            "MILESTONES_OUT_OF_ORDER");
  Proposed dear = Whole();
  *dear.terms.mutable_cost() = Tenge(1'000 * kBillion);
  EXPECT_TRUE(CheckForm(dear.parameters, dear.terms, Norms(), kToday, "").ok());
  dear.terms.mutable_cost()->set_nanos(10'000'000);
  const absl::Status over = CheckForm(dear.parameters, dear.terms, Norms(), kToday, "project.");
  EXPECT_EQ(base::ReasonOf(over), "COST_OVER_MAXIMUM");
  EXPECT_EQ(base::BadRequestOf(over).field_violations(0).field(),
            "project.administrative_data.terms.cost");
}

TEST(PathTest, TheHigherCostDecides) {
  const int64_t bound = 9 * kBillion / 2;
  EXPECT_EQ(*PathOf(Tenge(bound - 1), Tenge(1), Norms(), kToday), Review::REGIONAL);
  EXPECT_EQ(*PathOf(Tenge(bound), Tenge(1), Norms(), kToday), Review::REPUBLICAN);
  EXPECT_EQ(*PathOf(Tenge(1), Tenge(bound), Norms(), kToday), Review::REPUBLICAN);
}

TEST(RangeTest, CostsFallIntoSixRanges) {
  const struct {
    int64_t cost;
    int64_t from;
    int64_t below;  // 0: open
  } cases[] = {{1, 0, 900'000'000},
               {900'000'000, 900'000'000, 4'500'000'000},
               {4'499'999'999, 900'000'000, 4'500'000'000},
               {10 * kBillion, 10 * kBillion, 50 * kBillion},
               {99 * kBillion, 50 * kBillion, 100 * kBillion},
               {100 * kBillion, 100 * kBillion, 0}};
  for (const auto& one : cases) {
    Project project;
    *project.mutable_administrative_data()->mutable_terms()->mutable_cost() = Tenge(one.cost);
    ASSERT_TRUE(Derive(Norms(), kToday, &project).ok());
    EXPECT_EQ(project.cost_range_from().units(), one.from) << one.cost;
    EXPECT_EQ(project.cost_range_below().units(), one.below) << one.cost;
    EXPECT_EQ(project.has_cost_range_below(), one.below != 0) << one.cost;
  }
}

TEST(RemarksTest, AreOfFieldsThatThereAre) {
  const struct {
    const char* field;
    bool good;
  } cases[] = {{"parameters.stage", true},
               {"parameters.responsible_body.bin", true},
               {"administrative_data.terms", true},
               {"administrative_data.terms.financing[2].amount", true},
               {"administrative_data.justification", true},
               {"exclusion_ground", true},
               {"administrative_data.progress", false},
               {"state", false},
               {"parameters.colour", false},
               {"parameters.stage.colour", false},
               {"", false}};
  for (const auto& one : cases) {
    google::protobuf::RepeatedPtrField<v1::Remark> remarks;
    remarks.Add()->set_field(one.field);
    EXPECT_EQ(CheckRemarks(Conclusion::RETURN, remarks).ok(), one.good) << one.field;
    EXPECT_EQ(base::ReasonOf(CheckRemarks(Conclusion::REJECT, remarks)), "REMARKS_INVALID");
  }
  EXPECT_TRUE(CheckRemarks(Conclusion::RECOMMEND, {}).ok());
  EXPECT_EQ(base::ReasonOf(CheckRemarks(Conclusion::RETURN, {})), "REMARKS_INVALID");
}

TEST(ResponsibleTest, OneRoleAnswersForEachKindOfBody) {
  const std::string own = "050640000056", other = "180240000091";
  const struct {
    v1::ResponsibleBody::Kind kind;
    rpc::v1::Role role;
  } cases[] = {{v1::ResponsibleBody::AUTHORITY, rpc::v1::AUTHORITY_INDUSTRY},
               {v1::ResponsibleBody::AKIMAT, rpc::v1::AKIMAT},
               {v1::ResponsibleBody::HOLDING, rpc::v1::HOLDING}};
  for (const auto& body_case : cases) {
    v1::ResponsibleBody body;
    body.set_kind(body_case.kind);
    body.set_bin(own);
    for (const auto& role_case : cases) {
      EXPECT_EQ(CheckResponsible(body, base::RoleBit(role_case.role), own).ok(),
                body_case.role == role_case.role);
    }
  }
  v1::ResponsibleBody holding;
  holding.set_kind(v1::ResponsibleBody::HOLDING);
  holding.set_bin(own);
  EXPECT_FALSE(CheckResponsible(holding, base::RoleBit(rpc::v1::HOLDING), other).ok());
}

Load Loaded(base::Quarter quarter, std::optional<int32_t> load) {
  return {quarter, load, "projects/1/reports/x", "e"};
}

TEST(SustainedTest, EachOfTheLastQuartersCounts) {
  Project project;
  project.set_state(Project::COMMISSIONED);
  const base::Quarter quarter = *base::Quarter::Of(2026, 1);
  const struct {
    std::vector<std::optional<int32_t>> loads;
    Project::State state;
    const char* outcome;
  } cases[] = {{{7'000, 7'000, 7'000, 7'000}, Project::COMMISSIONED, "MET"},
               {{7'000, 7'000, 7'000, 7'000}, Project::AT_CAPACITY, "MET"},
               {{7'000, 7'000, 7'000, 7'000}, Project::INCLUDED, "NOT_MET"},
               {{6'999, 7'000, 7'000, 7'000}, Project::COMMISSIONED, "NOT_MET"},
               {{7'000, 7'000, 7'000, 6'999}, Project::COMMISSIONED, "NOT_MET"},
               {{7'000, std::nullopt, 7'000, 7'000}, Project::COMMISSIONED, "NOT_MET"}};
  for (const auto& one : cases) {
    project.set_state(one.state);
    std::vector<Load> loads;
    for (const auto& load : one.loads) loads.push_back(Loaded(quarter, load));
    const auto decision = SustainedCapacity(project, loads, Norms(), kToday);
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->outcome(), one.outcome);
    EXPECT_TRUE(decision->rests_on_assumption());
    EXPECT_EQ(ReplaySustained(*decision)->SerializeAsString(), decision->SerializeAsString());
  }
}

TEST(LightTest, TurnsAtItsBoundsAndNotADayBefore) {
  const struct {
    const char* today;
    const char* forecast;  // "": none
    int32_t readiness;     // -1: no report
    const char* outcome;
  } cases[] = {{"2026-06-15", "", -1, "GREEN"},
               {"2028-03-31", "", -1, "GREEN"},
               {"2028-04-01", "", -1, "YELLOW"},
               {"2028-06-30", "", -1, "YELLOW"},
               {"2028-07-01", "", -1, "RED"},
               {"2026-07-01", "2028-03-31", -1, "GREEN"},
               {"2026-07-01", "2028-04-01", -1, "YELLOW"},
               {"2026-07-01", "2028-07-01", -1, "RED"},
               // The last report was of 2026Q2, when 2,469 were planned.
               {"2026-07-01", "", 1'469, "GREEN"},
               {"2026-07-01", "", 1'468, "YELLOW"},
               {"2026-07-01", "", 469, "YELLOW"},
               {"2026-07-01", "", 468, "RED"}};
  for (const auto& one : cases) {
    Project project;
    project.set_state(Project::INCLUDED);
    *project.mutable_parameters() = Whole().parameters;
    if (*one.forecast != '\0')
      *project.mutable_forecast_commissioning_date() = Day(one.forecast).ToProto();
    if (one.readiness >= 0) {
      project.set_last_report_quarter("2026Q2");
      project.mutable_administrative_data()->mutable_progress()->set_readiness_bp(one.readiness);
    }
    const auto decision = TrafficLight({&project, Project::INCLUDED, "e", Day(one.today)}, Norms());
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->outcome(), one.outcome)
        << one.today << " " << one.forecast << " " << one.readiness;
    EXPECT_EQ(ReplayLight(*decision)->SerializeAsString(), decision->SerializeAsString());
    const auto none = TrafficLight({&project, Project::SUSPENDED, "e", Day(one.today)}, Norms());
    EXPECT_EQ(none->outcome(), "TRAFFIC_LIGHT_UNSPECIFIED");
  }
}

// Readiness that no plan can be set against is not green.
TEST(LightTest, WithoutAPlanIsNotGreenOnceThereIsAReport) {
  Project project;
  project.set_state(Project::INCLUDED);
  Plan(Milestone::COMMISSIONING, "2027-12-31", project.mutable_parameters());
  const LightFacts facts{&project, Project::INCLUDED, "e", kToday};
  EXPECT_EQ(TrafficLight(facts, Norms())->outcome(), "GREEN");
  project.set_last_report_quarter("2026Q1");
  const auto decision = TrafficLight(facts, Norms());
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->outcome(), "YELLOW");
  EXPECT_EQ(ReplayLight(*decision)->SerializeAsString(), decision->SerializeAsString());
}

TEST(AdoptionTest, EveryFindingBothWays) {
  const auto make = [](Review::Kind kind) {
    Review review;
    review.set_name("projects/1/reviews/1");
    review.set_kind(kind);
    review.set_path(Review::REPUBLICAN);
    review.set_round(2);
    review.set_parameters_etag("p1");
    for (const Review::State step : {Review::REGIONAL_REVIEW, Review::SECTOR_REVIEW}) {
      Conclusion& said = *review.mutable_administrative_data()->add_conclusions();
      said.set_step(step);
      said.set_round(2);
      said.set_verdict(Conclusion::RECOMMEND);
    }
    return review;
  };
  Project project;
  project.set_parameters_etag("p1");
  *project.mutable_include_date() = Day("2026-01-10").ToProto();
  const struct {
    const char* reason;
    Review::Kind kind;
    std::function<void(Review*, Adoption*)> change;
  } cases[] = {
      {"", Review::INCLUSION, [](Review*, Adoption*) {}},
      {"", Review::CHANGE, [](Review*, Adoption*) {}},
      {"NOT_RECOMMENDED", Review::INCLUSION,
       [](Review* r, Adoption*) {
         r->mutable_administrative_data()->mutable_conclusions(1)->set_round(1);
       }},
      {"NOT_RECOMMENDED", Review::INCLUSION,
       [](Review* r, Adoption*) {
         r->mutable_administrative_data()->mutable_conclusions(0)->set_verdict(Conclusion::RETURN);
       }},
      {"SEPARATION_OF_DUTIES", Review::SUPPORT,
       [](Review*, Adoption* a) { a->decider = "examiner"; }},
      {"ACT_DATE_INVALID", Review::SUPPORT,
       [](Review*, Adoption* a) { a->act_date = Day("2026-06-16"); }},
      {"ACT_DATE_INVALID", Review::SUPPORT,
       [](Review*, Adoption* a) { a->act_date = Day("2026-05-31"); }},
      {"", Review::SUPPORT, [](Review*, Adoption* a) { a->act_date = Day("2026-06-01"); }},
      {"ACT_DATE_INVALID", Review::SUPPORT,
       [](Review*, Adoption* a) {
         a->act_date = Day("2026-06-09");
         a->concluded = Day("2026-06-10");
       }},
      {"", Review::SUPPORT,
       [](Review*, Adoption* a) { a->concluded = a->act_date = Day("2026-06-10"); }},
      {"PROJECT_STALE", Review::CHANGE, [](Review* r, Adoption*) { r->set_parameters_etag("p0"); }},
      {"EFFECTIVE_BEFORE_INCLUSION", Review::CHANGE,
       [](Review* r, Adoption*) { *r->mutable_effective_from() = Day("2026-01-09").ToProto(); }},
      {"", Review::CHANGE,
       [](Review* r, Adoption*) { *r->mutable_effective_from() = Day("2026-01-10").ToProto(); }},
      {"GROUND_NOT_MET", Review::EXCLUSION, [](Review*, Adoption* a) { a->met = false; }},
      {"", Review::EXCLUSION, [](Review*, Adoption*) {}},
  };
  int row = 0;
  for (const auto& one : cases) {
    Review review = make(one.kind);
    Adoption adoption;
    adoption.review = &review;
    adoption.project = &project;
    adoption.prepared = {"owner", "examiner"};
    adoption.decider = "authority";
    adoption.act_date = kToday;
    adoption.propose_date = Day("2026-06-01");
    adoption.today = kToday;
    adoption.etag = "e2";
    one.change(&review, &adoption);
    const auto decision = DecideAdoption(adoption, Norms());
    EXPECT_EQ(base::ReasonOf(decision.status()), one.reason) << row;
    if (decision.ok()) {
      EXPECT_EQ(decision->outcome(), "ADOPTED");
      EXPECT_EQ(ReplayAdoption(*decision)->SerializeAsString(), decision->SerializeAsString());
    }
    ++row;
  }
}

// What differs between two sets of main parameters, put into the one, makes it the other.
TEST(ChangedFieldsTest, TakenMakeOneTheOther) {
  Project project;
  const Proposed whole = Whole();
  *project.mutable_parameters() = whole.parameters;
  project.mutable_parameters()->mutable_point()->set_latitude_millionths(53'214'800);
  *project.mutable_administrative_data()->mutable_terms() = whole.terms;
  const ProjectTerms terms = project.administrative_data().terms();
  Project other = project;
  ProjectParameters& parameters = *other.mutable_parameters();
  parameters.clear_point();
  parameters.set_oked("10.11");
  parameters.add_goods_codes("0201");
  parameters.mutable_title()->set_kk("Зауыт");
  ProjectTerms& new_terms = *other.mutable_administrative_data()->mutable_terms();
  new_terms.clear_cost();
  new_terms.mutable_financing(0)->set_year(2027);
  google::protobuf::RepeatedPtrField<std::string> paths;
  for (const std::string& path : ChangedFields(project.parameters(), terms, parameters, new_terms))
    *paths.Add() = path;
  EXPECT_EQ(paths.size(), 6);
  ASSERT_TRUE(TakeFields(paths, parameters, new_terms, &project).ok());
  EXPECT_EQ(project.SerializeAsString(), other.SerializeAsString());
  for (const char* wrong : {"parameters.nothing", "administrative_data.cost", "state", ""}) {
    paths.Clear();
    *paths.Add() = wrong;
    EXPECT_TRUE(absl::IsDataLoss(TakeFields(paths, parameters, new_terms, &project))) << wrong;
  }
}

}  // namespace
}  // namespace nisi::industry_map
