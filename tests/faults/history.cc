// Concurrent clients on a hundred entries of a draft, while what answers them is killed and
// paused: each must have been answered as by one call after another. See history_checker.h.
//
//   history --service PATH [--seed N] [--calls N] [--clients N] [--records N]
//     faulty-priority-goods: what it had not synced is gone when it is killed. Then the same
//     without syncing, which must be found.
//   history --suite PATH ...
//     nisi: `nisi serve`, called through its gateway.
//
// NISI_SCALE multiplies the calls. With a seed that was printed the same calls are drawn by each
// client; how they fall together is chance.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/dev_keys.h"
#include "common/rpc/flags.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "tests/faults/history_client.h"
#include "tests/faults/lane.h"
#include "tests/faults/service.h"

namespace nisi::faults {
namespace {

namespace goods = priority_goods::v1;

constexpr int64_t kCallsARound = 25'000;  // then a new store, and what was answered is checked
constexpr int64_t kSyncUs = 1000;         // most that a sync takes
constexpr int64_t kLeastCalls = 500, kMostCalls = 2000;  // from one kill or pause to the next
constexpr uint64_t kPauseMs = 60;                        // at most
constexpr uint64_t kPausesOf = 4;                        // one of so many is a pause and no kill
constexpr size_t kPlanted = 10;                          // records of a round
constexpr int64_t kUnsyncedCalls = 6000;

struct Settings {
  std::string service, suite;
  bool sync = true;
  int64_t seed = 0, calls = 50'000, clients = 8, records = 100;
};

// What is called and killed.
class Target {
 public:
  virtual ~Target() = default;
  virtual absl::Status Start(uint64_t seed, bool sync) = 0;
  virtual absl::Status Kill(uint64_t seed) = 0;
  virtual Process& process() = 0;
  virtual std::unique_ptr<Client> Connect() const = 0;
};

// The service alone, on a disk that forgets.
class ServiceTarget final : public Target {
 public:
  explicit ServiceTarget(const Workplace& place) : service_(place, place.path() + "/store") {}
  absl::Status Start(uint64_t seed, bool sync) override {
    const absl::Status started = service_.Start({sync, kSyncUs, "", seed});
    const bool noticed = absl::StrContains(started.message(), "STORE_ROLLED_BACK");
    if (sync || !noticed) return started;
    // The witness has seen more than is left. Here the clients are to find out.
    std::filesystem::remove(service_.witness());
    return service_.Start({sync, kSyncUs, "", seed});
  }
  absl::Status Kill(uint64_t seed) override { return service_.Cut(seed).status(); }
  Process& process() override { return service_.process(); }
  std::unique_ptr<Client> Connect() const override { return service_.NewWriter(); }

 private:
  Service service_;
};

// All services and the gateway in one process, as `nisi serve` starts them.
class SuiteTarget final : public Target {
 public:
  SuiteTarget(const Workplace& place, std::string program)
      : program_(std::move(program)), folder_(place.path() + "/suite") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  absl::Status Start(uint64_t /*seed*/, bool /*sync*/) override {
    std::filesystem::remove(folder_ + "/socket");
    const std::vector<std::string> command{
        program_, "serve", "--data", folder_, "--address", Address(), "--metrics-address", ""};
    ASSIGN_OR_RETURN(process_, Process::Start(command, folder_ + "/log"));
    RETURN_IF_ERROR(process_->WaitForLog("\"serving\"", Service::kStartLimit));
    ASSIGN_OR_RETURN(token_,
                     rpc::MintDevToken(folder_, rpc::v1::INSTITUTE_INDUSTRY, "", {}, absl::Now()));
    return absl::OkStatus();
  }
  absl::Status Kill(uint64_t /*seed*/) override {
    process_->Kill();
    return absl::OkStatus();
  }
  Process& process() override { return *process_; }
  std::unique_ptr<Client> Connect() const override {
    return std::make_unique<Client>(Address(), token_);
  }

 private:
  std::string Address() const { return absl::StrCat("unix:", folder_, "/socket"); }

  const std::string program_, folder_;
  std::string token_;
  std::unique_ptr<Process> process_;
};

struct Totals {
  int64_t calls = 0, records = 0, unknown = 0, steps = 0, settled = 0, asked_again = 0;
  int64_t kills = 0, pauses = 0, planted = 0, refused = 0;
  std::vector<std::string> violations, undecided, changed;
  bool good() const {
    return violations.empty() && undecided.empty() && changed.empty() && planted == refused;
  }
};

void Append(const std::vector<std::string>& from, std::vector<std::string>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

class Test {
 public:
  Test(const Settings& settings, const Workplace& place)
      : settings_(settings), place_(place), random_(static_cast<uint64_t>(settings.seed)) {}

  absl::Status Run() {
    for (int64_t left = settings_.calls; left > 0 && totals_.good(); left -= kCallsARound) {
      RETURN_IF_ERROR(RunRound(std::min(left, kCallsARound)));
    }
    return absl::OkStatus();
  }
  const Totals& totals() const { return totals_; }

 private:
  using Callers = std::vector<std::unique_ptr<HistoryClient>>;
  uint64_t Draw(uint64_t below) { return random_() % below; }

  absl::Status RunRound(int64_t calls) {
    target_.reset();  // before its folder is made anew: it would go on deleting in there
    if (settings_.suite.empty()) {
      target_ = std::make_unique<ServiceTarget>(place_);
    } else {
      target_ = std::make_unique<SuiteTarget>(place_, settings_.suite);
    }
    RETURN_IF_ERROR(target_->Start(Draw(1'000'000), /*sync=*/true));
    HistoryRound round(settings_.records, calls);
    round.connect = [this] { return target_->Connect(); };
    ASSIGN_OR_RETURN(round.edition, NewEdition());
    round.lives.Begin();
    Callers callers;
    for (int i = 0; i <= settings_.clients; ++i) {
      callers.push_back(std::make_unique<HistoryClient>(round, i, Draw(UINT64_MAX)));
    }
    RETURN_IF_ERROR(Disturb(round, callers));
    callers.back()->ReadAll();
    for (const auto& caller : callers) RETURN_IF_ERROR(caller->error());
    Check(callers);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> NewEdition() {
    goods::CreateEditionRequest request;
    request.set_request_id("00000000-0000-4000-8000-000000000000");
    request.mutable_edition()->set_title_ru("Перечень");
    goods::Edition edition;
    RETURN_IF_ERROR(target_->Connect()->Call(
        "/nisi.priority_goods.v1.PriorityGoodsService/CreateEdition", request, &edition));
    return edition.name();
  }

  // All clients but the last call until no call is left; it is killed once more after that.
  absl::Status Disturb(HistoryRound& round, const Callers& callers) {
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < settings_.clients; ++i) {
      threads.emplace_back([caller = callers[static_cast<size_t>(i)].get()] { caller->Run(); });
    }
    absl::Status status;
    bool over = false;
    while (status.ok() && !over) {
      over = WaitForCalls(round);
      if (!over && Draw(kPausesOf) == 0) {
        Pause();
      } else {
        status = Kill(round.lives);
      }
    }
    if (!status.ok()) round.lives.GiveUp();
    for (std::thread& thread : threads) thread.join();
    return status;
  }

  // By calls and not by time, so that a slow machine does not kill more of them. True when no call
  // will come any more.
  bool WaitForCalls(const HistoryRound& round) {
    const int64_t until = round.calls_left - kLeastCalls -
                          static_cast<int64_t>(Draw(uint64_t{kMostCalls - kLeastCalls}));
    while (round.calls_left > until && round.clients_done < settings_.clients) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    return round.clients_done == settings_.clients;
  }

  void Pause() {
    ++totals_.pauses;
    target_->process().Signal(SIGSTOP);
    absl::SleepFor(absl::Milliseconds(Draw(kPauseMs)));
    target_->process().Signal(SIGCONT);
  }

  absl::Status Kill(Lives& lives) {
    if (target_->process().ended().has_value()) {
      return absl::InternalError(target_->process().Log());
    }
    ++totals_.kills;
    lives.End();
    RETURN_IF_ERROR(target_->Kill(Draw(2) * Draw(1'000'000)));
    RETURN_IF_ERROR(target_->Start(Draw(1'000'000), settings_.sync));
    lives.Begin();
    return absl::OkStatus();
  }

  void Check(const Callers& callers) {
    std::vector<HistoryCall> calls;
    for (const auto& caller : callers) {
      calls.insert(calls.end(), caller->calls().begin(), caller->calls().end());
      totals_.settled += caller->settled();
      totals_.asked_again += caller->asked_again();
      Append(caller->changed(), &totals_.changed);
    }
    const HistoryReport report = CheckHistory(calls);
    totals_.calls += report.calls;
    totals_.records += report.records;
    totals_.unknown += report.unknown;
    totals_.steps += report.steps;
    Append(report.violations, &totals_.violations);
    Append(report.undecided, &totals_.undecided);
    if (report.linearizable()) CheckBites(calls);
  }

  // One stale read among the calls on a record, and there is no order any more.
  void CheckBites(const std::vector<HistoryCall>& calls) {
    for (size_t n = 0; n < kPlanted; ++n) {
      const std::string record = CodeOf(static_cast<int64_t>(n) % settings_.records);
      std::vector<HistoryCall> of_record;
      std::copy_if(calls.begin(), calls.end(), std::back_inserter(of_record),
                   [&record](const HistoryCall& call) { return call.record == record; });
      if (!PlantStaleRead(Draw(UINT64_MAX), &of_record)) continue;
      ++totals_.planted;
      if (!CheckHistory(of_record).violations.empty()) ++totals_.refused;
    }
  }

  const Settings& settings_;
  const Workplace& place_;
  std::mt19937_64 random_;
  std::unique_ptr<Target> target_;
  Totals totals_;
};

void Print(const Settings& settings, const Totals& totals, absl::Duration took) {
  for (const auto* texts : {&totals.violations, &totals.undecided, &totals.changed}) {
    for (const std::string& text : *texts) std::cout << text << "\n";
  }
  std::cout << "history: " << (settings.suite.empty() ? "service" : "gateway")
            << " seed=" << settings.seed << " calls=" << totals.calls
            << " clients=" << settings.clients << " records=" << totals.records
            << " kills=" << totals.kills << " pauses=" << totals.pauses
            << " unknown=" << totals.unknown << " settled=" << totals.settled
            << " asked_again=" << totals.asked_again << " changed=" << totals.changed.size()
            << " not_linearizable=" << totals.violations.size()
            << " undecided=" << totals.undecided.size() << " (steps=" << totals.steps
            << ") planted=" << totals.planted << " found=" << totals.refused
            << " seconds=" << absl::ToInt64Seconds(took) << std::endl;
}

// A service that does not sync loses, and the clients must have seen that.
absl::Status CheckUnsynced(Settings settings, const Workplace& place) {
  settings.sync = false;
  settings.calls = kUnsyncedCalls;
  const absl::Time begin = absl::Now();
  Test test(settings, place);
  RETURN_IF_ERROR(test.Run());
  const size_t found = test.totals().violations.size();
  std::cout << "history: without syncing " << found << " of " << test.totals().records
            << " records are not linearizable, seconds="
            << absl::ToInt64Seconds(absl::Now() - begin) << std::endl;
  return found > 0 ? absl::OkStatus()
                   : absl::InternalError("lost writes were not seen: this test is blind");
}

absl::Status Run(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make(settings.service));
  const absl::Time begin = absl::Now();
  auto test = std::make_unique<Test>(settings, *place);
  const absl::Status status = test->Run();
  const Totals totals = test->totals();
  Print(settings, totals, absl::Now() - begin);
  test.reset();  // and what it started
  if (status.ok() && totals.good() && totals.planted > 0) {
    return settings.suite.empty() ? CheckUnsynced(settings, *place) : absl::OkStatus();
  }
  place->Keep();
  std::cout << "history: the folders are in " << place->path() << "\n";
  RETURN_IF_ERROR(status);
  return absl::InternalError("not one call after another, or this test is blind");
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("history", "Checks what concurrent clients are answered while it is killed.");
  flags.String("service", &settings.service, "the program that takes --fault-plan")
      .String("suite", &settings.suite, "nisi: its gateway is called, and not the service")
      .Int("seed", &settings.seed, "what is drawn; 0: a new one", 0)
      .Int("calls", &settings.calls, "in all", 50'000)
      .Int("clients", &settings.clients, "at once", 8)
      .Int("records", &settings.records, "that they call about at a time", 100);
  return RunLane("history", flags, argc, argv, &settings.seed, {&settings.calls},
                 [&] { return Run(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
