// Places by date, of the industry map's classifier. One is asked for when it is entered and kept
// with the record, so that whose akimat it is for is found here.
#pragma once

#include <optional>
#include <string>

#include "services/suppliers/env.h"

namespace nisi::suppliers {

// What the map says today of a code that a request enters in `field`. Outside any transaction.
// nullopt where it does not know it or does not answer, and for an empty code: it is taken by its
// digits. PLACE_ENDED for a code that something else took over from, as its digits would name
// another region than it lies in now; not for `known`, which the record has had before.
absl::StatusOr<std::optional<PlaceFact>> EnterPlace(const Env& env, const rpc::Call& call,
                                                    const std::string& field,
                                                    const std::string& kato,
                                                    const std::string& known = "");

// Sets `place` of a record by its `kato`: what was asked for now, else what was known before of the
// same code, else nothing.
template <class Record>
void KeepPlace(const std::optional<PlaceFact>& asked, Record* record) {
  if (asked.has_value() && asked->kato() == record->kato()) *record->mutable_place() = *asked;
  if (record->place().kato() != record->kato()) record->clear_place();
}

}  // namespace nisi::suppliers
