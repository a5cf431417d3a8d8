// Connections that terminators bring: whose they are said to be, and who may say it.
#include "common/http2/edges.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/http2/address.h"
#include "common/http2/proxy_head.h"

namespace nisi::http2 {
namespace {

using State = ProxyHead::State;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kAddresses4("\x0A\x01\x02\x03\x0A\x00\x00\x01\xC3\x50\x01\xBB", 12);
const std::string kAddresses6 = std::string("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07", 16) +
                                std::string(16, '\0') + std::string(4, '\x01');

std::string Head(char command, char family, const std::string& rest) {
  return absl::StrCat(kSignature,
                      std::string{command, family, static_cast<char>(rest.size() >> 8),
                                  static_cast<char>(rest.size() & 0xFF)},
                      rest);
}

// Given as it is asked for, what is left over stays behind.
std::pair<State, std::string> Read(const std::string& bytes, size_t at_once = SIZE_MAX) {
  ProxyHead head;
  State state = State::kMore;
  for (size_t at = 0; at < bytes.size() && state == State::kMore;) {
    const size_t size = std::min({head.wanted(), at_once, bytes.size() - at});
    state = head.Take(absl::string_view(bytes).substr(at, size));
    at += size;
  }
  return {state, TextOf(head.client())};
}

TEST(ProxyHead, SaysWhoseAConnectionIs) {
  const std::string four = Head('\x21', '\x11', kAddresses4);
  const std::string six = Head('\x21', '\x21', kAddresses6);
  for (const size_t at_once : {1UL, 7UL, SIZE_MAX}) {
    EXPECT_EQ(Read(four + "behind", at_once), std::pair(State::kWhole, std::string("10.1.2.3")));
    EXPECT_EQ(Read(six + "behind", at_once), std::pair(State::kWhole, std::string("2001:db8::7")));
  }
  for (size_t size = 0; size < six.size(); ++size) {
    EXPECT_EQ(Read(six.substr(0, size)).first, State::kMore) << size;
  }
  // Fields behind the addresses are read over.
  EXPECT_EQ(Read(Head('\x21', '\x11', kAddresses4 + std::string(300, 'x'))).second, "10.1.2.3");
  // A probe of the terminator's own, with and without what it may bring.
  EXPECT_EQ(Read(Head('\x20', '\0', "")), std::pair(State::kWhole, std::string()));
  EXPECT_EQ(Read(Head('\x20', '\x11', kAddresses4)), std::pair(State::kWhole, std::string()));
}

TEST(ProxyHead, WhatSaysNoClientIsBad) {
  const std::vector<std::string> bad = {
      "PROXY TCP4 10.1.2.3 10.0.0.1 50000 443\r\n",                           // version 1
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",                                     // none at all
      std::string("\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03 and so on", 20),  // TLS
      Head('\x11', '\x11', kAddresses4),
      Head('\x22', '\x11', kAddresses4),
      Head('\x21', '\0', ""),                       // of nobody
      Head('\x21', '\x12', kAddresses4),            // a datagram
      Head('\x21', '\x31', std::string(216, '/')),  // a file
      Head('\x21', '\x11', kAddresses4.substr(1)),  // too short for what it says it is
      Head('\x21', '\x21', kAddresses6.substr(1)),
      Head('\x21', '\x11', kAddresses4 + std::string(512, 'x')),  // too long for anybody
  };
  for (const std::string& bytes : bad) EXPECT_EQ(Read(bytes).first, State::kBad) << bytes;
}

TEST(Address, OfOneMachine) {
  EXPECT_EQ(ParseMachine("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(ParseMachine("::ffff:10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(ParseMachine("2001:DB8:0::7"), "2001:db8::7");
  EXPECT_EQ(SourceOf("2001:db8::1:0:0:7"), "2001:db8::");
  for (const std::string alone : {"10.0.0.7", "::ffff:10.0.0.7", "", "no:address"}) {
    EXPECT_EQ(SourceOf(alone), alone);
  }
  for (const char* text : {"", "edge", "10.0.0", "10.0.0.7:443", "10.0.0.0/8", "[::1]"}) {
    EXPECT_EQ(ParseMachine(text), std::nullopt) << text;
  }
}

// Edges on a loop of their own, and pairs of sockets in place of connections.
class EdgesTest : public ::testing::Test {
 protected:
  EdgesTest() {
    reinterpret_cast<sockaddr_in&>(from_).sin_addr.s_addr = htonl(0x0A000001);
    from_.ss_family = AF_INET;
    loop_.RunAndWait([this] {
      edges_ =
          std::make_unique<Edges>(&loop_, std::vector<std::string>{"10.0.0.1"}, absl::Seconds(5),
                                  &refusals_, [this](int fd, const sockaddr_storage& client) {
                                    taken_.emplace_back(fd, TextOf(client));
                                  });
    });
  }
  ~EdgesTest() override {
    loop_.RunAndWait([this] { edges_.reset(); });
    for (const auto& [fd, client] : taken_) close(fd);
  }

  // The terminator's end of a connection.
  int Come() {
    std::array<int, 2> pair{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()), 0);
    loop_.RunAndWait([&] { edges_->Take(pair[0], from_); });
    return pair[1];
  }
  static void Send(int fd, const std::string& bytes) {
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void UntilNoneWaits() {
    for (size_t waiting = 1; waiting > 0;) {
      loop_.RunAndWait([&] { waiting = edges_->waiting(); });
    }
  }
  // Whether the other side has closed.
  static bool Closed(int fd) {
    char byte = 0;
    return read(fd, &byte, 1) == 0 || errno == ECONNRESET;
  }

  Refusals refusals_;
  sockaddr_storage from_{};
  std::vector<std::pair<int, std::string>> taken_;
  EventLoop loop_{"edges"};
  std::unique_ptr<Edges> edges_;
};

TEST_F(EdgesTest, NothingBehindTheHeadIsRead) {
  const int edge = Come();
  Send(edge, Head('\x21', '\x11', kAddresses4).substr(0, 20));
  loop_.RunAndWait([] {});
  Send(edge, Head('\x21', '\x11', kAddresses4).substr(20) + "behind");
  UntilNoneWaits();
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(taken_[0].second, "10.1.2.3");
  std::array<char, 16> left{};
  EXPECT_EQ(read(taken_[0].first, left.data(), left.size()), 6);
  close(edge);
  // One of its own is counted as the terminator's.
  const int probe = Come();
  Send(probe, Head('\x20', '\0', ""));
  UntilNoneWaits();
  EXPECT_EQ(taken_.back().second, "10.0.0.1");
  close(probe);
}

TEST_F(EdgesTest, WhoeverSaysNothingGoodIsClosed) {
  const int silent = Come();
  const int wrong = Come();
  Send(wrong, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const int gone = Come();
  close(gone);
  for (size_t waiting = 3; waiting > 1;) {
    loop_.RunAndWait([&] { waiting = edges_->waiting(); });
  }
  EXPECT_TRUE(Closed(wrong));
  EXPECT_EQ(refusals_.Of(Refused::kFrames), 2U);
  EXPECT_FALSE(Closed(silent));
  loop_.RunAndWait([this] { edges_->OnTick(absl::Now() + absl::Seconds(6)); });
  EXPECT_TRUE(Closed(silent));
  EXPECT_EQ(refusals_.Of(Refused::kSilence), 1U);
  EXPECT_TRUE(taken_.empty());
  close(silent);
  close(wrong);
}

TEST_F(EdgesTest, OnlyTheAddressesThatWereNamed) {
  sockaddr_storage other = from_;
  reinterpret_cast<sockaddr_in&>(other).sin_addr.s_addr = htonl(0x0A000002);
  sockaddr_storage mapped{};
  mapped.ss_family = AF_INET6;
  const std::array<uint8_t, 16> bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1};
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<sockaddr_in6&>(mapped).sin6_addr.s6_addr);
  EXPECT_TRUE(edges_->Has(from_));
  EXPECT_TRUE(edges_->Has(mapped));
  EXPECT_FALSE(edges_->Has(other));
  EXPECT_FALSE(edges_->Has({}));
}

// So that what is no terminator and has its address cannot take all descriptors.
TEST_F(EdgesTest, NoMoreThanSomeWait) {
  std::vector<int> all(300);
  for (int& one : all) one = Come();
  EXPECT_EQ(edges_->waiting(), 256U);
  EXPECT_EQ(refusals_.Of(Refused::kConnections), 44U);
  for (const int one : all) close(one);
}

}  // namespace
}  // namespace nisi::http2
