#include "common/base/roles.h"
#include "services/clusters/errors.h"
#include "services/clusters/rules.h"

namespace nisi::clusters {
namespace {

using base::Duty;
using base::kByItself;
using base::kSame;

constexpr uint32_t kInstitute = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY);
constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);
constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);
constexpr uint32_t kAkimat = base::RoleBit(rpc::v1::AKIMAT);
constexpr uint32_t kExpert = base::RoleBit(rpc::v1::EXPERT);

}  // namespace

const base::Machine<Initiative::State, InitiativeVerb>& InitiativeMachine() {
  using S = Initiative;
  using V = InitiativeVerb;
  static const auto* const kMachine = new base::Machine<Initiative::State, InitiativeVerb>(
      "INITIATIVE", S::State_descriptor(),
      {{"update", errors::Initiatives},
       {"diagnose", errors::Diagnostics},
       {"apply", errors::Selected},
       {"release", errors::Selected},
       {"adopt", errors::Selected},
       {"withdraw", errors::Initiatives}},
      {{{S::PROPOSED, S::DIAGNOSED},
        V::kUpdate,
        S::PROPOSED,
        kEntity | kAkimat,
        errors::Initiatives},
       {{S::PROPOSED, S::DIAGNOSED}, V::kDiagnose, S::DIAGNOSED, kInstitute, errors::Diagnostics},
       {{S::PROPOSED, S::DIAGNOSED},
        V::kWithdraw,
        S::WITHDRAWN,
        kEntity | kAkimat,
        errors::Initiatives},
       {{S::DIAGNOSED}, V::kApply, S::APPLIED, kEntity, errors::Selected},
       // Its application is refused, taken back or not selected, or the selection fails.
       {{S::APPLIED}, V::kRelease, S::DIAGNOSED, kByItself, errors::Selected},
       {{S::APPLIED}, V::kAdopt, S::ADOPTED, kByItself, errors::Selected}});
  return *kMachine;
}

const base::Machine<Selection::State, SelectionVerb>& SelectionMachine() {
  using S = Selection;
  using V = SelectionVerb;
  static const auto* const kMachine = new base::Machine<Selection::State, SelectionVerb>(
      "SELECTION", S::State_descriptor(),
      {{"edit", errors::Operator},
       {"announce", errors::RulesOfSelection},
       {"take in an application", errors::Selected},
       {"close applications", errors::RulesOfSelection},
       {"appoint an expert", errors::Selected},
       {"change experts", errors::Selected},
       {"admit an application", errors::Operator},
       {"lose an application", errors::Selected},
       {"score", errors::Selected},
       {"close scoring", errors::Operator},
       {"decide", errors::Selected},
       {"publish", errors::Selected},
       {"cancel", errors::RulesOfSelection}},
      {{{S::DRAFT}, V::kEdit, kSame, kInstitute, errors::Operator, {.duty = Duty::kPrepares}},
       {{S::DRAFT},
        V::kAnnounce,
        S::ANNOUNCED,
        kAuthority,
        errors::RulesOfSelection,
        {.duty = Duty::kDecides}},
       {{S::ANNOUNCED}, V::kTakeIn, kSame, kByItself, errors::Selected},
       {{S::ANNOUNCED},
        V::kCloseApplications,
        S::ADMISSION,
        kByItself,
        errors::RulesOfSelection,
        {.when = "some were filed"}},
       {{S::ANNOUNCED},
        V::kCloseApplications,
        S::FAILED,
        kByItself,
        errors::RulesOfSelection,
        {.when = "none"}},
       {{S::ANNOUNCED, S::ADMISSION, S::SCORING}, V::kAppoint, kSame, kAuthority, errors::Selected},
       {{S::ANNOUNCED, S::ADMISSION, S::SCORING},
        V::kChangeExperts,
        kSame,
        kByItself,
        errors::Selected},
       {{S::ADMISSION},
        V::kAdmit,
        kSame,
        kInstitute,
        errors::Operator,
        {.duty = Duty::kExamines,
         .due = "clusters.selection.admission_days",
         .when = "others wait"}},
       {{S::ADMISSION},
        V::kAdmit,
        S::SCORING,
        kInstitute,
        errors::Operator,
        {.duty = Duty::kExamines,
         .due = "clusters.selection.admission_days",
         .when = "the last, some are admitted"}},
       {{S::ADMISSION},
        V::kAdmit,
        S::FAILED,
        kInstitute,
        errors::Operator,
        {.duty = Duty::kExamines,
         .due = "clusters.selection.admission_days",
         .when = "the last, none is admitted"}},
       {{S::ANNOUNCED}, V::kLose, kSame, kByItself, errors::Selected},
       {{S::ADMISSION, S::SCORING},
        V::kLose,
        kSame,
        kByItself,
        errors::Selected,
        {.when = "others remain"}},
       {{S::ADMISSION},
        V::kLose,
        S::SCORING,
        kByItself,
        errors::Selected,
        {.when = "the rest is admitted"}},
       {{S::ADMISSION, S::SCORING},
        V::kLose,
        S::FAILED,
        kByItself,
        errors::Selected,
        {.when = "none remains"}},
       {{S::SCORING}, V::kScore, kSame, kByItself, errors::Selected},
       {{S::SCORING},
        V::kCloseScoring,
        S::RANKED,
        kInstitute,
        errors::Operator,
        {.duty = Duty::kExamines, .due = "clusters.selection.scoring_days"}},
       {{S::RANKED},
        V::kDecide,
        S::DECIDED,
        kAuthority,
        errors::Selected,
        {.duty = Duty::kDecides, .due = "clusters.selection.decision_days"}},
       {{S::DECIDED},
        V::kPublish,
        S::PUBLISHED,
        kAuthority,
        errors::Selected,
        {.due = "clusters.selection.publication_days"}},
       {{S::DRAFT, S::ANNOUNCED, S::ADMISSION, S::SCORING, S::RANKED, S::DECIDED},
        V::kCancel,
        S::CANCELLED,
        kAuthority,
        errors::RulesOfSelection}});
  return *kMachine;
}

const base::Machine<Application::State, ApplicationVerb>& ApplicationMachine() {
  using S = Application;
  using V = ApplicationVerb;
  static const auto* const kMachine = new base::Machine<Application::State, ApplicationVerb>(
      "APPLICATION", S::State_descriptor(),
      {{"admit", errors::Operator},
       {"score", errors::Selected},
       {"open scores", errors::Operator},
       {"publish", errors::Selected},
       {"withdraw", errors::Selected},
       {"cancel", errors::RulesOfSelection}},
      {{{S::FILED},
        V::kAdmit,
        S::ADMITTED,
        kInstitute,
        errors::Operator,
        {.when = "every finding is satisfied"}},
       {{S::FILED}, V::kAdmit, S::REFUSED, kInstitute, errors::Operator, {.when = "one is not"}},
       {{S::ADMITTED}, V::kScore, kSame, kExpert, errors::Selected},
       {{S::ADMITTED}, V::kOpen, S::SCORED, kByItself, errors::Operator},
       {{S::SCORED},
        V::kPublish,
        S::SELECTED,
        kByItself,
        errors::Selected,
        {.when = "chosen and whole"}},
       {{S::SCORED},
        V::kPublish,
        S::NOT_SELECTED,
        kByItself,
        errors::Selected,
        {.when = "not chosen or below the minimum"}},
       {{S::FILED, S::ADMITTED}, V::kWithdraw, S::WITHDRAWN, kEntity, errors::Selected},
       {{S::FILED, S::ADMITTED, S::SCORED},
        V::kCancel,
        S::WITHDRAWN,
        kByItself,
        errors::RulesOfSelection}});
  return *kMachine;
}

const base::Machine<Expert::State, ExpertVerb>& ExpertMachine() {
  using S = Expert;
  static const auto* const kMachine = new base::Machine<Expert::State, ExpertVerb>(
      "EXPERT", S::State_descriptor(),
      {{"declare ties", errors::Selected}, {"dismiss", errors::Selected}},
      {{{S::APPOINTED, S::DECLARED}, ExpertVerb::kDeclare, S::DECLARED, kExpert, errors::Selected},
       {{S::APPOINTED, S::DECLARED},
        ExpertVerb::kDismiss,
        S::DISMISSED,
        kAuthority,
        errors::Selected}});
  return *kMachine;
}

const base::Machine<Cluster::State, ClusterVerb>& ClusterMachine() {
  using S = Cluster;
  using V = ClusterVerb;
  static const auto* const kMachine = new base::Machine<Cluster::State, ClusterVerb>(
      "CLUSTER", S::State_descriptor(),
      {{"select", errors::Selected},
       {"register", errors::KeepingTheRegister},
       {"suspend", errors::RulesOfRegister},
       {"resume", errors::RulesOfRegister},
       {"remove", errors::KeepingTheRegister},
       {"update", errors::Operator},
       {"change members", errors::RulesOfRegister},
       {"propose suspension", errors::RulesOfRegister},
       {"report", errors::RulesOfRegister}},
      {{{S::CANDIDATE}, V::kSelect, S::SELECTED, kByItself, errors::Selected},
       {{S::SELECTED},
        V::kRegister,
        S::REGISTERED,
        kAuthority,
        errors::KeepingTheRegister,
        {.duty = Duty::kDecides, .due = "clusters.registration_days"}},
       {{S::SELECTED, S::REGISTERED},
        V::kSuspend,
        S::SUSPENDED,
        kAuthority,
        errors::RulesOfRegister},
       {{S::SUSPENDED},
        V::kResume,
        S::REGISTERED,
        kAuthority,
        errors::RulesOfRegister,
        {.when = "it was in the register"}},
       {{S::SUSPENDED},
        V::kResume,
        S::SELECTED,
        kAuthority,
        errors::RulesOfRegister,
        {.when = "it was selected"}},
       {{S::CANDIDATE, S::SELECTED, S::REGISTERED, S::SUSPENDED},
        V::kRemove,
        S::REMOVED,
        kAuthority,
        errors::KeepingTheRegister},
       {{S::CANDIDATE, S::SELECTED, S::REGISTERED, S::SUSPENDED},
        V::kUpdate,
        kSame,
        kInstitute,
        errors::Operator},
       {{S::CANDIDATE, S::SELECTED, S::REGISTERED, S::SUSPENDED},
        V::kChangeMembers,
        kSame,
        kEntity | kInstitute,
        errors::RulesOfRegister},
       {{S::SELECTED, S::REGISTERED},
        V::kProposeSuspension,
        kSame,
        kByItself,
        errors::RulesOfRegister},
       {{S::REGISTERED, S::SUSPENDED}, V::kReport, kSame, kEntity, errors::RulesOfRegister}});
  return *kMachine;
}

bool IsPublic(const Selection& selection) {
  return !selection.announced_by().empty();
}

bool IsPublic(const Application& application) {
  return application.state() == Application::SELECTED ||
         application.state() == Application::NOT_SELECTED;
}

bool IsPublic(const Cluster& cluster) {
  // One that is removed as a candidate never was.
  return cluster.state() != Cluster::CANDIDATE && !cluster.application().empty();
}

}  // namespace nisi::clusters
