// What versions of records change in totals, gathered before it is written: a command that puts
// twenty thousand records writes each group once. Private to the store.
//
// A version that is recorded holds from its effective day until the next later one known by then.
// There it takes the place of one older version, so the record's share changes by a difference on
// the first day and by its opposite on the last. Differences add up in any order; that is why
// totals are exact for every day and every moment, and why a correction of long ago costs no more
// than any other write.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/base/date.h"
#include "common/store/overlay.h"
#include "common/store/reader.h"
#include "common/store/totals.h"
#include "common/store/totals_rows.h"

namespace nisi::store {

class TotalsChanges {
 public:
  explicit TotalsChanges(const TotalsDef* totals) : totals_(totals) {}

  // A version is recorded; `earlier` are those of its record before it, as many as Reader::Versions
  // gives down to its day. `row` is null for one that ends the record.
  absl::Status Record(absl::Span<const RawRow> earlier, const Version& version,
                      const google::protobuf::Message* row);
  // All versions of one record, as if recorded one after another.
  absl::Status RecordAll(std::vector<RawRow> versions);

  // Adds the changes to what is stored and forgets them.
  absl::Status WriteTo(Overlay* overlay, base::Date today);
  // Holds what is stored against these changes, which must be those of all records; a line a
  // finding.
  absl::Status Compare(const Snapshot& snapshot, std::vector<std::string>* findings) const;

 private:
  using Shares = std::map<std::string, Sums>;  // by group
  absl::StatusOr<Shares> SharesOf(const google::protobuf::Message* row) const;
  absl::StatusOr<GroupRow> LoadGroup(const Overlay& overlay, absl::string_view group,
                                     base::Date today) const;
  absl::Status Advance(const Overlay& overlay, absl::string_view group, base::Date today,
                       GroupRow* row) const;
  absl::Status AddToRow(Overlay* overlay, std::string key, Sums change) const;

  using When = std::pair<int64_t, base::Date>;  // recorded, effective from
  const TotalsDef* totals_;
  std::map<std::string, std::map<When, Sums>> changes_;  // by group
};

}  // namespace nisi::store
