// The scrub that runs by itself: beside commits, at a pace, and what its findings do.
#include <mutex>
#include <thread>

#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

using ::testing::IsEmpty;

TEST(ScrubPaceTest, IsHeldByTheBytesOrTheTimeWhicheverIsSlower) {
  struct Case {
    absl::Duration worked;
    uint64_t bytes;
    ScrubLimits limits;
    absl::Duration pause;
  };
  const Case cases[] = {
      {absl::Milliseconds(10), 1 << 20, {0, 1}, absl::ZeroDuration()},
      {absl::Milliseconds(10), 0, {0, 0.05}, absl::Milliseconds(190)},
      {absl::Milliseconds(10), 1 << 20, {4 << 20, 1}, absl::Milliseconds(240)},
      {absl::Milliseconds(10), 1 << 20, {4 << 20, 0.05}, absl::Milliseconds(240)},
      {absl::Milliseconds(100), 1 << 20, {4 << 20, 0.05}, absl::Milliseconds(1900)},
      {absl::Seconds(1), 1 << 20, {4 << 20, 1}, absl::ZeroDuration()},  // the disk is slower
  };
  for (const Case& c : cases) {
    const absl::Duration pause = PauseAfter(c.worked, c.bytes, c.limits);
    EXPECT_LT(absl::AbsDuration(pause - c.pause), absl::Microseconds(10)) << pause << c.pause;
  }
}

TEST(ScrubPaceTest, PausesAfterEachBurstAndEndsWhenToldSo) {
  int pauses = 0;
  bool go_on = true;
  ScrubPace pace({1 << 20, 1}, [&](absl::Duration wait) {
    ++pauses;
    EXPECT_GT(wait, absl::ZeroDuration());
    return go_on;
  });
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(pace.Read(256 << 10).ok());
  EXPECT_EQ(pauses, 8);
  go_on = false;
  EXPECT_TRUE(absl::IsCancelled(pace.Read(1 << 20)));
  EXPECT_TRUE(absl::IsCancelled(pace.Read(1))) << "and nothing more is read";
  EXPECT_EQ(pauses, 9);
}

class StoreScrubTest : public StoreTest {
 protected:
  void TearDown() override { store_.reset(); }

  // With a scrub that begins at once and again and again.
  void OpenScrubbed(ScrubLimits limits = {}, const std::string& name = "store") {
    store_.reset();
    auto engine = OpenEngine(name);
    ASSERT_TRUE(engine.ok()) << engine.status();
    Store::Options options = CopyOptions();
    options.background = true;
    options.scrub_interval = absl::Milliseconds(1);
    options.scrub_limits = limits;
    options.on_failure = [this](const absl::Status& status) {
      const std::lock_guard<std::mutex> lock(mutex_);
      failures_.push_back(status);
    };
    options.on_file_damage = [this](const absl::Status& status) {
      const std::lock_guard<std::mutex> lock(mutex_);
      damages_.push_back(status);
    };
    auto store = Store::Open(*std::move(engine), schema_, std::move(options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void WaitForRuns(int64_t runs) {
    while (store_->last_scrub().runs < runs && store_->failure().ok()) std::this_thread::yield();
  }
  // The store that has failed is not scrubbed again.
  void WaitForFailureOrAnotherRun() {
    const auto failed = [this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      return !failures_.empty();
    };
    while (!failed() && store_->last_scrub().runs < 2) std::this_thread::yield();
  }

  std::mutex mutex_;
  std::vector<absl::Status> failures_, damages_;
};
NISI_BOTH_ENGINES(StoreScrubTest);

TEST_P(StoreScrubTest, FindsNothingInASoundStoreThatIsWrittenPrunedAndBuiltMeanwhile) {
  // An index and totals that the store did not have.
  const Schema full = schema_;
  schema_.indexes = {&kByColor, &kByRegion};
  schema_.totals = {};
  store_.reset();
  disk_ = NewMemDisk();
  ASSERT_TRUE(TryOpen("young").ok());
  for (int i = 0; i < 3000; ++i) {
    Do(Putting(MakeOwned(absl::StrCat("w", i), i % 2 == 0 ? "red" : "blue", absl::StrCat(i))));
  }
  schema_ = full;
  OpenScrubbed({}, "young");
  for (int i = 0; store_->last_scrub().runs < 3 || i < 300; ++i) {
    ASSERT_TRUE(store_->failure().ok()) << store_->failure();
    const std::string code = absl::StrCat("w", i * 37 % 3000);
    WidgetRow row = MakeOwned(code, absl::StrCat("color", i % 5), absl::StrCat("bin", i));
    row.mutable_widget()->add_tags("all");
    const auto put = [&] { return store_->Write(Info(absl::StrCat("request-", i)), Putting(row)); };
    // What brings a new unique key waits while many records are not in its index.
    absl::Status written = put().status();
    while (base::ReasonOf(written) == "INDEX_BUILDING") written = put().status();
    ASSERT_TRUE(written.ok()) << written;
    if (i % 5 == 0) {
      ASSERT_TRUE(store_->Write(Info(), Putting(row, Day("2026-07-01"))).ok());
    }
    if (i % 7 == 0) {
      ASSERT_TRUE(store_->Write(Info(), Ending(code)).ok());
    }
    if (i % 20 == 0) {
      ASSERT_TRUE(store_->PruneJournal(store_->position() / 2).ok());
    }
  }
  const Store::ScrubRun run = store_->last_scrub();
  EXPECT_EQ(run.findings, 0);
  EXPECT_EQ(run.ended, clock_.Now());
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_TRUE(store_->file_damage().ok());
}

// Versions take effect by date: a command of the new day may take the key over before the timer has
// come to the record that has left it.
TEST_P(StoreScrubTest, AKeyThatChangedHandsBeforeTheTimersIsSound) {
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("a", "red", "Y"), Day("2026-06-16")));
  Do(Putting(MakeOwned("b", "red", "Z")));
  Do(Ending("b", Day("2026-06-16")));
  GoTo("2026-06-16");
  Do(Putting(MakeOwned("c", "red", "X")));
  Do(Putting(MakeOwned("d", "red", "Z")));
  EXPECT_EQ(HolderOf("X"), "c");
  EXPECT_EQ(HolderOf("Y"), "a");
  EXPECT_EQ(HolderOf("Z"), "d");
  Healthy();
  ScrubPace pace({1 << 20, 0.5}, [](absl::Duration) { return true; });
  EXPECT_THAT(*store_->Scrub(&pace), IsEmpty());
  EXPECT_EQ(Fire(), 2);
  Healthy();
}

TEST_P(StoreScrubTest, WhatContradictsItselfStopsTheStoreOnce) {
  Do(Putting(MakeWidget("a", "red")));
  // The index leads nowhere, and a row is found by none.
  const std::string dangling = absl::StrCat(TablePrefix(kByColor.id, kCurrent),
                                            Key::Of("green").bytes(), Key::Of("x").bytes());
  std::string length;
  AppendBigEndian32(&length, static_cast<uint32_t>(Key::Of("green").bytes().size()));
  Plant({{Space::kData, dangling, length}});
  OpenScrubbed();
  WaitForFailureOrAnotherRun();
  const std::lock_guard<std::mutex> lock(mutex_);
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_EQ(failures_[0].code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(base::ReasonOf(failures_[0]), "STORE_UNSOUND");
  EXPECT_EQ(base::InfoOf(failures_[0]).metadata().at("first"),
            "index widgets_by_color: dangling entry");
  EXPECT_EQ(store_->failure(), failures_[0]);
  EXPECT_EQ(store_->last_scrub().findings, 1);
  EXPECT_EQ(store_->Write(Info(), Putting(MakeWidget("b", "red"))).status().code(),
            absl::StatusCode::kUnavailable)
      << "nothing is acknowledged any more";
}

TEST_P(StoreScrubTest, WhatDoesNotReadIsDamageAndStopsNothing) {
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("b", "red")));
  Plant({{Space::kData, RowKey(kWidgets, Key::Of("a").bytes()), "no row"}});
  OpenScrubbed();
  while (store_->file_damage().ok()) std::this_thread::yield();
  EXPECT_EQ(store_->file_damage().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(store_->failure().ok());
  EXPECT_EQ(Color("b"), "red");
  EXPECT_TRUE(store_->Write(Info(), Putting(MakeWidget("c", "red"))).ok());
  store_.reset();
  EXPECT_EQ(damages_.size(), 1U) << "it is told once, however often it is found";
}

TEST_P(StoreScrubTest, AStoreThatEndsDoesNotWaitForIt) {
  for (int i = 0; i < 2000; ++i) Do(Putting(MakeWidget(absl::StrCat("w", i), "red")));
  OpenScrubbed({1, 1});  // a byte a second: as good as never
  ASSERT_TRUE(store_->Write(Info(), Putting(MakeWidget("x", "red"))).ok());
  store_.reset();
  OpenScrubbed();
  WaitForRuns(1);
  EXPECT_EQ(store_->last_scrub().findings, 0);
}

TEST_P(StoreScrubTest, FindsTheSameSlowlyAsFast) {
  for (int i = 0; i < 5000; ++i)
    Do(Putting(MakeOwned(absl::StrCat("w", i), "red", absl::StrCat(i))));
  Plant({{Space::kData, absl::StrCat(TablePrefix(kByBin.id, kCurrent), Key::Of("4999").bytes()),
          std::nullopt}});
  const auto fast = store_->Scrub();
  int pauses = 0;
  ScrubPace pace({1 << 20, 0.5}, [&](absl::Duration) { return ++pauses > 0; });
  const auto slow = store_->Scrub(&pace);
  ASSERT_TRUE(fast.ok() && slow.ok()) << fast.status() << slow.status();
  EXPECT_THAT(*fast, ::testing::ElementsAre("index widgets_by_bin: missing entry"));
  EXPECT_EQ(*slow, *fast);
  EXPECT_GT(pauses, 3);
}

}  // namespace
}  // namespace nisi::store
