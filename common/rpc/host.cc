#include "common/rpc/host.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/health.h"
#include "common/store/failure_note.h"
#include "common/store/first_opening.h"
#include "common/store/restore.h"
#include "common/store/rocks_engine.h"
#include "common/store/witness.h"

namespace nisi::rpc {
namespace {

// The target has said no and will again: not that it was away, nor that somebody got there first,
// nor that there is no way to it.
bool IsRefused(const absl::Status& said) {
  if (base::ReasonOf(said) == "PEER_INVALID") return false;
  switch (said.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return true;
    default:
      return false;
  }
}

// The scrub works so much of the time of one processor at most.
constexpr double kScrubShare = 0.05;
constexpr char kOutboxActor[] = "system/outbox";

// How far the file is behind `position`, as whoever opens the store next would see it. The writer
// has the file open and would not notice that it was taken away. It saves to the witness before
// `position` grows, so a sound one is never behind.
int64_t WitnessLag(const std::string& path, int64_t position) {
  const auto head = store::FileWitness(path)->Load();
  const int64_t seen = head.ok() && head->has_value() ? (*head)->position : 0;
  return std::max<int64_t>(position - seen, 0);
}

// Of this store, under earlier processes: one whose store fails ends before it is scraped again.
std::vector<store::Figure> FailureFigures(const std::string& dir) {
  const std::vector<store::Failure> failures = store::ReadFailures(dir);
  std::vector<store::Figure> figures;
  for (const absl::string_view kind : {store::kFailedCommit, store::kFailedDamage}) {
    double at = 0;
    for (const store::Failure& failure : failures) {
      if (failure.kind == kind) at = absl::ToDoubleSeconds(failure.at - absl::UnixEpoch());
    }
    figures.push_back({"nisi_store_last_failure_timestamp_seconds",
                       "When the store has last failed, since 1970; 0: never.",
                       at,
                       {{"kind", std::string(kind)}}});
  }
  return figures;
}

// Looked for at the first scrape and after each backup, and not each time: the folder may lie on a
// disk that does not answer. Scrapes come one at a time.
Metrics::Figures DrillFigures(const std::shared_ptr<StoreEnv>& env) {
  return [env, backup = -1.0, restored = 0.0]() mutable -> std::vector<store::Figure> {
    if (env->backup_dir.empty()) return {};
    if (const double made = env->last_success; made != backup) {
      backup = made;
      const absl::Time last = store::LastRestored(env->backup_dir);
      if (last != absl::InfinitePast()) restored = absl::ToDoubleSeconds(last - absl::UnixEpoch());
    }
    return {{"nisi_store_backup_last_restored_timestamp_seconds",
             "When a restore has last proved all of the backups, since 1970; 0: none did. As of "
             "the last backup, or the start.",
             restored}};
  };
}

// What was done is noted once: the message has the same id at every attempt. A refusal may be told
// again, as it may become an answer.
absl::Status NoteSaid(store::Store& store, const Delivery& delivery,
                      const store::OutboxMessage& message,
                      const absl::StatusOr<std::string>& said) {
  store::CommandInfo info;
  info.actor = kOutboxActor;
  info.method = absl::StrCat("outbox", message.method);
  if (said.ok()) info.request_id = message.id;
  info.body_hash = base::Sha256Bytes(message.payload);
  return store
      .Write(info,
             [&](store::Tx& tx) -> absl::StatusOr<std::string> {
               RETURN_IF_ERROR(delivery.note(tx, message, said));
               return std::string();
             })
      .status();
}

// How it stands with the store, for the metrics.
std::vector<store::Figure> StoreFigures(store::Store& store, const store::StorePlace& place,
                                        uint64_t reserve) {
  std::vector<store::Figure> figures = FailureFigures(place.dir);
  for (store::Figure& figure : store.engine().Stats()) {
    figure.name = "nisi_store_" + figure.name;
    figures.push_back(std::move(figure));
  }
  const auto add = [&figures](const char* name, const char* help, double value) {
    figures.push_back({name, help, value});
  };
  const int64_t position = store.position();
  add("nisi_store_position", "Journal position of the last commit.", static_cast<double>(position));
  add("nisi_store_witness_lag", "Journal entries of which the file of the witness does not know.",
      static_cast<double>(WitnessLag(place.witness, position)));
  add("nisi_store_queue_depth", "Commands that wait for the writer.",
      static_cast<double>(store.queue_depth()));
  add("nisi_store_failed", "1 when the store has stopped and must be reopened.",
      store.failure().ok() ? 0 : 1);
  add("nisi_store_file_damage", "1 when the check of files found damage.",
      store.file_damage().ok() ? 0 : 1);
  if (const auto unbuilt = store.UnbuiltIndexes(); unbuilt.ok()) {
    add("nisi_store_indexes_unbuilt",
        "Indexes and sums that are being built, or cannot be, as two records have one key.",
        static_cast<double>(unbuilt->size()));
  }
  const store::FailingTimers::Counts failing = store.failing_timers();
  add("nisi_store_timers_failing",
      "Timers that are due and whose last attempt failed, with those that wait behind them.",
      static_cast<double>(failing.failing));
  add("nisi_store_timers_failing_since_timestamp_seconds",
      "When the oldest of them was due, since 1970; 0: none fails.",
      failing.failing == 0 ? 0 : absl::ToDoubleSeconds(failing.oldest_due - absl::UnixEpoch()));
  const store::Store::ScrubRun scrub = store.last_scrub();
  add("nisi_store_scrub_runs_total", "Scrubs that came to their end since the start.",
      static_cast<double>(scrub.runs));
  add("nisi_store_scrub_last_end_timestamp_seconds",
      "When the last scrub ended, since 1970; 0: none.",
      scrub.runs == 0 ? 0 : absl::ToDoubleSeconds(scrub.ended - absl::UnixEpoch()));
  add("nisi_store_scrub_last_took_seconds", "How long it took.", absl::ToDoubleSeconds(scrub.took));
  add("nisi_store_scrub_findings", "What it found: more than 0 stops the store.",
      static_cast<double>(scrub.findings));
  if (const auto free = store.engine().FreeBytes(); free.has_value()) {
    add("nisi_store_disk_free_bytes", "Room on the disk of the store.", static_cast<double>(*free));
  }
  add("nisi_store_disk_reserve_bytes", "With less room than this the store takes no writes.",
      static_cast<double>(reserve));
  return figures;
}

store::Store::Options StoreOptions(const HostOptions& options, const store::StorePlace& place,
                                   std::map<std::string, store::TimerDef> timers) {
  store::Store::Options made;
  made.clock = options.clock;
  made.witness = store::FileWitness(place.witness);
  made.timers = std::move(timers);
  made.disk_reserve_bytes = options.disk_reserve_bytes;
  made.stalled_after = options.stalled_after;
  made.scrub_interval = options.scrub_interval;
  made.scrub_limits = {options.scrub_bytes_a_second, kScrubShare};
  made.on_failure = [dir = place.dir, told = options.on_store_failure](const absl::Status& why) {
    // By the system's clock, as Prometheus reads it.
    store::NoteFailure(dir, why, base::SystemNow());
    told(why);
  };
  made.on_file_damage = [dir = place.dir](const absl::Status& damage) {
    store::NoteFailure(dir, damage, base::SystemNow());
  };
  made.observe_commit = [metrics = options.metrics](size_t commands, double seconds) {
    metrics->ObserveCommit(commands, seconds);
  };
  return made;
}

// `what` is to lie in it.
absl::Status MakeFolder(const std::string& dir, const char* reason, absl::string_view what) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (!error) return absl::OkStatus();
  return base::Refusal(absl::StatusCode::kFailedPrecondition, reason,
                       absl::StrCat("Cannot make the folder for ", what, "."))
      .With("why", error.message());
}

}  // namespace

absl::Status HostedService::OpenStore(const HostOptions& options, const store::Schema& schema,
                                      std::map<std::string, store::TimerDef> timers,
                                      const Delivery& delivery) {
  RETURN_IF_ERROR(CheckMarks(schema));
  const bool marked = HasMarks(schema);
  schema_ = marked ? WithDisclosure(schema) : schema;
  const std::string base = absl::StrCat(options.data_dir, "/", schema.name);
  const std::string& witnesses =
      options.witness_dir.empty() ? options.data_dir : options.witness_dir;
  for (const std::string& dir : {options.data_dir, witnesses}) {
    RETURN_IF_ERROR(MakeFolder(dir, "DATA_DIR", "data or for witnesses"));
  }
  store::RocksOptions rocks;
  rocks.dir = base;
  rocks.sync = options.sync;
  rocks.keep_logs = !options.backup_dir.empty();
  rocks.file_system = options.file_system;
  rocks.now = [clock = options.clock] { return clock->Now(); };
  const store::StorePlace place{base, absl::StrCat(witnesses, "/", schema.name, ".witness")};
  std::error_code error;
  const bool witnessed = std::filesystem::exists(place.witness, error);
  const std::string backups =
      options.backup_dir.empty() ? "" : absl::StrCat(options.backup_dir, "/", schema.name);
  if (!backups.empty() && !options.new_store) RETURN_IF_ERROR(store::CheckNotLost(place, backups));
  RETURN_IF_ERROR(store::CheckFirstOpening(place, schema_, *options.clock));
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  ASSIGN_OR_RETURN(head_key_, HeadKeyFromFile(base + ".head.pem"));
  options.metrics->ForStore();

  ASSIGN_OR_RETURN(std::unique_ptr<store::Store> opened,
                   store::Store::Open(std::move(engine), schema_,
                                      StoreOptions(options, place, std::move(timers))));
  store_ = std::move(opened);
  RETURN_IF_ERROR(store::NoteOpened(place, schema_));
  // It may be a copy that was put back without its witness: nobody else can tell.
  if (!witnessed && store_->position() > 0) {
    base::Log(
        base::Severity::kWarning, "witness_absent",
        {{"service", schema.name}, {"witness", place.witness}, {"position", store_->position()}});
  }
  store_env_ = std::make_shared<StoreEnv>();
  store_env_->store = store_.get();
  store_env_->head_key = head_key_;
  store_env_->kept = {options.backups_kept, options.backup_days_kept};
  store_env_->backup_dir = backups;
  if (!options.backup_dir.empty()) {
    RETURN_IF_ERROR(MakeFolder(options.backup_dir, "BACKUP_DIR", "backups"));
  }
  options.metrics->AddFigures([env = store_env_] { return BackupFigures(*env); });
  options.metrics->AddFigures(DrillFigures(store_env_));
  options.metrics->AddFigures([weak = std::weak_ptr<store::Store>(store_), place,
                               reserve = options.disk_reserve_bytes] {
    const auto store = weak.lock();
    return store == nullptr ? std::vector<store::Figure>() : StoreFigures(*store, place, reserve);
  });
  journal_ = JournalEnv{store_.get(), head_key_, &registry_};
  if (options.peers != nullptr) DeliverTo(options, delivery);
  registry_.AskForHealth("", [store = store_.get()] { return store->Readiness(); });
  registry_.AskForHealth(kStoreName, [store = store_.get()] { return store->file_damage(); });
  RETURN_IF_ERROR(AddJournalService(journal_, &registry_));
  RETURN_IF_ERROR(AddStoreService(*store_env_, &registry_));
  if (!marked) return absl::OkStatus();
  registry_.DiscloseFrom(store_.get());
  disclosure_ = DisclosureEnv{store_.get(), &registry_};
  return AddDisclosureService(disclosure_, &registry_);
}

// The metrics may outlive the service, and ask while it ends.
struct HostedService::Relayed {
  std::mutex mutex;
  const store::OutboxRelay* relay = nullptr;
};

HostedService::~HostedService() {
  if (relayed_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(relayed_->mutex);
  relayed_->relay = nullptr;
}

void HostedService::DeliverTo(const HostOptions& options, const Delivery& delivery) {
  store::OutboxRelay::Options relay_options;
  relay_options.old = options.old_messages;
  relay_ = std::make_unique<store::OutboxRelay>(
      *store_,
      [&peers = *options.peers, delivery,
       store = store_.get()](const store::OutboxMessage& message) -> absl::Status {
        const absl::StatusOr<std::string> said = peers.Deliver(message, delivery.roles);
        if (delivery.note == nullptr || (!said.ok() && !IsRefused(said.status()))) {
          return said.status();
        }
        return NoteSaid(*store, delivery, message, said);
      },
      relay_options);
  relayed_ = std::make_shared<Relayed>();
  relayed_->relay = relay_.get();
  options.metrics->AddFigures([relayed = relayed_] {
    const std::lock_guard<std::mutex> lock(relayed->mutex);
    if (relayed->relay == nullptr) return std::vector<store::Figure>();
    const store::OutboxRelay::Counts counts = relayed->relay->counts();
    return std::vector<store::Figure>{
        {"nisi_outbox_pending", "Messages for other services that are not confirmed yet.",
         static_cast<double>(counts.pending)},
        {"nisi_outbox_failing_targets", "Services whose last delivery failed.",
         static_cast<double>(counts.failing_targets)},
        {"nisi_outbox_delivered_total", "Messages that other services confirmed.",
         static_cast<double>(counts.delivered)},
        {"nisi_outbox_failed_total", "Deliveries that failed and will be tried again.",
         static_cast<double>(counts.failed)}};
  });
}

}  // namespace nisi::rpc
