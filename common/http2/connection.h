// What both ends of a connection have: a session of nghttp2 on a socket. On its loop only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/socket.h"

namespace nisi::http2 {

inline absl::string_view TextOf(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
// Name and value must live until nghttp2 has taken them, which it does at once.
nghttp2_nv ViewOf(absl::string_view name, absl::string_view value);
// Of what is different in each call: to remember it would push out of the table what is not.
nghttp2_nv ViewOfNew(absl::string_view name, absl::string_view value);

class Connection : public Socket::Owner, public std::enable_shared_from_this<Connection> {
 public:
  ~Connection() override;

  // For its calls.
  nghttp2_session* session() const { return session_; }
  // What the session has to say leaves at the end of this turn of the loop.
  void FlushSoon();
  // So many bytes of a call were taken: the other side may send as many more.
  void Consume(int32_t id, size_t bytes);

  size_t OnBytes(absl::string_view bytes) override;
  void OnWritten() override { Flush(); }

 protected:
  enum class Side { kServer, kClient };

  // The socket as in its own constructors: one that was accepted, or one to connect.
  Connection(EventLoop* loop, const Limits& limits, int fd, std::string address,
             std::shared_ptr<SSL_CTX> tls);
  Connection(EventLoop* loop, const Limits& limits, std::shared_ptr<TlsConnector> tls);

  // On a socket that is open: a session whose callbacks get `this` as their last argument.
  void OpenSession(Side side, const nghttp2_session_callbacks* callbacks,
                   std::vector<nghttp2_settings_entry> settings);
  void Flush();
  // Some times a second: closes what has no session in time, and what does not answer when asked.
  void LookAlive(absl::Time now);
  absl::Time began() const { return began_; }
  // When something came from the other side: the time of all that it says in this turn.
  absl::Time heard() const { return heard_; }
  // What the other side has said in this turn broke a rule of ours: nothing more is read of it.
  virtual bool CutOff() { return false; }
  // Until when what has come now is read before it is others' turn. A little is read in any case.
  virtual absl::Time TurnEnds(absl::Time now) { return now + limits_.turn; }
  // Whether nothing more is read now; when it may go on, `resume` is called.
  virtual bool Rests() const { return false; }
  virtual void Rest(std::function<void()> resume) { resume(); }
  // The session found what is no HTTP/2.
  virtual void OnBadFrames(int) {}

  EventLoop* const loop_;
  const Limits limits_;
  Socket socket_;

 private:
  nghttp2_session* session_ = nullptr;
  const absl::Time began_;
  absl::Time heard_;
  absl::Time asked_ = absl::InfiniteFuture();  // whether it is still there
  bool flush_soon_ = false;
};

}  // namespace nisi::http2
