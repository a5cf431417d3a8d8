#include "tools/nisi/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "common/rpc/form.h"
#include "tools/nisi/call.h"
#include "tools/nisi/comments.h"
#include "tools/nisi/csv_import.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(HelpTest, EveryMethodHasPurposeRolesAndFlags) {
  int methods = 0;
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service)) {
      SCOPED_TRACE(method->full_name());
      ++methods;
      EXPECT_NE(CommentOf(method->full_name()), "");
      const std::string help = HelpOf(service, *method);
      EXPECT_THAT(help, HasSubstr("Who may call: "));
      EXPECT_THAT(help,
                  HasSubstr("Example:\n  nisi " + service.name + " " + Kebab(method->name())));
      for (const FieldFlag& flag : FlagsOf(*method)) {
        if (flag.output_only()) continue;
        EXPECT_THAT(help, HasSubstr("  --" + flag.name));
      }
    }
  }
  EXPECT_GE(methods, 32);
}

// Whether a text says more than what the options of the field say already.
bool SaysWhatItHolds(std::string text) {
  for (const char* no_matter :
       {"Required", "Does not change", "Confidential", "Public", ".", " "}) {
    text = absl::StrReplaceAll(text, {{no_matter, ""}});
  }
  return !text.empty();
}

// What a caller gives by a flag, a column or JSON, however deep.
void ExpectTexts(const google::protobuf::Descriptor& type,
                 std::set<const google::protobuf::Descriptor*>* seen, int* fields) {
  if (!absl::StartsWith(type.full_name(), "nisi.") || !seen->insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    if (field.options().GetExtension(nisi::rpc::v1::field).output_only()) continue;
    ++*fields;
    EXPECT_TRUE(SaysWhatItHolds(TextOf(field))) << field.full_name() << ": " << TextOf(field);
    if (field.message_type() != nullptr) ExpectTexts(*field.message_type(), seen, fields);
  }
}

TEST(HelpTest, EveryFieldOfARequestSaysWhatItHolds) {
  std::set<const google::protobuf::Descriptor*> seen;
  int fields = 0;
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service))
      ExpectTexts(*method->input_type(), &seen, &fields);
  }
  EXPECT_GE(fields, 1500);
}

TEST(HelpTest, SaysTheExitCodes) {
  Program nisi;
  constexpr char kCodes[] = "Exit codes: 0 done, 1 refused by the service, 2 wrong use, 3 not";
  EXPECT_THAT(nisi({"--help"}).out, HasSubstr(kCodes));
  EXPECT_THAT(nisi({"priority-goods", "check-goods", "--help"}).out, HasSubstr(kCodes));
  const std::string import = nisi({"priority-goods", "import-entries", "--help"}).out;
  EXPECT_THAT(import, HasSubstr("Exit codes: 0 the file entered"));
  EXPECT_THAT(import, HasSubstr("With --dry-run:"));
}

TEST(HelpTest, EveryMethodBuildsItsRequestFromEmptyJson) {
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service)) {
      SCOPED_TRACE(method->full_name());
      std::ostringstream err;
      Io io;
      io.err = &err;
      Args args;
      args.tool["json"] = "{}";
      const auto request = BuildRequest(*method, args, Format::kTable, io);
      ASSERT_EQ(request.status(), absl::OkStatus());
      // Nothing is in it but the request id that a mutation needs.
      const bool mutation = PolicyOf(*method).mutation();
      EXPECT_EQ((*request)->ByteSizeLong(), mutation ? 38u : 0u);
      EXPECT_EQ(err.str().empty(), !mutation);
    }
  }
}

// The words of a line as a shell cuts it. Examples need no more of a shell than its quotes.
std::vector<std::string> ShellWords(const std::string& line) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (const char c : line) {
    if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? 0 : c;
    } else if (c == ' ' && quote == 0) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  EXPECT_EQ(quote, 0) << line;
  return words;
}

// An example that the program or the service would not take as printed is worse than none.
TEST(HelpTest, EveryExampleInTheHelpRunsAsPrinted) {
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service)) {
      const std::string help = HelpOf(service, *method);
      const std::string heading = "Example:\n  ";
      const size_t begin = help.find(heading) + heading.size();
      const std::string example = help.substr(begin, help.find('\n', begin) - begin);
      SCOPED_TRACE(example);
      std::vector<std::string> words = ShellWords(example);
      EXPECT_EQ(TakeWords(&words, 3),
                (std::vector<std::string>{"nisi", service.name, Kebab(method->name())}));
      const auto flags = FlagsOf(*method);
      const auto args = ParseArgs(words, flags, ScopesOf(service, *method));
      ASSERT_EQ(args.status(), absl::OkStatus());
      EXPECT_TRUE(args->words.empty());
      std::ostringstream err;
      Io io;
      io.err = &err;
      const auto request = BuildRequest(*method, *args, Format::kTable, io);
      ASSERT_EQ(request.status(), absl::OkStatus());
      if (const auto shape = ImportShapeOf(*method); shape && shape->row_count != nullptr) {
        // Counted from the CSV when it runs.
        (*request)->GetReflection()->SetInt32(request->get(), shape->row_count, 1);
      }
      const rpc::FormChecker form(&FlagType(*method));
      EXPECT_EQ(form.Check(request->get(), PolicyOf(*method).mutation()), absl::OkStatus());
    }
  }
}

TEST(HelpTest, ExamplesOfUpdatesNameTheRecordAndOfListsAreJson) {
  Program nisi;
  EXPECT_THAT(nisi({"priority-goods", "update-entry", "--help"}).out,
              HasSubstr("nisi priority-goods update-entry --entry.name editions/1/entries/850423 "
                        "--entry.name-kk Example --as institute.industry\n"));
  EXPECT_THAT(
      nisi({"priority-goods", "batch-create-entries", "--help"}).out,
      HasSubstr(R"(--entries '{"goodsCode":"850423","nameKk":"Example","sector":"machinery",)"
                R"("processingLevel":"HIGH"}' --as)"));
}

TEST(HelpTest, WhatEveryRequestHasIsExplained) {
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service)) {
      const std::string help = HelpOf(service, *method);
      for (const FieldFlag& flag : FlagsOf(*method)) {
        const std::string& name = flag.field().name();
        const bool usual = name == "validate_only" || name == "as_of" || name == "known_at" ||
                           name == "page_size" || name == "page_token" || name == "etag" ||
                           name == "update_mask" || name == "filter" || name == "request_id";
        if (!usual || flag.path.size() > 1) continue;
        const size_t line = help.find("\n  --" + flag.name);
        const size_t text = help.find('\n', line + 1) + 1;
        ASSERT_NE(line, std::string::npos) << flag.name;
        EXPECT_THAT(help.substr(text, 10), ::testing::ContainsRegex("^        [A-Z0-9]"))
            << method->full_name() << " " << flag.name;
      }
    }
  }
  Program nisi;
  EXPECT_THAT(nisi({"priority-goods", "list-entries", "--help"}).out,
              HasSubstr("As 'state = DRAFT AND order_date >= 2026-01-31'"));
}

TEST(HelpTest, EachServiceSaysWhatItIsFor) {
  const std::map<std::string, std::string> begins = {
      {"priority-goods", "The list of goods of medium and high processing"},
      {"disclosure", "Who may see the confidential fields"},
      {"industry-map", "The unified map of industrialization"},
      {"suppliers", "The database of goods, works, services and their suppliers"},
      {"clusters", "The register of territorial clusters"},
      {"grants", "Industrial grants (Art. 25-28"},
      {"export-refunds", "Reimbursement of part of the costs of promoting"},
      {"contracts", "The yearly planning of contracts aimed at the development of industry"},
      {"journal", "The journal that every service keeps"},
      {"store", "The store of a service as whoever runs it handles it"},
  };
  for (const Service& service : Services()) {
    ASSERT_TRUE(begins.contains(service.name)) << service.name;
    EXPECT_THAT(PurposeOf(service), StartsWith(begins.at(service.name)));
    EXPECT_THAT(HelpOf(service), HasSubstr("METHOD [FLAGS]\n\n" + begins.at(service.name)));
  }
}

TEST(HelpTest, FieldsSayFormLimitsAndWhatTheyAre) {
  Program nisi;
  const Ran ran = nisi({"priority-goods", "check-goods", "--help"});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_THAT(ran.out, HasSubstr("  --codes goods-code\n"));
  EXPECT_THAT(ran.out, HasSubstr("at most 10000 of them"));
  EXPECT_THAT(
      ran.out,
      HasSubstr("--on-date YYYY-MM-DD\n        The day asked about; absent: today in legal time."));
  EXPECT_THAT(ran.out, HasSubstr("Who may call: everybody\nGround: Art. 26(1)"));
  const Ran create = nisi({"priority-goods", "create-entry", "-h"});
  EXPECT_THAT(create.out, Not(HasSubstr("--entry.update-time")));
  EXPECT_THAT(create.out, HasSubstr("Who may call: institute.industry"));
  const Ran import = nisi({"help", "priority-goods", "import-entries"});
  EXPECT_THAT(import.out, HasSubstr("--parent editions/*"));
  EXPECT_THAT(import.out, HasSubstr("Columns of the CSV:"));
  EXPECT_THAT(import.out, Not(HasSubstr("--row-count")));  // the program counts
  const Ran replay = nisi({"help", "priority-goods", "replay-decision"});
  EXPECT_THAT(replay.out, HasSubstr("--name resource-name\n"));
  const Ran update = nisi({"help", "priority-goods", "update-edition"});
  EXPECT_THAT(update.out, HasSubstr("--edition.name editions/*\n"));
}

TEST(ProgramTest, HelpVersionAndServe) {
  Program nisi;
  EXPECT_THAT(nisi({}).out, HasSubstr("priority-goods"));
  EXPECT_EQ(nisi({"--help"}).out, nisi({"help"}).out);
  EXPECT_THAT(nisi({"--version"}).out, HasSubstr("nisi "));
  EXPECT_EQ(nisi({"version"}).out, nisi({"--version"}).out);
  EXPECT_THAT(nisi({"journal", "--help"}).out, HasSubstr("get-tree-head"));
  for (const Command& command : Commands()) {
    EXPECT_THAT(nisi({"help", command.name}).out, HasSubstr(command.what));
  }
  // The stand-in for `serve` answers 100 and how many words it got.
  EXPECT_EQ(nisi({"serve", "--data", "x"}).code, 102);
  EXPECT_EQ(nisi({"--data", "x", "serve"}).code, 102);
  EXPECT_EQ(nisi({"--help", "serve"}).code, 101);
  EXPECT_EQ(nisi({"serve", "-h"}).code, 101);
}

TEST(ProgramTest, WrongNamesAreToldWithTheNearest) {
  Program nisi;
  const Ran service = nisi({"prioritygoods", "check-goods"});
  EXPECT_EQ(service.code, kUsage);
  EXPECT_THAT(service.err, HasSubstr("Did you mean priority-goods?"));
  EXPECT_THAT(nisi({"priority-goods", "check-good"}).err, HasSubstr("Did you mean check-goods?"));
  const Ran flag = nisi({"priority-goods", "create-edition", "--title-ru", "x"});
  EXPECT_EQ(flag.code, kUsage);
  EXPECT_THAT(flag.err, HasSubstr("Did you mean --edition.title-ru?"));
  EXPECT_THAT(flag.err, HasSubstr("Help: nisi priority-goods create-edition --help"));
  EXPECT_THAT(nisi({"journal", "get-tree-head"}).err, HasSubstr("--service is needed"));
}

TEST(ProgramTest, DescribeAndRoles) {
  Program nisi;
  EXPECT_THAT(nisi({"describe", "priority-goods.approve-edition"}).out,
              HasSubstr("authority.industry"));
  EXPECT_EQ(nisi({"describe", "nothing"}).code, kUsage);
  const std::string csv = nisi({"roles", "--format", "csv"}).out;
  EXPECT_THAT(csv, HasSubstr("method,public,authority.industry,"));
  EXPECT_THAT(csv, HasSubstr("priority-goods create-edition,,,,,yes,,,,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("priority-goods check-goods,yes,yes,yes,"));
  EXPECT_THAT(nisi({"roles"}).out, HasSubstr("| method | public |"));
  EXPECT_EQ(nisi({"roles", "--format", "markdown"}).out, nisi({"roles"}).out);
  const Ran json = nisi({"roles", "--format", "json"});
  EXPECT_EQ(json.code, kUsage);
  EXPECT_EQ(json.out, "");
  EXPECT_THAT(json.err, HasSubstr("--format takes one of markdown, csv here."));
  EXPECT_EQ(nisi({"describe", "--format", "json"}).code, kUsage);
  EXPECT_EQ(nisi({"describe", "grants", "--format", "table"}).code, kDone);
}

TEST(ProgramTest, TokensNeedKeysAndARole) {
  Program nisi;
  const Ran roles = nisi({"token"});
  EXPECT_EQ(roles.code, kDone);
  EXPECT_THAT(roles.out, HasSubstr("authority.industry"));
  EXPECT_THAT(roles.out, HasSubstr("Reads everything, changes nothing."));
  EXPECT_THAT(nisi({"token", "--role", "auditer"}).err, HasSubstr("Did you mean auditor?"));
  // What no server would take is not put into a token.
  for (const char* bin : {"12034", "120340000104x", "bin"}) {
    const Ran ran = nisi({"token", "--role", "entity", "--bin", bin});
    EXPECT_EQ(ran.code, kUsage) << bin;
    EXPECT_THAT(ran.err, HasSubstr("--bin takes a BIN or IIN")) << bin;
  }
  for (const char* region : {"foo", "1", "11,x", "7500000000"}) {
    const Ran ran = nisi({"--as", "akimat", "--region", region, "grants", "list-applications"});
    EXPECT_EQ(ran.code, kUsage) << region;
    EXPECT_THAT(ran.err, HasSubstr("--region takes codes of KATO")) << region;
  }
  const Ran keyless = nisi({"token", "--role", "auditor", "--data", "/there/is/no/such/folder"});
  EXPECT_EQ(keyless.code, kUsage);
  EXPECT_THAT(keyless.err, HasSubstr("nisi serve"));
}

}  // namespace
}  // namespace nisi::cli
