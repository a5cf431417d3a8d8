#include "tools/nisi/rows.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/csv.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/type/date.pb.h"
#include "google/type/money.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/rpc/v1/legal_basis.pb.h"
#include "tools/nisi/fit.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/journal_table.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxColumnDepth = 4;

// Shown in one cell.
bool IsCell(const Descriptor& type) {
  return IsValueMessage(type) || type.full_name() == "nisi.rpc.v1.LegalBasis" ||
         type.full_name() == "google.protobuf.Any";
}

void Collect(const Descriptor& type, const Column& above, std::vector<Column>* columns) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    Column column = above;
    column.name = absl::StrCat(above.name, above.name.empty() ? "" : ".", field->name());
    column.path.push_back(field);
    const bool nested = field->message_type() != nullptr && !field->is_repeated() &&
                        !IsCell(*field->message_type()) && column.path.size() < kMaxColumnDepth;
    if (nested) {
      Collect(*field->message_type(), column, columns);
    } else {
      columns->push_back(column);
    }
  }
}

std::string JsonOf(const Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) return "?";
  if (json.size() > 1 && json.front() == '"') json = json.substr(1, json.size() - 2);
  return json;
}

std::string BriefOf(const Message& message);

bool IsText(const FieldDescriptor* field) {
  return field != nullptr && field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated();
}

// A fact, or anything like it, reads best as an equation.
bool IsEquation(const Descriptor& type) {
  return IsText(type.FindFieldByName("name")) && IsText(type.FindFieldByName("value"));
}

std::string TextOf(const Message& message, Detail detail) {
  if (const auto* date = dynamic_cast<const google::type::Date*>(&message)) {
    return absl::StrFormat("%04d-%02d-%02d", date->year(), date->month(), date->day());
  }
  if (const auto* money = dynamic_cast<const google::type::Money*>(&message)) {
    // As all sums are: in tenge, to the tiyn. What is none is shown as it came.
    const auto sum = base::Money::FromProto(*money);
    return sum.ok() ? sum->ToString() : JsonOf(*money);
  }
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    if (detail == Detail::kFull) return JsonOf(message);
    // For people: the country's legal time. With its zone a flag takes it as it stands.
    return absl::FormatTime(
        absl::RFC3339_full,
        absl::FromUnixSeconds(time->seconds()) + absl::Nanoseconds(time->nanos()),
        base::LegalZone());
  }
  if (const auto* any = dynamic_cast<const google::protobuf::Any*>(&message)) return JsonOf(*any);
  if (const auto* basis = dynamic_cast<const nisi::rpc::v1::LegalBasis*>(&message)) {
    return absl::StrCat(basis->article(), basis->summary().empty() ? "" : ": ", basis->summary());
  }
  if (IsEquation(*message.GetDescriptor())) {
    const auto text = [&](const char* name) {
      const auto* field = message.GetDescriptor()->FindFieldByName(name);
      return message.GetReflection()->GetString(message, field);
    };
    return absl::StrCat(text("name"), "=", text("value"));
  }
  if (detail == Detail::kBrief) {
    if (std::string text = BriefOf(message); !text.empty()) return text;
  }
  return JsonOf(message);
}

// The value of a singular field, or one of a repeated field's when index >= 0.
std::string ValueText(const Message& message, const FieldDescriptor& field, int index,
                      Detail detail) {
  const auto& r = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text =
          one ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, index);
      return field.type() == FieldDescriptor::TYPE_BYTES ? absl::BytesToHexString(text) : text;
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? r.GetInt32(message, &field)
                              : r.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? r.GetInt64(message, &field)
                              : r.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(one ? r.GetUInt32(message, &field)
                              : r.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(one ? r.GetUInt64(message, &field)
                              : r.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(one ? r.GetDouble(message, &field)
                              : r.GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrCat(one ? r.GetFloat(message, &field)
                              : r.GetRepeatedFloat(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index)) ? "yes"
                                                                                            : "no";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value =
          one ? r.GetEnum(message, &field) : r.GetRepeatedEnum(message, &field, index);
      return value->name();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return TextOf(
          one ? r.GetMessage(message, &field) : r.GetRepeatedMessage(message, &field, index),
          detail);
  }
  return "";
}

// Presence for what has it; a number or bool counts as present, an unset enum or empty text does
// not.
bool IsThere(const Message& message, const FieldDescriptor& field) {
  if (message.GetReflection()->HasField(message, &field)) return true;
  // Positions begin with 1: 0 is none.
  if (field.has_presence() || absl::EndsWith(field.name(), "position")) return false;
  return field.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
         field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM;
}

// The plain values of a message, as "editions PUT 2026-01-31".
std::string BriefOf(const Message& message) {
  std::vector<std::string> parts;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const bool plain = !field.is_repeated() && field.type() != FieldDescriptor::TYPE_BYTES &&
                       (field.message_type() == nullptr || IsValueMessage(*field.message_type()));
    // That something does not hold is as telling as that it does.
    const bool no = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL && !field.has_presence();
    if (plain && (no || message.GetReflection()->HasField(message, &field))) {
      parts.push_back(ValueText(message, field, -1, Detail::kBrief));
    }
  }
  return absl::StrJoin(parts, " ");
}

}  // namespace

std::vector<Column> ColumnsOf(const Descriptor& type) {
  std::vector<Column> columns;
  Collect(type, {}, &columns);
  return columns;
}

std::string CellOf(const Message& top, const Column& column, Detail detail) {
  const Message* message = &top;
  for (size_t i = 0; i + 1 < column.path.size(); ++i) {
    if (!message->GetReflection()->HasField(*message, column.path[i])) return "";
    message = &message->GetReflection()->GetMessage(*message, column.path[i]);
  }
  const FieldDescriptor& field = *column.path.back();
  if (!field.is_repeated())
    return IsThere(*message, field) ? ValueText(*message, field, -1, detail) : "";
  // Of a long list of texts a table shows the beginning; CSV and JSON have it whole.
  constexpr int kBriefTexts = 3;
  const int size = message->GetReflection()->FieldSize(*message, &field);
  const bool cut = detail == Detail::kBrief && size > kBriefTexts + 1 &&
                   field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  std::vector<std::string> parts;
  for (int i = 0; i < (cut ? kBriefTexts : size); ++i) {
    parts.push_back(ValueText(*message, field, i, detail));
  }
  if (cut) parts.push_back(absl::StrCat("and ", size - kBriefTexts, " more"));
  // What is JSON each by itself is one for the programs that read it.
  const bool json = detail == Detail::kFull && field.message_type() != nullptr && !field.is_map() &&
                    !IsCell(*field.message_type()) && !IsEquation(*field.message_type());
  if (json && size > 0) return absl::StrCat("[", absl::StrJoin(parts, ","), "]");
  return absl::StrJoin(parts, ", ");
}

const FieldDescriptor* MainField(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated() && field->message_type() != nullptr && !field->is_map() &&
        !IsCell(*field->message_type()) &&
        (absl::EndsWith(type.name(), "Response") ||
         type.full_name() == "nisi.rpc.v1.ImportReport")) {
      return field;
    }
  }
  return nullptr;
}

std::vector<const Message*> ItemsOf(const Message& message, const FieldDescriptor& field) {
  std::vector<const Message*> items;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    items.push_back(&message.GetReflection()->GetRepeatedMessage(message, &field, i));
  }
  return items;
}

std::unique_ptr<Message> Opened(const Message& message) {
  const nisi::journal::v1::EntryRecord* record = nullptr;
  if (const auto* watched =
          dynamic_cast<const nisi::journal::v1::WatchEntriesResponse*>(&message)) {
    if (watched->has_entry()) record = &watched->entry();
  } else {
    record = dynamic_cast<const nisi::journal::v1::EntryRecord*>(&message);
  }
  if (record == nullptr) return nullptr;
  auto entry = std::make_unique<nisi::journal::v1::Entry>();
  if (record->has_partial()) {
    *entry = record->partial();
    // There was one, so that it was not created; which is kept from the reader.
    for (const int at : record->without_before()) {
      if (at >= 0 && at < entry->changes_size()) entry->mutable_changes(at)->mutable_before();
    }
    return entry;
  }
  if (!entry->ParseFromString(record->leaf())) return nullptr;
  return entry;
}

Table TableOf(const Descriptor& type, const std::vector<const Message*>& items, Detail detail) {
  if (detail == Detail::kBrief) {
    if (auto table = JournalTableOf(type, items)) return *std::move(table);
  }
  const std::vector<Column> columns = ColumnsOf(type);
  Table table;
  for (const Column& column : columns) table.columns.push_back(column.name);
  for (const Message* item : items) {
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const Column& column : columns) row.push_back(CellOf(*item, column, detail));
  }
  return table;
}

Table WithoutEmpty(const Table& table) {
  Table out;
  out.rows.resize(table.rows.size());
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const bool used = std::any_of(table.rows.begin(), table.rows.end(),
                                  [&](const auto& row) { return !row[c].empty(); });
    if (!used) continue;
    out.columns.push_back(table.columns[c]);
    for (size_t r = 0; r < table.rows.size(); ++r) out.rows[r].push_back(table.rows[r][c]);
  }
  return out;
}

std::vector<std::string> Headings(const std::vector<std::string>& columns) {
  // A language alone tells nothing: "title.ru" is the title.
  auto last = [](const std::string& name) {
    const std::vector<std::string> parts = absl::StrSplit(name, '.');
    const bool language = parts.size() > 1 && parts.back().size() == 2;
    return language ? absl::StrCat(parts[parts.size() - 2], ".", parts.back()) : parts.back();
  };
  std::vector<std::string> headings;
  for (const std::string& column : columns) {
    const auto same = std::count_if(columns.begin(), columns.end(), [&](const std::string& other) {
      return last(other) == last(column);
    });
    const std::string name = same > 1 ? column : last(column);
    headings.push_back(absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"_", " "}, {".", " "}})));
  }
  return headings;
}

std::string Render(const Table& table, int width, std::vector<int>* widths, bool heading,
                   bool* cut) {
  const bool fresh = widths->empty();
  std::vector<std::vector<std::string>> lines;
  if (heading) lines.push_back(Headings(table.columns));
  for (const auto& row : table.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(OneLine(cell));
  }
  widths->resize(table.columns.size());
  std::vector<FitColumn> columns;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    FitColumn& column = columns.emplace_back();
    column.name = table.columns[c];
    column.shown = fresh || (*widths)[c] > 0;
    column.whole = (*widths)[c];
    for (size_t l = 0; l < lines.size(); ++l) {
      const int cell = DisplayWidth(lines[l][c]);
      column.whole = std::max(column.whole, cell);
      if (!heading || l > 0) column.cells = std::max(column.cells, cell);
    }
    (*widths)[c] = column.whole;
  }
  // What was left out once stays out, and nothing more goes: the heading is printed already.
  if (width > 0) *widths = FitColumns(columns, width, fresh);
  bool some_cut = false;
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t c = 0; c < line.size(); ++c) {
      const int room = (*widths)[c];
      some_cut |= width > 0 && DisplayWidth(line[c]) > room;
      if (width > 0 && room == 0) continue;
      const std::string cell = width > 0 ? Truncate(line[c], room) : line[c];
      absl::StrAppend(&text, cell);
      text.append(static_cast<size_t>(std::max(0, room - DisplayWidth(cell)) + 2), ' ');
    }
    text = std::string(absl::StripTrailingAsciiWhitespace(text));
    some_cut |= width > 0 && DisplayWidth(text) > width;
    absl::StrAppend(&out, width > 0 ? Truncate(text, width) : text, "\n");
  }
  if (cut != nullptr) *cut |= some_cut;
  return out;
}

std::string CutNote(absl::string_view ways) {
  return absl::StrCat("Cut to fit: ", ways, " shows all.\n");
}

std::string RenderCsvRow(const std::vector<std::string>& cells) {
  std::string out;
  base::AppendCsvRow(out, cells);
  return out;
}

}  // namespace nisi::cli
