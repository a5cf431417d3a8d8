// Applying an Update request to the stored resource by its field mask (AIP-134, AIP-161).
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/call.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

// A fault of a mask: of a path by its index, or -1 of all.
struct MaskFault {
  int path;
  std::string what;
};
// What ApplyUpdate refuses of a mask whatever is stored: `*`, unknown, over 100, through a repeated
// field or a map, an etag, output_only, and what would leave a required field empty. The form of
// the request has it, so that it is told before the record is looked at: an etag that is old by now
// would hide it.
std::vector<MaskFault> FaultsOfMask(const google::protobuf::Message& from,
                                    const google::protobuf::FieldMask& mask);

// Copies from `from` to `to`, both of one type, the fields that `mask` names; an empty mask names
// every field that is set in `from`, but etags. A named field that is unset in `from` is cleared. A
// path may lead through singular sub-messages; a sub-message named as a whole is replaced, keeping
// what in it is output_only; dates and times are one value.
//
// INVALID_ARGUMENT, reason INVALID_FIELD, with `update_mask.paths[i]` (for an empty mask: the
// resource's field) for each path that
// - is `*`, unknown, over 100, leads through a repeated field or a map, or names an etag;
// - is output_only (for an empty mask: only when it differs from what is stored);
// - is immutable and would change;
// - would leave a required field empty, or all of which a message must hold one (its `form`).
// Then `to` is as before.
//
// PERMISSION_DENIED, reason FIELD_CONFIDENTIAL, before any of these and whatever is stored, for a
// path to a confidential field that the caller may not see: neither the record's owner nor of a
// role over it that the field names. Without `call` nobody may see any.
absl::Status ApplyUpdate(const google::protobuf::Message& from,
                         const google::protobuf::FieldMask& mask, google::protobuf::Message* to,
                         const Call* call = nullptr);

}  // namespace nisi::rpc
