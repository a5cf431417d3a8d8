// The Merkle tree of RFC 6962 over the journal: hashes, growth, proofs and their verification. Pure
// functions.
//
// A tree of n leaves is made of complete subtrees; node (level, index) is the root over the leaves
// [index << level, (index + 1) << level). A complete subtree never changes, so only those are
// stored.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/hash.h"

namespace nisi::store {

using base::Hash;

// SHA-256(0x00 || leaf) and SHA-256(0x01 || left || right): a leaf can never pass for a node.
Hash LeafHash(absl::string_view leaf);
Hash NodeHash(const Hash& left, const Hash& right);
// The root of the tree without leaves: SHA-256 of nothing.
Hash EmptyRoot();

// The 32 bytes as a string, as in the protos; and back: INVALID_ARGUMENT unless 32 bytes.
std::string ToBytes(const Hash& hash);
absl::StatusOr<Hash> ToHash(absl::string_view bytes);

struct Node {
  int level = 0;
  int64_t index = 0;
  Hash hash{};
};

// Returns the stored hash of a complete subtree, or why not.
using NodeGetter = std::function<absl::StatusOr<Hash>(int level, int64_t index)>;

// The right edge of a growing tree: the roots of its complete subtrees, at most 63 hashes.
class Frontier {
 public:
  Frontier() = default;
  // Reads the edge of a tree of `size` leaves from its stored nodes. Errors are the getter's.
  static absl::StatusOr<Frontier> Load(int64_t size, const NodeGetter& get);

  // Adds one leaf and appends to `nodes` the subtrees it completes, to be stored: the leaf itself
  // (level 0) first, then upwards.
  void Append(const Hash& leaf, std::vector<Node>* nodes);
  Hash root() const;
  int64_t size() const { return size_; }

 private:
  int64_t size_ = 0;
  std::vector<Hash> peaks_;  // Largest subtree first: one for each 1 in the binary form of size_.
};

// The root over the first `size` leaves. Errors are the getter's.
absl::StatusOr<Hash> RootAt(int64_t size, const NodeGetter& get);
// The siblings from leaf `index` up to the root of the first `tree_size` leaves. OUT_OF_RANGE
// unless 0 <= index < tree_size.
absl::StatusOr<std::vector<Hash>> InclusionPath(int64_t index, int64_t tree_size,
                                                const NodeGetter& get);
// The proof that the first `first` leaves are a prefix of the first `second`. OUT_OF_RANGE unless
// 0 < first <= second.
absl::StatusOr<std::vector<Hash>> ConsistencyPath(int64_t first, int64_t second,
                                                  const NodeGetter& get);

// True only if the path proves it. As in RFC 9162, 2.1.3.2 and 2.1.4.2.
bool VerifyInclusion(int64_t index, int64_t size, const Hash& leaf, const std::vector<Hash>& path,
                     const Hash& root);
bool VerifyConsistency(int64_t first, int64_t second, const Hash& first_root,
                       const Hash& second_root, const std::vector<Hash>& path);

}  // namespace nisi::store
