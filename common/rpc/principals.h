// Who a client certificate stands for: a JSON object from SPIFFE id to caller,
//   {"spiffe://nisi/client/agency-1": {"subject": "agency-1", "bin": "...", "roles": ["customer"],
//   "regions": []}}
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/caller.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc {

class Principals {
 public:
  // INVALID_ARGUMENT, naming the entry, for anything unexpected: unknown members, roles, wrong
  // types and forms, no subject, an id that is no SPIFFE id.
  static absl::StatusOr<Principals> Parse(absl::string_view text);

  // nullptr when the certificate stands for nobody.
  std::shared_ptr<const Caller> Find(absl::string_view spiffe_id) const;
  size_t size() const { return callers_.size(); }

 private:
  absl::flat_hash_map<std::string, std::shared_ptr<const Caller>> callers_;
};

using PrincipalsFile = ReloadingFile<Principals>;

}  // namespace nisi::rpc
