#include "common/base/letters.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/code_points.h"

namespace nisi::base {
namespace {

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isascii(static_cast<unsigned char>(c)); });
}

// The text as it is where ICU has no data.
std::string Formed(const icu::Normalizer2* form, UErrorCode error, absl::string_view text) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  if (U_SUCCESS(error) && form != nullptr) {
    form->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
                        nullptr, error);
  }
  return U_SUCCESS(error) ? out : std::string(text);
}

std::string Decomposed(absl::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFDInstance(error);
  return Formed(form, error, text);
}

std::string Composed(absl::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFCInstance(error);
  return Formed(form, error, text);
}

bool IsLatin(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(c, &error) == USCRIPT_LATIN && U_SUCCESS(error);
}

// Letters that do not come apart into one and its marks.
char TypedAs(UChar32 c) {
  static const auto* const kTyped = new absl::flat_hash_map<UChar32, char>{
      {0xe6, 'a'},  {0xf8, 'o'},  {0x111, 'd'}, {0x127, 'h'},
      {0x131, 'i'}, {0x142, 'l'}, {0x153, 'o'}, {0x167, 't'}};  // ae, o/, d-, h-, i, l/, oe, t-
  const auto found = kTyped->find(c);
  return found == kTyped->end() ? '\0' : found->second;
}

}  // namespace

std::string PlainDigits(absl::string_view text) {
  if (IsAscii(text)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (int32_t at = 0; static_cast<size_t>(at) < text.size();) {
    const int32_t start = at;
    const UChar32 c = NextCodePoint(text, at);
    const int32_t digit = c < 0 ? -1 : u_charDigitValue(c);
    if (digit >= 0) {
      out.push_back(static_cast<char>('0' + digit));
    } else {
      absl::StrAppend(&out,
                      text.substr(static_cast<size_t>(start), static_cast<size_t>(at - start)));
    }
  }
  return out;
}

std::string PlainLatin(absl::string_view text) {
  if (IsAscii(text)) return std::string(text);
  const std::string apart = Decomposed(text);
  std::string out;
  out.reserve(apart.size());
  bool after_latin = false;
  for (int32_t at = 0; static_cast<size_t>(at) < apart.size();) {
    const int32_t start = at;
    const UChar32 c = NextCodePoint(apart, at);
    const bool is_mark = c >= 0 && (U_GET_GC_MASK(c) & U_GC_MN_MASK) != 0;
    if (is_mark && after_latin) continue;
    if (!is_mark) after_latin = c >= 0 && IsLatin(c);
    if (const char typed = c < 0 ? '\0' : TypedAs(c); typed != '\0') {
      out.push_back(typed);
    } else {
      out.append(apart, static_cast<size_t>(start), static_cast<size_t>(at - start));
    }
  }
  return Composed(out);
}

}  // namespace nisi::base
