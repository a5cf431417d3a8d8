// Everything this service keeps on disk.
#pragma once

#include <string>

#include "common/store/table.h"
#include "common/store/totals.h"
#include "nisi/suppliers/v1/rows.pb.h"

namespace nisi::suppliers {

using v1::DemandRow;
using v1::EvidenceRow;
using v1::MonitoredOrganizationRow;
using v1::NoticeRow;
using v1::OfferRow;
using v1::ProcurementReportRow;
using v1::PublicationRow;
using v1::ResponseRow;
using v1::SubscriptionRow;
using v1::SupplierRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change.
extern const store::Table<SupplierRow> kSuppliers;         // 1: bin
extern const store::Index<SupplierRow> kSuppliersByState;  // 2: state
extern const store::Index<SupplierRow> kSuppliersByKato;   // 3: kato, text: a place is a prefix
extern const store::Index<SupplierRow> kSuppliersByOked;   // 4: oked
extern const store::Index<SupplierRow> kSuppliersBySize;   // 5: size

// Numbers come from a counter: new rows lie at the end of the table, so an import only appends.
extern const store::Table<OfferRow> kOffers;            // 6: number
extern const store::Index<OfferRow> kOffersBySupplier;  // 7: bin
extern const store::Index<OfferRow> kOffersByEnsTru;    // 8: ens_tru
// 39: ens_tru, bin: those of a supplier beside each other. | MatchDemand
extern const store::Index<OfferRow> kOffersByEnsTruAndSupplier;
extern const store::Index<OfferRow> kOffersByGoodsCode;  // 9: goods code; sparse
extern const store::Index<OfferRow> kOffersByEvidence;   // 35: each evidence that it names
extern const store::Totals<OfferRow> kOfferCounts;       // 30: bin; how many it has
// That versions of an offer name evidence which the last one does not name, or which was the last.
// Of the offer only its name, BIN and that evidence.
extern const store::Table<OfferRow> kFormerOffers;  // 33: evidence, number

extern const store::Table<EvidenceRow> kEvidence;            // 10: number
extern const store::Index<EvidenceRow> kEvidenceBySupplier;  // 11: bin
extern const store::Index<EvidenceRow>
    kEvidenceByEnsTru;  // 12: ens_tru of each cover; REGISTER_ENTRY only
extern const store::Index<EvidenceRow>
    kCertificatesByEnsTru;  // 36: the same of what else was confirmed and says a value
extern const store::Index<EvidenceRow> kEvidenceByPaper;    // 13: PaperKey; unique, confirmed only
extern const store::Index<EvidenceRow> kEvidenceByLastDay;  // 14: valid_until
extern const store::Index<EvidenceRow> kEvidenceByOwner;    // 32: bin, PaperKey
extern const store::Totals<EvidenceRow> kEvidenceCounts;    // 31: bin; how many it has

extern const store::Table<DemandRow> kDemands;                // 15: number
extern const store::Index<DemandRow> kDemandsByEdition;       // 16: edition, item; unique, sparse
extern const store::Index<DemandRow> kDemandsByEnsTru;        // 17: ens_tru
extern const store::Index<DemandRow> kDemandsByState;         // 18: state
extern const store::Totals<DemandRow> kOpenRequests;          // 38: customer_bin; how many are open
extern const store::Table<PublicationRow> kPublications;      // 19: edition
extern const store::Table<ResponseRow> kResponses;            // 20: demand, bin
extern const store::Index<ResponseRow> kResponsesBySupplier;  // 21: bin
extern const store::Table<SubscriptionRow> kSubscriptions;    // 22: number
extern const store::Index<SubscriptionRow> kSubscriptionsByBin;  // 23: bin
extern const store::Table<NoticeRow> kNotices;                   // 24: bin, number

extern const store::Table<MonitoredOrganizationRow> kMonitored;        // 25: bin
extern const store::Index<MonitoredOrganizationRow> kMonitoredByKato;  // 26: kato, text
extern const store::Table<ProcurementReportRow> kReports;              // 27: number
extern const store::Index<ProcurementReportRow>
    kReportsByPeriod;  // 28: bin, stage, period, part; unique, of those that stand
extern const store::Index<ProcurementReportRow> kReportsByOrganization;  // 37: bin; all there are
extern const store::Totals<ProcurementReportRow> kReportPeriods;         // 34: bin, stage, period

// 29: the search index over offers, kOfferSearch (search.h).

const store::Schema& SuppliersSchema();

// Timer kinds; payloads name the record, and each looks at it again.
inline constexpr char kAskRegistersTimer[] = "supplier/ask-registers";  // at once after Submit
inline constexpr char kReinstateTimer[] = "supplier/reinstate";         // suspended_until
inline constexpr char kExpireTimer[] = "supplier/expire";               // the day after valid_until
inline constexpr char kWarnSupplierTimer[] = "notice/registration";     // some days before that
inline constexpr char kWarnEvidenceTimer[] = "notice/evidence";         // the same of evidence
inline constexpr char kCloseDemandTimer[] = "demand/close";  // the day after respond_until

// Type, issuer and number: one paper.
store::Key PaperKey(const v1::Evidence& evidence);
// A paper of one supplier.
store::Key OwnPaperKey(const v1::Evidence& evidence);

std::string SupplierName(const std::string& bin);
std::string OfferName(int64_t number);
std::string EvidenceName(int64_t number);
std::string DemandName(int64_t number);
std::string ResponseName(int64_t demand, const std::string& bin);

}  // namespace nisi::suppliers
