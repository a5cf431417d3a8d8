// The other services played for a test of grants: asked over real peers, and answering what makes
// every condition of a grant hold until a test says otherwise.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/peer_testing.h"
#include "services/grants/service_testing.h"
#include "services/grants/sources.h"

namespace nisi::grants {

inline constexpr char kCheckGoods[] = "/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods";
inline constexpr char kCheckDomestic[] = "/nisi.suppliers.v1.SuppliersService/CheckDomestic";
inline constexpr char kGetSupplier[] = "/nisi.suppliers.v1.SuppliersService/GetSupplier";
inline constexpr char kGetProject[] = "/nisi.industry_map.v1.IndustryMapService/GetProject";

class PlayedNeighbours {
 public:
  explicit PlayedNeighbours(const rpc::PeerLimits& limits = rpc::WithoutPauses())
      : speaking_(rpc::MakePeers("grants", &metrics_, limits)) {
    for (const auto& [name, peer] : All()) speaking_->SetHere(name, peer->take());
    AnswerAll();
  }
  std::vector<std::pair<std::string, rpc::PlayedPeer*>> All() {
    return {{"priority-goods", &goods}, {"suppliers", &suppliers}, {"industry-map", &map}};
  }
  rpc::Peers* peers() { return speaking_.get(); }

  template <class Request, class Fn>
  static void Answer(rpc::PlayedPeer* peer, const char* path, const Fn& fn) {
    using Response = decltype(fn(Request()));
    peer->On<Request, Response>(
        path, [fn](const Request& request) -> absl::StatusOr<Response> { return fn(request); });
  }
  static priority_goods::v1::CheckGoodsResponse Listed(
      const priority_goods::v1::CheckGoodsRequest& request) {
    using Said = priority_goods::v1::CheckGoodsResponse;
    Said said;
    for (const std::string& code : request.codes()) {
      auto* result = said.add_results();
      result->set_code(code);
      result->set_verdict(code == "8504" ? Said::LISTED : Said::NOT_LISTED);
    }
    *said.mutable_on_date() = request.on_date();
    said.set_edition("editions/3");
    said.set_edition_position(17);
    return said;
  }
  static suppliers::v1::CheckDomesticResponse Producer(
      const suppliers::v1::CheckDomesticRequest& request) {
    suppliers::v1::CheckDomesticResponse said;
    said.add_results()->set_bin(request.bins(0));
    said.mutable_results(0)->set_domestic(true);
    said.mutable_results(0)->add_activities(suppliers::v1::Supplier::PRODUCER);
    *said.mutable_on_date() = request.on_date();
    return said;
  }
  static suppliers::v1::Supplier Medium(const suppliers::v1::GetSupplierRequest& request) {
    suppliers::v1::Supplier said;
    said.set_bin(request.name().substr(10));
    said.set_size(suppliers::v1::MEDIUM);
    said.set_etag("s1");
    return said;
  }
  static industry_map::v1::Project OnMap(const industry_map::v1::GetProjectRequest& request) {
    industry_map::v1::Project said;
    said.set_name(request.name());
    said.set_on_map(true);
    said.mutable_parameters()->set_owner_bin(Bin(1));
    said.set_etag("p1");
    return said;
  }
  void AnswerAll() {
    Answer<priority_goods::v1::CheckGoodsRequest>(&goods, kCheckGoods, Listed);
    Answer<suppliers::v1::CheckDomesticRequest>(&suppliers, kCheckDomestic, Producer);
    Answer<suppliers::v1::GetSupplierRequest>(&suppliers, kGetSupplier, Medium);
    Answer<industry_map::v1::GetProjectRequest>(&map, kGetProject, OnMap);
  }

  rpc::PlayedPeer goods, suppliers, map;

 private:
  rpc::Metrics metrics_{"grants"};
  std::unique_ptr<rpc::Peers> speaking_;
};

}  // namespace nisi::grants
