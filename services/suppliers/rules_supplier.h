// Art. 51 as pure functions: what can happen to a registration, and how it is verified.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/suppliers/v1/resources.pb.h"
#include "nisi/suppliers/v1/rows.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::suppliers {

using v1::Supplier;

enum class SupplierVerb {
  kRegister,
  kImport,
  kEdit,
  kEditContacts,
  kSubmit,
  kAskRegisters,
  kVerify,
  kVerifyLate,
  kAccept,
  kSendBack,
  kSuspend,
  kReinstate,
  kEndSuspension,
  kExpire,
  kRemove,
};
// Its refusals are SUPPLIER_STATE.
const base::Machine<Supplier::State, SupplierVerb>& SupplierMachine();

inline constexpr char kAutoVerificationDays[] = "suppliers.auto_verification_days";
inline constexpr char kRegistrationMonths[] = "suppliers.registration_months";

// The last day of `months` months that begin on `first`: the day before the same day of the last
// month, or the last of a month that has no such day.
base::Date EndOfMonths(base::Date first, int64_t months);
// Of a registration that begins on `day`. NORM_NOT_IN_FORCE.
absl::StatusOr<base::Date> EndOfRegistration(const norms::Norms& norms, base::Date day);

// How it stands on a day, which may be to come: what by then happens by itself has happened.
void ShowOn(base::Date day, Supplier* supplier);

// Whether a suspension, or a removal for cause, stands on a day. A suspension that had an end ends
// then, whatever has become of the registration meanwhile: that it expired makes no more of it.
bool MeasureStands(const v1::SupplierRow& row, base::Date day);

// The smallest class whose bounds for staff and for income both hold, by the norms of 1 January of
// the year after the financial year (Entrepreneurial Code, Art. 24); SIZE_UNSPECIFIED while staff
// or income is not told. SIZE_NORM_MISSING. `root`: where the supplier stands in the request, as
// "supplier."; empty for a row of an import.
absl::StatusOr<v1::Size> SizeOf(const Supplier& supplier, const norms::Norms& norms,
                                absl::string_view root);
// Sets it, and whether a norm that it was found by is an assumption.
absl::Status SetSize(const norms::Norms& norms, absl::string_view root, Supplier* supplier);

// Whether it holds what a registration needs (Art. 51(4)(1)). PROFILE_INCOMPLETE with the fields.
absl::Status CheckProfile(const Supplier& supplier);

// Whether an edit touches what is verified: anything but contacts, website and finance.
bool ChangesVerified(const Supplier& before, const Supplier& after);

using Answer = v1::VerifySupplierRequest::Answer;
struct Verification {
  std::string name;      // of the supplier
  std::string etag;      // of the version that was handed in
  std::string recorded;  // the etag under which the answers are recorded
  int64_t submitted_us = 0;
  bool measure = false;  // a suspension or removal for cause stands
  base::Date today;
  absl::Time now;
};
// What the answers of the registers come to (Art. 13(3)(1), 51(3)): outcome ACTIVE when all are
// there, of after the submission, and satisfied, and no measure stands; else MANUAL_REVIEW.
// INVALID_FIELD for a check answered twice.
absl::StatusOr<decision::v1::Decision> Verify(const Verification& facts,
                                              absl::Span<const Answer* const> answers,
                                              const norms::Norms& norms);

// What a reviewer decides by hand on the verification before it, if there was one (Art. 13(3)(1)):
// outcome ACTIVE or DRAFT. REVIEW_OVERRULES_REGISTER.
absl::StatusOr<decision::v1::Decision> Review(const Supplier& supplier, bool accept,
                                              const std::string& reason,
                                              const std::string& recorded, base::Date today,
                                              const norms::Norms& norms);

// What is decided on a registration beside its verification (Art. 51(1)): that it is suspended,
// until a day where one is given, reinstated or removed. The outcome is the state.
// SUSPENSION_END_PAST.
absl::StatusOr<decision::v1::Decision> DecideMeasure(const Supplier& supplier, Supplier::State to,
                                                     const std::string& reason,
                                                     std::optional<base::Date> until,
                                                     const std::string& recorded, base::Date today,
                                                     const norms::Norms& norms);

// Any of them again, from its stored facts alone. FACT_MISSING; DATA_LOSS.
absl::StatusOr<decision::v1::Decision> ReplaySupplier(const decision::v1::Decision& stored);
// The last day of the registration that a decision with the outcome ACTIVE gives.
absl::StatusOr<base::Date> ValidUntil(const decision::v1::Decision& decision);

}  // namespace nisi::suppliers
