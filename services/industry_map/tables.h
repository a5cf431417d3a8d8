// Everything this service keeps on disk.
#pragma once

#include <string>

#include "common/base/date.h"
#include "common/store/table.h"
#include "common/store/totals.h"
#include "nisi/cases/v1/case.pb.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "nisi/industry_map/v1/rows.pb.h"

namespace nisi::industry_map {

using v1::ClassifierRow;
using v1::MapEditionRow;
using v1::NoticeRow;
using v1::PlaceRow;
using v1::ProjectRow;
using v1::QuarterRow;
using v1::ReportRow;
using v1::ReviewRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change. No key
// holds a confidential field.
extern const store::Table<ProjectRow> kProjects;                 // 1: number
extern const store::Index<ProjectRow> kProjectsByState;          // 2: state
extern const store::Index<ProjectRow> kProjectsByPlace;          // 3: kato; a region is a prefix
extern const store::Index<ProjectRow> kProjectsByActivity;       // 4: sector, oked
extern const store::Index<ProjectRow> kProjectsByOwner;          // 5: owner BIN
extern const store::Index<ProjectRow> kProjectsByBody;           // 6: BIN of each body over it
extern const store::Index<ProjectRow> kProjectsByGood;           // 7: goods code, many a row
extern const store::Index<ProjectRow> kProjectsByCommissioning;  // 8: planned day; none: Date::Max
extern const store::Index<ProjectRow> kProjectsByCell;  // 9: quadkey; on the map, with a point
extern const store::Index<ProjectRow> kProjectsByEarlierNumber;  // 10: earlier number; unique

extern const store::Table<ReviewRow> kReviews;              // 11: project, number
extern const store::Index<ReviewRow> kReviewsByState;       // 12: state
extern const store::Index<ReviewRow> kReviewsByPlace;       // 13: kato, state
extern const store::Index<ReviewRow> kReviewsBySectorBody;  // 14: sector body BIN, state
extern const store::Index<ReviewRow> kOpenReviews;          // 15: project, kind; unique, open ones

// 29: kato of each place whose akimat sees it, state; the desk of an akimat
extern const store::Index<ReviewRow> kReviewsByAkimat;

extern const store::Table<ReportRow> kReports;           // 16: project, quarter
extern const store::Index<ReportRow> kReportsByQuarter;  // 17: quarter, kato

extern const store::Table<MapEditionRow> kEditions;  // 18: number
extern const store::Table<QuarterRow> kQuarters;     // 19: one row

// 20: what Summarize reads. A row on the map counts for every subset of at most two of (region,
// sector, stage, body, commissioning year) and for all five: groups (mask, values in order).
extern const store::Totals<ProjectRow> kMapTotals;

// 28: how many drafts an owner has: its BIN. | CreateProject
extern const store::Totals<ProjectRow> kOpenDrafts;

// Deadlines of reports that are open and past their day: kind, due day. | ListOverdueReports
extern const store::Index<cases::v1::DeadlineRow> kOverdueReports;  // 21

extern const store::Table<NoticeRow> kNotices;  // 22: project, review, conclusion

extern const store::Table<PlaceRow> kPlaces;          // 23: kato
extern const store::Index<PlaceRow> kPlacesByParent;  // 24: kato of the place around it
extern const store::Index<PlaceRow> kPlacesByRegion;  // 25: kato of the region
extern const store::Index<PlaceRow>
    kPlacesByPredecessor;  // 26: kato that it took over from; sparse

extern const store::Table<ClassifierRow> kClassifiers;  // 27: one row

const store::Schema& IndustryMapSchema();

// Timer kinds.
inline constexpr char kOpenReportsTimer[] = "reports/open";  // payload: quarter, last project done
inline constexpr char kLightTimer[] = "project/light";       // payload: the project's number
inline constexpr char kChangeTimer[] = "project/change";     // payload: the review's name
inline constexpr char kPlacesTimer[] = "project/places";     // payload: day, projects' numbers

// Kinds of deadlines that no step opens.
inline constexpr char kQuarterlyReport[] = "quarterly_report";
inline constexpr char kReportEscalation[] = "report_escalation";

// Year * 4 + quarter - 1.
int32_t IndexOf(base::Quarter quarter);

store::Key ProjectKey(int32_t number);
store::Key ReviewKey(int32_t project, int32_t number);
store::Key ReportKey(int32_t project, base::Quarter quarter);

std::string ProjectName(int32_t number);
std::string ReviewName(int32_t project, int32_t number);
std::string ReportName(int32_t project, base::Quarter quarter);
std::string EditionName(int32_t number);

}  // namespace nisi::industry_map
