// One call as a handler sees it, and what a handler returns. No gRPC here: handlers are plain
// functions.
//
//   absl::StatusOr<Edition> GetEdition(Env& env, Call& call, const GetEditionRequest& request);
//   absl::StatusOr<Encoded<ListEntriesResponse>> ListEntries(Env&, Call&, const
//   ListEntriesRequest&);
//   absl::StatusOr<Entry> CreateEntry(Env&, const Call&, store::Tx&, const CreateEntryRequest&);
//
// The last is a command: the one transaction of its call, run by the store's writer.
// By the time it runs, the caller, the policy, the deadline and the request's form have been
// checked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/date.h"
#include "common/rpc/caller.h"
#include "common/rpc/policy.h"
#include "common/store/engine.h"

namespace nisi::rpc {

class Inquiry;

struct Call {
  const MethodPolicy* method = nullptr;
  std::shared_ptr<const Caller> caller;
  absl::Time now;       // fixed for the call
  absl::Time deadline;  // nothing that can wait starts after it
  std::string request_id;
  std::string body_hash;  // SHA-256 of the request's bytes; for mutations
  std::string trace_id;   // of W3C traceparent; empty when none came
  // kMemory on the carrier's own thread: a handler reads with it and returns the NotInMemory() it
  // gets, to be run again where it may wait.
  store::Reach reach = store::Reach::kDisk;
  // What the function has asked other services and heard (peer.h); null: it waits for them itself.
  Inquiry* inquiry = nullptr;
  std::function<bool()> cancelled = [] { return false; };

  // What the answer carries beside the message: the journal position of the commit, 0 for none.
  int64_t position = 0;

  base::Date today() const { return base::Date::LegalDay(now); }
};

// A response already in wire form: for replies spliced together from stored bytes.
template <class Message>
struct Encoded {
  std::string bytes;
};

// What a server-streaming handler returns: messages are pulled from it when the stream can take
// them, so a stream holds no thread. Pull runs on the executor, one at a time.
class MessageSource {
 public:
  enum class State { kMessage, kWait, kEnd };
  virtual ~MessageSource() = default;
  // kMessage: *out is the next message in wire form. kWait: none yet, pull again after a wake.
  virtual absl::StatusOr<State> Pull(std::string* out) = 0;
  // Called once before the first Pull. `wake` may be called from any thread until the source is
  // gone.
  virtual void OnStart(std::function<void()> wake) { (void)wake; }
};

// What a client-streaming handler returns: messages are pushed as they come, on the executor, one
// at a time.
template <class Request>
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual absl::Status Push(const Request& message) = 0;
  // All have come: the response in wire form. `call` has the hash of all messages.
  virtual absl::StatusOr<std::string> Finish(Call& call) = 0;
};

}  // namespace nisi::rpc
