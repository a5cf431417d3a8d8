#include "tools/nisi/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_split.h"
#include "tools/nisi/call.h"
#include "tools/nisi/comments.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

// An example that the program itself would not take is worse than none.
TEST(HelpTest, EveryExampleIsACommandLineThatParses) {
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service)) {
      const std::string example = ExampleOf(service, *method);
      SCOPED_TRACE(example);
      std::vector<std::string> words = absl::StrSplit(example, ' ');
      for (std::string& word : words) {
        if (word == "'{}'") word = "{}";
        if (word == "@file") word = "00";
      }
      words.erase(words.begin(), words.begin() + 3);
      const auto flags = FlagsOf(*method);
      const auto args = ParseArgs(words, flags, ScopesOf(service, *method));
      ASSERT_EQ(args.status(), absl::OkStatus());
      std::ostringstream err;
      Io io;
      io.err = &err;
      EXPECT_EQ(BuildRequest(*method, *args, Format::kTable, io).status(), absl::OkStatus());
    }
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
  EXPECT_THAT(nisi({"journal", "--help"}).out, HasSubstr("get-tree-head"));
  for (const Command& command : Commands()) {
    EXPECT_THAT(nisi({"help", command.name}).out, HasSubstr(command.what));
  }
  EXPECT_EQ(nisi({"serve", "--data", "x"}).code, 102);
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
  EXPECT_THAT(csv, HasSubstr("priority-goods create-edition,,,,,yes,,,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("priority-goods check-goods,yes,yes,yes,"));
  EXPECT_THAT(nisi({"roles"}).out, HasSubstr("| method | public |"));
}

TEST(ProgramTest, TokensNeedKeysAndARole) {
  Program nisi;
  const Ran roles = nisi({"token"});
  EXPECT_EQ(roles.code, kDone);
  EXPECT_THAT(roles.out, HasSubstr("authority.industry"));
  EXPECT_THAT(roles.out, HasSubstr("Reads everything, changes nothing."));
  EXPECT_THAT(nisi({"token", "--role", "auditer"}).err, HasSubstr("Did you mean auditor?"));
  const Ran keyless = nisi({"token", "--role", "auditor", "--data", "/there/is/no/such/folder"});
  EXPECT_EQ(keyless.code, kUsage);
  EXPECT_THAT(keyless.err, HasSubstr("nisi serve"));
}

}  // namespace
}  // namespace nisi::cli
