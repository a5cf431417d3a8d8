// nisi.journal.v1.JournalService: the journal and its proofs, on every process with a store.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/head_key.h"
#include "common/rpc/registry.h"
#include "common/store/store.h"

namespace nisi::rpc {

struct JournalEnv {
  store::Store* store;
  HeadKey head_key;
  const Registry* registry = nullptr;  // whose methods say who reads which records
};

// Adds the service and binds it; `env` must outlive the registry.
//
// AUDITOR reads the journal as a whole. Anybody else whom it admits reads of it what the methods of
// the register would show (Registry::IsShown). An entry is passed over, as a whole, after which a
// record is of a type that no reading method shows to its role, or in a state that they keep from
// it; of one that ends, which it was before. Where they show a record after it and not as it was
// before, the entry comes without that, which then proves no more than that it is there.
absl::Status AddJournalService(JournalEnv& env, Registry* registry);

// Follows the journal from a position on: what WatchEntries of the journal and of services is made
// of.
class JournalSource : public MessageSource {
 public:
  // `start`: first position wanted; 0: only what is committed from now on. Pull refuses with
  // OUT_OF_RANGE: JOURNAL_PRUNED, or BEYOND_JOURNAL where it lies behind the next one.
  JournalSource(store::Store& store, int64_t start);
  ~JournalSource() override;
  void OnStart(std::function<void()> wake) override;
  absl::StatusOr<State> Pull(std::string* out) override;

 protected:
  // Appends the messages of an entry; none to pass it over.
  virtual absl::Status Show(const store::JournalRecord& record, std::deque<std::string>* out) = 0;
  // Appends what Show left for later, some at a time; none when nothing is left.
  virtual absl::Status ShowMore(std::deque<std::string>* /*out*/) { return absl::OkStatus(); }
  // Fills *out for "nothing up to this position".
  virtual void Bookmark(int64_t position, std::string* out) = 0;

 private:
  absl::Status CheckStart();
  absl::StatusOr<bool> Load();

  store::Store& store_;
  int64_t next_;
  bool begun_ = false;
  int64_t bookmarked_;
  absl::Time last_message_;
  std::vector<store::JournalRecord> loaded_;
  size_t at_ = 0;
  std::deque<std::string> ready_;  // of the entry before next_
  int subscription_ = 0;
};

}  // namespace nisi::rpc
