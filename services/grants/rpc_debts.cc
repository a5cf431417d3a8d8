// Demands past due of other measures: their debtors get nothing here either.
#include "absl/strings/str_cat.h"
#include "common/rpc/subjects.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using v1::Debt;

constexpr char kOwnRegister[] = "grants";
constexpr char kExportRegister[] = "export-refunds";

// Whose register the caller may speak for. Debts of this one are known without being told.
absl::Status CheckSource(const rpc::Caller& caller, const Debt& debt) {
  const absl::string_view service = rpc::ServiceOfSubject(caller.subject);
  if (!service.empty()) {
    if (debt.source() != service) return base::AccessDenied();
    // A message that came late must be told from one that is new.
    if (debt.sequence() == 0) return base::InvalidField("debt.sequence", "is required");
  } else if (!caller.Has(rpc::v1::AUTHORITY_INDUSTRY) && debt.source() != kExportRegister) {
    return base::AccessDenied();
  }
  return debt.source() == kOwnRegister ? base::AccessDenied() : absl::OkStatus();
}

Debtor DebtorOf(const Debt& debt) {
  return {debt.recipient(), v1::UnreliableRecipient::DEBT_REPORTED,
          absl::StrCat(debt.source(), " ", debt.record()), debt.told_by(),
          base::Date::FromProto(debt.past_due_from()).value_or(base::Date::Max())};
}

// The debtor leaves the list for this debt. Another one may stand as well.
absl::Status Unlist(store::Tx& tx, const Debt& debt, bool in_time) {
  ASSIGN_OR_RETURN(const std::vector<DebtRow> all,
                   AllOf(tx, kDebtsByRecipient, store::Key::Of(debt.recipient())));
  std::vector<OtherDebt> others;
  for (const DebtRow& row : all) {
    if (row.debt().name() == debt.name()) continue;
    if (!row.debt().owed() && !row.has_owed_until()) continue;
    OtherDebt& other = others.emplace_back();
    other.basis = DebtorOf(row.debt()).basis;
    ASSIGN_OR_RETURN(other.from, base::Date::FromProto(row.debt().past_due_from()));
    if (row.debt().owed()) continue;
    ASSIGN_OR_RETURN(other.until, base::Date::FromProto(row.owed_until()));
  }
  return UnlistDebtor(tx, DebtorOf(debt), others, in_time);
}

// The debt as it is known, or a new one that nobody owes; nothing where the message has nothing new
// to say: it came before, or one that was sent later did.
absl::StatusOr<std::optional<DebtRow>> NewsOf(store::Tx& tx, const Debt& told, bool owed,
                                              Debt* stands) {
  ASSIGN_OR_RETURN(auto found,
                   tx.FindUnique(kDebtsByRecord, store::Key::Of(told.source(), told.record())));
  DebtRow row;
  if (found.has_value()) {
    row = std::move(found->row);
    *stands = row.debt();
    const bool by_hand = told.sequence() == 0;
    const bool typed = rpc::ServiceOfSubject(stands->told_by()).empty();
    if (stands->recipient() != told.recipient()) {
      // What the register itself says takes the place of what somebody typed in for it.
      if (by_hand || !typed) return errors::DebtDiffers();
      if (stands->owed()) RETURN_IF_ERROR(Unlist(tx, *stands, /*in_time=*/true));
      row.mutable_debt()->set_recipient(told.recipient());
      row.mutable_debt()->set_owed(false);
      row.clear_owed_until();
      stands->set_sequence(0);
    }
    const bool known = by_hand ? stands->owed() == owed : told.sequence() <= stands->sequence();
    if (known) return std::nullopt;
    // Nor does anybody unsay what the register has said: there the debt is, and is it mended.
    if (by_hand && !typed) return errors::DebtOfRegister(stands->told_by());
  } else {
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("debts"));
    row.set_number(static_cast<int32_t>(number));
    Debt& fresh = *row.mutable_debt();
    fresh.set_name(absl::StrCat("debts/", number));
    fresh.set_source(told.source());
    fresh.set_record(told.record());
    fresh.set_recipient(told.recipient());
  }
  Debt& debt = *row.mutable_debt();
  debt.set_sequence(told.sequence() == 0 ? stands->sequence() + 1 : told.sequence());
  return row;
}

}  // namespace

absl::StatusOr<v1::Debt> ReportDebt(Env& /*env*/, const Call& call, store::Tx& tx,
                                    const v1::ReportDebtRequest& request) {
  const Debt& told = request.debt();
  RETURN_IF_ERROR(CheckSource(*call.caller, told));
  if (!told.has_past_due_from()) return errors::DebtDatesInvalid();
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(told.past_due_from()));
  if (from > tx.today()) return errors::DebtDatesInvalid();
  Debt stands;
  ASSIGN_OR_RETURN(auto news, NewsOf(tx, told, /*owed=*/true, &stands));
  if (!news.has_value()) return stands;
  Debt& debt = *news->mutable_debt();
  *debt.mutable_past_due_from() = told.past_due_from();
  debt.set_owed(true);
  news->clear_owed_until();
  debt.clear_reason();
  debt.set_told_by(call.caller->subject);
  ASSIGN_OR_RETURN(*debt.mutable_listing(), ListDebtor(tx, DebtorOf(debt)));
  tx.Cite(errors::Recovering());
  tx.Cite(errors::Gate());
  RETURN_IF_ERROR(tx.Put(kDebts, &*news));
  return debt;
}

absl::StatusOr<v1::Debt> WithdrawDebt(Env& /*env*/, const Call& call, store::Tx& tx,
                                      const v1::WithdrawDebtRequest& request) {
  const Debt& told = request.debt();
  RETURN_IF_ERROR(CheckSource(*call.caller, told));
  Debt stands;
  ASSIGN_OR_RETURN(auto news, NewsOf(tx, told, /*owed=*/false, &stands));
  if (!news.has_value()) return stands;
  Debt& debt = *news->mutable_debt();
  if (debt.owed()) {
    RETURN_IF_ERROR(Unlist(tx, debt, request.paid_in_time()));
    if (!request.paid_in_time()) *news->mutable_owed_until() = tx.today().ToProto();
  }
  debt.set_owed(false);
  debt.set_reason(request.reason());
  debt.clear_listing();
  debt.set_told_by(call.caller->subject);
  tx.Cite(errors::Recovering());
  tx.Cite(errors::Gate());
  RETURN_IF_ERROR(tx.Put(kDebts, &*news));
  return debt;
}

absl::StatusOr<Encoded<v1::Debt>> GetDebt(Env& env, Call& call, const v1::GetDebtRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), "debts/*", 0));
  return GetShown<Debt>(env, call, kDebts, store::Key::Of(number), request);
}

absl::StatusOr<Encoded<v1::ListDebtsResponse>> ListDebts(Env& env, Call& call,
                                                         const v1::ListDebtsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kDebts, request, call));
  plan.indexes = {{"recipient", &kDebtsByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kDebtsByRecipient}};
  plan.show = rpc::ShowTo<Debt>(call);
  return rpc::ListAs<v1::ListDebtsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
