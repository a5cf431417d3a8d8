// Asking the list: CheckGoods, List, Search, Diff, Export.
#include <algorithm>
#include <map>
#include <optional>

#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::CheckGoodsResponse;

class QueryTest : public PriorityGoodsTest {
 protected:
  CheckGoodsResponse Check(const std::vector<std::string>& codes, const std::string& day = "") {
    v1::CheckGoodsRequest request;
    for (const std::string& code : codes) request.add_codes(code);
    if (!day.empty()) *request.mutable_on_date() = Day(day).ToProto();
    const auto bytes = CallRaw("CheckGoods", public_, request);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    CheckGoodsResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes.value_or("")));
    // Written by hand, and as protobuf would: what passes them on as JSON reads them as they come.
    EXPECT_EQ(response.SerializeAsString(), bytes.value_or(""));
    return response;
  }
  // The editions that the caller is shown for a day, by name; each read by itself is the same.
  std::map<std::string, v1::Edition> EditionsOn(const rpc::Caller& caller, const std::string& day,
                                                std::optional<int64_t> known_at = std::nullopt) {
    v1::ListEditionsRequest list;
    v1::GetEditionRequest get;
    *list.mutable_as_of() = *get.mutable_as_of() = Day(day).ToProto();
    if (known_at.has_value()) {
      list.mutable_known_at()->set_seconds(*known_at);
      get.mutable_known_at()->set_seconds(*known_at);
    }
    const auto listed = Do<v1::ListEditionsResponse>("ListEditions", caller, list);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::map<std::string, v1::Edition> editions;
    if (!listed.ok()) return editions;
    for (const v1::Edition& edition : listed->editions()) {
      get.set_name(edition.name());
      const auto one = Do<v1::Edition>("GetEdition", caller, get);
      EXPECT_TRUE(one.ok()) << one.status();
      if (one.ok()) {
        EXPECT_EQ(one->SerializeAsString(), edition.SerializeAsString()) << day;
      }
      editions[edition.name()] = edition;
    }
    return editions;
  }
  template <class Response>
  static std::vector<std::string> Codes(const Response& response) {
    std::vector<std::string> codes;
    for (const v1::Entry& entry : response.entries()) codes.push_back(entry.goods_code());
    return codes;
  }
  std::vector<std::string> List(v1::ListEntriesRequest request) {
    const auto response = Do<v1::ListEntriesResponse>("ListEntries", auditor_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? Codes(*response) : std::vector<std::string>{"failed"};
  }
  std::vector<std::string> Filtered(const std::string& parent, const std::string& filter) {
    v1::ListEntriesRequest request;
    request.set_parent(parent);
    request.set_filter(filter);
    return List(request);
  }
};

TEST_F(QueryTest, AnswersForTheEditionInForceThatDay) {
  const std::string first = Publish(Day("2026-06-15"), {MakeEntry("850423")});
  const std::string second =
      Publish(Day("2026-07-01"), {MakeEntry("8703", "vehicles", v1::MEDIUM)});
  GoTo(Day("2026-07-10"));

  const auto before = Check({"850423"}, "2026-06-14");
  EXPECT_EQ(before.results(0).verdict(), CheckGoodsResponse::NOT_LISTED);
  EXPECT_EQ(before.results(0).reason(), "NO_EDITION_IN_FORCE");
  EXPECT_EQ(before.edition(), "");
  EXPECT_EQ(before.legal_basis().article(), "Art. 26(1)");
  for (const char* day : {"2026-06-15", "2026-06-30"}) {
    const auto then = Check({"850423", "8703"}, day);
    EXPECT_EQ(then.edition(), first);
    EXPECT_EQ(then.results(0).verdict(), CheckGoodsResponse::LISTED) << day;
    EXPECT_EQ(then.results(1).reason(), "NOT_ON_LIST") << day;
    EXPECT_EQ(base::Date::FromProto(then.on_date())->ToString(), day);
  }
  const auto now = Check({"850423", "8703"});
  EXPECT_EQ(now.edition(), second);
  EXPECT_EQ(now.order_number(), "217-НҚ");
  EXPECT_EQ(base::Date::FromProto(now.on_date())->ToString(), "2026-07-10");
  EXPECT_EQ(base::Date::FromProto(now.effective_from())->ToString(), "2026-07-01");
  EXPECT_EQ(now.results(0).verdict(), CheckGoodsResponse::NOT_LISTED);
  EXPECT_EQ(now.results(1).entry(), second + "/entries/8703");
  EXPECT_EQ(now.results(1).processing_level(), v1::MEDIUM);
  EXPECT_EQ(now.results(1).sector(), "vehicles");
  EXPECT_GT(now.results(1).entry_position(), 0);
  EXPECT_GT(now.edition_position(), now.results(1).entry_position());

  const std::string same = Check({"850423", "8703"}, "2026-06-20").SerializeAsString();
  Reopen();
  EXPECT_EQ(Check({"850423", "8703"}, "2026-06-20").SerializeAsString(), same);
}

TEST_F(QueryTest, AnAbsentEditionIsNotFoundForThoseWhoMaySeeDraftsAndDeniedToOthers) {
  v1::ListEntriesRequest list;
  list.set_parent("editions/99");
  v1::SearchEntriesRequest search;
  search.set_parent("editions/99");
  v1::WatchEntriesRequest watch;
  watch.set_parent("editions/99");
  for (const auto& [caller, code] : {std::pair{auditor_, absl::StatusCode::kNotFound},
                                     {public_, absl::StatusCode::kPermissionDenied}}) {
    EXPECT_EQ(Do<v1::ListEntriesResponse>("ListEntries", caller, list).status().code(), code);
    EXPECT_EQ(Do<v1::SearchEntriesResponse>("SearchEntries", caller, search).status().code(), code);
    EXPECT_EQ(Stream("WatchEntries", caller, watch).status().code(), code);
  }
}

TEST_F(QueryTest, MidnightTurnsTheAnswer) {
  Publish(Day("2026-07-01"), {MakeEntry("0101")});
  clock_.Set(Day("2026-07-01").StartOfDay() - absl::Microseconds(1));
  EXPECT_EQ(Check({"0101"}).results(0).reason(), "NO_EDITION_IN_FORCE");
  EXPECT_EQ(Check({"0101"}, "2026-07-01").results(0).verdict(), CheckGoodsResponse::LISTED);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Check({"0101"}).results(0).verdict(), CheckGoodsResponse::LISTED);
}

TEST_F(QueryTest, AnEditionStandsOnAComingDayAsItWillThen) {
  using v1::Edition;
  const std::string first = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  const std::string second = Publish(Day("2026-07-01"), {MakeEntry("0102")});
  const std::string third = Publish(Day("2026-08-01"), {MakeEntry("0103")});
  const std::string draft = CreateDraft({MakeEntry("0104")});
  struct {
    const char* day;
    Edition::State first, second, third;
  } const cases[] = {
      {"2026-06-15", Edition::IN_FORCE, Edition::APPROVED, Edition::APPROVED},
      {"2026-06-30", Edition::IN_FORCE, Edition::APPROVED, Edition::APPROVED},
      {"2026-07-01", Edition::SUPERSEDED, Edition::IN_FORCE, Edition::APPROVED},
      {"2026-07-31", Edition::SUPERSEDED, Edition::IN_FORCE, Edition::APPROVED},
      {"2026-08-01", Edition::SUPERSEDED, Edition::SUPERSEDED, Edition::IN_FORCE},
      {"2099-01-01", Edition::SUPERSEDED, Edition::SUPERSEDED, Edition::IN_FORCE},
  };
  // The answer for a day is the same before it and after it.
  for (const char* today : {"2026-06-16", "2026-07-01", "2026-08-02"}) {
    GoTo(Day(today));
    for (const auto& c : cases) {
      SCOPED_TRACE(absl::StrCat(c.day, " asked on ", today));
      auto seen = EditionsOn(public_, c.day);
      EXPECT_EQ(seen.size(), 3u);
      EXPECT_EQ(seen[first].state(), c.first);
      EXPECT_EQ(seen[second].state(), c.second);
      EXPECT_EQ(seen[third].state(), c.third);
      EXPECT_EQ(seen[Check({"0101"}, c.day).edition()].state(), Edition::IN_FORCE);
      EXPECT_EQ(seen[first].has_effective_until(), c.first == Edition::SUPERSEDED);
      EXPECT_EQ(seen[second].has_effective_until(), c.second == Edition::SUPERSEDED);
      EXPECT_FALSE(seen[third].has_effective_until());
    }
  }
  auto insider = EditionsOn(auditor_, "2026-09-01");
  EXPECT_EQ(insider[draft].state(), Edition::DRAFT);
  EXPECT_EQ(base::Date::FromProto(insider[second].effective_until())->ToString(), "2026-08-01");
}

TEST_F(QueryTest, AComingDayIsToldByWhatWasKnown) {
  using v1::Edition;
  const std::string first = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  const std::string second = Publish(Day("2026-07-01"), {MakeEntry("0102")});
  const std::string third = Publish(Day("2026-08-01"), {MakeEntry("0103")});
  clock_.Advance(absl::Hours(1));
  const int64_t known = absl::ToUnixSeconds(clock_.Now());
  clock_.Advance(absl::Hours(1));
  v1::ListEditionsRequest list;
  *list.mutable_as_of() = Day("2026-08-01").ToProto();
  list.set_filter("state = SUPERSEDED");  // the state shown, not the one stored today
  list.set_page_size(1);
  auto page = Do<v1::ListEditionsResponse>("ListEditions", public_, list);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->editions_size(), 1);
  EXPECT_EQ(page->editions(0).name(), first);

  v1::WithdrawEditionRequest withdraw;
  withdraw.set_name(third);
  withdraw.set_reason("Приказ отменён.");
  ASSERT_TRUE(Do<Edition>("WithdrawEdition", authority_, withdraw).ok());
  list.set_page_token(page->next_page_token());
  page = Do<v1::ListEditionsResponse>("ListEditions", public_, list);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->editions_size(), 1);  // the state of the first page
  EXPECT_EQ(page->editions(0).name(), second);
  EXPECT_EQ(page->next_page_token(), "");  // what follows is not SUPERSEDED

  auto now = EditionsOn(auditor_, "2026-08-01");
  EXPECT_EQ(now[second].state(), Edition::IN_FORCE);
  EXPECT_EQ(now[third].state(), Edition::WITHDRAWN);
  auto then = EditionsOn(auditor_, "2026-08-01", known);
  EXPECT_EQ(then[second].state(), Edition::SUPERSEDED);
  EXPECT_EQ(then[third].state(), Edition::IN_FORCE);
  EXPECT_EQ(EditionsOn(public_, "2026-08-01", known).count(third), 0u);  // withdrawn since
  v1::ListEditionsRequest stored;
  stored.mutable_known_at()->set_seconds(known);
  EXPECT_EQ(Do<v1::ListEditionsResponse>("ListEditions", public_, stored)->editions_size(), 2);
  list.clear_page_token();
  list.set_filter("state = ");
  EXPECT_EQ(base::ReasonOf(Do<v1::ListEditionsResponse>("ListEditions", public_, list).status()),
            "FILTER_INVALID");
}

TEST_F(QueryTest, TheLongestCoveringEntryAnswers) {
  const std::string edition = Publish(
      Day("2026-06-15"),
      {MakeEntry("0101"), MakeEntry("850423"), MakeEntry("8708299000"), MakeEntry("8708299001")});
  struct {
    const char* code;
    CheckGoodsResponse::Verdict verdict;
    const char* entry;
  } const cases[] = {
      {"0101", CheckGoodsResponse::LISTED, "0101"},
      {"010121", CheckGoodsResponse::LISTED, "0101"},
      {"0101210000", CheckGoodsResponse::LISTED, "0101"},
      {"850423", CheckGoodsResponse::LISTED, "850423"},
      {"85042300", CheckGoodsResponse::LISTED, "850423"},
      {"8504230000", CheckGoodsResponse::LISTED, "850423"},
      {"8708299000", CheckGoodsResponse::LISTED, "8708299000"},
      {"8504", CheckGoodsResponse::PARTIAL, ""},
      {"8708", CheckGoodsResponse::PARTIAL, ""},
      {"870829", CheckGoodsResponse::PARTIAL, ""},
      {"87082990", CheckGoodsResponse::PARTIAL, ""},
      {"8708299002", CheckGoodsResponse::NOT_LISTED, ""},
      {"850424", CheckGoodsResponse::NOT_LISTED, ""},
      {"0102", CheckGoodsResponse::NOT_LISTED, ""},
  };
  std::vector<std::string> codes;
  for (const auto& c : cases) codes.emplace_back(c.code);
  const auto response = Check(codes);
  ASSERT_EQ(response.results_size(), static_cast<int>(codes.size()));
  for (int i = 0; i < response.results_size(); ++i) {
    const auto& result = response.results(i);
    const auto& wanted = cases[i];
    SCOPED_TRACE(wanted.code);
    EXPECT_EQ(result.code(), wanted.code);
    EXPECT_EQ(result.verdict(), wanted.verdict);
    const std::string entry =
        *wanted.entry == '\0' ? "" : absl::StrCat(edition, "/entries/", wanted.entry);
    EXPECT_EQ(result.entry(), entry);
    EXPECT_EQ(result.partial_entries_size() > 0, wanted.verdict == CheckGoodsResponse::PARTIAL);
  }
  EXPECT_THAT(response.results(9).partial_entries(),
              ElementsAre(edition + "/entries/8708299000", edition + "/entries/8708299001"));
}

TEST_F(QueryTest, NamesAtMostAHundredPartialEntriesAndTakesTenThousandCodes) {
  std::vector<v1::Entry> entries;
  for (int i = 0; i < 101; ++i) entries.push_back(MakeEntry(absl::StrFormat("870829%04d", i)));
  Publish(Day("2026-06-15"), entries);
  EXPECT_EQ(Check({"8708"}).results(0).partial_entries_size(), 100);
  const auto many = Check(std::vector<std::string>(10'000, "8708290100"));
  EXPECT_EQ(many.results_size(), 10'000);
  EXPECT_EQ(many.results(9'999).verdict(), CheckGoodsResponse::LISTED);
}

TEST_F(QueryTest, NamesAtMostTenThousandPartialEntriesInAll) {
  std::vector<v1::Entry> entries{MakeEntry("850421"), MakeEntry("850422"), MakeEntry("850423")};
  for (int i = 0; i < 101; ++i) entries.push_back(MakeEntry(absl::StrFormat("870829%04d", i)));
  const std::string edition = Publish(Day("2026-06-15"), entries);
  std::vector<std::string> codes(10'000, "8708");
  codes.front() = "8504";
  codes.back() = "8709";
  v1::CheckGoodsRequest request;
  for (const std::string& code : codes) request.add_codes(code);
  const auto bytes = CallRaw("CheckGoods", public_, request);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_LT(bytes->size(), size_t{1} << 20);  // clients take 4 MiB by default
  CheckGoodsResponse answer;
  ASSERT_TRUE(answer.ParseFromString(*bytes));
  ASSERT_EQ(answer.results_size(), 10'000);
  EXPECT_EQ(answer.results(9'999).verdict(), CheckGoodsResponse::NOT_LISTED);
  int left = 10'000;
  for (int i = 0; i < 9'999; ++i) {
    const auto& result = answer.results(i);
    EXPECT_EQ(result.verdict(), CheckGoodsResponse::PARTIAL) << i;
    EXPECT_EQ(result.partial_entries_size(), std::min(i == 0 ? 3 : 100, left)) << i;
    left -= result.partial_entries_size();
  }
  EXPECT_EQ(left, 0);
  EXPECT_EQ(answer.results(0).partial_entries(2), edition + "/entries/850423");
  EXPECT_EQ(answer.results(1).partial_entries(99), edition + "/entries/8708290099");
}

TEST_F(QueryTest, EntriesAreReadInTwoTimes) {
  const std::string edition = CreateDraft({MakeEntry("0101", "meat", v1::MEDIUM)});
  clock_.Advance(absl::Hours(1));
  const int64_t known = absl::ToUnixSeconds(clock_.Now());
  clock_.Set(Day("2026-06-20").StartOfDay());
  v1::UpdateEntryRequest update;
  update.mutable_entry()->set_name(edition + "/entries/0101");
  update.mutable_entry()->set_processing_level(v1::HIGH);
  update.mutable_update_mask()->add_paths("processing_level");
  ASSERT_TRUE(Do<v1::Entry>("UpdateEntry", institute_, update).ok());
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0102")}).ok());

  v1::GetEntryRequest get;
  get.set_name(edition + "/entries/0101");
  EXPECT_EQ(Do<v1::Entry>("GetEntry", auditor_, get)->processing_level(), v1::HIGH);
  *get.mutable_as_of() = Day("2026-06-19").ToProto();
  EXPECT_EQ(Do<v1::Entry>("GetEntry", auditor_, get)->processing_level(), v1::MEDIUM);
  get.clear_as_of();
  get.mutable_known_at()->set_seconds(known);
  EXPECT_EQ(Do<v1::Entry>("GetEntry", auditor_, get)->processing_level(), v1::MEDIUM);
  *get.mutable_as_of() = Day("2026-06-14").ToProto();  // before it was
  EXPECT_EQ(Do<v1::Entry>("GetEntry", auditor_, get).status().code(), absl::StatusCode::kNotFound);

  v1::DeleteEntryRequest remove;
  remove.set_name(edition + "/entries/0101");
  clock_.Set(Day("2026-06-25").StartOfDay());
  ASSERT_TRUE(Do<v1::DeleteEntryResponse>("DeleteEntry", institute_, remove).ok());
  v1::ListEntriesRequest list;
  list.set_parent(edition);
  EXPECT_THAT(List(list), ElementsAre("0102"));
  *list.mutable_as_of() = Day("2026-06-24").ToProto();
  EXPECT_THAT(List(list), ElementsAre("0101", "0102"));
  list.clear_as_of();
  list.mutable_known_at()->set_seconds(known);
  EXPECT_THAT(List(list), ElementsAre("0101"));
  list.set_filter("processing_level = MEDIUM");
  EXPECT_THAT(List(list), ElementsAre("0101"));
  list.set_filter("processing_level = HIGH");
  EXPECT_THAT(List(list), IsEmpty());
}

TEST_F(QueryTest, FiltersByIndexAndByAnyField) {
  v1::Entry noted = MakeEntry("8703", "vehicles", v1::HIGH);
  noted.set_note("electric");
  const std::string edition =
      CreateDraft({MakeEntry("0101", "meat", v1::MEDIUM), MakeEntry("0102", "meat", v1::HIGH),
                   noted, MakeEntry("8704", "vehicles_special", v1::HIGH)});
  CreateDraft({MakeEntry("0103", "meat", v1::HIGH)});  // another edition stays apart
  EXPECT_THAT(Filtered(edition, ""), ElementsAre("0101", "0102", "8703", "8704"));
  EXPECT_THAT(Filtered(edition, "sector = meat"), ElementsAre("0101", "0102"));
  EXPECT_THAT(Filtered(edition, "sector = \"vehicles\""), ElementsAre("8703"));
  EXPECT_THAT(Filtered(edition, "sector = absent"), IsEmpty());
  EXPECT_THAT(Filtered(edition, "processing_level = HIGH"), ElementsAre("0102", "8703", "8704"));
  EXPECT_THAT(Filtered(edition, "sector = meat AND processing_level = HIGH"), ElementsAre("0102"));
  EXPECT_THAT(Filtered(edition, "sector = meat OR sector = vehicles"),
              ElementsAre("0101", "0102", "8703"));
  EXPECT_THAT(Filtered(edition, "NOT sector = meat"), ElementsAre("8703", "8704"));
  EXPECT_THAT(Filtered(edition, "note:electric"), ElementsAre("8703"));
  EXPECT_THAT(Filtered(edition, "goods_code >= \"0102\" goods_code < \"8704\""),
              ElementsAre("0102", "8703"));
}

TEST_F(QueryTest, AnUpdateTakesTheLastNameOfNoEntry) {
  v1::Entry named = MakeEntry("0101");
  named.set_name_en("Horses");
  const std::string edition = CreateDraft({named});
  const auto update = [&](const std::vector<std::string>& mask, const std::string& name_kk) {
    v1::UpdateEntryRequest request;
    request.mutable_entry()->set_name(edition + "/entries/0101");
    request.mutable_entry()->set_name_kk(name_kk);
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    return Do<v1::Entry>("UpdateEntry", institute_, request);
  };
  const int64_t before = position();
  const absl::Status refused = update({"name_ru"}, "").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1);
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "entry.name_ru");
  EXPECT_EQ(position(), before);
  const auto swapped = update({"name_ru", "name_kk"}, "Жылқылар");
  ASSERT_TRUE(swapped.ok()) << swapped.status();
  EXPECT_EQ(swapped->name_ru(), "");
  EXPECT_EQ(base::ReasonOf(update({"name_kk"}, "").status()), "INVALID_FIELD");
}

TEST_F(QueryTest, PagesStayOnTheStateOfTheFirst) {
  const std::string edition = CreateDraft({MakeEntry("0101"), MakeEntry("0103"), MakeEntry("0105"),
                                           MakeEntry("0107", "meat"), MakeEntry("0109")});
  v1::ListEntriesRequest list;
  list.set_parent(edition);
  list.set_page_size(2);
  auto page = Do<v1::ListEntriesResponse>("ListEntries", auditor_, list);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Codes(*page), ElementsAre("0101", "0103"));

  clock_.Advance(absl::Hours(20));  // into another day
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0104"), MakeEntry("0106")}).ok());
  v1::DeleteEntryRequest remove;
  remove.set_name(edition + "/entries/0107");
  ASSERT_TRUE(Do<v1::DeleteEntryResponse>("DeleteEntry", institute_, remove).ok());

  list.set_page_token(page->next_page_token());
  page = Do<v1::ListEntriesResponse>("ListEntries", auditor_, list);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Codes(*page), ElementsAre("0105", "0107"));
  list.set_page_token(page->next_page_token());
  page = Do<v1::ListEntriesResponse>("ListEntries", auditor_, list);
  EXPECT_THAT(Codes(*page), ElementsAre("0109"));
  EXPECT_EQ(page->next_page_token(), "");

  EXPECT_EQ(base::ReasonOf(Do<v1::ListEntriesResponse>("ListEntries", institute_, list).status()),
            "PAGE_TOKEN_INVALID");  // another caller's
  list.set_filter("sector = meat");
  EXPECT_EQ(base::ReasonOf(Do<v1::ListEntriesResponse>("ListEntries", auditor_, list).status()),
            "PAGE_TOKEN_INVALID");
}

TEST_F(QueryTest, SearchesWordsInThreeLanguages) {
  v1::Entry transformer = MakeEntry("850423", "machinery", v1::HIGH);
  transformer.set_name_kk("Сұйық диэлектрикті трансформаторлар");
  transformer.set_name_ru("Трансформаторы с жидким диэлектриком, тяжёлые");
  transformer.set_name_en("Transformers; liquid dielectric");
  v1::Entry cable = MakeEntry("854449", "machinery", v1::MEDIUM);
  cable.set_name_kk("Өткізгіштер");
  cable.set_name_ru("Проводники электрические");
  cable.set_name_en("Electric conductors");
  v1::Entry car = MakeEntry("8703", "vehicles", v1::HIGH);
  const std::string edition = Publish(Day("2026-06-15"), {transformer, cable, car});
  const auto search = [&](const std::string& query, const std::string& prefix = "",
                          const std::string& sector = "",
                          v1::ProcessingLevel level = v1::PROCESSING_LEVEL_UNSPECIFIED) {
    v1::SearchEntriesRequest request;
    request.set_query(query);
    request.set_code_prefix(prefix);
    request.set_sector(sector);
    request.set_processing_level(level);
    const auto response = Do<v1::SearchEntriesResponse>("SearchEntries", public_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? Codes(*response) : std::vector<std::string>{"failed"};
  };
  EXPECT_THAT(search(""), ElementsAre("850423", "854449", "8703"));
  EXPECT_THAT(search("сұйық ТРАНС"), ElementsAre("850423"));
  EXPECT_THAT(search("өткізгіш"), ElementsAre("854449"));
  EXPECT_THAT(search("тяжелые"), ElementsAre("850423"));
  EXPECT_THAT(search("ТЯЖЁЛЫЕ"), ElementsAre("850423"));
  EXPECT_THAT(search("liquid TRANSF"), ElementsAre("850423"));
  EXPECT_THAT(search("conductors liquid"), IsEmpty());
  EXPECT_THAT(search("ormer"), IsEmpty());  // no beginning of a word
  EXPECT_THAT(search("", "85"), ElementsAre("850423", "854449"));
  EXPECT_THAT(search("", "8544"), ElementsAre("854449"));
  EXPECT_THAT(search("", "86"), IsEmpty());
  EXPECT_THAT(search("", "", "vehicles"), ElementsAre("8703"));
  EXPECT_THAT(search("", "", "", v1::HIGH), ElementsAre("850423", "8703"));
  EXPECT_THAT(search("", "85", "machinery", v1::MEDIUM), ElementsAre("854449"));

  v1::SearchEntriesRequest request;
  request.set_page_size(2);
  auto page = Do<v1::SearchEntriesResponse>("SearchEntries", public_, request);
  EXPECT_THAT(Codes(*page), ElementsAre("850423", "854449"));
  GoTo(Day("2026-06-16"));
  Publish(Day("2026-06-16"), {MakeEntry("9999")});  // in force between the pages
  request.set_page_token(page->next_page_token());
  page = Do<v1::SearchEntriesResponse>("SearchEntries", public_, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Codes(*page), ElementsAre("8703"));
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(QueryTest, ComparesEditionsPageByPage) {
  const std::string base =
      Publish(Day("2026-06-15"), {MakeEntry("0101"), MakeEntry("0102"), MakeEntry("0103")});
  v1::Entry changed = MakeEntry("0102", "meat", v1::MEDIUM);
  changed.set_oked("10.11");
  const std::string target =
      Publish(Day("2026-07-01"), {changed, MakeEntry("0103"), MakeEntry("0104")});
  std::vector<std::string> seen;
  v1::DiffEditionsRequest request;
  request.set_base(base);
  request.set_target(target);
  request.set_page_size(1);
  do {
    const auto page = Do<v1::DiffEditionsResponse>("DiffEditions", public_, request);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->differences_size(), 1);
    const auto& difference = page->differences(0);
    seen.push_back(absl::StrCat(v1::DiffEditionsResponse::Difference::Kind_Name(difference.kind()),
                                " ", difference.before().goods_code(), ">",
                                difference.after().goods_code()));
    if (difference.kind() == v1::DiffEditionsResponse::Difference::CHANGED) {
      EXPECT_THAT(difference.changed_fields(), ElementsAre("sector", "processing_level", "oked"));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && seen.size() < 10);
  EXPECT_THAT(seen, ElementsAre("REMOVED 0101>", "CHANGED 0102>0102", "ADDED >0104"));
  request.set_target(base);
  EXPECT_EQ(Do<v1::DiffEditionsResponse>("DiffEditions", public_, request)->differences_size(), 0);
  request.set_target("editions/99");
  EXPECT_EQ(Do<v1::DiffEditionsResponse>("DiffEditions", auditor_, request).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(QueryTest, PagesOfAComparisonShowOneState) {
  const std::string base = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  const std::string draft =
      CreateDraft({MakeEntry("0101"), MakeEntry("0102"), MakeEntry("0103"), MakeEntry("0104")});
  v1::DiffEditionsRequest request;
  request.set_base(base);
  request.set_target(draft);
  request.set_page_size(1);
  auto page = Do<v1::DiffEditionsResponse>("DiffEditions", institute_, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->differences(0).after().goods_code(), "0102");
  v1::DeleteEntryRequest remove;
  remove.set_name(draft + "/entries/0103");
  ASSERT_TRUE(Do<v1::DeleteEntryResponse>("DeleteEntry", institute_, remove).ok());
  request.set_page_token(page->next_page_token());
  page = Do<v1::DiffEditionsResponse>("DiffEditions", institute_, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->differences(0).after().goods_code(), "0103");
}

TEST_F(QueryTest, ExportsOneSnapshotInOrder) {
  const std::string edition = CreateDraft();
  std::vector<v1::Entry> entries;
  for (int i = 0; i < 500; ++i) entries.push_back(MakeEntry(absl::StrFormat("870829%04d", i)));
  ASSERT_TRUE(AddEntries(edition, entries).ok());
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0101"), MakeEntry("9503")}).ok());
  v1::ExportEditionRequest request;
  request.set_name(edition);
  auto source = Stream("ExportEdition", auditor_, request);
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("9999")}).ok());  // after the stream began
  std::vector<std::string> codes;
  std::string bytes;
  while (*(*source)->Pull(&bytes) == rpc::MessageSource::State::kMessage) {
    v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(bytes));
    codes.push_back(entry.goods_code());
  }
  ASSERT_EQ(codes.size(), 502u);
  EXPECT_TRUE(std::is_sorted(codes.begin(), codes.end()));
  EXPECT_EQ(codes.front(), "0101");
  EXPECT_EQ(codes.back(), "9503");
  request.set_name("editions/99");
  EXPECT_EQ(Stream("ExportEdition", auditor_, request).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(QueryTest, ADraftTakesNoEntryTwiceNorOverAnother) {
  const std::string edition = CreateDraft({MakeEntry("0101"), MakeEntry("850423")});
  const auto reason = [&](const v1::Entry& entry) {
    return base::ReasonOf(AddEntries(edition, {entry}));
  };
  EXPECT_EQ(reason(MakeEntry("0101")), "ALREADY_EXISTS");
  EXPECT_EQ(reason(MakeEntry("010121")), "ENTRY_OVERLAP");
  EXPECT_EQ(reason(MakeEntry("8504")), "ENTRY_OVERLAP");
  EXPECT_EQ(reason(MakeEntry("8504230000")), "ENTRY_OVERLAP");
  for (const char* code : {"8504", "850423"}) {
    EXPECT_EQ(base::LegalBasisOf(AddEntries(edition, {MakeEntry(code)})).article(), "Art. 26(2)");
  }
  EXPECT_EQ(reason(MakeEntry("8703101100")), "");
  EXPECT_EQ(reason(MakeEntry("8703101100")), "ALREADY_EXISTS");
  EXPECT_EQ(reason(MakeEntry("8703101101")), "");  // beside it
  EXPECT_EQ(reason(MakeEntry("87031011")), "ENTRY_OVERLAP");
  EXPECT_EQ(reason(MakeEntry("0102", "meat", v1::LOW)), "LEVEL_TOO_LOW");
  EXPECT_EQ(base::ReasonOf(AddEntries("editions/99", {MakeEntry("0102")})),
            base::ReasonOf(Submit("editions/99").status()));
  const int64_t before = position();
  const absl::Status batch =
      AddEntries(edition, {MakeEntry("0102"), MakeEntry("010121")});  // all or none
  EXPECT_EQ(base::InfoOf(batch).metadata().at("item"), "entries[1]");
  EXPECT_EQ(position(), before);
  EXPECT_EQ(reason(MakeEntry("0102")), "");
}

}  // namespace
}  // namespace nisi::priority_goods
