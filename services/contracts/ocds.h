// Contracts in the Open Contracting Data Standard 1.1, as text. A contracting process is one
// contract; its releases tell the award by the approved List, the signing, each amendment, the end,
// and what was executed by its last event, in the order in which that came about. A release's id is
// made of what it says, so none ever says two things.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {

struct OcdsContract {
  Contract contract;
  ListItem item;
  std::string customer_name, supplier_name;  // the BIN where no name is known
  std::vector<Amendment> amendments;         // those in force, in order
  std::vector<Contract> terms;               // as signed, and as each of these left it
  std::vector<Entry> entries;                // those that count, in order
  bool figures = true;                       // volumes, prices and sums are told
};

// A release package of the contract, and a record package with the compiled release. Of a signed
// contract.
absl::StatusOr<std::string> ReleasePackage(const OcdsContract& contract);
absl::StatusOr<std::string> RecordPackage(const OcdsContract& contract);

}  // namespace nisi::contracts
