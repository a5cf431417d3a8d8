#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/flags.h"

// What the commands have in common that have flags of their own, as a process has: serve, restore,
// doctor.
namespace nisi::cli {

// The single candidate of completion that asks for names of files.
inline constexpr char kFileCandidate[] = ":file";

// Candidates for the last of the words after the command's name, as Complete gives them.
std::vector<std::string> CandidatesOf(const rpc::Flags& flags,
                                      const std::vector<std::string>& words);

// What is wrong with the words that the flags did not take, and what was probably meant.
std::string ProblemOf(const absl::Status& refused, const rpc::Flags& flags);

}  // namespace nisi::cli
