// TLS for clients that stand on gRPC's library: the command line, and tests. Servers and the
// gateway have theirs in common/http2/tls.h.
#pragma once

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/http2/tls.h"

namespace nisi::rpc {

using http2::TlsFiles;

// OK when the files are there and certificate and key belong together. Ask at the start: gRPC
// itself only fails the handshakes. NOT_FOUND or INVALID_ARGUMENT.
absl::Status CheckTlsFiles(const TlsFiles& files);

// The server's chain must lead to the authority, and its certificate must carry `expected`: a
// SPIFFE id as a URI, or a DNS name or IP address, exactly. The name dialled does not matter, so
// every address will do; an empty `expected` refuses every server.
std::shared_ptr<grpc::ChannelCredentials> ClientTls(const TlsFiles& files,
                                                    const std::string& expected);

}  // namespace nisi::rpc
