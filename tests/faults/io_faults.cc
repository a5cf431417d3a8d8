// Every call to the disk fails: for each N the N-th of its kind, once and for good, in a life of a
// store in a process of its own, which then ends as by a power cut. The store that is left must
// open, hold all that was acknowledged, and nothing torn. A process that RocksDB ends (the packaged
// one is built with assertions) has stopped: it has answered nothing.
//
//   io_faults [--points N] [--jobs N] [--seed N] [--kind NAME --at N [--for-good]]
//
// About N points are taken, evenly over all; 0 takes all. NISI_SCALE multiplies.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/flags.h"
#include "tests/faults/io_workload.h"
#include "tests/faults/lane.h"
#include "tests/faults/process.h"
#include "tests/faults/workplace.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;

constexpr int kWrong = 3;  // exit code of a verification that found something

struct Kind {
  const char* name;
  const char* plan;
  bool IsCut() const { return absl::string_view(name) == "power_cut"; }
};
constexpr Kind kKinds[] = {
    {"write_eio", "kind=eio ops=append+sync+close"},
    // Says that it may pass: nobody may believe it.
    {"write_passing", "kind=passing ops=append+sync"},
    {"write_enospc", "kind=enospc ops=append+sync+create"},
    {"write_short", "kind=short ops=append"},
    {"read_eio", "kind=eio ops=read+look"},
    {"dirsync_eio", "kind=eio ops=dirsync"},
    {"entry_eio", "kind=eio ops=create+rename+delete"},
    // A power cut right before each call that changes something.
    {"power_cut", "kind=kill ops=append+sync+close+create+rename+delete+dirsync"},
};

struct Settings {
  int64_t points = 240, jobs = 4, seed = 1, at = 0;
  std::string kind;
  bool for_good = false;
};

struct Point {
  const Kind* kind = nullptr;
  int64_t at = 0;
  bool for_good = false;
  std::string Text() const {
    return absl::StrCat(kind->name, " at ", at, for_good ? " for good" : " once");
  }
};

struct Totals {
  int64_t points = 0, reached = 0, finished = 0, opened_again = 0, stopped = 0, aborted = 0,
          cut = 0;
  int64_t acks = 0, lost_or_torn = 0, false_successes = 0, hung = 0;
};

// A point on its way: its process, what that leaves, and then the one that looks at it.
struct Run {
  Point point;
  std::string folder;
  std::string verdict;  // of the second process, in the file of that name
  IoRecord* record = nullptr;
  bool verifying = false;
};

class Sweep {
 public:
  Sweep(const Settings& settings, std::string path) : settings_(settings), path_(std::move(path)) {}

  // How many calls of a kind there are when none fails.
  absl::StatusOr<int64_t> CountCalls(const Kind& kind);
  void RunAll(const std::vector<Point>& points);
  void Print(int64_t all, absl::Duration took) const;
  bool good() const {
    return totals_.lost_or_torn + totals_.false_successes + totals_.hung == 0 &&
           totals_.reached > 0;
  }

 private:
  std::string Plan(const Point& point, const std::string& folder) const {
    return absl::StrCat("cut notes=", folder, "/notes seed=", settings_.seed + point.at, "; fail ",
                        point.kind->plan, " at=", point.at, " times=", point.for_good ? 0 : 1);
  }
  void Start(const Point& point);
  void Verify(Run run);
  void Ended(pid_t pid, int status);
  void Report(const Run& run, const std::string& what);

  const Settings& settings_;
  const std::string path_;
  std::map<pid_t, Run> running_;
  int64_t number_ = 0;
  Totals totals_;
  int64_t told_ = 0;
};

absl::StatusOr<int64_t> Sweep::CountCalls(const Kind& kind) {
  const std::string folder = absl::StrCat(path_, "/count-", kind.name);
  fs::create_directories(folder);
  IoRecord* const record = NewShared<IoRecord>();
  const pid_t pid = Fork(folder + "/log");
  if (pid == 0) {
    const auto plan = store::ParseFaultPlan(Plan({&kind, 0, false}, folder));
    if (plan.ok()) RunIoWorkload(folder, *plan, record);
    raise(SIGKILL);
  }
  waitpid(pid, nullptr, 0);
  if (!record->finished) return absl::InternalError("the life of the store does not end well");
  const int64_t calls = record->calls;
  DropShared(record);
  fs::remove_all(folder);
  return calls;
}

void Sweep::Start(const Point& point) {
  Run run{point, absl::StrCat(path_, "/", ++number_), "", NewShared<IoRecord>(), false};
  fs::create_directories(run.folder);
  const pid_t pid = Fork(run.folder + "/log");
  if (pid == 0) {
    const auto plan = store::ParseFaultPlan(Plan(point, run.folder));
    if (plan.ok()) RunIoWorkload(run.folder, *plan, run.record);
    raise(SIGKILL);
  }
  running_[pid] = std::move(run);
}

void Sweep::Verify(Run run) {
  const uint64_t seed = static_cast<uint64_t>(run.point.at % 2 == 0 ? 0 : run.point.at);
  store::UndoUnsyncedEntries(run.folder + "/notes", seed).IgnoreError();
  run.verifying = true;
  run.verdict = run.folder + "/verdict";
  const pid_t pid = Fork(run.folder + "/log.verify");
  if (pid == 0) {
    const std::string wrong = VerifyIoWorkload(run.folder, *run.record);
    if (wrong.empty()) _exit(0);
    if (std::FILE* file = std::fopen(run.verdict.c_str(), "w"); file != nullptr) {
      std::fputs(wrong.c_str(), file);
      std::fclose(file);
    }
    _exit(kWrong);
  }
  running_[pid] = std::move(run);
}

void Sweep::Report(const Run& run, const std::string& what) {
  if (++told_ > 20) return;
  std::cout << run.point.Text() << " (" << run.record->first_failure.data() << "): " << what
            << "\n";
}

void Sweep::Ended(pid_t pid, int status) {
  Run run = std::move(running_[pid]);
  running_.erase(pid);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGALRM) {
    ++totals_.hung;
    Report(run, run.verifying ? "the verification hangs" : "the store hangs");
  }
  if (!run.verifying) {
    const IoRecord& record = *run.record;
    ++totals_.points;
    if (record.failures > 0 || (run.point.kind->IsCut() && !record.finished)) ++totals_.reached;
    if (record.finished) ++totals_.finished;
    if (record.opened_again) ++totals_.opened_again;
    if (signal == SIGABRT) ++totals_.aborted;
    if (run.point.kind->IsCut()) {
      if (!record.finished) ++totals_.cut;
    } else if (signal == SIGKILL && !record.finished) {
      ++totals_.stopped;
    }
    totals_.acks += std::count_if(record.commits.begin(), record.commits.end(),
                                  [](const auto& commit) { return commit.acknowledged; });
    if (record.acknowledged_after_failed_write || record.acknowledged_after_failure) {
      ++totals_.false_successes;
      Report(run, record.acknowledged_after_failure
                      ? "acknowledged after the store had failed"
                      : "acknowledged after a write of the log had failed");
    }
    if (signal != SIGKILL && signal != SIGABRT && signal != SIGALRM) {
      ++totals_.lost_or_torn;
      Report(run, absl::StrCat("ended with ", EndOf(status)));
    }
    Verify(std::move(run));
    return;
  }
  if (signal != SIGALRM && status != 0) {
    ++totals_.lost_or_torn;
    std::ifstream file(run.verdict);
    Report(run, WIFEXITED(status) ? std::string(std::istreambuf_iterator<char>(file), {})
                                  : absl::StrCat("verification: ", EndOf(status)));
  }
  DropShared(run.record);
  if (status == 0) fs::remove_all(run.folder);
}

void Sweep::RunAll(const std::vector<Point>& points) {
  RunTrials(
      points.size(), settings_.jobs, [this] { return running_.size(); },
      [&](size_t n) { Start(points[n]); }, [this](pid_t pid, int status) { Ended(pid, status); });
}

void Sweep::Print(int64_t all, absl::Duration took) const {
  std::cout << "io_faults: points=" << totals_.points << " of " << all
            << " reached=" << totals_.reached << " acks=" << totals_.acks
            << " lived_on=" << totals_.finished << " (opened_again=" << totals_.opened_again
            << ") cut=" << totals_.cut << " stopped=" << totals_.stopped
            << " aborted=" << totals_.aborted << " lost_or_torn=" << totals_.lost_or_torn
            << " false_successes=" << totals_.false_successes << " hung=" << totals_.hung
            << " seconds=" << absl::ToInt64Seconds(took) << std::endl;
}

absl::StatusOr<std::vector<Point>> AllPoints(const Settings& settings, Sweep& sweep) {
  std::vector<Point> all;
  for (const Kind& kind : kKinds) {
    if (!settings.kind.empty() && settings.kind != kind.name) continue;
    if (settings.at > 0) return std::vector<Point>{{&kind, settings.at, settings.for_good}};
    ASSIGN_OR_RETURN(const int64_t calls, sweep.CountCalls(kind));
    std::cout << "io_faults: " << kind.name << " has " << calls << " calls" << std::endl;
    for (int64_t at = 1; at <= calls; ++at) {
      all.push_back({&kind, at, false});
      if (!kind.IsCut()) all.push_back({&kind, at, true});
    }
  }
  return all;
}

// Evenly over the calls of each kind, however many those are: kinds with few calls are rare only in
// this life of a store.
std::vector<Point> Sampled(const std::vector<Point>& all, int64_t wanted) {
  if (wanted == 0 || wanted >= static_cast<int64_t>(all.size())) return all;
  std::map<std::string, std::vector<Point>> groups;
  for (const Point& point : all) {
    groups[absl::StrCat(point.kind->name, point.for_good)].push_back(point);
  }
  const size_t share = static_cast<size_t>(wanted) / groups.size() + 1;
  std::vector<Point> points;
  for (const auto& [name, group] : groups) {
    const size_t count = std::min(share, group.size());
    for (size_t i = 0; i < count; ++i)
      points.push_back(group[(2 * i + 1) * group.size() / (2 * count)]);
  }
  return points;
}

absl::Status RunSweep(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make());
  Sweep sweep(settings, place->path());
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(const std::vector<Point> all, AllPoints(settings, sweep));
  sweep.RunAll(Sampled(all, settings.points));
  sweep.Print(static_cast<int64_t>(all.size()), absl::Now() - begin);
  if (sweep.good()) return absl::OkStatus();
  place->Keep();
  return absl::InternalError(absl::StrCat("the folders are in ", place->path()));
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("io_faults", "Lets every call to the disk fail.");
  flags.Int("points", &settings.points, "about so many; 0: all", 240)
      .Int("jobs", &settings.jobs, "processes at once", 4)
      .Int("seed", &settings.seed, "of the disks", 1)
      .String("kind", &settings.kind, "only this kind")
      .Int("at", &settings.at, "only this call")
      .Bool("for-good", &settings.for_good, "with --at: not once", false);
  return RunLane("io_faults", flags, argc, argv, &settings.seed, {&settings.points},
                 [&] { return RunSweep(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
