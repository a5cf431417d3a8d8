#include "services/clusters/places.h"

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

Places AskEach(const Env& env, const rpc::Call& call, const std::set<std::string>& katos) {
  Places places;
  for (const std::string& kato : katos) {
    absl::StatusOr<PlaceFact> place = env.ask_place(call, kato);
    if (place.ok()) places.emplace(kato, *std::move(place));
    if (rpc::IsNotAnswered(place.status())) break;  // nor will it for the others
  }
  return places;
}

absl::Status CheckPlace(const Places& places, const std::string& field, const std::string& kato) {
  const auto place = places.find(kato);
  return place == places.end() || place->second.kato() == kato
             ? absl::OkStatus()
             : errors::PlaceEnded(field, kato, place->second.kato());
}

absl::StatusOr<Places> AskPlaces(const Env& env, const rpc::Call& call,
                                 const std::vector<EnteredPlace>& entered,
                                 const std::set<std::string>& known) {
  std::set<std::string> katos;
  for (const EnteredPlace& place : entered) {
    if (!place.kato.empty()) katos.insert(place.kato);
  }
  Places places = AskEach(env, call, katos);
  for (const auto& [field, kato] : entered) {
    const absl::Status stands = CheckPlace(places, field, kato);
    if (stands.ok()) continue;
    if (!known.contains(kato)) return stands;
    places.erase(kato);
  }
  return places;
}

void KeepPlaces(const std::set<std::string>& katos, const Places& asked,
                google::protobuf::RepeatedPtrField<PlaceFact>* places) {
  Places all = asked;
  for (PlaceFact& fact : *places) all.emplace(fact.kato(), std::move(fact));
  places->Clear();
  for (const std::string& kato : katos) {
    if (const auto place = all.find(kato); place != all.end()) *places->Add() = place->second;
  }
}

void KeepPlace(const Places& asked, v1::Member* member) {
  const std::string& kato = member->participant().region();
  if (const auto place = asked.find(kato); place != asked.end()) {
    *member->mutable_place() = place->second;
  }
  if (member->place().kato() != kato) member->clear_place();
}

}  // namespace nisi::clusters
