// The door for requests that are no gRPC: says by content type, method and query which protocol
// they are of.
#pragma once

#include <memory>

#include "common/http2/request.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {

std::shared_ptr<http2::RequestTaker> TakeRequest(Hub* hub, Ways* ways, http2::RequestHead head,
                                                 std::shared_ptr<http2::Responder> responder);

}  // namespace nisi::gateway
