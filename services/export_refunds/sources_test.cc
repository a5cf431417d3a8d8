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
using suppliers::v1::GetSupplierRequest;
using suppliers::v1::Supplier;

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
          }
          response.set_position(17);
          if (spoil_ != nullptr) spoil_(response);
          return response;
        });
    database_.On<GetSupplierRequest, Supplier>(
        absl::StrCat(kSuppliersPath, "GetSupplier"),
        [this](const GetSupplierRequest& request) -> absl::StatusOr<Supplier> {
          if (!shown_) return base::NotFound("suppliers", request.name());
          Supplier supplier;
          supplier.set_bin(request.name().substr(request.name().find('/') + 1));
          supplier.set_size(suppliers::v1::MEDIUM);
          supplier.set_etag(etag_);
          if (sure_) supplier.set_size_rests_on_assumption(false);
          return supplier;
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
  bool shown_ = true;
  bool sure_ = false;
  std::string etag_ = "\"3-1\"";
  std::function<void(CheckDomesticResponse&)> spoil_;
  std::function<void(CheckRecipientResponse&)> list_;
};

TEST_F(SourcesTest, AllDaysAreOneQuestionAndEachGetsItsAnswer) {
  const auto told = sources_->Producers(
      call_, {{"a", At("2024-04-30")}, {"b", At("2024-05-01")}, {"c", At("2024-05-01")}});
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->size(), 3U);
  EXPECT_EQ(told->at({"a", At("2024-04-30")}).value, "0");
  EXPECT_EQ(told->at({"b", At("2024-05-01")}).value, "PRODUCER");
  EXPECT_EQ(told->at({"c", At("2024-05-01")}).value, "PRODUCER,SERVICES");
  EXPECT_EQ(told->at({"c", At("2024-05-01")}).source, "suppliers/suppliers/c");
  EXPECT_EQ(told->at({"c", At("2024-05-01")}).version, "position 17");
  EXPECT_EQ(told->at({"a", At("2024-04-30")}).version, "position 17");
  EXPECT_EQ(database_.asked(), 1);
}

TEST_F(SourcesTest, TheSizeOfTheDay) {
  auto size = sources_->EnterpriseSize(call_, {"a", At("2024-05-01")});
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(size->value, "MEDIUM");
  EXPECT_EQ(size->version, "\"3-1\"");
  EXPECT_TRUE(size->assumption) << "it was not said that it is none";
  sure_ = true;
  EXPECT_FALSE(sources_->EnterpriseSize(call_, {"a", At("2024-05-01")})->assumption);
  // What it does not say the version of cannot be found again.
  etag_.clear();
  EXPECT_EQ(base::ReasonOf(sources_->EnterpriseSize(call_, {"a", At("2024-05-01")}).status()),
            "DEPENDENCY_NOT_ANSWERED");
  // That there is no such supplier is an answer, by the register as it stands.
  shown_ = false;
  size = sources_->EnterpriseSize(call_, {"a", At("2024-04-30")});
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(size->value, "");
  EXPECT_EQ(size->source, "suppliers/suppliers/a");
  EXPECT_EQ(size->version, "position 17");
  // Of a domestic producer it is none.
  EXPECT_EQ(base::ReasonOf(sources_->EnterpriseSize(call_, {"a", At("2024-05-01")}).status()),
            "DEPENDENCY_NOT_ANSWERED");
}

TEST_F(SourcesTest, SilenceAndNonsenseAreNoAnswers) {
  const auto asked = [&] {
    return base::ReasonOf(sources_->Producers(call_, {{"a", At("2024-05-01")}}).status());
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
  EXPECT_TRUE(rpc::IsNotAnswered(nobody->EnterpriseSize(call_, {"a", At("2024-05-01")}).status()));
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
