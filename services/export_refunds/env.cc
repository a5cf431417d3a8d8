#include "services/export_refunds/env.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

// The term to answer remarks is over: the claim is annulled, and its invoices are free again.
absl::Status Annul(const Env& env, store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
  ASSIGN_OR_RETURN(ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(deadline.record())));
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(ClaimMachine(), ClaimVerb::kAnnul, std::move(row), day));
  RETURN_IF_ERROR(FreeInvoices(tx, deadline.record(), day));
  return FinishClaim(env, tx, &step);
}

// The day of a demand is over, and not all is repaid: the debtor goes on the list.
absl::Status MarkPastDue(store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
  ASSIGN_OR_RETURN(ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(deadline.record())));
  row.mutable_claim()->mutable_demand()->set_past_due(true);
  TellPastDue(tx, day, &row);
  tx.Cite(errors::Return());
  return tx.Put(kClaims, &row, day);
}

}  // namespace

absl::StatusOr<ClaimStep> BeginClaim(const store::Tx& tx, const rpc::Call& call, ClaimVerb verb,
                                     const std::string& name, const std::string& etag,
                                     std::vector<base::Acted> acts) {
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kClaims, store::Key::Of(name), name));
  return cases::Begin(call, ClaimMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag, .acts = std::move(acts)});
}

absl::Status FinishClaim(const Env& env, store::Tx& tx, ClaimStep* step) {
  return cases::Finish(tx, *env.norms, kClaims, step, {.bin = step->row.claim().claimant()});
}

absl::StatusOr<Claim> ClaimNow(const store::Tx& tx, const std::string& name) {
  ASSIGN_OR_RETURN(ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(name)));
  return std::move(*row.mutable_claim());
}

absl::Status CheckRemarked(const ClaimRow& row, absl::string_view what) {
  if (row.claim().state() != Claim::FIXING) return absl::OkStatus();
  for (const v1::Remark& remark : row.claim().remarks()) {
    if (remark.round() != row.rounds() || !remark.answer().empty()) continue;
    const std::string& field = remark.field();
    if (field == what || absl::StartsWith(what, absl::StrCat(field, "."))) return absl::OkStatus();
  }
  return errors::NotRemarked(what);
}

absl::Status CheckChangesRemarked(const ClaimRow& row, const google::protobuf::Message& before,
                                  const google::protobuf::Message& after, absl::string_view path) {
  for (int i = 0; i < before.GetDescriptor()->field_count(); ++i) {
    const auto* field = before.GetDescriptor()->field(i);
    google::protobuf::util::MessageDifferencer differ;
    if (differ.CompareWithFields(before, after, {field}, {field})) continue;
    RETURN_IF_ERROR(CheckRemarked(row, absl::StrCat(path, std::string(field->name()))));
  }
  return absl::OkStatus();
}

absl::Status CheckWhole(const Claim& claim, const std::vector<ExpenseRow>& expenses,
                        base::Date sign_date) {
  RETURN_IF_ERROR(CheckSignable(claim, static_cast<int32_t>(expenses.size()), sign_date));
  std::vector<const Expense*> costs;
  costs.reserve(expenses.size());
  for (const ExpenseRow& row : expenses) costs.push_back(&row.expense());
  return CheckRates(costs);
}

bool IsOfficial(const rpc::Caller& caller) {
  return caller.Has(rpc::v1::INSTITUTE_EXPORT) || caller.Has(rpc::v1::AUTHORITY_TRADE) ||
         caller.Has(rpc::v1::AUDITOR);
}

absl::StatusOr<std::vector<ExpenseRow>> ExpensesOf(const store::Reader& reader,
                                                   const std::string& claim, const store::At& at) {
  return cases::AllOf(reader, kExpenses, store::Key::Of(claim), at);
}

absl::Status FreeInvoices(store::Tx& tx, const std::string& claim, std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(std::vector<ExpenseRow> expenses, ExpensesOf(tx, claim));
  for (ExpenseRow& row : expenses) {
    if (!row.holds_invoice()) continue;
    row.set_holds_invoice(false);
    RETURN_IF_ERROR(tx.Put(kExpenses, &row, day));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Origin>> OwesPastDue(const store::Reader& reader,
                                                  const std::string& claimant) {
  std::optional<Origin> owing;
  RETURN_IF_ERROR(
      reader.Scan(kClaimsByClaimant, {store::Key::Of(claimant), ""}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ClaimRow>(view));
                    const Claim& claim = stored.row.claim();
                    if (claim.state() == Claim::RECOVERY && claim.demand().past_due()) {
                      owing = Origin{claim.name(), claim.etag()};
                    }
                    return !owing.has_value();
                  }));
  return owing;
}

absl::Status CloseDeadlines(store::Tx& tx, const std::string& claim, absl::string_view kind,
                            cases::Deadline::State state) {
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, claim));
  for (const cases::Deadline& deadline : open) {
    if (deadline.kind() != kind) continue;
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), state));
  }
  return absl::OkStatus();
}

cases::OverdueFns OverdueActs(std::shared_ptr<const Env> env) {
  return {{"export_refunds.days.fixing",
           [env = std::move(env)](store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
             return Annul(*env, tx, deadline, day);
           }},
          {kRepaymentDeadline, [](store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
             return MarkPastDue(tx, deadline, day);
           }}};
}

}  // namespace nisi::export_refunds
