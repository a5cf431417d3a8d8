#include "common/store/writer.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/log.h"

namespace nisi::store {
namespace {

// One batch: enough to fill a sync, small enough that nobody waits long for others' work.
constexpr size_t kGroupCommands = 256;
constexpr size_t kGroupBytes = 8 << 20;
constexpr size_t kHashBytes = 32;

absl::Status OutcomeUnknown(const absl::Status& cause) {
  return base::Refusal(
             cause.code() == absl::StatusCode::kResourceExhausted ? cause.code()
                                                                  : absl::StatusCode::kUnavailable,
             "STORE_FAILED",
             "The store cannot write. The outcome is unknown: retry with the same request id.")
      .RetryAfter(absl::Seconds(5));
}

std::string BigEndian(int64_t value) {
  std::string bytes;
  AppendBigEndian64(&bytes, static_cast<uint64_t>(value));
  return bytes;
}

}  // namespace

std::string OnceKey(const CommandInfo& info) {
  return base::Sha256Bytes(
      absl::StrCat(info.actor, "\n", info.on_behalf_of, "\n", info.method, "\n", info.request_id));
}

absl::StatusOr<Outcome> DecodeOnce(const CommandInfo& info, absl::string_view value) {
  if (value.size() < 8 + kHashBytes + 8) return base::StoreCorrupt("request row");
  if (value.substr(8, kHashBytes) != info.body_hash) {
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "IDEMPOTENCY_KEY_REUSED",
                         "This request id was used with another request: take a new one.")
        .Precondition("IDEMPOTENCY_KEY_REUSED", "request_id",
                      "the body differs from the first one");
  }
  Outcome outcome;
  outcome.position = static_cast<int64_t>(ReadBigEndian64(value.substr(8 + kHashBytes)));
  outcome.reply = std::string(value.substr(8 + kHashBytes + 8));
  outcome.replayed = true;
  return outcome;
}

Writer::Writer(Deps deps, Frontier frontier, int64_t position, int64_t recorded_us)
    : deps_(std::move(deps)),
      frontier_(std::move(frontier)),
      position_(position),
      recorded_us_(recorded_us) {
  thread_ = std::thread([this] { Loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void Writer::Submit(Command command) {
  absl::Status refused;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_.ok()) {
      refused = OutcomeUnknown(failure_);
    } else if (queue_.size() >= deps_.queue_limit) {
      refused = base::Overloaded("store write queue", absl::Milliseconds(100));
    } else {
      queue_.push_back(std::move(command));
    }
  }
  if (!refused.ok()) {
    command.done(refused);
  } else {
    work_.notify_one();
  }
}

size_t Writer::queue_depth() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.size();
}

absl::Status Writer::failure() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return failure_;
}

void Writer::Loop() {
  while (true) {
    std::vector<Command> commands;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const size_t count = std::min(queue_.size(), kGroupCommands);
      commands.assign(std::make_move_iterator(queue_.begin()),
                      std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(count)));
      queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    CommitGroup(std::move(commands));
  }
}

void Writer::CommitGroup(std::vector<Command> commands) {
  size_t next = 0;
  while (next < commands.size()) {
    const auto snapshot = deps_.engine->NewSnapshot();
    Group group{Overlay(snapshot.get()), {}, {}};
    // One moment a group: no day turns between a version scheduled in it and the commit that says
    // so.
    const absl::Time now = deps_.clock->Now();
    for (; next < commands.size() && group.overlay.bytes() < kGroupBytes; ++next) {
      absl::StatusOr<Outcome> outcome =
          failure().ok() ? Run(commands[next], now, group) : OutcomeUnknown(failure());
      group.answers.push_back(Answer{std::move(commands[next].done), std::move(outcome)});
    }
    const absl::Status persisted = Persist(group);
    // An answer may rest on what an earlier command of the group wrote, so none leaves before the
    // commit.
    for (Answer& answer : group.answers) {
      if (!persisted.ok()) answer.outcome = OutcomeUnknown(persisted);
      answer.done(std::move(answer.outcome));
    }
  }
}

absl::StatusOr<std::optional<Outcome>> Writer::Replay(const CommandInfo& info,
                                                      const Overlay& overlay) const {
  if (info.request_id.empty()) return std::optional<Outcome>();
  std::string value;
  ASSIGN_OR_RETURN(const bool present, overlay.Get(Space::kOnce, OnceKey(info), &value));
  if (!present) return std::optional<Outcome>();
  ASSIGN_OR_RETURN(Outcome outcome, DecodeOnce(info, value));
  return std::optional<Outcome>(std::move(outcome));
}

absl::StatusOr<Outcome> Writer::Run(const Command& command, absl::Time now, Group& group) {
  if (!command.info.request_id.empty() && command.info.body_hash.size() != kHashBytes) {
    return base::Refusal(absl::StatusCode::kInternal, "BODY_HASH",
                         "A request id comes with a hash of 32 bytes.");
  }
  ASSIGN_OR_RETURN(std::optional<Outcome> before, Replay(command.info, group.overlay));
  if (before.has_value()) return *std::move(before);

  const size_t mark = group.overlay.Mark();
  // Strictly rising also when the clock stands still or goes back.
  const int64_t recorded_us = std::max(absl::ToUnixMicros(now), recorded_us_ + 1);
  const bool settled = absl::ToUnixMicros(now) < deps_.next_effective_us();
  Tx tx(&group.overlay, deps_.schema, deps_.sealer, base::Date::LegalDay(now), settled,
        position_ + 1, recorded_us);
  absl::StatusOr<std::string> reply = command.run(tx);
  if (!reply.ok() || command.info.validate_only) {
    group.overlay.Rollback(mark);
    if (!reply.ok()) return reply.status();
    return Outcome{*std::move(reply), 0, false};
  }
  group.notice.timers_changed = group.notice.timers_changed || tx.timers_changed_;
  group.notice.tables.insert(tx.promoted_.begin(), tx.promoted_.end());
  group.notice.outbox_changed = group.notice.outbox_changed || tx.outbox_changed_;
  Outcome outcome{*std::move(reply), position_, false};
  if (command.bookkeeping) return outcome;

  recorded_us_ = recorded_us;
  Seal(tx, command.info, group);
  outcome.position = position_;
  if (!command.info.request_id.empty()) {
    group.overlay.Put(Space::kOnce, OnceKey(command.info),
                      absl::StrCat(BigEndian(recorded_us), command.info.body_hash,
                                   BigEndian(position_), outcome.reply));
  }
  return outcome;
}

// Turns the command's changes into journal entries and leaves of the tree.
void Writer::Seal(Tx& tx, const CommandInfo& info, Group& group) {
  std::vector<Node> nodes;
  const auto parts = static_cast<int32_t>(tx.entries_.size());
  for (int32_t part = 1; part <= parts; ++part) {
    journal::v1::Entry& entry = tx.entries_[static_cast<size_t>(part - 1)];
    entry.set_position(++position_);
    entry.mutable_record_time()->set_seconds(recorded_us_ / 1'000'000);
    entry.mutable_record_time()->set_nanos(static_cast<int32_t>(recorded_us_ % 1'000'000) * 1000);
    entry.set_actor(info.actor);
    entry.set_on_behalf_of(info.on_behalf_of);
    entry.set_method(info.method);
    entry.set_request_id(info.request_id);
    for (const base::LegalBasis& basis : tx.legal_basis_) *entry.add_legal_basis() = basis;
    entry.set_part(part);
    entry.set_parts(parts);
    for (const auto& change : entry.changes()) group.notice.tables.insert(change.table());
    const std::string leaf = entry.SerializeAsString();
    group.overlay.Put(
        Space::kLog, JournalKey(position_),
        EncodeJournal(leaf, tx.openings_[static_cast<size_t>(part - 1)].SerializeAsString()));
    frontier_.Append(LeafHash(leaf), &nodes);
  }
  for (const Node& node : nodes) {
    group.overlay.Put(Space::kLog, NodeKey(node.level, node.index), ToBytes(node.hash));
  }
}

absl::Status Writer::Persist(Group& group) {
  if (group.overlay.empty()) return absl::OkStatus();
  group.overlay.Put(Space::kData, SystemKey(kMetaId, Key::Of(kRecordedMeta)),
                    BigEndian(recorded_us_));
  ASSIGN_OR_RETURN(const int64_t base_position, deps_.engine->LastPosition());
  Batch batch;
  batch.ops = group.overlay.TakeOps();
  batch.base_position = base_position;
  batch.position = position_;
  const auto start = std::chrono::steady_clock::now();
  absl::Status status = deps_.engine->Commit(batch);
  if (status.ok() && position_ != base_position)
    status = deps_.witness->Save(Head{position_, frontier_.root()});
  if (!status.ok()) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      failure_ = status;
    }
    base::Log(base::Severity::kError, "store_failed", {{"status", status.ToString()}});
    deps_.on_failure(status);
    return status;
  }
  deps_.observe(group.answers.size(),
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  group.notice.position = position_;
  deps_.on_commit(group.notice);
  return absl::OkStatus();
}

}  // namespace nisi::store
