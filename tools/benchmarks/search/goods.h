// Made offers for measuring the search: words by Zipf's law, three languages, codes, places,
// values.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "common/search/index.h"
#include "common/search/searcher.h"
#include "common/store/store.h"
#include "common/store/table.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::bench {

// Three indexes besides the search, as an offer has.
const store::Schema& GoodsSchema();
extern const store::Table<testing::v1::WidgetRow> kGoods;
extern const search::Index kGoodsSearch;

class GoodsMaker {
 public:
  explicit GoodsMaker(uint64_t seed);

  testing::v1::WidgetRow Row(int64_t number);
  // Two words drawn as texts draw them, and three filters.
  search::Query TwoWordsThreeFilters(base::Date day);
  // The word of rank n, the commonest being 0.
  const std::string& Word(size_t rank) const { return words_[rank]; }
  const std::string& Drawn();

 private:
  std::string Sentence(int words, bool kazakh);
  std::string Code();
  std::string Place();

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::vector<double> below_;  // share of texts' words up to a rank
};

}  // namespace nisi::bench
