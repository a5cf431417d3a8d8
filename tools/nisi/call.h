#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/nisi/args.h"
#include "tools/nisi/client.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/io.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {

// The message whose fields are the flags of a method: its request, or the header of an import.
const google::protobuf::Descriptor& FlagType(const google::protobuf::MethodDescriptor& method);
// The flags of that message that a caller may give: the importer itself counts rows.
std::vector<FieldFlag> FlagsOf(const google::protobuf::MethodDescriptor& method);
// The scopes of the program's flags that apply to the method.
unsigned ScopesOf(const Service& service, const google::protobuf::MethodDescriptor& method);
bool HasPages(const google::protobuf::MethodDescriptor& method);

// Fills in a message of FlagType from --json and the flags, and a random request id where a
// mutation has none, which is told on `err`. INVALID_ARGUMENT names the flag.
absl::StatusOr<MessagePtr> BuildRequest(const google::protobuf::MethodDescriptor& method,
                                        const Args& args, Format format, const Io& io);

// The value of --json: itself, or the contents of @FILE or of standard input for "-".
absl::StatusOr<std::string> ReadRequestText(const std::string& value, const Io& io);

// nisi <service> <method> ...: returns the exit code.
int RunMethod(const Service& service, const google::protobuf::MethodDescriptor& method,
              const std::vector<std::string>& argv, const Io& io);

}  // namespace nisi::cli
