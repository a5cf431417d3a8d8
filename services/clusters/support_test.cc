// Supports: rules as tables, states against methods, and money over the real service.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/machine_testing.h"
#include "common/cases/budget_testing.h"
#include "common/cases/deadlines.h"
#include "common/cases/machine_testing.h"
#include "common/rpc/peer_testing.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "services/clusters/errors.h"
#include "services/clusters/rules_support.h"
#include "services/clusters/service_testing.h"

namespace nisi::clusters {
namespace {

using base::Money;
using base::ReasonOf;
using priority_goods::v1::CheckGoodsRequest;
using priority_goods::v1::CheckGoodsResponse;

TEST(SupportRulesTest, YearsRunFromTheFirstGrant) {
  EXPECT_EQ(*SupportYear(0, 2026), 1);
  EXPECT_EQ(*SupportYear(2026, 2026), 1);
  EXPECT_EQ(*SupportYear(2026, 2028), 3);  // also without a grant in between
  EXPECT_EQ(ReasonOf(SupportYear(2026, 2029).status()), "UPKEEP_TERM_OVER");
  EXPECT_EQ(ReasonOf(SupportYear(2026, 2025).status()), "UPKEEP_TERM_OVER");
}

TEST(SupportRulesTest, TheYearHasBegunAndIsNotBeforeTheSelection) {
  const struct {
    int year;
    const char *selected, *today, *reason;
  } kCases[] = {
      {2026, "2026-06-15", "2026-06-15", ""},
      {2025, "2026-06-15", "2026-12-31", "SUPPORT_YEAR_NOT_POSSIBLE"},
      {2027, "2026-06-15", "2026-12-31", "SUPPORT_YEAR_NOT_POSSIBLE"},
      {2027, "2026-06-15", "2027-01-01", ""},
      {2026, "2026-12-31", "2028-01-01", ""},
      {2026, "2027-01-01", "2028-01-01", "SUPPORT_YEAR_NOT_POSSIBLE"},
  };
  for (const auto& c : kCases) {
    const absl::Status checked = CheckSupportYear(c.year, Day(c.selected), Day(c.today));
    EXPECT_EQ(ReasonOf(checked), c.reason) << c.year << " " << c.selected << " " << c.today;
    EXPECT_EQ(base::LegalBasisOf(checked).article(), checked.ok() ? "" : "Art. 40(1)");
  }
}

TEST(SupportRulesTest, CostsAreAcceptedItemByItem) {
  const auto accepted = [](std::vector<std::pair<int64_t, std::string>> items) -> std::string {
    v1::Support support;
    *support.add_cost_items()->mutable_cost() = Tenge(100);
    *support.add_cost_items()->mutable_cost() = Tenge(50);
    v1::ExamineSupportRequest request;
    for (const auto& [sum, remark] : items) {
      auto* item = request.add_items();
      if (sum >= 0) *item->mutable_accepted() = Tenge(sum);
      item->set_remark(remark);
    }
    const auto total = Accept(request.items(), &support);
    return total.ok() ? total->ToString() : ReasonOf(total.status());
  };
  EXPECT_EQ(accepted({{-1, ""}, {-1, ""}}), "150.00");
  EXPECT_EQ(accepted({{-1, ""}, {20, "аренда"}}), "120.00");
  EXPECT_EQ(accepted({{-1, ""}, {20, ""}}), "COSTS_INCOMPLETE");
  EXPECT_EQ(accepted({{-1, ""}}), "COSTS_INCOMPLETE");
  EXPECT_EQ(accepted({{-1, ""}, {51, ""}}), "ACCEPTED_OVER_COST");
}

class SupportTest : public ClustersTest {
 protected:
  v1::RequestSupportRequest Ask(const Round& round, int64_t cost = 1000, int year = 2026) {
    v1::RequestSupportRequest request;
    request.mutable_support()->set_cluster(round.cluster);
    request.mutable_support()->set_recipient(Bin(round.organizations[0]));
    request.mutable_support()->set_form(v1::Support::COST_RECOVERY);
    request.mutable_support()->set_year(year);
    auto* item = request.mutable_support()->add_cost_items();
    item->set_title("Аренда");
    *item->mutable_cost() = Tenge(cost);
    *request.mutable_support()->mutable_requested_sum() = Tenge(cost);
    return request;
  }
  v1::Support Requested(const Round& round, int64_t cost = 1000, int year = 2026) {
    return Must<v1::Support>("RequestSupport", Entity(round.organizations[0]),
                             Ask(round, cost, year));
  }
  v1::Support Now(const std::string& name) { return Stored(kSupports, name).support(); }
  // The terms to pay of a support as they were opened: "OPEN 2026-08-10 2026-08-13", since and
  // until.
  std::vector<std::string> Terms(const std::string& name) {
    std::map<int64_t, std::string> terms;
    const auto scanned = store().Read().Scan(
        cases::kDeadlinesByRecord, {store::Key::Of(name), ""}, {},
        [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<cases::DeadlineRow>(row));
          const cases::Deadline& one = stored.row.deadline();
          if (one.kind() != "clusters.support.payment_days") return true;
          terms[stored.row.number()] = absl::StrCat(
              cases::Deadline::State_Name(one.state()), " ",
              base::Date::FromProto(one.since())->ToString(), " ",
              base::Date::FromProto(one.due_date())->ToString(), one.overdue() ? " late" : "");
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    std::vector<std::string> found;
    for (const auto& [number, term] : terms) found.push_back(term);
    return found;
  }
  void Notice(const std::string& name, gate::v1::Checkpoint checkpoint,
              gate::v1::Notice::Verdict verdict = gate::v1::Notice::PASSED,
              std::optional<base::Date> checked = std::nullopt) {
    gate::v1::RecordNoticeRequest request;
    request.mutable_notice()->set_number("G-1");
    request.mutable_notice()->set_checkpoint(checkpoint);
    request.mutable_notice()->set_recipient(Now(name).recipient());
    request.mutable_notice()->set_record(name);
    *request.mutable_notice()->mutable_check_date() = checked.value_or(today()).ToProto();
    request.mutable_notice()->set_verdict(verdict);
    Must<gate::v1::Notice>("RecordNotice", institute_, request);
  }
  absl::StatusOr<v1::Support> ExamineIt(const std::string& name, const rpc::Caller& caller,
                                        bool complete = true) {
    v1::ExamineSupportRequest request;
    request.set_name(name);
    request.set_etag(Now(name).etag());
    for (int i = 0; i < Now(name).cost_items_size(); ++i) request.add_items();
    request.set_documents_complete(complete);
    request.set_opinion("Поддержать");
    return Do<v1::Support>("ExamineSupport", caller, request);
  }
  absl::StatusOr<v1::Support> Decide(const std::string& name, const rpc::Caller& caller,
                                     int64_t tenge, const std::string& refusal = "") {
    v1::DecideSupportRequest request;
    request.set_name(name);
    request.set_etag(Now(name).etag());
    if (refusal.empty()) *request.mutable_approved_sum() = Tenge(tenge);
    request.set_refusal_reason(refusal);
    request.set_programme("programmes/clusters");
    request.set_order_number("3");
    *request.mutable_order_date() = today().ToProto();
    return Do<v1::Support>("DecideSupport", caller, request);
  }
  v1::PaySupportRequest Payment(const std::string& name, int64_t tenge) {
    v1::PaySupportRequest request;
    request.set_name(name);
    request.set_etag(Now(name).etag());
    *request.mutable_amount() = Tenge(tenge);
    request.set_order_number("44");
    return request;
  }
  absl::StatusOr<v1::Payment> PayIt(const std::string& name, const rpc::Caller& caller,
                                    int64_t tenge) {
    return Do<v1::Payment>("PaySupport", caller, Payment(name, tenge));
  }
  void Allocate(int64_t tenge) {
    budget::v1::AllocateBudgetRequest request;
    request.set_account(absl::StrCat("programmes/clusters/accounts/", today().year()));
    *request.mutable_amount() = Tenge(tenge);
    request.set_order_number("1");
    *request.mutable_order_date() = today().ToProto();
    Must<budget::v1::Account>("AllocateBudget", authority_, request);
  }
  std::string Stands(int year = 0) {
    budget::v1::GetAccountRequest get;
    get.set_name(absl::StrCat("programmes/clusters/accounts/", year == 0 ? today().year() : year));
    const auto account = Must<budget::v1::Account>("GetAccount", auditor_, get);
    return cases::StandsText(account);
  }
  void ExpectSound() {
    cases::ExpectAccountsSound(store());
    ClustersTest::ExpectSound();
  }
  v1::RecordReturnRequest GivenBack(const std::string& name, const std::string& number,
                                    int64_t tenge, base::Date day) {
    v1::RecordReturnRequest request;
    request.set_name(name);
    request.set_etag(Now(name).etag());
    *request.mutable_amount() = Tenge(tenge);
    request.set_payment_number(number);
    *request.mutable_pay_date() = day.ToProto();
    request.set_reason("Письмо 7");
    return request;
  }
  v1::ReverseReturnRequest Undone(const std::string& name, const std::string& number,
                                  base::Date day) {
    v1::ReverseReturnRequest request;
    request.set_name(name);
    request.set_etag(Now(name).etag());
    request.set_payment_number(number);
    *request.mutable_pay_date() = day.ToProto();
    request.set_reason("Не тот платёж");
    return request;
  }
  // Granted 700 of 1000.
  std::string Granted(const Round& round) {
    const std::string name = Requested(round).name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    EXPECT_TRUE(ExamineIt(name, examiner_).ok());
    EXPECT_TRUE(Decide(name, authority_, 700).ok());
    return name;
  }
  void PayPart(const std::string& name, int64_t tenge) {
    Notice(name, gate::v1::BEFORE_PAYMENT);
    const auto paid = PayIt(name, payer_, tenge);
    EXPECT_TRUE(paid.ok()) << paid.status();
  }
  const rpc::Caller payer_ = CallerOf("kassa@institute", {rpc::v1::INSTITUTE_INDUSTRY});
};

TEST_F(SupportTest, WhatIsGivenBackIsFreeAgain) {
  const Round round = Registered();
  Allocate(1000);
  const std::string name = Granted(round);
  const base::Date start = today();
  const auto back = [&](const v1::RecordReturnRequest& request, const rpc::Caller& caller) {
    return ReasonOf(Do<v1::Support>("RecordReturn", caller, request).status());
  };
  const auto undo = [&](const v1::ReverseReturnRequest& request, const rpc::Caller& caller) {
    return ReasonOf(Do<v1::Support>("ReverseReturn", caller, request).status());
  };
  EXPECT_EQ(back(GivenBack(name, "9", 1, start), payer_), "SUM_OVER_PAID") << "nothing is paid";
  GoTo(start.AddDays(1));
  PayPart(name, 400);
  EXPECT_EQ(Stands(), "300 0 300 400");
  GoTo(start.AddDays(10));
  EXPECT_EQ(back(GivenBack(name, "9", 401, today()), payer_), "SUM_OVER_PAID");
  EXPECT_EQ(back(GivenBack(name, "9", 0, today()), payer_), "INVALID_FIELD");
  EXPECT_EQ(back(GivenBack(name, "9", 100, start), payer_), "PAYMENT_DATE_INVALID");
  EXPECT_EQ(back(GivenBack(name, "9", 100, today().AddDays(1)), payer_), "PAYMENT_DATE_INVALID");
  EXPECT_EQ(back(GivenBack(name, "9", 100, today()), authority_), "ACCESS_DENIED");
  const base::Date came = start.AddDays(8);
  EXPECT_EQ(back(GivenBack(name, "9", 100, came), payer_), "");
  EXPECT_EQ(Stands(), "400 0 300 400");
  EXPECT_EQ(Now(name).returned_sum().units(), 100);
  EXPECT_EQ(Now(name).state(), v1::Support::APPROVED);
  EXPECT_EQ(back(GivenBack(name, "9", 50, came), payer_), "RETURN_RECORDED");
  EXPECT_EQ(back(GivenBack(name, "9", 100, today()), payer_), "RETURN_ALIKE");
  v1::RecordReturnRequest another = GivenBack(name, "9", 100, today());
  another.set_another_payment(true);
  EXPECT_EQ(back(another, payer_), "");
  EXPECT_EQ(back(GivenBack(name, "10", 201, today()), payer_), "SUM_OVER_PAID");
  // Undone by another person, once; then as if it had never been.
  EXPECT_EQ(undo(Undone(name, "9", today().AddDays(-1)), institute_), "RETURN_UNKNOWN");
  EXPECT_EQ(undo(Undone(name, "9", today()), payer_), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(undo(Undone(name, "9", today()), institute_), "");
  EXPECT_EQ(undo(Undone(name, "9", today()), institute_), "RETURN_UNKNOWN");
  EXPECT_EQ(Now(name).returned_sum().units(), 100);
  EXPECT_EQ(Now(name).returns(1).reversed_by(), institute_.subject);
  EXPECT_EQ(Stands(), "400 0 300 400");
  // It is not paid of this support again, and comes back of one that is over, in another year too.
  PayPart(name, 300);
  EXPECT_EQ(Now(name).state(), v1::Support::COMPLETED);
  EXPECT_EQ(Stands(), "400 0 0 700");
  GoTo(Day("2027-02-01"));
  EXPECT_EQ(back(GivenBack(name, "9", 600, today()), payer_), "");
  EXPECT_EQ(Stands(), "600 0 0 0");
  EXPECT_EQ(back(GivenBack(name, "11", 1, today()), payer_), "SUM_OVER_PAID");
  ExpectSound();
  // Seen by those over the support, with its posting; an auditor finds why.
  v1::GetSupportRequest get;
  get.set_name(name);
  const auto own = Must<v1::Support>("GetSupport", Entity(round.organizations[0]), get);
  ASSERT_EQ(own.returns_size(), 3);
  budget::v1::ListPostingsRequest list;
  list.set_parent("programmes/clusters");
  list.set_filter(absl::StrCat("record = \"", name, "\" AND kind = \"RECOVER\""));
  EXPECT_EQ(Must<budget::v1::ListPostingsResponse>("ListPostings", auditor_, list).postings_size(),
            3);
}

// Of payments, notices, postings and deadlines: what stood on a day, and what was known at a time.
TEST_F(SupportTest, ListsAnswerOfADayAndAsWasKnown) {
  const Round round = Registered();
  Allocate(1000);
  const base::Date start = today();
  GoTo(start.AddDays(1));
  const std::string name = Granted(round);
  PayPart(name, 300);
  GoTo(start.AddDays(5));
  const absl::Time before = clock_.Now() - absl::Seconds(1);
  PayPart(name, 400);
  // The count of what is listed, or the refusal.
  const auto count = [&](const std::string& method, auto request, auto response,
                         const std::string& parent, int day) {
    request.set_parent(parent);
    if (day >= 0) {
      *request.mutable_as_of() = start.AddDays(day).ToProto();
    } else {
      request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(before));
    }
    const auto listed = Do<decltype(response)>(method, auditor_, request);
    if (!listed.ok()) return ReasonOf(listed.status());
    const auto* field = response.GetDescriptor()->FindFieldByNumber(1);
    return absl::StrCat(listed->GetReflection()->FieldSize(*listed, field));
  };
  const auto payments = [&](int day) {
    return count("ListPayments", v1::ListPaymentsRequest(), v1::ListPaymentsResponse(), name, day);
  };
  const auto notices = [&](int day) {
    return count("ListNotices", gate::v1::ListNoticesRequest(), gate::v1::ListNoticesResponse(),
                 name, day);
  };
  const auto postings = [&](int day) {
    return count("ListPostings", budget::v1::ListPostingsRequest(),
                 budget::v1::ListPostingsResponse(), "programmes/clusters", day);
  };
  const auto deadlines = [&](int day) {
    return count("ListDeadlines", v1::ListDeadlinesRequest(), v1::ListDeadlinesResponse(),
                 round.cluster, day);
  };
  constexpr int kKnown = -1;
  EXPECT_EQ(payments(0), "NOT_FOUND") << "there was no support";
  EXPECT_EQ(payments(1), "1");
  EXPECT_EQ(payments(5), "2");
  EXPECT_EQ(payments(kKnown), "1");
  EXPECT_EQ(notices(0), "0");
  EXPECT_EQ(notices(4), "2");
  EXPECT_EQ(notices(5), "3");
  EXPECT_EQ(notices(kKnown), "2");
  EXPECT_EQ(postings(0), "1");
  EXPECT_EQ(postings(4), "4");
  EXPECT_EQ(postings(5), "5");
  EXPECT_EQ(postings(kKnown), "4");
  // The report is owed from the entry to the register on.
  EXPECT_EQ(deadlines(0), "1");
  EXPECT_EQ(deadlines(kKnown), "1");
  Must<v1::Cluster>("RemoveCluster", authority_, Ordered<v1::RemoveClusterRequest>(round.cluster));
  EXPECT_EQ(deadlines(5), "0");
  EXPECT_EQ(deadlines(4), "1");
  EXPECT_EQ(deadlines(kKnown), "1");
}

TEST_F(SupportTest, FromRequestToTheLastPayment) {
  const Round round = Registered();
  Allocate(900);
  const std::string name = Requested(round).name();
  EXPECT_TRUE(Now(name).has_due_date());
  // Not checked is not passed.
  const absl::Status silent = ExamineIt(name, examiner_).status();
  EXPECT_EQ(ReasonOf(silent), "GATE_NOT_CHECKED");
  EXPECT_EQ(silent.code(), absl::StatusCode::kUnavailable);
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  const auto examined = ExamineIt(name, examiner_);
  ASSERT_TRUE(examined.ok()) << examined.status();
  EXPECT_EQ(examined->support_year(), 1);
  EXPECT_EQ(Now(name).ceiling().units(), 700);
  EXPECT_EQ(ReasonOf(Decide(name, authority_, 701).status()), "SUM_OVER_CEILING");
  EXPECT_EQ(ReasonOf(Decide(name, authority_, 0, "нет").status()), "GROUND_MISSING");
  const rpc::Caller both = CallerOf(examiner_.subject, {rpc::v1::AUTHORITY_INDUSTRY});
  EXPECT_EQ(ReasonOf(Decide(name, both, 700).status()), "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(Decide(name, authority_, 700).ok());
  EXPECT_EQ(Stands(), "200 0 700 0");
  EXPECT_EQ(ReasonOf(PayIt(name, payer_, 100).status()), "GATE_NOT_CHECKED");
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(name, examiner_, 100).status()), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(ReasonOf(PayIt(name, payer_, 701).status()), "SUM_OVER_APPROVED");
  v1::PaySupportRequest pay = Payment(name, 300);
  pay.set_request_id(NextUuid());
  const auto paid = Do<v1::Payment>("PaySupport", payer_, pay);
  ASSERT_TRUE(paid.ok()) << paid.status();
  EXPECT_EQ(Stands(), "200 0 400 300");
  // Asked again, as after a broken connection: the same answer, whatever the gate says by now.
  Notice(name, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  EXPECT_EQ(Must<v1::Payment>("PaySupport", payer_, pay).SerializeAsString(),
            paid->SerializeAsString());
  EXPECT_EQ(ReasonOf(PayIt(name, payer_, 100).status()), "GATE_FAILED");
  Notice(name, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(name, payer_, 100).ok());
  EXPECT_EQ(ReasonOf(PayIt(name, payer_, 100).status()), "NOTICE_USED");
  Notice(name, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(name, payer_, 300).ok());
  EXPECT_EQ(Now(name).state(), v1::Support::COMPLETED);
  EXPECT_EQ(Stands(), "200 0 0 700");
  ExpectSound();
  v1::ReplayDecisionRequest replay;
  replay.set_name(name);
  const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  EXPECT_EQ(replayed.replays_size(), 2);
  for (const auto& one : replayed.replays()) EXPECT_TRUE(one.same()) << one.field();
  for (int number = 1; number <= 3; ++number) {
    replay.set_name(absl::StrCat(name, "/payments/", number));
    const auto of_payment = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
    ASSERT_EQ(of_payment.replays_size(), 1) << number;
    EXPECT_TRUE(of_payment.replays(0).same()) << number;
  }
  replay.set_name(absl::StrCat(name, "/payments/4"));
  EXPECT_EQ(Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay).status().code(),
            absl::StatusCode::kNotFound);
}

// What was promised in a year is paid out of that year's money, also when the year is over, and
// what is left of it is free there.
TEST_F(SupportTest, WhatIsPaidInTheNextYearComesFromTheAccountThatHoldsIt) {
  const Round round = Registered();
  Allocate(1000);
  const int granted = today().year();
  const std::string name = Granted(round);
  GoTo(*base::Date::Of(granted + 1, 2, 10));
  Allocate(50);
  PayPart(name, 300);
  EXPECT_EQ(Stands(granted), "300 0 400 0");
  EXPECT_EQ(Stands(), "50 0 0 300");
  v1::CompleteSupportRequest complete;
  complete.set_name(name);
  complete.set_reason("Больше не нужно");
  Must<v1::Support>("CompleteSupport", authority_, complete);
  EXPECT_EQ(Stands(granted), "700 0 0 0");
  EXPECT_EQ(Stands(), "50 0 0 300");
  ExpectSound();
}

// The order goes out within 3 working days after the passed second check, not after the grant.
TEST_F(SupportTest, TheTermToPayRunsFromThePassedSecondCheck) {
  const Round round = Registered();
  Allocate(10'000);
  const auto approved = [&] {
    const std::string name = Requested(round, 1000).name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    EXPECT_TRUE(ExamineIt(name, examiner_).ok());
    EXPECT_TRUE(Decide(name, authority_, 300).ok());
    return name;
  };
  GoTo(Day("2026-07-13"));  // a Monday
  const std::string name = approved(), idle = approved();
  EXPECT_THAT(Terms(name), ::testing::IsEmpty());
  EXPECT_FALSE(Now(name).has_due_date());
  // Nobody was checked for a month, and nobody is late.
  GoTo(Day("2026-08-10"));
  Notice(name, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  EXPECT_THAT(Terms(name), ::testing::IsEmpty());
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  EXPECT_THAT(Terms(name), ::testing::IsEmpty()) << "it is not the second check";
  const std::string etag = Now(name).etag();
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_THAT(Terms(name), ::testing::ElementsAre("OPEN 2026-08-10 2026-08-13"));
  EXPECT_EQ(base::Date::FromProto(Now(name).due_date())->ToString(), "2026-08-13");
  EXPECT_NE(Now(name).etag(), etag);
  const auto open = cases::OpenDeadlines(store().Read(), name);
  ASSERT_TRUE(open.ok() && open->size() == 1);
  EXPECT_TRUE(open->front().rests_on_assumption()) << "by-law, but the holidays of 2026 are not";
  EXPECT_EQ(open->front().legal_basis().article(), "No. 437");
  EXPECT_THAT(open->front().roles(), ::testing::ElementsAre(rpc::v1::INSTITUTE_INDUSTRY));
  // One that was recorded late and is not the last word changes nothing; the same day neither.
  const std::string held = Now(name).etag();
  Notice(name, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED, Day("2026-08-07"));
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_THAT(Terms(name), ::testing::ElementsAre("OPEN 2026-08-10 2026-08-13"));
  EXPECT_EQ(Now(name).etag(), held);
  // The next check renews it, by its own day, and leaves what was late as it was.
  GoTo(Day("2026-08-17"));
  Notice(name, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::PASSED, Day("2026-08-14"));
  EXPECT_THAT(Terms(name), ::testing::ElementsAre("CANCELLED 2026-08-10 2026-08-13 late",
                                                  "OPEN 2026-08-14 2026-08-19"));
  // A part that is paid meets it and opens none; what is left waits for a check of its own.
  ASSERT_TRUE(PayIt(name, payer_, 100).ok());
  EXPECT_THAT(Terms(name), ::testing::ElementsAre("CANCELLED 2026-08-10 2026-08-13 late",
                                                  "DONE 2026-08-14 2026-08-19"));
  EXPECT_FALSE(Now(name).has_due_date());
  GoTo(Day("2026-09-01"));
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(Terms(name).back(), "OPEN 2026-09-01 2026-09-04");
  // A failure that is the last word: nothing can be paid, so nobody owes it.
  GoTo(Day("2026-09-02"));
  Notice(name, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  EXPECT_EQ(Terms(name).back(), "CANCELLED 2026-09-01 2026-09-04");
  EXPECT_FALSE(Now(name).has_due_date());
  GoTo(Day("2026-09-03"));
  Notice(name, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(name, payer_, 200).ok());
  EXPECT_EQ(Terms(name).back(), "DONE 2026-09-03 2026-09-08");
  EXPECT_EQ(Now(name).state(), v1::Support::COMPLETED);
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(Terms(name).back(), "DONE 2026-09-03 2026-09-08") << "nothing is left to pay";
  Notice(idle, gate::v1::BEFORE_PAYMENT);
  v1::CompleteSupportRequest complete;
  complete.set_name(idle);
  complete.set_reason("Больше не нужно");
  ASSERT_TRUE(Do<v1::Support>("CompleteSupport", authority_, complete).ok());
  EXPECT_THAT(Terms(idle), ::testing::ElementsAre("CANCELLED 2026-09-03 2026-09-08"));
}

// "kind record since" as they are listed.
TEST_F(SupportTest, DeadlinesAreListedOfARecordAndTheOverdueOfAll) {
  const Round round = Registered(), other = Registered();
  Allocate(10'000);
  const rpc::Caller owner = Entity(round.organizations[0]);
  const std::string name = Requested(round).name();
  const auto of = [&](const rpc::Caller& by, const std::string& parent) {
    v1::ListDeadlinesRequest request;
    request.set_parent(parent);
    std::vector<std::string> kinds;
    const auto listed = Do<v1::ListDeadlinesResponse>("ListDeadlines", by, request);
    if (!listed.ok()) return std::vector<std::string>{ReasonOf(listed.status())};
    for (const auto& one : listed->deadlines()) {
      EXPECT_EQ(one.record(), parent);
      EXPECT_EQ(one.state(), cases::Deadline::OPEN);
      EXPECT_FALSE(one.legal_basis().article().empty());
      kinds.push_back(one.kind());
    }
    return kinds;
  };
  using Kinds = std::vector<std::string>;
  for (const rpc::Caller& by : {owner, institute_, authority_, auditor_}) {
    EXPECT_EQ(of(by, name), Kinds{"clusters.support.examination_days"});
    EXPECT_EQ(of(by, round.cluster), Kinds{kReportDeadline});
  }
  for (const std::string& record : {name, round.cluster}) {
    EXPECT_EQ(of(Entity(other.organizations[0]), record), Kinds{"ACCESS_DENIED"}) << record;
    EXPECT_EQ(of(ExpertOf(1), record), Kinds{"ACCESS_DENIED"}) << record;
  }
  const std::string selection = RoundAt(v1::Selection::SCORING).selection;
  EXPECT_EQ(of(auditor_, selection), Kinds{"clusters.selection.scoring_days"});
  EXPECT_EQ(of(owner, selection), Kinds{"ACCESS_DENIED"}) << "whose steps are the officials'";
  EXPECT_EQ(of(auditor_, "clusters/77"), Kinds{"NOT_FOUND"});
  EXPECT_EQ(of(owner, "clusters/77"), Kinds{"ACCESS_DENIED"});
  EXPECT_EQ(of(auditor_, "initiatives/1"), Kinds{"INVALID_FIELD"});

  // What is late: the oldest first, to an organization its own.
  const auto late = [&](const rpc::Caller& by, const std::string& filter = "") {
    v1::ListOverdueRequest request;
    request.set_filter(filter);
    std::vector<std::string> found;
    const auto listed = Do<v1::ListOverdueResponse>("ListOverdue", by, request);
    if (!listed.ok()) return std::vector<std::string>{ReasonOf(listed.status())};
    for (const auto& one : listed->deadlines()) {
      EXPECT_TRUE(one.overdue());
      found.push_back(absl::StrCat(one.record(), " ", one.kind()));
    }
    return found;
  };
  EXPECT_THAT(late(auditor_), ::testing::IsEmpty());
  GoTo(Day("2027-03-02"));
  const std::string examination = name + " clusters.support.examination_days";
  const std::string report = absl::StrCat(round.cluster, " ", kReportDeadline);
  const std::string of_other = absl::StrCat(other.cluster, " ", kReportDeadline);
  for (const rpc::Caller& by : {institute_, authority_, auditor_}) {
    const Kinds all = late(by);
    ASSERT_GE(all.size(), 3U);
    EXPECT_THAT(all, ::testing::IsSupersetOf({examination, report, of_other}));
    EXPECT_LT(std::find(all.begin(), all.end(), examination),
              std::find(all.begin(), all.end(), report));
  }
  EXPECT_THAT(late(authority_, "kind = \"yearly_report\""),
              ::testing::UnorderedElementsAre(report, of_other));
  EXPECT_THAT(late(owner), ::testing::ElementsAre(report));
  EXPECT_THAT(late(Entity(5000)), ::testing::IsEmpty());
  EXPECT_THAT(late(CallerOf("nobody's", {rpc::v1::ENTITY})), ::testing::IsEmpty());
  EXPECT_THAT(late(ExpertOf(1)), ::testing::ElementsAre("ACCESS_DENIED"));
  v1::ListOverdueRequest page;
  page.set_page_size(1);
  const auto first = Must<v1::ListOverdueResponse>("ListOverdue", authority_, page);
  EXPECT_EQ(first.deadlines_size(), 1);
  EXPECT_FALSE(first.next_page_token().empty());
  // What is done is not late any more; how it stood before stays readable.
  GoTo(Day("2027-03-03"));
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  EXPECT_THAT(late(authority_), ::testing::Not(::testing::Contains(examination)));
  v1::ListOverdueRequest before;
  *before.mutable_as_of() = Day("2027-03-02").ToProto();
  before.set_filter(absl::StrCat("record = \"", name, "\""));
  EXPECT_EQ(Must<v1::ListOverdueResponse>("ListOverdue", auditor_, before).deadlines_size(), 1);
}

// Those that a release before this one opened with the grant.
TEST_F(SupportTest, TermsToPayOfOlderStoresEndAsTheOthers) {
  const Round round = Registered();
  Allocate(10'000);
  GoTo(Day("2026-07-13"));
  const auto approved = [&] {
    const std::string name = Requested(round, 1000).name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    EXPECT_TRUE(ExamineIt(name, examiner_).ok());
    EXPECT_TRUE(Decide(name, authority_, 200).ok());
    SupportRow row = Stored(kSupports, name);
    const auto written = store().Write(
        {.actor = "test", .method = "test"}, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
          cases::Deadline deadline;
          deadline.set_record(name);
          deadline.set_kind("clusters.support.payment_days");
          deadline.set_norm(deadline.kind());
          deadline.add_roles(rpc::v1::INSTITUTE_INDUSTRY);
          *deadline.mutable_since() = today().ToProto();
          *deadline.mutable_due_date() = Day("2026-07-16").ToProto();
          *deadline.mutable_legal_basis() = errors::Account();
          *row.mutable_support()->mutable_due_date() = deadline.due_date();
          RETURN_IF_ERROR(tx.Put(kSupports, &row));
          return cases::OpenDeadline(tx, std::move(deadline));
        });
    EXPECT_TRUE(written.ok()) << written.status();
    EXPECT_THAT(Terms(name), ::testing::ElementsAre("OPEN 2026-07-13 2026-07-16"));
    return name;
  };
  const std::string paid = approved(), failed = approved(), ended = approved();
  GoTo(Day("2026-07-27"));
  Notice(paid, gate::v1::BEFORE_PAYMENT);
  EXPECT_THAT(Terms(paid), ::testing::ElementsAre("CANCELLED 2026-07-13 2026-07-16 late",
                                                  "OPEN 2026-07-27 2026-07-30"));
  ASSERT_TRUE(PayIt(paid, payer_, 200).ok());
  EXPECT_EQ(Terms(paid).back(), "DONE 2026-07-27 2026-07-30");
  Notice(failed, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
  EXPECT_THAT(Terms(failed), ::testing::ElementsAre("CANCELLED 2026-07-13 2026-07-16 late"));
  EXPECT_FALSE(Now(failed).has_due_date());
  v1::CompleteSupportRequest complete;
  complete.set_name(ended);
  complete.set_reason("Больше не нужно");
  ASSERT_TRUE(Do<v1::Support>("CompleteSupport", authority_, complete).ok());
  EXPECT_THAT(Terms(ended), ::testing::ElementsAre("CANCELLED 2026-07-13 2026-07-16 late"));
}

// Each fact of a record names its version, each decision the edition of the norms; the shares are
// assumed.
TEST_F(SupportTest, DecisionsNameTheirNormsAndVersions) {
  const Round round = Registered();
  Allocate(10'000);
  const auto granted = [&](int64_t tenge) {
    const std::string name = Requested(round).name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    EXPECT_TRUE(ExamineIt(name, examiner_).ok());
    EXPECT_TRUE(Decide(name, authority_, tenge).ok());
    return name;
  };
  const std::string read = ClusterNow(round.cluster).etag();
  const std::string first = granted(400);
  const v1::Support before = Now(first);
  const std::string second = granted(300);
  Notice(second, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(second, payer_, 100).ok());
  const auto paid = store().Read().Find(kPayments, store::Key::Of(second, 1));
  ASSERT_TRUE(paid.ok() && paid->has_value());
  const Decision payment = (*paid)->row.payment().decision();
  const auto fact = [](const Decision& decision, const std::string& name) -> std::string {
    for (const auto& finding : decision.findings()) {
      for (const auto& one : finding.facts()) {
        if (one.name() == name) {
          return absl::StrCat(one.value(), " of ", one.source(), " at ", one.version());
        }
      }
    }
    return "none";
  };
  // The first grant changes the cluster, which begins its three years.
  const std::string later = ClusterNow(round.cluster).etag();
  EXPECT_NE(read, later);
  const auto at = [&](const std::string& value, const std::string& etag) {
    return absl::StrCat(value, " of ", round.cluster, " at ", etag);
  };
  const v1::Support after = Now(second);
  const std::string organization = Bin(round.organizations[0]);
  for (const Decision& one : {before.examination(), before.decision()}) {
    EXPECT_EQ(fact(one, "cluster_state"), at("REGISTERED", read));
    EXPECT_EQ(fact(one, "cluster_organization"), at(organization, read));
  }
  for (const Decision& one : {after.examination(), after.decision(), payment}) {
    EXPECT_EQ(fact(one, "cluster_state"), at("REGISTERED", later));
    EXPECT_EQ(fact(one, "cluster_organization"), at(organization, later));
    EXPECT_EQ(one.norms_edition(), norms_.edition());
  }
  EXPECT_EQ(fact(before.decision(), "support_year_on_the_day_of_decision"), at("1", read));
  EXPECT_TRUE(before.decision().rests_on_assumption());
  // The other grants of the year, each with its version; of the first there was none.
  const std::string of_first = absl::StrCat(" of ", first, " at ", before.etag());
  EXPECT_EQ(fact(before.decision(), "other_grant.1.approved_sum"), "none");
  EXPECT_EQ(fact(after.decision(), "other_grant.1.approved_sum"), "400.00" + of_first);
  EXPECT_EQ(fact(after.decision(), "other_grant.1.accepted_cost"), "1000.00" + of_first);
  EXPECT_EQ(fact(after.decision(), "granted_before").substr(0, 7), "400.00 ");
  // Decisions from before that replay as they did.
  const auto older = [](Decision decision) {
    decision.clear_norms_edition();
    decision.clear_rests_on_assumption();
    for (auto& finding : *decision.mutable_findings()) {
      auto* facts = finding.mutable_facts();
      facts->erase(std::remove_if(facts->begin(), facts->end(),
                                  [](const auto& one) {
                                    return absl::StartsWith(one.name(), "other_grant.");
                                  }),
                   facts->end());
      for (auto& one : *facts) {
        if (absl::StartsWith(one.source(), "clusters/")) one.clear_version();
      }
    }
    return decision;
  };
  EXPECT_EQ(ReplayGrant(older(after.decision()))->SerializeAsString(),
            older(after.decision()).SerializeAsString());
  EXPECT_EQ(ReplayPayment(older(payment))->SerializeAsString(), older(payment).SerializeAsString());
  EXPECT_EQ(ReplayGrant(after.decision())->SerializeAsString(),
            after.decision().SerializeAsString());
  // A sum that is not that of the grants it is told with is not replayed as if it were.
  Decision wrong = after.decision();
  for (auto& finding : *wrong.mutable_findings()) {
    for (auto& one : *finding.mutable_facts()) {
      if (one.name() == "granted_before") one.set_value("1.00");
    }
  }
  EXPECT_EQ(ReplayGrant(wrong).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SupportTest, MoneyThatIsNotThereIsNotGranted) {
  const Round round = Registered();
  Allocate(699);
  const std::string name = Requested(round).name();
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  EXPECT_EQ(ReasonOf(Decide(name, authority_, 700).status()), "BUDGET_EXCEEDED");
  EXPECT_EQ(Stands(), "699 0 0 0");
  EXPECT_EQ(Now(name).state(), v1::Support::EXAMINED);
  ASSERT_TRUE(Decide(name, authority_, 699).ok());
  v1::CompleteSupportRequest complete;
  complete.set_name(name);
  complete.set_reason("Больше не нужно");
  ASSERT_TRUE(Do<v1::Support>("CompleteSupport", authority_, complete).ok());
  EXPECT_EQ(Stands(), "699 0 0 0");
  ExpectSound();
}

TEST_F(SupportTest, SeveralGrantsOfAYearShareOneCeiling) {
  const Round round = Registered();
  Allocate(10'000);
  const auto examined = [&](int64_t cost, int year) {
    const std::string name = Requested(round, cost, year).name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    EXPECT_TRUE(ExamineIt(name, examiner_).ok());
    return name;
  };
  const std::string one = examined(1000, 2026), two = examined(1000, 2026);
  ASSERT_TRUE(Decide(one, authority_, 600).ok());
  ASSERT_TRUE(Decide(two, authority_, 700).ok());
  const auto refused = [&](int year) {
    return ReasonOf(
        Do<v1::Support>("RequestSupport", Entity(round.organizations[0]), Ask(round, 1000, year))
            .status());
  };
  EXPECT_EQ(refused(2027), "SUPPORT_YEAR_NOT_POSSIBLE") << "it has not begun";
  EXPECT_EQ(refused(2025), "SUPPORT_YEAR_NOT_POSSIBLE") << "it was not selected then";
  GoTo(Day("2027-01-01"));
  const std::string next = examined(1000, 2027);
  EXPECT_EQ(Now(next).support_year(), 2);
  EXPECT_EQ(Now(next).share_bp(), 5000);
  EXPECT_EQ(Now(next).ceiling().units(), 500);
  GoTo(Day("2028-01-01"));
  const std::string last = examined(1000, 2028);
  EXPECT_EQ(Now(last).support_year(), 3);
  EXPECT_EQ(Now(last).share_bp(), 3000);
  EXPECT_EQ(Now(last).ceiling().units(), 300);
  GoTo(Day("2029-01-01"));
  EXPECT_EQ(refused(2029), "UPKEEP_TERM_OVER");
}

// Two years examined before the first grant: each is the first year then, and one of them is not
// when it comes to the decision.
TEST_F(SupportTest, ASecondYearIsNotGrantedByTheShareOfTheFirst) {
  const Round rounds[] = {Registered(), Registered()};
  GoTo(Day("2027-01-10"));
  Allocate(10'000);
  for (const bool later_first : {false, true}) {
    const Round& round = rounds[later_first ? 1 : 0];
    const auto examined = [&](int year) {
      const std::string name = Requested(round, 1000, year).name();
      Notice(name, gate::v1::BEFORE_CONSIDERATION);
      EXPECT_TRUE(ExamineIt(name, examiner_).ok());
      EXPECT_EQ(Now(name).support_year(), 1);
      return name;
    };
    const std::string granted = examined(later_first ? 2027 : 2026);
    const std::string stale = examined(later_first ? 2026 : 2027);
    ASSERT_TRUE(Decide(granted, authority_, 700).ok());
    EXPECT_EQ(ReasonOf(Decide(stale, authority_, 500).status()), "SUPPORT_YEAR_CHANGED");
    EXPECT_EQ(Now(stale).state(), v1::Support::EXAMINED);
    ASSERT_TRUE(Decide(stale, authority_, 0, "Другой год поддержки").ok());
    EXPECT_EQ(Now(stale).state(), v1::Support::REFUSED);
    v1::ReplayDecisionRequest replay;
    replay.set_name(stale);
    const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
    for (const auto& one : replayed.replays()) EXPECT_TRUE(one.same()) << one.field();
    if (later_first) continue;  // the year before the first is none of the three
    const std::string again = Requested(round, 1000, 2027).name();
    Notice(again, gate::v1::BEFORE_CONSIDERATION);
    ASSERT_TRUE(ExamineIt(again, examiner_).ok());
    EXPECT_EQ(Now(again).ceiling().units(), 500);
    EXPECT_TRUE(Decide(again, authority_, 500).ok());
  }
  ExpectSound();
}

// Asked for before a grant of another year left it outside the three: it is examined and refused,
// as whoever asked is owed a decision.
TEST_F(SupportTest, AYearThatAGrantLeftOutsideTheThreeIsRefused) {
  const Round round = Registered();
  GoTo(Day("2027-01-10"));
  Allocate(10'000);
  const std::string outside = Requested(round, 1000, 2026).name();
  const std::string first = Requested(round, 1000, 2027).name();
  for (const std::string& name : {first, outside}) Notice(name, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(ExamineIt(first, examiner_).ok());
  ASSERT_TRUE(Decide(first, authority_, 700).ok());
  ASSERT_TRUE(ExamineIt(outside, examiner_).ok());
  const v1::Support examined = Now(outside);
  EXPECT_EQ(examined.state(), v1::Support::EXAMINED);
  EXPECT_EQ(examined.support_year(), 0);
  EXPECT_EQ(examined.share_bp(), 0);
  EXPECT_EQ(examined.ceiling().units(), 0);
  EXPECT_TRUE(examined.examination().rests_on_assumption());
  EXPECT_EQ(FirstUnsatisfied(examined.examination()), "WITHIN_UPKEEP_TERM");
  EXPECT_EQ(FirstUnsatisfied(Now(first).examination()), "");
  EXPECT_EQ(ReasonOf(Decide(outside, authority_, 1).status()), "FINDING_UNSATISFIED");
  ASSERT_TRUE(Decide(outside, authority_, 0, "Не из трёх лет").ok());
  EXPECT_EQ(Now(outside).state(), v1::Support::REFUSED);
  v1::ReplayDecisionRequest replay;
  replay.set_name(outside);
  const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  EXPECT_EQ(replayed.replays_size(), 2);
  for (const auto& one : replayed.replays()) EXPECT_TRUE(one.same()) << one.field();
  // Examinations from before that replay without the finding.
  decision::v1::Decision older = Now(first).examination();
  auto* findings = older.mutable_findings();
  const auto before = findings->size();
  findings->erase(
      std::remove_if(findings->begin(), findings->end(),
                     [](const auto& one) { return one.rule() == "WITHIN_UPKEEP_TERM"; }),
      findings->end());
  EXPECT_EQ(findings->size(), before - 1);
  older.clear_norms_edition();
  older.clear_rests_on_assumption();
  EXPECT_EQ(ReplayExamination(older)->findings_size(), older.findings_size());
  ExpectSound();
}

TEST_F(SupportTest, AnotherClusterOrganizationTakesOver) {
  const Round round = Registered();
  Allocate(10'000);
  const std::string approved = Requested(round).name(), examined = Requested(round).name();
  for (const std::string& name : {approved, examined}) {
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  }
  ASSERT_TRUE(Decide(approved, authority_, 700).ok());
  v1::EndMembershipRequest end;
  end.set_name(absl::StrCat(round.cluster, "/members/", Bin(round.organizations[0] + 6)));
  end.set_reason("Вышла");
  Must<v1::Member>("EndMembership", Entity(round.organizations[0]), end);
  const auto owed = [&] {
    std::map<std::string, std::string> by_kind;
    const auto open = cases::OpenDeadlines(store().Read(), round.cluster);
    EXPECT_TRUE(open.ok()) << open.status();
    for (const auto& deadline : *open) by_kind[deadline.kind()] = deadline.bin();
    return by_kind;
  };
  using Owed = std::map<std::string, std::string>;
  const std::string before = Bin(round.organizations[0]), after = Bin(round.organizations[0] + 1);
  EXPECT_EQ(owed(), (Owed{{kCureDeadline, before}, {kReportDeadline, before}}));
  v1::UpdateClusterRequest update;
  update.mutable_cluster()->set_name(round.cluster);
  update.mutable_cluster()->set_cluster_organization(after);
  update.mutable_update_mask()->add_paths("cluster_organization");
  ASSERT_EQ(Must<v1::Cluster>("UpdateCluster", institute_, update).cluster_organization(), after);
  EXPECT_EQ(owed(), (Owed{{kCureDeadline, after}, {kReportDeadline, after}}));
  // What was asked for by the one before is neither granted nor paid to it.
  EXPECT_EQ(ReasonOf(Decide(examined, authority_, 100).status()), "RECIPIENT_NOT_IN_CLUSTER");
  EXPECT_TRUE(Decide(examined, authority_, 0, "Другая организация кластера").ok());
  Notice(approved, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(approved, payer_, 100).status()), "RECIPIENT_NOT_IN_CLUSTER");
  EXPECT_EQ(Stands(), "9300 0 700 0");
}

TEST_F(SupportTest, NothingIsPaidWhileSuspended) {
  const Round round = Registered();
  Allocate(1000);
  const std::string name = Requested(round).name();
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  ASSERT_TRUE(Decide(name, authority_, 700).ok());
  ASSERT_TRUE(Do<v1::Cluster>("SuspendCluster", authority_,
                              Ordered<v1::SuspendClusterRequest>(round.cluster))
                  .ok());
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(name, payer_, 100).status()), "CLUSTER_NOT_ELIGIBLE");
  EXPECT_EQ(
      ReasonOf(
          Do<v1::Support>("RequestSupport", Entity(round.organizations[0]), Ask(round)).status()),
      "CLUSTER_NOT_ELIGIBLE");
  EXPECT_EQ(Stands(), "300 0 700 0") << "what was granted stays committed";
  // Over the end of the year as well.
  GoTo(Day("2027-01-10"));
  budget::v1::CloseYearRequest close;
  close.set_account("programmes/clusters/accounts/2026");
  Must<budget::v1::CloseYearResponse>("CloseYear", authority_, close);
  auto resume = Ordered<v1::ResumeClusterRequest>(round.cluster);
  ASSERT_TRUE(Do<v1::Cluster>("ResumeCluster", authority_, resume).ok());
  Notice(name, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(name, payer_, 700).ok());
  EXPECT_EQ(Stands(), "300 0 0 700");
  ExpectSound();
}

// Whatever an official has recorded: who stands on a list that the register of grants keeps gets
// nothing, and where that register does not answer nobody has passed.
TEST_F(SupportTest, WhoStandsOnAListDoesNotPassByANotice) {
  const Round round = Registered();
  const std::string bin = Bin(round.organizations[0]);
  Allocate(1000);
  const std::string paid = Requested(round).name(), refused = Requested(round).name();
  for (const std::string& name : {paid, refused}) Notice(name, gate::v1::BEFORE_CONSIDERATION);
  const auto expect_silent = [&](const absl::Status& status, int64_t before) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(status), "GATE_NOT_CHECKED");
    EXPECT_EQ(base::InfoOf(status).metadata().at("service"), "grants");
    EXPECT_GT(rpc::RetryOf(status), absl::ZeroDuration());
    EXPECT_EQ(position(), before);
  };
  lists_.SetAway(true);
  expect_silent(ExamineIt(paid, examiner_).status(), position());
  lists_.SetAway(false);
  ASSERT_TRUE(ExamineIt(paid, examiner_).ok());
  ASSERT_TRUE(Decide(paid, authority_, 400).ok());

  bankrupts_ = {bin};
  ASSERT_TRUE(ExamineIt(refused, examiner_).ok());
  EXPECT_EQ(FirstUnsatisfied(Now(refused).examination()), "NOT_ON_A_LIST");
  const v1::Support examined = Now(refused);
  const auto& finding = examined.examination().findings(3);
  ASSERT_EQ(finding.facts_size(), 2);
  EXPECT_EQ(finding.facts(0).value() + finding.facts(0).version(), "1position 5");
  EXPECT_EQ(finding.facts(1).value() + " " + finding.facts(1).source() + finding.facts(1).version(),
            "BANKRUPT grants/unreliable/3e3");
  EXPECT_EQ(finding.legal_basis().act(), errors::Gate().act());
  EXPECT_EQ(ReasonOf(Decide(refused, authority_, 1).status()), "FINDING_UNSATISFIED");
  ASSERT_TRUE(Decide(refused, authority_, 0, "Банкрот").ok());
  v1::ReplayDecisionRequest replay;
  replay.set_name(refused);
  const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  EXPECT_EQ(replayed.replays_size(), 2);
  for (const auto& one : replayed.replays()) EXPECT_TRUE(one.same()) << one.field();

  Notice(paid, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(paid, payer_, 400).status()), "GATE_FAILED");
  lists_.SetAway(true);
  expect_silent(PayIt(paid, payer_, 400).status(), position());
  lists_.SetAway(false);
  EXPECT_EQ(Stands(), "600 0 400 0");
  bankrupts_.clear();
  ASSERT_TRUE(PayIt(paid, payer_, 400).ok());
  EXPECT_EQ(Stands(), "600 0 0 400");
  ExpectSound();
}

// Who says that the gate let pass does not act on it.
TEST_F(SupportTest, WhoRecordedANoticeDoesNotActOnIt) {
  const Round round = Registered();
  Allocate(1000);
  const std::string name = Requested(round).name();
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  EXPECT_EQ(ReasonOf(ExamineIt(name, institute_).status()), "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  ASSERT_TRUE(Decide(name, authority_, 700).ok());
  Notice(name, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(name, institute_, 700).status()), "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(PayIt(name, payer_, 700).ok());
}

TEST_F(SupportTest, NoticesAreOfASupportAndItsRecipient) {
  const Round round = Registered(), other = Registered();
  const std::string name = Requested(round).name();
  gate::v1::RecordNoticeRequest request;
  request.mutable_notice()->set_number("G-1");
  request.mutable_notice()->set_checkpoint(gate::v1::BEFORE_CONSIDERATION);
  request.mutable_notice()->set_recipient(Bin(other.organizations[0]));
  request.mutable_notice()->set_record(name);
  *request.mutable_notice()->mutable_check_date() = today().ToProto();
  request.mutable_notice()->set_verdict(gate::v1::Notice::PASSED);
  const auto recorded = [&] {
    return Do<gate::v1::Notice>("RecordNotice", institute_, request).status();
  };
  EXPECT_EQ(ReasonOf(recorded()), "INVALID_FIELD");
  request.mutable_notice()->set_record("supports/00000000-0000-4000-8000-999999999999");
  EXPECT_EQ(recorded().code(), absl::StatusCode::kNotFound);
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  // The recipient reads its own, by name and in its list; nobody else does.
  gate::v1::ListNoticesRequest list;
  list.set_parent(name);
  const auto seen = [&](const rpc::Caller& caller) {
    return Must<gate::v1::ListNoticesResponse>("ListNotices", caller, list);
  };
  ASSERT_EQ(seen(Entity(round.organizations[0])).notices_size(), 1);
  EXPECT_EQ(seen(auditor_).notices_size(), 1);
  EXPECT_EQ(seen(Entity(other.organizations[0])).notices_size(), 0);
  gate::v1::GetNoticeRequest get;
  get.set_name(seen(auditor_).notices(0).name());
  EXPECT_EQ(Must<gate::v1::Notice>("GetNotice", Entity(round.organizations[0]), get).record(),
            name);
  EXPECT_EQ(
      ReasonOf(Do<gate::v1::Notice>("GetNotice", Entity(other.organizations[0]), get).status()),
      "ACCESS_DENIED");
}

TEST_F(SupportTest, AFailedGateCanOnlyBeRefused) {
  const Round round = Registered();
  Allocate(1000);
  const std::string name = Requested(round).name();
  Notice(name, gate::v1::BEFORE_CONSIDERATION, gate::v1::Notice::FAILED);
  ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  EXPECT_EQ(ReasonOf(Decide(name, authority_, 100).status()), "FINDING_UNSATISFIED");
  EXPECT_TRUE(Decide(name, authority_, 0, "Не прошёл проверку").ok());
  EXPECT_EQ(Now(name).state(), v1::Support::REFUSED);
  // Nobody else sees it.
  v1::GetSupportRequest get;
  get.set_name(name);
  EXPECT_EQ(ReasonOf(Do<v1::Support>("GetSupport", Entity(5000), get).status()), "ACCESS_DENIED");
}

TEST_F(SupportTest, EveryVerbByEveryRoleInEveryState) {
  const Round round = Registered();
  Allocate(1'000'000);
  int walkers = 0;
  cases::MachineFixture fixture;
  fixture.make = [&] { return Requested(round).name(); };
  fixture.state = [&](const std::string& name) { return Now(name).state(); };
  fixture.position = [&] { return position(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name,
                    rpc::Role as) -> absl::Status {
    const rpc::Caller caller =
        CallerOf(absl::StrCat("walker-", ++walkers), {as}, Bin(round.organizations[0]));
    const v1::Support::State state = Now(name).state();
    const bool may = caller.Has(rpc::v1::INSTITUTE_INDUSTRY);
    switch (static_cast<SupportVerb>(edge.verb)) {
      case SupportVerb::kExamine:
        if (may && state == v1::Support::REQUESTED) {
          Notice(name, gate::v1::BEFORE_CONSIDERATION, gate::v1::Notice::PASSED);
        }
        return ExamineIt(name, caller).status();
      case SupportVerb::kGrant:
        return Decide(name, caller, 1).status();
      case SupportVerb::kRefuse: {
        // A ground: the cluster is suspended for a moment.
        const bool acts = caller.Has(rpc::v1::AUTHORITY_INDUSTRY) && state == v1::Support::EXAMINED;
        if (acts) {
          Must<v1::Cluster>("SuspendCluster", authority_,
                            Ordered<v1::SuspendClusterRequest>(round.cluster));
        }
        const absl::Status refused = Decide(name, caller, 0, "нет").status();
        if (acts) {
          Must<v1::Cluster>("ResumeCluster", authority_,
                            Ordered<v1::ResumeClusterRequest>(round.cluster));
        }
        return refused;
      }
      case SupportVerb::kPay: {
        if (may && state == v1::Support::APPROVED) Notice(name, gate::v1::BEFORE_PAYMENT);
        v1::PaySupportRequest pay = Payment(name, 1);
        if (edge.to == v1::Support::APPROVED) {  // a part
          pay.mutable_amount()->set_units(0);
          pay.mutable_amount()->set_nanos(100'000'000);
        }
        return Do<v1::Payment>("PaySupport", caller, pay).status();
      }
      case SupportVerb::kReturn:
      case SupportVerb::kReverseReturn: {
        const bool returns = edge.verb == static_cast<int>(SupportVerb::kReturn);
        const bool open = state == v1::Support::APPROVED || state == v1::Support::COMPLETED;
        if (may && open && Now(name).paid_sum().units() + Now(name).paid_sum().nanos() == 0 &&
            state == v1::Support::APPROVED) {
          Notice(name, gate::v1::BEFORE_PAYMENT);
          v1::PaySupportRequest pay = Payment(name, 1);
          pay.mutable_amount()->set_units(0);
          pay.mutable_amount()->set_nanos(500'000'000);
          Must<v1::Payment>("PaySupport", payer_, pay);
        }
        const std::string number = absl::StrCat(walkers);
        v1::RecordReturnRequest back = GivenBack(name, number, 0, today());
        back.mutable_amount()->set_nanos(10'000'000);
        back.set_another_payment(true);
        if (returns) return Do<v1::Support>("RecordReturn", caller, back).status();
        if (may && open) Must<v1::Support>("RecordReturn", payer_, back);
        return Do<v1::Support>("ReverseReturn", caller, Undone(name, number, today())).status();
      }
      case SupportVerb::kComplete: {
        v1::CompleteSupportRequest request;
        request.set_name(name);
        request.set_reason("x");
        return Do<v1::Support>("CompleteSupport", caller, request).status();
      }
      case SupportVerb::kWithdraw: {
        v1::WithdrawSupportRequest request;
        request.set_name(name);
        request.set_reason("x");
        return Do<v1::Support>("WithdrawSupport", caller, request).status();
      }
    }
    return absl::InternalError("nobody calls this");
  };
  EXPECT_EQ(cases::WalkMachine(SupportMachine(), fixture).taken, 1 + 1 + 1 + 2 + 1 + 2 + 2 + 2);
  ExpectSound();
}

// ---- Projects

TEST(SupportRulesTest, AProjectSaysWhatItMakes) {
  const auto checked = [](v1::Support::Purpose purpose,
                          const std::vector<std::pair<std::string, int32_t>>& goods) {
    v1::Support support;
    support.set_purpose(purpose);
    for (const auto& [code, share] : goods) {
      auto* one = support.mutable_project()->add_goods();
      one->set_goods_code(code);
      one->set_share_bp(share);
    }
    return ReasonOf(CheckPurpose(support));
  };
  EXPECT_EQ(checked(v1::Support::PURPOSE_UNSPECIFIED, {}), "");
  EXPECT_EQ(checked(v1::Support::UPKEEP, {}), "");
  EXPECT_EQ(checked(v1::Support::UPKEEP, {{"8504", 10'000}}), "INVALID_FIELD");
  EXPECT_EQ(checked(v1::Support::PROJECT, {}), "INVALID_FIELD");
  EXPECT_EQ(checked(v1::Support::PROJECT, {{"8504", 10'000}}), "");
  EXPECT_EQ(checked(v1::Support::PROJECT, {{"8504", 9'999}, {"8432", 1}}), "");
  EXPECT_EQ(checked(v1::Support::PROJECT, {{"8504", 9'999}}), "INVALID_FIELD");
  EXPECT_EQ(checked(v1::Support::PROJECT, {{"8504", 5'000}, {"8504", 5'000}}), "INVALID_FIELD");
}

// The registry of priority goods is played.
class ProjectTest : public SupportTest {
 protected:
  using Goods = std::vector<std::pair<std::string, int32_t>>;

  ProjectTest() {
    peers_->SetHere("priority-goods", registry_.take());
    registry_.On<CheckGoodsRequest, CheckGoodsResponse>(
        "/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods",
        [this](const CheckGoodsRequest& request) -> absl::StatusOr<CheckGoodsResponse> {
          if (refuses_) return absl::InvalidArgumentError("no such codes");
          return Answer(request);
        });
  }

  CheckGoodsResponse Answer(const CheckGoodsRequest& request) {
    CheckGoodsResponse response;
    *response.mutable_on_date() = request.on_date();
    asked_for_ = base::Date::FromProto(request.on_date())->ToString();
    if (!edition_.empty()) {
      response.set_edition(edition_);
      response.set_edition_position(70);
    }
    for (const std::string& code : request.codes()) {
      auto* result = response.add_results();
      result->set_code(code);
      result->set_verdict(verdicts_.count(code) == 0 ? CheckGoodsResponse::NOT_LISTED
                                                     : verdicts_[code]);
      if (result->verdict() != CheckGoodsResponse::LISTED) continue;
      result->set_entry(absl::StrCat(edition_, "/entries/", code));
      result->set_entry_position(71);
      result->set_processing_level(priority_goods::v1::HIGH);
    }
    if (spoil_) spoil_(response);
    return response;
  }
  // By the n-th organization, which is a member of the cluster from the first to the tenth.
  v1::RequestSupportRequest AskFor(const Round& round, int member, const Goods& goods) {
    v1::RequestSupportRequest request = Ask(round);
    v1::Support& support = *request.mutable_support();
    support.set_recipient(Bin(round.organizations[0] + member));
    support.set_purpose(v1::Support::PROJECT);
    support.mutable_project()->set_title("Линия трансформаторов");
    for (const auto& [code, share] : goods) {
      auto* one = support.mutable_project()->add_goods();
      one->set_goods_code(code);
      one->set_share_bp(share);
    }
    return request;
  }
  std::string Project(const Round& round, int member, const Goods& goods) {
    const std::string name =
        Must<v1::Support>("RequestSupport", Entity(round.organizations[0] + member),
                          AskFor(round, member, goods))
            .name();
    Notice(name, gate::v1::BEFORE_CONSIDERATION);
    return name;
  }
  // "GOODS_ON_LIST+", "-" when it does not hold.
  std::string Found(const std::string& name) {
    const v1::Support support = Now(name);
    for (const auto& finding : support.examination().findings()) {
      if (finding.rule() == "GOODS_ON_LIST") return finding.satisfied() ? "+" : "-";
    }
    return "none";
  }
  std::string FactOf(const std::string& name, const std::string& fact) {
    const v1::Support support = Now(name);
    for (const auto& finding : support.examination().findings()) {
      for (const auto& one : finding.facts()) {
        if (one.name() == fact) {
          return absl::StrCat(one.value(), " of ", one.source(), " at ", one.version());
        }
      }
    }
    return "none";
  }
  void ExpectReplays(const std::string& name, int replays) {
    v1::ReplayDecisionRequest replay;
    replay.set_name(name);
    const auto replayed = Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
    EXPECT_EQ(replayed.replays_size(), replays);
    for (const auto& one : replayed.replays()) EXPECT_TRUE(one.same()) << one.field();
  }

  rpc::PlayedPeer registry_;
  std::string edition_ = "editions/7", asked_for_;
  std::map<std::string, CheckGoodsResponse::Verdict> verdicts_{
      {"8504", CheckGoodsResponse::LISTED}, {"8505", CheckGoodsResponse::PARTIAL}};
  std::function<void(CheckGoodsResponse&)> spoil_;
  bool refuses_ = false;
};

TEST_F(ProjectTest, FromRequestToPayment) {
  const Round round = Registered();
  Allocate(900);
  const std::string name = Project(round, 1, {{"8504", 6'000}, {"8432", 4'000}});
  const std::string requested = today().ToString();
  GoTo(today().AddDays(3));
  Notice(name, gate::v1::BEFORE_CONSIDERATION);
  // The registry is away: neither passed nor failed, and it is said who was asked.
  registry_.SetAway(true);
  const int64_t before = position();
  const absl::Status silent = ExamineIt(name, examiner_).status();
  EXPECT_EQ(silent.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(silent), "DEPENDENCY_NOT_ANSWERED");
  EXPECT_EQ(base::InfoOf(silent).metadata().at("service"), "priority-goods");
  EXPECT_GT(rpc::RetryOf(silent), absl::ZeroDuration());
  EXPECT_EQ(position(), before);
  EXPECT_EQ(Now(name).state(), v1::Support::REQUESTED);
  registry_.SetAway(false);

  v1::ExamineSupportRequest examine;
  examine.set_name(name);
  examine.set_etag(Now(name).etag());
  examine.add_items();
  examine.set_documents_complete(true);
  examine.set_opinion("Поддержать");
  examine.set_request_id(NextUuid());
  ASSERT_TRUE(Do<v1::Support>("ExamineSupport", examiner_, examine).ok());
  EXPECT_EQ(asked_for_, requested);  // not by the list of today
  EXPECT_EQ(Found(name), "+");
  EXPECT_EQ(FactOf(name, "goods.8504.level"),
            "HIGH of priority-goods/editions/7/entries/8504 at position 71");
  EXPECT_EQ(FactOf(name, "goods.8432.level"),
            "NOT_LISTED of priority-goods/editions/7 at position 70");
  EXPECT_EQ(FactOf(name, "list_of_the_day"),
            "priority-goods/editions/7 of priority-goods/editions/7 at position 70");
  EXPECT_TRUE(Now(name).examination().rests_on_assumption());
  EXPECT_EQ(Now(name).ceiling().units(), 500);
  EXPECT_EQ(Now(name).share_bp(), 5'000);
  EXPECT_EQ(Now(name).support_year(), 0);
  // Asked again, as after a broken connection: the same answer, and nobody else is asked.
  const int asked = registry_.asked();
  registry_.SetAway(true);
  EXPECT_TRUE(Do<v1::Support>("ExamineSupport", examiner_, examine).ok());
  EXPECT_EQ(registry_.asked(), asked);

  EXPECT_EQ(ReasonOf(Decide(name, authority_, 501).status()), "SUM_OVER_CEILING");
  EXPECT_EQ(ReasonOf(Decide(name, authority_, 0, "нет").status()), "GROUND_MISSING");
  ASSERT_TRUE(Decide(name, authority_, 500).ok());
  Notice(name, gate::v1::BEFORE_PAYMENT);
  ASSERT_TRUE(PayIt(name, payer_, 500).ok());
  EXPECT_EQ(Now(name).state(), v1::Support::COMPLETED);
  EXPECT_EQ(Stands(), "400 0 0 500");
  ExpectReplays(name, 2);
  ExpectReplays(absl::StrCat(name, "/payments/1"), 1);
  ExpectSound();

  // A project takes nothing from the years of upkeep, nor from their ceiling.
  const std::string upkeep = Requested(round).name();
  Notice(upkeep, gate::v1::BEFORE_CONSIDERATION);
  ASSERT_TRUE(ExamineIt(upkeep, examiner_).ok());
  EXPECT_EQ(Now(upkeep).support_year(), 1);
  EXPECT_EQ(Now(upkeep).ceiling().units(), 700);
  EXPECT_EQ(Found(upkeep), "none");
}

TEST_F(ProjectTest, HalfOfTheOutputIsGoodsOfTheList) {
  const Round round = Registered();
  Allocate(10'000);
  const struct {
    Goods goods;
    const char* edition;
    const char* found;
  } kCases[] = {
      {{{"8504", 10'000}}, "editions/7", "+"},
      {{{"8504", 5'000}, {"8432", 5'000}}, "editions/7", "+"},
      {{{"8504", 4'999}, {"8432", 5'001}}, "editions/7", "-"},
      {{{"8505", 10'000}}, "editions/7", "-"},  // only some goods below it
      {{{"8432", 10'000}}, "", "-"},            // no list was in force
  };
  for (const auto& c : kCases) {
    edition_ = c.edition;
    const std::string name = Project(round, 0, c.goods);  // of the cluster organization
    ASSERT_TRUE(ExamineIt(name, examiner_).ok());
    EXPECT_EQ(Found(name), c.found) << c.goods.size() << " " << c.goods[0].second;
    if (std::string(c.found) == "+") {
      EXPECT_TRUE(Decide(name, authority_, 100).ok());
    } else {
      const absl::Status refused = Decide(name, authority_, 100).status();
      EXPECT_EQ(ReasonOf(refused), "FINDING_UNSATISFIED");
      EXPECT_EQ(base::InfoOf(refused).metadata().at("rule"), "GOODS_ON_LIST");
      EXPECT_TRUE(Decide(name, authority_, 0, "Не те товары").ok());
    }
    ExpectReplays(name, 2);
  }
}

TEST_F(ProjectTest, AnAnswerToSomethingElseIsNone) {
  const Round round = Registered();
  const std::string name = Project(round, 1, {{"8504", 6'000}, {"8432", 4'000}});
  const std::vector<std::function<void(CheckGoodsResponse&)>> kSpoiled{
      [](CheckGoodsResponse& said) { said.mutable_results()->RemoveLast(); },
      [](CheckGoodsResponse& said) { said.mutable_results(0)->set_code("8432"); },
      [](CheckGoodsResponse& said) {
        said.mutable_results(0)->set_verdict(CheckGoodsResponse::VERDICT_UNSPECIFIED);
      },
      [](CheckGoodsResponse& said) {
        said.mutable_results(0)->set_verdict(static_cast<CheckGoodsResponse::Verdict>(99));
      },
      [](CheckGoodsResponse& said) { said.mutable_results(0)->clear_entry(); },
      [](CheckGoodsResponse& said) { said.mutable_results(0)->clear_entry_position(); },
      [](CheckGoodsResponse& said) { said.mutable_results(0)->clear_processing_level(); },
      [](CheckGoodsResponse& said) { said.clear_on_date(); },
      [](CheckGoodsResponse& said) { said.mutable_on_date()->set_year(2025); },
  };
  for (const auto& spoil : kSpoiled) {
    spoil_ = spoil;
    const absl::Status refused = ExamineIt(name, examiner_).status();
    EXPECT_EQ(ReasonOf(refused), "DEPENDENCY_NOT_ANSWERED");
    EXPECT_EQ(base::InfoOf(refused).metadata().at("why"), "WRONG_ANSWER");
  }
  spoil_ = nullptr;
  refuses_ = true;  // the examiner cannot mend what the registry was asked
  const absl::Status refused = ExamineIt(name, examiner_).status();
  EXPECT_EQ(ReasonOf(refused), "DEPENDENCY_NOT_ANSWERED") << refused;
  EXPECT_EQ(base::InfoOf(refused).metadata().at("why"), "WRONG_ANSWER");
  EXPECT_EQ(Now(name).state(), v1::Support::REQUESTED);
}

TEST_F(ProjectTest, ItsRecipientBelongsToTheCluster) {
  const Round round = Registered();
  Allocate(10'000);
  const Goods goods{{"8504", 10'000}};
  const absl::Status stranger =
      Do<v1::Support>("RequestSupport", Entity(round.organizations[0] + 11),
                      AskFor(round, 11, goods))
          .status();
  EXPECT_EQ(ReasonOf(stranger), "RECIPIENT_NOT_IN_CLUSTER");
  EXPECT_THAT(std::string(stranger.message()), ::testing::HasSubstr("a member of the cluster"));
  v1::RequestSupportRequest bare = AskFor(round, 1, goods);
  bare.mutable_support()->clear_project();
  EXPECT_EQ(
      ReasonOf(
          Do<v1::Support>("RequestSupport", Entity(round.organizations[0] + 1), bare).status()),
      "INVALID_FIELD");
  const std::string granted = Project(round, 10, goods), examined = Project(round, 10, goods);
  for (const std::string& name : {granted, examined}) {
    ASSERT_TRUE(ExamineIt(name, examiner_).ok());
  }
  EXPECT_EQ(FactOf(granted, "recipient_belongs_as").substr(0, 10), "MEMBER of ");
  ASSERT_TRUE(Decide(granted, authority_, 100).ok());
  v1::EndMembershipRequest end;
  end.set_name(absl::StrCat(round.cluster, "/members/", Bin(round.organizations[0] + 10)));
  end.set_reason("Вышла");
  Must<v1::Member>("EndMembership", Entity(round.organizations[0]), end);
  EXPECT_EQ(ReasonOf(Decide(examined, authority_, 100).status()), "RECIPIENT_NOT_IN_CLUSTER");
  Notice(granted, gate::v1::BEFORE_PAYMENT);
  EXPECT_EQ(ReasonOf(PayIt(granted, payer_, 100).status()), "RECIPIENT_NOT_IN_CLUSTER");
  EXPECT_TRUE(Decide(examined, authority_, 0, "Вышла из кластера").ok());
  ExpectReplays(examined, 2);
}

}  // namespace
}  // namespace nisi::clusters
