#include "common/rpc/catalog.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace nisi::rpc {
namespace {

constexpr size_t kMaxPartial = 100;
constexpr size_t kShortestCode = 4;
constexpr int kLengthDelimited = 2;

}  // namespace

EntrySet::EntrySet(std::vector<Item> items) : items_(std::move(items)) {
  by_code_.reserve(items_.size());
  for (const Item& item : items_) by_code_.emplace(item.code, &item);
}

const EntrySet::Item* EntrySet::Covering(const std::string& code) const {
  const absl::string_view view(code);
  for (size_t length = code.size(); length >= kShortestCode; length -= 2) {
    if (const auto it = by_code_.find(view.substr(0, length)); it != by_code_.end())
      return it->second;
  }
  return nullptr;
}

absl::Span<const EntrySet::Item> EntrySet::Below(const std::string& code, size_t limit) const {
  const auto first = std::lower_bound(
      items_.begin(), items_.end(), code,
      [](const Item& item, const std::string& wanted) { return item.code < wanted; });
  auto last = first;
  for (size_t n = 0; n < limit && last != items_.end() && absl::StartsWith(last->code, code); ++n)
    ++last;
  return absl::MakeConstSpan(items_).subspan(static_cast<size_t>(first - items_.begin()),
                                             static_cast<size_t>(last - first));
}

Calendar::Calendar(std::vector<CatalogEdition> editions) : editions_(std::move(editions)) {
  std::sort(editions_.begin(), editions_.end(),
            [](const CatalogEdition& a, const CatalogEdition& b) {
              return a.effective_from < b.effective_from;
            });
}

const CatalogEdition* Calendar::InForceOn(base::Date day) const {
  const CatalogEdition* found = nullptr;
  for (const CatalogEdition& edition : editions_) {
    if (edition.effective_from <= day) found = &edition;
  }
  return found;
}

const CatalogEdition* Calendar::Find(int32_t number) const {
  for (const CatalogEdition& edition : editions_) {
    if (edition.number == number) return &edition;
  }
  return nullptr;
}

void ResultWriter::Add(const std::string& code, ReplyBuilder* reply) {
  result_.clear();
  result_.push_back(static_cast<char>(form_.code_field << 3 | kLengthDelimited));
  result_.push_back(static_cast<char>(code.size()));  // at most 10
  result_ += code;
  if (entries_ == nullptr) {
    result_ += form_.no_edition;
  } else if (const EntrySet::Item* item = entries_->Covering(code); item != nullptr) {
    result_ += item->listed;
  } else {
    const size_t most = std::min(kMaxPartial, names_left_);
    const absl::Span<const EntrySet::Item> below = entries_->Below(code, std::max<size_t>(most, 1));
    result_ += below.empty() ? form_.not_listed : form_.partial;
    for (const EntrySet::Item& part : below.first(std::min(below.size(), most))) {
      result_ += part.partial;
      --names_left_;
    }
  }
  reply->AddBytesField(form_.results_field, result_);
}

}  // namespace nisi::rpc
