// The database of suppliers and the register of grants as this service asks them, played by
// functions of the test.
#include "services/export_refunds/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/peer_testing.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::export_refunds {
namespace {

using grants::v1::CheckRecipientRequest;
using grants::v1::CheckRecipientResponse;
using grants::v1::UnreliableRecipient;
using suppliers::v1::CheckDomesticRequest;
using suppliers::v1::CheckDomesticResponse;

constexpr char kSuppliersPath[] = "/nisi.suppliers.v1.SuppliersService/";

base::Date At(absl::string_view text) {
  return *base::Date::Parse(text);
}

class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    peers_->SetHere("suppliers", database_.take());
    database_.On<CheckDomesticRequest, CheckDomesticResponse>(
        absl::StrCat(kSuppliersPath, "CheckDomestic"),
        [this](const CheckDomesticRequest& request) -> absl::StatusOr<CheckDomesticResponse> {
          CheckDomesticResponse response;
          for (const auto& question : request.questions()) {
            auto* result = response.add_results();
            result->set_bin(question.bin());
            *result->mutable_on_date() = question.on_date();
            // Nobody is one before May.
            result->set_domestic(question.on_date().month() >= 5);
            result->add_activities(suppliers::v1::Supplier::PRODUCER);
            if (question.bin() == "c") result->add_activities(suppliers::v1::Supplier::SERVICES);
            result->set_size(suppliers::v1::MEDIUM);
            result->set_size_rests_on_assumption(question.bin() == "c");
            result->set_supplier_etag("\"3-1\"");
          }
          response.set_position(17);
          if (spoil_ != nullptr) spoil_(response);
          return response;
        });
    peers_->SetHere("grants", register_.take());
    register_.On<CheckRecipientRequest, CheckRecipientResponse>(
        "/nisi.grants.v1.GrantAgreementsService/CheckRecipient",
        [this](const CheckRecipientRequest& request) -> absl::StatusOr<CheckRecipientResponse> {
          CheckRecipientResponse response;
          response.set_recipient(request.recipient());
          *response.mutable_on_date() = request.on_date();
          response.set_position(31);
          if (list_ != nullptr) list_(response);
          return response;
        });
    sources_ = AskPeers(peers_.get());
    call_.caller = std::make_shared<rpc::Caller>();
    call_.now = absl::Now();
    call_.deadline = absl::InfiniteFuture();
  }

  rpc::PlayedPeer database_, register_;
  rpc::Metrics metrics_{"export-refunds"};
  std::unique_ptr<rpc::Peers> peers_ = rpc::MakePeers("export-refunds", &metrics_);
  std::unique_ptr<Sources> sources_;
  rpc::Call call_;
  std::function<void(CheckDomesticResponse&)> spoil_;
  std::function<void(CheckRecipientResponse&)> list_;
};

TEST_F(SourcesTest, AllDaysAreOneQuestionAndEachGetsItsAnswer) {
  const auto told = sources_->Suppliers(
      call_, {{"a", At("2024-04-30")}, {"b", At("2024-05-01")}, {"c", At("2024-05-01")}});
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->size(), 3U);
  EXPECT_EQ(told->at({"a", At("2024-04-30")}).producer.value, "0");
  EXPECT_EQ(told->at({"b", At("2024-05-01")}).producer.value, "PRODUCER");
  const Standing& c = told->at({"c", At("2024-05-01")});
  EXPECT_EQ(c.producer.value, "PRODUCER,SERVICES");
  EXPECT_EQ(c.producer.source, "suppliers/suppliers/c");
  EXPECT_EQ(c.producer.version, "position 17");
  EXPECT_EQ(told->at({"a", At("2024-04-30")}).producer.version, "position 17");
  EXPECT_EQ(database_.asked(), 1);
}

// More than it answers at once are asked one after another.
TEST_F(SourcesTest, ManyDays) {
  std::set<Asked> asked;
  for (int i = 0; i < 1'367; ++i) asked.emplace("a", At("2020-01-01").AddDays(i));
  const auto told = sources_->Suppliers(call_, asked);
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->size(), asked.size());
  EXPECT_EQ(database_.asked(), 2);
}

// The same answer carries how large it was on that day.
TEST_F(SourcesTest, TheSizeOfTheDay) {
  const auto size = [&](const std::string& bin) -> absl::StatusOr<Told> {
    const Asked one{bin, At("2024-05-01")};
    const auto told = sources_->Suppliers(call_, {one});
    if (!told.ok()) return told.status();
    return told->at(one).size;
  };
  auto told = size("a");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->value, "MEDIUM");
  EXPECT_EQ(told->source, "suppliers/suppliers/a");
  EXPECT_EQ(told->version, "\"3-1\"");
  EXPECT_FALSE(told->assumption);
  EXPECT_TRUE(size("c")->assumption);
  EXPECT_EQ(database_.asked(), 2);
  // Its finance does not tell: that version of its record says so.
  spoil_ = [](CheckDomesticResponse& response) {
    response.mutable_results(0)->set_size(suppliers::v1::SIZE_UNSPECIFIED);
  };
  EXPECT_EQ(size("c")->value, kNotTold);
  EXPECT_EQ(size("c")->version, "\"3-1\"");
  // That there is no such supplier is an answer, by the register as it stands.
  spoil_ = [](CheckDomesticResponse& response) {
    auto* result = response.mutable_results(0);
    result->set_domestic(false);
    result->set_reason("NOT_ACTIVE");
    result->clear_size();
    result->clear_supplier_etag();
  };
  told = size("a");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->value, kNotActive);
  EXPECT_EQ(told->source, "suppliers/suppliers/a");
  EXPECT_EQ(told->version, "position 17");
  // What it does not say the version of cannot be found again; what is not there has none.
  spoil_ = [](CheckDomesticResponse& response) {
    response.mutable_results(0)->clear_supplier_etag();
  };
  EXPECT_EQ(base::ReasonOf(size("a").status()), "DEPENDENCY_NOT_ANSWERED");
  spoil_ = [](CheckDomesticResponse& response) {
    response.mutable_results(0)->set_reason("NOT_ACTIVE");
  };
  EXPECT_EQ(base::ReasonOf(size("a").status()), "DEPENDENCY_NOT_ANSWERED");
  spoil_ = [](CheckDomesticResponse& response) {
    response.mutable_results(0)->set_size(static_cast<suppliers::v1::Size>(77));
  };
  EXPECT_EQ(base::ReasonOf(size("a").status()), "DEPENDENCY_NOT_ANSWERED");
}

TEST_F(SourcesTest, SilenceAndNonsenseAreNoAnswers) {
  const auto asked = [&] {
    return base::ReasonOf(sources_->Suppliers(call_, {{"a", At("2024-05-01")}}).status());
  };
  spoil_ = [](CheckDomesticResponse& response) { response.clear_results(); };
  EXPECT_EQ(asked(), "DEPENDENCY_NOT_ANSWERED");
  spoil_ = [](CheckDomesticResponse& response) { response.mutable_results(0)->set_bin("b"); };
  EXPECT_EQ(asked(), "DEPENDENCY_NOT_ANSWERED");
  spoil_ = [](CheckDomesticResponse& response) {
    response.mutable_results(0)->mutable_on_date()->set_day(2);
  };
  EXPECT_EQ(asked(), "DEPENDENCY_NOT_ANSWERED");
  spoil_ = [](CheckDomesticResponse& response) { response.mutable_results(0)->clear_on_date(); };
  EXPECT_EQ(asked(), "DEPENDENCY_NOT_ANSWERED");
  spoil_ = nullptr;
  EXPECT_EQ(asked(), "");
  database_.SetAway(true);
  EXPECT_EQ(asked(), "DEPENDENCY_NOT_ANSWERED");
  const auto nobody = AskPeers(nullptr);
  EXPECT_TRUE(rpc::IsNotAnswered(nobody->Suppliers(call_, {{"a", At("2024-05-01")}}).status()));
}

TEST_F(SourcesTest, WhoStandsOnAList) {
  const auto asked = [&] { return sources_->Lists(call_, {"a", At("2024-05-01")}); };
  auto listed = asked();
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->position, 31);
  EXPECT_TRUE(listed->entries.empty());
  const auto enter = [](CheckRecipientResponse& response) {
    for (const auto list : {UnreliableRecipient::BANKRUPT, UnreliableRecipient::DEBT_REPORTED}) {
      auto* entry = response.add_listings();
      entry->set_name(absl::StrCat("unreliable/", response.listings_size()));
      entry->set_list(list);
      entry->set_etag("\"4-1\"");
    }
  };
  list_ = enter;
  listed = asked();
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->entries.size(), 2U);
  EXPECT_EQ(listed->entries[1].list, "DEBT_REPORTED");
  EXPECT_EQ(listed->entries[1].name, "grants/unreliable/2");
  EXPECT_EQ(listed->entries[1].etag, "\"4-1\"");
  // What is no answer to that question lets nobody pass.
  const std::vector<std::function<void(CheckRecipientResponse&)>> wrong = {
      [](auto& response) { response.set_recipient("b"); },
      [](auto& response) { response.clear_recipient(); },
      [](auto& response) { response.mutable_on_date()->set_day(2); },
      [](auto& response) { response.clear_on_date(); },
      [](auto& response) { response.set_position(-1); },
      [](auto& response) { response.mutable_listings(0)->clear_list(); },
      [](auto& response) { response.mutable_listings(1)->clear_name(); },
      [](auto& response) { response.mutable_listings(1)->clear_etag(); },
  };
  for (const auto& spoil : wrong) {
    list_ = [&](CheckRecipientResponse& response) {
      enter(response);
      spoil(response);
    };
    EXPECT_TRUE(rpc::IsNotAnswered(asked().status()));
  }
  register_.SetAway(true);
  EXPECT_TRUE(rpc::IsNotAnswered(asked().status()));
}

}  // namespace
}  // namespace nisi::export_refunds
