#include "services/clusters/tables.h"

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/cases/budget.h"
#include "common/cases/deadlines.h"
#include "common/cases/gate.h"
#include "common/cases/overdue.h"
#include "services/clusters/rules.h"

namespace nisi::clusters {

using store::EmitKey;
using store::EmitTotals;
using store::Int;
using store::Key;

const store::Table<InitiativeRow> kInitiatives{
    1, "initiatives", [](const InitiativeRow& row) { return Key::Of(row.initiative().name()); }};
const store::Index<InitiativeRow> kInitiativesByOrganization{
    2, "initiatives_by_organization", kInitiatives, false,
    [](const InitiativeRow& row, const EmitKey& emit) {
      emit(Key::Of(row.initiative().cluster_organization()));
    }};
const store::Index<InitiativeRow> kInitiativesByRegion{
    3, "initiatives_by_region", kInitiatives, false,
    [](const InitiativeRow& row, const EmitKey& emit) {
      for (const std::string& region : row.initiative().regions()) emit(Key::Of(region));
    }};
const store::Index<InitiativeRow> kInitiativesByState{
    4, "initiatives_by_state", kInitiatives, false,
    [](const InitiativeRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.initiative().state())));
    }};

const store::Table<DiagnosticRow> kDiagnostics{
    5, "diagnostics", [](const DiagnosticRow& row) { return Key::Of(row.diagnostic().name()); }};
const store::Index<DiagnosticRow> kDiagnosticsByInitiative{
    6, "diagnostics_by_initiative", kDiagnostics, false,
    [](const DiagnosticRow& row, const EmitKey& emit) {
      emit(Key::Of(row.diagnostic().initiative()));
    }};

const store::Table<SelectionRow> kSelections{
    7, "selections", [](const SelectionRow& row) { return Key::Of(row.number()); }};
const store::Index<SelectionRow> kSelectionsByState{
    8, "selections_by_state", kSelections, false, [](const SelectionRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.selection().state())));
    }};

const store::Table<ApplicationRow> kApplications{10, "applications", [](const ApplicationRow& row) {
                                                   return Key::Of(row.selection(), row.number());
                                                 }};
const store::Index<ApplicationRow> kOpenApplicationsByInitiative{
    11, "open_applications_by_initiative", kApplications, true,
    [](const ApplicationRow& row, const EmitKey& emit) {
      const Application::State state = row.application().state();
      if (state == Application::FILED || state == Application::ADMITTED ||
          state == Application::SCORED) {
        emit(Key::Of(row.application().initiative()));
      }
    }};
const store::Index<ApplicationRow> kApplicationsByOrganization{
    13, "applications_by_organization", kApplications, false,
    [](const ApplicationRow& row, const EmitKey& emit) {
      emit(Key::Of(row.application().cluster_organization()));
    }};

const store::Table<ExpertRow> kExperts{
    14, "experts", [](const ExpertRow& row) { return Key::Of(row.selection(), row.number()); }};
const store::Index<ExpertRow> kExpertsBySubject{
    15, "experts_by_subject", kExperts, true, [](const ExpertRow& row, const EmitKey& emit) {
      emit(Key::Of(row.selection(), row.expert().subject()));
    }};

const store::Table<ScoreRow> kScores{
    17, "scores",
    [](const ScoreRow& row) { return Key::Of(row.selection(), row.application(), row.expert()); }};

const store::Table<ClusterRow> kClusters{
    18, "clusters", [](const ClusterRow& row) { return Key::Of(row.number()); }};
const store::Index<ClusterRow> kClustersByState{
    19, "clusters_by_state", kClusters, false, [](const ClusterRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.cluster().state())));
    }};
const store::Index<ClusterRow> kClustersByRegion{
    20, "clusters_by_region", kClusters, false, [](const ClusterRow& row, const EmitKey& emit) {
      for (const std::string& region : row.cluster().regions()) emit(Key::Of(region));
    }};
const store::Index<ClusterRow> kClustersByGoods{
    21, "clusters_by_goods", kClusters, false, [](const ClusterRow& row, const EmitKey& emit) {
      for (const std::string& code : row.cluster().specialization().goods_codes()) {
        emit(Key::Of(code));
      }
    }};
const store::Index<ClusterRow> kClustersByInitiative{
    22, "clusters_by_initiative", kClusters, true, [](const ClusterRow& row, const EmitKey& emit) {
      // A candidate that was removed does not keep its initiative from another try.
      const Cluster& cluster = row.cluster();
      if (cluster.initiative().empty() || cluster.state() == Cluster::REMOVED) return;
      emit(Key::Of(cluster.initiative()));
    }};
const store::Index<ClusterRow> kClustersToSuspend{
    24, "clusters_to_suspend", kClusters, false, [](const ClusterRow& row, const EmitKey& emit) {
      const auto day = base::Date::FromProto(row.cluster().suspension_proposed_on());
      if (row.cluster().has_suspension_proposed_on() && day.ok()) emit(Key::Of(*day));
    }};

const store::Table<MemberRow> kMembers{
    25, "members",
    [](const MemberRow& row) { return Key::Of(row.cluster(), row.member().participant().bin()); }};
const store::Index<MemberRow> kMembersByBin{
    26, "members_by_bin", kMembers, false, [](const MemberRow& row, const EmitKey& emit) {
      emit(Key::Of(row.member().participant().bin(), row.cluster()));
    }};

const store::Table<ClusterReportRow> kReports{27, "reports", [](const ClusterReportRow& row) {
                                                return Key::Of(row.cluster(), row.report().year());
                                              }};

const store::Table<SupportRow> kSupports{
    28, "supports", [](const SupportRow& row) { return Key::Of(row.support().name()); }};
const store::Index<SupportRow> kSupportsByCluster{
    29, "supports_by_cluster", kSupports, false, [](const SupportRow& row, const EmitKey& emit) {
      emit(Key::Of(row.cluster(), row.support().year()));
    }};
const store::Index<SupportRow> kSupportsByRecipient{
    30, "supports_by_recipient", kSupports, false,
    [](const SupportRow& row, const EmitKey& emit) { emit(Key::Of(row.support().recipient())); }};
const store::Table<PaymentRow> kPayments{
    33, "payments", [](const PaymentRow& row) { return Key::Of(row.support(), row.number()); }};
const store::Index<PaymentRow> kPaymentsByNotice{
    32, "payments_by_notice", kPayments, true,
    [](const PaymentRow& row, const EmitKey& emit) { emit(Key::Of(row.notice())); }};

const store::Totals<ClusterRow> kClusterTotals{
    37, "cluster_totals", kClusters, 1, [](const ClusterRow& row, const EmitTotals& emit) {
      const Cluster& cluster = row.cluster();
      if (!IsPublic(cluster) || cluster.state() == Cluster::REMOVED) return;
      const Int one[] = {1};
      emit(Key::Of(cluster.region().substr(0, 2), static_cast<int64_t>(cluster.state()),
                   static_cast<int64_t>(cluster.level())),
           one);
    }};

const store::Table<OrganizationRow> kOrganizations{
    38, "organizations",
    [](const OrganizationRow& row) { return Key::Of(row.organization().name()); }};
const store::Totals<OrganizationRow> kOrganizationTotals{
    39, "organization_totals", kOrganizations, 3,
    [](const OrganizationRow& row, const EmitTotals& emit) {
      const v1::Organization& organization = row.organization();
      if (organization.membership_count() == 0) return;
      const Int add[] = {1, organization.manufacturer_count() > 0 ? 1 : 0,
                         organization.membership_count()};
      emit(Key::Of("all"), add);
    }};

const store::Index<cases::v1::DeadlineRow> kOverdueDeadlines{40, "overdue", cases::kDeadlines,
                                                             false, cases::EmitOverdue};

const store::Schema& ClustersSchema() {
  static const auto* const kSchema =
      new store::Schema(cases::WithNotices(cases::WithBudget(cases::WithDeadlines(
          {"clusters",
           1,
           {&kInitiatives, &kDiagnostics, &kSelections, &kApplications, &kExperts, &kScores,
            &kClusters, &kMembers, &kReports, &kSupports, &kPayments, &kOrganizations},
           {&kInitiativesByOrganization, &kInitiativesByRegion, &kInitiativesByState,
            &kDiagnosticsByInitiative, &kSelectionsByState, &kOpenApplicationsByInitiative,
            &kApplicationsByOrganization, &kExpertsBySubject, &kClustersByState, &kClustersByRegion,
            &kClustersByGoods, &kClustersByInitiative, &kClustersToSuspend, &kMembersByBin,
            &kSupportsByCluster, &kSupportsByRecipient, &kPaymentsByNotice, &kOverdueDeadlines},
           {&kClusterTotals, &kOrganizationTotals}}))));
  return *kSchema;
}

std::string SelectionName(int32_t number) {
  return absl::StrCat("selections/", number);
}
std::string ApplicationName(int32_t selection, int32_t number) {
  return absl::StrCat(SelectionName(selection), "/applications/", number);
}
std::string ExpertName(int32_t selection, int32_t number) {
  return absl::StrCat(SelectionName(selection), "/experts/", number);
}
std::string ScoreName(int32_t selection, int32_t application, int32_t expert) {
  return absl::StrCat(ApplicationName(selection, application), "/scores/", expert);
}
std::string ClusterName(int32_t number) {
  return absl::StrCat("clusters/", number);
}
std::string MemberName(int32_t cluster, const std::string& bin) {
  return absl::StrCat(ClusterName(cluster), "/members/", bin);
}
std::string ReportName(int32_t cluster, int32_t year) {
  return absl::StrCat(ClusterName(cluster), "/reports/", year);
}

}  // namespace nisi::clusters
