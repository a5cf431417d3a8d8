// What the store does by itself: schema checks, index building, timers, followers, copies, the
// scrub.
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>

#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StoreUpkeepTest : public StoreTest {
 protected:
  std::vector<std::string> Findings() {
    const auto findings = store_->Scrub();
    EXPECT_TRUE(findings.ok()) << findings.status();
    return findings.ok() ? *findings : std::vector<std::string>{};
  }
  // A stored value, as it lies in the engine.
  std::string Raw(Space space, const std::string& key) {
    std::string value;
    const View view = store_->Read();
    const auto present = view.snapshot().Get(space, key, &value);
    EXPECT_TRUE(present.ok() && *present);
    return value;
  }
};
NISI_BOTH_ENGINES(StoreUpkeepTest);

TEST_P(StoreUpkeepTest, RefusesASchemaThatReadsBytesOtherwise) {
  Do(Putting(MakeWidget("a", "red")));
  const Schema good = schema_;
  const auto refusal = [&](const std::function<void(Schema&)>& change) {
    schema_ = good;
    change(schema_);
    const std::string reason = base::ReasonOf(TryOpen());
    schema_ = good;
    return reason;
  };
  EXPECT_EQ(refusal([](Schema& s) { s.name = "other"; }), "SCHEMA_MISMATCH");
  const Table<WidgetRow> renamed(1, "gadgets",
                                 [](const WidgetRow& row) { return Key::Of(row.widget().code()); });
  EXPECT_EQ(refusal([&](Schema& s) {
              s.tables[0] = &renamed, s.indexes = {&kByRegion}, s.totals = {};
              s.retired = {10, 11, 12, 14};
            }),
            "SCHEMA_MISMATCH");
  EXPECT_EQ(refusal([](Schema& s) { s.tables = {&kWidgets}, s.indexes.pop_back(); }),
            "STORE_NEWER");  // a release that never had them
  const Index<WidgetRow> not_unique(11, "widgets_by_bin", kWidgets, false,
                                    [](const WidgetRow&, const EmitKey&) {});
  EXPECT_EQ(refusal([&](Schema& s) { s.indexes[1] = &not_unique; }), "SCHEMA_MISMATCH");
  const Index<WidgetRow> twice(10, "again", kWidgets, false,
                               [](const WidgetRow&, const EmitKey&) {});
  EXPECT_EQ(refusal([&](Schema& s) { s.indexes.push_back(&twice); }), "SCHEMA_INVALID");
  const Totals<WidgetRow> longer(14, "widget_totals", kWidgets, 4,
                                 [](const WidgetRow&, const EmitTotals&) {});
  EXPECT_EQ(refusal([&](Schema& s) { s.totals = {&longer}; }), "SCHEMA_MISMATCH");
  EXPECT_EQ(refusal([](Schema& s) { s.totals = {}; }), "STORE_NEWER");
  const Totals<WidgetRow> number_taken(13, "again", kWidgets, 1,
                                       [](const WidgetRow&, const EmitTotals&) {});
  EXPECT_EQ(refusal([&](Schema& s) { s.totals.push_back(&number_taken); }), "SCHEMA_INVALID");
  const Totals<WidgetRow> no_count(15, "no_count", kWidgets, 0,
                                   [](const WidgetRow&, const EmitTotals&) {});
  EXPECT_EQ(refusal([&](Schema& s) { s.totals.push_back(&no_count); }), "SCHEMA_INVALID");
  EXPECT_EQ(refusal([](Schema& s) { s.indexes.pop_back(), s.retired = {13}; }),
            "");                                      // retired: its number stays taken
  EXPECT_EQ(refusal([](Schema&) {}), "STORE_NEWER");  // and cannot come back
  EXPECT_EQ(refusal([](Schema& s) { s.indexes.pop_back(), s.retired = {13}, s.format = 2; }), "");
  EXPECT_EQ(refusal([](Schema& s) { s.indexes.pop_back(), s.retired = {13}; }), "STORE_NEWER");
}

TEST_P(StoreUpkeepTest, QuietTimersThatOnlyScheduleKeepWhatEachScheduled) {
  int rounds = 0;
  options_.timers["again"] = [&](Tx& tx, absl::string_view, absl::Time due) -> absl::Status {
    ++rounds;
    tx.Schedule(due + absl::Hours(1), "note", "");
    return absl::OkStatus();
  };
  options_.timers["note"] = [&](Tx&, absl::string_view, absl::Time) { return absl::OkStatus(); };
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(clock_.Now(), "again", "a");
    tx.Schedule(clock_.Now(), "again", "b");
    return std::string();
  });
  EXPECT_EQ(Fire(), 2);
  EXPECT_EQ(rounds, 2);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Fire(), 2);  // one note each
  Healthy();
}

TEST_P(StoreUpkeepTest, RefusesANewerLayout) {
  std::string schema = Raw(Space::kData, SystemKey(kMetaId, Key::Of("schema")));
  const std::string ours = absl::StrCat("\"layout\":", kLayoutFormat);
  ASSERT_NE(schema.find(ours), std::string::npos);
  schema.replace(schema.find(ours), ours.size(), absl::StrCat("\"layout\":", kLayoutFormat + 1));
  store_.reset();
  {
    auto engine = *OpenEngine();
    const std::string key = SystemKey(kMetaId, Key::Of("schema"));
    const Batch batch{{{Space::kData, key, schema}}, 0, 0};
    ASSERT_TRUE(engine->Commit(batch).ok());
  }
  EXPECT_EQ(base::ReasonOf(TryOpen()), "STORE_NEWER");
}

// Who has it makes page tokens and tries out what was withheld: none at all is everybody's.
TEST_P(StoreUpkeepTest, RefusesAStoreWithoutItsSecret) {
  store_.reset();
  {
    auto engine = *OpenEngine();
    const std::string key = SystemKey(kMetaId, Key::Of("secret"));
    ASSERT_TRUE(engine->Commit({{{Space::kData, key, std::nullopt}}, 0, 0}).ok());
  }
  EXPECT_EQ(base::ReasonOf(TryOpen()), "STORE_CORRUPT");
}

TEST_P(StoreUpkeepTest, BuildsANewIndexWhileServing) {
  const Schema full = OpenOfBefore({&kByColor, &kByRegion});
  for (int i = 0; i < 450; ++i) {
    WidgetRow row = MakeOwned(absl::StrCat("w", 1000 + i), "red", absl::StrCat("bin", 1000 + i));
    row.mutable_widget()->add_tags("all");
    row.mutable_widget()->add_tags(i % 2 == 0 ? "even" : "odd");
    Do(Putting(row));
  }
  Do(Ending("w1000"));
  Do(Putting(MakeWidget("w1001", "bare")));
  WidgetRow future = MakeWidget("w1002", "gold");
  future.mutable_widget()->add_tags("later");
  Do(Putting(future, Day("2026-06-20")));
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre());

  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre(11, 12));
  EXPECT_EQ(Rows(kByTag), "INDEX_BUILDING");
  EXPECT_EQ(HolderOf("bin1003"), "INDEX_BUILDING");
  EXPECT_NE(Rows(kByColor), "INDEX_BUILDING");
  Healthy();

  // Writes go on between the steps: at the front, at the end, on rows built and not built yet.
  std::promise<absl::Status> built;
  std::thread builder([&] { built.set_value(store_->BuildIndexes()); });
  for (int i = 0; i < 60; ++i) {
    WidgetRow row = MakeOwned(absl::StrCat("w", 1010 + 7 * i), "blue", absl::StrCat("new", i));
    row.mutable_widget()->add_tags("changed");
    Do(Putting(row));
    if (i % 10 == 0) Do(Ending(absl::StrCat("w", 1011 + 7 * i)));
    Do(Putting(
        MakeOwned(absl::StrCat(i % 2 == 0 ? "a" : "z", i), "pink", absl::StrCat("more", i))));
  }
  builder.join();
  const absl::Status status = built.get_future().get();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre());
  EXPECT_EQ(HolderOf("bin1003"), "w1003");
  EXPECT_EQ(HolderOf("bin1010"), "-");
  EXPECT_EQ(HolderOf("new0"), "w1010");
  EXPECT_EQ(HolderOf("more59"), "z59");
  EXPECT_EQ(Rows(kByTag, {Key::Of("later"), ""}, {Day("2026-06-20"), std::nullopt}), "w1002=gold");
  EXPECT_EQ(Rows(kByTag, {Key::Of("later"), ""}), "");
  EXPECT_THAT(Rows(kByTag, {Key::Of("all"), ""}, {std::nullopt, Micros(clock_.Now()) + 449}),
              HasSubstr("w1000=red"));
  Healthy();
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre());
}

// From the moment it is declared, and not only when it is built, no key gets a second holder.
TEST_P(StoreUpkeepTest, AUniqueKeyGetsNoSecondHolderWhileItsIndexIsBuilt) {
  const Schema full = OpenOfBefore({&kByColor, &kByTag, &kByRegion});
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("b", "red", "Y")));
  Do(Putting(MakeOwned("c", "red", "Z"), Day("2026-07-01")));
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  ASSERT_THAT(*store_->UnbuiltIndexes(), ElementsAre(11));
  const auto refusal = [this](const WidgetRow& row, std::optional<base::Date> from = std::nullopt) {
    return base::ReasonOf(store_->Write(Info(), Putting(row, from)).status());
  };
  EXPECT_EQ(refusal(MakeOwned("d", "blue", "X")), "ALREADY_EXISTS");
  EXPECT_EQ(refusal(MakeOwned("a", "blue", "Y")), "ALREADY_EXISTS");  // one that is there already
  EXPECT_EQ(refusal(MakeOwned("d", "blue", "Z")), "ALREADY_EXISTS");  // it comes to another in July
  EXPECT_EQ(refusal(MakeOwned("a", "blue", "X")), "");
  EXPECT_EQ(refusal(MakeOwned("d", "blue", "W")), "");
  EXPECT_EQ(refusal(MakeOwned("e", "blue", "W")), "ALREADY_EXISTS");  // put meanwhile
  EXPECT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(refusal(MakeOwned("d", "blue", "X")), "ALREADY_EXISTS");
  EXPECT_EQ(HolderOf("X"), "a");
  EXPECT_EQ(HolderOf("W"), "d");
  Healthy();
}

// Nobody can say of many at once that none of them holds a key: what brings a new one waits until
// they are in the index, and all else goes on.
TEST_P(StoreUpkeepTest, ANewUniqueKeyWaitsWhileManyAreNotInItsIndex) {
  const Schema full = OpenOfBefore({&kByColor, &kByTag, &kByRegion});
  for (int i = 0; i < 1002; ++i) {
    Do(Putting(MakeOwned(absl::StrCat("w", 1000 + i), "red", absl::StrCat("bin", 1000 + i))));
  }
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  const auto refusal = [this](const WidgetRow& row) {
    return base::ReasonOf(store_->Write(Info(), Putting(row)).status());
  };
  EXPECT_EQ(refusal(MakeOwned("new", "blue", "new")), "INDEX_BUILDING");
  EXPECT_EQ(refusal(MakeOwned("w1500", "blue", "bin1500")), "");
  EXPECT_EQ(refusal(MakeWidget("bare", "blue")), "");
  EXPECT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(refusal(MakeOwned("new", "blue", "new")), "");
  EXPECT_EQ(HolderOf("bin1500"), "w1500");
  Healthy();
}

// Two that hold a key not today, but on a day to come: a day's turn would find it out.
TEST_P(StoreUpkeepTest, UniqueIndexOverTwoHoldersToComeIsNotBuilt) {
  const Schema full = OpenOfBefore({&kByColor, &kByTag, &kByRegion});
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("b", "red", "Y")));
  Do(Putting(MakeOwned("b", "red", "X"), Day("2026-07-01")));
  // They hold it one after the other.
  Do(Putting(MakeOwned("c", "red", "Z")));
  Do(Putting(MakeOwned("c", "red", "V"), Day("2026-07-01")));
  Do(Putting(MakeOwned("d", "red", "Z"), Day("2026-07-01")));
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  const absl::Status refused = store_->BuildIndexes();
  EXPECT_EQ(base::ReasonOf(refused), "ALREADY_EXISTS");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("position"), "3");
  Do(Putting(MakeOwned("b", "red", "U"), Day("2026-07-01")));
  ASSERT_TRUE(store_->BuildIndexes().ok());
  GoTo("2026-07-01");
  (void)store_->RunDueTimers();
  EXPECT_EQ(HolderOf("X"), "a");
  EXPECT_EQ(HolderOf("Z"), "d");
  EXPECT_EQ(HolderOf("U"), "b");
  Healthy();
}

// They close the table to no new key and keep nothing else from being built, and either may leave
// the key.
TEST_P(StoreUpkeepTest, TwoHoldersKeepNobodyFromWriting) {
  const Schema full = schema_;
  schema_.indexes = {&kByColor, &kByRegion};
  schema_.totals = {};
  store_.reset();
  disk_ = NewMemDisk();
  ASSERT_TRUE(TryOpen("young").ok());
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("b", "red", "X")));
  Do(Putting(MakeOwned("c", "red", "X")));
  // Two that hold it from a day on.
  Do(Putting(MakeOwned("d", "red", "Y")));
  Do(Putting(MakeOwned("e", "red", "E")));
  Do(Putting(MakeOwned("e", "red", "Y"), Day("2026-07-01")));
  ASSERT_TRUE(store_
                  ->Write(Info(),
                          [](Tx& tx) -> absl::StatusOr<std::string> {
                            for (int i = 0; i < 1100; ++i) {
                              WidgetRow row = MakeOwned(absl::StrCat("w", 1000 + i), "red",
                                                        absl::StrCat("bin", 1000 + i));
                              RETURN_IF_ERROR(tx.Put(kWidgets, &row));
                            }
                            return std::string();
                          })
                  .ok());
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_EQ(base::ReasonOf(store_->BuildIndexes()), "ALREADY_EXISTS");
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre(11));
  EXPECT_EQ(HolderOf("X"), "INDEX_BUILDING");
  Do(Putting(MakeOwned("new", "blue", "new")));
  EXPECT_EQ(Refused(Putting(MakeOwned("other", "blue", "new"))), "ALREADY_EXISTS");
  EXPECT_EQ(Refused(Putting(MakeOwned("other", "blue", "X"))), "ALREADY_EXISTS");
  EXPECT_EQ(Refused(Putting(MakeOwned("other", "blue", "bin1500"))), "ALREADY_EXISTS");
  Do(Putting(MakeOwned("a", "blue", "X")));  // both may keep it
  Do(Putting(MakeOwned("b", "blue", "X")));
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_EQ(base::ReasonOf(store_->BuildIndexes()), "ALREADY_EXISTS");
  Do(Ending("a"));
  Do(Putting(MakeOwned("c", "red", "Z")));
  EXPECT_EQ(base::ReasonOf(store_->BuildIndexes()), "ALREADY_EXISTS");
  // The day's turn gives the entry to another of the two, who leaves it.
  GoTo("2026-07-01");
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(base::ReasonOf(store_->BuildIndexes()), "ALREADY_EXISTS");
  Do(Putting(MakeOwned("e", "red", "V")));
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(HolderOf("X"), "b");
  EXPECT_EQ(HolderOf("Y"), "d");
  EXPECT_EQ(HolderOf("Z"), "c");
  EXPECT_EQ(HolderOf("new"), "new");
  EXPECT_EQ(HolderOf("bin2099"), "w2099");
  Healthy();
}

// It is decided by what a record holds where the new version is to be, not by what it holds today.
TEST_P(StoreUpkeepTest, AKeyThatARecordHoldsTodayIsNotKeptPastTheDayOnWhichItLeavesIt) {
  const Schema full = OpenOfBefore({&kByColor, &kByTag, &kByRegion});
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("a", "red", "Y"), Day("2026-07-01")));
  Do(Putting(MakeOwned("b", "red", "X"), Day("2026-07-01")));
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_EQ(Refused(Putting(MakeOwned("a", "red", "X"), Day("2026-08-01"))), "ALREADY_EXISTS");
  Do(Putting(MakeOwned("a", "blue", "X")));
  Do(Putting(MakeOwned("a", "blue", "Y"), Day("2026-08-01")));
  ASSERT_TRUE(store_->BuildIndexes().ok());
  Healthy();
}

// One command that brings many keys looks once through what is not in the index, and again when a
// part of it was taken back.
TEST_P(StoreUpkeepTest, ACommandLooksOnceThroughWhatIsNotInTheIndex) {
  static int asked = 0;
  asked = 0;
  const Index<WidgetRow> counted(11, "widgets_by_bin", kWidgets, /*is_unique=*/true,
                                 [](const WidgetRow& row, const EmitKey& emit) {
                                   ++asked;
                                   if (!row.widget().bin().empty())
                                     emit(Key::Of(row.widget().bin()));
                                 });
  const Schema full = OpenOfBefore({&kByColor, &kByTag, &kByRegion});
  for (int i = 0; i < 100; ++i) {
    Do(Putting(MakeOwned(absl::StrCat("w", 1000 + i), "red", absl::StrCat("bin", 1000 + i))));
  }
  schema_ = full;
  schema_.indexes[1] = &counted;
  ASSERT_TRUE(TryOpen("young").ok());
  const auto put = [](Tx& tx, const std::string& code, const std::string& bin) {
    WidgetRow row = MakeOwned(code, "blue", bin);
    return tx.Put(kWidgets, &row);
  };
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 100; ++i)
      RETURN_IF_ERROR(put(tx, absl::StrCat("n", i), absl::StrCat("new", i)));
    EXPECT_LT(asked, 100 * 10);
    EXPECT_EQ(base::ReasonOf(put(tx, "n", "bin1050")), "ALREADY_EXISTS");
    EXPECT_EQ(base::ReasonOf(put(tx, "n", "new50")), "ALREADY_EXISTS");
    RETURN_IF_ERROR(put(tx, "w1050", "moved"));
    return std::string();
  });
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    EXPECT_FALSE(tx.Attempt([&]() -> absl::Status {
                     RETURN_IF_ERROR(put(tx, "w1051", ""));
                     RETURN_IF_ERROR(put(tx, "m", "bin1051"));
                     return absl::AbortedError("taken back");
                   }).ok());
    EXPECT_EQ(base::ReasonOf(put(tx, "m", "bin1051")), "ALREADY_EXISTS");
    RETURN_IF_ERROR(put(tx, "m", "its own"));
    return std::string();
  });
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(HolderOf("bin1051"), "w1051");
  Healthy();
  store_.reset();  // it holds on to the index
}

TEST_P(StoreUpkeepTest, UniqueIndexOverTwoHoldersIsNotBuilt) {
  const Schema full = OpenOfBefore({&kByColor, &kByTag, &kByRegion});
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("b", "red", "X")));
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_EQ(base::ReasonOf(store_->BuildIndexes()), "ALREADY_EXISTS");
  EXPECT_EQ(HolderOf("X"), "INDEX_BUILDING");
  Do(Ending("b"));
  EXPECT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(HolderOf("X"), "a");
  Healthy();
}

TEST_P(StoreUpkeepTest, TimersFireOnceInOrderAlsoAfterBeingClosed) {
  std::vector<std::string> fired;
  options_.timers["note"] = [&fired](Tx& tx, absl::string_view payload,
                                     absl::Time due) -> absl::Status {
    fired.push_back(absl::StrCat(std::string(payload), "@", absl::ToUnixSeconds(due)));
    WidgetRow row = MakeWidget(payload, "fired");
    return tx.Put(kWidgets, &row);
  };
  options_.timers["again"] = [](Tx& tx, absl::string_view, absl::Time due) -> absl::Status {
    tx.Schedule(due + absl::Seconds(1), "note", "from-again");
    return absl::OkStatus();
  };
  const absl::Time start = absl::FromUnixSeconds(1'800'000'000);
  clock_.Set(start);
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(start + absl::Seconds(30), "note", "third");
    tx.Schedule(start + absl::Seconds(10), "note", "first");
    tx.Schedule(start + absl::Seconds(20), "note", "second");
    tx.Schedule(start + absl::Seconds(20), "note", "second-too");
    tx.Schedule(start + absl::Seconds(22), "again", "");
    return std::string();
  });
  EXPECT_EQ(*store_->NextTimer(), start + absl::Seconds(10));
  EXPECT_EQ(Fire(), 0);
  clock_.Set(start + absl::Seconds(10));
  EXPECT_EQ(Fire(), 1);
  EXPECT_THAT(fired, ElementsAre("first@1800000010"));
  store_.reset();
  clock_.Set(start + absl::Hours(1));
  Open();
  EXPECT_EQ(Fire(), 5);
  EXPECT_EQ(Fire(), 0);
  Open();
  EXPECT_EQ(Fire(), 0);
  EXPECT_THAT(fired, ElementsAre("first@1800000010", "second@1800000020", "second-too@1800000020",
                                 "from-again@1800000023", "third@1800000030"));
  EXPECT_EQ(*store_->NextTimer(), std::nullopt);
  EXPECT_EQ(Color("third"), "fired");
  const auto journal = store_->ReadJournal(2, 1, 1 << 20);
  journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(journal->front().leaf));
  EXPECT_EQ(entry.actor(), "system/timer");
  EXPECT_EQ(entry.method(), "timer/note");
  Healthy();
}

TEST_P(StoreUpkeepTest, FailingTimerIsKeptAndTriedAgain) {
  bool fail = true;
  int runs = 0;
  options_.timers["note"] = [&](Tx& tx, absl::string_view, absl::Time) -> absl::Status {
    ++runs;
    WidgetRow row = MakeWidget("a", "fired");
    RETURN_IF_ERROR(tx.Put(kWidgets, &row));
    return fail ? absl::FailedPreconditionError("not yet") : absl::OkStatus();
  };
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(clock_.Now(), "note", "");
    return std::string();
  });
  EXPECT_EQ(store_->RunDueTimers().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Color("a"), "-");
  EXPECT_EQ(Fire(), 0);  // not yet
  EXPECT_EQ(store_->failing_timers().failing, 1);
  fail = false;
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Color("a"), "fired");
  EXPECT_EQ(store_->failing_timers().failing, 0);
  EXPECT_EQ(*store_->NextTimer(), std::nullopt);
}

// It is tried again later and later, and the others go on in their order meanwhile: those that were
// due with it, that fall due later, and the turn of a day.
TEST_P(StoreUpkeepTest, AFailingTimerHoldsUpNoOther) {
  std::vector<std::string> fired;
  std::set<std::string> failing{"bad"};
  int tried = 0;
  options_.timers["note"] = [&](Tx& tx, absl::string_view payload, absl::Time) -> absl::Status {
    WidgetRow row = MakeWidget(payload, "fired");
    RETURN_IF_ERROR(tx.Put(kWidgets, &row));
    if (payload == "bad") ++tried;
    if (failing.contains(std::string(payload))) return absl::FailedPreconditionError("no norm");
    fired.emplace_back(payload);
    return absl::OkStatus();
  };
  Open();
  const absl::Time start = clock_.Now();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (const char* payload : {"a", "bad", "b"}) tx.Schedule(start, "note", payload);
    tx.Schedule(start + absl::Minutes(30), "note", "bad");  // of the same: in its order
    tx.Schedule(start + absl::Minutes(40), "note", "c");
    tx.Schedule(start + absl::Minutes(1), "nobody's", "");
    WidgetRow row = MakeWidget("tomorrow", "blue");
    return tx.Put(kWidgets, &row, Day("2026-06-16")).ok() ? "" : "not put";
  });
  EXPECT_EQ(store_->RunDueTimers().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(fired, ElementsAre("a", "b"));
  std::vector<int64_t> pauses;
  absl::Time last = clock_.Now();
  while (clock_.Now() < start + absl::Minutes(39)) {
    const auto next = store_->NextTimer();
    ASSERT_TRUE(next.ok() && next->has_value());
    clock_.Set(**next);
    const int before = tried;
    (void)store_->RunDueTimers();
    if (tried == before) continue;
    pauses.push_back(absl::ToInt64Seconds(clock_.Now() - last));
    last = clock_.Now();
  }
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600));
  EXPECT_EQ(store_->failing_timers().failing, 3);
  EXPECT_EQ(store_->failing_timers().oldest_due, start);
  clock_.Set(start + absl::Minutes(40));
  (void)store_->RunDueTimers();
  EXPECT_THAT(fired, ElementsAre("a", "b", "c"));
  EXPECT_EQ(Rows(kWidgets), "a=fired b=fired c=fired");
  GoTo("2026-06-16");
  (void)store_->RunDueTimers();
  EXPECT_EQ(Rows(kWidgets), "a=fired b=fired c=fired tomorrow=blue");
  Healthy();
  // Another process tries all at once, and knows nothing of pauses.
  Open();
  failing.clear();
  EXPECT_EQ(base::ReasonOf(store_->RunDueTimers().status()), "TIMER_UNKNOWN");
  EXPECT_THAT(fired, ElementsAre("a", "b", "c", "bad", "bad"));
  EXPECT_EQ(store_->failing_timers().failing, 1);
  Healthy();
}

// So many that fail keep no command of a caller waiting for all of them each time.
TEST_P(StoreUpkeepTest, ManyThatFailAreTriedAgainAFewAtATime) {
  constexpr int kMany = 500;
  int tried = 0;
  bool fail = true;
  options_.timers["note"] = [&](Tx&, absl::string_view, absl::Time) -> absl::Status {
    ++tried;
    return fail ? absl::InternalError("a mistake") : absl::OkStatus();
  };
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < kMany; ++i) tx.Schedule(clock_.Now(), "note", absl::StrCat(i));
    return std::string();
  });
  EXPECT_FALSE(store_->RunDueTimers().ok());
  EXPECT_EQ(tried, 16);  // nor for all of them the first time
  while (tried < kMany) ASSERT_FALSE(store_->RunDueTimers().ok());
  EXPECT_EQ(Fire(), 0);
  EXPECT_EQ(tried, kMany);
  clock_.Advance(absl::Seconds(2));
  EXPECT_FALSE(store_->RunDueTimers().ok());
  EXPECT_EQ(tried, kMany + 16);
  fail = false;
  int fired = 0;
  for (int i = 0; i < kMany; ++i) fired += Fire();
  EXPECT_EQ(fired, kMany - 16);
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(Fire(), 16);
  EXPECT_EQ(store_->failing_timers().failing, 0);
}

// The thread comes back to what lies behind them, without a pause for each few.
TEST_P(StoreUpkeepTest, OneBehindManyThatFailFiresSoon) {
  std::promise<void> fired;
  options_.background = true;
  options_.timers["note"] = [&](Tx&, absl::string_view payload, absl::Time) -> absl::Status {
    if (payload != "good") return absl::InternalError("a mistake");
    fired.set_value();
    return absl::OkStatus();
  };
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 1000; ++i)
      tx.Schedule(clock_.Now() + absl::Hours(1), "note", absl::StrCat(i));
    tx.Schedule(clock_.Now() + absl::Hours(1), "note", "good");
    return std::string();
  });
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(fired.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  store_.reset();
}

// Refuses a record at the end of the command that has put it.
class Refusing : public Derived {
 public:
  Refusing() : Derived(20, "refusing", &kWidgets, 1) {}
  absl::Status Update(const Reader& /*reader*/, absl::Span<const std::string> keys,
                      int64_t /*recorded_us*/, Overlay* /*rows*/) const override {
    for (const std::string& key : keys) {
      if (key == Key::Of("w50").bytes()) return absl::FailedPreconditionError("not w50");
    }
    return absl::OkStatus();
  }
  absl::Status FinishBuilding(int64_t /*recorded_us*/, Overlay* /*rows*/) const override {
    return absl::OkStatus();
  }
  absl::Status Scrub(const Reader& /*reader*/,
                     std::vector<std::string>* /*findings*/) const override {
    return absl::OkStatus();
  }
};

// Which of a portion it was is found by trying each once, not ever less of them together.
TEST_P(StoreUpkeepTest, AFailureAtTheEndOfAPortionIsFoundByTryingEachOnce) {
  const Refusing refusing;
  schema_.derived = {&refusing};
  int tried = 0;
  options_.timers["many"] = TimerDef(
      [&](Tx& tx, absl::string_view payload, absl::Time) {
        ++tried;
        WidgetRow row = MakeWidget(payload, "fired");
        return tx.Put(kWidgets, &row);
      },
      100, true);
  Open();
  ASSERT_TRUE(store_->BuildIndexes().ok());
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 200; ++i) tx.Schedule(clock_.Now(), "many", absl::StrCat("w", i));
    return std::string();
  });
  EXPECT_EQ(store_->RunDueTimers().status().message(), "not w50");
  EXPECT_EQ(store_->failing_timers().failing, 1);
  EXPECT_EQ(tried, 100 + 100 + 100);
  Healthy();
  store_.reset();
}

// What failed only as an index was not built is tried again when it is, and not later and later.
TEST_P(StoreUpkeepTest, TimersThatNeedAnIndexFireWhenItIsBuilt) {
  const Schema full = schema_;
  schema_.indexes = {&kByColor, &kByRegion};
  store_.reset();
  disk_ = NewMemDisk();
  options_.timers["note"] = [&](Tx& tx, absl::string_view payload, absl::Time) -> absl::Status {
    if (payload == "other") return absl::InternalError("for another reason");
    return tx.FindUnique(kByBin, Key::Of("X")).status();
  };
  ASSERT_TRUE(TryOpen("young").ok());
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(clock_.Now(), "note", "");
    tx.Schedule(clock_.Now(), "note", "other");
    return std::string();
  });
  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  for (int i = 0; i < 20; ++i) {
    (void)store_->RunDueTimers();
    EXPECT_EQ(store_->failing_timers().failing, 2);
    EXPECT_LE(**store_->NextTimer(), clock_.Now() + absl::Seconds(1));
    clock_.Advance(absl::Seconds(1));
  }
  (void)store_->RunDueTimers();
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_LT(**store_->NextTimer(), clock_.Now());
  EXPECT_FALSE(store_->RunDueTimers().ok());
  EXPECT_EQ(store_->failing_timers().failing, 1);
}

// Timers that failed have written nothing. Readers take the current rows for all that, as soon as
// no version is to take effect by any of them.
TEST_P(StoreUpkeepTest, ReadersDoNotWaitForTimersThatFailed) {
  options_.timers["note"] = [&](Tx&, absl::string_view, absl::Time) -> absl::Status {
    return absl::InternalError("a mistake");
  };
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(clock_.Now(), "note", "");
    return std::string();
  });
  EXPECT_FALSE(store_->Read().settled());
  EXPECT_FALSE(store_->RunDueTimers().ok());
  EXPECT_TRUE(store_->Read().settled());
}

TEST_P(StoreUpkeepTest, NoCommandFindsATimerOverdue) {
  options_.background = true;
  options_.timers["note"] = [&](Tx& tx, absl::string_view payload, absl::Time) -> absl::Status {
    WidgetRow row = MakeWidget("a", std::string(payload));
    return tx.Put(kWidgets, &row);
  };
  Open();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(clock_.Now() + absl::Hours(1), "note", "first");
    tx.Schedule(clock_.Now() + absl::Hours(2), "note", "second");
    return std::string();
  });
  clock_.Advance(absl::Minutes(90));
  std::string seen;
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const auto found, tx.Find(kWidgets, Key::Of("a")));
    seen = found.has_value() ? found->row.widget().color() : "-";
    return std::string();
  });
  EXPECT_EQ(seen, "first");
  // Due while the store is closed: done when it is open again.
  store_.reset();
  clock_.Advance(absl::Hours(1));
  Open();
  EXPECT_EQ(Color("a"), "second");
  Healthy();
}

// Timers of one instant, of which some fail, in one command; those of another kind or instant
// apart.
TEST_P(StoreUpkeepTest, APortionIsOneCommandAndAFailureInItIsItsOwn) {
  std::set<std::string> failing{"w3"};
  const auto fire = [&](Tx& tx, absl::string_view payload, absl::Time) -> absl::Status {
    WidgetRow row = MakeWidget(payload, "fired");
    RETURN_IF_ERROR(tx.Put(kWidgets, &row));
    tx.Schedule(clock_.Now() + absl::Hours(5), "note", "later");
    tx.Cite(base::Law("Art. 1", "It is so."));
    if (failing.count(std::string(payload)) > 0) return absl::UnavailableError("not now");
    return absl::OkStatus();
  };
  options_.timers["many"] = TimerDef(fire, 4);
  options_.timers["note"] = [](Tx&, absl::string_view, absl::Time) { return absl::OkStatus(); };
  Open();
  const absl::Time due = clock_.Now() + absl::Hours(1);
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 10; ++i) tx.Schedule(due, "many", absl::StrCat("w", i));
    tx.Schedule(due + absl::Seconds(1), "many", "next");
    return std::string();
  });
  clock_.Advance(absl::Hours(2));
  int64_t position = store_->position();
  // w0 to w2 stand, w3 is the first of the command after them, then by itself, and left for later;
  // then go w4 to w7, w8 and w9, and that of the next instant.
  EXPECT_EQ(store_->RunDueTimers().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->position(), position + 4);
  EXPECT_EQ(Rows(kWidgets),
            "next=fired w0=fired w1=fired w2=fired w4=fired w5=fired w6=fired w7=fired w8=fired "
            "w9=fired");
  const auto journal = store_->ReadJournal(position + 1, 1, 1 << 20);
  ASSERT_TRUE(journal.ok() && journal->size() == 1U) << journal.status();
  journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(journal->front().leaf));
  EXPECT_EQ(entry.changes_size(), 3);
  EXPECT_EQ(entry.legal_basis_size(), 1);
  Healthy();
  Open();
  failing.clear();
  position = store_->position();
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(store_->position(), position + 1);
  EXPECT_EQ(Rows(kWidgets),
            "next=fired w0=fired w1=fired w2=fired w3=fired w4=fired w5=fired w6=fired w7=fired "
            "w8=fired w9=fired");
  EXPECT_EQ(*store_->NextTimer(), clock_.Now() + absl::Hours(5));
  clock_.Advance(absl::Hours(6));
  EXPECT_EQ(Fire(), 11);
  EXPECT_EQ(*store_->NextTimer(), std::nullopt);
  Healthy();
}

// One that is scheduled for before those that have fired is not passed over.
TEST_P(StoreUpkeepTest, AnEarlierTimerIsFoundBehindThoseThatFired) {
  std::vector<std::string> fired;
  options_.timers["note"] = [&](Tx& tx, absl::string_view payload, absl::Time due) -> absl::Status {
    fired.emplace_back(payload);
    if (payload == "a") tx.Schedule(due - absl::Hours(1), "note", "from-a");
    return absl::OkStatus();
  };
  Open();
  const absl::Time start = clock_.Now();
  const auto schedule = [&](absl::Time due, const char* payload) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      tx.Schedule(due, "note", payload);
      return std::string();
    });
  };
  schedule(start + absl::Hours(2), "a");
  schedule(start + absl::Hours(2), "b");
  clock_.Advance(absl::Hours(3));
  EXPECT_EQ(Fire(), 3);
  schedule(start + absl::Hours(1), "c");
  EXPECT_EQ(*store_->NextTimer(), start + absl::Hours(1));
  EXPECT_EQ(Fire(), 1);
  schedule(start + absl::Hours(2), "d");  // of an instant of which others fired
  EXPECT_EQ(Fire(), 1);
  EXPECT_THAT(fired, ElementsAre("a", "from-a", "b", "c", "d"));
}

// Patient timers let commands go between their portions; no command finds one of another kind
// overdue.
TEST_P(StoreUpkeepTest, CommandsGoBetweenThePortionsOfPatientTimers) {
  constexpr int kMany = 40;
  options_.background = true;
  int fired = 0;
  std::string strict = "not yet";
  options_.timers["many"] = TimerDef(
      [&fired](Tx&, absl::string_view, absl::Time) {
        ++fired;
        return absl::OkStatus();
      },
      8, true);
  options_.timers["strict"] = [&strict](Tx&, absl::string_view, absl::Time) {
    strict = "fired";
    return absl::OkStatus();
  };
  Open();
  const auto schedule = [&](bool with_strict) {
    const absl::Time due = clock_.Now() + absl::Hours(1);
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      for (int i = 0; i < kMany; ++i) {
        tx.Schedule(due, "many", "");
        if (with_strict && i == 19) tx.Schedule(due, "strict", "");
      }
      return std::string();
    });
  };
  // Whether the commands sent at midnight were all seen to run, and how many timers had fired when
  // the first did. The timer thread may be there first: then no command has to wait for any.
  const auto first_finds = [&] {
    int found = -1;
    Do([&](Tx&) -> absl::StatusOr<std::string> {
      found = fired;
      return std::string();
    });
    return found;
  };
  schedule(false);
  clock_.Advance(absl::Hours(2));
  const int found = first_finds();
  EXPECT_TRUE(found % 8 == 0) << found;
  while (first_finds() < kMany) {
  }
  EXPECT_EQ(fired, kMany);
  schedule(true);
  clock_.Advance(absl::Hours(2));
  EXPECT_GE(first_finds(), kMany + 20);
  EXPECT_EQ(strict, "fired");
  while (first_finds() < 2 * kMany) {
  }
  EXPECT_EQ(fired, 2 * kMany);
  Healthy();
}

TEST_P(StoreUpkeepTest, ThreadFiresWhenTheClockMoves) {
  std::mutex mutex;
  std::condition_variable changed;
  int fired = 0;
  options_.timers["note"] = [&](Tx&, absl::string_view, absl::Time) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++fired;
    changed.notify_all();
    return absl::OkStatus();
  };
  options_.background = true;
  Open();
  const auto wait_for = [&](int count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return fired == count; });
  };
  const absl::Time start = clock_.Now();
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    tx.Schedule(start + absl::Hours(1), "note", "");
    tx.Schedule(start, "note", "");
    return std::string();
  });
  wait_for(1);
  clock_.Advance(absl::Hours(2));
  wait_for(2);
  store_.reset();  // stops at once, whatever it waits for
  EXPECT_EQ(fired, 2);
}

TEST_P(StoreUpkeepTest, FollowersHearOfEachCommit) {
  std::vector<CommitNotice> notices;
  const int id =
      store_->Subscribe([&notices](const CommitNotice& notice) { notices.push_back(notice); });
  Do(Putting(MakeWidget("a", "red")));
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow row = MakeOwned("b", "red", "bin");
    RETURN_IF_ERROR(tx.Put(kCrates, &row));
    RETURN_IF_ERROR(tx.Put(kWidgets, &row, Day("2026-06-16")));
    tx.Emit("other", "/M", row);
    return std::string();
  });
  EXPECT_FALSE(store_->Write(Info(), Ending("none")).ok());
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].position, 1);
  EXPECT_THAT(notices[0].tables, ElementsAre("widgets"));
  EXPECT_FALSE(notices[0].timers_changed || notices[0].outbox_changed);
  EXPECT_EQ(notices[1].position, 2);
  EXPECT_THAT(notices[1].tables, ElementsAre("crates", "widgets"));
  EXPECT_TRUE(notices[1].timers_changed && notices[1].outbox_changed);
  GoTo("2026-06-16");
  EXPECT_EQ(Fire(), 1);  // the day's turn changes a table without an entry
  ASSERT_EQ(notices.size(), 3U);
  EXPECT_EQ(notices[2].position, 2);
  EXPECT_THAT(notices[2].tables, ElementsAre("widgets"));
  store_->Unsubscribe(id);
  Do(Putting(MakeWidget("c", "red")));
  EXPECT_EQ(notices.size(), 3U);
}

TEST_P(StoreUpkeepTest, CheckpointOpensEqual) {
  if (!OnRocks()) return;  // the one in memory has none
  for (int i = 0; i < 20; ++i)
    Do(Putting(MakeOwned(absl::StrCat("w", 10 + i), "red", absl::StrCat(i))));
  ASSERT_TRUE(
      store_->Write(Info("id"), Putting(MakeWidget("w10", "blue"), Day("2026-06-14"))).ok());
  const std::string rows = Rows(kByColor), root = ToBytes(*store_->RootAt(21)),
                    secret = store_->secret();
  ASSERT_TRUE(store_->Checkpoint(dir_ / "copy").ok());
  Do(Ending("w11"));
  ASSERT_TRUE(TryOpen("copy").ok());
  EXPECT_EQ(store_->position(), 21);
  EXPECT_EQ(Rows(kByColor), rows);
  EXPECT_EQ(ToBytes(*store_->RootAt(21)), root);
  EXPECT_EQ(store_->secret(), secret);
  EXPECT_TRUE(store_->Write(Info("id"), Ending("none"))->replayed);
  Healthy();
}

// Nor does a store that was put back from long ago lose them with its first command.
TEST_P(StoreUpkeepTest, AClockThatIsFarAheadForAMomentTakesNoReply) {
  if (!OnRocks()) return;  // the one in memory forgets none
  ASSERT_TRUE(store_->Write(Info("id"), Putting(MakeWidget("a", "red"))).ok());
  Open();
  clock_.Advance(absl::Hours(24 * 365));
  Do(Putting(MakeWidget("b", "red")));
  ASSERT_TRUE(CompactRocks(const_cast<Engine&>(store_->engine())).ok());
  const auto reply = store_->FindReply(Info("id"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(reply->has_value());
  Healthy();
}

TEST_P(StoreUpkeepTest, CountersGoOnAfterReopening) {
  const auto next = [this] {
    return store_
        ->Write(Info(),
                [](Tx& tx) -> absl::StatusOr<std::string> {
                  ASSIGN_OR_RETURN(const int64_t one, tx.Next("a"));
                  ASSIGN_OR_RETURN(const int64_t two, tx.Next("a"));
                  return absl::StrCat(one, " ", two);
                })
        ->reply;
  };
  EXPECT_EQ(next(), "1 2");
  Open();
  EXPECT_EQ(next(), "3 4");
}

// Each damage, and what the scrub must say of it.
struct Damage {
  const char* name;
  std::function<std::vector<OwnedOp>(const std::function<std::string(Space, std::string)>& raw)>
      plant;
  const char* finding;
};

std::string IndexEntry(const IndexDef& index, char kind, const Key& index_key, const char* code) {
  return absl::StrCat(TablePrefix(index.id, kind), std::string(index_key.bytes()),
                      std::string(Key::Of(code).bytes()));
}
std::string Length(const Key& index_key) {
  std::string value;
  AppendBigEndian32(&value, static_cast<uint32_t>(index_key.bytes().size()));
  return value;
}
std::string Row(const char* code) {
  return RowKey(kWidgets, Key::Of(code).bytes());
}

// What is gone whole, with all that leads to it, contradicts nothing but the journal.
TEST_P(StoreUpkeepTest, ScrubFindsWhatTheJournalKnowsOfAndTheTablesDoNot) {
  const auto putting = [](int64_t weight, const char* color,
                          std::optional<base::Date> from = std::nullopt) -> CommandFn {
    return [=](Tx& tx) -> absl::StatusOr<std::string> {
      WidgetRow row = MakeOwned("crate", color, "bin");
      row.mutable_widget()->set_weight(weight);
      RETURN_IF_ERROR(tx.Put(kCrates, &row, from));
      return std::string();
    };
  };
  const Key first = Key::Of("bin", int64_t{1}), second = Key::Of("bin", int64_t{2});
  const std::string row = RowKey(kCrates, first.bytes());
  Do(putting(1, "red"));
  const std::string red = Raw(Space::kData, row);
  GoTo("2026-06-16");
  Do(putting(1, "blue"));
  Do(putting(1, "gold", Day("2026-06-20")));
  Do(putting(2, "red"));
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    RETURN_IF_ERROR(tx.End(kCrates, second));
    return std::string();
  });
  // One that was replaced within its command is in no table, and its change is in the journal.
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 3; ++i) {
      WidgetRow large = MakeOwned("crate", std::string(200 << 10, 'a'), "bin");
      large.mutable_widget()->set_weight(3);
      RETURN_IF_ERROR(tx.Put(kCrates, &large));
    }
    return std::string();
  });
  EXPECT_GT(store_->position(), 6) << "it has entries enough to lie in several";
  const auto history = [&](absl::string_view key, const char* day, int64_t position) {
    Version version;
    version.effective_from = Day(day);
    version.position = position;
    return HistoryKey(kCrates, key, version);
  };
  const std::string past = history(first.bytes(), "2026-06-15", 1);
  const std::string future = history(first.bytes(), "2026-06-20", 3);
  Healthy();
  struct Loss {
    const char* name;
    std::vector<OwnedOp> ops;
    const char* finding;
  };
  const Loss losses[] = {
      {"a version of before",
       {{Space::kData, past, std::nullopt}},
       "table crates: the version of position 1 is not there"},
      {"a version to come",
       {{Space::kData, future, std::nullopt}},
       "table crates: the version of position 3 is not there"},
      {"a record as it was before",
       {{Space::kData, row, red}, {Space::kData, past, std::nullopt}},
       "table crates: the version of position 2 is not there"},
      {"an end",
       {{Space::kData, RowKey(kCrates, second.bytes()),
         Raw(Space::kData, history(second.bytes(), "2026-06-16", 4))}},
       "table crates: the version of position 5 is not there"},
      {"a record and all its past",
       {{Space::kData, row, std::nullopt},
        {Space::kData, past, std::nullopt},
        {Space::kData, future, std::nullopt}},
       "table crates: the version of position 2 is not there"},
  };
  for (const Loss& loss : losses) {
    SCOPED_TRACE(loss.name);
    std::vector<OwnedOp> undo;
    for (const OwnedOp& op : loss.ops) {
      undo.push_back({op.space, op.key, Raw(op.space, op.key)});
    }
    Plant(loss.ops);
    EXPECT_THAT(Findings(), Contains(loss.finding));
    Plant(undo);
    Healthy();
  }
}

// A lost timer: the day has come, and the record stays as it was.
TEST_P(StoreUpkeepTest, ScrubFindsAVersionThatHasNotTakenEffectOnItsDay) {
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("a", "blue"), Day("2026-06-20")));
  std::string timer;
  {
    const std::string timers = SystemKey(kTimersId, Key());
    const View view = store_->Read();
    const auto cursor = view.snapshot().Scan(Space::kData, timers, PrefixEnd(timers));
    ASSERT_TRUE(cursor->Valid());
    timer = std::string(cursor->key());
  }
  const std::string value = Raw(Space::kData, timer);
  Plant({{Space::kData, timer, std::nullopt}});
  Healthy();
  GoTo("2026-06-20");
  EXPECT_THAT(Findings(),
              ElementsAre("table widgets: a version that is in force is not the current one"));
  Plant({{Space::kData, timer, value}});
  Healthy();
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(Color("a"), "blue");
  Healthy();
}

TEST_P(StoreUpkeepTest, ScrubFindsWhatIsPlanted) {
  const Key red = Key::Of("red"), blue = Key::Of("blue"), bin = Key::Of("X");
  const std::string unique =
      absl::StrCat(TablePrefix(kByBin.id, kCurrent), std::string(bin.bytes()));
  const std::vector<Damage> damages = {
      {"dangling entry",
       [&](const auto&) {
         return std::vector<OwnedOp>{
             {Space::kData, IndexEntry(kByColor, kCurrent, blue, "zz"), Length(blue)}};
       },
       "index widgets_by_color: dangling entry"},
      {"missing entry",
       [&](const auto&) {
         return std::vector<OwnedOp>{
             {Space::kData, IndexEntry(kByColor, kCurrent, red, "a"), std::nullopt}};
       },
       "index widgets_by_color: missing entry"},
      {"unique entry of another",
       [&](const auto&) {
         return std::vector<OwnedOp>{{Space::kData, unique, std::string(Key::Of("b").bytes())}};
       },
       "index widgets_by_bin: missing entry"},
      {"missing row",
       [&](const auto&) {
         return std::vector<OwnedOp>{{Space::kData, Row("b"), std::nullopt}};
       },
       "index widgets_by_color: dangling entry"},
      {"row without its record",
       [&](const auto&) {
         return std::vector<OwnedOp>{{Space::kData, Row("h"), std::nullopt}};
       },
       "table widgets: a version without its record"},
      {"row under another key",
       [&](const auto& raw) {
         return std::vector<OwnedOp>{{Space::kData, Row("b"), raw(Space::kData, Row("a"))}};
       },
       "table widgets: a row lies under another key"},
      {"row that does not parse",
       [&](const auto& raw) {
         return std::vector<OwnedOp>{
             {Space::kData, Row("b"), raw(Space::kData, Row("b")).substr(0, kRowHeaderBytes + 3)}};
       },
       "table widgets: a row does not parse"},
      {"history entry gone",
       [&](const auto&) {
         return std::vector<OwnedOp>{
             {Space::kData, IndexEntry(kByColor, kHistory, Key::Of("past"), "h"), std::nullopt}};
       },
       "index widgets_by_color: missing entry of a past or future version"},
      {"journal entry gone",
       [&](const auto&) {
         return std::vector<OwnedOp>{{Space::kLog, JournalKey(2), std::nullopt}};
       },
       "journal: gap at position 2"},
      {"last journal entry gone",
       [&](const auto&) {
         return std::vector<OwnedOp>{{Space::kLog, JournalKey(5), std::nullopt}};
       },
       "journal: ends at 4, the store is at 5"},
      {"journal entry changed",
       [&](const auto& raw) {
         return std::vector<OwnedOp>{{Space::kLog, JournalKey(2), raw(Space::kLog, JournalKey(3))}};
       },
       "journal: entry 2 is not the one in the tree"},
      {"leaf hash changed",
       [&](const auto&) {
         return std::vector<OwnedOp>{{Space::kLog, NodesKey(3), std::string(32, 'x')}};
       },
       "journal: entry 3 is not the one in the tree"},
      {"node changed",
       [&](const auto& raw) {
         const std::string leaf = raw(Space::kLog, NodesKey(2)).substr(0, 32);
         return std::vector<OwnedOp>{{Space::kLog, NodesKey(2), leaf + std::string(32, 'x')}};
       },
       "tree: node 1/0 does not follow from its children"},
      {"node gone",
       [&](const auto& raw) {
         const std::string leaf = raw(Space::kLog, NodesKey(2)).substr(0, 32);
         return std::vector<OwnedOp>{{Space::kLog, NodesKey(2), leaf}};
       },
       "tree: level 1 has 1 nodes, not 2"},
  };
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeWidget("b", "red")));
  Do(Putting(MakeWidget("h", "past")));
  Do(Putting(MakeWidget("h", "red"), Day("2026-06-15")));
  Do(Putting(MakeWidget("d", "red")));
  Healthy();
  const auto raw = [this](Space space, const std::string& key) { return Raw(space, key); };
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.name);
    const std::vector<OwnedOp> ops = damage.plant(raw);
    std::vector<OwnedOp> undo;
    for (const OwnedOp& op : ops) {
      std::string value;
      const View view = store_->Read();
      const bool was = *view.snapshot().Get(op.space, op.key, &value);
      undo.push_back({op.space, op.key, was ? std::make_optional(value) : std::nullopt});
    }
    Plant(ops);
    EXPECT_THAT(Findings(), Contains(damage.finding));
    Plant(undo);
    Healthy();
  }
}

}  // namespace
}  // namespace nisi::store
