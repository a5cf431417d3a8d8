#include "services/grants/env.h"

#include <algorithm>

#include "absl/strings/strip.h"
#include "common/base/roles.h"
#include "common/rpc/field_rules.h"
#include "services/grants/errors.h"

namespace nisi::grants {
namespace {

using google::protobuf::FieldDescriptor;

constexpr uint32_t kInsiders = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY) |
                               base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) |
                               base::RoleBit(rpc::v1::AUDITOR);

}  // namespace

bool Conceal(const rpc::Call& call, uint32_t roles, google::protobuf::Message* resource) {
  // Members of a commission meet; experts do not.
  if ((roles & kInsiders) != 0 || resource->GetDescriptor() != Application::descriptor()) {
    return false;
  }
  auto* application = static_cast<Application*>(resource);
  if (application->expert_subjects().empty()) return false;
  application->clear_expert_subjects();
  if ((roles & base::RoleBit(rpc::v1::EXPERT)) != 0) {
    application->add_expert_subjects(call.caller->subject);
  }
  return true;
}

absl::StatusOr<ApplicationStep> BeginApplication(const store::Tx& tx, const rpc::Call& call,
                                                 ApplicationVerb verb, const std::string& name,
                                                 const std::string& etag) {
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kApplications, store::Key::Of(name), name));
  return cases::Begin(call, ApplicationMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag});
}

absl::Status FinishApplication(const Env& env, store::Tx& tx, ApplicationStep* step) {
  if (step->edge != nullptr && step->edge->from == Application::COMMISSION &&
      step->edge->to != Application::COMMISSION) {
    RETURN_IF_ERROR(CloseTerms(tx, step->row.application().name(), {kContributionDeadline},
                               cases::Deadline::CANCELLED));
  }
  // Of the terms that begin now the applicant's are its own, the others nobody's in particular.
  const bool applicants =
      step->edge != nullptr && (step->edge->to == Application::RETURNED_FOR_FIX ||
                                step->edge->to == Application::AGREEMENT_PENDING);
  return cases::Finish(tx, *env.norms, kApplications, step,
                       {.bin = applicants ? step->row.application().applicant() : std::string()});
}

Application Shown(const rpc::Call& call, const ApplicationStep& step) {
  Application application = step.row.application();
  Conceal(call, step.roles, &application);
  return application;
}

absl::StatusOr<AgreementStep> BeginAgreement(const store::Tx& tx, const rpc::Call& call,
                                             ApplicationVerb verb, const std::string& name,
                                             const std::string& etag) {
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kAgreements, store::Key::Of(name), name));
  ASSIGN_OR_RETURN(ApplicationRow of,
                   Need(tx, kApplications, store::Key::Of(found.row.agreement().application())));
  RETURN_IF_ERROR(rpc::CheckEtag(etag, found.row.agreement().etag()));
  ASSIGN_OR_RETURN(ApplicationStep step, cases::Begin(call, ApplicationMachine(), verb,
                                                      std::move(of), {.roles = found.roles}));
  return AgreementStep{std::move(found.row), std::move(step)};
}

absl::Status FinishAgreement(const Env& env, store::Tx& tx, AgreementStep* step) {
  RETURN_IF_ERROR(FinishApplication(env, tx, &step->of));
  return tx.Put(kAgreements, &step->row);
}

cases::Progress Made(const base::MachineDef& machine, const base::EdgeDef& edge,
                     const std::string& subject) {
  cases::Progress made{.machine = &machine,
                       .allowed = base::Allowed(std::vector<const base::EdgeDef*>{&edge})};
  made.edge = &edge;
  made.subject = subject;
  return made;
}

absl::Status CheckProgramme(const store::Reader& reader, const std::string& name,
                            const std::string& field) {
  ASSIGN_OR_RETURN(const auto found, reader.FindRaw(kProgrammes, store::Key::Of(name)));
  return found.has_value() ? absl::OkStatus() : errors::ProgrammeUnknown(field);
}

absl::Status CheckEarlier(const store::Reader& reader, const Application& application) {
  if (application.earlier_application().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto earlier,
                   reader.Find(kApplications, store::Key::Of(application.earlier_application())));
  if (!earlier.has_value() || earlier->row.application().applicant() != application.applicant()) {
    return base::AccessDenied();
  }
  return earlier->row.application().state() == Application::REFUSED
             ? absl::OkStatus()
             : errors::EarlierApplicationInvalid();
}

absl::StatusOr<int64_t> RunningGrants(const store::Reader& reader, const std::string& applicant) {
  ASSIGN_OR_RETURN(const std::vector<ApplicationRow> all,
                   AllOf(reader, kApplicationsByApplicant, store::Key::Of(applicant)));
  return std::count_if(all.begin(), all.end(), [](const ApplicationRow& row) {
    return IsRunning(row.application().state());
  });
}

absl::StatusOr<cases::Posting> PostFor(store::Tx& tx, const std::string& programme,
                                       cases::Posting::Kind kind, base::Money amount,
                                       const std::string& record, const std::string& subject) {
  return cases::Post(tx,
                     {kind, amount, std::string(absl::StripPrefix(programme, "programmes/")),
                      tx.today().year(), record, subject},
                     errors::Account());
}

absl::StatusOr<cases::Posting> PostReserved(store::Tx& tx, const Application& application,
                                            cases::Posting::Kind kind, const std::string& record,
                                            const std::string& subject) {
  ASSIGN_OR_RETURN(const base::Money sum, base::Money::FromProto(application.approved_sum()));
  return cases::PostHeld(
      tx,
      {kind, sum, std::string(absl::StripPrefix(application.programme(), "programmes/")),
       tx.today().year(), record, subject},
      application.name(), errors::Account());
}

absl::StatusOr<cases::Posting> PostCommitted(store::Tx& tx, const Agreement& agreement,
                                             cases::Posting::Kind kind, base::Money amount,
                                             const std::string& record,
                                             const std::string& subject) {
  return cases::PostHeld(
      tx,
      {kind, amount, std::string(absl::StripPrefix(agreement.programme(), "programmes/")),
       tx.today().year(), record, subject},
      agreement.name(), errors::Account());
}

absl::Status SupersedeMeetings(const Env& env, store::Tx& tx, const std::string& application,
                               const std::string& reason) {
  ASSIGN_OR_RETURN(std::vector<CommissionRow> meetings,
                   AllOf(tx, kCommissionsByApplication, store::Key::Of(application)));
  for (CommissionRow& row : meetings) {
    if (row.commission().state() != Commission::OPEN) continue;
    ASSIGN_OR_RETURN(auto step, cases::BeginByItself(CommissionMachine(),
                                                     CommissionVerb::kSupersede, std::move(row)));
    step.row.mutable_commission()->set_reason(reason);
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCommissions, &step));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Payment>> PaymentsOf(const store::Reader& reader,
                                                    const std::string& agreement) {
  ASSIGN_OR_RETURN(const std::vector<PaymentRow> rows,
                   AllOf(reader, kPayments, store::Key::Of(agreement)));
  std::vector<v1::Payment> payments;
  for (const PaymentRow& row : rows) payments.push_back(row.payment());
  return payments;
}

cases::OverdueFns OverdueActs(std::shared_ptr<const Env> env) {
  using Act = absl::Status (*)(const Env&, store::Tx&, const cases::Deadline&, base::Date);
  const auto act = [&env](Act run) {
    return [env, run](store::Tx& tx, const cases::Deadline& deadline, base::Date day) {
      return run(*env, tx, deadline, day);
    };
  };
  return {{"grants.fix_days", act(AnnulOverdue)},
          {kReportDeadline, act(ReportOverdue)},
          {"obligations.return_days", act(DemandOverdue)}};
}

}  // namespace nisi::grants
