// ImportReports: the quarterly reports of a body that answers for many projects, each filed as
// SubmitReport does. How rows come and are reported on is in common/rpc/import.h.
#include "absl/strings/match.h"
#include "common/base/text.h"
#include "common/rpc/import.h"
#include "services/industry_map/cells.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

using v1::Financing;
using v1::ImportedReport;
using ReportCells = v1::ImportReportsRequest::Row;

void AddSource(Financing::Source source, const std::string& cell, v1::ReportFigures* figures) {
  if (cell.empty()) return;
  v1::SourceUsed& used = *figures->add_sources();
  used.set_source(source);
  *used.mutable_amount() = MoneyIn(cell);
}

class ReportImport final : public rpc::Import<v1::ImportReportsRequest, ImportedReport> {
 public:
  explicit ReportImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  ImportedReport FromRow(const ReportCells& row) const override {
    ImportedReport imported;
    imported.set_project(row.project());
    v1::Report& report = *imported.mutable_report();
    report.set_quarter(row.quarter());
    report.set_jobs_plan(NumberIn(row.jobs_plan()));
    report.set_jobs_fact(NumberIn(row.jobs_fact()));
    if (!row.forecast_commissioning().empty())
      *report.mutable_forecast_commissioning_date() = DateIn(row.forecast_commissioning());
    v1::ReportFigures& figures = *report.mutable_administrative_data();
    if (!row.construction_used().empty())
      *figures.mutable_construction_used() = MoneyIn(row.construction_used());
    if (!row.equipment_used().empty())
      *figures.mutable_equipment_used() = MoneyIn(row.equipment_used());
    if (!row.other_used().empty()) *figures.mutable_other_used() = MoneyIn(row.other_used());
    AddSource(Financing::OWN, row.own_used(), &figures);
    AddSource(Financing::BORROWED, row.borrowed_used(), &figures);
    AddSource(Financing::BUDGET, row.budget_used(), &figures);
    figures.set_readiness_bp(ShareIn(row.readiness()));
    if (!row.exports().empty()) *figures.mutable_exports() = MoneyIn(row.exports());
    figures.set_capacity_load_bp(LoadIn(row.capacity_load()));
    if (!row.support_received().empty())
      *figures.mutable_support_received() = MoneyIn(row.support_received());
    return imported;
  }

  std::string KeyOf(const ReportCells& row) const override {
    const auto text = base::CheckText(row.project(), {.max_chars = 50});
    return text.ok() ? *text : "";
  }

  absl::Status Begin(store::Tx&, const Call& call, const Header&) override {
    call_ = &call;
    return absl::OkStatus();
  }

  absl::Status Enter(store::Tx& tx, const ImportedReport& imported) override {
    ASSIGN_OR_RETURN(const int32_t number, Number(tx, imported.project()));
    const absl::Status filed = FileReport(env_, *call_, tx, number, imported.report()).status();
    // One row that the caller does not answer for is wrong; the call as a whole is not.
    return absl::IsPermissionDenied(filed) ? errors::ProjectUnknown(imported.project()) : filed;
  }

 private:
  static absl::StatusOr<int32_t> Number(const store::Tx& tx, const std::string& project) {
    if (absl::StartsWith(project, "projects/")) {
      const auto number = ProjectNumber(project);
      return number.ok() ? number : errors::ProjectUnknown(project);
    }
    ASSIGN_OR_RETURN(const auto known,
                     tx.FindUnique(kProjectsByEarlierNumber, store::Key::Of(project)));
    if (!known.has_value()) return errors::ProjectUnknown(project);
    return known->row.number();
  }

  Env& env_;
  const Call* call_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportReportsRequest>>> ImportReports(Env& env,
                                                                                          Call&) {
  return std::make_unique<ReportImport>(env);
}

}  // namespace nisi::industry_map
