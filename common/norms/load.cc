// Reading and checking the files of norms.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/csv.h"
#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/text.h"
#include "common/norms/norm_keys.h"
#include "common/norms/norms.h"

namespace nisi::norms {
namespace {

using base::Date;

constexpr size_t kMaxErrors = 20;
constexpr size_t kMaxSource = 500;

// Collects what is wrong, so that a person sees it all at once.
class Errors {
 public:
  void Add(absl::string_view line) {
    if (lines_.size() < kMaxErrors) lines_.emplace_back(line);
  }
  void Add(absl::string_view where, absl::string_view reason) {
    Add(absl::StrCat(where, ": ", reason));
  }
  bool any() const { return !lines_.empty(); }
  absl::Status status() const { return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n")); }

 private:
  std::vector<std::string> lines_;
};

// A norm and where it stands: "mci.csv:3".
struct Row {
  Norm norm;
  std::string where;
};

// Decimals and bounds (in whole units) of the numbers of a unit.
struct Range {
  int decimals = 0;
  int64_t max = 0;
};

Range RangeOf(Unit unit) {
  switch (unit) {
    case Unit::kPoints:
      return {0, 1'000};
    case Unit::kCount:
      return {0, 1'000'000'000};
    case Unit::kDays:
      return {0, 36'500};
    case Unit::kWorkingDays:
      return {0, 2'500};
    case Unit::kPercent:
      return {2, 100};
    case Unit::kTenge:
      return {2, 1'000'000'000'000};
    case Unit::kRate:
      return {3, 1'000};  // computed with, and shown in lines, in thousandths
    case Unit::kMonthDay:
      break;
  }
  return {};
}

// "03-21" is 321 millions of millionths.
absl::StatusOr<int64_t> ParseMonthDay(absl::string_view text) {
  // 2023 is no leap year: what is due on a day of the year needs one in each.
  const auto date = Date::Parse(absl::StrCat("2023-", text));
  if (!date.ok()) return absl::InvalidArgumentError("is not a day of every year as MM-DD");
  return (date->month() * 100 + date->day()) * Norm::kOne;
}

absl::StatusOr<int64_t> ParseValue(absl::string_view text, Unit unit) {
  if (unit == Unit::kMonthDay) return ParseMonthDay(text);
  const Range range = RangeOf(unit);
  ASSIGN_OR_RETURN(int64_t value, base::ParseDecimal(text, range.decimals));
  int64_t scale = Norm::kOne;
  for (int i = 0; i < range.decimals; ++i) scale /= 10;
  if (value < 0 || value > range.max * (Norm::kOne / scale)) {
    return absl::InvalidArgumentError(absl::StrCat("is not between 0 and ", range.max));
  }
  return value * scale;
}

absl::StatusOr<Certainty> ParseCertainty(absl::string_view text) {
  for (const Certainty certainty :
       {Certainty::kStatute, Certainty::kByLaw, Certainty::kAssumption}) {
    if (text == Name(certainty)) return certainty;
  }
  return absl::InvalidArgumentError("is not STATUTE, BY_LAW or ASSUMPTION");
}

// Takes *result or adds an error that names the column.
template <class T, class U>
void Take(absl::StatusOr<T> result, absl::string_view column, absl::string_view where,
          Errors& errors, U& into) {
  if (result.ok()) {
    into = *std::move(result);
  } else {
    errors.Add(where, absl::StrCat("the ", column, " ", result.status().message()));
  }
}

// Rows of keys with single days or years say the same thing twice; both must agree.
void CheckSingle(const Row& row, Errors& errors) {
  const Norm& norm = row.norm;
  if (!norm.to) {
    errors.Add(row.where, "a row of this key needs in_force_to");
  } else if (norm.unit == Unit::kDays &&
             norm.millionths != (*norm.to - norm.from + 1) * Norm::kOne) {
    errors.Add(row.where, "the value is not the number of days from in_force_from to in_force_to");
  } else if (norm.key == kPublishedYear &&
             (norm.from.ToString() != absl::StrCat(norm.text, "-01-01") ||
              norm.to->ToString() != absl::StrCat(norm.text, "-12-31"))) {
    errors.Add(row.where, "in_force_from and in_force_to are not the ends of the year");
  }
}

using MoreKeys = std::vector<KeySpec>;

// Of a declared key, or of one that a test brought.
const KeySpec* FindKey(absl::string_view key, const MoreKeys& more) {
  for (const KeySpec& spec : more) {
    if (spec.key == key) return &spec;
  }
  return norms::FindKey(key);
}

std::optional<Row> ReadRow(const base::CsvReader& reader, absl::string_view file,
                           const MoreKeys& more, Errors& errors) {
  Row row;
  row.where = absl::StrCat(file, ":", reader.line());
  Norm& norm = row.norm;
  const KeySpec* spec = FindKey(reader.Get("key"), more);
  if (spec == nullptr) {
    errors.Add(row.where, "the key is unknown");
    return std::nullopt;
  }
  Errors own;
  norm.key = std::string(spec->key);
  norm.unit = spec->unit;
  if (reader.Get("unit") != Name(spec->unit)) {
    own.Add(row.where, absl::StrCat("the unit is not ", Name(spec->unit), ", as its key needs"));
  }
  norm.text = std::string(reader.Get("value"));
  Take(ParseValue(norm.text, norm.unit), "value", row.where, own, norm.millionths);
  Take(Date::Parse(reader.Get("in_force_from")), "in_force_from", row.where, own, norm.from);
  if (const absl::string_view to = reader.Get("in_force_to"); !to.empty()) {
    Take(Date::Parse(to), "in_force_to", row.where, own, norm.to);
  }
  Take(base::CheckText(reader.Get("source"), {.max_chars = kMaxSource, .min_chars = 1}), "source",
       row.where, own, norm.source);
  Take(ParseCertainty(reader.Get("certainty")), "certainty", row.where, own, norm.certainty);
  if (!own.any() && norm.to && *norm.to < norm.from)
    own.Add(row.where, "in_force_to is before in_force_from");
  if (!own.any() && spec->single) CheckSingle(row, own);
  if (!own.any()) return row;
  errors.Add(own.status().message());
  return std::nullopt;
}

void ReadFile(const NormFile& file, const MoreKeys& more, std::vector<Row>& rows, Errors& errors) {
  std::istringstream in(file.text);
  base::CsvReader reader(&in, file.name);
  const absl::Status header = reader.ReadHeader(
      {"key", "value", "unit", "in_force_from", "in_force_to", "source", "certainty"});
  if (!header.ok()) {
    errors.Add(header.message());
    return;
  }
  if (reader.header().size() != 7) {
    errors.Add(absl::StrCat(file.name, ":1"), "there is a column too many");
    return;
  }
  while (true) {
    const absl::StatusOr<bool> any = reader.Next();
    if (any.ok() && !*any) return;
    if (!any.ok()) {
      errors.Add(any.status().message());
      if (reader.broken()) return;
      continue;
    }
    if (std::optional<Row> row = ReadRow(reader, file.name, more, errors))
      rows.push_back(*std::move(row));
  }
}

// The rows are sorted by key and first day. Names the later row of two that do not fit together.
void CheckSeries(const std::vector<Row>& rows, const MoreKeys& more, Errors& errors) {
  for (size_t i = 1; i < rows.size(); ++i) {
    const Row& before = rows[i - 1];
    const Row& row = rows[i];
    if (before.norm.key != row.norm.key) continue;
    if (!before.norm.to || *before.norm.to >= row.norm.from) {
      errors.Add(row.where, absl::StrCat("overlaps with ", before.where));
    } else if (!FindKey(row.norm.key, more)->single && row.norm.from - *before.norm.to > 1) {
      errors.Add(row.where, absl::StrCat("leaves a hole after ", before.where));
    }
  }
}

void CheckComplete(const std::map<std::string, std::vector<Norm>>& series, Errors& errors) {
  for (const KeySpec& spec : Keys()) {
    if (!spec.single && !series.contains(std::string(spec.key))) {
      errors.Add(absl::StrCat("the norm ", spec.key, " has no row in any file"));
    }
  }
}

base::Calendar MakeCalendar(const std::map<std::string, std::vector<Norm>>& series) {
  base::HolidayRules rules;
  for (const auto& [key, norms] : series) {
    const bool moving = absl::StartsWith(key, kHolidaysMoving);
    for (const Norm& norm : norms) {
      const Date last = norm.to.value_or(Date::Max());
      const int number = static_cast<int>(norm.millionths / Norm::kOne);
      if (moving || absl::StartsWith(key, kHolidaysStill)) {
        rules.fixed.push_back({.month = number / 100,
                               .day = number % 100,
                               .moves = moving,
                               .first = norm.from,
                               .last = last});
      } else if (key == kPublishedYear) {
        rules.published_years.insert(number);
      } else if (key == kDayOff || key == kWorkingWeekend) {
        auto& days = key == kDayOff ? rules.days_off : rules.working_weekends;
        for (int32_t i = 0; i <= last - norm.from; ++i) days.insert(norm.from.AddDays(i));
      }
    }
  }
  return base::Calendar(rules);
}

// Fields are joined by their CSV form, so that no two different rows can look alike.
std::string EditionOf(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    const Norm& norm = row.norm;
    base::AppendCsvRow(
        text, {norm.key, norm.text, std::string(Name(norm.unit)), norm.from.ToString(),
               norm.to ? norm.to->ToString() : "", norm.source, std::string(Name(norm.certainty))});
  }
  return base::HexEncode(base::AsBytes(base::Sha256(text))).substr(0, 16);
}

}  // namespace

absl::StatusOr<Norms> Norms::LoadText(const std::vector<NormFile>& files) {
  return LoadText(files, {});
}

absl::StatusOr<Norms> Norms::LoadText(const std::vector<NormFile>& files,
                                      const std::vector<KeySpec>& more_keys) {
  Errors errors;
  std::vector<Row> rows;
  for (const NormFile& file : files) ReadFile(file, more_keys, rows, errors);
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.norm.key, a.norm.from, a.where) < std::tie(b.norm.key, b.norm.from, b.where);
  });
  // Only of rows that could be read: a row with an error would show as a hole as well.
  if (!errors.any()) CheckSeries(rows, more_keys, errors);

  BySeries series;
  for (const Row& row : rows) series[row.norm.key].push_back(row.norm);
  if (!errors.any()) CheckComplete(series, errors);
  if (errors.any()) return errors.status();
  base::Calendar calendar = MakeCalendar(series);
  return Norms(std::move(series), EditionOf(rows), std::move(calendar));
}

absl::StatusOr<Norms> Norms::Load(const std::string& dir) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator it(dir, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".csv") paths.push_back(it->path());
  }
  if (error) return absl::NotFoundError(absl::StrCat(dir, ": ", error.message()));
  if (paths.empty()) return absl::NotFoundError(absl::StrCat(dir, ": has no .csv file"));
  std::sort(paths.begin(), paths.end());

  std::vector<NormFile> files;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || !text) return absl::NotFoundError(absl::StrCat(path.string(), ": cannot be read"));
    files.push_back({path.filename().string(), text.str()});
  }
  return LoadText(files);
}

}  // namespace nisi::norms
