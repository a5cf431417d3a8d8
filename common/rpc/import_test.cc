// What an import of any service keeps; how its rows become records is tested with the service.
#include "common/rpc/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/store/mem_engine.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;
using store::Key;
using testing::v1::ImportWidgetsRequest;
using testing::v1::Widget;
using testing::v1::WidgetRow;
using v1::ImportReport;

constexpr char kId[] = "0b8f8a3c-5d7e-4f21-9c3a-1b2c3d4e5f60";

const store::Table<WidgetRow> kWidgets(1, "widgets", [](const WidgetRow& row) {
  return Key::Of(row.widget().code());
});
const store::Schema& WidgetSchema() {
  static const auto* const kSchema = new store::Schema{"testing", 1, {&kWidgets}, {}, {}};
  return *kSchema;
}

absl::Status Unlawful(const char* reason, const char* article) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, reason, "The law does not let it in.")
      .Cite(base::Law(article, "No such color."));
}

// Rows by their color: black is against the law, grey too where a widget is there already, broken
// breaks the store; tagged has five tags that are the same.
class WidgetImport final : public Import<ImportWidgetsRequest, Widget> {
 public:
  WidgetImport(store::Store& store, int* gathered) : Import(store), gathered_(gathered) {}

 protected:
  Widget FromRow(const Row& row) const override {
    Widget widget;
    widget.set_code(row.code());
    widget.set_color(row.color());
    for (int i = 0; i < 5 && row.color() == "tagged"; ++i) widget.add_tags("x");
    return widget;
  }
  std::string KeyOf(const Row& row) const override { return row.code(); }
  absl::Status Judge(const Widget& widget) const override {
    return widget.color() == "black" ? Unlawful("TOO_BLACK", "Art. 1") : absl::OkStatus();
  }
  absl::Status Gather(const Call&, const std::vector<Widget>& widgets) override {
    ++*gathered_;
    for (const Widget& widget : widgets) {
      if (widget.color() == "unknown")
        return base::Unavailable("COLORS_AWAY", "Nobody knows colors now.", absl::Seconds(1));
    }
    return absl::OkStatus();
  }
  absl::Status Begin(store::Tx& tx, const Call&, const Header&) override {
    bool more = true;
    any_ = false;
    return tx.Scan(kWidgets, {}, {}, [&](const store::RowView&, absl::string_view) {
      any_ = true;
      more = false;
      return absl::StatusOr<bool>(more);
    });
  }
  absl::Status JudgeIn(const store::Tx&, const Widget& widget) override {
    if (widget.color() == "broken") return base::StoreCorrupt("a test");
    return any_ && widget.color() == "grey" ? Unlawful("TOO_GREY", "Art. 2") : absl::OkStatus();
  }
  absl::Status Enter(store::Tx& tx, const Widget& widget) override {
    ASSIGN_OR_RETURN(const auto there, tx.FindRaw(kWidgets, Key::Of(widget.code())));
    if (there.has_value()) return base::InvalidField("code", "is taken");
    WidgetRow row;
    *row.mutable_widget() = widget;
    return tx.Put(kWidgets, &row);
  }

 private:
  int* const gathered_;  // how often others were asked
  bool any_ = false;     // a widget is there
};

class ImportTest : public ::testing::Test {
 protected:
  ImportTest() : clock_(absl::FromUnixSeconds(1'781'500'000)) {
    store::Store::Options options;
    options.clock = &clock_;
    options.background = false;
    store_ = *store::Store::Open(store::OpenMem(), WidgetSchema(), std::move(options));
    method_.path = "/nisi.testing.v1.WidgetService/ImportWidgets";
  }

  // {code, color} of each row.
  using Rows = std::vector<std::pair<std::string, std::string>>;
  absl::StatusOr<std::string> Send(const Rows& rows, bool dry_run = false, int announced = -1,
                                   bool all_or_none = false) {
    Call call;
    call.method = &method_;
    auto caller = std::make_shared<Caller>();
    caller->subject = "somebody";
    call.caller = caller;
    WidgetImport sink(*store_, &gathered_);
    ImportWidgetsRequest message;
    message.mutable_header()->set_request_id(kId);
    message.mutable_header()->set_dry_run(dry_run);
    message.mutable_header()->set_all_or_none(all_or_none);
    message.mutable_header()->set_row_count(announced < 0 ? static_cast<int>(rows.size())
                                                          : announced);
    RETURN_IF_ERROR(sink.Push(message));
    for (size_t i = 0; i < rows.size(); ++i) {
      message.Clear();
      auto* row = message.mutable_rows()->add_rows();
      row->set_row_number(static_cast<int>(i) + 2);
      row->set_code(rows[i].first);
      row->set_color(rows[i].second);
      RETURN_IF_ERROR(sink.Push(message));
    }
    return sink.Finish(call);
  }
  ImportReport ReportOn(const Rows& rows, bool dry_run = false, bool all_or_none = false) {
    const auto bytes = Send(rows, dry_run, -1, all_or_none);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    ImportReport report;
    if (bytes.ok()) {
      EXPECT_TRUE(report.ParseFromString(*bytes));
    }
    return report;
  }
  int CountWidgets() {
    int count = 0;
    EXPECT_TRUE(store_->Read()
                    .Scan(kWidgets, {}, {},
                          [&](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
                            ++count;
                            return true;
                          })
                    .ok());
    return count;
  }

  base::FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  MethodPolicy method_;
  int gathered_ = 0;
};

TEST_F(ImportTest, WhatTheLawRefusesStopsNothingElseAndIsCitedOnce) {
  ASSERT_TRUE(ReportOn({{"8501", "red"}}).committed());
  Rows rows{{"8502", "black"}, {"8503", "grey"}, {"8504", "red"}, {"8505", "black"}};
  // The id is taken by other rows.
  EXPECT_EQ(ReasonOf(Send(rows).status()), "IDEMPOTENCY_KEY_REUSED");
  method_.path += "Again";
  const ImportReport report = ReportOn(rows);
  EXPECT_TRUE(report.committed());
  EXPECT_EQ(report.entered_count(), 1);
  EXPECT_EQ(report.refused_count(), 3);
  EXPECT_EQ(report.rows(0).reason(), "TOO_BLACK");
  EXPECT_EQ(report.rows(0).key(), "8502");
  EXPECT_EQ(report.rows(0).row_number(), 2);
  EXPECT_EQ(report.rows(1).reason(), "TOO_GREY");
  EXPECT_EQ(report.rows(1).article(), "Art. 2");
  EXPECT_EQ(report.rows(1).outcome(), ImportReport::Row::REFUSED);
  EXPECT_EQ(report.rows(2).outcome(), ImportReport::Row::ENTERED);
  ASSERT_EQ(report.legal_basis_size(), 2);
  EXPECT_EQ(report.legal_basis(0).article(), "Art. 1");
  EXPECT_EQ(report.legal_basis(1).article(), "Art. 2");
  EXPECT_EQ(CountWidgets(), 2);
}

TEST_F(ImportTest, OthersAreAskedBeforeTheCommandAndNotAgainForWhatEntered) {
  EXPECT_EQ(ReasonOf(Send({{"8501", "red"}, {"8502", "unknown"}}).status()), "COLORS_AWAY");
  EXPECT_EQ(CountWidgets(), 0);
  EXPECT_EQ(gathered_, 1);
  const ImportReport report = ReportOn({{"8501", "red"}});  // the id stayed free
  EXPECT_TRUE(report.committed());
  EXPECT_EQ(gathered_, 2);
  EXPECT_EQ(ReportOn({{"8501", "red"}}).SerializeAsString(), report.SerializeAsString());
  EXPECT_EQ(gathered_, 2);
}

TEST_F(ImportTest, WhatIsWrongUndoesWhatEnteredBeforeIt) {
  const int64_t before = store_->position();
  const ImportReport report =
      ReportOn({{"8501", "red"}, {"8501", "red"}, {"85x", "red"}, {"8502", ""}});
  EXPECT_FALSE(report.committed());
  EXPECT_EQ(report.entered_count(), 1);
  EXPECT_EQ(report.invalid_count(), 3);
  EXPECT_EQ(report.rows(1).field(), "code");
  EXPECT_EQ(report.rows(1).description(), "is taken");
  EXPECT_EQ(report.rows(2).field(), "code");
  EXPECT_EQ(report.rows(3).field(), "color");
  EXPECT_EQ(store_->position(), before);
  EXPECT_EQ(CountWidgets(), 0);
  EXPECT_TRUE(ReportOn({{"8501", "red"}}).committed());  // the id stayed free
}

TEST_F(ImportTest, ARowTellsAllThatIsWrongWithIt) {
  const ImportReport report = ReportOn({{"85x", ""}, {"8501", "red"}, {"85x", "tagged"}});
  EXPECT_EQ(report.invalid_count(), 2);
  EXPECT_EQ(report.rows(0).reason(), "INVALID_FIELD");
  EXPECT_EQ(report.rows(0).field(), "code");
  ASSERT_EQ(report.rows(0).further_faults_size(), 1);
  EXPECT_EQ(report.rows(0).further_faults(0).field(), "color");
  EXPECT_EQ(report.rows(0).further_faults(0).description(), "is required");
  EXPECT_EQ(report.rows(1).further_faults_size(), 0);
  ASSERT_EQ(report.rows(2).further_faults_size(), 4);
  EXPECT_EQ(report.rows(2).further_faults(3).field(), "tags[4]");
}

TEST_F(ImportTest, OfManyWrongRowsTheReportStillFitsAnAnswer) {
  const ImportReport report = ReportOn(Rows(kMaxImportRows, {"85x", "tagged"}));
  EXPECT_EQ(report.invalid_count(), static_cast<int>(kMaxImportRows));
  EXPECT_EQ(report.rows(0).further_faults_size(), 4);
  EXPECT_EQ(report.rows(kMaxImportRows - 1).further_faults_size(), 0);
  EXPECT_EQ(report.rows(kMaxImportRows - 1).field(), "code");
  EXPECT_LT(report.ByteSizeLong(), size_t{4} << 20);
}

TEST_F(ImportTest, AllOrNoneIsStoppedByWhatTheLawRefusesToo) {
  const int64_t before = store_->position();
  for (const Rows& rows : {Rows{{"8501", "red"}, {"8502", "black"}},
                           Rows{{"8501", "red"}, {"8502", "black"}, {"8503", "red"}}}) {
    const ImportReport report = ReportOn(rows, /*dry_run=*/false, /*all_or_none=*/true);
    EXPECT_FALSE(report.committed());
    EXPECT_EQ(report.refused_count(), 1);
    EXPECT_EQ(report.entered_count(), static_cast<int>(rows.size()) - 1);  // what would enter
    EXPECT_EQ(report.rows(1).reason(), "TOO_BLACK");
    EXPECT_EQ(report.rows(1).outcome(), ImportReport::Row::REFUSED);
    EXPECT_EQ(report.legal_basis_size(), 1);
  }
  EXPECT_EQ(store_->position(), before);
  EXPECT_EQ(CountWidgets(), 0);
  // The id stayed free, for the mended file and for one that takes what may enter.
  EXPECT_TRUE(ReportOn({{"8501", "red"}}, false, true).committed());
  method_.path += "Again";
  EXPECT_FALSE(ReportOn({{"8502", "grey"}, {"8503", "red"}}, false, true).committed());
  EXPECT_EQ(CountWidgets(), 1);
  EXPECT_TRUE(ReportOn({{"8502", "grey"}, {"8503", "red"}}).committed());
  EXPECT_EQ(CountWidgets(), 2);
}

TEST_F(ImportTest, ADryRunOrOnlyRefusedRowsCommitNothing) {
  const ImportReport dry = ReportOn({{"8501", "red"}}, /*dry_run=*/true);
  EXPECT_FALSE(dry.committed());
  EXPECT_EQ(dry.entered_count(), 1);
  EXPECT_EQ(CountWidgets(), 0);
  const int64_t before = store_->position();
  const ImportReport refused = ReportOn({{"8501", "black"}});
  EXPECT_FALSE(refused.committed());
  EXPECT_EQ(refused.refused_count(), 1);
  EXPECT_EQ(store_->position(), before);
  EXPECT_TRUE(ReportOn({{"8501", "red"}}).committed());  // the id stayed free
}

TEST_F(ImportTest, AFailureOfTheStoreIsTheAnswer) {
  const absl::Status failed = Send({{"8501", "red"}, {"8502", "broken"}}).status();
  EXPECT_EQ(ReasonOf(failed), "STORE_CORRUPT");
  EXPECT_EQ(CountWidgets(), 0);
}

TEST_F(ImportTest, AHeaderThenAsManyRowsAsItSays) {
  EXPECT_EQ(ReasonOf(Send({{"8501", "red"}}, false, 2).status()), "IMPORT_ROW_COUNT");
  EXPECT_EQ(ReasonOf(Send({{"8501", "red"}, {"8502", "red"}}, false, 1).status()),
            "IMPORT_ROW_COUNT");
  EXPECT_EQ(ReasonOf(Send({}, false, 20'001).status()), "IMPORT_TOO_LARGE");
  WidgetImport sink(*store_, &gathered_);
  ImportWidgetsRequest rows;
  rows.mutable_rows()->add_rows();
  EXPECT_EQ(ReasonOf(sink.Push(rows)), "IMPORT_ORDER");
  Call call;
  EXPECT_EQ(ReasonOf(sink.Finish(call).status()), "IMPORT_ORDER");
  EXPECT_EQ(CountWidgets(), 0);
}

// Rows enough in number may be too large together, be they lawful or not.
TEST_F(ImportTest, ItsRowsAreBoundInBytesToo) {
  const std::string text(size_t{1} << 20, 'x');
  Rows rows(kMaxImportBytes / text.size() - 1, {"8501", text});
  EXPECT_EQ(ReportOn(rows).invalid_count(), static_cast<int>(rows.size()));
  rows.emplace_back("8501", text);
  const absl::Status refused = Send(rows).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused), "IMPORT_TOO_LARGE");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("maxBytes"), "8388608");
  ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1);
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "rows");
  EXPECT_EQ(CountWidgets(), 0);
}

}  // namespace
}  // namespace nisi::rpc
