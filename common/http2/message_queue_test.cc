#include "common/http2/message_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <list>
#include <string>
#include <utility>

namespace nisi::http2 {
namespace {

TEST(MessageQueueTest, WhatIsTakenInPartIsThereWhole) {
  MessageQueue queue;
  queue.PushBytes(std::string(1000, 'a'));
  queue.PushBytes(std::string(10, 'b'));
  std::array<uint8_t, 2000> room{};
  std::list<std::string> taken;
  EXPECT_EQ(queue.Take(room.data(), 999, &taken), 999U);
  EXPECT_EQ(queue.bytes(), 1010U) << "of the first no byte is free yet";
  EXPECT_EQ(queue.Take(room.data(), 2, &taken), 2U);
  EXPECT_EQ(queue.bytes(), 10U);
  EXPECT_EQ(room[0], 'a');
  EXPECT_EQ(room[1], 'b');
  queue.PutBack(std::exchange(taken, {}));
  EXPECT_EQ(queue.bytes(), 1010U);
  EXPECT_EQ(queue.Take(room.data(), room.size(), nullptr), 1010U);
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace nisi::http2
