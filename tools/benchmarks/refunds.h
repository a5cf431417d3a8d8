// What claims for reimbursement of export costs take: the service within this process, over a store
// of its own that is filled with expenses.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace nisi::bench {

struct RefundsSettings {
  std::string data;  // an empty folder
  int64_t expenses = 100'000;
  int64_t rounds = 100;
};

// Loads expenses that have their invoices, then measures: CalculateClaim of 1,000 expenses as a
// draft and as it was signed, its signature, and whether an invoice is taken, of those that are and
// those that are not. Others answer at once. Prints {"<what> p50_us", "<what> p99_us", "<what>
// cpu_us"}.
absl::Status RunRefunds(const RefundsSettings& settings, std::ostream& out);

}  // namespace nisi::bench
