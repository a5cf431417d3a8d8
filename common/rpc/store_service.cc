#include "common/rpc/store_service.h"

#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/store/store_backup.h"
#include "nisi/store/v1/store.pb.h"

namespace nisi::rpc {
namespace {

using store::v1::CreateBackupRequest;
using store::v1::ListBackupsRequest;
using store::v1::ListBackupsResponse;
using store::v1::StoreService;

absl::Status NoFolder() {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "BACKUP_FOLDER",
                       "This process was given no folder for backups: start it with "
                       "--backup-folder.");
}

absl::StatusOr<store::v1::Backup> ToProto(const store::Backup& backup) {
  store::v1::Backup out;
  out.set_id(backup.id);
  out.mutable_create_time()->set_seconds(absl::ToUnixSeconds(backup.made));
  out.set_total_bytes(backup.bytes);
  out.set_new_bytes(backup.new_bytes);
  ASSIGN_OR_RETURN(store::v1::BackupNote note, store::NoteOf(backup));
  *out.mutable_tree_head() = std::move(*note.mutable_tree_head());
  return out;
}

absl::StatusOr<store::v1::Backup> CreateBackup(StoreEnv& env, Call& call,
                                               const CreateBackupRequest&) {
  if (env.backup_dir.empty()) return NoFolder();
  const std::unique_lock<std::mutex> running(env.running, std::try_to_lock);
  if (!running.owns_lock()) {
    return base::Refusal(absl::StatusCode::kAborted, "BACKUP_RUNNING",
                         "Another backup of this store is being made: wait for it.");
  }
  const absl::Time began = base::SteadyNow();
  const auto made = store::BackUp(*env.store, *env.head_key(), call.now, env.backup_dir, env.kept,
                                  [&call] { return call.cancelled(); });
  env.last_failed = made.ok() ? 0 : 1;
  if (!made.ok()) {
    base::Log(base::Severity::kError, "backup_failed", {{"status", made.status().ToString()}});
    return made.status();
  }
  env.last_success = absl::ToDoubleSeconds(base::SystemNow() - absl::UnixEpoch());
  env.last_seconds = absl::ToDoubleSeconds(base::SteadyNow() - began);
  env.last_bytes = static_cast<double>(made->bytes);
  ASSIGN_OR_RETURN(store::v1::Backup out, ToProto(*made));
  out.set_log_is_whole(made->log_is_whole);
  base::Log(base::Severity::kInfo, "backup_made",
            {{"id", out.id()},
             {"position", out.tree_head().tree_size()},
             {"bytes", out.total_bytes()},
             {"new_bytes", out.new_bytes()}});
  return out;
}

absl::StatusOr<ListBackupsResponse> ListBackups(StoreEnv& env, Call&, const ListBackupsRequest&) {
  if (env.backup_dir.empty()) return NoFolder();
  ASSIGN_OR_RETURN(const auto backups, store::ListBackups(env.backup_dir));
  ListBackupsResponse response;
  for (const store::Backup& backup : backups) {
    ASSIGN_OR_RETURN(*response.add_backups(), ToProto(backup));
  }
  return response;
}

}  // namespace

absl::Status AddStoreService(StoreEnv& env, Registry* registry) {
  // So that a start does not look as if no backup had been made for long.
  if (!env.backup_dir.empty()) {
    const auto kept = store::ListBackups(env.backup_dir);
    if (kept.ok() && !kept->empty()) {
      env.last_success = absl::ToDoubleSeconds(kept->back().made - absl::UnixEpoch());
    }
  }
  RETURN_IF_ERROR(registry->Add(*StoreService::descriptor()));
  NISI_UNARY(*registry, StoreService, CreateBackup, env, CreateBackup);
  NISI_UNARY(*registry, StoreService, ListBackups, env, ListBackups);
  return absl::OkStatus();
}

std::vector<store::Figure> BackupFigures(const StoreEnv& env) {
  if (env.backup_dir.empty()) return {};
  return {
      {"nisi_store_backup_last_success_timestamp_seconds",
       "When the newest good backup was made, since 1970; 0: there is none.", env.last_success},
      {"nisi_store_backup_last_duration_seconds", "How long it took.", env.last_seconds},
      {"nisi_store_backup_last_size_bytes", "Bytes that a restore of it reads.", env.last_bytes},
      {"nisi_store_backup_last_failed", "1 when the last attempt failed.", env.last_failed},
  };
}

}  // namespace nisi::rpc
