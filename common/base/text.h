// Text that people write: what is let in, and how words of it are found again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::base {

struct TextRule {
  // Line feeds and tabs are allowed.
  bool multiline = false;
  // In code points, of the normalised text.
  size_t max_chars = 300;
  size_t min_chars = 0;
};

// The text in Unicode's form NFC. INVALID_ARGUMENT with a short reason that never holds the text:
// it is no UTF-8, too long or too short; has control characters, line separators, bidirectional
// overrides or isolates, noncharacters, more than 8 combining marks in a row; or has characters but
// none that can be seen.
absl::StatusOr<std::string> CheckText(absl::string_view text, const TextRule& rule);

// The same in place: `text` changes only where it was not in NFC. Costs one pass and no memory for
// ASCII.
absl::Status NormaliseText(std::string& text, const TextRule& rule);

// The form in which texts in Kazakh, Russian and English are compared: case folded, compatibility
// forms and invisible characters gone (NFKC_Casefold), and U+0451 (yo) read as U+0435 (ye), as
// people type it.
std::string FoldForSearch(absl::string_view text);

// The words of the folded text, in order: runs of letters, digits and their marks.
std::vector<std::string> Words(absl::string_view text);

}  // namespace nisi::base
