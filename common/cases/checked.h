// What is said of a recipient before a step (order 437/2026): the notice of its case, and the lists
// of unreliable recipients on which it stands. As facts and findings of a decision; rules use it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "common/cases/findings.h"
#include "nisi/gate/v1/gate.pb.h"

namespace nisi::cases {

// On which lists somebody stands on a day, as the register that keeps them has said.
struct Listed {
  struct Entry {
    std::string list;  // "BANKRUPT"
    std::string name;  // of the entry, with its service before it
    std::string etag;
  };
  std::string source;    // the register
  int64_t position = 0;  // in its journal, up to which it was read
  std::vector<Entry> entries;
};

// The notice is what officials recorded; whoever stands on a list does not pass by any.
struct Checked {
  gate::v1::Notice notice;
  Listed listed;
};

// `name`: the fact that has the verdict of the notice.
void SetChecked(const char* name, const Checked& checked, Facts* facts);
// GATE_PASSED by the notice, and NOT_ON_A_LIST. Decisions from before the lists were asked have no
// fact of them, and replay without the second.
absl::Status FindPassed(const Facts& facts, const char* name, const base::LegalBasis& basis,
                        decision::v1::Decision* decision);
// Whether this finding of a decision is one of the two.
bool IsOfGate(absl::string_view rule);

}  // namespace nisi::cases
