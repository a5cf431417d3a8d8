// The life of a cluster over the real service: selection, register, members by date, cure, reports.
#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include "common/base/money.h"
#include "common/cases/deadlines.h"
#include "common/norms/norms_testing.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/rpc/v1/import.pb.h"
#include "services/clusters/service_testing.h"
#include "services/clusters/tables.h"

namespace nisi::clusters {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ServiceTest : public ClustersTest {
 protected:
  v1::ListMembersResponse MembersOf(const std::string& cluster,
                                    std::optional<base::Date> as_of = std::nullopt) {
    v1::ListMembersRequest list;
    list.set_parent(cluster);
    if (as_of.has_value()) *list.mutable_as_of() = as_of->ToProto();
    return Must<v1::ListMembersResponse>("ListMembers", public_, list);
  }
  absl::StatusOr<v1::Member> EndIt(const std::string& cluster, const std::string& bin,
                                   std::optional<base::Date> day, const rpc::Caller& caller) {
    v1::EndMembershipRequest end;
    end.set_name(absl::StrCat(cluster, "/members/", bin));
    end.set_reason("Вышла");
    if (day.has_value()) *end.mutable_member_until() = day->ToProto();
    return Do<v1::Member>("EndMembership", caller, end);
  }
  absl::StatusOr<v1::Member> AddIt(const std::string& cluster, const v1::Participant& participant,
                                   std::optional<base::Date> day, const rpc::Caller& caller,
                                   const std::string& reason = "") {
    v1::AddMemberRequest add;
    add.set_parent(cluster);
    *add.mutable_participant() = participant;
    if (day.has_value()) *add.mutable_member_from() = day->ToProto();
    add.set_reason(reason);
    return Do<v1::Member>("AddMember", caller, add);
  }
  v1::ListScoresResponse ScoresFor(const std::string& application, const rpc::Caller& caller,
                                   std::optional<base::Date> as_of = std::nullopt) {
    v1::ListScoresRequest list;
    list.set_parent(application);
    if (as_of.has_value()) *list.mutable_as_of() = as_of->ToProto();
    return Must<v1::ListScoresResponse>("ListScores", caller, list);
  }
  v1::SummarizeClustersResponse Summary(std::optional<base::Date> as_of = std::nullopt) {
    v1::SummarizeClustersRequest request;
    if (as_of.has_value()) *request.mutable_as_of() = as_of->ToProto();
    return Must<v1::SummarizeClustersResponse>("SummarizeClusters", public_, request);
  }
  // The same by looking at every cluster and member.
  std::string Counted(base::Date day) {
    const store::View view = store().Read();
    std::set<std::string> bins, manufacturers;
    int clusters = 0, memberships = 0;
    const auto each = [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<MemberRow>(row));
      const auto cluster =
          view.Find(kClusters, store::Key::Of(stored.row.cluster()), {.as_of = day});
      if (!cluster.ok() || !cluster->has_value()) return true;
      const v1::Cluster& of = (*cluster)->row.cluster();
      if (of.state() == v1::Cluster::CANDIDATE || of.state() == v1::Cluster::REMOVED) return true;
      const auto& participant = stored.row.member().participant();
      ++memberships;
      bins.insert(participant.bin());
      for (const int role : participant.roles()) {
        if (role == v1::MANUFACTURER) manufacturers.insert(participant.bin());
      }
      return true;
    };
    EXPECT_TRUE(view.Scan(kMembers, {}, {.as_of = day}, each).ok());
    EXPECT_TRUE(
        view.Scan(kClusters, {}, {.as_of = day},
                  [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ClusterRow>(row));
                    const auto state = stored.row.cluster().state();
                    clusters +=
                        state != v1::Cluster::CANDIDATE && state != v1::Cluster::REMOVED ? 1 : 0;
                    return true;
                  })
            .ok());
    return absl::StrCat(clusters, " ", bins.size(), " ", manufacturers.size(), " ", memberships);
  }
  std::string Totals(base::Date day) {
    const auto summary = Summary(day);
    return absl::StrCat(summary.cluster_count(), " ", summary.organization_count(), " ",
                        summary.manufacturer_count(), " ", summary.membership_count());
  }
  v1::Cluster ClusterOn(const std::string& name, base::Date day) {
    v1::GetClusterRequest get;
    get.set_name(name);
    *get.mutable_as_of() = day.ToProto();
    return Must<v1::Cluster>("GetCluster", auditor_, get);
  }
  // What the register says of a cluster on a day is what its members of that day say.
  void ExpectOfItsDay(const std::string& name, base::Date day) {
    const v1::Cluster cluster = ClusterOn(name, day);
    EXPECT_EQ(cluster.member_count(), MembersOf(name, day).members_size())
        << name << " " << day.ToString();
    if (cluster.state() == v1::Cluster::REMOVED) return;
    EXPECT_EQ(cluster.has_below_minimum_from(), IsBelow(name, day)) << name << day.ToString();
    if (!cluster.has_below_minimum_from()) return;
    const base::Date from = *base::Date::FromProto(cluster.below_minimum_from());
    for (base::Date at = from; at <= day; at = at.AddDays(1)) {
      EXPECT_TRUE(IsBelow(name, at)) << name << " " << at.ToString();
    }
    EXPECT_FALSE(IsBelow(name, from.AddDays(-1))) << name << " " << from.ToString();
  }
  bool IsBelow(const std::string& name, base::Date day) {
    int manufacturers = 0, science = 0;
    const auto members = MembersOf(name, day);
    for (const v1::Member& member : members.members()) {
      const auto& roles = member.participant().roles();
      const auto is = [&](int least, int most) {
        return std::any_of(roles.begin(), roles.end(),
                           [&](int role) { return least <= role && role <= most; });
      };
      manufacturers += is(v1::MANUFACTURER, v1::MANUFACTURER) ? 1 : 0;
      science += is(v1::RESEARCH, v1::VOCATIONAL_EDUCATION) ? 1 : 0;
    }
    return members.members_size() < 10 || manufacturers < 5 || science < 1;
  }
  // On each of its days a membership says the first of the days without a break, and the first
  // after them.
  void ExpectMemberships(const std::string& cluster, int n) {
    const store::Key key = store::Key::Of(*rpc::NumberIn(cluster, "clusters/*", 0), Bin(n));
    std::vector<v1::Member> lasting;
    base::Date since;
    const auto expect = [&](const std::string& until) {
      for (const v1::Member& member : lasting) {
        EXPECT_EQ(*base::Date::FromProto(member.member_from()), since) << member.name();
        EXPECT_EQ(member.has_member_until()
                      ? base::Date::FromProto(member.member_until())->ToString()
                      : "",
                  until)
            << member.name() << " since " << since.ToString();
      }
      lasting.clear();
    };
    for (int days = -150; days <= 60; ++days) {
      const base::Date day = today().AddDays(days);
      const auto found = store().Read().Find(kMembers, key, {.as_of = day});
      ASSERT_TRUE(found.ok()) << found.status();
      if (!found->has_value()) {
        expect(day.ToString());
        continue;
      }
      if (lasting.empty()) since = day;
      lasting.push_back((*found)->row.member());
    }
    expect("");
  }
  v1::ReplayDecisionResponse ReplayOf(const std::string& name) {
    v1::ReplayDecisionRequest request;
    request.set_name(name);
    return Must<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, request);
  }
  absl::StatusOr<v1::ClusterReport> Report(const std::string& cluster, int year,
                                           const rpc::Caller& caller,
                                           const std::string& correction = "",
                                           const std::string& etag = "") {
    v1::SubmitClusterReportRequest submit;
    submit.set_etag(etag);
    submit.set_parent(cluster);
    v1::ClusterReport& report = *submit.mutable_report();
    report.set_year(year);
    const auto sum = base::Money::FromTenge(1'000'000)->ToProto();
    *report.mutable_figures()->mutable_output() = sum;
    *report.mutable_figures()->mutable_exports() = sum;
    *report.mutable_figures()->mutable_investment() = sum;
    *report.mutable_figures()->mutable_taxes() = sum;
    *report.mutable_figures()->mutable_upkeep_cost() = sum;
    report.set_work_plan_progress("По плану");
    report.set_correction_reason(correction);
    return Do<v1::ClusterReport>("SubmitClusterReport", caller, submit);
  }
};

TEST_F(ServiceTest, FromInitiativeToTheRegister) {
  const Round round = RoundAt(v1::Selection::PUBLISHED, 2);
  EXPECT_EQ(SelectionNow(round.selection).selected_count(), 2);
  EXPECT_EQ(InitiativeNow(round.initiatives[0]).state(), v1::Initiative::ADOPTED);
  v1::Cluster cluster = ClusterNow(round.cluster);
  EXPECT_EQ(cluster.state(), v1::Cluster::SELECTED);
  EXPECT_EQ(cluster.member_count(), 10);
  EXPECT_TRUE(cluster.has_due_date());
  // Who admitted its application does not enter it; the authority does.
  const auto registered = RegisterIt(round.cluster, authority_);
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->state(), v1::Cluster::REGISTERED);
  EXPECT_EQ(base::Date::FromProto(registered->due_date())->ToString(), "2027-03-01");
  EXPECT_EQ(MembersOf(round.cluster).members_size(), 10);
  // Everybody reads the register and the published scores; nobody who scored.
  const auto scores = ScoresFor(round.applications[0], public_);
  ASSERT_EQ(scores.scores_size(), 3);
  for (const v1::Score& score : scores.scores()) {
    EXPECT_EQ(score.total_points(), 75);
    EXPECT_EQ(score.expert_subject(), "");
  }
  // Every decision on the way is computed again from its facts.
  for (const std::string& name : {round.applications[0], round.selection, round.cluster,
                                  InitiativeNow(round.initiatives[0]).diagnostic()}) {
    const auto replayed = ReplayOf(name);
    EXPECT_GT(replayed.replays_size(), 0) << name;
    for (const auto& replay : replayed.replays()) EXPECT_TRUE(replay.same()) << replay.field();
  }
}

TEST_F(ServiceTest, ScoringIsBlindUntilItCloses) {
  const Round round = RoundAt(v1::Selection::SCORING);
  const std::string& application = round.applications[0];
  const int64_t before = position();
  for (int i = 1; i <= 3; ++i) {
    const auto given = ScoreIt(application, ExpertOf(i), {20 + i, 15, 15, 10, 15});
    ASSERT_TRUE(given.ok()) << given.status();
    EXPECT_EQ(given->points(0).points(), 20 + i) << "its expert reads what it gave";
  }
  // Authority and auditor too read that a score was given, and no more; so does the journal.
  for (const rpc::Caller& caller :
       {auditor_, authority_, institute_, Entity(round.organizations[0])}) {
    const auto scores = ScoresFor(application, caller);
    ASSERT_EQ(scores.scores_size(), 3);
    for (const v1::Score& score : scores.scores()) EXPECT_THAT(score.points(), IsEmpty());
  }
  const auto own = ScoresFor(application, ExpertOf(2));
  ASSERT_EQ(own.scores_size(), 1);
  EXPECT_EQ(own.scores(0).points(0).points(), 22);
  const auto records = store().ReadJournal(before + 1, 10, 1 << 20);
  ASSERT_TRUE(records.ok());
  int commitments = 0;
  for (const store::JournalRecord& record : *records) {
    journal::v1::Entry entry;
    ASSERT_TRUE(entry.ParseFromString(record.leaf));
    for (const auto& change : entry.changes()) {
      if (change.table() != kScores.name) continue;
      v1::Score after;
      ASSERT_TRUE(after.ParseFromString(change.after().value()));
      EXPECT_THAT(after.points(), IsEmpty());
      for (const auto& commitment : change.commitments()) {
        commitments += commitment.path().empty() ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(commitments, 3) << "the sealed points are committed to";
  // An expert may change its mind while scoring is open, and no longer.
  EXPECT_TRUE(ScoreIt(application, ExpertOf(1), {25, 15, 15, 10, 15}).ok());
  clock_.Set(clock_.Now() + absl::Hours(1));
  const absl::Time closing = clock_.Now();
  ASSERT_TRUE(CloseIt(round.selection, examiner_).ok());
  EXPECT_EQ(ReasonOf(ScoreIt(application, ExpertOf(1)).status()), "APPLICATION_STATE");
  const auto opened = ScoresFor(application, auditor_);
  EXPECT_EQ(opened.scores(0).points(0).points(), 25);
  EXPECT_EQ(opened.scores(1).points(0).points(), 22);
  // On the day before nobody had given any, and of a day none is shown to whom it is not today.
  EXPECT_EQ(ScoresFor(application, auditor_, today().AddDays(-1)).scores_size(), 0);
  EXPECT_EQ(ScoresFor(application, ExpertOf(2), today()).scores_size(), 1);
  v1::ListScoresRequest scored;
  scored.set_parent(application);
  *scored.mutable_as_of() = today().ToProto();
  EXPECT_EQ(ReasonOf(Do<v1::ListScoresResponse>("ListScores", public_, scored).status()),
            "ACCESS_DENIED");
  // As it was known before it closed.
  scored.clear_as_of();
  scored.mutable_known_at()->set_seconds(absl::ToUnixSeconds(closing) - 1);
  const auto sealed = Must<v1::ListScoresResponse>("ListScores", auditor_, scored);
  ASSERT_EQ(sealed.scores_size(), 3);
  for (const v1::Score& score : sealed.scores()) EXPECT_THAT(score.points(), IsEmpty());
  // Not public before it is published: neither scores nor rank.
  v1::GetApplicationRequest get;
  get.set_name(application);
  const auto mine = Must<v1::Application>("GetApplication", Entity(round.organizations[0]), get);
  EXPECT_EQ(mine.total(), "");
  EXPECT_EQ(mine.rank(), 0);
  EXPECT_EQ(ReasonOf(Do<v1::Application>("GetApplication", public_, get).status()),
            "ACCESS_DENIED");
  v1::GetSelectionRequest selection;
  selection.set_name(round.selection);
  EXPECT_FALSE(Must<v1::Selection>("GetSelection", public_, selection).has_ranking());
  EXPECT_TRUE(SelectionNow(round.selection).has_ranking());
}

TEST_F(ServiceTest, ATiedExpertDoesNotCount) {
  const Round round = RoundAt(v1::Selection::SCORING);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(ScoreIt(round.applications[0], ExpertOf(i)).ok());
  // A tie that is declared after scoring: the score counts no longer, and the panel is too small.
  ASSERT_TRUE(Declare(round.experts[0], 1, {Bin(round.organizations[0] + 3)}).ok());
  EXPECT_EQ(ReasonOf(ScoreIt(round.applications[0], ExpertOf(1)).status()), "EXPERT_TIED");
  // Nor does one who is signed in for an organization of the applicant, whatever it declared.
  const rpc::Caller employed = CallerOf("expert-2", {rpc::v1::EXPERT}, Bin(round.organizations[0]));
  EXPECT_EQ(ReasonOf(ScoreIt(round.applications[0], employed).status()), "EXPERT_TIED");
  EXPECT_EQ(ReasonOf(CloseIt(round.selection, examiner_).status()), "SCORES_MISSING");
  // An expert who says nothing must declare or be dismissed.
  const auto silent = Appoint(round.selection, 4, authority_);
  ASSERT_TRUE(silent.ok());
  EXPECT_EQ(ReasonOf(ScoreIt(round.applications[0], ExpertOf(4)).status()), "TIES_NOT_DECLARED");
  ASSERT_TRUE(Declare(silent->name(), 4).ok());
  EXPECT_EQ(ReasonOf(CloseIt(round.selection, examiner_).status()), "SCORES_MISSING");
  ASSERT_TRUE(ScoreIt(round.applications[0], ExpertOf(4)).ok());
  ASSERT_TRUE(CloseIt(round.selection, examiner_).ok());
  EXPECT_EQ(ApplicationNow(round.applications[0]).score_count(), 3);
}

TEST_F(ServiceTest, DatesOfASelectionAreNamedAsTheyStandInTheRequest) {
  v1::CreateSelectionRequest create = Draft();
  v1::Selection& told = *create.mutable_selection();
  *told.mutable_applications_from() = today().AddDays(-1).ToProto();
  const absl::Status past = Do<v1::Selection>("CreateSelection", institute_, create).status();
  EXPECT_EQ(ReasonOf(past), "DATES_INVALID");
  EXPECT_EQ(SubjectOf(past), "selection.applications_from");
  v1::UpdateSelectionRequest update;
  update.mutable_selection()->set_name(
      Must<v1::Selection>("CreateSelection", institute_, Draft()).name());
  *update.mutable_selection()->mutable_applications_until() = today().AddDays(-1).ToProto();
  update.mutable_update_mask()->add_paths("applications_until");
  const absl::Status turned = Do<v1::Selection>("UpdateSelection", institute_, update).status();
  EXPECT_EQ(ReasonOf(turned), "DATES_INVALID");
  EXPECT_EQ(SubjectOf(turned), "selection.applications_until");
}

TEST_F(ServiceTest, DutiesStayApart) {
  const std::string draft = Must<v1::Selection>("CreateSelection", institute_, Draft()).name();
  // One person of both bodies.
  const rpc::Caller both =
      CallerOf(institute_.subject, {rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY});
  EXPECT_EQ(ReasonOf(Announce(draft, both).status()), "SEPARATION_OF_DUTIES");
  const Round round = RoundAt(v1::Selection::ADMISSION);
  EXPECT_EQ(ReasonOf(AdmitIt(round.applications[0], true, institute_).status()),
            "SEPARATION_OF_DUTIES")
      << "who drafted the selection does not examine its applications";
  const rpc::Caller expert = CallerOf("expert-1", {rpc::v1::INSTITUTE_INDUSTRY});
  EXPECT_EQ(ReasonOf(AdmitIt(round.applications[0], true, expert).status()), "SEPARATION_OF_DUTIES")
      << "nor does an expert of it";
  ASSERT_TRUE(AdmitIt(round.applications[0], true, examiner_).ok());
  EXPECT_EQ(ReasonOf(Appoint(round.selection, 9, authority_).status()), "");
  v1::CreateExpertRequest appoint;
  appoint.set_parent(round.selection);
  appoint.mutable_expert()->set_subject(examiner_.subject);
  appoint.mutable_expert()->set_title("Он же");
  EXPECT_EQ(ReasonOf(Do<v1::Expert>("CreateExpert", authority_, appoint).status()),
            "SEPARATION_OF_DUTIES");
  const Round ranked = RoundAt(v1::Selection::RANKED);
  const rpc::Caller examined = CallerOf(examiner_.subject, {rpc::v1::AUTHORITY_INDUSTRY});
  EXPECT_EQ(
      ReasonOf(Do<v1::Selection>("DecideSelection", examined, Protocol(ranked.selection)).status()),
      "SEPARATION_OF_DUTIES");
  auto protocol = Protocol(ranked.selection);
  protocol.mutable_members(3)->set_subject("expert-1");
  EXPECT_EQ(ReasonOf(Do<v1::Selection>("DecideSelection", decider_, protocol).status()),
            "VOTE_CONFLICTED");
  protocol = Protocol(ranked.selection);
  protocol.mutable_members(3)->add_ties(Bin(ranked.organizations[0]));
  EXPECT_EQ(ReasonOf(Do<v1::Selection>("DecideSelection", decider_, protocol).status()),
            "VOTE_CONFLICTED");
  const Round published = RoundAt(v1::Selection::PUBLISHED);
  EXPECT_EQ(ReasonOf(RegisterIt(published.cluster, examined).status()), "SEPARATION_OF_DUTIES");
}

TEST_F(ServiceTest, NobodyReadsTheOutcomeBeforeItIsPublished) {
  Round round = RoundAt(v1::Selection::RANKED, 2);
  auto protocol = Protocol(round.selection);
  auto* over = protocol.add_passed_over();
  over->set_application(round.applications[0]);
  over->set_reason("Не представил договор");
  ASSERT_TRUE(Do<v1::Selection>("DecideSelection", decider_, protocol).ok());
  EXPECT_EQ(ApplicationNow(round.applications[0]).reason(), "");
  EXPECT_EQ(ApplicationNow(round.applications[0]).state(), v1::Application::SCORED);
  ASSERT_TRUE(PublishIt(round.selection, authority_).ok());
  EXPECT_EQ(ApplicationNow(round.applications[0]).state(), v1::Application::NOT_SELECTED);
  EXPECT_EQ(ApplicationNow(round.applications[0]).reason(), "Не представил договор");
  EXPECT_EQ(InitiativeNow(round.initiatives[0]).state(), v1::Initiative::DIAGNOSED);
  EXPECT_EQ(ClusterNow(round.cluster).state(), v1::Cluster::CANDIDATE);
  EXPECT_EQ(ApplicationNow(round.applications[1]).state(), v1::Application::SELECTED);
}

TEST_F(ServiceTest, AForeignRecordAndNoneAreTheSame) {
  const Round round = RoundAt(v1::Selection::SCORING);
  const rpc::Caller stranger = Entity(5000),
                    akimat = CallerOf("akim", {rpc::v1::AKIMAT}, "", {"47"});
  const auto both = [&](const std::string& method, const rpc::Caller& caller, auto request,
                        const std::string& there, const std::string& none) {
    request.set_name(there);
    const absl::Status foreign = CallRaw(method, caller, request).status();
    request.set_name(none);
    const absl::Status missing = CallRaw(method, caller, request).status();
    EXPECT_EQ(ReasonOf(foreign), "ACCESS_DENIED") << method;
    EXPECT_EQ(foreign.ToString(), missing.ToString()) << method;
  };
  both("GetInitiative", stranger, v1::GetInitiativeRequest(), round.initiatives[0],
       "initiatives/none");
  both("GetInitiative", akimat, v1::GetInitiativeRequest(), round.initiatives[0],
       "initiatives/none");
  both("GetApplication", stranger, v1::GetApplicationRequest(), round.applications[0],
       "selections/1/applications/77");
  both("GetCluster", stranger, v1::GetClusterRequest(), round.cluster, "clusters/77");
  both("GetCluster", public_, v1::GetClusterRequest(), round.cluster, "clusters/77");
  v1::WithdrawInitiativeRequest withdraw;
  withdraw.set_reason("x");
  both("WithdrawInitiative", stranger, withdraw, round.initiatives[0], "initiatives/none");
  // Its experts read the strategy and not each other; its akimat reads neither.
  v1::GetInitiativeRequest get;
  get.set_name(round.initiatives[0]);
  const auto expert = Must<v1::Initiative>("GetInitiative", ExpertOf(1), get);
  EXPECT_NE(expert.strategy(), "");
  EXPECT_THAT(expert.expert_subjects(), ElementsAre("expert-1")) << "it finds itself alone";
  const auto akim =
      Must<v1::Initiative>("GetInitiative", CallerOf("akim", {rpc::v1::AKIMAT}, "", {"55"}), get);
  EXPECT_EQ(akim.strategy(), "");
  EXPECT_THAT(akim.work_plan(), IsEmpty());
}

TEST_F(ServiceTest, AnAkimatOfTwoRegionsSeesARecordOfBothOnce) {
  for (int i = 0; i < 3; ++i) Propose(100 + 20 * i);  // of Akmola and Pavlodar each
  v1::Initiative alone = MakeInitiative(300);
  alone.clear_other_regions();
  Propose(300, alone);
  const auto listed = [&](std::vector<std::string> regions, int size) {
    v1::ListInitiativesRequest list;
    list.set_page_size(size);
    std::vector<std::string> names;
    do {
      const auto page = Must<v1::ListInitiativesResponse>(
          "ListInitiatives", CallerOf("akim", {rpc::v1::AKIMAT}, "", regions), list);
      for (const auto& initiative : page.initiatives()) names.push_back(initiative.name());
      list.set_page_token(page.next_page_token());
    } while (!list.page_token().empty());
    return names;
  };
  for (const int size : {1, 2, 50}) {
    const std::vector<std::string> names = listed({"55", "11"}, size);
    EXPECT_EQ(names.size(), 4u) << size;
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 4u) << size;
  }
  EXPECT_EQ(listed({"55"}, 50).size(), 3u);
  EXPECT_EQ(listed({"11"}, 50).size(), 4u);
  EXPECT_THAT(listed({"47"}, 50), IsEmpty());
}

TEST_F(ServiceTest, MembersByDate) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const base::Date day = today();
  const std::string bin = Bin(round.organizations[0] + 7);
  // One that leaves and comes back, all of it known in advance.
  ASSERT_TRUE(EndIt(round.cluster, bin, day.AddDays(10), organization).ok());
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(900, v1::SUPPLIER), day.AddDays(5), organization).ok());
  EXPECT_EQ(MembersOf(round.cluster).members_size(), 10);
  EXPECT_EQ(MembersOf(round.cluster, day.AddDays(5)).members_size(), 11);
  EXPECT_EQ(MembersOf(round.cluster, day.AddDays(10)).members_size(), 10);
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 10);
  GoTo(day.AddDays(5));
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 11);
  GoTo(day.AddDays(12));
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 10);
  ASSERT_TRUE(AddIt(round.cluster, MakeParticipant(round.organizations[0] + 7, v1::OTHER),
                    std::nullopt, organization)
                  .ok());
  EXPECT_EQ(MembersOf(round.cluster, day.AddDays(11)).members_size(), 10);
  EXPECT_EQ(MembersOf(round.cluster).members_size(), 11);
  // A correction says why, and reaches back no further than the cluster does.
  const v1::Participant late = MakeParticipant(901, v1::SUPPLIER);
  const absl::Status unsaid = AddIt(round.cluster, late, day, organization).status();
  EXPECT_EQ(ReasonOf(unsaid), "CORRECTION_REASON_MISSING");
  EXPECT_EQ(SubjectOf(unsaid), "reason");
  EXPECT_EQ(
      ReasonOf(AddIt(round.cluster, late, day.AddDays(-400), organization, "ошибка").status()),
      "MEMBER_DATE_INVALID");
  EXPECT_TRUE(AddIt(round.cluster, late, day, organization, "ошибка").ok());
  EXPECT_EQ(MembersOf(round.cluster, day).members_size(), 11);
  v1::Participant far = MakeParticipant(902, v1::SUPPLIER, kMangystau);
  EXPECT_EQ(ReasonOf(AddIt(round.cluster, far, std::nullopt, organization).status()),
            "REGION_NOT_NEIGHBOURING");
  EXPECT_EQ(ReasonOf(EndIt(round.cluster, Bin(903), std::nullopt, organization).status()),
            "MEMBER_DATE_INVALID");
}

// Days on which an organization is a member without a break are one membership, in whatever order
// it was told.
TEST_F(ServiceTest, DaysWithoutABreakAreOneMembership) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  GoTo(today().AddDays(10));
  const base::Date day = today();
  const v1::Participant supplier = MakeParticipant(900, v1::SUPPLIER);
  const auto add = [&](int from, const v1::Participant& as) {
    const auto added =
        AddIt(round.cluster, as, day.AddDays(from), organization, from < 0 ? "ошибка" : "");
    EXPECT_TRUE(added.ok()) << added.status();
  };
  const auto end = [&](int until) {
    const auto ended = EndIt(round.cluster, supplier.bin(), day.AddDays(until), organization);
    EXPECT_TRUE(ended.ok()) << ended.status();
  };
  // "10 to 20: Вышла", in days from today, as it is told on a day.
  const auto told = [&](int days) -> std::string {
    v1::GetMemberRequest get;
    get.set_name(absl::StrCat(round.cluster, "/members/", supplier.bin()));
    *get.mutable_as_of() = day.AddDays(days).ToProto();
    const auto member = Do<v1::Member>("GetMember", organization, get);
    if (!member.ok()) return "none";
    const auto since = [&](const google::type::Date& date) {
      return *base::Date::FromProto(date) - day;
    };
    return absl::StrCat(
        since(member->member_from()), " to ",
        member->has_member_until() ? absl::StrCat(since(member->member_until())) : "",
        member->reason().empty() ? "" : ": ", member->reason());
  };
  const auto expect = [&](const std::string& what, int first, int last) {
    for (int days = first; days <= last; ++days) EXPECT_EQ(told(days), what) << days;
  };
  add(10, supplier);
  end(20);
  expect("10 to 20: Вышла", 10, 19);
  // As something else, and leaves for the same reason.
  add(10, MakeParticipant(900, v1::OTHER));
  expect("10 to 20: Вышла", 10, 19);
  // It comes earlier than was planned.
  add(5, supplier);
  expect("5 to 20: Вышла", 5, 19);
  expect("none", 20, 21);
  // It comes back on the day on which it leaves, so that it does not leave.
  add(20, MakeParticipant(900, v1::OTHER));
  expect("5 to ", 5, 25);
  // One day in between is a break.
  end(30);
  add(31, supplier);
  expect("5 to 30: Вышла", 5, 29);
  expect("none", 30, 30);
  expect("31 to ", 31, 33);
  // One that ends earlier leaves nothing behind that would end the next.
  end(15);
  expect("5 to 15: Вышла", 5, 14);
  expect("none", 15, 30);
  add(17, supplier);
  expect("5 to 15: Вышла", 5, 14);
  expect("17 to ", 17, 33);
  EXPECT_EQ(MembersOf(round.cluster, day.AddDays(20)).members_size(), 11);
  // The gap is closed, and the whole ends as one.
  add(15, supplier);
  expect("5 to ", 5, 33);
  end(32);
  expect("5 to 32: Вышла", 5, 31);
  expect("none", 32, 33);
  // What was told late is as old as it is.
  GoTo(day.AddDays(7));
  add(-1, supplier);
  expect("-1 to 32: ошибка", -1, 4);
  expect("-1 to 32: Вышла", 5, 31);
  for (int days = 0; days <= 33; ++days)
    EXPECT_EQ(Totals(day.AddDays(days)), Counted(day.AddDays(days))) << days;
  ExpectSound();
}

// A member changes its part later on, leaves and comes back, all known in advance; then it turns
// out that it leaves before the change.
TEST_F(ServiceTest, AMembershipEndsWithAllItsVersions) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const base::Date day = today();
  const int n = round.organizations[0] + 7;
  const v1::Participant other = MakeParticipant(n, v1::OTHER);
  ASSERT_TRUE(AddIt(round.cluster, other, day.AddDays(10), organization).ok());
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(n, v1::RESEARCH), day.AddDays(15), organization).ok());
  // While it lasts it says when it ends, on each day.
  const auto until = [&](int days) {
    v1::GetMemberRequest get;
    get.set_name(absl::StrCat(round.cluster, "/members/", Bin(n)));
    *get.mutable_as_of() = day.AddDays(days).ToProto();
    const auto member = Must<v1::Member>("GetMember", public_, get);
    return member.has_member_until() ? base::Date::FromProto(member.member_until())->ToString()
                                     : std::string("none");
  };
  EXPECT_EQ(until(0), "none");
  ASSERT_TRUE(EndIt(round.cluster, Bin(n), day.AddDays(20), organization).ok());
  for (const int days : {0, 9, 10, 15, 19}) {
    EXPECT_EQ(until(days), day.AddDays(20).ToString()) << days;
  }
  ASSERT_TRUE(AddIt(round.cluster, other, day.AddDays(30), organization).ok());
  EXPECT_EQ(until(30), "none");
  ASSERT_TRUE(EndIt(round.cluster, Bin(n), day.AddDays(5), organization).ok());
  EXPECT_EQ(until(0), day.AddDays(5).ToString());
  EXPECT_EQ(until(30), "none");
  const struct {
    int days, members;
  } kCases[] = {{0, 10}, {4, 10}, {5, 9}, {10, 9}, {15, 9}, {19, 9}, {20, 9}, {30, 10}, {40, 10}};
  for (const auto& c : kCases) {
    EXPECT_EQ(MembersOf(round.cluster, day.AddDays(c.days)).members_size(), c.members) << c.days;
    EXPECT_EQ(Totals(day.AddDays(c.days)), Counted(day.AddDays(c.days))) << c.days;
  }
  GoTo(day.AddDays(16));
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 9);
  GoTo(day.AddDays(31));
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 10);
}

// The service that was down on the day of a loss gives nobody a longer cure period.
TEST_F(ServiceTest, ACurePeriodDoesNotGrowWhileTheServiceIsDown) {
  for (const int down_until : {40, 200}) {
    const Round round = Registered();
    const base::Date lost = today().AddDays(5);
    ASSERT_TRUE(
        EndIt(round.cluster, Bin(round.organizations[0] + 6), lost, Entity(round.organizations[0]))
            .ok());
    service_.reset();
    clock_.Set(today().AddDays(down_until).StartOfDay());
    Reopen();
    ASSERT_TRUE(store().RunDueTimers().ok());
    const v1::Cluster cluster = ClusterNow(round.cluster);
    EXPECT_EQ(*base::Date::FromProto(cluster.below_minimum_from()), lost);
    EXPECT_EQ(*base::Date::FromProto(cluster.cure_until()), lost.AddDays(90));
    EXPECT_EQ(*base::Date::FromProto(cluster.due_date()), lost.AddDays(90));
    EXPECT_EQ(cluster.has_suspension_proposed_on(), down_until == 200);
    if (down_until == 40) continue;
    EXPECT_EQ(*base::Date::FromProto(cluster.suspension_proposed_on()), lost.AddDays(91));
  }
}

TEST_F(ServiceTest, ASuspensionAndARemovalSayWhatTheyRestOn) {
  const Round round = Registered();
  auto suspend = Ordered<v1::SuspendClusterRequest>(round.cluster);
  suspend.set_ground(v1::Cluster::REPORT_MISSING);
  GoTo(Day("2027-03-02"));
  *suspend.mutable_order_date() = today().ToProto();
  const auto suspended = Must<v1::Cluster>("SuspendCluster", authority_, suspend);
  EXPECT_EQ(suspended.decision().outcome(), "SUSPENDED");
  ASSERT_EQ(suspended.decision().findings_size(), 1);
  EXPECT_EQ(suspended.decision().findings(0).rule(), "REPORT_OVERDUE");
  const auto same = [&] {
    const auto replayed = ReplayOf(round.cluster);
    EXPECT_EQ(replayed.replays_size(), 2);
    for (const auto& replay : replayed.replays()) EXPECT_TRUE(replay.same()) << replay.field();
  };
  same();
  const auto resumed = Must<v1::Cluster>("ResumeCluster", authority_,
                                         Ordered<v1::ResumeClusterRequest>(round.cluster));
  EXPECT_EQ(resumed.decision().outcome(), "WHOLE");
  same();
  const auto removed = Must<v1::Cluster>("RemoveCluster", authority_,
                                         Ordered<v1::RemoveClusterRequest>(round.cluster));
  EXPECT_EQ(removed.decision().outcome(), "REMOVED");
  EXPECT_EQ(removed.decision().findings(0).rule(), "GROUND_NAMED");
  same();
}

TEST_F(ServiceTest, ALossHasACurePeriodAndThenSuspensionIsProposed) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const base::Date lost = today();
  const std::string university = Bin(round.organizations[0] + 6);
  ASSERT_TRUE(EndIt(round.cluster, university, std::nullopt, organization).ok());
  v1::Cluster cluster = ClusterNow(round.cluster);
  EXPECT_EQ(cluster.state(), v1::Cluster::REGISTERED) << "a person decides";
  EXPECT_EQ(*base::Date::FromProto(cluster.below_minimum_from()), lost);
  EXPECT_EQ(*base::Date::FromProto(cluster.cure_until()), lost.AddDays(90));
  EXPECT_EQ(cluster.composition().outcome(), "BELOW_MINIMUM");
  auto suspend = Ordered<v1::SuspendClusterRequest>(round.cluster);
  suspend.set_ground(v1::Cluster::COMPOSITION_NOT_CURED);
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("SuspendCluster", authority_, suspend).status()),
            "GROUND_NOT_MET");
  // A second loss gives no new period.
  GoTo(lost.AddDays(30));
  ASSERT_TRUE(
      EndIt(round.cluster, Bin(round.organizations[0] + 8), std::nullopt, organization).ok());
  EXPECT_EQ(*base::Date::FromProto(ClusterNow(round.cluster).cure_until()), lost.AddDays(90));
  // Whole again on its last day: nothing is proposed.
  GoTo(lost.AddDays(90));
  EXPECT_FALSE(ClusterNow(round.cluster).has_suspension_proposed_on());
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(910, v1::RESEARCH), std::nullopt, organization).ok());
  EXPECT_TRUE(ClusterNow(round.cluster).has_cure_until()) << "nine participants are too few";
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(911, v1::OTHER), std::nullopt, organization).ok());
  GoTo(lost.AddDays(100));
  cluster = ClusterNow(round.cluster);
  EXPECT_FALSE(cluster.has_below_minimum_from());
  EXPECT_FALSE(cluster.has_suspension_proposed_on());
  // Another loss, not cured, also while the service was down.
  ASSERT_TRUE(EndIt(round.cluster, Bin(910), std::nullopt, organization).ok());
  service_.reset();
  clock_.Set(lost.AddDays(250).StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  cluster = ClusterNow(round.cluster);
  EXPECT_EQ(*base::Date::FromProto(cluster.suspension_proposed_on()), lost.AddDays(191));
  EXPECT_EQ(cluster.state(), v1::Cluster::REGISTERED);
  suspend.mutable_order_date()->CopyFrom(today().ToProto());
  ASSERT_TRUE(Do<v1::Cluster>("SuspendCluster", authority_, suspend).ok());
  auto resume = Ordered<v1::ResumeClusterRequest>(round.cluster);
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("ResumeCluster", authority_, resume).status()),
            "COMPOSITION_BELOW_MINIMUM");
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(912, v1::RESEARCH), std::nullopt, organization).ok());
  const auto resumed = Do<v1::Cluster>("ResumeCluster", authority_, resume);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_FALSE(resumed->has_suspension_proposed_on());
}

TEST_F(ServiceTest, ReportsAreOwedEveryYear) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const int year = today().year();
  EXPECT_EQ(ReasonOf(Report(round.cluster, year, organization).status()), "REPORT_YEAR_OPEN");
  GoTo(*base::Date::Of(year + 1, 2, 1));
  const auto report = Report(round.cluster, year, organization);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->late());
  EXPECT_EQ(*base::Date::FromProto(ClusterNow(round.cluster).due_date()),
            *base::Date::Of(year + 2, 3, 1));
  const absl::Status unsaid = Report(round.cluster, year, organization).status();
  EXPECT_EQ(ReasonOf(unsaid), "CORRECTION_REASON_MISSING");
  EXPECT_EQ(SubjectOf(unsaid), "report.correction_reason");
  ASSERT_TRUE(Report(round.cluster, year, organization, "опечатка").ok());
  // That it came is public, its figures are not.
  v1::GetClusterReportRequest get;
  get.set_name(absl::StrCat(round.cluster, "/reports/", year));
  const auto open = Must<v1::ClusterReport>("GetClusterReport", public_, get);
  EXPECT_EQ(open.year(), year);
  EXPECT_FALSE(open.has_figures());
  EXPECT_TRUE(Must<v1::ClusterReport>("GetClusterReport", organization, get).has_figures());
  // The next year's is not given in time.
  auto suspend = Ordered<v1::SuspendClusterRequest>(round.cluster);
  suspend.set_ground(v1::Cluster::REPORT_MISSING);
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("SuspendCluster", authority_, suspend).status()),
            "GROUND_NOT_MET");
  GoTo(*base::Date::Of(year + 2, 3, 2));
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("SuspendCluster", authority_, suspend).status()),
            "ORDER_DATE_INVALID")
      << "nothing was overdue then";
  *suspend.mutable_order_date() = today().ToProto();
  EXPECT_TRUE(Do<v1::Cluster>("SuspendCluster", authority_, suspend).ok());
  const auto late = Report(round.cluster, year + 1, organization);
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_TRUE(late->late());
  GoTo(*base::Date::Of(year + 3, 1, 10));
  EXPECT_TRUE(Report(round.cluster, year + 2, organization).ok());
  EXPECT_EQ(*base::Date::FromProto(ClusterNow(round.cluster).due_date()),
            *base::Date::Of(year + 4, 3, 1));
}

// A loss that is told late, an older one told later still, and one that was healed for a while.
TEST_F(ServiceTest, BelowTheMinimumFromTheFirstDayOfIt) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const base::Date day = today();
  const int n = round.organizations[0];
  const auto below_from = [&] {
    return base::Date::FromProto(ClusterNow(round.cluster).below_minimum_from())->ToString();
  };
  GoTo(day.AddDays(20));
  ASSERT_TRUE(EndIt(round.cluster, Bin(n + 7), day.AddDays(10), organization).ok());
  EXPECT_EQ(below_from(), day.AddDays(10).ToString());
  const auto until = *base::Date::FromProto(ClusterNow(round.cluster).cure_until());
  EXPECT_EQ(until, day.AddDays(110));
  ASSERT_TRUE(EndIt(round.cluster, Bin(n + 6), day.AddDays(5), organization).ok());
  EXPECT_EQ(below_from(), day.AddDays(5).ToString());
  EXPECT_EQ(*base::Date::FromProto(ClusterNow(round.cluster).cure_until()), until);
  // Two others were members until the fifteenth day, and it was whole until then.
  ASSERT_TRUE(AddIt(round.cluster, MakeParticipant(930, v1::RESEARCH), day.AddDays(5), organization,
                    "по протоколу")
                  .ok());
  EXPECT_EQ(below_from(), day.AddDays(10).ToString());
  for (int i = 0; i <= 20; ++i) ExpectOfItsDay(round.cluster, day.AddDays(i));
  ASSERT_TRUE(AddIt(round.cluster, MakeParticipant(931, v1::OTHER), day.AddDays(10), organization,
                    "по протоколу")
                  .ok());
  EXPECT_FALSE(ClusterNow(round.cluster).has_below_minimum_from());
  ASSERT_TRUE(EndIt(round.cluster, Bin(931), day.AddDays(15), organization).ok());
  EXPECT_EQ(below_from(), day.AddDays(15).ToString());
  for (int i = 0; i <= 20; ++i) ExpectOfItsDay(round.cluster, day.AddDays(i));
}

TEST_F(ServiceTest, ARemovedClusterHasNoMembersAndIsNotFound) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const base::Date day = today();
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(940, v1::OTHER), day.AddDays(30), organization).ok());
  GoTo(day.AddDays(10));
  Must<v1::Cluster>("RemoveCluster", authority_, Ordered<v1::RemoveClusterRequest>(round.cluster));
  for (const auto& [days, members] :
       std::vector<std::pair<int, int>>{{0, 10}, {9, 10}, {10, 0}, {30, 0}, {40, 0}}) {
    EXPECT_EQ(MembersOf(round.cluster, day.AddDays(days)).members_size(), members) << days;
    v1::FindClustersRequest find;
    find.set_goods_code("8432");
    *find.mutable_as_of() = day.AddDays(days).ToProto();
    const auto found = Must<v1::FindClustersResponse>("FindClusters", auditor_, find);
    EXPECT_EQ(found.clusters_size(), members == 0 ? 0 : 1) << days;
  }
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 0);
  v1::GetMemberRequest get;
  get.set_name(absl::StrCat(round.cluster, "/members/", Bin(round.organizations[0] + 1)));
  *get.mutable_as_of() = day.ToProto();
  EXPECT_EQ(*base::Date::FromProto(Must<v1::Member>("GetMember", public_, get).member_until()),
            day.AddDays(10));
}

// On both axes: from its date it holds, and before it was recorded nobody knew of it.
TEST_F(ServiceTest, OrdersHoldFromTheirDates) {
  const Round round = RoundAt(v1::Selection::PUBLISHED);
  const rpc::Caller organization = Entity(round.organizations[0]);
  const base::Date selected = today();
  const auto state = [&](int day, std::optional<absl::Time> known = std::nullopt) {
    v1::GetClusterRequest get;
    get.set_name(round.cluster);
    *get.mutable_as_of() = selected.AddDays(day).ToProto();
    if (known.has_value()) get.mutable_known_at()->set_seconds(absl::ToUnixSeconds(*known));
    return v1::Cluster::State_Name(Must<v1::Cluster>("GetCluster", auditor_, get).state());
  };
  // By an order of a day, as reason of the refusal or none.
  const auto order = [&](const std::string& method, auto request, int day) {
    if constexpr (requires { request.set_etag(""); }) {
      request.set_etag(ClusterNow(round.cluster).etag());
    }
    *request.mutable_order_date() = selected.AddDays(day).ToProto();
    request.set_order_number(absl::StrCat(day));
    return ReasonOf(Do<v1::Cluster>(method, authority_, request).status());
  };
  const auto enter = Ordered<v1::RegisterClusterRequest>(round.cluster);
  const auto suspend = Ordered<v1::SuspendClusterRequest>(round.cluster);
  const auto resume = Ordered<v1::ResumeClusterRequest>(round.cluster);
  const auto remove = Ordered<v1::RemoveClusterRequest>(round.cluster);
  GoTo(selected.AddDays(20));
  EXPECT_EQ(order("RegisterCluster", enter, -1), "ORDER_DATE_INVALID") << "before its selection";
  EXPECT_EQ(order("RegisterCluster", enter, 21), "ORDER_DATE_INVALID") << "to come";
  EXPECT_EQ(order("RegisterCluster", enter, 5), "");
  const absl::Time before = clock_.Now() - absl::Seconds(1);
  EXPECT_EQ(state(4), "SELECTED");
  for (const int day : {5, 19, 20, 30}) {
    EXPECT_EQ(state(day), "REGISTERED") << day;
    EXPECT_EQ(state(day, before), "SELECTED") << day;
    EXPECT_EQ(ClusterOn(round.cluster, selected.AddDays(day)).order_number(), "5");
  }
  GoTo(selected.AddDays(40));
  EXPECT_EQ(order("SuspendCluster", suspend, 4), "ORDER_DATE_INVALID") << "before its entry";
  EXPECT_EQ(order("SuspendCluster", suspend, 30), "");
  EXPECT_EQ(state(29), "REGISTERED");
  EXPECT_EQ(ClusterOn(round.cluster, selected.AddDays(29)).ground(),
            v1::Cluster::GROUND_UNSPECIFIED);
  EXPECT_EQ(state(30), "SUSPENDED");
  EXPECT_EQ(ClusterOn(round.cluster, selected.AddDays(30)).ground(), v1::Cluster::FALSE_DATA);
  EXPECT_EQ(order("ResumeCluster", resume, 29), "ORDER_DATE_INVALID") << "before its suspension";
  EXPECT_EQ(order("ResumeCluster", resume, 35), "");
  EXPECT_EQ(state(34), "SUSPENDED");
  EXPECT_EQ(state(35), "REGISTERED");
  EXPECT_EQ(ClusterOn(round.cluster, selected.AddDays(35)).ground(),
            v1::Cluster::GROUND_UNSPECIFIED);
  EXPECT_EQ(ReplayOf(round.cluster).replays_size(), 2);
  // Who came and who left since the removal: nobody belongs to it from then on.
  GoTo(selected.AddDays(45));
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(950, v1::OTHER), std::nullopt, organization).ok());
  ASSERT_TRUE(
      EndIt(round.cluster, Bin(round.organizations[0] + 9), std::nullopt, organization).ok());
  GoTo(selected.AddDays(50));
  EXPECT_EQ(order("RemoveCluster", remove, 34), "ORDER_DATE_INVALID");
  EXPECT_EQ(order("RemoveCluster", remove, 42), "");
  for (const auto& [day, members] :
       std::vector<std::pair<int, int>>{{41, 10}, {42, 0}, {45, 0}, {49, 0}, {50, 0}, {60, 0}}) {
    const base::Date on = selected.AddDays(day);
    EXPECT_EQ(state(day), members == 0 ? "REMOVED" : "REGISTERED") << day;
    EXPECT_EQ(MembersOf(round.cluster, on).members_size(), members) << day;
    EXPECT_EQ(ClusterOn(round.cluster, on).member_count(), members) << day;
    EXPECT_EQ(Totals(on), Counted(on)) << day;
    EXPECT_EQ(Totals(on), members == 0 ? "0 0 0 0" : "1 10 5 10") << day;
  }
  const auto replayed = ReplayOf(round.cluster);
  EXPECT_EQ(replayed.replays_size(), 2);
  for (const auto& replay : replayed.replays()) EXPECT_TRUE(replay.same()) << replay.field();
  ExpectSound();
}

// The composition is that of the order's date; what was lost since has its cure period.
TEST_F(ServiceTest, AnOrderIsJudgedByTheMembersOfItsDate) {
  const Round round = RoundAt(v1::Selection::PUBLISHED);
  const rpc::Caller organization = Entity(round.organizations[0]);
  const std::string university = Bin(round.organizations[0] + 6);
  const base::Date selected = today(), lost = selected.AddDays(10);
  GoTo(lost);
  ASSERT_TRUE(EndIt(round.cluster, university, std::nullopt, organization).ok());
  GoTo(lost.AddDays(5));
  const auto enter = [&](base::Date day) {
    auto request = Ordered<v1::RegisterClusterRequest>(round.cluster);
    request.set_etag(ClusterNow(round.cluster).etag());
    *request.mutable_order_date() = day.ToProto();
    return Do<v1::Cluster>("RegisterCluster", authority_, request);
  };
  EXPECT_EQ(ReasonOf(enter(lost).status()), "COMPOSITION_BELOW_MINIMUM");
  const auto entered = enter(lost.AddDays(-1));
  ASSERT_TRUE(entered.ok()) << entered.status();
  EXPECT_EQ(entered->decision().outcome(), "WHOLE");
  EXPECT_EQ(entered->composition().outcome(), "BELOW_MINIMUM");
  EXPECT_EQ(*base::Date::FromProto(entered->cure_until()), lost.AddDays(90));
  // Not cured: an order to suspend is not dated before that was proposed.
  GoTo(lost.AddDays(100));
  auto suspend = Ordered<v1::SuspendClusterRequest>(round.cluster);
  suspend.set_ground(v1::Cluster::COMPOSITION_NOT_CURED);
  *suspend.mutable_order_date() = lost.AddDays(90).ToProto();
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("SuspendCluster", authority_, suspend).status()),
            "ORDER_DATE_INVALID");
  *suspend.mutable_order_date() = lost.AddDays(91).ToProto();
  ASSERT_TRUE(Do<v1::Cluster>("SuspendCluster", authority_, suspend).ok());
  // Whole on the day of the order to resume, and below the minimum again since: another loss.
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(960, v1::RESEARCH), std::nullopt, organization).ok());
  GoTo(lost.AddDays(110));
  ASSERT_TRUE(EndIt(round.cluster, Bin(960), std::nullopt, organization).ok());
  GoTo(lost.AddDays(120));
  auto resume = Ordered<v1::ResumeClusterRequest>(round.cluster);
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("ResumeCluster", authority_, resume).status()),
            "COMPOSITION_BELOW_MINIMUM");
  *resume.mutable_order_date() = lost.AddDays(105).ToProto();
  const auto resumed = Do<v1::Cluster>("ResumeCluster", authority_, resume);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->state(), v1::Cluster::REGISTERED);
  EXPECT_EQ(*base::Date::FromProto(resumed->below_minimum_from()), lost.AddDays(110));
  EXPECT_EQ(*base::Date::FromProto(resumed->cure_until()), lost.AddDays(210));
  EXPECT_FALSE(resumed->has_suspension_proposed_on());
  for (int day = 95; day <= 120; ++day) {
    const v1::Cluster on = ClusterOn(round.cluster, lost.AddDays(day));
    EXPECT_EQ(on.state(), day < 105 ? v1::Cluster::SUSPENDED : v1::Cluster::REGISTERED) << day;
    if (day >= 105) ExpectOfItsDay(round.cluster, lost.AddDays(day));
  }
}

// What is not in the register yet can be suspended as well, and resuming does not register it.
TEST_F(ServiceTest, ASelectedClusterIsSuspendedAndSelectedAgain) {
  const Round round = RoundAt(v1::Selection::PUBLISHED);
  const rpc::Caller organization = Entity(round.organizations[0]);
  ASSERT_TRUE(
      EndIt(round.cluster, Bin(round.organizations[0] + 6), std::nullopt, organization).ok());
  GoTo(today().AddDays(91));
  ASSERT_TRUE(ClusterNow(round.cluster).has_suspension_proposed_on());
  auto suspend = Ordered<v1::SuspendClusterRequest>(round.cluster);
  suspend.set_ground(v1::Cluster::COMPOSITION_NOT_CURED);
  EXPECT_EQ(Must<v1::Cluster>("SuspendCluster", authority_, suspend).state(),
            v1::Cluster::SUSPENDED);
  ASSERT_TRUE(
      AddIt(round.cluster, MakeParticipant(912, v1::RESEARCH), std::nullopt, organization).ok());
  const auto resume = Ordered<v1::ResumeClusterRequest>(round.cluster);
  const auto resumed = Must<v1::Cluster>("ResumeCluster", authority_, resume);
  EXPECT_EQ(resumed.state(), v1::Cluster::SELECTED);
  EXPECT_TRUE(resumed.has_due_date()) << "registration is owed again";
  ASSERT_TRUE(RegisterIt(round.cluster, authority_).ok());
  Must<v1::Cluster>("SuspendCluster", authority_,
                    Ordered<v1::SuspendClusterRequest>(round.cluster));
  EXPECT_EQ(Must<v1::Cluster>("ResumeCluster", authority_, resume).state(),
            v1::Cluster::REGISTERED);
}

// What is selected is what was scored: nobody comes meanwhile, and who leaves counts.
TEST_F(ServiceTest, ACandidateThatFellApartIsNotSelected) {
  const Round round = RoundAt(v1::Selection::DECIDED, 2);
  const rpc::Caller organization = Entity(round.organizations[0]);
  EXPECT_EQ(InitiativeNow(round.initiatives[0]).cluster(), round.cluster);
  const absl::Status added =
      AddIt(round.cluster, MakeParticipant(920, v1::RESEARCH), std::nullopt, organization).status();
  EXPECT_EQ(ReasonOf(added), "CLUSTER_IN_SELECTION");
  EXPECT_EQ(base::LegalBasisOf(added).article(), "Art. 40(1)");
  EXPECT_EQ(ReasonOf(AddIt(round.cluster, MakeParticipant(920, v1::RESEARCH), today().AddDays(30),
                           organization)
                         .status()),
            "CLUSTER_IN_SELECTION");
  ASSERT_TRUE(
      EndIt(round.cluster, Bin(round.organizations[0] + 6), std::nullopt, organization).ok());
  ASSERT_TRUE(PublishIt(round.selection, authority_).ok());
  const v1::Application fallen = ApplicationNow(round.applications[0]);
  EXPECT_EQ(fallen.state(), v1::Application::NOT_SELECTED);
  EXPECT_EQ(fallen.composition().outcome(), "BELOW_MINIMUM");
  for (const auto& finding : fallen.composition().findings()) {
    const bool lost =
        finding.rule() == "HAS_RESEARCH_OR_EDUCATION" || finding.rule() == "ENOUGH_PARTICIPANTS";
    EXPECT_EQ(finding.satisfied(), !lost) << finding.rule();
    EXPECT_NE(finding.legal_basis().article(), "");
  }
  EXPECT_EQ(ClusterNow(round.cluster).state(), v1::Cluster::CANDIDATE);
  EXPECT_EQ(InitiativeNow(round.initiatives[0]).state(), v1::Initiative::DIAGNOSED);
  const v1::Application other = ApplicationNow(round.applications[1]);
  EXPECT_EQ(other.state(), v1::Application::SELECTED);
  EXPECT_EQ(other.composition().outcome(), "WHOLE");
  EXPECT_EQ(SelectionNow(round.selection).selected_count(), 1);
  const auto replayed = ReplayOf(fallen.name());
  EXPECT_EQ(replayed.replays_size(), 3);
  for (const auto& replay : replayed.replays()) {
    EXPECT_TRUE(replay.same()) << replay.field();
  }
  // Out of the selection it may find another.
  EXPECT_TRUE(
      AddIt(round.cluster, MakeParticipant(920, v1::RESEARCH), std::nullopt, organization).ok());
}

// What was planned before does not come about while it is judged: nor does somebody leave who is
// filed again.
TEST_F(ServiceTest, WhoWasToLeaveIsAMemberOfWhatIsFiledAgain) {
  const Round round = RoundAt(v1::Selection::SCORING);
  const rpc::Caller organization = Entity(round.organizations[0]);
  v1::CancelSelectionRequest cancel;
  cancel.set_name(round.selection);
  cancel.set_reason("Отменён");
  Must<v1::Selection>("CancelSelection", authority_, cancel);
  v1::GetMemberRequest get;
  get.set_name(absl::StrCat(round.cluster, "/members/", Bin(round.organizations[0] + 6)));
  const v1::Member before = Must<v1::Member>("GetMember", institute_, get);
  const base::Date filed = today(), leaves = filed.AddDays(10);
  ASSERT_TRUE(EndIt(round.cluster, Bin(round.organizations[0] + 6), leaves, organization).ok());
  const std::string again = Must<v1::Selection>("CreateSelection", institute_, Draft()).name();
  ASSERT_TRUE(Announce(again, authority_).ok());
  const auto application = Apply(round.initiatives[0], again, organization);
  ASSERT_TRUE(application.ok()) << application.status();
  GoTo(today().AddDays(3));
  const auto admitted = AdmitIt(application->name(), true, examiner_);
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_EQ(admitted->cluster(), round.cluster);
  GoTo(leaves.AddDays(1));
  v1::ListMembersRequest list;
  list.set_parent(round.cluster);
  EXPECT_EQ(Must<v1::ListMembersResponse>("ListMembers", institute_, list).members_size(), 10);
  EXPECT_EQ(ClusterNow(round.cluster).member_count(), 10);
  // It has been one all the time, and is said to be.
  for (const base::Date day : {filed, filed.AddDays(3), today()}) {
    *get.mutable_as_of() = day.ToProto();
    const v1::Member member = Must<v1::Member>("GetMember", institute_, get);
    EXPECT_EQ(*base::Date::FromProto(member.member_from()),
              *base::Date::FromProto(before.member_from()))
        << day.ToString();
    EXPECT_FALSE(member.has_member_until()) << day.ToString();
    EXPECT_EQ(member.reason(), "") << day.ToString();
  }
  ExpectSound();
}

// An organization that takes a candidate over in the middle of the scoring is tied as any other.
TEST_F(ServiceTest, TiesAreThoseOfTheDayOfScoringToo) {
  const Round round = RoundAt(v1::Selection::SCORING);
  ASSERT_TRUE(Declare(round.experts[0], 1, {Bin(3000)}).ok());
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(ScoreIt(round.applications[0], ExpertOf(i)).ok());
  v1::UpdateClusterRequest update;
  update.mutable_cluster()->set_name(round.cluster);
  update.mutable_cluster()->set_cluster_organization(Bin(3000));
  update.mutable_update_mask()->add_paths("cluster_organization");
  Must<v1::Cluster>("UpdateCluster", institute_, update);
  EXPECT_EQ(ReasonOf(ScoreIt(round.applications[0], ExpertOf(1)).status()), "EXPERT_TIED");
  EXPECT_EQ(ReasonOf(CloseIt(round.selection, examiner_).status()), "SCORES_MISSING");
  EXPECT_THAT(InitiativeNow(round.initiatives[0]).expert_subjects(),
              ElementsAre("expert-2", "expert-3"));
  const auto fresh = Appoint(round.selection, 4, authority_);
  ASSERT_TRUE(Declare(fresh->name(), 4).ok());
  ASSERT_TRUE(ScoreIt(round.applications[0], ExpertOf(4)).ok());
  ASSERT_TRUE(CloseIt(round.selection, examiner_).ok());
  EXPECT_EQ(ApplicationNow(round.applications[0]).score_count(), 3);
  const auto scores = ScoresFor(round.applications[0], auditor_);
  for (const v1::Score& score : scores.scores()) {
    EXPECT_EQ(score.counts(), score.expert_subject() != "expert-1") << score.expert_subject();
  }
}

TEST_F(ServiceTest, AnExpertReadsWhatItExaminesWhileItDoes) {
  const Round round = RoundAt(v1::Selection::SCORING);
  const base::Date then = today();
  const auto reads = [&](int n, std::optional<base::Date> as_of = std::nullopt) {
    v1::GetInitiativeRequest get;
    get.set_name(round.initiatives[0]);
    v1::ListInitiativesRequest list;
    v1::GetDiagnosticRequest diagnostic;
    diagnostic.set_name(InitiativeNow(round.initiatives[0]).diagnostic());
    if (as_of.has_value()) {
      *get.mutable_as_of() = as_of->ToProto();
      *list.mutable_as_of() = as_of->ToProto();
      *diagnostic.mutable_as_of() = as_of->ToProto();
    }
    const auto found = Do<v1::Initiative>("GetInitiative", ExpertOf(n), get);
    EXPECT_EQ(ReasonOf(found.status()), found.ok() ? "" : "ACCESS_DENIED");
    EXPECT_EQ(Do<v1::Diagnostic>("GetDiagnostic", ExpertOf(n), diagnostic).ok(), found.ok());
    const auto listed =
        Must<v1::ListInitiativesResponse>("ListInitiatives", ExpertOf(n), list).initiatives_size();
    EXPECT_EQ(listed, found.ok() ? 1 : 0);
    return found.ok();
  };
  EXPECT_TRUE(reads(1));
  const auto fresh = Appoint(round.selection, 4, authority_);
  ASSERT_TRUE(fresh.ok());
  EXPECT_FALSE(reads(4)) << "before it has declared its ties";
  ASSERT_TRUE(Declare(fresh->name(), 4).ok());
  EXPECT_TRUE(reads(4));
  ASSERT_TRUE(Declare(fresh->name(), 4, {Bin(round.organizations[0] + 2)}).ok());
  EXPECT_FALSE(reads(4)) << "it is tied";
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(ScoreIt(round.applications[0], ExpertOf(i)).ok());
  GoTo(today().AddDays(1));
  EXPECT_FALSE(reads(4, then)) << "nor as it was on another day";
  ASSERT_TRUE(CloseIt(round.selection, examiner_).ok());
  ASSERT_TRUE(Do<v1::Selection>("DecideSelection", decider_, Protocol(round.selection)).ok());
  EXPECT_TRUE(reads(1));
  EXPECT_TRUE(reads(1, then));
  ASSERT_TRUE(PublishIt(round.selection, authority_).ok());
  EXPECT_FALSE(reads(1)) << "its work is done";
  EXPECT_FALSE(reads(1, then));
}

TEST_F(ServiceTest, ACorrectionNamesTheVersionThatWasSeen) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const int n = round.organizations[0] + 7;
  v1::GetMemberRequest get;
  get.set_name(absl::StrCat(round.cluster, "/members/", Bin(n)));
  v1::AddMemberRequest add;
  add.set_parent(round.cluster);
  *add.mutable_participant() = MakeParticipant(n, v1::OTHER);
  add.set_etag(Must<v1::Member>("GetMember", public_, get).etag());
  Must<v1::Member>("AddMember", organization, add);
  EXPECT_EQ(ReasonOf(Do<v1::Member>("AddMember", organization, add).status()), "VERSION_MISMATCH");
  GoTo(*base::Date::Of(today().year() + 1, 2, 1));
  const auto report = Report(round.cluster, today().year() - 1, organization);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(
      Report(round.cluster, today().year() - 1, organization, "опечатка", report->etag()).ok());
  EXPECT_EQ(
      ReasonOf(
          Report(round.cluster, today().year() - 1, organization, "ещё", report->etag()).status()),
      "VERSION_MISMATCH");
}

// As of the record of a step itself: the state was not seen either.
TEST_F(ServiceTest, AStaleEtagOfAMemberOrAReportIsToldBeforeTheState) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  const int n = round.organizations[0] + 7;
  GoTo(*base::Date::Of(today().year() + 1, 2, 1));
  const int year = today().year() - 1;
  ASSERT_TRUE(Report(round.cluster, year, organization).ok());
  const base::Date before = today();
  GoTo(before.AddDays(1));
  Must<v1::Cluster>("RemoveCluster", authority_, Ordered<v1::RemoveClusterRequest>(round.cluster));
  const struct {
    const char* method;
    std::function<absl::Status(const rpc::Caller&, const std::string&)> call;
  } kCases[] = {
      {"AddMember",
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::AddMemberRequest add;
         add.set_parent(round.cluster);
         *add.mutable_participant() = MakeParticipant(n, v1::OTHER);
         *add.mutable_member_from() = before.ToProto();
         add.set_reason("опечатка");
         add.set_etag(etag);
         return Do<v1::Member>("AddMember", caller, add).status();
       }},
      {"EndMembership",
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::EndMembershipRequest end;
         end.set_name(absl::StrCat(round.cluster, "/members/", Bin(n)));
         *end.mutable_member_until() = before.ToProto();
         end.set_reason("Вышла");
         end.set_etag(etag);
         return Do<v1::Member>("EndMembership", caller, end).status();
       }},
      {"SubmitClusterReport",
       [&](const rpc::Caller& caller, const std::string& etag) {
         return Report(round.cluster, year, caller, "опечатка", etag).status();
       }},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ReasonOf(c.call(organization, "")), "CLUSTER_STATE") << c.method;
    EXPECT_EQ(ReasonOf(c.call(organization, "\"0-0\"")), "VERSION_MISMATCH") << c.method;
    EXPECT_EQ(ReasonOf(c.call(Entity(7777), "\"0-0\"")), "ACCESS_DENIED") << c.method;
  }
}

// How long its work plan is, is the applicant's own.
TEST_F(ServiceTest, AnAdmissionDoesNotCountStepsOfAPlan) {
  const Round round = RoundAt(v1::Selection::PUBLISHED);
  v1::GetApplicationRequest get;
  get.set_name(round.applications[0]);
  const auto open = Must<v1::Application>("GetApplication", public_, get);
  int plans = 0;
  for (const auto& finding : open.admission().findings()) {
    for (const auto& fact : finding.facts()) {
      EXPECT_NE(fact.name(), "work_plan_steps");
      if (fact.name() == "has_work_plan") plans += fact.value() == "1" ? 1 : 0;
    }
  }
  EXPECT_EQ(plans, 1);
}

TEST_F(ServiceTest, AnOrganizationOfSeveralClustersCountsOnce) {
  const Round one = Registered(), two = Registered();
  EXPECT_EQ(Totals(today()), "2 20 10 20");
  const auto shared = MakeParticipant(one.organizations[0] + 1, v1::MANUFACTURER);
  ASSERT_TRUE(AddIt(two.cluster, shared, std::nullopt, Entity(two.organizations[0])).ok());
  EXPECT_EQ(Totals(today()), "2 20 10 21");
  EXPECT_EQ(Totals(today()), Counted(today()));
}

// Totals by date are what a look at everything says, whatever happens in whatever order.
TEST_F(ServiceTest, TotalsAreWhatALookAtEverythingSays) {
  std::vector<Round> rounds{Registered(), RoundAt(v1::Selection::PUBLISHED), Registered()};
  const base::Date start = today();
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 200; ++i) {
    const Round& round = rounds[static_cast<size_t>(pick(3))];
    const rpc::Caller organization = Entity(round.organizations[0]);
    const base::Date day = today().AddDays(pick(30) - 5);
    const int n = rounds[0].organizations[0] + 1 + pick(12);
    if (pick(2) == 0) {
      (void)AddIt(round.cluster, MakeParticipant(n, pick(2) == 0 ? v1::MANUFACTURER : v1::OTHER),
                  day, organization, "по письму");
    } else {
      (void)EndIt(round.cluster, Bin(n), day, organization);
    }
    if (i == 40) {
      auto remove = Ordered<v1::RemoveClusterRequest>(rounds[0].cluster);
      *remove.mutable_order_date() = today().AddDays(-3).ToProto();
      EXPECT_TRUE(Do<v1::Cluster>("RemoveCluster", authority_, remove).ok());
    }
    if (i % 20 == 9) GoTo(today().AddDays(1 + pick(6)));
  }
  for (base::Date day = start; day <= today(); day = day.AddDays(1)) {
    EXPECT_EQ(Totals(day), Counted(day)) << day.ToString();
    for (const Round& round : rounds) ExpectOfItsDay(round.cluster, day);
  }
  for (const Round& round : rounds) {
    for (int n = 1; n <= 12; ++n) ExpectMemberships(round.cluster, rounds[0].organizations[0] + n);
  }
  ExpectSound();
}

TEST_F(ServiceTest, FindsByMemberRegionAndGoods) {
  const Round one = Registered(), two = Registered();
  const Round candidate = RoundAt(v1::Selection::SCORING);
  const auto found = [&](const std::string& member, const std::string& region,
                         const std::string& code, const rpc::Caller& caller) {
    v1::FindClustersRequest request;
    request.set_member(member);
    request.set_region(region);
    request.set_goods_code(code);
    request.set_page_size(1);
    std::vector<std::string> names;
    do {
      const auto page = Must<v1::FindClustersResponse>("FindClusters", caller, request);
      for (const auto& cluster : page.clusters()) names.push_back(cluster.name());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  };
  EXPECT_THAT(found(Bin(one.organizations[0] + 2), "", "", public_), ElementsAre(one.cluster));
  EXPECT_THAT(found("", "551010000", "", public_), ElementsAre(one.cluster, two.cluster));
  EXPECT_THAT(found("", "", "843210", public_), ElementsAre(one.cluster, two.cluster));
  EXPECT_THAT(found("", kMangystau, "", public_), IsEmpty());
  EXPECT_THAT(found(Bin(two.organizations[0] + 2), kAkmola, "8432", public_),
              ElementsAre(two.cluster));
  EXPECT_THAT(found("", kAkmola, "", auditor_),
              ElementsAre(one.cluster, two.cluster, candidate.cluster));
  // Pages are of the day on which the first was asked for, whatever day it is by now.
  const v1::Participant shared = MakeParticipant(990, v1::OTHER);
  const base::Date leaves = today().AddDays(1);
  for (const Round* round : {&one, &two}) {
    const rpc::Caller organization = Entity(round->organizations[0]);
    ASSERT_TRUE(AddIt(round->cluster, shared, std::nullopt, organization).ok());
    ASSERT_TRUE(EndIt(round->cluster, shared.bin(), leaves, organization).ok());
  }
  v1::FindClustersRequest request;
  request.set_member(shared.bin());
  request.set_page_size(1);
  const auto first = Must<v1::FindClustersResponse>("FindClusters", public_, request);
  ASSERT_NE(first.next_page_token(), "");
  GoTo(leaves);
  EXPECT_THAT(found(shared.bin(), "", "", public_), IsEmpty());
  request.set_page_token(first.next_page_token());
  const auto second = Must<v1::FindClustersResponse>("FindClusters", public_, request);
  ASSERT_EQ(second.clusters_size(), 1);
  EXPECT_EQ(second.clusters(0).name(), two.cluster);
  // And of what was known then, also where the caller asks for a moment to come.
  const v1::Participant late = MakeParticipant(991, v1::OTHER);
  for (const Round* round : {&one, &two}) {
    ASSERT_TRUE(AddIt(round->cluster, late, std::nullopt, Entity(round->organizations[0])).ok());
  }
  request.clear_page_token();
  request.set_member(late.bin());
  const base::Date gone = today().AddDays(1);
  *request.mutable_as_of() = gone.ToProto();
  request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(gone.AddDays(1).StartOfDay()));
  const auto before = Must<v1::FindClustersResponse>("FindClusters", public_, request);
  ASSERT_NE(before.next_page_token(), "");
  ASSERT_TRUE(EndIt(two.cluster, late.bin(), gone, Entity(two.organizations[0])).ok());
  request.set_page_token(before.next_page_token());
  const auto after = Must<v1::FindClustersResponse>("FindClusters", public_, request);
  ASSERT_EQ(after.clusters_size(), 1);
  EXPECT_EQ(after.clusters(0).name(), two.cluster);
  v1::FindClustersRequest nothing;
  EXPECT_EQ(ReasonOf(Do<v1::FindClustersResponse>("FindClusters", public_, nothing).status()),
            "INVALID_FIELD");
}

TEST_F(ServiceTest, WatchersSeeAClusterWholeWhenItIsSelected) {
  const Round round = Registered();
  ASSERT_TRUE(AddIt(round.cluster, MakeParticipant(950, v1::OTHER), std::nullopt,
                    Entity(round.organizations[0]))
                  .ok());
  ASSERT_TRUE(EndIt(round.cluster, Bin(950), std::nullopt, Entity(round.organizations[0])).ok());
  const auto watched = [&](const rpc::Caller& caller) {
    v1::WatchClustersRequest request;
    request.set_start_position(1);
    const auto source = *Stream("WatchClusters", caller, request);
    source->OnStart([] {});
    std::vector<v1::WatchClustersResponse::Change> changes;
    for (int i = 0; i < 200; ++i) {
      std::string bytes;
      const auto state = source->Pull(&bytes);
      EXPECT_TRUE(state.ok()) << state.status();
      if (!state.ok() || *state != rpc::MessageSource::State::kMessage) break;
      v1::WatchClustersResponse response;
      EXPECT_TRUE(response.ParseFromString(bytes));
      for (const auto& change : response.changes()) changes.push_back(change);
    }
    return changes;
  };
  const auto public_changes = watched(public_);
  ASSERT_GE(public_changes.size(), 13u);
  EXPECT_EQ(public_changes[0].cluster().state(), v1::Cluster::SELECTED);
  for (size_t i = 1; i <= 10; ++i) EXPECT_TRUE(public_changes[i].has_member()) << i;
  EXPECT_TRUE(std::any_of(public_changes.begin(), public_changes.end(), [&](const auto& change) {
    return change.name() == absl::StrCat(round.cluster, "/members/", Bin(950)) &&
           !change.has_member() && !change.has_cluster();
  })) << "a member that ended comes by its name";
  const auto all = watched(auditor_);
  EXPECT_EQ(all[0].cluster().state() == v1::Cluster::CANDIDATE || all[0].has_member(), true);
  EXPECT_GT(all.size(), public_changes.size());
}

TEST_F(ServiceTest, ImportsRegisteredClustersAllOrNothing) {
  std::vector<v1::ImportClustersRequest::Row> rows;
  for (int i = 1; i <= 10; ++i) {
    rows.push_back(MakeRow(i, "KZ-7", 4000 + i,
                           i <= 5   ? "MANUFACTURER"
                           : i == 6 ? "RESEARCH OTHER"
                                    : "SUPPLIER"));
  }
  auto bad = rows;
  bad[3].set_member_from("1 апреля");
  const auto invalid = Import(bad, false, NextUuid());
  ASSERT_TRUE(invalid.ok()) << invalid.status();
  EXPECT_FALSE(invalid->committed());
  EXPECT_EQ(invalid->invalid_count(), 1);
  EXPECT_EQ(Summary().cluster_count(), 0);
  // A word that is none is not passed over.
  auto words = rows;
  words[2].set_level("GIGANTIC");
  words[4].set_member_roles("MANUFACTURER HERO");
  const auto unknown = Import(words, false, NextUuid());
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_EQ(unknown->invalid_count(), 2);
  EXPECT_EQ(unknown->rows(2).field(), "level");
  EXPECT_THAT(unknown->rows(2).description(), StartsWith("must be one of "));
  EXPECT_EQ(unknown->rows(4).outcome(), rpc::v1::ImportReport::Row::INVALID);
  EXPECT_FALSE(unknown->committed());
  // A member that cannot be in it keeps its whole cluster out, and no other.
  auto far = rows;
  far.push_back(MakeRow(11, "KZ-8", 4021, "SUPPLIER"));
  far.push_back(MakeRow(12, "KZ-8", 4022, "SUPPLIER", kMangystau));
  far.push_back(MakeRow(13, "KZ-8", 4023, "SUPPLIER"));
  const auto dry = Import(far, true, NextUuid());
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_FALSE(dry->committed());
  EXPECT_EQ(dry->entered_count(), 10);
  EXPECT_EQ(dry->refused_count(), 3);
  EXPECT_EQ(dry->rows(10).reason(), "CLUSTER_REFUSED");
  EXPECT_EQ(dry->rows(11).reason(), "REGION_NOT_NEIGHBOURING");
  EXPECT_EQ(dry->rows(12).reason(), "CLUSTER_REFUSED");
  auto codes = rows;
  codes[4].set_goods_codes("8432");
  EXPECT_EQ(Import(codes, true, NextUuid())->invalid_count(), 1) << "one cluster, one list";
  EXPECT_EQ(Summary().cluster_count(), 0);
  const std::string id = NextUuid();
  const auto entered = Import(far, false, id);
  ASSERT_TRUE(entered.ok()) << entered.status();
  EXPECT_TRUE(entered->committed());
  ASSERT_TRUE(store().RunDueTimers().ok());
  const int64_t after = position();
  const auto again = Import(far, false, id);  // as after a broken connection
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), entered->SerializeAsString());
  EXPECT_EQ(position(), after);
  const v1::Cluster cluster = ClusterNow("clusters/1");
  EXPECT_EQ(cluster.state(), v1::Cluster::REGISTERED);
  EXPECT_EQ(cluster.composition().outcome(), "WHOLE");
  EXPECT_EQ(base::Date::FromProto(cluster.due_date())->ToString(), "2027-03-01");
  EXPECT_EQ(cluster.member_count(), 10);
  v1::FindClustersRequest find;
  for (const auto& [code, count] :
       std::vector<std::pair<std::string, int>>{{"040110", 1}, {"0402", 1}, {"0403", 0}}) {
    find.set_goods_code(code);
    EXPECT_EQ(Must<v1::FindClustersResponse>("FindClusters", public_, find).clusters_size(), count)
        << code;
  }
  // The days between the order and the import are judged, too.
  const auto on = [&](const char* day) {
    v1::GetClusterRequest get;
    get.set_name("clusters/1");
    *get.mutable_as_of() = Day(day).ToProto();
    const auto then = Must<v1::Cluster>("GetCluster", public_, get);
    return absl::StrCat(then.member_count(), " ", then.composition().outcome(), " ",
                        then.has_below_minimum_from()
                            ? base::Date::FromProto(then.below_minimum_from())->ToString()
                            : "");
  };
  EXPECT_EQ(on("2025-03-31"), "0 BELOW_MINIMUM 2025-03-01");
  EXPECT_EQ(on("2025-04-01"), "10 WHOLE ");
  EXPECT_EQ(on("2026-01-01"), "10 WHOLE ");
  // And corrected: it is the cluster's day that a correction reaches back to.
  EXPECT_EQ(ReasonOf(AddIt("clusters/1", MakeParticipant(4050, v1::SUPPLIER), Day("2025-02-28"),
                           institute_, "ошибка")
                         .status()),
            "MEMBER_DATE_INVALID");
  ASSERT_TRUE(AddIt("clusters/1", MakeParticipant(4050, v1::SUPPLIER), Day("2025-03-15"),
                    institute_, "ошибка")
                  .ok());
  EXPECT_EQ(on("2025-03-15"), "1 BELOW_MINIMUM 2025-03-01");
  EXPECT_EQ(on("2025-04-01"), "11 WHOLE ");
  EXPECT_EQ(Totals(Day("2025-04-01")), "1 11 5 11");
  EXPECT_EQ(Totals(Day("2025-03-31")), "1 1 0 1");
  EXPECT_EQ(Totals(Day("2025-02-28")), "0 0 0 0");
  const auto twice = Import(rows, false, NextUuid());
  ASSERT_TRUE(twice.ok());
  EXPECT_FALSE(twice->committed());
}

TEST_F(ServiceTest, TheBalanceOfAYearIsCarriedOverOnce) {
  budget::v1::AllocateBudgetRequest allocate;
  allocate.set_account("programmes/clusters/accounts/2026");
  *allocate.mutable_amount() = base::Money::FromTenge(500)->ToProto();
  allocate.set_order_number("1");
  *allocate.mutable_order_date() = today().ToProto();
  const auto account = Must<budget::v1::Account>("AllocateBudget", authority_, allocate);
  EXPECT_EQ(account.available().units(), 500);
  budget::v1::CloseYearRequest close;
  close.set_account(account.name());
  EXPECT_EQ(ReasonOf(Do<budget::v1::CloseYearResponse>("CloseYear", authority_, close).status()),
            "YEAR_NOT_OVER");
  GoTo(Day("2027-01-01"));
  const auto closed = Must<budget::v1::CloseYearResponse>("CloseYear", authority_, close);
  EXPECT_EQ(closed.next().available().units(), 500);
  const auto again = Must<budget::v1::CloseYearResponse>("CloseYear", decider_, close);
  EXPECT_EQ(again.SerializeAsString(), closed.SerializeAsString());
  budget::v1::ListPostingsRequest list;
  list.set_parent("programmes/clusters");
  EXPECT_EQ(Must<budget::v1::ListPostingsResponse>("ListPostings", auditor_, list).postings_size(),
            2);
  allocate.set_account("programmes/clusters/accounts/year");
  EXPECT_EQ(ReasonOf(Do<budget::v1::Account>("AllocateBudget", authority_, allocate).status()),
            "INVALID_FIELD");
}

TEST_F(ServiceTest, AnOrderThatWasTypedInWronglyIsUndone) {
  budget::v1::AllocateBudgetRequest allocate;
  allocate.set_account("programmes/clusters/accounts/2026");
  *allocate.mutable_amount() = base::Money::FromTenge(5000)->ToProto();
  allocate.set_order_number("1");
  *allocate.mutable_order_date() = today().ToProto();
  Must<budget::v1::Account>("AllocateBudget", authority_, allocate);
  budget::v1::ReversePostingRequest undo;
  undo.set_name("programmes/clusters/postings/1");
  undo.set_reason("Лишний ноль");
  const auto by = [&](const rpc::Caller& caller) {
    return ReasonOf(Do<budget::v1::Posting>("ReversePosting", caller, undo).status());
  };
  EXPECT_EQ(by(authority_), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(by(auditor_), "ACCESS_DENIED");
  EXPECT_EQ(by(decider_), "");
  EXPECT_EQ(by(decider_), "POSTING_REVERSED");
  *allocate.mutable_amount() = base::Money::FromTenge(500)->ToProto();
  allocate.clear_request_id();
  EXPECT_EQ(Must<budget::v1::Account>("AllocateBudget", authority_, allocate).available().units(),
            500);
}

TEST_F(ServiceTest, AReportRestsOnAnAssumptionAsItsNormDoes) {
  const auto assumed = [&](const std::string& cluster) {
    const auto open = cases::OpenDeadlines(store().Read(), cluster);
    EXPECT_TRUE(open.ok() && open->size() == 1);
    return open->front().rests_on_assumption();
  };
  EXPECT_TRUE(assumed(Registered().cluster));
  norms_ = norms::Edited({{",ASSUMPTION", ",BY_LAW"}});
  EXPECT_FALSE(assumed(Registered().cluster));
}

TEST_F(ServiceTest, ASelectionWithoutApplicationsFails) {
  const Round round = RoundAt(v1::Selection::ANNOUNCED, 0);
  EXPECT_EQ(ReasonOf(Apply(Propose(700).name(), round.selection, Entity(700)).status()),
            "INITIATIVE_STATE");
  service_.reset();
  clock_.Set(today().AddDays(30).StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(SelectionNow(round.selection).state(), v1::Selection::FAILED);
}

}  // namespace
}  // namespace nisi::clusters
