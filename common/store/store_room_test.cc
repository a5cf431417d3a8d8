// A disk that has little room left: writes wait, reads do not, and nobody has to restart anything.
#include "common/store/fault_fs.h"
#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

constexpr uint64_t kReserve = 1'000'000;

class StoreRoomTest : public ::testing::Test {
 protected:
  void SetUp() override { Open("store"); }

  void Open(const std::string& name) {
    store_.reset();
    RocksOptions rocks;
    rocks.dir = dir_ / name;
    rocks.sync = false;
    rocks.file_system = disk_.file_system();
    auto engine = OpenRocks(rocks);
    ASSERT_TRUE(engine.ok()) << engine.status();
    Store::Options options;
    options.clock = &clock_;
    options.background = false;
    options.disk_reserve_bytes = kReserve;
    options.on_failure = [this](const absl::Status&) { failed_ = true; };
    options.timers["act"] = [this](Tx&, absl::string_view, absl::Time) {
      ++acted_;
      return absl::OkStatus();
    };
    auto store = Store::Open(*std::move(engine), schema_, std::move(options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  absl::Status Write(const char* id, const char* code) {
    return store_->Write(Info(id), Putting(MakeWidget(code, "red"))).status();
  }
  bool Has(const char* code) {
    const auto found = store_->Read().Find(kWidgets, Key::Of(code));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && found->has_value();
  }

  FaultDisk disk_{FaultPlan{}};
  base::FakeClock clock_{Day("2026-06-15").StartOfDay()};
  TempDir dir_;
  Schema schema_ = WidgetSchema();
  std::unique_ptr<Store> store_;
  bool failed_ = false;
  int acted_ = 0;
};

constexpr char kFirst[] = "00000000-0000-4000-8000-000000000001";
constexpr char kSecond[] = "00000000-0000-4000-8000-000000000002";

TEST_F(StoreRoomTest, RefusesWritesBelowTheReserveAndTakesThemAgainAbove) {
  disk_.SayFreeSpace(kReserve);
  ASSERT_TRUE(Write(kFirst, "a").ok());
  disk_.SayFreeSpace(kReserve - 1);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const absl::Status refused = Write(kSecond, "b");
    EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
    EXPECT_EQ(base::ReasonOf(refused), "DISK_FULL");
    EXPECT_TRUE(refused.GetPayload(base::TypeUrl(google::rpc::RetryInfo())).has_value());
  }
  EXPECT_TRUE(Has("a"));
  EXPECT_FALSE(Has("b"));
  EXPECT_EQ(store_->position(), 1);
  EXPECT_TRUE(store_->failure().ok());

  disk_.SayFreeSpace(kReserve);
  const auto written = store_->Write(Info(kSecond), Putting(MakeWidget("b", "red")));
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->position, 2);
  EXPECT_FALSE(written->replayed);
  const auto findings = store_->Scrub();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, ::testing::IsEmpty());
  EXPECT_FALSE(failed_);
}

TEST_F(StoreRoomTest, WhatTakesNoRoomGoesOn) {
  ASSERT_TRUE(Write(kFirst, "a").ok());
  disk_.SayFreeSpace(0);
  // A client that did not get its answer.
  const auto again = store_->Write(Info(kFirst), Putting(MakeWidget("a", "red")));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->replayed);
  CommandInfo dry = Info(kSecond);
  dry.validate_only = true;
  EXPECT_TRUE(store_->Write(dry, Putting(MakeWidget("b", "red"))).ok());
  // What makes room.
  EXPECT_TRUE(store_->PruneJournal(2).ok());
  EXPECT_EQ(store_->oldest_position(), 2);
}

TEST_F(StoreRoomTest, ATimerWaitsForRoom) {
  const absl::Time due = clock_.Now() + absl::Hours(1);
  const auto scheduled = store_->Write(Info(), [due](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(due, "act", "");
    return std::string();
  });
  ASSERT_TRUE(scheduled.ok()) << scheduled.status();
  clock_.Set(due);
  disk_.SayFreeSpace(0);
  EXPECT_TRUE(absl::IsResourceExhausted(store_->RunDueTimers().status()));
  EXPECT_EQ(acted_, 0);
  disk_.SayFreeSpace(kReserve);
  const auto fired = store_->RunDueTimers();
  ASSERT_TRUE(fired.ok()) << fired.status();
  EXPECT_EQ(*fired, 1);
  EXPECT_EQ(acted_, 1);
}

// Copies of what is there already: they need not be made now, and would take the reserve.
TEST_F(StoreRoomTest, WhatIsBuiltOfRecordsWaitsForRoom) {
  const Schema full = schema_;
  schema_.indexes = {&kByColor};
  schema_.totals = {};
  Open("young");
  ASSERT_TRUE(Write(kFirst, "a").ok());
  schema_ = full;
  Open("young");
  const size_t unbuilt = store_->UnbuiltIndexes()->size();
  EXPECT_GT(unbuilt, 1U);
  disk_.SayFreeSpace(0);
  EXPECT_EQ(base::ReasonOf(store_->BuildIndexes()), "DISK_FULL");
  EXPECT_EQ(store_->UnbuiltIndexes()->size(), unbuilt);
  disk_.SayFreeSpace(kReserve);
  EXPECT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(store_->UnbuiltIndexes()->size(), 0U);
  EXPECT_TRUE(store_->failure().ok());
}

}  // namespace
}  // namespace nisi::store
