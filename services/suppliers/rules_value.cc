#include "services/suppliers/rules_value.h"

#include <set>

#include "common/base/roles.h"
#include "services/suppliers/errors.h"

namespace nisi::suppliers {
namespace {

absl::Status CheckLine(const ProcurementReport& report, int index, base::Date from, base::Date to,
                       base::Date today) {
  const ProcurementReport::Line& line = report.lines(index);
  const auto amount = base::Money::FromProto(line.amount());
  if (!amount.ok() || amount->is_zero()) return errors::LineAmount(index);
  const bool actual = report.stage() == ProcurementReport::ACTUAL;
  if (line.has_contract_date()) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(line.contract_date()));
    if (day < from || day > to) return errors::LineDate(index, "must lie in the period");
    if (actual && day > today) return errors::LineDate(index, "must not be in the future");
  } else if (actual) {
    return errors::LineDate(index, "is required of what was bought");
  }
  if (actual && line.kind() != v1::GOOD && !line.has_resident_share_bp())
    return errors::ResidentShareMissing(index);
  return absl::OkStatus();
}

}  // namespace

const base::Machine<ProcurementReport::State, ReportVerb>& ReportMachine() {
  using R = ProcurementReport;
  using V = ReportVerb;
  constexpr uint32_t kFilers = base::RoleBit(rpc::v1::CUSTOMER) | base::RoleBit(rpc::v1::AKIMAT);
  static const auto* const kMachine = new base::Machine<R::State, V>(
      "PROCUREMENT_REPORT", R::State_descriptor(),
      {{"file", errors::Collecting}, {"withdraw", errors::Collecting}},
      {{{R::STATE_UNSPECIFIED, R::FILED}, V::kFile, R::FILED, kFilers, errors::Collecting},
       {{R::FILED}, V::kWithdraw, R::WITHDRAWN, kFilers, errors::Collecting}});
  return *kMachine;
}

absl::Status CheckReport(const ProcurementReport& report, base::Date today) {
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(report.period_from()));
  ASSIGN_OR_RETURN(const base::Date to, base::Date::FromProto(report.period_to()));
  if (to < from || from.year() != to.year()) return errors::PeriodInvalid();
  std::set<int32_t> numbers;
  for (int i = 0; i < report.lines_size(); ++i) {
    if (!numbers.insert(report.lines(i).number()).second) return errors::LineTwice(i);
    RETURN_IF_ERROR(CheckLine(report, i, from, to, today));
  }
  return absl::OkStatus();
}

absl::StatusOr<base::Date> DayOfLine(const ProcurementReport& report,
                                     const ProcurementReport::Line& line) {
  return base::Date::FromProto(line.has_contract_date() ? line.contract_date()
                                                        : report.period_from());
}

void JudgeLine(const ProcurementReport::Line& line, absl::Span<const Entry> entries, base::Date day,
               ValueLine* judged) {
  if (line.kind() != v1::GOOD) {
    judged->set_in_country_value_bp(line.resident_share_bp());
    judged->set_rule(line.has_resident_share_bp() ? "RESIDENT_SHARE" : "RESIDENT_SHARE_MISSING");
    return;
  }
  const Entry* lowest = nullptr;
  int32_t value = 0;
  for (const Entry& entry : entries) {
    const auto days = CountsOn(*entry.row);
    const int32_t says = ValueFor(entry.row->evidence(), line.ens_tru());
    if (!days.has_value() || !days->Has(day) || says == 0) continue;
    if (lowest == nullptr || says < value || (says == value && entry.number < lowest->number)) {
      lowest = &entry;
      value = says;
    }
  }
  judged->set_in_country_value_bp(value);
  judged->set_rule(lowest == nullptr ? "NO_REGISTER_ENTRY" : "REGISTER_ENTRY_LOWEST");
  if (lowest != nullptr) judged->set_evidence(lowest->row->evidence().name());
}

void PlanValue::Add(v1::Kind kind, base::Money amount, int32_t share) {
  by_kind_[kind].Add(amount, share);
  all_.Add(amount, share);
}

absl::StatusOr<std::vector<v1::ComputeInCountryValueResponse::Sum>> PlanValue::Sums() const {
  std::vector<v1::ComputeInCountryValueResponse::Sum> sums;
  const auto add = [&](v1::Kind kind, const base::WeightedSum& sum) -> absl::Status {
    const auto whole = sum.Whole();
    const auto part = sum.Part();
    if (!whole.ok() || !part.ok()) return errors::SumTooLarge();
    auto& line = sums.emplace_back();
    line.set_kind(kind);
    *line.mutable_amount() = whole->ToProto();
    *line.mutable_in_country_amount() = part->ToProto();
    line.set_in_country_value_bp(sum.Share());
    line.set_import_share_bp(base::kWholeShare - sum.Share());
    return absl::OkStatus();
  };
  for (const auto& [kind, sum] : by_kind_) RETURN_IF_ERROR(add(kind, sum));
  RETURN_IF_ERROR(add(v1::KIND_UNSPECIFIED, all_));
  return sums;
}

}  // namespace nisi::suppliers
