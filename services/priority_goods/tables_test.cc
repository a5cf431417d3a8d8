#include "services/priority_goods/tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace nisi::priority_goods {
namespace {

std::string GoldenPath() {
  return absl::StrCat(NISI_SOURCE_DIR, "/services/priority_goods/testdata/schema.golden");
}

std::string Hex(const store::Key& key) {
  return base::HexEncode(key.bytes());
}

template <class Row>
std::string TableKey(const store::Table<Row>& table, const Row& row) {
  return absl::StrCat("key ", table.name, " ", Hex(table.key(row)), "\n");
}

template <class Row>
std::string IndexKeys(const store::Index<Row>& index, const Row& row) {
  std::string lines;
  index.keys(row, [&](const store::Key& key) {
    absl::StrAppend(&lines, "key ", index.name, " ", Hex(key), "\n");
  });
  return lines.empty() ? absl::StrCat("key ", index.name, " none\n") : lines;
}

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

// The declared schema, and sample keys as they lie on disk.
std::string Schema() {
  return absl::StrCat(PriorityGoodsSchema().Describe(), TableKey(kAssessments, SampleAssessment()),
                      IndexKeys(kAssessmentsByCode, SampleAssessment()),
                      TableKey(kEditions, SampleEdition(v1::Edition::APPROVED)),
                      IndexKeys(kEditionsByState, SampleEdition(v1::Edition::APPROVED)),
                      IndexKeys(kEditionsByEffectiveDay, SampleEdition(v1::Edition::APPROVED)),
                      TableKey(kEntries, SampleEntry()), IndexKeys(kEntriesBySector, SampleEntry()),
                      IndexKeys(kEntriesByLevel, SampleEntry()));
}

TEST(SchemaTest, IsSound) {
  EXPECT_EQ(PriorityGoodsSchema().Problem(), "");
}

// UPDATE_GOLDEN=1 rewrites the file; a change of what is on disk is then seen in review.
TEST(SchemaTest, IsWhatTheGoldenFileSays) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GoldenPath()) << Schema();
  }
  std::ifstream file(GoldenPath());
  ASSERT_TRUE(file.good()) << GoldenPath();
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(Schema(), golden.str()) << "run with UPDATE_GOLDEN=1 when the change is meant";
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
