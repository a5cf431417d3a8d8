#include "services/suppliers/tables.h"

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/cases/deadlines.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/search.h"

namespace nisi::suppliers {

using store::EmitKey;
using store::Key;

const store::Table<SupplierRow> kSuppliers{
    1, "suppliers", [](const SupplierRow& row) { return Key::Of(row.supplier().bin()); }};
const store::Index<SupplierRow> kSuppliersByState{
    2, "suppliers_by_state", kSuppliers, false, [](const SupplierRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.supplier().state())));
    }};
const store::Index<SupplierRow> kSuppliersByKato{
    3, "suppliers_by_kato", kSuppliers, false,
    [](const SupplierRow& row, const EmitKey& emit) { emit(Key::Of(row.supplier().kato())); }};
const store::Index<SupplierRow> kSuppliersByOked{
    4, "suppliers_by_oked", kSuppliers, false,
    [](const SupplierRow& row, const EmitKey& emit) { emit(Key::Of(row.supplier().oked())); }};
const store::Index<SupplierRow> kSuppliersBySize{
    5, "suppliers_by_size", kSuppliers, false, [](const SupplierRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.supplier().size())));
    }};

const store::Table<OfferRow> kOffers{6, "offers",
                                     [](const OfferRow& row) { return Key::Of(row.number()); }};
const store::Index<OfferRow> kOffersBySupplier{
    7, "offers_by_supplier", kOffers, false,
    [](const OfferRow& row, const EmitKey& emit) { emit(Key::Of(row.offer().bin())); }};
const store::Index<OfferRow> kOffersByEnsTru{
    8, "offers_by_ens_tru", kOffers, false,
    [](const OfferRow& row, const EmitKey& emit) { emit(Key::Of(row.offer().ens_tru())); }};
const store::Index<OfferRow> kOffersByEnsTruAndSupplier{
    39, "offers_by_ens_tru_and_supplier", kOffers, false,
    [](const OfferRow& row, const EmitKey& emit) {
      emit(Key::Of(row.offer().ens_tru(), row.offer().bin()));
    }};
const store::Index<OfferRow> kOffersByGoodsCode{9, "offers_by_goods_code", kOffers, false,
                                                [](const OfferRow& row, const EmitKey& emit) {
                                                  if (!row.offer().goods_code().empty())
                                                    emit(Key::Of(row.offer().goods_code()));
                                                }};
const store::Index<OfferRow> kOffersByEvidence{
    35, "offers_by_evidence", kOffers, false, [](const OfferRow& row, const EmitKey& emit) {
      for (const std::string& name : row.offer().evidence()) emit(Key::Of(name));
    }};
const store::Totals<OfferRow> kOfferCounts{30, "offer_counts", kOffers, 1,
                                           [](const OfferRow& row, const store::EmitTotals& emit) {
                                             const store::Int one[] = {1};
                                             emit(Key::Of(row.offer().bin()), one);
                                           }};
const store::Table<OfferRow> kFormerOffers{
    33, "former_offers", [](const OfferRow& row) {
      const auto& evidence = row.offer().evidence();
      return Key::Of(evidence.empty() ? std::string() : evidence[0], row.number());
    }};

const store::Table<EvidenceRow> kEvidence{
    10, "evidence", [](const EvidenceRow& row) { return Key::Of(row.number()); }};
const store::Index<EvidenceRow> kEvidenceBySupplier{
    11, "evidence_by_supplier", kEvidence, false,
    [](const EvidenceRow& row, const EmitKey& emit) { emit(Key::Of(row.evidence().bin())); }};
const store::Index<EvidenceRow> kEvidenceByEnsTru{
    12, "evidence_by_ens_tru", kEvidence, false, [](const EvidenceRow& row, const EmitKey& emit) {
      if (row.evidence().type() != v1::Evidence::REGISTER_ENTRY) return;
      for (const v1::Evidence::Cover& cover : row.evidence().covers()) {
        emit(Key::Of(cover.ens_tru()));
      }
    }};
const store::Index<EvidenceRow> kCertificatesByEnsTru{
    36, "certificates_by_ens_tru", kEvidence, false,
    [](const EvidenceRow& row, const EmitKey& emit) {
      const v1::Evidence::Type type = row.evidence().type();
      if (!row.confirmed() || type == v1::Evidence::REGISTER_ENTRY || !SaysValue(type)) return;
      for (const v1::Evidence::Cover& cover : row.evidence().covers()) {
        emit(Key::Of(cover.ens_tru()));
      }
    }};
// Of what was confirmed: what somebody claims must not keep a paper from its owner.
const store::Index<EvidenceRow> kEvidenceByPaper{13, "evidence_by_paper", kEvidence, true,
                                                 [](const EvidenceRow& row, const EmitKey& emit) {
                                                   if (row.confirmed())
                                                     emit(PaperKey(row.evidence()));
                                                 }};
const store::Index<EvidenceRow> kEvidenceByLastDay{
    14, "evidence_by_last_day", kEvidence, false, [](const EvidenceRow& row, const EmitKey& emit) {
      const auto day = base::Date::FromProto(row.evidence().valid_until());
      if (day.ok()) emit(Key::Of(*day));
    }};
const store::Index<EvidenceRow> kEvidenceByOwner{
    32, "evidence_by_owner", kEvidence, false,
    [](const EvidenceRow& row, const EmitKey& emit) { emit(OwnPaperKey(row.evidence())); }};
const store::Totals<EvidenceRow> kEvidenceCounts{
    31, "evidence_counts", kEvidence, 1, [](const EvidenceRow& row, const store::EmitTotals& emit) {
      const store::Int one[] = {1};
      emit(Key::Of(row.evidence().bin()), one);
    }};

const store::Table<DemandRow> kDemands{15, "demands",
                                       [](const DemandRow& row) { return Key::Of(row.number()); }};
const store::Index<DemandRow> kDemandsByEdition{
    16, "demands_by_edition", kDemands, true, [](const DemandRow& row, const EmitKey& emit) {
      if (!row.edition().empty()) emit(Key::Of(row.edition(), row.demand().item_id()));
    }};
const store::Index<DemandRow> kDemandsByEnsTru{
    17, "demands_by_ens_tru", kDemands, false,
    [](const DemandRow& row, const EmitKey& emit) { emit(Key::Of(row.demand().ens_tru())); }};
const store::Index<DemandRow> kDemandsByState{
    18, "demands_by_state", kDemands, false, [](const DemandRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.demand().state())));
    }};
const store::Totals<DemandRow> kOpenRequests{
    38, "open_requests", kDemands, 1, [](const DemandRow& row, const store::EmitTotals& emit) {
      const v1::Demand& demand = row.demand();
      const store::Int one[] = {1};
      if (demand.source() == v1::Demand::SUBCONTRACTING && demand.state() == v1::Demand::OPEN)
        emit(Key::Of(demand.customer_bin()), one);
    }};
const store::Table<PublicationRow> kPublications{
    19, "publications", [](const PublicationRow& row) { return Key::Of(row.edition()); }};
const store::Table<ResponseRow> kResponses{20, "responses", [](const ResponseRow& row) {
                                             return Key::Of(row.demand(), row.response().bin());
                                           }};
const store::Index<ResponseRow> kResponsesBySupplier{
    21, "responses_by_supplier", kResponses, false,
    [](const ResponseRow& row, const EmitKey& emit) { emit(Key::Of(row.response().bin())); }};
const store::Table<SubscriptionRow> kSubscriptions{
    22, "subscriptions", [](const SubscriptionRow& row) { return Key::Of(row.number()); }};
const store::Index<SubscriptionRow> kSubscriptionsByBin{
    23, "subscriptions_by_bin", kSubscriptions, false,
    [](const SubscriptionRow& row, const EmitKey& emit) {
      emit(Key::Of(row.subscription().bin()));
    }};
const store::Table<NoticeRow> kNotices{
    24, "notices", [](const NoticeRow& row) { return Key::Of(row.notice().bin(), row.number()); }};

const store::Table<MonitoredOrganizationRow> kMonitored{
    25, "monitored",
    [](const MonitoredOrganizationRow& row) { return Key::Of(row.organization().bin()); }};
const store::Index<MonitoredOrganizationRow> kMonitoredByKato{
    26, "monitored_by_kato", kMonitored, false,
    [](const MonitoredOrganizationRow& row, const EmitKey& emit) {
      emit(Key::Of(row.organization().kato()));
    }};
const store::Table<ProcurementReportRow> kReports{
    27, "procurement_reports",
    [](const ProcurementReportRow& row) { return Key::Of(row.number()); }};
const store::Index<ProcurementReportRow> kReportsByPeriod{
    28, "procurement_reports_by_period", kReports, true,
    [](const ProcurementReportRow& row, const EmitKey& emit) {
      const v1::ProcurementReport& report = row.report();
      if (report.state() == v1::ProcurementReport::WITHDRAWN) return;
      const auto from = base::Date::FromProto(report.period_from());
      const auto to = base::Date::FromProto(report.period_to());
      if (from.ok() && to.ok()) {
        emit(
            Key::Of(report.bin(), static_cast<int64_t>(report.stage()), *from, *to, report.part()));
      }
    }};
const store::Index<ProcurementReportRow> kReportsByOrganization{
    37, "procurement_reports_by_organization", kReports, false,
    [](const ProcurementReportRow& row, const EmitKey& emit) {
      emit(Key::Of(row.report().bin()));
    }};
const store::Totals<ProcurementReportRow> kReportPeriods{
    34, "procurement_report_periods", kReports, 1,
    [](const ProcurementReportRow& row, const store::EmitTotals& emit) {
      const v1::ProcurementReport& report = row.report();
      if (report.state() == v1::ProcurementReport::WITHDRAWN) return;
      const auto from = base::Date::FromProto(report.period_from());
      const auto to = base::Date::FromProto(report.period_to());
      const store::Int one[] = {1};
      if (from.ok() && to.ok())
        emit(Key::Of(report.bin(), static_cast<int64_t>(report.stage()), *from, *to), one);
    }};

const store::Schema& SuppliersSchema() {
  static const auto* const kSchema = [] {
    auto* schema = new store::Schema(cases::WithDeadlines(
        {"suppliers",
         1,
         {&kSuppliers, &kOffers, &kEvidence, &kDemands, &kPublications, &kResponses,
          &kSubscriptions, &kNotices, &kMonitored, &kReports, &kFormerOffers},
         {&kSuppliersByState,      &kSuppliersByKato,          &kSuppliersByOked,
          &kSuppliersBySize,       &kOffersBySupplier,         &kOffersByEnsTru,
          &kOffersByGoodsCode,     &kEvidenceBySupplier,       &kEvidenceByEnsTru,
          &kEvidenceByPaper,       &kEvidenceByLastDay,        &kDemandsByEdition,
          &kDemandsByEnsTru,       &kDemandsByState,           &kResponsesBySupplier,
          &kSubscriptionsByBin,    &kMonitoredByKato,          &kReportsByPeriod,
          &kEvidenceByOwner,       &kOffersByEvidence,         &kCertificatesByEnsTru,
          &kReportsByOrganization, &kOffersByEnsTruAndSupplier},
         {&kOfferCounts, &kEvidenceCounts, &kReportPeriods, &kOpenRequests},
         {}}));
    schema->derived = {&kOfferSearch};
    return schema;
  }();
  return *kSchema;
}

Key PaperKey(const v1::Evidence& evidence) {
  return Key::Of(static_cast<int64_t>(evidence.type()), evidence.issuer_bin(), evidence.number());
}

Key OwnPaperKey(const v1::Evidence& evidence) {
  return Key::Of(evidence.bin(), static_cast<int64_t>(evidence.type()), evidence.issuer_bin(),
                 evidence.number());
}

std::string SupplierName(const std::string& bin) {
  return absl::StrCat("suppliers/", bin);
}
std::string OfferName(int64_t number) {
  return absl::StrCat("offers/", number);
}
std::string EvidenceName(int64_t number) {
  return absl::StrCat("evidence/", number);
}
std::string DemandName(int64_t number) {
  return absl::StrCat("demands/", number);
}
std::string ResponseName(int64_t demand, const std::string& bin) {
  return absl::StrCat(DemandName(demand), "/responses/", bin);
}

}  // namespace nisi::suppliers
