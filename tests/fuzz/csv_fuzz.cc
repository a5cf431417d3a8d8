// CSV: rows that are read, written again, are read as the same rows.
#include "common/base/csv.h"

#include <sstream>

#include "absl/status/status.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::csv_target {
namespace {

using base::CsvReader;
using Rows = std::vector<std::vector<std::string>>;

// The header and the rows of as many columns; false when the text is broken.
bool ReadAll(const std::string& text, const base::CsvLimits& limits, Rows* rows) {
  std::istringstream in(text);
  CsvReader reader(&in, "", limits);
  if (!reader.ReadHeader({}).ok()) return false;
  rows->push_back(reader.header());
  for (size_t steps = 0;; ++steps) {
    Expect(steps <= text.size(), "every row takes something of the text");
    const auto more = reader.Next();
    if (reader.broken()) {
      Expect(absl::IsInvalidArgument(more.status()), "what is broken is said");
      Expect(reader.Next().status() == more.status(), "what is broken stays so");
      return false;
    }
    if (!more.ok()) continue;  // of another number of columns: it may go on
    if (!*more) return true;
    Expect(reader.row().size() == reader.header().size(), "a row has all columns");
    rows->push_back(reader.row());
  }
}

std::string Write(const Rows& rows, const base::CsvStyle& style) {
  std::string text;
  for (const auto& row : rows) base::AppendCsvRow(text, row, style);
  return text;
}

}  // namespace

NISI_FUZZ_TARGET(csv) {
  Input in(data, size);
  const uint8_t kind = in.Byte();
  nisi::base::CsvLimits limits;
  if ((kind & 1) != 0) limits = {8, 20, 3};
  Rows rows;
  if (!ReadAll(std::string(in.Rest()), limits, &rows)) return 0;
  // A mark before the first name is one of the file, not of the name.
  if (absl::string_view(rows[0][0]).substr(0, 3) == "\xef\xbb\xbf") return 0;

  const nisi::base::CsvStyle plain{false, (kind & 2) != 0 ? "\r\n" : "\n"};
  Rows again;
  Expect(ReadAll(Write(rows, plain), {}, &again) && again == rows, "written rows are the same");
  Rows safe;
  const std::string guarded = Write(rows, {true, plain.line_end});
  Expect(ReadAll(guarded, {}, &safe), "rows written for spreadsheets are read");
  for (const auto& row : safe) {
    for (const std::string& field : row) {
      Expect(field.find_first_of("=+-@\t\r") != 0, "no cell is a formula");
    }
  }
  return 0;
}

}  // namespace nisi::fuzz::csv_target
