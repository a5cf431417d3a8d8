#include "common/base/lines.h"

#include <gtest/gtest.h>

namespace nisi::base {
namespace {

using Format = LineWriter::Format;

TEST(LineWriterTest, WritesCsv) {
  LineWriter writer(Format::kCsv, {"bin", "name"});
  writer.Add({"1", "Завод, \"Алатау\""});
  writer.Add({"2", "=1+1"});
  const std::string text = writer.Take();
  EXPECT_EQ(text, "bin,name\r\n1,\"Завод, \"\"Алатау\"\"\"\r\n2,'=1+1\r\n");
  EXPECT_EQ(writer.count(), 2);
  EXPECT_EQ(writer.Digest(), Sha256Bytes(text));
}

TEST(LineWriterTest, WritesJsonLines) {
  LineWriter writer(Format::kJsonLines, {"bin", "name", "note"});
  writer.Add({"1", "a \"b\" \\", "x\ny\t\x01"});
  const std::string first = writer.Take();
  EXPECT_EQ(first, "{\"bin\":\"1\",\"name\":\"a \\\"b\\\" \\\\\",\"note\":\"x\\ny\\t\\u0001\"}\n");
  writer.Add({"", "", ""});
  writer.Add({"2", "", "n"});
  EXPECT_GT(writer.pending(), 0u);
  const std::string second = writer.Take();
  EXPECT_EQ(second, "{}\n{\"bin\":\"2\",\"note\":\"n\"}\n");
  EXPECT_EQ(writer.pending(), 0u);
  EXPECT_EQ(writer.count(), 3);
  EXPECT_EQ(writer.Digest(), Sha256Bytes(first + second));
}

TEST(LineWriterTest, NothingButTheColumnsIsNoLine) {
  LineWriter writer(Format::kCsv, {"bin"});
  EXPECT_EQ(writer.Take(), "bin\r\n");
  EXPECT_EQ(writer.count(), 0);
}

}  // namespace
}  // namespace nisi::base
