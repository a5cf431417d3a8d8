#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tools/nisi/args.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

// A token of the role, signed by the development keys in `--data`, for `--bin`, `--region`,
// `--subject` and
// `--life`. INVALID_ARGUMENT for a role that does not exist; the key's errors where it cannot be
// used.
absl::StatusOr<std::string> DevToken(const Args& args, const std::string& role, const Io& io);

// nisi token
int RunToken(const std::vector<std::string>& argv, const Io& io);

}  // namespace nisi::cli
