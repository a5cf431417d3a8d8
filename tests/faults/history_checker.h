// Whether what concurrent clients were answered about records can have come about one call after
// another: linearizability, record by record. Each record is to be a register with versions: made
// once, changed or deleted by whoever names the version it bears, read by all.
//
// The search is that of Wing and Gong with Lowe's memory of what was tried: a record that keeps its
// promise costs about one step a call.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace nisi::faults {

// One call on one record, as its client saw it. A request that was asked again with the same
// request id is one call, from its first invocation to the answer: it may take effect once.
struct HistoryCall {
  enum class Kind : uint8_t { kCreate, kUpdate, kDelete, kGet };
  // kUnknown: no answer came; the call took effect at any time after its invocation, or never.
  enum class Result : uint8_t { kUnknown, kOk, kNotFound, kAlreadyExists, kStale };
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  int client = 0;
  std::string record;
  Kind kind = Kind::kGet;
  Result result = Result::kUnknown;
  // Of an update or delete: the version that it is to be applied to; empty: whichever there is. One
  // that no answer in the history bears is no version of the record.
  std::string if_etag;
  // What a create or update writes, different with each call on a record, or what a get was given.
  std::string value;
  // Of the version that was written or given; empty after a delete and where the result is not kOk.
  std::string etag;
  // By a clock that never goes back; `return_ns` is kNever where the result is unknown.
  int64_t invoke_ns = 0, return_ns = kNever;
};

struct HistoryLimits {
  size_t calls = 1000;         // on one record
  size_t unknown_percent = 5;  // of these, 3 always being allowed
  int64_t steps = 20'000'000;  // of the search, in all
};

struct HistoryReport {
  int64_t records = 0, calls = 0, unknown = 0, steps = 0;
  // Records that cannot have been answered so, each with the calls at which every order ends.
  std::vector<std::string> violations;
  // Records that are over a limit, or calls that are not well formed: nothing is known of them.
  std::vector<std::string> undecided;
  bool linearizable() const { return violations.empty() && undecided.empty(); }
};

// Gets of unknown result say nothing and are left out.
HistoryReport CheckHistory(const std::vector<HistoryCall>& calls, const HistoryLimits& limits = {});

// A test of the test: a get is given an older version of its record than it may be. Drawn by the
// seed from the gets that began after a write had returned which began after another had. False,
// and nothing is changed but the order of the calls, where there is none.
bool PlantStaleRead(uint64_t seed, std::vector<HistoryCall>* calls);

// "client 3 update c3-17 if 0000002a -> ok 0000002f [120, 340] us".
std::string TextOf(const HistoryCall& call);

}  // namespace nisi::faults
