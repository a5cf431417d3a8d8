#include "tools/nisi/help.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/base/wrap.h"
#include "common/rpc/field_rules.h"
#include "google/protobuf/util/json_util.h"
#include "tools/nisi/args.h"
#include "tools/nisi/call.h"
#include "tools/nisi/comments.h"
#include "tools/nisi/csv_import.h"
#include "tools/nisi/describe.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"

namespace nisi::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr char kFilterSample[] =
    "As 'state = DRAFT AND order_date >= 2026-01-31', 'tags:heavy' for one of several.";

std::string LimitsOf(const FieldFlag& flag, const std::string& said) {
  const auto& rules = flag.rules();
  std::vector<std::string> limits;
  if (rules.required() && said.rfind("Required", 0) != 0) limits.emplace_back("required");
  if (flag.field().is_repeated()) limits.emplace_back("repeat it or separate by commas");
  if (rules.has_min()) limits.push_back(absl::StrCat("at least ", rules.min()));
  if (rules.has_max()) limits.push_back(absl::StrCat("at most ", rules.max()));
  const bool bytes = flag.field().type() == FieldDescriptor::TYPE_BYTES;
  if (rules.min_chars() > 0)
    limits.push_back(
        absl::StrCat("at least ", rules.min_chars(), bytes ? " bytes" : " characters"));
  if (rules.max_chars() > 0)
    limits.push_back(absl::StrCat("at most ", rules.max_chars(), bytes ? " bytes" : " characters"));
  if (rules.min_items() > 0)
    limits.push_back(absl::StrCat("at least ", rules.min_items(), " of them"));
  if (rules.max_items() > 0)
    limits.push_back(absl::StrCat("at most ", rules.max_items(), " of them"));
  if (rules.unique_items()) limits.emplace_back("no two alike");
  if (rules.immutable()) limits.emplace_back("never changes");
  if (rules.data_class() == nisi::rpc::v1::CONFIDENTIAL)
    limits.emplace_back("confidential, Art. 6(3)");
  if (flag.field().name() == "request_id") limits.emplace_back("made at random when absent");
  return absl::StrJoin(limits, "; ");
}

// What the system sets itself is no flag to offer, except the name that says which record to
// change.
bool IsOffered(const FieldFlag& flag, const MethodDescriptor& method) {
  if (!flag.output_only()) return true;
  return flag.path.size() == 2 && flag.field().name() == "name" &&
         Kebab(method.name()).rfind("update-", 0) == 0;
}

// Of fields that mean the same in every request, where the proto does not say it again.
std::string UsualText(const FieldDescriptor& field) {
  static const auto& texts = *new std::map<std::string, std::string>{
      {"as_of", "The day asked about; absent: today in legal time."},
      {"etag",
       "The version seen, as an answer gave it: refused if the record has another one by "
       "now; absent: whatever it is."},
      {"known_at", "What the register knew at this moment; absent: now."},
      {"page_size", "How many at most; absent: 50, more than 200 means 200."},
      {"page_token", "As the page before gave it; absent: the first page. --all takes them all."},
      {"request_id", "A call repeated with the same one is done once."},
      {"reveal", "Shows confidential fields to whom has a right to them; that is recorded."},
      {"update_mask", "The fields to change, as title-ru,note; absent: those that are given."},
      {"validate_only", "Judges the request, and changes nothing."},
  };
  const auto found = texts.find(field.name());
  return found == texts.end() ? "" : found->second;
}

std::string FlagHelp(const FieldFlag& flag) {
  const std::string form = FormOf(flag.field());
  std::string out = absl::StrCat("  --", flag.name, form.empty() ? "" : " ", form, "\n");
  std::string text = TextOf(flag.field());
  if (flag.rules().format() == rpc::v1::Format::FILTER)
    absl::StrAppend(&text, text.empty() ? "" : " ", kFilterSample);
  const std::string limits = LimitsOf(flag, text);
  if (!limits.empty()) absl::StrAppend(&text, text.empty() ? "" : " ", "(", limits, ")");
  if (!text.empty()) out += base::Wrap(text, 8);
  return out;
}

std::string ToolHelp(unsigned scopes) {
  std::string out;
  for (const ToolFlag& flag : ToolFlags()) {
    if ((flag.scopes & scopes) == 0) continue;
    const std::string head = absl::StrCat("  --", flag.name, *flag.value ? " " : "", flag.value);
    absl::StrAppend(&out, head, std::string(head.size() < 26 ? 26 - head.size() : 1, ' '),
                    flag.help, "\n");
  }
  return out;
}

bool IsRequired(const FieldDescriptor& field) {
  const auto& rules = field.options().GetExtension(nisi::rpc::v1::field);
  const auto any_of = rpc::AnyOf(*field.containing_type());
  const bool stands_for_all = !any_of.empty() && any_of.front() == &field;
  return rules.required() || rules.min_items() > 0 || stands_for_all;
}

// Which flags an example gives: those that a caller must, and of the resource, whose fields have
// paths of `depth`, the first one besides, as it may have none that must be given. Of the resource
// of an update only the name must.
std::vector<const FieldFlag*> ExampleFlags(const std::vector<FieldFlag>& flags, size_t depth) {
  const bool update = std::any_of(flags.begin(), flags.end(),
                                  [](const FieldFlag& flag) { return flag.name == "update-mask"; });
  std::vector<const FieldFlag*> chosen;
  bool free_given = false;
  for (const FieldFlag& flag : flags) {
    const FieldDescriptor& field = flag.field();
    const bool split = field.message_type() != nullptr && !field.is_repeated() &&
                       !IsValueMessage(*field.message_type());
    const bool reached =
        std::all_of(flag.path.begin(), flag.path.end() - 1,
                    [](const FieldDescriptor* above) { return IsRequired(*above); });
    const bool names_record = update && flag.path.size() == depth && field.name() == "name";
    if (split || !reached || (flag.output_only() && !names_record)) continue;
    if (field.name() == "request_id") continue;  // made at random
    const bool patch = update && flag.path.size() >= depth;
    const bool needed = names_record || (!patch && IsRequired(field));
    const bool free = !needed && !free_given && flag.path.size() == depth &&
                      !flag.rules().immutable() && flag.rules().format() != rpc::v1::Format::ETAG;
    free_given |= free;
    if (needed || free) chosen.push_back(&flag);
  }
  return chosen;
}

std::string JsonSample(const google::protobuf::Descriptor& type);

// A value that the field takes, as SetFlag reads it.
std::string SampleOf(const FieldFlag& flag) {
  const FieldDescriptor& field = flag.field();
  const auto& rules = flag.rules();
  if (const auto choices = ChoicesOf(field); !choices.empty()) return choices.back();
  if (field.message_type() != nullptr) {
    const std::string& type = field.message_type()->full_name();
    // No order is of tomorrow, and none comes into force yesterday.
    if (type == "google.type.Date") return base::Date::LegalDay(base::SystemNow()).ToString();
    if (type == "google.type.Money") return "1000000";
    if (type == "google.protobuf.Timestamp") return "2026-01-01T00:00:00Z";
    if (type == "google.protobuf.Duration") return "60s";
    return JsonSample(*field.message_type());
  }
  switch (rules.format()) {
    case rpc::v1::Format::GOODS_CODE:
      return "850423";
    case rpc::v1::Format::BIN:
      return "940140000385";
    case rpc::v1::Format::KATO:
      return "750000000";
    case rpc::v1::Format::OKED:
      return "27.11";
    case rpc::v1::Format::KPVED:
      return "27.11.41";
    case rpc::v1::Format::ENS_TRU:
      return "281212.300.000001";
    case rpc::v1::Format::RESOURCE_NAME:
      return absl::StrReplaceAll(
          rules.resource(), {{"entries/*", "entries/850423"}, {"*/*", "editions/1"}, {"*", "1"}});
    case rpc::v1::Format::WORD:
      return field.name() == "unit" ? "pcs" : "machinery";
    case rpc::v1::Format::QUARTER:
      return "2026Q3";
    case rpc::v1::Format::KATO_PREFIX:
      return "75";
    case rpc::v1::Format::ENS_TRU_PREFIX:
      return "281212";
    case rpc::v1::Format::DECIMAL:
      return "1250.5";
    case rpc::v1::Format::ETAG:
      return "00000001";
    default:
      break;
  }
  if (field.type() == FieldDescriptor::TYPE_BYTES)
    return std::string(2 * std::max<size_t>(rules.min_chars(), 1), '0');
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    if (field.name() == "country") return "DE";
    if (field.name() == "currency") return "KZT";
    const std::string text = absl::EndsWith(field.name(), "_number") ? "12" : "Example";
    return rules.max_chars() > 0 ? text.substr(0, rules.max_chars()) : text;
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return "true";
  int64_t number = 1;
  if (rules.has_min()) number = std::max<int64_t>(number, rules.min());
  if (rules.has_max()) number = std::min<int64_t>(number, rules.max());
  return absl::StrCat(number);
}

std::string JsonSample(const google::protobuf::Descriptor& type) {
  const std::vector<FieldFlag> flags = FlagsOf(type);
  const MessagePtr message = NewMessage(type);
  for (const FieldFlag* flag : ExampleFlags(flags, 1)) {
    if (!SetFlag(*flag, SampleOf(*flag), message.get()).ok()) return "{}";
  }
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(*message, &json);
  return status.ok() ? json : "{}";
}

// As a shell takes it; no sample has a single quote.
std::string Quoted(const std::string& sample) {
  return sample.find_first_of(" \"{}") == std::string::npos ? sample
                                                            : absl::StrCat("'", sample, "'");
}

constexpr char kExitCodes[] =
    "Exit codes: 0 done, 1 refused by the service, 2 wrong use, 3 not available.\n";
constexpr char kImportExitCodes[] =
    "Exit codes: 0 the file entered, though rows that the law refuses stayed out; 1 nothing did: a "
    "row "
    "is invalid, all are refused, one is and --all-or-none is given, or the call was refused; 2 "
    "wrong "
    "use, as a "
    "file that is no such table; 3 not available. With --dry-run: what the import would end with.";

}  // namespace

std::string FirstSentence(const std::string& text) {
  for (size_t end = text.find(". "); end != std::string::npos; end = text.find(". ", end + 1)) {
    const bool abbreviated = end >= 3 && text.compare(end - 3, 3, "Art") == 0;
    if (!abbreviated) return text.substr(0, end + 1);
  }
  return text;
}

std::string TextOf(const FieldDescriptor& field) {
  const std::string text = CommentOf(field.full_name());
  return text.empty() ? UsualText(field) : text;
}

const std::vector<Command>& Commands() {
  static const auto& commands = *new std::vector<Command>{
      {"serve", "nisi serve [--help]",
       "Runs all services and the gateway in this process, on one data folder."},
      {"backup", "nisi backup [--service NAME] [--as operator]",
       "Has each service make a backup of its store and check it; needs a role of operator."},
      {"restore", "nisi restore --from DIR --to DIR [--position N | --time T] [--help]",
       "Makes stores again from backups, as of a journal position or time, and proves them."},
      {"doctor", "nisi doctor [PROCESS] [FLAGS OF THE PROCESS] [--help]",
       "Finds what is wrong with an installation, and says how to mend it."},
      {"token",
       "nisi token [--role ROLE] [--bin BIN] [--region KATO,..] [--subject NAME] [--life 1h]",
       "Prints a development token; without --role, lists the roles."},
      {"proof",
       "nisi proof get --service NAME --position N -o FILE | nisi proof journal --service NAME -o "
       "FILE | nisi proof verify FILE [--public-key HEX]",
       "Keeps the proof of a journal entry, or a whole journal, in a file; checks one without any "
       "server."},
      {"verify", "nisi verify FILE | nisi verify --service NAME --position N",
       "Checks a proof or a whole journal from a file, or fetches and checks a proof in one go."},
      {"describe", "nisi describe [SERVICE[.METHOD]] [--format table|csv|markdown]",
       "Who may call what, and by which article."},
      {"roles", "nisi roles [--format markdown|csv]", "Prints every method by every role."},
      {"machines", "nisi machines [RESOURCE]",
       "Prints the states of records and what leads from one to another, as diagrams."},
      {"completion", "nisi completion bash|zsh",
       "Prints a completion script: source <(nisi completion bash)"},
      {"help", "nisi help [SERVICE [METHOD] | COMMAND]", "Prints help."},
  };
  return commands;
}

std::string HelpCommand(const MethodDescriptor& method) {
  for (const Service& service : Services()) {
    for (const auto* other : MethodsOf(service)) {
      if (other == &method)
        return absl::StrCat("nisi ", service.name, " ", Kebab(method.name()), " --help");
    }
  }
  return "nisi --help";
}

std::string PurposeOf(const Service& service) {
  const auto* part = service.parts.front();
  const std::string text = CommentOfPackage(part->file()->package());
  return text.empty() ? CommentOf(part->full_name()) : text;
}

std::string HelpOf() {
  std::string out =
      "nisi: the command line of the National Information System of Industry\n\n"
      "  nisi SERVICE METHOD [FLAGS]     calls a method: each field of its request is a "
      "flag\n\nServices:\n";
  for (const Service& service : Services()) {
    absl::StrAppend(&out, "  ", service.name, "\n",
                    base::Wrap(FirstSentence(PurposeOf(service)), 8));
  }
  out += "\nCommands:\n";
  for (const Command& command : Commands()) {
    absl::StrAppend(&out, "  ", command.name,
                    std::string(12 - std::string(command.name).size(), ' '), command.what, "\n");
  }
  absl::StrAppend(
      &out, "\nFlags of every call:\n", ToolHelp(kCommon | kConnect),
      "\nA flag of the program that a request has as a field too is written --cli.NAME.\n",
      kExitCodes, "More: nisi SERVICE --help, nisi SERVICE METHOD --help, nisi help COMMAND\n");
  return out;
}

std::string HelpOf(const Service& service) {
  std::string out = absl::StrCat("nisi ", service.name, " METHOD [FLAGS]\n\n");
  std::vector<std::string> texts = {CommentOfPackage(service.parts.front()->file()->package())};
  for (const auto* part : service.parts) texts.push_back(CommentOf(part->full_name()));
  for (const std::string& text : texts) out += text.empty() ? "" : base::Wrap(text, 0);
  out += "\nMethods:\n";
  for (const auto* method : MethodsOf(service)) {
    absl::StrAppend(&out, "  ", Kebab(method->name()), "\n",
                    base::Wrap(FirstSentence(CommentOf(method->full_name())), 8));
  }
  absl::StrAppend(&out, "\nMore: nisi ", service.name, " METHOD --help, nisi describe ",
                  service.name, "\n");
  return out;
}

std::string HelpOf(const Service& service, const MethodDescriptor& method) {
  const auto& policy = PolicyOf(method);
  std::string out = absl::StrCat("nisi ", service.name, " ", Kebab(method.name()), " [FLAGS]\n\n",
                                 base::Wrap(CommentOf(method.full_name()), 0), "\n");
  const std::string roles = absl::StrJoin(RolesOf(method), ", ");
  absl::StrAppend(&out, "Who may call: ", roles == "public" ? "everybody" : roles, "\n");
  if (!policy.article().empty()) absl::StrAppend(&out, "Ground: ", policy.article(), "\n");
  if (policy.mutation())
    out += "Changes the register; a retry with the same --request-id is safe.\n";
  if (KindOf(method) != "unary") absl::StrAppend(&out, "Kind: ", KindOf(method), "\n");
  absl::StrAppend(&out, "Example:\n  ", ExampleOf(service, method), "\n");

  const std::vector<FieldFlag> flags = FlagsOf(method);
  if (!flags.empty()) out += "\nFields of the request:\n";
  for (const FieldFlag& flag : flags) {
    if (IsOffered(flag, method)) out += FlagHelp(flag);
  }
  if (const auto shape = ImportShapeOf(method)) {
    out += "\nColumns of the CSV:\n";
    for (const FieldFlag& flag : FlagsOf(*shape->items->message_type())) {
      absl::StrAppend(&out, "  ", flag.field().name(), "\n");
      if (const std::string text = CommentOf(flag.field().full_name()); !text.empty())
        out += base::Wrap(text, 8);
    }
  }
  const unsigned scopes = ScopesOf(service, method);
  absl::StrAppend(&out, "\nFlags of the call:\n", ToolHelp(scopes), "\n",
                  ImportShapeOf(method) ? base::Wrap(kImportExitCodes, 0) : kExitCodes);
  return out;
}

std::string HelpOf(const std::string& name) {
  for (const Command& command : Commands()) {
    if (command.name != name) continue;
    std::string out = absl::StrCat(command.usage, "\n\n", command.what, "\n");
    unsigned scopes = kCommon;
    if (name == "token") scopes |= kToken;
    if (name == "backup") scopes |= kConnect | kStandard;
    if (name == "proof" || name == "verify")
      scopes |= kConnect | kStandard | kProofGet | kProofVerify;
    const bool own = name == "serve" || name == "restore" || name == "doctor";
    if (own) absl::StrAppend(&out, "\nFlags: nisi ", name, " --help\n");
    if (!own && name != "help") absl::StrAppend(&out, "\nFlags:\n", ToolHelp(scopes));
    return out;
  }
  return "";
}

std::string ExampleOf(const Service& service, const MethodDescriptor& method) {
  std::string out = absl::StrCat("nisi ", service.name, " ", Kebab(method.name()));
  if (service.standard) absl::StrAppend(&out, " --service ", Owners().front());
  const std::vector<FieldFlag> flags = FlagsOf(method);
  constexpr size_t kResourceDepth = 2;
  for (const FieldFlag* flag : ExampleFlags(flags, kResourceDepth)) {
    absl::StrAppend(&out, " --", flag->name);
    if (!FormOf(flag->field()).empty()) absl::StrAppend(&out, " ", Quoted(SampleOf(*flag)));
  }
  if (ImportShapeOf(method)) out += " --csv rows.csv --dry-run";
  const auto& roles = RolesOf(method);
  if (roles.front() != "public") absl::StrAppend(&out, " --as ", roles.front());
  return out;
}

}  // namespace nisi::cli
