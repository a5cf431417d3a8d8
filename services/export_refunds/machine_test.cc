// The tables of states against what the methods do: every verb by every role in every state.
#include "common/cases/machine_testing.h"

#include "services/export_refunds/rules_claim.h"
#include "services/export_refunds/rules_list.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using State = v1::Claim;

class WalkTest : public RefundsTest {
 protected:
  // Obligations take years, and the index of these is not known yet.
  void SetUp() override {
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    files.push_back({"later.csv",
                     "key,value,unit,in_force_from,in_force_to,source,certainty\n"
                     "mci,5000,TENGE,2027-01-01,,test,ASSUMPTION\n"});
    auto norms = norms::Norms::LoadText(files);
    ASSERT_TRUE(norms.ok()) << norms.status();
    norms_ = *std::move(norms);
    Reopen();
  }
  // Somebody who has that one role over the claims of the walk, and has done nothing yet.
  rpc::Caller Walker(rpc::Role as) {
    return CallerOf(absl::StrCat("walker-", ++walkers_), {as}, Bin(1));
  }
  v1::Claim::State StateOf(const std::string& claim) { return Now(claim).state(); }

  static bool IsToBePaid(v1::Claim::State state) {
    return state == State::ACCEPTED || state == State::GATE_2 || state == State::AGREEMENT_SIGNED;
  }

  // The claim's obligations are due, reported on as wanted.
  void ReportAll(const std::string& name, const std::string& volume) {
    if (StateOf(name) != State::MONITORING) return;
    const v1::Claim claim = Now(name);
    const int last = claim.obligations().rbegin()->due_date().year();
    if (today().year() <= last) GoTo(*base::Date::Of(last + 1, 1, 10));
    for (const auto& obligation : claim.obligations()) {
      const auto report = Report(name, Entity(1), obligation.due_date().year(), volume);
      EXPECT_TRUE(report.ok()) << report.status();
    }
  }

  absl::Status Act(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = Walker(as);
    const v1::Claim::State state = StateOf(name);
    const bool official = caller.Has(rpc::v1::INSTITUTE_EXPORT);
    switch (static_cast<ClaimVerb>(edge.verb)) {
      case ClaimVerb::kEdit: {
        v1::UpdateClaimRequest request;
        request.mutable_claim()->set_name(name);
        *request.mutable_claim()->mutable_taxes_paid() = Tenge(2'000'000);
        request.mutable_update_mask()->add_paths("taxes_paid");
        return Do<v1::Claim>("UpdateClaim", caller, request).status();
      }
      case ClaimVerb::kGiveUp: {
        v1::DeleteClaimRequest request;
        request.set_name(name);
        const absl::Status done =
            Do<v1::DeleteClaimResponse>("DeleteClaim", caller, request).status();
        if (done.ok()) given_up_ = name;
        return done;
      }
      case ClaimVerb::kSign:
        if (state == State::DRAFT && caller.Has(rpc::v1::ENTITY)) {
          EXPECT_TRUE(Add(name, 1, {MakeExpense()}).ok());
        }
        return Sign(name, caller).status();
      case ClaimVerb::kStartReview:
        if (official && state == State::SIGNED) {
          Notice(name, gate::v1::BEFORE_CONSIDERATION,
                 edge.to == State::REVIEW ? gate::v1::Notice::PASSED : gate::v1::Notice::FAILED);
        }
        return Step<v1::StartReviewRequest>("StartReview", name, caller).status();
      case ClaimVerb::kDecidePart:
        return DecideOn(name, v1::LEGAL, v1::PartReview::ACCEPTED, caller).status();
      case ClaimVerb::kSendRemarks:
        if (official && state == State::REVIEW) {
          for (const v1::Part part : {v1::FINANCE, v1::LEGAL}) {
            EXPECT_TRUE(DecideOn(name, part, v1::PartReview::REMARKS, examiner_).ok());
          }
        }
        return Step<v1::SendRemarksRequest>("SendRemarks", name, caller).status();
      case ClaimVerb::kAnswerRemarks: {
        auto request = Of<v1::AnswerRemarksRequest>(name);
        *request.mutable_signature() = Paper();
        const int open = state == State::FIXING ? Now(name).remarks_size() : 1;
        const int answered = edge.to == State::FIXING ? 1 : open;
        for (int i = 0; i < answered; ++i) {
          auto* answer = request.add_answers();
          answer->set_remark(i + 1);
          answer->set_text("Исправлено");
        }
        return Do<v1::Claim>("AnswerRemarks", caller, request).status();
      }
      case ClaimVerb::kAccept:
        if (official && state == State::REVIEW) AcceptParts(name);
        return Step<v1::AcceptClaimRequest>("AcceptClaim", name, caller).status();
      case ClaimVerb::kReject:
        // A ground: a part, an agreement not signed in time, or the second check.
        if (official && state == State::REVIEW) {
          EXPECT_TRUE(DecideOn(name, v1::LEGAL, v1::PartReview::REJECTED, examiner_).ok());
        } else if (official && state == State::GATE_2) {
          GoTo(base::Date::FromProto(Now(name).due_date())->AddDays(1));
        } else if (official && IsToBePaid(state)) {
          Notice(name, gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
          EXPECT_TRUE(Step<v1::RunGateRequest>("RunGate", name, institute_).ok());
        }
        return Step<v1::RejectClaimRequest>("RejectClaim", name, caller).status();
      case ClaimVerb::kRunGate:
        if (official && IsToBePaid(state)) {
          Notice(name, gate::v1::BEFORE_PAYMENT,
                 edge.to == State::ACCEPTED ? gate::v1::Notice::FAILED : gate::v1::Notice::PASSED);
        }
        return Step<v1::RunGateRequest>("RunGate", name, caller).status();
      case ClaimVerb::kSignAgreement:
        // The other side signed before.
        if (state == State::GATE_2 && edge.to == State::AGREEMENT_SIGNED &&
            (official || caller.Has(rpc::v1::ENTITY))) {
          EXPECT_TRUE(SignAgreementBy(name, official ? Entity(1) : institute_).ok());
        }
        return SignAgreementBy(name, caller).status();
      case ClaimVerb::kPay:
        if (official && state == State::AGREEMENT_SIGNED) {
          Notice(name, gate::v1::BEFORE_PAYMENT);
          // What is ready before it, of the walk's other claims, is out of the way.
          SettleEarlier(name);
        }
        return Do<v1::Claim>("PayClaim", caller, Payment(name)).status();
      case ClaimVerb::kReport: {
        if (state == State::MONITORING && caller.Has(rpc::v1::ENTITY)) {
          const int year = Now(name).obligations(0).due_date().year();
          if (today().year() <= year) GoTo(*base::Date::Of(year + 1, 1, 10));
          return Report(name, caller, year, "1").status();
        }
        return Report(name, caller, 2024, "1").status();
      }
      case ClaimVerb::kAssess:
        if (excused_) return AssessAndExcuse(name);
        if (official) ReportAll(name, edge.to == State::CLOSED ? "999" : "100");
        return Step<v1::AssessObligationsRequest>("AssessObligations", name, caller).status();
      case ClaimVerb::kDemand:
        return Step<v1::DemandReturnRequest>("DemandReturn", name, caller).status();
      case ClaimVerb::kExcuse:
        return Step<v1::ExcuseFailureRequest>("ExcuseFailure", name, caller).status();
      case ClaimVerb::kRepay: {
        if (official && state == State::RECOVERY && !Now(name).has_demand()) {
          EXPECT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", name, decider_).ok());
        }
        auto request = Of<v1::RecordRepaymentRequest>(name);
        *request.mutable_amount() = edge.to == State::RECOVERED && Now(name).has_demand()
                                        ? Now(name).demand().amount()
                                        : Tenge(1);
        *request.mutable_pay_date() = today().ToProto();
        request.set_order_number("9");
        return Do<v1::Claim>("RecordRepayment", caller, request).status();
      }
      case ClaimVerb::kReverse: {
        if (official && state == State::RECOVERY) RepayOne(name);
        auto request = Of<v1::ReverseRepaymentRequest>(name);
        *request.mutable_pay_date() = today().ToProto();
        request.set_order_number("9");
        return Do<v1::Claim>("ReverseRepayment", caller, request).status();
      }
      case ClaimVerb::kAnnul:
      case ClaimVerb::kBeginMonitoring:
      case ClaimVerb::kGiveWay:
        break;
    }
    return absl::InternalError("nobody calls this");
  }

  // One tenge of what is demanded.
  void RepayOne(const std::string& name) {
    if (!Now(name).has_demand()) {
      EXPECT_TRUE(Step<v1::DemandReturnRequest>("DemandReturn", name, decider_).ok());
    }
    auto request = Of<v1::RecordRepaymentRequest>(name);
    *request.mutable_amount() = Tenge(1);
    *request.mutable_pay_date() = today().ToProto();
    request.set_order_number("9");
    EXPECT_TRUE(Do<v1::Claim>("RecordRepayment", institute_, request).ok());
  }
  // Closed with money that was repaid before the failure was excused.
  absl::Status AssessAndExcuse(const std::string& name) {
    excused_ = false;
    ReportAll(name, "100");
    EXPECT_TRUE(Step<v1::AssessObligationsRequest>("AssessObligations", name, institute_).ok());
    RepayOne(name);
    return Step<v1::ExcuseFailureRequest>("ExcuseFailure", name, trade_).status();
  }

  // What earlier claims of the walk owe past its day would hold up those that follow.
  void ExcuseDemands() {
    v1::ListClaimsRequest list;
    list.set_filter("state = \"RECOVERY\"");
    const auto found = Must<v1::ListClaimsResponse>("ListClaims", auditor_, list);
    for (const auto& claim : found.claims()) {
      if (!Now(claim.name()).has_demand()) continue;
      EXPECT_TRUE(Step<v1::ExcuseFailureRequest>("ExcuseFailure", claim.name(), trade_).ok());
    }
  }

  // Rejects what stands ready in the queue before a claim.
  void SettleEarlier(const std::string& name) {
    const auto queue = Must<v1::GetQueueResponse>("GetQueue", institute_, v1::GetQueueRequest());
    for (const auto& place : queue.places()) {
      if (place.claim() == name) return;
      if (place.state() != State::AGREEMENT_SIGNED) continue;
      if (Now(place.claim()).gate().outcome() == "FAILED") continue;
      Notice(place.claim(), gate::v1::BEFORE_PAYMENT, gate::v1::Notice::FAILED);
      EXPECT_TRUE(Step<v1::RunGateRequest>("RunGate", place.claim(), institute_).ok());
    }
  }

  bool excused_ = false;  // the next record that is assessed
  std::string given_up_;  // the last one: it is not there any more

 private:
  int walkers_ = 0;
};

TEST_F(WalkTest, ClaimsByEveryVerbAndRoleInEveryState) {
  ListInForce();
  int funded_year = 0;
  cases::MachineFixture fixture;
  fixture.make = [&] {
    // Years go by while obligations are reported on.
    if (funded_year != today().year()) Allocate(1'000'000'000);
    funded_year = today().year();
    ExcuseDemands();
    return Drafted(1);
  };
  fixture.state = [&](const std::string& name) {
    return name == given_up_ ? State::DRAFT : StateOf(name);
  };
  fixture.position = [&] { return position(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    return Act(edge, name, as);
  };
  fixture.prepare = [&](const base::EdgeDef& edge, rpc::Role /*as*/) {
    excused_ =
        static_cast<ClaimVerb>(edge.verb) == ClaimVerb::kReverse && edge.from == State::CLOSED;
  };
  fixture.happen = [&](const base::EdgeDef& edge, const std::string& name) {
    if (static_cast<ClaimVerb>(edge.verb) == ClaimVerb::kAnnul) {
      GoTo(base::Date::FromProto(Now(name).due_date())->AddDays(1));
    } else {
      GoTo(today().AddDays(1));
    }
    return absl::OkStatus();
  };
  const cases::Walked walked = cases::WalkMachine(ClaimMachine(), fixture);
  EXPECT_EQ(walked.taken, 2 + 1 + 1 + 2 + 1 + 1 + 2 + 1 + 4 + 5 + 4 + 1 + 1 + 2 + 1 + 1 + 2 + 3);
  EXPECT_GT(walked.refused, 1000);
  ExpectSound();
}

TEST_F(WalkTest, EditionsByEveryVerbAndRoleInEveryState) {
  int days = 0;
  cases::MachineFixture fixture;
  fixture.make = [&] { return DraftList({Good("8504", v1::HIGH)}); };
  const auto now = [&](const std::string& name) {
    return Stored(kLists, store::Key::Of(static_cast<int32_t>(std::stoi(name.substr(6)))))
        .edition();
  };
  fixture.state = [&](const std::string& name) { return now(name).state(); };
  fixture.position = [&] { return position(); };
  fixture.act = [&](const base::EdgeDef& edge, const std::string& name,
                    rpc::Role as) -> absl::Status {
    const rpc::Caller caller = Walker(as);
    switch (static_cast<ListVerb>(edge.verb)) {
      case ListVerb::kEdit: {
        v1::UpdateEditionRequest request;
        request.mutable_edition()->set_name(name);
        request.mutable_edition()->set_note("x");
        return Do<v1::Edition>("UpdateEdition", caller, request).status();
      }
      case ListVerb::kSubmit:
        return SubmitIt(name, caller).status();
      case ListVerb::kReturn: {
        v1::ReturnEditionRequest request;
        request.set_name(name);
        request.set_reason("x");
        return Do<v1::Edition>("ReturnEdition", caller, request).status();
      }
      case ListVerb::kApprove:
        return ApproveIt(name, today().AddDays(++days), caller).status();
      case ListVerb::kWithdraw: {
        v1::WithdrawEditionRequest request;
        request.set_name(name);
        request.set_reason("x");
        return Do<v1::Edition>("WithdrawEdition", caller, request).status();
      }
      case ListVerb::kTakeEffect:
      case ListVerb::kSupersede:
        break;
    }
    return absl::InternalError("nobody calls this");
  };
  fixture.happen = [&](const base::EdgeDef& edge, const std::string& name) {
    const auto first = base::Date::FromProto(now(name).effective_from());
    if (static_cast<ListVerb>(edge.verb) == ListVerb::kTakeEffect) {
      GoTo(std::max(*first, today()));
      days = 0;
      return absl::OkStatus();
    }
    const std::string next = DraftList({Good("8504", v1::LOW)});
    EXPECT_TRUE(SubmitIt(next, trade_).ok());
    EXPECT_TRUE(ApproveIt(next, today().AddDays(1), approver_).ok());
    GoTo(today().AddDays(1));
    days = 0;
    return absl::OkStatus();
  };
  const cases::Walked walked = cases::WalkMachine(ListMachine(), fixture);
  EXPECT_EQ(walked.taken, 2 + 2 + 1 + 1 + 4);
  EXPECT_GT(walked.refused, 100);
}

}  // namespace
}  // namespace nisi::export_refunds
