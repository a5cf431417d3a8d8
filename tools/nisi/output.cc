#include "tools/nisi/output.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/util/json_util.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kAllShown[] = "--wide or --format json";

std::string Json(const Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = pretty;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return "{}";
  if (!pretty) json += "\n";
  return json;
}

// The rows of a message: those of its main field, else itself.
Table RowsOf(const Message& message, Detail detail) {
  if (const std::unique_ptr<Message> opened = Opened(message)) return RowsOf(*opened, detail);
  const FieldDescriptor* main = MainField(*message.GetDescriptor());
  if (main == nullptr) return TableOf(*message.GetDescriptor(), {&message}, detail);
  // Items that open into another type are rows of that type.
  std::vector<std::unique_ptr<Message>> opened;
  std::vector<const Message*> items = ItemsOf(message, *main);
  for (const Message*& item : items) {
    if (auto inner = Opened(*item)) {
      opened.push_back(std::move(inner));
      item = opened.back().get();
    }
  }
  const bool all_opened = !items.empty() && opened.size() == items.size();
  return TableOf(all_opened ? *items[0]->GetDescriptor() : *main->message_type(), items, detail);
}

// Repeated messages, each shown as a table of its own.
void CollectTables(const Message& message, const std::string& above,
                   std::vector<std::pair<std::string, Table>>* tables) {
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() == nullptr || field->is_map()) continue;
    const std::string name = absl::StrCat(above, above.empty() ? "" : ".", field->name());
    if (field->is_repeated()) {
      if (const auto items = ItemsOf(message, *field); !items.empty()) {
        tables->emplace_back(name, TableOf(*field->message_type(), items, Detail::kBrief));
      }
    } else if (!IsValueMessage(*field->message_type()) &&
               message.GetReflection()->HasField(message, field)) {
      CollectTables(message.GetReflection()->GetMessage(message, field), name, tables);
    }
  }
}

// "name  value" lines of everything but repeated messages. They are not cut: half a page token or
// hash is of no use.
std::string Scalars(const Message& message) {
  Table table;
  table.columns = {"", ""};
  for (const Column& column : ColumnsOf(*message.GetDescriptor())) {
    const FieldDescriptor& field = *column.path.back();
    if (field.is_repeated() && field.message_type() != nullptr) continue;
    const std::string cell = CellOf(message, column, Detail::kBrief);
    if (!cell.empty())
      table.rows.push_back({absl::StrReplaceAll(column.name, {{"_", " "}, {".", " "}}), cell});
  }
  std::vector<int> widths;
  return Render(table, 0, &widths, false);
}

std::string TableText(const Table& table, int width, bool* cut) {
  std::vector<int> widths;
  return Render(WithoutEmpty(table), width, &widths, true, cut);
}

std::string ForPeople(const Message& message, int width) {
  if (const std::unique_ptr<Message> opened = Opened(message)) return ForPeople(*opened, width);
  bool cut = false;
  const FieldDescriptor* main = MainField(*message.GetDescriptor());
  std::string out;
  if (main != nullptr) {
    const Table rows = RowsOf(message, Detail::kBrief);
    absl::StrAppend(&out, rows.rows.empty() ? absl::StrCat("No ", main->name(), ".\n")
                                            : TableText(rows, width, &cut));
  }
  const std::string scalars = Scalars(message);
  if (!out.empty() && !scalars.empty()) out += "\n";
  out += scalars;
  std::vector<std::pair<std::string, Table>> tables;
  CollectTables(message, "", &tables);
  for (const auto& [name, table] : tables) {
    if (main != nullptr && name == main->name()) continue;
    absl::StrAppend(&out, out.empty() ? "" : "\n",
                    absl::StrReplaceAll(name, {{"_", " "}, {".", " "}}), ":\n",
                    TableText(table, width, &cut));
  }
  if (cut) out += CutNote(kAllShown);
  return out.empty() ? "Done.\n" : out;
}

}  // namespace

absl::StatusOr<Format> ParseFormat(absl::string_view name) {
  if (name.empty() || name == "table") return Format::kTable;
  if (name == "json") return Format::kJson;
  if (name == "csv") return Format::kCsv;
  return absl::InvalidArgumentError("--format takes one of table, json, csv.");
}

void PrintMessage(const Message& message, Format format, int width, std::ostream* out) {
  switch (format) {
    case Format::kJson:
      *out << Json(message, true);
      return;
    case Format::kCsv: {
      const Table table = RowsOf(message, Detail::kFull);
      *out << RenderCsvRow(table.columns);
      for (const auto& row : table.rows) *out << RenderCsvRow(row);
      return;
    }
    case Format::kTable:
      *out << ForPeople(message, width);
      return;
  }
}

void StreamPrinter::Print(const Message& message) {
  if (format_ == Format::kJson) {
    *out_ << Json(message, false) << std::flush;
    return;
  }
  AddRows(RowsOf(message, format_ == Format::kCsv ? Detail::kFull : Detail::kBrief));
}

void StreamPrinter::AddRows(const Table& table) {
  if (format_ == Format::kCsv) {
    if (!csv_heading_done_) *out_ << RenderCsvRow(table.columns);
    csv_heading_done_ = true;
    for (const auto& row : table.rows) *out_ << RenderCsvRow(row);
    *out_ << std::flush;
  } else if (live_) {
    PrintTable(WithoutEmpty(table));
  } else {
    kept_.columns = table.columns;
    kept_.rows.insert(kept_.rows.end(), table.rows.begin(), table.rows.end());
  }
}

void StreamPrinter::PrintTable(const Table& table) {
  if (table.rows.empty()) return;
  // A new heading whenever the columns in use change.
  const bool heading = table.columns != shown_columns_;
  if (heading) widths_.clear();
  shown_columns_ = table.columns;
  bool cut = false;
  *out_ << Render(table, width_, &widths_, heading, &cut);
  if (cut && !cut_told_) *out_ << CutNote(kAllShown);
  cut_told_ |= cut;
  *out_ << std::flush;
}

void StreamPrinter::Finish(bool whole) {
  if (format_ == Format::kTable && !live_) {
    if (kept_.rows.empty()) {
      if (whole) *out_ << "Nothing.\n";
    } else {
      PrintTable(WithoutEmpty(kept_));
    }
  }
  *out_ << std::flush;
}

}  // namespace nisi::cli
