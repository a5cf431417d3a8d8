#include "common/base/date.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/base/status.h"

namespace nisi::base {
namespace {

constexpr char kZoneName[] = "Asia/Almaty";
constexpr int kFirstYear = 1990;
constexpr int kLastYear = 2199;
const absl::CivilDay kEpoch(1970, 1, 1);

absl::CivilDay Civil(Date date) {
  return kEpoch + date.days();
}

// The number in text[from, from+count), nothing when one of them is no digit.
std::optional<int> Digits(absl::string_view text, size_t from, size_t count) {
  int value = 0;
  for (size_t i = from; i < from + count; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

absl::Status BadYear() {
  return absl::InvalidArgumentError(
      absl::StrCat("has a year outside ", kFirstYear, " to ", kLastYear));
}

struct Zone {
  absl::TimeZone zone;
  absl::Status status;
};

Zone LoadZone() {
  Zone loaded;
  if (!absl::LoadTimeZone(kZoneName, &loaded.zone)) {
    loaded.status = absl::InternalError(
        absl::StrCat("The tz database has no ", kZoneName, ": install the package tzdata."));
    return loaded;
  }
  const absl::Time later = absl::FromCivil(absl::CivilDay(2024, 6, 1), absl::UTCTimeZone());
  if (loaded.zone.At(later).offset != 5 * 3600) {
    loaded.status =
        absl::InternalError(absl::StrCat("The tz database is older than the change of ", kZoneName,
                                         " to UTC+5 in 2024: update tzdata."));
  }
  return loaded;
}

const Zone& TheZone() {
  static const Zone zone = LoadZone();
  return zone;
}

}  // namespace

absl::Status CheckLegalZone() {
  return TheZone().status;
}

absl::TimeZone LegalZone() {
  const Zone& zone = TheZone();
  if (!zone.status.ok()) {
    std::fprintf(stderr, "%s\n", zone.status.ToString().c_str());
    std::abort();
  }
  return zone.zone;
}

absl::StatusOr<Date> Date::Of(int64_t year, int64_t month, int64_t day) {
  if (year < kFirstYear || year > kLastYear) return BadYear();
  if (month < 1 || month > 12) return absl::InvalidArgumentError("has a month outside 1 to 12");
  const absl::CivilDay civil(year, month, day);
  if (day < 1 || day > 31 || civil.month() != month) {
    return absl::InvalidArgumentError("has a day that its month does not have");
  }
  return Date(static_cast<int32_t>(civil - kEpoch));
}

absl::StatusOr<Date> Date::Parse(absl::string_view text) {
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const auto year = Digits(text, 0, 4);
    const auto month = Digits(text, 5, 2);
    const auto day = Digits(text, 8, 2);
    if (year && month && day) return Of(*year, *month, *day);
  }
  return absl::InvalidArgumentError("is not a date as YYYY-MM-DD");
}

absl::StatusOr<Date> Date::FromProto(const google::type::Date& date) {
  return Of(date.year(), date.month(), date.day());
}

absl::StatusOr<Date> Date::FromDays(int64_t days) {
  if (days < kMinDays || days > kMaxDays) return BadYear();
  return Date(static_cast<int32_t>(days));
}

Date Date::LegalDay(absl::Time t) {
  // Compared before the difference is taken: the civil day of an infinite time is too far away for
  // it.
  const absl::CivilDay civil = absl::ToCivilDay(t, LegalZone());
  if (civil <= Civil(Min())) return Min();
  if (civil >= Civil(Max())) return Max();
  return Date(static_cast<int32_t>(civil - kEpoch));
}

int Date::year() const {
  return static_cast<int>(Civil(*this).year());
}
int Date::month() const {
  return Civil(*this).month();
}
int Date::day() const {
  return Civil(*this).day();
}

absl::Time Date::StartOfDay() const {
  return absl::FromCivil(Civil(*this), LegalZone());
}
absl::Time Date::EndOfDay() const {
  return absl::FromCivil(Civil(*this) + 1, LegalZone());
}

Date Date::AddDays(int64_t n) const {
  // Clamped first, so that the sum cannot overflow.
  constexpr int64_t kSpan = kMaxDays - kMinDays;
  const int64_t days = days_ + std::clamp(n, -kSpan, kSpan);
  return Date(static_cast<int32_t>(std::clamp<int64_t>(days, kMinDays, kMaxDays)));
}

google::type::Date Date::ToProto() const {
  google::type::Date proto;
  const absl::CivilDay civil = Civil(*this);
  proto.set_year(static_cast<int32_t>(civil.year()));
  proto.set_month(civil.month());
  proto.set_day(civil.day());
  return proto;
}

std::string Date::ToString() const {
  return absl::FormatCivilTime(Civil(*this));
}

absl::StatusOr<Quarter> Quarter::Of(int64_t year, int64_t quarter) {
  if (year < kFirstYear || year > kLastYear) return BadYear();
  if (quarter < 1 || quarter > 4) return absl::InvalidArgumentError("has a quarter outside 1 to 4");
  return Quarter(static_cast<int32_t>(year * 4 + quarter - 1));
}

absl::StatusOr<Quarter> Quarter::Parse(absl::string_view text) {
  if (text.size() == 6 && text[4] == 'Q') {
    const auto year = Digits(text, 0, 4);
    const auto quarter = Digits(text, 5, 1);
    if (year && quarter) return Of(*year, *quarter);
  }
  return absl::InvalidArgumentError("is not a quarter as 2026Q3");
}

Quarter Quarter::Containing(Date date) {
  return Quarter(date.year() * 4 + (date.month() - 1) / 3);
}

Date Quarter::first_day() const {
  return Date::Of(year(), (quarter() - 1) * 3 + 1, 1).value_or(Date::Min());
}

Date Quarter::last_day() const {
  const auto next = Next();
  return next.ok() ? next->first_day().AddDays(-1) : Date::Max();
}

absl::StatusOr<Quarter> Quarter::Next() const {
  if (index_ >= kLastYear * 4 + 3) return BadYear();
  return Quarter(index_ + 1);
}

std::string Quarter::ToString() const {
  return absl::StrCat(year(), "Q", quarter());
}

absl::StatusOr<Period> Period::Of(Date first, Date last) {
  if (last < first) return absl::InvalidArgumentError("ends before it starts");
  return Period(first, last);
}

}  // namespace nisi::base
