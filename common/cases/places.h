// The classifier of places, as services ask it that keep with a record what it said of the record's
// place (nisi.industry_map.v1.PlaceFact).
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/rpc/call.h"
#include "common/rpc/peer.h"

namespace nisi::cases {

// For each code the place that it stands for today. All are asked side by side, outside any
// transaction. A refusal says that there is no such place; silence is DEPENDENCY_NOT_ANSWERED.
template <class Fact>
using AskPlaces = std::function<std::vector<absl::StatusOr<Fact>>(
    const rpc::Call& call, const std::vector<std::string>& katos)>;

// Asks the service `source` by its method that resolves a code, as industry-map's ResolvePlace
// does.
template <class Fact, class Request, class Response>
AskPlaces<Fact> PlacesBy(rpc::PeerMethod<Request, Response> resolve, const std::string& source) {
  return [resolve = std::move(resolve), source](const rpc::Call& call,
                                                const std::vector<std::string>& katos) {
    Request request;
    *request.mutable_as_of() = call.today().ToProto();
    rpc::SideBySide asking;
    std::vector<std::shared_ptr<const rpc::SideBySide::Asked<Response>>> asked;
    for (const std::string& kato : katos) {
      request.set_kato(kato);
      asked.push_back(asking.Add(resolve, request));
    }
    asking.Wait(call);
    std::vector<absl::StatusOr<Fact>> places;
    for (const auto& one : asked) {
      const auto& place = one->answer.message.place();
      const auto& region = one->answer.message.region();
      if (!one->status.ok()) {
        places.emplace_back(one->status);
      } else if (!base::Kato::Parse(place.kato()).ok() || !base::Kato::Parse(region.kato()).ok()) {
        places.emplace_back(resolve.WrongAnswer());
      } else {
        Fact fact;
        fact.set_kato(place.kato());
        fact.set_region(region.kato());
        *fact.mutable_as_of() = request.as_of();
        fact.set_source(absl::StrCat(source, "/", place.name()));
        fact.set_version(place.etag());
        fact.set_classifier(place.classifier());
        places.emplace_back(std::move(fact));
      }
    }
    return places;
  };
}

// By code what it stands for. Left out is a code of no place, and all that remain once there is no
// answer: nothing is held up by that, and they are taken by their digits.
template <class Fact>
std::map<std::string, Fact> PlacesOf(const AskPlaces<Fact>& ask, const rpc::Call& call,
                                     const std::set<std::string>& katos) {
  constexpr size_t kAtOnce = 64;  // more would be many for one service at once
  std::map<std::string, Fact> places;
  const std::vector<std::string> all(katos.begin(), katos.end());
  bool answers = true;
  // The first alone: where that gets no answer, the others wait for none.
  size_t next = 0;
  for (size_t end = std::min<size_t>(1, all.size()); answers && next < all.size();
       next = end, end = std::min(end + kAtOnce, all.size())) {
    const std::vector<std::string> some(all.begin() + static_cast<ptrdiff_t>(next),
                                        all.begin() + static_cast<ptrdiff_t>(end));
    std::vector<absl::StatusOr<Fact>> said = ask(call, some);
    for (size_t i = 0; i < some.size(); ++i) {
      if (said[i].ok()) places.emplace(some[i], *std::move(said[i]));
      answers = answers && !rpc::IsNotAnswered(said[i].status());
    }
  }
  return places;
}

}  // namespace nisi::cases
