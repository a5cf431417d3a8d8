// What may happen to projects and reviews, by whom, and by which article.
#include "common/base/roles.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {
namespace {

using base::Duty;

constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);
constexpr uint32_t kAkimat = base::RoleBit(rpc::v1::AKIMAT);
constexpr uint32_t kHolding = base::RoleBit(rpc::v1::HOLDING);
constexpr uint32_t kInstitute = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY);
constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);
constexpr uint32_t kBodies = kAkimat | kHolding | kAuthority;

constexpr char kRegionalDays[] = "industry_map.days.regional";
constexpr char kSectorDays[] = "industry_map.days.sector";
constexpr char kAuthorityDays[] = "industry_map.days.authority";

}  // namespace

const base::Machine<Project::State, Verb>& ProjectMachine() {
  using S = Project;
  static const auto* const kMachine = new base::Machine<Project::State, Verb>(
      "PROJECT", Project::State_descriptor(),
      {{"edit", errors::UnifiedMap, "PROJECT_FROZEN"},
       {"follow review", errors::RulesOfTheMap},
       {"include", errors::ApprovalOfTheMap},
       {"withdraw", errors::UnifiedMap},
       {"commission", errors::Akimats},
       {"reach capacity", errors::Akimats},
       {"milestone", errors::Akimats},
       {"report", errors::QuarterlyReports},
       {"suspend", errors::ApprovalOfTheMap},
       {"resume", errors::ApprovalOfTheMap},
       {"change", errors::RulesOfTheMap},
       {"complete support", errors::UnifiedMap},
       {"complete", errors::Methodology},
       {"exclude", errors::RulesOfTheMap},
       {"correct milestone", errors::QuarterlyReports}},
      {{{S::DRAFT, S::RETURNED}, Verb::kEdit, base::kSame, kEntity, errors::UnifiedMap},
       // Until the decision a project is where its review of inclusion is.
       {{S::DRAFT, S::RETURNED},
        Verb::kFollowReview,
        S::PROPOSED,
        base::kByItself,
        errors::RulesOfTheMap},
       {{S::PROPOSED},
        Verb::kFollowReview,
        S::REGIONAL_REVIEW,
        base::kByItself,
        errors::RulesOfTheMap},
       {{S::REGIONAL_REVIEW},
        Verb::kFollowReview,
        S::SECTOR_REVIEW,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "recommended", .paths = kRepublicanPath}},
       {{S::REGIONAL_REVIEW},
        Verb::kFollowReview,
        S::AUTHORITY_REVIEW,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "recommended", .paths = kRegionalPath}},
       {{S::SECTOR_REVIEW},
        Verb::kFollowReview,
        S::AUTHORITY_REVIEW,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "recommended", .paths = kRepublicanPath}},
       {{S::REGIONAL_REVIEW, S::AUTHORITY_REVIEW},
        Verb::kFollowReview,
        S::RETURNED,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "returned"}},
       {{S::REGIONAL_REVIEW, S::AUTHORITY_REVIEW},
        Verb::kFollowReview,
        S::REJECTED,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "rejected"}},
       {{S::SECTOR_REVIEW},
        Verb::kFollowReview,
        S::RETURNED,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "returned", .paths = kRepublicanPath}},
       {{S::SECTOR_REVIEW},
        Verb::kFollowReview,
        S::REJECTED,
        base::kByItself,
        errors::RulesOfTheMap,
        {.when = "rejected", .paths = kRepublicanPath}},
       {{S::AUTHORITY_REVIEW},
        Verb::kInclude,
        S::INCLUDED,
        base::kByItself,
        errors::ApprovalOfTheMap},
       {{S::DRAFT, S::PROPOSED, S::REGIONAL_REVIEW, S::SECTOR_REVIEW, S::AUTHORITY_REVIEW,
         S::RETURNED},
        Verb::kWithdraw,
        S::WITHDRAWN,
        kEntity,
        errors::UnifiedMap},
       {{S::INCLUDED}, Verb::kCommission, S::COMMISSIONED, kBodies, errors::Akimats},
       {{S::COMMISSIONED}, Verb::kReachCapacity, S::AT_CAPACITY, kBodies, errors::Akimats},
       {{S::INCLUDED, S::COMMISSIONED, S::AT_CAPACITY},
        Verb::kMilestone,
        base::kSame,
        kBodies,
        errors::Akimats},
       // Also after the project has left the map, for quarters that ended with it there.
       {{S::INCLUDED, S::COMMISSIONED, S::AT_CAPACITY, S::SUSPENDED, S::COMPLETED, S::EXCLUDED},
        Verb::kReport,
        base::kSame,
        kBodies,
        errors::QuarterlyReports},
       {{S::INCLUDED, S::COMMISSIONED, S::AT_CAPACITY},
        Verb::kSuspend,
        S::SUSPENDED,
        kAuthority,
        errors::ApprovalOfTheMap},
       {{S::SUSPENDED},
        Verb::kResume,
        S::INCLUDED,
        kAuthority,
        errors::ApprovalOfTheMap,
        {.when = "from INCLUDED"}},
       {{S::SUSPENDED},
        Verb::kResume,
        S::COMMISSIONED,
        kAuthority,
        errors::ApprovalOfTheMap,
        {.when = "from COMMISSIONED"}},
       {{S::SUSPENDED},
        Verb::kResume,
        S::AT_CAPACITY,
        kAuthority,
        errors::ApprovalOfTheMap,
        {.when = "from AT_CAPACITY"}},
       // Of a review that was adopted.
       {{S::INCLUDED, S::COMMISSIONED, S::AT_CAPACITY, S::SUSPENDED},
        Verb::kChange,
        base::kSame,
        base::kByItself,
        errors::RulesOfTheMap},
       {{S::INCLUDED, S::COMMISSIONED, S::AT_CAPACITY, S::SUSPENDED},
        Verb::kCompleteSupport,
        base::kSame,
        kBodies,
        errors::UnifiedMap},
       {{S::COMMISSIONED, S::AT_CAPACITY},
        Verb::kComplete,
        S::COMPLETED,
        base::kByItself,
        errors::Methodology},
       {{S::INCLUDED, S::COMMISSIONED, S::AT_CAPACITY, S::SUSPENDED},
        Verb::kExclude,
        S::EXCLUDED,
        base::kByItself,
        errors::RulesOfTheMap},
       // A day that was recorded wrongly, or of what was not reached at all.
       {{S::INCLUDED, S::SUSPENDED},
        Verb::kCorrectMilestone,
        base::kSame,
        kBodies,
        errors::QuarterlyReports},
       {{S::COMMISSIONED},
        Verb::kCorrectMilestone,
        base::kSame,
        kBodies,
        errors::QuarterlyReports,
        {.when = "commissioned still"}},
       {{S::COMMISSIONED},
        Verb::kCorrectMilestone,
        S::INCLUDED,
        kBodies,
        errors::QuarterlyReports,
        {.when = "not commissioned"}},
       {{S::AT_CAPACITY},
        Verb::kCorrectMilestone,
        base::kSame,
        kBodies,
        errors::QuarterlyReports,
        {.when = "at capacity still"}},
       {{S::AT_CAPACITY},
        Verb::kCorrectMilestone,
        S::COMMISSIONED,
        kBodies,
        errors::QuarterlyReports,
        {.when = "not at capacity"}}},
      {"regional", "republican"});
  return *kMachine;
}

const base::Machine<Review::State, ReviewVerb>& ReviewMachine() {
  using S = Review;
  using V = ReviewVerb;
  static const auto* const kMachine = new base::Machine<Review::State, ReviewVerb>(
      "REVIEW", Review::State_descriptor(),
      {{"propose inclusion", errors::RulesOfTheMap},
       {"propose change", errors::RulesOfTheMap},
       {"propose support", errors::RulesOfTheMap},
       {"propose exclusion", errors::RulesOfTheMap},
       {"propose for sustained capacity", errors::Methodology},
       {"start", errors::Akimats},
       {"recommend", errors::UnifiedMap},
       {"return", errors::UnifiedMap},
       {"reject", errors::UnifiedMap},
       {"adopt", errors::ApprovalOfTheMap},
       {"withdraw", errors::UnifiedMap},
       {"follow project", errors::UnifiedMap}},
      {{{S::STATE_UNSPECIFIED, S::RETURNED},
        V::kProposeInclusion,
        S::PROPOSED,
        kEntity,
        errors::RulesOfTheMap,
        {.duty = Duty::kPrepares}},
       {{S::STATE_UNSPECIFIED, S::RETURNED},
        V::kProposeChange,
        S::PROPOSED,
        kEntity | kAkimat | kHolding,
        errors::RulesOfTheMap,
        {.duty = Duty::kPrepares}},
       {{S::STATE_UNSPECIFIED, S::RETURNED},
        V::kProposeSupport,
        S::PROPOSED,
        kEntity | kAkimat | kHolding,
        errors::RulesOfTheMap,
        {.duty = Duty::kPrepares}},
       {{S::STATE_UNSPECIFIED, S::RETURNED},
        V::kProposeExclusion,
        S::PROPOSED,
        kEntity | kAkimat | kHolding | kInstitute,
        errors::RulesOfTheMap,
        {.duty = Duty::kPrepares}},
       {{S::STATE_UNSPECIFIED},
        V::kProposeSustained,
        S::PROPOSED,
        base::kByItself,
        errors::Methodology},
       // The same term as of the verdicts: it runs from the proposal, not from taking up.
       {{S::PROPOSED},
        V::kStart,
        S::REGIONAL_REVIEW,
        kAkimat,
        errors::Akimats,
        {.due = kRegionalDays}},
       {{S::REGIONAL_REVIEW},
        V::kRecommend,
        S::AUTHORITY_REVIEW,
        kAkimat,
        errors::Akimats,
        {.duty = Duty::kExamines, .due = kRegionalDays, .paths = kRegionalPath}},
       {{S::REGIONAL_REVIEW},
        V::kRecommend,
        S::SECTOR_REVIEW,
        kAkimat,
        errors::Akimats,
        {.duty = Duty::kExamines, .due = kRegionalDays, .paths = kRepublicanPath}},
       {{S::REGIONAL_REVIEW},
        V::kReturn,
        S::RETURNED,
        kAkimat,
        errors::Akimats,
        {.duty = Duty::kExamines, .due = kRegionalDays}},
       {{S::REGIONAL_REVIEW},
        V::kReject,
        S::REJECTED,
        kAkimat,
        errors::Akimats,
        {.duty = Duty::kExamines, .due = kRegionalDays}},
       {{S::SECTOR_REVIEW},
        V::kRecommend,
        S::AUTHORITY_REVIEW,
        kHolding,
        errors::UnifiedMap,
        {.duty = Duty::kExamines, .due = kSectorDays, .paths = kRepublicanPath}},
       {{S::SECTOR_REVIEW},
        V::kReturn,
        S::RETURNED,
        kHolding,
        errors::UnifiedMap,
        {.duty = Duty::kExamines, .due = kSectorDays, .paths = kRepublicanPath}},
       {{S::SECTOR_REVIEW},
        V::kReject,
        S::REJECTED,
        kHolding,
        errors::UnifiedMap,
        {.duty = Duty::kExamines, .due = kSectorDays, .paths = kRepublicanPath}},
       {{S::AUTHORITY_REVIEW},
        V::kReturn,
        S::RETURNED,
        kAuthority,
        errors::ApprovalOfTheMap,
        {.duty = Duty::kDecides, .due = kAuthorityDays}},
       {{S::AUTHORITY_REVIEW},
        V::kReject,
        S::REJECTED,
        kAuthority,
        errors::ApprovalOfTheMap,
        {.duty = Duty::kDecides, .due = kAuthorityDays}},
       {{S::AUTHORITY_REVIEW},
        V::kAdopt,
        S::ADOPTED,
        kAuthority,
        errors::ApprovalOfTheMap,
        {.duty = Duty::kDecides, .due = kAuthorityDays}},
       // Whoever proposed it, which the table cannot say.
       {{S::PROPOSED, S::REGIONAL_REVIEW, S::SECTOR_REVIEW, S::AUTHORITY_REVIEW, S::RETURNED},
        V::kWithdraw,
        S::WITHDRAWN,
        kEntity | kAkimat | kHolding | kInstitute,
        errors::UnifiedMap},
       // The project was withdrawn, or left the map.
       {{S::PROPOSED, S::REGIONAL_REVIEW, S::SECTOR_REVIEW, S::AUTHORITY_REVIEW, S::RETURNED},
        V::kFollowProject,
        S::WITHDRAWN,
        base::kByItself,
        errors::UnifiedMap}},
      {"regional", "republican"});
  return *kMachine;
}

uint32_t PathBit(Review::Path path) {
  return path == Review::REPUBLICAN ? kRepublicanPath : kRegionalPath;
}

bool IsOpen(Review::State state) {
  return state == Review::PROPOSED || state == Review::REGIONAL_REVIEW ||
         state == Review::SECTOR_REVIEW || state == Review::AUTHORITY_REVIEW ||
         state == Review::RETURNED;
}

bool IsOnMap(Project::State state) {
  return OwesReports(state) || state == Project::SUSPENDED;
}

bool OwesReports(Project::State state) {
  return state == Project::INCLUDED || state == Project::COMMISSIONED ||
         state == Project::AT_CAPACITY;
}

bool IsPublic(Project::State state) {
  return IsOnMap(state) || state == Project::COMPLETED || state == Project::EXCLUDED;
}

Project::State ProjectStateOf(Review::State review) {
  switch (review) {
    case Review::PROPOSED:
      return Project::PROPOSED;
    case Review::REGIONAL_REVIEW:
      return Project::REGIONAL_REVIEW;
    case Review::SECTOR_REVIEW:
      return Project::SECTOR_REVIEW;
    case Review::AUTHORITY_REVIEW:
      return Project::AUTHORITY_REVIEW;
    case Review::RETURNED:
      return Project::RETURNED;
    case Review::ADOPTED:
      return Project::INCLUDED;
    case Review::REJECTED:
      return Project::REJECTED;
    case Review::WITHDRAWN:
      return Project::WITHDRAWN;
    default:
      return Project::STATE_UNSPECIFIED;
  }
}

}  // namespace nisi::industry_map
