// Reading the rows that a command works with, in one line each.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/store/reader.h"
#include "common/store/tx.h"
#include "nisi/decision/v1/decision.pb.h"

namespace nisi::cases {

// A record that another one names, so that it is there: DATA_LOSS when it is not.
template <class Row>
absl::StatusOr<Row> Need(const store::Reader& reader, const store::Table<Row>& table,
                         const store::Key& key, const store::At& at = {}) {
  ASSIGN_OR_RETURN(auto found, reader.Find(table, key, at));
  if (!found.has_value()) return base::StoreCorrupt(table.name);
  return std::move(found->row);
}

// All rows under a prefix of a table's keys or of an index, in order.
template <class Row, class TableOrIndex>
absl::StatusOr<std::vector<Row>> RowsUnder(const store::Reader& reader, const TableOrIndex& place,
                                           const store::Key& prefix, const store::At& at = {}) {
  std::vector<Row> rows;
  RETURN_IF_ERROR(
      reader.Scan(place, {prefix, ""}, at,
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<Row>(view));
                    rows.push_back(std::move(stored.row));
                    return true;
                  }));
  return rows;
}
template <class Row>
absl::StatusOr<std::vector<Row>> AllOf(const store::Reader& reader, const store::Table<Row>& table,
                                       const store::Key& prefix, const store::At& at = {}) {
  return RowsUnder<Row>(reader, table, prefix, at);
}
template <class Row>
absl::StatusOr<std::vector<Row>> AllOf(const store::Reader& reader, const store::Index<Row>& index,
                                       const store::Key& prefix, const store::At& at = {}) {
  return RowsUnder<Row>(reader, index, prefix, at);
}

// The sum of a group of totals that have one, as a count of records; 0 where there is none.
inline absl::StatusOr<int64_t> CountIn(const store::Reader& reader, const store::TotalsDef& totals,
                                       const store::Key& group) {
  int64_t count = 0;
  RETURN_IF_ERROR(reader.ScanTotals(
      totals, group, {},
      [&](absl::string_view, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        count = static_cast<int64_t>(sums[0]);
        return true;
      }));
  return count;
}

// A decision taken by a command is of the time that the command is recorded at.
inline void SetDecideTime(const store::Tx& tx, decision::v1::Decision* decision) {
  decision->mutable_decide_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
}

}  // namespace nisi::cases
