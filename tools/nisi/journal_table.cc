#include "tools/nisi/journal_table.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/rpc/v1/options.pb.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nisi::journal::v1::Change;
using nisi::journal::v1::Entry;

// An import changes thousands of records; `get-entry` lists them.
constexpr int kShownChanges = 3;

std::string LastPart(const std::string& text, char separator) {
  return text.substr(text.rfind(separator) + 1);
}

std::string NameOf(const Message& message) {
  const auto* name = message.GetDescriptor()->FindFieldByName("name");
  const bool text = name != nullptr && !name->is_repeated() &&
                    name->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  return text ? message.GetReflection()->GetString(message, name) : "";
}

// Every change makes a new version, so that these differ always and tell nothing.
bool IsOfVersion(const FieldDescriptor& field) {
  return field.name() == "update_time" ||
         field.options().GetExtension(nisi::rpc::v1::field).format() == nisi::rpc::v1::ETAG;
}

std::vector<std::string> ChangedFields(const Message& before, const Message& after) {
  std::vector<std::string> changed;
  for (int i = 0; i < before.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = before.GetDescriptor()->field(i);
    google::protobuf::util::MessageDifferencer differencer;
    if (!IsOfVersion(*field) && !differencer.CompareWithFields(before, after, {field}, {field}))
      changed.push_back(field->name());
  }
  return changed;
}

// The name of its state; empty where it has none.
std::string StateOf(const Message& message) {
  const auto* state = message.GetDescriptor()->FindFieldByName("state");
  const bool value = state != nullptr && !state->is_repeated() &&
                     state->cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
  return value ? message.GetReflection()->GetEnum(message, state)->name() : "";
}

struct ChangeWords {
  std::string record;  // its type, as "Edition"
  std::string id;
  std::string verb;
  std::string day;
  std::string fields;
  std::string state;  // that it has now
};

ChangeWords WordsOf(const Change& change) {
  ChangeWords words;
  const auto& any = change.has_after() ? change.after() : change.before();
  words.record = any.type_url().empty() ? change.table() : LastPart(any.type_url(), '.');
  const auto before = Unpacked(change.before());
  const auto after = Unpacked(change.after());
  if (after != nullptr || before != nullptr) words.id = NameOf(after != nullptr ? *after : *before);
  if (words.id.empty()) words.id = absl::BytesToHexString(change.key());
  if (after != nullptr) words.state = StateOf(*after);
  words.verb = change.kind() == Change::END                 ? "ended"
               : change.has_after() && !change.has_before() ? "created"
                                                            : "changed";
  const auto* day = Change::descriptor()->FindFieldByName("effective_from");
  words.day = CellOf(change, {day->name(), {day}}, Detail::kBrief);
  if (before != nullptr && after != nullptr && before->GetDescriptor() == after->GetDescriptor())
    words.fields = absl::StrJoin(ChangedFields(*before, *after), ", ");
  return words;
}

Table ChangesTable(const std::vector<const Message*>& changes) {
  Table table;
  table.columns = {"record", "id", "verb", "effective_from", "changed_fields"};
  for (const Message* item : changes) {
    const ChangeWords words = WordsOf(*dynamic_cast<const Change*>(item));
    table.rows.push_back({words.record, words.id, words.verb, words.day, words.fields});
  }
  return table;
}

// "Edition editions/2 changed: state, order_number"
std::string Sentence(const Change& change, bool with_state) {
  const ChangeWords words = WordsOf(change);
  std::string text = absl::StrCat(words.record, " ", words.id, " ", words.verb);
  if (!words.fields.empty()) absl::StrAppend(&text, ": ", words.fields);
  if (with_state && !words.state.empty()) absl::StrAppend(&text, ", now ", words.state);
  return text;
}

std::string ChangesOf(const Entry& entry, bool with_state = false) {
  std::vector<std::string> parts;
  for (const Change& change : entry.changes()) {
    if (parts.size() == kShownChanges) {
      parts.push_back(absl::StrCat("and ", entry.changes_size() - kShownChanges, " more"));
      break;
    }
    parts.push_back(Sentence(change, with_state));
  }
  return absl::StrJoin(parts, "; ");
}

Table EntriesTable(const std::vector<const Message*>& entries) {
  Table table;
  table.columns = {"position",     "record_time", "method",     "changes", "actor",
                   "on_behalf_of", "legal_basis", "request_id", "part"};
  for (const Message* item : entries) {
    const auto& entry = *dynamic_cast<const Entry*>(item);
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const std::string& column : table.columns) {
      if (column == "method") {
        row.push_back(Kebab(LastPart(entry.method(), '/')));
      } else if (column == "changes") {
        row.push_back(ChangesOf(entry));
      } else if (column == "part") {
        row.push_back(entry.parts() > 1 ? absl::StrCat(entry.part(), "/", entry.parts()) : "");
      } else {
        const auto* field = Entry::descriptor()->FindFieldByName(column);
        row.push_back(CellOf(entry, {column, {field}}, Detail::kBrief));
      }
    }
  }
  return table;
}

}  // namespace

std::optional<Table> JournalTableOf(const google::protobuf::Descriptor& type,
                                    const std::vector<const Message*>& items) {
  if (&type == Entry::descriptor()) return EntriesTable(items);
  if (&type == Change::descriptor()) return ChangesTable(items);
  return std::nullopt;
}

std::unique_ptr<Message> Unpacked(const google::protobuf::Any& any) {
  const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      LastPart(any.type_url(), '/'));
  if (type == nullptr) return nullptr;
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  std::unique_ptr<Message> message(factory->GetPrototype(type)->New());
  return message->ParseFromString(any.value()) ? std::move(message) : nullptr;
}

std::string ToldOf(const Entry& entry) {
  return ChangesOf(entry, /*with_state=*/true);
}

}  // namespace nisi::cli
