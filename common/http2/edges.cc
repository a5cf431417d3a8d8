#include "common/http2/edges.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/base/log.h"
#include "common/base/steady.h"
#include "common/http2/address.h"
#include "common/http2/proxy_head.h"

namespace nisi::http2 {
namespace {

// A terminator sends the head with the connection: many that wait are no terminator's.
constexpr size_t kMostWaiting = 256;

}  // namespace

struct Edges::Arrival {
  uv_poll_t readable{};
  Edges* edges = nullptr;
  int fd = -1;
  sockaddr_storage from{};
  ProxyHead head;
  absl::Time until;
};

Edges::Edges(EventLoop* loop, const std::vector<std::string>& addresses, absl::Duration patience,
             Refusals* refusals, Taken taken)
    : loop_(loop),
      addresses_(addresses.begin(), addresses.end()),
      patience_(patience),
      refusals_(refusals),
      taken_(std::move(taken)) {}

Edges::~Edges() {
  while (!waiting_.empty()) {
    Arrival* const arrival = waiting_.begin()->first;
    const int fd = arrival->fd;
    Forget(arrival);
    close(fd);
  }
}

bool Edges::Has(const sockaddr_storage& from) const {
  return addresses_.contains(TextOf(Unmapped(from)));
}

void Edges::Take(int fd, const sockaddr_storage& from) {
  if (waiting_.size() >= kMostWaiting) {
    refusals_->Count(Refused::kConnections);
    close(fd);
    return;
  }
  auto owned = std::make_unique<Arrival>();
  Arrival* const arrival = owned.get();
  arrival->edges = this;
  arrival->fd = fd;
  arrival->from = from;
  arrival->until = base::SteadyNow() + patience_;
  arrival->readable.data = arrival;
  uv_poll_init(loop_->uv(), &arrival->readable, fd);
  waiting_.emplace(arrival, std::move(owned));
  uv_poll_start(&arrival->readable, UV_READABLE, [](uv_poll_t* readable, int, int) {
    auto* const ready = static_cast<Arrival*>(readable->data);
    ready->edges->Read(ready);
  });
  Read(arrival);  // often it is there already
}

void Edges::Read(Arrival* arrival) {
  std::array<char, 64> room{};
  while (true) {
    const ssize_t got =
        recv(arrival->fd, room.data(), std::min(room.size(), arrival->head.wanted()), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return Refuse(arrival, Refused::kFrames, "closed before its PROXY head");
    switch (arrival->head.Take({room.data(), static_cast<size_t>(got)})) {
      case ProxyHead::State::kMore:
        break;
      case ProxyHead::State::kBad:
        return Refuse(arrival, Refused::kFrames, "no PROXY head of version 2 for TCP");
      case ProxyHead::State::kWhole: {
        const int fd = arrival->fd;
        const sockaddr_storage& told = arrival->head.client();
        const sockaddr_storage client = told.ss_family == AF_UNSPEC ? arrival->from : told;
        Forget(arrival);
        return taken_(fd, client);
      }
    }
  }
}

void Edges::Refuse(Arrival* arrival, Refused what, const char* why) {
  refusals_->Count(what);
  base::Log(base::Severity::kWarning, "client_cut_off",
            {{"why", why}, {"peer", TextOf(arrival->from)}});
  const int fd = arrival->fd;
  Forget(arrival);
  close(fd);
}

void Edges::Forget(Arrival* arrival) {
  const auto found = waiting_.find(arrival);
  (void)found->second.release();  // the callback has it
  waiting_.erase(found);
  uv_poll_stop(&arrival->readable);
  uv_close(reinterpret_cast<uv_handle_t*>(&arrival->readable),
           [](uv_handle_t* handle) { delete static_cast<Arrival*>(handle->data); });
}

void Edges::OnTick(absl::Time now) {
  std::vector<Arrival*> late;
  for (const auto& [arrival, owned] : waiting_) {
    if (now > arrival->until) late.push_back(arrival);
  }
  for (Arrival* const arrival : late) Refuse(arrival, Refused::kSilence, "no PROXY head in time");
}

}  // namespace nisi::http2
