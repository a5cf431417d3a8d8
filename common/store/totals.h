// Totals: sums kept in the commit that changes their records, declared beside the indexes, as a
// function from a record to groups and what it adds to each. Always what a scan of the table at the
// same position, as_of and known_at would add up to.
//
//   const store::Totals<ProjectRow> kProjectTotals(
//       12, "project_totals", kProjects, 3, [](const ProjectRow& row, const EmitTotals& emit) {
//         const Int add[] = {1, row.cost(), row.jobs()};         // the first is the count
//         emit(Key::Of("region", row.region()), add);            // one emit a grouping
//         emit(Key::Of("sector", row.sector(), row.region()), add);
//       });
//
// What is added must be in the record: a mark that time alone changes (overdue, a traffic light) is
// put by its timer, or a list and its total would differ. How many different BINs there are is a
// table of BINs, not a sum.
#pragma once

#include <functional>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/types/span.h"
#include "common/store/table.h"

namespace nisi::store {

using Int = absl::int128;  // sums of tiyn do not fit 64 bits
using Sums = std::vector<Int>;
using EmitTotals = std::function<void(const Key& group, absl::Span<const Int> measures)>;

// shares() emits for no group (sparse), one or many; what it says twice of one group counts
// twice.
struct TotalsDef {
  uint16_t id;  // shares numbers with tables and indexes
  const char* name;
  const TableDef* on;
  size_t measures;  // how many each emit has; the first is the count, 1 or more
  std::function<void(const google::protobuf::Message&, const EmitTotals&)> shares;
};

template <class Row>
struct Totals : TotalsDef {
  Totals(uint16_t totals_id, const char* totals_name, const Table<Row>& table, size_t measure_count,
         void (*emit_of)(const Row&, const EmitTotals&))
      : TotalsDef{totals_id, totals_name, &table, measure_count,
                  [emit_of](const google::protobuf::Message& row, const EmitTotals& emit) {
                    emit_of(static_cast<const Row&>(row), emit);
                  }} {}
};

}  // namespace nisi::store
