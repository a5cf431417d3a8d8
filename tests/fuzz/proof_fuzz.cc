// The offline verifier: of entries, proofs and signed heads that were changed in any way it accepts
// only what the service signed.
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/temp_dir.h"
#include "common/store/verify.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

namespace nisi::fuzz::proof_target {
namespace {

using journal::v1::ConsistencyProof;
using journal::v1::Entry;
using journal::v1::EntryRecord;
using journal::v1::InclusionProof;
using journal::v1::TreeHead;
using store::Hash;

constexpr int64_t kEntries = 13;

std::unique_ptr<store::HeadSigner> FixedSigner() {
  const store::TempDir dir;
  const std::string path = dir / "key.pem";
  std::ofstream(path) << Ed25519Pem('h');
  std::error_code ignored;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read, ignored);
  auto signer = store::OpenHeadSigner(path);
  Expect(signer.ok(), "the key is read");
  return *std::move(signer);
}

// A journal of entries with two withheld values each, and its signed head at every size.
struct Journal {
  std::unique_ptr<store::HeadSigner> signer = FixedSigner();
  std::vector<EntryRecord> records;
  std::vector<TreeHead> heads;
  std::vector<std::vector<Hash>> levels;

  Journal() : levels(5) {
    store::Frontier frontier;
    heads.push_back(Head(frontier));
    for (int64_t position = 1; position <= kEntries; ++position) {
      records.push_back(Record(position));
      std::vector<store::Node> made;
      frontier.Append(store::LeafHash(records.back().leaf()), &made);
      for (const auto& node : made) levels[static_cast<size_t>(node.level)].push_back(node.hash);
      heads.push_back(Head(frontier));
    }
  }
  TreeHead Head(const store::Frontier& frontier) const {
    TreeHead head;
    head.set_origin("priority-goods");
    head.set_tree_size(frontier.size());
    head.set_root(store::ToBytes(frontier.root()));
    head.mutable_sign_time()->set_seconds(1'781'500'000 + frontier.size());
    Expect(signer->Sign(&head).ok(), "a head is signed");
    return head;
  }
  static EntryRecord Record(int64_t position) {
    Entry entry;
    entry.set_position(position);
    entry.set_actor("tester");
    EntryRecord record;
    auto* change = entry.add_changes();
    for (const char* path : {"price", ""}) {
      const std::string salt(16, static_cast<char>('A' + position));
      const std::string value = absl::StrCat(path, position);
      auto* opening = record.add_openings();
      opening->set_commitment(change->commitments_size());
      opening->set_salt(salt);
      opening->set_value(value);
      auto* commitment = change->add_commitments();
      commitment->set_path(path);
      commitment->set_digest(store::CommitmentDigest(salt, path, value));
    }
    record.set_leaf(entry.SerializeAsString());
    return record;
  }
  store::NodeGetter getter() const {
    return [this](int level, int64_t index) -> absl::StatusOr<Hash> {
      return levels.at(static_cast<size_t>(level)).at(static_cast<size_t>(index));
    };
  }
  template <class Proof>
  static void AddPath(const absl::StatusOr<std::vector<Hash>>& path, Proof* proof) {
    if (!path.ok()) return;
    for (const Hash& hash : *path) proof->add_hashes(store::ToBytes(hash));
  }
  InclusionProof Inclusion(int64_t position, int64_t size) const {
    InclusionProof proof;
    proof.set_position(position);
    proof.set_tree_size(size);
    proof.set_leaf_hash(store::ToBytes(store::LeafHash(records[Index(position)].leaf())));
    AddPath(store::InclusionPath(position - 1, size, getter()), &proof);
    return proof;
  }
  ConsistencyProof Consistency(int64_t first, int64_t second) const {
    ConsistencyProof proof;
    proof.set_first_size(first);
    proof.set_second_size(second);
    AddPath(store::ConsistencyPath(first, second, getter()), &proof);
    return proof;
  }
  static size_t Index(int64_t position) { return static_cast<size_t>(position - 1); }

  bool HasHead(const TreeHead& head) const {
    return head.tree_size() >= 0 && head.tree_size() <= kEntries &&
           head.SerializeAsString() ==
               heads[static_cast<size_t>(head.tree_size())].SerializeAsString();
  }
  bool HasOpening(const EntryRecord& record, const journal::v1::Opening& opening) const {
    for (const EntryRecord& mine : records) {
      if (mine.leaf() != record.leaf()) continue;
      for (const auto& one : mine.openings()) {
        if (one.change() == opening.change() && one.commitment() == opening.commitment() &&
            one.salt() == opening.salt() && one.value() == opening.value()) {
          return true;
        }
      }
    }
    return false;
  }
};

const Journal& TheJournal() {
  static const auto* const kJournal = new Journal;
  return *kJournal;
}

void CheckRefusal(const absl::Status& status) {
  Expect(status.ok() || base::ReasonOf(status) == "PROOF_INVALID", "a bad proof has one reason");
}

// The message after edits of its bytes; as it was when they are no message any more.
template <class Message>
Message EditedMessage(const Message& message, Input& in) {
  Message edited;
  std::string bytes(in.Part());
  Input edits(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (!edited.ParseFromString(Edited(message.SerializeAsString(), edits))) return message;
  return edited;
}

int64_t TakePosition(Input& in) {
  return 1 + in.Byte() % kEntries;
}

void CheckEntry(Input& in) {
  const Journal& journal = TheJournal();
  const int64_t position = TakePosition(in);
  const auto& head_given = journal.heads[static_cast<size_t>(TakePosition(in))];
  const int64_t proof_size = std::max(position, TakePosition(in));
  // An entry and a proof that may be of others.
  const auto& given = journal.records[Journal::Index(TakePosition(in))];
  const EntryRecord record = EditedMessage(given, in);
  InclusionProof proof = EditedMessage(journal.Inclusion(position, proof_size), in);
  const TreeHead head = EditedMessage(head_given, in);
  // Whoever forges an entry can hash it, too.
  if ((in.Byte() & 1) != 0) proof.set_leaf_hash(store::ToBytes(store::LeafHash(record.leaf())));
  const absl::Status status = store::VerifyEntry(record, proof, head, journal.signer->public_key());
  CheckRefusal(status);
  if (!status.ok()) return;
  Expect(journal.HasHead(head), "only a head that was signed is accepted");
  Expect(proof.position() >= 1 && proof.position() <= head.tree_size(), "the entry is in the tree");
  Expect(record.leaf() == journal.records[Journal::Index(proof.position())].leaf(),
         "only an entry of the journal is accepted");
  Expect(std::equal(proof.hashes().begin(), proof.hashes().end(),
                    journal.Inclusion(proof.position(), head.tree_size()).hashes().begin()),
         "there is one proof");
  for (const auto& opening : record.openings()) {
    Expect(journal.HasOpening(record, opening), "only a value that was committed is accepted");
  }
}

void CheckHeads(Input& in) {
  const Journal& journal = TheJournal();
  const auto first_size = static_cast<size_t>(in.Byte() % (kEntries + 1));
  const auto second_size = static_cast<size_t>(in.Byte() % (kEntries + 1));
  const ConsistencyProof right =
      journal.Consistency(static_cast<int64_t>(first_size), static_cast<int64_t>(second_size));
  const TreeHead first = EditedMessage(journal.heads[first_size], in);
  const TreeHead second = EditedMessage(journal.heads[second_size], in);
  const ConsistencyProof proof = EditedMessage(right, in);
  const absl::Status status =
      store::VerifyHeads(first, second, proof, journal.signer->public_key());
  CheckRefusal(status);
  if (!status.ok()) {
    const bool edited =
        first.SerializeAsString() != journal.heads[first_size].SerializeAsString() ||
        second.SerializeAsString() != journal.heads[second_size].SerializeAsString() ||
        proof.SerializeAsString() != right.SerializeAsString();
    Expect(edited || first_size > second_size, "what the service signed is accepted");
    return;
  }
  Expect(journal.HasHead(first) && journal.HasHead(second), "only signed heads are accepted");
  Expect(first.tree_size() <= second.tree_size(), "a tree only grows");
}

}  // namespace

NISI_FUZZ_TARGET(proof) {
  Input in(data, size);
  if (in.Byte() % 2 == 0) {
    CheckEntry(in);
  } else {
    CheckHeads(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::proof_target
