// The journal and its proofs, as the store writes them.
#include <algorithm>
#include <future>
#include <thread>
#include <vector>

#include "common/store/head_signer.h"
#include "common/store/store_testing.h"
#include "common/store/verify.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::store {
namespace {

using journal::v1::Change;
using journal::v1::Entry;
using journal::v1::Openings;
using ::testing::HasSubstr;
using ::testing::Not;

class StoreJournalTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    auto signer = OpenHeadSigner(dir_ / "key.pem");
    ASSERT_TRUE(signer.ok()) << signer.status();
    signer_ = *std::move(signer);
  }

  JournalRecord Record(int64_t position) {
    const auto records = store_->ReadJournal(position, 1, 1 << 20);
    EXPECT_TRUE(records.ok()) << records.status();
    return records.ok() && !records->empty() ? records->front() : JournalRecord{};
  }
  Entry EntryAt(int64_t position) {
    Entry entry;
    EXPECT_TRUE(entry.ParseFromString(Record(position).leaf));
    return entry;
  }

  journal::v1::TreeHead HeadAt(int64_t size) {
    journal::v1::TreeHead head;
    head.set_origin("testing");
    head.set_tree_size(size);
    const auto root = store_->RootAt(size);
    EXPECT_TRUE(root.ok()) << root.status();
    head.set_root(ToBytes(*root));
    EXPECT_TRUE(signer_->Sign(&head).ok());
    return head;
  }

  // The entry against the head of a tree of `size`, as an offline verifier checks it.
  absl::Status Verify(int64_t position, int64_t size) {
    const JournalRecord stored = Record(position);
    journal::v1::EntryRecord record;
    record.set_leaf(stored.leaf);
    Openings openings;
    if (!openings.ParseFromString(stored.openings)) return absl::DataLossError("openings");
    *record.mutable_openings() = openings.openings();
    journal::v1::InclusionProof proof;
    proof.set_position(position);
    proof.set_tree_size(size);
    ASSIGN_OR_RETURN(const Hash leaf, store_->LeafAt(position));
    proof.set_leaf_hash(ToBytes(leaf));
    ASSIGN_OR_RETURN(const std::vector<Hash> path, store_->InclusionPath(position, size));
    for (const Hash& hash : path) proof.add_hashes(ToBytes(hash));
    return VerifyEntry(record, proof, HeadAt(size), signer_->public_key());
  }

  absl::Status VerifyGrowth(int64_t first, int64_t second) {
    journal::v1::ConsistencyProof proof;
    proof.set_first_size(first);
    proof.set_second_size(second);
    ASSIGN_OR_RETURN(const std::vector<Hash> path, store_->ConsistencyPath(first, second));
    for (const Hash& hash : path) proof.add_hashes(ToBytes(hash));
    return VerifyHeads(HeadAt(first), HeadAt(second), proof, signer_->public_key());
  }

  std::unique_ptr<HeadSigner> signer_;
};

NISI_BOTH_ENGINES(StoreJournalTest);

Widget Unpacked(const google::protobuf::Any& any) {
  Widget widget;
  EXPECT_TRUE(any.UnpackTo(&widget)) << any.type_url();
  return widget;
}

TEST_P(StoreJournalTest, EntrySaysWhoWhatAndBeforeAndAfter) {
  Do(Putting(MakeWidget("a", "red")));
  ASSERT_TRUE(store_
                  ->Write(Info("id-7"),
                          [](Tx& tx) -> absl::StatusOr<std::string> {
                            tx.Cite(base::Law("Art. 7", "Seven."));
                            WidgetRow row = MakeWidget("a", "blue");
                            RETURN_IF_ERROR(tx.Put(kWidgets, &row, Day("2026-06-14")));
                            RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("a"), Day("2026-07-01")));
                            return std::string("reply");
                          })
                  .ok());
  const Entry entry = EntryAt(2);
  EXPECT_EQ(entry.position(), 2);
  EXPECT_EQ(entry.actor(), "tester");
  EXPECT_EQ(entry.on_behalf_of(), "123456789012");
  EXPECT_EQ(entry.method(), "/nisi.testing.v1.WidgetService/CreateWidget");
  EXPECT_EQ(entry.request_id(), "id-7");
  EXPECT_EQ(entry.record_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(entry.record_time().nanos(),
            1000);  // a microsecond after the first: the clock stands still
  ASSERT_EQ(entry.legal_basis_size(), 1);
  EXPECT_EQ(entry.legal_basis(0).article(), "Art. 7");
  EXPECT_EQ(entry.part(), 1);
  EXPECT_EQ(entry.parts(), 1);
  ASSERT_EQ(entry.changes_size(), 2);
  EXPECT_EQ(entry.changes(0).table(), "widgets");
  EXPECT_EQ(entry.changes(0).kind(), Change::PUT);
  EXPECT_EQ(entry.changes(0).key(), std::string(Key::Of("a").bytes()));
  EXPECT_EQ(entry.changes(0).effective_from().day(), 14);
  EXPECT_EQ(Unpacked(entry.changes(0).before()).color(), "red");
  EXPECT_EQ(Unpacked(entry.changes(0).after()).color(), "blue");
  EXPECT_EQ(Unpacked(entry.changes(0).after()).etag(),
            EtagOf(2, clock_.Now() + absl::Microseconds(1)));
  EXPECT_EQ(entry.changes(1).kind(), Change::END);
  EXPECT_EQ(entry.changes(1).effective_from().month(), 7);
  EXPECT_FALSE(entry.changes(1).has_after());
  EXPECT_EQ(Unpacked(entry.changes(1).before()).color(), "red");  // a correction of an earlier day
  EXPECT_FALSE(EntryAt(1).changes(0).has_before());
}

TEST_P(StoreJournalTest, PositionsHaveNoGaps) {
  for (int i = 0; i < 30; ++i) {
    if (i % 3 == 0) {
      EXPECT_FALSE(store_->Write(Info(), Ending("none")).ok());
      CommandInfo only = Info();
      only.validate_only = true;
      EXPECT_TRUE(store_->Write(only, Putting(MakeWidget("a", "red"))).ok());
    }
    Do(Putting(MakeWidget("a", "red"), Day("2026-06-14").AddDays(i % 3)));
    if (i == 15) Open();
  }
  const auto records = store_->ReadJournal(1, 1000, 1 << 20);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 30U);
  int64_t last_us = 0;
  for (size_t i = 0; i < records->size(); ++i) {
    EXPECT_EQ((*records)[i].position, static_cast<int64_t>(i) + 1);
    Entry entry;
    ASSERT_TRUE(entry.ParseFromString((*records)[i].leaf));
    EXPECT_EQ(entry.position(), static_cast<int64_t>(i) + 1);
    const int64_t us =
        entry.record_time().seconds() * 1'000'000 + entry.record_time().nanos() / 1000;
    EXPECT_GT(us, last_us);
    last_us = us;
  }
  EXPECT_EQ(store_->ReadJournal(1, 7, 1 << 20)->size(), 7U);
  EXPECT_EQ(store_->ReadJournal(1, 7, 1)->size(), 1U);  // always at least one
  EXPECT_EQ(store_->ReadJournal(31, 7, 1 << 20)->size(), 0U);
}

TEST_P(StoreJournalTest, BulkCommandIsCutIntoEntries) {
  Do(Putting(MakeWidget("z", "red")));
  const std::string note(10'000, 'n');
  const auto outcome = store_->Write(Info("bulk"), [&note](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 100; ++i) {
      WidgetRow row = MakeWidget(absl::StrCat("w", 100 + i), "red");
      row.mutable_widget()->set_note(note);
      RETURN_IF_ERROR(tx.Put(kWidgets, &row));
      if (row.widget().etag() != EtagOf(tx.position(), tx.recorded()))
        return absl::InternalError("etag");
    }
    return std::string("ok");
  });
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  const int64_t parts = outcome->position - 1;
  EXPECT_GE(parts, 4);
  EXPECT_LE(parts, 5);
  int changes = 0;
  for (int64_t part = 1; part <= parts; ++part) {
    const Entry entry = EntryAt(1 + part);
    EXPECT_EQ(entry.part(), part);
    EXPECT_EQ(entry.parts(), parts);
    EXPECT_EQ(entry.request_id(), "bulk");
    EXPECT_LT(entry.ByteSizeLong(), 300U << 10);
    for (const Change& change : entry.changes()) {
      EXPECT_EQ(Unpacked(change.after()).etag(),
                EtagOf(1 + part, clock_.Now() + absl::Microseconds(1)));
      ++changes;
    }
    EXPECT_TRUE(Verify(1 + part, store_->position()).ok());
  }
  EXPECT_EQ(changes, 100);
  EXPECT_EQ(store_->Write(Info("bulk"), Ending("none"))->position, outcome->position);
  Do(Putting(MakeWidget("y", "red")));
  EXPECT_EQ(EntryAt(outcome->position + 1).part(), 1);
  Healthy();
}

TEST_P(StoreJournalTest, ConfidentialValuesAreCommittedToAndNotShown) {
  WidgetRow row = MakeWidget("a", "red");
  row.mutable_widget()->set_secret("s3cret-value");
  row.set_owner_note("private-part");
  Do(Putting(row));
  row.mutable_widget()->set_color("blue");
  row.mutable_widget()->set_secret("second-s3cret");
  Do([&row](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow other = MakeWidget("b", "red"), copy = row;
    RETURN_IF_ERROR(tx.Put(kWidgets, &other));
    RETURN_IF_ERROR(tx.Put(kWidgets, &copy));
    return std::string();
  });
  for (int64_t position = 1; position <= 2; ++position) {
    const JournalRecord record = Record(position);
    EXPECT_THAT(record.leaf, Not(HasSubstr("s3cret")));
    EXPECT_THAT(record.leaf, Not(HasSubstr("private-part")));
    EXPECT_TRUE(Verify(position, 2).ok()) << Verify(position, 2);
  }
  const Change change = EntryAt(2).changes(1);
  ASSERT_EQ(change.commitments_size(), 2);
  EXPECT_EQ(change.commitments(0).path(), "secret");
  EXPECT_EQ(change.commitments(1).path(), "");
  EXPECT_EQ(Unpacked(change.before()).color(), "red");
  Openings openings;
  ASSERT_TRUE(openings.ParseFromString(Record(2).openings));
  ASSERT_EQ(openings.openings_size(), 2);
  EXPECT_EQ(openings.openings(0).change(), 1);
  Widget secret;
  ASSERT_TRUE(secret.ParseFromString(openings.openings(0).value()));
  EXPECT_EQ(secret.secret(), "second-s3cret");
  EXPECT_NE(openings.openings(0).salt(), openings.openings(1).salt());
  // Another value does not open it.
  Openings forged = openings;
  forged.mutable_openings(0)->mutable_value()->back() ^= 1;
  EXPECT_TRUE(VerifyOpenings(EntryAt(2), openings.openings()).ok());
  EXPECT_FALSE(VerifyOpenings(EntryAt(2), forged.openings()).ok());

  ASSERT_TRUE(store_->EraseOpenings(1).ok());
  EXPECT_EQ(Record(1).openings, "");
  EXPECT_TRUE(Verify(1, 2).ok());
  EXPECT_NE(Record(2).openings, "");
  EXPECT_FALSE(store_->EraseOpenings(3).ok());
  Open();
  EXPECT_EQ(Record(1).openings, "");
  EXPECT_TRUE(Verify(1, 2).ok());
  Healthy();
}

TEST_P(StoreJournalTest, EveryEntryAndEveryGrowthProves) {
  constexpr int64_t kSize = 20;
  std::vector<std::string> roots;
  for (int64_t i = 1; i <= kSize; ++i) {
    Do(Putting(MakeWidget(absl::StrCat("w", i), "red")));
    if (i == 11) Open();
    roots.push_back(ToBytes(*store_->RootAt(i)));
  }
  for (int64_t size = 1; size <= kSize; ++size) {
    EXPECT_EQ(ToBytes(*store_->RootAt(size)),
              roots[static_cast<size_t>(size - 1)]);  // roots do not change later
    for (int64_t position = 1; position <= size; ++position)
      EXPECT_TRUE(Verify(position, size).ok()) << position;
    for (int64_t first = 1; first <= size; ++first)
      EXPECT_TRUE(VerifyGrowth(first, size).ok()) << first;
  }
  EXPECT_EQ(store_->RootAt(kSize + 1).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->InclusionPath(0, 5).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->InclusionPath(6, 5).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->InclusionPath(5, kSize + 1).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->ConsistencyPath(5, 4).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->ConsistencyPath(0, 4).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->ConsistencyPath(5, kSize + 1).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->LeafAt(kSize + 1).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_P(StoreJournalTest, PrunedEntriesAreNamedAndStillProve) {
  for (int i = 1; i <= 10; ++i) Do(Putting(MakeWidget(absl::StrCat("w", i), "red")));
  const Hash leaf = *store_->LeafAt(3);
  EXPECT_EQ(store_->PruneJournal(12).code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE(store_->PruneJournal(6).ok());
  const auto check = [&] {
    const absl::Status pruned = store_->ReadJournal(5, 10, 1 << 20).status();
    EXPECT_EQ(pruned.code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(base::ReasonOf(pruned), "JOURNAL_PRUNED");
    EXPECT_EQ(base::InfoOf(pruned).metadata().at("oldestPosition"), "6");
    EXPECT_EQ(store_->oldest_position(), 6);
    EXPECT_EQ(store_->ReadJournal(6, 10, 1 << 20)->size(), 5U);
    EXPECT_EQ(*store_->LeafAt(3), leaf);
    EXPECT_TRUE(VerifyInclusion(2, 10, leaf, *store_->InclusionPath(3, 10), *store_->RootAt(10)));
    EXPECT_TRUE(VerifyGrowth(4, 10).ok());
    Healthy();
  };
  check();
  Open();
  check();
  ASSERT_TRUE(store_->PruneJournal(3).ok());  // nothing more
  check();
  ASSERT_TRUE(store_->PruneJournal(11).ok());  // all there is
  EXPECT_EQ(store_->ReadJournal(11, 10, 1 << 20)->size(), 0U);
  Do(Putting(MakeWidget("a", "red")));
  EXPECT_TRUE(Verify(11, 11).ok());
  Healthy();
}

// Two who prune at once, and the one who goes less far comes last.
TEST_P(StoreJournalTest, PruningNeverGoesBack) {
  for (int i = 0; i < 10; ++i) Do(Putting(MakeWidget("a", "red")));
  std::promise<void> running, gate;
  store_->WriteAsync(
      Info(),
      [&](Tx&) -> absl::StatusOr<std::string> {
        running.set_value();
        gate.get_future().wait();
        return std::string();
      },
      [](const auto&) {});
  running.get_future().wait();
  std::vector<std::thread> pruning;
  for (const int64_t position : {9, 5}) {
    pruning.emplace_back([this, position] { EXPECT_TRUE(store_->PruneJournal(position).ok()); });
    while (store_->queue_depth() < pruning.size()) std::this_thread::yield();
  }
  gate.set_value();
  for (std::thread& thread : pruning) thread.join();
  EXPECT_EQ(store_->oldest_position(), 9);
  EXPECT_TRUE(store_->ReadJournal(9, 1, 1).ok());
  Healthy();
  Open();
  EXPECT_EQ(store_->oldest_position(), 9);
}

class StoreWitnessTest : public StoreTest {
 protected:
  StoreWitnessTest() { with_witness_ = true; }
};
NISI_BOTH_ENGINES(StoreWitnessTest);

TEST_P(StoreWitnessTest, OlderCopyIsRefused) {
  Do(Putting(MakeWidget("a", "red")));
  if (OnRocks()) {
    ASSERT_TRUE(store_->Checkpoint(dir_ / "older").ok());
  }
  Do(Putting(MakeWidget("b", "red")));
  Open();  // the same store is welcome
  EXPECT_EQ(store_->position(), 2);
  if (OnRocks()) {
    EXPECT_EQ(base::ReasonOf(TryOpen("older")), "STORE_ROLLED_BACK");
  }
  store_.reset();
  disk_ = NewMemDisk();
  EXPECT_EQ(base::ReasonOf(TryOpen("empty")), "STORE_ROLLED_BACK");
}

TEST_P(StoreWitnessTest, AnotherHistoryOfTheSameLengthIsRefused) {
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("b", "red")));
  store_.reset();
  disk_ = NewMemDisk();
  with_witness_ = false;
  ASSERT_TRUE(TryOpen("other").ok());
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("b", "blue")));
  Do(Putting(MakeWidget("c", "blue")));
  with_witness_ = true;
  EXPECT_EQ(base::ReasonOf(TryOpen("other")), "STORE_ROLLED_BACK");
}

}  // namespace
}  // namespace nisi::store
