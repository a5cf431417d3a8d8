// Totals against a plain sum over a scan of their table: random commands, corrections, future
// dates, ends, days and reopenings, read for random days and moments, on both engines.
#include <atomic>
#include <future>
#include <random>

#include "common/store/totals_testing.h"

namespace nisi::store {
namespace {

// Changes of records, moves of the clock and openings, on each engine. Under the thread sanitizer,
// which takes far longer, a quarter.
#ifdef NISI_TSAN
constexpr int kTotalsOperations = 4'000;
#else
constexpr int kTotalsOperations = 10'000;
#endif
constexpr int kTotalsReopenEvery = 1'500;
constexpr int kTotalsCodes = 120;

class TotalsModelTest : public StoreTest {
 protected:
  struct Change {
    WidgetRow row;
    bool end = false;
    std::optional<base::Date> from;
  };
  struct Spec {
    CommandInfo info = Info();
    std::vector<Change> changes;
    bool pass_over_refusals = false, fail = false;
    std::optional<At> look;  // the command reads totals itself, after each change
  };

  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool Chance(int percent) { return Pick(1, 100) <= percent; }
  base::Date Today() const { return base::Date::LegalDay(clock_.Now()); }

  Change RandomChange(const std::string& code) {
    Change change;
    change.end = Chance(15);
    if (Chance(45)) change.from = Today().AddDays(Chance(60) ? Pick(-40, 0) : Pick(0, 12));
    change.row = MakeWidget(code, absl::StrCat("c", Pick(0, 5)));
    Widget& widget = *change.row.mutable_widget();
    widget.set_weight(Chance(10) ? 1'000'000 : Pick(0, 1'000));
    if (Chance(20)) widget.set_bin(absl::StrCat("b", Pick(0, 60)));
    for (int64_t i = Pick(0, 3); i > 0; --i) widget.add_tags(absl::StrCat("t", Pick(0, 7)));
    return change;
  }

  Spec RandomSpec() {
    Spec spec;
    spec.info.validate_only = Chance(3);
    spec.pass_over_refusals = Chance(60);
    spec.fail = Chance(4);
    if (Chance(2)) spec.look = RandomAt();
    for (int64_t i = Pick(1, 4); i > 0; --i) {
      // Now and then the same record again in the same command.
      const bool again = !spec.changes.empty() && Chance(15);
      spec.changes.push_back(RandomChange(again ? spec.changes.front().row.widget().code()
                                                : absl::StrCat("w", Pick(1, kTotalsCodes))));
    }
    return spec;
  }

  CommandFn Running(const Spec& spec) {
    return [this, spec](Tx& tx) -> absl::StatusOr<std::string> {
      for (const Change& change : spec.changes) {
        WidgetRow row = change.row;
        const absl::Status done = change.end
                                      ? tx.End(kWidgets, Key::Of(row.widget().code()), change.from)
                                      : tx.Put(kWidgets, &row, change.from);
        if (!done.ok()) {
          ++refused_;
          if (!spec.pass_over_refusals) return done;
        }
        if (spec.look.has_value()) ExpectTotalsAddUp(tx, kWidgetTotals, Key(), *spec.look);
      }
      if (spec.fail) return absl::CancelledError("as wished");
      last_us_ = Micros(tx.recorded());
      return std::string();
    };
  }

  // Several commands at once, which the writer groups as it likes.
  void WriteSome() {
    std::vector<std::promise<absl::Status>> answers(static_cast<size_t>(Pick(1, 5)));
    for (std::promise<absl::Status>& answer : answers) {
      const Spec spec = RandomSpec();
      operations_ += static_cast<int>(spec.changes.size());
      store_->WriteAsync(spec.info, Running(spec), [&answer](absl::StatusOr<Outcome> outcome) {
        answer.set_value(outcome.status());
      });
    }
    for (std::promise<absl::Status>& answer : answers) {
      const absl::StatusCode code = answer.get_future().get().code();
      ASSERT_TRUE(code == absl::StatusCode::kOk || code == absl::StatusCode::kCancelled ||
                  code == absl::StatusCode::kAlreadyExists || code == absl::StatusCode::kNotFound)
          << code;
    }
    moments_.push_back(last_us_);
  }

  At RandomAt() {
    At at;
    if (Chance(60)) at.as_of = Today().AddDays(Chance(80) ? Pick(-45, 15) : Pick(-400, 400));
    if (Chance(60) && !moments_.empty()) {
      // Mostly of late: a scan passes over every version that was recorded since.
      const auto last = static_cast<int64_t>(moments_.size()) - 1;
      const int64_t at_moment = Pick(Chance(90) ? std::max<int64_t>(0, last - 60) : 0, last);
      at.known_at_us = moments_[static_cast<size_t>(at_moment)] + Pick(-1, 1);
    }
    return at;
  }

  void Look() {
    const View view = store_->Read();
    const At at = RandomAt();
    Key prefix;
    if (Chance(30)) prefix.Add(Chance(50) ? "color" : "tag");
    if (!prefix.empty() && Chance(50)) prefix.AddTextPrefix(Chance(50) ? "c" : "t1");
    ++looks_;
    ASSERT_NO_FATAL_FAILURE(ExpectTotalsAddUp(view, kWidgetTotals, prefix, at));
  }

  void MoveClock() {
    ++operations_;
    clock_.Advance(absl::Minutes(Pick(1, 60 * (Chance(10) ? 80 : 16))));
    if (Chance(60)) {
      ASSERT_TRUE(store_->RunDueTimers().ok());
    }
  }

  std::mt19937_64 random_{OnRocks() ? 20260615U : 77U};
  int operations_ = 0, looks_ = 0, openings_ = 0;
  std::atomic<int> refused_{0};
  std::atomic<int64_t> last_us_{0};
  std::vector<int64_t> moments_;  // when something was recorded
};
NISI_BOTH_ENGINES(TotalsModelTest);

TEST_P(TotalsModelTest, AreWhatAScanAddsUpTo) {
  for (int next_opening = kTotalsReopenEvery; operations_ < kTotalsOperations;) {
    SCOPED_TRACE(absl::StrCat("operation ", operations_, ", opening ", openings_));
    const int64_t kind = Pick(1, 100);
    if (kind <= 76) {
      WriteSome();
    } else if (kind <= 94) {
      Look();
    } else {
      MoveClock();
    }
    if (operations_ >= next_opening) {
      next_opening += kTotalsReopenEvery;
      ++openings_, ++operations_;
      Open();
      Look();
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(refused_.load(), 0);
  EXPECT_GT(looks_, kTotalsOperations / 50);
  EXPECT_GE(openings_, kTotalsOperations / kTotalsReopenEvery - 1);
  Healthy();
  clock_.Advance(absl::Hours(24 * 20));
  Fire();
  Look();
  Healthy();
}

}  // namespace
}  // namespace nisi::store
