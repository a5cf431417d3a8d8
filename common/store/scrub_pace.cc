#include "common/store/scrub_pace.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace nisi::store {
namespace {

// So short is what is done at once: others wait no longer for the processor or the disk.
constexpr absl::Duration kBurst = absl::Milliseconds(5);
constexpr uint64_t kBurstBytes = 256 << 10;

class PacedCursor final : public Cursor {
 public:
  PacedCursor(std::unique_ptr<Cursor> under, ScrubPace* pace)
      : under_(std::move(under)), pace_(pace) {
    Count();
  }
  bool Valid() const override { return ended_.ok() && under_->Valid(); }
  void Next() override {
    under_->Next();
    Count();
  }
  void Seek(absl::string_view key) override {
    under_->Seek(key);
    Count();
  }
  absl::string_view key() const override { return under_->key(); }
  absl::string_view value() const override { return under_->value(); }
  absl::Status status() const override { return ended_.ok() ? under_->status() : ended_; }

 private:
  void Count() {
    if (!ended_.ok() || !under_->Valid()) return;
    ended_ = pace_->Read(under_->key().size() + under_->value().size());
  }

  const std::unique_ptr<Cursor> under_;
  ScrubPace* const pace_;
  absl::Status ended_;
};

class PacedSnapshot final : public Snapshot {
 public:
  PacedSnapshot(std::unique_ptr<Snapshot> under, ScrubPace* pace)
      : under_(std::move(under)), pace_(pace) {}

  absl::StatusOr<bool> Get(Space space, absl::string_view key, std::string* value) const override {
    ASSIGN_OR_RETURN(const bool present, under_->Get(space, key, value));
    RETURN_IF_ERROR(pace_->Read(key.size() + value->size()));
    return present;
  }
  absl::Status GetMany(Space space, absl::Span<const std::string> keys,
                       const ManyVisitor& visit) const override {
    return under_->GetMany(
        space, keys,
        [&](size_t at, std::optional<absl::string_view> value) -> absl::StatusOr<bool> {
          RETURN_IF_ERROR(pace_->Read(keys[at].size() + (value.has_value() ? value->size() : 0)));
          return visit(at, value);
        });
  }
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view lower,
                               absl::string_view upper) const override {
    return std::make_unique<PacedCursor>(under_->Scan(space, lower, upper), pace_);
  }

 private:
  const std::unique_ptr<Snapshot> under_;
  ScrubPace* const pace_;
};

}  // namespace

absl::Duration PauseAfter(absl::Duration worked, uint64_t bytes, const ScrubLimits& limits) {
  absl::Duration whole = worked / limits.share;
  if (limits.bytes_a_second > 0) {
    const double seconds = static_cast<double>(bytes) / static_cast<double>(limits.bytes_a_second);
    whole = std::max(whole, absl::Seconds(seconds));
  }
  return std::max(whole - worked, absl::ZeroDuration());
}

absl::Status ScrubPace::Read(size_t bytes) {
  bytes_ += bytes;
  if (ended_) return absl::CancelledError("the scrub was stopped");
  const absl::Duration worked = absl::FromChrono(std::chrono::steady_clock::now() - since_);
  if (worked < kBurst && bytes_ < kBurstBytes) return absl::OkStatus();
  ended_ = !pause_(PauseAfter(worked, bytes_, limits_));
  bytes_ = 0;
  since_ = std::chrono::steady_clock::now();
  return ended_ ? absl::CancelledError("the scrub was stopped") : absl::OkStatus();
}

std::unique_ptr<Snapshot> AtPace(std::unique_ptr<Snapshot> snapshot, ScrubPace* pace) {
  return std::make_unique<PacedSnapshot>(std::move(snapshot), pace);
}

}  // namespace nisi::store
