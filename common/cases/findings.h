// Decisions that explain themselves: rules gather facts, and findings are made of these alone, so
// that a replay years later is the same function. Knows neither calls nor the store: rules use it.
//
//   Facts facts;
//   facts.Set("score", "31", assessment.name(), assessment.etag());
//   RETURN_IF_ERROR(facts.SetNorm(norms, "level.high_from", date));
//   ASSIGN_OR_RETURN(Decision decision, DecideLevel(facts));  // asks facts, calls AddFinding
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"

namespace nisi::cases {

// The facts of a decision by name.
class Facts {
 public:
  // Those that a decision was stored with.
  static Facts Of(const decision::v1::Decision& stored);

  // `source`: the name of the record it is from, and `version` its etag; else a word that says
  // where it is from, without a version.
  void Set(const std::string& name, absl::string_view value, absl::string_view source,
           absl::string_view version = "");
  // A norm of a day under its key. NORM_NOT_IN_FORCE.
  absl::Status SetNorm(const norms::Norms& norms, absl::string_view key, base::Date day);
  // A fact of another decision as it stands there, with where it is from: marked where that is a
  // norm that is an assumption. FACT_MISSING.
  absl::Status Take(const Facts& from, const std::string& name);
  // Marks what is decided on them as resting on an assumption where `assumed`, as what another
  // register found does.
  void Mark(bool assumed) { assumption_ = assumption_ || assumed; }

  // FACT_MISSING for a name that it does not have, as in decisions older than the rule's need for
  // it; DATA_LOSS for a value that does not read as what it is.
  absl::StatusOr<std::string> Text(const std::string& name) const;
  absl::StatusOr<int64_t> Number(const std::string& name) const;
  absl::StatusOr<base::Date> Date(const std::string& name) const;
  absl::StatusOr<base::Money> Money(const std::string& name) const;

  // Those whose names begin so, in order.
  std::vector<std::string> NamesUnder(absl::string_view prefix) const;

  bool Has(const std::string& name) const { return facts_.contains(name); }
  // An empty one for a name that it does not have.
  const decision::v1::Fact& Get(const std::string& name) const;
  // A norm among them is an assumption, or they were marked.
  bool rests_on_assumption() const { return assumption_; }

 private:
  std::map<std::string, decision::v1::Fact> facts_;
  bool assumption_ = false;
};

// `names`: the facts that the rule looked at. One that `facts` does not have is shown as missing,
// and what was not looked at is not satisfied.
void AddFinding(decision::v1::Decision* decision, const std::string& rule, bool satisfied,
                const base::LegalBasis& basis, const Facts& facts,
                std::initializer_list<const char*> names);
void AddFinding(decision::v1::Decision* decision, const std::string& rule, bool satisfied,
                const base::LegalBasis& basis, const Facts& facts,
                const std::vector<std::string>& names);
bool AllSatisfied(const decision::v1::Decision& decision);

// What the rule computed, told with the facts of its last finding: so that it is a part of what was
// decided, and a replay that computes something else is not the same.
void TellComputed(decision::v1::Decision* decision, const std::string& name,
                  absl::string_view value);

// The rule run again on the facts of a stored decision; what is no finding is taken from it.
// FACT_MISSING where the rule shows a fact that the decision was not stored with.
absl::StatusOr<decision::v1::Decision> Replay(
    const decision::v1::Decision& stored,
    const std::function<absl::StatusOr<decision::v1::Decision>(const Facts&)>& rule);

// The answer of a service's ReplayDecision: stored, replayed, and whether they are the same.
template <class Response>
absl::StatusOr<Response> ReplayAnswer(
    const decision::v1::Decision& stored,
    absl::StatusOr<decision::v1::Decision> (*replay)(const decision::v1::Decision&)) {
  Response response;
  *response.mutable_stored() = stored;
  ASSIGN_OR_RETURN(*response.mutable_replayed(), replay(stored));
  response.set_same(response.stored().SerializeAsString() ==
                    response.replayed().SerializeAsString());
  return response;
}

}  // namespace nisi::cases
