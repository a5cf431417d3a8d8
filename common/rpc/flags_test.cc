#include "common/rpc/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/host_flags.h"
#include "common/rpc/version.h"

namespace nisi::rpc {
namespace {

struct Values {
  std::string address;
  std::vector<std::string> backends;
  int64_t count = 0;
  bool loud = false;
  absl::Duration limit;
};

Flags Declare(Values& values) {
  Flags flags("program", "Does things.");
  flags.String("address", &values.address, "where to listen", "127.0.0.1:1")
      .Strings("backend", &values.backends, "owner=host:port")
      .Int("count", &values.count, "how many", 7)
      .Bool("loud", &values.loud, "speaks")
      .Duration("limit", &values.limit, "at most", absl::Seconds(10));
  return flags;
}

absl::Status ParseInto(Values& values, std::vector<const char*> words) {
  words.insert(words.begin(), "program");
  return Declare(values).Parse(static_cast<int>(words.size()), words.data());
}

TEST(Flags, KeepDefaultsAndTakeBothForms) {
  Values values;
  ASSERT_TRUE(ParseInto(values, {}).ok());
  EXPECT_EQ(values.address, "127.0.0.1:1");
  EXPECT_EQ(values.count, 7);
  EXPECT_EQ(values.limit, absl::Seconds(10));
  ASSERT_TRUE(ParseInto(values, {"--address", "a:1", "--count=-3", "--loud", "--backend", "x=1",
                                 "--backend=y=2", "--limit", "500ms"})
                  .ok());
  EXPECT_EQ(values.address, "a:1");
  EXPECT_EQ(values.count, -3);
  EXPECT_TRUE(values.loud);
  EXPECT_EQ(values.limit, absl::Milliseconds(500));
  EXPECT_THAT(values.backends, ::testing::ElementsAre("x=1", "y=2"));
}

TEST(Flags, RefuseWhatIsNotDeclared) {
  const std::vector<std::vector<const char*>> cases = {
      {"--adress", "a"},   {"word"},       {"-a"},           {"--count", "many"},
      {"--count"},         {"--loud=yes"}, {"--limit", "9"}, {"--count=1", "--count=2"},
      {"--address=a", "b"}};
  for (const auto& words : cases) {
    Values values;
    const absl::Status status = ParseInto(values, words);
    EXPECT_EQ(base::ReasonOf(status), "FLAG_INVALID") << words.front();
  }
}

TEST(Flags, HelpNamesEveryFlagAndDefault) {
  Values values;
  Flags flags = Declare(values);
  const char* words[] = {"program", "--nonsense", "--help"};
  ASSERT_TRUE(flags.Parse(3, words).ok());
  EXPECT_TRUE(flags.help_wanted());
  for (const char* part : {"--address VALUE", "--backend VALUE ...", "(default 127.0.0.1:1)",
                           "--loud\n", "(default 10s)"}) {
    EXPECT_THAT(flags.Help(), ::testing::HasSubstr(part));
  }
}

TEST(Flags, HelpFitsATerminal) {
  Flags flags("program", std::string(150, 'a') + " purpose");
  std::string value;
  flags.String("long", &value,
               "word after word, as many as a flag takes to be understood, so that "
               "they do not fit into one line of a terminal");
  const std::string help = flags.Help();
  EXPECT_THAT(help, ::testing::HasSubstr("\n      line of a terminal\n"));
  EXPECT_THAT(help, ::testing::StartsWith("program:\n" + std::string(150, 'a') + "\npurpose\n"));
}

TEST(Flags, EveryProgramSaysItsVersion) {
  Values values;
  Flags flags = Declare(values);
  const char* words[] = {"program", "--version"};
  ASSERT_TRUE(flags.Parse(2, words).ok());
  EXPECT_TRUE(flags.help_wanted());
  EXPECT_THAT(flags.Help(), ::testing::EndsWith(absl::StrCat(" ", Version(), "\n")));
  EXPECT_THAT(flags.Help(), ::testing::Not(::testing::HasSubstr("--address")));
}

absl::StatusOr<HostOptions> HostOptionsOf(std::vector<const char*> words) {
  HostFlags host;
  Flags flags("program", "purpose");
  host.AddTo(&flags);
  words.insert(words.begin(), "program");
  RETURN_IF_ERROR(flags.Parse(static_cast<int>(words.size()), words.data()));
  HostOptions options;
  RETURN_IF_ERROR(host.Fill(&options));
  return options;
}

TEST(HostFlagsTest, BackupsOfAMonthAreKept) {
  const auto usual = HostOptionsOf({});
  ASSERT_TRUE(usual.ok()) << usual.status();
  EXPECT_EQ(usual->backups_kept, 30);
  EXPECT_EQ(usual->backup_days_kept, 30);
  EXPECT_FALSE(usual->new_store);
  const auto other = HostOptionsOf({"--backups-kept=1", "--backup-days-kept=0", "--new-store"});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->backups_kept, 1);
  EXPECT_EQ(other->backup_days_kept, 0);
  EXPECT_TRUE(other->new_store);
  for (const char* wrong : {"--backups-kept=0", "--backup-days-kept=-1"}) {
    EXPECT_EQ(base::ReasonOf(HostOptionsOf({wrong}).status()), "FLAG_INVALID") << wrong;
  }
}

TEST(HostFlagsTest, OldMessagesAreHeldUnlessToldOtherwise) {
  using Old = store::OutboxRelay::Old;
  EXPECT_EQ(HostOptionsOf({})->old_messages, Old::kHold);
  EXPECT_EQ(HostOptionsOf({"--old-messages=send"})->old_messages, Old::kSend);
  EXPECT_EQ(HostOptionsOf({"--old-messages", "drop"})->old_messages, Old::kDrop);
  EXPECT_EQ(base::ReasonOf(HostOptionsOf({"--old-messages=yes"}).status()), "FLAG_INVALID");
}

TEST(HostFlagsTest, WitnessesLieWithTheDataUnlessToldOtherwise) {
  EXPECT_EQ(HostOptionsOf({"--data", "/var/nisi"})->witness_dir, "/var/nisi");
  EXPECT_EQ(HostOptionsOf({"--data", "/var/nisi", "--witness-dir", "/mnt/w"})->witness_dir,
            "/mnt/w");
}

TEST(HostFlagsTest, TheEnvironmentMayNameTheDataFolder) {
  const auto folder = [](const char* variable, std::vector<const char*> words) {
    HostFlags host;
    Flags flags("program", "purpose");
    host.AddTo(&flags, variable);
    words.insert(words.begin(), "program");
    EXPECT_TRUE(flags.Parse(static_cast<int>(words.size()), words.data()).ok());
    return host.data();
  };
  setenv("NISI_TESTING_DATA", "/var/named", 1);
  EXPECT_EQ(folder("NISI_TESTING_DATA", {}), "/var/named");
  EXPECT_EQ(folder("NISI_TESTING_DATA", {"--data=/var/given"}), "/var/given");
  EXPECT_EQ(folder(nullptr, {}), ".run/nisi");
  setenv("NISI_TESTING_DATA", "", 1);
  EXPECT_EQ(folder("NISI_TESTING_DATA", {}), ".run/nisi");
  unsetenv("NISI_TESTING_DATA");
}

TEST(HostFlagsTest, TheScrubIsOnUnlessToldOtherwise) {
  const auto usual = HostOptionsOf({});
  ASSERT_TRUE(usual.ok()) << usual.status();
  EXPECT_EQ(usual->scrub_interval, absl::Hours(24));
  EXPECT_EQ(usual->scrub_bytes_a_second, 4U << 20);
  const auto other = HostOptionsOf({"--scrub-interval", "0", "--scrub-mib", "16"});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->scrub_interval, absl::ZeroDuration());
  EXPECT_EQ(other->scrub_bytes_a_second, 16U << 20);
  for (const std::vector<const char*>& wrong :
       std::vector<std::vector<const char*>>{{"--scrub-interval=-1h"}, {"--scrub-mib", "0"}}) {
    EXPECT_EQ(base::ReasonOf(HostOptionsOf(wrong).status()), "FLAG_INVALID") << wrong[0];
  }
}

}  // namespace
}  // namespace nisi::rpc
