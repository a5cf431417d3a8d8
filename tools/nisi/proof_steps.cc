// The offline check of a proof, told step by step.
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/proof_error.h"
#include "common/store/verify.h"
#include "google/protobuf/util/time_util.h"
#include "tools/nisi/names.h"
#include "tools/nisi/proof.h"

namespace nisi::cli {
namespace {

std::string Hex(absl::string_view bytes) {
  return absl::BytesToHexString(bytes);
}

// Collects the steps, in words, up to the first that fails.
class Steps {
 public:
  // True when the step holds.
  bool Add(const char* name, const absl::Status& status, const std::string& words) {
    if (status.ok()) {
      done_.emplace_back(name, words);
    } else {
      failed_ = name;
      why_ = std::string(status.message());
    }
    return status.ok();
  }
  // A step that was asked for and cannot be taken: it neither holds nor fails.
  void Skip(const char* name, const std::string& why) {
    skipped_ = name;
    why_ = OneLine(why);
  }
  void Note(const std::string& text) { notes_.push_back(text); }

  int Tell(Format format, const Io& io) const {
    if (format == Format::kJson) {
      nlohmann::json out = {{"valid", failed_.empty()}, {"steps", nlohmann::json::array()}};
      if (!skipped_.empty()) out["valid"] = nullptr;  // so that nobody takes it for a yes
      for (const auto& [name, words] : done_)
        out["steps"].push_back({{"step", name}, {"holds", true}, {"what", words}});
      if (!failed_.empty())
        out["steps"].push_back({{"step", failed_}, {"holds", false}, {"what", why_}});
      if (!skipped_.empty())
        out["steps"].push_back({{"step", skipped_}, {"holds", nullptr}, {"what", why_}});
      for (const std::string& note : notes_) out["notes"].push_back(note);
      *io.out << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    } else {
      for (const auto& [name, words] : done_)
        *io.out << absl::StrFormat("  holds   %-12s ", name) << words << "\n";
      if (!failed_.empty()) *io.out << absl::StrFormat("  FAILS   %-12s ", failed_) << why_ << "\n";
      if (!skipped_.empty())
        *io.out << absl::StrFormat("  skipped %-12s ", skipped_) << why_ << "\n";
      for (const std::string& note : notes_) *io.out << "  note    " << note << "\n";
      *io.out << (!failed_.empty()    ? "The proof does NOT hold.\n"
                  : !skipped_.empty() ? "The proof holds; the older tree was NOT checked.\n"
                                      : "The proof holds.\n");
    }
    if (!failed_.empty()) return kRefused;
    return skipped_.empty() ? kDone : kUsage;
  }

 private:
  std::vector<std::pair<std::string, std::string>> done_;
  std::vector<std::string> notes_;
  std::string failed_;
  std::string skipped_;
  std::string why_;  // of the one of these two that there is
};

// The raw key to check with: the one pinned, else the one that came along, if its id is as
// expected.
absl::StatusOr<std::string> KeyOf(const Proof& proof, const PinnedKey& pinned) {
  const std::string given = absl::AsciiStrToLower(pinned.public_key);
  const std::string key = given.empty() ? proof.key.public_key() : absl::HexStringToBytes(given);
  if (key.size() != 32 || (!given.empty() && Hex(key) != given)) {
    return store::ProofInvalid("KEY", "An Ed25519 public key has 32 bytes, 64 digits in hex.");
  }
  if (!pinned.key_id.empty() && Hex(store::KeyId(key)) != absl::AsciiStrToLower(pinned.key_id)) {
    return store::ProofInvalid(
        "KEY", "The key that came with the proof has another id than the one expected.");
  }
  return key;
}

// Leaf and path without the entry, for readers who may not see it.
absl::Status VerifyLeaf(const Proof& proof) {
  const auto root = store::ToHash(proof.head.root());
  const auto leaf = store::ToHash(proof.inclusion.leaf_hash());
  if (!root.ok() || !leaf.ok())
    return store::ProofInvalid("PROOF_HASH", "A hash has not 32 bytes.");
  std::vector<store::Hash> path;
  for (const std::string& bytes : proof.inclusion.hashes()) {
    const auto hash = store::ToHash(bytes);
    if (!hash.ok())
      return store::ProofInvalid("PROOF_HASH", "A hash of the path has not 32 bytes.");
    path.push_back(*hash);
  }
  if (proof.inclusion.tree_size() != proof.head.tree_size()) {
    return store::ProofInvalid("TREE_SIZE",
                               "The path is for a tree of another size than the head.");
  }
  const int64_t index = proof.inclusion.position() - 1;
  if (index < 0 || !store::VerifyInclusion(index, proof.head.tree_size(), *leaf, path, *root)) {
    return store::ProofInvalid("INCLUSION",
                               "The path does not lead from the leaf to the root of the head.");
  }
  return absl::OkStatus();
}

void AddEntry(const Proof& proof, const std::string& key, bool* holds, Steps* steps) {
  nisi::journal::v1::Entry entry;
  entry.ParseFromString(proof.entry.leaf());
  const auto leaf = store::ToBytes(store::LeafHash(proof.entry.leaf()));
  const auto same =
      leaf == proof.inclusion.leaf_hash()
          ? absl::OkStatus()
          : store::ProofInvalid("LEAF_HASH",
                                "The entry's bytes do not hash to the leaf of the proof.");
  *holds =
      steps->Add("leaf", same, absl::StrCat("SHA-256(0x00, entry) = ", Hex(leaf))) &&
      steps->Add(
          "entry", store::VerifyEntry(proof.entry, proof.inclusion, proof.head, key),
          OneLine(absl::StrCat("position ", entry.position(), ", ",
                               google::protobuf::util::TimeUtil::ToString(entry.record_time()),
                               ", ", entry.method(), " by ", entry.actor(), ", ",
                               entry.changes_size(), " change(s); ", proof.entry.openings_size(),
                               " disclosed value(s) match their commitments")));
}

void AddSince(const Proof& proof, const Proof& since, const std::string& key, Steps* steps) {
  const int64_t older = since.head.tree_size();
  const int64_t newer = proof.head.tree_size();
  nisi::journal::v1::ConsistencyProof path = proof.consistency;
  if (older == 0 || older == newer) {
    // Nothing lies between the two, so no path is needed.
    path.Clear();
    path.set_first_size(older);
    path.set_second_size(newer);
  } else if (older > newer) {
    steps->Skip("history", absl::StrCat("the tree of --since has ", older, " entries, this one ",
                                        newer, ": exchange the two files"));
    return;
  } else if (!proof.has_consistency || path.first_size() != older) {
    steps->Skip("history", absl::StrCat("this file has no path from a tree of ", older,
                                        " entries; keep one that has: nisi proof get --service ",
                                        proof.head.origin(), " --position ",
                                        proof.inclusion.position(), " --since OLDER -o FILE"));
    return;
  }
  steps->Add(
      "history", store::VerifyHeads(since.head, proof.head, path, key),
      absl::StrCat("the tree of ", older, " entries is the beginning of this one: nothing was ",
                   "rewritten or taken out"));
}

}  // namespace

int VerifyProof(const Proof& proof, const PinnedKey& pinned, const Proof* since, Format format,
                const Io& io) {
  Steps steps;
  const auto key = KeyOf(proof, pinned);
  const bool trusted = !pinned.public_key.empty() || !pinned.key_id.empty();
  bool holds = steps.Add("key", key.status(),
                         key.ok() ? absl::StrCat("id ", Hex(store::KeyId(*key)),
                                                 trusted ? ", as expected" : ", from the file")
                                  : "");
  if (holds && !trusted) {
    steps.Note(
        "The key came with the proof. Compare its id with one known from elsewhere: --key-id or "
        "--public-key.");
  }
  const auto& head = proof.head;
  holds =
      holds &&
      steps.Add("signature", store::VerifyHead(head, *key),
                OneLine(absl::StrCat(
                    "Ed25519 by ", head.origin(), " on a tree of ", head.tree_size(), " entries, ",
                    google::protobuf::util::TimeUtil::ToString(head.sign_time()))));
  holds =
      holds && steps.Add("path", VerifyLeaf(proof),
                         absl::StrCat(proof.inclusion.hashes_size(), " hashes lead from leaf ",
                                      Hex(proof.inclusion.leaf_hash()), " at position ",
                                      proof.inclusion.position(), " to root ", Hex(head.root())));
  if (holds && proof.has_entry) AddEntry(proof, *key, &holds, &steps);
  if (holds && !proof.has_entry) steps.Note("The entry itself is not in the file, only its hash.");
  if (holds && since != nullptr) AddSince(proof, *since, *key, &steps);
  return steps.Tell(format, io);
}

}  // namespace nisi::cli
