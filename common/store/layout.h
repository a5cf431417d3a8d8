// Where everything lies on disk. Numbers and letters here are written to disk: append only.
//
// data  <table id> 'c' <key>                      the version in force today, or the grave of an
//                                                 ended one
// data  <table id> 'h' <key> ~<effective> ~<pos>  every other version, newest first
// data  <index id> 'c' <index key> <key>          length of <index key>; a unique index: the key is
//                                                 <index key> alone and the value is <key>
// data  <index id> 'h' <index key> <key>          the same, for keys that some other version has or
//                                                 had
// data  <system id> ...                           the store's own rows, below
// data  <totals id> 'c' <group>                   sums on a day, and how long they hold
// data  <totals id> 'd' <group> <day>             what changes on that day, as known now
// data  <totals id> 'l' <group> <recorded> <day>  what one command changed on that day
// data  <derived id> ...                          what follows from records: its own layout
// log   <position> 'J'                            journal entry: leaf, openings
// log   <position> 'N'                            the hashes of the subtrees of the Merkle tree
// that
//                                                 this leaf completes, level 0 first
// once  SHA-256(caller, method, request id)       time, body hash, position, reply
//
// The log grows at its end alone, so that its files never overlap and are moved, not rewritten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/date.h"
#include "common/store/table.h"

namespace nisi::store {

// The store's own number. A newer one is refused, and 1, which no release had: its log lay
// otherwise.
inline constexpr uint32_t kLayoutFormat = 2;
inline constexpr uint32_t kOldestLayoutFormat = 2;

inline constexpr uint16_t kMetaId = 0xff01;      // text name -> value
inline constexpr uint16_t kCountersId = 0xff02;  // text name -> last number given
inline constexpr uint16_t kTimersId = 0xff03;    // due microseconds, position, n -> timer
inline constexpr uint16_t kOutboxId = 0xff04;    // target, position, n -> message, recorded

inline constexpr char kCurrent = 'c';
inline constexpr char kHistory = 'h';

// What stands before the row's bytes in a stored value.
struct Version {
  int64_t position = 0;  // journal entry that recorded it; 0: a placeholder that never was in force
  int64_t recorded_us = 0;  // microseconds since the epoch
  base::Date effective_from;
  bool ended = false;  // the record is not there from effective_from on

  // Whether this version wins over `other` where both are in force.
  bool Beats(const Version& other) const {
    if (effective_from != other.effective_from) return effective_from > other.effective_from;
    return position > other.position;
  }
};

// Bytes before the row in a stored value: format, flags, position, recorded, effective.
inline constexpr size_t kRowHeaderBytes = 1 + 1 + 8 + 8 + 4;

// A stored value taken apart. `row` points into the value: empty for an ended version.
struct RowView {
  Version version;
  absl::string_view row;
};

std::string TablePrefix(uint16_t id, char kind);
std::string RowKey(const TableDef& table, absl::string_view key);
std::string HistoryPrefix(const TableDef& table, absl::string_view key);
std::string HistoryKey(const TableDef& table, absl::string_view key, const Version& version);
// The first history key of a record at or before a date, in the order they are stored.
std::string HistorySeek(const TableDef& table, absl::string_view key, base::Date as_of);
std::string SystemKey(uint16_t id, const Key& key);
// Stands while an index, totals or what is derived are being built. The value is how far: all
// records with a key below it are in.
std::string BuildingKey(uint16_t id);
// Stands for a record while it and another hold one key of a unique index that is being built. All
// of them with an empty key: what their places begin with.
std::string TakenTwiceKey(uint16_t id, absl::string_view key);
std::string JournalKey(int64_t position);
std::string NodesKey(int64_t position);
// The position of the leaf that completes a subtree: where its hash lies.
inline int64_t CompletedBy(int level, int64_t index) {
  return (index + 1) << level;
}

// The number in a row of the store's own: 8 bytes, big-endian, not negative. DATA_LOSS when the
// bytes are no such number.
absl::StatusOr<int64_t> DecodeNumber(absl::string_view bytes, absl::string_view what);

std::string EncodeRow(const Version& version, absl::string_view row);
// DATA_LOSS when the bytes are not a stored row.
absl::StatusOr<RowView> DecodeRow(absl::string_view value);

// The resource inside a row's bytes: the content of field 1. The store writes it first, so this is
// a look at the first bytes. `field` is the whole field, with tag and length, as field 1 of a reply
// wants it.
struct ResourceView {
  absl::string_view resource;
  absl::string_view field;
  absl::string_view rest;
};
absl::StatusOr<ResourceView> SplitRow(absl::string_view row);

}  // namespace nisi::store
