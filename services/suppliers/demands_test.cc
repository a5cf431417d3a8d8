// The List of goods, requests for subcontractors, answers to them and who can deliver.
#include "services/suppliers/rules_demand.h"

#include <map>

#include "common/cases/machine_testing.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using ::testing::ElementsAre;
using D = v1::Demand;

class DemandTest : public SuppliersTest {
 protected:
  static v1::Demand MakeDemand(const std::string& item = "", const std::string& quantity = "250") {
    v1::Demand demand;
    demand.set_item_id(item);
    demand.set_kind(v1::GOOD);
    demand.set_ens_tru(kCode);
    demand.set_name_ru("Клапаны обратные");
    demand.set_unit("pcs");
    demand.set_quantity(quantity);
    demand.set_first_year(2027);
    demand.set_years(3);
    demand.set_kato("751110000");
    return demand;
  }
  static v1::PublishDemandsRequest MakeList(const std::string& edition, int count) {
    v1::PublishDemandsRequest request;
    request.set_name("publications/" + edition);
    request.set_cycle(2026);
    request.set_order_number("217-НҚ");
    *request.mutable_order_date() = Day("2026-06-10").ToProto();
    for (int i = 1; i <= count; ++i) *request.add_demands() = MakeDemand(absl::StrCat("item-", i));
    return request;
  }
  absl::StatusOr<v1::Publication> Publish(const v1::PublishDemandsRequest& request) {
    return Do<v1::Publication>("PublishDemands", authority_, request);
  }
  absl::StatusOr<v1::Publication> Withdraw(const std::string& edition, const rpc::Caller& caller) {
    v1::WithdrawDemandsRequest request;
    request.set_name("publications/" + edition);
    request.set_reason("Отменён приказ.");
    return Do<v1::Publication>("WithdrawDemands", caller, request);
  }
  absl::StatusOr<v1::Demand> Ask(const v1::Demand& told, const std::string& bin) {
    v1::CreateDemandRequest request;
    *request.mutable_demand() = told;
    request.mutable_demand()->set_customer_bin(bin);
    return Do<v1::Demand>("CreateDemand", Owner(bin), request);
  }
  v1::Demand GetDemand(const std::string& name) {
    v1::GetDemandRequest request;
    request.set_name(name);
    return Must<v1::Demand>("GetDemand", public_, request);
  }
  std::vector<std::string> Listed(const std::string& filter, const rpc::Caller& caller,
                                  const std::string& subscription = "") {
    v1::ListDemandsRequest request;
    request.set_filter(filter);
    request.set_subscription(subscription);
    std::vector<std::string> names;
    const auto page = Must<v1::ListDemandsResponse>("ListDemands", caller, request);
    for (const auto& demand : page.demands()) names.push_back(demand.name());
    return names;
  }
  absl::StatusOr<v1::Response> Respond(const std::string& demand, const std::string& bin,
                                       const std::string& offer,
                                       const std::string& quantity = "10") {
    v1::RespondToDemandRequest request;
    request.set_parent(demand);
    request.mutable_response()->set_bin(bin);
    request.mutable_response()->add_offers(offer);
    request.mutable_response()->set_quantity(quantity);
    return Do<v1::Response>("RespondToDemand", Owner(bin), request);
  }
};

TEST_F(DemandTest, AnEditionIsPlacedOnceWhateverItsRequestId) {
  auto list = MakeList("2026-1", 3);
  const auto placed = Publish(list);
  ASSERT_TRUE(placed.ok()) << placed.status();
  EXPECT_EQ(placed->demand_count(), 3);
  EXPECT_FALSE(placed->late());
  EXPECT_EQ(placed->state(), v1::Publication::PUBLISHED);
  const int64_t before = position();
  const auto again = Publish(list);  // with a fresh id
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), placed->SerializeAsString());
  EXPECT_THAT(Listed("publication = \"publications/2026-1\"", public_),
              ElementsAre("demands/1", "demands/2", "demands/3"));
  EXPECT_LE(position(), before + 1);
  list.mutable_demands(1)->set_quantity("251");
  EXPECT_EQ(base::ReasonOf(Publish(list).status()), "PUBLICATION_DIFFERS");

  ASSERT_TRUE(Withdraw("2026-1", authority_).ok());
  EXPECT_EQ(GetDemand("demands/2").state(), D::WITHDRAWN);
  EXPECT_FALSE(GetDemand("demands/2").reason().empty());
  EXPECT_TRUE(Withdraw("2026-1", authority_).ok());  // is answered with what there is
  EXPECT_EQ(base::ReasonOf(Publish(MakeList("2026-1", 3)).status()), "PUBLICATION_WITHDRAWN");
  GoTo(Day("2026-08-01"));
  EXPECT_TRUE(Publish(MakeList("2026-2", 1))->late());
}

TEST_F(DemandTest, WhatAnEditionMustHold) {
  struct {
    const char* what;
    std::function<void(v1::PublishDemandsRequest*)> change;
    const char* reason;
  } const cases[] = {
      {"no item id", [](auto* r) { r->mutable_demands(1)->clear_item_id(); }, "INVALID_FIELD"},
      {"one id twice", [](auto* r) { r->mutable_demands(1)->set_item_id("item-1"); }, "ITEM_TWICE"},
      {"nothing asked for", [](auto* r) { r->mutable_demands(1)->set_quantity("0"); },
       "QUANTITY_ZERO"},
      {"order of tomorrow", [](auto* r) { *r->mutable_order_date() = Day("2026-06-16").ToProto(); },
       "ORDER_DATE_INVALID"},
      {"no lines", [](auto* r) { r->clear_demands(); }, "INVALID_FIELD"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    auto list = MakeList("2026-1", 2);
    c.change(&list);
    const int64_t before = position();
    EXPECT_EQ(base::ReasonOf(Publish(list).status()), c.reason);
    EXPECT_EQ(position(), before);
  }
  EXPECT_EQ(base::ReasonOf(
                Do<v1::Publication>("PublishDemands", institute_, MakeList("2026-1", 1)).status()),
            "ACCESS_DENIED");
}

TEST_F(DemandTest, ADemandClosesTheDayAfterItsLast) {
  v1::Demand told = MakeDemand();
  *told.mutable_respond_until() = Day("2026-06-14").ToProto();
  EXPECT_EQ(base::ReasonOf(Ask(told, Bin(1)).status()), "RESPOND_UNTIL_PAST");
  EXPECT_EQ(SubjectOf(Ask(told, Bin(1)).status()), "demand.respond_until");
  *told.mutable_respond_until() = Day("2026-07-10").ToProto();
  const auto asked = Ask(told, Bin(1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->source(), D::SUBCONTRACTING);
  v1::UpdateDemandRequest put_off;
  put_off.mutable_demand()->set_name(asked->name());
  *put_off.mutable_demand()->mutable_respond_until() = Day("2026-07-20").ToProto();
  ASSERT_TRUE(Do<v1::Demand>("UpdateDemand", Owner(Bin(1)), put_off).ok());
  EXPECT_EQ(base::ReasonOf(Do<v1::Demand>("UpdateDemand", Owner(Bin(2)), put_off).status()),
            "ACCESS_DENIED");
  GoTo(Day("2026-07-11"));
  EXPECT_EQ(GetDemand(asked->name()).state(), D::OPEN);
  GoTo(Day("2026-07-20"));
  EXPECT_EQ(GetDemand(asked->name()).state(), D::OPEN);
  GoTo(Day("2026-07-21"));
  EXPECT_EQ(GetDemand(asked->name()).state(), D::CLOSED);
  // A line of the List is nobody's to change.
  auto list = MakeList("2026-1", 1);
  list.mutable_demands(0)->set_customer_bin(Bin(1));
  ASSERT_TRUE(Publish(list).ok());
  put_off.mutable_demand()->set_name("demands/2");
  EXPECT_EQ(base::ReasonOf(Do<v1::Demand>("UpdateDemand", Owner(Bin(1)), put_off).status()),
            "DEMAND_OF_THE_LIST");
}

// The day says so already, whether its timer has run or not, and as it was known before it was put
// off.
TEST_F(DemandTest, ADemandIsShownOnADayAsItStandsThen) {
  v1::Demand told = MakeDemand();
  *told.mutable_respond_until() = Day("2026-07-10").ToProto();
  const auto asked = Ask(told, Bin(1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  auto list = MakeList("2026-1", 1);
  *list.mutable_demands(0)->mutable_respond_until() = Day("2026-06-12").ToProto();
  ASSERT_TRUE(Publish(list).ok());
  const auto on = [&](const char* day, std::optional<absl::Time> known = std::nullopt) {
    v1::GetDemandRequest get;
    get.set_name(asked->name());
    v1::ListDemandsRequest open, closed;
    for (google::type::Date* as_of :
         {get.mutable_as_of(), open.mutable_as_of(), closed.mutable_as_of()})
      *as_of = Day(day).ToProto();
    if (known.has_value()) {
      for (auto* at :
           {get.mutable_known_at(), open.mutable_known_at(), closed.mutable_known_at()}) {
        at->set_seconds(absl::ToUnixSeconds(*known));
      }
    }
    open.set_filter("state = \"OPEN\"");
    closed.set_filter("state = \"CLOSED\"");
    const auto state = Must<v1::Demand>("GetDemand", public_, get).state();
    std::vector<std::string> names;
    for (const auto& request : {open, closed}) {
      const auto page = Must<v1::ListDemandsResponse>("ListDemands", public_, request);
      for (const auto& demand : page.demands()) {
        names.push_back(absl::StrCat(demand.name(), " ", D::State_Name(demand.state())));
      }
    }
    return std::make_pair(state, names);
  };
  using Shown = std::pair<D::State, std::vector<std::string>>;
  const Shown still = {D::OPEN, {"demands/1 OPEN", "demands/2 CLOSED"}};
  const Shown over = {D::CLOSED, {"demands/1 CLOSED", "demands/2 CLOSED"}};
  EXPECT_EQ(on("2026-07-10"), still);
  EXPECT_EQ(on("2026-07-11"), over);
  EXPECT_EQ(on("2030-01-01"), over);
  Advance(absl::Seconds(2));
  const absl::Time before = clock_.Now();
  Advance(absl::Seconds(2));
  v1::UpdateDemandRequest put_off;
  put_off.mutable_demand()->set_name(asked->name());
  *put_off.mutable_demand()->mutable_respond_until() = Day("2026-07-20").ToProto();
  ASSERT_TRUE(Do<v1::Demand>("UpdateDemand", Owner(Bin(1)), put_off).ok());
  EXPECT_EQ(on("2026-07-11"), still);
  EXPECT_EQ(on("2026-07-21"), over);
  EXPECT_EQ(on("2026-07-11", before), over);
  clock_.Set(Day("2026-07-21").StartOfDay());  // its timer may not have run yet
  EXPECT_EQ(GetDemand(asked->name()).state(), D::CLOSED);
}

// What was put off for good is nothing to its timer, and holds up none behind it.
TEST_F(DemandTest, ADemandWhoseLastDayWasTakenBackStaysOpen) {
  v1::Demand told = MakeDemand();
  *told.mutable_respond_until() = Day("2026-07-10").ToProto();
  const auto open = Ask(told, Bin(1)), other = Ask(told, Bin(1));
  ASSERT_TRUE(open.ok() && other.ok());
  v1::UpdateDemandRequest update;
  update.mutable_demand()->set_name(open->name());
  update.mutable_update_mask()->add_paths("respond_until");
  ASSERT_TRUE(Do<v1::Demand>("UpdateDemand", Owner(Bin(1)), update).ok());
  GoTo(Day("2026-07-11"));
  EXPECT_EQ(GetDemand(open->name()).state(), D::OPEN);
  EXPECT_EQ(GetDemand(other->name()).state(), D::CLOSED);
  GoTo(Day("2027-07-11"));
  EXPECT_EQ(GetDemand(open->name()).state(), D::OPEN);
}

// Everybody reads the list of them: nobody fills it alone.
TEST_F(DemandTest, OneAsksForSoMuchAtOnce) {
  const std::string bin = Bin(3);
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(Ask(MakeDemand(), bin).ok()) << i;
  EXPECT_EQ(base::ReasonOf(Ask(MakeDemand(), bin).status()), "DEMANDS_TOO_MANY");
  EXPECT_EQ(SubjectOf(Ask(MakeDemand(), bin).status()), "demand.customer_bin");
  EXPECT_TRUE(Ask(MakeDemand(), Bin(4)).ok());
  // Lines of the List that are its own are no requests; and one that is closed makes room.
  v1::PublishDemandsRequest list = MakeList("2026-1", 1);
  list.mutable_demands(0)->set_customer_bin(bin);
  EXPECT_TRUE(Publish(list).ok());
  v1::CloseDemandRequest close;
  close.set_name("demands/7");
  close.set_reason("Нашли.");
  ASSERT_TRUE(Do<v1::Demand>("CloseDemand", Owner(bin), close).ok());
  EXPECT_TRUE(Ask(MakeDemand(), bin).ok());
  EXPECT_EQ(base::ReasonOf(Ask(MakeDemand(), bin).status()), "DEMANDS_TOO_MANY");
}

TEST_F(DemandTest, AnswersAreInTheUnitThatWasAskedFor) {
  const auto asked = Ask(MakeDemand(), Bin(1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  v1::UpdateDemandRequest update;
  update.mutable_demand()->set_name(asked->name());
  update.mutable_demand()->set_unit("t");
  const absl::Status refused = Do<v1::Demand>("UpdateDemand", Owner(Bin(1)), update).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
  EXPECT_EQ(GetDemand(asked->name()).unit(), "pcs");
  update.mutable_demand()->set_unit("pcs");
  update.mutable_demand()->set_quantity("3");
  EXPECT_TRUE(Do<v1::Demand>("UpdateDemand", Owner(Bin(1)), update).ok());
}

// An edition may come when the last day of one of its lines has passed.
TEST_F(DemandTest, WhatIsPublishedTooLateClosesAtOnce) {
  const std::string bin = Active(1);
  const std::string offer = Offered(MakeOffer(bin)).name();
  auto list = MakeList("2026-1", 3);
  *list.mutable_demands(0)->mutable_respond_until() = Day("2026-06-12").ToProto();
  *list.mutable_demands(1)->mutable_respond_until() = Day("2026-06-15").ToProto();
  ASSERT_TRUE(Publish(list).ok());
  // Whether its timer has run by then or not.
  const auto past = ::testing::AnyOf("RESPOND_UNTIL_PAST", "DEMAND_STATE");
  EXPECT_THAT(base::ReasonOf(Respond("demands/1", bin, offer).status()), past);
  EXPECT_TRUE(Respond("demands/2", bin, offer).ok());
  Advance(absl::Seconds(1));
  EXPECT_EQ(GetDemand("demands/1").state(), D::CLOSED);
  EXPECT_EQ(GetDemand("demands/2").state(), D::OPEN);
  EXPECT_THAT(Listed("state = \"CLOSED\"", public_), ElementsAre("demands/1"));
  EXPECT_EQ(base::ReasonOf(Respond("demands/1", bin, offer).status()), "DEMAND_STATE");
  clock_.Set(Day("2026-06-16").StartOfDay());
  EXPECT_THAT(base::ReasonOf(Respond("demands/2", bin, offer).status()), past);
  GoTo(Day("2026-06-16"));
  EXPECT_EQ(GetDemand("demands/2").state(), D::CLOSED);
  EXPECT_EQ(GetDemand("demands/3").state(), D::OPEN);
}

TEST_F(DemandTest, ActiveSuppliersAnswerWithOffersOfTheirOwn) {
  const std::string bin = Active(1), other = Active(2), customer = Bin(3);
  const std::string offer = Offered(MakeOffer(bin)).name();
  const std::string foreign = Offered(MakeOffer(other)).name();
  const std::string other_code = Offered(MakeOffer(bin, kOtherCode)).name();
  v1::Offer in_tons = MakeOffer(bin);
  in_tons.set_unit("t");
  const std::string other_unit = Offered(in_tons).name();
  const std::string demand = Ask(MakeDemand(), customer)->name();
  EXPECT_EQ(base::ReasonOf(Respond(demand, bin, foreign).status()), "OFFER_FOREIGN");
  EXPECT_EQ(base::ReasonOf(Respond(demand, bin, "offers/99").status()), "OFFER_FOREIGN");
  EXPECT_EQ(base::ReasonOf(Respond(demand, bin, other_code).status()), "OFFER_DOES_NOT_MATCH");
  EXPECT_EQ(base::ReasonOf(Respond(demand, bin, other_unit).status()), "OFFER_DOES_NOT_MATCH");
  EXPECT_EQ(base::ReasonOf(Respond(demand, bin, offer, "0").status()), "QUANTITY_ZERO");
  EXPECT_EQ(base::ReasonOf(Respond(demand, Bin(4), offer).status()), "SUPPLIER_STATE");
  const std::string own = Ask(MakeDemand(), bin)->name();
  EXPECT_EQ(base::ReasonOf(Respond(own, bin, offer).status()), "ANSWER_TO_ITSELF");
  ASSERT_TRUE(Respond(demand, bin, offer).ok());
  ASSERT_TRUE(Respond(demand, other, foreign).ok());
  ASSERT_TRUE(Respond(demand, bin, offer, "20").ok());  // replaces the first

  v1::ListResponsesRequest list;
  list.set_parent(demand);
  const auto count = [&](const rpc::Caller& caller) {
    return Must<v1::ListResponsesResponse>("ListResponses", caller, list).responses_size();
  };
  EXPECT_EQ(count(Owner(customer)), 2);
  EXPECT_EQ(count(institute_), 2);
  EXPECT_EQ(count(Owner(bin)), 1);
  EXPECT_EQ(count(Owner(Bin(4))), 0);

  v1::WithdrawResponseRequest withdraw;
  withdraw.set_name(absl::StrCat(demand, "/responses/", bin));
  EXPECT_EQ(
      base::ReasonOf(Do<v1::Response>("WithdrawResponse", Owner(customer), withdraw).status()),
      "ACCESS_DENIED");  // tied to it, and not its owner
  ASSERT_TRUE(Do<v1::Response>("WithdrawResponse", Owner(bin), withdraw).ok());
  EXPECT_EQ(base::ReasonOf(Do<v1::Response>("WithdrawResponse", Owner(bin), withdraw).status()),
            "RESPONSE_STATE");
  v1::CloseDemandRequest close;
  close.set_name(demand);
  close.set_reason("Найден.");
  ASSERT_TRUE(Do<v1::Demand>("CloseDemand", Owner(customer), close).ok());
  EXPECT_EQ(base::ReasonOf(Respond(demand, bin, offer).status()), "DEMAND_STATE");
}

TEST_F(DemandTest, OneHasSoManySubscriptions) {
  v1::SubscribeRequest subscribe;
  subscribe.mutable_subscription()->set_bin(Bin(1));
  subscribe.mutable_subscription()->add_ens_tru_prefixes("281413");
  for (int i = 0; i < 100; ++i) Must<v1::Subscription>("Subscribe", Owner(Bin(1)), subscribe);
  const absl::Status over = Do<v1::Subscription>("Subscribe", Owner(Bin(1)), subscribe).status();
  EXPECT_EQ(base::ReasonOf(over), "SUBSCRIPTIONS_TOO_MANY");
  EXPECT_EQ(SubjectOf(over), "subscription.bin");
}

TEST_F(DemandTest, SubscribersHearOfWhatTheyWant) {
  v1::SubscribeRequest subscribe;
  subscribe.mutable_subscription()->set_bin(Bin(1));
  subscribe.mutable_subscription()->add_ens_tru_prefixes("281413");
  const auto mine = Must<v1::Subscription>("Subscribe", Owner(Bin(1)), subscribe);
  EXPECT_EQ(base::ReasonOf(Do<v1::Subscription>("Subscribe", Owner(Bin(2)), subscribe).status()),
            "ACCESS_DENIED");
  v1::WatchDemandsRequest watch;
  watch.set_subscription(mine.name());
  EXPECT_FALSE(Stream("WatchDemands", Owner(Bin(2)), watch).ok());
  EXPECT_FALSE(Stream("WatchDemands", public_, watch).ok());
  auto source = Stream("WatchDemands", Owner(Bin(1)), watch);
  ASSERT_TRUE(source.ok()) << source.status();
  const auto wanted = Ask(MakeDemand(), Bin(5));
  v1::Demand other = MakeDemand();
  other.set_ens_tru(kOtherCode);
  ASSERT_TRUE(Ask(other, Bin(5)).ok());
  std::vector<std::string> seen;
  std::string bytes;
  while (*(*source)->Pull(&bytes) == rpc::MessageSource::State::kMessage) {
    v1::WatchDemandsResponse message;
    ASSERT_TRUE(message.ParseFromString(bytes));
    for (const auto& change : message.changes()) seen.push_back(change.demand().name());
  }
  EXPECT_THAT(seen, ElementsAre(wanted->name()));
  EXPECT_THAT(Listed("", Owner(Bin(1)), mine.name()), ElementsAre(wanted->name()));
  EXPECT_EQ(Listed("", public_).size(), 2u);
  // A role for the whole country has no part in it; whoever audits sees it.
  for (const rpc::Role role : {rpc::v1::AUTHORITY_INDUSTRY, rpc::v1::INSTITUTE_LOCAL_CONTENT,
                               rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_SUBSOIL}) {
    v1::ListDemandsRequest by_it;
    by_it.set_subscription(mine.name());
    const rpc::Caller body = CallerOf("body", {role});
    EXPECT_EQ(base::ReasonOf(Do<v1::ListDemandsResponse>("ListDemands", body, by_it).status()),
              "NOT_FOUND");
    EXPECT_EQ(base::ReasonOf(Stream("WatchDemands", body, watch).status()), "NOT_FOUND");
  }
  EXPECT_THAT(Listed("", auditor_, mine.name()), ElementsAre(wanted->name()));
  EXPECT_TRUE(Stream("WatchDemands", auditor_, watch).ok());
  v1::ListSubscriptionsRequest list;
  list.set_bin(Bin(1));
  EXPECT_EQ(Must<v1::ListSubscriptionsResponse>("ListSubscriptions", Owner(Bin(1)), list)
                .subscriptions_size(),
            1);
  v1::UnsubscribeRequest end;
  end.set_name(mine.name());
  EXPECT_FALSE(Do<v1::UnsubscribeResponse>("Unsubscribe", Owner(Bin(2)), end).ok());
  GoTo(Day("2026-06-20"));
  EXPECT_TRUE(Do<v1::UnsubscribeResponse>("Unsubscribe", Owner(Bin(1)), end).ok());
  const auto count = [&] {
    return Must<v1::ListSubscriptionsResponse>("ListSubscriptions", Owner(Bin(1)), list)
        .subscriptions_size();
  };
  EXPECT_EQ(count(), 0);
  *list.mutable_as_of() = Day("2026-06-19").ToProto();
  EXPECT_EQ(count(), 1);
  EXPECT_FALSE(Do<v1::UnsubscribeResponse>("Unsubscribe", Owner(Bin(1)), end).ok());
}

TEST_F(DemandTest, MatchesDomesticOffersOnTheDay) {
  const std::string bin = Active(1), other = Active(2), gone = Active(3);
  for (const auto& [owner, value] :
       {std::make_pair(bin, 4'000), std::make_pair(other, 6'000), std::make_pair(gone, 9'000)}) {
    v1::Offer offer = MakeOffer(owner);
    offer.add_evidence(
        Confirmed(MakeEvidence(owner, owner, value, "2026-06-01", v1::Evidence::ST_KZ)));
    Offered(offer);
  }
  Offered(MakeOffer(bin));  // without evidence
  v1::SuspendSupplierRequest suspend;
  suspend.set_name("suppliers/" + gone);
  suspend.set_reason("Проверка.");
  ASSERT_TRUE(Do<v1::Supplier>("SuspendSupplier", authority_, suspend).ok());

  v1::MatchDemandRequest request;
  request.set_demand(Ask(MakeDemand("", "250"), Bin(5))->name());
  auto match = Must<v1::MatchDemandResponse>("MatchDemand", Owner(Bin(9)), request);
  ASSERT_EQ(match.shares_size(), 2);
  EXPECT_EQ(match.shares(0).supplier(), "suppliers/" + other);
  EXPECT_EQ(match.shares(0).share_bp(), 4'000);
  EXPECT_EQ(match.shares(1).quantity(), "100.000");
  EXPECT_EQ(match.covered_bp(), 8'000);
  EXPECT_EQ(match.uncovered_quantity(), "50.000");
  ASSERT_EQ(match.excluded_size(), 1);
  EXPECT_EQ(match.excluded(0).reason(), "NOT_DOMESTIC");
  EXPECT_EQ(match.decision().outcome(), "PARTLY_COVERED");
  // The certificates are over.
  *request.mutable_as_of() = Day("2027-06-01").ToProto();
  match = Must<v1::MatchDemandResponse>("MatchDemand", Owner(Bin(9)), request);
  EXPECT_EQ(match.shares_size(), 0);
  EXPECT_EQ(match.covered_bp(), 0);
}

v1::MatchDemandResponse Match(const MatchNeed& need, const std::vector<MatchOffer>& offers,
                              base::Date day) {
  Matching matching(need, day);
  for (const MatchOffer& offer : offers) matching.Add(offer);
  return matching.Finish();
}

// What an answer does not name is counted all the same.
TEST(MatchTest, OfMoreSuppliersThanItNamesTheBestAreNamed) {
  const MatchNeed need{kCode, "pcs", *base::Quantity::Parse("10000"), 0, "request", ""};
  std::vector<MatchOffer> offers;
  for (int i = 0; i < 1'500; ++i) {
    // The best are neither first nor last.
    const int32_t value = 1'000 + (i * 7) % 1'500;
    const std::string bin = absl::StrCat("B", 10'000 + i);
    offers.push_back({absl::StrCat("offers/", 2 * i), bin, "pcs", "5", value});
    offers.push_back({absl::StrCat("offers/", 2 * i + 1), bin, "pcs", "2", value + 1});
  }
  auto match = Match(need, offers, Day("2026-06-15"));
  ASSERT_EQ(match.shares_size(), 1'000);
  EXPECT_TRUE(match.truncated());
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(match.shares(i).in_country_value_bp(), 2'499 - i) << i;
    ASSERT_EQ(match.shares(i).quantity(), "5.000") << i;
    ASSERT_EQ(match.shares(i).share_bp(), 5) << i;
    ASSERT_EQ(match.shares(i).offers_size(), 2) << i;
  }
  EXPECT_EQ(match.covered_quantity(), "7500.000");
  EXPECT_EQ(match.uncovered_quantity(), "2500.000");
  EXPECT_EQ(match.covered_bp(), 7'500);
  EXPECT_EQ(match.decision().outcome(), "PARTLY_COVERED");
  const auto fact = [&](const std::string& name) {
    for (const auto& finding : match.decision().findings()) {
      for (const auto& known : finding.facts()) {
        if (known.name() == name) return known.value();
      }
    }
    return std::string();
  };
  EXPECT_EQ(fact("suppliers"), "1500");
  EXPECT_EQ(fact("offers"), "3000");
  // Those that are named cover it alone.
  const MatchNeed small{kCode, "pcs", *base::Quantity::Parse("12"), 0, "request", ""};
  match = Match(small, offers, Day("2026-06-15"));
  EXPECT_EQ(match.shares(2).quantity(), "2.000");
  EXPECT_EQ(match.shares(3).quantity(), "0.000");
  EXPECT_EQ(match.covered_bp(), 10'000);
  // As many as it names are named, and of one value and capacity the lowest BIN first.
  offers.clear();
  for (int i = 1'000; i > 0; --i) {
    offers.push_back({"offers/1", absl::StrCat("B", 10'000 + i), "pcs", "5", 1'000});
  }
  match = Match(need, offers, Day("2026-06-15"));
  EXPECT_FALSE(match.truncated());
  ASSERT_EQ(match.shares_size(), 1'000);
  EXPECT_EQ(match.shares(0).supplier(), "suppliers/B10001");
  offers.push_back({"offers/1", "B10000", "pcs", "5", 1'000});
  match = Match(need, offers, Day("2026-06-15"));
  EXPECT_TRUE(match.truncated());
  EXPECT_EQ(match.shares(0).supplier(), "suppliers/B10000");
  EXPECT_EQ(match.shares(999).supplier(), "suppliers/B10999");
}

TEST(MatchTest, SharesAreExactAndNoPlantIsCountedTwice) {
  const auto need = [](const char* quantity, int32_t minimum = 0) {
    return MatchNeed{kCode, "pcs", *base::Quantity::Parse(quantity), minimum, "request", ""};
  };
  const std::vector<MatchOffer> offers{
      {"offers/1", "A", "pcs", "10", 5'000}, {"offers/2", "A", "pcs", "30", 4'000},
      {"offers/3", "B", "pcs", "40", 4'000}, {"offers/4", "C", "pcs", "40", 4'000},
      {"offers/5", "D", "t", "99", 9'000},   {"offers/6", "E", "pcs", "", 9'000},
      {"offers/7", "F", "pcs", "9", 0},      {"offers/8", "G", "pcs", "5", 3'000}};
  auto match = Match(need("90"), offers, Day("2026-06-15"));
  std::vector<std::string> order;
  int32_t sum = 0;
  for (const auto& share : match.shares()) {
    order.push_back(absl::StrCat(share.supplier(), " ", share.quantity(), " ", share.share_bp()));
    sum += share.share_bp();
  }
  EXPECT_THAT(order, ElementsAre("suppliers/B 40.000 4445", "suppliers/C 40.000 4444",
                                 "suppliers/A 10.000 1111", "suppliers/G 0.000 0"));
  EXPECT_EQ(sum, 10'000);
  EXPECT_EQ(match.covered_bp(), 10'000);
  EXPECT_EQ(match.shares(2).offers_size(), 2);
  EXPECT_EQ(match.shares(2).in_country_value_bp(), 4'000);
  std::vector<std::string> out;
  for (const auto& excluded : match.excluded()) out.push_back(excluded.reason());
  EXPECT_THAT(out, ElementsAre("UNIT_DIFFERS", "CAPACITY_UNKNOWN", "NOT_DOMESTIC"));
  // All but a thousandth is not all of it.
  match = Match(need("115.001"), offers, Day("2026-06-15"));
  EXPECT_EQ(match.covered_bp(), 9'999);
  EXPECT_EQ(match.uncovered_quantity(), "0.001");
  match = Match(need("1", 9'500), offers, Day("2026-06-15"));
  EXPECT_EQ(match.shares_size(), 0);
  EXPECT_EQ(match.excluded_size(), 8);
}

class DemandWalkTest : public DemandTest {
 protected:
  void SetUp() override {
    DemandTest::SetUp();
    bin_ = Active(1);
    offer_ = Offered(MakeOffer(bin_)).name();
  }
  rpc::Caller Walker(rpc::Role as, const std::string& bin) {
    rpc::Caller caller = CallerOf(absl::StrCat("walker-", ++walkers_), {as}, bin);
    caller.regions = {"75"};
    return caller;
  }
  cases::MachineFixture Fixture() {
    cases::MachineFixture fixture;
    fixture.position = [this] { return position(); };
    return fixture;
  }
  std::string bin_, offer_;
  int walkers_ = 0;
  int editions_ = 0;
};

TEST_F(DemandWalkTest, RequestsForSubcontractors) {
  cases::ExpectSound(SubcontractingMachine());
  auto fixture = Fixture();
  fixture.make = [this] {
    v1::Demand demand = MakeDemand();
    *demand.mutable_respond_until() = today().ToProto();
    return Ask(demand, bin_)->name();
  };
  fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as, bin_);
    if (static_cast<DemandVerb>(edge.verb) == DemandVerb::kEdit) {
      v1::UpdateDemandRequest update;
      update.mutable_demand()->set_name(name);
      update.mutable_demand()->set_years(2 + walkers_ % 7);
      return Do<v1::Demand>("UpdateDemand", caller, update).status();
    }
    v1::CloseDemandRequest close;
    close.set_name(name);
    close.set_withdraw(static_cast<DemandVerb>(edge.verb) == DemandVerb::kWithdraw);
    close.set_reason("Найден.");
    return Do<v1::Demand>("CloseDemand", caller, close).status();
  };
  fixture.happen = [this](const base::EdgeDef&, const std::string&) {
    GoTo(today().AddDays(1));
    return absl::OkStatus();
  };
  fixture.state = [this](const std::string& name) { return GetDemand(name).state(); };
  EXPECT_EQ(cases::WalkMachine(SubcontractingMachine(), fixture).taken, 8);
}

TEST_F(DemandWalkTest, Editions) {
  cases::ExpectSound(PublicationMachine());
  auto fixture = Fixture();
  const auto edition = [](const std::string& name) { return name.substr(13); };
  fixture.make = [this] { return Publish(MakeList(absl::StrCat("w-", ++editions_), 2))->name(); };
  fixture.act = [&, this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as, bin_);
    if (static_cast<PublicationVerb>(edge.verb) == PublicationVerb::kWithdraw)
      return Withdraw(edition(name), caller).status();
    return Do<v1::Publication>("PublishDemands", caller, MakeList(edition(name), 2)).status();
  };
  fixture.state = [this](const std::string& name) {
    v1::GetPublicationRequest request;
    request.set_name(name);
    return Must<v1::Publication>("GetPublication", public_, request).state();
  };
  EXPECT_EQ(cases::WalkMachine(PublicationMachine(), fixture).taken, 3);
}

// Nobody's verbs: each state is reached as the table says, and nobody's methods move it.
TEST_F(DemandWalkTest, LinesOfTheList) {
  cases::ExpectSound(ListedDemandMachine());
  auto fixture = Fixture();
  int made = 0;
  std::map<std::string, std::string> edition_of;
  fixture.make = [&, this] {
    auto list = MakeList(absl::StrCat("l-", ++editions_), 1);
    list.mutable_demands(0)->set_customer_bin(bin_);
    *list.mutable_demands(0)->mutable_respond_until() = today().ToProto();
    EXPECT_TRUE(Publish(list).ok());
    const std::string name = absl::StrCat("demands/", ++made);
    edition_of[name] = list.name().substr(13);
    return name;
  };
  fixture.act = [](const base::EdgeDef&, const std::string&, rpc::Role) {
    return absl::InternalError("nobody acts");
  };
  fixture.happen = [&, this](const base::EdgeDef& edge, const std::string& name) {
    if (static_cast<ListedVerb>(edge.verb) == ListedVerb::kWithdraw)
      return Withdraw(edition_of[name], authority_).status();
    GoTo(today().AddDays(1));
    return absl::OkStatus();
  };
  fixture.state = [this](const std::string& name) { return GetDemand(name).state(); };
  const auto walked = cases::WalkMachine(ListedDemandMachine(), fixture);
  EXPECT_EQ(walked.taken + walked.refused, 0);
  // Every edge, by what makes it happen; in each state whoever asked is refused.
  for (const base::EdgeDef& edge : ListedDemandMachine().edges()) {
    SCOPED_TRACE(ListedDemandMachine().StateName(edge.from));
    const std::string name =
        cases::RecordAfter(cases::RoutesOf(ListedDemandMachine(), fixture).at(edge.from), fixture);
    v1::CloseDemandRequest close;
    close.set_name(name);
    close.set_reason("Найден.");
    EXPECT_EQ(base::ReasonOf(
                  Do<v1::Demand>("CloseDemand", Walker(rpc::v1::ENTITY, bin_), close).status()),
              "DEMAND_OF_THE_LIST");
    ASSERT_TRUE(fixture.happen(edge, name).ok());
    EXPECT_EQ(GetDemand(name).state(), edge.to);
  }
}

TEST_F(DemandWalkTest, Responses) {
  cases::ExpectSound(ResponseMachine());
  auto fixture = Fixture();
  fixture.make = [this] {
    const std::string demand = Ask(MakeDemand(), Bin(7))->name();
    return Respond(demand, bin_, offer_)->name();
  };
  fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as, bin_);
    if (static_cast<ResponseVerb>(edge.verb) == ResponseVerb::kWithdraw) {
      v1::WithdrawResponseRequest withdraw;
      withdraw.set_name(name);
      return Do<v1::Response>("WithdrawResponse", caller, withdraw).status();
    }
    v1::RespondToDemandRequest request;
    request.set_parent(name.substr(0, name.find("/responses")));
    request.mutable_response()->set_bin(bin_);
    request.mutable_response()->add_offers(offer_);
    request.mutable_response()->set_quantity(absl::StrCat(++walkers_));
    return Do<v1::Response>("RespondToDemand", caller, request).status();
  };
  fixture.state = [this](const std::string& name) {
    v1::ListResponsesRequest list;
    list.set_parent(name.substr(0, name.find("/responses")));
    return Must<v1::ListResponsesResponse>("ListResponses", auditor_, list).responses(0).state();
  };
  EXPECT_EQ(cases::WalkMachine(ResponseMachine(), fixture).taken, 3);
}

}  // namespace
}  // namespace nisi::suppliers
