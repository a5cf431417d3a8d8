#include "tools/nisi/csv_import.h"

#include <algorithm>
#include <fstream>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/csv.h"
#include "common/base/status.h"
#include "nisi/rpc/v1/import.pb.h"
#include "tools/nisi/call.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"
#include "tools/nisi/output.h"
#include "tools/nisi/rows.h"

namespace nisi::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr int kBatchRows = 500;
// A message stays well below the 4 MiB that a server takes.
constexpr size_t kBatchBytes = 1 << 20;
constexpr size_t kShownRows = 20;
constexpr char kRowNumber[] = "row_number";
constexpr char kRowCount[] = "row_count";

constexpr char kInUtf8[] = ": save the file as CSV UTF-8, or convert it, as by iconv -t UTF-8 -f ";

// Names by which tables out in the world call a field.
constexpr std::pair<const char*, const char*> kAliases[] = {{"hs_code", "goods_code"}};

const FieldDescriptor* MessageField(const Descriptor& type, const char* name) {
  const auto* field = type.FindFieldByName(name);
  return field != nullptr && field->message_type() != nullptr &&
                 field->real_containing_oneof() != nullptr
             ? field
             : nullptr;
}

absl::Status UnknownColumn(const std::string& column, const Descriptor& row) {
  std::vector<std::string> names;
  for (int i = 0; i < row.field_count(); ++i) names.push_back(row.field(i)->name());
  return absl::InvalidArgumentError(absl::StrCat(
      "Column ", column, " is no field.", DidYouMean(column, names), " Rename it with --map ",
      column.find(' ') == std::string::npos ? absl::StrCat(column, "=FIELD")
                                            : absl::StrCat("'", column, "=FIELD'"),
      " (", absl::StrJoin(names, ", "), ") or pass over such columns with --ignore-columns."));
}

// The field of each column; null for one to pass over.
absl::StatusOr<std::vector<const FieldDescriptor*>> FieldsOf(const std::vector<std::string>& header,
                                                             const Descriptor& row,
                                                             const ColumnMap& map) {
  for (const auto& [column, field] : map.renames) {
    if (std::find(header.begin(), header.end(), column) == header.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--map names column ", column, ", which the file does not have."));
    }
  }
  std::vector<const FieldDescriptor*> fields;
  for (const std::string& column : header) {
    std::string name = column;
    if (const auto renamed = map.renames.find(column); renamed != map.renames.end()) {
      name = renamed->second;
    } else if (row.FindFieldByName(name) == nullptr) {
      for (const auto& [alias, field] : kAliases) name = name == alias ? field : name;
    }
    const FieldDescriptor* field = row.FindFieldByName(name);
    if (field == nullptr && !(map.ignore_unknown && name == column))
      return UnknownColumn(name, row);
    const bool twice =
        field != nullptr && std::find(fields.begin(), fields.end(), field) != fields.end();
    if (twice) return absl::InvalidArgumentError(absl::StrCat("Two columns give ", name, "."));
    fields.push_back(field);
  }
  return fields;
}

// A line with nothing in it, as spreadsheets leave them at the end and people between parts. Of a
// table of one column it is a row.
bool IsBlank(const base::CsvReader& reader) {
  return !reader.broken() && reader.row().size() == 1 && reader.row()[0].empty();
}

bool IsInvalid(const Message* item) {
  const auto* outcome = item->GetDescriptor()->FindFieldByName("outcome");
  return outcome != nullptr && item->GetReflection()->GetEnum(*item, outcome)->name() == "INVALID";
}

// The items that were not entered: those whose `outcome` is not the first. INVALID ones, which are
// to be mended before anything enters, come before those that stay out by law.
std::vector<const Message*> NotEntered(const std::vector<const Message*>& items) {
  std::vector<const Message*> out;
  for (const Message* item : items) {
    const auto* outcome = item->GetDescriptor()->FindFieldByName("outcome");
    if (outcome == nullptr || item->GetReflection()->GetEnumValue(*item, outcome) != 1)
      out.push_back(item);
  }
  std::stable_partition(out.begin(), out.end(), IsInvalid);
  return out;
}

// A line for each fault of each row.
std::vector<MessagePtr> LinesOf(const std::vector<const Message*>& rows) {
  std::vector<MessagePtr> lines;
  for (const Message* row : rows) {
    lines.emplace_back(row->New())->CopyFrom(*row);
    auto* known = dynamic_cast<nisi::rpc::v1::ImportReport::Row*>(lines.back().get());
    if (known == nullptr) continue;
    const auto faults = known->further_faults();
    known->clear_further_faults();
    for (const auto& fault : faults) {
      auto line = std::make_unique<nisi::rpc::v1::ImportReport::Row>(*known);
      line->set_field(fault.field());
      line->set_description(fault.description());
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

bool Flag(const Message& message, const char* name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  return field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL &&
         message.GetReflection()->GetBool(message, field);
}

// Whether an import of these rows would enter some, of which a dry run tells and does nothing: none
// is INVALID, not all are refused and, where the header says so, none is.
bool WouldEnter(const Message& header, const Message& response, const FieldDescriptor& rows) {
  const auto all = ItemsOf(response, rows);
  const auto rest = NotEntered(all);
  if (rest.empty()) return true;
  return rest.size() < all.size() && !Flag(header, "all_or_none") && !IsInvalid(rest.front());
}

// `done`: whether what is counted as entered is in the register now; `would`: whether it can be.
void PrintReport(const Message& response, const FieldDescriptor& rows, bool done, bool would,
                 bool all_rows, int width, std::ostream* out) {
  const auto rest = NotEntered(ItemsOf(response, rows));
  std::vector<const Message*> shown = rest;
  if (!all_rows && shown.size() > kShownRows) shown.resize(kShownRows);
  if (!shown.empty()) {
    std::vector<int> widths;
    const std::vector<MessagePtr> lines = LinesOf(shown);
    std::vector<const Message*> items;
    for (const MessagePtr& line : lines) items.push_back(line.get());
    *out << Render(WithoutEmpty(TableOf(*rows.message_type(), items)), width, &widths, true);
    if (shown.size() < rest.size()) {
      *out << "... and " << rest.size() - shown.size()
           << " more (--all-rows shows them, --report FILE keeps them)\n";
    }
    *out << "\n";
  }
  std::vector<std::string> summary;
  const auto& type = *response.GetDescriptor();
  for (const Column& column : ColumnsOf(type)) {
    if (column.path.size() > 1 || column.path[0]->is_repeated()) continue;
    const std::string name = absl::StrReplaceAll(column.name, {{"_count", ""}, {"_", " "}});
    if (name == "entered" && !done) {
      summary.push_back(absl::StrCat("would enter ", would ? CellOf(response, column) : "0"));
      continue;
    }
    summary.push_back(absl::StrCat(name, " ", CellOf(response, column)));
  }
  *out << absl::StrJoin(summary, ", ") << "\n";
  // The law behind refusals, and anything else that is a list.
  for (const Column& column : ColumnsOf(type)) {
    if (column.path[0] == &rows || !column.path[0]->is_repeated()) continue;
    if (const std::string text = CellOf(response, column); !text.empty())
      *out << OneLine(text) << "\n";
  }
}

absl::Status WriteReport(const std::string& path, const Message& response,
                         const FieldDescriptor& rows) {
  std::ofstream file(path, std::ios::binary);
  const Table table = TableOf(*rows.message_type(), ItemsOf(response, rows));
  file << RenderCsvRow(table.columns);
  for (const auto& row : table.rows) file << RenderCsvRow(row);
  file.close();
  return file ? absl::OkStatus() : absl::NotFoundError(absl::StrCat("cannot write ", path));
}

int CountRows(const std::vector<MessagePtr>& batches, const ImportShape& shape) {
  int count = 0;
  for (const MessagePtr& batch : batches) {
    const Message& rows = batch->GetReflection()->GetMessage(*batch, shape.rows);
    count += rows.GetReflection()->FieldSize(rows, shape.items);
  }
  return count;
}

absl::StatusOr<std::vector<MessagePtr>> BatchesOf(const Args& args, const MethodDescriptor& method,
                                                  const ImportShape& shape, const Io& io) {
  if (!args.Has("csv"))
    return absl::InvalidArgumentError("--csv FILE is needed: the rows to take in.");
  ASSIGN_OR_RETURN(const ColumnMap map,
                   ParseColumnMap(args.Get("map"), args.Has("ignore-columns")));
  const std::string path = args.Get("csv");
  if (path == "-") return ReadBatches(io.in, "standard input", *method.input_type(), shape, map);
  ASSIGN_OR_RETURN(std::ifstream file, OpenToRead(path));
  return ReadBatches(&file, path, *method.input_type(), shape, map);
}

}  // namespace

std::optional<ImportShape> ImportShapeOf(const MethodDescriptor& method) {
  if (!method.client_streaming() || method.server_streaming()) return std::nullopt;
  const FieldDescriptor* header = MessageField(*method.input_type(), "header");
  const FieldDescriptor* rows = MessageField(*method.input_type(), "rows");
  if (header == nullptr || rows == nullptr) return std::nullopt;
  const Descriptor& type = *rows->message_type();
  if (type.field_count() != 1 || !type.field(0)->is_repeated() ||
      type.field(0)->message_type() == nullptr) {
    return std::nullopt;
  }
  const FieldDescriptor* count = header->message_type()->FindFieldByName(kRowCount);
  const bool counts = count != nullptr && !count->is_repeated() &&
                      count->cpp_type() == FieldDescriptor::CPPTYPE_INT32;
  return ImportShape{header, rows, type.field(0), counts ? count : nullptr};
}

absl::StatusOr<ColumnMap> ParseColumnMap(const std::string& text, bool ignore_unknown) {
  ColumnMap map;
  map.ignore_unknown = ignore_unknown;
  for (const std::string& part :
       std::vector<std::string>(absl::StrSplit(text, ',', absl::SkipEmpty()))) {
    const std::vector<std::string> sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (sides.size() != 2 || sides[0].empty() || sides[1].empty()) {
      return absl::InvalidArgumentError("--map takes COLUMN=FIELD,COLUMN=FIELD.");
    }
    map.renames[sides[0]] = absl::StrReplaceAll(sides[1], {{"-", "_"}});
  }
  return map;
}

absl::StatusOr<std::vector<MessagePtr>> ReadBatches(std::istream* in, const std::string& name,
                                                    const Descriptor& request,
                                                    const ImportShape& shape,
                                                    const ColumnMap& map) {
  base::CsvReader reader(in, name);
  if (const absl::Status status = reader.ReadHeader({}); !status.ok()) {
    // UTF-16, as spreadsheets save "Unicode text", has a zero beside each letter.
    const bool wide = absl::StrContains(status.message(), "NUL byte");
    return absl::InvalidArgumentError(
        absl::StrCat(status.message(), wide ? absl::StrCat(kInUtf8, "UTF-16") : ""));
  }
  const Descriptor& row_type = *shape.items->message_type();
  ASSIGN_OR_RETURN(const auto fields, FieldsOf(reader.header(), row_type, map));
  const auto* row_number = row_type.FindFieldByName(kRowNumber);
  const bool own_numbers = std::find(fields.begin(), fields.end(), row_number) != fields.end();

  std::vector<MessagePtr> batches;
  Message* rows = nullptr;
  size_t bytes = 0;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next();
    if (!more.ok() && IsBlank(reader)) continue;
    if (!more.ok()) return more.status();
    if (!*more) return batches;
    if (rows == nullptr || rows->GetReflection()->FieldSize(*rows, shape.items) == kBatchRows ||
        bytes > kBatchBytes) {
      batches.push_back(NewMessage(request));
      rows = batches.back()->GetReflection()->MutableMessage(batches.back().get(), shape.rows);
      bytes = 0;
    }
    Message* row = rows->GetReflection()->AddMessage(rows, shape.items);
    if (row_number != nullptr && !own_numbers) {
      row->GetReflection()->SetInt32(row, row_number, static_cast<int32_t>(reader.line()));
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      const std::string& cell = reader.row()[i];
      if (fields[i] == nullptr || cell.empty()) continue;
      if (const auto status = SetField(*fields[i], cell, row); !status.ok()) {
        return reader.Error(absl::StrCat("column ", reader.header()[i], " ", status.message(),
                                         IsUtf8(cell) ? "" : absl::StrCat(kInUtf8, "CP1251")));
      }
    }
    bytes += row->ByteSizeLong();
  }
}

int RunImport(const MethodDescriptor& method, const ImportShape& shape, const Client& client,
              const CallOptions& options, const Args& args, Format format, int width,
              const Io& io) {
  const auto batches = BatchesOf(args, method, shape, io);
  if (!batches.ok()) return ReportUsage(batches.status(), "", format, io);
  const int row_count = CountRows(*batches, shape);
  if (row_count == 0)
    return ReportUsage(absl::InvalidArgumentError("The CSV has no rows."), "", format, io);
  const auto header = BuildRequest(method, args, format, io);
  if (!header.ok()) return ReportUsage(header.status(), "", format, io);
  if (shape.row_count != nullptr)
    (*header)->GetReflection()->SetInt32(header->get(), shape.row_count, row_count);

  size_t sent = 0;
  auto next = [&](Message* message) {
    if (sent == 0) {
      message->GetReflection()->MutableMessage(message, shape.header)->CopyFrom(**header);
    } else if (sent <= batches->size()) {
      message->CopyFrom(*(*batches)[sent - 1]);
    }
    return sent++ <= batches->size();
  };
  const MessagePtr response = NewMessage(*method.output_type());
  const grpc::Status status = client.Call(method, options, next, [&](const Message& message) {
    response->CopyFrom(message);
    return true;
  });
  if (!status.ok())
    return ReportRefusal(status, format, io, {&method, nullptr, client.signed_in()});

  const FieldDescriptor* rows = MainField(*method.output_type());
  if (rows != nullptr && args.Has("report")) {
    const auto written = WriteReport(args.Get("report"), *response, *rows);
    if (!written.ok()) return ReportUsage(written, "", format, io);
  }
  const bool dry_run = Flag(**header, "dry_run");
  const bool reports_commit = method.output_type()->FindFieldByName("committed") != nullptr;
  const bool done = !dry_run && (!reports_commit || Flag(*response, "committed"));
  if (format == Format::kTable && rows != nullptr) {
    PrintReport(*response, *rows, done, WouldEnter(**header, *response, *rows),
                args.Has("all-rows"), width, io.out);
  } else {
    PrintMessage(*response, format, width, io.out);
  }
  if (dry_run) return rows == nullptr || WouldEnter(**header, *response, *rows) ? kDone : kRefused;
  return done ? kDone : kRefused;
}

}  // namespace nisi::cli
