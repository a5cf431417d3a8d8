// Regions by date, of the industry map's classifier of places. They are asked when they are entered
// and kept with the record, so that whose akimat it is for is found here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/rpc/peer.h"
#include "services/clusters/env.h"

namespace nisi::clusters {

// For Env::ask_place. `peers` may be null: then nobody answers.
std::function<absl::StatusOr<PlaceFact>(const rpc::Call&, const std::string&)> AskPlace(
    rpc::Peers* peers);

struct EnteredPlace {
  std::string field;  // of the request
  std::string kato;
};
// What the map says of them today. Outside any transaction. One that it does not know is left out,
// and so are all where it does not answer: they are taken by their digits. PLACE_ENDED for a code
// that something else took over from, as its digits would name another region than it lies in now;
// one of `known`, which the record has had before, is left out instead.
absl::StatusOr<std::vector<PlaceFact>> AskPlaces(
    const Env& env, const rpc::Call& call, const std::vector<EnteredPlace>& entered,
    const google::protobuf::RepeatedPtrField<std::string>& known = {});

// A record's regions as its facts: those that were asked for now, and of those known before the
// ones that are still regions of it.
void KeepPlaces(const google::protobuf::RepeatedPtrField<std::string>& regions,
                const std::vector<PlaceFact>& asked,
                google::protobuf::RepeatedPtrField<PlaceFact>* places);

}  // namespace nisi::clusters
