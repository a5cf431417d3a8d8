// nisi-search-bench: search over a million made offers: what a query, a row of an import and a byte
// of memory cost. Fills an empty folder, or asks the store that is in it; one line of JSON.
//
//   nisi-search-bench FOLDER [OFFERS [QUERIES [ROWS-A-COMMAND]]]
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/search/posting.h"
#include "common/store/rocks_engine.h"
#include "common/store/witness.h"
#include "tools/benchmarks/search/goods.h"

namespace nisi::bench {
namespace {

using Clock = std::chrono::steady_clock;
using store::Space;

double MicrosSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of the calling thread alone.
double OwnCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// A line of /proc/self/status, MiB.
double MemoryMib(absl::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != absl::StrCat(std::string(name), ":")) continue;
    double kib = 0;
    status >> kib;
    return kib / 1024;
  }
  return 0;
}

double FolderMib(const std::string& folder) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".sst") bytes += static_cast<double>(entry.file_size());
  }
  return bytes / (1 << 20);
}

struct Settings {
  std::string data;
  int offers = 1'000'000;
  int queries = 2'000;
  int rows = 10'000;  // a command
};

class Figures {
 public:
  explicit Figures(std::ostream& out) : out_(out) {}
  ~Figures() { out_ << "{" << text_ << "}" << std::endl; }
  void Add(absl::string_view name, double value) {
    absl::StrAppendFormat(&text_, "%s\"%s\": %.4g", text_.empty() ? "" : ", ", std::string(name),
                          value);
  }
  void AddTimes(absl::string_view name, std::vector<double> micros) {
    std::sort(micros.begin(), micros.end());
    const auto at = [&micros](double share) {
      return micros[static_cast<size_t>(share * static_cast<double>(micros.size() - 1))];
    };
    Add(absl::StrCat(std::string(name), " p50_us"), at(0.5));
    Add(absl::StrCat(std::string(name), " p99_us"), at(0.99));
    Add(absl::StrCat(std::string(name), " max_us"), at(1));
  }

 private:
  std::ostream& out_;
  std::string text_;
};

absl::StatusOr<std::unique_ptr<store::Store>> OpenGoods(const std::string& data,
                                                        base::Clock* clock) {
  store::RocksOptions rocks;
  rocks.dir = data;
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  store::Store::Options options;
  options.clock = clock;
  options.background = false;
  return store::Store::Open(std::move(engine), GoodsSchema(), std::move(options));
}

store::CommandInfo Info() {
  store::CommandInfo info;
  info.actor = "bench/search";
  info.method = "/nisi.bench/Search";
  return info;
}

absl::Status Put(store::Store& store, std::vector<testing::v1::WidgetRow> rows) {
  return store
      .Write(Info(),
             [&rows](store::Tx& tx) -> absl::StatusOr<std::string> {
               for (testing::v1::WidgetRow& row : rows) RETURN_IF_ERROR(tx.Put(kGoods, &row));
               return std::string();
             })
      .status();
}

absl::Status Fill(const Settings& settings, store::Store& store, Figures& figures) {
  GoodsMaker maker(1);
  double longest = 0;
  const double began = CpuSeconds() - OwnCpuSeconds();
  for (int64_t next = 1; next <= settings.offers;) {
    std::vector<testing::v1::WidgetRow> rows;
    for (int i = 0; i < settings.rows && next <= settings.offers; ++i)
      rows.push_back(maker.Row(next++));
    const auto begin = Clock::now();
    RETURN_IF_ERROR(Put(store, std::move(rows)));
    longest = std::max(longest, MicrosSince(begin));
  }
  // All threads but this one, which makes the rows: the writer's, the disk's, RocksDB's own.
  const double cpu = CpuSeconds() - OwnCpuSeconds() - began;
  figures.Add("import, rows a CPU-second", settings.offers / cpu);
  figures.Add("longest command, ms", longest / 1000);
  for (const store::Figure& figure : store.engine().Stats()) {
    if (figure.name == "rocksdb_written_keys_total")
      figures.Add("keys written an offer", figure.value / settings.offers);
    if (figure.name == "rocksdb_written_bytes_total")
      figures.Add("bytes written an offer", figure.value / settings.offers);
  }
  return absl::OkStatus();
}

// Each query `times` over views of its own, as calls have.
absl::Status Ask(const store::Store& store, const search::Searcher& searcher, int times,
                 const std::function<search::Query()>& next, absl::string_view name,
                 Figures& figures) {
  std::vector<double> micros;
  double hits = 0;
  for (int i = 0; i < times; ++i) {
    const search::Query query = next();
    const auto begin = Clock::now();
    ASSIGN_OR_RETURN(const search::Page page, searcher.Find(store.Read(), query));
    const store::View view = store.Read();
    for (const search::Hit& hit : page.hits)
      RETURN_IF_ERROR(view.FindRaw(kGoods, store::Key::Of(hit.number)).status());
    micros.push_back(MicrosSince(begin));
    hits += static_cast<double>(page.total);
  }
  figures.AddTimes(name, std::move(micros));
  figures.Add(absl::StrCat(std::string(name), " hits"), hits / times);
  return absl::OkStatus();
}

absl::Status AskAll(const Settings& settings, store::Store& store, const search::Searcher& searcher,
                    Figures& figures) {
  const base::Date day = store.Read().today();
  GoodsMaker maker(2);
  const auto drawn = [&] { return maker.TwoWordsThreeFilters(day); };
  RETURN_IF_ERROR(Ask(store, searcher, settings.queries / 10, drawn,
                      "cold: two words, three filters", figures));
  RETURN_IF_ERROR(
      Ask(store, searcher, settings.queries, drawn, "two words, three filters", figures));
  RETURN_IF_ERROR(Ask(
      store, searcher, settings.queries / 10,
      [&] {
        search::Query query = maker.TwoWordsThreeFilters(day);
        query.text = absl::StrCat(maker.Word(0), " ", maker.Word(1));
        query.codes.clear();
        return query;
      },
      "the two commonest words, two filters", figures));
  size_t rank = 0;
  RETURN_IF_ERROR(Ask(
      store, searcher, settings.queries / 10,
      [&] {
        search::Query query;
        query.day = day;
        query.text = maker.Word(rank++ % 10);
        return query;
      },
      "one of the ten commonest words", figures));
  RETURN_IF_ERROR(Ask(
      store, searcher, settings.queries / 50,
      [&] {
        search::Query query;
        query.day = day;
        query.place = "15";
        return query;
      },
      "no words", figures));
  RETURN_IF_ERROR(Ask(
      store, searcher, settings.queries / 50,
      [&] {
        search::Query query;
        query.day = day;
        // One of four syllables: a shorter one begins too many words.
        for (++rank; maker.Word(500 + rank % 50'000).size() < 16;) ++rank;
        query.text = maker.Word(500 + rank % 50'000) + "*";
        return query;
      },
      "a beginning", figures));
  // Two clients, with a writer beside.
  std::atomic<bool> stop{false};
  int64_t written = 0;
  std::thread writer([&] {
    GoodsMaker other(3);
    while (!stop) {
      if (!Put(store, {other.Row(1 + written % settings.offers)}).ok()) break;
      ++written;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  const auto begin = Clock::now();
  const absl::Status asked = Ask(store, searcher, settings.queries, drawn,
                                 "two words, three filters, 100 writes a second beside", figures);
  const double seconds = MicrosSince(begin) / 1e6;
  stop = true;
  writer.join();
  figures.Add("writes a second beside", static_cast<double>(written) / seconds);
  RETURN_IF_ERROR(asked);
  // One row a command, one after another.
  const double before = CpuSeconds();
  const int64_t count = 500;
  for (int64_t i = 0; i < count; ++i)
    RETURN_IF_ERROR(Put(store, {maker.Row(1 + i * 997 % settings.offers)}));
  figures.Add("one offer changed, CPU us",
              (CpuSeconds() - before) * 1e6 / static_cast<double>(count));
  return absl::OkStatus();
}

// The same postings from memory: what no engine and no format could be quicker than.
absl::Status AskMemory(const store::Store& store, Figures& figures) {
  GoodsMaker maker(2);
  const store::View view = store.Read();
  std::vector<std::vector<search::PostingSet>> lists;
  for (size_t rank = 0; rank < 2; ++rank) {
    std::vector<search::PostingSet> sets;
    const auto stems =
        search::Analyzer::OfThread().StemsOf(maker.Word(rank), search::Language::kUnknown);
    for (const std::string& stem : stems) {
      const std::string prefix = search::PostingsPrefix(kGoodsSearch.id, absl::StrCat("w", stem));
      const auto cursor = view.snapshot().Scan(Space::kData, prefix, store::PrefixEnd(prefix));
      for (; cursor->Valid(); cursor->Next()) {
        ASSIGN_OR_RETURN(const auto place, search::DecodePostingKey(cursor->key()));
        if (sets.size() <= place.block) sets.resize(place.block + 1);
        RETURN_IF_ERROR(search::DecodePostings(cursor->value(), &sets[place.block]));
      }
    }
    lists.push_back(std::move(sets));
  }
  std::vector<double> micros;
  size_t total = 0;
  for (int i = 0; i < 100; ++i) {
    const auto begin = Clock::now();
    total = 0;
    for (size_t block = 0; block < std::min(lists[0].size(), lists[1].size()); ++block) {
      for (size_t at = 0; at < search::Bits::kWords; ++at) {
        total += static_cast<size_t>(
            std::popcount(lists[0][block].all.words()[at] & lists[1][block].all.words()[at]));
      }
    }
    micros.push_back(MicrosSince(begin));
  }
  figures.AddTimes("raw: the two commonest words, bitmaps in memory", std::move(micros));
  figures.Add("raw: documents with both", static_cast<double>(total));
  // 50 point reads of RocksDB, as a page of rows needs.
  std::vector<double> reads;
  for (int64_t i = 0; i < 200; ++i) {
    const auto begin = Clock::now();
    for (int64_t n = 0; n < 50; ++n) {
      std::string value;
      RETURN_IF_ERROR(
          view.snapshot()
              .Get(Space::kData,
                   store::RowKey(kGoods, store::Key::Of(1 + (i * 50 + n) * 7919 % 100'000).bytes()),
                   &value)
              .status());
    }
    reads.push_back(MicrosSince(begin));
  }
  figures.AddTimes("raw: 50 rows read by key", std::move(reads));
  return absl::OkStatus();
}

absl::Status Run(const Settings& settings, std::ostream& out) {
  base::SystemClock clock;
  std::filesystem::create_directories(settings.data);
  const bool is_new = std::filesystem::is_empty(settings.data);
  Figures figures(out);
  const auto begin = Clock::now();
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenGoods(settings.data, &clock));
  if (is_new) {
    RETURN_IF_ERROR(Fill(settings, *store, figures));
    const double cpu = CpuSeconds();
    RETURN_IF_ERROR(store::CompactRocks(const_cast<store::Engine&>(store->engine())));
    figures.Add("compaction after it, CPU s", CpuSeconds() - cpu);
    figures.Add("disk an offer, bytes", FolderMib(settings.data) * (1 << 20) / settings.offers);
    figures.Add("memory peak, MiB", MemoryMib("VmHWM"));
    return absl::OkStatus();
  }
  const search::Searcher searcher(kGoodsSearch);
  RETURN_IF_ERROR(searcher.Load(store->Read()));
  figures.Add("opening, s", MicrosSince(begin) / 1e6);
  figures.Add("columns, MiB", static_cast<double>(searcher.memory_bytes()) / (1 << 20));
  figures.Add("memory after opening, MiB", MemoryMib("VmRSS"));
  RETURN_IF_ERROR(AskAll(settings, *store, searcher, figures));
  RETURN_IF_ERROR(AskMemory(*store, figures));
  figures.Add("memory peak, MiB", MemoryMib("VmHWM"));
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Settings settings;
  int* const numbers[] = {&settings.offers, &settings.queries, &settings.rows};
  bool good = argc > 1 && argc <= 5;
  if (good) settings.data = argv[1];
  for (int i = 2; i < argc && good; ++i)
    good = absl::SimpleAtoi(argv[i], numbers[i - 2]) && *numbers[i - 2] >= 100;
  if (!good) {
    std::cerr << "nisi-search-bench FOLDER [OFFERS [QUERIES [ROWS-A-COMMAND]]]\n";
    return 2;
  }
  if (const absl::Status status = Run(settings, std::cout); !status.ok()) {
    std::cerr << "nisi-search-bench: " << status.ToString() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace nisi::bench

int main(int argc, char** argv) {
  return nisi::bench::Main(argc, argv);
}
