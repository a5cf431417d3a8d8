// The search over a store: what is found, in which order, on which day, as known when; against a
// plain scan of all rows; on both engines.
#include "common/search/searcher.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/search/postings_reader.h"
#include "common/search/stretches.h"
#include "common/store/store_testing.h"

namespace nisi::search {
namespace {

using store::At;
using store::Day;
using store::EngineName;
using store::Key;
using store::Range;
using store::Reader;
using store::RowView;
using store::Space;
using store::Tx;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using testing::v1::Widget;
using testing::v1::WidgetRow;

constexpr int kMakers = 12;

// Offers by number, made by makers. An offer is found while its maker is "active".
const store::Table<WidgetRow> kOffers(1, "offers", [](const WidgetRow& row) {
  return Key::Of(row.widget().weight());
});
const store::Table<WidgetRow> kMakersTable(2, "makers", [](const WidgetRow& row) {
  return Key::Of(row.widget().bin());
});

std::string MakerOf(int64_t number) {
  return absl::StrCat("maker", number % kMakers);
}

// name, tags: names; note: a specification; code: code; made_on: since when the value holds, for
// a hundred days; owner_note: the value.
void AddTexts(const Widget& offer, Document* document) {
  document->AddText(offer.name(), Language::kEnglish, true);
  if (offer.tags_size() > 0) document->AddText(offer.tags(0), Language::kRussian, true);
  if (offer.tags_size() > 1) document->AddText(offer.tags(1), Language::kKazakh, true);
  document->AddText(offer.note(), Language::kUnknown, false);
  document->AddCode('g', offer.code(), {2, 4});
}

uint16_t ValueOf(const WidgetRow& offer) {
  return static_cast<uint16_t>(offer.owner_note().empty() ? 0 : std::stoi(offer.owner_note()));
}

absl::Status OfferDocuments(const Reader& reader, int64_t number, const EmitDocument& emit) {
  ASSIGN_OR_RETURN(const auto offers, StretchesOf(reader, kOffers, Key::Of(number)));
  if (offers.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto makers, StretchesOf(reader, kMakersTable, Key::Of(MakerOf(number))));
  for (const Stretch& offer_days : offers) {
    ASSIGN_OR_RETURN(const auto offer, Reader::Parse<WidgetRow>(offer_days.row.view()));
    for (const Stretch& maker_days : makers) {
      Document document;
      document.columns.from = std::max(offer_days.from, maker_days.from);
      document.columns.until = std::min(offer_days.until, maker_days.until);
      if (document.columns.from >= document.columns.until) continue;
      ASSIGN_OR_RETURN(const auto maker, Reader::Parse<WidgetRow>(maker_days.row.view()));
      if (maker.row.widget().color() != "active") continue;
      AddTexts(offer.row.widget(), &document);
      document.columns.place = PlaceOf(maker.row.widget().region());
      document.columns.size = static_cast<uint8_t>(maker.row.widget().size());
      document.columns.kind = static_cast<uint8_t>(number % 3);
      if (offer.row.widget().has_made_on()) {
        ASSIGN_OR_RETURN(const base::Date made,
                         base::Date::FromProto(offer.row.widget().made_on()));
        document.columns.value_from = made.days();
        document.columns.value_until = made.days() + 100;
        document.columns.value_bp = ValueOf(offer.row);
      }
      emit(std::move(document));
    }
  }
  return absl::OkStatus();
}

const Index kOfferSearch(4, "offer_search", kOffers, &OfferDocuments);

store::Schema OfferSchema() {
  store::Schema schema;
  schema.name = "testing";
  schema.tables = {&kOffers, &kMakersTable};
  schema.derived = {&kOfferSearch};
  return schema;
}

class SearchTest : public store::StoreTest {
 protected:
  SearchTest() { schema_ = OfferSchema(); }

  void SetUp() override {
    Open();
    searcher_ = std::make_unique<Searcher>(kOfferSearch);
  }
  void Reopen() {
    Open();
    searcher_ = std::make_unique<Searcher>(kOfferSearch);
  }

  base::Date Today() const { return base::Date::LegalDay(clock_.Now()); }

  static WidgetRow Offer(int64_t number, absl::string_view name, absl::string_view note = "") {
    WidgetRow row;
    row.mutable_widget()->set_weight(number);
    row.mutable_widget()->add_tags(std::string(name));
    row.mutable_widget()->set_note(std::string(note));
    return row;
  }
  static WidgetRow Maker(int64_t number, absl::string_view state,
                         absl::string_view place = "750000000") {
    WidgetRow row;
    row.mutable_widget()->set_bin(MakerOf(number));
    row.mutable_widget()->set_color(std::string(state));
    row.mutable_widget()->set_region(std::string(place));
    return row;
  }

  static absl::Status PutMaker(Tx& tx, WidgetRow row, std::optional<base::Date> from) {
    RETURN_IF_ERROR(tx.Put(kMakersTable, &row, from));
    for (int64_t number = 0; number < 600; ++number) {
      if (MakerOf(number) == row.widget().bin()) tx.Touch(kOfferSearch, Key::Of(number));
    }
    return absl::OkStatus();
  }

  void Put(const WidgetRow& row, std::optional<base::Date> from = std::nullopt) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      WidgetRow copy = row;
      RETURN_IF_ERROR(tx.Put(kOffers, &copy, from));
      return std::string();
    });
  }
  void Make(const WidgetRow& row, std::optional<base::Date> from = std::nullopt) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      RETURN_IF_ERROR(PutMaker(tx, row, from));
      return std::string();
    });
  }
  void EndOffer(int64_t number, std::optional<base::Date> from = std::nullopt) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      RETURN_IF_ERROR(tx.End(kOffers, Key::Of(number), from));
      return std::string();
    });
  }

  Query Asking(absl::string_view text) const {
    Query query;
    query.text = std::string(text);
    query.day = Today();
    return query;
  }
  absl::StatusOr<Page> Find(const Query& query) { return searcher_->Find(store_->Read(), query); }
  std::vector<int64_t> Numbers(const Query& query) {
    const auto page = Find(query);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<int64_t> numbers;
    if (page.ok()) {
      for (const Hit& hit : page->hits) numbers.push_back(hit.number);
    }
    return numbers;
  }
  std::vector<int64_t> Numbers(absl::string_view text) { return Numbers(Asking(text)); }
  std::string Refusal(const Query& query) { return base::ReasonOf(Find(query).status()); }

  std::unique_ptr<Searcher> searcher_;
};
NISI_BOTH_ENGINES(SearchTest);

TEST_P(SearchTest, FindsWhatWasWrittenAtOnce) {
  EXPECT_THAT(Numbers("насос"), IsEmpty());
  Make(Maker(1, "active"));
  Make(Maker(2, "active"));
  Put(Offer(1, "Насосы центробежные", "труба"));
  EXPECT_THAT(Numbers("насос"), ElementsAre(1));
  Put(Offer(2, "Труба для насоса"));
  EXPECT_THAT(Numbers("насосов"), ElementsAre(1, 2));
  EXPECT_THAT(Numbers("труба"), ElementsAre(2, 1));  // in the name first
  EXPECT_THAT(Numbers("насос труба"), ElementsAre(2, 1));
  EXPECT_THAT(Numbers("насос кабель"), IsEmpty());
  EXPECT_THAT(Numbers(""), ElementsAre(1, 2));
  Put(Offer(1, "Кабель"));
  EXPECT_THAT(Numbers("насос"), ElementsAre(2));
  EXPECT_THAT(Numbers("кабели"), ElementsAre(1));
  EndOffer(2);
  EXPECT_THAT(Numbers("насос"), IsEmpty());
  Healthy();
}

TEST_P(SearchTest, WhatARecordRestsOnChangesWhatIsFound) {
  Put(Offer(1, "насос"));
  Put(Offer(13, "насос"));
  EXPECT_THAT(Numbers("насос"), IsEmpty());  // no maker
  Make(Maker(1, "draft"));
  EXPECT_THAT(Numbers("насос"), IsEmpty());
  Make(Maker(1, "active", "751110000"));
  EXPECT_THAT(Numbers("насос"), ElementsAre(1, 13));
  Query query = Asking("насос");
  query.place = "7511";
  EXPECT_THAT(Numbers(query), ElementsAre(1, 13));
  query.place = "7512";
  EXPECT_THAT(Numbers(query), IsEmpty());
  Make(Maker(1, "suspended"));
  EXPECT_THAT(Numbers("насос"), IsEmpty());
  Healthy();
}

TEST_P(SearchTest, BeginningsOfWords) {
  Make(Maker(1, "active"));
  Put(Offer(1, "Электродвигатель"));
  Put(Offer(13, "Электростанция"));
  EXPECT_THAT(Numbers("электро*"), ElementsAre(1, 13));
  EXPECT_THAT(Numbers("ЭЛЕКТРОДВИГАТЕЛЬ*"), ElementsAre(1));  // longer than its stem
  EXPECT_THAT(Numbers("электро"), IsEmpty());
  EXPECT_THAT(Numbers("*"), ElementsAre(1, 13));  // says nothing
  EXPECT_THAT(Numbers("э* станци*"), IsEmpty());
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    std::string note;
    for (int i = 0; i <= static_cast<int>(kMaxPrefixTerms); ++i)
      absl::StrAppend(&note, "z", i, " ");
    WidgetRow row = Offer(25, "", note);
    RETURN_IF_ERROR(tx.Put(kOffers, &row));
    return std::string();
  });
  EXPECT_EQ(Refusal(Asking("z*")), "QUERY_TOO_BROAD");
  EXPECT_THAT(Numbers("z12*"), ElementsAre(25));
}

TEST_P(SearchTest, RefusesWhatItDoesNotAnswer) {
  EXPECT_EQ(Refusal(Asking("1 2 3 4 5 6 7 8 9")), "QUERY_TOO_LONG");
  EXPECT_EQ(Refusal(Asking(std::string(1'201, 'a'))), "QUERY_TOO_LONG");
  Query query = Asking("");
  query.place = "75a";
  EXPECT_EQ(Refusal(query), "PLACE_INVALID");
  EXPECT_TRUE(absl::IsDataLoss(Place::Decode("").status()));
  const Place place{20'000, 0xc123, 77};
  EXPECT_EQ(*Place::Decode(place.Encode()), place);
}

TEST_P(SearchTest, ColumnsJudge) {
  Make(Maker(0, "active"));
  for (int64_t number : {0, 12, 24, 36}) {
    WidgetRow row = Offer(number, "насос");
    row.mutable_widget()->set_code(absl::StrCat("84", 13 + number / 24, "00"));
    if (number > 0) {
      *row.mutable_widget()->mutable_made_on() = Today().AddDays(number == 36 ? 1 : -99).ToProto();
      row.set_owner_note(absl::StrCat(number * 100));
    }
    Put(row);
  }
  EXPECT_THAT(Numbers("насос"), ElementsAre(24, 12, 0, 36));  // the value of 36 begins tomorrow
  Query query = Asking("насос");
  query.domestic = true;
  EXPECT_THAT(Numbers(query), ElementsAre(24, 12));
  query.day = Today().AddDays(1);  // the last day of theirs was today
  EXPECT_THAT(Numbers(query), ElementsAre(36));
  query = Asking("");
  query.min_value_bp = 2400;
  EXPECT_THAT(Numbers(query), ElementsAre(24));
  query = Asking("насос");
  query.codes = {{'g', "8413"}};
  EXPECT_THAT(Numbers(query), ElementsAre(12, 0));
  query.codes = {{'g', "84"}, {'g', "841500"}};
  EXPECT_THAT(Numbers(query), IsEmpty());
  query = Asking("");
  query.kinds = 1U << 1;
  EXPECT_THAT(Numbers(query), IsEmpty());
  query.kinds = 1U;
  query.sizes = 1U;
  EXPECT_EQ(Numbers(query).size(), 4u);
  query.sizes = 2U;
  EXPECT_THAT(Numbers(query), IsEmpty());
}

TEST_P(SearchTest, DaysAndMoments) {
  const base::Date today = Today();
  Make(Maker(1, "active"), today.AddDays(-100));
  Put(Offer(1, "насос"), today.AddDays(-50));
  const int64_t before = store_->Read().RecordedUs().value();
  Put(Offer(1, "кабель"), today.AddDays(10));  // will be
  EXPECT_THAT(Numbers("насос"), ElementsAre(1));
  EXPECT_THAT(Numbers("кабель"), IsEmpty());
  Query query = Asking("кабель");
  query.day = today.AddDays(10);
  EXPECT_THAT(Numbers(query), ElementsAre(1));
  query.known_at_us = before;  // nobody knew
  EXPECT_THAT(Numbers(query), IsEmpty());
  query.text = "насос";
  EXPECT_THAT(Numbers(query), ElementsAre(1));
  query.day = today.AddDays(-51);
  EXPECT_THAT(Numbers(query), IsEmpty());
  GoTo("2026-07-01");
  EXPECT_EQ(Fire(), 1);  // the day turned: nothing is written for it here
  EXPECT_THAT(Numbers("насос"), IsEmpty());
  EXPECT_THAT(Numbers("кабель"), ElementsAre(1));
  EndOffer(1, today.AddDays(-10));  // a correction of the past
  query = Asking("насос");
  query.day = today.AddDays(-11);
  EXPECT_THAT(Numbers(query), ElementsAre(1));
  query.day = today.AddDays(-10);
  EXPECT_THAT(Numbers(query), IsEmpty());
  Healthy();
}

TEST_P(SearchTest, LeavesAloneWhatDidNotChange) {
  Make(Maker(1, "active"));
  Put(Offer(1, "насос"));
  const auto counts = [this] { return *LoadCounts(store_->Read().snapshot(), kOfferSearch.id); };
  EXPECT_EQ(counts().documents, 1u);
  WidgetRow same = Offer(1, "Насос");
  same.mutable_widget()->set_secret("of no interest to a search");
  Put(same);
  Make(Maker(1, "active"));
  EXPECT_EQ(counts().documents, 1u);
  EXPECT_EQ(counts().deaths, 0u);
  // The same from another day on is one stretch of days.
  Put(Offer(1, "насос"), Today().AddDays(30));
  EXPECT_EQ(counts().documents, 1u);
  // What a command takes back leaves nothing.
  const auto refused = store_->Write(store::Info(), [](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow row = Offer(1, "кабель");
    const absl::Status part = tx.Attempt([&]() -> absl::Status {
      const absl::Status put = tx.Put(kOffers, &row);
      return put.ok() ? absl::CancelledError("as wished") : put;
    });
    EXPECT_TRUE(absl::IsCancelled(part));
    return std::string();
  });
  EXPECT_TRUE(refused.ok());
  EXPECT_EQ(counts().documents, 1u);
  EXPECT_THAT(Numbers("насос"), ElementsAre(1));
}

// Begins without a search index.
class SearchBuildTest : public SearchTest {
 protected:
  SearchBuildTest() { schema_.derived.clear(); }
};
NISI_BOTH_ENGINES(SearchBuildTest);

TEST_P(SearchBuildTest, AStoreOfBeforeGetsItInTheBackground) {
  Put(Offer(1, "насос"));
  Make(Maker(1, "active"));
  for (int64_t number = 2; number < 500; ++number) Put(Offer(number, "кабель"));
  const int64_t moment = store_->Read().RecordedUs().value();
  Put(Offer(13, "насос"));
  schema_ = OfferSchema();
  Reopen();
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre(kOfferSearch.id));
  EXPECT_EQ(Refusal(Asking("насос")), "INDEX_BUILDING");
  Healthy();
  Put(Offer(25, "насос"));
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_THAT(Numbers("насос"), ElementsAre(1, 13, 25));
  Query query = Asking("насос");
  query.known_at_us = moment;
  EXPECT_EQ(Refusal(query), "SEARCH_BEGINS_LATER");
  Put(Offer(37, "насос"));
  EXPECT_THAT(Numbers("насос"), ElementsAre(1, 13, 25, 37));
  Healthy();
  Reopen();
  EXPECT_THAT(Numbers("насос"), ElementsAre(1, 13, 25, 37));
}

TEST_P(SearchTest, SchemaSaysWhatItHas) {
  EXPECT_THAT(schema_.Describe(),
              HasSubstr(absl::StrCat("derived 4 offer_search on offers, revision ", kRevision)));
  schema_.derived.clear();
  EXPECT_EQ(base::ReasonOf(TryOpen()), "STORE_NEWER");  // it would fall behind
  schema_.retired = {4};
  EXPECT_TRUE(TryOpen().ok());
  schema_ = OfferSchema();
  schema_.tables.pop_back();
  schema_.tables[0] = &kMakersTable;
  EXPECT_THAT(schema_.Problem(), HasSubstr("no such table"));
}

// Rows that are damaged are said to be: by a search that meets them, and by the scrub.
TEST_P(SearchTest, DamageIsFound) {
  Make(Maker(1, "active"));
  for (int64_t number = 1; number < 60; number += kMakers) Put(Offer(number, "насос", "труба"));
  Put(Offer(1, "насос", "кабель"));
  Healthy();
  const uint16_t id = kOfferSearch.id;
  const auto value = [&](const std::string& key) {
    std::string bytes;
    EXPECT_TRUE(*store_->Read().snapshot().Get(Space::kData, key, &bytes));
    return bytes;
  };
  PostingSet other;
  other.Add(1, true);
  PostingSet beyond;
  beyond.Add(4'000, true);
  DocumentRow row = *DecodeDocument(value(DocumentKey(id, 2)));
  row.columns.value_bp = 1;
  const std::string posting = PostingKey(id, "wнасос", 0);
  const struct {
    std::string key;
    std::optional<std::string> bytes;
    bool search_says;  // that data is lost; else it cannot know
  } cases[] = {
      {posting, "\x01", true},
      {posting, EncodePostings(beyond), true},
      {posting, EncodePostings(other), false},
      {posting, std::nullopt, false},
      {posting + "x", "\x01", true},
      {PostingKey(id, "wтруб", 0), "?", false},
      {DocumentKey(id, 2), "short", true},
      {DocumentKey(id, 2), std::nullopt, true},
      {DocumentKey(id, 2), Encode(row), false},
      {DocumentKey(id, 5), std::nullopt, true},
      {DeathKey(id, 0), "short", true},
      {DeathKey(id, 0), std::nullopt, true},
      {DeathKey(id, 0), Encode(Death{99, 5}), true},
      {DeathKey(id, 0), Encode(Death{3, INT64_MAX}), false},
      {LivingKey(id, 1), "abc", false},
      {LivingKey(id, 1), EncodeLiving({0}), false},
      {LivingKey(id, 13), std::nullopt, false},
      {LivingKey(id, 2), EncodeLiving({2}), false},
      {CountsKey(id), "x", true},
      {CountsKey(id), Encode(Counts{4, 1, 0}), true},
      {CountsKey(id), Encode(Counts{9, 1, 0}), true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::PrintToString(c.key));
    std::string before;
    const bool was = *store_->Read().snapshot().Get(Space::kData, c.key, &before);
    Plant({{Space::kData, c.key, c.bytes}});
    searcher_ = std::make_unique<Searcher>(kOfferSearch);
    EXPECT_EQ(absl::IsDataLoss(Find(Asking("насос")).status()), c.search_says);
    const auto findings = store_->Scrub();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, ::testing::Contains(HasSubstr("search offer_search: ")));
    Plant({{Space::kData, c.key, was ? std::optional<std::string>(before) : std::nullopt}});
    Healthy();
  }
}

TEST_P(SearchTest, DocumentsThatOverlapAreRefused) {
  static const Index* const kBad =
      new Index(4, "offer_search", kOffers,
                [](const Reader&, int64_t, const EmitDocument& emit) -> absl::Status {
                  emit(Document());
                  emit(Document());
                  return absl::OkStatus();
                });
  schema_.derived = {kBad};
  Open();
  EXPECT_EQ(Refused([](Tx& tx) -> absl::StatusOr<std::string> {
              WidgetRow row = Offer(1, "насос");
              RETURN_IF_ERROR(tx.Put(kOffers, &row));
              return std::string();
            }),
            "SEARCH_DOCUMENTS");
}

// A list that spans blocks is joined with one that does not, in either order.
TEST_P(SearchTest, JoinsListsOfManyBlocks) {
  Make(Maker(1, "active"));
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    for (int64_t n = 0; n < 9'000; ++n) {
      WidgetRow row = Offer(1 + n * kMakers, n % 3 == 0 ? "насос" : "кабель",
                            n % 4'500 == 4'400 ? "редкость"
                            : n > 8'900        ? "поздно"
                                               : "");
      RETURN_IF_ERROR(tx.Put(kOffers, &row));
    }
    return std::string();
  });
  const auto total = [this](absl::string_view text) { return Find(Asking(text))->total; };
  EXPECT_EQ(total("насос"), 3'000u);
  EXPECT_EQ(total("кабель"), 6'000u);
  EXPECT_EQ(total("насос редкость"), 0u);
  EXPECT_EQ(total("редкость кабель"), 2u);
  EXPECT_EQ(total("кабель поздно"), 66u);
  EXPECT_EQ(total("поздно редкость"), 0u);
  EXPECT_EQ(total("кабел* поздн*"), 66u);
}

// --- against a scan of all rows ---------------------------------------------------------------

#ifdef NISI_TSAN
constexpr int kQueries = 60;
#else
constexpr int kQueries = 300;
#endif
constexpr int64_t kNumbers = 150;

class SearchModelTest : public SearchTest {
 protected:
  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool Chance(int percent) { return Pick(1, 100) <= percent; }
  std::string Word() {
    static const char* const kWords[] = {"насос", "трубы", "кабель",   "стальной", "мұнай",
                                         "өнім",  "тауар", "зауыты",   "pump",     "steel",
                                         "3х4",   "M12",   "құбырлар", "сталью"};
    return kWords[std::min(Pick(0, 13), Pick(0, 13))];
  }
  std::string Words(int64_t most) {
    std::string text;
    for (int64_t n = Pick(0, most); n > 0; --n) absl::StrAppend(&text, Word(), " ");
    return text;
  }
  std::string Code() { return absl::StrCat(Pick(84, 85), Pick(10, 12), Pick(10, 13)); }
  std::string Region() { return absl::StrCat("75", Pick(1, 3), "00000", Pick(0, 1)); }

  std::optional<base::Date> From() {
    if (Chance(55)) return std::nullopt;
    return Today().AddDays(Chance(60) ? Pick(-40, 0) : Pick(0, 15));
  }

  absl::Status Change(Tx& tx) {
    if (Chance(15)) {
      WidgetRow maker = Maker(Pick(0, kMakers - 1), Chance(75) ? "active" : "suspended", Region());
      maker.mutable_widget()->set_size(static_cast<testing::v1::Size>(Pick(0, 2)));
      return PutMaker(tx, maker, From());
    }
    const int64_t number = Pick(1, kNumbers);
    if (Chance(12)) {
      const absl::Status ended = tx.End(kOffers, Key::Of(number), From());
      return absl::IsNotFound(ended) ? absl::OkStatus() : ended;
    }
    WidgetRow row = Offer(number, Words(3), Words(4));
    row.mutable_widget()->add_tags(Words(2));
    row.mutable_widget()->set_name(Words(1));
    row.mutable_widget()->set_code(Code());
    if (Chance(60)) {
      *row.mutable_widget()->mutable_made_on() = Today().AddDays(Pick(-120, 20)).ToProto();
      row.set_owner_note(absl::StrCat(Chance(30) ? 5'000 : Pick(0, 10'000)));
    }
    return tx.Put(kOffers, &row, From());
  }

  void WriteSome() {
    for (int64_t commands = Pick(0, 3); commands > 0; --commands) {
      const int64_t changes = Pick(1, 5);
      const bool fail = Chance(5);
      const auto outcome = store_->Write(store::Info(), [&](Tx& tx) -> absl::StatusOr<std::string> {
        for (int64_t n = 0; n < changes; ++n) RETURN_IF_ERROR(Change(tx));
        if (fail) return absl::CancelledError("as wished");
        return std::string();
      });
      ASSERT_EQ(outcome.ok(), !fail) << outcome.status();
    }
    moments_.push_back(*store_->Read().RecordedUs());
    if (Chance(10)) clock_.Advance(absl::Hours(Pick(1, 40)));
    if (Chance(10)) Fire();
    if (Chance(1)) Reopen();
  }

  Query RandomQuery() {
    Query query = Asking(Words(2));
    if (Chance(10)) absl::StrAppend(&query.text, Word().substr(0, 4), "*");
    if (Chance(25)) query.codes.emplace_back('g', Code().substr(0, Chance(70) ? 2 : 4));
    if (Chance(30)) query.place = Region().substr(0, static_cast<size_t>(Pick(1, 9)));
    if (Chance(20)) query.sizes = static_cast<uint32_t>(Pick(1, 7));
    if (Chance(20)) query.kinds = static_cast<uint32_t>(Pick(1, 7));
    query.domestic = Chance(25);
    if (Chance(15)) query.min_value_bp = static_cast<uint16_t>(Pick(1, 9'000));
    if (Chance(40)) query.day = Today().AddDays(Pick(-45, 20));
    if (Chance(30) && !moments_.empty())
      query.known_at_us =
          moments_[static_cast<size_t>(Pick(0, static_cast<int64_t>(moments_.size()) - 1))] +
          Pick(-1, 1);
    query.page_size = static_cast<size_t>(Pick(1, 9));
    return query;
  }

  // All hits in order, by a scan of the rows that knows nothing of documents or postings.
  std::vector<Hit> Scan(const Query& query) {
    const store::View view = store_->Read();
    const At at{query.day, query.known_at_us.value_or(*view.RecordedUs())};
    std::map<std::string, Widget> makers;
    EXPECT_TRUE(view.Scan(kMakersTable, {}, at,
                          [&](const RowView& row, absl::string_view) {
                            const Widget maker = Reader::Parse<WidgetRow>(row)->row.widget();
                            makers[maker.bin()] = maker;
                            return absl::StatusOr<bool>(true);
                          })
                    .ok());
    std::vector<Hit> hits;
    EXPECT_TRUE(view.Scan(kOffers, {}, at,
                          [&](const RowView& row, absl::string_view) {
                            const WidgetRow offer = Reader::Parse<WidgetRow>(row)->row;
                            const auto maker = makers.find(MakerOf(offer.widget().weight()));
                            if (maker != makers.end()) Judge(query, offer, maker->second, &hits);
                            return absl::StatusOr<bool>(true);
                          })
                    .ok());
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
      return a.score != b.score ? a.score > b.score : a.number < b.number;
    });
    return hits;
  }

  static std::set<std::string> Stems(absl::string_view text, Language language) {
    std::set<std::string> stems;
    Analyzer::OfThread().VisitTerms(text, language,
                                    [&](absl::string_view stem) { stems.emplace(stem); });
    return stems;
  }
  static bool HasWord(const std::set<std::string>& stems, absl::string_view word) {
    if (!word.empty() && word.back() == '*') {
      word.remove_suffix(1);
      std::string folded;
      Analyzer::VisitWords(word, [&](absl::string_view one) { folded = std::string(one); });
      if (std::any_of(stems.begin(), stems.end(), [&](const std::string& stem) {
            return stem.compare(0, folded.size(), folded) == 0;
          })) {
        return true;
      }
    }
    bool found = false;
    Analyzer::VisitWords(word, [&](absl::string_view one) {
      for (const std::string& stem : Analyzer::OfThread().StemsOf(one, Language::kUnknown))
        found = found || stems.contains(stem);
    });
    return found;
  }

  void Judge(const Query& query, const WidgetRow& row, const Widget& maker,
             std::vector<Hit>* hits) {
    const Widget& offer = row.widget();
    if (maker.color() != "active") return;
    std::set<std::string> names = Stems(offer.name(), Language::kEnglish);
    names.merge(Stems(offer.tags(0), Language::kRussian));
    names.merge(Stems(offer.tags(1), Language::kKazakh));
    std::set<std::string> all = Stems(offer.note(), Language::kUnknown);
    all.insert(names.begin(), names.end());
    bool in_names = true, any = false;
    for (const absl::string_view word : absl::StrSplit(query.text, ' ', absl::SkipEmpty())) {
      any = true;
      if (!HasWord(all, word)) return;
      in_names = in_names && HasWord(names, word);
    }
    for (const auto& [tag, code] : query.codes) {
      if (!absl::StartsWith(offer.code(), code)) return;
    }
    if (!absl::StartsWith(maker.region(), query.place)) return;
    if (query.sizes != 0 && (query.sizes >> maker.size() & 1) == 0) return;
    if (query.kinds != 0 && (query.kinds >> (offer.weight() % 3) & 1) == 0) return;
    uint16_t value = 0;
    if (offer.has_made_on()) {
      const base::Date made = *base::Date::FromProto(offer.made_on());
      if (made <= query.day && query.day < made.AddDays(100)) value = ValueOf(row);
    }
    if (query.domestic && value == 0) return;
    if (value < query.min_value_bp) return;
    hits->push_back({offer.weight(), static_cast<uint16_t>((any && in_names ? 0x8000 : 0) |
                                                           (value > 0 ? 0x4000 : 0) | value)});
  }

  // Pages of one query, with writers between them.
  void Compare() {
    Query query = RandomQuery();
    SCOPED_TRACE(absl::StrCat("'", query.text, "' on ", query.day.ToString()));
    const std::vector<Hit> wanted = Scan(query);
    std::vector<Hit> found;
    for (int pages = 0;; ++pages) {
      ASSERT_LT(pages, 200);
      const auto page = Find(query);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->total, wanted.size());
      found.insert(found.end(), page->hits.begin(), page->hits.end());
      if (!page->next.has_value()) break;
      EXPECT_EQ(page->hits.size(), query.page_size);
      query.after = *Place::Decode(page->next->Encode());
      query.known_at_us = page->known_at_us;
      if (Chance(40)) {
        ASSERT_NO_FATAL_FAILURE(WriteSome());
      }
    }
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].number, wanted[i].number) << "at " << i;
      ASSERT_EQ(found[i].score, wanted[i].score) << "at " << i;
    }
    hits_ += found.size();
  }

  std::mt19937_64 random_{20'261'128};
  std::vector<int64_t> moments_;
  size_t hits_ = 0;
};
NISI_BOTH_ENGINES(SearchModelTest);

TEST_P(SearchModelTest, PagesAreAScanOfAllRows) {
  for (int i = 0; i < 60; ++i) ASSERT_NO_FATAL_FAILURE(WriteSome());
  for (int i = 0; i < kQueries; ++i) {
    ASSERT_NO_FATAL_FAILURE(Compare()) << "query " << i;
    if (Chance(30)) {
      ASSERT_NO_FATAL_FAILURE(WriteSome());
    }
    if (i % 100 == 99) {
      Healthy();
      Reopen();
    }
  }
  EXPECT_GT(hits_, static_cast<size_t>(kQueries) * 3);  // queries that find nothing prove little
  Healthy();
}

}  // namespace
}  // namespace nisi::search
