// `nisi restore`: makes the stores of services again from their backups, without any server.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/flags.h"
#include "common/store/restore.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/io.h"
#include "tools/nisi/proof.h"
#include "tools/nisi/serve.h"
#include "tools/nisi/serve_services.h"

namespace nisi::cli {
namespace {

namespace fs = std::filesystem;

struct RestoreSettings {
  std::string from, to, witnesses, service, time;
  std::vector<std::string> heads, public_keys;
  int64_t backup = 0, position = 0;
  bool set_aside = false, drill = false;
};

// A head alone, as `nisi journal get-tree-head` prints it, or a file of `nisi proof get`.
absl::StatusOr<journal::v1::TreeHead> ReadHead(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, &std::cin));
  if (const auto proof = ProofFromJson(text); proof.ok()) return proof->head;
  journal::v1::TreeHead head;
  if (SetFromJson(text, &head).ok() && !head.signature().empty()) return head;
  return absl::InvalidArgumentError(absl::StrCat(path, " is neither a tree head nor a proof."));
}

absl::StatusOr<store::RestoreOptions> OptionsOf(const RestoreSettings& settings) {
  store::RestoreOptions options;
  options.backup = settings.backup;
  if (settings.position < 0 || settings.backup < 0) {
    return absl::InvalidArgumentError("--position and --backup are numbers from 1 on.");
  }
  if (settings.position > 0) options.position = settings.position;
  if (!settings.time.empty()) {
    absl::Time time;
    if (!absl::ParseTime(absl::RFC3339_full, settings.time, &time, nullptr)) {
      return absl::InvalidArgumentError("--time is as 2026-01-31T09:30:00+05:00.");
    }
    options.time = time;
  }
  if (settings.drill && settings.set_aside) {
    return absl::InvalidArgumentError("A --drill sets nothing aside.");
  }
  if (options.position.has_value() && options.time.has_value()) {
    return absl::InvalidArgumentError("Give --position or --time, not both.");
  }
  const std::vector<std::string> keys =
      absl::StrSplit(absl::StrJoin(settings.public_keys, ","), ',', absl::SkipEmpty());
  for (const std::string& given : keys) {
    const std::string digits = absl::AsciiStrToLower(given);
    const std::string key = absl::HexStringToBytes(digits);
    if (key.size() != 32 || absl::BytesToHexString(key) != digits) {
      return absl::InvalidArgumentError("--public-key is 64 digits of hex.");
    }
    options.public_keys.push_back(key);
  }
  for (const std::string& path : settings.heads) {
    ASSIGN_OR_RETURN(journal::v1::TreeHead head, ReadHead(path));
    options.heads.push_back(std::move(head));
  }
  return options;
}

void Tell(const std::string& service, const store::Restored& restored) {
  const int64_t replayed = restored.head.position - restored.backup_position;
  std::cout << service << ": restored to position " << restored.head.position << ", recorded "
            << absl::FormatTime(absl::RFC3339_full, restored.recorded, absl::UTCTimeZone())
            << ": backup " << restored.backup.id << " at position " << restored.backup_position
            << " and " << replayed << " journal entries of the log after it\n"
            << "  checked: every file, record, index, journal entry and tree node; "
            << restored.heads_proved << " signed heads are of this history ("
            << (restored.key_ids.size() == 1 ? "key " : "keys ")
            << absl::StrJoin(restored.key_ids, ", ",
                             [](std::string* out, const std::string& id) {
                               out->append(absl::BytesToHexString(id));
                             })
            << ")\n";
  for (const int64_t size : restored.heads_beyond) {
    std::cerr << service << ": NOT PROVED: a signed head of " << size
              << " entries is beyond all that the backups hold: what came after position "
              << restored.head.position << " up to there is lost.\n";
  }
}

// As the service opens it: with the tables of its disclosure, where it has them.
store::Schema SchemaOf(const std::string& service) {
  store::Schema schema = ServedServices().at(service).schema();
  return rpc::HasMarks(schema) ? rpc::WithDisclosure(std::move(schema)) : schema;
}

// Which services: the one named, or all that have a folder in `from`.
absl::StatusOr<std::vector<std::string>> ChooseServices(const RestoreSettings& settings) {
  std::vector<std::string> chosen;
  for (const auto& [name, parts] : ServedServices()) {
    const bool wanted = settings.service.empty()
                            ? fs::exists(absl::StrCat(settings.from, "/", name))
                            : settings.service == name;
    if (wanted) chosen.push_back(name);
  }
  if (chosen.empty()) {
    return absl::InvalidArgumentError(
        settings.service.empty() ? absl::StrCat(settings.from, " holds no backups of a service.")
                                 : absl::StrCat("There is no service ", settings.service, "."));
  }
  const bool one = settings.position > 0 || settings.backup > 0;
  if (one && chosen.size() > 1) {
    return absl::InvalidArgumentError("--position and --backup are of one --service.");
  }
  return chosen;
}

int Restore(RestoreSettings settings) {
  const auto usage = [](const absl::Status& status) {
    std::cerr << status.message() << "\nHelp: nisi restore --help\n";
    return kUsage;
  };
  if (settings.from.empty() || settings.to.empty()) {
    return usage(absl::InvalidArgumentError("--from and --to are needed."));
  }
  // RocksDB opens no backup whose path is relative.
  settings.from = fs::absolute(settings.from).string();
  settings.to = fs::absolute(settings.to).string();
  if (settings.witnesses.empty()) settings.witnesses = settings.to;
  auto options = OptionsOf(settings);
  if (!options.ok()) return usage(options.status());
  const auto services = ChooseServices(settings);
  if (!services.ok()) return usage(services.status());
  std::error_code error;
  fs::create_directories(settings.to, error);
  if (!error) fs::create_directories(settings.witnesses, error);
  base::SystemClock clock;
  bool proved = true;
  // Each is restored and told by itself: a drill is to find all that cannot be.
  std::vector<std::string> failed;
  for (const std::string& service : *services) {
    options->from = absl::StrCat(settings.from, "/", service);
    options->to = absl::StrCat(settings.to, "/", service);
    options->witness = absl::StrCat(settings.witnesses, "/", service, ".witness");
    if (settings.set_aside) {
      options->aside =
          absl::StrCat(options->to, ".before-",
                       absl::FormatTime("%Y%m%dT%H%M%SZ", clock.Now(), absl::UTCTimeZone()));
    }
    const auto restored = store::RestoreStore(*options, SchemaOf(service), clock);
    if (!restored.ok()) {
      std::cerr << service << ": not restored: " << base::ReasonOf(restored.status()) << ": "
                << restored.status().message() << "\n";
      failed.push_back(service);
      continue;
    }
    Tell(service, *restored);
    if (settings.drill) {
      fs::remove_all(options->to, error);
      fs::remove(options->witness, error);
    }
    proved = proved && restored->heads_beyond.empty();
  }
  if (!failed.empty()) {
    if (settings.drill) {
      std::cerr << "CANNOT BE RESTORED: " << absl::StrJoin(failed, ", ") << "; "
                << (services->size() - failed.size()) << " of " << services->size() << " can.\n";
    } else if (services->size() > 1) {
      std::cerr << "NOT RESTORED: " << absl::StrJoin(failed, ", ") << ". Of "
                << (services->size() - failed.size()) << " services the store was. Start none on "
                << settings.to << " before all are there: they would not be of one time.\n";
    }
    return kRefused;
  }
  if (settings.drill) {
    std::cout << services->size() << " of " << services->size() << " can be restored.\n";
    return proved ? kDone : kRefused;
  }
  std::cout << "Start on it: nisi serve --data " << settings.to << ", or each service with --data "
            << settings.to
            << "\nThe keys that sign tree heads are in no backup: copy the *.head.pem that you "
               "keep there first, or new heads will be signed by new keys.\n";
  return proved ? kDone : kRefused;
}

rpc::Flags FlagsFor(RestoreSettings& settings) {
  rpc::Flags flags("nisi restore",
                   "Makes stores again from their backups, in an empty place or with --set-aside; "
                   "needs no server. "
                   "Without --backup, --position and --time: all that the backups hold.");
  flags.String("from", &settings.from, "the --backup-folder of the services")
      .String("to", &settings.to, "the data folder to make")
      .String("witness-dir", &settings.witnesses,
              "the --witness-dir of the services, where they have one; else the data folder")
      .String("service", &settings.service, "only this one; else all that have backups there")
      .Bool("set-aside", &settings.set_aside,
            "a store that is there goes to SERVICE.before-TIME beside it, when the restored one is "
            "whole; no service may run on it; its *.head.pem stays")
      .Bool("drill", &settings.drill,
            "each store is removed again when it has proved itself: takes room for one at a time")
      .Int("backup", &settings.backup,
           "begin with this backup and end there too, unless "
           "--position or --time says how much of the log comes after")
      .Int("position", &settings.position,
           "end with the last commit at or before this journal position; one commit may hold many "
           "positions and is restored whole or not")
      .String("time", &settings.time,
              "end with the last commit recorded at or before, as 2026-01-31T09:30:00+05:00")
      .Strings("head", &settings.heads,
               "a file with a signed head to prove it against: of nisi proof get -o FILE, or nisi "
               "journal get-tree-head --format json")
      .Strings("public-key", &settings.public_keys,
               "the key, in hex, that must have signed all heads, or each of several where it was "
               "replaced meanwhile; else those of the backups are believed");
  return flags;
}

}  // namespace

std::vector<std::string> CompleteRestore(const std::vector<std::string>& words) {
  RestoreSettings settings;
  return CandidatesOf(FlagsFor(settings), words);
}

int RestoreMain(const std::vector<std::string>& args) {
  RestoreSettings settings;
  rpc::Flags flags = FlagsFor(settings);
  std::vector<const char*> argv{"nisi restore"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  if (const absl::Status parsed = flags.Parse(static_cast<int>(argv.size()), argv.data());
      !parsed.ok()) {
    std::cerr << ProblemOf(parsed, flags) << "\n";  // all flags after it would hide it
    return kUsage;
  }
  if (flags.help_wanted()) {
    std::cout << flags.Help();
    return kDone;
  }
  return Restore(settings);
}

}  // namespace nisi::cli
