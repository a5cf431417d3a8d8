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

// A step of the supplier that `name` names. NOT_FOUND, ACCESS_DENIED; what the machine refuses;
// VERSION_MISMATCH.
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

// Ends it: its offers may look another way to a search now.
inline absl::Status FinishSupplier(const Env& env, store::Tx& tx, cases::Step<SupplierRow>* step,
                                   const cases::Who& who = {}) {
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSuppliers, step, who));
  return TouchOffers(tx, step->row.supplier().bin());
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
