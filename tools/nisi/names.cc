#include "tools/nisi/names.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nisi::cli {
namespace {

// The code point at *at, which moves behind it; negative for a malformed one.
int32_t NextCodePoint(absl::string_view text, size_t* at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int32_t>(text.size());
  auto i = static_cast<int32_t>(*at);
  int32_t c = 0;
  U8_NEXT(bytes, i, length, c);
  *at = static_cast<size_t>(i);
  return c;
}

int WidthOf(int32_t c) {
  if (c < 0) return 1;
  switch (u_charType(c)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Kebab(absl::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '_') {
      out += '-';
      continue;
    }
    const bool starts_word =
        absl::ascii_isupper(static_cast<unsigned char>(c)) && i > 0 && name[i - 1] != '_' &&
        (!absl::ascii_isupper(static_cast<unsigned char>(name[i - 1])) ||
         (i + 1 < name.size() && absl::ascii_islower(static_cast<unsigned char>(name[i + 1]))));
    if (starts_word) out += '-';
    out += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return out;
}

namespace {

// Whether it has all the letters of a word, one after another, between dashes, dots or its ends, as
// "edition.processing-level" has "level".
bool HasWord(absl::string_view name, absl::string_view word) {
  const auto ends = [&](size_t at) {
    return at == name.size() || name[at] == '-' || name[at] == '.';
  };
  for (size_t at = name.find(word); at != absl::string_view::npos; at = name.find(word, at + 1)) {
    if ((at == 0 || ends(at - 1)) && ends(at + word.size())) return true;
  }
  return false;
}

}  // namespace

std::string Nearest(absl::string_view word, const std::vector<std::string>& among) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : among) {
    size_t distance = Distance(word, candidate);
    // "title-ru" surely means "edition.title-ru".
    if (absl::EndsWith(candidate, absl::StrCat(".", word))) distance = 1;
    // And "entry.level" means "entry.processing-level" rather than "entry.kpved".
    const size_t dot = word.rfind('.');
    const bool same_owner =
        dot == absl::string_view::npos || absl::StartsWith(candidate, word.substr(0, dot + 1));
    const absl::string_view last = word.substr(dot == absl::string_view::npos ? 0 : dot + 1);
    if (same_owner && last.size() > 2 && HasWord(candidate, last)) {
      distance = std::min<size_t>(distance, 2);
    }
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& among) {
  const std::string nearest = Nearest(word, among);
  return nearest.empty() ? "" : absl::StrCat(" Did you mean ", nearest, "?");
}

int DisplayWidth(absl::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) width += WidthOf(NextCodePoint(text, &at));
  return width;
}

std::string Truncate(absl::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  int used = 1;  // the ellipsis
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    used += WidthOf(NextCodePoint(text, &at));
    if (used > width) break;
    end = at;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

std::string OneLine(absl::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const int32_t c = NextCodePoint(text, &at);
    const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || u_charType(c) == U_FORMAT_CHAR;
    absl::StrAppend(&out, control ? absl::string_view(" ") : text.substr(begin, at - begin));
  }
  return out;
}

bool IsUtf8(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (NextCodePoint(text, &at) < 0) return false;
  }
  return true;
}

}  // namespace nisi::cli
