// WatchEntries, pulled by hand: no gap, no repeat, resumable.
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = rpc::MessageSource::State;

struct Seen {
  std::vector<std::string> changes;  // "0101" or "-0101"
  int64_t position = 0;              // of the last message
};

class WatchTest : public PriorityGoodsTest {
 protected:
  std::unique_ptr<rpc::MessageSource> Watch(const rpc::Caller& caller, const std::string& parent,
                                            int64_t start) {
    v1::WatchEntriesRequest request;
    request.set_parent(parent);
    request.set_start_position(start);
    auto source = Stream("WatchEntries", caller, request);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }
  // Everything that is ready.
  static Seen Drain(rpc::MessageSource& source) {
    Seen seen;
    std::string bytes;
    for (auto state = source.Pull(&bytes); state.ok() && *state == State::kMessage;
         state = source.Pull(&bytes)) {
      v1::WatchEntriesResponse message;
      EXPECT_TRUE(message.ParseFromString(bytes));
      EXPECT_GT(message.position(), seen.position);
      seen.position = message.position();
      for (const auto& change : message.changes()) {
        const std::string code = change.name().substr(change.name().rfind('/') + 1);
        seen.changes.push_back(change.has_entry() ? code : "-" + code);
        EXPECT_EQ(change.position(), message.position());
        EXPECT_TRUE(change.has_record_time());
        if (change.has_entry()) {
          EXPECT_EQ(change.entry().goods_code(), code);
        }
      }
    }
    return seen;
  }
  void Remove(const std::string& name) {
    v1::DeleteEntryRequest remove;
    remove.set_name(name);
    EXPECT_TRUE(Do<v1::DeleteEntryResponse>("DeleteEntry", institute_, remove).ok());
  }
};

TEST_F(WatchTest, FollowsWhatIsCommittedFromNowOn) {
  const std::string edition = CreateDraft({MakeEntry("0101")});
  const std::string other = CreateDraft();
  auto source = Watch(institute_, edition, 0);
  int wakes = 0;
  source->OnStart([&] { ++wakes; });
  EXPECT_THAT(Drain(*source).changes, IsEmpty());
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0102"), MakeEntry("0103")}).ok());
  ASSERT_TRUE(AddEntries(other, {MakeEntry("0999")}).ok());
  Remove(edition + "/entries/0102");
  EXPECT_GE(wakes, 3);
  EXPECT_THAT(Drain(*source).changes, ElementsAre("0102", "0103", "-0102"));
  EXPECT_THAT(Drain(*source).changes, IsEmpty());
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0104")}).ok());
  EXPECT_THAT(Drain(*source).changes, ElementsAre("0104"));
}

TEST_F(WatchTest, ResumesWithoutGapOrRepeatAfterReopening) {
  const std::string edition = CreateDraft();
  std::vector<std::string> wanted, seen;
  int64_t next = 1;
  for (int i = 1; i <= 12; ++i) {
    const std::string code = absl::StrFormat("01%02d", i);
    ASSERT_TRUE(AddEntries(edition, {MakeEntry(code)}).ok());
    wanted.push_back(code);
    if (i % 5 == 0) Reopen();
    if (i % 3 != 0) continue;
    auto source = Watch(institute_, edition, next);
    const Seen part = Drain(*source);
    seen.insert(seen.end(), part.changes.begin(), part.changes.end());
    next = part.position + 1;
  }
  EXPECT_EQ(seen, wanted);
  auto whole = Watch(institute_, edition, 1);
  EXPECT_EQ(Drain(*whole).changes, wanted);
}

TEST_F(WatchTest, EndsAndReopensInTheMiddle) {
  const std::string edition = CreateDraft();
  for (int i = 1; i <= 10; ++i)
    ASSERT_TRUE(AddEntries(edition, {MakeEntry(absl::StrFormat("01%02d", i))}).ok());
  std::vector<std::string> seen;
  int64_t next = 1;
  for (int i = 1; i <= 10; ++i) {  // one message a stream
    auto source = Watch(institute_, edition, next);
    std::string bytes;
    ASSERT_EQ(*source->Pull(&bytes), State::kMessage);
    v1::WatchEntriesResponse message;
    ASSERT_TRUE(message.ParseFromString(bytes));
    ASSERT_EQ(message.changes_size(), 1);
    seen.push_back(message.changes(0).entry().goods_code());
    next = message.position() + 1;
    source.reset();
    if (i == 5) Reopen();
  }
  EXPECT_THAT(seen, ElementsAre("0101", "0102", "0103", "0104", "0105", "0106", "0107", "0108",
                                "0109", "0110"));
}

TEST_F(WatchTest, AllEditionsOrOne) {
  const std::string first = CreateDraft({MakeEntry("0101")});
  const std::string second = CreateDraft({MakeEntry("0202")});
  EXPECT_THAT(Drain(*Watch(auditor_, "", 1)).changes, ElementsAre("0101", "0202"));
  EXPECT_THAT(Drain(*Watch(auditor_, second, 1)).changes, ElementsAre("0202"));
}

TEST_F(WatchTest, ThePublicSeesPublishedEditionsOnly) {
  const std::string published = Publish(Day("2026-07-01"), {MakeEntry("0101")});
  CreateDraft({MakeEntry("0202")});
  EXPECT_THAT(Drain(*Watch(public_, "", 1)).changes, ElementsAre("0101"));
  EXPECT_THAT(Drain(*Watch(public_, published, 1)).changes, ElementsAre("0101"));
}

TEST_F(WatchTest, ToThePublicAnEditionComesWholeWhenItIsApprovedAndGoesWholeWhenWithdrawn) {
  auto source = Watch(public_, "", 0);
  const std::string edition = CreateDraft({MakeEntry("0101"), MakeEntry("0102")});
  Remove(edition + "/entries/0102");
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0103")}).ok());
  EXPECT_THAT(Drain(*source).changes, IsEmpty());
  ASSERT_TRUE(Submit(edition).ok());
  EXPECT_THAT(Drain(*source).changes, IsEmpty());
  ASSERT_TRUE(Approve(edition, Day("2026-08-01"), authority_).ok());
  const Seen published = Drain(*source);
  EXPECT_THAT(published.changes, ElementsAre("0101", "0103"));
  EXPECT_EQ(published.position, position());
  EXPECT_THAT(Drain(*Watch(public_, edition, 1)).changes, ElementsAre("0101", "0103"));

  v1::WithdrawEditionRequest withdraw;
  withdraw.set_name(edition);
  withdraw.set_reason("an error was found");
  ASSERT_TRUE(Do<v1::Edition>("WithdrawEdition", authority_, withdraw).ok());
  EXPECT_THAT(Drain(*source).changes, ElementsAre("-0101", "-0103"));
  // Who comes late sees neither its coming nor its going; who saw it come resumes and sees it go.
  EXPECT_THAT(Drain(*Watch(public_, "", 1)).changes, IsEmpty());
  EXPECT_THAT(Drain(*Watch(public_, "", published.position + 1)).changes,
              ElementsAre("-0101", "-0103"));
}

// Each stream is cut off after a message; the next begins where that one ended.
TEST_F(WatchTest, ALargeEditionComesInSeveralMessagesAndWhoeverIsCutOffMissesAndRepeatsNone) {
  std::vector<v1::Entry> entries;
  std::vector<std::string> wanted;
  for (int i = 0; i < 400; ++i) {
    wanted.push_back(absl::StrFormat("01%04d", i));
    entries.push_back(MakeEntry(wanted.back()));
    entries.back().set_note(std::string(9000, 'n'));
  }
  const std::string edition = Publish(Day("2026-07-01"), entries);
  const int64_t published = position();
  for (const std::string& parent : {std::string(), edition}) {
    v1::WatchEntriesRequest request;
    request.set_parent(parent);
    request.set_start_position(1);
    std::vector<std::string> seen;
    int messages = 0;
    while (request.start_position() <= published) {
      auto source = Stream("WatchEntries", public_, request);
      ASSERT_TRUE(source.ok()) << source.status();
      std::string bytes;
      ASSERT_EQ(*(*source)->Pull(&bytes), State::kMessage);
      EXPECT_LT(bytes.size(), size_t{2} << 20);
      v1::WatchEntriesResponse message;
      ASSERT_TRUE(message.ParseFromString(bytes));
      for (const auto& change : message.changes()) {
        EXPECT_EQ(change.position(), published);
        seen.push_back(change.entry().goods_code());
      }
      const auto delivered = static_cast<int64_t>(seen.size() < wanted.size() ? seen.size() : 0);
      EXPECT_EQ(message.delivered_changes(), delivered);
      request.set_start_position(message.position() + 1);
      request.set_delivered_changes(message.delivered_changes());
      if (++messages == 2) Reopen();
    }
    EXPECT_EQ(seen, wanted);
    EXPECT_GE(messages, 3);
    // From now on is from the first change on.
    EXPECT_THAT(Drain(*Watch(public_, parent, request.start_position())).changes, IsEmpty());
  }
}

TEST_F(WatchTest, WhoeverSawAPartOfAnEditionSeesTheRestThoughItWasWithdrawnMeanwhile) {
  const std::string edition =
      Publish(Day("2026-07-01"), {MakeEntry("0101"), MakeEntry("0102"), MakeEntry("0103")});
  v1::WatchEntriesRequest request;
  request.set_start_position(position());
  request.set_delivered_changes(1);
  v1::WithdrawEditionRequest withdraw;
  withdraw.set_name(edition);
  withdraw.set_reason("an error was found");
  ASSERT_TRUE(Do<v1::Edition>("WithdrawEdition", authority_, withdraw).ok());
  auto source = Stream("WatchEntries", public_, request);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT(Drain(**source).changes, ElementsAre("0102", "0103", "-0101", "-0102", "-0103"));
}

TEST_F(WatchTest, ABookmarkTellsHowFarNothingWas) {
  const std::string edition = CreateDraft();
  auto source = Watch(institute_, edition, 1);
  ASSERT_TRUE(AddEntries(CreateDraft(), {MakeEntry("0101")}).ok());
  std::string bytes;
  auto state = source->Pull(&bytes);
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (state.ok() && *state == State::kWait && absl::Now() < limit) state = source->Pull(&bytes);
  ASSERT_TRUE(state.ok() && *state == State::kMessage);
  v1::WatchEntriesResponse message;
  ASSERT_TRUE(message.ParseFromString(bytes));
  EXPECT_EQ(message.changes_size(), 0);
  EXPECT_EQ(message.position(), position());
  ASSERT_TRUE(AddEntries(edition, {MakeEntry("0102")}).ok());
  EXPECT_THAT(Drain(*Watch(institute_, edition, message.position() + 1)).changes,
              ElementsAre("0102"));
}

}  // namespace
}  // namespace nisi::priority_goods
