// A whole store with damaged rows: it refuses to open or it serves, and every call ends in an
// answer that says what is wrong. Damage to the journal never passes for health.
#include "common/store/store.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/store/engine_testing.h"
#include "common/store/mem_engine.h"
#include "common/store/outbox.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/widgets.h"

namespace nisi::fuzz::store_target {
namespace {

using store::At;
using store::Key;
using store::OwnedOp;
using store::Range;
using store::RowView;
using store::Space;
using store::Store;
using store::Tx;
using testing::v1::WidgetRow;

const absl::Time kNow = absl::FromUnixSeconds(1'781'500'000);

const store::Schema& TheSchema() {
  static const auto* const kSchema = new store::Schema(WidgetSchema());
  return *kSchema;
}

WidgetRow Row(absl::string_view code, absl::string_view color, absl::string_view bin) {
  WidgetRow row;
  row.mutable_widget()->set_code(std::string(code));
  row.mutable_widget()->set_color(std::string(color));
  row.mutable_widget()->set_bin(std::string(bin));
  row.mutable_widget()->set_secret("secret");
  row.set_owner_note("note");
  return row;
}

store::CommandInfo Info(absl::string_view id) {
  store::CommandInfo info;
  info.actor = "tester";
  info.method = "/nisi.testing.v1.WidgetService/CreateWidget";
  info.request_id = std::string(id);
  info.body_hash = base::Sha256Bytes("body");
  return info;
}

absl::StatusOr<std::unique_ptr<Store>> Open(std::shared_ptr<store::MemDisk> disk,
                                            base::Clock* clock) {
  Store::Options options;
  options.clock = clock;
  options.background = false;
  options.timers["tick"] = [](Tx&, absl::string_view, absl::Time) { return absl::OkStatus(); };
  return Store::Open(store::OpenMem(std::move(disk)), TheSchema(), std::move(options));
}

// The commands of the sound store: versions of three times, an end, a message, timers, replies.
absl::Status Fill(Store& store) {
  const base::Date today = base::Date::LegalDay(kNow);
  int command = 0;
  const auto put = [&](WidgetRow row, base::Date from) {
    return store
        .Write(Info(absl::StrCat("r", ++command)),
               [&](Tx& tx) -> absl::StatusOr<std::string> {
                 RETURN_IF_ERROR(tx.Put(kWidgets, &row, from));
                 if (command < 3) tx.Emit("other", "/Do", row);
                 tx.Schedule(kNow + absl::Hours(command - 3), "tick", "payload");
                 RETURN_IF_ERROR(tx.Next("counter").status());
                 return std::string("reply");
               })
        .status();
  };
  RETURN_IF_ERROR(put(Row("a", "red", "111111111111"), today.AddDays(-9)));
  RETURN_IF_ERROR(put(Row("a", "blue", "111111111111"), today));
  RETURN_IF_ERROR(put(Row("a", "green", "222222222222"), today.AddDays(9)));
  RETURN_IF_ERROR(put(Row("b", "red", ""), today));
  return store
      .Write(Info("end"),
             [&](Tx& tx) -> absl::StatusOr<std::string> {
               RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("b"), today));
               return std::string();
             })
      .status();
}

struct Sound {
  std::vector<OwnedOp> rows;
  int64_t position = 0;
};

// Everything a sound store holds, made once.
const Sound& TheSound() {
  static const auto* const kSound = [] {
    // Damage is what this is about: not a line of it.
    base::SetMinSeverity(static_cast<base::Severity>(static_cast<int>(base::Severity::kError) + 1));
    base::FakeClock clock(kNow);
    const auto disk = store::NewMemDisk();
    auto opened = Open(disk, &clock);
    Expect(opened.ok() && Fill(**opened).ok(), "the sound store is made");
    auto* sound = new Sound;
    sound->position = (*opened)->position();
    const auto snapshot = (*opened)->engine().NewSnapshot();
    for (const Space space : {Space::kData, Space::kLog, Space::kOnce}) {
      for (const auto at = snapshot->Scan(space, "", ""); at->Valid(); at->Next()) {
        sound->rows.push_back({space, std::string(at->key()), std::string(at->value())});
      }
    }
    return sound;
  }();
  return *kSound;
}

// What the input does to the rows. True when an entry's leaf was changed and nothing else was.
bool Damage(Input& in, std::vector<OwnedOp>* rows) {
  bool leaf = false;
  bool other = false;
  for (int i = 0; i < 4 && !in.empty(); ++i) {
    const uint8_t kind = in.Byte() % 4;
    OwnedOp& row = (*rows)[in.Byte() % rows->size()];
    const OwnedOp before = row;
    std::string edits(in.Part());
    Input edit(reinterpret_cast<const uint8_t*>(edits.data()), edits.size());
    if (kind == 0) {
      row.value.reset();
    } else if (kind == 1) {
      row.value = Edited(row.value.value_or(""), edit);
    } else if (kind == 2) {
      row.value = edits;
    } else {
      // The row is copied to another place.
      rows->push_back({before.space, Edited(before.key, edit), before.value});
      other = true;
      continue;
    }
    if (row.value == before.value) continue;
    const bool is_entry = row.space == Space::kLog && row.key.back() == 'J' && before.value;
    if (!is_entry) {
      other = true;
      continue;
    }
    const auto was = store::DecodeJournal(1, *before.value);
    const auto is = store::DecodeJournal(1, row.value.value_or(""));
    leaf = leaf || !was.ok() || !is.ok() || was->leaf != is->leaf;
  }
  return leaf && !other;
}

// Every status that a store may answer with, whatever it holds.
void Check(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kOutOfRange:          // pruned, or beyond the tree
    case absl::StatusCode::kUnavailable:         // an index that is being built
    case absl::StatusCode::kAlreadyExists:       // a unique key that is taken
    case absl::StatusCode::kFailedPrecondition:  // another store's schema, a request id used before
    case absl::StatusCode::kInternal:            // a timer that nothing handles
      return;
    default:
      Expect(false, status.ToString().c_str());
  }
}

void ReadAll(const Store& store) {
  const store::View view = store.Read();
  const auto visit = [](const RowView& row, absl::string_view) -> absl::StatusOr<bool> {
    RETURN_IF_ERROR(store::Reader::Parse<WidgetRow>(row).status());
    return true;
  };
  const base::Date today = base::Date::LegalDay(kNow);
  for (const At& at : {At{}, At{today.AddDays(-1), {}}, At{today.AddDays(10), {}},
                       At{{}, absl::ToUnixMicros(kNow) + 1}}) {
    Check(view.Scan(kWidgets, {}, at, visit));
    Check(view.Scan(kByColor, {}, at, visit));
    Check(view.Scan(kByBin, {}, at, visit));
    Check(view.Find(kWidgets, Key::Of("a"), at).status());
  }
  Check(view.Versions(kWidgets, Key::Of("a").bytes()).status());
  Check(view.FindUnique(kByBin, Key::Of("111111111111")).status());
  Check(view.RecordedUs().status());
  Check(store.FindReply(Info("r1")).status());
  Check(store.NextTimer().status());
  Check(store.ReadJournal(1, 100, 1 << 20).status());
  const int64_t position = store.position();
  Check(store.RootAt(position).status());
  Check(store.LeafAt(1).status());
  Check(store.InclusionPath(2, position).status());
  Check(store.ConsistencyPath(1, position).status());
}

void Work(Store& store) {
  Check(store.RunDueTimers().status());
  store::OutboxRelay::Options options;
  options.background = false;
  store::OutboxRelay relay(
      store, [](const store::OutboxMessage&) { return absl::OkStatus(); }, options);
  Check(relay.RunOnce().status());
  WidgetRow row = Row("a", "white", "333333333333");
  Check(store
            .Write(Info("r1"),
                   [](Tx&) -> absl::StatusOr<std::string> { return std::string("another"); })
            .status());
  Check(store
            .Write(Info("new"),
                   [&](Tx& tx) -> absl::StatusOr<std::string> {
                     WidgetRow copy = row;
                     RETURN_IF_ERROR(tx.Next("counter").status());
                     RETURN_IF_ERROR(tx.Put(kWidgets, &copy));
                     return std::string("reply");
                   })
            .status());
  Check(store.BuildIndexes());
  Check(store.EraseOpenings(2));
}

void Run(Input& in) {
  const bool work = in.Byte() % 2 == 1;
  std::vector<OwnedOp> rows = TheSound().rows;
  const bool damaged_leaf = Damage(in, &rows);
  // The last row of a key is the one that counts.
  std::map<std::pair<Space, std::string>, std::optional<std::string>> last;
  for (const OwnedOp& row : rows) last[{row.space, row.key}] = row.value;
  rows.clear();
  for (auto& [place, value] : last) {
    if (place.first == Space::kData && place.second == store::kPositionKey) continue;
    rows.push_back({place.first, place.second, std::move(value)});
  }
  const auto disk = store::NewMemDisk();
  {
    store::Batch batch;
    batch.ops = ViewsOf(rows);
    batch.position = TheSound().position;
    Expect(store::OpenMem(disk)->Commit(batch).ok(), "the damaged rows are written");
  }
  base::FakeClock clock(kNow);
  const auto opened = Open(disk, &clock);
  Check(opened.status());
  if (!opened.ok()) return;
  const auto findings = (*opened)->Scrub();
  Check(findings.status());
  Expect(!damaged_leaf || !findings.ok() || !findings->empty(), "the scrub finds a changed entry");
  ReadAll(**opened);
  // Half of the inputs leave it out: a commit costs more than all else here.
  if (work) Work(**opened);
}

}  // namespace

NISI_FUZZ_TARGET(store) {
  Input in(data, size);
  Run(in);
  return 0;
}

}  // namespace nisi::fuzz::store_target
