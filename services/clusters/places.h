// Regions by date, of the industry map's classifier of places. They are asked when they are entered
// and kept with the record, so that whose akimat it is for is found here.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/rpc/peer.h"
#include "google/protobuf/field_mask.pb.h"
#include "services/clusters/env.h"

namespace nisi::clusters {

// By code what the map says of it today.
using Places = std::map<std::string, PlaceFact>;

// PLACE_ENDED for a code that something else took over from, as its digits would name another
// region than it lies in now.
absl::Status CheckPlace(const Places& places, const std::string& field, const std::string& kato);

// Whether an update enters a field: its mask names it, or as an empty one all that is given.
bool Enters(const google::protobuf::FieldMask& mask, absl::string_view field);

struct EnteredPlace {
  std::string field;  // of the request
  std::string kato;
};
// What the map says today of the codes that a request enters. PLACE_ENDED for one that has ended;
// one of `known`, which the record has had before, is left out instead.
absl::StatusOr<Places> AskPlaces(const Env& env, const rpc::Call& call,
                                 const std::vector<EnteredPlace>& entered,
                                 const std::set<std::string>& known = {});

// Places of a record, by the codes that stand in it: those that were asked for now, and of those
// known before the ones that still do.
void KeepPlaces(const std::set<std::string>& katos, const Places& asked,
                google::protobuf::RepeatedPtrField<PlaceFact>* places);

// The same for a record of one place.
void KeepPlace(const Places& asked, v1::Member* member);

}  // namespace nisi::clusters
