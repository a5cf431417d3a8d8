#include "services/priority_goods/tables.h"

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {

using store::EmitKey;
using store::Key;

const store::Table<AssessmentRow> kAssessments{
    1, "assessments", [](const AssessmentRow& row) { return Key::Of(row.assessment().name()); }};
const store::Index<AssessmentRow> kAssessmentsByCode{
    2, "assessments_by_code", kAssessments, false,
    [](const AssessmentRow& row, const EmitKey& emit) {
      emit(Key::Of(row.assessment().goods_code()));
    }};

const store::Table<EditionRow> kEditions{
    3, "editions", [](const EditionRow& row) { return Key::Of(row.number()); }};
const store::Index<EditionRow> kEditionsByState{
    4, "editions_by_state", kEditions, false, [](const EditionRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.edition().state())));
    }};
const store::Index<EditionRow> kEditionsByEffectiveDay{
    5, "editions_by_effective_day", kEditions, true,
    [](const EditionRow& row, const EmitKey& emit) {
      const auto day = base::Date::FromProto(row.edition().effective_from());
      if (IsPublished(row.edition().state()) && day.ok()) emit(Key::Of(*day));
    }};

const store::Table<EntryRow> kEntries{6, "entries", [](const EntryRow& row) {
                                        return Key::Of(row.edition(), row.entry().goods_code());
                                      }};
const store::Index<EntryRow> kEntriesBySector{7, "entries_by_sector", kEntries, false,
                                              [](const EntryRow& row, const EmitKey& emit) {
                                                emit(Key::Of(row.edition(), row.entry().sector()));
                                              }};
const store::Index<EntryRow> kEntriesByLevel{
    8, "entries_by_level", kEntries, false, [](const EntryRow& row, const EmitKey& emit) {
      emit(Key::Of(row.edition(), static_cast<int64_t>(row.entry().processing_level())));
    }};

const store::Schema& PriorityGoodsSchema() {
  static const auto* const kSchema =
      new store::Schema{"priority-goods",
                        1,
                        {&kAssessments, &kEditions, &kEntries},
                        {&kAssessmentsByCode, &kEditionsByState, &kEditionsByEffectiveDay,
                         &kEntriesBySector, &kEntriesByLevel},
                        {}};
  return *kSchema;
}

std::string EditionName(int32_t number) {
  return absl::StrCat("editions/", number);
}
std::string EntryName(int32_t edition, const std::string& goods_code) {
  return absl::StrCat("editions/", edition, "/entries/", goods_code);
}

}  // namespace nisi::priority_goods
