#include "services/industry_map/tables.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/cases/deadlines.h"
#include "services/industry_map/box.h"
#include "services/industry_map/rules.h"
#include "services/industry_map/summary.h"

namespace nisi::industry_map {

using store::EmitKey;
using store::Int;
using store::Key;
using v1::Project;
using v1::Review;

const store::Table<ProjectRow> kProjects{
    1, "projects", [](const ProjectRow& row) { return ProjectKey(row.number()); }};
const store::Index<ProjectRow> kProjectsByState{
    2, "projects_by_state", kProjects, false, [](const ProjectRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.project().state())));
    }};
const store::Index<ProjectRow> kProjectsByPlace{3, "projects_by_place", kProjects, false,
                                                [](const ProjectRow& row, const EmitKey& emit) {
                                                  emit(Key::Of(row.project().parameters().kato()));
                                                }};
const store::Index<ProjectRow> kProjectsByActivity{
    4, "projects_by_activity", kProjects, false, [](const ProjectRow& row, const EmitKey& emit) {
      emit(Key::Of(row.project().sector(), row.project().parameters().oked()));
    }};
const store::Index<ProjectRow> kProjectsByOwner{
    5, "projects_by_owner", kProjects, false, [](const ProjectRow& row, const EmitKey& emit) {
      emit(Key::Of(row.project().parameters().owner_bin()));
    }};
const store::Index<ProjectRow> kProjectsByBody{
    6, "projects_by_body", kProjects, false, [](const ProjectRow& row, const EmitKey& emit) {
      for (const std::string& bin : row.project().bodies()) emit(Key::Of(bin));
    }};
const store::Index<ProjectRow> kProjectsByGood{
    7, "projects_by_good", kProjects, false, [](const ProjectRow& row, const EmitKey& emit) {
      for (const std::string& code : row.project().parameters().goods_codes()) emit(Key::Of(code));
    }};
const store::Index<ProjectRow> kProjectsByCommissioning{
    8, "projects_by_commissioning", kProjects, false,
    [](const ProjectRow& row, const EmitKey& emit) {
      emit(Key::Of(PlannedDay(row.project().parameters(), v1::Milestone::COMMISSIONING)
                       .value_or(base::Date::Max())));
    }};
const store::Index<ProjectRow> kProjectsByCell{
    9, "projects_by_cell", kProjects, false, [](const ProjectRow& row, const EmitKey& emit) {
      const Project& project = row.project();
      if (project.on_map() && project.parameters().has_point())
        emit(Key::Of(QuadKey(project.parameters().point())));
    }};
const store::Index<ProjectRow> kProjectsByEarlierNumber{
    10, "projects_by_earlier_number", kProjects, true,
    [](const ProjectRow& row, const EmitKey& emit) {
      if (!row.project().earlier_number().empty()) emit(Key::Of(row.project().earlier_number()));
    }};

const store::Table<ReviewRow> kReviews{
    11, "reviews", [](const ReviewRow& row) { return ReviewKey(row.project(), row.number()); }};
const store::Index<ReviewRow> kReviewsByState{
    12, "reviews_by_state", kReviews, false, [](const ReviewRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.review().state())));
    }};
const store::Index<ReviewRow> kReviewsByPlace{
    13, "reviews_by_place", kReviews, false, [](const ReviewRow& row, const EmitKey& emit) {
      emit(Key::Of(row.review().kato(), static_cast<int64_t>(row.review().state())));
    }};
const store::Index<ReviewRow> kReviewsByAkimat{
    29, "reviews_by_akimat", kReviews, false, [](const ReviewRow& row, const EmitKey& emit) {
      const Review& review = row.review();
      const auto state = static_cast<int64_t>(review.state());
      emit(Key::Of(review.kato(), state));
      if (!review.proposer_kato().empty() && review.proposer_kato() != review.kato())
        emit(Key::Of(review.proposer_kato(), state));
    }};
const store::Index<ReviewRow> kReviewsBySectorBody{
    14, "reviews_by_sector_body", kReviews, false, [](const ReviewRow& row, const EmitKey& emit) {
      const Review& review = row.review();
      if (!review.sector_body_bin().empty())
        emit(Key::Of(review.sector_body_bin(), static_cast<int64_t>(review.state())));
    }};
const store::Index<ReviewRow> kOpenReviews{
    15, "open_reviews", kReviews, true, [](const ReviewRow& row, const EmitKey& emit) {
      if (IsOpen(row.review().state()))
        emit(Key::Of(row.project(), static_cast<int64_t>(row.review().kind())));
    }};

const store::Table<ReportRow> kReports{16, "reports", [](const ReportRow& row) {
                                         return Key::Of(row.project(), row.quarter_index());
                                       }};
const store::Index<ReportRow> kReportsByQuarter{
    17, "reports_by_quarter", kReports, false, [](const ReportRow& row, const EmitKey& emit) {
      emit(Key::Of(row.quarter_index(), row.report().kato()));
    }};

const store::Table<MapEditionRow> kEditions{
    18, "editions", [](const MapEditionRow& row) { return Key::Of(row.number()); }};
const store::Table<QuarterRow> kQuarters{19, "quarters",
                                         [](const QuarterRow&) { return Key::Of(int64_t{0}); }};

const store::Totals<ProjectRow> kMapTotals{
    20, "map_totals", kProjects, kMeasures,
    [](const ProjectRow& row, const store::EmitTotals& emit) {
      const Project& project = row.project();
      if (!project.on_map()) return;
      const v1::Progress& progress = project.administrative_data().progress();
      const auto tiyn = [](const google::type::Money& money) -> Int {
        return base::Money::FromProto(money).value_or(base::Money()).tiyn();
      };
      const Int owner = OwnerNumber(project.parameters().owner_bin());
      const std::array<Int, kMeasures> add = {
          1,
          project.parameters().jobs_operation(),
          project.jobs_fact(),
          tiyn(project.administrative_data().terms().cost()),
          tiyn(progress.investment_used()),
          progress.traffic_light() == v1::Progress::RED ? 1 : 0,
          progress.traffic_light() == v1::Progress::YELLOW ? 1 : 0,
          owner,
          owner * owner};
      const Group group = GroupOf(project);
      for (const uint32_t mask : KeptMasks()) emit(GroupKey(mask, group), add);
    }};

const store::Totals<ProjectRow> kOpenDrafts{
    28, "open_drafts", kProjects, 1, [](const ProjectRow& row, const store::EmitTotals& emit) {
      const Int one[] = {1};
      if (row.project().state() == Project::DRAFT)
        emit(Key::Of(row.project().parameters().owner_bin()), one);
    }};

const store::Index<cases::v1::DeadlineRow> kOverdueReports{
    21, "overdue_reports", cases::kDeadlines, false,
    [](const cases::v1::DeadlineRow& row, const EmitKey& emit) {
      const cases::v1::Deadline& deadline = row.deadline();
      if (deadline.state() != cases::v1::Deadline::OPEN || !deadline.overdue()) return;
      if (deadline.kind() != kQuarterlyReport && deadline.kind() != kReportEscalation) return;
      const auto due = base::Date::FromProto(deadline.due_date());
      if (due.ok()) emit(Key::Of(deadline.kind(), *due));
    }};

const store::Table<NoticeRow> kNotices{
    22, "notices",
    [](const NoticeRow& row) { return Key::Of(row.project(), row.review(), row.conclusion()); }};

const store::Table<PlaceRow> kPlaces{
    23, "places", [](const PlaceRow& row) { return Key::Of(row.place().kato()); }};
const store::Index<PlaceRow> kPlacesByParent{
    24, "places_by_parent", kPlaces, false,
    [](const PlaceRow& row, const EmitKey& emit) { emit(Key::Of(row.place().parent())); }};
const store::Index<PlaceRow> kPlacesByRegion{
    25, "places_by_region", kPlaces, false,
    [](const PlaceRow& row, const EmitKey& emit) { emit(Key::Of(row.place().region())); }};
const store::Index<PlaceRow> kPlacesByPredecessor{26, "places_by_predecessor", kPlaces, false,
                                                  [](const PlaceRow& row, const EmitKey& emit) {
                                                    if (!row.place().predecessor().empty())
                                                      emit(Key::Of(row.place().predecessor()));
                                                  }};

const store::Table<ClassifierRow> kClassifiers{
    27, "classifiers", [](const ClassifierRow&) { return Key::Of(int64_t{0}); }};

const store::Schema& IndustryMapSchema() {
  static const auto* const kSchema = [] {
    auto* schema = new store::Schema(cases::WithDeadlines(
        {"industry-map",
         1,
         {&kProjects, &kReviews, &kReports, &kEditions, &kQuarters, &kNotices, &kPlaces,
          &kClassifiers},
         {&kProjectsByState, &kProjectsByPlace, &kProjectsByActivity, &kProjectsByOwner,
          &kProjectsByBody, &kProjectsByGood, &kProjectsByCommissioning, &kProjectsByCell,
          &kProjectsByEarlierNumber, &kReviewsByState, &kReviewsByPlace, &kReviewsBySectorBody,
          &kOpenReviews, &kReportsByQuarter, &kOverdueReports, &kPlacesByParent, &kPlacesByRegion,
          &kPlacesByPredecessor, &kReviewsByAkimat},
         {&kMapTotals, &kOpenDrafts},
         {}}));
    return schema;
  }();
  return *kSchema;
}

int32_t IndexOf(base::Quarter quarter) {
  return quarter.year() * 4 + quarter.quarter() - 1;
}

store::Key ProjectKey(int32_t number) {
  return Key::Of(number);
}
store::Key ReviewKey(int32_t project, int32_t number) {
  return Key::Of(project, number);
}
store::Key ReportKey(int32_t project, base::Quarter quarter) {
  return Key::Of(project, IndexOf(quarter));
}

std::string ProjectName(int32_t number) {
  return absl::StrCat("projects/", number);
}
std::string ReviewName(int32_t project, int32_t number) {
  return absl::StrCat("projects/", project, "/reviews/", number);
}
std::string ReportName(int32_t project, base::Quarter quarter) {
  return absl::StrCat("projects/", project, "/reports/", absl::AsciiStrToLower(quarter.ToString()));
}
std::string EditionName(int32_t number) {
  return absl::StrCat("editions/", number);
}

}  // namespace nisi::industry_map
