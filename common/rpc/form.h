// The form of a request, checked from what its .proto declares (nisi.rpc.v1.field), before any
// handler runs.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/parse.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

// The rules of one request type, compiled once. Thread-safe.
//
// How the options are read:
// - An unset field (also a number 0 or an empty string without presence) meets every rule but
//   `required`.
// - `required` on a member of a oneof means that one of its members is set; the path is then the
//   oneof's name.
// - In a message with an `update_mask`, sub-messages are patches: nothing in them is required
//   (ApplyUpdate refuses to clear what is) but the resource's own `name`, which says what is to be
//   changed: it must be given though it is output_only, and have its form.
// - In a message with a `form`, one of its `any_of` fields is set, but in a patch, where
//   ApplyUpdate sees to it. Its mask names what may be named (FaultsOfMask).
// - An item of a repeated field is present: it must not be an empty string.
// - RAW text passes and stays as it is. The function that has it checks a message of the right form
//   filled from it with a FormChecker of its own.
// - google.type.Date must be a real whole date of 1990 to 2199, google.protobuf.Timestamp sane,
//   google.type.Money in tenge, exact to the tiyn, from `min` or 0 to `max` or 10^15 tenge; floats
//   finite, enums known and not deprecated, maps at most 64 entries with keys of 1 to 64
//   bytes unless max_items says else.
class FormChecker {
 public:
  explicit FormChecker(const google::protobuf::Descriptor* request);
  ~FormChecker();
  FormChecker(FormChecker&&) noexcept;
  FormChecker& operator=(FormChecker&&) noexcept;

  // Checks `request`, which is of the compiled type, and brings its TEXT and MULTILINE strings to
  // NFC in place. INVALID_ARGUMENT with reason INVALID_FIELD and all violations, at most 20, never
  // with a value; or with reason MALFORMED_MESSAGE when some message holds over kMaxUnknownFields
  // unknown fields or nests too deep. `is_mutation`: output_only fields must not be set. Allocates
  // nothing when all is well, but for non-ASCII text, resource names, maps and unique_items of over
  // 16 items.
  absl::Status Check(google::protobuf::Message* request, bool is_mutation = false) const;

 private:
  struct Rule;
  struct Node;
  class Compiler;
  class Run;

  std::vector<std::unique_ptr<Node>> nodes_;  // [0] is the request itself
};

// Whether the rules of `message` and all it holds make sense: FAILED_PRECONDITION listing each
// field that has a rule its type cannot have, and each own name of an update's resource that has no
// pattern. A server calls it at start for each request type and
// does not start on failure.
absl::Status CheckDescriptor(const google::protobuf::Descriptor* message);

}  // namespace nisi::rpc
