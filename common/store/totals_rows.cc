#include "common/store/totals_rows.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/layout.h"

namespace nisi::store {
namespace {

constexpr char kTotalsFormat = 1;
constexpr size_t kIdAndKindBytes = 3;
constexpr size_t kNumberBytes = 8;  // of a number or day in a key
constexpr size_t kGroupHeaderBytes = 4 + 4 + 8;

absl::Status Corrupt() {
  return base::StoreCorrupt("row of totals");
}

// The group is one text of the key, so that none lies among the days of another.
std::string KeyOf(const TotalsDef& totals, char kind, const Key& key) {
  return absl::StrCat(TablePrefix(totals.id, kind), key.bytes());
}

// Small numbers of either sign in few bytes: the sign goes last, then 7 bits a byte.
void AppendSum(std::string* out, Int sum) {
  auto bits = static_cast<absl::uint128>(sum);
  bits = (bits << 1) ^ (sum < 0 ? ~absl::uint128(0) : absl::uint128(0));
  for (; bits >= 0x80; bits >>= 7)
    out->push_back(static_cast<char>((absl::Uint128Low64(bits) & 0x7f) | 0x80));
  out->push_back(static_cast<char>(absl::Uint128Low64(bits)));
}

std::optional<Int> TakeSum(absl::string_view* bytes) {
  absl::uint128 bits = 0;
  for (int shift = 0; shift < 128 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    bits |= absl::uint128(byte & 0x7fU) << shift;
    if ((byte & 0x80U) != 0) continue;
    const absl::uint128 sign = (bits & 1) != 0 ? ~absl::uint128(0) : absl::uint128(0);
    return static_cast<Int>((bits >> 1) ^ sign);
  }
  return std::nullopt;
}

void AppendDay(std::string* out, base::Date day) {
  AppendBigEndian32(out, static_cast<uint32_t>(day.days()));
}

absl::StatusOr<base::Date> DayOf(absl::string_view bytes) {
  const auto day = base::Date::FromDays(static_cast<int32_t>(ReadBigEndian32(bytes)));
  if (!day.ok()) return Corrupt();
  return *day;
}

}  // namespace

std::string GroupKey(const TotalsDef& totals, absl::string_view group) {
  return KeyOf(totals, kTotalsGroup, Key::Of(group));
}

std::string DayKey(const TotalsDef& totals, absl::string_view group, base::Date day) {
  return KeyOf(totals, kTotalsDay, Key::Of(group, day));
}

std::string LogKey(const TotalsDef& totals, absl::string_view group, int64_t recorded_us,
                   base::Date day) {
  return KeyOf(totals, kTotalsLog, Key::Of(group, recorded_us, day));
}

std::string GroupsPrefix(const TotalsDef& totals, const Key& prefix) {
  return KeyOf(totals, kTotalsGroup, Key().AddTextPrefix(prefix.bytes()));
}

absl::StatusOr<std::string> DecodeGroupKey(absl::string_view key) {
  KeyReader reader(key.substr(std::min(key.size(), kIdAndKindBytes)));
  std::optional<std::string> group = reader.Text();
  if (!group.has_value() || !reader.done()) return Corrupt();
  return *std::move(group);
}

absl::StatusOr<base::Date> DayOfKey(absl::string_view key) {
  KeyReader reader(key.substr(key.size() - std::min(key.size(), kNumberBytes)));
  const std::optional<int64_t> days = reader.Number();
  if (!days.has_value()) return Corrupt();
  const auto day = base::Date::FromDays(*days);
  if (!day.ok()) return Corrupt();
  return *day;
}

std::string EncodeSums(const Sums& sums) {
  std::string value(1, kTotalsFormat);
  for (const Int sum : sums) AppendSum(&value, sum);
  return value;
}

absl::StatusOr<Sums> DecodeSums(const TotalsDef& totals, absl::string_view value) {
  if (value.empty() || value[0] != kTotalsFormat) return Corrupt();
  value.remove_prefix(1);
  Sums sums;
  sums.reserve(totals.measures);
  while (sums.size() < totals.measures) {
    const std::optional<Int> sum = TakeSum(&value);
    if (!sum.has_value()) return Corrupt();
    sums.push_back(*sum);
  }
  if (!value.empty()) return Corrupt();
  return sums;
}

std::string EncodeGroup(const GroupRow& row) {
  std::string value;
  AppendDay(&value, row.through);
  AppendDay(&value, row.next);
  AppendBigEndian64(&value, static_cast<uint64_t>(row.recorded_us));
  return absl::StrCat(value, EncodeSums(row.sums));
}

absl::StatusOr<GroupRow> DecodeGroup(const TotalsDef& totals, absl::string_view value) {
  if (value.size() < kGroupHeaderBytes) return Corrupt();
  GroupRow row;
  ASSIGN_OR_RETURN(row.through, DayOf(value));
  ASSIGN_OR_RETURN(row.next, DayOf(value.substr(4)));
  row.recorded_us = static_cast<int64_t>(ReadBigEndian64(value.substr(8)));
  ASSIGN_OR_RETURN(row.sums, DecodeSums(totals, value.substr(kGroupHeaderBytes)));
  return row;
}

bool IsZero(const Sums& sums) {
  return std::all_of(sums.begin(), sums.end(), [](Int sum) { return sum == 0; });
}

void AddTo(Sums* sums, absl::Span<const Int> added, int sign) {
  if (sums->empty()) sums->resize(added.size());
  for (size_t i = 0; i < added.size(); ++i) {
    const auto sum = static_cast<absl::uint128>((*sums)[i]);
    const auto more = static_cast<absl::uint128>(added[i]);
    (*sums)[i] = static_cast<Int>(sign > 0 ? sum + more : sum - more);
  }
}

absl::Status SumDays(const TotalsDef& totals, absl::string_view group, base::Date first,
                     base::Date last, int sign, Cursor* cursor, Sums* sums) {
  const std::string end = DayKey(totals, group, last);
  for (cursor->Seek(DayKey(totals, group, first)); cursor->Valid() && cursor->key() <= end;
       cursor->Next()) {
    ASSIGN_OR_RETURN(const Sums day, DecodeSums(totals, cursor->value()));
    AddTo(sums, day, sign);
  }
  return cursor->status();
}

}  // namespace nisi::store
