// Where the rows of a search index lie and what they hold, all under the index's number in kData.
// Letters and bytes here are on disk: a change of them is another revision of the index.
//
//   'p' <term> 00 <block:3>    posting set (posting.h) of the documents of one block
//   'd' <document:4>           DocumentRow; written once
//   'x' <death:4>              document, and when it died; written once
//   'o' <key number:8>         the documents of a record that are alive, four bytes each
//   'm'                        how many documents and deaths there are; since when the past is
//   known
//
// Documents and deaths are only ever added, numbered without gaps: whoever has read so many of them
// has read those of every earlier snapshot, and reads the rest of a later one from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/search/document.h"
#include "common/store/engine.h"

namespace nisi::search {

// How the rows lie and what terms a text has.
inline constexpr uint32_t kRowsRevision = 1;
inline constexpr uint32_t kRevision = kRowsRevision << 16 | kAnalyzerRevision;

struct DocumentRow {
  Columns columns;
  int64_t number = 0;       // of its record
  int64_t born_us = 0;      // when its command was recorded; 0: when the index was built
  uint64_t terms_hash = 0;  // Document::TermsHash

  // The same but for when it was born.
  bool SameAs(const DocumentRow& other) const {
    return columns == other.columns && number == other.number && terms_hash == other.terms_hash;
  }
};

struct Death {
  uint32_t document = 0;
  int64_t died_us = 0;
};

inline constexpr uint32_t kMaxDocuments = UINT32_MAX >> 4;  // their blocks fit three bytes

struct Counts {
  uint32_t documents = 0;
  uint32_t deaths = 0;
  int64_t begins_us = 0;  // what was known before is not in the index
};

std::string PostingsPrefix(uint16_t id, absl::string_view term);
std::string PostingKey(uint16_t id, absl::string_view term, uint32_t block);
struct PostingPlace {
  absl::string_view term;
  uint32_t block = 0;
};
// DATA_LOSS when the key is no posting's.
absl::StatusOr<PostingPlace> DecodePostingKey(absl::string_view key);

std::string DocumentKey(uint16_t id, uint32_t document);
std::string DeathKey(uint16_t id, uint32_t death);
std::string LivingKey(uint16_t id, int64_t number);
std::string CountsKey(uint16_t id);

std::string Encode(const DocumentRow& row);
std::string Encode(const Death& death);
std::string Encode(const Counts& counts);
std::string EncodeLiving(const std::vector<uint32_t>& documents);
// DATA_LOSS when the bytes are none.
absl::StatusOr<DocumentRow> DecodeDocument(absl::string_view value);
absl::StatusOr<Death> DecodeDeath(absl::string_view value);
absl::StatusOr<Counts> DecodeCounts(absl::string_view value);
absl::StatusOr<std::vector<uint32_t>> DecodeLiving(absl::string_view value);

// Zeros where the row is not there yet.
absl::StatusOr<Counts> LoadCounts(const store::Snapshot& snapshot, uint16_t id);
// DATA_LOSS when there is no such row.
absl::StatusOr<DocumentRow> LoadDocument(const store::Snapshot& snapshot, uint16_t id,
                                         uint32_t document);

}  // namespace nisi::search
