// How many calls one service gets at once, and whose turn it is. Time is a parameter. Thread-safe.
//
// What is over the bound waits in line: one line a caller, and the callers take turns, so that
// whoever brings a hundred calls waits for them and nobody else does. When every call of a while
// has taken longer than it needs, the service has a queue of its own, in which nobody takes turns.
// So the bound shrinks until that is gone, and grows while calls wait and those that are in are
// answered in time.
//
// A line that comes and goes takes up what comes in a rush. One that stays only makes everybody
// late: then it is as long as what is answered in `line`. Whoever finds no room is refused at once,
// or takes the place of the last call of whoever has most in line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/gateway/rank.h"

namespace nisi::gateway {

class Capacity {
 public:
  struct Options {
    size_t most = 2048;                              // at the service and in line
    size_t of_caller = 200;                          // of them
    size_t at_once = 256;                            // at the service: at most,
    size_t start = 64;                               // in the beginning,
    size_t least = 16;                               // and at least
    absl::Duration target = absl::Milliseconds(20);  // longer than needed; infinite: a fixed bound
    // In a line that stays each may have so many: who asks little may come in a rush, too.
    size_t few = 32;
    absl::Duration line = absl::Milliseconds(5);  // of a line that stays; infinite: any
  };
  Capacity(const Options& options, size_t methods);

  // What became of a call that waited: it may go on, or its place was given to another.
  enum class Turn { kIn, kRefused };
  using OnTurn = std::function<void(Turn)>;
  // A call in line.
  struct Waiting {
    std::string caller;
    OnTurn turn;  // empty: in line no more
    // Of what its caller has at the service and in line such a part is its share, with a line that
    // is as long as it may stay; above one: it has less.
    double fits = 0;
  };
  enum class Entry { kIn, kWaits, kRefused };
  // kIn: the call may go on. kWaits: `turn` is called once, from any thread. kRefused: there is no
  // room for one more of this caller. No caller has more than what is still free, so that one who
  // asks for all leaves a half, and two a third each.
  Entry Enter(const std::string& caller, Rank rank, absl::Time now, OnTurn turn,
              std::shared_ptr<Waiting>* waiting);
  // The call waits no more. False: it may go on already.
  bool Leave(Waiting& waiting);
  // A call that was in is over, after so long. `method`: its number; of what was not answered
  // nothing is learnt.
  void Give(const std::string& caller, size_t method, absl::Duration took, bool answered,
            absl::Time now);

  size_t bound() const;
  size_t waiting() const;

 private:
  struct Its {
    size_t calls = 0;                          // in and in line
    size_t waiting = 0;                        // of them, in line
    std::list<std::shared_ptr<Waiting>> line;  // with those that have left it
    bool takes_turns = false;
  };
  // What is to be called when the lock is off.
  using Turns = std::vector<std::pair<OnTurn, Turn>>;

  void Out(const std::string& caller);
  Entry Place(const std::string& caller, Rank rank, OnTurn turn, std::shared_ptr<Waiting>* waiting,
              Turns* turns);
  // Whether there is room for one more call of a caller with so many, and so many in line.
  bool IsFree(size_t calls, size_t waiting, Rank rank);
  // Or else that of another, for a caller with so many in line.
  bool Displace(size_t waiting, Turns* turns);
  size_t in_line() const { return calls_ - in_; }
  // At the end of a while, what it has shown.
  void Judge(absl::Time now);
  void Learn(size_t method, absl::Duration took);
  // Whether the line stays, and how long it may be then.
  void JudgeLine(absl::Duration window);
  // Those whose turn it is.
  void Next(Turns* turns);

  const Options options_;
  mutable std::mutex mutex_;
  double bound_;
  size_t calls_ = 0;  // in and in line
  size_t in_ = 0;
  absl::flat_hash_map<std::string, Its> callers_;
  std::deque<std::string> turns_;             // of callers with a line
  std::vector<absl::Duration> needed_;        // by method: the least that one of late has taken
  absl::Time window_ = absl::InfinitePast();  // its beginning
  absl::Duration least_delay_ = absl::InfiniteDuration();  // of this window
  size_t samples_ = 0;
  bool reached_ = false;
  size_t over_ = 0;           // calls, in this window
  size_t shortest_line_ = 0;  // of this window
  size_t full_ = 0;           // calls that found the line full, in this window
  size_t stays_ = 0;          // windows for which there was a line all the time
  size_t most_in_line_ = SIZE_MAX;
};

}  // namespace nisi::gateway
