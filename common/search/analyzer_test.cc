// What people type finds what is stored: words, letters, endings; and how postings and rows lie.
#include "common/search/analyzer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "common/search/document.h"
#include "common/search/kazakh.h"
#include "common/search/posting.h"
#include "common/search/rows.h"

namespace nisi::search {
namespace {

using ::testing::ElementsAre;

std::string WordsOf(absl::string_view text) {
  std::vector<std::string> words;
  Analyzer::VisitWords(text, [&](absl::string_view word) { words.emplace_back(word); });
  return absl::StrJoin(words, " ");
}

std::set<std::string> StemsOf(absl::string_view text, Language language = Language::kUnknown) {
  std::set<std::string> stems;
  Analyzer::OfThread().VisitTerms(text, language,
                                  [&](absl::string_view stem) { stems.emplace(stem); });
  return stems;
}

// Whether a query word, of unknown language, finds a word of a text.
bool Finds(absl::string_view query, absl::string_view text, Language language) {
  std::set<std::string> asked;
  Analyzer::VisitWords(query, [&](absl::string_view word) {
    const auto stems = Analyzer::OfThread().StemsOf(word, Language::kUnknown);
    asked.insert(stems.begin(), stems.end());
  });
  const auto stored = StemsOf(text, language);
  return std::any_of(asked.begin(), asked.end(),
                     [&](const std::string& stem) { return stored.contains(stem); });
}

TEST(AnalyzerTest, TakesTextApartIntoFoldedWords) {
  const struct {
    const char* text;
    const char* words;
  } cases[] = {
      {"", ""},
      {" .,- ", ""},
      {"Насос", "насос"},
      {"Ёлка, ЕЛЬ", "елка ель"},
      {"Труба стальная 57х3,5", "труба стальная 57x3 5"},
      {"кабель ВВГнг 3×2,5", "кабель ввгнг 3x2 5"},
      {"Café  naïve", "cafe naive"},
      {"ﬁlter", "filter"},
      {"Қазақстан Ұлттық үй", "казакстан улттык уй"},
      {"ӘІҢҒҮҰҚӨҺ", "аингуукох"},
      {"й", "й"},
      {"и\xcc\x86", "й"},  // as two code points
      {"ГОСТ-9573", "гост 9573"},
      {"М12 и M12", "m12 и m12"},  // Cyrillic and Latin em
      {"нaсос", "насос"},          // a Latin a in a Cyrillic word
      {"ABC абв", "abc абв"},
      {"zнак", "zнак"},  // no Cyrillic letter looks so
      {"日本", "日本"},
      {"\xff\xfeтруба", "труба"},
  };
  for (const auto& c : cases) EXPECT_EQ(WordsOf(c.text), c.words) << c.text;
}

TEST(AnalyzerTest, CutsLongWordsBetweenLetters) {
  std::string word;
  for (int i = 0; i < 40; ++i) word += "ж";
  EXPECT_EQ(WordsOf("z" + word).size(), 63u);  // mixed: no script to bring it to
  EXPECT_EQ(WordsOf(word).size(), kMaxTermBytes);
}

TEST(AnalyzerTest, TheTableFoldsAsTheSlowWay) {
  std::mt19937 random(1);
  const char* const pieces[] = {"А", "б", "Ё", "й", "қ", "Ә", "ß", "É", "ø", "1", "½", " ",
                                "-", "x", "Q", "ı", "ǆ", "Ԥ", "ѣ", "_", "×", "«", "№"};
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (int n = 0; n < 12; ++n) text += pieces[random() % std::size(pieces)];
    // U+3000, a space past the table, sends the text the slow way.
    EXPECT_EQ(WordsOf(text), WordsOf(text + "\xe3\x80\x80")) << text;
  }
}

TEST(AnalyzerTest, FindsOtherFormsOfAWord) {
  const struct {
    Language language;
    const char* text;
    std::vector<const char*> queries;
  } cases[] = {
      {Language::kRussian, "насос", {"насосы", "насосов", "насосами", "НАСОС"}},
      {Language::kRussian, "труба стальная", {"трубы", "стальной", "стальных"}},
      {Language::kRussian, "счётчик", {"счетчики", "счётчиков", "счетчик"}},
      {Language::kRussian, "оборудование", {"оборудования", "оборудованием"}},
      {Language::kRussian, "строительный", {"строительная", "строительных", "строительного"}},
      {Language::kEnglish, "pumps", {"pump", "Pump's", "PUMPS"}},
      {Language::kEnglish, "welding", {"welded", "weld"}},
      {Language::kEnglish, "industrial machinery", {"industry", "machineries"}},
      {Language::kKazakh, "кітап", {"кітаптар", "кітабы", "кітаптың", "кітапқа", "китап"}},
      {Language::kKazakh, "өнім", {"өнімдер", "өнімдері", "өнімнің", "онимдерди", "өнімдерімен"}},
      {Language::kKazakh, "қала", {"қалалар", "қалада", "қаланың", "калага", "қалаларымызда"}},
      {Language::kKazakh, "тауарлар", {"тауар", "тауары", "тауарды", "тауарларды", "тауардан"}},
      {Language::kKazakh, "зауыт", {"зауыты", "зауыттар", "зауытта", "зауыттың"}},
      {Language::kKazakh, "білім", {"білімдер", "білімі", "білімге"}},
      {Language::kKazakh, "кеңес", {"кеңесі", "кеңестер", "кеңесте", "кенестин"}},
      {Language::kKazakh, "жабдық", {"жабдықтар", "жабдығы", "жабдыктын"}},
      {Language::kKazakh, "мұнай өнімдері", {"мунай", "мұнайдың", "өнім"}},
      {Language::kUnknown, "сорғылар", {"сорғы", "соргы"}},
      {Language::kUnknown, "Насосы для мұнай", {"насос", "насосов", "мунайды"}},
      {Language::kUnknown, "насосы для нефти", {"насосов", "нефть"}},
      {Language::kUnknown, "Құбыр 57х3,5", {"құбырлар", "57x3", "57Х3", "кубыр"}},
  };
  for (const auto& c : cases) {
    for (const char* query : c.queries)
      EXPECT_TRUE(Finds(query, c.text, c.language)) << query << " in " << c.text;
  }
}

TEST(AnalyzerTest, KeepsOtherWordsApart) {
  const struct {
    const char* query;
    const char* text;
  } cases[] = {{"насос", "насыпь"}, {"труба", "труд"},      {"бор", "борт"},
               {"pump", "pumice"},  {"кітап", "кітапхана"}, {"қазан", "қалам"},
               {"57x3", "57x4"},    {"стол", "столица"},    {"сталь", "стан"}};
  for (const auto& c : cases) {
    for (const Language language : {Language::kRussian, Language::kKazakh})
      EXPECT_FALSE(Finds(c.query, c.text, language)) << c.query << " in " << c.text;
  }
}

TEST(AnalyzerTest, KazakhEndingsLeaveAWord) {
  EXPECT_EQ(KazakhStem("ат"), "ат");
  EXPECT_EQ(KazakhStem("аттар"), "аттар");  // two letters are no stem
  EXPECT_EQ(KazakhStem("балалар"), "бала");
  EXPECT_EQ(KazakhStem("балаларымыздын"), "бала");
  EXPECT_EQ(KazakhStem("китаби"), "китап");
  EXPECT_EQ(KazakhStem(""), "");
}

// Known texts, so that nobody changes what an index holds without knowing: raise kAnalyzerRevision.
TEST(AnalyzerTest, TermsAreThoseOfTheirRevision) {
  EXPECT_EQ(kAnalyzerRevision, 1u);
  EXPECT_EQ(absl::StrJoin(StemsOf("Насосы центробежные для нефтепродуктов 65х50, мұнай өнімдеріне "
                                  "арналған сорғылар; centrifugal pumps"),
                          " "),
            "65x50 centrifug pump арналга арналган для муна мунай насо насос нефтепродукт "
            "нефтепродуктов оним онимдерин соргылар сорк центробежн центробежные");
}

std::map<std::string, bool> TermsOf(const Document& document) {
  std::map<std::string, bool> terms;
  for (const auto& [term, name] : document.terms())
    terms[(*document.dictionary())[term].text] = name;
  return terms;
}

TEST(DocumentTest, HasTermsOfWordsAndCodes) {
  Document document;
  document.AddText("Насос", Language::kRussian, /*name=*/true);
  document.AddText("насосы и труба", Language::kRussian, /*name=*/false);
  document.AddCode('g', "8413702100", {2, 4, 6, 10, 12});
  EXPECT_THAT(TermsOf(document),
              ::testing::UnorderedElementsAre(
                  std::pair("wнасос", true), std::pair("wи", false), std::pair("wтруб", false),
                  std::pair("g84", false), std::pair("g8413", false), std::pair("g841370", false),
                  std::pair("g8413702100", false)));
  Document other;
  other.AddCode('g', "8413702100", {6, 4, 2});
  other.AddText("и трубы", Language::kRussian, false);
  EXPECT_NE(other.TermsHash(), document.TermsHash());
  other.AddText("насосу", Language::kRussian, false);
  EXPECT_NE(other.TermsHash(), document.TermsHash());  // not in the names
  other.AddText("насоса", Language::kRussian, true);
  EXPECT_EQ(other.TermsHash(), document.TermsHash());
}

TEST(DocumentTest, StopsAtSoManyTerms) {
  Document document;
  std::string text;
  for (int i = 0; i < 700; ++i) absl::StrAppend(&text, i, " ");
  document.AddText(text, Language::kUnknown, false);
  EXPECT_EQ(document.terms().size(), kMaxTerms);
  EXPECT_TRUE(TermsOf(document).contains("w599"));
  document.AddText("5 800", Language::kUnknown, true);  // one that it has, one that it has not
  EXPECT_TRUE(TermsOf(document).at("w5"));
  EXPECT_FALSE(TermsOf(document).contains("w800"));
}

// The analyzer takes another dictionary once it knows many words: nothing is mixed up.
TEST(DocumentTest, OutlivesADictionary) {
  Document first;
  first.AddText("насос", Language::kRussian, true);
  std::string text;
  for (int i = 0; i < 70'000; ++i) absl::StrAppend(&text, "q", i, " ");
  Document().AddText(text, Language::kUnknown, false);
  Document second;
  EXPECT_NE(first.dictionary(), second.dictionary());
  first.AddText("труба насосы", Language::kRussian, false);
  second.AddText("труба", Language::kRussian, false);
  second.AddText("насосу", Language::kRussian, true);
  EXPECT_EQ(TermsOf(first), TermsOf(second));
  EXPECT_EQ(first.TermsHash(), second.TermsHash());
}

TEST(DocumentTest, PlacesAreRangesOfTheirBeginning) {
  EXPECT_EQ(PlaceOf("751110000"), 751110000u);
  EXPECT_EQ(PlaceOf("75"), 0u);
  EXPECT_EQ(PlaceOf("75111000a"), 0u);
  const auto range = PlacesUnder("7511");
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->first, 751100000u);
  EXPECT_EQ(range->last, 751199999u);
  EXPECT_EQ(PlacesUnder("7511100001"), std::nullopt);
  EXPECT_EQ(PlacesUnder("7x"), std::nullopt);
}

TEST(PostingTest, IsReadAsItWasWritten) {
  std::mt19937 random(2);
  for (const uint32_t count : {1u, 2u, 255u, 256u, 257u, 1'000u, 4'096u}) {
    for (const uint32_t names : {0u, 1u, 255u, 256u, 4'096u}) {
      PostingSet set;
      for (uint32_t i = 0; i < count; ++i)
        set.Add(count == kBlockDocuments ? i : random() % kBlockDocuments, i < names);
      const std::string bytes = EncodePostings(set);
      EXPECT_LE(bytes.size(), 2 + 2 * kBlockDocuments / 8);
      PostingSet read;
      ASSERT_TRUE(DecodePostings(bytes, &read).ok());
      EXPECT_EQ(read, set);
      for (size_t cut = 0; cut < std::min<size_t>(bytes.size(), 40); ++cut) {
        PostingSet damaged;
        const absl::Status status = DecodePostings(bytes.substr(0, cut), &damaged);
        EXPECT_TRUE(absl::IsDataLoss(status) || EncodePostings(damaged) == bytes.substr(0, cut));
      }
    }
  }
}

TEST(PostingTest, DamageIsSaid) {
  using namespace std::string_literals;  // NOLINT(google-build-using-namespace): zeros in literals
  const std::string damaged[] = {""s,
                                 "\0\0"s,
                                 "\0\1"s,
                                 "\0\0\0"s,
                                 "\0\2\0\5\0\5"s,
                                 "\0\2\0\5\0\4"s,
                                 "\0\0\x10\0"s,                  // offset 4,096
                                 "\0\1\0\5\0\5"s,                // both a name and another
                                 "\1\0"s + std::string(512, 0),  // 256 offsets are no list
                                 "\0\0"s + std::string(512, 0),  // a bitmap of too few
                                 "\0\0"s + std::string(513, 1),
                                 "\xff\xff"s + std::string(511, 1)};
  for (const std::string& bytes : damaged) {
    PostingSet set;
    EXPECT_TRUE(absl::IsDataLoss(DecodePostings(bytes, &set))) << ::testing::PrintToString(bytes);
  }
}

TEST(RowsTest, KeysAndRowsAreReadAsTheyWereWritten) {
  const std::string key = PostingKey(29, "wнасос", 0x012345);
  const auto place = DecodePostingKey(key);
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->term, "wнасос");
  EXPECT_EQ(place->block, 0x012345u);
  EXPECT_FALSE(DecodePostingKey(key.substr(0, 6)).ok());
  EXPECT_FALSE(DecodePostingKey(key + "x").ok());
  DocumentRow row;
  row.columns = {7305, kNever, 9000, 9100, 751110000, 10'000, 3, 5};
  row.number = -7;
  row.born_us = 1'700'000'000'000'000;
  row.terms_hash = 0xfedcba9876543210;
  const auto read = DecodeDocument(Encode(row));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->SameAs(row));
  EXPECT_EQ(read->born_us, row.born_us);
  row.columns.until = row.columns.from;
  EXPECT_TRUE(absl::IsDataLoss(DecodeDocument(Encode(row)).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeDocument("short").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeDeath(Encode(Death{3, 0})).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeCounts(Encode(Counts{3, 4, 0})).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeLiving("").status()));
  EXPECT_THAT(*DecodeLiving(EncodeLiving({1, 70'000})), ElementsAre(1u, 70'000u));
}

}  // namespace
}  // namespace nisi::search
