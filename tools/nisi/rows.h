#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

// Messages as rows and cells of text.
namespace nisi::cli {

struct Column {
  // Field names joined by dots.
  std::string name;
  std::vector<const google::protobuf::FieldDescriptor*> path;
};

// One column a value; a nested message gives its own columns, down to four levels.
std::vector<Column> ColumnsOf(const google::protobuf::Descriptor& type);

// kFull loses nothing: messages of a list are JSON. kBrief shows of such messages what people look
// for: plain values, without names and bytes.
enum class Detail { kFull, kBrief };

// The value as text: dates as 2026-01-31, lists joined by commas, bytes in hex; empty when absent.
std::string CellOf(const google::protobuf::Message& message, const Column& column,
                   Detail detail = Detail::kFull);

// The repeated field whose items are the rows of an answer; null when there is none.
const google::protobuf::FieldDescriptor* MainField(const google::protobuf::Descriptor& type);
// The items of a repeated message field.
std::vector<const google::protobuf::Message*> ItemsOf(
    const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);

// What people see instead of the message: a journal entry's leaf, opened. Null when it is to be
// seen as it is.
std::unique_ptr<google::protobuf::Message> Opened(const google::protobuf::Message& message);

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// All columns of the type, also empty ones; the journal's in brief are made for people.
Table TableOf(const google::protobuf::Descriptor& type,
              const std::vector<const google::protobuf::Message*>& items,
              Detail detail = Detail::kFull);
// Without its empty columns.
Table WithoutEmpty(const Table& table);
// Names as short as they can be and still differ, in capitals.
std::vector<std::string> Headings(const std::vector<std::string>& columns);

// Aligned lines. `width` 0 does not cut. `widths` are kept between calls so that later rows align
// with earlier. `cut` becomes true when the width made something go.
std::string Render(const Table& table, int width, std::vector<int>* widths, bool heading,
                   bool* cut = nullptr);
// The line below what was cut: which flags show all.
std::string CutNote(absl::string_view ways);
std::string RenderCsvRow(const std::vector<std::string>& cells);

}  // namespace nisi::cli
