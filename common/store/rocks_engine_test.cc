// What only the engine over RocksDB can get wrong: crashes, damage, files. Its failing disk is in
// rocks_faults_test.cc.
#include "common/store/rocks_engine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/engine_testing.h"
#include "common/store/layout.h"
#include "common/store/position.h"
#include "common/store/rocks_testing.h"
#include "common/store/temp_dir.h"
#include "rocksdb/file_system.h"

namespace nisi::store {
namespace {

// ---- Crash ----

// Run only by the test below, in a process of its own: commits until it is killed, and says so
// after each.
TEST(RocksCrash, DISABLED_Child) {
  const char* dir = std::getenv("NISI_ENGINE_TEST_DIR");
  ASSERT_NE(dir, nullptr);
  auto engine = OpenRocks(In(dir));
  ASSERT_TRUE(engine.ok()) << engine.status();
  for (int64_t i = (*engine)->LastPosition().value() + 1;; ++i) {
    ASSERT_TRUE(CommitRow(**engine, i).ok());
    ASSERT_EQ(write(STDERR_FILENO, &i, sizeof i), static_cast<ssize_t>(sizeof i));
  }
}

// Starts the child above, lets it acknowledge `wanted` commits, kills it, and returns the last it
// acknowledged.
int64_t RunAndKillChild(const std::string& dir, int wanted) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::string variable = absl::StrCat("NISI_ENGINE_TEST_DIR=", dir);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=RocksCrash.DISABLED_Child";
  std::string disabled = "--gtest_also_run_disabled_tests";
  char* argv[] = {program.data(), filter.data(), disabled.data(), nullptr};
  char* envp[] = {variable.data(), nullptr};
  pid_t child = 0;
  const int spawned =
      posix_spawn(&child, fs::read_symlink(program).c_str(), &actions, nullptr, argv, envp);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  int64_t acknowledged = 0;
  int64_t next = 0;
  for (int i = 0; spawned == 0 && i < wanted && read(ends[0], &next, sizeof next) == sizeof next;
       ++i) {
    acknowledged = next;
  }
  if (spawned == 0) {
    kill(child, SIGKILL);
    while (read(ends[0], &next, sizeof next) == sizeof next) acknowledged = next;
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  return acknowledged;
}

TEST(RocksCrash, KilledProcessLosesNothingAcknowledged) {
  const TempDir dir;
  int64_t acknowledged = 0;
  for (int round = 1; round <= 3; ++round) {
    const int64_t last = RunAndKillChild(dir / "store", 40 * round);
    ASSERT_GE(last, acknowledged + 40 * round);
    acknowledged = last;
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    const int64_t position = (*engine)->LastPosition().value();
    EXPECT_GE(position, acknowledged);
    EXPECT_LE(position, acknowledged + 1);  // At most the one it was about to acknowledge.
    absl::Status status;
    EXPECT_EQ(CountRows(**engine, position, &status), position) << status;
    EXPECT_EQ(CountRows(**engine, position + 1, &status), position) << "half a commit";
  }
}

// ---- Damage ----

TEST(RocksDamage, FlippedLogNeverServesLess) {
  constexpr int64_t kRows = 40;
  const TempDir dir;
  {
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, kRows));
  }
  const auto logs = FilesEndingIn(dir / "store", ".log");
  ASSERT_EQ(logs.size(), 1u);
  const std::string name = logs[0].filename().string();
  const std::string bytes = ReadAll(logs[0]);
  int refused = 0;
  for (int64_t row : {1, 20, 40}) {  // The first, one amid, and the very last.
    const size_t at = bytes.find(ValueAt(row));
    ASSERT_NE(at, std::string::npos);
    const std::string copy = dir / absl::StrCat("copy", row);
    fs::copy(dir / "store", copy);
    std::string flipped = bytes;
    flipped[at + 3] = static_cast<char>(flipped[at + 3] ^ 0x10);
    WriteAll(fs::path(copy) / name, flipped);
    const absl::Status status = OpenStatus(copy);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_EQ(base::ReasonOf(status), "STORE_CORRUPT");
    refused += status.ok() ? 0 : 1;
  }
  EXPECT_EQ(refused, 3);
  EXPECT_TRUE(OpenStatus(dir / "store").ok());  // The untouched one opens.
}

// Every byte of a small log, lengths and checksums included.
TEST(RocksDamage, AnyFlipInTheLogIsRefused) {
  const TempDir dir;
  {
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, 5));
  }
  const auto logs = FilesEndingIn(dir / "store", ".log");
  ASSERT_EQ(logs.size(), 1u);
  const std::string bytes = ReadAll(logs[0]);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x80);
    WriteAll(logs[0], flipped);
    ASSERT_EQ(base::ReasonOf(OpenStatus(dir / "store")), "STORE_CORRUPT")
        << at << " of " << bytes.size();
  }
  WriteAll(logs[0], bytes);
  const auto engine = OpenRocks(In(dir / "store"));
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->LastPosition().value(), 5);
}

// A crash may cut the file anywhere in what was not yet synced: that must always open.
TEST(RocksDamage, TornTailOfACrashOpens) {
  const TempDir dir;
  size_t synced = 0;
  {
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, 9));
    synced = ReadAll(FilesEndingIn(dir / "store", ".log").at(0)).size();
    ASSERT_TRUE(CommitRow(**engine, 10).ok());
  }
  const std::string log = FilesEndingIn(dir / "store", ".log").at(0).filename().string();
  const std::string bytes = ReadAll(fs::path(dir / "store") / log);
  for (size_t cut = synced; cut <= bytes.size(); cut += 7) {
    const std::string copy = dir / absl::StrCat("copy", cut);
    fs::copy(dir / "store", copy);
    WriteAll(fs::path(copy) / log, bytes.substr(0, cut));
    const auto engine = OpenRocks(In(copy));
    ASSERT_TRUE(engine.ok()) << engine.status();
    const int64_t rows = cut == bytes.size() ? 10 : 9;
    EXPECT_EQ((*engine)->LastPosition().value(), rows);
    absl::Status status;
    EXPECT_EQ(CountRows(**engine, 10, &status), rows) << status;
  }
}

TEST(RocksDamage, FlippedTableIsDataLossOnReadAndFoundByVerify) {
  constexpr int64_t kRows = 5'000;
  const TempDir dir;
  {
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    std::vector<OwnedOp> ops;
    for (int64_t i = 1; i <= kRows; ++i) {
      ops.push_back({Space::kData, KeyAt(i), ValueAt(i)});
      ops.push_back({Space::kLog, KeyAt(i), ValueAt(i)});
    }
    ASSERT_TRUE((*engine)->Commit({ViewsOf(ops), 0, kRows}).ok());
    ASSERT_TRUE(CompactRocks(**engine).ok());
  }
  const auto tables = FilesEndingIn(dir / "store", ".sst");
  ASSERT_GE(tables.size(), 2u);
  for (const fs::path& table : tables) {
    std::string bytes = ReadAll(table);
    const size_t at = bytes.size() / 2;  // Amid the rows.
    bytes[at] = static_cast<char>(bytes[at] ^ 0x01);
    WriteAll(table, bytes);
  }
  const auto engine = OpenRocks(In(dir / "store"));
  ASSERT_TRUE(engine.ok()) << engine.status();  // Damage is not seen at opening.
  absl::Status status;
  EXPECT_LT(CountRows(**engine, kRows, &status), kRows);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(status.message().find(dir / ""), absl::string_view::npos);
  EXPECT_EQ((*engine)->VerifyNext("").status().code(), absl::StatusCode::kDataLoss);
  const auto snapshot = (*engine)->NewSnapshot();
  const auto cursor = snapshot->Scan(Space::kLog, "", "");
  while (cursor->Valid()) cursor->Next();
  EXPECT_EQ(cursor->status().code(), absl::StatusCode::kDataLoss);
}

TEST(RocksDamage, VerifyNamesTheOneDamagedFile) {
  const TempDir dir;
  const auto engine = OpenRocks(In(dir / "store"));
  ASSERT_TRUE(engine.ok()) << engine.status();
  ASSERT_NO_FATAL_FAILURE(Fill(**engine, 200));
  ASSERT_TRUE(CompactRocks(**engine).ok());
  auto tables = FilesEndingIn(dir / "store", ".sst");
  std::sort(tables.begin(), tables.end());
  ASSERT_GE(tables.size(), 2u);
  std::string cursor;
  for (const fs::path& table : tables) {
    const auto next = (*engine)->VerifyNext(cursor);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(*next, table.filename().string());
    cursor = *next;
  }
  EXPECT_EQ((*engine)->VerifyNext(cursor).value(), "");

  std::string bytes = ReadAll(tables[1]);
  bytes[bytes.size() - 1] = static_cast<char>(bytes[bytes.size() - 1] ^ 0x80);
  WriteAll(tables[1], bytes);
  const auto first = (*engine)->VerifyNext("");
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = (*engine)->VerifyNext(*first).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(base::InfoOf(second).metadata().at("what"),
              ::testing::HasSubstr(tables[1].filename().string()));
}

TEST(RocksDamage, FoldersThatMustNotBeServedAreRefused) {
  const TempDir dir;
  {
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, 5));
    const absl::Status second = OpenStatus(dir / "store");
    EXPECT_EQ(base::ReasonOf(second), "STORE_LOCKED") << second;
    // As the log of another process may end while it is being written: nobody else's to be cut.
    const fs::path log = FilesEndingIn(dir / "store", ".log").front();
    WriteAll(log, absl::StrCat(ReadAll(log), "half", std::string(64, '\0')));
    const auto size = fs::file_size(log);
    EXPECT_EQ(base::ReasonOf(OpenStatus(dir / "store")), "STORE_LOCKED");
    EXPECT_EQ(fs::file_size(log), size);
  }
  fs::copy(dir / "store", dir / "no_current");
  fs::remove(dir / "no_current/CURRENT");
  EXPECT_EQ(base::ReasonOf(OpenStatus(dir / "no_current")), "STORE_INCOMPLETE");
  EXPECT_FALSE(FilesEndingIn(dir / "no_current", ".log").empty()) << "evidence was removed";

  fs::copy(dir / "store", dir / "no_manifest");
  for (const auto& entry : fs::directory_iterator(dir / "no_manifest")) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) fs::remove(entry.path());
  }
  EXPECT_EQ(base::ReasonOf(OpenStatus(dir / "no_manifest")), "STORE_CORRUPT");

  fs::copy(dir / "store", dir / "bad_current");
  WriteAll(fs::path(dir / "bad_current") / "CURRENT", "MANIFEST-");
  EXPECT_EQ(base::ReasonOf(OpenStatus(dir / "bad_current")), "STORE_CORRUPT");

  WriteAll(dir / "file", "not a folder");
  EXPECT_EQ(base::ReasonOf(OpenStatus(dir / "file")), "STORE_FOLDER");
}

// ---- Files ----

TEST(RocksFiles, CheckpointOpensWithTheSameContent) {
  const TempDir dir;
  const auto engine = OpenRocks(In(dir / "store"));
  ASSERT_TRUE(engine.ok()) << engine.status();
  ASSERT_NO_FATAL_FAILURE(Fill(**engine, 100));
  ASSERT_TRUE((*engine)->Checkpoint(dir / "copy").ok());
  EXPECT_EQ((*engine)->Checkpoint(dir / "copy").code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(CommitRow(**engine, 101).ok());

  const auto copy = OpenRocks(In(dir / "copy"));
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ((*copy)->LastPosition().value(), 100);
  absl::Status status;
  EXPECT_EQ(CountRows(**copy, 101, &status), 100) << status;
  std::string cursor;
  int files = 0;
  do {
    const auto next = (*copy)->VerifyNext(cursor);
    ASSERT_TRUE(next.ok()) << next.status();
    cursor = *next;
    ++files;
  } while (!cursor.empty());
  EXPECT_GT(files, 1);
}

// Notes what becomes of the bytes of RocksDB's logs.
class LogsNoted final : public rocksdb::FileSystemWrapper {
 public:
  LogsNoted() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "LogsNoted"; }

  std::string Taken() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(events_, "");
  }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    const rocksdb::IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (status.ok() && name.ends_with(".log"))
      *result = std::make_unique<Log>(std::move(*result), this);
    return status;
  }

 private:
  class Log final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    Log(std::unique_ptr<rocksdb::FSWritableFile>&& file, LogsNoted* owner)
        : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      size_ += data.size();
      owner_->Note("append");
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus RangeSync(uint64_t offset, uint64_t bytes, const rocksdb::IOOptions& options,
                                rocksdb::IODebugContext* debug) override {
      owner_->Note(offset == begun_ && offset + bytes == size_ ? "begin" : "begin of others");
      begun_ = size_;
      return FSWritableFileOwnerWrapper::RangeSync(offset, bytes, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      owner_->Note("sync");
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }

   private:
    LogsNoted* const owner_;
    uint64_t size_ = 0, begun_ = 0;
  };

  void Note(absl::string_view event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    absl::StrAppend(&events_, event, " ");
  }

  std::mutex mutex_;
  std::string events_;
};

TEST(RocksFiles, TheDiskBeginsWithWhatIsAppendedBeforeItIsSynced) {
  for (const bool sync : {true, false}) {
    const TempDir dir;
    const auto files = std::make_shared<LogsNoted>();
    RocksOptions options = In(dir / "store");
    options.file_system = files;
    options.sync = sync;
    const auto engine = OpenRocks(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    files->Taken();
    for (int64_t at = 0; at < 3; ++at) {
      ASSERT_TRUE((*engine)->Append({{{Space::kData, "a", "1"}}, at, at + 1}).ok());
      EXPECT_EQ(files->Taken(), sync ? "append begin " : "append ");
      ASSERT_TRUE((*engine)->Sync().ok());
      EXPECT_EQ(files->Taken(), sync ? "sync " : "");
    }
  }
}

// Its files follow each other, so none that was written is ever written again.
TEST(RocksFiles, FilesOfTheLogAreMovedAndNotRewritten) {
  const TempDir dir;
  RocksOptions options = In(dir / "store");
  options.write_buffer_bytes = 256 << 10;
  const auto engine = OpenRocks(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& file : FilesEndingIn(dir / "store", ".sst")) names.insert(file.filename());
    return names;
  };
  const std::string value(8 << 10, 'v');
  std::set<std::string> seen;
  int64_t position = 0;
  // More than twice as many as are let lie side by side.
  while (seen.size() < 16) {
    ASSERT_LT(position, 10'000);
    const std::string key = JournalKey(++position);
    ASSERT_TRUE((*engine)->Commit({{{Space::kLog, key, value}}, position - 1, position}).ok());
    const std::set<std::string> now = files();
    EXPECT_THAT(now, ::testing::IsSupersetOf(seen)) << "after " << position;
    seen = now;
  }
  for (int64_t at = 1; at <= position; ++at) {
    std::string found;
    ASSERT_TRUE((*engine)->NewSnapshot()->Get(Space::kLog, JournalKey(at), &found).value()) << at;
    EXPECT_EQ(found, value);
  }
}

// The time of the store's last command, and the clock: by whichever is behind.
TEST(RocksFiles, OnceRowsGoByTheStoresTimeAndTheGivenClock) {
  const TempDir dir;
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  absl::Time now = start;
  RocksOptions options = In(dir / "store");
  options.now = [&now] { return now; };
  const auto engine = OpenRocks(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto row = [](absl::Time time) {
    return EncodePosition(absl::ToUnixMicros(time)) + "reply";
  };
  const absl::Duration day = absl::Hours(24);
  ASSERT_TRUE((*engine)
                  ->Commit({{{Space::kOnce, "first", row(start)},
                             {Space::kOnce, "second", row(start + 2 * day)},
                             {Space::kOnce, "short", "x"},
                             {Space::kData, "first", row(start)}},
                            0,
                            1})
                  .ok());
  const auto keys = [&] {
    std::vector<std::string> found;
    const auto snapshot = (*engine)->NewSnapshot();
    for (const auto cursor = snapshot->Scan(Space::kOnce, "", ""); cursor->Valid();
         cursor->Next()) {
      found.emplace_back(cursor->key());
    }
    return found;
  };
  const auto all = ::testing::ElementsAre("first", "second", "short");
  now = start + 400 * day;
  ASSERT_TRUE(CompactRocks(**engine).ok());
  EXPECT_THAT(keys(), all);
  (*engine)->SayTime(start + 31 * day);
  ASSERT_TRUE(CompactRocks(**engine).ok());
  EXPECT_THAT(keys(), all);
  (*engine)->SayTime(start + 400 * day);
  now = start + 31 * day;
  ASSERT_TRUE(CompactRocks(**engine).ok());
  EXPECT_THAT(keys(), all);
  now = start + 32 * day;
  ASSERT_TRUE(CompactRocks(**engine).ok());
  EXPECT_THAT(keys(), ::testing::ElementsAre("second", "short"));
  std::string value;
  EXPECT_TRUE((*engine)->NewSnapshot()->Get(Space::kData, "first", &value).value());
}

}  // namespace
}  // namespace nisi::store
