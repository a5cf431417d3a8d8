// What anybody can verify: which journal entries are shown to all, and that an edition's entry
// stands for its lines.

#include "common/store/merkle.h"
#include "nisi/journal/v1/journal.pb.h"
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Edition;

class ProofTest : public PriorityGoodsTest {
 protected:
  absl::StatusOr<journal::v1::Entry> Ask(int64_t position, const rpc::Caller& caller) {
    v1::GetPublishedLeafRequest request;
    request.set_position(position);
    ASSIGN_OR_RETURN(const auto record,
                     Do<journal::v1::EntryRecord>("GetPublishedLeaf", caller, request));
    EXPECT_EQ(store::LeafHash(record.leaf()), *store().LeafAt(position)) << "not what is proved";
    EXPECT_THAT(record.openings(), IsEmpty());
    journal::v1::Entry entry;
    EXPECT_TRUE(entry.ParseFromString(record.leaf()));
    return entry;
  }
  // "position: editions/1 IN_FORCE" of all entries that the caller is shown; of all others it gets
  // ACCESS_DENIED.
  std::vector<std::string> Shown(const rpc::Caller& caller) {
    std::vector<std::string> shown;
    for (int64_t at = 1; at <= position(); ++at) {
      const auto entry = Ask(at, caller);
      if (!entry.ok()) {
        EXPECT_EQ(base::ReasonOf(entry.status()), "ACCESS_DENIED") << at;
        continue;
      }
      std::string& text = shown.emplace_back(entry->method());
      text.erase(0, text.rfind('/') + 1);
      for (const auto& change : entry->changes()) {
        Edition edition;
        EXPECT_TRUE(edition.ParseFromString(change.after().value()));
        absl::StrAppend(&text, " ", edition.name(), " ", Edition::State_Name(edition.state()));
      }
    }
    return shown;
  }
  template <class Request>
  absl::Status Decide(const std::string& method, const std::string& edition) {
    Request request;
    request.set_name(edition);
    request.set_reason("Коды группы 85.");
    return Do<Edition>(method, authority_, request).status();
  }
  std::string RootOf(const std::string& edition) {
    return Get(edition, auditor_).value_or(Edition()).entries_root();
  }
  // Computed by the reader, from what it exports.
  std::string RootOfExport(const std::string& edition, const rpc::Caller& caller) {
    v1::ExportEditionRequest request;
    request.set_name(edition);
    const auto source = Stream("ExportEdition", caller, request);
    if (!source.ok()) return std::string(source.status().message());
    store::Frontier tree;
    std::vector<store::Node> nodes;
    std::string bytes;
    while ((*source)->Pull(&bytes).value_or(rpc::MessageSource::State::kEnd) ==
           rpc::MessageSource::State::kMessage) {
      v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromString(bytes));
      tree.Append(store::LeafHash(entry.SerializeAsString()), &nodes);
    }
    return store::ToBytes(tree.root());
  }
};

TEST_F(ProofTest, ThePublicIsShownApprovalsAndWhatTheyLeadToAndNothingElse) {
  v1::CreateAssessmentRequest assess;
  assess.mutable_assessment()->set_goods_code("850423");
  assess.mutable_assessment()->set_technological_complexity(40);
  assess.mutable_assessment()->set_export_potential(30);  // HIGH, as its entry says
  ASSERT_TRUE(Do<v1::Assessment>("CreateAssessment", institute_, assess).ok());
  const std::string first = CreateDraft({MakeEntry("850423"), MakeEntry("0101")});
  ASSERT_TRUE(Submit(first).ok());
  ASSERT_EQ(Decide<v1::ReturnEditionRequest>("ReturnEdition", first), absl::OkStatus());
  ASSERT_TRUE(Submit(first).ok());
  EXPECT_THAT(Shown(public_), IsEmpty()) << "nothing is approved";

  ASSERT_TRUE(Approve(first, Day("2026-06-20"), authority_).ok());
  EXPECT_THAT(Shown(public_), ElementsAre("ApproveEdition editions/1 APPROVED"));
  const auto approval = Ask(position(), public_);
  ASSERT_TRUE(approval.ok()) << approval.status();
  EXPECT_EQ(approval->actor(), Get(first, public_)->decided_by());
  EXPECT_EQ(approval->changes(0).after().value(), Get(first, public_)->SerializeAsString());
  // Of what was examined it tells when that was submitted, and nothing else that was not approved.
  Edition before, after;
  ASSERT_TRUE(before.ParseFromString(approval->changes(0).before().value()));
  ASSERT_TRUE(after.ParseFromString(approval->changes(0).after().value()));
  before.set_state(after.state());
  before.set_order_number(after.order_number());
  *before.mutable_order_date() = after.order_date();
  *before.mutable_effective_from() = after.effective_from();
  before.set_decided_by(after.decided_by());
  *before.mutable_decision() = after.decision();
  before.set_etag(after.etag());
  *before.mutable_update_time() = after.update_time();
  EXPECT_EQ(before.SerializeAsString(), after.SerializeAsString());
  // Nor why it was returned before that.
  EXPECT_THAT(approval->SerializeAsString(), ::testing::Not(::testing::HasSubstr("группы")));

  GoTo(Day("2026-06-20"));
  const std::string second = Publish(Day("2026-06-20").AddDays(10), {MakeEntry("0101")});
  const std::string given_up = Publish(Day("2026-06-20").AddDays(20), {MakeEntry("0202")});
  EXPECT_EQ(Shown(public_).size(), 4u);
  ASSERT_EQ(Decide<v1::WithdrawEditionRequest>("WithdrawEdition", given_up), absl::OkStatus());
  (void)CreateDraft({MakeEntry("0303")});
  GoTo(Day("2026-06-30"));
  EXPECT_EQ(StateOf(first), Edition::SUPERSEDED);
  const std::vector<std::string> all = {"ApproveEdition editions/1 APPROVED",
                                        "take-effect editions/1 IN_FORCE",
                                        "ApproveEdition editions/2 APPROVED",
                                        "take-effect editions/1 SUPERSEDED editions/2 IN_FORCE"};
  EXPECT_EQ(Shown(public_), all);
  // The same to whoever else asks here: the journal has the rest, for those who may read it.
  for (const rpc::Caller& caller : {entity_, institute_, authority_, auditor_}) {
    EXPECT_EQ(Shown(caller), all) << caller.subject;
  }
  EXPECT_EQ(base::ReasonOf(Ask(position() + 1, public_).status()), "NOT_FOUND");
}

TEST_F(ProofTest, OneThatComesIntoForceAtOnceIsShownWithItsApproval) {
  const std::string edition = Publish(Day("2026-06-15"), {MakeEntry("0101")});
  EXPECT_EQ(StateOf(edition), Edition::IN_FORCE);
  EXPECT_THAT(Shown(public_),
              ElementsAre("ApproveEdition editions/1 APPROVED editions/1 IN_FORCE"));
}

TEST_F(ProofTest, AnswersOfCheckGoodsNameWhatIsShown) {
  (void)Publish(Day("2026-06-15"), {MakeEntry("0101")});
  (void)Publish(Day("2026-06-20"), {MakeEntry("0101"), MakeEntry("0202")});
  for (const char* day : {"2026-06-15", "2026-06-20", "2026-06-21"}) {
    GoTo(Day(day));
    v1::CheckGoodsRequest request;
    request.add_codes("0101");
    const auto answer = Do<v1::CheckGoodsResponse>("CheckGoods", public_, request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    const auto entry = Ask(answer->edition_position(), public_);
    ASSERT_TRUE(entry.ok()) << day << " " << entry.status();
    Edition edition;
    ASSERT_TRUE(edition.ParseFromString(entry->changes(entry->changes_size() - 1).after().value()));
    EXPECT_EQ(edition.name(), answer->edition());
    EXPECT_EQ(edition.state(), Edition::IN_FORCE);
    EXPECT_EQ(edition.entries_root(), RootOfExport(answer->edition(), public_));
  }
}

TEST_F(ProofTest, TheRootStandsForEachLine) {
  const std::string edition = CreateDraft({MakeEntry("850423"), MakeEntry("0101")});
  EXPECT_EQ(RootOf(edition), "");
  ASSERT_TRUE(Submit(edition).ok());
  const std::string submitted = RootOf(edition);
  EXPECT_EQ(submitted.size(), 32u);
  EXPECT_EQ(submitted, RootOfExport(edition, auditor_));
  ASSERT_EQ(Decide<v1::ReturnEditionRequest>("ReturnEdition", edition), absl::OkStatus());
  EXPECT_EQ(RootOf(edition), "") << "it is written on";

  v1::UpdateEntryRequest update;
  update.mutable_entry()->set_name(edition + "/entries/0101");
  update.mutable_entry()->set_name_ru("Товар иной");
  ASSERT_TRUE(Do<v1::Entry>("UpdateEntry", institute_, update).ok());
  ASSERT_TRUE(Submit(edition).ok());
  EXPECT_NE(RootOf(edition), submitted);
  EXPECT_EQ(RootOf(edition), RootOfExport(edition, auditor_));
  const std::string approved = RootOf(edition);
  ASSERT_TRUE(Approve(edition, Day("2026-06-15"), authority_).ok());
  EXPECT_EQ(RootOf(edition), approved);
  EXPECT_EQ(RootOfExport(edition, public_), approved);
}

}  // namespace
}  // namespace nisi::priority_goods
