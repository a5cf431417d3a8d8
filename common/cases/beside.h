// The end of a step that changes what belongs to a case and lies in records of its own, as the
// lines of a list: of the case itself only who did it is to be noted.
#pragma once

#include "common/cases/step.h"

namespace nisi::cases {

// Whether the row's life has it that who takes the step has done such a step before.
absl::StatusOr<bool> HasDone(const Progress& step, const google::protobuf::Message& row);

// The row has a new version where they do it for the first time, else it stays as it is.
template <class Row>
absl::Status FinishBeside(store::Tx& tx, const norms::Norms& norms, const store::Table<Row>& table,
                          Step<Row>* step) {
  ASSIGN_OR_RETURN(const bool done, HasDone(*step, step->row));
  return done ? absl::OkStatus() : Finish(tx, norms, table, step);
}

}  // namespace nisi::cases
