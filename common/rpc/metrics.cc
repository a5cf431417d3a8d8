#include "common/rpc/metrics.h"

#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/process_figures.h"
#include "google/protobuf/descriptor.h"
#include "prometheus/counter.h"
#include "prometheus/exposer.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace nisi::rpc {
namespace {

constexpr const char* kCodeNames[17] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

const prometheus::Histogram::BucketBoundaries& LatencyBuckets() {
  static const prometheus::Histogram::BucketBoundaries kBuckets{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
      0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  return kBuckets;
}

const char* TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.server_streaming()) return method.client_streaming() ? "bidi_stream" : "server_stream";
  return method.client_streaming() ? "client_stream" : "unary";
}

}  // namespace

// Asks for the figures when Prometheus does.
class Metrics::FigureSource final : public prometheus::Collectable {
 public:
  void Add(const std::string& process, Figures figures) {
    const std::lock_guard<std::mutex> lock(mutex_);
    sources_.emplace_back(process, std::move(figures));
  }
  // Families of one name are one, whoever they are from, as the format wants it.
  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::map<std::string, prometheus::MetricFamily> by_name;
    for (const auto& [process, source] : sources_) {
      for (const auto& [name, help, value, labels] : source()) {
        prometheus::MetricFamily& family = by_name[name];
        family.name = name;
        family.help = help;
        prometheus::ClientMetric metric;
        metric.label.push_back({"process", process});
        for (const auto& [label, of] : labels) metric.label.push_back({label, of});
        if (absl::EndsWith(name, "_total")) {
          family.type = prometheus::MetricType::Counter;
          metric.counter.value = value;
        } else {
          family.type = prometheus::MetricType::Gauge;
          metric.gauge.value = value;
        }
        family.metric.push_back(std::move(metric));
      }
    }
    std::vector<prometheus::MetricFamily> families;
    families.reserve(by_name.size());
    for (auto& [name, family] : by_name) families.push_back(std::move(family));
    return families;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, Figures>> sources_;
};

void MethodMetrics::Started() const {
  started->Increment();
}

void MethodMetrics::Handled(absl::StatusCode code, absl::Duration took) const {
  const auto number = static_cast<size_t>(code);
  handled[number < handled.size() ? number : 2]->Increment();
  seconds->Observe(absl::ToDoubleSeconds(took));
}

Metrics::Metrics(std::string process)
    : process_(std::move(process)),
      registry_(std::make_shared<prometheus::Registry>()),
      figures_(std::make_shared<FigureSource>()) {
  AddFigures([started = base::SystemNow()] { return ProcessFigures(started); });
}

Metrics::Metrics(std::string process, const Metrics& whole)
    : process_(std::move(process)), registry_(whole.registry_), figures_(whole.figures_) {}

Metrics::~Metrics() = default;

void Metrics::ForStore() {
  batch_ = &prometheus::BuildHistogram()
                .Name("nisi_store_commit_commands")
                .Help("Commands that one synced commit carried.")
                .Register(*registry_)
                .Add({{"process", process_}},
                     prometheus::Histogram::BucketBoundaries{1, 2, 4, 8, 16, 32, 64, 128, 256});
  sync_ = &prometheus::BuildHistogram()
               .Name("nisi_store_commit_seconds")
               .Help("Time of one commit: write, sync and witness.")
               .Register(*registry_)
               .Add({{"process", process_}}, LatencyBuckets());
}

MethodMetrics Metrics::ForMethod(const google::protobuf::MethodDescriptor& method) {
  return For("grpc_server", {{"process", process_},
                             {"grpc_service", method.service()->full_name()},
                             {"grpc_method", method.name()},
                             {"grpc_type", TypeOf(method)}});
}

MethodMetrics Metrics::ForPeer(const google::protobuf::MethodDescriptor& method,
                               const std::string& peer) {
  return For("grpc_client", {{"process", process_},
                             {"peer", peer},
                             {"grpc_service", method.service()->full_name()},
                             {"grpc_method", method.name()},
                             {"grpc_type", TypeOf(method)}});
}

MethodMetrics Metrics::ForUnknown() {
  return For("grpc_server", {{"process", process_},
                             {"grpc_service", "unknown"},
                             {"grpc_method", "unknown"},
                             {"grpc_type", "unary"}});
}

MethodMetrics Metrics::For(const std::string& prefix, const Labels& labels) {
  MethodMetrics metrics;
  metrics.started = &prometheus::BuildCounter()
                         .Name(prefix + "_started_total")
                         .Help("Calls begun.")
                         .Register(*registry_)
                         .Add(labels);
  auto& handled = prometheus::BuildCounter()
                      .Name(prefix + "_handled_total")
                      .Help("Calls answered, by code.")
                      .Register(*registry_);
  for (size_t code = 0; code < metrics.handled.size(); ++code) {
    auto with_code = labels;
    with_code["grpc_code"] = kCodeNames[code];
    metrics.handled[code] = &handled.Add(with_code);
  }
  metrics.seconds = &prometheus::BuildHistogram()
                         .Name(prefix + "_handling_seconds")
                         .Help("Time from the request to its answer.")
                         .Register(*registry_)
                         .Add(labels, LatencyBuckets());
  return metrics;
}

void Metrics::ObserveCommit(size_t commands, double seconds) {
  batch_->Observe(static_cast<double>(commands));
  sync_->Observe(seconds);
}

void Metrics::AddFigures(Figures figures) {
  figures_->Add(process_, std::move(figures));
}

absl::Status Metrics::Serve(const std::string& address) {
  try {  // the library's only way to say that the port is taken
    exposer_ = std::make_unique<prometheus::Exposer>(address, 1);
  } catch (const std::exception& error) {
    return base::Unavailable("METRICS_PORT",
                             absl::StrCat("Cannot serve metrics on ", address, ": ", error.what()),
                             absl::Seconds(1));
  }
  exposer_->RegisterCollectable(registry_);
  exposer_->RegisterCollectable(figures_);
  port_ = exposer_->GetListeningPorts().empty() ? 0 : exposer_->GetListeningPorts().front();
  return absl::OkStatus();
}

std::string Metrics::Text() const {
  auto families = registry_->Collect();
  auto more = figures_->Collect();
  families.insert(families.end(), more.begin(), more.end());
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace nisi::rpc
