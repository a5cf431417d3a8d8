#include <algorithm>
#include <functional>

#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using SupplierStep = cases::Step<SupplierRow>;

// A step that time takes on `day`, of a supplier in one of these states; nothing otherwise: what
// was due may have been done, or the record gone another way. Where it was edited since, as before
// a timer that is late, the step holds from that edit on: from an earlier day the edit would undo
// it.
absl::Status ByItself(Env& env, store::Tx& tx, absl::string_view bin, SupplierVerb verb,
                      base::Date day, const std::function<bool(const Supplier&)>& due,
                      const std::function<void(SupplierRow*)>& change) {
  ASSIGN_OR_RETURN(auto found, tx.Find(kSuppliers, store::Key::Of(bin)));
  if (!found.has_value() || !due(found->row.supplier())) return absl::OkStatus();
  day = std::max(day, found->version.effective_from);
  ASSIGN_OR_RETURN(SupplierStep step,
                   cases::BeginByItself(SupplierMachine(), verb, std::move(found->row), day));
  change(&step.row);
  return FinishSupplier(env, tx, &step);
}

void LiftMeasure(SupplierRow* row) {
  row->set_measure(false);
  row->clear_measure_until();
}

// Notes what is decided on the registration, why, by whom and on which findings.
absl::Status Decide(const Env& env, const Call& call, const store::Tx& tx, Supplier::State to,
                    const std::string& reason, std::optional<base::Date> until,
                    SupplierStep* step) {
  Supplier& supplier = *step->row.mutable_supplier();
  ASSIGN_OR_RETURN(decision::v1::Decision decision,
                   DecideMeasure(supplier, to, reason, until, tx.etag(), tx.today(), *env.norms));
  decision.mutable_decide_time()->set_seconds(absl::ToUnixSeconds(call.now));
  *supplier.mutable_decision() = std::move(decision);
  supplier.set_decided_by(step->subject);
  supplier.set_reason(reason);
  return absl::OkStatus();
}

}  // namespace

absl::Status ScheduleTerm(Env& env, store::Tx& tx, const Supplier& supplier) {
  ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(supplier.valid_until()));
  ASSIGN_OR_RETURN(const int64_t days, env.norms->Int("suppliers.evidence.warn_days", tx.today()));
  tx.Schedule(last.EndOfDay(), kExpireTimer, supplier.bin());
  tx.Schedule(last.AddDays(-days).StartOfDay(), kWarnSupplierTimer, supplier.bin());
  return absl::OkStatus();
}

absl::Status AskRegisters(Env& env, store::Tx& tx, absl::string_view payload, absl::Time /*due*/) {
  return ByItself(
      env, tx, payload, SupplierVerb::kAskRegisters, tx.today(),
      [](const Supplier& supplier) { return supplier.state() == Supplier::SUBMITTED; },
      [](SupplierRow*) {});
}

absl::Status VerifyLate(Env& env, store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
  ASSIGN_OR_RETURN(auto found, tx.Find(kSuppliers, store::Key::Of(BinIn(deadline.record()))));
  if (!found.has_value()) return absl::OkStatus();
  day = std::max(day, found->version.effective_from);  // as in ByItself
  ASSIGN_OR_RETURN(SupplierStep step,
                   cases::BeginByItself(SupplierMachine(), SupplierVerb::kVerifyLate,
                                        std::move(found->row), day));
  return FinishSupplier(env, tx, &step);
}

absl::Status EndSuspension(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  const base::Date day = base::Date::LegalDay(due);
  return ByItself(
      env, tx, payload, SupplierVerb::kEndSuspension, day,
      [day](const Supplier& supplier) {
        const auto until = base::Date::FromProto(supplier.suspended_until());
        return supplier.state() == Supplier::SUSPENDED && supplier.has_suspended_until() &&
               until.ok() && *until <= day;
      },
      [](SupplierRow* row) {
        row->mutable_supplier()->clear_suspended_until();
        row->mutable_supplier()->clear_reason();
        LiftMeasure(row);
      });
}

absl::Status Expire(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  const base::Date day = base::Date::LegalDay(due);
  return ByItself(
      env, tx, payload, SupplierVerb::kExpire, day,
      [day](const Supplier& supplier) {
        const auto last = base::Date::FromProto(supplier.valid_until());
        return (supplier.state() == Supplier::ACTIVE || supplier.state() == Supplier::SUSPENDED) &&
               supplier.has_valid_until() && last.ok() && *last < day;
      },
      [](SupplierRow* row) { row->mutable_supplier()->clear_suspended_until(); });
}

absl::StatusOr<v1::Supplier> VerifySupplier(Env& env, const Call& call, store::Tx& tx,
                                            const v1::VerifySupplierRequest& request) {
  ASSIGN_OR_RETURN(SupplierStep step,
                   BeginSupplier(tx, call, request.name(), request.etag(), SupplierVerb::kVerify));
  Supplier& supplier = *step.row.mutable_supplier();
  std::vector<const Answer*> answers;
  for (const Answer& answer : request.answers()) answers.push_back(&answer);
  const Verification facts{supplier.name(),
                           supplier.etag(),
                           tx.etag(),
                           step.row.submitted_us(),
                           MeasureStands(step.row, tx.today()),
                           tx.today(),
                           call.now};
  ASSIGN_OR_RETURN(*supplier.mutable_decision(), Verify(facts, answers, *env.norms));
  supplier.mutable_decision()->mutable_decide_time()->set_seconds(absl::ToUnixSeconds(call.now));
  Supplier::State outcome = Supplier::MANUAL_REVIEW;
  Supplier::State_Parse(supplier.decision().outcome(), &outcome);
  RETURN_IF_ERROR(step.Lead(outcome));
  supplier.set_verified_by(step.subject);
  if (outcome == Supplier::ACTIVE) {
    ASSIGN_OR_RETURN(const base::Date last, ValidUntil(supplier.decision()));
    *supplier.mutable_valid_until() = last.ToProto();
    RETURN_IF_ERROR(ScheduleTerm(env, tx, supplier));
  }
  RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
  return supplier;
}

absl::StatusOr<v1::Supplier> ReviewSupplier(Env& env, const Call& call, store::Tx& tx,
                                            const v1::ReviewSupplierRequest& request) {
  const bool accept = request.verdict() == v1::ReviewSupplierRequest::ACCEPT;
  ASSIGN_OR_RETURN(SupplierStep step,
                   BeginSupplier(tx, call, request.name(), request.etag(),
                                 accept ? SupplierVerb::kAccept : SupplierVerb::kSendBack));
  Supplier& supplier = *step.row.mutable_supplier();
  ASSIGN_OR_RETURN(*supplier.mutable_decision(),
                   Review(supplier, accept, request.reason(), tx.etag(), tx.today(), *env.norms));
  supplier.mutable_decision()->mutable_decide_time()->set_seconds(absl::ToUnixSeconds(call.now));
  supplier.set_decided_by(step.subject);
  supplier.set_reason(request.reason());
  if (accept) {
    LiftMeasure(&step.row);
    ASSIGN_OR_RETURN(const base::Date last, ValidUntil(supplier.decision()));
    *supplier.mutable_valid_until() = last.ToProto();
    RETURN_IF_ERROR(ScheduleTerm(env, tx, supplier));
  }
  RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
  return supplier;
}

absl::StatusOr<v1::Supplier> SuspendSupplier(Env& env, const Call& call, store::Tx& tx,
                                             const v1::SuspendSupplierRequest& request) {
  ASSIGN_OR_RETURN(SupplierStep step,
                   BeginSupplier(tx, call, request.name(), request.etag(), SupplierVerb::kSuspend));
  Supplier& supplier = *step.row.mutable_supplier();
  std::optional<base::Date> until;
  if (request.has_until()) {
    ASSIGN_OR_RETURN(until, base::Date::FromProto(request.until()));
  }
  RETURN_IF_ERROR(Decide(env, call, tx, Supplier::SUSPENDED, request.reason(), until, &step));
  if (until.has_value()) {
    *supplier.mutable_suspended_until() = request.until();
    tx.Schedule(until->StartOfDay(), kReinstateTimer, supplier.bin());
  }
  step.row.set_measure(true);
  step.row.clear_measure_until();
  if (until.has_value()) *step.row.mutable_measure_until() = request.until();
  RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
  return supplier;
}

absl::StatusOr<v1::Supplier> ReinstateSupplier(Env& env, const Call& call, store::Tx& tx,
                                               const v1::ReinstateSupplierRequest& request) {
  ASSIGN_OR_RETURN(SupplierStep step, BeginSupplier(tx, call, request.name(), request.etag(),
                                                    SupplierVerb::kReinstate));
  Supplier& supplier = *step.row.mutable_supplier();
  RETURN_IF_ERROR(Decide(env, call, tx, Supplier::ACTIVE, request.reason(), std::nullopt, &step));
  supplier.clear_suspended_until();
  LiftMeasure(&step.row);
  RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
  return supplier;
}

absl::StatusOr<v1::Supplier> RemoveSupplier(Env& env, const Call& call, store::Tx& tx,
                                            const v1::RemoveSupplierRequest& request) {
  ASSIGN_OR_RETURN(SupplierStep step,
                   BeginSupplier(tx, call, request.name(), request.etag(), SupplierVerb::kRemove));
  Supplier& supplier = *step.row.mutable_supplier();
  RETURN_IF_ERROR(Decide(env, call, tx, Supplier::REMOVED, request.reason(), std::nullopt, &step));
  supplier.clear_suspended_until();
  // By a body: for cause. One that leaves while it is suspended takes the measure along.
  if ((step.roles & ~base::RoleBit(rpc::v1::ENTITY)) != 0) {
    step.row.set_measure(true);
    step.row.clear_measure_until();
  }
  RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
  return supplier;
}

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call& call, const v1::ReplayDecisionRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(view, call, kSuppliers, store::Key::Of(BinIn(request.name())),
                                request.name(), nullptr, at));
  if (!found.row.supplier().has_decision()) return cases::DecisionMissing(errors::Maintaining());
  ASSIGN_OR_RETURN(auto answer, cases::ReplayAnswer<v1::ReplayDecisionResponse>(
                                    found.row.supplier().decision(), ReplaySupplier));
  answer.set_name(found.row.supplier().name());
  answer.set_bin(found.row.supplier().bin());
  return answer;
}

}  // namespace nisi::suppliers
