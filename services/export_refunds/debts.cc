// A demand past due, told to the register of grants: whoever owes one is on the list that the gate
// of every measure reads (Art. 27(4), order 437/2026).
#include <memory>

#include "common/base/log.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "services/export_refunds/env.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

constexpr char kGrants[] = "grants";
constexpr absl::Duration kTellAgainAfter = absl::Hours(1);
// A register is restored to any moment of the last 30 days.
constexpr absl::Duration kForgets = absl::Hours(24 * 31);
constexpr char kReport[] = "/nisi.grants.v1.GrantAgreementsService/ReportDebt";
constexpr char kWithdraw[] = "/nisi.grants.v1.GrantAgreementsService/WithdrawDebt";

// Which debt it is, and where this message stands among those about it.
grants::v1::Debt DebtOf(const store::Tx& tx, const Claim& claim) {
  grants::v1::Debt debt;
  debt.set_source(ExportRefundsSchema().name);
  debt.set_record(claim.name());
  debt.set_recipient(claim.claimant());
  // Not the position: that goes back when this register is restored to an earlier point, and grants
  // would take all that comes after it for old news.
  debt.set_sequence(absl::ToUnixMicros(tx.recorded()));
  return debt;
}

// What a message tells, of which claim, and what the claim says as long as nothing was told since.
struct DebtMessage {
  std::unique_ptr<google::protobuf::Message> request;
  grants::v1::Debt debt;
  std::string claim;
  v1::Demand::Listing listing = v1::Demand::LISTING_UNSPECIFIED;
};
template <class Request>
absl::StatusOr<DebtMessage> ToldOf(const std::string& payload, v1::Demand::Listing listing) {
  auto request = std::make_unique<Request>();
  if (!request->ParseFromString(payload)) return base::StoreCorrupt("outbox row");
  grants::v1::Debt debt = request->debt();
  std::string claim = debt.record();
  return DebtMessage{std::move(request), std::move(debt), std::move(claim), listing};
}
absl::StatusOr<DebtMessage> ToldIn(const std::string& method, const std::string& payload) {
  return method == kReport
             ? ToldOf<grants::v1::ReportDebtRequest>(payload, v1::Demand::TO_BE_LISTED)
             : ToldOf<grants::v1::WithdrawDebtRequest>(payload, v1::Demand::TO_BE_STRUCK);
}

// Whether that register has answered what it was told last.
bool IsConfirmed(const ClaimRow& row) {
  const v1::Demand::Listing listing = row.claim().demand().listing();
  return listing == v1::Demand::LISTED || listing == v1::Demand::STRUCK;
}

// Whether what the register of grants says is of the debt that it was told, as it was told or as it
// was told later.
bool IsOfIt(const grants::v1::Debt& told, bool owed, const grants::v1::Debt& said) {
  return said.source() == told.source() && said.record() == told.record() &&
         said.recipient() == told.recipient() && said.sequence() >= told.sequence() &&
         (said.sequence() > told.sequence() || said.owed() == owed);
}

// Leaves word, and says it again every day: that register may be restored to before it has heard
// it.
template <class Request>
void Tell(store::Tx& tx, const char* method, const Request& request, ClaimRow* row) {
  row->set_told_method(method);
  row->set_told_debt(request.SerializeAsString());
  row->set_told_sequence(request.debt().sequence());
  tx.Emit(kGrants, method, request);
  tx.Schedule(tx.today().EndOfDay(), kTellDailyTimer,
              store::Key::Of(row->claim().name(), row->told_sequence()).bytes());
}

absl::Status TellAnew(store::Tx& tx, const DebtMessage& told, ClaimRow* row) {
  if (told.listing == v1::Demand::TO_BE_LISTED) {
    ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(row->claim().demand().due_date()));
    TellPastDue(tx, due.AddDays(1), row);
    return absl::OkStatus();
  }
  const auto& request = static_cast<const grants::v1::WithdrawDebtRequest&>(*told.request);
  TellSettled(tx, request.reason(), request.paid_in_time(), row);
  return absl::OkStatus();
}

// What was confirmed is told once more. The answer says nothing new, but where one of the two was
// restored: that one took it back, or this one has forgotten what it told since. What counts is
// what this register knows: the demand is its own.
absl::Status NoteTellingAgain(store::Tx& tx, const DebtMessage& told,
                              const absl::StatusOr<grants::v1::Debt>& said, ClaimRow* row) {
  if (!said.ok()) return absl::OkStatus();  // on the next day
  v1::Demand& demand = *row->mutable_claim()->mutable_demand();
  if (said->owed() != (told.listing == v1::Demand::TO_BE_LISTED)) {
    base::Log(base::Severity::kWarning, "debt_told_anew", {{"claim", row->claim().name()}});
    RETURN_IF_ERROR(TellAnew(tx, told, row));
  } else if (demand.listed_as() != said->listing()) {
    demand.set_listed_as(said->listing());
  } else {
    return absl::OkStatus();
  }
  tx.Cite(errors::RecipientGate());
  return tx.Put(kClaims, row);
}

// Those behind it go on, and it comes again: what was refused may have been mended there.
absl::Status NoteRefused(store::Tx& tx, const store::OutboxMessage& message,
                         const absl::Status& said, ClaimRow* row) {
  std::string reason = base::ReasonOf(said);
  if (reason.empty()) reason = absl::StatusCodeToString(said.code());
  base::Log(base::Severity::kError, "debt_refused",
            {{"claim", row->claim().name()}, {"method", message.method}, {"reason", reason}});
  tx.Schedule(tx.recorded() + kTellAgainAfter, kTellAgainTimer,
              store::Key::Of(message.method, message.payload).bytes());
  v1::Demand& demand = *row->mutable_claim()->mutable_demand();
  if (demand.listing_refusal() == reason) return absl::OkStatus();
  demand.set_listing_refusal(reason);
  tx.Cite(errors::RecipientGate());
  return tx.Put(kClaims, row);
}

}  // namespace

void TellPastDue(store::Tx& tx, base::Date from, ClaimRow* row) {
  v1::Demand& demand = *row->mutable_claim()->mutable_demand();
  demand.set_listing(v1::Demand::TO_BE_LISTED);
  demand.clear_listing_refusal();
  grants::v1::ReportDebtRequest request;
  *request.mutable_debt() = DebtOf(tx, row->claim());
  *request.mutable_debt()->mutable_past_due_from() = from.ToProto();
  Tell(tx, kReport, request, row);
}

void TellSettled(store::Tx& tx, const std::string& reason, bool in_time, ClaimRow* row) {
  v1::Demand& demand = *row->mutable_claim()->mutable_demand();
  if (!demand.past_due()) return;
  demand.set_listing(v1::Demand::TO_BE_STRUCK);
  demand.clear_listing_refusal();
  grants::v1::WithdrawDebtRequest request;
  *request.mutable_debt() = DebtOf(tx, row->claim());
  request.set_reason(reason);
  request.set_paid_in_time(in_time);
  Tell(tx, kWithdraw, request, row);
}

absl::Status NoteTold(store::Tx& tx, const store::OutboxMessage& message,
                      const absl::StatusOr<std::string>& said) {
  ASSIGN_OR_RETURN(const DebtMessage told, ToldIn(message.method, message.payload));
  grants::v1::Debt debt;
  if (said.ok() && !(debt.ParseFromString(*said) &&
                     IsOfIt(told.debt, told.listing == v1::Demand::TO_BE_LISTED, debt))) {
    // Not noted, so the message goes again.
    return rpc::NotAnswered(kGrants, message.method, "WRONG_ANSWER", absl::Minutes(1));
  }
  ASSIGN_OR_RETURN(ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(told.claim)));
  v1::Demand& demand = *row.mutable_claim()->mutable_demand();
  if (IsConfirmed(row) && row.told_sequence() == told.debt.sequence()) {
    return NoteTellingAgain(tx, told,
                            said.ok() ? absl::StatusOr<grants::v1::Debt>(debt)
                                      : absl::StatusOr<grants::v1::Debt>(said.status()),
                            &row);
  }
  // What was told since is on its way.
  if (demand.listing() != told.listing) return absl::OkStatus();
  if (!said.ok()) return NoteRefused(tx, message, said.status(), &row);
  demand.set_listing(debt.owed() ? v1::Demand::LISTED : v1::Demand::STRUCK);
  demand.set_listed_as(debt.listing());
  demand.clear_listing_refusal();
  tx.Cite(errors::RecipientGate());
  return tx.Put(kClaims, &row);
}

absl::Status TellAgain(store::Tx& tx, absl::string_view payload, absl::Time /*due*/) {
  store::KeyReader reader(payload);
  const auto method = reader.Text(), message = reader.Text();
  if (!method.has_value() || !message.has_value()) return base::StoreCorrupt("timer of a debt");
  ASSIGN_OR_RETURN(const DebtMessage told, ToldIn(*method, *message));
  ASSIGN_OR_RETURN(const ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(told.claim)));
  const v1::Demand& demand = row.claim().demand();
  if (demand.listing() == told.listing && !demand.listing_refusal().empty()) {
    tx.Emit(kGrants, *method, *told.request);
  }
  return absl::OkStatus();
}

absl::Status TellDaily(store::Tx& tx, absl::string_view payload, absl::Time /*due*/) {
  store::KeyReader reader(payload);
  const auto name = reader.Text();
  const auto sequence = reader.Number();
  if (!name.has_value() || !sequence.has_value()) return base::StoreCorrupt("timer of a debt");
  ASSIGN_OR_RETURN(const ClaimRow row, cases::Need(tx, kClaims, store::Key::Of(*name)));
  if (row.told_sequence() != *sequence) return absl::OkStatus();  // told since
  // Nobody holds what is long settled against whom it was of, who has it forgotten or not.
  const bool settled = row.claim().demand().listing() == v1::Demand::STRUCK;
  if (settled && tx.recorded() > absl::FromUnixMicros(*sequence) + kForgets) {
    return absl::OkStatus();
  }
  if (IsConfirmed(row)) {
    ASSIGN_OR_RETURN(const DebtMessage told, ToldIn(row.told_method(), row.told_debt()));
    tx.Emit(kGrants, row.told_method(), *told.request);
  }
  tx.Schedule(tx.today().EndOfDay(), kTellDailyTimer, payload);
  return absl::OkStatus();
}

std::vector<store::Figure> DebtFigures(const store::Store& store) {
  int64_t refused = 0;
  const store::View view = store.Read();
  const absl::Status counted =
      view.Scan(kRefusedDebts, {}, {},
                [&refused](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
                  ++refused;
                  return true;
                });
  if (!counted.ok()) return {};
  return {{"nisi_export_refunds_debts_refused",
           "Demands past due, or settled, of which the register of grants refuses to hear.",
           static_cast<double>(refused)}};
}

std::vector<const google::protobuf::MethodDescriptor*> ToldBy() {
  const auto* service = grants::v1::ReportDebtRequest::descriptor()->file()->FindServiceByName(
      "GrantAgreementsService");
  return {service->FindMethodByName("ReportDebt"), service->FindMethodByName("WithdrawDebt")};
}

}  // namespace nisi::export_refunds
