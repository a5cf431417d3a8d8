// What lets a claimant pass: the notice of its case, and the lists of unreliable recipients, which
// are not kept here (order 437/2026).
#include "services/export_refunds/env.h"

namespace nisi::export_refunds {

absl::StatusOr<Checked> AskGate(const Env& env, const rpc::Call& call,
                                const cases::GateQuestion& question) {
  Checked checked;
  ASSIGN_OR_RETURN(checked.notice, cases::AskGate(*env.gate, call, question));
  auto listed = env.sources->Lists(call, {question.recipient, question.day});
  if (!listed.ok()) {
    const bool own = absl::IsCancelled(listed.status()) || store::IsNotInMemory(listed.status());
    return own ? listed.status() : cases::GateNotChecked(question.checkpoint, listed.status());
  }
  checked.listed = *std::move(listed);
  return checked;
}

}  // namespace nisi::export_refunds
