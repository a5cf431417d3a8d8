#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/store/rocks_engine.h"
#include "common/store/store.h"
#include "common/store/witness.h"
#include "tools/nisi/doctor.h"

namespace nisi::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kLookCloser[] =
    "Read services' runbook before anything is started or deleted: `nisi restore` makes the store "
    "again from its backups, as of the last commit that they hold.";

// RocksDB holds the file LOCK of a store as long as it has it open.
bool IsInUse(const std::string& folder) {
  const int fd = open(absl::StrCat(folder, "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool in_use = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return in_use;
}

// A folder beside the store that goes with this.
class Copy {
 public:
  explicit Copy(const std::string& folder) : path_(absl::StrCat(folder, ".examined")) {}
  ~Copy() { Remove(); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  // Of a store that nobody writes to. Tables never change: a second name will do for them.
  std::error_code Take(const std::string& folder, const std::string& witness) {
    Remove();
    std::error_code error;
    fs::create_directory(path_, error);
    for (auto file = fs::directory_iterator(folder, error);
         !error && file != fs::directory_iterator(); file.increment(error)) {
      if (!file->is_regular_file(error)) continue;
      const fs::path to = fs::path(path_) / file->path().filename();
      if (file->path().extension() == ".sst") {
        fs::create_hard_link(file->path(), to, error);
      } else {
        fs::copy_file(file->path(), to, error);
      }
      if (error) return error;
    }
    if (!error && fs::exists(witness)) fs::copy_file(witness, this->witness(), error);
    return error;
  }
  const std::string& path() const { return path_; }
  std::string witness() const { return absl::StrCat(path_, ".witness"); }

 private:
  void Remove() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    fs::remove(witness(), ignored);
  }
  const std::string path_;
};

absl::Status OpenAndCheck(const Copy& copy, const store::Schema& schema) {
  base::SystemClock clock;
  store::RocksOptions rocks;
  rocks.dir = copy.path();
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  store::Store::Options options;
  options.clock = &clock;
  options.witness = store::FileWitness(copy.witness());
  options.background = false;
  const store::Schema whole = rpc::HasMarks(schema) ? rpc::WithDisclosure(schema) : schema;
  return store::Store::Open(std::move(engine), whole, std::move(options)).status();
}

}  // namespace

void ExamineStore(const Installation& at, const KeptStore& kept, Findings* findings) {
  const std::string folder = absl::StrCat(at.data, "/", kept.name);
  const std::string witness = absl::StrCat(folder, ".witness");
  std::error_code error;
  if (!fs::exists(folder, error)) {
    if (fs::exists(witness, error)) {
      findings->push_back({"STORE_LOST", folder, "Its witness is there, and the store is not.",
                           absl::StrCat("Put the folder back. ", kLookCloser)});
    }
    return;
  }
  if (IsInUse(folder)) return;  // whoever has it open answers for it
  Copy copy(folder);
  if (const std::error_code failed = copy.Take(folder, witness); failed) {
    findings->push_back({"STORE_UNREADABLE", folder, failed.message(),
                         "Its files cannot be read or copied: look at the disk."});
    return;
  }
  const absl::Status opened = OpenAndCheck(copy, *kept.schema);
  if (opened.ok()) return;
  findings->push_back({"STORE_BROKEN", folder,
                       absl::StrCat(base::ReasonOf(opened), ": ", opened.message()), kLookCloser});
}

}  // namespace nisi::cli
