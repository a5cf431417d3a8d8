// Mutual TLS (1.2 and 1.3) from files that are reread when they change, each second: new handshakes
// use the new files, connections that stand stay.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/http2/tls.h"

namespace nisi::rpc {

using http2::TlsFiles;

// OK when the files are there and certificate and key belong together. Ask at the start: gRPC
// itself only fails the handshakes. NOT_FOUND or INVALID_ARGUMENT.
absl::Status CheckTlsFiles(const TlsFiles& files);

// Every client certificate is verified; with `require_client_cert` a client without one is refused.
// Without it such a client has an empty PeerIdentity.
std::shared_ptr<grpc::ServerCredentials> ServerTls(const TlsFiles& files, bool require_client_cert);

// The server's chain must lead to the authority, and its certificate must carry `expected`: a
// SPIFFE id as a URI, or a DNS name or IP address, exactly. The name dialled does not matter, so
// every address will do; an empty `expected` refuses every server.
std::shared_ptr<grpc::ChannelCredentials> ClientTls(const TlsFiles& files,
                                                    const std::string& expected);

// The SPIFFE id in the verified certificate of the peer; empty when there is none, or more than
// one.
std::string PeerIdentity(const grpc::AuthContext& context);

}  // namespace nisi::rpc
