// Tables and indexes, declared as data in a service's tables.h: message type, primary key, indexes
// as functions from record to keys. The store keeps indexes, history and journal right for them;
// nobody else writes rows.
//
// A row is a protobuf message whose field 1 is the public resource; its other fields are private.
// The store fills the resource's `etag`, `create_time` and `update_time` where it has them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/store/key.h"
#include "google/protobuf/message.h"

namespace nisi::store {

using EmitKey = std::function<void(const Key&)>;

// What the store knows of a table, without its type. Made by Table<Row>.
struct TableDef {
  uint16_t id;  // on disk: never changed, never reused
  const char* name;
  const google::protobuf::Message* prototype;
  std::function<Key(const google::protobuf::Message&)> key;
};

// keys() emits none (sparse), one or many entries a record.
struct IndexDef {
  uint16_t id;  // shares numbers with tables
  const char* name;
  const TableDef* on;
  bool unique;  // at most one live record a key, today
  std::function<void(const google::protobuf::Message&, const EmitKey&)> keys;
  // Its keys may depend on confidential fields, as an invoice's number. So no list uses it, and a
  // unique one is asked before Put, whose refusal would answer guesses.
  bool secret = false;
};

template <class Row>
struct Table : TableDef {
  Table(uint16_t table_id, const char* table_name, Key (*key_of)(const Row&))
      : TableDef{table_id, table_name, &Row::default_instance(),
                 [key_of](const google::protobuf::Message& row) {
                   return key_of(static_cast<const Row&>(row));
                 }} {}
};

template <class Row>
struct Index : IndexDef {
  Index(uint16_t index_id, const char* index_name, const Table<Row>& table, bool is_unique,
        void (*keys_of)(const Row&, const EmitKey&), bool is_secret = false)
      : IndexDef{index_id,
                 index_name,
                 &table,
                 is_unique,
                 [keys_of](const google::protobuf::Message& row, const EmitKey& emit) {
                   keys_of(static_cast<const Row&>(row), emit);
                 },
                 is_secret} {}
};

struct TotalsDef;  // totals.h
class Derived;     // derived.h

// Everything a service keeps on disk. One constant a service; a test dumps it to a golden file.
struct Schema {
  std::string name;     // the service, as "priority-goods"
  uint32_t format = 1;  // raised when bytes change meaning; a store of a newer format is refused
  std::vector<const TableDef*> tables;
  std::vector<const IndexDef*> indexes;
  std::vector<const TotalsDef*> totals;
  std::vector<const Derived*> derived;
  // Ids of what was dropped, never used again; nor is the name of a table, by which the journal
  // knows its records.
  std::vector<uint16_t> retired;

  const TableDef* FindTable(uint16_t id) const;
  const TableDef* FindTable(absl::string_view table_name) const;
  std::vector<const IndexDef*> IndexesOf(const TableDef& table) const;
  std::vector<const TotalsDef*> TotalsOf(const TableDef& table) const;
  std::vector<const Derived*> DerivedOf(const TableDef& table) const;
  // Empty when sound, else what is wrong: a number used twice, an index without its table, a bad
  // row type.
  std::string Problem() const;
  // One line a table, index and totals: number, name, row type, unique, measures; for the golden
  // file.
  std::string Describe() const;
};

}  // namespace nisi::store
