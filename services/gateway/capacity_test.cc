#include "services/gateway/capacity.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace nisi::gateway {
namespace {

using Entry = Capacity::Entry;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Capacity::Options Of(size_t most, size_t at_once, size_t of_caller = 1000) {
  Capacity::Options options;
  options.most = most;
  options.at_once = at_once;
  options.start = at_once;
  options.of_caller = of_caller;
  options.line = absl::Milliseconds(10);
  options.few = 8;
  return options;
}

class Gate {
 public:
  Gate(const Capacity::Options& options, size_t methods) : capacity(options, methods) {}

  Entry Enter(const std::string& caller, Rank rank = Rank::kChanging) {
    std::shared_ptr<Capacity::Waiting> waiting;
    const Entry entry = capacity.Enter(
        caller, rank, now,
        [this, caller](Capacity::Turn turn) {
          (turn == Capacity::Turn::kIn ? gone : displaced).push_back(caller);
        },
        &waiting);
    if (entry == Entry::kWaits) line.push_back(waiting);
    return entry;
  }
  size_t EnterAll(const std::string& caller, Rank rank = Rank::kChanging) {
    size_t entered = 0;
    while (Enter(caller, rank) != Entry::kRefused) ++entered;
    return entered;
  }
  void Give(const std::string& caller) {
    capacity.Give(caller, 0, absl::ZeroDuration(), false, kNow);
  }

  Capacity capacity;
  absl::Time now = kNow;
  std::vector<std::string> gone;       // those whose turn came
  std::vector<std::string> displaced;  // who lost a place
  std::vector<std::shared_ptr<Capacity::Waiting>> line;
};

TEST(Capacity, NoCallerHasMoreThanWhatIsFree) {
  Gate gate(Of(120, 1000), 1);
  EXPECT_EQ(gate.EnterAll("a"), 60U);
  EXPECT_EQ(gate.EnterAll("b"), 30U);
  EXPECT_EQ(gate.Enter("c"), Entry::kIn);
  for (int i = 0; i < 30; ++i) gate.Give("a");
  EXPECT_EQ(gate.EnterAll("b"), 15U);  // 45 of its own, 44 free
  Gate bounded(Of(120, 1000, 10), 1);
  EXPECT_EQ(bounded.EnterAll("a"), 10U);
}

TEST(Capacity, ThePublicIsRefusedFirst) {
  Gate gate(Of(100, 1000), 1);
  const auto fill = [&](Rank rank) {
    for (int i = 0; i < 1000; ++i)
      gate.Enter(std::to_string(i + 1000 * static_cast<int>(rank)), rank);
  };
  fill(Rank::kPublic);
  EXPECT_EQ(gate.Enter("x", Rank::kPublic), Entry::kRefused);
  EXPECT_EQ(gate.Enter("x", Rank::kReading), Entry::kIn);
  fill(Rank::kReading);
  EXPECT_EQ(gate.Enter("y", Rank::kReading), Entry::kRefused);
  EXPECT_EQ(gate.Enter("y", Rank::kChanging), Entry::kIn);
  fill(Rank::kChanging);
  EXPECT_EQ(gate.Enter("z", Rank::kChanging), Entry::kRefused);
}

TEST(Capacity, CallersTakeTurns) {
  Gate gate(Of(1000, 2), 1);
  EXPECT_EQ(gate.Enter("a"), Entry::kIn);
  EXPECT_EQ(gate.Enter("a"), Entry::kIn);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(gate.Enter("a"), Entry::kWaits);
  EXPECT_EQ(gate.Enter("b"), Entry::kWaits);
  EXPECT_EQ(gate.Enter("c"), Entry::kWaits);
  EXPECT_EQ(gate.Enter("c"), Entry::kWaits);
  EXPECT_EQ(gate.capacity.waiting(), 8U);
  for (int i = 0; i < 8; ++i) gate.Give(i < 2 ? "a" : gate.gone[static_cast<size_t>(i) - 2]);
  EXPECT_EQ(gate.gone, (std::vector<std::string>{"a", "b", "c", "a", "c", "a", "a", "a"}));
  EXPECT_EQ(gate.capacity.waiting(), 0U);
  gate.Give("a");
  gate.Give("a");
  EXPECT_EQ(gate.Enter("d"), Entry::kIn);
}

TEST(Capacity, WhoLeavesTheLineIsPassedOver) {
  Gate gate(Of(1000, 1), 1);
  EXPECT_EQ(gate.Enter("a"), Entry::kIn);
  for (const char* caller : {"b", "b", "c"}) EXPECT_EQ(gate.Enter(caller), Entry::kWaits);
  EXPECT_TRUE(gate.capacity.Leave(*gate.line[0]));
  EXPECT_FALSE(gate.capacity.Leave(*gate.line[0]));
  EXPECT_TRUE(gate.capacity.Leave(*gate.line[2]));
  gate.Give("a");
  EXPECT_EQ(gate.gone, std::vector<std::string>{"b"});
  EXPECT_FALSE(gate.capacity.Leave(*gate.line[1]));  // it is in
  gate.Give("b");
  EXPECT_EQ(gate.gone.size(), 1U);
  EXPECT_EQ(gate.capacity.waiting(), 0U);
  EXPECT_EQ(gate.Enter("c"), Entry::kIn);
}

// So many calls, each of which takes so long, with one more always in line.
void Serve(Gate& gate, int calls, absl::Duration took) {
  while (gate.capacity.waiting() == 0) gate.Enter("a");
  for (int i = 0; i < calls; ++i) {
    gate.now += absl::Milliseconds(1);
    gate.capacity.Give("a", 0, took, true, gate.now);
    while (gate.capacity.waiting() == 0) gate.Enter("a");
  }
}

TEST(Capacity, TheBoundShrinksWhileAllAreLateAndGrowsAgain) {
  Capacity::Options options = Of(1000, 200);
  options.start = 50;
  Gate gate(options, 2);
  EXPECT_EQ(gate.capacity.bound(), 50U);
  Serve(gate, 3000, absl::Milliseconds(5));
  EXPECT_EQ(gate.capacity.bound(), 200U);
  Serve(gate, 1000, absl::Milliseconds(40));
  EXPECT_EQ(gate.capacity.bound(), 16U);
  Serve(gate, 10'000, absl::Milliseconds(6));
  EXPECT_EQ(gate.capacity.bound(), 200U);
}

// What is slow by itself, beside what is not, is no queue; nor is what failed.
TEST(Capacity, OnlyAllOfThemTogetherAreLate) {
  Gate gate(Of(1000, 100), 2);
  for (int i = 0; i < 1000; ++i) {
    gate.Enter("a");
    gate.Enter("b");
    gate.now += absl::Milliseconds(1);
    gate.capacity.Give("a", 0, absl::Milliseconds(i < 10 ? 1 : 300), true, gate.now);
    gate.capacity.Give("b", 1, absl::Milliseconds(2), true, gate.now);
  }
  EXPECT_EQ(gate.capacity.bound(), 100U);
  Gate failing(Of(1000, 100), 1);
  for (int i = 0; i < 1000; ++i) {
    failing.Enter("a");
    failing.capacity.Give("a", 0, absl::Seconds(i), false, kNow + absl::Seconds(i));
  }
  EXPECT_EQ(failing.capacity.bound(), 100U);
}

// Calls that only take long, as those that wait for another service, are no reason to let none in.
TEST(Capacity, WhereNothingIsAnsweredTheBoundGrows) {
  Capacity::Options options = Of(1000, 100);
  options.start = 10;
  options.line = absl::InfiniteDuration();
  Gate gate(options, 1);
  for (int i = 0; i < 200; ++i) {
    gate.now += absl::Milliseconds(100);
    gate.Enter("a");
  }
  EXPECT_EQ(gate.capacity.bound(), 100U);
  EXPECT_EQ(gate.capacity.waiting(), 100U);
}

// A service that answers one call a millisecond, before which there is always a line.
Gate& Crowded(Gate& gate, int answers) {
  for (int i = 0; i < 30; ++i) gate.Enter("a");
  for (int i = 0; i < answers; ++i) {
    gate.now += absl::Milliseconds(1);
    gate.capacity.Give("a", 0, absl::Milliseconds(1), true, gate.now);
    gate.Enter("a");
  }
  return gate;
}

TEST(Capacity, ALineThatStaysIsShort) {
  Gate rush(Of(1000, 1), 1);
  Crowded(rush, 200);
  EXPECT_EQ(rush.EnterAll("b"), 485U);  // what comes in a rush is taken up
  Gate gate(Of(1000, 1), 1);
  Crowded(gate, 500);  // what is answered in 10 ms is ten calls
  EXPECT_EQ(gate.capacity.waiting(), 10U);
  EXPECT_EQ(gate.Enter("a"), Entry::kRefused);
  EXPECT_EQ(gate.EnterAll("b"), 9U);  // eight are a few; and one in place of one of the ten
  EXPECT_EQ(gate.displaced, std::vector<std::string>{"a"});
  EXPECT_EQ(gate.EnterAll("c", Rank::kPublic), 8U);
  EXPECT_EQ(gate.Enter("a"), Entry::kRefused);
}

// Then clients are to have less under way, and before what is too much has to be refused.
TEST(Capacity, WhoWaitsKnowsHowMuchFits) {
  Gate gate(Of(1000, 1), 1);
  while (gate.capacity.waiting() < 400) gate.Enter("a");
  EXPECT_EQ(gate.line.front()->fits, 9. / 2);  // eight in line, and one that is served
  EXPECT_EQ(gate.line.back()->fits, 9. / 401);
  Crowded(gate, 150);
  EXPECT_EQ(gate.line.back()->fits, 11. / 431);  // what is answered in 10 ms
  Gate little(Of(1000, 1), 1);
  Crowded(little, 500);
  EXPECT_GE(little.line.back()->fits, 1);
}

TEST(Capacity, WhoHasNoneIsLetInBeforeWhoHasMany) {
  Gate gate(Of(40, 1), 1);
  EXPECT_EQ(gate.EnterAll("a"), 20U);
  EXPECT_EQ(gate.EnterAll("b"), 14U);  // ten of what is free, then of a's
  EXPECT_EQ(gate.EnterAll("c"), 11U);
  EXPECT_EQ(gate.EnterAll("d"), 9U);
  EXPECT_EQ(gate.displaced.size(), 16U);
  EXPECT_EQ(gate.capacity.waiting(), 37U);
}

TEST(Capacity, WhenTheLineHasGoneARushIsTakenUpAgain) {
  Gate gate(Of(1000, 1), 1);
  Crowded(gate, 500);
  EXPECT_EQ(gate.Enter("a"), Entry::kRefused);
  for (int i = 0; i < 1000; ++i) {
    gate.now += absl::Milliseconds(1);
    if (gate.capacity.waiting() > 0) {
      gate.capacity.Give("a", 0, absl::Milliseconds(1), true, gate.now);
    }
  }
  gate.capacity.Give("a", 0, absl::Milliseconds(1), true, gate.now);
  gate.now += absl::Seconds(1);
  EXPECT_EQ(gate.EnterAll("a"), 500U);
}

}  // namespace
}  // namespace nisi::gateway
