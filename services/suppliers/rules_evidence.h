// What evidence says, for how long it says so, and who is domestic by it (Art. 51(2), 51(4)(2)), as
// pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/suppliers/v1/rows.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::suppliers {

using v1::Evidence;
using v1::Offer;

enum class EvidenceVerb { kAdd, kConfirm, kRevoke };
// Its refusals are EVIDENCE_STATE.
const base::Machine<Evidence::State, EvidenceVerb>& EvidenceMachine();

// Whether what the paper says may be (Art. 13(3)(2), 9(6)), and its last day, which the outcome is:
// the one given, or that of the norm of its type, which is also the longest. EVIDENCE_DATES,
// EVIDENCE_TERM_TOO_LONG, EVIDENCE_VALUE, COVER_TWICE. The evidence's name and etag say where it is
// recorded. `root`: where it stands in the request, as "evidence."; empty for a row of an import.
absl::StatusOr<decision::v1::Decision> DecideTerm(const Evidence& evidence,
                                                  const norms::Norms& norms,
                                                  absl::string_view root);
absl::StatusOr<decision::v1::Decision> ReplayTerm(const decision::v1::Decision& stored);

// From which day on evidence no longer counts that is revoked (Art. 13(3)(2)): `asked` for, or its
// first where it was never confirmed; which day may be asked for. The outcome is that day.
// REVOKE_DATE. `owner`: whether nobody but its supplier revokes it.
absl::StatusOr<decision::v1::Decision> DecideRevocation(
    const v1::EvidenceRow& row, base::Date asked, bool owner, const std::string& reason,
    const std::string& recorded, base::Date today, const norms::Norms& norms);
absl::StatusOr<decision::v1::Decision> ReplayRevocation(const decision::v1::Decision& stored);

// The days on which evidence counts: it was confirmed, from its first day to its last or to the day
// before it was revoked. nullopt: on none.
struct Days {
  base::Date first;
  base::Date until;  // the first on which it no longer counts
  bool Has(base::Date day) const { return first <= day && day < until; }
};
std::optional<Days> CountsOn(const v1::EvidenceRow& row);
// Evidence of conformity says nothing of value.
bool SaysValue(Evidence::Type type);
// The in-country value that it gives a code, 0 for one that it does not cover.
int32_t ValueFor(const Evidence& evidence, const std::string& ens_tru);

// The in-country value of an offer by day: on each stretch the lowest value above 0 of the
// evidence that counts and covers exactly its code, of equal ones by the first of `evidence`, which
// are the rows that the offer names. Stretches that differ in nothing are one.
std::vector<v1::ValuePeriod> ValuePeriods(const std::string& ens_tru,
                                          absl::Span<const v1::EvidenceRow* const> evidence);

// Whether an offer may rest on evidence that it names (`row`, null: there is none).
// EVIDENCE_FOREIGN, EVIDENCE_DOES_NOT_COVER.
absl::Status CheckEvidence(const Offer& offer, const std::string& name, const v1::EvidenceRow* row);
// PRICE_RANGE, INVALID_FIELD. `path`: see errors.h.
absl::Status CheckOffer(const Offer& offer, absl::string_view path);
inline constexpr int64_t kMaxOffers = 20'000;   // a supplier
inline constexpr int64_t kMaxEvidence = 2'000;  // a supplier, of all states

// Whether a supplier, as it stands on the day (null: it is not there), is a domestic producer or
// supplier on it, by its evidence for a code, or for any where that is empty. The first of
// NOT_ACTIVE, NO_VALID_EVIDENCE and VALUE_ZERO that holds is the reason; so the decision lists what
// was found. It rests on an assumption where the term of a registration is one on the day, or where
// a paper that was looked at has a last day that rests on one.
v1::CheckDomesticResponse::Result Domestic(const std::string& bin, const v1::Supplier* supplier,
                                           absl::Span<const v1::EvidenceRow> evidence,
                                           const std::string& ens_tru, base::Date day,
                                           const norms::Norms& norms);

}  // namespace nisi::suppliers
