#include "services/suppliers/search.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/search/stretches.h"
#include "services/suppliers/rules_supplier.h"

namespace nisi::suppliers {
namespace {

using search::Columns;
using search::Document;
using search::Language;
using v1::Offer;
using v1::Supplier;

struct DayRange {
  int32_t from = 0;
  int32_t until = 0;
};

std::optional<int32_t> DayIn(bool given, const google::type::Date& date) {
  if (!given) return std::nullopt;
  const auto day = base::Date::FromProto(date);
  if (!day.ok()) return std::nullopt;
  return day->days();
}

// Of a version of the supplier that holds on [from, until): on which of these days it is ACTIVE.
// The days on which a suspension or the registration ends are in the version itself (ShowOn).
std::optional<DayRange> ActiveDays(const Supplier& supplier, int32_t from, int32_t until) {
  const auto last = DayIn(supplier.has_valid_until(), supplier.valid_until());
  if (last.has_value()) until = std::min(until, *last + 1);
  if (supplier.state() == Supplier::SUSPENDED) {
    const auto ends = DayIn(supplier.has_suspended_until(), supplier.suspended_until());
    if (!ends.has_value()) return std::nullopt;
    from = std::max(from, *ends);
  } else if (supplier.state() != Supplier::ACTIVE) {
    return std::nullopt;
  }
  if (from >= until) return std::nullopt;
  return DayRange{from, until};
}

struct SupplierStretch {
  int32_t from = 0;
  int32_t until = 0;
  Supplier supplier;
};

// The supplier over the days, cut only where it looks another way: so an edit of anything else
// leaves the documents of its offers as they are.
absl::StatusOr<std::vector<SupplierStretch>> SupplierOver(const store::Reader& reader,
                                                          const std::string& bin) {
  ASSIGN_OR_RETURN(const auto versions,
                   search::StretchesOf(reader, kSuppliers, store::Key::Of(bin)));
  std::vector<SupplierStretch> stretches;
  for (const search::Stretch& version : versions) {
    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<SupplierRow>(version.row.view()));
    Supplier& supplier = *stored.row.mutable_supplier();
    if (!stretches.empty() && stretches.back().until == version.from &&
        LooksAlike(stretches.back().supplier, supplier)) {
      stretches.back().until = version.until;
    } else {
      stretches.push_back({version.from, version.until, std::move(supplier)});
    }
  }
  return stretches;
}

// Codes first: a document holds no more than kMaxTerms, and what is found by code must not depend
// on how much a text says.
void AddTexts(const Offer& offer, Document* document) {
  document->AddCode(kGoodsCodeTag, offer.goods_code(), {2, 4, 6, 8});
  document->AddCode(kEnsTruTag, offer.ens_tru(), {6, 10});
  document->AddCode(kKpvedTag, offer.kpved(), {5, 7, 8, 9});
  document->AddText(offer.name_kk(), Language::kKazakh, true);
  document->AddText(offer.name_ru(), Language::kRussian, true);
  document->AddText(offer.name_en(), Language::kEnglish, true);
  document->AddText(offer.specification(), Language::kUnknown, false);
}

// Emits the offer as it is on `days`, cut where another piece of evidence begins to give the value.
void EmitOffer(const Offer& offer, const Supplier& supplier, DayRange days,
               const search::EmitDocument& emit) {
  std::vector<std::pair<DayRange, int32_t>> values;
  for (const v1::ValuePeriod& period : offer.in_country_value()) {
    const auto from = DayIn(period.has_from(), period.from());
    const auto until = DayIn(period.has_until(), period.until());
    const DayRange holds{std::max(days.from, from.value_or(days.from)),
                         std::min(days.until, until.value_or(days.until))};
    if (holds.from < holds.until) values.push_back({holds, period.in_country_value_bp()});
  }
  std::sort(values.begin(), values.end(),
            [](const auto& a, const auto& b) { return a.first.from < b.first.from; });
  size_t i = 0;
  do {
    Document document;
    AddTexts(offer, &document);
    Columns& columns = document.columns;
    columns.from = i == 0 ? days.from : values[i].first.from;
    columns.until = i + 1 < values.size() ? values[i + 1].first.from : days.until;
    if (i < values.size()) {
      columns.value_from = values[i].first.from;
      columns.value_until = values[i].first.until;
      columns.value_bp = static_cast<uint16_t>(values[i].second);
    }
    columns.place = search::PlaceOf(supplier.kato());
    columns.size = static_cast<uint8_t>(supplier.size());
    columns.kind = static_cast<uint8_t>(offer.kind());
    emit(std::move(document));
  } while (++i < values.size());
}

}  // namespace

const search::Index kOfferSearch(29, "offer_search", kOffers, &DocumentsOf);

absl::Status DocumentsOf(const store::Reader& reader, int64_t number,
                         const search::EmitDocument& emit) {
  ASSIGN_OR_RETURN(const auto offers, search::StretchesOf(reader, kOffers, store::Key::Of(number)));
  for (const search::Stretch& stretch : offers) {
    ASSIGN_OR_RETURN(const auto offer, store::Reader::Parse<OfferRow>(stretch.row.view()));
    ASSIGN_OR_RETURN(const auto suppliers, SupplierOver(reader, offer.row.offer().bin()));
    for (const SupplierStretch& of_supplier : suppliers) {
      const int32_t from = std::max(stretch.from, of_supplier.from);
      const int32_t until = std::min(stretch.until, of_supplier.until);
      if (from >= until) continue;
      const auto days = ActiveDays(of_supplier.supplier, from, until);
      if (days.has_value()) EmitOffer(offer.row.offer(), of_supplier.supplier, *days, emit);
    }
  }
  return absl::OkStatus();
}

bool LooksAlike(const Supplier& one, const Supplier& other) {
  return one.state() == other.state() && one.kato() == other.kato() && one.size() == other.size() &&
         DayIn(one.has_valid_until(), one.valid_until()) ==
             DayIn(other.has_valid_until(), other.valid_until()) &&
         DayIn(one.has_suspended_until(), one.suspended_until()) ==
             DayIn(other.has_suspended_until(), other.suspended_until());
}

absl::Status TouchOffers(store::Tx& tx, const std::string& bin) {
  return tx.Scan(kOffersBySupplier, {store::Key::Of(bin), ""}, {},
                 [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                   ASSIGN_OR_RETURN(const auto offer, store::Reader::Parse<OfferRow>(row));
                   tx.Touch(kOfferSearch, store::Key::Of(offer.row.number()));
                   return true;
                 });
}

}  // namespace nisi::suppliers
