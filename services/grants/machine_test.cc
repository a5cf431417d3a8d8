// The tables of states against what the methods do: every verb by every role in every state.
#include "common/cases/machine_testing.h"

#include "common/base/machine_testing.h"
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

class MachineTest : public GrantsTest {
 protected:
  void SetUp() override {
    // Obligations of a day, so that a case is walked to its end within a few.
    norms_ =
        norms::Edited({kMciToCome, {"grants.obligations_years,3", "grants.obligations_years,0"}});
    GrantsTest::SetUp();
    OpenProgramme(0);
  }
  Application Filed(int n, int64_t tenge) override {
    Application application = MakeApplication(n, tenge);
    *application.mutable_commissioning_date() = today().AddDays(1).ToProto();
    *application.mutable_obligations(0)->mutable_due_date() = today().AddDays(1).ToProto();
    return application;
  }
  // Somebody who has that one role over the records of an applicant, and has done nothing yet.
  rpc::Caller Walker(rpc::Role as, int n, const std::string& expert) {
    return CallerOf(as == rpc::v1::EXPERT ? expert : absl::StrCat("walker-", ++walkers_), {as},
                    as == rpc::v1::EXPERT ? "" : Bin(n));
  }
  int Of(const std::string& name) { return applicants_.at(name); }
  // With money for it in the account of the day's year.
  std::string MakeAt(Application::State state) {
    Allocate(1'000'000);
    const int n = ++last_;
    const std::string name = At(state, n);
    applicants_[name] = n;
    return name;
  }
  // Ties an expert to it, and puts its agreement and a meeting there, so that every verb finds the
  // record that it is about in every state.
  std::string MakeDraft() {
    const std::string name = MakeAt(Application::DRAFT);
    const auto written = store().Write(
        {.actor = "test", .method = "test"}, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
          ASSIGN_OR_RETURN(ApplicationRow row, Need(tx, kApplications, store::Key::Of(name)));
          row.mutable_application()->add_expert_subjects("expert-1");
          AgreementRow agreement;
          agreement.mutable_agreement()->set_name(Sibling("agreements", name));
          agreement.mutable_agreement()->set_application(name);
          agreement.mutable_agreement()->set_recipient(row.application().applicant());
          RETURN_IF_ERROR(tx.Put(kAgreements, &agreement));
          CommissionRow meeting;
          ASSIGN_OR_RETURN(const int64_t number, tx.Next("commissions"));
          meeting.set_number(static_cast<int32_t>(number));
          meeting.mutable_commission()->set_name(CommissionName(meeting.number()));
          meeting.mutable_commission()->set_application(name);
          meeting.mutable_commission()->set_state(Commission::OPEN);
          RETURN_IF_ERROR(tx.Put(kCommissions, &meeting));
          row.mutable_application()->set_commission(meeting.commission().name());
          RETURN_IF_ERROR(tx.Put(kApplications, &row));
          return "";
        });
    EXPECT_TRUE(written.ok()) << written.status();
    return name;
  }
  // Of the journal, when what is due has happened.
  int64_t SettledPosition() {
    const auto fired = store().RunDueTimers();
    EXPECT_TRUE(fired.ok()) << fired.status();
    return position();
  }
  int NextTranche(const std::string& name) {
    const Agreement agreement = AgreementNow(name);
    for (const v1::Tranche& tranche : agreement.tranches()) {
      if (tranche.state() != v1::Tranche::PAID) return tranche.number();
    }
    return 1;
  }

  base::Date LaterCommissioning(const std::string& name) {
    const Agreement agreement = AgreementNow(name);
    if (!agreement.has_commissioning_date()) return today();
    return base::Date::FromProto(agreement.commissioning_date())->AddDays(10);
  }

  // What must be before the edge can be taken, done by others.
  void Prepare(const base::EdgeDef& edge, const std::string& name) {
    const int n = Of(name);
    const auto ok = [](const auto& step) { EXPECT_TRUE(step.ok()) << step.status(); };
    switch (static_cast<ApplicationVerb>(edge.verb)) {
      case ApplicationVerb::kReturn:
        return ok(Check(name, false, checker_));
      case ApplicationVerb::kRunGate:
        if (edge.to == Application::GATE_1) SetMeasure("");
        if (edge.to == Application::REFUSED) sources_.not_producers.insert(Bin(n));
        return;
      case ApplicationVerb::kScore:
        return ok(Assign(name, checker_));
      case ApplicationVerb::kCloseExamination:
        ok(Assign(name, checker_));
        for (const std::string& subject : Panel()) ok(ScoreIt(name, ExpertOf(subject)));
        return;
      case ApplicationVerb::kDecide:
        return Voted(name, edge.to == Application::APPROVED);
      case ApplicationVerb::kSign:
        if (edge.to == Application::AGREEMENT_PENDING) return;
        if ((edge.roles & base::RoleBit(rpc::v1::ENTITY)) != 0) return ok(Sign(name, authority_));
        return ok(Sign(name, Owner(n)));
      case ApplicationVerb::kDecline:
        if (edge.to == Application::ANNULLED) GoTo(today().AddDays(40));
        return;
      case ApplicationVerb::kProve:
        return ok(Proof(name, NextTranche(name), Owner(n)));
      case ApplicationVerb::kPay:
        if (edge.to == Application::MONITORING) PaidUp(name, n, 2);
        return Proven(name, n, NextTranche(name));
      case ApplicationVerb::kAssess:
        return GoPastObligations(name);
      case ApplicationVerb::kSignAmendment:
        return ok(Propose(name, LaterCommissioning(name), 0, writer_));
      case ApplicationVerb::kReport:
        return GoTo(HalfYear::Containing(today()).Next().first_day());
      default:
        return;
    }
  }

  // A meeting that is not open says so before its application says that it is decided.
  absl::Status Decide(const std::string& name, const rpc::Caller& by) {
    const absl::Status closed = CloseIt(name, by).status();
    if (base::ReasonOf(closed) != "COMMISSION_STATE") return closed;
    return ApplicationMachine()
        .Ask(Now(name).state(), ApplicationVerb::kDecide, {by.roles, by.subject, {}})
        .status();
  }

  absl::Status Act(const base::EdgeDef& edge, const std::string& name, const rpc::Caller& by) {
    switch (static_cast<ApplicationVerb>(edge.verb)) {
      case ApplicationVerb::kEdit: {
        v1::UpdateApplicationRequest update;
        update.mutable_application()->set_name(name);
        update.mutable_application()->mutable_title()->set_ru(absl::StrCat("Имя ", walkers_));
        update.mutable_update_mask()->add_paths("title");
        return Do<Application>("UpdateApplication", by, update).status();
      }
      case ApplicationVerb::kSubmit:
        return Do<Application>("SubmitApplication", by, Naming<v1::SubmitApplicationRequest>(name))
            .status();
      case ApplicationVerb::kWithdraw:
        return Do<Application>("WithdrawApplication", by,
                               Naming<v1::WithdrawApplicationRequest>(name))
            .status();
      case ApplicationVerb::kCheck:
        return Check(name, edge.to == Application::GATE_1, by).status();
      case ApplicationVerb::kReturn:
        return Return(name, by).status();
      case ApplicationVerb::kResubmit:
        return Do<Application>("ResubmitApplication", by,
                               Naming<v1::ResubmitApplicationRequest>(name))
            .status();
      case ApplicationVerb::kRunGate: {
        const absl::Status run = Gate(name, by).status();
        if (Stored(kProgrammes, store::Key::Of(std::string(kGrants)))
                .programme()
                .measure_number()
                .empty()) {
          SetMeasure("M-1");
        }
        return run;
      }
      case ApplicationVerb::kAssign:
        return Assign(name, by).status();
      case ApplicationVerb::kScore:
        return ScoreIt(name, by).status();
      case ApplicationVerb::kCloseExamination:
        return CloseScores(name, by).status();
      case ApplicationVerb::kOpenMeeting:
        return Open(name, by).status();
      case ApplicationVerb::kDecide:
        return Decide(name, by);
      case ApplicationVerb::kWrite:
        return WriteIt(name, by).status();
      case ApplicationVerb::kSign:
        return Sign(name, by).status();
      case ApplicationVerb::kDecline:
        return Do<Application>("DeclineAgreement", by, Naming<v1::DeclineAgreementRequest>(name))
            .status();
      case ApplicationVerb::kFileProof:
        return Proof(name, NextTranche(name), by).status();
      case ApplicationVerb::kProve:
        return Prove(name, NextTranche(name), by).status();
      case ApplicationVerb::kPay:
        return Pay(name, NextTranche(name), by).status();
      case ApplicationVerb::kEndTranches:
        return Do<Agreement>("EndTranches", by, NamingAgreement<v1::EndTranchesRequest>(name))
            .status();
      case ApplicationVerb::kReport: {
        const HalfYear before =
            HalfYear::Containing(HalfYear::Containing(today()).first_day().AddDays(-1));
        return Do<v1::MonitoringReport>("SubmitMonitoringReport", by, ReportOn(name, before))
            .status();
      }
      case ApplicationVerb::kAssess:
        return Assess(name, edge.to == Application::CLOSED ? "100" : "50", by).status();
      case ApplicationVerb::kDemand:
        return DemandIt(name, by).status();
      case ApplicationVerb::kExcuse:
        return Excuse(name, by).status();
      case ApplicationVerb::kRaise:
        return Raise(name, 700'000, by).status();
      case ApplicationVerb::kPropose:
        return Propose(name, LaterCommissioning(name), 0, by).status();
      case ApplicationVerb::kSignAmendment:
        return SignAmended(name, by).status();
      case ApplicationVerb::kAnnul:
      case ApplicationVerb::kRecover:
      case ApplicationVerb::kReopen:
        break;
    }
    return absl::InternalError("nobody calls this");
  }

  std::map<std::string, int> applicants_;
  int last_ = 0;
  int walkers_ = 0;
};

TEST(MachinesTest, AreSoundAndDrawnInTheReadme) {
  for (const base::MachineDef* machine : Machines()) {
    cases::ExpectSound(*machine);
    base::ExpectReadmeShows(*machine, "services/grants/README.md");
  }
}

TEST_F(MachineTest, Application) {
  cases::MachineFixture fixture;
  fixture.make = [&] {
    const std::string name = MakeDraft();
    Allocate(1'000'000);
    return name;
  };
  fixture.position = [&] { return SettledPosition(); };
  fixture.state = [&](const std::string& name) { return Now(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const bool may = ApplicationMachine()
                         .Ask(Now(name).state(), static_cast<ApplicationVerb>(edge.verb),
                              {base::RoleBit(as), "somebody", {}})
                         .ok();
    if (may) Prepare(edge, name);
    return Act(edge, name, Walker(as, Of(name), "expert-1"));
  };
  fixture.happen = [&](const base::EdgeDef& edge, const std::string& name) -> absl::Status {
    if (static_cast<ApplicationVerb>(edge.verb) == ApplicationVerb::kAnnul) {
      GoTo(today().AddDays(40));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(DemandIt(name, authority_).status());
    return Repay(name, DemandNow(name).total(), payer_).status();
  };
  const cases::Walked walked = cases::WalkMachine(ApplicationMachine(), fixture);
  EXPECT_GT(walked.taken, 45);
  EXPECT_GT(walked.refused, 3000);
  ExpectSound();
}

TEST_F(MachineTest, Commission) {
  cases::MachineFixture fixture;
  std::map<std::string, std::string> of;  // by meeting
  fixture.make = [&] {
    const std::string application = MakeAt(Application::COMMISSION);
    const std::string name = Open(application, authority_)->name();
    of[name] = application;
    return name;
  };
  fixture.position = [&] { return SettledPosition(); };
  const auto now = [&](const std::string& name) {
    return Stored(kCommissions, store::Key::Of(*rpc::NumberIn(name, "commissions/*", 0)))
        .commission();
  };
  fixture.state = [&](const std::string& name) { return now(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller by = Walker(as, Of(of.at(name)), "member-1");
    switch (static_cast<CommissionVerb>(edge.verb)) {
      case CommissionVerb::kVote:
        return VoteOf(name, by).status();
      case CommissionVerb::kRecuse:
        return RecuseIt(name, by).status();
      default:
        break;
    }
    if (as == rpc::v1::AUTHORITY_INDUSTRY && now(name).state() == Commission::OPEN) {
      for (int i = 1; i <= 7; ++i) {
        EXPECT_TRUE(VoteOf(name, ExpertOf(absl::StrCat("member-", i))).ok());
      }
    }
    v1::CloseMeetingRequest request;
    request.set_name(name);
    request.set_etag(now(name).etag());
    request.set_protocol_number("7");
    *request.mutable_protocol_date() = today().ToProto();
    return Do<Commission>("CloseMeeting", by, request).status();
  };
  fixture.happen = [&](const base::EdgeDef&, const std::string& name) {
    return Open(of.at(name), authority_).status();
  };
  EXPECT_EQ(cases::WalkMachine(CommissionMachine(), fixture).taken, 3);
}

TEST_F(MachineTest, Demand) {
  cases::MachineFixture fixture;
  fixture.make = [&] {
    const std::string application = MakeAt(Application::RECOVERY);
    EXPECT_TRUE(DemandIt(application, authority_).ok());
    return application;
  };
  fixture.position = [&] { return SettledPosition(); };
  fixture.state = [&](const std::string& name) { return DemandNow(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    if (static_cast<DemandVerb>(edge.verb) == DemandVerb::kReverse) {
      const bool part = as == rpc::v1::INSTITUTE_INDUSTRY && DemandNow(name).repayments().empty() &&
                        DemandNow(name).state() == Demand::ISSUED;
      if (part) {
        EXPECT_TRUE(Repay(name, Tenge(1), payer_).ok());
      }
      const Demand demand = DemandNow(name);
      const std::string paid =
          demand.repayments().empty() ? "none" : demand.repayments(0).payment_number();
      return UndoRepayment(name, paid, Walker(as, Of(name), "expert-1")).status();
    }
    const auto sum = edge.to == Demand::REPAID ? DemandNow(name).total() : Tenge(1);
    return Repay(name, sum, Walker(as, Of(name), "expert-1")).status();
  };
  fixture.happen = [&](const base::EdgeDef&, const std::string& name) {
    EXPECT_TRUE(Repay(name, Tenge(1), payer_).ok());  // a part, which may be undone afterwards
    return Excuse(name, authority_).status();
  };
  EXPECT_EQ(cases::WalkMachine(DemandMachine(), fixture).taken, 5);
}

TEST_F(MachineTest, Competitiveness) {
  const auto now = [&](const std::string& name) {
    return Stored(kCompetitiveness, store::Key::Of(name)).agreement();
  };
  cases::MachineFixture fixture;
  fixture.make = [&] {
    v1::OfferCompetitivenessAgreementRequest request;
    request.mutable_agreement()->set_entity(Bin(++last_));
    request.mutable_agreement()->add_measures("Грант");
    *request.mutable_agreement()->add_obligations() = MakeObligation();
    *request.mutable_agreement()->mutable_until() = today().AddDays(1).ToProto();
    const std::string name =
        Must<CompetitivenessAgreement>("OfferCompetitivenessAgreement", authority_, request).name();
    applicants_[name] = last_;
    return name;
  };
  fixture.position = [&] { return SettledPosition(); };
  fixture.state = [&](const std::string& name) { return now(name).state(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name,
                    rpc::Role as) -> absl::Status {
    const rpc::Caller by = Walker(as, Of(name), "expert-1");
    const auto named = [&](auto request) {
      request.set_name(name);
      request.set_etag(now(name).etag());
      return request;
    };
    switch (static_cast<CompetitivenessVerb>(edge.verb)) {
      case CompetitivenessVerb::kConclude:
        return Do<CompetitivenessAgreement>("ConcludeCompetitivenessAgreement", by,
                                            named(v1::ConcludeCompetitivenessAgreementRequest()))
            .status();
      case CompetitivenessVerb::kAssess: {
        if (as == rpc::v1::AUTHORITY_INDUSTRY &&
            now(name).state() == CompetitivenessAgreement::CONCLUDED) {
          GoTo(today().AddDays(2));
        }
        auto request = named(v1::AssessCompetitivenessAgreementRequest());
        request.add_facts(edge.to == CompetitivenessAgreement::FULFILLED ? "100" : "1");
        *request.add_documents() = MakeDocument();
        return Do<CompetitivenessAgreement>("AssessCompetitivenessAgreement", by, request).status();
      }
      case CompetitivenessVerb::kExcuse: {
        auto request = named(v1::ExcuseCompetitivenessFailureRequest());
        request.set_beyond_control(true);
        request.set_reason("Паводок");
        *request.add_documents() = MakeDocument();
        return Do<CompetitivenessAgreement>("ExcuseCompetitivenessFailure", by, request).status();
      }
      case CompetitivenessVerb::kTerminate: {
        auto request = named(v1::TerminateCompetitivenessAgreementRequest());
        request.set_reason("По соглашению");
        return Do<CompetitivenessAgreement>("TerminateCompetitivenessAgreement", by, request)
            .status();
      }
    }
    return absl::InternalError("nobody calls this");
  };
  EXPECT_EQ(cases::WalkMachine(CompetitivenessMachine(), fixture).taken, 6);
}

}  // namespace
}  // namespace nisi::grants
