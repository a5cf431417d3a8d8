// Walks over every method of the service. What is confidential stays so (Art. 6(3)): marked values
// in every confidential field are followed. Who is let in to a record, by its ties. What is badly
// formed is refused by its name, and what is outermost breaks nothing.
#include "common/rpc/bad_input_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/scope_testing.h"
#include "services/industry_map/env.h"
#include "services/industry_map/service_testing.h"

namespace nisi::industry_map {
namespace {

constexpr int64_t kMarkedCost = rpc::kFirstCanary + 1'000;
constexpr char kMap[] = "/nisi.industry_map.v1.IndustryMapService/";

// A project whose terms are marked: texts and sums that stand nowhere else.
v1::Project MarkedProject() {
  v1::Project project = MakeProject(kMarkedCost);
  v1::ProjectTerms& terms = *project.mutable_administrative_data()->mutable_terms();
  terms.mutable_capacities(0)->set_product("canary-product");
  terms.mutable_criteria(0)->set_justification("canary-criterion");
  v1::DossierChapter& part = *terms.add_dossier();
  part.set_chapter(1);
  part.mutable_document()->set_name("canary-dossier.pdf");
  part.mutable_document()->set_media_type("application/pdf");
  part.mutable_document()->set_size_bytes(kMarkedCost + 5'000);
  part.mutable_document()->set_sha256(std::string(32, 'x'));
  return project;
}

// What is no secret of a marked field: quantities and names that stand elsewhere, too.
v1::Project Secrets(v1::Project project) {
  v1::AdministrativeData& data = *project.mutable_administrative_data();
  for (auto& capacity : *data.mutable_terms()->mutable_capacities()) capacity.clear_quantity();
  for (auto& part : *data.mutable_terms()->mutable_dossier()) {
    part.mutable_document()->clear_media_type();
  }
  for (auto& support : *data.mutable_supports()) {
    support.clear_body_bin();
    support.clear_review();
  }
  data.mutable_progress()->clear_traffic_light_decision();
  data.clear_support_act();  // an act of several things may stand publicly with another
  return project;
}
v1::Review Secrets(v1::Review review) {
  v1::ReviewData& data = *review.mutable_administrative_data();
  data.clear_terms();  // as those of the project
  data.mutable_support()->clear_body_bin();
  for (auto& remark : *data.mutable_remarks()) {
    remark.clear_author();
    remark.clear_field();
  }
  for (auto& conclusion : *data.mutable_conclusions()) conclusion.clear_author();
  data.clear_ground_decision();
  data.clear_decision();
  return review;
}

class MapConfidentialTest : public MapTest {
 protected:
  v1::ProposeChangeRequest Measure(const std::string& project) {
    v1::ProposeChangeRequest propose;
    propose.set_parent(project);
    propose.set_parameters_etag(Get(project).parameters_etag());
    v1::Support& support = *propose.mutable_support();
    support.set_measure(v1::Support::INDUSTRIAL_GRANT);
    support.set_body_bin(kSectorBin);
    support.set_body_name("canary-body");
    support.set_agreement_number("canary-agreement");
    *support.mutable_agreement_date() = today().ToProto();
    *support.mutable_amount() = Tenge(kMarkedCost + 7'000);
    propose.set_justification("canary-why");
    return propose;
  }
  // Adopted; and one that was returned with remarks.
  std::pair<v1::Review, v1::Review> MarkedReviews(const std::string& project) {
    const auto first = Do<v1::Review>("ProposeChange", owner_, Measure(project));
    EXPECT_TRUE(first.ok()) << first.status();
    EXPECT_TRUE(Start(first->name(), akimat_).ok());
    v1::ConcludeReviewRequest conclude = Verdict(first->name(), v1::Conclusion::RECOMMEND);
    conclude.mutable_conclusion()->set_text("canary-conclusion");
    EXPECT_TRUE(Do<v1::Review>("ConcludeReview", akimat_, conclude).ok());
    const auto adopted = Adopt(first->name(), authority_);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    v1::ProposeChangeRequest other = Measure(project);
    other.mutable_support()->set_measure(v1::Support::EXPORT_PROMOTION);
    const auto second = Do<v1::Review>("ProposeChange", owner_, other);
    EXPECT_TRUE(second.ok()) << second.status();
    EXPECT_TRUE(Start(second->name(), akimat_).ok());
    conclude = Verdict(second->name(), v1::Conclusion::RETURN);
    conclude.mutable_conclusion()->set_text("canary-return");
    conclude.mutable_remarks(0)->set_field("administrative_data.justification");
    conclude.mutable_remarks(0)->set_text("canary-remark");
    const auto returned = Do<v1::Review>("ConcludeReview", akimat_, conclude);
    EXPECT_TRUE(returned.ok()) << returned.status();
    return {Review(first->name()), Review(second->name())};
  }
  v1::Report MarkedReport(const std::string& project) {
    NextQuarter();
    v1::Report report = MakeReport("2026Q2", rpc::kFirstCanary, 1'000);
    v1::ReportFigures& figures = *report.mutable_administrative_data();
    *figures.mutable_exports() = Tenge(rpc::kFirstCanary + 3'000);
    *figures.mutable_support_received() = Tenge(rpc::kFirstCanary + 4'000);
    figures.add_problems()->set_category(v1::Problem::FUNDING);
    figures.mutable_problems(0)->set_text("canary-problem");
    const auto filed = Submit(project, report, akimat_);
    EXPECT_TRUE(filed.ok()) << filed.status();
    v1::GetReportRequest get;
    get.set_name(filed.ok() ? filed->name() : project + "/reports/2026q2");
    const auto found = Do<v1::Report>("GetReport", auditor_, get);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : report;
  }
  static std::pair<std::string, std::string> Replay(const std::string& name) {
    v1::ReplayDecisionRequest request;
    request.set_name(name);
    return {absl::StrCat(kMap, "ReplayDecision"), request.SerializeAsString()};
  }
};

TEST_F(MapConfidentialTest, NoCanaryLeaves) {
  const std::string name = Include(MarkedProject());
  const auto [adopted, returned] = MarkedReviews(name);
  const v1::Report report = MarkedReport(name);
  const v1::Project project = Secrets(Get(name));
  const v1::Review first = Secrets(adopted), second = Secrets(returned);
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {name, adopted.name(), returned.name(), report.name()};
  fixture.owner_bin = kOwnerBin;
  fixture.regions = {"39"};
  fixture.body = kHoldingBin;
  fixture.planted = {&project, &first, &second, &report};
  fixture.calls = {Replay(name), Replay(adopted.name()), Replay(returned.name())};
  const rpc::PermitWalk permits = rpc::WalkPermits(fixture);
  EXPECT_GE(permits.opened, 4);
  EXPECT_GE(permits.refused, 16);
  const rpc::CanaryWalk walk = rpc::WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 300);
  EXPECT_GT(walk.to_owner, 10);
  EXPECT_GT(walk.by_right, 20);
  EXPECT_GT(walk.withheld, 30);
  EXPECT_GT(walk.accesses, 20);
}

TEST_F(MapConfidentialTest, ScopesHoldBothWays) {
  const std::string name = Include(MarkedProject());
  const auto [adopted, returned] = MarkedReviews(name);
  const v1::Report report = MarkedReport(name);
  const v1::Project project = Get(name), draft = Get(Create(MakeProject()));
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  fixture.records = {{name, "projects/77", &project},
                     {draft.name(), "projects/77", &draft},
                     {adopted.name(), "projects/77/reviews/1", &adopted},
                     {returned.name(), "projects/77/reviews/1", &returned},
                     {report.name(), "projects/77/reports/2026q2", &report}};
  // What is not on the map and never was is for its owner and the bodies over it; a rectangle holds
  // what is on the map alone.
  fixture.hides = [&](const rpc::Method& method, const rpc::Caller& caller,
                      const rpc::ScopedRecord& record) {
    if (!method.policy.is_public || record.resource != &draft) return false;
    return absl::EndsWith(method.policy.path, "/ListInBox") ||
           !IsVisible(draft, rpc::Ties::Of(*v1::Project::descriptor())->RolesOver(caller, draft));
  };
  // Only who proposed a review takes it back; what was reached, the body says that answers for the
  // project.
  fixture.may_deny = [](const rpc::Method& method, rpc::Role) {
    const std::string& path = method.policy.path;
    return absl::EndsWith(path, "/WithdrawReview") || absl::EndsWith(path, "/CommissionProject") ||
           absl::EndsWith(path, "/RecordMilestone") || absl::EndsWith(path, "/CorrectMilestone");
  };
  fixture.fill = [](const rpc::Method& method, google::protobuf::Message* request) {
    if (!absl::EndsWith(method.policy.path, "/ListInBox")) return;
    v1::Box& box = *static_cast<v1::ListInBoxRequest*>(request)->mutable_box();
    box.set_south_millionths(-90'000'000);
    box.set_north_millionths(90'000'000);
    box.set_west_millionths(-180'000'000);
    box.set_east_millionths(180'000'000);
  };
  // Reviews and reports have ties of their own, of their day: a list of them is empty to all
  // others, whether the project is there or not.
  fixture.apart = [](const rpc::Method& method, const rpc::ScopedRecord&) {
    return absl::EndsWith(method.policy.path, "/ListReviews") ||
           absl::EndsWith(method.policy.path, "/ListReports");
  };
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.answered, 50);
  EXPECT_GT(walk.outside, 100);
  EXPECT_EQ(walk.alike, walk.outside);
  EXPECT_GT(walk.by_field, 2);
  EXPECT_GT(walk.lists, 20);
}

TEST_F(MapConfidentialTest, BadInputIsRefusedByItsName) {
  const std::string name = Include(MarkedProject());
  const auto [adopted, returned] = MarkedReviews(name);
  const v1::Report report = MarkedReport(name);
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {name, returned.name(), report.name()};
  fixture.bin = kOwnerBin;
  fixture.regions = {"39"};
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 1'000);
  EXPECT_GT(walk.answered, 10);
  EXPECT_GT(walk.outermost, 500);
  EXPECT_GT(walk.taken, 50);
}

}  // namespace
}  // namespace nisi::industry_map
