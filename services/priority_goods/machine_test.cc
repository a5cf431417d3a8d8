// The table of an edition's states against what the methods do: every verb by every role in every
// state.
#include "common/cases/machine_testing.h"

#include <string>

#include "services/priority_goods/rules.h"
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

class EditionWalkTest : public PriorityGoodsTest {
 protected:
  absl::Status Act(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = CallerOf(absl::StrCat("walker-", ++walkers_), {as});
    switch (static_cast<Verb>(edge.verb)) {
      case Verb::kEdit: {
        v1::UpdateEditionRequest update;
        update.mutable_edition()->set_name(name);
        update.mutable_edition()->set_note(absl::StrCat("note ", walkers_));
        return Do<v1::Edition>("UpdateEdition", caller, update).status();
      }
      case Verb::kSubmit: {
        v1::SubmitEditionRequest submit;
        submit.set_name(name);
        return Do<v1::Edition>("SubmitEdition", caller, submit).status();
      }
      case Verb::kReturn: {
        v1::ReturnEditionRequest back;
        back.set_name(name);
        back.set_reason("Уточните коды.");
        return Do<v1::Edition>("ReturnEdition", caller, back).status();
      }
      case Verb::kApprove:
        return PriorityGoodsTest::Approve(name, NextDay(), caller).status();
      case Verb::kWithdraw: {
        v1::WithdrawEditionRequest withdraw;
        withdraw.set_name(name);
        withdraw.set_reason("Больше не нужна.");
        return Do<v1::Edition>("WithdrawEdition", caller, withdraw).status();
      }
      case Verb::kTakeEffect:
      case Verb::kSupersede:
        break;
    }
    return absl::InternalError("nobody calls this");
  }
  // An edition comes into force on its day, and goes out of force on the day of the next.
  absl::Status Happen(const base::EdgeDef& edge, const std::string& name) {
    if (static_cast<Verb>(edge.verb) == Verb::kSupersede) {
      const base::Date day = NextDay();
      Publish(day, {MakeEntry("0101")});
      GoTo(day);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const v1::Edition edition, Get(name, auditor_));
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(edition.effective_from()));
    GoTo(day);
    return absl::OkStatus();
  }
  base::Date NextDay() { return Day("2026-06-15").AddDays(++days_); }

  int walkers_ = 0;
  int days_ = 0;
};

TEST(EditionMachineTest, IsSound) {
  cases::ExpectSound(EditionMachine());
}

TEST_F(EditionWalkTest, EveryVerbByEveryRoleInEveryState) {
  cases::MachineFixture fixture;
  fixture.make = [this] { return CreateDraft({MakeEntry("0101")}); };
  fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    return Act(edge, name, as);
  };
  fixture.happen = [this](const base::EdgeDef& edge, const std::string& name) {
    return Happen(edge, name);
  };
  fixture.state = [this](const std::string& name) { return StateOf(name); };
  fixture.position = [this] { return position(); };
  const cases::Walked walked = cases::WalkMachine(EditionMachine(), fixture);
  EXPECT_EQ(walked.taken, 12);
  EXPECT_EQ(walked.taken + walked.refused, 7 * 5 * static_cast<int>(rpc::AllRoles().size()));
}

}  // namespace
}  // namespace nisi::priority_goods
