// Messages between their wire form and JSON (protobuf.dev/programming-guides/json), by their
// descriptors: no code a message.
//
// Debian's json_util takes keys twice, single quotes and commas too many, names no field, and needs
// many times the CPU; the tests hold what is here against it. Of the well-known types Timestamp,
// Duration, FieldMask and, going out, Any have their own forms; no contract here uses another.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace nisi::gateway {

// INVALID_ARGUMENT, MALFORMED_MESSAGE: not the JSON of such a message. What two readers could read
// in two ways is refused; so is what a service would refuse as bytes (common/rpc/parse.h). It names
// the field where there is one.
absl::StatusOr<std::string> FromJson(const google::protobuf::Descriptor& type, std::string text);

// Fields that are not set are left out. INTERNAL where the bytes are no such message, or one
// without a form in JSON: a time of the year 10000.
absl::StatusOr<std::string> ToJson(const google::protobuf::Descriptor& type,
                                   absl::string_view bytes);

// Whether it is a time, or a duration, as JSON can say it.
bool IsInRange(const google::protobuf::Timestamp& time);
bool IsInRange(const google::protobuf::Duration& duration);

}  // namespace nisi::gateway
