// Experts and their scores.
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

absl::StatusOr<std::vector<ExaminationRow>> ExaminationsOf(const store::Reader& reader,
                                                           const std::string& application) {
  return AllOf(reader, kExaminations, store::Key::Of(application));
}

int64_t TotalOf(const Examination& examination) {
  int64_t total = 0;
  for (const v1::CriterionScore& score : examination.scores()) total += score.score();
  return total;
}

// Each once, as many as the norm, none of them tied, none who acted in the case otherwise.
absl::Status CheckPanel(const Env& env, base::Date day, const v1::AssignExpertsRequest& request,
                        const ApplicationRow& row) {
  ASSIGN_OR_RETURN(const int64_t least, env.norms->Int("grants.experts_min", day));
  std::set<std::string> subjects;
  for (const Examination& expert : request.experts()) {
    if (IsTied(expert.employers(), row.application())) return errors::ExpertTied();
    subjects.insert(expert.expert_subject());
  }
  for (const Examination& expert : request.tied_experts()) {
    if (!IsTied(expert.employers(), row.application()) ||
        subjects.contains(expert.expert_subject())) {
      return errors::ExpertNotTied();
    }
  }
  if (static_cast<int>(subjects.size()) != request.experts_size() ||
      request.experts_size() < least) {
    return errors::ExpertsTooFew(least);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Application> AssignExperts(Env& env, const Call& call, store::Tx& tx,
                                              const v1::AssignExpertsRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kAssign,
                                                          request.name(), request.etag()));
  RETURN_IF_ERROR(CheckPanel(env, tx.today(), request, step.row));
  std::map<std::string, const Examination*> named;
  for (const Examination& expert : request.experts()) named[expert.expert_subject()] = &expert;
  std::map<std::string, const Examination*> tied;
  for (const Examination& expert : request.tied_experts()) tied[expert.expert_subject()] = &expert;
  ASSIGN_OR_RETURN(const std::vector<ExaminationRow> before, ExaminationsOf(tx, request.name()));
  for (ExaminationRow row : before) {
    const std::string subject = row.examination().expert_subject();
    const auto stays = named.find(subject), goes = tied.find(subject);
    // What the institute has learnt of its employers, before it goes as well.
    if (stays != named.end() || goes != tied.end()) {
      const Examination& told = stays != named.end() ? *stays->second : *goes->second;
      if (!std::equal(told.employers().begin(), told.employers().end(),
                      row.examination().employers().begin(), row.examination().employers().end())) {
        *row.mutable_examination()->mutable_employers() = told.employers();
        RETURN_IF_ERROR(tx.Put(kExaminations, &row));
      }
    }
    if (stays != named.end()) {
      named.erase(stays);
      continue;
    }
    if (goes == tied.end() && !row.examination().scores().empty()) {
      return errors::ExpertHasScored();
    }
    tied.erase(subject);
    RETURN_IF_ERROR(tx.End(kExaminations, store::Key::Of(request.name(), row.number())));
  }
  if (!tied.empty()) return errors::ExpertNotTied();  // one who was never assigned
  for (const auto& [subject, expert] : named) {
    ExaminationRow row;
    row.set_application(request.name());
    row.set_number(step.row.examination_count() + 1);
    step.row.set_examination_count(row.number());
    Examination& examination = *row.mutable_examination();
    examination.set_name(ExaminationName(request.name(), row.number()));
    examination.set_expert_subject(subject);
    *examination.mutable_employers() = expert->employers();
    RETURN_IF_ERROR(tx.Put(kExaminations, &row));
  }
  Application& application = *step.row.mutable_application();
  application.clear_expert_subjects();
  for (const Examination& expert : request.experts()) {
    application.add_expert_subjects(expert.expert_subject());
  }
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return application;
}

absl::StatusOr<v1::Examination> Score(Env& env, const Call& call, store::Tx& tx,
                                      const v1::ScoreRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step,
                   BeginApplication(tx, call, ApplicationVerb::kScore, request.name(), ""));
  ASSIGN_OR_RETURN(auto found, tx.FindUnique(kExaminationsBySubject,
                                             store::Key::Of(request.name(), call.caller->subject)));
  if (!found.has_value()) return base::AccessDenied();
  // For whom it is signed in counts as well, whatever the institute knows.
  google::protobuf::RepeatedPtrField<std::string> ties;
  *ties.Add() = call.caller->bin;
  if (IsTied(ties, step.row.application())) return errors::ExpertTied();
  Examination& examination = *found->row.mutable_examination();
  ASSIGN_OR_RETURN(*examination.mutable_scores(), InOrder(request.scores()));
  examination.set_conclusion(request.conclusion());
  RETURN_IF_ERROR(tx.Put(kExaminations, &found->row));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return examination;
}

absl::StatusOr<v1::Application> CloseExamination(Env& env, const Call& call, store::Tx& tx,
                                                 const v1::CloseExaminationRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step,
                   BeginApplication(tx, call, ApplicationVerb::kCloseExamination, request.name(),
                                    request.etag()));
  Application& application = *step.row.mutable_application();
  ASSIGN_OR_RETURN(const std::vector<ExaminationRow> rows, ExaminationsOf(tx, request.name()));
  ASSIGN_OR_RETURN(const int64_t least, env.norms->Int("grants.experts_min", tx.today()));
  std::vector<int64_t> totals;
  for (const ExaminationRow& row : rows) {
    if (!row.examination().scores().empty()) totals.push_back(TotalOf(row.examination()));
  }
  const int64_t wanted = std::max(least, static_cast<int64_t>(rows.size()));
  const int64_t missing = wanted - static_cast<int64_t>(totals.size());
  if (missing > 0) return errors::ScoresMissing(missing);
  ASSIGN_OR_RETURN(const base::Money accepted, AcceptCosts(request.items(), &application));
  *application.mutable_accepted_cost() = accepted.ToProto();
  ASSIGN_OR_RETURN(const std::string size,
                   cases::Facts::Of(application.eligibility()).Text("size"));
  // By the norms of the day of filing: an official who is late takes nothing from the applicant.
  ASSIGN_OR_RETURN(const base::Date filed, base::Date::FromProto(application.submit_date()));
  ASSIGN_OR_RETURN(*application.mutable_examination(),
                   JudgeExamination({&application, totals, size, {application.name(), tx.etag()}},
                                    *env.norms, filed));
  SetDecideTime(tx, application.mutable_examination());
  ASSIGN_OR_RETURN(const base::Money ceiling,
                   base::Money::Parse(application.examination().outcome()));
  *application.mutable_ceiling() = ceiling.ToProto();
  // What is granted is known now. Where own money does not cover the rest, it is the applicant that
  // is waited for, however the commission votes.
  ASSIGN_OR_RETURN(const bool covered, IsCovered(application));
  if (!covered && FirstUnsatisfied(application.examination()).empty()) {
    RETURN_IF_ERROR(
        OpenTerm(env, tx,
                 {application.name(), kContributionDeadline, "grants.commission_days", tx.today(),
                  rpc::v1::ENTITY, application.applicant(), errors::CoFinancing()}));
  }
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return application;
}

absl::StatusOr<Encoded<v1::Examination>> GetExamination(Env& env, Call& call,
                                                        const v1::GetExaminationRequest& request) {
  constexpr char kPattern[] = "applications/*/examinations/*";
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), kPattern, 1));
  const std::string application = request.name().substr(0, request.name().find("/examinations/"));
  return GetShown<Examination>(env, call, kExaminations, store::Key::Of(application, number),
                               request);
}

absl::StatusOr<Encoded<v1::ListExaminationsResponse>> ListExaminations(
    Env& env, Call& call, const v1::ListExaminationsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kExaminations, request, call));
  plan.prefix = store::Key::Of(request.parent());
  RETURN_IF_ERROR(rpc::CheckParent(*env.store, call, kApplications, request.parent(), plan.at));
  plan.show = ShowConcealed<Examination>(call);
  return rpc::ListAs<v1::ListExaminationsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
