// The gate and the conditions of Art. 25(5). What others know is asked before the transaction: one
// that does not answer leaves everything as it was.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/cases/ahead.h"
#include "common/rpc/gather.h"
#include "services/grants/errors.h"
#include "services/grants/gate_register.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

struct Told {
  Outside outside;
  base::Money most;  // that could be granted
  cases::Notice notice;
};

bool WaitsForProgramme(const cases::Notice& notice) {
  const auto& reasons = notice.reasons();
  return notice.verdict() == cases::Notice::FAILED && !reasons.empty() &&
         std::all_of(reasons.begin(), reasons.end(), IsOfProgramme);
}

absl::StatusOr<Application> FindConditions(Env& env, store::Tx& tx, ApplicationStep step,
                                           const Told& told) {
  Application& application = *step.row.mutable_application();
  cases::Notice notice = told.notice;
  RETURN_IF_ERROR(KeepNotice(env, tx, &notice, told.most));
  if (WaitsForProgramme(notice)) {
    RETURN_IF_ERROR(step.Lead(Application::GATE_1));
    RETURN_IF_ERROR(FinishApplication(env, tx, &step));
    return application;
  }
  ASSIGN_OR_RETURN(const base::Date submitted, base::Date::FromProto(application.submit_date()));
  ASSIGN_OR_RETURN(const int64_t running, RunningGrants(tx, application.applicant()));
  ASSIGN_OR_RETURN(*application.mutable_eligibility(),
                   JudgeEligibility({&application,
                                     &told.outside,
                                     &notice,
                                     running,
                                     submitted,
                                     {application.name(), tx.etag()},
                                     VersionAt(tx.position())},
                                    *env.norms));
  SetDecideTime(tx, application.mutable_eligibility());
  const bool eligible = cases::AllSatisfied(application.eligibility());
  if (!eligible) {
    for (const v1::Ground ground : GroundsOf(application.eligibility())) {
      application.add_grounds(ground);
    }
  }
  RETURN_IF_ERROR(step.Lead(eligible ? Application::EXAMINATION : Application::REFUSED));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return application;
}

}  // namespace

absl::StatusOr<v1::Eligibility> CheckEligibility(Env& env, Call& call,
                                                 const v1::CheckEligibilityRequest& request) {
  const Application& application = request.application();
  {
    const store::View view = env.store->Read(call.reach);
    RETURN_IF_ERROR(CheckEarlier(view, application));
    RETURN_IF_ERROR(CheckProgramme(view, application.programme(), "application.programme"));
  }
  RETURN_IF_ERROR(CheckAskedFor(application, *env.norms, call.today()));
  ASSIGN_OR_RETURN(const Outside outside, env.sources->Ask(call, application, call.today()));
  // Of no case yet: what the gate says is recorded nowhere.
  ASSIGN_OR_RETURN(const base::Money most,
                   MostGrantable(application, outside.size, *env.norms, call.today()));
  ASSIGN_OR_RETURN(cases::Notice notice,
                   cases::AskGate(*env.gate, call,
                                  {gate::v1::BEFORE_CONSIDERATION, application.applicant(), "",
                                   call.today(), application.programme(), most}));
  notice.set_name("the gate");
  v1::Eligibility found;
  if (WaitsForProgramme(notice)) {
    // Nothing against the applicant.
    *found.mutable_waits_for() = notice.reasons();
    notice.set_verdict(cases::Notice::PASSED);
  }
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const int64_t running, RunningGrants(view, application.applicant()));
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  found.set_applicant(application.applicant());
  ASSIGN_OR_RETURN(*found.mutable_decision(), JudgeEligibility({&application,
                                                                &outside,
                                                                &notice,
                                                                running,
                                                                call.today(),
                                                                {"request", ""},
                                                                VersionAt(position)},
                                                               *env.norms));
  return found;
}

absl::StatusOr<v1::Application> RunGate(Env& env, Call& call, const v1::RunGateRequest& request) {
  Told told;
  return rpc::GatherThenWrite<Application>(
      *env.store, call, request,
      [&]() -> absl::Status {
        Application application;
        {
          const store::View view = env.store->Read();
          ASSIGN_OR_RETURN(auto found,
                           rpc::FindFor(view, call, kApplications, store::Key::Of(request.name()),
                                        request.name()));
          RETURN_IF_ERROR(cases::MayBegin(call, ApplicationMachine(), ApplicationVerb::kRunGate,
                                          found.row,
                                          {.roles = found.roles, .etag = request.etag()}));
          application = std::move(*found.row.mutable_application());
        }
        ASSIGN_OR_RETURN(const base::Date submitted,
                         base::Date::FromProto(application.submit_date()));
        ASSIGN_OR_RETURN(told.outside, env.sources->Ask(call, application, submitted));
        // Not what is asked for: money that could not be granted need not be there.
        ASSIGN_OR_RETURN(told.most,
                         MostGrantable(application, told.outside.size, *env.norms, submitted));
        ASSIGN_OR_RETURN(
            told.notice,
            cases::AskGate(*env.gate, call,
                           {gate::v1::BEFORE_CONSIDERATION, application.applicant(), request.name(),
                            call.today(), application.programme(), told.most}));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Application> {
        ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kRunGate,
                                                                request.name(), request.etag()));
        return FindConditions(env, tx, std::move(step), told);
      });
}

}  // namespace nisi::grants
