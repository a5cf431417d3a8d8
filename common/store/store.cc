#include "common/store/store.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/planted.h"
#include "common/store/derived.h"
#include "common/store/schema_text.h"
#include "common/store/totals.h"

namespace nisi::store {
namespace {

std::string MetaKey(absl::string_view name) {
  return SystemKey(kMetaId, Key::Of(name));
}
constexpr char kSchemaMeta[] = "schema";
constexpr char kSecretMeta[] = "secret";
constexpr char kOldestMeta[] = "oldest";
constexpr size_t kSecretBytes = 32;

// What an operator reads when a row that opening needs is damaged.
absl::Status NotOpened(const absl::Status& damage) {
  const auto info = base::InfoOf(damage);
  const auto what = info.metadata().find("what");
  const std::string text = what == info.metadata().end() ? "" : what->second;
  return base::Refusal(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                       absl::StrCat("The store is damaged: ", text,
                                    ". It was not opened and nothing is served from it. Keep the "
                                    "folder for examination and restore the store from a "
                                    "checkpoint or backup."))
      .With("what", text);
}

int64_t Number(absl::string_view bytes) {
  return bytes.size() == 8 ? static_cast<int64_t>(ReadBigEndian64(bytes)) : 0;
}

}  // namespace

absl::StatusOr<std::string> View::Meta(absl::string_view name) const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present, snapshot_->Get(Space::kData, MetaKey(name), &value));
  return present ? value : std::string();
}

absl::StatusOr<int64_t> View::RecordedUs() const {
  ASSIGN_OR_RETURN(const std::string value, Meta(kRecordedMeta));
  return Number(value);
}

absl::StatusOr<int64_t> View::Position() const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present, snapshot_->Get(Space::kData, kPositionKey, &value));
  return present ? Number(value) : 0;
}

Store::Store(std::unique_ptr<Engine> engine, const Schema& schema, Options options)
    : engine_(std::move(engine)), schema_(&schema), options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(std::unique_ptr<Engine> engine,
                                                   const Schema& schema, Options options) {
  if (const std::string problem = schema.Problem(); !problem.empty()) {
    return base::Refusal(absl::StatusCode::kInternal, "SCHEMA_INVALID", problem);
  }
  if (options.witness == nullptr) options.witness = NoWitness();
  if (!options.on_failure) options.on_failure = [](const absl::Status&) {};
  if (!options.on_file_damage) options.on_file_damage = [](const absl::Status&) {};
  if (!options.observe_commit) options.observe_commit = [](size_t, double) {};
  std::unique_ptr<Store> store(new Store(std::move(engine), schema, std::move(options)));
  const absl::Status loaded = store->Load();
  if (base::ReasonOf(loaded) == "STORE_CORRUPT") return NotOpened(loaded);
  RETURN_IF_ERROR(loaded);
  return store;
}

absl::Status Store::Load() {
  ASSIGN_OR_RETURN(const int64_t position, engine_->LastPosition());
  position_ = position;
  const View view = Read();
  ASSIGN_OR_RETURN(const std::string schema_json, view.Meta(kSchemaMeta));
  const bool is_new = schema_json.empty() && position == 0;
  RETURN_IF_ERROR(CheckMeta(view, is_new));
  ASSIGN_OR_RETURN(const std::string oldest, view.Meta(kOldestMeta));
  oldest_ = std::max<int64_t>(1, Number(oldest));
  RETURN_IF_ERROR(LoadSecret(view, is_new));
  RETURN_IF_ERROR(CheckWitness());
  RETURN_IF_ERROR(LoadNextEffective());

  ASSIGN_OR_RETURN(Frontier frontier, Frontier::Load(position, StoredNodes(view.snapshot())));
  ASSIGN_OR_RETURN(const int64_t recorded_us, view.RecordedUs());
  recorded_us_ = recorded_us;
  opened_ = std::chrono::steady_clock::now();
  opened_at_ = recorded_us == 0 ? options_.clock->Now() : absl::FromUnixMicros(recorded_us);
  SayTime(recorded_us);
  writer_ = std::make_unique<Writer>(WriterDeps(), std::move(frontier), position, recorded_us);

  RETURN_IF_ERROR(SaveSchema(schema_json, is_new));
  LookWhetherAllIsBuilt();
  if (options_.background) StartThreads();
  return absl::OkStatus();
}

absl::Status Store::LoadSecret(const View& view, bool is_new) {
  ASSIGN_OR_RETURN(secret_, view.Meta(kSecretMeta));
  if (is_new) secret_ = base::RandomBytes(kSecretBytes);
  // Without it everybody could make page tokens and try out what was withheld.
  if (secret_.size() != kSecretBytes) return base::StoreCorrupt("secret of the store");
  ASSIGN_OR_RETURN(const std::string line, engine_->Line());
  token_key_ = std::string(base::AsBytes(base::HmacSha256(secret_, {"page tokens/", line})));
  sealer_ = std::make_unique<Sealer>(secret_, *schema_);
  return absl::OkStatus();
}

Writer::Deps Store::WriterDeps() {
  return {engine_.get(),
          schema_,
          sealer_.get(),
          options_.witness.get(),
          options_.clock,
          [this](const CommitNotice& notice) { OnCommit(notice); },
          options_.on_failure,
          options_.observe_commit,
          options_.queue_limit,
          options_.disk_reserve_bytes,
          [this] { return next_effective_us_.load(std::memory_order_acquire); },
          [this](const Snapshot& state, const std::string& from, absl::Time now,
                 const TimerLook& look) { return FirstDue(state, from, now, look); },
          &failing_timers_,
          [this](const Snapshot& state, const std::string& from, absl::Time now) {
            return FindPatient(state, from, now);
          },
          /*timers_first=*/options_.background,
          &all_built_};
}

absl::Status Store::SaveSchema(const std::string& stored, bool is_new) {
  const std::string ours = SchemaText(*schema_);
  if (ours == stored) return absl::OkStatus();
  const std::set<uint16_t> built = is_new ? std::set<uint16_t>() : IndexesIn(stored);
  return Bookkeep([&](Overlay& overlay) {
    overlay.Put(Space::kData, MetaKey(kSchemaMeta), ours);
    if (is_new) overlay.Put(Space::kData, MetaKey(kSecretMeta), secret_);
    const auto to_build = [&](uint16_t id) {
      if (!is_new && !built.contains(id)) overlay.Put(Space::kData, BuildingKey(id), "");
    };
    for (const IndexDef* index : schema_->indexes) to_build(index->id);
    for (const TotalsDef* totals : schema_->totals) to_build(totals->id);
    for (const Derived* derived : schema_->derived) to_build(derived->id);
    return absl::OkStatus();
  });
}

void Store::StartThreads() {
  // What fell due while the store was closed happens before anything is served.
  (void)RunDueTimers();  // what fails is logged, and tried again
  timer_thread_ = std::thread([this] { TimerLoop(); });
  upkeep_thread_ = std::thread([this] { UpkeepLoop(); });
  if (options_.scrub_interval > absl::ZeroDuration()) {
    scrub_thread_ = std::thread([this] { ScrubLoop(); });
  }
}

absl::Status Store::CheckMeta(const View& view, bool is_new) {
  if (is_new) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string text, view.Meta(kSchemaMeta));
  return CheckSchemaText(text, *schema_);
}

absl::Status Store::CheckWitness() {
  if (base::Planted("witness-unread")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<Head> head, options_.witness->Load());
  if (!head.has_value()) return absl::OkStatus();
  constexpr char kAdvice[] =
      "The witness has seen a later state than this store holds: it was rolled back, or its log is "
      "missing. Restore "
      "the newest backup and replay, or remove the witness file to accept the loss.";
  if (head->position > position()) return RefuseToOpen("STORE_ROLLED_BACK", kAdvice);
  ASSIGN_OR_RETURN(const Hash root, RootAt(head->position));
  if (root != head->root) return RefuseToOpen("STORE_ROLLED_BACK", kAdvice);
  return absl::OkStatus();
}

Store::~Store() {
  stopping_ = true;
  { const std::lock_guard<std::mutex> lock(upkeep_mutex_); }
  upkeep_.notify_all();
  options_.clock->Wake();
  if (timer_thread_.joinable()) timer_thread_.join();
  if (upkeep_thread_.joinable()) upkeep_thread_.join();
  if (scrub_thread_.joinable()) scrub_thread_.join();
  writer_.reset();
}

absl::Status Store::Readiness() const {
  RETURN_IF_ERROR(failure());
  const absl::Duration stalled = writer_->stalled_for();
  if (stalled < options_.stalled_after) return absl::OkStatus();
  return base::Unavailable(
      "STORE_STALLED",
      absl::StrCat("The store of ", schema_->name, " has answered nobody for ",
                   absl::FormatDuration(absl::Trunc(stalled, absl::Seconds(1))),
                   ": its disk hangs, or one command takes very long."),
      absl::Seconds(5));
}

void Store::WriteAsync(CommandInfo info, CommandFn run, CommandDone done) {
  Command command;
  command.info = std::move(info);
  command.run = std::move(run);
  command.done = std::move(done);
  writer_->Submit(std::move(command));
}

absl::StatusOr<Outcome> Store::Submit(Command command) {
  struct Wait {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<absl::StatusOr<Outcome>> outcome;
  } wait;
  command.done = [&wait](absl::StatusOr<Outcome> outcome) {
    // Notified under the lock: `wait` is gone once its owner gets the lock.
    const std::lock_guard<std::mutex> lock(wait.mutex);
    wait.outcome = std::move(outcome);
    wait.ready.notify_one();
  };
  writer_->Submit(std::move(command));
  std::unique_lock<std::mutex> lock(wait.mutex);
  wait.ready.wait(lock, [&wait] { return wait.outcome.has_value(); });
  return *std::move(wait.outcome);
}

absl::StatusOr<Outcome> Store::Write(const CommandInfo& info, const CommandFn& run) {
  Command command;
  command.info = info;
  command.run = run;
  return Submit(std::move(command));
}

absl::Status Store::Bookkeep(const std::function<absl::Status(Overlay&)>& change) {
  Command command;
  command.bookkeeping = true;
  command.run = [&change](Tx& tx) -> absl::StatusOr<std::string> {
    RETURN_IF_ERROR(change(*tx.overlay_));
    return std::string();
  };
  return Submit(std::move(command)).status();
}

absl::StatusOr<std::optional<Outcome>> Store::FindReply(const CommandInfo& info) const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present,
                   engine_->NewSnapshot()->Get(Space::kOnce, OnceKey(info), &value));
  if (!present) return std::optional<Outcome>();
  ASSIGN_OR_RETURN(Outcome outcome, DecodeOnce(info, value));
  return std::optional<Outcome>(std::move(outcome));
}

View Store::Read(Reach reach) const {
  const absl::Time now = Now();
  const bool settled = absl::ToUnixMicros(now) < next_effective_us_.load(std::memory_order_acquire);
  const bool all_built = all_built_.load(std::memory_order_acquire);
  return View(engine_->NewSnapshot(reach), schema_, base::Date::LegalDay(now), settled, all_built);
}

absl::Time Store::Now() const {
  return StoreTime(options_.clock->Now(), recorded_us_.load(std::memory_order_acquire));
}

absl::Status Store::LoadNextEffective() {
  ASSIGN_OR_RETURN(const std::optional<TimerRow> next, FirstTimer());
  next_effective_us_.store(std::min(next.has_value() ? next->due_us : INT64_MAX,
                                    failing_timers_.earliest_effective_us()),
                           std::memory_order_release);
  return absl::OkStatus();
}

void Store::SayTime(int64_t recorded_us) {
  const auto open_for = absl::FromChrono(std::chrono::steady_clock::now() - opened_);
  engine_->SayTime(std::min(absl::FromUnixMicros(recorded_us), opened_at_ + open_for));
}

void Store::OnCommit(const CommitNotice& notice) {
  position_.store(notice.position, std::memory_order_release);
  recorded_us_.store(notice.recorded_us, std::memory_order_release);
  SayTime(notice.recorded_us);
  {
    const std::lock_guard<std::mutex> lock(timers_mutex_);
    timers_from_ = notice.timers_from;
  }
  const bool failing_changed = failing_timers_.OnCommit(notice.acted);
  if (notice.timers_changed || failing_changed) {
    timers_dirty_ = true;
    if (const absl::Status status = LoadNextEffective(); !status.ok()) {
      next_effective_us_.store(INT64_MIN, std::memory_order_release);  // unknown: resolve exactly
    }
    options_.clock->Wake();
  }
  const std::lock_guard<std::mutex> lock(followers_mutex_);
  for (const auto& [id, follower] : followers_) follower(notice);
}

int Store::Subscribe(std::function<void(const CommitNotice&)> follower) {
  const std::lock_guard<std::mutex> lock(followers_mutex_);
  followers_.emplace(next_follower_, std::move(follower));
  return next_follower_++;
}

void Store::Unsubscribe(int id) {
  const std::lock_guard<std::mutex> lock(followers_mutex_);
  followers_.erase(id);
}

}  // namespace nisi::store
