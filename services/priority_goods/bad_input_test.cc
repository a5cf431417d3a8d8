// Bad input, made from the descriptors: for every rule of every request field a value that breaks
// it, and values at the edge of what is allowed (common/rpc/bad_input_testing.h); and what the
// functions see to by themselves.
#include "common/rpc/bad_input_testing.h"

#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

class BadInputTest : public PriorityGoodsTest {
 protected:
  void SetUp() override {
    PriorityGoodsTest::SetUp();
    ASSERT_EQ(CreateDraft({MakeEntry("850423")}), "editions/1");
  }
};

TEST_F(BadInputTest, EveryRuleOfEveryFieldOfEveryMethod) {
  v1::CreateAssessmentRequest create;
  create.mutable_assessment()->set_goods_code("850423");
  rpc::BadInputFixture fixture;
  fixture.registry = &service_->registry();
  fixture.store = &store();
  fixture.clock = &clock_;
  fixture.records = {"editions/1", "editions/1/entries/850423",
                     Do<v1::Assessment>("CreateAssessment", institute_, create)->name()};
  const rpc::BadInputWalk walk = rpc::WalkBadInput(fixture);
  EXPECT_GT(walk.broken, 500);
  EXPECT_GT(walk.answered, 5);
  EXPECT_GT(walk.outermost, 200);
  EXPECT_GT(walk.taken, 50);
}

// What the functions themselves see to.
TEST_F(BadInputTest, NamesAndScores) {
  const auto expect = [&](const std::string& name, const google::protobuf::Message& request,
                          const std::string& path) {
    SCOPED_TRACE(name + " " + path);
    const rpc::Method& method = MethodOf(name);
    const std::unique_ptr<google::protobuf::Message> sent(request.New());
    sent->CopyFrom(request);
    rpc::Call call = MakeCall(method, institute_);
    const int64_t before = position();
    absl::Status refused = Prepare(method, sent.get(), &call);
    if (refused.ok()) refused = method.unary(call, *sent).status();
    ASSERT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
    const auto bad = base::BadRequestOf(refused);
    ASSERT_EQ(bad.field_violations_size(), 1) << bad.ShortDebugString();
    EXPECT_EQ(bad.field_violations(0).field(), path);
    EXPECT_EQ(position(), before);
  };
  v1::CreateEditionRequest edition;
  edition.set_request_id(NextUuid());
  edition.mutable_edition()->set_title_en("List");
  expect("CreateEdition", edition, "edition.title_ru");

  v1::CreateEntryRequest entry;
  entry.set_request_id(NextUuid());
  entry.set_parent("editions/1");
  *entry.mutable_entry() = MakeEntry("0101");
  entry.mutable_entry()->clear_name_ru();
  entry.mutable_entry()->set_name_en("Horses");
  expect("CreateEntry", entry, "entry.name_ru");

  v1::BatchCreateEntriesRequest batch;
  batch.set_request_id(NextUuid());
  batch.set_parent("editions/1");
  *batch.add_entries() = MakeEntry("0102");
  *batch.add_entries() = entry.entry();
  expect("BatchCreateEntries", batch, "entries[1].name_ru");

  v1::CreateAssessmentRequest assessment;
  assessment.set_request_id(NextUuid());
  assessment.mutable_assessment()->set_goods_code("850423");
  assessment.mutable_assessment()->set_export_potential(31);
  expect("CreateAssessment", assessment, "assessment.export_potential");

  v1::UpdateEntryRequest update;
  update.set_request_id(NextUuid());
  update.mutable_entry()->set_name("editions/1/entries/850423");
  update.mutable_entry()->set_goods_code("850424");
  update.mutable_update_mask()->add_paths("goods_code");
  expect("UpdateEntry", update, "update_mask.paths[0]");

  v1::ReplayDecisionRequest replay;
  replay.set_name("entries/1");  // of the form of a name, but of no record that is decided on
  expect("ReplayDecision", replay, "name");
}

}  // namespace
}  // namespace nisi::priority_goods
