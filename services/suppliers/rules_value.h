// The in-country value of purchases (Art. 1(2), 9(35), 11(3), 13(3)(2)), as pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/share.h"
#include "nisi/suppliers/v1/resources.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/suppliers/rules_evidence.h"

namespace nisi::suppliers {

using v1::ProcurementReport;

enum class ReportVerb { kFile, kWithdraw };
// Its refusals are PROCUREMENT_REPORT_STATE.
const base::Machine<ProcurementReport::State, ReportVerb>& ReportMachine();

using ValueLine = v1::ComputeInCountryValueResponse::Line;

// Whether the lines of a report make sense by themselves (Art. 11(3)). PERIOD_INVALID, LINE_TWICE,
// LINE_DATE, LINE_AMOUNT, RESIDENT_SHARE_MISSING.
absl::Status CheckReport(const ProcurementReport& report, base::Date today);

// The day on which a line is judged: that of its contract; of a plan the first of the period.
absl::StatusOr<base::Date> DayOfLine(const ProcurementReport& report,
                                     const ProcurementReport::Line& line);

// A register entry of a code, against whose maker no measure stands on the day that is asked for.
struct Entry {
  int64_t number = 0;
  const v1::EvidenceRow* row = nullptr;
};
// The share of a line that is of the country, in hundredths of a percent: of goods the lowest of
// the entries that count on the day, of equal ones by the lowest number, 0 where there is none; of
// works and services the residents' share. Fills value, evidence and rule.
void JudgeLine(const ProcurementReport::Line& line, absl::Span<const Entry> entries, base::Date day,
               ValueLine* judged);

// Sums of lines by kind and of all, exact, each rounded once.
class PlanValue {
 public:
  void Add(v1::Kind kind, base::Money amount, int32_t share);
  // By kind, then of all; the last stands for the plan. SUM_TOO_LARGE.
  absl::StatusOr<std::vector<v1::ComputeInCountryValueResponse::Sum>> Sums() const;

 private:
  std::map<v1::Kind, base::WeightedSum> by_kind_;
  base::WeightedSum all_;
};

}  // namespace nisi::suppliers
