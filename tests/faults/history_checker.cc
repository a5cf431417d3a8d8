#include "tests/faults/history_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"

namespace nisi::faults {
namespace {

using Kind = HistoryCall::Kind;
using Result = HistoryCall::Result;

constexpr size_t kAlwaysAllowedUnknown = 3;
constexpr size_t kCallsInText = 12;

// A version of a record, by its value; and what a record is when it is not there.
using Version = int;
constexpr Version kAbsent = 0, kNoVersion = -1;

bool Writes(const HistoryCall& call) {
  return call.kind == Kind::kCreate || call.kind == Kind::kUpdate;
}

// Values and etags of a record are names of its versions, each the other's: what contradicts that
// needs no search.
class Versions {
 public:
  // Empty, or what is wrong.
  std::string Learn(const std::vector<const HistoryCall*>& calls);
  Version OfValue(const std::string& value) const { return Find(by_value_, value); }
  Version OfEtag(const std::string& etag) const { return Find(by_etag_, etag); }
  size_t size() const { return by_value_.size() + 1; }

 private:
  using Names = std::unordered_map<std::string, Version>;
  static Version Find(const Names& names, const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? kNoVersion : found->second;
  }
  Names by_value_, by_etag_;
  std::unordered_map<Version, std::string> etags_;
};

std::string Versions::Learn(const std::vector<const HistoryCall*>& calls) {
  for (const HistoryCall* call : calls) {
    if (!Writes(*call)) continue;
    const auto [at, added] = by_value_.emplace(call->value, static_cast<Version>(size()));
    if (!added) return absl::StrCat("two calls write ", call->value);
  }
  for (const HistoryCall* call : calls) {
    if (call->result != Result::kOk || call->kind == Kind::kDelete) continue;
    const Version version = OfValue(call->value);
    if (version == kNoVersion) return absl::StrCat("nobody wrote it: ", TextOf(*call));
    const auto [etag, first] = etags_.emplace(version, call->etag);
    const auto [named, once] = by_etag_.emplace(call->etag, version);
    if (etag->second != call->etag) {
      return absl::StrCat("also bore etag ", etag->second, ": ", TextOf(*call));
    }
    if (named->second != version) {
      return absl::StrCat("the etag was another version's: ", TextOf(*call));
    }
  }
  return "";
}

// What the search needs of a call.
struct Step {
  const HistoryCall* call = nullptr;
  Version writes = kAbsent;    // after it
  Version wants = kNoVersion;  // of an update or delete with an etag; of a get that found something
  bool conditional = false;
  // The version that must be there when it takes effect; a version never comes back.
  Version observes() const {
    const bool saw = conditional || call->kind == Kind::kGet;
    return call->result == Result::kOk && saw ? wants : kNoVersion;
  }
};

Step StepOf(const HistoryCall& call, const Versions& versions) {
  Step step{&call};
  if (Writes(call)) step.writes = versions.OfValue(call.value);
  if (call.kind == Kind::kGet) {
    step.writes = kNoVersion;
    if (call.result == Result::kOk) step.wants = versions.OfValue(call.value);
  } else {
    step.conditional = !call.if_etag.empty();
    step.wants = versions.OfEtag(call.if_etag);
  }
  return step;
}

// What the register answers, and what it is afterwards.
struct Answer {
  Result result;
  Version after;
};

Answer Apply(const Step& step, Version now) {
  switch (step.call->kind) {
    case Kind::kCreate:
      if (now != kAbsent) return {Result::kAlreadyExists, now};
      return {Result::kOk, step.writes};
    case Kind::kGet:
      return {now == kAbsent ? Result::kNotFound : Result::kOk, now};
    case Kind::kUpdate:
    case Kind::kDelete:
      break;
  }
  if (now == kAbsent) return {Result::kNotFound, now};
  if (step.conditional && step.wants != now) return {Result::kStale, now};
  return {Result::kOk, step.writes};
}

// One record: is there an order of its calls in which a call that returned before another was
// invoked comes first, and the register answers each as it was answered?
class Search {
 public:
  Search(const std::vector<const HistoryCall*>& calls, const Versions& versions, int64_t* steps)
      : steps_left_(steps), observers_(versions.size(), 0) {
    for (const HistoryCall* call : calls) {
      const Step step = StepOf(*call, versions);
      if (call->result == Result::kUnknown) {
        unknown_.push_back(step);
      } else {
        known_.push_back(step);
        if (step.observes() > kAbsent) ++observers_[static_cast<size_t>(step.observes())];
      }
    }
    std::sort(known_.begin(), known_.end(),
              [](const Step& a, const Step& b) { return a.call->invoke_ns < b.call->invoke_ns; });
    done_.assign(known_.size() + unknown_.size(), false);
  }

  // nullopt when the steps did not suffice.
  std::optional<bool> Run() {
    const bool found = From(0, kAbsent);
    if (out_of_steps_) return std::nullopt;
    return found;
  }
  // After Run() found none.
  std::string Stuck() const {
    return absl::StrCat("no order gets past ", deepest_, " of ", known_.size(), " calls, to\n",
                        stuck_);
  }

 private:
  struct Place {
    std::vector<bool> done;
    Version now;
    bool operator==(const Place& other) const { return now == other.now && done == other.done; }
  };
  struct Hash {
    size_t operator()(const Place& place) const {
      return std::hash<std::vector<bool>>()(place.done) * 31 + static_cast<size_t>(place.now);
    }
  };

  const Step& StepAt(size_t i) const {
    return i < known_.size() ? known_[i] : unknown_[i - known_.size()];
  }

  // Those that may come next: invoked before any that is left returned. Tried in order of their
  // returns most are right at once.
  std::vector<size_t> Candidates(size_t first) const {
    int64_t before = HistoryCall::kNever;
    std::vector<size_t> candidates;
    for (size_t i = first; i < known_.size() && known_[i].call->invoke_ns <= before; ++i) {
      if (done_[i]) continue;
      before = std::min(before, known_[i].call->return_ns);
      candidates.push_back(i);
    }
    for (size_t i = 0; i < unknown_.size(); ++i) {
      if (!done_[known_.size() + i] && unknown_[i].call->invoke_ns <= before) {
        candidates.push_back(known_.size() + i);
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(), [this](size_t a, size_t b) {
      return StepAt(a).call->return_ns < StepAt(b).call->return_ns;
    });
    return candidates;
  }

  // Whether all that is left can follow, where the calls before `first` are done.
  bool From(size_t first, Version now) {
    while (first < known_.size() && done_[first]) ++first;
    if (first == known_.size()) return true;  // Unknown calls that are left never took effect.
    if (--*steps_left_ < 0) out_of_steps_ = true;
    if (out_of_steps_ || !tried_.insert({done_, now}).second) return false;
    const std::vector<size_t> candidates = Candidates(first);
    if (depth_ >= deepest_) Remember(candidates);
    for (const size_t i : candidates) {
      if (Take(i, first, now)) return true;
      if (out_of_steps_) return false;
    }
    return false;
  }

  bool Take(size_t i, size_t first, Version now) {
    const bool unknown = i >= known_.size();
    const Step& step = StepAt(i);
    const Answer answer = Apply(step, now);
    // An unknown call that changes nothing can as well come later, or never.
    if (unknown && answer.after == now) return false;
    if (!unknown && answer.result != step.call->result) return false;
    const Version seen = unknown ? kNoVersion : step.observes();
    if (seen != kNoVersion && seen != now) return false;
    if (seen > kAbsent) --observers_[static_cast<size_t>(seen)];
    // A version that is left does not come back: nobody may still be going to see it.
    const bool missed =
        answer.after != now && now > kAbsent && observers_[static_cast<size_t>(now)] > 0;
    bool found = false;
    if (!missed) {
      done_[i] = true;
      depth_ += unknown ? 0 : 1;
      found = From(first, answer.after);
      depth_ -= unknown ? 0 : 1;
      done_[i] = false;
    }
    if (seen > kAbsent) ++observers_[static_cast<size_t>(seen)];
    return found;
  }

  void Remember(const std::vector<size_t>& candidates) {
    deepest_ = depth_;
    stuck_.clear();
    for (size_t n = 0; n < candidates.size() && n < kCallsInText; ++n) {
      absl::StrAppend(&stuck_, "  ", TextOf(*StepAt(candidates[n]).call), "\n");
    }
  }

  int64_t* const steps_left_;
  bool out_of_steps_ = false;
  std::vector<Step> known_, unknown_;
  std::vector<int> observers_;  // by version: known calls that are left and must see it
  std::vector<bool> done_;      // the known, then the unknown
  std::unordered_set<Place, Hash> tried_;
  size_t depth_ = 0, deepest_ = 0;
  std::string stuck_;
};

// Empty, or what makes it no call at all.
std::string FaultOf(const HistoryCall& call) {
  const bool unknown = call.result == Result::kUnknown;
  if (unknown != (call.return_ns == HistoryCall::kNever)) return "known and unknown at once";
  if (call.return_ns < call.invoke_ns) return "returned before it was invoked";
  const bool answers_version = call.result == Result::kOk && call.kind != Kind::kDelete;
  if (answers_version == call.etag.empty()) return "an etag where none is, or none where one is";
  if (Writes(call) && call.value.empty()) return "writes nothing";
  return "";
}

class Checker {
 public:
  explicit Checker(const HistoryLimits& limits) : limits_(limits), steps_left_(limits.steps) {}

  void Check(const std::string& record, const std::vector<const HistoryCall*>& calls) {
    ++report_.records;
    report_.calls += static_cast<int64_t>(calls.size());
    for (const HistoryCall* call : calls) {
      if (const std::string fault = FaultOf(*call); !fault.empty()) {
        return Undecided(record, absl::StrCat(fault, ": ", TextOf(*call)));
      }
    }
    const size_t unknown = static_cast<size_t>(std::count_if(
        calls.begin(), calls.end(), [](auto* call) { return call->result == Result::kUnknown; }));
    report_.unknown += static_cast<int64_t>(unknown);
    if (calls.size() > limits_.calls ||
        unknown * 100 >
            std::max(calls.size() * limits_.unknown_percent, kAlwaysAllowedUnknown * 100)) {
      return Undecided(record, absl::StrCat(calls.size(), " calls, ", unknown, " unknown"));
    }
    Versions versions;
    if (const std::string wrong = versions.Learn(calls); !wrong.empty()) {
      return Violated(record, wrong);
    }
    Search search(calls, versions, &steps_left_);
    const std::optional<bool> found = search.Run();
    if (!found.has_value()) return Undecided(record, "out of steps");
    if (!*found) Violated(record, search.Stuck());
  }

  HistoryReport report() {
    report_.steps = limits_.steps - steps_left_;
    return std::move(report_);
  }

 private:
  void Undecided(const std::string& record, const std::string& why) {
    report_.undecided.push_back(absl::StrCat(record, ": ", why));
  }
  void Violated(const std::string& record, const std::string& why) {
    report_.violations.push_back(absl::StrCat(record, ": ", why));
  }

  const HistoryLimits limits_;
  int64_t steps_left_;
  HistoryReport report_;
};

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return "create";
    case Kind::kUpdate:
      return "update";
    case Kind::kDelete:
      return "delete";
    case Kind::kGet:
      return "get";
  }
  return "?";
}

const char* NameOf(Result result) {
  switch (result) {
    case Result::kUnknown:
      return "unknown";
    case Result::kOk:
      return "ok";
    case Result::kNotFound:
      return "not found";
    case Result::kAlreadyExists:
      return "already exists";
    case Result::kStale:
      return "stale";
  }
  return "?";
}

}  // namespace

std::string TextOf(const HistoryCall& call) {
  std::string text = absl::StrCat("client ", call.client, " ", NameOf(call.kind));
  if (!call.value.empty()) absl::StrAppend(&text, " ", call.value);
  if (!call.if_etag.empty()) absl::StrAppend(&text, " if ", call.if_etag);
  absl::StrAppend(&text, " -> ", NameOf(call.result));
  if (!call.etag.empty()) absl::StrAppend(&text, " ", call.etag);
  absl::StrAppend(&text, " [", call.invoke_ns / 1000, ", ");
  if (call.return_ns == HistoryCall::kNever) return absl::StrCat(text, "never] us");
  return absl::StrCat(text, call.return_ns / 1000, "] us");
}

HistoryReport CheckHistory(const std::vector<HistoryCall>& calls, const HistoryLimits& limits) {
  std::map<std::string, std::vector<const HistoryCall*>> records;
  for (const HistoryCall& call : calls) {
    if (call.kind == Kind::kGet && call.result == Result::kUnknown) continue;
    records[call.record].push_back(&call);
  }
  Checker checker(limits);
  for (const auto& [record, of_record] : records) checker.Check(record, of_record);
  return checker.report();
}

bool PlantStaleRead(uint64_t seed, std::vector<HistoryCall>* calls) {
  std::mt19937_64 random(seed);
  std::shuffle(calls->begin(), calls->end(), random);
  const auto wrote = [](const HistoryCall& call) {
    return call.result == Result::kOk && Writes(call);
  };
  for (HistoryCall& get : *calls) {
    if (get.kind != Kind::kGet || get.result != Result::kOk) continue;
    for (const HistoryCall& newer : *calls) {
      if (!wrote(newer) || newer.return_ns >= get.invoke_ns) continue;
      for (const HistoryCall& older : *calls) {
        if (!wrote(older) || older.return_ns >= newer.invoke_ns) continue;
        get.value = older.value;
        get.etag = older.etag;
        return true;
      }
    }
  }
  return false;
}

}  // namespace nisi::faults
