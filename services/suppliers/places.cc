#include "services/suppliers/places.h"

#include <utility>

#include "common/cases/refusals.h"
#include "services/suppliers/errors.h"

namespace nisi::suppliers {

absl::StatusOr<std::optional<PlaceFact>> EnterPlace(const Env& env, const rpc::Call& call,
                                                    const std::string& field,
                                                    const std::string& kato,
                                                    const std::string& known) {
  if (kato.empty()) return std::nullopt;
  absl::StatusOr<PlaceFact> place = std::move(env.ask_places(call, {kato}).front());
  if (!place.ok() || (place->kato() != kato && kato == known)) return std::nullopt;
  if (place->kato() != kato)
    return cases::PlaceEnded(field, kato, place->kato(), errors::DatabaseRules());
  return *std::move(place);
}

}  // namespace nisi::suppliers
