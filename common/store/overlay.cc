#include "common/store/overlay.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "common/base/status.h"
#include "common/store/key.h"

namespace nisi::store {
namespace {

constexpr size_t kReadKept = 64;  // a batch rests on few records, and its other reads find nothing
// Of ranges that are kept: how many, and how much each may hold.
constexpr size_t kWalksKept = 16;
constexpr size_t kWalkedRows = 64;
constexpr size_t kWalkedBytes = 16 << 10;

std::string_view Std(absl::string_view text) {
  return {text.data(), text.size()};
}

// Walks rows that are in memory.
class RowsCursor final : public Cursor {
 public:
  explicit RowsCursor(std::shared_ptr<const Overlay::Rows> rows)
      : rows_(std::move(rows)), at_(rows_->begin()) {}

  bool Valid() const override { return at_ != rows_->end(); }
  void Next() override { ++at_; }
  void Seek(absl::string_view key) override {
    at_ = std::lower_bound(
        rows_->begin(), rows_->end(), Std(key),
        [](const auto& row, std::string_view sought) { return row.first < sought; });
  }
  absl::string_view key() const override { return at_->first; }
  absl::string_view value() const override { return at_->second; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const Overlay::Rows> rows_;
  Overlay::Rows::const_iterator at_;
};

class NoRows final : public Cursor {
 public:
  bool Valid() const override { return false; }
  void Next() override {}
  void Seek(absl::string_view /*key*/) override {}
  absl::string_view key() const override { return {}; }
  absl::string_view value() const override { return {}; }
  absl::Status status() const override { return absl::OkStatus(); }
};

// Walks the snapshot and the writes together; where both have a key the write wins.
class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::unique_ptr<Cursor> base, const Overlay::Writes& writes, absl::string_view lower,
               absl::string_view upper)
      : base_(std::move(base)),
        writes_(writes),
        upper_(upper),
        at_(writes.lower_bound(Std(lower))) {
    Settle();
  }

  bool Valid() const override { return valid_; }
  void Next() override {
    const bool step_write = on_write_;
    const bool step_base = !on_write_ || both_;
    if (step_write) ++at_;
    if (step_base) base_->Next();
    Settle();
  }
  void Seek(absl::string_view key) override {
    base_->Seek(key);
    at_ = writes_.lower_bound(Std(key));
    Settle();
  }
  absl::string_view key() const override {
    return on_write_ ? absl::string_view(at_->first) : base_->key();
  }
  absl::string_view value() const override {
    return on_write_ ? absl::string_view(*at_->second) : base_->value();
  }
  absl::Status status() const override { return base_->status(); }

 private:
  bool WriteInRange() const {
    return at_ != writes_.end() && (upper_.empty() || absl::string_view(at_->first) < upper_);
  }

  // Decides which side is next, passing over deletions.
  void Settle() {
    while (true) {
      const bool has_write = WriteInRange();
      const bool has_base = base_->Valid();
      valid_ = has_write || has_base;
      if (!valid_) return;
      both_ = has_write && has_base && base_->key() == absl::string_view(at_->first);
      on_write_ = has_write && (!has_base || both_ || absl::string_view(at_->first) < base_->key());
      if (!on_write_ || at_->second.has_value()) return;
      ++at_;  // deleted here: neither side shows it
      if (both_) base_->Next();
    }
  }

  std::unique_ptr<Cursor> base_;
  const Overlay::Writes& writes_;
  const std::string upper_;
  Overlay::Writes::const_iterator at_;
  bool valid_ = false;
  bool on_write_ = false;
  bool both_ = false;
};

}  // namespace

// Walks what is beneath, and leaves the rows to the overlay when it came to the end of few.
class Overlay::NotingCursor final : public Cursor {
 public:
  NotingCursor(std::unique_ptr<Cursor> base, absl::string_view lower, absl::string_view upper,
               Walks* walks)
      : base_(std::move(base)), lower_(lower), upper_(upper), walks_(walks) {
    Note();
  }

  bool Valid() const override { return base_->Valid(); }
  void Next() override {
    base_->Next();
    Note();
  }
  void Seek(absl::string_view key) override {
    walks_ = nullptr;
    base_->Seek(key);
  }
  absl::string_view key() const override { return base_->key(); }
  absl::string_view value() const override { return base_->value(); }
  absl::Status status() const override { return base_->status(); }

 private:
  void Note() {
    if (walks_ == nullptr) return;
    if (base_->Valid()) {
      bytes_ += base_->key().size() + base_->value().size();
      if (rows_.size() < kWalkedRows && bytes_ <= kWalkedBytes) {
        rows_.emplace_back(base_->key(), base_->value());
        return;
      }
    } else if (!rows_.empty() && base_->status().ok()) {
      if (walks_->size() >= kWalksKept) walks_->clear();
      (*walks_)[lower_] = Walked{upper_, std::make_shared<const Rows>(std::move(rows_))};
    }
    walks_ = nullptr;
  }

  const std::unique_ptr<Cursor> base_;
  const std::string lower_, upper_;
  Walks* walks_;  // null: not noting, or no more
  Rows rows_;
  size_t bytes_ = 0;
};

bool Overlay::empty() const {
  return std::all_of(std::begin(writes_), std::end(writes_),
                     [](const Writes& writes) { return writes.empty(); });
}

void Overlay::Write(Space space, std::string key, std::optional<std::string> value) {
  bytes_ += key.size() + (value.has_value() ? value->size() : 0);
  if (tables_ != nullptr && space == Space::kData) tables_->Written(key);
  Writes& writes = writes_[static_cast<int>(space)];
  std::optional<Writes::iterator>& last = last_[static_cast<int>(space)];
  const size_t before = writes.size();
  const auto at =
      writes.try_emplace(last.has_value() ? std::next(*last) : writes.end(), std::move(key));
  last = at;
  undo_.push_back(Undo{space, at, writes.size() == before, std::move(at->second)});
  at->second = std::move(value);
}

void Overlay::Rollback(size_t mark) {
  while (undo_.size() > mark) {
    Undo& undo = undo_.back();
    last_[static_cast<int>(undo.space)].reset();
    if (undo.existed) {
      undo.at->second = std::move(undo.before);
    } else {
      writes_[static_cast<int>(undo.space)].erase(undo.at);
    }
    undo_.pop_back();
  }
}

std::vector<Batch::Op> Overlay::Ops() const {
  std::vector<Batch::Op> ops;
  ops.reserve(writes_[0].size() + writes_[1].size() + writes_[2].size());
  for (int space = 0; space < kSpaces; ++space) {
    for (const auto& [key, value] : writes_[space])
      ops.push_back(Batch::Op{static_cast<Space>(space), key, value});
  }
  return ops;
}

absl::StatusOr<bool> Overlay::Get(Space space, absl::string_view key, std::string* value) const {
  const Writes& writes = writes_[static_cast<int>(space)];
  const auto it = writes.find(Std(key));
  if (it == writes.end()) {
    auto& read = read_[static_cast<int>(space)];
    if (const auto known = read.find(Std(key)); known != read.end()) {
      *value = known->second;
      return true;
    }
    if (absent_[static_cast<int>(space)].Has(key)) return false;
    ASSIGN_OR_RETURN(const bool found, base_->Get(space, key, value));
    if (found) {
      if (read.size() >= kReadKept) read.clear();
      read.emplace(std::string(key), *value);
    }
    return found;
  }
  if (!it->second.has_value()) return false;
  *value = *it->second;
  return true;
}

absl::Status Overlay::GetMany(Space space, absl::Span<const std::string> keys,
                              const ManyVisitor& visit) const {
  const Writes& writes = writes_[static_cast<int>(space)];
  Absent& absent = absent_[static_cast<int>(space)];
  return base_->GetMany(
      space, keys, [&](size_t at, std::optional<absl::string_view> value) -> absl::StatusOr<bool> {
        if (!value.has_value()) absent.Note(keys[at]);
        if (const auto it = writes.find(keys[at]); it != writes.end()) {
          value = std::nullopt;
          if (it->second.has_value()) value = absl::string_view(*it->second);
        }
        return visit(at, value);
      });
}

std::unique_ptr<Cursor> Overlay::ScanBeneath(Space space, absl::string_view lower,
                                             absl::string_view upper) const {
  Walks& walks = walked_[static_cast<int>(space)];
  if (const auto known = walks.find(Std(lower));
      known != walks.end() && absl::string_view(known->second.upper) == upper) {
    return std::make_unique<RowsCursor>(known->second.rows);
  }
  return std::make_unique<NotingCursor>(base_->Scan(space, lower, upper), lower, upper, &walks);
}

bool Overlay::InEmptyTable(absl::string_view lower, absl::string_view upper) const {
  if (tables_ == nullptr || lower.size() < EmptyTables::kPrefixBytes) return false;
  const absl::string_view table = lower.substr(0, EmptyTables::kPrefixBytes);
  const std::string end = PrefixEnd(table);
  if (upper.empty() || (!end.empty() && upper > end)) return false;  // goes on behind it
  EmptyTables::Holds holds = tables_->Of(table);
  if (holds == EmptyTables::Holds::kUnknown) {
    // Nothing of it is written here: that would be known.
    const auto all = base_->Scan(Space::kData, table, end);
    if (!all->Valid() && !all->status().ok()) return false;
    holds = all->Valid() ? EmptyTables::Holds::kRows : EmptyTables::Holds::kNothing;
    tables_->Found(table, holds);
  }
  return holds == EmptyTables::Holds::kNothing;
}

std::unique_ptr<Cursor> Overlay::Scan(Space space, absl::string_view lower,
                                      absl::string_view upper) const {
  if (space == Space::kData && InEmptyTable(lower, upper)) return std::make_unique<NoRows>();
  const Writes& writes = writes_[static_cast<int>(space)];
  auto base = ScanBeneath(space, lower, upper);
  if (writes.empty()) return base;
  return std::make_unique<MergedCursor>(std::move(base), writes, lower, upper);
}

}  // namespace nisi::store
