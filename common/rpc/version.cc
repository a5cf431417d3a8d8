#include "common/rpc/version.h"

namespace nisi::rpc {

absl::string_view Version() {
  return NISI_VERSION;
}

}  // namespace nisi::rpc
