#include "services/grants/tables.h"

#include "absl/strings/str_cat.h"
#include "common/cases/budget.h"
#include "common/cases/deadlines.h"
#include "common/cases/gate.h"
#include "common/cases/overdue.h"

namespace nisi::grants {

using store::EmitKey;
using store::Key;

const store::Table<ProgrammeRow> kProgrammes{
    1, "programmes", [](const ProgrammeRow& row) { return Key::Of(row.programme().name()); }};

const store::Table<ApplicationRow> kApplications{
    2, "applications", [](const ApplicationRow& row) { return Key::Of(row.application().name()); }};
const store::Index<ApplicationRow> kApplicationsByApplicant{
    3, "applications_by_applicant", kApplications, false,
    [](const ApplicationRow& row, const EmitKey& emit) {
      emit(Key::Of(row.application().applicant()));
    }};
const store::Index<ApplicationRow> kApplicationsByState{
    4, "applications_by_state", kApplications, false,
    [](const ApplicationRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.application().state())));
    }};
const store::Index<ApplicationRow> kApplicationsByExpert{
    6, "applications_by_expert", kApplications, false,
    [](const ApplicationRow& row, const EmitKey& emit) {
      for (const std::string& subject : row.application().expert_subjects()) {
        emit(Key::Of(subject));
      }
    }};

const store::Table<ExaminationRow> kExaminations{7, "examinations", [](const ExaminationRow& row) {
                                                   return Key::Of(row.application(), row.number());
                                                 }};
const store::Index<ExaminationRow> kExaminationsBySubject{
    8, "examinations_by_subject", kExaminations, true,
    [](const ExaminationRow& row, const EmitKey& emit) {
      emit(Key::Of(row.application(), row.examination().expert_subject()));
    }};

const store::Table<CommissionRow> kCommissions{
    9, "commissions", [](const CommissionRow& row) { return Key::Of(row.number()); }};
const store::Index<CommissionRow> kCommissionsByApplication{
    10, "commissions_by_application", kCommissions, false,
    [](const CommissionRow& row, const EmitKey& emit) {
      emit(Key::Of(row.commission().application()));
    }};
const store::Index<CommissionRow> kCommissionsByMember{
    11, "commissions_by_member", kCommissions, false,
    [](const CommissionRow& row, const EmitKey& emit) {
      for (const std::string& subject : row.commission().member_subjects()) emit(Key::Of(subject));
    }};

const store::Table<AgreementRow> kAgreements{
    12, "agreements", [](const AgreementRow& row) { return Key::Of(row.agreement().name()); }};
const store::Index<AgreementRow> kAgreementsByRecipient{
    13, "agreements_by_recipient", kAgreements, false,
    [](const AgreementRow& row, const EmitKey& emit) {
      emit(Key::Of(row.agreement().recipient()));
    }};
const store::Table<PaymentRow> kPayments{
    14, "payments", [](const PaymentRow& row) { return Key::Of(row.agreement(), row.number()); }};
const store::Table<MonitoringReportRow> kReports{
    15, "reports", [](const MonitoringReportRow& row) {
      return Key::Of(row.agreement(), row.report().year(), row.report().half());
    }};
const store::Table<DemandRow> kDemands{
    16, "demands", [](const DemandRow& row) { return Key::Of(row.demand().name()); }};
const store::Index<DemandRow> kDemandsByRecipient{
    17, "demands_by_recipient", kDemands, false,
    [](const DemandRow& row, const EmitKey& emit) { emit(Key::Of(row.demand().recipient())); }};

const store::Table<CompetitivenessAgreementRow> kCompetitiveness{
    18, "competitiveness",
    [](const CompetitivenessAgreementRow& row) { return Key::Of(row.agreement().name()); }};
const store::Index<CompetitivenessAgreementRow> kCompetitivenessByEntity{
    19, "competitiveness_by_entity", kCompetitiveness, false,
    [](const CompetitivenessAgreementRow& row, const EmitKey& emit) {
      emit(Key::Of(row.agreement().entity()));
    }};

const store::Table<UnreliableRecipientRow> kUnreliable{
    20, "unreliable", [](const UnreliableRecipientRow& row) { return Key::Of(row.number()); }};
const store::Index<UnreliableRecipientRow> kUnreliableByRecipient{
    21, "unreliable_by_recipient", kUnreliable, true,
    [](const UnreliableRecipientRow& row, const EmitKey& emit) {
      emit(Key::Of(row.recipient().recipient(), static_cast<int64_t>(row.recipient().list())));
    }};

const store::Table<DebtRow> kDebts{22, "debts",
                                   [](const DebtRow& row) { return Key::Of(row.number()); }};
const store::Index<DebtRow> kDebtsByRecord{
    23, "debts_by_record", kDebts, true, [](const DebtRow& row, const EmitKey& emit) {
      emit(Key::Of(row.debt().source(), row.debt().record()));
    }};
const store::Index<DebtRow> kDebtsByRecipient{
    24, "debts_by_recipient", kDebts, false,
    [](const DebtRow& row, const EmitKey& emit) { emit(Key::Of(row.debt().recipient())); }};

const store::Index<cases::v1::DeadlineRow> kOverdue{25, "overdue", cases::kDeadlines, false,
                                                    cases::EmitOverdue};

const store::Schema& GrantsSchema() {
  static const auto* const kSchema =
      new store::Schema(cases::WithNotices(cases::WithBudget(cases::WithDeadlines(
          {"grants",
           1,
           {&kProgrammes, &kApplications, &kExaminations, &kCommissions, &kAgreements, &kPayments,
            &kReports, &kDemands, &kCompetitiveness, &kUnreliable, &kDebts},
           {&kApplicationsByApplicant, &kApplicationsByState, &kApplicationsByExpert,
            &kExaminationsBySubject, &kCommissionsByApplication, &kCommissionsByMember,
            &kAgreementsByRecipient, &kDemandsByRecipient, &kCompetitivenessByEntity,
            &kUnreliableByRecipient, &kDebtsByRecord, &kDebtsByRecipient, &kOverdue},
           {},
           {},
           {5}}))));
  return *kSchema;
}

std::string CommissionName(int32_t number) {
  return absl::StrCat("commissions/", number);
}
std::string ExaminationName(const std::string& application, int32_t number) {
  return absl::StrCat(application, "/examinations/", number);
}
std::string PaymentName(const std::string& agreement, int32_t tranche) {
  return absl::StrCat(agreement, "/payments/", tranche);
}
std::string ReportName(const std::string& agreement, const HalfYear& half) {
  return absl::StrCat(agreement, "/reports/", half.year, "h", half.half);
}
std::string Sibling(const char* collection, const std::string& name) {
  return absl::StrCat(collection, "/", name.substr(name.find('/') + 1));
}

}  // namespace nisi::grants
