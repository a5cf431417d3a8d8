// Walks over every method of the service. What is confidential stays so (Art. 6(3)): marked values
// in every confidential field are followed. Who is let in to a record, by its ties. What is badly
// formed is refused by its name, and what is outermost breaks nothing.
#include "common/base/money.h"
#include "common/rpc/bad_input_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/scope_testing.h"
#include "services/clusters/env.h"
#include "services/clusters/service_testing.h"

namespace nisi::clusters {
namespace {

constexpr char kClusterPath[] = "/nisi.clusters.v1.ClustersService/";
constexpr char kSupportPath[] = "/nisi.clusters.v1.ClusterSupportService/";

class ClusterConfidentialTest : public ClustersTest {
 protected:
  v1::Initiative MarkedInitiative(int organization) {
    v1::Initiative initiative = MakeInitiative(organization);
    rpc::PlantCanaries(&initiative);
    return Propose(organization, initiative);
  }
  v1::ClusterReport MarkedReport(const Round& round) {
    v1::SubmitClusterReportRequest submit;
    submit.set_parent(round.cluster);
    submit.mutable_report()->set_year(2025);
    rpc::PlantCanaries(submit.mutable_report());
    return Must<v1::ClusterReport>("SubmitClusterReport", Entity(round.organizations[0]), submit);
  }
  v1::Support SupportNow(const std::string& name) {
    v1::GetSupportRequest get;
    get.set_name(name);
    return Must<v1::Support>("GetSupport", auditor_, get);
  }
  void Notice(const std::string& support, gate::v1::Checkpoint checkpoint) {
    gate::v1::RecordNoticeRequest request;
    request.mutable_notice()->set_number("G-1");
    request.mutable_notice()->set_checkpoint(checkpoint);
    request.mutable_notice()->set_recipient(SupportNow(support).recipient());
    request.mutable_notice()->set_record(support);
    *request.mutable_notice()->mutable_check_date() = today().ToProto();
    request.mutable_notice()->set_verdict(gate::v1::Notice::PASSED);
    Must<gate::v1::Notice>("RecordNotice", institute_, request);
  }
  // Examined, with marked costs, opinion and remarks; the decision holds the sums.
  std::string ExaminedSupport(const Round& round) {
    v1::RequestSupportRequest ask;
    ask.mutable_support()->set_cluster(round.cluster);
    ask.mutable_support()->set_recipient(Bin(round.organizations[0]));
    ask.mutable_support()->set_form(v1::Support::COST_RECOVERY);
    ask.mutable_support()->set_year(2026);
    rpc::PlantCanaries(ask.mutable_support());
    ask.mutable_support()->clear_project();  // of the other purpose
    const std::string name =
        Must<v1::Support>("RequestSupport", Entity(round.organizations[0]), ask).name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    const v1::Support requested = SupportNow(name);
    v1::ExamineSupportRequest examine;
    examine.set_name(name);
    examine.set_etag(requested.etag());
    for (const auto& item : requested.cost_items()) {
      auto* judged = examine.add_items();
      *judged->mutable_accepted() = item.cost();
      judged->mutable_accepted()->set_units(item.cost().units() - 100);
      judged->set_remark("canary-remark");
    }
    examine.set_documents_complete(true);
    examine.set_opinion("canary-opinion");
    Must<v1::Support>("ExamineSupport", examiner_, examine);
    return name;
  }
  v1::DecideSupportRequest Grant(const std::string& name, int64_t tenge) {
    v1::DecideSupportRequest decide;
    decide.set_name(name);
    decide.set_etag(SupportNow(name).etag());
    *decide.mutable_approved_sum() = base::Money::FromTenge(tenge)->ToProto();
    decide.set_programme("programmes/clusters");
    decide.set_order_number("3");
    *decide.mutable_order_date() = today().ToProto();
    return decide;
  }
  v1::Payment PaidOnce(const std::string& name) {
    Must<v1::Support>("DecideSupport", authority_, Grant(name, 700));
    Notice(name, gate::v1::BEFORE_PAYMENT);
    v1::PaySupportRequest pay;
    pay.set_name(name);
    pay.set_etag(SupportNow(name).etag());
    *pay.mutable_amount() = base::Money::FromTenge(300)->ToProto();
    pay.set_order_number("44");
    return Must<v1::Payment>("PaySupport", CallerOf("kassa", {rpc::v1::INSTITUTE_INDUSTRY}), pay);
  }
  void Allocate() {
    budget::v1::AllocateBudgetRequest request;
    request.set_account(absl::StrCat("programmes/clusters/accounts/", today().year()));
    *request.mutable_amount() = base::Money::FromTenge(1'000'000)->ToProto();
    request.set_order_number("1");
    *request.mutable_order_date() = today().ToProto();
    Must<budget::v1::Account>("AllocateBudget", authority_, request);
  }
  template <class Request>
  static std::string Of(const std::string& name) {
    Request request;
    request.set_name(name);
    return request.SerializeAsString();
  }
};

// Decisions say much that is no secret: their secret facts are the sums of other fields. Nor is
// who recorded a return and by which posting: the account says both.
v1::Support WithoutDecisions(v1::Support support) {
  for (auto& back : *support.mutable_returns()) {
    back.clear_recorded_by();
    back.clear_posting();
  }
  support.clear_examination();
  support.clear_decision();
  return support;
}

TEST_F(ClusterConfidentialTest, NoCanaryLeaves) {
  const Round round = Registered();
  Allocate();
  const v1::Initiative adopted = InitiativeNow(round.initiatives[0]);
  const v1::Initiative initiative = MarkedInitiative(round.organizations[0]);
  const v1::ClusterReport report = MarkedReport(round);
  const std::string paid = ExaminedSupport(round), examined = ExaminedSupport(round);
  const v1::Payment payment = PaidOnce(paid);
  v1::RecordReturnRequest back;
  back.set_name(paid);
  back.set_etag(SupportNow(paid).etag());
  *back.mutable_amount() = base::Money::FromTenge(100)->ToProto();
  *back.mutable_pay_date() = today().ToProto();
  back.set_payment_number("canary-number");
  back.set_reason("canary-reason");
  Must<v1::Support>("RecordReturn", institute_, back);
  const v1::Support first = WithoutDecisions(SupportNow(paid)),
                    second = WithoutDecisions(SupportNow(examined));
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {initiative.name(), round.cluster, report.name(), paid,
                     examined,          payment.name()};
  fixture.owner_bin = Bin(round.organizations[0]);
  fixture.regions = {"11"};
  fixture.planted = {&adopted, &initiative, &report, &first, &second};
  v1::DecideSupportRequest too_much = Grant(examined, 1'000'000'000);
  too_much.set_validate_only(true);
  fixture.calls = {
      {absl::StrCat(kClusterPath, "ReplayDecision"), Of<v1::ReplayDecisionRequest>(paid)},
      {absl::StrCat(kClusterPath, "ReplayDecision"), Of<v1::ReplayDecisionRequest>(examined)},
      {absl::StrCat(kClusterPath, "ReplayDecision"), Of<v1::ReplayDecisionRequest>(round.cluster)},
      {absl::StrCat(kSupportPath, "DecideSupport"), too_much.SerializeAsString()}};
  const rpc::PermitWalk permits = rpc::WalkPermits(fixture);
  EXPECT_GE(permits.opened, 6);
  EXPECT_GE(permits.refused, 24);
  const rpc::CanaryWalk walk = rpc::WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 500);
  EXPECT_GT(walk.to_owner, 20);
  EXPECT_GT(walk.by_right, 20);
  EXPECT_GT(walk.withheld, 50);
  EXPECT_GT(walk.accesses, 20);
}

TEST_F(ClusterConfidentialTest, ScopesHoldBothWays) {
  const Round round = Registered();
  Allocate();
  const std::string paid = ExaminedSupport(round);
  PaidOnce(paid);
  const v1::Support support = SupportNow(paid);
  const v1::ClusterReport report = MarkedReport(round);
  const v1::Cluster cluster = ClusterNow(round.cluster);
  // One that is on its way: nothing of it is public.
  const Round open = RoundAt(v1::Selection::SCORING);
  ASSERT_TRUE(ScoreIt(open.applications[0], ExpertOf(1)).ok());
  const v1::Initiative initiative = InitiativeNow(open.initiatives[0]);
  const v1::Application application = ApplicationNow(open.applications[0]);
  const v1::Cluster candidate = ClusterNow(open.cluster);
  v1::GetDiagnosticRequest get;
  get.set_name(initiative.diagnostic());
  const auto diagnostic = Must<v1::Diagnostic>("GetDiagnostic", auditor_, get);
  v1::ListExpertsRequest list;
  list.set_parent(open.selection);
  const v1::Expert expert = Must<v1::ListExpertsResponse>("ListExperts", auditor_, list).experts(0);
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  const std::string absent = open.selection + "/";
  fixture.records = {{cluster.name(), "clusters/77", &cluster},
                     {candidate.name(), "clusters/77", &candidate},
                     {report.name(), "clusters/77/reports/2025", &report},
                     {initiative.name(), "initiatives/00000000000000000000", &initiative},
                     {diagnostic.name(), "diagnostics/00000000000000000000", &diagnostic},
                     {application.name(), absent + "applications/77", &application},
                     {expert.name(), absent + "experts/77", &expert},
                     {support.name(), "supports/00000000000000000000", &support}};
  // Candidates and applications on their way are for those over them.
  fixture.hides = [&](const rpc::Method& method, const rpc::Caller& caller,
                      const rpc::ScopedRecord& record) {
    if (!method.policy.is_public) return false;
    const uint32_t over =
        rpc::Ties::Of(*record.resource->GetDescriptor())->RolesOver(caller, *record.resource);
    constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);
    if (record.resource == &candidate) {
      return !IsInsider(over) && (over & (kEntity | base::RoleBit(rpc::v1::AKIMAT))) == 0;
    }
    if (record.resource == &application) {
      return !IsInsider(over) && (over & (kEntity | base::RoleBit(rpc::v1::EXPERT))) == 0;
    }
    return false;
  };
  // A request for support names a cluster that is public, and is refused by what is wrong with it.
  fixture.apart = [&](const rpc::Method& method, const rpc::ScopedRecord& record) {
    return record.resource == &cluster && absl::EndsWith(method.policy.path, "/RequestSupport");
  };
  // Of its own BIN, for a cluster that is not there: refused as what is not the caller's.
  fixture.may_deny = [](const rpc::Method& method, rpc::Role) {
    return absl::EndsWith(method.policy.path, "/RequestSupport");
  };
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.answered, 100);
  EXPECT_GT(walk.outside, 100);
  EXPECT_EQ(walk.alike, walk.outside);
  EXPECT_GT(walk.lists, 20);
}

TEST_F(ClusterConfidentialTest, BadInputIsRefusedByItsName) {
  const Round round = Registered();
  Allocate();
  const std::string paid = ExaminedSupport(round);
  const v1::Payment payment = PaidOnce(paid);
  const v1::Initiative initiative = MarkedInitiative(round.organizations[0]);
  const v1::ClusterReport report = MarkedReport(round);
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {round.cluster,     round.selection, round.applications[0],
                     initiative.name(), report.name(),   paid,
                     payment.name()};
  fixture.bin = Bin(round.organizations[0]);
  fixture.regions = {"11"};
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 1'000);
  EXPECT_GT(walk.answered, 10);
  EXPECT_GT(walk.outermost, 500);
  EXPECT_GT(walk.taken, 50);
}

}  // namespace
}  // namespace nisi::clusters
