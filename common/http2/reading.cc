#include "common/http2/reading.h"

#include <algorithm>
#include <utility>

namespace nisi::http2 {
namespace {

// Who rests is looked at so often, and so many refusals are free each time: where nothing is
// answered at all, clients are told so nevertheless.
constexpr uint64_t kLookMs = 1;
constexpr int kFree = 2;
// As many calls as the least that is read of a connection at once may bring.
constexpr int kOfOne = 4;
// So many more answers than refusals, or refusals than answers, are remembered of a client.
constexpr int kBalance = 16;

}  // namespace

absl::Time Reading::Ends(absl::Time now) {
  if (!std::exchange(begun_, true)) {
    ends_ = now + time_;
    loop_->AtEndOfTurn([this] { begun_ = false; });
  }
  return ends_;
}

void Reading::OnAnswer(bool refused) {
  credit_ = refused ? std::max(credit_ - 1, -kCredit) : std::min(credit_ + 1, kCredit);
}

void Reading::Rest(std::function<void()> resume) {
  resting_.push_back(std::move(resume));
  ++guard_->rests.begun;
  ++guard_->rests.now;
  if (!std::exchange(has_timer_, true)) {
    uv_timer_init(loop_->uv(), &timer_);
    timer_.data = this;
    loop_->AtEnd([this] { uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr); });
  }
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_)) != 0) return;
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<Reading*>(timer->data)->OnTime(); }, kLookMs,
      kLookMs);
}

void Reading::OnTime() {
  credit_ = std::min(credit_ + kFree, kCredit);
  // In the order in which they came to rest; those that come to rest meanwhile wait behind.
  int left = std::max(credit_, 0) / kOfOne + (credit_ > 0 ? 1 : 0);
  for (size_t all = resting_.size(); left > 0 && all > 0; --left, --all) {
    const auto resume = std::move(resting_.front());
    resting_.pop_front();
    --guard_->rests.now;
    resume();
  }
  if (resting_.empty()) uv_timer_stop(&timer_);
}

void Regard::OnAnswer(bool refused) {
  if (reading_ == nullptr) return;
  reading_->OnAnswer(refused);
  refused_ = refused_ || refused;
  balance_ = refused ? std::max(balance_ - 1, -kBalance) : std::min(balance_ + 1, kBalance);
}

// Who is mostly answered does not wait for what others bring.
bool Regard::Rests() const {
  return refused_ && balance_ <= 0 && reading_->spent();
}

void Regard::Rest(std::function<void()> resume) {
  reading_->Rest(std::move(resume));
}

}  // namespace nisi::http2
