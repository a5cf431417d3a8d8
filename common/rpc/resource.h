// What the methods of a resource have in common, as functions that a handler calls, so that what is
// left in it is its article.
//
// By convention a table is named as the collection of its resource's names, and a row's field 1 is
// the resource.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/rpc/call.h"
#include "common/rpc/list.h"
#include "common/rpc/scope.h"
#include "common/rpc/store_call.h"
#include "common/rpc/update.h"
#include "common/store/store.h"

namespace nisi::rpc {

// A record's id from its caller and request id: not to be guessed, the same when the command runs
// again. 20 hexadecimal digits.
std::string IdFor(const Call& call);

// A service's one rule of which states of a resource are seen, given the caller's roles over it.
using Visible = bool (*)(const google::protobuf::Message& resource, uint32_t roles);

// Whether the caller may see the resource, and its roles over it: a public method shows what is
// `visible`, of a closed resource only what it has a role over; any other only what it has a role
// over that the method admits.
bool MaySee(const Call& call, const Ties& ties, const google::protobuf::Message& resource,
            Visible visible, uint32_t* roles);

// MaySee; or a permit of the owner lets the caller read what the record's ties keep from it
// (HasPermit). What is not `visible` no permit shows.
absl::StatusOr<bool> MayRead(const store::Reader& reader, const Call& call, const Ties& ties,
                             const google::protobuf::Message& resource, Visible visible,
                             uint32_t* roles);

// Whether nothing in a record can keep it from the caller.
bool SeesAll(const Call& call, const Ties& ties, Visible visible);

// What a record that is not there is to the caller: NOT_FOUND where nothing could keep it from it,
// else Missing().
absl::Status Absent(const Call& call, const Ties& ties, Visible visible,
                    absl::string_view collection, absl::string_view name);

// The resource in a row.
const google::protobuf::Message& ResourceIn(const google::protobuf::Message& row);
template <class Row>
const Ties& TiesOfRow() {
  static absl::StatusOr<Ties> ties =
      Ties::Of(*Row::descriptor()->FindFieldByNumber(1)->message_type());
  return CheckedTies(ties);
}

template <class Row>
struct Found {
  Row row;
  store::Version version;
  uint32_t roles = 0;  // of the caller over it, in which the method admits it
};

// The record that `name` names, for this caller. What it may not see is Missing(), as what is not
// there, before anything else of the record is judged.
template <class Row>
absl::StatusOr<Found<Row>> FindFor(const store::Reader& reader, const Call& call,
                                   const store::Table<Row>& table, const store::Key& key,
                                   const std::string& name, Visible visible = nullptr,
                                   const store::At& at = {}) {
  ASSIGN_OR_RETURN(auto stored, reader.Find(table, key, at));
  if (!stored.has_value()) return Absent(call, TiesOfRow<Row>(), visible, table.name, name);
  Found<Row> found{std::move(stored->row), stored->version};
  ASSIGN_OR_RETURN(const bool may_read, MayRead(reader, call, TiesOfRow<Row>(),
                                                ResourceIn(found.row), visible, &found.roles));
  if (!may_read) return Missing(call, table.name, name);
  return found;
}

// Whether a caller sees the record under which a list is asked for; else as Get says it.
template <class Row>
absl::Status CheckParent(const store::Store& store, const Call& call,
                         const store::Table<Row>& table, const std::string& name,
                         const store::At& at) {
  const store::View view = store.Read(call.reach);
  return FindFor(view, call, table, store::Key::Of(name), name, nullptr, at).status();
}

// Get in one line, of a request with name, as_of and known_at: stored bytes where nothing must look
// inside.
//   return rpc::GetRecord<v1::Project>(*env.store, call, kProjects, ProjectKey(request.name()),
//                                      request, IsVisible);
template <class Resource, class Row, class Request>
absl::StatusOr<Encoded<Resource>> GetRecord(const store::Store& store, const Call& call,
                                            const store::Table<Row>& table, const store::Key& key,
                                            const Request& request, Visible visible = nullptr) {
  ASSIGN_OR_RETURN(const store::At at, AtOf(request));
  const store::View view = store.Read(call.reach);
  ASSIGN_OR_RETURN(const auto raw, view.FindRaw(table, key, at));
  if (!raw.has_value()) {
    return Absent(call, TiesOf<Resource>(), visible, table.name, request.name());
  }
  ASSIGN_OR_RETURN(const store::ResourceView row, store::SplitRow(raw->row()));
  if (!SeesAll(call, TiesOf<Resource>(), visible)) {
    Resource resource;
    if (!resource.ParseFromArray(row.resource.data(), static_cast<int>(row.resource.size()))) {
      return base::StoreCorrupt("row does not parse");
    }
    uint32_t roles = 0;
    ASSIGN_OR_RETURN(const bool may_read,
                     MayRead(view, call, TiesOf<Resource>(), resource, visible, &roles));
    if (!may_read) return Missing(call, table.name, request.name());
  }
  return Encoded<Resource>{std::string(row.resource)};
}

// What a List shows: the records that the caller may see. Empty where nothing keeps any from it.
// `call` outlives the list.
template <class Resource>
std::function<absl::StatusOr<Shown>(google::protobuf::Message*)> ShowTo(const Call& call,
                                                                        Visible visible = nullptr) {
  if (SeesAll(call, TiesOf<Resource>(), visible)) return nullptr;
  return [&call, visible](google::protobuf::Message* resource) {
    uint32_t roles = 0;
    return MaySee(call, TiesOf<Resource>(), *resource, visible, &roles) ? Shown::kAsStored
                                                                        : Shown::kNo;
  };
}

// Update of a record that was found: its etag, then the fields that the mask names. Confidential
// fields only by whoever sees them, which without `call` is nobody.
template <class Resource>
absl::Status UpdateResource(const Resource& given, const google::protobuf::FieldMask& mask,
                            Resource* stored, const Call* call = nullptr) {
  RETURN_IF_ERROR(CheckEtag(given.etag(), stored->etag()));
  return ApplyUpdate(given, mask, stored, call);
}

// One of a batch failed: says which, as "entries[3]".
absl::Status InItem(absl::Status status, absl::string_view path);

}  // namespace nisi::rpc
