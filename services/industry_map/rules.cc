#include "services/industry_map/rules.h"

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/money.h"
#include "common/base/roles.h"
#include "common/base/status.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/industry_map/errors.h"

namespace nisi::industry_map {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kParameters[] = "parameters";
constexpr char kTerms[] = "administrative_data.terms";

base::Money MoneyIn(const google::type::Money& money) {
  return base::Money::FromProto(money).value_or(base::Money());
}

// In the order of the kinds, once each, no day before that of an earlier kind.
absl::Status CheckOrder(const ProjectParameters& parameters, const std::string& root) {
  int last_kind = 0;
  base::Date last_day = base::Date::Min();
  for (int i = 0; i < parameters.milestones_size(); ++i) {
    const Milestone& milestone = parameters.milestones(i);
    const std::string field = absl::StrCat(root, "parameters.milestones[", i, "]");
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(milestone.planned_date()));
    if (milestone.kind() <= last_kind) return errors::MilestonesOutOfOrder(field + ".kind");
    if (day < last_day) return errors::MilestonesOutOfOrder(field + ".planned_date");
    last_kind = milestone.kind();
    last_day = day;
  }
  return absl::OkStatus();
}

std::vector<std::string> Gaps(const ProjectParameters& parameters, const ProjectTerms& terms,
                              Review::Path path) {
  std::vector<std::string> gaps;
  const auto need = [&gaps](bool given, const char* field) {
    if (!given) gaps.emplace_back(field);
  };
  need(parameters.kind() != ProjectParameters::KIND_UNSPECIFIED, "parameters.kind");
  need(parameters.stage() != ProjectParameters::STAGE_UNSPECIFIED, "parameters.stage");
  need(!parameters.oked().empty(), "parameters.oked");
  need(parameters.goods_codes_size() > 0, "parameters.goods_codes");
  need(parameters.has_responsible_body(), "parameters.responsible_body");
  need(path != Review::REPUBLICAN || !parameters.sector_body_bin().empty(),
       "parameters.sector_body_bin");
  // The light sets readiness against the plan from the one to the other.
  need(PlannedDay(parameters, Milestone::CONSTRUCTION).has_value() &&
           PlannedDay(parameters, Milestone::COMMISSIONING).has_value(),
       "parameters.milestones");
  need(!MoneyIn(terms.cost()).is_zero(), "administrative_data.terms.cost");
  need(terms.financing_size() > 0, "administrative_data.terms.financing");
  need(terms.capacities_size() > 0, "administrative_data.terms.capacities");
  return gaps;
}

absl::StatusOr<int64_t> FinancingTiyn(const ProjectTerms& terms) {
  base::Money sum;
  for (const v1::Financing& part : terms.financing()) {
    ASSIGN_OR_RETURN(sum, sum.Add(MoneyIn(part.amount())));
  }
  return sum.tiyn();
}

absl::Status CheckDossier(const ProjectTerms& terms, const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(const base::Money from, norms.Tenge("industry_map.cost.dossier_from", day));
  if (MoneyIn(terms.cost()) < from) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t chapters, norms.Int("industry_map.dossier.chapters", day));
  std::set<int64_t> given;
  for (const v1::DossierChapter& chapter : terms.dossier()) given.insert(chapter.chapter());
  std::vector<int64_t> missing;
  for (int64_t chapter = 1; chapter <= chapters; ++chapter) {
    if (!given.contains(chapter)) missing.push_back(chapter);
  }
  return missing.empty() ? absl::OkStatus() : errors::DossierIncomplete(missing);
}

absl::Status CheckCriteria(const ProjectTerms& terms, const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(const int64_t minimum, norms.Int("industry_map.criteria.min", day));
  std::set<int> claimed;
  for (const v1::CriterionClaim& claim : terms.criteria()) claimed.insert(claim.criterion());
  const auto distinct = static_cast<int64_t>(claimed.size());
  const bool once = distinct == static_cast<int64_t>(terms.criteria_size());
  return once && distinct >= minimum ? absl::OkStatus() : errors::CriteriaMissing(minimum);
}

void AddChanged(const Message& before, const Message& after, const std::string& root,
                std::vector<std::string>* changed) {
  const Descriptor& type = *before.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    google::protobuf::util::MessageDifferencer differencer;
    if (!differencer.CompareWithFields(before, after, {field}, {field}))
      changed->push_back(absl::StrCat(root, ".", field->name()));
  }
}

// Puts one field of `from`, by its own name, in the place of that of `to`; whether there is such.
bool TakeField(const std::string& name, const Message& from, Message* to) {
  const FieldDescriptor* field = to->GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) return false;
  const std::unique_ptr<Message> given(from.New());
  given->CopyFrom(from);
  to->GetReflection()->SwapFields(given.get(), to, {field});
  return true;
}

// Whether the path leads through messages of the type; an index may follow a repeated field.
bool Leads(const Descriptor* type, const std::string& path) {
  for (const absl::string_view step : absl::StrSplit(path, '.')) {
    if (type == nullptr) return false;
    const FieldDescriptor* field =
        type->FindFieldByName(std::string(step.substr(0, step.find('['))));
    if (field == nullptr) return false;
    type = field->message_type();
  }
  return true;
}

// A day among those of the other milestones, in the order of the kinds.
absl::Status CheckAmongReached(const Project& project, Milestone::Kind kind, base::Date day) {
  for (const v1::MilestoneFact& fact : project.milestone_facts()) {
    if (fact.kind() == kind) continue;
    ASSIGN_OR_RETURN(const base::Date other, base::Date::FromProto(fact.actual_date()));
    if (fact.kind() < kind ? day < other : day > other)
      return errors::MilestonesOutOfOrder("actual_date");
  }
  return absl::OkStatus();
}

bool IsRemarkable(const std::string& path) {
  const bool of_project = path.starts_with("parameters.") || path.starts_with(kTerms);
  if (of_project) return Leads(Project::descriptor(), path);
  const bool of_review = path == "exclusion_ground" || path == "effective_from" ||
                         path.starts_with("administrative_data.justification") ||
                         path.starts_with("administrative_data.documents") ||
                         path.starts_with("administrative_data.support");
  return of_review && Leads(Review::descriptor(), path);
}

}  // namespace

std::optional<base::Date> PlannedDay(const ProjectParameters& parameters, Milestone::Kind kind) {
  for (const Milestone& milestone : parameters.milestones()) {
    if (milestone.kind() != kind) continue;
    if (const auto day = base::Date::FromProto(milestone.planned_date()); day.ok()) return *day;
  }
  return std::nullopt;
}

std::optional<base::Date> ReachedDay(const Project& project, Milestone::Kind kind) {
  for (const v1::MilestoneFact& fact : project.milestone_facts()) {
    if (fact.kind() != kind) continue;
    if (const auto day = base::Date::FromProto(fact.actual_date()); day.ok()) return *day;
  }
  return std::nullopt;
}

absl::Status CheckForm(const ProjectParameters& parameters, const ProjectTerms& terms,
                       const norms::Norms& norms, base::Date day, const std::string& root) {
  RETURN_IF_ERROR(CheckOrder(parameters, root));
  ASSIGN_OR_RETURN(const base::Money maximum, norms.Tenge("industry_map.cost.max", day));
  if (MoneyIn(terms.cost()) > maximum) {
    return errors::CostOverMaximum(absl::StrCat(root, kTerms, ".cost"), maximum.ToString());
  }
  return absl::OkStatus();
}

absl::Status CheckProposal(const ProjectParameters& parameters, const ProjectTerms& terms,
                           Review::Path path, const norms::Norms& norms, base::Date day) {
  const std::vector<std::string> gaps = Gaps(parameters, terms, path);
  if (!gaps.empty()) return errors::ProjectIncomplete(gaps);
  ASSIGN_OR_RETURN(const int64_t financing, FinancingTiyn(terms));
  if (financing != MoneyIn(terms.cost()).tiyn()) return errors::CostMismatch();
  RETURN_IF_ERROR(CheckCriteria(terms, norms, day));
  return CheckDossier(terms, norms, day);
}

absl::Status CheckChange(const ProjectTerms& before, const ProjectParameters& parameters,
                         const ProjectTerms& terms, const Review& review, const norms::Norms& norms,
                         base::Date day) {
  const auto changes = [&review](absl::string_view field) {
    const auto& fields = review.changed_fields();
    return std::find(fields.begin(), fields.end(), field) != fields.end();
  };
  std::vector<std::string> gaps;
  for (const std::string& gap : Gaps(parameters, terms, review.path())) {
    // Without a sector body the review itself would stay with nobody.
    if (changes(gap) || gap == "parameters.sector_body_bin") gaps.push_back(gap);
  }
  if (!gaps.empty()) return errors::ProjectIncomplete(gaps);
  const bool cost = changes("administrative_data.terms.cost");
  const bool financing = changes("administrative_data.terms.financing");
  if (financing || (cost && terms.financing_size() > 0)) {
    ASSIGN_OR_RETURN(const int64_t sum, FinancingTiyn(terms));
    if (sum != MoneyIn(terms.cost()).tiyn()) return errors::CostMismatch();
  }
  if (changes("administrative_data.terms.criteria"))
    RETURN_IF_ERROR(CheckCriteria(terms, norms, day));
  // A cost that comes up to the bound needs the dossier that one above it has, or never had.
  ASSIGN_OR_RETURN(const base::Money from, norms.Tenge("industry_map.cost.dossier_from", day));
  const bool rises = cost && MoneyIn(before.cost()) < from;
  return rises || changes("administrative_data.terms.dossier") ? CheckDossier(terms, norms, day)
                                                               : absl::OkStatus();
}

absl::StatusOr<Review::Path> PathOf(const google::type::Money& cost,
                                    const google::type::Money& proposed, const norms::Norms& norms,
                                    base::Date day) {
  ASSIGN_OR_RETURN(const base::Money from, norms.Tenge("industry_map.cost.republican_from", day));
  return std::max(MoneyIn(cost), MoneyIn(proposed)) >= from ? Review::REPUBLICAN : Review::REGIONAL;
}

absl::Status Derive(const norms::Norms& norms, base::Date day, Project* project) {
  const ProjectParameters& parameters = project->parameters();
  project->set_on_map(IsOnMap(project->state()));
  project->set_region(parameters.kato().substr(0, 2));
  project->set_sector(parameters.oked().substr(0, 2));
  const auto planned = PlannedDay(parameters, Milestone::COMMISSIONING);
  project->set_commissioning_year(planned.has_value() ? planned->year() : 0);
  project->clear_bodies();
  if (parameters.has_responsible_body()) project->add_bodies(parameters.responsible_body().bin());
  const std::string& sector_body = parameters.sector_body_bin();
  if (!sector_body.empty() && sector_body != parameters.responsible_body().bin())
    project->add_bodies(sector_body);

  project->clear_cost_range_from();
  project->clear_cost_range_below();
  const base::Money cost = MoneyIn(project->administrative_data().terms().cost());
  if (cost.is_zero()) return absl::OkStatus();
  *project->mutable_cost_range_from() = base::Money().ToProto();
  for (int bound = 1; bound <= 5; ++bound) {
    ASSIGN_OR_RETURN(const base::Money sum,
                     norms.Tenge(absl::StrCat("industry_map.cost_range.bound_", bound), day));
    if (cost < sum) {
      *project->mutable_cost_range_below() = sum.ToProto();
      break;
    }
    *project->mutable_cost_range_from() = sum.ToProto();
  }
  return absl::OkStatus();
}

std::vector<std::string> ChangedFields(const ProjectParameters& before, const ProjectTerms& terms,
                                       const ProjectParameters& after,
                                       const ProjectTerms& new_terms) {
  std::vector<std::string> changed;
  AddChanged(before, after, kParameters, &changed);
  AddChanged(terms, new_terms, kTerms, &changed);
  return changed;
}

absl::Status TakeFields(const google::protobuf::RepeatedPtrField<std::string>& paths,
                        const ProjectParameters& parameters, const ProjectTerms& terms,
                        Project* project) {
  for (const std::string& path : paths) {
    const size_t dot = path.rfind('.');
    const std::string root = path.substr(0, dot);
    const std::string name = path.substr(dot + 1);
    const bool taken =
        root == kTerms
            ? TakeField(name, terms, project->mutable_administrative_data()->mutable_terms())
            : root == kParameters && TakeField(name, parameters, project->mutable_parameters());
    if (!taken) return base::StoreCorrupt("changed field of a review");
  }
  return absl::OkStatus();
}

absl::Status CheckRemarks(Conclusion::Verdict verdict,
                          const google::protobuf::RepeatedPtrField<v1::Remark>& remarks) {
  if ((verdict == Conclusion::RETURN) == remarks.empty()) return errors::RemarksInvalid();
  for (int i = 0; i < remarks.size(); ++i) {
    if (!IsRemarkable(remarks[i].field()))
      return errors::RemarkFieldUnknown(static_cast<size_t>(i));
  }
  return absl::OkStatus();
}

absl::Status Answer(const google::protobuf::RepeatedPtrField<v1::RemarkAnswer>& answers,
                    google::protobuf::RepeatedPtrField<v1::Remark>* remarks) {
  std::vector<int32_t> open;
  for (const v1::Remark& remark : *remarks) {
    if (remark.answer().empty()) open.push_back(remark.number());
  }
  std::vector<int32_t> given;
  for (const v1::RemarkAnswer& answer : answers) given.push_back(answer.number());
  std::sort(given.begin(), given.end());
  if (given != open) return errors::RemarkUnanswered(open);
  for (const v1::RemarkAnswer& answer : answers)
    (*remarks)[answer.number() - 1].set_answer(answer.answer());
  return absl::OkStatus();
}

absl::Status CheckActDate(base::Date act, base::Date since, base::Date today) {
  return since <= act && act <= today ? absl::OkStatus() : errors::ActDateInvalid("act_date");
}

absl::Status CheckResponsible(const v1::ResponsibleBody& body, uint32_t roles,
                              const std::string& bin) {
  const auto has = [roles](rpc::v1::Role role) { return (roles & base::RoleBit(role)) != 0; };
  switch (body.kind()) {
    case v1::ResponsibleBody::AUTHORITY:
      return has(rpc::v1::AUTHORITY_INDUSTRY) ? absl::OkStatus() : errors::NotResponsible();
    case v1::ResponsibleBody::AKIMAT:
      return has(rpc::v1::AKIMAT) ? absl::OkStatus() : errors::NotResponsible();
    default:
      // The role holds over the sector body, too, which answers for nothing.
      return has(rpc::v1::HOLDING) && bin == body.bin() ? absl::OkStatus()
                                                        : errors::NotResponsible();
  }
}

Project::State StateReached(const Project& project) {
  if (ReachedDay(project, Milestone::DESIGN_CAPACITY).has_value()) return Project::AT_CAPACITY;
  if (ReachedDay(project, Milestone::COMMISSIONING).has_value()) return Project::COMMISSIONED;
  return Project::INCLUDED;
}

absl::Status CheckMilestone(const Project& project, Milestone::Kind kind, base::Date day,
                            base::Date today) {
  if (day > today) return errors::DateInFuture("actual_date");
  if (ReachedDay(project, kind).has_value()) return errors::MilestoneReached();
  return CheckAmongReached(project, kind, day);
}

absl::Status CheckCorrection(const Project& project, Milestone::Kind kind,
                             std::optional<base::Date> day, base::Date today) {
  if (!ReachedDay(project, kind).has_value()) return errors::MilestoneNotReached();
  if (day.has_value()) {
    if (*day > today) return errors::DateInFuture("actual_date");
    return CheckAmongReached(project, kind, *day);
  }
  // The others may be recorded or not, but what runs at capacity runs.
  const bool runs = kind == Milestone::COMMISSIONING &&
                    ReachedDay(project, Milestone::DESIGN_CAPACITY).has_value();
  return runs ? errors::MilestonesOutOfOrder("actual_date") : absl::OkStatus();
}

void SetReached(Milestone::Kind kind, std::optional<base::Date> day, Project* project) {
  auto& facts = *project->mutable_milestone_facts();
  facts.erase(std::remove_if(facts.begin(), facts.end(),
                             [kind](const auto& fact) { return fact.kind() == kind; }),
              facts.end());
  if (day.has_value()) {
    v1::MilestoneFact& fact = *project->add_milestone_facts();
    fact.set_kind(kind);
    *fact.mutable_actual_date() = day->ToProto();
    std::sort(facts.begin(), facts.end(),
              [](const auto& a, const auto& b) { return a.kind() < b.kind(); });
  }
  if (OwesReports(project->state())) project->set_state(StateReached(*project));
  if (project->state() == Project::SUSPENDED) project->set_suspended_from(StateReached(*project));
}

}  // namespace nisi::industry_map
