// What a search sees of a record: a document is how the record looks between two days. A pure
// function of records makes documents (index.h); it adds texts, codes and the columns that filters
// look at. A document stays on the thread that made it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/base/date.h"
#include "common/search/analyzer.h"

namespace nisi::search {

// Distinct terms of one document; what comes after them is not found.
inline constexpr size_t kMaxTerms = 600;
inline constexpr int32_t kNever = std::numeric_limits<int32_t>::max();

// Days are those of base::Date; a last one is past the end, kNever where there is none.
struct Columns {
  int32_t from = base::Date::Min().days();  // the document is there on [from, until)
  int32_t until = kNever;
  // The value holds, in hundredths of a percent, on [value_from, value_until); 0: none.
  int32_t value_from = 0;
  int32_t value_until = 0;
  uint32_t place = 0;  // PlaceOf a KATO code; 0: nowhere
  uint16_t value_bp = 0;
  uint8_t size = 0;  // of 0 to 31, as is kind: numbers of the service's own
  uint8_t kind = 0;
  bool operator==(const Columns&) const = default;

  // The value on a day.
  uint16_t ValueOn(int32_t day) const {
    return value_from <= day && day < value_until ? value_bp : uint16_t{0};
  }
};

// Places sort as their codes do, so that what begins with the same digits is a range.
struct PlaceRange {
  uint32_t first = 0;
  uint32_t last = std::numeric_limits<uint32_t>::max();
};
// Of the beginning of a KATO code, up to 9 digits; all places for "". nullopt for anything else.
std::optional<PlaceRange> PlacesUnder(absl::string_view beginning);
// 0 for what is no KATO code.
uint32_t PlaceOf(absl::string_view kato);

class Document {
 public:
  Document() : dictionary_(Analyzer::OfThread().FreshDictionary()) {}

  Columns columns;

  // `name`: what is found in names comes before what is found elsewhere.
  void AddText(absl::string_view text, Language language, bool name);
  // A code is found by each of these beginnings of it, in characters, and by itself.
  void AddCode(char tag, absl::string_view code, std::initializer_list<size_t> beginnings);

  // Numbers of terms in the dictionary, and whether they are in the names.
  using Terms = absl::flat_hash_map<uint32_t, bool>;
  const Terms& terms() const { return terms_; }
  const std::shared_ptr<Dictionary>& dictionary() const { return dictionary_; }
  // Of the terms alone, in any order. On disk.
  uint64_t TermsHash() const;

 private:
  void Add(uint32_t term, bool name);
  std::shared_ptr<Dictionary> dictionary_;
  Terms terms_;
};

using EmitDocument = std::function<void(Document document)>;

}  // namespace nisi::search
