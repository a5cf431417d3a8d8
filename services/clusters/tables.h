// Everything this service keeps on disk.
#pragma once

#include "common/store/table.h"
#include "common/store/totals.h"
#include "nisi/clusters/v1/rows.pb.h"
#include "nisi/clusters/v1/supports.pb.h"

namespace nisi::clusters {

using v1::ApplicationRow;
using v1::ClusterReportRow;
using v1::ClusterRow;
using v1::DiagnosticRow;
using v1::ExpertRow;
using v1::InitiativeRow;
using v1::MemberRow;
using v1::OrganizationRow;
using v1::PaymentRow;
using v1::ScoreRow;
using v1::SelectionRow;
using v1::SupportRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change.
extern const store::Table<InitiativeRow> kInitiatives;                // 1: name
extern const store::Index<InitiativeRow> kInitiativesByOrganization;  // 2: cluster organization
extern const store::Index<InitiativeRow> kInitiativesByRegion;        // 3: KATO, a key each
extern const store::Index<InitiativeRow> kInitiativesByState;         // 4: state
extern const store::Table<DiagnosticRow> kDiagnostics;                // 5: name
extern const store::Index<DiagnosticRow> kDiagnosticsByInitiative;    // 6: initiative
extern const store::Table<SelectionRow> kSelections;                  // 7: number
extern const store::Index<SelectionRow> kSelectionsByState;           // 8: state
extern const store::Table<ApplicationRow> kApplications;              // 10: selection, number
extern const store::Index<ApplicationRow>
    kOpenApplicationsByInitiative;  // 11: initiative; unique, FILED to SCORED only
extern const store::Index<ApplicationRow> kApplicationsByOrganization;  // 13: cluster organization
extern const store::Table<ExpertRow> kExperts;                          // 14: selection, number
extern const store::Index<ExpertRow> kExpertsBySubject;       // 15: selection, subject; unique
extern const store::Table<ScoreRow> kScores;                  // 17: selection, application, expert
extern const store::Table<ClusterRow> kClusters;              // 18: number
extern const store::Index<ClusterRow> kClustersByState;       // 19: state
extern const store::Index<ClusterRow> kClustersByRegion;      // 20: KATO, a key each
extern const store::Index<ClusterRow> kClustersByGoods;       // 21: goods code, a key each
extern const store::Index<ClusterRow> kClustersByInitiative;  // 22: initiative; unique, live ones
extern const store::Index<ClusterRow> kClustersToSuspend;     // 24: day proposed; sparse
// A membership holds by the two times of the store: Put from its first day, End on the last. So
// leaving and coming back needs no intervals, and as_of answers who belonged to it on any day.
extern const store::Table<MemberRow> kMembers;               // 25: cluster, BIN
extern const store::Index<MemberRow> kMembersByBin;          // 26: BIN, cluster
extern const store::Table<ClusterReportRow> kReports;        // 27: cluster, year
extern const store::Table<SupportRow> kSupports;             // 28: name
extern const store::Index<SupportRow> kSupportsByCluster;    // 29: cluster, year
extern const store::Index<SupportRow> kSupportsByRecipient;  // 30: recipient
extern const store::Index<PaymentRow> kPaymentsByNotice;     // 32: the gate's notice; unique
extern const store::Table<PaymentRow> kPayments;             // 33: support, number
extern const store::Totals<ClusterRow> kClusterTotals;       // 37: region, state, level: count
extern const store::Table<OrganizationRow> kOrganizations;   // 38: BIN
extern const store::Totals<OrganizationRow>
    kOrganizationTotals;  // 39: all of public clusters: count, manufacturers, memberships

extern const store::Index<cases::v1::DeadlineRow>
    kOverdueDeadlines;  // 40: 1, due day; of those overdue

// With the tables of deadlines, budgets and notices.
const store::Schema& ClustersSchema();

// Timer kinds. Each looks at the record first and does nothing where there is nothing to do.
inline constexpr char kCloseApplicationsTimer[] = "selection/close-applications";  // its number
// Its number; of one that was imported, and the day of its order behind a slash.
inline constexpr char kJudgeCompositionTimer[] = "cluster/judge-composition";

// Kinds of deadlines that are opened and closed by hand.
inline constexpr char kCureDeadline[] = "cure";
inline constexpr char kReportDeadline[] = "yearly_report";
// The norm of its days; the one kind that earlier releases opened with the grant and each part.
inline constexpr char kPaymentTerm[] = "clusters.support.payment_days";

std::string SelectionName(int32_t number);
std::string ApplicationName(int32_t selection, int32_t number);
std::string ExpertName(int32_t selection, int32_t number);
std::string ScoreName(int32_t selection, int32_t application, int32_t expert);
std::string ClusterName(int32_t number);
std::string MemberName(int32_t cluster, const std::string& bin);
std::string ReportName(int32_t cluster, int32_t year);

}  // namespace nisi::clusters
