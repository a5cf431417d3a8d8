// ImportEntries: files of real goods, dry runs, invalid rows, repeats.
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/base/csv.h"
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using Report = rpc::v1::ImportReport::Row;
using Row = v1::ImportEntriesRequest::Row;

Row MakeRow(const std::string& code, const std::string& level = "HIGH") {
  Row row;
  row.set_goods_code(code);
  row.set_name_ru("товар");
  row.set_sector("machinery");
  row.set_processing_level(level);
  return row;
}

// The rows of a file, and what it holds by this test's own count.
struct Goods {
  std::vector<Row> rows;
  int low = 0;
  int others = 0;
};

Goods ReadGoods(const std::string& path) {
  Goods goods;
  std::ifstream file(path);
  base::CsvReader csv(&file, path);
  EXPECT_TRUE(csv.ReadHeader({"hs_code", "sector", "processing_level"}).ok());
  for (auto more = csv.Next(); more.ok() && *more; more = csv.Next()) {
    Row row;
    row.set_row_number(static_cast<int32_t>(csv.line()));
    row.set_goods_code(std::string(csv.Get("hs_code")));
    row.set_name_kk(std::string(csv.Get("name_kk")));
    row.set_name_ru(std::string(csv.Get("name_ru")));
    row.set_name_en(std::string(csv.Get("name_en")));
    row.set_sector(std::string(csv.Get("sector")));
    row.set_processing_level(std::string(csv.Get("processing_level")));
    ++(row.processing_level() == "LOW" ? goods.low : goods.others);
    goods.rows.push_back(std::move(row));
  }
  EXPECT_FALSE(csv.broken());
  return goods;
}

class ImportTest : public PriorityGoodsTest {
 protected:
  absl::StatusOr<std::string> Send(const std::vector<v1::ImportEntriesRequest>& messages) {
    return Send(messages, institute_);
  }
  absl::StatusOr<std::string> Send(const std::vector<v1::ImportEntriesRequest>& messages,
                                   const rpc::Caller& caller) {
    return Upload("ImportEntries", caller, messages);
  }
  static std::vector<v1::ImportEntriesRequest> Messages(const std::string& parent,
                                                        const std::vector<Row>& rows,
                                                        const std::string& id, bool dry_run,
                                                        size_t rows_a_message = 500) {
    std::vector<v1::ImportEntriesRequest> messages(1);
    messages[0].mutable_header()->set_parent(parent);
    messages[0].mutable_header()->set_request_id(id);
    messages[0].mutable_header()->set_dry_run(dry_run);
    messages[0].mutable_header()->set_row_count(static_cast<int32_t>(rows.size()));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i % rows_a_message == 0) messages.emplace_back();
      *messages.back().mutable_rows()->add_rows() = rows[i];
    }
    return messages;
  }
  rpc::v1::ImportReport Import(const std::string& parent, const std::vector<Row>& rows,
                               bool dry_run = false) {
    const auto bytes = Send(Messages(parent, rows, NextUuid(), dry_run));
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    rpc::v1::ImportReport response;
    if (bytes.ok()) {
      EXPECT_TRUE(response.ParseFromString(*bytes));
    }
    return response;
  }
  int CountEntries(const std::string& parent) {
    v1::ExportEditionRequest request;
    request.set_name(parent);
    auto source = Stream("ExportEdition", auditor_, request);
    int count = 0;
    std::string bytes;
    while (*(*source)->Pull(&bytes) == rpc::MessageSource::State::kMessage) ++count;
    return count;
  }
  void ExpectEnters(const Goods& goods) {
    const std::string edition = CreateDraft();
    const int64_t before = position();
    const auto dry = Import(edition, goods.rows, /*dry_run=*/true);
    EXPECT_FALSE(dry.committed());
    EXPECT_EQ(position(), before);
    EXPECT_EQ(CountEntries(edition), 0);
    auto real = Import(edition, goods.rows);
    EXPECT_TRUE(real.committed());
    EXPECT_EQ(real.entered_count(), goods.others);
    EXPECT_EQ(real.refused_count(), goods.low);
    EXPECT_EQ(real.invalid_count(), 0);
    EXPECT_EQ(CountEntries(edition), goods.others);
    ASSERT_EQ(real.rows_size(), static_cast<int>(goods.rows.size()));
    for (int i = 0; i < real.rows_size(); ++i) {
      const Report& report = real.rows(i);
      const Row& row = goods.rows[static_cast<size_t>(i)];
      EXPECT_EQ(report.row_number(), row.row_number());
      EXPECT_EQ(report.key(), row.goods_code());
      const bool low = row.processing_level() == "LOW";
      EXPECT_EQ(report.outcome(), low ? Report::REFUSED : Report::ENTERED)
          << report.ShortDebugString();
      EXPECT_EQ(report.reason(), low ? "LEVEL_TOO_LOW" : "");
      EXPECT_EQ(report.article(), low ? "Art. 26(1)" : "");
    }
    ASSERT_EQ(real.legal_basis_size(), 1);
    EXPECT_EQ(real.legal_basis(0).article(), "Art. 26(1)");
    real.set_committed(false);
    EXPECT_EQ(real.SerializeAsString(), dry.SerializeAsString());
    const auto submitted = Submit(edition);
    ASSERT_TRUE(submitted.ok()) << submitted.status();
    EXPECT_EQ(submitted->entry_count(), goods.others);
  }
};

TEST_F(ImportTest, TheSampleEnters) {
  const Goods goods = ReadGoods(
      absl::StrCat(NISI_SOURCE_DIR, "/services/priority_goods/testdata/sample_goods.csv"));
  EXPECT_GE(goods.rows.size(), 200u);
  EXPECT_GT(goods.low, 0);
  ExpectEnters(goods);
}

TEST_F(ImportTest, TheWholeListEnters) {
  const std::string path =
      absl::StrCat(NISI_SOURCE_DIR, "/../shared/data/goods_processing_levels.csv");
  if (!std::ifstream(path).good()) GTEST_SKIP() << "the data file is not here";
  const Goods goods = ReadGoods(path);
  EXPECT_EQ(goods.low, 1'141);
  EXPECT_EQ(goods.others, 3'806);
  ExpectEnters(goods);
}

// One level of a file that an assessment contradicts keeps its row out, and no other.
TEST_F(ImportTest, ARowOfAnotherLevelThanAssessedIsRefused) {
  v1::CreateAssessmentRequest create;
  create.mutable_assessment()->set_goods_code("850423");
  create.mutable_assessment()->set_technological_complexity(40);
  const auto assessed = Do<v1::Assessment>("CreateAssessment", institute_, create);
  ASSERT_TRUE(assessed.ok()) << assessed.status();
  const std::string edition = CreateDraft();
  const std::vector<Row> rows{MakeRow("8708"), MakeRow("850423", "HIGH"), MakeRow("0201", "LOW")};
  const auto report = Import(edition, rows);
  EXPECT_TRUE(report.committed());
  EXPECT_EQ(report.entered_count(), 1);
  EXPECT_EQ(report.refused_count(), 2);
  ASSERT_EQ(report.rows_size(), 3);
  EXPECT_EQ(report.rows(1).outcome(), Report::REFUSED);
  EXPECT_EQ(report.rows(1).reason(), "LEVEL_NOT_ASSESSED");
  EXPECT_EQ(report.rows(1).article(), "Art. 26(2)");
  EXPECT_THAT(report.rows(1).description(), ::testing::HasSubstr(assessed->name()));
  EXPECT_EQ(report.rows(2).reason(), "LEVEL_TOO_LOW");
  EXPECT_EQ(Import(edition, {MakeRow("850423", "MEDIUM")}).entered_count(), 1);
  EXPECT_EQ(CountEntries(edition), 2);
}

TEST_F(ImportTest, AnInvalidRowEntersNothing) {
  const std::string edition = CreateDraft({MakeEntry("9503")});
  struct {
    const char* what;
    Row row;
    const char* reason;
    const char* field;
  } const cases[] = {
      {"letters", MakeRow("8504AB"), "INVALID_FIELD", "goods_code"},
      {"a code cut in the middle of a letter", MakeRow("1абвгдежз"), "INVALID_FIELD", "goods_code"},
      {"chapter 77", MakeRow("7701"), "INVALID_FIELD", "goods_code"},
      {"no code", MakeRow(""), "INVALID_FIELD", "goods_code"},
      {"no level", MakeRow("0101", ""), "INVALID_FIELD", "processing_level"},
      {"unknown level", MakeRow("0101", "EXTREME"), "INVALID_FIELD", "processing_level"},
      {"taken", MakeRow("9503"), "ENTRY_OVERLAP", ""},
      {"over a stored one", MakeRow("950300"), "ENTRY_OVERLAP", ""},
      {"over another row", MakeRow("85042310"), "ENTRY_OVERLAP", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const int64_t before = position();
    Row low = MakeRow("0201", "low");
    const auto response = Import(edition, {MakeRow("850423"), low, c.row, MakeRow("8703")});
    EXPECT_FALSE(response.committed());
    EXPECT_EQ(response.invalid_count(), 1);
    EXPECT_EQ(response.refused_count(), 1);
    EXPECT_EQ(response.entered_count(), 2);
    ASSERT_EQ(response.rows_size(), 4);
    EXPECT_EQ(response.rows(2).outcome(), Report::INVALID);
    EXPECT_EQ(response.rows(2).reason(), c.reason);
    EXPECT_EQ(response.rows(2).field(), c.field);
    EXPECT_FALSE(response.rows(2).description().empty());
    if (c.row.processing_level() == "EXTREME") {  // and not that there is none
      EXPECT_EQ(response.rows(2).description(), "must be one of LOW, MEDIUM, HIGH");
    }
    EXPECT_EQ(position(), before);
    EXPECT_EQ(CountEntries(edition), 1);
  }
}

TEST_F(ImportTest, AWordThatIsNoLevelIsNotToldAsMissing) {
  const auto response = Import(
      CreateDraft(), {MakeRow("0101", ""), MakeRow("0102", "EXTREME"), MakeRow("0103", "HIG")});
  ASSERT_EQ(response.rows_size(), 3);
  EXPECT_EQ(response.rows(0).description(), "is required");
  EXPECT_TRUE(absl::StartsWith(response.rows(1).description(), "must be one of "));
  EXPECT_TRUE(absl::StartsWith(response.rows(2).description(), "must be one of "));
}

// Its owner is to learn of every bad cell of a file at once, whatever the cell holds.
TEST_F(ImportTest, EveryCellThatIsNoTextOfItsFieldIsReportedWithItsRow) {
  const std::string mark = "Zq9Secret";
  const std::vector<std::string> not_even_lines{mark + "\x07",  mark + std::string(1, '\0'),
                                                mark + "\r\n",  mark + "\u202e",
                                                "\u200b\u200b", mark + std::string(10'000, 'a')};
  const std::vector<std::string> no_single_line{mark + "\n" + mark, mark + "\t",
                                                mark + std::string(300, 'a')};
  const std::string edition = CreateDraft();
  std::vector<Row> rows{MakeRow("850423")};
  std::vector<std::string> fields{""};
  for (int i = 0; i < Row::descriptor()->field_count(); ++i) {
    const auto* field = Row::descriptor()->field(i);
    if (field->options().GetExtension(rpc::v1::field).format() != rpc::v1::RAW) continue;
    std::vector<std::string> cells = not_even_lines;
    if (field->name() != "note")
      cells.insert(cells.end(), no_single_line.begin(), no_single_line.end());
    for (const std::string& cell : cells) {
      rows.push_back(MakeRow("0101"));
      rows.back().set_row_number(static_cast<int32_t>(rows.size()));
      Row::GetReflection()->SetString(&rows.back(), field, cell);
      fields.push_back(field->name());
    }
  }
  ASSERT_EQ(rows.size(), 1u + 8 * 9 + 6);
  rows.push_back(MakeRow("8703"));
  fields.emplace_back();

  const int64_t before = position();
  const auto response = Import(edition, rows);
  EXPECT_FALSE(response.committed());
  EXPECT_EQ(response.invalid_count(), static_cast<int>(rows.size()) - 2);
  EXPECT_EQ(response.entered_count(), 2);
  ASSERT_EQ(response.rows_size(), static_cast<int>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    const Report& report = response.rows(static_cast<int>(i));
    SCOPED_TRACE(report.ShortDebugString());
    const std::string& field = fields[i];
    EXPECT_EQ(report.row_number(), rows[i].row_number());
    EXPECT_EQ(report.key(), field == "goods_code" ? "" : rows[i].goods_code());
    EXPECT_EQ(report.outcome(), field.empty() ? Report::ENTERED : Report::INVALID);
    EXPECT_EQ(report.reason(), field.empty() ? "" : "INVALID_FIELD");
    EXPECT_EQ(report.field(), field);
    EXPECT_EQ(report.description().empty(), field.empty());
    EXPECT_EQ(report.article(), "");  // form is no matter of law
  }
  EXPECT_EQ(response.SerializeAsString().find(mark), std::string::npos);
  EXPECT_EQ(position(), before);
  EXPECT_EQ(CountEntries(edition), 0);
  // Without the bad rows, the rest enters.
  EXPECT_TRUE(Import(edition, {rows.front(), rows.back()}).committed());
  EXPECT_EQ(CountEntries(edition), 2);
}

TEST_F(ImportTest, TextEntersInTheFormOfItsField) {
  const std::string edition = CreateDraft();
  Row row = MakeRow("850423");
  row.set_name_ru("И\u0306од");  // И and a breve
  row.set_note("line 1\n\tline 2");
  ASSERT_TRUE(Import(edition, {row}).committed());
  v1::GetEntryRequest get;
  get.set_name(edition + "/entries/850423");
  const auto entry = Do<v1::Entry>("GetEntry", institute_, get);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->name_ru(), "Йод");
  EXPECT_EQ(entry->note(), "line 1\n\tline 2");
}

TEST_F(ImportTest, ARepeatGetsTheSameBytes) {
  const std::string edition = CreateDraft();
  const std::vector<Row> rows{MakeRow("850423"), MakeRow("0201", "LOW")};
  const auto first = Send(Messages(edition, rows, Uuid(1001), false));
  ASSERT_TRUE(first.ok()) << first.status();
  const int64_t after = position();
  EXPECT_EQ(*Send(Messages(edition, rows, Uuid(1001), false)), *first);
  EXPECT_EQ(position(), after);
  EXPECT_EQ(base::ReasonOf(Send(Messages(edition, {MakeRow("8703")}, Uuid(1001), false)).status()),
            "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(CountEntries(edition), 1);
}

TEST_F(ImportTest, ARequestIdStandsForTheRowsNotForTheirMessages) {
  const std::string edition = CreateDraft();
  const std::vector<Row> rows{MakeRow("850421"), MakeRow("850422"), MakeRow("850423")};
  const auto first = Send(Messages(edition, rows, Uuid(1001), false, 3));
  ASSERT_TRUE(first.ok()) << first.status();
  const int64_t after = position();
  for (const size_t rows_a_message : {size_t{1}, size_t{2}}) {
    const auto again = Send(Messages(edition, rows, Uuid(1001), false, rows_a_message));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *first);
  }
  // Another order, another row, another header: another body.
  const std::vector<std::vector<Row>> others{{rows[1], rows[0], rows[2]}, {rows[0], rows[1]}};
  for (const std::vector<Row>& other : others) {
    EXPECT_EQ(base::ReasonOf(Send(Messages(edition, other, Uuid(1001), false)).status()),
              "IDEMPOTENCY_KEY_REUSED");
  }
  EXPECT_EQ(base::ReasonOf(Send(Messages(CreateDraft(), rows, Uuid(1001), false)).status()),
            "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(position(), after + 1);  // the draft
}

TEST_F(ImportTest, AnotherNumberOfRowsThanAnnouncedEntersNothing) {
  const std::string edition = CreateDraft();
  const std::vector<Row> rows{MakeRow("850421"), MakeRow("850422"), MakeRow("850423")};
  const auto whole = Messages(edition, rows, Uuid(1001), false, 1);
  const int64_t before = position();
  std::vector<std::vector<v1::ImportEntriesRequest>> wrong;
  for (size_t came = 1; came < whole.size(); ++came)  // broken off after each message
    wrong.emplace_back(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(came));
  wrong.push_back(whole);
  wrong.back().push_back(whole.back());
  for (const auto& messages : wrong) {
    SCOPED_TRACE(messages.size());
    const absl::Status refused = Send(messages).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(base::ReasonOf(refused), "IMPORT_ROW_COUNT");
    EXPECT_EQ(base::InfoOf(refused).metadata().at("announced"), "3");
    EXPECT_EQ(base::InfoOf(refused).metadata().at("came"), absl::StrCat(messages.size() - 1));
    ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1);
    EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "header.row_count");
  }
  EXPECT_EQ(position(), before);
  EXPECT_EQ(CountEntries(edition), 0);
  const auto done = Send(whole);  // the id is still free
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(CountEntries(edition), 3);

  auto uncounted = whole;
  uncounted[0].mutable_header()->clear_row_count();
  const absl::Status refused = Send(uncounted).status();
  EXPECT_EQ(base::ReasonOf(refused), "INVALID_FIELD");
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "header.row_count");
}

TEST_F(ImportTest, WhoImportedDoesNotApprove) {
  const std::string edition = CreateDraft();
  const rpc::Caller writer =
      CallerOf("writer", {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
  const std::string drafted = Get(edition, auditor_)->etag();
  ASSERT_TRUE(Send(Messages(edition, {MakeRow("850423")}, NextUuid(), true), writer).ok());
  EXPECT_EQ(Get(edition, auditor_)->etag(), drafted) << "a dry run notes nothing";
  ASSERT_TRUE(Send(Messages(edition, {MakeRow("850423")}, NextUuid(), false), writer).ok());
  ASSERT_TRUE(Submit(edition).ok());
  EXPECT_EQ(base::ReasonOf(Approve(edition, Day("2026-07-01"), writer).status()),
            "SEPARATION_OF_DUTIES");
  EXPECT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
}

TEST_F(ImportTest, AnEntryWithoutNamesMayStaySo) {
  const std::string edition = CreateDraft();
  Row nameless = MakeRow("850423");
  nameless.clear_name_ru();
  ASSERT_TRUE(Import(edition, {nameless}).committed());
  v1::UpdateEntryRequest update;
  update.mutable_entry()->set_name(edition + "/entries/850423");
  update.mutable_entry()->set_note("проверено");
  ASSERT_TRUE(Do<v1::Entry>("UpdateEntry", institute_, update).ok());
  update.mutable_entry()->set_name_kk("Трансформаторлар");
  const auto named = Do<v1::Entry>("UpdateEntry", institute_, update);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->note(), "проверено");
  update.mutable_entry()->clear_name_kk();
  update.mutable_update_mask()->add_paths("name_kk");
  EXPECT_EQ(base::ReasonOf(Do<v1::Entry>("UpdateEntry", institute_, update).status()),
            "INVALID_FIELD");
}

TEST_F(ImportTest, AMendedFileMayUseTheSameId) {
  const std::string edition = CreateDraft();
  ASSERT_TRUE(Send(Messages(edition, {MakeRow("7701")}, Uuid(1001), false)).ok());
  const auto mended = Send(Messages(edition, {MakeRow("7601")}, Uuid(1001), false));
  ASSERT_TRUE(mended.ok()) << mended.status();
  EXPECT_EQ(CountEntries(edition), 1);
}

TEST_F(ImportTest, TheStreamHasAnOrder) {
  const std::string edition = CreateDraft();
  const int64_t before = position();
  auto messages = Messages(edition, {MakeRow("850423")}, Uuid(1001), false);
  EXPECT_EQ(base::ReasonOf(Send({}).status()), "IMPORT_ORDER");
  EXPECT_EQ(base::ReasonOf(Send({messages[1]}).status()), "IMPORT_ORDER");
  EXPECT_EQ(base::ReasonOf(Send({messages[0], messages[0]}).status()), "IMPORT_ORDER");
  EXPECT_EQ(base::ReasonOf(
                Send(Messages("editions/99", {MakeRow("850423")}, Uuid(1002), false)).status()),
            base::ReasonOf(Submit("editions/99").status()));
  EXPECT_EQ(position(), before);
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0101")}).ok());
  ASSERT_TRUE(Submit(edition).ok());
  EXPECT_EQ(base::ReasonOf(Send(messages).status()), "EDITION_FROZEN");
}

TEST_F(ImportTest, HasALimit) {
  const std::string edition = CreateDraft();
  const std::vector<Row> rows(20'001, MakeRow("0201", "LOW"));
  const int64_t before = position();
  const absl::Status refused = Send(Messages(edition, rows, Uuid(1001), true)).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::ReasonOf(refused), "IMPORT_TOO_LARGE");
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "header.row_count");
  // Already by its header.
  EXPECT_EQ(base::ReasonOf(Send({Messages(edition, rows, Uuid(1001), true).front()}).status()),
            "IMPORT_TOO_LARGE");
  EXPECT_EQ(position(), before);
}

}  // namespace
}  // namespace nisi::priority_goods
