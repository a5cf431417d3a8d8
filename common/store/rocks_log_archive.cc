#include "common/store/rocks_log_archive.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/store/engine.h"
#include "common/store/position.h"
#include "common/store/rocks_backup.h"
#include "rocksdb/sst_file_reader.h"
#include "rocksdb/sst_file_writer.h"
#include "rocksdb/table.h"
#include "rocksdb/write_batch.h"

namespace nisi::store {
namespace {

constexpr char kUnfinished[] = "unfinished";

// A file of the log: the sequence numbers it holds, both included, are its name.
struct LogFile {
  uint64_t first = 0, last = 0;
  std::string name() const { return absl::StrFormat("%020d-%020d.sst", first, last); }
  bool Holds(uint64_t sequence) const { return first <= sequence && sequence <= last; }
};

std::optional<LogFile> ParseName(absl::string_view name) {
  constexpr size_t kDigits = 20;
  LogFile file;
  if (name.size() != 2 * kDigits + 5 || !absl::SimpleAtoi(name.substr(0, kDigits), &file.first) ||
      !absl::SimpleAtoi(name.substr(kDigits + 1, kDigits), &file.last) || file.name() != name) {
    return std::nullopt;
  }
  return file;
}

// In order; empty where there is no such folder.
absl::StatusOr<std::vector<LogFile>> FilesIn(rocksdb::Env* env, const std::string& dir) {
  std::vector<std::string> names;
  const rocksdb::Status listed = env->GetChildren(dir, &names);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return std::vector<LogFile>();
  RETURN_IF_ERROR(BackupStatus(listed, dir));
  std::vector<LogFile> files;
  for (const std::string& name : names) {
    if (const auto file = ParseName(name)) files.push_back(*file);
  }
  std::sort(files.begin(), files.end(),
            [](const LogFile& a, const LogFile& b) { return a.first < b.first; });
  return files;
}

std::string SequenceKey(uint64_t sequence) {
  return EncodePosition(static_cast<int64_t>(sequence));
}

rocksdb::Options TableOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Status SyncFolder(rocksdb::Env* env, const std::string& dir) {
  std::unique_ptr<rocksdb::Directory> folder;
  rocksdb::Status status = env->NewDirectory(dir, &folder);
  return status.ok() ? folder->Fsync() : status;
}

// Writes the commits that `db` has from the one with `from` on into one file, which is there whole
// or not at all. Not OK as well where its own log has them no more.
rocksdb::Status WriteFile(rocksdb::DB* db, rocksdb::Env* env, const std::string& dir, uint64_t from,
                          uint64_t latest) {
  std::unique_ptr<rocksdb::TransactionLogIterator> commits;
  rocksdb::Status status = db->GetUpdatesSince(from, &commits);
  if (!status.ok()) return status;
  const rocksdb::Options options = TableOptions(env);
  rocksdb::SstFileWriter writer{rocksdb::EnvOptions(options), options};
  const std::string path = absl::StrCat(dir, "/", kUnfinished);
  status = writer.Open(path);
  LogFile file;
  for (; status.ok() && commits->Valid() && file.last < latest; commits->Next()) {
    const rocksdb::BatchResult commit = commits->GetBatch();  // once: it is moved out
    const auto count = static_cast<uint64_t>(commit.writeBatchPtr->Count());
    if (count == 0) continue;
    if (file.first == 0) file.first = commit.sequence;
    const bool goes_on = commit.sequence == (file.last == 0 ? file.first : file.last + 1);
    if (!goes_on || file.first > from) return rocksdb::Status::Corruption("a gap in the log");
    file.last = commit.sequence + count - 1;
    status = writer.Put(SequenceKey(commit.sequence), commit.writeBatchPtr->Data());
  }
  if (status.ok() && file.last < latest) status = commits->status();
  if (status.ok() && file.last < latest) status = rocksdb::Status::Corruption("the log ends early");
  if (status.ok()) status = writer.Finish();
  if (status.ok()) status = env->RenameFile(path, absl::StrCat(dir, "/", file.name()));
  return status.ok() ? SyncFolder(env, dir) : status;
}

// Takes a write batch apart into the operations of a Batch.
class Decoder : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    return Take(family, key, ToView(value));
  }
  rocksdb::Status DeleteCF(uint32_t family, const rocksdb::Slice& key) override {
    return Take(family, key, std::nullopt);
  }
  void LogData(const rocksdb::Slice& /*blob*/) override {}
  const Batch& batch() const { return batch_; }

 private:
  // RocksDB's own family is number 0.
  rocksdb::Status Take(uint32_t family, const rocksdb::Slice& key,
                       std::optional<absl::string_view> value) {
    if (family < 1 || family > kSpaces) return rocksdb::Status::Corruption("no such space");
    const auto space = static_cast<Space>(family - 1);
    if (space != Space::kData || ToView(key) != kPositionKey) {
      batch_.ops.push_back({space, ToView(key), value});
      return rocksdb::Status::OK();
    }
    const auto position = DecodePosition(value.value_or(""));
    if (!position.ok()) return rocksdb::Status::Corruption("no position");
    batch_.position = *position;
    return rocksdb::Status::OK();
  }

  Batch batch_;
};

// Applies commits to a database in their order, then shows the rest.
class Replay {
 public:
  Replay(rocksdb::DB* db, const CommitVisitor& wanted)
      : db_(db), wanted_(wanted), next_(db->GetLatestSequenceNumber() + 1) {}

  // Whether the log goes on in this file without a gap.
  bool GoesOnIn(const LogFile& file) const { return file.Holds(next_); }

  absl::Status File(rocksdb::Env* env, const std::string& dir, const LogFile& file) {
    rocksdb::SstFileReader reader(TableOptions(env));
    RETURN_IF_ERROR(BackupStatus(reader.Open(absl::StrCat(dir, "/", file.name())), dir));
    RETURN_IF_ERROR(BackupStatus(reader.VerifyChecksum(), dir));
    const std::unique_ptr<rocksdb::Iterator> rows(reader.NewIterator(rocksdb::ReadOptions()));
    for (rows->Seek(SequenceKey(next_)); rows->Valid(); rows->Next()) {
      if (ToView(rows->key()) != SequenceKey(next_)) {
        return BackupStatus(rocksdb::Status::Corruption(file.name(), "a commit is missing"), dir);
      }
      RETURN_IF_ERROR(Commit(rows->value(), dir));
    }
    return BackupStatus(rows->status(), dir);
  }

 private:
  absl::Status Commit(const rocksdb::Slice& bytes, const std::string& dir) {
    rocksdb::WriteBatch writes(bytes.ToString());
    Decoder decoder;
    RETURN_IF_ERROR(BackupStatus(writes.Iterate(&decoder), dir));
    ASSIGN_OR_RETURN(const bool wanted, wanted_(decoder.batch()));
    next_ += static_cast<uint64_t>(writes.Count());
    applying_ = applying_ && wanted;
    if (!applying_) return absl::OkStatus();
    return BackupStatus(db_->Write(rocksdb::WriteOptions(), &writes), dir);
  }

  rocksdb::DB* const db_;
  const CommitVisitor& wanted_;
  uint64_t next_;
  bool applying_ = true;
};

}  // namespace

absl::StatusOr<ArchivedLog> ArchiveLog(rocksdb::DB* db, rocksdb::Env* env, const std::string& dir,
                                       uint64_t held) {
  RETURN_IF_ERROR(BackupStatus(env->CreateDirIfMissing(dir), dir));
  ASSIGN_OR_RETURN(const std::vector<LogFile> files, FilesIn(env, dir));
  const uint64_t latest = db->GetLatestSequenceNumber();
  // The archive never has what the store may yet lose.
  const rocksdb::Status synced = db->SyncWAL();
  if (!synced.ok()) return BackupStatus(synced, dir);
  if (!files.empty()) held = std::max(held, files.back().last);
  const bool begins = held == 0;
  const uint64_t from = begins ? latest : held + 1;
  if (from > latest || latest == 0) return ArchivedLog{true, latest};
  rocksdb::Status written = WriteFile(db, env, dir, from, latest);
  if (written.ok()) return ArchivedLog{true, latest};
  if (!begins && !written.IsNoSpace()) {
    base::Log(base::Severity::kWarning, "backup_log_gap",
              {{"from", from}, {"latest", latest}, {"status", written.ToString()}});
    written = WriteFile(db, env, dir, latest, latest);
  }
  if (written.IsNoSpace()) return BackupStatus(written, dir);
  // Where all is in files of tables, as after a restore, no log has even the last commit. The
  // backup has it, and the log begins behind it.
  return ArchivedLog{begins, latest};
}

void LetLogGo(rocksdb::DB* db, uint64_t held) {
  rocksdb::VectorLogPtr logs;
  rocksdb::Status status = db->GetSortedWalFiles(logs);
  const uint64_t latest = db->GetLatestSequenceNumber();  // of what is in them, or later
  for (size_t i = 0; status.ok() && i < logs.size(); ++i) {
    // Those that may still be written, and be needed at the next start, are not in RocksDB's
    // archive.
    if (logs[i]->Type() != rocksdb::kArchivedLogFile) break;
    const uint64_t end = i + 1 < logs.size() ? logs[i + 1]->StartSequence() : latest + 1;
    if (end > held + 1) break;
    status = db->DeleteFile(logs[i]->PathName());
  }
  if (!status.ok()) {
    base::Log(base::Severity::kWarning, "log_not_dropped", {{"status", status.ToString()}});
  }
}

absl::StatusOr<bool> LogLeads(rocksdb::Env* env, const std::string& dir, uint64_t from,
                              uint64_t to) {
  ASSIGN_OR_RETURN(const std::vector<LogFile> files, FilesIn(env, dir));
  for (const LogFile& file : files) {
    if (file.Holds(from + 1)) from = file.last;
  }
  return from >= to;
}

absl::Status DropLogBefore(rocksdb::Env* env, const std::string& dir, uint64_t sequence) {
  ASSIGN_OR_RETURN(const std::vector<LogFile> files, FilesIn(env, dir));
  for (const LogFile& file : files) {
    if (file.last >= sequence) break;
    RETURN_IF_ERROR(BackupStatus(env->DeleteFile(absl::StrCat(dir, "/", file.name())), dir));
  }
  return absl::OkStatus();
}

absl::Status ReplayLog(const std::string& dir, const std::string& line, const std::string& to,
                       const CommitVisitor& wanted) {
  rocksdb::Env* const env = rocksdb::Env::Default();
  const std::string log = absl::StrCat(dir, "/log/", line);
  ASSIGN_OR_RETURN(const std::vector<LogFile> files, FilesIn(env, log));
  ASSIGN_OR_RETURN(OpenedRocks opened, OpenPlain(env, to, /*read_only=*/false));
  Replay replay(opened.db.get(), wanted);
  for (const LogFile& file : files) {
    if (replay.GoesOnIn(file)) RETURN_IF_ERROR(replay.File(env, log, file));
  }
  // Not synced one by one: flushed files are.
  const RocksHandles handles = opened.handles();
  return BackupStatus(opened.db->Flush(rocksdb::FlushOptions(), {handles.begin(), handles.end()}),
                      dir);
}

}  // namespace nisi::store
