// A full text search index, declared beside a service's tables and kept by the store in the commit
// that changes a record: what a search finds is never behind what was written.
//
//   const search::Index kOfferSearch(29, "offer_search", kOffers, &DocumentsOf);
//   // in the schema: schema.derived = {&kOfferSearch};
//   // where something that an offer's documents rest on was changed: tx.Touch(kOfferSearch, key);
//
// The table's keys are one number, Key::Of(int64_t).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/search/document.h"
#include "common/search/rows.h"
#include "common/store/derived.h"

namespace nisi::search {

// Emits the documents of a record: how it looks on each day on which it is to be found, as `reader`
// knows it, in any order. No two are of the same day. A pure function of records.
using DocumentsFn = absl::Status (*)(const store::Reader& reader, int64_t number,
                                     const EmitDocument& emit);

class Index : public store::Derived {
 public:
  Index(uint16_t index_id, const char* index_name, const store::TableDef& table,
        DocumentsFn documents)
      : Derived(index_id, index_name, &table, kRevision), documents_(documents) {}

  absl::Status Update(const store::Reader& reader, absl::Span<const std::string> keys,
                      int64_t recorded_us, store::Overlay* rows) const override;
  absl::Status FinishBuilding(int64_t recorded_us, store::Overlay* rows) const override;
  absl::Status Scrub(const store::Reader& reader,
                     std::vector<std::string>* findings) const override;

  // The documents of a record in order of their days, neighbours that are alike joined.
  absl::StatusOr<std::vector<Document>> DocumentsOf(const store::Reader& reader,
                                                    int64_t number) const;

 private:
  const DocumentsFn documents_;
};

// The number that is a record's key.
absl::StatusOr<int64_t> NumberOf(absl::string_view key);

}  // namespace nisi::search
