#include "services/contracts/tables.h"

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/cases/deadlines.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {

using store::EmitKey;
using store::Key;

const store::Table<CustomerRow> kCustomers{
    1, "customers", [](const CustomerRow& row) { return Key::Of(row.customer().bin()); }};
const store::Table<CycleRow> kCycles{
    2, "cycles", [](const CycleRow& row) { return Key::Of(row.cycle().year()); }};
const store::Table<NeedRow> kNeeds{
    3, "needs", [](const NeedRow& row) { return Key::Of(row.year(), row.number()); }};
const store::Table<ItemRow> kItems{
    4, "items", [](const ItemRow& row) { return Key::Of(row.year(), row.number()); }};

const store::Table<ProposalRow> kProposals{
    5, "proposals", [](const ProposalRow& row) { return Key::Of(row.year(), row.number()); }};
const store::Index<ProposalRow> kProposalsByItem{
    6, "proposals_by_item", kProposals, false, [](const ProposalRow& row, const EmitKey& emit) {
      emit(Key::Of(row.proposal().item(), row.number()));
    }};
const store::Index<ProposalRow> kOpenProposals{
    7, "open_proposals", kProposals, true, [](const ProposalRow& row, const EmitKey& emit) {
      const Proposal& proposal = row.proposal();
      if (proposal.state() != Proposal::PROPOSED && proposal.state() != Proposal::AGREED) return;
      emit(Key::Of(proposal.item(), proposal.customer()));
    }};

const store::Table<PublicationRow> kPublications{8, "publications", [](const PublicationRow& row) {
                                                   return Key::Of(row.year(), row.revision());
                                                 }};
const store::Index<PublicationRow> kRefusedPublications{
    9, "refused_publications", kPublications, false,
    [](const PublicationRow& row, const EmitKey& emit) {
      if (row.publication().state() == Publication::REFUSED) {
        emit(Key::Of(row.year(), row.revision()));
      }
    }};

const store::Table<ContractRow> kContracts{
    10, "contracts", [](const ContractRow& row) { return Key::Of(row.contract().name()); }};
const store::Index<ContractRow> kContractsByBin{
    11, "contracts_by_bin", kContracts, false, [](const ContractRow& row, const EmitKey& emit) {
      emit(Key::Of(row.contract().customer()));
      emit(Key::Of(row.contract().supplier()));
      for (const std::string& pledgee : row.contract().pledgees()) emit(Key::Of(pledgee));
    }};

const store::Table<EntryRow> kEntries{
    12, "entries", [](const EntryRow& row) { return Key::Of(row.contract(), row.number()); }};
const store::Index<EntryRow> kOpenFaults{
    13, "open_faults", kEntries, false, [](const EntryRow& row, const EmitKey& emit) {
      const Entry& entry = row.entry();
      if (entry.kind() == Entry::REFUSAL && entry.fault() == v1::SUPPLIERS_FAULT &&
          !entry.fault_settled() && row.corrected_by() == 0) {
        emit(Key::Of(row.contract(), entry.year(), row.number()));
      }
    }};

const store::Table<AmendmentRow> kAmendments{14, "amendments", [](const AmendmentRow& row) {
                                               return Key::Of(row.contract(), row.number());
                                             }};
const store::Index<AmendmentRow> kOpenAmendments{
    15, "open_amendments", kAmendments, true, [](const AmendmentRow& row, const EmitKey& emit) {
      if (row.amendment().state() == Amendment::PROPOSED) emit(Key::Of(row.contract()));
    }};
const store::Table<PledgeRow> kPledges{
    16, "pledges", [](const PledgeRow& row) { return Key::Of(row.contract(), row.number()); }};
const store::Index<PledgeRow> kActivePledges{
    17, "active_pledges", kPledges, true, [](const PledgeRow& row, const EmitKey& emit) {
      if (row.pledge().state() == Pledge::ACTIVE) {
        emit(Key::Of(row.contract(), row.pledge().pledgee()));
      }
    }};
const store::Table<AssessmentRow> kAssessments{18, "assessments", [](const AssessmentRow& row) {
                                                 return Key::Of(row.contract(), row.year());
                                               }};
const store::Table<PenaltyRow> kPenalties{
    19, "penalties", [](const PenaltyRow& row) { return Key::Of(row.contract(), row.number()); }};
const store::Table<ReportRow> kReports{20, "reports", [](const ReportRow& row) {
                                         return Key::Of(row.contract(), row.report().year());
                                       }};

const store::Totals<EntryRow> kEntryTotals{
    21, "entry_totals", kEntries, 8, [](const EntryRow& row, const store::EmitTotals& emit) {
      const Entry& entry = row.entry();
      const auto day = base::Date::FromProto(entry.event_date());
      if (row.corrected_by() != 0 || !day.ok()) return;
      const Shares shares = SharesOf(entry);
      store::Sums sums{1};
      sums.insert(sums.end(), shares.begin(), shares.end());
      const int32_t month = MonthOf(day->year(), day->month());
      emit(Key::Of(row.contract(), 0, month, entry.year()), sums);
      emit(Key::Of(row.contract(), 1, month, *day, entry.year()), sums);
    }};

const store::Index<EntryRow> kEntriesByDocument{
    22, "entries_by_document", kEntries, false, [](const EntryRow& row, const EmitKey& emit) {
      const Entry& entry = row.entry();
      const auto day = base::Date::FromProto(entry.event_date());
      if (row.corrected_by() != 0 || entry.document_number().empty() || !day.ok()) return;
      emit(DocumentKey(row.contract(), entry, *day));
    }};

const store::Schema& ContractsSchema() {
  static const auto* const kSchema = new store::Schema([] {
    store::Schema schema{
        "contracts",
        1,
        {&kCustomers, &kCycles, &kNeeds, &kItems, &kProposals, &kPublications, &kContracts,
         &kEntries, &kAmendments, &kPledges, &kAssessments, &kPenalties, &kReports},
        {&kProposalsByItem, &kOpenProposals, &kRefusedPublications, &kContractsByBin, &kOpenFaults,
         &kOpenAmendments, &kActivePledges, &kEntriesByDocument},
        {&kEntryTotals}};
    return cases::WithDeadlines(std::move(schema));
  }());
  return *kSchema;
}

std::string CycleName(int32_t year) {
  return absl::StrCat("cycles/", year);
}
std::string NeedName(int32_t year, int32_t number) {
  return absl::StrCat(CycleName(year), "/needs/", number);
}
std::string ItemName(int32_t year, int32_t number) {
  return absl::StrCat(CycleName(year), "/items/", number);
}
std::string ProposalName(int32_t year, int32_t number) {
  return absl::StrCat(CycleName(year), "/proposals/", number);
}
std::string PublicationName(int32_t year, int32_t revision) {
  return absl::StrCat(CycleName(year), "/publications/", revision);
}
store::Key DocumentKey(const std::string& contract, const v1::Entry& entry, base::Date day) {
  return Key::Of(contract, static_cast<int64_t>(entry.kind()), entry.year(),
                 entry.document_number(), day);
}
std::string ChildName(const std::string& contract, const char* collection, int32_t number) {
  return absl::StrCat(contract, "/", collection, "/", number);
}
int32_t MonthOf(int year, int month) {
  return year * 12 + month - 1;
}

}  // namespace nisi::contracts
