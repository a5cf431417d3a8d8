// Norms: parameters of the law, its by-laws and practice that change by date. They are data files,
// checked at start; changing one is an edit of data. A number of the law never stands in code.
//
// A file is CSV with the columns key, value, unit, in_force_from, in_force_to (empty: still in
// force), source and certainty. The rows of one key form a series without holes and overlaps; they
// may stand in several files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/calendar.h"
#include "common/base/date.h"
#include "common/base/money.h"

namespace nisi::norms {

// kDays are calendar days, on which holidays and weekends count.
enum class Unit { kPoints, kCount, kDays, kWorkingDays, kPercent, kTenge, kRate, kMonthDay };
// How sure a norm is: read in the law, in a by-law, or assumed until its text is at hand.
enum class Certainty { kStatute, kByLaw, kAssumption };

// As in the files: "POINTS", "BY_LAW".
absl::string_view Name(Unit unit);
absl::string_view Name(Certainty certainty);

struct Norm {
  static constexpr int kScale = 6;
  static constexpr int64_t kOne = 1'000'000;  // in millionths

  std::string key;
  // As in the file: "16.25". A MONTH_DAY is "03-21".
  std::string text;
  // Exact, in millionths; of a MONTH_DAY 321 stands for 21 March.
  int64_t millionths = 0;
  Unit unit = Unit::kCount;
  base::Date from;
  std::optional<base::Date> to;
  std::string source;
  Certainty certainty = Certainty::kAssumption;
};

struct NormFile {
  std::string name;
  std::string text;
};

struct KeySpec;

// Immutable once loaded; may be read by many threads.
class Norms {
 public:
  // All *.csv of a folder. INVALID_ARGUMENT with up to 20 lines of "file.csv:12: reason"; NOT_FOUND
  // when the folder cannot be read or has no such file.
  static absl::StatusOr<Norms> Load(const std::string& dir);
  static absl::StatusOr<Norms> LoadText(const std::vector<NormFile>& files);
  // For tests: with keys that no norm of the law has.
  static absl::StatusOr<Norms> LoadText(const std::vector<NormFile>& files,
                                        const std::vector<KeySpec>& more_keys);
  // Those compiled in from deploy/norms.
  static absl::StatusOr<Norms> Default();
  static std::vector<NormFile> DefaultFiles();

  // The norm in force on a day. FAILED_PRECONDITION (NORM_NOT_IN_FORCE) when there is none on that
  // day; INTERNAL when the key is not declared in norm_keys.cc, or the typed getter does not fit
  // its unit or value.
  absl::StatusOr<Norm> Get(absl::string_view key, base::Date date) const;
  // A whole number of points, days or a count.
  absl::StatusOr<int64_t> Int(absl::string_view key, base::Date date) const;
  absl::StatusOr<base::Percent> Percent(absl::string_view key, base::Date date) const;
  absl::StatusOr<base::Money> Tenge(absl::string_view key, base::Date date) const;
  // The whole series of a key, by date; empty for an unknown key.
  const std::vector<Norm>& Series(absl::string_view key) const;

  // 16 hexadecimal digits of SHA-256 over all rows in order: a decision stores which norms it was
  // made with. Does not depend on how the rows are spread over files.
  const std::string& edition() const { return edition_; }
  const base::Calendar& calendar() const { return calendar_; }
  // Whether it rests on an assumption which days of the years from that of `first` to that of
  // `last` are worked: a day off may move, so a year's holidays are as sure as the least sure of
  // them.
  bool AssumesWorkingDays(base::Date first, base::Date last) const;

 private:
  using BySeries = std::map<std::string, std::vector<Norm>>;

  Norms(BySeries series, std::string edition, base::Calendar calendar)
      : edition_(std::move(edition)),
        calendar_(std::move(calendar)),
        series_(series.begin(), series.end()) {}

  std::string edition_;
  base::Calendar calendar_;
  absl::flat_hash_map<std::string, std::vector<Norm>> series_;
};

}  // namespace nisi::norms
