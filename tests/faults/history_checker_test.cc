// The checker is held against histories of a register that is simulated, which it must accept, and
// against planted errors, which it must refuse: a checker that accepts all proves nothing.
#include "tests/faults/history_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"

namespace nisi::faults {
namespace {

using Kind = HistoryCall::Kind;
using Result = HistoryCall::Result;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Calls on one record, by their times: the version that bears value "a" has the etag "e-a".
class History {
 public:
  History& Create(int64_t from, int64_t to, const std::string& value, Result result = Result::kOk) {
    return Add(Kind::kCreate, from, to, "", value, result);
  }
  // `onto`: the value of the version it names; empty: names none.
  History& Update(int64_t from, int64_t to, const std::string& onto, const std::string& value,
                  Result result = Result::kOk) {
    return Add(Kind::kUpdate, from, to, onto, value, result);
  }
  History& Delete(int64_t from, int64_t to, const std::string& onto, Result result = Result::kOk) {
    return Add(Kind::kDelete, from, to, onto, "", result);
  }
  History& Get(int64_t from, int64_t to, const std::string& value) {
    return Add(Kind::kGet, from, to, "", value, Result::kOk);
  }
  History& GetNothing(int64_t from, int64_t to) {
    return Add(Kind::kGet, from, to, "", "", Result::kNotFound);
  }
  // The last call is of another record, or bears the etag of another version.
  History& On(const std::string& record) {
    calls_.back().record = record;
    return *this;
  }
  History& WithEtagOf(const std::string& value) {
    calls_.back().etag = "e-" + value;
    return *this;
  }
  HistoryReport Check() const { return CheckHistory(calls_); }

 private:
  History& Add(Kind kind, int64_t from, int64_t to, const std::string& onto,
               const std::string& value, Result result) {
    HistoryCall call;
    call.client = static_cast<int>(calls_.size());
    call.record = "r";
    call.kind = kind;
    call.result = result;
    if (!onto.empty()) call.if_etag = "e-" + onto;
    call.value = value;
    if (result == Result::kOk && kind != Kind::kDelete) call.etag = "e-" + value;
    call.invoke_ns = from;
    call.return_ns = result == Result::kUnknown ? HistoryCall::kNever : to;
    calls_.push_back(call);
    return *this;
  }
  std::vector<HistoryCall> calls_;
};

void ExpectAccepted(const History& history) {
  const HistoryReport report = history.Check();
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_THAT(report.undecided, IsEmpty());
}
void ExpectRefused(const History& history) {
  const HistoryReport report = history.Check();
  EXPECT_THAT(report.violations, SizeIs(1));
  EXPECT_THAT(report.undecided, IsEmpty());
}

constexpr int64_t kOpen = 0;  // where a result is unknown there is no return

TEST(HistoryChecker, AcceptsWhatCameOneAfterAnother) {
  ExpectAccepted(History()
                     .GetNothing(1, 2)
                     .Update(3, 4, "", "z", Result::kNotFound)
                     .Create(5, 6, "a")
                     .Create(7, 8, "b", Result::kAlreadyExists)
                     .Update(9, 10, "a", "c")
                     .Update(11, 12, "a", "d", Result::kStale)
                     .Delete(13, 14, "a", Result::kStale)
                     .Get(15, 16, "c")
                     .Update(17, 18, "", "e")
                     .Delete(19, 20, "e")
                     .GetNothing(21, 22)
                     .Delete(23, 24, "e", Result::kNotFound)
                     .Create(25, 26, "f")
                     .Get(27, 28, "f"));
}

TEST(HistoryChecker, AcceptsEitherOrderOfWhatOverlaps) {
  // Both reads overlap the update: one before it, one after.
  ExpectAccepted(
      History().Create(1, 2, "a").Update(10, 20, "a", "b").Get(11, 19, "a").Get(12, 18, "b"));
  // The update that returned first came last.
  ExpectAccepted(
      History().Create(1, 2, "a").Update(10, 40, "", "b").Update(11, 20, "", "c").Get(50, 51, "c"));
  ExpectAccepted(
      History().Create(1, 2, "a").Update(10, 40, "", "b").Update(11, 20, "", "c").Get(50, 51, "b"));
  // Two that make the same record: one is there first.
  ExpectAccepted(History().Create(1, 10, "a", Result::kAlreadyExists).Create(2, 9, "b"));
}

TEST(HistoryChecker, AcceptsUnknownOutcomesAtAnyTimeOrNever) {
  const History made = History().Create(1, 2, "a").Update(3, kOpen, "a", "b", Result::kUnknown);
  ExpectAccepted(History(made).Get(10, 11, "a"));
  ExpectAccepted(History(made).Get(10, 11, "b"));
  ExpectAccepted(History(made).Get(10, 11, "a").Get(12, 13, "b"));  // long after
  ExpectAccepted(History(made).Update(10, 11, "a", "c", Result::kStale));
  ExpectAccepted(History(made).Update(10, 11, "b", "c", Result::kStale).Get(12, 13, "a"));
  ExpectAccepted(History().Create(1, kOpen, "a", Result::kUnknown).GetNothing(2, 3).Get(4, 5, "a"));
  ExpectAccepted(
      History().Create(1, 2, "a").Delete(3, kOpen, "a", Result::kUnknown).GetNothing(4, 5));
}

TEST(HistoryChecker, RefusesWhatAnUnknownOutcomeCannotExplain) {
  // It may take effect once.
  ExpectRefused(History()
                    .Create(1, 2, "a")
                    .Update(3, kOpen, "", "b", Result::kUnknown)
                    .Get(10, 11, "b")
                    .Update(12, 13, "", "c")
                    .Get(14, 15, "b"));
  // Its condition holds no longer.
  ExpectRefused(History()
                    .Create(1, 2, "a")
                    .Update(3, kOpen, "a", "b", Result::kUnknown)
                    .Update(4, 5, "a", "c")
                    .Get(6, 7, "b"));
  // It was invoked after its effect was seen.
  ExpectRefused(
      History().Create(1, 2, "a").Get(3, 4, "b").Update(5, kOpen, "a", "b", Result::kUnknown));
}

TEST(HistoryChecker, RefusesAStaleRead) {
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "a", "b").Get(5, 6, "a"));
  ExpectRefused(History().Create(1, 2, "a").Delete(3, 4, "a").Get(5, 6, "a"));
  ExpectRefused(History().Create(1, 2, "a").GetNothing(3, 4));
  // Of two reads under a long update the later one sees the older version.
  ExpectRefused(
      History().Create(1, 2, "a").Update(10, 90, "a", "b").Get(20, 30, "b").Get(40, 50, "a"));
}

TEST(HistoryChecker, RefusesALostUpdate) {
  ExpectRefused(
      History().Create(1, 2, "a").Update(3, 10, "a", "b").Update(4, 11, "a", "c").Get(12, 13, "c"));
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "", "b").Get(5, 6, "a"));
}

TEST(HistoryChecker, RefusesAReadFromTheFuture) {
  ExpectRefused(History().Create(1, 2, "a").Get(3, 4, "b").Update(5, 6, "a", "b"));
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "b", "c").Update(5, 6, "a", "b"));
}

TEST(HistoryChecker, RefusesADoubleCreate) {
  ExpectRefused(History().Create(1, 2, "a").Create(3, 4, "b"));
  ExpectRefused(History().Create(1, 10, "a").Create(2, 9, "b").Get(11, 12, "a"));
  // Asked again with the same request id and done again: nobody else made the record.
  ExpectRefused(History().Create(1, 20, "a", Result::kAlreadyExists).Get(30, 31, "a"));
}

TEST(HistoryChecker, RefusesAnEtagThatGoesBack) {
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "a", "b").WithEtagOf("a"));
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "a", "b").Get(5, 6, "b").WithEtagOf("a"));
  ExpectRefused(History().Create(1, 2, "a").Get(3, 4, "a").WithEtagOf("other"));
}

TEST(HistoryChecker, RefusesAValueThatNobodyWrote) {
  ExpectRefused(History().Create(1, 2, "a").Get(3, 4, "x"));
  // Or whose writer was refused.
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "q", "b", Result::kStale).Get(5, 6, "b"));
}

TEST(HistoryChecker, RefusesAWrongRefusal) {
  ExpectRefused(History().Create(1, 2, "a").Update(3, 4, "a", "b", Result::kStale));
  ExpectRefused(History().Create(1, 2, "a", Result::kAlreadyExists));
  ExpectRefused(History().Create(1, 2, "a").Delete(3, 4, "", Result::kNotFound));
}

TEST(HistoryChecker, TellsOfEachRecordAndWhereNoOrderGetsOn) {
  const HistoryReport report = History()
                                   .Create(1000, 2000, "a")
                                   .Create(1000, 2000, "b")
                                   .On("good")
                                   .Update(3000, 4000, "a", "c")
                                   .Get(5000, 6000, "a")
                                   .Check();
  EXPECT_EQ(report.records, 2);
  EXPECT_EQ(report.calls, 4);
  EXPECT_THAT(report.violations, ElementsAre("r: no order gets past 1 of 3 calls, to\n"
                                             "  client 2 update c if e-a -> ok e-c [3, 4] us\n"));
}

TEST(HistoryChecker, DecidesNothingOverItsLimitsOrOfWhatIsNoCall) {
  History many;
  for (int i = 0; i < 4; ++i) many.Create(i, kOpen, absl::StrCat(i), Result::kUnknown);
  EXPECT_THAT(many.Check().undecided, ElementsAre("r: 4 calls, 4 unknown"));
  EXPECT_THAT(History().Create(3, 2, "a").Check().undecided,
              ElementsAre(HasSubstr("returned before it was invoked")));
  HistoryLimits limits;
  limits.steps = 1;
  const HistoryCall create{0, "r", Kind::kCreate, Result::kOk, "", "a", "1", 1, 2};
  const HistoryCall get{0, "r", Kind::kGet, Result::kOk, "", "a", "1", 3, 4};
  EXPECT_THAT(CheckHistory({create, get}, limits).undecided, ElementsAre("r: out of steps"));
}

// A register that works, under clients that each wait for their answers: at every turn one of them
// begins, has its effect, or is answered. Some answers are lost, with the effect before, never, or
// long after.
class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed) {}

  std::vector<HistoryCall> Run(int turns) {
    for (now_ = 1; now_ <= turns; ++now_) {
      if (!late_.empty() && Draw(20) == 0) {
        Effect(&late_.back());
        late_.pop_back();
      }
      Turn(&clients_[Draw(std::size(clients_))]);
    }
    for (const Client& client : clients_) {
      if (client.at != Client::At::kIdle) calls_.push_back(client.invoked);
    }
    return calls_;
  }

 private:
  struct Client {
    enum class At { kIdle, kInvoked, kDone } at = At::kIdle;
    HistoryCall invoked, call;
  };

  uint64_t Draw(uint64_t below) { return random_() % below; }

  void Turn(Client* client) {
    switch (client->at) {
      case Client::At::kIdle:
        client->invoked = client->call = Next();
        client->at = Client::At::kInvoked;
        return;
      case Client::At::kInvoked:
        client->at = Client::At::kDone;
        if (Draw(60) == 0) return Lose(client);
        return Effect(&client->call);
      case Client::At::kDone:
        client->call.return_ns = now_;
        if (!client->call.etag.empty()) answered_etag_ = client->call.etag;
        calls_.push_back(client->call);
        client->at = Client::At::kIdle;
        return;
    }
  }

  void Lose(Client* client) {
    HistoryCall call = client->invoked;
    if (const uint64_t how = Draw(3); how == 0) {
      Effect(&call);
    } else if (how == 1) {
      late_.push_back(call);
    }
    client->at = Client::At::kIdle;
    calls_.push_back(client->invoked);
  }

  HistoryCall Next() {
    HistoryCall call;
    call.record = "r";
    call.invoke_ns = now_;
    const uint64_t draw = Draw(10);
    call.kind = draw < 4   ? Kind::kGet
                : draw < 7 ? Kind::kUpdate
                : draw < 9 ? Kind::kCreate
                           : Kind::kDelete;
    if (call.kind == Kind::kCreate || call.kind == Kind::kUpdate) {
      call.value = absl::StrCat("v", ++values_);
    }
    const bool names = call.kind == Kind::kUpdate || call.kind == Kind::kDelete;
    if (names && Draw(4) != 0) call.if_etag = answered_etag_;
    return call;
  }

  void Effect(HistoryCall* call) {
    const bool there = !etag_.empty();
    const bool stale = !call->if_etag.empty() && call->if_etag != etag_;
    if (call->kind == Kind::kCreate ? there : !there) {
      call->result = there ? Result::kAlreadyExists : Result::kNotFound;
    } else if (call->kind != Kind::kCreate && stale) {
      call->result = Result::kStale;
    } else {
      call->result = Result::kOk;
      if (call->kind == Kind::kDelete) {
        etag_.clear();
        return;
      }
      if (call->kind != Kind::kGet) {
        value_ = call->value;
        etag_ = absl::StrCat("e", ++etags_);
      }
      call->value = value_;
      call->etag = etag_;
    }
  }

  std::mt19937_64 random_;
  int64_t now_ = 0;
  Client clients_[8];
  std::vector<HistoryCall> calls_, late_;
  std::string value_, etag_;   // of the register; no etag: nothing is there
  std::string answered_etag_;  // the last that a client got to know
  int values_ = 0, etags_ = 0;
};

constexpr uint64_t kSeeds = 300;
constexpr int kTurns = 1000;

TEST(HistoryChecker, AcceptsHistoriesOfARegisterThatWorks) {
  int64_t unknown = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const HistoryReport report = CheckHistory(Simulation(seed).Run(kTurns));
    EXPECT_THAT(report.violations, IsEmpty()) << "seed " << seed;
    EXPECT_THAT(report.undecided, IsEmpty()) << "seed " << seed;
    unknown += report.unknown;
  }
  EXPECT_GT(unknown, static_cast<int64_t>(kSeeds));
}

TEST(HistoryChecker, RefusesOneStaleReadInAnyHistory) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::vector<HistoryCall> calls = Simulation(seed).Run(kTurns);
    ASSERT_TRUE(PlantStaleRead(seed, &calls)) << "seed " << seed;
    const HistoryReport report = CheckHistory(calls);
    EXPECT_THAT(report.violations, SizeIs(1)) << "seed " << seed;
    EXPECT_THAT(report.undecided, IsEmpty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace nisi::faults
