#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/date.h"
#include "common/norms/norms.h"
#include "common/rpc/jwk.h"
#include "common/store/table.h"

// What is wrong with an installation, from what one of its processes was given. Changes nothing.
namespace nisi::cli {

// A process of another service, and where it is.
struct Neighbour {
  std::string name;
  std::string address;  // "host:port"
};

// One that keeps its records here.
struct KeptStore {
  std::string name;
  const store::Schema* schema = nullptr;
  // What its service asks of norms when it starts; null: nothing.
  absl::Status (*check_norms)(const norms::Norms& norms, base::Date today) = nullptr;
};

struct Installation {
  std::string process;  // "gateway", a service, or "nisi": all in one
  std::string address;
  std::string health_address;  // where it says of its health alone; empty: nowhere
  bool has_edges = false;      // who comes from their addresses must say for whom
  std::vector<Neighbour> neighbours;
  std::vector<KeptStore> stores;
  std::string data, witnesses;  // folders
  uint64_t disk_reserve_bytes = 0;
  std::string backup_folder;
  bool new_store = false;                      // begins anew though there are backups
  absl::Duration backup_age = absl::Hours(3);  // older ones are too old
  std::string tls_dir, jwks, signers, context_key, principals;  // empty: not given
  bool contexts_on_word = false;
  rpc::Algorithm algorithm = rpc::Algorithm::kEdDsa;
  std::vector<std::string> context_signers;  // who must be in the signers
  std::string norms;                         // empty: those compiled in
  base::Date today;                          // by the clock of the process
  uint64_t files = 0;                        // that the process may have open at once
  absl::Duration soon = absl::Hours(24 * 14);
};

struct Finding {
  std::string what;   // a stable word, as "CERTIFICATE_EXPIRED"
  std::string where;  // a path or an address
  std::string why;
  std::string mend;
};
using Findings = std::vector<Finding>;

// Disk, owners, open files, stores, backups, norms.
void ExamineFolders(const Installation& at, absl::Time now, Findings* findings);
// A store that nobody has open, as its process would find it: in a copy.
void ExamineStore(const Installation& at, const KeptStore& kept, Findings* findings);
// Certificates, keys of tokens, of call contexts and of tree heads.
void ExamineKeys(const Installation& at, absl::Time now, Findings* findings);
// Whether it and its neighbours are there and well, of this version and by this clock.
void ExamineProcesses(const Installation& at, Findings* findings);

}  // namespace nisi::cli
