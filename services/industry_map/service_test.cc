// How a project comes into the map, changes and leaves it, over a real store.
#include "services/industry_map/service.h"

#include <set>

#include "services/industry_map/service_testing.h"

namespace nisi::industry_map {
namespace {

using v1::Conclusion;
using v1::Project;

class ReviewsTest : public MapTest {
 protected:
  absl::Status CanSee(const rpc::Caller& caller, const std::string& project) {
    v1::GetProjectRequest get;
    get.set_name(project);
    return Do<Project>("GetProject", caller, get).status();
  }
  v1::ListReviewDeadlinesResponse Deadlines(const std::string& review) {
    v1::ListReviewDeadlinesRequest list;
    list.set_parent(review);
    const auto found = Do<v1::ListReviewDeadlinesResponse>("ListReviewDeadlines", akimat_, list);
    EXPECT_TRUE(found.ok()) << found.status();
    return *found;
  }
  absl::StatusOr<v1::Notice> Inform(const std::string& review, int conclusion,
                                    const rpc::Caller& caller) {
    v1::InformApplicantRequest inform;
    inform.set_name(review);
    inform.set_conclusion(conclusion);
    *inform.mutable_inform_date() = today().ToProto();
    inform.set_notice("письмо 12-3/45");
    return Do<v1::Notice>("InformApplicant", caller, inform);
  }
  v1::ProposeChangeRequest Change(const std::string& project) { return ChangeOf(project); }
  absl::StatusOr<v1::Review> ProposeChange(const v1::ProposeChangeRequest& change) {
    return Do<v1::Review>("ProposeChange", owner_, change);
  }
  int32_t JobsOn(const std::string& project, base::Date day) {
    v1::GetProjectRequest get;
    get.set_name(project);
    *get.mutable_as_of() = day.ToProto();
    const auto found = Do<Project>("GetProject", auditor_, get);
    EXPECT_TRUE(found.ok()) << found.status();
    return found->parameters().jobs_operation();
  }
};

TEST_F(ReviewsTest, FromDraftToTheMapOnTheRegionalPath) {
  const std::string name = Create(MakeProject());
  EXPECT_EQ(name, "projects/1");
  EXPECT_EQ(Get(name).state(), Project::DRAFT);
  EXPECT_EQ(base::ReasonOf(CanSee(public_, name)), "ACCESS_DENIED");
  EXPECT_EQ(CanSee(public_, "projects/99").ToString(), CanSee(public_, name).ToString());
  EXPECT_EQ(base::ReasonOf(CanSee(other_akimat_, name)), "ACCESS_DENIED");
  EXPECT_TRUE(CanSee(akimat_, name).ok());
  EXPECT_TRUE(CanSee(owner_, name).ok());

  const auto review = Propose(name, owner_);
  ASSERT_TRUE(review.ok()) << review.status();
  EXPECT_EQ(review->name(), "projects/1/reviews/1");
  EXPECT_EQ(review->path(), v1::Review::REGIONAL);
  // 15 working days from Monday the 15th of June: the 6th of July is a holiday.
  EXPECT_EQ(base::Date::FromProto(review->due_date())->ToString(), "2026-07-07");
  EXPECT_EQ(Get(name).state(), Project::PROPOSED);

  ASSERT_TRUE(Start(review->name(), akimat_).ok());
  EXPECT_EQ(Get(name).state(), Project::REGIONAL_REVIEW);
  const auto regional = Conclude(review->name(), Conclusion::RECOMMEND, akimat_);
  ASSERT_TRUE(regional.ok()) << regional.status();
  EXPECT_EQ(regional->state(), v1::Review::AUTHORITY_REVIEW);
  EXPECT_EQ(Get(name).state(), Project::AUTHORITY_REVIEW);

  const auto included = Adopt(review->name(), authority_);
  ASSERT_TRUE(included.ok()) << included.status();
  EXPECT_EQ(included->state(), Project::INCLUDED);
  EXPECT_TRUE(included->on_map());
  EXPECT_EQ(included->region(), "39");
  EXPECT_EQ(included->sector(), "24");
  EXPECT_EQ(included->commissioning_year(), 2027);
  EXPECT_EQ(included->cost_range_from().units(), 0);
  EXPECT_EQ(included->cost_range_below().units(), 900'000'000);
  EXPECT_EQ(included->open_reviews_size(), 0);
  EXPECT_EQ(Review(review->name()).administrative_data().decision().outcome(), "ADOPTED");
  EXPECT_TRUE(CanSee(public_, name).ok());
  // Who may see a review is told by its project, and nobody else sees it.
  v1::GetReviewRequest get;
  get.set_name(review->name());
  EXPECT_TRUE(Do<v1::Review>("GetReview", owner_, get).ok());
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("GetReview", other_akimat_, get).status()),
            "ACCESS_DENIED");
}

TEST_F(ReviewsTest, TheSectorBodyExaminesWhatIsDear) {
  const std::string name = Create(MakeProject(5 * kBillion));
  const auto review = Propose(name, owner_);
  ASSERT_TRUE(review.ok()) << review.status();
  EXPECT_EQ(review->path(), v1::Review::REPUBLICAN);
  ASSERT_TRUE(Start(review->name(), akimat_).ok());
  ASSERT_TRUE(Conclude(review->name(), Conclusion::RECOMMEND, akimat_).ok());
  EXPECT_EQ(Get(name).state(), Project::SECTOR_REVIEW);
  // The responsible body sees it and does not examine it.
  EXPECT_EQ(base::ReasonOf(Conclude(review->name(), Conclusion::RECOMMEND, holding_).status()),
            "ACCESS_DENIED");
  ASSERT_TRUE(Conclude(review->name(), Conclusion::RECOMMEND, sector_).ok());
  ASSERT_TRUE(Adopt(review->name(), authority_).ok());
  EXPECT_EQ(Get(name).state(), Project::INCLUDED);
}

TEST_F(ReviewsTest, WhatIsReturnedIsAnsweredAndExaminedAgainByAll) {
  const std::string name = Create(MakeProject(5 * kBillion));
  const std::string review = Propose(name, owner_)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  v1::ConcludeReviewRequest back = Verdict(review, Conclusion::RETURN);
  back.mutable_remarks(0)->set_field("parameters.colour");
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ConcludeReview", akimat_, back).status()),
            "REMARK_FIELD_UNKNOWN");
  back.clear_remarks();
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ConcludeReview", akimat_, back).status()),
            "REMARKS_INVALID");
  ASSERT_TRUE(Conclude(review, Conclusion::RECOMMEND, akimat_).ok());
  ASSERT_TRUE(Conclude(review, Conclusion::RETURN, sector_).ok());
  EXPECT_EQ(Get(name).state(), Project::RETURNED);

  v1::UpdateProjectRequest update;
  update.mutable_project()->set_name(name);
  update.mutable_project()->mutable_parameters()->set_stage(v1::ProjectParameters::PLANNED);
  update.mutable_update_mask()->add_paths("parameters.stage");
  EXPECT_EQ(base::ReasonOf(Do<Project>("UpdateProject", owner_, update).status()),
            "VERSION_MISMATCH");
  update.mutable_project()->set_etag(Get(name).etag());
  ASSERT_TRUE(Do<Project>("UpdateProject", owner_, update).ok());
  EXPECT_EQ(base::ReasonOf(Propose(name, owner_).status()), "REMARK_UNANSWERED");
  EXPECT_EQ(base::ReasonOf(Propose(name, owner_, {1, 2}).status()), "REMARK_UNANSWERED");
  const auto again = Propose(name, owner_, {1});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->name(), review);
  EXPECT_EQ(again->round(), 2);
  EXPECT_EQ(again->state(), v1::Review::PROPOSED);
  EXPECT_EQ(again->administrative_data().remarks(0).answer(), "Исправлено.");
  EXPECT_EQ(base::ReasonOf(Do<Project>("UpdateProject", owner_, update).status()),
            "VERSION_MISMATCH");
  update.mutable_project()->set_etag(Get(name).etag());
  EXPECT_EQ(base::ReasonOf(Do<Project>("UpdateProject", owner_, update).status()),
            "PROJECT_FROZEN");
  // The same officials look again.
  Recommend(review);
  EXPECT_TRUE(Adopt(review, authority_).ok());
  EXPECT_EQ(Review(review).administrative_data().conclusions_size(), 5);
}

TEST_F(ReviewsTest, OfTwoWhoConcludeAtOnceOneWins) {
  const std::string review = Propose(Create(MakeProject()), owner_)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  const auto first = Verdict(review, Conclusion::RECOMMEND);
  const auto second = Verdict(review, Conclusion::REJECT);
  ASSERT_TRUE(Do<v1::Review>("ConcludeReview", akimat_, first).ok());
  const auto late = Do<v1::Review>("ConcludeReview", akimat_, second);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(base::ReasonOf(late.status()), "VERSION_MISMATCH");
  EXPECT_EQ(base::ReasonOf(Conclude(review, Conclusion::RECOMMEND, akimat_).status()),
            "REVIEW_STATE");
}

TEST_F(ReviewsTest, NobodyDecidesWhatItProposedOrExamined) {
  const std::string review = Propose(Create(MakeProject()), owner_)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  rpc::Caller both = akimat_;
  both.subject = owner_.subject;
  EXPECT_EQ(base::ReasonOf(Conclude(review, Conclusion::RECOMMEND, both).status()),
            "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(Conclude(review, Conclusion::RECOMMEND, akimat_).ok());
  for (const std::string& subject : {owner_.subject, akimat_.subject}) {
    const rpc::Caller barred = CallerOf(subject, {rpc::v1::AUTHORITY_INDUSTRY});
    EXPECT_EQ(base::ReasonOf(Adopt(review, barred).status()), "SEPARATION_OF_DUTIES") << subject;
  }
  auto act = Act<v1::IncludeProjectRequest>(review);
  *act.mutable_act_date() = Day("2026-06-16").ToProto();
  EXPECT_EQ(base::ReasonOf(Do<Project>("IncludeProject", authority_, act).status()),
            "ACT_DATE_INVALID");
  *act.mutable_act_date() = Day("2026-06-14").ToProto();
  EXPECT_EQ(base::ReasonOf(Do<Project>("IncludeProject", authority_, act).status()),
            "ACT_DATE_INVALID");
  auto wrong = Act<v1::ExcludeProjectRequest>(review);
  EXPECT_EQ(base::ReasonOf(Do<Project>("ExcludeProject", authority_, wrong).status()),
            "REVIEW_KIND");
  EXPECT_TRUE(Adopt(review, authority_).ok());
}

TEST_F(ReviewsTest, TheApplicantIsToldBesideThePath) {
  const std::string review = Propose(Create(MakeProject()), owner_)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  ASSERT_TRUE(Conclude(review, Conclusion::RECOMMEND, akimat_).ok());
  EXPECT_EQ(base::ReasonOf(Inform(review, 2, akimat_).status()), "CONCLUSION_UNKNOWN");
  EXPECT_EQ(base::ReasonOf(Inform(review, 1, authority_).status()), "CONCLUSION_UNKNOWN");
  // The regional duty outlives the decision.
  ASSERT_TRUE(Adopt(review, authority_).ok());
  const std::string etag = Review(review).etag();
  const auto told = Inform(review, 1, akimat_);
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->name(), review + "/notices/1");
  EXPECT_EQ(Review(review).etag(), etag);
  EXPECT_EQ(base::ReasonOf(Inform(review, 1, akimat_).status()), "INFORMED_ALREADY");
  ASSERT_TRUE(Inform(review, 2, institute_).ok());

  const auto deadlines = Deadlines(review);
  std::set<std::string> kinds;
  for (const auto& deadline : deadlines.deadlines()) {
    kinds.insert(deadline.kind());
    EXPECT_EQ(deadline.state(), cases::v1::Deadline::DONE) << deadline.ShortDebugString();
    EXPECT_TRUE(deadline.rests_on_assumption());
  }
  EXPECT_EQ(kinds, (std::set<std::string>{
                       "industry_map.days.regional", "industry_map.days.authority",
                       "industry_map.days.regional_conclusion", "industry_map.days.informing"}));
  EXPECT_EQ(deadlines.notices_size(), 2);
}

TEST_F(ReviewsTest, AStepThatIsLateSaysSoAndCanStillBeDone) {
  const std::string review = Propose(Create(MakeProject()), owner_)->name();
  GoTo(Day("2026-07-07"));
  EXPECT_FALSE(Deadlines(review).deadlines(0).overdue());
  const std::string etag = Review(review).etag();
  clock_.Set(Day("2026-07-08").StartOfDay());  // the moment after the last
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_TRUE(Deadlines(review).deadlines(0).overdue());
  EXPECT_EQ(Review(review).etag(), etag);
  EXPECT_TRUE(Start(review, akimat_).ok());
}

TEST_F(ReviewsTest, TheOwnerTakesItsProjectBack) {
  const std::string name = Create(MakeProject());
  const std::string review = Propose(name, owner_)->name();
  v1::WithdrawProjectRequest withdraw;
  withdraw.set_name(name);
  withdraw.set_reason("Финансирования не будет.");
  rpc::Caller stranger = owner_;
  stranger.bin = kSectorBin;
  EXPECT_EQ(base::ReasonOf(Do<Project>("WithdrawProject", stranger, withdraw).status()),
            "ACCESS_DENIED");
  ASSERT_TRUE(Do<Project>("WithdrawProject", owner_, withdraw).ok());
  EXPECT_EQ(Get(name).state(), Project::WITHDRAWN);
  EXPECT_EQ(Review(review).state(), v1::Review::WITHDRAWN);
  EXPECT_EQ(base::ReasonOf(CanSee(public_, name)), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(Propose(name, owner_).status()), "REVIEW_STATE");
}

TEST_F(ReviewsTest, AProposalNamesAllItsGaps) {
  v1::Project project = MakeProject();
  project.mutable_parameters()->clear_oked();
  project.mutable_parameters()->clear_goods_codes();
  project.mutable_administrative_data()->mutable_terms()->clear_capacities();
  const auto refused = Propose(Create(project), owner_);
  EXPECT_EQ(base::ReasonOf(refused.status()), "PROJECT_INCOMPLETE");
  EXPECT_EQ(base::BadRequestOf(refused.status()).field_violations_size(), 3);
  EXPECT_EQ(base::LegalBasisOf(refused.status()).article(), "Art. 9(11)");
}

TEST_F(ReviewsTest, AChangeHoldsFromTheDayOfItsAdoption) {
  const std::string name = Include();
  auto change = Change(name);
  EXPECT_EQ(base::ReasonOf(ProposeChange(change).status()), "CHANGE_EMPTY");
  change.mutable_parameters()->set_jobs_operation(500);
  const auto review = ProposeChange(change);
  ASSERT_TRUE(review.ok()) << review.status();
  EXPECT_EQ(review->changed_fields(0), "parameters.jobs_operation");
  EXPECT_EQ(base::ReasonOf(ProposeChange(change).status()), "REVIEW_OPEN");
  EXPECT_EQ(Get(name).parameters().jobs_operation(), 400);
  GoTo(Day("2026-06-22"));
  Recommend(review->name());
  const auto changed = Adopt(review->name(), authority_);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(JobsOn(name, Day("2026-06-21")), 400);
  EXPECT_EQ(JobsOn(name, Day("2026-06-22")), 500);
  EXPECT_EQ(base::ReasonOf(ProposeChange(change).status()), "PROJECT_STALE");
}

// The akimat to whose place a project is to move examines that: it did not propose it.
TEST_F(ReviewsTest, WhoeverExaminesAMoveDoesNotTakeItBack) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_kato(kOtherPlace);
  const auto review = Do<v1::Review>("ProposeChange", akimat_, change);
  ASSERT_TRUE(review.ok()) << review.status();
  v1::WithdrawReviewRequest withdraw;
  withdraw.set_name(review->name());
  withdraw.set_reason("Нам он не нужен.");
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("WithdrawReview", other_akimat_, withdraw).status()),
            "NOT_THE_PROPOSER");
  EXPECT_TRUE(Start(review->name(), other_akimat_).ok());
}

// An akimat that gives a project to another region reads what becomes of its proposal, and reviews
// nothing there.
TEST_F(ReviewsTest, WhoeverProposesAMoveKeepsSightOfIt) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_kato(kOtherPlace);
  const auto review = Do<v1::Review>("ProposeChange", akimat_, change);
  ASSERT_TRUE(review.ok()) << review.status();
  EXPECT_EQ(review->proposer_kato(), Get(name).parameters().kato());
  v1::GetReviewRequest get;
  get.set_name(review->name());
  v1::ListReviewDeadlinesRequest due;
  due.set_parent(review->name());
  const auto listed = [&](const rpc::Caller& caller, const std::string& parent) {
    v1::ListReviewsRequest list;
    list.set_parent(parent);
    list.set_filter("kind = CHANGE");
    const auto answer = Do<v1::ListReviewsResponse>("ListReviews", caller, list);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->reviews_size() : -1;
  };
  const auto seen = [&](const rpc::Caller& caller) {
    EXPECT_TRUE(Do<v1::ListReviewDeadlinesResponse>("ListReviewDeadlines", caller, due).ok());
    EXPECT_EQ(listed(caller, name), 1);
    EXPECT_EQ(listed(caller, "projects/-"), 1);
    const auto got = Do<v1::Review>("GetReview", caller, get);
    EXPECT_TRUE(got.ok()) << got.status();
    return got.ok() ? got->state() : v1::Review::STATE_UNSPECIFIED;
  };
  const rpc::Caller third = CallerOf("third@akimat", {rpc::v1::AKIMAT}, "", {"71"});
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("GetReview", third, get).status()), "ACCESS_DENIED");
  EXPECT_EQ(listed(third, "projects/-"), 0);
  EXPECT_EQ(seen(akimat_), v1::Review::PROPOSED);
  EXPECT_EQ(seen(other_akimat_), v1::Review::PROPOSED);
  // It is examined where it goes, also by another official than the one who proposed it.
  const rpc::Caller colleague = CallerOf("colleague@akimat", {rpc::v1::AKIMAT}, "", {"39"});
  EXPECT_EQ(base::ReasonOf(Start(review->name(), colleague).status()), "ACCESS_DENIED");
  ASSERT_TRUE(Start(review->name(), other_akimat_).ok());
  EXPECT_EQ(base::ReasonOf(Conclude(review->name(), Conclusion::RECOMMEND, colleague).status()),
            "ACCESS_DENIED");
  ASSERT_TRUE(Conclude(review->name(), Conclusion::RECOMMEND, other_akimat_).ok());
  v1::InformApplicantRequest inform;
  inform.set_name(review->name());
  inform.set_conclusion(1);
  *inform.mutable_inform_date() = today().ToProto();
  inform.set_notice("письмо 12-3/45");
  EXPECT_EQ(base::ReasonOf(Do<v1::Notice>("InformApplicant", colleague, inform).status()),
            "CONCLUSION_UNKNOWN");
  EXPECT_TRUE(Do<v1::Notice>("InformApplicant", other_akimat_, inform).ok());
  ASSERT_TRUE(Adopt(review->name(), authority_).ok());
  EXPECT_EQ(Get(name).region(), "75");
  EXPECT_EQ(seen(akimat_), v1::Review::ADOPTED);
}

// Within its region a move has two places of its own: its desk has it once.
TEST_F(ReviewsTest, AMoveWithinARegionIsListedOnce) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_kato("393210000");
  const auto review = Do<v1::Review>("ProposeChange", akimat_, change);
  ASSERT_TRUE(review.ok()) << review.status();
  ASSERT_NE(review->kato(), review->proposer_kato());
  v1::ListReviewsRequest list;
  list.set_parent("projects/-");
  list.set_page_size(1);
  int listed = 0;
  do {
    const auto page = Do<v1::ListReviewsResponse>("ListReviews", akimat_, list);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Review& one : page->reviews()) listed += one.name() == review->name() ? 1 : 0;
    list.set_page_token(page->next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(listed, 1);
}

// And it may think better of it.
TEST_F(ReviewsTest, WhoeverProposesAMoveTakesItBack) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_kato(kOtherPlace);
  v1::WithdrawReviewRequest withdraw;
  withdraw.set_name(Do<v1::Review>("ProposeChange", akimat_, change)->name());
  withdraw.set_reason("Площадка осталась здесь.");
  const auto back = Do<v1::Review>("WithdrawReview", akimat_, withdraw);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->state(), v1::Review::WITHDRAWN);
}

TEST_F(ReviewsTest, AChangeToComeHoldsByItselfAndLosesNothingUntilThen) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_jobs_operation(500);
  *change.mutable_effective_from() = Day("2026-08-01").ToProto();
  const std::string review = ProposeChange(change)->name();
  Recommend(review);
  ASSERT_TRUE(Adopt(review, authority_).ok());
  EXPECT_EQ(base::ReasonOf(ProposeChange(change).status()), "PROJECT_STALE");
  GoTo(Day("2026-07-15"));
  ASSERT_TRUE(Milestone(name, v1::Milestone::DESIGN_DOCUMENTS, akimat_).ok());
  clock_.Set(Day("2026-08-01").StartOfDay());
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Get(name).parameters().jobs_operation(), 500);
  EXPECT_EQ(Get(name).milestone_facts_size(), 1);
  EXPECT_EQ(JobsOn(name, Day("2026-07-31")), 400);
}

TEST_F(ReviewsTest, ACorrectionHoldsFromItsPastDayThroughEveryVersionSince) {
  const std::string name = Include();
  GoTo(Day("2026-06-20"));
  ASSERT_TRUE(Milestone(name, v1::Milestone::DESIGN_DOCUMENTS, akimat_).ok());
  GoTo(Day("2026-07-01"));
  auto change = Change(name);
  change.mutable_parameters()->set_jobs_operation(500);
  *change.mutable_effective_from() = Day("2026-06-14").ToProto();
  const std::string review = ProposeChange(change)->name();
  Recommend(review);
  EXPECT_EQ(base::ReasonOf(Adopt(review, authority_).status()), "EFFECTIVE_BEFORE_INCLUSION");
  v1::WithdrawReviewRequest withdraw;
  withdraw.set_name(review);
  withdraw.set_reason("Не та дата.");
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("WithdrawReview", akimat_, withdraw).status()),
            "NOT_THE_PROPOSER");
  ASSERT_TRUE(Do<v1::Review>("WithdrawReview", owner_, withdraw).ok());

  *change.mutable_effective_from() = Day("2026-06-18").ToProto();
  const std::string second = ProposeChange(change)->name();
  Recommend(second);
  const auto corrected = Adopt(second, authority_);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  EXPECT_EQ(JobsOn(name, Day("2026-06-17")), 400);
  for (const char* day : {"2026-06-18", "2026-06-20", "2026-06-25", "2026-07-01"})
    EXPECT_EQ(JobsOn(name, Day(day)), 500) << day;
  v1::GetProjectRequest get;
  get.set_name(name);
  *get.mutable_as_of() = Day("2026-06-19").ToProto();
  EXPECT_EQ(Do<Project>("GetProject", auditor_, get)->milestone_facts_size(), 0);
  EXPECT_EQ(Get(name).milestone_facts_size(), 1);
}

// A change replaces what it names; what it was proposed beside may have changed since.
TEST_F(ReviewsTest, AChangeToComeLeavesWhatAnotherChangedMeanwhile) {
  const std::string name = Include();
  auto coming = Change(name);
  coming.mutable_parameters()->set_jobs_operation(500);
  *coming.mutable_effective_from() = Day("2026-08-01").ToProto();
  const std::string first = ProposeChange(coming)->name();
  Recommend(first);
  ASSERT_TRUE(Adopt(first, authority_).ok());
  GoTo(Day("2026-07-01"));
  auto meanwhile = Change(name);
  meanwhile.mutable_parameters()->set_jobs_building(70);
  meanwhile.mutable_parameters()->clear_point();
  meanwhile.mutable_terms()->set_export_share_bp(9'000);
  const auto second = ProposeChange(meanwhile);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->changed_fields_size(), 3);
  Recommend(second->name());
  ASSERT_TRUE(Adopt(second->name(), authority_).ok());
  EXPECT_EQ(Get(name).parameters().jobs_operation(), 400);
  GoTo(Day("2026-07-20"));
  auto stale = Change(name);
  stale.mutable_parameters()->set_jobs_operation(600);
  const std::string third = ProposeChange(stale)->name();
  Recommend(third);

  GoTo(Day("2026-08-01"));
  const Project both = Get(name);
  EXPECT_EQ(both.parameters().jobs_operation(), 500);
  EXPECT_EQ(both.parameters().jobs_building(), 70);
  EXPECT_FALSE(both.parameters().has_point());
  EXPECT_EQ(both.administrative_data().terms().export_share_bp(), 9'000);
  EXPECT_EQ(JobsOn(name, Day("2026-07-31")), 400);
  // What was proposed before that day was proposed of parameters that hold no longer.
  EXPECT_EQ(base::ReasonOf(Adopt(third, authority_).status()), "PROJECT_STALE");
}

TEST_F(ReviewsTest, ACorrectionLeavesInThePastWhatItDoesNotName) {
  const std::string name = Include();
  GoTo(Day("2026-06-22"));
  auto change = Change(name);
  change.mutable_parameters()->set_jobs_operation(500);
  change.mutable_terms()->set_in_country_value_bp(4'000);
  const std::string first = ProposeChange(change)->name();
  Recommend(first);
  ASSERT_TRUE(Adopt(first, authority_).ok());
  GoTo(Day("2026-07-01"));
  auto correction = Change(name);
  correction.mutable_parameters()->set_jobs_building(70);
  correction.mutable_terms()->set_export_share_bp(9'000);
  *correction.mutable_effective_from() = Day("2026-06-18").ToProto();
  const std::string second = ProposeChange(correction)->name();
  Recommend(second);
  const auto corrected = Adopt(second, authority_);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  const auto on = [&](const char* day) {
    v1::GetProjectRequest get;
    get.set_name(name);
    *get.mutable_as_of() = Day(day).ToProto();
    const Project then = *Do<Project>("GetProject", auditor_, get);
    const v1::ProjectTerms& terms = then.administrative_data().terms();
    return std::vector<int32_t>{then.parameters().jobs_operation(), terms.in_country_value_bp(),
                                then.parameters().jobs_building(), terms.export_share_bp()};
  };
  EXPECT_EQ(on("2026-06-17"), (std::vector<int32_t>{400, 0, 0, 0}));
  EXPECT_EQ(on("2026-06-18"), (std::vector<int32_t>{400, 0, 70, 9'000}));
  EXPECT_EQ(on("2026-06-21"), (std::vector<int32_t>{400, 0, 70, 9'000}));
  EXPECT_EQ(on("2026-06-22"), (std::vector<int32_t>{500, 4'000, 70, 9'000}));
  EXPECT_EQ(on("2026-07-01"), (std::vector<int32_t>{500, 4'000, 70, 9'000}));
}

TEST_F(ReviewsTest, AMovedProjectIsExaminedWhereItGoes) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_kato(kOtherPlace);
  const std::string review = ProposeChange(change)->name();
  EXPECT_EQ(base::ReasonOf(Start(review, akimat_).status()), "ACCESS_DENIED");
  ASSERT_TRUE(Start(review, other_akimat_).ok());
  ASSERT_TRUE(Conclude(review, Conclusion::RECOMMEND, other_akimat_).ok());
  ASSERT_TRUE(Adopt(review, authority_).ok());
  EXPECT_EQ(Get(name).region(), "75");
}

TEST_F(ReviewsTest, SupportIsAddedAndBothAtOnceAreNot) {
  const std::string name = Include();
  const v1::ProposeChangeRequest propose = SupportOf(name);
  v1::ProposeChangeRequest both = propose;
  *both.mutable_parameters() = Get(name).parameters();
  EXPECT_EQ(base::ReasonOf(ProposeChange(both).status()), "INVALID_FIELD");
  const auto review = ProposeChange(propose);
  ASSERT_TRUE(review.ok()) << review.status();
  Recommend(review->name());
  const auto supported = Adopt(review->name(), authority_);
  ASSERT_TRUE(supported.ok()) << supported.status();
  ASSERT_EQ(Get(name).administrative_data().supports_size(), 1);
  EXPECT_EQ(Get(name).administrative_data().supports(0).review(), review->name());
  const auto twice = ProposeChange(propose);
  EXPECT_EQ(base::ReasonOf(twice.status()), "SUPPORT_EXISTS");
  EXPECT_EQ(base::LegalBasisOf(twice.status()).article(), "Art. 9(11)");
  v1::ProposeChangeRequest other = propose;
  other.mutable_support()->set_measure(v1::Support::GUARANTEE);
  EXPECT_TRUE(ProposeChange(other).ok());
}

// The agreement follows the decision: what was adopted is completed and corrected.
TEST_F(ReviewsTest, TheAgreementOfASupportIsSaidLater) {
  const std::string name = Include();
  const std::string review = AdoptProposal(SupportOf(name));
  GoTo(Day("2026-07-20"));
  v1::CompleteSupportRequest complete;
  complete.set_name(name);
  complete.set_etag(Get(name).etag());
  complete.set_review(review);
  const auto said = [&](const rpc::Caller& caller) {
    return Do<Project>("CompleteSupport", caller, complete);
  };
  const absl::Status nothing = said(akimat_).status();
  EXPECT_EQ(base::ReasonOf(nothing), "CHANGE_EMPTY");
  EXPECT_EQ(SubjectOf(nothing), "agreement_number");
  complete.set_agreement_number("ИГ-17");
  *complete.mutable_agreement_date() = Day("2026-07-21").ToProto();
  EXPECT_EQ(base::ReasonOf(said(akimat_).status()), "DATE_IN_FUTURE");
  *complete.mutable_agreement_date() = Day("2026-07-01").ToProto();
  EXPECT_EQ(base::ReasonOf(said(sector_).status()), "NOT_RESPONSIBLE");
  EXPECT_EQ(base::ReasonOf(said(other_akimat_).status()), "ACCESS_DENIED");
  // The body that provides it says so, too.
  const auto completed = said(holding_);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(base::ReasonOf(said(akimat_).status()), "VERSION_MISMATCH");
  complete.set_etag(Get(name).etag());
  complete.set_review(name + "/reviews/1");
  EXPECT_EQ(base::ReasonOf(said(akimat_).status()), "NOT_FOUND");
  complete.set_review(review);
  *complete.mutable_amount() = Tenge(900'000);
  ASSERT_TRUE(said(akimat_).ok());
  const v1::Support support = Get(name).administrative_data().supports(0);
  EXPECT_EQ(support.agreement_number(), "ИГ-17");
  EXPECT_EQ(support.amount().units(), 900'000);
  const auto on = [&](const char* day) {
    store::At at;
    at.as_of = Day(day);
    return (*store().Read().Find(kProjects, ProjectKey(1), at))
        ->row.project()
        .administrative_data()
        .supports(0)
        .agreement_number();
  };
  EXPECT_EQ(on("2026-06-30"), "");
  EXPECT_EQ(on("2026-07-01"), "ИГ-17");
  // It was signed later than was told: on the days before there was none.
  complete.set_etag(Get(name).etag());
  *complete.mutable_agreement_date() = Day("2026-07-10").ToProto();
  ASSERT_TRUE(said(akimat_).ok());
  EXPECT_EQ(on("2026-07-09"), "");
  EXPECT_EQ(on("2026-07-10"), "ИГ-17");
  EXPECT_EQ(on("2026-07-20"), "ИГ-17");
  ExpectSound();
}

// What was returned is proposed again by whoever proposed it, and nobody examines its own.
TEST_F(ReviewsTest, AReturnedProposalIsNoOtherBodys) {
  const std::string name = Include();
  auto change = Change(name);
  change.mutable_parameters()->set_jobs_operation(500);
  const std::string review = Do<v1::Review>("ProposeChange", holding_, change)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  ASSERT_TRUE(Conclude(review, Conclusion::RETURN, akimat_).ok());
  change.set_review(review);
  change.add_answers()->set_number(1);
  change.mutable_answers(0)->set_answer("Исправлено.");
  change.mutable_parameters()->set_jobs_operation(900);
  for (const rpc::Caller& other : {owner_, sector_}) {
    EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ProposeChange", other, change).status()),
              "NOT_THE_PROPOSER")
        << other.subject;
  }
  EXPECT_TRUE(Do<v1::Review>("ProposeChange", holding_, change).ok());
}

TEST_F(ReviewsTest, AnOwnerExaminesNothingOfItsOwn) {
  v1::Project dear = MakeProject(5 * kBillion);
  dear.mutable_parameters()->set_sector_body_bin(kOwnerBin);
  const auto refused = Propose(Create(dear), owner_);
  EXPECT_EQ(base::ReasonOf(refused.status()), "EXAMINER_IS_OWNER");
  EXPECT_EQ(base::LegalBasisOf(refused.status()).article(), "Art. 9(11)");
  v1::Project of_akimat = MakeProject();
  of_akimat.mutable_parameters()->mutable_responsible_body()->set_bin(kOwnerBin);
  EXPECT_EQ(base::ReasonOf(Propose(Create(of_akimat), owner_).status()), "EXAMINER_IS_OWNER");
  const std::string review = Propose(Create(MakeProject()), owner_)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  rpc::Caller own = akimat_;
  own.bin = kOwnerBin;
  EXPECT_EQ(base::ReasonOf(Conclude(review, Conclusion::RECOMMEND, own).status()),
            "EXAMINER_IS_OWNER");
  EXPECT_TRUE(Conclude(review, Conclusion::RECOMMEND, akimat_).ok());
}

TEST_F(ReviewsTest, ActsStandWithWhatTheyAdopted) {
  const std::string name = Include();
  EXPECT_EQ(Review(name + "/reviews/1").act().number(), "54-НҚ");
  auto change = Change(name);
  change.mutable_parameters()->set_jobs_operation(500);
  const std::string review = AdoptProposal(change);
  v1::GetReviewRequest get;
  get.set_name(review);
  EXPECT_EQ(Do<v1::Review>("GetReview", owner_, get)->act().number(), "54-НҚ");
  EXPECT_EQ(base::Date::FromProto(Review(review).act().date()).value_or(base::Date()), today());
  EXPECT_EQ(Get(name).change_act().number(), "54-НҚ");
  AdoptProposal(SupportOf(name));
  EXPECT_EQ(Get(name).administrative_data().support_act().number(), "54-НҚ");
  const std::string exclusion = Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name))->name();
  Recommend(exclusion);
  ASSERT_TRUE(Adopt(exclusion, authority_).ok());
  EXPECT_EQ(Get(name).exclusion_act().number(), "54-НҚ");
  EXPECT_EQ(Review(exclusion).act().number(), "54-НҚ");
}

TEST_F(ReviewsTest, NoActIsBeforeWhatItRestsOn) {
  const std::string review = Propose(Create(MakeProject()), owner_)->name();
  ASSERT_TRUE(Start(review, akimat_).ok());
  GoTo(Day("2026-06-18"));
  ASSERT_TRUE(Conclude(review, Conclusion::RECOMMEND, akimat_).ok());
  GoTo(Day("2026-06-19"));
  auto act = Act<v1::IncludeProjectRequest>(review);
  *act.mutable_act_date() = Day("2026-06-17").ToProto();
  EXPECT_EQ(base::ReasonOf(Do<Project>("IncludeProject", authority_, act).status()),
            "ACT_DATE_INVALID");
  *act.mutable_act_date() = Day("2026-06-18").ToProto();
  EXPECT_TRUE(Do<Project>("IncludeProject", authority_, act).ok());
  v1::InformApplicantRequest inform;
  inform.set_name(review);
  inform.set_conclusion(1);
  inform.set_notice("письмо 12-3/45");
  *inform.mutable_inform_date() = Day("2026-06-17").ToProto();
  EXPECT_EQ(base::ReasonOf(Do<v1::Notice>("InformApplicant", akimat_, inform).status()),
            "INFORMED_TOO_EARLY");
  *inform.mutable_inform_date() = Day("2026-06-18").ToProto();
  EXPECT_TRUE(Do<v1::Notice>("InformApplicant", akimat_, inform).ok());

  // Two times of what was to be done.
  v1::ListReviewDeadlinesRequest list;
  list.set_parent(review);
  const auto count = [&] {
    return Do<v1::ListReviewDeadlinesResponse>("ListReviewDeadlines", akimat_, list)
        ->deadlines_size();
  };
  EXPECT_EQ(count(), 4);
  *list.mutable_as_of() = Day("2026-06-17").ToProto();
  EXPECT_EQ(count(), 1);
  list.clear_as_of();
  list.mutable_known_at()->set_seconds(absl::ToUnixSeconds(Day("2026-06-16").StartOfDay()));
  EXPECT_EQ(count(), 1);
}

TEST_F(ReviewsTest, ExclusionEndsWhatElseIsOpen) {
  const std::string name = Include();
  auto refusal = Exclusion(name, v1::OWNER_REFUSAL);
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ProposeExclusion", institute_, refusal).status()),
            "GROUND_OF_THE_OWNER");
  auto success = Exclusion(name, v1::CAPACITY_SUSTAINED);
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ProposeExclusion", owner_, success).status()),
            "PROJECT_STATE");
  const auto review = Do<v1::Review>("ProposeExclusion", owner_, refusal);
  ASSERT_TRUE(review.ok()) << review.status();
  auto change = Change(name);
  change.mutable_parameters()->set_jobs_operation(500);
  const std::string other = ProposeChange(change)->name();
  EXPECT_EQ(Get(name).open_reviews_size(), 2);
  Recommend(review->name());
  const auto excluded = Adopt(review->name(), authority_);
  ASSERT_TRUE(excluded.ok()) << excluded.status();
  EXPECT_EQ(excluded->state(), Project::EXCLUDED);
  EXPECT_FALSE(excluded->on_map());
  EXPECT_EQ(Review(other).state(), v1::Review::WITHDRAWN);
  EXPECT_EQ(Get(name).open_reviews_size(), 0);
  EXPECT_TRUE(CanSee(public_, name).ok());
}

TEST_F(ReviewsTest, AnAkimatsDeskIsItsRegions) {
  v1::Project elsewhere = MakeProject();
  elsewhere.mutable_parameters()->set_kato(kOtherPlace);
  const std::string here = Propose(Create(MakeProject()), owner_)->name();
  const std::string there = Propose(Create(elsewhere), owner_)->name();
  v1::ListReviewsRequest list;
  list.set_parent("projects/-");
  list.set_filter("state = PROPOSED");
  const auto mine = Do<v1::ListReviewsResponse>("ListReviews", akimat_, list);
  ASSERT_TRUE(mine.ok()) << mine.status();
  ASSERT_EQ(mine->reviews_size(), 1);
  EXPECT_EQ(mine->reviews(0).name(), here);
  const auto all = Do<v1::ListReviewsResponse>("ListReviews", institute_, list);
  ASSERT_EQ(all->reviews_size(), 2);
  list.clear_filter();
  EXPECT_EQ(Do<v1::ListReviewsResponse>("ListReviews", other_akimat_, list)->reviews(0).name(),
            there);
  list.set_parent("projects/1");
  EXPECT_EQ(Do<v1::ListReviewsResponse>("ListReviews", other_akimat_, list)->reviews_size(), 0);
}

// Anybody opens drafts: nobody fills the register with them.
TEST_F(ReviewsTest, AnOwnerHasSoManyDraftsAtOnce) {
  v1::CreateProjectRequest create;
  *create.mutable_project() = MakeProject();
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back(Create(MakeProject()));
  const auto full = Do<v1::Project>("CreateProject", owner_, create);
  EXPECT_EQ(base::ReasonOf(full.status()), "DRAFTS_TOO_MANY");
  EXPECT_TRUE(absl::IsFailedPrecondition(full.status()));
  EXPECT_EQ(base::InfoOf(full.status()).metadata().at("most"), "200");
  // Those of others are another thing; and one that is proposed, or given up, makes room.
  v1::CreateProjectRequest other = create;
  other.mutable_project()->mutable_parameters()->set_owner_bin(kSectorBin);
  const rpc::Caller neighbour = CallerOf("erlan@too", {rpc::v1::ENTITY}, kSectorBin);
  EXPECT_NE(base::ReasonOf(Do<v1::Project>("CreateProject", neighbour, other).status()),
            "DRAFTS_TOO_MANY");
  ASSERT_TRUE(Propose(names[7], owner_).ok());
  v1::WithdrawProjectRequest withdraw;
  withdraw.set_name(names[9]);
  withdraw.set_reason("Не нужен.");
  ASSERT_TRUE(Do<v1::Project>("WithdrawProject", owner_, withdraw).ok());
  EXPECT_TRUE(Do<v1::Project>("CreateProject", owner_, create).ok());
  EXPECT_TRUE(Do<v1::Project>("CreateProject", owner_, create).ok());
  EXPECT_EQ(base::ReasonOf(Do<v1::Project>("CreateProject", owner_, create).status()),
            "DRAFTS_TOO_MANY");
}

TEST_F(ReviewsTest, NamesOfNothingAreNotFound) {
  Include();
  const auto reason = [&](const std::string& method, auto request, const std::string& name) {
    request.set_name(name);
    const rpc::Method& bound = MethodOf(method);
    rpc::Call call = MakeCall(bound, auditor_);
    const absl::Status prepared = Prepare(bound, &request, &call);
    return base::ReasonOf(prepared.ok() ? bound.unary(call, request).status() : prepared);
  };
  for (const char* name : {"projects/0", "projects/2", "projects/99999999999", "projects/01"})
    EXPECT_EQ(reason("GetProject", v1::GetProjectRequest(), name), "NOT_FOUND") << name;
  for (const char* name : {"projects/1/reviews/2", "projects/0/reviews/1", "projects/1/reviews/x"})
    EXPECT_EQ(reason("GetReview", v1::GetReviewRequest(), name), "NOT_FOUND") << name;
  for (const char* name : {"projects/1/reports/2026q2", "projects/1/reports/2026q5",
                           "projects/1/reports/q", "projects/1/reports/1"})
    EXPECT_EQ(reason("GetReport", v1::GetReportRequest(), name), "NOT_FOUND") << name;
  EXPECT_EQ(reason("GetMapEdition", v1::GetMapEditionRequest(), "editions/1"), "NOT_FOUND");
  for (const char* name : {"projects/2", "projects/1/reviews/2", "editions/1"})
    EXPECT_EQ(reason("ReplayDecision", v1::ReplayDecisionRequest(), name), "NOT_FOUND") << name;
  EXPECT_EQ(reason("ReplayDecision", v1::ReplayDecisionRequest(), "goods/1"), "INVALID_FIELD");
  for (const char* name : {"", "projects", "projects/1/", "editions/1", "projects/A"})
    EXPECT_EQ(reason("GetProject", v1::GetProjectRequest(), name), "INVALID_FIELD") << name;
}

// What a method requires stands in the proto, and no function has to look.
TEST_F(ReviewsTest, NoMethodTakesARequestWithoutWhatItRequires) {
  const auto* service = v1::CreateProjectRequest::descriptor()->file()->service(0);
  int refused = 0;
  for (int i = 0; i < service->method_count(); ++i) {
    const rpc::Method& method = MethodOf(service->method(i)->name());
    const std::unique_ptr<google::protobuf::Message> request(method.request_prototype->New());
    const absl::Status form = method.form->Check(request.get(), method.policy.mutation);
    const bool requires_something = method.policy.mutation && !method.client_stream;
    if (!form.ok()) ++refused;
    EXPECT_TRUE(!requires_something || base::ReasonOf(form) == "INVALID_FIELD")
        << service->method(i)->name() << " " << form;
  }
  EXPECT_EQ(refused, 31);
}

TEST_F(ReviewsTest, ARetriedRequestIsAnsweredOnce) {
  v1::CreateProjectRequest create;
  *create.mutable_project() = MakeProject();
  create.set_request_id(Uuid(500'000));
  const auto first = Do<Project>("CreateProject", owner_, create);
  const auto again = Do<Project>("CreateProject", owner_, create);
  ASSERT_TRUE(first.ok() && again.ok()) << first.status() << again.status();
  EXPECT_EQ(first->name(), again->name());
  create.mutable_project()->mutable_parameters()->set_owner_bin(kSectorBin);
  create.set_request_id(Uuid(500'001));
  EXPECT_EQ(base::ReasonOf(Do<Project>("CreateProject", owner_, create).status()), "ACCESS_DENIED");
}

}  // namespace
}  // namespace nisi::industry_map
