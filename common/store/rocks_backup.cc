#include "common/store/rocks_backup.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/store/engine.h"
#include "common/store/key.h"
#include "common/store/rocks_log_archive.h"
#include "common/store/rocks_settings.h"
#include "rocksdb/utilities/backup_engine.h"

namespace nisi::store {
namespace {

using rocksdb::BackupInfo;

// Says nothing: RocksDB would write its log into the backup.
class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::BackupEngineOptions EngineOptions(const std::string& dir, rocksdb::Env* env) {
  rocksdb::BackupEngineOptions options(dir, env);  // syncs, shares files and checks them
  static SilentLogger silent;
  options.info_log = &silent;
  return options;
}

// What RocksDB keeps with a backup for us: the line, the sequence number it holds at least, and the
// note.
struct Label {
  std::string line;
  uint64_t sequence = 0;
  std::string note;
};

std::string Encode(const Label& label) {
  return std::string(Key::Of(label.line, static_cast<int64_t>(label.sequence), label.note).bytes());
}

Label DecodeLabel(const std::string& bytes) {
  KeyReader reader(bytes);
  const auto line = reader.Text();
  const auto sequence = reader.Number();
  const auto note = reader.Text();
  if (!line.has_value() || !sequence.has_value() || !note.has_value()) return {};
  return {*line, static_cast<uint64_t>(*sequence), *note};
}

Backup ToBackup(const BackupInfo& info) {
  const Label label = DecodeLabel(info.app_metadata);
  Backup backup;
  backup.id = info.backup_id;
  backup.made = absl::FromUnixSeconds(info.timestamp);
  backup.bytes = static_cast<int64_t>(info.size);
  backup.note = label.note;
  backup.line = label.line;
  return backup;
}

// Oldest first.
std::vector<Backup> ToBackups(const std::vector<BackupInfo>& infos) {
  std::vector<Backup> backups;
  std::set<std::string> files;
  for (const BackupInfo& info : infos) {
    Backup backup = ToBackup(info);
    for (const auto& file : info.file_details) {
      // Named from the folder of all backups on.
      const bool is_new = files.insert(file.relative_filename).second;
      if (is_new) backup.new_bytes += static_cast<int64_t>(file.size);
    }
    backups.push_back(std::move(backup));
  }
  return backups;
}

absl::Status NoSuchBackup(int64_t id) {
  return base::Refusal(absl::StatusCode::kNotFound, "BACKUP_NOT_FOUND",
                       absl::StrCat("There is no good backup ", id, " in this folder."));
}

class OpenRocksBackup : public OpenBackup {
 public:
  OpenRocksBackup(OpenedRocks opened, std::shared_ptr<rocksdb::Env> env, std::string path)
      : env_(std::move(env)),
        path_(std::move(path)),
        opened_(std::move(opened)),
        handles_(opened_.handles()) {}
  std::unique_ptr<Snapshot> NewSnapshot() const override {
    rocksdb::DB* const db = opened_.db.get();
    return MakeRocksSnapshot(db, handles_, path_, TakeMoment(db), Reach::kDisk);
  }

 private:
  const std::shared_ptr<rocksdb::Env> env_;
  const std::string path_;
  const OpenedRocks opened_;
  const RocksHandles handles_;
};

absl::StatusOr<std::unique_ptr<OpenBackup>> Open(const rocksdb::BackupEngineReadOnlyBase& engine,
                                                 int64_t id, const std::string& dir) {
  BackupInfo info;
  const rocksdb::Status found = engine.GetBackupInfo(static_cast<rocksdb::BackupID>(id), &info,
                                                     /*include_file_details=*/true);
  if (found.IsNotFound()) return NoSuchBackup(id);
  RETURN_IF_ERROR(BackupStatus(found, dir));
  ASSIGN_OR_RETURN(OpenedRocks opened,
                   OpenPlain(info.env_for_open.get(), info.name_for_open, /*read_only=*/true));
  return std::make_unique<OpenRocksBackup>(std::move(opened), info.env_for_open,
                                           info.name_for_open);
}

absl::StatusOr<std::unique_ptr<rocksdb::BackupEngineReadOnly>> OpenReadOnly(
    const std::string& dir) {
  rocksdb::BackupEngineReadOnly* raw = nullptr;
  rocksdb::Env* const env = rocksdb::Env::Default();
  RETURN_IF_ERROR(
      BackupStatus(rocksdb::BackupEngineReadOnly::Open(EngineOptions(dir, env), env, &raw), dir));
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(raw);
}

// The copy itself, read again and checked. Its number.
absl::StatusOr<rocksdb::BackupID> CopyAndCheck(rocksdb::BackupEngine& engine, rocksdb::DB* db,
                                               const Label& label, const BackupOptions& options) {
  rocksdb::CreateBackupOptions create;
  // So that little log is copied.
  create.flush_before_backup = true;
  create.progress_callback = [&] {
    if (options.stop()) engine.StopBackup();
  };
  rocksdb::BackupID id = 0;
  const rocksdb::Status made = engine.CreateNewBackupWithMetadata(create, db, Encode(label), &id);
  if (!made.ok() && options.stop()) return absl::CancelledError("the backup was given up");
  RETURN_IF_ERROR(BackupStatus(made, options.dir));
  absl::Status good =
      BackupStatus(engine.VerifyBackup(id, /*verify_with_checksum=*/true), options.dir);
  if (good.ok()) {
    const auto opened = Open(engine, id, options.dir);
    good = opened.status();
    if (good.ok() && options.check) good = options.check(*(*opened)->NewSnapshot());
  }
  if (good.ok()) return id;
  engine.DeleteBackup(id).PermitUncheckedError();
  return good;
}

// The sequence number that the backups of a line hold at least; 0: there is none.
uint64_t HeldBy(const rocksdb::BackupEngine& engine, const std::string& line) {
  std::vector<BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  uint64_t held = 0;
  for (const BackupInfo& info : infos) {
    const Label label = DecodeLabel(info.app_metadata);
    if (label.line == line) held = std::max(held, label.sequence);
  }
  return held;
}

// A day of UTC, counted.
int64_t DayOf(const BackupInfo& info) {
  return info.timestamp / (24 * 60 * 60);
}

// Of all good ones, oldest first, whether each stays: the newest, and the newest of each of the
// last days and of each line.
std::vector<bool> ChooseByAge(const std::vector<BackupInfo>& infos, const Kept& keep) {
  std::vector<bool> stays(infos.size(), false);
  std::set<int64_t> days;
  std::set<std::pair<int64_t, std::string>> seen;
  for (size_t i = infos.size(); i-- > 0;) {
    const int64_t day = DayOf(infos[i]);
    days.insert(day);
    const bool first_seen = seen.insert({day, DecodeLabel(infos[i].app_metadata).line}).second;
    stays[i] = infos.size() - i <= static_cast<size_t>(std::max(1, keep.newest)) ||
               (first_seen && days.size() <= static_cast<size_t>(std::max(0, keep.days)));
  }
  return stays;
}

// Backups that are not to be kept, and the log before the oldest of each line. Where the log does
// not lead to one from the one before that stays, it stays as well, as long as there are older
// ones: else what came after it could be reached from none.
absl::Status DropOld(rocksdb::BackupEngine& engine, rocksdb::Env* env,
                     const BackupOptions& options) {
  const std::string log = absl::StrCat(options.dir, "/log");
  std::vector<BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  const std::vector<bool> by_age = ChooseByAge(infos, options.keep);
  std::map<std::string, uint64_t> reached;  // by line, of the last one that stays
  std::optional<int64_t> oldest_day;
  for (size_t i = 0; i < infos.size(); ++i) {
    const Label label = DecodeLabel(infos[i].app_metadata);
    const auto before = reached.find(label.line);
    bool stays = by_age[i];
    if (!stays && oldest_day.has_value() && DayOf(infos[i]) > *oldest_day) {
      bool leads = before != reached.end();
      if (leads) {
        ASSIGN_OR_RETURN(leads, LogLeads(env, absl::StrCat(log, "/", label.line), before->second,
                                         label.sequence));
      }
      stays = !leads;
    }
    if (stays) {
      reached[label.line] = label.sequence;
      if (!oldest_day.has_value()) oldest_day = DayOf(infos[i]);
    } else {
      RETURN_IF_ERROR(BackupStatus(engine.DeleteBackup(infos[i].backup_id), options.dir));
    }
  }
  infos.clear();
  engine.GetBackupInfo(&infos);
  std::vector<std::string> lines;
  RETURN_IF_ERROR(BackupStatus(env->GetChildren(log, &lines), options.dir));
  for (const std::string& line : lines) {
    uint64_t oldest = UINT64_MAX;
    for (const BackupInfo& info : infos) {
      const Label label = DecodeLabel(info.app_metadata);
      if (label.line == line) oldest = std::min(oldest, label.sequence);
    }
    RETURN_IF_ERROR(DropLogBefore(env, absl::StrCat(log, "/", line), oldest));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BackupStatus(const rocksdb::Status& status, absl::string_view dir) {
  if (status.ok()) return absl::OkStatus();
  const std::string what = absl::StrReplaceAll(status.ToString(), {{absl::StrCat(dir, "/"), ""}});
  if (status.IsCorruption()) {
    return base::Refusal(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED",
                         absl::StrCat("The backup, or what it was to be made of, is damaged: ",
                                      what, ". Use an earlier one."));
  }
  if (status.IsNoSpace()) {
    return base::Refusal(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                         "The disk under the backups is full.")
        .Quota("disk", "no space is left for the backup");
  }
  return base::Refusal(absl::StatusCode::kUnavailable, "BACKUP_FAILED",
                       absl::StrCat("The backup could not be made or read: ", what));
}

RocksHandles OpenedRocks::handles() const {
  RocksHandles all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = families[i + 1].get();
  return all;
}

absl::StatusOr<OpenedRocks> OpenPlain(rocksdb::Env* env, const std::string& path, bool read_only) {
  RocksOptions options;
  options.now = [] { return absl::InfinitePast(); };  // no request row is too old to be restored
  rocksdb::DBOptions db_options = MakeDbOptions(options, env);
  db_options.create_if_missing = false;
  if (read_only) db_options.info_log = std::make_shared<SilentLogger>();
  const auto families =
      MakeFamilies(options, rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/2));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      read_only ? rocksdb::DB::OpenForReadOnly(db_options, path, families, &handles, &db)
                : rocksdb::DB::Open(db_options, path, families, &handles, &db);
  RETURN_IF_ERROR(BackupStatus(status, path));
  OpenedRocks opened;
  opened.db.reset(db);
  for (auto* handle : handles) opened.families.emplace_back(handle);
  return opened;
}

absl::StatusOr<Backup> MakeRocksBackup(rocksdb::DB* db, rocksdb::Env* env,
                                       const BackupOptions& options) {
  const std::string log = absl::StrCat(options.dir, "/log");
  RETURN_IF_ERROR(BackupStatus(env->CreateDirIfMissing(options.dir), options.dir));
  RETURN_IF_ERROR(BackupStatus(env->CreateDirIfMissing(log), options.dir));
  Label label;
  RETURN_IF_ERROR(BackupStatus(db->GetDbIdentity(label.line), options.dir));
  const std::string line = absl::StrCat(log, "/", label.line);
  rocksdb::BackupEngine* raw = nullptr;
  const rocksdb::Status opened =
      rocksdb::BackupEngine::Open(EngineOptions(options.dir, env), env, &raw);
  const std::unique_ptr<rocksdb::BackupEngine> engine(raw);
  // The log first: it may still be had from a store whose files are damaged.
  ASSIGN_OR_RETURN(const ArchivedLog log_before,
                   ArchiveLog(db, env, line, opened.ok() ? HeldBy(*engine, label.line) : 0));
  label.sequence = log_before.last;
  ASSIGN_OR_RETURN(label.note, options.note());
  RETURN_IF_ERROR(BackupStatus(opened, options.dir));
  // What an earlier one left that was cut short.
  RETURN_IF_ERROR(BackupStatus(engine->GarbageCollect(), options.dir));
  ASSIGN_OR_RETURN(const rocksdb::BackupID id, CopyAndCheck(*engine, db, label, options));
  // What was committed until the copy, so that every point before it can be reached at once.
  ASSIGN_OR_RETURN(const ArchivedLog log_after, ArchiveLog(db, env, line, label.sequence));
  std::vector<BackupInfo> infos;
  engine->GetBackupInfo(&infos, /*include_file_details=*/true);
  for (Backup& backup : ToBackups(infos)) {
    if (backup.id != int64_t{id}) continue;
    RETURN_IF_ERROR(DropOld(*engine, env, options));
    LetLogGo(db, log_after.last);
    backup.log_is_whole = log_before.whole;
    return std::move(backup);
  }
  return NoSuchBackup(id);
}

absl::StatusOr<std::vector<Backup>> ListBackups(const std::string& dir) {
  const rocksdb::Status there = rocksdb::Env::Default()->FileExists(absl::StrCat(dir, "/meta"));
  if (there.IsNotFound()) return std::vector<Backup>();
  ASSIGN_OR_RETURN(const auto engine, OpenReadOnly(dir));
  std::vector<BackupInfo> infos;
  engine->GetBackupInfo(&infos, /*include_file_details=*/true);
  return ToBackups(infos);
}

absl::StatusOr<std::unique_ptr<OpenBackup>> OpenBackupIn(const std::string& dir, int64_t id) {
  ASSIGN_OR_RETURN(const auto engine, OpenReadOnly(dir));
  return Open(*engine, id, dir);
}

absl::Status CopyBackup(const std::string& dir, int64_t id, const std::string& to) {
  ASSIGN_OR_RETURN(const auto engine, OpenReadOnly(dir));
  const rocksdb::Status copied =
      engine->RestoreDBFromBackup(static_cast<rocksdb::BackupID>(id), to, to);
  if (copied.IsNotFound()) return NoSuchBackup(id);
  return BackupStatus(copied, dir);
}

}  // namespace nisi::store
