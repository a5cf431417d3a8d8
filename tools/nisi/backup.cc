#include "tools/nisi/backup.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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
// One that hangs is not waited for as long as a backup may take: the others wait behind it.
constexpr double kAnswersWithinSeconds = 20;

struct Made {
  nisi::store::v1::Backup backup;
  nisi::journal::v1::SigningKey key;
};

grpc::Status Ask(const Client& client, const CallOptions& options, Made* made) {
  const auto* get_key = FindMethod(*FindService("journal"), "get-signing-key");
  const nisi::journal::v1::GetSigningKeyRequest any;
  CallOptions soon = options;
  soon.timeout_seconds = std::min(options.timeout_seconds, kAnswersWithinSeconds);
  grpc::Status status = client.Unary(*get_key, soon, any, &made->key);
  if (!status.ok()) return status;
  const auto* create = FindMethod(*FindService("store"), "create-backup");
  status = client.Unary(*create, options, nisi::store::v1::CreateBackupRequest(), &made->backup);
  if (!status.ok()) return status;
  // Again: it may have been replaced meanwhile.
  status = client.Unary(*get_key, soon, any, &made->key);
  if (!status.ok()) return status;
  const absl::Status signed_well =
      store::VerifyHead(made->backup.tree_head(), made->key.public_key());
  return {static_cast<grpc::StatusCode>(signed_well.code()), std::string(signed_well.message())};
}

// The refusal, by the name of the service that gave it.
grpc::Status Named(const std::string& service, const grpc::Status& status) {
  return {status.error_code(), absl::StrCat(service, ": ", status.error_message()),
          status.error_details()};
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
  // One that is away must not cost the others their backup.
  std::vector<std::string> failed;
  int code = kDone;
  for (const std::string& service : services) {
    options.service = service;
    Made made;
    const grpc::Status status = Ask(*client, options, &made);
    if (!status.ok()) {
      failed.push_back(service);
      code = ReportRefusal(Named(service, status), *format, io);
    } else if (*format == Format::kTable) {
      Tell(service, made, io);
    } else {
      PrintMessage(made.backup, *format, io.width, io.out);
    }
  }
  if (services.size() == 1 || failed.empty()) return code;
  if (*format == Format::kTable) {
    *io.err << "NO BACKUP of " << absl::StrJoin(failed, ", ") << "; of "
            << (services.size() - failed.size()) << " services one was made.\n";
  }
  return kRefused;
}

}  // namespace nisi::cli
