// What the tests of this service share: the service (common/rpc/service_testing.h), and the way of
// a project, step by step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/base/values_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/service_testing.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "services/industry_map/env.h"
#include "services/industry_map/service.h"
#include "services/industry_map/tables.h"

namespace nisi::industry_map {

using base::Day;
using base::Tenge;
using rpc::CallerOf;

inline constexpr char kOwnerBin[] = "990340000014";
inline constexpr char kHoldingBin[] = "050640000056";
inline constexpr char kSectorBin[] = "180240000091";
inline constexpr char kPlace[] = "391010000";       // Kostanay region
inline constexpr char kOtherPlace[] = "750000000";  // Almaty
inline constexpr int64_t kBillion = 1'000'000'000;

inline void Plan(v1::Milestone::Kind kind, absl::string_view day, v1::ProjectParameters* p) {
  v1::Milestone& milestone = *p->add_milestones();
  milestone.set_kind(kind);
  *milestone.mutable_planned_date() = Day(day).ToProto();
}

// A whole project of a cost in tenge, as its owner would write it.
inline v1::Project MakeProject(int64_t cost = kBillion / 2) {
  v1::Project project;
  v1::ProjectParameters& p = *project.mutable_parameters();
  p.mutable_title()->set_ru("Завод ферросплавов");
  p.set_kind(v1::ProjectParameters::NEW);
  p.set_stage(v1::ProjectParameters::IMPLEMENTED);
  p.set_kato(kPlace);
  p.mutable_point()->set_latitude_millionths(53'214'800);
  p.mutable_point()->set_longitude_millionths(63'632'100);
  p.set_owner_bin(kOwnerBin);
  p.set_oked("24.10");
  p.add_goods_codes("7202");
  p.mutable_responsible_body()->set_kind(v1::ResponsibleBody::AKIMAT);
  p.mutable_responsible_body()->set_bin(kHoldingBin);
  p.set_sector_body_bin(kSectorBin);
  p.set_jobs_operation(400);
  Plan(v1::Milestone::CONSTRUCTION, "2026-01-01", &p);
  Plan(v1::Milestone::COMMISSIONING, "2027-12-31", &p);
  v1::ProjectTerms& t = *project.mutable_administrative_data()->mutable_terms();
  *t.mutable_cost() = Tenge(cost);
  v1::Financing& own = *t.add_financing();
  own.set_source(v1::Financing::OWN);
  own.set_year(2026);
  *own.mutable_amount() = Tenge(cost);
  v1::Capacity& capacity = *t.add_capacities();
  capacity.set_product("ферросилиций");
  capacity.set_unit("t");
  capacity.set_quantity("240000");
  v1::CriterionClaim& claim = *t.add_criteria();
  claim.set_criterion(v1::CriterionClaim::EXPORT_ORIENTATION);
  claim.set_justification("Девять десятых выпуска идёт на экспорт.");
  for (int chapter = 1; cost >= 900'000'000 && chapter <= 9; ++chapter) {
    v1::DossierChapter& part = *t.add_dossier();
    part.set_chapter(chapter);
    part.mutable_document()->set_name(absl::StrCat(chapter, ".pdf"));
    part.mutable_document()->set_media_type("application/pdf");
    part.mutable_document()->set_size_bytes(1000);
    part.mutable_document()->set_sha256(std::string(32, 'x'));
  }
  return project;
}

class MapTest : public rpc::ServiceTest {
 protected:
  MapTest()
      : ServiceTest("industry-map", Day("2026-06-15"),
                    {"nisi.industry_map.v1.IndustryMapService"}) {}
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    return industry_map::Open(options);
  }

  // Short forms for what most tests begin with.
  std::string Create(const v1::Project& project) {
    v1::CreateProjectRequest create;
    *create.mutable_project() = project;
    const auto made = Do<v1::Project>("CreateProject", owner_, create);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? made->name() : "";
  }
  // Records as they are stored, whole; a look by a call would be recorded.
  v1::Project Get(const std::string& name) {
    const auto number = ProjectNumber(name);
    EXPECT_TRUE(number.ok()) << name;
    const auto found = LoadProject(store().Read(), number.value_or(0));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->project() : v1::Project();
  }
  v1::Review Review(const std::string& name) {
    const auto numbers = NumbersOfReview(name);
    EXPECT_TRUE(numbers.ok()) << name;
    if (!numbers.ok()) return v1::Review();
    const auto found = LoadReview(store().Read(), numbers->project, numbers->review);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->review() : v1::Review();
  }
  v1::Report Report(const std::string& name) {
    const auto numbers = NumbersOfReport(name);
    EXPECT_TRUE(numbers.ok()) << name;
    if (!numbers.ok()) return v1::Report();
    const auto found = store().Read().Find(kReports, ReportKey(numbers->project, numbers->quarter));
    EXPECT_TRUE(found.ok() && found->has_value()) << name;
    return found.ok() && found->has_value() ? (*found)->row.report() : v1::Report();
  }
  absl::StatusOr<v1::Review> Propose(const std::string& project, const rpc::Caller& caller,
                                     const std::vector<int>& answered = {}) {
    v1::ProposeProjectRequest propose;
    propose.set_name(project);
    propose.set_etag(Get(project).etag());
    for (const int number : answered) {
      propose.add_answers()->set_number(number);
      propose.mutable_answers(propose.answers_size() - 1)->set_answer("Исправлено.");
    }
    return Do<v1::Review>("ProposeProject", caller, propose);
  }
  absl::StatusOr<v1::Review> Start(const std::string& review, const rpc::Caller& caller) {
    v1::StartReviewRequest start;
    start.set_name(review);
    return Do<v1::Review>("StartReview", caller, start);
  }
  v1::ConcludeReviewRequest Verdict(const std::string& review, v1::Conclusion::Verdict verdict) {
    v1::ConcludeReviewRequest conclude;
    conclude.set_name(review);
    conclude.set_etag(Review(review).etag());
    conclude.mutable_conclusion()->set_verdict(verdict);
    conclude.mutable_conclusion()->set_text("Рассмотрено.");
    if (verdict == v1::Conclusion::RETURN) {
      conclude.add_remarks()->set_field("parameters.stage");
      conclude.mutable_remarks(0)->set_text("Уточните стадию.");
    }
    return conclude;
  }
  absl::StatusOr<v1::Review> Conclude(const std::string& review, v1::Conclusion::Verdict verdict,
                                      const rpc::Caller& caller) {
    return Do<v1::Review>("ConcludeReview", caller, Verdict(review, verdict));
  }
  template <class Request>
  Request Act(const std::string& review) {
    Request adopt;
    adopt.set_name(review);
    adopt.set_etag(Review(review).etag());
    adopt.set_act_number("54-НҚ");
    *adopt.mutable_act_date() = base::Date::LegalDay(clock_.Now()).ToProto();
    adopt.set_text("Принять.");
    return adopt;
  }
  // By the method of its kind.
  absl::StatusOr<v1::Project> Adopt(const std::string& review, const rpc::Caller& caller) {
    switch (Review(review).kind()) {
      case v1::Review::INCLUSION:
        return Do<v1::Project>("IncludeProject", caller, Act<v1::IncludeProjectRequest>(review));
      case v1::Review::EXCLUSION:
        return Do<v1::Project>("ExcludeProject", caller, Act<v1::ExcludeProjectRequest>(review));
      default:
        return Do<v1::Project>("AdoptChange", caller, Act<v1::AdoptChangeRequest>(review));
    }
  }
  // Through all bodies of the path, up to the authority.
  void Recommend(const std::string& review) { Recommend(review, akimat_); }
  void Recommend(const std::string& review, const rpc::Caller& akimat) {
    ASSERT_TRUE(Start(review, akimat).ok());
    const auto regional = Conclude(review, v1::Conclusion::RECOMMEND, akimat);
    ASSERT_TRUE(regional.ok()) << regional.status();
    if (regional->state() == v1::Review::SECTOR_REVIEW) {
      const auto sector = Conclude(review, v1::Conclusion::RECOMMEND, sector_);
      ASSERT_TRUE(sector.ok()) << sector.status();
    }
  }
  // A project on the map.
  std::string Include(const v1::Project& project = MakeProject()) {
    return Include(project, akimat_);
  }
  std::string Include(const v1::Project& project, const rpc::Caller& akimat) {
    const std::string name = Create(project);
    const auto review = Propose(name, owner_);
    EXPECT_TRUE(review.ok()) << review.status();
    if (!review.ok()) return name;
    Recommend(review->name(), akimat);
    const auto included = Adopt(review->name(), authority_);
    EXPECT_TRUE(included.ok()) << included.status();
    return name;
  }
  // A change that changes nothing yet.
  v1::ProposeChangeRequest ChangeOf(const std::string& project) {
    const v1::Project now = Get(project);
    v1::ProposeChangeRequest change;
    change.set_parent(project);
    change.set_parameters_etag(now.parameters_etag());
    *change.mutable_parameters() = now.parameters();
    *change.mutable_terms() = now.administrative_data().terms();
    change.set_justification("Вторая линия.");
    return change;
  }
  v1::ProposeChangeRequest SupportOf(const std::string& project) {
    v1::ProposeChangeRequest propose;
    propose.set_parent(project);
    propose.set_parameters_etag(Get(project).parameters_etag());
    propose.mutable_support()->set_measure(v1::Support::INDUSTRIAL_GRANT);
    propose.mutable_support()->set_body_bin(kHoldingBin);
    *propose.mutable_support()->mutable_amount() = Tenge(1'000'000);
    propose.set_justification("Оборудование.");
    return propose;
  }
  // Proposed by the owner, recommended by all, adopted. The name of the review.
  std::string AdoptProposal(const v1::ProposeChangeRequest& propose) {
    const auto review = Do<v1::Review>("ProposeChange", owner_, propose);
    EXPECT_TRUE(review.ok()) << review.status();
    if (!review.ok()) return "";
    Recommend(review->name());
    const auto adopted = Adopt(review->name(), authority_);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    return review->name();
  }
  v1::ProposeExclusionRequest Exclusion(const std::string& project,
                                        v1::ExclusionGround ground = v1::INSOLUBLE_PROBLEMS) {
    v1::ProposeExclusionRequest propose;
    propose.set_parent(project);
    propose.set_ground(ground);
    propose.set_justification("Сырья нет.");
    return propose;
  }
  // By an act of that day; absent: today.
  absl::StatusOr<v1::Project> Suspend(const std::string& project, const rpc::Caller& caller,
                                      std::optional<base::Date> day = std::nullopt) {
    v1::SuspendProjectRequest suspend;
    suspend.set_name(project);
    suspend.set_reason("Стройка стоит.");
    suspend.set_act_number("71-НҚ");
    *suspend.mutable_act_date() = day.value_or(today()).ToProto();
    return Do<v1::Project>("SuspendProject", caller, suspend);
  }
  absl::StatusOr<v1::Project> Resume(const std::string& project, const rpc::Caller& caller,
                                     std::optional<base::Date> day = std::nullopt) {
    v1::ResumeProjectRequest resume;
    resume.set_name(project);
    resume.set_reason("Стройка идёт.");
    resume.set_act_number("72-НҚ");
    *resume.mutable_act_date() = day.value_or(today()).ToProto();
    return Do<v1::Project>("ResumeProject", caller, resume);
  }
  // Absent: today.
  absl::StatusOr<v1::Project> Commission(const std::string& project, const rpc::Caller& caller,
                                         std::optional<base::Date> day = std::nullopt) {
    v1::CommissionProjectRequest commission;
    commission.set_name(project);
    *commission.mutable_actual_date() = day.value_or(today()).ToProto();
    v1::CommissionProjectRequest& c = commission;
    c.add_documents()->set_name("акт.pdf");
    c.mutable_documents(0)->set_media_type("application/pdf");
    c.mutable_documents(0)->set_size_bytes(10);
    c.mutable_documents(0)->set_sha256(std::string(32, 'a'));
    return Do<v1::Project>("CommissionProject", caller, commission);
  }
  absl::StatusOr<v1::Project> Milestone(const std::string& project, v1::Milestone::Kind kind,
                                        const rpc::Caller& caller) {
    v1::RecordMilestoneRequest record;
    record.set_name(project);
    record.set_kind(kind);
    *record.mutable_actual_date() = base::Date::LegalDay(clock_.Now()).ToProto();
    return Do<v1::Project>("RecordMilestone", caller, record);
  }
  // Absent: the milestone was not reached.
  v1::CorrectMilestoneRequest Correction(const std::string& project, v1::Milestone::Kind kind,
                                         std::optional<base::Date> day) {
    v1::CorrectMilestoneRequest correct;
    correct.set_name(project);
    correct.set_etag(Get(project).etag());
    correct.set_kind(kind);
    if (day.has_value()) *correct.mutable_actual_date() = day->ToProto();
    correct.set_reason("Акт другого проекта.");
    return correct;
  }
  absl::StatusOr<v1::Project> CorrectDay(const std::string& project, v1::Milestone::Kind kind,
                                         std::optional<base::Date> day, const rpc::Caller& caller) {
    return Do<v1::Project>("CorrectMilestone", caller, Correction(project, kind, day));
  }
  static v1::Report MakeReport(const std::string& quarter, int64_t used, int32_t readiness_bp,
                               int32_t load_bp = 0) {
    v1::Report report;
    report.set_quarter(quarter);
    report.set_jobs_fact(120);
    v1::ReportFigures& figures = *report.mutable_administrative_data();
    *figures.mutable_construction_used() = Tenge(used);
    figures.add_sources()->set_source(v1::Financing::OWN);
    *figures.mutable_sources(0)->mutable_amount() = Tenge(used);
    figures.set_readiness_bp(readiness_bp);
    figures.set_capacity_load_bp(load_bp);
    return report;
  }
  absl::StatusOr<v1::Report> Submit(const std::string& project, const v1::Report& report,
                                    const rpc::Caller& caller) {
    v1::SubmitReportRequest submit;
    submit.set_parent(project);
    *submit.mutable_report() = report;
    return Do<v1::Report>("SubmitReport", caller, submit);
  }
  // To noon of the day.
  void GoTo(base::Date day) { SetTime(day.StartOfDay() + absl::Hours(12)); }
  // The day after the quarter of today.
  void NextQuarter() { GoTo(base::Quarter::Containing(today()).last_day().AddDays(1)); }

  const rpc::Caller owner_ = CallerOf("dana@zavod", {rpc::v1::ENTITY}, kOwnerBin);
  const rpc::Caller akimat_ = CallerOf("serik@akimat", {rpc::v1::AKIMAT}, "", {"39"});
  const rpc::Caller other_akimat_ = CallerOf("aru@akimat", {rpc::v1::AKIMAT}, "", {"75"});
  const rpc::Caller sector_ = CallerOf("marat@sector", {rpc::v1::HOLDING}, kSectorBin);
  const rpc::Caller holding_ = CallerOf("olga@holding", {rpc::v1::HOLDING}, kHoldingBin);
  const rpc::Caller institute_ = CallerOf("aigul@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller authority_ = CallerOf("saule@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller public_;
};

}  // namespace nisi::industry_map
