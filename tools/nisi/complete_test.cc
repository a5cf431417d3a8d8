#include "tools/nisi/complete.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/nisi/own_flags.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CompleteTest, ServicesAndCommands) {
  EXPECT_THAT(Complete({""}), Contains(StartsWith("journal")));
  EXPECT_THAT(Complete({"pri"}), ElementsAre(StartsWith("priority-goods\t")));
  EXPECT_THAT(Complete({"zz"}), IsEmpty());
}

TEST(CompleteTest, WhatTheyAreIsToldToItsEnd) {
  EXPECT_THAT(Complete({"clus"}), ElementsAre(StartsWith("clusters\tThe register of territorial "
                                                         "clusters (Art. 1(1), 9(18), 23, 40): ")));
  EXPECT_THAT(Complete({"priority-goods", "list-editions", "--page-s"}),
              ElementsAre(StartsWith("--page-size\tHow many at most")));
}

TEST(CompleteTest, Methods) {
  EXPECT_THAT(Complete({"priority-goods", "check"}), ElementsAre(StartsWith("check-goods\t")));
  EXPECT_THAT(Complete({"journal", "get-"}), Contains(StartsWith("get-tree-head\t")));
  EXPECT_THAT(Complete({"help", "priority-goods", "check"}),
              ElementsAre(StartsWith("check-goods\t")));
  EXPECT_THAT(Complete({"help", "token", "check"}), IsEmpty());
}

TEST(CompleteTest, FlagsOfTheMethodAndTheProgram) {
  const std::vector<std::string> at = {"priority-goods", "create-entry", "--"};
  EXPECT_THAT(Complete(at), Contains(StartsWith("--entry.goods-code\t")));
  EXPECT_THAT(Complete(at), Contains(StartsWith("--address\t")));
  EXPECT_THAT(Complete(at), Not(Contains(StartsWith("--entry.update-time"))));
  EXPECT_THAT(Complete(at), Not(Contains(StartsWith("--csv"))));
  EXPECT_THAT(Complete({"priority-goods", "import-entries", "--cs"}),
              ElementsAre(StartsWith("--csv\t")));
  EXPECT_THAT(Complete({"priority-goods", "import-entries", "--row"}), IsEmpty());
}

TEST(CompleteTest, Values) {
  EXPECT_THAT(Complete({"priority-goods", "create-entry", "--entry.processing-level", "M"}),
              ElementsAre("MEDIUM"));
  EXPECT_THAT(Complete({"priority-goods", "get-edition", "--as", "inst"}),
              ElementsAre("institute.industry", "institute.local_content", "institute.export"));
  EXPECT_THAT(Complete({"journal", "get-tree-head", "--service", ""}),
              ::testing::Contains("priority-goods"));
  EXPECT_THAT(Complete({"priority-goods", "import-entries", "--csv", ""}), ElementsAre(":file"));
  EXPECT_THAT(Complete({"priority-goods", "get-edition", "--format", "c"}), ElementsAre("csv"));
  EXPECT_THAT(Complete({"token", "--role", "aud"}), ElementsAre("auditor"));
  EXPECT_THAT(Complete({"completion", ""}), ElementsAre("bash", "zsh"));
}

TEST(CompleteTest, FlagsOfTheProgramBeforeAndBetweenTheWords) {
  EXPECT_THAT(Complete({"--as", "inst"}), Contains("institute.industry"));
  EXPECT_THAT(Complete({"--as", "auditor", ""}), Contains(StartsWith("journal\t")));
  EXPECT_THAT(Complete({"--as", "auditor", "pri"}), ElementsAre(StartsWith("priority-goods\t")));
  EXPECT_THAT(Complete({"--as=auditor", "pri"}), ElementsAre(StartsWith("priority-goods\t")));
  EXPECT_THAT(Complete({"--as", "auditor", "--wide", "priority-goods", "check"}),
              ElementsAre(StartsWith("check-goods\t")));
  EXPECT_THAT(Complete({"priority-goods", "--as", "auditor", "check"}),
              ElementsAre(StartsWith("check-goods\t")));
  EXPECT_THAT(Complete({"--as", "auditor", "priority-goods", "get-edition", "--na"}),
              ElementsAre(StartsWith("--name\t")));
  EXPECT_THAT(Complete({"--addr"}), ElementsAre(StartsWith("--address\t")));
  EXPECT_THAT(Complete({"priority-goods", "--addr"}), ElementsAre(StartsWith("--address\t")));
  EXPECT_THAT(Complete({"--format", "json", "proof", ""}), ElementsAre("get", "journal", "verify"));
  EXPECT_THAT(Complete({"proof", "--wide", "verify", ""}), ElementsAre(":file"));
}

// serve, restore and doctor are told the words that stand after them, and say themselves.
TEST(CompleteTest, CommandsWithFlagsOfTheirOwn) {
  Program nisi;
  EXPECT_EQ(nisi({"__complete", "serve", ""}).out, "--words-1\n");
  EXPECT_EQ(nisi({"__complete", "--wide", "restore", "--from", "x", "--"}).out, "--words-3\n");
  EXPECT_EQ(nisi({"__complete", "serve", "x"}).out, "");

  std::string data;
  bool make_keys = false;
  rpc::Flags flags("nisi serve", "");
  flags.String("data", &data, "the data folder").Bool("make-keys", &make_keys, "make keys");
  EXPECT_THAT(CandidatesOf(flags, {"--d"}),
              ElementsAre("--data\tthe data folder", "--make-keys\tmake keys",
                          StartsWith("--version\t"), StartsWith("--help\t")));
  EXPECT_THAT(CandidatesOf(flags, {"--data", ""}), ElementsAre(":file"));
  EXPECT_THAT(CandidatesOf(flags, {"--make-keys", ""}), Contains("--data\tthe data folder"));

  const auto problem = [&](std::vector<const char*> argv) {
    argv.insert(argv.begin(), "nisi serve");
    return ProblemOf(flags.Parse(static_cast<int>(argv.size()), argv.data()), flags);
  };
  EXPECT_EQ(problem({"--dta", "x"}), "--dta: no such flag; see --help. Did you mean --data?");
  EXPECT_EQ(problem({"--nonsense"}), "--nonsense: no such flag; see --help");
  EXPECT_EQ(problem({"--data"}), "--data: needs a value; see --help");
}

TEST(CompleteTest, BashCutsAtTheEqualsSign) {
  EXPECT_THAT(Complete({"--as", "=", "aud"}), ElementsAre("auditor"));
  EXPECT_THAT(Complete({"--as", "="}), Contains("auditor"));
  EXPECT_THAT(Complete({"--as", "=", "auditor", "pri"}),
              ElementsAre(StartsWith("priority-goods\t")));
}

TEST(CompleteTest, Scripts) {
  Program nisi;
  EXPECT_THAT(nisi({"completion", "bash"}).out, HasSubstr("complete -F _nisi nisi"));
  EXPECT_THAT(nisi({"completion", "zsh"}).out, HasSubstr("compdef _nisi nisi"));
  EXPECT_EQ(nisi({"completion", "fish"}).code, kUsage);
  EXPECT_EQ(nisi({"__complete", "completion", "b"}).out, "bash\n");
}

}  // namespace
}  // namespace nisi::cli
