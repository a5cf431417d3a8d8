#include "common/base/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "google/protobuf/descriptor.pb.h"

namespace nisi::base {
namespace {

using rpc::v1::AKIMAT;
using rpc::v1::AUTHORITY_INDUSTRY;
using rpc::v1::ENTITY;
using rpc::v1::HOLDING;
using ::testing::HasSubstr;

enum State : int { kNone, kDraft, kProposed, kSector, kAuthority, kAdopted, kWithdrawn };
enum class Verb { kCreate, kEdit, kPropose, kRecommend, kAdopt, kAnnul, kWithdraw };

const google::protobuf::EnumDescriptor* States() {
  static const auto* const kStates = [] {
    google::protobuf::FileDescriptorProto file;
    file.set_name("states.proto");
    auto* states = file.add_enum_type();
    states->set_name("State");
    int number = 0;
    for (const char* name :
         {"NONE", "DRAFT", "PROPOSED", "SECTOR", "AUTHORITY", "ADOPTED", "WITHDRAWN"}) {
      auto* value = states->add_value();
      value->set_name(name);
      value->set_number(number++);
    }
    auto* const pool = new google::protobuf::DescriptorPool;
    return pool->BuildFile(file)->enum_type(0);
  }();
  return kStates;
}

LegalBasis Proposal() {
  return Law("Art. 6(2)", "Whoever carries a project out proposes it.");
}
LegalBasis Review() {
  return Law("Art. 11(8)", "Akimats examine projects.");
}
LegalBasis Decision() {
  return Law("Art. 9(7)", "The authority decides.");
}

constexpr uint32_t kEntity = RoleBit(ENTITY);
constexpr uint32_t kAkimat = RoleBit(AKIMAT);
constexpr uint32_t kHolding = RoleBit(HOLDING);
constexpr uint32_t kAuthorityRole = RoleBit(AUTHORITY_INDUSTRY);
constexpr uint32_t kRegional = 1;
constexpr uint32_t kRepublican = 2;

using Rows = std::vector<Edge<State, Verb>>;

// A review on two paths: outcomes, self-edges, edges by themselves, terms, duties.
Rows ReviewRows() {
  return {
      {{kNone}, Verb::kCreate, kDraft, kEntity, Proposal, {.duty = Duty::kPrepares}},
      {{kDraft}, Verb::kEdit, kSame, kEntity | kAkimat, Proposal, {.when = "contacts"}},
      {{kProposed}, Verb::kEdit, kSame, kEntity, Proposal, {.when = "contacts"}},
      {{kProposed}, Verb::kEdit, kDraft, kEntity, Proposal, {.when = "what was proposed"}},
      {{kDraft}, Verb::kPropose, kProposed, kEntity, Proposal, {.duty = Duty::kPrepares}},
      {{kProposed},
       Verb::kRecommend,
       kAuthority,
       kAkimat,
       Review,
       {.duty = Duty::kExamines, .due = "review.regional_days", .paths = kRegional}},
      {{kProposed},
       Verb::kRecommend,
       kSector,
       kAkimat,
       Review,
       {.duty = Duty::kExamines, .due = "review.regional_days", .paths = kRepublican}},
      {{kSector},
       Verb::kRecommend,
       kAuthority,
       kHolding,
       Review,
       {.duty = Duty::kExamines, .apart_from_examiners = true, .paths = kRepublican}},
      {{kAuthority}, Verb::kAdopt, kAdopted, kAuthorityRole, Decision, {.duty = Duty::kDecides}},
      {{kDraft}, Verb::kAnnul, kWithdrawn, kByItself, Review, {.due = "review.fix_days"}},
      {{kDraft, kProposed, kSector}, Verb::kWithdraw, kWithdrawn, kEntity, Proposal},
      {{kAuthority}, Verb::kWithdraw, kWithdrawn, kEntity, Decision},
  };
}

Machine<State, Verb> With(const Rows& rows) {
  return Machine<State, Verb>("REVIEW", States(),
                              {{"create", Proposal},
                               {"edit", Proposal, "REVIEW_FROZEN"},
                               {"propose", Proposal},
                               {"recommend", Review},
                               {"adopt", Decision},
                               {"annul", Review},
                               {"withdraw", Proposal}},
                              rows, {"regional", "republican"});
}

const Machine<State, Verb>& ReviewMachine() {
  static const auto* const kMachine = new Machine<State, Verb>(With(ReviewRows()));
  return *kMachine;
}

std::string Metadata(const absl::Status& status, const std::string& key) {
  const auto info = InfoOf(status);
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

TEST(MachineTest, IsSound) {
  EXPECT_EQ(ReviewMachine().Problem(), "");
  EXPECT_EQ(ReviewMachine().edges().size(), 14u);
}

TEST(MachineTest, LeadsWhereTheTableSays) {
  const auto proposed = ReviewMachine().Ask(kDraft, Verb::kPropose, {kEntity, "owner", {}});
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  const auto edge = proposed->Only();
  ASSERT_TRUE(edge.ok());
  EXPECT_EQ((*edge)->to, kProposed);
  EXPECT_EQ((*edge)->basis().article(), "Art. 6(2)");
  EXPECT_EQ((*edge)->duty, Duty::kPrepares);
}

TEST(MachineTest, AStrangerLearnsNothingOfTheState) {
  for (const State state : {kNone, kDraft, kAdopted}) {
    const auto refused = ReviewMachine().Ask(state, Verb::kPropose, {0, "somebody", {}});
    EXPECT_EQ(refused.status(), AccessDenied());
  }
}

TEST(MachineTest, TheStateIsRefusedBeforeTheRoleAndTheRoleBeforeTheDuty) {
  const std::vector<Acted> acted{{Duty::kPrepares, "both"}};
  const auto reason = [&](State from, uint32_t roles) {
    return ReasonOf(ReviewMachine().Ask(from, Verb::kAdopt, {roles, "both", acted}).status());
  };
  EXPECT_EQ(reason(kDraft, kEntity), "REVIEW_STATE");
  EXPECT_EQ(reason(kDraft, kAuthorityRole), "REVIEW_STATE");
  EXPECT_EQ(reason(kAuthority, kEntity), "ACCESS_DENIED");
  EXPECT_EQ(reason(kAuthority, kEntity | kAuthorityRole), "SEPARATION_OF_DUTIES");
}

TEST(MachineTest, ARefusalOfTheStateSaysWhatWouldAllowIt) {
  const absl::Status refused =
      ReviewMachine().Ask(kAdopted, Verb::kWithdraw, {kEntity, "owner", {}}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused.message(), "State ADOPTED of the review does not allow: withdraw.");
  EXPECT_EQ(Metadata(refused, "state"), "ADOPTED");
  EXPECT_EQ(Metadata(refused, "verb"), "withdraw");
  EXPECT_EQ(Metadata(refused, "allowed"), "DRAFT, PROPOSED, SECTOR, AUTHORITY");
  EXPECT_EQ(LegalBasisOf(refused).article(), "Art. 6(2)");  // of the verb, whatever edges cite
  const absl::Status frozen =
      ReviewMachine().Ask(kAdopted, Verb::kEdit, {kEntity, "owner", {}}).status();
  EXPECT_EQ(ReasonOf(frozen), "REVIEW_FROZEN");
}

TEST(MachineTest, OutcomesAreToldApartByWhereTheyLead) {
  const auto edit = ReviewMachine().Ask(kProposed, Verb::kEdit, {kEntity, "owner", {}});
  ASSERT_TRUE(edit.ok());
  EXPECT_FALSE(edit->single());
  EXPECT_EQ(edit->Only().status().code(), absl::StatusCode::kInternal);
  EXPECT_STREQ((*edit->To(kProposed))->when, "contacts");
  EXPECT_STREQ((*edit->To(kDraft))->when, "what was proposed");
  EXPECT_EQ(edit->To(kAdopted).status().code(), absl::StatusCode::kInternal);
}

TEST(MachineTest, APathHasItsOwnEdges) {
  const Asker akimat{kAkimat, "akim", {}};
  for (const auto& [path, to] :
       {std::pair{kRegional, kAuthority}, std::pair{kRepublican, kSector}}) {
    const auto allowed = ReviewMachine().Ask(kProposed, Verb::kRecommend, akimat, path);
    ASSERT_TRUE(allowed.ok()) << allowed.status();
    ASSERT_TRUE(allowed->single());
    EXPECT_EQ((*allowed->Only())->to, to);
  }
  const Asker holding{kHolding, "holding", {}};
  EXPECT_TRUE(ReviewMachine().Ask(kSector, Verb::kRecommend, holding, kRepublican).ok());
  const absl::Status refused =
      ReviewMachine().Ask(kSector, Verb::kRecommend, holding, kRegional).status();
  EXPECT_EQ(ReasonOf(refused), "REVIEW_STATE");
  EXPECT_EQ(Metadata(refused, "allowed"), "PROPOSED");
}

TEST(MachineTest, WhoPreparedDoesNotExamineAndWhoExaminedDoesNotDecide) {
  const struct {
    State from;
    Verb verb;
    uint32_t roles;
    Duty before;
    bool allowed;
  } kCases[] = {
      {kProposed, Verb::kRecommend, kAkimat, Duty::kPrepares, false},
      {kProposed, Verb::kRecommend, kAkimat, Duty::kExamines, true},  // in an earlier round
      {kSector, Verb::kRecommend, kHolding, Duty::kPrepares, false},
      {kSector, Verb::kRecommend, kHolding, Duty::kExamines, false},  // the second of two bodies
      {kAuthority, Verb::kAdopt, kAuthorityRole, Duty::kPrepares, false},
      {kAuthority, Verb::kAdopt, kAuthorityRole, Duty::kExamines, false},
      {kAuthority, Verb::kAdopt, kAuthorityRole, Duty::kDecides, true},
      {kDraft, Verb::kPropose, kEntity, Duty::kPrepares, true},
      {kDraft, Verb::kEdit, kEntity, Duty::kDecides, true},
  };
  for (const auto& c : kCases) {
    const std::vector<Acted> acted{{Duty::kPrepares, "another"}, {c.before, "who"}};
    const auto allowed = ReviewMachine().Ask(c.from, c.verb, {c.roles, "who", acted}, kRepublican);
    EXPECT_EQ(allowed.ok(), c.allowed) << c.from << " " << static_cast<int>(c.verb);
    if (c.allowed) continue;
    EXPECT_EQ(allowed.status().code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ReasonOf(allowed.status()), "SEPARATION_OF_DUTIES");
    EXPECT_EQ(LegalBasisOf(allowed.status()).article(),
              c.verb == Verb::kAdopt ? "Art. 9(7)" : "Art. 11(8)");
  }
}

TEST(MachineTest, NobodyCallsWhatHappensByItself) {
  EXPECT_EQ(*ReviewMachine().NextByItself(kDraft, Verb::kAnnul), kWithdrawn);
  EXPECT_EQ(ReasonOf(ReviewMachine().AskByItself(kAdopted, Verb::kAnnul).status()), "REVIEW_STATE");
  EXPECT_EQ(ReasonOf(ReviewMachine().AskByItself(kDraft, Verb::kWithdraw).status()),
            "REVIEW_STATE");
  EXPECT_EQ(ReasonOf(ReviewMachine().Ask(kDraft, Verb::kAnnul, {~0U, "all", {}}).status()),
            "ACCESS_DENIED");
}

TEST(MachineTest, ARecordBeginsWhereTheTableSays) {
  EXPECT_EQ(ReviewMachine().FirstStates(), std::vector<int>{kDraft});
  Rows rows = ReviewRows();
  rows.erase(rows.begin());
  EXPECT_EQ(With(rows).FirstStates(), std::vector<int>{kDraft});  // the state of number 1
}

TEST(MachineTest, EachProblemIsFound) {
  const auto with = [](const std::function<void(Rows&)>& change) {
    Rows rows = ReviewRows();
    change(rows);
    return With(rows).Problem();
  };
  const auto no_law = [] { return LegalBasis(); };
  EXPECT_EQ(with([](Rows& rows) { rows[4].to = static_cast<State>(99); }),
            "DRAFT propose: leads to no state");
  EXPECT_EQ(with([](Rows& rows) { rows[4].to = kNone; }), "DRAFT propose: leads to no state");
  EXPECT_EQ(with([](Rows& rows) { rows[4].from = {static_cast<State>(99)}; }),
            "99 propose: from no state");
  EXPECT_EQ(with([&](Rows& rows) { rows[4].basis = no_law; }), "DRAFT propose: cites nothing");
  EXPECT_EQ(with([](Rows& rows) { rows[4].basis = nullptr; }), "DRAFT propose: cites nothing");
  EXPECT_EQ(with([](Rows& rows) { rows.push_back(rows[4]); }),
            "DRAFT propose: two edges lead to PROPOSED");
  EXPECT_EQ(with([](Rows& rows) { rows[3].clauses.when = ""; }),
            "PROPOSED edit: nothing says which of two outcomes it has");
  EXPECT_EQ(with([](Rows& rows) { rows[6].clauses.paths = kAnyPath; }),
            "PROPOSED recommend: nothing says which of two outcomes it has");
  EXPECT_EQ(with([](Rows& rows) { rows[6].clauses.paths = 4; }),
            "PROPOSED recommend: is on no path");
  EXPECT_EQ(with([](Rows& rows) { rows[6].clauses.paths = 0; }),
            "PROPOSED recommend: is on no path");
  EXPECT_EQ(with([](Rows& rows) { rows[9].clauses.duty = Duty::kDecides; }),
            "DRAFT annul: nobody has this duty");
  EXPECT_EQ(with([](Rows& rows) { rows[8].clauses.apart_from_examiners = true; }),
            "AUTHORITY adopt: is no examination");
  EXPECT_EQ(with([](Rows& rows) { rows[0].clauses.due = "review.fix_days"; }),
            "NONE create: nothing is there to be due");
  EXPECT_EQ(with([](Rows& rows) { rows[8].clauses.meets = true; }),
            "AUTHORITY adopt: has no term to meet");
  EXPECT_EQ(with([](Rows& rows) { rows.erase(rows.begin() + 9); }), "verb annul has no edge");
  EXPECT_EQ(with([](Rows& rows) { rows[6].to = kAuthority; }), "no record reaches SECTOR");
  EXPECT_EQ(with([](Rows& rows) { rows[8].verb = static_cast<Verb>(9); }),
            "verb adopt has no edge");
  EXPECT_EQ(with([](Rows& rows) {
              rows.push_back({{kSector}, static_cast<Verb>(9), kDraft, kEntity, Proposal});
            }),
            "an edge of SECTOR has no verb");
  const Machine<State, Verb> lower("review", States(), {{"create", Proposal}},
                                   {{{kNone}, Verb::kCreate, kDraft, kEntity, Proposal}});
  EXPECT_EQ(lower.Problem(), "the resource is not written as in reasons");
  const Machine<State, Verb> uncited("REVIEW", States(), {{"create", no_law}},
                                     {{{kNone}, Verb::kCreate, kDraft, kEntity, Proposal}});
  EXPECT_EQ(uncited.Problem(), "verb create cites nothing");
}

TEST(MachineTest, PrintsItselfAsADiagram) {
  const std::string text = ReviewMachine().Mermaid();
  EXPECT_EQ(text.rfind("stateDiagram-v2\n    [*] --> DRAFT: create / entity / Art. 6(2)\n", 0), 0u)
      << text;
  for (const char* line : {
           "DRAFT --> DRAFT: edit (contacts) / akimat, entity / Art. 6(2)\n",
           "PROPOSED --> AUTHORITY: recommend / regional / akimat, apart from who prepared / "
           "within "
           "review.regional_days / Art. 11(8)\n",
           "SECTOR --> AUTHORITY: recommend / republican / holding, apart from who prepared or "
           "examined / Art. 11(8)\n",
           "AUTHORITY --> ADOPTED: adopt / authority.industry, apart from who prepared or examined "
           "/ Art. 9(7)\n",
           "DRAFT --> WITHDRAWN: annul / by itself / after review.fix_days / Art. 11(8)\n",
           "SECTOR --> WITHDRAWN: withdraw / entity / Art. 6(2)\n",
           "ADOPTED --> [*]\n",
           "WITHDRAWN --> [*]\n",
       }) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("    ", line)));
  }
  Rows rows = ReviewRows();
  rows.erase(rows.begin());
  EXPECT_THAT(With(rows).Mermaid(), HasSubstr("    [*] --> DRAFT\n"));
}

TEST(RolesTest, AreWrittenInTheOrderOfTheirNumbers) {
  EXPECT_EQ(RoleName(AUTHORITY_INDUSTRY), "authority.industry");
  EXPECT_EQ(RoleNames(kEntity | kAuthorityRole | kAkimat), "authority.industry, akimat, entity");
  EXPECT_EQ(RoleNames(0), "");
}

}  // namespace
}  // namespace nisi::base
