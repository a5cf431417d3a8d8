// Backups and restores, held against the bytes of the store itself: whatever it held after a commit
// it holds again, in all three spaces.
#include "common/store/store_backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/store/layout.h"
#include "common/store/outbox.h"
#include "common/store/restore.h"
#include "common/store/rocks_settings.h"
#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Every row of a state.
using Rows = std::map<std::pair<int, std::string>, std::string>;

Rows RowsOf(const Snapshot& snapshot) {
  Rows rows;
  for (const Space space : {Space::kData, Space::kLog, Space::kOnce}) {
    const auto cursor = snapshot.Scan(space, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      rows[{static_cast<int>(space), std::string(cursor->key())}] = std::string(cursor->value());
    }
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
  }
  return rows;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void WriteAll(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class StoreBackupTest : public ::testing::Test {
 protected:
  StoreBackupTest() : clock_(Day("2026-06-15").StartOfDay()) {
    signer_ = *OpenHeadSigner(dir_ / "key.pem");
    Open("store");
  }

  void Open(const std::string& name, bool keep_logs = true) {
    store_.reset();
    RocksOptions rocks;
    rocks.dir = dir_ / name;
    rocks.sync = false;  // what a power cut loses is another test's
    rocks.keep_logs = keep_logs;
    rocks.now = [this] { return clock_.Now(); };
    auto engine = OpenRocks(rocks);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = engine->get();
    Store::Options options;
    options.clock = &clock_;
    options.background = false;
    auto store = Store::Open(*std::move(engine), schema_, std::move(options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  double FigureOf(absl::string_view name) const {
    for (const Figure& figure : store_->engine().Stats()) {
      if (figure.name == name) return figure.value;
    }
    return -1;
  }

  // A command of its own second: a record of two versions a name, an index, a message, a counter,
  // now and then a timer, an end and one that leaves no entry. What there is after it is kept.
  void Work(int commands) {
    for (int i = 0; i < commands; ++i) {
      const int n = ++worked_;
      clock_.Set(clock_.Now() + absl::Seconds(1));
      const CommandFn run = [n](Tx& tx) -> absl::StatusOr<std::string> {
        const std::string code = absl::StrCat("w", n % 7);
        WidgetRow row = MakeWidget(code, absl::StrCat("color", n));
        row.mutable_widget()->add_tags(absl::StrCat("tag", n % 3));
        ASSIGN_OR_RETURN(const auto there, tx.Find(kWidgets, Key::Of(code)));
        if (there.has_value() && n % 5 == 0) {
          RETURN_IF_ERROR(tx.End(kWidgets, Key::Of(code)));
        } else {
          RETURN_IF_ERROR(tx.Put(kWidgets, &row));
        }
        if (n % 4 == 0) {
          WidgetRow later = MakeWidget(absl::StrCat("l", n), "later");
          RETURN_IF_ERROR(tx.Put(kWidgets, &later, tx.today().AddDays(9)));
        }
        tx.Emit("peer", "/nisi.testing.v1.WidgetService/CreateWidget", row.widget());
        RETURN_IF_ERROR(tx.Next("widgets").status());
        return absl::StrCat("reply ", n);
      };
      const auto outcome =
          store_->Write(Info(absl::StrFormat("00000000-0000-4000-8000-%012d", n)), run);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      Keep();
    }
  }
  void Keep() { kept_[store_->position()] = RowsOf(*engine_->NewSnapshot()); }

  absl::StatusOr<Backup> TryBackUp(Kept keep = {100}) {
    return BackUp(*store_, *signer_, clock_.Now(), dir_ / "backups", keep, [] { return false; });
  }
  Backup MustBackUp(Kept keep = {100}) {
    DateBackups();
    const auto backup = TryBackUp(keep);
    EXPECT_TRUE(backup.ok()) << backup.status();
    if (backup.ok()) days_ago_[backup->id] = 0;
    return backup.ok() ? *backup : Backup();
  }
  // All that are there were made a day earlier.
  void NextDay() {
    for (auto& [id, days] : days_ago_) ++days;
  }
  // RocksDB's file of a backup begins with the time at which it was made.
  void DateBackups() {
    for (const auto& [id, days] : days_ago_) {
      const fs::path file = dir_ / absl::StrCat("backups/meta/", id);
      if (!fs::exists(file)) continue;
      const std::string text = ReadAll(file);
      const int64_t today = absl::ToUnixSeconds(absl::Now()) / kDay;
      WriteAll(file, absl::StrCat((today - days) * kDay, text.substr(text.find('\n'))));
    }
  }
  std::vector<int64_t> Listed() const {
    const auto listed = ListBackups(dir_ / "backups");
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<int64_t> ids;
    for (const Backup& backup : *listed) ids.push_back(backup.id);
    return ids;
  }

  RestoreOptions To(const std::string& name) const {
    RestoreOptions options;
    options.from = dir_ / "backups";
    options.to = dir_ / name;
    options.witness = dir_ / (name + ".witness");
    options.public_keys = {signer_->public_key()};
    return options;
  }
  // To "second", from the later of two backups.
  void RestoreSixthOfEight() {
    for (int i = 0; i < 2; ++i) {
      Work(4);
      MustBackUp();
    }
    RestoreOptions back = To("second");
    back.position = 6;
    ASSERT_TRUE(Restore(back).ok());
  }
  absl::StatusOr<Restored> Restore(const RestoreOptions& options) {
    auto restored = RestoreStore(options, schema_, clock_);
    // It was checked: its first start need not do so again.
    if (restored.ok()) {
      EXPECT_TRUE(std::filesystem::exists(options.to + "/RELEASE"));
    }
    return restored;
  }
  std::string Refused(const RestoreOptions& options) {
    return base::ReasonOf(Restore(options).status());
  }
  // All rows of a restored store, by an engine of its own.
  static Rows RestoredRows(const RestoreOptions& options) {
    RocksOptions rocks;
    rocks.dir = options.to;
    rocks.now = [] { return absl::InfinitePast(); };  // the test's days are long ago
    const auto engine = OpenRocks(rocks);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return engine.ok() ? RowsOf(*(*engine)->NewSnapshot()) : Rows();
  }

  base::FakeClock clock_;
  TempDir dir_;
  const Schema schema_ = WidgetSchema();
  std::unique_ptr<HeadSigner> signer_;
  std::unique_ptr<Store> store_;
  Engine* engine_ = nullptr;
  int worked_ = 0;
  static constexpr int64_t kDay = 24 * 60 * 60;
  std::map<int64_t, int64_t> days_ago_;  // by backup, when it was made
  std::map<int64_t, Rows> kept_;         // by position
};

TEST_F(StoreBackupTest, RestoresEveryPositionToTheByte) {
  Work(5);
  MustBackUp();
  Work(12);
  MustBackUp();
  Work(8);
  Open("store");  // a log of its own
  Work(5);
  MustBackUp();
  store_.reset();
  for (int64_t position = 5; position <= 30; ++position) {
    RestoreOptions options = To(absl::StrCat("to", position));
    options.position = position;
    const auto restored = Restore(options);
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ(restored->head.position, position);
    EXPECT_EQ(restored->backup.id, position < 17 ? 1 : position < 30 ? 2 : 3);
    EXPECT_EQ(restored->heads_proved, 3);
    EXPECT_THAT(restored->heads_beyond, IsEmpty());
    EXPECT_EQ(RestoredRows(options), kept_[position]) << position;
    const auto witness = FileWitness(options.witness)->Load();
    ASSERT_TRUE(witness.ok()) << witness.status();
    EXPECT_EQ(*witness, restored->head);
  }
}

TEST_F(StoreBackupTest, RestoresASecond) {
  Work(3);
  MustBackUp();
  Work(10);
  MustBackUp();
  const absl::Time third = clock_.Now() - absl::Seconds(10);
  for (const int after : {0, 4, 9}) {
    RestoreOptions options = To(absl::StrCat("to", after));
    options.time = third + absl::Seconds(after) + absl::Milliseconds(900);
    const auto restored = Restore(options);
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ(restored->head.position, 3 + after);
    EXPECT_EQ(restored->recorded, third + absl::Seconds(after));
    EXPECT_EQ(RestoredRows(options), kept_[3 + after]);
  }
  RestoreOptions early = To("early");
  early.time = third - absl::Seconds(1);
  EXPECT_EQ(Refused(early), "BACKUP_RANGE");
}

TEST_F(StoreBackupTest, WithoutAPositionRestoresAllOrJustTheBackupNamed) {
  Work(4);
  MustBackUp();
  Work(4);
  MustBackUp();
  const RestoreOptions all = To("all");
  ASSERT_TRUE(Restore(all).ok());
  EXPECT_EQ(RestoredRows(all), kept_[8]);
  const absl::Time proved = clock_.Now();
  EXPECT_EQ(LastRestored(all.from), proved);
  clock_.Set(proved + absl::Hours(1));
  RestoreOptions first = To("first");
  first.backup = 1;
  const auto restored = Restore(first);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(RestoredRows(first), kept_[4]);
  EXPECT_EQ(restored->heads_proved, 2) << "the log shows that the second head continues it";
  first = To("replayed");
  first.backup = 1;
  first.position = 7;
  ASSERT_TRUE(Restore(first).ok());
  EXPECT_EQ(RestoredRows(first), kept_[7]);
  EXPECT_EQ(LastRestored(all.from), proved) << "the rest of the log was not looked at";
  ASSERT_TRUE(Restore(To("again")).ok());
  EXPECT_EQ(LastRestored(all.from), proved + absl::Hours(1));
  EXPECT_EQ(MustBackUp().id, 3) << "the file is in nobody's way";
  EXPECT_EQ(LastRestored(all.from), proved + absl::Hours(1));
}

TEST_F(StoreBackupTest, AFolderThatTakesNoNoteCanBeRestoredFrom) {
  Work(4);
  MustBackUp();
  EXPECT_EQ(LastRestored(dir_ / "backups"), absl::InfinitePast());
  fs::create_directories(dir_ / "backups/RESTORED/in the way");
  const RestoreOptions options = To("to");
  ASSERT_TRUE(Restore(options).ok());
  EXPECT_EQ(RestoredRows(options), kept_[4]);
  EXPECT_EQ(LastRestored(options.from), absl::InfinitePast());
}

TEST_F(StoreBackupTest, RestoredStoreGoesOnAndBothLinesCanBeRestored) {
  ASSERT_NO_FATAL_FAILURE(RestoreSixthOfEight());
  const Rows old_seventh = kept_[7];
  Open("second");
  Work(3);  // other commands than the first time
  EXPECT_NE(kept_[7], old_seventh);
  EXPECT_EQ(MustBackUp().id, 3);
  Work(1);
  MustBackUp();
  RestoreOptions options = To("third");
  options.position = 9;
  const auto restored = Restore(options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->heads_proved, 2) << "of its own line";
  EXPECT_EQ(RestoredRows(options), kept_[9]);
  options = To("old");
  options.backup = 1;
  options.position = 7;
  ASSERT_TRUE(Restore(options).ok());
  EXPECT_EQ(RestoredRows(options), old_seventh);
}

// The receivers know the ids of what was delivered before. What the store says anew in the places
// of what it lost must not pass for it.
TEST_F(StoreBackupTest, MessagesOfARestoredStoreAreNotTakenForThoseItLost) {
  const auto deliver = [this] {
    std::vector<std::string> ids;
    OutboxRelay::Options by_hand;
    by_hand.background = false;
    OutboxRelay relay(
        *store_,
        [&ids](const OutboxMessage& message) {
          ids.push_back(message.id);
          return absl::OkStatus();
        },
        by_hand);
    EXPECT_TRUE(relay.RunOnce().ok());
    return ids;
  };
  ASSERT_NO_FATAL_FAILURE(RestoreSixthOfEight());
  const std::vector<std::string> before = deliver();
  Open("second");
  Work(2);
  const std::vector<std::string> after = deliver();
  ASSERT_THAT(before, SizeIs(8));
  ASSERT_THAT(after, SizeIs(8));
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(after[i], before[i]) << "the same, delivered again";
  for (size_t i = 6; i < 8; ++i) EXPECT_THAT(before, ::testing::Not(::testing::Contains(after[i])));
}

// Who saw a version that was lost must not pass for having seen the one in its place, nor the next
// page of a list begin in a state that was lost.
TEST_F(StoreBackupTest, EtagsAndTokensOfWhatWasLostAreNotThoseOfWhatCameInstead) {
  const auto put = [this](const char* color) {
    clock_.Set(clock_.Now() + absl::Seconds(1));
    WidgetRow row = MakeWidget("a", color);
    row.mutable_widget()->set_secret(color);
    const auto outcome =
        store_->Write(CommandInfo(), [&row](Tx& tx) -> absl::StatusOr<std::string> {
          RETURN_IF_ERROR(tx.Put(kWidgets, &row));
          return tx.etag();
        });
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->reply, row.widget().etag());
    return row.widget().etag();
  };
  const auto salt = [this] {
    journal::v1::Openings openings;
    EXPECT_TRUE(openings.ParseFromString(store_->ReadJournal(2, 1, 1).value().front().openings));
    EXPECT_EQ(openings.openings_size(), 1);
    return openings.openings(0).salt();
  };
  const std::string kept = put("red");
  MustBackUp();
  const std::string lost = put("blue");
  const std::string lost_salt = salt();
  const std::string key = store_->token_key();
  Open("store");
  EXPECT_EQ(store_->token_key(), key);
  ASSERT_TRUE(Restore(To("second")).ok());
  Open("second");
  EXPECT_EQ(store_->position(), 1);
  EXPECT_NE(store_->token_key(), key);
  EXPECT_EQ(store_->Read().Find(kWidgets, Key::Of("a")).value()->row.widget().etag(), kept);
  EXPECT_NE(put("green"), lost);
  EXPECT_EQ(store_->position(), 2);
  // Whoever was shown what was withheld of the one could else try out what the other withholds.
  EXPECT_NE(salt(), lost_salt);
}

// Its files were flushed by the restore, so that no log of RocksDB holds its last commit.
TEST_F(StoreBackupTest, RestoredStoreIsBackedUpBeforeItsFirstCommit) {
  ASSERT_NO_FATAL_FAILURE(RestoreSixthOfEight());
  Open("second");
  ASSERT_EQ(store_->position(), 6);
  const auto first = TryBackUp();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->log_is_whole);
  EXPECT_EQ(first->id, 3);
  const auto again = TryBackUp();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->log_is_whole);
  const RestoreOptions third = To("third");
  const auto restored = Restore(third);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->backup.id, 4);
  EXPECT_EQ(RestoredRows(third), kept_[6]);
  // Every moment from it on can be had, of the store that was restored.
  Work(3);
  const Backup later = MustBackUp();
  EXPECT_TRUE(later.log_is_whole);
  store_.reset();
  for (int64_t position = 6; position <= 9; ++position) {
    RestoreOptions options = To(absl::StrCat("to", position));
    options.backup = 3;
    options.position = position;
    const auto moment = Restore(options);
    ASSERT_TRUE(moment.ok()) << position << ": " << moment.status();
    EXPECT_EQ(RestoredRows(options), kept_[position]) << position;
  }
}

// However far the clock is ahead: it may be wrong, or the store of long ago.
TEST_F(StoreBackupTest, ARequestIsForgottenByTheTimeOfTheLastCommand) {
  Work(1);
  const CommandInfo first = Info("00000000-0000-4000-8000-000000000001");
  clock_.Set(clock_.Now() + absl::Hours(400 * 24));
  Open("store");
  ASSERT_TRUE(CompactRocks(*engine_).ok());
  EXPECT_TRUE(store_->FindReply(first).value().has_value());
  Work(1);
  ASSERT_TRUE(CompactRocks(*engine_).ok());
  EXPECT_TRUE(store_->FindReply(first).value().has_value());  // it was open for no 400 days
  Open("store");
  ASSERT_TRUE(CompactRocks(*engine_).ok());
  EXPECT_FALSE(store_->FindReply(first).value().has_value());
  EXPECT_TRUE(store_->FindReply(Info("00000000-0000-4000-8000-000000000002")).value().has_value());
}

TEST_F(StoreBackupTest, CopiesOnlyWhatIsNewAndKeepsTheNewest) {
  Work(300);
  // RocksDB rewrites a fresh file once more by itself.
  ASSERT_TRUE(CompactRocks(*engine_).ok());
  const Backup first = MustBackUp();
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(first.new_bytes, first.bytes);
  Work(1);
  const Backup second = MustBackUp();
  EXPECT_LT(second.new_bytes, first.bytes / 2);
  EXPECT_GT(second.bytes, first.bytes);
  Work(1);
  MustBackUp({.newest = 2});
  const auto listed = ListBackups(dir_ / "backups");
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_THAT(*listed, SizeIs(2));
  EXPECT_EQ(listed->front().id, 2);
  const auto note = NoteOf(listed->back());
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(note->tree_head().tree_size(), store_->position());
  EXPECT_TRUE(VerifyHead(note->tree_head(), signer_->public_key()).ok());
  // The log before the oldest went with it.
  RestoreOptions options = To("gone");
  options.position = 300;
  EXPECT_EQ(Refused(options), "BACKUP_RANGE");
  options.position = store_->position() - 1;
  EXPECT_TRUE(Restore(options).ok());
}

// Ten days, three backups a day: of the older days one stays each, and every moment since can still
// be had.
TEST_F(StoreBackupTest, KeepsOneOfEachDayAndTheLogBetween) {
  const Kept keep = {.newest = 4, .days = 5};
  for (int day = 0; day < 10; ++day) {
    for (int i = 0; i < 3; ++i) {
      Work(2);
      MustBackUp(keep);
    }
    NextDay();
  }
  // The last of the sixth to tenth day; the newest four reach into the ninth.
  EXPECT_THAT(Listed(), ElementsAre(18, 21, 24, 27, 28, 29, 30));
  store_.reset();
  for (const int64_t position : {36, 41, 42, 47, 53, 54, 55, 60}) {
    RestoreOptions options = To(absl::StrCat("to", position));
    options.position = position;
    const auto restored = Restore(options);
    ASSERT_TRUE(restored.ok()) << position << ": " << restored.status();
    EXPECT_EQ(restored->backup.id, position < 54 ? position / 6 * 3 : position / 2) << position;
    EXPECT_EQ(RestoredRows(options), kept_[position]) << position;
  }
  RestoreOptions options = To("early");
  options.position = 35;
  EXPECT_EQ(Refused(options), "BACKUP_RANGE");
}

// After a gap in the log, and on the line of a restored store, the first backup of the day leads to
// what came later that day, and no other does.
TEST_F(StoreBackupTest, KeepsTheBackupsWithWhichALogBegins) {
  const Kept keep = {.newest = 1, .days = 30};
  const auto work_and_back_up = [&] {
    Work(2);
    MustBackUp(keep);
  };
  work_and_back_up();  // 1
  NextDay();
  work_and_back_up();  // 2
  Open("store", /*keep_logs=*/false);
  Work(2);
  Open("store", /*keep_logs=*/false);  // its first log is no longer needed
  Open("store");
  Work(2);
  EXPECT_FALSE(MustBackUp(keep).log_is_whole);  // 3
  for (int i = 4; i <= 6; ++i) work_and_back_up();
  EXPECT_THAT(Listed(), ElementsAre(1, 3, 6));
  for (const int64_t position : {3, 4, 8, 9, 13, 14}) {
    RestoreOptions options = To(absl::StrCat("to", position));
    options.position = position;
    ASSERT_TRUE(Restore(options).ok()) << position;
    EXPECT_EQ(RestoredRows(options), kept_[position]) << position;
  }
  RestoreOptions back = To("second");
  back.position = 13;
  ASSERT_TRUE(Restore(back).ok());
  Open("second");
  for (int i = 7; i <= 9; ++i) work_and_back_up();
  EXPECT_THAT(Listed(), ElementsAre(1, 3, 6, 7, 9));
  RestoreOptions options = To("between");
  options.position = 16;
  ASSERT_TRUE(Restore(options).ok());
  EXPECT_EQ(RestoredRows(options), kept_[16]);
  // With the day they go.
  store_.reset();
  NextDay();
  Open("second");
  Work(1);
  MustBackUp({.newest = 1, .days = 2});
  EXPECT_THAT(Listed(), ElementsAre(6, 9, 10));
}

// The log is kept for the backups alone: else it would take 8 GiB, or all that is written in three
// days, however many of them there are.
TEST_F(StoreBackupTest, WhatABackupTookOfTheLogGoes) {
  const auto kept_logs = [&] {
    std::set<std::string> names;
    for (const auto& file : fs::directory_iterator(fs::path(dir_ / "store") / "archive")) {
      if (file.path().extension() == ".log") names.insert(file.path().filename());
    }
    return names;
  };
  Work(2);
  MustBackUp();
  for (int i = 0; i < 3; ++i) {
    Open("store");  // what it held in memory is in tables then, and its log is kept
    Work(2);
  }
  Open("store");
  const std::set<std::string> before = kept_logs();
  EXPECT_GE(before.size(), 3u);
  const double with = FigureOf("kept_log_bytes");
  EXPECT_TRUE(MustBackUp().log_is_whole);
  for (const std::string& name : kept_logs()) EXPECT_FALSE(before.contains(name)) << name;
  EXPECT_LT(FigureOf("kept_log_bytes"), with);
  Work(3);
  EXPECT_TRUE(MustBackUp().log_is_whole);
  for (int64_t position = 2; position <= store_->position(); ++position) {
    RestoreOptions options = To(absl::StrCat("to", position));
    options.position = position;
    ASSERT_TRUE(Restore(options).ok()) << position;
    EXPECT_EQ(RestoredRows(options), kept_[position]) << position;
  }
}

TEST_F(StoreBackupTest, WhatNoBackupTookOfTheLogStaysAndIsTold) {
  Work(2);
  Open("store");
  Work(2);
  const double with = FigureOf("kept_log_bytes");
  EXPECT_GT(with, 0);
  Open("store");
  EXPECT_GE(FigureOf("kept_log_bytes"), with);
  EXPECT_GT(FigureOf("kept_log_limit_bytes"), with);
  EXPECT_TRUE(MustBackUp().log_is_whole);
}

TEST(KeptLog, IsAQuarterOfItsDiskAtMost) {
  constexpr uint64_t kGiB = uint64_t{1} << 30;
  EXPECT_EQ(KeptLogBound(kGiB / 2), kGiB / 4);
  EXPECT_EQ(KeptLogBound(2 * kGiB), kGiB / 2);
  EXPECT_EQ(KeptLogBound(10 * kGiB), 10 * kGiB / 4);
  EXPECT_EQ(KeptLogBound(50 * kGiB), 8 * kGiB);
  EXPECT_EQ(KeptLogBound(std::numeric_limits<uint64_t>::max()), 8 * kGiB);
  EXPECT_EQ(KeptLogBoundAt("/nowhere/at/all"), 8 * kGiB);
}

TEST_F(StoreBackupTest, BackupWhoseLogWasDroppedSaysSo) {
  Work(2);
  EXPECT_TRUE(MustBackUp().log_is_whole);
  Open("store", /*keep_logs=*/false);
  Work(2);
  Open("store", /*keep_logs=*/false);  // its first log is no longer needed
  Work(2);
  EXPECT_FALSE(MustBackUp().log_is_whole);
  Work(1);
  EXPECT_TRUE(MustBackUp().log_is_whole);
  RestoreOptions between = To("between");
  between.position = 3;
  EXPECT_EQ(Refused(between), "BACKUP_RANGE");
  ASSERT_TRUE(Restore(To("all")).ok());
  EXPECT_EQ(RestoredRows(To("all")), kept_[store_->position()]);
}

TEST_F(StoreBackupTest, BackupOfAStoreThatHasNoLogAtAllSaysSoOnce) {
  Work(2);
  MustBackUp();
  Open("store", /*keep_logs=*/false);
  Work(2);
  Open("store", /*keep_logs=*/false);  // what it holds is in tables
  Open("store");
  EXPECT_FALSE(MustBackUp().log_is_whole);
  Work(2);
  EXPECT_TRUE(MustBackUp().log_is_whole);
  store_.reset();
  RestoreOptions options = To("gap");
  options.position = 3;
  EXPECT_EQ(Refused(options), "BACKUP_RANGE");
  options = To("behind it");
  options.position = 5;
  const auto restored = Restore(options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->backup.id, 2);
  EXPECT_EQ(RestoredRows(options), kept_[5]);
}

TEST_F(StoreBackupTest, DamagedStoreMakesNoBackupAndStillSavesItsLog) {
  Work(6);
  MustBackUp();
  Work(6);
  ASSERT_TRUE(CompactRocks(*engine_).ok());
  for (const auto& entry : fs::directory_iterator(dir_ / "store")) {
    if (entry.path().extension() != ".sst") continue;
    const fs::path& file = entry.path();
    std::string bytes = ReadAll(file);
    bytes[bytes.size() / 3] ^= 1;
    WriteAll(file, bytes);
  }
  EXPECT_EQ(TryBackUp().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(*ListBackups(dir_ / "backups"), SizeIs(1));
  const auto restored = Restore(To("whole"));
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->backup_position, 6);
  EXPECT_EQ(RestoredRows(To("whole")), kept_[12]);
}

// Every file of the backup and of its log, one bit each.
TEST_F(StoreBackupTest, DamagedBackupIsRefused) {
  Work(6);
  MustBackUp();
  Work(6);
  MustBackUp();
  int refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "backups")) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const std::string path = entry.path().string();
    const std::string good = ReadAll(path);
    std::string bytes = good;
    bytes[bytes.size() / 2] ^= 4;
    WriteAll(path, bytes);
    RestoreOptions options = To(absl::StrCat("to", ++refused));
    const auto restored = Restore(options);
    // Another backup and the log may do instead of a damaged one: then all is there.
    if (restored.ok()) {
      EXPECT_EQ(RestoredRows(options), kept_[12]) << path;
    } else {
      EXPECT_EQ(restored.status().code(), absl::StatusCode::kDataLoss)
          << path << ": " << restored.status();
      EXPECT_FALSE(fs::exists(options.to)) << path;
    }
    WriteAll(path, good);
  }
  EXPECT_GT(refused, 10);
}

TEST_F(StoreBackupTest, RestoresIntoAnEmptyPlaceOnly) {
  Work(2);
  MustBackUp();
  fs::create_directories(dir_ / "full/x");
  EXPECT_EQ(Refused(To("full")), "RESTORE_NOT_EMPTY");
  EXPECT_EQ(Refused(To("store")), "RESTORE_NOT_EMPTY");
  std::ofstream(dir_ / "seen.witness") << "x";
  EXPECT_EQ(Refused(To("seen")), "RESTORE_NOT_EMPTY");
  fs::create_directories(dir_ / "empty");
  // What an attempt left that was killed.
  fs::create_directories(dir_ / "empty.restoring/x");
  ASSERT_TRUE(Restore(To("empty")).ok());
  EXPECT_EQ(RestoredRows(To("empty")), kept_[2]);
}

// It may lie on another disk than the store.
TEST_F(StoreBackupTest, AWitnessIsSetAsideWhereItLies) {
  Work(1);
  MustBackUp();
  store_.reset();
  fs::create_directory(dir_ / "elsewhere");
  RestoreOptions options = To("store");
  options.witness = dir_ / "elsewhere/store.witness";
  std::ofstream(options.witness) << "of the old one";
  options.aside = dir_ / "old";
  ASSERT_TRUE(Restore(options).ok());
  EXPECT_EQ(RestoredRows(options), kept_[1]);
  EXPECT_EQ(ReadAll(dir_ / "elsewhere/old.witness"), "of the old one");
  EXPECT_FALSE(fs::exists(dir_ / "old.witness"));
}

// What an operator does who gives a service its store back where it was.
TEST_F(StoreBackupTest, SetsAsideWhatIsThere) {
  Work(2);
  MustBackUp();
  Work(1);
  store_.reset();
  std::ofstream(dir_ / "store.witness") << "of the old one";
  RestoreOptions options = To("store");
  options.aside = dir_ / "old";
  ASSERT_TRUE(Restore(options).ok());
  EXPECT_EQ(RestoredRows(options), kept_[2]);
  EXPECT_EQ(ReadAll(dir_ / "old.witness"), "of the old one");
  EXPECT_NE(ReadAll(options.witness), "of the old one");
  Open("old");
  EXPECT_EQ(RowsOf(*engine_->NewSnapshot()), kept_[3]);
  // Nothing that was set aside is ever overwritten, and nothing is touched by what fails.
  EXPECT_EQ(Refused(options), "RESTORE_NOT_EMPTY");
  options.aside = dir_ / "older";
  options.backup = 7;
  EXPECT_EQ(Refused(options), "BACKUP_NOT_FOUND");
  EXPECT_FALSE(fs::exists(options.aside));
  EXPECT_EQ(RestoredRows(options), kept_[2]);
}

TEST_F(StoreBackupTest, HoldsSignedHeadsAgainstWhatItRestores) {
  Work(4);
  const auto at_four = SignedHead(*store_, *signer_, clock_.Now());
  MustBackUp();
  Work(2);
  const auto at_six = SignedHead(*store_, *signer_, clock_.Now());
  Work(2);
  MustBackUp();
  Work(1);
  const auto at_nine = SignedHead(*store_, *signer_, clock_.Now());
  ASSERT_TRUE(at_four.ok() && at_six.ok() && at_nine.ok());

  RestoreOptions options = To("five");
  options.position = 5;
  options.heads = {*at_four, *at_six, *at_nine};
  const auto restored = Restore(options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->heads_proved, 4) << "two given and those of the backups";
  EXPECT_THAT(restored->heads_beyond, ElementsAre(9));

  // Signed by the right key, over another history.
  for (const int64_t size : {4, 6}) {
    journal::v1::TreeHead other = *at_four;
    other.set_tree_size(size);
    other.set_root(std::string(32, 'x'));
    ASSERT_TRUE(signer_->Sign(&other).ok());
    options = To("other");
    options.heads = {other};
    EXPECT_EQ(Refused(options), "HISTORY_DIFFERS");
  }
  journal::v1::TreeHead forged = *at_four;
  forged.set_tree_size(3);
  options.heads = {forged};
  EXPECT_EQ(Refused(options), "PROOF_INVALID");
  options = To("stranger");
  options.public_keys = {std::string(32, 'k')};
  EXPECT_EQ(Refused(options), "PROOF_INVALID");
}

// Each head is held against the key of its time.
TEST_F(StoreBackupTest, BelievesTheKeysOfBeforeAndAfterTheyWereReplaced) {
  Work(3);
  MustBackUp();
  const auto before = SignedHead(*store_, *signer_, clock_.Now());
  const std::string first = signer_->public_key();
  signer_ = *OpenHeadSigner(dir_ / "next.pem");
  const std::string second = signer_->public_key();
  Work(2);
  MustBackUp();
  Work(1);
  const auto after = SignedHead(*store_, *signer_, clock_.Now());
  ASSERT_TRUE(before.ok() && after.ok());

  RestoreOptions options = To("both");
  options.heads = {*before, *after};
  options.public_keys = {first, second};
  const auto restored = Restore(options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->heads_proved, 3);
  EXPECT_THAT(restored->heads_beyond, ElementsAre(6));
  EXPECT_THAT(restored->key_ids, UnorderedElementsAre(KeyId(first), KeyId(second)));
  EXPECT_EQ(RestoredRows(options), kept_[5]);
  options = To("as-they-say");
  options.heads = {*before, *after};
  options.public_keys = {};
  EXPECT_TRUE(Restore(options).ok());

  options = To("one");
  for (const std::string& key : {first, second}) {
    options.public_keys = {key};
    EXPECT_EQ(Refused(options), "PROOF_INVALID");
  }
  // By the name of a key that is believed is not yet by that key.
  options.public_keys = {first, second};
  journal::v1::TreeHead forged = *after;
  forged.set_key_id(KeyId(first));
  options.heads = {forged};
  EXPECT_EQ(Refused(options), "PROOF_INVALID");
}

TEST_F(StoreBackupTest, SaysWhatItCannotReach) {
  EXPECT_EQ(Refused(To("none")), "BACKUP_NOT_FOUND");
  Work(3);
  MustBackUp();
  RestoreOptions options = To("to");
  options.position = 2;
  EXPECT_EQ(Refused(options), "BACKUP_RANGE");
  options.position = 4;
  EXPECT_EQ(Refused(options), "BACKUP_RANGE");
  options.position = std::nullopt;
  options.backup = 2;
  EXPECT_EQ(Refused(options), "BACKUP_NOT_FOUND");
}

TEST_F(StoreBackupTest, BackupThatIsGivenUpLeavesNothing) {
  Work(100);
  MustBackUp();
  Work(300);
  const auto given_up =
      BackUp(*store_, *signer_, clock_.Now(), dir_ / "backups", {5}, [] { return true; });
  // A small one may be done before anybody asks.
  if (!given_up.ok()) {
    EXPECT_EQ(given_up.status().code(), absl::StatusCode::kCancelled);
    EXPECT_THAT(*ListBackups(dir_ / "backups"), SizeIs(1));
  }
  EXPECT_GE(MustBackUp().id, 2);
}

}  // namespace
}  // namespace nisi::store
