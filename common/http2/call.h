// A call between who carries it and who answers it. Neither knows the other: a carrier is an HTTP/2
// connection today and may be something else tomorrow.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http2/fields.h"

namespace nisi::http2 {

// Who is at the other end of a connection.
struct Peer {
  std::string identity;  // the SPIFFE id that it proved; empty: none
  std::string address;   // "10.0.0.7"; empty within one process
  // When what it proved holds no longer: its certificate, or one that it rests on, has ended.
  absl::Time until = absl::InfiniteFuture();
};

// What is wrong with what a client sent, beneath what its message says.
enum class Fault {
  kNone,
  kCompressed,        // it may not be
  kMessageTooLarge,   // for the carrier
  kMessageCutShort,   // the client ended within it
  kMetadataTooLarge,  // what came over the bound is not there
  kNoRoom,            // for it, where the bytes that are held are bounded
};

// What a call begins with.
struct CallHead {
  std::string path;  // "/package.Service/Method"
  Fields fields;     // metadata, without what HTTP/2 and gRPC themselves need
  absl::Time deadline = absl::InfiniteFuture();  // by the machine's clock; none where none came
  std::shared_ptr<const Peer> peer;
  Fault fault = Fault::kNone;  // kCompressed, kMetadataTooLarge, kNoRoom: to be refused
};

// What a call ends with.
struct Answer {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string text;     // of an error
  std::string details;  // of an error: a google.rpc.Status in wire form
  Fields trailers;
};

// The way back to the client. From any thread; what comes after the end is dropped.
class Replier {
 public:
  virtual ~Replier() = default;
  // A message. The next one after OnSent.
  virtual void Send(std::string message) = 0;
  // The end.
  virtual void Finish(Answer answer) = 0;
  // The only message, and the end.
  virtual void Reply(std::string message, Answer answer) = 0;
  // The next message of the client may come.
  virtual void Ready() = 0;
  // There is a line for what is asked, and only such a part of what all clients have in it is
  // answered soon: this one is to have that part of what it has there. On the carrier's thread.
  virtual void Narrow(double /*part*/) {}
  // The client has gone, or gave the call up.
  virtual bool cancelled() const = 0;
};

// What takes the call. The carrier calls it from one thread, its own, which must not wait.
class Taker {
 public:
  virtual ~Taker() = default;
  // The first comes unasked, each other one after Ready.
  virtual void OnMessage(std::string message) = 0;
  // No message follows. Comes when one could.
  virtual void OnEnd() = 0;
  // What came is no message, and nothing follows: to be refused. Comes when a message could.
  virtual void OnFault(Fault fault) = 0;
  // What was sent is on its way.
  virtual void OnSent() {}
  // Some times a second.
  virtual void OnTick(absl::Time now) = 0;
  // The client is gone before the end: the last that comes.
  virtual void OnCancel() = 0;
  // In its place where the carrier itself ends the call with that answer: what the client gets.
  virtual Answer OnEnded(const Answer& answer) {
    OnCancel();
    return answer;
  }
};

// Takes a call that begins; null where it was answered at once.
using TakeCall =
    std::function<std::shared_ptr<Taker>(CallHead head, std::shared_ptr<Replier> replier)>;

}  // namespace nisi::http2
