#pragma once

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

// The reason that a refusal names, as "TOKEN_EXPIRED"; "" where it names none.
std::string ReasonOf(const grpc::Status& status);

// What was refused, as far as it helps whoever typed it.
struct Asked {
  const google::protobuf::MethodDescriptor* method = nullptr;
  const google::protobuf::Message* request = nullptr;
  bool signed_in = true;  // whether it said who calls
};

// Tells on `err` why a call was refused, with all its details, in words or as one JSON object.
// Returns the exit code.
int ReportRefusal(const grpc::Status& status, Format format, const Io& io, const Asked& asked = {});

// Tells what was wrong with the command line and where help is. Returns kUsage.
int ReportUsage(const absl::Status& status, const std::string& help, Format format, const Io& io);

}  // namespace nisi::cli
