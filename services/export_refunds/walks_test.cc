// Walks over every method: what is confidential stays so (Art. 6(3)), and who is let in to a claim
// by its ties.
#include "common/rpc/bad_input_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/scope_testing.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

class RefundsConfidentialTest : public RefundsTest {
 protected:
  // A claim with marked values in what its claimant writes, brought to the review with remarks.
  std::string MarkedClaim(int n) {
    v1::CreateClaimRequest create;
    *create.mutable_claim() = MakeClaim(n);
    rpc::PlantCanaries(create.mutable_claim());
    *create.mutable_claim()->mutable_export_volumes() = MakeClaim(n).export_volumes();
    const std::string name = Must<v1::Claim>("CreateClaim", Entity(n), create).name();
    v1::Expense expense = MakeExpense();
    rpc::PlantCanaries(&expense);
    // What has a form of its own.
    const v1::Expense plain = MakeExpense();
    *expense.mutable_contract_date() = plain.contract_date();
    *expense.mutable_invoice_date() = plain.invoice_date();
    *expense.mutable_payment_date() = plain.payment_date();
    expense.set_country("DE");
    expense.set_issuer_country("DE");
    expense.set_exchange_units(100);
    expense.set_currency("EUR");
    expense.set_amount("304050.607");
    expense.set_exchange_rate("481.073");
    expense.set_reimbursed_before(false);
    const auto added = Add(name, n, {expense});
    EXPECT_TRUE(added.ok()) << added.status();
    const auto done = Sign(name, Entity(n));
    EXPECT_TRUE(done.ok()) << done.status();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    EXPECT_TRUE(Start(name).ok());
    auto remark = Of<v1::DecidePartRequest>(name);
    remark.set_part(v1::LEGAL);
    remark.set_verdict(v1::PartReview::REMARKS);
    remark.set_reason("canary-of-a-part");
    remark.add_remarks()->set_field("expenses/1.invoice_number");
    remark.mutable_remarks(0)->set_text("canary-of-a-remark");
    EXPECT_TRUE(Do<v1::Claim>("DecidePart", examiner_, remark).ok());
    return name;
  }
  template <class Request>
  static std::string Named(const std::string& name) {
    Request request;
    request.set_name(name);
    return request.SerializeAsString();
  }
};

// Decisions say much that is no secret: their secret facts are the sums of other fields.
v1::Claim WithoutDecisions(v1::Claim claim) {
  claim.clear_admission();
  claim.clear_calculation();
  // The journal says who did what: that is no secret of the claimant's.
  for (auto& part : *claim.mutable_parts()) part.clear_decided_by();
  return claim;
}
v1::Expense WithoutDecisions(v1::Expense expense) {
  expense.clear_examination();
  expense.clear_line();
  return expense;
}

TEST_F(RefundsConfidentialTest, NoCanaryLeaves) {
  ListInForce();
  Allocate(1'000'000'000);
  const std::string name = MarkedClaim(1);
  // Another, paid, with a report.
  const std::string paid = Monitored(1, {MakeExpense()});
  GoTo(Day("2025-02-01"));
  v1::SubmitExportReportRequest submit;
  submit.set_parent(paid);
  submit.mutable_report()->set_year(2024);
  rpc::PlantCanaries(submit.mutable_report());
  submit.mutable_report()->set_volume("304050.999");
  const auto report = Must<v1::ExportReport>("SubmitExportReport", Entity(1), submit);
  const v1::Claim claim = WithoutDecisions(Now(name));
  const v1::Expense expense = WithoutDecisions(ExpenseNow(name, 1));
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {name, expense.name(), paid, report.name()};
  fixture.owner_bin = Bin(1);
  fixture.planted = {&claim, &expense, &report};
  constexpr char kPath[] = "/nisi.export_refunds.v1.ExportRefundsService/";
  fixture.calls = {
      {absl::StrCat(kPath, "ReplayDecision"), Named<v1::ReplayDecisionRequest>(name)},
      {absl::StrCat(kPath, "ReplayExpense"), Named<v1::ReplayExpenseRequest>(expense.name())},
      {absl::StrCat(kPath, "CalculateClaim"), Named<v1::CalculateClaimRequest>(name)}};
  const rpc::PermitWalk permits = rpc::WalkPermits(fixture);
  EXPECT_GE(permits.opened, 4);
  EXPECT_GE(permits.refused, 16);
  const rpc::CanaryWalk walk = rpc::WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 100);
  EXPECT_GT(walk.to_owner, 5);
  EXPECT_GT(walk.by_right, 5);
  EXPECT_GT(walk.withheld, 5);
  EXPECT_GT(walk.accesses, 5);
}

TEST_F(RefundsConfidentialTest, ScopesHoldBothWays) {
  ListInForce();
  Allocate(1'000'000'000);
  const std::string name = Monitored(1, {MakeExpense()});
  GoTo(Day("2025-02-01"));
  const auto report = Report(name, Entity(1), 2024, "5");
  ASSERT_TRUE(report.ok());
  const v1::Claim claim = Now(name);
  const v1::Expense expense = ExpenseNow(name, 1);
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  const std::string absent = "claims/00000000000000000000";
  fixture.records = {{name, absent, &claim},
                     {expense.name(), absent + "/expenses/77", &expense},
                     {report->name(), absent + "/reports/2024", &*report}};
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.inside, 30);
  EXPECT_GT(walk.outside, 15);
  EXPECT_EQ(walk.alike, walk.outside);
  EXPECT_GT(walk.by_field, 0);
  EXPECT_GT(walk.lists, 3);
}

TEST_F(RefundsConfidentialTest, BadInputIsRefusedByItsName) {
  ListInForce();
  Allocate(1'000'000'000);
  const std::string draft = Drafted(1);
  ASSERT_TRUE(Add(draft, 1, {MakeExpense(), MakeExpense()}).ok());
  const std::string paid = Monitored(1, {MakeExpense()});
  GoTo(Day("2025-02-01"));
  const auto report = Report(paid, Entity(1), 2024, "5");
  ASSERT_TRUE(report.ok());
  const std::string list = DraftList({Good("8504", v1::HIGH)});
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {draft, ExpenseName(draft, 1),  report->name(),
                     list,  list + "/entries/8504", "programmes/export-refunds/accounts/2024"};
  fixture.bin = Bin(1);
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 1'000);
  EXPECT_GT(walk.answered, 10);
  EXPECT_GT(walk.outermost, 500);
  EXPECT_GT(walk.taken, 50);
  ExpectSound();
}

}  // namespace
}  // namespace nisi::export_refunds
