// Walks over every method: who is let in to a record by its ties, and what bad input gets; and the
// database of suppliers away, slow or wrong.
#include "absl/strings/match.h"
#include "common/rpc/bad_input_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/peer_testing.h"
#include "common/rpc/scope_testing.h"
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using base::ReasonOf;
using suppliers::v1::CheckProductionRequest;
using suppliers::v1::CheckProductionResponse;

class RecordsTest : public ContractsTest {
 protected:
  // A contract with one of each kind of record under it.
  std::string Whole() {
    const std::string name = OffTake();
    EXPECT_TRUE(Deliver(name, MakeEntry("100")).ok());
    EXPECT_TRUE(AcceptIt(name, MakeEntry("60")).ok());
    v1::AmendContractRequest amend;
    amend.set_parent(name);
    *amend.mutable_amendment()->add_years() = MakeContract().years(1);
    amend.mutable_amendment()->set_reason("x");
    amend.mutable_amendment()->set_text_sha256(std::string(32, 'a'));
    Must<v1::Amendment>("AmendContract", CustomerOf(1), amend);
    v1::PledgeContractRequest pledge;
    pledge.set_parent(name);
    pledge.mutable_pledge()->set_pledgee(Bin(3));
    pledge.mutable_pledge()->set_agreement_number("1");
    *pledge.mutable_pledge()->mutable_agreement_date() = today().ToProto();
    Must<v1::Pledge>("PledgeContract", supplier_, pledge);
    v1::SubmitMonitoringReportRequest report;
    report.set_parent(name);
    report.mutable_report()->set_year(2026);
    report.mutable_report()->set_progress("x");
    Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, report);
    GoTo(Day("2027-01-10"));
    EXPECT_TRUE(Assess(name, 2026).ok());
    return name;
  }
};

TEST_F(RecordsTest, ScopesHoldBothWays) {
  const std::string name = Whole();
  const v1::Customer customer = Stored(kCustomers, store::Key::Of(Bin(1))).customer();
  const v1::Need need = Stored(kNeeds, store::Key::Of(2026, 1)).need();
  const v1::Proposal proposal = Stored(kProposals, store::Key::Of(2026, 1)).proposal();
  const v1::Contract contract = ContractNow(name);
  const v1::Entry entry = Stored(kEntries, store::Key::Of(name, 1)).entry();
  const v1::Amendment amendment = Stored(kAmendments, store::Key::Of(name, 1)).amendment();
  const v1::Pledge pledge = Stored(kPledges, store::Key::Of(name, 1)).pledge();
  const v1::Assessment assessment = Stored(kAssessments, store::Key::Of(name, 2026)).assessment();
  const v1::Penalty penalty = Stored(kPenalties, store::Key::Of(name, 1)).penalty();
  const v1::MonitoringReport report = Stored(kReports, store::Key::Of(name, 2026)).report();
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  const std::string absent = "contracts/00000000000000000000";
  fixture.records = {{customer.name(), absl::StrCat("customers/", Bin(77)), &customer},
                     {need.name(), "cycles/2026/needs/77", &need},
                     {proposal.name(), "cycles/2026/proposals/77", &proposal},
                     {name, absent, &contract},
                     {entry.name(), absent + "/entries/77", &entry},
                     {amendment.name(), absent + "/amendments/77", &amendment},
                     {pledge.name(), absent + "/pledges/77", &pledge},
                     {assessment.name(), absent + "/assessments/2077", &assessment},
                     {penalty.name(), absent + "/penalties/77", &penalty},
                     {report.name(), absent + "/reports/2077", &report}};
  // Which party a caller is decides beside the tie; a list of a year is of whoever asks.
  fixture.may_deny = [](const rpc::Method&, rpc::Role) { return true; };
  // A pledgee sees the contract, not how it stands; and a BIN is a tie in the role that the
  // contract names it in.
  fixture.hides = [](const rpc::Method& method, const rpc::Caller& caller,
                     const rpc::ScopedRecord& record) {
    if (absl::EndsWith(method.policy.path, "/GetBalance") && caller.bin == Bin(3)) return true;
    if (!absl::StartsWith(record.name, "contracts/")) return false;
    return (caller.Has(rpc::v1::ENTITY) && caller.bin == Bin(1)) ||
           (caller.Has(rpc::v1::CUSTOMER) && caller.bin != Bin(1));
  };
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.inside, 100);
  EXPECT_GT(walk.answered, 30);
  EXPECT_GT(walk.outside, 100);
  EXPECT_EQ(walk.alike, walk.outside);
  EXPECT_GT(walk.lists, 10);
}

// Volumes, prices and all that follows from them.
TEST_F(RecordsTest, NoCanaryOfAContractLeaves) {
  Register(1);
  ToApproved({MakeNeed(1, 1, "1234567")}, 1);
  v1::Contract terms = MakeContract(1, 2026, 2);
  for (int i = 0; i < terms.years_size(); ++i) {
    terms.mutable_years(i)->set_volume(absl::StrCat("77", i, ".125"));
    *terms.mutable_years(i)->mutable_price() = Tenge(rpc::kFirstCanary + i);
  }
  terms.set_price_formula("canary-formula");
  const std::string name = SignedContract(terms);
  ASSERT_TRUE(Deliver(name, MakeEntry("765.375")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("654.375")).ok());
  ASSERT_TRUE(PayIt(name, rpc::kFirstCanary + 5'000).ok());
  v1::AmendContractRequest amend;
  amend.set_parent(name);
  *amend.mutable_amendment()->add_years() = terms.years(1);
  amend.mutable_amendment()->mutable_years(0)->set_volume("775.875");
  amend.mutable_amendment()->set_price_formula("canary-amended");
  amend.mutable_amendment()->set_reason("x");
  amend.mutable_amendment()->set_text_sha256(std::string(32, 'a'));
  Must<v1::Amendment>("AmendContract", CustomerOf(1), amend);
  v1::SubmitMonitoringReportRequest told;
  told.set_parent(name);
  told.mutable_report()->set_year(2026);
  told.mutable_report()->set_progress("canary-progress");
  Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, told);
  GoTo(Day("2027-01-10"));
  ASSERT_TRUE(Assess(name, 2026).ok());
  const v1::Contract contract = ContractNow(name);
  const v1::Entry delivery = Stored(kEntries, store::Key::Of(name, 1)).entry();
  const v1::Entry payment = Stored(kEntries, store::Key::Of(name, 3)).entry();
  const v1::Amendment amendment = Stored(kAmendments, store::Key::Of(name, 1)).amendment();
  const v1::Assessment assessment = Stored(kAssessments, store::Key::Of(name, 2026)).assessment();
  const v1::Penalty penalty = Stored(kPenalties, store::Key::Of(name, 1)).penalty();
  const v1::MonitoringReport report = Stored(kReports, store::Key::Of(name, 2026)).report();
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.owner_bin = Bin(2);
  fixture.records = {
      name,           delivery.name(), payment.name(), amendment.name(), assessment.name(),
      penalty.name(), report.name()};
  fixture.planted = {&contract, &delivery, &payment, &amendment, &assessment, &penalty, &report};
  for (const std::string& record : {name, assessment.name()}) {
    fixture.calls.emplace_back("/nisi.contracts.v1.PlanningService/ReplayDecision",
                               Named<v1::ReplayDecisionRequest>(record).SerializeAsString());
  }
  const rpc::CanaryWalk walk = rpc::WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 250);
  EXPECT_GT(walk.to_owner, 20);
  EXPECT_GT(walk.by_right, 20);
  EXPECT_GT(walk.withheld, 20);
  EXPECT_GT(walk.accesses, 40);
}

// What a customer would pay for what it needs.
TEST_F(RecordsTest, NoCanaryOfANeedLeaves) {
  Register(1);
  Open();
  ASSERT_TRUE(Submit({MakeNeed(1, 1, "3", rpc::kFirstCanary + 7)}).ok());
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  ASSERT_TRUE(Form().ok());
  const v1::Need need = Stored(kNeeds, store::Key::Of(2026, 1)).need();
  const v1::ListItem item = ItemNow(1);
  EXPECT_EQ(item.value().units(), 3 * (rpc::kFirstCanary + 7));
  EXPECT_EQ(item.sole_customer(), Bin(1));
  rpc::CanaryFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.owner_bin = Bin(1);
  fixture.records = {CycleName(2026), need.name(), item.name()};
  fixture.planted = {&need, &item};
  const rpc::CanaryWalk walk = rpc::WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 100);
  EXPECT_GT(walk.to_owner, 3);
  EXPECT_GT(walk.by_right, 3);
  EXPECT_GT(walk.withheld, 10);
}

TEST_F(RecordsTest, BadInputIsRefusedByItsName) {
  const std::string name = Whole();
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {absl::StrCat("customers/", Bin(1)),
                     CycleName(2026),
                     NeedName(2026, 1),
                     ItemName(2026, 1),
                     ProposalName(2026, 1),
                     PublicationName(2026, 1),
                     name,
                     ChildName(name, "entries", 1),
                     ChildName(name, "amendments", 1),
                     ChildName(name, "pledges", 1),
                     ChildName(name, "assessments", 2026),
                     ChildName(name, "penalties", 1),
                     ChildName(name, "reports", 2026)};
  fixture.bin = Bin(1);
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 1'500);
  EXPECT_GT(walk.answered, 20);
  EXPECT_GT(walk.outermost, 500);
  EXPECT_GT(walk.taken, 50);
  ExpectSound();
}

// ---- The database of suppliers

constexpr char kCheckProduction[] = "/nisi.suppliers.v1.SuppliersService/CheckProduction";

class SwitchedSources final : public Sources {
 public:
  absl::StatusOr<std::map<std::string, Made>> Production(const rpc::Call& call,
                                                         const std::set<std::string>& codes,
                                                         base::Date day) override {
    return now->Production(call, codes, day);
  }
  std::unique_ptr<Sources> now;
};

class DependencyTest : public ContractsTest {
 protected:
  std::unique_ptr<Sources> MakeSources() override {
    auto switched = std::make_unique<SwitchedSources>();
    switched_ = switched.get();
    Play([](rpc::PlayedPeer&) {}, nullptr);
    return switched;
  }
  // The database, well but for what `strike` does to it or `spoil` to its answer.
  void Play(const std::function<void(rpc::PlayedPeer&)>& strike,
            std::function<void(CheckProductionResponse*)> spoil) {
    auto database = std::make_unique<rpc::PlayedPeer>();
    database->On<CheckProductionRequest, CheckProductionResponse>(
        kCheckProduction,
        [spoil = std::move(spoil)](
            const CheckProductionRequest& request) -> absl::StatusOr<CheckProductionResponse> {
          CheckProductionResponse response;
          for (const std::string& code : request.ens_tru()) {
            auto* result = response.add_results();
            result->set_ens_tru(code);
            if (code != Code(2)) continue;
            result->set_made(true);
            result->set_source("evidence/7");
            result->set_version("v7");
            *result->mutable_since() = Day("2020-01-01").ToProto();
          }
          *response.mutable_on_date() = request.on_date();
          response.set_position(42);
          if (spoil != nullptr) spoil(&response);
          return response;
        });
    strike(*database);
    rpc::PeerLimits limits = rpc::WithoutPauses();
    limits.longest = absl::Milliseconds(20);
    auto peers = rpc::MakePeers("contracts", &peer_metrics_, limits);
    peers->SetHere("suppliers", database->take());
    switched_->now = AskSuppliers(peers.get());
    peers_.push_back(std::move(peers));
    databases_.push_back(std::move(database));
  }
  std::string WhyNotAnswered(const absl::Status& status) {
    EXPECT_EQ(ReasonOf(status), "DEPENDENCY_NOT_ANSWERED") << status;
    const auto info = base::InfoOf(status);
    const auto why = info.metadata().find("why");
    return why == info.metadata().end() ? "" : why->second;
  }

 private:
  SwitchedSources* switched_ = nullptr;
  rpc::Metrics peer_metrics_{"contracts"};
  std::vector<std::unique_ptr<rpc::PlayedPeer>> databases_;
  std::vector<std::unique_ptr<rpc::Peers>> peers_;
};

TEST_F(DependencyTest, NothingIsFormedOnNoAnswer) {
  Register(1);
  Open();
  ASSERT_TRUE(Submit({MakeNeed(1, 1), MakeNeed(1, 2)}).ok());
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  const int64_t before = position();
  auto request = Named<v1::FormListRequest>(CycleName(2026));
  request.set_request_id(NextUuid());
  const auto form = [&] { return Do<v1::Cycle>("FormList", former_, request).status(); };
  Play([](rpc::PlayedPeer& peer) { peer.SetSilent(true); }, nullptr);
  EXPECT_EQ(WhyNotAnswered(form()), "TOO_SLOW");
  const std::function<void(CheckProductionResponse*)> kSpoilt[] = {
      [](CheckProductionResponse* said) { *said->mutable_on_date() = Day("2026-03-01").ToProto(); },
      [](CheckProductionResponse* said) { said->mutable_results()->RemoveLast(); },
      [](CheckProductionResponse* said) { said->mutable_results(0)->set_ens_tru(Code(9)); },
      [](CheckProductionResponse* said) {
        *said->mutable_results(1)->mutable_since() = Day("2026-03-03").ToProto();
      },
      [](CheckProductionResponse* said) { said->mutable_results(1)->clear_source(); },
      [](CheckProductionResponse* said) { said->mutable_results(1)->clear_since(); }};
  for (const auto& spoil : kSpoilt) {
    Play([](rpc::PlayedPeer&) {}, spoil);
    EXPECT_EQ(WhyNotAnswered(form()), "WRONG_ANSWER");
  }
  EXPECT_EQ(position(), before);
  // The same request is answered once the database is, with what it said and by which record.
  Play([](rpc::PlayedPeer&) {}, nullptr);
  ASSERT_TRUE(form().ok());
  EXPECT_EQ(ItemNow(1).contract_type(), v1::OFF_TAKE);
  const v1::ListItem made = ItemNow(2);
  EXPECT_EQ(made.contract_type(), v1::CONTRACT_PROCUREMENT);
  const auto& facts = made.production().findings(0).facts();
  EXPECT_EQ(facts[2].source(), "suppliers/evidence/7");
  EXPECT_EQ(facts[2].version(), "v7");
  Play([](rpc::PlayedPeer& peer) { peer.SetSilent(true); }, nullptr);
  EXPECT_TRUE(form().ok()) << "a retry asks nobody again";
}

// Nobody knows where the database is.
TEST_F(DependencyTest, WithoutAnAddressNothingIsAsked) {
  const auto nobody = AskSuppliers(nullptr);
  const rpc::Method& method = MethodOf("FormList");
  const rpc::Call call = MakeCall(method, former_);
  const auto answer = nobody->Production(call, {Code(1)}, today());
  EXPECT_EQ(WhyNotAnswered(answer.status()), "NO_ADDRESS");
}

}  // namespace
}  // namespace nisi::contracts
