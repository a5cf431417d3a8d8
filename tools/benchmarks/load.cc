#include "tools/benchmarks/load.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "nlohmann/json.hpp"
#include "tools/benchmarks/client.h"
#include "tools/benchmarks/cpu_clocks.h"
#include "tools/benchmarks/workloads.h"

namespace nisi::bench {
namespace {

using Clock = std::chrono::steady_clock;

class Loop {
 public:
  Loop(const LoadSettings& settings, Workload workload, std::unique_ptr<Client> client)
      : settings_(settings),
        workload_(std::move(workload)),
        client_(std::move(client)),
        calls_(static_cast<size_t>(settings.outstanding)) {}

  absl::Status Run(std::ostream& out) {
    ASSIGN_OR_RETURN(const CpuClocks cpu, CpuClocks::Of(settings_.pids));
    ready_.reserve(kReady);
    for (size_t bytes = 0; ready_.size() < kReady && bytes < kReadyBytes;
         bytes += ready_.back().size()) {
      ready_.push_back(workload_.request(static_cast<int64_t>(ready_.size())));
    }
    for (size_t tag = 0; tag < calls_.size(); ++tag) Start(tag, Clock::now());
    const bool by_count = settings_.calls > 0;
    RETURN_IF_ERROR(Turn(Clock::now() + absl::ToChronoNanoseconds(settings_.warm_up), 0));
    latencies_.clear();
    const Clock::time_point begin = Clock::now();
    const int64_t cpu_begin = cpu.Now();
    const int64_t own_begin = OwnCpu();
    RETURN_IF_ERROR(by_count ? Turn(Clock::time_point::max(), static_cast<size_t>(settings_.calls))
                             : Turn(begin + absl::ToChronoNanoseconds(settings_.time), 0));
    const int64_t cpu_spent = cpu.Now() - cpu_begin;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    Report(seconds, cpu_spent, OwnCpu() - own_begin, out);
    stopping_ = true;
    return Turn(Clock::time_point::max(), SIZE_MAX);
  }

 private:
  struct InFlight {
    Clock::time_point began;
    std::string request;  // where it is none of the ready ones
  };

  void Start(size_t tag, Clock::time_point now) {
    InFlight& call = calls_[tag];
    const auto at = static_cast<size_t>(next_);
    if (at >= ready_.size()) call.request = workload_.request(next_);
    ++next_;
    ++under_way_;
    call.began = now;
    client_->Start(at < ready_.size() ? ready_[at] : call.request, tag);
  }

  // Until the time is up, `calls` are answered, or, when stopping, none is under way.
  absl::Status Turn(Clock::time_point until, size_t calls) {
    while (under_way_ > 0) {
      ASSIGN_OR_RETURN(const size_t tag, client_->Next());
      --under_way_;
      const Clock::time_point now = Clock::now();
      latencies_.push_back(
          std::chrono::duration_cast<std::chrono::nanoseconds>(now - calls_[tag].began).count());
      if (stopping_) continue;
      Start(tag, now);
      if (now >= until || (calls > 0 && latencies_.size() >= calls)) break;
    }
    return absl::OkStatus();
  }

  void Report(double seconds, int64_t cpu_ns, int64_t own_ns, std::ostream& out) {
    const auto calls = static_cast<double>(latencies_.size());
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](size_t percent) {
      const size_t last = latencies_.size() - 1;
      return static_cast<double>(latencies_[last * percent / 100]) / 1000;
    };
    out << nlohmann::json{{"calls", latencies_.size()},
                          {"seconds", seconds},
                          {"per_second", calls / seconds},
                          {"p50_us", at(50)},
                          {"p99_us", at(99)},
                          {"server_cpu_us", static_cast<double>(cpu_ns) / 1000 / calls},
                          {"client_cpu_us", static_cast<double>(own_ns) / 1000 / calls}}
               .dump()
        << std::endl;
  }

  // Requests made before the clock runs.
  static constexpr size_t kReady = 30'000;
  static constexpr size_t kReadyBytes = 32 << 20;

  const LoadSettings& settings_;
  const Workload workload_;
  const std::unique_ptr<Client> client_;
  std::vector<std::string> ready_;
  std::vector<InFlight> calls_;  // by tag
  std::vector<int64_t> latencies_;
  int64_t next_ = 0;
  int64_t under_way_ = 0;
  bool stopping_ = false;
};

absl::StatusOr<std::unique_ptr<Client>> NewClient(const LoadSettings& settings,
                                                  const std::string& path) {
  if (settings.client == "grpc") return NewGrpcClient(settings, path);
  if (settings.client == "http2") return NewHttp2Client(settings, path);
  return absl::InvalidArgumentError(absl::StrCat("no such client: ", settings.client));
}

}  // namespace

std::string WorkloadNames() {
  return absl::StrJoin(AllWorkloads(), ", ");
}

absl::Status RunLoad(const LoadSettings& settings, std::ostream& out) {
  if (settings.outstanding < 1 || settings.connections < 1) {
    return absl::InvalidArgumentError("--outstanding and --connections are 1 at least");
  }
  ASSIGN_OR_RETURN(Workload workload, MakeWorkload(settings));
  ASSIGN_OR_RETURN(std::unique_ptr<Client> client, NewClient(settings, workload.path));
  return Loop(settings, std::move(workload), std::move(client)).Run(out);
}

}  // namespace nisi::bench
