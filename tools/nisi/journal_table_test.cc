#include "tools/nisi/journal_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/resources.pb.h"
#include "tools/nisi/output.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace goods = nisi::priority_goods::v1;
namespace journal = nisi::journal::v1;

goods::Edition Edition(goods::Edition::State state, const std::string& etag) {
  goods::Edition edition;
  edition.set_name("editions/2");
  edition.set_title_ru("Перечень");
  edition.set_state(state);
  edition.set_etag(etag);
  edition.mutable_update_time()->set_seconds(static_cast<int64_t>(etag.size()));
  return edition;
}

// The approval of an edition.
journal::Entry Approval() {
  journal::Entry entry;
  entry.set_position(12);
  entry.mutable_record_time()->set_seconds(1'767'600'000);
  entry.set_actor("official");
  entry.set_method("/nisi.priority_goods.v1.PriorityGoodsService/ApproveEdition");
  auto* change = entry.add_changes();
  change->set_table("editions");
  change->set_key("\x80");
  change->set_kind(journal::Change::PUT);
  change->mutable_effective_from()->set_year(2026);
  change->mutable_effective_from()->set_month(1);
  change->mutable_effective_from()->set_day(5);
  goods::Edition after = Edition(goods::Edition::APPROVED, "b");
  after.set_order_number("1-п");
  change->mutable_before()->PackFrom(Edition(goods::Edition::SUBMITTED, "aa"));
  change->mutable_after()->PackFrom(after);
  return entry;
}

std::string Printed(const google::protobuf::Message& message, int width = 0) {
  std::ostringstream out;
  PrintMessage(message, Format::kTable, width, &out);
  return out.str();
}

journal::ListEntriesResponse ListOf(const journal::Entry& entry) {
  journal::ListEntriesResponse response;
  response.add_entries()->set_leaf(entry.SerializeAsString());
  return response;
}

TEST(JournalTableTest, AnEntrySaysWhichRecordWhatWasDoneAndWhichFields) {
  EXPECT_EQ(Printed(ListOf(Approval())),
            "POSITION  RECORD TIME                METHOD           "
            "CHANGES                                          ACTOR\n"
            "12        2026-01-05T13:00:00+05:00  approve-edition  "
            "Edition editions/2 changed: state, order_number  official\n");
}

TEST(JournalTableTest, InANarrowTerminalTheChangesStay) {
  EXPECT_THAT(
      Printed(ListOf(Approval()), 80),
      HasSubstr("12        2026-01-05T13:00:00+05:00  approve-edition  Edition editions/2 chan"));
}

TEST(JournalTableTest, OneEntryListsItsChanges) {
  journal::EntryRecord record;
  record.set_leaf(Approval().SerializeAsString());
  const std::string text = Printed(record);
  EXPECT_THAT(text,
              HasSubstr("changes:\n"
                        "RECORD   ID          VERB     EFFECTIVE FROM  CHANGED FIELDS\n"
                        "Edition  editions/2  changed  2026-01-05      state, order_number\n"));
  EXPECT_THAT(text, Not(HasSubstr("@type")));
}

// What comes without the record before it was not created by that.
TEST(JournalTableTest, WhatIsToldInPartIsChanged) {
  journal::ListEntriesResponse response;
  auto& record = *response.add_entries();
  *record.mutable_partial() = Approval();
  record.mutable_partial()->mutable_changes(0)->clear_before();
  record.add_without_before(0);
  EXPECT_THAT(Printed(response),
              HasSubstr("approve-edition  Edition editions/2 changed  official"));
}

TEST(JournalTableTest, CreatedEndedAndManyMore) {
  journal::Entry entry;
  for (int i = 0; i < 5; ++i) {
    auto* change = entry.add_changes();
    change->set_kind(i == 1 ? journal::Change::END : journal::Change::PUT);
    goods::Entry good;
    good.set_name(absl::StrCat("editions/2/entries/850", i));
    auto* any = i == 1 ? change->mutable_before() : change->mutable_after();
    any->PackFrom(good);
  }
  EXPECT_THAT(Printed(ListOf(entry)),
              HasSubstr("Entry editions/2/entries/8500 created; Entry editions/2/entries/8501 "
                        "ended; Entry editions/2/entries/8502 created; and 2 more\n"));
}

TEST(JournalTableTest, ARecordOfAnUnknownTypeIsNamedByItsKey) {
  journal::Entry entry;
  auto* change = entry.add_changes();
  change->set_table("contracts");
  change->set_key("\x01\xff");
  change->set_kind(journal::Change::PUT);
  change->mutable_after()->set_type_url("type.googleapis.com/nisi.contracts.v1.Contract");
  change->mutable_after()->set_value("\xff");
  EXPECT_THAT(Printed(ListOf(entry)), HasSubstr("Contract 01ff created\n"));
}

}  // namespace
}  // namespace nisi::cli
