// Amendments: what both sign again. The sum and the counter-obligations are what was decided on,
// and stay.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using base::Date;
using Amendment = Agreement::Amendment;
using v1::Tranche;

Amendment* ProposedIn(Agreement* agreement) {
  for (Amendment& amendment : *agreement->mutable_amendments()) {
    if (amendment.state() == Amendment::PROPOSED) return &amendment;
  }
  return nullptr;
}

// A tranche whose condition may be another one: nobody has proven anything by it. TRANCHE_STATE.
absl::StatusOr<Tranche*> OpenTranche(Agreement* agreement, int32_t number) {
  for (Tranche& tranche : *agreement->mutable_tranches()) {
    if (tranche.number() != number) continue;
    if (tranche.state() == Tranche::PENDING) return &tranche;
    return errors::TrancheState(Tranche::State_Name(tranche.state()), "PENDING is needed");
  }
  return errors::TrancheState("NONE", "a tranche of the agreement is needed");
}

// Commissioning lies ahead, no obligation is due after they end, and none that was to be measured
// after commissioning comes to be due before it.
absl::Status CheckAmendedDates(const Agreement& agreement, const Amendment& amendment, Date today) {
  if (!amendment.has_commissioning_date()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Date commissioning, Date::FromProto(amendment.commissioning_date()));
  if (commissioning < today) return errors::AmendmentDatesInvalid("today or later");
  ASSIGN_OR_RETURN(const Date agreed, Date::FromProto(agreement.commissioning_date()));
  ASSIGN_OR_RETURN(const Date until, Date::FromProto(amendment.obligations_until()));
  for (const cases::Obligation& obligation : agreement.obligations()) {
    ASSIGN_OR_RETURN(const Date due, Date::FromProto(obligation.due_date()));
    if (due > until) {
      return errors::AmendmentDatesInvalid(
          absl::StrCat("an obligation is due on ", due.ToString(), ", after their last day"));
    }
    if (due > agreed && due <= commissioning) {
      return errors::AmendmentDatesInvalid(
          absl::StrCat("an obligation is due on ", due.ToString(), ", which is to come after it"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckConditions(Agreement* agreement, const Amendment& amendment) {
  std::set<int32_t> numbers;
  for (const auto& condition : amendment.conditions()) {
    if (!numbers.insert(condition.tranche()).second) {
      return base::InvalidField("conditions", "must name each tranche once");
    }
    RETURN_IF_ERROR(OpenTranche(agreement, condition.tranche()).status());
  }
  return absl::OkStatus();
}

// While they run: what is over is judged as it is.
absl::Status CheckRunning(const Agreement& agreement, Date today) {
  ASSIGN_OR_RETURN(const Date until, Date::FromProto(agreement.obligations_until()));
  return today <= until ? absl::OkStatus() : errors::ObligationsOver();
}

bool AllProven(const Agreement& agreement) {
  return std::none_of(agreement.tranches().begin(), agreement.tranches().end(),
                      [](const Tranche& tranche) { return tranche.state() == Tranche::PENDING; });
}

// What rests on the day of commissioning moves with it.
absl::Status MoveDates(const Env& env, store::Tx& tx, const Amendment& amendment,
                       Agreement* agreement) {
  *agreement->mutable_commissioning_date() = amendment.commissioning_date();
  *agreement->mutable_obligations_until() = amendment.obligations_until();
  if (amendment.rests_on_assumption()) agreement->set_terms_rest_on_assumption(true);
  const auto replaced = cases::Deadline::CANCELLED;
  RETURN_IF_ERROR(CloseTerms(tx, agreement->application(), {kProofDeadline}, replaced));
  if (!AllProven(*agreement)) RETURN_IF_ERROR(OpenProofTerm(env, tx, *agreement));
  ASSIGN_OR_RETURN(const std::vector<v1::Payment> payments, PaymentsOf(tx, agreement->name()));
  if (payments.empty()) return absl::OkStatus();  // nothing is monitored yet
  RETURN_IF_ERROR(CloseTerms(tx, agreement->name(), {kAssessmentDeadline}, replaced));
  return OpenAssessmentTerm(env, tx, *agreement);
}

absl::Status PutInForce(const Env& env, store::Tx& tx, Amendment* amendment, Agreement* agreement) {
  for (const auto& condition : amendment->conditions()) {
    ASSIGN_OR_RETURN(Tranche * tranche, OpenTranche(agreement, condition.tranche()));
    auto* before = amendment->add_conditions_before();
    before->set_tranche(tranche->number());
    before->set_condition(tranche->condition());
    tranche->set_condition(condition.condition());
  }
  if (amendment->has_commissioning_date()) {
    *amendment->mutable_commissioning_before() = agreement->commissioning_date();
    RETURN_IF_ERROR(MoveDates(env, tx, *amendment, agreement));
  }
  amendment->set_state(Amendment::IN_FORCE);
  *amendment->mutable_effective_from() = tx.today().ToProto();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Agreement> ProposeAmendment(Env& env, const Call& call, store::Tx& tx,
                                               const v1::ProposeAmendmentRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kPropose,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  RETURN_IF_ERROR(CheckRunning(agreement, tx.today()));
  Amendment amendment;
  amendment.set_number(agreement.amendments_size() + 1);
  amendment.set_state(Amendment::PROPOSED);
  amendment.set_reason(request.reason());
  amendment.set_text_sha256(request.text_sha256());
  amendment.set_proposed_by(step.of.subject);
  *amendment.mutable_conditions() = request.conditions();
  if (request.has_commissioning_date()) {
    ASSIGN_OR_RETURN(const Date given, Date::FromProto(request.commissioning_date()));
    ASSIGN_OR_RETURN(const Date agreed, Date::FromProto(agreement.commissioning_date()));
    if (given != agreed) {
      ASSIGN_OR_RETURN(const Date filed, Date::FromProto(step.of.row.application().submit_date()));
      ASSIGN_OR_RETURN(const Date until, ObligationsUntil(given, *env.norms, filed));
      *amendment.mutable_commissioning_date() = given.ToProto();
      *amendment.mutable_obligations_until() = until.ToProto();
      amendment.set_rests_on_assumption(YearsAreAssumed(*env.norms, filed));
    }
  }
  if (!amendment.has_commissioning_date() && amendment.conditions().empty()) {
    return errors::AmendmentEmpty();
  }
  RETURN_IF_ERROR(CheckAmendedDates(agreement, amendment, tx.today()));
  RETURN_IF_ERROR(CheckConditions(&agreement, amendment));
  if (Amendment* before = ProposedIn(&agreement); before != nullptr) {
    before->set_state(Amendment::REPLACED);
  }
  *agreement.add_amendments() = std::move(amendment);
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

absl::StatusOr<v1::Agreement> SignAmendment(Env& env, const Call& call, store::Tx& tx,
                                            const v1::SignAmendmentRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kSignAmendment,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  Amendment* amendment = ProposedIn(&agreement);
  if (amendment == nullptr) return errors::AmendmentMissing();
  RETURN_IF_ERROR(CheckRunning(agreement, tx.today()));
  RETURN_IF_ERROR(CheckAmendedDates(agreement, *amendment, tx.today()));
  RETURN_IF_ERROR(AddSignature(tx, step.of, request.text_sha256(), amendment->text_sha256(),
                               amendment->mutable_signatures()));
  if (amendment->signatures_size() == 2) {
    RETURN_IF_ERROR(PutInForce(env, tx, amendment, &agreement));
  }
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

}  // namespace nisi::grants
