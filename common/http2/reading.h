// How the clients of a loop are read, that nobody vouches for. On the loop only.
//
// All together for a while, then it is the turn of what else has come: above all the answers of
// services, without which what was read leads to nothing.
//
// And whoever brings more than there is room for is read no faster than others are answered: a
// refusal costs next to nothing beside an answer, but ten for each answer cost more than it. What
// is not read waits where it is cheap, with the client.
#pragma once

#include <uv.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "common/http2/guard.h"
#include "common/http2/loop.h"

namespace nisi::http2 {

class Reading {
 public:
  // `time`: of all in one turn of the loop. `guard` counts who rests.
  Reading(EventLoop* loop, absl::Duration time, std::shared_ptr<Guard> guard)
      : loop_(loop), time_(time), guard_(std::move(guard)) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  // When the turn that is under way ends.
  absl::Time Ends(absl::Time now);
  // A call has its answer: that there is too much, or another.
  void OnAnswer(bool refused);
  // Whether there were more refusals than answers.
  bool spent() const { return credit_ <= 0; }
  // Calls `resume` when there was an answer for it, or some time has passed.
  void Rest(std::function<void()> resume);

 private:
  void OnTime();

  EventLoop* const loop_;
  const absl::Duration time_;
  const std::shared_ptr<Guard> guard_;
  bool begun_ = false;
  absl::Time ends_;
  int credit_ = kCredit;  // so many refusals more; below zero, so many answers first
  std::deque<std::function<void()>> resting_;
  uv_timer_t timer_{};
  bool has_timer_ = false;

  static constexpr int kCredit = 64;
};

// What is known of one client for it, whatever it speaks.
class Regard {
 public:
  // Null: it is read as it sends.
  explicit Regard(Reading* reading) : reading_(reading) {}

  // A call of it has its answer.
  void OnAnswer(bool refused);
  // Whether it is not to be read on.
  bool Rests() const;
  // Calls `resume` when it is.
  void Rest(std::function<void()> resume);
  // What was read before was looked at.
  void GoOn() { refused_ = false; }

 private:
  Reading* const reading_;
  bool refused_ = false;  // some call of what was read last
  int balance_ = 1;       // answers above zero, refusals below
};

}  // namespace nisi::http2
