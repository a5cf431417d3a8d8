// The states of all that has some.
#include "common/base/roles.h"
#include "services/contracts/errors.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {
namespace {

using base::Duty;
using base::kByItself;
using base::kSame;

constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);
constexpr uint32_t kSubsoil = base::RoleBit(rpc::v1::AUTHORITY_SUBSOIL);
constexpr uint32_t kInstitute = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY);
constexpr uint32_t kCustomer = base::RoleBit(rpc::v1::CUSTOMER);
constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);

}  // namespace

const base::Machine<Cycle::State, CycleVerb>& CycleMachine() {
  using S = Cycle;
  using V = CycleVerb;
  static const auto* const kMachine = new base::Machine<Cycle::State, CycleVerb>(
      "CYCLE", S::State_descriptor(),
      {{"edit needs", errors::Needs},
       {"close needs", errors::Needs},
       {"reopen needs", errors::Needs},
       {"form the List", errors::Listing},
       {"send the List", errors::Listing},
       {"take the List back", errors::Listing},
       {"edit the List", errors::Listing},
       {"propose", errors::Agreeing},
       {"answer", errors::Agreeing},
       {"submit for approval", errors::Agreeing},
       {"return for agreement", errors::Agreeing},
       {"approve", errors::Approving},
       {"confirm publication", errors::Approving},
       {"revise the List", errors::Listing},
       {"withdraw the List", errors::Approving}},
      {{{S::NEEDS}, V::kEditNeeds, kSame, kInstitute | kSubsoil, errors::Needs},
       {{S::NEEDS}, V::kCloseNeeds, S::LISTING, kInstitute | kSubsoil, errors::Needs},
       {{S::LISTING}, V::kReopenNeeds, S::NEEDS, kAuthority, errors::Needs},
       {{S::LISTING}, V::kForm, kSame, kAuthority, errors::Listing, {.duty = Duty::kPrepares}},
       {{S::LISTING}, V::kSend, S::AGREEMENT, kAuthority, errors::Listing},
       {{S::AGREEMENT}, V::kTakeBack, S::LISTING, kAuthority, errors::Listing},
       {{S::LISTING, S::AGREEMENT},
        V::kEditList,
        kSame,
        kAuthority,
        errors::Listing,
        {.duty = Duty::kPrepares}},
       {{S::AGREEMENT}, V::kPropose, kSame, kSubsoil, errors::Agreeing},
       {{S::AGREEMENT}, V::kAnswer, kSame, kCustomer, errors::Agreeing},
       {{S::AGREEMENT}, V::kSubmit, S::APPROVAL, kSubsoil, errors::Agreeing},
       {{S::APPROVAL}, V::kReturn, S::AGREEMENT, kAuthority, errors::Agreeing},
       {{S::APPROVAL},
        V::kApprove,
        S::APPROVED,
        kAuthority,
        errors::Approving,
        {.duty = Duty::kDecides, .when = "there is something to place or to take out"}},
       {{S::APPROVAL},
        V::kApprove,
        S::PUBLISHED,
        kAuthority,
        errors::Approving,
        {.duty = Duty::kDecides, .when = "there is nothing"}},
       {{S::APPROVED}, V::kPublished, S::PUBLISHED, kByItself, errors::Approving},
       {{S::APPROVED, S::PUBLISHED, S::WITHDRAWN},
        V::kRevise,
        S::LISTING,
        kAuthority,
        errors::Listing},
       {{S::APPROVED, S::PUBLISHED}, V::kWithdraw, S::WITHDRAWN, kAuthority, errors::Approving}});
  return *kMachine;
}

const base::Machine<Proposal::State, ProposalVerb>& ProposalMachine() {
  using S = Proposal;
  using V = ProposalVerb;
  static const auto* const kMachine = new base::Machine<Proposal::State, ProposalVerb>(
      "PROPOSAL", S::State_descriptor(),
      {{"agree", errors::Agreeing}, {"decline", errors::Agreeing}, {"lapse", errors::Agreeing}},
      {{{S::PROPOSED}, V::kAgree, S::AGREED, kCustomer, errors::Agreeing},
       {{S::PROPOSED, S::AGREED}, V::kDecline, S::DECLINED, kCustomer, errors::Agreeing},
       {{S::PROPOSED, S::AGREED}, V::kLapse, S::LAPSED, kByItself, errors::Agreeing}});
  return *kMachine;
}

const base::Machine<Contract::State, ContractVerb>& ContractMachine() {
  using S = Contract;
  using V = ContractVerb;
  const std::vector<Contract::State> live{S::SIGNED, S::PRODUCTION_SETUP, S::DELIVERING};
  // What was delivered may be taken, and what happened before the end of a contract is still
  // recorded after it; what that end leaves open is proven and judged.
  const std::vector<Contract::State> delivered{S::DELIVERING, S::FULFILLED, S::TERMINATED};
  const std::vector<Contract::State> recorded{S::SIGNED, S::PRODUCTION_SETUP, S::DELIVERING,
                                              S::FULFILLED, S::TERMINATED};
  const std::vector<Contract::State> judged{S::SIGNED, S::PRODUCTION_SETUP, S::DELIVERING,
                                            S::TERMINATED};
  static const auto* const kMachine = new base::Machine<Contract::State, ContractVerb>(
      "CONTRACT", S::State_descriptor(),
      {{"edit", errors::Concluding},
       {"sign", errors::Concluding},
       {"begin production", errors::Organizing},
       {"deliver", errors::Buying},
       {"accept", errors::Buying},
       {"pay", errors::Buying},
       {"refuse to buy", errors::NotBuying},
       {"settle fault", errors::NotBuying},
       {"correct an entry", errors::Buying},
       {"prove a condition", errors::Offsets},
       {"accept a proof", errors::Offsets},
       {"assess a condition", errors::OffsetPenalty},
       {"amend", errors::Buying},
       {"pledge", errors::Organizing},
       {"assess a year", errors::Monitoring},
       {"report", errors::Monitoring},
       {"terminate", errors::Buying},
       {"fulfil", errors::Monitoring}},
      {{{S::PLANNED}, V::kEdit, kSame, kCustomer, errors::Concluding},
       {{S::PLANNED},
        V::kSign,
        kSame,
        kCustomer | kEntity,
        errors::Concluding,
        {.when = "the first of two"}},
       {{S::PLANNED},
        V::kSign,
        S::SIGNED,
        kCustomer | kEntity,
        errors::Concluding,
        {.when = "the second"}},
       {{S::SIGNED}, V::kBeginProduction, S::PRODUCTION_SETUP, kEntity, errors::Organizing},
       {{S::SIGNED, S::PRODUCTION_SETUP}, V::kDeliver, S::DELIVERING, kEntity, errors::Buying},
       {delivered, V::kDeliver, kSame, kEntity, errors::Buying},
       {delivered, V::kAccept, kSame, kCustomer, errors::Buying},
       {recorded, V::kPay, kSame, kCustomer, errors::Buying},
       {recorded, V::kRefuse, kSame, kCustomer, errors::NotBuying},
       {recorded, V::kSettleFault, kSame, kEntity | kAuthority, errors::NotBuying},
       {recorded, V::kCorrect, kSame, kCustomer, errors::Buying},
       {delivered, V::kCorrect, kSame, kEntity, errors::Buying},
       {judged, V::kProve, kSame, kEntity, errors::Offsets},
       {judged, V::kAcceptOffset, kSame, kCustomer, errors::Offsets},
       {judged, V::kAssessOffset, kSame, kAuthority, errors::OffsetPenalty},
       {live, V::kAmend, kSame, kCustomer | kEntity, errors::Buying},
       {live, V::kPledge, kSame, kEntity, errors::Organizing},
       {recorded, V::kAssess, kSame, kAuthority, errors::Monitoring},
       {recorded, V::kReport, kSame, kEntity, errors::Monitoring},
       {{S::PLANNED}, V::kTerminate, S::CANCELLED, kCustomer | kEntity, errors::Buying},
       {live,
        V::kTerminate,
        kSame,
        kCustomer | kEntity,
        errors::Buying,
        {.when = "the first of two, or taken back"}},
       {live,
        V::kTerminate,
        S::TERMINATED,
        kCustomer | kEntity,
        errors::Buying,
        {.when = "the second"}},
       {{S::DELIVERING}, V::kFulfil, S::FULFILLED, kAuthority, errors::Monitoring}});
  return *kMachine;
}

const base::Machine<Amendment::State, AmendmentVerb>& AmendmentMachine() {
  using S = Amendment;
  using V = AmendmentVerb;
  static const auto* const kMachine = new base::Machine<Amendment::State, AmendmentVerb>(
      "AMENDMENT", S::State_descriptor(),
      {{"co-sign", errors::Buying}, {"withdraw", errors::Buying}, {"consent", errors::Organizing}},
      {{{S::PROPOSED}, V::kSign, S::IN_FORCE, kCustomer | kEntity, errors::Buying},
       {{S::PROPOSED}, V::kWithdraw, S::WITHDRAWN, kCustomer | kEntity, errors::Buying},
       {{S::PROPOSED}, V::kConsent, kSame, kEntity, errors::Organizing}});
  return *kMachine;
}

const base::Machine<Pledge::State, PledgeVerb>& PledgeMachine() {
  using S = Pledge;
  using V = PledgeVerb;
  static const auto* const kMachine = new base::Machine<Pledge::State, PledgeVerb>(
      "PLEDGE", S::State_descriptor(),
      {{"consent", errors::Organizing}, {"release", errors::Organizing}},
      {{{S::ACTIVE}, V::kConsent, kSame, kEntity, errors::Organizing},
       {{S::ACTIVE}, V::kRelease, S::RELEASED, kEntity, errors::Organizing}});
  return *kMachine;
}

const base::Machine<Penalty::State, PenaltyVerb>& PenaltyMachine() {
  using S = Penalty;
  using V = PenaltyVerb;
  static const auto* const kMachine = new base::Machine<Penalty::State, PenaltyVerb>(
      "PENALTY", S::State_descriptor(),
      {{"settle", errors::NotBuying}, {"replace", errors::Monitoring}},
      {{{S::DUE},
        V::kSettle,
        S::PAID,
        kCustomer | kEntity,
        errors::NotBuying,
        {.when = "it was paid"}},
       {{S::DUE},
        V::kSettle,
        S::WAIVED,
        kCustomer | kEntity,
        errors::NotBuying,
        {.when = "it is given up"}},
       {{S::DUE}, V::kReplace, S::REPLACED, kByItself, errors::Monitoring}});
  return *kMachine;
}

}  // namespace nisi::contracts
