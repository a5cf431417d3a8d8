// What the functions of this service work with, and what their commands share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/roles.h"
#include "common/base/status.h"
#include "common/cases/deadlines.h"
#include "common/cases/rows.h"
#include "common/cases/step.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/resource.h"
#include "common/store/outbox.h"
#include "common/store/store.h"
#include "services/contracts/rules.h"
#include "services/contracts/sources.h"
#include "services/contracts/tables.h"

namespace nisi::contracts {

struct Env {
  store::Store* store = nullptr;
  const norms::Norms* norms = nullptr;
  Sources* sources = nullptr;
};

// ---- Keys (env.cc)

// Of "cycles/2026/needs/7" or "contracts/x/entries/7", whose pattern the form has seen to.
absl::StatusOr<store::Key> KeyIn(const std::string& name, const std::string& pattern);
// "contracts/x" of "contracts/x/entries/7".
std::string ParentOf(const std::string& name);

// ---- Planning (env.cc)

using CycleStep = cases::Step<CycleRow>;
absl::StatusOr<CycleStep> BeginCycle(const store::Tx& tx, const rpc::Call& call, CycleVerb verb,
                                     const std::string& name, const std::string& etag);
// Whether the cycle's state allows it, to one who does it in another record.
absl::Status CheckCycle(const store::Tx& tx, const rpc::Call& call, CycleVerb verb, int32_t year);
// Puts the cycle; a step that meets a statutory day closes its deadline, one that
// takes that back opens it again.
absl::Status FinishCycle(const Env& env, store::Tx& tx, CycleVerb verb, CycleStep* step);
// The customer as it is today; CUSTOMER_NOT_ELIGIBLE. `path`: of the field that names it.
absl::StatusOr<Customer> EligibleCustomer(const store::Reader& reader, const std::string& bin,
                                          absl::string_view path);
// The goods of a year's List, by number.
absl::StatusOr<std::vector<ItemRow>> ItemsOf(const store::Reader& reader, int32_t year);
// Proposals on a good that are open count no more.
absl::Status LapseProposals(const Env& env, store::Tx& tx, const std::string& item);
// Approved goods everybody sees, others those who plan and whose needs they are.
bool IsShownItem(const google::protobuf::Message& item, uint32_t roles);

// ---- Publication (publication.cc)

// Leaves messages that place the approved goods, or that take an earlier List of the year out;
// whether one is not out yet.
absl::Status Publish(store::Tx& tx, const Cycle& cycle, const std::vector<ItemRow>& approved);
absl::StatusOr<bool> Unpublish(store::Tx& tx, int32_t year, const std::string& reason);
// Notes what the database of suppliers said of a message: placed, taken out, or refused. Says it
// twice: once. UNAVAILABLE where it is to be asked again, as where it answered something else.
absl::Status NoteDelivery(const norms::Norms& norms, store::Tx& tx,
                          const store::OutboxMessage& message,
                          const absl::StatusOr<std::string>& said);
// Says once more what the database has confirmed: what is placed, and what was taken out in the
// last 31 days. A timer, each day.
absl::Status SayConfirmedAgain(store::Tx& tx, absl::string_view payload, absl::Time due);
// How many publications are refused, for the metrics.
std::vector<store::Figure> PublicationFigures(const store::Store& store);

// ---- Contracts (env.cc)

using ContractStep = cases::Step<ContractRow>;
// The roles by which a caller is a party: CUSTOMER of the customer, ENTITY of the supplier; those
// for the whole country stay.
uint32_t PartyRoles(const rpc::Caller& caller, const std::string& customer,
                    const std::string& supplier, uint32_t roles);
v1::Party PartyOf(uint32_t roles);
// The parties to the contract of a penalty: that of a year the customer owes, that of a condition
// the supplier. Good as long as the penalty.
struct Parties {
  const std::string& customer;
  const std::string& supplier;
};
Parties PartiesOf(const Penalty& penalty);
template <class Resource>
Parties PartiesOf(const Resource& resource) {
  return {resource.customer(), resource.supplier()};
}
// The caller's roles over a record of a contract in which it may see it: CUSTOMER of the customer,
// ENTITY of the supplier or of whom it is pledged to, those for the whole country. 0: a BIN that
// the record names in another role than the caller has is no tie to it.
template <class Resource>
uint32_t RolesUnder(const rpc::Call& call, const Resource& resource) {
  const rpc::Caller& caller = *call.caller;
  const uint32_t over = rpc::TiesOf<Resource>().RolesOver(caller, resource) & call.method->roles;
  bool pledgee = false;
  if constexpr (requires { resource.pledgees(); }) {
    const auto& pledgees = resource.pledgees();
    pledgee = std::find(pledgees.begin(), pledgees.end(), caller.bin) != pledgees.end();
  } else if constexpr (requires { resource.pledgee(); }) {
    pledgee = resource.pledgee() == caller.bin;
  }
  const auto [customer, supplier] = PartiesOf(resource);
  const uint32_t as_party = PartyRoles(caller, customer, supplier, over);
  return pledgee ? as_party | (over & base::RoleBit(rpc::v1::ENTITY)) : as_party;
}
// Whether it may be read: in such a role, or by a permit of its owners.
template <class Resource>
absl::StatusOr<bool> IsReadUnder(const store::Reader& reader, const rpc::Call& call,
                                 const Resource& resource) {
  if (RolesUnder(call, resource) != 0) return true;
  return rpc::HasPermit(reader, call, resource);
}
// `current`: that of which `etag` is, where it is of what the step changes beside the contract.
absl::StatusOr<ContractStep> BeginContract(const store::Tx& tx, const rpc::Call& call,
                                           ContractVerb verb, const std::string& name,
                                           const std::string& etag,
                                           const std::string* current = nullptr);
absl::Status FinishContract(const Env& env, store::Tx& tx, ContractStep* step);
// Whether one who has these roles over the contract sees what happens under it: a pledgee sees its
// terms alone.
bool SeesExecution(const rpc::Caller& caller, const Contract& contract, uint32_t roles);
// Adds the signature of the caller's party. SIGNED_ALREADY.
absl::Status AddSignature(const store::Tx& tx, v1::Party party, const std::string& signer,
                          const std::string& text_sha256,
                          google::protobuf::RepeatedPtrField<v1::Signature>* signatures);
// Whether the contract is there for the caller as it is now: whose pledge was given up reads
// nothing of what was before that. `name`: of what under it is asked for.
absl::Status CheckContract(const store::Reader& reader, const rpc::Call& call,
                           const std::string& contract, const std::string& name);
absl::StatusOr<std::vector<PledgeRow>> ActivePledges(const store::Reader& reader,
                                                     const std::string& contract);
// A termination that one party has signed is none any more: nor are the pledgees' consents to it.
absl::Status DropTermination(store::Tx& tx, Contract* contract);
// The terms of a year of the contract: YEAR_UNKNOWN. `path`: of the year in the request.
absl::StatusOr<Terms> TermsIn(const Contract& contract, int32_t year, absl::string_view path,
                              int32_t* number = nullptr);
// What entries come to by year, of what happened by `as_of`; `at`: as it is known. `late`: of that,
// what happened after the year it is for.
absl::StatusOr<std::map<int32_t, Tally>> TalliesOf(const store::Reader& reader,
                                                   const std::string& contract,
                                                   std::optional<base::Date> as_of = std::nullopt,
                                                   const store::At& at = {},
                                                   std::map<int32_t, Tally>* late = nullptr);
// Goods are accepted and refused when they have been delivered: of what is delivered for the year
// by the end of each day, no more is accepted and refused by then. `changes`: what has just been
// entered and taken back, by day; what stood before is not held against it. BEFORE_DELIVERY.
absl::Status CheckDays(const store::Reader& reader, const std::string& contract, int32_t year,
                       const std::map<base::Date, int64_t>& changes);
// What a year that is over came to by what is recorded. FAULT_OPEN.
absl::StatusOr<v1::YearBalance> YearOver(const Env& env, const store::Reader& reader,
                                         const Contract& contract, int32_t year);
// What is to be done by a day that the law or a record names.
struct DayOfRecord {
  std::string record;
  const char* kind;
  base::Date due;
  rpc::Role role;
  base::LegalBasis basis;
  std::string bin;   // of whom; empty: of whoever has the role
  std::string norm;  // that gave the day; empty: the record names it
};
absl::Status OpenDay(store::Tx& tx, const DayOfRecord& day);
absl::Status CloseDeadlinesOf(store::Tx& tx, const std::string& record, absl::string_view kind,
                              cases::Deadline::State state);
// The supplier is to fulfil the condition by its day.
absl::Status OpenOffsetDay(store::Tx& tx, const Contract& contract, const Offset& offset);
// A penalty that is owed from now on; its name.
absl::StatusOr<std::string> OpenPenalty(store::Tx& tx, const std::string& contract,
                                        Penalty penalty);
// What is due by days that a signed contract names.
absl::Status OpenContractDeadlines(const Env& env, store::Tx& tx, const Contract& contract,
                                   int32_t from_year);

// What happens when a deadline is past.
cases::OverdueFns OverdueActs(const norms::Norms& norms);

}  // namespace nisi::contracts
