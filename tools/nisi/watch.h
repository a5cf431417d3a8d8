#pragma once

#include <cstdint>
#include <optional>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/nisi/args.h"
#include "tools/nisi/client.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

// The position up to which this message of a watch brings its reader, if it says so.
std::optional<int64_t> PositionOf(const google::protobuf::Message& message);
// Whether it only says how far the stream has come.
bool IsBookmark(const google::protobuf::Message& message);

// Calls a server stream and prints what comes. With --follow a broken watch is taken up again,
// after a pause, behind the last position seen; with the next token where it ended with one.
// Returns the exit code.
int RunStream(const google::protobuf::MethodDescriptor& method, Client client,
              const CallOptions& options, google::protobuf::Message* request, const Args& args,
              Format format, int width, const Io& io);

}  // namespace nisi::cli
