#include "common/http2/replicas.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/base/recent.h"
#include "common/base/steady.h"
#include "common/http2/address.h"

namespace nisi::http2 {
namespace {

bool IsNumeric(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::string Joined(const std::string& host, const std::string& port) {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port)
                                      : absl::StrCat(host, ":", port);
}

}  // namespace

struct Replicas::LookUp {
  std::shared_ptr<Replicas*> to;
  size_t name;
  std::string port;
  uv_getaddrinfo_t request{};
};

Replicas::Replicas(EventLoop* loop, BackendOptions options, absl::Duration look_up)
    : loop_(loop),
      options_(std::move(options)),
      look_up_(look_up),
      looked_up_(base::SteadyNow()),
      alive_(std::make_shared<Replicas*>(this)) {
  for (const absl::string_view text : absl::StrSplit(options_.address, ',')) {
    const Address address = ParseAddress(text).value_or(Address{std::string(text), ""});
    Name& name = names_.emplace_back(Name{address.host, address.port, {}});
    if (IsNumeric(name.host)) {
      name.addresses = {Joined(name.host, name.port)};
      name.known = true;
    }
  }
  UseNames();
  for (size_t i = 0; i < names_.size(); ++i) StartLookUp(i);
}

Replicas::~Replicas() {
  *alive_ = nullptr;
  for (const auto& call : waiting_) call->Fail("The gateway ends.");
}

void Replicas::StartLookUp(size_t name) {
  Name& asked = names_[name];
  // Where nobody answers that takes long, on threads which all of the process shares.
  if (IsNumeric(asked.host) || std::exchange(asked.asked, true)) return;
  auto look = std::make_unique<LookUp>(LookUp{alive_, name, asked.port, {}});
  look->request.data = look.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int failed = uv_getaddrinfo(
      loop_->uv(), &look->request,
      [](uv_getaddrinfo_t* request, int, addrinfo* found) {
        const std::unique_ptr<LookUp> done(static_cast<LookUp*>(request->data));
        std::vector<std::string> addresses;
        for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
          sockaddr_storage address{};
          std::copy_n(reinterpret_cast<const char*>(at->ai_addr), at->ai_addrlen,
                      reinterpret_cast<char*>(&address));
          addresses.push_back(Joined(TextOf(address), done->port));
        }
        uv_freeaddrinfo(found);
        if (*done->to != nullptr) (*done->to)->OnFound(done->name, std::move(addresses));
      },
      asked.host.c_str(), asked.port.c_str(), &hints);
  if (failed != 0) return OnFound(name, {});
  (void)look.release();  // the callback has it
}

// A name that has no address just now keeps those that it had.
void Replicas::OnFound(size_t name, std::vector<std::string> addresses) {
  if (addresses.empty() && names_[name].addresses.empty() && !names_[name].known) {
    base::Log(base::Severity::kWarning, "backend_not_found", {{"host", names_[name].host}});
  }
  names_[name].known = true;
  names_[name].asked = false;
  if (!addresses.empty()) names_[name].addresses = std::move(addresses);
  UseNames();
}

void Replicas::UseNames() {
  std::vector<std::string> wanted;
  for (const Name& name : names_) {
    wanted.insert(wanted.end(), name.addresses.begin(), name.addresses.end());
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (size_t i = replicas_.size(); i-- > 0;) {
    if (std::binary_search(wanted.begin(), wanted.end(), replicas_[i].address)) continue;
    leaving_.push_back(std::move(replicas_[i].backend));
    replicas_.erase(replicas_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const std::string& address : wanted) {
    if (std::any_of(replicas_.begin(), replicas_.end(),
                    [&](const Replica& one) { return one.address == address; })) {
      continue;
    }
    BackendOptions options = options_;
    options.address = address;
    options.elsewhere = [alive = alive_, address](const auto& call) {
      return *alive != nullptr && (*alive)->SendElsewhere(call, address);
    };
    replicas_.push_back({address, std::make_unique<Backend>(loop_, std::move(options))});
  }
  for (const auto& call : std::exchange(waiting_, {})) {
    if (!call->over()) Send(call);
  }
}

std::shared_ptr<Taker> Replicas::Take(CallHead head, ClientCall::Answers answers,
                                      ClientCall::Again again, std::shared_ptr<Replier> replier) {
  auto call = std::make_shared<ClientCall>(std::move(head), answers, again,
                                           options_.limits.max_message_bytes, std::move(replier));
  Send(call);
  return call;
}

void Replicas::Send(const std::shared_ptr<ClientCall>& call) {
  Backend* const backend = Choose("");
  if (backend != nullptr) return backend->Send(call);
  const bool all_known =
      std::all_of(names_.begin(), names_.end(), [](const Name& name) { return name.known; });
  if (all_known) return call->Fail("The service has no address.");
  waiting_.push_back(call);
}

bool Replicas::SendElsewhere(const std::shared_ptr<ClientCall>& call, const std::string& address) {
  Backend* const backend = Choose(address);
  if (backend == nullptr || !call->MayMove()) return false;
  // It may be back already: it was not looked at since.
  if (!backend->reachable()) backend->TryNow();
  backend->Send(call);
  return true;
}

// Those that are open, then those that may come to be, then any, which says that it is away.
Backend* Replicas::Choose(const std::string& but) {
  const auto rank = [](const Backend& backend) {
    return backend.open() ? 2 : backend.reachable() ? 1 : 0;
  };
  int best = -1;
  std::vector<Backend*> among;
  for (const Replica& replica : replicas_) {
    if (replica.address == but) continue;
    const int its = rank(*replica.backend);
    if (its > best) among.clear();
    best = std::max(best, its);
    if (its == best) among.push_back(replica.backend.get());
  }
  if (among.empty()) return nullptr;
  Backend* const one = among[absl::Uniform(random_, size_t{0}, among.size())];
  Backend* const other = among[absl::Uniform(random_, size_t{0}, among.size())];
  return other->calls() < one->calls() ? other : one;
}

void Replicas::OnTick(absl::Time now) {
  for (const Replica& replica : replicas_) replica.backend->OnTick(now);
  for (const auto& backend : leaving_) backend->OnTick(now);
  std::erase_if(leaving_, [](const auto& backend) { return backend->calls() == 0; });
  std::erase_if(waiting_, [](const auto& call) { return call->over(); });
  if (base::IsRecent(looked_up_, look_up_, now)) return;
  looked_up_ = now;
  for (size_t i = 0; i < names_.size(); ++i) StartLookUp(i);
}

bool Replicas::reachable() const {
  return (replicas_.empty() && !std::all_of(names_.begin(), names_.end(),
                                            [](const Name& name) { return name.known; })) ||
         std::any_of(replicas_.begin(), replicas_.end(),
                     [](const Replica& one) { return one.backend->reachable(); });
}

}  // namespace nisi::http2
