#include "common/store/outbox.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

// A day less than engines keep a request at least, as clocks differ.
constexpr absl::Duration kRemembered = absl::Hours(30 * 24);

struct Row {
  std::string key;  // whole, in Space::kData
  OutboxMessage message;
  absl::Time recorded;
};

std::string TargetPrefix(absl::string_view target) {
  return SystemKey(kOutboxId, Key::Of(target));
}

// When the command was recorded that left a message. A row of a release before does not say it:
// then it is in the journal, or so long ago that it is not kept.
absl::StatusOr<absl::Time> RecordedOf(const Snapshot& snapshot, absl::string_view place,
                                      std::optional<int64_t> recorded_us) {
  if (recorded_us.has_value()) return absl::FromUnixMicros(*recorded_us);
  const auto position = KeyReader(place).Number();
  if (!position.has_value()) return base::StoreCorrupt("outbox row");
  std::string value;
  ASSIGN_OR_RETURN(const bool kept, snapshot.Get(Space::kLog, JournalKey(*position), &value));
  if (!kept) return absl::InfinitePast();
  ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(*position, value));
  journal::v1::Entry entry;
  if (!entry.ParseFromString(record.leaf)) return base::StoreCorrupt("journal entry");
  return absl::FromUnixSeconds(entry.record_time().seconds());
}

absl::Status MessageOld() {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "MESSAGE_OLD",
                       "The target may have done this and forgotten it.");
}

std::string Spelled(absl::Time recorded) {
  return absl::FormatTime(absl::RFC3339_sec, recorded, absl::UTCTimeZone());
}

// The first messages for a target, in order.
struct Waiting {
  std::vector<Row> rows;
  bool more = false;  // than were asked for
};
absl::StatusOr<Waiting> WaitingFor(const Store& store, const std::string& target, size_t most) {
  Waiting waiting;
  const View view = store.Read();
  const std::string prefix = TargetPrefix(target);
  const auto cursor = view.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
  for (; cursor->Valid() && waiting.rows.size() < most; cursor->Next()) {
    KeyReader value(cursor->value());
    auto method = value.Text(), payload = value.Text();
    if (!method.has_value() || !payload.has_value()) return base::StoreCorrupt("outbox row");
    const std::optional<int64_t> recorded_us = value.Number();
    std::string id = OutboxId(store.secret(), cursor->key(), recorded_us);
    ASSIGN_OR_RETURN(const absl::Time recorded,
                     RecordedOf(view.snapshot(), cursor->key().substr(prefix.size()), recorded_us));
    waiting.rows.push_back(Row{
        std::string(cursor->key()),
        OutboxMessage{target, std::move(id), *std::move(method), *std::move(payload)}, recorded});
  }
  RETURN_IF_ERROR(cursor->status());
  waiting.more = cursor->Valid();
  return waiting;
}

}  // namespace

std::string OutboxId(absl::string_view secret, absl::string_view row_key,
                     std::optional<int64_t> recorded_us) {
  std::string recorded;
  if (recorded_us.has_value()) {
    AppendBigEndian64(&recorded, static_cast<uint64_t>(*recorded_us));
  }
  base::Hash hash = base::HmacSha256(secret, {"outbox/", row_key, recorded});
  hash[6] = static_cast<uint8_t>((hash[6] & 0x0f) | 0x80);  // version 8: a hash of our own making
  hash[8] = static_cast<uint8_t>((hash[8] & 0x3f) | 0x80);
  const std::string hex = base::HexEncode(base::AsBytes(hash).substr(0, 16));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

OutboxRelay::OutboxRelay(Store& store, Deliver deliver, Options options)
    : store_(store), deliver_(std::move(deliver)), options_(options) {
  subscription_ = store_.Subscribe([this](const CommitNotice& notice) {
    if (!notice.outbox_changed) return;
    dirty_ = true;
    store_.clock().Wake();
  });
  if (options_.background) thread_ = std::thread([this] { Loop(); });
}

OutboxRelay::~OutboxRelay() {
  stopping_ = true;
  store_.Unsubscribe(subscription_);
  store_.clock().Wake();
  if (thread_.joinable()) thread_.join();
}

void OutboxRelay::Loop() {
  while (!stopping_) {
    dirty_ = false;
    absl::Time until = absl::InfiniteFuture();
    if (const auto sent = RunOnce(); !sent.ok()) {
      base::Log(base::Severity::kError, "outbox_failed", {{"status", sent.status().ToString()}});
      until = store_.clock().Now() + 10 * options_.first_retry;
    } else if (const auto next = NextAttempt(); next.has_value()) {
      until = *next;
    }
    store_.clock().WaitUntil(until, [this] { return stopping_.load() || dirty_.load(); });
  }
}

// Skips from target to target, so a long queue of one costs the others a count and no more.
absl::StatusOr<std::map<std::string, int64_t>> OutboxRelay::Pending() const {
  std::map<std::string, int64_t> pending;
  const View view = store_.Read();
  const std::string prefix = SystemKey(kOutboxId, Key());
  const auto cursor = view.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) {
    auto target = KeyReader(cursor->key().substr(prefix.size())).Text();
    if (!target.has_value()) return base::StoreCorrupt("outbox row");
    ++pending[*std::move(target)];
  }
  RETURN_IF_ERROR(cursor->status());
  return pending;
}

absl::StatusOr<int> OutboxRelay::RunOnce() {
  ASSIGN_OR_RETURN(const auto pending, Pending());
  const absl::Time now = store_.clock().Now();
  std::vector<std::string> due;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    counts_.pending = 0;
    for (const auto& [target, count] : pending) {
      counts_.pending += count;
      // Also after a clock that was set back: nobody waits longer than the last delay.
      const Target& state = targets_[target];
      if (state.not_before <= now || state.not_before - now > state.delay) due.push_back(target);
    }
  }
  int delivered = 0;
  for (const std::string& target : due) {
    if (stopping_) break;
    ASSIGN_OR_RETURN(const int sent, RunTarget(target));
    delivered += sent;
  }
  return delivered;
}

absl::StatusOr<int> OutboxRelay::RunTarget(const std::string& target) {
  ASSIGN_OR_RETURN(const Waiting waiting, WaitingFor(store_, target, options_.burst));
  int delivered = 0;
  for (const Row& row : waiting.rows) {
    if (stopping_) return delivered;
    const auto confirm = [&] {
      return store_.Bookkeep([&row](Overlay& overlay) {
        overlay.Delete(Space::kData, row.key);
        return absl::OkStatus();
      });
    };
    if (base::Planted("outbox-marked-before-ack")) RETURN_IF_ERROR(confirm());
    const bool is_old = store_.clock().Now() - row.recorded > kRemembered;
    const bool dropped = is_old && options_.old == Old::kDrop;
    if (const absl::Status sent = Send(row.message, row.recorded, is_old); !sent.ok()) {
      NoteFailed(row.message, row.recorded, sent);
      return delivered;
    }
    // Not deleted before it is confirmed, nor the next sent before it is deleted: a stop in between
    // sends it again.
    if (!base::Planted("outbox-marked-before-ack")) RETURN_IF_ERROR(confirm());
    if (!dropped) ++delivered;
    NoteConfirmed(target, dropped);
  }
  if (!waiting.more) {
    const std::lock_guard<std::mutex> lock(mutex_);
    targets_.erase(target);
  }
  return delivered;
}

absl::Status OutboxRelay::Send(const OutboxMessage& message, absl::Time recorded, bool is_old) {
  if (!is_old) return deliver_(message);
  if (options_.old == Old::kHold) return MessageOld();
  const bool sends = options_.old == Old::kSend;
  base::Log(base::Severity::kWarning, sends ? "outbox_old_sent" : "outbox_old_dropped",
            {{"target", message.target},
             {"method", message.method},
             {"recorded", Spelled(recorded)},
             {"request_id", message.id}});
  return sends ? deliver_(message) : absl::OkStatus();
}

void OutboxRelay::NoteFailed(const OutboxMessage& message, absl::Time recorded,
                             const absl::Status& why) {
  base::Log(base::Severity::kWarning, "outbox_retry",
            {{"target", message.target},
             {"method", message.method},
             {"recorded", Spelled(recorded)},
             {"code", absl::StatusCodeToString(why.code())},
             {"reason", base::ReasonOf(why)}});
  const std::lock_guard<std::mutex> lock(mutex_);
  Target& state = targets_[message.target];
  if (state.delay == absl::ZeroDuration()) ++counts_.failing_targets;
  state.delay = state.delay == absl::ZeroDuration()
                    ? options_.first_retry
                    : std::min(state.delay * 2, options_.last_retry);
  state.not_before = store_.clock().Now() + state.delay;
  ++counts_.failed;
}

void OutboxRelay::NoteConfirmed(const std::string& target, bool dropped) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Target& state = targets_[target];
  if (state.delay > absl::ZeroDuration()) --counts_.failing_targets;
  state = Target{};
  if (!dropped) ++counts_.delivered;
  --counts_.pending;
}

std::optional<absl::Time> OutboxRelay::NextAttempt() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::optional<absl::Time> next;
  for (const auto& [name, target] : targets_) {
    if (!next.has_value() || target.not_before < *next) next = target.not_before;
  }
  return next;
}

OutboxRelay::Counts OutboxRelay::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return counts_;
}

}  // namespace nisi::store
