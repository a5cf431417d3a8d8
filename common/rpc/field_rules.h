// What the forms of nisi.rpc.v1.field mean for one value. Used by the form check, the filter and
// the field mask.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/money.h"
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

// The sum in a google.type.Money. The message of a failure is what is wrong, without the value.
absl::StatusOr<base::Money> MoneyOf(const google::protobuf::Message& money);

struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
  auto operator<=>(const Instant&) const = default;
};
Instant InstantOf(const google::protobuf::Message& timestamp);
// Years 1990 to 2199, whole nanoseconds of one second.
bool IsSane(const Instant& instant);

enum class WellKnown { kNone, kDate, kTimestamp, kFieldMask, kMoney };
WellKnown WellKnownOf(const google::protobuf::Descriptor& descriptor);

// Whether a request changes a resource by a field mask.
inline bool IsUpdate(const google::protobuf::Descriptor& request) {
  const google::protobuf::FieldDescriptor* mask = request.FindFieldByName("update_mask");
  return mask != nullptr && !mask->is_repeated() && mask->message_type() != nullptr &&
         WellKnownOf(*mask->message_type()) == WellKnown::kFieldMask;
}

// Whether a field of a resource is its own name: the system gives it, and an update says by it what
// is to be changed.
inline bool IsOwnName(const google::protobuf::FieldDescriptor& field) {
  return field.name() == "name" && field.type() == google::protobuf::FieldDescriptor::TYPE_STRING &&
         !field.is_repeated() && RuleOf(field).output_only();
}

// Most items of a repeated field, or entries of a map.
int MaxItems(const google::protobuf::FieldDescriptor& field);
// What is wrong where it holds more.
std::string TooManyProblem(int max_items);

// Whether a field is there: set, or for a repeated one, with items.
bool IsGiven(const google::protobuf::Message& message,
             const google::protobuf::FieldDescriptor& field);

// The fields of which a message of this type must hold one (nisi.rpc.v1.form); empty: it need not.
std::vector<const google::protobuf::FieldDescriptor*> AnyOf(
    const google::protobuf::Descriptor& descriptor);
// Whether it holds one of them, where there are any.
bool HoldsAnyOf(const google::protobuf::Message& message,
                const std::vector<const google::protobuf::FieldDescriptor*>& any_of);
// What is wrong when it does not, said of the first of them: "is required unless ru is given".
std::string NoneOfProblem(const std::vector<const google::protobuf::FieldDescriptor*>& any_of);

}  // namespace nisi::rpc
