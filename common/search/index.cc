#include "common/search/index.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/search/posting.h"
#include "common/store/layout.h"

namespace nisi::search {
namespace {

using store::Overlay;
using store::Space;

DocumentRow RowOf(const Document& document, int64_t number, int64_t recorded_us) {
  return DocumentRow{document.columns, number, recorded_us, document.TermsHash()};
}

bool SameContent(const Document& a, const Document& b) {
  Columns same_days = b.columns;
  same_days.from = a.columns.from;
  same_days.until = a.columns.until;
  return a.columns == same_days && a.TermsHash() == b.TermsHash();
}

// What one command adds to postings, gathered so that ten thousand records write each set once.
class NewPostings {
 public:
  NewPostings(uint16_t id, uint32_t first_document) : id_(id), first_document_(first_document) {}

  void Add(const Document& document, uint32_t number) {
    // The analyzer takes another dictionary from time to time, and documents with it.
    if (parts_.empty() || parts_.back().dictionary != document.dictionary())
      parts_.push_back({document.dictionary(), {}});
    auto& lists = parts_.back().lists;
    lists.resize(std::max(lists.size(), document.dictionary()->size()));
    for (const auto& [term, name] : document.terms())
      lists[term].push_back(number << 1 | (name ? 1U : 0U));
  }

  absl::Status WriteTo(Overlay* rows) const {
    std::vector<std::pair<absl::string_view, const List*>> in_order;
    for (const Part& part : parts_) {
      for (uint32_t term = 0; term < part.lists.size(); ++term) {
        if (!part.lists[term].empty())
          in_order.emplace_back((*part.dictionary)[term].text, &part.lists[term]);
      }
    }
    // Stable: of one term in two dictionaries the earlier has the lower documents.
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < in_order.size();) {
      const absl::string_view term = in_order[i].first;
      List documents = *in_order[i].second;
      for (++i; i < in_order.size() && in_order[i].first == term; ++i)
        documents.insert(documents.end(), in_order[i].second->begin(), in_order[i].second->end());
      RETURN_IF_ERROR(WriteTerm(term, documents, rows));
    }
    return absl::OkStatus();
  }

 private:
  using List = std::vector<uint32_t>;  // document and, in the lowest bit, whether in the names
  struct Part {
    std::shared_ptr<Dictionary> dictionary;
    std::vector<List> lists;  // by number of the term
  };

  // `documents` rise.
  absl::Status WriteTerm(absl::string_view term, const List& documents, Overlay* rows) const {
    for (auto at = documents.begin(); at != documents.end();) {
      const uint32_t block = *at >> 1 >> kBlockBits;
      std::vector<uint32_t> added;  // offsets in the block, and the lowest bit as it is
      for (; at != documents.end() && *at >> 1 >> kBlockBits == block; ++at)
        added.push_back(*at & (2 * kBlockDocuments - 1));
      std::string key = PostingKey(id_, term, block);
      std::string value;
      bool present = false;
      if (block << kBlockBits < first_document_) {  // else nothing of the block was there before
        ASSIGN_OR_RETURN(present, rows->Get(Space::kData, key, &value));
      }
      if (!present) {
        rows->Put(Space::kData, std::move(key), EncodePostings(added));
        continue;
      }
      PostingSet set;
      RETURN_IF_ERROR(DecodePostings(value, &set));
      for (const uint32_t one : added) set.Add(one >> 1, (one & 1) != 0);
      rows->Put(Space::kData, std::move(key), EncodePostings(set));
    }
    return absl::OkStatus();
  }

  const uint16_t id_;
  const uint32_t first_document_;  // of this command
  std::vector<Part> parts_;
};

// Brings the documents of records up to date, one record after another.
class Updating {
 public:
  Updating(const Index& index, const store::Reader& reader, int64_t recorded_us, Overlay* rows,
           Counts counts)
      : index_(index),
        reader_(reader),
        recorded_us_(recorded_us),
        rows_(rows),
        counts_(counts),
        postings_(index.id, counts.documents) {}

  absl::Status Record(int64_t number) {
    ASSIGN_OR_RETURN(const std::vector<Document> documents, index_.DocumentsOf(reader_, number));
    ASSIGN_OR_RETURN(std::vector<uint32_t> living, Living(number));
    std::vector<uint32_t> kept;
    std::vector<bool> is_there(documents.size(), false);
    for (const uint32_t document : living) {
      ASSIGN_OR_RETURN(const DocumentRow row, LoadDocument(*rows_, index_.id, document));
      bool same = false;
      for (size_t i = 0; i < documents.size() && !same; ++i) {
        if (is_there[i] || !RowOf(documents[i], number, 0).SameAs(row)) continue;
        is_there[i] = same = true;
      }
      if (same) {
        kept.push_back(document);
      } else if (!base::Planted("search-death-not-written")) {
        Write(DeathKey(index_.id, counts_.deaths++), Encode(Death{document, recorded_us_}));
      }
    }
    for (size_t i = 0; i < documents.size(); ++i) {
      if (is_there[i]) continue;
      if (counts_.documents >= kMaxDocuments) {
        return base::Refusal(absl::StatusCode::kResourceExhausted, "SEARCH_FULL",
                             "The search index has no number left for another document.");
      }
      const uint32_t document = counts_.documents++;
      Write(DocumentKey(index_.id, document), Encode(RowOf(documents[i], number, recorded_us_)));
      postings_.Add(documents[i], document);
      kept.push_back(document);
    }
    if (kept == living) return absl::OkStatus();
    if (kept.empty()) {
      rows_->Delete(Space::kData, LivingKey(index_.id, number));
    } else {
      Write(LivingKey(index_.id, number), EncodeLiving(kept));
    }
    changed_ = true;
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (!changed_) return absl::OkStatus();
    Write(CountsKey(index_.id), Encode(counts_));
    return postings_.WriteTo(rows_);
  }

 private:
  absl::StatusOr<std::vector<uint32_t>> Living(int64_t number) const {
    std::string value;
    ASSIGN_OR_RETURN(const bool present,
                     rows_->Get(Space::kData, LivingKey(index_.id, number), &value));
    if (!present) return std::vector<uint32_t>();
    return DecodeLiving(value);
  }
  void Write(std::string key, std::string value) {
    rows_->Put(Space::kData, std::move(key), std::move(value));
  }

  const Index& index_;
  const store::Reader& reader_;
  const int64_t recorded_us_;
  Overlay* const rows_;
  Counts counts_;
  NewPostings postings_;
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<int64_t> NumberOf(absl::string_view key) {
  store::KeyReader reader(key);
  const std::optional<int64_t> number = reader.Number();
  if (!number.has_value() || !reader.done()) return base::StoreCorrupt("key of a search index");
  return *number;
}

absl::StatusOr<std::vector<Document>> Index::DocumentsOf(const store::Reader& reader,
                                                         int64_t number) const {
  std::vector<Document> documents;
  RETURN_IF_ERROR(documents_(reader, number, [&documents](Document document) {
    documents.push_back(std::move(document));
  }));
  std::sort(documents.begin(), documents.end(),
            [](const Document& a, const Document& b) { return a.columns.from < b.columns.from; });
  std::vector<Document> joined;
  for (Document& document : documents) {
    const Columns& columns = document.columns;
    const bool overlaps = !joined.empty() && columns.from < joined.back().columns.until;
    if (columns.from >= columns.until || overlaps || columns.size > 31 || columns.kind > 31) {
      return base::Refusal(absl::StatusCode::kInternal, "SEARCH_DOCUMENTS",
                           "Documents of a record overlap, or have numbers out of range.")
          .With("index", name);
    }
    if (!joined.empty() && joined.back().columns.until == columns.from &&
        SameContent(joined.back(), document)) {
      joined.back().columns.until = columns.until;
    } else {
      joined.push_back(std::move(document));
    }
  }
  return joined;
}

absl::Status Index::Update(const store::Reader& reader, absl::Span<const std::string> keys,
                           int64_t recorded_us, Overlay* rows) const {
  ASSIGN_OR_RETURN(const Counts counts, LoadCounts(*rows, id));
  Updating updating(*this, reader, recorded_us, rows, counts);
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const int64_t number, NumberOf(key));
    RETURN_IF_ERROR(updating.Record(number));
  }
  return updating.Finish();
}

absl::Status Index::FinishBuilding(int64_t recorded_us, Overlay* rows) const {
  ASSIGN_OR_RETURN(Counts counts, LoadCounts(*rows, id));
  counts.begins_us = recorded_us;
  rows->Put(Space::kData, CountsKey(id), Encode(counts));
  return absl::OkStatus();
}

}  // namespace nisi::search
