#include "services/suppliers/service.h"

#include "nisi/industry_map/v1/places.pb.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_demand.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/rules_value.h"
#include "services/suppliers/search.h"

namespace nisi::suppliers {
namespace {

using v1::SuppliersService;

class Service final : public rpc::HostedService {
 public:
  absl::Status Open(const rpc::HostOptions& options) {
    env_->norms = options.norms;
    RETURN_IF_ERROR(OpenStore(options, SuppliersSchema(),
                              {{cases::kDeadlineTimer, cases::TimerOf(deadlines_)},
                               {kAskRegistersTimer, Timer(AskRegisters)},
                               {kReinstateTimer, Timer(EndSuspension)},
                               {kExpireTimer, Timer(Expire)},
                               {kCloseDemandTimer, Timer(EndDemand)},
                               {kWarnSupplierTimer, Timer(WarnOfRegistration)},
                               {kWarnEvidenceTimer, Timer(WarnOfEvidence)}}));
    env_->store = &store();
    env_->ask_places = cases::PlacesBy<PlaceFact>(
        NISI_PEER(options.peers, industry_map::v1::PlacesService, ResolvePlace), "industry-map");
    env_->searcher = &searcher_;
    // While an index is being built a search says so; all else serves.
    const absl::Status loaded = searcher_.Load(store().Read());
    if (!loaded.ok() && !absl::IsUnavailable(loaded)) return loaded;
    options.metrics->AddFigures(cases::FiguresOf(deadlines_, shared_store()));
    return Bind();
  }

 private:
  store::TimerFn Timer(absl::Status (*act)(Env&, store::Tx&, absl::string_view, absl::Time)) {
    return [env = env_, act](store::Tx& tx, absl::string_view payload, absl::Time due) {
      return act(*env, tx, payload, due);
    };
  }

  absl::Status Bind() {
    rpc::Registry& r = registry();
    RETURN_IF_ERROR(r.Add(*SuppliersService::descriptor()));
    NISI_LET_IN(r, "contracts", SuppliersService, PublishDemands);
    NISI_LET_IN(r, "contracts", SuppliersService, WithdrawDemands);
    NISI_UNARY(r, SuppliersService, RegisterSupplier, *env_, RegisterSupplier);
    NISI_UNARY(r, SuppliersService, UpdateSupplier, *env_, UpdateSupplier);
    NISI_COMMAND(r, SuppliersService, SubmitSupplier, *env_, store(), SubmitSupplier);
    NISI_COMMAND(r, SuppliersService, VerifySupplier, *env_, store(), VerifySupplier);
    NISI_COMMAND(r, SuppliersService, ReviewSupplier, *env_, store(), ReviewSupplier);
    NISI_COMMAND(r, SuppliersService, SuspendSupplier, *env_, store(), SuspendSupplier);
    NISI_COMMAND(r, SuppliersService, ReinstateSupplier, *env_, store(), ReinstateSupplier);
    NISI_COMMAND(r, SuppliersService, RemoveSupplier, *env_, store(), RemoveSupplier);
    NISI_UNARY(r, SuppliersService, GetSupplier, *env_, GetSupplier);
    NISI_UNARY(r, SuppliersService, ListSuppliers, *env_, ListSuppliers);
    NISI_UNARY(r, SuppliersService, ListNotices, *env_, ListNotices);
    NISI_UNARY(r, SuppliersService, ReplayDecision, *env_, ReplayDecision);
    NISI_COMMAND(r, SuppliersService, AddEvidence, *env_, store(), AddEvidence);
    NISI_COMMAND(r, SuppliersService, ConfirmEvidence, *env_, store(), ConfirmEvidence);
    NISI_COMMAND(r, SuppliersService, RevokeEvidence, *env_, store(), RevokeEvidence);
    NISI_UNARY(r, SuppliersService, ReplayEvidenceDecision, *env_, ReplayEvidenceDecision);
    NISI_UNARY(r, SuppliersService, GetEvidence, *env_, GetEvidence);
    NISI_UNARY(r, SuppliersService, ListEvidence, *env_, ListEvidence);
    NISI_COMMAND(r, SuppliersService, CreateOffer, *env_, store(), CreateOffer);
    NISI_COMMAND(r, SuppliersService, BatchCreateOffers, *env_, store(), BatchCreateOffers);
    NISI_COMMAND(r, SuppliersService, UpdateOffer, *env_, store(), UpdateOffer);
    NISI_COMMAND(r, SuppliersService, DeleteOffer, *env_, store(), DeleteOffer);
    NISI_UNARY(r, SuppliersService, GetOffer, *env_, GetOffer);
    NISI_UNARY(r, SuppliersService, ListOffers, *env_, ListOffers);
    NISI_UNARY(r, SuppliersService, SearchOffers, *env_, SearchOffers);
    NISI_UNARY(r, SuppliersService, CheckDomestic, *env_, CheckDomestic);
    NISI_UNARY(r, SuppliersService, CheckProduction, *env_, CheckProduction);
    NISI_UNARY(r, SuppliersService, MatchDemand, *env_, MatchDemand);
    NISI_COMMAND(r, SuppliersService, PublishDemands, *env_, store(), PublishDemands);
    NISI_COMMAND(r, SuppliersService, WithdrawDemands, *env_, store(), WithdrawDemands);
    NISI_UNARY(r, SuppliersService, GetPublication, *env_, GetPublication);
    NISI_UNARY(r, SuppliersService, ListPublications, *env_, ListPublications);
    NISI_COMMAND(r, SuppliersService, CreateDemand, *env_, store(), CreateDemand);
    NISI_COMMAND(r, SuppliersService, UpdateDemand, *env_, store(), UpdateDemand);
    NISI_COMMAND(r, SuppliersService, CloseDemand, *env_, store(), CloseDemand);
    NISI_UNARY(r, SuppliersService, GetDemand, *env_, GetDemand);
    NISI_UNARY(r, SuppliersService, ListDemands, *env_, ListDemands);
    NISI_COMMAND(r, SuppliersService, RespondToDemand, *env_, store(), RespondToDemand);
    NISI_COMMAND(r, SuppliersService, WithdrawResponse, *env_, store(), WithdrawResponse);
    NISI_UNARY(r, SuppliersService, ListResponses, *env_, ListResponses);
    NISI_COMMAND(r, SuppliersService, Subscribe, *env_, store(), Subscribe);
    NISI_COMMAND(r, SuppliersService, Unsubscribe, *env_, store(), Unsubscribe);
    NISI_UNARY(r, SuppliersService, ListSubscriptions, *env_, ListSubscriptions);
    NISI_CLIENT_STREAM(r, SuppliersService, ImportSuppliers, *env_, ImportSuppliers);
    NISI_CLIENT_STREAM(r, SuppliersService, ImportEvidence, *env_, ImportEvidence);
    NISI_CLIENT_STREAM(r, SuppliersService, ImportOffers, *env_, ImportOffers);
    NISI_SERVER_STREAM(r, SuppliersService, ExportPublicRegister, *env_, ExportPublicRegister);
    NISI_SERVER_STREAM(r, SuppliersService, WatchRegister, *env_, WatchRegister);
    NISI_SERVER_STREAM(r, SuppliersService, WatchDemands, *env_, WatchDemands);
    NISI_UNARY(r, SuppliersService, AddMonitoredOrganization, *env_, AddMonitoredOrganization);
    NISI_COMMAND(r, SuppliersService, RemoveMonitoredOrganization, *env_, store(),
                 RemoveMonitoredOrganization);
    NISI_UNARY(r, SuppliersService, GetMonitoredOrganization, *env_, GetMonitoredOrganization);
    NISI_UNARY(r, SuppliersService, ListMonitoredOrganizations, *env_, ListMonitoredOrganizations);
    NISI_COMMAND(r, SuppliersService, SubmitProcurementReport, *env_, store(),
                 SubmitProcurementReport);
    NISI_COMMAND(r, SuppliersService, WithdrawProcurementReport, *env_, store(),
                 WithdrawProcurementReport);
    NISI_UNARY(r, SuppliersService, GetProcurementReport, *env_, GetProcurementReport);
    NISI_UNARY(r, SuppliersService, ListProcurementReports, *env_, ListProcurementReports);
    NISI_UNARY(r, SuppliersService, ComputeInCountryValue, *env_, ComputeInCountryValue);
    return absl::OkStatus();
  }

  const search::Searcher searcher_{kOfferSearch};
  // Timers have them, and the store that runs timers is gone after this.
  const std::shared_ptr<Env> env_ = std::make_shared<Env>();
  const std::shared_ptr<cases::Deadlines> deadlines_ =
      std::make_shared<cases::Deadlines>(cases::OverdueFns{
          {kAutoVerificationDays,
           [env = env_](store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
             return VerifyLate(*env, tx, deadline, day);
           }}});
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options) {
  auto service = std::make_unique<Service>();
  RETURN_IF_ERROR(service->Open(options));
  return service;
}

std::vector<const base::MachineDef*> Machines() {
  return {&SupplierMachine(),       &EvidenceMachine(),     &PublicationMachine(),
          &SubcontractingMachine(), &ListedDemandMachine(), &ResponseMachine(),
          &ReportMachine()};
}

}  // namespace nisi::suppliers
