// The lists that the gate reads: imported ones, and debtors.
#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "services/grants/errors.h"
#include "services/grants/gate_register.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using v1::UnreliableRecipient;

// Whose steps rest on the lists beside this service's own.
constexpr absl::string_view kMeasures[] = {"export-refunds", "clusters"};

absl::StatusOr<std::optional<store::Stored<UnreliableRecipientRow>>> FindListed(
    const store::Reader& reader, const std::string& recipient, UnreliableRecipient::List list) {
  return reader.FindUnique(kUnreliableByRecipient,
                           store::Key::Of(recipient, static_cast<int64_t>(list)));
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

using Listed = store::Stored<UnreliableRecipientRow>;

// Since which day a debtor is to stand on the list: not on those on which it stood there by an
// entry that has ended meanwhile.
absl::StatusOr<base::Date> FirstDay(const store::Tx& tx, const Debtor& debtor) {
  const store::Key own = store::Key::Of(debtor.recipient, static_cast<int64_t>(debtor.list));
  base::Date day = debtor.from;
  while (day < tx.today()) {
    base::Date ends = day;
    RETURN_IF_ERROR(tx.Scan(
        kUnreliableByRecipient, {own, ""}, {.as_of = day},
        [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<UnreliableRecipientRow>(view));
          const store::Key key = store::Key::Of(stored.row.number());
          ASSIGN_OR_RETURN(const auto versions, tx.Versions(kUnreliable, key.bytes(), day));
          ends = tx.today();
          for (const store::RawRow& version : versions) {
            const base::Date from = version.version.effective_from;
            if (version.version.ended && from > day) ends = std::min(ends, from);
          }
          return false;
        }));
    if (ends == day) break;
    day = ends;
  }
  return day;
}

// A debt that is told late is older than the entry: before it the entry rests on that debt.
absl::Status StandSince(store::Tx& tx, const Debtor& debtor, Listed* listed) {
  UnreliableRecipient& entry = *listed->row.mutable_recipient();
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(entry.listed_from()));
  if (debtor.from >= first) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Date from, FirstDay(tx, debtor));
  if (from >= first) return absl::OkStatus();
  const std::string basis = entry.basis();
  entry.set_basis(debtor.basis);
  *entry.mutable_listed_from() = from.ToProto();
  RETURN_IF_ERROR(tx.Put(kUnreliable, &listed->row, from));
  entry.set_basis(basis);
  return tx.Put(kUnreliable, &listed->row, listed->version.effective_from);
}

// What holds of an entry as is known now, in the order of days.
absl::StatusOr<std::vector<Stretch>> StretchesOf(const store::Tx& tx, int32_t number) {
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kUnreliable, store::Key::Of(number).bytes()));
  std::vector<Stretch> stretches;  // the last word on a day comes first
  for (const store::RawRow& version : versions) {
    const base::Date from = version.version.effective_from;
    if (version.version.position == 0) continue;
    if (!stretches.empty() && stretches.back().from == from) continue;
    Stretch& stretch = stretches.emplace_back();
    stretch.from = from;
    if (version.version.ended) continue;
    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<UnreliableRecipientRow>(version.view()));
    stretch.entry = std::move(*stored.row.mutable_recipient());
  }
  std::reverse(stretches.begin(), stretches.end());
  return stretches;
}

// Lets an entry rest on what else was past due, where it rested on a debt that was none. The day on
// which it ended; nothing where it stands.
absl::StatusOr<std::optional<base::Date>> RestOnOthers(store::Tx& tx, int32_t number,
                                                       const std::string& basis,
                                                       const std::vector<OtherDebt>& others) {
  ASSIGN_OR_RETURN(const std::vector<Stretch> before, StretchesOf(tx, number));
  ASSIGN_OR_RETURN(const std::vector<Stretch> after, WithoutDebt(before, basis, others));
  for (const Stretch& stretch : after) {
    if (stretch.recorded) continue;
    if (!stretch.entry.has_value()) {
      RETURN_IF_ERROR(tx.End(kUnreliable, store::Key::Of(number), stretch.from));
      continue;
    }
    UnreliableRecipientRow row;
    row.set_number(number);
    *row.mutable_recipient() = *stretch.entry;
    RETURN_IF_ERROR(tx.Put(kUnreliable, &row, stretch.from));
  }
  const bool ended = !before.empty() && !before.back().entry.has_value();
  return ended ? std::optional(before.back().from) : std::nullopt;
}

// Takes back the days of a debt that was paid in time, of which it stood on the list by one entry
// or, where a mistake had ended that, by one after the other.
absl::Status TakeBack(store::Tx& tx, const Debtor& debtor, const std::vector<OtherDebt>& others) {
  const store::Key own = store::Key::Of(debtor.recipient, static_cast<int64_t>(debtor.list));
  for (std::optional<base::Date> day = debtor.from; day.has_value() && *day <= tx.today();) {
    std::optional<int32_t> number;
    RETURN_IF_ERROR(tx.Scan(
        kUnreliableByRecipient, {own, ""}, {.as_of = day},
        [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<UnreliableRecipientRow>(view));
          number = stored.row.number();
          return false;
        }));
    if (!number.has_value()) break;
    ASSIGN_OR_RETURN(const std::optional<base::Date> ended,
                     RestOnOthers(tx, *number, debtor.basis, others));
    if (ended.has_value() && *ended <= *day) break;
    day = ended;
  }
  return absl::OkStatus();
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
      *response.add_recipients() = known->row.recipient();
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
  const store::Key key = store::Key::Of(number);
  base::Date end = tx.today();
  if (request.has_end_date()) {
    ASSIGN_OR_RETURN(end, base::Date::FromProto(request.end_date()));
  }
  if (end > tx.today()) return errors::EntryEndInvalid();
  ASSIGN_OR_RETURN(const auto stands, tx.Find(kUnreliable, key));
  store::At at;
  if (!stands.has_value()) at.as_of = end;  // it has ended: is it taken back further?
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kUnreliable, key, request.name(), nullptr, at));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.recipient().etag()));
  const bool imported = found.row.recipient().list() == UnreliableRecipient::BANKRUPT ||
                        found.row.recipient().list() == UnreliableRecipient::UNRELIABLE;
  if (!imported) return errors::ListedByDemand();
  ASSIGN_OR_RETURN(const base::Date first,
                   base::Date::FromProto(found.row.recipient().listed_from()));
  if (end < first) return errors::EntryEndInvalid();
  tx.Cite(errors::Gate());
  // The reason stands in the journal with the version that ends.
  found.row.mutable_recipient()->set_reason(request.reason());
  RETURN_IF_ERROR(tx.Put(kUnreliable, &found.row, end));
  RETURN_IF_ERROR(tx.End(kUnreliable, key, end));
  return found.row.recipient();
}

absl::StatusOr<std::string> ListDebtor(store::Tx& tx, const Debtor& debtor) {
  ASSIGN_OR_RETURN(auto known, FindListed(tx, debtor.recipient, debtor.list));
  if (known.has_value()) {
    RETURN_IF_ERROR(StandSince(tx, debtor, &*known));
    return known->row.recipient().name();
  }
  UnreliableRecipient entry;
  entry.set_recipient(debtor.recipient);
  entry.set_list(debtor.list);
  entry.set_basis(debtor.basis);
  ASSIGN_OR_RETURN(const base::Date from, FirstDay(tx, debtor));
  *entry.mutable_listed_from() = from.ToProto();
  ASSIGN_OR_RETURN(const UnreliableRecipient entered,
                   EnterIt(tx, std::move(entry), debtor.entered_by, from));
  return entered.name();
}

absl::Status UnlistDebtor(store::Tx& tx, const Debtor& debtor, const std::vector<OtherDebt>& others,
                          bool in_time) {
  ASSIGN_OR_RETURN(auto listed, FindListed(tx, debtor.recipient, debtor.list));
  if (!listed.has_value()) return base::StoreCorrupt(kUnreliable.name);
  if (in_time) {
    RETURN_IF_ERROR(TakeBack(tx, debtor, others));
    ASSIGN_OR_RETURN(listed, FindListed(tx, debtor.recipient, debtor.list));
    if (!listed.has_value()) return absl::OkStatus();
  }
  std::vector<OtherDebt> owed;
  for (const OtherDebt& other : others) {
    if (!other.until.has_value()) owed.push_back(other);
  }
  UnreliableRecipient& entry = *listed->row.mutable_recipient();
  if (entry.basis() != debtor.basis && !owed.empty()) return absl::OkStatus();
  const OtherDebt* oldest = OldestOn(owed, tx.today());
  if (oldest == nullptr) return tx.End(kUnreliable, store::Key::Of(listed->row.number()));
  entry.set_basis(oldest->basis);
  return tx.Put(kUnreliable, &listed->row);
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

absl::StatusOr<v1::CheckRecipientResponse> CheckRecipient(
    Env& env, Call& call, const v1::CheckRecipientRequest& request) {
  // Who stands there is no official's to look up: it is told to a step that is taken.
  const std::vector<std::string>& actors = call.caller->actors;
  if (actors.empty() || !absl::c_linear_search(kMeasures, actors.back())) {
    return base::AccessDenied();
  }
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.on_date()));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const auto entries, EntriesOf(view, request.recipient(), day));
  v1::CheckRecipientResponse response;
  response.set_recipient(request.recipient());
  *response.mutable_on_date() = request.on_date();
  for (const UnreliableRecipient& entry : entries) {
    auto* listing = response.add_listings();
    listing->set_name(entry.name());
    listing->set_list(entry.list());
    listing->set_etag(entry.etag());
  }
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  response.set_position(position);
  return response;
}

}  // namespace nisi::grants
