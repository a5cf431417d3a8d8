// The disk that fails: it must lose what a power cut loses and nothing else, or the tests that
// stand on it prove nothing.
#include "common/store/fault_fs.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/rocks_engine.h"
#include "common/store/rocks_testing.h"
#include "common/store/temp_dir.h"
#include "rocksdb/file_system.h"

namespace nisi::store {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using ::testing::HasSubstr;

FaultPlan Plan(const std::string& text) {
  auto plan = ParseFaultPlan(text);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : FaultPlan();
}

std::unique_ptr<rocksdb::FSWritableFile> Create(rocksdb::FileSystem& disk,
                                                const std::string& path) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  EXPECT_TRUE(disk.NewWritableFile(path, FileOptions(), &file, nullptr).ok());
  return file;
}
void Append(rocksdb::FSWritableFile& file, const std::string& bytes) {
  ASSERT_TRUE(file.Append(bytes, IOOptions(), nullptr).ok());
}
rocksdb::IOStatus Sync(rocksdb::FSWritableFile& file) {
  return file.Sync(IOOptions(), nullptr);
}
void SyncFolder(rocksdb::FileSystem& disk, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  ASSERT_TRUE(disk.NewDirectory(path, IOOptions(), &folder, nullptr).ok());
  ASSERT_TRUE(folder->Fsync(IOOptions(), nullptr).ok());
}
std::string ReadBy(rocksdb::FileSystem& disk, const std::string& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (!disk.NewSequentialFile(path, FileOptions(), &file, nullptr).ok()) return "absent";
  std::string buffer(1000, '\0');
  rocksdb::Slice read;
  EXPECT_TRUE(file->Read(buffer.size(), IOOptions(), &read, buffer.data(), nullptr).ok());
  return read.ToString();
}

// Runs `work` in a process of its own that is killed at its end; then takes back what was not
// synced of folders. Returns how many entries.
int CutAfter(const std::string& notes, uint64_t seed, const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    raise(SIGKILL);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const auto undone = UndoUnsyncedEntries(notes, seed);
  EXPECT_TRUE(undone.ok()) << undone.status();
  return undone.value_or(-1);
}

class FaultDiskTest : public ::testing::Test {
 protected:
  FaultDiskTest() { fs::create_directories(folder_); }
  std::string CutPlan(int seed = 0) const {
    return absl::StrCat("cut notes=", dir_ / "notes", " seed=", seed);
  }
  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  std::string OnDisk(const std::string& name) const {
    return fs::exists(Path(name)) ? ReadAll(Path(name)) : "absent";
  }
  int Cut(const std::function<void(rocksdb::FileSystem&)>& work, int seed = 0,
          uint64_t undo_seed = 0) {
    return CutAfter(dir_ / "notes", undo_seed, [&] {
      const FaultDisk disk(Plan(CutPlan(seed)));
      work(*disk.file_system());
    });
  }

  const TempDir dir_;
  const std::string folder_ = dir_ / "store";
};

TEST_F(FaultDiskTest, CutKeepsWhatWasSyncedAndNoMore) {
  for (int seed = 0; seed < 30; ++seed) {
    const std::string name = absl::StrCat("file", seed);
    Cut(
        [&](rocksdb::FileSystem& disk) {
          const auto file = Create(disk, Path(name));
          Append(*file, "synced ");
          ASSERT_TRUE(Sync(*file).ok());
          SyncFolder(disk, folder_);
          Append(*file, "not synced");
          EXPECT_EQ(ReadBy(disk, Path(name)), "synced not synced");
          ASSERT_TRUE(file->RangeSync(0, 100, IOOptions(), nullptr).ok());
          ASSERT_TRUE(file->Close(IOOptions(), nullptr).ok());
          EXPECT_EQ(ReadBy(disk, Path(name)), "synced not synced");
        },
        seed);
    EXPECT_EQ(OnDisk(name), "synced ");
  }
}

// A kill while the disk is syncing may leave a part, in the end zeros, and never wrong bytes.
TEST_F(FaultDiskTest, CutInASyncLeavesABeginning) {
  const std::string whole = absl::StrCat("abcdefghij", std::string(300, 'k'));
  int parts = 0, zeros = 0;
  // A kill falls into a sync, which takes for ever, or before it: tried until both ends were seen.
  for (int seed = 1; seed <= 1'000 && (parts <= 5 || zeros <= 1); ++seed) {
    const std::string name = absl::StrCat("file", seed);
    const pid_t child = fork();
    if (child == 0) {
      const FaultDisk disk(Plan(absl::StrCat(CutPlan(seed), " sync_us=1000000000")));
      const auto file = Create(*disk.file_system(), Path(name));
      Append(*file, whole);
      Sync(*file).PermitUncheckedError();
      _exit(0);
    }
    for (int wait = 0; wait < 500 && !std::filesystem::exists(Path(name)); ++wait) usleep(2'000);
    usleep(10'000);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (!std::filesystem::exists(Path(name))) continue;  // killed before it was made
    std::string left = OnDisk(name);
    if (left.find('\0') != std::string::npos) ++zeros;
    left.erase(std::find(left.begin(), left.end(), '\0'), left.end());
    EXPECT_EQ(whole.substr(0, left.size()), left);
    if (!left.empty() && left.size() < whole.size()) ++parts;
  }
  EXPECT_GT(parts, 5);
  EXPECT_GT(zeros, 1);
}

TEST_F(FaultDiskTest, CutTakesBackEntriesOfAnUnsyncedFolder) {
  WriteAll(Path("old"), "old");
  WriteAll(Path("doomed"), "doomed");
  WriteAll(Path("again"), "first");
  const int undone = Cut([&](rocksdb::FileSystem& disk) {
    const auto fresh = Create(disk, Path("fresh"));
    Append(*fresh, "fresh");
    ASSERT_TRUE(Sync(*fresh).ok());  // The bytes, not the name.
    const auto draft = Create(disk, Path("draft"));
    Append(*draft, "new");
    ASSERT_TRUE(Sync(*draft).ok());
    ASSERT_TRUE(disk.RenameFile(Path("draft"), Path("old"), IOOptions(), nullptr).ok());
    ASSERT_TRUE(disk.DeleteFile(Path("doomed"), IOOptions(), nullptr).ok());
    const auto again = Create(disk, Path("again"));
    Append(*again, "second");
    ASSERT_TRUE(Sync(*again).ok());
    EXPECT_EQ(ReadBy(disk, Path("old")), "new");
    EXPECT_EQ(ReadBy(disk, Path("doomed")), "absent");
    EXPECT_EQ(ReadBy(disk, Path("again")), "second");
  });
  EXPECT_EQ(undone, 6);
  EXPECT_EQ(OnDisk("fresh"), "absent");
  EXPECT_EQ(OnDisk("draft"), "absent");
  EXPECT_EQ(OnDisk("old"), "old");
  EXPECT_EQ(OnDisk("doomed"), "doomed");
  EXPECT_EQ(OnDisk("again"), "first");
}

TEST_F(FaultDiskTest, CutKeepsEntriesOfASyncedFolder) {
  WriteAll(Path("old"), "old");
  WriteAll(Path("doomed"), "doomed");
  const int undone = Cut([&](rocksdb::FileSystem& disk) {
    const auto draft = Create(disk, Path("draft"));
    Append(*draft, "new");
    ASSERT_TRUE(Sync(*draft).ok());
    ASSERT_TRUE(disk.RenameFile(Path("draft"), Path("old"), IOOptions(), nullptr).ok());
    ASSERT_TRUE(disk.DeleteFile(Path("doomed"), IOOptions(), nullptr).ok());
    SyncFolder(disk, folder_ + "/");
    Create(disk, Path("late"));
  });
  EXPECT_EQ(undone, 1);
  EXPECT_EQ(OnDisk("old"), "new");
  EXPECT_EQ(OnDisk("draft"), "absent");
  EXPECT_EQ(OnDisk("doomed"), "absent");
  EXPECT_EQ(OnDisk("late"), "absent");
}

// With a seed a part comes back: what was done last, whatever the seed.
TEST_F(FaultDiskTest, CutMayTakeBackThatWhichCameLast) {
  bool some = false;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cut(
        [&](rocksdb::FileSystem& disk) {
          for (int i = 0; i < 6; ++i) Create(disk, Path(absl::StrCat(seed, "-", i)));
        },
        0, seed);
    int there = 0;
    while (there < 6 && fs::exists(Path(absl::StrCat(seed, "-", there)))) ++there;
    for (int i = there; i < 6; ++i) EXPECT_FALSE(fs::exists(Path(absl::StrCat(seed, "-", i))));
    some = some || (there > 0 && there < 6);
  }
  EXPECT_TRUE(some);
}

TEST_F(FaultDiskTest, AfterAFailedSyncLaterOnesLie) {
  Cut([&](rocksdb::FileSystem&) {
    const FaultDisk disk(Plan(absl::StrCat(CutPlan(), "; fail kind=eio at=2 ops=sync files=.log")));
    const auto file = Create(*disk.file_system(), Path("a.log"));
    const auto other = Create(*disk.file_system(), Path("b.sst"));
    Append(*file, "kept");
    ASSERT_TRUE(Sync(*file).ok());
    Append(*file, " dropped");
    ASSERT_FALSE(Sync(*file).ok());
    Append(*file, " and what follows");
    ASSERT_TRUE(Sync(*file).ok());
    Append(*other, "kept");
    ASSERT_TRUE(Sync(*other).ok());
    SyncFolder(*disk.file_system(), folder_);
    EXPECT_EQ(disk.first_failure(), "sync a.log");
    EXPECT_EQ(disk.failures(), 1);
    EXPECT_EQ(disk.calls(), 3);
  });
  EXPECT_EQ(OnDisk("a.log"), "kept");
  EXPECT_EQ(OnDisk("b.sst"), "kept");
}

TEST_F(FaultDiskTest, CallsFailAsPlanned) {
  const FaultDisk disk(Plan("fail kind=short at=2 times=2 ops=append"));
  const auto file = Create(*disk.file_system(), Path("file"));
  Append(*file, "one ");
  EXPECT_TRUE(file->Append("half", IOOptions(), nullptr).IsIOError());
  EXPECT_TRUE(file->Append("half", IOOptions(), nullptr).IsIOError());
  Append(*file, " on");
  EXPECT_EQ(OnDisk("file"), "one haha on");

  const FaultDisk full(Plan("fail kind=enospc at=1 times=0 ops=create+append"));
  std::unique_ptr<rocksdb::FSWritableFile> none;
  for (int i = 0; i < 3; ++i) {
    const auto status =
        full.file_system()->NewWritableFile(Path("x"), FileOptions(), &none, nullptr);
    EXPECT_TRUE(status.IsNoSpace());
    EXPECT_TRUE(status.GetRetryable());
  }
  EXPECT_EQ(full.failures(), 3);

  const FaultDisk blind(Plan("fail kind=eio at=1 ops=read"));
  EXPECT_FALSE(blind.failures());
  std::unique_ptr<rocksdb::FSSequentialFile> reader;
  ASSERT_TRUE(
      blind.file_system()->NewSequentialFile(Path("file"), FileOptions(), &reader, nullptr).ok());
  std::string buffer(10, '\0');
  rocksdb::Slice read;
  EXPECT_FALSE(reader->Read(10, IOOptions(), &read, buffer.data(), nullptr).ok());
  EXPECT_TRUE(reader->Read(10, IOOptions(), &read, buffer.data(), nullptr).ok());
}

TEST_F(FaultDiskTest, KillsAtACall) {
  const pid_t child = fork();
  if (child == 0) {
    const FaultDisk disk(Plan(absl::StrCat(CutPlan(), "; fail kind=kill at=2 ops=sync")));
    const auto file = Create(*disk.file_system(), Path("file"));
    SyncFolder(*disk.file_system(), folder_);
    for (const char* word : {"one ", "two ", "three"}) {
      Append(*file, word);
      Sync(*file).PermitUncheckedError();
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(OnDisk("file"), "one ");
}

TEST(FaultPlanTest, BadPlansSayWhy) {
  for (const auto& [text, why] : std::vector<std::pair<const char*, const char*>>{
           {"cut", "without notes"},
           {"burn", "no such clause: burn"},
           {"fail at=1", "without a kind"},
           {"fail kind=odd", "no such kind: odd"},
           {"fail kind=eio at=x", "not a number: x"},
           {"fail kind=eio ops=append+chew", "no such call: chew"},
           {"fail kind=eio size=1", "fail has no size"},
           {"cut notes=a at=1", "cut has no at"}}) {
    const auto plan = ParseFaultPlan(text);
    ASSERT_FALSE(plan.ok()) << text;
    EXPECT_THAT(std::string(plan.status().message()), HasSubstr(why));
  }
  EXPECT_TRUE(ParseFaultPlan("").ok());
}

// The engine over it: a commit that was answered is there, one that was not synced is not.
TEST_F(FaultDiskTest, EngineLosesInACutWhatItDidNotSync) {
#ifdef NISI_TSAN
  GTEST_SKIP() << "the thread sanitizer follows no threads of a forked process";
#endif
  for (const bool sync : {true, false}) {
    const std::string store = Path(sync ? "synced" : "unsynced");
    CutAfter(dir_ / "notes", 0, [&] {
      const FaultDisk disk(Plan(CutPlan()));
      RocksOptions options = In(store);
      options.file_system = disk.file_system();
      options.sync = sync;
      const auto engine = OpenRocks(options);
      ASSERT_TRUE(engine.ok()) << engine.status();
      Fill(**engine, 20);
    });
    const auto engine = OpenRocks(In(store));
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->LastPosition().value(), sync ? 20 : 0);
    absl::Status status;
    EXPECT_EQ(CountRows(**engine, 20, &status), sync ? 20 : 0) << status;
  }
}

}  // namespace
}  // namespace nisi::store
