// Amendments of an agreement: what both sign again, and what stays.
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::ReasonOf;
using Amendment = Agreement::Amendment;

class AmendmentsTest : public GrantsTest {
 protected:
  void SetUp() override {
    GrantsTest::SetUp();
    OpenProgramme(3'000'000);
  }
  std::string Until(const std::string& name) {
    return base::Date::FromProto(AgreementNow(name).obligations_until())->ToString();
  }
  // The last day of an open deadline of that kind.
  std::string DueOf(const std::string& record, const std::string& kind) {
    const auto open = cases::OpenDeadlines(store().Read(), record);
    for (const cases::Deadline& one : *open) {
      if (one.kind() == kind) return base::Date::FromProto(one.due_date())->ToString();
    }
    return "-";
  }
  Application Filed(int n, int64_t tenge) override {
    Application application = MakeApplication(n, tenge);
    *application.mutable_obligations(0)->mutable_due_date() = obligation_due_.ToProto();
    return application;
  }
  static rpc::Caller Minister() { return CallerOf("minister", {rpc::v1::AUTHORITY_INDUSTRY}); }

  base::Date obligation_due_ = Day("2030-12-31");
};

TEST_F(AmendmentsTest, BothSignAndWhatRestsOnTheDayMovesWithIt) {
  const std::string name = At(Application::IN_EXECUTION, 1);
  const std::string agreement = Sibling("agreements", name);
  const Agreement before = AgreementNow(name);
  EXPECT_EQ(Until(name), "2030-12-31");
  EXPECT_TRUE(before.terms_rest_on_assumption()) << "by the shares and years of its norms";
  const std::string judged_by = DueOf(agreement, kAssessmentDeadline);
  ASSERT_TRUE(Propose(name, Day("2028-06-30"), 2, writer_).ok());
  EXPECT_EQ(Until(name), "2030-12-31") << "nothing is in force yet";
  EXPECT_EQ(ReasonOf(SignAmended(name, Owner(2)).status()), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(Sign(name, Owner(1)).status()), "APPLICATION_STATE");
  // Whoever saw another version is told that first; a stranger is told nothing of it.
  auto stale = NamingAgreement<v1::SignAgreementRequest>(name);
  stale.set_text_sha256(TextHash());
  stale.set_etag("\"0-0\"");
  EXPECT_EQ(ReasonOf(Do<Agreement>("SignAgreement", Owner(1), stale).status()), "VERSION_MISMATCH");
  EXPECT_EQ(ReasonOf(Do<Agreement>("SignAgreement", Owner(2), stale).status()), "ACCESS_DENIED");
  ASSERT_TRUE(SignAmended(name, Owner(1)).ok());
  EXPECT_EQ(ReasonOf(SignAmended(name, Owner(1)).status()), "SIGNED_ALREADY");
  EXPECT_EQ(Until(name), "2030-12-31") << "one signature changes nothing";
  GoTo(Day("2026-07-01"));
  ASSERT_TRUE(SignAmended(name, Minister()).ok());

  const Agreement after = AgreementNow(name);
  EXPECT_EQ(Until(name), "2031-06-30");
  EXPECT_EQ(*base::Date::FromProto(after.commissioning_date()), Day("2028-06-30"));
  EXPECT_EQ(after.tranches(1).condition(), "Станок на таможне");
  EXPECT_EQ(DueOf(name, kProofDeadline), "2028-07-30");
  EXPECT_NE(DueOf(agreement, kAssessmentDeadline), judged_by);
  // What was agreed and when it changed stay readable.
  ASSERT_EQ(after.amendments_size(), 1);
  EXPECT_TRUE(after.amendments(0).rests_on_assumption());
  EXPECT_TRUE(after.terms_rest_on_assumption());
  const Amendment& amendment = after.amendments(0);
  EXPECT_EQ(amendment.state(), Amendment::IN_FORCE);
  EXPECT_EQ(*base::Date::FromProto(amendment.commissioning_before()), Day("2027-12-31"));
  EXPECT_EQ(amendment.conditions_before(0).condition(), "Станок поставлен");
  EXPECT_EQ(*base::Date::FromProto(amendment.effective_from()), Day("2026-07-01"));
  EXPECT_EQ(amendment.signatures_size(), 2);
  v1::GetAgreementRequest get;
  get.set_name(agreement);
  *get.mutable_as_of() = Day("2026-06-30").ToProto();
  EXPECT_EQ(Must<Agreement>("GetAgreement", auditor_, get).tranches(1).condition(),
            "Станок поставлен");
  // The grant is what was decided on.
  EXPECT_EQ(after.sum().units(), before.sum().units());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(after.tranches(i).amount().units(), before.tranches(i).amount().units());
  }
  EXPECT_EQ(after.obligations(0).SerializeAsString(), before.obligations(0).SerializeAsString());
  PaidUp(name, 1, 2);
  PaidUp(name, 1, 3);
  GoTo(Day("2031-01-10"));
  EXPECT_EQ(ReasonOf(Assess(name, "50", checker_).status()), "OBLIGATIONS_RUNNING");
  GoTo(Day("2031-07-01"));
  EXPECT_TRUE(Assess(name, "50", checker_).ok());
  ExpectSound();
}

TEST_F(AmendmentsTest, ANewProposalTakesThePlaceOfOneThatIsNotSigned) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  ASSERT_TRUE(Propose(name, Day("2028-06-30"), 0, writer_).ok());
  ASSERT_TRUE(SignAmended(name, Owner(1)).ok());
  ASSERT_TRUE(Propose(name, Day("2028-03-31"), 0, writer_).ok());
  EXPECT_EQ(AgreementNow(name).amendments(0).state(), Amendment::REPLACED);
  ASSERT_TRUE(SignAmended(name, Minister()).ok());
  EXPECT_EQ(Until(name), "2030-12-31") << "the recipient has signed another text";
  ASSERT_TRUE(SignAmended(name, Owner(1)).ok());
  EXPECT_EQ(Until(name), "2031-03-31");
  EXPECT_EQ(ReasonOf(SignAmended(name, Owner(1)).status()), "AMENDMENT_MISSING");
}

TEST_F(AmendmentsTest, WhatCannotBeIsRefused) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  EXPECT_EQ(ReasonOf(Propose(name, std::nullopt, 0, writer_).status()), "AMENDMENT_EMPTY");
  EXPECT_EQ(ReasonOf(Propose(name, Day("2027-12-31"), 0, writer_).status()), "AMENDMENT_EMPTY")
      << "as it is";
  EXPECT_EQ(ReasonOf(Propose(name, today().AddDays(-1), 0, writer_).status()),
            "AMENDMENT_DATES_INVALID");
  EXPECT_EQ(ReasonOf(Propose(name, Day("2027-12-30"), 0, writer_).status()),
            "AMENDMENT_DATES_INVALID")
      << "an obligation is due on the last day of now";
  EXPECT_EQ(ReasonOf(Propose(name, std::nullopt, 1, Owner(1)).status()), "ACCESS_DENIED");
  auto twice = NamingAgreement<v1::ProposeAmendmentRequest>(name);
  for (int i = 0; i < 2; ++i) {
    twice.add_conditions()->set_tranche(1);
    twice.mutable_conditions(i)->set_condition("Иное");
  }
  twice.set_text_sha256(AmendedHash());
  EXPECT_EQ(ReasonOf(Do<Agreement>("ProposeAmendment", writer_, twice).status()), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(SignAmended(name, Owner(1)).status()), "AMENDMENT_MISSING");
  ASSERT_TRUE(Propose(name, std::nullopt, 1, writer_).ok());
  auto other = NamingAgreement<v1::SignAmendmentRequest>(name);
  other.set_text_sha256(TextHash());
  EXPECT_EQ(ReasonOf(Do<Agreement>("SignAmendment", Owner(1), other).status()), "TEXT_DIFFERS");
  ASSERT_TRUE(SignAmended(name, Owner(1)).ok());
  // Meanwhile its proof is filed: it is examined by what was agreed.
  ASSERT_TRUE(Proof(name, 1, Owner(1)).ok());
  EXPECT_EQ(ReasonOf(SignAmended(name, Minister()).status()), "TRANCHE_STATE");
  EXPECT_EQ(ReasonOf(Propose(name, std::nullopt, 1, writer_).status()), "TRANCHE_STATE");
  EXPECT_EQ(AgreementNow(name).tranches(0).condition(), "Взнос внесён");
}

// What is to be measured after commissioning cannot come to be due before anything runs.
TEST_F(AmendmentsTest, CommissioningStaysBeforeWhatIsDueAfterIt) {
  obligation_due_ = Day("2028-12-31");
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  EXPECT_EQ(ReasonOf(Propose(name, Day("2028-12-31"), 0, writer_).status()),
            "AMENDMENT_DATES_INVALID");
  EXPECT_EQ(ReasonOf(Propose(name, Day("2029-06-30"), 0, writer_).status()),
            "AMENDMENT_DATES_INVALID");
  EXPECT_TRUE(Propose(name, Day("2028-12-30"), 0, writer_).ok());
  // One that was agreed on for a day before it is in nobody's way.
  obligation_due_ = Day("2027-06-30");
  const std::string early = At(Application::AGREEMENT_SIGNED, 2);
  EXPECT_TRUE(Propose(early, Day("2028-12-31"), 0, writer_).ok());
}

TEST_F(AmendmentsTest, WhatIsOverIsJudgedAsItIs) {
  const std::string name = At(Application::MONITORING, 1);
  ASSERT_TRUE(Propose(name, Day("2028-06-30"), 0, writer_).ok());
  ASSERT_TRUE(SignAmended(name, Owner(1)).ok());
  GoPastObligations(name);
  EXPECT_EQ(ReasonOf(SignAmended(name, Minister()).status()), "AGREEMENT_OVER");
  EXPECT_EQ(ReasonOf(Propose(name, today().AddDays(30), 0, writer_).status()), "AGREEMENT_OVER");
  EXPECT_TRUE(Assess(name, "100", checker_).ok());
}

}  // namespace
}  // namespace nisi::grants
