#include "common/http2/conduct.h"

#include <cstdint>

namespace nisi::http2 {
namespace {

// Whoever takes an answer opens windows for it and asks how far it is (PING), several times a
// frame.
constexpr int64_t kChatterOfAnswer = 4;

bool Has(const nghttp2_frame& frame, uint8_t flag) {
  return (frame.hd.flags & flag) != 0;
}

}  // namespace

Conduct::Conduct(const Limits& limits, absl::Time now)
    : limits_(limits),
      began_(now),
      resets_(limits.resets),
      chatter_(limits.chatter),
      settings_(limits.settings) {}

void Conduct::OnBegun(const nghttp2_frame_hd& head, absl::Time now) {
  if (head.type == NGHTTP2_HEADERS && head_began_ == absl::InfiniteFuture()) head_began_ = now;
}

// Its call is reset, and nghttp2 passes over what is left of it without a word. Where its end has
// not come, it is still waited for: nothing else can come on the connection before it.
void Conduct::OnInvalid(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_HEADERS && Has(frame, NGHTTP2_FLAG_END_HEADERS)) {
    head_began_ = absl::InfiniteFuture();
  }
}

void Conduct::OnFrame(const nghttp2_frame& frame, absl::Time now) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      head_began_ = absl::InfiniteFuture();
      return;
    case NGHTTP2_DATA:
      if (frame.hd.length == 0 && !Has(frame, NGHTTP2_FLAG_END_STREAM)) {
        Spend(chatter_, Refused::kChatter, now);
      }
      return;
    case NGHTTP2_RST_STREAM:
      return Spend(resets_, Refused::kResets, now);
    case NGHTTP2_SETTINGS:
      if (Has(frame, NGHTTP2_FLAG_ACK)) {
        acknowledged_ = true;
        return;
      }
      greeted_ = true;
      return Spend(settings_, Refused::kSettings, now);
    default:
      return Spend(chatter_, Refused::kChatter, now);
  }
}

// A stream that is made to be reset costs what one costs that is reset.
void Conduct::OnSent(const nghttp2_frame& frame, absl::Time now) {
  if (frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) {
    chatter_.Give(kChatterOfAnswer);
  } else if (frame.hd.type == NGHTTP2_RST_STREAM &&
             frame.rst_stream.error_code != NGHTTP2_NO_ERROR) {
    Spend(resets_, Refused::kResets, now);
  }
}

void Conduct::OnTick(absl::Time now) {
  if (now <= began_ + limits_.handshake) return;
  if (!greeted_ || now > head_began_ + limits_.handshake) Break(Refused::kSilence);
  if (!acknowledged_ && now > began_ + 2 * limits_.handshake) Break(Refused::kSettings);
}

void Conduct::Break(Refused what) {
  if (!broken_.has_value()) broken_ = what;
}

void Conduct::Spend(Bucket& bucket, Refused what, absl::Time now) {
  if (bucket.Take(now).has_value()) Break(what);
}

}  // namespace nisi::http2
