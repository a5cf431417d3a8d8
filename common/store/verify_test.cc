#include "common/store/verify.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;
using journal::v1::ConsistencyProof;
using journal::v1::Entry;
using journal::v1::EntryRecord;
using journal::v1::InclusionProof;
using journal::v1::TreeHead;

// "" when OK, the failed step otherwise.
std::string Step(const absl::Status& status) {
  if (status.ok()) return "";
  EXPECT_EQ(base::ReasonOf(status), "PROOF_INVALID") << status;
  return base::InfoOf(status).metadata().at("step");
}

// A service with a journal of entries, each with one value withheld.
class VerifyTest : public ::testing::Test {
 protected:
  static constexpr int64_t kEntries = 11;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "nisi_verify_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    auto signer = OpenHeadSigner((dir_ / "key.pem").string());
    ASSERT_TRUE(signer.ok()) << signer.status();
    signer_ = *std::move(signer);
    for (int64_t position = 1; position <= kEntries; ++position) AddEntry(position);
  }
  void TearDown() override { fs::remove_all(dir_); }

  static std::string Salt(int64_t position) {
    return std::string(16, static_cast<char>('A' + position));
  }

  void AddEntry(int64_t position) {
    Entry entry;
    entry.set_position(position);
    entry.set_method("/nisi.test.v1.Test/Do");
    auto* commitment = entry.add_changes()->add_commitments();
    commitment->set_path("price");
    commitment->set_digest(
        CommitmentDigest(Salt(position), "price", absl::StrCat(position, " KZT")));
    EntryRecord record;
    record.set_leaf(entry.SerializeAsString());
    auto* opening = record.add_openings();
    opening->set_salt(Salt(position));
    opening->set_value(absl::StrCat(position, " KZT"));
    std::vector<Node> nodes;
    frontier_.Append(LeafHash(record.leaf()), &nodes);
    for (const Node& node : nodes) nodes_[{node.level, node.index}] = node.hash;
    records_.push_back(std::move(record));
  }

  NodeGetter getter() const {
    return [this](int level, int64_t index) -> absl::StatusOr<Hash> {
      return nodes_.at({level, index});
    };
  }
  const EntryRecord& record(int64_t position) const {
    return records_[static_cast<size_t>(position - 1)];
  }
  const std::string& key() const { return signer_->public_key(); }

  TreeHead HeadAt(int64_t size) const {
    TreeHead head;
    head.set_origin("test");
    head.set_tree_size(size);
    head.set_root(ToBytes(RootAt(size, getter()).value()));
    Sign(&head);
    return head;
  }
  void Sign(TreeHead* head) const { EXPECT_TRUE(signer_->Sign(head).ok()); }

  InclusionProof Prove(int64_t position, int64_t size) const {
    InclusionProof proof;
    proof.set_position(position);
    proof.set_tree_size(size);
    proof.set_leaf_hash(ToBytes(LeafHash(record(position).leaf())));
    const auto path = InclusionPath(position - 1, size, getter()).value();
    for (const Hash& hash : path) proof.add_hashes(ToBytes(hash));
    return proof;
  }
  ConsistencyProof ProveHeads(int64_t first, int64_t second) const {
    ConsistencyProof proof;
    proof.set_first_size(first);
    proof.set_second_size(second);
    if (first == 0) return proof;
    const auto path = ConsistencyPath(first, second, getter()).value();
    for (const Hash& hash : path) proof.add_hashes(ToBytes(hash));
    return proof;
  }

  fs::path dir_;
  std::unique_ptr<HeadSigner> signer_;
  Frontier frontier_;
  std::map<std::pair<int, int64_t>, Hash> nodes_;
  std::vector<EntryRecord> records_;
};

TEST_F(VerifyTest, EveryEntryOfEveryTreeVerifies) {
  for (int64_t size = 1; size <= kEntries; ++size) {
    const TreeHead head = HeadAt(size);
    for (int64_t position = 1; position <= size; ++position) {
      EXPECT_EQ(Step(VerifyEntry(record(position), Prove(position, size), head, key())), "")
          << position << " of " << size;
    }
  }
}

TEST_F(VerifyTest, EachBrokenPieceIsNamed) {
  const int64_t n = kEntries;
  const auto broken = [&](auto change) {
    EntryRecord entry = record(4);
    InclusionProof proof = Prove(4, n);
    TreeHead head = HeadAt(n);
    change(entry, proof, head);
    return Step(VerifyEntry(entry, proof, head, key()));
  };
  using E = EntryRecord;
  using P = InclusionProof;
  using H = TreeHead;
  EXPECT_EQ(broken([](E&, P&, H&) {}), "");
  EXPECT_EQ(broken([](E&, P&, H& h) { h.set_tree_size(12); }), "HEAD_SIGNATURE");
  EXPECT_EQ(broken([this](E&, P&, H& h) { h.set_root("short"), Sign(&h); }), "HEAD_ROOT");
  EXPECT_EQ(broken([this](E&, P&, H& h) { h.set_tree_size(-1), Sign(&h); }), "HEAD_ROOT");
  EXPECT_EQ(broken([](E&, P& p, H&) { p.set_hashes(0, "short"); }), "PROOF_HASH");
  EXPECT_EQ(broken([](E&, P& p, H&) { p.set_tree_size(10); }), "TREE_SIZE");
  EXPECT_EQ(broken([](E& e, P&, H&) { e.mutable_leaf()->append("\x08\x04"); }), "LEAF_HASH");
  EXPECT_EQ(broken([](E& e, P& p, H&) {
              e.set_leaf("\xff\xff\xff");
              p.set_leaf_hash(ToBytes(LeafHash(e.leaf())));
            }),
            "LEAF_FORM");
  EXPECT_EQ(broken([](E&, P& p, H&) { p.set_position(5); }), "POSITION");
  EXPECT_EQ(broken([](E& e, P& p, H&) {  // A forged entry, with everything the forger can make fit.
              Entry entry;
              entry.ParseFromString(e.leaf());
              entry.set_actor("somebody else");
              e.set_leaf(entry.SerializeAsString());
              p.set_leaf_hash(ToBytes(LeafHash(e.leaf())));
            }),
            "INCLUSION");
  EXPECT_EQ(broken([](E&, P& p, H&) { p.mutable_hashes()->RemoveLast(); }), "INCLUSION");
  EXPECT_EQ(broken([this](E&, P&, H& h) { h.set_root(std::string(32, 'x')), Sign(&h); }),
            "INCLUSION");
  EXPECT_EQ(broken([](E& e, P&, H&) { e.mutable_openings(0)->set_value("9 KZT"); }), "OPENING");
  EXPECT_EQ(Step(VerifyEntry(record(4), Prove(4, n), HeadAt(n), std::string(32, 'k'))),
            "HEAD_SIGNATURE");
}

TEST_F(VerifyTest, OpeningsMustBeTheCommitted) {
  Entry entry;
  ASSERT_TRUE(entry.ParseFromString(record(3).leaf()));
  const auto broken = [&](auto change) {
    auto openings = record(3).openings();
    change(*openings.Mutable(0), openings);
    return Step(VerifyOpenings(entry, openings));
  };
  EXPECT_EQ(broken([](auto&, auto&) {}), "");
  EXPECT_EQ(broken([](auto&, auto& all) { all.Clear(); }), "");  // Withheld is no error.
  EXPECT_EQ(broken([](auto& o, auto&) { o.set_change(1); }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto&) { o.set_change(-1); }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto&) { o.set_commitment(1); }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto&) { o.set_commitment(-1); }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto&) { o.set_salt(o.salt().substr(1)); }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto&) { (*o.mutable_salt())[0] ^= 1; }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto&) { o.mutable_value()->push_back(' '); }), "OPENING");
  EXPECT_EQ(broken([](auto& o, auto& all) { *all.Add() = o; }), "OPENING");
}

TEST_F(VerifyTest, DigestIsOverSaltLengthPathAndValue) {
  // As `printf 'saltsaltsaltsalt\0\0\0\5price7' | sha256sum` prints it.
  EXPECT_EQ(absl::BytesToHexString(CommitmentDigest("saltsaltsaltsalt", "price", "7")),
            "eaedc9ee9626dc1c8bb0716b64705d96517cc622015458d89aea2087586c483d");
  EXPECT_EQ(CommitmentDigest("", "", "").size(), 32u);
  EXPECT_NE(CommitmentDigest("s", "ab", "c"), CommitmentDigest("s", "a", "bc"));
}

TEST_F(VerifyTest, EveryPairOfHeadsIsConsistent) {
  for (int64_t second = 0; second <= kEntries; ++second) {
    for (int64_t first = 0; first <= second; ++first) {
      EXPECT_EQ(Step(VerifyHeads(HeadAt(first), HeadAt(second), ProveHeads(first, second), key())),
                "")
          << first << " " << second;
    }
  }
}

TEST_F(VerifyTest, RewrittenHistoryIsNamed) {
  const auto broken = [&](auto change) {
    TreeHead first = HeadAt(5);
    TreeHead second = HeadAt(9);
    ConsistencyProof proof = ProveHeads(5, 9);
    change(first, second, proof);
    return Step(VerifyHeads(first, second, proof, key()));
  };
  using H = TreeHead;
  using P = ConsistencyProof;
  EXPECT_EQ(broken([](H&, H&, P&) {}), "");
  EXPECT_EQ(broken([](H& f, H&, P&) { (*f.mutable_signature())[9] ^= 1; }), "HEAD_SIGNATURE");
  EXPECT_EQ(broken([](H&, H& s, P&) { s.set_tree_size(8); }), "HEAD_SIGNATURE");
  EXPECT_EQ(broken([this](H&, H& s, P&) { s.set_origin("other"), Sign(&s); }), "ORIGIN");
  EXPECT_EQ(broken([](H&, H&, P& p) { p.set_first_size(4); }), "TREE_SIZE");
  EXPECT_EQ(broken([](H&, H&, P& p) { p.add_hashes("short"); }), "PROOF_HASH");
  EXPECT_EQ(broken([this](H& f, H&, P&) { f.set_root(std::string(32, 'x')), Sign(&f); }),
            "CONSISTENCY");
  EXPECT_EQ(broken([this](H&, H& s, P&) { s.set_root(std::string(32, 'x')), Sign(&s); }),
            "CONSISTENCY");
  EXPECT_EQ(broken([](H&, H&, P& p) { p.mutable_hashes()->RemoveLast(); }), "CONSISTENCY");
  EXPECT_EQ(broken([](H& f, H& s, P& p) {  // Back in time.
              std::swap(f, s);
              p.set_first_size(9);
              p.set_second_size(5);
            }),
            "CONSISTENCY");
  TreeHead forged = HeadAt(0);
  forged.set_root(std::string(32, 'x'));
  Sign(&forged);
  EXPECT_EQ(Step(VerifyHeads(forged, HeadAt(9), ProveHeads(0, 9), key())), "CONSISTENCY");
}

}  // namespace
}  // namespace nisi::store
