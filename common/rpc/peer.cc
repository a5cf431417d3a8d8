#include "common/rpc/peer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/jitter.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/http2/backend.h"
#include "common/http2/loop.h"
#include "common/rpc/answer.h"
#include "common/rpc/question.h"
#include "common/rpc/subjects.h"
#include "common/store/store_thread.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr absl::Duration kLook = absl::Milliseconds(50);  // for a caller that has gone
constexpr absl::Duration kLeast = absl::Milliseconds(5);  // less time than that is none
constexpr absl::Duration kSoon = absl::Seconds(1), kLater = absl::Minutes(1);
constexpr absl::Duration kDelivery = absl::Seconds(10);
constexpr size_t kMaxRounds = 4;  // of an inquiry
// The end of a round is looked for so often (EventLoop). Whoever has little time waits on a thread,
// which looks at the clock.
constexpr absl::Duration kTick = absl::Milliseconds(250), kLittle = absl::Seconds(1);
constexpr char kPositionKey[] = "nisi-position";

// The other end of a call: waits for what it comes to.
class Waiting final : public http2::Replier {
 public:
  void Send(std::string message) override { Set(std::move(message), nullptr); }
  void Finish(http2::Answer answer) override { Set(std::nullopt, &answer); }
  void Reply(std::string message, http2::Answer answer) override {
    Set(std::move(message), &answer);
  }
  void Ready() override {}
  bool cancelled() const override { return given_up_; }

  // From any thread, once, when it is over.
  std::function<void()> over;

  // Whether it is over by then. Looks around meanwhile: `gone` ends it.
  template <class Gone>
  bool WaitUntil(absl::Time until, const Gone& gone) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!over_) {
      const absl::Time now = base::SteadyNow();
      if (now >= until || gone()) {
        given_up_ = true;
        return false;
      }
      over_now_.wait_for(lock, absl::ToChronoMicroseconds(std::min(until - now, kLook)));
    }
    return true;
  }
  // When it is over: since when.
  absl::Time at() const { return at_; }
  const std::optional<std::string>& message() const { return message_; }
  const http2::Answer& answer() const { return answer_; }
  std::string TakeMessage() { return *std::move(message_); }

  // Of a call to another process: what takes it, on this loop alone.
  std::shared_ptr<http2::Taker> taker;
  http2::EventLoop* loop = nullptr;

 private:
  void Set(std::optional<std::string> message, http2::Answer* answer) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (over_) return;
      if (message.has_value()) message_ = std::move(message);
      if (answer == nullptr) return;
      answer_ = std::move(*answer);
      at_ = base::SteadyNow();
      over_ = true;
      over_now_.notify_all();
    }
    if (over) over();
  }

  std::atomic<bool> given_up_{false};
  std::mutex mutex_;
  std::condition_variable over_now_;
  bool over_ = false;
  absl::Time at_;
  std::optional<std::string> message_;
  http2::Answer answer_;
};

// What the service said, and said of itself: refusals of ours have details.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
      return !base::ReasonOf(status).empty();
    default:
      return false;
  }
}

const char* WhyOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:  // not by us: the service ended
      return "UNREACHABLE";
    case absl::StatusCode::kDeadlineExceeded:
      return "TOO_SLOW";
    case absl::StatusCode::kResourceExhausted:
      return "OVERLOADED";
    case absl::StatusCode::kUnauthenticated:
      return "NOT_ADMITTED";
    default:
      return "WRONG_ANSWER";
  }
}

absl::Status Invalid(absl::string_view what) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "PEER_INVALID", what);
}

// A span of ours in the trace of the call.
std::string TraceparentOf(const std::string& trace_id) {
  return absl::StrCat("00-", trace_id, "-", base::HexEncode(base::RandomBytes(8)), "-01");
}

}  // namespace

struct Peers::Peer {
  Peer(std::string of, const Breaker::Limits& limits) : name(std::move(of)), breaker(limits) {}

  bool has_way() const { return here != nullptr || backend != nullptr; }

  const std::string name;
  http2::TakeCall here;
  http2::BackendOptions at;                 // of what follows
  std::unique_ptr<http2::Backend> backend;  // on the loop
  std::mutex mutex;                         // of what follows
  Breaker breaker;
  RetryBudget retries;
};

// The peers as one loop of a server reaches them: who asks there need not wake another thread.
struct Peers::Near {
  void End() {
    ticks.reset();
    backends.clear();
    ended = true;
  }
  std::map<const Peer*, std::unique_ptr<http2::Backend>> backends;  // on that loop
  std::shared_ptr<void> ticks;
  bool ended = false;  // the loop is, or is about to be, no more
};

struct Peers::Line {
  std::string service;  // that is asked
  Peer* peer;
  MethodPolicy policy;
  MethodMetrics metrics;
};

struct Peers::Asking {
  const Caller& caller;
  absl::Time deadline;
  absl::Duration longest;
  int tries;
  const std::string& trace_id;
  std::function<bool()> gone;
};

struct Peers::Outcome {
  absl::Status status;
  bool again = false;  // the peer was not reached: a method that changes nothing may be asked again
};

// A question on its way.
struct Peers::Sent {
  bool under_way = false;
  absl::Time until = absl::InfiniteFuture();
  std::string question;  // as it is to be told back
  absl::Status refused;  // not OK: it was not sent
  bool resting = false;  // for which reason it was not
  absl::Time began;
  std::shared_ptr<Waiting> waiting;
  std::shared_ptr<http2::Taker> here;
  std::function<void()> over;  // for Waiting::over
};

struct Peers::Counts {
  std::atomic<int64_t> waiting{0}, rounds{0}, retries{0}, resting{0}, refused{0};
};

// Questions of a function that does not wait for them: all go out, and all come to something.
class Peers::Round : public std::enable_shared_from_this<Round> {
 public:
  Round(Peers& peers, const Call& call, const std::vector<Question>& questions)
      : peers_(peers), asking_(peers.AskingOf(call, kTick)) {
    for (const Question& question : questions) {
      Item item{question.line, question.request};
      item.response.reset(question.response->New());
      items_.push_back(std::move(item));
    }
  }

  void Start(std::function<void()> heard) {
    heard_ = std::move(heard);
    left_ = items_.size() + 1;
    for (Item& item : items_) {
      item.sent = peers_.Begin(*item.line, asking_, item.request,
                               [self = shared_from_this()] { self->One(); });
      until_ = std::min(until_, item.sent.until);
      if (item.sent.waiting == nullptr) One();  // it was not sent
    }
    peers_.Track(shared_from_this());
    One();
  }
  // Ends what takes too long, or nobody waits for any more.
  void OnTick(absl::Time now) {
    {
      // Until it is over the call is there.
      const std::lock_guard<std::mutex> lock(mutex_);
      if (over_ || (now < until_ && !asking_.gone())) return;
      over_ = true;
    }
    // With the first of them all are late.
    if (now >= until_) {
      for (Item& item : items_) item.sent.until = std::min(item.sent.until, now);
    }
    Over();
  }

  bool heard() const { return is_heard_; }
  bool again() const {
    return std::any_of(items_.begin(), items_.end(), [](const Item& item) { return item.again; });
  }
  bool IsOf(const std::vector<Question>& questions) const {
    return std::equal(questions.begin(), questions.end(), items_.begin(), items_.end(),
                      [](const Question& question, const Item& item) {
                        return question.line == item.line && question.request == item.request;
                      });
  }
  // Answers the same questions; what is left of them is to be tried again.
  std::vector<Question> Answer(const std::vector<Question>& questions) {
    std::vector<Question> left;
    for (size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      if (item.again) {
        left.push_back(questions[i]);
        continue;
      }
      if (item.response != nullptr) {
        questions[i].response->GetReflection()->Swap(questions[i].response, item.response.get());
        item.response.reset();
      } else if (item.status.ok()) {  // asked for once more, which is rare
        questions[i].response->ParseFromString(item.said);
      }
      *questions[i].position = item.position;
      *questions[i].status = item.status;
    }
    return left;
  }

 private:
  struct Item {
    const Line* line;
    std::string request;
    Sent sent{};
    std::unique_ptr<Message> response{};  // until it was asked for
    std::string said{};                   // what it was read from
    int64_t position = 0;
    absl::Status status{};
    bool again = false;
  };

  // One more has come to something; with the last one the round has.
  void One() {
    if (--left_ > 0) return;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (std::exchange(over_, true)) return;
    }
    Over();
  }
  void Over() {
    const std::shared_ptr<Round> self = shared_from_this();
    size_t sent = 0;
    for (Item& item : items_) {
      Outcome outcome =
          peers_.Hear(*item.line, asking_, item.sent, item.response.get(), &item.position);
      item.status = std::move(outcome.status);
      item.again = outcome.again;
      if (item.status.ok()) item.said = item.sent.waiting->TakeMessage();
      if (item.sent.under_way) ++sent;
    }
    // Another one that went out may have found a resting peer there again.
    for (Item& item : items_) {
      if (item.sent.resting) {
        const std::lock_guard<std::mutex> lock(item.line->peer->mutex);
        item.again = !item.line->peer->breaker.resting();
      }
      item.sent = Sent();
    }
    is_heard_ = true;
    const auto heard = std::move(heard_);
    peers_.Untrack(self, sent);
    heard();
  }

  Peers& peers_;
  const Asking asking_;
  std::vector<Item> items_;
  absl::Time until_ = absl::InfiniteFuture();
  std::function<void()> heard_;
  std::atomic<size_t> left_{0};
  std::mutex mutex_;
  bool over_ = false;      // the round has come to something
  bool is_heard_ = false;  // and it is known what to
};

bool Inquiry::waits() const {
  return !rounds_.empty() && !rounds_.back()->heard();
}

void Inquiry::Send(std::function<void()> heard) {
  const std::shared_ptr<Peers::Round> round = rounds_.back();
  round->Start(std::move(heard));  // after which this may be gone
}

bool Inquiry::answered() const {
  return rounds_.back()->heard() && !rounds_.back()->again();
}

std::vector<Peers::Question> Inquiry::Answer(const std::vector<Peers::Question>& questions) {
  // What it asks past a question without an answer counts for nothing.
  if (waits()) return questions;
  if (next_ < rounds_.size() && rounds_[next_]->IsOf(questions)) {
    return rounds_[next_++]->Answer(questions);
  }
  rounds_.resize(next_);  // it asks something else by now
  return questions;
}

void Inquiry::Keep(Peers& peers, const Call& call, const std::vector<Peers::Question>& questions) {
  const bool changes =
      std::any_of(questions.begin(), questions.end(),
                  [](const Peers::Question& question) { return question.line->policy.mutation; });
  const bool hurried = call.deadline - base::SteadyNow() < kLittle;
  if (changes || hurried || waits() || rounds_.size() == kMaxRounds) return;
  rounds_.push_back(std::make_shared<Peers::Round>(peers, call, questions));
}

namespace {

void LogFailed(const Peers::Line& line, const absl::Status& said, const std::string& trace_id) {
  base::Log(base::Severity::kWarning, "peer_failed",
            {{"service", line.service},
             {"method", line.policy.descriptor->name()},
             {"code", absl::StatusCodeToString(said.code())},
             {"reason", base::ReasonOf(said)},
             {"status", std::string(said.message())},
             {"trace", trace_id}});
}

}  // namespace

absl::Status NotAnswered(absl::string_view service, absl::string_view method, absl::string_view why,
                         absl::Duration retry) {
  return base::Refusal(absl::StatusCode::kUnavailable, "DEPENDENCY_NOT_ANSWERED",
                       absl::StrCat("The service ", service,
                                    " has not answered: what depends on its answer is not done."))
      .With("service", service)
      .With("method", method)
      .With("why", why)
      .RetryAfter(retry);
}

bool IsNotAnswered(const absl::Status& status) {
  return absl::IsUnavailable(status) && base::ReasonOf(status) == "DEPENDENCY_NOT_ANSWERED";
}

absl::Duration RetryOf(const absl::Status& status) {
  google::rpc::RetryInfo info;
  const auto payload = status.GetPayload(base::TypeUrl(info));
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

Peers::Peers(Options options) : options_(std::move(options)), counts_(std::make_shared<Counts>()) {
  options_.metrics->AddFigures([counts = counts_] {
    return std::vector<store::Figure>{
        {"nisi_peer_waiting", "Functions that wait for another service.",
         static_cast<double>(counts->waiting + counts->rounds)},
        {"nisi_peer_resting", "Services that are left alone after failures.",
         static_cast<double>(counts->resting)},
        {"nisi_peer_retries_total", "Calls to other services that were made again.",
         static_cast<double>(counts->retries)},
        {"nisi_peer_refused_total", "Calls that were not made: too many wait, or the peer rests.",
         static_cast<double>(counts->refused)}};
  });
}

Peers::~Peers() {
  Close();
  for (auto& [loop, near] : near_) {
    if (!near->ended) loop->RunAndWait([near = near] { near->End(); });  // nobody else looks now
  }
  if (loop_ == nullptr) return;
  loop_->RunAndWait([this] {
    ticks_.reset();
    for (auto& [name, peer] : peers_) peer->backend.reset();
  });
}

Peers::Peer& Peers::PeerOf(const std::string& service) {
  std::unique_ptr<Peer>& peer = peers_[service];
  if (peer == nullptr) peer = std::make_unique<Peer>(service, options_.limits.breaker);
  return *peer;
}

void Peers::MakeLoop() {
  std::call_once(loop_made_, [this] {
    loop_ = std::make_unique<http2::EventLoop>("peers");
    loop_->RunAndWait(
        [this] { ticks_ = loop_->EveryTick([this](absl::Time now) { OnTick(now); }); });
  });
}

// What it calls may end a round, which takes the lock.
void Peers::OnTick(absl::Time now) {
  std::vector<http2::Backend*> backends;
  std::vector<std::shared_ptr<Round>> rounds;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [name, peer] : peers_) {
      if (peer->backend != nullptr) backends.push_back(peer->backend.get());
    }
    rounds.assign(rounds_.begin(), rounds_.end());
  }
  for (http2::Backend* backend : backends) backend->OnTick(now);
  for (const std::shared_ptr<Round>& round : rounds) round->OnTick(now);
}

void Peers::Track(const std::shared_ptr<Round>& round) {
  MakeLoop();  // for its ticks
  ++counts_->rounds;
  const std::lock_guard<std::mutex> lock(mutex_);
  rounds_.insert(round);
}

void Peers::Untrack(const std::shared_ptr<Round>& round, size_t sent) {
  --counts_->rounds;
  const std::lock_guard<std::mutex> lock(mutex_);
  rounds_.erase(round);
  under_way_ -= sent;
  if (under_way_ == 0) quiet_.notify_all();
}

void Peers::SetAddress(const std::string& service, http2::BackendOptions options) {
  MakeLoop();
  std::unique_ptr<http2::Backend> backend;
  Peer* peer = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    peer = &PeerOf(service);
  }
  options.on_open = [this, peer] { OnOpen(*peer); };
  options.sightings = std::make_shared<http2::Sightings>();
  loop_->RunAndWait([&] { backend = std::make_unique<http2::Backend>(loop_.get(), options); });
  const std::lock_guard<std::mutex> lock(mutex_);
  peer->at = std::move(options);
  peer->backend = std::move(backend);
}

// Of any loop: what has failed before is no reason to leave alone what is back.
void Peers::OnOpen(Peer& peer) {
  const std::lock_guard<std::mutex> lock(peer.mutex);
  const bool rested = peer.breaker.resting();
  peer.breaker.Back(base::SteadyNow());
  NoteRest(peer, rested);
}

http2::Backend& Peers::BackendOn(http2::EventLoop& loop, Peer& peer) {
  if (&loop == loop_.get()) return *peer.backend;
  std::shared_ptr<Near> near;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    near = near_[&loop];
    // Another loop may lie where one lay: that one has ended, on a thread that is gone.
    if (near == nullptr || near->ended) {
      near = near_[&loop] = std::make_shared<Near>();
      loop.AtEnd([near] { near->End(); });
      near->ticks = loop.EveryTick([near = near.get()](absl::Time now) {
        for (auto& [to, backend] : near->backends) backend->OnTick(now);
      });
    }
  }
  std::unique_ptr<http2::Backend>& backend = near->backends[&peer];
  if (backend == nullptr) backend = std::make_unique<http2::Backend>(&loop, peer.at);
  return *backend;
}

void Peers::SetHere(const std::string& service, http2::TakeCall take) {
  const std::lock_guard<std::mutex> lock(mutex_);
  PeerOf(service).here = std::move(take);
}

const Peers::Line* Peers::Declare(const MethodDescriptor& method) {
  absl::StatusOr<MethodPolicy> policy = MethodPolicy::Of(method);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!policy.ok() || method.client_streaming() || method.server_streaming()) {
    invalid_.push_back(absl::StrCat(method.full_name(), " is no unary method with a policy"));
    return nullptr;
  }
  std::unique_ptr<Line>& line = lines_[policy->path];
  if (line == nullptr) {
    const std::string service = OwnerOf(*method.service());
    line = std::make_unique<Line>(Line{service, &PeerOf(service), *std::move(policy),
                                       options_.metrics->ForPeer(method, service)});
  }
  return line.get();
}

absl::Status Peers::Check() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> wrong = invalid_;
  for (const auto& [path, line] : lines_) {
    if (!line->peer->has_way()) {
      wrong.push_back(absl::StrCat(path, " needs --peer ", line->service, "=host:port"));
    }
  }
  if (!lines_.empty() && options_.signer == nullptr) {
    wrong.push_back("whoever asks other services needs --context-key");
  }
  return wrong.empty() ? absl::OkStatus() : Invalid(absl::StrJoin(wrong, "; "));
}

void Peers::Ask(const Call& call, const std::vector<Question>& asked) {
  const std::vector<Question> questions =
      call.inquiry == nullptr ? asked : call.inquiry->Answer(asked);
  if (questions.empty()) return;
  const auto none = [&questions](const absl::Status& why) {
    for (const Question& question : questions) *question.status = why;
  };
  if (call.reach == store::Reach::kMemory) {
    if (call.inquiry != nullptr) call.inquiry->Keep(*this, call, questions);
    return none(store::NotInMemory());
  }
  if (store::OnStoreThread()) {
    return none(absl::InternalError("asks another service in a transaction"));
  }
  if (static_cast<size_t>(++counts_->waiting) > options_.limits.waiting) {
    --counts_->waiting;
    ++counts_->refused;
    for (const Question& question : questions) {
      *question.status =
          NotAnswered(question.line->service, question.line->policy.descriptor->name(), "BUSY",
                      absl::Milliseconds(200));
    }
    return;
  }
  const Asking asking = AskingOf(call);
  std::vector<Sent> sent;
  for (const Question& question : questions) {
    sent.push_back(Begin(*question.line, asking, question.request));
  }
  for (size_t i = 0; i < questions.size(); ++i) {
    // One that went out before it may have found the peer there again.
    if (i > 0 && sent[i].resting) Send(*questions[i].line, asking, questions[i].request, &sent[i]);
    *questions[i].status = Finish(asking, std::move(sent[i]), questions[i]);
  }
  --counts_->waiting;
}

Peers::Asking Peers::AskingOf(const Call& call, absl::Duration late) const {
  const PeerLimits& limits = options_.limits;
  const absl::Time deadline = call.deadline == absl::InfiniteFuture()
                                  ? call.deadline
                                  : call.deadline - limits.reserve - late;
  return {*call.caller, deadline,      limits.longest,
          limits.tries, call.trace_id, [this, &call] { return closed_ || call.cancelled(); }};
}

absl::StatusOr<const Peers::Line*> Peers::LineOf(const store::OutboxMessage& message) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrReplaceAll(absl::StripPrefix(message.method, "/"), {{"/", "."}}));
  if (method == nullptr || OwnerOf(*method->service()) != message.target) {
    return Invalid(absl::StrCat(message.method, " is no method of ", message.target));
  }
  const Line* line = Declare(*method);
  if (line == nullptr || line->policy.request_id == nullptr) {
    return Invalid(absl::StrCat(message.method, " cannot be delivered: it has no request_id"));
  }
  return line;
}

absl::StatusOr<std::string> Peers::Deliver(const store::OutboxMessage& message, uint32_t roles) {
  ASSIGN_OR_RETURN(const Line* line, LineOf(message));
  const std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()
                                             ->GetPrototype(line->policy.descriptor->input_type())
                                             ->New());
  const std::unique_ptr<Message> response(google::protobuf::MessageFactory::generated_factory()
                                              ->GetPrototype(line->policy.descriptor->output_type())
                                              ->New());
  if (!request->ParseFromString(message.payload)) return base::StoreCorrupt("outbox row");
  request->GetReflection()->SetString(request.get(), line->policy.request_id, message.id);
  Caller self;
  if (options_.signer != nullptr)
    self.subject = absl::StrCat(kServiceSubject, options_.signer->name());
  self.roles = roles;
  int64_t position = 0;
  const std::string no_trace;
  const Asking asking{
      self, absl::InfiniteFuture(), kDelivery, 1, no_trace, [this]() -> bool { return closed_; }};
  const Question question{line, request->SerializeAsString(), response.get(), &position, nullptr};
  RETURN_IF_ERROR(Finish(asking, Begin(*line, asking, question.request), question));
  return response->SerializeAsString();
}

Peers::Sent Peers::Begin(const Line& line, const Asking& asking, const std::string& request,
                         std::function<void()> over) {
  Sent sent;
  sent.over = std::move(over);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const char* why = closed_                                               ? "STOPPING"
                      : options_.signer == nullptr || !line.peer->has_way() ? "NO_ADDRESS"
                                                                            : nullptr;
    if (why != nullptr) {
      sent.refused = NotAnswered(line.service, line.policy.descriptor->name(), why, kSoon);
      return sent;
    }
    ++under_way_;
  }
  {
    const std::lock_guard<std::mutex> lock(line.peer->mutex);
    line.peer->retries.OnCall();
  }
  sent.under_way = true;
  sent.until = std::min(asking.deadline, base::SteadyNow() + asking.longest);
  sent.question = QuestionOf(line.policy.path, request);
  Send(line, asking, request, &sent);
  return sent;
}

absl::Status Peers::Finish(const Asking& asking, Sent sent, const Question& question) {
  const Line& line = *question.line;
  if (!sent.under_way) return sent.refused;
  const int tries = line.policy.mutation ? 1 : asking.tries;
  absl::Duration pause = options_.limits.pause;
  absl::Status status;
  for (int n = 1;; ++n, pause = 2 * pause) {
    Outcome outcome = Hear(line, asking, sent, question.response, question.position);
    status = std::move(outcome.status);
    if (!outcome.again || n >= tries) break;
    const absl::Duration wait = base::Jittered(pause);
    const absl::Time now = base::SteadyNow();
    if (now + wait >= sent.until) break;
    {
      const std::lock_guard<std::mutex> lock(line.peer->mutex);
      if (!line.peer->retries.Take(now)) break;
    }
    ++counts_->retries;
    Waiting nothing;
    nothing.WaitUntil(now + wait, asking.gone);
    Send(line, asking, question.request, &sent);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--under_way_ == 0) quiet_.notify_all();
  return status;
}

void Peers::Send(const Line& line, const Asking& asking, const std::string& request, Sent* sent) {
  const std::string& method = line.policy.descriptor->name();
  sent->began = base::SteadyNow();
  sent->refused = absl::OkStatus();
  sent->resting = false;
  const auto refuse = [&](const char* why, absl::Duration retry) {
    sent->refused = NotAnswered(line.service, method, why, retry);
  };
  if (closed_) return refuse("STOPPING", kSoon);
  if (asking.gone()) {
    sent->refused = absl::CancelledError("");
    return;
  }
  if (sent->until - sent->began < kLeast) return refuse("TOO_SLOW", kSoon);
  {
    const std::lock_guard<std::mutex> lock(line.peer->mutex);
    if (const auto rest = line.peer->breaker.Ask(sent->began); rest.has_value()) {
      ++counts_->refused;
      sent->resting = true;
      return refuse("RESTING", *rest);
    }
  }
  line.metrics.Started();
  static const auto* const kHere = new std::shared_ptr<const http2::Peer>(new http2::Peer());
  http2::CallHead head;
  head.path = line.policy.path;
  head.deadline = sent->until;
  head.peer = *kHere;
  // By the machine's clock, as all identity is.
  head.fields.Add(kCallContextKey,
                  OnwardContext(*options_.signer, asking.caller, line.service, base::SystemNow()));
  head.fields.Add(kQuestionKey, "1");
  if (!asking.trace_id.empty()) head.fields.Add("traceparent", TraceparentOf(asking.trace_id));

  sent->waiting = std::make_shared<Waiting>();
  sent->waiting->over = std::move(sent->over);
  sent->here = nullptr;
  if (line.peer->here != nullptr) {
    sent->here = line.peer->here(std::move(head), sent->waiting);
    if (sent->here != nullptr) {
      sent->here->OnMessage(request);
      sent->here->OnEnd();
    }
  } else {
    http2::EventLoop* const here = http2::EventLoop::Current();
    sent->waiting->loop = here != nullptr ? here : loop_.get();
    sent->waiting->loop->Run([this, waiting = sent->waiting, peer = line.peer,
                              head = std::move(head), request]() mutable {
      http2::Backend& backend = BackendOn(*waiting->loop, *peer);
      waiting->taker = backend.Take(std::move(head), http2::ClientCall::Answers::kOne, waiting);
      waiting->taker->OnMessage(request);
      waiting->taker->OnEnd();
    });
  }
}

Peers::Outcome Peers::Hear(const Line& line, const Asking& asking, const Sent& sent,
                           Message* response, int64_t* position) {
  if (!sent.refused.ok()) return {sent.refused};
  const std::string& method = line.policy.descriptor->name();
  const std::shared_ptr<Waiting>& waiting = sent.waiting;
  const std::shared_ptr<http2::Taker>& here = sent.here;
  const bool over = waiting->WaitUntil(sent.until, asking.gone);
  const absl::Time now = base::SteadyNow();

  absl::StatusCode code = absl::StatusCode::kOk;
  Breaker::Heard heard = Breaker::Heard::kYes;
  // Whoever has little time does not make others think that the peer is slow.
  const Breaker::Heard slow = sent.until - sent.began >= asking.longest / 2
                                  ? Breaker::Heard::kNo
                                  : Breaker::Heard::kUnknown;
  Outcome outcome;
  const auto wrong = [&](absl::string_view what) {
    code = absl::StatusCode::kInternal;
    heard = Breaker::Heard::kNo;
    outcome.status = NotAnswered(line.service, method, "WRONG_ANSWER", kLater);
    LogFailed(line, absl::Status(code, what), asking.trace_id);
  };
  if (!over) {
    if (here != nullptr) here->OnCancel();
    if (waiting->loop != nullptr) {
      waiting->loop->Run([waiting = sent.waiting] {
        if (waiting->taker != nullptr) waiting->taker->OnCancel();
      });
    }
    const bool late = now >= sent.until;
    code = late ? absl::StatusCode::kDeadlineExceeded : absl::StatusCode::kCancelled;
    heard = late ? slow : Breaker::Heard::kUnknown;
    outcome.status = late      ? NotAnswered(line.service, method, "TOO_SLOW", kSoon)
                     : closed_ ? NotAnswered(line.service, method, "STOPPING", kSoon)
                               : absl::CancelledError("");
  } else if (const std::string* to = waiting->answer().trailers.Find(kQuestionKey);
             to != nullptr && *to != sent.question) {
    wrong("It answers another question.");
  } else if (const absl::Status said = FromAnswer(waiting->answer()); !said.ok()) {
    code = said.code();
    if (IsRefusal(said)) {
      outcome.status = said;
    } else {
      // One that says of itself that it cannot has been heard; it may wait for another one.
      heard = absl::IsDeadlineExceeded(said) ? slow
              : absl::IsUnavailable(said) && !base::ReasonOf(said).empty()
                  ? Breaker::Heard::kUnknown
                  : Breaker::Heard::kNo;
      const absl::Duration told = RetryOf(said);
      const char* const why = WhyOf(said.code());
      outcome.status = NotAnswered(line.service, method, why, std::max(told, kSoon));
      // One that says when to come again is not asked before.
      outcome.again = absl::IsUnavailable(said) && told <= options_.limits.pause;
      // Whether it is there, says its connection, and the metrics how often it was not.
      if (!absl::IsUnavailable(said) && !absl::IsResourceExhausted(said)) {
        LogFailed(line, said, asking.trace_id);
      }
    }
  } else if (!waiting->message().has_value() || !response->ParseFromString(*waiting->message())) {
    wrong("Its message cannot be read.");
  } else if (const std::string* at = waiting->answer().trailers.Find(kPositionKey); at != nullptr) {
    if (!absl::SimpleAtoi(*at, position)) *position = 0;
  }
  line.metrics.Handled(code, (over ? waiting->at() : now) - sent.began);
  const std::lock_guard<std::mutex> lock(line.peer->mutex);
  const bool rested = line.peer->breaker.resting();
  line.peer->breaker.Done(heard, sent.began, now);
  NoteRest(*line.peer, rested);
  return outcome;
}

void Peers::NoteRest(const Peer& peer, bool rested) {
  if (peer.breaker.resting() == rested) return;
  counts_->resting += rested ? -1 : 1;
  base::Log(base::Severity::kWarning, rested ? "peer_back" : "peer_rests",
            {{"service", peer.name}});
}

void Peers::Close() {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  while (under_way_ > 0) {
    const std::set<std::shared_ptr<Round>> rounds = rounds_;
    lock.unlock();
    for (const std::shared_ptr<Round>& round : rounds) round->OnTick(base::SteadyNow());
    lock.lock();
    quiet_.wait_for(lock, std::chrono::milliseconds(50), [this] { return under_way_ == 0; });
  }
}

}  // namespace nisi::rpc
