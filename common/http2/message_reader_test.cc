#include "common/http2/message_reader.h"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <vector>

namespace nisi::http2 {
namespace {

std::string Framed(const std::string& message) {
  const auto prefix = PrefixFor(message.size());
  return std::string(prefix.data(), prefix.size()) + message;
}

TEST(MessageReaderTest, ThePrefixIsLengthWithTheHighByteFirst) {
  const auto prefix = PrefixFor(0x01020304);
  EXPECT_EQ(std::string(prefix.data(), prefix.size()), std::string("\0\1\2\3\4", kPrefixBytes));
}

TEST(MessageReaderTest, AnyCutGivesTheSameMessages) {
  const std::list<std::string> sent{"first", "", std::string(300, 'x'), "", "last"};
  std::string bytes;
  for (const std::string& message : sent) bytes += Framed(message);
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    MessageReader reader(300);
    Messages got;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_EQ(reader.Push(absl::string_view(bytes).substr(at, piece), &got), Fault::kNone);
    }
    for (const std::string& message : sent) {
      ASSERT_FALSE(got.empty()) << piece;
      EXPECT_EQ(got.Pop(), message) << piece;
    }
    EXPECT_EQ(got.bytes(), 0U);
    EXPECT_TRUE(got.empty());
    EXPECT_TRUE(reader.at_border());
  }
}

TEST(MessageReaderTest, EmptyMessagesTakeRoomToo) {
  MessageReader reader(300);
  Messages got;
  ASSERT_EQ(reader.Push(std::string(1000 * kPrefixBytes, '\0'), &got), Fault::kNone);
  EXPECT_EQ(got.size(), 1000U);
  EXPECT_GE(got.bytes(), 1000 * sizeof(std::string));
}

TEST(MessageReaderTest, WhatIsNotWholeIsNoBorder) {
  const std::string bytes = Framed("message");
  for (size_t size = 1; size < bytes.size(); ++size) {
    MessageReader reader(300);
    Messages got;
    ASSERT_EQ(reader.Push(absl::string_view(bytes).substr(0, size), &got), Fault::kNone);
    EXPECT_FALSE(reader.at_border()) << size;
    EXPECT_TRUE(got.empty());
  }
}

TEST(MessageReaderTest, CompressedAndTooLargeAreRefusedByTheirPrefix) {
  Messages got;
  EXPECT_EQ(MessageReader(300).Push(absl::string_view("\1\0\0\0\0", kPrefixBytes), &got),
            Fault::kCompressed);
  const auto prefix = PrefixFor(301);
  EXPECT_EQ(MessageReader(300).Push({prefix.data(), prefix.size()}, &got), Fault::kMessageTooLarge);
  EXPECT_EQ(MessageReader(300).Push(absl::string_view("\0\xFF\xFF\xFF\xFF", kPrefixBytes), &got),
            Fault::kMessageTooLarge);
  EXPECT_TRUE(got.empty());
}

}  // namespace
}  // namespace nisi::http2
