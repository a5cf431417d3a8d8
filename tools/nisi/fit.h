#pragma once

#include <string>
#include <vector>

// Fitting a wide table into a narrow terminal.
namespace nisi::cli {

struct FitColumn {
  // Field names joined by dots.
  std::string name;
  // Columns of the terminal that its widest cell takes, and that takes with its heading.
  int cells = 0;
  int whole = 0;
  bool shown = true;
};

// The width of each column, two spaces between them; 0: not shown. Long texts are cut first, down
// to what can still be read. Only when that does not do, and `may_leave_out`, columns go: those
// about how a record came about, then what is nested, other texts, plain values. What tells one
// record from another stays: the first column, names and codes, states, days, the first text. What
// no rule makes fit is cut wherever it is widest.
std::vector<int> FitColumns(const std::vector<FitColumn>& columns, int width, bool may_leave_out);

}  // namespace nisi::cli
