#include "common/rpc/expiring_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace nisi::rpc {
namespace {

const absl::Time kCachedAt = absl::FromUnixSeconds(1'800'000'000);

std::shared_ptr<const int> Value(int value) {
  return std::make_shared<const int>(value);
}

TEST(ExpiringCacheTest, HoldsExactlyUntilItExpires) {
  ExpiringCache<int> cache(100);
  cache.Insert("a", Value(1), kCachedAt, kCachedAt + absl::Seconds(10));
  EXPECT_EQ(*cache.Find("a", kCachedAt), 1);
  EXPECT_NE(cache.Find("a", kCachedAt + absl::Seconds(10) - absl::Nanoseconds(1)), nullptr);
  EXPECT_EQ(cache.Find("a", kCachedAt + absl::Seconds(10)), nullptr);
  EXPECT_EQ(cache.Find("a", kCachedAt - absl::Nanoseconds(1)), nullptr) << "a clock set back";
  EXPECT_EQ(cache.Find("b", kCachedAt), nullptr);
}

TEST(ExpiringCacheTest, NewerValueReplacesTheOlder) {
  ExpiringCache<int> cache(100);
  cache.Insert("a", Value(1), kCachedAt, kCachedAt + absl::Seconds(1));
  cache.Insert("a", Value(2), kCachedAt + absl::Seconds(2), kCachedAt + absl::Seconds(3));
  EXPECT_EQ(*cache.Find("a", kCachedAt + absl::Seconds(2)), 2);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(ExpiringCacheTest, WhatHasExpiredIsNotKept) {
  ExpiringCache<int> cache(100);
  cache.Insert("a", Value(1), kCachedAt, kCachedAt);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(ExpiringCacheTest, IsBoundedAndTheOldestLeaveFirst) {
  ExpiringCache<int> cache(160);
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = absl::StrCat(i);
    cache.Insert(key, Value(i), kCachedAt, kCachedAt + absl::Hours(1));
    ASSERT_EQ(*cache.Find(key, kCachedAt), i);
  }
  EXPECT_LE(cache.size(), 160U);
  EXPECT_EQ(cache.Find("0", kCachedAt), nullptr);
}

TEST(ExpiringCacheTest, ManyThreads) {
  ExpiringCache<int> cache(64);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 5'000; ++i) {
        const std::string key = absl::StrCat(i % 200);
        cache.Insert(key, Value(i % 200), kCachedAt, kCachedAt + absl::Hours(1));
        if (const auto found = cache.Find(key, kCachedAt)) {
          EXPECT_EQ(*found, i % 200);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_LE(cache.size(), 64U);
}

}  // namespace
}  // namespace nisi::rpc
