// The list of Art. 10(3) as a list in editions (common/rpc/editions.h, and their life:
// common/cases/editions.h).
#pragma once

#include <string>

#include "absl/strings/str_replace.h"
#include "common/cases/refusals.h"
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

  static const store::Index<EditionRow>& ByState() { return kListsByState; }
  static const store::Index<EditionRow>& ByEffectiveDay() { return kListsByEffectiveDay; }
  static const base::Machine<Edition::State, ListVerb>& Machine() { return ListMachine(); }
  static constexpr const char* kTakeEffectTimer = export_refunds::kTakeEffectTimer;
  static std::string Name(int32_t number) { return EditionName(number); }
  static std::string EntryName(int32_t edition, const std::string& code) {
    return export_refunds::EntryName(edition, code);
  }
  static std::string CodeIn(absl::string_view last_segment) {
    return absl::StrReplaceAll(last_segment, {{"-", "."}});
  }
  static base::LegalBasis Drafting() { return errors::List(); }
  static absl::Status DayTaken(base::Date day, const std::string& edition) {
    return cases::EffectiveDayTaken(day, edition, errors::List());
  }
  static absl::Status Overlap(const std::string& entry) {
    return cases::EntryOverlap(entry, errors::List());
  }
  static absl::Status EntryExists(const std::string& entry) {
    return cases::RecordExists(kEntries.name, entry);
  }
};

using rpc::Calendar;
using rpc::CatalogEdition;
using Catalog = rpc::Catalog<PromotedList, v1::CheckCodesResponse>;

}  // namespace nisi::export_refunds
