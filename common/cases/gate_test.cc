#include "common/cases/gate.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/peer.h"
#include "common/store/store_testing.h"

namespace nisi::cases {
namespace {

using base::ReasonOf;
using store::Day;
using store::EngineName;
using store::Tx;

class GateTest : public store::StoreTest {
 protected:
  GateTest() : norms_(*norms::Norms::Default()) {}
  void SetUp() override {
    schema_ = WithNotices(store::WidgetSchema());
    Open();
  }
  absl::Status Record(gate::v1::Checkpoint checkpoint, Notice::Verdict verdict,
                      const std::string& day, const std::string& recipient = "990140000007",
                      const std::string& record = "supports/a") {
    gate::v1::RecordNoticeRequest request;
    request.set_request_id(absl::StrFormat("00000000-0000-4000-8000-%012d", ++ids_));
    request.mutable_notice()->set_number(absl::StrCat("G-", ids_));
    request.mutable_notice()->set_checkpoint(checkpoint);
    request.mutable_notice()->set_verdict(verdict);
    request.mutable_notice()->set_recipient(recipient);
    request.mutable_notice()->set_record(record);
    *request.mutable_notice()->mutable_check_date() = Day(day).ToProto();
    rpc::MethodPolicy method;
    method.path = "/test/RecordNotice";
    rpc::Call call;
    call.method = &method;
    call.caller = std::make_shared<rpc::Caller>(rpc::CallerOf({rpc::v1::INSTITUTE_INDUSTRY}));
    call.request_id = request.request_id();
    return store_
        ->Write(
            store::Info(),
            [&](Tx& tx) -> absl::StatusOr<std::string> {
              RETURN_IF_ERROR(
                  RecordNotice(call, tx, request, base::Law("Art. 25(5)", "Checked.")).status());
              return std::string();
            })
        .status();
  }
  // "passed", "failed", or why there is no answer.
  std::string Ask(gate::v1::Checkpoint checkpoint, const std::string& day) {
    RecordedGate gate(*store_, norms_, "clusters.support.payment_days");
    const auto notice =
        gate.Check(rpc::Call(), {checkpoint, "990140000007", "supports/a", Day(day)});
    if (!notice.ok()) return ReasonOf(notice.status());
    return notice->verdict() == Notice::PASSED ? "passed" : "failed";
  }

  norms::Norms norms_;
  int ids_ = 0;
};

TEST_P(GateTest, SilenceIsNoPass) {
  constexpr auto kBefore = gate::v1::BEFORE_CONSIDERATION;
  constexpr auto kPayment = gate::v1::BEFORE_PAYMENT;
  EXPECT_EQ(Ask(kPayment, "2026-06-15"), "GATE_NOT_CHECKED");
  // What is said of another checkpoint, recipient or case is nothing said of this.
  ASSERT_TRUE(Record(kBefore, Notice::PASSED, "2026-06-15").ok());
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-15", "990140000106").ok());
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-15", "990140000007", "supports/b").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-15"), "GATE_NOT_CHECKED");
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-15").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-15"), "passed");
  // A pass grows old: three working days from Monday end on Thursday.
  EXPECT_EQ(Ask(kPayment, "2026-06-18"), "passed");
  EXPECT_EQ(Ask(kPayment, "2026-06-19"), "GATE_NOT_CHECKED");
  // The last word counts, and a failure does not grow old.
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-15").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-16"), "failed");
  EXPECT_EQ(Ask(kPayment, "2026-12-01"), "failed");
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-15").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-16"), "passed");
  EXPECT_EQ(ReasonOf(Record(kPayment, Notice::PASSED, "2026-06-16")), "INVALID_FIELD");
  EXPECT_EQ(GateNotChecked(kPayment).code(), absl::StatusCode::kUnavailable);
}

// Notices on paper come late and out of order: the day of the check counts.
TEST_P(GateTest, AnOlderCheckRecordedLaterIsNotTheLastWord) {
  constexpr auto kPayment = gate::v1::BEFORE_PAYMENT;
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-12").ok());
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-11").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-12"), "failed");
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-12").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-12"), "passed");
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-10").ok());
  EXPECT_EQ(Ask(kPayment, "2026-06-12"), "passed");
}

TEST_P(GateTest, AStepIsTakenByTheLastWordOnly) {
  constexpr auto kPayment = gate::v1::BEFORE_PAYMENT;
  ASSERT_TRUE(Record(kPayment, Notice::PASSED, "2026-06-15").ok());
  RecordedGate gate(*store_, norms_, "clusters.support.payment_days");
  const auto asked =
      gate.Check(rpc::Call(), {kPayment, "990140000007", "supports/a", Day("2026-06-15")});
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_TRUE(ConfirmNotice(store_->Read(), *asked).ok());
  // Older, of another checkpoint, recipient or case: nothing that changes it.
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-14").ok());
  ASSERT_TRUE(Record(gate::v1::BEFORE_CONSIDERATION, Notice::FAILED, "2026-06-15").ok());
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-15", "990140000106").ok());
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-15", "990140000007", "supports/b").ok());
  EXPECT_TRUE(ConfirmNotice(store_->Read(), *asked).ok());
  ASSERT_TRUE(Record(kPayment, Notice::FAILED, "2026-06-15").ok());
  EXPECT_EQ(ReasonOf(ConfirmNotice(store_->Read(), *asked)), "GATE_NOT_CHECKED");
}

// The parties of a case read what was said of it, others do not.
TEST_P(GateTest, NoticesAreReadByWhomTheyAreOf) {
  ASSERT_TRUE(Record(gate::v1::BEFORE_PAYMENT, Notice::FAILED, "2026-06-12").ok());
  ASSERT_TRUE(Record(gate::v1::BEFORE_CONSIDERATION, Notice::PASSED, "2026-06-11").ok());
  ASSERT_TRUE(Record(gate::v1::BEFORE_PAYMENT, Notice::PASSED, "2026-06-13").ok());
  ASSERT_TRUE(
      Record(gate::v1::BEFORE_PAYMENT, Notice::PASSED, "2026-06-13", "990140000106", "supports/b")
          .ok());
  rpc::MethodPolicy method;
  method.path = "/test/ListNotices";
  method.roles = base::RoleBit(rpc::v1::ENTITY) | base::RoleBit(rpc::v1::AUDITOR);
  rpc::Call call;
  call.method = &method;
  const auto list = [&](const rpc::Caller& caller, const std::string& record) {
    call.caller = std::make_shared<rpc::Caller>(caller);
    gate::v1::ListNoticesRequest request;
    request.set_parent(record);
    const auto page = ListNotices(*store_, call, request);
    EXPECT_TRUE(page.ok()) << page.status();
    gate::v1::ListNoticesResponse response;
    EXPECT_TRUE(page.ok() && response.ParseFromString(page->bytes));
    std::string days;
    for (const Notice& notice : response.notices()) {
      days += base::Date::FromProto(notice.check_date())->ToString() + " ";
      EXPECT_EQ(ActOf(notice).subject, "somebody");
      EXPECT_EQ(ActOf(notice).duty, base::Duty::kPrepares);
      gate::v1::GetNoticeRequest get;
      get.set_name(notice.name());
      const auto one = GetNotice(*store_, call, get);
      EXPECT_TRUE(one.ok() && one->bytes == notice.SerializeAsString());
    }
    return days;
  };
  const rpc::Caller auditor = rpc::CallerOf({rpc::v1::AUDITOR});
  const rpc::Caller recipient = rpc::CallerOf({rpc::v1::ENTITY}, "990140000007");
  const rpc::Caller another = rpc::CallerOf({rpc::v1::ENTITY}, "990140000106");
  EXPECT_EQ(list(auditor, "supports/a"), "2026-06-11 2026-06-12 2026-06-13 ");
  EXPECT_EQ(list(recipient, "supports/a"), "2026-06-11 2026-06-12 2026-06-13 ");
  EXPECT_EQ(list(another, "supports/a"), "");
  EXPECT_EQ(list(another, "supports/b"), "2026-06-13 ");
  gate::v1::GetNoticeRequest get;
  const auto first =
      LastNotice(store_->Read(), "supports/a", gate::v1::BEFORE_PAYMENT, "990140000007");
  ASSERT_TRUE(first.ok() && first->has_value());
  get.set_name((*first)->name());
  call.caller = std::make_shared<rpc::Caller>(another);
  EXPECT_EQ(ReasonOf(GetNotice(*store_, call, get).status()), "ACCESS_DENIED");
}

NISI_BOTH_ENGINES(GateTest);

// A gate that is a service: who was asked in vain, why, and when to ask again.
TEST(GateNotCheckedTest, TellsWhoHasNotAnswered) {
  const absl::Status silent = GateNotChecked(
      gate::v1::BEFORE_PAYMENT, rpc::NotAnswered("gate", "Check", "TOO_SLOW", absl::Seconds(3)));
  EXPECT_EQ(silent.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(silent), "GATE_NOT_CHECKED");
  const auto told = base::InfoOf(silent).metadata();
  EXPECT_EQ(told.at("checkpoint"), "BEFORE_PAYMENT");
  EXPECT_EQ(told.at("service"), "gate");
  EXPECT_EQ(told.at("why"), "TOO_SLOW");
  EXPECT_EQ(rpc::RetryOf(silent), absl::Seconds(3));
  const absl::Status other =
      GateNotChecked(gate::v1::BEFORE_PAYMENT, absl::InternalError("something else"));
  EXPECT_EQ(ReasonOf(other), "GATE_NOT_CHECKED");
  EXPECT_EQ(base::InfoOf(other).metadata().count("service"), 0);
}

}  // namespace
}  // namespace nisi::cases
