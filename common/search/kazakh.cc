#include "common/search/kazakh.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"

namespace nisi::search {
namespace {

// Folded: every letter is two bytes.
constexpr size_t kLetter = 2;
constexpr size_t kLeast = 3 * kLetter;  // of what is left

// Longest first. Possession: ymyz.. my, yn.. your, y/sy his; case: nyn of, ga to, ny the, da in,
// dan from, men with; number: lar. A bare a, e, n or m would cut too many words that end so.
constexpr std::array kEndings = {
    // 4 letters
    "ымыз", "имиз", "ыныз", "иниз",
    // 3 letters
    "лар", "лер", "дар", "дер", "тар", "тер", "мыз", "миз", "ныз", "низ", "сын", "син", "нын",
    "нин", "дын", "дин", "тын", "тин", "нда", "нде", "дан", "ден", "тан", "тен", "нан", "нен",
    "мен", "бен", "пен",
    // 2 letters
    "ым", "им", "ын", "ин", "сы", "си", "га", "ге", "ка", "ке", "на", "не", "ны", "ни", "ды", "ди",
    "ты", "ти", "да", "де", "та", "те",
    // 1 letter
    "ы", "и"};

bool IsVowel(absl::string_view letter) {
  constexpr absl::string_view kVowels = "аеиоуыэюя";
  for (size_t at = 0; at < kVowels.size(); at += kLetter) {
    if (letter == kVowels.substr(at, kLetter)) return true;
  }
  return false;
}

bool HasVowel(absl::string_view letters) {
  for (size_t at = 0; at + kLetter <= letters.size(); at += kLetter) {
    if (IsVowel(letters.substr(at, kLetter))) return true;
  }
  return false;
}

// How many bytes of endings come off the end at once.
size_t EndingOf(absl::string_view word) {
  for (const absl::string_view ending : kEndings) {
    if (word.size() < ending.size() + kLeast || !absl::EndsWith(word, ending)) continue;
    if (HasVowel(word.substr(0, word.size() - ending.size()))) return ending.size();
  }
  // "kalasy" is his town, "kala" with "sy", and "kenesi" his council, "kenes" with "i". To come to
  // the same, a last s after a vowel goes, too.
  constexpr absl::string_view kS = "с";
  if (word.size() >= kS.size() + kLeast && absl::EndsWith(word, kS) &&
      IsVowel(word.substr(word.size() - kS.size() - kLetter, kLetter))) {
    return kS.size();
  }
  return 0;
}

}  // namespace

std::string KazakhStem(absl::string_view word) {
  // Until nothing comes off: so a word and the same word with one more ending come to the same,
  // whatever its own last letters look like.
  for (size_t cut = EndingOf(word); cut > 0; cut = EndingOf(word)) word.remove_suffix(cut);
  std::string stem(word);
  const auto devoice = [&stem](absl::string_view voiced, absl::string_view voiceless) {
    if (absl::EndsWith(stem, voiced))
      stem.replace(stem.size() - voiced.size(), voiced.size(), std::string(voiceless));
  };
  devoice("б", "п");
  devoice("г", "к");
  return stem;
}

}  // namespace nisi::search
