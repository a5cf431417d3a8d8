#include "common/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "nlohmann/json.hpp"

namespace nisi::base {
namespace {

constexpr size_t kMaxValue = 2048;

// The one mutable global of this room: a log has no object that could be handed to everything that
// logs.
std::atomic<Severity> min_severity{Severity::kInfo};

absl::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

// A JSON string; bytes that are no UTF-8 become U+FFFD.
std::string Quoted(absl::string_view text) {
  const nlohmann::json json(std::string(text.substr(0, kMaxValue)));
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A short write goes on; an error is dropped, since there is nowhere to report it.
void WriteAll(absl::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    line.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view event,
                          std::initializer_list<LogField> fields) {
  std::string line = absl::StrCat(
      "{\"time\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone()),
      "\",\"severity\":\"", Name(severity), "\",\"event\":", Quoted(event));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, ",", Quoted(field.key), ":", Quoted(field.value));
  }
  line.append("}\n");
  return line;
}

void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  if (severity < min_severity.load(std::memory_order_relaxed)) return;
  const absl::Time now = SystemNow();
  static std::mutex mutex;
  // By event, of which there are as many as there are in the code.
  static auto* const budgets = new absl::flat_hash_map<std::string, LineBudget>();
  LineBudget::Verdict verdict;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    verdict = (*budgets)[event].Take(now);
  }
  if (!verdict.write) return;
  std::string lines;
  if (verdict.left_out > 0) {
    lines = FormatLogLine(now, severity, "lines_left_out",
                          {{"of", event}, {"count", verdict.left_out}});
  }
  lines += FormatLogLine(now, severity, event, fields);
  const std::lock_guard<std::mutex> lock(mutex);
  WriteAll(lines);
}

LineBudget::Verdict LineBudget::Take(absl::Time now) {
  // A clock set back begins a second, too.
  if (now >= second_ + absl::Seconds(1) || now < second_) {
    second_ = now;
    written_ = 0;
  }
  if (written_ >= kLinesPerSecond) {
    ++left_out_;
    return {false, 0};
  }
  ++written_;
  return {true, std::exchange(left_out_, 0)};
}

void SetMinSeverity(Severity severity) {
  min_severity = severity;
}

}  // namespace nisi::base
