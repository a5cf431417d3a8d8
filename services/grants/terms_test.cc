// What is to be done by which day after the decision, and what is overdue across cases.
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TermsTest : public GrantsTest {
 protected:
  void SetUp() override {
    GrantsTest::SetUp();
    OpenProgramme(5'000'000);
  }
  // "kind state due" of each deadline that a record ever had, of these kinds.
  std::vector<std::string> Terms(const std::string& record, const std::string& kinds) {
    std::vector<std::string> terms;
    EXPECT_TRUE(
        store()
            .Read()
            .Scan(cases::kDeadlines, {}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored,
                                     store::Reader::Parse<cases::DeadlineRow>(view));
                    const cases::Deadline& one = stored.row.deadline();
                    if (one.record() == record && kinds.find(one.kind()) != std::string::npos) {
                      terms.push_back(
                          absl::StrCat(one.kind(), " ", cases::Deadline::State_Name(one.state()),
                                       " ", base::Date::FromProto(one.due_date())->ToString(),
                                       one.overdue() ? " late" : ""));
                    }
                    return true;
                  })
            .ok());
    return terms;
  }
  std::vector<std::string> Terms(const std::string& record) {
    return Terms(record, "proof_of_tranches proving_of_tranche payment_of_tranche");
  }
  std::string DueOf(const std::string& name) {
    const Application application = Now(name);
    return application.has_due_date() ? base::Date::FromProto(application.due_date())->ToString()
                                      : "-";
  }
  // "record kind" in the order of the list.
  std::vector<std::string> Overdue(const rpc::Caller& by, const std::string& filter = "") {
    v1::ListOverdueRequest request;
    request.set_filter(filter);
    const auto listed = Must<v1::ListOverdueResponse>("ListOverdue", by, request);
    std::vector<std::string> found;
    for (const auto& one : listed.deadlines()) {
      EXPECT_TRUE(one.overdue());
      EXPECT_FALSE(one.legal_basis().article().empty());
      found.push_back(absl::StrCat(one.record(), " ", one.kind()));
    }
    return found;
  }
};

TEST_F(TermsTest, ProofExaminationAndPaymentOfATrancheHaveTheirDays) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  // Commissioning is agreed on for 2027-12-31: all conditions are proven 30 days after.
  EXPECT_THAT(Terms(name), ElementsAre("proof_of_tranches OPEN 2028-01-30"));
  EXPECT_EQ(DueOf(name), "2028-01-30");
  ASSERT_TRUE(Proof(name, 1, Owner(1)).ok());
  EXPECT_EQ(DueOf(name), "2026-06-29") << "ten working days to examine it";
  GoTo(Day("2026-06-17"));
  ASSERT_TRUE(Prove(name, 1, checker_).ok());
  EXPECT_EQ(DueOf(name), "2026-07-01") << "ten working days to pay";
  GoTo(Day("2026-07-03"));
  ASSERT_TRUE(Pay(name, 1, payer_).ok());
  EXPECT_EQ(DueOf(name), "2028-01-30");
  EXPECT_THAT(Terms(name),
              ElementsAre("proof_of_tranches OPEN 2028-01-30", "proving_of_tranche DONE 2026-06-29",
                          "payment_of_tranche DONE 2026-07-01 late"));
  v1::ListDeadlinesRequest list;
  list.set_parent(name);
  const auto open = Must<v1::ListDeadlinesResponse>("ListDeadlines", Owner(1), list);
  const auto& last = open.deadlines(open.deadlines_size() - 1);
  EXPECT_TRUE(last.rests_on_assumption());
  const auto proof = std::find_if(open.deadlines().begin(), open.deadlines().end(),
                                  [](const auto& one) { return one.kind() == kProofDeadline; });
  ASSERT_NE(proof, open.deadlines().end());
  EXPECT_EQ(proof->bin(), Bin(1));
  EXPECT_EQ(proof->norm(), "grants.proof_days");
  EXPECT_EQ(proof->legal_basis().article(), "Art. 42(2)");
}

TEST_F(TermsTest, WhatWasOpenOnADayIsToldOfThatDay) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  ASSERT_TRUE(Proof(name, 1, Owner(1)).ok());
  GoTo(Day("2026-06-17"));
  ASSERT_TRUE(Prove(name, 1, checker_).ok());
  GoTo(Day("2026-06-20"));
  const auto open = [&](const char* day, const char* known = nullptr) {
    v1::ListDeadlinesRequest list;
    list.set_parent(name);
    if (day != nullptr) *list.mutable_as_of() = Day(day).ToProto();
    if (known != nullptr) {
      list.mutable_known_at()->set_seconds(absl::ToUnixSeconds(Day(known).StartOfDay()));
    }
    const auto told = Must<v1::ListDeadlinesResponse>("ListDeadlines", checker_, list);
    std::vector<std::string> kinds;
    for (const auto& one : told.deadlines()) kinds.push_back(one.kind());
    return kinds;
  };
  EXPECT_THAT(open(nullptr), ElementsAre("payment_of_tranche", "proof_of_tranches"));
  EXPECT_THAT(open("2026-06-17"), ElementsAre("payment_of_tranche", "proof_of_tranches"));
  EXPECT_THAT(open("2026-06-16"), ElementsAre("proving_of_tranche", "proof_of_tranches"));
  EXPECT_THAT(open("2026-06-17", "2026-06-16"),
              ElementsAre("proving_of_tranche", "proof_of_tranches"));
}

TEST_F(TermsTest, AProofThatIsSentBackIsOwedAgain) {
  const std::string name = At(Application::IN_EXECUTION, 1);
  PaidUp(name, 1, 2);
  ASSERT_TRUE(Proof(name, 3, Owner(1)).ok());
  EXPECT_THAT(Terms(name, "proof_of_tranches"), ElementsAre("proof_of_tranches DONE 2028-01-30"));
  auto back = NamingAgreement<v1::ProveTrancheRequest>(name);
  back.set_tranche(3);
  back.set_remark("Акт не подписан");
  ASSERT_TRUE(Do<Agreement>("ProveTranche", checker_, back).ok());
  EXPECT_THAT(Terms(name, "proof_of_tranches"), ElementsAre("proof_of_tranches DONE 2028-01-30",
                                                            "proof_of_tranches OPEN 2028-01-30"));
  PaidUp(name, 1, 3);
  EXPECT_THAT(Terms(name, "proof_of_tranches"), ElementsAre("proof_of_tranches DONE 2028-01-30",
                                                            "proof_of_tranches DONE 2028-01-30"));
  EXPECT_EQ(DueOf(name), "-");
}

// What the recipient has proven is its own by the agreement, and so is that its proof is judged:
// who is late takes neither from it. What the gate bars is paid by nobody, and ends.
TEST_F(TermsTest, TranchesThatEndAreOwedNoMore) {
  const std::string name = At(Application::IN_EXECUTION, 1);
  const auto end = [&] {
    return Do<Agreement>("EndTranches", authority_, NamingAgreement<v1::EndTranchesRequest>(name))
        .status();
  };
  ASSERT_TRUE(Proof(name, 2, Owner(1)).ok());
  EXPECT_EQ(ReasonOf(end()), "TRANCHE_STATE") << "filed";
  ASSERT_TRUE(Prove(name, 2, checker_).ok());
  EXPECT_EQ(ReasonOf(end()), "TRANCHE_STATE") << "proven";
  EXPECT_EQ(Now(name).state(), Application::IN_EXECUTION);
  v1::EnterUnreliableRecipientsRequest enter;
  auto* entry = enter.add_recipients();
  entry->set_recipient(Bin(1));
  entry->set_list(v1::UnreliableRecipient::BANKRUPT);
  entry->set_basis("Решение суда 5");
  *entry->mutable_listed_from() = today().ToProto();
  Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_, enter);
  ASSERT_TRUE(end().ok());
  EXPECT_THAT(Terms(name, "proof_of_tranches"),
              ElementsAre("proof_of_tranches CANCELLED 2028-01-30"));
  EXPECT_EQ(Terms(name).back(), "payment_of_tranche CANCELLED 2026-06-29");
  EXPECT_EQ(DueOf(name), "-");
}

// Whoever was on a list when it was to be paid, and is not any more, is paid: what the gate said
// then takes nothing from it.
TEST_F(TermsTest, WhatTheGateSaidOfOneThatHasLeftTheListsEndsNothing) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  Proven(name, 1, 1);
  v1::EnterUnreliableRecipientsRequest enter;
  auto* entry = enter.add_recipients();
  entry->set_recipient(Bin(1));
  entry->set_list(v1::UnreliableRecipient::BANKRUPT);
  entry->set_basis("Решение суда 5");
  *entry->mutable_listed_from() = today().ToProto();
  const auto entered =
      Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_, enter);
  EXPECT_EQ(ReasonOf(Pay(name, 1, payer_).status()), "GATE_FAILED");
  GoTo(today().AddDays(2));
  v1::EndUnreliableRecipientRequest end;
  end.set_name(entered.recipients(0).name());
  end.set_reason("Решение отменено судом");
  Must<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, end);
  EXPECT_EQ(ReasonOf(Do<Agreement>("EndTranches", authority_,
                                   NamingAgreement<v1::EndTranchesRequest>(name))
                         .status()),
            "TRANCHE_STATE");
  EXPECT_TRUE(Pay(name, 1, payer_).ok());
}

TEST_F(TermsTest, ADemandIsMadeInItsTermAndMeetsIt) {
  const std::string name = At(Application::MONITORING, 1), other = At(Application::MONITORING, 2);
  GoPastObligations(name);
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(Assess(other, "50", checker_).ok());
  const auto demanded = [&](const std::string& of) { return Terms(of, "grants.demand_days"); };
  ASSERT_EQ(demanded(name).size(), 1U);
  const std::string due = DueOf(name);
  EXPECT_THAT(demanded(name), ElementsAre(absl::StrCat("grants.demand_days OPEN ", due)));
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERY) << "the state stays";
  EXPECT_THAT(demanded(name), ElementsAre(absl::StrCat("grants.demand_days DONE ", due)));
  EXPECT_EQ(DueOf(name), "-");
  // Who is excused meets nothing.
  GoTo(Day(due).AddDays(1));
  ASSERT_TRUE(Excuse(other, authority_).ok());
  EXPECT_THAT(demanded(other),
              ElementsAre(absl::StrCat("grants.demand_days CANCELLED ", due, " late")));
}

// 50 MCI are 216,250 tenge: they and 600,000 of its own do not cover 1,000,000.
TEST_F(TermsTest, WhereOwnMoneyIsShortTheApplicantIsNamed) {
  ChangeNorms({{"grants.ceiling_mci,50000", "grants.ceiling_mci,50"}});
  const std::string name = At(Application::COMMISSION, 1);
  const std::string other = At(Application::COMMISSION, 2);
  const std::string due = DueOf(name);
  EXPECT_THAT(Terms(name, kContributionDeadline),
              ElementsAre(absl::StrCat("contribution OPEN ", due)));
  EXPECT_THAT(Overdue(Owner(1)), IsEmpty());
  GoTo(Day(due).AddDays(1));
  const std::string owed = absl::StrCat(name, " ", kContributionDeadline);
  EXPECT_THAT(Overdue(Owner(1)), ElementsAre(owed));
  EXPECT_THAT(Overdue(authority_, "kind = \"contribution\""),
              ElementsAre(owed, absl::StrCat(other, " ", kContributionDeadline)));
  ASSERT_TRUE(Raise(name, 783'749, Owner(1)).ok());
  EXPECT_THAT(Overdue(Owner(1)), ElementsAre(owed)) << "a tenge is missing";
  ASSERT_TRUE(Raise(name, 783'750, Owner(1)).ok());
  EXPECT_THAT(Overdue(Owner(1)), IsEmpty());
  EXPECT_THAT(Terms(name, kContributionDeadline),
              ElementsAre(absl::StrCat("contribution DONE ", due, " late")));
  // Who is voted against owes nothing any more.
  Voted(other, /*in_favour=*/false);
  ASSERT_TRUE(CloseIt(other, authority_).ok());
  EXPECT_EQ(Now(other).state(), Application::REFUSED);
  EXPECT_THAT(Terms(other, kContributionDeadline),
              ElementsAre(absl::StrCat("contribution CANCELLED ", due, " late")));
}

TEST_F(TermsTest, WhereOwnMoneyCoversTheRestNobodyIsWaitedFor) {
  EXPECT_THAT(Terms(At(Application::COMMISSION, 1), kContributionDeadline), IsEmpty());
}

TEST_F(TermsTest, WhatIsOverdueInAllCasesIsListedToWhomItConcerns) {
  const std::string checked = At(Application::SUBMITTED, 1);  // 5 working days: 2026-06-22
  const std::string proven = At(Application::AGREEMENT_SIGNED, 2);
  ASSERT_TRUE(Proof(proven, 1, Owner(2)).ok());                       // 10: 2026-06-29
  const std::string pending = At(Application::AGREEMENT_PENDING, 3);  // 15: 2026-07-07
  EXPECT_THAT(Overdue(authority_), IsEmpty());
  GoTo(Day("2026-06-22"));
  EXPECT_THAT(Overdue(authority_), IsEmpty()) << "its last day";
  GoTo(Day("2026-07-10"));
  const std::vector<std::string> all{absl::StrCat(checked, " grants.completeness_days"),
                                     absl::StrCat(proven, " ", kProvingDeadline),
                                     absl::StrCat(pending, " grants.agreement_days")};
  for (const rpc::Caller& by : {authority_, checker_, auditor_}) EXPECT_EQ(Overdue(by), all);
  EXPECT_THAT(Overdue(authority_, "kind = \"grants.agreement_days\""), ElementsAre(all[2]));
  // An applicant sees what it owes itself, not what officials do.
  EXPECT_THAT(Overdue(Owner(1)), IsEmpty());
  EXPECT_THAT(Overdue(Owner(2)), IsEmpty());
  EXPECT_THAT(Overdue(Owner(3)), ElementsAre(all[2]));
  EXPECT_THAT(Overdue(CallerOf("nobody's", {rpc::v1::ENTITY})), IsEmpty());
  EXPECT_EQ(ReasonOf(Do<v1::ListOverdueResponse>("ListOverdue", ExpertOf("expert-1"),
                                                 v1::ListOverdueRequest())
                         .status()),
            "ACCESS_DENIED");
  // Pages go on, and what is done is not overdue any more; how it stood before stays readable.
  v1::ListOverdueRequest page;
  page.set_page_size(2);
  const auto first = Must<v1::ListOverdueResponse>("ListOverdue", authority_, page);
  page.set_page_token(first.next_page_token());
  const auto second = Must<v1::ListOverdueResponse>("ListOverdue", authority_, page);
  EXPECT_EQ(first.deadlines_size() + second.deadlines_size(), 3);
  GoTo(Day("2026-07-11"));
  ASSERT_TRUE(Check(checked, true, checker_).ok());
  EXPECT_EQ(Overdue(authority_).size(), 2U);
  v1::ListOverdueRequest before;
  *before.mutable_as_of() = Day("2026-07-10").ToProto();
  EXPECT_EQ(Must<v1::ListOverdueResponse>("ListOverdue", auditor_, before).deadlines_size(), 3);
}

}  // namespace
}  // namespace nisi::grants
