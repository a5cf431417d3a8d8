// A service whose store fails: what the next process tells of it.
#include "common/rpc/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/store/failure_note.h"
#include "common/store/fault_fs.h"
#include "common/store/rocks_engine.h"
#include "common/store/store_testing.h"

namespace nisi::rpc {
namespace {

using ::testing::HasSubstr;

constexpr char kLastFailure[] = "nisi_store_last_failure_timestamp_seconds";

class Widgets : public HostedService {
 public:
  explicit Widgets(const HostOptions& options) {
    opened_ = OpenStore(options, store::WidgetSchema(), {});
  }
  const absl::Status& opened() const { return opened_; }

 private:
  absl::Status opened_;
};

class HostTest : public ::testing::Test {
 protected:
  HostOptions Options() {
    HostOptions options;
    options.data_dir = dir_ / "data";
    options.clock = &clock_;
    options.metrics = &metrics_;
    options.on_store_failure = [this](const absl::Status& status) {
      failure_ = status;
      failed_.Notify();
    };
    return options;
  }
  static absl::Status Put(Widgets& widgets, absl::string_view code) {
    return widgets.store()
        .Write(store::Info(), store::Putting(store::MakeWidget(code, "red")))
        .status();
  }
  // What a process that opens the store now shows, by kind.
  double LastFailure(absl::string_view kind) {
    Metrics metrics("widgets");
    HostOptions options = Options();
    options.metrics = &metrics;
    const Widgets widgets(options);
    EXPECT_TRUE(widgets.opened().ok()) << widgets.opened();
    const std::string text = metrics.Text();
    const std::string series =
        absl::StrCat(kLastFailure, "{process=\"widgets\",kind=\"", kind, "\"} ");
    const size_t at = text.find(series);
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size()));
  }
  // Past the store, into its files.
  void Plant(const std::string& key, const std::string& value) {
    store::RocksOptions rocks;
    rocks.dir = dir_ / "data/testing";
    rocks.now = absl::Now;
    auto engine = store::OpenRocks(rocks);
    ASSERT_TRUE(engine.ok()) << engine.status();
    store::Batch batch;
    batch.ops = {{store::Space::kData, key, value}};
    batch.base_position = batch.position = *(*engine)->LastPosition();
    ASSERT_TRUE((*engine)->Commit(batch).ok());
  }
  // The process would end here.
  void AwaitFailure() {
    failed_.WaitForNotification();
    ASSERT_TRUE(store::AwaitFailureNotes(absl::Minutes(1)));
  }
  static double Now() { return static_cast<double>(absl::ToUnixSeconds(absl::Now())); }

  const store::TempDir dir_;
  base::SystemClock clock_;
  Metrics metrics_{"widgets"};
  absl::Notification failed_;
  absl::Status failure_;
};

TEST_F(HostTest, ACommitThatFailedIsToldByTheNextProcess) {
  const double began = Now();
  {
    const auto plan = store::ParseFaultPlan("fail kind=eio at=30 ops=sync files=.log times=0");
    ASSERT_TRUE(plan.ok()) << plan.status();
    const store::FaultDisk disk(*plan);
    HostOptions options = Options();
    options.file_system = disk.file_system();
    Widgets widgets(options);
    ASSERT_TRUE(widgets.opened().ok()) << widgets.opened();
    for (int i = 0; Put(widgets, absl::StrCat("w", i)).ok(); ++i) {
      ASSERT_LT(i, 100) << "the disk never failed";
    }
    AwaitFailure();
  }
  EXPECT_GE(LastFailure("commit"), began);
  EXPECT_LE(LastFailure("commit"), Now());
  EXPECT_EQ(LastFailure("damage"), 0);
}

// Bytes that do not read stop nothing; the process that found them may be gone before anybody
// looks.
TEST_F(HostTest, DamageThatStoppedNothingIsToldByTheNextProcess) {
  const double began = Now();
  {
    Widgets widgets(Options());
    ASSERT_TRUE(widgets.opened().ok()) << widgets.opened();
    ASSERT_TRUE(Put(widgets, "a").ok());
  }
  Plant(absl::StrCat(store::TablePrefix(store::kWidgets.id, store::kCurrent),
                     store::Key::Of("a").bytes()),
        "no row");
  {
    HostOptions options = Options();
    options.scrub_interval = absl::Milliseconds(1);
    Widgets widgets(options);
    ASSERT_TRUE(widgets.opened().ok()) << widgets.opened();
    while (widgets.store().file_damage().ok()) absl::SleepFor(absl::Milliseconds(1));
    EXPECT_TRUE(Put(widgets, "b").ok());
  }
  ASSERT_TRUE(store::AwaitFailureNotes(absl::Minutes(1)));
  EXPECT_GE(LastFailure("damage"), began);
  EXPECT_EQ(LastFailure("commit"), 0);
}

TEST_F(HostTest, RowsThatContradictEachOtherAreToldByTheNextProcess) {
  const double began = Now();
  {
    Widgets widgets(Options());
    ASSERT_TRUE(widgets.opened().ok()) << widgets.opened();
    ASSERT_TRUE(Put(widgets, "a").ok());
  }
  EXPECT_EQ(LastFailure("damage"), 0);
  const std::string dangling =
      absl::StrCat(store::TablePrefix(store::kByColor.id, store::kCurrent),
                   store::Key::Of("green").bytes(), store::Key::Of("x").bytes());
  std::string length;
  store::AppendBigEndian32(&length, static_cast<uint32_t>(store::Key::Of("green").bytes().size()));
  Plant(dangling, length);
  {
    HostOptions options = Options();
    options.scrub_interval = absl::Milliseconds(1);
    const Widgets widgets(options);
    ASSERT_TRUE(widgets.opened().ok()) << widgets.opened();
    AwaitFailure();
    EXPECT_THAT(failure_.ToString(), HasSubstr("STORE_UNSOUND"));
  }
  EXPECT_GE(LastFailure("damage"), began);
  EXPECT_EQ(LastFailure("commit"), 0);
}

}  // namespace
}  // namespace nisi::rpc
