// Places of KATO by date.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/date.h"
#include "common/store/reader.h"
#include "common/store/table.h"
#include "nisi/industry_map/v1/places.pb.h"

namespace nisi::industry_map {

// Whether a record may lie there on the day: a place in force; any code of a region as long as no
// classifier was taken in. PLACE_UNKNOWN, which names `field`.
absl::Status CheckPlace(const store::Reader& reader, const std::string& kato, base::Date day,
                        const std::string& field);

// The code of what a place has become by the day; itself where no classifier knows better.
absl::StatusOr<std::string> CodeOn(const store::Reader& reader, const std::string& kato,
                                   base::Date day);
// Two digits of the region in which a place lies on the day; its own where no classifier knows
// better.
absl::StatusOr<std::string> RegionOn(const store::Reader& reader, const std::string& kato,
                                     base::Date day);
// The day on which a place ends, or ended, and the code of what takes over from it. Nothing for a
// place that goes on, or ends without a successor.
struct Move {
  base::Date day;
  std::string kato;
};
absl::StatusOr<std::optional<Move>> NextMove(const store::Reader& reader, const std::string& kato);

// The code that stands around another by the digits alone, nearest first: of 103245100 these are
// 103245000, 103200000 and 100000000.
std::vector<std::string> CodesAround(const std::string& kato);

}  // namespace nisi::industry_map
