// Experts of a selection, their ties, and their scores, blind to each other until scoring closes.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/clusters/errors.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

absl::StatusOr<SelectionRow> SelectionOf(const store::Reader& reader, int32_t number) {
  return Need(reader, kSelections, store::Key::Of(number));
}

// Its scores that `drop` says so of count no longer.
absl::Status DropScores(store::Tx& tx, const ExpertRow& expert,
                        const std::function<bool(const std::set<std::string>& bins)>& drop) {
  ASSIGN_OR_RETURN(const std::vector<ApplicationRow> applications,
                   AllOf(tx, kApplications, store::Key::Of(expert.selection())));
  for (const ApplicationRow& application : applications) {
    ASSIGN_OR_RETURN(const std::set<std::string> bins, ApplicantToday(tx, application));
    if (!drop(bins)) continue;
    ASSIGN_OR_RETURN(auto found,
                     tx.Find(kScores, store::Key::Of(expert.selection(), application.number(),
                                                     expert.number())));
    if (!found.has_value() || !found->row.score().counts()) continue;
    found->row.mutable_score()->set_counts(false);
    RETURN_IF_ERROR(tx.Put(kScores, &found->row));
  }
  return absl::OkStatus();
}

struct ExpertKey {
  int32_t selection;
  int32_t number;
};

absl::StatusOr<ExpertKey> ExpertKeyOf(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(name, "selections/*/experts/*", 0));
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, "selections/*/experts/*", 1));
  return ExpertKey{selection, number};
}

absl::StatusOr<cases::Step<ExpertRow>> BeginExpert(const store::Tx& tx, const Call& call,
                                                   ExpertVerb verb, const std::string& name,
                                                   const std::string& etag) {
  ASSIGN_OR_RETURN(const ExpertKey key, ExpertKeyOf(name));
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, ExpertMachine(), verb, kExperts,
                                        store::Key::Of(key.selection, key.number), name, etag));
  ASSIGN_OR_RETURN(const SelectionRow selection, SelectionOf(tx, key.selection));
  RETURN_IF_ERROR(SelectionMachine()
                      .AskByItself(selection.selection().state(), SelectionVerb::kChangeExperts)
                      .status());
  return step;
}

}  // namespace

absl::StatusOr<v1::Expert> CreateExpert(Env& env, const Call& call, store::Tx& tx,
                                        const v1::CreateExpertRequest& request) {
  ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(request.parent(), "selections/*", 0));
  ASSIGN_OR_RETURN(auto step,
                   BeginStep(tx, call, SelectionMachine(), SelectionVerb::kAppoint, kSelections,
                             store::Key::Of(selection), request.parent(), ""));
  const std::string& subject = request.expert().subject();
  const auto& acts = step.row.life().acts();
  if (std::any_of(acts.begin(), acts.end(),
                  [&](const cases::v1::Act& act) { return act.subject() == subject; })) {
    return errors::ActedInSelection();
  }
  ASSIGN_OR_RETURN(const auto known,
                   tx.FindUnique(kExpertsBySubject, store::Key::Of(selection, subject)));
  if (known.has_value()) {
    return base::Refusal(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                         "The selection has this expert already.")
        .Resource(kExperts.name, known->row.expert().name());
  }
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("experts/", selection)));
  if (number > kMaxExperts) return errors::TooManyExperts(kMaxExperts);
  ExpertRow row;
  row.set_selection(selection);
  row.set_number(static_cast<int32_t>(number));
  *row.mutable_expert() = request.expert();
  row.mutable_expert()->set_name(ExpertName(selection, row.number()));
  row.mutable_expert()->set_state(Expert::APPOINTED);
  RETURN_IF_ERROR(tx.Put(kExperts, &row));
  RETURN_IF_ERROR(TieToExperts(tx, selection));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &step));
  return row.expert();
}

absl::StatusOr<v1::Expert> DeclareTies(Env& env, const Call& call, store::Tx& tx,
                                       const v1::DeclareTiesRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginExpert(tx, call, ExpertVerb::kDeclare, request.name(), ""));
  Expert& expert = *step.row.mutable_expert();
  std::set<std::string> ties(expert.declared_ties().begin(), expert.declared_ties().end());
  ties.insert(request.ties().begin(), request.ties().end());
  *expert.mutable_declared_ties() = {ties.begin(), ties.end()};
  RETURN_IF_ERROR(DropScores(tx, step.row, [&](const std::set<std::string>& bins) {
    return IsTied(expert.employers(), expert.declared_ties(), bins);
  }));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kExperts, &step));
  RETURN_IF_ERROR(TieToExperts(tx, step.row.selection()));
  return step.row.expert();
}

absl::StatusOr<v1::Expert> DismissExpert(Env& env, const Call& call, store::Tx& tx,
                                         const v1::DismissExpertRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginExpert(tx, call, ExpertVerb::kDismiss, request.name(), request.etag()));
  step.row.mutable_expert()->set_reason(request.reason());
  RETURN_IF_ERROR(DropScores(tx, step.row, [](const std::set<std::string>&) { return true; }));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kExperts, &step));
  RETURN_IF_ERROR(TieToExperts(tx, step.row.selection()));
  return step.row.expert();
}

absl::StatusOr<Encoded<v1::ListExpertsResponse>> ListExperts(
    Env& env, Call& call, const v1::ListExpertsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(request.parent(), "selections/*", 0));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kExperts, request, call));
  plan.prefix = store::Key::Of(selection);
  plan.show = ShowConcealed<Expert>(call, nullptr);
  return rpc::ListAs<v1::ListExpertsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Score> ScoreApplication(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ScoreApplicationRequest& request) {
  constexpr char kPattern[] = "selections/*/applications/*";
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), kPattern, 0));
  ASSIGN_OR_RETURN(const int32_t application, rpc::NumberIn(request.name(), kPattern, 1));
  ASSIGN_OR_RETURN(auto step,
                   BeginStep(tx, call, ApplicationMachine(), ApplicationVerb::kScore, kApplications,
                             store::Key::Of(number, application), request.name(), ""));
  ASSIGN_OR_RETURN(const SelectionRow selection, SelectionOf(tx, number));
  RETURN_IF_ERROR(SelectionMachine()
                      .AskByItself(selection.selection().state(), SelectionVerb::kScore)
                      .status());
  ASSIGN_OR_RETURN(const auto expert,
                   tx.FindUnique(kExpertsBySubject, store::Key::Of(number, call.caller->subject)));
  if (!expert.has_value()) return base::AccessDenied();
  ASSIGN_OR_RETURN(const std::set<std::string> bins, ApplicantToday(tx, step.row));
  RETURN_IF_ERROR(CheckIndependent(expert->row.expert(), bins));
  // For whom it is signed in now counts as well, whatever it declared.
  if (bins.contains(call.caller->bin)) return errors::ExpertTied();
  ASSIGN_OR_RETURN(const Points points, PointsOf(request.points(), "points"));
  RETURN_IF_ERROR(CheckWeights(points, selection.selection(), "points"));

  const store::Key key = store::Key::Of(number, application, expert->row.number());
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kScores, key));
  ScoreRow row;
  row.set_selection(number);
  row.set_application(application);
  row.set_expert(expert->row.number());
  row.mutable_score()->set_name(ScoreName(number, application, row.expert()));
  row.mutable_score()->set_counts(true);
  row.mutable_score()->set_expert_subject(call.caller->subject);
  for (const Criterion criterion : kCriteria) {
    const auto given =
        std::find_if(request.points().begin(), request.points().end(),
                     [&](const CriterionPoints& one) { return one.criterion() == criterion; });
    *row.add_sealed() = *given;
  }
  RETURN_IF_ERROR(tx.Put(kScores, &row));
  Application& scored = *step.row.mutable_application();
  if (!known.has_value()) scored.set_score_count(scored.score_count() + 1);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kApplications, &step));
  *row.mutable_score()->mutable_points() = row.sealed();  // its expert reads what it gave
  return row.score();
}

absl::StatusOr<v1::ListScoresResponse> ListScores(Env& env, Call& call,
                                                  const v1::ListScoresRequest& request) {
  constexpr char kPattern[] = "selections/*/applications/*";
  ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(request.parent(), kPattern, 0));
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.parent(), kPattern, 1));
  const store::Key key = store::Key::Of(selection, number);
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(auto application, rpc::FindFor(view, call, kApplications, key, request.parent(),
                                                  ApplicationVisible, at));
  RETURN_IF_ERROR(KeepExpertTie(view, call, kApplications, key, at, &application.roles));
  if (!ApplicationVisible(application.row.application(), application.roles)) {
    return rpc::Missing(call, kApplications.name, request.parent());
  }
  ASSIGN_OR_RETURN(std::vector<ScoreRow> rows, AllOf(view, kScores, key, at));
  const bool published = IsPublic(application.row.application());
  const bool insider = IsInsider(application.roles);
  const bool as_expert = !insider && call.caller->Has(rpc::v1::EXPERT);
  v1::ListScoresResponse response;
  for (ScoreRow& row : rows) {
    v1::Score& score = *row.mutable_score();
    const bool own = as_expert && score.expert_subject() == call.caller->subject;
    if (as_expert && !own && !published) continue;  // blind to each other
    if (own && !score.opened()) *score.mutable_points() = row.sealed();
    if (!insider && !own) {
      score.clear_expert_subject();
      if (!published) {
        score.clear_points();
        score.clear_total_points();
        score.clear_opened();
      }
    }
    *response.add_scores() = std::move(score);
  }
  return response;
}

}  // namespace nisi::clusters
