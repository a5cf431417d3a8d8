// Everything this service keeps on disk.
#pragma once

#include "common/store/table.h"
#include "nisi/cases/v1/case.pb.h"
#include "nisi/grants/v1/rows.pb.h"
#include "services/grants/rules.h"

namespace nisi::grants {

using v1::AgreementRow;
using v1::ApplicationRow;
using v1::CommissionRow;
using v1::CompetitivenessAgreementRow;
using v1::DebtRow;
using v1::DemandRow;
using v1::ExaminationRow;
using v1::MonitoringReportRow;
using v1::PaymentRow;
using v1::ProgrammeRow;
using v1::UnreliableRecipientRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change.
extern const store::Table<ProgrammeRow> kProgrammes;                 // 1: name
extern const store::Table<ApplicationRow> kApplications;             // 2: name
extern const store::Index<ApplicationRow> kApplicationsByApplicant;  // 3: applicant
extern const store::Index<ApplicationRow> kApplicationsByState;      // 4: state
// 5 was applicant, unique, of those with a grant that runs.
extern const store::Index<ApplicationRow> kApplicationsByExpert;     // 6: subject, a key each
extern const store::Table<ExaminationRow> kExaminations;             // 7: application, number
extern const store::Index<ExaminationRow> kExaminationsBySubject;    // 8: application, subject
extern const store::Table<CommissionRow> kCommissions;               // 9: number
extern const store::Index<CommissionRow> kCommissionsByApplication;  // 10: application
extern const store::Index<CommissionRow> kCommissionsByMember;       // 11: subject, a key each
extern const store::Table<AgreementRow> kAgreements;                 // 12: name
extern const store::Index<AgreementRow> kAgreementsByRecipient;      // 13: recipient
extern const store::Table<PaymentRow> kPayments;                     // 14: agreement, tranche
extern const store::Table<MonitoringReportRow> kReports;             // 15: agreement, year, half
extern const store::Table<DemandRow> kDemands;                       // 16: name
extern const store::Index<DemandRow> kDemandsByRecipient;            // 17: recipient
extern const store::Table<CompetitivenessAgreementRow> kCompetitiveness;          // 18: name
extern const store::Index<CompetitivenessAgreementRow> kCompetitivenessByEntity;  // 19: entity
extern const store::Table<UnreliableRecipientRow> kUnreliable;                    // 20: number
extern const store::Index<UnreliableRecipientRow> kUnreliableByRecipient;  // 21: recipient, list
extern const store::Table<DebtRow> kDebts;                                 // 22: number
extern const store::Index<DebtRow> kDebtsByRecord;           // 23: source, record; unique
extern const store::Index<DebtRow> kDebtsByRecipient;        // 24: recipient
extern const store::Index<cases::v1::DeadlineRow> kOverdue;  // 25: 1, due day; of those overdue

// With the tables of deadlines, budgets and notices.
const store::Schema& GrantsSchema();

// Kinds of deadlines that are opened and closed by hand.
inline constexpr char kReportDeadline[] = "monitoring_report";
inline constexpr char kContributionDeadline[] = "contribution";
inline constexpr char kAssessmentDeadline[] = "assessment_of_obligations";
inline constexpr char kProofDeadline[] = "proof_of_tranches";
inline constexpr char kProvingDeadline[] = "proving_of_tranche";
inline constexpr char kPaymentDeadline[] = "payment_of_tranche";

std::string CommissionName(int32_t number);
std::string ExaminationName(const std::string& application, int32_t number);
std::string PaymentName(const std::string& agreement, int32_t tranche);
std::string ReportName(const std::string& agreement, const HalfYear& half);
// An application, its agreement and its demand have one id: "demands/x" of "applications/x".
std::string Sibling(const char* collection, const std::string& name);

}  // namespace nisi::grants
