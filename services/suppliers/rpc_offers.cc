#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/offers.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

bool IsPublished(const Offer& /*offer*/) {
  return true;  // while its supplier is
}

bool Names(const Offer& offer, const std::string& evidence) {
  return std::find(offer.evidence().begin(), offer.evidence().end(), evidence) !=
         offer.evidence().end();
}

// Notes that versions of the offer name evidence that it does not name from now on.
absl::Status NoteFormer(store::Tx& tx, const OfferRow& offer, const std::string& evidence) {
  OfferRow former;
  former.set_number(offer.number());
  former.mutable_offer()->set_name(offer.offer().name());
  former.mutable_offer()->set_bin(offer.offer().bin());
  former.mutable_offer()->add_evidence(evidence);
  const store::Key key = store::Key::Of(evidence, offer.number());
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kFormerOffers, key));
  return known.has_value() ? absl::OkStatus() : tx.Put(kFormerOffers, &former);
}

// The numbers of the offers of which a version names the evidence.
absl::StatusOr<std::set<int64_t>> OffersNaming(const store::Tx& tx, const std::string& evidence) {
  std::set<int64_t> numbers;
  const auto take = [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<OfferRow>(view));
    numbers.insert(stored.row.number());
    return true;
  };
  const store::Range range{store::Key::Of(evidence), ""};
  RETURN_IF_ERROR(tx.Scan(kOffersByEvidence, range, {}, take));
  RETURN_IF_ERROR(tx.Scan(kFormerOffers, range, {}, take));
  return numbers;
}

// Puts the value of one offer anew from the day on, at each version since: each names evidence of
// its own. Days on which it was not there stay so.
absl::Status RefreshFrom(store::Tx& tx, OfferEntry& entry, int64_t number, base::Date from) {
  const store::Key key = store::Key::Of(number);
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kOffers, key.bytes(), from));
  std::set<base::Date> days{from};
  for (const store::RawRow& version : versions)
    if (version.version.effective_from > from) days.insert(version.version.effective_from);
  bool changed = false;  // then the later ones follow, so that the last one told of is the last
  for (const base::Date day : days) {
    store::At at;
    at.as_of = day;
    ASSIGN_OR_RETURN(auto then, tx.Find(kOffers, key, at));
    if (!then.has_value()) continue;
    Offer* offer = then->row.mutable_offer();
    const std::string before = offer->SerializeAsString();
    RETURN_IF_ERROR(entry.SetValue(offer));
    changed = changed || offer->SerializeAsString() != before;
    if (changed) RETURN_IF_ERROR(tx.Put(kOffers, &then->row, day));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status OfferEntry::Judge(const Offer& offer, bool is_new) {
  ASSIGN_OR_RETURN(const Supplier* supplier, books_.SupplierOn(offer.bin(), tx_.today()));
  if (supplier == nullptr) return base::NotFound(kSuppliers.name, SupplierName(offer.bin()));
  if (supplier->state() == Supplier::REMOVED)
    return errors::SupplierState("REMOVED", "a registration that is not REMOVED is needed");
  if (is_new) {
    ASSIGN_OR_RETURN(const int64_t count, CountOf(offer.bin()));
    if (count >= kMaxOffers) return errors::OffersTooMany(kMaxOffers);
  }
  for (const std::string& name : offer.evidence()) {
    ASSIGN_OR_RETURN(const EvidenceRow* row, books_.EvidenceNamed(offer.bin(), name));
    RETURN_IF_ERROR(CheckEvidence(offer, name, row));
  }
  return absl::OkStatus();
}

absl::Status OfferEntry::Enter(store::Tx& tx, const Offer& offer, OfferRow* row) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("offers"));
  row->set_number(number);
  *row->mutable_offer() = offer;
  row->mutable_offer()->set_name(OfferName(number));
  RETURN_IF_ERROR(SetValue(row->mutable_offer()));
  RETURN_IF_ERROR(tx.Put(kOffers, row));
  const auto count = counts_.find(offer.bin());
  if (count != counts_.end()) ++count->second;
  return absl::OkStatus();
}

absl::Status OfferEntry::SetValue(Offer* offer) {
  std::vector<const EvidenceRow*> evidence;
  for (const std::string& name : offer->evidence()) {
    ASSIGN_OR_RETURN(const EvidenceRow* row, books_.EvidenceNamed(offer->bin(), name));
    if (row != nullptr) evidence.push_back(row);
  }
  offer->clear_in_country_value();
  for (v1::ValuePeriod& period : ValuePeriods(offer->ens_tru(), evidence)) {
    *offer->add_in_country_value() = std::move(period);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> OfferEntry::CountOf(const std::string& bin) {
  const auto [it, fresh] = counts_.try_emplace(bin, 0);
  if (fresh) {
    ASSIGN_OR_RETURN(it->second, cases::CountIn(tx_, kOfferCounts, store::Key::Of(bin)));
  }
  return it->second;
}

absl::StatusOr<int32_t> ValueOn(const Offer& offer, base::Date day, Books& books) {
  int32_t lowest = 0;
  for (const std::string& name : offer.evidence()) {
    ASSIGN_OR_RETURN(const EvidenceRow* row, books.EvidenceNamed(offer.bin(), name));
    if (row == nullptr) continue;
    const auto days = CountsOn(*row);
    const int32_t value = ValueFor(row->evidence(), offer.ens_tru());
    if (!days.has_value() || !days->Has(day) || value == 0) continue;
    if (lowest == 0 || value < lowest) lowest = value;
  }
  return lowest;
}

absl::Status RefreshOffers(store::Tx& tx, const Evidence& evidence, base::Date from) {
  ASSIGN_OR_RETURN(const std::set<int64_t> numbers, OffersNaming(tx, evidence.name()));
  OfferEntry entry(tx);
  for (const int64_t number : numbers)
    RETURN_IF_ERROR(RefreshFrom(tx, entry, number, std::min(from, tx.today())));
  return absl::OkStatus();
}

absl::StatusOr<v1::Offer> CreateOffer(Env& /*env*/, const Call& /*call*/, store::Tx& tx,
                                      const v1::CreateOfferRequest& request) {
  RETURN_IF_ERROR(CheckOffer(request.offer(), "offer."));
  OfferEntry entry(tx);
  RETURN_IF_ERROR(entry.Judge(request.offer(), /*is_new=*/true));
  tx.Cite(errors::Database());
  OfferRow row;
  RETURN_IF_ERROR(entry.Enter(tx, request.offer(), &row));
  return row.offer();
}

absl::StatusOr<v1::BatchCreateOffersResponse> BatchCreateOffers(
    Env& /*env*/, const Call& /*call*/, store::Tx& tx,
    const v1::BatchCreateOffersRequest& request) {
  v1::BatchCreateOffersResponse response;
  OfferEntry entry(tx);
  tx.Cite(errors::Database());
  for (int i = 0; i < request.offers_size(); ++i) {
    const Offer& offer = request.offers(i);
    const std::string path = absl::StrCat("offers[", i, "]");
    if (offer.bin() != request.bin())
      return base::InvalidField(path + ".bin", "is not the supplier of the request");
    RETURN_IF_ERROR(CheckOffer(offer, path + "."));
    OfferRow row;
    absl::Status entered = entry.Judge(offer, /*is_new=*/true);
    if (entered.ok()) entered = entry.Enter(tx, offer, &row);
    if (!entered.ok()) return rpc::InItem(std::move(entered), path);
    *response.add_offers() = std::move(*row.mutable_offer());
  }
  return response;
}

absl::StatusOr<v1::Offer> UpdateOffer(Env& /*env*/, const Call& call, store::Tx& tx,
                                      const v1::UpdateOfferRequest& request) {
  const std::string& name = request.offer().name();
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(name, "offers/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kOffers, store::Key::Of(number), name));
  Offer& offer = *found.row.mutable_offer();
  const std::vector<std::string> named(offer.evidence().begin(), offer.evidence().end());
  RETURN_IF_ERROR(rpc::UpdateResource(request.offer(), request.update_mask(), &offer, &call));
  RETURN_IF_ERROR(CheckOffer(offer, "offer."));
  OfferEntry entry(tx);
  RETURN_IF_ERROR(entry.Judge(offer, /*is_new=*/false));
  RETURN_IF_ERROR(entry.SetValue(&offer));
  for (const std::string& evidence : named)
    if (!Names(offer, evidence)) RETURN_IF_ERROR(NoteFormer(tx, found.row, evidence));
  tx.Cite(errors::Database());
  RETURN_IF_ERROR(tx.Put(kOffers, &found.row));
  return offer;
}

absl::StatusOr<v1::DeleteOfferResponse> DeleteOffer(Env& /*env*/, const Call& call, store::Tx& tx,
                                                    const v1::DeleteOfferRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "offers/*"));
  const store::Key key = store::Key::Of(number);
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(tx, call, kOffers, key, request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.offer().etag()));
  for (const std::string& evidence : found.row.offer().evidence())
    RETURN_IF_ERROR(NoteFormer(tx, found.row, evidence));
  tx.Cite(errors::Database());
  RETURN_IF_ERROR(tx.End(kOffers, key));
  return v1::DeleteOfferResponse();
}

absl::StatusOr<Encoded<v1::Offer>> GetOffer(Env& env, Call& call,
                                            const v1::GetOfferRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "offers/*"));
  return GetOfSupplier<Offer>(env, call, kOffers, store::Key::Of(number), request, IsPublished);
}

absl::StatusOr<Encoded<v1::ListOffersResponse>> ListOffers(Env& env, Call& call,
                                                           const v1::ListOffersRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kOffers, request, call));
  plan.indexes = {{"bin", &kOffersBySupplier, rpc::TextKey},
                  {"ens_tru", &kOffersByEnsTru, rpc::TextKey},
                  {"goods_code", &kOffersByGoodsCode, rpc::TextKey}};
  plan.orders = {{"number"}, {"ens_tru", &kOffersByEnsTru, {}}};
  ShowOfSupplier<Offer>(call, IsPublished, nullptr, &plan);
  return rpc::ListAs<v1::ListOffersResponse>(*env.store, plan);
}

}  // namespace nisi::suppliers
