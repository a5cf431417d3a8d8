// A service with its store, ready to be served: what every service's Open makes, whether it then
// runs alone (service_main.h) or with the others in one process (`nisi serve`). It cannot tell
// which.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/norms/norms.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/head_key.h"
#include "common/rpc/journal_service.h"
#include "common/rpc/metrics.h"
#include "common/rpc/peer.h"
#include "common/rpc/registry.h"
#include "common/rpc/store_service.h"
#include "common/store/outbox.h"
#include "common/store/store.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace nisi::rpc {

struct HostOptions {
  std::string data_dir;  // the service's store lies in <data_dir>/<service>, its head key beside it
  std::string witness_dir;  // the witness of the store lies here; empty: in data_dir
  base::Clock* clock = nullptr;
  const norms::Norms* norms = nullptr;
  Metrics* metrics = nullptr;
  // The other services; null, as in tests of one alone: nobody answers, and nothing is delivered.
  Peers* peers = nullptr;
  std::string backup_dir;  // backups go to <backup_dir>/<service>; empty: none are made
  int backups_kept = 1, backup_days_kept = 0;  // store::Kept
  bool new_store = false;  // begin with an empty store though there are backups of another
  bool sync = true;        // off only to measure what syncing costs
  // Room that commands leave on the disk of the store: see store::Store::Options. 0: not watched.
  uint64_t disk_reserve_bytes = 0;
  // The scrub of the store: how often it begins, 0 for never, and how much it reads in a second.
  // See store::Store::Options.
  absl::Duration scrub_interval = absl::ZeroDuration();
  uint64_t scrub_bytes_a_second = 0;
  // See store::Store::Options: a store that is stalled for so long makes its service unready.
  absl::Duration stalled_after = absl::Seconds(10);
  // What becomes of messages that are older than their targets remember: see store/outbox.h.
  store::OutboxRelay::Old old_messages = store::OutboxRelay::Old::kHold;
  // What stands between the store and the disk; null is the real one. Tests inject faults here.
  std::shared_ptr<rocksdb::FileSystem> file_system;
  // Called once when the store has failed: nothing more is acknowledged.
  std::function<void(const absl::Status&)> on_store_failure = [](const absl::Status&) {};
};

// How what commands emit (store::Tx::Emit) goes to other services.
struct Delivery {
  uint32_t roles = 0;  // with which this service calls them, as itself
  // Notes, in a command of its own, what a target said of a message before that is forgotten: its
  // answer in wire form, noted once, or a refusal of its own, which may be told again. OK gives a
  // message that was refused up; an error keeps it, and it goes out again under its id. A target
  // that did not answer is asked again, and nobody is told. Null: a message that is refused is sent
  // again until it is not, and those behind it wait.
  std::function<absl::Status(store::Tx& tx, const store::OutboxMessage& message,
                             const absl::StatusOr<std::string>& said)>
      note;
};

class HostedService {
 public:
  HostedService() = default;
  virtual ~HostedService();
  HostedService(const HostedService&) = delete;
  HostedService& operator=(const HostedService&) = delete;
  Registry& registry() { return registry_; }
  store::Store& store() { return *store_; }

 protected:
  // For figures, which may be asked for when the service has ended.
  std::weak_ptr<store::Store> shared_store() const { return store_; }
  // Opens store, journal and head key of the schema's service and binds JournalService and
  // StoreService; where records have confidential fields, the tables WithDisclosure has and
  // DisclosureService as well. Delivers what commands emit to the peers.
  absl::Status OpenStore(const HostOptions& options, const store::Schema& schema,
                         std::map<std::string, store::TimerDef> timers,
                         const Delivery& delivery = {});

 private:
  struct Relayed;
  void DeliverTo(const HostOptions& options, const Delivery& delivery);

  store::Schema schema_;  // as it lies on disk
  HeadKey head_key_;
  std::shared_ptr<store::Store> store_;
  JournalEnv journal_{};
  DisclosureEnv disclosure_{};
  std::shared_ptr<StoreEnv> store_env_;
  Registry registry_;
  std::unique_ptr<store::OutboxRelay> relay_;
  std::shared_ptr<Relayed> relayed_;  // for the metrics
};

using OpenService =
    std::function<absl::StatusOr<std::unique_ptr<HostedService>>(const HostOptions&)>;

}  // namespace nisi::rpc
