#include "tools/benchmarks/overload.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "nlohmann/json.hpp"
#include "tools/benchmarks/cpu_clocks.h"
#include "tools/benchmarks/open_client.h"
#include "tools/benchmarks/workloads.h"

namespace nisi::bench {
namespace {

using Moment = std::chrono::steady_clock::time_point;
using Nanos = std::chrono::nanoseconds;

// So many calls begin before what has come is looked at.
constexpr int kAtOnce = 64;
// One refusal of so many is read: reading all would cost this client more than making them.
constexpr uint64_t kReadOne = 16;
constexpr Nanos kSlice = std::chrono::milliseconds(250);
// For what is still under way at the end, beyond its deadline.
constexpr absl::Duration kPatience = absl::Seconds(5);

struct Phase {
  double rate = 0;
  Nanos time{};
};

// "get-entry=70": a name and a number behind it, or 1.
absl::StatusOr<std::pair<std::string, double>> Weighed(const std::string& text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  double weight = 1;
  if (!parts.second.empty() && (!absl::SimpleAtod(parts.second, &weight) || weight <= 0)) {
    return absl::InvalidArgumentError("--workload is a name, or name=weight");
  }
  return std::pair(parts.first, weight);
}

bool Creates(absl::string_view workload) {
  return absl::StrContains(workload, "create");
}

absl::StatusOr<Phase> PhaseOf(const std::string& text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(',', 1));
  Phase phase;
  absl::Duration time;
  if (!absl::SimpleAtod(parts.first, &phase.rate) || phase.rate <= 0 ||
      !absl::ParseDuration(parts.second, &time) || time <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--phase is calls a second and a time: 5000,3s");
  }
  phase.time = absl::ToChronoNanoseconds(time);
  return phase;
}

// Answers with OK, and how long they took.
class Took {
 public:
  void Add(Nanos time) { times_.push_back(time.count()); }
  size_t size() const { return times_.size(); }
  double Micros(size_t percent) {
    if (times_.empty()) return 0;
    std::sort(times_.begin(), times_.end());
    return static_cast<double>(times_[(times_.size() - 1) * percent / 100]) / 1000;
  }

 private:
  std::vector<int64_t> times_;
};

// What came of a phase.
struct Tally {
  size_t began = 0;
  size_t unsent = 0;
  Took answered, refused, late;           // late: how much after its time each began
  std::vector<Took> of_kind;              // of answered
  std::map<std::string, size_t> codes;    // of the others
  std::map<std::string, size_t> reasons;  // of those that were read
  size_t read = 0;
  size_t without_retry = 0;
  std::vector<size_t> of_caller, answered_of_caller;
  std::vector<Took> slices;  // of answered
  int64_t client_cpu = 0;
  std::vector<int64_t> cpu_of;  // by server
  double counted_seconds = 0;
};

class OpenLoad {
 public:
  explicit OpenLoad(const OverloadSettings& settings) : settings_(settings) {}

  absl::Status Run(std::ostream& out) {
    RETURN_IF_ERROR(Prepare());
    Moment at = std::chrono::steady_clock::now();
    for (size_t i = 0; i < phases_.size(); ++i) {
      RETURN_IF_ERROR(RunPhase(i, at));
      at += phases_[i].time;
    }
    const Moment end = at + absl::ToChronoNanoseconds(settings_.deadline + kPatience);
    while (live_ > 0 && std::chrono::steady_clock::now() < end) {
      StartWaiting();
      RETURN_IF_ERROR(client_->Turn(absl::Milliseconds(10)));
    }
    Report(out);
    return absl::OkStatus();
  }

 private:
  struct Call {
    Moment due;
    size_t caller = 0;
    size_t phase = 0;
    size_t slice = 0;
    bool counts = false;
    size_t kind = 0;
    int64_t number = 0;  // of its kind
  };
  struct Kind {
    Workload workload;
    std::vector<std::string> ready;
    int64_t next = 0;
  };

  absl::Status Prepare() {
    OpenClient::Settings client;
    client.address = settings_.load.address;
    client.authority = settings_.load.authority;
    client.network = settings_.network;
    client.tokens = settings_.tokens;
    client.connections = static_cast<size_t>(settings_.connections);
    client.deadline = settings_.deadline;
    std::vector<double> weights;
    for (const std::string& text : settings_.workloads) {
      ASSIGN_OR_RETURN(const auto weighed, Weighed(text));
      LoadSettings one = settings_.load;
      one.workload = weighed.first;
      one.protocol = "grpc";
      if (!Creates(one.workload)) one.salt = 0;  // of the records that were there before
      Kind kind;
      ASSIGN_OR_RETURN(kind.workload, MakeWorkload(one));
      // Requests that may be sent again are made before the clock runs.
      if (!Creates(one.workload)) {
        for (int64_t n = 0; n < 2000; ++n) kind.ready.push_back(kind.workload.request(n));
      }
      client.paths.push_back(kind.workload.path);
      kinds_.push_back(std::move(kind));
      weights.push_back(weighed.second);
    }
    for (const std::string& text : settings_.phases) {
      ASSIGN_OR_RETURN(const Phase phase, PhaseOf(text));
      phases_.push_back(phase);
    }
    if (kinds_.empty() || phases_.empty() || settings_.tokens.empty()) {
      return absl::InvalidArgumentError("--workload, --phase and --token: one at least of each");
    }
    for (const std::string& pid : settings_.load.pids) {
      ASSIGN_OR_RETURN(CpuClocks clock, CpuClocks::Of({pid}));
      cpus_.push_back(std::move(clock));
    }
    kind_ = std::discrete_distribution<size_t>(weights.begin(), weights.end());
    std::vector<double> shares(settings_.tokens.size(), 1);
    shares.front() = static_cast<double>(settings_.greedy);
    caller_ = std::discrete_distribution<size_t>(shares.begin(), shares.end());
    waiting_.resize(settings_.tokens.size());
    ASSIGN_OR_RETURN(client_, OpenClient::Open(client, [this](const OpenClient::Outcome& outcome) {
                       OnOver(outcome);
                     }));
    // The greetings, before anything counts.
    const Moment end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < end) {
      RETURN_IF_ERROR(client_->Turn(absl::Milliseconds(10)));
    }
    return absl::OkStatus();
  }

  absl::Status RunPhase(size_t number, Moment from) {
    const Phase& phase = phases_[number];
    Tally& tally = tallies_.emplace_back();
    tally.of_caller.resize(settings_.tokens.size());
    tally.answered_of_caller.resize(settings_.tokens.size());
    tally.slices.resize(static_cast<size_t>(phase.time / kSlice) + 1);
    tally.of_kind.resize(kinds_.size());
    const Moment counts_from = from + absl::ToChronoNanoseconds(settings_.settle);
    const Moment end = from + phase.time;
    std::exponential_distribution<double> pause(phase.rate / 1e9);
    bool counts = false;
    std::vector<int64_t> before;
    int64_t own_before = 0;
    Moment due = from + Nanos(static_cast<int64_t>(pause(random_)));
    while (true) {
      const Moment now = std::chrono::steady_clock::now();
      if (!counts && now >= counts_from) {
        counts = true;
        before = Cpu();
        own_before = OwnCpu();
      }
      if (now >= end) break;
      StartWaiting();
      for (int i = 0; i < kAtOnce && due <= now && due < end; ++i) {
        Begin({.due = due,
               .phase = number,
               .slice = static_cast<size_t>((due - from) / kSlice),
               .counts = due >= counts_from},
              now);
        due += Nanos(static_cast<int64_t>(pause(random_)));
      }
      const Nanos wait = std::min(due, end) - now;
      RETURN_IF_ERROR(client_->Turn(absl::FromChrono(wait)));
    }
    tally.counted_seconds = std::chrono::duration<double>(end - counts_from).count();
    const std::vector<int64_t> after = Cpu();
    for (size_t i = 0; i < after.size(); ++i) tally.cpu_of.push_back(after[i] - before[i]);
    tally.client_cpu = OwnCpu() - own_before;
    return absl::OkStatus();
  }

  std::vector<int64_t> Cpu() const {
    std::vector<int64_t> spent;
    for (const CpuClocks& cpu : cpus_) spent.push_back(cpu.Now());
    return spent;
  }

  void Begin(Call made, Moment now) {
    made.caller = caller_(random_);
    made.kind = kind_(random_);
    made.number = kinds_[made.kind].next++;
    const bool waits = settings_.wait > absl::ZeroDuration();
    const bool sent = waiting_[made.caller].empty() && Start(made);
    if (!sent && waits) waiting_[made.caller].push_back(made);
    if (!made.counts) return;
    Tally& tally = tallies_[made.phase];
    ++tally.began;
    ++tally.of_caller[made.caller];
    tally.unsent += sent || waits ? 0 : 1;
    tally.late.Add(now - made.due);
  }

  // False: its caller's connections are full.
  bool Start(const Call& made) {
    if (free_.empty()) {
      free_.push_back(calls_.size());
      calls_.emplace_back();
    }
    const size_t call = free_.back();
    calls_[call] = made;
    const Kind& kind = kinds_[made.kind];
    const bool sent =
        kind.ready.empty()
            ? client_->Start(made.caller, made.kind, kind.workload.request(made.number), call)
            : client_->Start(made.caller, made.kind,
                             kind.ready[static_cast<size_t>(made.number) % kind.ready.size()],
                             call);
    if (!sent) return false;
    free_.pop_back();
    ++live_;
    return true;
  }

  // Those for which there is room now; and who has waited too long is not sent.
  void StartWaiting() {
    const Moment oldest =
        std::chrono::steady_clock::now() - absl::ToChronoNanoseconds(settings_.wait);
    for (std::deque<Call>& line : waiting_) {
      for (; !line.empty(); line.pop_front()) {
        const Call& first = line.front();
        if (first.due < oldest) {
          tallies_[first.phase].unsent += first.counts ? 1 : 0;
        } else if (!Start(first)) {
          break;
        }
      }
    }
  }

  void OnOver(const OpenClient::Outcome& outcome) {
    const Call call = calls_[outcome.call];
    free_.push_back(outcome.call);
    --live_;
    Tally& tally = tallies_[call.phase];
    const Nanos took = std::chrono::steady_clock::now() - call.due;
    if (outcome.code == 0) tally.slices[call.slice].Add(took);
    if (!call.counts) return;
    if (outcome.code == 0) {
      tally.answered.Add(took);
      tally.of_kind[call.kind].Add(took);
      ++tally.answered_of_caller[call.caller];
      return;
    }
    tally.refused.Add(took);
    ++tally.codes[CodeOf(outcome)];
    if (outcome.code < 0) return;
    if (refusals_++ % kReadOne == 0) Read(outcome, tally);
  }

  static std::string CodeOf(const OpenClient::Outcome& outcome) {
    if (outcome.code < 0) return nghttp2_http2_strerror(outcome.reset);
    return absl::StatusCodeToString(static_cast<absl::StatusCode>(outcome.code));
  }

  static void Read(const OpenClient::Outcome& outcome, Tally& tally) {
    std::string bytes;
    google::rpc::Status status;
    google::rpc::ErrorInfo info;
    bool retry = false;
    if (absl::Base64Unescape(outcome.details, &bytes) && status.ParseFromString(bytes)) {
      for (const auto& detail : status.details()) {
        google::rpc::RetryInfo when;
        if (detail.Is<google::rpc::ErrorInfo>()) detail.UnpackTo(&info);
        retry = retry || (detail.UnpackTo(&when) &&
                          (when.retry_delay().seconds() > 0 || when.retry_delay().nanos() > 0));
      }
    }
    ++tally.read;
    ++tally.reasons[info.reason()];
    tally.without_retry += retry ? 0 : 1;
  }

  void Report(std::ostream& out) {
    nlohmann::json phases;
    for (size_t i = 0; i < phases_.size(); ++i) {
      Tally& tally = tallies_[i];
      const double seconds = tally.counted_seconds;
      const auto a_second = [&](size_t count) { return static_cast<double>(count) / seconds; };
      nlohmann::json cpu = nlohmann::json::array(), slices = nlohmann::json::array();
      for (const int64_t spent : tally.cpu_of) cpu.push_back(static_cast<double>(spent) / 1e9);
      nlohmann::json kinds;
      for (size_t kind = 0; kind < kinds_.size(); ++kind) {
        Took& took = tally.of_kind[kind];
        kinds[kinds_[kind].workload.path] = {took.size(), took.Micros(50), took.Micros(99)};
      }
      for (Took& slice : tally.slices) {
        slices.push_back({slice.size(), slice.Micros(50), slice.Micros(99)});
      }
      phases.push_back({{"rate", phases_[i].rate},
                        {"seconds", seconds},
                        {"offered", a_second(tally.began)},
                        {"unsent", a_second(tally.unsent)},
                        {"ok", a_second(tally.answered.size())},
                        {"p50_us", tally.answered.Micros(50)},
                        {"p99_us", tally.answered.Micros(99)},
                        {"refused", a_second(tally.refused.size())},
                        {"refusal_p50_us", tally.refused.Micros(50)},
                        {"refusal_p99_us", tally.refused.Micros(99)},
                        {"late_p99_us", tally.late.Micros(99)},
                        {"codes", tally.codes},
                        {"reasons", tally.reasons},
                        {"read", tally.read},
                        {"without_retry", tally.without_retry},
                        {"callers", tally.of_caller},
                        {"callers_ok", tally.answered_of_caller},
                        {"slices", slices},
                        {"kinds", kinds},
                        {"server_cpu_s", cpu},
                        {"client_cpu_s", static_cast<double>(tally.client_cpu) / 1e9}});
    }
    out << nlohmann::json{{"phases", phases}, {"lost_connections", client_->lost_connections()}}
               .dump()
        << std::endl;
  }

  const OverloadSettings& settings_;
  std::vector<Kind> kinds_;
  std::vector<Phase> phases_;
  std::vector<Tally> tallies_;
  std::vector<CpuClocks> cpus_;
  std::discrete_distribution<size_t> kind_, caller_;
  std::mt19937_64 random_{1};
  std::unique_ptr<OpenClient> client_;
  std::vector<Call> calls_;
  std::vector<size_t> free_;
  std::vector<std::deque<Call>> waiting_;  // by caller, for room on its connections
  size_t live_ = 0;
  uint64_t refusals_ = 0;
};

}  // namespace

absl::Status RunOverload(const OverloadSettings& settings, std::ostream& out) {
  return OpenLoad(settings).Run(out);
}

}  // namespace nisi::bench
