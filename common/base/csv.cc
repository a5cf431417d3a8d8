#include "common/base/csv.h"

#include <algorithm>
#include <set>
#include <streambuf>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::base {
namespace {

constexpr int kEnd = std::char_traits<char>::eof();
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(std::istream* in, std::string name, CsvLimits limits)
    : in_(in->rdbuf()), name_(std::move(name)), limits_(limits) {}

int CsvReader::Peek() {
  if (ahead_used_ < ahead_.size()) return static_cast<unsigned char>(ahead_[ahead_used_]);
  return in_->sgetc();
}

int CsvReader::Take() {
  const int c = Peek();
  if (ahead_used_ < ahead_.size()) {
    ++ahead_used_;
  } else {
    in_->sbumpc();
  }
  if (c == '\n') ++line_;
  return c;
}

absl::Status CsvReader::At(int64_t line, absl::string_view reason) const {
  if (name_.empty()) return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", reason));
  return absl::InvalidArgumentError(absl::StrCat(name_, ":", line, ": ", reason));
}

absl::Status CsvReader::Error(absl::string_view reason) const {
  return At(row_line_, reason);
}

absl::Status CsvReader::Break(int64_t line, absl::string_view reason) {
  broken_ = At(line, reason);
  return broken_;
}

void CsvReader::FindSeparator() {
  bool quoted = false;
  bool commas = false;
  bool semicolons = false;
  bool tabs = false;
  // A row beyond the limit is refused when it is read.
  while (ahead_.size() <= limits_.max_row_bytes && in_->sgetc() != kEnd) {
    const char c = static_cast<char>(in_->sbumpc());
    ahead_.push_back(c);
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    commas = commas || c == ',';
    semicolons = semicolons || c == ';';
    tabs = tabs || c == '\t';
  }
  separator_ = commas ? ',' : semicolons ? ';' : tabs ? '\t' : ',';
}

absl::Status CsvReader::ReadHeader(const std::vector<std::string>& required) {
  FindSeparator();
  ASSIGN_OR_RETURN(const bool any, ReadRow());
  if (!any) return Break(1, "the header row is missing");
  // The mark can only be the beginning of an unquoted first name, or stand before a quote (refused
  // as such).
  if (absl::string_view(row_[0]).substr(0, 3) == kByteOrderMark)
    row_[0].erase(0, kByteOrderMark.size());
  std::set<std::string> names;
  for (const std::string& name : row_) {
    if (name.empty()) return Break(row_line_, "a column has no name");
    if (!names.insert(name).second)
      return Break(row_line_, absl::StrCat("the column ", name, " is there twice"));
  }
  for (const std::string& name : required) {
    if (!names.contains(name))
      return Break(row_line_, absl::StrCat("the column ", name, " is missing"));
  }
  header_ = row_;
  row_.clear();
  return absl::OkStatus();
}

int CsvReader::Column(absl::string_view name) const {
  const auto at = std::find(header_.begin(), header_.end(), name);
  return at == header_.end() ? -1 : static_cast<int>(at - header_.begin());
}

absl::string_view CsvReader::Get(absl::string_view column) const {
  const int at = Column(column);
  if (at < 0 || static_cast<size_t>(at) >= row_.size()) return "";
  return row_[static_cast<size_t>(at)];
}

absl::StatusOr<bool> CsvReader::Next() {
  ASSIGN_OR_RETURN(const bool any, ReadRow());
  if (any && row_.size() != header_.size()) {
    return Error(absl::StrCat("has ", row_.size(), " columns, needs ", header_.size()));
  }
  return any;
}

absl::StatusOr<bool> CsvReader::ReadRow() {
  RETURN_IF_ERROR(broken_);
  row_.clear();
  row_bytes_ = 0;
  row_line_ = line_;
  if (Peek() == kEnd) return false;
  bool end_of_row = false;
  while (!end_of_row) {
    if (row_.size() == limits_.max_columns) {
      return Break(row_line_, absl::StrCat("has more than ", limits_.max_columns, " columns"));
    }
    row_.emplace_back();
    RETURN_IF_ERROR(ReadField(row_.back(), end_of_row));
  }
  return true;
}

absl::Status CsvReader::ReadField(std::string& field, bool& end_of_row) {
  if (Peek() == '"') {
    RETURN_IF_ERROR(ReadQuoted(field));
    return EndField(end_of_row);
  }
  while (true) {
    const int c = Peek();
    if (c == separator_ || c == '\n' || c == '\r' || c == kEnd) return EndField(end_of_row);
    if (c == '"') {
      // Excel writes the mark before a quoted first column.
      if (line_ == 1 && row_.size() == 1 && field == kByteOrderMark) {
        field.clear();
        RETURN_IF_ERROR(ReadQuoted(field));
        return EndField(end_of_row);
      }
      return Break(line_, "a quote stands inside a field that is not quoted");
    }
    RETURN_IF_ERROR(Append(field, static_cast<char>(Take())));
  }
}

absl::Status CsvReader::ReadQuoted(std::string& field) {
  const int64_t opened = line_;
  Take();
  while (true) {
    const int c = Take();
    if (c == kEnd) return Break(opened, "a quoted field does not end");
    if (c == '"') {
      if (Peek() != '"') return absl::OkStatus();
      Take();
    }
    RETURN_IF_ERROR(Append(field, static_cast<char>(c)));
  }
}

// After a field: a separator, the end of the row, or the end of the text.
absl::Status CsvReader::EndField(bool& end_of_row) {
  const int64_t line = line_;
  const int c = Take();
  if (c == separator_) return absl::OkStatus();
  end_of_row = true;
  if (c == kEnd || c == '\n') return absl::OkStatus();
  if (c == '\r') {
    if (Take() == '\n') return absl::OkStatus();
    return Break(line, "a carriage return stands without a line feed");
  }
  return Break(line, "something follows a closing quote");
}

absl::Status CsvReader::Append(std::string& field, char c) {
  if (c == '\0') return Break(line_, "has a NUL byte");
  if (field.size() == limits_.max_field_bytes) {
    return Break(row_line_,
                 absl::StrCat("has a field of more than ", limits_.max_field_bytes, " bytes"));
  }
  if (++row_bytes_ > limits_.max_row_bytes) {
    return Break(row_line_, absl::StrCat("has more than ", limits_.max_row_bytes, " bytes"));
  }
  field.push_back(c);
  return absl::OkStatus();
}

void AppendCsvRow(std::string& out, const std::vector<std::string>& fields, const CsvStyle& style) {
  bool first = true;
  for (const std::string& field : fields) {
    if (!first) out.push_back(',');
    first = false;
    const bool formula = style.spreadsheet_safe && field.find_first_of("=+-@\t\r") == 0;
    // A row of one empty field would be an empty line, and semicolons or tabs in a first row
    // without a comma would part it.
    const bool alone =
        fields.size() == 1 && (field.empty() || field.find_first_of(";\t") != std::string::npos);
    if (field.find_first_of(",\"\r\n") == std::string::npos && !alone) {
      absl::StrAppend(&out, formula ? "'" : "", field);
      continue;
    }
    absl::StrAppend(&out, formula ? "\"'" : "\"");
    for (const char c : field) {
      if (c == '"') out.push_back('"');
      out.push_back(c);
    }
    out.push_back('"');
  }
  absl::StrAppend(&out, style.line_end);
}

}  // namespace nisi::base
