#include "tools/benchmarks/load.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "nlohmann/json.hpp"
#include "tools/benchmarks/workloads.h"

namespace nisi::bench {
namespace {

using Clock = std::chrono::steady_clock;

// CPU time of other processes so far, nanoseconds.
class CpuClocks {
 public:
  static absl::StatusOr<CpuClocks> Of(const std::vector<std::string>& pids) {
    CpuClocks clocks;
    for (const std::string& text : pids) {
      pid_t pid = 0;
      clockid_t clock{};
      if (!absl::SimpleAtoi(text, &pid) || clock_getcpuclockid(pid, &clock) != 0) {
        return absl::InvalidArgumentError(absl::StrCat("no process ", text));
      }
      clocks.ids_.push_back(clock);
    }
    return clocks;
  }
  int64_t Now() const {
    int64_t total = 0;
    for (const clockid_t id : ids_) {
      timespec spent{};
      clock_gettime(id, &spent);
      total += int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
    }
    return total;
  }

 private:
  std::vector<clockid_t> ids_;
};

std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& authority) {
  if (authority.empty()) return grpc::InsecureChannelCredentials();
  std::ifstream file(authority);
  grpc::SslCredentialsOptions options;
  options.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
  return grpc::SslCredentials(options);
}

class Loop {
 public:
  Loop(const LoadSettings& settings, Workload workload)
      : settings_(settings), workload_(std::move(workload)) {
    const auto credentials = Credentials(settings_.authority);
    for (int64_t i = 0; i < settings_.connections; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt("nisi.bench.connection", static_cast<int>(i));
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
      arguments.SetMaxReceiveMessageSize(-1);
      // As little of the machine as a client of this library can take.
      arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
      arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
      stubs_.push_back(std::make_unique<grpc::GenericStub>(
          grpc::CreateCustomChannel(settings_.address, credentials, arguments)));
    }
  }

  absl::Status Run(std::ostream& out) {
    ASSIGN_OR_RETURN(const CpuClocks cpu, CpuClocks::Of(settings_.pids));
    ready_.reserve(kReady);
    for (size_t bytes = 0; ready_.size() < kReady && bytes < kReadyBytes;
         bytes += ready_.back().size()) {
      ready_.push_back(workload_.request(static_cast<int64_t>(ready_.size())));
    }
    for (int64_t i = 0; i < settings_.outstanding; ++i) Start();
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
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    Clock::time_point began;
  };

  void Start() {
    auto* call = new InFlight();
    if (!settings_.token.empty())
      call->context.AddMetadata("authorization", "Bearer " + settings_.token);
    call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto at = static_cast<size_t>(next_);
    const grpc::Slice slice(at < ready_.size() ? ready_[at] : workload_.request(next_));
    const grpc::ByteBuffer request(&slice, 1);
    const auto stub = static_cast<size_t>(next_++) % stubs_.size();
    call->began = Clock::now();
    call->reader = stubs_[stub]->PrepareUnaryCall(&call->context, workload_.path, request, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
    ++under_way_;
  }

  // Until the time is up, `calls` are answered, or, when stopping, none is under way.
  absl::Status Turn(Clock::time_point until, size_t calls) {
    void* tag = nullptr;
    bool ok = false;
    while (under_way_ > 0 && queue_.Next(&tag, &ok)) {
      const std::unique_ptr<InFlight> call(static_cast<InFlight*>(tag));
      --under_way_;
      const Clock::time_point now = Clock::now();
      if (!call->status.ok()) {
        return absl::Status(static_cast<absl::StatusCode>(call->status.error_code()),
                            call->status.error_message());
      }
      latencies_.push_back(
          std::chrono::duration_cast<std::chrono::nanoseconds>(now - call->began).count());
      if (stopping_) continue;
      Start();
      if (now >= until || (calls > 0 && latencies_.size() >= calls)) break;
    }
    return absl::OkStatus();
  }

  static int64_t OwnCpu() {
    timespec spent{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
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
  std::vector<std::string> ready_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  std::vector<int64_t> latencies_;
  int64_t next_ = 0;
  int64_t under_way_ = 0;
  bool stopping_ = false;
};

}  // namespace

std::string WorkloadNames() {
  return absl::StrJoin(AllWorkloads(), ", ");
}

absl::Status RunLoad(const LoadSettings& settings, std::ostream& out) {
  ASSIGN_OR_RETURN(Workload workload, MakeWorkload(settings));
  return Loop(settings, std::move(workload)).Run(out);
}

}  // namespace nisi::bench
