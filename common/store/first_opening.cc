#include "common/store/first_opening.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/store/file_io.h"
#include "common/store/rocks_engine.h"
#include "common/store/schema_text.h"
#include "common/store/store.h"
#include "common/store/witness.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;

constexpr char kLockFile[] = "LOCK";
constexpr char kTrial[] = ".trial", kExamined[] = ".examined";
constexpr size_t kFindingsTold = 5;

std::string ReleaseFile(const StorePlace& place) {
  return absl::StrCat(place.dir, "/RELEASE");
}

bool IsOpenedLast(const StorePlace& place, const Schema& schema) {
  const auto text = ReadSmallFile(ReleaseFile(place));
  return text.ok() && *text == SchemaText(schema);
}

// RocksDB holds this file of a store as long as it has it open. While we hold it nobody opens it.
// Of a process, so whoever closes the file anywhere lets go of it.
class Lock {
 public:
  explicit Lock(const std::string& dir)
      : file_(open(absl::StrCat(dir, "/", kLockFile).c_str(), O_RDWR | O_CLOEXEC)) {
    struct flock wanted {};
    wanted.l_type = F_WRLCK;
    wanted.l_whence = SEEK_SET;
    // Without it nobody has the store open; where it cannot be read, the copy says so.
    held_ = file_ < 0 || fcntl(file_, F_SETLK, &wanted) == 0;
  }
  ~Lock() {
    if (file_ >= 0) close(file_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  bool held() const { return held_; }

 private:
  const int file_;
  bool held_ = false;
};

// A copy of a store beside it, that goes with this.
class Copy {
 public:
  // What one left that was killed is gone at once: its tables may be names of those of a store that
  // has let go of them, and keep their room.
  Copy(const StorePlace& of, const char* suffix)
      : of_(of), place_{absl::StrCat(of.dir, suffix), absl::StrCat(of.dir, suffix, ".witness")} {
    Remove();
  }
  ~Copy() { Remove(); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const StorePlace& place() const { return place_; }

  // Of a store that nobody writes to. Tables never change: a second name will do for them.
  absl::Status Take() {
    std::error_code error;
    fs::create_directory(place_.dir, error);
    for (auto file = fs::directory_iterator(of_.dir, error);
         !error && file != fs::directory_iterator(); file.increment(error)) {
      if (!file->is_regular_file(error) || file->path().filename() == kLockFile) continue;
      const fs::path to = fs::path(place_.dir) / file->path().filename();
      if (file->path().extension() == ".sst") {
        fs::create_hard_link(file->path(), to, error);
        if (!error) continue;
        error.clear();  // a file system that knows no second names
      }
      fs::copy_file(file->path(), to, error);
      if (error) break;
    }
    if (!error && fs::exists(of_.witness, error)) {
      fs::copy_file(of_.witness, place_.witness, error);
    }
    if (!error) return absl::OkStatus();
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "STORE_UNREADABLE",
                         absl::StrCat("The files of ", of_.dir, " cannot be copied to ", place_.dir,
                                      ": ", error.message(), ". Make room, or look at the disk."));
  }

 private:
  void Remove() {
    std::error_code ignored;
    fs::remove_all(place_.dir, ignored);
    fs::remove(place_.witness, ignored);
  }
  const StorePlace of_;
  const StorePlace place_;
};

absl::Status Failed(absl::string_view why) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "SELF_CHECK_FAILED",
                       absl::StrCat("This release has tried the store in a copy: ", why, "."));
}

// All that a start does before it serves. `whole`: and all that it does later.
absl::Status Try(const StorePlace& place, const Schema& schema, base::Clock& clock, bool whole) {
  RocksOptions rocks;
  rocks.dir = place.dir;
  rocks.sync = false;                               // nobody needs it after a power cut
  rocks.now = [] { return absl::InfinitePast(); };  // drops no request row
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenRocks(rocks));
  Store::Options options;
  options.clock = &clock;
  options.witness = FileWitness(place.witness);
  options.background = false;
  ASSIGN_OR_RETURN(const auto store, Store::Open(std::move(engine), schema, std::move(options)));
  if (!whole || base::Planted("first-opening-unread")) return absl::OkStatus();
  if (const absl::Status built = store->BuildIndexes(); !built.ok()) {
    return Failed(absl::StrCat("what is new in it cannot be built of its records: ",
                               base::ReasonOf(built), ": ", built.message()));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> findings, store->Scrub());
  if (findings.empty()) return absl::OkStatus();
  const auto told = static_cast<std::ptrdiff_t>(std::min(findings.size(), kFindingsTold));
  return Failed(absl::StrCat("the scrub found ", findings.size(), ": ",
                             absl::StrJoin(findings.begin(), findings.begin() + told, "; ")));
}

absl::Status TryIn(Copy& copy, const StorePlace& place, const Schema& schema, base::Clock& clock,
                   bool whole) {
  if (base::Planted("first-opening-in-place")) return Try(place, schema, clock, whole);
  {
    const Lock lock(place.dir);
    if (!lock.held()) return StoreLocked(place.dir);
    RETURN_IF_ERROR(copy.Take());
  }
  const absl::Status tried = Try(copy.place(), schema, clock, whole);
  if (tried.ok()) return tried;
  return base::Refusal(
      tried.code(), base::ReasonOf(tried),
      absl::StrCat(
          absl::StrReplaceAll(std::string(tried.message()), {{copy.place().dir, place.dir}}),
          " Nothing was changed in ", place.dir,
          ": the release that opened it last may be started on it again."));
}

// RocksDB keeps a file a backup there, by its number; what is unfinished is named otherwise.
size_t CountBackups(const std::string& backups) {
  size_t count = 0;
  std::error_code error;
  for (auto file = fs::directory_iterator(absl::StrCat(backups, "/meta"), error);
       !error && file != fs::directory_iterator(); file.increment(error)) {
    int64_t id = 0;
    if (absl::SimpleAtoi(file->path().filename().string(), &id)) ++count;
  }
  return count;
}

}  // namespace

absl::Status CheckNotLost(const StorePlace& place, const std::string& backups) {
  std::error_code error;
  if (fs::exists(absl::StrCat(place.dir, "/CURRENT"), error)) return absl::OkStatus();
  const size_t count = CountBackups(backups);
  if (count == 0) return absl::OkStatus();
  return base::Refusal(
      absl::StatusCode::kFailedPrecondition, "STORE_LOST",
      absl::StrCat("There is no store in ", place.dir, ", but ", backups, " holds ", count,
                   count == 1 ? " backup" : " backups",
                   " of one: an empty one would answer in its place. Look whether its disk "
                   "is mounted and --data is right; if it is lost, restore it (nisi restore). To "
                   "begin with an empty one, start once with --new-store."));
}

absl::Status CheckFirstOpening(const StorePlace& place, const Schema& schema, base::Clock& clock) {
  std::error_code error;
  if (!fs::exists(absl::StrCat(place.dir, "/CURRENT"), error)) return absl::OkStatus();
  Copy trial(place, kTrial);
  if (IsOpenedLast(place, schema)) return absl::OkStatus();
  const absl::Time begin = base::SteadyNow();
  RETURN_IF_ERROR(TryIn(trial, place, schema, clock, /*whole=*/true));
  base::Log(base::Severity::kInfo, "store_checked",
            {{"store", place.dir}, {"took", absl::FormatDuration(base::SteadyNow() - begin)}});
  // Gone before the store's own row is raised, and written anew when it is: so that whatever stops
  // us in between, no release takes the store for its own unseen.
  fs::remove(ReleaseFile(place), error);
  if (!error) return absl::OkStatus();
  return base::Unavailable(
      "FILE_FAILED", absl::StrCat("Cannot remove ", ReleaseFile(place), ": ", error.message()),
      absl::Seconds(5));
}

absl::Status NoteOpened(const StorePlace& place, const Schema& schema) {
  if (IsOpenedLast(place, schema)) return absl::OkStatus();
  return WriteNewFile(ReleaseFile(place), SchemaText(schema), 0600);
}

absl::Status ExamineStore(const StorePlace& place, const Schema& schema, base::Clock& clock) {
  const bool whole = !IsOpenedLast(place, schema);
  Copy copy(place, kExamined);
  const absl::Status tried = TryIn(copy, place, schema, clock, whole);
  return base::ReasonOf(tried) == "STORE_LOCKED" ? absl::OkStatus() : tried;
}

}  // namespace nisi::store
