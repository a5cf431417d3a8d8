// A demand past due, told to the register of grants: whoever owes one is on the list that the gate
// of every measure reads (Art. 27(4), order 437/2026).
#include "nisi/grants/v1/agreement_service.pb.h"
#include "services/export_refunds/env.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

constexpr char kGrants[] = "grants";
constexpr char kReport[] = "/nisi.grants.v1.GrantAgreementsService/ReportDebt";
constexpr char kWithdraw[] = "/nisi.grants.v1.GrantAgreementsService/WithdrawDebt";

// Which debt it is, and where this message stands among those about it.
grants::v1::Debt DebtOf(const store::Tx& tx, const Claim& claim) {
  grants::v1::Debt debt;
  debt.set_source(ExportRefundsSchema().name);
  debt.set_record(claim.name());
  debt.set_recipient(claim.claimant());
  debt.set_sequence(tx.position());
  return debt;
}

}  // namespace

void TellPastDue(store::Tx& tx, base::Date from, Claim* claim) {
  claim->mutable_demand()->set_listing(v1::Demand::TO_BE_LISTED);
  grants::v1::ReportDebtRequest request;
  *request.mutable_debt() = DebtOf(tx, *claim);
  *request.mutable_debt()->mutable_past_due_from() = from.ToProto();
  tx.Emit(kGrants, kReport, request);
}

void TellSettled(store::Tx& tx, const std::string& reason, bool in_time, Claim* claim) {
  if (!claim->demand().past_due()) return;
  claim->mutable_demand()->set_listing(v1::Demand::TO_BE_STRUCK);
  grants::v1::WithdrawDebtRequest request;
  *request.mutable_debt() = DebtOf(tx, *claim);
  request.set_reason(reason);
  request.set_paid_in_time(in_time);
  tx.Emit(kGrants, kWithdraw, request);
}

absl::Status NoteTold(store::Tx& tx, const store::OutboxMessage& message,
                      const absl::StatusOr<std::string>& said) {
  if (!said.ok()) return said.status();
  grants::v1::Debt debt;
  if (!debt.ParseFromString(*said)) {
    return rpc::NotAnswered(kGrants, message.method, "WRONG_ANSWER", absl::Minutes(1));
  }
  grants::v1::ReportDebtRequest reported;
  grants::v1::WithdrawDebtRequest withdrawn;
  const bool report = message.method == kReport;
  if (report ? !reported.ParseFromString(message.payload)
             : !withdrawn.ParseFromString(message.payload)) {
    return base::StoreCorrupt("outbox row");
  }
  const std::string& name = report ? reported.debt().record() : withdrawn.debt().record();
  ASSIGN_OR_RETURN(ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(name)));
  v1::Demand& demand = *row.mutable_claim()->mutable_demand();
  // What was told since is on its way.
  if (demand.listing() != (report ? v1::Demand::TO_BE_LISTED : v1::Demand::TO_BE_STRUCK)) {
    return absl::OkStatus();
  }
  demand.set_listing(debt.owed() ? v1::Demand::LISTED : v1::Demand::STRUCK);
  demand.set_listed_as(debt.listing());
  tx.Cite(errors::RecipientGate());
  return tx.Put(kClaims, &row);
}

std::vector<const google::protobuf::MethodDescriptor*> ToldBy() {
  const auto* service = grants::v1::ReportDebtRequest::descriptor()->file()->FindServiceByName(
      "GrantAgreementsService");
  return {service->FindMethodByName("ReportDebt"), service->FindMethodByName("WithdrawDebt")};
}

}  // namespace nisi::export_refunds
