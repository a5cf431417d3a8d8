// Records: two times, indexes, uniqueness, commands.
#include "common/store/store.h"

#include <climits>
#include <future>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "common/store/store_testing.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/timestamp.pb.h"

namespace nisi::store {
namespace {

using ::testing::HasSubstr;

NISI_BOTH_ENGINES(StoreTest);

TEST_P(StoreTest, FindsWhatWasPutUntilItEnds) {
  EXPECT_EQ(Color("a"), "-");
  EXPECT_EQ(Do(Putting(MakeWidget("a", "red"))), 1);
  EXPECT_EQ(Color("a"), "red");
  EXPECT_EQ(Do(Putting(MakeWidget("a", "blue"))), 2);
  EXPECT_EQ(Color("a"), "blue");
  EXPECT_EQ(Do(Ending("a")), 3);
  EXPECT_EQ(Color("a"), "-");
  EXPECT_EQ(Rows(kWidgets), "");
  Do(Putting(MakeWidget("a", "green")));
  EXPECT_EQ(Color("a"), "green");
  EXPECT_EQ(store_->Write(Info(), Ending("b")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->position(), 4);
  Open();
  EXPECT_EQ(store_->position(), 4);
  EXPECT_EQ(Color("a"), "green");
  Healthy();
}

TEST_P(StoreTest, StampsEtagAndTimes) {
  const char* kFile = R"(
    name: "stamped.proto" package: "stamped" syntax: "proto3" dependency: "google/protobuf/timestamp.proto"
    message_type { name: "R"
      field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "etag" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "create_time" number: 3 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp"
              label: LABEL_OPTIONAL }
      field { name: "update_time" number: 4 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp"
              label: LABEL_OPTIONAL } }
    message_type { name: "Row" field { name: "r" number: 1 type: TYPE_MESSAGE type_name: ".stamped.R"
                                       label: LABEL_OPTIONAL } })";
  google::protobuf::FileDescriptorProto file;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kFile, &file));
  ASSERT_NE(google::protobuf::Timestamp::descriptor(), nullptr);  // linked in
  google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
  ASSERT_NE(pool.BuildFile(file), nullptr);
  google::protobuf::DynamicMessageFactory factory(&pool);
  factory.SetDelegateToGeneratedFactory(true);
  const auto* prototype = factory.GetPrototype(pool.FindMessageTypeByName("stamped.Row"));
  const TableDef table{3, "stamped", prototype,
                       [](const google::protobuf::Message&) { return Key::Of("k"); }};
  schema_.tables.push_back(&table);
  Open();

  const auto text_after = [&](const char* sent) {
    std::unique_ptr<google::protobuf::Message> row(prototype->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(sent, row.get()));
    Do([&](Tx& tx) -> absl::StatusOr<std::string> {
      RETURN_IF_ERROR(tx.Put(table, row.get()));
      return std::string();
    });
    const auto raw = store_->Read().FindRaw(table, Key::Of("k"));
    EXPECT_TRUE(raw.ok() && raw->has_value());
    std::unique_ptr<google::protobuf::Message> stored(prototype->New());
    EXPECT_TRUE(stored->ParseFromString(std::string((*raw)->row())));
    EXPECT_EQ(stored->ShortDebugString(),
              row->ShortDebugString());  // the caller's copy is stamped too
    return stored->ShortDebugString();
  };
  clock_.Set(absl::FromUnixSeconds(1781000000));
  EXPECT_EQ(text_after(R"(r { name: "n" etag: "sent" })"),
            R"(r { name: "n" etag: "00000001-653cf60585000" create_time { seconds: 1781000000 } )"
            R"(update_time { seconds: 1781000000 } })");
  clock_.Set(absl::FromUnixSeconds(1781000005));
  EXPECT_EQ(text_after(R"(r { name: "m" create_time { seconds: 5 } })"),
            R"(r { name: "m" etag: "00000002-653cf60a49b40" create_time { seconds: 1781000000 } )"
            R"(update_time { seconds: 1781000005 } })");
  store_.reset();  // before its table
}

TEST_P(StoreTest, AnswersByTheDayInForceAndByWhatWasKnown) {
  Do(Putting(MakeWidget("a", "red")));
  const int64_t first = Micros(clock_.Now());
  GoTo("2026-06-16");
  Do(Putting(MakeWidget("a", "blue")));
  const int64_t second = Micros(clock_.Now());
  GoTo("2026-06-17");
  Do(Putting(MakeWidget("a", "green"), Day("2026-06-15")));  // corrects red
  Do(Putting(MakeWidget("a", "gold"), Day("2026-06-20")));   // announced

  EXPECT_EQ(Color("a"), "blue");
  EXPECT_EQ(ColorOn("a", "2026-06-14"), "-");
  EXPECT_EQ(ColorOn("a", "2026-06-15"), "green");
  EXPECT_EQ(ColorOn("a", "2026-06-16"), "blue");
  EXPECT_EQ(ColorOn("a", "2026-06-19"), "blue");
  EXPECT_EQ(ColorOn("a", "2026-06-20"), "gold");
  EXPECT_EQ(Color("a", {std::nullopt, first}), "red");
  EXPECT_EQ(Color("a", {std::nullopt, first - 1}), "-");
  EXPECT_EQ(Color("a", {Day("2026-06-15"), second}), "red");
  EXPECT_EQ(Color("a", {Day("2026-06-20"), second}), "blue");
  EXPECT_EQ(Color("a", {Day("2026-06-14"), second}), "-");

  // The same by scans, of the table and of an index.
  EXPECT_EQ(Rows(kWidgets), "a=blue");
  EXPECT_EQ(Rows(kWidgets, {}, {Day("2026-06-15"), std::nullopt}), "a=green");
  EXPECT_EQ(Rows(kWidgets, {}, {Day("2026-06-15"), second}), "a=red");
  EXPECT_EQ(Rows(kWidgets, {}, {Day("2026-06-14"), std::nullopt}), "");
  EXPECT_EQ(Rows(kByColor), "a=blue");
  EXPECT_EQ(Rows(kByColor, {Key::Of("red"), ""}), "");
  EXPECT_EQ(Rows(kByColor, {}, {Day("2026-06-15"), std::nullopt}), "a=green");
  EXPECT_EQ(Rows(kByColor, {Key::Of("red"), ""}, {Day("2026-06-15"), second}), "a=red");
  EXPECT_EQ(Rows(kByColor, {Key::Of("gold"), ""}, {Day("2026-06-20"), std::nullopt}), "a=gold");
  EXPECT_EQ(Rows(kByColor, {Key::Of("gold"), ""}, {Day("2026-06-20"), second}), "");
  Healthy();
}

TEST_P(StoreTest, FindsTheFirstOfSeveralKeys) {
  Do(Putting(MakeWidget("b", "red")));
  Do(Putting(MakeWidget("c", "red")));
  Do(Putting(MakeWidget("d", "red"), Day("2026-06-20")));  // not there before
  Do(Putting(MakeWidget("e", "red")));
  Do(Ending("e"));
  const int64_t first = Micros(clock_.Now());
  GoTo("2026-06-16");
  Do(Putting(MakeWidget("a", "red")));
  const auto find = [](const Reader& reader, std::vector<std::string> names, const At& at = {}) {
    std::vector<Key> keys;
    for (const std::string& name : names) keys.push_back(Key::Of(name));
    const auto found = reader.FindFirst(kWidgets, keys, at);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && found->has_value() ? names[**found] : "-";
  };
  const auto all = [&](const Reader& reader) {
    EXPECT_EQ(find(reader, {}), "-");
    EXPECT_EQ(find(reader, {"x", "c", "b"}), "c");
    EXPECT_EQ(find(reader, {"e", "d", "y"}), "-") << "one has ended, one is to come";
    EXPECT_EQ(find(reader, {"e", "d"}, {Day("2026-06-20"), std::nullopt}), "d");
    EXPECT_EQ(find(reader, {"a", "b"}), "a");
    EXPECT_EQ(find(reader, {"a", "b"}, {std::nullopt, first}), "b");
    EXPECT_EQ(find(reader, {"a", "e"}, {Day("2026-06-15"), std::nullopt}), "-");
  };
  all(store_->Read());
  // A command finds what it, and one before it in the batch, wrote.
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    all(tx);
    EXPECT_EQ(find(tx, {"x", "y"}), "-");
    auto widget = MakeWidget("x", "red");
    RETURN_IF_ERROR(tx.Put(kWidgets, &widget));
    EXPECT_EQ(find(tx, {"y", "x"}), "x");
    RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("b")));
    EXPECT_EQ(find(tx, {"b", "y"}), "-");
    return "";
  });
  GoTo("2026-06-20");
  EXPECT_EQ(find(store_->Read(), {"y", "d", "x"}), "d") << "also before the timer has run";
  Healthy();
}

TEST_P(StoreTest, FutureVersionsTakeEffectOnTheirDay) {
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("a", "blue"), Day("2026-06-20")));
  Do(Putting(MakeWidget("b", "gold"), Day("2026-06-21")));  // not there before
  Do(Ending("a", Day("2026-06-22")));
  EXPECT_EQ(Rows(kWidgets), "a=red");
  EXPECT_EQ(Fire(), 0);
  GoTo("2026-06-20");
  EXPECT_EQ(Rows(kByColor), "a=blue");  // exact also before the timer has run
  EXPECT_EQ(Color("a"), "blue");
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(Rows(kByColor), "a=blue");
  EXPECT_EQ(Rows(kWidgets), "a=blue");
  GoTo("2026-06-21");
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(Rows(kByColor), "a=blue b=gold");
  GoTo("2026-06-22");
  EXPECT_EQ(Fire(), 1);
  EXPECT_EQ(Rows(kByColor), "b=gold");
  EXPECT_EQ(ColorOn("a", "2026-06-19"), "red");
  EXPECT_EQ(ColorOn("a", "2026-06-21"), "blue");
  Healthy();
}

TEST_P(StoreTest, SeveralDueDaysAtOnceAlsoAfterReopening) {
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("a", "gold"), Day("2026-06-18")));
  Do(Putting(MakeWidget("a", "blue"), Day("2026-06-17")));
  Do(Putting(MakeWidget("b", "pink"), Day("2026-06-17")));
  Do(Ending("b", Day("2026-06-18")));
  store_.reset();
  GoTo("2026-06-30");
  Open();
  EXPECT_EQ(Color("a"), "gold");  // before any timer has run
  EXPECT_EQ(Color("b"), "-");
  EXPECT_EQ(Rows(kByColor), "a=gold");
  EXPECT_EQ(Fire(), 4);
  EXPECT_EQ(Rows(kByColor), "a=gold");
  EXPECT_EQ(Rows(kWidgets), "a=gold");
  EXPECT_EQ(ColorOn("a", "2026-06-17"), "blue");
  EXPECT_EQ(ColorOn("b", "2026-06-17"), "pink");
  EXPECT_EQ(Rows(kByColor, {}, {Day("2026-06-17"), std::nullopt}), "a=blue b=pink");
  EXPECT_EQ(Fire(), 0);
  Healthy();
}

TEST_P(StoreTest, CommandAfterMidnightSeesTheNewDayBeforeTheTimer) {
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("a", "blue"), Day("2026-06-16")));
  Do(Putting(MakeWidget("c", "pink"), Day("2026-06-16")));
  GoTo("2026-06-16");
  std::string seen, before;
  Do([&](Tx& tx) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const auto a, tx.Find(kWidgets, Key::Of("a")));
    seen = a->row.widget().color();
    WidgetRow row = MakeWidget("a", "green");
    RETURN_IF_ERROR(tx.Put(kWidgets, &row));
    RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("c")));
    return std::string();
  });
  EXPECT_EQ(seen, "blue");
  const auto entries = store_->ReadJournal(4, 1, 1 << 20);
  ASSERT_TRUE(entries.ok());
  journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(entries->front().leaf));
  Widget was;
  ASSERT_TRUE(entry.changes(0).before().UnpackTo(&was));
  EXPECT_EQ(was.color(), "blue");
  EXPECT_EQ(Rows(kWidgets), "a=green");
  EXPECT_EQ(Fire(), 2);
  EXPECT_EQ(Rows(kWidgets), "a=green");
  EXPECT_EQ(Rows(kByColor), "a=green");
  Healthy();
}

// Within the second after midnight, as a clock is set by another that is more exact.
TEST_P(StoreTest, AClockThatIsSetBackOverMidnightTakesNoDayBack) {
  const absl::Time midnight = Day("2026-06-16").StartOfDay();
  clock_.Set(midnight + absl::Milliseconds(200));
  Do(Putting(MakeWidget("a", "red")));
  Do(Putting(MakeWidget("b", "red")));
  for (const bool reopened : {false, true}) {
    clock_.Set(midnight - absl::Milliseconds(100));
    if (reopened) Open();
    Do(Putting(MakeWidget("a", reopened ? "green" : "blue")));
    EXPECT_EQ(Color("a"), reopened ? "green" : "blue");
    EXPECT_EQ(ColorOn("a", "2026-06-15"), "-");
    EXPECT_EQ(store_->Read().today(), Day("2026-06-16"));
  }
  Do(Ending("b"));
  EXPECT_EQ(Rows(kWidgets), "a=green");
  EXPECT_EQ(Rows(kByColor), "a=green");
  Healthy();
  // One that was far ahead has no hold on the days that come.
  clock_.Set(midnight + absl::Hours(24 * 400));
  Do(Putting(MakeWidget("c", "red")));
  clock_.Set(midnight + absl::Hours(1));
  Do(Putting(MakeWidget("d", "red")));
  EXPECT_EQ(ColorOn("d", "2026-06-16"), "red");
  EXPECT_EQ(store_->Read().today(), Day("2026-06-16"));
}

TEST_P(StoreTest, VersionsOfOneCommand) {
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow past = MakeWidget("a", "past"), now = MakeWidget("a", "now"),
              again = MakeWidget("a", "again");
    RETURN_IF_ERROR(tx.Put(kWidgets, &past, Day("2026-06-01")));
    RETURN_IF_ERROR(tx.Put(kWidgets, &now));
    RETURN_IF_ERROR(tx.Put(kWidgets, &again));  // replaces, nobody saw the one before
    WidgetRow older = MakeWidget("a", "older"), next = MakeWidget("a", "next"),
              next2 = MakeWidget("a", "next2");
    RETURN_IF_ERROR(tx.Put(kWidgets, &older, Day("2026-05-01")));
    RETURN_IF_ERROR(tx.Put(kWidgets, &next, Day("2026-07-01")));
    RETURN_IF_ERROR(tx.Put(kWidgets, &next2, Day("2026-07-01")));
    ASSIGN_OR_RETURN(const auto mine, tx.Find(kWidgets, Key::Of("a")));
    return mine->row.widget().color();
  });
  EXPECT_EQ(Color("a"), "again");
  EXPECT_EQ(ColorOn("a", "2026-06-14"), "past");
  EXPECT_EQ(ColorOn("a", "2026-05-31"), "older");
  EXPECT_EQ(ColorOn("a", "2026-07-01"), "next2");
  EXPECT_EQ(ColorOn("a", "2026-04-30"), "-");
  EXPECT_EQ(Rows(kByColor, {}, {Day("2026-06-14"), std::nullopt}), "a=past");
  EXPECT_EQ(Rows(kByColor, {}, {Day("2026-07-02"), std::nullopt}), "a=next2");
  GoTo("2026-07-01");
  Fire();
  EXPECT_EQ(Rows(kByColor), "a=next2");
  Healthy();
}

TEST_P(StoreTest, UniqueKeyHasOneHolderADay) {
  Do(Putting(MakeOwned("a", "red", "X")));
  EXPECT_EQ(Refused(Putting(MakeOwned("b", "red", "X"))), "ALREADY_EXISTS");
  Do(Putting(MakeOwned("a", "blue", "X")));  // its own
  EXPECT_EQ(HolderOf("X"), "a");
  EXPECT_EQ(Rows(kWidgets), "a=blue");
  Do(Putting(MakeOwned("a", "blue", "Y")));
  Do(Putting(MakeOwned("b", "red", "X")));
  EXPECT_EQ(HolderOf("X"), "b");
  EXPECT_EQ(HolderOf("Y"), "a");
  Do(Ending("b"));
  EXPECT_EQ(HolderOf("X"), "-");
  Do(Putting(MakeOwned("c", "red", "X")));
  Do(Putting(MakeWidget("d", "red")));
  Do(Putting(MakeWidget("e", "red")));  // none: sparse
  EXPECT_EQ(Rows(kByBin), "c=red a=blue");
  // Who held it on an earlier day does not matter today.
  Do(Putting(MakeOwned("d", "old", "X"), Day("2026-06-01")));
  EXPECT_EQ(HolderOf("X"), "c");
  EXPECT_EQ(Rows(kByBin, {}, {Day("2026-06-02"), std::nullopt}), "d=old");
  Healthy();
}

TEST_P(StoreTest, UniqueKeyIsKeptForTheFutureToo) {
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("b", "red", "Y")));
  EXPECT_EQ(Refused(Putting(MakeOwned("c", "red", "X"), Day("2026-06-20"))), "ALREADY_EXISTS");
  Do(Putting(MakeOwned("a", "red", "Z"), Day("2026-06-18")));
  Do(Putting(MakeOwned("c", "pink", "X"), Day("2026-06-20")));  // a has left by then
  // Free today, but c will have it.
  Do(Putting(MakeOwned("a", "red", "Z")));
  EXPECT_EQ(Refused(Putting(MakeOwned("b", "red", "X"))), "ALREADY_EXISTS");
  Do(Putting(MakeOwned("b", "red", "W"), Day("2026-06-19")));
  Do(Putting(MakeOwned("b", "red", "X")));  // until the 19th only
  EXPECT_EQ(HolderOf("X"), "b");
  GoTo("2026-06-19");
  EXPECT_EQ(HolderOf("X"), "-");  // before the timers
  EXPECT_EQ(HolderOf("W"), "b");
  GoTo("2026-06-20");
  EXPECT_EQ(HolderOf("X"), "c");
  Fire();
  EXPECT_EQ(HolderOf("X"), "c");
  EXPECT_EQ(HolderOf("W"), "b");
  EXPECT_EQ(HolderOf("Y"), "-");
  Healthy();
}

TEST_P(StoreTest, UniqueKeysChangeHandsOnOneDay) {
  Do(Putting(MakeOwned("a", "red", "X")));
  Do(Putting(MakeOwned("b", "red", "Y")));
  Do(Putting(MakeWidget("b", "red"), Day("2026-06-17")));
  Do(Putting(MakeOwned("a", "red", "Y"), Day("2026-06-20")));
  Do(Putting(MakeOwned("b", "red", "X"), Day("2026-06-20")));
  for (const char* day : {"2026-06-16", "2026-06-20"}) {
    GoTo(day);
    Fire();
    Healthy();
  }
  EXPECT_EQ(HolderOf("X"), "b");
  EXPECT_EQ(HolderOf("Y"), "a");
}

TEST_P(StoreTest, FanOutSparseAndPaging) {
  for (int i = 0; i < 200; ++i) {
    WidgetRow row = MakeWidget(absl::StrCat("w", 100 + i), i % 2 == 0 ? "even" : "odd");
    if (i % 10 == 0) row.mutable_widget()->add_tags("ten");
    if (i % 20 == 0) row.mutable_widget()->add_tags("twenty");
    if (i % 40 == 0) row.mutable_widget()->add_tags("ten");  // twice: one entry
    Do(Putting(row));
  }
  EXPECT_EQ(Rows(kByTag, {Key::Of("twenty"), ""}),
            "w100=even w120=even w140=even w160=even w180=even w200=even w220=even w240=even "
            "w260=even w280=even");
  Key ten;
  ten.AddTextPrefix("te");
  EXPECT_EQ(Rows(kByTag, {ten, ""}).size(), 20 * 10 - 1);

  const auto page_through = [&](const auto& def, const Key& prefix, const At& at) {
    const View view = store_->Read();
    std::vector<std::string> codes;
    std::string after;
    for (bool more = true; more;) {
      int left = 7;
      more = false;
      EXPECT_TRUE(
          view.Scan(def, Range{prefix, after}, at,
                    [&](const RowView& row, absl::string_view place) -> absl::StatusOr<bool> {
                      if (left-- == 0) {
                        more = true;
                        return false;
                      }
                      ASSIGN_OR_RETURN(const auto stored, Reader::Parse<WidgetRow>(row));
                      codes.push_back(stored.row.widget().code());
                      after = std::string(place);
                      return true;
                    })
              .ok());
    }
    return codes;
  };
  const At today{Day("2026-06-15"), std::nullopt}, known{std::nullopt, Micros(clock_.Now()) + 1000};
  for (const At& at : {At{}, today, known}) {
    EXPECT_EQ(page_through(kWidgets, Key(), at).size(), 200U);
    EXPECT_EQ(page_through(kByColor, Key::Of("odd"), at).size(), 100U);
    const auto tags = page_through(kByTag, Key(), at);
    EXPECT_EQ(tags.size(), 30U);
    EXPECT_EQ(tags[20], "w100");
  }
  Healthy();
}

// In one walk: what each beginning has by itself, whatever the order, also of one within another,
// of one that is there twice, and where nothing lies.
TEST_P(StoreTest, ManyBeginningsInOneWalk) {
  for (int i = 0; i < 200; ++i) {
    WidgetRow row = MakeOwned(absl::StrCat("w", 100 + i), absl::StrCat("c", i % 7),
                              absl::StrCat("bin", i % 50 == 0 ? i : 1000 + i));
    for (int tag = 0; tag < 3; ++tag)
      row.mutable_widget()->add_tags(absl::StrCat("t", (i * 31 + tag * 17) % 40));
    Do(Putting(row));
  }
  const int64_t before = Micros(clock_.Now()) + 150;
  GoTo("2026-06-20");
  for (int i = 0; i < 200; i += 3) {
    WidgetRow row =
        MakeOwned(absl::StrCat("w", 100 + i), absl::StrCat("c", i % 5), absl::StrCat("new", i));
    row.mutable_widget()->add_tags(absl::StrCat("t", i % 40));
    Do(Putting(row));
  }
  for (int i = 1; i < 200; i += 20) Do(Ending(absl::StrCat("w", 100 + i)));

  std::vector<Key> prefixes;
  for (const int n : {39, 3, 12, 0, 99, 12, 7, 41, 30}) {
    prefixes.push_back(Key::Of(absl::StrCat("t", n)));
  }
  for (const char* text : {"t", "t1", "t12", "t1", "a", "z", "c", "c3", "bin1", "bin10", "new"}) {
    Key prefix;
    prefix.AddTextPrefix(text);
    prefixes.push_back(prefix);
  }
  prefixes.push_back(Key());
  const auto code_of = [](const RowView& view) {
    return Reader::Parse<WidgetRow>(view)->row.widget().code();
  };
  // `most`: of each. By Scan, one after another, and by ScanEach.
  const auto compare = [&](const Reader& reader, const IndexDef& index, const At& at, size_t most) {
    std::vector<std::vector<std::string>> one_by_one(prefixes.size()), together(prefixes.size());
    for (size_t i = 0; i < prefixes.size(); ++i) {
      ASSERT_TRUE(reader
                      .Scan(index, {prefixes[i], ""}, at,
                            [&](const RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                              one_by_one[i].push_back(code_of(row));
                              return one_by_one[i].size() < most;
                            })
                      .ok());
    }
    ASSERT_TRUE(reader
                    .ScanEach(index, prefixes, at,
                              [&](size_t which, const RowView& row) -> absl::StatusOr<bool> {
                                together[which].push_back(code_of(row));
                                return together[which].size() < most;
                              })
                    .ok());
    EXPECT_EQ(together, one_by_one);
  };
  const std::vector<At> times = {
      {}, {Day("2026-06-15"), std::nullopt}, {std::nullopt, before}, {Day("2026-06-19"), before}};
  for (const IndexDef* index :
       {static_cast<const IndexDef*>(&kByTag), static_cast<const IndexDef*>(&kByColor),
        static_cast<const IndexDef*>(&kByBin)}) {
    for (const size_t most : {size_t{1}, size_t{2}, size_t{1'000}}) {
      for (const At& at : times) compare(store_->Read(), *index, at, most);
      // A command sees what it has put and ended itself.
      const auto run = [&](Tx& tx) -> absl::StatusOr<std::string> {
        WidgetRow row = MakeOwned("w101", "c3", "bin1001");
        row.mutable_widget()->add_tags("t12");
        RETURN_IF_ERROR(tx.Put(kWidgets, &row));
        RETURN_IF_ERROR(tx.End(kWidgets, Key::Of("w102")));
        for (const At& at : times) compare(tx, *index, at, most);
        return absl::CancelledError("taken back");
      };
      EXPECT_TRUE(absl::IsCancelled(store_->Write(Info(), run).status()));
    }
  }
  // An error of a visit ends it.
  int visits = 0;
  EXPECT_EQ(
      base::ReasonOf(store_->Read().ScanEach(kByTag, prefixes, {},
                                             [&](size_t, const RowView&) -> absl::StatusOr<bool> {
                                               ++visits;
                                               return base::StoreCorrupt("it");
                                             })),
      base::ReasonOf(base::StoreCorrupt("it")));
  EXPECT_EQ(visits, 1);
  Healthy();
}

TEST_P(StoreTest, CrateKeysHaveTwoParts) {
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    for (const auto& [bin, weight, region] :
         std::vector<std::tuple<const char*, int64_t, const char*>>{
             {"b", 2, "r1"}, {"b", -1, ""}, {"a", 10, "r1"}, {"bb", 1, "r2"}}) {
      WidgetRow row = MakeOwned(absl::StrCat(bin, weight), "c", bin);
      row.mutable_widget()->set_weight(weight);
      row.mutable_widget()->set_region(region);
      RETURN_IF_ERROR(tx.Put(kCrates, &row));
    }
    return std::string();
  });
  EXPECT_EQ(Rows(kCrates), "a10=c b-1=c b2=c bb1=c");
  EXPECT_EQ(Rows(kCrates, {Key::Of("b"), ""}), "b-1=c b2=c");
  EXPECT_EQ(Rows(kByRegion), "a10=c b2=c bb1=c");
  Healthy();
}

TEST_P(StoreTest, WritesWhileScanning) {
  for (int i = 0; i < 50; ++i) Do(Putting(MakeWidget(absl::StrCat("w", 100 + i), "red")));
  Do([](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow first = MakeWidget("w000", "red");
    RETURN_IF_ERROR(tx.Put(kWidgets, &first));  // so that the overlay is walked too
    const auto visit = [&](const RowView& view, absl::string_view) -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(auto stored, Reader::Parse<WidgetRow>(view));
      stored.row.mutable_widget()->set_color("blue");
      RETURN_IF_ERROR(tx.Put(kWidgets, &stored.row));
      WidgetRow more = MakeWidget(absl::StrCat("a", stored.row.widget().code()), "green");
      RETURN_IF_ERROR(tx.Put(kWidgets, &more));
      EXPECT_FALSE(view.row.empty());
      return true;
    };
    RETURN_IF_ERROR(tx.Scan(kWidgets, {}, {}, visit));
    return std::string();
  });
  EXPECT_THAT(Rows(kByColor, {Key::Of("red"), ""}), "");
  EXPECT_THAT(Rows(kByColor, {Key::Of("blue"), ""}), HasSubstr("w000=blue w100=blue w101=blue"));
  Healthy();
}

// Holds the writer until released, so that what is written meanwhile goes into one group.
class Gate {
 public:
  void Close(Store& store) {
    std::promise<void> entered;
    store.WriteAsync(
        Info(),
        [this, &entered](Tx&) -> absl::StatusOr<std::string> {
          entered.set_value();
          open_.get_future().wait();
          return std::string("gate");
        },
        [](absl::StatusOr<Outcome>) {});
    entered.get_future().wait();
  }
  void Open() { open_.set_value(); }

 private:
  std::promise<void> open_;
};

TEST_P(StoreTest, FailingCommandOfAGroupLeavesNothing) {
  std::vector<std::promise<absl::StatusOr<Outcome>>> answers(3);
  const auto done = [&](size_t i) {
    return [&answers, i](absl::StatusOr<Outcome> o) { answers[i].set_value(std::move(o)); };
  };
  Gate gate;
  gate.Close(*store_);
  store_->WriteAsync(Info(), Putting(MakeOwned("a", "red", "X")), done(0));
  store_->WriteAsync(
      Info("id-1"),
      [](Tx& tx) -> absl::StatusOr<std::string> {
        WidgetRow a = MakeWidget("a", "lost"), b = MakeWidget("b", "lost");
        RETURN_IF_ERROR(tx.Put(kWidgets, &a));
        RETURN_IF_ERROR(tx.Put(kWidgets, &b, Day("2026-07-01")));
        EXPECT_EQ(*tx.Next("n"), 1);
        tx.Emit("other", "/M", b);
        tx.Schedule(absl::FromUnixSeconds(1), "k", "p");
        return base::NotFound("widgets", "c");
      },
      done(1));
  store_->WriteAsync(
      Info(),
      [](Tx& tx) -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(const auto a, tx.Find(kWidgets, Key::Of("a")));
        ASSIGN_OR_RETURN(const int64_t n, tx.Next("n"));
        return absl::StrCat(a->row.widget().color(), n, " at ", tx.position());
      },
      done(2));
  gate.Open();
  EXPECT_TRUE(answers[0].get_future().get().ok());
  EXPECT_EQ(answers[1].get_future().get().status().code(), absl::StatusCode::kNotFound);
  const auto third = answers[2].get_future().get();
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->reply, "red1 at 3");
  EXPECT_EQ(Rows(kWidgets), "a=red");
  EXPECT_EQ(Rows(kByColor), "a=red");
  EXPECT_EQ(HolderOf("X"), "a");
  EXPECT_EQ(*store_->NextTimer(), std::nullopt);
  EXPECT_EQ(*store_->FindReply(Info("id-1")), std::nullopt);
  EXPECT_EQ(Rows(kWidgets, {}, {Day("2026-07-01"), std::nullopt}), "a=red");
  const std::string outbox = SystemKey(kOutboxId, Key());
  const View view = store_->Read();
  EXPECT_FALSE(view.snapshot().Scan(Space::kData, outbox, PrefixEnd(outbox))->Valid());
  Healthy();
}

TEST_P(StoreTest, ValidateOnlyAnswersAndChangesNothing) {
  Do(Putting(MakeWidget("a", "red")));
  CommandInfo info = Info("id-1");
  info.validate_only = true;
  const auto outcome = store_->Write(info, Putting(MakeWidget("a", "blue")));
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->reply, EtagOf(2, clock_.Now() + absl::Microseconds(1)));
  EXPECT_EQ(outcome->position, 0);
  EXPECT_EQ(store_->position(), 1);
  EXPECT_EQ(Color("a"), "red");
  EXPECT_EQ(*store_->FindReply(info), std::nullopt);
  info.validate_only = false;
  EXPECT_EQ(store_->Write(info, Putting(MakeWidget("a", "blue")))->position, 2);
}

TEST_P(StoreTest, SameRequestHasTheSameAnswer) {
  int runs = 0;
  const CommandFn run = [&runs](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow row = MakeWidget("a", absl::StrCat("run", ++runs));
    RETURN_IF_ERROR(tx.Put(kWidgets, &row));
    return row.widget().color();
  };
  const auto first = store_->Write(Info("id-1"), run);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->replayed);
  const auto again = [&](const char* when) {
    const auto second = store_->Write(Info("id-1"), run);
    ASSERT_TRUE(second.ok()) << when;
    EXPECT_TRUE(second->replayed) << when;
    EXPECT_EQ(second->reply, "run1") << when;
    EXPECT_EQ(second->position, 1) << when;
    const auto found = store_->FindReply(Info("id-1"));
    ASSERT_TRUE(found.ok() && found->has_value()) << when;
    EXPECT_EQ((*found)->reply, "run1") << when;
    EXPECT_EQ(base::ReasonOf(store_->Write(Info("id-1", "other"), run).status()),
              "IDEMPOTENCY_KEY_REUSED")
        << when;
    EXPECT_EQ(base::ReasonOf(store_->FindReply(Info("id-1", "other")).status()),
              "IDEMPOTENCY_KEY_REUSED")
        << when;
  };
  again("in process");
  Open();
  again("reopened");
  clock_.Advance(absl::Hours(24 * 30));
  Open();
  again("after 30 days");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(store_->position(), 1);
  // Another caller's id is another id.
  CommandInfo other = Info("id-1");
  other.actor = "somebody else";
  EXPECT_FALSE(store_->Write(other, run)->replayed);
  // A refused command may be tried again under its id.
  EXPECT_FALSE(store_->Write(Info("id-2"), Ending("none")).ok());
  EXPECT_FALSE(store_->Write(Info("id-2"), run)->replayed);
  CommandInfo hashless = Info("id-3");
  hashless.body_hash.clear();
  EXPECT_EQ(base::ReasonOf(store_->Write(hashless, run).status()), "BODY_HASH");
}

// As an Update does: reads the record, sets what is asked for, puts it.
CommandFn Coloring(const std::string& color, std::optional<base::Date> from = std::nullopt) {
  return [color, from](Tx& tx) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(auto found, tx.Find(kWidgets, Key::Of(std::string("a"))));
    found->row.mutable_widget()->set_color(color);
    RETURN_IF_ERROR(tx.Put(kWidgets, &found->row, from));
    return absl::StrCat(found->row.widget().color(), " ", found->row.widget().etag());
  };
}

TEST_P(StoreTest, AnUpdateThatChangesNothingLeavesTheRecordAsItIs) {
  Do(Putting(MakeWidget("a", "red")));
  const std::string first = (*store_->Read().Find(kWidgets, Key::Of("a")))->row.widget().etag();
  const auto updating = [](absl::string_view id) {
    CommandInfo info = Info(id);
    info.keeps_same = true;
    return info;
  };
  const auto same = store_->Write(updating("id-1"), Coloring("red"));
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->reply, absl::StrCat("red ", first));
  EXPECT_EQ(same->position, 0);
  EXPECT_EQ(store_->position(), 1);
  EXPECT_EQ(store_->Write(updating("id-2"), Coloring("blue"))->position, 2);
  // A retry is no second update, after a restart either.
  for (int i = 0; i < 2; ++i) {
    const auto again = store_->Write(updating("id-1"), Coloring("red"));
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->reply, same->reply);
    EXPECT_EQ(again->position, 0);
    EXPECT_EQ(Color("a"), "blue");
    Open();
  }
  // What is said of another day is said, and so is what an ordinary command writes.
  EXPECT_EQ(store_->Write(updating("id-3"), Coloring("blue", Day("2026-06-20")))->position, 3);
  EXPECT_EQ(store_->Write(Info("id-4"), Coloring("blue"))->position, 4);
  Healthy();
}

TEST_P(StoreTest, SameRequestTwiceInOneGroup) {
  std::promise<absl::StatusOr<Outcome>> one, two;
  Gate gate;
  gate.Close(*store_);
  store_->WriteAsync(Info("id"), Putting(MakeWidget("a", "red")),
                     [&](absl::StatusOr<Outcome> o) { one.set_value(std::move(o)); });
  store_->WriteAsync(Info("id"), Putting(MakeWidget("a", "red")),
                     [&](absl::StatusOr<Outcome> o) { two.set_value(std::move(o)); });
  gate.Open();
  EXPECT_FALSE(one.get_future().get()->replayed);
  const auto second = two.get_future().get();
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(second->position, 2);
  EXPECT_EQ(store_->position(), 2);
}

TEST_P(StoreTest, FullQueueRefusesAtOnce) {
  options_.queue_limit = 3;
  Open();
  Gate gate;
  gate.Close(*store_);
  std::atomic<int> ok{0};
  for (int i = 0; i < 3; ++i) {
    store_->WriteAsync(Info(), Putting(MakeWidget(absl::StrCat("w", i), "red")),
                       [&](absl::StatusOr<Outcome> o) { ok += o.ok() ? 1 : 0; });
  }
  EXPECT_EQ(store_->queue_depth(), 3U);
  const absl::Status refused = store_->Write(Info(), Putting(MakeWidget("x", "red"))).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(base::ReasonOf(refused), "OVERLOADED");
  EXPECT_EQ(ok, 0);  // the others still wait
  gate.Open();
  while (ok < 3) std::this_thread::yield();
  Do(Putting(MakeWidget("y", "red")));
  EXPECT_EQ(Rows(kWidgets), "w0=red w1=red w2=red y=red");
}

// A part of a command that fails leaves nothing of itself, and all that was before it.
TEST_P(StoreTest, APartThatFailsLeavesTheRestOfItsCommand) {
  const auto outcome = store_->Write(Info("id"), [](Tx& tx) -> absl::StatusOr<std::string> {
    WidgetRow a = MakeWidget("a", "red");
    RETURN_IF_ERROR(tx.Put(kWidgets, &a));
    const absl::Status failed = tx.Attempt([&tx]() -> absl::Status {
      WidgetRow b = MakeWidget("b", "blue"), again = MakeWidget("a", "green");
      RETURN_IF_ERROR(tx.Put(kWidgets, &b));
      RETURN_IF_ERROR(tx.Put(kWidgets, &again));
      RETURN_IF_ERROR(tx.Next("counter").status());
      tx.Schedule(absl::InfiniteFuture(), "kind", "payload");
      return absl::FailedPreconditionError("no");
    });
    EXPECT_EQ(failed, absl::FailedPreconditionError("no"));
    EXPECT_EQ(tx.Next("counter").value(), 1);
    return tx.Attempt([&tx] {
               WidgetRow c = MakeWidget("c", "red");
               return tx.Put(kWidgets, &c);
             }).ok()
               ? std::string("done")
               : std::string("refused");
  });
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->reply, "done");
  EXPECT_EQ(Rows(kWidgets), "a=red c=red");
  EXPECT_EQ(Rows(kByColor), "a=red c=red");
  const auto records = store_->ReadJournal(1, 100, 1 << 20);
  ASSERT_TRUE(records.ok() && records->size() == 1U);
  journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(records->front().leaf));
  EXPECT_EQ(entry.changes_size(), 2);
  EXPECT_FALSE(store_->NextTimer()->has_value());
  Healthy();  // indexes and totals as well
}

// An engine that does to a commit what it is told.
class ToldEngine final : public Engine {
 public:
  // Called before each step; what is not OK is its outcome.
  using Before = std::function<absl::Status()>;
  ToldEngine(std::unique_ptr<Engine> engine, Before append, Before sync = absl::OkStatus)
      : engine_(std::move(engine)), append_(std::move(append)), sync_(std::move(sync)) {}
  absl::StatusOr<int64_t> LastPosition() const override { return engine_->LastPosition(); }
  std::unique_ptr<Snapshot> NewSnapshot(Reach reach) const override {
    return engine_->NewSnapshot(reach);
  }
  absl::StatusOr<std::unique_ptr<Snapshot>> Append(const Batch& batch) override {
    RETURN_IF_ERROR(append_());
    return engine_->Append(batch);
  }
  absl::Status Sync() override {
    RETURN_IF_ERROR(sync_());
    return engine_->Sync();
  }
  absl::Status Checkpoint(const std::string& dir) override { return engine_->Checkpoint(dir); }
  absl::StatusOr<Backup> MakeBackup(const BackupOptions& options) override {
    return engine_->MakeBackup(options);
  }
  absl::StatusOr<std::string> VerifyNext(const std::string& cursor) override {
    return engine_->VerifyNext(cursor);
  }
  std::vector<Figure> Stats() const override { return engine_->Stats(); }

 private:
  std::unique_ptr<Engine> engine_;
  const Before append_;
  const Before sync_;
};

TEST_P(StoreTest, NothingIsAcknowledgedAfterAFailedCommit) {
  store_.reset();
  std::atomic<bool> fail{false};
  int failures = 0;
  options_.on_failure = [&failures](const absl::Status&) { ++failures; };
  const auto told = [&fail] { return fail ? absl::UnavailableError("EIO") : absl::OkStatus(); };
  auto opened =
      Store::Open(std::make_unique<ToldEngine>(*OpenEngine(), told), schema_, CopyOptions());
  ASSERT_TRUE(opened.ok());
  store_ = *std::move(opened);
  Do(Putting(MakeWidget("a", "red")));
  fail = true;
  const auto lost = store_->Write(Info("id"), Putting(MakeWidget("a", "blue")));
  EXPECT_EQ(lost.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(base::ReasonOf(lost.status()), "STORE_FAILED");
  fail = false;
  EXPECT_EQ(Refused(Putting(MakeWidget("a", "green"))), "STORE_FAILED");
  EXPECT_FALSE(store_->failure().ok());
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(store_->position(), 1);
  EXPECT_EQ(Color("a"), "red");
  options_.on_failure = nullptr;
  Open();
  EXPECT_FALSE(store_->Write(Info("id"), Putting(MakeWidget("a", "blue")))->replayed);
  Healthy();
}

// Record, index, journal, tree and request row of a command are there together or not at all,
// whichever commit is the last; and the witness agrees.
TEST_P(StoreTest, AFailedCommitLeavesNothingInPart) {
  with_witness_ = true;
  for (int commits = 0; commits < 5; ++commits) {
    SCOPED_TRACE(commits);
    store_.reset();
    disk_ = NewMemDisk();
    std::filesystem::remove(dir_ / "witness");
    const std::string name = absl::StrCat("commits_", commits);
    std::atomic<int> left{INT_MAX};  // to open it
    const auto told = [&left] {
      return left-- > 0 ? absl::OkStatus() : absl::UnavailableError("EIO");
    };
    auto opened =
        Store::Open(std::make_unique<ToldEngine>(*OpenEngine(name), told), schema_, CopyOptions());
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    left = commits;
    int acknowledged = 0;
    for (int i = 1; store_->failure().ok(); ++i) {
      const std::string id = absl::StrCat("id-", i);
      acknowledged += store_->Write(Info(id), Putting(MakeWidget(id, "red"))).ok() ? 1 : 0;
    }
    const absl::Status reopened = TryOpen(name);
    ASSERT_TRUE(reopened.ok()) << reopened;
    EXPECT_EQ(store_->position(), acknowledged);
    const auto records = store_->ReadJournal(1, 100, 1 << 20);
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(records->size(), static_cast<size_t>(acknowledged));
    for (const JournalRecord& record : *records) {
      journal::v1::Entry entry;
      ASSERT_TRUE(entry.ParseFromString(record.leaf));
      EXPECT_EQ(Color(entry.request_id()), "red");
      const auto reply = store_->FindReply(Info(entry.request_id()));
      ASSERT_TRUE(reply.ok() && reply->has_value()) << entry.request_id();
      EXPECT_EQ((*reply)->position, record.position);
    }
    Healthy();
  }
}

// Two batches: while the first is held before it is written or synced, the second runs over it.
// Neither is answered or seen before the first is durable, and both fall when it fails.
class OverlappingTest : public StoreTest {
 protected:
  enum class Held { kAppend, kSync };
  void RunOverlapping(Held at, const absl::Status& first_commit) {
    store_.reset();
    std::atomic<bool> hold{false};
    std::promise<void> held;
    std::promise<absl::Status> release;
    const auto told = [&]() -> absl::Status {
      if (!hold.exchange(false)) return absl::OkStatus();
      held.set_value();
      return release.get_future().get();
    };
    const ToldEngine::Before good = absl::OkStatus;
    auto engine = std::make_unique<ToldEngine>(*OpenEngine(), at == Held::kAppend ? told : good,
                                               at == Held::kSync ? told : good);
    auto opened = Store::Open(std::move(engine), schema_, CopyOptions());
    ASSERT_TRUE(opened.ok());
    store_ = *std::move(opened);

    std::promise<absl::StatusOr<Outcome>> promises[3];
    std::vector<std::future<absl::StatusOr<Outcome>>> answers;
    for (auto& promise : promises) answers.push_back(promise.get_future());
    const auto done = [&](size_t i) {
      return [&promises, i](absl::StatusOr<Outcome> o) { promises[i].set_value(std::move(o)); };
    };
    Gate gate;
    gate.Close(*store_);
    store_->WriteAsync(Info("one"), Putting(MakeWidget("a", "red")), done(0));
    store_->WriteAsync(Info("two"), Putting(MakeWidget("b", "red")), done(1));
    hold = true;
    gate.Open();
    held.get_future().wait();
    std::promise<std::string> seen;
    store_->WriteAsync(
        Info("three"),
        [&seen](Tx& tx) -> absl::StatusOr<std::string> {
          ASSIGN_OR_RETURN(const auto a, tx.Find(kWidgets, Key::Of("a")));
          std::string all = a.has_value() ? a->row.widget().color() : "-";
          RETURN_IF_ERROR(tx.Scan(
              kByColor, {Key::Of("red"), ""}, {}, [&all](const RowView& view, absl::string_view) {
                all += "," + Reader::Parse<WidgetRow>(view)->row.widget().code();
                return true;
              }));
          seen.set_value(all);
          WidgetRow blue = MakeWidget("a", "blue");
          RETURN_IF_ERROR(tx.Put(kWidgets, &blue));
          return std::string("three");
        },
        done(2));
    EXPECT_EQ(seen.get_future().get(), "red,a,b");  // it runs before the first batch is durable
    for (const auto& answer : answers)
      EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    EXPECT_EQ(Rows(kWidgets), "");
    release.set_value(first_commit);
    for (auto& answer : answers) outcomes_.push_back(answer.get());
  }
  void TheNextFollows(Held at) {
    RunOverlapping(at, absl::OkStatus());
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      ASSERT_TRUE(outcomes_[i].ok()) << outcomes_[i].status();
      EXPECT_EQ(outcomes_[i]->position,
                static_cast<int64_t>(i) + 2);  // the gate's command is first
    }
    EXPECT_EQ(Rows(kWidgets), "a=blue b=red");
    EXPECT_EQ(Rows(kByColor), "a=blue b=red");
    Healthy();
    Open();
    EXPECT_EQ(Rows(kWidgets), "a=blue b=red");
    EXPECT_EQ((*store_->FindReply(Info("three")))->reply, "three");
    Healthy();
  }

  void TheNextFalls(Held at) {
    RunOverlapping(at, absl::UnavailableError("EIO"));
    for (const auto& outcome : outcomes_)
      EXPECT_EQ(base::ReasonOf(outcome.status()), "STORE_FAILED");
    Open();
    // What was appended may be there or not; the same request again settles it, in the same order.
    const auto again = [this](const char* id, WidgetRow row) {
      return store_->Write(Info(id), Putting(std::move(row)));
    };
    const auto one = again("one", MakeWidget("a", "red"));
    const auto two = again("two", MakeWidget("b", "red"));
    const auto three = again("three", MakeWidget("a", "blue"));
    ASSERT_TRUE(one.ok() && two.ok() && three.ok())
        << one.status() << two.status() << three.status();
    EXPECT_GE(one->replayed, three->replayed);  // the second batch is not there without the first
    EXPECT_EQ(two->replayed, one->replayed);
    EXPECT_EQ(two->position, one->position + 1);
    EXPECT_EQ(three->position, two->position + 1);
    EXPECT_EQ(Rows(kWidgets), "a=blue b=red");
    Healthy();
  }

 private:
  std::vector<absl::StatusOr<Outcome>> outcomes_;
};
NISI_BOTH_ENGINES(OverlappingTest);

TEST_P(OverlappingTest, TheNextBatchFollowsTheOneThatIsWritten) {
  TheNextFollows(Held::kAppend);
}
TEST_P(OverlappingTest, TheNextBatchFollowsTheOneThatIsSynced) {
  TheNextFollows(Held::kSync);
}
TEST_P(OverlappingTest, TheNextBatchFallsWithTheOneThatIsWritten) {
  TheNextFalls(Held::kAppend);
}
TEST_P(OverlappingTest, TheNextBatchFallsWithTheOneThatIsSynced) {
  TheNextFalls(Held::kSync);
}

// Many callers each add one to the same record: none is lost, positions are without gaps, and a
// repeated request id counts once.
TEST_P(StoreTest, ManyCallersOfOneRecord) {
  constexpr int kCallers = 8, kCalls = 60;
  std::mutex mutex;
  std::set<int64_t> positions;
  std::set<std::string> replies;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int call = 0; call < kCalls; ++call) {
        const CommandInfo info = Info(absl::StrCat(caller, "-", call));
        const auto add_one = [](Tx& tx) -> absl::StatusOr<std::string> {
          ASSIGN_OR_RETURN(const auto found, tx.Find(kWidgets, Key::Of("sum")));
          int sum = 0;
          if (found.has_value()) {
            EXPECT_TRUE(absl::SimpleAtoi(found->row.widget().color(), &sum));
          }
          WidgetRow row = MakeWidget("sum", absl::StrCat(sum + 1));
          RETURN_IF_ERROR(tx.Put(kWidgets, &row));
          return absl::StrCat(sum + 1);
        };
        const auto outcome = store_->Write(info, add_one);
        const auto again = store_->Write(info, add_one);
        ASSERT_TRUE(outcome.ok() && again.ok());
        EXPECT_TRUE(again->replayed);
        EXPECT_EQ(again->reply, outcome->reply);
        const std::lock_guard<std::mutex> lock(mutex);
        positions.insert(outcome->position);
        replies.insert(outcome->reply);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  constexpr int kTotal = kCallers * kCalls;
  EXPECT_EQ(Color("sum"), absl::StrCat(kTotal));
  EXPECT_EQ(replies.size(), size_t{kTotal});
  EXPECT_EQ(positions.size(), size_t{kTotal});
  EXPECT_EQ(*positions.begin(), 1);
  EXPECT_EQ(*positions.rbegin(), kTotal);
  Healthy();
}

// Each of many commands, in whatever batch and behind whatever other it runs, sees one state: what
// a record says of the rest is true of rows, index and totals. Some batches are of many bytes.
TEST_P(StoreTest, ManyCallersSeeOneState) {
  constexpr int kCallers = 8, kCalls = 150;
  std::atomic<int> made{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      std::mt19937 random(static_cast<uint32_t>(caller));
      std::vector<std::string> mine;
      for (int call = 0; call < kCalls; ++call) {
        const bool ends = !mine.empty() && random() % 3 == 0;
        const std::string code = ends ? mine.back() : absl::StrCat(caller, "-", call);
        const size_t note = random() % 20 == 0 ? 400'000 : 10;
        const auto outcome = store_->Write(Info(), [&](Tx& tx) -> absl::StatusOr<std::string> {
          int said = 0, rows = 0;
          const auto count = [&rows](const RowView&, absl::string_view) { return ++rows > 0; };
          ASSIGN_OR_RETURN(const auto sum, tx.Find(kCrates, Key::Of("sum", int64_t{0})));
          if (sum.has_value()) {
            EXPECT_TRUE(absl::SimpleAtoi(sum->row.widget().color(), &said));
          }
          RETURN_IF_ERROR(tx.Scan(kByColor, {Key::Of("red"), ""}, {}, count));
          EXPECT_EQ(rows, said);
          rows = 0;
          RETURN_IF_ERROR(tx.Scan(kWidgets, {}, {}, count));
          EXPECT_EQ(rows, said);
          ASSIGN_OR_RETURN(const auto there, tx.Find(kWidgets, Key::Of(code)));
          EXPECT_EQ(there.has_value(), ends);
          if (ends) {
            RETURN_IF_ERROR(tx.End(kWidgets, Key::Of(code)));
          } else {
            WidgetRow row = MakeWidget(code, "red");
            row.mutable_widget()->set_note(std::string(note, 'n'));
            RETURN_IF_ERROR(tx.Put(kWidgets, &row));
          }
          WidgetRow row = MakeWidget("", absl::StrCat(said + (ends ? -1 : 1)));
          row.mutable_widget()->set_bin("sum");
          RETURN_IF_ERROR(tx.Put(kCrates, &row));
          return std::string();
        });
        ASSERT_TRUE(outcome.ok()) << outcome.status();
        made += ends ? -1 : 1;
        if (ends) {
          mine.pop_back();
        } else {
          mine.push_back(code);
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(store_->position(), kCallers * kCalls);  // large changes are of several entries
  const auto sum = store_->Read().Find(kCrates, Key::Of("sum", int64_t{0}));
  ASSERT_TRUE(sum.ok() && sum->has_value());
  EXPECT_EQ((*sum)->row.widget().color(), absl::StrCat(made.load()));
  Healthy();
}

}  // namespace
}  // namespace nisi::store
