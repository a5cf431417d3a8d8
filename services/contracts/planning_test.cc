// A planning year from needs to the approved List, with its days, and what may not be.
#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;

class PlanningTest : public ContractsTest {
 protected:
  std::vector<std::string> Overdue() {
    std::vector<std::string> kinds;
    const auto all = Must<v1::ListLateResponse>("ListLate", auditor_, v1::ListLateRequest());
    for (const auto& deadline : all.deadlines()) kinds.push_back(deadline.kind());
    return kinds;
  }
  cases::Deadline DeadlineOf(const std::string& kind) {
    v1::ListDeadlinesRequest request;
    request.set_parent(CycleName(2026));
    const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", authority_, request);
    for (const auto& deadline : all.deadlines()) {
      if (deadline.kind() == kind) return deadline;
    }
    ADD_FAILURE() << "no deadline " << kind;
    return {};
  }
};

TEST_F(PlanningTest, EachStatutoryDayShowsAndIsLateTheDayAfter) {
  Register(1);
  Open();
  const std::pair<const char*, const char*> kDays[] = {{"needs", "2026-05-20"},
                                                       {"list", "2026-05-30"},
                                                       {"proposals", "2026-07-01"},
                                                       {"approval", "2026-07-31"}};
  std::vector<std::string> late;
  for (const auto& [kind, day] : kDays) {
    EXPECT_EQ(base::Date::FromProto(DeadlineOf(kind).due_date())->ToString(), day);
    GoTo(Day(day));
    EXPECT_EQ(Overdue(), late) << day;
    clock_.Set(Day(day).EndOfDay() - absl::Seconds(1));
    ASSERT_TRUE(store().RunDueTimers().ok());
    EXPECT_EQ(Overdue(), late) << day;
    GoTo(Day(day).AddDays(1));
    late.push_back(kind);
    EXPECT_EQ(Overdue(), late) << day;
    EXPECT_TRUE(DeadlineOf(kind).overdue());
  }
  // Nothing is blocked by that, and what was late stays shown as such.
  ASSERT_TRUE(Submit({MakeNeed(1, 1)}).ok());
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  EXPECT_EQ(DeadlineOf("needs").state(), cases::Deadline::DONE);
  EXPECT_TRUE(DeadlineOf("needs").overdue());
  EXPECT_EQ(Overdue(), late);
}

// What fell due while nothing ran is late as of its own midnight.
TEST_F(PlanningTest, LateAfterAStop) {
  Register(1);
  Open();
  service_.reset();
  clock_.Set(Day("2026-06-15").StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Overdue(), (std::vector<std::string>{"needs", "list"}));
  // A year that is opened late has late days from its start.
  GoTo(Day("2027-07-15"));
  Open(2027);
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Overdue(), (std::vector<std::string>{"needs", "list", "proposals", "approval", "needs",
                                                 "list", "proposals"}));
}

TEST_F(PlanningTest, AWholeYear) {
  Register(1);
  sources_->made = {Code(2)};
  ToAgreement({MakeNeed(1, 1, "60"), MakeNeed(1, 1, "40"), MakeNeed(1, 2), MakeNeed(1, 3)});
  EXPECT_EQ(CycleNow().item_count(), 3);
  EXPECT_EQ(ItemNow(1).quantity(), "100.000");
  EXPECT_EQ(ItemNow(1).contract_type(), v1::OFF_TAKE);
  EXPECT_EQ(ItemNow(1).production().outcome(), "NOT_MADE");
  EXPECT_EQ(ItemNow(2).contract_type(), v1::CONTRACT_PROCUREMENT);
  ExpectReplays(ItemName(2026, 1));
  ExpectReplays(absl::StrCat("customers/", Bin(1)));
  const auto proposed = ProposeTo(1, 1);
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  EXPECT_EQ(ReasonOf(ProposeTo(1, 1).status()), "PROPOSAL_EXISTS");
  EXPECT_EQ(ReasonOf(ProposeTo(8, 1).status()), "CUSTOMER_NOT_ELIGIBLE");
  EXPECT_EQ(ReasonOf(ProposeTo(1, 9).status()), "ITEM_UNKNOWN");
  EXPECT_EQ(ReasonOf(AgreeTo(proposed->name(), 9).status()), "ACCESS_DENIED");
  ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::AGREED);
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  EXPECT_EQ(ItemNow(3).state(), v1::ListItem::LEFT_OUT);
  EXPECT_EQ(CycleNow().agreed_count(), 1);
  // Whoever formed the List does not approve it.
  EXPECT_EQ(ReasonOf(Approve(former_).status()), "SEPARATION_OF_DUTIES");
  const auto approved = Approve(approver_);
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(approved->state(), v1::Cycle::APPROVED);
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::APPROVED);
  EXPECT_EQ(approved->approval().outcome(), "APPROVED");
  EXPECT_EQ(approved->approval().findings(0).facts(2).value(), "2");
  ExpectReplays(CycleName(2026));
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::PENDING);
  EXPECT_EQ(PublicationNow(1).parts(0).item_count(), 1);
  // The public sees what is approved, without whose needs it is.
  auto get = Named<v1::GetListItemRequest>(ItemName(2026, 1));
  EXPECT_EQ(Must<v1::ListItem>("GetListItem", public_, get).customers_size(), 0);
  EXPECT_FALSE(Must<v1::ListItem>("GetListItem", public_, get).has_value());
  v1::ListListItemsRequest list;
  list.set_parent(CycleName(2026));
  const auto shown = Must<v1::ListListItemsResponse>("ListListItems", public_, list);
  ASSERT_EQ(shown.items_size(), 1);
  EXPECT_EQ(shown.items(0).customers_size(), 0);
  EXPECT_FALSE(shown.items(0).has_value());
  EXPECT_EQ(Must<v1::ListItem>("GetListItem", auditor_, get).customers_size(), 1);
  get.set_name(ItemName(2026, 3));
  EXPECT_EQ(Why<v1::ListItem>("GetListItem", public_, get), "ACCESS_DENIED");
  ExpectSound();
}

TEST_F(PlanningTest, AChangedGoodIsNotAgreedAnyMore) {
  Register(1);
  ToAgreement({MakeNeed(1, 1), MakeNeed(1, 2)});
  const auto proposed = ProposeTo(1, 1);
  ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  v1::UpdateListItemRequest update;
  update.mutable_item()->set_name(ItemName(2026, 1));
  update.mutable_item()->set_quantity("70");
  update.mutable_update_mask()->add_paths("quantity");
  // An editor of a line that formed nothing does not approve either.
  ASSERT_TRUE(Do<v1::ListItem>("UpdateListItem", approver_, update).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::FORMED);
  EXPECT_EQ(ItemNow(1).edition(), 2);
  EXPECT_EQ(ReasonOf(AgreeTo(proposed->name(), 1).status()), "PROPOSAL_STATE");
  EXPECT_EQ(ItemNow(1).agreed_customers_size(), 0);
  EXPECT_EQ(ReasonOf(ProposeTo(1, 1).status()), "VOLUME_OVER_LIST");
  const auto again = ProposeTo(1, 1, "70");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->item_edition(), 2);
  ASSERT_TRUE(AgreeTo(again->name(), 1).ok());
  // An agreement that is taken back is none.
  const auto other = ProposeTo(1, 2);
  ASSERT_TRUE(AgreeTo(other->name(), 1).ok());
  ASSERT_TRUE(
      Do<v1::Proposal>("Decline", CustomerOf(1), Named<v1::DeclineRequest>(other->name())).ok());
  EXPECT_EQ(ItemNow(2).state(), v1::ListItem::FORMED);
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  EXPECT_EQ(ReasonOf(Approve(approver_).status()), "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(Approve(authority_).ok());
  EXPECT_EQ(Why<v1::ListItem>("UpdateListItem", former_, update), "CYCLE_STATE");
  // Whoever saw another version of the good is told that first.
  update.mutable_item()->set_etag("\"0-0\"");
  EXPECT_EQ(Why<v1::ListItem>("UpdateListItem", former_, update), "VERSION_MISMATCH");
}

TEST_F(PlanningTest, OffTakeOnlyOfWhatWasNotMade) {
  Register(1);
  sources_->made = {Code(1)};
  ToAgreement({MakeNeed(1, 1), MakeNeed(1, 2)});
  v1::UpdateListItemRequest update;
  update.mutable_item()->set_name(ItemName(2026, 1));
  update.mutable_item()->set_contract_type(v1::OFF_TAKE);
  update.mutable_update_mask()->add_paths("contract_type");
  EXPECT_EQ(Why<v1::ListItem>("UpdateListItem", former_, update), "MADE_BEFORE");
  update.mutable_item()->set_name(ItemName(2026, 2));
  update.mutable_item()->set_contract_type(v1::CONTRACT_PROCUREMENT);
  EXPECT_TRUE(Do<v1::ListItem>("UpdateListItem", former_, update).ok());
}

TEST_F(PlanningTest, WhileTheDatabaseIsAwayNothingIsFormed) {
  Register(1);
  Open();
  ASSERT_TRUE(Submit({MakeNeed(1, 1)}).ok());
  EXPECT_EQ(ReasonOf(Form().status()), "CYCLE_STATE");
  EXPECT_EQ(sources_->questions, 0) << "what is refused anyway asks nobody";
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  EXPECT_EQ(ReasonOf(Step<v1::SendListRequest>("SendList", former_).status()), "LIST_NOT_FORMED");
  sources_->away = true;
  const int64_t before = position();
  EXPECT_EQ(ReasonOf(Form().status()), "DEPENDENCY_NOT_ANSWERED");
  EXPECT_EQ(position(), before);
  sources_->away = false;
  EXPECT_TRUE(Form().ok());
}

// Formed again from other needs: what stayed stays, what changed is to be agreed on, what is gone
// is off the List.
TEST_F(PlanningTest, TheListIsUpdated) {
  Register(1);
  ToAgreement({MakeNeed(1, 1), MakeNeed(1, 2), MakeNeed(1, 3)});
  for (const int32_t item : {1, 2, 3}) {
    const auto proposed = ProposeTo(1, item);
    ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  }
  ASSERT_TRUE(Step<v1::ReturnToListingRequest>("ReturnToListing", former_).ok());
  ASSERT_TRUE(Step<v1::ReopenNeedsRequest>("ReopenNeeds", former_).ok());
  v1::UpdateNeedRequest update;
  update.mutable_need()->set_name(NeedName(2026, 2));
  update.mutable_need()->set_quantity("7");
  update.mutable_update_mask()->add_paths("quantity");
  ASSERT_TRUE(Do<v1::Need>("UpdateNeed", institute_, update).ok());
  ASSERT_TRUE(Do<v1::DeleteNeedResponse>("DeleteNeed", institute_,
                                         Named<v1::DeleteNeedRequest>(NeedName(2026, 3)))
                  .ok());
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  EXPECT_EQ(ReasonOf(Step<v1::SendListRequest>("SendList", former_).status()), "LIST_NOT_FORMED");
  ASSERT_TRUE(Form().ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::AGREED);
  EXPECT_EQ(ItemNow(1).edition(), 1);
  EXPECT_EQ(ItemNow(2).state(), v1::ListItem::FORMED);
  EXPECT_EQ(ItemNow(2).quantity(), "7.000");
  EXPECT_EQ(CycleNow().item_count(), 2);
  EXPECT_EQ(
      Why<v1::ListItem>("GetListItem", auditor_, Named<v1::GetListItemRequest>(ItemName(2026, 3))),
      "NOT_FOUND");
  EXPECT_EQ(Stored(kProposals, store::Key::Of(2026, 3)).proposal().state(), v1::Proposal::LAPSED);
}

// Needs are of customers: what one needed that is none any more is on no List (Art. 46(2)).
TEST_F(PlanningTest, WhoIsNoCustomerAnyMoreNeedsNothing) {
  Register(1);
  Register(4);
  Open();
  ASSERT_TRUE(Submit({MakeNeed(1, 1), MakeNeed(4, 1), MakeNeed(4, 2)}).ok());
  const auto fund = [this](bool is) {
    v1::UpdateCustomerRequest change;
    change.mutable_customer()->set_name(absl::StrCat("customers/", Bin(4)));
    change.mutable_customer()->set_welfare_fund(is);
    change.mutable_update_mask()->add_paths("welfare_fund");
    Must<v1::Customer>("UpdateCustomer", authority_, change);
  };
  fund(true);
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  ASSERT_TRUE(Form().ok());
  EXPECT_EQ(CycleNow().need_count(), 3) << "as they were sent";
  EXPECT_EQ(CycleNow().item_count(), 1);
  EXPECT_EQ(ItemNow(1).need_count(), 1);
  EXPECT_EQ(ItemNow(1).quantity(), "100.000");
  EXPECT_EQ(ItemNow(1).sole_customer(), Bin(1));
  fund(false);
  ASSERT_TRUE(Form().ok());
  EXPECT_EQ(CycleNow().item_count(), 2);
  EXPECT_EQ(ItemNow(1).quantity(), "200.000");
}

// What the customers agree to is what the List has and what is placed: not what was needed.
TEST_F(PlanningTest, WhatIsAgreedReachesTheList) {
  Register(1);
  Register(4);
  Register(5);
  ToAgreement({MakeNeed(1, 1, "60"), MakeNeed(4, 1, "30"), MakeNeed(5, 1, "10")});
  const auto over = ProposeTo(1, 1, "100.001");
  EXPECT_EQ(ReasonOf(over.status()), "VOLUME_OVER_LIST");
  EXPECT_EQ(base::LegalBasisOf(over.status()).article(), "Art. 47(3)");
  const auto first = ProposeTo(1, 1, "50", "Сухой", 2028, 2);
  const auto second = ProposeTo(4, 1, "51", "Масляный", 2027, 1);
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE(AgreeTo(first->name(), 1).ok());
  const auto alone = ItemNow(1);
  EXPECT_EQ(alone.agreed_quantity(), "50.000");
  EXPECT_EQ(alone.agreed_first_year(), 2028);
  EXPECT_EQ(alone.agreed_years(), 2);
  EXPECT_EQ(alone.agreed_specification(), "Сухой");
  EXPECT_THAT(alone.agreed_customers(), ElementsAre(Bin(1)));
  EXPECT_EQ(alone.quantity(), "100.000") << "what is needed stays beside it";
  // Each within the good, both not.
  EXPECT_EQ(ReasonOf(AgreeTo(second->name(), 4).status()), "VOLUME_OVER_LIST");
  ASSERT_TRUE(
      Do<v1::Proposal>("Decline", CustomerOf(4), Named<v1::DeclineRequest>(second->name())).ok());
  const auto less = ProposeTo(4, 1, "20", "Масляный", 2027, 1);
  ASSERT_TRUE(AgreeTo(less->name(), 4).ok());
  const auto both = ItemNow(1);
  EXPECT_EQ(both.agreed_quantity(), "70.000");
  EXPECT_EQ(both.agreed_first_year(), 2027);
  EXPECT_EQ(both.agreed_years(), 3);
  EXPECT_EQ(both.agreed_customers_size(), 2);
  EXPECT_THAT(both.agreed_specification(), ::testing::HasSubstr("Масляный"));
  EXPECT_THAT(both.agreed_specification(), ::testing::HasSubstr("Сухой"));
  ASSERT_TRUE(
      Do<v1::Proposal>("Decline", CustomerOf(4), Named<v1::DeclineRequest>(less->name())).ok());
  EXPECT_EQ(ItemNow(1).agreed_quantity(), "50.000");
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Approve(approver_).ok());
  const auto shown =
      Must<v1::ListItem>("GetListItem", public_, Named<v1::GetListItemRequest>(ItemName(2026, 1)));
  EXPECT_EQ(shown.agreed_quantity(), "50.000");
  EXPECT_EQ(shown.agreed_customers_size(), 0);
}

// Formed again, a good stays only if both its needs and what the database says of it do.
TEST_F(PlanningTest, FormedAgainByAllThatItRestsOn) {
  Register(1);
  ToAgreement({MakeNeed(1, 1, "10", 2'000), MakeNeed(1, 2), MakeNeed(1, 3), MakeNeed(1, 4)});
  for (const int32_t item : {1, 2, 3, 4}) {
    const auto proposed = ProposeTo(1, item, "10");
    ASSERT_TRUE(proposed.ok()) << proposed.status();
    ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  }
  ASSERT_TRUE(Step<v1::ReturnToListingRequest>("ReturnToListing", former_).ok());
  ASSERT_TRUE(Step<v1::ReopenNeedsRequest>("ReopenNeeds", former_).ok());
  // Worth the same, and not the same.
  v1::UpdateNeedRequest twice;
  twice.mutable_need()->set_name(NeedName(2026, 1));
  twice.mutable_need()->set_quantity("20");
  *twice.mutable_need()->mutable_price() = Tenge(1'000);
  twice.mutable_update_mask()->add_paths("quantity");
  twice.mutable_update_mask()->add_paths("price");
  ASSERT_TRUE(Do<v1::Need>("UpdateNeed", institute_, twice).ok());
  v1::UpdateNeedRequest other;
  other.mutable_need()->set_name(NeedName(2026, 2));
  other.mutable_need()->set_specification("Масляный");
  other.mutable_update_mask()->add_paths("specification");
  ASSERT_TRUE(Do<v1::Need>("UpdateNeed", institute_, other).ok());
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  sources_->made = {Code(3)};
  GoTo(Day("2026-04-01"));
  ASSERT_TRUE(Form().ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::FORMED);
  EXPECT_EQ(ItemNow(1).quantity(), "20.000");
  EXPECT_EQ(ItemNow(1).agreed_quantity(), "");
  EXPECT_EQ(ItemNow(2).state(), v1::ListItem::FORMED);
  EXPECT_EQ(ItemNow(2).specification(), "Масляный");
  // Made by now: no off-take contract is concluded on it.
  EXPECT_EQ(ItemNow(3).state(), v1::ListItem::FORMED);
  EXPECT_EQ(ItemNow(3).contract_type(), v1::CONTRACT_PROCUREMENT);
  EXPECT_EQ(ItemNow(3).production().outcome(), "MADE");
  EXPECT_EQ(Stored(kProposals, store::Key::Of(2026, 3)).proposal().state(), v1::Proposal::LAPSED);
  // As it was, by the answer of the day on which it was formed again.
  EXPECT_EQ(ItemNow(4).state(), v1::ListItem::AGREED);
  EXPECT_EQ(ItemNow(4).edition(), 1);
  EXPECT_EQ(ItemNow(4).agreed_quantity(), "10.000");
  EXPECT_THAT(ItemNow(4).production().ShortDebugString(), ::testing::HasSubstr("2026-04-01"));
  ExpectReplays(ItemName(2026, 4));
}

// A step that is taken back is to be done again, by the same day; what was late stays shown.
TEST_F(PlanningTest, AStepTakenBackIsToBeDoneAgain) {
  Register(1);
  ToAgreement({MakeNeed(1, 1)});
  const auto open = [this] {
    v1::ListDeadlinesRequest request;
    request.set_parent(CycleName(2026));
    std::vector<std::string> kinds;
    const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", authority_, request);
    for (const auto& one : all.deadlines()) {
      if (one.state() == cases::Deadline::OPEN) kinds.push_back(one.kind());
    }
    return kinds;
  };
  EXPECT_THAT(open(), ElementsAre("proposals", "approval"));
  GoTo(Day("2026-05-19"));
  ASSERT_TRUE(Step<v1::ReturnToListingRequest>("ReturnToListing", former_).ok());
  EXPECT_THAT(open(), ElementsAre("list", "proposals", "approval"));
  ASSERT_TRUE(Step<v1::ReopenNeedsRequest>("ReopenNeeds", former_).ok());
  EXPECT_THAT(open(), ElementsAre("needs", "list", "proposals", "approval"));
  EXPECT_THAT(Overdue(), ElementsAre());
  GoTo(Day("2026-05-21"));
  EXPECT_THAT(Overdue(), ElementsAre("needs"));
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  EXPECT_THAT(open(), ElementsAre("list", "proposals", "approval"));
  EXPECT_THAT(Overdue(), ElementsAre("needs")) << "it was missed";
  ASSERT_TRUE(Form().ok());
  ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  const auto proposed = ProposeTo(1, 1);
  ASSERT_TRUE(AgreeTo(proposed->name(), 1).ok());
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  EXPECT_THAT(open(), ElementsAre("approval"));
  // Sent back after its day, it is late at once.
  GoTo(Day("2026-07-15"));
  ASSERT_TRUE(Step<v1::ReturnForAgreementRequest>("ReturnForAgreement", authority_).ok());
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_THAT(open(), ElementsAre("proposals", "approval"));
  EXPECT_THAT(Overdue(), ElementsAre("needs", "proposals"));
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Approve(approver_).ok());
  // Of a List that was approved once no day is left.
  ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
  ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  ASSERT_TRUE(Step<v1::ReturnToListingRequest>("ReturnToListing", former_).ok());
  EXPECT_THAT(open(), ElementsAre());
}

// A day that is missed is missed once, however often its step is taken back.
TEST_F(PlanningTest, AMissedDayIsListedOnce) {
  Register(1);
  Open();
  ASSERT_TRUE(Submit({MakeNeed(1, 1)}).ok());
  GoTo(Day("2026-05-25"));
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  ASSERT_TRUE(Step<v1::ReopenNeedsRequest>("ReopenNeeds", former_).ok());
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_THAT(Overdue(), ElementsAre("needs"));
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  EXPECT_THAT(Overdue(), ElementsAre("needs"));
  ExpectSound();
}

// Formed twice on a day, the goods that are kept are not written again.
// What was to be done and what was late is asked for a day, and for what was known then.
TEST_F(PlanningTest, DeadlinesAreReadAsTheyStood) {
  Open();
  const absl::Time opened = clock_.Now();
  GoTo(Day("2026-05-22"));
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  v1::ListDeadlinesRequest list;
  list.set_parent(CycleName(2026));
  v1::ListLateRequest late;
  const auto stood = [&] {
    std::string found;
    const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", authority_, list);
    for (const auto& one : all.deadlines()) {
      if (one.kind() != "needs") continue;
      found += absl::StrCat(cases::Deadline::State_Name(one.state()), one.overdue() ? " late" : "");
    }
    return absl::StrCat(found, " ",
                        Must<v1::ListLateResponse>("ListLate", auditor_, late).deadlines_size());
  };
  const auto as_of = [&](const char* day) {
    *list.mutable_as_of() = *late.mutable_as_of() = Day(day).ToProto();
    return stood();
  };
  EXPECT_EQ(stood(), "DONE late 1");
  EXPECT_EQ(as_of("2026-05-20"), "OPEN 0");
  EXPECT_EQ(as_of("2026-05-21"), "OPEN late 1");
  EXPECT_EQ(as_of("2026-05-22"), "DONE late 1");
  EXPECT_EQ(as_of("2025-12-31"), " 0") << "before the cycle";
  list.clear_as_of();
  late.clear_as_of();
  list.mutable_known_at()->set_seconds(absl::ToUnixSeconds(opened) + 1);
  *late.mutable_known_at() = list.known_at();
  EXPECT_EQ(stood(), "OPEN 0");
}

TEST_F(PlanningTest, WhatIsKeptIsNotWrittenAgain) {
  Register(1);
  Open();
  ASSERT_TRUE(Submit({MakeNeed(1, 1), MakeNeed(1, 2)}).ok());
  ASSERT_TRUE(Step<v1::CloseNeedsRequest>("CloseNeeds", institute_).ok());
  ASSERT_TRUE(Form().ok());
  const std::string etag = ItemNow(1).etag();
  clock_.Advance(absl::Minutes(5));
  ASSERT_TRUE(Form().ok());
  EXPECT_EQ(ItemNow(1).etag(), etag);
  GoTo(today().AddDays(1));
  ASSERT_TRUE(Form().ok());
  EXPECT_NE(ItemNow(1).etag(), etag) << "asked again on another day";
}

// A List without goods is published at once: nothing waits for nobody.
TEST_F(PlanningTest, NothingAgreedIsNoDeadEnd) {
  Register(1);
  ToAgreement({MakeNeed(1, 1)});
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  ASSERT_TRUE(Step<v1::ReturnForAgreementRequest>("ReturnForAgreement", authority_).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::FORMED);
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  const auto approved = Approve(approver_);
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(approved->state(), v1::Cycle::PUBLISHED);
  ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
  EXPECT_EQ(CycleNow().revision(), 2);
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::FORMED);
  // Again without goods: the one before is out as soon as it is taken out, and nobody says so.
  ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  const auto again = Approve(approver_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->state(), v1::Cycle::PUBLISHED);
  EXPECT_EQ(PublicationNow(1).state(), v1::Publication::WITHDRAWN);
}

// Opened again, a good that was approved is on the List as long as somebody agrees to it.
TEST_F(PlanningTest, AnAgreementTakenBackInARevision) {
  Register(1);
  ToApproved({MakeNeed(1, 1), MakeNeed(1, 2)}, 2);
  ASSERT_TRUE(Step<v1::ReviseListRequest>("ReviseList", authority_).ok());
  ASSERT_TRUE(Step<v1::SendListRequest>("SendList", former_).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::APPROVED);
  ASSERT_TRUE(
      Do<v1::Proposal>("Decline", CustomerOf(1), Named<v1::DeclineRequest>(ProposalName(2026, 1)))
          .ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::FORMED);
  ASSERT_TRUE(Step<v1::SubmitForApprovalRequest>("SubmitForApproval", subsoil_).ok());
  EXPECT_EQ(ItemNow(1).state(), v1::ListItem::LEFT_OUT);
  EXPECT_EQ(ItemNow(2).state(), v1::ListItem::APPROVED);
  ASSERT_TRUE(Approve(approver_).ok());
  EXPECT_EQ(PublicationNow(2).parts(0).item_count(), 1);
}

TEST_F(PlanningTest, CustomersAreThoseOfTheDay) {
  auto refused = MakeCustomer(1);
  refused.set_welfare_fund_share_bp(5'000);
  v1::RegisterCustomerRequest request;
  *request.mutable_customer() = refused;
  EXPECT_EQ(Why<v1::Customer>("RegisterCustomer", authority_, request), "CUSTOMER_NOT_ELIGIBLE");
  Register(1);
  *request.mutable_customer() = MakeCustomer(1);
  EXPECT_EQ(Why<v1::Customer>("RegisterCustomer", authority_, request), "ALREADY_EXISTS");
  // From 1 April on the fund owns half of it.
  v1::UpdateCustomerRequest update;
  update.mutable_customer()->set_name(absl::StrCat("customers/", Bin(1)));
  update.mutable_customer()->set_welfare_fund_share_bp(5'000);
  update.mutable_update_mask()->add_paths("welfare_fund_share_bp");
  *update.mutable_effective_from() = Day("2026-04-01").ToProto();
  const auto changed = Must<v1::Customer>("UpdateCustomer", authority_, update);
  EXPECT_FALSE(changed.eligible());
  Open();
  EXPECT_TRUE(Submit({MakeNeed(1, 1)}).ok());
  GoTo(Day("2026-04-01"));
  const auto late = Submit({MakeNeed(1, 2)});
  EXPECT_EQ(ReasonOf(late.status()), "CUSTOMER_NOT_ELIGIBLE");
  EXPECT_EQ(base::InfoOf(late.status()).metadata().at("rule"), "NOT_OF_THE_WELFARE_FUND");
  auto get = Named<v1::GetCustomerRequest>(absl::StrCat("customers/", Bin(1)));
  *get.mutable_as_of() = Day("2026-03-31").ToProto();
  EXPECT_TRUE(Must<v1::Customer>("GetCustomer", auditor_, get).eligible());
}

TEST_F(PlanningTest, NeedsAreWhatCanBe) {
  Register(1);
  v1::OpenCycleRequest past;
  past.set_year(2025);
  EXPECT_EQ(Why<v1::Cycle>("OpenCycle", authority_, past), "YEAR_PAST");
  Open();
  past.set_year(2026);
  EXPECT_EQ(Why<v1::Cycle>("OpenCycle", authority_, past), "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(Submit({MakeNeed(1, 1, "0")}).status()), "QUANTITY_ZERO");
  EXPECT_EQ(ReasonOf(Submit({MakeNeed(1, 1, "1", 0)}).status()), "PRICE_ZERO");
  v1::Need early = MakeNeed(1, 1);
  early.set_first_year(2025);
  EXPECT_EQ(ReasonOf(Submit({early}).status()), "YEARS_PAST");
  EXPECT_EQ(ReasonOf(Submit({MakeNeed(1, 1), MakeNeed(7, 1)}).status()), "CUSTOMER_NOT_ELIGIBLE");
  v1::ListNeedsRequest list;
  list.set_parent(CycleName(2026));
  EXPECT_EQ(Must<v1::ListNeedsResponse>("ListNeeds", auditor_, list).needs_size(), 0);
  ASSERT_TRUE(Submit({MakeNeed(1, 1)}).ok());
  EXPECT_EQ(Must<v1::ListNeedsResponse>("ListNeeds", CustomerOf(1), list).needs_size(), 1);
  EXPECT_EQ(Must<v1::ListNeedsResponse>("ListNeeds", CustomerOf(9), list).needs_size(), 0);
}

TEST_F(PlanningTest, NeedsComeByFile) {
  Register(1);
  Open();
  const rpc::Method& method = MethodOf("ImportNeeds");
  const auto import = [&](bool dry_run, bool all_or_none, const std::vector<v1::Need>& needs) {
    rpc::Call call = MakeCall(method, institute_);
    v1::ImportNeedsRequest first;
    first.mutable_header()->set_parent(CycleName(2026));
    first.mutable_header()->set_request_id(NextUuid());
    first.mutable_header()->set_dry_run(dry_run);
    first.mutable_header()->set_all_or_none(all_or_none);
    first.mutable_header()->set_row_count(static_cast<int32_t>(needs.size()));
    v1::ImportNeedsRequest second;
    for (const v1::Need& need : needs) {
      auto& row = *second.mutable_rows()->add_rows();
      row.set_customer(need.customer());
      row.set_ens_tru(need.ens_tru());
      row.set_title_ru(need.title().ru());
      row.set_unit(need.unit());
      row.set_quantity(need.quantity());
      row.set_price(base::Money::FromProto(need.price())->ToString());
      row.set_first_year(absl::StrCat(need.first_year()));
      row.set_years(absl::StrCat(need.years()));
      row.set_kato(need.kato());
    }
    rpc::v1::ImportReport report;
    EXPECT_TRUE(Prepare(method, &first, &call).ok());
    auto sink = method.client_stream(call);
    EXPECT_TRUE(sink.ok()) << sink.status();
    EXPECT_TRUE((*sink)->Push(first).ok());
    EXPECT_TRUE(Prepare(method, &second, &call).ok());
    EXPECT_TRUE((*sink)->Push(second).ok());
    call.request_id = first.header().request_id();
    const auto answer = (*sink)->Finish(call);
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer.ok() && report.ParseFromString(*answer));
    return report;
  };
  v1::Need wrong = MakeNeed(1, 2);
  wrong.set_unit("шт");
  EXPECT_EQ(import(false, false, {MakeNeed(1, 1), wrong}).invalid_count(), 1);
  // What a need may not be is told as what is wrong in its form: by the name of the cell.
  const auto nothing = import(true, false, {MakeNeed(1, 1), MakeNeed(1, 2, "0")});
  EXPECT_EQ(nothing.rows(1).reason(), "QUANTITY_ZERO");
  EXPECT_EQ(nothing.rows(1).field(), "quantity");
  const auto refused = import(false, true, {MakeNeed(1, 1), MakeNeed(8, 2)});
  EXPECT_EQ(refused.refused_count(), 1);
  EXPECT_FALSE(refused.committed());
  EXPECT_EQ(refused.rows(1).reason(), "CUSTOMER_NOT_ELIGIBLE");
  EXPECT_FALSE(import(true, false, {MakeNeed(1, 1)}).committed());
  const auto entered = import(false, false, {MakeNeed(1, 1), MakeNeed(8, 2)});
  EXPECT_TRUE(entered.committed());
  EXPECT_EQ(entered.entered_count(), 1);
}

// A change from a day on changes what holds on that day: it neither takes back what is to hold by
// then, nor puts into the past what came after it.
TEST_F(PlanningTest, AChangeOfACustomerIsOfItsOwnDay) {
  Register(1);
  const std::string name = absl::StrCat("customers/", Bin(1));
  const auto change = [&](const char* day, const char* path, auto fill) {
    v1::UpdateCustomerRequest update;
    update.mutable_customer()->set_name(name);
    fill(update.mutable_customer());
    update.mutable_update_mask()->add_paths(path);
    *update.mutable_effective_from() = Day(day).ToProto();
    return Must<v1::Customer>("UpdateCustomer", authority_, update);
  };
  const auto on = [&](const char* day) {
    auto get = Named<v1::GetCustomerRequest>(name);
    *get.mutable_as_of() = Day(day).ToProto();
    return Must<v1::Customer>("GetCustomer", auditor_, get);
  };
  GoTo(Day("2026-04-10"));
  // It is to go to the Fund in May, and to be called otherwise from June on.
  change("2026-05-01", "welfare_fund_share_bp",
         [](v1::Customer* to) { to->set_welfare_fund_share_bp(6'000); });
  const auto renamed = change("2026-06-01", "title",
                              [](v1::Customer* to) { to->mutable_title()->set_ru("Новое имя"); });
  EXPECT_FALSE(renamed.eligible());
  EXPECT_TRUE(on("2026-04-30").eligible());
  EXPECT_FALSE(on("2026-05-31").eligible());
  EXPECT_FALSE(on("2026-06-01").eligible());
  EXPECT_EQ(on("2026-06-01").title().ru(), "Новое имя");
  // What it was known by in March is put right in June: it was of no Fund then.
  GoTo(Day("2026-06-10"));
  change("2026-03-20", "source", [](v1::Customer* to) { to->set_source("Выписка"); });
  EXPECT_TRUE(on("2026-03-20").eligible());
  EXPECT_EQ(on("2026-03-20").title().ru(), "Заказчик 1");
  EXPECT_EQ(on("2026-03-20").source(), "Выписка");
  EXPECT_FALSE(on("2026-06-10").eligible());
  // Nothing is known of a day before the first: what is known now is.
  change("2026-01-10", "source", [](v1::Customer* to) { to->set_source("Устав"); });
  EXPECT_EQ(on("2026-01-10").source(), "Устав");
}

}  // namespace
}  // namespace nisi::contracts
