// The offline check of a proof, told step by step.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/proof_error.h"
#include "common/store/verify.h"
#include "google/protobuf/util/time_util.h"
#include "tools/nisi/names.h"
#include "tools/nisi/proof.h"
#include "tools/nisi/steps.h"

namespace nisi::cli {
namespace {

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

void AddSince(const Proof& proof, const Proof& since, const PinnedKeys& pinned,
              const std::string& key, Steps* steps) {
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
  const auto older_key = KeyOfOlder(since.head, since.key, pinned, key);
  steps->Add(
      "history",
      older_key.ok() ? store::VerifyHeads(since.head, proof.head, path, key, *older_key)
                     : older_key.status(),
      absl::StrCat("the tree of ", older, " entries is the beginning of this one: nothing was ",
                   "rewritten or taken out"));
}

}  // namespace

int VerifyProof(const Proof& proof, const PinnedKeys& pinned, const Proof* since, Format format,
                const Io& io) {
  Steps steps("proof");
  const auto& head = proof.head;
  const std::string key = steps.AddHead(head, proof.key, pinned);
  bool holds = steps.hold();
  holds =
      holds && steps.Add("path", VerifyLeaf(proof),
                         absl::StrCat(proof.inclusion.hashes_size(), " hashes lead from leaf ",
                                      Hex(proof.inclusion.leaf_hash()), " at position ",
                                      proof.inclusion.position(), " to root ", Hex(head.root())));
  if (holds && proof.has_entry) AddEntry(proof, key, &holds, &steps);
  if (holds && !proof.has_entry) steps.Note("The entry itself is not in the file, only its hash.");
  if (holds && since != nullptr) AddSince(proof, *since, pinned, key, &steps);
  return steps.Tell(format, io);
}

}  // namespace nisi::cli
