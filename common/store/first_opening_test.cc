// What a release finds that another release wrote: refused untouched, or tried first and then taken
// over. A release is a schema here; its bytes are those of the folder.
#include "common/store/first_opening.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>

#include "common/store/head_signer.h"
#include "common/store/layout.h"
#include "common/store/schema_text.h"
#include "common/store/store_backup.h"
#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class FirstOpeningTest : public ::testing::Test {
 protected:
  FirstOpeningTest() : clock_(Day("2026-06-15").StartOfDay() + absl::Hours(12)) {
    old_.indexes = {&kByColor};
    old_.totals = {};
    next_ = old_;
    next_.format = 2;
    next_.indexes = {&kByColor, &kByTag};
  }

  // As a service opens it.
  absl::StatusOr<std::unique_ptr<Store>> Start(const Schema& release) {
    RETURN_IF_ERROR(CheckFirstOpening(place_, release, clock_));
    ASSIGN_OR_RETURN(auto store, Open(release));
    RETURN_IF_ERROR(NoteOpened(place_, release));
    return store;
  }
  absl::StatusOr<std::unique_ptr<Store>> Open(const Schema& release) {
    ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenEngine());
    Store::Options options;
    options.clock = &clock_;
    options.background = false;
    options.witness = FileWitness(place_.witness);
    return Store::Open(std::move(engine), release, std::move(options));
  }
  absl::StatusOr<std::unique_ptr<Engine>> OpenEngine() {
    RocksOptions options;
    options.dir = place_.dir;
    options.sync = false;
    options.now = [this] { return clock_.Now(); };
    return OpenRocks(options);
  }
  // By the old release, with two records.
  void Begin() {
    const auto store = Start(old_);
    ASSERT_TRUE(store.ok()) << store.status();
    for (const char* code : {"a", "b"}) {
      ASSERT_TRUE((*store)->Write(Info(), Putting(MakeOwned(code, "red", "850101000000"))).ok());
    }
  }
  // Past the store.
  void Plant(const std::string& key, absl::string_view value) {
    const auto engine = OpenEngine();
    ASSERT_TRUE(engine.ok()) << engine.status();
    const int64_t position = *(*engine)->LastPosition();
    ASSERT_TRUE((*engine)->Commit({{{Space::kData, key, value}}, position, position}).ok());
  }
  void Serves(const Schema& release) {
    const auto store = Start(release);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE((*store)->Write(Info(), Putting(MakeWidget("c", "blue"))).ok());
    EXPECT_TRUE((*store)->Read().Find(kWidgets, Key::Of("a")).value().has_value());
  }

  // Every file that is there, and what is in it.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& file : fs::recursive_directory_iterator(dir_ / "")) {
      std::ifstream in(file.path(), std::ios::binary);
      files[file.path().string()] =
          file.is_regular_file() ? std::string(std::istreambuf_iterator<char>(in), {}) : "a folder";
    }
    return files;
  }
  // The refusal of a start, which leaves every byte as it was.
  absl::Status Refused(const Schema& release) {
    const auto before = Files();
    const absl::Status refusal = Start(release).status();
    EXPECT_EQ(refusal.code(), absl::StatusCode::kFailedPrecondition) << refusal;
    EXPECT_TRUE(before == Files()) << refusal;
    EXPECT_THAT(std::string(refusal.message()), Not(HasSubstr(".trial")));
    EXPECT_THAT(std::string(refusal.message()), HasSubstr("Nothing was changed"));
    return refusal;
  }

  TempDir dir_;
  const StorePlace place_{dir_ / "testing", dir_ / "testing.witness"};
  base::FakeClock clock_;
  Schema old_ = WidgetSchema(), next_;
};

// An empty store would answer in place of one that was lost.
TEST_F(FirstOpeningTest, NothingBeginsWhereBackupsSayThatThereWasAStore) {
  const std::string backups = dir_ / "backups/testing";
  EXPECT_TRUE(CheckNotLost(place_, backups).ok()) << "a first start";
  fs::create_directories(backups + "/meta");
  std::ofstream(backups + "/meta/1.tmp") << "cut short";
  EXPECT_TRUE(CheckNotLost(place_, backups).ok()) << "no backup was ever whole";
  Begin();
  {
    const auto store = Open(old_);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Write(Info(), Putting(MakeWidget("c", "blue"))).ok());
    const auto signer = OpenHeadSigner(dir_ / "key.pem");
    const auto made = BackUp(**store, **signer, clock_.Now(), backups, {1}, [] { return false; });
    ASSERT_TRUE(made.ok()) << made.status();
  }
  EXPECT_TRUE(CheckNotLost(place_, backups).ok()) << "it is there";
  fs::remove_all(place_.dir);
  EXPECT_EQ(base::ReasonOf(CheckNotLost(place_, backups)), "STORE_LOST") << "with its witness";
  fs::remove(place_.witness);
  const auto before = Files();
  for (const bool empty_folder : {false, true}) {
    if (empty_folder) fs::create_directories(place_.dir);
    const absl::Status lost = CheckNotLost(place_, backups);
    EXPECT_EQ(base::ReasonOf(lost), "STORE_LOST") << lost;
    EXPECT_THAT(std::string(lost.message()), HasSubstr("holds 1 backup of one"));
    EXPECT_THAT(std::string(lost.message()), HasSubstr("--new-store"));
  }
  fs::remove_all(place_.dir);
  EXPECT_TRUE(before == Files());
}

TEST_F(FirstOpeningTest, AnOldReleaseRefusesWhatANewerOneOpened) {
  Begin();
  ASSERT_TRUE(Start(next_).ok());
  const absl::Status refusal = Refused(old_);
  EXPECT_EQ(base::ReasonOf(refusal), "STORE_NEWER");
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("format 2, and this release knows 1"));
  Serves(next_);
}

TEST_F(FirstOpeningTest, ANewTableOrIndexIsEnoughToBeNewer) {
  next_.format = old_.format;
  Begin();
  ASSERT_TRUE(Start(next_).ok());
  const absl::Status refusal = Refused(old_);
  EXPECT_EQ(base::ReasonOf(refusal), "STORE_NEWER");
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("indexes 12"));
  Serves(next_);
}

TEST_F(FirstOpeningTest, ANewerLayoutIsRefused) {
  Begin();
  std::string row = SchemaText(old_);
  const std::string layout = absl::StrCat("\"layout\":", kLayoutFormat);
  row.replace(row.find(layout), layout.size(), absl::StrCat("\"layout\":", kLayoutFormat + 1));
  Plant(SystemKey(kMetaId, Key::Of("schema")), row);
  fs::remove(place_.dir + "/RELEASE");  // of the release that wrote it, in truth
  const absl::Status refusal = Refused(old_);
  EXPECT_EQ(base::ReasonOf(refusal), "STORE_NEWER");
  EXPECT_THAT(std::string(refusal.message()),
              HasSubstr(absl::StrCat("layout ", kLayoutFormat + 1)));
}

TEST_F(FirstOpeningTest, TheCheckItselfTakesNothingOver) {
  Begin();
  ASSERT_TRUE(CheckFirstOpening(place_, next_, clock_).ok());
  EXPECT_FALSE(fs::exists(place_.dir + ".trial"));
  Serves(old_);  // killed here, the new one may be given up
  {
    const auto store = Start(next_);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_FALSE((*store)->UnbuiltIndexes().value().empty());  // built while serving, as ever
  }
  EXPECT_EQ(base::ReasonOf(Refused(old_)), "STORE_NEWER");
}

TEST_F(FirstOpeningTest, AStoreThatIsUnsoundStaysForTheOldRelease) {
  Begin();
  // An index entry of no record: no start reads it.
  Plant(absl::StrCat(TablePrefix(kByColor.id, kCurrent), Key::Of("green").bytes(),
                     Key::Of("z").bytes()),
        std::string("\0\0\0\5", 4));
  ASSERT_TRUE(Open(old_).ok());
  const absl::Status refusal = Refused(next_);
  EXPECT_EQ(base::ReasonOf(refusal), "SELF_CHECK_FAILED");
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("the scrub found 1: "));
  Serves(old_);
}

TEST_F(FirstOpeningTest, RecordsThatANewIndexCannotHoldStayForTheOldRelease) {
  Begin();
  next_.indexes = {&kByColor, &kByBin};  // unique, and two have the same
  const absl::Status refusal = Refused(next_);
  EXPECT_EQ(base::ReasonOf(refusal), "SELF_CHECK_FAILED");
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("cannot be built of its records"));
  Serves(old_);
}

TEST_F(FirstOpeningTest, AStoreBehindItsWitnessStaysAsItIs) {
  Begin();
  const std::string kept = dir_ / "kept";
  fs::copy(place_.dir, kept);
  Serves(old_);
  fs::remove_all(place_.dir);
  fs::rename(kept, place_.dir);
  EXPECT_EQ(base::ReasonOf(Refused(next_)), "STORE_ROLLED_BACK");
}

// What a killed check left is in nobody's way, and a note that rotted is no note.
TEST_F(FirstOpeningTest, WhatLiesAboutIsCleared) {
  Begin();
  fs::create_directory(place_.dir + ".trial");
  std::ofstream(place_.dir + ".trial/CURRENT") << "MANIFEST-000009\n";
  std::ofstream(place_.dir + ".trial.witness") << "x";
  std::ofstream(place_.dir + "/RELEASE") << "x";
  Serves(old_);
  EXPECT_FALSE(fs::exists(place_.dir + ".trial"));
  EXPECT_FALSE(fs::exists(place_.dir + ".trial.witness"));
  // The one that goes on as it is clears it too: nobody else may come.
  fs::create_directory(place_.dir + ".trial");
  Serves(old_);
  EXPECT_FALSE(fs::exists(place_.dir + ".trial"));
  std::ifstream note(place_.dir + "/RELEASE");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(note), {}), SchemaText(old_));
}

TEST_F(FirstOpeningTest, NobodyCopiesAStoreThatIsOpen) {
  Begin();
  int ready[2], over[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(over), 0);
  const pid_t other = fork();
  if (other == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const int file = open((place_.dir + "/LOCK").c_str(), O_RDWR);
    char byte = fcntl(file, F_SETLK, &lock) == 0 ? 'y' : 'n';
    close(over[1]);
    _exit(write(ready[1], &byte, 1) == 1 && read(over[0], &byte, 1) == 0 ? 0 : 1);
  }
  char held = 0;
  ASSERT_EQ(read(ready[0], &held, 1), 1);
  ASSERT_EQ(held, 'y');
  EXPECT_EQ(base::ReasonOf(Start(next_).status()), "STORE_LOCKED");
  EXPECT_TRUE(ExamineStore(place_, next_, clock_).ok());
  close(over[1]);
  int status = 1;
  ASSERT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  for (const int file : {ready[0], ready[1], over[0]}) close(file);
}

TEST_F(FirstOpeningTest, TheDoctorSaysWhatTheNextStartWould) {
  Begin();
  const auto before = Files();
  EXPECT_TRUE(ExamineStore(place_, old_, clock_).ok());
  EXPECT_TRUE(ExamineStore(place_, next_, clock_).ok());
  next_.indexes = {&kByColor, &kByBin};
  EXPECT_EQ(base::ReasonOf(ExamineStore(place_, next_, clock_)), "SELF_CHECK_FAILED");
  EXPECT_TRUE(before == Files());
}

}  // namespace
}  // namespace nisi::store
