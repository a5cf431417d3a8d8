// `nisi doctor`: what is wrong with an installation, told by one of its processes, that is by the
// flags that this one is started with.
#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/http2/address.h"
#include "common/rpc/certificates.h"
#include "common/rpc/dev_keys.h"
#include "common/rpc/flags.h"
#include "common/rpc/host_flags.h"
#include "common/rpc/service_main.h"
#include "services/gateway/limit_flags.h"
#include "tools/nisi/doctor.h"
#include "tools/nisi/io.h"
#include "tools/nisi/names.h"
#include "tools/nisi/own_flags.h"
#include "tools/nisi/serve.h"
#include "tools/nisi/serve_services.h"

namespace nisi::cli {
namespace {

constexpr char kUnused[] = "accepted and not used";
constexpr char kAll[] = "nisi", kGateway[] = "gateway";
// Beside the connections of clients: tables, logs, backends.
constexpr uint64_t kOtherFilesOfGateway = 512, kFilesOfStores = 4096;

// The flags of all processes. Those that nothing here asks for are taken all the same, so that
// whatever a process is started with can be given to the doctor.
struct Told {
  std::string address, norms, tls_dir, signers, jwks, issuer, algorithm, context_key, clock_file;
  std::string health_address, principals;
  std::string unused;
  bool contexts_on_word = false;
  std::vector<std::string> backends, peers, context_peers, edges, origins;
  absl::Duration backup_age, soon, unused_time;
  rpc::HostFlags host;
  gateway::LimitFlags limits;
};

void Declare(Told* to, const std::string& process, rpc::Flags* flags) {
  const bool door = process == kAll || process == kGateway;
  flags
      ->Duration("backup-age", &to->backup_age, "report a backup that is older than this",
                 absl::Hours(3))
      .Duration("soon", &to->soon, "report a certificate so long before it expires",
                absl::Hours(24 * 14))
      .String("address", &to->address, "where the process listens",
              door ? "127.0.0.1:7400" : "127.0.0.1:7401")
      .String("norms", &to->norms, "folder of norms; empty: those compiled in")
      .String("tls-dir", &to->tls_dir, "folder with ca.pem, <process>.pem and <process>.key")
      .String("jwks", &to->jwks, "file with the public keys of the issuer of tokens (JWKS)")
      .String("issuer", &to->issuer, "issuer (iss) of the tokens", rpc::kDevIssuer)
      .String("algorithm", &to->algorithm,
              "signature algorithm of the tokens; empty: that of the issuer")
      .String("signers", &to->signers,
              "file with the public keys (JWKS) of those whose call contexts are accepted; for the "
              "gateway, that of its services")
      .String("context-key", &to->context_key, "file with the Ed25519 key that signs call contexts")
      .Strings("context-peer", &to->context_peers,
               "SPIFFE id of a caller that may bring call contexts")
      .Bool("contexts-on-word", &to->contexts_on_word,
            "of a service: it believes others whom they call for")
      .Strings("backend", &to->backends,
               "of the gateway: service=host:port, or several: service=host:port,host:port")
      .Strings("peer", &to->peers, "of a service: service=host:port")
      .String("clock-file", &to->clock_file, "a file that moves the clock")
      .String("health-address", &to->health_address,
              "where the process serves health checks in plain text")
      .String("principals", &to->principals,
              "of the gateway: file that says whom each client certificate stands for")
      .Strings("edge", &to->edges, "of the gateway: address of a TLS terminator")
      .Strings("origin", &to->origins, kUnused)
      .Duration("token-life", &to->unused_time, kUnused, absl::ZeroDuration())
      .Duration("drain", &to->unused_time, kUnused, absl::ZeroDuration());
  for (const char* name : {"metrics-address", "audience"}) {
    flags->String(name, &to->unused, kUnused);
  }
  // A service by itself does not look at it.
  to->host.AddTo(flags, process == kAll ? kDataVariable : nullptr);
  to->limits.AddTo(flags, 0);
}

absl::Status AddNeighbours(const std::vector<std::string>& given, Installation* at) {
  for (const std::string& text : given) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (parts.first.empty() || parts.second.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(text, ": name=host:port"));
    }
    for (const absl::string_view address : absl::StrSplit(parts.second, ',')) {
      at->neighbours.push_back({parts.first, std::string(address)});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<rpc::Algorithm> AlgorithmOf(const Told& told) {
  if (told.algorithm.empty()) {
    return told.issuer == rpc::kDevIssuer ? rpc::Algorithm::kEdDsa : rpc::Algorithm::kEs256;
  }
  const auto algorithm = rpc::AlgorithmFromName(told.algorithm);
  if (!algorithm.has_value()) {
    return absl::InvalidArgumentError("--algorithm: EdDSA, ES256 or RS256");
  }
  return *algorithm;
}

absl::StatusOr<Installation> InstallationOf(const Told& told, const std::string& process) {
  Installation at;
  at.process = process;
  at.address = told.address;
  at.health_address = told.health_address;
  rpc::HostOptions host;
  RETURN_IF_ERROR(told.host.Fill(&host));
  gateway::Limits limits;
  RETURN_IF_ERROR(told.limits.Fill(&limits));
  ASSIGN_OR_RETURN(at.algorithm, AlgorithmOf(told));
  RETURN_IF_ERROR(AddNeighbours(told.backends, &at));
  RETURN_IF_ERROR(AddNeighbours(told.peers, &at));
  at.data = host.data_dir;
  at.witnesses = host.witness_dir;
  at.disk_reserve_bytes = host.disk_reserve_bytes;
  at.backup_folder = host.backup_dir;
  at.new_store = host.new_store;
  at.backup_age = told.backup_age;
  at.soon = told.soon;
  at.tls_dir = told.tls_dir;
  at.jwks = told.jwks;
  at.signers = told.signers;
  at.context_key = told.context_key;
  at.contexts_on_word = told.contexts_on_word;
  at.principals = told.principals;
  for (const std::string& edge : told.edges) {
    if (!http2::ParseMachine(edge).has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("--edge ", edge, ": not an address"));
    }
  }
  at.has_edges = !told.edges.empty();
  at.context_signers = {kGateway};
  for (const std::string& peer : told.context_peers) {
    absl::string_view name = peer;
    if (absl::ConsumePrefix(&name, rpc::ServiceIdentity(""))) {
      at.context_signers.emplace_back(name);
    }
  }
  at.norms = told.norms;
  rpc::FileClock clock(told.clock_file);
  at.today = base::Date::LegalDay(clock.clock()->Now());
  for (const auto& [name, parts] : ServedServices()) {
    if (process == kAll || process == name)
      at.stores.push_back({name, &parts.schema(), parts.check_norms});
    if (process == kAll) at.context_signers.push_back(name);
  }
  if (process == kAll) {
    at.jwks = absl::StrCat(at.data, "/keys/jwks.json");
    at.signers = absl::StrCat(at.data, "/keys/signers.json");
  }
  at.files = std::max(at.stores.empty() ? 0 : kFilesOfStores,
                      limits.clients.max_connections + kOtherFilesOfGateway);
  std::sort(at.context_signers.begin(), at.context_signers.end());
  at.context_signers.erase(std::unique(at.context_signers.begin(), at.context_signers.end()),
                           at.context_signers.end());
  return at;
}

int Tell(const std::string& process, const Findings& findings) {
  for (const Finding& finding : findings) {
    std::cout << finding.what << "  " << finding.where << "\n    " << finding.why
              << "\n    To mend: " << finding.mend << "\n";
  }
  std::cout << process << ": "
            << (findings.empty() ? std::string("nothing is wrong that can be seen from here")
                                 : absl::StrCat(findings.size(),
                                                findings.size() == 1 ? " finding" : " findings"))
            << "\n";
  return findings.empty() ? kDone : kRefused;
}

Findings Examine(const Installation& at) {
  const absl::Time now = base::SystemNow();
  Findings findings;
  ExamineFolders(at, now, &findings);
  ExamineKeys(at, now, &findings);
  for (const KeptStore& kept : at.stores) ExamineStore(at, kept, &findings);
  ExamineProcesses(at, &findings);
  return findings;
}

std::vector<std::string> Processes() {
  std::vector<std::string> processes{kAll, kGateway};
  for (const auto& [name, parts] : ServedServices()) processes.push_back(name);
  return processes;
}

}  // namespace

std::vector<std::string> CompleteDoctor(const std::vector<std::string>& words) {
  if (words.size() == 1 && !absl::StartsWith(words[0], "-")) return Processes();
  Told told;
  rpc::Flags flags("", "");
  Declare(&told, kAll, &flags);
  return CandidatesOf(flags, words);
}

int DoctorMain(const std::vector<std::string>& args) {
  std::string process = kAll;
  std::vector<const char*> argv{"nisi doctor"};
  for (const std::string& arg : args) {
    if (argv.size() == 1 && process == kAll && !absl::StartsWith(arg, "-")) {
      process = arg;
    } else {
      argv.push_back(arg.c_str());
    }
  }
  const std::vector<std::string> processes = Processes();
  const auto usage = [](absl::string_view message) {
    std::cerr << message << "\nHelp: nisi doctor --help\n";
    return kUsage;
  };
  if (std::find(processes.begin(), processes.end(), process) == processes.end()) {
    return usage(absl::StrCat("There is no process ", process, ", but: ",
                              absl::StrJoin(processes, ", "), ".", DidYouMean(process, processes)));
  }
  Told told;
  rpc::Flags flags(
      "nisi doctor [PROCESS]",
      absl::StrCat("Finds what is wrong with an installation and says how to mend it. PROCESS is "
                   "one of ",
                   absl::StrJoin(processes, ", "),
                   "; the flags are those that it is started with. Run it where the process runs, "
                   "as its user. Exit codes: 0 nothing found, 1 findings, 2 wrong use."));
  Declare(&told, process, &flags);
  if (const absl::Status parsed = flags.Parse(static_cast<int>(argv.size()), argv.data());
      !parsed.ok()) {
    return usage(ProblemOf(parsed, flags));
  }
  if (flags.help_wanted()) {
    std::cout << flags.Help();
    return kDone;
  }
  if (const absl::Status zone = base::CheckLegalZone(); !zone.ok()) {
    return Tell(process, {{"ZONE_DATA", "/usr/share/zoneinfo", std::string(zone.message()),
                           "Install the package tzdata, of 2024a or later."}});
  }
  const auto at = InstallationOf(told, process);
  if (!at.ok()) return usage(at.status().message());
  return Tell(process, Examine(*at));
}

}  // namespace nisi::cli
