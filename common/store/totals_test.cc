// What totals are at each turn of a record's life, how they are built, checked and laid down.
#include <future>
#include <thread>

#include "common/store/totals_rows.h"
#include "common/store/totals_testing.h"

namespace nisi::store {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TotalsTest : public StoreTest {
 protected:
  // "color=count:weight" of each color, in order.
  std::string Colors(const At& at = {}) { return ColorsIn(store_->Read(), at); }
  std::string ColorsOn(const std::string& day) { return Colors({Day(day), std::nullopt}); }
  static std::string ColorsIn(const Reader& reader, const At& at = {}) {
    std::vector<std::string> texts;
    const auto totals = ReadTotals(reader, kWidgetTotals, Key::Of("color"), at);
    if (!totals.ok()) return base::ReasonOf(totals.status());
    for (const auto& [group, sums] : *totals) {
      KeyReader key(group);
      key.Text();
      const Int weight = 500 * sums[0] - sums[1];
      texts.push_back(absl::StrCat(*key.Text(), "=", static_cast<int64_t>(sums[0]), ":",
                                   static_cast<int64_t>(weight)));
    }
    return absl::StrJoin(texts, " ");
  }
  static WidgetRow Weighing(absl::string_view code, absl::string_view color, int64_t weight) {
    WidgetRow row = MakeWidget(code, color);
    row.mutable_widget()->set_weight(weight);
    return row;
  }
  size_t CountRows(char kind) {
    const View view = store_->Read();
    const std::string prefix = TablePrefix(kWidgetTotals.id, kind);
    const auto cursor = view.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
    size_t count = 0;
    for (; cursor->Valid(); cursor->Next()) ++count;
    return count;
  }
  void AddUpAround(const std::string& day) {
    for (int days = -12; days <= 12; ++days) {
      const View view = store_->Read();
      ExpectTotalsAddUp(view, kWidgetTotals, Key(), {Day(day).AddDays(days), std::nullopt});
    }
    ExpectTotalsAddUp(store_->Read(), kWidgetTotals);
  }
};
NISI_BOTH_ENGINES(TotalsTest);

TEST_P(TotalsTest, FollowARecordFromPutToEnd) {
  EXPECT_EQ(Colors(), "");
  Do(Putting(Weighing("a", "red", 5)));
  Do(Putting(Weighing("b", "red", 7)));
  Do(Putting(Weighing("c", "blue", 1)));
  EXPECT_EQ(Colors(), "blue=1:1 red=2:12");
  Do(Putting(Weighing("b", "red", 8)));  // the same group
  EXPECT_EQ(Colors(), "blue=1:1 red=2:13");
  Do(Putting(Weighing("a", "blue", 5)));  // another
  EXPECT_EQ(Colors(), "blue=2:6 red=1:8");
  Do(Ending("b"));
  EXPECT_EQ(Colors(), "blue=2:6");  // a group that nothing is in is not shown
  Do(Ending("b"));
  EXPECT_EQ(Colors(), "blue=2:6");
  Open();
  EXPECT_EQ(Colors(), "blue=2:6");
  AddUpAround("2026-06-15");
  Healthy();
}

TEST_P(TotalsTest, CorrectionsHoldFromTheirDayUntilTheNextVersion) {
  GoTo("2026-06-01");
  Do(Putting(Weighing("a", "red", 1)));
  GoTo("2026-06-10");
  Do(Putting(Weighing("a", "red", 10)));
  GoTo("2026-06-15");
  const int64_t before_us = Micros(clock_.Now());
  clock_.Advance(absl::Hours(1));
  Do(Putting(Weighing("a", "blue", 4), Day("2026-06-04")));
  EXPECT_EQ(ColorsOn("2026-06-03"), "red=1:1");
  EXPECT_EQ(ColorsOn("2026-06-04"), "blue=1:4");
  EXPECT_EQ(ColorsOn("2026-06-09"), "blue=1:4");
  EXPECT_EQ(ColorsOn("2026-06-10"), "red=1:10");
  EXPECT_EQ(Colors(), "red=1:10");
  EXPECT_EQ(Colors({Day("2026-06-05"), before_us}), "red=1:1");  // as it was known
  Do(Ending("a", Day("2026-05-01")));                            // before it was
  Do(Ending("a", Day("2026-06-06")));
  EXPECT_EQ(ColorsOn("2026-06-07"), "");
  EXPECT_EQ(ColorsOn("2026-06-10"), "red=1:10");
  AddUpAround("2026-06-08");
  Healthy();
}

TEST_P(TotalsTest, FutureVersionsCountFromTheirMidnightOn) {
  Do(Putting(Weighing("a", "red", 1)));
  Do(Putting(Weighing("a", "blue", 2), Day("2026-06-20")));
  Do(Putting(Weighing("new", "blue", 3), Day("2026-06-20")));
  Do(Ending("a", Day("2026-06-25")));
  EXPECT_EQ(Colors(), "red=1:1");
  EXPECT_EQ(ColorsOn("2026-06-20"), "blue=2:5");
  GoTo("2026-06-20");
  EXPECT_EQ(Colors(), "blue=2:5");  // before any timer
  ExpectTotalsAddUp(store_->Read(), kWidgetTotals);
  Do(Putting(Weighing("b", "blue", 1)));
  EXPECT_EQ(Colors(), "blue=3:6");
  EXPECT_EQ(Fire(), 2);
  EXPECT_EQ(Colors(), "blue=3:6");
  Do(Putting(Weighing("c", "blue", 0), Day("2026-06-17")));  // a day that was passed by
  EXPECT_EQ(Colors(), "blue=4:6");
  GoTo("2026-06-26");
  EXPECT_EQ(Colors(), "blue=3:4");
  AddUpAround("2026-06-20");
  Healthy();
}

TEST_P(TotalsTest, ACommandCountsWhatItLeavesBehind) {
  Do(Putting(MakeOwned("owner", "red", "X")));
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    for (const char* color : {"red", "green", "blue"}) {
      WidgetRow row = Weighing("a", color, 3);
      RETURN_IF_ERROR(tx.Put(kWidgets, &row));
      EXPECT_EQ(ColorsIn(tx), color == absl::string_view("red")
                                  ? "red=2:3"
                                  : absl::StrCat(color, "=1:3 red=1:0"));
    }
    // A refused change that the command passes over counts for nothing.
    WidgetRow taken = MakeOwned("b", "gold", "X");
    EXPECT_EQ(base::ReasonOf(tx.Put(kWidgets, &taken)), "ALREADY_EXISTS");
    WidgetRow gone = MakeWidget("c", "gray");
    RETURN_IF_ERROR(tx.Put(kWidgets, &gone));
    RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("c")));
    return std::string();
  });
  EXPECT_EQ(Colors(), "blue=1:3 red=1:0");
  CommandInfo trial = Info();
  trial.validate_only = true;
  EXPECT_TRUE(store_->Write(trial, Ending("a")).ok());
  EXPECT_FALSE(store_
                   ->Write(Info(),
                           [](Tx& tx) -> absl::StatusOr<std::string> {
                             RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("a")));
                             return absl::CancelledError("as wished");
                           })
                   .ok());
  EXPECT_EQ(Colors(), "blue=1:3 red=1:0");
  Healthy();
}

TEST_P(TotalsTest, AShareWithoutItsCountIsRefused) {
  const Totals<WidgetRow> unsound(15, "unsound", kWidgets, 2,
                                  [](const WidgetRow& row, const EmitTotals& emit) {
                                    const Int count = row.widget().weight();
                                    const Int add[] = {count, 1};
                                    emit(Key(), absl::MakeConstSpan(add, count > 5 ? 1 : 2));
                                  });
  schema_.totals.push_back(&unsound);
  Open();
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(Refused(Putting(Weighing("a", "red", 0))), "TOTALS_INVALID");
  EXPECT_EQ(Refused(Putting(Weighing("a", "red", 6))), "TOTALS_INVALID");
  EXPECT_EQ(Refused([](Tx& tx) -> absl::StatusOr<std::string> {
              WidgetRow row = Weighing("a", "red", 6);
              EXPECT_FALSE(tx.Put(kWidgets, &row).ok());
              return std::string();  // as if nothing were
            }),
            "TOTALS_INVALID");
  EXPECT_EQ(Colors(), "");
  EXPECT_EQ(Refused(Putting(Weighing("a", "red", 5))), "");
  store_.reset();
}

TEST_P(TotalsTest, WriteThreeRowsAGroup) {
  Do(Putting(Weighing("a", "red", 1)));  // the whole and its color
  EXPECT_EQ(CountRows(kTotalsGroup), 2U);
  EXPECT_EQ(CountRows(kTotalsDay), 2U);
  EXPECT_EQ(CountRows(kTotalsLog), 2U);
  Do(Putting(Weighing("a", "red", 1)));  // nothing that counts
  EXPECT_EQ(CountRows(kTotalsLog), 2U);
  // One command, one row of the log a group and day.
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    for (int i = 0; i < 100; ++i) {
      WidgetRow row = Weighing(absl::StrCat("w", i), "red", i);
      RETURN_IF_ERROR(tx.Put(kWidgets, &row));
    }
    return std::string();
  });
  EXPECT_EQ(CountRows(kTotalsGroup), 2U);
  EXPECT_EQ(CountRows(kTotalsDay), 2U);
  EXPECT_EQ(CountRows(kTotalsLog), 4U);
  Do(Putting(Weighing("a", "red", 9), Day("2026-06-01")));  // until the next version: two days
  EXPECT_EQ(CountRows(kTotalsDay), 4U);
  EXPECT_EQ(CountRows(kTotalsLog), 8U);
  EXPECT_THAT(schema_.Describe(), HasSubstr("totals 14 widget_totals on widgets, 3 measures\n"));
}

TEST_P(TotalsTest, AreBuiltWhileServing) {
  const Schema full = schema_;
  schema_.totals.clear();
  store_.reset();
  disk_ = NewMemDisk();
  ASSERT_TRUE(TryOpen("young").ok());
  for (int i = 0; i < 450; ++i)
    Do(Putting(Weighing(absl::StrCat("w", 1000 + i), i % 2 == 0 ? "red" : "blue", i)));
  Do(Putting(Weighing("w1001", "red", 7), Day("2026-06-10")));
  Do(Putting(Weighing("w1002", "gold", 7), Day("2026-06-20")));
  Do(Ending("w1003"));

  schema_ = full;
  ASSERT_TRUE(TryOpen("young").ok());
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre(14));
  EXPECT_EQ(Colors(), "INDEX_BUILDING");
  Do(Putting(Weighing("w1004", "green", 1)));  // not built yet
  Healthy();
  // Writes go on between the steps: on records that are in and on those that are not.
  std::promise<absl::Status> built;
  std::thread builder([&] { built.set_value(store_->BuildIndexes()); });
  for (int i = 0; i < 60; ++i) {
    Do(Putting(Weighing(absl::StrCat("w", 1010 + 7 * i), "green", i)));
    Do(Putting(Weighing(absl::StrCat("a", i), "green", i)));
    Do(Putting(Weighing(absl::StrCat("z", i), "green", i), Day("2026-06-12")));
  }
  builder.join();
  ASSERT_TRUE(built.get_future().get().ok());
  EXPECT_THAT(*store_->UnbuiltIndexes(), ElementsAre());
  AddUpAround("2026-06-15");
  for (int i = 0; i < 20; ++i) {
    const int64_t known_us = Micros(clock_.Now()) + 37 * i;
    ExpectTotalsAddUp(store_->Read(), kWidgetTotals, Key(), {std::nullopt, known_us});
  }
  Healthy();
}

// A process that ends between two steps leaves the marker where it was.
TEST_P(TotalsTest, BuildingGoesOnWhereItWas) {
  for (int i = 0; i < 30; ++i) Do(Putting(Weighing(absl::StrCat("w", 10 + i), "red", i)));
  const std::string all = Colors();
  std::vector<OwnedOp> ops;
  {
    const View view = store_->Read();
    for (const char kind : {kTotalsGroup, kTotalsDay, kTotalsLog}) {
      const std::string prefix = TablePrefix(kWidgetTotals.id, kind);
      const auto cursor = view.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
      for (; cursor->Valid(); cursor->Next())
        ops.push_back({Space::kData, std::string(cursor->key()), std::nullopt});
    }
  }
  ops.push_back({Space::kData, BuildingKey(kWidgetTotals.id), ""});
  Plant(ops);
  Do(Putting(Weighing("w10", "red", 0)));
  EXPECT_EQ(CountRows(kTotalsGroup), 0U);
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_EQ(Colors(), all);
  Healthy();
  // As if only those below "w25" were in: the rest counts again, and those do not.
  Plant({{Space::kData, BuildingKey(kWidgetTotals.id), std::string(Key::Of("w25").bytes())}});
  Do(Putting(Weighing("w11", "blue", 1)));
  Do(Putting(Weighing("w30", "blue", 1)));
  ASSERT_TRUE(store_->BuildIndexes().ok());
  EXPECT_THAT(Colors(), HasSubstr("blue=2:2"));
  EXPECT_THAT(Colors(), HasSubstr(absl::StrCat("red=", 29 + 14)));
}

TEST_P(TotalsTest, ScrubFindsWhatIsPlanted) {
  Do(Putting(Weighing("a", "red", 1)));
  Do(Putting(Weighing("b", "red", 1), Day("2026-06-20")));
  Healthy();
  const std::string red(Key::Of("color", "red").bytes()), none(Key::Of("color", "no").bytes());
  const Sums one = {1, 2, 3};
  const GroupRow empty{Day("2026-06-15"), base::Date::Max(), 0, Sums(3)};
  GroupRow full = empty;
  full.sums = one;
  const std::string group = GroupKey(kWidgetTotals, red);
  const std::string day = DayKey(kWidgetTotals, red, Day("2026-06-20"));
  const struct {
    OwnedOp op;
    const char* finding;
  } damages[] = {
      {{Space::kData, group, std::nullopt}, "missing group"},
      {{Space::kData, group, "x"}, "a group does not parse"},
      {{Space::kData, group, EncodeGroup(empty)}, "a group is not what its days add up to"},
      {{Space::kData, GroupKey(kWidgetTotals, none), EncodeGroup(full)},
       "a group that no record is in"},
      {{Space::kData, day, std::nullopt}, "missing row"},
      {{Space::kData, day, EncodeSums(one)}, "a row is not what the records add up to"},
      {{Space::kData, day, "x"}, "a row is not what the records add up to"},
      {{Space::kData, DayKey(kWidgetTotals, red, Day("2026-06-21")), EncodeSums(one)},
       "a row that no record has a share in"},
      {{Space::kData, LogKey(kWidgetTotals, red, 7, Day("2026-06-20")), EncodeSums(one)},
       "a row that no record has a share in"},
  };
  for (const auto& damage : damages) {
    SCOPED_TRACE(damage.finding);
    std::string value;
    const bool was = *store_->Read().snapshot().Get(Space::kData, damage.op.key, &value);
    Plant({damage.op});
    const auto findings = store_->Scrub();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, Contains(absl::StrCat("totals widget_totals: ", damage.finding)));
    Plant({{Space::kData, damage.op.key, was ? std::make_optional(value) : std::nullopt}});
    Healthy();
  }
  Plant({{Space::kData, group, "x"}});
  EXPECT_EQ(Colors(), "STORE_CORRUPT");
  EXPECT_EQ(Refused(Putting(Weighing("c", "red", 1))), "STORE_CORRUPT");
}

TEST(TotalsRows, SumsOfAnySizeComeBack) {
  const Int most = absl::Int128Max(), least = absl::Int128Min();
  const Sums sums = {0, -1, 1};
  EXPECT_EQ(*DecodeSums(kWidgetTotals, EncodeSums(sums)), sums);
  EXPECT_EQ(EncodeSums(sums).size(), 4U);
  const Sums large = {most, least, Int(INT64_MAX) * 3};
  EXPECT_EQ(*DecodeSums(kWidgetTotals, EncodeSums(large)), large);
  const std::string bytes = EncodeSums(large);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeSums(kWidgetTotals, bytes.substr(0, size)).ok());
  EXPECT_FALSE(DecodeSums(kWidgetTotals, bytes + "x").ok());
  EXPECT_FALSE(DecodeSums(kWidgetTotals, std::string(1, '\1') + std::string(60, '\xff')).ok());
  Sums wrapped = {most};
  AddTo(&wrapped, {1});
  EXPECT_EQ(wrapped, Sums{least});
}

TEST(TotalsRows, GroupsLieInOrderAndApart) {
  const std::string zero("\0", 1);
  const std::vector<std::string> groups = {
      "", zero, zero + "a", "a", "a" + zero, "a" + zero + "b", "ab", "b"};
  std::string last;
  for (const std::string& group : groups) {
    const std::string key = GroupKey(kWidgetTotals, group);
    EXPECT_LT(last, key);
    EXPECT_EQ(*DecodeGroupKey(key), group);
    EXPECT_LT(DayKey(kWidgetTotals, group, Day("2026-06-15")),
              DayKey(kWidgetTotals, group, Day("2026-06-16")));
    last = key;
  }
  EXPECT_EQ(*DayOfKey(LogKey(kWidgetTotals, "a", 5, Day("2026-06-15"))), Day("2026-06-15"));
  EXPECT_FALSE(DecodeGroupKey("abc").ok());
}

}  // namespace
}  // namespace nisi::store
