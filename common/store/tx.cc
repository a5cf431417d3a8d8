#include "common/store/tx.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/timestamp.pb.h"

namespace nisi::store {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// An entry goes out in one message of a stream, so a bulk command is cut into entries of about this
// size.
constexpr size_t kEntryBytes = 256 << 10;
// Records that are looked at one by one for a unique key while they are not in its index yet.
constexpr size_t kUnbuiltLookedAt = 1000;
// The marker of an index that has all records, of which two hold one key: behind every key.
constexpr absl::string_view kAllIn =
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";

std::string IndexKey(uint16_t id, char kind, absl::string_view index_key,
                     absl::string_view primary) {
  return absl::StrCat(TablePrefix(id, kind), std::string(index_key), std::string(primary));
}

std::string LengthOf(absl::string_view index_key) {
  std::string value;
  AppendBigEndian32(&value, static_cast<uint32_t>(index_key.size()));
  return value;
}

// Few, so in order rather than hashed.
std::vector<std::string> KeysOf(const IndexDef& index, const Message* row) {
  std::vector<std::string> keys;
  if (row == nullptr) return keys;
  index.keys(*row, [&](const Key& key) { keys.emplace_back(key.bytes()); });
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool Contains(const std::vector<std::string>& keys, const std::string& key) {
  return std::binary_search(keys.begin(), keys.end(), key);
}

absl::Status Taken(const IndexDef& index) {
  return base::Refusal(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                       "Another record has this key.")
      .With("index", index.name)
      .Resource(index.on->name, "");
}

// The key may be confidential, so it is told which version it is of.
absl::Status TakenTwice(const IndexDef& index, int64_t position) {
  return base::Refusal(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                       "Two records have one key: the index is not built until one of them has "
                       "another, or has ended.")
      .With("index", index.name)
      .With("position", absl::StrCat(position));
}

void SetTime(Message* resource, const FieldDescriptor* field, int64_t micros) {
  auto* time = static_cast<google::protobuf::Timestamp*>(
      resource->GetReflection()->MutableMessage(resource, field));
  time->set_seconds(micros / 1'000'000);
  time->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
}

}  // namespace

Tx::Tx(Overlay* overlay, const Schema* schema, TableUses* tables, const Sealer* sealer,
       base::Date today, bool settled, bool all_built, int64_t first_position, int64_t recorded_us)
    : Reader(overlay, schema, today, settled, all_built),
      overlay_(overlay),
      tables_(tables),
      sealer_(sealer),
      first_position_(first_position),
      recorded_us_(recorded_us),
      entries_(1),
      openings_(1) {}

std::string Tx::etag() const {
  return absl::StrCat(absl::Hex(position(), absl::kZeroPad8), "-", absl::Hex(recorded_us_));
}

void Tx::Stamp(const TableDef& table, Message* row, const Message* before) {
  const TableUse& use = tables_->Of(table);
  const auto* reflection = row->GetReflection();
  Message* resource = reflection->MutableMessage(row, use.resource);
  if (use.etag != nullptr) {
    resource->GetReflection()->SetString(resource, use.etag, this->etag());
  }
  if (use.update_time != nullptr) SetTime(resource, use.update_time, recorded_us_);
  if (use.create_time == nullptr) return;
  if (before == nullptr) {
    SetTime(resource, use.create_time, recorded_us_);
    return;
  }
  const Message& old = before->GetReflection()->GetMessage(*before, use.resource);
  resource->GetReflection()
      ->MutableMessage(resource, use.create_time)
      ->CopyFrom(old.GetReflection()->GetMessage(old, use.create_time));
}

absl::StatusOr<Tx::Current> Tx::LoadCurrent(const TableDef& table, const Key& key) {
  if (!settled_) RETURN_IF_ERROR(Promote(table, key));
  Current current;
  ASSIGN_OR_RETURN(current.raw, ReadCurrent(table, key.bytes()));
  if (current.is_live() && tables_->Of(table).asks_before()) {
    ASSIGN_OR_RETURN(current.row, ParseRow(table, current.raw->row()));
  }
  return current;
}

absl::Status Tx::Put(const TableDef& table, Message* row,
                     std::optional<base::Date> effective_from) {
  const Key key = table.key(*row);
  ASSIGN_OR_RETURN(const Current current, LoadCurrent(table, key));
  if (keeps_same_ && effective_from.value_or(today_) == today_ && current.is_live() &&
      row->SerializeAsString() == current.bytes()) {
    return absl::OkStatus();
  }
  OpenEntry();
  Stamp(table, row, current.row.get());
  const Version version{position(), recorded_us_, effective_from.value_or(today_), false};
  const std::string bytes = row->SerializeAsString();
  RETURN_IF_ERROR(Install(table, key, current, version, row, bytes));
  TouchDerived(table, key);
  return Journal(table, key, version, current.bytes(), bytes);
}

absl::Status Tx::End(const TableDef& table, const Key& key,
                     std::optional<base::Date> effective_from) {
  ASSIGN_OR_RETURN(const Current current, LoadCurrent(table, key));
  if (!current.raw.has_value()) return base::NotFound(table.name, "");
  OpenEntry();
  const Version version{position(), recorded_us_, effective_from.value_or(today_), true};
  RETURN_IF_ERROR(Install(table, key, current, version, nullptr, ""));
  if (!base::Planted("derived-miss-end")) TouchDerived(table, key);
  return Journal(table, key, version, current.bytes(), "");
}

// Places a version: into the current slot when it is the one in force today, else into history;
// what it displaces goes to history. A version of this same command and day is replaced in place:
// nobody ever saw it.
absl::Status Tx::Install(const TableDef& table, const Key& key, const Current& current,
                         const Version& version, const Message* row, absl::string_view bytes) {
  if (row != nullptr) RETURN_IF_ERROR(CheckUnique(table, key.bytes(), version, *row));
  // From here on an error leaves totals and record apart: the command fails, whatever it makes of
  // it.
  const auto sticky = [this](absl::Status status) {
    totals_failure_.Update(status);
    return status;
  };
  RETURN_IF_ERROR(sticky(CountVersion(table, key, current, version, row)));
  const std::optional<RawRow>& before = current.raw;
  const bool future = version.effective_from > today_;
  const bool own = before.has_value() && before->version.position >= first_position_ &&
                   before->version.effective_from == version.effective_from;
  const bool beaten = before.has_value() && !own && !version.Beats(before->version);
  if (future || beaten) {
    overlay_->Put(Space::kData, HistoryKey(table, key.bytes(), version), EncodeRow(version, bytes));
    if (row != nullptr) IndexHistory(table, key.bytes(), *row);
    if (!before.has_value()) {  // so that scans meet the key
      Version placeholder;
      placeholder.ended = true;
      overlay_->Put(Space::kData, RowKey(table, key.bytes()), EncodeRow(placeholder, ""));
    }
    if (future) {
      Schedule(version.effective_from.StartOfDay(), kEffectiveTimer,
               Key::Of(int64_t{table.id}, key.bytes()).bytes());
    }
    return absl::OkStatus();
  }
  if (before.has_value() && before->version.position > 0 && !own)
    overlay_->Put(Space::kData, HistoryKey(table, key.bytes(), before->version), before->value);
  if (row != nullptr || !base::Planted("index-kept-on-end"))
    RETURN_IF_ERROR(sticky(Reindex(table, key.bytes(), current.row.get(), row)));
  overlay_->Put(Space::kData, RowKey(table, key.bytes()), EncodeRow(version, bytes));
  return absl::OkStatus();
}

absl::Status Tx::CheckUnique(const TableDef& table, absl::string_view key, const Version& version,
                             const Message& row) {
  for (const IndexDef* index : tables_->Of(table).indexes) {
    if (!index->unique) continue;
    const std::vector<std::string> index_keys = KeysOf(*index, &row);
    if (index_keys.empty()) continue;
    ASSIGN_OR_RETURN(const std::optional<std::string> built_below, Building(index->id));
    for (const std::string& index_key : index_keys) {
      ASSIGN_OR_RETURN(std::set<std::string> others, OtherHolders(*index, index_key, key));
      if (others.empty() && !built_below.has_value()) continue;  // the usual case
      ASSIGN_OR_RETURN(const std::vector<RawRow> versions,
                       Versions(table, key, version.effective_from));
      std::optional<base::Date> until;
      const RawRow* before = nullptr;         // in force where this one is to be
      for (const RawRow& other : versions) {  // newest first
        if (other.version.effective_from <= version.effective_from) {
          before = &other;
          break;
        }
        until = other.version.effective_from;
      }
      if (built_below.has_value()) {
        // What it holds already it may keep: that another does as well the building finds out.
        bool keeps = false;
        if (before != nullptr && !before->version.ended) {
          ASSIGN_OR_RETURN(keeps, EmitsKey(*index, before->view(), index_key));
        }
        if (keeps) continue;
        ASSIGN_OR_RETURN(const Holders* const unbuilt, Unbuilt(*index, *built_below));
        if (const auto held = unbuilt->find(index_key); held != unbuilt->end())
          others.insert(held->second.begin(), held->second.end());
        others.erase(std::string(key));
      }
      RETURN_IF_ERROR(
          CheckFree(*index, others, index_key, std::max(version.effective_from, today_), until));
    }
  }
  return absl::OkStatus();
}

absl::Status Tx::CheckFree(const IndexDef& index, const std::set<std::string>& others,
                           absl::string_view index_key, base::Date from,
                           std::optional<base::Date> until) const {
  if (until.has_value() && *until <= from) return absl::OkStatus();
  for (const std::string& other : others) {
    ASSIGN_OR_RETURN(const bool holds, Holds(index, other, index_key, from, until));
    if (holds) return Taken(index);
  }
  return absl::OkStatus();
}

absl::StatusOr<const Tx::Holders*> Tx::Unbuilt(const IndexDef& index,
                                               absl::string_view built_below) {
  if (const auto known = unbuilt_.find(index.id); known != unbuilt_.end()) return &known->second;
  const std::string base = TablePrefix(index.on->id, kCurrent);
  const auto cursor =
      overlay_->Scan(Space::kData, absl::StrCat(base, std::string(built_below)), PrefixEnd(base));
  std::vector<std::string> keys;
  for (; cursor->Valid(); cursor->Next()) {
    if (keys.size() == kUnbuiltLookedAt) return IndexBuilding();
    keys.emplace_back(cursor->key().substr(base.size()));
  }
  RETURN_IF_ERROR(cursor->status());
  Holders holders;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const std::vector<RawRow> versions, Versions(*index.on, key, today_));
    for (const RawRow& version : versions) {
      if (version.version.ended) continue;
      ASSIGN_OR_RETURN(const std::unique_ptr<Message> row, ParseRow(*index.on, version.row()));
      for (const std::string& index_key : KeysOf(index, row.get())) holders[index_key].insert(key);
    }
  }
  return &unbuilt_.emplace(index.id, std::move(holders)).first->second;
}

absl::StatusOr<std::set<std::string>> Tx::OtherHolders(const IndexDef& index,
                                                       const std::string& index_key,
                                                       absl::string_view key) const {
  std::set<std::string> others;
  ASSIGN_OR_RETURN(std::optional<std::string> holder, UniqueKey(index, Key::FromBytes(index_key)));
  if (holder.has_value() && *holder != key) others.insert(*std::move(holder));
  const std::string prefix = IndexKey(index.id, kHistory, index_key, "");
  const auto cursor = overlay_->Scan(Space::kData, prefix, PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) {
    ASSIGN_OR_RETURN(const IndexEntry entry,
                     DecodeIndexEntry(index, kHistory, cursor->key(), cursor->value()));
    if (entry.index_key == index_key && entry.primary != key) others.emplace(entry.primary);
  }
  RETURN_IF_ERROR(cursor->status());
  return others;
}

absl::StatusOr<bool> Tx::Holds(const IndexDef& index, absl::string_view key,
                               absl::string_view index_key, base::Date from,
                               std::optional<base::Date> until) const {
  ASSIGN_OR_RETURN(const std::vector<RawRow> versions, Versions(*index.on, key, from));
  std::optional<base::Date> next;  // where the version looked at gives way
  for (const RawRow& raw : versions) {
    const Version& version = raw.version;
    if (next.has_value() && version.effective_from == *next) continue;  // beaten on its own day
    const bool meets = !until.has_value() || version.effective_from < *until;
    if (meets && !version.ended) {
      ASSIGN_OR_RETURN(const bool emits, EmitsKey(index, raw.view(), index_key));
      if (emits) return true;
    }
    if (version.effective_from <= from) break;
    next = version.effective_from;
  }
  return false;
}

absl::Status Tx::Reindex(const TableDef& table, absl::string_view key, const Message* before,
                         const Message* after) {
  for (const IndexDef* index : tables_->Of(table).indexes) {
    const std::vector<std::string> old_keys = KeysOf(*index, before);
    const std::vector<std::string> new_keys = KeysOf(*index, after);
    for (const std::string& old_key : old_keys) {
      if (Contains(new_keys, old_key)) continue;
      bool ours = true;  // a unique entry may have gone to its next holder already, on the same day
      if (index->unique) {
        ASSIGN_OR_RETURN(const std::optional<std::string> holder,
                         UniqueKey(*index, Key::FromBytes(old_key)));
        ours = holder.has_value() && *holder == key;
      }
      if (ours)
        overlay_->Delete(Space::kData,
                         IndexKey(index->id, kCurrent, old_key, index->unique ? "" : key));
      overlay_->Put(Space::kData, IndexKey(index->id, kHistory, old_key, key), LengthOf(old_key));
    }
    for (const std::string& new_key : new_keys) {
      if (Contains(old_keys, new_key)) continue;
      if (!index->unique) {
        overlay_->Put(Space::kData, IndexKey(index->id, kCurrent, new_key, key), LengthOf(new_key));
        continue;
      }
      overlay_->Put(Space::kData, IndexKey(index->id, kCurrent, new_key, ""), std::string(key));
    }
  }
  return absl::OkStatus();
}

void Tx::IndexHistory(const TableDef& table, absl::string_view key, const Message& row) {
  for (const IndexDef* index : tables_->Of(table).indexes) {
    for (const std::string& index_key : KeysOf(*index, &row)) {
      overlay_->Put(Space::kData, IndexKey(index->id, kHistory, index_key, key),
                    LengthOf(index_key));
    }
  }
}

absl::StatusOr<int64_t> Tx::IndexVersions(const IndexDef& index, absl::string_view key) {
  // A version that has its place in the index by its day only must not take another's.
  if (!settled_) RETURN_IF_ERROR(Promote(*index.on, Key::FromBytes(key)));
  ASSIGN_OR_RETURN(const std::vector<RawRow> versions, Versions(*index.on, key));
  ASSIGN_OR_RETURN(const std::optional<RawRow> current, ReadCurrent(*index.on, key));
  int64_t taken = 0;
  std::optional<base::Date> next;           // where the version looked at gives way
  for (const RawRow& version : versions) {  // newest first
    const base::Date from = version.version.effective_from;
    const bool beaten = next.has_value() && from == *next;  // on its own day
    const std::optional<base::Date> until = std::exchange(next, from);
    if (version.version.ended) continue;
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> row, ParseRow(*index.on, version.row()));
    const bool is_current = current.has_value() && current->value == version.value;
    for (const std::string& index_key : KeysOf(index, row.get())) {
      const char kind = is_current ? kCurrent : kHistory;
      const bool short_key = is_current && index.unique;
      if (index.unique && !beaten) {
        ASSIGN_OR_RETURN(const std::set<std::string> others, OtherHolders(index, index_key, key));
        const absl::Status free =
            CheckFree(index, others, index_key, std::max(from, today_), until);
        if (absl::IsAlreadyExists(free)) {
          taken = std::max(taken, version.version.position);
          // All are found by the key, whoever of them has the entry, and entered once more: a day's
          // turn may give it to another meanwhile.
          std::set<std::string> holders = others;
          holders.emplace(key);
          for (const std::string& holder : holders) {
            overlay_->Put(Space::kData, IndexKey(index.id, kHistory, index_key, holder),
                          LengthOf(index_key));
            overlay_->Put(Space::kData, TakenTwiceKey(index.id, holder), "");
          }
          continue;
        }
        RETURN_IF_ERROR(free);
      }
      overlay_->Put(Space::kData, IndexKey(index.id, kind, index_key, short_key ? "" : key),
                    short_key ? std::string(key) : LengthOf(index_key));
    }
  }
  return taken;
}

// Two that hold one key stop no building: it would close the table to every new key until somebody
// mends what is old.
absl::StatusOr<bool> Tx::BuildIndex(const IndexDef& index, size_t records, TakenKeys* taken) {
  ASSIGN_OR_RETURN(const std::vector<std::string> keys, TakeUnbuilt(index.id, *index.on, records));
  for (const std::string& key : keys) RETURN_IF_ERROR(IndexVersions(index, key).status());
  if (keys.size() == records) return false;
  const std::string prefix = TakenTwiceKey(index.id, "");
  std::vector<std::string> again;
  {
    const auto cursor =
        overlay_->Scan(Space::kData, std::max(prefix, taken->after), PrefixEnd(prefix));
    for (; cursor->Valid() && again.size() < records; cursor->Next())
      again.emplace_back(cursor->key());
    RETURN_IF_ERROR(cursor->status());
  }
  for (const std::string& noted : again) {
    overlay_->Delete(Space::kData, noted);
    ASSIGN_OR_RETURN(const int64_t position, IndexVersions(index, noted.substr(prefix.size())));
    taken->position = std::max(taken->position, position);
    taken->after = absl::StrCat(noted, absl::string_view("\0", 1));
  }
  const bool all = again.size() < records;
  const auto left = overlay_->Scan(Space::kData, prefix, PrefixEnd(prefix));
  if (left->Valid()) {
    overlay_->Put(Space::kData, BuildingKey(index.id), std::string(kAllIn));
    if (all) taken->status = TakenTwice(index, taken->position);
  }
  RETURN_IF_ERROR(left->status());
  return all || !left->Valid();
}

absl::Status Tx::CountVersion(const TableDef& table, const Key& key, const Current& current,
                              const Version& version, const Message* row) {
  const std::vector<const TotalsDef*>& all = tables_->Of(table).totals;
  if (all.empty()) return absl::OkStatus();
  if (version.effective_from < today_ && base::Planted("totals-miss-correction"))
    return absl::OkStatus();
  std::vector<RawRow> earlier;
  if (current.raw.has_value()) {
    ASSIGN_OR_RETURN(earlier, Versions(table, key.bytes(), version.effective_from));
  }
  for (const TotalsDef* totals : all) {
    ASSIGN_OR_RETURN(const std::optional<std::string> built_below, Building(totals->id));
    if (built_below.has_value() && key.bytes() >= *built_below) continue;  // counted when built
    TotalsChanges& changes = totals_.try_emplace(totals->id, totals).first->second;
    RETURN_IF_ERROR(changes.Record(earlier, version, row));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Tx::TakeUnbuilt(uint16_t id, const TableDef& table,
                                                         size_t records) {
  std::vector<std::string> keys;
  ASSIGN_OR_RETURN(const std::optional<std::string> built_below, Building(id));
  if (!built_below.has_value()) return keys;
  const std::string base = TablePrefix(table.id, kCurrent);
  const auto cursor =
      overlay_->Scan(Space::kData, absl::StrCat(base, *built_below), PrefixEnd(base));
  for (; cursor->Valid() && keys.size() < records; cursor->Next())
    keys.emplace_back(cursor->key().substr(base.size()));
  RETURN_IF_ERROR(cursor->status());
  if (keys.size() < records) {
    overlay_->Delete(Space::kData, BuildingKey(id));
  } else {
    overlay_->Put(Space::kData, BuildingKey(id),
                  absl::StrCat(keys.back(), absl::string_view("\0", 1)));
  }
  return keys;
}

absl::StatusOr<bool> Tx::BuildTotals(const TotalsDef& totals, size_t records) {
  ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                   TakeUnbuilt(totals.id, *totals.on, records));
  TotalsChanges& changes = totals_.try_emplace(totals.id, &totals).first->second;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(std::vector<RawRow> versions, Versions(*totals.on, key));
    RETURN_IF_ERROR(changes.RecordAll(std::move(versions)));
  }
  return keys.size() < records;
}

absl::StatusOr<bool> Tx::BuildDerived(const Derived& derived, size_t records) {
  ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                   TakeUnbuilt(derived.id, *derived.on, records));
  RETURN_IF_ERROR(derived.Update(*this, keys, /*recorded_us=*/0, overlay_));
  if (keys.size() == records) return false;
  RETURN_IF_ERROR(derived.FinishBuilding(recorded_us_, overlay_));
  return true;
}

void Tx::TouchDerived(const TableDef& table, const Key& key) {
  for (const Derived* derived : tables_->Of(table).derived) Touch(*derived, key);
}

absl::Status Tx::WriteDerived() {
  for (const Derived* derived : schema_->derived) {
    const auto touched = touched_.find(derived->id);
    if (touched == touched_.end()) continue;
    ASSIGN_OR_RETURN(const std::optional<std::string> built_below, Building(derived->id));
    const auto end =
        built_below.has_value() ? touched->second.lower_bound(*built_below) : touched->second.end();
    const std::vector<std::string> keys(touched->second.begin(), end);
    RETURN_IF_ERROR(derived->Update(*this, keys, recorded_us_, overlay_));
  }
  touched_.clear();
  return absl::OkStatus();
}

absl::Status Tx::WriteTotals() const {
  for (auto& [id, changes] : totals_) totals_failure_.Update(changes.WriteTo(overlay_, today_));
  totals_.clear();
  return totals_failure_;
}

absl::Status Tx::ScanTotals(const TotalsDef& totals, const Key& prefix, const At& at,
                            const TotalsVisitor& visit) const {
  RETURN_IF_ERROR(WriteTotals());
  return Reader::ScanTotals(totals, prefix, at, visit);
}

// Totals are sums by day already, so a day's turn leaves them alone.
absl::Status Tx::Promote(const TableDef& table, const Key& key) {
  ASSIGN_OR_RETURN(const std::optional<RawRow> current, ReadCurrent(table, key.bytes()));
  const std::string prefix = HistoryPrefix(table, key.bytes());
  const auto cursor =
      overlay_->Scan(Space::kData, HistorySeek(table, key.bytes(), today_), PrefixEnd(prefix));
  while (cursor->Valid() && cursor->key().size() != prefix.size() + 12) cursor->Next();
  RETURN_IF_ERROR(cursor->status());
  if (!cursor->Valid()) return absl::OkStatus();
  const std::string history_key(cursor->key());
  const std::string value(cursor->value());
  ASSIGN_OR_RETURN(const RowView next, DecodeRow(value));
  if (current.has_value() && !next.version.Beats(current->version)) return absl::OkStatus();
  std::unique_ptr<Message> before, after;
  if (current.has_value() && !current->version.ended) {
    ASSIGN_OR_RETURN(before, ParseRow(table, current->row()));
  }
  if (!next.version.ended) {
    ASSIGN_OR_RETURN(after, ParseRow(table, next.row));
  }
  promoted_.insert(table.name);
  RETURN_IF_ERROR(Reindex(table, key.bytes(), before.get(), after.get()));
  if (current.has_value() && current->version.position > 0) {
    overlay_->Put(Space::kData, HistoryKey(table, key.bytes(), current->version), current->value);
  }
  overlay_->Delete(Space::kData, history_key);
  overlay_->Put(Space::kData, RowKey(table, key.bytes()), value);
  return absl::OkStatus();
}

void Tx::OpenEntry() {
  if (entry_bytes_ > kEntryBytes) {
    entries_.emplace_back();
    openings_.emplace_back();
    entry_bytes_ = 0;
  }
}

absl::Status Tx::Journal(const TableDef& table, const Key& key, const Version& version,
                         absl::string_view before, absl::string_view after) {
  journal::v1::Entry& entry = entries_.back();
  journal::v1::Change* change = entry.add_changes();
  change->set_table(table.name);
  change->set_key(std::string(key.bytes()));
  change->set_kind(version.ended ? journal::v1::Change::END : journal::v1::Change::PUT);
  *change->mutable_effective_from() = version.effective_from.ToProto();
  if (!before.empty()) RETURN_IF_ERROR(sealer_->SealBefore(table, before, change));
  if (!version.ended) {
    RETURN_IF_ERROR(sealer_->SealAfter(table, after, position(), recorded_us_,
                                       entry.changes_size() - 1, change, &openings_.back()));
  }
  entry_bytes_ += before.size() + after.size() + key.bytes().size() + 200;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Tx::Next(absl::string_view counter) {
  const std::string at = SystemKey(kCountersId, Key::Of(counter));
  std::string value;
  ASSIGN_OR_RETURN(const bool present, overlay_->Get(Space::kData, at, &value));
  int64_t next = 1;
  if (present) {
    ASSIGN_OR_RETURN(const int64_t last, DecodeNumber(value, "counter"));
    if (last == INT64_MAX) return base::StoreCorrupt("counter");
    next = last + 1;
  }
  std::string bytes;
  AppendBigEndian64(&bytes, static_cast<uint64_t>(next));
  overlay_->Put(Space::kData, at, bytes);
  return next;
}

void Tx::Emit(absl::string_view target, absl::string_view method, const Message& message) {
  const Key key = Key::Of(target, first_position_, int64_t{rows_++});
  const Key value = Key::Of(method, message.SerializeAsString(), recorded_us_);
  overlay_->Put(Space::kData, SystemKey(kOutboxId, key), std::string(value.bytes()));
  outbox_changed_ = true;
}

void Tx::Cite(const base::LegalBasis& basis) {
  const bool known =
      std::any_of(legal_basis_.begin(), legal_basis_.end(), [&](const base::LegalBasis& cited) {
        return cited.article() == basis.article() &&
               cited.SerializeAsString() == basis.SerializeAsString();
      });
  if (!known) legal_basis_.push_back(basis);
}

// Entries, openings and laws are only ever added to, so how many there were says what to keep: a
// command of many parts does not copy what the parts before it did.
absl::Status Tx::Attempt(const std::function<absl::Status()>& part) {
  RETURN_IF_ERROR(WriteTotals());  // what is gathered from here on is the part's
  const size_t mark = overlay_->Mark();
  const size_t entries = entries_.size();
  const int changes = entries_.back().changes_size();
  const int openings = openings_.back().openings_size();
  const size_t laws = legal_basis_.size();
  const auto promoted = promoted_;
  const int32_t rows = rows_;
  const size_t entry_bytes = entry_bytes_;
  const bool timers_changed = timers_changed_;
  const bool outbox_changed = outbox_changed_;
  const int64_t earliest_due_us = earliest_due_us_;
  absl::Status done = part();
  if (done.ok()) return done;
  overlay_->Rollback(mark);
  entries_.resize(entries);
  openings_.resize(entries);
  const auto cut = [](auto* all, int kept) { all->DeleteSubrange(kept, all->size() - kept); };
  cut(entries_.back().mutable_changes(), changes);
  cut(openings_.back().mutable_openings(), openings);
  legal_basis_.resize(laws);
  promoted_ = promoted;
  rows_ = rows;
  entry_bytes_ = entry_bytes;
  timers_changed_ = timers_changed;
  outbox_changed_ = outbox_changed;
  earliest_due_us_ = earliest_due_us;
  totals_.clear();
  totals_failure_ = absl::OkStatus();
  unbuilt_.clear();  // what it had put is out of the index again
  return done;
}

void Tx::Schedule(absl::Time due, absl::string_view kind, absl::string_view payload) {
  const Key key = Key::Of(absl::ToUnixMicros(due), first_position_, int64_t{rows_++});
  overlay_->Put(Space::kData, SystemKey(kTimersId, key),
                std::string(Key::Of(kind, payload).bytes()));
  timers_changed_ = true;
  earliest_due_us_ = std::min(earliest_due_us_, absl::ToUnixMicros(due));
}

}  // namespace nisi::store
