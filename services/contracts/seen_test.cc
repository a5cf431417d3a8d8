// Who sees what of a contract: its parties all of it, a pledgee its terms as long as it is one, the
// bodies of planning nothing; and whose looks at its figures are recorded.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "common/rpc/served_testing.h"
#include "nisi/disclosure/v1/disclosure.pb.h"
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using base::ReasonOf;

class SeenTest : public ContractsTest {
 protected:
  std::vector<std::string> Exported(const rpc::Caller& caller) {
    v1::ExportContractsRequest request;
    request.set_form(v1::ExportContractsRequest::RECORDS);
    std::vector<std::string> names;
    for (const auto& one :
         Streamed<v1::ExportContractsResponse>("ExportContracts", caller, request)) {
      names.push_back(one.contract());
    }
    return names;
  }
  // How many versions of all but pledges a watch from the beginning tells.
  int Watched(const rpc::Caller& caller) {
    v1::WatchContractsRequest request;
    request.set_start_position(1);
    int changes = 0;
    for (const auto& told :
         Streamed<v1::WatchContractsResponse>("WatchContracts", caller, request)) {
      for (const auto& change : told.changes()) changes += change.has_pledge() ? 0 : 1;
    }
    return changes;
  }
  std::set<std::string> LateRecords(const rpc::Caller& caller) {
    std::set<std::string> records;
    const auto late = Must<v1::ListLateResponse>("ListLate", caller, v1::ListLateRequest());
    for (const auto& one : late.deadlines()) records.insert(one.record());
    return records;
  }
};

// What is delivered, paid and owed is between the parties; the pledge is of what they agreed.
TEST_F(SeenTest, APledgeeSeesTheTermsAlone) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("50")).ok());
  ASSERT_TRUE(PayIt(name, 50'000).ok());
  ASSERT_TRUE(PledgeTo(name, 3).ok());
  EXPECT_EQ(Must<v1::Contract>("GetContract", bank_, Named<v1::GetContractRequest>(name)).name(),
            name);
  const auto balance = Named<v1::GetBalanceRequest>(name);
  EXPECT_EQ(Why<v1::Balance>("GetBalance", bank_, balance), "ACCESS_DENIED");
  EXPECT_EQ(Why<v1::Balance>("GetBalance", stranger_, balance), "ACCESS_DENIED");
  EXPECT_TRUE(Exported(bank_).empty());
  v1::ListDeadlinesRequest deadlines;
  deadlines.set_parent(name);
  EXPECT_EQ(Why<v1::ListDeadlinesResponse>("ListDeadlines", bank_, deadlines), "ACCESS_DENIED");
  for (const rpc::Caller& caller : {supplier_, CustomerOf(1), auditor_}) {
    EXPECT_EQ(Must<v1::Balance>("GetBalance", caller, balance).paid().units(), 50'000);
    EXPECT_THAT(Exported(caller), ::testing::ElementsAre(name));
    EXPECT_TRUE(Do<v1::ListDeadlinesResponse>("ListDeadlines", caller, deadlines).ok());
  }
}

// Whose pledge is given up reads what was before that no more than what is.
TEST_F(SeenTest, WhoIsReleasedDoesNotReadThePast) {
  const std::string name = OffTake();
  const auto pledge = PledgeTo(name, 3);
  ASSERT_TRUE(pledge.ok()) << pledge.status();
  const auto lower = Amend(name, supplier_, 2027, "90", 1'000);
  ASSERT_TRUE(ConsentTo(pledge->name(), lower->name(), bank_).ok());
  ASSERT_TRUE(CoSign(lower->name(), CustomerOf(1)).ok());
  const auto pledged_on = today().ToProto();
  const auto pledged_at = ContractNow(name).update_time();
  GoTo(today().AddDays(1));
  auto get = Named<v1::GetContractRequest>(name);
  auto amendment = Named<v1::GetAmendmentRequest>(lower->name());
  *get.mutable_as_of() = *amendment.mutable_as_of() = pledged_on;
  v1::ListContractsRequest list;
  *list.mutable_as_of() = pledged_on;
  v1::ListAmendmentsRequest amendments;
  amendments.set_parent(name);
  *amendments.mutable_as_of() = pledged_on;
  const auto contracts = [&] {
    return Must<v1::ListContractsResponse>("ListContracts", bank_, list).contracts_size();
  };
  EXPECT_TRUE(Do<v1::Contract>("GetContract", bank_, get).ok());
  EXPECT_TRUE(Do<v1::Amendment>("GetAmendment", bank_, amendment).ok());
  EXPECT_EQ(contracts(), 1);
  EXPECT_GT(Watched(bank_), 0);
  ASSERT_TRUE(
      Do<v1::Pledge>("ReleasePledge", bank_, Named<v1::ReleasePledgeRequest>(pledge->name())).ok());
  EXPECT_EQ(Why<v1::Contract>("GetContract", bank_, get), "ACCESS_DENIED");
  EXPECT_EQ(Why<v1::Amendment>("GetAmendment", bank_, amendment), "ACCESS_DENIED");
  amendment.clear_as_of();
  EXPECT_EQ(Why<v1::Amendment>("GetAmendment", bank_, amendment), "ACCESS_DENIED");
  EXPECT_EQ(Why<v1::ListAmendmentsResponse>("ListAmendments", bank_, amendments), "ACCESS_DENIED");
  EXPECT_EQ(contracts(), 0);
  EXPECT_EQ(Watched(bank_), 0);
  get.clear_as_of();
  *get.mutable_known_at() = pledged_at;
  EXPECT_EQ(Why<v1::Contract>("GetContract", bank_, get), "ACCESS_DENIED");
  EXPECT_TRUE(Do<v1::Contract>("GetContract", supplier_, get).ok());
  // Its own pledge it still has.
  EXPECT_TRUE(Do<v1::Pledge>("GetPledge", bank_, Named<v1::GetPledgeRequest>(pledge->name())).ok());
}

// Whom a contract names it names in a role: who buys for its supplier, or makes and sells for its
// customer, is no party of it, nor who buys for the bank.
TEST_F(SeenTest, ABinInAnotherRoleIsNoTie) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  const auto pledge = PledgeTo(name, 3);
  ASSERT_TRUE(pledge.ok()) << pledge.status();
  const auto lower = Amend(name, supplier_, 2027, "90", 1'000);
  ASSERT_TRUE(lower.ok()) << lower.status();
  v1::SubmitMonitoringReportRequest told;
  told.set_parent(name);
  told.mutable_report()->set_year(2026);
  told.mutable_report()->set_progress("Идёт");
  const auto report = Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, told);
  GoTo(Day("2027-01-10"));
  const auto assessed = Assess(name, 2026);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  // How many of the reads there are, of one record and of lists, let a caller in.
  const auto reads = [&](const rpc::Caller& caller) {
    v1::ListContractsRequest all;
    v1::ListContractsRequest past;
    *past.mutable_as_of() = today().AddDays(-1).ToProto();
    v1::ListEntriesRequest entries;
    entries.set_parent(name);
    v1::ListPledgesRequest pledges;
    pledges.set_parent(name);
    v1::ListDeadlinesRequest deadlines;
    deadlines.set_parent(name);
    const auto get = [&](const char* method, auto request, auto response) {
      return Do<decltype(response)>(method, caller, request).ok();
    };
    const bool seen[] = {
        get("GetContract", Named<v1::GetContractRequest>(name), v1::Contract()),
        get("GetEntry", Named<v1::GetEntryRequest>(ChildName(name, "entries", 1)), v1::Entry()),
        get("GetAmendment", Named<v1::GetAmendmentRequest>(lower->name()), v1::Amendment()),
        get("GetPledge", Named<v1::GetPledgeRequest>(pledge->name()), v1::Pledge()),
        get("GetAssessment", Named<v1::GetAssessmentRequest>(assessed->name()), v1::Assessment()),
        get("GetPenalty", Named<v1::GetPenaltyRequest>(assessed->penalty()), v1::Penalty()),
        get("GetMonitoringReport", Named<v1::GetMonitoringReportRequest>(report.name()),
            v1::MonitoringReport()),
        get("GetBalance", Named<v1::GetBalanceRequest>(name), v1::Balance()),
        get("ListEntries", entries, v1::ListEntriesResponse()),
        get("ListPledges", pledges, v1::ListPledgesResponse()),
        get("ListDeadlines", deadlines, v1::ListDeadlinesResponse()),
        Must<v1::ListContractsResponse>("ListContracts", caller, all).contracts_size() > 0,
        Must<v1::ListContractsResponse>("ListContracts", caller, past).contracts_size() > 0,
        !Exported(caller).empty(),
        Watched(caller) > 0};
    return std::count(std::begin(seen), std::end(seen), true);
  };
  const auto as = [](rpc::Role role, int n) {
    return CallerOf(absl::StrCat("somebody of ", n), {role}, Bin(n));
  };
  EXPECT_EQ(reads(as(rpc::v1::CUSTOMER, 1)), 15);
  EXPECT_EQ(reads(as(rpc::v1::ENTITY, 2)), 15);
  EXPECT_EQ(reads(CallerOf("both", {rpc::v1::ENTITY, rpc::v1::CUSTOMER}, Bin(1))), 15);
  EXPECT_EQ(reads(as(rpc::v1::ENTITY, 1)), 0);
  EXPECT_EQ(reads(as(rpc::v1::CUSTOMER, 2)), 0);
  EXPECT_EQ(reads(as(rpc::v1::CUSTOMER, 3)), 0);
  // The contract, its amendment and pledge, and their lists, now and then; and a watch.
  EXPECT_EQ(reads(as(rpc::v1::ENTITY, 3)), 8);
}

class FiguresTest : public SeenTest {
 protected:
  // Looks that are recorded: of whose record, by whom, in which role or by which permit, at what.
  std::vector<std::string> Looks() {
    std::vector<std::string> looks;
    const absl::Status read = store().Read().Scan(
        rpc::kAccesses, {}, {},
        [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<disclosure::v1::AccessRow>(row));
          const auto& access = stored.row.access();
          looks.push_back(absl::StrCat(access.owner_bin(), " ", access.reader_subject(), " ",
                                       access.permit().empty()
                                           ? rpc::v1::Role_Name(access.role())
                                           : disclosure::v1::Access::Ground_Name(access.ground()),
                                       " ", absl::StrJoin(access.records(), ",")));
          return true;
        });
    EXPECT_TRUE(read.ok()) << read;
    return looks;
  }
  // Those since the last time.
  std::vector<std::string> NewLooks() {
    std::vector<std::string> fresh;
    for (std::string& look : Looks()) {
      if (known_.insert(look).second) fresh.push_back(std::move(look));
    }
    return fresh;
  }
  // As who is told is: of both parties.
  static std::vector<std::string> OfBoth(const std::string& look) {
    return {absl::StrCat(Bin(1), " ", look), absl::StrCat(Bin(2), " ", look)};
  }
  v1::Contract Got(const std::string& name, const rpc::Caller& caller) {
    return Must<v1::Contract>("GetContract", caller, Named<v1::GetContractRequest>(name));
  }
  bool Tells(const rpc::Caller& caller, bool figures) {
    v1::ExportContractsRequest request;
    request.set_form(v1::ExportContractsRequest::RECORDS);
    request.set_figures(figures);
    const auto told = Streamed<v1::ExportContractsResponse>("ExportContracts", caller, request);
    EXPECT_EQ(told.size(), 1U) << caller.subject;
    return !told.empty() && absl::StrContains(told.front().json(), "77777");
  }

 private:
  std::set<std::string> known_;
};

// What two companies have agreed on is theirs: whoever else looks at it, by duty or as the bank
// that holds it as collateral, is recorded for both; the institute for in-country value has no part
// in it.
TEST_F(FiguresTest, EachLookAtWhatTwoHaveAgreedIsRecordedForBoth) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  v1::Contract contract = MakeContract();
  *contract.mutable_years(0)->mutable_price() = Tenge(77'777);
  contract.set_price_formula("Цена меди");
  const std::string name = SignedContract(contract);
  ASSERT_TRUE(PledgeTo(name, 3).ok());
  const auto delivered = Deliver(name, MakeEntry("10"));
  ASSERT_TRUE(delivered.ok()) << delivered.status();
  EXPECT_EQ(delivered->quantity(), "10") << "its own";
  EXPECT_THAT(Looks(), ::testing::IsEmpty()) << "the parties are no third ones";
  for (const rpc::Caller& party : {supplier_, CustomerOf(1)}) {
    EXPECT_EQ(Got(name, party).years(0).price().units(), 77'777);
    EXPECT_FALSE(Got(name, party).has_withheld());
    EXPECT_EQ(BalanceOf(name).years_size(), 3);
  }
  NewLooks();
  const auto seen = Got(name, authority_);
  EXPECT_EQ(seen.sum().units(), 100 * (77'777 + 2'000));
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("ministry AUTHORITY_INDUSTRY ", name)));
  // The bank reads the terms, and not how they were found to conform.
  const auto terms = Got(name, bank_);
  EXPECT_EQ(terms.price_formula(), "Цена меди");
  EXPECT_EQ(terms.years_size(), 3);
  EXPECT_FALSE(terms.has_conformity());
  EXPECT_THAT(terms.withheld().fields(), ::testing::ElementsAre("offsets", "conformity"));
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("bank ENTITY ", name)));
  // A list shows them where it is asked to.
  v1::ListContractsRequest list;
  auto page = Must<v1::ListContractsResponse>("ListContracts", authority_, list);
  ASSERT_EQ(page.contracts_size(), 1);
  EXPECT_EQ(page.contracts(0).years_size(), 0);
  EXPECT_EQ(page.contracts(0).withheld().reason(), rpc::v1::Withheld::NOT_ASKED);
  const rpc::Caller value = CallerOf("value", {rpc::v1::INSTITUTE_LOCAL_CONTENT});
  list.set_reveal(true);
  page = Must<v1::ListContractsResponse>("ListContracts", value, list);
  EXPECT_EQ(page.contracts(0).minimum_in_country_value_bp(), 3'000);
  EXPECT_FALSE(page.contracts(0).has_sum());
  EXPECT_EQ(page.contracts(0).withheld().reason(), rpc::v1::Withheld::NO_RIGHT);
  EXPECT_THAT(NewLooks(), ::testing::IsEmpty());
  page = Must<v1::ListContractsResponse>("ListContracts", institute_, list);
  EXPECT_EQ(page.contracts(0).years_size(), 3);
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("institute INSTITUTE_INDUSTRY ", name)));
}

// The text of an export is no record that a mask reaches.
TEST_F(FiguresTest, AnExportTellsFiguresToWhomItMayAndRecordsIt) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  v1::Contract contract = MakeContract(1, 2026, 1);
  *contract.mutable_years(0)->mutable_price() = Tenge(77'777);
  const std::string name = SignedContract(contract);
  ASSERT_TRUE(Deliver(name, MakeEntry("1")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("1")).ok());
  ASSERT_TRUE(PayIt(name, 77'777).ok());
  for (const rpc::Caller& caller : {supplier_, CustomerOf(1), authority_, auditor_}) {
    EXPECT_FALSE(Tells(caller, false)) << caller.subject;
  }
  EXPECT_TRUE(Tells(supplier_, true));
  EXPECT_TRUE(Tells(CustomerOf(1), true));
  EXPECT_FALSE(Tells(CallerOf("value", {rpc::v1::INSTITUTE_LOCAL_CONTENT}), true));
  EXPECT_THAT(NewLooks(), ::testing::IsEmpty());
  EXPECT_TRUE(Tells(authority_, true));
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("ministry AUTHORITY_INDUSTRY ", name)));
  EXPECT_TRUE(Tells(auditor_, true));
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("auditor AUDITOR ", name)));
}

// What is of two is not shown to a third by the word of one; a court order against one of them is
// enough.
TEST_F(FiguresTest, BothPartiesConsent) {
  const std::string name = OffTake();
  rpc::LocalServer server(service_->registry(), &clock_);
  ASSERT_TRUE(server.started().ok()) << server.started();
  constexpr char kPermits[] = "/nisi.disclosure.v1.DisclosureService/";
  const auto consent = [&](const rpc::Caller& party) {
    disclosure::v1::GiveConsentRequest request;
    request.mutable_permit()->set_owner_bin(party.bin);
    request.mutable_permit()->set_reader_bin(stranger_.bin);
    *request.mutable_permit()->mutable_first_day() = today().ToProto();
    *request.mutable_permit()->mutable_last_day() = today().AddDays(30).ToProto();
    request.set_request_id(NextUuid());
    const auto given =
        server.Do<disclosure::v1::Permit>(party, absl::StrCat(kPermits, "GiveConsent"), request);
    EXPECT_TRUE(given.ok()) << given.status();
    return given.ok() ? given->name() : "";
  };
  const auto get = Named<v1::GetContractRequest>(name);
  const auto sees = [&] {
    const auto seen = Do<v1::Contract>("GetContract", stranger_, get);
    return seen.ok() && seen->years_size() == 3;
  };
  EXPECT_FALSE(sees());
  consent(supplier_);
  EXPECT_FALSE(sees());
  EXPECT_EQ(Why<v1::Contract>("GetContract", stranger_, get), "ACCESS_DENIED");
  const std::string second = consent(CustomerOf(1));
  EXPECT_TRUE(sees());
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("stranger CONSENT ", name)));
  disclosure::v1::WithdrawPermitRequest withdraw;
  withdraw.set_name(second);
  withdraw.set_reason("x");
  withdraw.set_request_id(NextUuid());
  ASSERT_TRUE(server
                  .Do<disclosure::v1::Permit>(CustomerOf(1),
                                              absl::StrCat(kPermits, "WithdrawPermit"), withdraw)
                  .ok());
  EXPECT_FALSE(sees());
  disclosure::v1::RecordCourtOrderRequest order;
  order.mutable_permit()->set_owner_bin(Bin(1));
  order.mutable_permit()->set_reader_bin(stranger_.bin);
  order.mutable_permit()->set_court("СМЭС");
  order.mutable_permit()->set_number("1");
  *order.mutable_permit()->mutable_decision_date() = today().ToProto();
  *order.mutable_permit()->mutable_first_day() = today().ToProto();
  order.set_request_id(NextUuid());
  ASSERT_TRUE(
      server
          .Do<disclosure::v1::Permit>(authority_, absl::StrCat(kPermits, "RecordCourtOrder"), order)
          .ok());
  EXPECT_TRUE(sees());
}

// A permit is for a record, and an amendment is one.
TEST_F(FiguresTest, AnAmendmentIsReadByAPermitForItAlone) {
  const std::string name = OffTake();
  const auto lower = Amend(name, supplier_, 2027, "90", 1'000);
  ASSERT_TRUE(lower.ok()) << lower.status();
  rpc::LocalServer server(service_->registry(), &clock_);
  ASSERT_TRUE(server.started().ok()) << server.started();
  disclosure::v1::RecordCourtOrderRequest order;
  order.mutable_permit()->set_owner_bin(Bin(1));
  order.mutable_permit()->set_reader_bin(stranger_.bin);
  order.mutable_permit()->set_record(lower->name());
  order.mutable_permit()->set_court("СМЭС");
  order.mutable_permit()->set_number("1");
  *order.mutable_permit()->mutable_decision_date() = today().ToProto();
  *order.mutable_permit()->mutable_first_day() = today().ToProto();
  order.set_request_id(NextUuid());
  const auto get = Named<v1::GetAmendmentRequest>(lower->name());
  EXPECT_EQ(Why<v1::Amendment>("GetAmendment", stranger_, get), "ACCESS_DENIED");
  ASSERT_TRUE(server
                  .Do<disclosure::v1::Permit>(
                      authority_, "/nisi.disclosure.v1.DisclosureService/RecordCourtOrder", order)
                  .ok());
  EXPECT_EQ(Must<v1::Amendment>("GetAmendment", stranger_, get).years_size(), 1);
  EXPECT_EQ(Why<v1::Contract>("GetContract", stranger_, Named<v1::GetContractRequest>(name)),
            "ACCESS_DENIED");
  EXPECT_EQ(NewLooks(), OfBoth(absl::StrCat("stranger COURT_ORDER ", lower->name())));
}

// A watch tells of all that is under a contract, without figures; the institutes have no part in
// pledges, nor a pledgee in what happens under the contract.
TEST_F(FiguresTest, AWatchTellsOfAllThatIsUnderAContract) {
  const std::string name = OffTake();
  ASSERT_TRUE(Deliver(name, MakeEntry("60")).ok());
  ASSERT_TRUE(PledgeTo(name, 3).ok());
  ASSERT_TRUE(Amend(name, supplier_, 2027, "90", 1'000).ok());
  v1::SubmitMonitoringReportRequest report;
  report.set_parent(name);
  report.mutable_report()->set_year(2026);
  report.mutable_report()->set_progress("Идёт");
  Must<v1::MonitoringReport>("SubmitMonitoringReport", supplier_, report);
  GoTo(Day("2027-01-10"));
  ASSERT_TRUE(Assess(name, 2026).ok());
  const auto kinds = [this](const rpc::Caller& caller) {
    std::set<std::string> told;
    v1::WatchContractsRequest request;
    request.set_start_position(1);
    for (const auto& one :
         Streamed<v1::WatchContractsResponse>("WatchContracts", caller, request)) {
      for (const auto& change : one.changes()) {
        EXPECT_EQ(change.contract().years_size() + change.amendment().years_size(), 0);
        EXPECT_EQ(change.entry().quantity() + change.report().progress(), "");
        EXPECT_FALSE(change.assessment().has_balance() || change.penalty().has_amount());
        const auto* record = v1::WatchContractsResponse::Change::descriptor()->FindFieldByNumber(
            static_cast<int>(change.record_case()));
        told.insert(record == nullptr ? "" : record->name());
      }
    }
    return absl::StrJoin(told, " ");
  };
  EXPECT_EQ(kinds(supplier_), "amendment assessment contract entry penalty pledge report");
  EXPECT_EQ(kinds(CustomerOf(1)), kinds(supplier_));
  EXPECT_EQ(kinds(authority_), kinds(supplier_));
  EXPECT_EQ(kinds(institute_), "amendment assessment contract entry penalty report");
  EXPECT_EQ(kinds(bank_), "amendment contract pledge");
  EXPECT_EQ(kinds(stranger_), "");
}

// What is late under a contract names it and its supplier: to those alone who may see it.
TEST_F(SeenTest, BodiesOfPlanningSeeNothingLateOfContracts) {
  const std::string name = OffTake();
  GoTo(Day("2027-06-01"));
  const std::string record = ChildName(name, "assessments", 2026);
  for (const rpc::Caller& caller :
       {authority_, institute_, auditor_, CallerOf("value", {rpc::v1::INSTITUTE_LOCAL_CONTENT})}) {
    EXPECT_TRUE(LateRecords(caller).contains(record)) << caller.subject;
  }
  EXPECT_FALSE(LateRecords(subsoil_).contains(record));
  Open(2027);
  GoTo(Day("2027-06-02"));
  EXPECT_THAT(LateRecords(subsoil_), ::testing::ElementsAre(CycleName(2027)));
}

}  // namespace
}  // namespace nisi::contracts
