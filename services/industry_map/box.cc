#include "services/industry_map/box.h"

#include <algorithm>
#include <cstdint>

#include "services/industry_map/errors.h"

namespace nisi::industry_map {
namespace {

constexpr int kLevels = 16;
// Of a box of some degrees they then hold a third more than it; of 16, four fifths more, and all
// that lies in them is read.
constexpr size_t kEnough = 48;
constexpr int64_t kWidth = 360'000'000;   // millionths of a degree
constexpr int64_t kHeight = 180'000'000;  // millionths of a degree

// The columns and rows of cells that something spans, both ends included.
struct Span {
  int64_t west = 0, east = 0, south = 0, north = 0;
};

int64_t Cell(int64_t millionths, int64_t whole) {
  const int64_t cells = int64_t{1} << kLevels;
  return std::clamp<int64_t>((millionths + whole / 2) * cells / whole, 0, cells - 1);
}

Span SpanOf(const v1::Box& box) {
  return {Cell(box.west_millionths(), kWidth), Cell(box.east_millionths(), kWidth),
          Cell(box.south_millionths(), kHeight), Cell(box.north_millionths(), kHeight)};
}

// Of a quad, by its digits: 2 for the northern half, 1 for the eastern.
Span SpanOf(const std::string& quad) {
  int64_t x = 0, y = 0;
  for (const char digit : quad) {
    x = x * 2 + ((digit - '0') & 1);
    y = y * 2 + ((digit - '0') >> 1);
  }
  const int below = kLevels - static_cast<int>(quad.size());
  const int64_t side = int64_t{1} << below;
  return {x * side, (x + 1) * side - 1, y * side, (y + 1) * side - 1};
}

bool Meets(const Span& a, const Span& b) {
  return a.west <= b.east && b.west <= a.east && a.south <= b.north && b.south <= a.north;
}

bool IsInside(const Span& a, const Span& b) {
  return b.west <= a.west && a.east <= b.east && b.south <= a.south && a.north <= b.north;
}

// Four siblings say no more than their parent.
void Join(std::vector<std::string>* quads) {
  for (bool joined = true; joined;) {
    joined = false;
    std::sort(quads->begin(), quads->end());
    for (size_t i = 0; i + 3 < quads->size(); ++i) {
      const std::string& first = (*quads)[i];
      if (first.empty() || first.back() != '0') continue;
      const std::string parent = first.substr(0, first.size() - 1);
      if ((*quads)[i + 1] != parent + "1" || (*quads)[i + 2] != parent + "2" ||
          (*quads)[i + 3] != parent + "3") {
        continue;
      }
      const auto at = quads->begin() + static_cast<std::ptrdiff_t>(i);
      quads->erase(at, at + 4);
      quads->push_back(parent);
      joined = true;
      break;
    }
  }
}

}  // namespace

std::string QuadKey(const v1::Point& point) {
  const int64_t x = Cell(point.longitude_millionths(), kWidth);
  const int64_t y = Cell(point.latitude_millionths(), kHeight);
  std::string digits;
  for (int bit = kLevels - 1; bit >= 0; --bit) {
    digits.push_back(static_cast<char>('0' + ((y >> bit) & 1) * 2 + ((x >> bit) & 1)));
  }
  return digits;
}

absl::Status CheckBox(const v1::Box& box) {
  if (box.south_millionths() > box.north_millionths()) {
    return errors::BoxInvalid("box.south_millionths");
  }
  if (box.west_millionths() > box.east_millionths()) {
    return errors::BoxInvalid("box.west_millionths");
  }
  return absl::OkStatus();
}

bool Holds(const v1::Box& box, const v1::Point& point) {
  return box.south_millionths() <= point.latitude_millionths() &&
         point.latitude_millionths() <= box.north_millionths() &&
         box.west_millionths() <= point.longitude_millionths() &&
         point.longitude_millionths() <= box.east_millionths();
}

std::vector<std::string> Cover(const v1::Box& box) {
  const Span wanted = SpanOf(box);
  std::vector<std::string> quads{""};
  while (quads.size() < kEnough) {
    // The largest that reaches out of the box; of several the first, so that it is always the same.
    size_t largest = quads.size();
    for (size_t i = 0; i < quads.size(); ++i) {
      const bool cut = quads[i].size() < kLevels && !IsInside(SpanOf(quads[i]), wanted);
      if (cut && (largest == quads.size() || quads[i].size() < quads[largest].size())) largest = i;
    }
    if (largest == quads.size()) break;
    const std::string parent = quads[largest];
    quads.erase(quads.begin() + static_cast<std::ptrdiff_t>(largest));
    for (const char* child : {"0", "1", "2", "3"}) {
      if (Meets(SpanOf(parent + child), wanted)) quads.push_back(parent + child);
    }
  }
  Join(&quads);
  return quads;
}

}  // namespace nisi::industry_map
