#include "tools/nisi/command.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/rpc/version.h"
#include "tools/nisi/args.h"
#include "tools/nisi/backup.h"
#include "tools/nisi/call.h"
#include "tools/nisi/complete.h"
#include "tools/nisi/describe.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/help.h"
#include "tools/nisi/names.h"
#include "tools/nisi/packages.h"
#include "tools/nisi/proof.h"
#include "tools/nisi/token.h"

namespace nisi::cli {
namespace {

using Runner = int (*)(const std::vector<std::string>&, const Io&);

bool WantsHelp(const std::vector<std::string>& argv) {
  return std::any_of(argv.begin(), argv.end(),
                     [](const std::string& arg) { return arg == "--help" || arg == "-h"; });
}

int Usage(const std::string& message, const std::string& help, const Io& io) {
  return ReportUsage(absl::InvalidArgumentError(message), help, Format::kTable, io);
}

int TellVersion(const Io& io) {
  *io.out << "nisi " << rpc::Version() << "\n";
  return kDone;
}

int NoSuchService(const std::string& name, const Io& io) {
  std::vector<std::string> names;
  for (const Service& service : Services()) names.push_back(service.name);
  for (const Command& command : Commands()) names.emplace_back(command.name);
  return Usage(absl::StrCat("There is no service or command ", name, ".", DidYouMean(name, names)),
               "nisi --help", io);
}

int NoSuchMethod(const Service& service, const std::string& name, const Io& io) {
  std::vector<std::string> names;
  for (const auto* method : MethodsOf(service)) names.push_back(Kebab(method->name()));
  return Usage(absl::StrCat(service.name, " has no method ", name, ".", DidYouMean(name, names)),
               absl::StrCat("nisi ", service.name, " --help"), io);
}

int RunHelp(const std::vector<std::string>& words, const Io& io) {
  if (words.empty()) {
    *io.out << HelpOf();
    return kDone;
  }
  if (const std::string text = HelpOf(words[0]); !text.empty()) {
    *io.out << text;
    return kDone;
  }
  const Service* service = FindService(words[0]);
  if (service == nullptr) return NoSuchService(words[0], io);
  if (words.size() == 1) {
    *io.out << HelpOf(*service);
    return kDone;
  }
  const auto* method = FindMethod(*service, words[1]);
  if (method == nullptr) return NoSuchMethod(*service, words[1], io);
  *io.out << HelpOf(*service, *method);
  return kDone;
}

Runner RunnerOf(const std::string& command) {
  if (command == "backup") return RunBackup;
  if (command == "token") return RunToken;
  if (command == "proof") return RunProof;
  if (command == "verify") return RunVerify;
  if (command == "describe") return RunDescribe;
  if (command == "roles") return RunRoles;
  if (command == "completion") return RunCompletion;
  if (command == "help") return RunHelp;
  return nullptr;
}

}  // namespace

int Run(const std::vector<std::string>& argv, const std::map<std::string, Own>& own, const Io& io) {
  // Takes everything after it as it is.
  if (!argv.empty() && argv[0] == "__complete")
    return RunComplete({argv.begin() + 1, argv.end()}, own, io);

  std::vector<std::string> rest = argv;
  const std::vector<std::string> first = TakeWords(&rest, 1);
  if (first.empty()) {
    if (!rest.empty() && rest[0] == "--version") return TellVersion(io);
    if (rest.empty() || WantsHelp(rest)) return RunHelp({}, io);
    return Usage("Which service?", "nisi --help", io);
  }
  if (first[0] == "version" && rest.empty()) return TellVersion(io);
  // Its flags are its own, and so is its help.
  if (const auto found = own.find(first[0]); found != own.end()) {
    return found->second.run(WantsHelp(rest) ? std::vector<std::string>{"--help"} : rest);
  }
  if (const Runner run = RunnerOf(first[0]))
    return WantsHelp(rest) ? RunHelp(first, io) : run(rest, io);
  const Service* service = FindService(first[0]);
  if (service == nullptr) {
    // The value of a flag that there is not looks like a service.
    const std::string unknown = UnknownAmong(rest);
    return unknown.empty() ? NoSuchService(first[0], io) : Usage(unknown, "nisi --help", io);
  }
  const std::vector<std::string> second = TakeWords(&rest, 1);
  if (second.empty()) {
    return WantsHelp(rest) ? RunHelp(first, io)
                           : Usage(absl::StrCat("Which method of ", service->name, "?"),
                                   absl::StrCat("nisi ", service->name, " --help"), io);
  }
  const auto* method = FindMethod(*service, second[0]);
  if (method == nullptr) return NoSuchMethod(*service, second[0], io);
  return RunMethod(*service, *method, rest, io);
}

}  // namespace nisi::cli
