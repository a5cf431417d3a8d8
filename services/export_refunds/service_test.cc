// The life of claims over the real service with a clock that is moved by hand.
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/cases/deadlines.h"
#include "common/cases/obligations.h"
#include "common/norms/term.h"
#include "services/export_refunds/rules_obligations.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using base::ReasonOf;
using State = v1::Claim;

class ClaimTest : public RefundsTest {
 protected:
  v1::Calculation Calculated(const std::string& claim, const rpc::Caller& caller) {
    v1::CalculateClaimRequest request;
    request.set_name(claim);
    return Must<v1::Calculation>("CalculateClaim", caller, request);
  }
};

TEST_F(ClaimTest, FromListToPaymentAndClosing) {
  ListInForce();
  Allocate(10'000'000);
  const std::string claim = Drafted(1);
  v1::Expense delivery = MakeExpense(v1::DELIVERY, "2000.50");
  delivery.set_currency("EUR");
  delivery.set_exchange_rate("480.25");
  delivery.set_logistics(true);
  ASSERT_TRUE(Add(claim, 1, {delivery, MakeExpense(), MakeExpense(v1::ICT_EXHIBITION)}).ok());
  const v1::Calculation dry = Calculated(claim, Entity(1));
  EXPECT_EQ(dry.lines_size(), 3);
  // 2000.50 EUR x 480.25 = 960,740.125, by HIGH 80 % and 1.05; twice a million by SMALL 60 %.
  EXPECT_EQ(Money::FromProto(dry.lines(0).line().net())->ToString(), "960740.13");
  EXPECT_EQ(Money::FromProto(dry.lines(0).line().amount())->ToString(), "807021.71");
  EXPECT_EQ(dry.amount().units(), 2'007'021);
  EXPECT_EQ(Now(claim).state(), State::DRAFT);
  const auto done = Sign(claim, Entity(1));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->number(), 1);
  EXPECT_EQ(done->parts_size(), 3) << "delivery has a digital part";
  EXPECT_EQ(done->calculated().units(), 2'007'021);
  EXPECT_EQ(ReasonOf(Add(claim, 1, {MakeExpense()}).status()), "CLAIM_FROZEN");
  ExpectReplays(claim, 1);
  ExpectReplays(claim, 1, 1);
  // Not checked is not passed.
  EXPECT_EQ(ReasonOf(Start(claim).status()), "GATE_NOT_CHECKED");
  Notice(claim, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(Start(claim).ok());
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).status()),
            "PARTS_PENDING");
  // One part has remarks: back to the claimant.
  ASSERT_TRUE(DecideOn(claim, v1::FINANCE, v1::PartReview::ACCEPTED, examiner_).ok());
  ASSERT_TRUE(
      DecideOn(claim, v1::LEGAL, v1::PartReview::REMARKS, examiner_, "expenses/2.amount").ok());
  EXPECT_EQ(ReasonOf(Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_).status()),
            "PARTS_PENDING");
  ASSERT_TRUE(DecideOn(claim, v1::DIGITAL, v1::PartReview::ACCEPTED, examiner_).ok());
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).status()),
            "PART_HAS_REMARKS");
  ASSERT_TRUE(Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_).ok());
  EXPECT_EQ(Now(claim).state(), State::FIXING);
  EXPECT_TRUE(Now(claim).has_due_date());
  v1::UpdateExpenseRequest mend;
  mend.mutable_expense()->set_name(claim + "/expenses/2");
  mend.mutable_expense()->set_amount("900000");
  mend.mutable_update_mask()->add_paths("amount");
  ASSERT_TRUE(Do<v1::Expense>("UpdateExpense", Entity(1), mend).ok());
  // What no remark is about stays as it was signed.
  v1::UpdateExpenseRequest other = mend;
  other.mutable_expense()->set_name(claim + "/expenses/1");
  EXPECT_EQ(ReasonOf(Do<v1::Expense>("UpdateExpense", Entity(1), other).status()), "NOT_REMARKED");
  v1::DeleteExpenseRequest take;
  take.set_name(claim + "/expenses/3");
  EXPECT_EQ(ReasonOf(Do<v1::DeleteExpenseResponse>("DeleteExpense", Entity(1), take).status()),
            "NOT_REMARKED");
  EXPECT_EQ(ReasonOf(Add(claim, 1, {MakeExpense()}).status()), "NOT_REMARKED");
  v1::UpdateClaimRequest grow;
  grow.mutable_claim()->set_name(claim);
  *grow.mutable_claim()->mutable_taxes_paid() = Tenge(2'000'000'000);
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("UpdateClaim", Entity(1), grow).status()), "NOT_REMARKED");
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {7})).status()),
            "REMARK_UNKNOWN");
  const auto answered = Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1}));
  ASSERT_TRUE(answered.ok()) << answered.status();
  EXPECT_EQ(answered->state(), State::REVIEW);
  EXPECT_EQ(answered->calculated().units(), 1'947'021);
  for (const auto& part : answered->parts()) {
    EXPECT_EQ(part.verdict(), v1::PartReview::PENDING) << "what was mended is looked at again";
  }
  AcceptParts(claim);
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, examiner_).status()),
            "SEPARATION_OF_DUTIES");
  EXPECT_EQ(ReasonOf(Step<v1::RejectClaimRequest>("RejectClaim", claim, decider_).status()),
            "GROUND_MISSING");
  ASSERT_TRUE(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).ok());
  EXPECT_TRUE(Now(claim).funded());
  EXPECT_EQ(Stands(), "8052979 1947021 0 0");
  EXPECT_EQ(QueueText(institute_), "1:1:ACCEPTED:funded ");
  EXPECT_EQ(ReasonOf(Step<v1::RunGateRequest>("RunGate", claim, institute_).status()),
            "GATE_NOT_CHECKED");
  ASSERT_TRUE(Gate2(claim).ok());
  const auto first = SignAgreementBy(claim, Entity(1));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->state(), State::GATE_2);
  EXPECT_EQ(ReasonOf(SignAgreementBy(claim, Entity(1)).status()), "SIGNED_ALREADY");
  EXPECT_EQ(ReasonOf(SignAgreementBy(claim, institute_, "Д-2").status()), "AGREEMENT_DIFFERS");
  ASSERT_TRUE(SignAgreementBy(claim, institute_).ok());
  EXPECT_EQ(Stands(), "8052979 0 1947021 0");
  EXPECT_EQ(Now(claim).obligations_size(), 3);
  const auto paid = PayIt(claim);
  ASSERT_TRUE(paid.ok()) << paid.status();
  EXPECT_EQ(paid->state(), State::PAID);
  EXPECT_EQ(Stands(), "8052979 0 0 1947021");
  EXPECT_EQ(QueueText(institute_), "");
  GoTo(today().AddDays(1));
  EXPECT_EQ(Now(claim).state(), State::MONITORING);
  // Three years of reports: the plan is reached, and more.
  EXPECT_EQ(ReasonOf(Report(claim, Entity(1), 2024, "200").status()), "REPORT_YEAR_INVALID");
  const std::string reached[] = {"200", "300.5", "900"};
  for (int year = 2024; year <= 2026; ++year) {
    GoTo(*base::Date::Of(year + 1, 2, 1));
    const auto report = Report(claim, Entity(1), year, reached[year - 2024]);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_FALSE(report->late());
    if (year < 2026) {
      EXPECT_EQ(
          ReasonOf(
              Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).status()),
          "OBLIGATIONS_NOT_DUE");
    }
  }
  EXPECT_EQ(ReasonOf(Report(claim, Entity(1), 2023, "1").status()), "REPORT_YEAR_INVALID");
  ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  EXPECT_EQ(Now(claim).state(), State::CLOSED);
  EXPECT_EQ(Now(claim).achievement().percent(), "100.00");
  ExpectReplays(claim, 6);
  ExpectSound();
}

// Its accounts, deadlines, notices and indexes are held against each other between the steps.
TEST_F(ClaimTest, TheStoreIsScrubbedWhileItServes) {
  scrub_interval_ = absl::Milliseconds(1);
  Reopen();
  ListInForce();
  Allocate(5'000'000);
  for (int n = 1; store().last_scrub().runs < 3 || n <= 3; ++n) {
    ASSERT_TRUE(store().failure().ok()) << store().failure();
    if (n <= 3) Monitored(n, {MakeExpense(), MakeExpense(v1::DELIVERY)});
  }
  EXPECT_EQ(store().last_scrub().findings, 0);
  EXPECT_THAT(metrics_->Text(), ::testing::HasSubstr("nisi_store_scrub_runs_total"));
  EXPECT_THAT(metrics_->Text(),
              ::testing::HasSubstr("nisi_store_scrub_last_end_timestamp_seconds"));
}

// Whoever takes it away is seen before the store is opened without it.
TEST_F(ClaimTest, AWitnessThatIsGoneIsSeen) {
  ListInForce();
  const auto lag = [this](const std::string& is) {
    return ::testing::Value(metrics_->Text(),
                            ::testing::HasSubstr(absl::StrCat(
                                "nisi_store_witness_lag{process=\"export-refunds\"} ", is, "\n")));
  };
  const std::string witness = dir_ / "export-refunds.witness";
  EXPECT_TRUE(lag("0"));
  std::filesystem::rename(witness, witness + ".away");
  EXPECT_TRUE(lag(absl::StrCat(store().position())));
  std::filesystem::rename(witness + ".away", witness);
  EXPECT_TRUE(lag("0"));
}

TEST_F(ClaimTest, ADuplicateInvoiceCountsOnceAndNamesNobody) {
  ListInForce();
  Allocate(10'000'000);
  v1::Expense expense = MakeExpense();
  const std::string first = Signed(1, {expense});
  // Another company, typed otherwise; also twice in one claim.
  expense.set_invoice_issuer("MESSE gmbh,HRB 1234");
  expense.set_invoice_number(absl::AsciiStrToLower(expense.invoice_number()));
  const std::string second = Drafted(2);
  const auto added = Add(second, 2, {expense, MakeExpense()});
  ASSERT_TRUE(added.ok()) << added.status();
  // Nobody learns for the asking what stands in claims of others; the institute does.
  EXPECT_EQ(added->notes_size(), 0);
  const v1::Calculation dry = Calculated(second, Entity(2));
  EXPECT_EQ(dry.amount().units(), 1'200'000);
  EXPECT_EQ(Calculated(second, institute_).amount().units(), 600'000);
  ASSERT_TRUE(Sign(second, Entity(2)).ok());
  EXPECT_EQ(Now(second).calculated().units(), 600'000);
  const v1::Expense twin = ExpenseNow(second, 1);
  EXPECT_TRUE(twin.line().amount().units() == 0);
  // The ground, not the other party.
  for (const std::string& hidden : {Bin(1), first}) {
    EXPECT_THAT(twin.SerializeAsString(), ::testing::Not(::testing::HasSubstr(hidden)));
    EXPECT_THAT(dry.SerializeAsString(), ::testing::Not(::testing::HasSubstr(hidden)));
  }
  EXPECT_FALSE(Stored(kExpenses, store::Key::Of(second, 1)).holds_invoice());
  // What comes to nothing cannot be accepted, and can be rejected.
  expense.set_invoice_issuer("Messe GmbH, HRB 1234");
  const std::string third = InReview(3, {expense});
  AcceptParts(third);
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", third, decider_).status()),
            "NOTHING_TO_PAY");
  ASSERT_TRUE(Step<v1::RejectClaimRequest>("RejectClaim", third, decider_).ok());
  // When its claim is rejected it is free.
  ExpectReplays(second, 1, 1);
  Notice(first, gate::v1::BEFORE_CONSIDERATION, gate::v1::Notice::FAILED);
  ASSERT_TRUE(Start(first).ok());
  EXPECT_EQ(Now(first).state(), State::REJECTED);
  const std::string fourth = Signed(4, {expense});
  EXPECT_EQ(Now(fourth).calculated().units(), 600'000);
  // The finding of the second stays as it was found.
  ExpectReplays(second, 1, 1);
  ExpectSound();
}

// Another spelling that is certainly the same is refused; what is only like it counts, and is
// shown to whoever examines the claim, and to nobody else.
TEST_F(ClaimTest, AnInvoiceThatIsAlikeIsComparedByAnOfficial) {
  ListInForce();
  Allocate(10'000'000);
  v1::Expense expense = MakeExpense();
  expense.set_invoice_issuer("Messe GmbH");
  expense.set_issuer_country("DE");
  expense.set_issuer_number("DE 123456789");
  const std::string first = Signed(1, {expense});
  // The number tells the issuer, whatever it is called.
  expense.set_invoice_issuer("Мессе Берлин");
  expense.set_issuer_number("123456789");
  EXPECT_EQ(Now(Signed(2, {expense})).calculated().units(), 0);
  // Without one it may be another.
  expense.clear_issuer_country();
  expense.clear_issuer_number();
  expense.set_invoice_issuer("Messe Berlin");
  const std::string third = InReview(3, {expense, MakeExpense()});
  EXPECT_EQ(Now(third).calculated().units(), 1'200'000);
  EXPECT_THAT(Now(third).SerializeAsString() + ExpenseNow(third, 1).SerializeAsString(),
              ::testing::Not(::testing::HasSubstr(first)));
  v1::ListAlikeInvoicesRequest list;
  list.set_parent(third);
  const auto alike = Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", institute_, list);
  ASSERT_EQ(alike.invoices_size(), 1);
  EXPECT_EQ(alike.invoices(0).expense(), absl::StrCat(third, "/expenses/1"));
  EXPECT_THAT(alike.invoices(0).alike(),
              ::testing::ElementsAre(absl::StrCat(first, "/expenses/1")));
  EXPECT_EQ(
      ReasonOf(Do<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", Entity(3), list).status()),
      "ACCESS_DENIED");
  auto accept = Of<v1::DecidePartRequest>(third);
  accept.set_part(v1::FINANCE);
  accept.set_verdict(v1::PartReview::ACCEPTED);
  accept.clear_reason();
  const auto refused = Do<v1::Claim>("DecidePart", examiner_, accept).status();
  EXPECT_EQ(ReasonOf(refused), "INVOICES_ALIKE");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("expenses"), "1");
  accept.set_invoices_compared(true);
  EXPECT_TRUE(Do<v1::Claim>("DecidePart", examiner_, accept).ok());
  EXPECT_TRUE(DecideOn(third, v1::LEGAL, v1::PartReview::REJECTED, examiner_).ok());
  // The earlier one is compared with nothing but what holds its invoice then: likewise.
  list.set_parent(first);
  EXPECT_EQ(
      Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", auditor_, list).invoices_size(), 1);
  const base::Date then = today();
  GoTo(then.AddDays(1));
  ASSERT_TRUE(Step<v1::RejectClaimRequest>("RejectClaim", third, decider_).ok());
  const auto listed = [&] {
    return Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", auditor_, list).invoices_size();
  };
  EXPECT_EQ(listed(), 0) << "it has its invoice no more";
  // It had it the day before, and that is what was known until then.
  *list.mutable_as_of() = then.ToProto();
  EXPECT_EQ(listed(), 1);
  list.clear_as_of();
  list.mutable_known_at()->set_seconds(absl::ToUnixSeconds(today().StartOfDay()) - 1);
  EXPECT_EQ(listed(), 1);
  *list.mutable_as_of() = then.AddDays(-30).ToProto();
  EXPECT_EQ(
      ReasonOf(Do<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", auditor_, list).status()),
      "NOT_FOUND")
      << "before the claim";
  ExpectSound();
}

// An invoice that becomes free after the finance part was accepted makes a line count that nobody
// has compared with those that are alike.
TEST_F(ClaimTest, AFreedInvoiceIsComparedBeforeItCounts) {
  ListInForce();
  Allocate(10'000'000);
  v1::Expense expense = MakeExpense();
  expense.set_invoice_issuer("Messe GmbH");
  expense.set_issuer_country("DE");
  expense.set_issuer_number("123456789");
  const std::string holder = Signed(1, {expense});
  const std::string loser = InReview(2, {expense, MakeExpense()});
  EXPECT_EQ(Now(loser).calculated().units(), 600'000);
  // Of another number, so another issuer, with one that is alike in all else.
  expense.set_issuer_number("987654321");
  const std::string alike = Signed(3, {expense});
  AcceptParts(loser);
  v1::ListAlikeInvoicesRequest list;
  list.set_parent(loser);
  const auto listed = [&] {
    return Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", examiner_, list);
  };
  EXPECT_EQ(listed().invoices_size(), 0);
  Notice(holder, gate::v1::BEFORE_CONSIDERATION, gate::v1::Notice::FAILED);
  ASSERT_TRUE(Start(holder).ok());
  ASSERT_EQ(Now(holder).state(), State::REJECTED);
  const int64_t before = position();
  const absl::Status refused =
      Step<v1::AcceptClaimRequest>("AcceptClaim", loser, decider_).status();
  EXPECT_EQ(ReasonOf(refused), "INVOICES_ALIKE");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::InfoOf(refused).metadata().at("expenses"), "1");
  EXPECT_EQ(position(), before);
  ASSERT_EQ(listed().invoices_size(), 1);
  EXPECT_THAT(listed().invoices(0).alike(),
              ::testing::ElementsAre(absl::StrCat(alike, "/expenses/1")));
  // The finance part looks again.
  auto accept = Of<v1::DecidePartRequest>(loser);
  accept.set_part(v1::FINANCE);
  accept.set_verdict(v1::PartReview::ACCEPTED);
  accept.clear_reason();
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("DecidePart", examiner_, accept).status()), "INVOICES_ALIKE");
  EXPECT_EQ(Now(loser).calculated().units(), 600'000);
  accept.set_invoices_compared(true);
  ASSERT_TRUE(Do<v1::Claim>("DecidePart", examiner_, accept).ok());
  EXPECT_EQ(Now(loser).calculated().units(), 1'200'000);
  const auto done = Step<v1::AcceptClaimRequest>("AcceptClaim", loser, decider_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->amount().units(), 1'200'000);
  ExpectReplays(loser, 3);
  ExpectReplays(loser, 1, 1);
  ExpectSound();
}

// One that nothing is like counts by itself when the claim is accepted.
TEST_F(ClaimTest, AFreedInvoiceThatIsLikeNoneCounts) {
  ListInForce();
  Allocate(10'000'000);
  const v1::Expense expense = MakeExpense();
  const std::string holder = Signed(1, {expense});
  const std::string loser = InReview(2, {expense, MakeExpense()});
  AcceptParts(loser);
  Notice(holder, gate::v1::BEFORE_CONSIDERATION, gate::v1::Notice::FAILED);
  ASSERT_TRUE(Start(holder).ok());
  const auto done = Step<v1::AcceptClaimRequest>("AcceptClaim", loser, decider_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->amount().units(), 1'200'000);
}

TEST_F(ClaimTest, TwoExpensesOfOneClaimWithOneInvoice) {
  ListInForce();
  const v1::Expense expense = MakeExpense();
  const std::string claim = Drafted(1);
  const auto added = Add(claim, 1, {expense, expense});
  ASSERT_TRUE(added.ok());
  EXPECT_EQ(added->notes_size(), 1);
  EXPECT_EQ(Calculated(claim, Entity(1)).amount().units(), 600'000);
  ASSERT_TRUE(Sign(claim, Entity(1)).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 600'000);
}

TEST_F(ClaimTest, TheListOfTheDayOfSigningDecides) {
  ListInForce();
  // Another edition from the 20th on: transformers are LOW now, and exhibitions of 8419 do not
  // count.
  const std::string next = DraftList({Good("8504", v1::LOW)});
  ASSERT_TRUE(SubmitIt(next, trade_).ok());
  ASSERT_TRUE(ApproveIt(next, Day("2024-06-20"), approver_).ok());
  v1::Expense other = MakeExpense();
  other.set_goods_code("841990");
  const auto expenses = [&] {
    other.set_invoice_number(absl::StrCat(other.invoice_number(), "-"));
    return std::vector<v1::Expense>{MakeExpense(v1::DELIVERY), other};
  };
  const std::string before = Signed(1, expenses());
  GoTo(Day("2024-06-19"));
  const std::string fixed = Fixing(3, {MakeExpense(v1::DELIVERY)});
  EXPECT_EQ(Now(before).calculated().units(), 800'000 + 600'000);
  GoTo(Day("2024-06-20"));
  const std::string after = Signed(2, expenses());
  EXPECT_EQ(Now(after).calculated().units(), 300'000);
  // By the two times of the list.
  v1::CheckCodesRequest check;
  check.add_goods_codes("850423");
  check.add_okeds("62.01.1");
  auto answer = Must<v1::CheckCodesResponse>("CheckCodes", public_, check);
  EXPECT_EQ(answer.results(0).processing_level(), v1::LOW);
  EXPECT_EQ(answer.results(1).verdict(), v1::CheckCodesResponse::NOT_LISTED);
  *check.mutable_on_date() = Day("2024-06-19").ToProto();
  answer = Must<v1::CheckCodesResponse>("CheckCodes", public_, check);
  EXPECT_EQ(answer.results(0).processing_level(), v1::HIGH);
  EXPECT_EQ(answer.results(1).entry(), "lists/1/entries/62-01");
  *check.mutable_on_date() = Day("2024-06-09").ToProto();
  EXPECT_EQ(Must<v1::CheckCodesResponse>("CheckCodes", public_, check).edition(), "");
  // What is being fixed is judged by the day of its signing, though the list has changed since.
  v1::UpdateExpenseRequest mend;
  mend.mutable_expense()->set_name(ExpenseName(fixed, 1));
  mend.mutable_expense()->set_amount("2000000");
  mend.mutable_update_mask()->add_paths("amount");
  ASSERT_TRUE(Do<v1::Expense>("UpdateExpense", Entity(3), mend).ok());
  EXPECT_EQ(Calculated(fixed, Entity(3)).amount().units(), 1'600'000);
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(3), Answers(fixed, {1})).ok());
  EXPECT_EQ(Now(fixed).calculated().units(), 1'600'000);
}

TEST_F(ClaimTest, FactsOfOthersAtTheirDays) {
  ListInForce();
  const v1::Expense expense = MakeExpense();
  sources_->foreign.insert({Bin(1), Day("2024-05-11")});  // the day it was paid
  sources_->SetSize(Bin(1), "LARGE");
  sources_->SetSize(Bin(2), "MICRO");
  sources_->SetSize(Bin(3), kNotTold);
  EXPECT_EQ(Now(Signed(1, {expense})).calculated().units(), 0);
  v1::Expense later = MakeExpense();
  *later.mutable_payment_date() = Day("2024-05-12").ToProto();
  EXPECT_EQ(Now(Signed(1, {later})).calculated().units(), 300'000);
  const std::string micro = Signed(2, {MakeExpense()});
  EXPECT_EQ(Now(micro).calculated().units(), 600'000) << "micro is small";
  EXPECT_EQ(ExpenseNow(micro, 1).line().rate_by(), "MICRO") << "the fact is as it was told";
  sources_->activities[Bin(4)] = "SERVICES";
  EXPECT_EQ(Now(Signed(4, {MakeExpense(), MakeExpense(v1::ICT_EXHIBITION)})).calculated().units(),
            600'000)
      << "who supplies services makes no goods";
  const std::string unknown = Signed(3, {MakeExpense(), MakeExpense(v1::DELIVERY)});
  EXPECT_EQ(Now(unknown).calculated().units(), 800'000) << "only delivery does not ask for it";
  // A distributor's goods are judged by their producer.
  sources_->foreign.insert({Bin(9), Day("2024-05-11")});
  v1::Expense sold = MakeExpense();
  sold.set_claimant_kind(v1::DISTRIBUTOR);
  sold.set_producer(Bin(9));
  EXPECT_EQ(Now(Signed(2, {sold})).calculated().units(), 0);
}

// The size is a fact of the period, as the status is: each line by that of its own day of payment,
// with one question for all of them.
TEST_F(ClaimTest, EachLineGoesByTheSizeOfItsDayOfPayment) {
  ListInForce();
  Allocate(10'000'000);
  sources_->sizes[Bin(1)] = {{Day("2024-01-01"), "LARGE"},
                             {Day("2024-04-01"), "MEDIUM"},
                             {Day("2024-06-01"), "MICRO"}};  // and so on the day of signing
  const auto paid = [&](const char* day, v1::CostKind kind = v1::EXHIBITION) {
    v1::Expense expense = MakeExpense(kind);
    *expense.mutable_payment_date() = Day(day).ToProto();
    return expense;
  };
  v1::Expense sold = paid("2024-06-01");  // the size is the claimant's, the status its producer's
  sold.set_claimant_kind(v1::DISTRIBUTOR);
  sold.set_producer(Bin(9));
  sources_->SetSize(Bin(9), "LARGE");
  const std::string claim = Drafted(1);
  ASSERT_TRUE(Add(claim, 1,
                  {paid("2024-03-31"), paid("2024-04-01"), sold, paid("2023-12-31"),
                   paid("2023-12-31", v1::DELIVERY)})
                  .ok());
  const int asked = sources_->questions;
  const v1::Calculation dry = Calculated(claim, Entity(1));
  EXPECT_EQ(sources_->questions, asked + 1);
  ASSERT_TRUE(Sign(claim, Entity(1)).ok());
  EXPECT_EQ(sources_->questions, asked + 2);
  struct Expected {
    std::string by, day;
    int64_t amount;
    std::string unsatisfied;
  };
  const std::vector<Expected> expected = {
      {"LARGE", "2024-03-31", 300'000, ""},
      {"MEDIUM", "2024-04-01", 500'000, ""},
      {"MICRO", "2024-06-01", 600'000, ""},
      // It was no supplier yet: nobody knows how large it was then.
      {"UNKNOWN", "2023-12-31", 0, "SIZE_KNOWN RATE_KNOWN"},
      {"HIGH", "2024-06-10", 800'000, ""},
  };
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto number = static_cast<int32_t>(i) + 1;
    const v1::Expense expense = ExpenseNow(claim, number);
    const v1::Line& line = expense.line();
    EXPECT_EQ(dry.lines(static_cast<int>(i)).line().SerializeAsString(), line.SerializeAsString())
        << i;
    EXPECT_EQ(line.rate_by(), expected[i].by) << i;
    EXPECT_EQ(base::Date::FromProto(line.rate_by_date())->ToString(), expected[i].day);
    EXPECT_EQ(line.rate_by_source(),
              i == 4 ? "lists/1/entries/8504" : absl::StrCat("suppliers/", Bin(1)));
    EXPECT_EQ(line.rate_by_version().empty(), false);
    EXPECT_EQ(line.amount().units(), expected[i].amount) << i;
    EXPECT_EQ(absl::StrJoin(line.unsatisfied(), " "), expected[i].unsatisfied);
    // The day and the version that it went by are facts, and the replay goes by them.
    std::map<std::string, decision::v1::Fact> facts;
    for (const auto& finding : expense.examination().findings()) {
      for (const auto& fact : finding.facts()) facts[fact.name()] = fact;
    }
    EXPECT_EQ(facts.contains("enterprise_size"), i != 4) << "by processing there is none";
    if (i == 4) continue;
    EXPECT_EQ(facts["enterprise_size"].value(), i == 3 ? kNotActive : expected[i].by);
    EXPECT_EQ(facts["enterprise_size"].version(), "v1");
    EXPECT_EQ(facts["enterprise_size_date"].value(), expected[i].day);
    ExpectReplays(claim, 1, number);
  }
  EXPECT_EQ(dry.amount().units(), 2'200'000);
  EXPECT_EQ(Now(claim).calculated().units(), 2'200'000);
  // What is mended later is judged by its day all the same, and what was found is accepted.
  sources_->sizes[Bin(1)][Day("2024-06-11")] = "LARGE";
  GoTo(Day("2024-06-12"));
  Notice(claim, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(Start(claim).ok());
  SendToFix(claim);
  Mend(claim, 1, "2000000");
  EXPECT_EQ(Calculated(claim, institute_).amount().units(), 2'500'000);
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1})).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 2'500'000);
  AcceptParts(claim);
  const auto accepted = Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->amount().units(), 2'500'000);
  EXPECT_EQ(Calculated(claim, institute_).amount().units(), 2'500'000);
}

// A claim that a release signed before the size was one of the period: of the day of signing,
// also what is mended and calculated since.
TEST_F(ClaimTest, AClaimSignedBeforeGoesByTheSizeOfItsDayOfSigning) {
  ListInForce();
  sources_->sizes[Bin(1)] = {{Day("2024-01-01"), "LARGE"}, {Day("2024-06-01"), "MEDIUM"}};
  const std::string claim = Fixing(1, {MakeExpense(), MakeExpense(v1::DELIVERY)});
  EXPECT_EQ(Now(claim).calculated().units(), 300'000 + 800'000) << "paid in May";
  store::CommandInfo info;
  info.actor = "test";
  info.method = "/nisi.testing/Write";
  const auto done = store().Write(info, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
    tx.Cite(base::LegalBasis());
    ClaimRow row = Stored(kClaims, store::Key::Of(claim));
    row.set_sizes_of_period(false);
    RETURN_IF_ERROR(tx.Put(kClaims, &row));
    return std::string();
  });
  ASSERT_TRUE(done.ok()) << done.status();
  Mend(claim, 1, "2000000");
  const v1::Calculation dry = Calculated(claim, Entity(1));
  EXPECT_EQ(dry.amount().units(), 1'000'000 + 800'000);
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1})).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 1'000'000 + 800'000);
  const v1::Expense mended = ExpenseNow(claim, 1);
  EXPECT_EQ(mended.line().rate_by(), "MEDIUM");
  EXPECT_EQ(base::Date::FromProto(mended.line().rate_by_date())->ToString(), "2024-06-10");
  EXPECT_FALSE(absl::StrContains(mended.examination().ShortDebugString(), "enterprise_size"));
  ExpectReplays(claim, 1, 1);
}

// By which state of which record was decided can be told of each fact, also of what no record says.
TEST_F(ClaimTest, EachFactHasItsVersion) {
  ListInForce();
  Allocate(10'000'000);
  v1::Expense elsewhere = MakeExpense(v1::DELIVERY);
  elsewhere.set_goods_code("010121");
  sources_->SetSize(Bin(1), kNotTold);
  v1::Expense own = MakeExpense(v1::DELIVERY);
  const std::string claim = Monitored(1, {own, elsewhere, MakeExpense()});
  const v1::Claim done = Now(claim);
  std::vector<const decision::v1::Decision*> decisions = {&done.admission(), &done.calculation(),
                                                          &done.decision(), &done.gate(),
                                                          &done.payment_decision()};
  std::vector<v1::Expense> expenses;
  for (int32_t i = 1; i <= 3; ++i) expenses.push_back(ExpenseNow(claim, i));
  for (const v1::Expense& expense : expenses) decisions.push_back(&expense.examination());
  std::set<std::string> seen;
  for (const decision::v1::Decision* decision : decisions) {
    for (const auto& finding : decision->findings()) {
      for (const auto& fact : finding.facts()) {
        SCOPED_TRACE(absl::StrCat(finding.rule(), " ", fact.name(), " of ", fact.source()));
        seen.insert(absl::StrCat(fact.name(), " ", fact.value()));
        const bool of_norm = absl::StrContains(fact.source(), ": ");
        const bool of_none = fact.source() == "clock" || fact.source() == "none" ||
                             fact.source() == "day of signing";
        EXPECT_EQ(fact.version().empty(), of_norm || of_none);
      }
    }
  }
  for (const char* fact : {"invoice_taken 0", "entry_of_the_list NONE", "rate_by UNKNOWN",
                           "demand_past_due 0", "ready_before 0"}) {
    EXPECT_TRUE(seen.contains(fact)) << fact;
  }
}

// Each fact of each decision taken away in turn: the replay says which, or is not the same where
// decisions of old did without it. It never passes, and never ends the process.
TEST_F(ClaimTest, AFactThatIsNotStoredIsSaid) {
  ListInForce();
  Allocate(2'000'000);
  const std::string listed = Signed(2, {MakeExpense()});
  Notice(listed, gate::v1::BEFORE_CONSIDERATION);
  sources_->lists[Bin(2)] = {{"BANKRUPT", "grants/unreliable/5", "e1"},
                             {"DEBT_REPORTED", "grants/unreliable/6", "e2"}};
  ASSERT_TRUE(Start(listed).ok());
  const std::string name = Monitored(1, {MakeExpense(), MakeExpense(v1::DELIVERY)});
  for (int year = 2024; year <= 2026; ++year) {
    GoTo(*base::Date::Of(year + 1, 1, 20));
    ASSERT_TRUE(Report(name, Entity(1), year, "150").ok());
  }
  auto assess = Of<v1::AssessObligationsRequest>(name);
  for (const int year : {2024, 2025}) {
    assess.add_accepted()->set_year(year);
    assess.mutable_accepted()->rbegin()->set_volume("120");
  }
  *assess.add_documents() = Paper("customs.pdf");
  assess.set_grounds("Таможенная статистика");
  ASSERT_TRUE(Do<v1::Claim>("AssessObligations", institute_, assess).ok());
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", name, decider_).ok());
  ASSERT_TRUE(Step<v1::ExcuseFailureRequest>("ExcuseFailure", name, trade_).ok());
  const v1::Claim claim = Now(name), rejected = Now(listed);
  const v1::Expense exhibition = ExpenseNow(name, 1), delivery = ExpenseNow(name, 2);
  using Replay = absl::StatusOr<Decision> (*)(const Decision&);
  const std::vector<std::pair<const Decision*, Replay>> all = {
      {&rejected.admission(), ReplayAdmission},
      {&claim.admission(), ReplayAdmission},
      {&claim.calculation(), ReplayCalculation},
      {&claim.decision(), ReplayJudgement},
      {&claim.gate(), ReplayGate},
      {&claim.payment_decision(), ReplayPayment},
      {&claim.assessment(), ReplayAssessment},
      {&claim.demand_decision(), ReplayAssessment},
      {&claim.excuse(), ReplayExcuse},
      {&exhibition.examination(), ReplayExamination},
      {&delivery.examination(), ReplayExamination}};
  // What decisions made before it was asked do not have.
  const std::set<std::string> younger = {"unreliable_entries", "reported.1", "reported.2",
                                         "beyond_control"};
  int missing = 0;
  for (const auto& [stored, replay] : all) {
    std::set<std::string> names;
    for (const auto& finding : stored->findings()) {
      for (const auto& fact : finding.facts()) names.insert(fact.name());
    }
    ASSERT_FALSE(names.empty());
    for (const std::string& gone : names) {
      Decision bare = *stored;
      for (auto& finding : *bare.mutable_findings()) {
        for (int i = finding.facts_size() - 1; i >= 0; --i) {
          if (finding.facts(i).name() == gone) finding.mutable_facts()->DeleteSubrange(i, 1);
        }
      }
      const auto replayed = replay(bare);
      if (younger.contains(gone)) {
        ASSERT_TRUE(replayed.ok()) << gone << ": " << replayed.status();
        EXPECT_NE(replayed->SerializeAsString(), bare.SerializeAsString()) << gone;
        continue;
      }
      EXPECT_EQ(ReasonOf(replayed.status()), "FACT_MISSING") << gone;
      ++missing;
    }
  }
  EXPECT_GT(missing, 80);
}

TEST_F(ClaimTest, ADependencyThatIsAwayChangesNothing) {
  ListInForce();
  const std::string claim = Drafted(1);
  ASSERT_TRUE(Add(claim, 1, {MakeExpense()}).ok());
  sources_->away = true;
  const int64_t before = position();
  const absl::Status refused = Sign(claim, Entity(1)).status();
  EXPECT_EQ(ReasonOf(refused), "DEPENDENCY_NOT_ANSWERED");
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(position(), before);
  EXPECT_EQ(Now(claim).state(), State::DRAFT);
  v1::CalculateClaimRequest dry;
  dry.set_name(claim);
  EXPECT_EQ(ReasonOf(Do<v1::Calculation>("CalculateClaim", Entity(1), dry).status()),
            "DEPENDENCY_NOT_ANSWERED");
  sources_->away = false;
  v1::CreateClaimRequest create;
  create.mutable_claim()->set_claimant(Bin(1));
  v1::CalculateClaimRequest bare;  // without the taxes that bound it
  bare.set_name(Must<v1::Claim>("CreateClaim", Entity(1), create).name());
  EXPECT_EQ(ReasonOf(Do<v1::Calculation>("CalculateClaim", Entity(1), bare).status()),
            "CLAIM_INCOMPLETE");
  ASSERT_TRUE(Sign(claim, Entity(1)).ok());
  EXPECT_EQ(Now(claim).number(), 1) << "a refused signature takes no number";
}

TEST_F(ClaimTest, AnAnswerInTimeIsNotLostWhileOthersAreAway) {
  ListInForce();
  const std::string claim = Fixing(1, {MakeExpense()});
  const auto due = base::Date::FromProto(Now(claim).due_date());
  v1::UpdateExpenseRequest mend;
  mend.mutable_expense()->set_name(ExpenseName(claim, 1));
  mend.mutable_expense()->set_amount("2000000");
  mend.mutable_update_mask()->add_paths("amount");
  ASSERT_TRUE(Do<v1::Expense>("UpdateExpense", Entity(1), mend).ok());
  GoTo(*due);
  sources_->away = true;
  const auto answered = Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1}));
  ASSERT_TRUE(answered.ok()) << answered.status();
  EXPECT_EQ(answered->state(), State::REVIEW);
  EXPECT_FALSE(answered->has_calculated()) << "not examined is not counted";
  // Nothing goes on before it is examined.
  const int64_t before = position();
  for (const v1::PartReview::Verdict verdict :
       {v1::PartReview::ACCEPTED, v1::PartReview::REJECTED}) {
    const absl::Status refused = DecideOn(claim, v1::LEGAL, verdict, examiner_).status();
    EXPECT_EQ(ReasonOf(refused), "DEPENDENCY_NOT_ANSWERED");
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).status()),
            "PARTS_PENDING");
  EXPECT_EQ(ReasonOf(Step<v1::RejectClaimRequest>("RejectClaim", claim, decider_).status()),
            "PARTS_PENDING");
  v1::CalculateClaimRequest dry;
  dry.set_name(claim);
  EXPECT_EQ(ReasonOf(Do<v1::Calculation>("CalculateClaim", Entity(1), dry).status()),
            "DEPENDENCY_NOT_ANSWERED");
  EXPECT_EQ(position(), before);
  GoTo(due->AddDays(1));
  EXPECT_EQ(Now(claim).state(), State::REVIEW);
  sources_->away = false;
  EXPECT_EQ(Calculated(claim, Entity(1)).amount().units(), 1'200'000);
  ASSERT_TRUE(DecideOn(claim, v1::LEGAL, v1::PartReview::ACCEPTED, examiner_).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 1'200'000);
  ExpectReplays(claim, 2);
  // Where nothing was changed nobody is asked.
  const std::string other = Fixing(2, {MakeExpense()});
  sources_->away = true;
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(2), Answers(other, {1})).ok());
  EXPECT_EQ(Now(other).calculated().units(), 600'000);
}

TEST_F(ClaimTest, RemarksThatAreNotAnsweredAnnulTheClaim) {
  ListInForce();
  const v1::Expense expense = MakeExpense();
  const std::string claim = Fixing(1, {expense});
  const auto due = base::Date::FromProto(Now(claim).due_date());
  ASSERT_TRUE(due.ok());
  EXPECT_EQ(*due, norms::TermOf(norms_, "export_refunds.days.fixing", today())->last_day);
  // On the last day it is in time, and an answer to one of two leaves it where it is.
  clock_.Set(due->EndOfDay() - absl::Seconds(1));
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Now(claim).state(), State::FIXING);
  // The service is down at midnight and for a week.
  service_.reset();
  clock_.Set(due->EndOfDay() + absl::Hours(24 * 7));
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Now(claim).state(), State::ANNULLED);
  const int64_t after = position();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(position(), after) << "once";
  // As of the day after the last; the day itself was still in time.
  v1::GetClaimRequest get;
  get.set_name(claim);
  *get.mutable_as_of() = due->ToProto();
  EXPECT_EQ(Must<v1::Claim>("GetClaim", auditor_, get).state(), State::FIXING);
  *get.mutable_as_of() = due->AddDays(1).ToProto();
  EXPECT_EQ(Must<v1::Claim>("GetClaim", auditor_, get).state(), State::ANNULLED);
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1})).status()),
            "CLAIM_STATE");
  // Its invoice is free again.
  const std::string next = Signed(2, {expense});
  EXPECT_EQ(Now(next).calculated().units(), 600'000);
  EXPECT_EQ(Now(next).number(), 2) << "numbers have no gaps";
  ExpectSound();
}

TEST_F(ClaimTest, ItReturnsOnlyWhenEveryRemarkIsAnswered) {
  ListInForce();
  const std::string claim = InReview(1, {MakeExpense()});
  for (const v1::Part part : {v1::FINANCE, v1::LEGAL}) {
    ASSERT_TRUE(DecideOn(claim, part, v1::PartReview::REMARKS, examiner_).ok());
  }
  // Said again before they are sent: the new ones take the place of the old.
  ASSERT_TRUE(DecideOn(claim, v1::LEGAL, v1::PartReview::REMARKS, examiner_).ok());
  ASSERT_EQ(Now(claim).remarks_size(), 2);
  ASSERT_TRUE(Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_).ok());
  const auto due = Now(claim).due_date();
  GoTo(today().AddDays(1));
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1})).ok());
  EXPECT_EQ(Now(claim).state(), State::FIXING);
  EXPECT_EQ(Now(claim).due_date().SerializeAsString(), due.SerializeAsString())
      << "a part of the answers does not begin the term anew";
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {3})).ok());
  EXPECT_EQ(Now(claim).state(), State::REVIEW);
  const v1::Claim back = Now(claim);
  for (const auto& part : back.parts()) {
    EXPECT_EQ(part.verdict(), v1::PartReview::PENDING);
  }
}

// A remark on one field of an expense is none on its others, and does not let it go.
TEST_F(ClaimTest, ARemarkOpensWhatItNamesAndNothingElse) {
  ListInForce();
  const std::string claim = InReview(1, {MakeExpense(), MakeExpense(), MakeExpense()});
  const auto update = [&](int32_t number, const std::string& amount, const std::string& invoice) {
    v1::UpdateExpenseRequest request;
    request.mutable_expense()->set_name(ExpenseName(claim, number));
    request.mutable_expense()->set_amount(amount);
    request.mutable_expense()->set_invoice_number(invoice);
    if (!amount.empty()) request.mutable_update_mask()->add_paths("amount");
    if (!invoice.empty()) request.mutable_update_mask()->add_paths("invoice_number");
    return Do<v1::Expense>("UpdateExpense", Entity(1), request).status();
  };
  const auto take = [&](int32_t number) {
    v1::DeleteExpenseRequest request;
    request.set_name(ExpenseName(claim, number));
    return Do<v1::DeleteExpenseResponse>("DeleteExpense", Entity(1), request).status();
  };
  const auto send = [&](const std::string& field) {
    ASSERT_TRUE(DecideOn(claim, v1::FINANCE, v1::PartReview::ACCEPTED, examiner_).ok());
    ASSERT_TRUE(DecideOn(claim, v1::LEGAL, v1::PartReview::REMARKS, examiner_, field).ok());
    ASSERT_TRUE(Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_).ok());
  };
  for (const char* not_given : {"expenses/2.net", "expenses/2.line", "expenses/2.etag"}) {
    EXPECT_EQ(
        ReasonOf(
            DecideOn(claim, v1::LEGAL, v1::PartReview::REMARKS, examiner_, not_given).status()),
        "INVALID_FIELD")
        << not_given;
  }
  send("expenses/2.invoice_number");
  const std::string before = ExpenseNow(claim, 2).SerializeAsString();
  for (const absl::Status& refused :
       {update(2, "9000000", ""), update(2, "9000000", "INV-90"), update(1, "", "INV-90")}) {
    EXPECT_EQ(ReasonOf(refused), "NOT_REMARKED");
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(ReasonOf(take(2)), "NOT_REMARKED");
  // What is said again changes nothing, and is not examined anew.
  EXPECT_TRUE(update(2, "1000000", "").ok());
  EXPECT_TRUE(update(1, "1000000", "").ok());
  EXPECT_EQ(ExpenseNow(claim, 2).SerializeAsString(), before);
  EXPECT_TRUE(update(2, "1000000", "INV-90").ok());
  EXPECT_FALSE(ExpenseNow(claim, 2).has_examination());
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1})).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 1'800'000);
  // On the expense as a whole.
  send("expenses/2");
  EXPECT_EQ(ReasonOf(take(1)), "NOT_REMARKED");
  EXPECT_EQ(ReasonOf(Add(claim, 1, {MakeExpense()}).status()), "NOT_REMARKED");
  EXPECT_TRUE(update(2, "2000000", "INV-91").ok());
  EXPECT_TRUE(take(2).ok());
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {2})).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 1'200'000);
  // On the expenses: one more, one less, and each as it was.
  send("expenses");
  EXPECT_EQ(ReasonOf(update(1, "2000000", "")), "NOT_REMARKED");
  EXPECT_TRUE(Add(claim, 1, {MakeExpense()}).ok());
  EXPECT_TRUE(take(1).ok());
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {3})).ok());
  EXPECT_EQ(Now(claim).calculated().units(), 1'200'000);
  ExpectSound();
}

// Whatever a claimant says: its examiner looks.
TEST_F(ClaimTest, WhatAnExaminerFindsReimbursedDoesNotCount) {
  ListInForce();
  const std::string claim = InReview(1, {MakeExpense(), MakeExpense()});
  const std::string second = ExpenseName(claim, 2);
  const auto find = [&](v1::Part part, int32_t number, const std::string& source,
                        v1::PartReview::Verdict verdict = v1::PartReview::ACCEPTED) {
    auto request = Of<v1::DecidePartRequest>(claim);
    request.clear_reason();
    request.set_part(part);
    request.set_verdict(verdict);
    if (verdict == v1::PartReview::REMARKS) {
      request.add_remarks()->set_field("expenses/2.amount");
      request.mutable_remarks(0)->set_text("Не читается");
    }
    request.add_found_reimbursed()->set_expense(number);
    request.mutable_found_reimbursed(0)->set_source(source);
    return ReasonOf(Do<v1::Claim>("DecidePart", examiner_, request).status());
  };
  const auto stands = [&] {
    const v1::Expense cost = ExpenseNow(claim, 2);
    const auto& unsatisfied = cost.line().unsatisfied();
    EXPECT_EQ(cost.examination().outcome(), Money::FromProto(cost.line().amount())->ToString());
    ExpectReplays(claim, 1, 2);
    return absl::StrCat(Now(claim).calculated().units(), " ", cost.line().amount().units(), " ",
                        unsatisfied.empty() ? "" : unsatisfied[0], " ", cost.found_reimbursed_by());
  };
  constexpr char kOrder[] = "Приказ 12 регионального фонда";
  EXPECT_EQ(find(v1::LEGAL, 2, kOrder), "INVALID_FIELD");
  EXPECT_EQ(find(v1::FINANCE, 3, kOrder), "INVALID_FIELD");
  EXPECT_EQ(stands(), "1200000 600000  ");
  EXPECT_EQ(find(v1::FINANCE, 2, kOrder), "");
  const std::string found = absl::StrCat("600000 0 NOT_REIMBURSED_BEFORE ", examiner_.subject);
  EXPECT_EQ(stands(), found);
  const v1::Expense cost = ExpenseNow(claim, 2);
  const auto finding =
      std::find_if(cost.examination().findings().begin(), cost.examination().findings().end(),
                   [](const auto& one) { return one.rule() == "NOT_REIMBURSED_BEFORE"; });
  ASSERT_NE(finding, cost.examination().findings().end());
  EXPECT_EQ(finding->facts(0).source(), kOrder);
  EXPECT_EQ(find(v1::FINANCE, 2, ""), "");
  EXPECT_EQ(stands(), "1200000 600000  ") << "it was a mistake";
  // It holds through what is mended after it.
  EXPECT_EQ(find(v1::FINANCE, 2, kOrder, v1::PartReview::REMARKS), "");
  ASSERT_TRUE(DecideOn(claim, v1::LEGAL, v1::PartReview::ACCEPTED, examiner_).ok());
  ASSERT_TRUE(Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_).ok());
  v1::UpdateExpenseRequest mend;
  mend.mutable_expense()->set_name(second);
  mend.mutable_expense()->set_amount("900000");
  mend.mutable_update_mask()->add_paths("amount");
  ASSERT_TRUE(Do<v1::Expense>("UpdateExpense", Entity(1), mend).ok());
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(claim, {1})).ok());
  EXPECT_EQ(stands(), found);
  // The invoice is free for others, and not its own again when that was taken back.
  v1::Expense twin = MakeExpense();
  twin.set_invoice_number(ExpenseNow(claim, 2).invoice_number());
  const std::string other = Signed(2, {twin});
  EXPECT_EQ(Now(other).calculated().units(), 600'000);
  EXPECT_EQ(find(v1::FINANCE, 2, ""), "");
  EXPECT_EQ(stands(), "600000 0 INVOICE_NOT_PAID_BEFORE ");
  AcceptParts(claim);
  ASSERT_TRUE(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).ok());
  EXPECT_EQ(Now(claim).amount().units(), 600'000);
  ExpectSound();
}

TEST_F(ClaimTest, APartThatWasRejectedRejectsTheClaim) {
  ListInForce();
  const std::string claim = InReview(1, {MakeExpense()});
  EXPECT_EQ(ReasonOf(DecideOn(claim, v1::DIGITAL, v1::PartReview::ACCEPTED, examiner_).status()),
            "PART_NOT_OF_CLAIM");
  ASSERT_TRUE(DecideOn(claim, v1::FINANCE, v1::PartReview::REJECTED, examiner_).ok());
  for (const rpc::Caller& caller : {examiner_, institute_}) {
    EXPECT_EQ(ReasonOf(DecideOn(claim, v1::FINANCE, v1::PartReview::ACCEPTED, caller).status()),
              "PART_REJECTED")
        << "for good";
  }
  EXPECT_EQ(
      base::BadRequestOf(
          DecideOn(claim, v1::LEGAL, v1::PartReview::REMARKS, examiner_, "expenses/x").status())
          .field_violations(0)
          .field(),
      "remarks[0].field");
  ASSERT_TRUE(DecideOn(claim, v1::LEGAL, v1::PartReview::REMARKS, examiner_).ok());
  EXPECT_EQ(ReasonOf(Step<v1::SendRemarksRequest>("SendRemarks", claim, examiner_).status()),
            "PART_REJECTED");
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", claim, decider_).status()),
            "PART_REJECTED");
  ASSERT_TRUE(Step<v1::RejectClaimRequest>("RejectClaim", claim, decider_).ok());
  EXPECT_EQ(Now(claim).state(), State::REJECTED);
  ExpectReplays(claim, 3);
}

TEST_F(ClaimTest, ACheckIsGoodForThreeWorkingDays) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  Agree(claim, 1);
  GoTo(Day("2024-06-14"));  // Monday to Friday: the fourth day
  EXPECT_EQ(ReasonOf(PayIt(claim).status()), "GATE_NOT_CHECKED");
  Notice(claim, gate::v1::BEFORE_PAYMENT);
  EXPECT_TRUE(PayIt(claim).ok());
}

TEST_F(ClaimTest, AnAgreementThatIsNotSignedInTimeIsAGround) {
  ListInForce();
  Allocate(1'200'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  ASSERT_TRUE(Gate2(claim).ok());
  EXPECT_EQ(ReasonOf(Step<v1::RejectClaimRequest>("RejectClaim", claim, decider_).status()),
            "GROUND_MISSING");
  const auto due = *base::Date::FromProto(Now(claim).due_date());
  GoTo(due.AddDays(1));
  EXPECT_EQ(Now(claim).state(), State::GATE_2) << "nothing happens by itself";
  // A claimant that has signed does not answer for the institute.
  const std::string prompt = Accepted(2, {MakeExpense()});
  ASSERT_TRUE(Gate2(prompt).ok());
  ASSERT_TRUE(SignAgreementBy(prompt, Entity(2)).ok());
  GoTo(base::Date::FromProto(Now(prompt).due_date())->AddDays(1));
  EXPECT_EQ(ReasonOf(Step<v1::RejectClaimRequest>("RejectClaim", prompt, decider_).status()),
            "GROUND_MISSING");
  ASSERT_TRUE(SignAgreementBy(prompt, institute_).ok());
  ASSERT_TRUE(Step<v1::RejectClaimRequest>("RejectClaim", claim, decider_).ok());
  EXPECT_EQ(Stands(), "600000 0 600000 0");
}

TEST_F(ClaimTest, AMissedObligationIsRecoveredWithInterest) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Monitored(1, {MakeExpense()});
  const base::Date paid_on = today().AddDays(-1);
  // 100 before; 200, 300 and 400 planned: 100 is none, 200 is a half, nothing is reported of 2026.
  GoTo(Day("2025-02-01"));
  ASSERT_TRUE(Report(claim, Entity(1), 2024, "100").ok());
  GoTo(Day("2026-03-02"));  // the day is over
  const auto late = Report(claim, Entity(1), 2025, "200");
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_TRUE(late->late());
  GoTo(Day("2027-02-01"));
  EXPECT_EQ(
      ReasonOf(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).status()),
      "OBLIGATIONS_NOT_DUE");
  GoTo(Day("2027-03-02"));
  const auto assessed = Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  EXPECT_EQ(assessed->state(), State::RECOVERY);
  EXPECT_EQ(Now(claim).achievement().level(), "1/6");
  v1::RecordRepaymentRequest back;
  back.set_name(claim);
  back.set_etag(Now(claim).etag());
  *back.mutable_amount() = Tenge(1);
  *back.mutable_pay_date() = today().ToProto();
  back.set_order_number("9");
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("RecordRepayment", institute_, back).status()),
            "DEMAND_MISSING");
  EXPECT_EQ(ReasonOf(Step<v1::DemandReturnRequest>("DemandReturn", claim, institute_).status()),
            "SEPARATION_OF_DUTIES")
      << "not by whoever assessed";
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
  EXPECT_EQ(ReasonOf(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).status()),
            "DEMAND_MADE");
  const v1::Demand demand = Now(claim).demand();
  ASSERT_EQ(demand.computation().lines_size(), 1);
  EXPECT_EQ(Money::FromProto(demand.computation().principal())->ToString(), "500000.00");
  EXPECT_EQ(demand.computation().lines(0).paid_on().SerializeAsString(),
            paid_on.ToProto().SerializeAsString());
  EXPECT_GT(demand.amount().units(), 500'000);
  const v1::Claim demanded = Now(claim);
  const auto& finding = *demanded.demand_decision().findings().rbegin();
  EXPECT_EQ(finding.facts().rbegin()->value(), Money::FromProto(demand.amount())->ToString())
      << "the sum is what is replayed";
  EXPECT_EQ(*base::Date::FromProto(demand.due_date()), today().AddDays(30));
  ExpectReplays(claim, 7);
  EXPECT_FALSE(norms_.edition().empty());
  for (const auto* decision :
       {&demanded.admission(), &demanded.calculation(), &demanded.decision(), &demanded.gate(),
        &demanded.payment_decision(), &demanded.assessment(), &demanded.demand_decision()}) {
    EXPECT_EQ(decision->norms_edition(), norms_.edition());
  }
  // A part in time, the rest after the day: late interest on what was open.
  GoTo(today().AddDays(10));
  back.set_etag(Now(claim).etag());
  *back.mutable_amount() = Tenge(400'000);
  *back.mutable_pay_date() = today().ToProto();
  ASSERT_TRUE(Do<v1::Claim>("RecordRepayment", institute_, back).ok());
  EXPECT_EQ(Now(claim).state(), State::RECOVERY);
  back.set_etag(Now(claim).etag());
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("RecordRepayment", institute_, back).status()),
            "REPAYMENT_RECORDED")
      << "typed in by somebody else as well";
  const base::Date due = *base::Date::FromProto(demand.due_date());
  GoTo(due);
  EXPECT_FALSE(Now(claim).demand().past_due());
  GoTo(due.AddDays(1));
  EXPECT_TRUE(Now(claim).demand().past_due());
  GoTo(due.AddDays(10));
  const int64_t open = demand.amount().units() - 400'000;
  const Money interest =
      *cases::LateInterest(*Money::FromTenge(open), *norms_.Percent("base_rate", Day("2027-03-02")),
                           due.AddDays(1), today());
  const Money owed = *Money::FromTenge(open)->Add(interest);
  back.set_etag(Now(claim).etag());
  *back.mutable_pay_date() = today().ToProto();
  *back.mutable_amount() = owed.Add(*Money::FromTiyn(1))->ToProto();
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("RecordRepayment", institute_, back).status()),
            "REPAYMENT_OVER_DUE");
  *back.mutable_pay_date() = due.AddDays(-31).ToProto();
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("RecordRepayment", institute_, back).status()),
            "REPAYMENT_DATE_INVALID");
  *back.mutable_pay_date() = today().ToProto();
  *back.mutable_amount() = owed.ToProto();
  ASSERT_TRUE(Do<v1::Claim>("RecordRepayment", institute_, back).ok());
  EXPECT_EQ(Now(claim).state(), State::RECOVERED);
  ExpectSound();
}

// What a claimant says of its export is not the last word on it (Art. 13(5)(10-2)).
TEST_F(ClaimTest, AReportIsAcceptedInPart) {
  ListInForce();
  Allocate(600'000);
  const std::string claim = Monitored(1, {MakeExpense()});
  const v1::Claim agreed = Now(claim);
  for (const auto& obligation : agreed.obligations()) {
    const int year = obligation.due_date().year();
    GoTo(*base::Date::Of(year + 1, 1, 20));
    ASSERT_TRUE(Report(claim, Entity(1), year, absl::StrCat(obligation.target(), ".0")).ok());
  }
  using Request = v1::AssessObligationsRequest;
  const auto asking = [&](const std::vector<std::pair<int, std::string>>& accepted) {
    auto request = Of<Request>(claim);
    for (const auto& [year, volume] : accepted) {
      request.add_accepted()->set_year(year);
      request.mutable_accepted()->rbegin()->set_volume(volume);
    }
    return request;
  };
  const auto reason = [&](const Request& request) {
    return ReasonOf(Do<v1::Claim>("AssessObligations", institute_, request).status());
  };
  EXPECT_EQ(reason(asking({{2025, "200"}})), "EVIDENCE_MISSING");
  EXPECT_EQ(reason(asking({{2025, "300.001"}})), "FIGURE_OVER_REPORTED");
  EXPECT_EQ(reason(asking({{2023, "100"}})), "FIGURE_NOT_REPORTED");
  EXPECT_EQ(reason(asking({{2025, "300"}, {2025, "300"}})), "INVALID_FIELD");
  Request idle = asking({{2026, "400"}});
  idle.set_grounds("Таможенная статистика");
  EXPECT_EQ(reason(idle), "INVALID_FIELD");
  EXPECT_EQ(Now(claim).state(), State::MONITORING);
  // A half of what was to be added in one year of three, by customs statistics; the rest as
  // reported.
  Request request = asking({{2025, "200"}, {2026, "400.000"}});
  *request.add_documents() = Paper("customs.pdf");
  request.set_grounds("Таможенная статистика");
  ASSERT_EQ(reason(request), "");
  const v1::Claim assessed = Now(claim);
  EXPECT_EQ(assessed.state(), State::RECOVERY);
  EXPECT_EQ(assessed.achievement().level(), "5/6");
  ASSERT_EQ(assessed.assessment_documents_size(), 1);
  EXPECT_EQ(assessed.assessment_documents(0).name(), "customs.pdf");
  const auto told = [](const v1::Claim& of, const decision::v1::Decision& decision) {
    std::string text;
    for (const auto& finding : decision.findings()) {
      if (finding.rule() != "WITHIN_REPORTED" && finding.rule() != "EVIDENCE_NAMED") continue;
      absl::StrAppend(&text, finding.rule(), finding.satisfied() ? ":" : "!");
      for (const auto& fact : finding.facts()) {
        const bool hash = fact.name() == "evidence.documents";
        absl::StrAppend(&text, " ", fact.name(), "=", hash ? "#" : fact.value(), " of ",
                        absl::StripPrefix(fact.source(), of.name()));
        EXPECT_FALSE(fact.version().empty()) << fact.name();
        EXPECT_FALSE(fact.value().empty()) << fact.name();
      }
      text += "; ";
    }
    return text;
  };
  const std::string by =
      "WITHIN_REPORTED: reported.2=300.0 of /reports/2025 obligation.2.fact=200 of ; "
      "EVIDENCE_NAMED: evidence.documents=# of  evidence.grounds=Таможенная статистика of ; ";
  EXPECT_EQ(told(assessed, assessed.assessment()), by);
  ExpectReplays(claim, 6);
  // The demand goes by what was accepted.
  GoTo(today().AddDays(3));
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
  const v1::Claim demanded = Now(claim);
  EXPECT_EQ(Money::FromProto(demanded.demand().computation().principal())->ToString(), "100000.00");
  EXPECT_EQ(told(demanded, demanded.demand_decision()), by);
  ExpectReplays(claim, 7);
  ExpectSound();
}

TEST_F(ClaimTest, WhoOwesPastTheDayGetsNothing) {
  ListInForce();
  Allocate(5'000'000);
  const std::string claim = Monitored(1, {MakeExpense()});
  const std::string waiting = Accepted(1, {MakeExpense()});
  Agree(waiting, 1);
  GoTo(Day("2026-06-01"));
  const std::string reviewed = InReview(1, {MakeExpense()});
  AcceptParts(reviewed);
  const std::string behind = InReview(2, {MakeExpense()});
  AcceptParts(behind);
  GoTo(Day("2027-03-02"));
  ASSERT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", claim, institute_).ok());
  ASSERT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", claim, decider_).ok());
  GoTo(today().AddDays(31));
  EXPECT_EQ(ReasonOf(Step<v1::AcceptClaimRequest>("AcceptClaim", reviewed, decider_).status()),
            "DEMAND_PAST_DUE");
  Notice(waiting, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(waiting).status()), "DEMAND_PAST_DUE");
  // It holds up nobody behind it.
  Allocate(600'000);
  ASSERT_TRUE(Step<v1::AcceptClaimRequest>("AcceptClaim", behind, decider_).ok());
  Agree(behind, 2);
  EXPECT_TRUE(PayIt(behind).ok());
  // Excused: nothing more is due, and the way is free.
  const rpc::Caller& authority = trade_;
  ASSERT_TRUE(Step<v1::ExcuseFailureRequest>("ExcuseFailure", claim, authority).ok());
  EXPECT_EQ(Now(claim).state(), State::CLOSED);
  ExpectReplays(claim, 8);
  ASSERT_TRUE(Step<v1::AcceptClaimRequest>("AcceptClaim", reviewed, decider_).ok());
}

TEST_F(ClaimTest, APaymentIsMadeOnceHoweverOftenItIsSent) {
  ListInForce();
  Allocate(1'200'000);
  const std::string claim = Accepted(1, {MakeExpense()});
  Agree(claim, 1);
  v1::PayClaimRequest pay = Payment(claim);
  pay.set_request_id(NextUuid());
  std::vector<std::string> answers(5);
  std::vector<std::thread> senders;
  for (auto& answer : answers) {
    senders.emplace_back([&] {
      const auto paid = Do<v1::Claim>("PayClaim", payer_, pay);
      answer = paid.ok() ? paid->SerializeAsString() : paid.status().ToString();
    });
  }
  for (auto& sender : senders) sender.join();
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers.front());
  EXPECT_EQ(Stands(), "600000 0 0 600000");
  // Also after the service was closed and the gate says otherwise.
  Notice(claim, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  Reopen();
  EXPECT_EQ(Must<v1::Claim>("PayClaim", payer_, pay).SerializeAsString(), answers.front());
  EXPECT_EQ(ReasonOf(PayIt(claim).status()), "CLAIM_STATE") << "another request is no retry";
  // Whoever did not see that it is paid is told that first.
  pay.set_request_id(NextUuid());
  pay.set_etag("\"0-0\"");
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("PayClaim", payer_, pay).status()), "VERSION_MISMATCH");
  v1::DeleteExpenseRequest take;
  take.set_name(claim + "/expenses/1");
  EXPECT_EQ(ReasonOf(Do<v1::DeleteExpenseResponse>("DeleteExpense", Entity(1), take).status()),
            "CLAIM_FROZEN");
  take.set_etag("\"0-0\"");
  EXPECT_EQ(ReasonOf(Do<v1::DeleteExpenseResponse>("DeleteExpense", Entity(1), take).status()),
            "VERSION_MISMATCH");
  EXPECT_EQ(Stands(), "600000 0 0 600000");
  ExpectSound();
}

TEST_F(ClaimTest, SixtyFourSignAtOnce) {
  ListInForce();
  constexpr size_t kClients = 64;
  // Pairs share an invoice.
  std::vector<std::string> claims;
  std::vector<v1::SignClaimRequest> requests;
  for (size_t i = 0; i < kClients; ++i) {
    const int company = static_cast<int>(i) + 1;
    claims.push_back(Drafted(company));
    v1::Expense expense = MakeExpense();
    expense.set_invoice_number(absl::StrCat("shared-", i / 2));
    ASSERT_TRUE(Add(claims.back(), company, {expense}).ok());
    auto request = Of<v1::SignClaimRequest>(claims.back());
    *request.mutable_signature() = Paper();
    request.set_request_id(NextUuid());
    requests.push_back(request);
  }
  std::vector<std::thread> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      const auto done = Do<v1::Claim>("SignClaim", Entity(static_cast<int>(i) + 1), requests[i]);
      EXPECT_TRUE(done.ok()) << done.status();
    });
  }
  for (auto& client : clients) client.join();
  std::set<int64_t> numbers;
  size_t counted = 0;
  for (size_t i = 0; i < kClients; ++i) {
    numbers.insert(Now(claims[i]).number());
    if (Now(claims[i]).calculated().units() == 600'000) ++counted;
  }
  EXPECT_EQ(numbers.size(), kClients);
  EXPECT_EQ(*numbers.begin(), 1);
  EXPECT_EQ(*numbers.rbegin(), int64_t{kClients});
  EXPECT_EQ(counted, kClients / 2) << "of each pair one";
  ExpectSound();
}

TEST_F(ClaimTest, TwoTimes) {
  ListInForce();
  const std::string claim = Drafted(1);
  ASSERT_TRUE(Add(claim, 1, {MakeExpense()}).ok());
  const int64_t drafted_us = absl::ToUnixMicros(clock_.Now());
  GoTo(Day("2024-06-12"));
  clock_.Advance(absl::Hours(9));
  ASSERT_TRUE(Sign(claim, Entity(1)).ok());
  v1::GetClaimRequest get;
  get.set_name(claim);
  EXPECT_EQ(Must<v1::Claim>("GetClaim", auditor_, get).state(), State::SIGNED);
  *get.mutable_as_of() = Day("2024-06-11").ToProto();
  EXPECT_EQ(Must<v1::Claim>("GetClaim", auditor_, get).state(), State::DRAFT);
  get.clear_as_of();
  get.mutable_known_at()->set_seconds(drafted_us / 1'000'000 + 3600);
  EXPECT_EQ(Must<v1::Claim>("GetClaim", auditor_, get).state(), State::DRAFT);
  v1::ListExpensesRequest list;
  list.set_parent(claim);
  EXPECT_EQ(Must<v1::ListExpensesResponse>("ListExpenses", Entity(1), list).expenses_size(), 1);
  *list.mutable_as_of() = Day("2024-06-09").ToProto();
  EXPECT_EQ(Do<v1::ListExpensesResponse>("ListExpenses", auditor_, list).status().code(),
            absl::StatusCode::kNotFound)
      << "there was no claim on that day";
}

TEST_F(ClaimTest, DraftsAreEditedAndGivenUp) {
  ListInForce();
  const std::string claim = Drafted(1);
  ASSERT_TRUE(Add(claim, 1, {MakeExpense(), MakeExpense()}).ok());
  v1::DeleteExpenseRequest take;
  take.set_name(claim + "/expenses/1");
  ASSERT_TRUE(Do<v1::DeleteExpenseResponse>("DeleteExpense", Entity(1), take).ok());
  EXPECT_EQ(Now(claim).expense_count(), 1);
  // Another company sees none of it.
  v1::GetClaimRequest get;
  get.set_name(claim);
  EXPECT_EQ(ReasonOf(Do<v1::Claim>("GetClaim", Entity(2), get).status()), "ACCESS_DENIED");
  v1::AddExpensesRequest dry;
  dry.set_parent(claim);
  *dry.add_expenses() = MakeExpense();
  dry.mutable_expenses(0)->set_goods_code("9999");
  dry.set_validate_only(true);
  const auto noted = Must<v1::AddExpensesResponse>("AddExpenses", Entity(1), dry);
  ASSERT_EQ(noted.notes_size(), 1);
  EXPECT_EQ(noted.notes(0).unsatisfied(0), "ON_LIST");
  EXPECT_EQ(Now(claim).expense_count(), 1);
  v1::AddExpensesRequest many;
  many.set_parent(claim);
  for (int i = 0; i < 1000; ++i) *many.add_expenses() = MakeExpense();
  EXPECT_EQ(ReasonOf(Do<v1::AddExpensesResponse>("AddExpenses", Entity(1), many).status()),
            "EXPENSES_FULL");
  v1::DeleteClaimRequest give_up;
  give_up.set_name(claim);
  ASSERT_TRUE(Do<v1::DeleteClaimResponse>("DeleteClaim", Entity(1), give_up).ok());
  EXPECT_EQ(Do<v1::Claim>("GetClaim", auditor_, get).status().code(), absl::StatusCode::kNotFound);
  const std::string kept = Signed(1, {MakeExpense()});
  give_up.set_name(kept);
  const absl::Status refused =
      Do<v1::DeleteClaimResponse>("DeleteClaim", Entity(1), give_up).status();
  EXPECT_EQ(ReasonOf(refused), "CLAIM_STATE");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("verb"), "give up");
}

TEST_F(ClaimTest, AListIsTakenIn) {
  const std::string list = DraftList({Good("8419", v1::MEDIUM)});
  const auto take = [&](const std::vector<std::vector<std::string>>& cells) {
    const rpc::Method& method = MethodOf("ImportEntries");
    rpc::Call call = MakeCall(method, trade_);
    v1::ImportEntriesRequest header, rows;
    header.mutable_header()->set_parent(list);
    header.mutable_header()->set_request_id(NextUuid());
    header.mutable_header()->set_row_count(static_cast<int32_t>(cells.size()));
    for (const auto& cell : cells) {
      auto* row = rows.mutable_rows()->add_rows();
      row->set_row_number(rows.rows().rows_size());
      row->set_goods_code(cell[0]);
      row->set_oked(cell[1]);
      row->set_processing_level(cell[2]);
    }
    rpc::v1::ImportReport report;
    EXPECT_TRUE(Prepare(method, &header, &call).ok());
    auto sink = method.client_stream(call);
    EXPECT_TRUE(sink.ok()) << sink.status();
    EXPECT_TRUE((*sink)->Push(header).ok());
    EXPECT_TRUE(Prepare(method, &rows, &call).ok());
    EXPECT_TRUE((*sink)->Push(rows).ok());
    call.request_id = header.header().request_id();
    const auto answer = (*sink)->Finish(call);
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(report.ParseFromString(*answer));
    return report;
  };
  // What covers another, a good without a level, a word that is none: nothing enters.
  const auto torn = take({{"8504", "", "HIGH"},
                          {"841990", "", "HIGH"},
                          {"8505", "", ""},
                          {"", "62.01", "LOW"},
                          {"8506", "", "UTMOST"}});
  EXPECT_FALSE(torn.committed());
  EXPECT_EQ(torn.invalid_count(), 4);
  EXPECT_EQ(torn.rows(1).reason(), "ENTRY_OVERLAP");
  const auto whole = take({{"8504", "", "high"}, {"2106", "", "LOW"}, {"", "62.01", ""}});
  EXPECT_TRUE(whole.committed()) << whole.ShortDebugString();
  EXPECT_EQ(whole.entered_count(), 3);
  v1::ListEntriesRequest entries;
  entries.set_parent(list);
  EXPECT_EQ(Must<v1::ListEntriesResponse>("ListEntries", institute_, entries).entries_size(), 4);
  EXPECT_EQ(ReasonOf(Do<v1::ListEntriesResponse>("ListEntries", public_, entries).status()),
            "ACCESS_DENIED");
}

TEST_F(ClaimTest, DeadlinesAreListedToWhomTheyConcern) {
  ListInForce();
  const std::string fixing = Fixing(1, {MakeExpense()});
  const std::string other = InReview(2, {MakeExpense()});
  v1::ListDeadlinesRequest list;
  list.set_filter("state = \"OPEN\"");
  const auto all = Must<v1::ListDeadlinesResponse>("ListDeadlines", institute_, list);
  EXPECT_EQ(all.deadlines_size(), 2);
  const auto own = Must<v1::ListDeadlinesResponse>("ListDeadlines", Entity(1), list);
  ASSERT_EQ(own.deadlines_size(), 1);
  EXPECT_EQ(own.deadlines(0).record(), fixing);
  EXPECT_EQ(Must<v1::ListDeadlinesResponse>("ListDeadlines", Entity(2), list).deadlines_size(), 0);
}

TEST_F(ClaimTest, ListsAreComparedAndReadWhole) {
  const std::string first = ListInForce();
  v1::Entry renamed = Good("8419", v1::LOW);
  renamed.set_name_ru("Иначе");
  const std::string next =
      DraftList({Good("8504", v1::HIGH), renamed, Good("8501", v1::HIGH), ServiceEntry("62.01")});
  v1::DiffEditionsRequest diff;
  diff.set_base(first);
  diff.set_target(next);
  EXPECT_EQ(ReasonOf(Do<v1::DiffEditionsResponse>("DiffEditions", public_, diff).status()),
            "ACCESS_DENIED")
      << "a draft";
  diff.set_page_size(2);
  std::string found;
  do {
    const auto page = Must<v1::DiffEditionsResponse>("DiffEditions", trade_, diff);
    for (const auto& one : page.differences()) {
      absl::StrAppend(&found, v1::DiffEditionsResponse::Difference::Kind_Name(one.kind()), " ",
                      CodeOf(one.has_after() ? one.after() : one.before()), " ",
                      one.changed_fields_size(), "; ");
    }
    diff.set_page_token(page.next_page_token());
  } while (!diff.page_token().empty());
  EXPECT_EQ(found, "REMOVED 2106 0; CHANGED 8419 2; ADDED 8501 0; ");
  v1::ExportEditionRequest whole;
  whole.set_name(first);
  std::string codes;
  for (const v1::Entry& entry : Streamed<v1::Entry>("ExportEdition", public_, whole)) {
    absl::StrAppend(&codes, CodeOf(entry), " ");
  }
  EXPECT_EQ(codes, "2106 62.01 8419 8504 ");
}

TEST_F(ClaimTest, EachKindOfCost) {
  ListInForce();
  std::vector<v1::Expense> expenses;
  for (int kind = 1; kind <= v1::CostKind_MAX; ++kind) {
    expenses.push_back(MakeExpense(static_cast<v1::CostKind>(kind)));
  }
  ASSERT_EQ(expenses.size(), 15U);
  const std::string claim = Signed(1, expenses);
  for (int kind = 1; kind <= v1::CostKind_MAX; ++kind) {
    const bool by_level = kind == v1::DELIVERY || kind == v1::CONFORMITY;
    const v1::Line line = ExpenseNow(claim, kind).line();
    EXPECT_EQ(line.amount().units(), by_level ? 800'000 : 600'000)
        << v1::CostKind_Name(static_cast<v1::CostKind>(kind));
    EXPECT_EQ(line.rate_by(), by_level ? "HIGH" : "SMALL");
  }
  EXPECT_EQ(Now(claim).calculated().units(), 2 * 800'000 + 13 * 600'000);
  // Bound by the taxes instead.
  v1::CreateClaimRequest create;
  *create.mutable_claim() = MakeClaim(2);
  *create.mutable_claim()->mutable_taxes_paid() = Money::Parse("599999.99")->ToProto();
  const std::string bound = Must<v1::Claim>("CreateClaim", Entity(2), create).name();
  ASSERT_TRUE(Add(bound, 2, {MakeExpense()}).ok());
  EXPECT_EQ(Sign(bound, Entity(2))->calculated().units(), 599'999);
}

TEST_F(ClaimTest, ACurrencyHasOneRateOnADay) {
  ListInForce();
  const auto paid = [&](const std::string& rate, int32_t units, const char* currency = "KRW",
                        int days = 30) {
    v1::Expense expense = MakeExpense(v1::EXHIBITION, "10000");
    expense.set_currency(currency);
    expense.set_exchange_rate(rate);
    expense.set_exchange_units(units);
    *expense.mutable_payment_date() = today().AddDays(-days).ToProto();
    return expense;
  };
  const std::string claim = Drafted(1);
  ASSERT_TRUE(Add(claim, 1,
                  {paid("34.52", 100), paid("345.2", 1000), paid("35", 100, "KRW", 29),
                   paid("480", 0, "EUR")})
                  .ok());
  ASSERT_TRUE(Add(claim, 1, {paid("345.2", 100)}).ok());
  EXPECT_EQ(ReasonOf(Sign(claim, Entity(1)).status()), "RATES_DIFFER") << "ten times as much";
  v1::DeleteExpenseRequest take;
  take.set_name(ExpenseName(claim, 5));
  ASSERT_TRUE(Do<v1::DeleteExpenseResponse>("DeleteExpense", Entity(1), take).ok());
  EXPECT_TRUE(Sign(claim, Entity(1)).ok());
}

TEST_F(ClaimTest, NoticesAreReadByWhomTheyAreOf) {
  ListInForce();
  const std::string claim = InReview(1, {MakeExpense()});
  gate::v1::ListNoticesRequest list;
  list.set_parent(claim);
  const auto own = Must<gate::v1::ListNoticesResponse>("ListNotices", Entity(1), list);
  ASSERT_EQ(own.notices_size(), 1);
  EXPECT_EQ(own.notices(0).verdict(), gate::v1::Notice::PASSED);
  const auto others = Do<gate::v1::ListNoticesResponse>("ListNotices", Entity(2), list);
  EXPECT_TRUE(!others.ok() || others->notices().empty());
  gate::v1::GetNoticeRequest get;
  get.set_name(own.notices(0).name());
  EXPECT_TRUE(Do<gate::v1::Notice>("GetNotice", Entity(1), get).ok());
  EXPECT_EQ(ReasonOf(Do<gate::v1::Notice>("GetNotice", Entity(2), get).status()), "ACCESS_DENIED");
}

TEST_F(ClaimTest, AThousandExpensesOfAClaim) {
  ListInForce();
  std::vector<v1::Expense> many(1000);
  for (auto& expense : many) expense = MakeExpense();
  const std::string claim = Signed(1, many);
  EXPECT_EQ(Now(claim).calculated().units(), 276'900'000) << "the cap of 75,000 MCI";
  const v1::Calculation calculation = Calculated(claim, Entity(1));
  ASSERT_EQ(calculation.lines_size(), 1000);
  EXPECT_EQ(calculation.lines(499).name(), ExpenseName(claim, 500));
  EXPECT_EQ(calculation.lines(499).kind(), v1::EXHIBITION);
  EXPECT_EQ(calculation.lines(499).line().amount().units(), 600'000);
  const v1::Expense twin = many[500];
  EXPECT_EQ(Now(Signed(2, {twin})).calculated().units(), 0);
}

}  // namespace
}  // namespace nisi::export_refunds
