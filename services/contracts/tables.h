// Everything this service keeps on disk.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/date.h"
#include "common/store/table.h"
#include "common/store/totals.h"
#include "nisi/contracts/v1/rows.pb.h"

namespace nisi::contracts {

using v1::AmendmentRow;
using v1::AssessmentRow;
using v1::ContractRow;
using v1::CustomerRow;
using v1::CycleRow;
using v1::EntryRow;
using v1::ItemRow;
using v1::NeedRow;
using v1::PenaltyRow;
using v1::PledgeRow;
using v1::ProposalRow;
using v1::PublicationRow;
using v1::ReportRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change.
extern const store::Table<CustomerRow> kCustomers;               // 1: bin
extern const store::Table<CycleRow> kCycles;                     // 2: year
extern const store::Table<NeedRow> kNeeds;                       // 3: year, number
extern const store::Table<ItemRow> kItems;                       // 4: year, number
extern const store::Table<ProposalRow> kProposals;               // 5: year, number
extern const store::Index<ProposalRow> kProposalsByItem;         // 6: item, number
extern const store::Index<ProposalRow> kOpenProposals;           // 7: item, customer; unique
extern const store::Table<PublicationRow> kPublications;         // 8: year, revision
extern const store::Index<PublicationRow> kRefusedPublications;  // 9: year, revision; refused ones
extern const store::Table<ContractRow> kContracts;               // 10: name
extern const store::Index<ContractRow> kContractsByBin;          // 11: parties and pledgees, each
extern const store::Table<EntryRow> kEntries;                    // 12: contract, number
extern const store::Index<EntryRow> kOpenFaults;                 // 13: contract, year, number
extern const store::Table<AmendmentRow> kAmendments;             // 14: contract, number
extern const store::Index<AmendmentRow> kOpenAmendments;         // 15: contract; unique
extern const store::Table<PledgeRow> kPledges;                   // 16: contract, number
extern const store::Index<PledgeRow> kActivePledges;             // 17: contract, pledgee; unique
extern const store::Table<AssessmentRow> kAssessments;           // 18: contract, year
extern const store::Table<PenaltyRow> kPenalties;                // 19: contract, number
extern const store::Table<ReportRow> kReports;                   // 20: contract, year
// What entries that count come to, so that a balance reads no entries: by month, and by day for
// the month in which the day asked for lies. Measures: how many, and Shares (rules.h).
//   contract, 0, months since year 0, contract's year
//   contract, 1, months since year 0, day, contract's year
extern const store::Totals<EntryRow> kEntryTotals;  // 21
// Entries that count by the document that they tell of: contract, kind, year, document number, day.
extern const store::Index<EntryRow> kEntriesByDocument;  // 22

// With the tables of deadlines.
const store::Schema& ContractsSchema();

// A timer. It looks at the record first and does nothing where there is nothing to say.
inline constexpr char kSayDailyTimer[] = "publication/say-daily";  // edition, when confirmed

// Kinds of deadlines; those of a cycle are in rules.h.
inline constexpr char kAssessmentDeadline[] = "assessment";  // of a year
inline constexpr char kOffsetDeadline[] = "offset";          // a condition's own day
inline constexpr char kCureDeadline[] = "offset_cure";       // after which there is a penalty

std::string CycleName(int32_t year);
std::string NeedName(int32_t year, int32_t number);
std::string ItemName(int32_t year, int32_t number);
std::string ProposalName(int32_t year, int32_t number);
std::string PublicationName(int32_t year, int32_t revision);
// The key of an entry in kEntriesByDocument.
store::Key DocumentKey(const std::string& contract, const v1::Entry& entry, base::Date day);
// "contracts/x/entries/7".
std::string ChildName(const std::string& contract, const char* collection, int32_t number);
int32_t MonthOf(int year, int month);

}  // namespace nisi::contracts
