#include "services/priority_goods/tables.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/base/status.h"
#include "common/store/schema_testing.h"

namespace nisi::priority_goods {
namespace {

using store::IndexKeys;
using store::TableKey;

AssessmentRow SampleAssessment() {
  AssessmentRow row;
  row.mutable_assessment()->set_name("assessments/0a1b2c");
  row.mutable_assessment()->set_goods_code("850423");
  return row;
}

EditionRow SampleEdition(v1::Edition::State state) {
  EditionRow row;
  row.set_number(7);
  row.mutable_edition()->set_name(EditionName(7));
  row.mutable_edition()->set_state(state);
  *row.mutable_edition()->mutable_effective_from() = base::Date::Of(2026, 7, 1)->ToProto();
  return row;
}

EntryRow SampleEntry() {
  EntryRow row;
  row.set_edition(7);
  row.mutable_entry()->set_name(EntryName(7, "850423"));
  row.mutable_entry()->set_goods_code("850423");
  row.mutable_entry()->set_sector("machinery");
  row.mutable_entry()->set_processing_level(v1::HIGH);
  return row;
}

// Sample keys as they lie on disk.
std::string SampleKeys() {
  return absl::StrCat(TableKey(kAssessments, SampleAssessment()),
                      IndexKeys(kAssessmentsByCode, SampleAssessment()),
                      TableKey(kEditions, SampleEdition(v1::Edition::APPROVED)),
                      IndexKeys(kEditionsByState, SampleEdition(v1::Edition::APPROVED)),
                      IndexKeys(kEditionsByEffectiveDay, SampleEdition(v1::Edition::APPROVED)),
                      TableKey(kEntries, SampleEntry()), IndexKeys(kEntriesBySector, SampleEntry()),
                      IndexKeys(kEntriesByLevel, SampleEntry()));
}

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(PriorityGoodsSchema(), "priority_goods", SampleKeys());
}

TEST(SchemaTest, OnlyApprovedEditionsClaimADay) {
  for (int state = 0; state < v1::Edition::State_ARRAYSIZE; ++state) {
    int claims = 0;
    kEditionsByEffectiveDay.keys(SampleEdition(static_cast<v1::Edition::State>(state)),
                                 [&](const store::Key&) { ++claims; });
    const bool published = state == v1::Edition::APPROVED || state == v1::Edition::IN_FORCE ||
                           state == v1::Edition::SUPERSEDED;
    EXPECT_EQ(claims, published ? 1 : 0) << state;
  }
}

TEST(NamesTest, AreBuiltInOnePlace) {
  EXPECT_EQ(EditionName(7), "editions/7");
  EXPECT_EQ(EntryName(7, "850423"), "editions/7/entries/850423");
}

}  // namespace
}  // namespace nisi::priority_goods
