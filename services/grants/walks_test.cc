// Who sees what: no confidential value leaves but to whom it may, and what is hidden and what is
// not there are the same.
#include "common/rpc/bad_input_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/scope_testing.h"
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

// One record of each type with confidential fields, all of one owner, filled by the test.
struct Planted {
  ApplicationRow application;
  AgreementRow agreement;
  PaymentRow payment;
  MonitoringReportRow report;
  DemandRow demand;
  CompetitivenessAgreementRow competitiveness;
};

class WalksTest : public GrantsTest {
 protected:
  void SetUp() override {
    GrantsTest::SetUp();
    OpenProgramme(1'000'000);
  }
  Planted Plant(bool canaries) {
    Planted planted;
    Application& application = *planted.application.mutable_application();
    application = MakeApplication(1);
    application.set_name("applications/a1");
    application.set_state(Application::EXAMINATION);
    *application.mutable_submit_date() = today().ToProto();
    application.add_expert_subjects("expert-1");
    Agreement& agreement = *planted.agreement.mutable_agreement();
    agreement.set_name("agreements/a1");
    agreement.set_application(application.name());
    agreement.set_recipient(Bin(1));
    agreement.set_programme(kGrants);
    *agreement.mutable_obligations_until() = Day("2030-12-31").ToProto();
    planted.payment.set_agreement(agreement.name());
    planted.payment.set_number(1);
    planted.payment.mutable_payment()->set_name("agreements/a1/payments/1");
    planted.payment.mutable_payment()->set_recipient(Bin(1));
    planted.report.set_agreement(agreement.name());
    v1::MonitoringReport& report = *planted.report.mutable_report();
    report.set_name("agreements/a1/reports/2026h1");
    report.set_recipient(Bin(1));
    report.set_year(2026);
    report.set_half(1);
    Demand& demand = *planted.demand.mutable_demand();
    demand.set_name("demands/a1");
    demand.set_agreement(agreement.name());
    demand.set_recipient(Bin(1));
    demand.set_state(Demand::ISSUED);
    *demand.mutable_demand_date() = today().ToProto();
    CompetitivenessAgreement& other = *planted.competitiveness.mutable_agreement();
    other.set_name("competitiveness/c1");
    other.set_entity(Bin(1));
    other.set_state(CompetitivenessAgreement::OFFERED);
    *other.mutable_until() = Day("2027-12-31").ToProto();
    if (canaries) {
      for (google::protobuf::Message* resource : Resources(&planted)) {
        rpc::PlantCanaries(resource, /*with_output_only=*/true);
      }
    }
    const auto written = store().Write(
        {.actor = "test", .method = "test"}, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
          RETURN_IF_ERROR(tx.Put(kApplications, &planted.application));
          RETURN_IF_ERROR(tx.Put(kAgreements, &planted.agreement));
          RETURN_IF_ERROR(tx.Put(kPayments, &planted.payment));
          RETURN_IF_ERROR(tx.Put(kReports, &planted.report));
          RETURN_IF_ERROR(tx.Put(kDemands, &planted.demand));
          RETURN_IF_ERROR(tx.Put(kCompetitiveness, &planted.competitiveness));
          return "";
        });
    EXPECT_TRUE(written.ok()) << written.status();
    return planted;
  }
  static std::vector<google::protobuf::Message*> Resources(Planted* planted) {
    return {
        planted->application.mutable_application(), planted->agreement.mutable_agreement(),
        planted->payment.mutable_payment(),         planted->report.mutable_report(),
        planted->demand.mutable_demand(),           planted->competitiveness.mutable_agreement()};
  }
};

TEST_F(WalksTest, NoCanaryLeaves) {
  Planted planted = Plant(/*canaries=*/true);
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.owner_bin = Bin(1);
  for (google::protobuf::Message* resource : Resources(&planted)) {
    fixture.planted.push_back(resource);
    const auto* name = resource->GetDescriptor()->FindFieldByName("name");
    fixture.records.push_back(resource->GetReflection()->GetString(*resource, name));
  }
  const rpc::CanaryWalk walk = rpc::WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 250);
  EXPECT_GT(walk.to_owner, 20);
  EXPECT_GT(walk.by_right, 20);
  EXPECT_GE(walk.withheld, 20);
  EXPECT_GE(walk.accesses, 20);
}

TEST_F(WalksTest, WhatIsHiddenAndWhatIsNotThereAreTheSame) {
  Planted planted = Plant(/*canaries=*/false);
  Examination examination;
  examination.set_expert_subject("expert-1");
  Commission commission;
  commission.add_member_subjects("member-1");
  v1::UnreliableRecipient listed;
  listed.set_recipient(Bin(1));
  v1::Debt debt;
  debt.set_recipient(Bin(1));
  const auto written = store().Write({.actor = "test", .method = "test"},
                                     [&](store::Tx& tx) -> absl::StatusOr<std::string> {
                                       ExaminationRow row;
                                       row.set_application("applications/a1");
                                       row.set_number(1);
                                       examination.set_name("applications/a1/examinations/1");
                                       *row.mutable_examination() = examination;
                                       RETURN_IF_ERROR(tx.Put(kExaminations, &row));
                                       CommissionRow meeting;
                                       meeting.set_number(1);
                                       commission.set_name("commissions/1");
                                       commission.set_application("applications/a1");
                                       commission.set_state(Commission::OPEN);
                                       *meeting.mutable_commission() = commission;
                                       RETURN_IF_ERROR(tx.Put(kCommissions, &meeting));
                                       UnreliableRecipientRow entry;
                                       entry.set_number(1);
                                       listed.set_name("unreliable/1");
                                       listed.set_list(v1::UnreliableRecipient::UNRELIABLE);
                                       *entry.mutable_recipient() = listed;
                                       RETURN_IF_ERROR(tx.Put(kUnreliable, &entry));
                                       DebtRow owed;
                                       owed.set_number(1);
                                       debt.set_name("debts/1");
                                       debt.set_source("export-refunds");
                                       debt.set_record("claims/1");
                                       *owed.mutable_debt() = debt;
                                       RETURN_IF_ERROR(tx.Put(kDebts, &owed));
                                       return "";
                                     });
  ASSERT_TRUE(written.ok()) << written.status();
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  fixture.records = {
      {"applications/a1", "applications/a9", &planted.application.application()},
      {"applications/a1/examinations/1", "applications/a1/examinations/9", &examination},
      {"commissions/1", "commissions/9", &commission},
      {"agreements/a1", "agreements/a9", &planted.agreement.agreement()},
      {"agreements/a1/payments/1", "agreements/a1/payments/9", &planted.payment.payment()},
      {"agreements/a1/reports/2026h1", "agreements/a1/reports/2026h2", &planted.report.report()},
      {"demands/a1", "demands/a9", &planted.demand.demand()},
      {"competitiveness/c1", "competitiveness/c9", &planted.competitiveness.agreement()},
      {"unreliable/1", "unreliable/9", &listed},
      {"debts/1", "debts/9", &debt}};
  // The steps of a case, by state: machine_test.cc has who may take which.
  fixture.may_deny = [](const rpc::Method&, rpc::Role) { return true; };
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.answered, 50);
  EXPECT_GT(walk.outside, 40);
  EXPECT_EQ(walk.alike, walk.outside);
  EXPECT_GT(walk.lists, 40);
}

TEST_F(WalksTest, BadInputIsRefusedByItsName) {
  Planted planted = Plant(/*canaries=*/false);
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.bin = Bin(1);
  for (google::protobuf::Message* resource : Resources(&planted)) {
    const auto* name = resource->GetDescriptor()->FindFieldByName("name");
    fixture.records.push_back(resource->GetReflection()->GetString(*resource, name));
  }
  fixture.records.emplace_back(kGrants);
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 1'000);
  EXPECT_GT(walk.answered, 10);
  EXPECT_GT(walk.outermost, 500);
  EXPECT_GT(walk.taken, 50);
}

}  // namespace
}  // namespace nisi::grants
