// The state a commit is being built on: a snapshot with the writes of this batch laid over it. A
// command that fails is taken back whole (Rollback), so the commands of one batch are each atomic
// by themselves.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/store/empty_tables.h"
#include "common/store/engine.h"

namespace nisi::store {

// Of one thread.
class Overlay final : public Snapshot {
 public:
  // `tables`: what is known of the state beneath and of all that is written over it; null: nothing.
  explicit Overlay(const Snapshot* base, EmptyTables* tables = nullptr)
      : base_(base), tables_(tables) {}
  // The same state, told by another snapshot.
  void Rebase(const Snapshot* base) { base_ = base; }

  void Put(Space space, std::string key, std::string value) {
    Write(space, std::move(key), std::move(value));
  }
  void Delete(Space space, std::string key) { Write(space, std::move(key), std::nullopt); }

  // A point to come back to.
  size_t Mark() const { return undo_.size(); }
  void Rollback(size_t mark);
  // All that is written stays: how to take it back is forgotten.
  void Keep() { undo_ = {}; }

  bool empty() const;
  size_t bytes() const { return bytes_; }
  // Everything written, in key order.
  std::vector<Batch::Op> Ops() const;

  absl::StatusOr<bool> Get(Space space, absl::string_view key, std::string* value) const override;
  absl::Status GetMany(Space space, absl::Span<const std::string> keys,
                       const ManyVisitor& visit) const override;
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view lower,
                               absl::string_view upper) const override;

  // Rows of a range beneath, all of them.
  using Rows = std::vector<std::pair<std::string, std::string>>;

  // A node keeps its place and bytes while others are written, so whoever walks a cursor may write
  // meanwhile; whether the cursor then meets what was written is not said.
  using Writes = std::map<std::string, std::optional<std::string>, std::less<>>;

 private:
  class NotingCursor;

  void Write(Space space, std::string key, std::optional<std::string> value);
  // Whether the table that a range lies in holds nothing, neither beneath nor here.
  bool InEmptyTable(absl::string_view lower, absl::string_view upper) const;
  std::unique_ptr<Cursor> ScanBeneath(Space space, absl::string_view lower,
                                      absl::string_view upper) const;

  struct Undo {
    Space space;
    Writes::iterator at;
    bool existed;
    std::optional<std::string> before;
  };
  // The last keys that were not there beneath, where many were looked up together.
  class Absent {
   public:
    void Note(absl::string_view key) {
      keys_[next_++ % keys_.size()].assign(key.data(), key.size());
    }
    bool Has(absl::string_view key) const {
      return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
    }

   private:
    std::array<std::string, 8> keys_;  // no key is empty
    size_t next_ = 0;
  };
  const Snapshot* base_;
  EmptyTables* const tables_;
  Writes writes_[kSpaces];
  // What was written last: rows that are written in order are put in behind it, without a search.
  std::optional<Writes::iterator> last_[kSpaces];
  std::vector<Undo> undo_;
  size_t bytes_ = 0;
  // What was read beneath and was there: the commands of a batch often rest on the same record.
  mutable std::map<std::string, std::string, std::less<>> read_[kSpaces];
  // And what was not: who finds that a key is free writes it next, and looks once more.
  mutable Absent absent_[kSpaces];
  // Ranges beneath that were walked from end to end and hold few rows, by where they begin: the
  // commands of a batch often walk the same one, as accounts are held against each other by each
  // that moves money.
  struct Walked {
    std::string upper;
    std::shared_ptr<const Rows> rows;
  };
  using Walks = std::map<std::string, Walked, std::less<>>;
  mutable Walks walked_[kSpaces];
};

}  // namespace nisi::store
