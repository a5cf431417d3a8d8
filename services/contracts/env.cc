#include "services/contracts/env.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/base/roles.h"
#include "common/cases/ahead.h"
#include "common/cases/refusals.h"
#include "common/norms/term.h"
#include "services/contracts/errors.h"

namespace nisi::contracts {
namespace {

constexpr uint32_t kCustomerRole = base::RoleBit(rpc::v1::CUSTOMER);
constexpr uint32_t kEntityRole = base::RoleBit(rpc::v1::ENTITY);
constexpr uint32_t kPlanners =
    base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) | base::RoleBit(rpc::v1::AUTHORITY_SUBSOIL) |
    base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY) | base::RoleBit(rpc::v1::AUDITOR) | kCustomerRole;

// A condition's own day is past: the time to cure runs from it.
absl::Status OpenCure(const norms::Norms& norms, store::Tx& tx, const cases::Deadline& deadline,
                      base::Date day) {
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(deadline.due_date()));
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(norms, "contracts.offset_cure_days", due));
  cases::Deadline cure;
  cure.set_record(deadline.record());
  cure.set_kind(kCureDeadline);
  *cure.mutable_roles() = deadline.roles();
  cure.set_bin(deadline.bin());
  cure.set_norm(term.norm);
  cure.set_rests_on_assumption(term.assumption);
  *cure.mutable_since() = term.since.ToProto();
  *cure.mutable_due_date() = term.last_day.ToProto();
  *cure.mutable_legal_basis() = errors::OffsetPenalty();
  return cases::OpenDeadline(tx, std::move(cure), day).status();
}

// What entries of one day come to for a year of the contract.
struct DayTotal {
  base::Date day;
  int64_t year = 0;
  Shares shares{};
};
absl::StatusOr<DayTotal> DayTotalOf(absl::string_view group, absl::Span<const store::Int> sums) {
  store::KeyReader key(group);
  const auto name = key.Text();
  const auto level = key.Number(), month = key.Number(), day = key.Number(), year = key.Number();
  DayTotal total;
  if (!name.has_value() || !level.has_value() || !month.has_value() || !day.has_value() ||
      !year.has_value() || sums.size() != total.shares.size() + 1) {
    return base::StoreCorrupt("totals of entries");
  }
  ASSIGN_OR_RETURN(total.day, base::Date::FromDays(*day));
  total.year = *year;
  for (size_t i = 0; i < total.shares.size(); ++i) {
    total.shares[i] = static_cast<int64_t>(sums[i + 1]);
  }
  return total;
}

}  // namespace

absl::Status OpenDay(store::Tx& tx, const DayOfRecord& day) {
  cases::Deadline deadline;
  deadline.set_record(day.record);
  deadline.set_kind(day.kind);
  deadline.add_roles(day.role);
  deadline.set_bin(day.bin);
  deadline.set_norm(day.norm);
  *deadline.mutable_since() = tx.today().ToProto();
  *deadline.mutable_due_date() = day.due.ToProto();
  *deadline.mutable_legal_basis() = day.basis;
  return cases::OpenDeadline(tx, std::move(deadline)).status();
}

absl::StatusOr<store::Key> KeyIn(const std::string& name, const std::string& pattern) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, pattern, 1));
  if (absl::StartsWith(pattern, "contracts/")) {
    return store::Key::Of(ParentOf(name), number);
  }
  ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(name, pattern, 0));
  return store::Key::Of(year, number);
}

std::string ParentOf(const std::string& name) {
  return name.substr(0, name.find('/', name.find('/') + 1));
}

absl::StatusOr<CycleStep> BeginCycle(const store::Tx& tx, const rpc::Call& call, CycleVerb verb,
                                     const std::string& name, const std::string& etag) {
  ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(name, "cycles/*", 0));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kCycles, store::Key::Of(year), name));
  return cases::Begin(call, CycleMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag});
}

absl::Status CheckCycle(const store::Tx& tx, const rpc::Call& call, CycleVerb verb, int32_t year) {
  ASSIGN_OR_RETURN(const CycleRow row, cases::Need(tx, kCycles, store::Key::Of(year)));
  return CycleMachine()
      .Ask(row.cycle().state(), verb,
           {call.caller->roles & call.method->roles, call.caller->subject, {}})
      .status();
}

absl::Status FinishCycle(const Env& env, store::Tx& tx, CycleVerb verb, CycleStep* step) {
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCycles, step));
  for (const StatutoryDay& day : StatutoryDays()) {
    const Cycle& cycle = step->row.cycle();
    if (day.verb == verb) {
      RETURN_IF_ERROR(CloseDeadlinesOf(tx, cycle.name(), day.kind, cases::Deadline::DONE));
    } else if (day.undone_by == verb && cycle.revision() == 1) {
      // To be done again, by the same day; of a List that was approved once no day is left.
      RETURN_IF_ERROR(cases::ReopenDeadline(tx, cycle.name(), day.kind));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Customer> EligibleCustomer(const store::Reader& reader, const std::string& bin,
                                          absl::string_view path) {
  ASSIGN_OR_RETURN(auto found, reader.Find(kCustomers, store::Key::Of(bin)));
  if (!found.has_value()) return errors::CustomerNotEligible(path, "NOT_REGISTERED");
  const Customer& customer = found->row.customer();
  if (!customer.eligible()) {
    const auto* finding = FirstUnsatisfied(customer.eligibility());
    return errors::CustomerNotEligible(path, finding == nullptr ? "" : finding->rule());
  }
  return customer;
}

absl::StatusOr<std::vector<ItemRow>> ItemsOf(const store::Reader& reader, int32_t year) {
  return cases::AllOf(reader, kItems, store::Key::Of(year));
}

absl::Status LapseProposals(const Env& env, store::Tx& tx, const std::string& item) {
  ASSIGN_OR_RETURN(std::vector<ProposalRow> rows,
                   cases::AllOf(tx, kOpenProposals, store::Key::Of(item)));
  for (ProposalRow& row : rows) {
    ASSIGN_OR_RETURN(auto step,
                     cases::BeginByItself(ProposalMachine(), ProposalVerb::kLapse, std::move(row)));
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kProposals, &step));
  }
  return absl::OkStatus();
}

bool IsShownItem(const google::protobuf::Message& item, uint32_t roles) {
  return (roles & kPlanners) != 0 ||
         static_cast<const ListItem&>(item).state() == ListItem::APPROVED;
}

uint32_t PartyRoles(const rpc::Caller& caller, const std::string& customer,
                    const std::string& supplier, uint32_t roles) {
  if (caller.bin != customer) roles &= ~kCustomerRole;
  if (caller.bin != supplier) roles &= ~kEntityRole;
  return roles;
}

Parties PartiesOf(const Penalty& penalty) {
  return penalty.offset() == 0 ? Parties{penalty.debtor(), penalty.creditor()}
                               : Parties{penalty.creditor(), penalty.debtor()};
}

v1::Party PartyOf(uint32_t roles) {
  return (roles & kCustomerRole) != 0 ? v1::CUSTOMER_PARTY
         : (roles & kEntityRole) != 0 ? v1::SUPPLIER_PARTY
                                      : v1::PARTY_UNSPECIFIED;
}

absl::StatusOr<ContractStep> BeginContract(const store::Tx& tx, const rpc::Call& call,
                                           ContractVerb verb, const std::string& name,
                                           const std::string& etag, const std::string* current) {
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kContracts, store::Key::Of(name), name));
  const Contract& contract = found.row.contract();
  const uint32_t roles =
      PartyRoles(*call.caller, contract.customer(), contract.supplier(), found.roles);
  if (current != nullptr) RETURN_IF_ERROR(cases::CheckSeenBeside(roles, etag, *current));
  return cases::Begin(call, ContractMachine(), verb, std::move(found.row),
                      {.roles = roles, .etag = current == nullptr ? etag : ""});
}

absl::Status FinishContract(const Env& env, store::Tx& tx, ContractStep* step) {
  return cases::Finish(tx, *env.norms, kContracts, step);
}

bool SeesExecution(const rpc::Caller& caller, const Contract& contract, uint32_t roles) {
  const bool party = caller.bin == contract.customer() || caller.bin == contract.supplier();
  return (party ? roles : roles & ~(kCustomerRole | kEntityRole)) != 0;
}

absl::Status AddSignature(const store::Tx& tx, v1::Party party, const std::string& signer,
                          const std::string& text_sha256,
                          google::protobuf::RepeatedPtrField<v1::Signature>* signatures) {
  for (const v1::Signature& signature : *signatures) {
    if (signature.party() == party) return cases::SignedAlready(errors::Concluding());
  }
  v1::Signature& signature = *signatures->Add();
  signature.set_party(party);
  signature.set_signer(signer);
  signature.set_text_sha256(text_sha256);
  signature.mutable_sign_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  return absl::OkStatus();
}

absl::Status CheckContract(const store::Reader& reader, const rpc::Call& call,
                           const std::string& contract, const std::string& name) {
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(reader, call, kContracts, store::Key::Of(contract), name));
  ASSIGN_OR_RETURN(const bool read, IsReadUnder(reader, call, found.row.contract()));
  return read ? absl::OkStatus() : rpc::Missing(call, kContracts.name, name);
}

absl::StatusOr<std::vector<PledgeRow>> ActivePledges(const store::Reader& reader,
                                                     const std::string& contract) {
  return cases::AllOf(reader, kActivePledges, store::Key::Of(contract));
}

absl::Status DropTermination(store::Tx& tx, Contract* contract) {
  if (contract->termination_signatures().empty()) return absl::OkStatus();
  contract->clear_termination_signatures();
  contract->clear_reason();
  ASSIGN_OR_RETURN(std::vector<PledgeRow> pledges, ActivePledges(tx, contract->name()));
  for (PledgeRow& row : pledges) {
    if (!row.pledge().consents_to_termination()) continue;
    row.mutable_pledge()->set_consents_to_termination(false);
    RETURN_IF_ERROR(tx.Put(kPledges, &row));
  }
  return absl::OkStatus();
}

absl::StatusOr<Terms> TermsIn(const Contract& contract, int32_t year, absl::string_view path,
                              int32_t* number) {
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(contract.years(), "contract.years"));
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].year != year) continue;
    if (number != nullptr) *number = static_cast<int32_t>(i) + 1;
    return terms[i];
  }
  return errors::YearUnknown(path);
}

absl::StatusOr<std::map<int32_t, Tally>> TalliesOf(const store::Reader& reader,
                                                   const std::string& contract,
                                                   std::optional<base::Date> as_of,
                                                   const store::At& at,
                                                   std::map<int32_t, Tally>* late) {
  std::map<int32_t, Tally> tallies;
  const int32_t month =
      as_of.has_value() ? MonthOf(as_of->year(), as_of->month()) : MonthOf(9'999, 12);
  const auto add = [&](store::KeyReader* key, int64_t of,
                       absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
    const auto year = key->Number();
    if (!year.has_value() || sums.size() != 8) return base::StoreCorrupt("totals of entries");
    Shares shares{};
    for (size_t i = 0; i < shares.size(); ++i) shares[i] = static_cast<int64_t>(sums[i + 1]);
    AddShares(shares, &tallies[static_cast<int32_t>(*year)]);
    if (late != nullptr && of > MonthOf(static_cast<int>(*year), 12)) {
      AddShares(shares, &(*late)[static_cast<int32_t>(*year)]);
    }
    return true;
  };
  RETURN_IF_ERROR(reader.ScanTotals(
      kEntryTotals, store::Key::Of(contract, 0), at,
      [&](absl::string_view group, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        store::KeyReader key(group);
        const auto name = key.Text();
        const auto level = key.Number(), of = key.Number();
        if (!name.has_value() || !level.has_value() || !of.has_value()) {
          return base::StoreCorrupt("totals of entries");
        }
        if (*of >= month) return false;
        return add(&key, *of, sums);
      }));
  if (!as_of.has_value()) return tallies;
  RETURN_IF_ERROR(reader.ScanTotals(
      kEntryTotals, store::Key::Of(contract, 1, month), at,
      [&](absl::string_view group, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        store::KeyReader key(group);
        const auto name = key.Text();
        const auto level = key.Number(), of = key.Number(), day = key.Number();
        if (!name.has_value() || !level.has_value() || !of.has_value() || !day.has_value()) {
          return base::StoreCorrupt("totals of entries");
        }
        if (*day > as_of->days()) return false;
        return add(&key, *of, sums);
      }));
  return tallies;
}

absl::Status CheckDays(const store::Reader& reader, const std::string& contract, int32_t year,
                       const std::map<base::Date, int64_t>& changes) {
  // How much less waits to be accepted from a day on than did before.
  int64_t sum = 0;
  const bool less = std::any_of(changes.begin(), changes.end(),
                                [&sum](const auto& change) { return (sum += change.second) < 0; });
  if (!less) return absl::OkStatus();
  const base::Date first = changes.begin()->first;
  ASSIGN_OR_RETURN(const auto before, TalliesOf(reader, contract, first.AddDays(-1)));
  const auto of_year = before.find(year);
  Tally tally = of_year == before.end() ? Tally() : of_year->second;
  // How far the changes go by the day that is looked at.
  auto next = changes.begin();
  int64_t changed = 0;
  const auto look = [&](absl::string_view group,
                        absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const DayTotal total, DayTotalOf(group, sums));
    if (total.year != year || total.day < first) return true;
    AddShares(total.shares, &tally);
    for (; next != changes.end() && next->first <= total.day; ++next) changed += next->second;
    if (changed < 0 && tally.waiting() < 0) return errors::BeforeDelivery(year, total.day);
    return true;
  };
  const base::Date today = reader.today();
  const int32_t last = MonthOf(today.year(), today.month());
  for (int32_t month = MonthOf(first.year(), first.month()); month <= last; ++month) {
    RETURN_IF_ERROR(reader.ScanTotals(kEntryTotals, store::Key::Of(contract, 1, month), {}, look));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::YearBalance> YearOver(const Env& env, const store::Reader& reader,
                                         const Contract& contract, int32_t year) {
  ASSIGN_OR_RETURN(const std::vector<EntryRow> open,
                   cases::AllOf(reader, kOpenFaults, store::Key::Of(contract.name(), year)));
  if (!open.empty()) return errors::FaultOpen(open.front().entry().name());
  int32_t number = 0;
  ASSIGN_OR_RETURN(const Terms terms, TermsIn(contract, year, "year", &number));
  std::map<int32_t, Tally> late;
  ASSIGN_OR_RETURN(auto tallies, TalliesOf(reader, contract.name(), std::nullopt, {}, &late));
  return JudgeYear({&contract, terms, number, tallies[year], true, late[year]}, *env.norms);
}

absl::Status OpenOffsetDay(store::Tx& tx, const Contract& contract, const Offset& offset) {
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(offset.due_date()));
  return OpenDay(tx, {ChildName(contract.name(), "offsets", offset.number()), kOffsetDeadline, due,
                      rpc::v1::ENTITY, errors::Offsets(), contract.supplier(), ""});
}

absl::Status CloseDeadlinesOf(store::Tx& tx, const std::string& record, absl::string_view kind,
                              cases::Deadline::State state) {
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, record));
  for (const cases::Deadline& deadline : open) {
    if (deadline.kind() != kind) continue;
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), state));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> OpenPenalty(store::Tx& tx, const std::string& contract,
                                        Penalty penalty) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("penalties/", contract)));
  PenaltyRow row;
  row.set_contract(contract);
  row.set_number(static_cast<int32_t>(number));
  penalty.set_name(ChildName(contract, "penalties", row.number()));
  penalty.set_state(Penalty::DUE);
  *row.mutable_penalty() = std::move(penalty);
  RETURN_IF_ERROR(tx.Put(kPenalties, &row));
  return row.penalty().name();
}

absl::Status OpenContractDeadlines(const Env& env, store::Tx& tx, const Contract& contract,
                                   int32_t from_year) {
  for (const v1::YearTerms& year : contract.years()) {
    if (year.year() < from_year) continue;
    ASSIGN_OR_RETURN(const base::Date last, base::Date::Of(year.year(), 12, 31));
    ASSIGN_OR_RETURN(const norms::Term term,
                     norms::TermOf(*env.norms, "contracts.assessment_days", last));
    cases::Deadline deadline;
    deadline.set_record(ChildName(contract.name(), "assessments", year.year()));
    deadline.set_kind(kAssessmentDeadline);
    deadline.add_roles(rpc::v1::AUTHORITY_INDUSTRY);
    deadline.set_norm(term.norm);
    deadline.set_rests_on_assumption(term.assumption);
    *deadline.mutable_since() = term.since.ToProto();
    *deadline.mutable_due_date() = term.last_day.ToProto();
    *deadline.mutable_legal_basis() = errors::Monitoring();
    RETURN_IF_ERROR(cases::OpenDeadline(tx, std::move(deadline)).status());
  }
  return absl::OkStatus();
}

cases::OverdueFns OverdueActs(const norms::Norms& norms) {
  return {
      {kOffsetDeadline, [&norms](store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
         return OpenCure(norms, tx, deadline, day);
       }}};
}

}  // namespace nisi::contracts
