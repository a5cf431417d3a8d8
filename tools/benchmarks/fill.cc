#include "tools/benchmarks/fill.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/store/first_opening.h"
#include "common/store/rocks_engine.h"
#include "common/store/store.h"
#include "common/store/witness.h"
#include "services/priority_goods/tables.h"

namespace nisi::bench {

absl::Status RunFill(const FillSettings& settings, std::ostream& out) {
  const store::Schema& schema = priority_goods::PriorityGoodsSchema();
  const std::string base = absl::StrCat(settings.data, "/", schema.name);
  std::filesystem::create_directories(settings.data);
  base::SystemClock clock;
  store::RocksOptions rocks;
  rocks.dir = base;
  rocks.sync = false;
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  store::Store::Options options;
  options.clock = &clock;
  options.background = false;
  options.witness = store::FileWitness(base + ".witness");
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                   store::Store::Open(std::move(engine), schema, std::move(options)));
  RETURN_IF_ERROR(store::NoteOpened({base, base + ".witness"}, schema));

  std::atomic<int64_t> under_way{0};
  std::atomic<bool> failed{false};
  constexpr int64_t kAhead = 512;
  store::CommandInfo info;
  info.actor = "bench/fill";
  info.method = "/nisi.bench/Fill";
  for (int64_t n = store->position(); n < settings.entries && !failed; ++n) {
    while (under_way >= kAhead) std::this_thread::yield();
    ++under_way;
    store->WriteAsync(
        info,
        [n](store::Tx& tx) -> absl::StatusOr<std::string> {
          priority_goods::AssessmentRow row;
          row.mutable_assessment()->set_name(absl::StrFormat("assessments/f%09d", n));
          row.mutable_assessment()->set_goods_code(absl::StrFormat("84%08d", n % 100'000'000));
          RETURN_IF_ERROR(tx.Put(priority_goods::kAssessments, &row));
          return std::string();
        },
        [&](const absl::StatusOr<store::Outcome>& outcome) {
          if (!outcome.ok()) failed = true;
          --under_way;
        });
  }
  while (under_way > 0) std::this_thread::yield();
  if (failed) return absl::InternalError("a write failed");
  out << "{\"position\": " << store->position() << "}" << std::endl;
  return absl::OkStatus();
}

}  // namespace nisi::bench
