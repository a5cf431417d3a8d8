#include "common/store/fault_fs_entries.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;

constexpr char kFile[] = "entries";
constexpr char kKept[] = "kept-";

std::string FolderOf(const std::string& path) {
  return fs::path(path).parent_path().lexically_normal().string();
}

bool Exists(const std::string& path) {
  return !path.empty() && access(path.c_str(), F_OK) == 0;
}

// A test disk that cannot keep its own notes has nothing true to say any more.
void Must(bool done, absl::string_view what) {
  if (done) return;
  std::perror(absl::StrCat("fault disk: ", what).c_str());
  std::abort();
}

struct Change {
  char kind = 0;  // C, D, R; S: the folder was synced
  std::string path, to, kept;
  std::string folder() const { return kind == 'S' ? path : FolderOf(kind == 'R' ? to : path); }
};

std::vector<Change> ReadChanges(std::istream& in) {
  std::vector<Change> changes;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, '\t');
    if (words.size() != 4 || words[0].size() != 1) continue;
    Change change{words[0][0], words[1], words[2], words[3]};
    if (change.kind != 'S') {
      changes.push_back(std::move(change));
      continue;
    }
    std::erase_if(changes, [&](const Change& one) { return one.folder() == change.path; });
  }
  return changes;
}

// A change that was noted and did not happen any more is undone to no effect.
bool Undo(const Change& change) {
  switch (change.kind) {
    case 'C':
      return unlink(change.path.c_str()) == 0;
    case 'D':
      return std::rename(change.kept.c_str(), change.path.c_str()) == 0;
    default: {
      const bool renamed = !Exists(change.path) && Exists(change.to);
      if (renamed) Must(std::rename(change.to.c_str(), change.path.c_str()) == 0, "undo");
      if (Exists(change.kept)) std::rename(change.kept.c_str(), change.to.c_str());
      return renamed;
    }
  }
}

}  // namespace

EntryNotes::EntryNotes(std::string dir) : dir_(std::move(dir)) {
  std::error_code error;
  fs::create_directories(dir_, error);
  file_ = open(absl::StrCat(dir_, "/", kFile).c_str(),
               O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
  Must(file_ >= 0, "notes");
}

EntryNotes::~EntryNotes() {
  close(file_);
}

std::string EntryNotes::NextKept() {
  return absl::StrCat(dir_, "/", kKept, getpid(), "-", ++kept_);
}

void EntryNotes::Note(const std::string& line, Pending pending) {
  // One write: a kill leaves all of a line or none.
  Must(write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "note");
  pending_.push_back(std::move(pending));
}

void EntryNotes::Create(const std::string& path) {
  Note(absl::StrCat("C\t", path, "\t\t\n"), {FolderOf(path), ""});
}

std::string EntryNotes::Delete(const std::string& path) {
  std::string kept = NextKept();
  Note(absl::StrCat("D\t", path, "\t\t", kept, "\n"), {FolderOf(path), kept});
  return kept;
}

void EntryNotes::Rename(const std::string& from, const std::string& to) {
  std::string kept;
  if (Exists(to)) {
    kept = NextKept();
    Must(link(to.c_str(), kept.c_str()) == 0, "keep");
  }
  Note(absl::StrCat("R\t", from, "\t", to, "\t", kept, "\n"), {FolderOf(to), kept});
}

void EntryNotes::Synced(const std::string& folder) {
  const std::string name = fs::path(folder / fs::path()).parent_path().lexically_normal().string();
  std::vector<std::string> done;
  std::erase_if(pending_, [&](const Pending& pending) {
    if (pending.folder == name && !pending.kept.empty()) done.push_back(pending.kept);
    return pending.folder == name;
  });
  const std::string line = absl::StrCat("S\t", name, "\t\t\n");
  Must(pending_.empty() ? ftruncate(file_, 0) == 0 : write(file_, line.data(), line.size()) > 0,
       "note");
  for (const std::string& kept : done) unlink(kept.c_str());
}

absl::StatusOr<int> UndoUnsyncedEntries(const std::string& dir, uint64_t seed) {
  const std::string path = absl::StrCat(dir, "/", kFile);
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(absl::StrCat("no notes in ", dir));
  const std::vector<Change> changes = ReadChanges(in);
  in.close();
  // A file system writes its entries in order: what comes before one that is there, is there.
  size_t stay = 0;
  if (seed != 0) stay = std::mt19937_64(seed)() % (changes.size() + 1);
  int undone = 0;
  for (size_t i = changes.size(); i > stay; --i) undone += Undo(changes[i - 1]) ? 1 : 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    if (absl::StartsWith(entry.path().filename().string(), kKept)) unlink(entry.path().c_str());
  }
  if (truncate(path.c_str(), 0) != 0) return absl::InternalError("the notes cannot be emptied");
  return undone;
}

}  // namespace nisi::store
