// Steps of the machines of this service, as commands begin them.
#pragma once

#include <string>
#include <utility>

#include "common/cases/step.h"
#include "common/rpc/resource.h"
#include "services/suppliers/env.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/search.h"

namespace nisi::suppliers {

// The BIN in "suppliers/{bin}".
inline std::string BinIn(const std::string& name) {
  return name.substr(name.rfind('/') + 1);
}

// A step of the supplier that `name` names. NOT_FOUND, ACCESS_DENIED; VERSION_MISMATCH; what the
// machine refuses.
inline absl::StatusOr<cases::Step<SupplierRow>> BeginSupplier(const store::Tx& tx,
                                                              const rpc::Call& call,
                                                              const std::string& name,
                                                              const std::string& etag,
                                                              SupplierVerb verb) {
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kSuppliers, store::Key::Of(BinIn(name)), name));
  return cases::Begin(call, SupplierMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag});
}

// Ends it. Where a search sees of the supplier what it did not see on that day before, its offers,
// which may be many, look another way now.
inline absl::Status FinishSupplier(const Env& env, store::Tx& tx, cases::Step<SupplierRow>* step,
                                   const cases::Who& who = {}) {
  store::At at;
  at.as_of = step->day;
  ASSIGN_OR_RETURN(const auto before,
                   tx.Find(kSuppliers, store::Key::Of(step->row.supplier().bin()), at));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSuppliers, step, who));
  const Supplier& after = step->row.supplier();
  if (before.has_value() && LooksAlike(before->row.supplier(), after)) return absl::OkStatus();
  return TouchOffers(tx, after.bin());
}

// The same of evidence.
inline absl::StatusOr<cases::Step<EvidenceRow>> BeginEvidence(const store::Tx& tx,
                                                              const rpc::Call& call,
                                                              const std::string& name,
                                                              const std::string& etag,
                                                              EvidenceVerb verb) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(name, "evidence/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kEvidence, store::Key::Of(number), name));
  return cases::Begin(call, EvidenceMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag});
}

}  // namespace nisi::suppliers
