// Who sees what of a contract: its parties all of it, a pledgee its terms as long as it is one, the
// bodies of planning nothing.
#include "absl/strings/match.h"
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
    for (const auto& one : Told<v1::ExportContractsResponse>("ExportContracts", caller, request)) {
      names.push_back(one.contract());
    }
    return names;
  }
  // How many versions of contracts and entries a watch from the beginning tells.
  int Watched(const rpc::Caller& caller) {
    v1::WatchContractsRequest request;
    request.set_start_position(1);
    int changes = 0;
    for (const auto& told : Told<v1::WatchContractsResponse>("WatchContracts", caller, request)) {
      changes += told.changes_size();
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
