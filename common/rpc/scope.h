// Who stands how to a record: the one answer that handlers, lists and the difference between
// NOT_FOUND and ACCESS_DENIED are made of.
//
// | who              | holds over a record                                               |
// | country roles    | always                                                            |
// | ENTITY, CUSTOMER | whose bin_fields have the caller's BIN                            |
// | AKIMAT           | of whose region_fields one lies in the caller's regions (InRegions) |
// | HOLDING          | whose body_field is the caller's BIN                              |
// | EXPERT           | whose expert_field has the caller's subject                       |
//
// The fields are those of nisi.rpc.v1.resource; what a type does not declare holds for nobody.
// Children (offers, reports) copy the ties of their parent when they are put, so that every row is
// judged by itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/call.h"
#include "common/rpc/caller.h"
#include "common/rpc/field_path.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

// Roles that hold over what is theirs alone.
inline constexpr uint32_t kScopedRoles = base::RoleBit(v1::AKIMAT) | base::RoleBit(v1::HOLDING) |
                                         base::RoleBit(v1::ENTITY) | base::RoleBit(v1::CUSTOMER) |
                                         base::RoleBit(v1::EXPERT);
// Roles that hold over every record. OPERATOR reads no records, and PUBLIC is no role over any.
inline constexpr uint32_t kCountryRoles =
    base::RoleBit(v1::AUTHORITY_INDUSTRY) | base::RoleBit(v1::AUTHORITY_TRADE) |
    base::RoleBit(v1::AUTHORITY_SUBSOIL) | base::RoleBit(v1::INSTITUTE_INDUSTRY) |
    base::RoleBit(v1::INSTITUTE_LOCAL_CONTENT) | base::RoleBit(v1::INSTITUTE_EXPORT) |
    base::RoleBit(v1::AUDITOR);

// The ties of one resource type, compiled once. Thread-safe.
class Ties {
 public:
  // FAILED_PRECONDITION (POLICY_INVALID) for a path that leads nowhere or through a repeated
  // message, and a confidential tie but that to experts.
  static absl::StatusOr<Ties> Of(const google::protobuf::Descriptor& resource);

  // The caller's roles that hold over this version of the record, which is of the compiled type.
  uint32_t RolesOver(const Caller& caller, const google::protobuf::Message& resource) const;
  // BIN or IIN of its owner in the sense of Art. 6(3): the first of bin_fields. Empty: none is
  // known.
  std::string Owner(const google::protobuf::Message& resource) const;
  // BINs of its parties, the owner first.
  std::vector<std::string> Parties(const google::protobuf::Message& resource) const;
  // The scoped roles that the type ties to its records.
  uint32_t roles() const;
  bool closed() const { return closed_; }

 private:
  std::vector<FieldPath> bins_, regions_;
  FieldPath body_, expert_;
  bool closed_ = false;
};

// The ties of a type whose declaration was seen to hold at start (CheckScopesDeclared); without
// that, a wrong one ends the process.
const Ties& CheckedTies(absl::StatusOr<Ties>& ties);
template <class Resource>
const Ties& TiesOf() {
  static absl::StatusOr<Ties> ties = Ties::Of(*Resource::descriptor());
  return CheckedTies(ties);
}

// The caller's roles over the record in which the method admits it; all of them where the method is
// public. An `unscoped` method lets its callers in, and ties none of them to a record.
uint32_t RolesFor(const Call& call, const Ties& ties, const google::protobuf::Message& resource);

// What a handler does not find or may not show: NOT_FOUND to whoever the method admits by a role
// for the whole country; ACCESS_DENIED to all others, so that a record that is not there and one
// that is not theirs are the same.
absl::Status Missing(const Call& call, absl::string_view collection, absl::string_view name);

// At start, for each method: every scoped role that it admits is held by bin_field, region_field,
// the ties of the resource that `name`, `parent` or an update's resource names, or those of the
// closed resource that it lists; or everybody may call it, or `unscoped` says why it need not be.
// Also whether the ties of all resources that the service knows hold. POLICY_INVALID.
absl::Status CheckScopesDeclared(const google::protobuf::ServiceDescriptor& service);

}  // namespace nisi::rpc
