#include "common/http2/server.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/http2/address.h"
#include "common/http2/edges.h"
#include "common/http2/loop.h"
#include "common/http2/server_connection.h"

namespace nisi::http2 {
namespace {

constexpr int kBacklog = 1024;
constexpr char kUnix[] = "unix:";
constexpr absl::Duration kLook = absl::Milliseconds(10);
constexpr absl::Duration kIdle = absl::Seconds(1);
// What was said last has so long to leave, even past the limit.
constexpr absl::Duration kLeaving = absl::Seconds(1);
// Before the others get a turn again.
constexpr int kAcceptAtOnce = 16;
// So many connections are read for as long as each may be, before what else there is has its turn.
constexpr int kTurns = 4;

absl::Status CannotListen(const std::string& address, const char* why) {
  return base::Unavailable("PORT_TAKEN", absl::StrCat("Cannot listen on ", address, ": ", why),
                           absl::Seconds(1));
}

// Bound and listening, or closed again.
absl::Status BindTo(int fd, const sockaddr* name, socklen_t size, const std::string& address) {
  const int on = 1;
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, name, size) == 0 && listen(fd, kBacklog) == 0) {
    return absl::OkStatus();
  }
  const absl::Status failed = CannotListen(address, strerror(errno));
  if (fd >= 0) close(fd);
  return failed;
}

// On a file; one that a server before has left is taken away.
absl::StatusOr<int> ListenOnFile(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": no path, or too long a one"));
  }
  path.copy(name.sun_path, path.size());
  struct stat file {};
  if (stat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) unlink(path.c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  RETURN_IF_ERROR(BindTo(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name, path));
  return fd;
}

// A socket that listens on "host:port" or "unix:PATH", with the port it got.
absl::StatusOr<std::pair<int, int>> Listen(const std::string& address) {
  if (absl::StartsWith(address, kUnix)) {
    ASSIGN_OR_RETURN(const int fd, ListenOnFile(address.substr(sizeof kUnix - 1)));
    return std::pair(fd, 0);
  }
  const auto parsed = ParseAddress(address);
  if (!parsed.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(address, ": give host:port"));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(parsed->host.empty() ? nullptr : parsed->host.c_str(),
                                     parsed->port.c_str(), &hints, &found);
      failed != 0) {
    return absl::InvalidArgumentError(absl::StrCat(address, ": ", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> freed(found, freeaddrinfo);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  RETURN_IF_ERROR(BindTo(fd, found->ai_addr, found->ai_addrlen, address));
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  // The port is at the same place in both kinds of address.
  return std::pair(fd, ntohs(reinterpret_cast<const sockaddr_in*>(&name)->sin_port));
}

}  // namespace

// A loop and its connections.
class Server::Worker {
 public:
  Worker(const ServerOptions& options, std::shared_ptr<CallCount> calls,
         std::shared_ptr<Guard> guard)
      : tls_(options.tls),
        reading_(&loop_, options.limits.turn * kTurns, guard),
        loop_(options.name) {
    shared_.loop = &loop_;
    shared_.limits = options.limits;
    shared_.reading = options.limits.turn == absl::InfiniteDuration() ? nullptr : &reading_;
    shared_.calls = std::move(calls);
    shared_.http1 = options.http1;
    shared_.guard = std::move(guard);
    shared_.no_room = options.no_room;
    shared_.on_gone = [this](ServerConnection* connection) { connections_.erase(connection); };
    loop_.RunAndWait([this, &options] {
      shared_.take =
          options.take_all ? options.take_all(&loop_) : Takers{options.take(&loop_), nullptr};
      ticks_ = loop_.EveryTick([this](absl::Time now) { OnTick(now); });
    });
  }

  // `taken` is called for each connection that comes, on this worker's loop.
  void Listen(int fd, const std::vector<std::string>& edges, Edges::Taken taken) {
    loop_.RunAndWait([&] {
      listener_ = fd;
      taken_ = std::move(taken);
      edges_ = std::make_unique<Edges>(&loop_, edges, shared_.limits.handshake,
                                       &shared_.guard->refusals, taken_);
      uv_poll_init(loop_.uv(), &readable_, listener_);
      readable_.data = this;
      Accept(true);
    });
  }
  void StopListening() {
    loop_.RunAndWait([this] {
      if (listener_ < 0) return;
      uv_close(reinterpret_cast<uv_handle_t*>(&readable_), nullptr);
      close(listener_);
      listener_ = -1;
      edges_.reset();
    });
  }

  void Take(int fd, std::string address, std::shared_ptr<Place> place) {
    loop_.Post([this, fd, address = std::move(address), place = std::move(place)]() mutable {
      Begin(fd, std::move(address), tls_ == nullptr ? nullptr : tls_->Current(base::SteadyNow()),
            std::move(place));
    });
  }
  void TakePlain(int fd, std::shared_ptr<Place> place) {
    loop_.RunAndWait([&] { Begin(fd, "", nullptr, std::move(place)); });
  }
  // The connection that has the place gives it up.
  void Leave(const Place* place) {
    loop_.Post([this, place] {
      for (const auto& [raw, connection] : connections_) {
        if (&connection->place() == place) return connection->Leave();
      }
    });
  }

  void GoAway() {
    loop_.RunAndWait([this] {
      for (const auto& [raw, connection] : connections_) connection->GoAway();
    });
  }
  void EndConnections(const Answer& late) {
    loop_.RunAndWait([&] {
      for (const auto& [raw, connection] : connections_) connection->End(late);
    });
  }
  void CloseConnections() {
    loop_.RunAndWait([this] {
      for (const auto& [raw, connection] : connections_) connection->Close();
    });
  }
  bool has_connections() {
    bool any = false;
    loop_.RunAndWait([&] { any = !connections_.empty(); });
    return any;
  }
  bool has_calls() {
    bool any = false;
    loop_.RunAndWait([&] {
      for (const auto& [raw, connection] : connections_) any = any || connection->has_calls();
    });
    return any;
  }
  // Of a worker without connections.
  void Stop() {
    loop_.RunAndWait([this] {
      shared_.take = {};
      ticks_.reset();
    });
  }

 private:
  void Begin(int fd, std::string address, std::shared_ptr<SSL_CTX> tls,
             std::shared_ptr<Place> place) {
    auto connection = std::make_shared<ServerConnection>(&shared_, fd, std::move(address),
                                                         std::move(tls), std::move(place));
    connections_.emplace(connection.get(), connection);
    connection->Start();
  }
  void Accept(bool on) {
    if (!on) {
      uv_poll_stop(&readable_);
      return;
    }
    uv_poll_start(&readable_, UV_READABLE, [](uv_poll_t* readable, int, int) {
      static_cast<Worker*>(readable->data)->OnReadable();
    });
  }
  void OnReadable() {
    for (int i = 0; i < kAcceptAtOnce; ++i) {
      sockaddr_storage name{};
      socklen_t size = sizeof name;
      const int fd = accept4(listener_, reinterpret_cast<sockaddr*>(&name), &size,
                             SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        edges_->Has(name) ? edges_->Take(fd, name) : taken_(fd, name);
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      // Out of files or memory: those who wait are looked at again with the next tick.
      base::Log(base::Severity::kWarning, "cannot_accept", {{"why", strerror(errno)}});
      Accept(false);
      paused_ = true;
      return;
    }
  }
  void OnTick(absl::Time now) {
    if (std::exchange(paused_, false) && listener_ >= 0) Accept(true);
    // What a peer proved by a certificate that is gone from here does not hold for ever.
    if (tls_ != nullptr) {
      std::shared_ptr<SSL_CTX> context = tls_->Current(now);
      if (std::exchange(context_, context) != context) {
        for (const auto& [raw, connection] : connections_) connection->Renew(context.get(), now);
      }
    }
    for (const auto& [raw, connection] : connections_) connection->OnTick(now);
    if (edges_ != nullptr) edges_->OnTick(now);
  }

  const std::shared_ptr<TlsAcceptor> tls_;
  std::shared_ptr<SSL_CTX> context_;  // of tls_, as it was last looked at
  Reading reading_;
  Serving shared_;
  absl::flat_hash_map<ServerConnection*, std::shared_ptr<ServerConnection>> connections_;
  std::shared_ptr<void> ticks_;
  uv_poll_t readable_{};
  int listener_ = -1;
  bool paused_ = false;
  Edges::Taken taken_;
  std::unique_ptr<Edges> edges_;  // of whoever listens
  EventLoop loop_;                // last: its end closes what the above are for
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server());
  server->calls_ = std::make_shared<CallCount>();
  server->guard_ =
      options.guard != nullptr ? options.guard : std::make_shared<Guard>(options.limits);
  int listener = -1;
  if (!options.address.empty()) {
    ASSIGN_OR_RETURN(const auto listening, Listen(options.address));
    listener = listening.first;
    server->port_ = listening.second;
  }
  for (size_t i = 0; i < options.loops; ++i) {
    server->workers_.push_back(std::make_unique<Worker>(options, server->calls_, server->guard_));
  }
  if (listener >= 0) {
    Server* const raw = server.get();
    server->workers_.front()->Listen(
        listener, options.edges,
        [raw](int fd, const sockaddr_storage& client) { raw->Seat(fd, client); });
  }
  return server;
}

Server::~Server() {
  End(absl::InfinitePast(), {absl::StatusCode::kUnavailable, "The server has ended.", "", {}});
}

void Server::Adopt(int fd) {
  workers_[next_++ % workers_.size()]->TakePlain(
      fd, guard_->places->Take("", base::SteadyNow(), [](const auto*) {}));
}

void Server::Seat(int fd, const sockaddr_storage& client) {
  Worker* const worker = workers_[next_++ % workers_.size()].get();
  auto place = guard_->places->Take(SourceOf(client), base::SteadyNow(),
                                    [worker](const auto* one) { worker->Leave(one); });
  if (place == nullptr) {
    close(fd);
  } else {
    worker->Take(fd, TextOf(client), std::move(place));
  }
}

bool Server::Any(const std::function<bool(Worker&)>& of) const {
  for (const auto& worker : workers_) {
    if (of(*worker)) return true;
  }
  return false;
}

void Server::End(absl::Time limit, const Answer& late) {
  if (workers_.empty() || std::exchange(ended_, true)) return;
  workers_.front()->StopListening();
  if (base::Planted("drain-that-drops")) limit = absl::InfinitePast();
  const auto connected = [this] {
    return Any([](Worker& worker) { return worker.has_connections(); });
  };
  for (const auto& worker : workers_) worker->GoAway();
  absl::Time last_busy = base::SteadyNow();
  for (absl::Time now = last_busy; now < limit && now < last_busy + kIdle;
       now = base::SteadyNow()) {
    if (!connected()) break;
    if (Any([](Worker& worker) { return worker.has_calls(); })) last_busy = now;
    absl::SleepFor(kLook);
  }
  for (const auto& worker : workers_) worker->EndConnections(late);
  const absl::Time closed = std::max(limit, base::SteadyNow() + kLeaving);
  while (connected() && base::SteadyNow() < closed) absl::SleepFor(kLook);
  for (const auto& worker : workers_) worker->CloseConnections();
  while (connected()) absl::SleepFor(kLook);
  // Handlers that still run may hold their calls for a while.
  calls_->WaitForNone();
  for (const auto& worker : workers_) worker->Stop();
  workers_.clear();
}

}  // namespace nisi::http2
