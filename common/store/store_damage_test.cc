// Rows of the store's own that are not what they should be: an answer that says so, never the end
// of the process.
#include "common/store/store_testing.h"

namespace nisi::store {
namespace {

using ::testing::Contains;

class StoreDamageTest : public StoreTest {
 protected:
  void Put(Space space, const std::string& key, const std::string& value) {
    Plant({{space, key, value}});
  }
  static std::string Meta(const char* name) { return SystemKey(kMetaId, Key::Of(name)); }
  static absl::StatusOr<std::string> NextNumber(Tx& tx) {
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("a"));
    return absl::StrCat(number);
  }
};
NISI_BOTH_ENGINES(StoreDamageTest);

TEST_P(StoreDamageTest, ACounterThatIsNoNumber) {
  const std::string last(8, '\xff');
  for (const std::string& value : {std::string(), std::string("1234567"), std::string("123456789"),
                                   last, "\x7f" + last.substr(1)}) {
    Put(Space::kData, SystemKey(kCountersId, Key::Of("a")), value);
    EXPECT_TRUE(absl::IsDataLoss(store_->Write(Info(), NextNumber).status()));
  }
}

TEST_P(StoreDamageTest, AnOldestPositionThatIsNoNumber) {
  Do(Putting(MakeWidget("a", "red")));
  for (const char* value : {"1", "123456789"}) {
    Put(Space::kData, Meta("oldest"), value);
    EXPECT_TRUE(absl::IsDataLoss(store_->ReadJournal(1, 10, 1 << 20).status()));
    EXPECT_TRUE(absl::IsDataLoss(store_->Scrub().status()));
  }
}

TEST_P(StoreDamageTest, TheScrubFindsRowsOfTheLogThatHaveNoPosition) {
  Do(Putting(MakeWidget("a", "red")));
  const std::string keys[] = {"",
                              "J",
                              "N",
                              std::string(9, '\0'),
                              JournalKey(0),
                              JournalKey(2),
                              NodesKey(2),
                              NodesKey(INT64_MAX),
                              std::string(8, '\xff') + "N",
                              JournalKey(1) + "J"};
  for (const std::string& key : keys) {
    if (key.empty() && OnRocks()) continue;  // no engine's business: it may refuse it
    Put(Space::kLog, key, std::string(64 * 32, 'x'));
    const auto findings = store_->Scrub();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, Contains("log: a row of no position"));
    Plant({{Space::kLog, key, std::nullopt}});
  }
  Healthy();
}

TEST_P(StoreDamageTest, TheScrubFindsHashesThatEndNowhere) {
  for (const char* code : {"a", "b", "c", "d"}) Do(Putting(MakeWidget(code, "red")));
  Put(Space::kLog, NodesKey(4), std::string(70 * 32, 'x'));
  const auto findings = store_->Scrub();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, Contains("tree: other hashes lie at position 4 than end there"));
}

TEST_P(StoreDamageTest, TheScrubFindsRowsOfRequestsThatAreNotTheirs) {
  const CommandInfo info = Info("00000000-0000-4000-8000-000000000001");
  ASSERT_TRUE(store_->Write(info, Putting(MakeWidget("a", "red"))).ok());
  Do(Putting(MakeWidget("b", "red")));  // no request: no row
  Healthy();
  const std::string key = OnceKey(info);
  std::string good;
  ASSERT_TRUE(store_->Read().snapshot().Get(Space::kOnce, key, &good).value());
  const size_t position = 8 + 32;
  const auto with = [&good](size_t at, char byte) {
    std::string row = good;
    row[at] = byte;
    return row;
  };
  const std::string other = OnceKey(Info("00000000-0000-4000-8000-000000000002"));
  const struct {
    std::string key;
    std::string value;
    const char* finding;
  } bads[] = {
      {key, good.substr(0, position + 7), "requests: a row does not parse"},
      {key.substr(1), good, "requests: a row does not parse"},
      {key, with(position + 7, 3), "requests: a row of position 3, the store is at 2"},
      {key, with(position + 7, 0), "requests: the one at position 1 has a row of none"},
      {key, with(position + 7, 2), "requests: a row of position 2 is not of the request there"},
      {key, with(7, static_cast<char>(good[7] + 1)),
       "requests: a row of position 1 is not of the request there"},
      {other, good, "requests: a row of position 1 is not of the request there"},
  };
  for (const auto& bad : bads) {
    Put(Space::kOnce, bad.key, bad.value);
    const auto findings = store_->Scrub();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_THAT(*findings, ::testing::ElementsAre(bad.finding));
    Plant({{Space::kOnce, bad.key, std::nullopt}, {Space::kOnce, key, good}});
    Healthy();
  }
}

// A row that is gone within the time it is promised for; later it may.
TEST_P(StoreDamageTest, TheScrubFindsARequestWithoutItsRow) {
  const CommandInfo info = Info("00000000-0000-4000-8000-000000000001");
  ASSERT_TRUE(store_->Write(info, Putting(MakeWidget("a", "red"))).ok());
  Plant({{Space::kOnce, OnceKey(info), std::nullopt}});
  const auto findings = store_->Scrub();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, ::testing::ElementsAre("requests: the one at position 1 has no row"));
  clock_.Set(clock_.Now() + absl::Hours(31 * 24));
  Healthy();
}

TEST_P(StoreDamageTest, ASchemaRowOfOtherTypesIsDamage) {
  Do(Putting(MakeWidget("a", "red")));
  std::string good;
  {
    const View view = store_->Read();
    ASSERT_TRUE(view.snapshot().Get(Space::kData, Meta("schema"), &good).value());
  }
  const std::string layout = absl::StrCat("\"layout\":", kLayoutFormat);
  const std::pair<std::string, std::string> changes[] = {
      {layout, "\"layout\":\"2\""},           {layout, "\"layout\":-2"},
      {"\"format\":1", "\"format\":[]"},      {"\"name\":\"testing\"", "\"name\":7"},
      {"\"retired\":[]", "\"retired\":null"}, {"\"tables\":{", "\"tables\":7,\"t\":{"},
  };
  for (const auto& [was, is] : changes) {
    const size_t at = good.find(was);
    ASSERT_NE(at, std::string::npos) << was;
    std::string bad = good;
    bad.replace(at, was.size(), is);
    store_.reset();
    {
      auto engine = OpenEngine();
      ASSERT_TRUE(engine.ok()) << engine.status();
      const std::vector<OwnedOp> ops = {{Space::kData, Meta("schema"), bad}};
      Batch batch;
      batch.ops = ViewsOf(ops);
      batch.base_position = batch.position = *(*engine)->LastPosition();
      ASSERT_TRUE((*engine)->Commit(batch).ok());
    }
    EXPECT_TRUE(absl::IsDataLoss(TryOpen())) << is;
  }
}

}  // namespace
}  // namespace nisi::store
