// What a project says by its reports, and what follows once they show it loaded for long enough.
#pragma once

#include <cstdint>
#include <vector>

#include "services/industry_map/env.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {

// All reports of a project, by quarter.
absl::StatusOr<std::vector<ReportRow>> ReportsOf(const store::Tx& tx, int32_t project,
                                                 const store::At& at = {});

// Shows them, of which there is one at least, in the project as it is on a day.
absl::Status ShowReports(const norms::Norms& norms, base::Date day,
                         const std::vector<ReportRow>& rows, Project* project);
// Those that stood on a day, today or before; nothing where there was none.
absl::Status ShowReportsOf(const Env& env, const store::Tx& tx, int32_t number, base::Date day,
                           Project* project);

// Once the quarters up to the last report are loaded as long as is asked for, the register proposes
// that the project leave the map; a person decides.
absl::Status ProposeSuccess(const Env& env, store::Tx& tx, ProjectRow* row);

}  // namespace nisi::industry_map
