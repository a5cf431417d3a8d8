#include "common/base/text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/code_points.h"
#include "common/base/status.h"

namespace nisi::base {
namespace {

constexpr int kMaxMarksInARow = 8;
// Beyond this a text is too long whatever is in it: NFC makes at most three code points into one,
// of four bytes.
constexpr size_t kMaxBytesPerChar = 12;
constexpr UChar32 kYo = 0x0451;
constexpr char kYe[] = "\xd0\xb5";  // U+0435

absl::Status Bad(absl::string_view reason) {
  return absl::InvalidArgumentError(reason);
}

bool IsPlainAscii(char c) {
  return c >= 0x20 && c < 0x7f;
}
bool IsAllAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool IsBidiControl(UChar32 c) {
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool IsVisible(UChar32 c) {
  return !u_isUWhiteSpace(c) && !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

absl::Status CheckCodePoint(UChar32 c, bool multiline) {
  if (c < 0) return Bad("is not valid UTF-8");
  const bool line_feed_or_tab = c == '\n' || c == '\t';
  if ((c < 0x20 && !(multiline && line_feed_or_tab)) || (c >= 0x7f && c < 0xa0)) {
    return Bad("has control characters");
  }
  if (c == 0x2028 || c == 0x2029) return Bad("has Unicode line separators");
  if (IsBidiControl(c)) return Bad("has bidirectional overrides or isolates");
  if (U_IS_UNICODE_NONCHAR(c)) return Bad("has Unicode noncharacters");
  return absl::OkStatus();
}

absl::Status CheckLength(size_t chars, const TextRule& rule) {
  if (chars > rule.max_chars)
    return Bad(absl::StrCat("has more than ", rule.max_chars, " characters"));
  if (chars < rule.min_chars) {
    if (chars == 0) return Bad("is empty");
    return Bad(absl::StrCat("has fewer than ", rule.min_chars, " characters"));
  }
  return absl::OkStatus();
}

struct Looked {
  size_t chars = 0;
  bool visible = false;
};

// How many bytes the code point takes that `text` begins with, when it is a visible letter or sign
// of the scripts nearly all text here is in: ASCII, and the Cyrillic block without its combining
// marks (U+0483 to U+0489). 0: any other, to be looked at closely.
int32_t PlainBytes(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return lead > 0x20 && lead < 0x7f ? 1 : 0;
  const auto next = static_cast<unsigned char>(text.size() > 1 ? text[1] : '\0');
  if (lead < 0xd0 || lead > 0xd3 || (next & 0xc0) != 0x80) return 0;
  return lead != 0xd2 || next > 0x89 ? 2 : 0;
}

// One pass over text of any kind, which is less than 2 GiB.
absl::StatusOr<Looked> Look(absl::string_view text, bool multiline) {
  Looked looked;
  int marks = 0;
  for (int32_t at = 0; static_cast<size_t>(at) < text.size();) {
    if (const int32_t bytes = PlainBytes(text.substr(static_cast<size_t>(at))); bytes > 0) {
      at += bytes;
      marks = 0;
      looked.visible = true;
      ++looked.chars;
      continue;
    }
    const UChar32 c = NextCodePoint(text, at);
    RETURN_IF_ERROR(CheckCodePoint(c, multiline));
    marks = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0 ? marks + 1 : 0;
    if (marks > kMaxMarksInARow) return Bad("has more than 8 combining marks in a row");
    looked.visible = looked.visible || IsVisible(c);
    ++looked.chars;
  }
  return looked;
}

// ICU's data is compiled in; without it nothing here can be checked.
const icu::Normalizer2& MustHave(const icu::Normalizer2* normalizer, UErrorCode error) {
  if (U_FAILURE(error) || normalizer == nullptr) {
    std::fprintf(stderr, "ICU has no normalisation data: %s\n", u_errorName(error));
    std::abort();
  }
  return *normalizer;
}

const icu::Normalizer2& Nfc() {
  UErrorCode error = U_ZERO_ERROR;
  return MustHave(icu::Normalizer2::getNFCInstance(error), error);
}

const icu::Normalizer2& NfkcCasefold() {
  UErrorCode error = U_ZERO_ERROR;
  return MustHave(icu::Normalizer2::getNFKCCasefoldInstance(error), error);
}

icu::StringPiece Piece(absl::string_view text) {
  return icu::StringPiece(text.data(), static_cast<int32_t>(text.size()));
}

absl::StatusOr<std::string> Normalised(const icu::Normalizer2& form, absl::string_view text) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode error = U_ZERO_ERROR;
  form.normalizeUTF8(0, Piece(text), sink, nullptr, error);
  if (U_FAILURE(error)) return Bad("cannot be normalised");
  return out;
}

bool IsNfc(absl::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  return Nfc().isNormalizedUTF8(Piece(text), error) && U_SUCCESS(error);
}

}  // namespace

absl::Status NormaliseText(std::string& text, const TextRule& rule) {
  if (std::all_of(text.begin(), text.end(), IsPlainAscii)) {
    RETURN_IF_ERROR(CheckLength(text.size(), rule));
    const bool blank = std::all_of(text.begin(), text.end(), [](char c) { return c == ' '; });
    return blank && !text.empty() ? Bad("has no visible character") : absl::OkStatus();
  }
  if (text.size() / kMaxBytesPerChar > rule.max_chars ||
      text.size() > std::numeric_limits<int32_t>::max()) {
    return Bad(absl::StrCat("has more than ", rule.max_chars, " characters"));
  }
  ASSIGN_OR_RETURN(Looked looked, Look(text, rule.multiline));
  if (!IsAllAscii(text) && !IsNfc(text)) {
    ASSIGN_OR_RETURN(std::string normalised, Normalised(Nfc(), text));
    ASSIGN_OR_RETURN(looked, Look(normalised, rule.multiline));
    text = std::move(normalised);
  }
  RETURN_IF_ERROR(CheckLength(looked.chars, rule));
  return looked.visible ? absl::OkStatus() : Bad("has no visible character");
}

absl::StatusOr<std::string> CheckText(absl::string_view text, const TextRule& rule) {
  // Refused before it is copied.
  if (text.size() / kMaxBytesPerChar > rule.max_chars) {
    return Bad(absl::StrCat("has more than ", rule.max_chars, " characters"));
  }
  std::string copy(text);
  RETURN_IF_ERROR(NormaliseText(copy, rule));
  return copy;
}

std::string FoldForSearch(absl::string_view text) {
  if (IsAllAscii(text)) return absl::AsciiStrToLower(text);
  auto folded = Normalised(NfkcCasefold(), text.substr(0, std::numeric_limits<int32_t>::max() / 8));
  if (!folded.ok()) return std::string();
  std::string out;
  out.reserve(folded->size());
  for (int32_t at = 0; static_cast<size_t>(at) < folded->size();) {
    const int32_t start = at;
    if (NextCodePoint(*folded, at) == kYo) {
      out.append(kYe);
    } else {
      out.append(*folded, static_cast<size_t>(start), static_cast<size_t>(at - start));
    }
  }
  return out;
}

namespace {

// A letter, digit or mark; goes past it.
bool IsWordCharacter(absl::string_view text, int32_t& at) {
  const char byte = text[static_cast<size_t>(at)];
  if (absl::ascii_isascii(static_cast<unsigned char>(byte))) {
    ++at;
    return absl::ascii_isalnum(static_cast<unsigned char>(byte));
  }
  const UChar32 c = NextCodePoint(text, at);
  return c >= 0 && (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}

}  // namespace

std::vector<std::string> Words(absl::string_view text) {
  const std::string folded = FoldForSearch(text);
  std::vector<std::string> words;
  std::string word;
  for (int32_t at = 0; static_cast<size_t>(at) < folded.size();) {
    const int32_t start = at;
    if (IsWordCharacter(folded, at)) {
      word.append(folded, static_cast<size_t>(start), static_cast<size_t>(at - start));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace nisi::base
