#include "common/base/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace nisi::base {
namespace {

using ::testing::ElementsAre;
using CsvRows = std::vector<std::vector<std::string>>;

// All rows after the header, or the message of the first error.
absl::StatusOr<CsvRows> ReadAll(const std::string& text, CsvLimits limits = {}) {
  std::istringstream in(text);
  CsvReader reader(&in, "f.csv", limits);
  if (auto status = reader.ReadHeader({"a"}); !status.ok()) return status;
  CsvRows rows;
  while (true) {
    const auto any = reader.Next();
    if (!any.ok()) return any.status();
    if (!*any) return rows;
    rows.push_back(reader.row());
  }
}

TEST(CsvReaderTest, Reads) {
  const struct {
    const char* text;
    CsvRows want;
  } kCases[] = {
      {"a,b\n1,2\n3,4\n", {{"1", "2"}, {"3", "4"}}},
      {"a,b\n1,2", {{"1", "2"}}},  // no line feed at the end
      {"a,b\r\n1,2\r\n", {{"1", "2"}}},
      {"a,b\n", {}},
      {"a,b", {}},
      {"a,b\n,\n", {{"", ""}}},
      {"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", {{"x,y", "say \"hi\""}}},
      {"a,b\n\"line 1\nline 2\r\nline 3\",z\n", {{"line 1\nline 2\r\nline 3", "z"}}},
      {"a,b\n\"\",\"\"\n", {{"", ""}}},
      {"\xef\xbb\xbf"
       "a,b\n1,2\n",
       {{"1", "2"}}},
      {"\xef\xbb\xbf\"a\",b\n1,2\n", {{"1", "2"}}},
      {"a\nx\n\ny\n", {{"x"}, {""}, {"y"}}},  // one column: an empty line is an empty field
      {"a,b\n 1 ,ж\n", {{" 1 ", "ж"}}},
  };
  for (const auto& c : kCases) {
    const auto got = ReadAll(c.text);
    ASSERT_TRUE(got.ok()) << c.text << got.status();
    EXPECT_EQ(*got, c.want) << c.text;
  }
}

TEST(CsvReaderTest, TheFirstRowTellsWhatPartsFields) {
  const struct {
    const char* what;
    const char* text;
    CsvRows want;
  } kCases[] = {
      {"semicolons", "a;b\n1;2\n", {{"1", "2"}}},
      {"commas are text then", "a;b\r\n\"1,5\";2,5\r\n", {{"1,5", "2,5"}}},
      {"tabs", "a\tb\n1,5\t2;3\n", {{"1,5", "2;3"}}},
      {"tabs in fields", "a,b\n1\t2,3\n", {{"1\t2", "3"}}},
      {"a quoted semicolon", "a;b\n\"x;y\";\"say \"\"hi\"\"\"\n", {{"x;y", "say \"hi\""}}},
      {"quoted names, a comma in one", "\"a\";\"b, c\"\n1;2\n", {{"1", "2"}}},
      {"a byte order mark", "\xef\xbb\xbf\"a\";b\n1;2", {{"1", "2"}}},
      {"a line feed in a name", "a;\"b\nc\"\n1;2\n", {{"1", "2"}}},
      {"no row", "a;b", {}},
      {"both: commas", "a,b;c\n1;2,3\n", {{"1;2", "3"}}},
      {"no separator: one column", "a\n1;2\n", {{"1;2"}}},
      {"semicolons below only", "a,b\n1;2,3\n", {{"1;2", "3"}}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    const auto got = ReadAll(c.text);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, c.want);
  }
  EXPECT_EQ(std::string(ReadAll("a;b\n1,2\n").status().message()),
            "f.csv:2: has 1 columns, needs 2");
  EXPECT_EQ(std::string(ReadAll("a;a\n").status().message()),
            "f.csv:1: the column a is there twice");
}

TEST(CsvReaderTest, RefusesWithFileAndLine) {
  const struct {
    std::string text;
    const char* message;
  } kCases[] = {
      {"", "f.csv:1: the header row is missing"},
      {"b\n", "f.csv:1: the column a is missing"},
      {"a,a\n", "f.csv:1: the column a is there twice"},
      {"a,\n", "f.csv:1: a column has no name"},
      {"a,b\n1\n", "f.csv:2: has 1 columns, needs 2"},
      {"a,b\n1,2,3\n", "f.csv:2: has 3 columns, needs 2"},
      {"a,b\n1,2\n\n", "f.csv:3: has 1 columns, needs 2"},
      {"a,b\n1,2\n\"3,4\n5,6\n", "f.csv:3: a quoted field does not end"},
      {"a,b\n\"x\ny\",2\n1,2\"3\n", "f.csv:4: a quote stands inside a field that is not quoted"},
      {"a,b\n\"x\"y,2\n", "f.csv:2: something follows a closing quote"},
      {"a,b\n1,2\r3,4\n", "f.csv:2: a carriage return stands without a line feed"},
      {std::string("a,b\n1,\0\n", 8), "f.csv:2: has a NUL byte"},
      {"a\n" + std::string(11, 'x'), "f.csv:2: has a field of more than 10 bytes"},
      {"a,b,c\n" + std::string(9, 'x') + "," + std::string(9, 'x') + "," + std::string(9, 'x'),
       "f.csv:2: has more than 20 bytes"},
      {"a,b,c,d,e\n", "f.csv:1: has more than 4 columns"},
  };
  for (const auto& c : kCases) {
    const auto got =
        ReadAll(c.text, {.max_field_bytes = 10, .max_row_bytes = 20, .max_columns = 4});
    ASSERT_FALSE(got.ok()) << c.text;
    EXPECT_EQ(std::string(got.status().message()), c.message) << c.text;
  }
}

TEST(CsvReaderTest, GoesOnAfterAWrongCountButNotAfterABrokenRow) {
  std::istringstream in("a,b\n1\n2,3\n\"4\"x,5\n6,7\n");
  CsvReader reader(&in);
  ASSERT_TRUE(reader.ReadHeader({"b", "a"}).ok());
  EXPECT_EQ(std::string(reader.Next().status().message()), "line 2: has 1 columns, needs 2");
  EXPECT_FALSE(reader.broken());
  ASSERT_TRUE(reader.Next().value());
  EXPECT_EQ(reader.Get("b"), "3");
  EXPECT_EQ(reader.Get("c"), "");
  EXPECT_EQ(reader.Column("a"), 0);
  EXPECT_EQ(reader.Column("c"), -1);
  EXPECT_EQ(reader.line(), 3);
  EXPECT_EQ(std::string(reader.Error("is odd").message()), "line 3: is odd");
  EXPECT_FALSE(reader.Next().ok());
  EXPECT_TRUE(reader.broken());
  EXPECT_FALSE(reader.Next().ok());
}

TEST(CsvWriterTest, QuotesWhatNeedsIt) {
  std::string out;
  AppendCsvRow(out, {"a", "b,c", "say \"hi\"", "x\ny", ""});
  AppendCsvRow(out, {""});
  EXPECT_EQ(out, "a,\"b,c\",\"say \"\"hi\"\"\",\"x\ny\",\n\"\"\n");
}

TEST(CsvWriterTest, SpreadsheetSafe) {
  const CsvStyle style{.spreadsheet_safe = true, .line_end = "\r\n"};
  std::string out;
  AppendCsvRow(out, {"=1+1", "+7", "-5", "@x", "\tx", "a=b", "=\"x\""}, style);
  EXPECT_EQ(out, "'=1+1,'+7,'-5,'@x,'\tx,a=b,\"'=\"\"x\"\"\"\r\n");
  out.clear();
  AppendCsvRow(out, {"=1+1", "-5"});
  EXPECT_EQ(out, "=1+1,-5\n");
}

TEST(CsvWriterTest, WhatIsWrittenReadsBack) {
  const CsvRows rows = {{"a", "b"}, {"", ""}, {"x,\"y\"", "1\r\n2"}, {"'", " "}};
  std::string out = "a,b\n";
  for (const auto& row : rows) AppendCsvRow(out, row);
  EXPECT_EQ(ReadAll(out).value(), rows);
}

// The first row tells what parts fields, so one column must not look like two.
TEST(CsvWriterTest, OneColumnWithASemicolonOrATabReadsBack) {
  for (const std::string between : {";", "\t"}) {
    const std::string name = "a" + between + "b";
    const std::string field = "1" + between + "2";
    std::string out;
    AppendCsvRow(out, {name});
    AppendCsvRow(out, {field});
    EXPECT_EQ(out, "\"" + name + "\"\n\"" + field + "\"\n");
    std::istringstream in(out);
    CsvReader reader(&in);
    ASSERT_TRUE(reader.ReadHeader({name}).ok());
    ASSERT_TRUE(reader.Next().value());
    EXPECT_THAT(reader.row(), ElementsAre(field));
  }
}

}  // namespace
}  // namespace nisi::base
