#include "tools/benchmarks/raw.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/store/rocks_settings.h"
#include "nlohmann/json.hpp"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "tools/benchmarks/times.h"

namespace nisi::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Bytes that do not compress to nothing.
std::string Filler(int64_t size, uint64_t seed) {
  std::string bytes(static_cast<size_t>(std::max<int64_t>(size, 0)), '\0');
  for (char& byte : bytes) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(seed >> 56);
  }
  return bytes;
}

}  // namespace

absl::Status RunRocks(const RawSettings& settings, std::ostream& out) {
  store::RocksOptions options;
  options.dir = settings.dir;
  rocksdb::DBOptions db_options = store::MakeDbOptions(options, rocksdb::Env::Default());
  db_options.allow_concurrent_memtable_write = true;  // RocksDB's own way for many writers
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(
      db_options, options.dir, store::MakeFamilies(options, cache), &handles, &raw);
  if (!opened.ok()) return absl::UnavailableError(opened.ToString());
  const std::unique_ptr<rocksdb::DB> db(raw);

  constexpr int64_t kKeyBytes = 24;
  const std::string value =
      Filler(std::max<int64_t>(settings.bytes / settings.keys - kKeyBytes, 1), 7);
  std::atomic<int64_t> writes{0};
  std::atomic<bool> failed{false};
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + absl::ToChronoNanoseconds(settings.time);
  const double cpu_begin = ProcessCpuMicros();
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < settings.threads; ++t) {
    threads.emplace_back([&, t] {
      rocksdb::WriteOptions write;
      write.sync = true;
      for (int64_t n = 0; Clock::now() < end; ++n) {
        rocksdb::WriteBatch batch(0, 0, store::kProtectionBytesPerKey, 0);
        for (int64_t k = 0; k < settings.keys; ++k) {
          // Keys of a table lie together, as ours do.
          const rocksdb::Status put =
              batch.Put(handles[1], absl::StrFormat("%04d-%04d-%014d", k, t, n), value);
          if (!put.ok()) failed = true;
        }
        if (!db->Write(write, &batch).ok()) failed = true;
        ++writes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double cpu = ProcessCpuMicros() - cpu_begin;
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  if (failed) return absl::DataLossError("a write failed");
  const auto count = static_cast<double>(writes.load());
  out << nlohmann::json{{"writes", writes.load()},
                        {"per_second", count / seconds},
                        {"cpu_us", cpu / count}}
             .dump()
      << std::endl;
  return absl::OkStatus();
}

absl::Status RunFdatasync(const RawSettings& settings, std::ostream& out) {
  const std::string path = absl::StrCat(settings.dir, "/fdatasync.tmp");
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  const std::string bytes = Filler(settings.bytes, 3);
  std::vector<double> micros;
  const Clock::time_point end = Clock::now() + absl::ToChronoNanoseconds(settings.time);
  bool good = true;
  while (good && Clock::now() < end) {
    const Clock::time_point begin = Clock::now();
    good = write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
           fdatasync(file) == 0;
    micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  close(file);
  unlink(path.c_str());
  if (!good) return absl::DataLossError("a write failed");
  std::sort(micros.begin(), micros.end());
  out << nlohmann::json{{"syncs", micros.size()},
                        {"p50_us", micros[micros.size() / 2]},
                        {"p99_us", micros[micros.size() * 99 / 100]}}
             .dump()
      << std::endl;
  return absl::OkStatus();
}

}  // namespace nisi::bench
