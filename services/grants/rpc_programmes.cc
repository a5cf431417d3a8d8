// Programmes and their money.
#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

std::string ProgrammeOf(const std::string& account) {
  return account.substr(0, account.find("/accounts/"));
}

}  // namespace

absl::StatusOr<v1::Programme> CreateProgramme(Env& env, const Call&, store::Tx& tx,
                                              const v1::CreateProgrammeRequest& request) {
  ProgrammeRow row;
  v1::Programme& programme = *row.mutable_programme();
  programme = request.programme();
  programme.set_name(absl::StrCat("programmes/", request.programme_id()));
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kProgrammes, store::Key::Of(programme.name())));
  if (known.has_value()) return cases::RecordExists(kProgrammes.name, programme.name());
  programme.set_norms_edition(env.norms->edition());
  tx.Cite(errors::Grants());
  RETURN_IF_ERROR(tx.Put(kProgrammes, &row));
  return programme;
}

absl::StatusOr<v1::Programme> UpdateProgramme(Env& env, const Call& call, store::Tx& tx,
                                              const v1::UpdateProgrammeRequest& request) {
  const std::string& name = request.programme().name();
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kProgrammes, store::Key::Of(name), name));
  v1::Programme& programme = *found.row.mutable_programme();
  RETURN_IF_ERROR(
      rpc::UpdateResource(request.programme(), request.update_mask(), &programme, &call));
  programme.set_norms_edition(env.norms->edition());
  tx.Cite(errors::Grants());
  RETURN_IF_ERROR(tx.Put(kProgrammes, &found.row));
  return programme;
}

absl::StatusOr<Encoded<v1::Programme>> GetProgramme(Env& env, Call& call,
                                                    const v1::GetProgrammeRequest& request) {
  return rpc::GetRecord<v1::Programme>(*env.store, call, kProgrammes,
                                       store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListProgrammesResponse>> ListProgrammes(
    Env& env, Call& call, const v1::ListProgrammesRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kProgrammes, request, call));
  return rpc::ListAs<v1::ListProgrammesResponse>(*env.store, plan);
}

absl::StatusOr<budget::v1::Account> AllocateBudget(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const budget::v1::AllocateBudgetRequest& request) {
  RETURN_IF_ERROR(CheckProgramme(tx, ProgrammeOf(request.account()), "account"));
  return cases::AllocateBudget(call, tx, request, errors::Account());
}

// Art. 42(5): the balance is not returned to the budget.
absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(
    Env& /*env*/, const Call& call, store::Tx& tx, const budget::v1::CloseYearRequest& request) {
  return cases::CloseYear(call, tx, request, /*carry_over=*/true, errors::Account());
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

}  // namespace nisi::grants
