// What other services know of an applicant, asked over the peers: the list of priority goods, the
// database of suppliers, the industry map.
#pragma once

#include <memory>

#include "common/rpc/peer.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/grants/env.h"

namespace nisi::grants {

class PeerSources final : public Sources {
 public:
  // `peers` may be null: then nobody answers.
  explicit PeerSources(rpc::Peers* peers);
  absl::StatusOr<Outside> Ask(const rpc::Call& call, const Application& application,
                              base::Date day) override;

 private:
  template <class Response>
  using Asked = std::shared_ptr<const rpc::SideBySide::Asked<Response>>;
  absl::Status TakeGoods(const Asked<priority_goods::v1::CheckGoodsResponse>& asked,
                         const Application& application, base::Date day, Outside* outside) const;
  absl::Status TakeDomestic(const Asked<suppliers::v1::CheckDomesticResponse>& asked,
                            const std::string& bin, base::Date day, Outside* outside) const;
  absl::Status TakeSupplier(const Asked<suppliers::v1::Supplier>& asked, const std::string& bin,
                            base::Date day, Outside* outside) const;
  absl::Status TakeProject(const Asked<industry_map::v1::Project>& asked,
                           const std::string& project, Outside* outside) const;

  const rpc::PeerMethod<priority_goods::v1::CheckGoodsRequest,
                        priority_goods::v1::CheckGoodsResponse>
      check_goods_;
  const rpc::PeerMethod<suppliers::v1::CheckDomesticRequest, suppliers::v1::CheckDomesticResponse>
      check_domestic_;
  const rpc::PeerMethod<suppliers::v1::GetSupplierRequest, suppliers::v1::Supplier> get_supplier_;
  const rpc::PeerMethod<industry_map::v1::GetProjectRequest, industry_map::v1::Project>
      get_project_;
};

// The first day on which it is sure that an enterprise was active: a BIN begins with the year and
// month in which it was registered; of an IIN that says nothing.
std::optional<base::Date> RegisteredBy(const std::string& bin, base::Date day);

}  // namespace nisi::grants
