#include "common/store/table.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/store/derived.h"
#include "common/store/totals.h"
#include "google/protobuf/descriptor.h"

namespace nisi::store {
namespace {

constexpr uint16_t kFirstSystemId = 0xff00;

std::string RowProblem(const TableDef& table) {
  const auto* resource = table.prototype->GetDescriptor()->FindFieldByNumber(1);
  if (resource == nullptr || resource->is_repeated() || resource->message_type() == nullptr) {
    return absl::StrCat("table ", table.name, ": field 1 of its row is not a resource message");
  }
  return "";
}

}  // namespace

const TableDef* Schema::FindTable(uint16_t id) const {
  for (const TableDef* table : tables) {
    if (table->id == id) return table;
  }
  return nullptr;
}

const TableDef* Schema::FindTable(absl::string_view table_name) const {
  for (const TableDef* table : tables) {
    if (table_name == table->name) return table;
  }
  return nullptr;
}

std::vector<const IndexDef*> Schema::IndexesOf(const TableDef& table) const {
  std::vector<const IndexDef*> found;
  for (const IndexDef* index : indexes) {
    if (index->on->id == table.id) found.push_back(index);
  }
  return found;
}

std::vector<const TotalsDef*> Schema::TotalsOf(const TableDef& table) const {
  std::vector<const TotalsDef*> found;
  for (const TotalsDef* one : totals) {
    if (one->on->id == table.id) found.push_back(one);
  }
  return found;
}

std::vector<const Derived*> Schema::DerivedOf(const TableDef& table) const {
  std::vector<const Derived*> found;
  for (const Derived* one : derived) {
    if (one->on->id == table.id) found.push_back(one);
  }
  return found;
}

std::string Schema::Problem() const {
  std::set<uint16_t> used;
  const auto take = [&used](uint16_t id) {
    return id != 0 && id < kFirstSystemId && used.insert(id).second;
  };
  for (const TableDef* table : tables) {
    if (!take(table->id))
      return absl::StrCat("table ", table->name, ": number ", table->id, " is taken");
    if (std::string problem = RowProblem(*table); !problem.empty()) return problem;
  }
  for (const IndexDef* index : indexes) {
    if (!take(index->id))
      return absl::StrCat("index ", index->name, ": number ", index->id, " is taken");
    if (FindTable(index->on->id) != index->on)
      return absl::StrCat("index ", index->name, ": no such table");
  }
  for (const TotalsDef* one : totals) {
    if (!take(one->id))
      return absl::StrCat("totals ", one->name, ": number ", one->id, " is taken");
    if (FindTable(one->on->id) != one->on)
      return absl::StrCat("totals ", one->name, ": no such table");
    if (one->measures == 0) return absl::StrCat("totals ", one->name, ": no count");
  }
  for (const Derived* one : derived) {
    if (!take(one->id))
      return absl::StrCat("derived ", one->name, ": number ", one->id, " is taken");
    if (FindTable(one->on->id) != one->on)
      return absl::StrCat("derived ", one->name, ": no such table");
  }
  for (const uint16_t id : retired) {
    if (!take(id)) return absl::StrCat("retired number ", id, " is in use");
  }
  return "";
}

std::string Schema::Describe() const {
  std::string text = absl::StrCat("schema ", name, " format ", format, "\n");
  for (const TableDef* table : tables) {
    absl::StrAppend(&text, "table ", table->id, " ", table->name, " ",
                    std::string(table->prototype->GetDescriptor()->full_name()), "\n");
  }
  for (const IndexDef* index : indexes) {
    absl::StrAppend(&text, index->secret ? "secret " : "",
                    index->unique ? "unique index " : "index ", index->id, " ", index->name, " on ",
                    index->on->name, "\n");
  }
  for (const TotalsDef* one : totals) {
    absl::StrAppend(&text, "totals ", one->id, " ", one->name, " on ", one->on->name, ", ",
                    one->measures, one->measures == 1 ? " measure\n" : " measures\n");
  }
  for (const Derived* one : derived) {
    absl::StrAppend(&text, "derived ", one->id, " ", one->name, " on ", one->on->name,
                    ", revision ", one->revision, "\n");
  }
  for (const uint16_t id : retired) absl::StrAppend(&text, "retired ", id, "\n");
  return text;
}

}  // namespace nisi::store
