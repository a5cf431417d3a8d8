#include "services/priority_goods/catalog.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/wire.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/rules.h"
#include "services/priority_goods/tables.h"

namespace nisi::priority_goods {

EntrySet::EntrySet(std::vector<Item> items) : items_(std::move(items)) {
  by_code_.reserve(items_.size());
  for (const Item& item : items_) by_code_.emplace(item.code, &item);
}

const EntrySet::Item* EntrySet::Covering(const std::string& code) const {
  const absl::string_view view(code);
  for (size_t length = code.size(); length >= 4; length -= 2) {
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

namespace {

std::string ListedFields(int32_t edition, const Entry& entry, int64_t position) {
  v1::CheckGoodsResponse::Result result;
  result.set_verdict(v1::CheckGoodsResponse::LISTED);
  result.set_entry(EntryName(edition, entry.goods_code()));
  result.set_processing_level(entry.processing_level());
  result.set_sector(entry.sector());
  result.set_entry_position(position);
  return result.SerializeAsString();
}

std::string PartialField(int32_t edition, const Entry& entry) {
  rpc::ReplyBuilder field;
  field.AddString(v1::CheckGoodsResponse::Result::kPartialEntriesFieldNumber,
                  EntryName(edition, entry.goods_code()));
  return std::move(field).Take();
}

std::string HeaderFields(const Edition& edition, int64_t position) {
  v1::CheckGoodsResponse header;
  header.set_edition(edition.name());
  header.set_order_number(edition.order_number());
  *header.mutable_order_date() = edition.order_date();
  *header.mutable_effective_from() = edition.effective_from();
  header.set_edition_position(position);
  *header.mutable_legal_basis() = errors::ListOfPriorityGoods();
  return header.SerializeAsString();
}

absl::StatusOr<std::shared_ptr<const EntrySet>> LoadEntries(const store::View& view,
                                                            int32_t edition) {
  std::vector<EntrySet::Item> items;
  RETURN_IF_ERROR(view.Scan(
      kEntries, {store::Key::Of(edition), ""}, {},
      [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
        const Entry& entry = stored.row.entry();
        items.push_back({entry.goods_code(), ListedFields(edition, entry, stored.version.position),
                         PartialField(edition, entry)});
        return true;
      }));
  return std::make_shared<const EntrySet>(std::move(items));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(store::Store& store) {
  std::unique_ptr<Catalog> catalog(new Catalog(store));
  catalog->subscription_ =
      store.Subscribe([raw = catalog.get()](const store::CommitNotice& notice) {
        if (!notice.tables.contains(kEditions.name)) return;
        if (const absl::Status refreshed = raw->Refresh(); !refreshed.ok()) {
          base::Log(base::Severity::kError, "catalog_refresh_failed",
                    {{"status", refreshed.ToString()}});
        }
      });
  // After subscribing: what a timer commits meanwhile is not missed.
  RETURN_IF_ERROR(catalog->Refresh());
  return catalog;
}

Catalog::~Catalog() {
  if (subscription_ != 0) store_.Unsubscribe(subscription_);
}

absl::StatusOr<std::shared_ptr<const Calendar>> Catalog::Current() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (current_.ok()) return current_;
  }
  RETURN_IF_ERROR(Refresh());
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

absl::Status Catalog::Refresh() {
  const std::lock_guard<std::mutex> refreshing(refresh_mutex_);
  std::shared_ptr<const Calendar> known;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (current_.ok()) known = *current_;
  }
  auto loaded = Load(known.get());
  const std::lock_guard<std::mutex> lock(mutex_);
  current_ = std::move(loaded);
  return current_.status();
}

// Entries of an approved edition are frozen: they are taken over from what is known.
absl::StatusOr<std::shared_ptr<const Calendar>> Catalog::Load(const Calendar* known) const {
  const store::View view = store_.Read();
  std::vector<CatalogEdition> editions;
  RETURN_IF_ERROR(view.Scan(
      kEditions, {}, {}, [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EditionRow>(row));
        const Edition& edition = stored.row.edition();
        if (!IsPublished(edition.state())) return true;
        CatalogEdition entry;
        entry.number = stored.row.number();
        ASSIGN_OR_RETURN(entry.effective_from, base::Date::FromProto(edition.effective_from()));
        entry.header = HeaderFields(edition, stored.version.position);
        const CatalogEdition* same = known == nullptr ? nullptr : known->Find(entry.number);
        if (same != nullptr) {
          entry.entries = same->entries;
        } else {
          ASSIGN_OR_RETURN(entry.entries, LoadEntries(view, entry.number));
        }
        editions.push_back(std::move(entry));
        return true;
      }));
  std::sort(editions.begin(), editions.end(), [](const CatalogEdition& a, const CatalogEdition& b) {
    return a.effective_from < b.effective_from;
  });
  return std::make_shared<const Calendar>(std::move(editions));
}

}  // namespace nisi::priority_goods
