#include "tools/nisi/machines.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/nisi/args.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/help.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

// "SELECTION_STAGE" is asked for as "selection-stage".
std::string NameOf(const base::MachineDef& machine) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(machine.resource()), {{"_", "-"}});
}

}  // namespace

int RunMachines(const std::vector<std::string>& argv, const Machines& machines, const Io& io) {
  if (argv == std::vector<std::string>{"--help"}) {
    *io.out << HelpOf("machines");
    return kDone;
  }
  const auto args = ParseArgs(argv, {}, kCommon);
  if (!args.ok()) return ReportUsage(args.status(), "nisi help machines", Format::kTable, io);
  const std::string wanted = args->words.empty() ? "" : args->words.front();
  std::vector<std::string> names;
  std::string text;
  for (const auto& [service, owned] : machines) {
    for (const base::MachineDef* machine : owned) {
      names.push_back(NameOf(*machine));
      if (!wanted.empty() && wanted != names.back()) continue;
      absl::StrAppend(&text, text.empty() ? "" : "\n", "### ", names.back(), " (", service,
                      ")\n\n```mermaid\n", machine->Mermaid(), "```\n");
    }
  }
  if (text.empty()) {
    return ReportUsage(
        absl::NotFoundError(absl::StrCat("There is no resource ", wanted, " with states.",
                                         DidYouMean(wanted, names))),
        "nisi machines", Format::kTable, io);
  }
  *io.out << text;
  return kDone;
}

}  // namespace nisi::cli
