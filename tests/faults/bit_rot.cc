// Bytes that rot, logs that are cut or lost, old copies put back. Each damage is done to a copy of
// one store, which a process of its own then opens as a service does. It may refuse, with a reason
// that an operator understands; or it answers every question as the undamaged store does, or says
// DATA_LOSS. Damage that it opened over is found by its scrub or by the slow check of its files. A
// store that lost anything acknowledged is not opened.
//
//   bit_rot [--flips N] [--cuts N] [--jobs N] [--seed N]
//
// NISI_SCALE multiplies.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/flags.h"
#include "common/store/rocks_engine.h"
#include "tests/faults/lane.h"
#include "tests/faults/process.h"
#include "tests/faults/rot_damage.h"
#include "tests/faults/rot_store.h"
#include "tests/faults/workplace.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;

struct Settings {
  int64_t flips = 300, cuts = 60, jobs = 3, seed = 0;
};

// Question to the hash of its answer.
using Reference = std::map<std::string, std::string>;

// In shared memory: how the process that opened the copy found it.
struct Verdict {
  enum Fate { kNone, kRefused, kDataLoss, kWhole };
  Fate fate = kNone;
  int64_t damaged_answers = 0;
  bool found = false;  // by the scrub or the check of files
  std::array<char, 40> reason{};
  std::array<char, 1000> wrong{};  // empty: nothing

  void Wrong(const std::string& text) {
    if (wrong[0] == '\0') text.copy(wrong.data(), wrong.size() - 1);
  }
};

struct Count {
  int64_t trials = 0, refused = 0, data_loss = 0, harmless = 0, found = 0, aborted = 0, wrong = 0;
  std::map<std::string, int64_t> reasons;
};

Reference Hashed(const std::vector<RotAnswer>& answers) {
  Reference hashed;
  for (const RotAnswer& answer : answers) {
    hashed[answer.question] =
        answer.damage ? "DATA_LOSS" : absl::BytesToHexString(base::Sha256Bytes(answer.answer));
  }
  return hashed;
}

// What an operator needs: a stable reason, and what to do.
void CheckRefusal(const absl::Status& status, Verdict* verdict) {
  verdict->fate = Verdict::kRefused;
  const std::string reason = base::ReasonOf(status);
  reason.copy(verdict->reason.data(), verdict->reason.size() - 1);
  const bool known = status.code() == absl::StatusCode::kDataLoss
                         ? reason == "STORE_CORRUPT" || reason == "WITNESS_CORRUPT"
                         : status.code() == absl::StatusCode::kFailedPrecondition &&
                               (reason == "STORE_INCOMPLETE" || reason == "STORE_ROLLED_BACK");
  const bool says_what_to_do = absl::StrContains(status.message(), "estore ") ||
                               absl::StrContains(status.message(), "remove the file");
  if (!known || !says_what_to_do) {
    verdict->Wrong(absl::StrCat("refused without saying ",
                                known ? "what to do: " : "why: ", status.ToString()));
  }
}

// Whether an assertion of RocksDB ended the process: it looks at the properties of a table before
// it holds them against their checksum. Nothing is answered from there on.
bool IsOfRocks(const std::string& log) {
  return absl::StrContains(log, "rocksdb::") && absl::StrContains(log, "Assertion");
}

// Whether all answers are right or say DATA_LOSS; how many do.
int64_t Compare(const Reference& reference, const Reference& now, const char* when,
                Verdict* verdict) {
  int64_t damaged = 0;
  for (const auto& [question, answer] : now) {
    if (answer == "DATA_LOSS") {
      ++damaged;
      continue;
    }
    const auto right = reference.find(question);
    if (right == reference.end() || right->second != answer) {
      verdict->Wrong(absl::StrCat("a wrong answer ", when, ": ", question));
    }
  }
  if (now.size() != reference.size()) verdict->Wrong(absl::StrCat("other questions ", when));
  return damaged;
}

bool FilesAreDamaged(store::Engine& engine) {
  std::string cursor;
  do {
    const auto next = engine.VerifyNext(cursor);
    if (!next.ok()) return absl::IsDataLoss(next.status());
    cursor = *next;
  } while (!cursor.empty());
  return false;
}

void Examine(const std::string& folder, const Reference& reference, const Damage& damage,
             Verdict* verdict) {
  auto opened = RotStore::Open(folder);
  if (!opened.ok()) return CheckRefusal(opened.status(), verdict);
  // Never closed: the process ends, as a service does.
  RotStore& rot = *opened->release();
  if (damage.loses_commits) verdict->Wrong("opened without what was acknowledged");
  verdict->damaged_answers = Compare(reference, Hashed(AskAll(rot.store())), "at first", verdict);
  verdict->fate = verdict->damaged_answers > 0 ? Verdict::kDataLoss : Verdict::kWhole;

  const auto findings = rot.store().Scrub();
  const bool scrubbed = findings.ok() ? !findings->empty() : absl::IsDataLoss(findings.status());
  verdict->found = FilesAreDamaged(rot.engine()) || scrubbed;
  const bool table_lives = absl::EndsWith(damage.file, ".sst") && fs::exists(damage.file);
  if (!verdict->found && (verdict->damaged_answers > 0 || table_lives)) {
    verdict->Wrong("neither the scrub nor the check of files finds it");
  }
  // A compaction may fail on damage; it must not make good bytes of bad ones.
  CompactRocks(rot.engine()).IgnoreError();
  Compare(reference, Hashed(AskAll(rot.store())), "after a compaction", verdict);
}

class Trials {
 public:
  Trials(const Settings& settings, std::string path)
      : settings_(settings), path_(std::move(path)), whole_(path_ + "/whole") {}

  absl::Status Build();
  void Run();
  void Print(absl::Duration took) const;
  bool good() const {
    return std::all_of(counts_.begin(), counts_.end(),
                       [](const auto& count) { return count.second.wrong == 0; });
  }

 private:
  struct Trial {
    Damage damage;
    std::string folder;
    Verdict* verdict = nullptr;
  };
  void Start(Damage damage);
  void Ended(pid_t pid, int status);

  const Settings& settings_;
  const std::string path_, whole_;
  Reference reference_;
  std::map<pid_t, Trial> running_;
  std::map<std::string, Count> counts_;
  int64_t number_ = 0;
  int64_t told_ = 0;
};

// The store, and its answers while it is well.
absl::Status Trials::Build() {
  fs::create_directories(whole_);
  const auto run = [this](const char* name, const std::function<absl::Status()>& what) {
    const std::string log = absl::StrCat(path_, "/", name);
    const pid_t pid = Fork(log);
    if (pid == 0) {
      const absl::Status status = what();
      std::cerr << status << std::endl;
      if (status.ok()) raise(SIGKILL);  // nothing is closed
      _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
               ? absl::OkStatus()
               : absl::InternalError(absl::StrCat(name, ": ", ReadAll(log)));
  };
  RETURN_IF_ERROR(run("build", [this] { return BuildRotStore(whole_); }));
  const auto logs = std::count_if(
      fs::directory_iterator(whole_ + "/store"), fs::directory_iterator(), [](const auto& entry) {
        return entry.path().extension() == ".log" && entry.file_size() > 0;
      });
  if (logs < 2) return absl::InternalError("one log: this test is blind for what lies before it");
  const std::string copy = path_ + "/reference";
  fs::copy(whole_, copy, fs::copy_options::recursive);
  RETURN_IF_ERROR(run("ask", [this, &copy]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::unique_ptr<RotStore> rot, RotStore::Open(copy));
    ASSIGN_OR_RETURN(const std::vector<std::string> findings, rot->store().Scrub());
    if (!findings.empty()) return absl::InternalError(absl::StrJoin(findings, "; "));
    std::ofstream file(path_ + "/answers");
    for (const auto& [question, answer] : Hashed(AskAll(rot->store()))) {
      file << answer << " " << question << "\n";
    }
    return file.flush() ? absl::OkStatus() : absl::InternalError("answers");
  }));
  std::ifstream file(path_ + "/answers");
  std::string answer;
  std::string question;
  while (file >> answer && file.get() == ' ' && std::getline(file, question)) {
    if (answer == "DATA_LOSS") return absl::InternalError(question);
    reference_[question] = answer;
  }
  fs::remove_all(copy);
  return absl::OkStatus();
}

void Trials::Start(Damage damage) {
  Trial trial{std::move(damage), absl::StrCat(path_, "/", ++number_), NewShared<Verdict>()};
  fs::copy(whole_, trial.folder, fs::copy_options::recursive);
  trial.damage.apply(trial.folder);
  if (!trial.damage.file.empty()) trial.damage.file = trial.folder + "/" + trial.damage.file;
  const pid_t pid = Fork(trial.folder + "/log");
  if (pid == 0) {
    Examine(trial.folder, reference_, trial.damage, trial.verdict);
    _exit(0);
  }
  running_[pid] = std::move(trial);
}

void Trials::Ended(pid_t pid, int status) {
  const Trial trial = std::move(running_[pid]);
  running_.erase(pid);
  Verdict& verdict = *trial.verdict;
  Count& count = counts_[trial.damage.kind];
  ++count.trials;
  const bool asserted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                        IsOfRocks(ReadAll(trial.folder + "/log"));
  if (asserted) ++count.aborted;
  if (status != 0 && !asserted) verdict.Wrong("the process ended with " + EndOf(status));
  if (verdict.fate == Verdict::kRefused) ++count.refused;
  if (verdict.fate == Verdict::kRefused) ++count.reasons[verdict.reason.data()];
  if (verdict.fate == Verdict::kDataLoss) ++count.data_loss;
  if (verdict.fate == Verdict::kWhole) ++count.harmless;
  if (verdict.found) ++count.found;
  const bool wrong = verdict.wrong[0] != '\0';
  if (wrong) {
    ++count.wrong;
    if (++told_ <= 30) {
      std::cout << trial.damage.kind << ": " << trial.damage.text << ": " << verdict.wrong.data()
                << std::endl;
    }
  }
  DropShared(trial.verdict);
  if (!wrong) fs::remove_all(trial.folder);
}

void Trials::Run() {
  Damages damages(whole_, static_cast<uint64_t>(settings_.seed));
  std::vector<Damage> all = damages.Flips(settings_.flips);
  for (Damage& damage : damages.Losses(settings_.cuts)) all.push_back(std::move(damage));
  RunTrials(
      all.size(), settings_.jobs, [this] { return running_.size(); },
      [&](size_t n) { Start(all[n]); }, [this](pid_t pid, int status) { Ended(pid, status); });
}

void Trials::Print(absl::Duration took) const {
  Count sum;
  for (const auto& [kind, count] : counts_) {
    std::cout << "bit_rot: " << kind << ": trials=" << count.trials << " refused=" << count.refused
              << " (" << absl::StrJoin(count.reasons, " ", absl::PairFormatter("="))
              << ") data_loss=" << count.data_loss << " harmless=" << count.harmless
              << " found=" << count.found << " aborted=" << count.aborted
              << " wrong=" << count.wrong << "\n";
    sum.trials += count.trials;
    sum.refused += count.refused;
    sum.data_loss += count.data_loss;
    sum.harmless += count.harmless;
    sum.found += count.found;
    sum.aborted += count.aborted;
    sum.wrong += count.wrong;
  }
  std::cout << "bit_rot: seed=" << settings_.seed << " trials=" << sum.trials
            << " questions=" << reference_.size() << " refused=" << sum.refused
            << " data_loss=" << sum.data_loss << " harmless=" << sum.harmless
            << " found=" << sum.found << " aborted=" << sum.aborted << " wrong=" << sum.wrong
            << " seconds=" << absl::ToInt64Seconds(took) << std::endl;
}

absl::Status RunAll(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make());
  const absl::Time begin = absl::Now();
  Trials trials(settings, place->path());
  RETURN_IF_ERROR(trials.Build());
  trials.Run();
  trials.Print(absl::Now() - begin);
  if (trials.good()) return absl::OkStatus();
  place->Keep();
  return absl::InternalError(absl::StrCat("the folders are in ", place->path()));
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("bit_rot", "Damages the files of a store.");
  flags.Int("flips", &settings.flips, "bits flipped and bytes zeroed", 300)
      .Int("cuts", &settings.cuts, "logs cut and deleted, old copies put back", 60)
      .Int("jobs", &settings.jobs, "processes at once", 3)
      .Int("seed", &settings.seed, "what is drawn; 0: a new one", 0);
  return RunLane("bit_rot", flags, argc, argv, &settings.seed, {&settings.flips, &settings.cuts},
                 [&] { return RunAll(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
