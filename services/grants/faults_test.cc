// What others do not say, say late or say wrongly: each dependency with each fault at each step
// that asks it. The check is not done, neither passed nor failed; the caller learns whom it waits
// for and when to come again; nothing is left of the attempt.
#include "services/grants/gate_register.h"
#include "services/grants/neighbours_testing.h"

namespace nisi::grants {
namespace {

using base::ReasonOf;
using cases::GateQuestion;
using cases::Notice;
using priority_goods::v1::CheckGoodsRequest;
using suppliers::v1::CheckDomesticRequest;
using suppliers::v1::GetSupplierRequest;
using GoodsSaid = priority_goods::v1::CheckGoodsResponse;
using Played = PlayedNeighbours;

class PlayedGate final : public cases::Gate {
 public:
  absl::StatusOr<Notice> Check(const rpc::Call& call, const GateQuestion& question) override {
    ++asked;
    absl::StatusOr<Notice> notice = RegisterGate(*store).Check(call, question);
    return fault == nullptr || !notice.ok() ? notice : fault(*std::move(notice));
  }

  const store::Store* store = nullptr;
  std::function<absl::StatusOr<Notice>(Notice)> fault;
  int asked = 0;
};

// Whom the service asks, fresh for each fault, while the service goes on.
class Switched final : public Sources {
 public:
  absl::StatusOr<Outside> Ask(const rpc::Call& call, const Application& application,
                              base::Date day) override {
    return to->Ask(call, application, day);
  }
  Sources* to = nullptr;
};

struct Fault {
  const char* service;
  std::string what;
  std::string why;  // as the caller is told
  std::function<void(Played&, PlayedGate&)> set;
  absl::Duration longest = absl::Seconds(30);
};

// A method of another service, and answers of its type that are none to what was asked.
struct Method {
  const char* service;
  const char* path;
  rpc::PlayedPeer Played::*peer;
  std::vector<std::pair<const char*, rpc::PlayedPeer::Fn>> absurd;
};

template <class Request, class Fn>
rpc::PlayedPeer::Fn Saying(const Fn& change) {
  return [change](const std::string& bytes) -> absl::StatusOr<std::string> {
    Request request;
    request.ParseFromString(bytes);
    return change(request).SerializeAsString();
  };
}

std::vector<Method> AllMethods() {
  const auto goods = [](void (*change)(GoodsSaid*)) {
    return Saying<CheckGoodsRequest>([change](const CheckGoodsRequest& request) {
      GoodsSaid said = Played::Listed(request);
      change(&said);
      return said;
    });
  };
  using DomesticSaid = suppliers::v1::CheckDomesticResponse;
  const auto domestic = [](void (*change)(DomesticSaid*)) {
    return Saying<CheckDomesticRequest>([change](const CheckDomesticRequest& request) {
      DomesticSaid said = Played::Producer(request);
      change(&said);
      return said;
    });
  };
  using suppliers::v1::Supplier;
  const auto supplier = [](void (*change)(Supplier*)) {
    return Saying<GetSupplierRequest>([change](const GetSupplierRequest& request) {
      Supplier said = Played::Medium(request);
      change(&said);
      return said;
    });
  };
  using industry_map::v1::GetProjectRequest;
  using industry_map::v1::Project;
  const auto project = [](void (*change)(Project*)) {
    return Saying<GetProjectRequest>([change](const GetProjectRequest& request) {
      Project said = Played::OnMap(request);
      change(&said);
      return said;
    });
  };
  const auto not_there = [](const std::string&) { return base::NotFound("suppliers", "x"); };
  return {
      {"priority-goods",
       kCheckGoods,
       &Played::goods,
       {{"no result", goods([](GoodsSaid* said) { said->clear_results(); })},
        {"of another code",
         goods([](GoodsSaid* said) { said->mutable_results(0)->set_code("8503"); })},
        {"no verdict", goods([](GoodsSaid* said) { said->mutable_results(0)->clear_verdict(); })},
        {"a verdict of another time", goods([](GoodsSaid* said) {
           said->mutable_results(0)->set_verdict(static_cast<GoodsSaid::Verdict>(99));
         })},
        {"of another day", goods([](GoodsSaid* said) { said->mutable_on_date()->set_year(2020); })},
        {"of no day", goods([](GoodsSaid* said) { said->clear_on_date(); })},
        {"listed by no edition", goods([](GoodsSaid* said) { said->clear_edition(); })},
        {"listed nowhere in the journal",
         goods([](GoodsSaid* said) { said->clear_edition_position(); })}}},
      {"suppliers",
       kCheckDomestic,
       &Played::suppliers,
       {{"no result", domestic([](DomesticSaid* said) { said->clear_results(); })},
        {"two results", domestic([](DomesticSaid* said) {
           *said->add_results() = DomesticSaid::Result(said->results(0));
         })},
        {"of another BIN",
         domestic([](DomesticSaid* said) { said->mutable_results(0)->set_bin(Bin(2)); })},
        {"of another day",
         domestic([](DomesticSaid* said) { said->mutable_on_date()->set_year(2020); })}}},
      {"suppliers",
       kGetSupplier,
       &Played::suppliers,
       {{"of another BIN", supplier([](Supplier* said) { said->set_bin(Bin(2)); })},
        {"without a version", supplier([](Supplier* said) { said->clear_etag(); })},
        {"a size of another time",
         supplier([](Supplier* said) { said->set_size(static_cast<suppliers::v1::Size>(99)); })},
        {"a producer that is not there", not_there}}},
      {"industry-map",
       kGetProject,
       &Played::map,
       {{"of another project", project([](Project* said) { said->set_name("projects/2"); })},
        {"without a version", project([](Project* said) { said->clear_etag(); })},
        {"on the map and nobody's",
         project([](Project* said) { said->mutable_parameters()->clear_owner_bin(); })}}}};
}

std::vector<Fault> FaultsOfPeers() {
  std::vector<Fault> faults;
  for (const Method& method : AllMethods()) {
    const auto add = [&](const char* what, const char* why, const rpc::PlayedPeer::Fn& fn) {
      faults.push_back({method.service, absl::StrCat(method.path, ": ", what), why,
                        [path = method.path, peer = method.peer, fn](Played& played, PlayedGate&) {
                          (played.*peer).On(path, fn);
                        }});
    };
    const auto fails = [](absl::StatusCode code) {
      return [code](const std::string&) { return absl::Status(code, "says the service"); };
    };
    add("another message", "WRONG_ANSWER", [](const std::string&) { return "\xff\xff\xff"; });
    add("an empty message", "WRONG_ANSWER", [](const std::string&) { return ""; });
    add("away", "UNREACHABLE", fails(absl::StatusCode::kUnavailable));
    add("late itself", "TOO_SLOW", fails(absl::StatusCode::kDeadlineExceeded));
    add("overloaded", "OVERLOADED", fails(absl::StatusCode::kResourceExhausted));
    add("does not know us", "NOT_ADMITTED", fails(absl::StatusCode::kUnauthenticated));
    add("failed", "WRONG_ANSWER", fails(absl::StatusCode::kInternal));
    add("damaged", "WRONG_ANSWER", fails(absl::StatusCode::kDataLoss));
    add("of another version", "WRONG_ANSWER", fails(absl::StatusCode::kUnimplemented));
    add("refuses the question", "WRONG_ANSWER",
        [](const std::string&) { return base::InvalidField("codes", "are not liked"); });
    for (const auto& [what, fn] : method.absurd) add(what, "WRONG_ANSWER", fn);
  }
  for (const auto& [service, peer] : std::vector<std::pair<const char*, rpc::PlayedPeer Played::*>>{
           {"priority-goods", &Played::goods},
           {"suppliers", &Played::suppliers},
           {"industry-map", &Played::map}}) {
    faults.push_back(
        {service, absl::StrCat(service, " is down"), "UNREACHABLE",
         [peer = peer](Played& played, PlayedGate&) { (played.*peer).SetAway(true); }});
    faults.push_back(
        {service, absl::StrCat(service, " is slow"), "TOO_SLOW",
         [peer = peer](Played& played, PlayedGate&) { (played.*peer).SetSilent(true); },
         absl::Milliseconds(200)});
  }
  return faults;
}

std::vector<Fault> FaultsOfTheGate() {
  std::vector<Fault> faults;
  const auto add = [&](const char* what, const char* why,
                       const std::function<absl::StatusOr<Notice>(Notice)>& fault) {
    faults.push_back({"gate", absl::StrCat("gate: ", what), why,
                      [fault](Played&, PlayedGate& gate) { gate.fault = fault; }});
  };
  const auto changed = [](void (*change)(Notice*)) {
    return [change](Notice notice) -> absl::StatusOr<Notice> {
      change(&notice);
      return notice;
    };
  };
  add("silent", "", [](Notice notice) { return cases::GateNotChecked(notice.checkpoint()); });
  add("down", "UNREACHABLE",
      [](Notice) { return rpc::NotAnswered("gate", "Check", "UNREACHABLE", absl::Seconds(5)); });
  add("slow", "TOO_SLOW",
      [](Notice) { return rpc::NotAnswered("gate", "Check", "TOO_SLOW", absl::Seconds(5)); });
  add("failed", "", [](Notice) { return absl::InternalError("says the gate"); });
  add("no verdict", "WRONG_ANSWER", changed([](Notice* said) { said->clear_verdict(); }));
  add("a verdict of another time", "WRONG_ANSWER",
      changed([](Notice* said) { said->set_verdict(static_cast<Notice::Verdict>(99)); }));
  add("passed against its reasons", "WRONG_ANSWER",
      changed([](Notice* said) { said->add_reasons("BANKRUPT"); }));
  add("of another recipient", "WRONG_ANSWER",
      changed([](Notice* said) { said->set_recipient(Bin(2)); }));
  add("of another case", "WRONG_ANSWER",
      changed([](Notice* said) { said->set_record("agreements/other"); }));
  add("of another checkpoint", "WRONG_ANSWER", changed([](Notice* said) {
        said->set_checkpoint(said->checkpoint() == gate::v1::BEFORE_PAYMENT
                                 ? gate::v1::BEFORE_CONSIDERATION
                                 : gate::v1::BEFORE_PAYMENT);
      }));
  add("of a day to come", "WRONG_ANSWER",
      changed([](Notice* said) { *said->mutable_check_date() = Day("2030-01-01").ToProto(); }));
  add("of no day", "WRONG_ANSWER", changed([](Notice* said) { said->clear_check_date(); }));
  return faults;
}

class FaultsTest : public GrantsTest {
 protected:
  void SetUp() override {
    gate_ = &played_gate_;
    asked_ = &switched_;
    Turn(absl::Seconds(30));
    GrantsTest::SetUp();
    played_gate_.store = &store();
    OpenProgramme(2'000'000);
  }
  // Others who all answer, as processes that were just started.
  void Turn(absl::Duration longest) {
    rpc::PeerLimits limits = rpc::WithoutPauses();
    limits.longest = longest;
    auto played = std::make_unique<Played>(limits);
    real_ = std::make_unique<PeerSources>(played->peers());
    switched_.to = real_.get();
    played_ = std::move(played);
    played_gate_.fault = nullptr;
  }
  int64_t Notices() {
    const auto rows = AllOf(store().Read(), cases::kNoticesByRecord, store::Key());
    return rows.ok() ? static_cast<int64_t>(rows->size()) : -1;
  }
  // Everything that an attempt could leave something in.
  std::string Everything(const std::string& name) {
    std::string agreement;
    if (!Now(name).agreement().empty()) agreement = AgreementNow(name).SerializeAsString();
    return absl::StrCat(position(), " ", Notices(), " ", Stands(), " ",
                        Now(name).SerializeAsString(), agreement);
  }
  template <class Step>
  void ExpectNotDone(const Fault& fault, const std::string& name, const Step& step) {
    SCOPED_TRACE(fault.what);
    Turn(fault.longest);
    const std::string before = Everything(name);
    fault.set(*played_, played_gate_);
    const absl::Status away = step();
    EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable) << away;
    const bool gate = fault.service == std::string("gate");
    EXPECT_EQ(ReasonOf(away), gate ? "GATE_NOT_CHECKED" : "DEPENDENCY_NOT_ANSWERED") << away;
    EXPECT_GT(rpc::RetryOf(away), absl::ZeroDuration()) << "when to come again";
    const auto told = base::InfoOf(away).metadata();
    if (!fault.why.empty()) {
      ASSERT_TRUE(told.contains("service") && told.contains("why")) << away;
      EXPECT_EQ(told.at("service"), fault.service) << away;
      EXPECT_EQ(told.at("why"), fault.why) << away;
    }
    EXPECT_EQ(Everything(name), before) << "nothing half-done remains";
    ++seen_;
  }

  PlayedGate played_gate_;
  Switched switched_;
  std::unique_ptr<Played> played_;
  std::unique_ptr<PeerSources> real_;
  int seen_ = 0;
};

TEST_F(FaultsTest, TheFirstGateAndTheDryCheckAreNotDone) {
  const std::string name = At(Application::GATE_1, 1);
  auto run = Naming<v1::RunGateRequest>(name);
  run.set_request_id(NextUuid());
  v1::CheckEligibilityRequest dry;
  *dry.mutable_application() = MakeApplication(1);
  std::vector<Fault> faults = FaultsOfPeers();
  for (Fault& fault : FaultsOfTheGate()) faults.push_back(std::move(fault));
  for (const Fault& fault : faults) {
    ExpectNotDone(fault, name,
                  [&] { return Do<Application>("RunGate", authority_, run).status(); });
    ExpectNotDone(fault, name,
                  [&] { return Do<v1::Eligibility>("CheckEligibility", Owner(1), dry).status(); });
  }
  EXPECT_GE(seen_, 2 * (4 * 10 + 19 + 6 + 12));
  // The same request, once all are there.
  Turn(absl::Seconds(30));
  EXPECT_EQ(Must<v1::Eligibility>("CheckEligibility", Owner(1), dry).decision().outcome(),
            "ELIGIBLE");
  EXPECT_EQ(Must<Application>("RunGate", authority_, run).state(), Application::EXAMINATION);
}

TEST_F(FaultsTest, TheSecondGateIsNotDoneAndNothingIsPaid) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  Proven(name, 1, 1);
  v1::PayTrancheRequest pay = Paying(name, 1);
  pay.set_request_id(NextUuid());
  const auto step = [&] { return Do<v1::Payment>("PayTranche", payer_, pay).status(); };
  for (const Fault& fault : FaultsOfTheGate()) ExpectNotDone(fault, name, step);
  EXPECT_GE(seen_, 12);
  EXPECT_EQ(Stands(), "1600000 0 400000 0");
  Turn(absl::Seconds(30));
  ASSERT_TRUE(step().ok());
  EXPECT_EQ(Stands(), "1600000 0 280000 120000");
  ExpectSound();
}

// What a gate has against the recipient bars it for good; what it has against the programme does
// not.
TEST_F(FaultsTest, WhatTheGateBarsEndsAndWhatWaitsForMoneyDoesNot) {
  const std::string name = At(Application::AGREEMENT_SIGNED, 1);
  Proven(name, 1, 1);
  const auto end = [&] {
    return Do<Agreement>("EndTranches", authority_, NamingAgreement<v1::EndTranchesRequest>(name))
        .status();
  };
  for (const auto& [reason, barred] :
       std::vector<std::pair<std::string, bool>>{{"NOT_ENOUGH_MONEY", false}, {"DEBTOR", true}}) {
    played_gate_.fault = [reason = reason](Notice notice) -> absl::StatusOr<Notice> {
      notice.set_verdict(Notice::FAILED);
      notice.add_reasons(reason);
      return notice;
    };
    EXPECT_EQ(ReasonOf(Do<v1::Payment>("PayTranche", payer_, Paying(name, 1)).status()),
              "GATE_FAILED");
    EXPECT_EQ(ReasonOf(end()), barred ? "" : "TRANCHE_STATE");
  }
  EXPECT_EQ(Now(name).state(), Application::CLOSED);
  EXPECT_EQ(Stands(), "2000000 0 0 0");
}

// No other step depends on anybody: from draft to recovery each service is asked once a question.
TEST_F(FaultsTest, NoOtherStepAsks) {
  const std::string name = At(Application::MONITORING, 1);
  EXPECT_EQ(played_->goods.asked(), 1);
  EXPECT_EQ(played_->suppliers.asked(), 2);
  EXPECT_EQ(played_->map.asked(), 1);
  EXPECT_EQ(played_gate_.asked, 4) << "once to be considered, once a tranche";
  for (const auto& [service, peer] : played_->All()) peer->SetAway(true);
  played_gate_.fault = [](Notice) { return absl::InternalError("says the gate"); };
  GoTo(Day("2031-01-10"));
  ASSERT_TRUE(Assess(name, "50", checker_).ok());
  ASSERT_TRUE(DemandIt(name, authority_).ok());
  ASSERT_TRUE(Repay(name, DemandNow(name).total(), payer_).ok());
  EXPECT_EQ(Now(name).state(), Application::RECOVERED);
  // What was decided is decided again without them.
  v1::ReplayDecisionRequest replay;
  replay.set_name(name);
  EXPECT_TRUE(Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay).same());
}

}  // namespace
}  // namespace nisi::grants
