#include "services/clusters/places.h"

#include <algorithm>

#include "common/cases/refusals.h"
#include "services/clusters/errors.h"

namespace nisi::clusters {

absl::Status CheckPlace(const Places& places, const std::string& field, const std::string& kato) {
  const auto place = places.find(kato);
  return place == places.end() || place->second.kato() == kato
             ? absl::OkStatus()
             : cases::PlaceEnded(field, kato, place->second.kato(), errors::KeepingTheRegister());
}

bool Enters(const google::protobuf::FieldMask& mask, absl::string_view field) {
  return mask.paths().empty() ||
         std::find(mask.paths().begin(), mask.paths().end(), field) != mask.paths().end();
}

absl::StatusOr<Places> AskPlaces(const Env& env, const rpc::Call& call,
                                 const std::vector<EnteredPlace>& entered,
                                 const std::set<std::string>& known) {
  std::set<std::string> katos;
  for (const EnteredPlace& place : entered) {
    if (!place.kato.empty()) katos.insert(place.kato);
  }
  Places places = cases::PlacesOf(env.ask_places, call, katos);
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
