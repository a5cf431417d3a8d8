// Health asks the store under the service: whether it answers, and whether damage of it is known.
#include <fstream>
#include <thread>

#include "common/rpc/health.h"
#include "common/rpc/served_testing.h"
#include "common/store/fault_fs.h"
#include "grpc/health/v1/health.pb.h"
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using grpc::health::v1::HealthCheckResponse;
namespace fs = std::filesystem;

constexpr char kOwnName[] = "nisi.priority_goods.v1.PriorityGoodsService";

class HealthTest : public PriorityGoodsTest {
 protected:
  // The service anew over the same folder, on `disk_`.
  void Serve() {
    server_.reset();
    Reopen();
    server_ = std::make_unique<rpc::LocalServer>(service_->registry(), &clock_);
    ASSERT_TRUE(server_->started().ok()) << server_->started();
  }
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    options.file_system = disk_.file_system();
    options.sync = true;
    options.stalled_after = absl::Milliseconds(100);
    options.scrub_interval = absl::Milliseconds(50);
    return Open(options);
  }
  void TearDown() override {
    server_.reset();
    PriorityGoodsTest::TearDown();
  }
  bool Serves(const std::string& name) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    const rpc::Got got =
        server_->Call(rpc::Caller(), rpc::kHealthCheckPath, request.SerializeAsString());
    EXPECT_TRUE(got.status.ok()) << got.status;
    HealthCheckResponse answer;
    EXPECT_TRUE(answer.ParseFromString(got.message()));
    return answer.status() == HealthCheckResponse::SERVING;
  }
  // A slow disk may look like one that hangs for a moment.
  bool Becomes(const std::string& name, bool serving) {
    const absl::Time limit = absl::Now() + absl::Seconds(30);
    while (Serves(name) != serving && absl::Now() < limit) absl::SleepFor(absl::Milliseconds(5));
    return Serves(name) == serving;
  }

  store::FaultDisk disk_{store::FaultPlan()};
  std::unique_ptr<rpc::LocalServer> server_;
};

TEST_F(HealthTest, AServiceWhoseDiskHangsIsUnreadyUntilItAnswersAgain) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  for (const char* name : {"", kOwnName, rpc::kStoreName}) EXPECT_TRUE(Becomes(name, true)) << name;
  disk_.HoldSyncs(true);
  absl::Status written;
  std::thread writer([&] { written = AddEntries(CreateDraft(), {MakeEntry("0101")}); });
  for (const char* name : {"", kOwnName, rpc::kStoreName}) {
    EXPECT_TRUE(Becomes(name, false)) << name;
  }
  EXPECT_TRUE(Serves(rpc::kLivenessName));  // to kill it would lose nothing and mend nothing
  EXPECT_EQ(base::ReasonOf(store().Readiness()), "STORE_STALLED");
  disk_.HoldSyncs(false);
  writer.join();
  EXPECT_TRUE(written.ok()) << written;
  for (const char* name : {"", kOwnName, rpc::kStoreName}) EXPECT_TRUE(Becomes(name, true)) << name;
}

TEST_F(HealthTest, DamageThatIsKnownIsToldByTheNameOfTheStore) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  for (int i = 0; i < 20; ++i) CreateDraft({MakeEntry("0101")});
  ASSERT_NO_FATAL_FAILURE(Serve());  // what was in the log is in tables now
  EXPECT_TRUE(Becomes(rpc::kStoreName, true));
  for (const auto& file : fs::directory_iterator(dir_ / "priority-goods")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream table(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    table.seekg(20);
    const int byte = table.get();
    table.seekp(20);
    table.put(static_cast<char>(byte ^ 1));
  }
  EXPECT_TRUE(Becomes(rpc::kStoreName, false));
  EXPECT_TRUE(absl::IsDataLoss(store().file_damage())) << store().file_damage();
  EXPECT_TRUE(Becomes("", true));  // the rest is served
}

}  // namespace
}  // namespace nisi::priority_goods
