// Rows that follow from records and are kept in the commit that changes these, declared beside the
// indexes: the port for what is more than keys and sums, as a search index is. Like indexes and
// totals they are in the batch and not in the journal: proofs are of records.
//
// When a command has run, what follows from every record of `on` that it put, ended or touched
// (Tx::Touch) is brought up to date, once; whatever it reads of the store then shows all that the
// command did. A store that did not have it yet gets it in the background, record by record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/store/overlay.h"
#include "common/store/reader.h"
#include "common/store/table.h"

namespace nisi::store {

class Derived {
 public:
  // `revision` of the rows: rows of another one mean something else, so it comes with another
  // number.
  Derived(uint16_t derived_id, const char* derived_name, const TableDef* table,
          uint32_t rows_revision)
      : id(derived_id), name(derived_name), on(table), revision(rows_revision) {}
  virtual ~Derived() = default;
  Derived(const Derived&) = delete;
  Derived& operator=(const Derived&) = delete;

  const uint16_t id;  // shares numbers with tables, indexes and totals: its rows lie under it
  const char* const name;
  const TableDef* const on;
  const uint32_t revision;

  // Writes to `rows` what follows from these records, which `reader` shows. `keys` are theirs, in
  // order, each once; `recorded_us` is when the command is recorded. Runs on the writer: a record
  // whose rows are right must be left alone.
  virtual absl::Status Update(const Reader& reader, absl::Span<const std::string> keys,
                              int64_t recorded_us, Overlay* rows) const = 0;
  // The records that a store had before are all in; `recorded_us` is when its last command was.
  virtual absl::Status FinishBuilding(int64_t recorded_us, Overlay* rows) const = 0;
  // Holds every row against the records; a line a finding.
  virtual absl::Status Scrub(const Reader& reader, std::vector<std::string>* findings) const = 0;
};

}  // namespace nisi::store
