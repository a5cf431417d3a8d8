// Changes of a contract: both sign, and the pledgee consents to what lowers it.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

using AmendmentStep = cases::Step<AmendmentRow>;

absl::StatusOr<AmendmentStep> BeginAmendment(const store::Tx& tx, const Call& call,
                                             AmendmentVerb verb, const std::string& name,
                                             const std::string& etag) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(name, "contracts/*/amendments/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kAmendments, key, name));
  const Amendment& amendment = found.row.amendment();
  const uint32_t roles =
      PartyRoles(*call.caller, amendment.customer(), amendment.supplier(), found.roles);
  return cases::Begin(call, AmendmentMachine(), verb, std::move(found.row),
                      {.roles = roles, .etag = etag});
}

// The terms that the contract comes to, if it may: years that are over stay as they are, and what
// happened already has its room.
absl::StatusOr<YearList> CheckedYears(const store::Tx& tx, const Contract& contract,
                                      const Amendment& amendment) {
  for (int i = 0; i < amendment.years_size(); ++i) {
    const std::string at = absl::StrCat("amendment.years[", i, "]");
    if (amendment.years(i).year() < tx.today().year()) return errors::YearsInvalid(at, "is over");
    if (i > 0 && amendment.years(i).year() <= amendment.years(i - 1).year()) {
      return errors::YearsInvalid(at, "each once, in order");
    }
    // Here, as among those of the contract it has another place.
    RETURN_IF_ERROR(TermsOfYear(amendment.years(i), at).status());
  }
  YearList years = Amended(contract.years(), amendment.years());
  if (years.size() > 50) return errors::YearsInvalid("amendment.years", "at most 50 in all");
  if (years[0].year() != contract.years(0).year()) {
    return errors::YearsInvalid("amendment.years[0]", "is before the contract");
  }
  for (int i = 1; i < years.size(); ++i) {
    if (years[i].year() == years[i - 1].year() + 1) continue;
    return errors::YearsInvalid("amendment.years", "each year follows the one before, once");
  }
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(years, "amendment.years"));
  ASSIGN_OR_RETURN(const auto tallies, TalliesOf(tx, contract.name()));
  for (const Terms& one : terms) {
    const auto tally = tallies.find(one.year);
    if (tally == tallies.end()) continue;
    if (!CheckTally(tally->second, one).ok()) return errors::VolumeBelowEntries(one.year);
    // What was delivered, beside what was refused before that, could not be taken any more.
    const auto before = TermsIn(contract, one.year, "amendment.years");
    const bool lower = before.ok() && one.volume < before->volume;
    if (lower && !CheckRoom(tally->second, 0, one).ok()) {
      return errors::VolumeBelowEntries(one.year);
    }
  }
  return years;
}

// Puts the conditions as they are by the amendment, with their days: one that is owed no more, or
// by another day, is not due on its old one.
absl::Status PutOffsets(store::Tx& tx, OffsetList offsets, Contract* contract) {
  const OffsetList before = contract->offsets();
  *contract->mutable_offsets() = std::move(offsets);
  for (int i = 0; i < contract->offsets_size(); ++i) {
    const Offset& offset = contract->offsets(i);
    const bool known = i < before.size();
    const bool moved =
        known && offset.due_date().SerializeAsString() != before[i].due_date().SerializeAsString();
    const bool ended = known && offset.state() != before[i].state();
    if (moved || ended) {
      RETURN_IF_ERROR(CloseDeadlinesOf(
          tx, ChildName(contract->name(), "offsets", offset.number()), kOffsetDeadline,
          offset.state() == Offset::FULFILLED ? cases::Deadline::DONE
                                              : cases::Deadline::CANCELLED));
    }
    if (!known || (moved && !ended)) RETURN_IF_ERROR(OpenOffsetDay(tx, *contract, offset));
  }
  return absl::OkStatus();
}

// Of contract procurement: NOT_CONFORM where it would no longer be what the law demands.
absl::Status Conform(const Env& env, store::Tx& tx, const Contract& contract,
                     Amendment* amendment) {
  if (contract.type() != v1::CONTRACT_PROCUREMENT) return absl::OkStatus();
  ASSIGN_OR_RETURN(*amendment->mutable_conformity(),
                   JudgeProcurement(contract, *env.norms, tx.today()));
  cases::SetDecideTime(tx, amendment->mutable_conformity());
  const auto* finding = FirstUnsatisfied(amendment->conformity());
  return finding == nullptr ? absl::OkStatus()
                            : errors::NotConform(finding->rule(), finding->legal_basis());
}

// Puts the contract as it is by the amendment, which its signatures and consents must allow.
absl::Status PutInForce(const Env& env, store::Tx& tx, Contract* contract, Amendment* amendment) {
  ASSIGN_OR_RETURN(const std::vector<PledgeRow> active, ActivePledges(tx, contract->name()));
  Amending amending{amendment, {}, {amendment->name(), tx.etag()}};
  for (const PledgeRow& row : active) amending.pledges.push_back(row.pledge().name());
  ASSIGN_OR_RETURN(*amendment->mutable_decision(), JudgeAmendment(amending, *env.norms));
  cases::SetDecideTime(tx, amendment->mutable_decision());
  if (const auto* finding = FirstUnsatisfied(amendment->decision()); finding != nullptr) {
    if (finding->rule() != "PLEDGEES_CONSENT") return errors::UnilateralReduction();
    for (const std::string& pledge : amending.pledges) {
      const auto& consents = amendment->consents();
      if (std::find(consents.begin(), consents.end(), pledge) == consents.end()) {
        return errors::PledgeeConsentMissing(pledge);
      }
    }
  }
  const int32_t last = contract->years().rbegin()->year();
  ASSIGN_OR_RETURN(*contract->mutable_years(), CheckedYears(tx, *contract, *amendment));
  ASSIGN_OR_RETURN(
      OffsetList offsets,
      AmendedOffsets(*contract, *amendment, contract->years().rbegin()->year(), tx.today()));
  RETURN_IF_ERROR(PutOffsets(tx, std::move(offsets), contract));
  RETURN_IF_ERROR(Conform(env, tx, *contract, amendment));
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(contract->years(), "amendment.years"));
  ASSIGN_OR_RETURN(const base::Money sum, SumOf(terms));
  *contract->mutable_sum() = sum.ToProto();
  if (!amendment->price_formula().empty()) {
    contract->set_price_formula(amendment->price_formula());
  }
  // A termination that one party has signed was of the contract as it was.
  RETURN_IF_ERROR(DropTermination(tx, contract));
  return OpenContractDeadlines(env, tx, *contract, last + 1);
}

}  // namespace

absl::StatusOr<v1::Amendment> AmendContract(Env& env, const Call& call, store::Tx& tx,
                                            const v1::AmendContractRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step,
                   BeginContract(tx, call, ContractVerb::kAmend, request.parent(), ""));
  Contract& contract = *step.row.mutable_contract();
  ASSIGN_OR_RETURN(const auto open,
                   tx.FindUnique(kOpenAmendments, store::Key::Of(contract.name())));
  if (open.has_value()) return errors::AmendmentOpen(open->row.amendment().name());
  AmendmentRow row;
  Amendment& amendment = *row.mutable_amendment();
  amendment = request.amendment();
  ASSIGN_OR_RETURN(const YearList years, CheckedYears(tx, contract, amendment));
  RETURN_IF_ERROR(AmendedOffsets(contract, amendment, years.rbegin()->year(), tx.today()).status());
  amendment.set_lowers(LowersBy(contract, amendment, years));
  if (request.unilateral()) {
    if (amendment.lowers()) return errors::UnilateralReduction();
    // What binds the customer to more; conditions bind the supplier.
    if (PartyOf(step.roles) != v1::CUSTOMER_PARTY || !amendment.offsets().empty() ||
        !Raises(contract.years(), years)) {
      return errors::UnilateralChange();
    }
  }
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("amendments/", contract.name())));
  row.set_contract(contract.name());
  row.set_number(static_cast<int32_t>(number));
  amendment.set_name(ChildName(contract.name(), "amendments", row.number()));
  amendment.set_customer(contract.customer());
  amendment.set_supplier(contract.supplier());
  *amendment.mutable_pledgees() = contract.pledgees();
  RETURN_IF_ERROR(AddSignature(tx, PartyOf(step.roles), step.subject, amendment.text_sha256(),
                               amendment.mutable_signatures()));
  amendment.set_state(Amendment::PROPOSED);
  if (request.unilateral()) {
    RETURN_IF_ERROR(PutInForce(env, tx, &contract, &amendment));
    amendment.set_state(Amendment::IN_FORCE);
    RETURN_IF_ERROR(FinishContract(env, tx, &step));
  }
  tx.Cite(errors::Buying());
  RETURN_IF_ERROR(tx.Put(kAmendments, &row));
  return amendment;
}

absl::StatusOr<v1::Amendment> CoSignAmendment(Env& env, const Call& call, store::Tx& tx,
                                              const v1::CoSignAmendmentRequest& request) {
  ASSIGN_OR_RETURN(AmendmentStep step,
                   BeginAmendment(tx, call, AmendmentVerb::kSign, request.name(), request.etag()));
  Amendment& amendment = *step.row.mutable_amendment();
  if (request.text_sha256() != amendment.text_sha256())
    return cases::TextDiffers(errors::Concluding());
  RETURN_IF_ERROR(AddSignature(tx, PartyOf(step.roles), step.subject, request.text_sha256(),
                               amendment.mutable_signatures()));
  ASSIGN_OR_RETURN(ContractStep of,
                   BeginContract(tx, call, ContractVerb::kAmend, step.row.contract(), ""));
  // The contract may have changed, and another pledge may have come, since it was proposed.
  Contract& contract = *of.row.mutable_contract();
  ASSIGN_OR_RETURN(const YearList years, CheckedYears(tx, contract, amendment));
  amendment.set_lowers(LowersBy(contract, amendment, years));
  RETURN_IF_ERROR(PutInForce(env, tx, &contract, &amendment));
  RETURN_IF_ERROR(FinishContract(env, tx, &of));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kAmendments, &step));
  return amendment;
}

absl::StatusOr<v1::Amendment> WithdrawAmendment(Env& env, const Call& call, store::Tx& tx,
                                                const v1::WithdrawAmendmentRequest& request) {
  ASSIGN_OR_RETURN(AmendmentStep step, BeginAmendment(tx, call, AmendmentVerb::kWithdraw,
                                                      request.name(), request.etag()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kAmendments, &step));
  return step.row.amendment();
}

}  // namespace nisi::contracts
