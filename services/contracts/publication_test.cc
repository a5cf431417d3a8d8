// The approved List reaches the database of suppliers once, whatever stops on the way (Art. 47(4)).
//
// The relay is driven by hand: a stop before the commit, after it, after sending and after the
// answer is a delivery that is cut off there and a service that is opened again.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/strings/match.h"
#include "common/rpc/peer_testing.h"
#include "common/store/outbox.h"
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using base::ReasonOf;
using suppliers::v1::PublishDemandsRequest;
using suppliers::v1::WithdrawDemandsRequest;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// The database of suppliers as its proto tells: an edition is there once, whatever its request id.
class Database {
 public:
  // An answer to what asks for it.
  static suppliers::v1::Publication Placed(const PublishDemandsRequest& request) {
    suppliers::v1::Publication placed;
    placed.set_name(request.name());
    placed.set_state(suppliers::v1::Publication::PUBLISHED);
    placed.set_demand_count(request.demands_size());
    return placed;
  }

  absl::StatusOr<std::string> Take(const store::OutboxMessage& message) {
    if (away)
      return rpc::NotAnswered("suppliers", "PublishDemands", "UNREACHABLE", absl::Seconds(1));
    ids.insert(message.id);
    if (absl::EndsWith(message.method, "/WithdrawDemands")) {
      WithdrawDemandsRequest request;
      EXPECT_TRUE(request.ParseFromString(message.payload));
      log.push_back("- " + request.name());
      if (keeps) return base::Refusal(absl::StatusCode::kPermissionDenied, "ACCESS_DENIED", "No.");
      if (!editions.contains(request.name())) {
        return base::NotFound("publications", request.name());
      }
      editions[request.name()] = 0;
      suppliers::v1::Publication out;
      out.set_name(request.name());
      out.set_state(suppliers::v1::Publication::WITHDRAWN);
      return out.SerializeAsString();
    }
    PublishDemandsRequest request;
    EXPECT_TRUE(request.ParseFromString(message.payload));
    log.push_back("+ " + request.name());
    const auto there = editions.find(request.name());
    const char* why = nullptr;
    if (refuses) why = "QUANTITY_ZERO";
    if (early) why = "ORDER_DATE_INVALID";
    if (there != editions.end()) {
      if (there->second == 0) why = "PUBLICATION_WITHDRAWN";
      if (there->second > 0 && there->second != request.demands_size()) why = "PUBLICATION_DIFFERS";
    }
    if (why != nullptr) return base::Refusal(absl::StatusCode::kFailedPrecondition, why, "No.");
    editions[request.name()] = request.demands_size();
    for (const auto& demand : request.demands()) {
      demanded.push_back(absl::StrCat(demand.quantity(), " ", demand.first_year(), " ",
                                      demand.years(), " ", demand.customer_bin(), " ",
                                      demand.specification()));
    }
    return Placed(request).SerializeAsString();
  }

  std::map<std::string, int> editions;  // demands that are there; 0: taken out
  std::set<std::string> ids;
  std::vector<std::string> log;
  std::vector<std::string> demanded;  // what is told of each
  bool away = false;
  bool refuses = false;
  bool keeps = false;  // what is to be taken out
  bool early = false;  // its clock is behind
};

class PublicationTest : public ContractsTest {
 protected:
  // Where a delivery is cut off.
  enum class Stop { kNever, kBeforeSending, kAfterSending, kAfterNoting };

  // One round of the relay, as HostedService has it.
  absl::StatusOr<int> Relay(Stop stop = Stop::kNever) {
    store::OutboxRelay::Options options;
    options.background = false;
    store::OutboxRelay relay(
        store(),
        [&](const store::OutboxMessage& message) -> absl::Status {
          if (stop == Stop::kBeforeSending) return absl::UnavailableError("stopped");
          absl::StatusOr<std::string> said = database_.Take(message);
          if (stop == Stop::kAfterSending) return absl::UnavailableError("stopped");
          if (rpc::IsNotAnswered(said.status())) return said.status();
          if (wrongly_ != nullptr && said.ok()) said = wrongly_(*said);
          RETURN_IF_ERROR(Note(message, said));
          if (stop == Stop::kAfterNoting) return absl::UnavailableError("stopped");
          return absl::OkStatus();
        },
        options);
    return relay.RunOnce();
  }
  void Approved() {
    Register(1);
    ToApproved({MakeNeed(1, 1), MakeNeed(1, 2)}, 2);
  }
  // The cycle opened again, as it is or with one good less, agreed on and approved.
  void ReviseTo(bool remove_second) {
    ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
    if (remove_second) {
      ASSERT_TRUE(
          Do<v1::RemoveListItemResponse>("RemoveListItem", former_,
                                         Named<v1::RemoveListItemRequest>(ItemName(2026, 2)))
              .ok());
    }
    ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
    ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
    const auto approved = Approve(approver_);
    ASSERT_TRUE(approved.ok()) << approved.status();
  }

  Database database_;
  std::function<std::string(const std::string&)> wrongly_;  // what becomes of its answers
};

// What was done there counts as done when the answer says so, of that edition and all of it.
TEST_F(PublicationTest, AWrongAnswerIsNoneAndTheMessageGoesAgain) {
  using Said = suppliers::v1::Publication;
  const auto changed = [](void (*change)(Said*)) {
    return [change](const std::string& answer) {
      Said said;
      EXPECT_TRUE(said.ParseFromString(answer));
      change(&said);
      return said.SerializeAsString();
    };
  };
  const std::vector<std::function<std::string(const std::string&)>> wrong = {
      [](const std::string&) { return std::string(); },
      [](const std::string&) { return std::string("\xff\xff"); },
      changed([](Said* said) { said->set_name("publications/2025-1-1"); }),
      changed([](Said* said) { said->clear_state(); }), changed([](Said* said) {
        said->set_state(said->state() == Said::PUBLISHED ? Said::WITHDRAWN : Said::PUBLISHED);
      })};
  Approved();
  const auto not_noted = [&](v1::Publication::State state) {
    for (const auto& answer : wrong) {
      const int64_t before = position();
      wrongly_ = answer;
      EXPECT_EQ(*Relay(), 0);
      EXPECT_EQ(PublicationNow(1).state(), state);
      EXPECT_EQ(position(), before);
    }
    wrongly_ = nullptr;
  };
  not_noted(v1::Publication::PENDING);
  wrongly_ = changed([](Said* said) { said->set_demand_count(1); });
  EXPECT_EQ(*Relay(), 0) << "not all of it";
  wrongly_ = nullptr;
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::PLACED);
  EXPECT_EQ(database_.ids.size(), 1U) << "the same id at every attempt";
  ExpectSound();
}

TEST_F(PublicationTest, OnceHoweverItIsStopped) {
  Approved();
  // Before the commit there is nothing to send: what is only checked leaves no message.
  const int64_t at = position();
  for (const Stop stop : {Stop::kBeforeSending, Stop::kAfterSending, Stop::kAfterNoting}) {
    const auto sent = Relay(stop);
    ASSERT_TRUE(sent.ok()) << sent.status();
    EXPECT_EQ(*sent, 0);
    Reopen();
    EXPECT_EQ(CycleNow().state(),
              stop == Stop::kAfterNoting ? v1::Cycle::PUBLISHED : v1::Cycle::APPROVED);
    EXPECT_EQ(PublicationNow(1).state(),
              stop == Stop::kAfterNoting ? v1::Publication::PLACED : v1::Publication::PENDING);
  }
  const int64_t noted = position();
  EXPECT_GT(noted, at);
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(*Relay(), 0);
  EXPECT_EQ(position(), noted) << "what was noted is not noted again";
  EXPECT_THAT(database_.editions, ElementsAre(std::make_pair("publications/2026-1-1", 2)));
  EXPECT_EQ(database_.ids.size(), 1U) << "the same id at every attempt";
  ExpectSound();
}

TEST_F(PublicationTest, NothingLeavesBeforeTheCommit) {
  Register(1);
  ToAgreement({MakeNeed(1, 1)});
  const auto proposed = ProposeTo(1, 1);
  ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  auto check = Named<v1::ApproveCycleRequest>(CycleName(2026));
  check.set_order_number("1");
  *check.mutable_order_date() = today().ToProto();
  check.set_validate_only(true);
  ASSERT_TRUE(Do<v1::Cycle>("ApproveCycle", approver_, check).ok());
  EXPECT_EQ(*Relay(), 0);
  EXPECT_TRUE(database_.log.empty());
  EXPECT_EQ(CycleNow().state(), v1::Cycle::APPROVAL);
}

TEST_F(PublicationTest, AwayForAWeek) {
  Approved();
  database_.away = true;
  for (int day = 0; day < 7; ++day) {
    GoTo(today().AddDays(1));
    EXPECT_EQ(*Relay(), 0);
    EXPECT_EQ(CycleNow().state(), v1::Cycle::APPROVED);
    v1::GetPublicationRequest get = Named<v1::GetPublicationRequest>(PublicationName(2026, 1));
    const auto visible = Must<v1::Publication>("GetPublication", public_, get);
    EXPECT_EQ(visible.state(), v1::Publication::PENDING);
    EXPECT_EQ(visible.parts(0).edition(), "publications/2026-1-1");
  }
  database_.away = false;
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  EXPECT_EQ(database_.log.size(), 1U);
}

TEST_F(PublicationTest, WhatIsRefusedIsSeenAndHoldsUpNothing) {
  Approved();
  database_.refuses = true;
  EXPECT_EQ(*Relay(), 1) << "the message is given up";
  EXPECT_EQ(CycleNow().state(), v1::Cycle::APPROVED);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::REFUSED);
  EXPECT_EQ(PublicationNow(1).parts(0).refusal(), "QUANTITY_ZERO");
  EXPECT_EQ(PublicationFigures(store()).front().value, 1);
  EXPECT_EQ(*Relay(), 0);
  const auto retry = Named<v1::RetryPublicationRequest>(PublicationName(2026, 1));
  // Refused again, then taken.
  ASSERT_TRUE(Do<v1::Publication>("RetryPublication", authority_, retry).ok());
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::PENDING);
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::REFUSED);
  ASSERT_TRUE(Do<v1::Publication>("RetryPublication", authority_, retry).ok());
  database_.refuses = false;
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  EXPECT_EQ(PublicationFigures(store()).front().value, 0);
  EXPECT_EQ(database_.editions["publications/2026-1-1"], 2);
  EXPECT_EQ(Why<v1::Publication>("RetryPublication", authority_, retry), "PUBLICATION_NOT_REFUSED");
}

TEST_F(PublicationTest, WithdrawnAndCorrectedTheSameWay) {
  Approved();
  EXPECT_EQ(*Relay(), 1);
  ReviseTo(true);
  // The earlier List leaves before the later one comes.
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::WITHDRAWING);
  database_.log.clear();
  EXPECT_EQ(*Relay(Stop::kAfterSending), 0);
  Reopen();
  EXPECT_EQ(*Relay(), 2);
  EXPECT_THAT(database_.log, ElementsAre("- publications/2026-1-1", "- publications/2026-1-1",
                                         "+ publications/2026-2-1"));
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::WITHDRAWN);
  EXPECT_EQ(PublicationNow(2).state(), v1::Publication::PLACED);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  EXPECT_THAT(database_.editions, UnorderedElementsAre(std::make_pair("publications/2026-1-1", 0),
                                                       std::make_pair("publications/2026-2-1", 1)));
  ASSERT_TRUE(Step<v1::WithdrawListRequest>("WithdrawList", authority_).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::WITHDRAWN);
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(2).state(), v1::Publication::WITHDRAWN);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::WITHDRAWN);
  // And it may come back: agreed on anew.
  ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::FORMED);
  EXPECT_EQ(ItemNow(1).agreed_quantity(), "");
  ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  const auto proposed = ProposeTo(1, 1);
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Approve(approver_).ok());
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(3).state(), v1::Publication::PLACED);
}

// Taken back before it ever arrived: it arrives, and leaves again.
TEST_F(PublicationTest, WithdrawnOnItsWay) {
  Approved();
  database_.away = true;
  EXPECT_EQ(*Relay(), 0);
  ASSERT_TRUE(Step<v1::WithdrawListRequest>("WithdrawList", authority_).ok());
  database_.away = false;
  EXPECT_EQ(*Relay(), 2);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::WITHDRAWN);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::WITHDRAWN);
  EXPECT_EQ(database_.editions["publications/2026-1-1"], 0);
}

// What was refused is replaced: what was never there is out.
TEST_F(PublicationTest, ARefusedListIsReplaced) {
  Approved();
  database_.refuses = true;
  EXPECT_EQ(*Relay(), 1);
  database_.refuses = false;
  ReviseTo(false);
  EXPECT_EQ(*Relay(), 2);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::WITHDRAWN);
  EXPECT_EQ(PublicationNow(2).state(), v1::Publication::PLACED);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  EXPECT_EQ(database_.editions["publications/2026-2-1"], 2);
}

// Two Lists of a year are not a List that is published: what is not taken out holds the cycle.
TEST_F(PublicationTest, AListIsPublishedWhenTheEarlierOneIsOut) {
  Approved();
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  database_.keeps = true;
  ReviseTo(true);
  EXPECT_EQ(*Relay(), 2);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::REFUSED);
  EXPECT_EQ(PublicationNow(2).state(), v1::Publication::PLACED);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::APPROVED);
  database_.keeps = false;
  ASSERT_TRUE(Do<v1::Publication>("RetryPublication", authority_,
                                  Named<v1::RetryPublicationRequest>(PublicationName(2026, 1)))
                  .ok());
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::WITHDRAWN);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
}

// A register of contracts that was restored approves another List by the name of one that it has
// forgotten: that one leaves.
TEST_F(PublicationTest, AListThatNobodyHereKnowsLeavesForAnother) {
  const auto retry = Named<v1::RetryPublicationRequest>(PublicationName(2026, 1));
  database_.editions = {{"publications/2026-1-1", 7}, {"publications/2026-1-1-2", 0}};
  Approved();
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(1).parts(0).refusal(), "PUBLICATION_DIFFERS");
  ASSERT_TRUE(Do<v1::Publication>("RetryPublication", authority_, retry).ok());
  EXPECT_EQ(*Relay(), 2);
  EXPECT_EQ(PublicationNow(1).parts(0).refusal(), "PUBLICATION_WITHDRAWN");
  ASSERT_TRUE(Do<v1::Publication>("RetryPublication", authority_, retry).ok());
  database_.log.clear();
  EXPECT_EQ(*Relay(), 2);
  EXPECT_THAT(database_.log, ElementsAre("- publications/2026-1-1-2", "+ publications/2026-1-1-3"));
  EXPECT_THAT(database_.editions,
              UnorderedElementsAre(std::make_pair("publications/2026-1-1", 0),
                                   std::make_pair("publications/2026-1-1-2", 0),
                                   std::make_pair("publications/2026-1-1-3", 2)));
  EXPECT_EQ(PublicationNow(1).parts(0).edition(), "publications/2026-1-1-3");
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  ReviseTo(true);
  EXPECT_EQ(*Relay(), 2);
  EXPECT_EQ(database_.editions["publications/2026-1-1-3"], 0);
  EXPECT_EQ(database_.editions["publications/2026-2-1"], 1);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
}

// A database that was restored takes what it has forgotten on the next day, and nothing changes
// where it has forgotten nothing.
TEST_F(PublicationTest, WhatWasConfirmedIsSaidAgainEveryDay) {
  Approved();
  EXPECT_EQ(*Relay(), 1);
  const std::string etag = PublicationNow(1).etag();
  const auto next_day = [&] {
    database_.log.clear();
    GoTo(today().AddDays(1));
    return *Relay();
  };
  EXPECT_EQ(next_day(), 1);
  EXPECT_THAT(database_.log, ElementsAre("+ publications/2026-1-1"));
  database_.editions.clear();
  EXPECT_EQ(next_day(), 1);
  EXPECT_EQ(database_.editions["publications/2026-1-1"], 2);
  EXPECT_EQ(PublicationNow(1).etag(), etag);
  // What this release makes of the goods is not what an earlier one did: it is there all the same.
  database_.editions["publications/2026-1-1"] = 7;
  EXPECT_EQ(next_day(), 1);
  EXPECT_EQ(PublicationNow(1).etag(), etag);
  // However long it is there.
  GoTo(today().AddDays(40));
  EXPECT_EQ(*Relay(), 1);
  database_.editions.clear();
  EXPECT_EQ(next_day(), 1);
  EXPECT_EQ(database_.editions["publications/2026-1-1"], 2);
  ASSERT_TRUE(Step<v1::WithdrawListRequest>("WithdrawList", authority_).ok());
  EXPECT_EQ(*Relay(), 1);
  const std::string out = PublicationNow(1).etag();
  database_.editions["publications/2026-1-1"] = 2;
  EXPECT_EQ(next_day(), 1);
  EXPECT_THAT(database_.log, ElementsAre("- publications/2026-1-1"));
  EXPECT_EQ(database_.editions["publications/2026-1-1"], 0);
  EXPECT_EQ(PublicationNow(1).etag(), out);
  // No restore reaches further back.
  GoTo(today().AddDays(29));
  EXPECT_EQ(*Relay(), 1);
  GoTo(today().AddDays(5));
  EXPECT_EQ(*Relay(), 0);
  GoTo(today().AddDays(40));
  EXPECT_EQ(*Relay(), 0);
}

// What a List was before it was opened again nobody can say any more; it is out when the next
// comes.
TEST_F(PublicationTest, AListThatIsOpenedAgainIsNotSaidAgain) {
  Approved();
  EXPECT_EQ(*Relay(), 1);
  ReviseTo(true);
  GoTo(today().AddDays(1));
  EXPECT_EQ(*Relay(), 2);
  ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
  database_.log.clear();
  GoTo(today().AddDays(1));
  EXPECT_EQ(*Relay(), 1);
  EXPECT_THAT(database_.log, ElementsAre("- publications/2026-1-1"));
}

// One that was taken out there and not here is seen, and placed again when somebody says so.
TEST_F(PublicationTest, AListThatWasTakenOutThereAloneIsSeen) {
  Approved();
  EXPECT_EQ(*Relay(), 1);
  database_.editions["publications/2026-1-1"] = 0;
  GoTo(today().AddDays(1));
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::REFUSED);
  EXPECT_EQ(PublicationNow(1).parts(0).refusal(), "PUBLICATION_WITHDRAWN");
  ASSERT_TRUE(Do<v1::Publication>("RetryPublication", authority_,
                                  Named<v1::RetryPublicationRequest>(PublicationName(2026, 1)))
                  .ok());
  EXPECT_EQ(*Relay(), 2);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::PLACED);
  EXPECT_EQ(database_.editions["publications/2026-1-1-2"], 2);
  ExpectSound();
}

// Nor is an empty one while the earlier one stands.
TEST_F(PublicationTest, AnEmptyListIsPublishedWhenTheEarlierOneIsOut) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  EXPECT_EQ(*Relay(), 1);
  ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
  ASSERT_TRUE(Do<v1::RemoveListItemResponse>("RemoveListItem", former_,
                                             Named<v1::RemoveListItemRequest>(ItemName(2026, 1)))
                  .ok());
  ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Approve(approver_).ok());
  EXPECT_EQ(CycleNow().state(), v1::Cycle::APPROVED);
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
}

// Just after midnight here it may be the day before there: that is no refusal.
TEST_F(PublicationTest, WhoseDayHasNotComeIsAskedAgain) {
  Approved();
  database_.early = true;
  EXPECT_EQ(*Relay(), 0);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::PENDING);
  database_.early = false;
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
}

// Of an order of an earlier day it is one.
TEST_F(PublicationTest, AnOrderOfAnEarlierDayIsNotTooEarly) {
  Approved();
  GoTo(today().AddDays(1));
  database_.early = true;
  EXPECT_EQ(*Relay(), 1);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::REFUSED);
  EXPECT_EQ(PublicationNow(1).parts(0).refusal(), "ORDER_DATE_INVALID");
}

// The same by the relay of the running service, over the call layer.
class DeliveredTest : public PublicationTest {
 protected:
  rpc::Peers* Others() override {
    if (peers_ != nullptr) return peers_.get();
    played_.On<PublishDemandsRequest, suppliers::v1::Publication>(
        "/nisi.suppliers.v1.SuppliersService/PublishDemands",
        [this](const PublishDemandsRequest& request) -> absl::StatusOr<suppliers::v1::Publication> {
          if (request.order_number() == refused_order_) {
            return base::Refusal(absl::StatusCode::kFailedPrecondition, "PUBLICATION_DIFFERS",
                                 "No.");
          }
          ++taken_;
          return Database::Placed(request);
        });
    peers_ = rpc::MakePeers("contracts", &peer_metrics_);
    peers_->SetHere("suppliers", played_.take());
    return peers_.get();
  }
  // Waits until the publication is there, looking at each commit.
  void AwaitState(v1::Publication::State state) {
    std::mutex mutex;
    std::condition_variable committed;
    const int subscription = store().Subscribe([&](const store::CommitNotice&) {
      const std::lock_guard<std::mutex> lock(mutex);
      committed.notify_all();
    });
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT_TRUE(committed.wait_for(lock, std::chrono::seconds(60), [&] {
      return PublicationNow(1).state() == state;
    })) << v1::Publication::State_Name(PublicationNow(1).state());
    lock.unlock();
    store().Unsubscribe(subscription);
  }

  std::string refused_order_;
  std::atomic<int> taken_{0};

 private:
  rpc::Metrics peer_metrics_{"contracts"};
  rpc::PlayedPeer played_;
  std::unique_ptr<rpc::Peers> peers_;
};

TEST_F(DeliveredTest, ByTheRunningService) {
  Approved();
  AwaitState(v1::Publication::PLACED);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
  EXPECT_EQ(taken_, 1);
}

TEST_F(DeliveredTest, ARefusalIsSettled) {
  refused_order_ = "217-НҚ";
  Approved();
  AwaitState(v1::Publication::REFUSED);
  EXPECT_EQ(PublicationNow(1).parts(0).refusal(), "PUBLICATION_DIFFERS");
  EXPECT_EQ(CycleNow().state(), v1::Cycle::APPROVED);
  EXPECT_EQ(taken_, 0);
}

// What is placed is what was agreed on, not what was needed.
TEST_F(PublicationTest, WhatIsAgreedIsPlaced) {
  Register(1);
  Register(4);
  ToAgreement({MakeNeed(1, 1), MakeNeed(4, 1), MakeNeed(1, 2)});
  const auto alone = ProposeTo(4, 1, "10", "Масляный", 2028, 2);
  ASSERT_TRUE(AgreeTo(alone->name(), 4).ok());
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Approve(approver_).ok());
  ASSERT_EQ(*Relay(), 1);
  EXPECT_THAT(database_.demanded, ElementsAre("10.000 2028 2  Масляный"))
      << "whose it is, the public List does not tell";
}

// More goods than a message holds go in parts; all must be there.
TEST_F(PublicationTest, ALongListGoesInParts) {
  Register(1);
  std::vector<v1::Need> needs;
  for (int code = 1; code <= 400; ++code) {
    needs.push_back(MakeNeed(1, code));
  }
  ToAgreement(needs);
  // Texts as long as can be, in letters of two bytes: half of them do not fit a message.
  std::string text;
  for (int i = 0; i < 4'000; ++i) text += "ж";
  for (int32_t item = 1; item <= 400; ++item) {
    const auto proposed = ProposeTo(1, item, "100", text);
    ASSERT_TRUE(proposed.ok());
    ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  }
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Approve(approver_).ok());
  const int parts = PublicationNow(1).parts_size();
  EXPECT_GE(parts, 2);
  EXPECT_EQ(*Relay(), parts);
  int all = 0;
  for (const auto& [edition, demands] : database_.editions) all += demands;
  EXPECT_EQ(all, 400);
  EXPECT_EQ(CycleNow().state(), v1::Cycle::PUBLISHED);
}

}  // namespace
}  // namespace nisi::contracts
