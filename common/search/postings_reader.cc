#include "common/search/postings_reader.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/search/rows.h"
#include "common/store/key.h"
#include "common/store/layout.h"

namespace nisi::search {
namespace {

using store::Space;

// A row further on is met sooner by steps than by a seek.
constexpr int kSteps = 2;
constexpr size_t kKeyBlockBytes = 3;

}  // namespace

TermList::TermList(const store::Snapshot& snapshot, uint16_t id, absl::string_view term)
    : prefix_(PostingsPrefix(id, term)),
      cursor_(snapshot.Scan(Space::kData, prefix_, store::PrefixEnd(prefix_))) {
  opened_ = Settle();
}

absl::Status TermList::Settle() {
  block_ = kNoBlock;
  if (!cursor_->Valid()) return cursor_->status();
  // The prefix ends with a zero, and no term has one: what is behind it is the block.
  if (cursor_->key().size() != prefix_.size() + kKeyBlockBytes)
    return DecodePostingKey("").status();
  ASSIGN_OR_RETURN(const PostingPlace place, DecodePostingKey(cursor_->key()));
  block_ = place.block;
  return absl::OkStatus();
}

absl::Status TermList::SkipTo(uint32_t block) {
  RETURN_IF_ERROR(opened_);
  for (int step = 0; step < kSteps && block_ < block; ++step) {
    cursor_->Next();
    RETURN_IF_ERROR(Settle());
  }
  if (block_ >= block) return absl::OkStatus();
  std::string key = prefix_;
  for (int shift = 16; shift >= 0; shift -= 8) key.push_back(static_cast<char>(block >> shift));
  cursor_->Seek(key);
  return Settle();
}

absl::Status TermList::AddTo(PostingSet* set) const {
  return DecodePostings(cursor_->value(), set);
}

absl::StatusOr<uint32_t> AnyOf::SkipTo(uint32_t block) {
  uint32_t first = kNoBlock;
  for (TermList& list : lists_) {
    RETURN_IF_ERROR(list.SkipTo(block));
    first = std::min(first, list.block());
  }
  if (const auto read = read_.lower_bound(block); read != read_.end())
    first = std::min(first, read->first);
  return first;
}

absl::Status AnyOf::AddTo(uint32_t block, PostingSet* set) const {
  for (const TermList& list : lists_) {
    if (list.block() == block) RETURN_IF_ERROR(list.AddTo(set));
  }
  if (const auto read = read_.find(block); read != read_.end()) {
    for (size_t at = 0; at < Bits::kWords; ++at) {
      set->all.words()[at] |= read->second.all.words()[at];
      set->in_names.words()[at] |= read->second.in_names.words()[at];
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<uint32_t, PostingSet>> ReadBeginning(const store::Snapshot& snapshot,
                                                             uint16_t id,
                                                             absl::string_view beginning,
                                                             size_t most) {
  std::map<uint32_t, PostingSet> sets;
  std::string prefix = store::TablePrefix(id, 'p');
  prefix.append(beginning.data(), beginning.size());
  const auto cursor = snapshot.Scan(Space::kData, prefix, store::PrefixEnd(prefix));
  std::string term;
  size_t terms = 0;
  for (; cursor->Valid(); cursor->Next()) {
    ASSIGN_OR_RETURN(const PostingPlace place, DecodePostingKey(cursor->key()));
    if (place.term != term) {
      term = std::string(place.term);
      if (++terms > most) return absl::ResourceExhaustedError("too many terms");
    }
    RETURN_IF_ERROR(DecodePostings(cursor->value(), &sets[place.block]));
  }
  RETURN_IF_ERROR(cursor->status());
  return sets;
}

}  // namespace nisi::search
