#include "services/priority_goods/service.h"

#include "common/cases/editions.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

using v1::PriorityGoodsService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options) {
    RETURN_IF_ERROR(OpenStore(options, PriorityGoodsSchema(),
                              {{kTakeEffectTimer, cases::TakeEffect<GoodsList>}}));
    ASSIGN_OR_RETURN(catalog_, Catalog::Open(store()));
    env_ = Env{&store(), options.norms, catalog_.get()};
    return Bind();
  }

 private:
  absl::Status Bind() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*PriorityGoodsService::descriptor()));
    NISI_COMMAND(r, PriorityGoodsService, CreateAssessment, env_, store(), CreateAssessment);
    NISI_COMMAND(r, PriorityGoodsService, UpdateAssessment, env_, store(), UpdateAssessment);
    NISI_UNARY(r, PriorityGoodsService, GetAssessment, env_, GetAssessment);
    NISI_UNARY(r, PriorityGoodsService, ListAssessments, env_, ListAssessments);
    NISI_UNARY(r, PriorityGoodsService, ReplayDecision, env_, ReplayDecision);
    NISI_COMMAND(r, PriorityGoodsService, CreateEdition, env_, store(), CreateEdition);
    NISI_COMMAND(r, PriorityGoodsService, UpdateEdition, env_, store(), UpdateEdition);
    NISI_UNARY(r, PriorityGoodsService, GetEdition, env_, GetEdition);
    NISI_UNARY(r, PriorityGoodsService, ListEditions, env_, ListEditions);
    NISI_COMMAND(r, PriorityGoodsService, SubmitEdition, env_, store(), SubmitEdition);
    NISI_COMMAND(r, PriorityGoodsService, ReturnEdition, env_, store(), ReturnEdition);
    NISI_COMMAND(r, PriorityGoodsService, ApproveEdition, env_, store(), ApproveEdition);
    NISI_COMMAND(r, PriorityGoodsService, WithdrawEdition, env_, store(), WithdrawEdition);
    NISI_UNARY(r, PriorityGoodsService, DiffEditions, env_, DiffEditions);
    NISI_SERVER_STREAM(r, PriorityGoodsService, ExportEdition, env_, ExportEdition);
    NISI_COMMAND(r, PriorityGoodsService, CreateEntry, env_, store(), CreateEntry);
    NISI_COMMAND(r, PriorityGoodsService, BatchCreateEntries, env_, store(), BatchCreateEntries);
    NISI_COMMAND(r, PriorityGoodsService, UpdateEntry, env_, store(), UpdateEntry);
    NISI_COMMAND(r, PriorityGoodsService, DeleteEntry, env_, store(), DeleteEntry);
    NISI_UNARY(r, PriorityGoodsService, GetEntry, env_, GetEntry);
    NISI_UNARY(r, PriorityGoodsService, ListEntries, env_, ListEntries);
    NISI_UNARY(r, PriorityGoodsService, SearchEntries, env_, SearchEntries);
    NISI_CLIENT_STREAM(r, PriorityGoodsService, ImportEntries, env_, ImportEntries);
    NISI_SERVER_STREAM(r, PriorityGoodsService, WatchEntries, env_, WatchEntries);
    NISI_UNARY(r, PriorityGoodsService, GetPublishedLeaf, env_, GetPublishedLeaf);
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

std::vector<const base::MachineDef*> Machines() {
  return {&EditionMachine()};
}

}  // namespace nisi::priority_goods
