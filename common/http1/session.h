// HTTP/1.1 on a client's connection: one request after the other, each handed out as those of
// HTTP/2 are. On the loop's thread.
#pragma once

#include <memory>

#include "common/http2/session.h"

namespace nisi::http1 {

// For http2::ServerOptions::http1.
std::shared_ptr<http2::Session> MakeSession(http2::SessionParts parts);

}  // namespace nisi::http1
