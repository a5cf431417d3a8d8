// Folder entries that a power cut may take back: names made, changed and deleted since the folder
// was last synced. They are noted outside of the process before they happen, so that whoever
// reopens the folder after a kill can undo them. For tests, part of fault_fs.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace nisi::store {

// The notes of one process; begins with none. Each of the first three is called right before its
// change. One thread at a time, until the change is done: the notes' order is the changes' own.
class EntryNotes {
 public:
  // `dir`: for the notes, outside of the folders they are about, on the same file system.
  explicit EntryNotes(std::string dir);
  ~EntryNotes();
  EntryNotes(const EntryNotes&) = delete;
  EntryNotes& operator=(const EntryNotes&) = delete;

  void Create(const std::string& path);
  // Where the file is to be moved, instead of being deleted.
  std::string Delete(const std::string& path);
  // What lies at `to` is kept.
  void Rename(const std::string& from, const std::string& to);
  // Entries of the folder are there for good.
  void Synced(const std::string& folder);

 private:
  struct Pending {
    std::string folder;
    std::string kept;  // the file's bytes, for undoing; empty: none
  };
  std::string NextKept();
  void Note(const std::string& line, Pending pending);

  const std::string dir_;
  int file_ = -1;
  std::vector<Pending> pending_;
  int64_t kept_ = 0;
};

// After the process that kept the notes in `dir` is gone: takes unsynced changes back, last first,
// and forgets the notes. Seed 0 takes back all; another one a part, as a file system may have
// written some of them by itself. Returns how many. NOT_FOUND: there are no notes.
absl::StatusOr<int> UndoUnsyncedEntries(const std::string& dir, uint64_t seed);

}  // namespace nisi::store
