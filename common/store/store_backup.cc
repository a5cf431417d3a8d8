#include "common/store/store_backup.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/merkle.h"

namespace nisi::store {

absl::StatusOr<journal::v1::TreeHead> SignedHead(const Store& store, const HeadSigner& signer,
                                                 absl::Time now) {
  journal::v1::TreeHead head;
  head.set_origin(store.schema().name);
  head.set_tree_size(store.position());
  ASSIGN_OR_RETURN(const Hash root, store.RootAt(head.tree_size()));
  head.set_root(ToBytes(root));
  head.mutable_sign_time()->set_seconds(absl::ToUnixSeconds(now));
  RETURN_IF_ERROR(signer.Sign(&head));
  return head;
}

absl::Status CheckContinues(const Snapshot& snapshot, const journal::v1::TreeHead& head) {
  const auto root = RootAt(head.tree_size(), StoredNodes(snapshot));
  if (root.ok() && ToBytes(*root) == head.root()) return absl::OkStatus();
  return base::Refusal(absl::StatusCode::kDataLoss, "HISTORY_DIFFERS",
                       absl::StrCat("The first ", head.tree_size(),
                                    " entries of its journal are not those that were signed for."));
}

absl::StatusOr<Backup> BackUp(Store& store, const HeadSigner& signer, absl::Time now,
                              const std::string& dir, Kept keep, std::function<bool()> stop) {
  v1::BackupNote note;
  BackupOptions options;
  options.dir = dir;
  options.note = [&]() -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(*note.mutable_tree_head(), SignedHead(store, signer, now));
    note.set_public_key(signer.public_key());
    return note.SerializeAsString();
  };
  options.keep = keep;
  options.stop = std::move(stop);
  options.check = [&note](const Snapshot& snapshot) {
    return CheckContinues(snapshot, note.tree_head());
  };
  return store.MakeBackup(options);
}

absl::StatusOr<v1::BackupNote> NoteOf(const Backup& backup) {
  v1::BackupNote note;
  if (note.ParseFromString(backup.note) && note.has_tree_head()) return note;
  return base::Refusal(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED",
                       absl::StrCat("Backup ", backup.id, " has no tree head with it."));
}

}  // namespace nisi::store
