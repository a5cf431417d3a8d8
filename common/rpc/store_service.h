// nisi.store.v1.StoreService: backups, on every process with a store.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/head_key.h"
#include "common/rpc/registry.h"
#include "common/store/engine.h"
#include "common/store/store.h"

namespace nisi::rpc {

struct StoreEnv {
  store::Store* store = nullptr;
  HeadKey head_key;
  std::string backup_dir;  // of this store alone; empty: none are made
  store::Kept kept;

  std::mutex running;  // held while one is made
  std::atomic<double> last_success{0}, last_seconds{0}, last_bytes{0}, last_failed{0};
};

// Adds the service and binds it; `env` must outlive the registry.
absl::Status AddStoreService(StoreEnv& env, Registry* registry);

// How backups go, for the metrics; nothing where none are made.
std::vector<store::Figure> BackupFigures(const StoreEnv& env);

}  // namespace nisi::rpc
