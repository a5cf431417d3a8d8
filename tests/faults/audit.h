// Holds a running service against the ledger of its clients.
#pragma once

#include "absl/status/status.h"
#include "tests/faults/client.h"
#include "tests/faults/ledger.h"

namespace nisi::faults {

// The clients of one service: one that writes, one that may read the journal, one that makes
// backups.
struct Clients {
  Client writer;
  Client auditor;
  Client keeper;
};

// Sends the next request that the ledger has.
void SendNext(Clients& clients, Ledger& ledger);

// Reads the tree head and keeps it in the ledger. Not OK when the service did not answer.
absl::Status ReadHead(Clients& clients, Ledger& ledger);

// With no call under way: the journal has no gap and nothing but what was asked for; its tree
// continues the last head seen; all that was acknowledged is in it; the entries are those that
// follow from it; the last requests and some of those before, asked again, have their first
// answers, and those that had none get theirs. Not OK when the service did not answer.
absl::Status Audit(Clients& clients, Ledger& ledger, Findings* findings);

}  // namespace nisi::faults
