#include "tools/nisi/token.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/dev_keys.h"
#include "tools/nisi/comments.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/names.h"
#include "tools/nisi/output.h"

namespace nisi::cli {
namespace {

constexpr char kDefaultData[] = ".run/nisi";
// A moment back, as clocks of two processes differ.
constexpr absl::Duration kAllowance = absl::Seconds(5);

absl::StatusOr<rpc::Role> ParseRole(const std::string& name) {
  if (const auto role = rpc::RoleFromName(name)) return *role;
  std::vector<std::string> names;
  for (const rpc::Role role : rpc::AllRoles()) names.push_back(rpc::RoleName(role));
  return absl::InvalidArgumentError(
      absl::StrCat("There is no role ", name, ".", DidYouMean(name, names), " See: nisi token"));
}

absl::StatusOr<absl::Duration> LifeOf(const Args& args) {
  absl::Duration life;
  if (!absl::ParseDuration(args.Get("life", "1h"), &life) || life <= absl::ZeroDuration() ||
      life > rpc::kDevTokenLife) {
    return absl::InvalidArgumentError(absl::StrCat("--life takes a duration up to ",
                                                   absl::FormatDuration(rpc::kDevTokenLife),
                                                   ", as 30m or 2h."));
  }
  return life;
}

// The id of the issuer's key, as its published half says.
absl::StatusOr<std::string> KidOf(const std::string& data) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFile(absl::StrCat(data, "/keys/jwks.json"), nullptr));
  ASSIGN_OR_RETURN(const rpc::KeySet keys, rpc::KeySet::Parse(text));
  if (keys.entries().empty())
    return absl::NotFoundError(absl::StrCat("no key in ", data, "/keys/jwks.json"));
  return keys.entries().front().kid;
}

bool IsDigits(absl::string_view text, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// No server takes a token with what is none of these, and says only that the token does not hold.
absl::Status CheckScope(const Args& args) {
  constexpr size_t kBin = 12, kLeastOfKato = 2, kKato = 9;
  if (args.Has("bin") && !IsDigits(args.Get("bin"), kBin, kBin))
    return absl::InvalidArgumentError("--bin takes a BIN or IIN, which has 12 digits.");
  for (const absl::string_view region :
       absl::StrSplit(args.Get("region"), ',', absl::SkipEmpty())) {
    if (!IsDigits(region, kLeastOfKato, kKato)) {
      return absl::InvalidArgumentError(
          "--region takes codes of KATO or their beginnings, as 11,7110.");
    }
  }
  return absl::OkStatus();
}

Table Roles() {
  Table table;
  table.columns = {"role", "who"};
  for (const rpc::Role role : rpc::AllRoles()) {
    const auto* value = nisi::rpc::v1::Role_descriptor()->FindValueByNumber(role);
    table.rows.push_back({rpc::RoleName(role), CommentOf(value->full_name())});
  }
  return table;
}

}  // namespace

absl::StatusOr<std::string> DevToken(const Args& args, const std::string& role_name, const Io& io) {
  ASSIGN_OR_RETURN(const rpc::Role role, ParseRole(role_name));
  ASSIGN_OR_RETURN(const absl::Duration life, LifeOf(args));
  RETURN_IF_ERROR(CheckScope(args));
  std::string data = args.Get("data", io.env("NISI_DATA"));
  if (data.empty()) data = kDefaultData;
  const std::string key_path = absl::StrCat(data, "/keys/issuer.key");
  const auto key = rpc::PrivateKey::Load(key_path);
  if (!key.ok()) {
    return absl::NotFoundError(
        absl::StrCat("no development keys in ", data, " (", key.status().message(),
                     "): start `nisi serve` there first, or name its folder with --data"));
  }
  ASSIGN_OR_RETURN(const std::string kid, KidOf(data));

  rpc::Caller caller;
  caller.bin = args.Get("bin");
  caller.subject = args.Get(
      "subject", absl::StrCat("dev:", role_name, caller.bin.empty() ? "" : ":", caller.bin));
  if (args.Has("region"))
    caller.regions = absl::StrSplit(args.Get("region"), ',', absl::SkipEmpty());
  caller.Grant(role);
  return rpc::MintToken(*key, rpc::kDevIssuer, rpc::kDevAudience, kid, caller,
                        base::SystemNow() - kAllowance, life,
                        absl::BytesToHexString(base::RandomBytes(16)));
}

int RunToken(const std::vector<std::string>& argv, const Io& io) {
  const auto args = ParseArgs(argv, {}, kCommon | kToken);
  if (!args.ok()) return ReportUsage(args.status(), "nisi help token", Format::kTable, io);
  if (!args->words.empty()) {
    return ReportUsage(
        absl::InvalidArgumentError("token takes only flags: nisi token --role ROLE."),
        "nisi help token", Format::kTable, io);
  }
  if (!args->Has("role")) {
    std::vector<int> widths;
    bool cut = false;
    *io.out << Render(Roles(), args->Has("wide") ? 0 : io.width, &widths, true, &cut);
    if (cut) *io.out << CutNote("--wide");
    return kDone;
  }
  const auto token = DevToken(*args, args->Get("role"), io);
  if (!token.ok()) return ReportUsage(token.status(), "nisi help token", Format::kTable, io);
  *io.out << *token << "\n";
  return kDone;
}

}  // namespace nisi::cli
