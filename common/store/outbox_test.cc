#include "common/store/outbox.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <regex>
#include <set>

#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OutboxTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    relay_options_.background = false;
    Relay();
  }
  void TearDown() override { relay_.reset(); }

  void Relay() {
    relay_ = std::make_unique<OutboxRelay>(
        *store_,
        [this](const OutboxMessage& message) -> absl::Status {
          WidgetRow row;
          EXPECT_TRUE(row.ParseFromString(message.payload));
          EXPECT_EQ(message.method, "/Do");
          const std::string line = absl::StrCat(message.target, ":", row.widget().code());
          tried_.push_back(line);
          ids_[line].insert(message.id);
          if (down_.contains(message.target)) return absl::UnavailableError("down");
          sent_.push_back(line);
          // Confirmed, and then the process dies before it notes so.
          return after_send_ ? after_send_() : absl::OkStatus();
        },
        relay_options_);
  }
  void Reopen() {
    relay_.reset();
    Open();
    Relay();
  }

  // One command that leaves messages: {target, code}.
  void Emit(const std::vector<std::pair<const char*, const char*>>& messages) {
    Do([&messages](Tx& tx) -> absl::StatusOr<std::string> {
      for (const auto& [target, code] : messages) tx.Emit(target, "/Do", MakeWidget(code, "red"));
      return std::string();
    });
  }
  int Run() {
    const auto sent = relay_->RunOnce();
    EXPECT_TRUE(sent.ok()) << sent.status();
    return sent.ok() ? *sent : -1;
  }

  OutboxRelay::Options relay_options_;
  std::set<std::string> down_;
  std::function<absl::Status()> after_send_;
  std::vector<std::string> tried_, sent_;
  std::map<std::string, std::set<std::string>> ids_;
  std::unique_ptr<OutboxRelay> relay_;
};
NISI_BOTH_ENGINES(OutboxTest);

TEST_P(OutboxTest, DeliversInOrderOnce) {
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(relay_->NextAttempt(), std::nullopt);
  Emit({{"x", "1"}, {"y", "2"}, {"x", "3"}});
  Emit({{"x", "4"}});
  for (int i = 5; i < 20; ++i) Emit({{"y", absl::StrCat(i).c_str()}});
  EXPECT_EQ(Run(), 19);
  const std::vector<std::string> first(sent_.begin(), sent_.begin() + 6);
  EXPECT_THAT(first, ElementsAre("x:1", "x:3", "x:4", "y:2", "y:5", "y:6"));
  EXPECT_EQ(sent_.back(), "y:19");
  EXPECT_EQ(Run(), 0);
  Reopen();
  EXPECT_EQ(Run(), 0);
  Healthy();
}

TEST_P(OutboxTest, IdsAreUuidsOfTheRow) {
  Emit({{"x", "1"}, {"x", "2"}});
  Run();
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  ASSERT_EQ(ids_.size(), 2U);
  for (const auto& [line, ids] : ids_) {
    ASSERT_EQ(ids.size(), 1U);
    EXPECT_TRUE(std::regex_match(*ids.begin(), uuid)) << *ids.begin();
  }
  EXPECT_NE(ids_["x:1"], ids_["x:2"]);
  EXPECT_NE(OutboxId("one store", "row", 1), OutboxId("another", "row", 1));
  EXPECT_NE(OutboxId("one store", "row", 1), OutboxId("one store", "row", 2));
  // As a release before wrote it, and perhaps delivered it.
  EXPECT_EQ(OutboxId("secret", "row", std::nullopt), "26258bb6-ccb8-8093-93f7-7f85b3eda378");
}

TEST_P(OutboxTest, DeadTargetHoldsUpNoOther) {
  down_ = {"dead"};
  Emit({{"dead", "1"}, {"live", "2"}, {"dead", "3"}, {"live", "4"}});
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(tried_, ElementsAre("dead:1", "live:2", "live:4"));  // and not dead:3
  OutboxRelay::Counts counts = relay_->counts();
  EXPECT_EQ(counts.pending, 2);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.delivered, 2);
  EXPECT_EQ(counts.failing_targets, 1);
  Emit({{"live", "5"}});
  EXPECT_EQ(Run(), 1);  // the dead one is not due
  EXPECT_EQ(relay_->counts().failed, 1);
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(relay_->counts().failed, 2);
  down_.clear();
  clock_.Advance(absl::Milliseconds(200));
  tried_.clear();
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(tried_, ElementsAre("dead:1", "dead:3"));
  counts = relay_->counts();
  EXPECT_EQ(counts.pending, 0);
  EXPECT_EQ(counts.failing_targets, 0);
  EXPECT_EQ(ids_["dead:1"].size(), 1U);  // three attempts, one id
}

TEST_P(OutboxTest, RetriesTwiceAsLateEachTimeUpToABound) {
  down_ = {"x"};
  Emit({{"x", "1"}});
  std::vector<int64_t> delays;
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(Run(), 0);
    const auto next = relay_->NextAttempt();
    ASSERT_TRUE(next.has_value());
    delays.push_back(absl::ToInt64Milliseconds(*next - clock_.Now()));
    clock_.Set(*next - absl::Milliseconds(1));
    const size_t tries = tried_.size();
    Run();
    EXPECT_EQ(tried_.size(), tries);  // not a moment earlier
    clock_.Set(*next);
  }
  EXPECT_THAT(delays,
              ElementsAre(100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000));
  down_.clear();
  EXPECT_EQ(Run(), 1);
  down_ = {"x"};
  Emit({{"x", "2"}});
  Run();
  EXPECT_EQ(*relay_->NextAttempt() - clock_.Now(), absl::Milliseconds(100));  // success forgets
}

TEST_P(OutboxTest, AClockThatIsSetBackKeepsATargetWaitingNoLonger) {
  down_ = {"x"};
  Emit({{"x", "1"}});
  EXPECT_EQ(Run(), 0);
  clock_.Set(clock_.Now() - absl::Hours(24 * 365));
  down_.clear();
  EXPECT_EQ(Run(), 1);
}

TEST_P(OutboxTest, FlakyTargetGetsAllInOrder) {
  int calls = 0;
  after_send_ = [&calls, this]() -> absl::Status {
    if (++calls % 3 != 1) return absl::OkStatus();
    sent_.pop_back();  // it never arrived
    return absl::DeadlineExceededError("lost");
  };
  std::vector<std::string> wanted;
  for (int i = 10; i < 40; ++i) {
    Emit({{"x", absl::StrCat(i).c_str()}});
    wanted.push_back(absl::StrCat("x:", i));
  }
  for (int round = 0; round < 100 && sent_.size() < wanted.size(); ++round) {
    Run();
    clock_.Advance(absl::Seconds(30));
  }
  EXPECT_EQ(sent_, wanted);
  for (const auto& [line, ids] : ids_) EXPECT_EQ(ids.size(), 1U) << line;
}

TEST_P(OutboxTest, UnconfirmedIsSentAgainUnderTheSameIdAfterReopening) {
  Emit({{"x", "1"}, {"x", "2"}, {"x", "3"}});
  int calls = 0;
  after_send_ = [&calls]() -> absl::Status {
    return ++calls == 2 ? absl::UnknownError("arrived, but the answer was lost") : absl::OkStatus();
  };
  EXPECT_EQ(Run(), 1);
  Reopen();
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(tried_, ElementsAre("x:1", "x:2", "x:2", "x:3"));
  EXPECT_EQ(ids_["x:2"].size(), 1U);
  Reopen();
  EXPECT_EQ(Run(), 0);
}

TEST_P(OutboxTest, BurstGivesOthersTheirTurn) {
  relay_options_.burst = 2;
  Relay();
  Emit({{"a", "1"}, {"a", "2"}, {"a", "3"}, {"b", "4"}});
  EXPECT_EQ(Run(), 3);
  EXPECT_THAT(sent_, ElementsAre("a:1", "a:2", "b:4"));
  EXPECT_EQ(relay_->NextAttempt(), absl::InfinitePast());
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(relay_->NextAttempt(), std::nullopt);
}

// Its target may have done it and forgotten it. What becomes of it is said by hand, and meanwhile
// those behind it wait, and no other target does.
TEST_P(OutboxTest, WhatItsTargetMayHaveForgottenIsNotSentByItself) {
  using Old = OutboxRelay::Old;
  const auto held = [this] {
    tried_.clear();
    sent_.clear();
    return relay_->counts().failing_targets;
  };
  Emit({{"x", "1"}});
  clock_.Advance(absl::Hours(24 * 30));
  Emit({{"x", "2"}, {"y", "3"}});
  Relay();
  EXPECT_EQ(Run(), 3);  // by a second not old
  held();
  Emit({{"x", "4"}});
  clock_.Advance(absl::Hours(24 * 30) + absl::Seconds(1));
  Emit({{"x", "5"}, {"y", "6"}});
  EXPECT_EQ(Run(), 1);
  EXPECT_THAT(tried_, ElementsAre("y:6"));
  EXPECT_EQ(relay_->counts().pending, 2);
  EXPECT_EQ(held(), 1);
  relay_options_.old = Old::kDrop;
  Reopen();
  EXPECT_EQ(Run(), 1);
  EXPECT_THAT(tried_, ElementsAre("x:5"));
  EXPECT_EQ(relay_->counts().delivered, 1);
  EXPECT_EQ(relay_->counts().pending, 0);
  Emit({{"x", "7"}});
  clock_.Advance(absl::Hours(24 * 31));
  relay_options_.old = Old::kSend;
  Reopen();
  EXPECT_EQ(Run(), 1);
  EXPECT_THAT(tried_, ElementsAre("x:5", "x:7"));
  EXPECT_EQ(held(), 0);
}

// A row of a release before does not say its time, but its command does, in the journal.
TEST_P(OutboxTest, AMessageOfAReleaseBeforeIsAsOldAsItsCommand) {
  const auto forget_time = [this] {
    relay_.reset();
    OwnedOp op{Space::kData, "", std::nullopt};
    {
      const View view = store_->Read();
      const std::string prefix = SystemKey(kOutboxId, Key());
      const auto cursor = view.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
      ASSERT_TRUE(cursor->Valid());
      KeyReader reader(cursor->value());
      const auto method = reader.Text(), payload = reader.Text();
      op.key = std::string(cursor->key());
      op.value = std::string(Key::Of(*method, *payload).bytes());
    }
    Plant({op});
    Relay();
  };
  Emit({{"x", "1"}});
  ASSERT_NO_FATAL_FAILURE(forget_time());
  EXPECT_EQ(Run(), 1);
  Emit({{"x", "2"}});
  ASSERT_NO_FATAL_FAILURE(forget_time());
  clock_.Advance(absl::Hours(24 * 31));
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(relay_->counts().failing_targets, 1);
  relay_options_.old = OutboxRelay::Old::kSend;
  Reopen();
  EXPECT_EQ(Run(), 1);
  // Whose entry is not kept any more may be of any age.
  relay_options_.old = OutboxRelay::Old::kHold;
  Emit({{"x", "3"}});
  ASSERT_NO_FATAL_FAILURE(forget_time());
  Do(Putting(MakeWidget("a", "red")));
  ASSERT_TRUE(store_->PruneJournal(store_->position()).ok());
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(relay_->counts().failing_targets, 1);
}

TEST_P(OutboxTest, FailedCommandSendsNothing) {
  EXPECT_FALSE(store_
                   ->Write(Info(),
                           [](Tx& tx) -> absl::StatusOr<std::string> {
                             tx.Emit("x", "/Do", MakeWidget("1", "red"));
                             return absl::CancelledError("no");
                           })
                   .ok());
  EXPECT_EQ(Run(), 0);
  EXPECT_THAT(tried_, IsEmpty());
}

TEST_P(OutboxTest, ThreadWakesOnCommitAndOnTheClock) {
  relay_.reset();
  std::mutex mutex;
  std::condition_variable changed;
  int tries = 0;
  OutboxRelay::Options options;
  OutboxRelay relay(
      *store_,
      [&](const OutboxMessage&) -> absl::Status {
        const std::lock_guard<std::mutex> lock(mutex);
        ++tries;
        changed.notify_all();
        return tries == 2 ? absl::UnavailableError("down") : absl::OkStatus();
      },
      options);
  const auto wait_for = [&](int count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return tries >= count; });
  };
  Emit({{"x", "1"}});
  wait_for(1);
  Emit({{"x", "2"}});
  wait_for(2);
  while (relay.counts().failed == 0) std::this_thread::yield();  // its delay counts from then
  clock_.Advance(absl::Milliseconds(100));
  wait_for(3);
}

}  // namespace
}  // namespace nisi::store
