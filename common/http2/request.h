// A request of HTTP that is no call of gRPC, between who carries it, whatever version of HTTP that
// is, and who makes a call of it. All of it on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/http2/loop.h"

namespace nisi::http2 {

// What a request begins with.
struct RequestHead {
  std::string method;        // "POST"
  std::string content_type;  // "" where none came
  std::string encoding;      // grpc-encoding
  // Its path has the query; its deadline comes from grpc-timeout. kMetadataTooLarge alone is found.
  CallHead call;
};

// The way back to the client. What comes after the end, or when the client is gone, is dropped.
class Responder {
 public:
  virtual ~Responder() = default;
  // All of an answer; whoever asked by HEAD gets all of it but the body.
  virtual void Respond(int status, Fields fields, std::string body) = 0;
  // Or its beginning, parts of its body, each after the OnSent of the one before, and its end.
  virtual void Start(int status, Fields fields) = 0;
  virtual void Write(std::string bytes) = 0;
  virtual void End() = 0;
  // So many bytes of the body were taken: the client may send as many more.
  virtual void Consume(size_t bytes) = 0;
  // So many bytes of the body are kept by whoever takes it, in all. False: there is no room.
  virtual bool Hold(size_t bytes) = 0;
};

// What takes the request.
class RequestTaker {
 public:
  virtual ~RequestTaker() = default;
  virtual void OnBody(absl::string_view bytes) = 0;
  virtual void OnBodyEnd() = 0;
  virtual void OnSent() = 0;
  // Some times a second.
  virtual void OnTick(absl::Time now) = 0;
  // To be answered so at once, in place of whoever took the call.
  virtual void Abort(const Answer& answer) = 0;
  // The client is gone before the end: the last that comes.
  virtual void OnCancel() = 0;
};

// Takes a request that begins; null where it was answered at once.
using TakeRequest = std::function<std::shared_ptr<RequestTaker>(
    RequestHead head, std::shared_ptr<Responder> responder)>;

// What a server has for each of its loops.
struct Takers {
  TakeCall call;
  TakeRequest request;
};

}  // namespace nisi::http2
