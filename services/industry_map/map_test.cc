// The map as a whole: sums against lists, boxes against scans, editions, the watch and the import.
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "absl/strings/str_split.h"
#include "common/base/codes.h"
#include "common/rpc/sample.h"
#include "services/industry_map/box.h"
#include "services/industry_map/service_testing.h"
#include "services/industry_map/tables.h"

namespace nisi::industry_map {
namespace {

using ImportRow = v1::ImportProjectsRequest::Row;
using v1::Project;

constexpr char kOtherOwner[] = "990340000014";

class WholeMapTest : public MapTest {
 protected:
  static ImportRow MakeRow(int number) {
    ImportRow row;
    row.set_row_number(number);
    row.set_earlier_number(absl::StrCat("KI-", number));
    row.set_title_ru(absl::StrCat("Проект ", number));
    row.set_kind("NEW");
    row.set_stage("implemented");
    row.set_kato(kPlace);
    row.set_latitude("53.2148");
    row.set_longitude("63.632101");
    row.set_owner_bin(kOtherOwner);
    row.set_oked("24.10");
    row.set_goods_codes("7202 7203");
    row.set_responsible_body_kind("AKIMAT");
    row.set_responsible_body_bin(kHoldingBin);
    row.set_jobs_operation("100");
    row.set_cost("1250000000.50");
    row.set_construction_planned("2026-01-01");
    row.set_commissioning_planned("2027-12-31");
    return row;
  }
  absl::StatusOr<rpc::v1::ImportReport> Import(const std::vector<ImportRow>& rows,
                                               const std::string& request_id, bool dry_run = false,
                                               int count = -1,
                                               const std::string& act_date = "2021-12-30") {
    std::vector<v1::ImportProjectsRequest> messages(1);
    auto& header = *messages[0].mutable_header();
    header.set_request_id(request_id);
    header.set_dry_run(dry_run);
    header.set_row_count(count < 0 ? static_cast<int>(rows.size()) : count);
    header.set_act_number("1-П");
    *header.mutable_act_date() = Day(act_date).ToProto();
    for (const ImportRow& row : rows) *messages.emplace_back().mutable_rows()->add_rows() = row;
    ASSIGN_OR_RETURN(const std::string bytes, Upload("ImportProjects", authority_, messages));
    rpc::v1::ImportReport report;
    report.ParseFromString(bytes);
    return report;
  }
  std::vector<Project> ListAll(v1::ListProjectsRequest list, const rpc::Caller& caller) {
    std::vector<Project> projects;
    do {
      const auto page = Do<v1::ListProjectsResponse>("ListProjects", caller, list);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      projects.insert(projects.end(), page->projects().begin(), page->projects().end());
      list.set_page_token(page->next_page_token());
    } while (!list.page_token().empty());
    return projects;
  }
  // `reveal` is off unless asked, so that a sum is looked at only where a test means it.
  absl::StatusOr<v1::SummarizeResponse> Summarize(v1::SummarizeRequest request,
                                                  const rpc::Caller& caller, bool reveal = false) {
    request.set_reveal(reveal);
    return Do<v1::SummarizeResponse>("Summarize", caller, request);
  }
};

// A group's fields and its sums, as text.
using Sums = std::map<std::string, std::vector<int64_t>>;

int64_t Tiyn(const google::type::Money& money) {
  return money.units() * 100 + money.nanos() / 10'000'000;
}

std::string GroupOf(const v1::SummarizeRequest& request, const Project& project) {
  std::set<int> dimensions(request.group_by().begin(), request.group_by().end());
  const auto has = [&](v1::SummarizeRequest::Dimension d) { return dimensions.contains(d); };
  return absl::StrCat(
      has(v1::SummarizeRequest::REGION) ? project.region() : request.region(), "|",
      has(v1::SummarizeRequest::SECTOR) ? project.sector() : "", "|",
      has(v1::SummarizeRequest::STAGE) ? static_cast<int>(project.parameters().stage()) : 0, "|",
      has(v1::SummarizeRequest::RESPONSIBLE_BODY) ? project.parameters().responsible_body().bin()
                                                  : "",
      "|", has(v1::SummarizeRequest::COMMISSIONING_YEAR) ? project.commissioning_year() : 0);
}

Sums AddUp(const v1::SummarizeRequest& request, const std::vector<Project>& projects) {
  Sums sums;
  for (const Project& project : projects) {
    if (!request.region().empty() && project.region() != request.region()) continue;
    const v1::Progress& progress = project.administrative_data().progress();
    auto& sum = sums[GroupOf(request, project)];
    sum.resize(7);
    const int64_t add[] = {1,
                           project.parameters().jobs_operation(),
                           project.jobs_fact(),
                           Tiyn(project.administrative_data().terms().cost()),
                           Tiyn(progress.investment_used()),
                           progress.traffic_light() == v1::Progress::RED,
                           progress.traffic_light() == v1::Progress::YELLOW};
    for (size_t i = 0; i < 7; ++i) sum[i] += add[i];
  }
  return sums;
}

Sums Said(const v1::SummarizeResponse& response) {
  Sums sums;
  for (const v1::SummaryRow& row : response.rows()) {
    const v1::SummaryData& data = row.administrative_data();
    sums[absl::StrCat(row.region(), "|", row.sector(), "|", row.stage(), "|", row.body_bin(), "|",
                      row.commissioning_year())] = {
        row.project_count(),          row.jobs_plan(),  row.jobs_fact(),    Tiyn(data.cost()),
        Tiyn(data.investment_used()), data.red_count(), data.yellow_count()};
  }
  return sums;
}

// Random histories: what Summarize says is what ListProjects adds up to, on any day, as known at
// any moment.
TEST_F(WholeMapTest, SumsAreWhatListsAddUpTo) {
  std::mt19937 random(20260615);
  const auto pick = [&random](int n) {
    return static_cast<int>(random() % static_cast<unsigned>(n));
  };
  const char* places[] = {kPlace, kOtherPlace, "711210000"};
  const char* sectors[] = {"24.10", "10.11", "28.30"};
  const char* stages[] = {"IMPLEMENTED", "PLANNED", "PROSPECTIVE"};
  const char* bodies[] = {kHoldingBin, kSectorBin};
  std::vector<ImportRow> rows;
  for (int i = 1; i <= 25; ++i) {
    ImportRow row = MakeRow(i);
    row.set_kato(places[pick(3)]);
    row.set_oked(sectors[pick(3)]);
    row.set_stage(stages[pick(3)]);
    row.set_responsible_body_bin(bodies[pick(2)]);
    row.set_responsible_body_kind("AUTHORITY");
    row.set_cost(absl::StrCat(100'000'000 + pick(1'000'000'000), ".", 10 + pick(90)));
    row.set_jobs_operation(absl::StrCat(pick(1'000)));
    row.set_commissioning_planned(absl::StrCat(2026 + pick(3), "-0", 1 + pick(9), "-01"));
    rows.push_back(row);
  }
  std::vector<absl::Time> moments;
  const auto imported = Import(rows, Uuid(700'000));
  ASSERT_TRUE(imported.ok() && imported->committed()) << imported.status();
  const rpc::Caller akimat = CallerOf("serik@akimat", {rpc::v1::AKIMAT}, "", {"39", "75", "71"});
  int done = 0;
  for (int step = 0; step < 60; ++step) {
    clock_.Advance(absl::Hours(20 + pick(200)));
    ASSERT_TRUE(store().RunDueTimers().ok());
    moments.push_back(clock_.Now());
    const std::string name = absl::StrCat("projects/", 1 + pick(25));
    const Project now = Get(name);
    switch (pick(5)) {
      case 0:
        done += Commission(name, authority_, today().AddDays(-pick(40))).ok();
        break;
      case 1:
        done += Suspend(name, authority_, today().AddDays(-pick(20))).ok();
        break;
      case 2: {
        const auto last =
            base::Quarter::Containing(base::Quarter::Containing(today()).first_day().AddDays(-1));
        done +=
            Submit(name, MakeReport(last.ToString(), 1'000 * (step + 1), 100 * step), authority_)
                .ok();
        break;
      }
      default: {
        v1::ProposeChangeRequest change;
        change.set_parent(name);
        change.set_parameters_etag(now.parameters_etag());
        *change.mutable_parameters() = now.parameters();
        *change.mutable_terms() =
            MakeProject(100'000'000 + pick(700'000'000)).administrative_data().terms();
        change.mutable_parameters()->set_kato(places[pick(3)]);
        change.mutable_parameters()->set_jobs_operation(pick(1'000));
        change.set_justification("Иначе.");
        // Dated back and ahead.
        *change.mutable_effective_from() = today().AddDays(pick(60) - 30).ToProto();
        const auto review = Do<v1::Review>("ProposeChange", owner_, change);
        if (!review.ok()) break;
        ASSERT_TRUE(Start(review->name(), akimat).ok());
        ASSERT_TRUE(Conclude(review->name(), v1::Conclusion::RECOMMEND, akimat).ok());
        if (Review(review->name()).state() != v1::Review::AUTHORITY_REVIEW) break;
        done += Adopt(review->name(), authority_).ok();
        break;
      }
    }
  }
  EXPECT_GT(done, 15);
  for (int question = 0; question < 60; ++question) {
    v1::SummarizeRequest request;
    for (int d = 1; d <= 5; ++d) {
      if (pick(3) == 0) request.add_group_by(static_cast<v1::SummarizeRequest::Dimension>(d));
    }
    if (pick(3) == 0) request.set_region(std::string(places[pick(3)]).substr(0, 2));
    v1::ListProjectsRequest list;
    list.set_filter("on_map = true");
    list.set_page_size(7);
    list.set_reveal(true);
    if (pick(3) != 0) {
      *request.mutable_as_of() = Day("2026-06-10").AddDays(pick(500)).ToProto();
      *list.mutable_as_of() = request.as_of();
    }
    if (pick(3) != 0) {
      request.mutable_known_at()->set_seconds(
          absl::ToUnixSeconds(moments[static_cast<size_t>(pick(60))]));
      *list.mutable_known_at() = request.known_at();
    }
    const auto said = Summarize(request, auditor_, /*reveal=*/true);
    ASSERT_TRUE(said.ok()) << said.status();
    ASSERT_EQ(Said(*said), AddUp(request, ListAll(list, auditor_))) << request.ShortDebugString();
  }
  ExpectSound();
}

TEST_F(WholeMapTest, SumsOfMoneyAreForThoseWhoseDutyNeedsThem) {
  Include();
  const rpc::Caller stranger = CallerOf("s", {rpc::v1::ENTITY}, rpc::SampleBin(5));
  v1::SummarizeRequest all, by_region, of_body;
  by_region.add_group_by(v1::SummarizeRequest::REGION);
  of_body.set_body_bin(kHoldingBin);
  const auto open = Summarize(all, public_);
  ASSERT_TRUE(open.ok()) << open.status();
  ASSERT_EQ(open->rows_size(), 1);
  EXPECT_EQ(open->rows(0).project_count(), 1);
  EXPECT_EQ(open->rows(0).jobs_plan(), 400);
  const auto sees = [&](const v1::SummarizeRequest& request, const rpc::Caller& caller,
                        bool reveal = true) {
    const v1::SummaryRow row = Summarize(request, caller, reveal)->rows(0);
    EXPECT_EQ(row.has_administrative_data(), !row.has_withheld());
    return row.has_administrative_data();
  };
  EXPECT_FALSE(sees(all, public_));
  EXPECT_TRUE(sees(all, authority_));
  EXPECT_FALSE(sees(all, authority_, /*reveal=*/false));
  EXPECT_FALSE(sees(all, akimat_));
  EXPECT_FALSE(sees(all, holding_));
  EXPECT_TRUE(sees(by_region, akimat_));
  EXPECT_FALSE(sees(by_region, other_akimat_));
  EXPECT_TRUE(sees(of_body, holding_));
  EXPECT_FALSE(sees(of_body, sector_));
  // All of it is one company's: it sees its own sums.
  EXPECT_TRUE(sees(all, owner_, /*reveal=*/false));
  EXPECT_FALSE(sees(all, stranger));
}

// A sum over the projects of one owner says what its projects say.
TEST_F(WholeMapTest, ALookAtTheSumOfOneOwnerIsRecordedForIt) {
  Include();
  Include();
  v1::SummarizeRequest by_region;
  by_region.add_group_by(v1::SummarizeRequest::REGION);
  const auto looks = [&](const std::string& owner) {
    std::vector<std::string> records;
    const absl::Status read = store().Read().Scan(
        rpc::kAccesses, {store::Key::Of(owner), ""}, {},
        [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<disclosure::v1::AccessRow>(row));
          for (const auto& record : stored.row.access().records()) records.push_back(record);
          return true;
        });
    EXPECT_TRUE(read.ok()) << read;
    return records;
  };
  EXPECT_EQ(Summarize(by_region, authority_, /*reveal=*/true)->rows(0).owner_bin(), kOwnerBin);
  EXPECT_THAT(looks(kOwnerBin), ::testing::ElementsAre("summary/region/39"));
  ImportRow other = MakeRow(1);
  other.set_owner_bin(rpc::SampleBin(5));
  ASSERT_TRUE(Import({other}, Uuid(1))->committed());
  const auto mixed = Summarize(by_region, authority_, /*reveal=*/true);
  EXPECT_EQ(mixed->rows(0).project_count(), 3);
  EXPECT_EQ(mixed->rows(0).owner_bin(), "");
  // It is nobody's alone; neither owner sees it.
  EXPECT_FALSE(Summarize(by_region, owner_, /*reveal=*/true)->rows(0).has_administrative_data());
  EXPECT_THAT(looks(kOwnerBin), ::testing::SizeIs(1));
  EXPECT_THAT(looks(""), ::testing::ElementsAre("summary/region/39"));
}

v1::Box MakeBox(int32_t south, int32_t west, int32_t north, int32_t east) {
  v1::Box box;
  box.set_south_millionths(south);
  box.set_west_millionths(west);
  box.set_north_millionths(north);
  box.set_east_millionths(east);
  return box;
}

TEST_F(WholeMapTest, ABoxHoldsWhatAScanFindsInIt) {
  std::mt19937 random(7);
  const auto between = [&random](int32_t low, int32_t high) {
    return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low));
  };
  std::vector<ImportRow> rows;
  for (int i = 1; i <= 120; ++i) {
    ImportRow row = MakeRow(i);
    if (i % 10 == 0) {
      row.clear_latitude();
      row.clear_longitude();
    } else {
      row.set_latitude(absl::StrFormat("%.6f", between(41'000'000, 55'000'000) / 1e6));
      row.set_longitude(absl::StrFormat("%.6f", between(47'000'000, 87'000'000) / 1e6));
    }
    rows.push_back(row);
  }
  ASSERT_TRUE(Import(rows, Uuid(700'001))->committed());
  const std::vector<Project> all = ListAll({}, public_);
  ASSERT_EQ(all.size(), 120U);
  int found_in_all = 0;
  for (int i = 0; i < 60; ++i) {
    const int32_t south = between(40'000'000, 54'000'000);
    const int32_t west = between(46'000'000, 86'000'000);
    const v1::Box box =
        MakeBox(south, west, south + between(1, 8'000'000), west + between(1, 20'000'000));
    std::set<std::string> expected, found;
    for (const Project& project : all) {
      if (project.parameters().has_point() && Holds(box, project.parameters().point()))
        expected.insert(project.name());
    }
    v1::ListInBoxRequest list;
    *list.mutable_box() = box;
    list.set_page_size(5);
    do {
      const auto page = Do<v1::ListInBoxResponse>("ListInBox", public_, list);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const Project& project : page->projects())
        EXPECT_TRUE(found.insert(project.name()).second) << project.name();
      list.set_page_token(page->next_page_token());
    } while (!list.page_token().empty());
    EXPECT_EQ(found, expected) << box.ShortDebugString();
    found_in_all += static_cast<int>(found.size());
  }
  EXPECT_GT(found_in_all, 100);
  v1::ListInBoxRequest wrong;
  *wrong.mutable_box() = MakeBox(2, 1, 1, 2);
  EXPECT_EQ(base::ReasonOf(Do<v1::ListInBoxResponse>("ListInBox", public_, wrong).status()),
            "BOX_INVALID");
}

TEST(CoverTest, HoldsEveryCellOfTheBoxInFewPrefixesApart) {
  std::mt19937 random(11);
  const auto between = [&random](int32_t low, int32_t high) {
    return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low));
  };
  for (int i = 0; i < 300; ++i) {
    const int32_t south = between(-90'000'000, 89'000'000);
    const int32_t west = between(-180'000'000, 179'000'000);
    const v1::Box box =
        MakeBox(south, west, between(south, 90'000'000), between(west, 180'000'000));
    const std::vector<std::string> quads = Cover(box);
    ASSERT_LE(quads.size(), 50U);
    for (size_t q = 1; q < quads.size(); ++q) {
      EXPECT_LT(quads[q - 1], quads[q]);
      EXPECT_FALSE(quads[q].starts_with(quads[q - 1]));
    }
    for (int p = 0; p < 20; ++p) {
      v1::Point point;
      point.set_latitude_millionths(between(south, box.north_millionths() + 1));
      point.set_longitude_millionths(between(west, box.east_millionths() + 1));
      const std::string cell = QuadKey(point);
      EXPECT_TRUE(std::any_of(quads.begin(), quads.end(), [&](const std::string& quad) {
        return cell.starts_with(quad);
      })) << cell;
    }
  }
  EXPECT_EQ(Cover(MakeBox(-90'000'000, -180'000'000, 90'000'000, 180'000'000)),
            std::vector<std::string>{""});
}

TEST_F(WholeMapTest, AnEditionIsTheMapAsItWasExamined) {
  const std::string name = Include();
  const auto examined = Summarize({}, authority_);
  ASSERT_TRUE(examined.ok()) << examined.status();
  v1::ApproveMapEditionRequest approve;
  approve.mutable_edition()->set_order_number("12");
  *approve.mutable_edition()->mutable_order_date() = today().ToProto();
  approve.mutable_edition()->set_position(examined->position());
  GoTo(Day("2026-06-20"));
  Include();
  ASSERT_TRUE(Suspend(name, authority_).ok());
  auto early = approve;
  early.mutable_edition()->set_position(position() + 100);
  EXPECT_EQ(base::ReasonOf(Do<v1::MapEdition>("ApproveMapEdition", authority_, early).status()),
            "POSITION_INVALID");
  early.mutable_edition()->set_position(1);
  EXPECT_EQ(base::ReasonOf(Do<v1::MapEdition>("ApproveMapEdition", authority_, early).status()),
            "MAP_EMPTY");
  auto future = approve;
  *future.mutable_edition()->mutable_order_date() = Day("2026-06-21").ToProto();
  const absl::Status ahead = Do<v1::MapEdition>("ApproveMapEdition", authority_, future).status();
  EXPECT_EQ(base::ReasonOf(ahead), "ACT_DATE_INVALID");
  EXPECT_EQ(SubjectOf(ahead), "edition.order_date");
  // No order approves a map of a later day.
  auto before = approve;
  *before.mutable_edition()->mutable_order_date() = Day("2026-06-14").ToProto();
  EXPECT_EQ(base::ReasonOf(Do<v1::MapEdition>("ApproveMapEdition", authority_, before).status()),
            "ACT_DATE_INVALID");
  const auto edition = Do<v1::MapEdition>("ApproveMapEdition", authority_, approve);
  ASSERT_TRUE(edition.ok()) << edition.status();
  EXPECT_EQ(edition->name(), "editions/1");
  EXPECT_EQ(edition->project_count(), 1);
  EXPECT_EQ(edition->tree_root().size(), 32U);
  EXPECT_EQ(base::ReasonOf(Do<v1::MapEdition>("ApproveMapEdition", authority_, approve).status()),
            "POSITION_INVALID");
  v1::ListProjectsRequest list;
  list.set_edition("editions/1");
  const auto projects = ListAll(list, public_);
  ASSERT_EQ(projects.size(), 1U);
  EXPECT_EQ(projects[0].state(), Project::INCLUDED);
  v1::GetMapEditionRequest get;
  get.set_name("editions/1");
  *get.mutable_as_of() = Day("2026-06-14").ToProto();  // before the order
  EXPECT_EQ(base::ReasonOf(Do<v1::MapEdition>("GetMapEdition", auditor_, get).status()),
            "NOT_FOUND");
  v1::ListMapEditionsRequest of_then;
  *of_then.mutable_as_of() = get.as_of();
  EXPECT_EQ(Do<v1::ListMapEditionsResponse>("ListMapEditions", public_, of_then)->editions_size(),
            0);
  get.clear_as_of();
  get.mutable_known_at()->set_seconds(absl::ToUnixSeconds(Day("2026-06-20").StartOfDay()));
  EXPECT_EQ(base::ReasonOf(Do<v1::MapEdition>("GetMapEdition", auditor_, get).status()),
            "NOT_FOUND");
  get.clear_known_at();
  EXPECT_EQ(Do<v1::MapEdition>("GetMapEdition", public_, get)->order_number(), "12");
  EXPECT_EQ(
      Do<v1::ListMapEditionsResponse>("ListMapEditions", public_, v1::ListMapEditionsRequest())
          ->editions_size(),
      1);
  v1::ReplayDecisionRequest replay;
  replay.set_name("editions/1");
  EXPECT_TRUE(Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay)->same());
}

TEST_F(WholeMapTest, TheWatchShowsAProjectFromWhenItIsInSight) {
  const std::string name = Include();
  const auto states = [&](const rpc::Caller& caller, const std::string& region) {
    v1::WatchProjectsRequest watch;
    watch.set_start_position(1);
    watch.set_region(region);
    auto source = Stream("WatchProjects", caller, watch);
    EXPECT_TRUE(source.ok()) << source.status();
    (*source)->OnStart([] {});
    std::vector<Project::State> seen;
    std::string bytes;
    while (*(*source)->Pull(&bytes) == rpc::MessageSource::State::kMessage) {
      v1::WatchProjectsResponse response;
      EXPECT_TRUE(response.ParseFromString(bytes));
      for (const auto& change : response.changes()) {
        seen.push_back(change.project().state());
        EXPECT_FALSE(change.project().has_administrative_data());
      }
      if (response.position() >= position()) break;
    }
    return seen;
  };
  EXPECT_EQ(states(public_, ""), (std::vector<Project::State>{Project::INCLUDED}));
  EXPECT_EQ(states(public_, "75"), std::vector<Project::State>{});
  EXPECT_EQ(states(owner_, "").size(), 5U);
  EXPECT_EQ(states(owner_, "").front(), Project::DRAFT);
  EXPECT_EQ(states(other_akimat_, "").size(), 1U);
}

TEST_F(WholeMapTest, AnImportEntersWholeOrNotAtAll) {
  std::vector<ImportRow> rows{MakeRow(1), MakeRow(2), MakeRow(3)};
  rows[1].set_commissioned_on("2023-05-01");
  rows[2].set_commissioned_on("2022-05-01");
  rows[2].set_at_capacity_on("2023-05-01");
  const auto dry = Import(rows, Uuid(1), true);
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_EQ(dry->entered_count(), 3);
  EXPECT_FALSE(dry->committed());
  EXPECT_EQ(position(), 0);

  auto wrong = rows;
  wrong[0].set_cost("сто");
  wrong[1].set_kind("OLD");
  wrong[2].set_latitude("12.5");
  const auto invalid = Import(wrong, Uuid(2));
  ASSERT_TRUE(invalid.ok()) << invalid.status();
  EXPECT_EQ(invalid->invalid_count(), 3);
  EXPECT_FALSE(invalid->committed());
  EXPECT_EQ(position(), 0);
  EXPECT_EQ(base::ReasonOf(Import(rows, Uuid(2), false, 4).status()), "IMPORT_ROW_COUNT");
  const absl::Status ahead = Import(rows, Uuid(2), false, -1, "2199-01-01").status();
  EXPECT_EQ(base::ReasonOf(ahead), "ACT_DATE_INVALID");
  EXPECT_EQ(SubjectOf(ahead), "header.act_date");

  const auto entered = Import(rows, Uuid(2));
  ASSERT_TRUE(entered.ok()) << entered.status();
  EXPECT_TRUE(entered->committed());
  const int64_t after = position();
  // The upload whose answer was lost.
  const auto resumed = Import(rows, Uuid(2));
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->SerializeAsString(), entered->SerializeAsString());
  EXPECT_EQ(position(), after);
  EXPECT_EQ(Get("projects/1").state(), Project::INCLUDED);
  EXPECT_EQ(Get("projects/2").state(), Project::COMMISSIONED);
  EXPECT_EQ(Get("projects/3").state(), Project::AT_CAPACITY);
  EXPECT_EQ(Get("projects/1").administrative_data().terms().cost().nanos(), 500'000'000);
  const auto twice = Import({MakeRow(4), MakeRow(1), MakeRow(4)}, Uuid(3));
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_EQ(twice->rows(1).reason(), "ALREADY_IMPORTED");
  EXPECT_EQ(twice->rows(2).reason(), "ALREADY_IMPORTED");
  EXPECT_FALSE(twice->committed());
  GoTo(Day("2026-07-11"));
  v1::ListOverdueReportsRequest overdue;
  EXPECT_EQ(Do<v1::ListOverdueReportsResponse>("ListOverdueReports", authority_, overdue)
                ->deadlines_size(),
            3);
}

TEST_F(WholeMapTest, AListByItsIndexIsInTheOrderOfThatUnlessAskedFor) {
  std::vector<ImportRow> rows{MakeRow(1), MakeRow(2), MakeRow(3)};
  rows[0].set_kato("396430100");
  rows[0].set_oked("24.20");
  const auto imported = Import(rows, Uuid(700'009));
  ASSERT_TRUE(imported.ok() && imported->committed()) << imported.status();
  const auto names = [&](const std::string& filter, const std::string& order) {
    v1::ListProjectsRequest list;
    list.set_page_size(2);
    list.set_filter(filter);
    list.set_order_by(order);
    std::string all;
    for (const Project& project : ListAll(list, public_)) all += project.name().back();
    return all;
  };
  EXPECT_EQ(names("", ""), "123");
  EXPECT_EQ(names(absl::StrCat("parameters.owner_bin = \"", kOtherOwner, "\""), ""), "123");
  for (const char* filter : {"region = \"39\"", "sector = \"24\""}) {
    EXPECT_EQ(names(filter, ""), "231") << filter;
    EXPECT_EQ(names(filter, "name"), "123") << filter;
  }
}

// The map of a day before this register is what it was then, and reports of then are judged by it.
TEST_F(WholeMapTest, AnImportedProjectIsOnEachDayWhatItWasThen) {
  std::vector<ImportRow> rows{MakeRow(1), MakeRow(2), MakeRow(3)};
  rows[1].set_commissioned_on("2022-05-10");
  rows[1].set_at_capacity_on("2023-05-01");
  rows[2].set_commissioned_on("2020-05-01");
  rows[2].set_at_capacity_on("2022-05-10");
  const auto imported = Import(rows, Uuid(700'003));
  ASSERT_TRUE(imported.ok() && imported->committed()) << imported.status();
  const auto on = [&](const char* day) {
    v1::ListProjectsRequest list;
    *list.mutable_as_of() = Day(day).ToProto();
    std::vector<Project::State> states;
    for (const Project& project : ListAll(list, public_)) states.push_back(project.state());
    return states;
  };
  using States = std::vector<Project::State>;
  EXPECT_EQ(on("2021-12-29"), States{});
  EXPECT_EQ(on("2021-12-30"),
            (States{Project::INCLUDED, Project::INCLUDED, Project::COMMISSIONED}));
  EXPECT_EQ(on("2022-05-09"),
            (States{Project::INCLUDED, Project::INCLUDED, Project::COMMISSIONED}));
  EXPECT_EQ(on("2022-05-10"),
            (States{Project::INCLUDED, Project::COMMISSIONED, Project::AT_CAPACITY}));
  EXPECT_EQ(on("2023-05-01"),
            (States{Project::INCLUDED, Project::AT_CAPACITY, Project::AT_CAPACITY}));
  EXPECT_EQ(on("2026-06-15"), on("2023-05-01"));
  v1::GetProjectRequest get;
  get.set_name("projects/2");
  *get.mutable_as_of() = Day("2022-05-09").ToProto();
  EXPECT_EQ(Do<Project>("GetProject", public_, get)->milestone_facts_size(), 0);

  EXPECT_EQ(
      base::ReasonOf(Submit("projects/2", MakeReport("2022Q1", 1, 9'000, 5'000), akimat_).status()),
      "LOAD_BEFORE_COMMISSIONING");
  for (const auto& [quarter, load] : {std::pair("2022Q1", 0), std::pair("2022Q2", 5'000)}) {
    const auto report = Submit("projects/2", MakeReport(quarter, 1, 9'000, load), akimat_);
    EXPECT_TRUE(report.ok()) << report.status();
  }
  EXPECT_TRUE(Submit("projects/3", MakeReport("2022Q1", 1, 9'000, 5'000), akimat_).ok());
  ExpectSound();
}

// It came without financing, capacities and criteria, and can be changed all the same.
TEST_F(WholeMapTest, AnImportedProjectCanBeChanged) {
  ASSERT_TRUE(Import({MakeRow(1)}, Uuid(700'004))->committed());
  auto change = ChangeOf("projects/1");
  change.mutable_parameters()->set_zone("СЭЗ Кызылжар");
  *change.mutable_effective_from() = Day("2023-01-01").ToProto();
  AdoptProposal(change);
  EXPECT_EQ(Get("projects/1").parameters().zone(), "СЭЗ Кызылжар");
  auto incomplete = ChangeOf("projects/1");
  incomplete.mutable_parameters()->clear_goods_codes();
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ProposeChange", owner_, incomplete).status()),
            "PROJECT_INCOMPLETE");
}

// The position is for ApproveMapEdition, so it is given with what was summed at it alone.
TEST_F(WholeMapTest, SumsAsKnownBeforeNameNoPosition) {
  Include();
  v1::SummarizeRequest then;
  then.mutable_known_at()->set_seconds(absl::ToUnixSeconds(clock_.Now()) + 60);
  GoTo(Day("2026-06-20"));
  Include();
  const auto before = Summarize(then, authority_);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->rows(0).project_count(), 1);
  EXPECT_EQ(before->position(), 0);
  EXPECT_EQ(before->known_at().SerializeAsString(), then.known_at().SerializeAsString());
  const auto now = Summarize({}, authority_);
  EXPECT_EQ(now->rows(0).project_count(), 2);
  EXPECT_EQ(now->position(), position());
}

TEST_F(WholeMapTest, ListsUseTheirOrderAndFilters) {
  std::vector<ImportRow> rows{MakeRow(1), MakeRow(2), MakeRow(3)};
  rows[0].set_commissioning_planned("2029-01-01");
  rows[1].clear_commissioning_planned();
  rows[2].set_commissioning_planned("2028-01-01");
  rows[2].set_kato(kOtherPlace);
  ASSERT_TRUE(Import(rows, Uuid(9))->committed());
  const auto names = [&](const std::string& filter, const std::string& order) {
    v1::ListProjectsRequest list;
    list.set_filter(filter);
    list.set_order_by(order);
    list.set_page_size(2);
    std::vector<std::string> found;
    for (const Project& project : ListAll(list, public_)) found.push_back(project.name());
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names("", "commissioning_date"), (Names{"projects/3", "projects/1", "projects/2"}));
  EXPECT_EQ(names("region = \"75\"", ""), Names{"projects/3"});
  EXPECT_EQ(names("parameters.goods_codes:\"7203\"", "").size(), 3U);
  EXPECT_EQ(names("sector = \"24\" AND state = INCLUDED", "").size(), 3U);
  EXPECT_EQ(names(absl::StrCat("bodies:\"", kHoldingBin, "\""), "").size(), 3U);
  v1::ListProjectsRequest closed;
  closed.set_filter("administrative_data.terms.cost > 1");
  EXPECT_EQ(base::ReasonOf(Do<v1::ListProjectsResponse>("ListProjects", public_, closed).status()),
            "FILTER_CONFIDENTIAL");
}

// By hand, with --gtest_also_run_disabled_tests: what a map of 100,000 projects costs.
TEST_F(WholeMapTest, DISABLED_AHundredThousandProjects) {
  std::mt19937 random(5);
  const auto& regions = base::KatoRegions();
  const auto say = [](const char* what, absl::Time since) {
    std::cout << what << ": " << absl::FormatDuration(absl::Now() - since) << std::endl;
  };
  absl::Time start = absl::Now();
  for (int part = 0; part < 5; ++part) {
    std::vector<ImportRow> rows;
    for (int i = 1; i <= 20'000; ++i) {
      ImportRow row = MakeRow(part * 20'000 + i);
      row.set_kato(absl::StrCat(regions[random() % regions.size()].prefix, "1010000"));
      row.set_oked(absl::StrFormat("%02d.10", 1 + random() % 60));
      row.set_latitude(absl::StrFormat("%.6f", 41 + static_cast<double>(random() % 14'000) / 1e3));
      row.set_longitude(absl::StrFormat("%.6f", 47 + static_cast<double>(random() % 40'000) / 1e3));
      row.set_commissioning_planned(absl::StrCat(2026 + random() % 6, "-12-31"));
      rows.push_back(row);
    }
    const auto report = Import(rows, Uuid(800'000 + part));
    ASSERT_TRUE(report.ok() && report->committed()) << report.status();
  }
  say("import of 100,000", start);
  const auto ask = [&](const char* what, std::initializer_list<int> dimensions) {
    v1::SummarizeRequest request;
    for (const int d : dimensions)
      request.add_group_by(static_cast<v1::SummarizeRequest::Dimension>(d));
    const absl::Time began = absl::Now();
    int rows = 0;
    for (int n = 0; n < 10; ++n) rows = Summarize(request, authority_)->rows_size();
    say(absl::StrCat("10 times ", what, ", ", rows, " groups").c_str(), began);
  };
  ask("all", {});
  ask("by region", {1});
  ask("by region and sector", {1, 2});
  ask("by sector and year", {2, 5});
  ask("by region, sector and year", {1, 2, 5});
  start = absl::Now();
  for (int n = 0; n < 10; ++n) {
    v1::ListInBoxRequest list;
    *list.mutable_box() = MakeBox(50'000'000, 60'000'000 + n, 52'000'000, 65'000'000);
    ASSERT_TRUE(Do<v1::ListInBoxResponse>("ListInBox", public_, list).ok());
  }
  say("10 boxes, a page each", start);
  start = absl::Now();
  GoTo(Day("2026-07-01"));
  say("duties of a quarter opened", start);
  start = absl::Now();
  GoTo(Day("2026-07-11"));
  say("all of them overdue at one midnight", start);
}

// The projects that were announced for 2021, where the file with them is at hand.
TEST_F(WholeMapTest, TakesInTheProjectsOf2021) {
  std::ifstream file(std::string(NISI_SOURCE_DIR) + "/../shared/data/projects_2021.csv");
  if (!file.good()) GTEST_SKIP() << "the file is not here";
  std::vector<ImportRow> rows;
  std::string line;
  std::getline(file, line);
  const std::map<std::string, std::string> katos{{"Zhairem", "621610000"},
                                                 {"Petropavl", "591010000"},
                                                 {"Shymkent", "791010000"},
                                                 {"Kostanay region", "391010000"}};
  int64_t jobs = 0;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    ASSERT_GE(cells.size(), 4U) << line;
    ImportRow row = MakeRow(static_cast<int>(rows.size()) + 1);
    row.clear_title_ru();
    row.set_title_en(cells[0]);
    row.set_title_ru(cells[0]);
    const auto cost = base::Money::Parse(cells[1]);
    ASSERT_TRUE(cost.ok()) << line;
    row.set_cost(absl::StrCat(cost->tiyn() * (kBillion / 100)));
    row.set_jobs_operation(cells[2]);
    jobs += std::stoll(cells[2]);
    const auto kato = katos.find(cells[3]);
    row.set_kato(kato == katos.end() ? "351010000" : kato->second);
    rows.push_back(row);
  }
  ASSERT_EQ(rows.size(), 6U);
  const auto report = Import(rows, Uuid(2021));
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->committed()) << report->ShortDebugString();
  const auto sum = Summarize({}, authority_, /*reveal=*/true);
  ASSERT_EQ(sum->rows_size(), 1);
  EXPECT_EQ(sum->rows(0).project_count(), 6);
  EXPECT_EQ(sum->rows(0).jobs_plan(), jobs);
  EXPECT_EQ(sum->rows(0).administrative_data().cost().units(), 622 * kBillion);
}

}  // namespace
}  // namespace nisi::industry_map
