#include "tools/nisi/complete.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/rpc/caller.h"
#include "tools/nisi/args.h"
#include "tools/nisi/call.h"
#include "tools/nisi/comments.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/help.h"
#include "tools/nisi/names.h"
#include "tools/nisi/own_flags.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {
namespace {

constexpr char kBash[] = R"(# bash completion of nisi: source <(nisi completion bash)
_nisi() {
  local IFS=$'\n' line word before=
  local -a words=()
  COMPREPLY=()
  # host:port comes cut at the colon.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${#words[@]} -gt 0 && ( $word == : || $before == : ) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    before=$word
  done
  while read -r line; do
    if [[ $line == :file ]]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
      return
    fi
    COMPREPLY+=("${line%%$'\t'*}")
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}
complete -F _nisi nisi
)";

constexpr char kZsh[] = R"(#compdef nisi
# zsh completion of nisi: source <(nisi completion zsh)
_nisi() {
  local -a found
  local line word
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ $line == :file ]] && { _files; return }
    [[ -z $line ]] && continue
    word="${line%%$'\t'*}"
    if [[ $line == *$'\t'* ]]; then
      found+=("${word//:/\\:}:${line#*$'\t'}")
    else
      found+=("${word//:/\\:}")
    fi
  done
  _describe -V nisi found
}
if [[ "${funcstack[1]}" == _nisi ]]; then _nisi "$@"; else compdef _nisi nisi; fi
)";

std::string Short(const std::string& text) {
  const std::string first = FirstSentence(text);
  return first.empty() || first.back() != '.' ? first : first.substr(0, first.size() - 1);
}

std::vector<std::string> ValuesOf(const ToolFlag& flag) {
  const absl::string_view choices = flag.choices;
  if (choices == "@file") return {kFileCandidate};
  if (choices == "@owner") return Owners();
  if (choices == "@role") {
    std::vector<std::string> roles;
    for (const rpc::Role role : rpc::AllRoles()) roles.push_back(rpc::RoleName(role));
    return roles;
  }
  return absl::StrSplit(choices, ',', absl::SkipEmpty());
}

std::vector<std::string> ValuesOf(const FieldFlag& flag) {
  const auto& field = flag.field();
  if (field.type() == google::protobuf::FieldDescriptor::TYPE_BYTES) return {};
  return ChoicesOf(field);
}

// What a place among the flags of a command can take.
struct Place {
  std::vector<FieldFlag> fields;
  unsigned scopes = kCommon;
};

std::vector<std::string> AtFlag(const Place& place, const std::vector<std::string>& words) {
  const std::string before = words.size() > 1 ? words[words.size() - 2] : "";
  if (absl::StartsWith(before, "--")) {
    const std::string name = before.substr(2);
    for (const FieldFlag& flag : place.fields) {
      if (flag.name == name && !FormOf(flag.field()).empty()) return ValuesOf(flag);
    }
    for (const ToolFlag& flag : ToolFlags()) {
      if (flag.name == name && (flag.scopes & place.scopes) != 0 && *flag.value != '\0')
        return ValuesOf(flag);
    }
  }
  if (before == "-o") return {kFileCandidate};
  std::vector<std::string> all;
  for (const FieldFlag& flag : place.fields) {
    if (flag.output_only() && flag.field().name() != "name") continue;
    all.push_back(absl::StrCat("--", flag.name, "\t", Short(TextOf(flag.field()))));
  }
  for (const ToolFlag& flag : ToolFlags()) {
    if ((flag.scopes & place.scopes) != 0)
      all.push_back(absl::StrCat("--", flag.name, "\t", flag.help));
  }
  return all;
}

std::vector<std::string> FirstWords() {
  std::vector<std::string> all;
  for (const Service& service : Services()) {
    all.push_back(absl::StrCat(service.name, "\t", Short(PurposeOf(service))));
  }
  for (const Command& command : Commands())
    all.push_back(absl::StrCat(command.name, "\t", command.what));
  return all;
}

std::vector<std::string> MethodWords(const Service& service) {
  std::vector<std::string> all;
  for (const auto* method : MethodsOf(service)) {
    all.push_back(absl::StrCat(Kebab(method->name()), "\t", Short(CommentOf(method->full_name()))));
  }
  return all;
}

// `at`: the command and, if given, its own word. `word`: no flag is due, nor the value of one.
std::vector<std::string> AtCommand(const std::vector<std::string>& at, bool word,
                                   const std::vector<std::string>& words) {
  const std::string& command = at[0];
  const bool second = word && at.size() == 1;
  if (second && command == "completion") return {"bash", "zsh"};
  if (second && command == "proof") return {"get", "journal", "verify"};
  if (second && (command == "help" || command == "describe")) return FirstWords();
  const Service* const service = at.size() == 2 ? FindService(at[1]) : nullptr;
  if (word && command == "help" && service != nullptr) return MethodWords(*service);
  const bool of_file =
      command == "verify" || (command == "proof" && at.size() > 1 && at[1] == "verify");
  if (of_file && word) return {kFileCandidate};
  Place place;
  if (command == "token") place.scopes |= kToken;
  if (command == "backup") place.scopes |= kConnect | kStandard;
  if (command == "proof" || command == "verify") {
    place.scopes |= kConnect | kStandard | kProofGet | kProofVerify;
  }
  return AtFlag(place, words);
}

// Flags of the program may stand before and between the words.
std::vector<std::string> Candidates(const std::vector<std::string>& words,
                                    const std::map<std::string, Own>& own) {
  std::vector<std::string> before(words.begin(), words.end() - 1);
  const bool word =
      !absl::StartsWith(words.back(), "-") && (before.empty() || !TakesValue(before.back()));
  const std::vector<std::string> at = TakeWords(&before, 2);
  const Place anywhere = {{}, kCommon | kConnect | kStandard};
  if (at.empty()) return word ? FirstWords() : AtFlag(anywhere, words);
  if (const auto found = own.find(at[0]); found != own.end() && found->second.complete) {
    return found->second.complete({std::find(words.begin(), words.end(), at[0]) + 1, words.end()});
  }
  const Service* service = FindService(at[0]);
  if (service == nullptr) return AtCommand(at, word, words);
  if (at.size() == 1) return word ? MethodWords(*service) : AtFlag(anywhere, words);
  const auto* method = FindMethod(*service, at[1]);
  if (method == nullptr) return {};
  return AtFlag({FlagsOf(*method), ScopesOf(*service, *method)}, words);
}

// bash hands `--flag=value` over as three words: the same as `--flag value` without the middle one.
std::vector<std::string> WithoutEquals(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool equals = words[i] == "=" && !out.empty() && absl::StartsWith(out.back(), "--");
    if (!equals) {
      out.push_back(words[i]);
    } else if (i + 1 == words.size()) {
      out.emplace_back();  // the value is still empty
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> Complete(const std::vector<std::string>& given,
                                  const std::map<std::string, Own>& own) {
  std::vector<std::string> words = WithoutEquals(given);
  if (words.empty()) words.emplace_back();
  const std::string& prefix = words.back();
  std::vector<std::string> found;
  for (const std::string& candidate : Candidates(words, own)) {
    if (candidate == kFileCandidate) return {kFileCandidate};
    if (absl::StartsWith(candidate, prefix)) found.push_back(candidate);
  }
  return found;
}

int RunCompletion(const std::vector<std::string>& argv, const Io& io) {
  const std::string shell = argv.size() == 1 ? argv[0] : "";
  if (shell == "bash") {
    *io.out << kBash;
  } else if (shell == "zsh") {
    *io.out << kZsh;
  } else {
    return ReportUsage(absl::InvalidArgumentError("completion takes bash or zsh."),
                       "nisi help completion", Format::kTable, io);
  }
  return kDone;
}

int RunComplete(const std::vector<std::string>& argv, const std::map<std::string, Own>& own,
                const Io& io) {
  for (const std::string& candidate : Complete(argv, own)) *io.out << candidate << "\n";
  return kDone;
}

}  // namespace nisi::cli
