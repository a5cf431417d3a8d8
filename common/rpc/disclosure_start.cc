// Whether confidential fields can be kept to those who may see them. Runs once, at start.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/resource.h"
#include "common/rpc/sample.h"
#include "common/store/journal.h"
#include "common/store/totals.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Message;

// Enough for a sparse index to have met the states in which it has a key.
constexpr int kSamples = 24;

const google::protobuf::Descriptor& ResourceType(const store::TableDef& table) {
  return *ResourceIn(*table.prototype).GetDescriptor();
}

absl::Status Depends(absl::string_view kind, absl::string_view name) {
  return base::Refusal(
      absl::StatusCode::kFailedPrecondition, "CONFIDENTIAL_INVALID",
      absl::StrCat("a key of the ", kind, " ", name,
                   " depends on a confidential field: page tokens and positions would tell it"));
}

// All but the tie to experts: a list by it is the expert's own.
void Strip(const MarkedType& type, Message* row) {
  Message* resource =
      row->GetReflection()->MutableMessage(row, row->GetDescriptor()->FindFieldByNumber(1));
  const std::string& expert = type.descriptor->options().GetExtension(v1::resource).expert_field();
  ShownMarks shown;
  for (const Mark& mark : type.marks) shown.push_back(mark.dotted == expert);
  Withhold(type, shown, v1::Withheld::NO_RIGHT, resource);
}

std::vector<std::string> KeysOf(const store::IndexDef& index, const Message& row) {
  std::vector<std::string> keys;
  index.keys(row, [&keys](const store::Key& key) { keys.emplace_back(key.bytes()); });
  return keys;
}

// For which groups a record counts, whatever it adds to them.
std::vector<std::string> GroupsOf(const store::TotalsDef& totals, const Message& row) {
  std::vector<std::string> groups;
  totals.shares(row, [&groups](const store::Key& group, absl::Span<const store::Int>) {
    groups.emplace_back(group.bytes());
  });
  return groups;
}

absl::Status CheckKeys(const store::Schema& schema, const store::TableDef& table,
                       const MarkedType& type) {
  for (int seed = 0; seed < kSamples; ++seed) {
    const std::unique_ptr<Message> whole(table.prototype->New()), open(table.prototype->New());
    FillSample(seed, whole.get());
    open->CopyFrom(*whole);
    Strip(type, open.get());
    if (table.key(*whole) != table.key(*open)) return Depends("table", table.name);
    for (const store::IndexDef* index : schema.IndexesOf(table)) {
      if (!index->secret && KeysOf(*index, *whole) != KeysOf(*index, *open)) {
        return Depends("index", index->name);
      }
    }
    for (const store::TotalsDef* totals : schema.TotalsOf(table)) {
      if (GroupsOf(*totals, *whole) != GroupsOf(*totals, *open)) {
        return Depends("totals", totals->name);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool HasMarks(const store::Schema& schema) {
  return std::any_of(schema.tables.begin(), schema.tables.end(), [](const store::TableDef* table) {
    return store::HasConfidential(ResourceType(*table));
  });
}

absl::Status CheckMarks(const store::Schema& schema) {
  for (const store::TableDef* table : schema.tables) {
    ASSIGN_OR_RETURN(const std::unique_ptr<MarkedType> type, MarkedTypeOf(ResourceType(*table)));
    if (type != nullptr) RETURN_IF_ERROR(CheckKeys(schema, *table, *type));
  }
  return absl::OkStatus();
}

}  // namespace nisi::rpc
