// What happens under a contract: entries, in any order and late; corrections are entries, too.
#include "absl/strings/str_cat.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

// The last day on which something can happen under the contract: that of its end, or of its term.
absl::StatusOr<base::Date> LastDayOf(const Contract& contract) {
  if (contract.has_terminate_date()) return base::Date::FromProto(contract.terminate_date());
  if (contract.state() != Contract::FULFILLED) return base::Date::Max();
  return base::Date::Of(contract.years().rbegin()->year(), 12, 31);
}

// The event is of the contract: not to come, not before it was signed, nor after it ended; but it
// may be paid for later.
absl::Status CheckEventDate(const Contract& contract, const Entry& entry, base::Date today) {
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(entry.event_date()));
  if (day > today) return errors::EventDateInvalid("is to come");
  if (!contract.has_sign_date()) return errors::EventDateInvalid("the contract was never signed");
  ASSIGN_OR_RETURN(const base::Date signed_on, base::Date::FromProto(contract.sign_date()));
  if (day < signed_on) return errors::EventDateInvalid("is before the contract was signed");
  if (entry.kind() == Entry::PAYMENT) return absl::OkStatus();
  // Goods come and are taken in their year; what will not be bought is said before it as well.
  const bool ahead = entry.kind() == Entry::REFUSAL && !entry.delivered();
  if (entry.year() > day.year() && !ahead) {
    return errors::EventDateInvalid("is before the year it is for");
  }
  ASSIGN_OR_RETURN(const base::Date last, LastDayOf(contract));
  return day > last ? errors::EventDateInvalid("is after the contract ended") : absl::OkStatus();
}

// `empty`: a correction that takes an entry back.
absl::Status CheckContent(Entry* entry, bool may_be_empty) {
  if (entry->kind() == Entry::PAYMENT) {
    entry->clear_quantity();
    base::Money amount;
    if (entry->has_amount()) {
      ASSIGN_OR_RETURN(amount, base::Money::FromProto(entry->amount()));
    }
    *entry->mutable_amount() = amount.ToProto();
    if (amount.is_zero() && !may_be_empty) return errors::AmountZero("entry.amount");
  } else {
    entry->clear_amount();
    const auto quantity = base::Quantity::Parse(entry->quantity());
    if (!quantity.ok() || (quantity->thousandths() == 0 && !may_be_empty)) {
      return errors::QuantityZero("entry.quantity");
    }
  }
  if (entry->kind() != Entry::REFUSAL) {
    entry->clear_fault();
    entry->clear_delivered();
    return absl::OkStatus();
  }
  if (entry->fault() == v1::FAULT_UNSPECIFIED) return errors::FaultMissing();
  if (entry->reason().empty()) return errors::ReasonMissing();
  if (entry->fault() == v1::SUPPLIERS_FAULT && entry->documents().empty()) {
    return errors::DocumentsMissing();
  }
  return absl::OkStatus();
}

bool IsLess(const Entry& before, const Entry& after) {
  const auto was = base::Quantity::Parse(before.quantity());
  const auto is = base::Quantity::Parse(after.quantity());
  return !was.ok() || !is.ok() || *is < *was;
}

// What the customer has refused before it was delivered, through no fault of the supplier, the
// supplier has not made: the customer alone does not say so any less when the year or the contract
// is over, nor when the authority has settled it.
absl::Status CheckRefusalStands(const Contract& contract, const Entry& before, const Entry& after,
                                base::Date today) {
  const bool suppliers = before.fault() == v1::SUPPLIERS_FAULT && before.fault_settled();
  if (before.kind() != Entry::REFUSAL || before.delivered() || suppliers) return absl::OkStatus();
  if (!before.fault_settled() && today.year() <= before.year() && !contract.has_terminate_date()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(after.event_date()));
  ASSIGN_OR_RETURN(const base::Date was, base::Date::FromProto(before.event_date()));
  const bool later = day > was && day.year() > before.year();
  if (after.year() == before.year() && !after.delivered() && !later && !IsLess(before, after)) {
    return absl::OkStatus();
  }
  return errors::RefusalStands(before.year());
}

// What of a year is refused before delivery by the supplier's fault, as nobody has settled yet.
absl::StatusOr<int64_t> ClaimedOf(const store::Reader& reader, const std::string& contract,
                                  int32_t year) {
  ASSIGN_OR_RETURN(const std::vector<EntryRow> open,
                   cases::AllOf(reader, kOpenFaults, store::Key::Of(contract, year)));
  int64_t claimed = 0;
  for (const EntryRow& row : open) {
    const auto quantity = base::Quantity::Parse(row.entry().quantity());
    if (!row.entry().delivered() && quantity.ok()) claimed += quantity->thousandths();
  }
  return claimed;
}

// Whether the entry takes room that was free before it: of what is delivered, or refused before
// that. To say whose fault it was takes none.
bool TakesRoom(const Entry& entry, const Entry* before) {
  const bool counts =
      entry.kind() == Entry::DELIVERY || (entry.kind() == Entry::REFUSAL && !entry.delivered());
  if (!counts || before == nullptr) return counts;
  return IsLess(entry, *before) || before->year() != entry.year() ||
         before->delivered() != entry.delivered();
}

// One document says a thing once: whoever sends a waybill or a payment order again, by another
// request, does not count it twice. An act may refuse goods of several kinds.
absl::Status CheckDocument(const store::Tx& tx, const std::string& contract, const Entry& entry) {
  if (entry.document_number().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(entry.event_date()));
  ASSIGN_OR_RETURN(const std::vector<EntryRow> known,
                   cases::AllOf(tx, kEntriesByDocument, DocumentKey(contract, entry, day)));
  for (const EntryRow& row : known) {
    const Entry& one = row.entry();
    const bool taken_back = SharesOf(one) == Shares{};
    if (!taken_back && one.delivered() == entry.delivered() && one.fault() == entry.fault()) {
      return errors::DocumentRecorded(one.name());
    }
  }
  return absl::OkStatus();
}

bool IsOfSameDocument(const Entry& a, const Entry& b) {
  return a.document_number() == b.document_number() && a.year() == b.year() &&
         a.event_date().SerializeAsString() == b.event_date().SerializeAsString();
}

// What an entry, in the place of another one, changes of what waits in a year to be accepted.
absl::StatusOr<std::map<base::Date, int64_t>> ChangesOf(int32_t year, const Entry& entry,
                                                        const Entry* before) {
  std::map<base::Date, int64_t> changes;
  if (entry.year() == year) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(entry.event_date()));
    changes[day] += WaitingBy(entry);
  }
  if (before != nullptr && before->year() == year) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(before->event_date()));
    changes[day] -= WaitingBy(*before);
  }
  return changes;
}

// Puts the entry, in the place of `corrects` where there is one, and looks what its year comes to.
absl::StatusOr<Entry> PutEntry(store::Tx& tx, const Contract& contract, Entry entry,
                               const std::string& subject, EntryRow* corrects) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("entries/", contract.name())));
  EntryRow row;
  row.set_contract(contract.name());
  row.set_number(static_cast<int32_t>(number));
  entry.set_name(ChildName(contract.name(), "entries", row.number()));
  entry.set_customer(contract.customer());
  entry.set_supplier(contract.supplier());
  entry.set_recorded_by(subject);
  const bool takes_room = TakesRoom(entry, corrects == nullptr ? nullptr : &corrects->entry());
  std::vector<int32_t> years{entry.year()};
  if (corrects != nullptr) {
    if (corrects->entry().year() != entry.year()) years.push_back(corrects->entry().year());
    entry.set_corrects(corrects->number());
    corrects->set_corrected_by(row.number());
    RETURN_IF_ERROR(tx.Put(kEntries, corrects));
  }
  // Whose fault a refusal was, or how much came, may be put right of one document.
  const bool same = corrects != nullptr && IsOfSameDocument(corrects->entry(), entry);
  if (!same) RETURN_IF_ERROR(CheckDocument(tx, contract.name(), entry));
  *row.mutable_entry() = std::move(entry);
  RETURN_IF_ERROR(tx.Put(kEntries, &row));
  ASSIGN_OR_RETURN(const auto tallies, TalliesOf(tx, contract.name()));
  for (const int32_t year : years) {
    ASSIGN_OR_RETURN(const Terms terms, TermsIn(contract, year, "entry.year"));
    ASSIGN_OR_RETURN(
        const auto changes,
        ChangesOf(year, row.entry(), corrects == nullptr ? nullptr : &corrects->entry()));
    const auto tally = tallies.find(year);
    if (tally == tallies.end()) continue;
    RETURN_IF_ERROR(CheckTally(tally->second, terms));
    RETURN_IF_ERROR(CheckDays(tx, contract.name(), year, changes));
    if (!takes_room || year != row.entry().year()) continue;
    // A refusal is held against all that is delivered, a delivery not against what is only claimed.
    int64_t claimed = 0;
    if (row.entry().kind() == Entry::DELIVERY) {
      ASSIGN_OR_RETURN(claimed, ClaimedOf(tx, contract.name(), year));
    }
    RETURN_IF_ERROR(CheckRoom(tally->second, claimed, terms));
  }
  return row.entry();
}

absl::StatusOr<Entry> Record(Env& env, const Call& call, store::Tx& tx, ContractVerb verb,
                             Entry::Kind kind, const std::string& parent, const Entry& told) {
  ASSIGN_OR_RETURN(ContractStep step, BeginContract(tx, call, verb, parent, ""));
  const Contract& contract = step.row.contract();
  Entry entry = told;
  entry.set_kind(kind);
  RETURN_IF_ERROR(TermsIn(contract, entry.year(), "entry.year").status());
  RETURN_IF_ERROR(CheckEventDate(contract, entry, tx.today()));
  RETURN_IF_ERROR(CheckContent(&entry, false));
  ASSIGN_OR_RETURN(entry, PutEntry(tx, contract, std::move(entry), step.subject, nullptr));
  tx.Cite(step.edge->basis());
  // The contract changes with its first delivery alone: entries do not rewrite it.
  if (step.edge->to != contract.state()) RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return entry;
}

// An entry that counts, with its contract for a step of it.
struct Correcting {
  EntryRow row;
  ContractStep step;
};
absl::StatusOr<Correcting> BeginCorrection(const store::Tx& tx, const Call& call, ContractVerb verb,
                                           const std::string& name) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(name, "contracts/*/entries/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kEntries, key, name));
  ASSIGN_OR_RETURN(ContractStep step, BeginContract(tx, call, verb, found.row.contract(), ""));
  if (found.row.corrected_by() != 0) return errors::EntryCorrected(found.row.corrected_by());
  return Correcting{std::move(found.row), std::move(step)};
}

}  // namespace

absl::StatusOr<v1::Entry> RecordDelivery(Env& env, const Call& call, store::Tx& tx,
                                         const v1::RecordDeliveryRequest& request) {
  return Record(env, call, tx, ContractVerb::kDeliver, Entry::DELIVERY, request.parent(),
                request.entry());
}

absl::StatusOr<v1::Entry> AcceptGoods(Env& env, const Call& call, store::Tx& tx,
                                      const v1::AcceptGoodsRequest& request) {
  return Record(env, call, tx, ContractVerb::kAccept, Entry::ACCEPTANCE, request.parent(),
                request.entry());
}

absl::StatusOr<v1::Entry> RecordPayment(Env& env, const Call& call, store::Tx& tx,
                                        const v1::RecordPaymentRequest& request) {
  return Record(env, call, tx, ContractVerb::kPay, Entry::PAYMENT, request.parent(),
                request.entry());
}

absl::StatusOr<v1::Entry> RefuseToBuy(Env& env, const Call& call, store::Tx& tx,
                                      const v1::RefuseToBuyRequest& request) {
  return Record(env, call, tx, ContractVerb::kRefuse, Entry::REFUSAL, request.parent(),
                request.entry());
}

absl::StatusOr<v1::Entry> SettleFault(Env& /*env*/, const Call& call, store::Tx& tx,
                                      const v1::SettleFaultRequest& request) {
  ASSIGN_OR_RETURN(Correcting of,
                   BeginCorrection(tx, call, ContractVerb::kSettleFault, request.name()));
  if (of.row.entry().kind() != Entry::REFUSAL) return errors::NotARefusal();
  const bool supplier = PartyOf(of.step.roles) == v1::SUPPLIER_PARTY;
  if (supplier && request.fault() != v1::SUPPLIERS_FAULT) return errors::NotOwnFault();
  Entry entry = of.row.entry();
  entry.set_fault(request.fault());
  entry.set_fault_settled(true);
  entry.set_reason(request.reason());
  tx.Cite(errors::NotBuying());
  return PutEntry(tx, of.step.row.contract(), std::move(entry), of.step.subject, &of.row);
}

absl::StatusOr<v1::Entry> CorrectEntry(Env& /*env*/, const Call& call, store::Tx& tx,
                                       const v1::CorrectEntryRequest& request) {
  ASSIGN_OR_RETURN(Correcting of,
                   BeginCorrection(tx, call, ContractVerb::kCorrect, request.name()));
  const bool suppliers = of.row.entry().kind() == Entry::DELIVERY;
  if ((PartyOf(of.step.roles) == v1::SUPPLIER_PARTY) != suppliers) return errors::NotOwnEntry();
  const Contract& contract = of.step.row.contract();
  Entry entry = request.entry();
  entry.set_kind(of.row.entry().kind());
  RETURN_IF_ERROR(TermsIn(contract, entry.year(), "entry.year").status());
  RETURN_IF_ERROR(CheckEventDate(contract, entry, tx.today()));
  const Entry& before = of.row.entry();
  if (before.fault_settled()) {
    // Whose fault it is was settled for that much of that year, delivered or not; what is more, or
    // another matter, is not.
    entry.set_fault(before.fault());
    entry.set_fault_settled(!IsLess(entry, before) && entry.year() == before.year() &&
                            entry.delivered() == before.delivered());
  }
  RETURN_IF_ERROR(CheckRefusalStands(contract, before, entry, tx.today()));
  RETURN_IF_ERROR(CheckContent(&entry, true));
  tx.Cite(errors::Buying());
  return PutEntry(tx, contract, std::move(entry), of.step.subject, &of.row);
}

}  // namespace nisi::contracts
