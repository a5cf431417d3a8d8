// The key with which a service signs its tree heads, which may be replaced while it serves.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/store/head_signer.h"

namespace nisi::rpc {

// The signer of today; whoever signs and names the key takes one for both. Never null. Thread-safe.
using HeadKey = std::function<std::shared_ptr<const store::HeadSigner>()>;

// From a file that is made where there is none (store::OpenHeadSigner), and reread when it changes.
// Heads that were signed before stay signed by the key of their time.
absl::StatusOr<HeadKey> HeadKeyFromFile(const std::string& path);

}  // namespace nisi::rpc
