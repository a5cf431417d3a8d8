// ExportPublicRegister: open data. Its columns are written here one by one, so no field that is not
// public can come into it.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/lines.h"
#include "common/base/money.h"
#include "services/suppliers/offers.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/rules_supplier.h"

namespace nisi::suppliers {
namespace {

using ExportRequest = v1::ExportPublicRegisterRequest;
using Values = std::vector<std::string>;

// Messages are about so large; rows are read in steps, so that no pull holds its thread for long.
constexpr size_t kChunkBytes = 256 << 10;
constexpr size_t kRowsAPull = 1'000;

std::string DateText(const google::type::Date& date) {
  const auto day = base::Date::FromProto(date);
  return day.ok() ? day->ToString() : "";
}

std::string MoneyText(bool is_set, const google::type::Money& money) {
  if (!is_set) return "";
  const auto sum = base::Money::FromProto(money);
  return sum.ok() ? sum->ToString() : "";
}

// The name of a value of an enum; empty for the first.
std::string WordOf(int number, const std::string& name) {
  return number == 0 ? "" : name;
}

std::string Activities(const Supplier& supplier) {
  Values names;
  for (const int activity : supplier.activities())
    names.push_back(Supplier::Activity_Name(static_cast<Supplier::Activity>(activity)));
  return absl::StrJoin(names, ";");
}

Values ColumnsOf(ExportRequest::Content content) {
  switch (content) {
    case ExportRequest::OFFERS:
      return {"name",
              "bin",
              "kind",
              "ens_tru",
              "goods_code",
              "kpved",
              "agsk",
              "name_kk",
              "name_ru",
              "name_en",
              "specification",
              "unit",
              "annual_capacity",
              "price_from",
              "price_to",
              "localization",
              "in_country_value_bp"};
    case ExportRequest::EVIDENCE:
      return {"name",   "bin",        "type",        "number", "issuer_bin",
              "issuer", "valid_from", "valid_until", "covers"};
    case ExportRequest::DOMESTIC:
      return {"bin",  "name_kk",    "name_ru", "name_en",
              "kato", "activities", "ens_tru", "in_country_value_bp"};
    default:
      return {"bin",  "name_kk",    "name_ru", "name_en", "kato",
              "oked", "activities", "website", "size",    "valid_until"};
  }
}

Values SupplierLine(const Supplier& s) {
  return {s.bin(),
          s.name_kk(),
          s.name_ru(),
          s.name_en(),
          s.kato(),
          s.oked(),
          Activities(s),
          s.website(),
          WordOf(s.size(), v1::Size_Name(s.size())),
          DateText(s.valid_until())};
}

Values OfferLine(const Offer& o, int32_t value) {
  return {o.name(),
          o.bin(),
          v1::Kind_Name(o.kind()),
          o.ens_tru(),
          o.goods_code(),
          o.kpved(),
          o.agsk(),
          o.name_kk(),
          o.name_ru(),
          o.name_en(),
          o.specification(),
          o.unit(),
          o.annual_capacity(),
          MoneyText(o.has_price_from(), o.price_from()),
          MoneyText(o.has_price_to(), o.price_to()),
          WordOf(o.localization(), Offer::Localization_Name(o.localization())),
          absl::StrCat(value)};
}

Values EvidenceLine(const Evidence& e) {
  Values covers;
  for (const Evidence::Cover& cover : e.covers())
    covers.push_back(absl::StrCat(cover.ens_tru(), "=", cover.in_country_value_bp()));
  return {e.name(),
          e.bin(),
          Evidence::Type_Name(e.type()),
          e.number(),
          e.issuer_bin(),
          e.issuer(),
          DateText(e.valid_from()),
          DateText(e.valid_until()),
          absl::StrJoin(covers, ";")};
}

// The register of one day as it was known at one moment, from one snapshot.
class Export final : public rpc::MessageSource {
 public:
  Export(const store::Store& store, const ExportRequest& request, const store::At& at)
      : view_(store.Read()),
        request_(request),
        day_(DayOf(at, view_)),
        at_(at),
        lines_(request.format() == ExportRequest::CSV ? base::LineWriter::Format::kCsv
                                                      : base::LineWriter::Format::kJsonLines,
               ColumnsOf(request.content())) {}

  absl::StatusOr<State> Pull(std::string* out) override {
    if (ended_) return State::kEnd;
    bool more = true;
    while (more && lines_.pending() < kChunkBytes) {
      ASSIGN_OR_RETURN(more, Load());
    }
    v1::ExportPublicRegisterResponse message;
    if (first_) {
      ASSIGN_OR_RETURN(const int64_t position, view_.Position());
      message.set_position(position);
      *message.mutable_as_of() = day_.ToProto();
      first_ = false;
    }
    message.set_data(lines_.Take());
    if (!more) {
      ended_ = true;
      message.set_line_count(lines_.count());
      message.set_sha256(lines_.Digest());
    }
    *out = message.SerializeAsString();
    return State::kMessage;
  }

 private:
  // Some rows more; false when there are none.
  absl::StatusOr<bool> Load() {
    Books books(view_, at_.known_at_us);  // anew each time: a whole register does not fit in memory
    size_t rows = 0;
    bool more = false;
    const auto visit = [&](const store::RowView& row,
                           absl::string_view key) -> absl::StatusOr<bool> {
      if (rows++ == kRowsAPull) {
        more = true;
        return false;
      }
      after_.assign(key.data(), key.size());
      RETURN_IF_ERROR(AddRow(row, books));
      return true;
    };
    const store::TableDef* table = &kSuppliers;
    if (request_.content() == ExportRequest::OFFERS) table = &kOffers;
    if (request_.content() == ExportRequest::EVIDENCE) table = &kEvidence;
    RETURN_IF_ERROR(view_.Scan(*table, {{}, after_}, at_, visit));
    return more;
  }

  absl::Status AddRow(const store::RowView& view, Books& books) {
    switch (request_.content()) {
      case ExportRequest::OFFERS: {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<OfferRow>(view));
        const Offer& offer = stored.row.offer();
        ASSIGN_OR_RETURN(const bool there, IsThere(offer.bin(), books));
        if (!there) return absl::OkStatus();
        ASSIGN_OR_RETURN(const int32_t value, ValueOn(offer, day_, books));
        lines_.Add(OfferLine(offer, value));
        return absl::OkStatus();
      }
      case ExportRequest::EVIDENCE: {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EvidenceRow>(view));
        const auto days = CountsOn(stored.row);
        if (!days.has_value() || !days->Has(day_)) return absl::OkStatus();
        ASSIGN_OR_RETURN(const bool there, IsThere(stored.row.evidence().bin(), books));
        if (there) lines_.Add(EvidenceLine(stored.row.evidence()));
        return absl::OkStatus();
      }
      default: {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<SupplierRow>(view));
        Supplier& supplier = *stored.row.mutable_supplier();
        ShowOn(day_, &supplier);
        if (supplier.state() != Supplier::ACTIVE ||
            !absl::StartsWith(supplier.kato(), request_.kato_prefix())) {
          return absl::OkStatus();
        }
        if (request_.content() == ExportRequest::DOMESTIC) return AddDomestic(supplier, books);
        lines_.Add(SupplierLine(supplier));
        return absl::OkStatus();
      }
    }
  }

  // A line for each code that the supplier is domestic for.
  absl::Status AddDomestic(const Supplier& supplier, Books& books) {
    ASSIGN_OR_RETURN(const std::vector<EvidenceRow>* evidence, books.EvidenceOf(supplier.bin()));
    std::map<std::string, int32_t> codes;  // the lowest value of each
    for (const EvidenceRow& row : *evidence) {
      const auto days = CountsOn(row);
      if (!days.has_value() || !days->Has(day_)) continue;
      for (const Evidence::Cover& cover : row.evidence().covers()) {
        const int32_t value = ValueFor(row.evidence(), cover.ens_tru());
        int32_t& lowest = codes[cover.ens_tru()];
        if (value > 0 && (lowest == 0 || value < lowest)) lowest = value;
      }
    }
    for (const auto& [code, value] : codes) {
      if (value == 0) continue;
      lines_.Add({supplier.bin(), supplier.name_kk(), supplier.name_ru(), supplier.name_en(),
                  supplier.kato(), Activities(supplier), code, absl::StrCat(value)});
    }
    return absl::OkStatus();
  }

  // Whether what belongs to the supplier is in this export.
  absl::StatusOr<bool> IsThere(const std::string& bin, Books& books) {
    ASSIGN_OR_RETURN(const Supplier* supplier, books.SupplierOn(bin, day_));
    return supplier != nullptr && supplier->state() == Supplier::ACTIVE &&
           absl::StartsWith(supplier->kato(), request_.kato_prefix());
  }

  const store::View view_;
  const ExportRequest request_;
  const base::Date day_;
  const store::At at_;
  base::LineWriter lines_;
  std::string after_;
  bool first_ = true;
  bool ended_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportPublicRegister(
    Env& env, Call&, const v1::ExportPublicRegisterRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  return std::make_unique<Export>(*env.store, request, at);
}

}  // namespace nisi::suppliers
