// Everything this service keeps on disk.
#pragma once

#include "common/store/table.h"
#include "nisi/priority_goods/v1/rows.pb.h"

namespace nisi::priority_goods {

using v1::AssessmentRow;
using v1::EditionRow;
using v1::EntryRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change.
extern const store::Table<AssessmentRow> kAssessments;        // 1: name
extern const store::Index<AssessmentRow> kAssessmentsByCode;  // 2: goods code
extern const store::Table<EditionRow> kEditions;              // 3: number
extern const store::Index<EditionRow> kEditionsByState;       // 4: state
extern const store::Index<EditionRow>
    kEditionsByEffectiveDay;                   // 5: effective_from; unique, approved ones only
extern const store::Table<EntryRow> kEntries;  // 6: edition, goods code
extern const store::Index<EntryRow> kEntriesBySector;  // 7: edition, sector
extern const store::Index<EntryRow> kEntriesByLevel;   // 8: edition, level

const store::Schema& PriorityGoodsSchema();

// Timer kinds.
inline constexpr char kTakeEffectTimer[] = "edition/take-effect";  // payload: the edition's number

std::string EditionName(int32_t number);
std::string EntryName(int32_t edition, const std::string& goods_code);

}  // namespace nisi::priority_goods
