// What the clients of one store know: every request that was sent, its first answer, and the state
// that follows from the journal. What the store says after a fault is held against it.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"

namespace nisi::faults {

// A request as its client sees it.
struct Operation {
  enum class Fate { kUnknown, kAcknowledged, kRefused };
  std::string path, request, request_id;
  Fate fate = Fate::kUnknown;
  std::string answer;    // the first
  int64_t position = 0;  // that came with it
  int64_t seen = 0;      // where the journal has it; 0: nowhere
};

// What must never be.
struct Findings {
  int64_t lost = 0;                // acknowledged, and not there
  int64_t torn = 0;                // there in part, or not as it was answered
  int64_t future = 0;              // there, and never asked for or refused
  std::vector<std::string> texts;  // the first few

  void Lost(const std::string& text) { Add(&lost, "lost: " + text); }
  void Torn(const std::string& text) { Add(&torn, "torn: " + text); }
  void Future(const std::string& text) { Add(&future, "from the future: " + text); }
  void Add(const Findings& other);
  bool none() const { return lost + torn + future == 0; }

 private:
  void Add(int64_t* count, std::string text);
};

class Ledger {
 public:
  // `salt` makes the request ids of this store its own.
  Ledger(int64_t salt, uint64_t seed) : salt_(salt), random_(seed) {}

  // Writes down the next request, which is then to be sent: entries of one edition, made one by one
  // or several at once, changed and taken out. No two under way touch one entry.
  size_t Next();
  const Operation& at(size_t number) const { return operations_[number]; }
  // Written down so far: numbers are below it.
  size_t size() const { return operations_.size(); }
  // The answer to a request: `ok` or refused. One without an answer stays unknown.
  void Answered(size_t number, bool ok, std::string bytes, int64_t position);
  // Whether a second answer is the first one, to the byte.
  static bool Same(const Operation& operation, const std::string& bytes, int64_t position);

  // Sent or answered since the last Checked().
  const std::vector<size_t>& recent() const { return recent_; }
  int64_t acknowledged() const { return acknowledged_; }
  const std::string& edition() const { return edition_; }

  // The journal up to which all is known.
  int64_t position() const { return position_; }
  // Takes in the next journal entry.
  void Take(const journal::v1::Entry& entry, Findings* findings);
  // Everything acknowledged must have been in the entries taken.
  void CheckAllSeen(Findings* findings) const;
  // `again` were answered after the journal was read, so they are to be checked next time.
  void Checked(std::vector<size_t> again) { recent_ = std::move(again); }
  // Entries of the edition by name, as the journal has them.
  const std::map<std::string, std::string>& entries() const { return entries_; }

  journal::v1::TreeHead head;  // the last one seen

 private:
  struct Target {
    std::string name, etag;
  };
  priority_goods::v1::Entry NewEntry();
  size_t Add(std::string path, std::string request, std::string request_id);
  std::string NextId();
  Target TakeTarget();
  void Learn(const Operation& operation);
  void Apply(const journal::v1::Entry& entry, const Operation& operation, Findings* findings);

  const int64_t salt_;
  std::mt19937_64 random_;
  std::vector<Operation> operations_;
  std::map<std::string, size_t> by_id_;
  std::vector<size_t> recent_;
  std::vector<Target> idle_;  // entries that no request under way touches
  std::string edition_;
  int64_t next_code_ = 0;
  int64_t acknowledged_ = 0;

  int64_t position_ = 0;
  std::map<std::string, std::string> entries_;
};

}  // namespace nisi::faults
