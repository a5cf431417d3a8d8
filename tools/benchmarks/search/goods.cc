#include "tools/benchmarks/search/goods.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nisi::bench {

using store::EmitKey;
using store::Key;
using testing::v1::WidgetRow;

namespace {

// The commonest words are in three texts of ten and more. Ranks after them by Zipf's law, and past
// some thousands, as in texts of any language, more steeply: 164,000 words, those of a block of
// 4,096 offers, are some 18,000 different ones.
constexpr size_t kVocabulary = 60'000;
constexpr double kFlattened = 6;  // the first ranks are less apart than the law says
constexpr double kSteeper = 6'000;

constexpr const char* kSyllables[] = {"ба", "во", "ге", "ди", "жа", "зо", "ка", "ле", "ми", "но",
                                      "па", "ре", "си", "ту", "фа", "хо", "це", "ча", "шу", "ян"};
constexpr const char* kRussian[] = {"", "а", "ы", "ов", "ами", "ный", "ная", "ного", "ных", "ом"};
constexpr const char* kKazakh[] = {"", "лар", "дың", "ға", "лары", "ты", "дан", "мен", "сы", "да"};

// Widgets stand for offers: name in English, tags the Russian and Kazakh names, note the
// specification, code that of the goods, region the place, weight the number and the value.
absl::Status DocumentsOf(const store::Reader& reader, int64_t number,
                         const search::EmitDocument& emit) {
  ASSIGN_OR_RETURN(const auto found, reader.Find(kGoods, Key::Of(number)));
  if (!found.has_value()) return absl::OkStatus();
  const testing::v1::Widget& widget = found->row.widget();
  search::Document document;
  document.AddText(widget.tags(0), search::Language::kRussian, true);
  document.AddText(widget.tags(1), search::Language::kKazakh, true);
  document.AddText(widget.name(), search::Language::kEnglish, true);
  document.AddText(widget.note(), search::Language::kUnknown, false);
  document.AddCode('g', widget.code(), {2, 4, 6, 8});
  search::Columns& columns = document.columns;
  columns.from = found->version.effective_from.days();
  columns.place = search::PlaceOf(widget.region());
  columns.size = static_cast<uint8_t>(number % 3);
  columns.kind = static_cast<uint8_t>(number % 7 % 3);
  if (number % 5 < 3) {
    columns.value_from = columns.from;
    columns.value_until = columns.from + 365;
    columns.value_bp = static_cast<uint16_t>(1 + number * 7919 % 10'000);
  }
  emit(std::move(document));
  return absl::OkStatus();
}

const store::Index<WidgetRow> kByOwner(2, "goods_by_owner", kGoods, false,
                                       [](const WidgetRow& row, const EmitKey& emit) {
                                         emit(Key::Of(row.widget().bin()));
                                       });
const store::Index<WidgetRow> kByCode(3, "goods_by_code", kGoods, false,
                                      [](const WidgetRow& row, const EmitKey& emit) {
                                        emit(Key::Of(row.widget().code()));
                                      });
const store::Index<WidgetRow> kByPlace(4, "goods_by_place", kGoods, false,
                                       [](const WidgetRow& row, const EmitKey& emit) {
                                         emit(Key::Of(row.widget().region()));
                                       });

}  // namespace

const store::Table<WidgetRow> kGoods(1, "goods", [](const WidgetRow& row) {
  return Key::Of(row.widget().weight());
});
const search::Index kGoodsSearch(5, "goods_search", kGoods, &DocumentsOf);

const store::Schema& GoodsSchema() {
  static const auto* const kSchema = [] {
    auto* schema = new store::Schema;
    schema->name = "bench-goods";
    schema->tables = {&kGoods};
    schema->indexes = {&kByOwner, &kByCode, &kByPlace};
    schema->derived = {&kGoodsSearch};
    return schema;
  }();
  return *kSchema;
}

GoodsMaker::GoodsMaker(uint64_t seed) : random_(seed) {
  std::mt19937_64 spelling(7);  // the same words whatever is drawn
  std::set<std::string> used;
  double sum = 0;
  while (words_.size() < kVocabulary) {
    std::string word;
    for (size_t n = 2 + spelling() % 3; n > 0; --n) word += kSyllables[spelling() % 20];
    if (!used.insert(word).second) continue;
    words_.push_back(word);
    const double rank = static_cast<double>(words_.size()) + kFlattened;
    sum += rank < kSteeper ? 1 / rank : kSteeper / (rank * rank);
    below_.push_back(sum);
  }
}

const std::string& GoodsMaker::Drawn() {
  const double drawn = std::uniform_real_distribution<double>(0, below_.back())(random_);
  const auto at = std::lower_bound(below_.begin(), below_.end(), drawn);
  return words_[static_cast<size_t>(at - below_.begin())];
}

std::string GoodsMaker::Sentence(int words, bool kazakh) {
  std::string text;
  for (int i = 0; i < words; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", Drawn(),
                    (kazakh ? kKazakh : kRussian)[random_() % 10]);
    if (random_() % 25 == 0) absl::StrAppend(&text, " ", random_() % 200, "х", random_() % 100);
  }
  return text;
}

std::string GoodsMaker::Code() {
  // Ninety chapters, the codes of one far from equally many.
  const auto skewed = [this](uint64_t below) {
    return std::min(random_() % below, random_() % below);
  };
  return absl::StrFormat("%02d%02d%02d%04d", 1 + skewed(97), skewed(30), skewed(10),
                         skewed(10) * 100);
}

std::string GoodsMaker::Place() {
  return absl::StrFormat("%02d%07d", 10 + random_() % 20, random_() % 40 * 100'000);
}

WidgetRow GoodsMaker::Row(int64_t number) {
  WidgetRow row;
  testing::v1::Widget& widget = *row.mutable_widget();
  widget.set_weight(number);
  widget.set_code(Code());
  widget.set_region(Place());
  widget.set_bin(absl::StrFormat("%012d", number / 20));
  widget.add_tags(Sentence(6, false));
  widget.add_tags(Sentence(6, true));
  widget.set_name(absl::StrCat("steel product grade ", random_() % 5000, " for industrial use"));
  widget.set_note(Sentence(22, random_() % 2 == 0));
  return row;
}

search::Query GoodsMaker::TwoWordsThreeFilters(base::Date day) {
  search::Query query;
  query.text = absl::StrCat(Drawn(), " ", Drawn());
  query.day = day;
  query.place = Place().substr(0, 2);
  query.domestic = true;
  if (random_() % 2 == 0) {
    query.codes = {{'g', Code().substr(0, 2)}};
  } else {
    query.sizes = 3;
  }
  return query;
}

}  // namespace nisi::bench
