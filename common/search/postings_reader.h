// Reads posting lists of one snapshot, block by block, and joins them. Private to the searcher.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/search/posting.h"
#include "common/store/engine.h"

namespace nisi::search {

inline constexpr uint32_t kNoBlock = UINT32_MAX;

// The posting set of one term, standing on a block.
class TermList {
 public:
  TermList(const store::Snapshot& snapshot, uint16_t id, absl::string_view term);

  uint32_t block() const { return block_; }  // kNoBlock after the last
  // Moves to the first block at or after this one.
  absl::Status SkipTo(uint32_t block);
  // Adds the set of the block it stands on.
  absl::Status AddTo(PostingSet* set) const;

 private:
  absl::Status Settle();

  std::string prefix_;
  std::unique_ptr<store::Cursor> cursor_;
  uint32_t block_ = kNoBlock;
  absl::Status opened_;
};

// What a part of the query asks for: any of several terms.
class AnyOf {
 public:
  explicit AnyOf(std::vector<TermList> lists) : lists_(std::move(lists)) {}
  // Of terms that were read already.
  explicit AnyOf(std::map<uint32_t, PostingSet> read) : read_(std::move(read)) {}

  // The first block at or after this one in which some term is; kNoBlock: none.
  absl::StatusOr<uint32_t> SkipTo(uint32_t block);
  // Adds the sets of that block.
  absl::Status AddTo(uint32_t block, PostingSet* set) const;

 private:
  std::vector<TermList> lists_;
  std::map<uint32_t, PostingSet> read_;
};

// All sets of the terms that begin with `beginning`; RESOURCE_EXHAUSTED when they are more than
// `most`.
absl::StatusOr<std::map<uint32_t, PostingSet>> ReadBeginning(const store::Snapshot& snapshot,
                                                             uint16_t id,
                                                             absl::string_view beginning,
                                                             size_t most);

}  // namespace nisi::search
