// The processes of one service, which all do the same: each call goes to one that has little to do.
// Of two by chance the one with fewer calls under way: that is nearly as good as looking at all,
// and no herd runs to the same. On its loop only.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/time/time.h"
#include "common/http2/backend.h"

namespace nisi::http2 {

class Replicas {
 public:
  // The address of `options` lists them, "host:port,host:port". A host may be a name of several
  // addresses, each a replica, which is looked up again every `look_up`.
  Replicas(EventLoop* loop, BackendOptions options, absl::Duration look_up = absl::Seconds(5));
  // Ends what is under way.
  ~Replicas();
  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  // Sends the call to one that is there; UNAVAILABLE at once where none is. What a replica did not
  // look at, and what changes nothing and was lost with it, is sent to another one.
  std::shared_ptr<Taker> Take(CallHead head, ClientCall::Answers answers, ClientCall::Again again,
                              std::shared_ptr<Replier> replier);
  // Some times a second.
  void OnTick(absl::Time now);
  // Whether calls get to one of them, as far as is known.
  bool reachable() const;

 private:
  struct Replica {
    std::string address;  // "10.0.0.7:7401"
    std::unique_ptr<Backend> backend;
  };
  struct Name {
    std::string host;
    std::string port;
    std::vector<std::string> addresses;
    bool known = false;  // it was looked up once
    bool asked = false;  // and is, just now
  };
  struct LookUp;

  void StartLookUp(size_t name);
  void OnFound(size_t name, std::vector<std::string> addresses);
  void UseNames();
  void Send(const std::shared_ptr<ClientCall>& call);
  // But to that one.
  bool SendElsewhere(const std::shared_ptr<ClientCall>& call, const std::string& address);
  Backend* Choose(const std::string& but);

  EventLoop* const loop_;
  const BackendOptions options_;
  const absl::Duration look_up_;
  std::vector<Name> names_;
  std::vector<Replica> replicas_;
  std::vector<std::unique_ptr<Backend>> leaving_;     // no longer listed, with calls left
  std::vector<std::shared_ptr<ClientCall>> waiting_;  // until a name was looked up
  absl::Time looked_up_;
  absl::BitGen random_;
  std::shared_ptr<Replicas*> alive_;  // for what comes after this
};

}  // namespace nisi::http2
