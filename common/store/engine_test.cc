#include "common/store/engine.h"

#include "common/store/engine_conformance.h"
#include "common/store/mem_engine.h"
#include "common/store/rocks_engine.h"
#include "common/store/temp_dir.h"

namespace nisi::store {
namespace {

class RocksHome : public EngineHome {
 public:
  absl::StatusOr<std::unique_ptr<Engine>> Open() override {
    RocksOptions options;
    options.dir = dir_ / "a/store";
    return OpenRocks(options);
  }

 private:
  TempDir dir_;
};

class MemHome : public EngineHome {
 public:
  absl::StatusOr<std::unique_ptr<Engine>> Open() override { return OpenMem(disk_); }

 private:
  std::shared_ptr<MemDisk> disk_ = NewMemDisk();
};

INSTANTIATE_TEST_SUITE_P(
    All, EngineConformance,
    ::testing::Values(EngineKind{"Rocks", [] { return std::make_unique<RocksHome>(); }},
                      EngineKind{"Mem", [] { return std::make_unique<MemHome>(); }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace nisi::store
