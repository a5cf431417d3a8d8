// Subjects that no person and no agency has. Whose token or entry among the principals says one is
// refused: the journal would tell another's acts of him.
#pragma once

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace nisi::rpc {

// Of a service that calls by itself: "service:grants".
inline constexpr char kServiceSubject[] = "service:";

// The service that a subject is of; "" for all others.
inline absl::string_view ServiceOfSubject(absl::string_view subject) {
  return absl::ConsumePrefix(&subject, kServiceSubject) ? subject : "";
}

// Those of services, of what acts by itself ("system/timer"), and what stands for nobody at an
// address in the gateway ("peer 10.0.0.7").
inline bool IsReservedSubject(absl::string_view subject) {
  return absl::StartsWith(subject, kServiceSubject) || absl::StartsWith(subject, "system/") ||
         absl::StartsWith(subject, "peer ");
}

}  // namespace nisi::rpc
