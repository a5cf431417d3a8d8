// Power cuts: the real service is killed under load and reopened over what it had synced, again and
// again. Nothing that was acknowledged may be missing, nothing may be there in part, and nothing
// that nobody asked for. The same without syncing must lose something, or the test is blind.
//
//   power_cuts --service PATH [--seed N] [--cuts N] [--acks N] [--lanes N] [--sync=false]
//
// NISI_SCALE multiplies cuts and acknowledgements. With a seed that was printed, the same requests,
// disks and moments are drawn; where a kill falls in the work of the service is still chance.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/flags.h"
#include "tests/faults/lane.h"
#include "tests/faults/service.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOutstanding = 64;
constexpr uint64_t kMostCutsAFolder = 12;
constexpr int64_t kMaxAcksARound = 360;
constexpr int64_t kAcksAHead = 100;  // acknowledged between two looks at the tree's head
constexpr int64_t kSyncUs = 1000;    // most that a sync takes, so that kills fall into one

struct Settings {
  std::string service;
  int64_t seed = 0, cuts = 500, acks = 100'000, lanes = 3;
  bool sync = true;
};

struct Totals {
  int64_t cuts = 0, starts_cut = 0, acks = 0;
  int64_t folders_bent = 0;  // cuts that took folder entries back
  Findings findings;
};

// One service with one folder at a time.
class Lane {
 public:
  Lane(const Settings& settings, const Workplace& place, int number)
      : settings_(settings),
        place_(place),
        number_(number),
        folder_(absl::StrCat(place.path(), "/", settings.sync ? "lane" : "unsynced", number)),
        random_(
            static_cast<uint64_t>(settings.seed * 1000 + number * 2 + (settings.sync ? 1 : 0))) {}

  // Until so many cuts and acknowledgements are reached, or something was found.
  absl::Status Run(int64_t cuts, int64_t acks) {
    while ((totals_.cuts < cuts || totals_.acks < acks) && totals_.findings.none()) {
      RETURN_IF_ERROR(RunFolder(cuts, acks));
    }
    return absl::OkStatus();
  }
  const Totals& totals() const { return totals_; }

 private:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  Service::Disk Disk() { return {settings_.sync, kSyncUs, "", Draw(1'000'000)}; }

  // A new store: cut some times, then opened a last time and looked at.
  absl::Status RunFolder(int64_t cuts, int64_t acks) {
    service_.reset();  // before its folder is made anew: it would go on deleting in there
    service_ = std::make_unique<Service>(place_, folder_);
    Ledger ledger(settings_.seed * 100'000 + number_ * 1000 + folders_++, Draw(UINT64_MAX));
    const int64_t before = totals_.acks;
    for (uint64_t left = 4 + Draw(kMostCutsAFolder - 4); left > 0; --left) {
      if (totals_.cuts >= cuts && totals_.acks >= acks) break;
      RETURN_IF_ERROR(RunRound(ledger));
      totals_.acks = before + ledger.acknowledged();
      if (!totals_.findings.none()) return absl::OkStatus();
    }
    RETURN_IF_ERROR(service_->Start(Disk()));
    Clients clients = service_->NewClients();
    RETURN_IF_ERROR(Audit(clients, ledger, &totals_.findings));
    totals_.acks = before + ledger.acknowledged();
    service_->process().Kill();
    return absl::OkStatus();
  }

  absl::Status RunRound(Ledger& ledger) {
    if (Draw(6) == 0) return CutWhileOpening();
    if (const absl::Status started = service_->Start(Disk()); !started.ok()) {
      return settings_.sync ? started : OpenDespiteWitness(ledger);
    }
    Clients clients = service_->NewClients();
    RETURN_IF_ERROR(Audit(clients, ledger, &totals_.findings));
    return totals_.findings.none() ? Load(clients, ledger) : absl::OkStatus();
  }

  absl::Status CutWhileOpening() {
    RETURN_IF_ERROR(service_->Spawn(Disk()));
    if (service_->process().ended().has_value()) {
      return absl::InternalError(service_->process().Log());
    }
    absl::SleepFor(absl::Microseconds(Draw(static_cast<uint64_t>(service_->open_us()) + 1)));
    ++totals_.starts_cut;
    return Cut();
  }

  // The witness has seen more than is left. Without it, the loss can be counted.
  absl::Status OpenDespiteWitness(Ledger& ledger) {
    const std::string log = service_->process().Log();
    if (!absl::StrContains(log, "STORE_ROLLED_BACK")) return absl::InternalError(log);
    fs::remove(service_->witness());
    RETURN_IF_ERROR(service_->Start(Disk()));
    Clients clients = service_->NewClients();
    return Audit(clients, ledger, &totals_.findings);
  }

  // Writes until a moment comes, then cuts the power and takes the answers that had left before.
  absl::Status Load(Clients& clients, Ledger& ledger) {
    const int64_t enough = ledger.acknowledged() + 1 + static_cast<int64_t>(Draw(kMaxAcksARound));
    const std::string witness = service_->witness() + ".before";
    std::error_code ignored;
    fs::copy_file(service_->witness(), witness, fs::copy_options::overwrite_existing, ignored);
    int64_t heads = ledger.acknowledged();
    while (ledger.acknowledged() < enough) {
      const size_t most = ledger.edition().empty() ? 1 : kOutstanding;
      while (clients.writer.under_way() < most) SendNext(clients, ledger);
      RETURN_IF_ERROR(TakeAnswer(clients, ledger));
      if (ledger.acknowledged() >= heads + kAcksAHead) {
        heads = ledger.acknowledged();
        RETURN_IF_ERROR(ReadHead(clients, ledger));
      }
      if (service_->process().ended().has_value()) {
        return absl::InternalError(service_->process().Log());
      }
    }
    absl::SleepFor(absl::Microseconds(Draw(2000)));
    RETURN_IF_ERROR(Cut());
    while (clients.writer.under_way() > 0) RETURN_IF_ERROR(TakeAnswer(clients, ledger));
    BendWitness(witness);
    return absl::OkStatus();
  }

  static absl::Status TakeAnswer(Clients& clients, Ledger& ledger) {
    auto answer = clients.writer.Next(2 * Client::kPatience);
    if (!answer.has_value()) return absl::DeadlineExceededError("no answer under load");
    if (answer->status.ok()) {
      ledger.Answered(answer->tag, true, std::move(answer->bytes), answer->position);
      return absl::OkStatus();
    }
    // The connection is gone: nobody knows.
    if (answer->status.code() == absl::StatusCode::kUnavailable) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat(ledger.at(answer->tag).path, ": ", answer->status.ToString()));
  }

  absl::Status Cut() {
    ++totals_.cuts;
    ASSIGN_OR_RETURN(const int undone, service_->Cut(Draw(2) == 0 ? 0 : 1 + Draw(1'000'000)));
    if (undone > 0) ++totals_.folders_bent;
    return absl::OkStatus();
  }

  // The witness is not synced: of its two slots a cut may leave an old one, or damage the newer.
  void BendWitness(const std::string& before) {
    const std::string witness = service_->witness();
    const uint64_t how = Draw(3);
    std::error_code ignored;
    if (how == 1 && fs::exists(before)) {
      fs::copy_file(before, witness, fs::copy_options::overwrite_existing, ignored);
    }
    constexpr std::streamoff kSecondSlot = 4096;
    if (how != 2 || fs::file_size(witness, ignored) <= kSecondSlot || ignored) return;
    std::fstream file(witness, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((Draw(2) == 0 ? 0 : kSecondSlot) + static_cast<std::streamoff>(Draw(60)));
    file << "torn";
  }

  const Settings& settings_;
  const Workplace& place_;
  const int number_;
  const std::string folder_;
  std::mt19937_64 random_;
  std::unique_ptr<Service> service_;
  int64_t folders_ = 0;
  Totals totals_;
};

void Print(const Settings& settings, const Totals& totals, absl::Duration took) {
  for (const std::string& text : totals.findings.texts) std::cout << text << "\n";
  std::cout << "power_cuts: sync=" << settings.sync << " seed=" << settings.seed
            << " cuts=" << totals.cuts << " (" << totals.starts_cut << " while opening,"
            << " and " << totals.folders_bent << " taking folder entries back) acks=" << totals.acks
            << " lost=" << totals.findings.lost << " torn=" << totals.findings.torn
            << " future=" << totals.findings.future << " seconds=" << absl::ToInt64Seconds(took)
            << std::endl;
}

// All lanes at once. The errors of a lane are those of the test, not of the store.
absl::StatusOr<Totals> RunLanes(const Settings& settings, const Workplace& place) {
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::thread> threads;
  std::vector<absl::Status> errors(static_cast<size_t>(settings.lanes));
  for (int i = 0; i < settings.lanes; ++i) {
    lanes.push_back(std::make_unique<Lane>(settings, place, i));
    threads.emplace_back([&, i] {
      errors[static_cast<size_t>(i)] =
          lanes[static_cast<size_t>(i)]->Run((settings.cuts + settings.lanes - 1) / settings.lanes,
                                             (settings.acks + settings.lanes - 1) / settings.lanes);
    });
  }
  for (std::thread& thread : threads) thread.join();
  Totals totals;
  for (const auto& lane : lanes) {
    totals.cuts += lane->totals().cuts;
    totals.starts_cut += lane->totals().starts_cut;
    totals.acks += lane->totals().acks;
    totals.folders_bent += lane->totals().folders_bent;
    totals.findings.Add(lane->totals().findings);
  }
  for (const absl::Status& error : errors) RETURN_IF_ERROR(error);
  return totals;
}

// Without syncing something must be lost within a few cuts.
absl::Status CheckBites(Settings settings, const Workplace& place) {
  settings.sync = false;
  settings.lanes = 1;
  settings.cuts = 10;
  settings.acks = 0;
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(const Totals totals, RunLanes(settings, place));
  Totals brief = totals;
  brief.findings.texts.clear();
  Print(settings, brief, absl::Now() - begin);
  return totals.findings.lost > 0
             ? absl::OkStatus()
             : absl::InternalError("nothing was lost without syncing: this test is blind");
}

absl::Status Run(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make(settings.service));
  const absl::Time begin = absl::Now();
  const auto totals = RunLanes(settings, *place);
  if (totals.ok()) Print(settings, *totals, absl::Now() - begin);
  if (!totals.ok() || !totals->findings.none()) {
    place->Keep();
    std::cout << "power_cuts: the folders are in " << place->path() << "\n";
    RETURN_IF_ERROR(totals.status());
    return absl::InternalError("the store did not keep its promise");
  }
  return settings.sync ? CheckBites(settings, *place) : absl::OkStatus();
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("power_cuts", "Kills the service under load and looks at what is left.");
  flags.String("service", &settings.service, "the program that takes --fault-plan")
      .Int("seed", &settings.seed, "what is drawn; 0: a new one", 0)
      .Int("cuts", &settings.cuts, "at least so many", 500)
      .Int("acks", &settings.acks, "at least so many acknowledged writes", 100'000)
      .Int("lanes", &settings.lanes, "services at once", 3)
      .Bool("sync", &settings.sync, "off: shows that the test bites", true);
  return RunLane("power_cuts", flags, argc, argv, &settings.seed, {&settings.cuts, &settings.acks},
                 [&] { return Run(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
