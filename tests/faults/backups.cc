// Backups of the real service under load, killed in the middle, each kill a power cut for store and
// backups alike; restores from what is left, to the end, to a backup, to a position, to a second,
// each held against the live store record by record.
//
//   backups --service PATH [--seed N] [--kills N] [--restores N]
//
// NISI_SCALE multiplies. With a seed that was printed, the same requests, disks and choices are
// drawn; where a kill falls in the work of the service is still chance.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/flags.h"
#include "common/store/restore.h"
#include "nisi/store/v1/store.pb.h"
#include "services/priority_goods/tables.h"
#include "tests/faults/lane.h"
#include "tests/faults/restored.h"
#include "tests/faults/service.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOutstanding = 16;
constexpr int64_t kSyncUs = 300;
constexpr int kKept = 6;
constexpr int64_t kFew = 2;
constexpr char kCreateBackup[] = "/nisi.store.v1.StoreService/CreateBackup";
constexpr char kName[] = "priority-goods";

struct Settings {
  std::string service;
  int64_t seed = 0, kills = 60, restores = 10;
};

struct Totals {
  int64_t kills = 0, unfinished = 0, backups = 0, broken_logs = 0, acks = 0;
  int64_t restores = 0, replayed = 0, records = 0, answers = 0, heads = 0;
  Findings findings;
};

class Test {
 public:
  Test(const Settings& settings, const Workplace& place)
      : settings_(settings),
        place_(place),
        random_(static_cast<uint64_t>(settings.seed)),
        backups_(place.path() + "/backups"),
        service_(place, place.path() + "/live",
                 {"--backup-folder", backups_, "--backups-kept", absl::StrCat(kKept)}),
        ledger_(settings.seed, Draw(UINT64_MAX)) {}

  absl::Status Run() {
    while (totals_.kills < settings_.kills && totals_.findings.none()) RETURN_IF_ERROR(Round());
    RETURN_IF_ERROR(service_.Start(Disk()));
    Clients clients = service_.NewClients();
    RETURN_IF_ERROR(Audit(clients, ledger_, &totals_.findings));
    while (totals_.restores < settings_.restores && totals_.findings.none()) {
      RETURN_IF_ERROR(Restore(clients));
    }
    totals_.acks = ledger_.acknowledged();
    service_.process().Kill();
    return absl::OkStatus();
  }
  const Totals& totals() const { return totals_; }

 private:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  Service::Disk Disk() { return {true, kSyncUs, "", Draw(1'000'000)}; }

  absl::Status Round() {
    RETURN_IF_ERROR(service_.Start(Disk()));
    Clients clients = service_.NewClients();
    RETURN_IF_ERROR(Audit(clients, ledger_, &totals_.findings));
    if (!totals_.findings.none()) return absl::OkStatus();
    if (ledger_.head.tree_size() > 0) heads_.push_back(ledger_.head);
    // Spread over the kills; the first few have too little to restore.
    const bool due = totals_.restores * settings_.kills < (totals_.kills - 5) * settings_.restores;
    if (due) RETURN_IF_ERROR(Restore(clients));
    return totals_.findings.none() ? LoadAndKill(clients) : absl::OkStatus();
  }

  // Writes while backups are made; one is, when the kill comes. One that is done tells how long
  // they take.
  absl::Status LoadAndKill(Clients& clients) {
    // The first two are not cut: they tell how long one takes, and positions lie between them.
    const bool few = totals_.backups < kFew;
    absl::Time began = absl::Now();
    clients.keeper.Start(0, kCreateBackup, "");
    absl::Time kill_at = absl::InfiniteFuture();
    if (!few) kill_at = began + took_ * static_cast<double>(Draw(1200)) / 1000.0;
    while (absl::Now() < kill_at) {
      const size_t most = ledger_.edition().empty() ? 1 : kOutstanding;
      while (clients.writer.under_way() < most) SendNext(clients, ledger_);
      RETURN_IF_ERROR(TakeAnswer(clients, absl::Seconds(30)));
      const auto made = clients.keeper.Next(absl::ZeroDuration());
      if (made.has_value()) {
        RETURN_IF_ERROR(Made(*made));
        took_ = absl::Now() - began;
        if (few && totals_.backups == kFew) kill_at = absl::Now() + took_ / 2;
        began = absl::Now();
        clients.keeper.Start(0, kCreateBackup, "");
      }
      if (service_.process().ended().has_value()) {
        return absl::InternalError(service_.process().Log());
      }
    }
    RETURN_IF_ERROR(service_.Cut(Draw(2) == 0 ? 0 : 1 + Draw(1'000'000)).status());
    ++totals_.kills;
    while (clients.writer.under_way() > 0) RETURN_IF_ERROR(TakeAnswer(clients, absl::Seconds(30)));
    const auto last = clients.keeper.Next(absl::Seconds(30));
    if (last.has_value() && last->status.ok()) return Made(*last);
    ++totals_.unfinished;
    return absl::OkStatus();
  }

  absl::Status Made(const Answer& answer) {
    if (!answer.status.ok()) {
      return absl::InternalError(absl::StrCat("backup: ", answer.status.ToString()));
    }
    store::v1::Backup backup;
    backup.ParseFromString(answer.bytes);
    ++totals_.backups;
    if (!backup.log_is_whole()) ++totals_.broken_logs;
    return absl::OkStatus();
  }

  absl::Status TakeAnswer(Clients& clients, absl::Duration limit) {
    auto answer = clients.writer.Next(limit);
    if (!answer.has_value()) return absl::DeadlineExceededError("no answer under load");
    if (answer->status.ok()) {
      ledger_.Answered(answer->tag, true, std::move(answer->bytes), answer->position);
      return absl::OkStatus();
    }
    // The connection is gone: nobody knows.
    if (answer->status.code() == absl::StatusCode::kUnavailable) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat(ledger_.at(answer->tag).path, ": ", answer->status.ToString()));
  }

  // The end, a backup, a position, a second: one after another.
  absl::StatusOr<store::RestoreOptions> Choose(Clients& live, const std::string& data) {
    store::RestoreOptions options;
    options.from = absl::StrCat(backups_, "/", kName);
    options.to = absl::StrCat(data, "/", kName);
    options.witness = options.to + ".witness";
    options.heads = heads_;
    ASSIGN_OR_RETURN(const auto all, store::ListBackups(options.from));
    // Older ones go last, so a kill may leave more than are kept.
    if (std::ssize(all) < kFew) return absl::InternalError("a backup is gone");
    store::v1::BackupNote second, newest;
    second.ParseFromString(all[1].note);
    newest.ParseFromString(all.back().note);
    // The oldest may hold more than what was signed for when it began, but the second began later.
    const int64_t from = second.tree_head().tree_size();
    const int64_t until = newest.tree_head().tree_size();
    const int64_t position =
        from + static_cast<int64_t>(Draw(static_cast<uint64_t>(until - from) + 1));
    const int64_t kind = totals_.restores % 4;
    if (kind == 1) options.backup = all[Draw(all.size())].id;
    if (kind == 2) options.position = position;
    if (kind == 3) {
      ASSIGN_OR_RETURN(options.time, RecordedAt(live, position));
    }
    return options;
  }

  static absl::StatusOr<absl::Time> RecordedAt(Clients& live, int64_t position) {
    journal::v1::GetEntryRequest request;
    request.set_position(position);
    journal::v1::EntryRecord record;
    RETURN_IF_ERROR(
        live.auditor.Call("/nisi.journal.v1.JournalService/GetEntry", request, &record));
    journal::v1::Entry entry;
    entry.ParseFromString(record.leaf());
    return absl::FromUnixSeconds(entry.record_time().seconds()) +
           absl::Nanoseconds(entry.record_time().nanos());
  }

  // The newest that clients saw of no more than so many entries; an empty one where there is none.
  journal::v1::TreeHead HeadBefore(int64_t position) const {
    journal::v1::TreeHead found;
    for (const auto& head : heads_) {
      if (head.tree_size() <= position) found = head;
    }
    return found;
  }

  absl::Status Restore(Clients& live) {
    const std::string folder = place_.path() + "/restored";
    const std::string data = folder + "/data";
    Service second(place_, folder);
    fs::create_directories(data);
    ASSIGN_OR_RETURN(const store::RestoreOptions options, Choose(live, data));
    base::SystemClock clock;
    const auto restored =
        store::RestoreStore(options, priority_goods::PriorityGoodsSchema(), clock);
    if (!restored.ok()) {
      totals_.findings.Lost(absl::StrCat("not restored: ", restored.status().ToString()));
      return absl::OkStatus();
    }
    ++totals_.restores;
    totals_.replayed += restored->head.position - restored->backup_position;
    totals_.heads += restored->heads_proved;
    if (options.position.has_value() && restored->head.position > *options.position) {
      totals_.findings.Future("restored beyond the position asked for");
    }
    // As an operator keeps it: not in the backup.
    fs::copy_file(absl::StrCat(place_.path(), "/live/data/", kName, ".head.pem"),
                  absl::StrCat(data, "/", kName, ".head.pem"));
    RETURN_IF_ERROR(second.Start(Disk()));
    Clients clients = second.NewClients();
    RETURN_IF_ERROR(CompareRestored(clients, live, ledger_, HeadBefore(restored->head.position),
                                    &totals_.records, &totals_.answers, &totals_.findings));
    second.process().Kill();
    return absl::OkStatus();
  }

  const Settings& settings_;
  const Workplace& place_;
  std::mt19937_64 random_;
  const std::string backups_;
  Service service_;
  Ledger ledger_;
  std::vector<journal::v1::TreeHead> heads_;  // as clients saw them
  absl::Duration took_ = absl::Milliseconds(100);
  Totals totals_;
};

void Print(const Settings& settings, const Totals& totals, absl::Duration took) {
  for (const std::string& text : totals.findings.texts) std::cout << text << "\n";
  std::cout << "backups: seed=" << settings.seed << " kills=" << totals.kills << " ("
            << totals.unfinished << " in the middle of a backup) backups=" << totals.backups
            << " acks=" << totals.acks << " restores=" << totals.restores << " (" << totals.replayed
            << " entries from the log) records_compared=" << totals.records
            << " answers_compared=" << totals.answers << " heads_proved=" << totals.heads
            << " broken_logs=" << totals.broken_logs << " lost=" << totals.findings.lost
            << " torn=" << totals.findings.torn << " future=" << totals.findings.future
            << " seconds=" << absl::ToInt64Seconds(took) << std::endl;
}

absl::Status Run(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make(settings.service));
  const absl::Time begin = absl::Now();
  Test test(settings, *place);
  const absl::Status status = test.Run();
  Print(settings, test.totals(), absl::Now() - begin);
  const bool good = status.ok() && test.totals().findings.none();
  if (!good) {
    place->Keep();
    std::cout << "backups: the folders are in " << place->path() << "\n";
    RETURN_IF_ERROR(status);
    return absl::InternalError("a backup did not keep its promise");
  }
  // All of them must have been in the middle of something for this to show anything.
  if (test.totals().unfinished * 2 < test.totals().kills || test.totals().broken_logs > 0) {
    return absl::InternalError("too few kills fell into a backup, or a log was not whole");
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("backups", "Kills the service while it makes backups, and restores them.");
  flags.String("service", &settings.service, "the program that takes --fault-plan")
      .Int("seed", &settings.seed, "what is drawn; 0: a new one", 0)
      .Int("kills", &settings.kills, "so many", 60)
      .Int("restores", &settings.restores, "so many", 10);
  return RunLane("backups", flags, argc, argv, &settings.seed,
                 {&settings.kills, &settings.restores}, [&] { return Run(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
