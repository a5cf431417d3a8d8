// Contracts: planned, signed by both, ended.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "common/norms/term.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

absl::StatusOr<std::optional<ItemRow>> ItemOf(const store::Reader& reader,
                                              const Contract& contract) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(contract.item(), "cycles/*/items/*"));
  ASSIGN_OR_RETURN(auto found, reader.Find(kItems, key));
  std::optional<ItemRow> item;
  if (found.has_value()) item = std::move(found->row);
  return item;
}

// What a contract that is being written must be; fills what follows from the List.
absl::Status Complete(const store::Tx& tx, Contract* contract) {
  if (contract->customer() == contract->supplier()) return errors::SameParties();
  ASSIGN_OR_RETURN(const std::optional<ItemRow> row, ItemOf(tx, *contract));
  if (!row.has_value() || row->item().state() != ListItem::APPROVED) {
    return errors::ItemNotApproved();
  }
  const ListItem& item = row->item();
  RETURN_IF_ERROR(EligibleCustomer(tx, contract->customer(), "contract.customer").status());
  contract->set_type(item.contract_type());
  contract->mutable_good()->set_ens_tru(item.ens_tru());
  contract->mutable_good()->set_goods_code(item.goods_code());
  contract->mutable_good()->set_unit(item.unit());
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(contract->years(), "contract.years"));
  if (terms.front().year < tx.today().year()) {
    return errors::YearsInvalid("contract.years[0]", "must be this year or a later one");
  }
  ASSIGN_OR_RETURN(const base::Money sum, SumOf(terms));
  *contract->mutable_sum() = sum.ToProto();
  RETURN_IF_ERROR(CheckOffsets(*contract, tx.today()));
  for (int i = 0; i < contract->offsets_size(); ++i) {
    Offset& offset = *contract->mutable_offsets(i);
    offset.set_number(i + 1);
    offset.set_state(Offset::OPEN);
    *offset.mutable_accepted() = base::Money().ToProto();
  }
  return absl::OkStatus();
}

// Both have signed: as the law demands on this day, or not at all.
absl::Status Conclude(const Env& env, store::Tx& tx, Contract* contract) {
  ASSIGN_OR_RETURN(const std::optional<ItemRow> item, ItemOf(tx, *contract));
  ASSIGN_OR_RETURN(const auto customer, tx.Find(kCustomers, store::Key::Of(contract->customer())));
  ASSIGN_OR_RETURN(
      *contract->mutable_conformity(),
      JudgeConformity({contract, item.has_value() ? &item->item() : nullptr,
                       customer.has_value() ? &customer->row.customer() : nullptr, tx.today()},
                      *env.norms));
  cases::SetDecideTime(tx, contract->mutable_conformity());
  if (const auto* finding = FirstUnsatisfied(contract->conformity()); finding != nullptr) {
    return errors::NotConform(finding->rule(), finding->legal_basis());
  }
  RETURN_IF_ERROR(CheckOffsets(*contract, tx.today()));
  *contract->mutable_sign_date() = tx.today().ToProto();
  RETURN_IF_ERROR(OpenContractDeadlines(env, tx, *contract, 0));
  for (const Offset& offset : contract->offsets()) {
    RETURN_IF_ERROR(OpenOffsetDay(tx, *contract, offset));
  }
  return absl::OkStatus();
}

// What one party signed long ago does not end a contract with the signature of the other.
absl::Status DropLapsed(const Env& env, store::Tx& tx, Contract* contract) {
  if (contract->termination_signatures().empty()) return absl::OkStatus();
  const int64_t at = contract->termination_signatures(0).sign_time().seconds();
  ASSIGN_OR_RETURN(const norms::Term term,
                   norms::TermOf(*env.norms, "contracts.termination_days",
                                 base::Date::LegalDay(absl::FromUnixSeconds(at))));
  return tx.today() > term.last_day ? DropTermination(tx, contract) : absl::OkStatus();
}

bool HasSigned(v1::Party party, const google::protobuf::RepeatedPtrField<v1::Signature>& all) {
  return std::any_of(all.begin(), all.end(),
                     [party](const v1::Signature& one) { return one.party() == party; });
}

// Every year was assessed, and what is owed for it is what entries say by now: one that came since
// may have it judged again first.
absl::Status CheckAssessed(const Env& env, const store::Tx& tx, const Contract& contract) {
  for (const v1::YearTerms& year : contract.years()) {
    ASSIGN_OR_RETURN(const auto assessed,
                     tx.Find(kAssessments, store::Key::Of(contract.name(), year.year())));
    if (!assessed.has_value()) return errors::YearNotAssessed(year.year());
    ASSIGN_OR_RETURN(const v1::YearBalance now, YearOver(env, tx, contract, year.year()));
    if (!OwesTheSame(assessed->row.assessment().balance(), now)) {
      return errors::YearNotAssessed(year.year());
    }
  }
  return absl::OkStatus();
}

// Conditions whose day is after the end of the contract are not owed under it.
absl::Status LapseOffsets(store::Tx& tx, Contract* contract) {
  for (Offset& offset : *contract->mutable_offsets()) {
    ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(offset.due_date()));
    const bool open = offset.state() == Offset::OPEN || offset.state() == Offset::PROVEN;
    if (!open || due <= tx.today()) continue;
    offset.set_state(Offset::LAPSED);
    RETURN_IF_ERROR(CloseDeadlinesOf(tx, ChildName(contract->name(), "offsets", offset.number()),
                                     kOffsetDeadline, cases::Deadline::CANCELLED));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Contract> PlanContract(Env& /*env*/, const Call& call, store::Tx& tx,
                                          const v1::PlanContractRequest& request) {
  ContractRow row;
  Contract& contract = *row.mutable_contract();
  contract = request.contract();
  contract.set_name(absl::StrCat("contracts/", rpc::IdFor(call)));
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kContracts, store::Key::Of(contract.name())));
  if (known.has_value()) return cases::RecordExists(kContracts.name, contract.name());
  contract.set_state(Contract::PLANNED);
  RETURN_IF_ERROR(Complete(tx, &contract));
  tx.Cite(errors::Concluding());
  RETURN_IF_ERROR(tx.Put(kContracts, &row));
  return contract;
}

absl::StatusOr<v1::Contract> UpdateContract(Env& env, const Call& call, store::Tx& tx,
                                            const v1::UpdateContractRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step,
                   BeginContract(tx, call, ContractVerb::kEdit, request.contract().name(),
                                 request.contract().etag()));
  Contract& contract = *step.row.mutable_contract();
  const Contract before = contract;
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.contract(), request.update_mask(), &contract, &call));
  // What was signed is what stands.
  if (google::protobuf::util::MessageDifferencer::Equals(before, contract)) return before;
  RETURN_IF_ERROR(Complete(tx, &contract));
  contract.clear_signatures();
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return contract;
}

absl::StatusOr<v1::Contract> SignContract(Env& env, const Call& call, store::Tx& tx,
                                          const v1::SignContractRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step,
                   BeginContract(tx, call, ContractVerb::kSign, request.name(), request.etag()));
  Contract& contract = *step.row.mutable_contract();
  if (request.text_sha256() != contract.text_sha256())
    return cases::TextDiffers(errors::Concluding());
  RETURN_IF_ERROR(AddSignature(tx, PartyOf(step.roles), step.subject, request.text_sha256(),
                               contract.mutable_signatures()));
  const bool both = contract.signatures_size() == 2;
  if (both) RETURN_IF_ERROR(Conclude(env, tx, &contract));
  RETURN_IF_ERROR(step.Lead(both ? Contract::SIGNED : Contract::PLANNED));
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return contract;
}

absl::StatusOr<v1::Contract> BeginProduction(Env& env, const Call& call, store::Tx& tx,
                                             const v1::BeginProductionRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step, BeginContract(tx, call, ContractVerb::kBeginProduction,
                                                    request.name(), request.etag()));
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return step.row.contract();
}

absl::StatusOr<v1::Contract> TerminateContract(Env& env, const Call& call, store::Tx& tx,
                                               const v1::TerminateContractRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step, BeginContract(tx, call, ContractVerb::kTerminate,
                                                    request.name(), request.etag()));
  Contract& contract = *step.row.mutable_contract();
  const bool planned = contract.state() == Contract::PLANNED;
  RETURN_IF_ERROR(DropLapsed(env, tx, &contract));
  if (request.withdraw()) {
    if (!HasSigned(PartyOf(step.roles), contract.termination_signatures())) {
      return errors::TerminationNotSigned();
    }
    RETURN_IF_ERROR(DropTermination(tx, &contract));
    RETURN_IF_ERROR(step.Lead(static_cast<int>(contract.state())));
    RETURN_IF_ERROR(FinishContract(env, tx, &step));
    return contract;
  }
  RETURN_IF_ERROR(AddSignature(tx, PartyOf(step.roles), step.subject, contract.text_sha256(),
                               contract.mutable_termination_signatures()));
  contract.set_reason(request.reason());
  const bool ends = planned || contract.termination_signatures_size() == 2;
  if (ends) {
    ASSIGN_OR_RETURN(const std::vector<PledgeRow> pledges, ActivePledges(tx, contract.name()));
    for (const PledgeRow& pledge : pledges) {
      if (!pledge.pledge().consents_to_termination()) {
        return errors::PledgeeConsentMissing(pledge.pledge().name());
      }
    }
    *contract.mutable_terminate_date() = tx.today().ToProto();
    contract.mutable_end_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
    for (const v1::YearTerms& year : contract.years()) {
      if (year.year() <= tx.today().year()) continue;
      RETURN_IF_ERROR(CloseDeadlinesOf(tx, ChildName(contract.name(), "assessments", year.year()),
                                       kAssessmentDeadline, cases::Deadline::CANCELLED));
    }
    RETURN_IF_ERROR(LapseOffsets(tx, &contract));
  }
  if (!planned) {
    RETURN_IF_ERROR(step.Lead(ends ? static_cast<int>(Contract::TERMINATED)
                                   : static_cast<int>(contract.state())));
  }
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return contract;
}

absl::StatusOr<v1::Contract> FulfilContract(Env& env, const Call& call, store::Tx& tx,
                                            const v1::FulfilContractRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step,
                   BeginContract(tx, call, ContractVerb::kFulfil, request.name(), request.etag()));
  Contract& contract = *step.row.mutable_contract();
  const int32_t last = contract.years().rbegin()->year();
  if (tx.today().year() <= last) return errors::TermRunning(last);
  RETURN_IF_ERROR(CheckAssessed(env, tx, contract));
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(contract.years(), "contract.years"));
  ASSIGN_OR_RETURN(const auto tallies, TalliesOf(tx, contract.name()));
  // All that was delivered may have been taken back since.
  if (std::none_of(tallies.begin(), tallies.end(),
                   [](const auto& year) { return year.second.delivered > 0; })) {
    return errors::NothingDelivered();
  }
  for (const Terms& year : terms) {
    const auto tally = tallies.find(year.year);
    if (tally == tallies.end()) continue;
    ASSIGN_OR_RETURN(const base::Money accepted, ValueOf(tally->second.accepted, year.price));
    if (tally->second.paid < accepted.tiyn()) {
      return errors::PaymentDue(
          year.year, contract.type() == v1::OFF_TAKE ? errors::Buying() : errors::Procurement());
    }
  }
  for (const Offset& offset : contract.offsets()) {
    if (offset.state() == Offset::OPEN || offset.state() == Offset::PROVEN) {
      return errors::OffsetOpen(offset.number());
    }
  }
  ASSIGN_OR_RETURN(const std::vector<PenaltyRow> penalties,
                   cases::AllOf(tx, kPenalties, store::Key::Of(contract.name())));
  for (const PenaltyRow& penalty : penalties) {
    if (penalty.penalty().state() == Penalty::DUE) {
      return errors::PenaltyDue(penalty.penalty().name());
    }
  }
  contract.mutable_end_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return step.row.contract();
}

}  // namespace nisi::contracts
