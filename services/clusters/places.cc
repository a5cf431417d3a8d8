#include "services/clusters/places.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "services/clusters/errors.h"

namespace nisi::clusters {

using industry_map::v1::PlacesService;
using industry_map::v1::ResolvePlaceRequest;

std::function<absl::StatusOr<PlaceFact>(const rpc::Call&, const std::string&)> AskPlace(
    rpc::Peers* peers) {
  return [resolve = NISI_PEER(peers, PlacesService, ResolvePlace)](
             const rpc::Call& call, const std::string& kato) -> absl::StatusOr<PlaceFact> {
    ResolvePlaceRequest request;
    request.set_kato(kato);
    *request.mutable_as_of() = call.today().ToProto();
    ASSIGN_OR_RETURN(const auto answer, resolve(call, request));
    const industry_map::v1::Place& place = answer.message.place();
    const industry_map::v1::Place& region = answer.message.region();
    if (!base::Kato::Parse(place.kato()).ok() || !base::Kato::Parse(region.kato()).ok()) {
      return resolve.WrongAnswer();
    }
    PlaceFact fact;
    fact.set_kato(place.kato());
    fact.set_region(region.kato());
    *fact.mutable_as_of() = request.as_of();
    fact.set_source(absl::StrCat("industry-map/", place.name()));
    fact.set_version(place.etag());
    fact.set_classifier(place.classifier());
    return fact;
  };
}

absl::StatusOr<std::vector<PlaceFact>> AskPlaces(
    const Env& env, const rpc::Call& call, const std::vector<EnteredPlace>& entered,
    const google::protobuf::RepeatedPtrField<std::string>& known) {
  std::vector<PlaceFact> places;
  for (const auto& [field, kato] : entered) {
    absl::StatusOr<PlaceFact> place = env.ask_place(call, kato);
    if (rpc::IsNotAnswered(place.status())) break;  // nor will it for the others
    if (!place.ok()) continue;
    if (place->kato() != kato) {
      if (std::find(known.begin(), known.end(), kato) != known.end()) continue;
      return errors::PlaceEnded(field, kato, place->kato());
    }
    places.push_back(*std::move(place));
  }
  return places;
}

void KeepPlaces(const google::protobuf::RepeatedPtrField<std::string>& regions,
                const std::vector<PlaceFact>& asked,
                google::protobuf::RepeatedPtrField<PlaceFact>* places) {
  google::protobuf::RepeatedPtrField<PlaceFact> kept;
  const auto keep = [&kept](const auto& facts, const std::string& kato) {
    for (const PlaceFact& fact : facts) {
      if (fact.kato() != kato) continue;
      *kept.Add() = fact;
      return true;
    }
    return false;
  };
  for (const std::string& region : regions) {
    if (!keep(asked, region)) keep(*places, region);
  }
  *places = std::move(kept);
}

}  // namespace nisi::clusters
