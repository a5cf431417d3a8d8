#include "tools/nisi/steps.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/store/head_signer.h"
#include "common/store/proof_error.h"
#include "google/protobuf/util/time_util.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

constexpr size_t kKeyBytes = 32;

// The raw key to check a head with: of those pinned the one that it names, else the one that came
// along, if its id is as expected.
absl::StatusOr<std::string> KeyOf(const nisi::journal::v1::TreeHead& head,
                                  const nisi::journal::v1::SigningKey& came,
                                  const PinnedKeys& pinned) {
  std::string key = pinned.public_keys.empty() ? came.public_key() : "";
  bool sound = true;
  for (const std::string& given : pinned.public_keys) {
    const std::string digits = absl::AsciiStrToLower(given);
    const std::string one = absl::HexStringToBytes(digits);
    sound = sound && one.size() == kKeyBytes && Hex(one) == digits;
    if (key.empty() || store::KeyId(one) == head.key_id()) key = one;
  }
  if (!sound || key.size() != kKeyBytes) {
    return store::ProofInvalid("KEY", "An Ed25519 public key has 32 bytes, 64 digits in hex.");
  }
  const std::string id = Hex(store::KeyId(key));
  const bool expected =
      pinned.key_ids.empty() ||
      std::any_of(pinned.key_ids.begin(), pinned.key_ids.end(),
                  [&id](const std::string& of) { return absl::AsciiStrToLower(of) == id; });
  if (!expected) {
    return store::ProofInvalid("KEY",
                               "The key that came along has another id than the one expected.");
  }
  return key;
}

}  // namespace

std::string Hex(absl::string_view bytes) {
  return absl::BytesToHexString(bytes);
}

bool Steps::Add(const char* name, const absl::Status& status, const std::string& words) {
  if (status.ok()) {
    done_.emplace_back(name, words);
  } else {
    failed_ = name;
    why_ = std::string(status.message());
  }
  return status.ok();
}

std::string Steps::AddHead(const nisi::journal::v1::TreeHead& head,
                           const nisi::journal::v1::SigningKey& given, const PinnedKeys& pinned) {
  const auto key = KeyOf(head, given, pinned);
  const bool trusted = !pinned.public_keys.empty() || !pinned.key_ids.empty();
  const std::string words = key.ok() ? absl::StrCat("id ", Hex(store::KeyId(*key)),
                                                    trusted ? ", as expected" : ", from the file")
                                     : "";
  if (!Add("key", key.status(), words)) return "";
  if (!trusted) {
    Note(absl::StrCat("The key came with the ", what_,
                      ". Compare its id with one known from elsewhere: --key-id or "
                      "--public-key."));
  }
  Add("signature", store::VerifyHead(head, *key),
      OneLine(absl::StrCat("Ed25519 by ", head.origin(), " on a tree of ", head.tree_size(),
                           " entries, ",
                           google::protobuf::util::TimeUtil::ToString(head.sign_time()))));
  return *key;
}

absl::StatusOr<std::string> KeyOfOlder(const nisi::journal::v1::TreeHead& older,
                                       const nisi::journal::v1::SigningKey& given,
                                       const PinnedKeys& pinned, const std::string& key) {
  if (!pinned.public_keys.empty() || !pinned.key_ids.empty()) return KeyOf(older, given, pinned);
  if (older.key_id() == store::KeyId(key)) return key;
  return store::ProofInvalid(
      "KEY", absl::StrCat("The older tree is signed by another key, id ", Hex(older.key_id()),
                          ". Where it was replaced since, say so by the keys of both times: "
                          "--public-key or --key-id."));
}

void Steps::Skip(const char* name, const std::string& why) {
  if (!skipped_.empty()) return;  // one is enough to keep it from a yes
  skipped_ = name;
  skipped_why_ = OneLine(why);
}

int Steps::Tell(Format format, const Io& io) const {
  if (format == Format::kJson) {
    nlohmann::json out = {{"valid", failed_.empty()}, {"steps", nlohmann::json::array()}};
    if (!skipped_.empty()) out["valid"] = nullptr;  // so that nobody takes it for a yes
    for (const auto& [name, words] : done_)
      out["steps"].push_back({{"step", name}, {"holds", true}, {"what", words}});
    if (!failed_.empty())
      out["steps"].push_back({{"step", failed_}, {"holds", false}, {"what", why_}});
    if (!skipped_.empty())
      out["steps"].push_back({{"step", skipped_}, {"holds", nullptr}, {"what", skipped_why_}});
    for (const std::string& note : notes_) out["notes"].push_back(note);
    *io.out << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    for (const auto& [name, words] : done_)
      *io.out << absl::StrFormat("  holds   %-12s ", name) << words << "\n";
    if (!failed_.empty()) *io.out << absl::StrFormat("  FAILS   %-12s ", failed_) << why_ << "\n";
    if (!skipped_.empty())
      *io.out << absl::StrFormat("  skipped %-12s ", skipped_) << skipped_why_ << "\n";
    for (const std::string& note : notes_) *io.out << "  note    " << note << "\n";
    *io.out << (!failed_.empty()    ? absl::StrCat("The ", what_, " does NOT hold.\n")
                : !skipped_.empty() ? absl::StrCat("The ", what_, " holds; the ",
                                                   skipped_ == "history" ? "older tree" : skipped_,
                                                   " was NOT checked.\n")
                                    : absl::StrCat("The ", what_, " holds.\n"));
  }
  if (!failed_.empty()) return kRefused;
  return skipped_.empty() ? kDone : kUsage;
}

}  // namespace nisi::cli
