// Where on the map: cells of the world's quadtree, and the few of them that cover a rectangle.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "nisi/industry_map/v1/service.pb.h"

namespace nisi::industry_map {

// The cell of a point among 4^16: 16 digits 0-3, of which each next one halves both sides, so that
// a quad of the tree is the text prefix of the cells in it. Some 0.4 by 0.3 km in Kazakhstan.
std::string QuadKey(const v1::Point& point);

// BOX_INVALID where south lies over north or west over east.
absl::Status CheckBox(const v1::Box& box);
// Whether the point lies in it, edges included.
bool Holds(const v1::Box& box, const v1::Point& point);

// At most 50 prefixes of cells, none within another, in order of text, which together hold every
// cell that meets the box.
std::vector<std::string> Cover(const v1::Box& box);

}  // namespace nisi::industry_map
