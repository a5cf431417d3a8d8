#include "common/base/wrap.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nisi::base {

std::string Wrap(absl::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  std::string out = margin;
  size_t column = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column > indent && column + 1 + word.size() > kLineWidth) {
      absl::StrAppend(&out, "\n", margin);
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    absl::StrAppend(&out, word);
    column += word.size();
  }
  return out + "\n";
}

}  // namespace nisi::base
