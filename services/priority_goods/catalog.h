// The approved editions in memory, ready for the hottest question of the suite: was this code on
// the list that day? Refreshed by the commit that changes an edition, before that commit is
// acknowledged.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/store/store.h"
#include "nisi/priority_goods/v1/resources.pb.h"

namespace nisi::priority_goods {

// An approved edition's entries: frozen, so made once.
class EntrySet {
 public:
  struct Item {
    std::string code;
    // Fields 2 to 8 of a CheckGoodsResponse.Result in wire form, for a code that this entry covers.
    std::string listed;
    // One partial_entries of a Result in wire form, for a code that this entry lies below.
    std::string partial;
  };
  explicit EntrySet(std::vector<Item> items);

  // The longest entry that covers the code; null when none does.
  const Item* Covering(const std::string& code) const;
  // Entries below the code, in order, at most `limit`. For a code that nothing covers.
  absl::Span<const Item> Below(const std::string& code, size_t limit) const;
  size_t size() const { return items_.size(); }

 private:
  std::vector<Item> items_;  // by code
  absl::flat_hash_map<absl::string_view, const Item*> by_code_;
};

struct CatalogEdition {
  int32_t number = 0;
  base::Date effective_from;
  std::shared_ptr<const EntrySet> entries;
  // Fields 2 to 8 of a CheckGoodsResponse but on_date, in wire form.
  std::string header;
};

// All approved editions by the day they came, or will come, into force.
class Calendar {
 public:
  explicit Calendar(std::vector<CatalogEdition> editions) : editions_(std::move(editions)) {}
  // Null before the first.
  const CatalogEdition* InForceOn(base::Date day) const;
  const CatalogEdition* Find(int32_t number) const;
  const std::vector<CatalogEdition>& editions() const { return editions_; }

 private:
  std::vector<CatalogEdition> editions_;
};

// Thread-safe.
class Catalog {
 public:
  // Loads what is approved and follows the store from then on.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(store::Store& store);
  ~Catalog();
  // Loads it again where the last refresh failed: an old list is never served. The error is the
  // store's.
  absl::StatusOr<std::shared_ptr<const Calendar>> Current();

 private:
  explicit Catalog(store::Store& store) : store_(store) {}
  absl::Status Refresh();
  absl::StatusOr<std::shared_ptr<const Calendar>> Load(const Calendar* known) const;

  store::Store& store_;
  int subscription_ = 0;
  std::mutex refresh_mutex_;  // held from reading to publishing: a later reader publishes later
  std::mutex mutex_;
  absl::StatusOr<std::shared_ptr<const Calendar>> current_;
};

}  // namespace nisi::priority_goods
