// ImportProjects: a map that was kept before this register comes in as it stood, on the act by
// which it did. How rows come and are reported on is in common/rpc/import.h.
#include <cstdlib>
#include <set>

#include "absl/strings/str_split.h"
#include "common/base/decimal.h"
#include "common/base/text.h"
#include "common/rpc/import.h"
#include "services/industry_map/cells.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"
#include "services/industry_map/places.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

using ImportRow = v1::ImportProjectsRequest::Row;

void Plan(Milestone::Kind kind, const std::string& cell, ProjectParameters* parameters) {
  if (cell.empty()) return;
  Milestone& milestone = *parameters->add_milestones();
  milestone.set_kind(kind);
  *milestone.mutable_planned_date() = DateIn(cell);
}

void Reach(Milestone::Kind kind, const std::string& cell, Project* project) {
  if (cell.empty()) return;
  v1::MilestoneFact& fact = *project->add_milestone_facts();
  fact.set_kind(kind);
  *fact.mutable_actual_date() = DateIn(cell);
}

// The project as it was on a day: what was reached by then, and the state that follows from it.
Project AsOf(const Project& project, base::Date day) {
  Project then = project;
  then.clear_milestone_facts();
  for (const v1::MilestoneFact& fact : project.milestone_facts()) {
    const auto reached = base::Date::FromProto(fact.actual_date());
    if (reached.ok() && *reached <= day) *then.add_milestone_facts() = fact;
  }
  then.set_state(StateReached(then));
  return then;
}

class ProjectImport final : public rpc::Import<v1::ImportProjectsRequest, Project> {
 public:
  explicit ProjectImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  Project FromRow(const ImportRow& row) const override {
    Project project;
    project.set_earlier_number(row.earlier_number());
    ProjectParameters& parameters = *project.mutable_parameters();
    parameters.mutable_title()->set_kk(row.title_kk());
    parameters.mutable_title()->set_ru(row.title_ru());
    parameters.mutable_title()->set_en(row.title_en());
    parameters.set_kind(EnumIn(row.kind(), ProjectParameters::Kind_Parse));
    parameters.set_stage(EnumIn(row.stage(), ProjectParameters::Stage_Parse));
    parameters.set_kato(row.kato());
    if (!row.latitude().empty() || !row.longitude().empty()) {
      parameters.mutable_point()->set_latitude_millionths(DegreesIn(row.latitude()));
      parameters.mutable_point()->set_longitude_millionths(DegreesIn(row.longitude()));
    }
    parameters.set_zone(row.zone());
    parameters.set_owner_bin(row.owner_bin());
    parameters.set_owner_name(row.owner_name());
    parameters.set_oked(row.oked());
    for (const auto code : absl::StrSplit(row.goods_codes(), ' ', absl::SkipEmpty()))
      parameters.add_goods_codes(std::string(code));
    v1::ResponsibleBody& body = *parameters.mutable_responsible_body();
    body.set_kind(EnumIn(row.responsible_body_kind(), v1::ResponsibleBody::Kind_Parse));
    body.set_bin(row.responsible_body_bin());
    body.set_name(row.responsible_body_name());
    parameters.set_sector_body_bin(row.sector_body_bin());
    parameters.set_jobs_building(NumberIn(row.jobs_building()));
    parameters.set_jobs_operation(NumberIn(row.jobs_operation()));
    Plan(Milestone::CONSTRUCTION, row.construction_planned(), &parameters);
    Plan(Milestone::COMMISSIONING, row.commissioning_planned(), &parameters);
    Plan(Milestone::DESIGN_CAPACITY, row.design_capacity_planned(), &parameters);
    Reach(Milestone::COMMISSIONING, row.commissioned_on(), &project);
    Reach(Milestone::DESIGN_CAPACITY, row.at_capacity_on(), &project);
    ProjectTerms& terms = *project.mutable_administrative_data()->mutable_terms();
    if (!row.cost().empty()) *terms.mutable_cost() = MoneyIn(row.cost());
    terms.set_export_share_bp(ShareIn(row.export_share()));
    terms.set_in_country_value_bp(ShareIn(row.in_country_value()));
    return project;
  }

  std::string KeyOf(const ImportRow& row) const override {
    const auto text = base::CheckText(row.earlier_number(), {.max_chars = 50});
    return text.ok() ? *text : "";
  }

  absl::Status Begin(store::Tx& tx, const Call&, const Header& header) override {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(header.act_date()));
    if (day > tx.today()) return errors::ActDateInvalid("header.act_date");
    day_ = day;
    act_number_ = header.act_number();
    act_date_ = header.act_date();
    entered_.clear();
    tx.Cite(errors::ApprovalOfTheMap());
    return FollowQuarters(tx);
  }

  absl::Status Enter(store::Tx& tx, const Project& given) override {
    RETURN_IF_ERROR(Check(tx, given));
    ProjectRow row;
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("projects"));
    row.set_number(static_cast<int32_t>(number));
    Project& project = *row.mutable_project();
    project = given;
    project.set_name(ProjectName(row.number()));
    project.set_parameters_etag(tx.etag());
    // On the map since then, though known here from now on: reports of quarters since are taken.
    *project.mutable_include_date() = act_date_;
    project.set_include_act_number(act_number_);
    *project.mutable_include_act_date() = act_date_;
    return PutSince(tx, row);
  }

 private:
  // A version from the act on, and one from each day since on which a milestone was reached.
  absl::Status PutSince(store::Tx& tx, const ProjectRow& row) {
    std::set<base::Date> days{day_};
    for (const v1::MilestoneFact& fact : row.project().milestone_facts()) {
      ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(fact.actual_date()));
      if (day > day_) days.insert(day);
    }
    for (const base::Date day : days) {
      ProjectRow version = row;
      *version.mutable_project() = AsOf(row.project(), day);
      RETURN_IF_ERROR(DeriveOn(env_, tx, day, version.mutable_project()));
      // The light is of today, which the last version alone holds on.
      if (day == *days.rbegin()) RETURN_IF_ERROR(UpdateLight(env_, tx, tx.today(), &version));
      RETURN_IF_ERROR(tx.Put(kProjects, &version, day));
    }
    ASSIGN_OR_RETURN(const auto move, NextMove(tx, row.project().parameters().kato()));
    return move.has_value() ? FollowPlace(env_, tx, row.number()) : absl::OkStatus();
  }

  absl::Status Check(const store::Tx& tx, const Project& project) {
    RETURN_IF_ERROR(CheckForm(project.parameters(), project.administrative_data().terms(),
                              *env_.norms, tx.today(), ""));
    RETURN_IF_ERROR(CheckPlace(tx, project.parameters().kato(), day_, "parameters.kato"));
    base::Date last = base::Date::Min();
    for (const v1::MilestoneFact& fact : project.milestone_facts()) {
      ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(fact.actual_date()));
      if (day > tx.today()) return errors::DateInFuture("milestone_facts");
      if (day < last) return errors::MilestonesOutOfOrder("milestone_facts");
      last = day;
    }
    if (ReachedDay(project, Milestone::DESIGN_CAPACITY).has_value() &&
        !ReachedDay(project, Milestone::COMMISSIONING).has_value()) {
      return errors::MilestonesOutOfOrder("commissioned_on");
    }
    const std::string& earlier = project.earlier_number();
    if (earlier.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto known,
                     tx.FindUnique(kProjectsByEarlierNumber, store::Key::Of(earlier)));
    if (known.has_value()) return errors::AlreadyImported(known->row.project().name());
    // Twice in one file.
    if (!entered_.insert(earlier).second) return errors::AlreadyImported(earlier);
    return absl::OkStatus();
  }

  Env& env_;
  base::Date day_;
  std::string act_number_;
  google::type::Date act_date_;
  std::set<std::string> entered_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportProjectsRequest>>> ImportProjects(
    Env& env, Call&) {
  return std::make_unique<ProjectImport>(env);
}

}  // namespace nisi::industry_map
