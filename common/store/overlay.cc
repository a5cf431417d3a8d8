#include "common/store/overlay.h"

namespace nisi::store {
namespace {

// Walks the snapshot and the writes together; where both have a key the write wins.
class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::unique_ptr<Cursor> base, const Overlay::Writes& writes, absl::string_view lower,
               absl::string_view upper)
      : base_(std::move(base)),
        writes_(writes),
        upper_(upper),
        at_(writes.lower_bound(std::string(lower))) {
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
    at_ = writes_.lower_bound(std::string(key));
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

void Overlay::Write(Space space, std::string key, std::optional<std::string> value) {
  bytes_ += key.size() + (value.has_value() ? value->size() : 0);
  Writes& writes = writes_[static_cast<int>(space)];
  const auto [it, inserted] = writes.try_emplace(key);
  undo_.push_back(Undo{space, std::move(key), !inserted, std::move(it->second)});
  it->second = std::move(value);
}

void Overlay::Rollback(size_t mark) {
  while (undo_.size() > mark) {
    Undo& undo = undo_.back();
    Writes& writes = writes_[static_cast<int>(undo.space)];
    if (undo.existed) {
      writes[undo.key] = std::move(undo.before);
    } else {
      writes.erase(undo.key);
    }
    undo_.pop_back();
  }
}

std::vector<Batch::Op> Overlay::TakeOps() {
  std::vector<Batch::Op> ops;
  for (int space = 0; space < kSpaces; ++space) {
    for (auto& [key, value] : writes_[space]) {
      ops.push_back(Batch::Op{static_cast<Space>(space), key, std::move(value)});
    }
    writes_[space].clear();
  }
  undo_.clear();
  bytes_ = 0;
  return ops;
}

absl::StatusOr<bool> Overlay::Get(Space space, absl::string_view key, std::string* value) const {
  const Writes& writes = writes_[static_cast<int>(space)];
  const auto it = writes.find(std::string(key));
  if (it == writes.end()) return base_->Get(space, key, value);
  if (!it->second.has_value()) return false;
  *value = *it->second;
  return true;
}

absl::StatusOr<std::vector<std::optional<std::string>>> Overlay::GetMany(
    Space space, const std::vector<std::string>& keys) const {
  auto found = base_->GetMany(space, keys);
  if (!found.ok()) return found;
  const Writes& writes = writes_[static_cast<int>(space)];
  for (size_t i = 0; i < keys.size(); ++i) {
    if (const auto it = writes.find(keys[i]); it != writes.end()) (*found)[i] = it->second;
  }
  return found;
}

std::unique_ptr<Cursor> Overlay::Scan(Space space, absl::string_view lower,
                                      absl::string_view upper) const {
  const Writes& writes = writes_[static_cast<int>(space)];
  auto base = base_->Scan(space, lower, upper);
  if (writes.empty()) return base;
  return std::make_unique<MergedCursor>(std::move(base), writes, lower, upper);
}

}  // namespace nisi::store
