// nisi-gateway: the gateway as a process of its own.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/http2/address.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/certificate_figures.h"
#include "common/rpc/certificates.h"
#include "common/rpc/dev_keys.h"
#include "common/rpc/flags.h"
#include "common/rpc/health_port.h"
#include "common/rpc/server.h"
#include "common/rpc/service_main.h"
#include "common/rpc/tls.h"
#include "services/gateway/errors.h"
#include "services/gateway/limit_flags.h"
#include "services/gateway/packages.h"
#include "services/gateway/service.h"

namespace nisi::gateway {
namespace {

constexpr char kName[] = "gateway";
// More than the other bounds let it take, less than a pod of it has (k8s/base/gateway.yaml).
constexpr int64_t kMemoryMib = 288;

struct Settings {
  std::string address;
  std::string metrics_address;
  std::string health_address;
  std::vector<std::string> backends;
  std::vector<std::string> origins;
  std::vector<std::string> edges;
  std::string tls_dir;
  std::string jwks;
  std::string issuer;
  std::string audience;
  std::string algorithm;
  absl::Duration token_life;
  std::string context_key;
  std::string principals;
  LimitFlags limits;
  absl::Duration drain;
};

rpc::Flags Declare(Settings& to) {
  rpc::Flags flags("nisi-gateway", "The one door of the suite: checks and forwards every call.");
  flags.String("address", &to.address, "where to listen, host:port", "127.0.0.1:7400")
      .String("metrics-address", &to.metrics_address,
              "where Prometheus scrapes, host:port; empty: nowhere", "127.0.0.1:9400")
      .String("health-address", &to.health_address, rpc::kHealthAddressHelp)
      .Strings("backend", &to.backends,
               "where a service is, as service=host:port, of several replicas "
               "service=host:port,host:port; once for each service")
      .Strings("origin", &to.origins,
               "origin of web pages that may call from browsers, as https://portal.example; once "
               "for each")
      .Strings("edge", &to.edges,
               "address of a TLS terminator, which names each client by PROXY protocol v2; once "
               "for each")
      .String("tls-dir", &to.tls_dir,
              "folder with ca.pem, gateway.pem and gateway.key; without it plain text, on loopback "
              "only")
      .String(
          "jwks", &to.jwks,
          "file with the public keys of the issuer of tokens (JWKS); empty: no tokens are accepted")
      .String("issuer", &to.issuer, "issuer (iss) of the tokens", rpc::kDevIssuer)
      .String("audience", &to.audience, "audience (aud) of the tokens", rpc::kDevAudience)
      .String("algorithm", &to.algorithm,
              "signature algorithm of the tokens: EdDSA, ES256 or RS256", "EdDSA")
      .Duration("token-life", &to.token_life,
                "longest life of a token; 0: 10 minutes, or 24 hours where the issuer is the "
                "development one",
                absl::ZeroDuration())
      .String("context-key", &to.context_key, "file with the Ed25519 key that signs call contexts")
      .String("principals", &to.principals,
              "file that says whom each client certificate stands for")
      .Duration("drain", &to.drain, "time for calls to finish when told to stop",
                absl::Seconds(10));
  to.limits.AddTo(&flags, kMemoryMib);
  return flags;
}

absl::StatusOr<std::unique_ptr<rpc::Authenticator>> MakeAuthenticator(const Settings& settings,
                                                                      absl::Time now) {
  rpc::AuthenticatorOptions options;
  if (!settings.jwks.empty()) {
    const auto algorithm = rpc::AlgorithmFromName(settings.algorithm);
    if (!algorithm.has_value()) {
      return BadSetup("--algorithm: EdDSA, ES256 or RS256");
    }
    rpc::TokenIssuer issuer;
    issuer.issuer = settings.issuer;
    issuer.audience = settings.audience;
    issuer.algorithm = *algorithm;
    issuer.max_life = settings.token_life > absl::ZeroDuration()
                          ? settings.token_life
                          : rpc::UsualTokenLife(settings.issuer);
    ASSIGN_OR_RETURN(issuer.keys, rpc::KeysFromFile(settings.jwks, now));
    std::vector<rpc::TokenIssuer> issuers;
    issuers.push_back(std::move(issuer));
    options.tokens = std::make_unique<rpc::TokenVerifier>(std::move(issuers));
  }
  if (!settings.principals.empty()) {
    ASSIGN_OR_RETURN(options.principals,
                     rpc::PrincipalsFile::Open(settings.principals, &rpc::Principals::Parse, now));
  }
  return std::make_unique<rpc::Authenticator>(std::move(options));
}

absl::Status AddBackends(const Settings& settings, GatewayOptions& options) {
  for (const std::string& text : settings.backends) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    const auto& [owner, address] = parts;
    if (owner.empty() || address.empty()) {
      return BadSetup("--backend: owner=host:port");
    }
    std::shared_ptr<http2::TlsConnector> tls;
    if (!settings.tls_dir.empty()) {
      ASSIGN_OR_RETURN(tls, http2::TlsConnector::Load(http2::TlsFiles::In(settings.tls_dir, kName),
                                                      rpc::ServiceIdentity(owner)));
    }
    for (const std::string& one : std::vector<std::string>(absl::StrSplit(address, ','))) {
      if (tls == nullptr && !rpc::IsLoopback(one)) {
        return BadSetup(absl::StrCat("--backend ", one, ": without --tls-dir only loopback"));
      }
      if (!http2::ParseAddress(one).has_value()) {
        return BadSetup(absl::StrCat("--backend ", one, ": not host:port"));
      }
    }
    if (!options.backends.emplace(owner, BackendAt(address, std::move(tls))).second) {
      return BadSetup(absl::StrCat("--backend: ", owner, " is given twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status Serve(const Settings& settings, rpc::StopSignal& stop) {
  const base::SystemClock clock;
  rpc::Metrics metrics(kName);
  GatewayOptions options;
  options.clock = &clock;
  options.metrics = &metrics;
  options.address = settings.address;
  options.services = LinkedServices();
  options.origins = settings.origins;
  for (const std::string& edge : settings.edges) {
    const auto address = http2::ParseMachine(edge);
    if (!address.has_value()) return BadSetup(absl::StrCat("--edge ", edge, ": not an address"));
    options.edges.push_back(*address);
  }
  RETURN_IF_ERROR(settings.limits.Fill(&options.limits));
  if (!settings.tls_dir.empty()) {
    ASSIGN_OR_RETURN(options.tls,
                     http2::TlsAcceptor::Load(http2::TlsFiles::In(settings.tls_dir, kName),
                                              /*require_client_cert=*/false,
                                              http2::TlsAcceptor::Speaks::kHttp2AndHttp1));
    metrics.AddFigures(
        [tls = options.tls] { return rpc::CertificateFigures(*tls, base::SteadyNow()); });
  }
  RETURN_IF_ERROR(AddBackends(settings, options));
  ASSIGN_OR_RETURN(const std::unique_ptr<rpc::Authenticator> authenticator,
                   MakeAuthenticator(settings, clock.Now()));
  options.authenticator = authenticator.get();
  if (settings.context_key.empty()) {
    return BadSetup("--context-key is missing");
  }
  const auto signer = rpc::ContextSigner::Open(settings.context_key, kName, clock.Now());
  if (!signer.ok()) {
    return BadSetup(absl::StrCat("--context-key: ", signer.status().message()));
  }
  options.signer = signer->get();
  if (!settings.metrics_address.empty()) {
    RETURN_IF_ERROR(metrics.Serve(settings.metrics_address));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Gateway> gateway, Gateway::Start(options));
  std::unique_ptr<rpc::HealthPort> probes;
  if (!settings.health_address.empty()) {
    ASSIGN_OR_RETURN(probes, rpc::HealthPort::Start(settings.health_address, gateway->health()));
  }
  base::Log(base::Severity::kInfo, "serving",
            {{"port", gateway->port()}, {"metrics_port", metrics.port()}});
  stop.Wait();
  base::Log(base::Severity::kInfo, "draining");
  gateway->Drain(settings.drain);
  base::Log(base::Severity::kInfo, "stopped");
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  rpc::StopSignal stop;
  Settings settings;
  rpc::Flags flags = Declare(settings);
  if (const absl::Status status = flags.Parse(argc, argv); !status.ok()) {
    std::cerr << status.message() << "\n";
    return 2;
  }
  if (flags.help_wanted()) {
    std::cout << flags.Help();
    return 0;
  }
  if (const absl::Status status = Serve(settings, stop); !status.ok()) {
    base::Log(base::Severity::kError, "cannot_serve",
              {{"reason", base::ReasonOf(status)}, {"message", status.message()}});
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace nisi::gateway

int main(int argc, char** argv) {
  return nisi::gateway::Main(argc, argv);
}
