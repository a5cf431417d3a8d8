// Stored values: whatever bytes lie in the store, they are taken apart into what they say or called
// damage, and what is withheld from the journal is withheld whole.
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/store/journal.h"
#include "common/store/layout.h"
#include "common/store/reader.h"
#include "common/store/verify.h"
#include "common/store/writer.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/widgets.h"

namespace nisi::fuzz::stored_value_target {
namespace {

using testing::v1::Widget;
using testing::v1::WidgetRow;

void CheckDamage(const absl::Status& status) {
  Expect(status.ok() || absl::IsDataLoss(status), "what does not decode is damage");
}

void CheckRow(absl::string_view value) {
  const auto view = store::DecodeRow(value);
  CheckDamage(view.status());
  if (!view.ok()) return;
  const std::string encoded = store::EncodeRow(view->version, view->row);
  const auto again = store::DecodeRow(encoded);
  Expect(again.ok() && again->row == view->row && again->version.ended == view->version.ended &&
             again->version.position == view->version.position &&
             again->version.recorded_us == view->version.recorded_us &&
             again->version.effective_from == view->version.effective_from,
         "a row that is written is read");
  const auto split = store::SplitRow(view->row);
  CheckDamage(split.status());
  if (!split.ok()) return;
  Expect(absl::StrCat(split->field, split->rest) == view->row &&
             split->field.substr(split->field.size() - split->resource.size()) == split->resource,
         "a row is its resource and the rest");
}

void CheckJournal(absl::string_view value) {
  const auto record = store::DecodeJournal(7, value);
  CheckDamage(record.status());
  if (!record.ok()) return;
  Expect(record->position == 7, "an entry has its position");
  Expect(store::EncodeJournal(record->leaf, record->openings) == value,
         "an entry has one spelling");
}

void CheckIndexEntry(Input& in) {
  const char kind = in.Byte() % 2 == 0 ? store::kCurrent : store::kHistory;
  const store::IndexDef& index =
      in.Byte() % 2 == 0 ? static_cast<const store::IndexDef&>(kByColor) : kByBin;
  const std::string value(in.Part());
  const std::string place(in.Rest());
  const std::string key = store::TablePrefix(index.id, kind) + place;
  const auto entry = store::DecodeIndexEntry(index, kind, key, value);
  CheckDamage(entry.status());
  if (!entry.ok()) return;
  const std::string parts = absl::StrCat(entry->index_key, entry->primary);
  const bool unique = index.unique && kind == store::kCurrent;
  Expect(parts == (unique ? place + value : place), "an index entry is a key and a record");
}

void CheckOnce(Input& in) {
  store::CommandInfo info;
  info.body_hash = std::string(32, 'b');
  std::string value(in.Rest());
  if (value.size() >= 40 && value[8] == 'b') value.replace(8, 32, info.body_hash);
  const auto outcome = store::DecodeOnce(info, value);
  if (outcome.ok()) {
    Expect(outcome->replayed && outcome->reply == value.substr(48), "a request has its reply");
  } else {
    const bool reused = base::ReasonOf(outcome.status()) == "IDEMPOTENCY_KEY_REUSED";
    Expect(reused || absl::IsDataLoss(outcome.status()), "a request row is damaged or another's");
  }
}

// What the journal publishes of a row has nothing confidential, and its openings open.
void CheckSealing(absl::string_view bytes) {
  WidgetRow row;
  if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !row.has_widget())
    return;
  const std::string stored = row.SerializeAsString();
  static const auto* const kSchema = new store::Schema(WidgetSchema());
  static const auto* const kSealer = new store::Sealer(std::string(32, 's'), *kSchema);
  journal::v1::Entry entry;
  journal::v1::Openings openings;
  journal::v1::Change* change = entry.add_changes();
  Expect(kSealer->SealBefore(kWidgets, stored, change).ok() &&
             kSealer->SealAfter(kWidgets, stored, 7, 1, 0, change, &openings).ok(),
         "a row that was written is sealed");
  for (const auto* any : {&change->before(), &change->after()}) {
    Widget published;
    Expect(published.ParseFromString(any->value()), "what is published is a resource");
    Expect(published.secret().empty() && published.examiners().empty(),
           "what is confidential is not published");
    published.set_secret(row.widget().secret());
    *published.mutable_examiners() = row.widget().examiners();
    Expect(published.SerializeAsString() == row.widget().SerializeAsString(),
           "everything else is published");
  }
  Expect(openings.openings_size() == change->commitments_size(), "every commitment can be opened");
  Expect(store::VerifyOpenings(entry, openings.openings()).ok(), "openings open");
}

}  // namespace

NISI_FUZZ_TARGET(stored_value) {
  Input in(data, size);
  switch (in.Byte() % 5) {
    case 0:
      CheckRow(in.Rest());
      break;
    case 1:
      CheckJournal(in.Rest());
      break;
    case 2:
      CheckIndexEntry(in);
      break;
    case 3:
      CheckOnce(in);
      break;
    default:
      CheckSealing(in.Rest());
  }
  return 0;
}

}  // namespace nisi::fuzz::stored_value_target
