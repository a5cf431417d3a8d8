#include "common/store/merkle.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace nisi::store {
namespace {

std::string Hex(const Hash& hash) {
  return absl::BytesToHexString(ToBytes(hash));
}

// RFC 6962, 2.1, word for word.
Hash NaiveRoot(const std::vector<Hash>& leaves, size_t begin, size_t end) {
  if (begin == end) return EmptyRoot();
  if (end - begin == 1) return leaves[begin];
  size_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  return NodeHash(NaiveRoot(leaves, begin, begin + k), NaiveRoot(leaves, begin + k, end));
}

std::vector<Hash> NaivePath(const std::vector<Hash>& leaves, size_t m, size_t begin, size_t end) {
  if (end - begin == 1) return {};
  size_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  const bool left = m < k;
  auto path =
      left ? NaivePath(leaves, m, begin, begin + k) : NaivePath(leaves, m - k, begin + k, end);
  path.push_back(left ? NaiveRoot(leaves, begin + k, end) : NaiveRoot(leaves, begin, begin + k));
  return path;
}

std::vector<Hash> NaiveSubproof(const std::vector<Hash>& leaves, size_t m, size_t begin, size_t end,
                                bool whole) {
  const size_t n = end - begin;
  if (m == n) return whole ? std::vector<Hash>() : std::vector<Hash>{NaiveRoot(leaves, begin, end)};
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  std::vector<Hash> proof;
  if (m <= k) {
    proof = NaiveSubproof(leaves, m, begin, begin + k, whole);
    proof.push_back(NaiveRoot(leaves, begin + k, end));
  } else {
    proof = NaiveSubproof(leaves, m - k, begin + k, end, false);
    proof.push_back(NaiveRoot(leaves, begin, begin + k));
  }
  return proof;
}

// A tree grown leaf by leaf, with its nodes stored as an engine would.
class Tree {
 public:
  void Append(const Hash& leaf) {
    std::vector<Node> nodes;
    frontier_.Append(leaf, &nodes);
    for (const Node& node : nodes) {
      EXPECT_TRUE(nodes_.emplace(std::pair(node.level, node.index), node.hash).second)
          << "written twice";
    }
    leaves_.push_back(leaf);
  }
  NodeGetter getter() const {
    return [this](int level, int64_t index) -> absl::StatusOr<Hash> {
      const auto found = nodes_.find({level, index});
      if (found == nodes_.end())
        return absl::NotFoundError(absl::StrCat("node ", level, "/", index));
      return found->second;
    };
  }
  const Frontier& frontier() const { return frontier_; }
  const std::vector<Hash>& leaves() const { return leaves_; }

 private:
  Frontier frontier_;
  std::map<std::pair<int, int64_t>, Hash> nodes_;
  std::vector<Hash> leaves_;
};

Tree MakeTree(int64_t size) {
  Tree tree;
  for (int64_t i = 0; i < size; ++i) tree.Append(LeafHash(absl::StrCat("leaf ", i)));
  return tree;
}

// The inputs and roots that Certificate Transparency's own tests use.
TEST(MerkleTest, KnownVectors) {
  EXPECT_EQ(Hex(EmptyRoot()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::pair<const char*, const char*> kVectors[] = {
      {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
      {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
      {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
      {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
      {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
      {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
      {"606162636465666768696a6b6c6d6e6f",
       "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
  };
  Tree tree;
  for (const auto& [leaf, root] : kVectors) {
    tree.Append(LeafHash(absl::HexStringToBytes(leaf)));
    EXPECT_EQ(Hex(tree.frontier().root()), root);
  }
  const auto path = InclusionPath(0, 8, tree.getter());
  ASSERT_TRUE(path.ok());
  ASSERT_EQ(path->size(), 3u);
  EXPECT_EQ(Hex((*path)[0]), "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
  EXPECT_EQ(Hex((*path)[1]), "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e");
  EXPECT_EQ(Hex((*path)[2]), "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
}

TEST(MerkleTest, AgreesWithTheDefinitionForAllSizes) {
  constexpr int64_t kMost = 130;
  Tree tree;
  for (int64_t n = 1; n <= kMost; ++n) {
    tree.Append(LeafHash(absl::StrCat("leaf ", n - 1)));
    const auto get = tree.getter();
    const auto size = static_cast<size_t>(n);
    const Hash root = NaiveRoot(tree.leaves(), 0, size);
    ASSERT_EQ(tree.frontier().root(), root);
    ASSERT_EQ(RootAt(n, get).value(), root);
    const auto loaded = Frontier::Load(n, get);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    ASSERT_EQ(loaded->root(), root);
    ASSERT_EQ(loaded->size(), n);
    for (int64_t i = 0; i < n; ++i) {
      const auto path = InclusionPath(i, n, get);
      ASSERT_TRUE(path.ok()) << path.status();
      ASSERT_EQ(*path, NaivePath(tree.leaves(), static_cast<size_t>(i), 0, size));
      ASSERT_TRUE(VerifyInclusion(i, n, tree.leaves()[static_cast<size_t>(i)], *path, root));
    }
    for (int64_t m = 1; m <= n; ++m) {
      const auto path = ConsistencyPath(m, n, get);
      ASSERT_TRUE(path.ok()) << path.status();
      ASSERT_EQ(*path, NaiveSubproof(tree.leaves(), static_cast<size_t>(m), 0, size, true));
      ASSERT_TRUE(VerifyConsistency(m, n, NaiveRoot(tree.leaves(), 0, static_cast<size_t>(m)), root,
                                    *path));
    }
  }
}

TEST(MerkleTest, LoadedFrontierGrowsOn) {
  const Tree tree = MakeTree(77);
  for (int64_t size = 0; size < 77; ++size) {
    auto frontier = Frontier::Load(size, tree.getter());
    ASSERT_TRUE(frontier.ok()) << frontier.status();
    std::vector<Node> nodes;
    for (size_t i = static_cast<size_t>(size); i < 77; ++i)
      frontier->Append(tree.leaves()[i], &nodes);
    EXPECT_EQ(frontier->root(), tree.frontier().root());
    for (const Node& node : nodes)
      EXPECT_EQ(tree.getter()(node.level, node.index).value(), node.hash);
  }
}

TEST(MerkleTest, AlteredInclusionIsRefused) {
  for (const int64_t n : {1, 2, 3, 7, 8, 13, 33}) {
    const Tree tree = MakeTree(n);
    const Hash root = tree.frontier().root();
    for (int64_t i = 0; i < n; ++i) {
      const auto path = InclusionPath(i, n, tree.getter()).value();
      const Hash leaf = tree.leaves()[static_cast<size_t>(i)];
      for (int64_t other = -1; other <= n + 1; ++other) {
        EXPECT_EQ(VerifyInclusion(other, n, leaf, path, root), other == i)
            << i << "/" << n << " as " << other;
      }
      EXPECT_FALSE(VerifyInclusion(i, 0, leaf, path, root));
      EXPECT_FALSE(VerifyInclusion(i, i, leaf, path, root));
      Hash other_leaf = leaf;
      other_leaf[31] ^= 1;
      EXPECT_FALSE(VerifyInclusion(i, n, other_leaf, path, root));
      Hash other_root = root;
      other_root[0] ^= 0x80;
      EXPECT_FALSE(VerifyInclusion(i, n, leaf, path, other_root));
      for (size_t at = 0; at < path.size(); ++at) {
        auto altered = path;
        altered[at][at % 32] ^= 4;
        EXPECT_FALSE(VerifyInclusion(i, n, leaf, altered, root));
        altered = path;
        altered.erase(altered.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(VerifyInclusion(i, n, leaf, altered, root));
        altered = path;
        altered.insert(altered.begin() + static_cast<std::ptrdiff_t>(at), path[at]);
        EXPECT_FALSE(VerifyInclusion(i, n, leaf, altered, root));
      }
      auto longer = path;
      longer.push_back(root);
      EXPECT_FALSE(VerifyInclusion(i, n, leaf, longer, root));
    }
  }
}

TEST(MerkleTest, AlteredConsistencyIsRefused) {
  const Tree tree = MakeTree(33);
  const auto get = tree.getter();
  for (int64_t n = 1; n <= 33; ++n) {
    const Hash root = RootAt(n, get).value();
    for (int64_t m = 1; m < n; ++m) {
      const auto path = ConsistencyPath(m, n, get).value();
      const Hash old_root = RootAt(m, get).value();
      for (int64_t other = -1; other <= n; ++other) {
        if (other == m) continue;
        EXPECT_FALSE(VerifyConsistency(other, n, old_root, root, path))
            << m << "/" << n << " as " << other;
      }
      EXPECT_FALSE(VerifyConsistency(m, n, root, root, path));
      EXPECT_FALSE(VerifyConsistency(m, n, old_root, old_root, path));
      for (size_t at = 0; at < path.size(); ++at) {
        auto altered = path;
        altered[at][5] ^= 1;
        EXPECT_FALSE(VerifyConsistency(m, n, old_root, root, altered));
        altered = path;
        altered.erase(altered.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(VerifyConsistency(m, n, old_root, root, altered));
      }
      auto longer = path;
      longer.push_back(root);
      EXPECT_FALSE(VerifyConsistency(m, n, old_root, root, longer));
      EXPECT_FALSE(VerifyConsistency(m, n, old_root, root, {}) && !path.empty());
    }
    EXPECT_TRUE(VerifyConsistency(n, n, root, root, {}));
    EXPECT_FALSE(VerifyConsistency(n, n, root, root, {root}));
    EXPECT_FALSE(VerifyConsistency(n, n, root, EmptyRoot(), {}));
  }
  EXPECT_FALSE(VerifyConsistency(0, 1, EmptyRoot(), tree.leaves()[0], {}));
}

TEST(MerkleTest, RangesAndMissingNodesAreErrors) {
  const Tree tree = MakeTree(5);
  const auto get = tree.getter();
  for (const auto& [index, size] : {std::pair<int64_t, int64_t>{-1, 5}, {5, 5}, {0, 0}, {0, -1}}) {
    EXPECT_EQ(InclusionPath(index, size, get).status().code(), absl::StatusCode::kOutOfRange);
  }
  for (const auto& [first, second] : {std::pair<int64_t, int64_t>{0, 5}, {6, 5}, {-1, 5}}) {
    EXPECT_EQ(ConsistencyPath(first, second, get).status().code(), absl::StatusCode::kOutOfRange);
  }
  EXPECT_EQ(InclusionPath(0, 9, get).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Frontier::Load(9, get).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(RootAt(0, get).value(), EmptyRoot());
  EXPECT_EQ(RootAt(-1, get).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_FALSE(ToHash("short").ok());
  EXPECT_EQ(ToHash(ToBytes(EmptyRoot())).value(), EmptyRoot());
}

TEST(MerkleTest, LeafAndNodeAreApart) {
  const Hash a = LeafHash("a");
  const Hash b = LeafHash("b");
  EXPECT_NE(LeafHash(ToBytes(a) + ToBytes(b)), NodeHash(a, b));
  EXPECT_NE(NodeHash(a, b), NodeHash(b, a));
}

}  // namespace
}  // namespace nisi::store
