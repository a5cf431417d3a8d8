#include "common/rpc/dev_keys.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace nisi::rpc {
namespace {

constexpr char kKid[] = "development";
constexpr char kContextPrefix[] = "context-";
constexpr char kKeySuffix[] = ".key";

std::string KeysFolder(const std::string& dir) {
  return absl::StrCat(dir, "/keys");
}

// The public halves of all context keys in the folder, by name.
absl::StatusOr<std::vector<KeySet::Entry>> ContextKeys(const std::string& folder) {
  std::vector<KeySet::Entry> entries;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    const std::string path = file.path().string();
    const std::string file_name = file.path().filename().string();
    absl::string_view name = file_name;
    if (!absl::ConsumePrefix(&name, kContextPrefix) || !absl::ConsumeSuffix(&name, kKeySuffix)) {
      continue;
    }
    ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Load(path));
    entries.push_back({std::string(name), key.public_key()});
  }
  if (error) {
    return absl::UnavailableError(absl::StrCat("read ", folder, ": ", error.message()));
  }
  std::sort(entries.begin(), entries.end(),
            [](const KeySet::Entry& a, const KeySet::Entry& b) { return a.kid < b.kid; });
  return entries;
}

// Leaves a file that is already right alone, so that nobody rereads it for nothing.
absl::Status Publish(const std::string& path, const std::string& text) {
  const absl::StatusOr<std::string> present = ReadFile(path, JwksFile::kMaxBytes);
  return present.ok() && *present == text ? absl::OkStatus() : ReplaceFile(path, text, 0644);
}

}  // namespace

std::string ContextKeyPath(absl::string_view dir, absl::string_view name) {
  return absl::StrCat(dir, "/", kContextPrefix, name, kKeySuffix);
}

absl::Status MakeContextKeys(const std::string& dir, const std::vector<std::string>& names) {
  RETURN_IF_ERROR(MakePrivateFolder(dir));
  for (const std::string& name : names) {
    RETURN_IF_ERROR(
        PrivateKey::LoadOrCreate(ContextKeyPath(dir, name), Algorithm::kEdDsa).status());
  }
  ASSIGN_OR_RETURN(const std::vector<KeySet::Entry> entries, ContextKeys(dir));
  return Publish(absl::StrCat(dir, "/signers.json"), JwksText(entries));
}

absl::StatusOr<DevKeys> LoadOrCreateDevKeys(const std::string& dir) {
  const std::string folder = KeysFolder(dir);
  RETURN_IF_ERROR(MakePrivateFolder(dir));
  RETURN_IF_ERROR(MakeContextKeys(folder, {"gateway"}));
  ASSIGN_OR_RETURN(PrivateKey issuer, PrivateKey::LoadOrCreate(absl::StrCat(folder, "/issuer.key"),
                                                               Algorithm::kEdDsa));
  ASSIGN_OR_RETURN(PrivateKey gateway, PrivateKey::Load(ContextKeyPath(folder, "gateway")));
  ASSIGN_OR_RETURN(PrivateKey head,
                   PrivateKey::LoadOrCreate(absl::StrCat(folder, "/head.key"), Algorithm::kEdDsa));
  DevKeys keys{std::move(issuer), std::move(gateway), std::move(head),
               absl::StrCat(folder, "/jwks.json"), absl::StrCat(folder, "/signers.json")};
  RETURN_IF_ERROR(Publish(keys.jwks_path, JwksText({{kKid, keys.issuer.public_key()}})));
  return keys;
}

absl::StatusOr<TokenIssuer> DevIssuer(const std::string& dir, absl::Time now) {
  ASSIGN_OR_RETURN(KeySource keys, KeysFromFile(absl::StrCat(KeysFolder(dir), "/jwks.json"), now));
  TokenIssuer issuer;
  issuer.issuer = kDevIssuer;
  issuer.audience = kDevAudience;
  issuer.algorithm = Algorithm::kEdDsa;
  issuer.max_life = kDevTokenLife;
  issuer.keys = std::move(keys);
  return issuer;
}

absl::StatusOr<std::string> MintDevToken(const std::string& dir, Role role, absl::string_view bin,
                                         const std::vector<std::string>& regions, absl::Time now) {
  ASSIGN_OR_RETURN(const PrivateKey key,
                   PrivateKey::Load(absl::StrCat(KeysFolder(dir), "/issuer.key")));
  Caller caller;
  caller.subject = absl::StrCat("dev:", RoleName(role), bin.empty() ? "" : ":", bin);
  caller.bin = std::string(bin);
  caller.regions = regions;
  caller.Grant(role);
  return MintToken(key, kDevIssuer, kDevAudience, kKid, caller, now, kDevTokenLife,
                   base::RandomUuid());
}

}  // namespace nisi::rpc
