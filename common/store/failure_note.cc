#include "common/store/failure_note.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/store/file_io.h"

namespace nisi::store {
namespace {

// Of the process, whose end waits for them; never destroyed, as one may outlast that.
struct Notes {
  std::mutex mutex;
  std::condition_variable done;
  int under_way = 0;
};
Notes& AllNotes() {
  static Notes& notes = *new Notes;
  return notes;
}

std::string FailedFile(const std::string& dir) {
  return absl::StrCat(dir, "/FAILED");
}

absl::string_view KindOf(const absl::Status& failure) {
  return failure.code() == absl::StatusCode::kDataLoss ? kFailedDamage : kFailedCommit;
}

absl::Status WriteFailure(const std::string& dir, const Failure& failure) {
  std::string text;
  for (const Failure& before : ReadFailures(dir)) {
    if (before.kind == failure.kind) continue;
    absl::StrAppend(&text, before.kind, " ",
                    absl::FormatTime(absl::RFC3339_sec, before.at, absl::UTCTimeZone()), " ",
                    before.reason, "\n");
  }
  absl::StrAppend(&text, failure.kind, " ",
                  absl::FormatTime(absl::RFC3339_sec, failure.at, absl::UTCTimeZone()), " ",
                  failure.reason, "\n");
  return ReplaceFile(FailedFile(dir), text, 0600);
}

}  // namespace

std::vector<Failure> ReadFailures(const std::string& dir) {
  std::vector<Failure> failures;
  const auto text = ReadSmallFile(FailedFile(dir));
  if (!text.ok()) return failures;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    Failure failure;
    if (words.size() != 3 || (words[0] != kFailedCommit && words[0] != kFailedDamage) ||
        !absl::ParseTime(absl::RFC3339_full, words[1], &failure.at, nullptr)) {
      continue;
    }
    const bool known = std::any_of(failures.begin(), failures.end(),
                                   [&](const Failure& other) { return other.kind == words[0]; });
    if (known) continue;
    failure.kind = words[0];
    failure.reason = words[2];
    failures.push_back(std::move(failure));
  }
  return failures;
}

void NoteFailure(const std::string& dir, const absl::Status& failure, absl::Time now) {
  {
    const std::lock_guard<std::mutex> lock(AllNotes().mutex);
    ++AllNotes().under_way;
  }
  const std::string reason = base::ReasonOf(failure);
  std::thread([dir, noted = Failure{std::string(KindOf(failure)), now,
                                    reason.empty() ? "UNKNOWN" : reason}] {
    if (const absl::Status status = WriteFailure(dir, noted); !status.ok()) {
      base::Log(base::Severity::kError, "failure_not_noted", {{"status", status.ToString()}});
    }
    const std::lock_guard<std::mutex> lock(AllNotes().mutex);
    --AllNotes().under_way;
    AllNotes().done.notify_all();
  }).detach();
}

bool AwaitFailureNotes(absl::Duration limit) {
  std::unique_lock<std::mutex> lock(AllNotes().mutex);
  return AllNotes().done.wait_for(lock, absl::ToChronoNanoseconds(limit),
                                  [] { return AllNotes().under_way == 0; });
}

}  // namespace nisi::store
