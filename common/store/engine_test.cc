// The conformance suite over both engines, and what only RocksDB can get wrong: crashes, damage, a
// failing disk.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/status.h"
#include "common/store/engine_conformance.h"
#include "common/store/mem_engine.h"
#include "common/store/rocks_engine.h"
#include "rocksdb/file_system.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;

// A folder that goes with the test.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "nisi_engine_XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return (fs::path(path_) / name).string(); }

 private:
  std::string path_;
};

RocksOptions In(const std::string& dir) {
  RocksOptions options;
  options.dir = dir;
  return options;
}

class RocksHome : public EngineHome {
 public:
  absl::StatusOr<std::unique_ptr<Engine>> Open() override {
    return OpenRocks(In(dir_ / "a/store"));
  }

 private:
  TempDir dir_;
};

class MemHome : public EngineHome {
 public:
  absl::StatusOr<std::unique_ptr<Engine>> Open() override { return OpenMem(disk_); }

 private:
  std::shared_ptr<MemDisk> disk_ = NewMemDisk();
};

INSTANTIATE_TEST_SUITE_P(
    All, EngineConformance,
    testing::Values(EngineKind{"Rocks", [] { return std::make_unique<RocksHome>(); }},
                    EngineKind{"Mem", [] { return std::make_unique<MemHome>(); }}),
    [](const auto& kind) { return kind.param.name; });

std::string Key(int64_t i) {
  return absl::StrCat("key", 100'000 + i);
}
std::string Value(int64_t i) {
  return absl::StrCat("value ", i, " ", std::string(20, static_cast<char>('a' + i % 26)));
}

absl::Status CommitRow(Engine& engine, int64_t i) {
  return engine.Commit(
      {{{Space::kData, Key(i), Value(i)}, {Space::kLog, Key(i), Value(i)}}, i - 1, i});
}

void Fill(Engine& engine, int64_t rows) {
  for (int64_t i = 1; i <= rows; ++i) {
    const absl::Status status = CommitRow(engine, i);
    ASSERT_TRUE(status.ok()) << status;
  }
}

// How many of the first `rows` rows read back right; the first bad status goes to *status. A value
// that reads back wrong fails the test.
int64_t CountRows(const Engine& engine, int64_t rows, absl::Status* status) {
  const auto snapshot = engine.NewSnapshot();
  int64_t count = 0;
  for (int64_t i = 1; i <= rows; ++i) {
    for (const Space space : {Space::kData, Space::kLog}) {
      std::string value;
      const auto found = snapshot->Get(space, Key(i), &value);
      if (!found.ok() && status->ok()) *status = found.status();
      if (!found.ok() || !*found) continue;
      EXPECT_EQ(value, Value(i));
      ++count;
    }
  }
  return count / 2;
}

std::vector<fs::path> FilesEndingIn(const std::string& dir, const std::string& ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() == ending && entry.file_size() > 0) files.push_back(entry.path());
  }
  return files;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void WriteAll(const fs::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

absl::Status OpenStatus(const std::string& dir) {
  return OpenRocks(In(dir)).status();
}

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
    const size_t at = bytes.find(Value(row));
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
    Batch batch;
    batch.position = kRows;
    for (int64_t i = 1; i <= kRows; ++i) {
      batch.ops.push_back({Space::kData, Key(i), Value(i)});
      batch.ops.push_back({Space::kLog, Key(i), Value(i)});
    }
    ASSERT_TRUE((*engine)->Commit(batch).ok());
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
              testing::HasSubstr(tables[1].filename().string()));
}

TEST(RocksDamage, FoldersThatMustNotBeServedAreRefused) {
  const TempDir dir;
  {
    const auto engine = OpenRocks(In(dir / "store"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, 5));
    const absl::Status second = OpenStatus(dir / "store");
    EXPECT_EQ(base::ReasonOf(second), "STORE_LOCKED") << second;
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

TEST(RocksFiles, OnceRowsGoByTheGivenClock) {
  const TempDir dir;
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  absl::Time now = start;
  RocksOptions options = In(dir / "store");
  options.now = [&now] { return now; };
  const auto engine = OpenRocks(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto row = [](absl::Time time) {
    auto micros = static_cast<uint64_t>(absl::ToUnixMicros(time));
    std::string bytes(8, '\0');
    for (size_t i = 8; i-- > 0; micros >>= 8) bytes[i] = static_cast<char>(micros & 0xff);
    return bytes + "reply";
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
  now = start + 31 * day;
  ASSERT_TRUE(CompactRocks(**engine).ok());
  EXPECT_THAT(keys(), testing::ElementsAre("first", "second", "short"));
  now = start + 32 * day;
  ASSERT_TRUE(CompactRocks(**engine).ok());
  EXPECT_THAT(keys(), testing::ElementsAre("second", "short"));
  std::string value;
  EXPECT_TRUE((*engine)->NewSnapshot()->Get(Space::kData, "first", &value).value());
}

// ---- A failing disk ----

// Lets one coming sync or write of a log fail.
class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault { kNone, kSync, kPassing, kNoSpace };

  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  std::atomic<Fault> fault{Fault::kNone};

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    const rocksdb::IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (status.ok() && name.ends_with(".log"))
      *result = std::make_unique<Log>(std::move(*result), this);
    return status;
  }

 private:
  class Log : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    Log(std::unique_ptr<rocksdb::FSWritableFile>&& file, FaultyFileSystem* owner)
        : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner) {}

    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      Fault expected = Fault::kSync;
      if (owner_->fault.compare_exchange_strong(expected, Fault::kNone)) {
        return rocksdb::IOStatus::IOError("injected");
      }
      expected = Fault::kPassing;
      if (owner_->fault.compare_exchange_strong(expected, Fault::kNone)) {
        rocksdb::IOStatus status = rocksdb::IOStatus::IOError("injected");
        status.SetRetryable(true);
        return status;
      }
      expected = Fault::kNoSpace;
      if (owner_->fault.compare_exchange_strong(expected, Fault::kNone)) {
        return rocksdb::IOStatus::NoSpace("injected");
      }
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }

   private:
    FaultyFileSystem* const owner_;
  };
};

void FailOneCommit(FaultyFileSystem::Fault fault, absl::StatusCode code, absl::string_view reason) {
  const TempDir dir;
  const auto disk = std::make_shared<FaultyFileSystem>();
  RocksOptions options = In(dir / "store");
  options.file_system = disk;
  {
    const auto engine = OpenRocks(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, 5));
    disk->fault = fault;
    for (int attempt = 0; attempt < 20'000; ++attempt) {  // The disk is well after the first.
      const absl::Status status = CommitRow(**engine, 6);
      ASSERT_EQ(status.code(), code) << status << ", attempt " << attempt;
      ASSERT_EQ(base::ReasonOf(status), reason);
    }
    EXPECT_EQ(disk->fault, FaultyFileSystem::Fault::kNone);
    EXPECT_EQ((*engine)->LastPosition().value(), 5);
  }
  const auto engine = OpenRocks(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const int64_t position = (*engine)->LastPosition().value();
  EXPECT_TRUE(position == 5 || position == 6) << position;  // Unknown is unknown, but never half.
  absl::Status status;
  EXPECT_EQ(CountRows(**engine, 6, &status), position) << status;
  EXPECT_TRUE(CommitRow(**engine, position + 1).ok());
}

TEST(RocksFaults, FailedSyncStopsTheEngineUntilReopened) {
  FailOneCommit(FaultyFileSystem::Fault::kSync, absl::StatusCode::kUnavailable, "STORE_FAILED");
}

// RocksDB resumes by itself after this one. We do not: what it dropped meanwhile nobody knows.
TEST(RocksFaults, PassingFaultStopsTheEngineUntilReopened) {
  FailOneCommit(FaultyFileSystem::Fault::kPassing, absl::StatusCode::kUnavailable, "STORE_FAILED");
}

TEST(RocksFaults, FullDiskStopsTheEngineUntilReopened) {
  FailOneCommit(FaultyFileSystem::Fault::kNoSpace, absl::StatusCode::kResourceExhausted,
                "DISK_FULL");
}

}  // namespace
}  // namespace nisi::store
