#include "tools/nisi/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/rpc/v1/legal_basis.pb.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"
#include "tools/nisi/rows.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace goods = nisi::priority_goods::v1;

template <class M>
M Of(const char* text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

std::string Print(const google::protobuf::Message& message, Format format, int width = 0) {
  std::ostringstream out;
  PrintMessage(message, format, width, &out);
  return out.str();
}

TEST(NamesTest, WidthAndTruncation) {
  EXPECT_EQ(DisplayWidth("Қазақстан"), 9);
  EXPECT_EQ(DisplayWidth("工業"), 4);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1);
  EXPECT_EQ(Truncate("Қазақстан", 5), "Қаза…");
  EXPECT_EQ(Truncate("工業化", 4), "工…");
  EXPECT_EQ(Truncate("short", 5), "short");
  EXPECT_EQ(OneLine("a\x1b[31m\nb"), "a [31m b");
  EXPECT_EQ(Kebab("CheckGoods"), "check-goods");
  EXPECT_EQ(Kebab("GetBINRecord"), "get-bin-record");
}

TEST(OutputTest, RowsFirstThenTheRest) {
  const auto response = Of<goods::CheckGoodsResponse>(R"txt(
    results { code: "850423" verdict: LISTED entry: "editions/1/entries/8504" entry_position: 7 }
    results { code: "0201" verdict: NOT_LISTED reason: "NOT_ON_LIST" }
    on_date { year: 2026 month: 1 day: 2 } edition: "editions/1"
    legal_basis { act: "Law" article: "Art. 26(1)" summary: "Goods of medium and high processing." })txt");
  EXPECT_EQ(Print(response, Format::kTable),
            "CODE    VERDICT     ENTRY                    REASON       ENTRY POSITION\n"
            "850423  LISTED      editions/1/entries/8504               7\n"
            "0201    NOT_LISTED                           NOT_ON_LIST\n"
            "\n"
            "on date      2026-01-02\n"
            "edition      editions/1\n"
            "legal basis  Art. 26(1): Goods of medium and high processing.\n");
}

TEST(OutputTest, OneRecordAsLinesAndItsListsAsTables) {
  const auto assessment = Of<goods::Assessment>(R"(
    name: "assessments/1" goods_code: "850423" points: 71 processing_level: HIGH
    decision { outcome: "HIGH" findings { rule: "LEVEL" satisfied: true facts { name: "points" value: "71" } } })");
  const std::string text = Print(assessment, Format::kTable);
  EXPECT_THAT(text, HasSubstr("goods code                    850423\n"));
  EXPECT_THAT(text, HasSubstr("decision outcome              HIGH\n"));
  EXPECT_THAT(
      text,
      HasSubstr("decision findings:\nRULE   SATISFIED  FACTS\nLEVEL  yes        points=71\n"));
  EXPECT_THAT(text, Not(HasSubstr("sector")));
}

// As of which moment something was is copied from a table.
TEST(OutputTest, ATimeIsShownAsAFlagTakesIt) {
  for (const char* time : {"seconds: 1767600000", "seconds: 1767600000 nanos: 500000000"}) {
    const auto entry =
        Of<nisi::journal::v1::Entry>(absl::StrCat("record_time { ", time, " }").c_str());
    const auto* field = entry.GetDescriptor()->FindFieldByName("record_time");
    const std::string shown = CellOf(entry, {"record_time", {field}}, Detail::kBrief);
    EXPECT_THAT(shown, ::testing::StartsWith("2026-01-05T13:00:00"));
    nisi::journal::v1::Entry again;
    EXPECT_EQ(SetField(*field, shown, &again), absl::OkStatus());
    EXPECT_EQ(again.DebugString(), entry.DebugString());
  }
}

TEST(OutputTest, ALongListOfTextsIsCutInTablesAndWholeElsewhere) {
  const auto response = Of<goods::CheckGoodsResponse>(R"(
    results { code: "8504" verdict: PARTIAL partial_entries: "a" partial_entries: "b" partial_entries: "c"
              partial_entries: "d" partial_entries: "e" })");
  EXPECT_THAT(Print(response, Format::kTable), HasSubstr("a, b, c, and 2 more\n"));
  EXPECT_THAT(Print(response, Format::kCsv), HasSubstr("a, b, c, d, e"));
  EXPECT_THAT(Print(response, Format::kJson), HasSubstr("\"e\""));
}

TEST(OutputTest, NoRowsAreSaidInWords) {
  EXPECT_EQ(Print(goods::ListEntriesResponse(), Format::kTable), "No entries.\n");
  EXPECT_EQ(Print(goods::DeleteEntryResponse(), Format::kTable), "Done.\n");
}

TEST(OutputTest, ATableFitsTheTerminal) {
  goods::ListEntriesResponse response;
  auto* entry = response.add_entries();
  entry->set_goods_code("850423");
  entry->set_name_ru(std::string(300, 'x'));
  std::istringstream lines(Print(response, Format::kTable, 60));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(DisplayWidth(line), 60);
  EXPECT_EQ(count, 3);  // heading, row, and how to see all of it
}

std::string EditionsIn(int width) {
  const auto response = Of<goods::ListEditionsResponse>(R"(
    editions { name: "editions/1" title_kk: "Басым тауарлардың бірінші тізбесі" title_ru: "Первый перечень приоритетных товаров"
               state: SUPERSEDED order_number: "1-п" order_date { year: 2026 month: 1 day: 5 }
               effective_from { year: 2026 month: 1 day: 6 } effective_until { year: 2026 month: 7 day: 1 }
               entry_count: 214 drafted_by: "dev:institute.industry" etag: "0000000c"
               decision { outcome: "APPROVED" norms_edition: "f3113d0e58cacd81" } })");
  return Print(response, Format::kTable, width);
}

TEST(OutputTest, ALanguageIsNoHeading) {
  EXPECT_THAT(Headings({"name", "parameters.title.kk", "parameters.title.ru", "place.kato"}),
              ::testing::ElementsAre("NAME", "TITLE KK", "TITLE RU", "KATO"));
}

TEST(OutputTest, InANarrowTerminalNameStateAndDaysStay) {
  const std::string text = EditionsIn(80);
  EXPECT_EQ(text,
            "NAME        TITLE KK     STATE       ORDER DATE  EFFECTIVE FROM  EFFECTIVE UNTIL\n"
            "editions/1  Басым тауа…  SUPERSEDED  2026-01-05  2026-01-06      2026-07-01\n"
            "Cut to fit: --wide or --format json shows all.\n");
  EXPECT_THAT(EditionsIn(0), HasSubstr("0000000c"));
  EXPECT_THAT(EditionsIn(0), Not(HasSubstr("Cut to fit")));
  EXPECT_THAT(EditionsIn(1000), Not(HasSubstr("Cut to fit")));
}

TEST(OutputTest, SumsAreShownInTengeToTheTiyn) {
  const auto sample = Of<nisi::testing::v1::FormSample>(
      R"pb(cost { currency_code: "KZT" units: 1250 nanos: 500000000 }
           balance { currency_code: "USD" units: 7 })pb");
  const std::string table = Print(sample, Format::kTable);
  EXPECT_THAT(table, HasSubstr("1250.50\n"));
  EXPECT_THAT(table, HasSubstr("USD"));  // not what it should be: as it came
  EXPECT_THAT(Print(sample, Format::kCsv), HasSubstr(",1250.50,"));
}

TEST(OutputTest, APageTokenIsNotCut) {
  goods::ListEntriesResponse response;
  response.set_next_page_token(std::string(100, 't'));
  EXPECT_THAT(Print(response, Format::kTable, 80), HasSubstr(std::string(100, 't') + "\n"));
}

TEST(OutputTest, ALiveStreamSaysOnceThatItIsCut) {
  std::ostringstream out;
  StreamPrinter printer(Format::kTable, true, 80, &out);
  goods::Entry entry;
  entry.set_name("editions/1/entries/850423");
  entry.set_name_ru(std::string(300, 'x'));
  printer.Print(entry);
  printer.Print(entry);
  printer.Finish();
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("Cut to fit"));
  EXPECT_EQ(text.find("Cut to fit"), text.rfind("Cut to fit"));
}

TEST(OutputTest, JsonIsTheStandardForm) {
  const auto response = Of<goods::CheckGoodsResponse>(
      R"(on_date { year: 2026 month: 1 day: 2 } edition_position: 5)");
  EXPECT_EQ(Print(response, Format::kJson),
            "{\n \"onDate\": {\n  \"year\": 2026,\n  \"month\": 1,\n  \"day\": 2\n },\n "
            "\"editionPosition\": \"5\"\n}\n");
}

TEST(OutputTest, CsvHasEveryColumn) {
  const auto response =
      Of<goods::ListEntriesResponse>(R"(entries { goods_code: "8504" name_en: "a, \"b\"" })");
  const std::string text = Print(response, Format::kCsv);
  EXPECT_THAT(text, HasSubstr("name,goods_code,name_kk,name_ru,name_en,sector,processing_level,"));
  EXPECT_THAT(text, HasSubstr(",8504,,,\"a, \"\"b\"\"\",,,"));
}

TEST(OutputTest, AListOfMessagesInOneCell) {
  const auto response = Of<goods::ListEditionsResponse>(R"(editions { decision {
      findings { rule: "IN_ORDER" } findings { rule: "NOT_EMPTY" satisfied: true } } })");
  // What does not hold says so.
  EXPECT_THAT(Print(response, Format::kTable), HasSubstr("IN_ORDER no, NOT_EMPTY yes"));
  // For programs one text of JSON.
  EXPECT_THAT(
      Print(response, Format::kCsv),
      HasSubstr(R"("[{""rule"":""IN_ORDER""},{""rule"":""NOT_EMPTY"",""satisfied"":true}]")"));
}

TEST(OutputTest, JournalEntriesAreOpenedForPeople) {
  nisi::journal::v1::Entry entry;
  entry.set_position(12);
  entry.set_actor("official");
  auto* change = entry.add_changes();
  change->set_table("editions");
  change->set_key("\x80");
  change->set_kind(nisi::journal::v1::Change::PUT);
  nisi::journal::v1::ListEntriesResponse response;
  response.add_entries()->set_leaf(entry.SerializeAsString());
  EXPECT_THAT(Print(response, Format::kTable),
              HasSubstr("12        editions 80 changed  official\n"));
  EXPECT_THAT(Print(response, Format::kCsv), HasSubstr("\"\"kind\"\":\"\"PUT\"\""));
  EXPECT_THAT(Print(response, Format::kJson), HasSubstr("\"leaf\": \""));
}

TEST(OutputTest, LiveRowsGetANewHeadingWhenTheColumnsChange) {
  std::ostringstream out;
  StreamPrinter printer(Format::kTable, true, 0, &out);
  goods::Entry entry;
  entry.set_goods_code("8504");
  printer.Print(entry);
  printer.Print(entry);
  entry.set_sector("machinery");
  printer.Print(entry);
  printer.Finish();
  EXPECT_EQ(out.str(), "GOODS CODE\n8504\n8504\nGOODS CODE  SECTOR\n8504        machinery\n");
}

TEST(OutputTest, StreamsOfJsonAreOneObjectALine) {
  std::ostringstream out;
  StreamPrinter printer(Format::kJson, true, 0, &out);
  goods::Entry entry;
  entry.set_goods_code("8504");
  printer.Print(entry);
  printer.Print(entry);
  printer.Finish();
  EXPECT_EQ(out.str(), "{\"goodsCode\":\"8504\"}\n{\"goodsCode\":\"8504\"}\n");
}

grpc::Status Refusal() {
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  info.set_reason("LEVEL_TOO_LOW");
  google::rpc::BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field("entry.processing_level");
  violation->set_description("must be MEDIUM or HIGH");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  google::rpc::RequestInfo request;
  request.set_request_id("0af7651916cd43dd8448eb211c80319c");
  nisi::rpc::v1::LegalBasis basis;
  basis.set_article("Art. 26(1)");
  basis.set_summary("Only goods of medium and high processing.");
  status.add_details()->PackFrom(info);
  status.add_details()->PackFrom(request);
  status.add_details()->PackFrom(bad);
  status.add_details()->PackFrom(retry);
  status.add_details()->PackFrom(basis);
  return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "Too\x1b low.",
                      status.SerializeAsString());
}

TEST(ErrorsTest, ARefusalTellsAllItsDetails) {
  std::ostringstream err;
  Io io;
  io.err = &err;
  EXPECT_EQ(ReportRefusal(Refusal(), Format::kTable, io), kRefused);
  EXPECT_EQ(err.str(),
            "Refused: FAILED_PRECONDITION LEVEL_TOO_LOW\n"
            "  Too  low.\n"
            "  field       entry.processing_level: must be MEDIUM or HIGH\n"
            "  law         Art. 26(1): Only goods of medium and high processing.\n"
            "  retry       in 0.5 s, with the same --request-id\n"
            "  trace       0af7651916cd43dd8448eb211c80319c\n");
  // What changes nothing has none.
  err.str("");
  const auto* reads = nisi::journal::v1::EntryRecord::descriptor()
                          ->file()
                          ->FindServiceByName("JournalService")
                          ->FindMethodByName("GetTreeHead");
  EXPECT_EQ(ReportRefusal(Refusal(), Format::kTable, io, {reads, nullptr, true}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("  retry       in 0.5 s\n"));
}

std::string WordsOf(grpc::StatusCode code, const char* reason,
                    const std::map<std::string, std::string>& metadata = {}) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  std::ostringstream err;
  Io io;
  io.err = &err;
  ReportRefusal({code, "No.", status.SerializeAsString()}, Format::kTable, io);
  return err.str();
}

TEST(ErrorsTest, WhoCallsWronglyIsToldWhatToDo) {
  using grpc::StatusCode;
  EXPECT_THAT(WordsOf(StatusCode::UNAUTHENTICATED, "IDENTITY_REQUIRED"), HasSubstr("--as ROLE"));
  EXPECT_THAT(WordsOf(StatusCode::UNAUTHENTICATED, "TOKEN_EXPIRED"), HasSubstr("nisi token"));
  EXPECT_THAT(WordsOf(StatusCode::PERMISSION_DENIED, "ACCESS_DENIED"), HasSubstr("nisi describe"));
  EXPECT_THAT(WordsOf(StatusCode::INVALID_ARGUMENT, "FILTER_INVALID"),
              HasSubstr("--filter 'state"));
  EXPECT_THAT(WordsOf(StatusCode::INVALID_ARGUMENT, "PROCESS_UNKNOWN"),
              HasSubstr("--service takes one of priority-goods, industry-map, "));
  // The service is away, and says so with when to come again.
  EXPECT_THAT(WordsOf(StatusCode::UNAVAILABLE, "BACKEND_UNAVAILABLE"), Not(HasSubstr("next")));
}

TEST(ErrorsTest, WhatIsSaidBesidesHasOneOrder) {
  EXPECT_THAT(WordsOf(grpc::StatusCode::FAILED_PRECONDITION, "EDITION_STATE",
                      {{"verb", "approve"}, {"state", "DRAFT"}, {"allowed", "SUBMITTED"}}),
              HasSubstr("  allowed     SUBMITTED\n  state       DRAFT\n  verb        approve\n"));
}

TEST(ErrorsTest, AReasonNamedAsItsCodeIsSaidOnce) {
  google::rpc::ErrorInfo info;
  info.set_reason("NOT_FOUND");
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  std::ostringstream err;
  Io io;
  io.err = &err;
  ReportRefusal(
      {grpc::StatusCode::NOT_FOUND, "There is no such record.", status.SerializeAsString()},
      Format::kTable, io);
  EXPECT_EQ(err.str(), "Refused: NOT_FOUND\n  There is no such record.\n");
}

TEST(ErrorsTest, ForProgramsOneJsonObject) {
  std::ostringstream err;
  Io io;
  io.err = &err;
  ReportRefusal(Refusal(), Format::kJson, io);
  EXPECT_THAT(err.str(), HasSubstr(R"("reason":"LEVEL_TOO_LOW")"));
  EXPECT_THAT(err.str(), HasSubstr(R"("retryDelaySeconds":0.5)"));
  EXPECT_THAT(err.str(), HasSubstr(R"("trace":"0af7651916cd43dd8448eb211c80319c")"));
  EXPECT_THAT(err.str(), HasSubstr(R"x("article":"Art. 26(1)")x"));
}

TEST(ErrorsTest, ExitCodes) {
  std::ostringstream err;
  Io io;
  io.err = &err;
  using grpc::StatusCode;
  EXPECT_EQ(ReportRefusal({StatusCode::UNAVAILABLE, ""}, Format::kTable, io), kUnavailable);
  EXPECT_EQ(ReportRefusal({StatusCode::DEADLINE_EXCEEDED, ""}, Format::kTable, io), kUnavailable);
  EXPECT_EQ(ReportRefusal({StatusCode::NOT_FOUND, ""}, Format::kTable, io), kRefused);
  EXPECT_EQ(ReportUsage(absl::InvalidArgumentError("x"), "", Format::kTable, io), kUsage);
}

}  // namespace
}  // namespace nisi::cli
