// A disk that fails under the real service. After a write or sync that failed nothing more is
// acknowledged, health says so or the process is gone within a second (of those that this program
// lives through, see lived_time.h), and what was acknowledged is
// there when the service is started again. When a full disk has room again, a supervisor that does
// no more than start what has ended brings the service back.
//
//   service_faults --service PATH [--runs N] [--fills N] [--seed N]
//
// NISI_SCALE multiplies.
#include <algorithm>
#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/flags.h"
#include "grpc/health/v1/health.pb.h"
#include "tests/faults/lane.h"
#include "tests/faults/lived_time.h"
#include "tests/faults/service.h"

namespace nisi::faults {
namespace {

namespace health = grpc::health::v1;

constexpr size_t kOutstanding = 64;
constexpr int64_t kSyncUs = 300;
constexpr absl::Duration kNotServingWithin = absl::Seconds(1);
constexpr absl::Duration kFailsWithin = absl::Seconds(60);
constexpr absl::Duration kEndWithin = absl::Seconds(60);
constexpr absl::Duration kFullFor = absl::Seconds(2);
constexpr absl::Duration kSupervisorWaits = absl::Milliseconds(200);

// What fails of the log that commits go to. An append that fails ends a process whose RocksDB is
// built with assertions.
constexpr const char* kFaults[] = {
    "kind=eio ops=sync files=.log times=1",     "kind=eio ops=sync files=.log times=0",
    "kind=passing ops=sync files=.log times=0", "kind=eio ops=append files=.log times=1",
    "kind=short ops=append files=.log times=1", "kind=enospc ops=append files=.log times=0",
    "kind=enospc ops=sync files=.log times=1"};
constexpr char kFull[] = "kind=enospc ops=append+sync+create times=0";

struct Settings {
  std::string service;
  int64_t runs = 28, fills = 2, seed = 0;
};

struct Totals {
  int64_t runs = 0, acks = 0, ended = 0, not_serving = 0, fills = 0, refused_starts = 0;
  int64_t late_acks = 0, late_health = 0;
  absl::Duration slowest;
  Findings findings;
  bool good() const { return late_acks + late_health == 0 && findings.none(); }
};

bool Serving(Clients& clients) {
  health::HealthCheckResponse response;
  return clients.auditor
             .Call("/grpc.health.v1.Health/Check", health::HealthCheckRequest(), &response)
             .ok() &&
         response.status() == health::HealthCheckResponse::SERVING;
}

class Test {
 public:
  Test(const Settings& settings, const Workplace& place)
      : settings_(settings), place_(place), random_(static_cast<uint64_t>(settings.seed)) {}

  absl::Status Run() {
    for (int64_t i = 0; i < settings_.runs; ++i) {
      RETURN_IF_ERROR(FailOnce(kFaults[static_cast<size_t>(i) % std::size(kFaults)]));
    }
    for (int64_t i = 0; i < settings_.fills; ++i) RETURN_IF_ERROR(Fill());
    return absl::OkStatus();
  }
  const Totals& totals() const { return totals_; }

 private:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  Service::Disk Well() { return {true, kSyncUs, "", Draw(1'000'000)}; }
  Service::Disk Failing(const std::string& fault, uint64_t at) {
    return {true, kSyncUs, absl::StrCat("fail at=", at, " ", fault), Draw(1'000'000)};
  }

  std::unique_ptr<Service> NewService() {
    return std::make_unique<Service>(place_, absl::StrCat(place_.path(), "/", ++folders_));
  }
  Ledger NewLedger() { return Ledger(settings_.seed * 10'000 + folders_, Draw(UINT64_MAX)); }

  // Takes an answer, if one comes soon; whether it says that the store does not write any more.
  static bool Refuses(Clients& clients, Ledger& ledger, bool* acknowledged) {
    auto answer = clients.writer.Next(absl::Milliseconds(5));
    *acknowledged = answer.has_value() && answer->status.ok();
    if (!answer.has_value()) return false;
    if (answer->status.ok()) {
      ledger.Answered(answer->tag, true, std::move(answer->bytes), answer->position);
    }
    return !answer->status.ok();
  }

  // Writes until the store refuses.
  static absl::Status LoadUntilRefused(Clients& clients, Ledger& ledger) {
    const LivedTime time;
    bool acknowledged = false;
    while (time.passed() < kFailsWithin) {
      const size_t most = ledger.edition().empty() ? 1 : kOutstanding;
      while (clients.writer.under_way() < most) SendNext(clients, ledger);
      if (Refuses(clients, ledger, &acknowledged)) return absl::OkStatus();
    }
    return absl::DeadlineExceededError("the disk never failed");
  }

  // What was under way when the first refusal came may have been committed before it. What is sent
  // after it may not.
  void LookAfterRefusal(Service& service, Clients& clients, Ledger& ledger) {
    const LivedTime since_refusal;
    bool acknowledged = false;
    while (clients.writer.under_way() > 0 && since_refusal.passed() < kNotServingWithin) {
      Refuses(clients, ledger, &acknowledged);
    }
    bool serving = true;
    while (serving && since_refusal.passed() < 2 * kNotServingWithin) {
      if (!service.process().ended().has_value()) SendNext(clients, ledger);
      Refuses(clients, ledger, &acknowledged);
      if (acknowledged) ++totals_.late_acks;
      serving = !service.process().ended().has_value() && Serving(clients);
    }
    const absl::Duration took = since_refusal.passed();
    totals_.slowest = std::max(totals_.slowest, took);
    if (serving || took > kNotServingWithin) {
      ++totals_.late_health;
      std::cout << "serving for " << took << " after a refusal\n";
    } else {
      ++(service.process().ended().has_value() ? totals_.ended : totals_.not_serving);
    }
    while (clients.writer.under_way() > 0) {
      Refuses(clients, ledger, &acknowledged);
      if (acknowledged) ++totals_.late_acks;
    }
  }

  absl::Status EndsByItself(Service& service) {
    const auto status = service.process().WaitForEnd(kEndWithin);
    if (!status.has_value()) return absl::InternalError("a failed service does not end");
    // Of main after a failed store, of RocksDB's assertions.
    const std::string end = EndOf(*status);
    if (end == "exit code 70" || end == "signal 6") return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("a failed service ended with ", end, "\n", service.process().Log()));
  }

  absl::Status FailOnce(const std::string& fault) {
    const auto service = NewService();
    Ledger ledger = NewLedger();
    {
      RETURN_IF_ERROR(service->Start(Failing(fault, 10 + Draw(60))));
      Clients clients = service->NewClients();
      RETURN_IF_ERROR(LoadUntilRefused(clients, ledger));
      LookAfterRefusal(*service, clients, ledger);
      RETURN_IF_ERROR(EndsByItself(*service));
    }
    RETURN_IF_ERROR(service->Cut(Draw(2) * Draw(1000)).status());
    return Again(*service, ledger);
  }

  absl::Status Again(Service& service, Ledger& ledger) {
    RETURN_IF_ERROR(service.Start(Well()));
    Clients clients = service.NewClients();
    RETURN_IF_ERROR(Audit(clients, ledger, &totals_.findings));
    ++totals_.runs;
    totals_.acks += ledger.acknowledged();
    service.process().Kill();
    return absl::OkStatus();
  }

  // The disk fills up, stays full for a while, and has room again.
  absl::Status Fill() {
    const auto service = NewService();
    Ledger ledger = NewLedger();
    {
      RETURN_IF_ERROR(service->Start(Failing(kFull, 60 + Draw(100))));
      Clients clients = service->NewClients();
      RETURN_IF_ERROR(LoadUntilRefused(clients, ledger));
      LookAfterRefusal(*service, clients, ledger);
    }
    const absl::Time room = absl::Now() + kFullFor;
    RETURN_IF_ERROR(EndsByItself(*service));
    do {  // The supervisor.
      RETURN_IF_ERROR(service->Cut(0).status());
      if (service->Start(Failing(kFull, 1)).ok()) {
        return absl::InternalError("it serves on a disk without any room");
      }
      ++totals_.refused_starts;
      absl::SleepFor(kSupervisorWaits);
    } while (absl::Now() < room);
    RETURN_IF_ERROR(service->Cut(0).status());
    ++totals_.fills;
    return Again(*service, ledger);
  }

  const Settings& settings_;
  const Workplace& place_;
  std::mt19937_64 random_;
  int64_t folders_ = 0;
  Totals totals_;
};

absl::Status Run(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make(settings.service));
  const absl::Time begin = absl::Now();
  Test test(settings, *place);
  const absl::Status status = test.Run();
  const Totals& totals = test.totals();
  for (const std::string& text : totals.findings.texts) std::cout << text << "\n";
  std::cout << "service_faults: seed=" << settings.seed << " runs=" << totals.runs
            << " acks=" << totals.acks << " (ended=" << totals.ended
            << " not_serving=" << totals.not_serving << ", slowest after "
            << absl::ToInt64Milliseconds(totals.slowest)
            << " ms) late_health=" << totals.late_health << " late_acks=" << totals.late_acks
            << " lost=" << totals.findings.lost << " torn=" << totals.findings.torn
            << " future=" << totals.findings.future << " full_disks=" << totals.fills
            << " (starts_refused=" << totals.refused_starts
            << ") seconds=" << absl::ToInt64Seconds(absl::Now() - begin) << std::endl;
  if (status.ok() && totals.good()) return absl::OkStatus();
  place->Keep();
  RETURN_IF_ERROR(status);
  return absl::InternalError(absl::StrCat("the folders are in ", place->path()));
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("service_faults", "Lets the disk fail under the service.");
  flags.String("service", &settings.service, "the program that takes --fault-plan")
      .Int("runs", &settings.runs, "with a failing write or sync", 28)
      .Int("fills", &settings.fills, "with a disk that fills up", 2)
      .Int("seed", &settings.seed, "what is drawn; 0: a new one", 0);
  return RunLane("service_faults", flags, argc, argv, &settings.seed,
                 {&settings.runs, &settings.fills}, [&] { return Run(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
