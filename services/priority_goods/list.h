// The list of priority goods as a list in editions (common/rpc/editions.h).
#pragma once

#include <string>

#include "common/rpc/catalog.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/rules.h"
#include "services/priority_goods/tables.h"

namespace nisi::priority_goods {

struct GoodsList {
  using EditionRow = v1::EditionRow;
  using EntryRow = v1::EntryRow;
  static const store::Table<EditionRow>& Editions() { return kEditions; }
  static const store::Table<EntryRow>& Entries() { return kEntries; }
  static const std::string& Code(const Entry& entry) { return entry.goods_code(); }
  static constexpr const char* kCompared[] = {"name_kk",          "name_ru", "name_en", "sector",
                                              "processing_level", "oked",    "kpved",   "note"};
  static bool IsPublished(Edition::State state) { return priority_goods::IsPublished(state); }
  static base::LegalBasis Basis() { return errors::ListOfPriorityGoods(); }
};

using rpc::Calendar;
using rpc::CatalogEdition;
using Catalog = rpc::Catalog<GoodsList, v1::CheckGoodsResponse>;

}  // namespace nisi::priority_goods
