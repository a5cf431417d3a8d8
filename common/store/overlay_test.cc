// What is read of the state beneath a batch, and how often: the commands of a batch rest on the
// same records.
#include "common/store/overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/store/mem_engine.h"
#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

// Counts what is asked of another snapshot.
class CountingSnapshot final : public Snapshot {
 public:
  explicit CountingSnapshot(const Snapshot* base) : base_(base) {}

  absl::StatusOr<bool> Get(Space space, absl::string_view key, std::string* value) const override {
    ++gets;
    return base_->Get(space, key, value);
  }
  absl::Status GetMany(Space space, absl::Span<const std::string> keys,
                       const ManyVisitor& visit) const override {
    return base_->GetMany(space, keys, visit);
  }
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view lower,
                               absl::string_view upper) const override {
    ++scans;
    return base_->Scan(space, lower, upper);
  }

  mutable int gets = 0, scans = 0;

 private:
  const Snapshot* const base_;
};

class OverlayTest : public ::testing::Test {
 protected:
  OverlayTest() : engine_(OpenMem()) {
    std::vector<std::string> keys;
    for (int i = 0; i < 100; ++i) {
      keys.push_back(absl::StrCat("few/", 100 + i % 10));
      keys.push_back(absl::StrCat("many/", 100 + i));
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    Batch batch;
    for (const std::string& key : keys) batch.ops.push_back({Space::kData, key, "old"});
    batch.position = 1;
    EXPECT_TRUE(engine_->Commit(batch).ok());
    snapshot_ = engine_->NewSnapshot();
    beneath_ = std::make_unique<CountingSnapshot>(snapshot_.get());
    overlay_ = std::make_unique<Overlay>(beneath_.get());
  }

  static std::string RestOf(Cursor* cursor) {
    std::vector<std::string> rows;
    for (; cursor->Valid(); cursor->Next()) {
      rows.push_back(absl::StrCat(cursor->key(), "=", cursor->value()));
    }
    EXPECT_TRUE(cursor->status().ok());
    return absl::StrJoin(rows, " ");
  }
  std::string Range(const std::string& lower, const std::string& upper) {
    return RestOf(overlay_->Scan(Space::kData, lower, upper).get());
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Snapshot> snapshot_;
  std::unique_ptr<CountingSnapshot> beneath_;
  std::unique_ptr<Overlay> overlay_;
};

TEST_F(OverlayTest, AFewRowsBeneathAreWalkedOnce) {
  const std::string all = Range("few/107", "few0");
  EXPECT_EQ(all, "few/107=old few/108=old few/109=old");
  EXPECT_EQ(beneath_->scans, 1);
  EXPECT_EQ(Range("few/107", "few0"), all);
  EXPECT_EQ(beneath_->scans, 1);
  // What is written shows, and what is taken back does not.
  const size_t mark = overlay_->Mark();
  overlay_->Put(Space::kData, "few/107", "new");
  overlay_->Delete(Space::kData, "few/108");
  overlay_->Put(Space::kData, "few/1085", "more");
  EXPECT_EQ(Range("few/107", "few0"), "few/107=new few/1085=more few/109=old");
  overlay_->Rollback(mark);
  EXPECT_EQ(Range("few/107", "few0"), all);
  EXPECT_EQ(beneath_->scans, 1);
  // Another end is another range.
  EXPECT_EQ(Range("few/107", "few/108"), "few/107=old");
  EXPECT_EQ(Range("few/107", "few0"), all);
  EXPECT_EQ(Range("few/107", ""), all + " " + Range("many/", ""));
}

TEST_F(OverlayTest, WhatWasWalkedCanBeSoughtIn) {
  for (int round = 0; round < 2; ++round) {
    const auto cursor = overlay_->Scan(Space::kData, "few/", "few0");
    if (round == 0) RestOf(cursor.get());
    cursor->Seek("few/1075");
    EXPECT_EQ(RestOf(cursor.get()), "few/108=old few/109=old") << round;
    cursor->Seek("few/109");
    EXPECT_EQ(RestOf(cursor.get()), "few/109=old") << round;
    cursor->Seek("few/109a");
    EXPECT_FALSE(cursor->Valid());
  }
  EXPECT_EQ(beneath_->scans, 1);
  // One that did not begin at the beginning, or did not come to the end, says nothing of the range.
  const auto sought = overlay_->Scan(Space::kData, "few/1", "few0");
  sought->Seek("few/108");
  EXPECT_EQ(RestOf(sought.get()), "few/108=old few/109=old");
  EXPECT_TRUE(overlay_->Scan(Space::kData, "few/1", "few0")->Valid());
  EXPECT_EQ(Range("few/1", "few0"), Range("few/", "few0"));
}

TEST_F(OverlayTest, WhatWasLookedForAmongOthersInVainIsNotAskedForAgain) {
  const auto found = [&](const std::string& key) {
    std::string value;
    return overlay_->Get(Space::kData, key, &value).value() ? value : "-";
  };
  const std::vector<std::string> keys = {"few/100", "few/1000", "few/1001"};
  ASSERT_TRUE(overlay_
                  ->GetMany(Space::kData, keys,
                            [](size_t, std::optional<absl::string_view>) -> absl::StatusOr<bool> {
                              return true;
                            })
                  .ok());
  EXPECT_EQ(found("few/1000"), "-");
  EXPECT_EQ(found("few/1001"), "-");
  EXPECT_EQ(beneath_->gets, 0);
  EXPECT_EQ(found("few/100"), "old");
  const size_t mark = overlay_->Mark();
  overlay_->Put(Space::kData, "few/1000", "new");
  EXPECT_EQ(found("few/1000"), "new");
  overlay_->Rollback(mark);
  EXPECT_EQ(found("few/1000"), "-");
  EXPECT_EQ(beneath_->gets, 1);
  std::string value;
  EXPECT_TRUE(overlay_->Get(Space::kLog, "few/1000", &value).ok());
  EXPECT_EQ(beneath_->gets, 2) << "another space";
}

// The first three bytes of a key name its table.
TEST_F(OverlayTest, ATableThatHoldsNothingIsWalkedOnce) {
  EmptyTables tables;
  overlay_ = std::make_unique<Overlay>(beneath_.get(), &tables);
  EXPECT_EQ(Range("non/5", "non/6"), "");
  EXPECT_EQ(beneath_->scans, 1);
  EXPECT_EQ(Range("non/7", "non/8"), "");
  EXPECT_EQ(Range("non", "noo"), "");
  EXPECT_EQ(beneath_->scans, 1);
  // Where there are rows somewhere, each walk is one; what goes on behind a table is asked for.
  EXPECT_EQ(Range("few/107", "few/108"), "few/107=old");
  EXPECT_EQ(Range("few/5", "few/6"), "");
  EXPECT_EQ(Range("few/5", "few/6"), "");
  EXPECT_EQ(beneath_->scans, 1 + 1 + 3);
  EXPECT_EQ(Range("lon/5", "many/101"), "many/100=old");
  // A batch over this one knows it too. What is written is there from then on, for both.
  Overlay above(overlay_.get(), &tables);
  const auto seen = [](const Overlay& overlay) {
    return RestOf(overlay.Scan(Space::kData, "non/5", "non/6").get());
  };
  EXPECT_EQ(seen(above), "");
  const size_t mark = overlay_->Mark();
  overlay_->Put(Space::kData, "non/5", "new");
  EXPECT_EQ(seen(*overlay_), "non/5=new");
  EXPECT_EQ(seen(above), "non/5=new");
  overlay_->Rollback(mark);
  EXPECT_EQ(seen(*overlay_), "");
  overlay_->Put(Space::kData, "non/5", "again");
  EXPECT_EQ(seen(Overlay(overlay_.get(), &tables)), "non/5=again");
  // Of the log nothing is known by its first bytes.
  overlay_->Put(Space::kLog, "abc", "x");
  const int scans = beneath_->scans;
  RestOf(overlay_->Scan(Space::kLog, "xyz", "xyzz").get());
  RestOf(overlay_->Scan(Space::kLog, "xyz", "xyzz").get());
  EXPECT_EQ(beneath_->scans, scans + 2);
}

TEST_F(OverlayTest, ManyRowsAndManyRangesAreNotKept) {
  const std::string all = Range("many/", "many0");
  EXPECT_EQ(Range("many/", "many0"), all);
  EXPECT_EQ(beneath_->scans, 2);
  const auto held = overlay_->Scan(Space::kData, "few/", "few0");
  const std::string few = Range("few/", "few0");
  const auto kept = overlay_->Scan(Space::kData, "few/", "few0");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Range(absl::StrCat("many/", 100 + i), absl::StrCat("many/", 101 + i)),
              absl::StrCat("many/", 100 + i, "=old"));
  }
  EXPECT_EQ(RestOf(kept.get()), few) << "though it is forgotten by now";
  EXPECT_EQ(RestOf(held.get()), few);
}

// Whether an index is being built is a look by key, which nobody takes once all are built.
TEST_F(OverlayTest, WhatIsBuiltIsNotAskedFor) {
  const Schema schema = WidgetSchema();
  const auto visit = [](const RowView&, absl::string_view) -> absl::StatusOr<bool> { return true; };
  for (const bool all_built : {false, true}) {
    const Reader reader(beneath_.get(), &schema, Day("2026-06-15"), /*settled=*/true, all_built);
    beneath_->gets = 0;
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(reader.Scan(kByTag, {}, {}, visit).ok());
    EXPECT_EQ(beneath_->gets, all_built ? 0 : 5);
  }
}

}  // namespace
}  // namespace nisi::store
