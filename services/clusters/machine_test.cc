// The tables of states against what the methods do: every verb by every role in every state.
#include "common/cases/machine_testing.h"

#include <string>

#include "common/base/machine_testing.h"
#include "services/clusters/rules.h"
#include "services/clusters/service_testing.h"

namespace nisi::clusters {
namespace {

class WalkTest : public ClustersTest {
 protected:
  // Somebody who has that one role over the records of a round, and has done nothing yet.
  rpc::Caller Walker(rpc::Role as, int organization, const std::string& expert = "expert-1") {
    const std::string subject =
        as == rpc::v1::EXPERT ? expert : absl::StrCat("walker-", ++walkers_);
    // An expert is signed in for itself: one who is for the applicant is tied to it.
    return CallerOf(subject, {as}, as == rpc::v1::EXPERT ? "" : Bin(organization), {"11"});
  }
  Round& Of(const std::string& name) { return rounds_.at(name); }
  std::string Keep(const std::string& name, const Round& round) {
    rounds_[name] = round;
    return name;
  }
  // Withdraws or finishes whatever round a record stands in, as its machine says happens by itself.
  absl::Status Withdraw(const Round& round) {
    v1::WithdrawApplicationRequest request;
    request.set_name(round.applications.front());
    request.set_reason("Передумали");
    return Do<v1::Application>("WithdrawApplication", Entity(round.organizations.front()), request)
        .status();
  }
  void Advance(Round& round, v1::Selection::State to) {
    if (to >= v1::Selection::ADMISSION &&
        SelectionNow(round.selection).state() == v1::Selection::ANNOUNCED) {
      GoTo(today().AddDays(3));
    }
    for (const std::string& application : round.applications) {
      if (to >= v1::Selection::SCORING &&
          ApplicationNow(application).state() == v1::Application::FILED) {
        EXPECT_TRUE(AdmitIt(application, true, examiner_).ok());
      }
    }
    if (to >= v1::Selection::RANKED &&
        SelectionNow(round.selection).state() == v1::Selection::SCORING) {
      for (const std::string& application : round.applications) {
        for (int i = 1; i <= 3; ++i) EXPECT_TRUE(ScoreIt(application, ExpertOf(i)).ok());
      }
      EXPECT_TRUE(CloseIt(round.selection, examiner_).ok());
    }
    if (to >= v1::Selection::PUBLISHED) {
      if (SelectionNow(round.selection).state() == v1::Selection::RANKED) {
        v1::DecideSelectionRequest protocol = Protocol(round.selection);
        if (!choose_) {
          auto* over = protocol.add_passed_over();
          over->set_application(round.applications.front());
          over->set_reason("Не в этот раз");
        }
        EXPECT_TRUE(Do<v1::Selection>("DecideSelection", decider_, protocol).ok());
      }
      EXPECT_TRUE(PublishIt(round.selection, authority_).ok());
    }
  }
  absl::Status CancelIt(const std::string& selection, const rpc::Caller& caller) {
    v1::CancelSelectionRequest cancel;
    cancel.set_name(selection);
    cancel.set_reason("Отменён");
    return Do<v1::Selection>("CancelSelection", caller, cancel).status();
  }

  cases::Walked Walk(const base::MachineDef& machine, cases::MachineFixture fixture) {
    fixture.position = [this] { return position(); };
    return cases::WalkMachine(machine, fixture);
  }

  std::map<std::string, Round> rounds_;
  int walkers_ = 0;
  bool choose_ = true;
};

TEST(MachinesTest, AreSoundAndDrawnInTheReadme) {
  for (const base::MachineDef* machine : Machines()) {
    cases::ExpectSound(*machine);
    base::ExpectReadmeShows(*machine, "services/clusters/README.md");
  }
}

TEST_F(WalkTest, Initiative) {
  Round open = RoundAt(v1::Selection::ANNOUNCED, 0);
  cases::MachineFixture fixture;
  fixture.make = [&] {
    organizations_ += 20;
    Round round = open;
    round.organizations = {organizations_};
    const std::string name = Propose(organizations_).name();
    round.initiatives = {name};
    return Keep(name, round);
  };
  fixture.state = [this](const std::string& name) { return InitiativeNow(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as, Of(name).organizations.front());
    switch (static_cast<InitiativeVerb>(edge.verb)) {
      case InitiativeVerb::kUpdate: {
        v1::UpdateInitiativeRequest update;
        update.mutable_initiative()->set_name(name);
        update.mutable_initiative()->mutable_title()->set_ru(absl::StrCat("Имя ", walkers_));
        return Do<v1::Initiative>("UpdateInitiative", caller, update).status();
      }
      case InitiativeVerb::kDiagnose: {
        v1::DiagnoseInitiativeRequest request;
        request.set_name(name);
        request.set_etag(InitiativeNow(name).etag());
        *request.mutable_diagnostic() = MakeDiagnostic();
        return Do<v1::Diagnostic>("DiagnoseInitiative", caller, request).status();
      }
      case InitiativeVerb::kApply: {
        // The selections before may be past their last day.
        if (SelectionNow(open.selection).state() != v1::Selection::ANNOUNCED &&
            as == rpc::v1::ENTITY && InitiativeNow(name).state() == v1::Initiative::DIAGNOSED) {
          open = RoundAt(v1::Selection::ANNOUNCED, 0);
        }
        rounds_[name].selection = open.selection;
        rounds_[name].experts = open.experts;
        const auto applied = Apply(name, open.selection, caller);
        if (applied.ok()) rounds_[name].applications = {applied->name()};
        return applied.status();
      }
      case InitiativeVerb::kWithdraw: {
        v1::WithdrawInitiativeRequest request;
        request.set_name(name);
        request.set_reason("Передумали");
        return Do<v1::Initiative>("WithdrawInitiative", caller, request).status();
      }
      case InitiativeVerb::kRelease:
      case InitiativeVerb::kAdopt:
        break;
    }
    return absl::InternalError("nobody calls this");
  };
  fixture.happen = [&](const base::EdgeDef& edge, const std::string& name) {
    if (static_cast<InitiativeVerb>(edge.verb) == InitiativeVerb::kRelease) {
      return Withdraw(Of(name));
    }
    // Others of the walk may stand in the same selection.
    v1::ListApplicationsRequest list;
    list.set_parent(Of(name).selection);
    Round all = Of(name);
    all.applications.clear();
    const auto listed = Must<v1::ListApplicationsResponse>("ListApplications", auditor_, list);
    for (const auto& one : listed.applications()) {
      if (one.state() == v1::Application::FILED) all.applications.push_back(one.name());
    }
    Advance(all, v1::Selection::PUBLISHED);
    return absl::OkStatus();
  };
  EXPECT_EQ(Walk(InitiativeMachine(), fixture).taken, 4 + 2 + 4 + 1);
}

TEST_F(WalkTest, Selection) {
  cases::MachineFixture fixture;
  fixture.make = [&] {
    Round round;
    round.selection = Must<v1::Selection>("CreateSelection", institute_, Draft()).name();
    return Keep(round.selection, round);
  };
  fixture.state = [this](const std::string& name) { return SelectionNow(name).state(); };
  // Two applications and three experts, once it is announced.
  const auto fill = [&](const std::string& name) {
    Round& round = Of(name);
    for (int i = 1; i <= 3; ++i) {
      const auto expert = Appoint(name, i, authority_);
      round.experts.push_back(expert->name());
      EXPECT_TRUE(Declare(expert->name(), i).ok());
    }
    for (int i = 0; i < 2; ++i) {
      organizations_ += 20;
      round.organizations.push_back(organizations_);
      round.initiatives.push_back(Propose(organizations_).name());
      DiagnoseIt(round.initiatives.back());
      round.applications.push_back(
          Apply(round.initiatives.back(), name, Entity(organizations_))->name());
    }
  };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name,
                    rpc::Role as) -> absl::Status {
    const rpc::Caller caller = Walker(as, 1, "walking-expert");
    switch (static_cast<SelectionVerb>(edge.verb)) {
      case SelectionVerb::kEdit: {
        v1::UpdateSelectionRequest update;
        update.mutable_selection()->set_name(name);
        update.mutable_selection()->set_terms(absl::StrCat("Условия ", walkers_));
        return Do<v1::Selection>("UpdateSelection", caller, update).status();
      }
      case SelectionVerb::kAnnounce: {
        const absl::Status announced = Announce(name, caller).status();
        if (announced.ok()) fill(name);
        return announced;
      }
      case SelectionVerb::kAppoint:
        return Appoint(name, 100 + walkers_, caller).status();
      case SelectionVerb::kAdmit: {
        const Round& round = Of(name);
        // Of a record that is there, its own state would be judged first.
        std::string application = absl::StrCat(name, "/applications/99");
        const v1::Selection::State state = SelectionNow(name).state();
        if (state == v1::Selection::ADMISSION) application = round.applications.front();
        if (state == v1::Selection::ADMISSION && edge.to != v1::Selection::ADMISSION &&
            caller.Has(rpc::v1::INSTITUTE_INDUSTRY)) {
          const bool some = edge.to == v1::Selection::SCORING;
          RETURN_IF_ERROR(AdmitIt(round.applications.back(), some, examiner_).status());
          return AdmitIt(application, some, caller).status();
        }
        return AdmitIt(application, true, caller).status();
      }
      case SelectionVerb::kCloseScoring: {
        const Round& round = Of(name);
        if (SelectionNow(name).state() == v1::Selection::SCORING &&
            caller.Has(rpc::v1::INSTITUTE_INDUSTRY)) {
          for (const std::string& application : round.applications) {
            for (int i = 1; i <= 3; ++i) {
              RETURN_IF_ERROR(ScoreIt(application, ExpertOf(i)).status());
            }
          }
        }
        return CloseIt(name, caller).status();
      }
      case SelectionVerb::kDecide:
        return Do<v1::Selection>("DecideSelection", caller, Protocol(name)).status();
      case SelectionVerb::kPublish:
        return PublishIt(name, caller).status();
      case SelectionVerb::kCancel:
        return CancelIt(name, caller);
      case SelectionVerb::kTakeIn:
      case SelectionVerb::kCloseApplications:
      case SelectionVerb::kChangeExperts:
      case SelectionVerb::kLose:
      case SelectionVerb::kScore:
        break;
    }
    return absl::InternalError("nobody calls this");
  };
  fixture.happen = [&](const base::EdgeDef& edge, const std::string& name) -> absl::Status {
    if (edge.to == v1::Selection::FAILED) {
      for (size_t i = 0; i < Of(name).applications.size(); ++i) {
        Round one = Of(name);
        one.applications = {one.applications[i]};
        one.organizations = {one.organizations[i]};
        RETURN_IF_ERROR(Withdraw(one));
      }
    }
    GoTo(today().AddDays(3));
    return absl::OkStatus();
  };
  const cases::Walked walked = Walk(SelectionMachine(), fixture);
  EXPECT_EQ(walked.taken, 1 + 1 + 3 + 3 + 1 + 1 + 1 + 6);
}

TEST_F(WalkTest, Application) {
  cases::MachineFixture fixture;
  fixture.make = [&] {
    Round round = RoundAt(v1::Selection::ADMISSION);
    return Keep(round.applications.front(), round);
  };
  fixture.state = [this](const std::string& name) { return ApplicationNow(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as, Of(name).organizations.front());
    switch (static_cast<ApplicationVerb>(edge.verb)) {
      case ApplicationVerb::kAdmit:
        return AdmitIt(name, edge.to != v1::Application::REFUSED, caller).status();
      case ApplicationVerb::kScore:
        return ScoreIt(name, caller).status();
      case ApplicationVerb::kWithdraw: {
        v1::WithdrawApplicationRequest request;
        request.set_name(name);
        request.set_reason("Передумали");
        return Do<v1::Application>("WithdrawApplication", caller, request).status();
      }
      case ApplicationVerb::kOpen:
      case ApplicationVerb::kPublish:
      case ApplicationVerb::kCancel:
        break;
    }
    return absl::InternalError("nobody calls this");
  };
  fixture.happen = [&](const base::EdgeDef& edge, const std::string& name) -> absl::Status {
    switch (static_cast<ApplicationVerb>(edge.verb)) {
      case ApplicationVerb::kOpen:
        Advance(Of(name), v1::Selection::RANKED);
        return absl::OkStatus();
      case ApplicationVerb::kPublish:
        choose_ = edge.to == v1::Application::SELECTED;
        Advance(Of(name), v1::Selection::PUBLISHED);
        return absl::OkStatus();
      default:
        return CancelIt(Of(name).selection, authority_);
    }
  };
  EXPECT_EQ(Walk(ApplicationMachine(), fixture).taken, 2 + 1 + 2);
}

TEST_F(WalkTest, Expert) {
  cases::MachineFixture fixture;
  int n = 10;
  const std::string selection = RoundAt(v1::Selection::ANNOUNCED, 0).selection;
  std::map<std::string, std::string> subjects;
  fixture.make = [&] {
    const auto expert = Appoint(selection, ++n, authority_);
    EXPECT_TRUE(expert.ok()) << expert.status();
    subjects[expert->name()] = expert->subject();
    return expert->name();
  };
  fixture.state = [&](const std::string& name) {
    v1::ListExpertsRequest list;
    list.set_parent(selection);
    list.set_page_size(200);
    const auto listed = Must<v1::ListExpertsResponse>("ListExperts", auditor_, list);
    for (const v1::Expert& expert : listed.experts()) {
      if (expert.name() == name) return expert.state();
    }
    return v1::Expert::STATE_UNSPECIFIED;
  };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as, 1, subjects.at(name));
    if (static_cast<ExpertVerb>(edge.verb) == ExpertVerb::kDeclare) {
      v1::DeclareTiesRequest request;
      request.set_name(name);
      return Do<v1::Expert>("DeclareTies", caller, request).status();
    }
    v1::DismissExpertRequest request;
    request.set_name(name);
    request.set_reason("Болен");
    return Do<v1::Expert>("DismissExpert", caller, request).status();
  };
  EXPECT_EQ(Walk(ExpertMachine(), fixture).taken, 4);
}

TEST_F(WalkTest, Cluster) {
  cases::MachineFixture fixture;
  fixture.make = [&] {
    Round round = RoundAt(v1::Selection::SCORING);
    return Keep(round.cluster, round);
  };
  fixture.state = [this](const std::string& name) { return ClusterNow(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name,
                    rpc::Role as) -> absl::Status {
    const rpc::Caller caller = Walker(as, Of(name).organizations.front());
    switch (static_cast<ClusterVerb>(edge.verb)) {
      case ClusterVerb::kRegister:
        return RegisterIt(name, caller).status();
      case ClusterVerb::kSuspend:
        return Do<v1::Cluster>("SuspendCluster", caller, Ordered<v1::SuspendClusterRequest>(name))
            .status();
      case ClusterVerb::kResume:
        // The shortest way to a suspension is from selection: one that was registered went further.
        if (edge.to == v1::Cluster::REGISTERED && caller.Has(rpc::v1::AUTHORITY_INDUSTRY) &&
            ClusterNow(name).state() == v1::Cluster::SUSPENDED) {
          RETURN_IF_ERROR(
              Do<v1::Cluster>("ResumeCluster", authority_, Ordered<v1::ResumeClusterRequest>(name))
                  .status());
          RETURN_IF_ERROR(RegisterIt(name, authority_).status());
          RETURN_IF_ERROR(Do<v1::Cluster>("SuspendCluster", authority_,
                                          Ordered<v1::SuspendClusterRequest>(name))
                              .status());
        }
        return Do<v1::Cluster>("ResumeCluster", caller, Ordered<v1::ResumeClusterRequest>(name))
            .status();
      case ClusterVerb::kRemove:
        if (edge.from == v1::Cluster::CANDIDATE && caller.Has(rpc::v1::AUTHORITY_INDUSTRY) &&
            ClusterNow(name).state() == v1::Cluster::CANDIDATE) {
          RETURN_IF_ERROR(CancelIt(Of(name).selection, authority_));
        }
        return Do<v1::Cluster>("RemoveCluster", caller, Ordered<v1::RemoveClusterRequest>(name))
            .status();
      case ClusterVerb::kUpdate: {
        v1::UpdateClusterRequest update;
        update.mutable_cluster()->set_name(name);
        update.mutable_cluster()->mutable_title()->set_ru(absl::StrCat("Имя ", walkers_));
        return Do<v1::Cluster>("UpdateCluster", caller, update).status();
      }
      case ClusterVerb::kChangeMembers: {
        if (ClusterNow(name).state() == v1::Cluster::CANDIDATE) {
          // While it is judged members can leave, and none can come.
          v1::EndMembershipRequest end;
          end.set_name(absl::StrCat(name, "/members/", Bin(Of(name).organizations.front() + 10)));
          end.set_reason("Вышла");
          return Do<v1::Member>("EndMembership", caller, end).status();
        }
        v1::AddMemberRequest add;
        add.set_parent(name);
        *add.mutable_participant() = MakeParticipant(7000 + walkers_, v1::OTHER);
        return Do<v1::Member>("AddMember", caller, add).status();
      }
      case ClusterVerb::kReport: {
        v1::SubmitClusterReportRequest submit;
        submit.set_parent(name);
        submit.mutable_report()->set_year(2025);
        for (auto* sum : {submit.mutable_report()->mutable_figures()->mutable_output(),
                          submit.mutable_report()->mutable_figures()->mutable_exports(),
                          submit.mutable_report()->mutable_figures()->mutable_investment(),
                          submit.mutable_report()->mutable_figures()->mutable_taxes(),
                          submit.mutable_report()->mutable_figures()->mutable_upkeep_cost()}) {
          sum->set_currency_code("KZT");
          sum->set_units(1000);
        }
        submit.mutable_report()->set_work_plan_progress("Идёт");
        return Do<v1::ClusterReport>("SubmitClusterReport", caller, submit).status();
      }
      case ClusterVerb::kSelect:
      case ClusterVerb::kProposeSuspension:
        break;
    }
    return absl::InternalError("nobody calls this");
  };
  fixture.happen = [&](const base::EdgeDef&, const std::string& name) -> absl::Status {
    Advance(Of(name), v1::Selection::PUBLISHED);
    return absl::OkStatus();
  };
  EXPECT_EQ(Walk(ClusterMachine(), fixture).taken, 1 + 2 + 2 + 4 + 4 + 8 + 2);
}

}  // namespace
}  // namespace nisi::clusters
