// Asking the list as a whole: CheckCodes, SearchEntries, WatchEntries.
#include <map>
#include <string>

#include "common/base/status.h"
#include "nisi/journal/v1/journal.pb.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::CheckCodesResponse;
using Pulled = rpc::MessageSource::State;

class ListTest : public RefundsTest {
 protected:
  CheckCodesResponse Check(const std::vector<std::string>& goods,
                           const std::vector<std::string>& services, const std::string& day = "") {
    v1::CheckCodesRequest request;
    for (const std::string& code : goods) request.add_goods_codes(code);
    for (const std::string& code : services) request.add_okeds(code);
    if (!day.empty()) *request.mutable_on_date() = Day(day).ToProto();
    return Must<CheckCodesResponse>("CheckCodes", public_, request);
  }
  std::string Publish(base::Date from, const std::vector<v1::Entry>& entries) {
    const std::string name = DraftList(entries);
    EXPECT_TRUE(SubmitIt(name, trade_).ok());
    EXPECT_TRUE(ApproveIt(name, from, approver_).ok());
    return name;
  }
  std::vector<std::string> Search(v1::SearchEntriesRequest request) {
    std::vector<std::string> codes;
    do {
      const auto page = Must<v1::SearchEntriesResponse>("SearchEntries", public_, request);
      for (const v1::Entry& entry : page.entries()) codes.push_back(CodeOf(entry));
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return codes;
  }
  std::unique_ptr<rpc::MessageSource> Watch(const rpc::Caller& caller, const std::string& parent,
                                            int64_t start) {
    v1::WatchEntriesRequest request;
    request.set_parent(parent);
    request.set_start_position(start);
    const rpc::Method& method = MethodOf("WatchEntries");
    rpc::Call call = MakeCall(method, caller);
    EXPECT_TRUE(Prepare(method, &request, &call).ok());
    auto source = method.server_stream(call, request);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }
  // The codes of all changes that are ready; "-" before what was taken out.
  static std::vector<std::string> Drain(rpc::MessageSource& source, int64_t* position = nullptr) {
    std::vector<std::string> changes;
    std::string bytes;
    for (auto state = source.Pull(&bytes); state.ok() && *state == Pulled::kMessage;
         state = source.Pull(&bytes)) {
      v1::WatchEntriesResponse message;
      EXPECT_TRUE(message.ParseFromString(bytes));
      if (position != nullptr) *position = message.position();
      for (const auto& change : message.changes()) {
        EXPECT_TRUE(change.has_record_time());
        changes.push_back(change.has_entry()
                              ? CodeOf(change.entry())
                              : "-" + change.name().substr(change.name().rfind('/') + 1));
      }
    }
    return changes;
  }
};

// All of them are officials of one authority, so this alone keeps who wrote a line from approving
// it.
TEST_F(ListTest, WhoWroteInItDoesNotDecideOnIt) {
  const rpc::Caller writer = CallerOf("erlan@trade", {rpc::v1::AUTHORITY_TRADE});
  const std::string name = DraftList({Good("8504", v1::HIGH)});
  v1::CreateEntryRequest create;
  create.set_parent(name);
  *create.mutable_entry() = Good("8419", v1::MEDIUM);
  Must<v1::Entry>("CreateEntry", writer, create);
  ASSERT_TRUE(SubmitIt(name, trade_).ok());
  EXPECT_EQ(base::ReasonOf(ApproveIt(name, today(), writer).status()), "SEPARATION_OF_DUTIES");
  EXPECT_TRUE(ApproveIt(name, today(), approver_).ok());

  const std::string renamed = DraftList({Good("8504", v1::HIGH)});
  v1::UpdateEditionRequest update;
  update.mutable_edition()->set_name(renamed);
  update.mutable_edition()->set_title_ru("Перечень, уточнённый");
  Must<v1::Edition>("UpdateEdition", writer, update);
  ASSERT_TRUE(SubmitIt(renamed, trade_).ok());
  EXPECT_EQ(base::ReasonOf(ApproveIt(renamed, today().AddDays(1), writer).status()),
            "SEPARATION_OF_DUTIES");
}

// The journal tells whom no method shows a draft nothing of it, nor of its entries, which are
// written in it; of its approval all but what it was before.
TEST_F(ListTest, TheJournalTellsOfDraftsOnlyWhoSeesThem) {
  const std::string published = Publish(today(), {Good("8504", v1::HIGH)});
  const std::string given_up = Publish(today().AddDays(30), {Good("8419", v1::HIGH)});
  DraftList({Good("8703", v1::HIGH)});
  const auto told_of = [this](rpc::Role role) {
    std::map<std::string, int> told;
    const rpc::Caller caller = CallerOf("reader", {role});
    for (int64_t position = 1; position <= store().position(); ++position) {
      journal::v1::GetEntryRequest request;
      request.set_position(position);
      const rpc::Method& get =
          *service_->registry().Find("/nisi.journal.v1.JournalService/GetEntry");
      rpc::Call call = MakeCall(get, caller);
      const auto bytes = get.unary(call, request);
      if (!bytes.ok()) {
        EXPECT_EQ(base::ReasonOf(bytes.status()), "ACCESS_DENIED");
        continue;
      }
      journal::v1::EntryRecord record;
      journal::v1::Entry entry;
      EXPECT_TRUE(record.ParseFromString(*bytes));
      EXPECT_TRUE(record.has_partial() || entry.ParseFromString(record.leaf()));
      if (record.has_partial()) entry = record.partial();
      int without_before = 0;
      for (const auto& change : entry.changes()) {
        v1::Edition edition;
        if (change.after().UnpackTo(&edition)) {
          if (!change.has_before()) ++without_before;
          ++told[absl::StrCat(edition.name(), " ", v1::Edition::State_Name(edition.state()),
                              change.has_before() ? "" : ", not what it was")];
        } else {
          ++told[change.table()];
        }
      }
      if (role == rpc::v1::AUDITOR) {
        EXPECT_FALSE(record.has_partial());
      } else {
        EXPECT_EQ(record.without_before_size(), without_before);
      }
    }
    return told;
  };
  const std::map<std::string, int> all = told_of(rpc::v1::AUDITOR);
  EXPECT_EQ(all.count("entries"), 1);
  EXPECT_EQ(all.count(published + " DRAFT, not what it was"), 1);
  EXPECT_EQ(all.count(published + " APPROVED"), 1);
  std::map<std::string, int> open = {{published + " APPROVED, not what it was", 1},
                                     {published + " IN_FORCE", 1},
                                     {given_up + " APPROVED, not what it was", 1}};
  EXPECT_EQ(told_of(rpc::v1::AUTHORITY_INDUSTRY), open);
  // What was given up is not open any longer, nor what it was before.
  v1::WithdrawEditionRequest withdraw;
  withdraw.set_name(given_up);
  withdraw.set_reason("Ошибка");
  Must<v1::Edition>("WithdrawEdition", approver_, withdraw);
  open.erase(given_up + " APPROVED, not what it was");
  EXPECT_EQ(told_of(rpc::v1::AUTHORITY_INDUSTRY), open);
}

TEST_F(ListTest, ACodeIsListedInPartOrNot) {
  const std::string list =
      Publish(today(), {Good("8504", v1::HIGH), Good("84191100", v1::MEDIUM),
                        Good("841919", v1::LOW), ServiceEntry("62.01"), ServiceEntry("63.11.1")});
  const auto answer = Check({"8504", "8504232200", "8419", "841911", "8703", "841919"},
                            {"62.01", "62.01.1", "63.11", "63.11.2", "63.11.1"});
  ASSERT_EQ(answer.results_size(), 11);
  std::string told;
  for (const auto& result : answer.results()) {
    absl::StrAppend(&told, result.code(), " ", CheckCodesResponse::Verdict_Name(result.verdict()),
                    " ", result.entry().substr(result.entry().rfind('/') + 1), result.reason(),
                    "; ");
  }
  EXPECT_EQ(told,
            "8504 LISTED 8504; 8504232200 LISTED 8504; 8419 PARTIAL ; 841911 PARTIAL ; "
            "8703 NOT_LISTED NOT_ON_LIST; 841919 LISTED 841919; "
            "62.01 LISTED 62-01; 62.01.1 LISTED 62-01; 63.11 PARTIAL ; "
            "63.11.2 NOT_LISTED NOT_ON_LIST; 63.11.1 LISTED 63-11-1; ");
  EXPECT_THAT(answer.results(2).partial_entries(),
              ElementsAre(list + "/entries/84191100", list + "/entries/841919"));
  EXPECT_THAT(answer.results(3).partial_entries(), ElementsAre(list + "/entries/84191100"));
  EXPECT_THAT(answer.results(8).partial_entries(), ElementsAre(list + "/entries/63-11-1"));
  EXPECT_EQ(answer.results(1).processing_level(), v1::HIGH);
  EXPECT_EQ(answer.results(6).processing_level(), v1::PROCESSING_LEVEL_UNSPECIFIED);
  EXPECT_GT(answer.results(0).entry_position(), 0);
  EXPECT_EQ(answer.edition(), list);
  EXPECT_EQ(answer.order_number(), "17-НҚ");
  EXPECT_GT(answer.edition_position(), answer.results(0).entry_position());
  EXPECT_EQ(answer.legal_basis().article(), "Art. 10(3)");
}

TEST_F(ListTest, TheEditionInForceThatDayAnswersAndNoneBefore) {
  const std::string first = Publish(today(), {Good("8504", v1::HIGH)});
  const std::string second = Publish(today().AddDays(10), {Good("8703", v1::MEDIUM)});
  const std::string day = today().ToString(), turn = today().AddDays(10).ToString();
  const auto before = Check({"8504"}, {"62.01"}, today().AddDays(-1).ToString());
  EXPECT_EQ(before.edition(), "");
  EXPECT_EQ(before.legal_basis().article(), "Art. 10(3)");
  for (const auto& result : before.results()) {
    EXPECT_EQ(result.verdict(), CheckCodesResponse::NOT_LISTED);
    EXPECT_EQ(result.reason(), "NO_EDITION_IN_FORCE");
  }
  EXPECT_EQ(Check({"8504"}, {}, day).results(0).verdict(), CheckCodesResponse::LISTED);
  // By what is known today of a coming day; and the same when it has come, also after a restart.
  const std::string coming = Check({"8504", "8703"}, {}, turn).results(1).entry();
  EXPECT_EQ(coming, second + "/entries/8703");
  GoTo(Day(turn));
  EXPECT_EQ(Check({"8703"}, {}).edition(), second);
  EXPECT_EQ(Check({"8504"}, {}, day).edition(), first);
  const std::string told = Check({"8504", "8703"}, {}).SerializeAsString();
  Reopen();
  EXPECT_EQ(Check({"8504", "8703"}, {}).SerializeAsString(), told);
}

TEST_F(ListTest, TenThousandCodesOfBothKindsAndNotOneMore) {
  ListInForce();
  v1::CheckCodesRequest request;
  for (int i = 0; i < 9'000; ++i) request.add_goods_codes(absl::StrFormat("85%04d", i));
  for (int i = 0; i < 1'000; ++i) request.add_okeds("62.01.1");
  const auto answer = Must<CheckCodesResponse>("CheckCodes", public_, request);
  ASSERT_EQ(answer.results_size(), 10'000);
  EXPECT_EQ(answer.results(400).verdict(), CheckCodesResponse::LISTED)
      << answer.results(400).code();
  EXPECT_EQ(answer.results(500).verdict(), CheckCodesResponse::NOT_LISTED);
  EXPECT_EQ(answer.results(9'999).verdict(), CheckCodesResponse::LISTED);
  request.add_okeds("62.01.1");
  const absl::Status refused = Do<CheckCodesResponse>("CheckCodes", public_, request).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Do<CheckCodesResponse>("CheckCodes", public_, v1::CheckCodesRequest()).status().code(),
            absl::StatusCode::kInvalidArgument)
      << "none asked";
}

TEST_F(ListTest, EntriesAreFoundByCodeWordsSectorAndLevel) {
  v1::Entry machine = Good("8419", v1::MEDIUM);
  machine.set_name_ru("Сушильные машины для зерна");
  machine.set_name_kk("Астық кептіргіштер");
  machine.set_sector("machinery");
  v1::Entry other = Good("8504", v1::HIGH);
  other.set_name_ru("Трансформаторы и машины");
  v1::Entry programs = ServiceEntry("62.01");
  programs.set_name_en("Software development");
  const std::string list = Publish(today(), {machine, other, programs, Good("6201", v1::LOW)});
  const auto by = [](auto set) {
    v1::SearchEntriesRequest request;
    request.set_page_size(1);
    set(request);
    return request;
  };
  EXPECT_THAT(Search(by([](auto& r) { r.set_query("машин"); })), ElementsAre("8419", "8504"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_query("ЗЕРНА сушил"); })), ElementsAre("8419"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_query("зерно трансформатор"); })), IsEmpty());
  EXPECT_THAT(Search(by([](auto& r) { r.set_query("soft"); })), ElementsAre("62.01"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_code_prefix("84"); })), ElementsAre("8419"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_code_prefix("62"); })), ElementsAre("62.01", "6201"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_code_prefix("62."); })), ElementsAre("62.01"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_sector("machinery"); })), ElementsAre("8419"));
  EXPECT_THAT(Search(by([](auto& r) { r.set_processing_level(v1::LOW); })), ElementsAre("6201"));
  EXPECT_THAT(Search(by([&](auto& r) { r.set_parent(list); })),
              ElementsAre("62.01", "6201", "8419", "8504"));
  for (const char* none : {"841", "84x", "62-01", "62.01.11", "84195011000"}) {
    const auto refused = Do<v1::SearchEntriesResponse>(
        "SearchEntries", public_, by([&](auto& r) { r.set_code_prefix(none); }));
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument) << none;
  }
  // A draft is found by those who see it.
  auto draft = by([&](auto& r) { r.set_parent(DraftList({Good("8501", v1::HIGH)})); });
  EXPECT_EQ(base::ReasonOf(Do<v1::SearchEntriesResponse>("SearchEntries", public_, draft).status()),
            "ACCESS_DENIED");
  EXPECT_EQ(Must<v1::SearchEntriesResponse>("SearchEntries", institute_, draft).entries_size(), 1);
}

TEST_F(ListTest, PagesOfASearchStayOnTheEditionOfTheFirst) {
  Publish(today(), {Good("8419", v1::HIGH), Good("8504", v1::HIGH)});
  Publish(today().AddDays(1), {Good("8703", v1::HIGH)});
  v1::SearchEntriesRequest request;
  request.set_page_size(1);
  const auto page = Must<v1::SearchEntriesResponse>("SearchEntries", public_, request);
  ASSERT_EQ(page.entries_size(), 1);
  EXPECT_EQ(page.entries(0).goods_code(), "8419");
  GoTo(today().AddDays(1));
  EXPECT_THAT(Search(request), ElementsAre("8703"));
  request.set_page_token(page.next_page_token());
  EXPECT_THAT(Search(request), ElementsAre("8504"));
  request.set_query("другое");
  EXPECT_EQ(
      base::ReasonOf(Do<v1::SearchEntriesResponse>("SearchEntries", public_, request).status()),
      "PAGE_TOKEN_INVALID");
}

TEST_F(ListTest, WhereNoEditionIsInForceNothingIsFound) {
  EXPECT_THAT(Search({}), IsEmpty());
}

TEST_F(ListTest, ADraftIsWatchedByThoseWhoSeeItAndResumedWithoutGapOrRepeat) {
  const std::string list = DraftList({Good("8504", v1::HIGH)});
  auto source = Watch(institute_, list, 1);
  int64_t seen = 0;
  EXPECT_THAT(Drain(*source, &seen), ElementsAre("8504"));
  v1::CreateEntryRequest create;
  create.set_parent(list);
  *create.mutable_entry() = ServiceEntry("62.01");
  Must<v1::Entry>("CreateEntry", trade_, create);
  DraftList({Good("8703", v1::HIGH)});  // another edition
  EXPECT_THAT(Drain(*source, &seen), ElementsAre("62.01"));
  v1::DeleteEntryRequest remove;
  remove.set_name(list + "/entries/62-01");
  Must<v1::DeleteEntryResponse>("DeleteEntry", trade_, remove);
  source.reset();
  Reopen();
  EXPECT_THAT(Drain(*Watch(auditor_, list, seen + 1)), ElementsAre("-62-01"));
  EXPECT_THAT(Drain(*Watch(trade_, "", 1)), ElementsAre("8504", "62.01", "8703", "-62-01"));
  EXPECT_THAT(Drain(*Watch(public_, "", 1)), IsEmpty());
}

TEST_F(ListTest, ToThePublicAnEditionComesWholeAndGoesWhole) {
  auto source = Watch(public_, "", 1);
  const std::string list = DraftList({Good("8504", v1::HIGH), ServiceEntry("62.01")});
  EXPECT_TRUE(SubmitIt(list, trade_).ok());
  EXPECT_THAT(Drain(*source), IsEmpty());
  EXPECT_TRUE(ApproveIt(list, today().AddDays(5), approver_).ok());
  EXPECT_THAT(Drain(*source), ElementsAre("62.01", "8504"));
  v1::WithdrawEditionRequest withdraw;
  withdraw.set_name(list);
  withdraw.set_reason("Ошибка");
  Must<v1::Edition>("WithdrawEdition", approver_, withdraw);
  EXPECT_THAT(Drain(*source), ElementsAre("-62-01", "-8504"));
  EXPECT_THAT(Drain(*Watch(public_, "", 1)), IsEmpty()) << "who comes late";
}

TEST_F(ListTest, WatchersOfADraftAreToldApart) {
  const std::string list = DraftList({Good("8504", v1::HIGH)});
  v1::WatchEntriesRequest request;
  request.set_parent(list);
  const rpc::Method& method = MethodOf("WatchEntries");
  rpc::Call call = MakeCall(method, public_);
  ASSERT_TRUE(Prepare(method, &request, &call).ok());
  EXPECT_EQ(base::ReasonOf(method.server_stream(call, request).status()), "ACCESS_DENIED");
}

}  // namespace
}  // namespace nisi::export_refunds
