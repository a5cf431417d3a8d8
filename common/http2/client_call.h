// One call to a backend: a Taker on the one side, the frames of one stream on the other. On its
// loop only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/call.h"
#include "common/http2/message_queue.h"
#include "common/http2/message_reader.h"
#include "common/http2/messages.h"
#include "common/http2/withheld.h"

namespace nisi::http2 {

class ClientConnection;

class ClientCall final : public Taker, public std::enable_shared_from_this<ClientCall> {
 public:
  // How the call is answered: by one message, held back until its status is there, or by many.
  enum class Answers { kOne, kMany };
  // Whether it changes nothing, so that it can be sent once more when its connection is lost.
  enum class Again { kIfUnseen, kIfLost };

  ClientCall(CallHead head, Answers answers, Again again, size_t max_message_bytes,
             std::shared_ptr<Replier> replier)
      : head_(std::move(head)),
        answers_(answers),
        again_(again),
        max_message_bytes_(max_message_bytes),
        reader_(max_message_bytes),
        replier_(std::move(replier)) {}

  const CallHead& head() const { return head_; }
  bool over() const { return replier_ == nullptr; }

  // Its stream has begun on `connection`.
  void Begin(ClientConnection* connection, int32_t id);
  // Of its stream, as it comes.
  void OnField(absl::string_view name, absl::string_view value);
  void OnData(absl::string_view bytes);
  void OnStreamClosed(uint32_t error);
  // It never got a stream, or lost it: nothing is known of the outcome.
  void Fail(absl::string_view why);
  // Whether it can be sent once more, which it can once: no part of it was looked at.
  bool Rewind();
  // The same, of one whose connection was lost.
  bool RewindLost();
  // Whether it may be given to yet another server: not for ever.
  bool MayMove() { return ++moves_ <= kMoves; }

  // What nghttp2 asks for.
  ssize_t Read(uint8_t* room, size_t size, uint32_t* flags);

  void OnMessage(std::string message) override;
  void OnEnd() override;
  void OnFault(Fault) override { OnCancel(); }
  void OnSent() override;
  void OnTick(absl::Time) override {}
  void OnCancel() override;

 private:
  void Resume();
  void Deliver();
  void Consume(size_t bytes);
  void End();

  const CallHead head_;
  const Answers answers_;
  const Again again_;
  const size_t max_message_bytes_;
  ClientConnection* connection_ = nullptr;
  int32_t id_ = 0;

  // The request.
  MessageQueue out_;
  std::list<std::string> sent_;  // of a request that ended at once, kept for a second try
  bool kept_ = true;             // all of it is there, in sent_ and out_
  bool ended_ = false;
  bool rewound_ = false;
  static constexpr int kMoves = 3;
  int moves_ = 0;
  bool waiting_ = false;

  // The answer.
  MessageReader reader_;
  Messages messages_;
  Withheld withheld_;
  bool ready_ = true;
  bool answered_ = false;  // something came
  bool closed_ = false;
  std::optional<int> status_;
  std::string http_status_;
  Answer answer_;
  size_t fields_ = 0;  // bytes of what is no message
  std::string fault_;
  std::shared_ptr<Replier> replier_;  // null when it has its end
};

}  // namespace nisi::http2
