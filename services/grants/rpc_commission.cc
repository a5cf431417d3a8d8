// Meetings of the commission: votes, recusals, and the decision.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using Member = Commission::Member;
using CommissionStep = cases::Step<CommissionRow>;

// A step of a meeting. Whoever prepared or examined the application does not vote or decide on it.
absl::StatusOr<CommissionStep> BeginMeeting(const store::Tx& tx, const Call& call,
                                            CommissionVerb verb, const std::string& name,
                                            const std::string& etag) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, "commissions/*", 0));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kCommissions, store::Key::Of(number), name));
  ASSIGN_OR_RETURN(const ApplicationRow of,
                   Need(tx, kApplications, store::Key::Of(found.row.commission().application())));
  std::vector<base::Acted> acts;
  for (const auto& act : of.life().acts()) {
    acts.push_back({static_cast<base::Duty>(act.duty()), act.subject()});
  }
  return cases::Begin(call, CommissionMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag, .acts = std::move(acts)});
}

// The caller's own place at the table; an expert has a role over a meeting by it alone.
Member* OwnPlace(const Call& call, Commission* commission) {
  for (Member& member : *commission->mutable_members()) {
    if (member.subject() == call.caller->subject) return &member;
  }
  return nullptr;
}

// Who prepared or examined the application, and could not vote on it.
std::set<std::string> BarredFrom(const ApplicationRow& row) {
  std::set<std::string> subjects;
  for (const auto& act : row.life().acts()) {
    const auto duty = static_cast<base::Duty>(act.duty());
    if (duty == base::Duty::kPrepares || duty == base::Duty::kExamines) {
      subjects.insert(act.subject());
    }
  }
  return subjects;
}

// By what is known of it, or by whom it has signed in for.
bool HasTie(const Member& member, const Application& application, const std::string& caller_bin) {
  google::protobuf::RepeatedPtrField<std::string> ties = member.ties();
  *ties.Add() = caller_bin;
  return IsTied(ties, application);
}

// What members have declared in the meetings on an application so far holds in the next as well.
struct Declared {
  std::set<std::string> recused;                      // subjects
  std::map<std::string, std::set<std::string>> ties;  // by subject
};
absl::StatusOr<Declared> DeclaredBefore(const store::Reader& reader,
                                        const std::string& application) {
  ASSIGN_OR_RETURN(const std::vector<CommissionRow> meetings,
                   AllOf(reader, kCommissionsByApplication, store::Key::Of(application)));
  Declared declared;
  for (const CommissionRow& row : meetings) {
    for (const Member& member : row.commission().members()) {
      if (member.vote() == Member::RECUSED) declared.recused.insert(member.subject());
      declared.ties[member.subject()].insert(member.ties().begin(), member.ties().end());
    }
  }
  return declared;
}

// The open meetings give way to another one, where none of them can decide.
absl::Status Replace(const Env& env, store::Tx& tx, const v1::OpenMeetingRequest& request,
                     const Application& application) {
  ASSIGN_OR_RETURN(const std::vector<CommissionRow> meetings,
                   AllOf(tx, kCommissionsByApplication, store::Key::Of(request.name())));
  for (const CommissionRow& row : meetings) {
    if (row.commission().state() != Commission::OPEN) continue;
    ASSIGN_OR_RETURN(const bool decides,
                     CanDecide(row.commission(), application, *env.norms, tx.today()));
    if (decides) return errors::MeetingDecides();
    if (request.reason().empty()) {
      return base::InvalidField("reason", "is needed to replace an open meeting");
    }
  }
  return SupersedeMeetings(env, tx, request.name(), request.reason());
}

absl::Status TakeProtocol(const store::Tx& tx, const v1::CloseMeetingRequest& request,
                          Commission* commission) {
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.protocol_date()));
  const base::Date opened =
      base::Date::LegalDay(absl::FromUnixSeconds(commission->create_time().seconds()));
  if (day > tx.today() || day < opened) return errors::ProtocolDateInvalid();
  commission->set_protocol_number(request.protocol_number());
  *commission->mutable_protocol_date() = request.protocol_date();
  return absl::OkStatus();
}

// Approved: the sum is reserved, or the meeting cannot be closed.
absl::Status Approve(store::Tx& tx, const std::string& subject, Application* application) {
  ASSIGN_OR_RETURN(const base::Money sum, base::Money::FromProto(application->ceiling()));
  *application->mutable_approved_sum() = sum.ToProto();
  return PostFor(tx, application->programme(), cases::Posting::RESERVE, sum, application->name(),
                 subject)
      .status();
}

}  // namespace

absl::StatusOr<v1::Commission> OpenMeeting(Env& env, const Call& call, store::Tx& tx,
                                           const v1::OpenMeetingRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kOpenMeeting,
                                                          request.name(), request.etag()));
  RETURN_IF_ERROR(CheckFormed(request.members(), BarredFrom(step.row), *env.norms, tx.today()));
  RETURN_IF_ERROR(Replace(env, tx, request, step.row.application()));
  ASSIGN_OR_RETURN(const Declared declared, DeclaredBefore(tx, request.name()));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("commissions"));
  CommissionRow row;
  row.set_number(static_cast<int32_t>(number));
  Commission& commission = *row.mutable_commission();
  commission.set_name(CommissionName(row.number()));
  commission.set_application(request.name());
  commission.set_state(Commission::OPEN);
  *commission.mutable_members() = request.members();
  Application& application = *step.row.mutable_application();
  // Those of now: who was in a meeting before reads the application no more.
  std::set<std::string> subjects;
  ASSIGN_OR_RETURN(const std::vector<ExaminationRow> examinations,
                   AllOf(tx, kExaminations, store::Key::Of(request.name())));
  for (const ExaminationRow& examination : examinations) {
    subjects.insert(examination.examination().expert_subject());
  }
  for (Member& member : *commission.mutable_members()) {
    commission.add_member_subjects(member.subject());
    subjects.insert(member.subject());
    const auto before = declared.ties.find(member.subject());
    if (before == declared.ties.end()) continue;
    std::set<std::string> ties = before->second;
    ties.insert(member.ties().begin(), member.ties().end());
    *member.mutable_ties() = {ties.begin(), ties.end()};
  }
  application.set_commission(commission.name());
  *application.mutable_expert_subjects() = {subjects.begin(), subjects.end()};
  RETURN_IF_ERROR(tx.Put(kCommissions, &row));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return commission;
}

absl::StatusOr<v1::Commission> Vote(Env& env, const Call& call, store::Tx& tx,
                                    const v1::VoteRequest& request) {
  ASSIGN_OR_RETURN(CommissionStep step,
                   BeginMeeting(tx, call, CommissionVerb::kVote, request.name(), ""));
  Commission& commission = *step.row.mutable_commission();
  Member* member = OwnPlace(call, &commission);
  if (member == nullptr) return base::AccessDenied();
  if (request.in_favour() != request.grounds().empty()) return errors::GroundsInvalid();
  for (const int ground : request.grounds()) {
    if (ground == v1::GROUND_UNSPECIFIED) return errors::GroundsInvalid();
  }
  ASSIGN_OR_RETURN(const Declared declared, DeclaredBefore(tx, commission.application()));
  if (declared.recused.contains(member->subject())) return errors::MemberRecused();
  ASSIGN_OR_RETURN(const ApplicationRow of,
                   Need(tx, kApplications, store::Key::Of(commission.application())));
  if (HasTie(*member, of.application(), call.caller->bin)) return errors::MemberTied();
  member->set_vote(request.in_favour() ? Member::FOR : Member::AGAINST);
  *member->mutable_grounds() = request.grounds();
  member->set_comment(request.comment());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCommissions, &step));
  return commission;
}

absl::StatusOr<v1::Commission> Recuse(Env& env, const Call& call, store::Tx& tx,
                                      const v1::RecuseRequest& request) {
  ASSIGN_OR_RETURN(CommissionStep step,
                   BeginMeeting(tx, call, CommissionVerb::kRecuse, request.name(), ""));
  Commission& commission = *step.row.mutable_commission();
  Member* member = OwnPlace(call, &commission);
  if (member == nullptr) return base::AccessDenied();
  member->set_vote(Member::RECUSED);
  member->clear_grounds();
  member->set_comment(request.comment());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCommissions, &step));
  return commission;
}

absl::StatusOr<v1::Commission> CloseMeeting(Env& env, const Call& call, store::Tx& tx,
                                            const v1::CloseMeetingRequest& request) {
  ASSIGN_OR_RETURN(CommissionStep meeting,
                   BeginMeeting(tx, call, CommissionVerb::kClose, request.name(), request.etag()));
  Commission& commission = *meeting.row.mutable_commission();
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kDecide,
                                                          commission.application(), ""));
  Application& application = *step.row.mutable_application();
  RETURN_IF_ERROR(TakeProtocol(tx, request, &commission));
  ASSIGN_OR_RETURN(const int64_t running, RunningGrants(tx, application.applicant()));
  ASSIGN_OR_RETURN(*application.mutable_decision(),
                   DecideAsCommission({&commission,
                                       &application,
                                       running,
                                       {commission.name(), tx.etag()},
                                       VersionAt(tx.position())},
                                      *env.norms, tx.today()));
  SetDecideTime(tx, application.mutable_decision());
  const bool approved = application.decision().outcome() == "APPROVED";
  if (approved) {
    RETURN_IF_ERROR(Approve(tx, step.subject, &application));
  } else {
    for (const v1::Ground ground : GroundsOf(application.decision())) {
      application.add_grounds(ground);
    }
  }
  RETURN_IF_ERROR(step.Lead(approved ? Application::APPROVED : Application::REFUSED));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCommissions, &meeting));
  return commission;
}

absl::StatusOr<Encoded<v1::Commission>> GetCommission(Env& env, Call& call,
                                                      const v1::GetCommissionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), "commissions/*", 0));
  return GetShown<Commission>(env, call, kCommissions, store::Key::Of(number), request);
}

absl::StatusOr<Encoded<v1::ListCommissionsResponse>> ListCommissions(
    Env& env, Call& call, const v1::ListCommissionsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kCommissions, request, call));
  plan.indexes = {{"application", &kCommissionsByApplication, rpc::TextKey}};
  plan.scopes = {{rpc::v1::EXPERT, &kCommissionsByMember}};
  plan.show = ShowConcealed<Commission>(call);
  return rpc::ListAs<v1::ListCommissionsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
