// The tables of states against what the methods do: every verb by every role in every state.
#include "common/cases/machine_testing.h"

#include <set>
#include <string>

#include "common/base/machine_testing.h"
#include "services/industry_map/rules.h"
#include "services/industry_map/service_testing.h"

namespace nisi::industry_map {
namespace {

// Walkers come to a record as its owner, its body or the akimat of its place.
class WalkTest : public MapTest {
 protected:
  rpc::Caller Walker(rpc::Role role, const std::string& bin) {
    const bool owns = role == rpc::v1::ENTITY || role == rpc::v1::CUSTOMER;
    return CallerOf(absl::StrCat("walker-", ++walkers_), {role}, owns ? kOwnerBin : bin, {"39"});
  }
  // A whole project for whose reports and milestones bodies of that role answer.
  static v1::Project ProjectOf(int64_t cost, rpc::Role role) {
    v1::Project project = MakeProject(cost);
    v1::ResponsibleBody& body = *project.mutable_parameters()->mutable_responsible_body();
    body.set_kind(role == rpc::v1::AUTHORITY_INDUSTRY ? v1::ResponsibleBody::AUTHORITY
                  : role == rpc::v1::HOLDING          ? v1::ResponsibleBody::HOLDING
                                                      : v1::ResponsibleBody::AKIMAT);
    return project;
  }
  cases::MachineFixture Fixture() {
    cases::MachineFixture fixture;
    fixture.position = [this] { return position(); };
    return fixture;
  }
  int walkers_ = 0;
};

class ProjectWalkTest : public WalkTest {
 protected:
  cases::MachineFixture ProjectFixture() {
    cases::MachineFixture fixture = Fixture();
    fixture.path = cost_ >= 9 * kBillion / 2 ? kRepublicanPath : kRegionalPath;
    fixture.make = [this] { return Create(ProjectOf(cost_, responsible_)); };
    fixture.prepare = [this](const base::EdgeDef& edge, rpc::Role as) {
      const auto verb = static_cast<Verb>(edge.verb);
      responsible_ = verb == Verb::kSuspend || verb == Verb::kResume ? rpc::v1::AKIMAT : as;
      suspend_from_ =
          verb == Verb::kResume ? static_cast<v1::Project::State>(edge.to) : v1::Project::INCLUDED;
      report_ = verb == Verb::kReport;
      support_ = verb == Verb::kCompleteSupport;
      correct_ = verb == Verb::kCorrectMilestone;
    };
    fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
      return Act(edge, name, as);
    };
    fixture.happen = [this](const base::EdgeDef& edge, const std::string& name) {
      return Happen(edge, name);
    };
    fixture.state = [this](const std::string& name) { return Get(name).state(); };
    return fixture;
  }

  // What the next record is like.
  rpc::Role responsible_ = rpc::v1::AKIMAT;
  int64_t cost_ = kBillion / 2;
  v1::Project::State suspend_from_ = v1::Project::INCLUDED;
  bool report_ = false;   // it is on the map over the end of a quarter
  bool support_ = false;  // a measure of support is adopted for it
  bool correct_ = false;  // a milestone of it is recorded

  std::string ReviewOf(const std::string& project) { return Get(project).open_reviews(0); }

  absl::Status TakeUp(const std::string& project) {
    return Start(ReviewOf(project), akimat_).status();
  }
  absl::Status FollowReview(int to, const std::string& name) {
    switch (static_cast<v1::Project::State>(to)) {
      case v1::Project::PROPOSED:
        return Propose(name, owner_).status();
      case v1::Project::REGIONAL_REVIEW:
        return TakeUp(name);
      case v1::Project::RETURNED:
        return Conclude(ReviewOf(name), v1::Conclusion::RETURN, akimat_).status();
      case v1::Project::REJECTED:
        return Conclude(ReviewOf(name), v1::Conclusion::REJECT, akimat_).status();
      default: {
        const bool sector = Get(name).state() == v1::Project::SECTOR_REVIEW;
        return Conclude(ReviewOf(name), v1::Conclusion::RECOMMEND, sector ? sector_ : akimat_)
            .status();
      }
    }
  }
  rpc::Caller Responsible(const std::string& name) {
    switch (Get(name).parameters().responsible_body().kind()) {
      case v1::ResponsibleBody::AUTHORITY:
        return authority_;
      case v1::ResponsibleBody::HOLDING:
        return holding_;
      default:
        return akimat_;
    }
  }
  absl::Status Exclude(const std::string& name, v1::ExclusionGround ground) {
    if (ground == v1::CAPACITY_SUSTAINED) {
      for (int quarter = 0; quarter < 4; ++quarter) {
        const std::string reported = base::Quarter::Containing(today()).ToString();
        NextQuarter();
        RETURN_IF_ERROR(
            Submit(name, MakeReport(reported, 100, 10'000, 8'000), Responsible(name)).status());
      }
    } else {
      RETURN_IF_ERROR(Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name)).status());
    }
    const std::string review = ReviewOf(name);
    Recommend(review);
    return Adopt(review, authority_).status();
  }
  absl::Status Happen(const base::EdgeDef& edge, const std::string& name) {
    switch (static_cast<Verb>(edge.verb)) {
      case Verb::kInclude: {
        RETURN_IF_ERROR(Adopt(ReviewOf(name), authority_).status());
        if (report_) NextQuarter();
        if (support_) AdoptProposal(SupportOf(name));
        if (correct_) {
          RETURN_IF_ERROR(
              Milestone(name, v1::Milestone::DESIGN_DOCUMENTS, Responsible(name)).status());
        }
        return absl::OkStatus();
      }
      case Verb::kComplete:
        return Exclude(name, v1::CAPACITY_SUSTAINED);
      case Verb::kExclude:
        return Exclude(name, v1::INSOLUBLE_PROBLEMS);
      default:
        return FollowReview(edge.to, name);
    }
  }
  // On its way to a state the walk takes the first role of an edge, for which the record may not be
  // made: then whoever answers for it goes.
  rpc::Caller CallerFor(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const auto verb = static_cast<Verb>(edge.verb);
    const bool answers = verb == Verb::kCommission || verb == Verb::kReachCapacity ||
                         verb == Verb::kMilestone || verb == Verb::kReport ||
                         verb == Verb::kCompleteSupport || verb == Verb::kCorrectMilestone;
    const bool first = as == rpc::v1::AUTHORITY_INDUSTRY;
    return answers && first ? Responsible(name) : Walker(as, kHoldingBin);
  }
  absl::Status Act(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    const rpc::Caller caller = CallerFor(edge, name, as);
    switch (static_cast<Verb>(edge.verb)) {
      case Verb::kEdit: {
        v1::UpdateProjectRequest update;
        update.mutable_project()->set_name(name);
        update.mutable_project()->set_etag(Get(name).etag());
        update.mutable_project()->mutable_parameters()->set_zone(absl::StrCat("зона ", walkers_));
        update.mutable_update_mask()->add_paths("parameters.zone");
        return Do<v1::Project>("UpdateProject", caller, update).status();
      }
      case Verb::kWithdraw: {
        v1::WithdrawProjectRequest withdraw;
        withdraw.set_name(name);
        withdraw.set_reason("Финансирования не будет.");
        return Do<v1::Project>("WithdrawProject", caller, withdraw).status();
      }
      case Verb::kCommission:
        return Commission(name, caller).status();
      case Verb::kReachCapacity:
        return Milestone(name, v1::Milestone::DESIGN_CAPACITY, caller).status();
      case Verb::kMilestone:
        return Milestone(name, v1::Milestone::DESIGN_DOCUMENTS, caller).status();
      case Verb::kCorrectMilestone: {
        const auto kind = edge.to == edge.from               ? v1::Milestone::DESIGN_DOCUMENTS
                          : edge.to == v1::Project::INCLUDED ? v1::Milestone::COMMISSIONING
                                                             : v1::Milestone::DESIGN_CAPACITY;
        return CorrectDay(name, kind, std::nullopt, caller).status();
      }
      case Verb::kCompleteSupport: {
        v1::CompleteSupportRequest complete;
        const v1::Project now = Get(name);
        const auto& supports = now.administrative_data().supports();
        complete.set_name(name);
        complete.set_etag(now.etag());
        complete.set_review(supports.empty() ? name + "/reviews/1" : supports[0].review());
        complete.set_agreement_number(absl::StrCat("Д-", walkers_));
        return Do<v1::Project>("CompleteSupport", caller, complete).status();
      }
      case Verb::kReport: {
        // The quarter in which it came onto the map.
        const auto included = base::Date::FromProto(Get(name).include_date());
        const auto quarter = base::Quarter::Containing(included.value_or(today()));
        return Submit(name, MakeReport(quarter.ToString(), 100, 100), caller).status();
      }
      case Verb::kSuspend: {
        // The walk comes to SUSPENDED by the shortest way; what is resumed to is asked for here.
        const auto state = Get(name).state();
        if (suspend_from_ != v1::Project::INCLUDED && state == v1::Project::INCLUDED) {
          RETURN_IF_ERROR(Commission(name, akimat_).status());
          if (suspend_from_ == v1::Project::AT_CAPACITY)
            RETURN_IF_ERROR(Milestone(name, v1::Milestone::DESIGN_CAPACITY, akimat_).status());
        }
        return Suspend(name, caller).status();
      }
      case Verb::kResume:
        return Resume(name, caller).status();
      default:
        return absl::InternalError("nobody calls this");
    }
  }
};

TEST(MachineTest, AreSoundAndDrawn) {
  for (const base::MachineDef* machine : Machines()) {
    cases::ExpectSound(*machine);
    base::ExpectReadmeShows(*machine, "services/industry_map/README.md");
  }
}

TEST_F(ProjectWalkTest, OnTheRegionalPath) {
  const cases::Walked walked = cases::WalkMachine(ProjectMachine(), ProjectFixture());
  EXPECT_EQ(walked.taken, 2 + 5 + 3 + 3 + 3 * 3 + 6 * 3 + 3 + 3 + 4 * 3 + 6 * 3);
}

TEST_F(ProjectWalkTest, OnTheRepublicanPath) {
  cost_ = 5 * kBillion;
  const cases::Walked walked = cases::WalkMachine(ProjectMachine(), ProjectFixture());
  EXPECT_EQ(walked.taken, 2 + 6 + 3 + 3 + 3 * 3 + 6 * 3 + 3 + 3 + 4 * 3 + 6 * 3);
}

class ReviewWalkTest : public WalkTest {
 protected:
  rpc::Role proposer_ = rpc::v1::ENTITY;
  std::set<std::string> by_owner_;  // reviews that an owner proposed

  cases::MachineFixture ReviewFixture(v1::Review::Kind kind, int64_t cost) {
    cases::MachineFixture fixture = Fixture();
    fixture.path = cost >= 9 * kBillion / 2 ? kRepublicanPath : kRegionalPath;
    fixture.make = [this, kind, cost] {
      const v1::Project project = MakeProject(cost);
      if (kind == v1::Review::INCLUSION) {
        const auto review = Propose(Create(project), owner_);
        EXPECT_TRUE(review.ok()) << review.status();
        return review->name();
      }
      const std::string name = Include(project);
      const rpc::Caller caller = Walker(proposer_, kHoldingBin);
      const auto review =
          kind == v1::Review::EXCLUSION
              ? Do<v1::Review>("ProposeExclusion", caller, Exclusion(name))
              : Do<v1::Review>("ProposeChange", caller,
                               kind == v1::Review::SUPPORT ? SupportOf(name) : Change(name));
      EXPECT_TRUE(review.ok()) << review.status();
      if (proposer_ == rpc::v1::ENTITY) by_owner_.insert(review->name());
      proposer_ = rpc::v1::ENTITY;
      return review->name();
    };
    fixture.prepare = [this](const base::EdgeDef& edge, rpc::Role as) {
      // What was returned is proposed again, or taken back, by whoever proposed it.
      switch (static_cast<ReviewVerb>(edge.verb)) {
        case ReviewVerb::kWithdraw:
        case ReviewVerb::kProposeChange:
        case ReviewVerb::kProposeSupport:
        case ReviewVerb::kProposeExclusion:
          proposer_ = as;
          break;
        default:
          break;
      }
    };
    fixture.skips = [kind](int verb) {
      switch (static_cast<ReviewVerb>(verb)) {
        case ReviewVerb::kProposeInclusion:
        case ReviewVerb::kFollowProject:
          return kind != v1::Review::INCLUSION;
        case ReviewVerb::kProposeChange:
          return kind != v1::Review::CHANGE;
        case ReviewVerb::kProposeExclusion:
          return kind != v1::Review::EXCLUSION;
        case ReviewVerb::kWithdraw:
          return kind != v1::Review::EXCLUSION;
        case ReviewVerb::kProposeSupport:
          return kind != v1::Review::SUPPORT;
        case ReviewVerb::kProposeSustained:
          return true;
        default:
          return false;
      }
    };
    fixture.admits = [](int verb) {
      const auto of = static_cast<ReviewVerb>(verb);
      const bool concludes =
          of == ReviewVerb::kRecommend || of == ReviewVerb::kReturn || of == ReviewVerb::kReject;
      return concludes ? base::RoleBit(rpc::v1::AKIMAT) | base::RoleBit(rpc::v1::HOLDING) |
                             base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY)
                       : 0U;
    };
    fixture.act = [this](const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
      return Act(edge, name, as);
    };
    fixture.happen = [this](const base::EdgeDef&, const std::string& name) {
      v1::WithdrawProjectRequest withdraw;
      withdraw.set_name(name.substr(0, name.find("/reviews")));
      withdraw.set_reason("Финансирования не будет.");
      return Do<v1::Project>("WithdrawProject", owner_, withdraw).status();
    };
    fixture.state = [this](const std::string& name) { return Review(name).state(); };
    return fixture;
  }
  v1::ProposeChangeRequest Change(const std::string& project) {
    v1::ProposeChangeRequest change;
    const v1::Project now = Get(project);
    change.set_parent(project);
    change.set_parameters_etag(now.parameters_etag());
    *change.mutable_parameters() = now.parameters();
    change.mutable_parameters()->set_jobs_operation(500);
    change.set_justification("Вторая линия.");
    return change;
  }
  absl::Status Act(const base::EdgeDef& edge, const std::string& name, rpc::Role as) {
    // Over a review in SECTOR_REVIEW a holding is the sector body.
    const auto verb = static_cast<ReviewVerb>(edge.verb);
    const bool proposes = verb == ReviewVerb::kProposeChange ||
                          verb == ReviewVerb::kProposeSupport ||
                          verb == ReviewVerb::kProposeExclusion;
    const rpc::Caller caller = Walker(as, proposes ? kHoldingBin : kSectorBin);
    const std::string project = name.substr(0, name.find("/reviews"));
    const auto answer = [this, &name](auto* request) {
      const v1::Review returned = Review(name);
      for (const v1::Remark& remark : returned.administrative_data().remarks()) {
        if (!remark.answer().empty()) continue;
        request->add_answers()->set_number(remark.number());
        request->mutable_answers(request->answers_size() - 1)->set_answer("Исправлено.");
      }
    };
    switch (verb) {
      case ReviewVerb::kProposeInclusion: {
        v1::ProposeProjectRequest propose;
        propose.set_name(project);
        propose.set_etag(Get(project).etag());
        answer(&propose);
        return Do<v1::Review>("ProposeProject", caller, propose).status();
      }
      case ReviewVerb::kProposeChange: {
        v1::ProposeChangeRequest change = Change(project);
        change.set_review(name);
        answer(&change);
        return Do<v1::Review>("ProposeChange", caller, change).status();
      }
      case ReviewVerb::kProposeSupport: {
        v1::ProposeChangeRequest support = SupportOf(project);
        support.set_review(name);
        answer(&support);
        return Do<v1::Review>("ProposeChange", caller, support).status();
      }
      case ReviewVerb::kProposeExclusion: {
        v1::ProposeExclusionRequest exclusion = Exclusion(project);
        exclusion.set_review(name);
        answer(&exclusion);
        return Do<v1::Review>("ProposeExclusion", caller, exclusion).status();
      }
      case ReviewVerb::kStart:
        return Start(name, caller).status();
      case ReviewVerb::kRecommend:
        return Conclude(name, v1::Conclusion::RECOMMEND, caller).status();
      case ReviewVerb::kReturn:
        return Conclude(name, v1::Conclusion::RETURN, caller).status();
      case ReviewVerb::kReject:
        return Conclude(name, v1::Conclusion::REJECT, caller).status();
      case ReviewVerb::kAdopt:
        return Adopt(name, caller).status();
      case ReviewVerb::kWithdraw: {
        v1::WithdrawReviewRequest withdraw;
        withdraw.set_name(name);
        withdraw.set_reason("Передумали.");
        // On its way to WITHDRAWN the walk takes the first role, where the owner proposed.
        const v1::Review now = Review(name);
        const bool on_the_way = as == rpc::v1::INSTITUTE_INDUSTRY &&
                                now.state() == v1::Review::PROPOSED && by_owner_.contains(name);
        const rpc::Caller who = on_the_way               ? Walker(rpc::v1::ENTITY, "")
                                : as == rpc::v1::HOLDING ? Walker(as, kHoldingBin)
                                                         : caller;
        return Do<v1::Review>("WithdrawReview", who, withdraw).status();
      }
      default:
        return absl::InternalError("nobody calls this");
    }
  }
};

TEST_F(ReviewWalkTest, OfInclusionOnTheRegionalPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::INCLUSION, kBillion / 2));
  EXPECT_EQ(walked.taken, 8);
  EXPECT_GT(walked.refused, 500);
}

TEST_F(ReviewWalkTest, OfInclusionOnTheRepublicanPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::INCLUSION, 5 * kBillion));
  EXPECT_EQ(walked.taken, 11);
}

TEST_F(ReviewWalkTest, OfExclusionOnTheRegionalPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::EXCLUSION, kBillion / 2));
  EXPECT_EQ(walked.taken, 7 + 4 + 4 * 4);
}

TEST_F(ReviewWalkTest, OfExclusionOnTheRepublicanPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::EXCLUSION, 5 * kBillion));
  EXPECT_EQ(walked.taken, 10 + 4 + 5 * 4);
}

TEST_F(ReviewWalkTest, OfAChangeOnTheRegionalPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::CHANGE, kBillion / 2));
  EXPECT_EQ(walked.taken, 7 + 3);
}

TEST_F(ReviewWalkTest, OfAChangeOnTheRepublicanPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::CHANGE, 5 * kBillion));
  EXPECT_EQ(walked.taken, 10 + 3);
}

TEST_F(ReviewWalkTest, OfSupportOnTheRegionalPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::SUPPORT, kBillion / 2));
  EXPECT_EQ(walked.taken, 7 + 3);
}

TEST_F(ReviewWalkTest, OfSupportOnTheRepublicanPath) {
  const auto walked =
      cases::WalkMachine(ReviewMachine(), ReviewFixture(v1::Review::SUPPORT, 5 * kBillion));
  EXPECT_EQ(walked.taken, 10 + 3);
}

}  // namespace
}  // namespace nisi::industry_map
