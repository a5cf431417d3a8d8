// The life of an edition and of an assessment, over a real store.
#include "services/priority_goods/service.h"

#include <set>

#include "absl/strings/match.h"
#include "common/norms/norms_testing.h"
#include "common/rpc/journal_testing.h"
#include "common/rpc/scope_testing.h"
#include "common/rpc/store_call.h"
#include "nisi/journal/v1/journal.pb.h"
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using v1::Edition;

class EditionsTest : public PriorityGoodsTest {
 protected:
  template <class Request>
  absl::StatusOr<Edition> Decide(const std::string& method, const rpc::Caller& caller,
                                 const std::string& name) {
    Request request;
    request.set_name(name);
    request.set_reason("Проверьте коды группы 85.");
    return Do<Edition>(method, caller, request);
  }
  absl::StatusOr<Edition> Return(const std::string& name) {
    return Decide<v1::ReturnEditionRequest>("ReturnEdition", authority_, name);
  }
  absl::StatusOr<Edition> Withdraw(const rpc::Caller& caller, const std::string& name) {
    return Decide<v1::WithdrawEditionRequest>("WithdrawEdition", caller, name);
  }
};

TEST_F(EditionsTest, FromDraftToSuperseded) {
  const std::string first = CreateDraft({MakeEntry("850423"), MakeEntry("0101")});
  EXPECT_EQ(first, "editions/1");
  EXPECT_EQ(StateOf(first), Edition::DRAFT);
  const auto submitted = Submit(first);
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->state(), Edition::SUBMITTED);
  EXPECT_EQ(submitted->entry_count(), 2);
  EXPECT_EQ(base::ReasonOf(AddEntries(first, {MakeEntry("0202")})), "EDITION_FROZEN");
  v1::DeleteEntryRequest remove;
  remove.set_name(absl::StrCat(first, "/entries/0101"));
  const auto refused = [&] {
    return base::ReasonOf(Do<v1::DeleteEntryResponse>("DeleteEntry", institute_, remove).status());
  };
  EXPECT_EQ(refused(), "EDITION_FROZEN");
  // Whoever saw another version of the entry is told that first.
  remove.set_etag("\"0-0\"");
  EXPECT_EQ(refused(), "VERSION_MISMATCH");

  const auto returned = Return(first);
  ASSERT_TRUE(returned.ok()) << returned.status();
  EXPECT_EQ(returned->state(), Edition::RETURNED);
  EXPECT_EQ(returned->reason(), "Проверьте коды группы 85.");
  EXPECT_TRUE(AddEntries(first, {MakeEntry("0202")}).ok());
  const auto again = Submit(first);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->entry_count(), 3);
  EXPECT_EQ(again->reason(), "");

  const auto approved = Approve(first, Day("2026-07-01"), authority_);
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(approved->state(), Edition::APPROVED);
  EXPECT_EQ(approved->drafted_by(), institute_.subject);
  EXPECT_EQ(approved->submitted_by(), submitter_.subject);
  EXPECT_EQ(approved->decided_by(), authority_.subject);
  EXPECT_EQ(approved->decision().outcome(), "APPROVED");
  EXPECT_EQ(base::ReasonOf(AddEntries(first, {MakeEntry("0303")})), "EDITION_FROZEN");

  const std::string second = Publish(Day("2026-08-01"), {MakeEntry("8703")});
  GoTo(Day("2026-06-30"));
  EXPECT_EQ(StateOf(first), Edition::APPROVED);
  GoTo(Day("2026-07-01"));
  EXPECT_EQ(StateOf(first), Edition::IN_FORCE);
  EXPECT_EQ(StateOf(second), Edition::APPROVED);
  GoTo(Day("2026-08-01"));
  EXPECT_EQ(StateOf(first), Edition::SUPERSEDED);
  EXPECT_EQ(StateOf(second), Edition::IN_FORCE);
  const auto past = Get(first, public_);
  ASSERT_TRUE(past.ok()) << past.status();
  EXPECT_EQ(base::Date::FromProto(past->effective_until())->ToString(), "2026-08-01");
  EXPECT_EQ(base::ReasonOf(Withdraw(authority_, second).status()), "EDITION_STATE");
}

TEST_F(EditionsTest, TakesEffectAtMidnightAndNotASecondBefore) {
  const std::string edition = Publish(Day("2026-07-01"), {MakeEntry("0101")});
  clock_.Set(Day("2026-07-01").StartOfDay() - absl::Seconds(1));
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(StateOf(edition), Edition::APPROVED);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(StateOf(edition), Edition::IN_FORCE);
}

TEST_F(EditionsTest, TakesEffectAtOnceWhenItsDayIsToday) {
  const std::string first = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  EXPECT_EQ(StateOf(first), Edition::IN_FORCE);
  GoTo(Day("2026-06-16"));
  const std::string second = Publish(Day("2026-06-16"), {MakeEntry("0102")});
  EXPECT_EQ(StateOf(first), Edition::SUPERSEDED);
  EXPECT_EQ(StateOf(second), Edition::IN_FORCE);
}

TEST_F(EditionsTest, TakesEffectAfterTheServiceWasAway) {
  const std::string first = Publish(Day("2026-07-01"), {MakeEntry("0101")});
  const std::string second = Publish(Day("2026-07-05"), {MakeEntry("0102")});
  service_.reset();
  clock_.Set(Day("2026-07-09").StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(StateOf(first), Edition::SUPERSEDED);
  EXPECT_EQ(StateOf(second), Edition::IN_FORCE);
  v1::GetEditionRequest get;
  get.set_name(first);
  *get.mutable_as_of() = Day("2026-07-03").ToProto();
  EXPECT_EQ(Do<Edition>("GetEdition", auditor_, get)->state(), Edition::IN_FORCE);
}

TEST_F(EditionsTest, OneWhoseTimerFailedTakesEffectBeforeALaterOne) {
  const std::string first = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  const std::string late = Publish(Day("2026-07-01"), {MakeEntry("0102")});
  // As good as one that cannot run.
  ASSERT_TRUE(store()
                  .Bookkeep([&](store::Overlay& overlay) {
                    const std::string timers = store::SystemKey(store::kTimersId, store::Key());
                    const auto at =
                        overlay.Scan(store::Space::kData, timers, store::PrefixEnd(timers));
                    EXPECT_TRUE(at->Valid());
                    overlay.Delete(store::Space::kData, std::string(at->key()));
                    return absl::OkStatus();
                  })
                  .ok());
  GoTo(Day("2026-07-02"));
  EXPECT_EQ(StateOf(late), Edition::APPROVED);
  const std::string last = Publish(Day("2026-07-02"), {MakeEntry("0103")});
  EXPECT_EQ(StateOf(first), Edition::SUPERSEDED);
  EXPECT_EQ(StateOf(late), Edition::SUPERSEDED);
  EXPECT_EQ(StateOf(last), Edition::IN_FORCE);
  v1::GetEditionRequest get;
  get.set_name(late);
  *get.mutable_as_of() = Day("2026-07-01").ToProto();
  EXPECT_EQ(Do<Edition>("GetEdition", public_, get)->state(), Edition::IN_FORCE);
}

TEST_F(EditionsTest, AWithdrawnOneNeverComesIntoForce) {
  const std::string first = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  const std::string future = Publish(Day("2026-07-01"), {MakeEntry("0102")});
  EXPECT_EQ(base::ReasonOf(Withdraw(institute_, future).status()), "ACCESS_DENIED");
  const auto withdrawn = Withdraw(authority_, future);
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(withdrawn->state(), Edition::WITHDRAWN);
  GoTo(Day("2026-07-01"));
  EXPECT_EQ(StateOf(future), Edition::WITHDRAWN);
  EXPECT_EQ(StateOf(first), Edition::IN_FORCE);
  const std::string other =
      Publish(Day("2026-07-01"), {MakeEntry("0103")});  // the day is free again
  EXPECT_EQ(StateOf(other), Edition::IN_FORCE);
}

TEST_F(EditionsTest, IsInForceFromMidnightWhetherItsTimerHasRunOrNot) {
  const std::string edition = Publish(Day("2026-07-01"), {MakeEntry("0101")});
  clock_.Set(Day("2026-07-01").StartOfDay());  // the timer may be on its way
  EXPECT_EQ(base::ReasonOf(Withdraw(authority_, edition).status()), "EDITION_STATE");
}

TEST_F(EditionsTest, TwoCannotClaimOneDay) {
  const std::string first = Publish(Day("2026-07-01"), {MakeEntry("0101")});
  const std::string second = CreateDraft({MakeEntry("0102")});
  ASSERT_TRUE(Submit(second).ok());
  const int64_t before = position();
  const absl::Status refused = Approve(second, Day("2026-07-01"), authority_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(refused), "EFFECTIVE_DAY_TAKEN");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("edition"), first);
  EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 9(28)");
  EXPECT_EQ(position(), before);
  EXPECT_TRUE(Approve(second, Day("2026-07-02"), authority_).ok());
}

TEST_F(EditionsTest, WhoPreparedDoesNotDecide) {
  const rpc::Caller both =
      CallerOf(institute_.subject, {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller both_submitter =
      CallerOf(submitter_.subject, {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
  const std::string edition = CreateDraft({MakeEntry("0101")});
  ASSERT_TRUE(Submit(edition).ok());
  for (const rpc::Caller& caller : {both, both_submitter}) {
    const absl::Status refused = Approve(edition, Day("2026-07-01"), caller).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(base::ReasonOf(refused), "SEPARATION_OF_DUTIES");
    EXPECT_EQ(
        base::ReasonOf(Decide<v1::ReturnEditionRequest>("ReturnEdition", caller, edition).status()),
        "SEPARATION_OF_DUTIES");
  }
  EXPECT_EQ(StateOf(edition), Edition::SUBMITTED);
  EXPECT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
}

// Another's submission after a return does not make the first submitter a stranger.
TEST_F(EditionsTest, WhoPreparedBeforeAReturnDoesNotDecideEither) {
  const rpc::Caller both_submitter =
      CallerOf(submitter_.subject, {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
  const std::string edition = CreateDraft({MakeEntry("0101")});
  ASSERT_TRUE(Submit(edition).ok());
  ASSERT_TRUE(Decide<v1::ReturnEditionRequest>("ReturnEdition", authority_, edition).ok());
  v1::SubmitEditionRequest again;
  again.set_name(edition);
  ASSERT_TRUE(Do<Edition>("SubmitEdition", institute_, again).ok());
  EXPECT_EQ(base::ReasonOf(Approve(edition, Day("2026-07-01"), both_submitter).status()),
            "SEPARATION_OF_DUTIES");
  ASSERT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
  EXPECT_EQ(
      base::ReasonOf(
          Decide<v1::WithdrawEditionRequest>("WithdrawEdition", both_submitter, edition).status()),
      "SEPARATION_OF_DUTIES");
}

// Whoever writes in the entries prepares the list as much as who drafts it, by whatever method.
TEST_F(EditionsTest, WhoWroteInItDoesNotDecideEither) {
  const std::set<std::string> methods = {"CreateEntry", "BatchCreateEntries", "UpdateEntry",
                                         "DeleteEntry", "UpdateEdition"};
  for (const std::string& method : methods) {
    SCOPED_TRACE(method);
    const std::string edition = CreateDraft({MakeEntry("0101"), MakeEntry("0102")});
    const rpc::Caller writer = CallerOf("writer", {rpc::v1::INSTITUTE_INDUSTRY});
    const auto write = [&](const std::string& code) {
      if (method == "CreateEntry") {
        v1::CreateEntryRequest create;
        create.set_parent(edition);
        *create.mutable_entry() = MakeEntry(code);
        return Do<v1::Entry>(method, writer, create).status();
      }
      if (method == "BatchCreateEntries") {
        v1::BatchCreateEntriesRequest create;
        create.set_parent(edition);
        *create.add_entries() = MakeEntry(code);
        return Do<v1::BatchCreateEntriesResponse>(method, writer, create).status();
      }
      if (method == "UpdateEntry") {
        v1::UpdateEntryRequest update;
        update.mutable_entry()->set_name(edition + "/entries/0101");
        update.mutable_entry()->set_note(code);
        return Do<v1::Entry>(method, writer, update).status();
      }
      if (method == "DeleteEntry") {
        v1::DeleteEntryRequest remove;
        remove.set_name(edition + "/entries/" + (code == "0201" ? "0101" : "0102"));
        return Do<v1::DeleteEntryResponse>(method, writer, remove).status();
      }
      v1::UpdateEditionRequest update;
      update.mutable_edition()->set_name(edition);
      update.mutable_edition()->set_note(code);
      return Do<Edition>(method, writer, update).status();
    };
    const std::string drafted = Get(edition, auditor_)->etag();
    ASSERT_EQ(write("0201"), absl::OkStatus());
    const std::string written = Get(edition, auditor_)->etag();
    EXPECT_NE(written, drafted) << "who wrote is kept with it";
    ASSERT_TRUE(AddEntries(edition, {MakeEntry("0103")}).ok());
    ASSERT_EQ(write("0202"), absl::OkStatus());
    EXPECT_EQ(Get(edition, auditor_)->etag() == written, method != "UpdateEdition");
    ASSERT_TRUE(Submit(edition).ok());
    const rpc::Caller promoted =
        CallerOf("writer", {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
    EXPECT_EQ(base::ReasonOf(Approve(edition, Day("2026-07-01"), promoted).status()),
              "SEPARATION_OF_DUTIES");
    EXPECT_EQ(base::ReasonOf(
                  Decide<v1::ReturnEditionRequest>("ReturnEdition", promoted, edition).status()),
              "SEPARATION_OF_DUTIES");
    ASSERT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
    EXPECT_EQ(base::ReasonOf(Withdraw(promoted, edition).status()), "SEPARATION_OF_DUTIES");
    ASSERT_TRUE(Withdraw(authority_, edition).ok());
  }
}

TEST_F(EditionsTest, WhoScoredOneOfItsGoodsDoesNotApproveIt) {
  v1::CreateAssessmentRequest assess;
  assess.mutable_assessment()->set_goods_code("0101");
  assess.mutable_assessment()->set_technological_complexity(40);
  assess.mutable_assessment()->set_export_potential(30);
  const rpc::Caller scorer =
      CallerOf("scorer", {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
  ASSERT_TRUE(Do<v1::Assessment>("CreateAssessment", scorer, assess).ok());
  const std::string edition = CreateDraft({MakeEntry("0101")});
  ASSERT_TRUE(Submit(edition).ok());
  const absl::Status refused = Approve(edition, Day("2026-07-01"), scorer).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(base::ReasonOf(refused), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 9(28)");
  EXPECT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
  const std::string other = CreateDraft({MakeEntry("0102")});
  ASSERT_TRUE(Submit(other).ok());
  EXPECT_TRUE(Approve(other, Day("2026-07-02"), scorer).ok()) << "which scorer did not score";
}

TEST_F(EditionsTest, AnOrderThatActsBeforeItsDateIsIllFormed) {
  const std::string edition = CreateDraft({MakeEntry("0101")});
  ASSERT_TRUE(Submit(edition).ok());
  const int64_t before = position();
  const absl::Status refused = Approve(edition, Day("2026-06-14"), authority_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::ReasonOf(refused), "INVALID_FIELD");
  ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1);
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "effective_from");
  EXPECT_EQ(position(), before);
}

TEST_F(EditionsTest, TheJournalCitesTheArticleOfEachStep) {
  const auto cited = [&]() -> std::string {
    const auto records = store().ReadJournal(position(), 1, 1 << 20);
    journal::v1::Entry entry;
    if (!records.ok() || records->size() != 1 || !entry.ParseFromString(records->front().leaf) ||
        entry.legal_basis_size() != 1) {
      return "not one citation";
    }
    return entry.legal_basis(0).article();
  };
  const std::string given_up = CreateDraft();
  EXPECT_EQ(cited(), "Art. 13(2)(2)");
  ASSERT_TRUE(Withdraw(institute_, given_up).ok());
  EXPECT_EQ(cited(), "Art. 13(2)(2)");
  const std::string edition = CreateDraft({MakeEntry("0101")});
  ASSERT_TRUE(Submit(edition).ok());
  EXPECT_EQ(cited(), "Art. 13(2)(2)");
  ASSERT_TRUE(Return(edition).ok());
  EXPECT_EQ(cited(), "Art. 9(28)");
  ASSERT_TRUE(Submit(edition).ok());
  ASSERT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
  EXPECT_EQ(cited(), "Art. 9(28)");
  ASSERT_TRUE(Withdraw(authority_, edition).ok());
  EXPECT_EQ(cited(), "Art. 9(28)");
}

TEST_F(EditionsTest, AnApprovalNamesItsFactsVersionsAndReplays) {
  const std::string name = CreateDraft({MakeEntry("0101")});
  const auto replay = [&]() {
    v1::ReplayDecisionRequest request;
    request.set_name(name);
    return Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, request);
  };
  const absl::Status none = replay().status();
  EXPECT_EQ(none.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(none), "DECISION_MISSING");
  const std::string examined = Submit(name)->etag();
  const auto approved = Approve(name, Day("2026-07-01"), authority_);
  ASSERT_TRUE(approved.ok()) << approved.status();
  int of_record = 0;
  for (const auto& finding : approved->decision().findings()) {
    for (const auto& fact : finding.facts()) {
      if (fact.source() == "clock") continue;
      ++of_record;
      EXPECT_EQ(fact.source(), name) << fact.name();
      const bool ordered = fact.name() == "decided_by" || fact.name() == "order_date" ||
                           fact.name() == "effective_from";
      EXPECT_EQ(fact.version(), ordered ? approved->etag() : examined) << fact.name();
    }
  }
  EXPECT_EQ(of_record, 6);
  for (const char* day : {"2026-06-16", "2026-07-01"}) {  // also when it has come into force
    GoTo(Day(day));
    const auto replayed = replay();
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_TRUE(replayed->same());
    EXPECT_EQ(replayed->replayed().outcome(), "APPROVED");
    EXPECT_EQ(replayed->stored().SerializeAsString(), approved->decision().SerializeAsString());
  }
}

TEST_F(EditionsTest, AResubmittedOneWaitsForADecisionAndItsReturnStaysOnRecord) {
  const std::string name = CreateDraft({MakeEntry("0101")});
  ASSERT_TRUE(Submit(name).ok());
  const auto returned = Return(name);
  ASSERT_TRUE(returned.ok()) << returned.status();
  EXPECT_EQ(returned->decided_by(), authority_.subject);
  const int64_t at = position();
  clock_.Advance(absl::Hours(1));
  const auto again = Submit(name);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->decided_by(), "");
  EXPECT_EQ(again->reason(), "");
  EXPECT_FALSE(again->has_decision());

  v1::GetEditionRequest get;
  get.set_name(name);
  *get.mutable_known_at() = returned->update_time();
  const auto then = Do<Edition>("GetEdition", auditor_, get);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->SerializeAsString(), returned->SerializeAsString());
  const auto records = store().ReadJournal(at, 1, 1 << 20);
  ASSERT_TRUE(records.ok()) << records.status();
  journal::v1::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(records->at(0).leaf));
  Edition recorded;
  ASSERT_TRUE(recorded.ParseFromString(entry.changes(0).after().value()));
  EXPECT_EQ(recorded.decided_by(), authority_.subject);
  EXPECT_EQ(recorded.reason(), returned->reason());
}

TEST_F(EditionsTest, AnEmptyOneIsNotSubmitted) {
  const absl::Status refused = Submit(CreateDraft()).status();
  EXPECT_EQ(base::ReasonOf(refused), "EDITION_EMPTY");
  EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 26(1)");
}

TEST_F(EditionsTest, AnApprovalOfAnOldVersionIsVoid) {
  const std::string name = CreateDraft({MakeEntry("0101")});
  const auto seen = Submit(name);
  ASSERT_TRUE(Return(name).ok());
  ASSERT_TRUE(AddEntries(name, {MakeEntry("0102")}).ok());
  ASSERT_TRUE(Submit(name).ok());
  v1::ApproveEditionRequest approve;
  approve.set_name(name);
  approve.set_etag(seen->etag());
  approve.set_order_number("1");
  *approve.mutable_order_date() = *approve.mutable_effective_from() = Day("2026-06-15").ToProto();
  const absl::Status refused = Do<Edition>("ApproveEdition", authority_, approve).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(base::ReasonOf(refused), "VERSION_MISMATCH");
}

TEST_F(EditionsTest, ThePublicSeesNoDrafts) {
  const std::string published = Publish(Day("2026-07-01"), {MakeEntry("0101")});
  const std::string draft = CreateDraft({MakeEntry("0102")});
  for (const rpc::Caller& caller : {public_, entity_}) {
    EXPECT_TRUE(Get(published, caller).ok());
    const absl::Status of_draft = Get(draft, caller).status();
    EXPECT_EQ(of_draft, Get("editions/99", caller).status());  // payloads included
    EXPECT_EQ(base::ReasonOf(of_draft), "ACCESS_DENIED");
    v1::GetEntryRequest entry;
    entry.set_name(draft + "/entries/0102");
    EXPECT_EQ(Do<v1::Entry>("GetEntry", caller, entry).status(), of_draft);
    entry.set_name("editions/99/entries/0102");
    EXPECT_EQ(Do<v1::Entry>("GetEntry", caller, entry).status(), of_draft);
    v1::ListEntriesRequest list;
    list.set_parent(draft);
    EXPECT_EQ(Do<v1::ListEntriesResponse>("ListEntries", caller, list).status(), of_draft);
    v1::SearchEntriesRequest search;
    search.set_parent(draft);
    EXPECT_EQ(Do<v1::SearchEntriesResponse>("SearchEntries", caller, search).status(), of_draft);
    v1::DiffEditionsRequest diff;
    diff.set_base(published);
    diff.set_target(draft);
    EXPECT_EQ(Do<v1::DiffEditionsResponse>("DiffEditions", caller, diff).status(), of_draft);
    v1::ExportEditionRequest whole;
    whole.set_name(draft);
    EXPECT_EQ(Stream("ExportEdition", caller, whole).status(), of_draft);
    v1::WatchEntriesRequest watch;
    watch.set_parent(draft);
    EXPECT_EQ(Stream("WatchEntries", caller, watch).status(), of_draft);
    const auto all =
        Do<v1::ListEditionsResponse>("ListEditions", caller, v1::ListEditionsRequest());
    ASSERT_EQ(all->editions_size(), 1);
    EXPECT_EQ(all->editions(0).name(), published);
  }
  for (const rpc::Caller& caller : {institute_, authority_, auditor_}) {
    EXPECT_TRUE(Get(draft, caller).ok());
    EXPECT_EQ(Get("editions/99", caller).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(Do<v1::ListEditionsResponse>("ListEditions", caller, v1::ListEditionsRequest())
                  ->editions_size(),
              2);
  }
}

TEST_F(EditionsTest, ThePublicSeesNoPastOfAPublishedOneAsADraft) {
  const std::string edition = CreateDraft({MakeEntry("0101", "meat", v1::MEDIUM)});
  clock_.Advance(absl::Hours(1));
  const absl::Time as_draft = clock_.Now();
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(Submit(edition).ok());
  ASSERT_TRUE(Approve(edition, Day("2026-06-15"), authority_).ok());

  v1::GetEditionRequest get;
  get.set_name(edition);
  get.mutable_known_at()->set_seconds(absl::ToUnixSeconds(as_draft));
  EXPECT_EQ(base::ReasonOf(Do<Edition>("GetEdition", public_, get).status()), "ACCESS_DENIED");
  EXPECT_EQ(Do<Edition>("GetEdition", auditor_, get)->state(), Edition::DRAFT);
  v1::GetEntryRequest entry;
  entry.set_name(edition + "/entries/0101");
  EXPECT_TRUE(Do<v1::Entry>("GetEntry", public_, entry).ok());
  *entry.mutable_known_at() = get.known_at();
  EXPECT_EQ(base::ReasonOf(Do<v1::Entry>("GetEntry", public_, entry).status()), "ACCESS_DENIED");
  EXPECT_TRUE(Do<v1::Entry>("GetEntry", auditor_, entry).ok());
  v1::ListEntriesRequest list;
  list.set_parent(edition);
  EXPECT_EQ(Do<v1::ListEntriesResponse>("ListEntries", public_, list)->entries_size(), 1);
  *list.mutable_known_at() = get.known_at();
  EXPECT_EQ(base::ReasonOf(Do<v1::ListEntriesResponse>("ListEntries", public_, list).status()),
            "ACCESS_DENIED");
  EXPECT_EQ(Do<v1::ListEntriesResponse>("ListEntries", auditor_, list)->entries_size(), 1);
}

TEST_F(EditionsTest, ARepeatedRequestGetsTheFirstAnswer) {
  v1::CreateEditionRequest create;
  create.mutable_edition()->set_title_kk("Тізбе");
  create.set_request_id(Uuid(1001));
  const auto first = CallRaw("CreateEdition", institute_, create);
  ASSERT_TRUE(first.ok()) << first.status();
  const int64_t after = position();
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(*CallRaw("CreateEdition", institute_, create), *first);
  Reopen();
  EXPECT_EQ(*CallRaw("CreateEdition", institute_, create), *first);
  EXPECT_EQ(position(), after);
  create.mutable_edition()->set_title_kk("Басқа тізбе");
  EXPECT_EQ(base::ReasonOf(CallRaw("CreateEdition", institute_, create).status()),
            "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(position(), after);
}

TEST_F(EditionsTest, ValidateOnlyChangesNothing) {
  const std::string name = CreateDraft({MakeEntry("0101")});
  const int64_t before = position();
  v1::CreateEditionRequest create;
  create.mutable_edition()->set_title_kk("Тізбе");
  create.set_validate_only(true);
  EXPECT_EQ(Do<Edition>("CreateEdition", institute_, create)->name(), "editions/2");
  v1::SubmitEditionRequest submit;
  submit.set_name(name);
  submit.set_validate_only(true);
  EXPECT_EQ(Do<Edition>("SubmitEdition", institute_, submit)->state(), Edition::SUBMITTED);
  v1::CreateEntryRequest add;
  add.set_parent(name);
  *add.mutable_entry() = MakeEntry("0102");
  add.set_validate_only(true);
  EXPECT_TRUE(Do<v1::Entry>("CreateEntry", institute_, add).ok());
  *add.mutable_entry() = MakeEntry("010121");
  EXPECT_EQ(base::ReasonOf(Do<v1::Entry>("CreateEntry", institute_, add).status()),
            "ENTRY_OVERLAP");
  EXPECT_EQ(position(), before);
  EXPECT_EQ(StateOf(name), Edition::DRAFT);
  EXPECT_EQ(Get("editions/2", auditor_).status().code(), absl::StatusCode::kNotFound);
}

class AssessmentsTest : public PriorityGoodsTest {
 protected:
  v1::Assessment Assess(const std::string& code, int32_t technology, int32_t exports) {
    v1::CreateAssessmentRequest create;
    create.mutable_assessment()->set_goods_code(code);
    create.mutable_assessment()->set_technological_complexity(technology);
    create.mutable_assessment()->set_export_potential(exports);
    const auto made = Do<v1::Assessment>("CreateAssessment", institute_, create);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : v1::Assessment();
  }
};

TEST_F(AssessmentsTest, IsCorrectedAndItsPastStays) {
  const v1::Assessment first = Assess("850423", 40, 29);
  EXPECT_EQ(first.processing_level(), v1::MEDIUM);
  EXPECT_EQ(first.points(), 69);
  EXPECT_EQ(first.assessor(), institute_.subject);
  const absl::Time known = clock_.Now();
  clock_.Set(Day("2026-06-20").StartOfDay());
  v1::UpdateAssessmentRequest update;
  update.mutable_assessment()->set_name(first.name());
  update.mutable_assessment()->set_etag(first.etag());
  update.mutable_assessment()->set_export_potential(30);
  update.mutable_update_mask()->add_paths("export_potential");
  const auto second = Do<v1::Assessment>("UpdateAssessment", institute_, update);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->processing_level(), v1::HIGH);
  EXPECT_EQ(base::ReasonOf(Do<v1::Assessment>("UpdateAssessment", institute_, update).status()),
            "VERSION_MISMATCH");

  v1::GetAssessmentRequest get;
  get.set_name(first.name());
  EXPECT_EQ(Do<v1::Assessment>("GetAssessment", auditor_, get)->points(), 70);
  *get.mutable_as_of() = Day("2026-06-19").ToProto();
  EXPECT_EQ(Do<v1::Assessment>("GetAssessment", auditor_, get)->SerializeAsString(),
            first.SerializeAsString());
  get.clear_as_of();
  get.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known) + 1);
  EXPECT_EQ(Do<v1::Assessment>("GetAssessment", auditor_, get)->points(), 69);
  v1::ListAssessmentsRequest list;
  list.set_filter("goods_code = \"850423\"");
  EXPECT_EQ(
      Do<v1::ListAssessmentsResponse>("ListAssessments", auditor_, list)->assessments(0).points(),
      70);
  *list.mutable_known_at() = get.known_at();
  EXPECT_EQ(
      Do<v1::ListAssessmentsResponse>("ListAssessments", auditor_, list)->assessments(0).points(),
      69);
  list.set_filter("goods_code = \"850424\"");
  EXPECT_EQ(Do<v1::ListAssessmentsResponse>("ListAssessments", auditor_, list)->assessments_size(),
            0);
}

TEST_F(AssessmentsTest, EachScoreNamesTheVersionItIsOf) {
  const auto versions = [](const v1::Assessment& assessment) {
    std::set<std::string> found;
    for (const auto& finding : assessment.decision().findings()) {
      for (const auto& fact : finding.facts()) {
        if (fact.source() == assessment.name()) found.insert(fact.name() + " " + fact.version());
      }
    }
    return found;
  };
  const auto all_of = [](const std::string& etag) {
    return std::set<std::string>{"technological_complexity " + etag, "export_potential " + etag,
                                 "domestic_potential " + etag};
  };
  const v1::Assessment first = Assess("850423", 40, 29);
  EXPECT_EQ(versions(first), all_of(first.etag()));
  v1::UpdateAssessmentRequest update;
  update.mutable_assessment()->set_name(first.name());
  update.mutable_assessment()->set_export_potential(30);
  const auto second = Do<v1::Assessment>("UpdateAssessment", institute_, update);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->etag(), first.etag());
  EXPECT_EQ(versions(*second), all_of(second->etag()));
}

TEST_F(AssessmentsTest, AreForInsiders) {
  v1::GetAssessmentRequest get;
  get.set_name(Assess("850423", 40, 0).name());
  EXPECT_TRUE(Do<v1::Assessment>("GetAssessment", authority_, get).ok());
  EXPECT_EQ(Do<v1::Assessment>("GetAssessment", entity_, get).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Do<v1::Assessment>("GetAssessment", public_, get).status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(AssessmentsTest, ADecisionReplaysUnderOtherNorms) {
  const v1::Assessment made = Assess("850423", 40, 0);
  norms_ = norms::Edited({{"level.medium_from,40", "level.medium_from,50"}});
  Reopen();
  v1::ReplayDecisionRequest replay;
  replay.set_name(made.name());
  const auto replayed = Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->same());
  EXPECT_EQ(replayed->replayed().outcome(), "MEDIUM");
  EXPECT_EQ(replayed->stored().SerializeAsString(), made.decision().SerializeAsString());
  EXPECT_EQ(Assess("850424", 40, 0).processing_level(), v1::LOW);  // by the norms of now
}

// The level of an entry is that of the assessment of exactly its code, whatever was typed.
TEST_F(AssessmentsTest, AnEntryHasTheLevelItsCodeIsAssessedAt) {
  const std::string low = Assess("850423", 10, 10).name();
  Assess("850424", 40, 0);                                     // MEDIUM
  const std::string newest = Assess("850424", 40, 30).name();  // HIGH: assessed once more
  const std::string edition = CreateDraft({MakeEntry("8708"), MakeEntry("0101")});
  for (const v1::ProcessingLevel level : {v1::MEDIUM, v1::HIGH}) {
    const absl::Status refused = AddEntries(edition, {MakeEntry("850423", "machinery", level)});
    EXPECT_EQ(base::ReasonOf(refused), "LEVEL_NOT_ASSESSED");
    EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 26(2)");
    EXPECT_EQ(base::InfoOf(refused).metadata().at("assessment"), low);
    EXPECT_EQ(base::InfoOf(refused).metadata().at("assessedLevel"), "LOW");
  }
  const absl::Status refused = AddEntries(edition, {MakeEntry("850424", "machinery", v1::MEDIUM)});
  EXPECT_EQ(base::InfoOf(refused).metadata().at("assessment"), newest);
  EXPECT_EQ(base::InfoOf(refused).metadata().at("entryLevel"), "MEDIUM");
  EXPECT_TRUE(AddEntries(edition, {MakeEntry("850424")}).ok());
  // Codes above and below are others.
  EXPECT_TRUE(AddEntries(edition, {MakeEntry("8504230000")}).ok());

  v1::UpdateEntryRequest update;
  update.mutable_entry()->set_name(edition + "/entries/850424");
  update.mutable_entry()->set_processing_level(v1::MEDIUM);
  update.mutable_update_mask()->add_paths("processing_level");
  EXPECT_EQ(base::ReasonOf(Do<v1::Entry>("UpdateEntry", institute_, update).status()),
            "LEVEL_NOT_ASSESSED");
  v1::CreateEntryRequest create;
  create.set_parent(edition);
  *create.mutable_entry() = MakeEntry("850423");
  EXPECT_EQ(base::ReasonOf(Do<v1::Entry>("CreateEntry", institute_, create).status()),
            "LEVEL_NOT_ASSESSED");
}

TEST_F(AssessmentsTest, AssessmentsThatCameSinceAreHeldAgainstTheListOnceMore) {
  const std::string edition = CreateDraft({MakeEntry("850423"), MakeEntry("8708")});
  const v1::Assessment medium = Assess("850423", 40, 0);
  const auto submitted = Submit(edition);
  EXPECT_EQ(base::ReasonOf(submitted.status()), "LEVEL_NOT_ASSESSED");
  EXPECT_EQ(base::InfoOf(submitted.status()).metadata().at("assessment"), medium.name());
  v1::UpdateEntryRequest mend;
  mend.mutable_entry()->set_name(edition + "/entries/850423");
  mend.mutable_entry()->set_processing_level(v1::MEDIUM);
  mend.mutable_update_mask()->add_paths("processing_level");
  ASSERT_TRUE(Do<v1::Entry>("UpdateEntry", institute_, mend).ok());
  ASSERT_TRUE(Submit(edition).ok());

  // One that is recorded after the submission: the authority does not approve past it.
  const v1::Assessment low = Assess("8708", 0, 0);
  const auto approved = Approve(edition, Day("2026-07-01"), authority_);
  EXPECT_EQ(base::ReasonOf(approved.status()), "LEVEL_NOT_ASSESSED");
  EXPECT_EQ(base::InfoOf(approved.status()).metadata().at("assessment"), low.name());
  EXPECT_EQ(StateOf(edition), Edition::SUBMITTED);
  v1::UpdateAssessmentRequest correct;
  correct.mutable_assessment()->set_name(low.name());
  correct.mutable_assessment()->set_technological_complexity(40);
  correct.mutable_assessment()->set_export_potential(30);
  const auto high = Do<v1::Assessment>("UpdateAssessment", institute_, correct);
  ASSERT_TRUE(high.ok()) << high.status();

  const auto now = Approve(edition, Day("2026-07-01"), authority_);
  ASSERT_TRUE(now.ok()) << now.status();
  std::set<std::string> told;
  for (const auto& finding : now->decision().findings()) {
    if (finding.rule() != "LEVELS_AS_ASSESSED") continue;
    EXPECT_TRUE(finding.satisfied());
    for (const auto& fact : finding.facts())
      told.insert(absl::StrCat(fact.name(), " ", fact.source(), " ", fact.version()));
  }
  EXPECT_THAT(told,
              ::testing::UnorderedElementsAre(
                  absl::StrCat("entry_level.HIGH.8708 ", low.name(), " ", high->etag()),
                  absl::StrCat("entry_level.MEDIUM.850423 ", medium.name(), " ", medium.etag())));
  // What an assessment says later changes nothing of the approval.
  Assess("8708", 0, 0);
  v1::ReplayDecisionRequest replay;
  replay.set_name(edition);
  const auto replayed = Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->same());
  EXPECT_EQ(replayed->stored().SerializeAsString(), now->decision().SerializeAsString());
}

TEST_F(AssessmentsTest, ADecisionReplaysAsItStoodThen) {
  const v1::Assessment first = Assess("850423", 40, 29);
  const absl::Time known = clock_.Now();
  clock_.Set(Day("2026-06-20").StartOfDay());
  v1::UpdateAssessmentRequest update;
  update.mutable_assessment()->set_name(first.name());
  update.mutable_assessment()->set_export_potential(30);
  ASSERT_TRUE(Do<v1::Assessment>("UpdateAssessment", institute_, update).ok());
  const auto outcome = [&](const v1::ReplayDecisionRequest& replay) {
    const auto replayed = Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay);
    EXPECT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_TRUE(replayed->same());
    return replayed->stored().outcome();
  };
  v1::ReplayDecisionRequest replay;
  replay.set_name(first.name());
  EXPECT_EQ(outcome(replay), "HIGH");
  *replay.mutable_as_of() = Day("2026-06-19").ToProto();
  EXPECT_EQ(outcome(replay), "MEDIUM");
  replay.clear_as_of();
  replay.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known) + 1);
  EXPECT_EQ(outcome(replay), "MEDIUM");

  const std::string edition = CreateDraft({MakeEntry("8708")});
  ASSERT_TRUE(Submit(edition).ok());
  clock_.Set(Day("2026-06-22").StartOfDay());
  ASSERT_TRUE(Approve(edition, Day("2026-07-01"), authority_).ok());
  replay.Clear();
  replay.set_name(edition);
  EXPECT_EQ(outcome(replay), "APPROVED");
  *replay.mutable_as_of() = Day("2026-06-21").ToProto();
  EXPECT_EQ(
      base::ReasonOf(Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay).status()),
      "DECISION_MISSING");
}

TEST_F(AssessmentsTest, OnlyRecordsWithDecisionsReplay) {
  const auto replay = [&](const std::string& name) {
    v1::ReplayDecisionRequest request;
    request.set_name(name);
    return Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, request).status();
  };
  for (const char* absent : {"assessments/a1", "editions/99", "editions/0"})
    EXPECT_EQ(replay(absent).code(), absl::StatusCode::kNotFound) << absent;
  for (const char* other : {"entries/1", "editions", "editions/1/entries/850423"}) {
    const absl::Status refused = replay(other);
    EXPECT_EQ(base::ReasonOf(refused), "INVALID_FIELD") << other;
    ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1) << other;
    EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "name") << other;
  }
}

// A draft is for insiders; to all others it and what never was are the same, whatever they call.
TEST_F(AssessmentsTest, ADraftAndWhatIsNotThereAreTheSameToOutsiders) {
  const std::string draft = CreateDraft({MakeEntry("850423")});
  const v1::Assessment assessment = Assess("850423", 40, 0);
  v1::Edition edition;
  v1::Entry entry;
  rpc::ScopeFixture fixture;
  fixture.registry = &service_->registry();
  fixture.clock = &clock_;
  fixture.records = {{draft, "editions/99", &edition},
                     {draft + "/entries/850423", "editions/99/entries/850423", &entry},
                     {assessment.name(), "assessments/00000000000000000000", &assessment}};
  fixture.hides = [](const rpc::Method& method, const rpc::Caller& caller,
                     const rpc::ScopedRecord&) {
    const bool insider = caller.Has(rpc::v1::INSTITUTE_INDUSTRY) ||
                         caller.Has(rpc::v1::AUTHORITY_INDUSTRY) || caller.Has(rpc::v1::AUDITOR);
    return method.policy.is_public && !insider;
  };
  // The steps of an edition: machine_test.cc has who may take which.
  fixture.may_deny = [](const rpc::Method& method, rpc::Role) {
    return !absl::StrContains(method.policy.path, "Entr");
  };
  const rpc::JournalWalk told = rpc::WalkJournal(service_->registry(), service_->store(), &clock_);
  EXPECT_GT(told.asked, 0);
  const rpc::ScopeWalk walk = rpc::WalkScopes(fixture);
  EXPECT_GT(walk.answered, 20);
  EXPECT_GT(walk.outside, 40);
  EXPECT_EQ(walk.alike, walk.outside);
}

}  // namespace
}  // namespace nisi::priority_goods
