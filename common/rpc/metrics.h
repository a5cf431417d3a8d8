// Metrics of a process, by Prometheus' conventions, served on an HTTP port. No label takes a value
// from a request.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/store/engine.h"

namespace prometheus {
class Counter;
class Histogram;
class Registry;
class Exposer;
class Collectable;
}  // namespace prometheus

namespace google::protobuf {
class MethodDescriptor;
}  // namespace google::protobuf

namespace nisi::rpc {

// The series of one method; made at start, so that every series exists from the first scrape.
struct MethodMetrics {
  prometheus::Counter* started = nullptr;
  std::array<prometheus::Counter*, 17> handled{};
  prometheus::Histogram* seconds = nullptr;

  void Started() const;
  void Handled(absl::StatusCode code, absl::Duration took) const;
};

class Metrics {
 public:
  // `process`: the service, as "priority-goods"; a label on everything.
  explicit Metrics(std::string process);
  // Of one service of several in a process: what it counts is served by `whole`, under its own
  // name.
  Metrics(std::string process, const Metrics& whole);
  ~Metrics();

  MethodMetrics ForMethod(const google::protobuf::MethodDescriptor& method);
  // Of calls that this process makes to another service, `peer`: grpc_client_*.
  MethodMetrics ForPeer(const google::protobuf::MethodDescriptor& method, const std::string& peer);
  // Of calls to methods that are not served.
  MethodMetrics ForUnknown();
  // Of a process with a store, before its first commit.
  void ForStore();
  // Store commits: size and time.
  void ObserveCommit(size_t commands, double seconds);
  // Read at each scrape, on its thread; names as nisi_<what>_<unit>, counters end in _total.
  using Figures = std::function<std::vector<store::Figure>()>;
  void AddFigures(Figures figures);

  // Serves GET /metrics on "host:port"; port 0 takes a free one. UNAVAILABLE when it cannot.
  absl::Status Serve(const std::string& address);
  int port() const { return port_; }
  // The text a scrape gets.
  std::string Text() const;

 private:
  using Labels = std::map<std::string, std::string>;
  MethodMetrics For(const std::string& prefix, const Labels& labels);
  class FigureSource;
  std::string process_;
  std::shared_ptr<prometheus::Registry> registry_;
  std::shared_ptr<FigureSource> figures_;
  prometheus::Histogram* batch_ = nullptr;
  prometheus::Histogram* sync_ = nullptr;
  std::unique_ptr<prometheus::Exposer> exposer_;
  int port_ = 0;
};

}  // namespace nisi::rpc
