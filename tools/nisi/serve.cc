// `nisi serve`: all services and the gateway in one process over one data folder, calls handed on
// within it. The embedded default for trying out, tests and small agencies. The services cannot
// tell it from production.
#include "tools/nisi/serve.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <list>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/base/log.h"
#include "common/norms/norms.h"
#include "common/rpc/certificates.h"
#include "common/rpc/dev_keys.h"
#include "common/rpc/flags.h"
#include "common/rpc/host_flags.h"
#include "common/rpc/peer.h"
#include "common/rpc/server.h"
#include "common/rpc/service_main.h"
#include "services/gateway/limit_flags.h"
#include "services/gateway/packages.h"
#include "services/gateway/service.h"
#include "tools/nisi/own_flags.h"
#include "tools/nisi/serve_services.h"

namespace nisi::cli {
namespace {

struct Settings {
  std::string address, norms, metrics_address, clock_file;
  std::vector<std::string> origins;
  rpc::HostFlags host;
  gateway::LimitFlags limits;
  bool make_keys = false;
};

// For trying out separate processes: <data>/keys gets the development issuer and the context keys
// of the gateway and each service, and keys/tls an authority with a certificate for each of them.
absl::Status MakeKeys(const std::string& data) {
  std::vector<std::string> names{"gateway"};
  for (const auto& [name, parts] : ServedServices()) names.push_back(name);
  RETURN_IF_ERROR(rpc::LoadOrCreateDevKeys(data).status());
  RETURN_IF_ERROR(rpc::MakeContextKeys(absl::StrCat(data, "/keys"), names));
  return rpc::MakeCertificates(absl::StrCat(data, "/keys/tls"), names, base::SystemNow());
}

// A service with its own server; what a part has ends in reverse order.
struct Part {
  std::unique_ptr<rpc::Metrics> metrics;
  std::unique_ptr<rpc::Peers> peers;
  std::unique_ptr<rpc::HostedService> service;
  std::unique_ptr<rpc::Authenticator> authenticator;
  std::unique_ptr<rpc::Server> server;
};

// All of them: nobody asks a service that is ending.
struct Parts {
  ~Parts() { Close(); }
  void Close() {
    for (Part& part : all) {
      if (part.peers != nullptr) part.peers->Close();
    }
  }
  std::list<Part> all;
};

absl::StatusOr<std::unique_ptr<rpc::Authenticator>> ContextsOnly(const std::string& signers,
                                                                 const std::string& name,
                                                                 absl::Time now) {
  rpc::AuthenticatorOptions options;
  ASSIGN_OR_RETURN(rpc::KeySource keys, rpc::KeysFromFile(signers, now));
  options.contexts = std::make_unique<rpc::ContextVerifier>(std::move(keys), name);
  options.in_process_only = true;
  return std::make_unique<rpc::Authenticator>(std::move(options));
}

// What the services stand on, all of them.
struct Ground {
  const rpc::HostFlags& flags;
  base::Clock* clock;
  const norms::Norms& norms;
  std::string keys;     // the folder of the keys of call contexts
  std::string signers;  // whose contexts are taken
  rpc::Metrics& metrics;
  std::atomic<bool>& failed;  // set when a store has stopped
};

// A service with its server. Its ways to the others are set when all are there.
absl::Status StartPart(const Ground& ground, const std::string& name, const rpc::OpenService& open,
                       Part* part) {
  part->metrics = std::make_unique<rpc::Metrics>(name, ground.metrics);
  rpc::Peers::Options speaking;
  ASSIGN_OR_RETURN(speaking.signer, rpc::ContextSigner::Open(rpc::ContextKeyPath(ground.keys, name),
                                                             name, base::SystemNow()));
  speaking.metrics = part->metrics.get();
  part->peers = std::make_unique<rpc::Peers>(std::move(speaking));
  rpc::HostOptions host;
  RETURN_IF_ERROR(ground.flags.Fill(&host));
  host.clock = ground.clock;
  host.norms = &ground.norms;
  host.metrics = part->metrics.get();
  host.peers = part->peers.get();
  host.on_store_failure = [&failed = ground.failed](const absl::Status&) {
    failed = true;
    rpc::StopSignal::Stop();
  };
  ASSIGN_OR_RETURN(part->service, open(host));
  ASSIGN_OR_RETURN(part->authenticator, ContextsOnly(ground.signers, name, base::SystemNow()));
  rpc::ServerOptions options;
  options.clock = ground.clock;
  options.registry = &part->service->registry();
  options.authenticator = part->authenticator.get();
  options.metrics = part->metrics.get();
  ASSIGN_OR_RETURN(part->server, rpc::Server::Start(options));
  return absl::OkStatus();
}

// At the gateway people and agencies show the tokens of the development issuer.
absl::StatusOr<std::unique_ptr<rpc::Authenticator>> TokensOnly(const std::string& data) {
  rpc::AuthenticatorOptions identity;
  ASSIGN_OR_RETURN(rpc::TokenIssuer issuer, rpc::DevIssuer(data, base::SystemNow()));
  identity.tokens =
      std::make_unique<rpc::TokenVerifier>(std::vector<rpc::TokenIssuer>{std::move(issuer)});
  return std::make_unique<rpc::Authenticator>(std::move(identity));
}

// For whoever started it by hand: the log says little to people.
void Greet(const Settings& settings, int port) {
  const std::string host = settings.address.substr(0, settings.address.rfind(':'));
  const std::string address = absl::StrCat(host, ":", port);
  const std::string data = std::filesystem::absolute(settings.host.data()).string();
  std::cout
      << "It serves on " << address << "; in a browser: http://" << address
      << "/\nIn another terminal:\n  export NISI_ADDRESS=" << address << " NISI_DATA=" << data
      << "\n  nisi priority-goods list-editions\n"
      << "  nisi --as institute.industry priority-goods create-edition "
         "--edition.title-ru Example\n"
      << "  nisi token                 # the roles for --as; with --role ROLE a token of one\n"
      << "Ctrl-C ends it.\n"
      << std::flush;
}

absl::Status Serve(const Settings& settings, rpc::StopSignal& stop, std::atomic<bool>& failed) {
  RETURN_IF_ERROR(base::CheckLegalZone());
  rpc::FileClock clock(settings.clock_file);
  ASSIGN_OR_RETURN(const norms::Norms norms, settings.norms.empty()
                                                 ? norms::Norms::Default()
                                                 : norms::Norms::Load(settings.norms));
  ASSIGN_OR_RETURN(const rpc::DevKeys keys, rpc::LoadOrCreateDevKeys(settings.host.data()));

  std::vector<std::string> names;
  for (const auto& [name, served] : ServedServices()) names.push_back(name);
  const std::string folder = absl::StrCat(settings.host.data(), "/keys");
  RETURN_IF_ERROR(rpc::MakeContextKeys(folder, names));

  rpc::Metrics metrics("nisi");
  Parts parts;
  rpc::Metrics door_metrics("gateway", metrics);
  gateway::GatewayOptions door;
  const Ground ground{settings.host,     clock.clock(), norms, folder,
                      keys.signers_path, metrics,       failed};
  for (const auto& [name, served] : ServedServices()) {
    Part& part = parts.all.emplace_back();
    RETURN_IF_ERROR(StartPart(ground, name, served.open, &part));
    door.backends[name].here = part.server->take();
  }
  for (Part& part : parts.all) {
    for (const auto& [name, way] : door.backends) part.peers->SetHere(name, way.here);
    RETURN_IF_ERROR(part.peers->Check());
  }

  ASSIGN_OR_RETURN(const auto authenticator, TokensOnly(settings.host.data()));
  ASSIGN_OR_RETURN(const auto signer,
                   rpc::ContextSigner::Open(rpc::ContextKeyPath(folder, "gateway"), "gateway",
                                            base::SystemNow()));
  base::SystemClock system_clock;  // identity and limits do not move with a development clock
  door.clock = &system_clock;
  door.metrics = &door_metrics;
  door.authenticator = authenticator.get();
  door.signer = signer.get();
  door.services = gateway::LinkedServices();
  door.address = settings.address;
  door.origins = settings.origins;
  RETURN_IF_ERROR(settings.limits.Fill(&door.limits));
  ASSIGN_OR_RETURN(const std::unique_ptr<gateway::Gateway> gateway, gateway::Gateway::Start(door));
  if (!settings.metrics_address.empty()) RETURN_IF_ERROR(metrics.Serve(settings.metrics_address));
  base::Log(base::Severity::kInfo, "serving",
            {{"service", "nisi"},
             {"port", gateway->port()},
             {"data", settings.host.data()},
             {"metrics", metrics.port()}});
  if (isatty(STDOUT_FILENO) != 0) Greet(settings, gateway->port());
  stop.Wait();
  base::Log(base::Severity::kInfo, "draining");
  gateway->Drain(failed ? absl::Milliseconds(500) : absl::Seconds(10));
  for (Part& part : parts.all) part.server->Drain(absl::Seconds(failed ? 1 : 5));
  if (failed) rpc::EndFailed();
  return absl::OkStatus();
}

rpc::Flags FlagsFor(Settings& settings) {
  rpc::Flags flags("nisi serve",
                   "All services of NISI and their gateway in this process, over one data folder.");
  flags
      .String("address", &settings.address, "where the gateway listens, on loopback",
              "127.0.0.1:7400")
      .Strings("origin", &settings.origins,
               "origin of web pages that may call from browsers, as https://portal.example; once "
               "for each")
      .String("norms", &settings.norms, "folder of norms; empty: those compiled in")
      .String("metrics-address", &settings.metrics_address,
              "where Prometheus scrapes, host:port; empty: nowhere", "127.0.0.1:7480")
      .String("clock-file", &settings.clock_file,
              "a file that moves the clock, to try out other days")
      .Bool("make-keys", &settings.make_keys,
            "make keys and certificates for separate processes, and end");
  settings.host.AddTo(&flags, kDataVariable);
  settings.limits.AddTo(&flags, 0);  // its services are in the same process
  return flags;
}

}  // namespace

std::vector<std::string> CompleteServe(const std::vector<std::string>& words) {
  Settings settings;
  return CandidatesOf(FlagsFor(settings), words);
}

int ServeMain(const std::vector<std::string>& args) {
  rpc::StopSignal stop;
  Settings settings;
  rpc::Flags flags = FlagsFor(settings);
  std::vector<const char*> argv{"nisi serve"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  if (const absl::Status parsed = flags.Parse(static_cast<int>(argv.size()), argv.data());
      !parsed.ok()) {
    std::cerr << ProblemOf(parsed, flags) << "\n";  // all flags after it would hide it
    return 2;
  }
  if (flags.help_wanted()) {
    std::cout << flags.Help();
    return 0;
  }
  std::atomic<bool> failed{false};
  const absl::Status served =
      settings.make_keys ? MakeKeys(settings.host.data()) : Serve(settings, stop, failed);
  if (!served.ok()) {
    base::Log(base::Severity::kError, "cannot_start", {{"status", served.ToString()}});
    return 1;
  }
  return failed ? rpc::kStoreFailed : 0;
}

}  // namespace nisi::cli
