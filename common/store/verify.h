// The offline verifier: what anybody can check with a public key and no trust in the server that
// answered.
//
// All return OK only when everything fits, else FAILED_PRECONDITION PROOF_INVALID whose metadata
// "step" names the first check that failed:
//   HEAD_SIGNATURE  the head is not signed by this key;
//   HEAD_ROOT       the head's root is no hash, or its size is negative;
//   PROOF_HASH      a hash of the proof has not 32 bytes;
//   TREE_SIZE       the proof is for a tree of another size than the head;
//   LEAF_HASH       the entry's bytes do not have the leaf hash that the proof names;
//   LEAF_FORM       the entry's bytes are no Entry;
//   POSITION        the entry says another position than the proof;
//   INCLUSION       the entry is not in the tree at its position;
//   OPENING         a disclosed value is not the one that was committed;
//   ORIGIN          the two heads are of different services;
//   CONSISTENCY     the first tree is not a prefix of the second: history was rewritten.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::store {

// SHA-256(salt || length of path, 4 bytes big-endian || path || value).
std::string CommitmentDigest(absl::string_view salt, absl::string_view path,
                             absl::string_view value);

// Checks the disclosed values against the commitments of the entry they came with.
absl::Status VerifyOpenings(
    const journal::v1::Entry& entry,
    const google::protobuf::RepeatedPtrField<journal::v1::Opening>& openings);

// Checks that the entry, with the values disclosed, is in the tree under the signed head.
absl::Status VerifyEntry(const journal::v1::EntryRecord& record,
                         const journal::v1::InclusionProof& proof,
                         const journal::v1::TreeHead& head, absl::string_view raw_public_key);

// Checks that the second tree has all of the first, unchanged, and then more. A first head of size
// 0 needs no proof. `first_key` is that of the first head, where the key was replaced since; empty:
// the same.
absl::Status VerifyHeads(const journal::v1::TreeHead& first, const journal::v1::TreeHead& second,
                         const journal::v1::ConsistencyProof& proof,
                         absl::string_view raw_public_key, absl::string_view first_key = {});

}  // namespace nisi::store
