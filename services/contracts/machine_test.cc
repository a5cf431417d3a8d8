// The tables of states against what the methods do: every verb by every role in every state.
#include "common/cases/machine_testing.h"

#include "common/base/roles.h"
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

class WalkTest : public ContractsTest {
 protected:
  // Somebody who has that one role, over the contracts of the walk where it is a party's, and has
  // done nothing yet.
  rpc::Caller Walker(rpc::Role as) {
    return CallerOf(absl::StrCat("walker-", ++walkers_), {as}, Bin(as == rpc::v1::ENTITY ? 2 : 1));
  }

  // ---- Cycles

  static int32_t YearOf(const std::string& name) { return std::stoi(name.substr(7)); }
  template <class Request>
  absl::Status StepOf(const std::string& method, const std::string& name,
                      const rpc::Caller& caller) {
    return Do<v1::Cycle>(method, caller, Named<Request>(name)).status();
  }
  // In NEEDS, with a good on its List that is proposed to a customer.
  std::string MadeCycle() {
    const int32_t year = ++year_;
    const std::string name = CycleName(year);
    Open(year);
    v1::Need need = MakeNeed(1, 1);
    need.set_first_year(year);
    EXPECT_TRUE(Submit({need}, year).ok());
    EXPECT_TRUE(StepOf<v1::CloseNeedsRequest>("CloseNeeds", name, institute_).ok());
    EXPECT_TRUE(StepOf<v1::FormListRequest>("FormList", name, former_).ok());
    EXPECT_TRUE(StepOf<v1::SendListRequest>("SendList", name, former_).ok());
    EXPECT_TRUE(ProposeIn(year, subsoil_).ok());
    EXPECT_TRUE(StepOf<v1::ReturnToListingRequest>("ReturnToListing", name, former_).ok());
    EXPECT_TRUE(StepOf<v1::ReopenNeedsRequest>("ReopenNeeds", name, former_).ok());
    return name;
  }
  absl::Status ProposeIn(int32_t year, const rpc::Caller& caller, int n = 1) {
    v1::ProposeRequest request;
    request.set_parent(CycleName(year));
    v1::Proposal& proposal = *request.mutable_proposal();
    proposal.set_item(ItemName(year, 1));
    proposal.set_customer(Bin(n));
    proposal.set_volume("1");
    proposal.set_first_year(year);
    proposal.set_years(1);
    proposal.set_specification("x");
    return Do<v1::Proposal>("Propose", caller, request).status();
  }
  absl::Status ActOnCycle(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as);
    const int32_t year = YearOf(name);
    const bool authority = as == rpc::v1::AUTHORITY_INDUSTRY;
    const Cycle::State state = CycleNow(year).state();
    switch (static_cast<CycleVerb>(edge.verb)) {
      case CycleVerb::kEditNeeds: {
        v1::SubmitNeedsRequest request;
        request.set_parent(name);
        *request.add_needs() = MakeNeed(1, 1);
        request.mutable_needs(0)->set_first_year(year);
        return Do<v1::SubmitNeedsResponse>("SubmitNeeds", caller, request).status();
      }
      case CycleVerb::kCloseNeeds:
        return StepOf<v1::CloseNeedsRequest>("CloseNeeds", name, caller);
      case CycleVerb::kReopenNeeds:
        return StepOf<v1::ReopenNeedsRequest>("ReopenNeeds", name, caller);
      case CycleVerb::kForm:
        return StepOf<v1::FormListRequest>("FormList", name, caller);
      case CycleVerb::kSend:
        if (authority && state == Cycle::LISTING) {
          EXPECT_TRUE(StepOf<v1::FormListRequest>("FormList", name, former_).ok());
        }
        return StepOf<v1::SendListRequest>("SendList", name, caller);
      case CycleVerb::kTakeBack:
        return StepOf<v1::ReturnToListingRequest>("ReturnToListing", name, caller);
      case CycleVerb::kEditList: {
        v1::UpdateListItemRequest request;
        request.mutable_item()->set_name(ItemName(year, 1));
        request.mutable_item()->set_quantity(absl::StrCat(++walkers_));
        request.mutable_update_mask()->add_paths("quantity");
        return Do<v1::ListItem>("UpdateListItem", caller, request).status();
      }
      case CycleVerb::kPropose:
        return ProposeIn(year, caller, 4);
      case CycleVerb::kAnswer:
        return Do<v1::Proposal>("Agree", caller, Named<v1::AgreeRequest>(ProposalName(year, 1)))
            .status();
      case CycleVerb::kSubmit:
        return StepOf<v1::SubmitForApprovalRequest>("SubmitForApproval", name, caller);
      case CycleVerb::kReturn:
        return StepOf<v1::ReturnForAgreementRequest>("ReturnForAgreement", name, caller);
      case CycleVerb::kApprove: {
        if (authority && state == Cycle::APPROVAL && edge.to == Cycle::APPROVED) {
          EXPECT_TRUE(
              StepOf<v1::ReturnForAgreementRequest>("ReturnForAgreement", name, authority_).ok());
          EXPECT_TRUE(AgreeTo(ProposalName(year, 1), 1).ok());
          EXPECT_TRUE(
              StepOf<v1::SubmitForApprovalRequest>("SubmitForApproval", name, subsoil_).ok());
        }
        auto request = Named<v1::ApproveCycleRequest>(name);
        request.set_order_number("1");
        *request.mutable_order_date() = today().ToProto();
        return Do<v1::Cycle>("ApproveCycle", caller, request).status();
      }
      case CycleVerb::kRevise:
        return StepOf<v1::ReviseListRequest>("ReviseList", name, caller);
      case CycleVerb::kWithdraw:
        return StepOf<v1::WithdrawListRequest>("WithdrawList", name, caller);
      case CycleVerb::kPublished:
        break;
    }
    return absl::InternalError("nobody calls this");
  }

  // ---- Contracts

  template <class Request>
  Request OffsetOf(const std::string& name) {
    auto request = Named<Request>(name);
    request.set_offset(1);
    return request;
  }
  absl::Status Prove(const std::string& name, const rpc::Caller& caller) {
    auto request = OffsetOf<v1::ProveOffsetRequest>(name);
    *request.mutable_value() = Tenge(1);
    *request.add_documents() = Paper();
    return Do<v1::Contract>("ProveOffset", caller, request).status();
  }
  absl::Status AssessIt(const std::string& name, const rpc::Caller& caller) {
    v1::AssessYearRequest request;
    request.set_parent(name);
    request.set_year(ContractNow(name).years(0).year());
    return Do<v1::Assessment>("AssessYear", caller, request).status();
  }
  // The contract's one year is over, and all that it owes is settled.
  void EndTerm(const std::string& name) {
    GoTo(*base::Date::Of(today().year() + 2, 1, 10));
    EXPECT_TRUE(AssessIt(name, authority_).ok());
    const Contract contract = ContractNow(name);
    for (const Offset& offset : contract.offsets()) {
      if (offset.state() == Offset::PENALIZED) continue;
      EXPECT_TRUE(
          Do<v1::Contract>("AssessOffset", authority_, OffsetOf<v1::AssessOffsetRequest>(name))
              .ok());
    }
    v1::ListPenaltiesRequest list;
    list.set_parent(name);
    const auto penalties = Must<v1::ListPenaltiesResponse>("ListPenalties", auditor_, list);
    for (const auto& penalty : penalties.penalties()) {
      auto request = Named<v1::SettlePenaltyRequest>(penalty.name());
      request.set_waived(true);
      request.set_note("x");
      const rpc::Caller creditor = penalty.creditor() == Bin(1) ? CustomerOf(1) : supplier_;
      EXPECT_TRUE(Do<v1::Penalty>("SettlePenalty", creditor, request).ok());
    }
  }
  static bool IsRecorded(Contract::State state) {
    return state == Contract::SIGNED || state == Contract::PRODUCTION_SETUP ||
           state == Contract::DELIVERING || state == Contract::FULFILLED ||
           state == Contract::TERMINATED;
  }
  v1::Entry EntryOf(const Contract& contract, const std::string& quantity) {
    v1::Entry entry = MakeEntry(quantity, contract.years(0).year());
    *entry.mutable_event_date() = contract.has_terminate_date() ? contract.terminate_date()
                                  : contract.state() == Contract::FULFILLED
                                      ? base::Date::Of(entry.year(), 12, 31)->ToProto()
                                      : today().ToProto();
    return entry;
  }

  absl::Status ActOnContract(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as);
    const Contract contract = ContractNow(name);
    const rpc::Caller other = as == rpc::v1::ENTITY ? CustomerOf(1) : supplier_;
    const bool party = as == rpc::v1::ENTITY || as == rpc::v1::CUSTOMER;
    const bool recorded = IsRecorded(contract.state());
    const bool judged = recorded && contract.state() != Contract::FULFILLED;
    v1::Entry entry = EntryOf(contract, "1");
    switch (static_cast<ContractVerb>(edge.verb)) {
      case ContractVerb::kEdit: {
        v1::UpdateContractRequest request;
        request.mutable_contract()->set_name(name);
        request.mutable_contract()->set_price_formula("x");
        request.mutable_update_mask()->add_paths("price_formula");
        return Do<v1::Contract>("UpdateContract", caller, request).status();
      }
      case ContractVerb::kSign:
        if (party && contract.state() == Contract::PLANNED && edge.to == Contract::SIGNED) {
          EXPECT_TRUE(Sign(name, other).ok());
        }
        return Sign(name, caller).status();
      case ContractVerb::kBeginProduction:
        return Do<v1::Contract>("BeginProduction", caller, Named<v1::BeginProductionRequest>(name))
            .status();
      case ContractVerb::kDeliver:
        return Enter<v1::RecordDeliveryRequest>("RecordDelivery", name, caller, entry).status();
      case ContractVerb::kAccept:
        if (as == rpc::v1::CUSTOMER && recorded && edge.from == contract.state()) {
          EXPECT_TRUE(Deliver(name, entry).ok());
        }
        return Enter<v1::AcceptGoodsRequest>("AcceptGoods", name, caller, entry).status();
      case ContractVerb::kPay:
        *entry.mutable_amount() = Tenge(1);
        return Enter<v1::RecordPaymentRequest>("RecordPayment", name, caller, entry).status();
      case ContractVerb::kRefuse:
        entry.set_fault(v1::CUSTOMERS_FAULT);
        entry.set_reason("x");
        return Enter<v1::RefuseToBuyRequest>("RefuseToBuy", name, caller, entry).status();
      case ContractVerb::kSettleFault: {
        auto request = Named<v1::SettleFaultRequest>(RefusalOf(contract));
        request.set_fault(v1::SUPPLIERS_FAULT);
        return Do<v1::Entry>("SettleFault", caller, request).status();
      }
      case ContractVerb::kCorrect: {
        std::string corrected = RefusalOf(contract);
        if (as == rpc::v1::ENTITY && recorded && contract.state() >= Contract::DELIVERING) {
          corrected = Deliver(name, entry)->name();
        }
        entry.set_fault(v1::CUSTOMERS_FAULT);
        entry.set_reason("x");
        return Correct(corrected, caller, entry).status();
      }
      case ContractVerb::kProve:
        return Prove(name, caller);
      case ContractVerb::kAcceptOffset: {
        if (as == rpc::v1::CUSTOMER && judged) {
          EXPECT_TRUE(Prove(name, supplier_).ok());
        }
        auto request = OffsetOf<v1::AcceptOffsetRequest>(name);
        *request.mutable_accepted() = Tenge(1);
        return Do<v1::Contract>("AcceptOffset", caller, request).status();
      }
      case ContractVerb::kAssessOffset:
        if (as == rpc::v1::AUTHORITY_INDUSTRY && judged) {
          GoTo(*base::Date::Of(today().year() + 2, 1, 10));
        }
        return Do<v1::Contract>("AssessOffset", caller, OffsetOf<v1::AssessOffsetRequest>(name))
            .status();
      case ContractVerb::kAmend: {
        v1::AmendContractRequest request;
        request.set_parent(name);
        *request.mutable_amendment()->add_years() = contract.years(0);
        request.mutable_amendment()->set_reason("x");
        request.mutable_amendment()->set_text_sha256(std::string(32, 'a'));
        return Do<v1::Amendment>("AmendContract", caller, request).status();
      }
      case ContractVerb::kPledge: {
        v1::PledgeContractRequest request;
        request.set_parent(name);
        request.mutable_pledge()->set_pledgee(Bin(3));
        request.mutable_pledge()->set_agreement_number("1");
        *request.mutable_pledge()->mutable_agreement_date() = today().ToProto();
        return Do<v1::Pledge>("PledgeContract", caller, request).status();
      }
      case ContractVerb::kAssess:
        if (as == rpc::v1::AUTHORITY_INDUSTRY && judged) {
          GoTo(*base::Date::Of(today().year() + 1, 1, 10));
        }
        // Again, of what came since.
        if (as == rpc::v1::AUTHORITY_INDUSTRY && recorded && !judged) {
          EXPECT_TRUE(PayIt(name, 1, contract.years(0).year()).ok());
        }
        return AssessIt(name, caller);
      case ContractVerb::kReport: {
        v1::SubmitMonitoringReportRequest request;
        request.set_parent(name);
        request.mutable_report()->set_year(contract.years(0).year());
        request.mutable_report()->set_progress("x");
        return Do<v1::MonitoringReport>("SubmitMonitoringReport", caller, request).status();
      }
      case ContractVerb::kTerminate:
        if (party && edge.to == Contract::TERMINATED && judged &&
            contract.state() != Contract::TERMINATED) {
          EXPECT_TRUE(Do<v1::Contract>("TerminateContract", other,
                                       Named<v1::TerminateContractRequest>(name))
                          .ok());
        }
        return Do<v1::Contract>("TerminateContract", caller,
                                Named<v1::TerminateContractRequest>(name))
            .status();
      case ContractVerb::kFulfil:
        if (as == rpc::v1::AUTHORITY_INDUSTRY && contract.state() == Contract::DELIVERING) {
          EndTerm(name);
        }
        return Do<v1::Contract>("FulfilContract", caller, Named<v1::FulfilContractRequest>(name))
            .status();
    }
    return absl::InternalError("nobody calls this");
  }
  // A refusal under the contract: one that is there, as long as its state lets one in.
  std::string RefusalOf(const Contract& contract) {
    if (IsRecorded(contract.state()) && !refusals_.contains(contract.name())) {
      v1::Entry entry = EntryOf(contract, "1");
      entry.set_fault(v1::NOBODYS_FAULT);
      entry.set_reason("x");
      const auto refused =
          Enter<v1::RefuseToBuyRequest>("RefuseToBuy", contract.name(), CustomerOf(1), entry);
      EXPECT_TRUE(refused.ok()) << refused.status();
      if (refused.ok()) refusals_[contract.name()] = refused->name();
    }
    const auto found = refusals_.find(contract.name());
    return found == refusals_.end() ? ChildName(contract.name(), "entries", 1) : found->second;
  }
  cases::MachineFixture ContractFixture(v1::ContractType type) {
    cases::MachineFixture fixture;
    fixture.make = [this, type] {
      v1::Contract contract = MakeContract(1, today().year(), 1);
      if (type == v1::CONTRACT_PROCUREMENT) {
        *contract.mutable_years(0)->mutable_price() = Tenge(1'000'000'000);
        v1::Offset& offset = *contract.add_offsets();
        offset.set_kind(v1::Offset::TRAINING);
        offset.set_description("x");
        *offset.mutable_value() = Tenge(5'000'000'000);
        *offset.mutable_due_date() = today().ToProto();
      }
      const auto planned = Plan(contract);
      EXPECT_TRUE(planned.ok()) << planned.status();
      return planned.ok() ? planned->name() : std::string();
    };
    fixture.state = [this](const std::string& name) {
      return static_cast<int>(ContractNow(name).state());
    };
    fixture.position = [this] { return position(); };
    fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
      return ActOnContract(edge, name, as);
    };
    return fixture;
  }

 private:
  int walkers_ = 0;
  int32_t year_ = 2026;
  std::map<std::string, std::string> refusals_;
};

TEST_F(WalkTest, CyclesByEveryVerbAndRoleInEveryState) {
  Register(1);
  Register(4);
  cases::MachineFixture fixture;
  fixture.make = [this] { return MadeCycle(); };
  fixture.state = [this](const std::string& name) {
    return static_cast<int>(CycleNow(YearOf(name)).state());
  };
  fixture.position = [this] { return position(); };
  fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    return ActOnCycle(edge, name, as);
  };
  fixture.happen = [this](const base::EdgeDef&, const std::string& name) {
    suppliers::v1::PublishDemandsRequest message;
    message.set_name(absl::StrCat("publications/", YearOf(name), "-1-1"));
    const store::OutboxMessage placed{"suppliers", "1",
                                      "/nisi.suppliers.v1.SuppliersService/PublishDemands",
                                      message.SerializeAsString()};
    suppliers::v1::Publication said;
    said.set_name(message.name());
    said.set_state(suppliers::v1::Publication::PUBLISHED);
    return Note(placed, said.SerializeAsString());
  };
  const cases::Walked walked = cases::WalkMachine(CycleMachine(), fixture);
  EXPECT_EQ(walked.taken, 4 + 4 + 5 + 3 + 5);
  EXPECT_GT(walked.refused, 900);
  ExpectSound();
}

TEST_F(WalkTest, OffTakeContractsByEveryVerbAndRoleInEveryState) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  cases::MachineFixture fixture = ContractFixture(v1::OFF_TAKE);
  fixture.skips = [](int verb) {
    const auto of = static_cast<ContractVerb>(verb);
    return of == ContractVerb::kProve || of == ContractVerb::kAcceptOffset ||
           of == ContractVerb::kAssessOffset || of == ContractVerb::kSettleFault ||
           of == ContractVerb::kCorrect;
  };
  const cases::Walked walked = cases::WalkMachine(ContractMachine(), fixture);
  EXPECT_GT(walked.taken, 40);
  EXPECT_GT(walked.refused, 1000);
  ExpectSound();
}

TEST_F(WalkTest, ContractProcurementByEveryVerbAndRoleInEveryState) {
  Register(1);
  sources_->made = {Code(1)};
  ToApproved({MakeNeed(1, 1)}, 1);
  cases::MachineFixture fixture = ContractFixture(v1::CONTRACT_PROCUREMENT);
  fixture.skips = [](int verb) {
    const auto of = static_cast<ContractVerb>(verb);
    return of == ContractVerb::kPledge || of == ContractVerb::kSettleFault ||
           of == ContractVerb::kCorrect;
  };
  const cases::Walked walked = cases::WalkMachine(ContractMachine(), fixture);
  EXPECT_GT(walked.taken, 50);
  EXPECT_GT(walked.refused, 1000);
  ExpectSound();
}

}  // namespace
}  // namespace nisi::contracts
