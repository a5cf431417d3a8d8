#include "common/store/verify.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/proof_error.h"

namespace nisi::store {
namespace {

using journal::v1::ConsistencyProof;
using journal::v1::Entry;
using journal::v1::EntryRecord;
using journal::v1::InclusionProof;
using journal::v1::Opening;
using journal::v1::TreeHead;

constexpr size_t kSaltSize = 16;

// The root of a head, after its signature.
absl::StatusOr<Hash> SignedRoot(const TreeHead& head, absl::string_view raw_public_key) {
  RETURN_IF_ERROR(VerifyHead(head, raw_public_key));
  const auto root = ToHash(head.root());
  if (!root.ok()) return ProofInvalid("HEAD_ROOT", "The head's root has not 32 bytes.");
  if (head.tree_size() < 0) return ProofInvalid("HEAD_ROOT", "The head's tree size is negative.");
  return *root;
}

absl::StatusOr<std::vector<Hash>> Path(
    const google::protobuf::RepeatedPtrField<std::string>& hashes) {
  std::vector<Hash> path;
  for (const std::string& bytes : hashes) {
    const auto hash = ToHash(bytes);
    if (!hash.ok()) return ProofInvalid("PROOF_HASH", "A hash of the proof has not 32 bytes.");
    path.push_back(*hash);
  }
  return path;
}

absl::Status VerifyOpening(const Entry& entry, const Opening& opening) {
  constexpr char kStep[] = "OPENING";
  if (opening.change() < 0 || opening.change() >= entry.changes_size()) {
    return ProofInvalid(kStep, "A disclosed value names a change that the entry does not have.");
  }
  const auto& change = entry.changes(opening.change());
  if (opening.commitment() < 0 || opening.commitment() >= change.commitments_size()) {
    return ProofInvalid(kStep,
                        "A disclosed value names a commitment that the change does not have.");
  }
  const auto& commitment = change.commitments(opening.commitment());
  if (opening.salt().size() != kSaltSize) return ProofInvalid(kStep, "A salt has not 16 bytes.");
  if (CommitmentDigest(opening.salt(), commitment.path(), opening.value()) != commitment.digest()) {
    return ProofInvalid(
        kStep, absl::StrCat("The value disclosed for change ", opening.change(), ", commitment ",
                            opening.commitment(), " is not the one that was committed."));
  }
  return absl::OkStatus();
}

}  // namespace

std::string CommitmentDigest(absl::string_view salt, absl::string_view path,
                             absl::string_view value) {
  const auto size = static_cast<uint32_t>(path.size());
  const char length[4] = {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                          static_cast<char>(size >> 8), static_cast<char>(size)};
  return ToBytes(base::Sha256({salt, absl::string_view(length, 4), path, value}));
}

absl::Status VerifyOpenings(const Entry& entry,
                            const google::protobuf::RepeatedPtrField<Opening>& openings) {
  std::set<std::pair<int, int>> seen;
  for (const Opening& opening : openings) {
    RETURN_IF_ERROR(VerifyOpening(entry, opening));
    if (!seen.emplace(opening.change(), opening.commitment()).second) {
      return ProofInvalid("OPENING", "A commitment is opened twice.");
    }
  }
  return absl::OkStatus();
}

absl::Status VerifyEntry(const EntryRecord& record, const InclusionProof& proof,
                         const TreeHead& head, absl::string_view raw_public_key) {
  ASSIGN_OR_RETURN(const Hash root, SignedRoot(head, raw_public_key));
  ASSIGN_OR_RETURN(const std::vector<Hash> path, Path(proof.hashes()));
  if (proof.tree_size() != head.tree_size()) {
    return ProofInvalid("TREE_SIZE",
                        absl::StrCat("The proof is for a tree of ", proof.tree_size(),
                                     " entries, the head for one of ", head.tree_size(), "."));
  }
  const Hash leaf = LeafHash(record.leaf());
  if (ToBytes(leaf) != proof.leaf_hash()) {
    return ProofInvalid("LEAF_HASH", "The entry's bytes do not have the leaf hash of the proof.");
  }
  Entry entry;
  if (!entry.ParseFromString(record.leaf())) {
    return ProofInvalid("LEAF_FORM", "The entry's bytes are not a journal entry.");
  }
  if (entry.position() != proof.position()) {
    return ProofInvalid("POSITION",
                        absl::StrCat("The entry is of position ", entry.position(),
                                     ", the proof of position ", proof.position(), "."));
  }
  if (entry.position() < 1 ||
      !VerifyInclusion(entry.position() - 1, head.tree_size(), leaf, path, root)) {
    return ProofInvalid("INCLUSION",
                        "The entry is not in the tree under this head at its position.");
  }
  return VerifyOpenings(entry, record.openings());
}

absl::Status VerifyHeads(const TreeHead& first, const TreeHead& second,
                         const ConsistencyProof& proof, absl::string_view raw_public_key,
                         absl::string_view first_key) {
  ASSIGN_OR_RETURN(const Hash first_root,
                   SignedRoot(first, first_key.empty() ? raw_public_key : first_key));
  ASSIGN_OR_RETURN(const Hash second_root, SignedRoot(second, raw_public_key));
  ASSIGN_OR_RETURN(const std::vector<Hash> path, Path(proof.hashes()));
  if (first.origin() != second.origin()) {
    return ProofInvalid("ORIGIN", "The two heads are of different services.");
  }
  if (proof.first_size() != first.tree_size() || proof.second_size() != second.tree_size()) {
    return ProofInvalid("TREE_SIZE", "The proof is for trees of other sizes than the heads.");
  }
  const bool from_nothing = first.tree_size() == 0 && path.empty() && first_root == EmptyRoot() &&
                            (second.tree_size() > 0 || second_root == EmptyRoot());
  if (!from_nothing &&
      !VerifyConsistency(first.tree_size(), second.tree_size(), first_root, second_root, path)) {
    return ProofInvalid("CONSISTENCY",
                        "The first tree is not a prefix of the second: history was rewritten.");
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
