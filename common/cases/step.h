// A step of a case: what a command does that moves one record by one verb of its machine. State,
// duty and version are checked at its beginning; state, acts, terms, law and journal are set at its
// end; in between stands what its article says.
//
//   ASSIGN_OR_RETURN(auto found, tx.Find(kProjects, key));       // and the caller's roles over it
//   ASSIGN_OR_RETURN(auto step, cases::Begin(call, ProjectMachine(), Verb::kReturn,
//                                            std::move(found->row), {.roles = roles,
//                                            .etag = request.etag()}));
//   step.row.mutable_project()->set_remarks(request.remarks());
//   RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kProjects, &step, {.body = ...}));
//   return step.row.project();
//
// By convention the resource, field 1 of the row, has `name`, `state` and `etag` and may have
// `due_date`; the row may have `nisi.cases.v1.Life life`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/machine.h"
#include "common/cases/deadlines.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/store/table.h"
#include "common/store/tx.h"
#include "google/protobuf/message.h"

namespace nisi::cases {

// How the caller comes to a step.
struct Standing {
  uint32_t roles = 0;  // over the record; 0: none
  std::string etag;    // of the version that the caller saw; empty: any
  uint32_t path = base::kAnyPath;
  // What was done with the record so far and does not stand in the row's life.
  std::vector<base::Acted> acts;
};

// Who must do what is due next: at most one of them, see Deadline.
struct Who {
  std::string bin;
  std::string region;
  std::string body;
};

// What a step knows besides its row.
struct Progress {
  const base::MachineDef* machine = nullptr;
  base::Allowed allowed;
  const base::EdgeDef* edge = nullptr;  // null: an outcome must be chosen
  uint32_t path = base::kAnyPath;
  uint32_t roles = 0;             // of the caller over the record
  std::string subject;            // who does it
  std::optional<base::Date> day;  // from which it holds, as with Tx::Put
  // From which the terms run that it opens, where it is not that day: of a state that was left by
  // mistake they run as if it never had been.
  std::optional<base::Date> since;
  // On which they end, where a decision has said so: whatever norms say of that term by now.
  std::optional<base::Date> until;

  // Chooses the outcome that leads to a state. INTERNAL: the table has none.
  absl::Status Lead(int state);
};

template <class Row>
struct Step : Progress {
  Row row;
};

// Without types. ACCESS_DENIED for a stranger; VERSION_MISMATCH, as the state that the caller saw
// is not the one that is; then what the machine refuses.
absl::StatusOr<Progress> BeginStep(const rpc::Call& call, const base::MachineDef& machine, int verb,
                                   const google::protobuf::Message& row, const Standing& standing);
absl::StatusOr<Progress> BeginStepByItself(const base::MachineDef& machine, int verb,
                                           const google::protobuf::Message& row, uint32_t path,
                                           std::optional<base::Date> day);
absl::Status FinishStep(store::Tx& tx, const norms::Norms& norms, const store::TableDef& table,
                        const Progress& step, const Who& who, google::protobuf::Message* row);

template <class State, class Verb, class Row>
absl::StatusOr<Step<Row>> Begin(const rpc::Call& call, const base::Machine<State, Verb>& machine,
                                Verb verb, Row&& row, const Standing& standing) {
  static_assert(!std::is_reference_v<Row>, "a step takes its row: std::move");
  ASSIGN_OR_RETURN(Progress progress,
                   BeginStep(call, machine, static_cast<int>(verb), row, standing));
  return Step<Row>{std::move(progress), std::move(row)};
}
// What nobody calls: in a timer, an act of a deadline, or beside another record's step. `day`: from
// which it holds and its terms run, as an OverdueFn is told it.
template <class State, class Verb, class Row>
absl::StatusOr<Step<Row>> BeginByItself(const base::Machine<State, Verb>& machine, Verb verb,
                                        Row&& row, std::optional<base::Date> day = std::nullopt,
                                        uint32_t path = base::kAnyPath) {
  static_assert(!std::is_reference_v<Row>, "a step takes its row: std::move");
  ASSIGN_OR_RETURN(Progress progress,
                   BeginStepByItself(machine, static_cast<int>(verb), row, path, day));
  return Step<Row>{std::move(progress), std::move(row)};
}

// Sets the state and notes who did it; closes the terms of the state that is left, as met or as no
// longer owed (what happens by itself when a term is over has not met it), and opens those of the
// state entered, with the norms of its day (NORM_NOT_IN_FORCE); a term that both have runs on, for
// whoever has to act now, unless the step keeps the state and meets it (Clauses::meets). Sets
// due_date to the earliest that is open, cites the edge's law and puts the row. A machine with
// terms needs the tables of WithDeadlines.
template <class Row>
absl::Status Finish(store::Tx& tx, const norms::Norms& norms, const store::Table<Row>& table,
                    Step<Row>* step, const Who& who = {}) {
  return FinishStep(tx, norms, table, *step, who, &step->row);
}

}  // namespace nisi::cases
