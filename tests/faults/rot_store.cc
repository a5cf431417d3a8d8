#include "tests/faults/rot_store.h"

#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/hash.h"
#include "common/store/layout.h"
#include "common/store/rocks_engine.h"
#include "common/store/store_testing.h"
#include "common/store/witness.h"
#include "tests/faults/widgets.h"

namespace nisi::faults {
namespace {

using store::At;
using store::Key;
using store::RowView;
using store::WidgetRow;

constexpr int kWidgets = 80;  // written again and again
constexpr int kCrates = 20;
constexpr int kCommits = 600;
constexpr int kCompactEvery = 160;
constexpr int kOldCopies[] = {120, 300, 470};
constexpr char kPeerMethod[] = "/nisi.testing.v1.WidgetService/CreateWidget";

absl::Time Begin() {
  return store::Day("2026-06-15").StartOfDay() + absl::Hours(9);
}
absl::Time TimeOf(int n) {
  return Begin() + n * absl::Hours(1);
}
std::string CodeOf(int n) {
  return WidgetCode(n % kWidgets);
}
std::string BinOf(int n) {
  return absl::StrFormat("%012d", n % kWidgets);
}
Key CrateOf(int n) {
  return Key::Of(absl::StrFormat("crate%07d", n % kCrates), int64_t{n % kCrates});
}
WidgetRow WidgetOf(int n) {
  WidgetRow row = NumberedWidget(n % kWidgets, n);
  // What compresses badly, so that the files are of a size.
  row.set_owner_note(base::Sha256Bytes(absl::StrCat(n)) + base::Sha256Bytes(absl::StrCat(n, "b")));
  for (char& byte : *row.mutable_owner_note()) byte = static_cast<char>('a' + (byte & 15));
  return row;
}

WidgetRow CrateRowOf(int n) {
  WidgetRow row = store::MakeWidget(absl::StrCat("c", n), absl::StrCat("color-", n % 3));
  row.mutable_widget()->set_bin(absl::StrFormat("crate%07d", n % kCrates));
  row.mutable_widget()->set_weight(n % kCrates);
  row.mutable_widget()->set_region(absl::StrCat("region-", n % 4));
  row.mutable_widget()->set_secret(absl::StrCat("secret ", n));
  return row;
}

// Records with indexes and a confidential field, some ended, some that take effect later by a
// timer, with numbers from a counter and messages to a peer.
store::CommandFn CommandOf(int n) {
  return [n](store::Tx& tx) -> absl::StatusOr<std::string> {
    RETURN_IF_ERROR(WriteOrEnd(tx, n, WidgetOf(n)));
    if (n % 3 == 0) {
      WidgetRow row = CrateRowOf(n);
      RETURN_IF_ERROR(tx.Put(store::kCrates, &row));
    }
    if (n % 4 == 0) RETURN_IF_ERROR(tx.Next("numbers").status());
    if (n % 5 == 0) tx.Emit("peer", kPeerMethod, WidgetOf(n).widget());
    return absl::StrCat("reply ", n, " at ", tx.position(), std::string(100, 'x'));
  };
}

// Takes answers down.
class Questions {
 public:
  explicit Questions(const store::Store& store) : store_(store) {}

  void AskRecords();
  void AskRanges();
  void AskJournal();
  void AskRequests();
  void AskEveryByte();
  std::vector<RotAnswer> answers;

 private:
  void Note(std::string question, const absl::StatusOr<std::string>& answer) {
    RotAnswer& noted = answers.emplace_back();
    noted.question = std::move(question);
    noted.damage = absl::IsDataLoss(answer.status());
    noted.answer = answer.ok() ? *answer : answer.status().ToString();
  }
  // One line a row, so that two answers differ where a row is missing, too many or another.
  template <class Def>
  void AskRange(const std::string& name, const Def& def, const store::Range& range, const At& at) {
    std::string rows;
    const absl::Status status = store_.Read().Scan(
        def, range, at, [&rows](const RowView& view, absl::string_view) -> absl::StatusOr<bool> {
          rows += TextOf(view);
          return true;
        });
    Note(name, status.ok() ? absl::StatusOr<std::string>(rows) : status);
  }
  // From memory alone it says the same, or that it must look on the disk.
  void AskMemory(int n, const std::string& when, const At& at) {
    const auto there =
        TextOf(store_.Read(store::Reach::kMemory).FindRaw(store::kWidgets, Key::Of(CodeOf(n)), at));
    const bool same = store::IsNotInMemory(there.status()) || absl::IsDataLoss(there.status()) ||
                      (there.ok() && *there == answers.back().answer);
    Note(absl::StrCat("widget ", n, " ", when, " from memory"),
         std::string(same ? "the same" : "another"));
  }
  static std::string TextOf(const RowView& row) {
    return absl::StrCat(row.version.position, "@", row.version.recorded_us, "/",
                        row.version.effective_from.ToString(), row.version.ended ? "-" : "+",
                        std::string(row.row), "\n");
  }
  static absl::StatusOr<std::string> TextOf(
      const absl::StatusOr<std::optional<store::RawRow>>& found) {
    RETURN_IF_ERROR(found.status());
    return found->has_value() ? TextOf((*found)->view()) : std::string("none");
  }
  static std::string Hex(const std::vector<store::Hash>& path) {
    std::string text;
    for (const store::Hash& hash : path) text += store::ToBytes(hash);
    return text;
  }

  const store::Store& store_;
};

std::vector<std::pair<std::string, At>> Moments() {
  return {{"today", {}},
          {"as of the second day", {store::Day("2026-06-16"), std::nullopt}},
          {"as of next month", {store::Day("2026-08-01"), std::nullopt}},
          {"as known half way", {std::nullopt, store::Micros(TimeOf(kCommits / 2))}},
          {"both", {store::Day("2026-06-20"), store::Micros(TimeOf(200))}}};
}

void Questions::AskRecords() {
  const store::View view = store_.Read();
  for (const auto& [when, at] : Moments()) {
    for (int n = 0; n < kWidgets; ++n) {
      const Key key = Key::Of(CodeOf(n));
      Note(absl::StrCat("widget ", n, " ", when), TextOf(view.FindRaw(store::kWidgets, key, at)));
      AskMemory(n, when, at);
    }
    for (int n = 0; n < kCrates; ++n) {
      Note(absl::StrCat("crate ", n, " ", when),
           TextOf(view.FindRaw(store::kCrates, CrateOf(n), at)));
    }
  }
  for (int n = 0; n < kWidgets; ++n) {
    Note(absl::StrCat("widget by bin ", n),
         TextOf(view.FindUniqueRaw(store::kByBin, Key::Of(BinOf(n)))));
    const auto versions = view.Versions(store::kWidgets, Key::Of(CodeOf(n)).bytes());
    std::string text;
    if (versions.ok()) {
      for (const store::RawRow& row : *versions) text += TextOf(row.view());
    }
    Note(absl::StrCat("versions of widget ", n),
         versions.ok() ? absl::StatusOr<std::string>(text) : versions.status());
  }
}

void Questions::AskRanges() {
  for (const auto& [when, at] : Moments()) {
    AskRange(absl::StrCat("all widgets ", when), store::kWidgets, {}, at);
    AskRange(absl::StrCat("all crates ", when), store::kCrates, {}, at);
    for (int n = 0; n < 7; ++n) {
      AskRange(absl::StrCat("color ", n, " ", when), store::kByColor,
               {Key::Of(absl::StrCat("color-", n)), "", 0}, at);
    }
    for (int n = 0; n < 11; ++n) {
      AskRange(absl::StrCat("tag ", n, " ", when), store::kByTag,
               {Key::Of(absl::StrCat("tag-", n)), "", 3}, at);
    }
    for (int n = 0; n < 4; ++n) {
      AskRange(absl::StrCat("region ", n, " ", when), store::kByRegion,
               {Key::Of(absl::StrCat("region-", n)), "", 0}, at);
    }
  }
}

void Questions::AskJournal() {
  Note("position", absl::StrCat(store_.position()));
  for (int64_t from = 1; from <= store_.position(); from += 50) {
    const auto records = store_.ReadJournal(from, 50, size_t{1} << 20);
    std::string text;
    if (records.ok()) {
      for (const store::JournalRecord& record : *records) {
        absl::StrAppend(&text, record.position, " ", record.leaf, " ", record.openings, "\n");
      }
    }
    Note(absl::StrCat("journal from ", from),
         records.ok() ? absl::StatusOr<std::string>(text) : records.status());
  }
  const int64_t size = store_.position();
  for (int64_t at = 1; at <= size; at += 7) {
    const auto leaf = store_.LeafAt(at);
    Note(absl::StrCat("leaf ", at),
         leaf.ok() ? absl::StatusOr<std::string>(store::ToBytes(*leaf)) : leaf.status());
    const auto root = store_.RootAt(at);
    Note(absl::StrCat("root ", at),
         root.ok() ? absl::StatusOr<std::string>(store::ToBytes(*root)) : root.status());
    const auto inclusion = store_.InclusionPath(at, size);
    Note(absl::StrCat("inclusion of ", at),
         inclusion.ok() ? absl::StatusOr<std::string>(Hex(*inclusion)) : inclusion.status());
    const auto consistency = store_.ConsistencyPath(at, size);
    Note(absl::StrCat("consistency of ", at),
         consistency.ok() ? absl::StatusOr<std::string>(Hex(*consistency)) : consistency.status());
  }
}

void Questions::AskRequests() {
  for (int n = 0; n < kCommits; ++n) {
    const auto reply = store_.FindReply(NumberedInfo(n));
    std::string text = "none";
    if (reply.ok() && reply->has_value()) {
      text = absl::StrCat((*reply)->position, " ", (*reply)->reply);
    }
    Note(absl::StrCat("request ", n),
         reply.ok() ? absl::StatusOr<std::string>(text) : reply.status());
  }
}

// What no question above reaches: outbox, timers, counters, indexes of the past.
void Questions::AskEveryByte() {
  const store::View view = store_.Read();
  for (const store::Space space : {store::Space::kData, store::Space::kLog, store::Space::kOnce}) {
    std::string text;
    const auto cursor = view.snapshot().Scan(space, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      absl::StrAppend(&text, std::string(cursor->key()), "=", std::string(cursor->value()), "\n");
    }
    Note(absl::StrCat("all of space ", static_cast<int>(space)),
         cursor->status().ok() ? absl::StatusOr<std::string>(text) : cursor->status());
  }
}

}  // namespace

RotStore::RotStore() : clock_(TimeOf(kCommits)), schema_(store::WidgetSchema()) {}

absl::StatusOr<std::unique_ptr<RotStore>> RotStore::Open(const std::string& folder) {
  std::unique_ptr<RotStore> opened(new RotStore());
  store::RocksOptions rocks;
  rocks.dir = folder + "/store";
  rocks.write_buffer_bytes = size_t{48} << 10;  // so that there are many files and logs
  rocks.now = [clock = &opened->clock_] { return clock->Now(); };
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  opened->engine_ = engine.get();
  store::Store::Options options;
  options.clock = &opened->clock_;
  options.background = false;
  options.witness = store::FileWitness(folder + "/witness");
  ASSIGN_OR_RETURN(opened->store_,
                   store::Store::Open(std::move(engine), opened->schema_, std::move(options)));
  return opened;
}

absl::Status BuildRotStore(const std::string& folder) {
  ASSIGN_OR_RETURN(std::unique_ptr<RotStore> opened, RotStore::Open(folder));
  RotStore& rot = *opened.release();  // never closed
  size_t old = 0;
  for (int n = 0; n < kCommits; ++n) {
    rot.clock().Set(TimeOf(n));
    RETURN_IF_ERROR(rot.store().Write(NumberedInfo(n), CommandOf(n)).status());
    if (n % kCompactEvery == kCompactEvery - 1) RETURN_IF_ERROR(CompactRocks(rot.engine()));
    if (old < std::size(kOldCopies) && n == kOldCopies[old]) {
      RETURN_IF_ERROR(rot.store().Checkpoint(absl::StrCat(folder, "/old-", old++)));
    }
  }
  return absl::OkStatus();
}

std::vector<RotAnswer> AskAll(const store::Store& store) {
  Questions questions(store);
  questions.AskRecords();
  questions.AskRanges();
  questions.AskJournal();
  questions.AskRequests();
  questions.AskEveryByte();
  return std::move(questions.answers);
}

}  // namespace nisi::faults
