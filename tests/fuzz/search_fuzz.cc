// Search: whatever is typed or written becomes terms that a key can hold; whatever bytes lie in the
// index are read as what they say or called damage, and a search over them ends in a status.
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/search/posting.h"
#include "common/search/searcher.h"
#include "common/store/mem_engine.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::search_target {
namespace {

using testing::v1::WidgetRow;

void CheckDamage(const absl::Status& status) {
  Expect(status.ok() || absl::IsDataLoss(status), "what does not decode is damage");
}

void CheckText(Input& in) {
  const auto language = static_cast<search::Language>(in.Byte() % 4);
  const absl::string_view text = in.Rest();
  const auto check = [](absl::string_view term) {
    Expect(!term.empty() && term.size() <= search::kMaxTermBytes, "a term has a length");
    Expect(term.find('\0') == absl::string_view::npos, "no term has a zero");
  };
  search::Analyzer::VisitWords(text, check);
  std::vector<std::string> terms, again;
  search::Analyzer::OfThread().VisitTerms(text, language, [&](absl::string_view term) {
    check(term);
    terms.emplace_back(term);
  });
  search::Analyzer().VisitTerms(text, language,
                                [&](absl::string_view term) { again.emplace_back(term); });
  Expect(terms == again, "a text has the same terms whoever looks");
}

void CheckPostings(absl::string_view bytes) {
  search::PostingSet set;
  const absl::Status status = search::DecodePostings(bytes, &set);
  CheckDamage(status);
  if (status.ok()) Expect(search::EncodePostings(set) == bytes, "a posting set has one spelling");
}

void CheckRows(Input& in) {
  const uint8_t kind = in.Byte() % 6;
  const absl::string_view bytes = in.Rest();
  const auto check = [&](const auto& row, const auto& encode) {
    CheckDamage(row.status());
    if (row.ok()) Expect(encode(*row) == bytes, "a row has one spelling");
  };
  const auto encode = [](const auto& row) { return search::Encode(row); };
  if (kind == 0) check(search::DecodeDocument(bytes), encode);
  if (kind == 1) check(search::DecodeDeath(bytes), encode);
  if (kind == 2) check(search::DecodeCounts(bytes), encode);
  if (kind == 3) check(search::DecodeLiving(bytes), search::EncodeLiving);
  if (kind == 4) check(search::Place::Decode(bytes), [](const auto& p) { return p.Encode(); });
  if (kind == 5) {
    check(search::DecodePostingKey(bytes), [&](const search::PostingPlace& place) {
      return std::string(bytes.substr(0, 3)) +
             search::PostingKey(1, place.term, place.block).substr(3);
    });
  }
}

const store::Table<WidgetRow> kGoods(1, "goods", [](const WidgetRow& row) {
  return store::Key::Of(row.widget().weight());
});

absl::Status DocumentsOf(const store::Reader& reader, int64_t number,
                         const search::EmitDocument& emit) {
  ASSIGN_OR_RETURN(const auto found, reader.Find(kGoods, store::Key::Of(number)));
  if (!found.has_value()) return absl::OkStatus();
  search::Document document;
  document.AddText(found->row.widget().note(), search::Language::kUnknown, true);
  document.columns.place = search::PlaceOf("750000000");
  emit(std::move(document));
  return absl::OkStatus();
}
const search::Index kSearch(2, "search", kGoods, &DocumentsOf);

// Ten goods that are found, over an engine in memory.
class Goods {
 public:
  Goods() {
    schema_.name = "testing";
    schema_.tables = {&kGoods};
    schema_.derived = {&kSearch};
    store::Store::Options options;
    options.clock = &clock_;
    options.background = false;
    auto opened = store::Store::Open(store::OpenMem(), schema_, std::move(options));
    Expect(opened.ok(), "a store opens");
    store_ = *std::move(opened);
    const auto outcome = store_->Write({}, [](store::Tx& tx) -> absl::StatusOr<std::string> {
      for (int64_t number = 0; number < 10; ++number) {
        WidgetRow row;
        row.mutable_widget()->set_weight(number);
        row.mutable_widget()->set_note(number % 2 == 0 ? "pump steel" : "pump cable");
        RETURN_IF_ERROR(tx.Put(kGoods, &row));
      }
      return std::string();
    });
    const auto changed = store_->Write({}, [](store::Tx& tx) -> absl::StatusOr<std::string> {
      WidgetRow row;  // number 0, with another text: its first document dies
      RETURN_IF_ERROR(tx.Put(kGoods, &row));
      return std::string();
    });
    Expect(outcome.ok() && changed.ok(), "goods are written");
  }

  std::string Row(const std::string& key) const {
    std::string value;
    Expect(store_->Read().snapshot().Get(store::Space::kData, key, &value).ok(), "a row is read");
    return value;
  }
  void Write(const std::string& key, const std::string& value) {
    const absl::Status status = store_->Bookkeep([&](store::Overlay& rows) {
      rows.Put(store::Space::kData, key, value);
      return absl::OkStatus();
    });
    Expect(status.ok(), "a row is written");
  }
  void Search(const std::string& text) const {
    search::Query query;
    query.text = text;
    query.day = store_->Read().today();
    query.page_size = 3;
    const search::Searcher searcher(kSearch);
    const auto page = searcher.Find(store_->Read(), query);
    const absl::StatusCode code = page.status().code();
    Expect(page.ok() || code == absl::StatusCode::kDataLoss ||
               code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kOutOfRange,
           "a search ends in a status");
    if (page.ok()) Expect(page->hits.size() <= 3 && page->hits.size() <= page->total, "a page");
  }

 private:
  base::SystemClock clock_;
  store::Schema schema_;
  std::unique_ptr<store::Store> store_;
};

void CheckSearch(Input& in) {
  static auto* const goods = new Goods;
  const uint16_t id = kSearch.id;
  const std::string keys[] = {search::PostingKey(id, "wpump", 0), search::DocumentKey(id, 3),
                              search::DeathKey(id, 0), search::CountsKey(id)};
  const std::string& key = keys[in.Byte() % 4];
  const std::string text = "pump " + std::string(in.Part());
  const std::string before = goods->Row(key);
  goods->Write(key, Edited(before, in));
  goods->Search(text);
  goods->Search("pu*");
  goods->Write(key, before);
}

}  // namespace

NISI_FUZZ_TARGET(search) {
  Input in(data, size);
  switch (in.Byte() % 4) {
    case 0:
      CheckText(in);
      break;
    case 1:
      CheckPostings(in.Rest());
      break;
    case 2:
      CheckRows(in);
      break;
    default:
      CheckSearch(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::search_target
