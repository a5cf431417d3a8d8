#include "common/search/rows.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/search/posting.h"
#include "common/store/layout.h"

namespace nisi::search {
namespace {

using store::AppendBigEndian16;
using store::AppendBigEndian32;
using store::AppendBigEndian64;
using store::ReadBigEndian32;
using store::ReadBigEndian64;

constexpr size_t kPrefixBytes = 3;  // index id and letter
constexpr size_t kBlockBytes = 3;
constexpr size_t kDocumentBytes = 4 * 5 + 2 + 2 + 3 * 8;
constexpr size_t kDeathBytes = 4 + 8;
constexpr size_t kCountsBytes = 4 + 4 + 8;

std::string NumberedKey(uint16_t id, char letter, uint32_t number) {
  std::string key = store::TablePrefix(id, letter);
  AppendBigEndian32(&key, number);
  return key;
}

absl::Status Corrupt(absl::string_view what) {
  return base::StoreCorrupt(absl::StrCat("search index: ", std::string(what)));
}

// Takes numbers off the front of bytes that are long enough.
class Bytes {
 public:
  explicit Bytes(absl::string_view bytes) : rest_(bytes) {}
  uint64_t Number(size_t bytes) {
    uint64_t number = 0;
    for (const char c : rest_.substr(0, bytes))
      number = number << 8 | static_cast<unsigned char>(c);
    rest_.remove_prefix(bytes);
    return number;
  }
  int32_t Signed32() { return static_cast<int32_t>(static_cast<uint32_t>(Number(4))); }

 private:
  absl::string_view rest_;
};

}  // namespace

std::string PostingsPrefix(uint16_t id, absl::string_view term) {
  std::string key = store::TablePrefix(id, 'p');
  key.append(term.data(), term.size());
  key.push_back('\0');
  return key;
}

std::string PostingKey(uint16_t id, absl::string_view term, uint32_t block) {
  std::string key = PostingsPrefix(id, term);
  for (int shift = 16; shift >= 0; shift -= 8) key.push_back(static_cast<char>(block >> shift));
  return key;
}

absl::StatusOr<PostingPlace> DecodePostingKey(absl::string_view key) {
  // Letter and tag, at least, before the zero.
  if (key.size() < kPrefixBytes + 1 + 1 + kBlockBytes) return Corrupt("posting key");
  const absl::string_view place = key.substr(kPrefixBytes);
  const absl::string_view term = place.substr(0, place.size() - kBlockBytes - 1);
  if (place[term.size()] != '\0') return Corrupt("posting key");
  Bytes block(place.substr(place.size() - kBlockBytes));
  return PostingPlace{term, static_cast<uint32_t>(block.Number(kBlockBytes))};
}

std::string DocumentKey(uint16_t id, uint32_t document) {
  return NumberedKey(id, 'd', document);
}
std::string DeathKey(uint16_t id, uint32_t death) {
  return NumberedKey(id, 'x', death);
}
std::string LivingKey(uint16_t id, int64_t number) {
  return absl::StrCat(store::TablePrefix(id, 'o'), std::string(store::Key::Of(number).bytes()));
}
std::string CountsKey(uint16_t id) {
  return store::TablePrefix(id, 'm');
}

std::string Encode(const DocumentRow& row) {
  std::string value;
  value.reserve(kDocumentBytes);
  const Columns& columns = row.columns;
  for (const int32_t day : {columns.from, columns.until, columns.value_from, columns.value_until}) {
    AppendBigEndian32(&value, static_cast<uint32_t>(day));
  }
  AppendBigEndian32(&value, columns.place);
  AppendBigEndian16(&value, columns.value_bp);
  value.push_back(static_cast<char>(columns.size));
  value.push_back(static_cast<char>(columns.kind));
  AppendBigEndian64(&value, static_cast<uint64_t>(row.number));
  AppendBigEndian64(&value, static_cast<uint64_t>(row.born_us));
  AppendBigEndian64(&value, row.terms_hash);
  return value;
}

absl::StatusOr<DocumentRow> DecodeDocument(absl::string_view value) {
  if (value.size() != kDocumentBytes) return Corrupt("document");
  Bytes bytes(value);
  DocumentRow row;
  row.columns.from = bytes.Signed32();
  row.columns.until = bytes.Signed32();
  row.columns.value_from = bytes.Signed32();
  row.columns.value_until = bytes.Signed32();
  row.columns.place = static_cast<uint32_t>(bytes.Number(4));
  row.columns.value_bp = static_cast<uint16_t>(bytes.Number(2));
  row.columns.size = static_cast<uint8_t>(bytes.Number(1));
  row.columns.kind = static_cast<uint8_t>(bytes.Number(1));
  row.number = static_cast<int64_t>(bytes.Number(8));
  row.born_us = static_cast<int64_t>(bytes.Number(8));
  row.terms_hash = bytes.Number(8);
  if (row.columns.from >= row.columns.until || row.columns.size > 31 || row.columns.kind > 31)
    return Corrupt("document");
  return row;
}

std::string Encode(const Death& death) {
  std::string value;
  AppendBigEndian32(&value, death.document);
  AppendBigEndian64(&value, static_cast<uint64_t>(death.died_us));
  return value;
}

absl::StatusOr<Death> DecodeDeath(absl::string_view value) {
  if (value.size() != kDeathBytes) return Corrupt("death");
  const Death death{ReadBigEndian32(value), static_cast<int64_t>(ReadBigEndian64(value.substr(4)))};
  if (death.died_us <= 0) return Corrupt("death");
  return death;
}

std::string Encode(const Counts& counts) {
  std::string value;
  AppendBigEndian32(&value, counts.documents);
  AppendBigEndian32(&value, counts.deaths);
  AppendBigEndian64(&value, static_cast<uint64_t>(counts.begins_us));
  return value;
}

absl::StatusOr<Counts> DecodeCounts(absl::string_view value) {
  if (value.size() != kCountsBytes) return Corrupt("counts");
  const Counts counts{ReadBigEndian32(value), ReadBigEndian32(value.substr(4)),
                      static_cast<int64_t>(ReadBigEndian64(value.substr(8)))};
  if (counts.deaths > counts.documents || counts.documents > kMaxDocuments)
    return Corrupt("counts");
  return counts;
}

std::string EncodeLiving(const std::vector<uint32_t>& documents) {
  std::string value;
  for (const uint32_t document : documents) AppendBigEndian32(&value, document);
  return value;
}

absl::StatusOr<std::vector<uint32_t>> DecodeLiving(absl::string_view value) {
  if (value.empty() || value.size() % 4 != 0) return Corrupt("living documents");
  std::vector<uint32_t> documents;
  for (size_t at = 0; at < value.size(); at += 4)
    documents.push_back(ReadBigEndian32(value.substr(at)));
  return documents;
}

absl::StatusOr<Counts> LoadCounts(const store::Snapshot& snapshot, uint16_t id) {
  std::string value;
  ASSIGN_OR_RETURN(const bool present, snapshot.Get(store::Space::kData, CountsKey(id), &value));
  if (!present) return Counts{};
  return DecodeCounts(value);
}

absl::StatusOr<DocumentRow> LoadDocument(const store::Snapshot& snapshot, uint16_t id,
                                         uint32_t document) {
  std::string value;
  ASSIGN_OR_RETURN(const bool present,
                   snapshot.Get(store::Space::kData, DocumentKey(id, document), &value));
  if (!present) return Corrupt("a document is missing");
  return DecodeDocument(value);
}

}  // namespace nisi::search
