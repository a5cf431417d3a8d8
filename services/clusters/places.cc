#include "services/clusters/places.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "services/clusters/errors.h"

namespace nisi::clusters {

using industry_map::v1::PlacesService;
using industry_map::v1::ResolvePlaceRequest;
using industry_map::v1::ResolvePlaceResponse;

namespace {

// So many questions go out together; more would be many for the map at once.
constexpr size_t kAtOnce = 64;

std::optional<PlaceFact> FactOf(const ResolvePlaceResponse& said, const google::type::Date& day) {
  const industry_map::v1::Place& place = said.place();
  const industry_map::v1::Place& region = said.region();
  if (!base::Kato::Parse(place.kato()).ok() || !base::Kato::Parse(region.kato()).ok()) {
    return std::nullopt;
  }
  PlaceFact fact;
  fact.set_kato(place.kato());
  fact.set_region(region.kato());
  *fact.mutable_as_of() = day;
  fact.set_source(absl::StrCat("industry-map/", place.name()));
  fact.set_version(place.etag());
  fact.set_classifier(place.classifier());
  return fact;
}

}  // namespace

std::function<std::vector<absl::StatusOr<PlaceFact>>(const rpc::Call&,
                                                     const std::vector<std::string>&)>
AskMap(rpc::Peers* peers) {
  return [resolve = NISI_PEER(peers, PlacesService, ResolvePlace)](
             const rpc::Call& call, const std::vector<std::string>& katos) {
    ResolvePlaceRequest request;
    *request.mutable_as_of() = call.today().ToProto();
    rpc::SideBySide asking;
    std::vector<std::shared_ptr<const rpc::SideBySide::Asked<ResolvePlaceResponse>>> asked;
    for (const std::string& kato : katos) {
      request.set_kato(kato);
      asked.push_back(asking.Add(resolve, request));
    }
    asking.Wait(call);
    std::vector<absl::StatusOr<PlaceFact>> places;
    for (const auto& one : asked) {
      if (!one->status.ok()) {
        places.emplace_back(one->status);
      } else if (auto fact = FactOf(one->answer.message, request.as_of()); fact.has_value()) {
        places.emplace_back(*std::move(fact));
      } else {
        places.emplace_back(resolve.WrongAnswer());
      }
    }
    return places;
  };
}

Places AskEach(const Env& env, const rpc::Call& call, const std::set<std::string>& katos) {
  Places places;
  const std::vector<std::string> all(katos.begin(), katos.end());
  bool answers = true;
  // The first alone: where that gets no answer, the others wait for none.
  size_t next = 0;
  for (size_t end = std::min<size_t>(1, all.size()); answers && next < all.size();
       next = end, end = std::min(end + kAtOnce, all.size())) {
    const std::vector<std::string> some(all.begin() + static_cast<ptrdiff_t>(next),
                                        all.begin() + static_cast<ptrdiff_t>(end));
    std::vector<absl::StatusOr<PlaceFact>> said = env.ask_places(call, some);
    for (size_t i = 0; i < some.size(); ++i) {
      if (said[i].ok()) places.emplace(some[i], *std::move(said[i]));
      answers = answers && !rpc::IsNotAnswered(said[i].status());
    }
  }
  return places;
}

absl::Status CheckPlace(const Places& places, const std::string& field, const std::string& kato) {
  const auto place = places.find(kato);
  return place == places.end() || place->second.kato() == kato
             ? absl::OkStatus()
             : errors::PlaceEnded(field, kato, place->second.kato());
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
