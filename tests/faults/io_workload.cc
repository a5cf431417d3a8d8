#include "tests/faults/io_workload.h"

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/store/layout.h"
#include "common/store/store_testing.h"
#include "common/store/witness.h"
#include "tests/faults/widgets.h"

namespace nisi::faults {
namespace {

using store::Key;

constexpr int kWidgets = 60;  // written again and again
constexpr int kCompactEvery = 70;
constexpr int kReopenAt = 120;
constexpr int kTries = 3;  // of a store that has failed

// Each commit writes or ends a record with its indexes and leaves a message to another service, and
// every tenth writes a version that takes effect later, with its timer.
store::CommandFn CommandOf(int n) {
  return [n](store::Tx& tx) -> absl::StatusOr<std::string> {
    const store::WidgetRow row = NumberedWidget(n % kWidgets, n);
    RETURN_IF_ERROR(WriteOrEnd(tx, n, row));
    tx.Emit("peer", "/nisi.testing.v1.WidgetService/CreateWidget", row.widget());
    return absl::StrCat("reply ", n, " at ", tx.position(), std::string(400, 'x'));
  };
}

struct Opened {
  std::unique_ptr<store::Store> store;
  store::Engine* engine = nullptr;
};

class Workload {
 public:
  Workload(const std::string& folder, const store::FaultPlan& plan, IoRecord* record)
      : folder_(folder),
        disk_(plan),
        clock_(store::Day("2026-06-15").StartOfDay()),
        record_(record) {}

  bool Open();
  void Run();

 private:
  bool Commit(int n);
  bool Settle(int n);
  void TryOthers();
  void Note();
  // A write or sync of the log has, and the store was not opened since.
  bool LogFailed() const;

  const std::string folder_;
  const store::FaultDisk disk_;
  base::FakeClock clock_;
  const store::Schema schema_ = store::WidgetSchema();
  IoRecord* const record_;
  Opened opened_;
  bool failed_before_open_ = false;
};

absl::StatusOr<Opened> OpenStore(const std::string& folder, const store::Schema& schema,
                                 base::Clock& clock,
                                 std::shared_ptr<rocksdb::FileSystem> file_system) {
  store::RocksOptions rocks;
  rocks.dir = folder + "/store";
  rocks.file_system = std::move(file_system);
  rocks.write_buffer_bytes = size_t{64} << 10;  // so that there are flushes
  rocks.now = [&clock] { return clock.Now(); };
  Opened opened;
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  opened.engine = engine.get();
  store::Store::Options options;
  options.clock = &clock;
  options.background = false;
  options.witness = store::FileWitness(folder + "/witness");
  ASSIGN_OR_RETURN(opened.store, store::Store::Open(std::move(engine), schema, std::move(options)));
  return opened;
}

bool Workload::Open() {
  opened_.store.reset();
  failed_before_open_ = disk_.failures() > 0;
  auto opened = OpenStore(folder_, schema_, clock_, disk_.file_system());
  Note();
  if (!opened.ok()) return false;
  opened_ = *std::move(opened);
  return true;
}

void Workload::Note() {
  const std::string first = disk_.first_failure();
  first.copy(record_->first_failure.data(), record_->first_failure.size() - 1);
  record_->failures = disk_.failures();
  record_->calls = disk_.calls();
}

bool Workload::LogFailed() const {
  const std::string first = disk_.first_failure();
  const bool wrote = absl::StartsWith(first, "sync ") || absl::StartsWith(first, "append ");
  return wrote && absl::EndsWith(first, ".log") && !failed_before_open_;
}

// Sends a commit; whether it was acknowledged.
bool Workload::Commit(int n) {
  IoRecord::Commit& commit = record_->commits[static_cast<size_t>(n)];
  commit.sent = true;
  const auto outcome = opened_.store->Write(NumberedInfo(n), CommandOf(n));
  Note();
  if (!outcome.ok()) return false;
  if (LogFailed()) record_->acknowledged_after_failed_write = true;
  commit.position = outcome->position;
  const std::string hash = base::Sha256Bytes(outcome->reply);
  std::copy(hash.begin(), hash.end(), commit.reply.begin());
  commit.acknowledged = true;
  return true;
}

// A store that has failed says so to everybody, until it is opened again.
void Workload::TryOthers() {
  for (int n = kCommits - kTries; n < kCommits; ++n) {
    if (Commit(n)) record_->acknowledged_after_failure = true;
  }
}

// Until it is acknowledged; false when the store does not come back.
bool Workload::Settle(int n) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (Commit(n)) return true;
    if (!LogFailed() && opened_.store->failure().ok()) continue;  // a read that failed
    TryOthers();
    if (!Open()) return false;
    record_->opened_again = true;
  }
  return false;
}

void Workload::Run() {
  if (!Open()) return;
  for (int n = 0; n < kCommits; ++n) {
    if (!Settle(n)) return;
    // What fails here is told by the commits that follow, or by nothing.
    if (n % kCompactEvery == kCompactEvery - 1) store::CompactRocks(*opened_.engine).IgnoreError();
    if (n == kReopenAt && !Open()) return;
  }
  Note();
  record_->finished = true;
}

int64_t OutboxRows(const store::Store& store) {
  const store::View view = store.Read();
  const std::string prefix = store::SystemKey(store::kOutboxId, Key());
  int64_t rows = 0;
  const auto cursor = view.snapshot().Scan(store::Space::kData, prefix, store::PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) ++rows;
  return cursor->status().ok() ? rows : -1;
}

}  // namespace

void RunIoWorkload(const std::string& folder, const store::FaultPlan& plan, IoRecord* record) {
  // Never closed: the process ends as by a power cut.
  auto* const workload = new Workload(folder, plan, record);
  workload->Run();
}

std::string VerifyIoWorkload(const std::string& folder, const IoRecord& record) {
  base::FakeClock clock(store::Day("2026-06-15").StartOfDay());
  const store::Schema schema = store::WidgetSchema();
  const auto opened = OpenStore(folder, schema, clock, nullptr);
  if (!opened.ok()) return absl::StrCat("does not open: ", opened.status().ToString());
  const store::Store& store = *opened->store;
  const auto findings = store.Scrub();
  if (!findings.ok()) return absl::StrCat("scrub: ", findings.status().ToString());
  if (!findings->empty()) return absl::StrCat("scrub: ", absl::StrJoin(*findings, "; "));
  int64_t done = 0;
  for (int n = 0; n < kCommits; ++n) {
    const IoRecord::Commit& commit = record.commits[static_cast<size_t>(n)];
    const auto found = store.FindReply(NumberedInfo(n));
    if (!found.ok()) return absl::StrCat("reply ", n, ": ", found.status().ToString());
    if (found->has_value()) ++done;
    if (found->has_value() && !commit.sent) return absl::StrCat(n, " was never sent");
    if (!commit.acknowledged) continue;
    if (!found->has_value()) return absl::StrCat(n, " was acknowledged and is lost");
    const std::string hash = base::Sha256Bytes((*found)->reply);
    const bool same = std::equal(hash.begin(), hash.end(), commit.reply.begin());
    if ((*found)->position != commit.position || !same) {
      return absl::StrCat(n, " has another answer than at first");
    }
  }
  // One journal entry, one request row and one message each.
  if (store.position() != done) return absl::StrCat(store.position(), " entries of ", done);
  if (OutboxRows(store) != done) return absl::StrCat(OutboxRows(store), " messages of ", done);
  return "";
}

}  // namespace nisi::faults
