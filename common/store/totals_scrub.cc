// The scrub of totals: holds every row against what the records add up to.
#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/store/layout.h"
#include "common/store/totals_changes.h"

namespace nisi::store {
namespace {

using Rows = std::map<std::string, Sums>;  // by key
using Days = std::map<base::Date, Sums>;   // of one group

void DropZeros(Rows* rows) {
  std::erase_if(*rows, [](const auto& row) { return IsZero(row.second); });
}

class Comparison {
 public:
  Comparison(const Snapshot& snapshot, const TotalsDef& totals, std::vector<std::string>* findings)
      : snapshot_(snapshot), totals_(totals), findings_(findings) {}

  absl::Status CompareRows(char kind, Rows expected) {
    const std::string prefix = TablePrefix(totals_.id, kind);
    const auto cursor = snapshot_.Scan(Space::kData, prefix, PrefixEnd(prefix));
    for (; cursor->Valid(); cursor->Next()) {
      const auto sums = DecodeSums(totals_, cursor->value());
      const auto want = expected.find(std::string(cursor->key()));
      if (want == expected.end()) {
        Find("a row that no record has a share in");
        continue;
      }
      if (!sums.ok() || *sums != want->second) Find("a row is not what the records add up to");
      expected.erase(want);
    }
    for (size_t i = 0; i < expected.size(); ++i) Find("missing row");
    return cursor->status();
  }

  // `last_us`: when the group's newest change was recorded.
  absl::Status CompareGroup(absl::string_view group, const Days& days, int64_t last_us) {
    std::string value;
    ASSIGN_OR_RETURN(const bool present,
                     snapshot_.Get(Space::kData, GroupKey(totals_, group), &value));
    if (!present) {
      Find("missing group");
      return absl::OkStatus();
    }
    const auto row = DecodeGroup(totals_, value);
    if (!row.ok()) {
      Find("a group does not parse");
      return absl::OkStatus();
    }
    Sums sums(totals_.measures);
    bool quiet = true;  // nothing changes while the row says that nothing does
    for (const auto& [day, change] : days) {
      if (day <= row->through) AddTo(&sums, change);
      quiet = quiet && (day <= row->through || day >= row->next || IsZero(change));
    }
    if (sums != row->sums || !quiet || row->recorded_us < last_us)
      Find("a group is not what its days add up to");
    return absl::OkStatus();
  }

  // Groups of no record are left behind by a command that took back what it had counted.
  absl::Status CheckOthers(const std::map<std::string, Days>& known) {
    const std::string prefix = TablePrefix(totals_.id, kTotalsGroup);
    const auto cursor = snapshot_.Scan(Space::kData, prefix, PrefixEnd(prefix));
    for (; cursor->Valid(); cursor->Next()) {
      const auto group = DecodeGroupKey(cursor->key());
      const auto row = DecodeGroup(totals_, cursor->value());
      if (group.ok() && known.contains(*group)) continue;
      if (!group.ok() || !row.ok() || !IsZero(row->sums)) Find("a group that no record is in");
    }
    return cursor->status();
  }

 private:
  void Find(absl::string_view what) {
    findings_->push_back(absl::StrCat("totals ", totals_.name, ": ", what));
  }

  const Snapshot& snapshot_;
  const TotalsDef& totals_;
  std::vector<std::string>* findings_;
};

}  // namespace

absl::Status TotalsChanges::Compare(const Snapshot& snapshot,
                                    std::vector<std::string>* findings) const {
  Rows log, day_rows;
  std::map<std::string, Days> groups;
  Comparison comparison(snapshot, *totals_, findings);
  for (const auto& [group, moments] : changes_) {
    int64_t last_us = 0;
    Days days;
    for (const auto& [when, change] : moments) {
      if (IsZero(change)) continue;
      log[LogKey(*totals_, group, when.first, when.second)] = change;
      AddTo(&day_rows[DayKey(*totals_, group, when.second)], change);
      AddTo(&days[when.second], change);
      last_us = std::max(last_us, when.first);
    }
    if (days.empty()) continue;
    RETURN_IF_ERROR(comparison.CompareGroup(group, days, last_us));
    groups.emplace(group, std::move(days));
  }
  DropZeros(&day_rows);
  RETURN_IF_ERROR(comparison.CompareRows(kTotalsLog, std::move(log)));
  RETURN_IF_ERROR(comparison.CompareRows(kTotalsDay, std::move(day_rows)));
  return comparison.CheckOthers(groups);
}

}  // namespace nisi::store
