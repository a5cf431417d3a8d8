// What an engine is: the cases every Engine must pass. A test program includes this once and
// instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Mem, EngineConformance, testing::Values(EngineKind{"Mem", [] { return
//   ...; }}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/store/engine.h"
#include "common/store/engine_testing.h"

namespace nisi::store {

// Where one store lives through openings. Goes with all it holds.
class EngineHome {
 public:
  virtual ~EngineHome() = default;
  virtual absl::StatusOr<std::unique_ptr<Engine>> Open() = 0;
};

struct EngineKind {
  std::string name;
  // A home with an empty store, whose kOnce retention is 31 days by the wall clock.
  std::function<std::unique_ptr<EngineHome>()> make;
};

inline std::ostream& operator<<(std::ostream& out, const EngineKind& kind) {
  return out << kind.name;
}

class EngineConformance : public testing::TestWithParam<EngineKind> {
 protected:
  using Rows = std::vector<std::pair<std::string, std::string>>;

  void SetUp() override {
    home_ = GetParam().make();
    Reopen();
  }

  void Reopen() {
    engine_.reset();
    auto engine = home_->Open();
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  int64_t Last() const { return engine_->LastPosition().value(); }

  absl::Status Commit(const std::vector<OwnedOp>& ops) {
    return engine_->Commit({ViewsOf(ops), Last(), Last() + 1});
  }
  absl::Status Put(Space space, std::string key, std::string value) {
    return Commit({{space, std::move(key), std::move(value)}});
  }

  static std::optional<std::string> Get(const Snapshot& snapshot, Space space,
                                        absl::string_view key) {
    std::string value = "untouched";
    const auto found = snapshot.Get(space, key, &value);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(false) ? std::optional(value) : std::nullopt;
  }
  std::optional<std::string> Get(Space space, absl::string_view key) const {
    return Get(*engine_->NewSnapshot(), space, key);
  }

  static absl::StatusOr<std::vector<std::optional<std::string>>> GetMany(
      const Snapshot& snapshot, Space space, const std::vector<std::string>& keys) {
    std::vector<std::optional<std::string>> found;
    RETURN_IF_ERROR(snapshot.GetMany(
        space, keys,
        [&](size_t at, std::optional<absl::string_view> value) -> absl::StatusOr<bool> {
          EXPECT_EQ(at, found.size());
          found.emplace_back(value.has_value() ? std::optional(std::string(*value)) : std::nullopt);
          return true;
        }));
    return found;
  }

  static Rows Scan(const Snapshot& snapshot, Space space, absl::string_view lower = "",
                   absl::string_view upper = "") {
    Rows rows;
    const auto cursor = snapshot.Scan(space, lower, upper);
    for (; cursor->Valid(); cursor->Next()) rows.emplace_back(cursor->key(), cursor->value());
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
    return rows;
  }
  Rows Scan(Space space, absl::string_view lower = "", absl::string_view upper = "") const {
    return Scan(*engine_->NewSnapshot(), space, lower, upper);
  }

  std::unique_ptr<EngineHome> home_;
  std::unique_ptr<Engine> engine_;
};

TEST_P(EngineConformance, NewStoreIsEmptyAtPositionZero) {
  EXPECT_EQ(Last(), 0);
  for (const Space space : {Space::kData, Space::kLog, Space::kOnce}) {
    EXPECT_TRUE(Scan(space).empty());
    EXPECT_EQ(Get(space, "a"), std::nullopt);
  }
}

TEST_P(EngineConformance, WhatIsAppendedIsSeenInItsOwnSnapshotAloneUntilTheSync) {
  ASSERT_TRUE(Put(Space::kData, "a", "1").ok());
  const auto appended = [this](int64_t base, absl::string_view value) {
    const std::vector<OwnedOp> ops = {{Space::kData, "a", std::string(value)}};
    auto snapshot = engine_->Append({ViewsOf(ops), base, base + 1});
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return *std::move(snapshot);
  };
  const auto first = appended(1, "2");
  const auto second = appended(2, "3");
  EXPECT_EQ(Get(*first, Space::kData, "a"), "2");
  EXPECT_EQ(Get(*second, Space::kData, "a"), "3");
  EXPECT_EQ(Get(Space::kData, "a"), "1");
  EXPECT_EQ(Last(), 1);
  // The base of the next is what was appended.
  EXPECT_TRUE(absl::IsAborted(engine_->Append({{}, 1, 2}).status()));
  ASSERT_TRUE(engine_->Sync().ok());
  EXPECT_EQ(Get(*first, Space::kData, "a"), "2");
  EXPECT_EQ(Get(Space::kData, "a"), "3");
  EXPECT_EQ(Last(), 3);
  ASSERT_TRUE(engine_->Sync().ok());  // of nothing
  EXPECT_EQ(Last(), 3);
}

TEST_P(EngineConformance, SnapshotStaysAtItsCommit) {
  ASSERT_TRUE(Commit({{Space::kData, "a", "1"}, {Space::kData, "b", "1"}}).ok());
  const auto before = engine_->NewSnapshot();
  ASSERT_TRUE(
      Commit(
          {{Space::kData, "a", "2"}, {Space::kData, "b", std::nullopt}, {Space::kData, "c", "2"}})
          .ok());
  const auto between = engine_->NewSnapshot();
  ASSERT_TRUE(Put(Space::kData, "b", "3").ok());

  EXPECT_EQ(Scan(*before, Space::kData), (Rows{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(Scan(*between, Space::kData), (Rows{{"a", "2"}, {"c", "2"}}));
  EXPECT_EQ(Scan(Space::kData), (Rows{{"a", "2"}, {"b", "3"}, {"c", "2"}}));
  EXPECT_EQ(Get(*before, Space::kData, "b"), "1");
  EXPECT_EQ(Get(*between, Space::kData, "b"), std::nullopt);
  EXPECT_EQ(Get(*before, Space::kData, "c"), std::nullopt);
}

TEST_P(EngineConformance, CursorKeepsItsSnapshotWhileCommitsGoOn) {
  ASSERT_TRUE(Commit({{Space::kData, "a", "1"}, {Space::kData, "c", "1"}}).ok());
  const auto snapshot = engine_->NewSnapshot();
  const auto cursor = snapshot->Scan(Space::kData, "", "");
  ASSERT_TRUE(cursor->Valid());
  ASSERT_TRUE(Commit({{Space::kData, "b", "2"}, {Space::kData, "c", std::nullopt}}).ok());
  cursor->Next();
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "c");
  EXPECT_EQ(cursor->value(), "1");
}

TEST_P(EngineConformance, ScanKeepsOrderAndBounds) {
  ASSERT_TRUE(Commit({{Space::kData, "b", "2"},
                      {Space::kData, "a", "1"},
                      {Space::kData, "d", "4"},
                      {Space::kData, "c", "3"},
                      {Space::kData, "cc", "33"}})
                  .ok());
  const Rows all = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"cc", "33"}, {"d", "4"}};
  EXPECT_EQ(Scan(Space::kData), all);
  EXPECT_EQ(Scan(Space::kData, "b", "cc"), (Rows{{"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(Scan(Space::kData, "bb", ""), (Rows{{"c", "3"}, {"cc", "33"}, {"d", "4"}}));
  EXPECT_TRUE(Scan(Space::kData, "ca", "cb").empty());
  EXPECT_TRUE(Scan(Space::kData, "e", "").empty());
  EXPECT_TRUE(Scan(Space::kData, "c", "c").empty());

  ASSERT_TRUE(Commit({{Space::kData, "b", std::nullopt}, {Space::kData, "d", std::nullopt}}).ok());
  EXPECT_EQ(Scan(Space::kData), (Rows{{"a", "1"}, {"c", "3"}, {"cc", "33"}}));
}

TEST_P(EngineConformance, SeekMovesBothWaysWithinBounds) {
  std::vector<OwnedOp> ops;
  for (char c = 'a'; c <= 'z'; c += 2)
    ops.push_back({Space::kData, std::string(1, c), std::string(1, c)});
  ASSERT_TRUE(Commit(ops).ok());
  const auto snapshot = engine_->NewSnapshot();
  const auto cursor = snapshot->Scan(Space::kData, "c", "s");
  EXPECT_EQ(cursor->key(), "c");
  cursor->Seek("l");
  EXPECT_EQ(cursor->key(), "m");
  cursor->Seek("e");
  EXPECT_EQ(cursor->key(), "e");
  cursor->Next();
  EXPECT_EQ(cursor->key(), "g");
  cursor->Seek("q");
  EXPECT_EQ(cursor->key(), "q");
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(cursor->status().ok());
  cursor->Seek("c");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "c");
}

TEST_P(EngineConformance, GetManyAnswersInOrderOfKeys) {
  ASSERT_TRUE(
      Commit({{Space::kOnce, "a", "1"}, {Space::kOnce, "b", ""}, {Space::kOnce, "c", "3"}}).ok());
  const auto snapshot = engine_->NewSnapshot();
  const auto found = GetMany(*snapshot, Space::kOnce, {"c", "x", "a", "b", "c", ""});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, testing::ElementsAre("3", std::nullopt, "1", "", "3", std::nullopt));
  EXPECT_TRUE(GetMany(*snapshot, Space::kOnce, {})->empty());
  int seen = 0;
  ASSERT_TRUE(snapshot
                  ->GetMany(Space::kOnce, std::vector<std::string>{"a", "b", "c"},
                            [&](size_t, std::optional<absl::string_view>) -> absl::StatusOr<bool> {
                              return ++seen < 2;
                            })
                  .ok());
  EXPECT_EQ(seen, 2);

  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) keys.push_back(i % 2 == 0 ? "a" : absl::StrCat("absent", i));
  const auto many = GetMany(*snapshot, Space::kOnce, keys);
  ASSERT_TRUE(many.ok());
  ASSERT_EQ(many->size(), 500u);
  for (size_t i = 0; i < 500; ++i) EXPECT_EQ((*many)[i].has_value(), i % 2 == 0);
}

TEST_P(EngineConformance, CommitIsOneStepOverAllSpaces) {
  ASSERT_TRUE(
      Commit({{Space::kData, "k", "d"}, {Space::kLog, "k", "l"}, {Space::kOnce, "k", "o"}}).ok());
  EXPECT_EQ(Get(Space::kData, "k"), "d");
  EXPECT_EQ(Get(Space::kLog, "k"), "l");
  EXPECT_EQ(Get(Space::kOnce, "k"), "o");
  ASSERT_TRUE(Commit({{Space::kLog, "k", std::nullopt}}).ok());
  EXPECT_EQ(Get(Space::kData, "k"), "d");
  EXPECT_EQ(Get(Space::kLog, "k"), std::nullopt);
  EXPECT_EQ(Get(Space::kOnce, "k"), "o");
}

TEST_P(EngineConformance, LaterOpOnTheSameKeyWins) {
  ASSERT_TRUE(Commit({{Space::kData, "a", "1"},
                      {Space::kData, "a", "2"},
                      {Space::kData, "b", "1"},
                      {Space::kData, "b", std::nullopt},
                      {Space::kData, "absent", std::nullopt}})
                  .ok());
  EXPECT_EQ(Scan(Space::kData), (Rows{{"a", "2"}}));
}

TEST_P(EngineConformance, WhatABatchHasMayGoWhenItIsReleased) {
  std::vector<OwnedOp> ops = {{Space::kData, std::string(50, 'a'), std::string(99, '1')},
                              {Space::kLog, "gone", std::nullopt},
                              {Space::kOnce, "b", "2"}};
  int released = 0;
  Batch batch{ViewsOf(ops), 0, 1};
  batch.release = [&] {
    ++released;
    batch.ops.clear();
    for (OwnedOp& op : ops) {
      op.key.assign(op.key.size(), 'x');
      if (op.value.has_value()) op.value->assign(op.value->size(), 'x');
    }
  };
  const auto appended = engine_->Append(batch);
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(released, 1);
  ASSERT_TRUE(engine_->Sync().ok());
  EXPECT_EQ(Scan(Space::kData), (Rows{{std::string(50, 'a'), std::string(99, '1')}}));
  EXPECT_TRUE(Scan(Space::kLog).empty());
  EXPECT_EQ(Scan(Space::kOnce), (Rows{{"b", "2"}}));
}

TEST_P(EngineConformance, StaleBaseIsAbortedAndLeavesNothing) {
  ASSERT_TRUE(engine_->Commit({{{Space::kData, "a", "1"}}, 0, 5}).ok());
  for (const int64_t base : {0, 4, 6}) {
    const absl::Status status =
        engine_->Commit({{{Space::kData, "a", "2"}, {Space::kLog, "b", "2"}}, base, 7});
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << base << " " << status;
  }
  EXPECT_EQ(Last(), 5);
  EXPECT_EQ(Get(Space::kData, "a"), "1");
  EXPECT_TRUE(Scan(Space::kLog).empty());
  EXPECT_TRUE(engine_->Commit({{{Space::kData, "a", "2"}}, 5, 5})
                  .ok());  // It may stand still, and goes on.
  EXPECT_EQ(Last(), 5);
  EXPECT_EQ(Get(Space::kData, "a"), "2");
}

TEST_P(EngineConformance, MalformedBatchLeavesNothing) {
  ASSERT_TRUE(engine_->Commit({{}, 0, 5}).ok());
  EXPECT_EQ(engine_->Commit({{{Space::kData, "a", "1"}}, 5, 4}).code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(
      engine_
          ->Commit(
              {{{Space::kData, "a", "1"}, {Space::kData, std::string(kPositionKey), "1"}}, 5, 6})
          .code(),
      absl::StatusCode::kInternal);
  EXPECT_EQ(Last(), 5);
  EXPECT_TRUE(Scan(Space::kData).empty());
  EXPECT_TRUE(engine_->Commit({{{Space::kData, "a", "1"}}, 5, 6}).ok());
}

TEST_P(EngineConformance, SnapshotKnowsItsPosition) {
  ASSERT_TRUE(engine_->Commit({{}, 0, 0x0102}).ok());
  const auto snapshot = engine_->NewSnapshot();
  ASSERT_TRUE(
      engine_->Commit({{{Space::kLog, std::string(kPositionKey), "free there"}}, 0x0102, 0x0103})
          .ok());
  EXPECT_EQ(Get(*snapshot, Space::kData, kPositionKey), std::string("\0\0\0\0\0\0\1\2", 8));
  EXPECT_EQ(Get(Space::kData, kPositionKey), std::string("\0\0\0\0\0\0\1\3", 8));
  EXPECT_TRUE(Scan(Space::kData).empty());
  EXPECT_TRUE(Scan(Space::kData, kPositionKey).empty());
  EXPECT_EQ(Scan(Space::kLog).size(), 1u);
}

TEST_P(EngineConformance, EverythingIsThereAfterReopening) {
  ASSERT_TRUE(Commit({{Space::kData, "a", "1"}, {Space::kLog, "l", "1"}}).ok());
  for (int round = 2; round < 8; ++round) {
    ASSERT_TRUE(
        engine_->Commit({{{Space::kData, "a", absl::StrCat(round)}}, Last(), Last() + 10}).ok());
    const int64_t last = Last();
    ASSERT_NO_FATAL_FAILURE(Reopen());
    EXPECT_EQ(Last(), last);
    EXPECT_EQ(Scan(Space::kData), (Rows{{"a", absl::StrCat(round)}}));
    EXPECT_EQ(Scan(Space::kLog), (Rows{{"l", "1"}}));
  }
}

TEST_P(EngineConformance, KeysAndValuesAreAnyBytes) {
  using namespace std::string_literals;
  // In byte order, unsigned.
  const Rows rows = {{"", "empty key"}, {"\0"s, "nul"},       {"\0\0"s, "\0\0"s},  {"\0\xff"s, ""},
                     {"a", ""},         {"a\0"s, "x"},        {"a\0b"s, "y"},      {"a\x7f", "z"},
                     {"a\x80", "high"}, {"\xff", "\xff\xfe"}, {"\xff\xff", "last"}};
  std::vector<OwnedOp> ops;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row)
    ops.push_back({Space::kData, row->first, row->second});
  ASSERT_TRUE(Commit(ops).ok());
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(Scan(Space::kData), rows);
  for (const auto& [key, value] : rows) EXPECT_EQ(Get(Space::kData, key), value);
  EXPECT_EQ(Scan(Space::kData, "a\0"s, "a\x80"), (Rows{rows[5], rows[6], rows[7]}));
  EXPECT_EQ(Scan(Space::kData, "\xff\xff", ""), (Rows{rows[10]}));
  ASSERT_TRUE(Commit({{Space::kData, "", std::nullopt}, {Space::kData, "\0"s, std::nullopt}}).ok());
  EXPECT_EQ(Scan(Space::kData).size(), rows.size() - 2);
}

TEST_P(EngineConformance, LargeValuesAndManyOps) {
  const std::string large(size_t{1} << 20, 'x');
  std::vector<OwnedOp> ops;
  for (int i = 0; i < 20'000; ++i)
    ops.push_back({Space::kLog, absl::StrCat(1'000'000 + i), absl::StrCat("v", i)});
  ops.push_back({Space::kData, "large", large});
  ASSERT_TRUE(Commit(ops).ok());
  // More than an engine will hold in one write buffer.
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(Put(Space::kData, absl::StrCat("large", i), large + absl::StrCat(i)).ok());
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(Get(Space::kData, "large"), large);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(Get(Space::kData, absl::StrCat("large", i)), large + absl::StrCat(i));
  const Rows log = Scan(Space::kLog);
  ASSERT_EQ(log.size(), 20'000u);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(log[static_cast<size_t>(i)],
              std::pair(absl::StrCat(1'000'000 + i), absl::StrCat("v", i)));
  }
}

// Each commit writes the same number under all keys: a reader that sees two numbers saw half a
// commit.
TEST_P(EngineConformance, ReadersNeverSeeHalfACommit) {
  constexpr int kKeys = 20;
  constexpr int kCommits = 300;
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(absl::StrCat("k", i));
  const auto write = [&](int number) {
    std::vector<OwnedOp> ops;
    for (const std::string& key : keys) ops.push_back({Space::kData, key, absl::StrCat(number)});
    ops.push_back({Space::kLog, absl::StrCat(1'000 + number), "entry"});
    return Commit(ops);
  };
  ASSERT_TRUE(write(0).ok());
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        const auto snapshot = engine_->NewSnapshot();
        const auto rows = Scan(*snapshot, Space::kData);
        const auto many = GetMany(*snapshot, Space::kData, keys);
        const std::string first = rows.empty() ? "none" : rows[0].second;
        bool whole = rows.size() == kKeys && many.ok();
        for (const auto& row : rows) whole = whole && row.second == first;
        for (const auto& value : *many) whole = whole && value == first;
        whole = whole && absl::StrCat(Scan(*snapshot, Space::kLog).size() - 1) == first;
        if (!whole) ++torn;
      }
    });
  }
  for (int number = 1; number <= kCommits; ++number) EXPECT_TRUE(write(number).ok());
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
}

// Rows older than retention may vanish; younger ones must not, whatever the engine does to its
// files meanwhile.
TEST_P(EngineConformance, OnceKeepsWhatIsYoungerThanRetention) {
  const auto stamp = [](absl::Time time) {
    auto micros = static_cast<uint64_t>(absl::ToUnixMicros(time));
    std::string bytes(8, '\0');
    for (size_t i = 8; i-- > 0; micros >>= 8) bytes[i] = static_cast<char>(micros & 0xff);
    return bytes;
  };
  const std::string young = stamp(absl::Now() - absl::Hours(24 * 30)) + "young";
  const std::string old = stamp(absl::Now() - absl::Hours(24 * 60)) + "old";
  for (int round = 0; round < 6; ++round) {
    std::vector<OwnedOp> ops;
    for (int i = 0; i < 2'000; ++i) {
      ops.push_back({Space::kOnce, absl::StrCat("young", round, "/", i), young});
      ops.push_back({Space::kOnce, absl::StrCat("old", round, "/", i), old});
    }
    ASSERT_TRUE(Commit(ops).ok());
    ASSERT_NO_FATAL_FAILURE(Reopen());
    engine_->SayTime(absl::Now());
  }
  int found = 0;
  for (const auto& [key, value] : Scan(Space::kOnce)) {
    const bool is_young = key[0] == 'y';
    EXPECT_EQ(value, is_young ? young : old);
    found += is_young ? 1 : 0;
  }
  EXPECT_EQ(found, 12'000);
}

// Against a map, over commits, deletes, scans and reopenings.
TEST_P(EngineConformance, BehavesAsAMap) {
  std::mt19937 random(20'240'611);
  const auto below = [&random](uint32_t bound) { return static_cast<uint32_t>(random()) % bound; };
  const auto key = [&below] { return absl::StrCat(below(300)); };
  std::map<std::string, std::string> model;
  for (int step = 0; step < 2'000; ++step) {
    std::vector<OwnedOp> ops;
    for (uint32_t i = below(8); i > 0; --i) {
      OwnedOp op{Space::kData, key(), std::nullopt};
      if (below(3) > 0) op.value = absl::StrCat(step, "/", i);
      if (op.value.has_value()) {
        model[op.key] = *op.value;
      } else {
        model.erase(op.key);
      }
      ops.push_back(std::move(op));
    }
    ASSERT_TRUE(Commit(ops).ok());
    if (step % 400 == 399) {
      ASSERT_NO_FATAL_FAILURE(Reopen());
    }
    if (step % 20 != 0) continue;
    std::string lower = key();
    std::string upper = key();
    if (upper < lower) std::swap(lower, upper);
    ASSERT_EQ(Scan(Space::kData, lower, upper),
              Rows(model.lower_bound(lower), model.lower_bound(upper)));
    const std::string one = key();
    const auto expected = model.find(one);
    ASSERT_EQ(Get(Space::kData, one),
              expected == model.end() ? std::nullopt : std::optional(expected->second));
  }
  EXPECT_EQ(Scan(Space::kData), Rows(model.begin(), model.end()));
}

TEST_P(EngineConformance, VerifyNextComesToAnEnd) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Put(Space::kData, absl::StrCat(i), "x").ok());
  std::string cursor;
  int steps = 0;
  do {
    const auto next = engine_->VerifyNext(cursor);
    ASSERT_TRUE(next.ok()) << next.status();
    cursor = *next;
  } while (!cursor.empty() && ++steps < 1'000);
  EXPECT_LT(steps, 1'000);
}

TEST_P(EngineConformance, StatsAreNamedAndFinite) {
  const auto stats = engine_->Stats();
  EXPECT_FALSE(stats.empty());
  for (const auto& [name, help, value, labels] : stats) {
    EXPECT_FALSE(help.empty()) << name;
    EXPECT_THAT(name, testing::MatchesRegex("[a-z][a-z0-9_]*"));
    EXPECT_GE(value, 0) << name;
    EXPECT_TRUE(labels.empty()) << name;
  }
}

}  // namespace nisi::store
