// Quarterly reports (Art. 6(2), 9(12), 11(8)): which quarters, and which figures go together.
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {
namespace {

int64_t Tiyn(const google::type::Money& money) {
  return base::Money::FromProto(money).value_or(base::Money()).tiyn();
}

// What is counted since the beginning, by field.
std::map<std::string, int64_t> Cumulative(const v1::ReportFigures& figures) {
  std::map<std::string, int64_t> sums{{"construction_used", Tiyn(figures.construction_used())},
                                      {"equipment_used", Tiyn(figures.equipment_used())},
                                      {"other_used", Tiyn(figures.other_used())},
                                      {"readiness_bp", figures.readiness_bp()},
                                      {"support_received", Tiyn(figures.support_received())}};
  for (const v1::SourceUsed& source : figures.sources()) {
    std::string name = absl::StrCat("sources.", v1::Financing::Source_Name(source.source()));
    if (!source.programme().empty()) absl::StrAppend(&name, ".", source.programme());
    sums[name] += Tiyn(source.amount());
  }
  return sums;
}

// The field that falls from the earlier report to the later; empty where none does. A source that
// the later does not name has fallen to nothing.
std::string Fallen(const Report& earlier, const Report& later) {
  const auto after = Cumulative(later.administrative_data());
  for (const auto& [field, sum] : Cumulative(earlier.administrative_data())) {
    const auto found = after.find(field);
    if (sum > (found == after.end() ? 0 : found->second)) return field;
  }
  return "";
}

}  // namespace

absl::Status CheckReportable(base::Quarter quarter, base::Date today,
                             std::optional<Project::State> then) {
  if (quarter.last_day() >= today) return errors::QuarterNotEnded();
  if (!then.has_value() || !OwesReports(*then)) return errors::NotOnMap(quarter.ToString());
  return absl::OkStatus();
}

absl::Status CheckFigures(const Report& report, bool commissioned) {
  const v1::ReportFigures& figures = report.administrative_data();
  int64_t sources = 0;
  for (const v1::SourceUsed& source : figures.sources()) sources += Tiyn(source.amount());
  if (sources != InvestmentUsed(figures)) return errors::SourcesMismatch();
  if (commissioned) {
    return report.has_forecast_commissioning_date() ? errors::ForecastAfterCommissioning()
                                                    : absl::OkStatus();
  }
  if (figures.capacity_load_bp() != 0) return errors::LoadBeforeCommissioning("capacity_load_bp");
  if (figures.outputs_size() > 0) return errors::LoadBeforeCommissioning("outputs");
  return absl::OkStatus();
}

bool WasCommissioned(const Project& project, base::Quarter quarter) {
  const auto day = ReachedDay(project, Milestone::COMMISSIONING);
  return day.has_value() && *day <= quarter.last_day();
}

int32_t LoadOf(const Project& project, const Report& report) {
  const auto quarter = base::Quarter::Parse(report.quarter());
  return quarter.ok() && WasCommissioned(project, *quarter)
             ? report.administrative_data().capacity_load_bp()
             : 0;
}

absl::Status CheckCumulative(const Report& report, const Report* before, const Report* after) {
  if (before != nullptr) {
    const std::string field = Fallen(*before, report);
    if (!field.empty()) return errors::CumulativeFell(field, before->quarter());
  }
  if (after != nullptr) {
    const std::string field = Fallen(report, *after);
    if (!field.empty()) return errors::CumulativeFell(field, after->quarter());
  }
  return absl::OkStatus();
}

int64_t InvestmentUsed(const v1::ReportFigures& figures) {
  return Tiyn(figures.construction_used()) + Tiyn(figures.equipment_used()) +
         Tiyn(figures.other_used());
}

}  // namespace nisi::industry_map
