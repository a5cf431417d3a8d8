#include "common/rpc/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace nisi::rpc {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : static_cast<double>(std::distance(begin(files), end(files)));
}

}  // namespace

std::vector<store::Figure> ProcessFigures(absl::Time started) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return {{"process_start_time_seconds", "When the process was started, since 1970.",
           absl::ToDoubleSeconds(started - absl::UnixEpoch())},
          {"process_cpu_seconds_total", "Time of processors that it took, in user and system.",
           Seconds(used.ru_utime) + Seconds(used.ru_stime)},
          {"process_resident_memory_bytes", "Memory that it holds.", ResidentBytes()},
          {"process_open_fds", "Files and sockets that it has open.", OpenFiles()},
          {"process_max_fds", "How many it may have.", static_cast<double>(files.rlim_cur)}};
}

}  // namespace nisi::rpc
