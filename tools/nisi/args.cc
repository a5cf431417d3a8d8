#include "tools/nisi/args.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

const ToolFlag* FindTool(absl::string_view name, unsigned scopes) {
  for (const ToolFlag& flag : ToolFlags()) {
    if (flag.name == name && (flag.scopes & scopes) != 0) return &flag;
  }
  return nullptr;
}

const FieldFlag* FindField(absl::string_view name, const std::vector<FieldFlag>& fields) {
  for (const FieldFlag& flag : fields) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::string Unknown(absl::string_view name, const std::vector<FieldFlag>& fields, unsigned scopes) {
  std::vector<std::string> names;
  for (const FieldFlag& flag : fields) names.push_back(flag.name);
  for (const ToolFlag& flag : ToolFlags()) {
    if ((flag.scopes & scopes) != 0) names.emplace_back(flag.name);
  }
  const std::string nearest = Nearest(name, names);
  return absl::StrCat("There is no flag --", name, " here.",
                      nearest.empty() ? "" : absl::StrCat(" Did you mean --", nearest, "?"));
}

// "-h" and "-o" are written short by habit.
std::string FlagOf(absl::string_view arg) {
  if (arg == "-h") return "help";
  if (arg == "-o") return "output";
  return absl::StartsWith(arg, "--") ? std::string(arg.substr(2)) : "";
}

}  // namespace

const std::vector<ToolFlag>& ToolFlags() {
  static const auto& flags = *new std::vector<ToolFlag>{
      {"help", "", "Print this help.", kCommon, ""},
      {"format", "FORMAT", "table for people (default), json or csv for programs.", kCommon,
       "table,json,csv,markdown"},
      {"output", "FILE", "Write there instead of to standard output (-o FILE).", kCommon, "@file"},
      {"wide", "", "Do not cut tables at the edge of the terminal.", kCommon, ""},
      {"address", "HOST:PORT", "The gateway; default $NISI_ADDRESS, else 127.0.0.1:7400.", kConnect,
       ""},
      {"token", "TOKEN", "Who calls, as a signed token; default $NISI_TOKEN.", kConnect, ""},
      {"token-file", "FILE", "Reads the token from a file.", kConnect, "@file"},
      {"as", "ROLE", "Development: calls with a token of this role, signed by the keys in --data.",
       kConnect, "@role"},
      {"bin", "BIN", "With --as and for tokens: the BIN or IIN acted for.", kConnect | kToken, ""},
      {"region", "KATO", "With --as and for tokens: regions acted in, comma-separated.",
       kConnect | kToken, ""},
      {"subject", "NAME", "With --as and for tokens: who acts; default the role's name.",
       kConnect | kToken, ""},
      {"data", "DIR",
       "The data folder with the development keys; default $NISI_DATA, else .run/nisi.",
       kConnect | kToken, "@file"},
      {"tls-ca", "FILE", "Trusts this authority, and speaks TLS.", kConnect, "@file"},
      {"tls-cert", "FILE", "Own certificate, for mutual TLS.", kConnect, "@file"},
      {"tls-key", "FILE", "Its key.", kConnect, "@file"},
      {"tls-name", "NAME",
       "The name expected in the server's certificate, when not that of the address.", kConnect,
       ""},
      {"plaintext", "", "Sends a token without TLS to another machine.", kConnect, ""},
      {"timeout", "SECONDS", "How long a call may take; default 30, none for a watch.", kConnect,
       ""},
      {"json", "JSON|@FILE|-", "The request as JSON; flags are laid over it.", kCall, ""},
      {"all", "", "Follows the pages to the end.", kList, ""},
      {"max", "N", "Ends after N messages.", kStream, ""},
      {"follow", "",
       "Reconnects when the stream breaks, or its token ends and the file has the next, and "
       "resumes "
       "where it was, without gap or repeat.",
       kWatch, ""},
      {"bookmarks", "", "Prints the messages too that only say how far the stream has come.",
       kWatch, ""},
      {"csv", "FILE",
       "The rows: CSV with a heading, by commas or by semicolons (- for standard input).", kImport,
       "@file"},
      {"map", "COLUMN=FIELD,..", "Names of columns that differ from the fields'.", kImport, ""},
      {"ignore-columns", "", "Passes over columns that are no field.", kImport, ""},
      {"all-rows", "", "Prints every row that was not entered, not just the first 20.", kImport,
       ""},
      {"report", "FILE", "Writes the report on every row there, as CSV.", kImport, "@file"},
      {"service", "NAME", "Which service's process is meant.", kStandard, "@owner"},
      {"role", "ROLE", "The role; without it, lists them.", kToken, "@role"},
      {"life", "DURATION", "How long the token is good; default 1h.", kToken, ""},
      {"position", "N", "The journal position to prove.", kProofGet, ""},
      {"public-key", "HEX,..",
       "The key expected, known from elsewhere, or both where it was replaced since the tree of "
       "--since; else the one in the file is believed.",
       kProofVerify, ""},
      {"key-id", "HEX,..", "The ids of the keys expected, instead of the whole keys.", kProofVerify,
       ""},
      {"since", "FILE",
       "An older proof or journal: checks that its tree is the beginning of this one.",
       kProofGet | kProofVerify, "@file"},
      {"list", "FILE",
       "The lines of an edition as export-edition --format json gives them: checks that they are "
       "those of the entry.",
       kProofVerify, "@file"},
  };
  return flags;
}

absl::StatusOr<Args> ParseArgs(const std::vector<std::string>& argv,
                               const std::vector<FieldFlag>& fields, unsigned scopes) {
  Args args;
  for (size_t i = 0; i < argv.size(); ++i) {
    std::string name = FlagOf(argv[i]);
    if (name.empty()) {
      args.words.push_back(argv[i]);
      continue;
    }
    const size_t equals = name.find('=');
    const bool has_value = equals != std::string::npos;
    std::string value = has_value ? name.substr(equals + 1) : "";
    name.resize(std::min(equals, name.size()));

    const bool for_tool = absl::StartsWith(name, "cli.");
    const FieldFlag* field = for_tool ? nullptr : FindField(name, fields);
    const ToolFlag* tool = FindTool(absl::StripPrefix(name, "cli."), scopes);
    if (field == nullptr && tool == nullptr)
      return absl::InvalidArgumentError(Unknown(name, fields, scopes));
    const bool takes_value =
        field != nullptr ? !FormOf(field->field()).empty() : *tool->value != '\0';
    if (!has_value && takes_value) {
      if (i + 1 == argv.size() || !FlagOf(argv[i + 1]).empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--", name, " needs a value: ", field != nullptr ? FormOf(field->field()) : tool->value,
            "."));
      }
      value = argv[++i];
    }
    if (!has_value && !takes_value) value = "true";
    if (field != nullptr) {
      args.fields.emplace_back(field, value);
    } else if (takes_value || !has_value) {
      args.tool[tool->name] = value;
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value."));
    }
  }
  return args;
}

bool TakesValue(absl::string_view word) {
  const std::string name = FlagOf(word);
  const ToolFlag* tool = name.empty() ? nullptr : FindTool(absl::StripPrefix(name, "cli."), ~0U);
  return tool != nullptr && *tool->value != '\0';
}

std::string UnknownAmong(const std::vector<std::string>& argv) {
  for (const std::string& word : argv) {
    const std::string flag = FlagOf(word);
    const std::string name = flag.substr(0, flag.find('='));
    if (!flag.empty() && FindTool(absl::StripPrefix(name, "cli."), ~0U) == nullptr) {
      return Unknown(name, {}, ~0U);
    }
  }
  return "";
}

std::vector<std::string> TakeWords(std::vector<std::string>* argv, size_t count) {
  std::vector<std::string> words;
  for (size_t i = 0; i < argv->size() && words.size() < count;) {
    if (FlagOf((*argv)[i]).empty()) {
      words.push_back((*argv)[i]);
      argv->erase(argv->begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    i += TakesValue((*argv)[i]) ? 2U : 1U;
  }
  return words;
}

}  // namespace nisi::cli
