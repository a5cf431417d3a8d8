#include "common/http2/backend.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/steady.h"

namespace nisi::http2 {

Backend::Backend(EventLoop* loop, BackendOptions options)
    : loop_(loop),
      options_(std::move(options)),
      wait_(options_.first_wait),
      alive_(std::make_shared<Backend*>(this)) {
  if (options_.sightings != nullptr) {
    options_.sightings->Join(loop_, options_.address, alive_);
  }
  Connect();
}

Backend::~Backend() {
  if (options_.sightings != nullptr) options_.sightings->Leave(alive_);
  *alive_ = nullptr;
  for (const auto& call : std::exchange(waiting_, {})) call->Fail("The gateway ends.");
  if (connection_ != nullptr) connection_->Close();
  if (next_ != nullptr) next_->Close();
  for (const auto& connection : old_) connection->Close();
}

void Backend::Connect() {
  tried_ = base::SteadyNow();
  // The connection may outlive this by the end of its calls.
  connection_ = NewConnection([alive = alive_] {
    if (*alive != nullptr) (*alive)->OnOpen();
  });
}

std::shared_ptr<ClientConnection> Backend::NewConnection(std::function<void()> on_open) {
  ClientConnection::Options options;
  options.loop = loop_;
  options.limits = options_.limits;
  options.limits.handshake = options_.connect_limit;
  options.address = options_.address;
  options.attempt = attempts_++;
  options.tls = options_.tls;
  options.first_stream = options_.first_stream;
  options.on_open = std::move(on_open);
  options.on_unseen = [alive = alive_](const std::shared_ptr<ClientCall>& call) {
    if (*alive == nullptr) return call->Fail("The gateway ends.");
    (*alive)->SendAgain(call);
  };
  options.on_closed = [alive = alive_](const ClientConnection* closed, const std::string& why) {
    if (*alive == nullptr) return;
    if ((*alive)->next_.get() == closed) return (*alive)->next_.reset();
    const auto is_closed = [&](const auto& one) { return one.get() == closed; };
    if (std::erase_if((*alive)->old_, is_closed) == 0) (*alive)->OnClosed(why);
  };
  return ClientConnection::Connect(std::move(options));
}

void Backend::OnOpen() {
  if (!open()) return;  // it was told to go away with the greeting, or another is on its way
  if (!std::exchange(reachable_, true)) {
    base::Log(base::Severity::kInfo, "backend_back", {{"address", options_.address}});
  }
  wait_ = options_.first_wait;
  if (options_.sightings != nullptr) options_.sightings->Tell(options_.address, alive_);
  options_.on_open();
  for (const auto& call : std::exchange(waiting_, {})) {
    if (!call->over()) connection_->Begin(call);
  }
}

void Backend::OnClosed(const std::string& why) {
  const absl::Time now = base::SteadyNow();
  const bool told = connection_ != nullptr && connection_->going_away();
  connection_.reset();
  if (told) {
    // In peace, when it had nothing to do: it is not away, and the next call waits for another
    // connection. One that closes again and again is not called without a pause.
    if (now < next_try_) return;
    next_try_ = now + options_.last_wait;
    return Connect();
  }
  if (std::exchange(reachable_, false)) {
    base::Log(base::Severity::kWarning, "backend_lost",
              {{"address", options_.address}, {"why", why}});
  }
  next_try_ = now + wait_;
  wait_ = std::min(2 * wait_, options_.last_wait);
  FailWaiting(why);
}

void Backend::FailWaiting(const std::string& why) {
  for (const auto& call : std::exchange(waiting_, {})) {
    if (!call->over() && !options_.elsewhere(call)) call->Fail(why);
  }
}

bool Backend::Away(absl::Time now) const {
  return !reachable_ && (connection_ == nullptr || now > tried_ + options_.away_wait);
}

void Backend::SendAgain(const std::shared_ptr<ClientCall>& call) {
  // Its client may have gone meanwhile: nobody would tell the server.
  if (!call->over() && !options_.elsewhere(call)) Send(call);
}

size_t Backend::calls() const {
  size_t calls = waiting_.size() + (connection_ == nullptr ? 0 : connection_->calls());
  for (const auto& connection : old_) calls += connection->calls();
  return calls;
}

std::shared_ptr<Taker> Backend::Take(CallHead head, ClientCall::Answers answers,
                                     std::shared_ptr<Replier> replier) {
  auto call = std::make_shared<ClientCall>(std::move(head), answers, ClientCall::Again::kIfUnseen,
                                           options_.limits.max_message_bytes, std::move(replier));
  Send(call);
  return call;
}

void Backend::Send(const std::shared_ptr<ClientCall>& call) {
  if (connection_ != nullptr && connection_->open()) return connection_->Begin(call);
  if (connection_ != nullptr && (connection_->going_away() || connection_->spent())) Retire();
  const absl::Time now = base::SteadyNow();
  if (connection_ == nullptr && now >= next_try_) Connect();
  if (Away(now)) return call->Fail("The service is away.");
  waiting_.push_back(call);
}

void Backend::Retire() {
  old_.push_back(std::move(connection_));
  connection_.reset();
  next_try_ = absl::InfinitePast();
}

void Backend::Renew(absl::Time now) {
  if (next_ != nullptr && next_->greeted()) {
    old_.push_back(std::exchange(connection_, std::move(next_)));
    next_.reset();
  }
  if (next_ == nullptr && now >= next_renewal_ && connection_->outdated(now)) {
    next_renewal_ = now + options_.last_wait;
    next_ = NewConnection(nullptr);
  }
}

void Backend::TryNow() {
  if (connection_ == nullptr) Connect();
}

void Backend::OnSeen() {
  const absl::Time now = base::SteadyNow();
  if (now < next_seen_) return;
  const bool hangs =
      connection_ != nullptr && connection_->connecting() && now >= tried_ + options_.last_wait;
  if (connection_ != nullptr && !hangs) return;
  next_seen_ = now + options_.last_wait;
  if (hangs) {
    Retire();
    old_.back()->Close();
  }
  Connect();
}

void Backend::OnTick(absl::Time now) {
  if (connection_ != nullptr) connection_->OnTick(now);
  if (next_ != nullptr) next_->OnTick(now);
  if (open()) Renew(now);
  if (connection_ != nullptr && connection_->spent()) Retire();
  for (size_t i = old_.size(); i-- > 0;) {
    old_[i]->OnTick(now);
    // The server closes one that it told to go away; nobody else closes one that was replaced.
    if (!old_[i]->going_away() && old_[i]->calls() == 0) old_[i]->Close();
  }
  std::erase_if(waiting_, [](const auto& call) { return call->over(); });
  if (Away(now)) FailWaiting("The service is away.");
  if (connection_ == nullptr && now >= next_try_) Connect();
}

}  // namespace nisi::http2
