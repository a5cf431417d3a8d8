#include "common/base/codes.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "common/base/status.h"

namespace nisi::base {
namespace {

constexpr size_t kMaxSegment = 63;

constexpr KatoRegion kRegions[] = {
    {10, "KZ-10", "Abai"},
    {11, "KZ-11", "Akmola"},
    {15, "KZ-15", "Aktobe"},
    {19, "KZ-19", "Almaty region"},
    {23, "KZ-23", "Atyrau"},
    {27, "KZ-27", "West Kazakhstan"},
    {31, "KZ-31", "Zhambyl"},
    {33, "KZ-33", "Jetisu"},
    {35, "KZ-35", "Karaganda"},
    {39, "KZ-39", "Kostanay"},
    {43, "KZ-43", "Kyzylorda"},
    {47, "KZ-47", "Mangystau"},
    {55, "KZ-55", "Pavlodar"},
    {59, "KZ-59", "North Kazakhstan"},
    {61, "KZ-61", "Turkistan"},
    {62, "KZ-62", "Ulytau"},
    {63, "KZ-63", "East Kazakhstan"},
    {71, "KZ-71", "Astana"},
    {75, "KZ-75", "Almaty"},
    {79, "KZ-79", "Shymkent"},
};

absl::Status BadCode(absl::string_view reason) {
  return absl::InvalidArgumentError(reason);
}

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}
bool IsLower(char c) {
  return absl::ascii_islower(static_cast<unsigned char>(c));
}
int Digit(char c) {
  return c - '0';
}
int TwoDigits(absl::string_view text, size_t at) {
  return Digit(text[at]) * 10 + Digit(text[at + 1]);
}

absl::Status CheckDigits(absl::string_view text) {
  if (text.empty()) return BadCode("is empty");
  if (!std::all_of(text.begin(), text.end(), IsDigit))
    return BadCode("has a character that is not a digit");
  return absl::OkStatus();
}

absl::Status CheckDigits(absl::string_view text, size_t count) {
  RETURN_IF_ERROR(CheckDigits(text));
  if (text.size() != count)
    return BadCode(absl::StrCat("has ", text.size(), " digits, needs ", count));
  return absl::OkStatus();
}

// All digits and at most 18 of them.
uint64_t Number(absl::string_view digits) {
  uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<uint64_t>(Digit(c));
  return number;
}

uint64_t PowerOf10(int n) {
  uint64_t power = 1;
  while (n-- > 0) power *= 10;
  return power;
}

uint64_t Pack(absl::string_view digits) {
  const int missing = 10 - static_cast<int>(digits.size());
  return (Number(digits) * PowerOf10(missing)) << 4 | digits.size();
}

absl::Status CheckChapter(absl::string_view text) {
  const int chapter = TwoDigits(text, 0);
  if (chapter == 0 || chapter == 77) return BadCode("has a chapter (00 or 77) that does not exist");
  return absl::OkStatus();
}

// The remainder of the weighted sum of the first eleven digits by 11.
int WeightedRemainder(absl::string_view digits, const int (&weights)[11]) {
  int sum = 0;
  for (size_t i = 0; i < 11; ++i) sum += Digit(digits[i]) * weights[i];
  return sum % 11;
}

absl::Status CheckCheckDigit(absl::string_view digits) {
  constexpr int kFirst[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  constexpr int kSecond[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2};
  int check = WeightedRemainder(digits, kFirst);
  if (check == 10) check = WeightedRemainder(digits, kSecond);
  if (check != Digit(digits[11])) return BadCode("has a wrong check digit");
  return absl::OkStatus();
}

absl::Status CheckMonth(int month) {
  if (month < 1 || month > 12) return BadCode("has a month outside 01 to 12");
  return absl::OkStatus();
}

bool LooksLikeBin(absl::string_view digits) {
  return digits[4] >= '4' && digits[4] <= '6';
}

// YYMM of registration, digit 5 the kind of business, digit 6 the kind of unit.
absl::Status CheckBin(absl::string_view digits) {
  RETURN_IF_ERROR(CheckMonth(TwoDigits(digits, 2)));
  if (!LooksLikeBin(digits)) return BadCode("is not a BIN: its fifth digit is outside 4 to 6");
  if (digits[5] > '3') return BadCode("is not a BIN: its sixth digit is outside 0 to 3");
  return CheckCheckDigit(digits);
}

// YYMMDD of birth, digit 7 the century (1, 2: 19th; 3, 4: 20th; 5, 6: 21st).
absl::Status CheckIin(absl::string_view digits) {
  const int century = Digit(digits[6]);
  if (century < 1 || century > 6)
    return BadCode("is not an IIN: its seventh digit is outside 1 to 6");
  RETURN_IF_ERROR(CheckMonth(TwoDigits(digits, 2)));
  const int month = TwoDigits(digits, 2);
  const int day = TwoDigits(digits, 4);
  const absl::CivilDay born(1800 + (century - 1) / 2 * 100 + TwoDigits(digits, 0), month, day);
  if (day == 0 || born.month() != month)
    return BadCode("is not an IIN: it does not begin with a real date");
  return CheckCheckDigit(digits);
}

// Two digits at least.
absl::Status CheckRegion(absl::string_view text) {
  const int prefix = TwoDigits(text, 0);
  if (std::none_of(std::begin(kRegions), std::end(kRegions),
                   [prefix](const KatoRegion& region) { return region.prefix == prefix; })) {
    return BadCode("begins with no known region of KATO");
  }
  return absl::OkStatus();
}

bool HasShape(absl::string_view text, absl::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (shape[i] == 'N' ? !IsDigit(text[i]) : text[i] != shape[i]) return false;
  }
  return true;
}

absl::Status CheckShape(absl::string_view text, std::initializer_list<absl::string_view> shapes,
                        absl::string_view reason) {
  for (const absl::string_view shape : shapes) {
    if (HasShape(text, shape)) return absl::OkStatus();
  }
  return BadCode(reason);
}

absl::Status CheckSegment(absl::string_view segment) {
  if (segment.empty()) return BadCode("has an empty segment");
  if (segment.size() > kMaxSegment) return BadCode("has a segment of more than 63 characters");
  for (const char c : segment) {
    if (!IsLower(c) && !IsDigit(c) && c != '-') {
      return BadCode("has a segment with other characters than a-z, 0-9 and -");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GoodsCode> GoodsCode::Parse(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text));
  if (text.size() < 4 || text.size() > 10 || text.size() % 2 != 0) {
    return BadCode(absl::StrCat("has ", text.size(), " digits, needs 4, 6, 8 or 10"));
  }
  RETURN_IF_ERROR(CheckChapter(text));
  return GoodsCode(Pack(text));
}

absl::StatusOr<GoodsCode> GoodsCode::ParsePrefix(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text));
  if (text.size() > 10 || text.size() % 2 != 0) {
    return BadCode(absl::StrCat("has ", text.size(), " digits, needs 2, 4, 6, 8 or 10"));
  }
  RETURN_IF_ERROR(CheckChapter(text));
  return GoodsCode(Pack(text));
}

std::string GoodsCode::ToString() const {
  return absl::StrFormat("%0*d", digits(), (packed_ >> 4) / PowerOf10(10 - digits()));
}

absl::StatusOr<BinIin> BinIin::ParseBin(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text, 12));
  RETURN_IF_ERROR(CheckBin(text));
  return BinIin(Number(text), Kind::kBin);
}

absl::StatusOr<BinIin> BinIin::ParseIin(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text, 12));
  RETURN_IF_ERROR(CheckIin(text));
  return BinIin(Number(text), Kind::kIin);
}

absl::StatusOr<BinIin> BinIin::Parse(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text, 12));
  return LooksLikeBin(text) ? ParseBin(text) : ParseIin(text);
}

std::string BinIin::ToString() const {
  return absl::StrFormat("%012d", number_);
}

absl::Span<const KatoRegion> KatoRegions() {
  return kRegions;
}

absl::StatusOr<Kato> Kato::Parse(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text, 9));
  RETURN_IF_ERROR(CheckRegion(text));
  return Kato(static_cast<uint32_t>(Number(text)));
}

const KatoRegion& Kato::region() const {
  return *std::lower_bound(
      std::begin(kRegions), std::end(kRegions), prefix(),
      [](const KatoRegion& region, int prefix) { return region.prefix < prefix; });
}

std::string Kato::ToString() const {
  return absl::StrFormat("%09d", number_);
}

absl::Status OkedForm::Check(absl::string_view text) {
  return CheckShape(text, {"NN.NN", "NN.NN.N"}, "is not an OKED code as NN.NN or NN.NN.N");
}

absl::Status KpvedForm::Check(absl::string_view text) {
  return CheckShape(text, {"NN.NN", "NN.NN.N", "NN.NN.NN", "NN.NN.NN.NNN"},
                    "is not a KPVED code as NN.NN to NN.NN.NN.NNN");
}

absl::Status EnsTruForm::Check(absl::string_view text) {
  return CheckShape(text, {"NNNNNN.NNN.NNNNNN"}, "is not an ENS TRU code as NNNNNN.NNN.NNNNNN");
}

absl::Status EnsTruPrefixForm::Check(absl::string_view text) {
  return CheckShape(text, {"NNNNNN", "NNNNNN.NNN", "NNNNNN.NNN.NNNNNN"},
                    "is not the beginning of an ENS TRU code as NNNNNN or NNNNNN.NNN");
}

absl::Status KatoPrefixForm::Check(absl::string_view text) {
  RETURN_IF_ERROR(CheckDigits(text));
  if (text.size() < 2 || text.size() > 9) {
    return BadCode(absl::StrCat("has ", text.size(), " digits, needs 2 to 9"));
  }
  return CheckRegion(text);
}

absl::Status UuidForm::Check(absl::string_view text) {
  if (text.size() != 36)
    return BadCode(absl::StrCat("has ", text.size(), " characters, a UUID has 36"));
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !IsDigit(c) && !(c >= 'a' && c <= 'f'))
      return BadCode("is not a UUID in lower case");
  }
  // Of whoever forgot to make one: its second call would be taken for its first sent again.
  if (text.find_first_not_of("0-") == absl::string_view::npos) {
    return BadCode("is the UUID of zeros alone");
  }
  return absl::OkStatus();
}

absl::Status WordForm::Check(absl::string_view text) {
  if (text.empty()) return BadCode("is empty");
  if (text.size() > kMaxSegment) return BadCode("has more than 63 characters");
  for (const char c : text) {
    if (!IsLower(c) && !IsDigit(c) && c != '_')
      return BadCode("has other characters than a-z, 0-9 and _");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MatchResourceName(absl::string_view pattern,
                                                           absl::string_view name) {
  if (name.empty()) return BadCode("is empty");
  std::vector<std::string> stars;
  while (true) {
    const size_t pattern_end = pattern.find('/');
    const size_t name_end = name.find('/');
    const absl::string_view want = pattern.substr(0, pattern_end);
    const absl::string_view have = name.substr(0, name_end);
    if (want == "*") {
      RETURN_IF_ERROR(CheckSegment(have));
      stars.emplace_back(have);
    } else if (want != have) {
      return BadCode(absl::StrCat("does not have the segment ", want, " where it belongs"));
    }
    const bool pattern_done = pattern_end == absl::string_view::npos;
    const bool name_done = name_end == absl::string_view::npos;
    if (pattern_done && name_done) return stars;
    if (pattern_done || name_done)
      return BadCode(pattern_done ? "has too many segments" : "has too few segments");
    pattern.remove_prefix(pattern_end + 1);
    name.remove_prefix(name_end + 1);
  }
}

}  // namespace nisi::base
