// What is asked of other services, who are played here, and what comes of their answers and
// silences.
#include "services/grants/neighbours_testing.h"

namespace nisi::grants {
namespace {

class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    call_.caller =
        std::make_shared<rpc::Caller>(CallerOf("ministry", {rpc::v1::AUTHORITY_INDUSTRY}));
    call_.now = Day("2026-06-15").StartOfDay();
    call_.deadline = absl::InfiniteFuture();
  }
  absl::StatusOr<Outside> Ask() {
    return PeerSources(played_.peers()).Ask(call_, MakeApplication(1), Day("2026-06-15"));
  }

  PlayedNeighbours played_;
  rpc::Call call_;
};

TEST_F(SourcesTest, EveryAnswerIsAFactWithItsVersion) {
  const auto outside = Ask();
  ASSERT_TRUE(outside.ok()) << outside.status();
  EXPECT_THAT(outside->goods, ::testing::ElementsAre(::testing::Pair("8504", "LISTED")));
  EXPECT_EQ(outside->edition.name, "priority-goods/editions/3");
  EXPECT_EQ(outside->edition.etag, "position 17");
  EXPECT_TRUE(outside->producer);
  EXPECT_EQ(outside->size, "MEDIUM");
  EXPECT_EQ(*outside->active_since, Day("1999-02-01"));
  EXPECT_TRUE(outside->active_since_assumed) << "of a month in the BIN";
  EXPECT_EQ(outside->supplier.etag, "s1");
  EXPECT_TRUE(outside->project_on_map);
  EXPECT_EQ(outside->project_owner, Bin(1));
  EXPECT_EQ(outside->project.etag, "p1");
}

// What the database of suppliers has found by assumptions is no surer here.
TEST_F(SourcesTest, WhatRestsOnAnAssumptionOverThereSaysSoHere) {
  bool producer = false;
  std::optional<bool> size = false;
  played_.Answer<suppliers::v1::CheckDomesticRequest>(
      &played_.suppliers, kCheckDomestic, [&](const auto& request) {
        auto said = PlayedNeighbours::Producer(request);
        said.mutable_results(0)->mutable_decision()->set_rests_on_assumption(producer);
        return said;
      });
  played_.Answer<suppliers::v1::GetSupplierRequest>(&played_.suppliers, kGetSupplier,
                                                    [&](const auto& request) {
                                                      auto said = PlayedNeighbours::Medium(request);
                                                      if (size.has_value())
                                                        said.set_size_rests_on_assumption(*size);
                                                      return said;
                                                    });
  const auto marks = [&] {
    const auto outside = Ask();
    EXPECT_TRUE(outside.ok()) << outside.status();
    return std::pair(outside->producer_assumed, outside->size_assumed);
  };
  EXPECT_EQ(marks(), std::pair(false, false));
  producer = true;
  EXPECT_EQ(marks(), std::pair(true, false));
  producer = false;
  size = true;
  EXPECT_EQ(marks(), std::pair(false, true));
  size = std::nullopt;
  EXPECT_EQ(marks(), std::pair(false, true)) << "recorded before it was told";
}

// What is in no register, or in none that the caller may read, is an answer, not a silence.
TEST_F(SourcesTest, WhatIsNotThereIsAnAnswer) {
  played_.Answer<suppliers::v1::CheckDomesticRequest>(
      &played_.suppliers, kCheckDomestic, [](const auto& request) {
        auto said = PlayedNeighbours::Producer(request);
        said.mutable_results(0)->set_domestic(false);
        return said;
      });
  played_.suppliers.On(kGetSupplier,
                       [](const std::string&) { return base::NotFound("suppliers", "x"); });
  played_.map.On(kGetProject, [](const std::string&) { return base::AccessDenied(); });
  const auto outside = Ask();
  ASSERT_TRUE(outside.ok()) << outside.status();
  EXPECT_FALSE(outside->producer);
  EXPECT_EQ(outside->size, "");
  EXPECT_FALSE(outside->project_on_map);
}

// Of a person the BIN says nothing: it is active since the day from which its registration holds,
// though it was recorded years later.
TEST_F(SourcesTest, APersonIsActiveSinceItsRegistrationHolds) {
  constexpr char kPerson[] = "900101300017";
  ASSERT_TRUE(base::BinIin::Parse(kPerson).ok());
  Application application = MakeApplication(1);
  application.set_applicant(kPerson);
  const base::Date recorded = Day("2026-05-20");
  std::optional<base::Date> since;
  played_.Answer<suppliers::v1::GetSupplierRequest>(
      &played_.suppliers, kGetSupplier, [&](const auto& request) {
        auto said = PlayedNeighbours::Medium(request);
        said.mutable_create_time()->set_seconds(absl::ToUnixSeconds(recorded.StartOfDay()));
        if (since.has_value()) *said.mutable_registered_since() = since->ToProto();
        return said;
      });
  const auto ask = [&] {
    return PeerSources(played_.peers()).Ask(call_, application, Day("2026-06-15"));
  };
  EXPECT_EQ(*ask()->active_since, recorded) << "registered here";
  EXPECT_TRUE(ask()->active_since_assumed);
  since = Day("2020-02-01");
  EXPECT_EQ(*ask()->active_since, Day("2020-02-01"));
  EXPECT_FALSE(ask()->active_since_assumed) << "the register tells it";
  since = Day("2026-06-16");
  EXPECT_TRUE(rpc::IsNotAnswered(ask().status())) << "after the day that was asked about";
}

TEST_F(SourcesTest, WithoutPeersNobodyAnswers) {
  EXPECT_TRUE(rpc::IsNotAnswered(
      PeerSources(nullptr).Ask(call_, MakeApplication(1), Day("2026-06-15")).status()));
}

TEST(RegisteredByTest, TheMonthAfterTheOneInTheBin) {
  EXPECT_EQ(*RegisteredBy(Bin(1), Day("2026-06-15")), Day("1999-02-01"));
  EXPECT_FALSE(RegisteredBy("not one", Day("2026-06-15")).has_value());
}

}  // namespace
}  // namespace nisi::grants
