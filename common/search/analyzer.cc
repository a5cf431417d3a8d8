#include "common/search/analyzer.h"

#include <libstemmer.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/base/code_points.h"
#include "common/base/text.h"
#include "common/search/kazakh.h"

namespace nisi::search {
namespace {

// What a thread keeps of words: some 10 MiB on the one that writes, little where only queries are.
constexpr size_t kKnownWords = 65'536;
constexpr size_t kKnownTerms = 65'536;
constexpr int kLeastStemmed = 4;  // letters

// Code points below this, which nearly all text here is of, are folded by a table.
constexpr UChar32 kTabled = 0x0530;
constexpr UChar32 kFirstMark = 0x0300, kLastMark = 0x036f;
constexpr UChar32 kFirstFraction = 0x00bc, kLastFraction = 0x00be;  // two words each

constexpr std::pair<UChar32, UChar32> kTyped[] = {
    {0x0451, 0x0435},  // yo: ye
    {0x04d9, 0x0430}, {0x0493, 0x0433}, {0x049b, 0x043a}, {0x04a3, 0x043d}, {0x04e9, 0x043e},
    {0x04b1, 0x0443}, {0x04af, 0x0443}, {0x04bb, 0x0445}, {0x0456, 0x0438}, {0x00d7, 'x'},
};

// Latin and the Cyrillic letter that looks like it.
constexpr std::pair<char, UChar32> kLookAlike[] = {
    {'a', 0x0430}, {'b', 0x0432}, {'c', 0x0441}, {'e', 0x0435}, {'h', 0x043d},
    {'i', 0x0438}, {'k', 0x043a}, {'m', 0x043c}, {'o', 0x043e}, {'p', 0x0440},
    {'t', 0x0442}, {'x', 0x0445}, {'y', 0x0443},
};

bool IsWordChar(UChar32 c) {
  return c >= 0 && (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}
bool IsCyrillic(UChar32 c) {
  return c >= 0x0400 && c < 0x0530;
}

void Append(UChar32 c, std::string* out) {
  char bytes[U8_MAX_LENGTH];
  int32_t length = 0;
#pragma GCC diagnostic push  // ICU's macros narrow as they mean to
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
  U8_APPEND_UNSAFE(bytes, length, c);
#pragma GCC diagnostic pop
  out->append(bytes, static_cast<size_t>(length));
}

// What a folded code point is read as: nothing where it is no part of a word, or a mark.
UChar32 Read(UChar32 c) {
  for (const auto& [letter, typed] : kTyped) {
    if (c == letter) return typed;
  }
  if (!IsWordChar(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0) return 0;
  if (c < 0x80 || IsCyrillic(c)) return c;
  // A Latin letter without its marks.
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(error);
  icu::UnicodeString parts;
  if (U_SUCCESS(error) && nfd->getDecomposition(c, parts) && parts.char32At(0) < 0x80)
    return parts.char32At(0);
  return c;
}

// What the code points below kTabled are read as: text, empty for what separates words.
using Table = std::array<std::string, kTabled>;
const Table& Folded() {
  static const Table* const kTable = [] {
    auto* table = new Table;
    for (UChar32 c = 0; c < kTabled; ++c) {
      std::string alone;
      Append(c, &alone);
      const std::string folded = base::FoldForSearch(alone);
      for (int32_t at = 0; static_cast<size_t>(at) < folded.size();) {
        if (const UChar32 read = Read(base::NextCodePoint(folded, at)); read != 0)
          Append(read, &(*table)[static_cast<size_t>(c)]);
      }
    }
    return table;
  }();
  return *kTable;
}

// Whether the table alone folds the text: no code point is past it, none is a mark that goes with
// the letter before, none is two words.
bool IsTabled(absl::string_view text) {
  for (int32_t at = 0; static_cast<size_t>(at) < text.size();) {
    if (static_cast<unsigned char>(text[static_cast<size_t>(at)]) < 0x80) {
      ++at;
      continue;
    }
    const UChar32 c = base::NextCodePoint(text, at);
    if (c < 0 || c >= kTabled || (c >= kFirstMark && c <= kLastMark)) return false;
    if (c >= kFirstFraction && c <= kLastFraction) return false;
  }
  return true;
}

// What a word has of each script, and how long it is.
struct Letters {
  int count = 0;
  bool digits = false, latin = false, cyrillic = false;
};
Letters LettersOf(absl::string_view word) {
  Letters letters;
  for (int32_t at = 0; static_cast<size_t>(at) < word.size();) {
    const UChar32 c = base::NextCodePoint(word, at);
    ++letters.count;
    letters.latin = letters.latin || (c >= 'a' && c <= 'z');
    letters.cyrillic = letters.cyrillic || IsCyrillic(c);
    letters.digits = letters.digits || (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0;
  }
  return letters;
}

std::string Replaced(absl::string_view word, bool to_latin) {
  std::string out;
  for (int32_t at = 0; static_cast<size_t>(at) < word.size();) {
    UChar32 c = base::NextCodePoint(word, at);
    for (const auto& [latin, cyrillic] : kLookAlike) {
      if (c == (to_latin ? cyrillic : latin)) {
        c = to_latin ? latin : cyrillic;
        break;
      }
    }
    Append(c, &out);
  }
  return out;
}

// The word with its look-alikes in one script, and not too long.
void Settle(std::string* word) {
  const Letters letters = LettersOf(*word);
  if (letters.cyrillic && (letters.latin || letters.digits)) {
    std::string replaced = Replaced(*word, /*to_latin=*/letters.digits);
    if (letters.digits || !LettersOf(replaced).latin) *word = std::move(replaced);
  }
  if (word->size() <= kMaxTermBytes) return;
  size_t end = kMaxTermBytes;
  while (end > 0 && (static_cast<unsigned char>((*word)[end]) & 0xc0) == 0x80) --end;
  word->resize(end);
}

// A letter that Russian has not: whoever writes Kazakh meets one within a few words.
bool HasKazakhLetter(absl::string_view text) {
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const auto next = static_cast<unsigned char>(text[at + 1]);
    if (lead == 0xd2 || lead == 0xd3) return true;  // U+0480 to U+04ff
    if ((lead == 0xd0 && next == 0x86) || (lead == 0xd1 && next == 0x96)) return true;  // U+0406
  }
  return false;
}

// Calls visit(std::string*) with each folded word; its look-alikes are as they were typed.
template <class Visit>
void VisitFolded(absl::string_view text, const Visit& visit) {
  // What the table does not cover is brought to a form that it does, as far as one exists.
  std::string composed;
  if (!IsTabled(text)) {
    composed = base::FoldForSearch(text);
    text = composed;
  }
  const Table& table = Folded();
  std::string word;
  const auto end_word = [&] {
    if (word.empty()) return;
    visit(&word);
    word.clear();
  };
  for (int32_t at = 0; static_cast<size_t>(at) < text.size();) {
    const UChar32 c = base::NextCodePoint(text, at);
    if (c >= 0 && c < kTabled) {
      const std::string& read = table[static_cast<size_t>(c)];
      if (!read.empty()) {
        word += read;
      } else if (!IsWordChar(c)) {  // a mark is no end
        end_word();
      }
    } else if (const UChar32 read = Read(c); read != 0) {
      Append(read, &word);
    } else if (!IsWordChar(c)) {
      end_word();
    }
  }
  end_word();
}

// ICU's and Snowball's data are compiled in; without them nothing can be found.
sb_stemmer* MustHave(const char* language) {
  sb_stemmer* stemmer = sb_stemmer_new(language, "UTF_8");
  if (stemmer == nullptr) {
    std::fprintf(stderr, "libstemmer has no %s\n", language);
    std::abort();
  }
  return stemmer;
}

}  // namespace

Analyzer::Analyzer() : russian_(MustHave("russian")), english_(MustHave("english")) {}

Analyzer::~Analyzer() {
  sb_stemmer_delete(russian_);
  sb_stemmer_delete(english_);
}

Analyzer& Analyzer::OfThread() {
  thread_local Analyzer analyzer;
  return analyzer;
}

void Analyzer::VisitWords(absl::string_view text, WordVisitor visit) {
  VisitFolded(text, [&visit](std::string* word) {
    Settle(word);
    visit(*word);
  });
}

std::string Analyzer::Snowball(sb_stemmer* stemmer, absl::string_view word) const {
  const sb_symbol* stem = sb_stemmer_stem(stemmer, reinterpret_cast<const sb_symbol*>(word.data()),
                                          static_cast<int>(word.size()));
  if (stem == nullptr) return std::string(word);  // no memory
  return {reinterpret_cast<const char*>(stem), static_cast<size_t>(sb_stemmer_length(stemmer))};
}

std::vector<std::string> Analyzer::MakeStems(absl::string_view word, Language language) {
  const Letters letters = LettersOf(word);
  const bool mixed = letters.latin == letters.cyrillic;  // or neither
  if (letters.count < kLeastStemmed || letters.digits || mixed) return {std::string(word)};
  if (letters.latin) return {Snowball(english_, word)};
  std::vector<std::string> stems;
  if (language != Language::kKazakh) stems.push_back(Snowball(russian_, word));
  if (language != Language::kRussian) {
    std::string kazakh = KazakhStem(word);
    if (stems.empty() || stems.front() != kazakh) stems.push_back(std::move(kazakh));
  }
  return stems;
}

std::vector<std::string> Analyzer::StemsOf(absl::string_view word, Language language) {
  // English words in Cyrillic letters are of no known language.
  return MakeStems(word, language == Language::kEnglish ? Language::kUnknown : language);
}

const std::vector<uint32_t>& Analyzer::NumbersOf(absl::string_view word, Language language) {
  std::vector<uint32_t>& numbers = known_[word].of_language[static_cast<size_t>(language)];
  if (!numbers.empty()) return numbers;
  std::string settled(word);
  Settle(&settled);
  for (const std::string& stem : StemsOf(settled, language))
    numbers.push_back(dictionary_->NumberOf(kWordTag, stem));
  return numbers;
}

void Analyzer::VisitNumbers(absl::string_view text, Language language, NumberVisitor visit) {
  if (language == Language::kUnknown && !HasKazakhLetter(text)) language = Language::kRussian;
  VisitFolded(text, [&](const std::string* word) {
    for (const uint32_t number : NumbersOf(*word, language)) visit(number);
  });
}

void Analyzer::VisitTerms(absl::string_view text, Language language, WordVisitor visit) {
  VisitNumbers(text, language, [&](uint32_t number) {
    visit(absl::string_view((*dictionary_)[number].text).substr(1));  // behind the tag
  });
}

const std::shared_ptr<Dictionary>& Analyzer::FreshDictionary() {
  if (dictionary_->size() >= kKnownTerms || known_.size() >= kKnownWords) {
    dictionary_ = std::make_shared<Dictionary>();
    known_.clear();
  }
  return dictionary_;
}

uint32_t Dictionary::NumberOf(char tag, absl::string_view text) {
  std::string term;
  term.reserve(1 + text.size());
  term.push_back(tag);
  term.append(text.data(), text.size());
  if (const auto known = numbers_.find(term); known != numbers_.end()) return known->second;
  const auto number = static_cast<uint32_t>(terms_.size());
  const uint64_t hash = TermHash(term, false), hash_in_names = TermHash(term, true);
  terms_.push_back({std::move(term), hash, hash_in_names});
  numbers_.emplace(terms_.back().text, number);
  return number;
}

// FNV-1a, its bits then mixed so that sums of hashes tell sets apart.
uint64_t TermHash(absl::string_view term, bool name) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : term) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash ^= name ? 0x9e3779b97f4a7c15ULL : 0;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

}  // namespace nisi::search
