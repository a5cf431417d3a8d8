// Demands past due of other measures: told once, twice, late and in any order, by whom they
// concern.
#include "common/rpc/masked_testing.h"
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;
using v1::Debt;

class DebtsTest : public GrantsTest {
 protected:
  Debt Owing(int n, int64_t sequence, const std::string& record = "claims/17") {
    Debt debt;
    debt.set_source("export-refunds");
    debt.set_record(record);
    debt.set_recipient(Bin(n));
    debt.set_sequence(sequence);
    return debt;
  }
  absl::StatusOr<Debt> Report(Debt debt, const rpc::Caller& by, base::Date from) {
    v1::ReportDebtRequest request;
    *debt.mutable_past_due_from() = from.ToProto();
    *request.mutable_debt() = std::move(debt);
    return Do<Debt>("ReportDebt", by, request);
  }
  absl::StatusOr<Debt> Report(Debt debt) { return Report(std::move(debt), service_of_, today()); }
  absl::StatusOr<Debt> Withdraw(Debt debt, const rpc::Caller& by, bool in_time = false) {
    v1::WithdrawDebtRequest request;
    *request.mutable_debt() = std::move(debt);
    request.set_reason("Погашено");
    request.set_paid_in_time(in_time);
    return Do<Debt>("WithdrawDebt", by, request);
  }
  absl::StatusOr<Debt> Withdraw(Debt debt) { return Withdraw(std::move(debt), service_of_); }
  // Its entries on the list as of a day, by what they rest on.
  std::vector<std::string> Listed(int n, base::Date day) {
    v1::ListUnreliableRecipientsRequest list;
    list.set_filter(absl::StrCat("recipient = \"", Bin(n), "\""));
    *list.mutable_as_of() = day.ToProto();
    const auto listed =
        Must<v1::ListUnreliableRecipientsResponse>("ListUnreliableRecipients", auditor_, list);
    std::vector<std::string> found;
    for (const auto& entry : listed.recipients()) {
      EXPECT_EQ(entry.list(), v1::UnreliableRecipient::DEBT_REPORTED);
      found.push_back(entry.basis());
    }
    return found;
  }
  std::vector<std::string> Listed(int n) { return Listed(n, today()); }
  std::string ListedFrom(int n) {
    v1::ListUnreliableRecipientsRequest list;
    list.set_filter(absl::StrCat("recipient = \"", Bin(n), "\""));
    const auto listed =
        Must<v1::ListUnreliableRecipientsResponse>("ListUnreliableRecipients", auditor_, list);
    if (listed.recipients_size() != 1) return "";
    return base::Date::FromProto(listed.recipients(0).listed_from())->ToString();
  }

  // Of several debts of one recipient: the claim of the one with a number; its end; and the number
  // of the one on which the entry rests, on the first day and on one of each stretch of ten.
  static std::string Record(int n, int which) { return absl::StrCat("claims/", n, "-", which); }
  void Paid(int n, int which, bool in_time) {
    const auto gone = Withdraw(Owing(n, 3, Record(n, which)), service_of_, in_time);
    ASSERT_TRUE(gone.ok()) << gone.status();
  }
  std::string Days(int n, base::Date from) {
    std::string all;
    for (const int day : {0, 5, 15, 25, 30}) {
      const std::vector<std::string> listed = Listed(n, from.AddDays(day));
      EXPECT_LE(listed.size(), 1U);
      all += listed.empty() ? '-' : listed.front().back();
    }
    return all;
  }

  // A service that calls by itself.
  static rpc::Caller ServiceWith(rpc::Role role) {
    return CallerOf("service:export-refunds", {role});
  }

  const rpc::Caller service_of_ = ServiceWith(rpc::v1::INSTITUTE_EXPORT);
  const rpc::Caller exporter_ = CallerOf("officer@export", {rpc::v1::INSTITUTE_EXPORT});
};

TEST_F(DebtsTest, WhoOwesElsewhereGetsNothingHereUntilItHasPaid) {
  OpenProgramme(2'000'000);
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  Proven(name, 1, 1);
  const auto told = Report(Owing(1, 53));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_TRUE(told->owed());
  EXPECT_EQ(told->told_by(), "service:export-refunds");
  EXPECT_THAT(Listed(1), ElementsAre("export-refunds claims/17"));
  const absl::Status refused = Pay(name, 1, payer_).status();
  EXPECT_EQ(ReasonOf(refused), "GATE_FAILED") << refused;
  // Nobody takes it off by hand.
  v1::EndUnreliableRecipientRequest end;
  end.set_name(told->listing());
  end.set_reason("Просит");
  EXPECT_EQ(
      ReasonOf(Do<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, end).status()),
      "LISTED_BY_DEMAND");
  GoTo(today().AddDays(3));
  const auto paid = Withdraw(Owing(1, 60));
  ASSERT_TRUE(paid.ok()) << paid.status();
  EXPECT_FALSE(paid->owed());
  EXPECT_EQ(paid->reason(), "Погашено");
  EXPECT_EQ(paid->listing(), "");
  EXPECT_TRUE(Listed(1).empty());
  EXPECT_THAT(Listed(1, today().AddDays(-1)), ElementsAre("export-refunds claims/17"));
  EXPECT_TRUE(Pay(name, 1, payer_).ok());
}

// Each order in which the messages of one debt can come, some twice: what counts is the last.
TEST_F(DebtsTest, InWhateverOrderTheyComeTheLastWordCounts) {
  struct Message {
    int64_t sequence;
    bool owed;
  };
  const std::vector<Message> kAll{{10, true}, {20, false}, {30, true}, {40, false}};
  for (size_t last = 1; last <= kAll.size(); ++last) {
    std::vector<size_t> order(last);
    for (size_t i = 0; i < last; ++i) order[i] = i;
    int variant = 0;
    do {
      const std::string record = absl::StrCat("claims/", last, "-", ++variant);
      const int n = static_cast<int>(last) * 100 + variant;
      for (const size_t i : order) {
        for (int twice = 0; twice < 2; ++twice) {
          const Debt debt = Owing(n, kAll[i].sequence, record);
          const auto answer = kAll[i].owed ? Report(debt) : Withdraw(debt);
          ASSERT_TRUE(answer.ok()) << answer.status();
        }
      }
      const int64_t before = position();
      const auto stands = Withdraw(Owing(n, 1, record));
      ASSERT_TRUE(stands.ok()) << stands.status();
      EXPECT_EQ(stands->owed(), kAll[last - 1].owed) << record;
      EXPECT_EQ(stands->sequence(), kAll[last - 1].sequence);
      EXPECT_EQ(Listed(n).size(), kAll[last - 1].owed ? 1U : 0U) << record;
      EXPECT_EQ(store().ReadJournal(before + 1, 1, 1 << 20)->front().leaf.find(record),
                std::string::npos)
          << "nothing is written of what is known";
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_F(DebtsTest, TheListIsLeftWhenTheLastDebtIsPaid) {
  ASSERT_TRUE(Report(Owing(1, 1, "claims/1")).ok());
  ASSERT_TRUE(Report(Owing(1, 2, "claims/2")).ok());
  ASSERT_TRUE(Report(Owing(2, 3, "claims/3")).ok());
  EXPECT_THAT(Listed(1), ElementsAre("export-refunds claims/1"));
  ASSERT_TRUE(Withdraw(Owing(1, 4, "claims/1")).ok());
  EXPECT_THAT(Listed(1), ElementsAre("export-refunds claims/2")) << "it rests on the other one";
  ASSERT_TRUE(Withdraw(Owing(1, 5, "claims/2")).ok());
  EXPECT_TRUE(Listed(1).empty());
  EXPECT_EQ(Listed(2).size(), 1U);
  // What is owed again is listed again.
  ASSERT_TRUE(Report(Owing(1, 6, "claims/2")).ok());
  EXPECT_THAT(Listed(1), ElementsAre("export-refunds claims/2"));
}

TEST_F(DebtsTest, WhoPaidInTimeNeverStoodThere) {
  const base::Date from = today();
  ASSERT_TRUE(Report(Owing(1, 1)).ok());
  ASSERT_TRUE(Report(Owing(2, 2, "claims/2")).ok());
  GoTo(from.AddDays(5));
  ASSERT_TRUE(Withdraw(Owing(1, 3), service_of_, /*in_time=*/true).ok());
  ASSERT_TRUE(Withdraw(Owing(2, 4, "claims/2")).ok());
  for (const int days : {0, 2, 4}) {
    EXPECT_TRUE(Listed(1, from.AddDays(days)).empty());
    EXPECT_EQ(Listed(2, from.AddDays(days)).size(), 1U);
  }
}

// Two debts of one recipient, some of them paid in time and recorded late: on the list are the days
// of what was owed past due, and no more.
TEST_F(DebtsTest, OnTheListAreTheDaysOfWhatWasOwed) {
  const base::Date from = today();
  for (int n = 1; n <= 4; ++n) ASSERT_TRUE(Report(Owing(n, 1, Record(n, 1))).ok());
  GoTo(from.AddDays(10));
  for (int n = 1; n <= 4; ++n) ASSERT_TRUE(Report(Owing(n, 2, Record(n, 2))).ok());
  GoTo(from.AddDays(20));
  Paid(1, 1, /*in_time=*/true);
  Paid(2, 1, /*in_time=*/false);
  Paid(3, 2, /*in_time=*/true);
  Paid(4, 1, /*in_time=*/true);
  GoTo(from.AddDays(30));
  Paid(2, 2, /*in_time=*/true);
  Paid(4, 2, /*in_time=*/true);
  EXPECT_EQ(Days(1, from), "--222");
  EXPECT_EQ(ListedFrom(1), from.AddDays(10).ToString());
  EXPECT_EQ(Days(2, from), "111--");
  EXPECT_EQ(Days(3, from), "11111");
  EXPECT_EQ(ListedFrom(3), from.ToString());
  EXPECT_EQ(Days(4, from), "-----");
}

// Told after a younger one it is owed since its own day all the same; taken back with that day
// where it was paid in time; and an entry that ended meanwhile is not doubled.
TEST_F(DebtsTest, ADebtThatIsToldLateStandsThereSinceItsDay) {
  const base::Date from = today();
  GoTo(from.AddDays(10));
  for (int n = 1; n <= 3; ++n) ASSERT_TRUE(Report(Owing(n, 1, Record(n, 1))).ok());
  GoTo(from.AddDays(20));
  for (int n = 1; n <= 3; ++n) {
    ASSERT_TRUE(Report(Owing(n, 2, Record(n, 2)), service_of_, from).ok());
    EXPECT_EQ(ListedFrom(n), from.ToString());
  }
  Paid(1, 2, /*in_time=*/true);
  Paid(2, 1, /*in_time=*/true);
  Paid(3, 1, /*in_time=*/false);
  Paid(3, 2, /*in_time=*/false);
  GoTo(from.AddDays(30));
  ASSERT_TRUE(Report(Owing(3, 4, Record(3, 2)), service_of_, from).ok()) << "it was a mistake";
  EXPECT_EQ(Days(1, from), "--111");
  EXPECT_EQ(ListedFrom(1), from.AddDays(10).ToString());
  EXPECT_EQ(Days(2, from), "22222");
  EXPECT_EQ(Days(3, from), "22122");
}

// One that is told late is owed since its own day, and on the days on which the debtor stood there
// by an entry that has ended it stands there once.
TEST_F(DebtsTest, OnNoDayDoesItStandThereTwice) {
  const base::Date from = today();
  GoTo(from.AddDays(5));
  ASSERT_TRUE(Report(Owing(1, 1, Record(1, 1)), service_of_, from.AddDays(3)).ok());
  GoTo(from.AddDays(10));
  Paid(1, 1, /*in_time=*/false);
  GoTo(from.AddDays(20));
  ASSERT_TRUE(Report(Owing(1, 2, Record(1, 2)), service_of_, from.AddDays(20)).ok());
  EXPECT_EQ(Days(1, from), "-1-22") << "days to come are by what stands";
  ASSERT_TRUE(Report(Owing(1, 2, Record(1, 3)), service_of_, from).ok());
  EXPECT_EQ(Days(1, from), "31322");
  EXPECT_EQ(ListedFrom(1), from.AddDays(10).ToString());
  Paid(1, 3, /*in_time=*/true);
  EXPECT_EQ(Days(1, from), "-1-22");
  EXPECT_EQ(ListedFrom(1), from.AddDays(20).ToString());
}

// One that was paid in time goes from the list, and what was past due beside it on the same days,
// and was paid late, stays there on its own.
TEST_F(DebtsTest, WhatWasPaidLateKeepsItsDaysWhereAnotherWasPaidInTime) {
  const base::Date from = today();
  for (int n = 1; n <= 3; ++n) ASSERT_TRUE(Report(Owing(n, 1, Record(n, 1))).ok());
  ASSERT_TRUE(Report(Owing(1, 2, Record(1, 2))).ok());
  GoTo(from.AddDays(10));
  for (int n = 2; n <= 3; ++n) ASSERT_TRUE(Report(Owing(n, 2, Record(n, 2))).ok());
  GoTo(from.AddDays(20));
  for (int n = 1; n <= 3; ++n) Paid(n, 2, /*in_time=*/false);
  ASSERT_TRUE(Report(Owing(3, 1, Record(3, 3))).ok());
  GoTo(from.AddDays(30));
  for (int n = 1; n <= 3; ++n) Paid(n, 1, /*in_time=*/true);
  EXPECT_EQ(Days(1, from), "222--");
  EXPECT_EQ(Days(2, from), "--2--");
  EXPECT_EQ(Days(3, from), "--233");
  EXPECT_EQ(ListedFrom(3), from.AddDays(10).ToString());
}

// Each told after a younger one: the days of the one in the middle were those of the oldest as
// well.
TEST_F(DebtsTest, OneOfThreeThatWereToldLateIsTakenBack) {
  const base::Date from = today();
  GoTo(from.AddDays(20));
  ASSERT_TRUE(Report(Owing(1, 1, "claims/3"), service_of_, from.AddDays(10)).ok());
  ASSERT_TRUE(Report(Owing(1, 2, "claims/2"), service_of_, from.AddDays(5)).ok());
  ASSERT_TRUE(Report(Owing(1, 3, "claims/1"), service_of_, from).ok());
  ASSERT_TRUE(Withdraw(Owing(1, 4, "claims/2"), service_of_, /*in_time=*/true).ok());
  for (const int day : {0, 4, 5, 9, 10, 20}) {
    EXPECT_EQ(Listed(1, from.AddDays(day)).size(), 1U) << day;
  }
  EXPECT_EQ(ListedFrom(1), from.ToString());
}

// Struck by a payment that was typed in with a wrong day, owed again, and found to be paid in time:
// none of these days is its own.
TEST_F(DebtsTest, WhoIsFoundToHavePaidInTimeNeverStoodThereWhateverWasToldBetween) {
  const base::Date from = today();
  ASSERT_TRUE(Report(Owing(1, 1)).ok());
  GoTo(from.AddDays(5));
  ASSERT_TRUE(Withdraw(Owing(1, 2)).ok());
  GoTo(from.AddDays(7));
  ASSERT_TRUE(Report(Owing(1, 3), service_of_, from).ok());
  EXPECT_EQ(Listed(1, from.AddDays(6)).size(), 1U);
  GoTo(from.AddDays(9));
  ASSERT_TRUE(Withdraw(Owing(1, 4), service_of_, /*in_time=*/true).ok());
  for (int day = 0; day <= 9; ++day) EXPECT_TRUE(Listed(1, from.AddDays(day)).empty()) << day;
}

TEST_F(DebtsTest, EachSpeaksForItsOwnRegister) {
  int records = 0;
  const auto may = [&](const rpc::Caller& by, const std::string& source, int64_t sequence) {
    Debt debt = Owing(1, sequence, absl::StrCat("claims/", ++records));
    debt.set_source(source);
    const std::string reported = ReasonOf(Report(debt, by, today()).status());
    EXPECT_EQ(ReasonOf(Withdraw(debt, by).status()), reported);
    return reported;
  };
  EXPECT_EQ(may(service_of_, "export-refunds", 1), "");
  EXPECT_EQ(may(service_of_, "clusters", 1), "ACCESS_DENIED");
  EXPECT_EQ(may(ServiceWith(rpc::v1::AUTHORITY_INDUSTRY), "clusters", 1), "ACCESS_DENIED");
  EXPECT_EQ(may(service_of_, "export-refunds", 0), "INVALID_FIELD") << "a service counts";
  EXPECT_EQ(may(exporter_, "export-refunds", 0), "");
  EXPECT_EQ(may(exporter_, "clusters", 0), "ACCESS_DENIED");
  EXPECT_EQ(may(CallerOf("trade", {rpc::v1::AUTHORITY_TRADE}), "export-refunds", 0), "");
  EXPECT_EQ(may(CallerOf("trade", {rpc::v1::AUTHORITY_TRADE}), "local support", 0),
            "ACCESS_DENIED");
  EXPECT_EQ(may(authority_, "local support", 0), "");
  EXPECT_EQ(may(authority_, "grants", 0), "ACCESS_DENIED") << "known without being told";
  EXPECT_EQ(may(checker_, "export-refunds", 0), "ACCESS_DENIED");
  EXPECT_EQ(may(Owner(1), "export-refunds", 0), "ACCESS_DENIED");
}

TEST_F(DebtsTest, WhatIsToldByHandFollowsWhatWasToldBefore) {
  EXPECT_EQ(Report(Owing(1, 0), exporter_, today())->sequence(), 1);
  EXPECT_EQ(Report(Owing(1, 0), exporter_, today())->sequence(), 1) << "it stands";
  const auto withdrawn = Withdraw(Owing(1, 0), exporter_);
  EXPECT_EQ(withdrawn->sequence(), 2);
  EXPECT_FALSE(withdrawn->owed());
  EXPECT_EQ(Report(Owing(1, 0), exporter_, today())->sequence(), 3) << "typed in once more";
  EXPECT_EQ(Report(Owing(1, 70))->sequence(), 70);
}

// Neither freed nor charged by one person, of whatever body: only its register says otherwise.
TEST_F(DebtsTest, NobodyUnsaysByHandWhatTheRegisterHasTold) {
  const auto unsays = [&](const absl::StatusOr<Debt>& said) {
    const auto told = base::InfoOf(said.status()).metadata();
    EXPECT_EQ(ReasonOf(said.status()), "DEBT_OF_REGISTER") << said.status();
    return told.contains("toldBy") ? told.at("toldBy") : "";
  };
  ASSERT_TRUE(Report(Owing(1, 70)).ok());
  for (const rpc::Caller& officer :
       {exporter_, authority_, CallerOf("trade", {rpc::v1::AUTHORITY_TRADE})}) {
    const int64_t before = position();
    EXPECT_EQ(unsays(Withdraw(Owing(1, 0), officer)), "service:export-refunds");
    EXPECT_EQ(position(), before) << "nothing is written";
    EXPECT_EQ(Report(Owing(1, 0), officer, today())->sequence(), 70) << "it is so";
    EXPECT_EQ(Listed(1).size(), 1U);
  }
  ASSERT_TRUE(Withdraw(Owing(1, 71)).ok());
  EXPECT_EQ(unsays(Report(Owing(1, 0), exporter_, today())), "service:export-refunds");
  EXPECT_EQ(Withdraw(Owing(1, 0), exporter_)->sequence(), 71) << "it is so";
  EXPECT_TRUE(Listed(1).empty());
  EXPECT_TRUE(Report(Owing(1, 72))->owed());
}

// A mistake of a person must not keep a register from telling what is so.
TEST_F(DebtsTest, WhatTheRegisterSaysTakesThePlaceOfWhatWasTypedInForIt) {
  ASSERT_TRUE(Report(Owing(1, 0), exporter_, today()).ok());  // the wrong recipient
  EXPECT_EQ(Listed(1).size(), 1U);
  const auto told = Report(Owing(2, 7));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->recipient(), Bin(2));
  EXPECT_TRUE(Listed(1).empty());
  EXPECT_EQ(Listed(2).size(), 1U);
  EXPECT_EQ(ReasonOf(Report(Owing(1, 0), exporter_, today()).status()), "DEBT_DIFFERS");
  ASSERT_TRUE(Withdraw(Owing(2, 8)).ok());
  EXPECT_TRUE(Listed(2).empty());
  // The same where nothing is owed any more.
  ASSERT_TRUE(Report(Owing(1, 0, "claims/18"), exporter_, today()).ok());
  ASSERT_TRUE(Withdraw(Owing(2, 9, "claims/18")).ok());
  EXPECT_TRUE(Listed(1).empty());
}

TEST_F(DebtsTest, WhatDoesNotFitIsRefusedAndChangesNothing) {
  EXPECT_EQ(ReasonOf(Report(Owing(1, 1), service_of_, today().AddDays(1)).status()),
            "DEBT_DATES_INVALID");
  v1::ReportDebtRequest undated;
  *undated.mutable_debt() = Owing(1, 1);
  EXPECT_EQ(ReasonOf(Do<Debt>("ReportDebt", service_of_, undated).status()), "DEBT_DATES_INVALID");
  ASSERT_TRUE(Report(Owing(1, 1)).ok());
  EXPECT_EQ(ReasonOf(Report(Owing(2, 2)).status()), "DEBT_DIFFERS");
  EXPECT_EQ(ReasonOf(Withdraw(Owing(2, 2)).status()), "DEBT_DIFFERS");
  EXPECT_EQ(Listed(1).size(), 1U);
  EXPECT_TRUE(Listed(2).empty());
}

// The service that pays by another measure is told who stands on a list, of the day that it asks
// for; nobody is who asks by itself.
TEST_F(DebtsTest, TheServiceThatPaysIsToldWhoIsListed) {
  const auto question = [&](int n, base::Date day) {
    v1::CheckRecipientRequest check;
    check.set_recipient(Bin(n));
    *check.mutable_on_date() = day.ToProto();
    return check;
  };
  // As the services of a call stand in it; the server of these tests is a gateway alone.
  const auto asked = [&](const std::vector<std::string>& actors, int n, base::Date day) {
    const rpc::Method& method = *service_->registry().Find(PathOf("CheckRecipient"));
    auto caller = std::make_shared<rpc::Caller>(exporter_);
    caller->actors = actors;
    rpc::Call call;
    call.method = &method.policy;
    call.caller = std::move(caller);
    call.now = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    const v1::CheckRecipientRequest check = question(n, day);
    absl::StatusOr<v1::CheckRecipientResponse> told = v1::CheckRecipientResponse();
    const auto bytes = rpc::AsSent(method, call, check, method.unary(call, check));
    if (!bytes.ok()) return told = bytes.status();
    EXPECT_TRUE(told->ParseFromString(*bytes));
    return told;
  };
  std::vector<std::string> step{"gateway", "export-refunds"};
  const auto lists = [&](int n, base::Date day) {
    const auto told = asked(step, n, day);
    EXPECT_TRUE(told.ok()) << told.status();
    EXPECT_EQ(told->recipient(), Bin(n));
    EXPECT_EQ(*base::Date::FromProto(told->on_date()), day);
    EXPECT_GT(told->position(), 0);
    std::string all;
    for (const auto& listing : told->listings()) {
      EXPECT_FALSE(listing.etag().empty());
      absl::StrAppend(&all, listing.name(), " ", v1::UnreliableRecipient::List_Name(listing.list()),
                      ";");
    }
    return all;
  };
  const base::Date from = today();
  v1::EnterUnreliableRecipientsRequest enter;
  auto* entry = enter.add_recipients();
  entry->set_recipient(Bin(1));
  entry->set_list(v1::UnreliableRecipient::BANKRUPT);
  entry->set_basis("Решение суда 5");
  *entry->mutable_listed_from() = from.ToProto();
  Must<v1::EnterUnreliableRecipientsResponse>("EnterUnreliableRecipients", authority_, enter);
  ASSERT_TRUE(Report(Owing(1, 1)).ok());
  GoTo(from.AddDays(3));
  ASSERT_TRUE(Withdraw(Owing(1, 2)).ok());
  EXPECT_EQ(lists(1, from), "unreliable/1 BANKRUPT;unreliable/2 DEBT_REPORTED;");
  EXPECT_EQ(lists(1, from.AddDays(3)), "unreliable/1 BANKRUPT;");
  EXPECT_EQ(lists(1, from.AddDays(-1)), "");
  EXPECT_EQ(lists(2, from), "");
  step = {"gateway", "clusters"};
  EXPECT_EQ(lists(1, from.AddDays(3)), "unreliable/1 BANKRUPT;");
  v1::EndUnreliableRecipientRequest end;
  end.set_name("unreliable/1");
  end.set_reason("Опечатка в БИН");
  *end.mutable_end_date() = from.ToProto();
  Must<v1::UnreliableRecipient>("EndUnreliableRecipient", authority_, end);
  EXPECT_EQ(lists(1, from), "unreliable/2 DEBT_REPORTED;") << "taken back from its first day";
  for (const std::vector<std::string>& actors : std::vector<std::vector<std::string>>{
           {}, {"gateway"}, {"contracts"}, {"clusters", "contracts"}}) {
    EXPECT_EQ(ReasonOf(asked(actors, 1, from).status()), "ACCESS_DENIED");
  }
  for (const rpc::Caller& by : {exporter_, authority_}) {
    const auto told = Do<v1::CheckRecipientResponse>("CheckRecipient", by, question(1, from));
    EXPECT_EQ(ReasonOf(told.status()), "ACCESS_DENIED");
  }
}

TEST_F(DebtsTest, ADebtorReadsItsOwn) {
  const std::string name = Report(Owing(1, 1))->name();
  ASSERT_TRUE(Report(Owing(2, 1, "claims/2")).ok());
  v1::GetDebtRequest get;
  get.set_name(name);
  EXPECT_EQ(Must<Debt>("GetDebt", Owner(1), get).record(), "claims/17");
  EXPECT_EQ(ReasonOf(Do<Debt>("GetDebt", Owner(2), get).status()), "ACCESS_DENIED");
  v1::ListDebtsRequest list;
  EXPECT_EQ(Must<v1::ListDebtsResponse>("ListDebts", Owner(2), list).debts_size(), 1);
  EXPECT_EQ(Must<v1::ListDebtsResponse>("ListDebts", authority_, list).debts_size(), 2);
}

}  // namespace
}  // namespace nisi::grants
