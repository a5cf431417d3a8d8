// The list of priority goods as a list in editions (common/rpc/editions.h, and their life:
// common/cases/editions.h).
#pragma once

#include <string>

#include "common/cases/refusals.h"
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

  static const store::Index<EditionRow>& ByState() { return kEditionsByState; }
  static const store::Index<EditionRow>& ByEffectiveDay() { return kEditionsByEffectiveDay; }
  static const base::Machine<Edition::State, Verb>& Machine() { return EditionMachine(); }
  static constexpr const char* kTakeEffectTimer = priority_goods::kTakeEffectTimer;
  static std::string Name(int32_t number) { return EditionName(number); }
  static std::string EntryName(int32_t edition, const std::string& code) {
    return priority_goods::EntryName(edition, code);
  }
  static std::string CodeIn(absl::string_view last_segment) { return std::string(last_segment); }
  static base::LegalBasis Drafting() { return errors::Drafting(); }
  static absl::Status DayTaken(base::Date day, const std::string& edition) {
    return cases::EffectiveDayTaken(day, edition, errors::Approval());
  }
  static absl::Status Overlap(const std::string& entry) {
    return cases::EntryOverlap(entry, errors::LevelOfAGood());
  }
  static absl::Status EntryExists(const std::string& entry) { return errors::EntryExists(entry); }
};

using rpc::Calendar;
using rpc::CatalogEdition;
using Catalog = rpc::Catalog<GoodsList, v1::CheckGoodsResponse>;

}  // namespace nisi::priority_goods
