// The lists that the gate reads: imported ones, and debtors.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/store/holders.h"
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

// The entries that a recipient has, or has had, on a list.
absl::StatusOr<std::map<int32_t, std::vector<Stretch>>> EntriesEver(
    const store::Tx& tx, const std::string& recipient, UnreliableRecipient::List list) {
  ASSIGN_OR_RETURN(const std::set<std::string> keys,
                   store::HoldersEver(tx, kUnreliableByRecipient,
                                      store::Key::Of(recipient, static_cast<int64_t>(list))));
  std::map<int32_t, std::vector<Stretch>> entries;
  for (const std::string& key : keys) {
    const auto number = static_cast<int32_t>(store::KeyReader(key).Number().value_or(0));
    ASSIGN_OR_RETURN(entries[number], StretchesOf(tx, number));
  }
  return entries;
}

absl::Status PutStretches(store::Tx& tx, int32_t number, const std::vector<Stretch>& stretches) {
  for (const Stretch& stretch : stretches) {
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
  return absl::OkStatus();
}

// Lets a recipient stand on a list since a day: by the entry that it has, or by a new one; on no
// day by two. The entry as it stands today.
absl::StatusOr<UnreliableRecipient> StandSince(store::Tx& tx, base::Date from,
                                               UnreliableRecipient told) {
  ASSIGN_OR_RETURN(const auto known, FindListed(tx, told.recipient(), told.list()));
  if (known.has_value()) {
    ASSIGN_OR_RETURN(const base::Date first,
                     base::Date::FromProto(known->row.recipient().listed_from()));
    if (from >= first) return known->row.recipient();
  }
  ASSIGN_OR_RETURN(auto entries, EntriesEver(tx, told.recipient(), told.list()));
  int32_t number = 0;
  std::vector<Stretch> own;
  if (known.has_value()) {
    number = known->row.number();
    own = std::move(entries[number]);
    entries.erase(number);
  } else {
    ASSIGN_OR_RETURN(const int64_t next, tx.Next("unreliable"));
    number = static_cast<int32_t>(next);
  }
  std::vector<std::vector<Stretch>> others;
  for (auto& [_, stretches] : entries) others.push_back(std::move(stretches));
  told.set_name(absl::StrCat("unreliable/", number));
  ASSIGN_OR_RETURN(const std::vector<Stretch> after, StandingSince(from, told, own, others));
  RETURN_IF_ERROR(PutStretches(tx, number, after));
  ASSIGN_OR_RETURN(auto stands, FindListed(tx, told.recipient(), told.list()));
  if (!stands.has_value()) return base::StoreCorrupt(kUnreliable.name);
  return std::move(*stands->row.mutable_recipient());
}

// Takes back the days of a debt that was paid in time, of which it stood on the list by one entry
// or, where a mistake had ended that, by several: they rest on what else was past due.
absl::Status TakeBack(store::Tx& tx, const Debtor& debtor, const std::vector<OtherDebt>& others) {
  ASSIGN_OR_RETURN(const auto entries, EntriesEver(tx, debtor.recipient, debtor.list));
  for (const auto& [number, stretches] : entries) {
    // What it rested on before that day was another time that it was owed.
    const bool over = !stretches.empty() && !stretches.back().entry.has_value() &&
                      stretches.back().from <= debtor.from;
    if (over) continue;
    ASSIGN_OR_RETURN(const std::vector<Stretch> after,
                     WithoutDebt(stretches, debtor.basis, others));
    RETURN_IF_ERROR(PutStretches(tx, number, after));
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
    UnreliableRecipient told = entry;
    told.set_entered_by(call.caller->subject);
    ASSIGN_OR_RETURN(*response.add_recipients(), StandSince(tx, from, std::move(told)));
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
  ASSIGN_OR_RETURN(const std::vector<Stretch> stretches, StretchesOf(tx, number));
  // The reason stands in the journal with the version that ends.
  found.row.mutable_recipient()->set_reason(request.reason());
  RETURN_IF_ERROR(tx.Put(kUnreliable, &found.row, end));
  RETURN_IF_ERROR(tx.End(kUnreliable, key, end));
  for (const Stretch& stretch : stretches) {
    if (stretch.from <= end || !stretch.entry.has_value()) continue;
    RETURN_IF_ERROR(tx.End(kUnreliable, key, stretch.from));
  }
  return found.row.recipient();
}

absl::StatusOr<std::string> ListDebtor(store::Tx& tx, const Debtor& debtor) {
  UnreliableRecipient told;
  told.set_recipient(debtor.recipient);
  told.set_list(debtor.list);
  told.set_basis(debtor.basis);
  told.set_entered_by(debtor.entered_by);
  *told.mutable_listed_from() = debtor.from.ToProto();
  ASSIGN_OR_RETURN(const UnreliableRecipient stands, StandSince(tx, debtor.from, std::move(told)));
  return stands.name();
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
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kUnreliable, request, call));
  plan.indexes = {{"recipient", &kUnreliableByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kUnreliableByRecipient}};
  plan.show = rpc::ShowTo<UnreliableRecipient>(call);
  return rpc::ListAs<v1::ListUnreliableRecipientsResponse>(*env.store, plan);
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
