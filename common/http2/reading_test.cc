#include "common/http2/reading.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace nisi::http2 {
namespace {

constexpr int kMost = 64;  // refusals without an answer

// The loop goes first.
struct Clients {
  std::shared_ptr<Guard> guard = std::make_shared<Guard>(Limits());
  Reading reading{&loop, absl::Milliseconds(1), guard};
  EventLoop loop{"clients"};

  void Refuse(int count) {
    for (int i = 0; i < count; ++i) reading.OnAnswer(true);
  }
};

TEST(Reading, AnswersPayForRefusals) {
  Clients clients;
  clients.loop.RunAndWait([&] {
    clients.Refuse(kMost - 1);
    EXPECT_FALSE(clients.reading.spent());
    clients.Refuse(1);
    EXPECT_TRUE(clients.reading.spent());
    clients.reading.OnAnswer(false);
    EXPECT_FALSE(clients.reading.spent());
    for (int i = 0; i < 10 * kMost; ++i) clients.reading.OnAnswer(false);
    clients.Refuse(kMost);  // of many answers no more are remembered
    EXPECT_TRUE(clients.reading.spent());
  });
}

TEST(Reading, WhoRestsGoesOnInTurn) {
  Clients clients;
  std::promise<void> done;
  std::vector<int> gone;
  clients.loop.RunAndWait([&] {
    clients.Refuse(10 * kMost);
    for (int i = 0; i < 20; ++i) {
      clients.reading.Rest([&, i] {
        gone.push_back(i);
        clients.Refuse(1);
        if (i == 19) done.set_value();
      });
    }
    EXPECT_TRUE(gone.empty());
    EXPECT_EQ(clients.guard->rests.now, 20);
  });
  done.get_future().wait();  // with time, although nothing is answered
  clients.loop.RunAndWait([&] {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(gone[static_cast<size_t>(i)], i);
    EXPECT_EQ(gone.size(), 20U);
  });
  EXPECT_EQ(clients.guard->rests.now, 0);
  EXPECT_EQ(clients.guard->rests.begun, 20U);
}

TEST(Reading, WhoIsMostlyAnsweredDoesNotRest) {
  Clients clients;
  clients.loop.RunAndWait([&] {
    Regard greedy(&clients.reading), modest(&clients.reading), free(nullptr);
    for (int i = 0; i < 8; ++i) modest.OnAnswer(false);
    for (int i = 0; i < 2 * kMost; ++i) greedy.OnAnswer(true);
    modest.OnAnswer(true);
    free.OnAnswer(true);
    EXPECT_TRUE(clients.reading.spent());
    EXPECT_TRUE(greedy.Rests());
    EXPECT_FALSE(modest.Rests());
    EXPECT_FALSE(free.Rests());
    greedy.GoOn();
    EXPECT_FALSE(greedy.Rests()) << "until it is refused again";
    greedy.OnAnswer(true);
    EXPECT_TRUE(greedy.Rests());
    for (int i = 0; i < 2 * kMost; ++i) modest.OnAnswer(false);
    EXPECT_FALSE(greedy.Rests()) << "others were answered";
  });
}

TEST(Reading, ATurnIsOverForAllAtOnce) {
  Clients clients;
  clients.loop.RunAndWait([&] {
    const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
    EXPECT_EQ(clients.reading.Ends(now), now + absl::Milliseconds(1));
    EXPECT_EQ(clients.reading.Ends(now + absl::Seconds(1)), now + absl::Milliseconds(1));
  });
  clients.loop.RunAndWait([&] {
    const absl::Time now = absl::FromUnixSeconds(1'900'000'000);
    EXPECT_EQ(clients.reading.Ends(now), now + absl::Milliseconds(1));
  });
}

}  // namespace
}  // namespace nisi::http2
