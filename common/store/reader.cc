#include "common/store/reader.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nisi::store {
namespace {

// How many index entries are looked up together: one batched read instead of one each.
constexpr size_t kLookAhead = 64;
// A step of a cursor costs a tenth of a look by key: so many are tried before one.
constexpr int kSteps = 4;

absl::StatusOr<RawRow> MakeRaw(std::string value) {
  ASSIGN_OR_RETURN(const RowView view, DecodeRow(value));
  return RawRow{view.version, std::move(value)};
}

std::optional<RawRow> LiveOnly(std::optional<RawRow> raw) {
  if (raw.has_value() && raw->version.ended) return std::nullopt;
  return raw;
}

}  // namespace

absl::StatusOr<std::unique_ptr<google::protobuf::Message>> ParseRow(const TableDef& table,
                                                                    absl::string_view row) {
  std::unique_ptr<google::protobuf::Message> message(table.prototype->New());
  if (!message->ParseFromArray(row.data(), static_cast<int>(row.size()))) {
    return base::StoreCorrupt("row does not parse");
  }
  return message;
}

bool Reader::CurrentAnswers(const Version& current, const At& at) const {
  if (!settled_ || current.position == 0) return false;
  if (at.as_of.has_value() && (*at.as_of < current.effective_from || *at.as_of > today_))
    return false;
  return !at.known_at_us.has_value() || current.recorded_us <= *at.known_at_us;
}

absl::StatusOr<std::optional<RawRow>> Reader::ReadCurrent(const TableDef& table,
                                                          absl::string_view key) const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present, snapshot_->Get(Space::kData, RowKey(table, key), &value));
  if (!present) return std::optional<RawRow>();
  ASSIGN_OR_RETURN(RawRow raw, MakeRaw(std::move(value)));
  return std::optional<RawRow>(std::move(raw));
}

absl::StatusOr<std::optional<RawRow>> Reader::Resolve(const TableDef& table, absl::string_view key,
                                                      const At& at,
                                                      std::optional<RawRow> current) const {
  const base::Date as_of = at.as_of.value_or(today_);
  const auto known = [&at](const Version& v) {
    return v.position > 0 && (!at.known_at_us.has_value() || v.recorded_us <= *at.known_at_us);
  };
  const std::string prefix = HistoryPrefix(table, key);
  const auto cursor =
      snapshot_->Scan(Space::kData, HistorySeek(table, key, as_of), PrefixEnd(prefix));
  std::optional<RawRow> best;
  if (current.has_value() && known(current->version) && current->version.effective_from <= as_of) {
    best = std::move(current);
  }
  for (; cursor->Valid(); cursor->Next()) {
    if (cursor->key().size() != prefix.size() + 12) continue;
    ASSIGN_OR_RETURN(RowView view, DecodeRow(cursor->value()));
    if (!known(view.version)) continue;
    if (!best.has_value() || view.version.Beats(best->version)) {
      ASSIGN_OR_RETURN(best, MakeRaw(std::string(cursor->value())));
    }
    break;  // newest first: the first that was known is the one
  }
  RETURN_IF_ERROR(cursor->status());
  return LiveOnly(std::move(best));
}

absl::StatusOr<std::optional<RawRow>> Reader::FindRaw(const TableDef& table, const Key& key,
                                                      const At& at) const {
  ASSIGN_OR_RETURN(std::optional<RawRow> current, ReadCurrent(table, key.bytes()));
  if (!current.has_value()) return std::optional<RawRow>();
  if (CurrentAnswers(current->version, at)) return LiveOnly(std::move(current));
  return Resolve(table, key.bytes(), at, std::move(current));
}

absl::StatusOr<std::optional<size_t>> Reader::FindFirst(const TableDef& table,
                                                        absl::Span<const Key> keys,
                                                        const At& at) const {
  std::vector<std::string> places;
  places.reserve(keys.size());
  for (const Key& key : keys) places.push_back(RowKey(table, key.bytes()));
  std::optional<size_t> first;
  RETURN_IF_ERROR(snapshot_->GetMany(
      Space::kData, places,
      [&](size_t i, std::optional<absl::string_view> value) -> absl::StatusOr<bool> {
        if (!value.has_value()) return true;
        ASSIGN_OR_RETURN(const RowView view, DecodeRow(*value));
        bool live = !view.version.ended;
        if (!CurrentAnswers(view.version, at)) {
          ASSIGN_OR_RETURN(RawRow current, MakeRaw(std::string(*value)));
          ASSIGN_OR_RETURN(const std::optional<RawRow> resolved,
                           Resolve(table, keys[i].bytes(), at, std::move(current)));
          live = resolved.has_value();
        }
        if (live) first = i;
        return !live;
      }));
  return first;
}

absl::StatusOr<std::vector<RawRow>> Reader::Versions(const TableDef& table, absl::string_view key,
                                                     std::optional<base::Date> down_to) const {
  std::vector<RawRow> versions;
  ASSIGN_OR_RETURN(std::optional<RawRow> current, ReadCurrent(table, key));
  if (current.has_value() && current->version.position > 0) versions.push_back(*std::move(current));
  const std::string prefix = HistoryPrefix(table, key);
  const auto cursor = snapshot_->Scan(Space::kData, prefix, PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) {
    if (cursor->key().size() != prefix.size() + 12) continue;
    ASSIGN_OR_RETURN(RawRow raw, MakeRaw(std::string(cursor->value())));
    const bool last = down_to.has_value() && raw.version.effective_from <= *down_to;
    versions.push_back(std::move(raw));
    if (last) break;
  }
  RETURN_IF_ERROR(cursor->status());
  std::stable_sort(versions.begin(), versions.end(),
                   [](const RawRow& a, const RawRow& b) { return a.version.Beats(b.version); });
  return versions;
}

absl::Status Reader::Scan(const TableDef& table, const Range& range, const At& at,
                          const RowVisitor& visit) const {
  const std::string base = TablePrefix(table.id, kCurrent);
  const std::string lower = absl::StrCat(base, std::string(range.prefix.bytes()));
  const auto cursor = snapshot_->Scan(Space::kData, lower, PrefixEnd(lower));
  if (!range.after.empty()) {
    const std::string after = absl::StrCat(base, range.after);
    if (after >= lower) cursor->Seek(absl::StrCat(after, absl::string_view("\0", 1)));
  }
  for (; cursor->Valid(); cursor->Next()) {
    const absl::string_view key = cursor->key().substr(base.size());
    ASSIGN_OR_RETURN(RowView view, DecodeRow(cursor->value()));
    std::optional<RawRow> resolved;
    if (!CurrentAnswers(view.version, at)) {
      ASSIGN_OR_RETURN(RawRow current, MakeRaw(std::string(cursor->value())));
      ASSIGN_OR_RETURN(resolved, Resolve(table, key, at, std::move(current)));
      if (!resolved.has_value()) continue;
      view = resolved->view();
    }
    if (view.version.ended) continue;
    ASSIGN_OR_RETURN(const bool more, visit(view, key));
    if (!more) return absl::OkStatus();
  }
  return cursor->status();
}

absl::StatusOr<IndexEntry> DecodeIndexEntry(const IndexDef& index, char kind, absl::string_view key,
                                            absl::string_view value) {
  constexpr size_t kPrefixBytes = 3;
  key.remove_prefix(kPrefixBytes);
  if (index.unique && kind == kCurrent) return IndexEntry{key, value};
  if (value.size() != 4) return base::StoreCorrupt("index entry");
  const size_t length = ReadBigEndian32(value);
  if (length > key.size()) return base::StoreCorrupt("index entry");
  return IndexEntry{key.substr(0, length), key.substr(length)};
}

absl::Status IndexBuilding() {
  return base::Unavailable("INDEX_BUILDING", "This index is being built: retry later.",
                           absl::Seconds(1));
}

absl::StatusOr<std::optional<std::string>> Reader::Building(uint16_t id) const {
  if (all_built_) return std::optional<std::string>();
  std::string state;
  ASSIGN_OR_RETURN(const bool building, snapshot_->Get(Space::kData, BuildingKey(id), &state));
  if (!building) return std::optional<std::string>();
  if (state == "1") state.clear();  // of an index, by a release before: it began anew each time
  return std::optional<std::string>(std::move(state));
}

absl::Status Reader::CheckBuilt(uint16_t id) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> building, Building(id));
  return building.has_value() ? IndexBuilding() : absl::OkStatus();
}

absl::Status Reader::Scan(const IndexDef& index, const Range& range, const At& at,
                          const RowVisitor& visit) const {
  RETURN_IF_ERROR(CheckBuilt(index.id));
  return WantsCurrent(at) ? ScanIndexCurrent(index, range, visit)
                          : ScanIndexAt(index, range, at, visit);
}

absl::Status Reader::ScanIndexCurrent(const IndexDef& index, const Range& range,
                                      const RowVisitor& visit) const {
  const std::string base = TablePrefix(index.id, kCurrent);
  const std::string lower = absl::StrCat(base, std::string(range.prefix.bytes()));
  const auto cursor = snapshot_->Scan(Space::kData, lower, PrefixEnd(lower));
  if (!range.after.empty())
    cursor->Seek(absl::StrCat(base, range.after, absl::string_view("\0", 1)));
  const size_t look_ahead = range.expected == 0 ? kLookAhead : std::min(range.expected, kLookAhead);
  bool more = true;
  while (more && cursor->Valid()) {
    ASSIGN_OR_RETURN(more, VisitEntries(index, lower, look_ahead, cursor.get(), visit));
  }
  return cursor->status();
}

absl::StatusOr<bool> Reader::VisitEntries(const IndexDef& index, absl::string_view prefix,
                                          size_t most, Cursor* cursor,
                                          const RowVisitor& visit) const {
  std::vector<std::string> places, keys;
  places.reserve(most);
  keys.reserve(most);
  for (; cursor->Valid() && keys.size() < most; cursor->Next()) {
    if (!absl::StartsWith(cursor->key(), prefix)) break;
    ASSIGN_OR_RETURN(IndexEntry entry,
                     DecodeIndexEntry(index, kCurrent, cursor->key(), cursor->value()));
    places.push_back(absl::StrCat(entry.index_key, entry.primary));
    keys.push_back(RowKey(*index.on, entry.primary));
  }
  bool more = true;
  RETURN_IF_ERROR(VisitRows(
      keys, [&](size_t i, std::optional<absl::string_view> value) -> absl::StatusOr<bool> {
        if (!value.has_value())
          return base::StoreCorrupt(absl::StrCat("dangling entry of index ", index.name));
        ASSIGN_OR_RETURN(const RowView view, DecodeRow(*value));
        ASSIGN_OR_RETURN(more, visit(view, places[i]));
        return more;
      }));
  return more;
}

absl::Status Reader::ScanEach(const IndexDef& index, absl::Span<const Key> prefixes, const At& at,
                              const EachVisitor& visit) const {
  RETURN_IF_ERROR(CheckBuilt(index.id));
  if (prefixes.empty()) return absl::OkStatus();
  std::vector<size_t> order(prefixes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return prefixes[a].bytes() < prefixes[b].bytes(); });
  const auto one = [&](size_t which) {
    return [&visit, which](const RowView& row, absl::string_view) { return visit(which, row); };
  };
  if (!WantsCurrent(at)) {
    for (const size_t which : order) {
      RETURN_IF_ERROR(ScanIndexAt(index, Range{prefixes[which], ""}, at, one(which)));
    }
    return absl::OkStatus();
  }
  const std::string base = TablePrefix(index.id, kCurrent);
  const auto cursor = snapshot_->Scan(
      Space::kData, absl::StrCat(base, prefixes[order.front()].bytes()), PrefixEnd(base));
  std::string passed;  // the last beginning that had entries: the cursor stands behind them
  for (const size_t which : order) {
    const std::string prefix = absl::StrCat(base, prefixes[which].bytes());
    // A beginning of what was shown already, or the same once more.
    if (!passed.empty() && absl::StartsWith(prefix, passed)) cursor->Seek(prefix);
    // Where the cursor stands at or behind the beginning nothing lies between.
    for (int step = 0; step < kSteps && cursor->Valid() && cursor->key() < prefix; ++step)
      cursor->Next();
    if (cursor->Valid() && cursor->key() < prefix) cursor->Seek(prefix);
    if (!cursor->Valid()) break;
    bool more = true;
    while (more && cursor->Valid() && absl::StartsWith(cursor->key(), prefix)) {
      passed = prefix;
      ASSIGN_OR_RETURN(more, VisitEntries(index, prefix, kLookAhead, cursor.get(), one(which)));
    }
    if (!cursor->Valid()) RETURN_IF_ERROR(cursor->status());  // another Seek would forget it
  }
  return cursor->status();
}

// Neighbours in the table, as an index in order of key gives them, are read by walking it: a step
// costs a tenth of a look by key. Strangers are looked up together.
absl::Status Reader::VisitRows(const std::vector<std::string>& keys,
                               const Snapshot::ManyVisitor& visit) const {
  constexpr size_t kWorthACursor = 4;
  size_t next = 0;
  if (keys.size() >= kWorthACursor && std::is_sorted(keys.begin(), keys.end())) {
    const auto cursor = snapshot_->Scan(Space::kData, keys.front(), PrefixEnd(keys.back()));
    while (next < keys.size()) {
      for (int step = 0; step < kSteps && cursor->Valid() && cursor->key() < keys[next]; ++step)
        cursor->Next();
      if (!cursor->Valid() || cursor->key() != keys[next]) break;
      ASSIGN_OR_RETURN(const bool more, visit(next, cursor->value()));
      if (!more) return absl::OkStatus();
      ++next;
    }
    RETURN_IF_ERROR(cursor->status());
  }
  return snapshot_->GetMany(
      Space::kData, absl::MakeConstSpan(keys).subspan(next),
      [&](size_t i, std::optional<absl::string_view> value) { return visit(next + i, value); });
}

absl::StatusOr<bool> Reader::EmitsKey(const IndexDef& index, const RowView& row,
                                      absl::string_view index_key) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<google::protobuf::Message> message,
                   ParseRow(*index.on, row.row));
  bool emits = false;
  index.keys(*message, [&](const Key& key) { emits = emits || key.bytes() == index_key; });
  return emits;
}

// Every (index key, record) that is or ever was, merged in order; each is shown when the version
// asked for really has that index key.
absl::Status Reader::ScanIndexAt(const IndexDef& index, const Range& range, const At& at,
                                 const RowVisitor& visit) const {
  struct Side {
    char kind;
    std::unique_ptr<Cursor> cursor;
    std::string place, primary,
        index_key;  // place: index key ++ primary key, the same on both sides
    bool valid = false;
  };
  const auto load = [&](Side& side) -> absl::Status {
    side.valid = side.cursor->Valid();
    if (!side.valid) return side.cursor->status();
    ASSIGN_OR_RETURN(IndexEntry entry,
                     DecodeIndexEntry(index, side.kind, side.cursor->key(), side.cursor->value()));
    side.index_key = std::string(entry.index_key);
    side.primary = std::string(entry.primary);
    side.place = side.index_key + side.primary;
    return absl::OkStatus();
  };
  Side sides[2] = {{kCurrent}, {kHistory}};
  for (Side& side : sides) {
    const std::string base = TablePrefix(index.id, side.kind);
    const std::string lower = absl::StrCat(base, std::string(range.prefix.bytes()));
    side.cursor = snapshot_->Scan(Space::kData, lower, PrefixEnd(lower));
    // A unique entry's own key is shorter than its place: start at it and pass over by place below.
    if (!range.after.empty() && !(index.unique && side.kind == kCurrent)) {
      side.cursor->Seek(absl::StrCat(base, range.after));
    }
    RETURN_IF_ERROR(load(side));
  }
  while (sides[0].valid || sides[1].valid) {
    Side& first = !sides[1].valid || (sides[0].valid && sides[0].place <= sides[1].place)
                      ? sides[0]
                      : sides[1];
    const std::string place = first.place, primary = first.primary, index_key = first.index_key;
    for (Side& side : sides) {
      if (side.valid && side.place == place) {
        side.cursor->Next();
        RETURN_IF_ERROR(load(side));
      }
    }
    if (!range.after.empty() && place <= range.after) continue;
    ASSIGN_OR_RETURN(std::optional<RawRow> row, FindRaw(*index.on, Key::FromBytes(primary), at));
    if (!row.has_value()) continue;
    ASSIGN_OR_RETURN(const bool emits, EmitsKey(index, row->view(), index_key));
    if (!emits) continue;
    ASSIGN_OR_RETURN(const bool more, visit(row->view(), place));
    if (!more) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RawRow>> Reader::FindUniqueRaw(const IndexDef& index,
                                                            const Key& key) const {
  RETURN_IF_ERROR(CheckBuilt(index.id));
  if (settled_) {
    ASSIGN_OR_RETURN(const std::optional<std::string> primary, UniqueKey(index, key));
    if (!primary.has_value()) return std::optional<RawRow>();
    return FindRaw(*index.on, Key::FromBytes(*primary));
  }
  // The entry may still name the holder of yesterday.
  std::optional<RawRow> found;
  RETURN_IF_ERROR(ScanIndexAt(index, Range{key, ""}, {},
                              [&](const RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                                ASSIGN_OR_RETURN(const bool emits,
                                                 EmitsKey(index, row, key.bytes()));
                                if (!emits) return true;
                                found = RawRow{row.version, EncodeRow(row.version, row.row)};
                                return false;
                              }));
  return found;
}

absl::StatusOr<std::optional<std::string>> Reader::UniqueKey(const IndexDef& index,
                                                             const Key& key) const {
  std::string primary;
  const std::string at = absl::StrCat(TablePrefix(index.id, kCurrent), std::string(key.bytes()));
  ASSIGN_OR_RETURN(const bool present, snapshot_->Get(Space::kData, at, &primary));
  if (!present) return std::optional<std::string>();
  return std::optional<std::string>(std::move(primary));
}

}  // namespace nisi::store
