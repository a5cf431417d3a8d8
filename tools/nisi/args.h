#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/nisi/flags.h"

// Flags of the program itself, and the split of a command line into those and the fields of a
// request.
namespace nisi::cli {

// Where a flag of the program applies; a command takes the union of some.
enum Scope : unsigned {
  kCommon = 1,      // every command
  kConnect = 2,     // whatever calls a server
  kCall = 4,        // calls of a method
  kMutation = 8,    // methods that change something
  kList = 16,       // methods that return pages
  kStream = 32,     // server streams
  kWatch = 64,      // streams that never end
  kImport = 128,    // client streams of rows
  kStandard = 256,  // services that every process has
  kToken = 512,     // nisi token
  kProofGet = 1024,
  kProofVerify = 2048,
};

struct ToolFlag {
  const char* name;
  // What it takes; empty for one without a value.
  const char* value;
  const char* help;
  unsigned scopes;
  // Values to choose from, comma-separated; "@file", "@role", "@owner" for completion; empty for
  // free text.
  const char* choices;
};

const std::vector<ToolFlag>& ToolFlags();

struct Args {
  std::map<std::string, std::string> tool;
  // In the order given. Pointers into the flags that were handed to ParseArgs.
  std::vector<std::pair<const FieldFlag*, std::string>> fields;
  std::vector<std::string> words;

  bool Has(const std::string& name) const { return tool.count(name) > 0; }
  std::string Get(const std::string& name, const std::string& otherwise = "") const {
    const auto found = tool.find(name);
    return found == tool.end() ? otherwise : found->second;
  }
};

// A field of the request wins over a flag of the program with the same name, which is then
// `--cli.NAME`. INVALID_ARGUMENT for a flag that does not exist, with the nearest name, or that
// lacks its value.
absl::StatusOr<Args> ParseArgs(const std::vector<std::string>& argv,
                               const std::vector<FieldFlag>& fields, unsigned scopes);

// Whether the word is a flag of the program and the next word its value.
bool TakesValue(absl::string_view word);

// What is wrong with the first flag that no command has; empty: each is one of some command.
std::string UnknownAmong(const std::vector<std::string>& argv);

// Takes the first words that are no flags and no values of flags (at most `count`) out of argv.
std::vector<std::string> TakeWords(std::vector<std::string>* argv, size_t count);

}  // namespace nisi::cli
