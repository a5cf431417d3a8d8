// The steps of the call layer, by calls to a real server over a real store.
#include "common/rpc/server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/key_files.h"
#include "common/store/store_testing.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;
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

constexpr char kOwnBin[] = "940140000385", kOtherBin[] = "950240000122";
constexpr char kOneId[] = "00000000-0000-4000-8000-000000000001";

// Wakes all who wait for it, again and again, and as the store does: whoever leaves waits until no
// wake is under way.
class Bell {
 public:
  Bell() : thread_([this] { Ring(); }) {}
  ~Bell() {
    over_ = true;
    thread_.join();
  }
  int Add(std::function<void()> wake) {
    const std::lock_guard<std::mutex> lock(mutex_);
    wakes_[++last_] = std::move(wake);
    return last_;
  }
  void Remove(int id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    wakes_.erase(id);
  }

 private:
  void Ring() {
    while (!over_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (const auto& [id, wake] : wakes_) wake();
    }
  }
  std::mutex mutex_;
  std::map<int, std::function<void()>> wakes_;
  int last_ = 0;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

struct Env {
  Bell bell;
};

// One message, then nothing.
class Listener final : public MessageSource {
 public:
  explicit Listener(Bell& bell) : bell_(bell) {}
  ~Listener() override { bell_.Remove(id_); }
  absl::StatusOr<State> Pull(std::string* out) override {
    if (std::exchange(told_, true)) return State::kWait;
    out->clear();
    return State::kMessage;
  }
  void OnStart(std::function<void()> wake) override { id_ = bell_.Add(std::move(wake)); }

 private:
  Bell& bell_;
  int id_ = 0;
  bool told_ = false;
};

absl::StatusOr<EchoResponse> Echo(Env&, Call&, const EchoRequest& request) {
  EchoResponse response;
  response.set_text(request.text());
  return response;
}
absl::StatusOr<Widget> GetWidget(Env&, Call&, const GetWidgetRequest&) {
  return Widget();
}
absl::StatusOr<Widget> CreateWidget(Env&, const Call&, store::Tx& tx,
                                    const CreateWidgetRequest& request) {
  WidgetRow row;
  *row.mutable_widget() = request.widget();
  RETURN_IF_ERROR(tx.Put(store::kWidgets, &row));
  return row.widget();
}
absl::StatusOr<ListWidgetsResponse> ListWidgets(Env&, Call&, const ListWidgetsRequest&) {
  return ListWidgetsResponse();
}
absl::StatusOr<std::unique_ptr<MessageSource>> CountWidgets(Env& env, Call&,
                                                            const CountWidgetsRequest&) {
  return std::make_unique<Listener>(env.bell);
}
absl::StatusOr<std::unique_ptr<MessageSink<CreateWidgetRequest>>> CollectWidgets(Env&, Call&) {
  return absl::UnimplementedError("");
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    entity_.subject = "owner@factory";
    entity_.bin = kOwnBin;
    entity_.Grant(v1::ENTITY);
  }

  void SetUp() override {
    store::Store::Options store_options;
    store_options.clock = &clock_;
    store_options.background = false;
    auto store = store::Store::Open(store::OpenMem(), schema_, std::move(store_options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    ASSERT_TRUE(registry_.Add(*WidgetService::descriptor()).ok());
    NISI_UNARY(registry_, WidgetService, Echo, env_, Echo);
    NISI_UNARY(registry_, WidgetService, GetWidget, env_, GetWidget);
    NISI_COMMAND(registry_, WidgetService, CreateWidget, env_, *store_, CreateWidget);
    NISI_UNARY(registry_, WidgetService, ListWidgets, env_, ListWidgets);
    NISI_SERVER_STREAM(registry_, WidgetService, CountWidgets, env_, CountWidgets);
    NISI_CLIENT_STREAM(registry_, WidgetService, CollectWidgets, env_, CollectWidgets);

    AuthenticatorOptions identity;
    const auto keys = KeySet::Parse(JwksText({{"gateway", key_.public_key()}}));
    ASSERT_TRUE(keys.ok()) << keys.status();
    identity.contexts = std::make_unique<ContextVerifier>(FixedKeys(*keys), "testing");
    identity.in_process_only = true;
    authenticator_ = std::make_unique<Authenticator>(std::move(identity));
    ServerOptions options;
    options.address = "127.0.0.1:0";
    options.clock = &clock_;
    options.registry = &registry_;
    options.authenticator = authenticator_.get();
    options.metrics = &metrics_;
    auto server = Server::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                               grpc::InsecureChannelCredentials());
  }

  // The status of a call to `method` of WidgetService; nobody calls where there is no subject.
  absl::Status Send(const Caller& caller, const std::string& method, const std::string& bytes,
                    std::string* position = nullptr) {
    grpc::GenericStub stub(Channel());
    grpc::ClientContext context;
    if (!caller.anonymous()) {
      context.AddMetadata(kCallContextKey, signer_.Sign(caller, "testing", absl::Now()));
    }
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1), response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/nisi.testing.v1.WidgetService/" + method, grpc::StubOptions(),
                   &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    const grpc::Status status = done.get_future().get();
    const auto& trailing = context.GetServerTrailingMetadata();
    const auto found = trailing.find("nisi-position");
    if (position != nullptr) {
      *position =
          found == trailing.end() ? "" : std::string(found->second.data(), found->second.size());
    }
    return FromGrpc(status);
  }
  absl::Status Create(const Caller& caller, const CreateWidgetRequest& request,
                      std::string* position = nullptr) {
    return Send(caller, "CreateWidget", request.SerializeAsString(), position);
  }
  static CreateWidgetRequest Request(const std::string& bin, const std::string& color = "red") {
    CreateWidgetRequest request;
    request.mutable_widget()->set_code("850423");
    request.mutable_widget()->set_color(color);
    request.mutable_widget()->set_bin(bin);
    request.set_request_id(kOneId);
    return request;
  }

  Env env_;
  Caller entity_;
  base::FakeClock clock_{absl::FromUnixSeconds(1'781'000'000)};
  const store::Schema schema_ = store::WidgetSchema();
  std::unique_ptr<store::Store> store_;
  Registry registry_;
  const PrivateKey key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  const ContextSigner signer_{key_, "gateway"};
  std::unique_ptr<Authenticator> authenticator_;
  Metrics metrics_{"testing"};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ARequestLiesInTheCallersScope) {
  EXPECT_EQ(ReasonOf(Create(entity_, Request(kOtherBin))), "ACCESS_DENIED");
  EXPECT_EQ(store_->position(), 0);
  std::string position;
  const absl::Status own = Create(entity_, Request(kOwnBin), &position);
  EXPECT_TRUE(own.ok()) << own;
  EXPECT_EQ(position, "1");
}

TEST_F(ServerTest, RolesAreCheckedBeforeTheRequestIsRead) {
  EXPECT_EQ(ReasonOf(Send(Caller(), "CreateWidget", "no message")), "IDENTITY_REQUIRED");
  Caller auditor = entity_;
  auditor.roles = 0;
  auditor.Grant(v1::AUDITOR);
  EXPECT_EQ(ReasonOf(Send(auditor, "CreateWidget", "no message")), "ACCESS_DENIED");
  EXPECT_EQ(Send(entity_, "CreateWidget", "no message").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Send(Caller(), "Echo", "").ok());
  EXPECT_EQ(store_->position(), 0);
}

TEST_F(ServerTest, ARequestIdStandsForTheWholeRequest) {
  std::string first, again;
  ASSERT_TRUE(Create(entity_, Request(kOwnBin), &first).ok());
  ASSERT_TRUE(Create(entity_, Request(kOwnBin), &again).ok());
  EXPECT_EQ(again, first);
  EXPECT_EQ(ReasonOf(Create(entity_, Request(kOwnBin, "blue"))), "IDEMPOTENCY_KEY_REUSED");
  CreateWidgetRequest other = Request(kOwnBin);
  other.set_request_id("00000000-0000-4000-8000-000000000002");
  ASSERT_TRUE(Create(entity_, other, &again).ok());
  EXPECT_EQ(again, "2");
}

TEST_F(ServerTest, WhatOnlyValidatesChangesNothing) {
  CreateWidgetRequest request = Request(kOwnBin);
  request.set_validate_only(true);
  std::string position;
  ASSERT_TRUE(Create(entity_, request, &position).ok());
  EXPECT_EQ(position, "");
  EXPECT_EQ(store_->position(), 0);
}

// Clients leave at all moments of a wake. A stream that its source was just waking was once let go
// from within that wake, and its source waited for itself.
TEST_F(ServerTest, StreamsAreLeftWhileTheyAreWoken) {
  const auto channel = Channel();
  constexpr int kCalls = 300;
  for (int i = 0; i < kCalls; ++i) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.AddMetadata(kCallContextKey, signer_.Sign(entity_, "testing", absl::Now()));
    grpc::CompletionQueue queue;
    const auto next = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call =
        stub.PrepareCall(&context, "/nisi.testing.v1.WidgetService/CountWidgets", &queue);
    call->StartCall(nullptr);
    ASSERT_TRUE(next());
    const grpc::Slice nothing;
    call->WriteLast(grpc::ByteBuffer(&nothing, 1), grpc::WriteOptions(), nullptr);
    ASSERT_TRUE(next());
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    ASSERT_TRUE(next()) << i;
    context.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(next());
    queue.Shutdown();
  }
}

}  // namespace
}  // namespace nisi::rpc
