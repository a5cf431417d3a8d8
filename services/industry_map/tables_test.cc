#include "services/industry_map/tables.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/cases/deadlines.h"
#include "common/store/schema_testing.h"

namespace nisi::industry_map {
namespace {

using store::IndexKeys;
using store::TableKey;

ProjectRow SampleProject() {
  ProjectRow row;
  row.set_number(7);
  v1::Project& project = *row.mutable_project();
  project.set_name(ProjectName(7));
  project.set_state(v1::Project::INCLUDED);
  project.set_on_map(true);
  project.set_region("39");
  project.set_sector("24");
  project.set_commissioning_year(2027);
  project.set_earlier_number("KI-7");
  project.add_bodies("050640000056");
  v1::ProjectParameters& p = *project.mutable_parameters();
  p.set_kato("391010000");
  p.set_oked("24.10");
  p.set_owner_bin("990340000014");
  p.set_stage(v1::ProjectParameters::IMPLEMENTED);
  p.add_goods_codes("7202");
  p.mutable_responsible_body()->set_bin("050640000056");
  p.mutable_point()->set_latitude_millionths(53'214'800);
  p.mutable_point()->set_longitude_millionths(63'632'100);
  v1::Milestone& milestone = *p.add_milestones();
  milestone.set_kind(v1::Milestone::COMMISSIONING);
  *milestone.mutable_planned_date() = base::Date::Of(2027, 12, 31)->ToProto();
  return row;
}

ReviewRow SampleReview(v1::Review::State state) {
  ReviewRow row;
  row.set_project(7);
  row.set_number(2);
  row.mutable_review()->set_state(state);
  row.mutable_review()->set_kind(v1::Review::CHANGE);
  row.mutable_review()->set_kato("391010000");
  row.mutable_review()->set_proposer_kato("751110000");
  row.mutable_review()->set_sector_body_bin("180240000091");
  return row;
}

std::string TotalsKeys() {
  std::string lines;
  kMapTotals.shares(SampleProject(), [&](const store::Key& group, absl::Span<const store::Int>) {
    absl::StrAppend(&lines, "key map_totals ", base::HexEncode(group.bytes()), "\n");
  });
  ProjectRow draft = SampleProject();
  draft.mutable_project()->set_state(v1::Project::DRAFT);
  kOpenDrafts.shares(draft, [&](const store::Key& group, absl::Span<const store::Int>) {
    absl::StrAppend(&lines, "key open_drafts ", base::HexEncode(group.bytes()), "\n");
  });
  return lines;
}

// Sample keys as they lie on disk.
std::string SampleKeys() {
  const ProjectRow project = SampleProject();
  const ReviewRow review = SampleReview(v1::Review::PROPOSED);
  ReportRow report;
  report.set_project(7);
  report.set_quarter_index(IndexOf(*base::Quarter::Of(2026, 3)));
  report.mutable_report()->set_kato("391010000");
  MapEditionRow edition;
  edition.set_number(3);
  NoticeRow notice;
  notice.set_project(7);
  notice.set_review(2);
  notice.set_conclusion(1);
  PlaceRow place;
  place.mutable_place()->set_kato("101010000");
  place.mutable_place()->set_parent("101000000");
  place.mutable_place()->set_region("100000000");
  place.mutable_place()->set_predecessor("632810000");
  cases::v1::DeadlineRow overdue;
  overdue.mutable_deadline()->set_kind(kQuarterlyReport);
  overdue.mutable_deadline()->set_state(cases::v1::Deadline::OPEN);
  overdue.mutable_deadline()->set_overdue(true);
  *overdue.mutable_deadline()->mutable_due_date() = base::Date::Of(2026, 10, 10)->ToProto();
  return absl::StrCat(
      TableKey(kProjects, project), IndexKeys(kProjectsByState, project),
      IndexKeys(kProjectsByPlace, project), IndexKeys(kProjectsByActivity, project),
      IndexKeys(kProjectsByOwner, project), IndexKeys(kProjectsByBody, project),
      IndexKeys(kProjectsByGood, project), IndexKeys(kProjectsByCommissioning, project),
      IndexKeys(kProjectsByCell, project), IndexKeys(kProjectsByEarlierNumber, project),
      TableKey(kReviews, review), IndexKeys(kReviewsByState, review),
      IndexKeys(kReviewsByPlace, review), IndexKeys(kReviewsByAkimat, review),
      IndexKeys(kReviewsBySectorBody, review), IndexKeys(kOpenReviews, review),
      TableKey(kReports, report), IndexKeys(kReportsByQuarter, report),
      TableKey(kEditions, edition), TableKey(kQuarters, QuarterRow()), TableKey(kNotices, notice),
      IndexKeys(kOverdueReports, overdue), TableKey(kPlaces, place),
      IndexKeys(kPlacesByParent, place), IndexKeys(kPlacesByRegion, place),
      IndexKeys(kPlacesByPredecessor, place), TableKey(kClassifiers, ClassifierRow()),
      TotalsKeys());
}

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(IndustryMapSchema(), "industry_map", SampleKeys());
}

TEST(SchemaTest, OnlyOpenReviewsStandInEachOthersWay) {
  for (int state = 1; state < v1::Review::State_ARRAYSIZE; ++state) {
    int keys = 0;
    kOpenReviews.keys(SampleReview(static_cast<v1::Review::State>(state)),
                      [&](const store::Key&) { ++keys; });
    EXPECT_EQ(keys, state <= v1::Review::RETURNED ? 1 : 0) << state;
  }
}

TEST(SchemaTest, OnlyProjectsOnTheMapAreSummedAndFoundInBoxes) {
  ProjectRow off = SampleProject();
  off.mutable_project()->set_on_map(false);
  int shares = 0;
  kMapTotals.shares(off, [&](const store::Key&, absl::Span<const store::Int>) { ++shares; });
  kProjectsByCell.keys(off, [&](const store::Key&) { ++shares; });
  EXPECT_EQ(shares, 0);
  kMapTotals.shares(SampleProject(),
                    [&](const store::Key&, absl::Span<const store::Int>) { ++shares; });
  EXPECT_EQ(shares, 17);
}

TEST(NamesTest, AreBuiltInOnePlace) {
  EXPECT_EQ(ReviewName(7, 2), "projects/7/reviews/2");
  EXPECT_EQ(ReportName(7, *base::Quarter::Of(2026, 3)), "projects/7/reports/2026q3");
  EXPECT_EQ(EditionName(3), "editions/3");
}

}  // namespace
}  // namespace nisi::industry_map
