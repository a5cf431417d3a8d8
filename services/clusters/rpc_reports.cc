#include "absl/strings/str_cat.h"
#include "common/cases/ahead.h"
#include "services/clusters/errors.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

using cases::Deadline;

// The report is here: where it was still owed its deadline is met, and the next year's is owed.
absl::Status Received(const Env& env, store::Tx& tx, const Cluster& cluster, int year) {
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, cases::OpenDeadlines(tx, cluster.name()));
  bool was_owed = false, next_is_owed = false;
  for (const Deadline& deadline : open) {
    if (deadline.kind() != kReportDeadline) continue;
    next_is_owed = next_is_owed || deadline.due_date().year() == year + 2;
    if (deadline.due_date().year() != year + 1) continue;
    was_owed = true;
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), Deadline::DONE));
  }
  return was_owed && !next_is_owed ? OpenReportDeadline(env, tx, cluster, year + 1)
                                   : absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ClusterReport> SubmitClusterReport(
    Env& env, const Call& call, store::Tx& tx, const v1::SubmitClusterReportRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), "clusters/*", 0));
  const int year = request.report().year();
  ASSIGN_OR_RETURN(auto cluster,
                   rpc::FindFor(tx, call, kClusters, store::Key::Of(number), request.parent()));
  ASSIGN_OR_RETURN(const auto known, tx.Find(kReports, store::Key::Of(number, year)));
  RETURN_IF_ERROR(
      cases::CheckSeenBeside(cluster.roles, request.etag(),
                             known.has_value() ? known->row.report().etag() : std::string()));
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ClusterMachine(), ClusterVerb::kReport,
                                           std::move(cluster.row), {.roles = cluster.roles}));
  if (year >= tx.today().year()) return errors::ReportYearOpen(year);
  ASSIGN_OR_RETURN(const base::Date due, ReportDue(year, *env.norms));
  if (known.has_value() && request.report().correction_reason().empty()) {
    return errors::CorrectionReasonMissing("report.correction_reason");
  }
  ClusterReportRow row;
  row.set_cluster(number);
  v1::ClusterReport& report = *row.mutable_report();
  report = request.report();
  report.set_name(ReportName(number, year));
  report.set_cluster_organization(step.row.cluster().cluster_organization());
  *report.mutable_regions() = step.row.cluster().regions();
  report.set_late(known.has_value() ? known->row.report().late() : tx.today() > due);
  report.set_submitted_by(step.subject);
  RETURN_IF_ERROR(tx.Put(kReports, &row));
  RETURN_IF_ERROR(Received(env, tx, step.row.cluster(), year));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kClusters, &step));
  return row.report();
}

absl::StatusOr<Encoded<v1::ClusterReport>> GetClusterReport(
    Env& env, Call& call, const v1::GetClusterReportRequest& request) {
  constexpr char kPattern[] = "clusters/*/reports/*";
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), kPattern, 0));
  ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(request.name(), kPattern, 1));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckClusterReadable(env, call, number, at));
  return GetShown<v1::ClusterReport>(env, call, kReports, store::Key::Of(number, year), request);
}

absl::StatusOr<Encoded<v1::ListClusterReportsResponse>> ListClusterReports(
    Env& env, Call& call, const v1::ListClusterReportsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), "clusters/*", 0));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kReports, request, call));
  plan.prefix = store::Key::Of(number);
  RETURN_IF_ERROR(CheckClusterReadable(env, call, number, plan.at));
  plan.show = ShowConcealed<v1::ClusterReport>(call, nullptr);
  return rpc::ListAs<v1::ListClusterReportsResponse>(*env.store, plan);
}

}  // namespace nisi::clusters
