// The journal as it is followed and listed: all of it, in order, over every border of a page.
#include "common/rpc/journal_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/store/merkle.h"
#include "common/store/store_testing.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::rpc {
namespace {

using journal::v1::EntryRecord;
using journal::v1::ListEntriesRequest;
using journal::v1::ListEntriesResponse;
using journal::v1::WatchEntriesRequest;
using journal::v1::WatchEntriesResponse;

constexpr int kEntries = 200;  // a watch reads the journal by fewer at a time

int64_t PositionOf(const EntryRecord& record) {
  if (record.has_partial()) return record.partial().position();
  journal::v1::Entry entry;
  EXPECT_TRUE(entry.ParseFromString(record.leaf()));
  return entry.position();
}

class JournalServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store::Store::Options options;
    options.clock = &clock_;
    options.background = false;
    auto store = store::Store::Open(store::OpenMem(), schema_, std::move(options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    for (int i = 0; i < kEntries; ++i) {
      const auto put = store::Putting(store::MakeWidget(absl::StrCat("w", i), "red"));
      ASSERT_TRUE(store_->Write(store::Info(), put).ok());
    }
    env_ = JournalEnv{store_.get(), nullptr, &registry_};
    ASSERT_TRUE(AddJournalService(env_, &registry_).ok());
    ASSERT_TRUE(registry_.Add(*disclosure::v1::DisclosureService::descriptor()).ok());
  }

  Call& As(Role role, const char* method) {
    auto caller = std::make_shared<Caller>();
    caller->subject = "somebody";
    caller->Grant(role);
    call_.caller = std::move(caller);
    call_.method = &MethodOf(method).policy;
    return call_;
  }
  std::vector<int64_t> Watched(Role role, int64_t start) {
    WatchEntriesRequest request;
    request.set_start_position(start);
    const auto source = MethodOf("WatchEntries").server_stream(As(role, "WatchEntries"), request);
    EXPECT_TRUE(source.ok()) << source.status();
    std::vector<int64_t> seen;
    std::string bytes;
    auto state = (*source)->Pull(&bytes);
    for (; state.ok() && *state == MessageSource::State::kMessage;
         state = (*source)->Pull(&bytes)) {
      WatchEntriesResponse message;
      EXPECT_TRUE(message.ParseFromString(bytes));
      if (message.has_entry()) seen.push_back(PositionOf(message.entry()));
    }
    EXPECT_TRUE(state.ok()) << state.status();
    return seen;
  }
  std::vector<int64_t> Listed(Role role, int32_t size) {
    std::vector<int64_t> seen;
    ListEntriesRequest request;
    request.set_page_size(size);
    do {
      const auto bytes = MethodOf("ListEntries").unary(As(role, "ListEntries"), request);
      EXPECT_TRUE(bytes.ok()) << bytes.status();
      ListEntriesResponse page;
      EXPECT_TRUE(page.ParseFromString(*bytes));
      for (const EntryRecord& record : page.entries()) seen.push_back(PositionOf(record));
      request.set_start_position(page.next_position());
    } while (request.start_position() != 0);
    return seen;
  }

  EntryRecord Got(Role role, int64_t position) {
    journal::v1::GetEntryRequest request;
    request.set_position(position);
    EntryRecord record;
    const auto bytes = MethodOf("GetEntry").unary(As(role, "GetEntry"), request);
    EXPECT_TRUE(bytes.ok() && record.ParseFromString(*bytes)) << bytes.status();
    return record;
  }
  int64_t Written(store::CommandFn command) {
    const auto written = store_->Write(store::Info(), std::move(command));
    EXPECT_TRUE(written.ok()) << written.status();
    return written.ok() ? written->position : 0;
  }
  int64_t Written(const testing::v1::WidgetRow& row) { return Written(store::Putting(row)); }

  const Method& MethodOf(const char* name) const {
    return *registry_.Find(absl::StrCat("/nisi.journal.v1.JournalService/", name));
  }
  static std::vector<int64_t> From(int64_t first) {
    std::vector<int64_t> positions(static_cast<size_t>(kEntries + 1 - first));
    std::iota(positions.begin(), positions.end(), first);
    return positions;
  }

  base::FakeClock clock_{absl::FromUnixSeconds(1'781'000'000)};
  const store::Schema schema_ = WithDisclosure(store::WidgetSchema());
  std::unique_ptr<store::Store> store_;
  JournalEnv env_{};
  Registry registry_;
  Call call_;
};

TEST_F(JournalServiceTest, AWatchShowsEveryEntryOnceFromAnyPosition) {
  for (const int64_t start : {1, 2, 64, 65, 137}) {
    EXPECT_EQ(Watched(v1::AUDITOR, start), From(start)) << "from " << start;
    EXPECT_EQ(Watched(v1::AUTHORITY_INDUSTRY, start), From(start)) << "from " << start;
  }
}

// Passes over all but one entry, whose message it leaves for later.
class LateSource final : public JournalSource {
 public:
  LateSource(store::Store& store, int64_t late) : JournalSource(store, 1), late_(late) {}

 private:
  absl::Status Show(const store::JournalRecord& record, std::deque<std::string>*) override {
    left_ = left_ || record.position == late_;
    return absl::OkStatus();
  }
  absl::Status ShowMore(std::deque<std::string>* out) override {
    if (std::exchange(left_, false)) out->push_back("late");
    return absl::OkStatus();
  }
  void Bookmark(int64_t position, std::string* out) override { *out = absl::StrCat(position); }

  const int64_t late_;
  bool left_ = false;
};

// Whoever is cut off behind a bookmark goes on behind it.
TEST_F(JournalServiceTest, ABookmarkComesBehindWhatAnEntryLeftForLater) {
  constexpr int kMany = 1010;  // more than are passed over without a bookmark
  for (int i = kEntries; i < kMany; ++i) {
    ASSERT_TRUE(store_->Write(store::Info(), store::Putting(store::MakeWidget("w", "red"))).ok());
  }
  for (const int64_t late : {999, 1000, 1001}) {
    LateSource source(*store_, late);
    for (std::string message; message != "late";) {
      const auto state = source.Pull(&message);
      ASSERT_TRUE(state.ok()) << state.status();
      ASSERT_EQ(*state, MessageSource::State::kMessage);
      int64_t bookmark = 0;
      if (absl::SimpleAtoi(message, &bookmark)) {
        EXPECT_LT(bookmark, late);
      }
    }
  }
}

// A store that was restored to an earlier point is shorter than what its followers have seen: to
// wait for where they stopped would pass over all that it does until then.
TEST_F(JournalServiceTest, AWatchFromBeyondTheEndIsToldSo) {
  WatchEntriesRequest request;
  request.set_start_position(kEntries + 1);
  const auto next =
      MethodOf("WatchEntries").server_stream(As(v1::AUDITOR, "WatchEntries"), request);
  ASSERT_TRUE(next.ok()) << next.status();
  std::string bytes;
  const auto waits = (*next)->Pull(&bytes);
  ASSERT_TRUE(waits.ok()) << waits.status();
  EXPECT_EQ(*waits, MessageSource::State::kWait);
  request.set_start_position(kEntries + 2);
  const auto beyond =
      MethodOf("WatchEntries").server_stream(As(v1::AUDITOR, "WatchEntries"), request);
  ASSERT_TRUE(beyond.ok()) << beyond.status();
  const absl::Status refused = (*beyond)->Pull(&bytes).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(base::ReasonOf(refused), "BEYOND_JOURNAL");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("lastPosition"), absl::StrCat(kEntries));
}

TEST_F(JournalServiceTest, PagesOfAListMeetWithoutGapOrRepeat) {
  for (const int32_t size : {1, 7, 64, 100, 200}) {
    EXPECT_EQ(Listed(v1::AUDITOR, size), From(1)) << "by " << size;
    EXPECT_EQ(Listed(v1::AUTHORITY_INDUSTRY, size), From(1)) << "by " << size;
  }
}

// Who read what of an owner is for the owner and auditors (ListAccesses): no other reads it here.
TEST_F(JournalServiceTest, WhatNoMethodShowsToARoleIsPassedOverForIt) {
  const auto written =
      store_->Write(store::Info(), [](store::Tx& tx) -> absl::StatusOr<std::string> {
        disclosure::v1::AccessRow row;
        row.set_position(tx.position());
        row.mutable_access()->set_name("accesses/123456789012/1-1");
        row.mutable_access()->set_owner_bin("123456789012");
        RETURN_IF_ERROR(tx.Put(kAccesses, &row));
        return std::string();
      });
  ASSERT_TRUE(written.ok()) << written.status();
  const int64_t access = written->position;
  ASSERT_TRUE(store_->Write(store::Info(), store::Putting(store::MakeWidget("last", "red"))).ok());
  std::vector<int64_t> others = From(1);
  others.push_back(access + 1);
  std::vector<int64_t> all = From(1);
  all.insert(all.end(), {access, access + 1});

  EXPECT_EQ(Listed(v1::AUDITOR, 64), all);
  EXPECT_EQ(Watched(v1::AUDITOR, 1), all);
  EXPECT_EQ(Listed(v1::AUTHORITY_INDUSTRY, 64), others);
  EXPECT_EQ(Watched(v1::AUTHORITY_INDUSTRY, 1), others);
  journal::v1::GetEntryRequest request;
  request.set_position(access);
  const auto& get = MethodOf("GetEntry").unary;
  EXPECT_TRUE(get(As(v1::AUDITOR, "GetEntry"), request).ok());
  EXPECT_EQ(base::ReasonOf(get(As(v1::AUTHORITY_INDUSTRY, "GetEntry"), request).status()),
            "ACCESS_DENIED");
  request.set_position(access + 1);
  EXPECT_TRUE(get(As(v1::AUTHORITY_INDUSTRY, "GetEntry"), request).ok());
}

// What a service keeps by state is not there, what comes into sight comes without what it was, and
// all else is whole.
TEST_F(JournalServiceTest, WhatTheMethodsKeepByStateIsKeptHere) {
  registry_.Shows<testing::v1::Widget>(
      [](const store::Reader&, const Message& version, uint32_t roles) {
        return (roles & base::RoleBit(v1::INSTITUTE_INDUSTRY)) != 0 ||
               static_cast<const testing::v1::Widget&>(version).color() != "grey";
      });
  const auto grey = [this] { return Written(store::MakeWidget("turning", "grey")); };
  const int64_t draft = grey(), edited = grey();
  const int64_t published = Written(store::MakeWidget("turning", "red"));
  const int64_t changed = Written(store::MakeWidget("turning", "blue"));
  const int64_t ended = Written(store::Ending("turning"));
  const int64_t new_draft = grey(), gone = Written(store::Ending("turning"));
  const int64_t hidden_again = Written(store::MakeWidget("w1", "grey"));

  std::vector<int64_t> open = From(1), all = From(1);
  open.insert(open.end(), {published, changed, ended});
  all.insert(all.end(), {draft, edited, published, changed, ended, new_draft, gone, hidden_again});
  EXPECT_EQ(Listed(v1::AUDITOR, 64), all);
  EXPECT_EQ(Watched(v1::AUDITOR, 1), all);
  EXPECT_EQ(Listed(v1::AUTHORITY_INDUSTRY, 64), open);
  EXPECT_EQ(Watched(v1::AUTHORITY_INDUSTRY, 1), open);

  const EntryRecord partial = Got(v1::AUTHORITY_INDUSTRY, published);
  EXPECT_EQ(partial.leaf(), "") << "what is not the leaf is not told as one";
  ASSERT_EQ(partial.partial().changes_size(), 1);
  EXPECT_FALSE(partial.partial().changes(0).has_before());
  ASSERT_EQ(partial.without_before_size(), 1);
  EXPECT_EQ(partial.without_before(0), 0);
  journal::v1::Entry whole;
  ASSERT_TRUE(whole.ParseFromString(Got(v1::AUDITOR, published).leaf()));
  ASSERT_TRUE(whole.changes(0).has_before());
  whole.mutable_changes(0)->clear_before();
  EXPECT_EQ(partial.partial().SerializeAsString(), whole.SerializeAsString());
  // What is handed out as a leaf is what the tree holds, whoever reads it.
  for (const int64_t position : {int64_t{1}, changed, ended}) {
    const EntryRecord record = Got(v1::AUTHORITY_INDUSTRY, position);
    EXPECT_FALSE(record.has_partial());
    EXPECT_EQ(record.SerializeAsString(), Got(v1::AUDITOR, position).SerializeAsString());
    EXPECT_EQ(store::LeafHash(record.leaf()), *store_->LeafAt(position));
  }
  for (const int64_t position : {draft, edited, new_draft, gone, hidden_again}) {
    journal::v1::GetEntryRequest request;
    request.set_position(position);
    const auto refused =
        MethodOf("GetEntry").unary(As(v1::AUTHORITY_INDUSTRY, "GetEntry"), request);
    EXPECT_EQ(base::ReasonOf(refused.status()), "ACCESS_DENIED") << position;
  }
}

TEST(RegistryTest, ReadersOfATypeAreThoseOfTheMethodsThatAnswerWithIt) {
  Registry registry;
  const std::string access = "nisi.disclosure.v1.Access";
  EXPECT_EQ(registry.ReadersOf(access), ~0U) << "no method answers with it";
  ASSERT_TRUE(registry.Add(*disclosure::v1::DisclosureService::descriptor()).ok());
  EXPECT_EQ(registry.ReadersOf(access),
            base::RoleBit(v1::ENTITY) | base::RoleBit(v1::CUSTOMER) | base::RoleBit(v1::AUDITOR));
  EXPECT_EQ(registry.ReadersOf("nisi.disclosure.v1.Permit") & base::RoleBit(v1::AUTHORITY_INDUSTRY),
            base::RoleBit(v1::AUTHORITY_INDUSTRY));
}

}  // namespace
}  // namespace nisi::rpc
