// Walks over every method of the service. What is confidential stays so (Art. 6(3)): marked values
// in every confidential field are followed. Who is let in to a record, by its ties. What is badly
// formed is refused by its name, and what is outermost breaks nothing.
#include "common/rpc/bad_input_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/scope_testing.h"
#include "services/suppliers/env.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

class ConfidentialTest : public SuppliersTest {
 protected:
  // A supplier in the public register that a person let in: every confidential field is set, and
  // the decision holds the reason.
  v1::Supplier Marked(const std::string& bin) {
    const rpc::Caller owner = Owner(bin, "registrar");
    v1::RegisterSupplierRequest create;
    *create.mutable_supplier() = MakeSupplier(bin);
    rpc::PlantCanaries(create.mutable_supplier());
    create.mutable_supplier()->mutable_finance()->set_year(2025);  // one whose norms are known
    Must<v1::Supplier>("RegisterSupplier", owner, create);
    v1::SubmitSupplierRequest submit;
    submit.set_name("suppliers/" + bin);
    Must<v1::Supplier>("SubmitSupplier", owner, submit);
    LetAsk();
    Must<v1::Supplier>("VerifySupplier", CallerOf("verifier", {rpc::v1::INSTITUTE_LOCAL_CONTENT}),
                       Answers(bin, /*satisfied=*/false));
    v1::ReviewSupplierRequest review;
    review.set_name("suppliers/" + bin);
    review.set_etag(Get(bin, auditor_)->etag());
    review.set_verdict(v1::ReviewSupplierRequest::ACCEPT);
    review.set_reason("canary-reason");
    Must<v1::Supplier>("ReviewSupplier", CallerOf("reviewer", {rpc::v1::INSTITUTE_LOCAL_CONTENT}),
                       review);
    v1::Supplier supplier = *Get(bin, auditor_);
    EXPECT_EQ(supplier.state(), v1::Supplier::ACTIVE);
    EXPECT_TRUE(supplier.has_decision());
    supplier.clear_decision();  // says much that is no secret; the reason is in it
    // The journal names who acted, to those who read it.
    supplier.clear_registered_by();
    supplier.clear_verified_by();
    supplier.clear_decided_by();
    return supplier;
  }
  v1::Evidence MarkedEvidence(const std::string& bin, const std::string& number, bool revoked) {
    v1::AddEvidenceRequest add;
    *add.mutable_evidence() = MakeEvidence(bin, number, 5'000);
    v1::Evidence evidence = Must<v1::Evidence>("AddEvidence", Owner(bin, "adder"), add);
    const std::string name = evidence.name();
    v1::ConfirmEvidenceRequest confirm;
    confirm.set_name(name);
    confirm.set_etag(evidence.etag());
    const rpc::Caller decider = CallerOf("confirmer", {rpc::v1::INSTITUTE_LOCAL_CONTENT});
    Must<v1::Evidence>("ConfirmEvidence", decider, confirm);
    if (revoked) {
      v1::RevokeEvidenceRequest revoke;
      revoke.set_name(name);
      revoke.set_reason("canary-void");
      Must<v1::Evidence>("RevokeEvidence", decider, revoke);
    }
    v1::GetEvidenceRequest get;
    get.set_name(name);
    evidence = Must<v1::Evidence>("GetEvidence", auditor_, get);
    evidence.clear_added_by();
    evidence.clear_decided_by();
    return evidence;
  }
  // A request for a subcontractor of `customer`, and what `bin` answers.
  v1::Response MarkedResponse(const std::string& customer, const std::string& bin) {
    v1::CreateDemandRequest demand;
    demand.mutable_demand()->set_customer_bin(customer);
    demand.mutable_demand()->set_kind(v1::GOOD);
    demand.mutable_demand()->set_ens_tru(kCode);
    demand.mutable_demand()->set_name_ru("Клапаны");
    demand.mutable_demand()->set_unit("pcs");
    demand.mutable_demand()->set_quantity("5");
    demand.mutable_demand()->set_first_year(2027);
    demand.mutable_demand()->set_years(1);
    v1::RespondToDemandRequest respond;
    respond.set_parent(Must<v1::Demand>("CreateDemand", Owner(customer), demand).name());
    respond.mutable_response()->set_bin(bin);
    respond.mutable_response()->add_offers(Offered(MakeOffer(bin)).name());
    respond.mutable_response()->set_quantity("5");
    rpc::PlantCanaries(respond.mutable_response());
    return Must<v1::Response>("RespondToDemand", Owner(bin), respond);
  }
  v1::ProcurementReport MarkedReport(const std::string& bin) {
    v1::AddMonitoredOrganizationRequest monitor;
    monitor.mutable_organization()->set_bin(bin);
    monitor.mutable_organization()->set_name_ru("АО Заказчик");
    monitor.mutable_organization()->set_kato("751110000");
    monitor.mutable_organization()->set_order_number("9-НҚ");
    *monitor.mutable_organization()->mutable_order_date() = today().ToProto();
    monitored_ = Must<v1::MonitoredOrganization>("AddMonitoredOrganization", authority_, monitor);
    v1::SubmitProcurementReportRequest file;
    file.set_parent("monitored/" + bin);
    file.mutable_report()->set_stage(v1::ProcurementReport::PLAN);
    *file.mutable_report()->mutable_period_from() = today().ToProto();
    *file.mutable_report()->mutable_period_to() = today().ToProto();
    file.mutable_report()->set_part(1);
    auto* line = file.mutable_report()->add_lines();
    line->set_number(1);
    line->set_kind(v1::GOOD);
    line->set_ens_tru(kCode);
    line->set_title("canary-line");
    line->mutable_amount()->set_currency_code("KZT");
    line->mutable_amount()->set_units(rpc::kFirstCanary + 555);
    line->set_supplier_bin(Bin(4'444));
    v1::ProcurementReport report = Must<v1::ProcurementReport>(
        "SubmitProcurementReport", CallerOf("filer", {rpc::v1::CUSTOMER}, bin), file);
    report.mutable_lines(0)->clear_ens_tru();  // of the register of offers, too
    report.clear_submitted_by();
    return report;
  }

  v1::MonitoredOrganization monitored_;
};

TEST_F(ConfidentialTest, NoCanaryLeaves) {
  const std::string bin = Bin(1);
  const v1::Supplier supplier = Marked(bin);
  const v1::Evidence good = MarkedEvidence(bin, "1", false),
                     revoked = MarkedEvidence(bin, "2", true);
  const v1::Response response = MarkedResponse(Bin(3), bin);
  const v1::ProcurementReport report = MarkedReport(bin);
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {supplier.name(), good.name(),        "demands/1",  response.name(),
                     "offers/1",      "monitored/" + bin, report.name()};
  fixture.owner_bin = bin;
  fixture.regions = {"75"};
  fixture.planted = {&supplier, &revoked, &response, &report};
  v1::ComputeInCountryValueRequest compute;
  compute.set_parent("monitored/" + bin);
  compute.set_stage(v1::ProcurementReport::PLAN);
  *compute.mutable_period_from() = today().ToProto();
  *compute.mutable_period_to() = today().ToProto();
  v1::GetEvidenceRequest get;
  get.set_name(revoked.name());
  v1::ReplayEvidenceDecisionRequest replay;
  replay.set_name(revoked.name());
  replay.set_revocation(true);
  const std::string service = "/nisi.suppliers.v1.SuppliersService/";
  fixture.calls = {{service + "ComputeInCountryValue", compute.SerializeAsString()},
                   {service + "GetEvidence", get.SerializeAsString()},
                   {service + "ReplayEvidenceDecision", replay.SerializeAsString()}};
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

TEST_F(ConfidentialTest, ScopesHoldBothWays) {
  const std::string bin = Bin(1), customer = Bin(3), draft_bin = Bin(5);
  const v1::Supplier active = Marked(bin);
  const v1::Evidence evidence = MarkedEvidence(bin, "1", false);
  const v1::Response response = MarkedResponse(customer, bin);
  const v1::ProcurementReport report = MarkedReport(customer);
  const v1::Supplier draft = *Register(draft_bin);
  v1::AddEvidenceRequest add;
  *add.mutable_evidence() = MakeEvidence(draft_bin, "7", 5'000);
  const auto added = Must<v1::Evidence>("AddEvidence", Owner(draft_bin), add);
  const v1::Offer hidden = Offered(MakeOffer(draft_bin));
  v1::SubscribeRequest subscribe;
  subscribe.mutable_subscription()->set_bin(bin);
  const auto subscription = Must<v1::Subscription>("Subscribe", Owner(bin), subscribe);
  v1::GetDemandRequest get;
  get.set_name("demands/1");
  const auto demand = Must<v1::Demand>("GetDemand", public_, get);
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  const std::string absent = Bin(77);
  fixture.records = {{active.name(), "suppliers/" + absent, &active},
                     {draft.name(), "suppliers/" + absent, &draft},
                     {evidence.name(), "evidence/77", &evidence},
                     {added.name(), "evidence/77", &added},
                     {hidden.name(), "offers/77", &hidden},
                     {demand.name(), "demands/77", &demand},
                     {response.name(), "demands/1/responses/" + absent, &response},
                     {subscription.name(), "subscriptions/77", &subscription},
                     {monitored_.name(), "monitored/" + absent, &monitored_},
                     {report.name(), "procurement_reports/77", &report}};
  // What is not in the public register is for insiders over it, a subscription for its subscriber
  // and auditors.
  fixture.hides = [&](const rpc::Method& method, const rpc::Caller& caller,
                      const rpc::ScopedRecord& record) {
    const bool is_hidden =
        record.resource == &draft || record.resource == &added || record.resource == &hidden;
    const uint32_t over =
        rpc::Ties::Of(*record.resource->GetDescriptor())->RolesOver(caller, *record.resource);
    if (record.resource == &subscription) {
      return (over & (base::RoleBit(rpc::v1::ENTITY) | base::RoleBit(rpc::v1::CUSTOMER) |
                      base::RoleBit(rpc::v1::AUDITOR))) == 0;
    }
    return method.policy.is_public && is_hidden && (over & kInsiders) == 0;
  };
  // Whoever asked is tied to an answer, too, and does not take it back. What is added to a supplier
  // or demand that is not there is refused as what is not the caller's.
  fixture.may_deny = [](const rpc::Method& method, rpc::Role) {
    const std::string& path = method.policy.path;
    return absl::EndsWith(path, "/WithdrawResponse") || absl::EndsWith(path, "/RespondToDemand") ||
           absl::EndsWith(path, "/AddEvidence");
  };
  // Everybody may answer a demand, and finds its own answer in the list.
  fixture.apart = [&](const rpc::Method& method, const rpc::ScopedRecord& record) {
    return record.resource == &demand && (absl::EndsWith(method.policy.path, "/RespondToDemand") ||
                                          absl::EndsWith(method.policy.path, "/ListResponses"));
  };
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.answered, 100);
  EXPECT_GT(walk.outside, 100);
  EXPECT_EQ(walk.alike, walk.outside);
  EXPECT_GT(walk.by_field, 10);
  EXPECT_GT(walk.lists, 20);
}

TEST_F(ConfidentialTest, BadInputIsRefusedByItsName) {
  const std::string bin = Bin(1);
  const v1::Supplier supplier = Marked(bin);
  const v1::Evidence evidence = MarkedEvidence(bin, "1", false);
  const v1::Response response = MarkedResponse(Bin(3), bin);
  const v1::ProcurementReport report = MarkedReport(bin);
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {supplier.name(), evidence.name(),   "demands/1",  response.name(),
                     "offers/1",      monitored_.name(), report.name()};
  fixture.bin = bin;
  fixture.regions = {"75"};
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 1'000);
  EXPECT_GT(walk.answered, 10);
  EXPECT_GT(walk.outermost, 500);
  EXPECT_GT(walk.taken, 50);
}

}  // namespace
}  // namespace nisi::suppliers
