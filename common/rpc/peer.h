// How a function of one service asks another one.
//
//   // service.cc, when it opens: checked by the compiler, known to the metrics from the start
//   env_.check_goods = NISI_PEER(options.peers, PriorityGoodsService, CheckGoods);
//   // rpc_supports.cc, before the transaction, never in it
//   ASSIGN_OR_RETURN(const auto goods, env.check_goods(call, request));
//   // goods.message, and what vouches for it, go into the transaction as facts
//
// The call goes on for whoever called this service: the other one sees the same caller with this
// service as the last of its actors, and admits it by its own policy.
//
// An answer is one to the question as it was asked: the other one tells it back (question.h).
//
// There are answers and a silence. An answer is what the other service said, be it a refusal:
// INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION, ABORTED,
// OUT_OF_RANGE come back as they are. Everything else, that it is away, late, overloaded or says
// what cannot be read, is DEPENDENCY_NOT_ANSWERED (UNAVAILABLE) with the service, why, and when to
// come again: what depends on the answer is not done, neither passed nor failed.
//
// It waits, on a thread of the executor (server.h), unless the method is non_blocking: then nothing
// waits, see Inquiry. Two services that ask each other cannot wait
// for each other for ever, because nothing here waits for a thread:
//   1. At most PeerLimits::waiting functions of a service wait for peers at once, fewer than its
//      executor has threads. One more is refused at once, it does not queue. So some threads never
//      wait for a peer, and a call that asks no peer always gets on.
//   2. A peer is asked unary methods alone. They run on the carrier's own thread, where nothing
//      waits, on the store's writer, or on its executor: there by 1. A call that asks further is
//      deeper by one actor; the deepest asks nobody and ends, so the ones before it do (kMaxActors
//      bounds the depth).
//   3. Never in a transaction: the writer would wait for a peer that may wait for the writer. On a
//      thread of the store it is INTERNAL at once.
// Beside that every wait ends: at the caller's deadline, at PeerLimits::longest, or at Close.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/rpc/breaker.h"
#include "common/rpc/call.h"
#include "common/rpc/call_context.h"
#include "common/rpc/executor.h"
#include "common/rpc/metrics.h"
#include "common/rpc/policy.h"
#include "common/store/engine.h"
#include "common/store/outbox.h"
#include "google/protobuf/service.h"

namespace nisi::http2 {
class Backend;
class EventLoop;
struct BackendOptions;
}  // namespace nisi::http2

namespace nisi::rpc {

// What vouches for an answer, to be kept with what was decided by it.
template <class Response>
struct PeerAnswer {
  Response message;
  int64_t position = 0;  // of the commit, where the method changed something
};

struct PeerLimits {
  size_t waiting = Executor::Limits{}.threads / 2;  // functions at once, see above
  absl::Duration longest = absl::Seconds(2);        // for an answer, all tries together
  absl::Duration reserve = absl::Milliseconds(50);  // of the caller's time, for what comes after
  int tries = 3;  // of a method that changes nothing, when the peer was not reached
  absl::Duration pause = absl::Milliseconds(50);  // before the second try, doubled, a half of it by
                                                  // chance
  Breaker::Limits breaker;
};

// UNAVAILABLE, DEPENDENCY_NOT_ANSWERED with service, method, why and RetryInfo. `why`: UNREACHABLE,
// TOO_SLOW, OVERLOADED, WRONG_ANSWER, NOT_ADMITTED, RESTING (left alone after failures), BUSY (too
// many wait here), NO_ADDRESS, STOPPING.
absl::Status NotAnswered(absl::string_view service, absl::string_view method, absl::string_view why,
                         absl::Duration retry);
bool IsNotAnswered(const absl::Status& status);
// Whether a refusal says that there is no such record, or none that the caller may see: an answer
// to whoever asked whether there is.
inline bool SaysNone(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status);
}
// Of a refusal with RetryInfo; 0: it has none.
absl::Duration RetryOf(const absl::Status& status);

// The other services, as one service reaches them: in other processes over HTTP/2 and mutual TLS,
// or in this one. Thread-safe. Outlives the service that asks by it.
class Peers {
 public:
  struct Options {
    // As whom this service speaks; null: it has no key, and asks nobody.
    std::shared_ptr<const ContextSigner> signer;
    Metrics* metrics = nullptr;
    PeerLimits limits;
  };
  explicit Peers(Options options);
  ~Peers();  // Close
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Where a service is: in another process, or in this one. Once for each.
  void SetAddress(const std::string& service, http2::BackendOptions options);
  void SetHere(const std::string& service, http2::TakeCall take);

  // What makes a method known; by NISI_PEER. Null for one that cannot be asked, as Check then says.
  struct Line;
  const Line* Declare(const google::protobuf::MethodDescriptor& method);
  // At the start: FAILED_PRECONDITION (PEER_INVALID) for a method of a service without an address,
  // one that is no unary method, and where there is no key to speak with.
  absl::Status Check() const;

  // One question of a function, and where its answer goes. See PeerMethod.
  struct Question {
    const Line* line = nullptr;
    std::string request;
    google::protobuf::Message* response = nullptr;
    int64_t* position = nullptr;
    absl::Status* status = nullptr;
  };
  // All of them go out before any is waited for. Where `call` must not wait they are NotInMemory()
  // until its inquiry has their answers.
  void Ask(const Call& call, const std::vector<Question>& questions);
  // Delivers a message of an outbox under its id as request_id, as this service by itself with
  // `roles`: the subject is "service:<name>". OK: the target has it for good, and said this, in
  // wire form. FAILED_PRECONDITION (PEER_INVALID) for a method that the target does not have, or
  // that has no request_id.
  absl::StatusOr<std::string> Deliver(const store::OutboxMessage& message, uint32_t roles);

  // Ends what waits, refuses what comes, and waits for both. Before any service of this process
  // ends.
  void Close();

 private:
  friend class Inquiry;
  struct Peer;
  struct Asking;
  struct Outcome;
  struct Sent;
  struct Counts;
  class Round;
  struct Near;

  http2::Backend& BackendOn(http2::EventLoop& loop, Peer& peer);
  void OnOpen(Peer& peer);
  void NoteRest(const Peer& peer, bool rested);
  Asking AskingOf(const Call& call, absl::Duration late = absl::ZeroDuration()) const;
  void Track(const std::shared_ptr<Round>& round);
  void Untrack(const std::shared_ptr<Round>& round, size_t sent);
  void MakeLoop();
  void OnTick(absl::Time now);
  Peer& PeerOf(const std::string& service);
  Sent Begin(const Line& line, const Asking& asking, const std::string& request,
             std::function<void()> over = nullptr);
  absl::Status Finish(const Asking& asking, Sent sent, const Question& question);
  void Send(const Line& line, const Asking& asking, const std::string& request, Sent* sent);
  Outcome Hear(const Line& line, const Asking& asking, const Sent& sent,
               google::protobuf::Message* response, int64_t* position);
  absl::StatusOr<const Line*> LineOf(const store::OutboxMessage& message);

  const Options options_;
  const std::shared_ptr<Counts> counts_;  // the metrics may outlive this
  std::once_flag loop_made_;
  std::unique_ptr<http2::EventLoop> loop_;
  std::shared_ptr<void> ticks_;
  std::atomic<bool> closed_{false};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable quiet_;
  std::map<std::string, std::unique_ptr<Peer>> peers_;
  std::map<std::string, std::unique_ptr<Line>> lines_;  // by path
  std::vector<std::string> invalid_;
  std::set<std::shared_ptr<Round>> rounds_;  // under way
  std::map<http2::EventLoop*, std::shared_ptr<Near>> near_;
  size_t under_way_ = 0;
};

// What a non_blocking function asks other services, on the carrier's own thread. It must not wait
// there: what it asks is NotInMemory() at first, and goes out when it has returned, with whatever.
// When all of it has come to something the function runs again from its beginning, asks the same,
// and is answered at once. So it reads, asks and decides, and changes nothing.
//
// Where a peer was not reached the function goes to the executor, and waits there as any other:
// trying again takes its time. Whoever has answered is not asked again.
class Inquiry {
 public:
  // Before each run of the function.
  void Rewind() { next_ = 0; }
  // After a run: whether it asked what has no answer yet.
  bool waits() const;
  // Sends what it asked. `heard` comes once, on any thread.
  void Send(std::function<void()> heard);
  // Whether that has come to answers, and to nothing that is to be tried again.
  bool answered() const;

 private:
  friend class Peers;
  // Answers what was asked before and heard; what is left of the questions.
  std::vector<Peers::Question> Answer(const std::vector<Peers::Question>& questions);
  void Keep(Peers& peers, const Call& call, const std::vector<Peers::Question>& questions);

  std::vector<std::shared_ptr<Peers::Round>> rounds_;  // in the order in which they are asked
  size_t next_ = 0;
};

// A method of another service. Copies are the same.
template <class Request, class Response>
class PeerMethod {
 public:
  PeerMethod() = default;
  PeerMethod(Peers* peers, const google::protobuf::MethodDescriptor* method)
      : peers_(peers),
        method_(method),
        line_(peers == nullptr ? nullptr : peers->Declare(*method)) {}

  // Asks, and waits. Where `call` is on a thread that must not wait, NotInMemory (call.h).
  absl::StatusOr<PeerAnswer<Response>> operator()(const Call& call, const Request& request) const {
    if (line_ == nullptr) return NotDone("NO_ADDRESS");
    PeerAnswer<Response> answer;
    absl::Status asked;
    peers_->Ask(call,
                {{line_, request.SerializeAsString(), &answer.message, &answer.position, &asked}});
    if (!asked.ok()) return asked;
    return answer;
  }
  // For an answer that can be read and is none to what was asked.
  absl::Status WrongAnswer() const { return NotDone("WRONG_ANSWER"); }
  // For a status that is not OK, of a question that the other one has no ground to refuse, as it is
  // well-formed and changes nothing: silence stays what it is, and a refusal is a WrongAnswer.
  absl::Status NoAnswer(const absl::Status& status) const {
    const bool silence =
        IsNotAnswered(status) || absl::IsCancelled(status) || store::IsNotInMemory(status);
    return silence ? status : WrongAnswer();
  }

 private:
  absl::Status NotDone(const char* why) const {
    return NotAnswered(method_ == nullptr ? "" : OwnerOf(*method_->service()),
                       method_ == nullptr ? "" : method_->name(), why, absl::Minutes(1));
  }

  friend class SideBySide;
  Peers* peers_ = nullptr;
  const google::protobuf::MethodDescriptor* method_ = nullptr;
  const Peers::Line* line_ = nullptr;
};

// Questions that a function asks at once. It waits once for all, as one that waits (see above).
//
//   rpc::SideBySide asking;
//   const auto goods = asking.Add(env.check_goods, goods_request);
//   const auto size = asking.Add(env.get_supplier, supplier_request);
//   asking.Wait(call);
//   RETURN_IF_ERROR(goods->status);  // then goods->answer.message
class SideBySide {
 public:
  template <class Response>
  struct Asked {
    absl::Status status;
    PeerAnswer<Response> answer;
  };
  // What comes of it is there after Wait.
  template <class Request, class Response>
  std::shared_ptr<const Asked<Response>> Add(const PeerMethod<Request, Response>& method,
                                             const Request& request) {
    auto asked = std::make_shared<Asked<Response>>();
    if (method.line_ == nullptr) {
      asked->status = method.NotDone("NO_ADDRESS");
      return asked;
    }
    peers_ = method.peers_;
    questions_.push_back({method.line_, request.SerializeAsString(), &asked->answer.message,
                          &asked->answer.position, &asked->status});
    kept_.push_back(asked);
    return asked;
  }
  void Wait(const Call& call) {
    if (peers_ != nullptr) peers_->Ask(call, questions_);
    questions_.clear();
  }

 private:
  Peers* peers_ = nullptr;  // of one service there is one
  std::vector<Peers::Question> questions_;
  std::vector<std::shared_ptr<const void>> kept_;
};

template <class Service, class Request, class Response>
PeerMethod<Request, Response> PeerMethodOf(Peers* peers, const char* name,
                                           void (Service::*)(google::protobuf::RpcController*,
                                                             const Request*, Response*,
                                                             google::protobuf::Closure*)) {
  return {peers, Service::descriptor()->FindMethodByName(name)};
}
// `peers` may be null, as in tests: then nobody answers.
#define NISI_PEER(peers, service, method) \
  ::nisi::rpc::PeerMethodOf(peers, #method, &service::method)

}  // namespace nisi::rpc
