// What the tests of the record store share: a schema of two tables, a home that outlives openings,
// short forms.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/values_testing.h"
#include "common/store/engine_testing.h"
#include "common/store/mem_engine.h"
#include "common/store/rocks_engine.h"
#include "common/store/store.h"
#include "common/store/temp_dir.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::store {

using base::Day;
using testing::v1::Widget;
using testing::v1::WidgetRow;

// Widgets by code. Crates by BIN and weight: two parts of a key, and a confidential field besides.
inline const Table<WidgetRow> kWidgets(1, "widgets", [](const WidgetRow& row) {
  return Key::Of(row.widget().code());
});
inline const Table<WidgetRow> kCrates(2, "crates", [](const WidgetRow& row) {
  return Key::Of(row.widget().bin(), row.widget().weight());
});
inline const Index<WidgetRow> kByColor(10, "widgets_by_color", kWidgets, /*is_unique=*/false,
                                       [](const WidgetRow& row, const EmitKey& emit) {
                                         emit(Key::Of(row.widget().color()));
                                       });
// Unique and sparse.
inline const Index<WidgetRow> kByBin(11, "widgets_by_bin", kWidgets, /*is_unique=*/true,
                                     [](const WidgetRow& row, const EmitKey& emit) {
                                       if (!row.widget().bin().empty())
                                         emit(Key::Of(row.widget().bin()));
                                     });
// Fan-out.
inline const Index<WidgetRow> kByTag(12, "widgets_by_tag", kWidgets, /*is_unique=*/false,
                                     [](const WidgetRow& row, const EmitKey& emit) {
                                       for (const std::string& tag : row.widget().tags())
                                         emit(Key::Of(tag));
                                     });
// Sparse.
inline const Index<WidgetRow> kByRegion(13, "crates_by_region", kCrates, /*is_unique=*/false,
                                        [](const WidgetRow& row, const EmitKey& emit) {
                                          if (!row.widget().region().empty())
                                            emit(Key::Of(row.widget().region()));
                                        });

// The whole, by color and tag: one, none and several groups; sums past 64 bits, and below zero.
inline const Totals<WidgetRow> kWidgetTotals(
    14, "widget_totals", kWidgets, 3, [](const WidgetRow& row, const EmitTotals& emit) {
      const Int weight = row.widget().weight();
      const Int add[] = {1, 500 - weight, weight * weight * weight * weight};
      emit(Key(), add);
      emit(Key::Of("color", row.widget().color()), add);
      for (const std::string& tag : row.widget().tags()) emit(Key::Of("tag", tag), add);
    });

inline Schema WidgetSchema() {
  Schema schema;
  schema.name = "testing";
  schema.tables = {&kWidgets, &kCrates};
  schema.indexes = {&kByColor, &kByBin, &kByTag, &kByRegion};
  schema.totals = {&kWidgetTotals};
  return schema;
}

inline int64_t Micros(absl::Time t) {
  return absl::ToUnixMicros(t);
}

inline WidgetRow MakeWidget(absl::string_view code, absl::string_view color) {
  WidgetRow row;
  row.mutable_widget()->set_code(code.data(), code.size());
  row.mutable_widget()->set_color(color.data(), color.size());
  return row;
}
inline WidgetRow MakeOwned(absl::string_view code, absl::string_view color, absl::string_view bin) {
  WidgetRow row = MakeWidget(code, color);
  row.mutable_widget()->set_bin(bin.data(), bin.size());
  return row;
}

inline CommandInfo Info(absl::string_view request_id = "", absl::string_view body = "body") {
  CommandInfo info;
  info.actor = "tester";
  info.on_behalf_of = "123456789012";
  info.method = "/nisi.testing.v1.WidgetService/CreateWidget";
  info.request_id = std::string(request_id);
  info.body_hash = base::Sha256Bytes(body);
  return info;
}

inline CommandFn Putting(WidgetRow row, std::optional<base::Date> from = std::nullopt) {
  return [row, from](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow copy = row;  // a command may run again
    RETURN_IF_ERROR(tx.Put(kWidgets, &copy, from));
    return copy.widget().etag();
  };
}
inline CommandFn Ending(std::string code, std::optional<base::Date> from = std::nullopt) {
  return [code, from](Tx& tx) -> absl::StatusOr<std::string> {
    RETURN_IF_ERROR(tx.End(kWidgets, Key::Of(code), from));
    return std::string();
  };
}

// The etag of what a command recorded.
inline std::string EtagOf(int64_t position, absl::Time recorded) {
  return absl::StrCat(absl::Hex(position, absl::kZeroPad8), "-",
                      absl::Hex(absl::ToUnixMicros(recorded)));
}

// A store over one of the engines, on a clock that stands still, opened and closed at will. Its
// parameter says which engine: "Rocks" or "Mem".
class StoreTest : public ::testing::TestWithParam<const char*> {
 protected:
  StoreTest() : clock_(Day("2026-06-15").StartOfDay() + absl::Hours(12)) {
    options_.background = false;
  }

  void SetUp() override { Open(); }

  static bool OnRocks() { return std::string(GetParam()) == "Rocks"; }

  absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const std::string& name = "store") {
    if (!OnRocks()) return OpenMem(disk_);
    RocksOptions options;
    options.dir = dir_ / name;
    options.sync = false;  // what a power cut loses is the engine's own test
    options.write_buffer_bytes = size_t{4} << 20;
    options.now = [this] { return clock_.Now(); };
    return OpenRocks(options);
  }

  Store::Options CopyOptions() const {
    Store::Options options;
    options.clock = &clock_;
    options.timers = options_.timers;
    options.background = options_.background;
    options.queue_limit = options_.queue_limit;
    options.on_failure = options_.on_failure;
    if (with_witness_) options.witness = FileWitness(dir_ / "witness");
    return options;
  }

  absl::Status TryOpen(const std::string& name = "store") {
    store_.reset();
    auto engine = OpenEngine(name);
    if (!engine.ok()) return engine.status();
    auto store = Store::Open(*std::move(engine), schema_, CopyOptions());
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }
  void Open() {
    const absl::Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Begins a store named "young" that has these indexes alone, as one of a release before. Gives
  // back the schema of now, with which it is to be opened next.
  Schema OpenOfBefore(std::vector<const IndexDef*> indexes) {
    Schema full = schema_;
    schema_.indexes = std::move(indexes);
    store_.reset();
    disk_ = NewMemDisk();
    EXPECT_TRUE(TryOpen("young").ok());
    return full;
  }

  // Writes past the store, as a broken disk or program would; then opens it again.
  void Plant(const std::vector<OwnedOp>& ops) {
    store_.reset();
    {
      auto engine = OpenEngine();
      ASSERT_TRUE(engine.ok()) << engine.status();
      Batch batch;
      batch.ops = ViewsOf(ops);
      batch.base_position = batch.position = *(*engine)->LastPosition();
      ASSERT_TRUE((*engine)->Commit(batch).ok());
    }
    Open();
  }

  // Runs a command that must succeed; its position.
  int64_t Do(const CommandFn& run) {
    const auto outcome = store_->Write(Info(), run);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? outcome->position : 0;
  }
  std::string Refused(const CommandFn& run) {
    return base::ReasonOf(store_->Write(Info(), run).status());
  }

  // The color in force, "-" when there is none.
  std::string Color(const std::string& code, const At& at = {}) {
    const auto found = store_->Read().Find(kWidgets, Key::Of(code), at);
    if (!found.ok()) return found.status().ToString();
    return found->has_value() ? (*found)->row.widget().color() : "-";
  }
  std::string ColorOn(const std::string& code, const std::string& day) {
    return Color(code, {Day(day), std::nullopt});
  }

  // "code=color" of each row, in order.
  template <class Def>
  std::string Rows(const Def& def, const Range& range = {}, const At& at = {}) {
    std::vector<std::string> rows;
    const absl::Status status = store_->Read().Scan(
        def, range, at, [&rows](const RowView& view, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, Reader::Parse<WidgetRow>(view));
          rows.push_back(
              absl::StrCat(stored.row.widget().code(), "=", stored.row.widget().color()));
          return true;
        });
    return status.ok() ? absl::StrJoin(rows, " ") : base::ReasonOf(status);
  }
  std::string HolderOf(const std::string& bin) {
    const auto found = store_->Read().FindUnique(kByBin, Key::Of(bin));
    if (!found.ok()) return base::ReasonOf(found.status());
    return found->has_value() ? (*found)->row.widget().code() : "-";
  }

  void Healthy() {
    const auto findings = store_->Scrub();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, ::testing::IsEmpty());
  }
  int Fire() {
    const auto fired = store_->RunDueTimers();
    EXPECT_TRUE(fired.ok()) << fired.status();
    return fired.ok() ? *fired : -1;
  }
  void GoTo(const std::string& day) { clock_.Set(Day(day).StartOfDay() + absl::Hours(9)); }

  mutable base::FakeClock clock_;
  TempDir dir_;
  std::shared_ptr<MemDisk> disk_ = NewMemDisk();
  Schema schema_ = WidgetSchema();
  Store::Options options_;
  bool with_witness_ = false;
  std::unique_ptr<Store> store_;
};

inline std::string EngineName(const ::testing::TestParamInfo<const char*>& info) {
  return info.param;
}
#define NISI_BOTH_ENGINES(suite) \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, ::testing::Values("Rocks", "Mem"), EngineName)

}  // namespace nisi::store
