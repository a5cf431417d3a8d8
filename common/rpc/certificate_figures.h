// When the certificates of a process end, for the metrics.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/http2/tls.h"
#include "common/store/engine.h"

namespace nisi::rpc {

// Of those that the next handshake is made with, which are not always those in the files: new ones
// that do not serve leave the old ones in use. `now` as for TlsContext::Current.
std::vector<store::Figure> CertificateFigures(http2::TlsContext& tls, absl::Time now);

}  // namespace nisi::rpc
