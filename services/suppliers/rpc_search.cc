// SearchOffers: the public register by words and filters (Art. 51(2)). How it is found is in
// common/search.
#include "common/rpc/page.h"
#include "common/search/searcher.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/search.h"

namespace nisi::suppliers {
namespace {

using SearchRequest = v1::SearchOffersRequest;
using SearchResponse = v1::SearchOffersResponse;

search::Query QueryOf(const SearchRequest& request) {
  search::Query query;
  query.text = request.query();
  if (!request.goods_code_prefix().empty())
    query.codes.emplace_back(kGoodsCodeTag, request.goods_code_prefix());
  if (!request.ens_tru_prefix().empty())
    query.codes.emplace_back(kEnsTruTag, request.ens_tru_prefix());
  if (!request.kpved().empty()) query.codes.emplace_back(kKpvedTag, request.kpved());
  query.place = request.kato_prefix();
  for (const int size : request.sizes()) query.sizes |= uint32_t{1} << size;
  if (request.kind() != v1::KIND_UNSPECIFIED) query.kinds = uint32_t{1} << request.kind();
  query.domestic = request.domestic_only() || request.minimum_in_country_value_bp() > 0;
  query.min_value_bp = static_cast<uint16_t>(request.minimum_in_country_value_bp());
  query.page_size = static_cast<size_t>(rpc::PageSize(request.page_size()));
  return query;
}

// The offer and its supplier as they were found.
absl::Status Fill(const store::View& view, const search::Hit& hit, const store::At& at,
                  SearchResponse::Result* result) {
  ASSIGN_OR_RETURN(auto offer, view.Find(kOffers, store::Key::Of(hit.number), at));
  if (!offer.has_value()) return base::StoreCorrupt("offer that a search found");
  *result->mutable_offer() = std::move(*offer->row.mutable_offer());
  ASSIGN_OR_RETURN(auto found, view.Find(kSuppliers, store::Key::Of(result->offer().bin()), at));
  if (!found.has_value()) return base::StoreCorrupt("supplier of an offer that a search found");
  const Supplier& supplier = found->row.supplier();
  result->set_supplier_name_kk(supplier.name_kk());
  result->set_supplier_name_ru(supplier.name_ru());
  result->set_supplier_kato(supplier.kato());
  result->set_supplier_size(supplier.size());
  for (const v1::ValuePeriod& period : result->offer().in_country_value()) {
    const auto from = base::Date::FromProto(period.from());
    const auto until = base::Date::FromProto(period.until());
    if (from.ok() && until.ok() && *from <= *at.as_of && *at.as_of < *until)
      result->set_in_country_value_bp(period.in_country_value_bp());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::SearchOffersResponse> SearchOffers(Env& env, Call& call,
                                                      const SearchRequest& request) {
  ASSIGN_OR_RETURN(const store::At asked, rpc::AtOf(request));
  if (call.reach == store::Reach::kMemory) return store::NotInMemory();
  const store::View view = env.store->Read();
  const rpc::PageTokens tokens(env.store->token_key(), env.store->clock().Now());
  const std::string hash = rpc::QueryHash(request, "");
  search::Query query = QueryOf(request);
  query.day = asked.as_of.value_or(view.today());
  query.known_at_us = asked.known_at_us;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const rpc::PageState state, tokens.Decode(request.page_token(), hash));
    ASSIGN_OR_RETURN(query.after, search::Place::Decode(state.last_key));
    ASSIGN_OR_RETURN(query.day, base::Date::FromDays(query.after->day));
    query.known_at_us = state.recorded_us;
  }
  ASSIGN_OR_RETURN(const search::Page page, env.searcher->Find(view, query));
  const store::At at{query.day, page.known_at_us};
  SearchResponse response;
  for (const search::Hit& hit : page.hits)
    RETURN_IF_ERROR(Fill(view, hit, at, response.add_results()));
  if (page.next.has_value()) {
    response.set_next_page_token(
        tokens.Encode({.recorded_us = page.known_at_us, .last_key = page.next->Encode()}, hash));
  }
  response.set_total_count(static_cast<int64_t>(page.total));
  *response.mutable_as_of() = query.day.ToProto();
  response.mutable_known_at()->set_seconds(page.known_at_us / 1'000'000);
  response.mutable_known_at()->set_nanos(static_cast<int32_t>(page.known_at_us % 1'000'000) * 1000);
  return response;
}

}  // namespace nisi::suppliers
