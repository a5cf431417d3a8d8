#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/http2/certificate_time.h"
#include "common/http2/denied.h"
#include "common/http2/tls.h"
#include "common/rpc/call_context.h"
#include "common/rpc/certificates.h"
#include "common/rpc/key_files.h"
#include "common/rpc/pem.h"
#include "common/rpc/principals.h"
#include "common/rpc/tls.h"
#include "common/store/head_signer.h"
#include "tools/nisi/doctor.h"

namespace nisi::cli {
namespace {

using rpc::X509Ptr;

constexpr char kIssueAnew[] = "Have a new one issued and put in place: deploy/keys.md.";
constexpr size_t kMostBytes = 1 << 20;

absl::Time InstantOf(const ASN1_TIME* time) {
  return http2::TimeOf(time).value_or(absl::InfinitePast());
}

struct DateWords {
  const char *expired, *early, *ends;
};
constexpr DateWords kOwn{"CERTIFICATE_EXPIRED", "CERTIFICATE_EARLY", "CERTIFICATE_ENDS"};
constexpr DateWords kAuthority{"AUTHORITY_EXPIRED", "AUTHORITY_EARLY", "AUTHORITY_ENDS"};

void ExamineDates(const DateWords& words, const std::string& path, const X509& certificate,
                  const Installation& at, absl::Time now, Findings* findings) {
  const absl::Time from = InstantOf(X509_get0_notBefore(&certificate));
  const absl::Time to = InstantOf(X509_get0_notAfter(&certificate));
  // One of a day is renewed after half of it, and not for two weeks before its end.
  const absl::Duration soon = std::min(at.soon, (to - from) / 4);
  const std::string what = http2::Describe(certificate);
  if (now >= to) {
    findings->push_back({words.expired, path, what, kIssueAnew});
  } else if (now < from) {
    findings->push_back({words.early, path, what,
                         "It does not hold yet: set this machine's clock, or have it issued with "
                         "an earlier beginning."});
  } else if (now >= to - soon) {
    findings->push_back({words.ends, path, what, kIssueAnew});
  }
}

// Whether the first leads to an authority, whatever the day.
std::string ChainProblem(const std::vector<X509Ptr>& chain, const std::vector<X509Ptr>& trusted) {
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              X509_STORE_CTX_free);
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> others(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  if (store == nullptr || check == nullptr || others == nullptr) return "no memory";
  for (const X509Ptr& one : trusted) X509_STORE_add_cert(store.get(), one.get());
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(others.get(), chain[i].get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_STORE_CTX_init(check.get(), store.get(), chain[0].get(), others.get()) != 1) {
    return "no memory";
  }
  const bool good = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  return good ? "" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
}

// What reads like a secret of ours, and is open to others or none.
void ExamineSecret(const std::string& kind, const std::string& path, const absl::Status& read,
                   Findings* findings) {
  if (read.ok()) return;
  struct stat info {};
  const bool exposed = stat(path.c_str(), &info) == 0 && (info.st_mode & S_IRWXO) != 0;
  findings->push_back(
      {exposed ? "KEY_EXPOSED" : kind, path, std::string(read.message()),
       exposed ? absl::StrCat("chmod 600 ", path,
                              ", and replace the key: whoever was on this machine may have it.")
               : "Put the right key there: deploy/keys.md."});
}

void ExamineCertificates(const Installation& at, absl::Time now, Findings* findings) {
  const rpc::TlsFiles files = rpc::TlsFiles::In(at.tls_dir, at.process);
  const auto denied = http2::Denied::Read(files.denied);
  if (!denied.ok() && !absl::IsNotFound(denied.status())) {
    findings->push_back({"DENIED_LIST", files.denied, std::string(denied.status().message()),
                         "Mend the line: a process that runs goes on with the list before, and "
                         "does not start with this one."});
  }
  const auto trusted = rpc::ReadCertificates(files.authority);
  const auto chain = rpc::ReadCertificates(files.certificate);
  for (const auto* read : {&trusted, &chain}) {
    if (read->ok()) continue;
    findings->push_back({"TLS_FILE", at.tls_dir, std::string(read->status().message()),
                         "The process needs ca.pem, and its certificate and key by its name."});
  }
  const auto key = rpc::PrivateKey::Load(files.key);
  ExamineSecret("TLS_FILE", files.key, key.status(), findings);
  if (trusted.ok()) {
    for (const X509Ptr& one : *trusted) {
      ExamineDates(kAuthority, files.authority, *one, at, now, findings);
    }
  }
  if (!chain.ok()) return;
  const X509Ptr& own = chain->front();
  if (denied.ok() && denied->Has(*own)) {
    findings->push_back({"CERTIFICATE_DENIED", files.certificate,
                         absl::StrCat(http2::Describe(*own), " stands in ", files.denied, "."),
                         kIssueAnew});
  }
  ExamineDates(kOwn, files.certificate, *own, at, now, findings);
  if (key.ok() && X509_check_private_key(own.get(), key->native()) != 1) {
    ERR_clear_error();
    findings->push_back({"CERTIFICATE_KEY", files.certificate,
                         absl::StrCat("It is not the certificate of ", files.key, "."),
                         "Put both of one pair in place: the process goes on with the last pair, "
                         "and does not start again with these."});
  }
  const std::string name = rpc::ServiceIdentity(at.process);
  const std::vector<std::string> names = http2::UrisOf(*own);
  if (names != std::vector<std::string>{name}) {
    findings->push_back({"CERTIFICATE_NAME", files.certificate, http2::Describe(*own),
                         absl::StrCat("Have one issued whose only URI among its names is ", name,
                                      ": others know the process by it.")});
  }
  if (!trusted.ok()) return;
  if (const std::string problem = ChainProblem(*chain, *trusted); !problem.empty()) {
    findings->push_back({"CERTIFICATE_CHAIN", files.certificate,
                         absl::StrCat(http2::Describe(*own), ": ", problem),
                         absl::StrCat("No process that trusts ", files.authority,
                                      " alone will have it: add its authority there first.")});
  }
}

// The keys of a JWKS; nullopt, and a finding, where there are none.
std::optional<rpc::KeySet> ExamineJwks(const std::string& kind, const std::string& path,
                                       Findings* findings) {
  const auto text = rpc::ReadFile(path, rpc::JwksFile::kMaxBytes);
  auto keys = text.ok() ? rpc::KeySet::Parse(*text) : text.status();
  if (keys.ok()) return *std::move(keys);
  findings->push_back({kind, path, std::string(keys.status().message()),
                       "Fetch or make it anew. A process that runs goes on with what it read "
                       "last, and does not start again with this."});
  return std::nullopt;
}

void ExamineSigners(const Installation& at, Findings* findings) {
  if (at.contexts_on_word) {
    findings->push_back({"CONTEXTS_ON_WORD", "--contexts-on-word",
                         "It believes every service whom that calls for: the key of one is the key "
                         "to all callers.",
                         "Start it without the flag when all processes are of this release: "
                         "deploy/README.md, Upgrade."});
  }
  std::optional<rpc::PrivateKey> key;
  if (!at.context_key.empty()) {
    auto read = rpc::PrivateKey::Load(at.context_key);
    if (read.ok() && read->algorithm() != rpc::Algorithm::kEdDsa) {
      read = absl::InvalidArgumentError("not an Ed25519 key");
    }
    ExamineSecret("CONTEXT_KEY", at.context_key, read.status(), findings);
    if (read.ok()) key = *std::move(read);
  }
  if (at.signers.empty()) return;
  const auto signers = ExamineJwks("SIGNERS", at.signers, findings);
  if (!signers.has_value()) return;
  for (const std::string& name : at.context_signers) {
    const bool there = std::any_of(
        signers->entries().begin(), signers->entries().end(),
        [&](const rpc::KeySet::Entry& entry) { return rpc::SignerOf(entry.kid) == name; });
    if (!there) {
      findings->push_back({"SIGNERS_LACK", at.signers,
                           absl::StrCat("No key of ", name, " is in it."),
                           absl::StrCat("Add the public half of the context key of ", name,
                                        ": its calls are refused with CONTEXT_INVALID.")});
    }
  }
  if (!key.has_value()) return;
  const auto* own = signers->FindByKeyId(key->public_key().KeyId());
  if (own == nullptr || rpc::SignerOf(own->kid) != at.process) {
    findings->push_back(
        {"CONTEXT_KEY_UNKNOWN", at.context_key,
         absl::StrCat("Its public half is not in ", at.signers, " as ", at.process, "."),
         "Add it there before the key is used: calls with it are refused with "
         "CONTEXT_INVALID."});
  }
}

void ExamineHeadKeys(const Installation& at, Findings* findings) {
  for (const KeptStore& kept : at.stores) {
    struct stat info {};
    if (stat(absl::StrCat(at.data, "/", kept.name).c_str(), &info) != 0) continue;
    const std::string path = absl::StrCat(at.data, "/", kept.name, ".head.pem");
    const auto pem = rpc::ReadSecretFile(path, kMostBytes);
    if (absl::IsNotFound(pem.status())) {
      findings->push_back({"HEAD_KEY_MISSING", path,
                           "The store is there, and the key that signs its tree heads is not.",
                           "Put it back from where it is kept: at its next start the process makes "
                           "a new one, which nobody who checks proofs knows."});
      continue;
    }
    const auto signer = pem.ok() ? store::HeadSignerFromPem(*pem, path) : pem.status();
    ExamineSecret("HEAD_KEY", path, signer.status(), findings);
  }
}

// As the gateway reads it at its start.
void ExaminePrincipals(const Installation& at, absl::Time now, Findings* findings) {
  const auto read = rpc::PrincipalsFile::Open(at.principals, &rpc::Principals::Parse, now);
  if (read.ok()) return;
  findings->push_back({"PRINCIPALS", at.principals, std::string(read.status().message()),
                       "Mend the entry. A gateway that runs goes on with what it read last, and "
                       "does not start again with this."});
}

}  // namespace

void ExamineKeys(const Installation& at, absl::Time now, Findings* findings) {
  if (!at.tls_dir.empty()) ExamineCertificates(at, now, findings);
  if (!at.jwks.empty()) {
    const auto keys = ExamineJwks("JWKS", at.jwks, findings);
    const bool fits =
        !keys.has_value() || std::any_of(keys->entries().begin(), keys->entries().end(),
                                         [&](const rpc::KeySet::Entry& entry) {
                                           return entry.key.algorithm() == at.algorithm;
                                         });
    if (!fits) {
      findings->push_back(
          {"JWKS_ALGORITHM", at.jwks,
           absl::StrCat("It has no key for ", rpc::AlgorithmName(at.algorithm), "."),
           "Set --algorithm to that of the issuer, or take its right JWKS: every "
           "token is refused."});
    }
  }
  if (!at.principals.empty()) ExaminePrincipals(at, now, findings);
  ExamineSigners(at, findings);
  ExamineHeadKeys(at, findings);
}

}  // namespace nisi::cli
