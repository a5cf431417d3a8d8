#include "common/store/totals.h"

#include "common/store/reader.h"
#include "common/store/totals_rows.h"

namespace nisi::store {
namespace {

// What a read of groups needs beside their rows; the cursors are made when the first group asks.
class GroupReader {
 public:
  GroupReader(const Snapshot& snapshot, const TotalsDef& totals)
      : snapshot_(snapshot), totals_(totals) {}

  absl::StatusOr<Sums> SumsOf(absl::string_view group, GroupRow row, base::Date as_of,
                              std::optional<int64_t> known_at_us) {
    if (as_of < row.through) {
      RETURN_IF_ERROR(SumDays(totals_, group, as_of.AddDays(1), row.through, -1,
                              On(kTotalsDay, &days_), &row.sums));
    } else if (as_of >= row.next) {
      RETURN_IF_ERROR(
          SumDays(totals_, group, row.next, as_of, 1, On(kTotalsDay, &days_), &row.sums));
    }
    if (known_at_us.has_value() && *known_at_us < row.recorded_us)
      RETURN_IF_ERROR(TakeBack(group, row.recorded_us, as_of, *known_at_us, &row.sums));
    return std::move(row.sums);
  }

 private:
  // What was recorded after `known_at_us` and changed the day asked for.
  absl::Status TakeBack(absl::string_view group, int64_t last_us, base::Date as_of,
                        int64_t known_at_us, Sums* sums) {
    Cursor* log = On(kTotalsLog, &log_);
    const std::string end = LogKey(totals_, group, last_us, base::Date::Max());
    for (log->Seek(LogKey(totals_, group, known_at_us + 1, base::Date::Min()));
         log->Valid() && log->key() <= end; log->Next()) {
      ASSIGN_OR_RETURN(const base::Date day, DayOfKey(log->key()));
      if (day > as_of) continue;
      ASSIGN_OR_RETURN(const Sums change, DecodeSums(totals_, log->value()));
      AddTo(sums, change, -1);
    }
    return log->status();
  }

  Cursor* On(char kind, std::unique_ptr<Cursor>* cursor) const {
    const std::string prefix = TablePrefix(totals_.id, kind);
    if (*cursor == nullptr) *cursor = snapshot_.Scan(Space::kData, prefix, PrefixEnd(prefix));
    return cursor->get();
  }

  const Snapshot& snapshot_;
  const TotalsDef& totals_;
  std::unique_ptr<Cursor> days_, log_;
};

}  // namespace

absl::Status Reader::ScanTotals(const TotalsDef& totals, const Key& prefix, const At& at,
                                const TotalsVisitor& visit) const {
  RETURN_IF_ERROR(CheckBuilt(totals.id));
  const std::string lower = GroupsPrefix(totals, prefix);
  const auto cursor = snapshot_->Scan(Space::kData, lower, PrefixEnd(lower));
  GroupReader reader(*snapshot_, totals);
  for (; cursor->Valid(); cursor->Next()) {
    ASSIGN_OR_RETURN(const std::string group, DecodeGroupKey(cursor->key()));
    ASSIGN_OR_RETURN(GroupRow row, DecodeGroup(totals, cursor->value()));
    ASSIGN_OR_RETURN(const Sums sums, reader.SumsOf(group, std::move(row),
                                                    at.as_of.value_or(today_), at.known_at_us));
    if (sums.front() == 0) continue;
    ASSIGN_OR_RETURN(const bool more, visit(group, sums));
    if (!more) return absl::OkStatus();
  }
  return cursor->status();
}

}  // namespace nisi::store
