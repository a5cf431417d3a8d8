// ImportSuppliers, ImportEvidence and ImportOffers: what a row becomes, and when it may enter. How
// rows come and are reported on is in common/rpc/import.h.
#include <map>
#include <optional>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/codes.h"
#include "common/base/money.h"
#include "common/cases/refusals.h"
#include "common/rpc/import.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/offers.h"
#include "services/suppliers/places.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

// A sum in tenge; what is none becomes one that no form allows.
google::type::Money ToMoney(const std::string& cell) {
  const auto sum = base::Money::Parse(cell);
  return sum.ok() ? sum->ToProto() : google::type::Money();
}

// A day; what is none becomes one that no form allows.
google::type::Date ToDate(const std::string& cell) {
  const auto day = base::Date::Parse(cell);
  return day.ok() ? day->ToProto() : google::type::Date();
}

int32_t ToNumber(const std::string& cell) {
  int32_t number = 0;
  return absl::SimpleAtoi(cell, &number) ? number : -1;
}

std::vector<std::string> Parts(const std::string& cell) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(cell, ';', absl::SkipWhitespace())) {
    parts.emplace_back(absl::StripAsciiWhitespace(part));
  }
  return parts;
}

std::string KeyOfBin(const std::string& cell) {
  return base::BinIin::Parse(cell).ok() ? cell : "";
}

class SupplierImport final : public rpc::Import<v1::ImportSuppliersRequest, Supplier> {
 public:
  explicit SupplierImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  Supplier FromRow(const Row& row) const override {
    Supplier supplier;
    supplier.set_bin(row.bin());
    supplier.set_name_kk(row.name_kk());
    supplier.set_name_ru(row.name_ru());
    supplier.set_name_en(row.name_en());
    supplier.set_kato(row.kato());
    supplier.set_address(row.address());
    supplier.set_oked(row.oked());
    for (const std::string& word : Parts(row.activities())) {
      supplier.add_activities(rpc::ValueNamed<Supplier::Activity>(word));
    }
    if (!row.contact_person().empty() || !row.phone().empty() || !row.email().empty()) {
      supplier.mutable_contacts()->set_person(row.contact_person());
      supplier.mutable_contacts()->set_phone(row.phone());
      supplier.mutable_contacts()->set_email(row.email());
    }
    supplier.set_website(row.website());
    if (!row.staff().empty()) supplier.mutable_finance()->set_staff(ToNumber(row.staff()));
    if (!row.annual_income().empty())
      *supplier.mutable_finance()->mutable_annual_income() = ToMoney(row.annual_income());
    if (!row.finance_year().empty())
      supplier.mutable_finance()->set_year(ToNumber(row.finance_year()));
    if (!row.registered_since().empty())
      *supplier.mutable_registered_since() = ToDate(row.registered_since());
    return supplier;
  }

  std::string KeyOf(const Row& row) const override { return KeyOfBin(row.bin()); }

  absl::Status Judge(const Supplier& supplier) const override {
    RETURN_IF_ERROR(CheckProfile(supplier));
    return SizeOf(supplier, *env_.norms, "").status();
  }

  absl::Status Gather(const Call& call, const std::vector<Supplier>& suppliers) override {
    std::set<std::string> katos;
    for (const Supplier& supplier : suppliers) {
      if (!supplier.kato().empty()) katos.insert(supplier.kato());
    }
    places_ = cases::PlacesOf(env_.ask_places, call, katos);
    return absl::OkStatus();
  }

  absl::Status Begin(store::Tx& tx, const Call& call, const Header& /*header*/) override {
    call_ = &call;
    ASSIGN_OR_RETURN(const base::Date last, EndOfRegistration(*env_.norms, tx.today()));
    valid_until_ = last;
    return absl::OkStatus();
  }

  absl::Status JudgeIn(const store::Tx& tx, const Supplier& supplier) override {
    const auto place = places_.find(supplier.kato());
    if (place != places_.end() && place->second.kato() != supplier.kato()) {
      return cases::PlaceEnded("kato", supplier.kato(), place->second.kato(),
                               errors::DatabaseRules());
    }
    ASSIGN_OR_RETURN(const auto found, tx.Find(kSuppliers, store::Key::Of(supplier.bin())));
    if (!found.has_value()) return absl::OkStatus();
    return SupplierMachine()
        .Ask(found->row.supplier().state(), SupplierVerb::kImport,
             {call_->caller->roles, call_->caller->subject, {}})
        .status();
  }

  absl::Status Enter(store::Tx& tx, const Supplier& told) override {
    ASSIGN_OR_RETURN(auto step, cases::Begin(*call_, SupplierMachine(), SupplierVerb::kImport,
                                             SupplierRow(), {.roles = call_->caller->roles}));
    Supplier& supplier = *step.row.mutable_supplier();
    supplier = told;
    // It was in a register since then, though known here from now on; its term begins anew today.
    if (told.has_registered_since()) {
      ASSIGN_OR_RETURN(step.day, base::Date::FromProto(told.registered_since()));
      if (*step.day > tx.today())
        return base::InvalidField("registered_since", "lies in the future");
    }
    supplier.set_name(SupplierName(supplier.bin()));
    if (const auto place = places_.find(supplier.kato()); place != places_.end()) {
      *supplier.mutable_place() = place->second;
    }
    supplier.set_registered_by(step.subject);
    supplier.set_verified_by(step.subject);
    *supplier.mutable_valid_until() = valid_until_.ToProto();
    RETURN_IF_ERROR(SetSize(*env_.norms, "", &supplier));
    RETURN_IF_ERROR(ScheduleTerm(env_, tx, supplier));
    return FinishSupplier(env_, tx, &step);
  }

 private:
  Env& env_;
  std::map<std::string, PlaceFact> places_;  // by code: what the map says of the rows' today
  const Call* call_ = nullptr;
  base::Date valid_until_;
};

// The cover of "281413.900.000001=45.5"; what does not read so is one that no form allows.
void AddCover(const std::string& cell, Evidence* evidence) {
  const std::vector<std::string> sides = absl::StrSplit(cell, absl::MaxSplits('=', 1));
  Evidence::Cover& cover = *evidence->add_covers();
  cover.set_ens_tru(sides.front());
  const auto value = base::Percent::Parse(sides.back());
  cover.set_in_country_value_bp(sides.size() == 2 && value.ok() ? value->hundredths() : -1);
}

// The 32 bytes that 64 hexadecimal digits stand for; empty for anything else.
std::string ToHash(const std::string& cell) {
  const bool hex = cell.size() == 64 && absl::c_all_of(cell, absl::ascii_isxdigit);
  return hex ? absl::HexStringToBytes(cell) : "";
}

class EvidenceImport final : public rpc::Import<v1::ImportEvidenceRequest, Evidence> {
 public:
  explicit EvidenceImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  Evidence FromRow(const Row& row) const override {
    Evidence evidence;
    evidence.set_bin(row.bin());
    evidence.set_type(rpc::ValueNamed<Evidence::Type>(row.type()));
    evidence.set_number(row.number());
    evidence.set_issuer_bin(row.issuer_bin());
    evidence.set_issuer(row.issuer());
    if (!row.valid_from().empty()) *evidence.mutable_valid_from() = ToDate(row.valid_from());
    if (!row.valid_until().empty()) *evidence.mutable_valid_until() = ToDate(row.valid_until());
    for (const std::string& cover : Parts(row.covers())) AddCover(cover, &evidence);
    nisi::type::v1::Document& document = *evidence.mutable_document();
    document.set_name(row.document_name());
    document.set_media_type(row.document_media_type());
    document.set_size_bytes(ToNumber(row.document_size()));
    document.set_sha256(ToHash(row.document_sha256()));
    return evidence;
  }

  std::string KeyOf(const Row& row) const override { return KeyOfBin(row.bin()); }

  absl::Status Begin(store::Tx&, const Call& call, const Header& /*header*/) override {
    call_ = &call;
    return absl::OkStatus();
  }

  absl::Status JudgeIn(const store::Tx& tx, const Evidence& told) override {
    return JudgeEvidence(tx, *call_, told);
  }

  absl::Status Enter(store::Tx& tx, const Evidence& told) override {
    return EnterEvidence(env_, *call_, tx, told, "").status();
  }

 private:
  Env& env_;
  const Call* call_ = nullptr;
};

class OfferImport final : public rpc::Import<v1::ImportOffersRequest, Offer> {
 public:
  OfferImport(Env& env, std::shared_ptr<const rpc::Caller> caller)
      : Import(*env.store), caller_(std::move(caller)) {}

 protected:
  // A supplier imports its own; the institute those of anybody.
  absl::Status CheckHeader(const Header& header) override {
    if (!header.parent().empty()) bin_ = BinIn(header.parent());
    if (caller_->Has(rpc::v1::INSTITUTE_LOCAL_CONTENT)) return absl::OkStatus();
    return !bin_.empty() && bin_ == caller_->bin ? absl::OkStatus() : base::AccessDenied();
  }

  Offer FromRow(const Row& row) const override {
    Offer offer;
    offer.set_bin(row.bin().empty() ? bin_ : row.bin());
    offer.set_kind(rpc::ValueNamed<v1::Kind>(row.kind()));
    offer.set_ens_tru(row.ens_tru());
    offer.set_goods_code(row.goods_code());
    offer.set_kpved(row.kpved());
    offer.set_agsk(row.agsk());
    offer.set_name_kk(row.name_kk());
    offer.set_name_ru(row.name_ru());
    offer.set_name_en(row.name_en());
    offer.set_specification(row.specification());
    offer.set_unit(row.unit());
    offer.set_annual_capacity(row.annual_capacity());
    if (!row.price_from().empty()) *offer.mutable_price_from() = ToMoney(row.price_from());
    if (!row.price_to().empty()) *offer.mutable_price_to() = ToMoney(row.price_to());
    offer.set_localization(rpc::ValueNamed<Offer::Localization>(row.localization()));
    for (std::string& name : Parts(row.evidence())) offer.add_evidence(std::move(name));
    return offer;
  }

  std::string KeyOf(const Row& row) const override {
    return base::EnsTruForm::Check(row.ens_tru()).ok() ? row.ens_tru() : "";
  }

  absl::Status Judge(const Offer& offer) const override {
    if (!bin_.empty() && offer.bin() != bin_)
      return base::InvalidField("bin", "is not the supplier of the header");
    return CheckOffer(offer, "");
  }

  absl::Status Begin(store::Tx& tx, const Call& /*call*/, const Header& /*header*/) override {
    entry_.emplace(tx);
    tx.Cite(errors::Database());
    return absl::OkStatus();
  }

  absl::Status JudgeIn(const store::Tx& /*tx*/, const Offer& offer) override {
    return entry_->Judge(offer, /*is_new=*/true);
  }

  absl::Status Enter(store::Tx& tx, const Offer& offer) override {
    OfferRow row;
    return entry_->Enter(tx, offer, &row);
  }

 private:
  const std::shared_ptr<const rpc::Caller> caller_;
  std::string bin_;  // of the header; empty: each row has its own
  std::optional<OfferEntry> entry_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportSuppliersRequest>>> ImportSuppliers(
    Env& env, Call&) {
  return std::make_unique<SupplierImport>(env);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEvidenceRequest>>> ImportEvidence(
    Env& env, Call&) {
  return std::make_unique<EvidenceImport>(env);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportOffersRequest>>> ImportOffers(
    Env& env, Call& call) {
  return std::make_unique<OfferImport>(env, call.caller);
}

}  // namespace nisi::suppliers
