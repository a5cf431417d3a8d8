// Services that ask each other: real servers of the call layer, in this process and over mutual
// TLS.
#include "common/rpc/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/http2/backend.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/certificates.h"
#include "common/rpc/peer_testing.h"
#include "common/rpc/server.h"
#include "common/rpc/works_testing.h"
#include "common/store/store_testing.h"
#include "nisi/journal/v1/journal.pb.h"

// Apart: server_test.cc has a service of its own for the same methods.
namespace nisi::rpc::peer_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::v1::CountWidgetsRequest;
using testing::v1::CreateWidgetRequest;
using testing::v1::EchoRequest;
using testing::v1::EchoResponse;
using testing::v1::GetWidgetRequest;
using testing::v1::ListWidgetsRequest;
using testing::v1::ListWidgetsResponse;
using testing::v1::Widget;
using testing::v1::WidgetRow;
using testing::v1::WidgetService;

constexpr char kBin[] = "940140000385";
constexpr char kEcho[] = "/nisi.testing.v1.WidgetService/Echo";

std::string WhyOf(const absl::Status& status) {
  EXPECT_TRUE(IsNotAnswered(status)) << status;
  const auto told = base::InfoOf(status).metadata();
  const auto why = told.find("why");
  return why == told.end() ? "" : why->second;
}

// What a test puts behind the methods.
struct Env {
  std::function<absl::StatusOr<Widget>(Call&)> get = [](Call&) { return Widget(); };
  std::function<void(Call&)> list = [](Call&) {};
  std::function<void(const Call&, const CreateWidgetRequest&)> created =
      [](const Call&, const CreateWidgetRequest&) {};
};
absl::StatusOr<EchoResponse> Echo(Env&, Call&, const EchoRequest& request) {
  EchoResponse response;
  response.set_text(request.text());
  return response;
}
absl::StatusOr<Widget> GetWidget(Env& env, Call& call, const GetWidgetRequest&) {
  return env.get(call);
}
absl::StatusOr<Widget> CreateWidget(Env& env, const Call& call, store::Tx& tx,
                                    const CreateWidgetRequest& request) {
  env.created(call, request);
  WidgetRow row;
  *row.mutable_widget() = request.widget();
  RETURN_IF_ERROR(tx.Put(store::kWidgets, &row));
  return row.widget();
}
absl::StatusOr<ListWidgetsResponse> ListWidgets(Env& env, Call& call, const ListWidgetsRequest&) {
  env.list(call);
  return ListWidgetsResponse();
}
absl::StatusOr<std::unique_ptr<MessageSource>> CountWidgets(Env&, Call&,
                                                            const CountWidgetsRequest&) {
  return absl::UnimplementedError("");
}
absl::StatusOr<std::unique_ptr<MessageSink<CreateWidgetRequest>>> CollectWidgets(Env&, Call&) {
  return absl::UnimplementedError("");
}

std::string TlsDir() {
  static const auto* const kDir = [] {
    auto* dir = new std::string(absl::StrCat(::testing::TempDir(), "/peer-", base::RandomUuid()));
    EXPECT_TRUE(MakeCertificates(*dir, {"testing", "asking", "stranger"}, absl::Now()).ok());
    return dir;
  }();
  return *kDir;
}

// A service that is asked: "testing".
class Asked {
 public:
  // `address` empty: it is in this process.
  void Start(const KeySet& signers, const std::string& address = "",
             Executor::Limits executor = {}) {
    ASSERT_TRUE(registry_.Add(*WidgetService::descriptor()).ok());
    NISI_UNARY(registry_, WidgetService, Echo, env, Echo);
    NISI_UNARY(registry_, WidgetService, GetWidget, env, GetWidget);
    NISI_UNARY(registry_, WidgetService, ListWidgets, env, ListWidgets);
    NISI_SERVER_STREAM(registry_, WidgetService, CountWidgets, env, CountWidgets);
    NISI_CLIENT_STREAM(registry_, WidgetService, CollectWidgets, env, CollectWidgets);
    store::Store::Options options;
    options.clock = &clock_;
    auto store = store::Store::Open(store::OpenMem(), schema_, std::move(options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    NISI_COMMAND(registry_, WidgetService, CreateWidget, env, *store_, CreateWidget);
    Serve(signers, address, executor);
  }
  // Another service with the same name: of works.
  void StartWorks(const KeySet& signers, const std::string& lets_in = "asking") {
    store::Store::Options options;
    options.clock = &clock_;
    store_ = *store::Store::Open(store::OpenMem(), works_schema_, std::move(options));
    works_.store = store_.get();
    registry_.DiscloseFrom(store_.get());
    ASSERT_TRUE(BindWorks(works_, &registry_).ok());
    NISI_LET_IN(registry_, lets_in, testing::v1::WorksService, CreateWorks);
    disclosure_ = DisclosureEnv{store_.get(), &registry_};
    ASSERT_TRUE(AddDisclosureService(disclosure_, &registry_).ok());
    Serve(signers, "", {});
  }
  Server& server() { return *server_; }
  store::Store& store() { return *store_; }

  Env env;

 private:
  void Serve(const KeySet& signers, const std::string& address, Executor::Limits executor) {
    AuthenticatorOptions identity;
    identity.contexts = std::make_unique<ContextVerifier>(FixedKeys(signers), "testing");
    identity.in_process_only = address.empty();
    identity.context_peers = {ServiceIdentity("asking")};
    authenticator_ = std::make_unique<Authenticator>(std::move(identity));
    ServerOptions serving;
    serving.address = address;
    if (!address.empty()) {
      auto tls = http2::TlsAcceptor::Load(http2::TlsFiles::In(TlsDir(), "testing"), true);
      ASSERT_TRUE(tls.ok()) << tls.status();
      serving.tls = *std::move(tls);
    }
    serving.clock = &clock_;
    serving.registry = &registry_;
    serving.authenticator = authenticator_.get();
    serving.metrics = &metrics_;
    serving.executor = executor;
    auto server = Server::Start(serving);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  const store::Schema schema_ = store::WidgetSchema();
  const store::Schema works_schema_ = WithDisclosure(WorksSchema());
  base::SystemClock clock_;
  Metrics metrics_{"testing"};
  std::unique_ptr<store::Store> store_;
  WorksEnv works_;
  DisclosureEnv disclosure_{};
  Registry registry_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Server> server_;
};

struct Methods {
  explicit Methods(Peers* peers)
      : echo(NISI_PEER(peers, WidgetService, Echo)),
        get(NISI_PEER(peers, WidgetService, GetWidget)),
        create(NISI_PEER(peers, WidgetService, CreateWidget)),
        list(NISI_PEER(peers, WidgetService, ListWidgets)) {}
  PeerMethod<EchoRequest, EchoResponse> echo;
  PeerMethod<GetWidgetRequest, Widget> get;
  PeerMethod<CreateWidgetRequest, Widget> create;
  PeerMethod<ListWidgetsRequest, ListWidgetsResponse> list;
};

class PeerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Peers> Speaking(const PeerLimits& limits = WithoutPauses(),
                                  const std::string& as = "asking") {
    Peers::Options options;
    options.signer = std::make_shared<const ContextSigner>(as == "asking" ? key_ : asked_key_, as);
    options.metrics = &metrics_;
    options.limits = limits;
    return std::make_unique<Peers>(std::move(options));
  }
  KeySet Signers() {
    return *KeySet::Parse(JwksText({{"asking", key_.public_key()},
                                    {"testing", asked_key_.public_key()},
                                    {"gateway", GatewayKey().public_key()}}));
  }
  static const PrivateKey& GatewayKey() {
    static const auto* const kKey = new PrivateKey(*PrivateKey::Generate(Algorithm::kEdDsa));
    return *kKey;
  }
  static http2::BackendOptions At(int port, const std::string& as = "asking") {
    http2::BackendOptions options;
    options.address = absl::StrCat("localhost:", port);
    auto tls =
        http2::TlsConnector::Load(http2::TlsFiles::In(TlsDir(), as), ServiceIdentity("testing"));
    EXPECT_TRUE(tls.ok()) << tls.status();
    options.tls = *std::move(tls);
    return options;
  }
  // A call on its way through the gateway.
  static Call CallBy(const std::vector<Role>& roles) {
    static MethodPolicy policy;
    Call call;
    call.method = &policy;
    Caller caller = CallerOf(roles, kBin);
    caller.received = ContextSigner(GatewayKey(), "gateway").Sign(caller, "asking", absl::Now());
    caller.actors = {"gateway"};
    call.caller = std::make_shared<const Caller>(std::move(caller));
    call.deadline = absl::Now() + absl::Seconds(60);
    call.trace_id = "0af7651916cd43dd8448eb211c80319c";
    return call;
  }
  static EchoRequest Saying(const std::string& text) {
    EchoRequest request;
    request.set_text(text);
    return request;
  }
  static GetWidgetRequest Getting() {
    GetWidgetRequest request;
    request.set_name("widgets/1");
    return request;
  }
  static CreateWidgetRequest Making(const std::string& code) {
    CreateWidgetRequest request;
    request.mutable_widget()->set_code(code);
    request.mutable_widget()->set_color("red");
    request.mutable_widget()->set_bin(kBin);
    request.set_request_id(base::RandomUuid());
    return request;
  }

  const PrivateKey key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  const PrivateKey asked_key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  Metrics metrics_{"asking"};
};

// ---- Answers

// In this process and in another it is the same.
class PeerAnswerTest : public PeerTest, public ::testing::WithParamInterface<bool> {};

TEST_P(PeerAnswerTest, AnswersAndRefusalsComeBackAsTheyAre) {
  Asked asked;
  asked.Start(Signers(), GetParam() ? "127.0.0.1:0" : "");
  Caller seen;
  std::string trace;
  absl::Duration left;
  asked.env.get = [&](Call& call) -> absl::StatusOr<Widget> {
    seen = *call.caller;
    trace = call.trace_id;
    left = call.deadline - absl::Now();
    Widget widget;
    widget.set_name("widgets/1");
    return widget;
  };
  const auto peers = Speaking();
  if (GetParam()) {
    peers->SetAddress("testing", At(asked.server().port()));
  } else {
    peers->SetHere("testing", asked.server().take());
  }
  const Methods ask(peers.get());
  EXPECT_TRUE(peers->Check().ok()) << peers->Check();

  const auto echo = ask.echo(CallBy({}), Saying("Сәлем"));
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_EQ(echo->message.text(), "Сәлем");

  // The other one sees on whose behalf, and by whom.
  const auto got = ask.get(CallBy({v1::ENTITY}), Getting());
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->message.name(), "widgets/1");
  EXPECT_EQ(seen.subject, "somebody");
  EXPECT_EQ(seen.bin, kBin);
  EXPECT_TRUE(seen.Has(v1::ENTITY));
  EXPECT_THAT(seen.actors, ElementsAre("gateway", "asking"));
  EXPECT_EQ(trace, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_LE(left, PeerLimits{}.longest);
  // Its time is the caller's.
  Call hurried = CallBy({v1::ENTITY});
  hurried.deadline = absl::Now() + absl::Seconds(1);
  EXPECT_TRUE(ask.get(hurried, Getting()).ok());
  EXPECT_LE(left, absl::Seconds(1) - PeerLimits{}.reserve);

  // It admits by its own policy: the caller's role goes on, and no other.
  const auto refused = ask.get(CallBy({v1::EXPERT}), Getting());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(base::ReasonOf(refused.status()), "ACCESS_DENIED");
  GetWidgetRequest bad;
  bad.set_name("crates/1");
  EXPECT_EQ(ask.get(CallBy({v1::ENTITY}), bad).status().code(), absl::StatusCode::kInvalidArgument);

  // What it changed has a position, once for one request.
  const CreateWidgetRequest making = Making("8504");
  const auto made = ask.create(CallBy({v1::ENTITY}), making);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->position, 1);
  EXPECT_EQ(ask.create(CallBy({v1::ENTITY}), making)->position, 1);

  const std::string text = metrics_.Text();
  EXPECT_THAT(text,
              HasSubstr("grpc_client_handled_total{grpc_code=\"OK\",grpc_method=\"GetWidget\","
                        "grpc_service=\"nisi.testing.v1.WidgetService\",grpc_type=\"unary\","
                        "peer=\"testing\",process=\"asking\"} 2"));
  EXPECT_THAT(text, HasSubstr("grpc_code=\"PermissionDenied\",grpc_method=\"GetWidget\","
                              "grpc_service=\"nisi.testing.v1.WidgetService\",grpc_type=\"unary\","
                              "peer=\"testing\",process=\"asking\"} 1"));
  EXPECT_THAT(text, HasSubstr("nisi_peer_waiting{process=\"asking\"} 0"));
}

INSTANTIATE_TEST_SUITE_P(Ways, PeerAnswerTest, ::testing::Bool(), [](const auto& way) {
  return way.param ? std::string("AnotherProcess") : std::string("ThisProcess");
});

// ---- Side by side

// Each answers when all are there: one after another none would.
TEST_P(PeerAnswerTest, QuestionsSideBySideAreAllThereAtOnce) {
  Asked asked;
  std::atomic<int> there{0};
  const auto meet = [&there] {
    ++there;
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (there < 3 && absl::Now() < limit) std::this_thread::yield();
  };
  asked.env.get = [&](Call&) -> absl::StatusOr<Widget> {
    meet();
    if (there < 3) return base::NotFound("widgets", "3");
    Widget widget;
    widget.set_code("1");
    return widget;
  };
  asked.env.list = [&](Call&) { meet(); };
  asked.Start(Signers(), GetParam() ? "127.0.0.1:0" : "");
  PeerLimits limits = WithoutPauses();
  limits.longest = absl::Minutes(1);
  limits.waiting = 1;  // all of a function count once
  const auto peers = Speaking(limits);
  if (GetParam()) {
    peers->SetAddress("testing", At(asked.server().port()));
  } else {
    peers->SetHere("testing", asked.server().take());
  }
  const Methods ask(peers.get());
  const Call call = CallBy({v1::ENTITY});
  SideBySide asking;
  const auto one = asking.Add(ask.get, Getting());
  const auto two = asking.Add(ask.list, ListWidgetsRequest());
  const auto three = asking.Add(ask.get, Getting());
  const auto nobody = asking.Add(Methods(nullptr).get, Getting());
  asking.Wait(call);
  EXPECT_TRUE(one->status.ok()) << one->status;
  EXPECT_EQ(one->answer.message.code(), "1");
  EXPECT_TRUE(two->status.ok()) << two->status;
  EXPECT_TRUE(three->status.ok()) << three->status;
  EXPECT_EQ(WhyOf(nobody->status), "NO_ADDRESS");
}

// Of those that go out together the first finds out whether a peer that rests is there again.
TEST_F(PeerTest, SideBySideAPeerThatRestsIsTriedByOne) {
  PlayedPeer played;
  played.SetAway(true);
  PeerLimits limits = WithoutPauses();
  limits.tries = 1;
  limits.breaker.least_calls = 2;
  limits.breaker.rest = absl::ZeroDuration();
  const auto peers = Speaking(limits);
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  const Call call = CallBy({});
  const auto both = [&] {
    SideBySide asking;
    const auto one = asking.Add(ask.echo, Saying("x")), two = asking.Add(ask.echo, Saying("x"));
    asking.Wait(call);
    return std::make_pair(one->status, two->status);
  };
  both();  // enough for a rest
  played.On(kEcho, [](const std::string&) { return std::string(); });
  played.SetAway(false);
  const auto [one, two] = both();
  EXPECT_TRUE(one.ok()) << one;
  EXPECT_TRUE(two.ok()) << two;
}

// ---- Where nothing may wait

// Runs a function as the carrier's own thread does.
class InquiryTest : public PeerTest {
 protected:
  Call InMemory(Inquiry* inquiry) {
    Call call = CallBy({v1::ENTITY});
    call.reach = store::Reach::kMemory;
    call.inquiry = inquiry;
    return call;
  }
  static void SendAndWait(Inquiry* inquiry) {
    std::promise<void> heard;
    inquiry->Send([&heard] { heard.set_value(); });
    heard.get_future().wait();
  }
};

TEST_P(PeerAnswerTest, AFunctionThatMustNotWaitRunsAgainWithTheAnswers) {
  Asked asked;
  asked.env.get = [](Call&) -> absl::StatusOr<Widget> {
    Widget widget;
    widget.set_code("1");
    return widget;
  };
  asked.Start(Signers(), GetParam() ? "127.0.0.1:0" : "");
  const auto peers = Speaking();
  if (GetParam()) {
    peers->SetAddress("testing", At(asked.server().port()));
  } else {
    peers->SetHere("testing", asked.server().take());
  }
  const Methods ask(peers.get());
  Inquiry inquiry;
  Call call = CallBy({v1::ENTITY});
  call.reach = store::Reach::kMemory;
  call.inquiry = &inquiry;
  // It asks two side by side, and what it asks then depends on what they say.
  const auto run = [&]() -> absl::StatusOr<std::string> {
    inquiry.Rewind();
    SideBySide asking;
    const auto one = asking.Add(ask.get, Getting());
    const auto two = asking.Add(ask.echo, Saying("a"));
    asking.Wait(call);
    RETURN_IF_ERROR(one->status);
    RETURN_IF_ERROR(two->status);
    const std::string text = two->answer.message.text() + one->answer.message.code();
    ASSIGN_OR_RETURN(const auto three, ask.echo(call, Saying(text)));
    return three.message.text();
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(store::IsNotInMemory(run().status()));
    ASSERT_TRUE(inquiry.waits());
    std::promise<void> heard;
    inquiry.Send([&heard] { heard.set_value(); });
    heard.get_future().wait();
    EXPECT_TRUE(inquiry.answered());
  }
  const auto said = run();
  ASSERT_TRUE(said.ok()) << said.status();
  EXPECT_EQ(*said, "a1");
  EXPECT_FALSE(inquiry.waits());
  EXPECT_THAT(metrics_.Text(), HasSubstr("nisi_peer_waiting{process=\"asking\"} 0"));
  // Whoever asks on a loop of a server reaches the others from there, and is no longer there when
  // it ends.
  if (!GetParam()) return;
  {
    http2::EventLoop loop("asks");
    Inquiry there;
    call.inquiry = &there;
    std::promise<http2::EventLoop*> heard;
    loop.RunAndWait([&] {
      EXPECT_TRUE(store::IsNotInMemory(ask.echo(call, Saying("b")).status()));
      there.Send([&heard] { heard.set_value(http2::EventLoop::Current()); });
    });
    EXPECT_EQ(heard.get_future().get(), &loop);
    there.Rewind();
    EXPECT_EQ(ask.echo(call, Saying("b"))->message.text(), "b");
  }
  call.inquiry = nullptr;
  call.reach = store::Reach::kDisk;
  EXPECT_EQ(ask.echo(call, Saying("c"))->message.text(), "c");
}

// A refusal is an answer. To try again takes time: that is for a thread that may wait.
TEST_F(InquiryTest, WhatIsToBeTriedAgainIsForAThreadThatMayWait) {
  PlayedPeer played;
  played.On(kEcho, [](const std::string&) { return base::NotFound("widgets", "1"); });
  PeerLimits limits = WithoutPauses();
  limits.tries = 2;
  const auto peers = Speaking(limits);
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  Inquiry refused;
  Call call = InMemory(&refused);
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(call, Saying("x")).status()));
  SendAndWait(&refused);
  EXPECT_TRUE(refused.answered());
  EXPECT_EQ(ask.echo(call, Saying("x")).status().code(), absl::StatusCode::kNotFound);

  played.SetAway(true);
  Inquiry away;
  call = InMemory(&away);
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(call, Saying("x")).status()));
  SendAndWait(&away);
  EXPECT_FALSE(away.answered());
  EXPECT_FALSE(away.waits());
  call.reach = store::Reach::kDisk;
  away.Rewind();
  const int before = played.asked();
  EXPECT_EQ(WhyOf(ask.echo(call, Saying("x")).status()), "UNREACHABLE");
  EXPECT_EQ(played.asked() - before, 2);
}

TEST_F(InquiryTest, WhoeverHasAnsweredIsNotAskedAgain) {
  PlayedPeer played;  // does not know GetWidget: UNAVAILABLE
  played.On(kEcho, [](const std::string& request) { return request; });
  PeerLimits limits = WithoutPauses();
  limits.tries = 2;
  const auto peers = Speaking(limits);
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  Inquiry inquiry;
  Call call = InMemory(&inquiry);
  const auto both = [&] {
    inquiry.Rewind();
    SideBySide asking;
    const auto one = asking.Add(ask.echo, Saying("x"));
    const auto two = asking.Add(ask.get, Getting());
    asking.Wait(call);
    // What it asks past a question without an answer counts for nothing.
    if (!two->status.ok()) (void)ask.echo(call, Saying("past"));
    EXPECT_EQ(one->answer.message.text(), one->status.ok() ? "x" : "");
    return std::make_pair(one->status, two->status);
  };
  EXPECT_TRUE(store::IsNotInMemory(both().second));
  SendAndWait(&inquiry);
  EXPECT_EQ(played.asked(), 2);
  EXPECT_FALSE(inquiry.answered());
  call.reach = store::Reach::kDisk;
  const auto [one, two] = both();
  EXPECT_TRUE(one.ok()) << one;
  EXPECT_EQ(WhyOf(two), "UNREACHABLE");
  EXPECT_EQ(played.asked(), 2 + 2 + 1);  // two tries of the one, and what comes past it
  EXPECT_TRUE(both().first.ok());        // it is kept for whoever runs once more
}

TEST_F(InquiryTest, ItAsksAnewWhereItAsksSomethingElse) {
  PlayedPeer played;
  played.On(kEcho, [](const std::string& request) { return request; });
  const auto peers = Speaking();
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  Inquiry inquiry;
  const Call call = InMemory(&inquiry);
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(call, Saying("x")).status()));
  SendAndWait(&inquiry);
  inquiry.Rewind();
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(call, Saying("y")).status()));
  EXPECT_TRUE(inquiry.waits());
  SendAndWait(&inquiry);
  inquiry.Rewind();
  EXPECT_EQ(ask.echo(call, Saying("y"))->message.text(), "y");
  // Without end it does not: then it is for a thread that may wait.
  int rounds = 0;
  while (inquiry.Rewind(), rounds < 100) {
    for (int i = 0; i <= rounds; ++i) (void)ask.echo(call, Saying(absl::StrCat("y", i)));
    if (!inquiry.waits()) break;
    SendAndWait(&inquiry);
    ++rounds;
  }
  EXPECT_LT(rounds, 10);
  // What changes something is not asked so: it could be asked twice.
  Inquiry changing;
  const Call change = InMemory(&changing);
  EXPECT_TRUE(store::IsNotInMemory(ask.create(change, Making("8504")).status()));
  EXPECT_FALSE(changing.waits());
}

TEST_F(InquiryTest, ItEndsWithItsTimeItsCallerAndItsService) {
  PlayedPeer played;
  played.SetSilent(true);
  PeerLimits limits = WithoutPauses();
  limits.longest = absl::Milliseconds(300);
  auto peers = Speaking(limits);
  peers->SetHere("testing", played.take());
  {
    const Methods ask(peers.get());
    Inquiry slow;
    const Call call = InMemory(&slow);
    EXPECT_TRUE(store::IsNotInMemory(ask.echo(call, Saying("x")).status()));
    SendAndWait(&slow);
    EXPECT_TRUE(slow.answered());
    slow.Rewind();
    EXPECT_EQ(WhyOf(ask.echo(call, Saying("x")).status()), "TOO_SLOW");
  }
  limits.longest = absl::Minutes(10);
  peers = Speaking(limits);
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  Inquiry left;
  Call gone = InMemory(&left);
  gone.deadline = absl::InfiniteFuture();
  std::atomic<bool> cancelled{false};
  gone.cancelled = [&cancelled] { return cancelled.load(); };
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(gone, Saying("x")).status()));
  std::promise<void> heard;
  left.Send([&heard] { heard.set_value(); });
  cancelled = true;
  heard.get_future().wait();
  left.Rewind();
  EXPECT_TRUE(absl::IsCancelled(ask.echo(gone, Saying("x")).status()));

  Inquiry ending;
  Call late = InMemory(&ending);
  late.deadline = absl::InfiniteFuture();
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(late, Saying("x")).status()));
  std::promise<void> ended;
  ending.Send([&ended] { ended.set_value(); });
  peers->Close();
  ended.get_future().wait();
  ending.Rewind();
  EXPECT_EQ(WhyOf(ask.echo(late, Saying("x")).status()), "STOPPING");
}

// ---- Silence

TEST_F(PeerTest, WhoeverIsNotThereHasNotAnsweredAndIsFoundAgain) {
  auto asked = std::make_unique<Asked>();
  asked->Start(Signers(), "127.0.0.1:0");
  const int port = asked->server().port();
  const auto peers = Speaking();
  peers->SetAddress("testing", At(port));
  const Methods ask(peers.get());
  ASSERT_TRUE(ask.echo(CallBy({}), Saying("x")).ok());
  asked.reset();
  const auto away = ask.echo(CallBy({}), Saying("x"));
  EXPECT_EQ(WhyOf(away.status()), "UNREACHABLE");
  EXPECT_EQ(base::InfoOf(away.status()).metadata().at("service"), "testing");
  EXPECT_EQ(base::InfoOf(away.status()).metadata().at("method"), "Echo");
  EXPECT_EQ(RetryOf(away.status()), absl::Seconds(1));
  // Started again.
  asked = std::make_unique<Asked>();
  asked->Start(Signers(), absl::StrCat("127.0.0.1:", port));
  const absl::Time limit = absl::Now() + absl::Minutes(1);
  while (!ask.echo(CallBy({}), Saying("x")).ok()) ASSERT_LT(absl::Now(), limit);
}

// What failed while it was away is no reason to leave alone what is back.
TEST_F(PeerTest, APeerThatIsBackRestsNoLonger) {
  auto asked = std::make_unique<Asked>();
  asked->Start(Signers(), "127.0.0.1:0");
  const int port = asked->server().port();
  PeerLimits limits = WithoutPauses();
  limits.breaker.least_calls = 2;
  limits.breaker.rest = absl::Hours(1);
  const auto peers = Speaking(limits);
  peers->SetAddress("testing", At(port));
  const Methods ask(peers.get());
  asked.reset();
  const absl::Time limit = absl::Now() + absl::Minutes(1);
  while (WhyOf(ask.echo(CallBy({}), Saying("x")).status()) != "RESTING") {
    ASSERT_LT(absl::Now(), limit);
  }
  asked = std::make_unique<Asked>();
  asked->Start(Signers(), absl::StrCat("127.0.0.1:", port));
  while (!ask.echo(CallBy({}), Saying("x")).ok()) ASSERT_LT(absl::Now(), limit);
}

TEST_F(PeerTest, APeerThatIsNotAdmittedIsNotAnswered) {
  Asked asked;
  asked.Start(Signers(), "127.0.0.1:0");
  const auto peers = Speaking();
  peers->SetAddress("testing", At(asked.server().port(), "stranger"));
  EXPECT_EQ(WhyOf(Methods(peers.get()).echo(CallBy({}), Saying("x")).status()), "NOT_ADMITTED");
  // A key that the other one does not know.
  Asked stranger;
  stranger.Start(*KeySet::Parse(
      JwksText({{"asking", PrivateKey::Generate(Algorithm::kEdDsa)->public_key()}})));
  const auto unknown = Speaking();
  unknown->SetHere("testing", stranger.server().take());
  EXPECT_EQ(WhyOf(Methods(unknown.get()).echo(CallBy({}), Saying("x")).status()), "NOT_ADMITTED");
}

TEST_F(PeerTest, WhatItSaysIsAnAnswerOrASilence) {
  PlayedPeer played;
  const auto peers = Speaking();
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  const auto told = [&](const absl::Status& status) {
    played.On(kEcho,
              [status](const std::string&) -> absl::StatusOr<std::string> { return status; });
    return ask.echo(CallBy({}), Saying("x")).status();
  };
  using Code = absl::StatusCode;
  for (const Code code :
       {Code::kInvalidArgument, Code::kNotFound, Code::kAlreadyExists, Code::kPermissionDenied,
        Code::kFailedPrecondition, Code::kAborted, Code::kOutOfRange}) {
    const absl::Status refused = told(base::Refusal(code, "SOME_REASON", "No."));
    EXPECT_EQ(refused.code(), code);
    EXPECT_EQ(base::ReasonOf(refused), "SOME_REASON");
  }
  for (const auto& [code, why] :
       std::vector<std::pair<Code, std::string>>{{Code::kUnavailable, "UNREACHABLE"},
                                                 {Code::kDeadlineExceeded, "TOO_SLOW"},
                                                 {Code::kResourceExhausted, "OVERLOADED"},
                                                 {Code::kUnauthenticated, "NOT_ADMITTED"},
                                                 {Code::kInternal, "WRONG_ANSWER"},
                                                 {Code::kDataLoss, "WRONG_ANSWER"},
                                                 {Code::kUnimplemented, "WRONG_ANSWER"}}) {
    EXPECT_EQ(WhyOf(told(base::Refusal(code, "SOME_REASON", "No."))), why);
  }
  // It says when it can be asked again.
  EXPECT_EQ(RetryOf(told(base::Overloaded("queue", absl::Seconds(7)))), absl::Seconds(7));
  // What no service of ours says, as a proxy in between: a refusal without a reason.
  played.On(kEcho, [](const std::string&) -> absl::StatusOr<std::string> { return "\xFF\xFF"; });
  EXPECT_EQ(WhyOf(ask.echo(CallBy({}), Saying("x")).status()), "WRONG_ANSWER");
  EXPECT_THAT(metrics_.Text(), HasSubstr("grpc_client_handled_total{grpc_code=\"Internal\""));
  EXPECT_EQ(WhyOf(ask.echo.WrongAnswer()), "WRONG_ANSWER");
}

// Hands on another question than it was asked.
class Mistaking final : public http2::Taker {
 public:
  Mistaking(std::shared_ptr<http2::Taker> to, std::string instead)
      : to_(std::move(to)), instead_(std::move(instead)) {}
  void OnMessage(std::string message) override {
    to_->OnMessage(instead_.empty() ? std::move(message) : instead_);
  }
  void OnEnd() override { to_->OnEnd(); }
  void OnFault(http2::Fault fault) override { to_->OnFault(fault); }
  void OnTick(absl::Time now) override { to_->OnTick(now); }
  void OnCancel() override { to_->OnCancel(); }

 private:
  const std::shared_ptr<http2::Taker> to_;
  const std::string instead_;
};

// Nothing in a record says for which day it was asked, nothing in a refusal for which record.
TEST_F(PeerTest, AnAnswerToAnotherQuestionIsNone) {
  Asked asked;
  asked.Start(Signers());
  asked.env.get = [](Call&) -> absl::StatusOr<Widget> { return base::NotFound("widgets", "2"); };
  std::string instead;
  const auto peers = Speaking();
  peers->SetHere("testing", [take = asked.server().take(), &instead](
                                http2::CallHead head, std::shared_ptr<http2::Replier> replier) {
    return std::make_shared<Mistaking>(take(std::move(head), std::move(replier)), instead);
  });
  const Methods ask(peers.get());
  const auto get = [&] { return ask.get(CallBy({v1::ENTITY}), Getting()).status(); };
  EXPECT_TRUE(ask.echo(CallBy({}), Saying("x")).ok());
  EXPECT_EQ(base::ReasonOf(get()), "NOT_FOUND");
  instead = Saying("y").SerializeAsString();
  EXPECT_EQ(WhyOf(ask.echo(CallBy({}), Saying("x")).status()), "WRONG_ANSWER");
  GetWidgetRequest other = Getting();
  other.set_name("widgets/2");
  instead = other.SerializeAsString();
  EXPECT_EQ(WhyOf(get()), "WRONG_ANSWER") << "a refusal is of its question too";
  other.set_name("crates/1");
  instead = other.SerializeAsString();
  EXPECT_EQ(WhyOf(get()), "WRONG_ANSWER");
  instead.clear();
  EXPECT_EQ(base::ReasonOf(get()), "NOT_FOUND");
}

TEST_F(PeerTest, ARefusalWithoutAReasonIsNone) {
  const auto peers = Speaking();
  peers->SetHere(
      "testing",
      [](http2::CallHead,
         const std::shared_ptr<http2::Replier>& replier) -> std::shared_ptr<http2::Taker> {
        replier->Finish({absl::StatusCode::kNotFound, "no such page", "", {}});
        return nullptr;
      });
  EXPECT_EQ(WhyOf(Methods(peers.get()).echo(CallBy({}), Saying("x")).status()), "WRONG_ANSWER");
}

TEST_F(PeerTest, WhatChangesNothingIsAskedAgainWithinTheBudget) {
  PlayedPeer played;
  played.SetAway(true);
  PeerLimits limits = WithoutPauses();
  limits.breaker.least_calls = 1'000;
  const auto peers = Speaking(limits);
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  EXPECT_FALSE(ask.create(CallBy({v1::ENTITY}), Making("8504")).ok());
  EXPECT_EQ(played.asked(), 1);  // the outcome is not known: its caller has the request id
  EXPECT_FALSE(ask.echo(CallBy({}), Saying("x")).ok());
  EXPECT_EQ(played.asked(), 1 + 3);
  // However many ask: one try each, and a tenth of them or so once more.
  constexpr int kCalls = 300;
  for (int i = 0; i < kCalls; ++i) EXPECT_FALSE(ask.echo(CallBy({}), Saying("x")).ok());
  EXPECT_GE(played.asked(), 4 + kCalls + 20);
  EXPECT_LT(played.asked(), 4 + kCalls + kCalls / 2);
  // One that says when to come again is not asked before.
  played.SetAway(false);
  played.On(kEcho, [](const std::string&) -> absl::StatusOr<std::string> {
    return base::Unavailable("GATE_NOT_CHECKED", "Later.", absl::Minutes(1));
  });
  const int before = played.asked();
  EXPECT_FALSE(ask.echo(CallBy({}), Saying("x")).ok());
  EXPECT_EQ(played.asked(), before + 1);
}

TEST_F(PeerTest, ASlowPeerIsNotWaitedForAndThenLeftAlone) {
  std::promise<void> over;
  const std::shared_future<void> is_over = over.get_future().share();
  Asked asked;  // ends before what its functions wait for
  asked.env.get = [&](Call&) -> absl::StatusOr<Widget> {
    is_over.wait();
    return Widget();
  };
  asked.Start(Signers());
  PeerLimits limits = WithoutPauses();
  limits.longest = absl::Milliseconds(60);
  limits.breaker.least_calls = 3;
  const auto peers = Speaking(limits);
  peers->SetHere("testing", asked.server().take());
  const Methods ask(peers.get());
  // Whoever has little time says nothing of the peer.
  for (int i = 0; i < 5; ++i) {
    Call hurried = CallBy({v1::ENTITY});
    hurried.deadline = absl::Now() + limits.reserve + absl::Milliseconds(10);
    EXPECT_EQ(WhyOf(ask.get(hurried, Getting()).status()), "TOO_SLOW");
  }
  Call late = CallBy({v1::ENTITY});
  late.deadline = absl::Now() + absl::Milliseconds(1);
  EXPECT_EQ(WhyOf(ask.get(late, Getting()).status()), "TOO_SLOW");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(WhyOf(ask.get(CallBy({v1::ENTITY}), Getting()).status()), "TOO_SLOW");
  }
  const auto resting = ask.get(CallBy({v1::ENTITY}), Getting());
  EXPECT_EQ(WhyOf(resting.status()), "RESTING");
  EXPECT_GT(RetryOf(resting.status()), absl::ZeroDuration());
  EXPECT_THAT(metrics_.Text(), HasSubstr("nisi_peer_resting{process=\"asking\"} 1"));
  over.set_value();
}

TEST_F(PeerTest, ACallerThatHasGoneAndAServiceThatEndsWaitForNobody) {
  std::promise<void> over;
  const std::shared_future<void> is_over = over.get_future().share();
  std::atomic<int> waiting{0};
  Asked asked;  // ends before what its functions wait for
  asked.env.get = [&](Call&) -> absl::StatusOr<Widget> {
    ++waiting;
    is_over.wait();
    return Widget();
  };
  asked.Start(Signers());
  PeerLimits limits = WithoutPauses();
  limits.longest = absl::Minutes(5);
  limits.waiting = 1;
  const auto peers = Speaking(limits);
  peers->SetHere("testing", asked.server().take());
  const Methods ask(peers.get());
  std::atomic<bool> gone{false};
  Call call = CallBy({v1::ENTITY});
  call.deadline = absl::InfiniteFuture();
  call.cancelled = [&gone] { return gone.load(); };
  auto first = std::async(std::launch::async, [&] { return ask.get(call, Getting()).status(); });
  while (waiting < 1) std::this_thread::yield();
  // One more than may wait is refused at once.
  EXPECT_EQ(WhyOf(ask.get(CallBy({v1::ENTITY}), Getting()).status()), "BUSY");
  gone = true;
  EXPECT_EQ(first.get().code(), absl::StatusCode::kCancelled);

  auto second = std::async(std::launch::async,
                           [&] { return ask.get(CallBy({v1::ENTITY}), Getting()).status(); });
  while (waiting < 2) std::this_thread::yield();
  peers->Close();
  EXPECT_EQ(WhyOf(second.get()), "STOPPING");
  EXPECT_EQ(WhyOf(ask.echo(CallBy({}), Saying("x")).status()), "STOPPING");
  over.set_value();
}

// Each has few threads, and asks the other for all that it is asked: nobody waits for ever.
TEST_F(PeerTest, ServicesThatAskEachOtherDoNotBlock) {
  Asked a, b;
  PeerLimits limits = WithoutPauses();
  limits.longest = absl::Minutes(5);
  limits.waiting = 2;
  const auto of_a = Speaking(limits, "testing"), of_b = Speaking(limits, "testing");
  const Methods ask_b(of_a.get()), ask_a(of_b.get());
  std::atomic<int> listed{0};
  const auto further = [](const Methods& ask) {
    return [&ask](Call& call) -> absl::StatusOr<Widget> {
      // Down to the last actor, then what needs a thread and asks nobody.
      const auto deeper = call.caller->actors.size() < 5
                              ? ask.get(call, Getting()).status()
                              : ask.list(call, ListWidgetsRequest()).status();
      if (!deeper.ok()) return deeper;
      return Widget();
    };
  };
  a.env.get = further(ask_b);
  b.env.get = further(ask_a);
  a.env.list = b.env.list = [&](Call&) { ++listed; };
  const Executor::Limits few{3, 512, "few"};
  a.Start(Signers(), "", few);
  b.Start(Signers(), "", few);
  of_a->SetHere("testing", b.server().take());
  of_b->SetHere("testing", a.server().take());

  PeerLimits outside = WithoutPauses();
  outside.longest = absl::Minutes(5);
  outside.waiting = 64;
  outside.breaker.least_calls = 1'000'000;
  const auto clients = Speaking(outside);
  clients->SetHere("testing", a.server().take());
  const Methods ask(clients.get());
  std::atomic<int> answered{0}, refused{0};
  std::vector<std::thread> threads;
  threads.reserve(16);
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        const auto got = ask.get(CallBy({v1::ENTITY}), Getting());
        ++(got.ok() ? answered : refused);
        EXPECT_TRUE(got.ok() || IsNotAnswered(got.status())) << got.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered + refused, 320);
  EXPECT_GE(listed, answered);
  of_a->Close();
  of_b->Close();
}

TEST_F(PeerTest, NobodyIsAskedInATransactionOrOnTheThreadOfACarrier) {
  Asked asked;
  PlayedPeer played;
  played.On(kEcho, [](const std::string&) -> absl::StatusOr<std::string> { return ""; });
  const auto peers = Speaking();
  peers->SetHere("testing", played.take());
  const Methods ask(peers.get());
  absl::Status in_transaction;
  asked.env.created = [&](const Call& call, const CreateWidgetRequest&) {
    in_transaction = ask.echo(call, Saying("x")).status();
  };
  asked.Start(Signers());
  const auto outside = Speaking();
  outside->SetHere("testing", asked.server().take());
  ASSERT_TRUE(Methods(outside.get()).create(CallBy({v1::ENTITY}), Making("8504")).ok());
  EXPECT_EQ(in_transaction.code(), absl::StatusCode::kInternal) << in_transaction;
  Call on_carrier = CallBy({});
  on_carrier.reach = store::Reach::kMemory;
  EXPECT_TRUE(store::IsNotInMemory(ask.echo(on_carrier, Saying("x")).status()));
  EXPECT_EQ(played.asked(), 0);
}

TEST_F(PeerTest, AtTheStartWhatIsMissingIsNamed) {
  EXPECT_EQ(WhyOf(Methods(nullptr).echo(CallBy({}), Saying("x")).status()), "NO_ADDRESS");
  const auto peers = Speaking();
  const Methods ask(peers.get());
  EXPECT_EQ(WhyOf(ask.echo(CallBy({}), Saying("x")).status()), "NO_ADDRESS");
  EXPECT_EQ(base::ReasonOf(peers->Check()), "PEER_INVALID");
  EXPECT_THAT(std::string(peers->Check().message()), HasSubstr("--peer testing=host:port"));
  PlayedPeer played;
  peers->SetHere("testing", played.take());
  EXPECT_TRUE(peers->Check().ok()) << peers->Check();
  EXPECT_EQ(peers->Declare(*WidgetService::descriptor()->FindMethodByName("CountWidgets")),
            nullptr);
  EXPECT_THAT(std::string(peers->Check().message()), HasSubstr("CountWidgets is no unary method"));
  Peers::Options mute;
  mute.metrics = &metrics_;
  Peers dumb(mute);
  dumb.SetHere("testing", played.take());
  EXPECT_EQ(WhyOf(Methods(&dumb).echo(CallBy({}), Saying("x")).status()), "NO_ADDRESS");
  EXPECT_THAT(std::string(dumb.Check().message()), HasSubstr("--context-key"));
}

// ---- Deliveries

TEST_F(PeerTest, MessagesOfTheOutboxAreDeliveredInOrderAsTheServiceItself) {
  Asked asked;
  asked.StartWorks(Signers());
  const auto peers = Speaking();
  const store::Schema schema = store::WidgetSchema();
  base::FakeClock clock(absl::FromUnixSeconds(1'781'000'000));
  store::Store::Options options;
  options.clock = &clock;
  options.background = false;
  const auto own = *store::Store::Open(store::OpenMem(), schema, std::move(options));
  store::OutboxRelay::Options by_hand;
  by_hand.background = false;
  uint32_t roles = base::RoleBit(v1::INSTITUTE_INDUSTRY);
  store::OutboxRelay relay(
      *own,
      [&](const store::OutboxMessage& message) { return peers->Deliver(message, roles).status(); },
      by_hand);
  std::vector<std::string> sent;
  const auto emit = [&](const std::string& target, const std::string& method,
                        const std::string& title) {
    ASSERT_TRUE(own->Write(store::Info(base::RandomUuid()),
                           [&](store::Tx& tx) -> absl::StatusOr<std::string> {
                             testing::v1::CreateWorksRequest request;
                             request.mutable_works()->set_owner_bin(kBin);
                             request.mutable_works()->set_title(title);
                             tx.Emit(target, method, request);
                             return std::string();
                           })
                    .ok());
  };
  constexpr char kCreate[] = "/nisi.testing.v1.WorksService/CreateWorks";
  for (const char* title : {"a", "b", "c"}) emit("testing", kCreate, title);
  emit("elsewhere", kCreate, "d");  // no method of that service
  emit("nowhere", "/no.such.Service/Method", "e");
  emit("wrong", "/nisi.testing.v1.WorksService/GetWorks", "f");  // has no request id
  const auto round = [&] {
    clock.Advance(absl::Minutes(1));
    const auto delivered = relay.RunOnce();
    EXPECT_TRUE(delivered.ok()) << delivered.status();
    return delivered.value_or(-1);
  };
  EXPECT_EQ(round(), 0);  // nobody is there yet
  EXPECT_EQ(relay.counts().failing_targets, 4);
  peers->SetHere("testing", asked.server().take());
  EXPECT_EQ(round(), 0);  // it admits another role
  roles = base::RoleBit(v1::AUTHORITY_INDUSTRY);
  EXPECT_EQ(round(), 3);
  EXPECT_EQ(round(), 0);
  EXPECT_EQ(relay.counts().pending, 3);
  EXPECT_EQ(relay.counts().failing_targets, 3);
  const auto journal = asked.store().ReadJournal(1, 10, 1 << 20);
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_EQ(journal->size(), 3);
  std::string titles;
  std::set<std::string> ids;
  for (const store::JournalRecord& record : *journal) {
    journal::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(record.leaf));
    EXPECT_EQ(entry.actor(), "service:asking");
    ids.insert(entry.request_id());
    testing::v1::Works works;
    ASSERT_TRUE(entry.changes(0).after().UnpackTo(&works));
    titles += works.title();
  }
  EXPECT_EQ(titles, "abc");
  EXPECT_EQ(ids.size(), 3);
}

// Whatever role it says that it has.
TEST_F(PeerTest, AServiceByItselfCallsWhatItIsLetInToAlone) {
  const auto peers = Speaking();
  testing::v1::CreateWorksRequest request;
  request.mutable_works()->set_owner_bin(kBin);
  request.mutable_works()->set_title("a");
  store::OutboxMessage message;
  message.id = base::RandomUuid();
  message.target = "testing";
  message.method = "/nisi.testing.v1.WorksService/CreateWorks";
  message.payload = request.SerializeAsString();
  constexpr uint32_t kRoles = base::RoleBit(v1::AUTHORITY_INDUSTRY);
  Asked other, asked;
  other.StartWorks(Signers(), "another");
  peers->SetHere("testing", other.server().take());
  EXPECT_EQ(base::ReasonOf(peers->Deliver(message, kRoles).status()), "ACCESS_DENIED");
  EXPECT_EQ(other.store().position(), 0);
  const auto let_in = Speaking();
  asked.StartWorks(Signers());
  let_in->SetHere("testing", asked.server().take());
  EXPECT_TRUE(let_in->Deliver(message, kRoles).ok());
  // To that method, and to no other of the same roles.
  testing::v1::UpdateWorksRequest update;
  update.mutable_works()->set_name("works/1");
  message.id = base::RandomUuid();
  message.method = "/nisi.testing.v1.WorksService/UpdateWorks";
  message.payload = update.SerializeAsString();
  EXPECT_EQ(base::ReasonOf(let_in->Deliver(message, kRoles).status()), "ACCESS_DENIED");
  EXPECT_EQ(asked.store().position(), 1);
}

}  // namespace

// ---- Breaker and budget, as functions of time

TEST(BreakerTest, RestsAfterFailuresAndLetsSingleCallsTry) {
  using Heard = Breaker::Heard;
  Breaker breaker({.least_calls = 4, .failed_share = 0.5});
  absl::Time now = absl::UnixEpoch();
  const auto call = [&](Heard heard) {
    EXPECT_EQ(breaker.Ask(now), std::nullopt);
    breaker.Done(heard, now, now);
  };
  // Fewer than that say nothing; those of an old window neither.
  for (int i = 0; i < 3; ++i) call(Heard::kNo);
  now += absl::Seconds(5);
  for (int i = 0; i < 3; ++i) call(Heard::kNo);
  EXPECT_FALSE(breaker.resting());
  for (int i = 0; i < 20; ++i) call(Heard::kUnknown);
  EXPECT_FALSE(breaker.resting());
  call(Heard::kYes);
  EXPECT_TRUE(breaker.resting());  // three of four
  EXPECT_EQ(breaker.Ask(now), absl::Seconds(2));
  now += absl::Seconds(2);
  EXPECT_EQ(breaker.Ask(now), std::nullopt);  // one tries
  EXPECT_NE(breaker.Ask(now), std::nullopt);  // and no other meanwhile
  breaker.Done(Heard::kUnknown, now, now);
  EXPECT_EQ(breaker.Ask(now), std::nullopt);  // that said nothing: the next
  breaker.Done(Heard::kNo, now, now);
  EXPECT_EQ(breaker.Ask(now), absl::Seconds(2));
  now += absl::Seconds(2);
  call(Heard::kYes);
  EXPECT_FALSE(breaker.resting());
  // Half of the calls and more: a peer that mostly answers is asked.
  for (int i = 0; i < 20; ++i) {
    call(Heard::kYes);
    call(Heard::kYes);
    call(Heard::kNo);
  }
  EXPECT_FALSE(breaker.resting());
}

// What began before the rest and comes to its end now lets no second one try beside the first.
TEST(BreakerTest, AnOldCallIsNotTheOneThatTries) {
  using Heard = Breaker::Heard;
  Breaker breaker({.least_calls = 2, .failed_share = 0.5});
  absl::Time now = absl::UnixEpoch();
  const absl::Time before = now;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(breaker.Ask(now), std::nullopt);
  now += absl::Seconds(1);
  for (int i = 0; i < 2; ++i) breaker.Done(Heard::kNo, before, now);
  ASSERT_TRUE(breaker.resting());
  now += absl::Seconds(2);
  const absl::Time tries = now;
  ASSERT_EQ(breaker.Ask(now), std::nullopt);
  breaker.Done(Heard::kUnknown, before, now);
  EXPECT_NE(breaker.Ask(now), std::nullopt) << "one is trying";
  breaker.Done(Heard::kNo, before, now);
  now += absl::Seconds(2);
  EXPECT_NE(breaker.Ask(now), std::nullopt) << "still";
  breaker.Done(Heard::kUnknown, tries, now);
  EXPECT_EQ(breaker.Ask(now), std::nullopt);
  breaker.Done(Heard::kYes, before, now);
  EXPECT_FALSE(breaker.resting()) << "it is there, whoever heard it";
}

TEST(RetryBudgetTest, ATenthAndOneASecond) {
  RetryBudget budget;
  absl::Time now = absl::UnixEpoch();
  const auto taken = [&] {
    int count = 0;
    while (budget.Take(now)) ++count;
    return count;
  };
  EXPECT_EQ(taken(), 10);
  for (int i = 0; i < 51; ++i) budget.OnCall();
  EXPECT_EQ(taken(), 5);
  now += absl::Seconds(3);
  EXPECT_EQ(taken(), 3);
  now += absl::Hours(1);
  EXPECT_EQ(taken(), 10);
}

}  // namespace nisi::rpc::peer_test
