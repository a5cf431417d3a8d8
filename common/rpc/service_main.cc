#include "common/rpc/service_main.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/base/log.h"
#include "common/base/open_files.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/http2/address.h"
#include "common/http2/backend.h"
#include "common/rpc/certificate_figures.h"
#include "common/rpc/certificates.h"
#include "common/rpc/dev_keys.h"
#include "common/rpc/flags.h"
#include "common/rpc/health_port.h"
#include "common/rpc/host_flags.h"
#include "common/rpc/key_files.h"
#include "common/rpc/peer.h"
#include "common/rpc/server.h"
#include "common/store/failure_note.h"

// jemalloc reads it, with which the programs are linked: what a large import took goes back to the
// system also when the service is idle afterwards.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "background_thread:true";
}

namespace nisi::rpc {
namespace {

constexpr int kCannotStart = 1, kBadFlags = 2;
constexpr absl::Duration kDrainLimit = absl::Seconds(10);
// A store that cannot open its files fails in the middle: better not to begin.
constexpr size_t kLeastFiles = 4096;
// So long the disk that has failed may take to keep that it did.
constexpr absl::Duration kNoteLimit = absl::Seconds(5);

struct Settings {
  std::string address, norms, metrics_address, tls_dir, signers, jwks, issuer, audience, clock_file;
  std::string context_key, health_address;
  std::vector<std::string> context_peers, peers;
  bool contexts_on_word = false;
  HostFlags host;
};

int Fail(const absl::Status& status) {
  base::Log(base::Severity::kError, "cannot_start", {{"status", status.ToString()}});
  return kCannotStart;
}

absl::StatusOr<std::unique_ptr<Authenticator>> MakeAuthenticator(const Settings& settings,
                                                                 const std::string& name,
                                                                 absl::Time now) {
  AuthenticatorOptions options;
  if (!settings.signers.empty()) {
    ASSIGN_OR_RETURN(KeySource signers, KeysFromFile(settings.signers, now));
    options.contexts = std::make_unique<ContextVerifier>(
        std::move(signers), name, ContextVerifier::kCapacity,
        settings.contexts_on_word ? Carried::kOnItsWord : Carried::kProved);
    if (settings.contexts_on_word) {
      base::Log(base::Severity::kWarning, "contexts_on_word",
                {{"why", "services are believed whom they call for: only during an upgrade"}});
    }
    options.context_peers.insert(settings.context_peers.begin(), settings.context_peers.end());
  }
  if (!settings.jwks.empty()) {
    TokenIssuer issuer;
    issuer.issuer = settings.issuer;
    issuer.audience = settings.audience;
    issuer.algorithm = settings.issuer == kDevIssuer ? Algorithm::kEdDsa : Algorithm::kEs256;
    issuer.max_life = UsualTokenLife(settings.issuer);
    ASSIGN_OR_RETURN(issuer.keys, KeysFromFile(settings.jwks, now));
    options.tokens = std::make_unique<TokenVerifier>(std::vector<TokenIssuer>{issuer});
  }
  return std::make_unique<Authenticator>(std::move(options));
}

absl::Status BadPeer(const std::string& text, absl::string_view why) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "PEER_INVALID",
                       absl::StrCat("--peer ", text, ": ", why));
}

// Where the other services are, from the flags.
absl::StatusOr<std::unique_ptr<Peers>> MakePeers(const Settings& settings, const std::string& name,
                                                 Metrics* metrics) {
  Peers::Options options;
  options.metrics = metrics;
  if (!settings.context_key.empty()) {
    auto signer = ContextSigner::Open(settings.context_key, name, base::SystemNow());
    if (!signer.ok()) {
      return base::Refusal(absl::StatusCode::kFailedPrecondition, "PEER_INVALID",
                           absl::StrCat("--context-key: ", signer.status().message()));
    }
    options.signer = *std::move(signer);
  }
  auto peers = std::make_unique<Peers>(std::move(options));
  std::set<std::string> known;
  for (const std::string& text : settings.peers) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    const auto& [peer, address] = parts;
    if (peer.empty() || !http2::ParseAddress(address).has_value()) {
      return BadPeer(text, "service=host:port");
    }
    if (!known.insert(peer).second) return BadPeer(text, "given twice");
    http2::BackendOptions backend;
    backend.address = address;
    if (!settings.tls_dir.empty()) {
      ASSIGN_OR_RETURN(backend.tls,
                       http2::TlsConnector::Load(http2::TlsFiles::In(settings.tls_dir, name),
                                                 ServiceIdentity(peer)));
    } else if (!IsLoopback(address)) {
      return BadPeer(text, "without --tls-dir only on loopback");
    }
    peers->SetAddress(peer, std::move(backend));
  }
  return peers;
}

absl::Status Serve(const Settings& settings, const std::string& name, const OpenService& open,
                   StopSignal& stop, std::atomic<bool>& failed) {
  RETURN_IF_ERROR(base::CheckLegalZone());
  if (const size_t files = base::RaiseOpenFiles(); files < kLeastFiles) {
    return base::Refusal(
        absl::StatusCode::kFailedPrecondition, "SETUP_INVALID",
        absl::StrCat("This process may open ", files, " files: give it ", kLeastFiles));
  }
  FileClock clock(settings.clock_file);
  ASSIGN_OR_RETURN(const norms::Norms norms, settings.norms.empty()
                                                 ? norms::Norms::Default()
                                                 : norms::Norms::Load(settings.norms));
  Metrics metrics(name);
  HostOptions host;
  RETURN_IF_ERROR(settings.host.Fill(&host));
  host.clock = clock.clock();
  host.norms = &norms;
  host.metrics = &metrics;
  host.on_store_failure = [&failed](const absl::Status&) {
    failed = true;
    StopSignal::Stop();
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<Peers> peers, MakePeers(settings, name, &metrics));
  host.peers = peers.get();
  ASSIGN_OR_RETURN(const std::unique_ptr<HostedService> service, open(host));
  RETURN_IF_ERROR(peers->Check());
  ASSIGN_OR_RETURN(const std::unique_ptr<Authenticator> authenticator,
                   MakeAuthenticator(settings, name, base::SystemNow()));
  ServerOptions options;
  options.address = settings.address;
  if (!settings.tls_dir.empty()) {
    ASSIGN_OR_RETURN(options.tls,
                     http2::TlsAcceptor::Load(http2::TlsFiles::In(settings.tls_dir, name),
                                              /*require_client_cert=*/true));
    metrics.AddFigures([tls = options.tls] { return CertificateFigures(*tls, base::SteadyNow()); });
  }
  options.clock = clock.clock();
  options.registry = &service->registry();
  options.authenticator = authenticator.get();
  options.metrics = &metrics;
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server, Server::Start(options));
  if (!settings.metrics_address.empty()) RETURN_IF_ERROR(metrics.Serve(settings.metrics_address));
  std::unique_ptr<HealthPort> probes;
  if (!settings.health_address.empty()) {
    ASSIGN_OR_RETURN(probes, HealthPort::Start(settings.health_address, server->health()));
  }
  base::Log(
      base::Severity::kInfo, "serving",
      {{"service", name}, {"port", server->port()}, {"position", service->store().position()}});
  stop.Wait();
  base::Log(base::Severity::kInfo, "draining", {{"service", name}});
  server->Drain(failed ? absl::Milliseconds(500) : kDrainLimit);
  if (failed) EndFailed();
  peers->Close();
  return absl::OkStatus();
}

std::atomic<bool> stop_asked{
    false};  // for StopSignal alone: signals are the process's, not an object's

}  // namespace

void EndFailed() {
  store::AwaitFailureNotes(kNoteLimit);
  std::_Exit(kStoreFailed);
}

StopSignal::StopSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Debian's Abseil is built with its search for lock cycles on: a twentieth of the CPU of a call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

void StopSignal::Wait() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  int got = 0;
  while (!stop_asked && sigwait(&set, &got) != 0) {
  }
}

void StopSignal::Stop() {
  stop_asked = true;
  kill(getpid(), SIGTERM);
}

FileClock::FileClock(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  Apply();
  thread_ = std::thread([this] {
    while (!stopping_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      Apply();
    }
  });
}

FileClock::~FileClock() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void FileClock::Apply() {
  auto text = ReadFile(path_, 100);
  if (!text.ok() || *text == applied_) return;
  applied_ = *text;
  const std::string wanted(absl::StripAsciiWhitespace(*text));
  absl::Duration offset;
  absl::Time instant;
  if (absl::StartsWith(wanted, "+") && absl::ParseDuration(wanted.substr(1), &offset)) {
    clock_.Set(base::SystemNow() + offset);
  } else if (absl::ParseTime(absl::RFC3339_full, wanted, &instant, nullptr)) {
    clock_.Set(instant);
  } else {
    base::Log(base::Severity::kError, "clock_file_bad", {{"path", path_}});
  }
}

int ServiceMain(int argc, char** argv, const std::string& name, const OpenService& open) {
  StopSignal stop;
  Settings settings;
  Flags flags("nisi-" + name, "One service of NISI with its own store.");
  flags
      .String("address", &settings.address,
              "where to listen, host:port; without TLS on loopback only", "127.0.0.1:7401")
      .String("norms", &settings.norms, "folder of norms; empty: those compiled in")
      .String("metrics-address", &settings.metrics_address,
              "where Prometheus scrapes, host:port; empty: nowhere")
      .String("health-address", &settings.health_address, kHealthAddressHelp)
      .String("tls-dir", &settings.tls_dir,
              "folder with ca.pem, <service>.pem and <service>.key, for mutual TLS")
      .String("signers", &settings.signers,
              "file with the public keys (JWKS) of those whose call contexts are accepted")
      .Strings("context-peer", &settings.context_peers,
               "SPIFFE id of a caller that may bring call contexts; once for each")
      .Bool("contexts-on-word", &settings.contexts_on_word,
            "during an upgrade: believes services of older releases whom they call for")
      .Strings("peer", &settings.peers,
               "where another service is, as service=host:port; once for each that this one asks")
      .String("context-key", &settings.context_key,
              "file with the Ed25519 key that signs the call contexts for peers; its public half "
              "is in their --signers")
      .String(
          "jwks", &settings.jwks,
          "file with the public keys of the issuer of tokens (JWKS); empty: no tokens are accepted")
      .String("issuer", &settings.issuer, "issuer (iss) of the tokens", kDevIssuer)
      .String("audience", &settings.audience, "audience (aud) of the tokens", kDevAudience)
      .String("clock-file", &settings.clock_file, "development: a file that moves the clock");
  settings.host.AddTo(&flags);
  if (const absl::Status parsed = flags.Parse(argc, argv); !parsed.ok()) {
    std::cerr << parsed.message() << "\n";  // all flags after it would hide it
    return kBadFlags;
  }
  if (flags.help_wanted()) {
    std::cout << flags.Help();
    return 0;
  }
  std::atomic<bool> failed{false};
  if (const absl::Status served = Serve(settings, name, open, stop, failed); !served.ok())
    return Fail(served);
  return failed ? kStoreFailed : 0;
}

}  // namespace nisi::rpc
