// What handlers and the store say to each other: a mutation as a command, a List as pages over a
// table or index.
#pragma once

#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/call.h"
#include "common/store/store.h"

namespace nisi::rpc {

// A call as the facts of a command.
store::CommandInfo CommandOf(const Call& call);
// With the request's `validate_only`, where it has one.
store::CommandInfo CommandOf(const Call& call, const google::protobuf::Message& request);

// The two times of a request that has as_of and known_at.
template <class Request>
absl::StatusOr<store::At> AtOf(const Request& request) {
  store::At at;
  if (request.has_as_of()) {
    ASSIGN_OR_RETURN(at.as_of, base::Date::FromProto(request.as_of()));
  }
  if (request.has_known_at()) {
    at.known_at_us = request.known_at().seconds() * 1'000'000 + request.known_at().nanos() / 1000;
  }
  return at;
}

// ABORTED (VERSION_MISMATCH) unless the caller's etag, where given, is the record's.
absl::Status CheckEtag(const std::string& given, const std::string& current);

// The number at the n-th star of a resource name; the form check has seen to the pattern. NOT_FOUND
// for a number that no record can have; of "editions/0/entries/8504" it names editions/0 of
// editions.
absl::StatusOr<int32_t> NumberIn(const std::string& name, const std::string& pattern, size_t star);

}  // namespace nisi::rpc
