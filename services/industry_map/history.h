// What holds from another day than today: from a past one through every version since, or from one
// to come; and what is tied to a project by the day. See common/store/reader.h for the two times.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/cases/step.h"
#include "services/industry_map/env.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {

// What becomes of the version of a project that holds on a day.
using Amend = std::function<absl::Status(base::Date day, v1::Project* project)>;

// Amends every version that holds on a day from `from` up to yesterday, each of which keeps what
// else it says; their lights are those of their days. Nothing where `from` is no past day.
absl::Status AmendPast(const Env& env, store::Tx& tx, int32_t number, base::Date from,
                       const Amend& amend);
// Ends a step that holds from `from`, today or before: the versions since go the same way, and are
// amended as today's is.
absl::Status SettleSince(const Env& env, store::Tx& tx, cases::Step<ProjectRow>* step,
                         base::Date from, const Amend& amend);

// Puts the version of today, and those to come that build on it.
absl::Status PutProject(const Env& env, store::Tx& tx, ProjectRow* row);
// Puts the versions to come once more: `row` as it has been put, with what has not begun to hold.
absl::Status PutToCome(const Env& env, store::Tx& tx, const ProjectRow& row);
// Notes what begins to hold on a day to come, for the put that follows.
void AddToCome(v1::ToCome entry, ProjectRow* row);

// Puts what an adopted change changes into a project. A review holds all parameters as they were
// proposed; those that it does not change may differ by now, or on another day.
absl::Status ApplyChange(const v1::Review& review, v1::Project* project);

// Hands on what is tied to a project by the day, after its owner, place or body has changed from
// `from`, a day that has come: reports on quarters that ended since, the open duties to report on
// them, and open reviews with their terms.
absl::Status Retie(store::Tx& tx, int32_t number, base::Date from);

// The place of a project follows the classifier: where it has ended, what took over from it holds
// from that day; where it will end, from the day to come.
absl::Status FollowPlace(const Env& env, store::Tx& tx, int32_t number);
// The timer: the projects that a classifier has moved, some in a command.
absl::Status FollowPlaces(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
// Sees to that timer for projects at places that end on `day`.
absl::Status ScheduleMoves(store::Tx& tx, const std::vector<std::string>& places, base::Date day);

}  // namespace nisi::industry_map
