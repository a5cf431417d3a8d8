// The list of Art. 10(3) as a list in editions (common/rpc/editions.h).
#pragma once

#include <string>

#include "common/rpc/catalog.h"
#include "nisi/export_refunds/v1/service.pb.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rules_list.h"
#include "services/export_refunds/tables.h"

namespace nisi::export_refunds {

struct PromotedList {
  using EditionRow = v1::EditionRow;
  using EntryRow = v1::EntryRow;
  static const store::Table<EditionRow>& Editions() { return kLists; }
  static const store::Table<EntryRow>& Entries() { return kEntries; }
  static const std::string& Code(const Entry& entry) { return CodeOf(entry); }
  static constexpr const char* kCompared[] = {"name_kk", "name_ru",          "name_en",
                                              "sector",  "processing_level", "note"};
  static bool IsPublished(Edition::State state) { return export_refunds::IsPublished(state); }
  static base::LegalBasis Basis() { return errors::List(); }
};

using rpc::Calendar;
using rpc::CatalogEdition;
using Catalog = rpc::Catalog<PromotedList, v1::CheckCodesResponse>;

}  // namespace nisi::export_refunds
