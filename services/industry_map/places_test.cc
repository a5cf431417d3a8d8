// The classifier of places by date, and imports of reports, which name projects by it.
#include <fstream>

#include "common/base/csv.h"
#include "services/industry_map/places.h"
#include "services/industry_map/service_testing.h"

namespace nisi::industry_map {
namespace {

using ::testing::ElementsAre;
using PlaceRowIn = v1::ImportPlacesRequest::Row;

constexpr char kService[] = "/nisi.industry_map.v1.PlacesService/";

PlaceRowIn In(const char* kato, const char* level, const char* name, const char* predecessor = "") {
  PlaceRowIn row;
  row.set_kato(kato);
  row.set_level(level);
  row.set_type_code("1");
  row.set_name_ru(name);
  row.set_predecessor(predecessor);
  return row;
}

class PlacesTest : public MapTest {
 protected:
  // Sends the header, then the rows in messages of 1,000 as a client does.
  template <class Request>
  absl::StatusOr<rpc::v1::ImportReport> Send(const std::string& name, const rpc::Caller& caller,
                                             typename Request::Header header,
                                             const std::vector<typename Request::Row>& rows) {
    if (header.request_id().empty()) header.set_request_id(NextUuid());
    header.set_row_count(static_cast<int>(rows.size()));
    std::vector<Request> messages(1);
    *messages[0].mutable_header() = header;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i % 1000 == 0) messages.emplace_back();
      auto* row = messages.back().mutable_rows()->add_rows();
      *row = rows[i];
      row->set_row_number(static_cast<int>(i) + 1);
    }
    ASSIGN_OR_RETURN(const std::string bytes, Upload(name, caller, messages));
    rpc::v1::ImportReport report;
    report.ParseFromString(bytes);
    return report;
  }
  absl::StatusOr<rpc::v1::ImportReport> Take(const char* classifier, const char* day, bool whole,
                                             const std::vector<PlaceRowIn>& rows) {
    v1::ImportPlacesRequest::Header header;
    header.set_classifier(classifier);
    *header.mutable_effective_date() = Day(day).ToProto();
    header.set_whole(whole);
    return Send<v1::ImportPlacesRequest>(absl::StrCat(kService, "ImportPlaces"), institute_, header,
                                         rows);
  }
  // The code of the place and of its region on a day; the reason where there is none.
  std::vector<std::string> Resolved(const char* kato, const char* day) {
    v1::ResolvePlaceRequest request;
    request.set_kato(kato);
    *request.mutable_as_of() = Day(day).ToProto();
    const auto found =
        Do<v1::ResolvePlaceResponse>(absl::StrCat(kService, "ResolvePlace"), public_, request);
    if (!found.ok()) return {base::ReasonOf(found.status())};
    return {found->place().kato(), found->region().kato()};
  }

  const rpc::Caller public_ = CallerOf("", {});
};

TEST(CodesAround, AreThoseByTheDigitsNearestFirst) {
  EXPECT_THAT(CodesAround("103245100"), ElementsAre("103245000", "103200000", "100000000"));
  EXPECT_THAT(CodesAround("101010000"), ElementsAre("101000000", "100000000"));
  EXPECT_THAT(CodesAround("100000000"), ElementsAre());
}

// A region was split, and a city went from one to the other under a new code.
TEST_F(PlacesTest, APlaceResolvesToItsRegionOfTheDay) {
  const auto before =
      Take("KATO 2018", "2018-01-01", true,
           {In("630000000", "oblast", "Восточно-Казахстанская область"),
            In("632800000", "district", "Семей Г.А."), In("632810000", "sub_district", "г.Семей")});
  ASSERT_TRUE(before.ok() && before->committed()) << before.status() << before->DebugString();
  const auto after = Take("KATO 2022", "2022-06-08", true,
                          {In("100000000", "oblast", "область Абай"),
                           In("101000000", "district", "Семей Г.А.", "632800000"),
                           In("101010000", "sub_district", "г.Семей", "632810000"),
                           In("630000000", "oblast", "Восточно-Казахстанская область")});
  ASSERT_TRUE(after.ok() && after->committed()) << after.status();

  EXPECT_THAT(Resolved("632810000", "2020-01-01"), ElementsAre("632810000", "630000000"));
  EXPECT_THAT(Resolved("632810000", "2022-06-07"), ElementsAre("632810000", "630000000"));
  EXPECT_THAT(Resolved("632810000", "2022-06-08"), ElementsAre("101010000", "100000000"));
  EXPECT_THAT(Resolved("101010000", "2026-01-01"), ElementsAre("101010000", "100000000"));
  EXPECT_THAT(Resolved("101010000", "2020-01-01"), ElementsAre("PLACE_UNKNOWN"));
  EXPECT_THAT(Resolved("632810000", "2017-12-31"), ElementsAre("PLACE_UNKNOWN"));
  EXPECT_THAT(Resolved("990000000", "2026-01-01"), ElementsAre("INVALID_FIELD"));
  const auto unknown =
      Take("KATO 2024", "2024-01-01", false, {In("101010000", "planet", "г.Семей")});
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_EQ(unknown->rows(0).field(), "level");
  EXPECT_EQ(unknown->rows(0).description().find("must be one of "), 0u);

  // A third classifier moves it once more: the first code still leads there.
  const auto later = Take("KATO 2025", "2025-01-01", false,
                          {In("101110000", "sub_district", "г.Семей", "101010000")});
  ASSERT_TRUE(later.ok() && later->committed()) << later.status();
  EXPECT_THAT(Resolved("632810000", "2026-01-01"), ElementsAre("101010000", "100000000"));
}

// A region is split after a project came there: the project lies in the new one from that day, and
// the sums with it.
TEST_F(PlacesTest, AProjectGoesWithItsPlace) {
  const std::vector<PlaceRowIn> old = {In("630000000", "oblast", "Восточно-Казахстанская область"),
                                       In("632800000", "district", "Семей Г.А."),
                                       In("632810000", "sub_district", "г.Семей")};
  ASSERT_TRUE(Take("KATO 2018", "2018-01-01", true, old)->committed());
  v1::Project project = MakeProject();
  project.mutable_parameters()->set_kato("632810000");
  const rpc::Caller before = CallerOf("east@akimat", {rpc::v1::AKIMAT}, "", {"63"});
  const rpc::Caller after = CallerOf("abai@akimat", {rpc::v1::AKIMAT}, "", {"10"});
  const std::string name = Include(project, before);
  GoTo(Day("2026-10-05"));
  const auto q2 = Submit(name, MakeReport("2026Q2", 1, 100), before);
  const auto q3 = Submit(name, MakeReport("2026Q3", 1, 100), before);
  ASSERT_TRUE(q2.ok() && q3.ok()) << q2.status() << q3.status();
  const std::string other = Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name))->name();

  const std::vector<PlaceRowIn> split = {
      In("100000000", "oblast", "область Абай"),
      In("101000000", "district", "Семей Г.А.", "632800000"),
      In("101010000", "sub_district", "г.Семей", "632810000"),
      In("630000000", "oblast", "Восточно-Казахстанская область")};
  ASSERT_TRUE(Take("KATO 2026", "2026-07-01", true, split)->committed());
  ASSERT_TRUE(store().RunDueTimers().ok());
  const auto on = [&](const char* day) {
    v1::SummarizeRequest sum;
    sum.add_group_by(v1::SummarizeRequest::REGION);
    *sum.mutable_as_of() = Day(day).ToProto();
    const auto said = Do<v1::SummarizeResponse>("Summarize", public_, sum);
    EXPECT_EQ(said->rows_size(), 1) << day;
    v1::GetProjectRequest get;
    get.set_name(name);
    *get.mutable_as_of() = sum.as_of();
    const auto found = Do<v1::Project>("GetProject", public_, get);
    return std::vector<std::string>{said->rows(0).region(), found->region(),
                                    found->parameters().kato()};
  };
  EXPECT_THAT(on("2026-06-30"), ElementsAre("63", "63", "632810000"));
  EXPECT_THAT(on("2026-07-01"), ElementsAre("10", "10", "101010000"));
  EXPECT_THAT(on("2026-10-05"), ElementsAre("10", "10", "101010000"));
  // What is tied to it by the day went along, and no more.
  EXPECT_EQ(Report(q2->name()).region(), "63");
  EXPECT_EQ(Report(q3->name()).region(), "10");
  EXPECT_EQ(base::ReasonOf(Start(other, before).status()), "ACCESS_DENIED");
  EXPECT_TRUE(Start(other, after).ok());

  // Known ahead, it holds ahead.
  std::vector<PlaceRowIn> again = split;
  again[2] = In("101110000", "sub_district", "г.Семей", "101010000");
  ASSERT_TRUE(Take("KATO 2027", "2027-01-01", true, again)->committed());
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_THAT(on("2026-12-31"), ElementsAre("10", "10", "101010000"));
  EXPECT_THAT(on("2027-01-01"), ElementsAre("10", "10", "101110000"));
  GoTo(Day("2027-01-01"));
  EXPECT_EQ(Get(name).parameters().kato(), "101110000");
  EXPECT_EQ(Review(other).kato(), "101110000");

  // A change of something else holds on days on which the place was, or will be, another one.
  const auto changed = [&](const char* from, int32_t jobs) {
    v1::ProposeChangeRequest change = ChangeOf(name);
    change.mutable_parameters()->set_jobs_operation(jobs);
    *change.mutable_effective_from() = Day(from).ToProto();
    const auto proposed = Do<v1::Review>("ProposeChange", owner_, change);
    ASSERT_TRUE(proposed.ok()) << proposed.status();
    EXPECT_THAT(proposed->changed_fields(), ElementsAre("parameters.jobs_operation"));
    const rpc::Caller akimat = CallerOf("abai@akimat", {rpc::v1::AKIMAT}, "", {"10"});
    Recommend(proposed->name(), akimat);
    ASSERT_TRUE(Adopt(proposed->name(), authority_).ok());
  };
  const auto jobs_on = [&](const char* day) {
    v1::GetProjectRequest get;
    get.set_name(name);
    *get.mutable_as_of() = Day(day).ToProto();
    return Do<v1::Project>("GetProject", public_, get)->parameters().jobs_operation();
  };
  changed("2026-06-20", 77);
  EXPECT_EQ(jobs_on("2026-06-20"), 77);
  EXPECT_THAT(on("2026-06-20"), ElementsAre("63", "63", "632810000"));
  EXPECT_THAT(on("2026-07-01"), ElementsAre("10", "10", "101010000"));
  EXPECT_THAT(on("2027-01-01"), ElementsAre("10", "10", "101110000"));
  std::vector<PlaceRowIn> once_more = again;
  once_more[2] = In("101120000", "sub_district", "г.Семей", "101110000");
  ASSERT_TRUE(Take("KATO 2028", "2028-01-01", true, once_more)->committed());
  ASSERT_TRUE(store().RunDueTimers().ok());
  changed("2028-02-01", 88);
  EXPECT_THAT(on("2028-01-31"), ElementsAre("10", "10", "101120000"));
  EXPECT_EQ(jobs_on("2028-01-31"), 77);
  EXPECT_THAT(on("2028-02-01"), ElementsAre("10", "10", "101120000"));
  EXPECT_EQ(jobs_on("2028-02-01"), 88);
  // To a place that is none on that day it is not moved.
  v1::ProposeChangeRequest move = ChangeOf(name);
  move.mutable_parameters()->set_kato("632810000");
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ProposeChange", owner_, move).status()),
            "PLACE_UNKNOWN");
  ExpectSound();
}

// A change of a past day may name a place that has ended since: whoever takes over answers from
// then.
TEST_F(PlacesTest, WhatIsOwedGoesWithAPlaceThatHasEndedSinceAChange) {
  const std::vector<PlaceRowIn> old = {In("390000000", "oblast", "Костанайская область"),
                                       In("391010000", "district", "Костанай Г.А."),
                                       In("630000000", "oblast", "Восточно-Казахстанская область"),
                                       In("632810000", "district", "Семей Г.А.")};
  ASSERT_TRUE(Take("KATO 2018", "2018-01-01", true, old)->committed());
  const std::string name = Include();
  GoTo(Day("2026-10-12"));
  const std::vector<PlaceRowIn> split = {old[0], old[1], old[2],
                                         In("100000000", "oblast", "область Абай"),
                                         In("101010000", "district", "Семей Г.А.", "632810000")};
  ASSERT_TRUE(Take("KATO 2026", "2026-07-01", true, split)->committed());
  ASSERT_TRUE(store().RunDueTimers().ok());
  const auto owed = [&](const char* region) {
    v1::ListOverdueReportsRequest list;
    list.set_region(region);
    const auto found = Do<v1::ListOverdueReportsResponse>("ListOverdueReports", authority_, list);
    std::vector<std::string> records;
    for (const auto& deadline : found->deadlines()) records.push_back(deadline.record());
    return records;
  };
  const std::string q2 = name + "/reports/2026q2", q3 = name + "/reports/2026q3";
  EXPECT_THAT(owed("39"), ElementsAre(q2, q3));

  v1::ProposeChangeRequest change = ChangeOf(name);
  change.mutable_parameters()->set_kato("632810000");
  *change.mutable_effective_from() = Day("2026-06-20").ToProto();
  const auto proposed = Do<v1::Review>("ProposeChange", owner_, change);
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  const rpc::Caller east = CallerOf("east@akimat", {rpc::v1::AKIMAT}, "", {"63"});
  Recommend(proposed->name(), east);
  ASSERT_TRUE(Adopt(proposed->name(), authority_).ok());
  EXPECT_EQ(Get(name).region(), "10");
  EXPECT_THAT(owed("39"), ElementsAre());
  EXPECT_THAT(owed("63"), ElementsAre(q2));
  EXPECT_THAT(owed("10"), ElementsAre(q3));
  const rpc::Caller abai = CallerOf("abai@akimat", {rpc::v1::AKIMAT}, "", {"10"});
  EXPECT_FALSE(Submit(name, MakeReport("2026Q3", 1, 100), east).ok());
  EXPECT_TRUE(Submit(name, MakeReport("2026Q3", 1, 100), abai).ok());
  ExpectSound();
}

// Who has the project by then takes back what was proposed for it.
TEST_F(PlacesTest, AProposedMoveGoesWithThePlaceThatItLeaves) {
  const std::vector<PlaceRowIn> old = {In("630000000", "oblast", "Восточно-Казахстанская область"),
                                       In("632800000", "district", "Семей Г.А."),
                                       In("632810000", "sub_district", "г.Семей"),
                                       In("750000000", "oblast", "г.Алматы")};
  ASSERT_TRUE(Take("KATO 2018", "2018-01-01", true, old)->committed());
  v1::Project project = MakeProject();
  project.mutable_parameters()->set_kato("632810000");
  const rpc::Caller before = CallerOf("east@akimat", {rpc::v1::AKIMAT}, "", {"63"});
  const rpc::Caller after = CallerOf("abai@akimat", {rpc::v1::AKIMAT}, "", {"10"});
  const std::string name = Include(project, before);
  auto change = ChangeOf(name);
  change.mutable_parameters()->set_kato("750000000");
  const auto move = Do<v1::Review>("ProposeChange", before, change);
  ASSERT_TRUE(move.ok()) << move.status();
  EXPECT_EQ(move->proposer_kato(), "632810000");

  ASSERT_TRUE(Take("KATO 2026", "2026-07-01", true,
                   {In("100000000", "oblast", "область Абай"),
                    In("101000000", "district", "Семей Г.А.", "632800000"),
                    In("101010000", "sub_district", "г.Семей", "632810000"),
                    In("630000000", "oblast", "Восточно-Казахстанская область"),
                    In("750000000", "oblast", "г.Алматы")})
                  ->committed());
  GoTo(std::max(today(), Day("2026-07-01")));
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Review(move->name()).proposer_kato(), "101010000");
  v1::WithdrawReviewRequest withdraw;
  withdraw.set_name(move->name());
  withdraw.set_reason("Площадка осталась здесь.");
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("WithdrawReview", before, withdraw).status()),
            "ACCESS_DENIED");
  const auto back = Do<v1::Review>("WithdrawReview", after, withdraw);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->state(), v1::Review::WITHDRAWN);
  ExpectSound();
}

TEST_F(PlacesTest, WhatStandsAlreadyChangesNothing) {
  const std::vector<PlaceRowIn> rows = {In("390000000", "oblast", "Костанайская область"),
                                        In("391000000", "district", "Костанай Г.А.")};
  ASSERT_TRUE(Take("KATO 2018", "2018-01-01", true, rows)->committed());
  const int64_t then = position();
  v1::GetPlaceRequest get;
  get.set_name("places/391000000");
  const auto first = Do<v1::Place>(absl::StrCat(kService, "GetPlace"), public_, get);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->parent(), "390000000");
  ASSERT_TRUE(Take("KATO 2018", "2018-01-01", true, rows)->committed());
  EXPECT_EQ(Do<v1::Place>(absl::StrCat(kService, "GetPlace"), public_, get)->etag(), first->etag());
  EXPECT_LE(position(), then + 1);  // the import itself
}

TEST_F(PlacesTest, WrongRowsEnterNothing) {
  const auto orphan = Take("K", "2018-01-01", true, {In("391000000", "district", "Костанай Г.А.")});
  ASSERT_TRUE(orphan.ok()) << orphan.status();
  EXPECT_FALSE(orphan->committed());
  EXPECT_EQ(orphan->rows(0).reason(), "PLACE_WITHOUT_PARENT");
  const auto twice = Take("K", "2018-01-01", true,
                          {In("390000000", "oblast", "А"), In("390000000", "oblast", "А")});
  EXPECT_EQ(twice->rows(1).reason(), "PLACE_TWICE");
  const auto form =
      Take("K", "2018-01-01", true,
           {In("39", "oblast", "А"), In("390000000", "село", "А"), In("390000000", "oblast", "")});
  EXPECT_EQ(form->invalid_count(), 3);
  EXPECT_FALSE(form->committed());
}

TEST_F(PlacesTest, ClassifiersComeInTheOrderOfTheirDays) {
  const std::vector<PlaceRowIn> older = {
      In("630000000", "oblast", "Восточно-Казахстанская область"),
      In("632800000", "district", "Семей Г.А.")};
  const std::vector<PlaceRowIn> newer = {
      In("100000000", "oblast", "область Абай"),
      In("630000000", "oblast", "Восточно-Казахстанская область")};
  // What is no whole one stands in nobody's way.
  ASSERT_TRUE(Take("part", "2023-01-01", false, newer)->committed());
  ASSERT_TRUE(Take("KATO 2022", "2022-06-08", true, newer)->committed());
  for (const bool whole : {true, false}) {
    const auto refused = Take("KATO 2018", "2018-01-01", whole, older).status();
    EXPECT_EQ(base::ReasonOf(refused), "CLASSIFIER_OUTDATED") << refused;
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(base::InfoOf(refused).metadata().at("later"), "2022-06-08");
    EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 6(2)");
  }
  EXPECT_THAT(Resolved("632800000", "2024-01-01"), ElementsAre("PLACE_UNKNOWN"));
  EXPECT_TRUE(Take("KATO 2022", "2022-06-08", true, newer)->committed());
  EXPECT_TRUE(Take("KATO 2024", "2024-01-01", true, newer)->committed());
  EXPECT_EQ(base::ReasonOf(Take("KATO 2022", "2022-06-08", true, newer).status()),
            "CLASSIFIER_OUTDATED");
}

TEST_F(PlacesTest, AWholeClassifierHasTheRegionsOfItsPlaces) {
  const auto region = In("390000000", "oblast", "Костанайская область");
  const auto city = In("391000000", "district", "Костанай Г.А.");
  ASSERT_TRUE(Take("KATO 2018", "2018-01-01", true, {region, city})->committed());
  // The region stands, but would end with this one.
  const auto without = Take("KATO 2022", "2022-06-08", true, {city});
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_FALSE(without->committed());
  EXPECT_EQ(without->rows(0).reason(), "PLACE_WITHOUT_PARENT");
  EXPECT_THAT(Resolved("391000000", "2024-01-01"), ElementsAre("391000000", "390000000"));
  const auto part =
      Take("part", "2022-06-08", false, {In("392000000", "district", "Аркалык Г.А.")});
  ASSERT_TRUE(part.ok() && part->committed()) << part.status();
  EXPECT_THAT(Resolved("392000000", "2024-01-01"), ElementsAre("392000000", "390000000"));
}

TEST_F(PlacesTest, OnceTakenInAProjectLiesInOneOfThem) {
  ASSERT_TRUE(Take("K", "2018-01-01", true,
                   {In("390000000", "oblast", "Костанайская область"),
                    In("391000000", "district", "Костанай Г.А.")})
                  ->committed());
  v1::CreateProjectRequest create;
  *create.mutable_project() = MakeProject();  // in 391010000
  const auto made = Do<v1::Project>("CreateProject", owner_, create);
  EXPECT_EQ(base::ReasonOf(made.status()), "PLACE_UNKNOWN");
  create.mutable_project()->mutable_parameters()->set_kato("391000000");
  EXPECT_TRUE(Do<v1::Project>("CreateProject", owner_, create).ok());
}

// The whole classifier, where its file is beside the project.
TEST_F(PlacesTest, TheWholeClassifierIsTakenIn) {
  std::ifstream file(std::string(NISI_SOURCE_DIR) + "/../shared/data/kato.csv");
  if (!file) GTEST_SKIP() << "no file of the classifier here";
  base::CsvReader csv(&file);
  ASSERT_TRUE(csv.ReadHeader({"kato"}).ok());
  std::vector<PlaceRowIn> rows;
  for (auto more = csv.Next(); more.ok() && *more; more = csv.Next()) {
    PlaceRowIn row;
    row.set_kato(std::string(csv.Get("kato")));
    row.set_level(std::string(csv.Get("level")));
    row.set_type_code(std::string(csv.Get("type_code")));
    row.set_name_ru(std::string(csv.Get("name_ru")));
    row.set_name_kk(std::string(csv.Get("name_kk")));
    rows.push_back(std::move(row));
  }
  ASSERT_EQ(rows.size(), 15594u);
  const auto report = Take("NK RK 11-2025", "2025-01-01", true, rows);
  ASSERT_TRUE(report.ok()) << report.status();
  for (const auto& row : report->rows()) {
    if (row.outcome() != rpc::v1::ImportReport::Row::ENTERED) ADD_FAILURE() << row.DebugString();
  }
  EXPECT_TRUE(report->committed());
  EXPECT_EQ(Resolved("103243134", "2026-01-01").back(), "100000000");
  v1::ListPlacesRequest list;
  list.set_filter("level = REGION");
  list.set_page_size(100);
  const auto regions =
      Do<v1::ListPlacesResponse>(absl::StrCat(kService, "ListPlaces"), public_, list);
  ASSERT_TRUE(regions.ok()) << regions.status();
  EXPECT_EQ(regions->places_size(), 20);
}

TEST_F(PlacesTest, ABodyFilesTheReportsOfItsProjects) {
  const std::string mine = Include();
  clock_.Set(Day("2026-07-03").StartOfDay() + absl::Hours(12));
  v1::ImportReportsRequest::Row row;
  row.set_project(mine);
  row.set_quarter("2026Q2");
  row.set_construction_used("1000.50");
  row.set_own_used("1000.50");
  row.set_readiness("12.5");
  row.set_jobs_fact("7");
  row.set_forecast_commissioning("2027-12-31");
  const std::string name = "ImportReports";
  const auto by = [&](const rpc::Caller& caller, v1::ImportReportsRequest::Row changed) {
    return Send<v1::ImportReportsRequest>(name, caller, {}, {changed});
  };
  const auto stranger = by(CallerOf("akimat", {rpc::v1::AKIMAT}, "", {"75"}), row);
  ASSERT_TRUE(stranger.ok()) << stranger.status();
  EXPECT_EQ(stranger->rows(0).reason(), "PROJECT_UNKNOWN");
  v1::ImportReportsRequest::Row wrong = row;
  wrong.set_own_used("1000.49");
  EXPECT_EQ(by(akimat_, wrong)->rows(0).reason(), "SOURCES_MISMATCH");
  wrong = row;
  wrong.set_quarter("2026Q3");
  EXPECT_EQ(by(akimat_, wrong)->rows(0).reason(), "QUARTER_NOT_ENDED");
  wrong = row;
  wrong.set_readiness("viel");
  EXPECT_EQ(by(akimat_, wrong)->rows(0).outcome(), rpc::v1::ImportReport::Row::INVALID);
  const auto filed = by(akimat_, row);
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_TRUE(filed->committed()) << filed->DebugString();
  EXPECT_EQ(Get(mine).last_report_quarter(), "2026Q2");
  EXPECT_EQ(by(akimat_, row)->rows(0).reason(), "ALREADY_EXISTS");
}

// More may be made than was designed.
TEST_F(PlacesTest, AnImportedLoadMayBeOverTheDesign) {
  const std::string mine = Include();
  ASSERT_TRUE(Commission(mine, akimat_).ok());
  GoTo(Day("2026-07-03"));
  v1::ImportReportsRequest::Row row;
  row.set_project(mine);
  row.set_quarter("2026Q2");
  row.set_readiness("100");
  const auto loaded = [&](const char* load) {
    row.set_capacity_load(load);
    return Send<v1::ImportReportsRequest>("ImportReports", akimat_, {}, {row});
  };
  for (const char* wrong : {"200.01", "-1", "много", "12.345", "99999999999"})
    EXPECT_EQ(loaded(wrong)->rows(0).outcome(), rpc::v1::ImportReport::Row::INVALID) << wrong;
  const auto filed = loaded("120.5");
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_TRUE(filed->committed()) << filed->DebugString();
  EXPECT_EQ(Get(mine).administrative_data().progress().capacity_load_bp(), 12'050);
}

}  // namespace
}  // namespace nisi::industry_map
