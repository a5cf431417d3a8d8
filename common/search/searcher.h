// Asking a search index. One searcher an index and store: it keeps the columns of the documents in
// memory.
//
// Order: what has all words in its names first, then what is domestic on the day, then the higher
// value, then the lower number. It rests on documents and the day alone, not on how often words
// occur, which changes with every write; so with day and moment held fixed each page goes on where
// the one before ended, whatever is written meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/search/columns.h"
#include "common/search/index.h"
#include "common/store/store.h"

namespace nisi::search {

inline constexpr size_t kMaxQueryWords = 8;
inline constexpr size_t kMaxQueryChars = 300;
inline constexpr size_t kMaxPrefixTerms = 200;  // that one `word*` stands for

// Where a page ends and the next begins. For a page token, with the moment.
struct Place {
  int32_t day = 0;
  uint16_t score = 0;
  int64_t number = 0;
  friend bool operator==(const Place&, const Place&) = default;

  std::string Encode() const;
  // DATA_LOSS for what Encode did not make: a token is signed.
  static absl::StatusOr<Place> Decode(absl::string_view bytes);
};

struct Query {
  // Words that must all be there, as people type them; `word*`: any word that begins so. Empty:
  // all.
  std::string text;
  // Tag and beginning of a code, one of those that documents add (Document::AddCode).
  std::vector<std::pair<char, std::string>> codes;
  std::string place;   // the beginning of a KATO code; empty: anywhere
  uint32_t sizes = 0;  // a bit each; 0: any
  uint32_t kinds = 0;
  bool domestic = false;  // a value above zero on the day
  uint16_t min_value_bp = 0;
  base::Date day;                      // documents there on it
  std::optional<int64_t> known_at_us;  // absent: what the view shows
  std::optional<Place> after;          // of the page before, with its day
  size_t page_size = 50;
};

struct Hit {
  int64_t number = 0;
  uint16_t score = 0;
};

struct Page {
  std::vector<Hit> hits;
  size_t total = 0;         // hits on all pages
  int64_t known_at_us = 0;  // the moment of this page: that of the next, too
  std::optional<Place> next;
};

class Searcher {
 public:
  explicit Searcher(const Index& index) : index_(index) {}

  // Reads the columns of all documents, so that the first search need not.
  absl::Status Load(const store::View& view) const;

  // Thread-safe. INVALID_ARGUMENT: QUERY_TOO_LONG, QUERY_TOO_BROAD (`word*`), PLACE_INVALID.
  // UNAVAILABLE INDEX_BUILDING; OUT_OF_RANGE SEARCH_BEGINS_LATER: the index was built after the
  // moment asked for. DATA_LOSS on damage.
  absl::StatusOr<Page> Find(const store::View& view, const Query& query) const;

  size_t memory_bytes() const { return columns_.bytes(); }

 private:
  const Index& index_;
  mutable ColumnStore columns_;
};

}  // namespace nisi::search
