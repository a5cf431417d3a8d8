// Text in Kazakh, Russian and English to the terms that an index has of it: one way for documents
// and queries, so that what people type finds what is stored.
//
// - Words: runs of letters, digits and their marks. Case folded, compatibility forms gone.
// - Letters that people type in place of others are these others: Kazakh letters become those of a
//   keyboard without them (U+049B is read as k, U+0456 as i), yo is read as ye, Latin letters lose
//   their marks, a cross between sizes is an x.
// - Letters that look alike: in a word with digits Cyrillic ones become Latin (marks of goods are
//   mixed), in another word with Cyrillic letters Latin ones become Cyrillic.
// - Stems, of words of four letters or more that have no digits: Snowball's for Russian and
//   English, kazakh.h. A Cyrillic word of unknown language has both stems, unless the text is
//   stored and has no letter that only Kazakh has: then it is Russian.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

struct sb_stemmer;

namespace nisi::search {

// Raised when a text gives other terms than before: an index comes with a new number then.
inline constexpr uint32_t kAnalyzerRevision = 1;
inline constexpr size_t kMaxTermBytes = 64;  // the rest of a longer word is not looked at

enum class Language : uint8_t { kUnknown, kKazakh, kRussian, kEnglish };

// Words have this tag, codes others.
inline constexpr char kWordTag = 'w';

// Terms by number, so that whoever works on many texts compares and gathers numbers. A term is a
// tag and a text.
class Dictionary {
 public:
  struct Term {
    std::string text;
    uint64_t hash = 0;           // TermHash
    uint64_t hash_in_names = 0;  // of it in the names
  };
  uint32_t NumberOf(char tag, absl::string_view text);
  const Term& operator[](uint32_t number) const { return terms_[number]; }
  size_t size() const { return terms_.size(); }

 private:
  std::deque<Term> terms_;  // never moved
  absl::flat_hash_map<absl::string_view, uint32_t> numbers_;
};

// What one term adds to the hash of the terms of a document. On disk.
uint64_t TermHash(absl::string_view term, bool name);

// Of one thread: stemmers of Snowball have state.
class Analyzer {
 public:
  Analyzer();
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;
  // The calling thread's own.
  static Analyzer& OfThread();

  // The folded words of a text, in order.
  using WordVisitor = absl::FunctionRef<void(absl::string_view word)>;
  static void VisitWords(absl::string_view text, WordVisitor visit);

  // The stems of one folded word: one or two.
  std::vector<std::string> StemsOf(absl::string_view word, Language language);

  // The stems of all words of a stored text, in order, with repetitions.
  void VisitTerms(absl::string_view text, Language language, WordVisitor visit);
  // The same as numbers of dictionary().
  using NumberVisitor = absl::FunctionRef<void(uint32_t term)>;
  void VisitNumbers(absl::string_view text, Language language, NumberVisitor visit);

  const std::shared_ptr<Dictionary>& dictionary() const { return dictionary_; }
  // Another one from time to time, so that none grows without end.
  const std::shared_ptr<Dictionary>& FreshDictionary();

 private:
  // Of one word as it is written, by language; empty: not asked for yet.
  struct Known {
    std::vector<uint32_t> of_language[4];
  };
  const std::vector<uint32_t>& NumbersOf(absl::string_view word, Language language);
  std::vector<std::string> MakeStems(absl::string_view word, Language language);
  std::string Snowball(sb_stemmer* stemmer, absl::string_view word) const;

  sb_stemmer* const russian_;
  sb_stemmer* const english_;
  std::shared_ptr<Dictionary> dictionary_ = std::make_shared<Dictionary>();
  // Texts repeat their words: nearly all are found here.
  absl::flat_hash_map<std::string, Known> known_;
};

}  // namespace nisi::search
