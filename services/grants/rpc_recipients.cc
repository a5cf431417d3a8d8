// The lists that the gate reads: imported ones, and debtors of this register.
#include "absl/strings/str_cat.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using v1::UnreliableRecipient;

absl::StatusOr<std::optional<UnreliableRecipientRow>> FindListed(const store::Reader& reader,
                                                                 const std::string& recipient,
                                                                 UnreliableRecipient::List list) {
  ASSIGN_OR_RETURN(auto found,
                   reader.FindUnique(kUnreliableByRecipient,
                                     store::Key::Of(recipient, static_cast<int64_t>(list))));
  if (!found.has_value()) return std::nullopt;
  return std::move(found->row);
}

absl::StatusOr<UnreliableRecipient> EnterIt(store::Tx& tx, UnreliableRecipient entry,
                                            const std::string& subject, base::Date from) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("unreliable"));
  UnreliableRecipientRow row;
  row.set_number(static_cast<int32_t>(number));
  *row.mutable_recipient() = std::move(entry);
  row.mutable_recipient()->set_name(absl::StrCat("unreliable/", number));
  row.mutable_recipient()->set_entered_by(subject);
  RETURN_IF_ERROR(tx.Put(kUnreliable, &row, from));
  return row.recipient();
}

}  // namespace

absl::StatusOr<v1::EnterUnreliableRecipientsResponse> EnterUnreliableRecipients(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const v1::EnterUnreliableRecipientsRequest& request) {
  tx.Cite(errors::Gate());
  v1::EnterUnreliableRecipientsResponse response;
  for (int i = 0; i < request.recipients_size(); ++i) {
    const UnreliableRecipient& entry = request.recipients(i);
    ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(entry.listed_from()));
    const bool imported = entry.list() == UnreliableRecipient::BANKRUPT ||
                          entry.list() == UnreliableRecipient::UNRELIABLE;
    if (from > tx.today() || !imported) {
      return errors::ListedInFuture(absl::StrCat("recipients[", i, "]"));
    }
    ASSIGN_OR_RETURN(const auto known, FindListed(tx, entry.recipient(), entry.list()));
    if (known.has_value()) {
      *response.add_recipients() = known->recipient();
      continue;
    }
    ASSIGN_OR_RETURN(*response.add_recipients(), EnterIt(tx, entry, call.caller->subject, from));
  }
  return response;
}

absl::StatusOr<v1::UnreliableRecipient> EndUnreliableRecipient(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const v1::EndUnreliableRecipientRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), "unreliable/*", 0));
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kUnreliable, store::Key::Of(number), request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.recipient().etag()));
  if (found.row.recipient().list() == UnreliableRecipient::DEMAND_PAST_DUE) {
    return errors::ListedByDemand();
  }
  tx.Cite(errors::Gate());
  // The reason stands in the journal with the version that ends.
  found.row.mutable_recipient()->set_reason(request.reason());
  RETURN_IF_ERROR(tx.Put(kUnreliable, &found.row));
  RETURN_IF_ERROR(tx.End(kUnreliable, store::Key::Of(number)));
  return found.row.recipient();
}

absl::StatusOr<std::string> ListDebtor(store::Tx& tx, const Demand& demand, base::Date day) {
  ASSIGN_OR_RETURN(const auto known,
                   FindListed(tx, demand.recipient(), UnreliableRecipient::DEMAND_PAST_DUE));
  if (known.has_value()) return known->recipient().name();
  UnreliableRecipient entry;
  entry.set_recipient(demand.recipient());
  entry.set_list(UnreliableRecipient::DEMAND_PAST_DUE);
  entry.set_basis(demand.name());
  *entry.mutable_listed_from() = day.ToProto();
  ASSIGN_OR_RETURN(const UnreliableRecipient entered, EnterIt(tx, std::move(entry), "system", day));
  return entered.name();
}

absl::Status UnlistDebtor(store::Tx& tx, const Demand& demand, bool in_time) {
  if (demand.listing().empty()) return absl::OkStatus();
  // Another demand of the same recipient may be past due as well: then it stays.
  ASSIGN_OR_RETURN(const std::vector<DemandRow> all,
                   AllOf(tx, kDemandsByRecipient, store::Key::Of(demand.recipient())));
  for (const DemandRow& row : all) {
    if (row.demand().name() != demand.name() && row.demand().state() == Demand::ISSUED &&
        !row.demand().listing().empty()) {
      return absl::OkStatus();
    }
  }
  ASSIGN_OR_RETURN(const auto listed,
                   FindListed(tx, demand.recipient(), UnreliableRecipient::DEMAND_PAST_DUE));
  if (!listed.has_value()) return base::StoreCorrupt(kUnreliable.name);
  std::optional<base::Date> from;
  if (in_time && listed->recipient().basis() == demand.name()) {
    ASSIGN_OR_RETURN(from, base::Date::FromProto(listed->recipient().listed_from()));
  }
  return tx.End(kUnreliable, store::Key::Of(listed->number()), from);
}

absl::StatusOr<Encoded<v1::UnreliableRecipient>> GetUnreliableRecipient(
    Env& env, Call& call, const v1::GetUnreliableRecipientRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), "unreliable/*", 0));
  return GetShown<UnreliableRecipient>(env, call, kUnreliable, store::Key::Of(number), request);
}

absl::StatusOr<Encoded<v1::ListUnreliableRecipientsResponse>> ListUnreliableRecipients(
    Env& env, Call& call, const v1::ListUnreliableRecipientsRequest& request) {
  rpc::ListPlan plan;
  plan.table = &kUnreliable;
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  rpc::PlanPage(request, call, &plan);
  plan.indexes = {{"recipient", &kUnreliableByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kUnreliableByRecipient}};
  plan.show = rpc::ShowTo<UnreliableRecipient>(call);
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListUnreliableRecipientsResponse>{std::move(page)};
}

}  // namespace nisi::grants
