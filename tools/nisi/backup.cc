#include "tools/nisi/backup.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/store/head_signer.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/store/v1/store.pb.h"
#include "tools/nisi/args.h"
#include "tools/nisi/client.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/output.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {
namespace {

constexpr char kBackupHelp[] = "nisi help backup";

struct Made {
  nisi::store::v1::Backup backup;
  nisi::journal::v1::SigningKey key;
};

grpc::Status Ask(const Client& client, const CallOptions& options, Made* made) {
  const auto* create = FindMethod(*FindService("store"), "create-backup");
  const grpc::Status status =
      client.Unary(*create, options, nisi::store::v1::CreateBackupRequest(), &made->backup);
  if (!status.ok()) return status;
  const auto* get_key = FindMethod(*FindService("journal"), "get-signing-key");
  return client.Unary(*get_key, options, nisi::journal::v1::GetSigningKeyRequest(), &made->key);
}

void Tell(const std::string& service, const Made& made, const Io& io) {
  const auto& backup = made.backup;
  *io.out << service << ": backup " << backup.id() << " at position "
          << backup.tree_head().tree_size() << ", " << backup.new_bytes() << " new bytes of "
          << backup.total_bytes()
          << "; read again, opened and checked; its tree head is signed by key "
          << absl::BytesToHexString(made.key.key_id()) << "\n";
  if (!backup.log_is_whole()) {
    *io.err << service
            << ": the log of commits begins anew with this backup: the store cannot be restored to "
               "a point between the backup before and this one. Make backups more often.\n";
  }
}

}  // namespace

int RunBackup(const std::vector<std::string>& argv, const Io& io) {
  const auto args = ParseArgs(argv, {}, kCommon | kConnect | kStandard);
  if (!args.ok()) return ReportUsage(args.status(), kBackupHelp, Format::kTable, io);
  const auto format = ParseFormat(args->Get("format"));
  if (!format.ok()) return ReportUsage(format.status(), kBackupHelp, Format::kTable, io);
  if (!args->words.empty()) {
    return ReportUsage(absl::InvalidArgumentError("backup takes flags only."), kBackupHelp, *format,
                       io);
  }
  const auto client = Client::Connect(*args, io);
  if (!client.ok()) return ReportUsage(client.status(), kBackupHelp, *format, io);
  CallOptions options;
  const auto timeout = TimeoutOf(*FindMethod(*FindService("store"), "create-backup"), *args);
  if (!timeout.ok()) return ReportUsage(timeout.status(), kBackupHelp, *format, io);
  options.timeout_seconds = *timeout;
  std::vector<std::string> services = Owners();
  if (args->Has("service")) services = {args->Get("service")};
  for (const std::string& service : services) {
    options.service = service;
    Made made;
    const grpc::Status status = Ask(*client, options, &made);
    if (!status.ok()) return ReportRefusal(status, *format, io);
    const absl::Status signed_well =
        store::VerifyHead(made.backup.tree_head(), made.key.public_key());
    if (!signed_well.ok()) return ReportUsage(signed_well, "", *format, io);
    if (*format == Format::kTable) {
      Tell(service, made, io);
    } else {
      PrintMessage(made.backup, *format, io.width, io.out);
    }
  }
  return kDone;
}

}  // namespace nisi::cli
