// Proofs of the tree: whatever hashes stand in one, it proves what is so or nothing.
#include "common/store/merkle.h"

#include "absl/strings/str_cat.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::merkle_target {
namespace {

using store::Hash;

constexpr int64_t kLeaves = 70;

// A tree, with the root of every size that it had.
struct Tree {
  std::vector<Hash> leaves;
  std::vector<Hash> roots;
  std::vector<std::vector<Hash>> levels;

  Tree() : roots{store::EmptyRoot()}, levels(8) {
    store::Frontier frontier;
    for (int64_t i = 0; i < kLeaves; ++i) {
      leaves.push_back(store::LeafHash(absl::StrCat("leaf ", i)));
      std::vector<store::Node> made;
      frontier.Append(leaves.back(), &made);
      for (const auto& node : made) levels[static_cast<size_t>(node.level)].push_back(node.hash);
      roots.push_back(frontier.root());
    }
  }
  store::NodeGetter getter() const {
    return [this](int level, int64_t index) -> absl::StatusOr<Hash> {
      return levels.at(static_cast<size_t>(level)).at(static_cast<size_t>(index));
    };
  }
};

const Tree& TheTree() {
  static const auto* const kTree = new Tree;
  return *kTree;
}

// A size or an index, most often one that the tree has.
int64_t TakeNumber(Input& in) {
  const uint8_t byte = in.Byte();
  return byte < 0xf0 ? byte % (kLeaves + 2) : static_cast<int64_t>(in.Number(8));
}

bool IsSize(int64_t size) {
  return size >= 0 && size <= kLeaves;
}

Hash TakeHash(Input& in) {
  const uint8_t level = in.Byte() % 16;
  if (level < 7) {
    const auto& row = TheTree().levels[level];
    return row[in.Byte() % row.size()];
  }
  if (level < 10) return TheTree().roots[in.Byte() % TheTree().roots.size()];
  Hash hash{};
  hash[0] = in.Byte();
  return hash;
}

// The right path, changed as the input says.
std::vector<Hash> TakePath(std::vector<Hash> path, Input& in) {
  const int edits = in.Byte() % 4;
  for (int i = 0; i < edits; ++i) {
    const uint8_t kind = in.Byte();
    const auto place = path.begin() + static_cast<std::ptrdiff_t>(in.Byte() % (path.size() + 1));
    if (kind % 3 == 0) {
      path.insert(place, TakeHash(in));
    } else if (place != path.end()) {
      if (kind % 3 == 1) {
        path.erase(place);
      } else {
        *place = TakeHash(in);
      }
    }
  }
  return path;
}

std::vector<Hash> OrNone(absl::StatusOr<std::vector<Hash>> path) {
  return path.ok() ? *std::move(path) : std::vector<Hash>();
}

void CheckInclusion(Input& in) {
  const Tree& tree = TheTree();
  const int64_t index = TakeNumber(in);
  const int64_t size = TakeNumber(in);
  const bool inside = IsSize(size) && index >= 0 && index < size;
  const auto right =
      inside ? OrNone(store::InclusionPath(index, size, tree.getter())) : std::vector<Hash>();
  const auto path = TakePath(right, in);
  const Hash leaf = in.empty() && inside ? tree.leaves[static_cast<size_t>(index)] : TakeHash(in);
  // Only a signed size comes with its root.
  const Hash root = IsSize(size) ? tree.roots[static_cast<size_t>(size)] : TakeHash(in);
  if (store::VerifyInclusion(index, size, leaf, path, root)) {
    Expect(!IsSize(size) ||
               (inside && leaf == tree.leaves[static_cast<size_t>(index)] && path == right),
           "only what is in the tree is proved to be");
  } else {
    Expect(!inside || leaf != tree.leaves[static_cast<size_t>(index)] || path != right,
           "what is in the tree is proved");
  }
}

void CheckConsistency(Input& in) {
  const Tree& tree = TheTree();
  const int64_t first = TakeNumber(in);
  const int64_t second = TakeNumber(in);
  const bool inside = IsSize(second) && first > 0 && first <= second;
  const auto right =
      inside ? OrNone(store::ConsistencyPath(first, second, tree.getter())) : std::vector<Hash>();
  const auto path = TakePath(right, in);
  const Hash first_root =
      in.empty() && inside ? tree.roots[static_cast<size_t>(first)] : TakeHash(in);
  const Hash second_root = IsSize(second) ? tree.roots[static_cast<size_t>(second)] : TakeHash(in);
  if (store::VerifyConsistency(first, second, first_root, second_root, path)) {
    Expect(!IsSize(second) ||
               (inside && first_root == tree.roots[static_cast<size_t>(first)] && path == right),
           "only a tree that this one grew from is proved to be");
  } else {
    Expect(!inside || first_root != tree.roots[static_cast<size_t>(first)] || path != right,
           "a tree that this one grew from is proved");
  }
}

}  // namespace

NISI_FUZZ_TARGET(merkle) {
  Input in(data, size);
  if (in.Byte() % 2 == 0) {
    CheckInclusion(in);
  } else {
    CheckConsistency(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::merkle_target
