// Backups that prove themselves: each keeps the signed head of the tree as it was when it began.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/store/backup.h"
#include "common/store/head_signer.h"
#include "common/store/store.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/store/v1/store.pb.h"

namespace nisi::store {

// The head of the store's tree as it is now.
absl::StatusOr<journal::v1::TreeHead> SignedHead(const Store& store, const HeadSigner& signer,
                                                 absl::Time now);

// DATA_LOSS HISTORY_DIFFERS unless the tree in `snapshot` begins with that of the head.
absl::Status CheckContinues(const Snapshot& snapshot, const journal::v1::TreeHead& head);

// Makes one in `dir`: errors as of MakeBackup in backup.h.
absl::StatusOr<Backup> BackUp(Store& store, const HeadSigner& signer, absl::Time now,
                              const std::string& dir, Kept keep, std::function<bool()> stop);

// The note of a backup made by BackUp. DATA_LOSS BACKUP_DAMAGED when it is none.
absl::StatusOr<v1::BackupNote> NoteOf(const Backup& backup);

}  // namespace nisi::store
