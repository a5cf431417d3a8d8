// The log: one JSON object a line on standard error. Values never hold confidential data or tokens.
#pragma once

#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::base {

enum class Severity { kDebug, kInfo, kWarning, kError };

// A field of a log line; numbers are written as strings.
struct LogField {
  LogField(absl::string_view name, const absl::AlphaNum& content)
      : key(name), value(content.Piece()) {}
  absl::string_view key;
  std::string value;
};

// Log(Severity::kInfo, "serving", {{"port", port}}). `event` is a stable lower-case word.
// Thread-safe; a line is written whole. A value over 2 KiB is cut. Of one event no more than
// kLinesPerSecond are written in a second, so that nobody who causes them fills the disk: with the
// next one comes `lines_left_out`, which says of which and how many.
void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields = {});

inline constexpr int kLinesPerSecond = 200;

// What of one event's lines is written. Not thread-safe.
class LineBudget {
 public:
  struct Verdict {
    bool write = true;
    int left_out = 0;  // before this one, and told with it
  };
  Verdict Take(absl::Time now);

 private:
  absl::Time second_ = absl::InfinitePast();
  int written_ = 0;
  int left_out_ = 0;
};

// What is less severe is dropped. Called by main, once, before any thread starts; kInfo unless
// called.
void SetMinSeverity(Severity severity);

// The line that Log writes, with its line feed.
std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view event,
                          std::initializer_list<LogField> fields);

}  // namespace nisi::base
