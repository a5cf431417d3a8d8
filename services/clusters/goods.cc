#include "services/clusters/goods.h"

#include "absl/strings/str_cat.h"
#include "nisi/priority_goods/v1/service.pb.h"

namespace nisi::clusters {
namespace {

using priority_goods::v1::CheckGoodsRequest;
using priority_goods::v1::CheckGoodsResponse;
using priority_goods::v1::PriorityGoodsService;

// A record of the registry and where it stands in its journal.
Source At(const std::string& name, int64_t position) {
  return {absl::StrCat("priority-goods/", name), absl::StrCat("position ", position)};
}

GoodsOnList::One OneOf(const CheckGoodsResponse::Result& result, const Source& list) {
  GoodsOnList::One one;
  one.code = result.code();
  one.source = list;
  if (result.verdict() == CheckGoodsResponse::LISTED) {
    one.level = priority_goods::v1::ProcessingLevel_Name(result.processing_level());
    one.source = At(result.entry(), result.entry_position());
  } else {
    one.level = CheckGoodsResponse::Verdict_Name(result.verdict());
  }
  return one;
}

}  // namespace

std::function<absl::StatusOr<GoodsOnList>(const rpc::Call&, const Support&, base::Date)> AskGoods(
    rpc::Peers* peers) {
  return [check = NISI_PEER(peers, PriorityGoodsService, CheckGoods)](
             const rpc::Call& call, const Support& support,
             base::Date day) -> absl::StatusOr<GoodsOnList> {
    CheckGoodsRequest request;
    for (const auto& goods : support.project().goods()) request.add_codes(goods.goods_code());
    *request.mutable_on_date() = day.ToProto();
    const auto answer = check(call, request);
    if (!answer.ok()) return check.NoAnswer(answer.status());
    const CheckGoodsResponse& said = answer->message;
    GoodsOnList list;
    list.day = day;
    const auto on_date = base::Date::FromProto(said.on_date());
    if (!on_date.ok() || *on_date != day || said.results_size() != request.codes_size()) {
      return check.WrongAnswer();
    }
    if (!said.edition().empty()) list.edition = At(said.edition(), said.edition_position());
    const Source by{list.edition.name.empty() ? "priority-goods" : list.edition.name,
                    list.edition.etag};
    for (int i = 0; i < said.results_size(); ++i) {
      const CheckGoodsResponse::Result& result = said.results(i);
      // Listed by no entry, or by one without a place in the journal, is listed by nothing.
      const bool founded =
          result.verdict() != CheckGoodsResponse::LISTED ||
          (!result.entry().empty() && result.entry_position() > 0 &&
           result.processing_level() != priority_goods::v1::PROCESSING_LEVEL_UNSPECIFIED &&
           priority_goods::v1::ProcessingLevel_IsValid(result.processing_level()));
      if (result.code() != request.codes(i) ||
          result.verdict() == CheckGoodsResponse::VERDICT_UNSPECIFIED ||
          !CheckGoodsResponse::Verdict_IsValid(result.verdict()) || !founded) {
        return check.WrongAnswer();
      }
      list.goods.push_back(OneOf(result, by));
      list.goods.back().share_bp = support.project().goods(i).share_bp();
    }
    return list;
  };
}

}  // namespace nisi::clusters
