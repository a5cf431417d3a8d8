#include "services/clusters/env.h"

#include "absl/strings/str_cat.h"
#include "common/rpc/field_rules.h"
#include "services/clusters/errors.h"

namespace nisi::clusters {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint32_t kInsiders = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY) |
                               base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) |
                               base::RoleBit(rpc::v1::AUDITOR);
constexpr uint32_t kExpertBit = base::RoleBit(rpc::v1::EXPERT);
// The owner of administrative data (Art. 6(3)), and the experts who examine it.
constexpr uint32_t kShown = base::RoleBit(rpc::v1::ENTITY) | kExpertBit;

absl::Status MoveInitiative(const Env& env, store::Tx& tx, const std::string& name,
                            InitiativeVerb verb, std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(InitiativeRow row, Need(tx, kInitiatives, store::Key::Of(name)));
  ASSIGN_OR_RETURN(auto step, cases::BeginByItself(InitiativeMachine(), verb, std::move(row), day));
  Initiative& initiative = *step.row.mutable_initiative();
  if (verb == InitiativeVerb::kRelease) initiative.clear_application();
  // Either way it is judged no longer, and its experts read it no longer.
  initiative.clear_expert_subjects();
  ASSIGN_OR_RETURN(DiagnosticRow diagnosis,
                   Need(tx, kDiagnostics, store::Key::Of(initiative.diagnostic())));
  diagnosis.mutable_diagnostic()->clear_expert_subjects();
  RETURN_IF_ERROR(tx.Put(kDiagnostics, &diagnosis, day));
  return cases::Finish(tx, *env.norms, kInitiatives, &step);
}

// Outcomes that are decided and not published.
bool ConcealOutcome(Message* resource) {
  if (resource->GetDescriptor() == Selection::descriptor()) {
    auto* selection = static_cast<Selection*>(resource);
    if (selection->state() == Selection::PUBLISHED) return false;
    const bool held = selection->has_ranking() || selection->has_decision();
    selection->clear_ranking();
    selection->clear_selected_count();
    selection->clear_protocol_number();
    selection->clear_protocol_date();
    selection->clear_decision();
    return held;
  }
  if (resource->GetDescriptor() == Application::descriptor()) {
    auto* application = static_cast<Application*>(resource);
    if (IsPublic(*application) || !application->has_scoring()) return false;
    application->clear_total();
    application->clear_rank();
    application->clear_passed();
    application->clear_scoring();
    return true;
  }
  return false;
}

}  // namespace

bool IsInsider(uint32_t roles) {
  return (roles & kInsiders) != 0;
}

bool SelectionVisible(const Message& resource, uint32_t roles) {
  return IsInsider(roles) || IsPublic(static_cast<const Selection&>(resource));
}

bool ApplicationVisible(const Message& resource, uint32_t roles) {
  return IsInsider(roles) || (roles & kShown) != 0 ||
         IsPublic(static_cast<const Application&>(resource));
}

bool ClusterVisible(const Message& resource, uint32_t roles) {
  constexpr uint32_t kTied = base::RoleBit(rpc::v1::ENTITY) | base::RoleBit(rpc::v1::AKIMAT);
  return IsInsider(roles) || (roles & kTied) != 0 ||
         IsPublic(static_cast<const Cluster&>(resource));
}

absl::Status CheckClusterReadable(const Env& env, const rpc::Call& call, int32_t number,
                                  const store::At& at) {
  const store::View view = env.store->Read(call.reach);
  return rpc::FindFor(view, call, kClusters, store::Key::Of(number), ClusterName(number),
                      ClusterVisible, at)
      .status();
}

bool Conceal(const rpc::Call& call, uint32_t roles, Message* resource) {
  if (IsInsider(roles)) return false;
  bool changed = ConcealOutcome(resource);
  const auto* type = resource->GetDescriptor();
  const FieldDescriptor* tie =
      type->FindFieldByName(type->options().GetExtension(rpc::v1::resource).expert_field());
  if (tie == nullptr || !rpc::IsGiven(*resource, *tie)) return changed;
  // Experts do not learn of each other, nor applicants of them: an expert finds itself alone.
  const bool as_expert = (roles & kExpertBit) != 0;
  const auto* reflection = resource->GetReflection();
  if (!tie->is_repeated()) {
    if (as_expert) return changed;
    reflection->ClearField(resource, tie);
    return true;
  }
  reflection->ClearField(resource, tie);
  if (as_expert) reflection->AddString(resource, tie, call.caller->subject);
  return true;
}

absl::Status Release(const Env& env, store::Tx& tx, const std::string& initiative,
                     std::optional<base::Date> day) {
  return MoveInitiative(env, tx, initiative, InitiativeVerb::kRelease, day);
}

absl::Status Adopt(const Env& env, store::Tx& tx, const std::string& initiative) {
  return MoveInitiative(env, tx, initiative, InitiativeVerb::kAdopt, std::nullopt);
}

absl::StatusOr<std::set<std::string>> ExpertSubjects(const store::Reader& reader,
                                                     int32_t selection) {
  ASSIGN_OR_RETURN(const std::vector<ExpertRow> experts,
                   AllOf(reader, kExperts, store::Key::Of(selection)));
  std::set<std::string> subjects;
  for (const ExpertRow& row : experts) {
    if (row.expert().state() != Expert::DISMISSED) subjects.insert(row.expert().subject());
  }
  return subjects;
}

absl::StatusOr<std::set<std::string>> ApplicantToday(const store::Reader& reader,
                                                     const ApplicationRow& application) {
  std::set<std::string> bins(application.bins().begin(), application.bins().end());
  const std::string& candidate = application.application().cluster();
  if (candidate.empty()) return bins;
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(candidate, "clusters/*", 0));
  ASSIGN_OR_RETURN(const ClusterRow cluster, Need(reader, kClusters, store::Key::Of(number)));
  bins.insert(cluster.cluster().cluster_organization());
  ASSIGN_OR_RETURN(const std::vector<MemberRow> members,
                   AllOf(reader, kMembers, store::Key::Of(number)));
  for (const MemberRow& member : members) bins.insert(member.member().participant().bin());
  return bins;
}

absl::StatusOr<std::set<std::string>> ReaderSubjects(const store::Reader& reader,
                                                     const ApplicationRow& application) {
  ASSIGN_OR_RETURN(const std::set<std::string> applicant, ApplicantToday(reader, application));
  ASSIGN_OR_RETURN(const std::vector<ExpertRow> experts,
                   AllOf(reader, kExperts, store::Key::Of(application.selection())));
  std::set<std::string> subjects;
  for (const ExpertRow& row : experts) {
    const Expert& expert = row.expert();
    if (expert.state() != Expert::DECLARED || !CheckIndependent(expert, applicant).ok()) continue;
    subjects.insert(expert.subject());
  }
  return subjects;
}

absl::Status TieToExperts(store::Tx& tx, int32_t selection) {
  ASSIGN_OR_RETURN(const std::set<std::string> subjects, ExpertSubjects(tx, selection));
  ASSIGN_OR_RETURN(std::vector<ApplicationRow> applications,
                   AllOf(tx, kApplications, store::Key::Of(selection)));
  for (ApplicationRow& row : applications) {
    Application& application = *row.mutable_application();
    if (application.state() != Application::FILED && application.state() != Application::ADMITTED) {
      continue;
    }
    *application.mutable_expert_subjects() = {subjects.begin(), subjects.end()};
    RETURN_IF_ERROR(tx.Put(kApplications, &row));
    ASSIGN_OR_RETURN(const std::set<std::string> readers, ReaderSubjects(tx, row));
    ASSIGN_OR_RETURN(InitiativeRow of,
                     Need(tx, kInitiatives, store::Key::Of(application.initiative())));
    *of.mutable_initiative()->mutable_expert_subjects() = {readers.begin(), readers.end()};
    RETURN_IF_ERROR(tx.Put(kInitiatives, &of));
    ASSIGN_OR_RETURN(DiagnosticRow diagnosis,
                     Need(tx, kDiagnostics, store::Key::Of(of.initiative().diagnostic())));
    *diagnosis.mutable_diagnostic()->mutable_expert_subjects() = {readers.begin(), readers.end()};
    RETURN_IF_ERROR(tx.Put(kDiagnostics, &diagnosis));
  }
  return absl::OkStatus();
}

absl::Status TieCandidate(store::Tx& tx, const Cluster& candidate) {
  ASSIGN_OR_RETURN(const auto open, tx.FindUnique(kOpenApplicationsByInitiative,
                                                  store::Key::Of(candidate.initiative())));
  return open.has_value() ? TieToExperts(tx, open->row.selection()) : absl::OkStatus();
}

absl::Status CheckNoExpert(const store::Reader& reader, int32_t selection,
                           const std::string& subject) {
  ASSIGN_OR_RETURN(const auto expert,
                   reader.FindUniqueRaw(kExpertsBySubject, store::Key::Of(selection, subject)));
  return expert.has_value() ? errors::ActedInSelection() : absl::OkStatus();
}

}  // namespace nisi::clusters
