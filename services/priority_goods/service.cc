#include "services/priority_goods/service.h"

#include "services/priority_goods/rpcs.h"

namespace nisi::priority_goods {
namespace {

using v1::PriorityGoodsService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options) {
    RETURN_IF_ERROR(OpenStore(options, PriorityGoodsSchema(), {{kTakeEffectTimer, TakeEffect}}));
    ASSIGN_OR_RETURN(catalog_, Catalog::Open(store()));
    env_ = Env{&store(), options.norms, catalog_.get()};
    return Bind();
  }

 private:
  absl::Status Bind() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*PriorityGoodsService::descriptor()));
    NISI_UNARY(r, PriorityGoodsService, CreateAssessment, env_, CreateAssessment);
    NISI_UNARY(r, PriorityGoodsService, UpdateAssessment, env_, UpdateAssessment);
    NISI_UNARY(r, PriorityGoodsService, GetAssessment, env_, GetAssessment);
    NISI_UNARY(r, PriorityGoodsService, ListAssessments, env_, ListAssessments);
    NISI_UNARY(r, PriorityGoodsService, ReplayDecision, env_, ReplayDecision);
    NISI_UNARY(r, PriorityGoodsService, CreateEdition, env_, CreateEdition);
    NISI_UNARY(r, PriorityGoodsService, UpdateEdition, env_, UpdateEdition);
    NISI_UNARY(r, PriorityGoodsService, GetEdition, env_, GetEdition);
    NISI_UNARY(r, PriorityGoodsService, ListEditions, env_, ListEditions);
    NISI_UNARY(r, PriorityGoodsService, SubmitEdition, env_, SubmitEdition);
    NISI_UNARY(r, PriorityGoodsService, ReturnEdition, env_, ReturnEdition);
    NISI_UNARY(r, PriorityGoodsService, ApproveEdition, env_, ApproveEdition);
    NISI_UNARY(r, PriorityGoodsService, WithdrawEdition, env_, WithdrawEdition);
    NISI_UNARY(r, PriorityGoodsService, DiffEditions, env_, DiffEditions);
    NISI_SERVER_STREAM(r, PriorityGoodsService, ExportEdition, env_, ExportEdition);
    NISI_UNARY(r, PriorityGoodsService, CreateEntry, env_, CreateEntry);
    NISI_UNARY(r, PriorityGoodsService, BatchCreateEntries, env_, BatchCreateEntries);
    NISI_UNARY(r, PriorityGoodsService, UpdateEntry, env_, UpdateEntry);
    NISI_UNARY(r, PriorityGoodsService, DeleteEntry, env_, DeleteEntry);
    NISI_UNARY(r, PriorityGoodsService, GetEntry, env_, GetEntry);
    NISI_UNARY(r, PriorityGoodsService, ListEntries, env_, ListEntries);
    NISI_UNARY(r, PriorityGoodsService, SearchEntries, env_, SearchEntries);
    NISI_CLIENT_STREAM(r, PriorityGoodsService, ImportEntries, env_, ImportEntries);
    NISI_SERVER_STREAM(r, PriorityGoodsService, WatchEntries, env_, WatchEntries);
    NISI_UNARY(r, PriorityGoodsService, CheckGoods, env_, CheckGoods);
    return absl::OkStatus();
  }

  std::unique_ptr<Catalog> catalog_;
  Env env_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options));
  return service;
}

}  // namespace nisi::priority_goods
