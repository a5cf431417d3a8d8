// CSV after RFC 4180, read strictly and written safely.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::base {

struct CsvLimits {
  size_t max_field_bytes = 64 * 1024;
  size_t max_row_bytes = 256 * 1024;
  size_t max_columns = 256;
};

// Reads rows one by one from a stream that outlives it. The first row names the columns. A byte
// order mark, LF and CRLF, quoted fields with line feeds in them are understood; so are semicolons
// between the fields, as spreadsheets write them where the comma is the decimal sign, when the
// first row has some and no comma, and tabs when it has neither. Anything else out of the ordinary
// is an error.
//
// Errors are INVALID_ARGUMENT, "goods.csv:12: reason" or, without a name, "line 12: reason". After
// "has 3 columns, needs 4" reading may go on with the next row; after any other error broken() is
// true and Next() repeats it.
class CsvReader {
 public:
  explicit CsvReader(std::istream* in, std::string name = "", CsvLimits limits = {});

  // Reads the first row. Error when a required column is missing or a name is empty or there twice.
  absl::Status ReadHeader(const std::vector<std::string>& required);
  // Where a column stands, -1 when there is none.
  int Column(absl::string_view name) const;
  const std::vector<std::string>& header() const { return header_; }

  // Reads a row; false at the end.
  absl::StatusOr<bool> Next();
  const std::vector<std::string>& row() const { return row_; }
  // A field of the row; "" when there is no such column.
  absl::string_view Get(absl::string_view column) const;
  // On which line the row began, from 1.
  int64_t line() const { return row_line_; }
  // An error about the row, in the form of this reader's own.
  absl::Status Error(absl::string_view reason) const;
  bool broken() const { return !broken_.ok(); }

 private:
  // Reads the first row into ahead_ and sets separator_ by it.
  void FindSeparator();
  // Reads fields up to the end of a row into row_; false when there is nothing left.
  absl::StatusOr<bool> ReadRow();
  absl::Status ReadField(std::string& field, bool& end_of_row);
  absl::Status ReadQuoted(std::string& field);
  absl::Status EndField(bool& end_of_row);
  absl::Status Append(std::string& field, char c);
  absl::Status Break(int64_t line, absl::string_view reason);
  absl::Status At(int64_t line, absl::string_view reason) const;
  int Peek();
  int Take();

  std::streambuf* in_;
  std::string name_;
  CsvLimits limits_;
  char separator_ = ',';
  std::string ahead_;  // of the stream, read before its turn
  size_t ahead_used_ = 0;
  std::vector<std::string> header_;
  std::vector<std::string> row_;
  size_t row_bytes_ = 0;
  int64_t line_ = 1;
  int64_t row_line_ = 0;
  absl::Status broken_;
};

struct CsvStyle {
  // A field that a spreadsheet would run as a formula (it begins with = + - @, tab or carriage
  // return) gets an apostrophe before it.
  bool spreadsheet_safe = false;
  absl::string_view line_end = "\n";
};

// Appends one row, quoting what needs quotes.
void AppendCsvRow(std::string& out, const std::vector<std::string>& fields,
                  const CsvStyle& style = {});

}  // namespace nisi::base
