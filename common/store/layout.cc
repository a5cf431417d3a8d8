#include "common/store/layout.h"

#include "common/base/status.h"

namespace nisi::store {
namespace {

constexpr char kRowFormat = 1;
constexpr char kEndedFlag = 1;
constexpr char kResourceTag = 0x0a;  // field 1, length-delimited

uint32_t SortableDays(base::Date date) {
  return static_cast<uint32_t>(date.days()) ^ 0x80000000U;
}

}  // namespace

std::string TablePrefix(uint16_t id, char kind) {
  std::string prefix;
  AppendBigEndian16(&prefix, id);
  prefix.push_back(kind);
  return prefix;
}

std::string RowKey(const TableDef& table, absl::string_view key) {
  std::string bytes = TablePrefix(table.id, kCurrent);
  bytes.append(key.data(), key.size());
  return bytes;
}

std::string HistoryPrefix(const TableDef& table, absl::string_view key) {
  std::string bytes = TablePrefix(table.id, kHistory);
  bytes.append(key.data(), key.size());
  return bytes;
}

std::string HistoryKey(const TableDef& table, absl::string_view key, const Version& version) {
  std::string bytes = HistoryPrefix(table, key);
  AppendBigEndian32(&bytes, ~SortableDays(version.effective_from));
  AppendBigEndian64(&bytes, ~static_cast<uint64_t>(version.position));
  return bytes;
}

std::string HistorySeek(const TableDef& table, absl::string_view key, base::Date as_of) {
  std::string bytes = HistoryPrefix(table, key);
  AppendBigEndian32(&bytes, ~SortableDays(as_of));
  return bytes;
}

std::string SystemKey(uint16_t id, const Key& key) {
  std::string bytes;
  AppendBigEndian16(&bytes, id);
  bytes.append(key.bytes().data(), key.bytes().size());
  return bytes;
}

std::string BuildingKey(uint16_t id) {
  return SystemKey(kMetaId, Key::Of("building", int64_t{id}));
}

std::string TakenTwiceKey(uint16_t id, absl::string_view key) {
  return absl::StrCat(SystemKey(kMetaId, Key::Of("taken_twice", int64_t{id})), std::string(key));
}

std::string JournalKey(int64_t position) {
  std::string bytes;
  AppendBigEndian64(&bytes, static_cast<uint64_t>(position));
  bytes.push_back('J');
  return bytes;
}

std::string NodesKey(int64_t position) {
  std::string bytes;
  AppendBigEndian64(&bytes, static_cast<uint64_t>(position));
  bytes.push_back('N');
  return bytes;
}

absl::StatusOr<int64_t> DecodeNumber(absl::string_view bytes, absl::string_view what) {
  if (bytes.size() != 8) return base::StoreCorrupt(what);
  const auto number = static_cast<int64_t>(ReadBigEndian64(bytes));
  if (number < 0) return base::StoreCorrupt(what);
  return number;
}

std::string EncodeRow(const Version& version, absl::string_view row) {
  std::string value;
  value.reserve(kRowHeaderBytes + row.size());
  value.push_back(kRowFormat);
  value.push_back(version.ended ? kEndedFlag : '\0');
  AppendBigEndian64(&value, static_cast<uint64_t>(version.position));
  AppendBigEndian64(&value, static_cast<uint64_t>(version.recorded_us));
  AppendBigEndian32(&value, static_cast<uint32_t>(version.effective_from.days()));
  value.append(row.data(), row.size());
  return value;
}

absl::StatusOr<RowView> DecodeRow(absl::string_view value) {
  if (value.size() < kRowHeaderBytes || value[0] != kRowFormat)
    return base::StoreCorrupt("row header");
  RowView view;
  view.version.ended = (value[1] & kEndedFlag) != 0;
  view.version.position = static_cast<int64_t>(ReadBigEndian64(value.substr(2)));
  view.version.recorded_us = static_cast<int64_t>(ReadBigEndian64(value.substr(10)));
  const auto effective =
      base::Date::FromDays(static_cast<int32_t>(ReadBigEndian32(value.substr(18))));
  if (!effective.ok()) return base::StoreCorrupt("row header");
  view.version.effective_from = *effective;
  view.row = value.substr(kRowHeaderBytes);
  return view;
}

absl::StatusOr<ResourceView> SplitRow(absl::string_view row) {
  if (row.empty() || row[0] != kResourceTag) return base::StoreCorrupt("row without its resource");
  size_t length = 0;
  size_t at = 1;
  for (int shift = 0; at < row.size() && shift < 35; shift += 7) {
    const auto byte = static_cast<unsigned char>(row[at++]);
    length |= static_cast<size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (length > row.size() - at) break;
      return ResourceView{row.substr(at, length), row.substr(0, at + length),
                          row.substr(at + length)};
    }
  }
  return base::StoreCorrupt("row resource length");
}

}  // namespace nisi::store
