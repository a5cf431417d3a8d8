#include "common/search/searcher.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/search/postings_reader.h"

namespace nisi::search {
namespace {

constexpr uint16_t kInNames = 0x8000;
constexpr uint16_t kDomestic = 0x4000;
constexpr uint16_t kValueMask = 0x3fff;  // 10,000 hundredths of a percent at most
constexpr size_t kPlaceBytes = 4 + 2 + 8;

absl::Status Invalid(absl::string_view reason, absl::string_view field, absl::string_view what) {
  return base::Refusal(absl::StatusCode::kInvalidArgument, reason, what).Field(field, what);
}

bool Before(const Hit& a, const Hit& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.number < b.number;
}

// The words of a query, each with whether it is a beginning.
struct QueryWord {
  std::string word;
  bool beginning = false;
};
std::vector<QueryWord> WordsOf(absl::string_view text) {
  std::vector<QueryWord> words;
  while (!text.empty()) {
    const size_t star = text.find('*');
    const absl::string_view part = text.substr(0, star);
    Analyzer::VisitWords(part, [&words](absl::string_view word) {
      words.push_back({std::string(word), false});
    });
    if (star == absl::string_view::npos) break;
    // Of the word right before the star; a star by itself says nothing.
    if (!part.empty() && part.back() != ' ' && !words.empty()) words.back().beginning = true;
    text.remove_prefix(star + 1);
  }
  return words;
}

// One search: joins posting lists, judges by columns, keeps the best.
class Search {
 public:
  Search(const store::View& view, const Index& index, const ColumnStore& columns,
         const Query& query, const Counts& counts, int64_t known_at_us)
      : snapshot_(view.snapshot()),
        index_(index),
        columns_(columns),
        query_(query),
        counts_(counts),
        known_at_us_(known_at_us),
        day_(query.after.has_value() ? query.after->day : query.day.days()) {}

  absl::StatusOr<Page> Run() {
    const auto places = PlacesUnder(query_.place);
    if (!places.has_value())
      return Invalid("PLACE_INVALID", "place", "A place is the beginning of a KATO code.");
    places_ = *places;
    RETURN_IF_ERROR(MakeParts());
    if (parts_.empty()) {
      JudgeAll();
    } else {
      RETURN_IF_ERROR(Join());
    }
    return Finish();
  }

 private:
  absl::Status MakeParts() {
    if (query_.text.size() > 4 * kMaxQueryChars)
      return Invalid("QUERY_TOO_LONG", "query", "A query has at most 300 characters.");
    const std::vector<QueryWord> words = WordsOf(query_.text);
    if (words.size() > kMaxQueryWords)
      return Invalid("QUERY_TOO_LONG", "query", "A query has at most 8 words.");
    // First the codes: they tend to be the rarer.
    std::set<std::string> seen;
    for (const auto& [tag, code] : query_.codes) {
      parts_.push_back(AnyOf(Lists({absl::StrCat(std::string(1, tag), code)})));
    }
    first_word_ = parts_.size();
    for (const QueryWord& word : words) {
      if (!seen.insert(absl::StrCat(word.word, word.beginning ? "*" : "")).second) continue;
      if (word.beginning)
        RETURN_IF_ERROR(AddBeginning(word.word));
      else
        AddWord(word.word);
    }
    return absl::OkStatus();
  }

  std::vector<TermList> Lists(const std::vector<std::string>& terms) const {
    std::vector<TermList> lists;
    for (const std::string& term : terms) lists.emplace_back(snapshot_, index_.id, term);
    return lists;
  }

  static std::vector<std::string> TermsOf(absl::string_view word) {
    std::vector<std::string> terms;
    for (const std::string& stem : Analyzer::OfThread().StemsOf(word, Language::kUnknown))
      terms.push_back(absl::StrCat(std::string(1, kWordTag), stem));
    return terms;
  }

  void AddWord(const std::string& word) { parts_.push_back(AnyOf(Lists(TermsOf(word)))); }

  // Terms are stems, which a longer beginning than they are would pass over: so those of the
  // beginning, taken as a word, are looked for as well.
  absl::Status AddBeginning(const std::string& word) {
    auto read = ReadBeginning(snapshot_, index_.id, absl::StrCat(std::string(1, kWordTag), word),
                              kMaxPrefixTerms);
    if (absl::IsResourceExhausted(read.status())) {
      return Invalid("QUERY_TOO_BROAD", "query",
                     "More than 200 words begin so: type more letters before the star.");
    }
    RETURN_IF_ERROR(read.status());
    for (const std::string& term : TermsOf(word)) {
      ASSIGN_OR_RETURN(auto exact,
                       ReadBeginning(snapshot_, index_.id, absl::StrCat(term, kEnd), /*most=*/1));
      for (auto& [block, set] : exact) {
        PostingSet& into = (*read)[block];
        for (size_t at = 0; at < Bits::kWords; ++at) {
          into.all.words()[at] |= set.all.words()[at];
          into.in_names.words()[at] |= set.in_names.words()[at];
        }
      }
    }
    parts_.push_back(AnyOf(*std::move(read)));
    return absl::OkStatus();
  }

  void JudgeAll() {
    for (uint32_t first = 0; first < counts_.documents; first += 64) {
      const uint32_t there = std::min<uint32_t>(counts_.documents - first, 64);
      for (uint64_t word = MayBeHits(first, ~uint64_t{0} >> (64 - there)); word != 0;
           word &= word - 1) {
        Judge(first + static_cast<uint32_t>(std::countr_zero(word)), false);
      }
    }
  }

  // The list that is furthest ahead says where the others look next.
  absl::Status Join() {
    uint32_t block = 0;
    while (true) {
      bool together = true;
      for (AnyOf& part : parts_) {
        ASSIGN_OR_RETURN(const uint32_t at, part.SkipTo(block));
        if (at == kNoBlock) return absl::OkStatus();
        together = together && at == block;
        if (at > block) {
          block = at;
          break;
        }
      }
      if (!together) continue;
      RETURN_IF_ERROR(JoinBlock(block));
      ++block;
    }
  }

  absl::Status JoinBlock(uint32_t block) {
    Bits all, names;
    all.words().fill(~uint64_t{0});
    names.words().fill(first_word_ == parts_.size() ? 0 : ~uint64_t{0});
    for (size_t i = 0; i < parts_.size(); ++i) {
      PostingSet set;
      RETURN_IF_ERROR(parts_[i].AddTo(block, &set));
      uint64_t any = 0;
      for (size_t at = 0; at < Bits::kWords; ++at) {
        any |= all.words()[at] &= set.all.words()[at];
        if (i >= first_word_) names.words()[at] &= set.in_names.words()[at];
      }
      if (any == 0) return absl::OkStatus();
    }
    for (uint32_t at = 0; at < Bits::kWords; ++at) {
      if (all.words()[at] == 0) continue;
      const uint32_t first = (block << kBlockBits) + at * 64;
      if (first + 63 - static_cast<uint32_t>(std::countl_zero(all.words()[at])) >=
          counts_.documents)
        return base::StoreCorrupt("posting of no document");
      const uint64_t in_names = names.words()[at];
      for (uint64_t word = MayBeHits(first, all.words()[at]); word != 0; word &= word - 1) {
        const auto bit = static_cast<uint32_t>(std::countr_zero(word));
        Judge(first + bit, (in_names >> bit & 1) != 0);
      }
    }
    return absl::OkStatus();
  }

  // Which of 64 documents can be hits on any day and as known at any moment. Without branches: of a
  // word that all have, no processor foresees which.
  uint64_t MayBeHits(uint32_t first, uint64_t word) const {
    const uint32_t sizes = query_.sizes != 0 ? query_.sizes : ~0U;
    const uint32_t kinds = query_.kinds != 0 ? query_.kinds : ~0U;
    const int least = std::max<int>(query_.min_value_bp, query_.domestic ? 1 : 0);
    if (query_.place.empty() && sizes == ~0U && kinds == ~0U && least == 0) return word;
    uint64_t left = 0;
    for (; word != 0; word &= word - 1) {
      const int bit = std::countr_zero(word);
      const ColumnStore::Glance& glance = columns_.GlanceAt(first + static_cast<uint32_t>(bit));
      const bool may_be = (glance.place >= places_.first) & (glance.place <= places_.last) &
                          ((sizes >> glance.size & 1) != 0) & ((kinds >> glance.kind & 1) != 0) &
                          (glance.value_bp >= least);
      left |= uint64_t{may_be} << bit;
    }
    return left;
  }

  void Judge(uint32_t document, bool in_names) {
    const ColumnStore::Entry& entry = columns_[document];
    if (!entry.IsThere(known_at_us_, day_)) return;
    const uint16_t value = entry.columns.ValueOn(day_);
    if ((query_.domestic && value == 0) || value < query_.min_value_bp) return;
    ++total_;
    auto score = static_cast<uint16_t>(std::min(value, kValueMask));
    if (value > 0) score |= kDomestic;
    if (in_names) score |= kInNames;
    const Hit hit{entry.number, score};
    if (query_.after.has_value() && !Before(Hit{query_.after->number, query_.after->score}, hit)) {
      return;
    }
    if (best_.size() <= query_.page_size) {
      best_.push(hit);
    } else if (Before(hit, best_.top())) {
      best_.pop();
      best_.push(hit);
    }
  }

  Page Finish() {
    Page page;
    page.total = total_;
    page.known_at_us = known_at_us_;
    for (; !best_.empty(); best_.pop()) page.hits.push_back(best_.top());
    std::reverse(page.hits.begin(), page.hits.end());
    if (page.hits.size() > query_.page_size) {
      page.hits.resize(query_.page_size);
      if (!page.hits.empty())
        page.next = Place{day_, page.hits.back().score, page.hits.back().number};
    }
    return page;
  }

  static constexpr absl::string_view kEnd{"\0", 1};  // of a term, in a key

  struct Worse {  // the worst on top
    bool operator()(const Hit& a, const Hit& b) const { return Before(a, b); }
  };

  const store::Snapshot& snapshot_;
  const Index& index_;
  const ColumnStore& columns_;
  const Query& query_;
  const Counts counts_;
  const int64_t known_at_us_;
  const int32_t day_;
  PlaceRange places_;
  std::vector<AnyOf> parts_;
  size_t first_word_ = 0;
  size_t total_ = 0;
  // One more than a page, so that it is known whether another follows.
  std::priority_queue<Hit, std::vector<Hit>, Worse> best_;
};

absl::Status CheckBuilt(const store::Snapshot& snapshot, uint16_t id) {
  std::string marker;
  ASSIGN_OR_RETURN(const bool building,
                   snapshot.Get(store::Space::kData, store::BuildingKey(id), &marker));
  if (!building) return absl::OkStatus();
  return base::Unavailable("INDEX_BUILDING", "The search index is being built: try again later.",
                           absl::Seconds(5));
}

}  // namespace

std::string Place::Encode() const {
  std::string bytes;
  store::AppendBigEndian32(&bytes, static_cast<uint32_t>(day));
  store::AppendBigEndian16(&bytes, score);
  store::AppendBigEndian64(&bytes, static_cast<uint64_t>(number));
  return bytes;
}

absl::StatusOr<Place> Place::Decode(absl::string_view bytes) {
  if (bytes.size() != kPlaceBytes) return base::StoreCorrupt("place in a search");
  const uint32_t day = store::ReadBigEndian32(bytes);
  const uint32_t score = store::ReadBigEndian32(bytes.substr(2)) & 0xffff;
  return Place{static_cast<int32_t>(day), static_cast<uint16_t>(score),
               static_cast<int64_t>(store::ReadBigEndian64(bytes.substr(6)))};
}

absl::Status Searcher::Load(const store::View& view) const {
  ASSIGN_OR_RETURN(const Counts counts, LoadCounts(view.snapshot(), index_.id));
  return columns_.CatchUp(view.snapshot(), index_.id, counts);
}

absl::StatusOr<Page> Searcher::Find(const store::View& view, const Query& query) const {
  RETURN_IF_ERROR(CheckBuilt(view.snapshot(), index_.id));
  ASSIGN_OR_RETURN(const Counts counts, LoadCounts(view.snapshot(), index_.id));
  ASSIGN_OR_RETURN(const int64_t recorded_us, view.RecordedUs());
  const int64_t known_at_us = std::min(query.known_at_us.value_or(recorded_us), recorded_us);
  if (known_at_us < counts.begins_us) {
    return base::Refusal(absl::StatusCode::kOutOfRange, "SEARCH_BEGINS_LATER",
                         "The search index was built after that moment.");
  }
  RETURN_IF_ERROR(columns_.CatchUp(view.snapshot(), index_.id, counts));
  return Search(view, index_, columns_, query, counts, known_at_us).Run();
}

}  // namespace nisi::search
