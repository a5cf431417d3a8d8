// A contract from its plan to its end: who may do what, what years come to, and what may not be.
#include <functional>

#include "absl/strings/str_join.h"
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;
using State = v1::Contract;

class ContractTest : public ContractsTest {
 protected:
  std::string Stands(const std::string& contract, size_t year = 0,
                     std::optional<base::Date> as_of = std::nullopt) {
    const v1::YearBalance balance = BalanceOf(contract, as_of).years(static_cast<int>(year));
    return absl::StrCat(balance.delivered(), " ", balance.accepted(), " ", balance.paid().units(),
                        " ", balance.shortfall());
  }
};

TEST_F(ContractTest, IsConcludedOnAnApprovedGoodByBoth) {
  Register(1);
  ToApproved({MakeNeed(1, 1), MakeNeed(1, 2)}, 1);
  EXPECT_EQ(ReasonOf(Plan(MakeContract(2)).status()), "ITEM_NOT_APPROVED");
  EXPECT_EQ(ReasonOf(Plan(MakeContract(9)).status()), "ITEM_NOT_APPROVED");
  EXPECT_EQ(ReasonOf(Plan(MakeContract(1, 2025)).status()), "YEARS_INVALID");
  v1::Contract twice = MakeContract();
  twice.mutable_years(1)->set_year(2026);
  EXPECT_EQ(ReasonOf(Plan(twice).status()), "YEARS_INVALID");
  v1::Contract own = MakeContract();
  own.set_supplier(Bin(1));
  EXPECT_EQ(ReasonOf(Plan(own).status()), "SAME_PARTIES");
  v1::Contract foreign = MakeContract();
  foreign.set_customer(Bin(9));
  EXPECT_EQ(ReasonOf(Plan(foreign).status()), "ACCESS_DENIED");
  const auto planned = Plan(MakeContract());
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_EQ(planned->type(), v1::OFF_TAKE);
  EXPECT_EQ(planned->good().ens_tru(), Code(1));
  EXPECT_EQ(planned->sum().units(), 300'000);
  // The customer's BIN in the role of an entity is not its supplier.
  const rpc::Caller both = CallerOf("both", {rpc::v1::ENTITY}, Bin(1));
  EXPECT_EQ(ReasonOf(Sign(planned->name(), both).status()), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(Sign(planned->name(), stranger_).status()), "ACCESS_DENIED");
  auto other = Named<v1::SignContractRequest>(planned->name());
  other.set_text_sha256(std::string(32, 'x'));
  other.set_etag(planned->etag());
  EXPECT_EQ(Why<v1::Contract>("SignContract", supplier_, other), "TEXT_DIFFERS");
  EXPECT_EQ(Sign(planned->name(), CustomerOf(1))->state(), State::PLANNED);
  EXPECT_EQ(ReasonOf(Sign(planned->name(), CustomerOf(1)).status()), "SIGNED_ALREADY");
  // A change takes the signature away.
  v1::UpdateContractRequest update;
  update.mutable_contract()->set_name(planned->name());
  update.mutable_contract()->set_price_formula("Медь на ЛБМ");
  update.mutable_update_mask()->add_paths("price_formula");
  auto read_before = Named<v1::SignContractRequest>(planned->name());
  read_before.set_text_sha256(planned->text_sha256());
  const auto blind = Do<v1::Contract>("SignContract", supplier_, read_before);
  EXPECT_EQ(blind.status().code(), absl::StatusCode::kInvalidArgument)
      << "what is signed is a version of the terms";
  read_before.set_etag(ContractNow(planned->name()).etag());
  EXPECT_EQ(Must<v1::Contract>("UpdateContract", CustomerOf(1), update).signatures_size(), 0);
  EXPECT_EQ(Why<v1::Contract>("SignContract", supplier_, read_before), "VERSION_MISMATCH")
      << "other terms under the same text";
  ASSERT_TRUE(Sign(planned->name(), supplier_).ok());
  const auto concluded = Sign(planned->name(), CustomerOf(1));
  ASSERT_TRUE(concluded.ok()) << concluded.status();
  EXPECT_EQ(concluded->state(), State::SIGNED);
  EXPECT_EQ(concluded->conformity().outcome(), "CONFORMS");
  ExpectReplays(planned->name());
  EXPECT_EQ(Why<v1::Contract>("UpdateContract", CustomerOf(1), update), "CONTRACT_STATE");
  ASSERT_TRUE(Do<v1::Contract>("BeginProduction", supplier_,
                               Named<v1::BeginProductionRequest>(planned->name()))
                  .ok());
  ExpectSound();
}

// What was so when it was planned is looked at again when it is signed.
TEST_F(ContractTest, TheDayOfSigningCounts) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  const auto planned = Plan(MakeContract());
  ASSERT_TRUE(Sign(planned->name(), CustomerOf(1)).ok());
  // Signed in January, the whole first year would lie before the contract.
  GoTo(Day("2027-01-11"));
  const auto late = Sign(planned->name(), supplier_);
  EXPECT_EQ(ReasonOf(late.status()), "NOT_CONFORM");
  EXPECT_EQ(base::InfoOf(late.status()).metadata().at("rule"), "YEARS_AHEAD");
  EXPECT_EQ(base::LegalBasisOf(late.status()).article(), "Art. 48(2)");
  v1::UpdateContractRequest update;
  update.mutable_contract()->set_name(planned->name());
  *update.mutable_contract()->mutable_years() = MakeContract(1, 2027).years();
  update.mutable_update_mask()->add_paths("years");
  ASSERT_TRUE(Do<v1::Contract>("UpdateContract", CustomerOf(1), update).ok());
  ASSERT_TRUE(Sign(planned->name(), CustomerOf(1)).ok());
  // The customer is none any more.
  v1::UpdateCustomerRequest change;
  change.mutable_customer()->set_name(absl::StrCat("customers/", Bin(1)));
  change.mutable_customer()->set_welfare_fund(true);
  change.mutable_update_mask()->add_paths("welfare_fund");
  ASSERT_TRUE(Do<v1::Customer>("UpdateCustomer", authority_, change).ok());
  const auto none = Sign(planned->name(), supplier_);
  EXPECT_EQ(base::InfoOf(none.status()).metadata().at("rule"), "CUSTOMER_ELIGIBLE");
  // Given up by one, as nobody is bound.
  EXPECT_EQ(Terminate(planned->name(), supplier_)->state(), State::CANCELLED);
}

TEST_F(ContractTest, ContractProcurementSaysWhatItAssumes) {
  Register(1);
  sources_->made = {Code(1)};
  ToApproved({MakeNeed(1, 1)}, 1);
  v1::Contract contract = MakeContract(1, 2026, 2);
  for (v1::YearTerms& year : *contract.mutable_years()) {
    year.set_volume("1000");
    *year.mutable_price() = Tenge(3'000'000);
  }
  v1::Offset& offset = *contract.add_offsets();
  offset.set_kind(v1::Offset::TRAINING);
  offset.set_description("Учебный центр");
  *offset.mutable_value() = Tenge(299'999'999);
  *offset.mutable_due_date() = Day("2026-06-30").ToProto();
  auto planned = Plan(contract);
  ASSERT_TRUE(planned.ok()) << planned.status();
  ASSERT_TRUE(Sign(planned->name(), CustomerOf(1)).ok());
  const auto little = Sign(planned->name(), supplier_);
  EXPECT_EQ(base::InfoOf(little.status()).metadata().at("rule"), "OFFSETS_SUFFICE");
  *contract.mutable_offsets(0)->mutable_value() = Tenge(300'000'000);
  const std::string name = SignedContract(contract);
  EXPECT_TRUE(ContractNow(name).conformity().rests_on_assumption());
  ExpectReplays(name);

  // Proven in part; what is missing when the time to cure is over costs a fifth.
  auto prove = Named<v1::ProveOffsetRequest>(name);
  prove.set_offset(1);
  *prove.mutable_value() = Tenge(200'000'000);
  *prove.add_documents() = Paper();
  ASSERT_TRUE(Do<v1::Contract>("ProveOffset", supplier_, prove).ok());
  auto accept = Named<v1::AcceptOffsetRequest>(name);
  accept.set_offset(2);
  *accept.mutable_accepted() = Tenge(100'000'000);
  EXPECT_EQ(Why<v1::Contract>("AcceptOffset", CustomerOf(1), accept), "OFFSET_UNKNOWN");
  accept.set_offset(1);
  EXPECT_EQ(Why<v1::Contract>("AcceptOffset", CustomerOf(1), accept), "REMARK_MISSING");
  accept.set_remark("Половина");
  ASSERT_TRUE(Do<v1::Contract>("AcceptOffset", CustomerOf(1), accept).ok());
  auto assess = Named<v1::AssessOffsetRequest>(name);
  assess.set_offset(1);
  EXPECT_EQ(Why<v1::Contract>("AssessOffset", authority_, assess), "CURE_RUNNING");
  GoTo(Day("2026-07-01"));
  v1::ListDeadlinesRequest deadlines;
  deadlines.set_parent(name);
  bool cure = false;
  const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", supplier_, deadlines);
  for (const auto& one : all.deadlines()) {
    if (one.kind() != kCureDeadline) continue;
    cure = true;
    EXPECT_EQ(base::Date::FromProto(one.due_date())->ToString(), "2026-09-28");
    EXPECT_TRUE(one.rests_on_assumption());
  }
  EXPECT_TRUE(cure);
  EXPECT_EQ(Why<v1::ListDeadlinesResponse>("ListDeadlines", stranger_, deadlines), "ACCESS_DENIED");
  GoTo(Day("2026-09-28"));
  EXPECT_EQ(Why<v1::Contract>("AssessOffset", authority_, assess), "CURE_RUNNING");
  GoTo(Day("2026-09-29"));
  ASSERT_TRUE(Do<v1::Contract>("AssessOffset", authority_, assess).ok());
  const v1::Penalty penalty = Stored(kPenalties, store::Key::Of(name, 1)).penalty();
  EXPECT_EQ(penalty.amount().units(), 40'000'000);
  EXPECT_EQ(penalty.debtor(), Bin(2));
  ExpectReplays(penalty.name());
  EXPECT_EQ(Why<v1::Contract>("AssessOffset", authority_, assess), "OFFSET_STATE");
  v1::PledgeContractRequest pledge;
  EXPECT_EQ(ReasonOf(PledgeTo(name, 3).status()), "NOT_OFF_TAKE");
  // By both signatures too it stays what it must be.
  const auto below = Amend(name, CustomerOf(1), 2027, "1000", 2'000'000);
  ASSERT_TRUE(below.ok()) << below.status();
  const auto refused = CoSign(below->name(), supplier_);
  EXPECT_EQ(ReasonOf(refused.status()), "NOT_CONFORM");
  EXPECT_EQ(base::LegalBasisOf(refused.status()).article(), "Art. 49(1)");
}

class OffsetTest : public ContractTest {
 protected:
  // Two years of 3,000,000,000 tenge, so that 300,000,000 are owed in conditions: three of them.
  std::string Procurement(const std::vector<const char*>& due_dates = {"2026-06-30", "2026-09-30",
                                                                       "2027-06-30"}) {
    Register(1);
    sources_->made = {Code(1)};
    ToApproved({MakeNeed(1, 1)}, 1);
    v1::Contract contract = MakeContract(1, 2026, 2);
    for (v1::YearTerms& year : *contract.mutable_years()) {
      year.set_volume("1000");
      *year.mutable_price() = Tenge(3'000'000);
    }
    for (const char* due : due_dates) {
      *contract.add_offsets() = ConditionOf(100'000'000, due);
    }
    return SignedContract(contract);
  }
  static v1::Offset ConditionOf(int64_t tenge, const char* due) {
    v1::Offset offset;
    offset.set_kind(v1::Offset::TRAINING);
    offset.set_description("Учебный центр");
    *offset.mutable_value() = Tenge(tenge);
    *offset.mutable_due_date() = Day(due).ToProto();
    return offset;
  }
  struct Change {
    int32_t number = 0;
    std::optional<v1::Offset> condition;
  };
  absl::StatusOr<v1::Amendment> AmendBy(const std::string& contract, const rpc::Caller& caller,
                                        const std::vector<Change>& changes,
                                        bool unilateral = false) {
    v1::AmendContractRequest request;
    request.set_parent(contract);
    for (const Change& change : changes) {
      auto* told = request.mutable_amendment()->add_offsets();
      told->set_number(change.number);
      if (change.condition.has_value()) *told->mutable_condition() = *change.condition;
    }
    request.mutable_amendment()->set_reason("По-другому");
    request.mutable_amendment()->set_text_sha256(std::string(32, 'a'));
    request.set_unilateral(unilateral);
    return Do<v1::Amendment>("AmendContract", caller, request);
  }
  std::string WhyNot(const std::string& contract, const std::vector<Change>& changes) {
    return ReasonOf(AmendBy(contract, supplier_, changes).status());
  }
  absl::Status Prove(const std::string& name, int32_t offset, int64_t tenge) {
    auto prove = Named<v1::ProveOffsetRequest>(name);
    prove.set_offset(offset);
    *prove.mutable_value() = Tenge(tenge);
    *prove.add_documents() = Paper();
    return Do<v1::Contract>("ProveOffset", supplier_, prove).status();
  }
  absl::Status AcceptProof(const std::string& name, int32_t offset, int64_t tenge) {
    auto accept = Named<v1::AcceptOffsetRequest>(name);
    accept.set_offset(offset);
    *accept.mutable_accepted() = Tenge(tenge);
    return Do<v1::Contract>("AcceptOffset", CustomerOf(1), accept).status();
  }
  // Of a condition: its days and what became of them, by day.
  std::string DaysOf(const std::string& name, int32_t offset) {
    v1::ListDeadlinesRequest list;
    list.set_parent(name);
    std::vector<std::string> days;
    const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", supplier_, list);
    for (const auto& one : all.deadlines()) {
      if (one.record() != ChildName(name, "offsets", offset)) continue;
      days.push_back(absl::StrCat(base::Date::FromProto(one.due_date())->ToString(), " ",
                                  cases::Deadline::State_Name(one.state())));
    }
    return absl::StrJoin(days, ", ");
  }
};

// Both parties come to other conditions, of the same worth in all at least; as the contract stood
// before it is still read.
TEST_F(OffsetTest, ConditionsAreAmendedByBoth) {
  const std::string name = Procurement();
  const base::Date before = today();
  const auto known = ContractNow(name).update_time();
  GoTo(today().AddDays(10));
  v1::Offset later = ConditionOf(150'000'000, "2026-08-31");
  later.set_kind(v1::Offset::TECHNOLOGY_TRANSFER);
  later.set_description("Лицензии");
  const auto amended = AmendBy(
      name, supplier_, {{1, later}, {2, std::nullopt}, {0, ConditionOf(50'000'000, "2027-12-31")}});
  ASSERT_TRUE(amended.ok()) << amended.status();
  EXPECT_FALSE(amended->lowers());
  EXPECT_EQ(ContractNow(name).offsets_size(), 3) << "nothing changes before both have signed";
  const auto in_force = CoSign(amended->name(), CustomerOf(1));
  ASSERT_TRUE(in_force.ok()) << in_force.status();
  EXPECT_EQ(in_force->conformity().outcome(), "CONFORMS");
  EXPECT_TRUE(in_force->conformity().rests_on_assumption()) << "of 2027 no budget is adopted";
  const Contract contract = ContractNow(name);
  ASSERT_EQ(contract.offsets_size(), 4);
  EXPECT_EQ(contract.offsets(0).kind(), v1::Offset::TECHNOLOGY_TRANSFER);
  EXPECT_EQ(contract.offsets(0).value().units(), 150'000'000);
  EXPECT_EQ(contract.offsets(1).state(), v1::Offset::LAPSED);
  EXPECT_EQ(contract.offsets(3).number(), 4);
  EXPECT_EQ(contract.offsets(3).state(), v1::Offset::OPEN);
  EXPECT_EQ(DaysOf(name, 1), "2026-06-30 CANCELLED, 2026-08-31 OPEN");
  EXPECT_EQ(DaysOf(name, 2), "2026-09-30 CANCELLED");
  EXPECT_EQ(DaysOf(name, 3), "2027-06-30 OPEN");
  EXPECT_EQ(DaysOf(name, 4), "2027-12-31 OPEN");
  ExpectReplays(name);
  const auto replays = Must<v1::ReplayDecisionResponse>(
      "ReplayDecision", auditor_, Named<v1::ReplayDecisionRequest>(amended->name()));
  ASSERT_EQ(replays.replays_size(), 2);
  EXPECT_EQ(replays.replays(1).field(), "conformity");
  EXPECT_TRUE(replays.same());
  auto get = Named<v1::GetContractRequest>(name);
  *get.mutable_as_of() = before.ToProto();
  EXPECT_EQ(Must<v1::Contract>("GetContract", supplier_, get).offsets(0).value().units(),
            100'000'000);
  get.clear_as_of();
  *get.mutable_known_at() = known;
  EXPECT_EQ(Must<v1::Contract>("GetContract", supplier_, get).offsets_size(), 3);
  // What is owed is judged by what it has become, and not on the day that it was owed before.
  ASSERT_TRUE(Prove(name, 4, 1).ok());
  EXPECT_EQ(ReasonOf(Prove(name, 2, 1)), "OFFSET_STATE");
  GoTo(Day("2026-11-29"));
  auto assess = Named<v1::AssessOffsetRequest>(name);
  assess.set_offset(1);
  EXPECT_EQ(Why<v1::Contract>("AssessOffset", authority_, assess), "CURE_RUNNING");
  GoTo(Day("2026-11-30"));
  EXPECT_EQ(Why<v1::Contract>("AssessOffset", authority_, assess), "");
  EXPECT_EQ(Stored(kPenalties, store::Key::Of(name, 1)).penalty().amount().units(), 30'000'000);
  ExpectSound();
}

TEST_F(OffsetTest, WhatConditionsMayNotBecome) {
  const std::string name = Procurement();
  const v1::Offset good = ConditionOf(100'000'000, "2026-12-31");
  EXPECT_EQ(WhyNot(name, {{4, good}}), "OFFSET_UNKNOWN");
  EXPECT_EQ(SubjectOf(AmendBy(name, supplier_, {{1, good}, {4, good}}).status()),
            "amendment.offsets[1].number");
  EXPECT_EQ(WhyNot(name, {{1, good}, {1, good}}), "OFFSETS_INVALID");
  EXPECT_EQ(WhyNot(name, {{0, std::nullopt}}), "OFFSETS_INVALID");
  EXPECT_EQ(WhyNot(name, {{1, ConditionOf(0, "2026-12-31")}}), "OFFSETS_INVALID");
  EXPECT_EQ(WhyNot(name, {{1, ConditionOf(1, "2028-01-01")}}), "OFFSETS_INVALID");
  EXPECT_EQ(WhyNot(name, {{1, ConditionOf(1, "2026-01-01")}}), "OFFSETS_INVALID");
  EXPECT_EQ(WhyNot(name, std::vector<Change>(98, {0, good})), "OFFSETS_INVALID") << "101 in all";
  EXPECT_EQ(ReasonOf(AmendBy(name, CustomerOf(1), {{0, good}}, true).status()),
            "UNILATERAL_CHANGE");
  EXPECT_EQ(AmendBy(name, supplier_, {}).status().code(), absl::StatusCode::kInvalidArgument);
  // Worth a twentieth in all it stays, by both signatures too.
  const auto little = AmendBy(name, supplier_, {{1, ConditionOf(99'999'999, "2026-06-30")}});
  ASSERT_TRUE(little.ok()) << little.status();
  const auto refused = CoSign(little->name(), CustomerOf(1)).status();
  EXPECT_EQ(ReasonOf(refused), "NOT_CONFORM");
  EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 49(2)");
  EXPECT_EQ(DaysOf(name, 1), "2026-06-30 OPEN");
  Must<v1::Amendment>("WithdrawAmendment", supplier_,
                      Named<v1::WithdrawAmendmentRequest>(little->name()));
  // What was accepted of one stays, and while a proof waits nothing is made of it.
  ASSERT_TRUE(Prove(name, 1, 60'000'000).ok());
  EXPECT_EQ(WhyNot(name, {{1, good}}), "OFFSET_STATE");
  EXPECT_EQ(SubjectOf(AmendBy(name, supplier_, {{1, good}}).status()),
            "amendment.offsets[0].number");
  ASSERT_TRUE(AcceptProof(name, 1, 60'000'000).ok());
  EXPECT_EQ(WhyNot(name, {{1, std::nullopt}}), "OFFSETS_INVALID");
  EXPECT_EQ(WhyNot(name, {{1, ConditionOf(59'999'999, "2026-06-30")}}), "OFFSETS_INVALID");
  const auto enough = AmendBy(
      name, supplier_,
      {{1, ConditionOf(60'000'000, "2026-06-30")}, {2, ConditionOf(140'000'000, "2026-09-30")}});
  ASSERT_TRUE(enough.ok()) << enough.status();
  ASSERT_TRUE(CoSign(enough->name(), CustomerOf(1)).ok());
  EXPECT_EQ(ContractNow(name).offsets(0).state(), v1::Offset::FULFILLED);
  EXPECT_EQ(DaysOf(name, 1), "2026-06-30 DONE");
  EXPECT_EQ(DaysOf(name, 2), "2026-09-30 OPEN");
  EXPECT_EQ(WhyNot(name, {{1, good}}), "OFFSET_STATE");
  // On its last day it may still be put off, by both; after it that is over.
  GoTo(Day("2026-09-30"));
  const auto late = AmendBy(name, supplier_, {{2, ConditionOf(140'000'000, "2026-10-31")}});
  ASSERT_TRUE(late.ok()) << late.status();
  GoTo(Day("2026-10-01"));
  EXPECT_EQ(ReasonOf(CoSign(late->name(), CustomerOf(1)).status()), "OFFSETS_INVALID");
  EXPECT_EQ(ContractNow(name).offsets(1).due_date().month(), 9);
  ExpectSound();
}

// A customer that does not answer does not keep the supplier from proving the rest in time.
TEST_F(OffsetTest, AProofComesWhileAnotherWaits) {
  const std::string name = Procurement();
  ASSERT_TRUE(Prove(name, 1, 60'000'000).ok());
  ASSERT_TRUE(Prove(name, 1, 30'000'000).ok());
  ASSERT_TRUE(Prove(name, 1, 10'000'000).ok());
  // They are answered as they came.
  EXPECT_EQ(ReasonOf(AcceptProof(name, 1, 60'000'001)), "ACCEPTED_OVER_PROVEN");
  ASSERT_TRUE(AcceptProof(name, 1, 60'000'000).ok());
  EXPECT_EQ(ContractNow(name).offsets(0).state(), v1::Offset::PROVEN);
  EXPECT_EQ(ReasonOf(AcceptProof(name, 1, 30'000'001)), "ACCEPTED_OVER_PROVEN");
  GoTo(Day("2026-09-29"));
  ASSERT_TRUE(Prove(name, 1, 100'000'000).ok()) << "too late to count without an answer";
  auto assess = Named<v1::AssessOffsetRequest>(name);
  assess.set_offset(1);
  ASSERT_EQ(Why<v1::Contract>("AssessOffset", authority_, assess), "");
  const v1::Offset offset = ContractNow(name).offsets(0);
  EXPECT_EQ(offset.state(), v1::Offset::FULFILLED);
  EXPECT_EQ(offset.accepted().units(), 100'000'000);
  EXPECT_EQ(offset.proofs(1).remark(), "NOT_ANSWERED");
  EXPECT_EQ(offset.proofs(2).remark(), "NOT_ANSWERED");
  EXPECT_FALSE(offset.proofs(3).has_accepted());
  EXPECT_EQ(ReasonOf(AcceptProof(name, 1, 1)), "OFFSET_STATE");
}

// An off-take contract has none.
TEST_F(OffsetTest, OffTakeHasNoConditions) {
  const std::string name = OffTake();
  EXPECT_EQ(WhyNot(name, {{0, ConditionOf(1, "2026-12-31")}}), "OFFSETS_INVALID");
}

TEST_F(ContractTest, ProofsAndPledgesAreBounded) {
  Register(1);
  sources_->made = {Code(2)};
  ToApproved({MakeNeed(1, 1), MakeNeed(1, 2)}, 2);
  v1::Contract contract = MakeContract(2, 2026, 1);
  contract.mutable_years(0)->set_volume("1000");
  *contract.mutable_years(0)->mutable_price() = Tenge(3'000'000);
  v1::Offset& offset = *contract.add_offsets();
  offset.set_kind(v1::Offset::OTHER);
  offset.set_description("x");
  *offset.mutable_value() = Tenge(150'000'000);
  *offset.mutable_due_date() = Day("2026-03-31").ToProto();
  const std::string name = SignedContract(contract);
  auto prove = Named<v1::ProveOffsetRequest>(name);
  prove.set_offset(1);
  *prove.mutable_value() = Tenge(1);
  *prove.add_documents() = Paper();
  auto accept = Named<v1::AcceptOffsetRequest>(name);
  accept.set_offset(1);
  *accept.mutable_accepted() = Tenge(2);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Do<v1::Contract>("ProveOffset", supplier_, prove).ok());
    EXPECT_EQ(Why<v1::Contract>("AcceptOffset", CustomerOf(1), accept), "ACCEPTED_OVER_PROVEN");
    auto none = accept;
    *none.mutable_accepted() = Tenge(0);
    none.set_remark("Не то");
    ASSERT_TRUE(Do<v1::Contract>("AcceptOffset", CustomerOf(1), none).ok());
  }
  EXPECT_EQ(Why<v1::Contract>("ProveOffset", supplier_, prove), "OFFSET_STATE");
  const std::string pledged = SignedContract(MakeContract(1));
  for (int n = 10; n < 30; ++n) ASSERT_TRUE(PledgeTo(pledged, n).ok());
  EXPECT_EQ(ReasonOf(PledgeTo(pledged, 30).status()), "PLEDGES_TOO_MANY");
}

// A proof that came in time and that nobody has answered counts.
TEST_F(ContractTest, SilenceIsNoPenalty) {
  Register(1);
  sources_->made = {Code(1)};
  ToApproved({MakeNeed(1, 1)}, 1);
  v1::Contract contract = MakeContract(1, 2026, 1);
  contract.mutable_years(0)->set_volume("1000");
  *contract.mutable_years(0)->mutable_price() = Tenge(3'000'000);
  v1::Offset& offset = *contract.add_offsets();
  offset.set_kind(v1::Offset::OTHER);
  offset.set_description("x");
  *offset.mutable_value() = Tenge(150'000'000);
  *offset.mutable_due_date() = Day("2026-03-31").ToProto();
  const std::string name = SignedContract(contract);
  auto prove = Named<v1::ProveOffsetRequest>(name);
  prove.set_offset(1);
  *prove.mutable_value() = Tenge(150'000'000);
  *prove.add_documents() = Paper();
  ASSERT_TRUE(Do<v1::Contract>("ProveOffset", supplier_, prove).ok());
  GoTo(Day("2026-12-01"));
  auto assess = Named<v1::AssessOffsetRequest>(name);
  assess.set_offset(1);
  const auto answer = Do<v1::Contract>("AssessOffset", authority_, assess);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->offsets_size(), 0) << "what they are worth is between the parties";
  const auto assessed = ContractNow(name);
  EXPECT_EQ(assessed.offsets(0).state(), v1::Offset::FULFILLED);
  EXPECT_EQ(assessed.offsets(0).proofs(0).remark(), "NOT_ANSWERED");
  v1::ListPenaltiesRequest list;
  list.set_parent(name);
  EXPECT_EQ(Must<v1::ListPenaltiesResponse>("ListPenalties", auditor_, list).penalties_size(), 0);
}

TEST_F(ContractTest, WhatHappensStaysWithinTheContract) {
  const std::string name = OffTake();
  EXPECT_EQ(ReasonOf(AcceptIt(name, MakeEntry("1")).status()), "CONTRACT_STATE");
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  EXPECT_EQ(ContractNow(name).state(), State::DELIVERING);
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("40.001")).status()), "OVER_CONTRACT");
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("0")).status()), "QUANTITY_ZERO");
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("1", 2030)).status()), "YEAR_UNKNOWN");
  EXPECT_EQ(SubjectOf(Deliver(name, MakeEntry("1", 2030)).status()), "entry.year");
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("1", 2027)).status()), "EVENT_DATE_INVALID");
  v1::Entry entry = MakeEntry("1");
  *entry.mutable_event_date() = today().AddDays(1).ToProto();
  EXPECT_EQ(ReasonOf(Deliver(name, entry).status()), "EVENT_DATE_INVALID");
  *entry.mutable_event_date() = today().AddDays(-1).ToProto();
  EXPECT_EQ(ReasonOf(Deliver(name, entry).status()), "EVENT_DATE_INVALID");
  EXPECT_EQ(ReasonOf(AcceptIt(name, MakeEntry("60.001")).status()), "OVER_DELIVERED");
  ASSERT_TRUE(AcceptIt(name, MakeEntry("50")).ok());
  EXPECT_EQ(ReasonOf(PayIt(name, 100'001).status()), "OVER_PRICE");
  ASSERT_TRUE(PayIt(name, 50'000).ok());
  EXPECT_EQ(ReasonOf(RefuseIt(name, "10.001", v1::CUSTOMERS_FAULT, true).status()),
            "OVER_DELIVERED");
  EXPECT_EQ(ReasonOf(RefuseIt(name, "40.001", v1::CUSTOMERS_FAULT, false).status()),
            "OVER_CONTRACT");
  EXPECT_EQ(ReasonOf(RefuseIt(name, "1", v1::FAULT_UNSPECIFIED, true).status()), "FAULT_MISSING");
  EXPECT_EQ(Stands(name), "60.000 50.000 50000 10.000");
  ASSERT_TRUE(RefuseIt(name, "40", v1::NOBODYS_FAULT, false).ok());
  EXPECT_EQ(Stands(name), "60.000 50.000 50000 50.000");
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("1")).status()), "OVER_CONTRACT");
  EXPECT_EQ(ReasonOf(AcceptIt(name, MakeEntry("10.001")).status()), "OVER_CONTRACT");
  // The supplier records no acceptance, the customer no delivery.
  EXPECT_EQ(
      ReasonOf(
          Enter<v1::AcceptGoodsRequest>("AcceptGoods", name, supplier_, MakeEntry("1")).status()),
      "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(Enter<v1::RecordDeliveryRequest>("RecordDelivery", name, CustomerOf(1),
                                                      MakeEntry("1"))
                         .status()),
            "ACCESS_DENIED");
  ExpectSound();
}

// Goods are accepted and refused when they are there, in whatever order that is told.
TEST_F(ContractTest, NothingIsAcceptedBeforeItCame) {
  const std::string name = OffTake();
  const base::Date first = today();
  GoTo(Day("2027-02-01"));
  const auto on = [this](base::Date day, const std::string& quantity, int32_t year = 2026) {
    v1::Entry entry = MakeEntry(quantity, year);
    *entry.mutable_event_date() = day.ToProto();
    return entry;
  };
  const auto delivery = Deliver(name, on(first.AddDays(40), "60"));
  ASSERT_TRUE(delivery.ok()) << delivery.status();
  ASSERT_TRUE(Deliver(name, on(first.AddDays(80), "30")).ok());
  ASSERT_TRUE(Deliver(name, on(first.AddDays(100), "10")).ok());
  const auto early = AcceptIt(name, on(first.AddDays(39), "1")).status();
  EXPECT_EQ(ReasonOf(early), "BEFORE_DELIVERY");
  EXPECT_EQ(base::LegalBasisOf(early).article(), "Art. 48(2)");
  EXPECT_EQ(base::InfoOf(early).metadata().at("day"), first.AddDays(39).ToString());
  EXPECT_EQ(ReasonOf(AcceptIt(name, on(first.AddDays(40), "61")).status()), "BEFORE_DELIVERY")
      << "of what came later";
  const auto accepted = AcceptIt(name, on(first.AddDays(80), "70"));
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  // What is taken earlier leaves less for what was taken after it.
  const auto more = AcceptIt(name, on(first.AddDays(41), "21")).status();
  EXPECT_EQ(ReasonOf(more), "BEFORE_DELIVERY");
  EXPECT_EQ(base::InfoOf(more).metadata().at("day"), first.AddDays(80).ToString());
  ASSERT_TRUE(AcceptIt(name, on(first.AddDays(41), "20")).ok());
  // So with what is refused.
  v1::Entry refused = on(first.AddDays(20), "1");
  refused.set_fault(v1::CUSTOMERS_FAULT);
  refused.set_reason("Не нужно");
  refused.set_delivered(true);
  const auto refuse = [&](int days) {
    *refused.mutable_event_date() = first.AddDays(days).ToProto();
    return ReasonOf(
        Enter<v1::RefuseToBuyRequest>("RefuseToBuy", name, CustomerOf(1), refused).status());
  };
  EXPECT_EQ(refuse(20), "BEFORE_DELIVERY");
  EXPECT_EQ(refuse(80), "BEFORE_DELIVERY");
  EXPECT_EQ(refuse(100), "");
  // A day is put right as well, and what came does not come later than it was taken, or less.
  EXPECT_EQ(
      ReasonOf(Correct(accepted->name(), CustomerOf(1), on(first.AddDays(79), "70")).status()),
      "BEFORE_DELIVERY");
  const auto came = [&](int days, const std::string& quantity) {
    return Correct(delivery->name(), supplier_, on(first.AddDays(days), quantity)).status();
  };
  EXPECT_EQ(ReasonOf(came(42, "60")), "BEFORE_DELIVERY");
  EXPECT_EQ(ReasonOf(came(40, "59")), "BEFORE_DELIVERY");
  EXPECT_EQ(ReasonOf(came(40, "29")), "OVER_DELIVERED");
  EXPECT_TRUE(came(41, "60").ok());
  // Each year by itself: what came for one is not accepted for another.
  ASSERT_TRUE(Deliver(name, on(Day("2027-01-20"), "10", 2027)).ok());
  EXPECT_EQ(ReasonOf(AcceptIt(name, on(Day("2027-01-19"), "1", 2027)).status()), "BEFORE_DELIVERY");
  EXPECT_TRUE(AcceptIt(name, on(Day("2027-01-20"), "10", 2027)).ok());
  ExpectSound();
}

TEST_F(ContractTest, AYearIsAssessedOnce) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("60")).ok());
  const auto claimed = RefuseIt(name, "40", v1::SUPPLIERS_FAULT, true);
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  // What is claimed is not settled: it counts as nobody's, so as no fault of the supplier.
  EXPECT_EQ(BalanceOf(name).years(0).shortfall(), "40.000");
  EXPECT_EQ(BalanceOf(name).penalty().units(), 0);
  EXPECT_EQ(ReasonOf(Assess(name, 2026).status()), "YEAR_NOT_OVER");
  EXPECT_EQ(ReasonOf(Assess(name, 2031).status()), "YEAR_UNKNOWN");
  GoTo(Day("2027-01-01"));
  EXPECT_EQ(ReasonOf(Assess(name, 2026).status()), "FAULT_OPEN");
  auto settle = Named<v1::SettleFaultRequest>(claimed->name());
  settle.set_fault(v1::NOBODYS_FAULT);
  EXPECT_EQ(Why<v1::Entry>("SettleFault", supplier_, settle), "NOT_OWN_FAULT");
  EXPECT_EQ(Why<v1::Entry>("SettleFault", CustomerOf(1), settle), "ACCESS_DENIED");
  const auto settled = Do<v1::Entry>("SettleFault", authority_, settle);
  ASSERT_TRUE(settled.ok()) << settled.status();
  EXPECT_EQ(settled->corrects(), 3);
  EXPECT_EQ(Why<v1::Entry>("SettleFault", authority_, settle), "ENTRY_CORRECTED");
  const auto assessed = Assess(name, 2026);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  // A tenth of 40 at 1,000.
  EXPECT_EQ(assessed->balance().penalty().units(), 4'000);
  EXPECT_EQ(assessed->balance().decision().outcome(), "SHORTFALL");
  ExpectReplays(assessed->name());
  EXPECT_EQ(ReasonOf(Assess(name, 2026).status()), "YEAR_ASSESSED");
  // Whom it is owed to settles it.
  auto pay = Named<v1::SettlePenaltyRequest>(assessed->penalty());
  pay.set_note("П-1");
  EXPECT_EQ(Why<v1::Penalty>("SettlePenalty", CustomerOf(1), pay), "NOT_CREDITOR");
  EXPECT_EQ(Why<v1::Penalty>("SettlePenalty", stranger_, pay), "ACCESS_DENIED");
  // Who buys for the supplier under other contracts is no party of this one.
  EXPECT_EQ(Why<v1::Penalty>("SettlePenalty", CustomerOf(2), pay), "ACCESS_DENIED");
  auto fulfil = Named<v1::FulfilContractRequest>(name);
  EXPECT_EQ(Why<v1::Contract>("FulfilContract", authority_, fulfil), "TERM_RUNNING");
  GoTo(Day("2029-01-02"));
  EXPECT_EQ(Why<v1::Contract>("FulfilContract", authority_, fulfil), "YEAR_NOT_ASSESSED");
  ASSERT_TRUE(Assess(name, 2027).ok());
  ASSERT_TRUE(Assess(name, 2028).ok());
  const auto unpaid = Do<v1::Contract>("FulfilContract", authority_, fulfil);
  EXPECT_EQ(ReasonOf(unpaid.status()), "PAYMENT_DUE");
  EXPECT_EQ(base::LegalBasisOf(unpaid.status()).article(), "Art. 48(2)");
  ASSERT_TRUE(PayIt(name, 59'999).ok());
  EXPECT_EQ(Why<v1::Contract>("FulfilContract", authority_, fulfil), "PAYMENT_DUE");
  ASSERT_TRUE(PayIt(name, 1).ok());
  EXPECT_EQ(Why<v1::Contract>("FulfilContract", authority_, fulfil), "PENALTY_DUE");
  EXPECT_EQ(Must<v1::Penalty>("SettlePenalty", supplier_, pay).state(), v1::Penalty::PAID);
  EXPECT_EQ(Must<v1::Contract>("FulfilContract", authority_, fulfil).state(), State::FULFILLED);
  // What happened in its term is still recorded, put right and paid for; what came later is not.
  v1::Entry then = MakeEntry("2", 2028), later = MakeEntry("1", 2028);
  *then.mutable_event_date() = Day("2028-12-31").ToProto();
  EXPECT_EQ(ReasonOf(Deliver(name, later).status()), "EVENT_DATE_INVALID");
  const auto forgotten = Deliver(name, then);
  ASSERT_TRUE(forgotten.ok()) << forgotten.status();
  then.set_quantity("1");
  EXPECT_TRUE(Correct(forgotten->name(), supplier_, then).ok());
  EXPECT_EQ(ReasonOf(AcceptIt(name, later).status()), "EVENT_DATE_INVALID");
  EXPECT_TRUE(AcceptIt(name, then).ok());
  EXPECT_TRUE(PayIt(name, 1'000, 2028).ok());
  EXPECT_EQ(Stands(name, 2), "1.000 1.000 1000 0.000");
  EXPECT_EQ(ContractNow(name).state(), State::FULFILLED);
  EXPECT_EQ(ReasonOf(Amend(name, supplier_, 2029, "1", 1'000).status()), "CONTRACT_STATE");
}

// Acceptance and payment are owed: a year whose goods are not paid for is not met when it is over.
TEST_F(ContractTest, AYearThatIsNotPaidForIsNotMet) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("100")).ok());
  EXPECT_EQ(BalanceOf(name).years(0).decision().outcome(), "OBLIGATION_MET");
  GoTo(Day("2027-01-01"));
  EXPECT_EQ(BalanceOf(name).years(0).decision().outcome(), "NOT_PAID");
  const auto assessed = Assess(name, 2026);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(assessed->balance().decision().outcome(), "NOT_PAID");
  EXPECT_TRUE(assessed->penalty().empty());
  ExpectReplays(assessed->name());
}

// What was settled was settled of that year, delivered or not.
TEST_F(ContractTest, ASettledRefusalIsNotMadeAnotherMatter) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("50")).ok());
  const auto settled = [&](const std::string& quantity) {
    const auto refused = RefuseIt(name, quantity, v1::SUPPLIERS_FAULT, false);
    EXPECT_TRUE(refused.ok()) << refused.status();
    auto settle = Named<v1::SettleFaultRequest>(refused->name());
    settle.set_fault(v1::SUPPLIERS_FAULT);
    return Must<v1::Entry>("SettleFault", authority_, settle).name();
  };
  const std::string one = settled("20"), other = settled("30");
  v1::Entry moved = MakeEntry("20");
  moved.set_fault(v1::SUPPLIERS_FAULT);
  moved.set_delivered(true);
  moved.set_reason("x");
  *moved.add_documents() = Paper();
  const auto delivered = Correct(one, CustomerOf(1), moved);
  ASSERT_TRUE(delivered.ok()) << delivered.status();
  EXPECT_FALSE(delivered->fault_settled());
  EXPECT_EQ(BalanceOf(name).years(0).shortfall(), "50.000") << "of the supplier's fault is none";
  GoTo(Day("2027-01-05"));
  EXPECT_EQ(ReasonOf(Assess(name, 2026).status()), "FAULT_OPEN");
  v1::Entry next = MakeEntry("30", 2027);
  next.set_fault(v1::SUPPLIERS_FAULT);
  next.set_reason("x");
  *next.add_documents() = Paper();
  const auto next_year = Correct(other, CustomerOf(1), next);
  ASSERT_TRUE(next_year.ok()) << next_year.status();
  EXPECT_FALSE(next_year->fault_settled());
}

// What the customer has refused beforehand was not made: it does not say otherwise when its year is
// over, or when the authority has found whose fault it was.
TEST_F(ContractTest, ARefusalIsNotTakenBackAfterItsYear) {
  const std::string name = OffTake();
  const auto refused = RefuseIt(name, "60", v1::CUSTOMERS_FAULT, false);
  const auto claimed = RefuseIt(name, "40", v1::SUPPLIERS_FAULT, false);
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  v1::Entry entry = MakeEntry("0");
  entry.set_fault(v1::CUSTOMERS_FAULT);
  entry.set_reason("Передумали");
  // While the year runs the supplier can still deliver.
  entry.set_quantity("50");
  const auto less = Correct(refused->name(), CustomerOf(1), entry);
  ASSERT_TRUE(less.ok()) << less.status();
  auto settle = Named<v1::SettleFaultRequest>(claimed->name());
  settle.set_fault(v1::NOBODYS_FAULT);
  const auto settled = Must<v1::Entry>("SettleFault", authority_, settle);
  entry.set_quantity("39");
  EXPECT_EQ(ReasonOf(Correct(settled.name(), CustomerOf(1), entry).status()), "REFUSAL_STANDS");
  GoTo(Day("2027-01-02"));
  entry.set_quantity("0");
  const auto back = Correct(less->name(), CustomerOf(1), entry);
  EXPECT_EQ(ReasonOf(back.status()), "REFUSAL_STANDS");
  EXPECT_EQ(base::LegalBasisOf(back.status()).article(), "Art. 48(4)");
  entry.set_quantity("50");
  *entry.mutable_event_date() = Day("2027-01-02").ToProto();
  EXPECT_EQ(ReasonOf(Correct(less->name(), CustomerOf(1), entry).status()), "REFUSAL_STANDS")
      << "of a day after its year it would not count";
  *entry.mutable_event_date() = less->event_date();
  entry.set_year(2027);
  EXPECT_NE(ReasonOf(Correct(less->name(), CustomerOf(1), entry).status()), "");
  entry.set_year(2026);
  entry.set_delivered(true);
  EXPECT_EQ(ReasonOf(Correct(less->name(), CustomerOf(1), entry).status()), "REFUSAL_STANDS");
  entry.set_delivered(false);
  EXPECT_TRUE(Correct(less->name(), CustomerOf(1), entry).ok()) << "in other words it stands";
  const auto assessed = Assess(name, 2026);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(assessed->balance().penalty().units(), 9'000);
}

// Who knows that it will not buy says so when it does, and not when the year has come.
TEST_F(ContractTest, AYearToComeIsRefusedBeforehand) {
  const std::string name = OffTake();
  EXPECT_EQ(ReasonOf(RefuseIt(name, "40", v1::CUSTOMERS_FAULT, true, 2027).status()),
            "EVENT_DATE_INVALID")
      << "nothing of it was delivered";
  const auto refused = RefuseIt(name, "40", v1::CUSTOMERS_FAULT, false, 2027);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(BalanceOf(name).years(1).refused_undelivered(), "40.000");
  EXPECT_EQ(BalanceOf(name).years(1).shortfall(), "40.000");
  GoTo(Day("2027-03-01"));
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("61", 2027)).status()), "OVER_CONTRACT");
  GoTo(Day("2028-01-01"));
  v1::Entry less = MakeEntry("39", 2027);
  *less.mutable_event_date() = refused->event_date();
  less.set_fault(v1::CUSTOMERS_FAULT);
  less.set_reason("Передумали");
  EXPECT_EQ(ReasonOf(Correct(refused->name(), CustomerOf(1), less).status()), "REFUSAL_STANDS");
  const auto assessed = Assess(name, 2027);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(assessed->balance().shortfall(), "40.000");
  EXPECT_EQ(assessed->balance().penalty().units(), 4'000);
  ExpectReplays(assessed->name());
  ExpectSound();
}

// A year is judged by what happened in it: recorded later is in time, happened later is not.
TEST_F(ContractTest, WhatHappensAfterTheYearDoesNotChangeIt) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  GoTo(Day("2027-01-05"));
  ASSERT_TRUE(Deliver(name, MakeEntry("20", 2026)).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("30", 2026)).ok());
  v1::Entry then = MakeEntry("20", 2026);
  *then.mutable_event_date() = Day("2026-12-31").ToProto();
  ASSERT_TRUE(Deliver(name, then).ok());
  ASSERT_TRUE(AcceptIt(name, then).ok());
  // Of 80 that were there in time 20 were accepted in time.
  EXPECT_EQ(Stands(name), "100.000 50.000 0 60.000");
  const auto assessed = Assess(name, 2026);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(assessed->balance().shortfall(), "60.000");
  EXPECT_EQ(assessed->balance().unpaid().units(), 50'000);
  EXPECT_EQ(assessed->balance().penalty().units(), 6'000);
  ExpectReplays(assessed->name());
}

TEST_F(ContractTest, OwnFaultOfTheSupplierCostsNothing) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("60")).ok());
  v1::Entry undocumented = MakeEntry("40");
  undocumented.set_fault(v1::SUPPLIERS_FAULT);
  undocumented.set_delivered(true);
  undocumented.set_reason("Брак");
  EXPECT_EQ(
      ReasonOf(
          Enter<v1::RefuseToBuyRequest>("RefuseToBuy", name, CustomerOf(1), undocumented).status()),
      "DOCUMENTS_MISSING");
  const auto refused = RefuseIt(name, "40", v1::SUPPLIERS_FAULT, true);
  auto settle = Named<v1::SettleFaultRequest>(refused->name());
  settle.set_fault(v1::SUPPLIERS_FAULT);
  const auto settled = Do<v1::Entry>("SettleFault", supplier_, settle);
  ASSERT_TRUE(settled.ok()) << settled.status();
  // Settled for that much and for less, whatever a correction says of the fault.
  v1::Entry less = MakeEntry("39");
  less.set_fault(v1::CUSTOMERS_FAULT);
  less.set_delivered(true);
  less.set_reason("x");
  *less.add_documents() = Paper();
  const auto corrected = Correct(settled->name(), CustomerOf(1), less);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  EXPECT_EQ(corrected->fault(), v1::SUPPLIERS_FAULT);
  EXPECT_TRUE(corrected->fault_settled());
  less.set_quantity("40");
  const auto more = Correct(corrected->name(), CustomerOf(1), less);
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_FALSE(more->fault_settled());
  settle.set_name(more->name());
  ASSERT_TRUE(Do<v1::Entry>("SettleFault", supplier_, settle).ok());
  GoTo(Day("2027-01-01"));
  const auto assessed = Assess(name, 2026);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(assessed->balance().shortfall(), "0.000");
  EXPECT_EQ(assessed->balance().refused_suppliers_fault(), "40.000");
  EXPECT_TRUE(assessed->penalty().empty());
}

TEST_F(ContractTest, CorrectionsTakeThePlaceOfWhatTheyCorrect) {
  const std::string name = OffTake();
  const auto delivery = Deliver(name, MakeEntry("60"));
  ASSERT_TRUE(AcceptIt(name, MakeEntry("50")).ok());
  EXPECT_EQ(ReasonOf(Correct(delivery->name(), CustomerOf(1), MakeEntry("55")).status()),
            "NOT_OWN_ENTRY");
  EXPECT_EQ(ReasonOf(Correct(delivery->name(), supplier_, MakeEntry("49")).status()),
            "OVER_DELIVERED");
  const auto corrected = Correct(delivery->name(), supplier_, MakeEntry("55"));
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  EXPECT_EQ(Stands(name), "55.000 50.000 0 5.000");
  EXPECT_EQ(ReasonOf(Correct(delivery->name(), supplier_, MakeEntry("56")).status()),
            "ENTRY_CORRECTED");
  // What is recorded late corrects the earlier year, by a new entry.
  GoTo(Day("2027-02-01"));
  v1::Entry late = MakeEntry("45", 2026);
  *late.mutable_event_date() = Day("2026-12-31").ToProto();
  ASSERT_TRUE(Deliver(name, late).ok());
  EXPECT_EQ(Stands(name), "100.000 50.000 0 50.000");
  EXPECT_EQ(Stands(name, 0, Day("2026-12-30")), "55.000 50.000 0 5.000");
  EXPECT_EQ(BalanceOf(name, Day("2026-12-31")).penalty().units(), 0);
  EXPECT_EQ(BalanceOf(name).penalty().units(), 5'000);
  // What was known before the correction.
  auto known = Named<v1::GetBalanceRequest>(name);
  const auto first = Stored(kEntries, store::Key::Of(name, 2)).entry().create_time();
  *known.mutable_known_at() = first;
  EXPECT_EQ(Must<v1::Balance>("GetBalance", auditor_, known).years(0).delivered(), "60.000");
}

// Whoever watches sees what is tied to it, and the end of what it may not see says nothing.
TEST_F(ContractTest, WhatChangesIsWatched) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("1")).ok());
  const auto seen = [this](const rpc::Caller& caller) {
    v1::WatchContractsRequest request;
    request.set_start_position(1);
    int changes = 0;
    for (const auto& told :
         Streamed<v1::WatchContractsResponse>("WatchContracts", caller, request)) {
      changes += told.changes_size();
    }
    return changes;
  };
  // Planned, signed twice, the delivery and the contract with it.
  EXPECT_EQ(seen(supplier_), 5);
  EXPECT_EQ(seen(CustomerOf(1)), 5);
  EXPECT_EQ(seen(stranger_), 0);
  v1::WatchPlanningRequest planning;
  planning.set_start_position(1);
  int changes = 0;
  for (const auto& told :
       Streamed<v1::WatchPlanningResponse>("WatchPlanning", auditor_, planning)) {
    changes += told.changes_size();
  }
  EXPECT_GT(changes, 8);
}

TEST_F(ContractTest, VolumeAndPriceAreLoweredByBoth) {
  const std::string name = OffTake();
  EXPECT_EQ(ReasonOf(Amend(name, CustomerOf(1), 2027, "90", 1'000, true).status()),
            "UNILATERAL_REDUCTION");
  EXPECT_EQ(ReasonOf(Amend(name, CustomerOf(1), 2027, "100", 999, true).status()),
            "UNILATERAL_REDUCTION");
  EXPECT_EQ(ReasonOf(Amend(name, supplier_, 2027, "100", 2'000, true).status()),
            "UNILATERAL_CHANGE");
  EXPECT_EQ(ReasonOf(Amend(name, CustomerOf(1), 2025, "100", 1'000).status()), "YEARS_INVALID");
  EXPECT_EQ(ReasonOf(Amend(name, CustomerOf(1), 2030, "100", 1'000).status()), "YEARS_INVALID");
  // Told by its place in the amendment, which has another in the contract.
  const absl::Status nothing = Amend(name, CustomerOf(1), 2027, "0", 1'000).status();
  EXPECT_EQ(ReasonOf(nothing), "QUANTITY_ZERO");
  EXPECT_EQ(SubjectOf(nothing), "amendment.years[0].volume");
  const absl::Status much = Amend(name, CustomerOf(1), 2027, "999999999999", 1'000'000).status();
  EXPECT_EQ(ReasonOf(much), "SUM_TOO_LARGE");
  EXPECT_EQ(SubjectOf(much), "amendment.years[0]");
  EXPECT_EQ(SubjectOf(Amend(name, CustomerOf(1), 2030, "100", 1'000).status()), "amendment.years");
  const auto lower = Amend(name, CustomerOf(1), 2027, "90", 1'000);
  ASSERT_TRUE(lower.ok()) << lower.status();
  EXPECT_TRUE(lower->lowers());
  EXPECT_EQ(ContractNow(name).years(1).volume(), "100")
      << "nothing changes before both have signed";
  EXPECT_EQ(ReasonOf(Amend(name, supplier_, 2027, "80", 1'000).status()), "AMENDMENT_OPEN");
  EXPECT_EQ(ReasonOf(CoSign(lower->name(), CustomerOf(1)).status()), "SIGNED_ALREADY");
  EXPECT_EQ(ReasonOf(CoSign(lower->name(), stranger_).status()), "ACCESS_DENIED");
  const auto in_force = CoSign(lower->name(), supplier_);
  ASSERT_TRUE(in_force.ok()) << in_force.status();
  EXPECT_EQ(in_force->state(), v1::Amendment::IN_FORCE);
  ExpectReplays(lower->name());
  EXPECT_EQ(ContractNow(name).years(1).volume(), "90");
  EXPECT_EQ(ContractNow(name).sum().units(), 290'000);
  // The customer may bind itself to more, and the term may go on.
  const auto more = Amend(name, CustomerOf(1), 2029, "10", 1'000, true);
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_EQ(ContractNow(name).years_size(), 4);
  // What happened has its room.
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  EXPECT_EQ(ReasonOf(Amend(name, supplier_, 2026, "59", 1'000).status()), "VOLUME_BELOW_ENTRIES");
  const auto withdrawn = Amend(name, supplier_, 2026, "60", 1'000);
  ASSERT_TRUE(Deliver(name, MakeEntry("10")).ok());
  EXPECT_EQ(ReasonOf(CoSign(withdrawn->name(), CustomerOf(1)).status()), "VOLUME_BELOW_ENTRIES");
  ASSERT_TRUE(Do<v1::Amendment>("WithdrawAmendment", CustomerOf(1),
                                Named<v1::WithdrawAmendmentRequest>(withdrawn->name()))
                  .ok());
  EXPECT_EQ(ReasonOf(CoSign(withdrawn->name(), CustomerOf(1)).status()), "AMENDMENT_STATE");
}

// What was delivered, beside what was refused before that, could not be taken any more.
TEST_F(ContractTest, ALowerVolumeLeavesRoomForWhatCame) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  ASSERT_TRUE(RefuseIt(name, "40", v1::CUSTOMERS_FAULT, false).ok());
  EXPECT_EQ(ReasonOf(Amend(name, supplier_, 2026, "99", 1'000).status()), "VOLUME_BELOW_ENTRIES");
  EXPECT_TRUE(Amend(name, supplier_, 2026, "100", 1'001).ok());
}

TEST_F(ContractTest, WhatIsPledgedIsNotLoweredWithoutThePledgee) {
  const std::string name = OffTake();
  EXPECT_EQ(ReasonOf(PledgeTo(name, 1).status()), "PLEDGEE_IS_PARTY");
  auto get = Named<v1::GetContractRequest>(name);
  EXPECT_EQ(Why<v1::Contract>("GetContract", bank_, get), "ACCESS_DENIED");
  const auto pledge = PledgeTo(name, 3);
  ASSERT_TRUE(pledge.ok()) << pledge.status();
  EXPECT_EQ(ReasonOf(PledgeTo(name, 3).status()), "PLEDGE_EXISTS");
  EXPECT_EQ(Must<v1::Contract>("GetContract", bank_, get).name(), name);
  EXPECT_EQ(ReasonOf(Sign(name, bank_).status()), "ACCESS_DENIED");
  const auto lower = Amend(name, supplier_, 2027, "90", 1'000);
  EXPECT_EQ(ReasonOf(CoSign(lower->name(), CustomerOf(1)).status()), "PLEDGEE_CONSENT_MISSING");
  EXPECT_EQ(ReasonOf(ConsentTo(pledge->name(), lower->name(), supplier_).status()),
            "ACCESS_DENIED");
  ASSERT_TRUE(ConsentTo(pledge->name(), lower->name(), bank_).ok());
  ASSERT_TRUE(CoSign(lower->name(), CustomerOf(1)).ok());
  // Another formula may make less of the price.
  v1::AmendContractRequest formula;
  formula.set_parent(name);
  *formula.mutable_amendment()->add_years() = ContractNow(name).years(1);
  formula.mutable_amendment()->set_price_formula("Медь на ЛБМ × 0,5");
  formula.mutable_amendment()->set_reason("x");
  formula.mutable_amendment()->set_text_sha256(std::string(32, 'a'));
  const auto other = Do<v1::Amendment>("AmendContract", supplier_, formula);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_TRUE(other->lowers());
  EXPECT_EQ(ReasonOf(CoSign(other->name(), CustomerOf(1)).status()), "PLEDGEE_CONSENT_MISSING");
  ASSERT_TRUE(ConsentTo(pledge->name(), other->name(), bank_).ok());
  ASSERT_TRUE(CoSign(other->name(), CustomerOf(1)).ok());
  // The same one again is no change, and what raises the contract needs nobody else.
  formula.mutable_amendment()->mutable_years(0)->set_volume("91");
  const auto same = Do<v1::Amendment>("AmendContract", supplier_, formula);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_FALSE(same->lowers());
  ASSERT_TRUE(CoSign(same->name(), CustomerOf(1)).ok());
  formula.mutable_amendment()->set_price_formula("Медь на ЛБМ × 2");
  formula.set_unilateral(true);
  EXPECT_EQ(Why<v1::Amendment>("AmendContract", CustomerOf(1), formula), "UNILATERAL_REDUCTION");
  const auto raise = Amend(name, supplier_, 2027, "95", 1'000);
  ASSERT_TRUE(CoSign(raise->name(), CustomerOf(1)).ok());
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  EXPECT_EQ(ReasonOf(Terminate(name, supplier_).status()), "PLEDGEE_CONSENT_MISSING");
  EXPECT_EQ(ContractNow(name).state(), State::SIGNED);
  ASSERT_TRUE(ConsentTo(pledge->name(), "", bank_).ok());
  EXPECT_EQ(Terminate(name, supplier_)->state(), State::TERMINATED);
  ASSERT_TRUE(
      Do<v1::Pledge>("ReleasePledge", bank_, Named<v1::ReleasePledgeRequest>(pledge->name())).ok());
  EXPECT_EQ(Why<v1::Contract>("GetContract", bank_, get), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(ConsentTo(pledge->name(), "", bank_).status()), "PLEDGE_STATE");
}

// What happened by the last day is recorded after it, of deliveries and refusals alike; what came
// later is not.
TEST_F(ContractTest, AfterTheEnd) {
  const std::string name = OffTake();
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  EXPECT_EQ(ReasonOf(Terminate(name, CustomerOf(1)).status()), "SIGNED_ALREADY");
  ASSERT_TRUE(Terminate(name, supplier_).ok());
  const base::Date last = today();
  GoTo(last.AddDays(10));
  v1::Entry then = MakeEntry("10"), later = MakeEntry("10");
  *then.mutable_event_date() = last.ToProto();
  EXPECT_TRUE(Deliver(name, then).ok());
  EXPECT_EQ(ReasonOf(Deliver(name, later).status()), "EVENT_DATE_INVALID");
  EXPECT_TRUE(AcceptIt(name, then).ok());
  EXPECT_EQ(ReasonOf(AcceptIt(name, later).status()), "EVENT_DATE_INVALID");
  v1::Entry refusal = then;
  refusal.set_fault(v1::CUSTOMERS_FAULT);
  refusal.set_reason("Не нужно");
  EXPECT_TRUE(Enter<v1::RefuseToBuyRequest>("RefuseToBuy", name, CustomerOf(1), refusal).ok());
  *refusal.mutable_event_date() = today().ToProto();
  EXPECT_EQ(
      ReasonOf(Enter<v1::RefuseToBuyRequest>("RefuseToBuy", name, CustomerOf(1), refusal).status()),
      "EVENT_DATE_INVALID");
  EXPECT_TRUE(PayIt(name, 10'000).ok());
  EXPECT_EQ(ContractNow(name).state(), State::TERMINATED);
  GoTo(Day("2027-01-01"));
  EXPECT_TRUE(Assess(name, 2026).ok());
  EXPECT_EQ(ReasonOf(Assess(name, 2027).status()), "YEAR_UNKNOWN");
}

// What the customer alone says of the supplier does not keep it from showing the contrary.
TEST_F(ContractTest, AClaimDoesNotBarADelivery) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("50")).ok());
  const auto claimed = RefuseIt(name, "40", v1::SUPPLIERS_FAULT, false);
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  ASSERT_TRUE(RefuseIt(name, "10", v1::CUSTOMERS_FAULT, false).ok());
  // What the customer answers for itself is not delivered any more; what it claims may be.
  EXPECT_EQ(ReasonOf(Deliver(name, MakeEntry("41")).status()), "OVER_CONTRACT");
  const auto delivered = Deliver(name, MakeEntry("40"));
  ASSERT_TRUE(delivered.ok()) << delivered.status();
  EXPECT_EQ(BalanceOf(name).years(0).performed(), "100.000");
  EXPECT_EQ(ReasonOf(RefuseIt(name, "1", v1::SUPPLIERS_FAULT, false).status()), "OVER_CONTRACT")
      << "what was delivered is not refused as if it was not";
  // It is settled whatever was delivered meanwhile, and corrected downwards.
  auto settle = Named<v1::SettleFaultRequest>(claimed->name());
  settle.set_fault(v1::SUPPLIERS_FAULT);
  ASSERT_TRUE(Do<v1::Entry>("SettleFault", authority_, settle).ok());
  EXPECT_EQ(BalanceOf(name).years(0).performed(), "100.000") << "what was delivered was";
  ASSERT_TRUE(AcceptIt(name, MakeEntry("50")).ok());
  EXPECT_TRUE(Correct(delivered->name(), supplier_, MakeEntry("39")).ok());
  EXPECT_EQ(BalanceOf(name).years(0).performed(), "99.000");
  ExpectSound();
}

// One party's signature does not stay for ever, nor what others said to it.
TEST_F(ContractTest, AOneSidedTerminationEnds) {
  const std::string name = OffTake();
  const auto pledge = PledgeTo(name, 3);
  const auto consents = [&] {
    return Stored(kPledges, store::Key::Of(name, 1)).pledge().consents_to_termination();
  };
  const auto withdraw = [&](const rpc::Caller& caller) {
    auto request = Named<v1::TerminateContractRequest>(name);
    request.set_withdraw(true);
    return ReasonOf(Do<v1::Contract>("TerminateContract", caller, request).status());
  };
  const auto unsaid = [&] {
    auto request = Named<v1::ConsentRequest>(pledge->name());
    request.set_withdraw(true);
    return ReasonOf(Do<v1::Pledge>("Consent", bank_, request).status());
  };
  EXPECT_EQ(ReasonOf(ConsentTo(pledge->name(), "", bank_).status()), "TERMINATION_NOT_SIGNED");
  EXPECT_EQ(withdraw(CustomerOf(1)), "TERMINATION_NOT_SIGNED");
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  EXPECT_EQ(withdraw(supplier_), "TERMINATION_NOT_SIGNED") << "it is not its own";
  ASSERT_TRUE(ConsentTo(pledge->name(), "", bank_).ok());
  // The pledgee takes its consent back.
  EXPECT_EQ(unsaid(), "");
  EXPECT_FALSE(consents());
  EXPECT_EQ(ReasonOf(Terminate(name, supplier_).status()), "PLEDGEE_CONSENT_MISSING");
  ASSERT_TRUE(ConsentTo(pledge->name(), "", bank_).ok());
  // The party takes its signature back, and the consent to it is none.
  EXPECT_EQ(withdraw(CustomerOf(1)), "");
  EXPECT_EQ(ContractNow(name).state(), State::SIGNED);
  EXPECT_TRUE(ContractNow(name).termination_signatures().empty());
  EXPECT_FALSE(consents());
  // An amendment makes another contract of it.
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  ASSERT_TRUE(ConsentTo(pledge->name(), "", bank_).ok());
  const auto more = Amend(name, supplier_, 2027, "101", 1'000);
  ASSERT_TRUE(CoSign(more->name(), CustomerOf(1)).ok());
  EXPECT_TRUE(ContractNow(name).termination_signatures().empty());
  EXPECT_FALSE(consents());
  // And what was signed long ago lapses, on its 31st day.
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  ASSERT_TRUE(ConsentTo(pledge->name(), "", bank_).ok());
  GoTo(today().AddDays(31));
  EXPECT_EQ(Terminate(name, supplier_)->state(), State::SIGNED);
  EXPECT_EQ(ContractNow(name).termination_signatures(0).party(), v1::SUPPLIER_PARTY);
  EXPECT_FALSE(consents());
  ASSERT_TRUE(ConsentTo(pledge->name(), "", bank_).ok());
  GoTo(today().AddDays(30));
  EXPECT_EQ(Terminate(name, CustomerOf(1))->state(), State::TERMINATED);
}

// A consent to an amendment is taken back as long as it waits.
TEST_F(ContractTest, AConsentIsTakenBack) {
  const std::string name = OffTake();
  const auto pledge = PledgeTo(name, 3);
  const auto lower = Amend(name, supplier_, 2027, "90", 1'000);
  ASSERT_TRUE(ConsentTo(pledge->name(), lower->name(), bank_).ok());
  auto unsaid = Named<v1::ConsentRequest>(pledge->name());
  unsaid.set_amendment(lower->name());
  unsaid.set_withdraw(true);
  ASSERT_TRUE(Do<v1::Pledge>("Consent", bank_, unsaid).ok());
  EXPECT_EQ(ReasonOf(CoSign(lower->name(), CustomerOf(1)).status()), "PLEDGEE_CONSENT_MISSING");
  ASSERT_TRUE(ConsentTo(pledge->name(), lower->name(), bank_).ok());
  ASSERT_TRUE(CoSign(lower->name(), CustomerOf(1)).ok());
  EXPECT_EQ(Why<v1::Pledge>("Consent", bank_, unsaid), "AMENDMENT_STATE");
}

// A contract under which nothing came is not fulfilled.
TEST_F(ContractTest, NothingDeliveredIsNotFulfilled) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  const std::string never = SignedContract(MakeContract(1, 2026, 1));
  const std::string back = SignedContract(MakeContract(1, 2026, 1));
  const auto delivery = Deliver(back, MakeEntry("10"));
  ASSERT_TRUE(Correct(delivery->name(), supplier_, MakeEntry("0")).ok());
  GoTo(Day("2027-01-11"));
  ASSERT_TRUE(Assess(never, 2026).ok());
  ASSERT_TRUE(Assess(back, 2026).ok());
  EXPECT_EQ(
      Why<v1::Contract>("FulfilContract", authority_, Named<v1::FulfilContractRequest>(never)),
      "CONTRACT_STATE");
  EXPECT_EQ(Why<v1::Contract>("FulfilContract", authority_, Named<v1::FulfilContractRequest>(back)),
            "NOTHING_DELIVERED");
  ASSERT_TRUE(Terminate(never, CustomerOf(1)).ok());
  EXPECT_EQ(Terminate(never, supplier_)->state(), State::TERMINATED);
}

// What is recorded after an assessment is found by the next one, and the penalty follows.
TEST_F(ContractTest, ALateEntryCorrectsThePenalty) {
  const std::string name = OffTake();
  const auto delivery = Deliver(name, MakeEntry("100"));
  ASSERT_TRUE(AcceptIt(name, MakeEntry("60")).ok());
  ASSERT_TRUE(PayIt(name, 60'000).ok());
  const base::Date then = today();
  GoTo(Day("2027-01-11"));
  const auto first = Assess(name, 2026);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->balance().penalty().units(), 4'000);
  EXPECT_EQ(ReasonOf(Assess(name, 2026).status()), "YEAR_ASSESSED");
  const auto penalty_of = [&](const std::string& penalty) {
    return Must<v1::Penalty>("GetPenalty", auditor_, Named<v1::GetPenaltyRequest>(penalty));
  };
  // Less was there than was told: of what is due only that is owed.
  v1::Entry less = MakeEntry("90");
  *less.mutable_event_date() = then.ToProto();
  const auto corrected = Correct(delivery->name(), supplier_, less);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  const auto second = Assess(name, 2026);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->balance().penalty().units(), 3'000);
  EXPECT_EQ(penalty_of(first->penalty()).state(), v1::Penalty::REPLACED);
  EXPECT_EQ(penalty_of(second->penalty()).amount().units(), 3'000);
  ExpectReplays(second->name());
  EXPECT_EQ(ReasonOf(Assess(name, 2026).status()), "YEAR_ASSESSED");
  auto pay = Named<v1::SettlePenaltyRequest>(second->penalty());
  pay.set_note("П-1");
  ASSERT_TRUE(Do<v1::Penalty>("SettlePenalty", supplier_, pay).ok());
  // What was paid stays paid: the rest is owed beside it.
  less.set_quantity("95");
  const auto again = Correct(corrected->name(), supplier_, less);
  ASSERT_TRUE(again.ok()) << again.status();
  const auto third = Assess(name, 2026);
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->balance().penalty().units(), 3'500);
  EXPECT_EQ(penalty_of(second->penalty()).state(), v1::Penalty::PAID);
  EXPECT_EQ(penalty_of(third->penalty()).amount().units(), 500);
  // And what was paid too much is nobody's penalty.
  less.set_quantity("70");
  ASSERT_TRUE(Correct(again->name(), supplier_, less).ok());
  const auto fourth = Assess(name, 2026);
  ASSERT_TRUE(fourth.ok()) << fourth.status();
  EXPECT_EQ(penalty_of(third->penalty()).state(), v1::Penalty::REPLACED);
  // What was known before stays known.
  auto known = Named<v1::GetAssessmentRequest>(first->name());
  *known.mutable_known_at() = first->update_time();
  EXPECT_EQ(Must<v1::Assessment>("GetAssessment", auditor_, known).balance().penalty().units(),
            4'000);
  ExpectSound();
}

// Paid before the year is judged it is paid; paid after that, the next judgement says so.
TEST_F(ContractTest, APaymentAfterTheAssessmentMeetsTheYear) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("100")).ok());
  GoTo(Day("2027-01-11"));
  EXPECT_EQ(Assess(name, 2026)->balance().decision().outcome(), "NOT_PAID");
  ASSERT_TRUE(PayIt(name, 100'000).ok());
  EXPECT_EQ(Assess(name, 2026)->balance().decision().outcome(), "OBLIGATION_MET");
}

// What is to come nobody knows: no year is judged before it is over.
TEST_F(ContractTest, ABalanceOfADayToComeIsOfToday) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  const v1::Balance ahead = BalanceOf(name, Day("2030-01-01"));
  EXPECT_EQ(base::Date::FromProto(ahead.as_of())->ToString(), today().ToString());
  EXPECT_EQ(ahead.penalty().units(), 0);
  EXPECT_EQ(ahead.years(0).shortfall(), "100.000");
}

// A condition whose day is after the end of the contract is not owed, and costs nothing.
TEST_F(OffsetTest, ConditionsAfterTheEndLapse) {
  const std::string name = Procurement({"2026-03-31", "2026-04-30", "2027-06-30"});
  GoTo(Day("2026-04-30"));
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  ASSERT_TRUE(Terminate(name, supplier_).ok());
  EXPECT_EQ(ContractNow(name).offsets(0).state(), v1::Offset::OPEN);
  EXPECT_EQ(ContractNow(name).offsets(1).state(), v1::Offset::OPEN) << "its day is the last one";
  EXPECT_EQ(ContractNow(name).offsets(2).state(), v1::Offset::LAPSED);
  GoTo(Day("2027-12-01"));
  auto assess = Named<v1::AssessOffsetRequest>(name);
  const auto why = [&](int32_t offset) {
    assess.set_offset(offset);
    return Why<v1::Contract>("AssessOffset", authority_, assess);
  };
  EXPECT_EQ(why(1), "");
  EXPECT_EQ(why(2), "");
  EXPECT_EQ(why(3), "OFFSET_STATE");
  v1::ListPenaltiesRequest list;
  list.set_parent(name);
  EXPECT_EQ(Must<v1::ListPenaltiesResponse>("ListPenalties", auditor_, list).penalties_size(), 2);
  v1::ListDeadlinesRequest deadlines;
  deadlines.set_parent(name);
  const std::string lapsed = ChildName(name, "offsets", 3);
  int seen = 0;
  const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", supplier_, deadlines);
  for (const auto& one : all.deadlines()) {
    if (one.record() != lapsed) continue;
    EXPECT_EQ(one.state(), cases::Deadline::CANCELLED);
    ++seen;
  }
  EXPECT_EQ(seen, 1);
}

TEST_F(ContractTest, TheSupplierReportsOnAYearAndCorrects) {
  const std::string name = OffTake();
  v1::SubmitMonitoringReportRequest request;
  request.set_parent(name);
  request.mutable_report()->set_year(2026);
  request.mutable_report()->set_in_country_value_bp(2'999);
  request.mutable_report()->set_progress("Цех построен");
  EXPECT_EQ(Why<v1::MonitoringReport>("SubmitMonitoringReport", CustomerOf(1), request),
            "ACCESS_DENIED");
  const auto report = Do<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->minimum_reached());
  // A typo is corrected by another report in its place, which says why; what follows is found anew.
  const absl::Time filed = clock_.Now();
  GoTo(today().AddDays(1));
  EXPECT_EQ(Why<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request),
            "CORRECTION_REASON_MISSING");
  request.mutable_report()->set_in_country_value_bp(3'999);
  request.mutable_report()->set_correction_reason("Опечатка");
  request.set_etag(ContractNow(name).etag());
  EXPECT_EQ(Why<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request),
            "VERSION_MISMATCH");
  request.set_etag(report->etag());
  EXPECT_EQ(Why<v1::MonitoringReport>("SubmitMonitoringReport", CustomerOf(1), request),
            "ACCESS_DENIED");
  const auto corrected = Do<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  EXPECT_EQ(corrected->name(), report->name());
  EXPECT_TRUE(corrected->minimum_reached());
  EXPECT_NE(corrected->etag(), report->etag());
  v1::GetMonitoringReportRequest get;
  get.set_name(report->name());
  const auto now = Must<v1::MonitoringReport>("GetMonitoringReport", CustomerOf(1), get);
  EXPECT_EQ(now.correction_reason() + now.etag(), "Опечатка" + corrected->etag());
  EXPECT_EQ(now.create_time().seconds(), report->create_time().seconds());
  get.mutable_known_at()->set_seconds(absl::ToUnixSeconds(filed) + 1);
  const auto before = Must<v1::MonitoringReport>("GetMonitoringReport", CustomerOf(1), get);
  EXPECT_EQ(before.in_country_value_bp(), 2'999);
  EXPECT_FALSE(before.minimum_reached());
  EXPECT_EQ(before.etag(), report->etag());
  v1::ListMonitoringReportsRequest list;
  list.set_parent(name);
  EXPECT_EQ(Must<v1::ListMonitoringReportsResponse>("ListMonitoringReports", auditor_, list)
                .reports_size(),
            1);
  // A correction may say the worse as well.
  request.set_etag(corrected->etag());
  request.mutable_report()->set_in_country_value_bp(0);
  EXPECT_FALSE(
      Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request).minimum_reached());
  request.mutable_report()->set_year(2027);
  request.clear_etag();
  EXPECT_EQ(Why<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request), "YEAR_AHEAD");
}

// Whoever saw another version of what they change did not see the state that is.
TEST_F(ContractTest, AStaleEtagIsToldBeforeTheState) {
  const std::string name = OffTake();
  const auto planned = Plan(MakeContract());
  ASSERT_TRUE(planned.ok()) << planned.status();
  const rpc::Caller customer = CustomerOf(1);
  using Call = std::function<absl::Status(const rpc::Caller&, const std::string&)>;
  const struct {
    const char *method, *state;
    const rpc::Caller& caller;
    Call call;
  } kCases[] = {
      {"UpdateNeed", "CYCLE_STATE", institute_,
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::UpdateNeedRequest update;
         update.mutable_need()->set_name(NeedName(2026, 1));
         update.mutable_need()->set_etag(etag);
         update.mutable_need()->set_quantity("7");
         update.mutable_update_mask()->add_paths("quantity");
         return Do<v1::Need>("UpdateNeed", caller, update).status();
       }},
      {"DeleteNeed", "CYCLE_STATE", institute_,
       [&](const rpc::Caller& caller, const std::string& etag) {
         auto remove = Named<v1::DeleteNeedRequest>(NeedName(2026, 1));
         remove.set_etag(etag);
         return Do<v1::DeleteNeedResponse>("DeleteNeed", caller, remove).status();
       }},
      {"UpdateContract", "CONTRACT_STATE", customer,
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::UpdateContractRequest update;
         update.mutable_contract()->set_name(name);
         update.mutable_contract()->set_etag(etag);
         update.mutable_contract()->set_price_formula("Медь на ЛБМ");
         update.mutable_update_mask()->add_paths("price_formula");
         return Do<v1::Contract>("UpdateContract", caller, update).status();
       }},
      {"SubmitMonitoringReport", "CONTRACT_STATE", supplier_,
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::SubmitMonitoringReportRequest report;
         report.set_parent(planned->name());
         report.set_etag(etag);
         report.mutable_report()->set_year(2026);
         report.mutable_report()->set_in_country_value_bp(2'999);
         report.mutable_report()->set_progress("Цех построен");
         return Do<v1::MonitoringReport>("SubmitMonitoringReport", caller, report).status();
       }},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ReasonOf(c.call(c.caller, "")), c.state) << c.method;
    EXPECT_EQ(ReasonOf(c.call(c.caller, "\"0-0\"")), "VERSION_MISMATCH") << c.method;
    EXPECT_EQ(ReasonOf(c.call(stranger_, "\"0-0\"")), "ACCESS_DENIED") << c.method;
  }
}

// The last year is over when its contract is: what was not told, or wrongly, is told after it.
TEST_F(ContractTest, ReportsComeAfterTheEndOfAContractAsWell) {
  const std::string name = OffTake();
  v1::SubmitMonitoringReportRequest request;
  request.set_parent(name);
  request.mutable_report()->set_year(2026);
  request.mutable_report()->set_in_country_value_bp(2'999);
  request.mutable_report()->set_progress("Цех построен");
  Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request);
  for (const rpc::Caller& party : {CustomerOf(1), supplier_}) {
    Must<v1::Contract>("TerminateContract", party, Named<v1::TerminateContractRequest>(name));
  }
  ASSERT_EQ(ContractNow(name).state(), Contract::TERMINATED);
  GoTo(Day("2027-02-01"));
  request.mutable_report()->set_in_country_value_bp(3'999);
  request.mutable_report()->set_correction_reason("Опечатка");
  EXPECT_TRUE(
      Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request).minimum_reached());
  // Of a year of the contract that it did not live to see nothing is told.
  request.mutable_report()->set_year(2027);
  const absl::Status unlived =
      Do<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, request).status();
  EXPECT_EQ(ReasonOf(unlived), "YEAR_UNKNOWN");
  EXPECT_EQ(SubjectOf(unlived), "report.year");
}

// What is owed for a year is what entries say when the contract is closed, and after that: nobody
// accepts goods until the contract is fulfilled and takes that back then.
TEST_F(ContractTest, AnAcceptanceTakenBackIsJudgedBeforeAndAfterTheContractIsFulfilled) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  const std::string name = SignedContract(MakeContract(1, 2026, 1));
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  const auto first = AcceptIt(name, MakeEntry("60"));
  const auto second = AcceptIt(name, MakeEntry("40"));
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE(PayIt(name, 100'000).ok());
  const v1::Entry none = [&] {
    v1::Entry entry = MakeEntry("0");
    *entry.mutable_event_date() = second->event_date();
    return entry;
  }();
  GoTo(Day("2027-01-10"));
  ASSERT_TRUE(Assess(name, 2026).ok());
  ASSERT_TRUE(Correct(second->name(), CustomerOf(1), none).ok());
  const auto fulfil = Named<v1::FulfilContractRequest>(name);
  EXPECT_EQ(Why<v1::Contract>("FulfilContract", authority_, fulfil), "YEAR_NOT_ASSESSED");
  const auto again = Assess(name, 2026);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->balance().penalty().units(), 4'000);
  auto settle = Named<v1::SettlePenaltyRequest>(again->penalty());
  settle.set_note("П-1");
  Must<v1::Penalty>("SettlePenalty", supplier_, settle);
  ASSERT_EQ(Must<v1::Contract>("FulfilContract", authority_, fulfil).state(), State::FULFILLED);
  ASSERT_TRUE(Correct(first->name(), CustomerOf(1), none).ok());
  EXPECT_EQ(BalanceOf(name).penalty().units(), 10'000);
  const auto after = Assess(name, 2026);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->balance().shortfall(), "100.000");
  // What was paid stays so; the rest is owed.
  EXPECT_EQ(Stored(kPenalties, store::Key::Of(name, 2)).penalty().amount().units(), 6'000);
  ExpectReplays(after->name());
}

// Whoever tells of a waybill or of a payment order again, by another request, has told it before.
TEST_F(ContractTest, ADocumentCountsOnce) {
  const std::string name = OffTake();
  v1::Entry came = MakeEntry("10");
  came.set_document_number("Н-1");
  const auto delivered = Deliver(name, came);
  ASSERT_TRUE(delivered.ok()) << delivered.status();
  const auto twice = Deliver(name, came).status();
  EXPECT_EQ(ReasonOf(twice), "DOCUMENT_RECORDED");
  EXPECT_EQ(base::InfoOf(twice).metadata().at("entry"), delivered->name());
  EXPECT_EQ(BalanceOf(name).years(0).delivered(), "10.000");
  // Of another number, or none, it is another one; an act of acceptance may have the waybill's.
  came.set_document_number("Н-2");
  const auto other = Deliver(name, came);
  ASSERT_TRUE(other.ok()) << other.status();
  ASSERT_TRUE(Deliver(name, MakeEntry("1")).ok());
  ASSERT_TRUE(Deliver(name, MakeEntry("1")).ok());
  ASSERT_TRUE(AcceptIt(name, came).ok());
  v1::Entry paid = MakeEntry("");
  *paid.mutable_amount() = Tenge(500);
  paid.set_document_number("П-1");
  const auto pay = [&] {
    return Enter<v1::RecordPaymentRequest>("RecordPayment", name, CustomerOf(1), paid).status();
  };
  EXPECT_TRUE(pay().ok());
  EXPECT_EQ(ReasonOf(pay()), "DOCUMENT_RECORDED");
  paid.clear_amount();
  EXPECT_EQ(ReasonOf(pay()), "AMOUNT_ZERO");
  // A correction is of the same document, and not of another's; what is taken back may come again.
  came.set_quantity("9");
  const auto corrected = Correct(other->name(), supplier_, came);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  came.set_document_number("Н-1");
  EXPECT_EQ(ReasonOf(Correct(corrected->name(), supplier_, came).status()), "DOCUMENT_RECORDED");
  came.set_quantity("0");
  ASSERT_TRUE(Correct(delivered->name(), supplier_, came).ok());
  came.set_quantity("8");
  EXPECT_TRUE(Deliver(name, came).ok());
  // One act refuses goods by the fault of the one and of the other.
  const auto refuse = [&](v1::Fault fault) {
    v1::Entry entry = MakeEntry("1");
    entry.set_document_number("О-1");
    entry.set_fault(fault);
    entry.set_delivered(true);
    entry.set_reason("Не нужно");
    return ReasonOf(
        Enter<v1::RefuseToBuyRequest>("RefuseToBuy", name, CustomerOf(1), entry).status());
  };
  EXPECT_EQ(refuse(v1::CUSTOMERS_FAULT), "");
  EXPECT_EQ(refuse(v1::NOBODYS_FAULT), "");
  EXPECT_EQ(refuse(v1::CUSTOMERS_FAULT), "DOCUMENT_RECORDED");
  ExpectSound();
}

// A court asks for what the penalty of then rested on, not for what was found since.
TEST_F(ContractTest, ADecisionIsReplayedAsItStood) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  const std::string name = SignedContract(MakeContract(1, 2026, 1));
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  const auto accepted = AcceptIt(name, MakeEntry("100"));
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  ASSERT_TRUE(PayIt(name, 100'000).ok());
  v1::Entry less;
  less.set_year(2026);
  *less.mutable_event_date() = accepted->event_date();
  less.set_quantity("40");
  GoTo(Day("2027-01-10"));
  const auto first = Assess(name, 2026);
  ASSERT_TRUE(first.ok()) << first.status();
  GoTo(Day("2027-01-20"));
  ASSERT_TRUE(Correct(accepted->name(), CustomerOf(1), less).ok());
  ASSERT_TRUE(Assess(name, 2026).ok());
  auto replay = Named<v1::ReplayDecisionRequest>(first->name());
  const auto outcome = [&] {
    const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
    EXPECT_TRUE(replayed.same());
    EXPECT_EQ(replayed.replays_size(), 1);
    return replayed.replays(0).replayed().outcome();
  };
  EXPECT_EQ(outcome(), "SHORTFALL");
  *replay.mutable_known_at() = first->update_time();
  EXPECT_EQ(outcome(), "OBLIGATION_MET");
  replay.clear_known_at();
  *replay.mutable_as_of() = Day("2027-01-15").ToProto();
  EXPECT_EQ(outcome(), "OBLIGATION_MET");
  *replay.mutable_as_of() = Day("2027-01-05").ToProto();
  EXPECT_EQ(Why<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay), "NOT_FOUND");
}

}  // namespace
}  // namespace nisi::contracts
