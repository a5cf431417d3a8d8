#include "tools/nisi/proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/temp_dir.h"
#include "google/protobuf/util/json_util.h"
#include "nisi/priority_goods/v1/resources.pb.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A journal of five entries, signed.
class ProofTest : public ::testing::Test {
 protected:
  ProofTest() {
    signer_ = *store::OpenHeadSigner(dir_ / "head.pem");
    store::Frontier frontier;
    std::vector<store::Node> nodes;
    for (int i = 1; i <= 5; ++i) {
      nisi::journal::v1::Entry entry;
      entry.set_position(i);
      entry.set_actor("official");
      entry.mutable_record_time()->set_seconds(i);
      entry.set_part(1);
      entry.set_parts(1);
      leaves_.push_back(entry.SerializeAsString());
      frontier.Append(store::LeafHash(leaves_.back()), &nodes);
    }
    for (const store::Node& node : nodes) nodes_[{node.level, node.index}] = node.hash;
  }

  Proof ProofOf(int64_t position, int64_t size) {
    auto get = [this](int level, int64_t index) -> absl::StatusOr<store::Hash> {
      return nodes_.at({level, index});
    };
    Proof proof;
    proof.head.set_origin("priority-goods");
    proof.head.set_tree_size(size);
    proof.head.set_root(store::ToBytes(*store::RootAt(size, get)));
    EXPECT_EQ(signer_->Sign(&proof.head), absl::OkStatus());
    proof.inclusion.set_position(position);
    proof.inclusion.set_tree_size(size);
    const std::string& leaf = leaves_[static_cast<size_t>(position - 1)];
    proof.inclusion.set_leaf_hash(store::ToBytes(store::LeafHash(leaf)));
    const auto path = store::InclusionPath(position - 1, size, get);
    for (const store::Hash& hash : *path) proof.inclusion.add_hashes(store::ToBytes(hash));
    proof.key.set_public_key(signer_->public_key());
    proof.key.set_key_id(signer_->key_id());
    proof.has_entry = true;
    proof.entry.set_leaf(leaf);
    return proof;
  }
  void AddConsistency(int64_t first, Proof* proof) {
    auto get = [this](int level, int64_t index) -> absl::StatusOr<store::Hash> {
      return nodes_.at({level, index});
    };
    proof->has_consistency = true;
    proof->consistency.set_first_size(first);
    proof->consistency.set_second_size(proof->head.tree_size());
    const auto path = store::ConsistencyPath(first, proof->head.tree_size(), get);
    for (const store::Hash& hash : *path) proof->consistency.add_hashes(store::ToBytes(hash));
  }
  std::string File(const std::string& name, const Proof& proof) {
    const std::string path = dir_ / name;
    std::ofstream(path) << ToJson(proof);
    return path;
  }

  const store::TempDir dir_;
  std::unique_ptr<store::HeadSigner> signer_;
  std::vector<std::string> leaves_;
  std::map<std::pair<int, int64_t>, store::Hash> nodes_;
  Program nisi_;
};

TEST_F(ProofTest, EveryStepIsTold) {
  const std::string file = File("p.json", ProofOf(3, 5));
  const Ran ran = nisi_({"proof", "verify", file});
  EXPECT_EQ(ran.code, kDone) << ran.out;
  for (const char* step : {"holds   key", "holds   signature", "holds   path", "holds   leaf",
                           "holds   entry", "position 3", "The proof holds."}) {
    EXPECT_THAT(ran.out, HasSubstr(step));
  }
  EXPECT_THAT(ran.out, HasSubstr("The key came with the proof"));
  EXPECT_EQ(nisi_({"verify", file}).out, ran.out);
  EXPECT_THAT(nisi_({"verify", file, "--format", "json"}).out, HasSubstr("\"valid\":true"));
}

TEST_F(ProofTest, ThePinnedKeyDecides) {
  const std::string file = File("p.json", ProofOf(3, 5));
  const std::string key = absl::BytesToHexString(signer_->public_key());
  EXPECT_EQ(nisi_({"verify", file, "--public-key", key}).code, kDone);
  EXPECT_EQ(nisi_({"verify", file, "--key-id", absl::BytesToHexString(signer_->key_id())}).code,
            kDone);
  EXPECT_EQ(nisi_({"verify", file, "--key-id", "0011223344556677"}).code, kRefused);
  EXPECT_EQ(nisi_({"verify", file, "--public-key", std::string(64, '0')}).code, kRefused);
  EXPECT_EQ(nisi_({"verify", file, "--public-key", "12"}).code, kRefused);
}

TEST_F(ProofTest, AnythingChangedIsFound) {
  auto fails = [&](const char* step, const Proof& proof) {
    const Ran ran = nisi_({"verify", File("bad.json", proof)});
    EXPECT_EQ(ran.code, kRefused);
    EXPECT_THAT(ran.out, HasSubstr(absl::StrCat("FAILS   ", step)));
    EXPECT_THAT(ran.out, HasSubstr("does NOT hold"));
  };
  Proof proof = ProofOf(3, 5);
  proof.head.set_tree_size(4);
  fails("signature", proof);
  proof = ProofOf(3, 5);
  proof.inclusion.set_position(2);
  fails("path", proof);
  proof = ProofOf(3, 5);
  proof.inclusion.mutable_hashes(0)->at(0) ^= 1;
  fails("path", proof);
  proof = ProofOf(3, 5);
  proof.entry.set_leaf(leaves_[3]);
  fails("leaf", proof);
}

TEST_F(ProofTest, WithoutTheEntryItsHashIsProved) {
  Proof proof = ProofOf(3, 5);
  proof.has_entry = false;
  const Ran ran = nisi_({"verify", File("p.json", proof)});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_THAT(ran.out, HasSubstr("only its hash"));
}

TEST_F(ProofTest, AnOlderTreeIsTheBeginningOfThisOne) {
  const std::string old = File("old.json", ProofOf(2, 3));
  Proof proof = ProofOf(4, 5);
  AddConsistency(3, &proof);
  const std::string file = File("new.json", proof);
  const Ran ran = nisi_({"verify", file, "--since", old});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_THAT(ran.out, HasSubstr("holds   history"));
  proof.consistency.mutable_hashes(0)->at(0) ^= 1;
  const Ran rewritten = nisi_({"verify", File("bad.json", proof), "--since", old});
  EXPECT_EQ(rewritten.code, kRefused);
  EXPECT_THAT(rewritten.out, HasSubstr("FAILS   history"));
  // A tree is its own beginning, and needs no path for it.
  EXPECT_THAT(nisi_({"verify", old, "--since", old}).out, HasSubstr("holds   history"));
}

// It is no sign of a false proof, and no yes either.
TEST_F(ProofTest, WithoutAPathTheOlderTreeIsNotChecked) {
  const std::string old = File("old.json", ProofOf(2, 3));
  Proof proof = ProofOf(4, 5);
  const std::string bare = File("bare.json", proof);
  const Ran ran = nisi_({"verify", bare, "--since", old});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.out, HasSubstr("skipped history      this file has no path from a tree of 3 "
                                 "entries; keep one that has: nisi proof get --service "
                                 "priority-goods --position 4 --since OLDER -o FILE\n"));
  EXPECT_THAT(ran.out, HasSubstr("The proof holds; the older tree was NOT checked.\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("FAILS")));
  const Ran json = nisi_({"verify", bare, "--since", old, "--format", "json"});
  EXPECT_EQ(json.code, kUsage);
  EXPECT_THAT(json.out, HasSubstr(R"("valid":null)"));
  EXPECT_THAT(json.out, HasSubstr(R"("holds":null,"step":"history")"));
  // A path from another tree is none from this one.
  AddConsistency(3, &proof);
  const std::string other = File("other.json", ProofOf(2, 4));
  EXPECT_EQ(nisi_({"verify", File("new.json", proof), "--since", other}).code, kUsage);
  EXPECT_THAT(nisi_({"verify", old, "--since", bare}).out, HasSubstr("exchange the two files"));
}

// The older file is held against the key of its time.
TEST_F(ProofTest, AnOlderTreeMayBeSignedByAKeyThatWasReplaced) {
  const std::string first = absl::BytesToHexString(signer_->public_key());
  const std::string old = File("old.json", ProofOf(2, 3));
  signer_ = *store::OpenHeadSigner(dir_ / "next.pem");
  const std::string second = absl::BytesToHexString(signer_->public_key());
  Proof proof = ProofOf(4, 5);
  AddConsistency(3, &proof);
  const std::string file = File("new.json", proof);
  const Ran ran = nisi_({"verify", file, "--since", old});
  EXPECT_EQ(ran.code, kRefused) << "nobody said that it was replaced";
  EXPECT_THAT(ran.out, HasSubstr("The older tree is signed by another key, id "));
  EXPECT_EQ(nisi_({"verify", file, "--since", old, "--public-key", first + "," + second}).code,
            kDone);
  for (const std::string& one : {first, second}) {
    EXPECT_EQ(nisi_({"verify", file, "--since", old, "--public-key", one}).code, kRefused) << one;
  }
  const auto id = [](const std::string& key) {
    return absl::BytesToHexString(store::KeyId(absl::HexStringToBytes(key)));
  };
  EXPECT_EQ(nisi_({"verify", file, "--since", old, "--key-id", id(second) + "," + id(first)}).code,
            kDone);
  EXPECT_EQ(nisi_({"verify", file, "--since", old, "--key-id", id(second)}).code, kRefused);
}

// An edition's entry stands for its lines, which a reader exported.
class ListTest : public ProofTest {
 protected:
  ListTest() {
    for (const char* code : {"0101", "850423"}) {
      nisi::priority_goods::v1::Entry line;
      line.set_name(absl::StrCat("editions/2/entries/", code));
      line.set_goods_code(code);
      line.set_name_ru("Товар");
      line.mutable_update_time()->set_seconds(1'781'500'000);
      lines_.push_back(line);
    }
    edition_.set_name("editions/2");
    edition_.set_state(nisi::priority_goods::v1::Edition::IN_FORCE);
    store::Frontier tree;
    std::vector<store::Node> nodes;
    for (const auto& line : lines_) tree.Append(store::LeafHash(line.SerializeAsString()), &nodes);
    edition_.set_entries_root(store::ToBytes(tree.root()));
  }
  // The proof of an entry by which the edition came into force and another was replaced.
  std::string ProofFile() {
    nisi::journal::v1::Entry entry;
    entry.set_position(1);
    nisi::priority_goods::v1::Edition older;
    older.set_name("editions/1");
    for (const auto& edition : {edition_, older}) {
      auto* change = entry.add_changes();
      change->set_kind(nisi::journal::v1::Change::PUT);
      change->mutable_after()->PackFrom(edition);
      change->mutable_before()->PackFrom(edition);
      change->mutable_before()->set_value("");
    }
    Proof proof = ProofOf(1, 1);
    proof.entry.set_leaf(entry.SerializeAsString());
    const store::Hash root = store::LeafHash(proof.entry.leaf());
    proof.inclusion.set_leaf_hash(store::ToBytes(root));
    proof.head.set_root(store::ToBytes(root));
    EXPECT_EQ(signer_->Sign(&proof.head), absl::OkStatus());
    return File("p.json", proof);
  }
  Ran Verify() {
    std::ofstream file(dir_ / "list.json");
    for (const auto& line : lines_) {
      std::string json;
      EXPECT_TRUE(google::protobuf::util::MessageToJsonString(line, &json).ok());
      file << json << "\n";
    }
    file.close();
    return nisi_({"verify", ProofFile(), "--list", dir_ / "list.json"});
  }

  std::vector<nisi::priority_goods::v1::Entry> lines_;
  nisi::priority_goods::v1::Edition edition_;
};

TEST_F(ListTest, TheLinesAreThoseOfTheEdition) {
  const Ran ran = Verify();
  EXPECT_EQ(ran.code, kDone) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("holds   list         2 entries of editions/2 have root"));
  EXPECT_THAT(ran.out, HasSubstr("It says: Edition editions/2 changed: "));
  EXPECT_THAT(ran.out, HasSubstr("now IN_FORCE"));
}

TEST_F(ListTest, WhateverIsDoneToALineIsFound) {
  const auto fails = [&](const char* words) {
    const Ran ran = Verify();
    EXPECT_EQ(ran.code, kRefused) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("FAILS   list"));
    EXPECT_THAT(ran.out, HasSubstr(words));
  };
  const auto good = lines_;
  lines_[1].set_name_ru("Иной товар");
  fails("not those of the edition");
  lines_ = good;
  lines_.pop_back();
  fails("not those of the edition");
  lines_ = {good[1], good[0]};
  fails("not those of the edition");
  lines_ = good;
  lines_.push_back(good[1]);
  fails("not those of the edition");
  lines_ = good;
  lines_[1].set_name("editions/1/entries/850423");
  fails("Line 2 is no entry of editions/2.");
}

// Neither a yes nor a sign of a false list.
TEST_F(ListTest, WithoutARootTheListIsNotChecked) {
  const auto skips = [&] {
    const Ran ran = Verify();
    EXPECT_EQ(ran.code, kUsage) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("The proof holds; the list was NOT checked."));
  };
  const auto good = lines_;
  lines_.clear();
  skips();
  lines_ = good;
  lines_[0].set_name("editions/3/entries/0101");
  skips();
  lines_[0].set_name("");
  skips();
  lines_ = good;
  edition_.clear_entries_root();  // of an edition that was submitted before there was one
  skips();
  EXPECT_EQ(nisi_({"verify", ProofFile(), "--list", dir_ / "absent"}).code, kUsage);
}

TEST_F(ListTest, AFileThatIsNoListSaysWhatIsWrong) {
  const auto said = [&](const char* text) {
    std::ofstream(dir_ / "list.json") << text;
    const Ran ran = nisi_({"verify", ProofFile(), "--list", dir_ / "list.json"});
    EXPECT_EQ(ran.code, kUsage) << ran.out;
    return ran.out;
  };
  for (const char* text : {"goods_code,name_ru\n8504,a\n", "[\n", "3\n"}) {
    EXPECT_THAT(said(text), HasSubstr("the file has no JSON object in each line"));
  }
  EXPECT_THAT(said("{\"goodsCode\": \"8504\"}\n"),
              HasSubstr("the first line of the file has no name of an entry"));
}

TEST_F(ProofTest, FlagsMayStandBeforeTheWord) {
  const std::string file = File("p.json", ProofOf(3, 5));
  const std::string key = absl::BytesToHexString(signer_->public_key());
  EXPECT_EQ(nisi_({"proof", "--public-key", key, "verify", file}).code, kDone);
  EXPECT_THAT(nisi_({"--format", "json", "proof", "verify", file}).out,
              HasSubstr("\"valid\":true"));
  EXPECT_THAT(nisi_({"proof", "--position", "1", "get"}).err, HasSubstr("--service NAME"));
  EXPECT_THAT(nisi_({"proof", "--wide"}).err, HasSubstr("proof takes get, journal or verify"));
}

// As `nisi proof journal` keeps it: the signed head, then a line an entry.
std::string Line(const google::protobuf::Message& message) {
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json).ok());
  return json;
}
std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

class JournalTest : public ProofTest {
 protected:
  JournalTest() {
    const Proof proof = ProofOf(1, 5);
    lines_.push_back(
        absl::StrCat("{\"treeHead\":", Line(proof.head), ",\"signingKey\":", Line(proof.key), "}"));
    for (const std::string& leaf : leaves_) lines_.push_back(RecordLine(leaf));
  }
  static std::string RecordLine(const std::string& leaf) {
    nisi::journal::v1::EntryRecord record;
    record.set_leaf(leaf);
    return Line(record);
  }
  // Verifies these lines from standard input.
  Ran Verify(const std::vector<std::string>& lines, const std::vector<std::string>& flags = {}) {
    nisi_.in = Joined(lines);
    std::vector<std::string> argv = {"verify", "-"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    return nisi_(argv);
  }

  std::vector<std::string> lines_;
};

TEST_F(JournalTest, AWholeJournalIsComputedAgain) {
  const Ran ran = Verify(lines_);
  EXPECT_EQ(ran.code, kDone) << ran.out << ran.err;
  for (const char* step :
       {"holds   key", "holds   signature", "holds   entries", "5, positions 1 to 5 without a gap",
        "holds   tree", "The journal holds."}) {
    EXPECT_THAT(ran.out, HasSubstr(step));
  }
  EXPECT_EQ(Verify(lines_, {"--public-key", std::string(64, '0')}).code, kRefused);
}

TEST_F(JournalTest, WhateverIsDoneToAnEntryIsFound) {
  auto fails = [&](const char* step, const std::vector<std::string>& lines) {
    const Ran ran = Verify(lines);
    EXPECT_EQ(ran.code, kRefused) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr(absl::StrCat("FAILS   ", step)));
    EXPECT_THAT(ran.out, HasSubstr("The journal does NOT hold."));
  };
  std::vector<std::string> changed = lines_;
  nisi::journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(leaves_[2]));
  entry.set_actor("somebody else");
  changed[3] = RecordLine(entry.SerializeAsString());
  fails("tree", changed);
  entry.set_actor("official");
  entry.mutable_record_time()->set_seconds(2);  // not after the one before
  changed[3] = RecordLine(entry.SerializeAsString());
  fails("entries", changed);
  entry.mutable_record_time()->set_seconds(3);
  entry.set_parts(2);  // the second part does not follow
  changed[3] = RecordLine(entry.SerializeAsString());
  fails("entries", changed);
  std::vector<std::string> missing = lines_;
  missing.erase(missing.begin() + 3);
  fails("entries", missing);
  std::vector<std::string> cut(lines_.begin(), lines_.end() - 1);
  fails("entries", cut);
  std::vector<std::string> moved = lines_;
  std::swap(moved[2], moved[3]);
  fails("entries", moved);
  std::vector<std::string> twice = lines_;
  twice.push_back(twice.back());
  fails("entries", twice);
  std::vector<std::string> junk = lines_;
  junk[4] = "{}";
  fails("entries", junk);
}

// A bulk command is several entries of one time, which stand together.
TEST_F(JournalTest, PiecesOfACommandStandTogether) {
  std::vector<std::string> leaves;
  store::Frontier frontier;
  std::vector<store::Node> nodes;
  for (int i = 1; i <= 3; ++i) {
    nisi::journal::v1::Entry entry;
    entry.set_position(i);
    entry.mutable_record_time()->set_seconds(7);
    entry.set_part(i);
    entry.set_parts(3);
    leaves.push_back(entry.SerializeAsString());
    frontier.Append(store::LeafHash(leaves.back()), &nodes);
  }
  const auto kept = [&](size_t count) {
    Proof proof = ProofOf(1, 3);
    proof.head.set_root(store::ToBytes(frontier.root()));
    EXPECT_EQ(signer_->Sign(&proof.head), absl::OkStatus());
    std::vector<std::string> lines = {
        absl::StrCat("{\"treeHead\":", Line(proof.head), ",\"signingKey\":", Line(proof.key), "}")};
    for (size_t i = 0; i < count; ++i) lines.push_back(RecordLine(leaves[i]));
    return lines;
  };
  EXPECT_EQ(Verify(kept(3)).code, kDone);
  const Ran cut = Verify(kept(2));
  EXPECT_EQ(cut.code, kRefused);
  EXPECT_THAT(cut.out, HasSubstr("The last command is not there as a whole."));
}

TEST_F(JournalTest, AListIsHeldAgainstAProofAlone) {
  const Ran ran = Verify(lines_, {"--list", File("list.json", ProofOf(1, 5))});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("--list goes with the proof of an entry."));
}

TEST_F(JournalTest, AnOlderTreeIsItsBeginning) {
  const std::string old = File("old.json", ProofOf(2, 3));
  EXPECT_THAT(Verify(lines_, {"--since", old}).out, HasSubstr("holds   history"));
  // The same key signed a tree of three other entries.
  Proof other = ProofOf(2, 3);
  other.head.set_root(store::ToBytes(store::LeafHash("x")));
  ASSERT_EQ(signer_->Sign(&other.head), absl::OkStatus());
  const Ran rewritten = Verify(lines_, {"--since", File("other.json", other)});
  EXPECT_EQ(rewritten.code, kRefused);
  EXPECT_THAT(rewritten.out, HasSubstr("history was rewritten"));
}

TEST_F(ProofTest, FilesThatAreNoProof) {
  const std::string path = dir_ / "x.json";
  EXPECT_EQ(nisi_({"verify", path}).code, kUsage);
  std::ofstream(path) << "{}";
  const Ran ran = nisi_({"verify", path});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("has no inclusionProof"));
  EXPECT_EQ(nisi_({"proof", "get", "--position", "1"}).code, kUsage);
  for (const char* position : {"0", "-1", "x"}) {
    EXPECT_THAT(nisi_({"proof", "get", "--service", "grants", "--position", position}).err,
                ::testing::HasSubstr("--position takes the number of an entry"))
        << position;
  }
  EXPECT_EQ(nisi_({"proof"}).code, kUsage);
}

}  // namespace
}  // namespace nisi::cli
