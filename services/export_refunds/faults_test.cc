// Each dependency away, slow or wrong at each step that asks it: what depends on the answer is not
// done, the caller learns whom to wait for and how long, and nothing is left half done. The same
// request is answered once the dependency is.
//
// This service asks three: the database of suppliers, the gate of recipients, and the register of
// grants for its lists. Its list of goods is its own; neither the priority goods nor the map is
// asked.
#include <functional>

#include "common/rpc/peer_testing.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using base::ReasonOf;
using gate::v1::Notice;
using grants::v1::CheckRecipientRequest;
using grants::v1::CheckRecipientResponse;
using suppliers::v1::CheckDomesticRequest;
using suppliers::v1::CheckDomesticResponse;
using suppliers::v1::Supplier;
using State = v1::Claim;

constexpr char kCheckDomestic[] = "/nisi.suppliers.v1.SuppliersService/CheckDomestic";
constexpr char kCheckRecipient[] = "/nisi.grants.v1.GrantAgreementsService/CheckRecipient";

// Asks whoever is played now.
class SwitchedSources final : public Sources {
 public:
  absl::StatusOr<std::map<Asked, Standing>> Suppliers(const rpc::Call& call,
                                                      const std::set<Asked>& asked) override {
    return now->Suppliers(call, asked);
  }
  absl::StatusOr<cases::Listed> Lists(const rpc::Call& call, const Asked& asked) override {
    return now->Lists(call, asked);
  }
  std::unique_ptr<Sources> now;
};

using GateFault = std::function<absl::StatusOr<Notice>(const cases::GateQuestion&)>;

// Says what is recorded, or what the fault says.
class PlayedGate final : public cases::Gate {
 public:
  PlayedGate(const GateFault& fault, const std::function<std::unique_ptr<cases::Gate>()>& recorded)
      : fault_(fault), recorded_(recorded) {}
  absl::StatusOr<Notice> Check(const rpc::Call& call,
                               const cases::GateQuestion& question) override {
    return fault_ != nullptr ? fault_(question) : recorded_()->Check(call, question);
  }

 private:
  const GateFault& fault_;
  const std::function<std::unique_ptr<cases::Gate>()> recorded_;
};

// A step that asks, of a claim that is ready for it. Sent with one request id.
struct Asking {
  std::string name;
  std::string claim;
  std::function<absl::Status()> take;
  std::function<bool(const v1::Claim& claim)> done;
};

class FaultsTest : public RefundsTest {
 protected:
  std::unique_ptr<Sources> MakeSources() override {
    auto switched = std::make_unique<SwitchedSources>();
    switched_ = switched.get();
    PlaySuppliers([](rpc::PlayedPeer&) {});
    return switched;
  }
  std::unique_ptr<cases::Gate> MakeGate() override {
    return std::make_unique<PlayedGate>(gate_fault_, [this] {
      return std::make_unique<cases::RecordedGate>(store(), norms_, "export_refunds.days.payment");
    });
  }

  // Both services, well but for what `strike` does to them; nobody has failed with them yet.
  void PlaySuppliers(const std::function<void(rpc::PlayedPeer&)>& strike) {
    auto database = std::make_unique<rpc::PlayedPeer>();
    database->On<CheckDomesticRequest, CheckDomesticResponse>(
        kCheckDomestic,
        [](const CheckDomesticRequest& request) -> absl::StatusOr<CheckDomesticResponse> {
          CheckDomesticResponse response;
          for (const auto& question : request.questions()) {
            auto* result = response.add_results();
            result->set_bin(question.bin());
            *result->mutable_on_date() = question.on_date();
            result->set_domestic(true);
            result->add_activities(Supplier::PRODUCER);
            result->set_size(suppliers::v1::SMALL);
            result->set_supplier_etag("\"1-1\"");
          }
          return response;
        });
    database->On<CheckRecipientRequest, CheckRecipientResponse>(
        kCheckRecipient,
        [](const CheckRecipientRequest& request) -> absl::StatusOr<CheckRecipientResponse> {
          CheckRecipientResponse response;
          response.set_recipient(request.recipient());
          *response.mutable_on_date() = request.on_date();
          response.set_position(5);
          return response;
        });
    strike(*database);
    rpc::PeerLimits limits = rpc::WithoutPauses();
    limits.longest = absl::Milliseconds(20);
    auto peers = rpc::MakePeers("export-refunds", &peer_metrics_, limits);
    peers->SetHere("suppliers", database->take());
    peers->SetHere("grants", database->take());
    switched_->now = AskPeers(peers.get());
    peers_.push_back(std::move(peers));
    databases_.push_back(std::move(database));
  }

  template <class Request>
  Asking AskingOf(const std::string& method, const std::string& claim, const rpc::Caller& caller,
                  Request request, std::function<bool(const v1::Claim&)> done) {
    request.set_request_id(NextUuid());
    return {
        method, claim,
        [this, method, caller, request] { return Do<v1::Claim>(method, caller, request).status(); },
        std::move(done)};
  }
  Asking Calculating(const std::string& name, const std::string& claim) {
    return {name, claim,
            [this, claim] {
              v1::CalculateClaimRequest request;
              request.set_name(claim);
              return Do<v1::Calculation>("CalculateClaim", Entity(1), request).status();
            },
            [](const v1::Claim&) { return true; }};
  }

  // The claim with its expenses and deadlines, as bytes.
  std::string Whole(const std::string& claim) {
    const store::View view = store().Read();
    std::string whole = Now(claim).SerializeAsString();
    const auto add = [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
      whole.append(row.row.data(), row.row.size());
      return true;
    };
    EXPECT_TRUE(view.Scan(kExpenses, {store::Key::Of(claim), ""}, {}, add).ok());
    return whole;
  }
  void ExpectNotDone(const Asking& step, const std::string& reason,
                     const std::map<std::string, std::string>& told) {
    const std::string before = Whole(step.claim);
    const int64_t at = position();
    const absl::Status refused = step.take();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
    EXPECT_EQ(ReasonOf(refused), reason) << refused;
    EXPECT_GT(rpc::RetryOf(refused), absl::ZeroDuration()) << "when to come again";
    const auto metadata = base::InfoOf(refused).metadata();
    for (const auto& [key, value] : told) {
      EXPECT_TRUE(metadata.contains(key) && metadata.at(key) == value) << key << ": " << refused;
    }
    EXPECT_EQ(position(), at) << "nothing of it is recorded";
    EXPECT_EQ(Whole(step.claim), before);
    EXPECT_FALSE(step.done(Now(step.claim)) && step.name.find("Calculate") == std::string::npos);
  }
  // The same request, when the dependency is well again; and again, when it is not.
  void ExpectDone(const Asking& step) {
    const absl::Status taken = step.take();
    EXPECT_TRUE(taken.ok()) << step.name << ": " << taken;
    EXPECT_TRUE(step.done(Now(step.claim))) << step.name;
  }

  GateFault gate_fault_;
  SwitchedSources* switched_ = nullptr;
  rpc::Metrics peer_metrics_{"export-refunds"};
  std::vector<std::unique_ptr<rpc::PlayedPeer>> databases_;
  std::vector<std::unique_ptr<rpc::Peers>> peers_;
};

struct SuppliersFault {
  const char* name;
  const char* why;  // as the caller is told
  std::function<void(rpc::PlayedPeer&, const std::string& path)> strike;
};

std::vector<SuppliersFault> SuppliersFaults() {
  const auto refusing = [](absl::Status status) {
    return [status](rpc::PlayedPeer& peer, const std::string& path) {
      peer.On(path, [status](const std::string&) -> absl::StatusOr<std::string> { return status; });
    };
  };
  const auto saying = [](const std::string& bytes) {
    return [bytes](rpc::PlayedPeer& peer, const std::string& path) {
      peer.On(path, [bytes](const std::string&) -> absl::StatusOr<std::string> { return bytes; });
    };
  };
  return {
      {"down", "UNREACHABLE",
       [](rpc::PlayedPeer& peer, const std::string& path) {
         peer.On(path, rpc::PlayedPeer::Fn());
       }},
      {"slow", "TOO_SLOW",
       [](rpc::PlayedPeer& peer, const std::string& path) { peer.SetSilentAt(path); }},
      {"late", "TOO_SLOW", refusing(absl::DeadlineExceededError("late"))},
      {"overloaded", "OVERLOADED", refusing(absl::ResourceExhaustedError("busy"))},
      {"does not admit us", "NOT_ADMITTED", refusing(absl::UnauthenticatedError("who"))},
      {"broken", "WRONG_ANSWER", refusing(absl::InternalError("broken"))},
      {"refuses", "WRONG_ANSWER", refusing(absl::FailedPreconditionError("not now"))},
      {"says what cannot be read", "WRONG_ANSWER", saying("\xff\xff")},
      {"says nothing", "WRONG_ANSWER", saying("")},
      {"says it without the version of its record, as releases did that told no size",
       "WRONG_ANSWER",
       [](rpc::PlayedPeer& peer, const std::string& path) {
         if (path != kCheckDomestic) {
           peer.On(path, [](const std::string&) -> absl::StatusOr<std::string> { return ""; });
           return;
         }
         peer.On<CheckDomesticRequest, CheckDomesticResponse>(
             path,
             [](const CheckDomesticRequest& request) -> absl::StatusOr<CheckDomesticResponse> {
               CheckDomesticResponse response;
               for (const auto& question : request.questions()) {
                 auto* result = response.add_results();
                 result->set_bin(question.bin());
                 *result->mutable_on_date() = question.on_date();
                 result->set_domestic(true);
                 result->add_activities(Supplier::PRODUCER);
               }
               return response;
             });
       }},
      {"says it of somebody else", "WRONG_ANSWER",
       [](rpc::PlayedPeer& peer, const std::string& path) {
         if (path == kCheckDomestic) {
           peer.On<CheckDomesticRequest, CheckDomesticResponse>(
               path,
               [](const CheckDomesticRequest& request) -> absl::StatusOr<CheckDomesticResponse> {
                 CheckDomesticResponse response;
                 for (int i = 0; i < request.questions_size(); ++i) {
                   auto* result = response.add_results();
                   result->set_bin(Bin(77 + i));
                   *result->mutable_on_date() = request.questions(i).on_date();
                   result->set_domestic(true);
                   result->add_activities(Supplier::PRODUCER);
                   result->set_supplier_etag("\"1-1\"");
                 }
                 return response;
               });
           return;
         }
         if (path == kCheckRecipient) {
           peer.On<CheckRecipientRequest, CheckRecipientResponse>(
               path,
               [](const CheckRecipientRequest& request) -> absl::StatusOr<CheckRecipientResponse> {
                 CheckRecipientResponse response;
                 response.set_recipient(Bin(77));
                 *response.mutable_on_date() = request.on_date();
                 response.set_position(5);
                 return response;
               });
           return;
         }
       }},
  };
}

TEST_F(FaultsTest, TheDatabaseOfSuppliers) {
  ListInForce();
  const std::string draft = Drafted(1);
  ASSERT_TRUE(Add(draft, 1, {MakeExpense()}).ok());
  auto sign = Of<v1::SignClaimRequest>(draft);
  *sign.mutable_signature() = Paper();
  const std::string fixing = Fixing(1, {MakeExpense()});
  Mend(fixing, 1, "2000000");
  // Answered while it was away.
  const std::string answered = Fixing(1, {MakeExpense()});
  Mend(answered, 1, "2000000");
  PlaySuppliers([](rpc::PlayedPeer& peer) { peer.SetAway(true); });
  ASSERT_TRUE(Do<v1::Claim>("AnswerRemarks", Entity(1), Answers(answered, {1})).ok());
  auto decide = Of<v1::DecidePartRequest>(answered);
  decide.clear_reason();
  decide.set_part(v1::LEGAL);
  decide.set_verdict(v1::PartReview::ACCEPTED);
  const std::vector<Asking> steps = {
      Calculating("Calculate a draft", draft),
      Calculating("Calculate what is being fixed", fixing),
      Calculating("Calculate what is not examined", answered),
      AskingOf("SignClaim", draft, Entity(1), sign,
               [](const v1::Claim& claim) { return claim.state() == State::SIGNED; }),
      AskingOf("DecidePart", answered, examiner_, decide,
               [](const v1::Claim& claim) { return claim.calculated().units() == 1'200'000; }),
  };
  int cases = 0;
  for (const Asking& step : steps) {
    for (const SuppliersFault& fault : SuppliersFaults()) {
      SCOPED_TRACE(absl::StrCat(step.name, ", ", fault.name));
      PlaySuppliers([&](rpc::PlayedPeer& peer) { fault.strike(peer, kCheckDomestic); });
      ExpectNotDone(step, "DEPENDENCY_NOT_ANSWERED",
                    {{"service", "suppliers"}, {"method", "CheckDomestic"}, {"why", fault.why}});
      ++cases;
    }
  }
  EXPECT_EQ(cases, 5 * 11);
  // An answer to remarks is not lost by any of it: it is taken, and not examined.
  for (const SuppliersFault& fault : SuppliersFaults()) {
    SCOPED_TRACE(fault.name);
    PlaySuppliers([](rpc::PlayedPeer&) {});
    const std::string claim = Fixing(2, {MakeExpense()});
    Mend(claim, 2, "3000000");
    PlaySuppliers([&](rpc::PlayedPeer& peer) { fault.strike(peer, kCheckDomestic); });
    const auto taken = Do<v1::Claim>("AnswerRemarks", Entity(2), Answers(claim, {1}));
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_EQ(taken->state(), State::REVIEW);
    EXPECT_FALSE(taken->has_calculation());
    EXPECT_FALSE(ExpenseNow(claim, 1).has_examination());
  }
  PlaySuppliers([](rpc::PlayedPeer&) {});
  for (const Asking& step : steps) ExpectDone(step);
  EXPECT_EQ(Now(draft).number(), 14) << "what was refused took no number";
  // Answered before, it is answered the same with nobody there.
  PlaySuppliers([](rpc::PlayedPeer& peer) { peer.SetAway(true); });
  const int64_t at = position();
  ASSERT_TRUE(steps[3].take().ok());
  ASSERT_TRUE(steps[4].take().ok());
  EXPECT_EQ(position(), at);
  ExpectSound();
}

TEST_F(FaultsTest, TheGate) {
  ListInForce();
  Allocate(5'000'000);
  const std::string waiting = Signed(1, {MakeExpense()});
  Notice(waiting, gate::v1::BEFORE_CONSIDERATION);
  const std::string accepted = Accepted(2, {MakeExpense()});
  const std::string agreed = Accepted(3, {MakeExpense()});
  Agree(agreed, 3);
  Notice(accepted, gate::v1::BEFORE_PAYMENT);
  const auto said = [this](const cases::GateQuestion& question,
                           const std::function<void(gate::v1::Notice&)>& change) {
    const store::View view = store().Read();
    auto last = cases::LastNotice(view, question.record, question.checkpoint, question.recipient);
    EXPECT_TRUE(last.ok() && last->has_value());
    gate::v1::Notice notice = last.ok() && last->has_value() ? **last : gate::v1::Notice();
    change(notice);
    return notice;
  };
  const auto wrong = [&](const std::function<void(gate::v1::Notice&)>& change) -> GateFault {
    return [&, change](const cases::GateQuestion& question) -> absl::StatusOr<gate::v1::Notice> {
      return said(question, change);
    };
  };
  const auto refusing = [](absl::Status status) -> GateFault {
    return
        [status](const cases::GateQuestion&) -> absl::StatusOr<gate::v1::Notice> { return status; };
  };
  const std::vector<std::pair<std::string, GateFault>> faults = {
      {"down",
       refusing(rpc::NotAnswered("grants", "CheckRecipient", "UNREACHABLE", absl::Seconds(9)))},
      {"slow",
       refusing(rpc::NotAnswered("grants", "CheckRecipient", "TOO_SLOW", absl::Seconds(9)))},
      {"late", refusing(absl::DeadlineExceededError("late"))},
      {"broken", refusing(absl::InternalError("broken"))},
      {"knows nothing", refusing(absl::NotFoundError("nobody"))},
      {"says so", refusing(cases::GateNotChecked(gate::v1::BEFORE_PAYMENT))},
      {"speaks of somebody else", wrong([](auto& notice) { notice.set_recipient(Bin(77)); })},
      {"speaks of another claim", wrong([](auto& notice) { notice.set_record("claims/x"); })},
      {"speaks of another check",
       wrong([](auto& notice) { notice.set_checkpoint(gate::v1::CHECKPOINT_UNSPECIFIED); })},
      {"does not say which", wrong([](auto& notice) { notice.clear_verdict(); })},
      {"has said something else since", wrong([](auto& notice) { notice.set_name("notices/x"); })},
  };
  auto pay = Payment(agreed);
  const std::vector<Asking> steps = {
      AskingOf("StartReview", waiting, institute_, Of<v1::StartReviewRequest>(waiting),
               [](const v1::Claim& claim) { return claim.state() == State::REVIEW; }),
      AskingOf("RunGate", accepted, institute_, Of<v1::RunGateRequest>(accepted),
               [](const v1::Claim& claim) { return claim.state() == State::GATE_2; }),
      AskingOf("PayClaim", agreed, payer_, pay,
               [](const v1::Claim& claim) { return claim.state() == State::PAID; }),
  };
  const std::string money = Stands();
  for (const Asking& step : steps) {
    for (const auto& [name, fault] : faults) {
      SCOPED_TRACE(absl::StrCat(step.name, ", the gate ", name));
      gate_fault_ = fault;
      ExpectNotDone(step, "GATE_NOT_CHECKED", {});
      EXPECT_EQ(Stands(), money);
    }
  }
  gate_fault_ = faults[0].second;
  EXPECT_EQ(base::InfoOf(steps[2].take()).metadata().at("why"), "UNREACHABLE");
  gate_fault_ = nullptr;
  // The notice says that it passes; whether it stands on a list nobody has said.
  for (const Asking& step : steps) {
    for (const SuppliersFault& fault : SuppliersFaults()) {
      SCOPED_TRACE(absl::StrCat(step.name, ", the lists: ", fault.name));
      PlaySuppliers([&](rpc::PlayedPeer& peer) { fault.strike(peer, kCheckRecipient); });
      ExpectNotDone(step, "GATE_NOT_CHECKED", {{"service", "grants"}, {"why", fault.why}});
      EXPECT_EQ(Stands(), money);
    }
  }
  PlaySuppliers([](rpc::PlayedPeer&) {});
  for (const Asking& step : steps) ExpectDone(step);
  EXPECT_EQ(Stands(), "3800000 600000 0 600000");
  PlaySuppliers([](rpc::PlayedPeer& peer) { peer.SetAway(true); });
  gate_fault_ = faults[0].second;
  const int64_t at = position();
  for (const Asking& step : steps) EXPECT_TRUE(step.take().ok()) << step.name;
  EXPECT_EQ(position(), at) << "answered before";
  ExpectSound();
}

}  // namespace
}  // namespace nisi::export_refunds
