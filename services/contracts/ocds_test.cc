// What is exported, as the contract goes on: an id never says two things.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

class OcdsTest : public ContractsTest {
 protected:
  // The contract's record as it is told now. Each release in it, the compiled one too, says under
  // its id what any told earlier under that id said.
  Struct RecordNow() {
    v1::ExportContractsRequest request;
    request.set_form(v1::ExportContractsRequest::RECORDS);
    request.set_figures(true);
    const auto told = Streamed<v1::ExportContractsResponse>("ExportContracts", auditor_, request);
    Struct package;
    EXPECT_EQ(told.size(), 1U);
    if (told.empty()) return package;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(told.front().json(), &package).ok());
    Struct record = package.fields().at("records").list_value().values(0).struct_value();
    for (const Value& release : record.fields().at("releases").list_value().values()) {
      Remember(release.struct_value());
    }
    Remember(record.fields().at("compiledRelease").struct_value());
    return record;
  }
  void Remember(const Struct& release) {
    const std::string id = Text(release, "id");
    const auto [known, fresh] = said_.try_emplace(id, release);
    EXPECT_TRUE(fresh || google::protobuf::util::MessageDifferencer::Equals(known->second, release))
        << id << " said\n"
        << known->second.DebugString() << "and says\n"
        << release.DebugString();
  }
  static std::string Text(const Struct& of, const std::string& field) {
    const auto found = of.fields().find(field);
    return found == of.fields().end() ? "" : found->second.string_value();
  }
  static std::vector<std::string> Tags(const Struct& record) {
    std::vector<std::string> tags;
    for (const Value& release : record.fields().at("releases").list_value().values()) {
      tags.push_back(
          release.struct_value().fields().at("tag").list_value().values(0).string_value());
    }
    return tags;
  }
  static std::string Status(const Value& release) {
    const auto& contracts = release.struct_value().fields().at("contracts").list_value();
    return Text(contracts.values(0).struct_value(), "status");
  }
  // What the last release with a contract says of its state, and what the compiled one says.
  static std::string Statuses(const Struct& record) {
    const auto& releases = record.fields().at("releases").list_value().values();
    return absl::StrCat(Status(*releases.rbegin()), " ",
                        Status(record.fields().at("compiledRelease")));
  }
  static std::string LastDate(const Struct& record) {
    const auto& releases = record.fields().at("releases").list_value().values();
    return Text(releases.rbegin()->struct_value(), "date");
  }
  static std::string CompiledDate(const Struct& record) {
    return Text(record.fields().at("compiledRelease").struct_value(), "date");
  }

  std::map<std::string, Struct> said_;
};

TEST_F(OcdsTest, AnIdNeverSaysTwoThings) {
  const std::string name = OffTake();
  EXPECT_THAT(Tags(RecordNow()), ::testing::ElementsAre("award", "contract"));
  clock_.Advance(absl::Hours(1));
  const auto delivery = Deliver(name, MakeEntry("60"));
  EXPECT_THAT(Tags(RecordNow()), ::testing::ElementsAre("award", "contract", "implementation"));
  // As many entries count as before, and say something else.
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(Correct(delivery->name(), supplier_, MakeEntry("55")).ok());
  EXPECT_EQ(LastDate(RecordNow()), CompiledDate(RecordNow()));
  clock_.Advance(absl::Hours(1));
  const auto lower = Amend(name, supplier_, 2027, "90", 1'000);
  ASSERT_TRUE(CoSign(lower->name(), CustomerOf(1)).ok());
  EXPECT_THAT(Tags(RecordNow()),
              ::testing::ElementsAre("award", "contract", "implementation", "contractAmendment"));
  EXPECT_EQ(Statuses(RecordNow()), "active active");
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(Terminate(name, CustomerOf(1)).ok());
  ASSERT_TRUE(Terminate(name, supplier_).ok());
  EXPECT_EQ(Tags(RecordNow()).back(), "contractTermination");
  EXPECT_EQ(Statuses(RecordNow()), "terminated terminated");
  // What is recorded after the end comes after it.
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(AcceptIt(name, MakeEntry("55")).ok());
  ASSERT_TRUE(PayIt(name, 55'000).ok());
  EXPECT_EQ(Tags(RecordNow()).back(), "implementation");
  EXPECT_EQ(Statuses(RecordNow()), "terminated terminated");
  EXPECT_EQ(LastDate(RecordNow()), CompiledDate(RecordNow()));
  // The customer has another name from now on.
  v1::UpdateCustomerRequest change;
  change.mutable_customer()->set_name(absl::StrCat("customers/", Bin(1)));
  change.mutable_customer()->mutable_title()->set_ru("Заказчик новый");
  change.mutable_update_mask()->add_paths("title");
  ASSERT_TRUE(Do<v1::Customer>("UpdateCustomer", authority_, change).ok());
  RecordNow();
}

// The end of a contract whose term is over is told as one that both have ended.
TEST_F(OcdsTest, AFulfilledContractHasEnded) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  const std::string name = SignedContract(MakeContract(1, 2026, 1));
  ASSERT_TRUE(Deliver(name, MakeEntry("100")).ok());
  ASSERT_TRUE(AcceptIt(name, MakeEntry("100")).ok());
  ASSERT_TRUE(PayIt(name, 100'000).ok());
  GoTo(Day("2027-01-11"));
  ASSERT_TRUE(Assess(name, 2026).ok());
  EXPECT_EQ(Statuses(RecordNow()), "active active");
  ASSERT_TRUE(
      Do<v1::Contract>("FulfilContract", authority_, Named<v1::FulfilContractRequest>(name)).ok());
  EXPECT_EQ(Tags(RecordNow()).back(), "contractTermination");
  EXPECT_EQ(Statuses(RecordNow()), "terminated terminated");
  EXPECT_EQ(LastDate(RecordNow()), CompiledDate(RecordNow()));
}

}  // namespace
}  // namespace nisi::contracts
