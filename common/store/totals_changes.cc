#include "common/store/totals_changes.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

using google::protobuf::Message;

// Where a version goes among those recorded before it.
struct Place {
  const RawRow* before = nullptr;   // what it takes the place of on its first day
  std::optional<base::Date> until;  // the day from which a later one holds
};

Place FindPlace(absl::Span<const RawRow> earlier, base::Date from) {
  Place place;
  for (const RawRow& other : earlier) {
    const Version& version = other.version;
    if (version.effective_from > from) {
      place.until = std::min(place.until.value_or(version.effective_from), version.effective_from);
    } else if (place.before == nullptr || version.Beats(place.before->version)) {
      place.before = &other;
    }
  }
  return place;
}

absl::StatusOr<std::unique_ptr<Message>> RowOf(const TableDef& table, const RawRow* raw) {
  if (raw == nullptr || raw->version.ended) return std::unique_ptr<Message>();
  return ParseRow(table, raw->row());
}

}  // namespace

absl::StatusOr<TotalsChanges::Shares> TotalsChanges::SharesOf(const Message* row) const {
  Shares shares;
  if (row == nullptr) return shares;
  bool sound = true;
  totals_->shares(*row, [&](const Key& group, absl::Span<const Int> measures) {
    sound = sound && measures.size() == totals_->measures && measures.front() > 0;
    if (sound) AddTo(&shares[std::string(group.bytes())], measures);
  });
  if (!sound) {
    return base::Refusal(absl::StatusCode::kInternal, "TOTALS_INVALID",
                         "A record's share has other measures than its totals, or no count.")
        .With("totals", totals_->name);
  }
  return shares;
}

absl::Status TotalsChanges::Record(absl::Span<const RawRow> earlier, const Version& version,
                                   const Message* row) {
  const Place place = FindPlace(earlier, version.effective_from);
  ASSIGN_OR_RETURN(const std::unique_ptr<Message> before, RowOf(*totals_->on, place.before));
  ASSIGN_OR_RETURN(const Shares old_shares, SharesOf(before.get()));
  ASSIGN_OR_RETURN(Shares changes, SharesOf(row));
  for (const auto& [group, sums] : old_shares) AddTo(&changes[group], sums, -1);
  for (const auto& [group, change] : changes) {
    if (IsZero(change)) continue;
    std::map<When, Sums>& moments = changes_[group];
    AddTo(&moments[{version.recorded_us, version.effective_from}], change);
    if (place.until.has_value()) AddTo(&moments[{version.recorded_us, *place.until}], change, -1);
  }
  return absl::OkStatus();
}

absl::Status TotalsChanges::RecordAll(std::vector<RawRow> versions) {
  std::sort(versions.begin(), versions.end(), [](const RawRow& a, const RawRow& b) {
    return a.version.position < b.version.position;
  });
  for (size_t i = 0; i < versions.size(); ++i) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> row, RowOf(*totals_->on, &versions[i]));
    RETURN_IF_ERROR(Record(absl::MakeConstSpan(versions).first(i), versions[i].version, row.get()));
  }
  return absl::OkStatus();
}

absl::Status TotalsChanges::WriteTo(Overlay* overlay, base::Date today) {
  for (const auto& [group, moments] : changes_) {
    std::map<base::Date, Sums> days;
    ASSIGN_OR_RETURN(GroupRow row, LoadGroup(*overlay, group, today));
    const int64_t recorded_before = row.recorded_us;
    for (const auto& [when, change] : moments) {
      const auto& [recorded_us, day] = when;
      if (IsZero(change)) continue;
      const std::string key = LogKey(*totals_, group, recorded_us, day);
      if (recorded_us > recorded_before) {
        overlay->Put(Space::kData, key, EncodeSums(change));  // there is none
      } else {
        RETURN_IF_ERROR(AddToRow(overlay, key, change));
      }
      row.recorded_us = std::max(row.recorded_us, recorded_us);
      AddTo(&days[day], change);
    }
    if (days.empty()) continue;
    for (const auto& [day, change] : days) {
      if (IsZero(change)) continue;
      RETURN_IF_ERROR(AddToRow(overlay, DayKey(*totals_, group, day), change));
      if (day <= row.through) {
        AddTo(&row.sums, change);
      } else {
        row.next = std::min(row.next, day);
      }
    }
    RETURN_IF_ERROR(Advance(*overlay, group, today, &row));
    overlay->Put(Space::kData, GroupKey(*totals_, group), EncodeGroup(row));
  }
  changes_.clear();
  return absl::OkStatus();
}

absl::StatusOr<GroupRow> TotalsChanges::LoadGroup(const Overlay& overlay, absl::string_view group,
                                                  base::Date today) const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present,
                   overlay.Get(Space::kData, GroupKey(*totals_, group), &value));
  if (present) return DecodeGroup(*totals_, value);
  GroupRow row;
  row.through = today;
  row.sums.resize(totals_->measures);
  return row;
}

// Moves the group's sums on to today, so that whoever asks for today reads no days.
absl::Status TotalsChanges::Advance(const Overlay& overlay, absl::string_view group,
                                    base::Date today, GroupRow* row) const {
  if (today <= row->through) return absl::OkStatus();  // the clock may have been set back
  if (today >= row->next) {
    const std::string last = DayKey(*totals_, group, base::Date::Max());
    const auto cursor =
        overlay.Scan(Space::kData, DayKey(*totals_, group, row->next), PrefixEnd(last));
    RETURN_IF_ERROR(SumDays(*totals_, group, row->next, today, 1, cursor.get(), &row->sums));
    row->next = base::Date::Max();
    if (cursor->Valid() && cursor->key() <= last) {
      ASSIGN_OR_RETURN(row->next, DayOfKey(cursor->key()));
    }
  }
  row->through = today;
  return absl::OkStatus();
}

absl::Status TotalsChanges::AddToRow(Overlay* overlay, std::string key, Sums change) const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present, overlay->Get(Space::kData, key, &value));
  if (present) {
    ASSIGN_OR_RETURN(const Sums before, DecodeSums(*totals_, value));
    AddTo(&change, before);
  }
  if (!IsZero(change)) {
    overlay->Put(Space::kData, std::move(key), EncodeSums(change));
  } else if (present) {
    overlay->Delete(Space::kData, std::move(key));
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
