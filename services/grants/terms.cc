// Terms that a step opens rather than a state, as a half-yearly report or the proof of a tranche.
#include <algorithm>

#include "common/norms/term.h"
#include "services/grants/env.h"
#include "services/grants/errors.h"

namespace nisi::grants {

using cases::Deadline;

absl::Status OpenTerm(const Env& env, store::Tx& tx, const Owed& owed,
                      std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(*env.norms, owed.norm, owed.since));
  Deadline deadline;
  deadline.set_record(owed.record);
  deadline.set_kind(owed.kind);
  deadline.add_roles(owed.role);
  deadline.set_bin(owed.bin);
  *deadline.mutable_since() = term.since.ToProto();
  *deadline.mutable_due_date() = term.last_day.ToProto();
  deadline.set_norm(term.norm);
  deadline.set_rests_on_assumption(term.assumption);
  *deadline.mutable_legal_basis() = owed.basis;
  return cases::OpenDeadline(tx, std::move(deadline), day).status();
}

absl::Status CloseTerms(store::Tx& tx, const std::string& record,
                        std::initializer_list<const char*> kinds, Deadline::State state) {
  ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, record));
  for (const Deadline& deadline : open) {
    if (std::find(kinds.begin(), kinds.end(), deadline.kind()) == kinds.end()) continue;
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), state));
  }
  return absl::OkStatus();
}

absl::Status OpenProofTerm(const Env& env, store::Tx& tx, const Agreement& agreement) {
  ASSIGN_OR_RETURN(const base::Date commissioning,
                   base::Date::FromProto(agreement.commissioning_date()));
  return OpenTerm(env, tx,
                  {agreement.application(), kProofDeadline, "grants.proof_days",
                   std::max(commissioning, tx.today()), rpc::v1::ENTITY, agreement.recipient(),
                   errors::CoFinancing()});
}

absl::Status OpenAssessmentTerm(const Env& env, store::Tx& tx, const Agreement& agreement) {
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(agreement.obligations_until()));
  return OpenTerm(env, tx,
                  {agreement.name(), kAssessmentDeadline, "grants.assessment_days", until,
                   rpc::v1::INSTITUTE_INDUSTRY, "", errors::Monitoring()});
}

}  // namespace nisi::grants
