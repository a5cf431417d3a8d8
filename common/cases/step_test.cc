#include "common/cases/step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/roles.h"
#include "common/norms/norm_keys.h"
#include "common/store/store_testing.h"
#include "nisi/testing/v1/case.pb.h"

namespace nisi::cases {
namespace {

using store::Day;
using store::EngineName;
using store::Key;
using store::Tx;
using testing::v1::Paper;
using testing::v1::PaperRow;

enum class Verb { kSubmit, kExamine, kReport, kDecide, kAnnul, kWithdraw, kInspect };

base::LegalBasis Duty() {
  return base::Law("Art. 11(8)", "It is examined.");
}

constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);
constexpr uint32_t kAkimat = base::RoleBit(rpc::v1::AKIMAT);
constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);

const base::Machine<Paper::State, Verb>& PaperMachine() {
  static const auto* const kMachine = new base::Machine<Paper::State, Verb>(
      "PAPER", Paper::State_descriptor(),
      {{"submit", Duty},
       {"examine", Duty},
       {"report", Duty},
       {"decide", Duty},
       {"annul", Duty},
       {"withdraw", Duty},
       {"inspect", Duty}},
      {{{Paper::DRAFT, Paper::RETURNED},
        Verb::kSubmit,
        Paper::EXAMINED,
        kEntity,
        Duty,
        {.duty = base::Duty::kPrepares}},
       {{Paper::EXAMINED},
        Verb::kExamine,
        Paper::DECISION,
        kAkimat,
        Duty,
        {.duty = base::Duty::kExamines, .due = "test.examine", .when = "it is whole"}},
       {{Paper::EXAMINED},
        Verb::kExamine,
        Paper::RETURNED,
        kAkimat,
        Duty,
        {.duty = base::Duty::kExamines, .due = "test.examine", .when = "it is not"}},
       // What both bodies have a common term for, and what begins it anew.
       {{Paper::EXAMINED}, Verb::kReport, base::kSame, kAkimat, Duty, {.due = "test.case"}},
       {{Paper::DECISION},
        Verb::kReport,
        base::kSame,
        kAkimat,
        Duty,
        {.due = "test.case", .renews = true}},
       {{Paper::DECISION},
        Verb::kDecide,
        Paper::ADOPTED,
        kAuthority,
        Duty,
        {.duty = base::Duty::kDecides}},
       {{Paper::RETURNED},
        Verb::kAnnul,
        Paper::WITHDRAWN,
        base::kByItself,
        Duty,
        {.due = "test.fix"}},
       {{Paper::EXAMINED, Paper::DECISION, Paper::RETURNED},
        Verb::kWithdraw,
        Paper::WITHDRAWN,
        kEntity,
        Duty},
       // Done once, while the paper stays where it is.
       {{Paper::DECISION},
        Verb::kInspect,
        base::kSame,
        kAkimat,
        Duty,
        {.due = "test.inspect", .meets = true}}});
  return *kMachine;
}

const norms::Norms& TestNorms() {
  static const auto* const kNorms = [] {
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    files.push_back({"test.csv",
                     "key,value,unit,in_force_from,in_force_to,source,certainty\n"
                     "test.examine,15,WORKING_DAYS,2026-01-01,,s,ASSUMPTION\n"
                     "test.case,30,DAYS,2026-01-01,,s,BY_LAW\n"
                     "test.fix,5,WORKING_DAYS,2026-01-01,,s,BY_LAW\n"
                     "test.inspect,10,DAYS,2026-01-01,,s,BY_LAW\n"});
    return new norms::Norms(
        norms::Norms::LoadText(files, {{"test.examine", norms::Unit::kWorkingDays},
                                       {"test.case", norms::Unit::kDays},
                                       {"test.fix", norms::Unit::kWorkingDays},
                                       {"test.inspect", norms::Unit::kDays}})
            .value());
  }();
  return *kNorms;
}

const store::Table<PaperRow> kPapers(5, "papers", [](const PaperRow& row) {
  return Key::Of(row.paper().name());
});

constexpr char kName[] = "papers/1";

class StepTest : public store::StoreTest {
 protected:
  void SetUp() override {
    schema_ = WithDeadlines({"testing", 1, {&kPapers}, {}, {}});
    OverdueFns acts;
    acts["test.fix"] = [](Tx& tx, const Deadline& deadline, base::Date day) -> absl::Status {
      ASSIGN_OR_RETURN(auto found, tx.Find(kPapers, Key::Of(deadline.record())));
      if (!found.has_value()) return base::NotFound("papers", deadline.record());
      ASSIGN_OR_RETURN(auto step,
                       BeginByItself(PaperMachine(), Verb::kAnnul, std::move(found->row), day));
      return Finish(tx, TestNorms(), kPapers, &step);
    };
    deadlines_ = std::make_unique<Deadlines>(acts);
    options_.timers[kDeadlineTimer] = deadlines_->Timer();
    Open();
    Do([](Tx& tx) -> absl::StatusOr<std::string> {
      PaperRow row;
      row.mutable_paper()->set_name(kName);
      row.mutable_paper()->set_state(Paper::DRAFT);
      RETURN_IF_ERROR(tx.Put(kPapers, &row));
      return std::string();
    });
  }

  absl::Status Step(Verb verb, const std::string& subject, uint32_t roles,
                    std::optional<Paper::State> to = std::nullopt, const std::string& etag = "") {
    rpc::Caller caller;
    caller.subject = subject;
    rpc::Call call;
    call.caller = std::make_shared<rpc::Caller>(caller);
    return store_
        ->Write(store::Info(),
                [&](Tx& tx) -> absl::StatusOr<std::string> {
                  ASSIGN_OR_RETURN(auto found, tx.Find(kPapers, Key::Of(kName)));
                  ASSIGN_OR_RETURN(auto step,
                                   Begin(call, PaperMachine(), verb, std::move(found->row),
                                         {.roles = roles, .etag = etag}));
                  if (to.has_value()) RETURN_IF_ERROR(step.Lead(*to));
                  RETURN_IF_ERROR(Finish(tx, TestNorms(), kPapers, &step, {.region = "750000000"}));
                  return step.row.paper().etag();
                })
        .status();
  }
  void Submit() { ASSERT_TRUE(Step(Verb::kSubmit, "owner", kEntity).ok()); }
  absl::Status Examine(Paper::State to) { return Step(Verb::kExamine, "akim", kAkimat, to); }

  PaperRow Get() { return (*store_->Read().Find(kPapers, Key::Of(kName)))->row; }
  Paper::State State() { return Get().paper().state(); }
  std::string DueDate() {
    const auto date = base::Date::FromProto(Get().paper().due_date());
    return Get().paper().has_due_date() && date.ok() ? date->ToString() : "-";
  }
  // "norm state due" of each deadline there ever was.
  std::vector<std::string> Terms() {
    std::vector<std::string> terms;
    EXPECT_TRUE(
        store_->Read()
            .Scan(kDeadlines, {}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<DeadlineRow>(view));
                    const Deadline& deadline = stored.row.deadline();
                    terms.push_back(
                        absl::StrCat(deadline.kind(), " ", Deadline::State_Name(deadline.state()),
                                     " ", base::Date::FromProto(deadline.due_date())->ToString()));
                    return true;
                  })
            .ok());
    return terms;
  }

  std::unique_ptr<Deadlines> deadlines_;
};

TEST_P(StepTest, MovesTheRecordAndOpensWhatIsDueNext) {
  ASSERT_EQ(PaperMachine().Problem(), "");
  Submit();
  EXPECT_EQ(State(), Paper::EXAMINED);
  EXPECT_THAT(Terms(),
              ::testing::ElementsAre("test.case OPEN 2026-07-15", "test.examine OPEN 2026-07-07"));
  EXPECT_EQ(DueDate(), "2026-07-07");
  const auto open = OpenDeadlines(store_->Read(), kName);
  ASSERT_TRUE(open.ok() && open->size() == 2u);
  const Deadline& first = open->front();
  EXPECT_EQ(first.kind(), "test.examine");
  EXPECT_EQ(first.region(), "750000000");
  EXPECT_TRUE(first.rests_on_assumption());
  EXPECT_EQ(first.legal_basis().article(), "Art. 11(8)");
  ASSERT_EQ(first.roles_size(), 1);
  EXPECT_EQ(first.roles(0), rpc::v1::AKIMAT);
  EXPECT_EQ(base::Date::FromProto(first.since())->ToString(), "2026-06-15");
  // The law of the step is in the journal.
  const auto records = store_->ReadJournal(2, 10, 1 << 20);
  journal::v1::Entry entry;
  ASSERT_TRUE(records.ok() && entry.ParseFromString(records->front().leaf));
  ASSERT_EQ(entry.legal_basis_size(), 1);
  EXPECT_EQ(entry.legal_basis(0).article(), "Art. 11(8)");
  Healthy();
}

TEST_P(StepTest, ClosesWhatIsMetAndLetsACommonTermRunOn) {
  Submit();
  GoTo("2026-06-20");
  ASSERT_TRUE(Examine(Paper::DECISION).ok());
  EXPECT_THAT(Terms(),
              ::testing::ElementsAre("test.case OPEN 2026-07-15", "test.examine DONE 2026-07-07",
                                     "test.inspect OPEN 2026-06-30"));
  EXPECT_EQ(DueDate(), "2026-06-30");
  // A report in DECISION begins its terms anew.
  ASSERT_TRUE(Step(Verb::kReport, "akim", kAkimat).ok());
  EXPECT_THAT(Terms(),
              ::testing::ElementsAre("test.case DONE 2026-07-15", "test.examine DONE 2026-07-07",
                                     "test.inspect CANCELLED 2026-06-30",
                                     "test.case OPEN 2026-07-20", "test.inspect OPEN 2026-06-30"));
  ASSERT_TRUE(Step(Verb::kDecide, "minister", kAuthority).ok());
  EXPECT_EQ(Terms()[3], "test.case CANCELLED 2026-07-20");
  EXPECT_EQ(DueDate(), "-");
  Healthy();
}

TEST_P(StepTest, AReportThatRenewsNothingLeavesTheTermsAlone) {
  Submit();
  GoTo("2026-06-20");
  ASSERT_TRUE(Step(Verb::kReport, "akim", kAkimat).ok());
  EXPECT_THAT(Terms(),
              ::testing::ElementsAre("test.case OPEN 2026-07-15", "test.examine OPEN 2026-07-07"));
}

TEST_P(StepTest, AStepThatKeepsItsStateMeetsItsTermOnce) {
  Submit();
  GoTo("2026-06-20");
  ASSERT_TRUE(Examine(Paper::DECISION).ok());
  const auto inspected = [&] {
    std::string all;
    for (const std::string& term : Terms()) {
      if (term.starts_with("test.inspect")) absl::StrAppend(&all, term, ";");
    }
    return all;
  };
  EXPECT_EQ(inspected(), "test.inspect OPEN 2026-06-30;");
  ASSERT_TRUE(Step(Verb::kInspect, "akim", kAkimat).ok());
  EXPECT_EQ(State(), Paper::DECISION);
  EXPECT_EQ(inspected(), "test.inspect DONE 2026-06-30;");
  EXPECT_EQ(DueDate(), "2026-07-15") << "the other term runs on";
  // Done again it has no term to meet, and begins none.
  GoTo("2026-06-25");
  ASSERT_TRUE(Step(Verb::kInspect, "akim", kAkimat).ok());
  EXPECT_EQ(inspected(), "test.inspect DONE 2026-06-30;");
  // What renews the terms of the state renews this one as well.
  ASSERT_TRUE(Step(Verb::kReport, "akim", kAkimat).ok());
  EXPECT_EQ(inspected(), "test.inspect DONE 2026-06-30;test.inspect OPEN 2026-07-05;");
  ASSERT_TRUE(Step(Verb::kDecide, "minister", kAuthority).ok());
  EXPECT_EQ(inspected(), "test.inspect DONE 2026-06-30;test.inspect CANCELLED 2026-07-05;");
  Healthy();
}

TEST_P(StepTest, ADeadlineOpenedByHandIsNobodysTerm) {
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    Deadline deadline;
    deadline.set_record(kName);
    deadline.set_kind("quarterly_report");
    *deadline.mutable_due_date() = Day("2026-06-30").ToProto();
    return OpenDeadline(tx, deadline);
  });
  Submit();
  EXPECT_EQ(DueDate(), "2026-06-30");
  EXPECT_EQ(Terms()[0], "quarterly_report OPEN 2026-06-30");
}

TEST_P(StepTest, WhatIsNotMendedInItsTermIsAnnulled) {
  Submit();
  ASSERT_TRUE(Examine(Paper::RETURNED).ok());
  EXPECT_EQ(DueDate(), "2026-06-22");
  clock_.Set(Day("2026-06-22").EndOfDay() - absl::Seconds(1));
  Fire();
  EXPECT_EQ(State(), Paper::RETURNED);
  clock_.Set(Day("2026-06-22").EndOfDay());
  Fire();
  EXPECT_EQ(State(), Paper::WITHDRAWN);
  // Missed, and not met by what came of it.
  EXPECT_EQ(Terms()[2], "test.fix CANCELLED 2026-06-22");
  const auto fix = store_->Read().Find(kDeadlines, Key::Of(int64_t{3}));
  ASSERT_TRUE(fix.ok() && fix->has_value());
  EXPECT_TRUE((*fix)->row.deadline().overdue());
  EXPECT_EQ(Terms()[0], "test.case CANCELLED 2026-07-15");
  EXPECT_EQ(DueDate(), "-");
  Healthy();
}

TEST_P(StepTest, AStateThatWasLeftAndEnteredAgainHasANewTerm) {
  Submit();
  ASSERT_TRUE(Examine(Paper::RETURNED).ok());
  GoTo("2026-06-18");
  Submit();
  ASSERT_TRUE(Step(Verb::kExamine, "another akim", kAkimat, Paper::RETURNED).ok());
  clock_.Set(Day("2026-06-22").EndOfDay());  // the end of the first term
  Fire();
  EXPECT_EQ(State(), Paper::RETURNED);
  EXPECT_EQ(DueDate(), "2026-06-25");
  clock_.Set(Day("2026-06-25").EndOfDay());
  Fire();
  EXPECT_EQ(State(), Paper::WITHDRAWN);
}

TEST_P(StepTest, WhoActedIsKeptAndAsked) {
  Submit();
  EXPECT_EQ(base::ReasonOf(Step(Verb::kExamine, "owner", kAkimat, Paper::DECISION)),
            "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(Examine(Paper::DECISION).ok());
  ASSERT_EQ(Get().life().acts_size(), 2);
  EXPECT_EQ(Get().life().acts(1).duty(), v1::Act::EXAMINES);
  EXPECT_EQ(Get().life().acts(1).subject(), "akim");
  for (const char* who : {"owner", "akim"}) {
    EXPECT_EQ(base::ReasonOf(Step(Verb::kDecide, who, kAuthority)), "SEPARATION_OF_DUTIES");
  }
  EXPECT_TRUE(Step(Verb::kDecide, "minister", kAuthority).ok());
}

TEST_P(StepTest, WhoDidTheSameBeforeIsKeptOnce) {
  for (int i = 0; i < 3; ++i) {
    Submit();
    ASSERT_TRUE(Step(Verb::kExamine, absl::StrCat("akim ", i), kAkimat, Paper::RETURNED).ok());
  }
  std::vector<std::string> who;
  const PaperRow row = Get();
  for (const v1::Act& act : row.life().acts()) who.push_back(act.subject());
  EXPECT_EQ(who, (std::vector<std::string>{"owner", "akim 0", "akim 1", "akim 2"}));
}

TEST_P(StepTest, RefusesInOrder) {
  Submit();
  const int64_t before = store_->position();
  const std::string old = "00000001";
  EXPECT_EQ(base::ReasonOf(Step(Verb::kDecide, "x", 0, {}, old)), "ACCESS_DENIED");
  // Whoever looked at another version did not see the state that is.
  EXPECT_EQ(base::ReasonOf(Step(Verb::kDecide, "x", kEntity, {}, old)), "VERSION_MISMATCH");
  EXPECT_EQ(base::ReasonOf(Step(Verb::kDecide, "x", kEntity)), "PAPER_STATE");
  EXPECT_EQ(base::ReasonOf(Step(Verb::kExamine, "x", kEntity)), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(Step(Verb::kExamine, "owner", kAkimat)), "SEPARATION_OF_DUTIES");
  // An outcome that was not chosen, or is none, is a mistake of ours.
  EXPECT_EQ(base::ReasonOf(Step(Verb::kExamine, "x", kAkimat)), "MACHINE_OUTCOME");
  EXPECT_EQ(base::ReasonOf(Step(Verb::kExamine, "x", kAkimat, Paper::ADOPTED)), "MACHINE_OUTCOME");
  EXPECT_EQ(store_->position(), before);
}

NISI_BOTH_ENGINES(StepTest);

}  // namespace
}  // namespace nisi::cases
