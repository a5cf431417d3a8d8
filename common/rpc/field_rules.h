// What the forms of nisi.rpc.v1.field mean for one value. Used by the form check, the filter and
// the field mask.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "nisi/rpc/v1/options.pb.h"

namespace nisi::rpc {

inline const v1::Field& RuleOf(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(v1::field);
}

// Whether `value`, which is not empty, has the form. The message of a failure is what is wrong, for
// people, and never holds the value. `pattern` serves RESOURCE_NAME only. FILTER, ORDER_BY and
// PAGE_TOKEN are left to their parsers, which refuse with reasons of their own; RAW to the
// function; TEXT and MULTILINE to CheckLine.
absl::Status CheckFormat(v1::Format format, absl::string_view value, absl::string_view pattern);

// The same for TEXT and MULTILINE, whatever the length. Brings `value` to NFC.
absl::Status CheckLine(bool multiline, std::string* value);

// Whether `value` is visible ASCII without control characters: then it is TEXT and NFC as it
// stands.
bool IsPlainAscii(absl::string_view value);

// Code points of well-formed UTF-8.
size_t CodePoints(absl::string_view value);

// The whole date in a google.type.Date as YYYYMMDD, so that integers order as dates do; 0 when it
// is no real date between 1990 and 2199.
int32_t DateNumber(const google::protobuf::Message& date);

struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
  auto operator<=>(const Instant&) const = default;
};
Instant InstantOf(const google::protobuf::Message& timestamp);
// Years 1990 to 2199, whole nanoseconds of one second.
bool IsSane(const Instant& instant);

enum class WellKnown { kNone, kDate, kTimestamp, kFieldMask };
WellKnown WellKnownOf(const google::protobuf::Descriptor& descriptor);

}  // namespace nisi::rpc
