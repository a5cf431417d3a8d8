#include "services/industry_map/history.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/cases/deadlines.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/places.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

// At most so many projects are moved in one command, or it would hold the writer.
constexpr size_t kMoved = 200;
// A place has a few successors at most; a circle ends here.
constexpr int kMaxMoves = 16;

store::At On(base::Date day) {
  store::At at;
  at.as_of = day;
  return at;
}

base::Date DayOf(const v1::ToCome& entry) {
  return base::Date::FromProto(entry.day()).value_or(base::Date::Max());
}

// What begins to hold, put into a project.
absl::Status Take(const store::Tx& tx, const v1::ToCome& entry, ProjectRow* row) {
  Project& project = *row->mutable_project();
  if (entry.review() != 0) {
    // It has left the map since: nothing is left to change.
    if (!IsOnMap(project.state())) return absl::OkStatus();
    ASSIGN_OR_RETURN(const ReviewRow review, LoadReview(tx, row->number(), entry.review()));
    return ApplyChange(review.review(), &project);
  }
  if (project.parameters().kato() == entry.ends())
    project.mutable_parameters()->set_kato(entry.kato());
  return absl::OkStatus();
}

// The days on which versions of a record begin to hold.
absl::StatusOr<std::set<base::Date>> DaysOf(const store::Tx& tx, const store::TableDef& table,
                                            const store::Key& key,
                                            std::optional<base::Date> down_to = std::nullopt) {
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(table, key.bytes(), down_to));
  std::set<base::Date> days;
  for (const store::RawRow& version : versions) days.insert(version.version.effective_from);
  return days;
}

// Ties of a report to what its project was on the last day of the quarter.
bool TieReport(const Project& then, Report* report) {
  const std::string before = report->SerializeAsString();
  *report->mutable_responsible_body() = then.parameters().responsible_body();
  report->set_owner_bin(then.parameters().owner_bin());
  report->set_kato(then.parameters().kato());
  report->set_region(then.region());
  return report->SerializeAsString() != before;
}

absl::Status TieReports(store::Tx& tx, int32_t number, base::Date from) {
  std::vector<int32_t> quarters;
  RETURN_IF_ERROR(
      tx.Scan(kReports, {store::Key::Of(number), ""}, {},
              [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ReportRow>(row));
                quarters.push_back(stored.row.quarter_index());
                return true;
              }));
  for (const int32_t index : quarters) {
    ASSIGN_OR_RETURN(const base::Quarter quarter, base::Quarter::Of(index / 4, index % 4 + 1));
    if (quarter.last_day() < from) continue;
    ASSIGN_OR_RETURN(const auto then,
                     tx.Find(kProjects, ProjectKey(number), On(quarter.last_day())));
    if (!then.has_value()) continue;
    const store::Key key = ReportKey(number, quarter);
    ASSIGN_OR_RETURN(const auto days, DaysOf(tx, kReports, key));
    for (const base::Date day : days) {
      ASSIGN_OR_RETURN(auto found, tx.Find(kReports, key, On(day)));
      if (!found.has_value() || !TieReport(then->row.project(), found->row.mutable_report()))
        continue;
      RETURN_IF_ERROR(tx.Put(kReports, &found->row, day));
    }
  }
  return absl::OkStatus();
}

// Ties of an open review. What a change proposes stays as it was proposed.
absl::Status TieReview(store::Tx& tx, const Project& project, const std::string& name) {
  ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(name));
  ASSIGN_OR_RETURN(ReviewRow row, LoadReview(tx, numbers.project, numbers.review));
  Review& review = *row.mutable_review();
  const std::string before = review.SerializeAsString();
  const ProjectParameters& now = project.parameters();
  review.set_owner_bin(now.owner_bin());
  if (review.kind() != Review::CHANGE) {
    review.set_kato(now.kato());
    *review.mutable_bodies() = project.bodies();
    if (review.path() == Review::REPUBLICAN) review.set_sector_body_bin(now.sector_body_bin());
  } else {
    ASSIGN_OR_RETURN(const std::string kato, CodeOn(tx, review.kato(), tx.today()));
    review.set_kato(kato);
  }
  if (!review.proposer_kato().empty()) {
    ASSIGN_OR_RETURN(const std::string kato, CodeOn(tx, review.proposer_kato(), tx.today()));
    review.set_proposer_kato(kato);
  }
  ASSIGN_OR_RETURN(const std::string region, RegionOn(tx, review.kato(), tx.today()));
  review.set_region(region);
  if (review.SerializeAsString() == before) return absl::OkStatus();
  RETURN_IF_ERROR(tx.Put(kReviews, &row));
  const cases::Who who = WhoActs(review, review.state());
  ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, name));
  for (cases::Deadline deadline : open) {
    deadline.set_bin(who.bin);
    deadline.set_region(who.region);
    deadline.set_body(who.body);
    RETURN_IF_ERROR(cases::HandOver(tx, deadline.name(), deadline));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AmendPast(const Env& env, store::Tx& tx, int32_t number, base::Date from,
                       const Amend& amend) {
  const base::Date today = tx.today();
  if (from >= today) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::set<base::Date> days, DaysOf(tx, kProjects, ProjectKey(number), from));
  days.erase(days.begin(), days.lower_bound(from));
  days.erase(days.lower_bound(today), days.end());
  days.insert(from);
  std::set<base::Date> turned;  // days on which time alone turns the light
  ProjectRow row;
  for (auto day = days.begin(); day != days.end(); ++day) {
    if (!turned.contains(*day)) {
      ASSIGN_OR_RETURN(auto then, tx.Find(kProjects, ProjectKey(number), On(*day)));
      if (!then.has_value()) continue;
      row = std::move(then->row);
      RETURN_IF_ERROR(amend(*day, row.mutable_project()));
      RETURN_IF_ERROR(DeriveOn(env, tx, *day, row.mutable_project()));
    }
    RETURN_IF_ERROR(SetLight(env, tx, *day, &row));
    const LightFacts facts{&row.project(), row.project().state(), tx.etag(), *day};
    const auto turns = LightTurns(facts, *env.norms);
    // A day before the methodology has no light that could turn.
    if (!turns.ok() && base::ReasonOf(turns.status()) != "NORM_NOT_IN_FORCE") return turns.status();
    const auto next = turns.ok() ? *turns : std::nullopt;
    if (next.has_value() && *next < today && days.insert(*next).second) turned.insert(*next);
    RETURN_IF_ERROR(tx.Put(kProjects, &row, *day));
  }
  return absl::OkStatus();
}

absl::Status SettleSince(const Env& env, store::Tx& tx, cases::Step<ProjectRow>* step,
                         base::Date from, const Amend& amend) {
  if (step->edge == nullptr) return step->allowed.Only().status();
  const auto was = static_cast<Project::State>(step->edge->from);
  const auto is = static_cast<Project::State>(step->edge->to);
  const auto go = [&](base::Date day, Project* project) {
    if (project->state() == was) {
      project->set_state(is);
    } else if (project->suspended_from() == was && OwesReports(is)) {
      project->set_suspended_from(is);  // suspended for a time since
    }
    return amend(day, project);
  };
  RETURN_IF_ERROR(AmendPast(env, tx, step->row.number(), from, go));
  RETURN_IF_ERROR(amend(tx.today(), step->row.mutable_project()));
  return Settle(env, tx, step);
}

absl::Status PutProject(const Env& env, store::Tx& tx, ProjectRow* row) {
  RETURN_IF_ERROR(tx.Put(kProjects, row));
  return PutToCome(env, tx, *row);
}

absl::Status PutToCome(const Env& env, store::Tx& tx, const ProjectRow& row) {
  ProjectRow then = row;
  const auto& entries = row.to_come();
  for (int i = 0; i < entries.size(); ++i) {
    const base::Date day = DayOf(entries[i]);
    if (day <= tx.today()) continue;  // the version of today has it
    RETURN_IF_ERROR(Take(tx, entries[i], &then));
    if (i + 1 < entries.size() && DayOf(entries[i + 1]) == day) continue;
    then.clear_to_come();
    for (int later = i + 1; later < entries.size(); ++later) *then.add_to_come() = entries[later];
    RETURN_IF_ERROR(DeriveOn(env, tx, day, then.mutable_project()));
    RETURN_IF_ERROR(SetLight(env, tx, day, &then));
    RETURN_IF_ERROR(tx.Put(kProjects, &then, day));
  }
  return absl::OkStatus();
}

void AddToCome(v1::ToCome entry, ProjectRow* row) {
  auto& entries = *row->mutable_to_come();
  *entries.Add() = std::move(entry);
  // Of two of a day the one that was adopted later is put over the other.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const v1::ToCome& a, const v1::ToCome& b) { return DayOf(a) < DayOf(b); });
}

absl::Status ApplyChange(const Review& review, Project* project) {
  *project->mutable_change_act() = review.act();
  return TakeFields(review.changed_fields(), review.parameters(),
                    review.administrative_data().terms(), project);
}

absl::Status Retie(store::Tx& tx, int32_t number, base::Date from) {
  RETURN_IF_ERROR(TieReports(tx, number, from));
  RETURN_IF_ERROR(HandOverReports(tx, number, from));
  ASSIGN_OR_RETURN(const ProjectRow row, LoadProject(tx, number));
  for (const std::string& name : row.project().open_reviews())
    RETURN_IF_ERROR(TieReview(tx, row.project(), name));
  return absl::OkStatus();
}

absl::Status FollowPlace(const Env& env, store::Tx& tx, int32_t number) {
  for (int i = 0; i < kMaxMoves; ++i) {
    ASSIGN_OR_RETURN(ProjectRow row, LoadProject(tx, number));
    const std::string ends = row.project().parameters().kato();
    ASSIGN_OR_RETURN(const auto move, NextMove(tx, ends));
    if (!move.has_value() || move->kato == ends) return absl::OkStatus();
    if (move->day > tx.today()) {
      for (const v1::ToCome& entry : row.to_come()) {
        if (entry.ends() == ends) return absl::OkStatus();
      }
      v1::ToCome entry;
      *entry.mutable_day() = move->day.ToProto();
      entry.set_ends(ends);
      entry.set_kato(move->kato);
      AddToCome(std::move(entry), &row);
      return PutProject(env, tx, &row);
    }
    const auto amend = [&](base::Date, Project* project) {
      if (project->parameters().kato() == ends) project->mutable_parameters()->set_kato(move->kato);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(AmendPast(env, tx, number, move->day, amend));
    RETURN_IF_ERROR(amend(tx.today(), row.mutable_project()));
    RETURN_IF_ERROR(DeriveOn(env, tx, tx.today(), row.mutable_project()));
    RETURN_IF_ERROR(PutProject(env, tx, &row));
  }
  return absl::OkStatus();
}

absl::Status FollowPlaces(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time) {
  const std::vector<absl::string_view> parts = absl::StrSplit(payload, '/');
  const auto day = base::Date::Parse(parts.front());
  if (!day.ok() || parts.size() != 2) return base::StoreCorrupt("timer of places");
  tx.Cite(errors::UnifiedMap());
  for (const absl::string_view text : absl::StrSplit(parts[1], ',')) {
    int32_t number = 0;
    if (!absl::SimpleAtoi(text, &number)) return base::StoreCorrupt("timer of places");
    const absl::Status moved = tx.Attempt([&]() -> absl::Status {
      RETURN_IF_ERROR(FollowPlace(env, tx, number));
      return *day <= tx.today() ? Retie(tx, number, *day) : absl::OkStatus();
    });
    // One that does not let itself be moved stops no other.
    if (absl::IsUnavailable(moved)) return moved;
    if (!moved.ok()) {
      base::Log(base::Severity::kError, "place_refused",
                {{"project", ProjectName(number)}, {"status", moved.ToString()}});
    }
  }
  return absl::OkStatus();
}

absl::Status ScheduleMoves(store::Tx& tx, const std::vector<std::string>& places, base::Date day) {
  std::set<int32_t> moved;
  for (const std::string& kato : places) {
    RETURN_IF_ERROR(
        tx.Scan(kProjectsByPlace, {store::Key::Of(kato), ""}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ProjectRow>(row));
                  moved.insert(stored.row.number());
                  return true;
                }));
  }
  for (auto first = moved.begin(); first != moved.end();) {
    auto last = first;
    for (size_t n = 0; n < kMoved && last != moved.end(); ++n) ++last;
    const std::string payload = absl::StrCat(day.ToString(), "/", absl::StrJoin(first, last, ","));
    tx.Schedule(tx.today().StartOfDay(), kPlacesTimer, payload);  // at once
    // On the day what is tied to them goes along.
    if (day > tx.today()) tx.Schedule(day.StartOfDay(), kPlacesTimer, payload);
    first = last;
  }
  return absl::OkStatus();
}

}  // namespace nisi::industry_map
