// What writing a row asks of its table and schema: fields by their names and what the schema's
// lists have of the table, looked up once and not at each write.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "common/store/table.h"
#include "google/protobuf/descriptor.h"

namespace nisi::store {

struct TableUse {
  const google::protobuf::FieldDescriptor* resource = nullptr;
  // Of the resource; null: it has none.
  const google::protobuf::FieldDescriptor* etag = nullptr;
  const google::protobuf::FieldDescriptor* update_time = nullptr;
  const google::protobuf::FieldDescriptor* create_time = nullptr;
  std::vector<const IndexDef*> indexes;
  std::vector<const TotalsDef*> totals;
  std::vector<const Derived*> derived;

  // Whether a write rests on what the row before says, not on its bytes alone.
  bool asks_before() const { return create_time != nullptr || !indexes.empty(); }
};

// Of one thread.
class TableUses {
 public:
  explicit TableUses(const Schema* schema) : schema_(schema) {}

  // Good as long as this is.
  const TableUse& Of(const TableDef& table);

 private:
  const Schema* const schema_;
  std::unordered_map<const TableDef*, std::unique_ptr<const TableUse>> uses_;
};

}  // namespace nisi::store
