#include "common/store/merkle.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

// The largest power of two below n; n > 1.
int64_t SplitPoint(int64_t n) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(n - 1)));
}

absl::Status BadRange(absl::string_view what, int64_t value, int64_t size) {
  return base::Refusal(
             absl::StatusCode::kOutOfRange, "PROOF_RANGE",
             absl::StrCat("There is no proof of ", what, " ", value, " in a tree of ", size, "."))
      .With(what, absl::StrCat(value))
      .With("treeSize", absl::StrCat(size));
}

// The root over the leaves [begin, end), where begin is aligned as the RFC's splits make it.
absl::StatusOr<Hash> Root(int64_t begin, int64_t end, const NodeGetter& get) {
  const int64_t n = end - begin;
  if (std::has_single_bit(static_cast<uint64_t>(n))) {
    const int level = std::countr_zero(static_cast<uint64_t>(n));
    return get(level, begin >> level);
  }
  const int64_t middle = begin + SplitPoint(n);
  ASSIGN_OR_RETURN(const Hash left, Root(begin, middle, get));
  ASSIGN_OR_RETURN(const Hash right, Root(middle, end, get));
  return NodeHash(left, right);
}

absl::Status AppendRoot(int64_t begin, int64_t end, const NodeGetter& get,
                        std::vector<Hash>* path) {
  ASSIGN_OR_RETURN(const Hash root, Root(begin, end, get));
  path->push_back(root);
  return absl::OkStatus();
}

}  // namespace

Hash LeafHash(absl::string_view leaf) {
  return base::Sha256({absl::string_view("\0", 1), leaf});
}

Hash NodeHash(const Hash& left, const Hash& right) {
  std::array<char, 65> bytes;
  bytes[0] = '\1';
  std::copy(left.begin(), left.end(), bytes.begin() + 1);
  std::copy(right.begin(), right.end(), bytes.begin() + 33);
  return base::Sha256(absl::string_view(bytes.data(), bytes.size()));
}

Hash EmptyRoot() {
  return base::Sha256(absl::string_view());
}

std::string ToBytes(const Hash& hash) {
  return std::string(hash.begin(), hash.end());
}

absl::StatusOr<Hash> ToHash(absl::string_view bytes) {
  Hash hash;
  if (bytes.size() != hash.size()) return base::InvalidField("hash", "A hash has 32 bytes.");
  std::transform(bytes.begin(), bytes.end(), hash.begin(),
                 [](char c) { return static_cast<uint8_t>(c); });
  return hash;
}

absl::StatusOr<Frontier> Frontier::Load(int64_t size, const NodeGetter& get) {
  Frontier frontier;
  frontier.size_ = size;
  int64_t begin = 0;
  for (int level = 62; level >= 0; --level) {
    if ((size >> level & 1) == 0) continue;
    ASSIGN_OR_RETURN(const Hash peak, get(level, begin >> level));
    frontier.peaks_.push_back(peak);
    begin += int64_t{1} << level;
  }
  return frontier;
}

void Frontier::Append(const Hash& leaf, std::vector<Node>* nodes) {
  Node node{0, size_, leaf};
  nodes->push_back(node);
  while ((node.index & 1) == 1) {  // A right child: its parent is complete now.
    node.hash = NodeHash(peaks_.back(), node.hash);
    peaks_.pop_back();
    node.index >>= 1;
    ++node.level;
    nodes->push_back(node);
  }
  peaks_.push_back(node.hash);
  ++size_;
}

Hash Frontier::root() const {
  if (peaks_.empty()) return EmptyRoot();
  Hash root = peaks_.back();
  for (size_t i = peaks_.size() - 1; i-- > 0;) root = NodeHash(peaks_[i], root);
  return root;
}

absl::StatusOr<Hash> RootAt(int64_t size, const NodeGetter& get) {
  if (size < 0) return BadRange("size", size, size);
  if (size == 0) return EmptyRoot();
  return Root(0, size, get);
}

absl::StatusOr<std::vector<Hash>> InclusionPath(int64_t index, int64_t tree_size,
                                                const NodeGetter& get) {
  if (index < 0 || index >= tree_size) return BadRange("index", index, tree_size);
  // Walks down from the root; the sibling of each step is one of the path, the root's child last.
  std::vector<Hash> path;
  int64_t begin = 0;
  int64_t end = tree_size;
  while (end - begin > 1) {
    const int64_t middle = begin + SplitPoint(end - begin);
    if (index < middle) {
      RETURN_IF_ERROR(AppendRoot(middle, end, get, &path));
      end = middle;
    } else {
      RETURN_IF_ERROR(AppendRoot(begin, middle, get, &path));
      begin = middle;
    }
  }
  std::reverse(path.begin(), path.end());
  return path;
}

absl::StatusOr<std::vector<Hash>> ConsistencyPath(int64_t first, int64_t second,
                                                  const NodeGetter& get) {
  if (first <= 0 || first > second) return BadRange("size", first, second);
  // SUBPROOF of RFC 6962, 2.1.2, as a walk down to the end of the first tree.
  std::vector<Hash> path;
  int64_t begin = 0;
  int64_t end = second;
  bool old_root_known =
      true;  // The subtree we stand in is the whole first tree, whose root the verifier has.
  while (end != first) {
    const int64_t middle = begin + SplitPoint(end - begin);
    if (first <= middle) {
      RETURN_IF_ERROR(AppendRoot(middle, end, get, &path));
      end = middle;
    } else {
      RETURN_IF_ERROR(AppendRoot(begin, middle, get, &path));
      begin = middle;
      old_root_known = false;
    }
  }
  if (!old_root_known) RETURN_IF_ERROR(AppendRoot(begin, end, get, &path));
  std::reverse(path.begin(), path.end());
  return path;
}

bool VerifyInclusion(int64_t index, int64_t size, const Hash& leaf, const std::vector<Hash>& path,
                     const Hash& root) {
  if (index < 0 || index >= size) return false;
  int64_t node = index;
  int64_t last = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : path) {
    if (last == 0) return false;
    if ((node & 1) == 1 || node == last) {
      hash = NodeHash(sibling, hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool VerifyConsistency(int64_t first, int64_t second, const Hash& first_root,
                       const Hash& second_root, const std::vector<Hash>& path) {
  if (first <= 0 || first > second) return false;
  if (first == second) return path.empty() && first_root == second_root;
  auto at = path.begin();
  Hash old_hash = first_root;
  if (!std::has_single_bit(static_cast<uint64_t>(first))) {
    if (at == path.end()) return false;
    old_hash = *at++;
  }
  Hash new_hash = old_hash;
  int64_t node = first - 1;
  int64_t last = second - 1;
  while ((node & 1) == 1) {
    node >>= 1;
    last >>= 1;
  }
  for (; at != path.end(); ++at) {
    if (last == 0) return false;
    if ((node & 1) == 1 || node == last) {
      old_hash = NodeHash(*at, old_hash);
      new_hash = NodeHash(*at, new_hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_hash = NodeHash(new_hash, *at);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == first_root && new_hash == second_root;
}

}  // namespace nisi::store
