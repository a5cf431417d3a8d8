// A client's connection: HTTP/2 over a socket, its streams handed out as calls. On its loop only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/http2/conduct.h"
#include "common/http2/connection.h"
#include "common/http2/guard.h"
#include "common/http2/head_reader.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/server_stream.h"
#include "common/http2/serving.h"
#include "common/http2/session.h"

namespace nisi::http2 {

class ServerConnection final : public Connection {
 public:
  ServerConnection(const Serving* shared, int fd, std::string address, std::shared_ptr<SSL_CTX> tls,
                   std::shared_ptr<Place> place);

  void Start() { socket_.Start(); }
  // Tells the client to take new calls elsewhere. Those that come nevertheless are taken.
  void GoAway();
  // Answers what is under way with `answer`, and closes when the client has taken it.
  void End(const Answer& answer);
  // Whatever it has taken.
  void Close() { socket_.Close("ended"); }
  void OnTick(absl::Time now);
  bool has_calls() const;
  // New connections are made with `context`: one that was not is to make place for such a one soon.
  void Renew(const SSL_CTX* context, absl::Time now);
  // Its place is needed for another.
  void Leave();
  const Place& place() const { return *place_; }

  // A call of it has its answer: that there is too much, or another.
  void OnAnswer(bool refused) { regard_.OnAnswer(refused); }
  // A call of it is in a line that is too long: of such calls it is to have such a part.
  void Narrow(double part, absl::Time now);
  // That call is over.
  void OnNarrowingEnds() { --narrowing_; }

  void OnOpen(std::string identity) override;
  size_t OnBytes(absl::string_view bytes) override;
  bool OnNothing() override;
  void OnWritten() override;
  void OnClosed(const std::string& why) override;

 private:
  static nghttp2_session_callbacks* Callbacks();
  ServerStream* Find(int32_t id) const;
  void OpenHttp2();
  void OpenHttp1();
  void OnHead(int32_t id);
  void OnFrame(const nghttp2_frame& frame);
  void OnFrameSent(const nghttp2_frame& frame);
  bool CutOff() override;
  absl::Time TurnEnds(absl::Time now) override;
  bool Rests() const override { return regard_.Rests(); }
  void Rest(std::function<void()> resume) override;
  // How many calls it may have under way.
  void Allow(uint32_t calls);
  // So many beside those that are in no line, as streams that stay and calls to other services.
  void AllowFewer(size_t calls, absl::Time now);
  void LookWide(absl::Time now);
  void OnBadFrames(int error) override;
  void Refuse(Refused what);
  void LookQueue();
  void LookIdle(absl::Time now);
  void SetBusy(bool busy, absl::Time now);

  const Serving& shared_;
  std::shared_ptr<const Peer> peer_;
  const std::shared_ptr<Place> place_;
  Room::Held unsent_;  // what its socket has not taken yet
  Conduct conduct_;
  size_t trailers_ = 0;  // bytes of those that come now
  HeadReader head_;      // of the one stream whose head is coming: those of two never mix
  absl::flat_hash_map<int32_t, std::shared_ptr<ServerStream>> calls_;
  std::shared_ptr<Session> other_;  // where it is not HTTP/2 that is spoken
  std::string beginning_;           // of a plain connection, until it is known what is spoken
  bool busy_ = false;               // as place_ knows
  Regard regard_;
  uint32_t calls_at_once_;                         // as it was told last
  absl::Time narrowed_at_ = absl::InfinitePast();  // or was to be
  absl::Time told_at_ = absl::InfinitePast();
  absl::Duration widens_after_;  // since it was narrowed
  bool widened_ = false;         // since then
  size_t narrowing_ = 0;         // calls that came to a line that is too long
  const absl::Time began_;
  absl::Time old_;                               // from then on
  absl::Time renewed_ = absl::InfiniteFuture();  // as old_, where it is not HTTP/2
  absl::Time used_;
  absl::Time told_to_go_ = absl::InfiniteFuture();
  bool takes_new_ = true;                     // calls
  absl::Time ends_ = absl::InfiniteFuture();  // what has not left by then stays
};

}  // namespace nisi::http2
