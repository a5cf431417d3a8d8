#include "common/cases/deadlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/store/store_testing.h"

namespace nisi::cases {
namespace {

using store::Day;
using store::EngineName;
using store::Key;
using store::Tx;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kRecord[] = "projects/17";

// A store with widgets and deadlines, whose acts each test sets.
class DeadlinesTest : public store::StoreTest {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    schema_ = WithDeadlines(store::WidgetSchema());
    deadlines_ = std::make_unique<Deadlines>(acts_, callers_);
    options_.timers[kDeadlineTimer] = deadlines_->Timer();
    Open();
  }

  static Deadline Sample(const std::string& kind, const std::string& due) {
    Deadline deadline;
    deadline.set_record(kRecord);
    deadline.set_kind(kind);
    deadline.add_roles(rpc::v1::AKIMAT);
    deadline.set_region("750000000");
    *deadline.mutable_due_date() = Day(due).ToProto();
    *deadline.mutable_legal_basis() = base::Law("Art. 11(8)", "Akimats examine.");
    return deadline;
  }
  std::string OpenOne(const std::string& kind, const std::string& due,
                      const std::string& record = kRecord) {
    std::string name;
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      Deadline deadline = Sample(kind, due);
      deadline.set_record(record);
      ASSIGN_OR_RETURN(name, OpenDeadline(tx, deadline));
      return name;
    });
    return name;
  }
  void Close(const std::string& name, Deadline::State state = Deadline::DONE) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      RETURN_IF_ERROR(CloseDeadline(tx, name, state));
      return std::string();
    });
  }
  Deadline Get(const std::string& name, const store::At& at = {}) {
    int64_t number = 0;
    EXPECT_TRUE(absl::SimpleAtoi(name.substr(name.find('/') + 1), &number));
    const auto found = store_->Read().Find(kDeadlines, Key::Of(number), at);
    EXPECT_TRUE(found.ok() && found->has_value()) << name;
    return found.ok() && found->has_value() ? (*found)->row.deadline() : Deadline();
  }
  std::vector<std::string> OpenKinds(const std::string& record = kRecord) {
    std::vector<std::string> kinds;
    const auto open = OpenDeadlines(store_->Read(), record);
    EXPECT_TRUE(open.ok()) << open.status();
    for (const Deadline& deadline : *open) kinds.push_back(deadline.kind());
    return kinds;
  }
  std::string Figure(const std::string& name) {
    for (const store::Figure& figure : deadlines_->Figures()) {
      if (figure.name == name) return absl::StrCat(figure.value);
    }
    return "";
  }
  void GoToStart(const std::string& day) { clock_.Set(Day(day).StartOfDay()); }
  // An act that paints the widget of its name.
  static OverdueFn Painting(const std::string& code, const std::string& color) {
    return [code, color](Tx& tx, const Deadline&, base::Date) -> absl::Status {
      store::WidgetRow row = store::MakeWidget(code, color);
      return tx.Put(store::kWidgets, &row);
    };
  }

  OverdueFns acts_;
  Deadlines::Callers callers_ = Deadlines::Callers::kWait;
  std::unique_ptr<Deadlines> deadlines_;
};

TEST_P(DeadlinesTest, IsLateWhenItsLastLegalDayIsOver) {
  const std::string name = OpenOne("examine", "2026-06-20");
  EXPECT_EQ(name, "deadlines/1");
  clock_.Set(Day("2026-06-20").EndOfDay() - absl::Seconds(1));
  EXPECT_EQ(Fire(), 0);
  EXPECT_FALSE(Get(name).overdue());
  clock_.Set(Day("2026-06-20").EndOfDay());
  EXPECT_EQ(Fire(), 1);
  EXPECT_TRUE(Get(name).overdue());
  EXPECT_EQ(Get(name).state(), Deadline::OPEN);
  EXPECT_EQ(Figure("nisi_deadlines_overdue_total"), "1");
  EXPECT_EQ(Fire(), 0);
  // The journal has it, with the law of the duty.
  const auto records = store_->ReadJournal(2, 10, 1 << 20);
  ASSERT_TRUE(records.ok() && records->size() == 1u);
  journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(records->front().leaf));
  EXPECT_EQ(entry.method(), "timer/cases/deadline");
  ASSERT_EQ(entry.legal_basis_size(), 1);
  EXPECT_EQ(entry.legal_basis(0).article(), "Art. 11(8)");
  Healthy();
}

TEST_P(DeadlinesTest, WhatIsDoneInTheLastSecondIsInTime) {
  const std::string name = OpenOne("examine", "2026-06-20");
  clock_.Set(Day("2026-06-20").EndOfDay() - absl::Seconds(1));
  Close(name);
  clock_.Set(Day("2026-06-20").EndOfDay());
  EXPECT_EQ(Fire(), 1);  // the timer finds nothing to do
  EXPECT_FALSE(Get(name).overdue());
  EXPECT_EQ(Get(name).state(), Deadline::DONE);
  EXPECT_TRUE(Get(name).has_done_time());
  const int64_t before = store_->position();
  Close(name, Deadline::CANCELLED);  // closed already
  EXPECT_EQ(Get(name).state(), Deadline::DONE);
  EXPECT_EQ(store_->position(), before + 1);
}

TEST_P(DeadlinesTest, DoneLateStaysMarked) {
  const std::string name = OpenOne("examine", "2026-06-20");
  GoTo("2026-06-25");
  Fire();
  Close(name);
  EXPECT_TRUE(Get(name).overdue());
  EXPECT_EQ(Get(name).state(), Deadline::DONE);
  // Late since midnight of the 21st, whenever the timer ran.
  EXPECT_FALSE(Get(name, {Day("2026-06-20"), std::nullopt}).overdue());
  EXPECT_TRUE(Get(name, {Day("2026-06-21"), std::nullopt}).overdue());
}

// Done and to be done again: the same one, by the same day, late when that is over.
TEST_P(DeadlinesTest, OneThatIsReopened) {
  const auto reopen = [this](const std::string& kind) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      RETURN_IF_ERROR(ReopenDeadline(tx, kRecord, kind));
      return std::string();
    });
  };
  const std::string early = OpenOne("examine", "2026-06-20");
  const std::string other = OpenOne("report", "2026-06-20");
  Close(early);
  Close(other);
  reopen("examine");
  EXPECT_THAT(OpenKinds(), ElementsAre("examine"));
  EXPECT_FALSE(Get(early).has_done_time());
  GoToStart("2026-06-21");
  Fire();
  EXPECT_TRUE(Get(early).overdue());
  EXPECT_FALSE(Get(other).overdue()) << "it was done in time";
  Close(early);
  EXPECT_TRUE(Get(early).overdue());
  reopen("report");
  EXPECT_TRUE(Get(other).overdue()) << "its day is over";
  EXPECT_EQ(Fire(), 0);
  Healthy();
}

TEST_P(DeadlinesTest, OneOpenedPastItsDayIsMarkedAtOnce) {
  const std::string name = OpenOne("report", "2026-06-10");
  Fire();
  EXPECT_TRUE(Get(name).overdue());
}

TEST_P(DeadlinesTest, AYearOfThem) {
  std::map<std::string, std::string> due;  // by day
  base::Date day = Day("2026-06-15");
  for (int i = 0; i < 40; ++i) {
    day = day.AddDays(1 + i % 17);
    due[day.ToString()] = OpenOne(absl::StrCat("kind_", i), day.ToString());
  }
  for (day = Day("2026-06-15"); day < Day("2027-07-01"); day = day.AddDays(1)) {
    GoToStart(day.ToString());
    Fire();
    for (const auto& [last, name] : due) {
      EXPECT_EQ(Get(name).overdue(), last < day.ToString()) << name << " on " << day.ToString();
    }
  }
  EXPECT_EQ(OpenKinds().size(), 40u);
  Healthy();
}

TEST_P(DeadlinesTest, ActsOnceInOrderAlsoForWhatFellDueWhileItWasDown) {
  std::vector<std::string> acted;
  for (const char* kind : {"first", "second", "third"}) {
    acts_[kind] = [&acted, kind](Tx& tx, const Deadline& deadline, base::Date) {
      EXPECT_TRUE(deadline.overdue());
      acted.push_back(kind);
      return CloseDeadline(tx, deadline.name(), Deadline::CANCELLED);
    };
  }
  Reopen();
  OpenOne("third", "2026-06-22");
  OpenOne("first", "2026-06-18");
  OpenOne("second", "2026-06-19");
  store_.reset();
  GoTo("2026-06-30");
  options_.background = true;  // timers fire before any command
  Reopen();
  std::vector<std::string> seen;
  Do([&](Tx&) -> absl::StatusOr<std::string> {
    seen = acted;
    return std::string();
  });
  EXPECT_THAT(seen, ElementsAre("first", "second", "third"));
  Fire();
  EXPECT_EQ(acted.size(), 3u);
  EXPECT_THAT(OpenKinds(), IsEmpty());
}

TEST_P(DeadlinesTest, ARefusedActLeavesNothingAndHoldsNothingUp) {
  acts_["refused"] = [](Tx& tx, const Deadline&, base::Date) -> absl::Status {
    store::WidgetRow row = store::MakeWidget("half", "red");
    RETURN_IF_ERROR(tx.Put(store::kWidgets, &row));
    tx.Schedule(tx.recorded(), "no/such/timer", "");
    tx.Emit("nobody", "/nothing", row);
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "PROJECT_STATE", "Not so.");
  };
  acts_["missing"] = [](Tx&, const Deadline&, base::Date) {
    return base::NotFound("projects", "projects/1");
  };
  acts_["mistake"] = [](Tx&, const Deadline&, base::Date) {
    return absl::InternalError("a mistake of ours");
  };
  acts_["behind"] = Painting("behind", "green");
  Reopen();
  const std::string refused = OpenOne("refused", "2026-06-18");
  const std::string missing = OpenOne("missing", "2026-06-18");
  const std::string mistake = OpenOne("mistake", "2026-06-18");
  OpenOne("behind", "2026-06-18");
  GoTo("2026-06-19");
  EXPECT_EQ(Fire(), 4);
  EXPECT_EQ(Color("half"), "-");
  EXPECT_EQ(Color("behind"), "green");
  EXPECT_EQ(Get(refused).refusal(), "PROJECT_STATE");
  EXPECT_TRUE(Get(refused).overdue());
  EXPECT_EQ(Get(missing).refusal(), "NOT_FOUND");
  EXPECT_EQ(Get(mistake).refusal(), "INTERNAL");
  EXPECT_EQ(Figure("nisi_deadlines_overdue_total"), "4");
  EXPECT_EQ(Figure("nisi_deadlines_refused_total"), "3");
  EXPECT_EQ(Fire(), 0);
  Healthy();
}

TEST_P(DeadlinesTest, WhatTheStoreFailsAtIsTriedAgain) {
  bool broken = true;
  acts_["reads"] = [&broken](Tx& tx, const Deadline& deadline, base::Date day) -> absl::Status {
    if (broken) return base::Unavailable("INDEX_BUILDING", "Not now.", absl::Seconds(1));
    return Painting("read", "blue")(tx, deadline, day);
  };
  Reopen();
  const std::string name = OpenOne("reads", "2026-06-18");
  GoTo("2026-06-19");
  EXPECT_FALSE(store_->RunDueTimers().ok());
  EXPECT_FALSE(Get(name).overdue());  // all of it is to come
  broken = false;
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Fire(), 1);
  EXPECT_TRUE(Get(name).overdue());
  EXPECT_EQ(Get(name).refusal(), "");
  EXPECT_EQ(Color("read"), "blue");
}

TEST_P(DeadlinesTest, AMidnightOfManyGoesInPortionsAndEachOfThemByItself) {
  constexpr int kMany = 600;
  bool broken = true;
  int painted = 0;
  acts_["paints"] = [&](Tx& tx, const Deadline& deadline, base::Date day) {
    ++painted;
    return Painting(deadline.name().substr(deadline.name().find('/') + 1), "green")(tx, deadline,
                                                                                    day);
  };
  acts_["refused"] = [](Tx& tx, const Deadline& deadline, base::Date day) -> absl::Status {
    RETURN_IF_ERROR(Painting("half", "red")(tx, deadline, day));
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "PROJECT_STATE", "Not so.");
  };
  acts_["reads"] = [&broken](Tx&, const Deadline&, base::Date) -> absl::Status {
    if (broken) return base::Unavailable("INDEX_BUILDING", "Not now.", absl::Seconds(1));
    return absl::OkStatus();
  };
  Reopen();
  std::vector<std::string> names;
  const std::vector<std::string> kinds = {"paints", "refused", "marked"};
  for (int i = 0; i < kMany; ++i)
    names.push_back(OpenOne(i == 300 ? "reads" : kinds[static_cast<size_t>(i) % 3], "2026-06-18"));
  GoTo("2026-06-19");
  int64_t position = store_->position();
  EXPECT_FALSE(store_->RunDueTimers().ok());
  EXPECT_LE(store_->position(), position + 6);  // 256, those before the one that waits, the rest
  EXPECT_TRUE(Get(names[299]).overdue());
  EXPECT_FALSE(Get(names[300]).overdue());
  EXPECT_TRUE(Get(names[301]).overdue());
  EXPECT_EQ(Figure("nisi_deadlines_refused_total"), "200");
  Healthy();
  Reopen();
  broken = false;
  position = store_->position();
  EXPECT_EQ(Fire(), 1);
  EXPECT_LE(store_->position(), position + 1);
  EXPECT_EQ(Fire(), 0);
  for (int i = 0; i < kMany; ++i) {
    const Deadline deadline = Get(names[static_cast<size_t>(i)]);
    EXPECT_TRUE(deadline.overdue()) << i;
    EXPECT_EQ(deadline.refusal(), deadline.kind() == "refused" ? "PROJECT_STATE" : "") << i;
    EXPECT_EQ(Color(absl::StrCat(i + 1)), deadline.kind() == "paints" ? "green" : "-") << i;
  }
  EXPECT_EQ(painted, kMany / 3 - 1);
  EXPECT_EQ(Color("half"), "-");
  Healthy();
}

// By hand, with --gtest_also_run_disabled_tests: what a midnight of many costs, and how long a
// command of a caller waits then.
TEST_P(DeadlinesTest, DISABLED_AHundredThousandOfOneMidnight) {
  constexpr int kMany = 100'000;
  acts_["escalates"] = [](Tx& tx, const Deadline& deadline, base::Date day) {
    Deadline next = deadline;
    next.set_kind("escalated");
    *next.mutable_due_date() = day.AddDays(10).ToProto();
    return OpenDeadline(tx, next, day).status();
  };
  callers_ = Deadlines::Callers::kGoBetween;
  options_.background = true;
  Reopen();
  for (int i = 0; i < kMany; i += 1000) {
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      for (int n = i; n < i + 1000; ++n) {
        Deadline deadline = Sample("escalates", "2026-06-18");
        deadline.set_record(absl::StrCat("projects/", n, "/reports/2026q2"));
        RETURN_IF_ERROR(OpenDeadline(tx, deadline).status());
      }
      return std::string();
    });
  }
  const absl::Time begin = absl::Now();
  GoTo("2026-06-19");
  absl::Duration longest;
  int commands = 0;
  while (Figure("nisi_deadlines_overdue_total") != absl::StrCat(kMany)) {
    const absl::Time sent = absl::Now();
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      store::WidgetRow row = store::MakeWidget("asked", absl::StrCat(commands));
      RETURN_IF_ERROR(tx.Put(store::kWidgets, &row));
      return std::string();
    });
    longest = std::max(longest, absl::Now() - sent);
    ++commands;
  }
  std::cout << GetParam() << ": " << kMany << " of one midnight in "
            << absl::FormatDuration(absl::Now() - begin) << "; " << commands
            << " commands between, the longest " << absl::FormatDuration(longest) << std::endl;
  Healthy();
}

// A timer before it may fail, and then this one waits while commands go on.
TEST_P(DeadlinesTest, IsLateAlsoWhereItsTimerHasNotSaidSo) {
  const std::string late = OpenOne("late", "2026-06-18");
  const std::string in_time = OpenOne("in_time", "2026-06-19");
  GoTo("2026-06-19");
  Close(late);
  Close(in_time);
  EXPECT_TRUE(Get(late).overdue());
  EXPECT_FALSE(Get(in_time).overdue());
}

TEST_P(DeadlinesTest, WhoTakesItOverHasTheSameTerm) {
  const std::string name = OpenOne("examine", "2026-06-20");
  const Deadline before = Get(name);
  Do([&name](Tx& tx) -> absl::StatusOr<std::string> {
    Deadline to;
    to.add_roles(rpc::v1::AUTHORITY_INDUSTRY);
    to.mutable_legal_basis()->set_article("Art. 9(7)");
    RETURN_IF_ERROR(HandOver(tx, name, to));
    return std::string();
  });
  const Deadline after = Get(name);
  EXPECT_THAT(after.roles(), ElementsAre(rpc::v1::AUTHORITY_INDUSTRY));
  EXPECT_EQ(after.region(), "");
  EXPECT_EQ(after.legal_basis().article(), "Art. 9(7)");
  EXPECT_EQ(after.due_date().day(), before.due_date().day());
  EXPECT_EQ(after.state(), Deadline::OPEN);
}

TEST_P(DeadlinesTest, AreFoundByRecordAndByWhoMustAct) {
  OpenOne("later", "2026-07-20");
  const std::string sooner = OpenOne("sooner", "2026-07-01");
  OpenOne("other", "2026-06-20", "projects/18");
  EXPECT_THAT(OpenKinds(), ElementsAre("sooner", "later"));
  EXPECT_THAT(OpenKinds("projects/1"), IsEmpty());
  Close(sooner);
  EXPECT_THAT(OpenKinds(), ElementsAre("later"));
  GoTo("2026-06-21");
  Fire();
  const auto by_who = [&](int overdue) {
    std::vector<std::string> kinds;
    EXPECT_TRUE(
        store_->Read()
            .Scan(kDeadlinesByWho,
                  {Key::Of(overdue, static_cast<int>(rpc::v1::AKIMAT), "750000000"), ""}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<DeadlineRow>(view));
                    kinds.push_back(stored.row.deadline().kind());
                    return true;
                  })
            .ok());
    return kinds;
  };
  EXPECT_THAT(by_who(0), ElementsAre("later"));
  EXPECT_THAT(by_who(1), ElementsAre("other"));
}

TEST_P(DeadlinesTest, TheMetricsSayWhoseDutiesAreOpenAndOverdue) {
  const auto shared = std::shared_ptr<store::Store>(store_.get(), [](store::Store*) {});
  const auto deadlines = std::shared_ptr<Deadlines>(deadlines_.get(), [](Deadlines*) {});
  const auto figures = FiguresOf(deadlines, shared), bounded = FiguresOf(deadlines, shared, 2);
  const auto open = [](const auto& from, rpc::v1::Role role, const char* overdue) {
    for (const store::Figure& figure : from()) {
      if (figure.labels ==
          decltype(figure.labels){{"role", rpc::v1::Role_Name(role)}, {"overdue", overdue}}) {
        EXPECT_EQ(figure.name, "nisi_deadlines_open");
        return figure.value;
      }
    }
    return -1.0;
  };
  EXPECT_EQ(open(figures, rpc::v1::AKIMAT, "false"), 0);
  EXPECT_EQ(open(figures, rpc::v1::AUDITOR, "false"), -1);  // nobody's duty
  OpenOne("a", "2026-06-20");
  OpenOne("b", "2026-06-20");
  const std::string later = OpenOne("c", "2026-07-20");
  EXPECT_EQ(open(figures, rpc::v1::AKIMAT, "false"), 3);
  EXPECT_EQ(open(bounded, rpc::v1::AKIMAT, "false"), 2);
  GoTo("2026-06-21");
  Fire();
  EXPECT_EQ(open(figures, rpc::v1::AKIMAT, "false"), 1);
  EXPECT_EQ(open(figures, rpc::v1::AKIMAT, "true"), 2);
  EXPECT_EQ(open(figures, rpc::v1::HOLDING, "true"), 0);
  Close(later);
  EXPECT_EQ(open(figures, rpc::v1::AKIMAT, "false"), 0);
  const auto gone = FiguresOf(deadlines, std::weak_ptr<store::Store>());
  EXPECT_EQ(gone().size(), 2u);
}

TEST_P(DeadlinesTest, NamesThatNoneHas) {
  for (const char* name : {"deadlines/9", "deadlines/x", "projects/1", ""}) {
    EXPECT_EQ(Refused([&](Tx& tx) -> absl::StatusOr<std::string> {
                RETURN_IF_ERROR(CloseDeadline(tx, name, Deadline::DONE));
                return std::string();
              }),
              "NOT_FOUND");
  }
}

NISI_BOTH_ENGINES(DeadlinesTest);

}  // namespace
}  // namespace nisi::cases
