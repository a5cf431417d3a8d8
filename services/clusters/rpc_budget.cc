// The money of programmes for clusters: what it is spent on are supports.
#include "common/cases/budget.h"

#include "services/clusters/errors.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {

absl::StatusOr<budget::v1::Account> AllocateBudget(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const budget::v1::AllocateBudgetRequest& request) {
  return cases::AllocateBudget(call, tx, request, errors::Account());
}

// Art. 40(3) does not say what becomes of a balance: a norm does.
absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(
    Env& env, const Call& call, store::Tx& tx, const budget::v1::CloseYearRequest& request) {
  ASSIGN_OR_RETURN(const int64_t carry_over,
                   env.norms->Int("clusters.budget.carry_over", tx.today()));
  return cases::CloseYear(call, tx, request, carry_over != 0, errors::Account());
}

absl::StatusOr<budget::v1::Posting> ReversePosting(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const budget::v1::ReversePostingRequest& request) {
  return cases::ReversePosting(call, tx, request, errors::Account());
}

absl::StatusOr<Encoded<budget::v1::Account>> GetAccount(
    Env& env, Call& call, const budget::v1::GetAccountRequest& request) {
  return cases::GetAccount(*env.store, call, request);
}

absl::StatusOr<Encoded<budget::v1::ListPostingsResponse>> ListPostings(
    Env& env, Call& call, const budget::v1::ListPostingsRequest& request) {
  return cases::ListPostings(*env.store, call, request);
}

}  // namespace nisi::clusters
