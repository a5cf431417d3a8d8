#pragma once

#include <string>
#include <vector>

#include "tools/nisi/io.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {

// "unary", "server stream", "client stream" or "stream".
std::string KindOf(const google::protobuf::MethodDescriptor& method);
// Written roles in order; "public" alone where everybody may call.
std::vector<std::string> RolesOf(const google::protobuf::MethodDescriptor& method);

// The policies of all methods, of one service's or of one method ("priority-goods.check-goods").
int RunDescribe(const std::vector<std::string>& argv, const Io& io);
// Every method by every role, as Markdown or CSV.
int RunRoles(const std::vector<std::string>& argv, const Io& io);

}  // namespace nisi::cli
