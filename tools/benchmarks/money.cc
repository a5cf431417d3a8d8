#include "tools/benchmarks/money.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/cases/budget.h"
#include "common/store/rocks_engine.h"
#include "common/store/store.h"
#include "nlohmann/json.hpp"
#include "tools/benchmarks/times.h"

namespace nisi::bench {
namespace {

using cases::Posting;
using Clock = std::chrono::steady_clock;

constexpr char kProgramme[] = "grants";
constexpr int kYear = 2026;

absl::Status Move(store::Store& store, Posting::Kind kind, int64_t tenge,
                  const std::string& record) {
  static const auto* const kBasis =
      new base::LegalBasis(base::Law("Art. 42(5)", "Money for grants."));
  return store
      .Write({.actor = "bench"},
             [&](store::Tx& tx) -> absl::StatusOr<std::string> {
               RETURN_IF_ERROR(cases::Post(tx,
                                           {kind, *base::Money::FromTenge(tenge), kProgramme, kYear,
                                            record, "bench"},
                                           *kBasis)
                                   .status());
               return std::string();
             })
      .status();
}

// A record as a posting is one, with nothing read and nothing else written.
absl::Status Put(store::Store& store, int64_t number, const std::string& record) {
  return store
      .Write({.actor = "bench"},
             [&](store::Tx& tx) -> absl::StatusOr<std::string> {
               cases::PostingRow row;
               row.set_programme("plain");
               row.set_number(number);
               row.mutable_posting()->set_name(absl::StrCat("programmes/plain/postings/", number));
               row.mutable_posting()->set_kind(Posting::RESERVE);
               row.mutable_posting()->set_record(record);
               row.mutable_posting()->set_posted_by("bench");
               RETURN_IF_ERROR(tx.Put(cases::kPostings, &row));
               return std::string();
             })
      .status();
}

}  // namespace

absl::Status RunMoney(const MoneySettings& settings, std::ostream& out) {
  if (settings.what != "post" && settings.what != "put") {
    return absl::InvalidArgumentError("--what is post or put");
  }
  base::SystemClock clock;
  store::RocksOptions rocks;
  rocks.dir = settings.dir;
  ASSIGN_OR_RETURN(auto engine, store::OpenRocks(rocks));
  const store::Schema schema = cases::WithBudget({"money", 1, {}, {}});
  store::Store::Options options;
  options.clock = &clock;
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                   store::Store::Open(std::move(engine), schema, std::move(options)));
  RETURN_IF_ERROR(Move(*store, Posting::ALLOCATE, 1'000'000'000, "order 1"));

  std::atomic<int64_t> writes{0}, number{0};
  std::atomic<bool> failed{false};
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + absl::ToChronoNanoseconds(settings.time);
  const double cpu_begin = ProcessCpuMicros();
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < settings.threads; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t n = 0; Clock::now() < end && !failed; ++n) {
        const std::string record = absl::StrCat("applications/", t, "-", n / 2);
        const absl::Status done =
            settings.what == "put"
                ? Put(*store, ++number, record)
                : Move(*store, n % 2 == 0 ? Posting::RESERVE : Posting::RELEASE, 100, record);
        if (!done.ok()) failed = true;
        ++writes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double cpu = ProcessCpuMicros() - cpu_begin;
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (failed) return absl::DataLossError("a write failed");
  ASSIGN_OR_RETURN(const auto findings, cases::AuditBudget(store->Read()));
  if (settings.what == "post" && !findings.empty()) return absl::DataLossError(findings.front());
  const auto count = static_cast<double>(writes.load());
  out << nlohmann::json{{"writes", writes.load()},
                        {"per_second", count / seconds},
                        {"cpu_us", cpu / count}}
             .dump()
      << std::endl;
  return absl::OkStatus();
}

}  // namespace nisi::bench
