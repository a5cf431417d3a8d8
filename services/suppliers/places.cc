#include "services/suppliers/places.h"

#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "services/suppliers/errors.h"

namespace nisi::suppliers {

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

absl::StatusOr<std::optional<PlaceFact>> EnterPlace(const Env& env, const rpc::Call& call,
                                                    const std::string& field,
                                                    const std::string& kato,
                                                    const std::string& known) {
  if (kato.empty()) return std::nullopt;
  absl::StatusOr<PlaceFact> place = env.ask_place(call, kato);
  if (!place.ok() || (place->kato() != kato && kato == known)) return std::nullopt;
  if (place->kato() != kato) return errors::PlaceEnded(field, kato, place->kato());
  return *std::move(place);
}

std::map<std::string, PlaceFact> AskPlaces(const Env& env, const rpc::Call& call,
                                           const std::set<std::string>& katos) {
  std::map<std::string, PlaceFact> places;
  for (const std::string& kato : katos) {
    absl::StatusOr<PlaceFact> place = env.ask_place(call, kato);
    if (place.ok()) places.emplace(kato, *std::move(place));
    if (rpc::IsNotAnswered(place.status())) break;  // nor will it for the others
  }
  return places;
}

}  // namespace nisi::suppliers
