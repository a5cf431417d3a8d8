#include "services/suppliers/places.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "services/suppliers/errors.h"

namespace nisi::suppliers {

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

absl::StatusOr<std::optional<PlaceFact>> EnterPlace(const Env& env, const rpc::Call& call,
                                                    const std::string& field,
                                                    const std::string& kato,
                                                    const std::string& known) {
  if (kato.empty()) return std::nullopt;
  absl::StatusOr<PlaceFact> place = std::move(env.ask_places(call, {kato}).front());
  if (!place.ok() || (place->kato() != kato && kato == known)) return std::nullopt;
  if (place->kato() != kato) return errors::PlaceEnded(field, kato, place->kato());
  return *std::move(place);
}

std::map<std::string, PlaceFact> AskPlaces(const Env& env, const rpc::Call& call,
                                           const std::set<std::string>& katos) {
  std::map<std::string, PlaceFact> places;
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

}  // namespace nisi::suppliers
