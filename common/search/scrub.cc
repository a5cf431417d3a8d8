// Holds the rows of a search index against the records, and postings against documents.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/search/index.h"
#include "common/search/posting.h"
#include "common/store/layout.h"

namespace nisi::search {
namespace {

using store::PrefixEnd;
using store::Space;

class Scrubbing {
 public:
  Scrubbing(const Index& index, const store::Reader& reader, std::vector<std::string>* findings)
      : index_(index), reader_(reader), findings_(findings) {}

  absl::Status Run() {
    const auto counts = LoadCounts(reader_.snapshot(), index_.id);
    if (!counts.ok()) {
      Find("the counts do not parse");
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Documents(*counts));
    RETURN_IF_ERROR(Deaths(*counts));
    RETURN_IF_ERROR(Living());
    RETURN_IF_ERROR(Records());
    if (!living_.empty()) Find("documents of no record are alive");
    return Postings();
  }

 private:
  template <class Visit>
  absl::Status Rows(char letter, const Visit& visit) {
    const std::string prefix = store::TablePrefix(index_.id, letter);
    const auto cursor = reader_.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
    for (; cursor->Valid(); cursor->Next()) visit(cursor->key(), cursor->value());
    return cursor->status();
  }

  absl::Status Documents(const Counts& counts) {
    RETURN_IF_ERROR(Rows('d', [&](absl::string_view key, absl::string_view value) {
      const auto row = DecodeDocument(value);
      if (!row.ok() || key != DocumentKey(index_.id, static_cast<uint32_t>(documents_.size())))
        Find("a document does not parse or lies at another's place");
      documents_.push_back(row.value_or(DocumentRow{}));
    }));
    if (documents_.size() != counts.documents) Find("the count of documents is not theirs");
    alive_.assign(documents_.size(), true);
    return absl::OkStatus();
  }

  absl::Status Deaths(const Counts& counts) {
    uint32_t deaths = 0;
    RETURN_IF_ERROR(Rows('x', [&](absl::string_view key, absl::string_view value) {
      const auto death = DecodeDeath(value);
      if (!death.ok() || key != DeathKey(index_.id, deaths) ||
          death->document >= documents_.size() || !alive_[death->document] ||
          death->died_us < documents_[death->document].born_us) {
        Find("a death does not parse, or is not of a document that was alive");
      } else {
        alive_[death->document] = false;
      }
      ++deaths;
    }));
    if (deaths != counts.deaths) Find("the count of deaths is not theirs");
    return absl::OkStatus();
  }

  absl::Status Living() {
    size_t listed = 0;
    RETURN_IF_ERROR(Rows('o', [&](absl::string_view key, absl::string_view value) {
      const auto documents = DecodeLiving(value);
      const auto number = NumberOf(key.substr(std::min<size_t>(key.size(), 3)));
      if (!documents.ok() || !number.ok()) {
        Find("a row of living documents does not parse");
        return;
      }
      for (const uint32_t document : *documents) {
        if (document >= documents_.size() || !alive_[document] ||
            documents_[document].number != *number) {
          Find("a document is listed as alive that is not, or of another record");
        }
      }
      listed += documents->size();
      living_[*number] = *documents;
    }));
    if (listed != static_cast<size_t>(std::count(alive_.begin(), alive_.end(), true)))
      Find("not every living document is listed, or one is twice");
    return absl::OkStatus();
  }

  // What is alive of every record is what the record looks like now.
  absl::Status Records() {
    const std::string base = store::TablePrefix(index_.on->id, store::kCurrent);
    const auto cursor = reader_.snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      const auto number = NumberOf(cursor->key().substr(base.size()));
      if (!number.ok()) {
        Find("a record whose key is no number");
        continue;
      }
      const auto documents = index_.DocumentsOf(reader_, *number);
      // A row that does not parse is found with its table.
      if (absl::IsDataLoss(documents.status())) continue;
      RETURN_IF_ERROR(documents.status());
      std::vector<uint32_t> living;
      if (const auto found = living_.find(*number); found != living_.end()) {
        living = std::move(found->second);
        living_.erase(found);
      }
      if (!Same(*documents, living, *number))
        Find(absl::StrCat("record ", *number, " is found in another way than it is"));
    }
    return cursor->status();
  }

  bool Same(const std::vector<Document>& documents, const std::vector<uint32_t>& living,
            int64_t number) const {
    if (documents.size() != living.size()) return false;
    return std::all_of(documents.begin(), documents.end(), [&](const Document& document) {
      const DocumentRow wanted{document.columns, number, 0, document.TermsHash()};
      return std::any_of(living.begin(), living.end(), [&](uint32_t at) {
        return at < documents_.size() && documents_[at].SameAs(wanted);
      });
    });
  }

  // The hashes of its terms add up to what each document, dead or alive, was written with: so no
  // posting is missing and none is too many.
  absl::Status Postings() {
    std::vector<uint64_t> sums(documents_.size(), 0);
    RETURN_IF_ERROR(Rows('p', [&](absl::string_view key, absl::string_view value) {
      const auto place = DecodePostingKey(key);
      PostingSet set;
      if (!place.ok() || !DecodePostings(value, &set).ok()) {
        Find("postings do not parse");
        return;
      }
      const uint64_t hash[] = {TermHash(place->term, false), TermHash(place->term, true)};
      for (uint32_t offset = 0; offset < kBlockDocuments; ++offset) {
        if (!set.all.Has(offset)) continue;
        const size_t document = (size_t{place->block} << kBlockBits) + offset;
        if (document >= sums.size()) {
          Find("postings name a document that never was");
          return;
        }
        sums[document] += hash[set.in_names.Has(offset) ? 1 : 0];
      }
    }));
    for (size_t document = 0; document < sums.size(); ++document) {
      if (sums[document] != documents_[document].terms_hash)
        Find(absl::StrCat("document ", document, " is not in the postings of its terms"));
    }
    return absl::OkStatus();
  }

  void Find(absl::string_view what) {
    findings_->push_back(absl::StrCat("search ", index_.name, ": ", std::string(what)));
  }

  const Index& index_;
  const store::Reader& reader_;
  std::vector<std::string>* const findings_;
  std::vector<DocumentRow> documents_;
  std::vector<bool> alive_;
  std::map<int64_t, std::vector<uint32_t>> living_;  // by number of the record
};

}  // namespace

absl::Status Index::Scrub(const store::Reader& reader, std::vector<std::string>* findings) const {
  return Scrubbing(*this, reader, findings).Run();
}

}  // namespace nisi::search
